"""Several scenes in one call: HeyGen's studio, and Synthesia."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from avatarkit import errors
from avatarkit.interfaces import ProviderSettings
from avatarkit.models import Operation, Scene, VideoRequest, VideoSettings
from avatarkit.providers.heygen import HeyGen, HeyGenVideo
from avatarkit.providers.synthesia import Synthesia, SynthesiaScene
from avatarkit.testing.providers import TOKEN
from providers.contract import Contract

pytestmark = pytest.mark.anyio

SCENES = (
    Scene(text="Hello."),
    Scene(text="Good bye.", avatar="look_2", voice="v2", background="#204060"),
    Scene(text="Again.", avatar="look_2"),
)
LOOKS = [
    {"data": {"id": "look_1", "supported_api_engines": ["avatar_iii"]}},
    {"data": {"id": "look_2", "supported_api_engines": ["avatar_iv", "avatar_v"]}},
]


def request(scenes=SCENES, **more):
    known = {"token": TOKEN, "avatar_id": "look_1", "voice_id": "v1"}
    text = "\n\n".join(scene.text for scene in scenes)
    return VideoRequest(**known, script=text, scenes=scenes, **more)


def adapter(kind, wire):
    return kind(ProviderSettings(api_key=SecretStr("key-1")), client=wire.client)


async def made(heygen, wire, asked):
    for look in LOOKS:
        wire.reply(look)
    prepared = await heygen.prepare(Operation.VIDEO, asked)
    wire.reply({"data": {"video_id": "vid_1", "status": "waiting", "output_format": "mp4"}})
    return await heygen.generate_video(asked.model_copy(update={"prepared": prepared}))


async def test_heygen_makes_them_in_its_studio_with_an_engine_for_each_look(wire):
    job = await made(adapter(HeyGen, wire), wire, request())
    assert job.id == "vid_1"
    said = wire.body()
    assert (said["type"], said["title"], said["callback_id"]) == ("studio", TOKEN, TOKEN)
    assert [scene["input"] for scene in said["scenes"]] == [
        {
            "type": "avatar",
            "avatar_id": "look_1",
            "script": "Hello.",
            "voice_id": "v1",
            "engine": {"type": "avatar_iii"},
        },
        {
            "type": "avatar",
            "avatar_id": "look_2",
            "script": "Good bye.",
            "voice_id": "v2",
            "engine": {"type": "avatar_iv"},
            "background": {"type": "color", "color": "#204060"},
        },
        {
            "type": "avatar",
            "avatar_id": "look_2",
            "script": "Again.",
            "voice_id": "v1",
            "engine": {"type": "avatar_iv"},
        },
    ]
    assert len(wire.requests) == 3  # each look is asked for once


async def test_heygen_is_sent_what_it_documents(wire):
    contract = Contract.of("heygen", closed=True)
    await made(adapter(HeyGen, wire), wire, request())
    assert [contract.check(one) for one in wire.requests] == [
        "GET /v3/avatars/looks/{look_id}",
        "GET /v3/avatars/looks/{look_id}",
        "POST /v3/videos",
    ]


async def test_heygen_takes_no_options_of_a_single_scene(wire):
    asked = request(options=(HeyGenVideo(motion_prompt="wave"),))
    with pytest.raises(errors.Unsupported, match="HeyGenVideo"):
        await adapter(HeyGen, wire).prepare(Operation.VIDEO, asked)
    assert not wire.requests


@pytest.mark.parametrize(
    ("scenes", "settings", "taken"),
    [
        (SCENES, {}, True),
        (SCENES, {"aspect": "9:16", "captions": "sidecar", "background": "#204060"}, True),
        (SCENES, {"resolution": "4k"}, False),
        (SCENES, {"quality": "best"}, False),
        (SCENES, {"container": "webm"}, False),
        ((*SCENES, Scene(text="x", background="https://a.example/b.jpg")), {}, False),
        ((*SCENES, Scene(text="x", layout="left")), {}, False),
        (SCENES * 17, {}, False),
    ],
)
async def test_heygens_studio_takes_what_it_can(wire, scenes, settings, taken):
    heygen = adapter(HeyGen, wire)
    assert heygen.takes_scenes(scenes, VideoSettings(**settings)) is taken


async def test_synthesia_gets_every_scene_with_its_avatar_background_and_place(wire):
    scenes = (
        Scene(text="Hello.", background="https://a.example/b.jpg"),
        Scene(text="Good bye.", avatar="anna", voice="v2", layout="left"),
    )
    wire.reply({"id": "1e2f", "status": "in_progress", "createdAt": 1_790_000_000})
    options = (SynthesiaScene(background="luxury_lobby"),)
    job = await adapter(Synthesia, wire).generate_video(request(scenes, options=options))
    assert job.id == "1e2f"
    assert wire.body()["input"] == [
        {
            "avatar": "look_1",
            "background": "https://a.example/b.jpg",
            "avatarSettings": {"style": "rectangular", "voice": "v1"},
            "scriptText": "Hello.",
        },
        {
            "avatar": "anna",
            "background": "luxury_lobby",
            "avatarSettings": {"style": "rectangular", "voice": "v2", "horizontalAlign": "left"},
            "scriptText": "Good bye.",
        },
    ]
    # Skips without the documents, so it comes last.
    contract = Contract.of("synthesia", closed=True)
    assert contract.check(wire.requests[0]) == "POST /v2/videos"


@pytest.mark.parametrize(("count", "taken"), [(1, True), (25, True), (26, False)])
async def test_synthesia_takes_at_most_25(wire, count, taken):
    scenes = (Scene(text="x", layout="left"),) * count
    assert adapter(Synthesia, wire).takes_scenes(scenes, VideoSettings()) is taken
