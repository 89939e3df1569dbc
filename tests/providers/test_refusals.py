"""What every vendor's adapter refuses by itself, before anything that costs money is sent."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from pydantic import SecretStr

from avatarkit import AvatarKit, Consent, errors
from avatarkit.config.settings import Settings
from avatarkit.intake.scripts import read_script
from avatarkit.interfaces import ROLES, Prepares, ProviderSettings, limits_of
from avatarkit.media.folder import FolderStore
from avatarkit.models import (
    AvatarRequest,
    DubRequest,
    Media,
    Operation,
    SpeechRequest,
    VideoRequest,
    VoiceRequest,
)
from avatarkit.providers.http import HttpProvider
from avatarkit.repositories.memory import MemoryRepository
from avatarkit.stacks.registry import usable
from avatarkit.testing import FakeClock

pytestmark = pytest.mark.anyio

DEMO = Path(__file__).parent.parent.parent / "src/avatarkit/data/demo"
VENDORS = {
    name: vendor
    for name, vendor in usable().items()
    if issubclass(vendor, HttpProvider)
    and name not in {"comfyui", "coqui"}  # servers of one's own, without a key
}
PLAYED = [
    pytest.param(name, operation, id=f"{name}-{operation}")
    for name, vendor in VENDORS.items()
    for operation, role in ROLES.items()
    if issubclass(vendor, role.protocol)
]


def media(name="me.wav", media_type="audio/wav", *, url="https://store.example/me.wav?sig=1"):
    content = b"RIFF-the-recorded-bytes"

    async def chunks():
        yield content

    return Media(
        name=name,
        media_type=media_type,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        url=url,
        open=chunks,
    )


def request(operation, *, url="https://store.example/me.mp4?sig=1", **more):
    common = {"token": "ak-1", "name": "Ana", **more}
    clip = media("me.mp4", "video/mp4", url=url)
    match operation:
        case Operation.VOICE:
            return VoiceRequest(**common, samples=(media(url=url and url.replace("mp4", "wav")),))
        case Operation.AVATAR:
            return AvatarRequest(**common, footage=clip)
        case Operation.VIDEO:
            return VideoRequest(**common, avatar_id="a", voice_id="v", script="Hello.")
        case Operation.SPEECH:
            return SpeechRequest(**common, voice_id="v", text="Hello.")
        case Operation.DUB:
            return DubRequest(**common, source=clip, language="es")
    raise AssertionError(operation)


def opened(name, wire):
    settings = ProviderSettings(
        api_key=SecretStr("a-key"), client_id="an-application", clock=FakeClock()
    )
    return VENDORS[name](settings, client=wire.client)


async def submitted(provider, operation, given):
    """What the orchestrator does: upload what must be, then make the paid call."""
    if isinstance(provider, Prepares):
        prepared = await provider.prepare(operation, given)
        given = given.model_copy(update={"prepared": prepared})
    return await ROLES[operation].submit(provider)(given)


# -- a wrong key ------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "operation"), PLAYED)
async def test_a_wrong_key_is_an_auth_error_and_nothing_is_sent_again(wire, name, operation):
    wire.reply({"message": "unauthorized"}, 401)
    with pytest.raises(errors.AuthError) as caught:
        await submitted(opened(name, wire), operation, request(operation))
    assert "a-key" not in str(caught.value)
    asked = [(sent.method, sent.url.path) for sent in wire.requests]
    assert len(asked) == len(set(asked)) or name == "rask"  # which asks for a new token once


@pytest.mark.parametrize("name", VENDORS)
def test_no_key_is_a_config_error_that_names_the_variable(name):
    with pytest.raises(errors.ConfigError, match="AVATARKIT_"):
        VENDORS[name](ProviderSettings())


# -- scripts ----------------------------------------------------------------------------------


def longest(vendor):
    limits = limits_of(vendor, ())
    return next((li.maximum for li in limits if li.what == "script_characters"), None)


@pytest.mark.parametrize("name", [name for name in VENDORS if longest(VENDORS[name])])
def test_a_script_may_be_as_long_as_the_vendor_takes_and_no_longer(name):
    limits = [(name, limit) for limit in limits_of(VENDORS[name], ())]
    most = int(longest(VENDORS[name]))
    assert read_script("a" * most, limits)
    with pytest.raises(errors.MediaRejected, match=f"{name} takes at most"):
        read_script("a" * (most + 1), limits)


@pytest.mark.parametrize("name", ["heygen", "d-id"])
async def test_nothing_is_sent_where_a_script_is_too_long(tmp_path, wire, name):
    async with house(tmp_path, wire, name) as kit:
        twin = await kit.adopt(**WHO, avatar_id="a", voice_id="v", consent=DRAWN)
        with pytest.raises(errors.MediaRejected, match="split the text"):
            await kit.speak(twin.id, "a" * 50_000)
        assert await kit.videos() == []
    assert wire.requests == []


# -- options ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "option", [option for vendor in VENDORS.values() for option in vendor.option_types]
)
def test_an_option_that_a_vendor_does_not_have_cannot_be_written_down(option):
    with pytest.raises(errors.ConfigError, match="no_such_option"):
        option(no_such_option=1)


@pytest.mark.parametrize("name", ["elevenlabs", "resemble"])
async def test_what_a_vendor_cannot_do_is_unsupported_and_sends_nothing(tmp_path, wire, name):
    async with house(tmp_path, wire, name) as kit:
        with pytest.raises(errors.Unsupported):
            await kit.dub(DEMO / "portrait.jpg", "es", **WHO, consent=DRAWN)
    assert wire.requests == []


# -- a store that no vendor can reach ---------------------------------------------------------

BY_LINK = [
    ("tavus", Operation.VOICE),
    ("tavus", Operation.AVATAR),
    ("d-id", Operation.AVATAR),
    ("resemble", Operation.VOICE),
]


@pytest.mark.parametrize(("name", "operation"), BY_LINK)
async def test_what_is_fetched_by_a_link_is_refused_without_one(wire, name, operation):
    with pytest.raises((errors.Unsupported, errors.ConfigError), match=r"link|store|URL"):
        await submitted(opened(name, wire), operation, request(operation, url=None))
    assert wire.requests == []


# -- samples ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["heygen", "elevenlabs", "d-id", "tavus", "resemble"])
async def test_a_sample_that_nobody_can_use_is_refused_before_anything_is_sent(
    tmp_path, wire, name
):
    async with house(tmp_path / "store", wire, name) as kit:
        with pytest.raises(errors.MediaRejected):
            await kit.train(**WHO, voice=[b"<html>"], footage=DEMO / "portrait.jpg", consent=DRAWN)
        assert await kit.trainings() == []
    assert wire.requests == []


WHO = {"user_id": "ana", "clone_id": "ana-1"}
DRAWN = Consent.not_a_real_person("a drawing")


def house(folder, wire, name):
    clock = FakeClock()
    return AvatarKit(
        name,
        repository=MemoryRepository(clock=clock),
        media=FolderStore(folder),
        providers={name: opened(name, wire)},
        worker=False,
        settings=Settings(),
        clock=clock,
    )
