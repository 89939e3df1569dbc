"""A recording is spoken with the voice of an avatar: its words and manner, another voice."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from avatarkit import Consent, VideoSettings, VoiceSettings, errors
from avatarkit.models import Operation
from avatarkit.providers.fake import Fake, spoken

pytestmark = pytest.mark.anyio
WHO = {"user_id": "ana", "clone_id": "a"}
SAID = "These are my own words, as I say them."


class Revoices(Fake):
    """Speaks what a recording says, and notes what it was asked for."""

    def __init__(self, vendor, **more):
        can = replace(Fake.capabilities, revoices=True, **more)
        super().__init__(vendor=vendor, capabilities=can)
        self.asked = []

    async def synthesize(self, request, /):
        self.asked.append(request)
        return await super().synthesize(request.model_copy(update={"text": SAID}))


@pytest.fixture
def house(kit_with):
    return partial(kit_with, Revoices)


async def adopted(kit):
    consent = Consent.not_a_real_person("a drawing")
    return await kit.adopt(**WHO, avatar_id="stock", voice_id="v1", consent=consent)


async def test_the_voice_speaks_the_recording_and_moves_the_lips(house):
    kit, fake = house()
    recording = spoken(SAID)
    async with kit:
        training = await adopted(kit)
        video = await kit.speak(training, audio=recording, revoice=True, idempotency_key="k")
        again = await kit.speak(training, audio=recording, revoice=True, idempotency_key="k")
        with pytest.raises(errors.Conflict):
            await kit.speak(training, audio=recording, idempotency_key="k")
        assert (again.id, video.status) == (video.id, "completed")
    (asked,) = fake.asked
    assert (asked.voice_id, asked.text, asked.audio.size) == ("v1", "", len(recording))
    speech, made = fake.vendor.jobs
    assert (speech.operation, made.operation) == (Operation.SPEECH, Operation.VIDEO)
    assert [state.operation for state in video.operations] == [Operation.SPEECH, Operation.VIDEO]
    assert video.operation(Operation.SPEECH).call.quoted is not None  # by its length


async def test_without_it_the_recording_itself_is_heard(house):
    kit, fake = house()
    async with kit:
        video = await kit.speak(await adopted(kit), audio=spoken("These are my own words."))
    assert [state.operation for state in video.operations] == [Operation.VIDEO]
    assert fake.asked == []


async def test_speech_that_is_not_as_long_as_the_recording_goes_to_a_person(house):
    kit, fake = house()
    async with kit:
        video = await kit.speak(await adopted(kit), audio=spoken(SAID * 9), revoice=True)
    assert (video.status, video.action.kind) == ("action_required", "payment")
    assert len(fake.asked) == 1


@pytest.mark.parametrize(
    ("can", "asked", "kind", "says"),
    [
        ({"revoices": False}, {}, errors.Unsupported, "cannot speak what a recording says"),
        ({"drive": frozenset({"script"})}, {}, errors.Unsupported, "cannot speak with that voice"),
        ({}, {"audio": None, "script": "Hi."}, errors.ConfigError, "give audio="),
        (
            {},
            {"settings": VideoSettings(voice=VoiceSettings(speed=1.1))},
            errors.Unsupported,
            "leave voice out",
        ),
    ],
)
async def test_what_cannot_be_is_refused_before_anything_is_paid(house, can, asked, kind, says):
    kit, fake = house()
    fake.capabilities = replace(fake.capabilities, **can)
    async with kit:
        training = await adopted(kit)
        with pytest.raises(kind, match=says):
            await kit.speak(training, **{"audio": spoken("Hello."), "revoice": True, **asked})
        assert await kit.videos() == []
    assert fake.vendor.jobs == ()
