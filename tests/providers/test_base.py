"""How answers are read, where no vendor's recording says it."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools

import pytest
import stamina
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from avatarkit import errors
from avatarkit.interfaces import ROLES, ProviderSettings
from avatarkit.models import (
    DubRequest,
    JobState,
    Operation,
    SpeechRequest,
    VideoRequest,
    VoiceRequest,
)
from avatarkit.providers import http
from avatarkit.testing import Wire
from avatarkit.webhooks import Delivery, Unsigned

from .acme import Acme, AcmeVideo
from .test_suite_catches import TestAcme as Suite

pytestmark = pytest.mark.anyio
KEYS = ("status", "progress", "download_url", "error_message", "created_at", "cost", "consent_url")
VIDEO = {"token": "ak-1-video", "avatar_id": "a1", "script": "Hi!"}


@pytest.fixture
def acme(wire):
    return Acme(ProviderSettings(api_key=SecretStr("k")), client=wire.client)


@pytest.mark.parametrize(
    ("value", "end", "wanted"),
    [
        (60, 100, 0.6),
        ("60.0", 100, 0.6),
        ("60%", 1, 0.6),
        ("60/100", 1, 0.6),
        (0.6, 1, 0.6),
        (250, 100, 1.0),
        (-1, 100, 0.0),
        ("nan", 100, None),
        ("3/0", 100, None),
        ("soon", 100, None),
        (None, 100, None),
    ],
)
def test_progress_is_read_however_it_is_written(value, end, wanted):
    assert http.parse_progress(value, end) == wanted


@pytest.mark.parametrize(
    "value",
    [
        1_790_000_000,
        1_790_000_000.0,
        1_790_000_000_000,
        "2026-09-21T14:13:20Z",
        "2026-09-21T14:13:20",
        "2026-09-21T16:13:20+02:00",
        "Mon, 21 Sep 2026 14:13:20 GMT",
        "2026-09-21 14:13:20.000000",
    ],
)
def test_a_moment_is_read_however_it_is_written(value):
    assert http.parse_time(value) == 1_790_000_000.0


@pytest.mark.parametrize("value", [None, ""])
def test_no_moment_is_none(value):
    assert http.parse_time(value) is None


#: Values of a wrong type, or out of every range.
MALFORMED = [{}, [], [1], True, float("nan"), float("inf"), 10**400, -(10**5000)]


@pytest.mark.parametrize(
    "value",
    [*MALFORMED, "yesterday", "99999-01-01T00:00:00Z", "0000-00-00", -1, 3e15, "1960-01-01"],
    ids=itertools.count(),
)
def test_a_malformed_moment_is_a_bad_reply(value):
    with pytest.raises(errors.BadReply, match="where a time belongs"):
        http.parse_time(value)


@pytest.mark.parametrize("value", MALFORMED, ids=itertools.count())
def test_a_malformed_value_is_a_bad_reply(value):
    answer = {"a": {"b": value}}
    with pytest.raises(errors.BadReply, match="where a progress belongs"):
        http.parse_progress(value, 100)
    with pytest.raises(errors.BadReply, match="where a number from 0 on belongs"):
        http.number_at(answer, "a.b")


@pytest.mark.parametrize(
    "value", [[1], {"a": 1}, True, float("nan"), 10**5000], ids=itertools.count()
)
def test_a_malformed_text_is_a_bad_reply_where_it_matters_and_is_skipped_in_messages(value):
    for read in (http.text_at, http.id_at):
        with pytest.raises(errors.BadReply, match="where a text belongs"):
            read({"a": value}, "a")
    assert http.said_at({"a": value, "b": "why"}, "a", "b") == "why"


@pytest.mark.parametrize(
    ("value", "read"),
    [(5, 5.0), ("31.5", 31.5), (0, 0.0), (None, None), ("", None)],
)
def test_a_number_is_read_also_from_a_text(value, read):
    assert http.number_at({"a": value}, "a") == read


@pytest.mark.parametrize("value", [-1, "-0.5", "soon", "nan", "1e999"])
def test_what_is_no_number_from_zero_on_is_a_bad_reply(value):
    with pytest.raises(errors.BadReply):
        http.number_at({"a": value}, "a")


@pytest.mark.parametrize("value", ["a\0", "\ud800", "a\nb", "\x1b", "x" * 501])
def test_an_id_is_never_changed(value):
    with pytest.raises(errors.BadReply, match="an id with characters that no id has"):
        http.id_at({"id": value}, "id")
    assert http.said_at({"id": value}, "id")


def test_flags_and_lists_have_their_types():
    answer = {"yes": True, "one": 1, "list": [1], "text": "abc"}
    assert (http.flag_at(answer, "yes"), http.flag_at(answer, "no")) == (True, None)
    assert (http.list_at(answer, "list"), http.list_at(answer, "no")) == ([1], ())
    for read, place in ((http.flag_at, "one"), (http.list_at, "text"), (http.list_at, "yes")):
        with pytest.raises(errors.BadReply, match="belongs"):
            read(answer, place)


@pytest.mark.parametrize(
    ("rows", "read"),
    [
        ([("a", 0, 0.5)], (("a", 0.0, 0.5),)),
        ([("\ud800", 0, 1)], (("\ufffd", 0.0, 1.0),)),
        ([], None),
        ([("a", 1, 0)], None),
        ([("a", -1, 0)], None),
        ([("a", 0, 10**400)], None),
        ([(1, 0, 1)], None),
        ([("a", 0)], None),
        (5, None),
    ],
)
def test_timings_are_whole_or_missing(rows, read):
    assert http.read_timings(rows) == read


async def test_a_paid_job_is_kept_when_another_value_is_malformed(acme, wire):
    wire.reply({"video_id": "v1", "created_at": [10**400]})
    job = await acme.generate_video(VideoRequest(**VIDEO))
    assert (job.id, job.state) == ("v1", JobState.QUEUED)
    with pytest.raises(errors.BadReply, match="where a time belongs"):
        await acme.get_video("v1")


async def test_a_list_whose_pages_never_end_is_a_bad_reply(acme, wire):
    wire.reply({"data": [{"video_id": "v1", "name": "other"}], "next": "again"})
    with pytest.raises(errors.BadReply, match="round in circles"):
        await acme.find_video("ak-1")


@given(
    st.dictionaries(
        st.sampled_from(KEYS),
        st.none() | st.booleans() | st.floats() | st.integers() | st.text() | st.just([{}]),
    )
)
def test_no_answer_of_a_vendor_crashes_the_reader(told):
    acme = Acme(ProviderSettings(api_key=SecretStr("k")), client=Wire().client)
    with contextlib.suppress(errors.BadReply):
        assert acme._job(Operation.VIDEO, {**told, "video_id": "v1"}).id == "v1"


@pytest.mark.parametrize("key", ["", "  ", None])
def test_a_key_of_nothing_is_a_missing_key(key):
    given = None if key is None else SecretStr(key)
    with pytest.raises(errors.ConfigError, match="AVATARKIT_ACME_API_KEY or ACME_API_KEY"):
        Acme(ProviderSettings(api_key=given))


@pytest.mark.parametrize("key", ["two words", "line\nbreak", "schlüssel"])
def test_a_key_that_no_header_can_carry_is_refused_before_anything_is_sent(key):
    with pytest.raises(errors.ConfigError) as caught:
        Acme(ProviderSettings(api_key=SecretStr(key)))
    assert key not in str(caught.value)


async def test_another_address_may_be_set(wire):
    settings = ProviderSettings(api_key=SecretStr("k"), base_url="https://proxy.example/acme/")
    acme = Acme(settings, client=wire.reply({"video_id": "v1"}).client)
    await acme.get_video("v1")
    assert wire.requests[0].url == "https://proxy.example/acme/videos/v1"


async def test_own_options_are_merged_and_the_extra_comes_last(acme, wire):
    wire.reply({"video_id": "v1"})
    options = AcmeVideo(fast=True, extra={"script": "Another!", "brand_new": 1})
    await acme.generate_video(VideoRequest(**VIDEO, options=(options,)))
    said = wire.body()
    assert (said["fast"], said["script"], said["brand_new"]) == (True, "Another!", 1)


async def test_a_submission_without_a_word_for_its_state_is_queued(acme, wire):
    wire.reply({"video_id": "v1"})
    assert (await acme.generate_video(VideoRequest(**VIDEO))).state is JobState.QUEUED


async def test_what_later_calls_use_is_read_beside_what_is_polled(acme, wire):
    wire.reply({"avatar": {"id": 7}, "look_id": "l1", "status": "ready"})
    job = await acme.get_avatar("7")
    assert (job.id, job.ref, job.usable_id) == ("7", "l1", "l1")


async def test_a_code_in_the_table_decides_before_the_status(acme, wire):
    wire.reply({"error": {"code": "no_credits", "message": "buy some"}}, 500)
    with pytest.raises(errors.QuotaError, match=r"buy some \[500, no_credits\]"):
        await acme.generate_video(VideoRequest(**VIDEO))


@pytest.mark.parametrize("code", [{"message": "k-1 again"}, ["k-1"], "k-1"], ids=str)
async def test_a_code_is_a_word_and_repeats_no_key(wire, code):
    acme = Acme(ProviderSettings(api_key=SecretStr("k-1")), client=wire.client)
    wire.reply({"code": code}, 422)
    with pytest.raises(errors.Refused) as caught:
        await acme.get_video("v1")
    assert "k-1" not in str(caught.value)


async def test_a_list_that_goes_round_in_circles_is_an_error(acme, wire):
    wire.reply({"data": [], "next": "page-2"})
    with pytest.raises(errors.BadReply, match="circles"):
        await acme.find_video("ak-1-video")


async def test_a_list_of_something_else_is_an_error(acme, wire):
    wire.reply({"data": ["v1"]})
    with pytest.raises(errors.BadReply, match="no list of jobs"):
        await acme.find_video("ak-1-video")


async def test_jobs_without_an_age_are_told_in_the_opposite_order_of_the_list(acme, wire):
    wire.reply({"data": [{"video_id": f"v{n}", "name": "ak-1-video"} for n in (2, 1)]})
    assert [job.id for job in await acme.find_video("ak-1-video")] == ["v1", "v2"]


async def test_jobs_are_told_oldest_first_in_whatever_order_they_are_listed(acme, wire):
    ages = {"v2": 1_790_000_200, "v3": 1_790_000_300, "v1": 1_790_000_100}
    jobs = [{"video_id": v, "name": "ak-1-video", "created_at": t} for v, t in ages.items()]
    wire.reply({"data": jobs})
    assert [job.id for job in await acme.find_video("ak-1-video")] == ["v1", "v2", "v3"]


async def test_a_job_is_found_by_the_whole_of_its_token(acme, wire):
    names = ["ak-1-video", "ak-1-video2", "a-ak-1-video", "AK-1-VIDEO", "ak-1", None]
    wire.reply({"data": [{"video_id": f"of {name}", "name": name} for name in names]})
    assert [job.id for job in await acme.find_video("ak-1-video")] == ["of ak-1-video"]


class Counted(Acme):
    """Lists are asked for by a number, and no page tells the next one."""

    reads = dataclasses.replace(
        Acme.reads,
        cursor_parameter="page",
        counts="pages",
        total_jobs=("total",),
        total_pages=("pages",),
    )

    async def find_video(self, token, /):
        return await self._find(Operation.VIDEO, "/videos", token, page=1)


def videos(*numbers, **told):
    return {"data": [{"video_id": f"v{n}", "name": "ak-1-video"} for n in numbers]} | told


@pytest.mark.parametrize(
    "pages",
    [
        [videos(3, 2, total=3), videos(1, total=3)],
        [videos(3, 2, pages=2), videos(1, pages=2)],
        [videos(3, 2), videos(1), videos()],
        [videos(3, 2, total=3), videos(2, 1, total=3)],
    ],
    ids=["jobs are counted", "pages are counted", "nothing is counted", "the list has moved"],
)
async def test_pages_are_counted_where_none_tells_the_next(wire, pages):
    counted = Counted(ProviderSettings(api_key=SecretStr("k")), client=wire.client)
    for page in pages:
        wire.reply(page)
    assert [job.id for job in await counted.find_video("ak-1-video")] == ["v1", "v2", "v3"]
    asked = [request.url.params["page"] for request in wire.requests]
    assert asked == [str(n) for n in range(1, len(pages) + 1)]


async def test_jobs_are_counted_where_a_list_goes_on_from_one_of_them(wire):
    class Offset(Counted):
        reads = dataclasses.replace(Counted.reads, cursor_parameter="offset", counts="jobs")

        async def find_video(self, token, /):
            return await self._find(Operation.VIDEO, "/videos", token, offset=0)

    offset = Offset(ProviderSettings(api_key=SecretStr("k")), client=wire.client)
    wire.reply(videos(3, 2, total=3)).reply(videos(1, total=3))
    assert len(await offset.find_video("ak-1-video")) == 3
    assert [request.url.params["offset"] for request in wire.requests] == ["0", "2"]


async def test_an_upload_is_streamed_anew_at_each_attempt(acme, wire):
    media = Suite().media(linked=False)
    wire.reply({}, 503, retry_after="0").reply({"id": "u1"})
    with stamina.set_testing(True, attempts=2, cap=True):
        await acme._call("POST", "https://upload.acme.example/v2", operation="x", content=media)
    first, second = wire.requests
    assert first.content == second.content == b"RIFF-the-recorded-bytes"
    assert (second.headers["content-type"], second.headers["content-length"]) == (
        media.media_type,
        str(media.size),
    )
    assert second.url == "https://upload.acme.example/v2"


async def test_an_upload_to_others_takes_their_headers_and_not_the_key(acme, wire):
    wire.reply(b"")
    media, theirs = Suite().media(linked=False), {"Content-Type": "text/x-theirs", "X-Sum": "1"}
    address = "https://store.example/put?signature=s"
    await acme._call("PUT", address, operation="x", content=media, headers=theirs)
    sent = wire.requests[0].headers
    assert (sent.get_list("content-type"), sent["x-sum"]) == (["text/x-theirs"], "1")
    assert "authorization" not in sent


async def test_a_large_upload_may_take_longer(acme, wire, monkeypatch):
    calls = []

    async def send(client, request, call):
        calls.append(call.timeout)
        return {}

    monkeypatch.setattr(http, "send", send)
    large = Suite().media(linked=False).model_copy(update={"size": 100_000_000})
    await acme._call("POST", "/u", operation="x", files=[("data", large)])
    await acme._call("POST", "/u", operation="x", content=large)
    await acme._call("GET", "/u", operation="x")
    assert calls == [460, 460, 60]


@pytest.mark.parametrize(
    ("place", "wanted"), [("ids.0", "a"), ("ids.1.b", 2), ("ids.2", None), ("ids.b", None)]
)
def test_a_place_may_be_in_a_list(place, wanted):
    assert http.value_at({"ids": ["a", {"b": 2}]}, place) == wanted


async def test_a_form_may_be_uploaded_for_free(acme, wire):
    wire.reply({"id": "u1"})
    media = Suite().media(linked=False)
    await acme._call("POST", "/u", operation="x", body={"kind": "a"}, files=[("data", media)])
    assert wire.body() == {"kind": "a", "data": b"RIFF-the-recorded-bytes"}


def test_what_a_job_that_goes_well_calls_a_reason_is_none(acme):
    told = {"video_id": "v1", "status": "ready", "error_message": "processed successfully"}
    assert acme._job(Operation.VIDEO, told).reason is None


async def test_more_samples_than_can_be_said_are_refused(wire):
    class OneFile(Acme):
        capabilities = dataclasses.replace(Acme.capabilities, one_voice_file=True)

    acme = OneFile(ProviderSettings(api_key=SecretStr("k")), client=wire.client)
    sample = Suite().media()
    with pytest.raises(errors.Unsupported, match="join"):
        await acme.clone_voice(VoiceRequest(token="t", samples=(sample, sample)))
    assert not wire.requests


async def test_audio_in_a_format_that_cannot_be_taken_is_refused(acme, wire):
    audio = Suite().media().model_copy(update={"media_type": "audio/flac"})
    with pytest.raises(errors.Unsupported, match="audio/flac"):
        await acme.generate_video(VideoRequest(token="t", avatar_id="a1", audio=audio))
    assert not wire.requests


class English(Acme):
    capabilities = dataclasses.replace(Acme.capabilities, languages=("en",))


@pytest.mark.parametrize("operation", [Operation.VIDEO, Operation.SPEECH, Operation.DUB])
async def test_a_language_that_it_does_not_speak_is_refused(wire, operation):
    english = English(ProviderSettings(api_key=SecretStr("k")), client=wire.client)
    asked = {
        Operation.VIDEO: VideoRequest(**VIDEO, language="pt-BR"),
        Operation.SPEECH: SpeechRequest(token="t", voice_id="v1", text="Oi", language="pt-BR"),
        Operation.DUB: DubRequest(token="t", source=Suite().media(), language="pt-BR"),
    }
    with pytest.raises(errors.Unsupported, match="it speaks: en"):
        await ROLES[operation].submit(english)(asked[operation])
    assert not wire.requests


@pytest.mark.parametrize("language", ["en", "en-GB", "EN", None])
async def test_a_language_that_it_speaks_is_said_in_any_of_its_kinds(wire, language):
    english = English(ProviderSettings(api_key=SecretStr("k")), client=wire.client)
    wire.reply({"video_id": "v1"})
    assert (await english.generate_video(VideoRequest(**VIDEO, language=language))).id == "v1"


async def test_recorded_audio_may_be_in_any_language(wire):
    english = English(ProviderSettings(api_key=SecretStr("k")), client=wire.client)
    wire.reply({"video_id": "v1"})
    spoken = VideoRequest(token="t", avatar_id="a1", audio=Suite().media(), language="pt")
    assert (await english.generate_video(spoken)).id == "v1"


class Hinting(Acme):
    capabilities = dataclasses.replace(Acme.capabilities, webhook=Unsigned())


@pytest.fixture
def hinting(wire):
    return Hinting(ProviderSettings(api_key=SecretStr("k")), client=wire.client)


def test_a_video_that_is_still_running_is_no_event(hinting):
    assert hinting.events(Delivery(b'{"video_id": "v1", "status": "started"}', {})) == []


def test_what_nobody_signed_is_not_trusted(hinting):
    (event,) = hinting.events(Delivery(b'{"video_id": "v1", "status": "ready"}', {}))
    assert not event.trusted


def test_where_deliveries_are_signed_one_without_a_signature_is_rejected(acme):
    with pytest.raises(errors.WebhookRejected):
        acme.events(Delivery(b'{"video_id": "v1", "status": "ready"}', {}))


def test_a_free_operation_passes_for_free(wire):
    class Free(Acme):
        capabilities = dataclasses.replace(Acme.capabilities, free=frozenset(Operation))

    acme = Free(ProviderSettings(api_key=SecretStr("k")), client=wire.client)
    call, _ = acme._billable(
        Operation.VIDEO, "/x", VideoRequest(**VIDEO), options=AcmeVideo, body={}
    )
    assert not call.billable
