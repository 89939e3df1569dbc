"""Samples given by a link: what is said of it before its bytes are read."""

from __future__ import annotations

import base64
import json

import httpx
import pytest
import stamina

from avatarkit import AvatarKit, Consent, errors
from avatarkit.config.settings import Settings
from avatarkit.http import HttpFetcher
from avatarkit.intake import preflight
from avatarkit.intake.recordings import Recordings
from avatarkit.interfaces import Limit
from avatarkit.media.folder import FolderStore
from avatarkit.models import SampleRole
from avatarkit.repositories.memory import MemoryRepository
from avatarkit.testing import FakeClock, Wire

pytestmark = pytest.mark.anyio
VOICE, FOOTAGE = SampleRole.VOICE, SampleRole.FOOTAGE
URL = "https://cdn.example/a/me.wav?X-Amz-Signature=c2VjcmV0"
NOW = 1_800_000_000.0


@pytest.fixture(autouse=True)
def _without_waiting():
    with stamina.set_testing(True, attempts=2, cap=True):
        yield


@pytest.fixture
def wire():
    return Wire()


def visit(wire, url=URL, role=VOICE, limits=()):
    recordings = Recordings(None, MemoryRepository(clock=FakeClock()), HttpFetcher(wire.client))
    return recordings.visit(role, url, limits)


def said(findings):
    return [f"{f.severity}:{f.code}" for f in findings]


async def test_a_link_to_a_file_is_fine(wire):
    wire.reply(b"", content_type="audio/wav", content_length="1000")
    assert await visit(wire) == []
    assert [request.method for request in wire.requests] == ["HEAD"]


@pytest.mark.parametrize("status", [403, 405])
async def test_a_link_that_is_signed_for_reading_alone_is_asked_for_one_byte(wire, status):
    wire.reply(b"", status)
    wire.reply(b"R", 206, content_type="audio/wav", content_range="bytes 0-0/3000000000")
    assert said(await visit(wire)) == ["error:link-too-large"]
    assert wire.requests[1].headers["range"] == "bytes=0-0"


@pytest.mark.parametrize(
    ("status", "headers", "code"),
    [
        (200, {"content_type": "text/html; charset=utf-8"}, "link-web-page"),
        (403, {}, "link-gone"),
        (404, {}, "link-gone"),
        (410, {}, "link-gone"),
        (503, {}, "link-unreachable"),
        (200, {"content_length": str(3 << 30)}, "link-too-large"),
    ],
)
async def test_what_a_link_answers_is_judged(wire, status, headers, code):
    wire.reply(b"", status, **headers)
    assert said(await visit(wire)) == [f"error:{code}"]


async def test_a_link_that_leads_to_a_login_is_said_to(wire):
    wire.reply(b"", 302, location="https://drive.example/signin?continue=secret")
    wire.reply(b"", content_type="text/html")
    (finding,) = await visit(wire)
    assert (finding.code, "secret" in finding.message) == ("link-login", False)


async def test_a_vendors_bound_holds_before_the_bytes_are_read(wire):
    wire.reply(b"", content_type="audio/wav", content_length="2000")
    limits = [("acme", Limit(what="voice_bytes", maximum=1000))]
    (finding,) = await visit(wire, limits=limits)
    assert (finding.code, finding.rule) == ("voice_bytes", "acme")


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "[::1]"])
async def test_a_private_address_is_not_asked(wire, host):
    assert said(await visit(wire, f"https://{host}/me.wav")) == ["error:link-private"]
    assert wire.requests == []


async def test_a_redirect_to_a_private_address_is_not_followed(wire):
    wire.reply(b"", 302, location="https://10.0.0.1/me.wav")
    assert said(await visit(wire)) == ["error:link-private"]
    assert len(wire.requests) == 1


async def test_a_name_that_leads_to_a_private_address_is_not_asked():
    with pytest.raises(errors.MediaRejected, match="no public address"):
        await HttpFetcher().look("https://localhost:9/me.wav")


async def test_a_link_that_cannot_be_reached_is_said(wire):
    wire.fail(httpx.ConnectError)
    assert said(await visit(wire)) == ["error:link-unreachable"]


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://cdn.example/me.wav", "link-scheme"),
        ("http://127.0.0.1/me.wav", "link-scheme"),
        ("file:///etc/passwd", "link-scheme"),
        ("ftp://cdn.example/me.wav", "link-scheme"),
        ("https://", "link"),
        ("https://cdn.example:port/me.wav", "link"),
        ("https://[::1/me.wav", "link"),
        ("https://ana:secret@cdn.example/me.wav", "link-password"),
    ],
)
async def test_an_address_is_judged_by_itself(wire, url, code):
    (finding,) = await visit(wire, url)
    assert (finding.code, "secret" in finding.message) == (code, False)
    assert wire.requests == []


def jwt(**claims):
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{body}.c2ln"


@pytest.mark.parametrize(
    "query",
    [
        "X-Amz-Date=20270115T070000Z&X-Amz-Expires=3600",
        "X-Goog-Date=20270115T070000Z&X-Goog-Expires=3600",
        "Expires={end}",
        "expires={end}",
        "se=2027-01-15T08%3A00%3A00Z",
        "token={token}",
    ],
)
@pytest.mark.parametrize(
    ("before", "says"),
    [(10_000, []), (600, ["warning:link-expires-soon"]), (-1, ["error:link-expired"])],
)
def test_the_end_of_a_signed_link_is_read_in_all_dialects(query, before, says):
    end = 1_800_000_000  # 2027-01-15 08:00 UTC
    url = f"https://cdn.example/me.wav?{query.format(end=end, token=jwt(exp=end))}"
    assert said(preflight.check_url(url, end - before)) == says


@pytest.mark.parametrize(
    "query", ["expires=never", "Expires=60", "token=no.jwt.here", "token=abc", "se=soon", "exp="]
)
def test_what_is_no_moment_is_no_end(query):
    assert preflight.check_url(f"https://cdn.example/me.wav?{query}", NOW) == []


async def test_no_finding_about_a_link_holds_its_query(wire):
    wire.reply(b"", 403)
    (finding,) = await visit(wire)
    assert "c2VjcmV0" not in finding.model_dump_json()


# -- in the kit -------------------------------------------------------------------------------


@pytest.fixture
async def kit(tmp_path, wire):
    clock = FakeClock()
    async with AvatarKit(
        "fake",
        repository=MemoryRepository(clock=clock),
        media=FolderStore(tmp_path),
        worker=False,
        settings=Settings(),
        clock=clock,
    ) as opened:
        opened._recordings._links = HttpFetcher(wire.client)
        yield opened


async def test_a_training_reads_no_bytes_of_a_link_that_is_refused(kit, wire):
    wire.reply(b"<html>", content_type="text/html")
    with pytest.raises(errors.MediaRejected, match="web page"):
        await kit.train(
            user_id="ana",
            clone_id="a",
            voice=[URL],
            footage=URL,
            consent=Consent.not_a_real_person("a drawing"),
        )
    assert {request.method for request in wire.requests} == {"HEAD"}


async def test_preflight_says_what_is_wrong_with_links_and_looks_at_the_rest(kit, wire):
    wire.reply(b"<html>", content_type="text/html")
    findings = await kit.preflight(voice=[URL, b"text"])
    assert said(findings) == ["error:link-web-page", "error:unknown"]


async def test_a_link_that_says_too_little_is_cut_off(kit, wire, monkeypatch):
    monkeypatch.setattr(preflight, "MAX_BYTES", 1000)
    wire.reply(b"", content_type="audio/wav").reply(bytes(2000), content_type="audio/wav")
    with pytest.raises(errors.MediaRejected, match="larger than"):
        await kit.add_sample(user_id="ana", clone_id="a", voice=URL)


@pytest.mark.parametrize("url", ["https://xn--/a", "https://xn--a/", "https://xn--80/"])
@pytest.mark.parametrize("redirected", [False, True])
async def test_a_host_that_is_no_name_is_told(wire, url, redirected):
    if redirected:
        for _ in range(2):
            wire.reply(b"", 302, location=url)
    fetcher = HttpFetcher(wire.client)
    with pytest.raises(errors.ProviderError):
        async for _ in fetcher.fetch(URL if redirected else url):
            raise AssertionError
