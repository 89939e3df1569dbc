"""Secrets are planted wherever a user or a vendor could put them, and must come out nowhere."""

import base64
import json
import logging
import re
import traceback
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import stamina
from pydantic import SecretStr
from typer.testing import CliRunner

from avatarkit import AvatarKit, Consent, errors, http
from avatarkit.cli.app import app
from avatarkit.config.settings import Settings
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
    VideoSettings,
    VoiceRequest,
)
from avatarkit.providers.coqui import Coqui
from avatarkit.providers.did import DID
from avatarkit.providers.elevenlabs import ElevenLabs
from avatarkit.providers.heygen import HeyGen
from avatarkit.providers.rask import Rask
from avatarkit.providers.resemble import Resemble
from avatarkit.providers.synthesia import Synthesia
from avatarkit.providers.tavus import Tavus, TavusVideo
from avatarkit.testing import Fake, FakeClock, FakeVendor, Wire
from avatarkit.webhooks import Delivery, Inboxes

pytestmark = pytest.mark.anyio

KEY = "planted.key.0123456789"
SIGNED = "https://files.example/a.mp4?signature=planted&X-Amz-Credential=planted"
BEARER = "Bearer planted-0123456789"
OWN = "sk_0123456789.planted"  # of ElevenLabs, given to D-ID; it looks like two words
TOKEN = "planted~token.of.rask"
PAIR = base64.b64encode(f"rask-client:{KEY}".encode()).decode()
ECHO = (
    f"what is {KEY}, sent as {BEARER} for {SIGNED} or https://planted:planted@files.example/ "
    f"or postgresql://ana:planted@db.example/ak"
)
PATH = "/anything?signature=planted"  # a traceback shows the line that calls
SETTINGS = ProviderSettings(
    api_key=SecretStr(KEY),
    client_id="rask-client",
    other_keys={"elevenlabs": SecretStr(OWN)},
    webhook_secrets=(b"planted",),
)


class SignedIn(Rask):
    """Rask, once it has its token."""

    def __init__(self, settings, *, client=None):
        super().__init__(settings, client=client)
        self._token, self._until = TOKEN, float("inf")


class Server(Coqui):
    """Coqui at a server behind a proxy that wants a key."""

    def __init__(self, settings, *, client=None):
        settings = replace(settings, base_url="https://ana:planted@models.example")
        super().__init__(settings, client=client, accept_cpml=True)


class OpenServer(Server):
    """Coqui at a server that wants none."""

    def __init__(self, settings, *, client=None):
        super().__init__(replace(settings, api_key=None), client=client)


VENDORS = (DID, ElevenLabs, HeyGen, Rask, SignedIn, Resemble, Synthesia, Tavus, Server, OpenServer)
#: What each of them knows that must not come out, beside what any text may hold.
KNOWN = {DID: OWN, Rask: PAIR, SignedIn: TOKEN}
HIDDEN = re.compile(rf"planted|{re.escape(PAIR)}")


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
    "a call": http.Call(provider="acme", operation="voice"),
    "a consent": Consent(subject="Ana", evidence=SIGNED),
    "options": TavusVideo(watermark_image_url=SIGNED),
    "settings of a video": VideoSettings(background=SIGNED),
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


@pytest.mark.parametrize("vendor", [v for v in VENDORS if v not in {Server, OpenServer}])
def test_no_attribute_of_a_provider_holds_a_secret_as_text(vendor):
    provider = vendor(SETTINGS)
    assert not HIDDEN.search(repr(vars(provider)))


# -- what vendors echo ------------------------------------------------------------------------


async def told(provider, operation, caplog):
    """All that is said about a call that fails: its error, causes, traceback, and logs."""
    caplog.set_level(logging.DEBUG)
    with pytest.raises(errors.ProviderError) as caught:
        await provider._call("GET", PATH, operation=operation)
    error = caught.value
    said = "".join(traceback.format_exception(error)) + repr(error)
    return said + caplog.text + "".join(str(vars(record)) for record in caplog.records)


def echo(vendor):
    """A text that holds all that this vendor was sent; what only others know is not in it."""
    text = ECHO.replace(KEY, "it") if vendor is OpenServer else ECHO
    return f"{text} and {KNOWN.get(vendor, '')}"


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
        at.setdefault(last, echo(vendor))
    return body


@pytest.mark.parametrize("status", [302, 400, 401, 404, 429, 500])
@pytest.mark.parametrize("vendor", VENDORS)
async def test_no_secret_that_a_vendor_echoes_comes_out(vendor, status, caplog):
    wire = Wire().reply(echoing(vendor), status, location=SIGNED, x_request_id=BEARER)
    provider = vendor(SETTINGS, client=wire.client)
    assert not HIDDEN.search(await told(provider, Operation.VOICE, caplog))


@pytest.mark.parametrize("vendor", [v for v in VENDORS if v is not OpenServer])
async def test_no_key_that_comes_back_as_a_request_id_comes_out(vendor, caplog):
    secret = KNOWN.get(vendor, KEY)
    wire = Wire().reply({}, 400, x_request_id=f"{secret}{KEY}")
    provider = vendor(SETTINGS, client=wire.client)
    said = await told(provider, Operation.VOICE, caplog)
    assert "[redacted]" in said
    assert not HIDDEN.search(said)


@pytest.mark.parametrize("token", ["planted\nx: y", "pl\u00e4nted", "planted token"])
async def test_no_token_that_a_header_cannot_carry_comes_out(token, caplog):
    wire = Wire().reply({"access_token": token, "expires_in": 60})
    said = await told(Rask(SETTINGS, client=wire.client), Operation.DUB, caplog)
    assert "returned no token" in said
    assert not re.search(r"pl.nted", said.replace(PATH, ""))


UNFIT = ["planted\nx: y", "pl\u00e4nted", "planted planted", "planted\x7f", "\u0416planted"]


@pytest.mark.parametrize("key", UNFIT)
@pytest.mark.parametrize("vendor", [v for v in VENDORS if v is not OpenServer])
def test_a_key_that_a_header_cannot_carry_is_refused_unseen(vendor, key):
    with pytest.raises(errors.ConfigError, match="copy it once more") as caught:
        vendor(replace(SETTINGS, api_key=SecretStr(f"x{key}x")))
    assert not re.search(r"pl.nted", "".join(traceback.format_exception(caught.value)))


@pytest.mark.parametrize("vendor", VENDORS)
async def test_no_secret_of_an_answer_that_makes_no_sense_comes_out(vendor, caplog):
    wire = Wire().reply(f"<html>{ECHO}</html>".encode(), content_type="text/html")
    provider = vendor(SETTINGS, client=wire.client)
    assert "planted" not in await told(provider, Operation.VOICE, caplog)


@pytest.mark.parametrize("failure", [httpx.ConnectError, httpx.ReadTimeout, httpx.ReadError])
async def test_no_secret_of_a_call_without_an_answer_comes_out(failure, caplog):
    provider = HeyGen(SETTINGS, client=Wire().fail(failure).client)
    assert "planted" not in await told(provider, Operation.VOICE, caplog)


PROFESSIONAL = {"voice_id": "v", "category": "professional"}
LOOK = {"id": "l", "group_id": "v", "status": "failed", "error": {"message": ECHO}}
FAILED = {
    "a video of heygen": (
        HeyGen,
        "get_video",
        [{"data": {"id": "v", "status": "failed", "failure_message": ECHO}}],
    ),
    "a look of heygen": (
        HeyGen,
        "get_avatar",
        [{"data": {"id": "v", "status": "completed"}}, {"data": [LOOK]}],
    ),
    "a professional voice": (
        ElevenLabs,
        "get_voice",
        [
            PROFESSIONAL
            | {"fine_tuning": {"state": {"m": "failed"}, "message": {"m": ECHO}}, "samples": [{}]}
        ],
    ),
    "a video of tavus": (
        Tavus,
        "get_video",
        [{"video_id": "v", "status": "error", "error_message": ECHO}],
    ),
    "a video of d-id": (
        DID,
        "get_video",
        [{"id": "tlk_v", "status": "error", "error": {"description": f"{ECHO} {OWN}"}}],
    ),
    "a voice of resemble": (
        Resemble,
        "get_voice",
        [{"success": True, "item": {"uuid": "v", "voice_status": "failed", "error": ECHO}}],
    ),
    "a video of synthesia": (
        Synthesia,
        "get_video",
        [{"id": "v", "status": "error", "message": ECHO}],
    ),
}


@pytest.mark.parametrize("what", FAILED)
async def test_no_secret_in_the_reason_of_a_failed_job_comes_out(what):
    vendor, get, answers = FAILED[what]
    wire = Wire()
    for told in answers:
        wire.reply(told)
    job = await getattr(vendor(SETTINGS, client=wire.client), get)("v")
    assert job.state is JobState.FAILED
    assert job.reason is not None
    assert "planted" not in job.model_dump_json()


def test_no_secret_in_what_a_webhook_says_of_a_failure_comes_out():
    body = {"event_type": "avatar_video.fail", "event_data": {"video_id": "v", "msg": ECHO}}
    [event] = HeyGen(SETTINGS).events(Delivery(json.dumps(body).encode(), {}))
    assert "what is" in event.job.reason
    assert "planted" not in event.job.reason


def test_no_key_of_another_provider_that_a_header_cannot_carry_comes_out():
    unfit = replace(SETTINGS, other_keys={"elevenlabs": SecretStr(f"x{UNFIT[0]}")})
    with pytest.raises(errors.ConfigError, match="elevenlabs for d-id") as caught:
        DID(unfit)
    assert "planted" not in "".join(traceback.format_exception(caught.value))


# -- the command line -------------------------------------------------------------------------


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """Run a command with --debug, and return all that it printed."""
    monkeypatch.chdir(tmp_path)
    for name, value in {"HEYGEN_API_KEY": KEY, "AVATARKIT_STACK": "heygen"}.items():
        monkeypatch.setenv(name, value)

    def run(*arguments):
        result = CliRunner().invoke(app, [*map(str, arguments), "--debug"])
        return result.output + result.stderr + repr(result.exception)

    return run


@pytest.mark.parametrize("status", [400, 401, 402])
def test_no_secret_that_a_vendor_echoes_is_printed(shell, monkeypatch, status):
    wire = Wire().reply(echoing(HeyGen), status, x_request_id=KEY)

    async def asked(kit, record_id):
        return await kit._pool.provider("heygen").get_video(record_id)

    monkeypatch.setattr("avatarkit.providers.http.new_client", lambda **_: wire.client)
    monkeypatch.setattr(AvatarKit, "get", asked)
    said = shell("status", "v")
    assert "Traceback" in said
    assert "what is [redacted]" in said
    assert "planted" not in said


CAUSES = {
    "a header": httpx.LocalProtocolError(f"Illegal header value b'{BEARER}'"),
    "an address": RuntimeError(f"cannot open {SIGNED}"),
    "a database": ValueError("postgresql://ana:planted@db.example/ak does not answer"),
}


@pytest.mark.parametrize("cause", CAUSES)
def test_no_secret_of_another_library_is_printed(shell, monkeypatch, cause):
    async def fails(*_args):
        raise RuntimeError(str(CAUSES[cause])) from CAUSES[cause]

    monkeypatch.setattr(AvatarKit, "get", fails)
    said = shell("status", "v")
    assert "Traceback" in said
    assert "[redacted]" in said
    assert "planted" not in said


# -- what is recorded -------------------------------------------------------------------------

#: What is made up beside the tests is short, or has no digits.
_REAL = r"(?=[^&\s\"]*\d)[\w.~+/=%:-]{16,}"
_SECRET_NAME = re.compile(
    r"api.?key|authorization|cookie|password|credential|token|secret", re.IGNORECASE
)
_SECRET_VALUE = re.compile(
    rf"\b(bearer|basic) {_REAL}|\b(sk|pk|rk|whsec|wsec)[-_]{_REAL}|\beyJ[\w-]{{8,}}\.[\w-]+|"
    rf"[?&](signature|x-amz-[a-z]+|x-goog-[a-z]+|policy|key-pair-id|token|sig)={_REAL}",
    re.IGNORECASE,
)


def secrets_in(value, name=""):
    """Every field, and every text, that looks like a key or a signed link."""
    match value:
        case dict():
            return [f for key, inner in value.items() for f in secrets_in(inner, key)]
        case list():
            return [f for inner in value for f in secrets_in(inner, name)]
        case str():
            named = _SECRET_NAME.search(name) and re.search(_REAL, value)
            return [f"{name}: {value}"] if named or _SECRET_VALUE.search(value) else []
        case _:
            return []


RECORDED = sorted(Path(__file__).parent.glob("providers/*.json"))


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.name)
def test_no_recorded_answer_holds_a_secret(path):
    assert secrets_in(json.loads(path.read_text())) == []


@pytest.mark.parametrize(
    "told",
    [
        {"headers": {"Authorization": "d41d8cd98f00b204e9800998ecf8427e"}},
        {"access_token": "d41d8cd98f00b204e9800998ecf8427e"},
        {"said": [f"Bearer {'a1' * 10}"]},
        {"url": f"https://files.example/a.mp4?Expires=1&Signature={'a1' * 10}"},
        {"said": f"the key sk_{'a1' * 10} is wrong"},
    ],
    ids=str,
)
def test_a_secret_in_a_recorded_answer_is_seen(told):
    assert len(secrets_in({"answer": told})) == 1


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


async def test_no_secret_of_a_callback_address_is_kept_logged_or_told(tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    inboxes = Inboxes("https://app.example", "planted-0123456789")
    wire = Wire().reply({"message": f"no reply from {inboxes.address('tavus', 't')}: {ECHO}"}, 400)
    clock = FakeClock()
    async with AvatarKit(
        "tavus",
        repository=f"sqlite:///{tmp_path}/kept.db",
        media=str(tmp_path / "media"),
        clock=clock,
        settings=Settings(inboxes=inboxes),
        providers={"tavus": Tavus(replace(SETTINGS, clock=clock), client=wire.client)},
        worker=False,
    ) as kit:
        consent = Consent.not_a_real_person("a drawing")
        names = {"user_id": "ana", "clone_id": "ana-1", "avatar_id": "r1"}
        training = await kit.adopt(**names, consent=consent)
        video = await kit.speak(training.id, "Hello", wait=False)
        for _ in range(5):
            await kit.admin.tick()
            clock.advance(60)
        video = await kit.get(video.id)
        kept = [path.read_bytes() for path in Path(tmp_path).rglob("*") if path.is_file()]
    assert "planted-0123456789" in wire.body()["callback_url"]
    assert "no reply from" in video.error_message
    assert "planted" not in video.model_dump_json() + repr(video)
    assert "planted" not in caplog.text + "".join(str(vars(r)) for r in caplog.records)
    assert not any(b"planted" in content for content in kept)
