"""The webhook route: known by its secret, bounded, kept before it is answered, applied after."""

from __future__ import annotations

import hmac
import time
from collections.abc import Awaitable, Callable

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .._log import cleaned, get_logger
from ..errors import ConfigError, StorageError, WebhookRejected
from ..kit import AvatarKit
from ..stacks import registry
from ..webhooks import Delivery
from .bodies import MAX_JSON, TooLarge, limited, nested
from .guards import Strangers

__all__ = ["Inbox"]

log = get_logger(__name__)

_TYPES = frozenset({"", "application/json", "text/json", "text/plain"})
_NOTHING = 404, "there is nothing here"


class Inbox:
    """``POST /webhooks/{provider}/{secret}?job=<token>``.

    A delivery is on the disk before it is answered; nothing of it is sent back. Who is refused
    too often is not listened to for a minute.
    """

    def __init__(
        self,
        kit: AvatarKit,
        secret: str,
        *,
        kept: Callable[[], None],
        ready: Callable[[], Awaitable[None]],
    ) -> None:
        self._kit = kit
        self._secret = secret.encode()
        self._kept = kept
        self._ready = ready
        self._strangers = Strangers()
        self._names: frozenset[str] = frozenset()  # of all providers, once they were asked for

    async def answer(self, request: Request) -> Response:
        """Take a delivery: 200 once it is kept, or known already."""
        given = request.path_params["secret"].encode(errors="replace")
        known = hmac.compare_digest(given, self._secret)
        # Who does not know the secret may share an address, a proxy's, with the vendor.
        source = f"{known} {request.client.host if request.client else ''}"
        if self._strangers.blocked(source, time.monotonic()):
            return _said(429, "too many refused deliveries", {"retry-after": "60"})
        try:
            problem = _NOTHING if not known else await self._take(request)
        except TooLarge:
            problem = 413, f"the body is larger than {MAX_JSON} bytes"
        if problem is None:
            return JSONResponse({"ok": True})
        self._strangers.refuse(source, time.monotonic())
        return _said(*problem)

    async def _take(self, request: Request) -> tuple[int, str] | None:
        """Keep a delivery, or say what is wrong with it."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in _TYPES:
            return 415, "send application/json"
        body = await limited(request, MAX_JSON)
        if nested(body):
            return 400, "the JSON is nested too deep"
        await self._ready()
        provider, delivery = request.path_params["provider"], Delivery(body, dict(request.headers))
        token = request.query_params.get("job") if request.scope["query_string"] else None
        try:
            await self._kit.webhooks.receive(provider, delivery, token=token, apply=False)
        except WebhookRejected:
            return 401, "the delivery is not signed as it should be"
        except ConfigError as error:
            if not self._names:  # to look through all installed packages takes time
                rows = await anyio.to_thread.run_sync(registry.listing)
                self._names = frozenset(row.name for row in rows)
            if provider not in self._names:
                return _NOTHING
            # Its key or package is missing here: the vendor is to send it again.
            log.error("webhook.not_taken", provider=provider, reason=cleaned(str(error)))  # noqa: TRY400
            raise StorageError("a delivery cannot be taken now") from error
        self._kept()
        return None


def _said(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    shape = {"error": {"type": "WebhookRejected", "message": message}}
    return JSONResponse(shape, status, headers=headers)
