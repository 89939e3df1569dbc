"""Several looks of one person: the same voice, the same consent, and one more avatar to pay."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import partial

import pytest

from avatarkit import Consent, errors
from avatarkit.models import Operation
from avatarkit.providers.fake import Fake, filmed, portrait, spoken
from avatarkit.records import Phase

pytestmark = pytest.mark.anyio
WHO = {"user_id": "ana", "clone_id": "a"}
DRAWN = Consent.not_a_real_person("a drawing")


class Looks(Fake):
    """Adds looks, and notes what it is asked for."""

    def __init__(self, *, vendor, looks=True):
        super().__init__(vendor=vendor, capabilities=replace(Fake.capabilities, looks=looks))
        self.asked = []

    async def train_avatar(self, request, /):
        self.asked.append(request)
        return await super().train_avatar(request)


@pytest.fixture
def house(kit_with):
    return partial(kit_with, Looks)


async def trained(kit, **more):
    training = await kit.train(**WHO, **more)
    async for update in kit.watch(training.id):
        training = update
    return training


async def first_look(kit):
    return await trained(kit, voice=[spoken("Hello, it is me.")], footage=portrait(), consent=DRAWN)


async def test_another_look_has_the_voice_and_the_consent_of_the_first(house):
    kit, fake = house()
    async with kit:
        first = await first_look(kit)
        second = await trained(kit, footage=portrait(), look_of=first.id)
        video = await kit.speak(second, "Hello!")
    assert (second.status, second.voice_id) == ("completed", first.voice_id)
    assert second.consent_id == first.consent_id
    assert second.avatar_id != first.avatar_id
    assert [request.look_of for request in fake.asked] == [
        None,
        first.operation(Operation.AVATAR).job.id,
    ]
    paid = [job.operation for job in fake.vendor.jobs]
    assert paid.count(Operation.VOICE) == 1
    assert video.avatar_id == second.avatar_id


async def test_only_the_look_is_reserved_and_the_voice_stays_when_it_is_deleted(house):
    kit, fake = house()
    async with kit:
        first = await first_look(kit)
        second = await kit.train(**WHO, footage=portrait(), look_of=first, idempotency_key="k")
        again = await kit.train(**WHO, footage=portrait(), look_of=first, idempotency_key="k")
        with pytest.raises(errors.Conflict):
            await kit.train(**WHO, footage=portrait(), idempotency_key="k")
        assert again.id == second.id
        phases = {state.operation: state.phase for state in second.operations}
        assert phases == {Operation.VOICE: Phase.DONE, Operation.AVATAR: Phase.NONE}
        assert [update.status async for update in kit.watch(second.id)][-1] == "completed"
        await kit.delete(second.id)
        await kit.admin.tick()
        assert (await kit.get(first.id)).voice_id == first.voice_id
    assert Operation.VOICE not in {job.operation for job in fake.vendor.jobs if job.deleted}


async def test_a_voice_is_deleted_with_the_last_look_that_speaks_with_it(house):
    kit, fake = house()
    async with kit:
        first = await first_look(kit)
        looks = [first] + [await trained(kit, footage=portrait(), look_of=first) for _ in "ab"]
        while looks:
            await kit.delete(looks.pop(0).id)
            while await kit.admin.tick():
                pass
            gone = {job.operation for job in fake.vendor.jobs if job.deleted}
            assert (Operation.VOICE in gone) == (not looks)
            for look in looks:
                assert (await kit.speak(look, "Hello!")).status == "completed"
    assert all(j.deleted for j in fake.vendor.jobs if j.operation is Operation.AVATAR)


async def test_a_voice_is_deleted_once_where_all_looks_are_deleted_together(house):
    kit, fake = house()
    async with kit:
        first = await first_look(kit)
        second = await trained(kit, footage=portrait(), look_of=first)
        for look in (first, second):
            await kit.delete(look.id)
        while await kit.admin.tick():
            pass
    assert all(job.deleted for job in fake.vendor.jobs)


async def test_the_voice_of_one_person_is_not_left_to_another(house):
    kit, fake = house()
    async with kit:
        first = await first_look(kit)
        await kit.adopt(
            user_id="eve",
            clone_id="e",
            avatar_id=first.avatar_id,
            voice_id=first.voice_id,
            consent=DRAWN,
        )
        await kit.delete(first.id)
        while await kit.admin.tick():
            pass
    assert Operation.VOICE in {job.operation for job in fake.vendor.jobs if job.deleted}


async def test_the_voice_of_one_account_is_not_left_to_another(house, monkeypatch):
    kit, fake = house()
    async with kit:
        first = await first_look(kit)
        with monkeypatch.context() as patch:
            patch.setattr(Looks, "account", "another")
            await kit.adopt(
                **WHO, avatar_id=first.avatar_id, voice_id=first.voice_id, consent=DRAWN
            )
        await kit.delete(first.id)
        while await kit.admin.tick():
            pass
    assert Operation.VOICE in {job.operation for job in fake.vendor.jobs if job.deleted}


async def test_what_a_training_uses_by_its_id_is_deleted_with_it(house):
    kit, fake = house()
    async with kit:
        first = await first_look(kit)
        again = await kit.adopt(
            **WHO, avatar_id=first.avatar_id, voice_id=first.voice_id, consent=DRAWN
        )
        for one in (first, again):
            assert not any(job.deleted for job in fake.vendor.jobs)
            await kit.delete(one.id)
            while await kit.admin.tick():
                pass
    assert all(job.deleted for job in fake.vendor.jobs)


async def test_without_footage_the_newest_that_is_stored_is_the_look(house, tmp_path):
    kit, fake = house()
    async with kit:
        first = await first_look(kit)
        for seconds in (1, 2):
            fake.vendor.clock.advance(1)
            await kit.add_sample(**WHO, footage=filmed(seconds))
        second = await trained(kit, look_of=first)
    assert second.footage.file.sha256 == hashlib.sha256(filmed(2)).hexdigest()
    assert fake.asked[-1].footage.media_type == "video/mp4"


@pytest.mark.parametrize(
    ("more", "kind", "says"),
    [
        ({"voice": [b"RIFF"]}, errors.ConfigError, "leave voice and consent out"),
        ({"consent": DRAWN}, errors.ConfigError, "leave voice and consent out"),
        ({"footage": None}, errors.MediaRejected, "give footage="),
        ({"clone_id": "b"}, errors.ConfigError, "another clone"),
        ({"user_id": "eve"}, errors.ConfigError, "another clone"),
        ({"look_of": "nothing"}, errors.NotFound, "nothing"),
    ],
)
async def test_what_another_look_cannot_have_is_refused(house, more, kind, says):
    kit, fake = house()
    async with kit:
        first = await first_look(kit)
        with pytest.raises(kind, match=says):
            await kit.train(**{**WHO, "footage": portrait(), "look_of": first.id, **more})
        assert len(await kit.trainings()) == 1
    assert len(fake.asked) == 1


async def test_a_provider_without_looks_and_a_training_that_is_not_completed_refuse(house):
    kit, fake = house(looks=False)
    async with kit:
        first = await first_look(kit)
        with pytest.raises(errors.Unsupported, match="adds no look to an avatar of fake"):
            await kit.train(**WHO, footage=portrait(), look_of=first)
        begun = await kit.train(
            **WHO, voice=[spoken("Hello again.")], footage=portrait(), consent=DRAWN
        )
        with pytest.raises(errors.IllegalTransition, match="completed training"):
            await kit.train(**WHO, footage=portrait(), look_of=begun)
    assert len([r for r in fake.asked if r.look_of]) == 0


async def test_a_consent_that_was_revoked_makes_no_other_look(house):
    kit, fake = house()
    async with kit:
        consent = Consent(subject="Ana Lima", wording="I agree.")
        first = await trained(
            kit, voice=[spoken("Hello, it is me.")], footage=portrait(), consent=consent
        )
        await kit.revoke(first.consent_id)
        with pytest.raises(errors.ConsentRequired):
            await kit.train(**WHO, footage=portrait(), look_of=first.id)
    assert len(fake.asked) == 1
