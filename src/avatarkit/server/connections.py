"""Connections of ``avatarkit serve``: limits on their number and on slow clients, for uvicorn.

A client must send its headers within ``client_timeout`` seconds, and then 500 bytes a second of its
body, or read as much of the answer. More connections than the limit are answered 503.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, cast

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

from .._log import get_logger
from . import error_answers, request_ids
from .error_answers import ErrorCode
from .guards import HEADERS

if sys.platform == "win32":
    resource = None
else:
    import resource

log = get_logger(__name__)

#: Bytes that a client must send or read in each second, on average over ``client_timeout``.
_RATE = 500

#: Files that are open beside connections and uploads: database, libraries, threads.
_OWN_FILES = 64

#: Seconds for which a refused client may read its answer, and seconds between two log entries.
_LINGER, _LOG_PAUSE = 1.0, 60.0

_STOPPING = "The server is stopping. Try again, or continue the upload, in a moment."


@dataclass(slots=True)
class Limits:
    """Limits on connections, and their log."""

    connections: int
    client_timeout: float  #: seconds
    refused: int = 0  #: since the last log entry
    logged: float = field(default=-_LOG_PAUSE)

    def refuse(self, now: float) -> None:
        """Count a refused connection; log one entry a minute."""
        self.refused += 1
        if now - self.logged >= _LOG_PAUSE:
            log.warning("server.full", connections=self.connections, refused=self.refused)
            self.logged, self.refused = now, 0


def open_files() -> int:
    """Raise the soft limit on open files to the hard limit; return it, or -1 if there is none."""
    if resource is None:  # sockets of Windows are no files
        return -1
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError):  # the system's maximum is lower
        return soft
    return hard


def fitting(files: int, connections: int) -> tuple[int, int]:
    """Return the number of connections that fit, and of those accepted at once.

    An upload needs two files. Accepted connections stay open for up to four rounds of the event
    loop until they are counted.
    """
    if files < 0:  # unlimited
        return connections, 2048
    burst = min(2048, max(8, files // 64))
    return max(1, min(connections, (files - _OWN_FILES - 4 * burst) // 2)), burst


class LimitedProtocol(H11Protocol):
    """HTTP/1.1 connection with limits; ``limits`` is set by a subclass.

    The server calls ``check`` some times a second.
    """

    limits: Limits

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count the connection; answer 503 above the limit."""
        super().connection_made(transport)
        self._received = 0
        self._resumed = 0
        self._phase: tuple[object, ...] = ()
        self._since, self._progress = time.monotonic(), 0
        over = len(self.connections) - self.limits.connections
        self._refused = over > 0
        if not self._refused:
            return
        self.limits.refuse(self._since)
        if over > self.limits.connections // 4 + 8:
            transport.abort()
            return
        message = "The server has too many connections. Try again later."
        transport.write(_answer(ErrorCode.SERVER_BUSY, message, 30))
        try:
            transport.write_eof()  # closing at once could discard the answer
        except OSError:  # the client has gone
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Count bytes; close after a request whose length is ambiguous (RFC 9112, 6.3)."""
        if self._refused:
            return
        self._received += len(data)
        super().data_received(data)
        named = {name for name, _ in self.headers or ()}
        if self._cycle is not None and {b"content-length", b"transfer-encoding"} <= named:
            self._cycle.keep_alive = False

    @property
    def _cycle(self) -> RequestResponseCycle | None:
        """The request that is being answered, or the last one; None before the first."""
        return self.cycle

    def resume_writing(self) -> None:
        """Note that the client has read."""
        self._resumed += 1
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Answer a request that is not HTTP."""
        self._end(ErrorCode.INVALID_REQUEST, msg)

    def check(self, now: float) -> None:
        """Close the connection if its client is too slow."""
        phase, progress = self._waits()
        if phase != self._phase:
            self._phase, self._since, self._progress = phase, now, progress
            return
        limit = _LINGER if self._refused else self.limits.client_timeout
        if not phase or now - self._since < limit:
            return
        if phase[0] == "body" and progress - self._progress >= _RATE * limit:
            self._since, self._progress = now, progress
        elif phase[0] in {"head", "body"} and self._received:
            self._end(
                ErrorCode.REQUEST_TIMEOUT, "The request did not arrive in time. Send it again."
            )
        else:
            self.transport.abort()

    def _waits(self) -> tuple[tuple[object, ...], int]:
        """Return what the client is waited for, if anything, and the bytes that came of it."""
        if self._refused or self.transport.is_closing():
            return ("closing", self.transport.get_write_buffer_size()), 0
        if self.flow.write_paused:
            return ("reading", self._resumed), 0
        cycle = self._cycle
        if cycle is None or cycle.response_complete:
            return ("head", id(cycle)), 0
        if cycle.more_body and not self.flow.read_paused:
            return ("body", id(cycle)), self._received
        return (), 0

    def _end(self, code: ErrorCode, message: str) -> None:
        cycle = self._cycle
        if cycle is None or not cycle.response_started or cycle.response_complete:
            self.transport.write(_answer(code, message))
        self.transport.close()


def _outside(
    code: ErrorCode, message: str, retry_after: float | None = None
) -> tuple[int, dict[str, str], bytes]:
    """Build status, headers and body of an error that the app does not answer."""
    request_id, status = request_ids.current(), error_answers.CODES[code].status
    body = json.dumps(error_answers.body(code, message, request_id=request_id)).encode()
    told = {
        "content-type": "application/json",
        "content-length": str(len(body)),
        "connection": "close",
        "x-request-id": request_id,
        **HEADERS,
        **error_answers.headers(status, retry_after),
    }
    return status, told, body


def _answer(code: ErrorCode, message: str, retry_after: float | None = None) -> bytes:
    """Build a whole response outside of the app."""
    status, told, body = _outside(code, message, retry_after)
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [f"{name}: {value}" for name, value in told.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


class Stopping:
    """Answers 503 if the server cancels a request because it stops; what was stored is kept."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except asyncio.CancelledError:
            if scope["type"] != "http" or started:
                return
            status, told, body = _outside(ErrorCode.SERVER_BUSY, _STOPPING)
            headers = [(k.encode(), v.encode()) for k, v in told.items()]
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body})


def protocol(limits: Limits) -> type[LimitedProtocol]:
    """Return the protocol class of a server with these limits."""
    return cast("type[LimitedProtocol]", type("Limited", (LimitedProtocol,), {"limits": limits}))


def check_all(connections: Any) -> None:
    """Close all connections whose clients are too slow."""
    now = time.monotonic()
    for connection in list(connections):
        connection.check(now)
