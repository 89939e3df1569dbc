"""Middleware: checks of host and origin, security headers; and a rate limiter."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .._log import get_logger

log = get_logger(__name__)

LOOPBACK = ("127.0.0.1", "localhost", "::1")

#: Paths without a host check: probes use the address instead of a name.
ANY_HOST = frozenset({"/health"})

#: Maximum characters of a host name that an answer repeats.
_HOST = 100

_BUG = "The server failed. Its log says why."

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

#: Uploads are served from the same origin, so scripts in them must not run.
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data: https:; media-src 'self' blob: https:; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
}


class Guard:
    """Rejects unknown hosts (DNS rebinding) and cross-site requests (CSRF).

    Requests that change something must come from the app's own pages, from ``origins``, or from a
    client that is not a browser. Webhooks are exempt: the secret in their path authenticates them.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Sequence[str],
        origins: Collection[str] = (),
        open_paths: tuple[str, ...] = ("/webhooks/",),
    ) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)
        self._origins = frozenset(origins)
        self._open = open_paths
        self._added = dict(HEADERS)
        if origins:  # their pages may embed our media
            self._added["cross-origin-resource-policy"] = "cross-origin"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Reject the request, or pass it on and add headers to the response."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in self._added.items():
                    headers.setdefault(name, value)
            await send(message)

        if problem := self._problem(scope):
            status, message = problem
            body = {"error": {"type": "Forbidden", "message": message}}
            await JSONResponse(body, status)(scope, receive, guarded)
            return
        try:
            await self._app(scope, receive, guarded)
        except Exception as error:  # a server's own log would hold the traceback unredacted
            log.exception("server.failed", error=type(error).__name__)
            if not started:
                body = {"error": {"type": "Error", "message": _BUG}}
                await JSONResponse(body, 500)(scope, receive, guarded)

    def _problem(self, scope: Scope) -> tuple[int, str] | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        known = "*" in self._hosts or _name(host) in self._hosts
        if not known and path not in ANY_HOST:
            return 421, f"unknown host {host[:_HOST]!r}: add it to hosts"
        if scope["method"] in _SAFE or path.startswith(self._open):
            return None
        origin = headers.get("origin")
        if origin is None:
            foreign = headers.get("sec-fetch-site") in {"cross-site", "same-site"}
        else:
            foreign = origin.partition("://")[2] != host and origin not in self._origins
        return (403, "cross-site request rejected: add the site to origins") if foreign else None


def _name(host: str) -> str:
    """Return the name in a Host header without its port; empty if it is invalid."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


class RateLimiter:
    """Blocks a source after ``limit`` rejected requests within ``seconds``."""

    _KNOWN = 4096  #: number of sources remembered

    def __init__(self, limit: int = 30, seconds: float = 60.0) -> None:
        self._limit, self._seconds = limit, seconds
        self._rejected: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def blocked(self, source: str, now: float) -> bool:
        """Return True if this source exceeded its limit."""
        since, count = self._rejected.get(source, (now, 0))
        return count >= self._limit and now - since < self._seconds

    def reject(self, source: str, now: float) -> None:
        """Count a rejected request."""
        since, count = self._rejected.pop(source, (now, 0))
        self._rejected[source] = (now, 1) if now - since >= self._seconds else (since, count + 1)
        if len(self._rejected) > self._KNOWN:
            self._rejected.popitem(last=False)
