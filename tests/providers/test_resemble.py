"""Resemble: the suites, and what is special about it."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from avatarkit import errors
from avatarkit.interfaces import ProviderSettings
from avatarkit.models import JobState, Operation, SpeechRequest, VoiceRequest
from avatarkit.providers.resemble import Resemble, ResembleSpeech, ResembleVoice
from avatarkit.testing import CannedAnswers, ProviderSuite, SpeechSuite
from avatarkit.testing.providers import _REFUSALS, TOKEN
from providers.contract import Contract

pytestmark = pytest.mark.anyio

TOLD = json.loads((Path(__file__).parent / "resemble.json").read_text())
VOICE, SPOKEN, RECORDING = TOLD["voice"], TOLD["spoken"], TOLD["recording"]
WORDS = {
    "running": JobState.RUNNING,
    "processing": JobState.RUNNING,
    "training": JobState.RUNNING,
    "finished": JobState.SUCCEEDED,
    "ready": JobState.SUCCEEDED,
    "failed": JobState.FAILED,
    "error": JobState.FAILED,
}

#: Its documentation speaks of plans, not of keys, where it forbids something.
FORBIDDEN = pytest.mark.xfail(
    strict=True, raises=errors.PlanError, reason="a 403 is a plan without cloning"
)
PLANS = [
    pytest.param(status, kind, marks=FORBIDDEN) if status == 403 else (status, kind)
    for status, kind in _REFUSALS.items()
]


def told(**more):
    return {"success": True, "item": {**VOICE, **more}}


class TestResemble(ProviderSuite):
    provider = Resemble
    recordings = {
        Operation.VOICE: CannedAnswers(
            submitted=TOLD["submitted"],
            polled={
                JobState.RUNNING: told(status="running"),
                JobState.SUCCEEDED: told(),
                JobState.FAILED: told(status="failed"),
            },
            pages=[
                {
                    "success": True,
                    "page": 1,
                    "total_results": 3,
                    "page_count": 2,
                    "items": [
                        {**VOICE, "uuid": "another", "name": "Ada"},
                        {**VOICE, "uuid": "younger", "created_at": "2026-11-24T10:00:00Z"},
                    ],
                },
                {"success": True, "page": 2, "num_pages": 2, "page_size": 100, "items": [VOICE]},
            ],
            delivered=TOLD["delivered"],
        )
    }

    @pytest.mark.parametrize(("status", "wanted"), PLANS, ids=str)
    async def test_a_refusal_proves_that_nothing_was_accepted(
        self, it, wire, operation, status, wanted
    ):
        await super().test_a_refusal_proves_that_nothing_was_accepted(
            it, wire, operation, status, wanted
        )

    @pytest.mark.xfail(
        strict=True, raises=errors.Unsupported, reason="recordings need their transcripts"
    )
    async def test_media_without_a_link_is_streamed_or_refused(self, it, wire):
        await super().test_media_without_a_link_is_streamed_or_refused(it, wire, Operation.VOICE)


class TestResembleSpeech(SpeechSuite):
    provider = Resemble
    audio = b"RIFF"
    media_type = "audio/wav"
    wrapped = SPOKEN

    @pytest.mark.parametrize(("status", "wanted"), PLANS, ids=str)
    async def test_a_refusal_proves_that_nothing_was_accepted(self, it, wire, status, wanted):
        await super().test_a_refusal_proves_that_nothing_was_accepted(it, wire, status, wanted)


@pytest.fixture
def resemble(wire):
    return Resemble(ProviderSettings(api_key=SecretStr("key-1")), client=wire.client)


def sample(*, linked=False):
    return TestResemble().media(linked=linked)


def voice(*transcripts, samples=None, options=None, **more):
    """A voice of recordings; of a link where there are no transcripts."""
    given = samples or tuple(sample(linked=not transcripts) for _ in transcripts or (1,))
    options = options or ResembleVoice(transcripts=transcripts)
    return VoiceRequest(token=TOKEN, samples=given, options=(options,), **more)


def speech(**more):
    return SpeechRequest(**{"token": TOKEN, "voice_id": "v1", "text": "Hi!"} | more)


def recordings(*names):
    items = [{**RECORDING, "uuid": f"r{n}", "name": name} for n, name in enumerate(names)]
    return {"success": True, "page": 1, "page_count": 1, "items": items}


def calls(wire):
    return [
        f"{request.method} {request.url.path.removeprefix('/api/v2')}" for request in wire.requests
    ]


# -- a success that is none -------------------------------------------------------------------


async def test_a_success_that_says_it_is_none_is_a_refusal(resemble, wire):
    wire.reply(TOLD["refused"])
    with pytest.raises(errors.Refused, match=r"Invalid JSON \[BadJSON\]"):
        await resemble.clone_voice(voice())
    with pytest.raises(errors.Refused):
        await resemble.get_voice("v1")
    with pytest.raises(errors.Refused):
        await resemble.synthesize(speech())


@pytest.mark.parametrize("status", [200, 422])
async def test_complaints_about_fields_are_told(resemble, wire, status):
    wire.reply(TOLD["invalid"], status)
    with pytest.raises(errors.Refused, match="is too long"):
        await resemble.clone_voice(voice())


async def test_what_the_plan_does_not_include_is_said_to_be_the_plan(resemble, wire):
    wire.reply({"success": False, "message": "upgrade"}, 403)
    with pytest.raises(errors.PlanError, match="upgrade"):
        await resemble.clone_voice(voice())


# -- making a voice ---------------------------------------------------------------------------


async def test_a_linked_wav_makes_a_rapid_voice(resemble, wire):
    wire.reply(TOLD["submitted"])
    request = voice(language="en-US", callback_url="https://app.example/hook")
    await resemble.clone_voice(request)
    assert wire.body() == {
        "name": TOKEN,
        "voice_type": "rapid",
        "dataset_url": request.samples[0].url,
        "language": "en-US",
        "callback_uri": "https://app.example/hook",
    }


async def test_the_spoken_consent_goes_with_it_and_is_in_no_repr(resemble, wire):
    wire.reply(TOLD["submitted"])
    consent = base64.b64encode(b"RIFF-consent").decode()
    options = ResembleVoice(consent=consent)
    await resemble.clone_voice(voice(options=options))
    assert wire.body()["consent"] == consent
    assert consent not in repr(options)


async def test_what_is_new_may_be_said_of_a_voice(resemble, wire):
    wire.reply(TOLD["submitted"])
    await resemble.clone_voice(voice(options=ResembleVoice(extra={"fill": True})))
    assert wire.body()["fill"] is True


async def test_what_has_transcripts_is_uploaded_as_recordings(resemble, wire):
    wire.reply(TOLD["submitted"]).reply({"success": True, "item": RECORDING})
    await resemble.clone_voice(voice("Hello there.", "And good night."))
    assert calls(wire) == ["POST /voices", *["POST /voices/VOICE_UUID/recordings"] * 2]
    assert "dataset_url" not in wire.body(0)
    assert wire.body(1) == {
        "name": "1 of 2",
        "text": "Hello there.",
        "emotion": "neutral",
        "is_active": "true",
        "file": b"RIFF-the-recorded-bytes",
    }
    assert wire.body(2)["name"] == "2 of 2"


async def test_a_recording_that_fails_loses_neither_the_voice_nor_the_others(resemble, wire):
    wire.reply(TOLD["submitted"]).reply({}, 500).reply({}, 500)
    wire.reply({"success": True, "item": RECORDING})
    job = await resemble.clone_voice(voice("One.", "Two."))
    assert job.id == "VOICE_UUID"
    assert wire.body()["name"] == "2 of 2"


UNSAYABLE = {
    "no link": voice(samples=(sample(),)),
    "two without transcripts": voice(samples=(sample(linked=True),) * 2),
    "no WAV": voice(samples=(sample(linked=True).model_copy(update={"media_type": "audio/mpeg"}),)),
    "professional without transcripts": voice(options=ResembleVoice(voice_type="professional")),
    "a transcript too few": voice("One.", samples=(sample(), sample())),
}


@pytest.mark.parametrize("name", UNSAYABLE)
async def test_what_cannot_be_said_is_refused_before_anything_is_sent(resemble, wire, name):
    with pytest.raises(errors.Unsupported, match="transcript"):
        await resemble.clone_voice(UNSAYABLE[name])
    assert not wire.requests


# -- building and polling ---------------------------------------------------------------------


@pytest.mark.parametrize("word", ["pending", "initializing"])
async def test_what_waits_for_its_build_is_built_once(resemble, wire, word):
    waiting = told(status=word)
    wire.reply(waiting).reply(recordings()).reply(TOLD["built"]).reply(waiting)
    job = await resemble.get_voice("v1")
    assert (job.state, job.next_step) == (JobState.QUEUED, "build")
    await resemble.begin_step(job)
    built = await resemble.get_voice("v1")
    assert (built.state, built.next_step) == (JobState.QUEUED, None)
    assert calls(wire) == [
        "GET /voices/v1",
        "GET /voices/v1/recordings",
        "POST /voices/VOICE_UUID/build",
        "GET /voices/v1",
    ]


async def test_a_build_that_fails_is_tried_at_the_next_poll(resemble, wire):
    waiting = told(status="pending")
    wire.reply(waiting).reply(recordings()).reply({}, 422)
    job = await resemble.get_voice("v1")
    with pytest.raises(errors.Refused):
        await resemble.begin_step(job)
    wire.reply(waiting).reply(recordings()).reply(TOLD["built"])
    await resemble.begin_step(await resemble.get_voice("v1"))
    assert calls(wire).count("POST /voices/VOICE_UUID/build") == 2


async def test_all_recordings_are_there_before_it_is_built(resemble, wire):
    wire.reply(told(status="pending")).reply(recordings("2 of 2", "mine", "1 of 2"))
    wire.reply(TOLD["built"])
    await resemble.begin_step(await resemble.get_voice("v1"))
    assert calls(wire)[-1] == "POST /voices/VOICE_UUID/build"


async def test_a_voice_whose_recordings_did_not_arrive_has_failed(resemble, wire):
    wire.reply(told(status="pending")).reply(recordings("2 of 3", "3 of 3"))
    job = await resemble.get_voice("v1")
    assert (job.state, job.reason) == (
        JobState.FAILED,
        "only 2 of 3 recordings arrived: train again",
    )
    assert calls(wire)[-1] == "GET /voices/v1/recordings"


@pytest.mark.parametrize(("word", "state"), WORDS.items())
async def test_each_word_of_the_documentation_is_known(resemble, wire, word, state):
    wire.reply(told(status=word))
    assert (await resemble.get_voice("v1")).state is state


@pytest.mark.parametrize(
    "support", [{"sync_tts": False}, {"sync": False, "async": True}], ids=["reference", "overview"]
)
async def test_a_ready_voice_that_cannot_speak_yet_still_runs(resemble, wire, support):
    wire.reply(told(api_support=support))
    assert (await resemble.get_voice("v1")).state is JobState.RUNNING


async def test_recordings_that_cannot_be_used_are_a_failure(resemble, wire):
    wire.reply(told(status="pending", dataset_analysis_failure=True))
    job = await resemble.get_voice("v1")
    assert job.state is JobState.FAILED
    assert "record them again" in job.reason


@pytest.mark.parametrize("item", [None, "VOICE_UUID", []])
async def test_an_item_that_is_none_is_a_bad_reply(resemble, wire, item):
    wire.reply({"success": True, "item": item})
    with pytest.raises(errors.BadReply):
        await resemble.get_voice("v1")


# -- speech -----------------------------------------------------------------------------------


async def test_speech_has_a_host_of_its_own(resemble, wire):
    wire.reply(SPOKEN)
    await resemble.synthesize(speech())
    assert str(wire.requests[0].url) == "https://f.cluster.resemble.ai/synthesize"
    assert wire.requests[0].headers["authorization"] == "Bearer key-1"


async def test_the_host_of_speech_may_be_the_accounts_own(wire):
    hosts = {"speech": "https://p.cluster.resemble.ai/"}
    settings = ProviderSettings(api_key=SecretStr("key-1"), hosts=hosts)
    resemble = Resemble(settings, client=wire.client)
    wire.reply(SPOKEN)
    await resemble.synthesize(speech())
    assert str(wire.requests[0].url) == "https://p.cluster.resemble.ai/synthesize"


async def test_the_form_of_the_audio_is_always_said(resemble, wire):
    wire.reply(SPOKEN)
    await resemble.synthesize(speech())
    assert wire.body() == {
        "voice_uuid": "v1",
        "data": "Hi!",
        "output_format": "wav",
        "sample_rate": 48000,
        "precision": "PCM_16",
    }


async def test_an_mp3_has_no_precision(resemble, wire):
    wire.reply({**SPOKEN, "output_format": "mp3"})
    options = ResembleSpeech(output_format="mp3", sample_rate=44100)
    spoken = await resemble.synthesize(speech(options=(options,)))
    said = wire.body()
    assert (said["output_format"], said["sample_rate"]) == ("mp3", 44100)
    assert "precision" not in said
    assert spoken.media_type == "audio/mpeg"


@pytest.mark.parametrize("content", [None, "", "not base64!", 7], ids=str)
async def test_speech_without_audio_leaves_open_whether_it_was_paid(resemble, wire, content):
    wire.reply({**SPOKEN, "audio_content": content})
    with pytest.raises(errors.Ambiguous):
        await resemble.synthesize(speech())
    assert len(wire.requests) == 1


TIMINGS = (("H", 0.0374, 0.1247), ("i", 0.0873, 0.1746))


@pytest.mark.parametrize(
    ("stamps", "wanted"),
    [
        (SPOKEN["audio_timestamps"], TIMINGS),
        ({"graph_chars": ["H", "i"], "graph_times": [[37.4, 124.7], [87.3, 174.6]]}, TIMINGS),
        ({"graph_chars": [], "graph_times": []}, None),
        ({"graph_chars": ["H"], "graph_times": []}, None),
        ({"graph_chars": ["H"], "graph_times": [[0.1]]}, None),
        ({"graph_chars": ["H"], "graph_times": [None]}, None),
        ({}, None),
        (None, None),
        ("soon", None),
    ],
    ids=["seconds", "milliseconds", "empty", "uneven", "half", "null", "no keys", "none", "text"],
)
async def test_timings_are_read_where_they_make_sense(resemble, wire, stamps, wanted):
    wire.reply({**SPOKEN, "audio_timestamps": stamps})
    spoken = await resemble.synthesize(speech())
    read = spoken.timings and tuple((c, pytest.approx(s), pytest.approx(e)) for c, s, e in wanted)
    assert spoken.timings == read
    assert (spoken.timings is None) is (wanted is None)
    assert spoken.cost == "1.68 seconds"


# -- the vendor's document --------------------------------------------------------------------

SUBMISSIONS = {
    "a link": voice(language="en-US", callback_url="https://app.example/hook"),
    "recordings": voice("One.", "Two."),
    "professional": voice(
        "One.", options=ResembleVoice(voice_type="professional", transcripts=("One.",))
    ),
}


@pytest.mark.parametrize("name", SUBMISSIONS)
async def test_a_voice_is_made_as_the_vendor_describes(resemble, wire, name):
    contract = Contract.of("resemble", closed=True)
    wire.reply(TOLD["submitted"])
    await resemble.clone_voice(SUBMISSIONS[name])
    checked = [contract.check(request) for request in wire.requests]
    assert checked[0] == "POST /voices"
    assert set(checked[1:]) <= {"POST /voices/{voice_uuid}/recordings"}


async def test_consent_and_description_are_in_documentation_but_not_in_the_document(resemble, wire):
    contract = Contract.of("resemble", closed=True)
    wire.reply(TOLD["submitted"])
    await resemble.clone_voice(voice(options=ResembleVoice(consent="UklGRg==", description="Ana")))
    with pytest.raises(AssertionError, match=r"'consent', 'description'|'description', 'consent'"):
        contract.check(wire.requests[0])
    assert Contract.of("resemble").check(wire.requests[0]) == "POST /voices"


ALL = ResembleSpeech(
    model="chatterbox-turbo",
    output_format="wav",
    sample_rate=22050,
    precision="PCM_24",
    use_hd=True,
    apply_custom_pronunciations=True,
    project_uuid="p1",
    title="Hello",
)


@pytest.mark.parametrize(
    "options", [(), (ResembleSpeech(output_format="mp3"),), (ALL,)], ids=["plain", "MP3", "all"]
)
async def test_speech_is_asked_for_as_the_vendor_describes(resemble, wire, options):
    contract = Contract.of("resemble", closed=True)
    wire.reply(SPOKEN)
    await resemble.synthesize(speech(options=options))
    assert contract.check(wire.requests[0]) == "POST /synthesize"


async def test_every_free_call_is_one_that_the_vendor_describes(resemble, wire):
    contract = Contract.of("resemble", closed=True)
    wire.reply(told(status="pending")).reply(recordings()).reply(TOLD["built"])
    await resemble.begin_step(await resemble.get_voice("v1"))
    wire.reply(recordings())
    await resemble.find_voice(TOKEN)
    await resemble.delete_voice("v1")
    assert [contract.check(request) for request in wire.requests] == [
        "GET /voices/{voice_uuid}",
        "GET /voices/{voice_uuid}/recordings",
        "POST /voices/{voice_uuid}/build",
        "GET /voices",
        "DELETE /voices/{voice_uuid}",
    ]
