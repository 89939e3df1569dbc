"""The stack ``elevenlabs+d-id``, whole: a voice cloned there, a face here, and a video of both."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from avatarkit import AvatarKit, Consent, Status
from avatarkit.config.settings import Settings
from avatarkit.interfaces import ProviderSettings
from avatarkit.media.folder import FolderStore
from avatarkit.models import Operation
from avatarkit.providers.did import DID, DIDScript
from avatarkit.providers.elevenlabs import ElevenLabs
from avatarkit.providers.fake import filmed
from avatarkit.repositories.memory import MemoryRepository
from avatarkit.testing import FakeClock, Wire
from results import mp3

pytestmark = pytest.mark.anyio

HERE = Path(__file__).parent
DEMO = HERE.parent.parent / "src/avatarkit/data/demo"
VOICES, FACES = (json.loads((HERE / f"{name}.json").read_text()) for name in ("elevenlabs", "did"))
SPOKEN = mp3(9.5)
FILM = filmed(10)


class Opened(DID):
    """Opens its own links, instead of the network."""

    async def fetch(self, url):
        yield FILM


class House:
    def __init__(self, folder):
        self.clock = FakeClock()
        self.voices, self.faces = Wire(), Wire()
        settings = ProviderSettings(api_key=SecretStr("k"), clock=self.clock)
        faces = replace(settings, other_keys={"elevenlabs": SecretStr("other")})
        self.kit = AvatarKit(
            "elevenlabs+d-id",
            repository=MemoryRepository(clock=self.clock),
            media=FolderStore(folder),
            providers={
                "elevenlabs": ElevenLabs(settings, client=self.voices.client),
                "d-id": Opened(faces, client=self.faces.client),
            },
            clock=self.clock,
            settings=Settings(),
        )

    async def ended(self, record):
        async for update in self.kit.watch(record.id):
            record = update
        return record

    async def train(self):
        self.voices.reply(VOICES["submitted"]).reply(VOICES["voice"])
        self.faces.reply(FACES["image"], 201)
        training = await self.kit.train(
            user_id="ana",
            clone_id="ana-1",
            voice=[DEMO / "voice.wav"],
            footage=DEMO / "portrait.jpg",
            consent=Consent.not_a_real_person("a drawing"),
        )
        return await self.ended(training)


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


async def test_a_voice_is_cloned_at_one_and_a_face_made_at_the_other(house):
    async with house.kit:
        training = await house.train()
    assert training.status is Status.COMPLETED
    assert training.voice_id == VOICES["voice"]["voice_id"]
    assert training.avatar_id == f"talks:{FACES['image']['url']}"
    assert [request.url.path for request in house.faces.requests] == ["/images"]


PHOTO_AGAIN = {"id": "img_2", "url": "s3://d-id-images-prod/img_2/photo.jpg"}


async def test_the_cloned_voice_is_heard_from_the_face(house):
    async with house.kit:
        training = await house.train()
        house.voices.reply(SPOKEN, character_cost="6", content_type="audio/mpeg")
        house.faces.reply(PHOTO_AGAIN, 201).reply(FACES["audio"], 201)
        house.faces.reply({"id": "tlk_1", "object": "talk", "status": "created"}, 201)
        house.faces.reply(FACES["talk"])
        video = await house.kit.speak(training.id, "Hello!", wait=False)
        video = await house.ended(video)
    assert video.status is Status.COMPLETED
    assert house.voices.body()["text"] == "Hello!"
    assert house.faces.body(1) == {"image": (DEMO / "portrait.jpg").read_bytes()}
    assert house.faces.body(2)["audio"].endswith(SPOKEN)  # behind the tag with its mark
    talk = house.faces.body(3)
    assert talk["script"] == {"type": "audio", "audio_url": FACES["audio"]["url"]}
    assert talk["source_url"] == PHOTO_AGAIN["url"]
    assert video.operation(Operation.SPEECH).job.cost == "6 credits"
    assert video.file("video").size >= len(FILM)  # with its mark


async def test_a_voice_of_ones_own_account_may_be_spoken_by_d_id(house):
    house.faces.reply(FACES["scene_submitted"], 201).reply(FACES["scene"])
    async with house.kit:
        training = await house.kit.adopt(
            user_id="ana",
            clone_id="ana-1",
            avatar_id="scenes:avt_1",
            voice_id="theirs",
            stack="d-id",
            consent=Consent.not_a_real_person("a drawing"),
        )
        own = DIDScript(own_elevenlabs=True)
        video = await house.kit.speak(training.id, "Hello!", options=(own,), wait=False)
        video = await house.ended(video)
    assert video.status is Status.COMPLETED
    assert json.loads(house.faces.requests[0].headers["x-api-key-external"]) == {
        "elevenlabs": "other"
    }
    assert house.faces.body(0)["script"]["provider"] == {"type": "elevenlabs", "voice_id": "theirs"}
    assert house.voices.requests == []
