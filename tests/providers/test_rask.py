"""Rask: the suite, and what is special about it."""

from __future__ import annotations

import base64
import dataclasses
import json
import math
from hashlib import sha256
from pathlib import Path

import pytest
from pydantic import SecretStr

from avatarkit import errors
from avatarkit.content.subtitles import Cue
from avatarkit.content.subtitles import srt as written
from avatarkit.interfaces import Balance, ProviderSettings
from avatarkit.models import DubRequest, JobState, Media, Operation, VideoRequest
from avatarkit.providers.rask import Rask, RaskDub, RaskLipSync
from avatarkit.testing import CannedAnswers, ProviderSuite
from avatarkit.testing.providers import KEY, TOKEN
from providers.contract import Contract

pytestmark = pytest.mark.anyio

TOLD = json.loads((Path(__file__).parent / "rask.json").read_text())
PROJECT, MEDIA, SLIM = TOLD["project"], TOLD["media"], TOLD["slim"]
READY = {**MEDIA, "status": "ready"}
DONE = {**PROJECT, "status": "merging_done", "translated_video": TOLD["translated_video"]}
TOKEN_PATH = "/oauth2/token"


def told(status, **more):
    return {**PROJECT, "status": status, **more}


class TestRask(ProviderSuite):
    """Signed in already, with a token that reads like the key that the suite looks for."""

    provider = Rask
    kept = frozenset({Operation.DUB})
    recordings = {
        Operation.DUB: CannedAnswers(
            submitted=PROJECT,
            polled={
                JobState.QUEUED: PROJECT,
                JobState.RUNNING: told("voice_suggest_started"),
                JobState.SUCCEEDED: DONE,
                JobState.FAILED: told("no_audio"),
            },
            pages=[
                {
                    "total": 3,
                    "offset": 0,
                    "projects": [
                        {**SLIM, "id": "another", "name": "Ada"},
                        {**SLIM, "id": "younger", "created_at": "2026-11-24T10:00:00Z"},
                    ],
                },
                {"total": 3, "offset": 2, "projects": [SLIM]},
            ],
            webhook=False,
            prepared={"video_id": MEDIA["id"]},
        )
    }

    def settings(self):
        return dataclasses.replace(super().settings(), client_id="app-1")

    @pytest.fixture
    def it(self, wire):
        rask = Rask(self.settings(), client=wire.client)
        rask._token, rask._until = KEY, math.inf
        return rask

    @pytest.mark.parametrize(
        ("status", "wanted"),
        [
            pytest.param(
                401,
                errors.AuthError,
                marks=pytest.mark.xfail(
                    strict=True,
                    raises=AssertionError,
                    reason="one new token is fetched before a 401 is believed",
                ),
            ),
            (404, errors.NotFound),
            (422, errors.Refused),
            (429, errors.RateLimited),
            (503, errors.Unavailable),
        ],
    )
    async def test_a_status_has_its_error(self, it, wire, operation, status, wanted):
        await super().test_a_status_has_its_error(it, wire, operation, status, wanted)


@pytest.fixture
def rask(wire):
    """Not signed in."""
    settings = ProviderSettings(api_key=SecretStr("secret-1"), client_id="app-1")
    return Rask(settings, client=wire.client)


def source(*, linked=True):
    media = TestRask().media(linked=linked)
    return media.model_copy(update={"name": "hello.mp4", "media_type": "video/mp4"})


def dub(*, linked=True, **more):
    asked = {"token": TOKEN, "language": "es-ES", "source": source(linked=linked)}
    return DubRequest(**asked | {"prepared": {"video_id": MEDIA["id"]}} | more)


def paths(wire):
    return [request.url.path for request in wire.requests]


def bearers(wire):
    return [r.headers["authorization"] for r in wire.requests if r.url.path != TOKEN_PATH]


# -- signing in -------------------------------------------------------------------------------


def test_a_missing_id_names_its_variable():
    with pytest.raises(errors.ConfigError, match="RASK_CLIENT_ID"):
        Rask(ProviderSettings(api_key=SecretStr("secret-1")))


async def test_id_and_secret_buy_a_token_that_serves_until_it_ages(rask, wire):
    wire.reply(TOLD["token"]).reply(PROJECT)
    await rask.get_dub("x1")
    await rask.get_dub("x1")
    assert paths(wire) == [TOKEN_PATH, "/v2/projects/x1", "/v2/projects/x1"]
    first = wire.requests[0]
    assert first.headers["authorization"] == "Basic " + base64.b64encode(b"app-1:secret-1").decode()
    assert b"grant_type=client_credentials" in first.content
    assert bearers(wire) == ["Bearer token-that-must-not-leak"] * 2


async def test_a_token_that_is_about_to_age_is_not_used(rask, wire):
    wire.reply({**TOLD["token"], "expires_in": 60}).reply(PROJECT)
    wire.reply({**TOLD["token"], "access_token": "second"}).reply(PROJECT)
    await rask.get_dub("x1")
    await rask.get_dub("x1")
    assert bearers(wire) == ["Bearer token-that-must-not-leak", "Bearer second"]


async def test_a_free_call_is_sent_again_with_one_new_token(rask, wire):
    wire.reply(TOLD["token"]).reply({}, 401)
    wire.reply({**TOLD["token"], "access_token": "second"}).reply(PROJECT)
    assert (await rask.get_dub("x1")).id == PROJECT["id"]
    assert paths(wire) == [TOKEN_PATH, "/v2/projects/x1"] * 2
    assert bearers(wire)[-1] == "Bearer second"


async def test_a_second_refusal_is_believed(rask, wire):
    wire.reply(TOLD["token"]).reply({}, 401).reply(TOLD["token"]).reply({}, 401)
    with pytest.raises(errors.AuthError):
        await rask.get_dub("x1")
    assert len(wire.requests) == 4


async def test_a_call_that_is_forbidden_asks_for_no_new_token(rask, wire):
    wire.reply(TOLD["token"]).reply({}, 403)
    with pytest.raises(errors.AuthError):
        await rask.get_dub("x1")
    assert len(wire.requests) == 2


async def test_a_paid_call_is_not_sent_again_but_the_next_one_has_a_new_token(rask, wire):
    wire.reply(TOLD["token"]).reply({}, 401)
    with pytest.raises(errors.AuthError):
        await rask.dub_video(dub())
    assert paths(wire) == [TOKEN_PATH, "/v2/projects"]
    wire.reply({**TOLD["token"], "access_token": "second"}).reply(PROJECT)
    await rask.dub_video(dub())
    assert bearers(wire)[-1] == "Bearer second"


async def test_a_wrong_secret_is_a_wrong_key_and_nothing_paid_is_sent(rask, wire):
    wire.reply(TOLD["wrong_client"], 400)
    with pytest.raises(errors.AuthError, match="invalid_client"):
        await rask.dub_video(dub())
    assert paths(wire) == [TOKEN_PATH]


@pytest.mark.parametrize("answer", [{}, {"access_token": ""}, {"access_token": 7}], ids=str)
async def test_signing_in_without_a_token_is_a_bad_reply(rask, wire, answer):
    wire.reply(answer)
    with pytest.raises(errors.BadReply):
        await rask.get_dub("x1")


async def test_a_token_that_is_repeated_is_in_no_error(rask, wire):
    token = TOLD["token"]["access_token"]
    wire.reply(TOLD["token"]).reply({"detail": f"{token} may not do this"}, 422)
    with pytest.raises(errors.Refused) as caught:
        await rask.get_dub("x1")
    assert token not in str(caught.value)


async def test_the_secret_goes_nowhere_but_where_tokens_are_bought(rask, wire):
    wire.reply(TOLD["token"]).reply(READY).reply(PROJECT)
    await rask.prepare(Operation.DUB, dub(linked=False))
    await rask.dub_video(dub())
    assert not [r for r in wire.requests[1:] if "secret-1" in str(r.headers.raw)]


# -- uploads ----------------------------------------------------------------------------------


async def test_a_linked_video_is_fetched_by_the_vendor(rask, wire):
    wire.reply(TOLD["token"]).reply(READY)
    assert await rask.prepare(Operation.DUB, dub()) == {"video_id": MEDIA["id"]}
    assert wire.body() == {"link": source().url, "kind": "video", "name": "hello.mp4"}


async def test_a_video_without_a_link_is_streamed(rask, wire):
    wire.reply(TOLD["token"]).reply(READY)
    await rask.prepare(Operation.DUB, dub(linked=False))
    assert wire.body() == {"data": b"RIFF-the-recorded-bytes"}


async def test_an_upload_that_is_still_read_is_looked_at_again_not_repeated(rask, wire):
    wire.reply(TOLD["token"]).reply(MEDIA).reply(MEDIA).reply(READY)
    for _ in range(2):
        with pytest.raises(errors.Unavailable) as caught:
            await rask.prepare(Operation.DUB, dub())
        assert caught.value.retry_after
    assert await rask.prepare(Operation.DUB, dub()) == {"video_id": MEDIA["id"]}
    assert [request.method for request in wire.requests[1:]] == ["POST", "GET", "GET"]


async def test_a_video_that_cannot_be_read_is_refused_and_uploaded_anew_the_next_time(rask, wire):
    wire.reply(TOLD["token"]).reply(MEDIA).reply({**MEDIA, "status": "failed"}).reply(READY)
    with pytest.raises(errors.Unavailable):
        await rask.prepare(Operation.DUB, dub())
    with pytest.raises(errors.Refused, match="MP4"):
        await rask.prepare(Operation.DUB, dub())
    await rask.prepare(Operation.DUB, dub())
    assert [request.method for request in wire.requests[1:]] == ["POST", "GET", "POST"]


async def test_an_upload_without_an_id_is_a_bad_reply(rask, wire):
    wire.reply(TOLD["token"]).reply({"status": "ready"})
    with pytest.raises(errors.BadReply):
        await rask.prepare(Operation.DUB, dub())


async def test_nothing_else_is_prepared(rask, wire):
    video = VideoRequest(token=TOKEN, avatar_id="a1", script="Hi!")
    assert await rask.prepare(Operation.VIDEO, video) == {}
    assert not wire.requests


# -- projects ---------------------------------------------------------------------------------


async def test_the_language_is_said_as_the_vendor_writes_dialects(rask, wire):
    wire.reply(TOLD["token"]).reply(PROJECT)
    await rask.dub_video(dub(language="pt_BR"))
    assert wire.body()["dst_lang"] == "pt-br"


@pytest.mark.parametrize("status", TOLD["statuses"])
async def test_every_status_of_the_documentation_is_known(rask, wire, status):
    wire.reply(TOLD["token"]).reply(told(status))
    job = await rask.get_dub("x1")
    failed = status.endswith("failed") or status in {"no_audio", "no_words", "forbidden_link"}
    assert job.state is not JobState.UNKNOWN
    assert (job.state is JobState.FAILED) is failed
    assert job.reason == (status if failed else None)


async def test_a_project_that_is_merged_without_a_link_still_runs(rask, wire):
    wire.reply(TOLD["token"]).reply(told("merging_done")).reply(DONE)
    assert (await rask.get_dub("x1")).state is JobState.RUNNING
    assert (await rask.get_dub("x1")).state is JobState.SUCCEEDED


async def test_a_project_without_a_status_still_runs(rask, wire):
    wire.reply(TOLD["token"]).reply(told(None))
    assert (await rask.get_dub("x1")).state is JobState.RUNNING


async def test_a_list_of_complaints_is_a_refusal_all_the_same(rask, wire):
    wire.reply(TOLD["token"]).reply(TOLD["invalid"], 422)
    with pytest.raises(errors.Refused):
        await rask.dub_video(dub())


# -- the vendor's document --------------------------------------------------------------------

OPTIONS = RaskDub(src_lang="en", num_speakers=1, glossary_id="g1", transcript_id="t1")


@pytest.mark.parametrize("options", [(), (OPTIONS,)], ids=["plain", "with options"])
async def test_a_dub_is_what_the_vendor_describes(rask, wire, options):
    contract = Contract.of("rask", closed=True)
    wire.reply(TOLD["token"]).reply(PROJECT)
    await rask.dub_video(dub(options=options))
    assert contract.check(wire.requests[-1]) == "POST /v2/projects"


async def test_every_free_call_is_one_that_the_vendor_describes(rask, wire):
    contract = Contract.of("rask", closed=True)
    wire.reply(TOLD["token"]).reply(MEDIA).reply(READY).reply(READY).reply(PROJECT)
    with pytest.raises(errors.Unavailable):
        await rask.prepare(Operation.DUB, dub())
    await rask.prepare(Operation.DUB, dub())
    await rask.prepare(Operation.DUB, dub(linked=False))
    await rask.get_dub("x1")
    wire.reply({"projects": [], "total": 0})
    await rask.find_dub(TOKEN)
    assert [contract.check(request) for request in wire.requests[1:]] == [
        "POST /api/library/v1/media/link",
        "GET /api/library/v1/media/{media_id}",
        "POST /api/library/v1/media",
        "GET /v2/projects/{project_id}",
        "GET /v2/projects",
    ]


# -- the account ------------------------------------------------------------------------------


@pytest.fixture
def signed_in(wire):
    rask = Rask(TestRask().settings(), client=wire.client)
    rask._token, rask._until = KEY, math.inf
    return rask


@pytest.mark.parametrize(
    ("minutes", "left"),
    [
        ({"total": 500, "used": 120}, 380.0),
        ({"total": 500, "used": 520}, 0.0),
        ({"total": 500}, None),
        (None, None),
    ],
)
async def test_the_balance_is_what_is_left_of_the_plans_minutes(signed_in, wire, minutes, left):
    wire.reply({"minutes": minutes})
    assert await signed_in.balance() == Balance(left, "minutes")


async def test_the_balance_is_asked_for_as_rask_documents(signed_in, wire):
    answer = {"minutes": {"total": 500, "used": 1}, "video": {"total": 1, "used": 0}}
    contract = Contract.of("rask")
    wire.reply(answer)
    await signed_in.balance()
    contract.check_answer(contract.check(wire.requests[0]), 200, answer)


@pytest.mark.parametrize(
    ("status", "detail", "kind", "said"),
    [
        (422, [{"loc": ["body", "dst_lang"], "msg": "unknown"}], errors.Refused, "body.dst_lang"),
        (403, "Not enough minutes", errors.QuotaError, "Not enough minutes"),
        (403, "Forbidden", errors.AuthError, "Forbidden"),
    ],
)
async def test_a_refusal_is_told_in_the_words_of_its_framework(wire, status, detail, kind, said):
    it = Rask(TestRask().settings(), client=wire.client)
    it._token, it._until = KEY, math.inf
    wire.reply({"detail": detail}, status)
    with pytest.raises(kind, match=said):
        await it.dub_video(dub())


async def test_the_subtitles_of_a_translation_are_results(wire):
    it = Rask(TestRask().settings(), client=wire.client)
    it._token, it._until = KEY, math.inf
    paths = {
        f"translation_{kind}_path": f"https://storage.rask.example/t.{kind}"
        for kind in ("srt", "vtt")
    }
    done = {"status": "merging_done", "translated_video": "https://storage.rask.example/t.mp4"}
    wire.reply(TOLD["project"] | done | paths)
    links = (await it.get_dub("p1")).links
    assert set(links) == {"video", "subtitles_srt", "subtitles_vtt"}


# -- subtitles of one's own -------------------------------------------------------------------


def srt(*texts):
    """A SubRip file with a caption a second."""
    cues = [Cue(float(n), n + 0.5, (text,)) for n, text in enumerate(texts)]
    content = written(cues).encode()

    async def chunks():
        yield content

    return Media(
        name="own.srt",
        media_type="application/x-subrip",
        size=len(content),
        sha256=sha256(content).hexdigest(),
        open=chunks,
    )


async def test_own_subtitles_become_the_transcript_of_the_project(signed_in, wire):
    own = {"source": srt("Hello.", "Bye."), "translation": srt("Hola.", "Adios.")}
    asked = dub(subtitles=own, options=(RaskDub(src_lang="en"),), prepared={})
    transcript = "3c90c3cc-0d44-4b50-8888-8dd25736052a"
    wire.reply(READY).reply({"id": transcript, "segments": []}).reply(PROJECT)
    prepared = await signed_in.prepare(Operation.DUB, asked)
    await signed_in.dub_video(asked.model_copy(update={"prepared": prepared}))
    assert wire.body(1)["segments"][1] == {
        "src": {"text": "Bye.", "lang": "en"},
        "dst": {"text": "Adios.", "lang": "es-es"},
        "start": "00:00:01,000",
        "end": "00:00:01,500",
    }
    assert wire.body()["transcript_id"] == transcript
    contract = Contract.of("rask", closed=True)
    assert [contract.check(request) for request in wire.requests] == [
        "POST /api/library/v1/media/link",
        "POST /v2/transcriptions",
        "POST /v2/projects",
    ]


async def test_own_subtitles_that_do_not_match_are_refused_before_the_upload(signed_in, wire):
    own = {"source": srt("Hello.", "Bye."), "translation": srt("Hola.")}
    with pytest.raises(errors.MediaRejected, match="2 captions, those of the translation 1"):
        await signed_in.prepare(Operation.DUB, dub(subtitles=own))
    assert not wire.requests


async def test_a_transcript_without_an_id_is_no_transcript(signed_in, wire):
    own = {"source": srt("Hello."), "translation": srt("Hola.")}
    wire.reply(READY).reply({"segments": []})
    with pytest.raises(errors.BadReply, match="names no transcription"):
        await signed_in.prepare(Operation.DUB, dub(subtitles=own))


# -- lips -------------------------------------------------------------------------------------

LINK = "https://storage.rask.example/lips.mp4"
DUBBED = PROJECT | {"status": "merging_done", "translated_video": LINK.replace("lips", "t")}
LIPS = f"{TOKEN} (lip-sync)"


def lips(**told):
    """The state of the face check and of the lips."""
    names = ("check_face_task_status", "video_has_face", "lipsync_task_status")
    more = ("lipsync_task_progress", "tasks_in_lipsync_queue", "lipsync_result_path")
    return dict.fromkeys((*names, *more)) | told


@pytest.mark.parametrize(
    ("several", "end"), [(False, " (lip-sync)"), (True, " (lip-sync of several)")]
)
async def test_the_name_of_a_project_says_that_its_lips_are_moved(signed_in, wire, several, end):
    wire.reply(PROJECT)
    await signed_in.dub_video(dub(options=(RaskLipSync(several_speakers=several),)))
    assert wire.body()["name"] == TOKEN + end
    mine = PROJECT | {"name": TOKEN + end}
    other = PROJECT | {"id": "another", "name": f"{TOKEN}-2{end}"}
    wire.reply({"projects": [other, mine], "total": 2})
    assert [job.id for job in await signed_in.find_dub(TOKEN)] == [PROJECT["id"]]


async def test_lips_are_moved_once_the_video_is_dubbed_and_its_faces_are_found(signed_in, wire):
    steps = [
        ({}, "PUT check_face", JobState.RUNNING),
        ({"check_face_task_status": "started"}, None, JobState.RUNNING),
        (
            {"check_face_task_status": "done", "video_has_face": True},
            "PUT lipsync",
            JobState.RUNNING,
        ),
        ({"lipsync_task_status": "started", "lipsync_task_progress": 60}, None, JobState.RUNNING),
        ({"lipsync_task_status": "done"}, None, JobState.RUNNING),
        (
            {"lipsync_task_status": "done", "lipsync_result_path": LINK},
            None,
            JobState.SUCCEEDED,
        ),
    ]
    for told, begun, state in steps:
        before = len(wire.requests)
        wire.reply(DUBBED | {"name": LIPS}).reply(lips(**told))
        job = await signed_in.get_dub(PROJECT["id"])
        assert len(wire.requests) == before + 2
        if job.next_step is not None:
            wire.reply({})
            await signed_in.begin_step(job)
        calls = [f"{r.method} {r.url.path.rpartition('/')[2]}" for r in wire.requests[before + 2 :]]
        assert (calls, job.state) == ([begun] if begun else [], state)
    assert job.links["video"] == LINK
    contract = Contract.of("rask", closed=True)
    assert {contract.check(request) for request in wire.requests} == {
        "GET /v2/projects/{project_id}",
        "GET /v2/projects/{project_id}/lipsync",
        "PUT /v2/projects/{project_id}/check_face",
        "PUT /v2/projects/{project_id}/lipsync",
    }


async def test_lips_of_a_project_that_is_not_dubbed_yet_are_left_alone(signed_in, wire):
    wire.reply(PROJECT | {"name": LIPS})
    assert (await signed_in.get_dub("x1")).state is not JobState.SUCCEEDED
    assert len(wire.requests) == 1


async def test_lips_that_are_out_of_date_are_moved_again(signed_in, wire):
    told = {"check_face_task_status": "done", "video_has_face": True}
    wire.reply(DUBBED | {"name": f"{TOKEN} (lip-sync of several)"})
    wire.reply(lips(lipsync_task_status="outdated", **told)).reply({})
    job = await signed_in.get_dub("x1")
    assert (job.state, job.next_step) == (JobState.RUNNING, "lipsync")
    await signed_in.begin_step(job)
    assert wire.body() == {"is_multiple_speakers": True, "is_free_lipsync": False}


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"lipsync_task_status": "failed"}, "could not move its lips"),
        ({"check_face_task_status": "failed"}, "could not move its lips"),
        ({"check_face_task_status": "done", "video_has_face": False}, "found no face"),
    ],
)
async def test_lips_that_cannot_be_moved_fail_with_the_reason(signed_in, wire, told, why):
    wire.reply(DUBBED | {"name": LIPS}).reply(lips(**told))
    job = await signed_in.get_dub("x1")
    assert (job.state, len(wire.requests)) == (JobState.FAILED, 2)
    assert why in job.reason
