"""Train, watch and speak at every vendor that clones or trains, while things go wrong.

Whatever happens: nothing that a vendor holds is unknown to us, nothing is paid for twice, and the
record ends, or says what it waits for. The vendors are scripted (``flows``), the rest is real.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest

from avatarkit import Status, errors
from avatarkit.models import JobState, Operation

from .flows import DEMO, SETUPS, Event, House

pytestmark = pytest.mark.anyio
VOICE, AVATAR, SPEECH, VIDEO = Operation.VOICE, Operation.AVATAR, Operation.SPEECH, Operation.VIDEO


def where(*events, only=tuple(Operation), without=()):
    """Every stack and operation at which one of these can happen."""
    found = [
        pytest.param((name, event), operation, id=f"{name}-{operation}-{event}")
        for name, setup in SETUPS.items()
        for operation in setup.plays
        for event in events
        if operation in only and operation not in without and setup.can(event, operation)
    ]
    return pytest.mark.parametrize(("house", "operation"), found, indirect=["house"])


@pytest.fixture(scope="session")
def clip(tmp_path_factory):
    """A minute of somebody who talks."""
    av = pytest.importorskip("av")
    path = tmp_path_factory.mktemp("clip") / "talking.mp4"
    with av.open(str(DEMO / "portrait.jpg")) as picture:
        face = next(picture.decode(video=0)).reformat(256, 256, "yuv420p")
    with av.open(str(path), "w") as out:
        image = out.add_stream("libx264", rate=5, options={"preset": "ultrafast"})
        image.width, image.height, image.pix_fmt = 256, 256, "yuv420p"
        sound = out.add_stream("aac", rate=24_000, layout="mono")
        for number in range(5 * 64):
            face.pts, face.time_base = number, Fraction(1, 5)
            out.mux(image.encode(face))
        for _ in range(6):
            with av.open(str(DEMO / "voice.wav")) as voice:
                for heard in voice.decode(audio=0):
                    heard.pts = None
                    out.mux(sound.encode(heard))
        for stream in (image, sound):
            out.mux(stream.encode())
    return path


@pytest.fixture
async def house(request, clip):
    name, _ = request.param
    house = House(SETUPS[name], clip)
    async with house.kit:
        yield house


@pytest.fixture
def event(house, request):
    return request.node.callspec.params["house"][1]


EVERY = pytest.mark.parametrize(
    "house", [pytest.param((name, None), id=name) for name in SETUPS], indirect=True
)


async def completed(house, record):
    """It has ended well, each operation was paid for once, and nothing is lost."""
    assert record.status is Status.COMPLETED, (record.action, record.error_message)
    assert house.paid(record) == {
        o.operation: 0 if house.free(o.operation) else 1 for o in record.operations
    }
    assert await house.lost() == set()


@EVERY
async def test_train_watch_and_speak(house, tmp_path):
    async with house.new_kit(worker=True) as kit:
        training = await house.training()
        seen = []
        async for update in kit.watch(training.id):
            seen.append(update)
            assert update.action is None
        await completed(house, seen[-1])
        video = await house.speaking(training, wait=True)
        await completed(house, video)
        path = await kit.save(video, tmp_path / "video.mp4")
    assert path.stat().st_size
    assert [u.progress for u in seen] == sorted(u.progress for u in seen)
    assert Status.TRAINING in {u.status for u in seen}


# -- the vendor says no -----------------------------------------------------------------------


@where(Event.RATE_LIMITED)
async def test_after_a_rate_limit_it_is_tried_again_in_a_while(house, operation):
    house.at(operation).order(Event.RATE_LIMITED, operation, times=3)
    record = await house.finished(operation)
    await completed(house, record)
    calls = [at for at, _ in house.calls(record, operation)]
    assert [later - at for at, later in pairwise(calls)] == [1.0, 2.0, 4.0]


@where(Event.RATE_LIMITED)
async def test_a_rate_limit_that_says_how_long_is_waited_for(house, operation):
    house.at(operation).order(Event.RATE_LIMITED, operation, retry_after=90.0)
    record = await house.finished(operation)
    await completed(house, record)
    first, second = [at for at, _ in house.calls(record, operation)]
    assert second - first == 90.0


@where(Event.POLL_LIMITED, Event.HTML_POLL)
async def test_a_poll_that_fails_changes_nothing(house, operation, event):
    house.at(operation).order(event, operation, times=7)
    record = await house.finished(operation)
    await completed(house, record)


@where(Event.QUOTA, Event.PLAN)
async def test_without_credits_or_the_plan_a_person_is_asked(house, operation, event):
    house.at(operation).order(event, operation)
    record = await house.finished(operation)
    assert (record.status, record.action.kind) == (Status.ACTION_REQUIRED, "retry")
    assert house.paid(record)[operation] == 0
    status = house.at(operation).refusals[event][0]
    assert str(status) in record.action.message
    assert len(house.calls(record, operation)) == 1
    await house.kit.resolve(record.id, "retry")
    await completed(house, await house.ended(record))


@where(Event.MODERATION)
async def test_what_moderation_refuses_fails_and_is_not_sent_again(house, operation):
    house.at(operation).order(Event.MODERATION, operation)
    record = await house.quiet(await house.begun(operation))
    assert record.status is Status.FAILED
    assert record.error_message
    assert issubclass(getattr(errors, record.error_type), errors.Refused)
    assert len(house.calls(record, operation)) == 1
    assert await house.lost() == set()


@where(Event.UNKNOWN_WORD)
async def test_a_state_that_nobody_knows_is_waited_out(house, operation):
    house.at(operation).order(Event.UNKNOWN_WORD, operation)
    record = await house.begun(operation)
    states = []

    def noted(now):
        states.append(now.operation(operation).job_state)
        return now.status.final or now.action is not None

    record = await house.drive(record, noted)
    await completed(house, record)
    assert JobState.UNKNOWN in states


# -- nobody knows what became of a call -------------------------------------------------------


async def once(house, record, operation):
    """It was accepted once, and sent again only under a key by which the vendor knows it."""
    keys = {key for _, key in house.calls(record, operation)}
    assert len(keys) == 1
    assert len(house.calls(record, operation)) == 1 or house.at(operation).window
    await completed(house, record)


@where(Event.LOST, Event.HTML_ACCEPTED, without={SPEECH})
async def test_what_was_accepted_without_an_answer_is_found_and_not_sent_again(
    house, operation, event
):
    house.at(operation).order(event, operation)
    record = await house.finished(operation)
    if house.free(operation):
        await completed(house, record)
    else:
        await once(house, record, operation)
    await house.quiet(record)
    assert await house.lost() == set()


@where(Event.HTML_CREATE, without={SPEECH})
async def test_what_a_gateway_swallowed_is_sent_again_once_it_is_known_to_be_absent(
    house, operation
):
    house.at(operation).order(Event.HTML_CREATE, operation)
    record = await house.finished(operation)
    await completed(house, record)
    assert len(house.calls(record, operation)) == 2


@where(Event.LOST, Event.HTML_ACCEPTED, Event.HTML_CREATE, only={SPEECH})
async def test_speech_of_unknown_fate_is_put_to_a_person_and_not_sent_again(
    house, operation, event
):
    house.at(operation).order(event, operation)
    record = await house.finished(operation)
    assert record.action.kind == "payment"
    assert record.action.choices == ("not_made", "give_up")
    assert len(house.calls(record, operation)) == 1
    await house.kit.resolve(record.id, "give_up")
    record = await house.quiet(record)
    assert record.status is Status.FAILED
    assert house.paid(record)[VIDEO] == 0
    assert len(house.calls(record, operation)) == 1


@where(Event.FAST)
async def test_a_callback_that_comes_before_the_answer_harms_nothing(house, operation):
    house.at(operation).order(Event.FAST, operation)
    record = await house.finished(operation)
    await completed(house, record)
    assert len(house.calls(record, operation)) == 1
