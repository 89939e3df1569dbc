"""Tavus: the suite, and what is special about it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from avatarkit import errors
from avatarkit.interfaces import ProviderSettings
from avatarkit.models import AvatarRequest, JobState, Operation, VideoRequest, VoiceRequest
from avatarkit.providers.tavus import (
    FaceProperties,
    Tavus,
    TavusFace,
    TavusVideo,
    TavusVoice,
    VideoProperties,
)
from avatarkit.testing import CannedAnswers, ProviderSuite
from avatarkit.testing.providers import TOKEN
from avatarkit.webhooks import Delivery
from providers.contract import Contract

pytestmark = pytest.mark.anyio

TOLD = json.loads((Path(__file__).parent / "tavus.json").read_text())
VOICE, FACE, VIDEO = TOLD["voice"], TOLD["face"], TOLD["video"]


def states(told, *extra):
    return {JobState(word): told[word] for word in ("running", "succeeded", "failed", *extra)}


def pages(told, id_field):
    """A list of three, two to a page: another's job, then ours and a younger one of ours."""
    done = told["succeeded"]
    another = {**done, id_field: "another", next(k for k in done if k.endswith("_name")): "Ada"}
    younger = {**done, id_field: "younger", "created_at": "2026-11-24T10:00:00Z"}
    return [
        {"data": [another, younger], "total_count": 3},
        {"data": [done], "total_count": 3},
    ]


class TestTavus(ProviderSuite):
    provider = Tavus
    kept = frozenset({Operation.VOICE})
    recordings = {
        Operation.VOICE: CannedAnswers(
            submitted=VOICE["submitted"],
            polled=states(VOICE),
            pages=pages(VOICE, "voice_id"),
            delivered=VOICE["delivered"],
        ),
        Operation.AVATAR: CannedAnswers(
            submitted=FACE["submitted"],
            polled=states(FACE),
            pages=pages(FACE, "face_id"),
            delivered=FACE["delivered"],
        ),
        Operation.VIDEO: CannedAnswers(
            submitted=VIDEO["submitted"],
            polled=states(VIDEO, "queued", "gone"),
            pages=pages(VIDEO, "video_id"),
        ),
    }


@pytest.fixture
def tavus(wire):
    return Tavus(ProviderSettings(api_key=SecretStr("key-1")), client=wire.client)


def sample(media_type="video/mp4"):
    return TestTavus().media().model_copy(update={"media_type": media_type})


def face(media_type="video/mp4", **more):
    return AvatarRequest(token=TOKEN, footage=sample(media_type), **more)


def video(**more):
    return VideoRequest(**{"token": TOKEN, "avatar_id": "r1", "script": "Hi!"} | more)


# -- names ------------------------------------------------------------------------------------


async def test_a_video_still_calls_its_face_a_replica(tavus, wire):
    wire.reply(VIDEO["submitted"])
    await tavus.generate_video(video())
    assert wire.body() == {"video_name": TOKEN, "replica_id": "r1", "script": "Hi!"}


async def test_a_face_is_read_under_its_older_name(tavus, wire):
    wire.reply(FACE["legacy_submitted"])
    assert (await tavus.train_avatar(face())).id == "r90bbd427f71"


@pytest.mark.parametrize(
    ("told", "wanted"), [(FACE["running"], 0.6), (VIDEO["running"], 0.4)], ids=["face", "video"]
)
async def test_progress_is_told_as_a_fraction_of_a_hundred(tavus, wire, told, wanted):
    wire.reply(told)
    poll = tavus.get_avatar if "face_id" in told else tavus.get_video
    assert (await poll("x1")).progress == wanted


async def test_what_is_told_of_a_good_end_is_no_reason(tavus, wire):
    wire.reply(VIDEO["succeeded"])
    assert (await tavus.get_video("x1")).reason is None


@pytest.mark.parametrize("told", [VIDEO["submitted"], VIDEO["queued"], FACE["running"]])
async def test_each_way_to_write_a_time_is_read(tavus, wire, told):
    wire.reply(told)
    poll = tavus.get_avatar if "face_id" in told else tavus.get_video
    assert (await poll("x1")).created_at


async def test_links_have_to_live_for_a_day():
    assert Tavus.capabilities.url_lifetime >= 24 * 3600


# -- faces ------------------------------------------------------------------------------------


async def test_the_model_is_named_so_that_the_vendors_default_may_change(tavus, wire):
    wire.reply(FACE["submitted"])
    await tavus.train_avatar(face())
    assert wire.body()["model_name"] == "phoenix-4"
    await tavus.train_avatar(face(options=(TavusFace(model_name="phoenix-4.5"),)))
    assert wire.body()["model_name"] == "phoenix-4.5"


async def test_a_picture_without_a_voice_is_refused(tavus, wire):
    with pytest.raises(errors.Unsupported, match="TavusFace"):
        await tavus.train_avatar(face("image/png"))
    assert not wire.requests


async def test_a_picture_speaks_with_the_voice_that_was_cloned(tavus, wire):
    contract = Contract.of("tavus", closed=True)
    wire.reply(FACE["submitted"])
    request = face("image/png", voice_id="v0a1b2c3d4e5f")
    await tavus.train_avatar(request)
    said = wire.body()
    assert (said["default_voice_id"], said["train_image_url"]) == (
        "v0a1b2c3d4e5f",
        request.footage.url,
    )
    assert said.keys().isdisjoint({"voice_name", "train_video_url"})
    assert contract.check(wire.requests[0]) == "POST /v2/faces"


@pytest.mark.parametrize(
    ("request_", "voice"),
    [
        (face(voice_id="v1"), (None, None)),
        (face("image/png", options=(TavusFace(voice_name="anna"),), voice_id="v1"), (None, "anna")),
    ],
    ids=["a clip", "a voice of theirs"],
)
async def test_no_other_face_is_made_with_the_cloned_voice(tavus, wire, request_, voice):
    wire.reply(FACE["submitted"])
    await tavus.train_avatar(request_)
    said = wire.body()
    assert (said.get("default_voice_id"), said.get("voice_name")) == voice


async def test_a_face_made_from_a_clip_is_given_the_cloned_voice_before_it_speaks(tavus, wire):
    contract = Contract.of("tavus", closed=True)
    wire.reply({**FACE["succeeded"], "default_voice_id": "its-own"}).reply({}).reply(
        VIDEO["submitted"]
    )
    request = video(voice_id="v1")
    assert await tavus.prepare(Operation.VIDEO, request) == {}
    await tavus.generate_video(request)
    told = [contract.check(sent) for sent in wire.requests]
    assert told == ["GET /v2/faces/{face_id}", "PATCH /v2/faces/{face_id}", "POST /v2/videos"]
    assert wire.body(1) == {"default_voice_id": "v1"}


@pytest.mark.parametrize(
    ("request_", "asked"),
    [
        (video(voice_id="v1"), 1),
        (video(), 0),
        (video(voice_id="v1", script=None, audio=sample("audio/wav")), 0),
        (face("image/png", voice_id="v1"), 0),
    ],
    ids=["a face that has it", "no voice", "recorded audio", "a face"],
)
async def test_no_other_voice_is_exchanged(tavus, wire, request_, asked):
    wire.reply({**FACE["succeeded"], "default_voice_id": "v1"})
    assert await tavus.prepare(Operation.VIDEO, request_) == {}
    assert [request.method for request in wire.requests] == ["GET"] * asked


# -- what is left -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["avatar", "video"])
async def test_the_footage_goes_with_what_is_deleted(tavus, wire, kind):
    wire.reply({})
    await getattr(tavus, f"delete_{kind}")("x1")
    assert wire.requests[0].url.params["hard"] == "true"


async def test_pages_of_voices_begin_with_one_all_others_with_zero(tavus, wire):
    wire.reply({"data": [], "total_count": 0})
    await tavus.find_voice(TOKEN)
    await tavus.find_avatar(TOKEN)
    await tavus.find_video(TOKEN)
    assert [request.url.params["page"] for request in wire.requests] == ["1", "0", "0"]


async def test_a_face_is_found_although_the_first_page_comes_twice(tavus, wire):
    first, second = pages(FACE, "face_id")
    wire.reply(first).reply(first).reply(second)
    assert len(await tavus.find_avatar(TOKEN)) == 2


async def test_a_voice_of_the_older_list_does_no_harm(tavus, wire):
    wire.reply({"data": [VOICE["older_item"]], "total_count": 1}).reply({"data": []})
    assert await tavus.find_voice(TOKEN) == []


# -- callbacks and failures -------------------------------------------------------------------


@pytest.mark.parametrize("flat", [True, False], ids=["flat", "wrapped"])
def test_the_callback_of_a_voice_is_read_flat_and_wrapped(tavus, flat):
    told = VOICE["delivered"]
    body = {**told, **told["properties"], "properties": None} if flat else told
    (event,) = tavus.events(Delivery(json.dumps(body).encode(), {}))
    assert (event.job.id, event.job.state) == ("v0a1b2c3d4e5f", JobState.SUCCEEDED)
    assert not event.trusted


def test_the_callback_of_a_face_that_failed_says_why(tavus):
    (event,) = tavus.events(Delivery(json.dumps(FACE["delivered_failure"]).encode(), {}))
    assert (event.name, event.job.operation) == ("avatar.training_failed", Operation.AVATAR)
    assert event.job.reason == "There was an issue processing your training video."


@pytest.mark.parametrize(
    ("status", "told", "kind", "says"),
    [
        (400, TOLD["refused"], errors.Refused, "Invalid replica_id"),
        (401, TOLD["unauthorised"], errors.AuthError, "Invalid access token"),
    ],
)
async def test_a_refusal_is_told_under_two_names(tavus, wire, status, told, kind, says):
    wire.reply(told, status)
    with pytest.raises(kind, match=says):
        await tavus.generate_video(video())


# -- the vendor's document --------------------------------------------------------------------

SUBMISSIONS = {
    "a voice": ("clone_voice", VoiceRequest(token=TOKEN, samples=(sample("audio/wav"),))),
    "a described voice": (
        "clone_voice",
        VoiceRequest(
            token=TOKEN,
            samples=(sample("audio/wav"),),
            callback_url="https://app.example/hook",
            options=(TavusVoice(description="Ana, calm"),),
        ),
    ),
    "a clip": ("train_avatar", face(callback_url="https://app.example/hook")),
    "a green screen": (
        "train_avatar",
        face(
            options=(
                TavusFace(
                    model_name="phoenix-3",
                    properties=FaceProperties(background_green_screen=True),
                ),
            )
        ),
    ),
    "a picture": (
        "train_avatar",
        face("image/png", options=(TavusFace(voice_name="anna", auto_fix_training_image=True),)),
    ),
    "a script": ("generate_video", video(callback_url="https://app.example/hook")),
    "recorded audio": ("generate_video", video(script=None, audio=sample("audio/wav"))),
    "a website behind it": (
        "generate_video",
        video(
            options=(
                TavusVideo(
                    fast=False,
                    background_url="https://app.example/",
                    watermark_image_url="https://app.example/logo.png",
                    properties=VideoProperties(
                        background_scroll=True,
                        background_scroll_type="human",
                        background_scroll_depth="middle",
                        background_scroll_return="return",
                        start_with_wave=True,
                    ),
                ),
            )
        ),
    ),
}


@pytest.mark.parametrize("name", SUBMISSIONS)
async def test_a_submission_is_what_the_vendor_describes(tavus, wire, name):
    contract = Contract.of("tavus", closed=True)
    wire.reply({"voice_id": "v1", "face_id": "r1", "video_id": "x1"})
    method, request = SUBMISSIONS[name]
    await getattr(tavus, method)(request)
    assert contract.check(wire.requests[0]).startswith("POST ")


async def test_every_free_call_is_one_that_the_vendor_describes(tavus, wire):
    contract = Contract.of("tavus", closed=True)
    wire.reply({"voice_id": "v1", "face_id": "r1", "video_id": "x1", "data": [], "total_count": 0})
    for kind in ("voice", "avatar", "video"):
        await getattr(tavus, f"get_{kind}")("x1")
        await getattr(tavus, f"find_{kind}")(TOKEN)
    await tavus.delete_avatar("x1")
    await tavus.delete_video("x1")
    await tavus.prepare(Operation.AVATAR, face("image/png", voice_id="v1"))
    assert len({contract.check(request) for request in wire.requests}) == 8
