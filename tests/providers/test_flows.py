"""Train, watch and speak at every vendor that clones or trains, while things go wrong.

Whatever happens: nothing that a vendor holds is unknown to us, nothing is paid for twice, and the
record ends, or says what it waits for. The vendors are scripted (``flows``), the rest is real.
"""

from __future__ import annotations

import os
from fractions import Fraction
from itertools import pairwise

import httpx
import pytest

import samples
from avatarkit import Consent, Status, VideoSettings, errors
from avatarkit.content.joining import Joining, SoundLaying
from avatarkit.content.results import Expected
from avatarkit.models import JobState, Operation, Scene
from avatarkit.records import Phase
from avatarkit.stacks import registry
from avatarkit.testing import FakeClock

from .contract import VARIABLE
from .dubbers import DUBBERS
from .flows import DEMO, SCRIPT, SETUPS, STOCK, Event, House

pytestmark = [pytest.mark.anyio, pytest.mark.once]
VOICE, AVATAR, SPEECH, VIDEO = Operation.VOICE, Operation.AVATAR, Operation.SPEECH, Operation.VIDEO


def where(*events, known=("at once", "later", "never")):
    """Every stack and operation at which one of these can happen.

    ``known`` chooses by when it is known what became of a call that got no answer.
    """
    found = [
        pytest.param((name, event), operation, id=f"{name}-{operation}-{event}")
        for name, setup in SETUPS.items()
        for operation in setup.plays
        for event in events
        if setup.can(event, operation) and setup.afterwards(operation) in known
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
        image = out.add_stream("libx264", rate=1, options={"preset": "ultrafast"})
        image.width, image.height, image.pix_fmt = 256, 256, "yuv420p"
        sound = out.add_stream("aac", rate=24_000, layout="mono")
        for number in range(64):
            face.pts, face.time_base = number, Fraction(1)
            out.mux(image.encode(face))
        for _ in range(6):
            with av.open(str(DEMO / "voice.wav")) as voice:
                for heard in voice.decode(audio=0):
                    heard.pts = None
                    out.mux(sound.encode(heard))
        for stream in (image, sound):
            out.mux(stream.encode())
    samples.keep(path)
    return path


@pytest.fixture
async def house(request, clip, tmp_path):
    name, _ = request.param
    house = House(SETUPS[name], clip, tmp_path / "home")
    async with house.kit:
        yield house


@pytest.fixture
def event(house, request):
    return request.node.callspec.params["house"][1]


@pytest.fixture
def unjoined(monkeypatch):
    """Join without decoding: virtual time waits for no decoder."""

    async def quickly(self, place, videos):
        expected = Expected(name="video", media_type="video/mp4")
        return await self._keep(place, self._media.open(videos[0].key), expected)

    monkeypatch.setattr(Joining, "__call__", quickly)


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


@EVERY
async def test_three_scenes_are_each_paid_for_once(house, unjoined):
    scenes = [Scene(text=f"{SCRIPT} And {number} more.") for number in range(3)]
    async with house.new_kit(worker=True) as kit:
        (*_, training) = [update async for update in kit.watch((await house.training()).id)]
        video = await kit.speak(training.id, scenes=scenes)
    house.records.append(video.id)
    await each_paid_once(house, video)


async def each_paid_once(house, video):
    """Each scene, or all in one call, was paid for once, and nothing is lost."""
    assert video.status is Status.COMPLETED, (video.action, video.error_message)
    assert video.file("video").size
    for state in video.operations:
        named = video.text_of(state.scene) if state.operation is SPEECH else video.token(*state.key)
        free = house.free(state.operation)
        assert house.at(state.operation).paid(named) == (0 if free else 1)
    assert await house.lost() == set()


# -- a vendor's own avatars -------------------------------------------------------------------


@pytest.fixture(params=STOCK)
async def stock(request, clip, tmp_path):
    """A house, and how the vendors' own avatar and voice speak in it."""
    known = STOCK[request.param]
    house = House(known.setup, clip, tmp_path / "home")
    async with house.new_kit(worker=True):
        asked = {"user_id": "ana", "clone_id": "ana-1", **known.entries()}

        async def speak(**more):
            video = await house.kit.speak(**asked, **more)
            house.records.append(video.id)
            return video

        yield house, speak


async def test_a_stock_avatar_speaks_without_a_training(stock):
    house, speak = stock
    video = await speak(script=SCRIPT)
    await completed(house, video)
    assert (video.training_id, await house.kit.trainings()) == (None, [])
    assert video.file("video").size


async def test_three_scenes_of_a_stock_avatar_are_each_paid_for_once(stock, unjoined):
    house, speak = stock
    scenes = [Scene(text=f"{SCRIPT} And {number} more.") for number in range(3)]
    video = await speak(scenes=scenes)
    await each_paid_once(house, video)
    at_once = house.setup.stack in {"heygen", "synthesia"}
    assert {state.scene for state in video.operations} == ({0} if at_once else {1, 2, 3})


# The fake takes every setting, and writes no captions.
@pytest.mark.parametrize(
    "link",
    [
        "https://api.heygen.com/v3/videos",
        "https://api.elevenlabs.io/v1/text-to-speech/v1",
        "https://api.d-id.com/scenes",
        "https://tavusapi.com/v2/videos",
        "https://api.synthesia.io/v2/videos",
        "https://app.resemble.ai/api/v2/voices",
    ],
)
async def test_a_vendor_is_strict_where_its_document_is_at_hand(link):
    kinds = {kind for setup in SETUPS.values() for kind in setup.vendors.values()}
    kinds |= {kind for one in STOCK.values() for kind in one.setup.vendors.values()}
    strict = [kind(FakeClock()) for kind in kinds if getattr(kind, "documents", ())]
    if VARIABLE not in os.environ:
        pytest.skip(f"{VARIABLE} is not set")
    [vendor, *_] = [v for v in strict if any(httpx.URL(link).host in c.hosts for c in v.contracts)]
    with pytest.raises(AssertionError, match=r"unexpected|required property"):
        await vendor.client.post(link, json={"shiny": 1})


@pytest.mark.parametrize("stock", [name for name in STOCK if name != "fake"], indirect=True)
async def test_captions_are_saved_beside_the_video_or_refused_before_it_is_paid(stock, tmp_path):
    house, speak = stock
    settings = VideoSettings(captions="sidecar")
    if house.setup.stack == "tavus":
        with pytest.raises(errors.Unsupported, match="captions"):
            await speak(script=SCRIPT, settings=settings)
        assert await house.kit.videos() == []
        return
    video = await speak(script=SCRIPT, settings=settings)
    await completed(house, video)
    path = await house.kit.save(video, tmp_path / "hello.srt", file="subtitles_srt")
    assert "-->" in path.read_text()


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
        states.append(now.operation(operation).job.state)
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


@where(Event.LOST, Event.HTML_ACCEPTED, known={"at once", "later"})
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


@where(Event.HTML_CREATE, known={"at once", "later"})
async def test_what_a_gateway_swallowed_is_sent_again_once_it_is_known_to_be_absent(
    house, operation
):
    house.at(operation).order(Event.HTML_CREATE, operation)
    record = await house.finished(operation)
    await completed(house, record)
    assert len(house.calls(record, operation)) == 2


@where(Event.LOST, Event.HTML_ACCEPTED, Event.HTML_CREATE, known={"never"})
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


@where(Event.FAST, Event.FAST_LOST)
async def test_a_callback_that_comes_before_the_answer_harms_nothing(house, operation, event):
    house.at(operation).order(event, operation)
    record = await house.finished(operation)
    [told] = [e.job for e in house.received if e.job.operation is operation]
    assert told.state is JobState.SUCCEEDED
    assert told.id == record.operation(operation).job.id
    await once(house, record, operation)


@where(Event.FAST, Event.FAST_LOST)
async def test_a_callback_that_comes_before_the_answer_waits_until_its_job_is_known(
    house, operation, event
):
    house.at(operation).order(event, operation)
    record = await house.finished(operation)
    [early] = [e for e in house.kept if e.outcome == "unmatched"]
    # Only what comes to an address of its own says whose it is.
    assert early.record_id == (record.id if early.token else None)
    await house.kit.webhooks.apply()
    log = (await house.kit.webhooks.list()).entries
    [settled] = [e for e in log if e.event_id == early.event_id]
    assert settled.outcome == ("applied" if settled.signed else "poll_triggered")
    assert settled.record_id == record.id


@pytest.mark.parametrize("house", [pytest.param(("heygen", None), id="heygen")], indirect=True)
@pytest.mark.parametrize(
    ("word", "mark"),
    [
        ("avatar_group_id", ""),
        ("group_id", ""),
        ("id", ""),
        ("id", "look-"),
        ("avatar_id", "look-"),
    ],
)
async def test_news_of_an_avatar_bring_its_poll_forward_whichever_of_its_ids_they_name(
    house, word, mark
):
    record = await house.drive(
        await house.begun(AVATAR), lambda r: r.operation(AVATAR).job.polls > 0
    )
    vendor = house.at(AVATAR)
    [made] = [made for made in vendor.made if made.operation is AVATAR]
    data = {word: mark + made.id}
    vendor.reported = lambda _: {"event_type": "photo_avatar_train.success", "event_data": data}
    await vendor.report(made)
    [entry] = house.kept
    assert (entry.outcome, entry.record_id) == ("poll_triggered", record.id)
    assert (await house.repository.next_due()) <= house.clock.now().wall
    await completed(house, await house.ended(record))


async def in_doubt(house, operation):
    """The record, at the moment at which nobody knows what became of the call."""
    return await house.drive(
        await house.begun(operation), lambda r: r.operation(operation).phase is Phase.INTENT
    )


@where(Event.LOST, known={"later"})
async def test_after_25_hours_what_was_accepted_is_found_and_not_sent_again(house, operation):
    house.at(operation).order(Event.LOST, operation)
    record = await in_doubt(house, operation)
    house.clock.advance(25 * 3600)
    async with house.new_kit():
        record = await went_on(house, record)
    assert house.free(operation) or len(house.calls(record, operation)) == 1
    await completed(house, record)


@where(Event.HTML_CREATE, known={"later"})
async def test_after_25_hours_what_was_not_accepted_is_sent_as_something_new(house, operation):
    house.at(operation).order(Event.HTML_CREATE, operation)
    record = await in_doubt(house, operation)
    house.clock.advance(25 * 3600)
    async with house.new_kit():
        record = await went_on(house, record)
    keys = [key for _, key in house.calls(record, operation)]
    assert len(keys) == 2
    assert house.at(operation).window is None or len(set(keys)) == 2
    await completed(house, record)


async def went_on(house, record):
    """How it ended, though it took so long that a person was asked whether to wait."""
    record = await house.ended(record)
    if record.action is not None:
        assert record.action.kind == "deadline"
        await house.kit.resolve(record.id, "wait")
        record = await house.ended(record)
    return record


# -- consent ----------------------------------------------------------------------------------


async def asked(house, operation):
    """The record, once it waits for the person."""
    house.options = house.setup.options  # nothing was agreed beforehand
    house.at(operation).order(Event.CONSENT, operation)
    record = await house.finished(operation)
    assert record.status is Status.ACTION_REQUIRED
    assert record.action.url or record.action.text
    return record


@where(Event.CONSENT)
async def test_once_the_person_has_consented_it_goes_on_by_itself(house, operation):
    record = await asked(house, operation)
    first, ten_minutes = record.action, house.clock.now().wall + 600
    record = await house.drive(record, lambda _: house.clock.now().wall > ten_minutes)
    assert record.action == first  # it is the same that the person was shown
    await house.at(operation).agree(house, record)
    await completed(house, await agreed(house, record))


async def agreed(house, record):
    record = await house.drive(record, lambda r: r.action is None)
    return await house.ended(record)


@where(Event.CONSENT_EXPIRES)
async def test_a_consent_that_nobody_gave_in_time_is_asked_for_anew(house, operation):
    record = await asked(house, operation)
    first = record.action
    house.clock.advance(house.at(operation).consent_lives - 60.0)
    record = await house.drive(record, lambda r: r.action != first)
    assert (record.action.url, record.action.text) != (first.url, first.text)
    await house.at(operation).agree(house, record)
    await completed(house, await agreed(house, record))


@where(Event.CONSENT_REFUSED)
async def test_a_consent_that_is_good_no_more_is_asked_for_again(house, operation):
    vendor = house.at(operation)
    record = await asked(house, operation)
    await vendor.agree(house, record)
    record = await house.drive(record, lambda r: r.action is None)
    vendor.revoke(record)
    record = await house.ended(record)
    assert record.status is Status.ACTION_REQUIRED
    await vendor.agree(house, record)
    await completed(house, await agreed(house, record))


PROFESSIONAL = [("elevenlabs-professional+d-id", None)]


@pytest.mark.parametrize("house", PROFESSIONAL, indirect=True, ids=[""])
@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("misread", "The owner of the voice"),
        ("expired", "The last recording was not taken: too late."),
    ],
)
async def test_a_recording_of_a_captcha_that_will_not_do_brings_a_fresh_captcha(house, how, said):
    vendor, record = house.at(VOICE), await asked(house, VOICE)
    first = record.action
    assert (first.kind, first.recording) == ("captcha", "audio")
    for number in (1, 2):
        await vendor.agree(house, record)
        vendor.revoke(record, how)
        record = await house.ended(record)
        assert record.action.message.startswith(said)
        assert record.action.url != first.url
        assert vendor.captchas == number + 1
    await vendor.agree(house, record)
    await completed(house, await agreed(house, record))
    assert vendor.heard == [(DEMO / "voice.wav").read_bytes()] * 3


@pytest.mark.parametrize("house", PROFESSIONAL, indirect=True, ids=[""])
@pytest.mark.parametrize("event", [Event.LOST, Event.HTML_ACCEPTED])
async def test_a_professional_voice_that_was_accepted_unheard_fails_and_says_what_to_do(
    house, event
):
    house.at(VOICE).order(event, VOICE)
    record = await house.finished(VOICE)
    assert record.status is Status.FAILED
    assert "its recordings never arrived: train again" in record.error_message
    assert len(house.calls(record, VOICE)) == 1
    assert await house.lost() == set()
    await house.kit.delete(record.id)
    await house.quiet(record)
    assert house.there() == set()


# -- results, and the end ---------------------------------------------------------------------


@where(Event.DEAD_LINK)
async def test_a_link_that_has_expired_is_asked_for_anew(house, operation):
    house.at(operation).order(Event.DEAD_LINK, operation)
    record = await house.finished(operation)
    await completed(house, record)
    state = record.operation(operation)
    assert state.job.files
    assert state.job.copy_failures == 1
    name = state.job.id.split(":")[-1].removeprefix("look-")
    opened = [link for link in house.at(operation).opened if name in link]
    assert len(set(opened)) == len(state.job.files) + 1


@EVERY
async def test_what_is_deleted_twice_is_gone_once_and_for_all(house):
    training = await house.ended(await house.training())
    video = await house.ended(await house.speaking(training))
    for operation in house.setup.plays:
        if house.at(operation).can(Event.LOST_DELETE, operation):
            house.at(operation).order(Event.LOST_DELETE, operation, times=3)
    for record in (video, training):
        await house.kit.delete(record.id)
        with pytest.raises(errors.NotFound):
            await house.kit.delete(record.id)
    training = await house.quiet(training)
    left = {i for o in training.operations for i in o.cleanup.undeletable}
    assert house.there() == left
    assert len(left) == (house.setup.stack == "tavus")  # which deletes no voices
    for record in (video, training):
        assert all(not part.pending for part in await house.kit.admin.leftovers(record.id))
    assert not [key for key in house.shelf.files if key.startswith("results/")]
    assert not [p for p in house.home.rglob("*") if p.is_file() and p.name != "account"]


@where(Event.LOST, known={"later"})
async def test_what_turns_up_after_it_was_cancelled_is_deleted(house, operation):
    house.at(operation).order(Event.LOST, operation)
    record = await in_doubt(house, operation)
    assert (await house.kit.cancel(record.id)).status is Status.CANCELLED
    record = await house.quiet(record)
    assert record.status is Status.CANCELLED
    assert len(house.calls(record, operation)) == 1
    assert house.paid(record)[operation] == (0 if house.free(operation) else 1)
    left = {
        i for o in record.operations for i in o.cleanup.undeletable if o.operation is not SPEECH
    }
    assert house.of(record) == left
    assert not left or house.setup.stack == "tavus"  # which deletes no voices
    assert all(not part.pending for part in await house.kit.admin.leftovers(record.id))


@where(Event.LOST, known={"never"})
async def test_of_speech_that_was_cancelled_it_stays_unknown_whether_it_was_made(house, operation):
    house.at(operation).order(Event.LOST, operation)
    record = await in_doubt(house, operation)
    await house.kit.cancel(record.id)
    record = await house.quiet(record)
    assert record.status is Status.CANCELLED
    assert len(house.calls(record, operation)) == 1
    [left] = await house.kit.admin.leftovers(record.id)
    assert "not known" in left.what


# -- dubs into two languages ------------------------------------------------------------------

DUB = Operation.DUB
LANGUAGES = ("es", "de")


@pytest.fixture
async def dubber(request, tmp_path, monkeypatch):
    async def quickly(self, place, pictures, sound):
        """Put the sound under the pictures without decoding: virtual time waits for no decoder."""
        expected = Expected(name="video", media_type="video/mp4")
        assert sound.media_type == "audio/wav"
        return await self._keep(place, self._media.open(pictures.key), expected)

    monkeypatch.setattr(SoundLaying, "__call__", quickly)
    house = House(DUBBERS[request.param], DEMO.parent / "fake/video.mp4", tmp_path / "home")
    async with house.kit:
        yield house


def dubbers(*, finds=(True, False)):
    known = {name: setup.vendors[setup.stack] for name, setup in DUBBERS.items()}
    names = [name for name, vendor in known.items() if vendor.finds in finds]
    return pytest.mark.parametrize("dubber", names, indirect=True)


async def dubbed(house):
    """The records of a video in two languages, just ordered."""
    videos = await house.kit.dub_into(
        house.clip,
        LANGUAGES,
        user_id="ana",
        clone_id="ana-1",
        consent=Consent(subject="Ana Lima"),
        options=house.options,
        wait=False,
    )
    house.records += [video.id for video in videos]
    return videos


def test_every_provider_that_dubs_is_driven_here():
    mine = {setup.stack for setup in DUBBERS.values()} | {"fake"}
    assert mine == {n for n in registry.BUILTIN if "dub_video" in dir(registry.load(n))}


@dubbers()
async def test_a_dub_into_two_languages_is_paid_for_twice_and_its_captions_are_kept(dubber):
    vendor = dubber.at(DUB)
    for video, language in zip(await dubbed(dubber), LANGUAGES, strict=True):
        video = await dubber.ended(video)
        await completed(dubber, video)
        assert set(video.files) == vendor.results
        assert video.language == language
    assert len(vendor.calls) == 2


@dubbers(finds=(True,))
@pytest.mark.parametrize("event", [Event.LOST, Event.HTML_ACCEPTED])
async def test_of_two_dubs_the_one_without_an_answer_is_found_and_not_sent_again(dubber, event):
    dubber.at(DUB).order(event, DUB)
    for video in await dubbed(dubber):
        video = await dubber.quiet(await dubber.ended(video))
        await once(dubber, video, DUB)
    assert len({made.token for made in dubber.at(DUB).made}) == 2


@dubbers(finds=(False,))
async def test_of_two_dubs_the_one_that_cannot_be_found_is_put_to_a_person(dubber):
    dubber.at(DUB).order(Event.LOST, DUB)
    first, second = [await dubber.ended(video) for video in await dubbed(dubber)]
    asked, done = (first, second) if first.action else (second, first)
    assert (asked.action.kind, done.status) == ("payment", Status.COMPLETED)
    assert len(dubber.at(DUB).calls) == 2


@dubbers()
async def test_a_deleted_dub_leaves_nothing_but_what_a_vendor_cannot_delete(dubber):
    videos = [await dubber.ended(video) for video in await dubbed(dubber)]
    for video in videos:
        await dubber.kit.delete(video.id)
        video = await dubber.quiet(video)
        left = {i for o in video.operations for i in o.cleanup.undeletable}
        assert (left == set()) is (DUB in dubber.at(DUB).deletes)
    assert not [key for key in dubber.shelf.files if key.startswith("results/")]


@pytest.mark.parametrize("dubber", ["rask-lips"], indirect=True)
async def test_the_lips_of_each_dub_are_moved_once(dubber):
    for video in await dubbed(dubber):
        await completed(dubber, await dubber.ended(video))
    vendor = dubber.at(DUB)
    assert sorted(vendor.moved_lips) == sorted(made.id for made in vendor.made)
