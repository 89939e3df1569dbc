"""Middleware: checks of host and origin, security headers; and a rate limiter."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .._log import get_logger
from . import error_answers, request_ids
from .error_answers import ErrorCode

log = get_logger(__name__)

LOOPBACK = ("127.0.0.1", "localhost", "::1")

#: Paths without a host check: probes use the address instead of a name.
ANY_HOST = frozenset({"/health"})

#: Maximum characters of a host name that an answer repeats.
_HOST = 100

_FOREIGN = "cross-site request rejected: add the site to origins"

_BUG = "The server failed. Its log says why."

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

#: Uploads are served from the same origin, so scripts in them must not run.
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data: blob: https:; media-src 'self' blob: https:; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(self), microphone=(self), geolocation=(), payment=(), usb=()",
    "cross-origin-resource-policy": "same-origin",
}


#: Headers that browsers obey in documents only, and types of files that are never documents: a page
#: loads some of those before it can be used, and each such header is bytes of a slow network.
_OF_DOCUMENTS = frozenset(HEADERS) - {"x-content-type-options", "cross-origin-resource-policy"}
_PARTS_OF_PAGES = ("text/javascript", "text/css")


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
        prefix: str = "",
        open_paths: tuple[str, ...] = ("/webhooks/",),
    ) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)
        self._origins = frozenset(origins)
        self._prefix = prefix
        self._open = open_paths
        self._added = dict(HEADERS)
        if origins:  # their pages may embed our media
            self._added["cross-origin-resource-policy"] = "cross-origin"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Reject the request, or pass it on and add headers to the response."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = request_ids.new(Headers(scope=scope).get("x-request-id"))
        with request_ids.bound(request_id):
            await self._guarded(
                _meant(self._placed(scope)),
                receive,
                send,
                {**self._added, "x-request-id": request_id},
            )

    def _placed(self, scope: Scope) -> Scope:
        """Return the scope with the path that clients see, which a proxy may have stripped."""
        prefix, path = self._prefix, str(scope["path"])
        if not prefix:
            return scope
        whole = path if path == prefix or path.startswith(f"{prefix}/") else prefix + path
        return {**scope, "root_path": prefix, "path": whole}

    async def _guarded(
        self, scope: Scope, receive: Receive, send: Send, added: Mapping[str, str]
    ) -> None:
        started = False

        async def guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                part = headers.get("content-type", "").startswith(_PARTS_OF_PAGES)
                for name, value in added.items():
                    if not (part and name in _OF_DOCUMENTS):
                        headers.setdefault(name, value)
            await send(message)

        if problem := self._problem(scope):
            await error_answers.answer(*problem, root=_root(scope))(scope, receive, guarded)
            return
        try:
            await self._app(scope, receive, guarded)
        except Exception as error:  # a server's own log would hold the traceback unredacted
            log.exception("server.failed", error=type(error).__name__)
            if not started:
                failed = error_answers.answer(ErrorCode.SERVER_FAILED, _BUG, root=_root(scope))
                await failed(scope, receive, guarded)

    def _problem(self, scope: Scope) -> tuple[ErrorCode, str] | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        known = "*" in self._hosts or _name(host) in self._hosts
        if not known and path not in ANY_HOST:
            return ErrorCode.UNKNOWN_HOST, f"unknown host {host[:_HOST]!r}: add it to hosts"
        if scope["method"] in _SAFE or path.startswith(self._open):
            return None
        origin = headers.get("origin")
        if origin is None:
            foreign = headers.get("sec-fetch-site") in {"cross-site", "same-site"}
        else:
            foreign = origin.partition("://")[2] != host and origin not in self._origins
        return (ErrorCode.CROSS_SITE, _FOREIGN) if foreign else None


def _meant(scope: Scope) -> Scope:
    """Return the scope with the method that a tus client means: some networks know POST only."""
    headers = Headers(scope=scope)
    meant = headers.get("x-http-method-override")
    known = scope["method"] == "POST" and meant in {"PATCH", "DELETE"}
    return {**scope, "method": meant} if known and "tus-resumable" in headers else scope


def _root(scope: Scope) -> str:
    return str(scope.get("root_path", ""))


def _name(host: str) -> str:
    """Return the name in a Host header without its port; empty if it is invalid."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """Number of ``requests`` in ``seconds``."""

    requests: int
    seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Standing:
    """Requests that a source has left in this window, and seconds until the window ends."""

    limit: int
    remaining: int
    seconds: float

    def after_one(self) -> Standing:
        """Return what is left after one more request."""
        return replace(self, remaining=self.remaining - 1)

    def headers(self) -> dict[str, str]:
        """Return the headers that tell a client of it."""
        reset = str(math.ceil(self.seconds))
        return {
            "ratelimit-limit": str(self.limit),
            "ratelimit-remaining": str(self.remaining),
            "ratelimit-reset": reset,
        }


class RateLimiter:
    """Counts the requests of each source in windows of time."""

    _KNOWN = 4096  #: number of sources remembered

    def __init__(self, limit: RateLimit) -> None:
        self._limit = limit
        self._counted: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def standing(self, source: str, now: float) -> Standing:
        """Return what a source has left."""
        since, count = self._window(source, now)
        left = max(0, self._limit.requests - count)
        return Standing(self._limit.requests, left, since + self._limit.seconds - now)

    def count(self, source: str, now: float) -> None:
        """Count one request."""
        since, count = self._window(source, now)
        self._counted[source] = since, count + 1
        self._counted.move_to_end(source)
        if len(self._counted) > self._KNOWN:
            self._counted.popitem(last=False)

    def _window(self, source: str, now: float) -> tuple[float, int]:
        since, count = self._counted.get(source, (now, 0))
        return (since, count) if now - since < self._limit.seconds else (now, 0)
