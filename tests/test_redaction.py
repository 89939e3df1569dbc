"""Secrets are planted wherever a user or a vendor could put them, and must come out nowhere."""

import logging
import traceback
from pathlib import Path

import httpx
import pytest
import stamina
from pydantic import SecretStr

from avatarkit import AvatarKit, Consent, _http, errors
from avatarkit.interfaces import ProviderSettings
from avatarkit.models import (
    Action,
    Job,
    JobState,
    Media,
    Operation,
    Options,
    SpeechRequest,
    VideoRequest,
    VoiceRequest,
)
from avatarkit.providers.did import DID
from avatarkit.providers.elevenlabs import ElevenLabs
from avatarkit.providers.heygen import HeyGen, HeyGenBackground
from avatarkit.providers.resemble import Resemble
from avatarkit.providers.synthesia import Synthesia
from avatarkit.providers.tavus import Tavus
from avatarkit.settings import Settings
from avatarkit.testing import Fake, FakeClock, FakeVendor, Wire
from avatarkit.webhooks import Delivery

pytestmark = pytest.mark.anyio

KEY = "planted.key.0123456789"
SIGNED = "https://files.example/a.mp4?signature=planted&X-Amz-Credential=planted"
BEARER = "Bearer planted-0123456789"
ECHO = f"what is {KEY}, sent as {BEARER} for {SIGNED} or https://planted:planted@files.example/"
PATH = "/anything?signature=planted"  # a traceback shows the line that calls
SETTINGS = ProviderSettings(
    api_key=SecretStr(KEY),
    other_keys={"elevenlabs": SecretStr(KEY)},
    webhook_secrets=(b"planted",),
)
VENDORS = (DID, ElevenLabs, HeyGen, Resemble, Synthesia, Tavus)


@pytest.fixture(autouse=True)
def _without_waiting():
    with stamina.set_testing(True, attempts=2, cap=True):
        yield


def media():
    return Media(
        name="a.mp3", media_type="audio/mpeg", size=1, sha256="0" * 64, url=SIGNED, open=print
    )


# -- what is shown of objects -----------------------------------------------------------------

JOB = Job(
    provider="acme",
    operation=Operation.VIDEO,
    id="v",
    state=JobState.FAILED,
    links={"video": SIGNED},
    reason=ECHO.replace(KEY, ""),
    action=Action(kind="open_url", message=f"open {SIGNED}", url=SIGNED),
    raw={"said": ECHO},
)
OBJECTS = {
    "settings": Settings.from_env(
        {
            "AVATARKIT_REPOSITORY": "postgresql://ana:planted@db.example/planted",
            "AVATARKIT_MEDIA": "s3://planted:planted@bucket",
            "HEYGEN_API_KEY": KEY,
        }
    ),
    "settings of a provider": SETTINGS,
    "a provider": HeyGen(SETTINGS),
    "a call": _http.Call(provider="acme", operation="voice"),
    "a consent": Consent(subject="Ana", evidence=SIGNED),
    "options": HeyGenBackground(type="image", url=SIGNED),
    "unchecked options": Options(extra={"image": SIGNED, "authorization": BEARER}),
    "a recording": media(),
    "a request for a voice": VoiceRequest(token="t", samples=(media(),), callback_url=SIGNED),
    "a request for a video": VideoRequest(
        token="t", avatar_id="a", script="Hi", callback_url=SIGNED, prepared={"at": SIGNED}
    ),
    "a request for speech": SpeechRequest(token="t", voice_id="v", text="Hi", callback_url=SIGNED),
    "a job": JOB,
    "a delivery": Delivery(ECHO.encode(), {"x-signature": "planted"}, 1.0),
}


@pytest.mark.parametrize("what", OBJECTS)
def test_no_object_shows_a_secret(what):
    assert "planted" not in f"{OBJECTS[what]!r} {OBJECTS[what]}"


# -- what vendors echo ------------------------------------------------------------------------


async def told(provider, operation, caplog):
    """All that is said about a call that fails: its error, causes, traceback, and logs."""
    caplog.set_level(logging.DEBUG)
    with pytest.raises(errors.ProviderError) as caught:
        await provider._call("GET", PATH, operation=operation)
    error = caught.value
    said = "".join(traceback.format_exception(error)) + repr(error)
    return said + caplog.text + "".join(str(vars(record)) for record in caplog.records)


def echoing(vendor):
    """A body that holds secrets wherever this vendor's failures hold text."""
    body = {}
    for place in (*vendor.message, *vendor.code):
        at = body
        *above, last = place.split(".")
        for name in above:
            if not isinstance(at.get(name), dict):
                at[name] = {}
            at = at[name]
        at.setdefault(last, ECHO)
    return body


@pytest.mark.parametrize("status", [302, 400, 401, 404, 429, 500])
@pytest.mark.parametrize("vendor", VENDORS)
async def test_no_secret_that_a_vendor_echoes_comes_out(vendor, status, caplog):
    wire = Wire().reply(echoing(vendor), status, location=SIGNED, x_request_id=BEARER)
    provider = vendor(SETTINGS, client=wire.client)
    assert "planted" not in await told(provider, Operation.VOICE, caplog)


@pytest.mark.parametrize("vendor", VENDORS)
async def test_no_secret_of_an_answer_that_makes_no_sense_comes_out(vendor, caplog):
    wire = Wire().reply(f"<html>{ECHO}</html>".encode(), content_type="text/html")
    provider = vendor(SETTINGS, client=wire.client)
    assert "planted" not in await told(provider, Operation.VOICE, caplog)


@pytest.mark.parametrize("failure", [httpx.ConnectError, httpx.ReadTimeout, httpx.ReadError])
async def test_no_secret_of_a_call_without_an_answer_comes_out(failure, caplog):
    provider = HeyGen(SETTINGS, client=Wire().fail(failure).client)
    assert "planted" not in await told(provider, Operation.VOICE, caplog)


async def test_no_secret_in_the_reason_of_a_failed_job_comes_out():
    failed = {"data": {"id": "v", "status": "failed", "failure_message": ECHO}}
    job = await HeyGen(SETTINGS, client=Wire().reply(failed).client).get_video("v")
    assert job.state is JobState.FAILED
    assert "planted" not in job.model_dump_json()


# -- what is kept -----------------------------------------------------------------------------


async def test_no_key_is_kept_beside_the_records(tmp_path, avatarkit_samples):
    clock = FakeClock()
    fake = Fake(SETTINGS, vendor=FakeVendor(clock=clock))
    repository = f"sqlite:///{tmp_path}/kept.db"
    async with AvatarKit(
        "fake",
        repository=repository,
        media=str(tmp_path / "media"),
        clock=clock,
        providers={"fake": fake},
    ) as kit:
        training = await kit.train(user_id="ana", clone_id="ana-1", **avatarkit_samples)
        async for _ in kit.watch(training.id):
            pass
        kept = [path.read_bytes() for path in Path(tmp_path).rglob("*") if path.is_file()]
    assert len(kept) > 1
    assert not any(b"planted" in content for content in kept)
