"""Every host that an adapter contacts can be replaced, by a setting and by a variable."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from avatarkit import errors
from avatarkit.config.settings import Settings
from avatarkit.interfaces import ProviderSettings
from avatarkit.models import DubRequest, Operation, SpeechRequest, VideoRequest
from avatarkit.providers.did import DID
from avatarkit.providers.heygen import HeyGen
from avatarkit.providers.http import HttpProvider
from avatarkit.providers.rask import Rask
from avatarkit.providers.resemble import Resemble
from avatarkit.providers.synthesia import Synthesia
from avatarkit.stacks.registry import usable
from avatarkit.testing import ProviderSuite

pytestmark = pytest.mark.anyio
MOCK = "http://127.0.0.1:4010"
OWN = {"comfyui", "coqui"}  # servers of one's own have no other hosts
VENDORS = {n: c for n, c in usable().items() if issubclass(c, HttpProvider) and n not in OWN}


def recording():
    class Suite(ProviderSuite):
        provider = Synthesia

    return Suite().media(linked=False)


@pytest.mark.parametrize("name", VENDORS)
def test_each_host_has_a_variable(name):
    prefix = f"AVATARKIT_{name.replace('-', '_').upper()}"
    hosts = {f"{prefix}_{host.upper()}_URL": f"{MOCK}/{host}" for host in VENDORS[name].hosts}
    keys = {f"{prefix}_API_KEY": "k", f"{prefix}_CLIENT_ID": "c"}
    settings = Settings.from_env({**hosts, **keys, f"{prefix}_BASE_URL": MOCK})
    it = settings.make(name, VENDORS[name])
    assert it._url("/x") == f"{MOCK}/x"
    assert {host: it._host(host) for host in it.hosts} == {h: f"{MOCK}/{h}" for h in it.hosts}


def mocked(provider, wire, **more):
    hosts = {name: f"{MOCK}/{name}" for name in provider.hosts}
    settings = ProviderSettings(
        api_key=SecretStr("k"), client_id="c", base_url=MOCK, hosts=hosts, **more
    )
    return provider(settings, client=wire.client)


async def test_speech_of_resemble_goes_to_the_mock(wire):
    wire.reply({"success": True, "audio_content": "UklGRg==", "duration": 1})
    await mocked(Resemble, wire).synthesize(SpeechRequest(token="t", voice_id="v", text="Hi!"))
    assert str(wire.requests[0].url) == f"{MOCK}/speech/synthesize"


async def test_rask_signs_in_at_the_mock(wire):
    wire.reply({"access_token": "t1"}).reply({"id": "p1"})
    asked = {"source": recording(), "language": "es", "prepared": {"video_id": "m1"}}
    await mocked(Rask, wire).dub_video(DubRequest(token="t", **asked))
    assert [str(r.url) for r in wire.requests] == [f"{MOCK}/token", f"{MOCK}/v2/projects"]


async def test_a_narration_for_synthesia_goes_to_the_mock(wire):
    wire.reply({"id": "a1"})
    audio = recording().model_copy(update={"media_type": "audio/mpeg"})
    request = VideoRequest(token="t", avatar_id="a", audio=audio, language="en-US")
    with pytest.raises(errors.Unavailable):  # it is processed
        await mocked(Synthesia, wire).prepare(Operation.VIDEO, request)
    assert str(wire.requests[0].url) == f"{MOCK}/upload/scriptAudio"


@pytest.mark.parametrize("allowed", [True, False])
async def test_results_by_http_are_taken_from_a_mock_alone(wire, allowed):
    wire.reply({"id": "scn_1", "status": "done", "result_url": f"{MOCK}/hello.mp4"})
    job = await mocked(DID, wire, allow_private_results=allowed).get_video("scenes:scn_1")
    assert ("video" in job.links) is allowed


@pytest.mark.parametrize("allowed", [True, False])
async def test_speech_of_heygen_is_fetched_from_a_mock_alone(wire, allowed):
    wire.reply({"data": {"audio_url": f"{MOCK}/hello.mp3"}}).reply(b"ID3")
    it = mocked(HeyGen, wire, allow_private_results=allowed)
    request = SpeechRequest(token="t", voice_id="v", text="Hi!")
    if not allowed:
        with pytest.raises(errors.Ambiguous, match="to the audio"):
            await it.synthesize(request)
        return
    speech = await it.synthesize(request)
    assert b"".join([chunk async for chunk in speech.audio]) == b"ID3"


@pytest.mark.parametrize(("given", "allowed"), [("1", True), ("0", False), ("", False)])
def test_private_results_are_allowed_by_a_variable(given, allowed):
    settings = Settings.from_env({"AVATARKIT_ALLOW_PRIVATE_RESULTS": given})
    assert settings.allows_private_results is allowed
    assert settings.for_provider("heygen").allow_private_results is allowed


def test_another_value_is_named():
    settings = Settings.from_env({"AVATARKIT_ALLOW_PRIVATE_RESULTS": "yes"})
    with pytest.raises(errors.ConfigError, match="neither 1 nor 0"):
        settings.for_provider("heygen")
