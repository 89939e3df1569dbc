"""Recordings that a provider asks for while it works: from the person to the provider."""

from __future__ import annotations

from pathlib import Path

import pytest

from avatarkit import AvatarKit, Consent, Status, SyncAvatarKit, errors
from avatarkit.config.settings import Settings
from avatarkit.media.folder import FolderStore
from avatarkit.models import Action, Operation, Waiting
from avatarkit.providers.fake import Fake, FakeVendor
from avatarkit.repositories.memory import MemoryRepository
from avatarkit.testing import FakeClock

pytestmark = pytest.mark.anyio
DATA = Path(__file__).parents[2] / "src/avatarkit/data"
WAV, JPG, MP4 = DATA / "demo/voice.wav", DATA / "demo/portrait.jpg", DATA / "fake/video.mp4"
GIVEN = {"user_id": "ana", "clone_id": "a", "voice": [WAV], "footage": JPG}
CONSENT = Consent(subject="Ana Lima")


class Mute(Fake):
    """Asks for a recording that it cannot be given."""

    recordings: dict

    async def prepare(self, operation, request):
        if operation is not Operation.AVATAR or "c1" in self.recordings:
            return {}
        action = Action(kind="read_text", message="Read.", text="Moon", recording="video", ref="c1")
        return Waiting(prepared={"consent": "c1"}, action=action)


class Reader(Mute):
    """Asks for a recording before it trains an avatar."""

    async def hand_in(self, ref, recording, /, *, subject):
        body = b"".join([chunk async for chunk in recording.open()])
        self.recordings[ref] = (recording.name, body, subject)


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


class House:
    """Everything that outlives a kit."""

    def __init__(self, folder, kind=Reader):
        self.clock = FakeClock()
        self.fake = kind(vendor=FakeVendor(clock=self.clock))
        self.fake.recordings = {}
        self.repository = MemoryRepository(clock=self.clock)
        self.media = FolderStore(folder / "media")
        self.given = {
            "repository": self.repository,
            "media": self.media,
            "providers": {"fake": self.fake},
            "clock": self.clock,
            "settings": Settings(),
        }

    def kit(self, **more):
        return AvatarKit("fake", **(self.given | more))

    def recordings(self):
        return [p for p in self.media.root.rglob("recording-*") if p.is_file()]


async def asked(kit):
    """A training that waits for a recording."""
    training = await kit.train(**GIVEN, consent=CONSENT)
    async for update in kit.watch(training.id):
        if update.action is not None:
            return update
    raise AssertionError("it never asked")


async def final(kit, record_id):
    last = None
    async for update in kit.watch(record_id):
        last = update
    return last


async def test_a_recording_is_handed_in_and_the_training_completed(house):
    async with house.kit() as kit:
        training = await asked(kit)
        assert training.action.text == "Moon"
        await kit.resolve(training.id, "done", recording=MP4)
        assert (await final(kit, training.id)).status is Status.COMPLETED
    assert house.fake.recordings == {"c1": ("video.mp4", MP4.read_bytes(), "Ana Lima")}


async def test_a_recording_is_in_the_store_before_anybody_sends_it(house):
    async with house.kit() as kit:
        training = await asked(kit)
    async with house.kit(worker=False) as kit:
        await kit.resolve(training.id, "done", recording=MP4.read_bytes())
        assert [p.read_bytes() for p in house.recordings()] == [MP4.read_bytes()]
        assert house.fake.recordings == {}
    async with house.kit() as kit:
        assert (await final(kit, training.id)).status is Status.COMPLETED


async def test_a_recording_is_kept_until_it_was_handed_in(house):
    async with house.kit() as kit:
        training = await asked(kit)
        await kit.resolve(training.id, "done", recording=MP4)
        await final(kit, training.id)
    assert (list(house.fake.recordings), house.recordings()) == (["c1"], [])


class Picky(Reader):
    """Takes no recording at first."""

    refusals = 2

    async def hand_in(self, ref, recording, /, *, subject):
        await super().hand_in(ref, recording, subject=subject)
        if self.refusals:
            self.refusals -= 1
            del self.recordings[ref]
            raise errors.Refused("unclear", provider="fake")


async def test_recordings_that_were_not_taken_do_not_pile_up(tmp_path):
    house = House(tmp_path, Picky)
    async with house.kit() as kit:
        training = await asked(kit)
    async with house.kit(worker=False) as kit:
        for _ in range(3):
            await kit.resolve(training.id, "done", recording=MP4)
            assert len(house.recordings()) == 1
            await kit.admin.tick()
            assert house.recordings() == []
    assert list(house.fake.recordings) == ["c1"]


async def test_a_recording_goes_when_the_training_is_deleted(house):
    async with house.kit() as kit:
        training = await asked(kit)
        await kit.resolve(training.id, "done", recording=MP4)
        await final(kit, training.id)
        await kit.delete(training.id)
        while await kit.admin.leftovers(training.id):
            await house.clock.sleep(1)
    assert house.recordings() == []


async def test_a_recording_is_not_handed_in_after_its_consent_was_revoked(house):
    async with house.kit() as kit:
        training = await asked(kit)
    async with house.kit(worker=False) as kit:
        await kit.resolve(training.id, "done", recording=MP4)
        await house.repository.revoke_consent(training.consent_id, 1.0)
        await kit.admin.tick()
        stopped = await kit.get(training.id)
    assert (stopped.error_type, house.fake.recordings) == ("ConsentRequired", {})


async def test_what_is_not_what_was_asked_for_is_refused_and_not_kept(house):
    async with house.kit() as kit:
        training = await asked(kit)
        with pytest.raises(errors.MediaRejected, match="asked for is video"):
            await kit.resolve(training.id, "done", recording=JPG)
        assert (await kit.get(training.id)).action == training.action
    assert house.recordings() == []


@pytest.mark.parametrize("choice", ["give_up", "retry"])
async def test_a_recording_answers_nothing_but_done(house, choice):
    async with house.kit() as kit:
        training = await asked(kit)
        with pytest.raises(errors.IllegalTransition, match="'done'"):
            await kit.resolve(training.id, choice, recording=MP4)


async def test_where_no_recording_is_asked_for_none_is_taken(house):
    async with house.kit(worker=False) as kit:
        training = await kit.train(**GIVEN, consent=CONSENT)
        with pytest.raises(errors.IllegalTransition, match="no recording"):
            await kit.resolve(training.id, "done", recording=MP4)


async def test_a_provider_that_takes_no_recording_says_where_to_give_it(tmp_path):
    house = House(tmp_path, kind=Mute)
    async with house.kit() as kit:
        training = await asked(kit)
        with pytest.raises(errors.Unsupported, match="give it there"):
            await kit.resolve(training.id, "done", recording=MP4)


def test_without_await_it_is_the_same(house):
    with SyncAvatarKit("fake", **house.given) as kit:
        training = kit.train(**GIVEN, consent=CONSENT)
        for update in kit.watch(training.id):
            if update.action is not None:
                kit.resolve(training.id, "done", recording=MP4)
        assert update.status is Status.COMPLETED
