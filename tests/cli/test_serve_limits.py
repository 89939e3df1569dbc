"""``avatarkit serve`` and clients that are slow, too many or cut off, with real sockets."""

from __future__ import annotations

import importlib.util
import re
import resource
import signal
import socket
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import bombs

from server.tus import TUS, chunk

from .test_cli import place  # noqa: F401
from .test_serve import client, half_begun, serve  # noqa: F401

pytestmark = [pytest.mark.slow, pytest.mark.once]  # each starts a program

#: Seconds after which a test fails; what is tested takes a few seconds at most.
LONG = 60


def connected(url):
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname, parts.port), timeout=LONG)


def told(connection):
    """All that comes until the server closes the connection."""
    found = b""
    try:
        while piece := connection.recv(1 << 16):
            found += piece
    except ConnectionResetError:
        pass
    return found.decode()


def headers(url, path, **more):
    token = url.partition("?token=")[2]
    given = {"host": "127.0.0.1", "authorization": f"Bearer {token}"} | more
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in given.items()]
    return "\r\n".join([f"{path} HTTP/1.1", *lines, "", ""]).encode()


def upload(url, name, length):
    return headers(url, f"PUT /clones/c1/uploads/voice/{name}", content_length=length)


def whole_chunk(url, where, length):
    """Begin of a request that sends all of a resumable upload."""
    parts = urlsplit(where)
    about = {key.replace("-", "_"): value for key, value in chunk(0).items()}
    return headers(url, f"PATCH {parts.path}?{parts.query}", content_length=length, **about)


def received(api, where):
    """Bytes of a resumable upload that the server has."""
    return int(api.head(where, headers=TUS).headers["upload-offset"])


@pytest.mark.parametrize(
    "sent",
    [b"", b"G", b"GET / HTTP/1.1\r\nHost: 127.0", b"POST /trainings HTTP/1.1\r\n" * 2],
    ids=["nothing", "a letter", "half a header", "a header that is none"],
)
def test_a_client_that_sends_no_whole_header_is_closed(serve, sent):  # noqa: F811
    url = serve("--client-timeout=0.5")[1]
    with connected(url) as connection:
        connection.sendall(sent)
        answer = told(connection)
    assert answer.partition("\r\n")[0] in {
        "",
        "HTTP/1.1 408 Request Timeout",
        "HTTP/1.1 400 Bad Request",
    }
    assert bool(answer) is bool(sent)
    assert not sent or "x-content-type-options: nosniff" in answer


def test_a_client_that_drips_its_header_is_closed(serve):  # noqa: F811
    url = serve("--client-timeout=1")[1]
    with connected(url) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nX: ")
        connection.settimeout(0.1)
        end, answer = time.monotonic() + LONG, b""
        while not answer:
            assert time.monotonic() < end, "it is still open"
            try:
                connection.sendall(b"x")
                answer = connection.recv(1000)
            except TimeoutError:
                continue
            except OSError:
                break
    assert not answer or answer.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("body", [b"", b"half of it"], ids=["no body", "half a body"])
def test_a_client_that_stops_in_its_body_is_closed_and_the_half_is_kept(serve, body):  # noqa: F811
    url = serve("--client-timeout=0.5")[1]
    with client(url, url.partition("=")[2]) as api:
        where = half_begun(api, 100_000)
        with connected(url) as connection:
            connection.sendall(whole_chunk(url, where, 100_000) + body)
            assert told(connection).startswith("HTTP/1.1 408 ")
        assert received(api, where) == len(body)


def test_a_second_request_on_a_connection_has_the_same_time(serve):  # noqa: F811
    url = serve("--client-timeout=0.5")[1]
    with connected(url) as connection:
        connection.sendall(
            b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\nGET /health HTTP/1.1\r\n"
        )
        answer = told(connection)
    assert answer.startswith("HTTP/1.1 200 ")
    assert "HTTP/1.1 408 " in answer


def test_a_client_that_does_not_read_its_answer_is_closed(serve):  # noqa: F811
    url = serve("--client-timeout=0.5")[1]
    with connected(url) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        ask = headers(url, "GET /openapi.json")
        connection.settimeout(0.5)
        end = time.monotonic() + LONG
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            while time.monotonic() < end:
                try:
                    connection.sendall(ask * 50)
                except TimeoutError:
                    continue


def test_a_watcher_may_be_silent(serve):  # noqa: F811
    url = serve("--client-timeout=0.5", "--no-worker")[1]
    from .test_serve import begin

    with client(url, url.partition("=")[2]) as api:
        training = begin(api)
        with api.stream("GET", f"trainings/{training}/events") as stream:
            lines = stream.iter_lines()
            next(line for line in lines if line.startswith("data:"))
            with connected(url) as slow:  # closed later than the watcher would be
                assert told(slow) == ""
            with connected(url) as slow:
                assert told(slow) == ""
            api.post(f"trainings/{training}/cancel").raise_for_status()
            next(line for line in lines if '"status":"canc' in line)


def test_connections_above_the_limit_are_told_so_in_one_log_entry(serve):  # noqa: F811
    server, url = serve("--max-connections=3", "--client-timeout=30")
    with ExitStack() as opened:
        for _ in range(3):
            opened.enter_context(connected(url)).sendall(b"GET / HTTP/1.1\r\n")
        time_out = time.monotonic() + LONG
        for _ in range(5):
            with connected(url) as connection:
                connection.sendall(headers(url, "GET /health"))
                answer = told(connection)
                assert answer.startswith("HTTP/1.1 503 ")
                assert "retry-after: 30" in answer
                assert "x-frame-options: DENY" in answer
    while httpx.get(url.partition("?")[0] + "health").status_code != 200:
        assert time.monotonic() < time_out
    server.terminate()
    log = server.communicate()[1]
    assert len(re.findall("server.full", log)) == 1


def limited(ulimit, *arguments):
    """Command of a server for which the shell limits the number of open files."""
    words = " ".join(("serve", "--port=0", *arguments))
    return ["sh", "-c", f'ulimit {ulimit}; exec "$0" -m avatarkit {words}', sys.executable]


def test_it_answers_while_more_connect_than_it_may_open_files(serve):  # noqa: F811
    server, url = serve(command=limited("-n 160", "--client-timeout=2"))
    with ExitStack() as opened:
        for _ in range(400):
            opened.enter_context(connected(url)).sendall(b"GET / HTTP/1.1\r\n")
        end = time.monotonic() + LONG
        while True:
            assert time.monotonic() < end
            try:
                if httpx.get(url.partition("?")[0] + "health").status_code == 200:
                    break
            except httpx.TransportError:
                continue
    server.terminate()
    log = server.communicate()[1]
    assert "Too many open files" not in log
    assert len(log) < 2000


def test_a_system_without_a_limit_on_open_files_takes_all_connections(monkeypatch):
    from avatarkit.server import connections

    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setitem(sys.modules, "resource", None)
    spec = importlib.util.spec_from_file_location(
        "avatarkit.server.connections_of_windows", connections.__file__
    )
    there = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, there)
    spec.loader.exec_module(there)
    assert there.fitting(there.open_files(), 2000) == (2000, 2048)


def test_a_soft_limit_on_open_files_is_raised(serve):  # noqa: F811
    server, _ = serve(command=limited("-S -n 200"))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limits = Path(f"/proc/{server.pid}/limits").read_text()
    assert re.search(rf"Max open files +{hard} ", limits)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_in_an_upload_with_an_answer_and_without_a_traceback(serve, number):  # noqa: F811
    server, url = serve()
    with connected(url) as connection:
        with client(url, url.partition("=")[2]) as api:
            where = half_begun(api, 1_000_000)
            connection.sendall(whole_chunk(url, where, 1_000_000) + b"x" * 70_000)
            end = time.monotonic() + LONG
            while not received(api, where):
                assert time.monotonic() < end
        server.send_signal(number)
        answer = told(connection)
    assert answer.startswith("HTTP/1.1 503 ")
    assert "continue the upload" in answer
    assert "x-content-type-options: nosniff" in answer
    assert server.wait(LONG) == 0
    log = server.communicate()[1]
    assert "Traceback" not in log
    assert "Cancel" not in log


def children(server):
    tasks = Path(f"/proc/{server.pid}/task").iterdir()
    return {child for task in tasks for child in (task / "children").read_text().split()}


def test_it_answers_and_ends_while_recordings_take_long_to_decode(serve):  # noqa: F811
    server, url = serve()
    bomb = bombs.wav(1, 1, b"\x80\x90" * 1_000_000)  # 2 million seconds
    with ExitStack() as opened:
        for number in range(6):
            connection = opened.enter_context(connected(url))
            connection.sendall(upload(url, f"{number}.wav", len(bomb)) + bomb)
        end = time.monotonic() + LONG
        while not children(server):
            assert time.monotonic() < end
        decoding = children(server)
        assert httpx.get(url.partition("?")[0] + "health", timeout=LONG).status_code == 200
        server.terminate()
        assert server.wait(LONG) == 0
    assert "Traceback" not in server.communicate()[1]
    while any(Path(f"/proc/{child}").exists() for child in decoding):
        assert time.monotonic() < end + LONG


def test_a_request_with_two_lengths_is_the_last_on_its_connection(serve):  # noqa: F811
    url = serve()[1]
    with connected(url) as connection:
        lengths = {"content_length": 5, "transfer_encoding": "chunked"}
        ask = headers(url, "POST /trainings", content_type="application/json", **lengths)
        connection.sendall(ask + b"0\r\n\r\n" + headers(url, "GET /health"))
        answer = told(connection)
    assert answer.startswith("HTTP/1.1 400 ")
    assert answer.count("HTTP/1.1 ") == 1


def test_what_is_no_http_is_refused_with_all_security_headers(serve):  # noqa: F811
    server, url = serve("--client-timeout=0.5")
    for nonsense in (
        b"\x16\x03\x01\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"x" * 70_000 + b"\r\n\r\n",
    ):
        with connected(url) as connection:
            connection.sendall(nonsense)
            answer = told(connection)
        assert answer.startswith("HTTP/1.1 4") or not answer
        assert not answer or "content-security-policy: default-src 'none'" in answer
    server.terminate()
    assert "Invalid HTTP" not in server.communicate()[1]
