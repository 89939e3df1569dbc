import io
import json
import subprocess
import sys
import wave
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from avatarkit import errors
from avatarkit.interfaces import ROLES, Fetcher, Provider, ProviderSettings
from avatarkit.models import (
    AvatarRequest,
    DubRequest,
    JobState,
    Media,
    Operation,
    SpeechRequest,
    VideoRequest,
    VoiceRequest,
)
from avatarkit.providers.fake import Fake, FakeVendor, FakeVideo, Fault, portrait, spoken
from avatarkit.testing import FakeClock

pytestmark = pytest.mark.anyio
JOBS = [Operation.VOICE, Operation.AVATAR, Operation.VIDEO, Operation.DUB]


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def vendor(clock):
    return FakeVendor(clock=clock, list_lag=0)


@pytest.fixture
def fake(vendor):
    return Fake(vendor=vendor)


def media(body=b"sound", size=None):
    async def chunks():
        yield body

    announced = len(body) if size is None else size
    return Media(name="a.wav", media_type="audio/wav", size=announced, sha256="", open=chunks)


def request(operation, token="ak-1", **more):
    """The smallest request of an operation."""
    match operation:
        case Operation.VOICE:
            return VoiceRequest(token=token, samples=(media(),), **more)
        case Operation.AVATAR:
            return AvatarRequest(token=token, footage=media(), **more)
        case Operation.VIDEO:
            return VideoRequest(**{"token": token, "avatar_id": "stock", "script": "Hi", **more})
        case Operation.SPEECH:
            return SpeechRequest(**{"token": token, "voice_id": "stock", "text": "Hi", **more})
        case Operation.DUB:
            return DubRequest(token=token, source=media(), language="es", **more)


async def submit(fake, operation, **more):
    return await ROLES[operation].submit(fake)(request(operation, **more))


async def poll(fake, job):
    return await ROLES[job.operation].get(fake)(job.id)


async def read(stream):
    return b"".join([chunk async for chunk in stream])


# -- jobs -------------------------------------------------------------------------------------


def test_it_is_a_provider_that_fetches_its_own_results(fake):
    assert isinstance(fake, Provider)
    assert isinstance(fake, Fetcher)


@pytest.mark.parametrize("operation", JOBS)
async def test_a_job_runs_until_its_time_is_over(fake, clock, operation):
    job = await submit(fake, operation)
    assert job.state is JobState.RUNNING
    clock.advance(fake.vendor.durations[operation])
    assert (await poll(fake, job)).state is JobState.SUCCEEDED


@pytest.mark.parametrize("operation", JOBS)
async def test_a_job_is_found_by_its_token(fake, operation):
    job = await submit(fake, operation, token="ak-7")
    await submit(fake, operation, token="ak-8")
    found = await ROLES[operation].find(fake)("ak-7")

    assert [j.id for j in found] == [job.id]


@pytest.mark.parametrize("operation", JOBS)
async def test_a_deleted_job_is_gone(fake, operation):
    job = await submit(fake, operation)
    await ROLES[operation].delete(fake)(job.id)

    with pytest.raises(errors.NotFound):
        await poll(fake, job)


@pytest.mark.parametrize("operation", JOBS)
async def test_deleting_twice_is_no_error(fake, operation):
    job = await submit(fake, operation)
    delete = ROLES[operation].delete(fake)
    await delete(job.id)
    await delete(job.id)

    assert fake.vendor.deleted == {job.id}


async def test_progress_is_the_share_of_the_time(fake, clock):
    job = await submit(fake, Operation.AVATAR)
    clock.advance(150)

    assert (await poll(fake, job)).progress == 0.25


async def test_every_accepted_call_is_charged(fake):
    await submit(fake, Operation.VIDEO)
    await submit(fake, Operation.VIDEO)

    assert fake.vendor.accepted == Counter({"ak-1": 2})


async def test_a_job_is_listed_late(clock):
    fake = Fake(vendor=FakeVendor(clock=clock, list_lag=60))
    await submit(fake, Operation.VIDEO)
    assert await fake.find_video("ak-1") == []
    clock.advance(60)
    assert len(await fake.find_video("ak-1")) == 1


async def test_the_declared_lag_covers_the_real_one(clock):
    fake = Fake(vendor=FakeVendor(clock=clock, list_lag=60))

    assert fake.capabilities.list_lag > 60


async def test_what_was_accepted_survives_the_adapter(vendor):
    job = await submit(Fake(vendor=vendor), Operation.VIDEO)

    assert (await Fake(vendor=vendor).get_video(job.id)).id == job.id


async def test_an_avatar_that_was_not_made_here_may_speak(fake):
    assert (await submit(fake, Operation.VIDEO, avatar_id="stock-anna")).id


async def test_a_deleted_avatar_does_not_speak(fake):
    avatar = await submit(fake, Operation.AVATAR)
    await fake.delete_avatar(avatar.id)

    with pytest.raises(errors.NotFound):
        await submit(fake, Operation.VIDEO, avatar_id=avatar.id)


async def test_a_recording_shorter_than_announced_is_refused(fake):
    short = VoiceRequest(token="ak-1", samples=(media(size=99),))

    with pytest.raises(errors.Refused, match="99 were announced"):
        await fake.clone_voice(short)


async def test_the_guard_is_asked_right_before_acceptance(fake):
    def guard():
        raise errors.NotSent("too late")

    with pytest.raises(errors.NotSent):
        await submit(fake, Operation.VIDEO, guard=guard)
    assert not fake.vendor.accepted


async def test_its_own_options_come_back(fake):
    options = (FakeVideo(outfit="suit", extra={"seed": 1}),)
    job = await submit(fake, Operation.VIDEO, options=options)

    assert job.raw["options"] == {"outfit": "suit", "seed": 1}


async def test_an_idempotency_key_gives_the_first_job_again(vendor):
    can = replace(Fake.capabilities, idempotency_window=86_400.0)
    fake = Fake(vendor=vendor, capabilities=can)
    first = await submit(fake, Operation.VIDEO, idempotency_key="k")
    again = await submit(fake, Operation.VIDEO, idempotency_key="k")

    assert again.id == first.id
    assert vendor.accepted == Counter({"ak-1": 1})


async def test_an_old_idempotency_key_is_forgotten(vendor, clock):
    can = replace(Fake.capabilities, idempotency_window=3600.0)
    fake = Fake(vendor=vendor, capabilities=can)
    first = await submit(fake, Operation.VIDEO, idempotency_key="k")
    clock.advance(3601)

    assert (await submit(fake, Operation.VIDEO, idempotency_key="k")).id != first.id


def test_capabilities_are_replaced_for_one_instance_only(vendor):
    can = replace(Fake.capabilities, drive=frozenset({"audio"}))

    assert Fake(vendor=vendor, capabilities=can).capabilities is can
    assert Fake.capabilities.drive == {"audio", "script"}


def test_without_a_virtual_clock_jobs_are_quick():
    assert Fake().vendor.durations[Operation.AVATAR] < 1


def test_the_account_follows_the_key():
    keys = (None, SecretStr("a"), SecretStr("b"))
    accounts = {Fake(ProviderSettings(api_key=key)).account for key in keys}

    assert len(accounts) == 3


# -- faults -----------------------------------------------------------------------------------

NOT_ACCEPTED = {
    Fault.NOT_SENT: errors.NotSent,
    Fault.RATE_LIMITED: errors.RateLimited,
    Fault.AUTH: errors.AuthError,
    Fault.QUOTA: errors.QuotaError,
    Fault.PLAN: errors.PlanError,
    Fault.REFUSED: errors.Refused,
    Fault.MODERATION: errors.ModerationRefused,
    Fault.UNCLEAR: errors.Ambiguous,
}


@pytest.mark.parametrize(("fault", "error"), NOT_ACCEPTED.items())
async def test_what_is_not_accepted_is_not_charged(fake, fault, error):
    fake.vendor.fail_next(Operation.VIDEO, fault)

    with pytest.raises(error):
        await submit(fake, Operation.VIDEO)
    assert not fake.vendor.accepted


async def test_a_fault_ends_after_its_times(fake):
    fake.vendor.fail_next("video", Fault.RATE_LIMITED, times=2)
    for _ in range(2):
        with pytest.raises(errors.RateLimited):
            await submit(fake, Operation.VIDEO)

    assert (await submit(fake, Operation.VIDEO)).id


async def test_faults_come_in_their_order(fake):
    fake.vendor.fail_next("video", Fault.QUOTA)
    fake.vendor.fail_next("video", Fault.UNCLEAR)
    seen = []
    for _ in range(2):
        with pytest.raises(errors.ProviderError) as caught:
            await submit(fake, Operation.VIDEO)
        seen.append(type(caught.value))

    assert seen == [errors.QuotaError, errors.Ambiguous]


async def test_a_fault_waits_for_its_own_operation(fake):
    fake.vendor.fail_next(Operation.AVATAR, Fault.REFUSED)

    assert (await submit(fake, Operation.VOICE)).id


@pytest.mark.parametrize("seconds", [None, 30.0])
async def test_a_429_says_how_long_to_wait_where_ordered(fake, seconds):
    fake.vendor.fail_next("video", Fault.RATE_LIMITED, retry_after=seconds)

    with pytest.raises(errors.RateLimited) as caught:
        await submit(fake, Operation.VIDEO)
    assert (caught.value.status, caught.value.retry_after) == (429, seconds)


async def test_a_lost_reply_was_accepted(fake):
    fake.vendor.fail_next("video", Fault.LOST_REPLY)

    with pytest.raises(errors.Ambiguous):
        await submit(fake, Operation.VIDEO)
    assert [j.token for j in fake.vendor.jobs] == ["ak-1"]
    assert len(await fake.find_video("ak-1")) == 1


async def test_a_stuck_job_never_passes_97_percent(fake, clock):
    fake.vendor.fail_next("video", Fault.STUCK)
    job = await submit(fake, Operation.VIDEO)
    clock.advance(1e6)
    job = await poll(fake, job)

    assert (job.state, job.progress) == (JobState.RUNNING, 0.97)


async def test_one_job_may_be_hit_by_faults_of_several_moments(fake, clock):
    fake.vendor.fail_next("video", Fault.STUCK)
    fake.vendor.fail_next("video", Fault.LOST_REPLY)
    with pytest.raises(errors.Ambiguous):
        await submit(fake, Operation.VIDEO)
    clock.advance(1e6)

    assert (await fake.find_video("ak-1"))[0].state is JobState.RUNNING


async def test_a_failed_job_says_why(fake, clock):
    fake.vendor.fail_next("avatar", Fault.JOB_FAILS)
    job = await submit(fake, Operation.AVATAR)
    clock.advance(600)
    job = await poll(fake, job)

    assert job.state is JobState.FAILED
    assert "avatar" in job.reason


async def test_an_unknown_word_is_followed_by_the_end(fake, clock):
    fake.vendor.fail_next("video", Fault.UNKNOWN_WORD)
    job = await submit(fake, Operation.VIDEO)
    assert job.state is JobState.UNKNOWN
    clock.advance(120)
    assert (await poll(fake, job)).state is JobState.SUCCEEDED


async def test_a_job_waits_for_consent(fake, clock):
    fake.vendor.fail_next("avatar", Fault.NEEDS_ACTION)
    job = await submit(fake, Operation.AVATAR)
    clock.advance(1e6)
    job = await poll(fake, job)

    assert job.state is JobState.NEEDS_ACTION
    assert job.action.kind == "open_url"


async def test_consent_lets_the_job_begin(fake, clock):
    fake.vendor.fail_next("avatar", Fault.NEEDS_ACTION)
    job = await submit(fake, Operation.AVATAR)
    clock.advance(1e6)
    fake.vendor.consent("ak-1")
    assert (await poll(fake, job)).state is JobState.RUNNING
    clock.advance(600)
    assert (await poll(fake, job)).state is JobState.SUCCEEDED


async def test_a_job_may_be_gone_for_one_poll(fake):
    fake.vendor.fail_next("video", Fault.GONE)
    job = await submit(fake, Operation.VIDEO)
    with pytest.raises(errors.NotFound):
        await poll(fake, job)

    assert (await poll(fake, job)).id == job.id


# -- results ----------------------------------------------------------------------------------


async def finished(fake, clock, operation, **more):
    job = await submit(fake, operation, **more)
    clock.advance(fake.vendor.durations[operation])
    return await poll(fake, job)


@pytest.mark.parametrize("operation", [Operation.VIDEO, Operation.DUB])
async def test_a_video_is_an_mp4_with_picture_and_sound(fake, clock, operation):
    av = pytest.importorskip("av")
    job = await finished(fake, clock, operation)
    body = await read(fake.fetch(job.links["video"]))

    with av.open(io.BytesIO(body)) as container:
        assert [s.codec_context.name for s in container.streams] == ["h264", "aac"]


async def test_an_avatar_has_a_picture(fake, clock):
    job = await finished(fake, clock, Operation.AVATAR)

    assert await read(fake.fetch(job.links["thumbnail"])) == portrait()


async def test_a_running_job_has_no_links(fake):
    assert (await submit(fake, Operation.VIDEO)).links == {}


async def test_an_expired_link_stays_dead(fake, clock):
    fake.vendor.fail_next("video", Fault.EXPIRED_LINK)
    job = await finished(fake, clock, Operation.VIDEO)
    for _ in range(2):
        with pytest.raises(errors.NotFound, match="expired"):
            await read(fake.fetch(job.links["video"]))


async def test_a_fresh_link_works(fake, clock):
    fake.vendor.fail_next("video", Fault.EXPIRED_LINK)
    job = await finished(fake, clock, Operation.VIDEO)
    with pytest.raises(errors.NotFound):
        await read(fake.fetch(job.links["video"]))

    assert await read(fake.fetch((await poll(fake, job)).links["video"]))


async def test_a_cut_result_ends_in_an_error(fake, clock):
    fake.vendor.fail_next("video", Fault.CUT_RESULT)
    job = await finished(fake, clock, Operation.VIDEO)

    with pytest.raises(errors.Unavailable):
        await read(fake.fetch(job.links["video"]))


async def test_the_length_of_speech_follows_the_text(fake):
    lengths = []
    for text in ("ten chars.", "ten chars." * 3):
        speech = await fake.synthesize(request(Operation.SPEECH, text=text))
        with wave.open(io.BytesIO(await read(speech.audio))) as audio:
            lengths.append(audio.getnframes())

    assert lengths[1] == 3 * lengths[0]


async def test_speech_is_timed_word_by_word(fake):
    speech = await fake.synthesize(request(Operation.SPEECH, text="oh no no"))

    assert [word for word, _, _ in speech.timings] == ["oh", "no", "no"]
    assert [start for _, start, _ in speech.timings] == pytest.approx([0, 0.18, 0.36])


async def test_a_cut_stream_of_speech_is_ambiguous(fake):
    fake.vendor.fail_next("speech", Fault.CUT_RESULT)
    speech = await fake.synthesize(request(Operation.SPEECH))

    with pytest.raises(errors.Ambiguous):
        await read(speech.audio)


async def test_speech_is_kept_in_the_history(fake, clock):
    await fake.synthesize(request(Operation.SPEECH, text="Hello"))
    clock.advance(2)
    (job,) = await fake.find_speech("ak-1")
    job = await fake.get_speech(job.id)

    assert await read(fake.fetch(job.links["audio"])) == spoken("Hello")


# -- webhooks ---------------------------------------------------------------------------------


async def test_a_webhook_tells_of_the_end(fake, clock):
    job = await finished(fake, clock, Operation.VIDEO)
    (delivery,) = fake.vendor.deliveries()
    (event,) = fake.events(delivery)

    assert (event.name, event.job.id, event.trusted) == ("video.completed", job.id, True)


async def test_a_webhook_tells_of_a_failure(fake, clock):
    fake.vendor.fail_next("avatar", Fault.JOB_FAILS)
    await finished(fake, clock, Operation.AVATAR)
    (event,) = fake.events(fake.vendor.deliveries()[0])

    assert event.name == "avatar.training_failed"


async def test_nothing_is_delivered_before_the_end(fake):
    await submit(fake, Operation.VIDEO)

    assert fake.vendor.deliveries() == []


async def test_an_end_is_told_once(fake, clock):
    await finished(fake, clock, Operation.VIDEO)
    fake.vendor.deliveries()

    assert fake.vendor.deliveries() == []


async def test_a_repeated_delivery_has_the_same_event_id(fake, clock):
    await finished(fake, clock, Operation.VIDEO)
    deliveries = fake.vendor.deliveries(copies=2)

    assert len({fake.events(d)[0].id for d in deliveries}) == 1


async def test_a_late_delivery_passes_within_the_tolerance(fake, clock):
    await finished(fake, clock, Operation.VIDEO)

    assert fake.events(fake.vendor.deliveries(late=200)[0])


async def test_a_stale_delivery_is_rejected(fake, clock):
    await finished(fake, clock, Operation.VIDEO)

    with pytest.raises(errors.WebhookRejected, match="too old"):
        fake.events(fake.vendor.deliveries(late=3600)[0])


async def test_a_delivery_signed_by_another_is_rejected(vendor, clock):
    fake = Fake(ProviderSettings(webhook_secrets=(b"another",)), vendor=vendor)
    await finished(fake, clock, Operation.VIDEO)

    with pytest.raises(errors.WebhookRejected, match="no signature"):
        fake.events(vendor.deliveries()[0])


async def test_a_changed_body_is_rejected(fake, clock):
    await finished(fake, clock, Operation.VIDEO)
    delivery = replace(fake.vendor.deliveries()[0], body=b"{}")

    with pytest.raises(errors.WebhookRejected):
        fake.events(delivery)


async def test_a_signed_body_that_tells_nothing_is_rejected(fake, vendor):
    delivery = vendor.signed(json.dumps({"hello": 1}).encode())

    with pytest.raises(errors.WebhookRejected, match="does not tell"):
        fake.events(delivery)


# -- the books on disk ------------------------------------------------------------------------


def on_disk(folder: Path, clock=None) -> Fake:
    return Fake(ProviderSettings(home=folder / "fake", clock=clock))


async def test_another_process_sees_the_jobs(tmp_path, clock):
    job = await submit(on_disk(tmp_path, clock), Operation.VIDEO)
    clock.advance(120)

    assert (await on_disk(tmp_path, clock).get_video(job.id)).state is JobState.SUCCEEDED


async def test_ordered_faults_are_kept_on_disk(tmp_path):
    on_disk(tmp_path).vendor.fail_next("video", Fault.QUOTA)

    with pytest.raises(errors.QuotaError):
        await submit(on_disk(tmp_path), Operation.VIDEO)
    assert (await submit(on_disk(tmp_path), Operation.VIDEO)).id


async def test_a_poll_of_a_running_job_writes_nothing(tmp_path, clock):
    fake = on_disk(tmp_path, clock)
    job = await submit(fake, Operation.VIDEO)
    file = tmp_path / "fake" / "vendor.json"
    before = file.stat().st_ino
    await poll(fake, job)

    assert file.stat().st_ino == before


@pytest.mark.slow
def test_processes_that_submit_at_once_lose_nothing(tmp_path):
    code = """
import asyncio, pathlib, sys
from avatarkit.interfaces import ProviderSettings
from avatarkit.models import VideoRequest
from avatarkit.providers.fake import Fake

async def main():
    fake = Fake(ProviderSettings(home=pathlib.Path(sys.argv[1])))
    for _ in range(10):
        await fake.generate_video(VideoRequest(token="ak-1", avatar_id="stock", script="Hi"))

asyncio.run(main())
"""
    command = [sys.executable, "-c", code, str(tmp_path / "fake")]
    for process in [subprocess.Popen(command) for _ in range(3)]:
        assert process.wait() == 0

    vendor = on_disk(tmp_path).vendor
    assert vendor.accepted == Counter({"ak-1": 30})
    assert len({job.id for job in vendor.jobs}) == 30
