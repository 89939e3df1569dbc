"""D-ID: the suite, and what is special about it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from avatarkit import errors
from avatarkit.interfaces import Balance, ProviderSettings
from avatarkit.models import (
    AvatarRequest,
    JobState,
    Media,
    Operation,
    VideoRequest,
    VoiceRequest,
    Waiting,
)
from avatarkit.providers.did import (
    DID,
    ClipConfig,
    ConsentText,
    DIDClip,
    DIDConsent,
    DIDExpress,
    DIDExpressive,
    DIDPremium,
    DIDScene,
    DIDScript,
    DIDTalk,
    DIDVoice,
    ExpressiveConfig,
    Logo,
    SceneConfig,
    TalkConfig,
    TrainConfig,
    VoiceConfig,
)
from avatarkit.testing import CannedAnswers, FakeClock, ProviderSuite
from avatarkit.testing.providers import KEY, TOKEN
from avatarkit.webhooks import Delivery
from providers.contract import Contract

pytestmark = pytest.mark.anyio

TOLD = json.loads((Path(__file__).parent / "did.json").read_text())
FAILED = {"status": "error", "error": TOLD["error"], "result_url": None}
BYTES = b"RIFF-the-recorded-bytes"
BY_LINK = pytest.mark.xfail(
    strict=True,
    reason="D-ID has no upload for footage; it takes all else as bytes",
)


class TestDID(ProviderSuite):
    provider = DID
    link = "https://store.example/sample.mp4?signature=of-the-store"  # footage ends like this
    recordings = {
        Operation.VOICE: CannedAnswers(
            submitted={"voiceId": "9c1b"},
            polled={JobState.SUCCEEDED: TOLD["voice"]},
            pages=[[{**TOLD["voice"], "id": "77", "name": "Ada"}, TOLD["voice"]]],
            state_field=None,
            webhook=False,
        ),
        Operation.AVATAR: CannedAnswers(
            submitted=TOLD["express_submitted"],
            polled={
                JobState.QUEUED: {**TOLD["express"], "status": "validating"},
                JobState.RUNNING: {**TOLD["express"], "status": "training-started"},
                JobState.SUCCEEDED: TOLD["express"],
                JobState.FAILED: {**TOLD["express"], **FAILED},
            },
            pages=[
                {"avatars": [{**TOLD["express"], "id": "avt_9", "name": "Ada"}], "token": "page-2"},
                {"avatars": [TOLD["express"]], "token": None},
                {"presenters": [TOLD["presenter"]]},
            ],
        ),
        Operation.VIDEO: CannedAnswers(
            submitted=TOLD["scene_submitted"],
            polled={
                JobState.QUEUED: {**TOLD["scene"], "status": "created", "result_url": None},
                JobState.RUNNING: {**TOLD["scene"], "status": "started", "result_url": None},
                JobState.SUCCEEDED: TOLD["scene"],
                JobState.FAILED: {**TOLD["scene"], **FAILED},
            },
            pages=[
                {"talks": [], "token": "page-2"},
                {"talks": [TOLD["talk"]], "token": ""},
                {"clips": [TOLD["clip"]], "token": None},
                {"scenes": [TOLD["scene"]]},
                {"expressives": [TOLD["expressive"]]},
            ],
        ),
        Operation.DUB: CannedAnswers(
            submitted={"translations": [{**TOLD["translation"], "status": "created"}]},
            polled={
                JobState.QUEUED: {**TOLD["translation"], "status": "validating"},
                JobState.SUCCEEDED: TOLD["translation"] | TOLD["translated"],
                JobState.FAILED: {**TOLD["translation"], "status": "rejected"},
            },
        ),
    }

    avatars = {
        "talks": "talks:https://store.example/me.jpg",
        "clips": "clips:prs_1",
        "scenes": "scenes:avt_1",
        "expressives": "expressives:public_amber_casual@avt_PfMblk",
    }

    def ask(self, operation, **more):
        if more.get("avatar_id") == "":
            more["prepared"] = {"source_url": "https://store.example/me.jpg"}
        asked = super().ask(operation, **more)
        if operation is not Operation.VIDEO or "settings" not in more:
            return asked
        speaker = "microsoft" if more["settings"].voice.pitch else "elevenlabs"
        said = {"voice_id": "v1", "prepared": {"voice_provider": speaker}}
        return asked.model_copy(update=said)

    def polled(self, operation, body):
        return [body] if operation is Operation.VOICE else body

    async def test_media_without_a_link_is_streamed_or_refused(self, it, wire, operation, request):
        if operation in {Operation.AVATAR, Operation.DUB}:
            request.applymarker(BY_LINK)
        await super().test_media_without_a_link_is_streamed_or_refused(it, wire, operation)


async def test_a_picture_speaks_once_it_is_uploaded(it, wire):
    shown = TestDID().picture()
    request = speak(avatar_id="", picture=shown, voice_id=None)
    with pytest.raises(errors.Unsupported, match="call prepare"):
        await it.generate_video(request)
    wire.reply({"id": "img_1", "url": "s3://d-id/img_1.png"}, 201)
    prepared = await it.prepare(Operation.VIDEO, request)
    wire.reply(TOLD["talk"], 201)
    job = await it.generate_video(request.model_copy(update={"prepared": prepared}))
    assert job.id.startswith("talks:")
    assert wire.requests[0].url.path == "/images"
    assert wire.body()["source_url"] == "s3://d-id/img_1.png"
    contract = Contract.of("did", closed=True)
    assert [contract.check(r) for r in wire.requests] == ["POST /images", "POST /talks"]
    await it.discard(Operation.VIDEO, prepared)
    assert wire.requests[-1].url.path == "/images/img_1"


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def it(wire, clock):
    other_keys = {"elevenlabs": SecretStr("the-other-key")}
    settings = ProviderSettings(api_key=SecretStr(KEY), other_keys=other_keys, clock=clock)
    return DID(settings, client=wire.client)


FOOTAGE = "https://store.example/me.mp4?token=a.b"


def media(name="me.mp4", kind="video/mp4", *, url=FOOTAGE, size=None):
    async def chunks():
        yield BYTES

    return Media(
        name=name, media_type=kind, size=size or len(BYTES), sha256="0" * 64, url=url, open=chunks
    )


def photo(**more):
    return media("Me (1) ünd.PNG", "image/png", **more)


def sound(**more):
    more.setdefault("url", "https://store.example/speech-audio.mp3?token=a.b")
    return media("speech", "audio/mpeg", **more)


def train(footage=None, *options, **more):
    return AvatarRequest(token=TOKEN, footage=footage or media(), options=options, **more)


def speak(avatar="scenes:avt_1", *options, **more):
    said = {"script": "Hello!", "voice_id": "v1"} if "audio" not in more else {}
    return VideoRequest(**{"token": TOKEN, "avatar_id": avatar, "options": options} | said | more)


# -- photo avatars ----------------------------------------------------------------------------


async def test_a_photo_is_uploaded_and_ready(it, wire):
    wire.reply(TOLD["image"], 201)
    request = train(photo())
    assert await it.prepare(Operation.AVATAR, request) == {}
    job = await it.train_avatar(request)
    assert (job.id, job.state) == ("talks:img_1", JobState.SUCCEEDED)
    assert job.usable_id == f"talks:{TOLD['image']['url']}"
    assert wire.body() == {"image": BYTES}
    assert b'filename="photo.PNG"' in wire.requests[0].content
    assert (await it.get_avatar(job.id)).state is JobState.SUCCEEDED
    assert len(wire.requests) == 1


async def test_a_video_of_a_photo_is_a_talk_of_its_address(it, wire):
    wire.reply({"id": "tlk_1", "object": "talk", "status": "created"}, 201)
    job = await it.generate_video(speak(f"talks:{TOLD['image']['url']}"))
    assert job.id == "talks:tlk_1"
    assert wire.requests[0].url.path == "/talks"
    assert (wire.body()["name"], wire.body()["user_data"]) == (TOKEN, TOKEN)
    assert wire.body()["source_url"] == TOLD["image"]["url"]


async def test_a_photo_is_uploaded_anew_for_each_video_and_deleted_with_it(it, wire):
    again = {"id": "img_2", "url": "s3://d-id-images-prod/img_2/photo.png"}
    wire.reply(again, 201).reply(TOLD["talk"], 201).reply(None, 204)
    request = speak(f"talks:{TOLD['image']['url']}", voice_id=None, footage=photo())
    prepared = await it.prepare(Operation.VIDEO, request)
    await it.generate_video(request.model_copy(update={"prepared": prepared}))
    await it.discard(Operation.VIDEO, prepared)
    assert wire.body(0) == {"image": BYTES}
    assert wire.body(1)["source_url"] == again["url"]
    assert (wire.requests[2].method, wire.requests[2].url.path) == ("DELETE", "/images/img_2")


@pytest.mark.parametrize(
    ("avatar", "footage"),
    [
        ("talks:https://a.example/me.jpg", None),
        ("scenes:avt_1", media()),
        ("scenes:avt_1", photo()),
    ],
    ids=["elsewhere", "clip", "portrait"],
)
async def test_only_a_photo_avatar_with_its_photo_is_uploaded_anew(it, wire, avatar, footage):
    request = speak(avatar, voice_id=None, footage=footage)
    assert await it.prepare(Operation.VIDEO, request) == {}
    assert not wire.requests


async def test_a_photo_for_a_video_without_an_address_is_an_error(it, wire):
    wire.reply({"id": "img_1"}, 201)
    with pytest.raises(errors.BadReply):
        await it.prepare(Operation.VIDEO, speak("talks:s3://x/y.png", footage=photo()))


async def test_a_photo_is_deleted_by_its_id(it, wire):
    wire.reply(None, 204)
    await it.delete_avatar("talks:img_1")
    assert (wire.requests[0].method, wire.requests[0].url.path) == ("DELETE", "/images/img_1")


async def test_a_photo_elsewhere_is_not_ours_to_delete(it, wire):
    await it.delete_avatar("https://example.com/me.jpg")
    assert not wire.requests


async def test_a_photo_that_is_too_large_is_refused_before_anything_is_sent(it, wire):
    with pytest.raises(errors.MediaRejected, match="10 MB"):
        await it.train_avatar(train(photo(size=10_000_001)))
    assert not wire.requests


async def test_an_upload_without_an_address_is_no_absence(it, wire):
    wire.reply({"id": "img_1"}, 201)
    with pytest.raises(errors.BadReply):
        await it.train_avatar(train(photo()))


# -- footage and consent ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "url", [None, "http://store.example/me.mp4", "https://store.example/me.webm", "https://x.y/me"]
)
async def test_footage_that_cannot_be_fetched_is_refused_before_anything_is_sent(it, wire, url):
    with pytest.raises(errors.Unsupported):
        await it.prepare(Operation.AVATAR, train(media(url=url)))
    with pytest.raises(errors.Unsupported):
        await it.train_avatar(train(media(url=url)))
    assert not wire.requests


async def pending(it, request):
    waiting = await it.prepare(Operation.AVATAR, request)
    assert isinstance(waiting, Waiting)
    return waiting


BEGUN = 1_790_000_000.0  #: when the consent in the recording was begun


@pytest.fixture
async def asked(it, wire, clock):
    """The consent that was asked for first, a second after it was begun."""
    clock.advance(BEGUN + 1 - clock.now().wall)
    wire.reply(TOLD["consent"], 201)
    return await pending(it, train())


async def test_the_text_of_the_consent_is_an_action_that_expires(asked, wire):
    assert asked.action.kind == "read_text"
    told = TOLD["consent"]["text"].replace("[user name]", "the person in the footage")
    assert asked.action.text == told
    assert asked.action.expires_at == BEGUN + 1800
    assert asked.prepared["consent_id"] == "cst_abc123"
    assert wire.body() == {"language": "english"}
    assert (asked.action.recording, asked.action.ref) == ("video", "cst_abc123")


async def test_until_it_was_read_the_same_text_is_asked_for(it, wire, asked):
    wire.reply(TOLD["consent_polled"])
    again = await pending(it, train(prepared=asked.prepared))
    assert again.action == asked.action
    assert again.prepared == asked.prepared
    assert wire.requests[-1].method == "GET"


FRESH = {**TOLD["consent"], "id": "cst_2", "text": "river, cloud, bread"}


async def test_a_text_that_has_expired_is_renewed(it, wire, clock, asked):
    clock.advance(1800)
    wire.reply(TOLD["consent_polled"]).reply(FRESH, 201)
    renewed = await pending(it, train(prepared=asked.prepared))
    assert (renewed.action.text, renewed.prepared["consent_id"]) == (FRESH["text"], "cst_2")
    last = wire.requests[-1]
    assert (last.method, last.url.path) == ("DELETE", "/consents/cst_abc123")


async def test_an_old_text_that_cannot_be_deleted_holds_nothing_up(it, wire, clock, asked):
    clock.advance(1800)
    wire.reply(TOLD["consent_polled"]).reply(FRESH, 201).reply({}, 500)
    renewed = await pending(it, train(prepared=asked.prepared))
    assert renewed.action.text == FRESH["text"]


async def test_a_consent_that_is_gone_is_renewed(it, wire, asked):
    wire.reply({"kind": "NotFoundError"}, 404).reply(FRESH, 201)
    assert (await pending(it, train(prepared=asked.prepared))).prepared["consent_id"] == "cst_2"


async def test_a_recording_that_was_not_taken_is_asked_for_anew_and_why(it, wire, asked):
    error = {"kind": "ConsentTextSimilarityError", "description": "other words"}
    wire.reply({**TOLD["consent_polled"], "status": "error", "error": error}).reply(FRESH, 201)
    renewed = await pending(it, train(prepared=asked.prepared))
    assert "other words" in renewed.action.message
    assert renewed.action.text == FRESH["text"]
    wire.reply({**TOLD["consent_polled"], "id": "cst_2"})
    again = await pending(it, train(prepared=renewed.prepared))
    assert again.action == renewed.action


@pytest.mark.parametrize("word", ["validating", "percolating"])
async def test_while_it_is_looked_at_nobody_need_act(it, wire, asked, word):
    wire.reply({**TOLD["consent_polled"], "status": word})
    waiting = await pending(it, train(prepared=asked.prepared))
    assert (waiting.action, waiting.prepared) == (None, asked.prepared)


async def test_with_the_consent_the_avatar_is_trained(it, wire, asked):
    wire.reply({**TOLD["consent_polled"], "status": "done"}).reply(TOLD["express_submitted"], 201)
    prepared = await it.prepare(Operation.AVATAR, train(prepared=asked.prepared))
    job = await it.train_avatar(train(prepared=prepared))
    assert (job.id, wire.body()["consent_id"]) == ("scenes:avt_1", "cst_abc123")


async def test_a_consent_of_ones_own_is_waited_for(it, wire, clock):
    clock.advance(BEGUN + 1 - clock.now().wall)
    wire.reply(TOLD["consent"], 201).reply({"id": "cst_abc123"})
    wire.reply({**TOLD["consent_polled"], "status": "done"})
    consent = await it.ask_consent("portuguese")
    await it.hand_in(consent.id, media("consent.mp4"), subject="Maria")
    own = DIDConsent(consent_id=consent.id)
    assert consent == ConsentText("cst_abc123", TOLD["consent"]["text"], BEGUN + 1800)
    assert wire.body(1) == {"source_url": FOOTAGE, "name": "Maria"}
    prepared = await it.prepare(Operation.AVATAR, train(None, own))
    assert prepared == {}  # it is not ours to delete
    wire.reply(TOLD["express_submitted"], 201)
    await it.train_avatar(train(None, own, prepared=prepared))
    assert wire.body()["consent_id"] == "cst_abc123"


async def test_a_consent_of_ones_own_that_nobody_has_read_yet_is_asked_for(it, wire, clock):
    clock.advance(BEGUN + 1 - clock.now().wall)
    wire.reply({**TOLD["consent_polled"], "status": "created"})
    waiting = await pending(it, train(None, DIDConsent(consent_id="cst_abc123")))
    assert (waiting.action.ref, waiting.prepared) == ("cst_abc123", {})


async def test_without_a_name_the_recording_is_handed_in_all_the_same(it, wire):
    wire.reply({"id": "cst_1"})
    await it.hand_in("cst_1", media("consent.mp4"), subject=None)
    assert wire.body()["name"] == "the person in the footage"


async def test_a_consent_that_we_asked_for_is_deleted_with_the_training(it, wire, asked):
    wire.reply({})
    await it.discard(Operation.AVATAR, asked.prepared)
    last = wire.requests[-1]
    assert (last.method, last.url.path) == ("DELETE", "/consents/cst_abc123")


async def test_a_consent_is_handed_in_by_a_link_only(it, wire):
    with pytest.raises(errors.Unsupported, match="link"):
        await it.hand_in("cst_1", media(url=None), subject="Maria")
    assert not wire.requests


async def test_where_it_is_waived_nobody_is_asked(it, wire):
    assert await it.prepare(Operation.AVATAR, train(None, DIDConsent(waived=True))) == {}
    assert not wire.requests


async def test_a_consent_without_a_text_is_an_error(it, wire):
    wire.reply({"id": "cst_1"}, 201)
    with pytest.raises(errors.BadReply):
        await it.ask_consent()


# -- premium avatars --------------------------------------------------------------------------

PREMIUM = DIDPremium(gender="female", config=TrainConfig(is_greenscreen=True))


async def test_a_premium_avatar_is_polled_and_used_by_its_presenter(it, wire):
    wire.reply(TOLD["premium_submitted"]).reply({"presenters": [TOLD["presenter"]]})
    job = await it.train_avatar(train(None, PREMIUM))
    assert (job.id, job.state) == ("clips:prs_1", JobState.QUEUED)
    assert wire.body()["gender"] == "female"
    assert "user_data" not in wire.body()
    polled = await it.get_avatar(job.id)
    assert (polled.id, polled.state) == (job.id, JobState.SUCCEEDED)
    assert wire.requests[1].url.path == "/clips/presenters/prs_1"


async def test_a_video_of_a_premium_avatar_is_a_clip(it, wire):
    wire.reply({"id": "clp_1", "object": "clip", "status": "created"}, 201)
    assert (await it.generate_video(speak("clips:prs_1"))).id == "clips:clp_1"
    assert wire.body()["presenter_id"] == "prs_1"


async def test_a_presenter_without_an_error_failed_for_a_reason_all_the_same(it, wire):
    wire.reply({"presenters": [{**TOLD["presenter"], "status": "rejected"}]})
    job = await it.get_avatar("clips:prs_1")
    assert (job.state, job.reason) == (JobState.FAILED, "D-ID's moderation refused it")


# -- ids --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("avatar", "path"),
    [
        ("avt_1", "/scenes"),
        ("scenes:avt_1", "/scenes"),
        ("clips:prs_1", "/clips"),
        ("public_amber_casual@avt_PfMblk", "/expressives"),
        ("https://example.com/me.jpg", "/talks"),
        ("s3://d-id-images-prod/me.jpg", "/talks"),
    ],
)
async def test_an_adopted_avatar_is_known_by_its_id(it, wire, avatar, path):
    wire.reply(TOLD["scene_submitted"], 201)
    await it.generate_video(speak(avatar))
    assert wire.requests[0].url.path == path


@pytest.mark.parametrize(
    ("video", "path"),
    [
        ("talks:1", "/talks/1"),
        ("tlk_1", "/talks/tlk_1"),
        ("clp_1", "/clips/clp_1"),
        ("exp_1", "/expressives/exp_1"),
        ("5f0b", "/scenes/5f0b"),
    ],
)
async def test_a_video_is_polled_and_deleted_where_it_is(it, wire, video, path):
    wire.reply(TOLD["scene"]).reply(None, 204)
    await it.get_video(video)
    await it.delete_video(video)
    assert [request.url.path for request in wire.requests] == [path, path]


async def test_stock_avatars_are_not_deleted(it, wire):
    with pytest.raises(errors.Unsupported):
        await it.delete_avatar("public_amber_casual@avt_PfMblk")
    assert not wire.requests


async def test_a_video_that_is_still_at_work_is_deleted_later(it, wire):
    wire.reply({"kind": "NotReadyError", "description": "in process"}, 409)
    with pytest.raises(errors.Unavailable):
        await it.delete_video("talks:tlk_1")


async def test_links_that_nobody_can_open_are_left_out(it, wire):
    wire.reply({**TOLD["express"], "preview_url": "s3://d-id/p.mp4", "thumbnail_url": None})
    assert (await it.get_avatar("avt_1")).links == {}


# -- finding ----------------------------------------------------------------------------------


async def test_a_talk_that_lists_neither_name_nor_data_is_found_by_our_address(it, wire):
    for page in TestDID.recordings[Operation.VIDEO].pages:
        wire.reply(page)
    found = [job.id for job in await it.find_video(TOKEN)]
    assert found == ["talks:tlk_1", "scenes:scn_1", "expressives:exp_1"]


async def test_the_token_of_another_job_in_an_address_is_another(it, wire):
    other = TOLD["talk"]["webhook"].replace(TOKEN, f"{TOKEN}-2")
    wire.reply({"talks": [{**TOLD["talk"], "webhook": other}]})
    wire.reply({"clips": []}).reply({"scenes": []}).reply({"expressives": []})
    assert await it.find_video(TOKEN) == []


async def test_both_kinds_of_avatars_are_found_oldest_first(it, wire):
    for page in TestDID.recordings[Operation.AVATAR].pages:
        wire.reply(page)
    assert [job.id for job in await it.find_avatar(TOKEN)] == ["clips:prs_1", "scenes:avt_1"]


# -- voices -----------------------------------------------------------------------------------


async def test_the_language_of_a_voice_is_said_in_d_ids_words(it, wire):
    wire.reply({"voiceId": "9c1b"}, 201)
    samples = (media("a.wav", "audio/wav", url=None),)
    for language in ("pt-BR", None, "ja"):
        await it.clone_voice(VoiceRequest(token=TOKEN, samples=samples, language=language))
    said = [wire.body(n)["language"] for n in range(3)]
    assert said == ["portuguese", "english", "ja"]
    assert wire.body()["file"] == BYTES


@pytest.mark.parametrize("answer", [[], [{"id": "1"}, {"id": "2"}]])
async def test_a_voice_that_is_not_listed_is_not_there(it, wire, answer):
    wire.reply(answer)
    with pytest.raises(errors.NotFound):
        await it.get_voice("9c1b")


async def test_a_filter_that_is_ignored_does_no_harm(it, wire):
    wire.reply([{"id": "1"}, TOLD["voice"]])
    assert (await it.get_voice("9c1b")).id == "9c1b"


# -- what is said -----------------------------------------------------------------------------


async def test_the_provider_of_the_voice_is_looked_up_before_the_paid_call(it, wire):
    wire.reply([{**TOLD["voice"], "provider": "microsoft"}]).reply(TOLD["scene_submitted"], 201)
    prepared = await it.prepare(Operation.VIDEO, speak())
    await it.generate_video(speak(prepared=prepared))
    assert wire.body()["script"]["provider"] == {"type": "microsoft", "voice_id": "v1"}


async def test_a_voice_that_is_not_listed_passes_for_one_of_elevenlabs(it, wire):
    wire.reply([]).reply(TOLD["scene_submitted"], 201)
    prepared = await it.prepare(Operation.VIDEO, speak())
    await it.generate_video(speak(prepared=prepared))
    assert wire.body()["script"]["provider"]["type"] == "elevenlabs"


@pytest.mark.parametrize(
    "how", [DIDScript(provider="google"), DIDScript(own_elevenlabs=True)], ids=str
)
async def test_a_provider_that_is_known_is_not_looked_up(it, wire, how):
    assert await it.prepare(Operation.VIDEO, speak("avt_1", how)) == {}
    assert not wire.requests


async def test_without_a_voice_d_id_chooses(it, wire):
    wire.reply(TOLD["scene_submitted"], 201)
    request = speak(voice_id=None)
    assert await it.prepare(Operation.VIDEO, request) == {}
    await it.generate_video(request)
    assert wire.body()["script"] == {"type": "text", "input": "Hello!"}


OWN = DIDScript(own_elevenlabs=True, model_id="eleven_v3", extra={"brand_new": 1})


async def test_ones_own_key_of_elevenlabs_goes_along_where_that_is_asked_for(it, wire):
    wire.reply(TOLD["scene_submitted"], 201)
    await it.generate_video(speak("avt_1", OWN))
    await it.generate_video(speak("avt_1"))
    own, plain = (request.headers.get("x-api-key-external") for request in wire.requests)
    assert json.loads(own) == {"elevenlabs": "the-other-key"}
    assert plain is None
    script = wire.body(0)["script"]
    assert (script["brand_new"], script["provider"]["model_id"]) == (1, "eleven_v3")


async def test_without_that_key_nothing_is_sent(wire):
    it = DID(ProviderSettings(api_key=SecretStr(KEY)), client=wire.client)
    with pytest.raises(errors.ConfigError, match="AVATARKIT_D_ID_ELEVENLABS_API_KEY"):
        await it.generate_video(speak("avt_1", OWN))
    assert not wire.requests


async def test_an_error_does_not_repeat_that_key(it, wire):
    wire.reply({"kind": "BadRequestError", "description": "bad the-other-key"}, 400)
    with pytest.raises(errors.Refused) as caught:
        await it.generate_video(speak("avt_1", OWN))
    assert "the-other-key" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://store.example/speech.mp3",
        "https://store.example/a/b/speech-audio.mp3?token=eyJ.a-b_c%2F&x=1",
    ],
)
async def test_audio_is_fetched_by_its_link(it, wire, url):
    wire.reply(TOLD["scene_submitted"], 201)
    request = speak(audio=sound(url=url))
    assert await it.prepare(Operation.VIDEO, request) == {}
    await it.generate_video(request)
    assert wire.body()["script"] == {"type": "audio", "audio_url": url}


@pytest.mark.parametrize(
    "url",
    [
        None,
        "http://store.example/speech.mp3",
        "https://store.example/speech",
        "https://store.example/speech.ogg",
        "https://store.example/speech.mp3?signature=a+b",
        "https://store.example/speech.mp3?signature=a~b",
        "https://store.example/speech.mp3?at=10:00",
    ],
)
async def test_audio_whose_link_d_id_does_not_take_is_uploaded_for_free(it, wire, url):
    wire.reply(TOLD["audio"], 201).reply(TOLD["scene_submitted"], 201)
    prepared = await it.prepare(Operation.VIDEO, speak(audio=sound(url=url)))
    await it.generate_video(speak(audio=sound(url=url), prepared=prepared))
    assert wire.body(0) == {"audio": BYTES}
    assert wire.body(1)["script"]["audio_url"] == TOLD["audio"]["url"]
    wire.reply({})
    await it.discard(Operation.VIDEO, prepared)
    assert wire.requests[-1].url.path == f"/audios/{TOLD['audio']['id']}"


async def test_audio_that_was_not_uploaded_is_refused_before_anything_is_sent(it, wire):
    with pytest.raises(errors.Unsupported, match="prepare"):
        await it.generate_video(speak(audio=sound(url=None)))
    assert not wire.requests


async def test_audio_that_is_too_large_to_upload_is_refused(it, wire):
    with pytest.raises(errors.Unsupported, match="6 MB"):
        await it.prepare(Operation.VIDEO, speak(audio=sound(url=None, size=6_000_001)))
    assert not wire.requests


async def test_an_upload_of_audio_without_an_address_is_an_error(it, wire):
    wire.reply({"id": "aud_1"}, 201)
    with pytest.raises(errors.BadReply):
        await it.prepare(Operation.VIDEO, speak(audio=sound(url=None)))


async def test_options_of_another_family_stay_out(it, wire):
    wire.reply(TOLD["scene_submitted"], 201)
    await it.generate_video(speak("avt_1", DIDTalk(config=TalkConfig(stitch=True))))
    assert "config" not in wire.body()


async def test_a_callback_to_an_open_address_is_refused(it, wire):
    with pytest.raises(errors.Unsupported, match="https"):
        await it.generate_video(speak(callback_url="http://app.example/hook"))
    assert not wire.requests


# -- errors and deliveries --------------------------------------------------------------------


@pytest.mark.parametrize("name", TOLD["failures"])
async def test_a_failure_is_what_its_kind_says(it, wire, name):
    failure = TOLD["failures"][name]
    wire.reply(failure["body"], failure["status"])
    with pytest.raises(errors.ProviderError) as caught:
        await it.generate_video(speak())
    assert type(caught.value).__name__ == failure["error"]


@pytest.mark.parametrize(
    ("body", "operation", "job_id"),
    [
        (TOLD["talk"], Operation.VIDEO, "talks:tlk_1"),
        ({**TOLD["talk"], "id": "5f0b"}, Operation.VIDEO, "talks:5f0b"),
        ({"id": "tlk_1", "status": "done", "user_data": "x"}, Operation.VIDEO, "talks:tlk_1"),
        (TOLD["clip"], Operation.VIDEO, "clips:clp_1"),
        ({**TOLD["clip"], "id": "5f0b"}, Operation.VIDEO, "clips:5f0b"),
        ({**TOLD["scene"], "id": "5f0b"}, Operation.VIDEO, "scenes:5f0b"),
        (TOLD["expressive"], Operation.VIDEO, "expressives:exp_1"),
        (
            {"id": "5f0b", "object": "expressive", "status": "done"},
            Operation.VIDEO,
            "expressives:5f0b",
        ),
        ({**TOLD["express"], "object": None}, Operation.AVATAR, "scenes:avt_1"),
        ({**TOLD["premium_submitted"], "status": "done"}, Operation.AVATAR, "clips:prs_1"),
    ],
)
def test_a_delivery_tells_by_its_fields_what_it_is_about(it, body, operation, job_id):
    (event,) = it.events(Delivery(json.dumps(body).encode(), {}))
    assert (event.job.operation, event.job.id, event.trusted) == (operation, job_id, False)


@pytest.mark.parametrize("body", [{}, {"object": "talk"}, {"id": "cst_1", "status": "done"}])
def test_a_delivery_about_something_else_is_no_event(it, body):
    assert it.events(Delivery(json.dumps(body).encode(), {})) == []


# -- the vendor's own document ----------------------------------------------------------------

LOGO = Logo(url="https://app.example/logo.png", position=(10, 10))
VOICES = [
    DIDScript(
        provider="elevenlabs",
        model_id="eleven_multilingual_v2",
        language="English (United States)",
        voice_config=VoiceConfig(use_speaker_boost=True),
        ssml=False,
        own_elevenlabs=True,
    ),
    DIDScript(
        provider="microsoft",
        language="English",
        voice_config=VoiceConfig(style="Cheerful"),
    ),
    DIDScript(provider="google"),
    DIDScript(provider="azure-openai"),
]
AVATARS = {
    "talks:https://store.example/me.jpg": DIDTalk(
        config=TalkConfig(
            stitch=True,
            fluent=True,
            pad_audio=1.5,
            driver_expressions={
                "expressions": [{"start_frame": 0, "expression": "happy", "intensity": 0.5}],
                "transition_frames": 20,
            },
            logo=LOGO,
        )
    ),
    "clips:prs_1": DIDClip(
        driver_id="drv_1",
        config=ClipConfig(output_resolution=720, logo=LOGO),
        presenter_config={"crop": {"type": "wide"}},
    ),
    "scenes:avt_1": DIDScene(config=SceneConfig(logo=LOGO)),
    "expressives:public_amber_casual@avt_PfMblk": DIDExpressive(
        sentiment_id="snt_1",
        config=ExpressiveConfig(logo=LOGO),
        persist=True,
    ),
}


async def test_every_call_is_one_that_the_vendor_describes(it, wire):
    contract = Contract.of("did", closed=True)
    hook = {"callback_url": "https://app.example/hook?job=ak-1"}
    consent, url = {"consent_id": "cst_1"}, "https://store.example/a.wav"
    wire.reply({"id": "x", "url": "s3://x/y.png", "text": "read this", "presenter_id": "x"})
    await it.ask_consent()
    await it.hand_in("cst_1", media(), subject="Maria")
    await it.discard(Operation.AVATAR, {"consent_id": "cst_1", "audio_id": "aud_1"})
    await it.train_avatar(train(photo()))
    express = train(None, DIDExpress(is_greenscreen=True), prepared=consent, **hook)
    for request in (train(), express, train(None, PREMIUM, prepared=consent, **hook)):
        await it.train_avatar(request)
    await it.prepare(Operation.AVATAR, train(None, DIDConsent(language="portuguese")))
    for avatar, options in AVATARS.items():
        for how in VOICES:
            await it.generate_video(speak(avatar, options, how, **hook))
        await it.generate_video(speak(avatar, audio=sound(), **hook))
        await it.generate_video(speak(avatar, voice_id=None))
    for voice in (media("a.wav", "audio/wav", url=None), media("a.wav", "audio/wav", url=url)):
        asked = {"token": TOKEN, "samples": (voice,), "options": (DIDVoice(language="english"),)}
        await it.clone_voice(VoiceRequest(**asked))
    await it.prepare(Operation.VIDEO, speak(audio=sound(url=None)))
    for job in ("talks:1", "clips:1", "scenes:1", "expressives:1"):
        await it.get_video(job)
        await it.delete_video(job)
    for job in ("talks:img_1", "clips:1", "scenes:1"):
        await it.get_avatar(job)
        await it.delete_avatar(job)
    await it.get_avatar("expressives:1")
    await it.delete_voice("9c1b")
    wire.reply([TOLD["voice"]])
    await it.prepare(Operation.VIDEO, speak())
    await it.find_voice(TOKEN)
    for operation in (Operation.AVATAR, Operation.VIDEO):
        for page in TestDID.recordings[operation].pages:
            wire.reply(page)
        await getattr(it, f"find_{operation}")(TOKEN)
    wire.reply({**TOLD["consent_polled"], "status": "done"})
    await it.prepare(Operation.AVATAR, train(prepared=consent))
    said = {contract.check(request) for request in wire.requests}
    videos = {f"/{family}" for family in ("talks", "clips", "scenes", "expressives")}
    assert said == {
        *(f"{method} {path}" for path in videos for method in ("POST", "GET")),
        *(f"{method} {path}/{{id}}" for path in videos for method in ("GET", "DELETE")),
        "POST /consents",
        "POST /consents/{id}",
        "GET /consents/{id}",
        "DELETE /consents/{id}",
        "POST /images",
        "DELETE /images/{id}",
        "POST /audios",
        "DELETE /audios/{id}",
        "POST /tts/voices",
        "GET /tts/voices",
        "DELETE /tts/voices/{id}",
        "POST /scenes/avatars",
        "GET /scenes/avatars",
        "GET /scenes/avatars/{id}",
        "DELETE /scenes/avatars/{id}",
        "POST /clips/avatars",
        "GET /clips/presenters",
        "GET /clips/presenters/{id}",
        "DELETE /clips/presenters/{id}",
        "GET /expressives/avatars/{id}",
    }


# -- the account ------------------------------------------------------------------------------


async def test_the_credits_that_are_left_are_told(it, wire):
    wire.reply(TOLD["credits"])
    assert await it.balance() == Balance(180.0, "credits")
    assert [f"{r.method} {r.url.path}" for r in wire.requests] == ["GET /credits"]


async def test_an_account_without_credits_has_none_left(it, wire):
    wire.reply({"kind": "NotFoundError", "description": "no credits"}, 404)
    assert await it.balance() == Balance(0.0, "credits")


async def test_credits_that_are_not_told_are_unknown(it, wire):
    wire.reply({})
    assert await it.balance() == Balance(None, "credits")


async def test_a_finished_expressive_says_how_long_it_is(it, wire):
    wire.reply(TOLD["expressive"])
    assert (await it.get_video("expressives:exp_1")).cost == "9.5 seconds"


async def test_a_clip_does_not_say_how_long_it_is(it, wire):
    wire.reply(TOLD["clip"])
    assert (await it.get_video("clips:clp_1")).cost is None


@pytest.mark.parametrize("subject", ["Ana Lima", None])
async def test_a_person_reads_the_consent_text_with_the_name_that_is_handed_in(it, wire, subject):
    text = "I, [user name] confirm that [user name] is me"
    wire.reply({**TOLD["consent"], "text": text})
    waiting = await it.prepare(Operation.AVATAR, train().model_copy(update={"subject": subject}))
    name = subject or "the person in the footage"
    assert waiting.action.text == f"I, {name} confirm that {name} is me"
    assert waiting.prepared["text"] == waiting.action.text
    wire.reply({})
    await it.hand_in(waiting.action.ref, media(), subject=subject)
    assert wire.body()["name"] == name
