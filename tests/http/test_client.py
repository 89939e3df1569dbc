"""One request, its outcome, its retries, its bytes; where it matters, over a real connection."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import subprocess
import sys
from collections import deque
from contextlib import aclosing, asynccontextmanager
from email.utils import formatdate

import httpx
import pytest
import stamina
from hypothesis import given
from hypothesis import strategies as st

from avatarkit import errors, http
from avatarkit.interfaces import Fetcher
from avatarkit.models import Media
from avatarkit.testing import Wire

pytestmark = pytest.mark.anyio
FILE = bytes(range(256)) * 40  # 10,240 bytes


@pytest.fixture(autouse=True)
def _without_waiting():
    with stamina.set_testing(True, attempts=4, cap=True):
        yield


# -- a real server ----------------------------------------------------------------------------


class Server:
    """Answers each connection with the next bytes of its script, and then closes it."""

    def __init__(self):
        self.script = deque()
        self.connections = 0
        self.requests = []  # what came, head and body, per connection
        self.closed = asyncio.Event()
        self._server = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def answer(self, content=b"{}", status=200, *, cut=None, **headers):
        """An answer that says its length; ``cut`` sends only so many bytes of the content."""
        said = {"content-length": str(len(content)), **headers}
        head = "".join(f"{k.replace('_', '-')}: {v}\r\n" for k, v in said.items())
        self.script.append(f"HTTP/1.1 {status} -\r\n{head}\r\n".encode() + content[:cut])
        return self

    @asynccontextmanager
    async def running(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with self._server:
            yield self

    async def _serve(self, reader, writer):
        self.connections += 1
        came = b""
        try:
            came = await reader.readuntil(b"\r\n\r\n")
            length = httpx.Headers(
                [line.split(b": ", 1) for line in came.split(b"\r\n")[1:] if line]
            ).get("content-length", "0")
            came += await reader.readexactly(int(length))
            writer.write(self.script.popleft() if self.script else b"")
            await writer.drain()
        except asyncio.IncompleteReadError as error:
            came += error.partial
        except ConnectionError:
            pass
        finally:
            self.requests.append(came)
            writer.close()
            self.closed.set()


@pytest.fixture
async def server():
    async with Server().running() as running:
        yield running


@pytest.fixture
async def client():
    async with http.new_client() as client:
        yield client


@pytest.fixture
def wire():
    return Wire()


def call(**more):
    return http.Call(**{"provider": "acme", "operation": "voice", "billable": True} | more)


FREE = {"billable": False}


async def post(client, url, **more):
    return await http.send(client, client.build_request("POST", url, json={"a": 1}), call(**more))


class Guard:
    """Lets the first ``times`` pass."""

    def __init__(self, times):
        self.left = times
        self.asked = 0

    def __call__(self):
        self.asked += 1
        if self.asked > self.left:
            raise errors.NotSent("too much time has passed")


# -- paid calls on a real connection ----------------------------------------------------------


async def test_the_guard_is_asked_once_more_before_the_first_byte_is_written(client, server):
    with pytest.raises(errors.NotSent, match="too much time"):
        await post(client, server.url, guard=Guard(1))
    await server.closed.wait()
    assert (server.connections, server.requests) == (1, [b""])


async def test_a_guard_that_says_no_at_once_opens_no_connection(client, server):
    with pytest.raises(errors.NotSent):
        await post(client, server.url, guard=Guard(0))
    assert server.connections == 0


async def test_a_guard_that_says_yes_lets_the_call_through(client, server):
    guard = Guard(2)
    server.answer(b'{"id": "v1"}')
    assert await post(client, server.url, guard=guard) == {"id": "v1"}
    assert guard.asked == 2


async def test_a_connection_refused_is_not_sent(client, server):
    url = server.url
    server._server.close()
    with pytest.raises(errors.NotSent, match="nothing was sent"):
        await post(client, url)


async def test_a_name_that_leads_nowhere_is_not_sent(client):
    with pytest.raises(errors.NotSent):
        await post(client, "http://nowhere.invalid/")


async def test_an_answer_that_never_comes_leaves_a_doubt_and_one_request(client, server):
    with pytest.raises(errors.Ambiguous):
        await post(client, server.url)
    assert len(server.requests) == 1


async def test_half_an_answer_leaves_a_doubt(client, server):
    server.answer(b'{"id": "v1"}', cut=5)
    with pytest.raises(errors.Ambiguous):
        await post(client, server.url)


async def test_an_answer_that_comes_too_late_leaves_a_doubt(client):
    async def mute(reader, writer):
        await reader.read()
        writer.close()

    async with await asyncio.start_server(mute, "127.0.0.1", 0) as silent:
        port = silent.sockets[0].getsockname()[1]
        with pytest.raises(errors.Ambiguous, match="no answer in time"):
            await post(client, f"http://127.0.0.1:{port}", timeout=0.05)


async def test_a_connection_that_is_waited_for_in_vain_is_not_sent(server):
    limits = httpx.Limits(max_connections=1)
    async with httpx.AsyncClient(limits=limits, timeout=httpx.Timeout(5, pool=0.01)) as client:
        server.answer(FILE)
        async with client.stream("GET", server.url):
            with pytest.raises(errors.NotSent):
                await post(client, server.url)
    assert server.connections == 1


@pytest.mark.parametrize("said", [1, "text", [], None, True, {"a": 1}])
async def test_any_json_is_an_answer_where_that_was_asked_for(wire, said):
    request = wire.client.build_request("POST", "https://acme.test")
    wire.reply(json.dumps(said).encode())
    assert await http.send_any(wire.client, request, call()) == said


async def test_no_content_is_none_where_any_json_was_asked_for(wire):
    request = wire.client.build_request("POST", "https://acme.test")
    wire.reply(None, 204)
    assert await http.send_any(wire.client, request, call()) is None


@pytest.mark.parametrize("said", [b"<html>", b""])
async def test_text_and_silence_are_no_json(wire, said):
    request = wire.client.build_request("POST", "https://acme.test")
    wire.reply(said)
    with pytest.raises(errors.BadReply, match="not JSON"):
        await http.send_any(wire.client, request, call(**FREE))


async def test_an_upload_that_breaks_off_leaves_a_doubt(client, server):
    form = http.Multipart({"name": "x"}, [("file", media(breaks=True))])
    request = client.build_request("POST", server.url, content=form, headers=form.headers)
    with pytest.raises(errors.Ambiguous, match="broke off"):
        await http.send(client, request, call())


async def test_an_upload_that_breaks_off_of_a_free_call_says_why(client, server):
    form = http.Multipart({"name": "x"}, [("file", media(breaks=True))])
    request = client.build_request("POST", server.url, content=form, headers=form.headers)
    with pytest.raises(errors.StorageError):
        await http.send(client, request, call(**FREE))


async def test_a_redirect_of_a_paid_call_is_not_followed(client, server):
    server.answer(b"", 307, location="/elsewhere").answer(b'{"id": "v1"}')
    with pytest.raises(errors.Ambiguous):
        await post(client, server.url)
    assert server.connections == 1


async def test_a_client_that_follows_redirects_does_not_follow_one_of_a_paid_call(server):
    server.answer(b"", 307, location="/elsewhere").answer(b'{"id": "v1"}')
    async with httpx.AsyncClient(follow_redirects=True) as borrowed:
        with pytest.raises(errors.Ambiguous):
            await post(borrowed, server.url)
    assert server.connections == 1


# -- outcomes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 413, 415, 422, 429, 451])
async def test_a_refusal_is_one(wire, status):
    wire.reply({}, status)
    with pytest.raises(errors.ProviderError) as caught:
        await post(wire.client, "https://acme.example/")
    assert not isinstance(caught.value, errors.Ambiguous | errors.NotSent | errors.Unavailable)


@pytest.mark.parametrize("status", [301, 307, 405, 406, 408, 409, 410, 418, 425, 500, 503, 599])
async def test_every_other_status_of_a_paid_call_leaves_a_doubt(wire, status):
    wire.reply({}, status)
    with pytest.raises(errors.Ambiguous):
        await post(wire.client, "https://acme.example/")


@pytest.mark.parametrize("location", ["https://xn--/", "https://xn--a/", "//xn--80/x"])
async def test_a_redirect_to_a_host_that_is_no_name_leaves_a_doubt(wire, location):
    wire.reply({}, 307, location=location)
    with pytest.raises(errors.Ambiguous):
        await post(wire.client, "https://acme.example/")


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        (302, errors.BadReply),
        (400, errors.Refused),
        (401, errors.AuthError),
        (402, errors.QuotaError),
        (403, errors.AuthError),
        (404, errors.NotFound),
        (408, errors.Unavailable),
        (409, errors.Refused),
        (410, errors.NotFound),
        (425, errors.Unavailable),
        (429, errors.RateLimited),
        (500, errors.Unavailable),
        (503, errors.Unavailable),
    ],
)
async def test_a_status_of_a_free_call_has_its_error(wire, status, wanted):
    wire.reply({}, status)
    with pytest.raises(wanted):
        await post(wire.client, "https://acme.example/", **FREE)


def known(kind):
    """A vendor whose code is in its adapter's table."""
    return {"explain": lambda status, body: http.Explanation(kind, body["code"], "it says so")}


async def test_the_vendors_code_decides_before_the_status(wire):
    wire.reply({"code": "no_credits"}, 500)
    with pytest.raises(errors.QuotaError) as caught:
        await post(wire.client, "https://acme.example/", **known(errors.QuotaError))
    assert str(caught.value) == "acme voice: it says so [500, no_credits]"


async def test_a_code_for_a_vendor_that_is_down_still_leaves_a_doubt(wire):
    wire.reply({"code": "overloaded"}, 400)
    with pytest.raises(errors.Ambiguous):
        await post(wire.client, "https://acme.example/", **known(errors.Unavailable))


@pytest.mark.parametrize("body", [b"<h1>hi</h1>", b"[1]", b"null", b"[" * 100_000, b"\xff"])
@pytest.mark.parametrize(("more", "wanted"), [({}, errors.Ambiguous), (FREE, errors.BadReply)])
async def test_a_success_that_makes_no_sense(wire, body, more, wanted):
    wire.reply(body)
    with pytest.raises(wanted):
        await post(wire.client, "https://acme.example/", **more)


@pytest.mark.parametrize(("more", "wanted"), [({}, errors.Ambiguous), (FREE, errors.BadReply)])
async def test_a_success_that_cannot_be_unpacked(client, server, more, wanted):
    server.answer(b"this is not gzip", content_encoding="gzip")
    with pytest.raises(wanted):
        await post(client, server.url, **more)


async def test_an_empty_success_is_an_empty_object(wire):
    wire.reply(None, 204)
    assert await post(wire.client, "https://acme.example/") == {}


async def test_an_error_keeps_the_answer_but_does_not_show_it(wire):
    wire.reply({"private": "the whole answer"}, 422, x_request_id="r-1")
    with pytest.raises(errors.Refused) as caught:
        await post(wire.client, "https://acme.example/?signature=s3cret")
    assert caught.value.body == {"private": "the whole answer"}
    assert str(caught.value) == "acme voice: Unprocessable Entity [422, request r-1]"


@pytest.mark.parametrize("name", ["x-request-id", "request-id", "x-amzn-requestid", "cf-ray"])
def test_a_request_id_is_found_under_many_names(name):
    assert http.client._request_id({name: "r-1"}) == "r-1"


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("7", 7.0),
        ("1.5", 1.5),
        (formatdate(0, usegmt=True), 0.0),
        (formatdate(4_000_000_000, usegmt=True), 86_400.0),
        ("9" * 5000, 86_400.0),
        ("Mon, 01 Jan 99999 00:00:00 GMT", None),
        (f"Mon, 01 Jan {'9' * 5000} 00:00:00 GMT", None),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("inf", None),
    ],
    ids=lambda value: str(value)[:20],
)
def test_how_long_to_wait_is_read_however_it_is_written(value, wanted):
    assert http.client.retry_after({"retry-after": value}) == wanted


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ({"ratelimit-reset": "7"}, 7.0),
        ({"retry-after": "3", "ratelimit-reset": "7"}, 3.0),
        ({"ratelimit-reset": "soon"}, None),
        ({"x-ratelimit-reset": "7"}, 7.0),
        ({"ratelimit": "limit=100, remaining=0, reset=7"}, 7.0),
        ({"ratelimit": '"default";r=0;t=7'}, 7.0),
        ({"ratelimit": "limit=100", "retry-after": "3"}, 3.0),
    ],
)
def test_the_end_of_a_rate_limit_is_a_time_to_wait_as_well(headers, wanted):
    assert http.client.retry_after(headers) == wanted


def test_a_reset_may_be_a_time(monkeypatch):
    monkeypatch.setattr(http.client.time, "time", lambda: 1_760_000_000.0)
    assert http.client.retry_after({"x-ratelimit-reset": "1760000007"}) == 7.0


@given(st.text())
def test_any_wait_is_a_number_or_nothing(value):
    assert (http.client.retry_after({"retry-after": value}) or 0.0) >= 0.0


# -- repeats ----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 503])
async def test_a_paid_call_is_sent_once_even_where_it_was_refused(wire, status):
    wire.reply({}, status, retry_after="0")
    with pytest.raises(errors.AvatarKitError):
        await post(wire.client, "https://api.acme.example")
    assert len(wire.requests) == 1


@pytest.mark.parametrize(
    "lost", [httpx.ReadTimeout, httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError]
)
async def test_a_lost_answer_leaves_a_doubt_where_the_transport_reports_nothing(wire, lost):
    wire.fail(lost)
    with pytest.raises(errors.Ambiguous):
        await post(wire.client, "https://api.acme.example")
    assert len(wire.requests) == 1


async def test_a_free_call_is_sent_until_it_is_answered(wire):
    wire.fail(httpx.ReadTimeout).reply({}, 503).reply({}, 429).reply({"id": "v1"})
    assert await post(wire.client, "https://acme.example/", **FREE) == {"id": "v1"}


async def test_a_free_call_is_sent_four_times_at_most(wire):
    wire.reply({}, 503)
    with pytest.raises(errors.Unavailable):
        await post(wire.client, "https://acme.example/", **FREE)
    assert len(wire.requests) == 4


@pytest.mark.parametrize(("asked", "waited"), [(7.0, 7.0), (3600.0, 60.0), (None, True)])
def test_the_vendors_wait_is_kept_up_to_a_minute(asked, waited):
    assert http.client._wait(errors.RateLimited("wait", retry_after=asked)) == waited


@pytest.mark.parametrize("error", [errors.Refused("no"), errors.Ambiguous("?"), ValueError()])
def test_what_a_repeat_cannot_mend_is_not_repeated(error):
    assert http.client._wait(error) is False


@pytest.mark.slow
@pytest.mark.parametrize("configure", ["", "structlog.configure();"])
def test_repeats_are_not_printed_unless_structlog_is_configured_to(configure):
    code = (
        f"import structlog; {configure} from avatarkit import http, errors;"
        "import stamina, logging; logging.disable();"
        "http.client._wait(errors.Unavailable('away'));"
        "hooks = stamina.instrumentation.get_on_retry_hooks();"
        "print(any('structlog' in hook.__module__ for hook in hooks))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == str(bool(configure))


@pytest.mark.slow
def test_repeats_are_not_reported_where_no_logging_is_configured():
    code = (
        "import anyio, stamina; from avatarkit import http; from avatarkit.testing import Wire;"
        "stamina.set_testing(True, attempts=2); wire = Wire().reply({}, 503).reply({});"
        "request = wire.client.build_request('GET', 'https://acme.example/');"
        "call = http.Call(provider='acme', operation='voice');"
        "anyio.run(http.send, wire.client, request, call); print(len(wire.requests))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (run.stdout, run.stderr) == ("2\n", "")


async def test_the_client_logs_no_address_of_ours(client, server, caplog):
    caplog.set_level(logging.DEBUG)
    server.answer()
    await post(client, f"{server.url}/?signature=s3cret")
    assert "s3cret" not in caplog.text


async def test_the_clients_log_of_others_is_left_alone(client, server, caplog):
    caplog.set_level(logging.INFO)
    server.answer()
    await client.get(f"{server.url}/?theirs=1")
    assert "theirs" in caplog.text


async def test_a_cookie_of_one_answer_does_not_come_with_the_next_call(client, server):
    server.answer(set_cookie="who=ana; Path=/").answer()
    await post(client, server.url)
    await post(client, server.url)
    assert b"who=ana" not in server.requests[1]


# -- forms ------------------------------------------------------------------------------------


def media(name="sample.wav", *, content=b"RIFF-bytes", breaks=False):
    async def chunks():
        yield content[:4]
        if breaks:
            raise errors.StorageError("the disk is gone")
        yield content[4:]

    return Media(
        name=name,
        media_type="audio/wav",
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        open=chunks,
    )


async def test_a_form_is_streamed_with_its_length(wire):
    form = http.Multipart({"name": "Ana", "fast": True}, [("file", media())])
    request = wire.client.build_request(
        "POST", "https://acme.example/", content=form, headers=form.headers
    )
    wire.reply({})
    await http.send(wire.client, request, call())
    assert wire.body() == {"name": "Ana", "fast": "true", "file": b"RIFF-bytes"}
    assert int(request.headers["content-length"]) == len(wire.requests[0].content)
    assert "transfer-encoding" not in request.headers
    boundary = request.headers["content-type"].partition("boundary=")[2]
    assert wire.requests[0].content.endswith(f"\r\n--{boundary}--\r\n".encode())


async def test_a_large_form_is_sent_piece_by_piece_as_it_is_read():
    half = b"x" * (1 << 20)

    async def halves():
        yield half
        yield half

    large = media().model_copy(update={"size": 2 * len(half), "open": halves})
    pieces = [piece async for piece in http.Multipart({"name": "Ana"}, [("file", large)])]
    assert [len(piece) for piece in pieces if len(piece) > 1000] == [len(half)] * 2


async def test_a_recording_is_sent_piece_by_piece_as_it_is_read():
    assert [piece async for piece in http.Upload(media())] == [b"RIFF", b"-bytes"]


def test_an_upload_says_its_type_and_its_length():
    headers = http.Upload(media()).headers
    assert headers == {"content-type": "audio/wav", "content-length": "10"}


async def test_a_form_is_whole_again_when_a_free_call_is_repeated(client, server):
    form = http.Multipart({}, [("file", media())])
    request = client.build_request("POST", server.url, content=form, headers=form.headers)
    server.answer(b"", 503).answer()
    await http.send(client, request, call(**FREE))
    first, second = server.requests
    assert first == second
    assert b"RIFF-bytes" in first


async def test_a_files_name_cannot_break_out_of_its_header(wire):
    form = http.Multipart({}, [("file", media('a"\r\nX-Evil: 1.wav'))])
    content = b"".join([chunk async for chunk in form])
    assert b'filename="a%22%0D%0AX-Evil: 1.wav"' in content


# -- streamed answers -------------------------------------------------------------------------


async def speak(client, url, **more):
    request = client.build_request("POST", url, json={})
    return await http.stream(client, request, call(operation="speech", **more))


async def test_a_streamed_answer_is_all_there(client, server):
    server.answer(FILE, content_type="audio/mpeg; charset=x")
    streamed = await speak(client, server.url)
    assert streamed.media_type == "audio/mpeg"
    assert b"".join([chunk async for chunk in streamed.chunks]) == FILE


@pytest.mark.parametrize(("more", "wanted"), [({}, errors.Ambiguous), (FREE, errors.Unavailable)])
async def test_a_streamed_answer_that_ends_early_says_so(client, server, more, wanted):
    server.answer(FILE, cut=100)
    streamed = await speak(client, server.url, **more)
    with pytest.raises(wanted, match="ended early"):
        _ = [chunk async for chunk in streamed.chunks]


async def test_a_streamed_answer_may_be_left_early(client, server):
    server.answer(FILE)
    streamed = await speak(client, server.url)
    async with aclosing(streamed.chunks) as chunks:
        await anext(chunks)
    assert not client._transport._pool.connections


async def test_a_refusal_of_a_streamed_call_is_read(client, server):
    server.answer(b'{"code": "no_credits"}', 402)
    with pytest.raises(errors.QuotaError) as caught:
        await speak(client, server.url)
    assert caught.value.body == {"code": "no_credits"}


# -- links to results -------------------------------------------------------------------------


async def read(client, url, headers=None, *, allow_private=True):
    chunks = http.fetch(client, url, headers, allow_private=allow_private)
    return b"".join([chunk async for chunk in chunks])


async def test_a_file_is_fetched(client, server):
    server.answer(FILE)
    assert await read(client, server.url) == FILE


async def test_a_cut_download_goes_on_where_it_was(client, server):
    server.answer(FILE, etag='"v1"', cut=5000)
    server.answer(FILE[5000:], 206, etag='"v1"', content_range="bytes 5000-10239/10240")
    assert await read(client, server.url) == FILE
    assert b'range: bytes=5000-\r\nif-range: "v1"\r\n' in server.requests[1].lower()


async def test_a_server_that_starts_anew_is_not_read_twice(client, server):
    server.answer(FILE, etag='"v1"', cut=5000).answer(FILE, etag='"v1"')
    assert await read(client, server.url) == FILE


async def test_a_download_is_taken_up_as_long_as_bytes_come(client, server):
    server.answer(FILE, etag='"v1"', cut=4000)
    server.answer(FILE[4000:], 206, cut=4000, etag='"v1"', content_range="bytes 4000-10239/10240")
    server.answer(FILE[8000:], 206, etag='"v1"', content_range="bytes 8000-10239/10240")
    assert await read(client, server.url) == FILE


async def test_a_download_that_brings_nothing_more_is_given_up(client, server):
    server.answer(FILE, etag='"v1"', cut=5000)
    server.answer(FILE[5000:], 206, etag='"v1"', content_range="bytes 5000-10239/10240", cut=0)
    with pytest.raises(errors.Unavailable, match="end early"):
        await read(client, server.url)


async def test_a_download_that_is_cut_for_ever_is_given_up(client, server):
    for start in range(30):
        where = f"bytes {start}-10239/10240"
        status = 206 if start else 200
        server.answer(FILE[start:], status, cut=1, etag='"v1"', content_range=where)
    with pytest.raises(errors.Unavailable, match="again and again"):
        await read(client, server.url)


@pytest.mark.parametrize("tag", [{}, {"etag": 'W/"v1"'}], ids=["none", "weak"])
async def test_a_cut_file_without_a_sure_tag_is_not_pieced_together(client, server, tag):
    server.answer(FILE, cut=5000, **tag).answer(FILE, **tag)
    with pytest.raises(errors.Unavailable):
        await read(client, server.url)


async def test_a_file_that_changed_meanwhile_is_not_pieced_together(client, server):
    server.answer(FILE, etag='"v1"', cut=5000).answer(FILE, etag='"v2"')
    with pytest.raises(errors.BadReply, match="has changed"):
        await read(client, server.url)


@pytest.mark.parametrize("where", ["bytes 0-10239/10240", "", "bytes */10240"])
async def test_another_part_than_was_asked_for_is_not_taken(client, server, where):
    server.answer(FILE, etag='"v1"', cut=5000)
    server.answer(FILE[5000:], 206, etag='"v1"', content_range=where)
    with pytest.raises(errors.BadReply, match="another part"):
        await read(client, server.url)


async def test_a_rest_of_the_wrong_size_is_not_taken(client, server):
    server.answer(FILE, etag='"v1"', cut=5000)
    server.answer(b"short", 206, etag='"v1"', content_range="bytes 5000-5004/10240")
    with pytest.raises(errors.Unavailable, match="5005 of 10240 bytes"):
        await read(client, server.url)


async def test_a_compressed_file_is_not_taken_for_the_file(wire):
    wire.reply(b"...", content_encoding="gzip")
    with pytest.raises(errors.BadReply, match="compressed"):
        await read(wire.client, "https://cdn.example/a.mp4")


@pytest.mark.parametrize("status", [202, 204, 206])
async def test_a_success_without_the_whole_file_is_not_taken_for_it(wire, status):
    wire.reply(b"", status)
    with pytest.raises(errors.BadReply, match=f"answers {status}"):
        await read(wire.client, "https://cdn.example/a.mp4")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
async def test_an_expired_link_is_not_found(wire, status):
    wire.reply(b"", status)
    with pytest.raises(errors.NotFound) as caught:
        await read(wire.client, "https://cdn.example/a.mp4?signature=s3cret")
    assert "cdn.example" in str(caught.value)
    assert "s3cret" not in str(caught.value)


async def test_a_store_that_is_down_is_asked_again(wire):
    wire.reply(b"", 503).fail(httpx.ConnectError).reply(b"", 429).reply(FILE)
    assert await read(wire.client, "https://cdn.example/a.mp4") == FILE


async def test_a_status_that_no_file_has_is_a_bad_reply(wire):
    wire.reply(b"", 418)
    with pytest.raises(errors.BadReply):
        await read(wire.client, "https://cdn.example/a.mp4")


async def test_a_download_may_be_left_early(client, server):
    server.answer(FILE)
    async with aclosing(http.fetch(client, server.url, allow_private=True)) as chunks:
        await anext(chunks)
    assert not client._transport._pool.connections


# -- where links may lead ---------------------------------------------------------------------


async def test_a_name_that_leads_to_this_machine_is_not_connected_to(client, server):
    url = server.url.replace("127.0.0.1", "localhost")
    with pytest.raises(errors.MediaRejected, match="no public address"):
        await read(client, url, allow_private=False)
    assert server.connections == 0


async def test_a_closed_port_of_this_machine_is_not_told_from_an_open_one(client, server):
    url = server.url.replace("127.0.0.1", "localhost")
    server._server.close()
    with pytest.raises(errors.MediaRejected, match="no public address"):
        await read(client, url, allow_private=False)


async def test_a_name_that_leads_elsewhere_by_the_time_of_connecting_is_not_written_to(
    client, server, monkeypatch
):
    async def public(host):
        return ["93.184.215.14"]

    monkeypatch.setattr(http.download, "_addresses", public)
    url = server.url.replace("127.0.0.1", "localhost")
    with pytest.raises(errors.MediaRejected, match="no public address"):
        await read(client, url, allow_private=False)
    if server.connections:  # where localhost means the same family of addresses
        await server.closed.wait()
    assert b"".join(server.requests) == b""


async def test_a_name_that_leads_nowhere_is_unavailable(client):
    with pytest.raises(errors.Unavailable):
        await read(client, "http://nowhere.invalid/a.mp4", allow_private=False)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "0.0.0.0",
        "100.64.0.1",
        "224.0.0.1",
        "[::1]",
        "[fe80::1]",
        "[fd00::1]",
        "[::ffff:10.0.0.1]",
        "[2002:7f00:1::]",
        "[64:ff9b::10.0.0.1]",
        "[::10.0.0.1]",
        "[fec0::1]",
        "240.0.0.1",
    ],
)
async def test_a_private_address_is_not_opened(wire, host):
    with pytest.raises(errors.MediaRejected):
        await read(wire.client, f"http://{host}/a.mp4", allow_private=False)
    assert not wire.requests


@pytest.mark.parametrize(
    "host", ["93.184.215.14", "[2606:2800:220:1::1]", "[64:ff9b::93.184.215.14]", "cdn.example"]
)
async def test_a_public_address_is_opened(wire, host):
    wire.reply(FILE)
    assert await read(wire.client, f"https://{host}/a.mp4", allow_private=False) == FILE


async def test_a_redirect_to_a_private_address_is_not_followed(wire):
    wire.reply(b"", 302, location="http://169.254.169.254/latest/meta-data")
    with pytest.raises(errors.MediaRejected):
        await read(wire.client, "http://cdn.example/a.mp4", allow_private=False)
    assert len(wire.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_followed(wire, status):
    wire.reply(b"", status, location="/b.mp4").reply(FILE)
    assert await read(wire.client, "https://cdn.example/a.mp4") == FILE
    assert wire.requests[1].url == "https://cdn.example/b.mp4"


@pytest.mark.parametrize(
    ("location", "kept"),
    [
        ("/b.mp4", True),
        ("https://acme.example:443/b.mp4", True),
        ("https://cdn.example/b.mp4", False),
        ("https://acme.example:8443/b.mp4", False),
    ],
)
async def test_a_key_goes_to_its_own_origin_alone(wire, location, kept):
    wire.reply(b"", 302, location=location).reply(FILE)
    await read(wire.client, "https://acme.example/a.mp4", {"x-api-key": "s3cret"})
    assert ("x-api-key" in wire.requests[1].headers) is kept


async def test_a_redirect_to_an_unencrypted_address_is_not_followed(wire):
    wire.reply(b"", 302, location="http://cdn.example/a.mp4")
    with pytest.raises(errors.BadReply, match="unencrypted"):
        await read(wire.client, "https://cdn.example/a.mp4")


async def test_redirects_in_a_circle_come_to_an_end(wire):
    wire.reply(b"", 302, location="/a.mp4")
    with pytest.raises(errors.BadReply, match="too often"):
        await read(wire.client, "https://cdn.example/a.mp4")


@pytest.mark.parametrize("location", ["http://[", "https://a b/", ""])
async def test_a_redirect_to_no_address_is_a_bad_reply(wire, location):
    wire.reply(b"", 302, location=location)
    with pytest.raises(errors.BadReply):
        await read(wire.client, "https://cdn.example/a.mp4")


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://cdn.example/a"])
async def test_a_redirect_to_something_else_than_http_is_not_followed(wire, location):
    wire.reply(b"", 302, location=location)
    with pytest.raises(errors.MediaRejected):
        await read(wire.client, "http://cdn.example/a.mp4")


@pytest.mark.parametrize("url", ["ftp://cdn.example/a", "/etc/passwd", "https://", "file:///x", ""])
async def test_a_link_that_is_not_http_is_not_opened(wire, url):
    with pytest.raises(errors.MediaRejected, match="http://"):
        await read(wire.client, url)
    assert not wire.requests


async def test_a_link_that_is_none_is_a_bad_reply(wire):
    with pytest.raises(errors.BadReply):
        await read(wire.client, "http://a:b:c/")
    assert not wire.requests


# -- the fetcher ------------------------------------------------------------------------------


async def test_the_fetcher_opens_links(server):
    server.answer(FILE)
    fetcher = http.HttpFetcher(allow_private=True)
    assert isinstance(fetcher, Fetcher)
    assert b"".join([chunk async for chunk in fetcher.fetch(server.url)]) == FILE
    await fetcher.aclose()
    assert fetcher._client.is_closed


async def test_the_fetcher_leaves_a_borrowed_client_open(wire):
    fetcher = http.HttpFetcher(wire.client)
    await fetcher.aclose()
    assert not wire.client.is_closed


async def test_the_fetcher_refuses_private_addresses_unless_told_otherwise():
    fetcher = http.HttpFetcher()
    with pytest.raises(errors.MediaRejected):
        await anext(fetcher.fetch("http://127.0.0.1/"))
    await fetcher.aclose()


@pytest.mark.parametrize(("size", "small"), [(16_000, True), (3 << 20, False)])
async def test_a_small_form_is_sent_in_one_piece_and_a_large_one_in_many(size, small):
    async def opened():
        for start in range(0, size, 256 << 10):
            yield b"x" * min(256 << 10, size - start)

    file = Media(name="a.wav", media_type="audio/wav", size=size, sha256="0" * 64, open=opened)
    form = http.Multipart({"name": "Ana"}, [("file", file)])
    sent = [piece async for piece in form]
    assert (len(sent) == 1) == small
    assert sum(map(len, sent)) == int(form.headers["content-length"])
