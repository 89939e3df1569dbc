"""What every request passes: the right host, no stranger's page; headers on its way out."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["ANY_HOST", "LOOPBACK", "Guard", "Strangers"]

LOOPBACK = ("127.0.0.1", "localhost", "::1")

#: Paths that are answered whatever the Host: probes ask by address.
ANY_HOST = frozenset({"/health"})

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

#: Uploads are served from the same origin, so nothing in them may run.
_HEADERS = {
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
    """Refuses foreign hosts and requests that another origin's page makes.

    The Host is checked against DNS rebinding. What changes something must come from the app's own
    pages, from ``origins``, or from no page at all. Webhooks come from anywhere: they are known by
    the secret in their path.
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
        self._added = dict(_HEADERS)
        if origins:  # their pages show media of ours
            self._added["cross-origin-resource-policy"] = "cross-origin"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on with headers added to the answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if problem := self._problem(scope):
            status, message = problem
            shape = {"error": {"type": "Forbidden", "message": message}}
            await JSONResponse(shape, status)(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._added.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, guarded)

    def _problem(self, scope: Scope) -> tuple[int, str] | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        known = "*" in self._hosts or _name(host) in self._hosts
        if not known and path not in ANY_HOST:
            return 421, "this server does not answer for that host: name it in hosts"
        if scope["method"] in _SAFE or path.startswith(self._open):
            return None
        origin = headers.get("origin")
        if origin is None:
            foreign = headers.get("sec-fetch-site") in {"cross-site", "same-site"}
        else:
            foreign = origin.partition("://")[2] != host and origin not in self._origins
        return (403, "another site's page may not do that") if foreign else None


def _name(host: str) -> str:
    """The name in a Host header, without its port; empty for what is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


class Strangers:
    """Bounds how often a source may be refused, ``limit`` times in ``seconds``."""

    _KNOWN = 4096  #: sources that are remembered

    def __init__(self, limit: int = 30, seconds: float = 60.0) -> None:
        self._limit, self._seconds = limit, seconds
        self._refused: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def blocked(self, source: str, now: float) -> bool:
        """Whether it has been refused too often lately."""
        since, count = self._refused.get(source, (now, 0))
        return count >= self._limit and now - since < self._seconds

    def refuse(self, source: str, now: float) -> None:
        """Count a refusal."""
        since, count = self._refused.pop(source, (now, 0))
        self._refused[source] = (now, 1) if now - since >= self._seconds else (since, count + 1)
        if len(self._refused) > self._KNOWN:
            self._refused.popitem(last=False)
