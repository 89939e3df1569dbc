"""A picture that speaks without a training."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from avatarkit import Consent, VideoSettings, errors
from avatarkit.models import Scene, Template
from avatarkit.providers.fake import STOCK, Fake, filmed, portrait, spoken

pytestmark = pytest.mark.anyio
WHO = {"user_id": "ana", "clone_id": "a"}
AGREED = Consent(subject="Ana Lima")
STOCK_VOICE = next(one.id for one in STOCK if one.kind == "voice")


class Shown(Fake):
    """Notes what it is asked to show."""

    def __init__(self, *, vendor, pictures=True, settings=Fake.capabilities.settings):
        can = replace(Fake.capabilities, pictures=pictures, settings=settings)
        super().__init__(vendor=vendor, capabilities=can)
        self.asked = []

    async def generate_video(self, request, /):
        self.asked.append(request)
        return await super().generate_video(request)


@pytest.fixture
def house(kit_with):
    return partial(kit_with, Shown)


async def test_a_picture_speaks_with_a_voice_by_the_consent_of_whom_it_shows(house):
    kit, fake = house()
    async with kit:
        video = await kit.speak(
            script="Hello!", picture=portrait(), voice=STOCK_VOICE, consent=AGREED, **WHO
        )
        consent = await kit.consents(user_id="ana")
    (request,) = fake.asked
    assert (request.avatar_id, request.voice_id, request.script) == ("", STOCK_VOICE, "Hello!")
    assert request.picture.sha256 == video.picture.file.sha256
    assert (video.status, video.training_id, video.avatar_id) == ("completed", None, None)
    assert [one.id for one in consent] == [video.consent_id]


async def test_a_picture_moves_its_lips_to_a_recording(house):
    kit, fake = house()
    async with kit:
        await kit.speak(picture=portrait(), audio=spoken("Hello!"), consent=AGREED, **WHO)
    assert (fake.asked[0].audio is None, fake.asked[0].voice_id) == (False, None)


async def test_the_voice_and_the_consent_of_a_training_hold_for_another_picture(house):
    kit, fake = house()
    async with kit:
        training = await kit.train(
            voice=[spoken("Hello, it is me.")], footage=filmed(2), consent=AGREED, **WHO
        )
        async for _ in kit.watch(training.id):
            pass
        video = await kit.speak(training.id, "Hello!", picture=portrait())
        trained = await kit.get(training.id)
    assert (video.consent_id, video.voice_id) == (trained.consent_id, trained.voice_id)
    assert fake.asked[0].avatar_id == ""


@pytest.mark.parametrize(
    ("more", "kind", "says"),
    [
        ({"consent": None}, errors.ConsentRequired, "consent=Consent"),
        ({"voice": None}, errors.ConfigError, "no voice of its own"),
        ({"picture": b""}, errors.MediaRejected, "empty"),
        ({"picture": filmed(1)}, errors.MediaRejected, "a picture is to speak"),
        ({"avatar": "stock-rosa"}, errors.ConfigError, "either a picture or an avatar"),
        ({"script": None, "scenes": [Scene(text="Hi")]}, errors.ConfigError, "leave scenes"),
        (
            {"script": None, "voice": None, "template": Template(id="t")},
            errors.ConfigError,
            "leave",
        ),
    ],
)
async def test_what_a_picture_cannot_do_is_refused_before_anything_is_kept(house, more, kind, says):
    kit, fake = house()
    given = {"script": "Hello!", "picture": portrait(), "voice": STOCK_VOICE, "consent": AGREED}
    async with kit:
        with pytest.raises(kind, match=says):
            await kit.speak(**WHO | given | more)
        assert (await kit.videos(), list(fake.vendor.jobs)) == ([], [])
        assert await kit.consents(user_id="ana") == []


async def test_a_provider_without_it_and_settings_that_it_does_not_have_refuse(house):
    given = {"script": "Hello!", "picture": portrait(), "voice": STOCK_VOICE, "consent": AGREED}
    kit, _ = house(pictures=False)
    async with kit:
        with pytest.raises(errors.Unsupported, match="without a training: train an avatar"):
            await kit.speak(**WHO, **given)
    kit, _ = house(settings={})
    async with kit:
        with pytest.raises(errors.Unsupported, match="resolution=4k"):
            await kit.speak(**WHO, **given, settings=VideoSettings(resolution="4k"))


async def test_an_order_is_repeated_only_with_the_same_picture(house):
    kit, fake = house()
    given = {"script": "Hello!", "voice": STOCK_VOICE, "consent": AGREED, "idempotency_key": "k"}
    async with kit:
        first = await kit.speak(**WHO, **given, picture=portrait())
        again = await kit.speak(**WHO, **given, picture=portrait())
        with pytest.raises(errors.Conflict, match="picture"):
            await kit.speak(**WHO, **given, picture=portrait() + b" ")
    assert (again.id, len(fake.asked)) == (first.id, 1)


async def test_a_picture_is_erased_with_its_person(house):
    kit, _fake = house()
    async with kit:
        video = await kit.speak(
            script="Hi!", picture=portrait(), voice=STOCK_VOICE, consent=AGREED, **WHO
        )
        await kit.erase("ana")
        with pytest.raises(errors.NotFound):
            await kit.get(video.id)
        assert await kit.admin.media.stat(video.picture.file.key) is None
