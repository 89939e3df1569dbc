"""HeyGen: the suites, and what is special about it."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from contextlib import nullcontext
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

import avatarkit
from avatarkit import AvatarKit, Consent, Status, errors, http
from avatarkit.config.settings import Settings
from avatarkit.interfaces import Balance, ProviderSettings
from avatarkit.models import (
    AvatarRequest,
    DubRequest,
    JobState,
    Media,
    Operation,
    SpeechRequest,
    VideoRequest,
    VideoSettings,
    VoiceRequest,
)
from avatarkit.providers.heygen import (
    HeyGen,
    HeyGenAvatar,
    HeyGenDub,
    HeyGenEngine,
    HeyGenSpeech,
    HeyGenVideo,
    HeyGenVoice,
    HeyGenVoiceSettings,
)
from avatarkit.repositories.memory import MemoryRepository
from avatarkit.testing import CannedAnswers, FakeClock, Golden, ProviderSuite, SpeechSuite
from avatarkit.testing.providers import KEY, TOKEN
from avatarkit.webhooks import Delivery
from providers.contract import Contract
from results import result, streamed

pytestmark = pytest.mark.anyio

TOLD = json.loads((Path(__file__).parent / "heygen.json").read_text())
VOICE, GROUP, LOOK, VIDEO, DUB = (TOLD[name] for name in ("voice", "group", "look", "video", "dub"))
SECRET = b"whsec_test"


def data(body, **values):
    """In HeyGen's envelope, with other values."""
    return {"data": {**body, **values}}


def voice(**values):
    return data(VOICE["data"], **values)


def page(*items, more=None):
    return {"data": list(items), "has_more": more is not None, "next_token": more}


def pages(job):
    """The job that is looked for stands on the last page, a younger one of its name before it."""
    named = "name" if "name" in job else "title"
    others = {**job, "id": "x9", "voice_id": "x9", named: "ak-another"}
    younger = {**job, "id": "x3", "voice_id": "x3", "created_at": 1_770_000_000}
    return [page(others, younger, more="page-2"), page(others, job)]


def created(status="pending_consent", **values):
    """What answers the making of an avatar."""
    group = {**GROUP, "status": status, "preview_image_url": None, "consent_status": "pending"}
    look = {**LOOK, "status": status, "preview_image_url": None, "supported_api_engines": []}
    return {"data": {"avatar_group": group, "avatar_item": look, **values}}


class TestHeyGen(ProviderSuite):
    provider = HeyGen
    recordings = {
        Operation.VOICE: CannedAnswers(
            submitted=TOLD["voice_submitted"],
            polled={
                JobState.RUNNING: voice(status="processing"),
                JobState.SUCCEEDED: VOICE,
                JobState.FAILED: voice(status="failed", failure_message="too short"),
            },
            pages=[
                page({**TOLD["voice_listed"], "voice_id": "x9", "name": "Ada"}, more="page-2"),
                page(TOLD["voice_listed"]),
            ],
            state_field="data.status",
            webhook=False,
            prepared={"asset_id": "ast_1"},
        ),
        Operation.AVATAR: CannedAnswers(
            submitted=created(),
            polled={
                JobState.RUNNING: data(GROUP, status="processing"),
                JobState.NEEDS_ACTION: data(GROUP, status="pending_consent"),
                JobState.SUCCEEDED: data(GROUP),
                JobState.FAILED: data(
                    GROUP, status="failed", error={"code": "no_face", "message": "no face found"}
                ),
            },
            pages=pages(GROUP),
            state_field="data.status",
            webhook=False,  # there are some, which are only a reason to look
            prepared={"asset_id": "ast_1"},
        ),
        Operation.VIDEO: CannedAnswers(
            submitted=TOLD["video_submitted"],
            polled={
                JobState.QUEUED: data(VIDEO, status="pending", video_url=None),
                JobState.RUNNING: data(VIDEO, status="processing", video_url=None),
                JobState.SUCCEEDED: data(VIDEO),
                JobState.FAILED: data(
                    VIDEO, status="failed", failure_code="rendering_failed", failure_message="no"
                ),
            },
            pages=pages(VIDEO),
            delivered=TOLD["video_delivered"],
            state_field="data.status",
            prepared={"engine": "avatar_iv"},
        ),
        Operation.DUB: CannedAnswers(
            submitted=TOLD["dub_submitted"],
            polled={
                JobState.QUEUED: data(DUB, status="pending"),
                JobState.RUNNING: data(DUB, status="running"),
                JobState.SUCCEEDED: data(DUB),
                JobState.FAILED: data(DUB, status="failed", failure_message="no speech"),
            },
            pages=pages(DUB),
            delivered={
                "event_id": "evt_2",
                "event_type": "video_translate.success",
                "event_data": {"video_translation_id": "tr_1"},
            },
            state_field="data.status",
            prepared={"asset_id": "ast_1", "language": "Portuguese (Brazil)"},
        ),
    }
    golden = Golden(
        secret=SECRET,
        delivery=Delivery(
            b'{"event_id":"evt_1","event_type":"avatar_video.success",'
            b'"event_data":{"video_id":"vid_1"},"created_at":"2026-03-25T12:05:00Z"}',
            {
                "heygen-signature": "0a4733694585d690e4956c3c85e9f94e"
                "2cd32278f9b715b46ff47d9e1a9d3ee7",
                "heygen-timestamp": "1774440300",
                "heygen-event-id": "evt_1",
            },
        ),
    )

    avatars = {"avatar": "look_1", "picture": ""}

    def ask(self, operation, **more):
        if more.get("avatar_id") == "":
            more["prepared"] = {"picture_asset_id": "ast_8"}
        if more.get("audio") is not None:  # which went ahead
            more["prepared"] = {"audio_asset_id": "ast_9"}
        return super().ask(operation, **more)

    async def test_a_job_is_found_by_its_token_on_the_last_page(self, it, wire, listed):
        if listed is not Operation.AVATAR:
            return await super().test_a_job_is_found_by_its_token_on_the_last_page(it, wire, listed)
        wire.reply(page(GROUP, more="2")).reply(page({**GROUP, "id": "grp_2", "name": "Ada"}))
        wire.reply(page({**LOOK, "id": "look_9"}, LOOK))
        assert [(job.id, job.ref) for job in await it.find_avatar(TOKEN)] == [
            ("look:look_1", "look_1")
        ]
        return None

    async def test_deleting_twice_is_fine_or_refused(self, it, wire, operation):
        if operation is not Operation.AVATAR:
            return await super().test_deleting_twice_is_fine_or_refused(it, wire, operation)
        wire.reply({}).reply({}, 404)
        for _ in range(2):
            await it.delete_avatar("look:look_1")
        assert paths(wire) == ["DELETE /v3/avatars/looks/look_1"] * 2
        return None


class TestHeyGenSpeech(SpeechSuite):
    provider = HeyGen
    audio = b"ID3 and so on"

    def answer(self, wire):
        wire.reply(TOLD["speech"]).reply(self.audio, content_type="audio/mpeg")


@pytest.fixture
def it(wire):
    settings = ProviderSettings(api_key=SecretStr(KEY), webhook_secrets=(SECRET,))
    return HeyGen(settings, client=wire.client)


BYTES = b"the recorded bytes"


def media(name="me.mp4", media_type="video/mp4", size=18):
    async def chunks():
        yield BYTES

    digest = hashlib.sha256(BYTES).hexdigest()
    return Media(name=name, media_type=media_type, size=size, sha256=digest, open=chunks)


SOUND, PICTURE = media("me.mp3", "audio/mpeg"), media("me.png", "image/png")


def clone(**more):
    return VoiceRequest(**{"token": TOKEN, "samples": (SOUND,)} | more)


def train(footage=None, **more):
    return AvatarRequest(**{"token": TOKEN, "footage": footage or media()} | more)


def speak(**more):
    return VideoRequest(**{"token": TOKEN, "avatar_id": "look_1", "script": "Hi!"} | more)


def dub(language="es", **more):
    return DubRequest(token=TOKEN, source=media(), language=language, **more)


def paths(wire):
    return [f"{r.method} {r.url.path}" for r in wire.requests]


async def made(it, wire, operation, request, answer):
    """Prepare and submit; what was asked for at last."""
    prepared = await it.prepare(operation, request)
    wire.reply(answer)
    submit = {Operation.VOICE: it.clone_voice, Operation.AVATAR: it.train_avatar}
    submit |= {Operation.VIDEO: it.generate_video, Operation.DUB: it.dub_video}
    job = await submit[operation](request.model_copy(update={"prepared": prepared}))
    return job, wire.body()


# -- several looks of one person ------------------------------------------------------------------


@pytest.mark.parametrize("known", ["look:look_1", "look_1", "grp_1"])
async def test_another_look_joins_the_group_of_the_person(it, wire, known):
    if known == "grp_1":
        wire.reply({"error": {"code": "not_found"}}, 404)
    else:
        wire.reply(data(LOOK, id="look_1", group_id="grp_1"))
    wire.reply(TOLD["asset"])
    answer = created("processing")
    answer["data"]["avatar_item"]["id"] = "look_2"
    job, said = await made(it, wire, Operation.AVATAR, train(look_of=known), answer)
    assert (job.id, job.ref) == ("look:look_2", "look_2")
    assert said == {
        "type": "digital_twin",
        "name": TOKEN,
        "file": {"type": "asset_id", "asset_id": "ast_1"},
        "avatar_group_id": "grp_1",
    }
    assert paths(wire)[0] in {"GET /v3/avatars/looks/look_1", "GET /v3/avatars/looks/grp_1"}


@pytest.mark.parametrize(
    ("told", "state"),
    [
        ({"status": "processing"}, JobState.RUNNING),
        ({"status": "completed", "preview_image_url": None}, JobState.RUNNING),
        ({"status": "completed"}, JobState.SUCCEEDED),
        ({"status": "failed", "error": {"message": "no face"}}, JobState.FAILED),
    ],
)
async def test_another_look_is_polled_by_itself(it, wire, told, state):
    wire.reply(data(LOOK, **{"id": "look_2", **told}))
    job = await it.get_avatar("look:look_2")
    assert (job.id, job.ref, job.state) == ("look:look_2", "look_2", state)
    assert paths(wire)[0] == "GET /v3/avatars/looks/look_2"
    assert len(wire.requests) == 1 + (state is JobState.SUCCEEDED)  # has its person agreed?


async def test_another_look_may_need_the_persons_consent_again(it, wire):
    wire.reply(data(LOOK, id="look_2", group_id="grp_1", status="pending_consent"))
    wire.reply({"data": {"avatar_group": GROUP, "url": TOLD["consent_url"]}})
    job = await it.get_avatar("look:look_2")
    assert (job.state, job.action.url) == (JobState.NEEDS_ACTION, TOLD["consent_url"])
    assert paths(wire)[1] == "POST /v3/avatars/grp_1/consent"


async def test_another_look_is_found_by_its_name_and_deleted_without_its_group(it, wire):
    wire.reply(page()).reply(page({**LOOK, "id": "x", "name": "ak-1"}, more="2"))
    wire.reply(page({**LOOK, "id": "look_2", "name": TOKEN}))
    assert [job.id for job in await it.find_avatar(TOKEN)] == ["look:look_2"]
    wire.reply({"data": {"id": "look_2"}})
    await it.delete_avatar("look:look_2")
    assert paths(wire)[-1] == "DELETE /v3/avatars/looks/look_2"


async def test_an_answer_without_a_look_may_have_cost_money(it, wire):
    wire.reply(data(LOOK, group_id="grp_1")).reply(TOLD["asset"])
    prepared = await it.prepare(Operation.AVATAR, train(look_of="look_1"))
    wire.reply({"data": {"avatar_group": GROUP, "avatar_item": None}})
    with pytest.raises(errors.Ambiguous):
        await it.train_avatar(train(look_of="look_1", prepared=prepared))


async def test_another_look_is_asked_for_as_heygen_documents(it, wire):
    wire.reply(data(LOOK, group_id="grp_1")).reply(TOLD["asset"])
    await made(it, wire, Operation.AVATAR, train(look_of="look_1"), created("processing"))
    wire.reply(data(LOOK)).reply(data(GROUP)).reply({"data": {"id": "look_2"}})
    wire.reply(page()).reply(page())
    await it.get_avatar("look:look_2")
    await it.delete_avatar("look:look_2")
    await it.find_avatar(TOKEN)
    contract = Contract.of("heygen", closed=True)
    assert [contract.check(request) for request in wire.requests] == [
        "GET /v3/avatars/looks/{look_id}",
        "POST /v3/assets",
        "POST /v3/avatars",
        "GET /v3/avatars/looks/{look_id}",
        "GET /v3/avatars/{group_id}",
        "DELETE /v3/avatars/looks/{look_id}",
        "GET /v3/avatars",
        "GET /v3/avatars/looks",
    ]


# -- uploads --------------------------------------------------------------------------------------


async def test_a_recording_is_uploaded_before_the_paid_call(it, wire):
    wire.reply(TOLD["asset"])
    _, said = await made(it, wire, Operation.VOICE, clone(), TOLD["voice_submitted"])
    assert paths(wire) == ["POST /v3/assets", "POST /v3/voices/clone"]
    assert wire.body(0) == {"file": BYTES}
    assert said == {"audio": {"type": "asset_id", "asset_id": "ast_1"}, "voice_name": TOKEN}


@pytest.mark.parametrize("name", ["asset_id", "audio_asset_id"])
@pytest.mark.parametrize("status", [200, 404])
async def test_uploads_are_deleted_once_nobody_needs_them(it, wire, name, status):
    wire.reply({}, status)
    await it.discard(Operation.VOICE, {name: "ast_1", "engine": "avatar_iv"})
    assert paths(wire) == ["DELETE /v3/assets/ast_1"]


async def test_what_is_larger_goes_directly_to_the_store_without_the_key(it, wire):
    wire.reply(TOLD["direct"]).reply(b"").reply(TOLD["complete"])
    large = media(size=32_000_001)
    prepared = await it.prepare(Operation.AVATAR, train(large))
    assert prepared == {"asset_id": "ast_2"}
    _, put, ended = wire.requests
    assert wire.body(0) == {
        "filename": "me.mp4",
        "content_type": "video/mp4",
        "size_bytes": 32_000_001,
        "checksum_sha256": large.sha256,
    }
    assert (put.method, str(put.url)) == ("PUT", TOLD["direct"]["data"]["upload_url"])
    assert put.content == BYTES
    assert put.headers["x-amz-checksum-sha256"] == "c3Vt"
    assert put.headers["content-length"] == "32000001"
    assert KEY not in str(put.headers.raw)
    assert (ended.url.path, wire.body(2)) == ("/v3/assets/ast_2/complete", {})


async def test_an_upload_that_fails_repeats_no_signed_link(it, wire):
    wire.reply(TOLD["direct"]).reply(b"<Error>of-the-upload</Error>", 403)
    with pytest.raises(errors.AuthError) as caught:
        await it.prepare(Operation.AVATAR, train(media(size=40_000_000)))
    assert "of-the-upload" not in str(caught.value)


@pytest.mark.parametrize("address", [None, "http://plain.example/put", "/relative"])
async def test_bytes_go_to_no_unencrypted_address(it, wire, address):
    wire.reply(data(TOLD["direct"]["data"], upload_url=address))
    with pytest.raises(errors.BadReply):
        await it.prepare(Operation.AVATAR, train(media(size=40_000_000)))
    assert len(wire.requests) == 1


async def test_an_upload_without_an_id_is_a_bad_reply(it, wire):
    wire.reply({"data": {}})
    with pytest.raises(errors.BadReply):
        await it.prepare(Operation.VOICE, clone())


async def test_what_cannot_be_uploaded_is_refused_with_advice(it, wire):
    request = clone(samples=(media("me.ogg", "audio/ogg"),))
    with pytest.raises(errors.Unsupported, match=r"audio/ogg \(me.ogg\): convert it to MP3"):
        await it.prepare(Operation.VOICE, request)
    assert not wire.requests


@pytest.mark.parametrize("request_", [clone(), train(), dub()], ids=["voice", "avatar", "dub"])
async def test_a_paid_call_without_its_upload_is_refused(it, wire, request_):
    submit = {VoiceRequest: it.clone_voice, AvatarRequest: it.train_avatar}
    with pytest.raises(errors.Unsupported, match=r"prepare\(\)"):
        await submit.get(type(request_), it.dub_video)(request_)
    assert not wire.requests


async def test_nothing_is_uploaded_for_speech(it, wire):
    request = SpeechRequest(token=TOKEN, voice_id="v1", text="Hi!")
    assert await it.prepare(Operation.SPEECH, request) == {}
    assert not wire.requests


# -- voices ---------------------------------------------------------------------------------------


async def test_a_voice_of_the_vendors_own_is_ready(it, wire):
    wire.reply(voice(status=None))
    assert (await it.get_voice("v1")).state is JobState.SUCCEEDED


async def test_a_submitted_voice_is_not_taken_for_ready(it, wire):
    wire.reply(TOLD["voice_submitted"])
    job = await it.clone_voice(clone(prepared={"asset_id": "ast_1"}))
    assert (job.id, job.state) == ("vc_1", JobState.QUEUED)


async def test_a_voice_is_told_its_language_without_the_region(it, wire):
    wire.reply(TOLD["voice_submitted"])
    await it.clone_voice(clone(language="pt-BR", prepared={"asset_id": "ast_1"}))
    assert wire.body()["language"] == "pt"


async def test_cloned_voices_are_asked_for_when_one_is_looked_for(it, wire):
    wire.reply(page())
    await it.find_voice(TOKEN)
    assert dict(wire.requests[0].url.params) == {"type": "private", "limit": "100"}


# -- avatars --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("footage", "options", "wanted"),
    [
        (media(), (), {"type": "digital_twin", "file": {"type": "asset_id", "asset_id": "ast_1"}}),
        (PICTURE, (), {"type": "photo", "file": {"type": "asset_id", "asset_id": "ast_1"}}),
        (
            PICTURE,
            (HeyGenAvatar(prompt="a librarian"),),
            {
                "type": "prompt",
                "prompt": "a librarian",
                "reference_images": [{"type": "asset_id", "asset_id": "ast_1"}],
            },
        ),
    ],
    ids=["digital_twin", "photo", "prompt"],
)
async def test_an_avatar_is_of_the_kind_of_its_footage(it, wire, footage, options, wanted):
    wire.reply(TOLD["asset"])
    request = train(footage, options=options)
    _, said = await made(it, wire, Operation.AVATAR, request, created())
    assert said == wanted | {"name": TOKEN}


async def test_words_alone_are_enough_for_an_avatar(it, wire):
    request = AvatarRequest(token=TOKEN, options=(HeyGenAvatar(prompt="a librarian"),))
    assert await it.prepare(Operation.AVATAR, request) == {}
    wire.reply(created())
    await it.train_avatar(request)
    assert wire.body() == {"type": "prompt", "name": TOKEN, "prompt": "a librarian"}
    assert paths(wire) == ["POST /v3/avatars"]


async def test_words_need_a_picture(it, wire):
    request = train(options=(HeyGenAvatar(prompt="a librarian"),))
    with pytest.raises(errors.Unsupported, match="picture"):
        await it.prepare(Operation.AVATAR, request)
    assert not wire.requests


async def test_the_group_is_polled_and_its_look_speaks(it, wire):
    wire.reply(created())
    job = await it.train_avatar(train(prepared={"asset_id": "ast_1"}))
    assert (job.id, job.ref, job.usable_id) == ("look:look_1", "look_1", "look_1")


async def test_an_answer_without_a_look_is_polled_by_its_group(it, wire):
    wire.reply({"data": {"avatar_group": GROUP, "avatar_item": None}})
    job = await it.train_avatar(train(prepared={"asset_id": "ast_1"}))
    assert (job.id, job.ref) == ("grp_1", None)


@pytest.mark.parametrize(("looks", "deleted"), [([], 1), ([LOOK], 1), ([LOOK, LOOK], 0)])
async def test_a_group_is_deleted_only_with_its_last_look(it, wire, looks, deleted):
    wire.reply(page(*looks)).reply({"data": {"id": "grp_1"}})
    with nullcontext() if deleted else pytest.raises(errors.Unavailable, match="further looks"):
        await it.delete_avatar("grp_1")
    assert paths(wire).count("DELETE /v3/avatars/grp_1") == deleted


async def test_a_group_that_is_gone_counts_as_deleted(it, wire):
    wire.reply({}, 404)
    await it.delete_avatar("grp_1")


async def test_a_look_is_not_ready_while_its_person_has_not_agreed(it, wire):
    wire.reply(data(LOOK, id="look_1", group_id="grp_1"))
    wire.reply(data(GROUP, status="pending_consent"))
    wire.reply({"data": {"avatar_group": GROUP, "url": TOLD["consent_url"]}})
    job = await it.get_avatar("look:look_1")
    assert (job.state, job.action.url) == (JobState.NEEDS_ACTION, TOLD["consent_url"])


# -- a picture that speaks without a training -----------------------------------------------------


def picture(**more):
    shown = TestHeyGen().picture()
    return speak(avatar_id="", picture=shown, voice_id="vc_1", **more)


@pytest.mark.parametrize("driven", ["script", "audio"])
async def test_a_picture_speaks_without_a_training(it, wire, driven):
    sound = {"audio": TestHeyGen().media(), "script": None} if driven == "audio" else {}
    options = (HeyGenVideo(motion_prompt="waves", expressiveness="high", fit="cover"),)
    request = picture(options=options, **sound)
    asset = json.loads(json.dumps(TOLD["asset"]))
    wire.reply(asset)
    if driven == "audio":
        wire.reply(asset)
    wire.reply(TOLD["video_submitted"])
    prepared = await it.prepare(Operation.VIDEO, request)
    job = await it.generate_video(request.model_copy(update={"prepared": prepared}))
    said, by_id = wire.body(), {"type": "asset_id", "asset_id": prepared["picture_asset_id"]}
    assert (job.id, said["type"], said["image"]) == ("vid_1", "image", by_id)
    assert said.keys().isdisjoint({"avatar_id", "engine"})
    assert ("script" in said, "audio_asset_id" in said) == (driven == "script", driven == "audio")
    contract = Contract.of("heygen", closed=True)
    assert contract.check(wire.requests[-1]) == "POST /v3/videos"


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"settings": VideoSettings(resolution="4k")}, "cannot set resolution=4k"),
        ({"settings": VideoSettings(quality="best")}, "cannot set quality=best"),
        ({"settings": VideoSettings(container="webm")}, "cannot set container=webm"),
        ({"options": (HeyGenVideo(engine="avatar_v"),)}, "engine=avatar_v"),
    ],
    ids=str,
)
async def test_what_a_picture_cannot_have_is_refused_before_anything_is_sent(it, wire, asked, why):
    with pytest.raises(errors.Unsupported, match=why):
        await it.prepare(Operation.VIDEO, picture(**asked))
    assert wire.requests == []


async def test_an_avatar_that_was_found_learns_its_look_when_it_is_ready(it, wire):
    younger = {**LOOK, "id": "look_2"}
    wire.reply(data(GROUP)).reply(page(younger, LOOK))
    job = await it.get_avatar("grp_1")
    assert (job.state, job.id, job.ref) == (JobState.SUCCEEDED, "grp_1", "look_1")
    assert dict(wire.requests[1].url.params) == {"group_id": "grp_1", "limit": "50"}


@pytest.mark.parametrize(
    ("look", "wanted"),
    [
        ({"status": "processing"}, JobState.RUNNING),
        ({"preview_image_url": None}, JobState.RUNNING),
        ({"status": None}, JobState.SUCCEEDED),
        ({"status": "failed", "error": {"code": "x", "message": "blurred"}}, JobState.FAILED),
        ({"status": "failed", "error": None}, JobState.FAILED),
    ],
    ids=str,
)
async def test_an_avatar_is_ready_when_its_look_is(it, wire, look, wanted):
    wire.reply(data(GROUP)).reply(page({**LOOK, **look}))
    job = await it.get_avatar("grp_1")
    assert job.state is wanted
    assert (wanted is JobState.FAILED) == bool(job.reason)


async def test_an_avatar_of_the_vendors_own_is_ready(it, wire):
    wire.reply(data(GROUP, status=None)).reply(page(LOOK))
    assert (await it.get_avatar("grp_1")).state is JobState.SUCCEEDED


# -- consent --------------------------------------------------------------------------------------


@pytest.mark.parametrize("page_", [None, "https://app.example/agreed?for=ana"])
async def test_who_has_agreed_comes_back_to_a_page_of_ones_own(wire, page_, caplog):
    settings = ProviderSettings(api_key=SecretStr(KEY), return_url=page_)
    it = HeyGen(settings, client=wire.client)
    wire.reply(data(GROUP, status="pending_consent"))
    wire.reply({"data": {"avatar_group": GROUP, "url": TOLD["consent_url"]}})
    await it.get_avatar("grp_1")
    assert wire.body(1) == ({} if page_ is None else {"reroute_url": page_})
    assert "app.example" not in f"{caplog.text} {settings!r}"


@pytest.mark.parametrize(
    "page_", ["http://app.example/", "https://", "app.example", "javascript:1", "https://a:b@c.d/"]
)
def test_a_page_to_come_back_to_is_an_https_address(page_):
    with pytest.raises(errors.ConfigError, match="https address") as told:
        Settings.from_env({"AVATARKIT_HEYGEN_RETURN_URL": page_}).for_provider("heygen")
    assert "a:b" not in str(told.value)


async def test_consent_is_an_action_with_the_vendors_link(it, wire):
    waiting = data(GROUP, status="pending_consent")
    wire.reply(waiting).reply({"data": {"avatar_group": GROUP, "url": TOLD["consent_url"]}})
    job = await it.get_avatar("grp_1")
    assert (job.action.kind, job.action.url) == ("open_url", TOLD["consent_url"])
    assert TOLD["consent_url"] not in repr(job)
    assert paths(wire)[1] == "POST /v3/avatars/grp_1/consent"


async def test_the_link_to_consent_stays_the_same_whoever_asks(it, wire):
    for provider in (it, HeyGen(ProviderSettings(api_key=SecretStr(KEY)), client=wire.client)):
        wire.reply(data(GROUP, status="pending_consent")).reply({"data": {"url": "https://x/"}})
        await provider.get_avatar("grp_1")
    wire.reply(data(GROUP, id="grp_2", status="pending_consent")).reply({"data": {}})
    await it.get_avatar("grp_2")
    first, second, other = [r.headers["idempotency-key"] for r in wire.requests[1::2]]
    assert first == second != other
    assert re.fullmatch(r"[A-Za-z0-9_:.-]{1,255}", first)


async def test_once_consent_is_given_it_goes_on_by_itself(it, wire):
    wire.reply(data(GROUP, status="processing", consent_status="accepted"))
    job = await it.get_avatar("grp_1")
    assert (job.state, job.action) == (JobState.RUNNING, None)
    assert len(wire.requests) == 1


async def test_a_link_that_is_refused_is_said_in_the_action(it, wire):
    refusal = {"error": {"code": "invalid_parameter", "message": "already under review"}}
    wire.reply(data(GROUP, status="pending_consent")).reply(refusal, 400)
    job = await it.get_avatar("grp_1")
    assert job.action.url is None
    assert "already under review" in job.action.message


@pytest.mark.parametrize("status", [409, 429, 503])
async def test_a_link_that_cannot_be_had_now_is_asked_for_later(it, wire, status):
    wire.reply(data(GROUP, status="pending_consent")).reply({}, status, retry_after="0")
    with pytest.raises(errors.ProviderError):
        await it.get_avatar("grp_1")


# -- videos ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("supported", "wanted"),
    [
        (["avatar_iii", "avatar_iv", "avatar_v"], "avatar_iv"),
        (["avatar_iii", "avatar_v"], "avatar_v"),
        (["avatar_iii"], "avatar_iii"),
        (["avatar_6"], "avatar_6"),
        ([], None),
        (None, None),
    ],
    ids=str,
)
async def test_the_engine_is_one_that_the_look_supports(it, wire, supported, wanted):
    wire.reply(data(LOOK, supported_api_engines=supported))
    _, said = await made(it, wire, Operation.VIDEO, speak(voice_id="vc_1"), TOLD["video_submitted"])
    assert said.get("engine") == (wanted and {"type": wanted})
    assert (said["avatar_id"], said["voice_id"], said["script"]) == ("look_1", "vc_1", "Hi!")


async def test_an_engine_that_the_look_lacks_is_refused_before_it_is_paid(it, wire):
    wire.reply(data(LOOK, supported_api_engines=["avatar_iii"]))
    with pytest.raises(errors.Unsupported, match="avatar_iv; it supports: avatar_iii"):
        await it.prepare(Operation.VIDEO, speak(options=(HeyGenVideo(engine="avatar_iv"),)))


TWIN, PHOTO, ALL = "digital_twin", "photo_avatar", ["avatar_iii", "avatar_iv", "avatar_v"]


@pytest.mark.parametrize(
    ("kind", "settings", "options", "wanted"),
    [
        (TWIN, {}, {"motion_prompt": "waves"}, "avatar_v"),
        (PHOTO, {}, {"motion_prompt": "waves"}, "avatar_iv"),
        (TWIN, {"resolution": "4k"}, {}, "avatar_iii"),
        (PHOTO, {}, {"expressiveness": "high"}, "avatar_iv"),
        (TWIN, {"quality": "draft"}, {}, "avatar_iii"),
        (TWIN, {"quality": "standard"}, {}, "avatar_iv"),
        (PHOTO, {"quality": "best"}, {"motion_prompt": "waves"}, "avatar_v"),
        (TWIN, {"resolution": "4k"}, {"engine": "avatar_iii"}, "avatar_iii"),
        (None, {"resolution": "1080p"}, {}, "avatar_iv"),
    ],
    ids=str,
)
async def test_the_engine_is_one_that_can_do_what_is_asked_for(
    it, wire, kind, settings, options, wanted
):
    wire.reply(data(LOOK, avatar_type=kind, supported_api_engines=ALL))
    own = (HeyGenVideo(**options),)
    request = speak(settings=VideoSettings(**settings), options=own, voice_id="vc_1")
    _, said = await made(it, wire, Operation.VIDEO, request, TOLD["video_submitted"])
    assert said["engine"] == {"type": wanted}


@pytest.mark.parametrize(
    ("kind", "supported", "settings", "options", "says"),
    [
        (TWIN, ["avatar_iii", "avatar_iv"], {}, {"motion_prompt": "waves"}, "motion_prompt"),
        (TWIN, ALL, {}, {"expressiveness": "high"}, "expressiveness"),
        (PHOTO, ALL, {"resolution": "4k"}, {}, "resolution=4k"),
        (TWIN, ["avatar_iv"], {"resolution": "4k"}, {}, "resolution=4k"),
        (TWIN, ALL, {"resolution": "4k"}, {"motion_prompt": "waves"}, "motion_prompt"),
        (TWIN, ALL, {"resolution": "4k"}, {"engine": "avatar_v"}, "resolution=4k"),
        (TWIN, ["avatar_iv"], {"quality": "best"}, {}, "quality=best"),
        (PHOTO, ALL, {"quality": "best"}, {"expressiveness": "low"}, "expressiveness"),
    ],
    ids=str,
)
async def test_what_no_engine_of_a_look_can_do_is_refused_before_it_is_paid(
    it, wire, kind, supported, settings, options, says
):
    wire.reply(data(LOOK, avatar_type=kind, supported_api_engines=supported))
    settings, options = VideoSettings(**settings), (HeyGenVideo(**options),)
    with pytest.raises(errors.Unsupported, match=f"cannot do {says}"):
        await it.prepare(Operation.VIDEO, speak(settings=settings, options=options))
    with pytest.raises(errors.Unsupported, match=f"cannot do {says}"):  # before speech is paid
        await it.check_avatar("look_1", settings, options)
    assert {request.method for request in wire.requests} == {"GET"}


async def test_an_engine_that_was_asked_for_is_sent_as_an_object(it, wire):
    wire.reply(data(LOOK))
    request = speak(options=(HeyGenVideo(engine="avatar_iii"),))
    _, said = await made(it, wire, Operation.VIDEO, request, TOLD["video_submitted"])
    assert said["engine"] == {"type": "avatar_iii"}


def test_options_survive_being_stored():
    options = HeyGenVideo(engine="avatar_v", fit="cover")
    stored = options.model_dump(mode="json", exclude_defaults=True)
    assert HeyGenVideo.model_validate(stored) == options


async def test_where_only_the_group_is_known_its_look_is_looked_up(it, wire):
    wire.reply({"error": {"code": "avatar_not_found"}}, 404).reply(page(LOOK))
    request = speak(avatar_id="grp_1")
    _, said = await made(it, wire, Operation.VIDEO, request, TOLD["video_submitted"])
    assert said["avatar_id"] == "look_1"


async def test_an_avatar_that_is_not_there_is_found_missing_before_it_is_paid(it, wire):
    wire.reply({"error": {"code": "avatar_not_found"}}, 404).reply(page())
    with pytest.raises(errors.NotFound):
        await it.prepare(Operation.VIDEO, speak())


async def test_recorded_audio_is_uploaded_and_drives_the_video(it, wire):
    wire.reply(data(LOOK)).reply(TOLD["asset"])
    request = speak(script=None, audio=SOUND, voice_id="vc_1")
    _, said = await made(it, wire, Operation.VIDEO, request, TOLD["video_submitted"])
    assert said["audio_asset_id"] == "ast_1"
    assert not {"script", "voice_id"} & set(said)


async def test_what_came_of_a_job_carries_our_token(it, wire):
    wire.reply(TOLD["video_submitted"])
    job = await it.generate_video(speak())
    said = wire.body()
    assert (said["title"], said["callback_id"], job.state) == (TOKEN, TOKEN, JobState.QUEUED)


async def test_captions_that_were_burnt_in_are_in_the_video(it, wire):
    wire.reply(data(VIDEO)).reply(data(VIDEO, captioned_video_url="https://files.heygen.ai/c.mp4"))
    assert (await it.get_video("vid_1")).links["video"] == VIDEO["video_url"]
    assert (await it.get_video("vid_1")).links["video"] == "https://files.heygen.ai/c.mp4"


async def test_the_subtitles_of_a_video_and_of_a_dub_are_results(it, wire):
    told = {f"{kind}_caption_url": f"https://files.heygen.ai/t.{kind}" for kind in ("srt", "vtt")}
    dub = data(TOLD["dub"], audio_url="https://files.heygen.ai/t.mp3", **told)
    wire.reply(data(VIDEO)).reply(dub)
    assert set((await it.get_video("vid_1")).links) == {"video", "thumbnail", "subtitles_srt"}
    links = (await it.get_dub("tr_1")).links
    assert set(links) == {"video", "audio", "subtitles_srt", "subtitles_vtt"}


async def test_a_video_is_searched_by_its_title(it, wire):
    wire.reply({"data": [], "has_more": False})
    await it.find_video(TOKEN)
    assert wire.requests[0].url.params["title"] == TOKEN


def test_the_reason_of_a_dub_that_failed_is_read(it):
    said = {"video_translate_id": "tr_1", "message": "no speech was found"}
    body = {"event_type": "video_translate.fail", "event_data": said}
    (event,) = it.events(Delivery(json.dumps(body).encode(), {}))
    assert (event.job.state, event.job.reason) == (JobState.FAILED, "no speech was found")


# -- speech ---------------------------------------------------------------------------------------


async def test_speech_tells_its_timings_and_length(it, wire):
    wire.reply(TOLD["speech"]).reply(b"ID3")
    request = SpeechRequest(token=TOKEN, voice_id="v1", text="Hi!", language="pt_BR")
    speech = await it.synthesize(request)
    assert (speech.timings, speech.cost) == ((("Hi!", 0.0, 0.4),), "1.5 seconds")
    assert [chunk async for chunk in speech.audio] == [b"ID3"]
    assert (wire.body(0)["language"], wire.body(0)["locale"]) == ("pt", "pt-BR")
    assert KEY not in str(wire.requests[1].headers.raw)


@pytest.mark.parametrize("words", [None, [], "x", [{"word": "Hi!"}], [1]], ids=str)
async def test_timings_that_make_no_sense_are_none(it, wire, words):
    wire.reply(data(TOLD["speech"]["data"], word_timestamps=words))
    speech = await it.synthesize(SpeechRequest(token=TOKEN, voice_id="v1", text="Hi!"))
    assert speech.timings is None


async def test_speech_without_a_link_is_a_doubt(it, wire):
    wire.reply({"data": {"duration": 1.5}})
    with pytest.raises(errors.Ambiguous):
        await it.synthesize(SpeechRequest(token=TOKEN, voice_id="v1", text="Hi!"))
    assert len(wire.requests) == 1


async def test_speech_of_an_unknown_type_is_taken_for_mp3(it, wire):
    wire.reply({"data": {"audio_url": "https://resource.heygen.ai/speech"}})
    speech = await it.synthesize(SpeechRequest(token=TOKEN, voice_id="v1", text="Hi!"))
    assert speech.media_type == "audio/mpeg"


@pytest.mark.parametrize(("kind", "role"), [("translation", "output"), ("source", "input")])
async def test_own_subtitles_of_a_dub_are_uploaded_and_named(it, wire, kind, role):
    own = {kind: media("own.srt", "application/x-subrip")}
    wire.reply(TOLD["languages"]).reply(TOLD["asset"])
    wire.reply({"data": TOLD["asset"]["data"] | {"asset_id": "srt_1"}})
    request = dub(subtitles=own)
    prepared = await it.prepare(Operation.DUB, request)
    assert wire.body(2) == {"file": BYTES}
    wire.reply(TOLD["dub_submitted"])
    await it.dub_video(request.model_copy(update={"prepared": prepared}))
    said = wire.body()
    assert (said["srt"]["asset_id"], said["srt_role"]) == ("srt_1", role)
    wire.reply({}).reply({})
    await it.discard(Operation.DUB, prepared)
    assert paths(wire)[-2:] == ["DELETE /v3/assets/ast_1", "DELETE /v3/assets/srt_1"]
    contract = Contract.of("heygen", closed=True)
    assert contract.check(wire.requests[-3]) == "POST /v3/video-translations"


async def test_both_subtitles_at_once_are_refused_before_the_upload(it, wire):
    own = dict.fromkeys(("source", "translation"), media("own.srt", "application/x-subrip"))
    with pytest.raises(errors.Unsupported, match="it takes them of: translation or source"):
        await it.prepare(Operation.DUB, dub(subtitles=own))
    assert not wire.requests


# -- dubs -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "wanted"),
    [
        ("es", "Spanish"),
        ("es-ES", "Spanish (Spain)"),
        ("es_MX", "Spanish"),
        ("pt", "Portuguese (Brazil)"),
        ("pt-PT", "Portuguese (Portugal)"),
        ("EN-gb", "English"),
        ("zh", "Chinese (Cantonese, Traditional)"),
        ("zh-Hant", "Chinese (Cantonese, Traditional)"),
        ("portuguese (portugal)", "Portuguese (Portugal)"),
    ],
)
async def test_a_language_is_called_as_the_vendor_calls_it(it, wire, language, wanted):
    wire.reply(TOLD["languages"]).reply(TOLD["asset"])
    job, said = await made(it, wire, Operation.DUB, dub(language), TOLD["dub_submitted"])
    assert (said["output_languages"], job.id) == ([wanted], "tr_1")


@pytest.mark.parametrize("language", ["pt-AO", "xx", "tlh-KX", ""])
async def test_a_language_that_is_not_dubbed_is_refused_before_the_upload(it, wire, language):
    wire.reply(TOLD["languages"])
    with pytest.raises(errors.Unsupported, match=r"it knows: .*Portuguese"):
        await it.prepare(Operation.DUB, dub(language))
    assert len(wire.requests) == 1


# -- money ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["request_in_progress", "conflict"])
async def test_a_call_that_is_still_running_is_a_doubt(it, wire, code):
    wire.reply({"error": {"code": code, "message": "in flight"}}, 409)
    with pytest.raises(errors.Ambiguous):
        await it.generate_video(speak(idempotency_key="ak-1-video:1"))
    assert wire.requests[0].headers["idempotency-key"] == "ak-1-video:1"


CODES = {
    "unauthorized": (401, errors.AuthError),
    "authentication_failed": (401, errors.AuthError),
    "phone_verification_required": (400, errors.AuthError),
    "resource_access_denied": (403, errors.AuthError),
    "insufficient_credit": (402, errors.QuotaError),
    "trial_limit_exceeded": (402, errors.QuotaError),
    "plan_upgrade_required": (402, errors.PlanError),
    "resource_limit_reached": (400, errors.PlanError),
    "ai_vendor_access_restricted": (403, errors.PlanError),
    "content_policy_violation": (400, errors.ModerationRefused),
    "avatar_consent_required": (400, errors.Refused),
    "voice_not_usable": (403, errors.Refused),
    "invalid_parameter": (400, errors.Refused),
    "download_failed": (400, errors.Refused),
    "payload_too_large": (413, errors.Refused),
    "avatar_group_not_found": (404, errors.NotFound),
    "rate_limit_exceeded": (429, errors.RateLimited),
    "quota_exceeded": (429, errors.RateLimited),
    "resource_not_ready": (409, errors.RateLimited),
    "a_code_of_tomorrow": (400, errors.Refused),
    "internal_error": (400, errors.Refused),
}


@pytest.mark.parametrize(("code", "wanted"), CODES.items(), ids=CODES)
async def test_a_code_says_why_it_was_not_accepted(it, wire, code, wanted):
    status, kind = wanted
    wire.reply({"error": {"code": code, "message": "because"}}, status)
    with pytest.raises(errors.ProviderError, match=f"because .*{code}") as caught:
        await it.generate_video(speak())
    assert type(caught.value) is kind


@pytest.mark.parametrize("code", ["internal_error", "gateway_timeout"])
async def test_a_failure_of_the_vendors_own_is_a_doubt(it, wire, code):
    wire.reply({"error": {"code": code}}, 500)
    with pytest.raises(errors.Ambiguous):
        await it.generate_video(speak())


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        (TOLD["me"]["data"], Balance(12.5, "usd")),
        ({"wallet": {"currency": "credits", "remaining_balance": 3}}, Balance(3.0, "credits")),
        (
            {
                "subscription": {
                    "plan": "pro",
                    "credits": {
                        "premium_credits": {"remaining": 10},
                        "add_on_credits": {"remaining": 5},
                    },
                }
            },
            Balance(15.0, "credits"),
        ),
        ({"usage_based": {"remaining_credits": 7.5}}, Balance(7.5, "credits")),
        ({"username": "u_1"}, Balance(None, "credits")),
    ],
    ids=["wallet", "wallet of credits", "subscription", "usage", "untold"],
)
async def test_the_balance_is_told_in_what_it_is_kept(it, wire, told, wanted):
    wire.reply({"data": told})
    assert await it.balance() == wanted


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (HeyGenAvatar, {"prompt": "x" * 1001}),
        (HeyGenVoiceSettings, {"speed": 2}),
        (HeyGenVideo, {"resolution": "8k"}),
        (HeyGenVideo, {"resolutoin": "4k"}),
        (HeyGenSpeech, {"speed": 3}),
    ],
)
def test_options_that_cannot_be_are_refused_when_they_are_made(kind, given):
    with pytest.raises(errors.ConfigError):
        kind(**given)


# -- webhooks -------------------------------------------------------------------------------------


def signed(body, header="heygen-signature"):
    raw = json.dumps(body).encode()
    proof = TestHeyGen().sign(raw, SECRET).headers["heygen-signature"]
    return Delivery(raw, {header: proof, "heygen-timestamp": "1"})


def event(word, **told):
    return {"event_id": "evt_9", "event_type": word, "event_data": told}


def test_a_repeat_is_known_by_the_id_that_is_signed(it):
    body = event("avatar_video.success", video_id="vid_1")
    again = signed({**body, "attempt": 2})
    assert [it.events(d)[0].id for d in (signed(body), again)] == ["evt_9", "evt_9"]


def test_the_older_header_is_read_as_well(it):
    (told,) = it.events(signed(event("avatar_video.success", video_id="vid_1"), "signature"))
    assert told.trusted


def test_an_unsigned_callback_is_a_reason_to_look_and_cannot_take_an_events_id(it):
    raw = json.dumps(event("avatar_video.success", video_id="vid_1")).encode()
    (told,) = it.events(Delivery(raw, {}))
    assert (told.trusted, told.name, told.job.id) == (False, "video.completed", "vid_1")
    assert told.id != "evt_9"


@pytest.mark.parametrize("field", ["msg", "failure_message"])
def test_a_failed_video_says_why(it, field):
    (told,) = it.events(signed(event("avatar_video.fail", video_id="vid_1", **{field: "no face"})))
    assert (told.name, told.job.reason, told.trusted) == ("video.failed", "no face", True)


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("instant_avatar.success", "avatar.training_completed"),
        ("photo_avatar_generation.success", "avatar.training_completed"),
        ("photo_avatar_train.fail", "avatar.training_failed"),
    ],
)
@pytest.mark.parametrize("field", ["avatar_group_id", "group_id", "avatar_id", "id"])
def test_what_is_told_of_avatars_is_only_a_reason_to_look(it, word, name, field):
    (told,) = it.events(signed(event(word, **{field: "x1"})))
    job_id = "look:x1" if field == "avatar_id" else "x1"
    assert (told.name, told.job.id, told.trusted) == (name, job_id, False)


@pytest.mark.parametrize(
    "body",
    [
        event("avatar_video_gif.success", video_id="v"),
        event("video_translate.preflight.download_failed", id="tr_1"),
        event("avatar_video.success"),
        event("batch.finished", id="b"),
        {"event_type": "avatar_video.success", "event_data": "vid_1"},
        {"event_type": ["avatar_video.success"]},
    ],
    ids=str,
)
def test_other_news_is_no_event(it, body):
    assert it.events(signed(body)) == []


async def test_a_webhook_is_registered_once_and_its_secret_is_in_no_repr(it, wire):
    wire.reply(TOLD["endpoint"])
    hook = await it.register_webhook("https://app.example/hook")
    assert (hook.id, hook.secret.get_secret_value()) == ("we_1", "whsec_once")
    assert "whsec" not in repr(hook)
    assert "instant_avatar.fail" in wire.body()["events"]
    assert wire.requests[0].headers["idempotency-key"].startswith("ak-")


async def test_a_webhook_without_a_secret_is_a_bad_reply(it, wire):
    wire.reply(data(TOLD["endpoint"]["data"], secret=None))
    with pytest.raises(errors.BadReply):
        await it.register_webhook("https://app.example/hook")


# -- in the kit -----------------------------------------------------------------------------------

DATA = Path(avatarkit.__file__).parent / "data"


class Vendor(HeyGen):
    """HeyGen with the vendor behind it, which waits for consent and loses its first answers."""

    def __init__(self):
        client = httpx.AsyncClient(transport=httpx.MockTransport(self.answer))
        super().__init__(ProviderSettings(api_key=SecretStr(KEY)), client=client)
        self.accepted, self.replays, self.consented = Counter(), {}, False

    def fetch(self, url, /):
        return http.fetch(self._client, url)

    async def answer(self, request):
        await request.aread()
        key, path = request.headers.get("idempotency-key"), request.url.path
        if request.url.host == "files.heygen.ai":
            return httpx.Response(200, content=streamed(result(request.url.path, 12.4)))
        told = json.loads(json.dumps(self.told(request.method, path)))
        if key is None or "consent" in path:
            return httpx.Response(200, json=told)
        if (path, key) in self.replays:
            return httpx.Response(200, json=self.replays[path, key])
        self.accepted[path] += 1
        self.replays[path, key] = told
        return httpx.Response(502)

    def told(self, method, path):
        group = "completed" if self.consented else "pending_consent"
        return {
            "POST /v3/assets": TOLD["asset"],
            "POST /v3/voices/clone": TOLD["voice_submitted"],
            "POST /v3/avatars": created(),
            "POST /v3/avatars/grp_1/consent": {"data": {"url": TOLD["consent_url"]}},
            "POST /v3/videos": TOLD["video_submitted"],
            "GET /v3/voices/vc_1": VOICE,
            "GET /v3/avatars/grp_1": data(GROUP, status=group),
            "GET /v3/avatars/looks": page(LOOK),
            "GET /v3/avatars/looks/look_1": data(LOOK, group_id="grp_1"),
            "GET /v3/videos/vid_1": data(VIDEO),
        }.get(f"{method} {path}", page())


async def test_a_twin_waits_for_consent_goes_on_and_speaks_and_nothing_is_paid_twice(tmp_path):
    vendor, clock = Vendor(), FakeClock()
    kit = AvatarKit(
        "heygen",
        repository=MemoryRepository(clock=clock),
        media=str(tmp_path),
        providers={"heygen": vendor},
        clock=clock,
        settings=Settings(),
    )
    async with kit:
        training = await kit.train(
            user_id="ana",
            clone_id="ana-1",
            voice=[DATA / "demo/voice.wav"],
            footage=DATA / "fake/video.mp4",
            consent=Consent(subject="Ana Lima"),
        )
        async for update in kit.watch(training.id):
            if update.action is not None:
                assert update.action.url == TOLD["consent_url"]
                vendor.consented = True
        assert (update.status, update.avatar_id, update.voice_id) == (
            Status.COMPLETED,
            "look_1",
            "vc_1",
        )
        video = await kit.speak(training.id, "Hi!")
    assert vendor.consented
    assert video.status is Status.COMPLETED
    assert vendor.accepted == {"/v3/voices/clone": 1, "/v3/avatars": 1, "/v3/videos": 1}


# -- the vendor's own document --------------------------------------------------------------------

EVERY_VIDEO = HeyGenVideo(
    engine=HeyGenEngine(type="avatar_v", reference_look_id="look_2"),
    fit="cover",
    remove_background=True,
    voice_settings=HeyGenVoiceSettings(
        volume=0.8,
        locale="pt-BR",
        engine_settings={"engine_type": "elevenlabs", "stability": 0.5},
    ),
    motion_prompt="waves",
    expressiveness="high",
)
EVERY_DUB = HeyGenDub(
    mode="precision",
    input_language="en",
    speaker_num=1,
    translate_audio_only=False,
    disable_music_track=True,
    enable_speech_enhancement=True,
    enable_dynamic_duration=False,
    enable_caption=True,
    keep_the_same_format=True,
    brand_glossary_id="g1",
    start_time=0.5,
    end_time=9.5,
)
EVERY_SPEECH = HeyGenSpeech(input_type="ssml", locale="pt-BR")
HOOK = "https://app.example/hook"


def test_the_check_against_the_document_leaves_no_option_out():
    voice = HeyGenVoice(remove_background_noise=False)
    every = [EVERY_VIDEO, EVERY_DUB, EVERY_SPEECH, voice, HeyGenAvatar(prompt="x")]
    assert {type(o) for o in every} == set(HeyGen.option_types)
    for options in every:
        unsaid = {n for n in type(options).model_fields if getattr(options, n) is None}
        assert unsaid == set()


async def test_every_call_is_one_that_the_vendor_describes(it, wire):
    contract = Contract.of("heygen", closed=True)

    wire.reply(created())
    drawn = (HeyGenAvatar(prompt="a librarian"),)
    await it.train_avatar(AvatarRequest(token=TOKEN, options=drawn))

    wire.reply(TOLD["asset"])
    options = (HeyGenVoice(remove_background_noise=False),)
    request = clone(language="pt", options=options)
    await made(it, wire, Operation.VOICE, request, TOLD["voice_submitted"])
    await made(it, wire.reply(TOLD["asset"]), Operation.AVATAR, train(), created())
    words = (HeyGenAvatar(prompt="a librarian"),)
    for options in ((), words):
        request = train(PICTURE, options=options)
        await made(it, wire.reply(TOLD["asset"]), Operation.AVATAR, request, created())
    wire.reply(TOLD["direct"]).reply(b"").reply(TOLD["complete"])
    await it.prepare(Operation.AVATAR, train(media(size=40_000_000)))

    for_photo = {"engine": HeyGenEngine(type="avatar_iv")}
    twin, photo = {"avatar_type": TWIN}, {"avatar_type": PHOTO}
    for look, options in (
        (twin, ()),
        (twin, (EVERY_VIDEO.model_copy(update={"expressiveness": None}),)),
        (photo, (EVERY_VIDEO.model_copy(update=for_photo),)),
    ):
        wire.reply(data(LOOK, **look, supported_api_engines=ALL))
        request = speak(voice_id="vc_1", callback_url=HOOK, options=options)
        await made(it, wire, Operation.VIDEO, request, TOLD["video_submitted"])
    wire.reply(data(LOOK)).reply(TOLD["asset"])
    request = speak(script=None, audio=SOUND, options=(HeyGenVideo(engine="avatar_iii"),))
    await made(it, wire, Operation.VIDEO, request, TOLD["video_submitted"])
    for options in ((), (EVERY_DUB,)):
        wire.reply(TOLD["languages"]).reply(TOLD["asset"])
        request = dub(callback_url=HOOK, options=options)
        await made(it, wire, Operation.DUB, request, TOLD["dub_submitted"])
    for options in ((), (EVERY_SPEECH,)):
        request = SpeechRequest(token=TOKEN, voice_id="v1", text="Hi!", language="pt-BR")
        wire.reply(TOLD["speech"])
        await it.synthesize(request.model_copy(update={"options": options}))

    wire.reply(VOICE)
    await it.get_voice("vc_1")
    wire.reply(data(GROUP, status="pending_consent")).reply({"data": {}})
    await it.get_avatar("grp_1")
    wire.reply(data(GROUP)).reply(page(LOOK))
    await it.get_avatar("grp_1")
    wire.reply(data(VIDEO)).reply(data(DUB))
    await it.get_video("vid_1")
    await it.get_dub("tr_1")
    for find in (it.find_voice, it.find_avatar, it.find_video, it.find_dub):
        wire.reply(page(more="page-2")).reply(page())
        await find(TOKEN)
    wire.reply({"data": {}})
    for delete in (it.delete_voice, it.delete_avatar, it.delete_video, it.delete_dub):
        await delete("x1")
    await it.discard(Operation.VOICE, {"asset_id": "ast_1"})
    await it.balance()
    wire.reply(TOLD["endpoint"])
    await it.register_webhook(HOOK)

    ours = [request for request in wire.requests if request.url.host == "api.heygen.com"]
    assert {contract.check(request) for request in ours} == {
        "POST /v3/assets",
        "POST /v3/assets/direct-uploads",
        "POST /v3/assets/{asset_id}/complete",
        "DELETE /v3/assets/{asset_id}",
        "POST /v3/voices/clone",
        "GET /v3/voices/{voice_id}",
        "GET /v3/voices",
        "DELETE /v3/voices/{voice_id}",
        "POST /v3/avatars",
        "POST /v3/avatars/{group_id}/consent",
        "GET /v3/avatars/{group_id}",
        "GET /v3/avatars/looks",
        "GET /v3/avatars/looks/{look_id}",
        "GET /v3/avatars",
        "DELETE /v3/avatars/{group_id}",
        "POST /v3/videos",
        "GET /v3/videos/{video_id}",
        "GET /v3/videos",
        "DELETE /v3/videos/{video_id}",
        "POST /v3/voices/speech",
        "GET /v3/video-translations/languages",
        "POST /v3/video-translations",
        "GET /v3/video-translations/{video_translation_id}",
        "GET /v3/video-translations",
        "DELETE /v3/video-translations/{video_translation_id}",
        "GET /v3/users/me",
        "POST /v3/webhooks/endpoints",
    }


@pytest.mark.parametrize(("get", "told"), [("get_video", "video"), ("get_dub", "dub")])
async def test_a_finished_video_says_how_long_it_is_which_is_what_is_charged(it, wire, get, told):
    wire.reply({"data": TOLD[told]})
    assert (await getattr(it, get)("x")).cost == "12.4 seconds"


async def test_a_video_that_is_under_way_was_charged_nothing_that_is_known(it, wire):
    wire.reply({"data": {**TOLD["video"], "status": "processing"}})
    assert (await it.get_video("x")).cost is None


def test_a_key_is_trusted_for_the_day_for_which_heygen_knows_it_and_no_longer():
    assert HeyGen.capabilities.idempotency_window == 24 * 3600
