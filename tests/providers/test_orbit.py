"""Orbit passes the conformance suite of all providers."""

import pytest
from pydantic import SecretStr

from avatarkit import AvatarKit, Status
from avatarkit.config.settings import Settings
from avatarkit.interfaces import ProviderSettings
from avatarkit.media.folder import FolderStore
from avatarkit.models import JobState, Operation
from avatarkit.providers.fake import filmed
from avatarkit.repositories.memory import MemoryRepository
from avatarkit.testing import (
    CannedAnswers,
    Fake,
    FakeClock,
    FakeVendor,
    Golden,
    ProviderSuite,
    Wire,
)
from avatarkit.testing.providers import TOKEN
from avatarkit.webhooks import Delivery

from .orbit import Orbit


def recording(id_field, **finished):
    """Recorded answers of Orbit about one kind of job."""
    return CannedAnswers(
        submitted={id_field: "x1", "status": "waiting"},
        polled={
            JobState.QUEUED: {id_field: "x1", "status": "waiting"},
            JobState.RUNNING: {id_field: "x1", "status": "working", "percent": 40},
            JobState.SUCCEEDED: {id_field: "x1", "status": "done", **finished},
            JobState.FAILED: {
                id_field: "x1",
                "status": "failed",
                "error": {"message": "the picture is too dark"},
            },
        },
        pages=[
            {"items": [{id_field: "x8", "label": "another"}], "next": "page-2"},
            {"items": [{id_field: "x1", "label": TOKEN}], "next": None},
        ],
    )


class TestOrbit(ProviderSuite):
    provider = Orbit
    recordings = {
        Operation.AVATAR: recording("avatar_id"),
        Operation.VIDEO: recording(
            "video_id", file={"url": "https://files.orbit.example/x1.mp4?signature=s"}
        ),
    }
    golden = Golden(  # a delivery as Orbit really signed it
        secret=b"orbit-secret",
        delivery=Delivery(
            b'{"video_id": "x1", "status": "done"}',
            {
                "orbit-signature": "t=1790000000,"
                "v1=f40030a1a7ba3bb11db70c582e49e3be237682fe84cd740ae1e1d891811735df"
            },
            received=1_790_000_005,
        ),
    )


class Opened(Orbit):
    """Reads results from memory instead of the network."""

    async def fetch(self, url):
        yield filmed(1)


@pytest.mark.anyio
async def test_it_works_with_the_voice_of_another_provider(avatarkit_samples, tmp_path):
    clock, wire = FakeClock(), Wire()
    orbit = Opened(ProviderSettings(api_key=SecretStr("k"), clock=clock), client=wire.client)
    kit = AvatarKit(
        "voice=fake,avatar=orbit",
        repository=MemoryRepository(clock=clock),
        media=FolderStore(tmp_path),
        providers={"orbit": orbit, "fake": Fake(vendor=FakeVendor(clock=clock))},
        clock=clock,
        settings=Settings(),
    )
    avatar, video = (TestOrbit.recordings[o] for o in (Operation.AVATAR, Operation.VIDEO))
    async with kit:
        wire.reply(avatar.submitted).reply(avatar.polled[JobState.SUCCEEDED])
        training = await kit.train(user_id="ana", clone_id="ana-1", **avatarkit_samples)
        async for update in kit.watch(training.id):
            training = update
        wire.reply(video.submitted).reply(video.polled[JobState.SUCCEEDED])
        said = await kit.speak(training.id, "Hello!")
    assert (said.status, training.avatar_id) == (Status.COMPLETED, "x1")
    assert b"RIFF" in wire.requests[2].content  # the speech of the other one's voice
