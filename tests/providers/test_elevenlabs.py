"""ElevenLabs: the suites, and what is special about it."""

from __future__ import annotations

import base64
import copy
import dataclasses
import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from avatarkit import errors
from avatarkit.interfaces import Balance, ProviderSettings, current_limits, limits_of
from avatarkit.models import DubRequest, JobState, Operation, SpeechRequest, VoiceRequest
from avatarkit.providers.elevenlabs import (
    REGIONS,
    Allowance,
    ElevenLabs,
    ElevenLabsAudio,
    ElevenLabsDub,
    ElevenLabsProfessional,
    ElevenLabsPronunciation,
    ElevenLabsRevoice,
    ElevenLabsSpeech,
    ElevenLabsVoice,
    ElevenLabsVoiceSettings,
)
from avatarkit.testing import CannedAnswers, Golden, ProviderSuite, SpeechSuite
from avatarkit.testing.providers import KEY, TOKEN
from avatarkit.webhooks import Delivery
from providers.contract import Contract

pytestmark = pytest.mark.anyio

TOLD = json.loads((Path(__file__).parent / "elevenlabs.json").read_text())
VOICE, PROFESSIONAL = TOLD["voice"], TOLD["professional"]
PNG = b"\x89PNG\r\n\x1a\n"
CAPTCHA = base64.b64encode(PNG)


def changed(voice, **values):
    """The voice, with other values at dotted places (``__`` for the dot)."""
    voice = copy.deepcopy(voice)
    for place, value in values.items():
        *path, last = place.split("__")
        target = voice
        for name in path:
            target = target[name]
        target[last] = value
    return voice


def another(**values):
    return {**VOICE, "voice_id": "another", "name": "Ada", **values}


DUBBED = TOLD["dub"]["language"]


def dubbed(**values):
    """The language of a dubbing project."""
    return {**DUBBED, **values}


def project(**values):
    """A dubbing project."""
    return {**TOLD["dub"]["submitted"], **values}


class TestElevenLabs(ProviderSuite):
    provider = ElevenLabs
    recordings = {
        Operation.VOICE: CannedAnswers(
            submitted=TOLD["submitted"],
            polled={
                JobState.SUCCEEDED: VOICE,
                JobState.NEEDS_ACTION: changed(
                    VOICE, voice_verification__requires_verification=True
                ),
                JobState.FAILED: changed(VOICE, safety_control="BAN"),
            },
            pages=[
                {
                    "voices": [another()],
                    "has_more": True,
                    "total_count": 102,
                    "next_page_token": "page-2",
                },
                {
                    "voices": [
                        {**VOICE, "voice_id": "younger", "created_at_unix": 1_790_000_900},
                        VOICE,
                    ],
                    "has_more": False,
                    "total_count": 102,
                    "next_page_token": None,
                },
            ],
            delivered=TOLD["withdrawn"],
            state_field=None,
        ),
        Operation.DUB: CannedAnswers(
            submitted=TOLD["dub"]["submitted"],
            polled={
                JobState.QUEUED: dubbed(status="queued", outputs=None),
                JobState.RUNNING: dubbed(status="processing", outputs=None),
                JobState.SUCCEEDED: DUBBED,
                JobState.FAILED: dubbed(status="failed", outputs=None, error=TOLD["dub"]["error"]),
            },
            pages=[
                {"projects": [project(project_id="another", reference=None)], "next_cursor": "2"},
                {
                    "projects": [
                        project(project_id="younger", created_at="2026-09-23T10:00:00Z"),
                        project(),
                    ],
                    "next_cursor": None,
                },
            ],
            webhook=False,
        ),
    }

    def polled(self, operation, body):
        return {"languages": [body], "next_cursor": None} if operation is Operation.DUB else body

    golden = Golden(
        secret=b"wsec_test_0123456789abcdef",
        delivery=Delivery(
            b'{"type":"voice_removal_notice","event_timestamp":1790000000,'
            b'"data":{"voice_id":"21m00Tcm4TlvDq8ikWAM"}}',
            {
                "elevenlabs-signature": "t=1790000000,v0="
                "f745039c94ec2eccfb546429f7566578c63bee1f566662f76b11de33c0e4c16c"
            },
            received=1_790_001_000,
        ),
    )


class TestElevenLabsSpeech(SpeechSuite):
    provider = ElevenLabs
    audio = b"ID3 and so on"


@pytest.fixture
def it(wire):
    return ElevenLabs(ProviderSettings(api_key=SecretStr(KEY)), client=wire.client)


def ask(**more):
    media = TestElevenLabs().media(linked=False)
    return VoiceRequest(**{"token": TOKEN, "samples": (media, media), "language": "en-GB"} | more)


def say(**more):
    return SpeechRequest(
        **{"token": TOKEN, "voice_id": "v1", "text": "Hi", "language": "pt"} | more
    )


async def heard(speech):
    return b"".join([chunk async for chunk in speech.audio])


# -- instant voices ---------------------------------------------------------------------------


async def test_recordings_repeat_one_part_and_labels_are_json_in_a_text(it, wire):
    wire.reply(TOLD["submitted"])
    await it.clone_voice(ask(options=(ElevenLabsVoice(remove_background_noise=True),)))
    assert wire.requests[0].content.count(b'name="files"; filename="sample.wav"') == 2
    assert json.loads(wire.body()["labels"]) == {"language": "en"}
    assert wire.body()["remove_background_noise"] == "true"
    assert wire.requests[0].headers["xi-api-key"] == KEY


async def test_a_voice_that_must_be_verified_is_not_ready(it, wire):
    wire.reply(TOLD["unverified"])
    job = await it.clone_voice(ask())
    assert job.state is JobState.NEEDS_ACTION
    assert "verified" in job.action.message


async def test_a_voice_that_was_verified_is_ready(it, wire):
    verified = {
        "voice_verification__requires_verification": True,
        "voice_verification__is_verified": True,
    }
    wire.reply(changed(VOICE, **verified))
    assert (await it.get_voice("v1")).state is JobState.SUCCEEDED


async def test_a_voice_that_is_gone_counts_as_deleted_although_the_status_is_400(it, wire):
    wire.reply(TOLD["failures"]["no such voice"]["body"], 400)
    await it.delete_voice("alloy")


async def test_the_search_is_for_the_token_and_believes_only_the_whole_name(it, wire):
    wire.reply({"voices": [another(name=f"{TOKEN}-2"), VOICE], "has_more": False})
    found = await it.find_voice(TOKEN)
    assert [job.id for job in found] == [VOICE["voice_id"]]
    assert wire.requests[0].url.params["search"] == TOKEN


async def test_a_page_after_the_last_is_not_asked_for(it, wire):
    wire.reply({"voices": [], "has_more": False, "next_page_token": "again"})
    await it.find_voice(TOKEN)
    assert len(wire.requests) == 1


async def test_more_without_a_way_to_it_is_never_absence(it, wire):
    wire.reply({"voices": [], "has_more": True, "next_page_token": None})
    with pytest.raises(errors.BadReply, match="has more pages"):
        await it.find_voice(TOKEN)


# -- professional voices ----------------------------------------------------------------------

TRAIN = (ElevenLabsProfessional(description="Ana"),)
DUPLICATE = {"detail": {"code": "duplicate_files", "message": "You cannot upload a file twice."}}


async def test_a_professional_voice_is_created_and_given_its_recordings(it, wire):
    wire.reply({"voice_id": "pvc1"}).reply([{"sample_id": "s1"}, {"sample_id": "s2"}])
    job = await it.clone_voice(ask(options=TRAIN))
    assert (job.id, job.state) == ("pvc1", JobState.QUEUED)
    assert wire.body(0) == {"name": TOKEN, "language": "en", "description": "Ana"}
    assert wire.requests[1].url.path == "/v1/voices/pvc/pvc1/samples"
    assert wire.requests[1].content.count(b'name="files"') == 2


async def test_a_professional_voice_without_a_language_is_refused(it, wire):
    with pytest.raises(errors.Unsupported, match="language"):
        await it.clone_voice(ask(options=TRAIN, language=None))
    assert not wire.requests


async def test_a_professional_voice_whose_recordings_are_refused_is_deleted(it, wire):
    wire.reply({"voice_id": "pvc1"}).reply({"detail": {"code": "invalid_audio"}}, 400)
    wire.reply({"status": "ok"})
    with pytest.raises(errors.Refused) as caught:
        await it.clone_voice(ask(options=TRAIN))
    assert caught.value.code == "invalid_audio"
    assert wire.requests[2].method == "DELETE"


async def test_recordings_that_arrived_although_the_answer_was_lost_are_there(it, wire):
    wire.reply({"voice_id": "pvc1"}).reply({}, 503).reply(DUPLICATE, 400)
    assert (await it.clone_voice(ask(options=TRAIN))).id == "pvc1"


async def test_a_professional_voice_without_recordings_has_failed(it, wire):
    wire.reply(changed(PROFESSIONAL, samples=[]))
    job = await it.get_voice("pvc1")
    assert (job.state, job.reason) == (
        JobState.FAILED,
        "its recordings never arrived: train again",
    )


@pytest.mark.parametrize(
    "answer", [PNG, CAPTCHA, b'"' + CAPTCHA + b'"'], ids=["png", "text", "json"]
)
async def test_the_captcha_is_an_action_and_stays_the_same_picture(it, wire, answer):
    wire.reply(PROFESSIONAL).reply(answer).reply(PROFESSIONAL)
    first, second = await it.get_voice("pvc1"), await it.get_voice("pvc1")
    assert first.state is JobState.NEEDS_ACTION
    assert first.action.kind == "captcha"
    assert (first.action.recording, first.action.ref) == ("audio", "pvc1")
    assert first.action.url == f"data:image/png;base64,{CAPTCHA.decode()}"
    assert second.action == first.action
    assert len(wire.requests) == 3


@pytest.mark.parametrize("answer", [b"<html>", b'"bm90IGEgcGljdHVyZQ=="', b""], ids=repr)
async def test_a_captcha_that_is_no_picture_is_an_error(it, wire, answer):
    wire.reply(answer)
    with pytest.raises(errors.BadReply, match="no picture"):
        await it.captcha("pvc1")


async def test_after_a_recording_was_handed_in_a_fresh_captcha_is_shown(it, wire):
    wire.reply(PROFESSIONAL).reply(CAPTCHA).reply({"status": "ok"})
    wire.reply(PROFESSIONAL).reply(CAPTCHA)
    await it.get_voice("pvc1")
    await it.hand_in("pvc1", TestElevenLabs().media())
    await it.get_voice("pvc1")
    paths = [request.url.path.rpartition("/")[2] for request in wire.requests]
    assert paths == ["pvc1", "captcha", "captcha", "pvc1", "captcha"]
    assert wire.body(2) == {"recording": b"RIFF-the-recorded-bytes"}


VERIFIED = changed(PROFESSIONAL, voice_verification__is_verified=True)


@pytest.mark.parametrize(
    ("status", "answer"),
    [(200, {"status": "ok"}), (409, {"detail": {"code": "already_running"}})],
)
async def test_a_verified_voice_is_trained(it, wire, status, answer):
    wire.reply(VERIFIED).reply(answer, status)
    job = await it.get_voice("pvc1")
    assert (job.state, job.next_step, len(wire.requests)) == (JobState.QUEUED, "train", 1)
    await it.begin_step(job)
    assert wire.requests[1].url.path == "/v1/voices/pvc/pvc1/train"
    assert wire.body() == {"model_id": "eleven_multilingual_v2"}


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("queued", JobState.QUEUED),
        ("delayed", JobState.QUEUED),
        ("fine_tuning", JobState.RUNNING),
        ("fine_tuned", JobState.SUCCEEDED),
        ("failed", JobState.FAILED),
        ("percolating", JobState.UNKNOWN),
    ],
)
async def test_a_professional_voice_is_followed_through_its_training(it, wire, word, state):
    tuned = {
        "fine_tuning__state": {"eleven_multilingual_v2": word},
        "fine_tuning__progress": {"eleven_multilingual_v2": 0.4},
        "fine_tuning__message": {"eleven_multilingual_v2": "too noisy"},
    }
    wire.reply(changed(VERIFIED, **tuned))
    job = await it.get_voice("pvc1")
    assert job.state is state
    assert job.progress == (0.4 if state is JobState.RUNNING else None)
    assert job.reason == ("too noisy" if state is JobState.FAILED else None)
    assert len(wire.requests) == 1


async def test_a_voice_that_people_look_at_is_waited_for(it, wire):
    wire.reply(changed(PROFESSIONAL, fine_tuning__manual_verification_requested=True))
    assert (await it.get_voice("pvc1")).state is JobState.RUNNING


# -- speech -----------------------------------------------------------------------------------


async def test_the_cost_is_what_the_header_says_in_credits(it, wire):
    wire.reply(b"ID3", character_cost="51", content_type="audio/mpeg")
    assert (await it.synthesize(say())).cost == "51 credits"


@pytest.mark.parametrize("told", [{}, {"character_cost": "some"}])
async def test_a_cost_that_is_not_told_is_unknown(it, wire, told):
    wire.reply(b"ID3", content_type="audio/mpeg", **told)
    assert (await it.synthesize(say())).cost is None


async def test_speech_streams_where_that_is_asked_for(it, wire):
    wire.reply(b"ID3", content_type="audio/mpeg")
    how = ElevenLabsAudio(delivery="streamed", output_format="mp3_22050_32", enable_logging=False)
    assert await heard(await it.synthesize(say(options=(how,)))) == b"ID3"
    assert wire.requests[0].url.path == "/v1/text-to-speech/v1/stream"
    assert dict(wire.requests[0].url.params) == {
        "output_format": "mp3_22050_32",
        "enable_logging": "false",
    }


async def test_the_time_of_each_character_comes_along(it, wire):
    wire.reply(TOLD["timestamps"], character_cost="2")
    speech = await it.synthesize(say(options=(ElevenLabsAudio(delivery="timestamps"),)))
    assert speech.timings == (("H", 0.0, 0.1), ("i", 0.1, 0.2))
    assert (speech.media_type, speech.cost) == ("audio/mpeg", "2 credits")
    assert await heard(speech) == b"ID3\x04\x00\x00\x00\x00"


async def test_times_may_be_missing(it, wire):
    wire.reply({**TOLD["timestamps"], "alignment": None})
    speech = await it.synthesize(say(options=(ElevenLabsAudio(delivery="timestamps"),)))
    assert speech.timings is None


@pytest.mark.parametrize("answer", [b"<html>", b"[1]", b"{}", b'{"audio_base64": "?"}'], ids=repr)
async def test_an_answer_without_audio_may_have_cost_money(it, wire, answer):
    wire.reply(answer)
    with pytest.raises(errors.Ambiguous):
        await it.synthesize(say(options=(ElevenLabsAudio(delivery="timestamps"),)))


@pytest.mark.parametrize(
    ("model", "code"), [(None, None), ("eleven_multilingual_v2", None), ("eleven_v3", "pt")]
)
async def test_the_language_is_said_to_models_that_take_one(it, wire, model, code):
    wire.reply(b"ID3", content_type="audio/mpeg")
    await it.synthesize(say(options=(ElevenLabsSpeech(model_id=model),)))
    assert wire.body().get("language_code") == code
    assert wire.body()["model_id"] == (model or "eleven_multilingual_v2")


MODELS = [
    {"model_id": "eleven_multilingual_v2", "maximum_text_length_per_request": 12_000},
    {"model_id": "eleven_v3", "maximum_text_length_per_request": 3000},
    {"model_id": "eleven_flash_v2_5"},
]


@pytest.mark.parametrize(
    ("model", "longest"),
    [(None, 12_000), ("eleven_v3", 3000), ("eleven_flash_v2_5", 40_000), ("new", None)],
)
async def test_the_vendors_own_limit_of_a_model_wins_over_ours(it, wire, model, longest):
    wire.reply(MODELS)
    options = (ElevenLabsSpeech(model_id=model),)
    for _ in range(2):  # asked once an hour
        limits = await current_limits(it, options)
        found = [one.maximum for one in limits if one.what == "script_characters"]
        assert found == ([] if longest is None else [longest])
    assert [request.url.path for request in wire.requests] == ["/v1/models"]


@pytest.mark.parametrize("answer", [({"detail": "x"}, 401), ([{"model_id": 5}, "x"], 200)])
async def test_without_the_vendors_word_our_limit_holds(it, wire, answer):
    wire.reply(*answer)
    limits = await current_limits(it, ())
    assert 10_000 in {one.maximum for one in limits if one.what == "script_characters"}


# -- pronunciation ----------------------------------------------------------------------------

WORDS = ElevenLabsPronunciation(words={"Thailand": "tie-land", "SQL": "/sikwəl/"})
LISTED = {"id": "dict_1", "latest_version_id": "v_1", "name": WORDS.name}


async def spoken_with(it, options):
    request = say(options=options)
    prepared = await it.prepare(Operation.SPEECH, request)
    return await heard(await it.synthesize(request.model_copy(update={"prepared": prepared})))


async def test_a_dictionary_of_the_words_is_made_once_and_found_again(it, wire):
    wire.reply({"pronunciation_dictionaries": [{"name": "theirs"}], "has_more": False})
    wire.reply({"id": "dict_1", "version_id": "v_1", "name": WORDS.name})
    wire.reply(b"ID3", content_type="audio/mpeg")
    await spoken_with(it, (WORDS,))
    wire.reply({"pronunciation_dictionaries": [], "has_more": True, "next_cursor": "c2"})
    wire.reply({"pronunciation_dictionaries": [LISTED], "has_more": False})
    wire.reply(b"ID3", content_type="audio/mpeg")
    again = ElevenLabsPronunciation(words=dict(reversed(WORDS.words.items())))
    await spoken_with(it, (again,))
    assert [(r.method, r.url.path.rpartition("/")[2]) for r in wire.requests] == [
        *(("GET", "pronunciation-dictionaries"), ("POST", "add-from-rules"), ("POST", "v1")),
        *(("GET", "pronunciation-dictionaries"),) * 2,
        ("POST", "v1"),
    ]
    assert wire.body(1) == {
        "name": WORDS.name,
        "rules": [
            {
                "string_to_replace": "SQL",
                "type": "phoneme",
                "phoneme": "/sikwəl/",
                "alphabet": "ipa",
            },
            {"string_to_replace": "Thailand", "type": "alias", "alias": "tie-land"},
        ],
    }
    for said in (wire.body(2), wire.body(5)):
        assert said["pronunciation_dictionary_locators"] == [
            {"pronunciation_dictionary_id": "dict_1", "version_id": "v_1"}
        ]
        assert "words" not in said
    # Skips without the documents, so it comes last.
    contract = Contract.of("elevenlabs", closed=True)
    for request in wire.requests:
        contract.check(request)


async def test_speech_without_words_asks_for_no_dictionary(it, wire):
    wire.reply(b"ID3", content_type="audio/mpeg")
    await spoken_with(it, ())
    assert "pronunciation_dictionary_locators" not in wire.body()
    assert await it.prepare(Operation.VOICE, ask()) == {}
    assert len(wire.requests) == 1


async def test_words_without_their_dictionary_are_not_sent(it, wire):
    with pytest.raises(errors.Unsupported, match="prepare"):
        await it.synthesize(say(options=(WORDS,)))
    wire.reply({"pronunciation_dictionaries": [], "has_more": False}).reply({"id": "dict_1"})
    with pytest.raises(errors.BadReply, match="no version"):
        await it.prepare(Operation.SPEECH, say(options=(WORDS,)))


@pytest.mark.parametrize(
    "words", [{}, {"": "x"}, {"x": " "}, {"x": "//"}, {"x": "y" * 201}, {"x" * 201: "y"}]
)
def test_a_word_needs_a_pronunciation(words):
    with pytest.raises(errors.ConfigError):
        ElevenLabsPronunciation(words=words)


# -- speech to speech -------------------------------------------------------------------------


async def test_a_recording_is_spoken_with_another_voice(it, wire):
    wire.reply(b"ID3", content_type="audio/mpeg", character_cost="250")
    option = ElevenLabsRevoice(remove_background_noise=True, seed=7)
    request = say(text="", audio=ask().samples[0], options=(option,))
    speech = await it.synthesize(request)
    assert (await heard(speech), speech.cost, speech.media_type) == (
        b"ID3",
        "250 credits",
        "audio/mpeg",
    )
    (sent,) = wire.requests
    assert sent.url.path == f"/v1/speech-to-speech/{request.voice_id}"
    assert dict(sent.url.params) == {"output_format": "mp3_44100_128"}
    said = wire.body()
    assert said.pop("audio")
    assert said == {
        "model_id": "eleven_multilingual_sts_v2",
        "seed": "7",
        "remove_background_noise": "true",
    }
    # Skips without the documents, so it comes last.
    contract = Contract.of("elevenlabs", closed=True)
    assert contract.check(sent) == "POST /v1/speech-to-speech/{voice_id}"


async def test_a_recording_is_spoken_by_the_model_that_was_asked_for(it, wire):
    wire.reply(b"ID3", content_type="audio/mpeg")
    option = ElevenLabsRevoice(model_id="eleven_english_sts_v2")
    await it.synthesize(say(text="", audio=ask().samples[0], options=(option,)))
    assert wire.body()["model_id"] == "eleven_english_sts_v2"


async def test_a_lost_answer_to_a_recording_may_have_cost_money(it, wire):
    wire.reply({"detail": "?"}, 500)
    with pytest.raises(errors.Ambiguous):
        await it.synthesize(say(text="", audio=ask().samples[0]))
    assert len(wire.requests) == 1


# -- errors, the plan, hosts, deliveries ------------------------------------------------------


@pytest.mark.parametrize("name", TOLD["failures"])
async def test_the_code_decides_and_the_status_does_not(it, wire, name):
    failure = TOLD["failures"][name]
    wire.reply(failure["body"], failure["status"])
    with pytest.raises(getattr(errors, failure["error"])) as caught:
        await it.synthesize(say())
    assert type(caught.value).__name__ == failure["error"]
    assert len(wire.requests) == 1


async def test_a_list_of_faults_is_told_in_words(it, wire):
    wire.reply(TOLD["failures"]["a fault in a field"]["body"], 422)
    with pytest.raises(errors.Refused, match=r"body\.text: Field required"):
        await it.synthesize(say())


async def test_the_plan_tells_what_it_still_allows(it, wire):
    wire.reply(TOLD["subscription"])
    assert await it.allowance() == Allowance(
        tier="starter",
        instant_voices=True,
        professional_voices=False,
        voice_slots=9,
        professional_slots=0,
        voice_edits=92,
        credits=29_000,
        renews_at=1_793_000_000,
    )


async def test_the_balance_is_what_is_left_of_the_plan(it, wire):
    wire.reply(TOLD["subscription"])
    assert await it.balance() == Balance(29_000.0, "credits")


async def test_a_balance_that_is_not_told_is_unknown(it, wire):
    wire.reply({})
    assert await it.balance() == Balance(None, "credits")


async def test_a_plan_that_tells_nothing_is_unknown(it, wire):
    wire.reply({"voice_limit": None, "voice_slots_used": 0, "character_limit": 5})
    told = dataclasses.asdict(await it.allowance())
    assert set(told.values()) == {None}


async def test_a_plan_with_a_malformed_number_is_a_bad_reply(it, wire):
    wire.reply({"voice_limit": True, "voice_slots_used": 0})
    with pytest.raises(errors.BadReply, match="a boolean where a number"):
        await it.allowance()


@pytest.mark.parametrize(("word", "host"), REGIONS.items())
async def test_a_region_may_be_named_by_a_word(wire, word, host):
    settings = ProviderSettings(api_key=SecretStr("k"), base_url=word)
    it = ElevenLabs(settings, client=wire.reply(VOICE).client)
    await it.get_voice("v1")
    assert wire.requests[0].url == f"{host}/v1/voices/v1"


def test_a_voice_that_was_taken_out_of_the_library_is_gone(wire):
    suite = TestElevenLabs()
    it = ElevenLabs(suite.settings(), client=wire.client)
    (event,) = it.events(suite.sign(json.dumps(TOLD["removed"]).encode()))
    assert (event.job.id, event.job.state) == ("21m00Tcm4TlvDq8ikWAM", JobState.GONE)


# -- the vendor's own document ----------------------------------------------------------------

EVERY_SPEECH = ElevenLabsSpeech(
    model_id="eleven_flash_v2_5",
    voice_settings=ElevenLabsVoiceSettings(use_speaker_boost=True),
    language_code="pt",
    seed=7,
    previous_text="So.",
    next_text="Bye.",
    apply_text_normalization="on",
)
AUDIO = [
    ElevenLabsAudio(delivery=delivery, output_format=form, enable_logging=True)
    for delivery in ("whole", "streamed", "timestamps")
    for form in ("mp3_44100_128", "pcm_16000", "opus_48000_64", "ulaw_8000")
]


async def test_a_webhook_is_registered_for_the_news_that_it_has(it, wire):
    wire.reply({"webhook_id": "wh1", "webhook_secret": "wsec_once"}).reply({"status": "ok"})
    told = await it.register_webhook("https://a.example/h")
    assert (told.id, told.secret.get_secret_value()) == ("wh1", "wsec_once")
    assert wire.body()["events"] == ["voice_library_removal_notice"]
    contract = Contract.of("elevenlabs", closed=True)
    assert [contract.check(request) for request in wire.requests] == [
        "POST /v1/workspace/webhooks",
        "PATCH /v1/workspace/webhooks/{webhook_id}",
    ]


async def test_a_webhook_that_would_tell_of_nothing_is_deleted_again(it, wire):
    wire.reply({"webhook_id": "wh1", "webhook_secret": "wsec_once"}).reply({}, 403).reply({})
    with pytest.raises(errors.ProviderError):
        await it.register_webhook("https://a.example/h")
    assert [request.method for request in wire.requests] == ["POST", "PATCH", "DELETE"]


# -- dubs -------------------------------------------------------------------------------------


def dub(**more):
    source = TestElevenLabs().media(linked=False)
    return DubRequest(**{"token": TOKEN, "source": source, "language": "pt_BR"} | more)


EVERY_DUB = ElevenLabsDub(
    model_id="dubbing_v1", source_language="en", keyterms=("Ada", "avatarkit")
)


async def test_a_dub_is_one_project_of_one_language_that_carries_our_token(it, wire):
    wire.reply(TOLD["dub"]["submitted"], 201)
    job = await it.dub_video(dub(options=(EVERY_DUB,)))
    assert (job.id, job.state) == ("dbp_1", JobState.QUEUED)
    said = wire.body()
    assert (said["reference"], said["target_language"]) == (TOKEN, "pt-BR")
    assert wire.requests[0].content.count(b'name="keyterms"') == 2


@pytest.mark.parametrize(
    ("word", "state"), [("ready", JobState.RUNNING), ("failed", JobState.FAILED)]
)
async def test_a_project_without_a_language_is_read_itself(it, wire, word, state):
    wire.reply({"languages": []}).reply(project(status=word, language_ids=[]))
    job = await it.get_dub("dbp_1")
    assert job.state is state
    assert (job.reason is not None) is (word == "failed")


async def test_a_dub_that_was_edited_waits_until_it_is_rendered_again(it, wire):
    wire.reply({"languages": [dubbed(status="stale")]})
    assert (await it.get_dub("dbp_1")).state is JobState.RUNNING


async def test_every_page_of_projects_is_read(it, wire):
    wire.reply({"projects": [project(project_id="a")], "next_cursor": "2"})
    wire.reply({"projects": [project()], "next_cursor": None})
    assert len(await it.find_dub(TOKEN)) == 2
    assert wire.requests[1].url.params["cursor"] == "2"


async def test_a_language_that_failed_with_its_project_has_the_project_s_reason(it, wire):
    told = {"code": "project_failed", "message": "The project failed.", "retryable": False}
    wire.reply({"languages": [dubbed(status="failed", error=told)]})
    wire.reply(project(status="failed", error=TOLD["dub"]["error"]))
    assert (await it.get_dub("dbp_1")).reason == "The source has no speech."


async def test_the_transcript_of_a_dub_becomes_subtitles(it, wire):
    wire.reply({"languages": [DUBBED]}).reply(TOLD["dub"]["transcript"])
    links = (await it.get_dub("dbp_1")).links
    assert set(links) == {"audio", "subtitles_srt"}
    written = b"".join([chunk async for chunk in it.fetch(links["subtitles_srt"])])
    assert written == b"1\n00:00:00,250 --> 00:00:02,500\nBom dia!\n\n"
    assert wire.requests[1].headers["xi-api-key"] == KEY


async def test_the_key_goes_to_no_other_host(it, wire):
    wire.reply({"languages": [DUBBED]}).reply(b"fLaC")
    links = (await it.get_dub("dbp_1")).links
    assert b"".join([chunk async for chunk in it.fetch(links["audio"])]) == b"fLaC"
    assert KEY not in str(wire.requests[1].headers.raw)


async def test_every_call_is_one_that_the_vendor_describes(it, wire):
    contract = Contract.of("elevenlabs", closed=True)
    media = TestElevenLabs().media()
    professional = ElevenLabsProfessional(language="pt", description="Ana", labels={"age": "old"})
    wire.reply(TOLD["submitted"])
    instant = ElevenLabsVoice(remove_background_noise=True, description="Ana")
    await it.clone_voice(ask(options=(instant,)))
    wire.reply({"voice_id": "pvc1"}).reply([])
    await it.clone_voice(ask(options=(professional,)))
    wire.reply(PROFESSIONAL).reply(CAPTCHA)
    await it.get_voice("pvc1")
    wire.reply({"status": "ok"})
    await it.hand_in("pvc1", media)
    wire.reply(VERIFIED).reply({"status": "ok"})
    await it.begin_step(await it.get_voice("pvc1"))
    await it.delete_voice("pvc1")
    wire.reply({"voices": [], "has_more": True, "next_page_token": "2"})
    wire.reply({"voices": [], "has_more": False})
    await it.find_voice(TOKEN)
    wire.reply(TOLD["subscription"])
    await it.allowance()
    wire.reply(TOLD["timestamps"])
    for options in [(), (EVERY_SPEECH,), *((audio,) for audio in AUDIO)]:
        await it.synthesize(say(options=options))
    wire.reply(TOLD["dub"]["submitted"], 201)
    for options in ((), (EVERY_DUB,)):
        await it.dub_video(dub(options=options))
    wire.reply({"languages": []}).reply(project())
    await it.get_dub("dbp_1")
    wire.reply({"languages": [DUBBED]}).reply(TOLD["dub"]["transcript"])
    subtitles = (await it.get_dub("dbp_1")).links["subtitles_srt"]
    assert [chunk async for chunk in it.fetch(subtitles)]
    wire.reply({"projects": [], "next_cursor": "2"}).reply({"projects": []})
    await it.find_dub(TOKEN)
    await it.delete_dub("dbp_1")
    assert {contract.check(request) for request in wire.requests} == {
        "POST /v1/voices/add",
        "POST /v1/voices/pvc",
        "POST /v1/voices/pvc/{voice_id}/samples",
        "GET /v1/voices/pvc/{voice_id}/captcha",
        "POST /v1/voices/pvc/{voice_id}/captcha",
        "POST /v1/voices/pvc/{voice_id}/train",
        "GET /v1/voices/{voice_id}",
        "DELETE /v1/voices/{voice_id}",
        "GET /v2/voices",
        "GET /v1/user/subscription",
        "POST /v1/text-to-speech/{voice_id}",
        "POST /v1/text-to-speech/{voice_id}/stream",
        "POST /v1/text-to-speech/{voice_id}/with-timestamps",
        "POST /v1/dubbing/project",
        "GET /v1/dubbing/project",
        "GET /v1/dubbing/project/{project_id}",
        "DELETE /v1/dubbing/project/{project_id}",
        "GET /v1/dubbing/project/{project_id}/language",
        "GET /v1/dubbing/project/{project_id}/language/{language_id}/transcript",
    }


async def test_a_text_that_is_too_long_for_its_model_is_refused_and_not_a_matter_of_credits(
    it, wire
):
    wire.reply({"detail": {"status": "max_character_limit_exceeded", "message": "too long"}}, 400)
    with pytest.raises(errors.Refused) as refused:
        await it.synthesize(SpeechRequest(token="t", voice_id="v1", text="Hi!"))
    assert not isinstance(refused.value, errors.QuotaError)


@pytest.mark.parametrize(
    ("model", "most"),
    [
        (None, 10_000),
        ("eleven_v3", 5000),
        ("eleven_v4", 10_000),
        ("eleven_flash_v2", 30_000),
        ("eleven_flash_v2_5", 40_000),
        ("eleven_new", None),
    ],
)
def test_a_text_may_be_as_long_as_its_model_takes(model, most):
    options = () if model is None else (ElevenLabsSpeech(model_id=model),)
    found = [one.maximum for one in limits_of(ElevenLabs, options) if one.models]
    assert found == ([] if most is None else [most])
