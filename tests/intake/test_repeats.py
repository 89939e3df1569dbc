"""Idempotency keys: a repeated order gives the same record, another order is refused."""

import asyncio
import io
from pathlib import Path

import pytest

from avatarkit import AvatarKit, Consent
from avatarkit.config.settings import Settings
from avatarkit.errors import Conflict, MediaRejected
from avatarkit.providers.fake import Fake, FakeVendor, FakeVideo, portrait, spoken
from avatarkit.testing import FakeClock

pytestmark = pytest.mark.anyio
WHO = {"user_id": "ana", "clone_id": "main"}
DRAWN = Consent.not_a_real_person("a drawing")
CLIP = Path(__file__).parents[2] / "src/avatarkit/data/fake/video.mp4"
ONE, TWO = spoken("This is what I sound like."), spoken("And this is somebody else, who speaks.")
FACE, OTHER_FACE = portrait(), portrait() + b"\0"
KEY = {"idempotency_key": "signup-42"}


class Other(Fake):
    name = "other"


@pytest.fixture
async def kit(tmp_path, avatarkit_offline):
    clock = FakeClock()
    vendor = FakeVendor(clock=clock)
    async with AvatarKit(
        "fake",
        repository="memory://",
        media=tmp_path / "media",
        providers={"fake": Fake(vendor=vendor), "other": Other(vendor=vendor)},
        settings=Settings(),
        clock=clock,
    ) as kit:
        yield kit


TRAINING = {**WHO, "voice": [ONE], "footage": FACE, "consent": DRAWN, **KEY}


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"voice": [TWO]}, "voice"),
        ({"voice": [ONE, TWO]}, "voice"),
        ({"footage": OTHER_FACE}, "footage"),
        ({"consent": Consent(subject="Ana Lima")}, "consent"),
        ({"consent": Consent.not_a_real_person("a statue")}, "consent"),
        ({"consent": None}, "consent"),
        ({"name": "Ana"}, "name"),
        ({"language": "de"}, "language"),
        ({"clone_id": "second"}, "clone_id"),
        ({"stack": "other"}, "stack"),
        ({"stack": ["fake", "other"]}, "stack"),
        ({"options": [FakeVideo(extra={"a": 1})]}, "options"),
        ({"name": "Ana", "footage": OTHER_FACE}, "name, footage"),
    ],
)
async def test_another_training_under_the_same_key_is_refused(kit, changed, named):
    first = await kit.train(**TRAINING)

    with pytest.raises(Conflict, match=rf"that of {first.id}, with another {named}\. Use a new"):
        await kit.train(**{**TRAINING, **changed})
    assert len(await kit.trainings()) == 1


@pytest.mark.parametrize(
    "same",
    [
        {},
        {"voice": [io.BytesIO(ONE)]},
        {"max_cost": None, "allow_unknown": ["fake"]},
        {"stack": "fake"},
    ],
)
async def test_the_same_training_is_returned_however_it_is_given(kit, same, tmp_path):
    first = await kit.train(**TRAINING)
    face = tmp_path / "moved.png"
    face.write_bytes(FACE)

    assert (await kit.train(**{**TRAINING, "footage": face, **same})).id == first.id


async def test_a_file_that_is_gone_does_not_make_it_another_request(kit, tmp_path):
    face = tmp_path / "face.png"
    face.write_bytes(FACE)
    first = await kit.train(**{**TRAINING, "footage": face})
    face.unlink()

    assert (await kit.train(**{**TRAINING, "footage": face})).id == first.id


async def test_stored_samples_count_as_content(kit):
    await kit.add_sample(**WHO, voice=ONE)
    await kit.add_sample(**WHO, footage=FACE)
    order = {**WHO, "consent": DRAWN, **KEY}
    first = await kit.train(**order)
    assert (await kit.train(**order)).id == first.id
    await kit.add_sample(**WHO, footage=OTHER_FACE)

    with pytest.raises(Conflict, match="another footage"):
        await kit.train(**order)


async def test_concurrent_orders_under_one_key_are_compared_too(kit):
    orders = [{**TRAINING, "footage": face} for face in (FACE, OTHER_FACE, FACE)]
    found = await asyncio.gather(*(kit.train(**o) for o in orders), return_exceptions=True)

    assert len(await kit.trainings()) == 1
    refused = [one for one in found if isinstance(one, Conflict)]
    assert refused
    assert all("another footage" in str(one) for one in refused)
    assert len({one.id for one in found if not isinstance(one, Exception)}) == 1


async def test_after_a_refused_order_its_key_is_free(kit):
    with pytest.raises(MediaRejected):
        await kit.train(**{**TRAINING, "footage": b"no picture"})

    assert (await kit.train(**TRAINING)).idempotency_key == "signup-42"


async def test_the_key_of_a_deleted_record_says_so(kit):
    training = await kit.train(**TRAINING)
    await kit.delete(training.id)

    with pytest.raises(Conflict, match=r"was deleted \(.+\): use a new key"):
        await kit.train(**TRAINING)


async def test_an_adopted_avatar_is_not_another_one(kit):
    order = {**WHO, "consent": DRAWN, **KEY}
    first = await kit.adopt(**order, avatar_id="a-1", voice_id="v-1")

    assert (await kit.adopt(**order, avatar_id="a-1", voice_id="v-1")).id == first.id
    with pytest.raises(Conflict, match="another avatar_id, voice_id"):
        await kit.adopt(**order, avatar_id="a-2", voice_id="v-2")
    with pytest.raises(Conflict, match="another avatar_id"):
        await kit.train(**TRAINING)


async def completed(kit):
    training = await kit.train(**{**TRAINING, "idempotency_key": None})
    _ = [update async for update in kit.watch(training.id)]
    return training.id


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"script": "Goodbye"}, "script"),
        ({"script": None, "audio": ONE}, "script, audio"),
        ({"language": "de"}, "language"),
        ({"name": "Greeting"}, "name"),
        ({"options": [FakeVideo(extra={"a": 1})]}, "options"),
    ],
)
async def test_another_video_under_the_same_key_is_refused(kit, changed, named):
    order = {"training_id": await completed(kit), "script": "Hello", **KEY}
    first = await kit.speak(**order)
    assert (await kit.speak(**order)).id == first.id

    with pytest.raises(Conflict, match=f"another {named}"):
        await kit.speak(**{**order, **changed})
    with pytest.raises(Conflict, match="another training_id"):
        await kit.speak(**{**order, "training_id": await completed(kit)})


async def test_another_recording_to_speak_is_refused(kit):
    training = await completed(kit)
    first = await kit.speak(training, audio=ONE, **KEY)
    assert (await kit.speak(training, audio=ONE, **KEY)).id == first.id

    with pytest.raises(Conflict, match="another audio"):
        await kit.speak(training, audio=TWO, **KEY)


async def test_another_dub_under_the_same_key_is_refused(kit):
    order = {**WHO, "source": CLIP, "language": "de", "consent": DRAWN, **KEY}
    first = await kit.dub(**order)
    assert (await kit.dub(**order)).id == first.id

    for changed in ({"source": FACE}, {"language": "es"}, {"stack": "other"}):
        with pytest.raises(Conflict, match=f"another {next(iter(changed))}"):
            await kit.dub(**{**order, **changed})


async def test_a_deleted_record_keeps_no_digest_of_what_was_said(kit):
    video = await kit.speak(await completed(kit), "Hello", **KEY)
    assert video.request
    await kit.delete(video.id)

    assert (await kit._repository.get(video.id)).request == {}
