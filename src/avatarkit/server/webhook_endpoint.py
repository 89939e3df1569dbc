"""Webhook endpoint: verifies, stores and acknowledges a delivery; it is applied afterwards."""

from __future__ import annotations

import hmac
import time

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from .._log import cleaned, get_logger
from .._text import flaw, nested
from ..errors import ConfigError, StorageError, WebhookRejected
from ..kit import AvatarKit
from ..stacks import registry
from ..webhooks import Delivery
from . import error_answers
from .bodies import MAX_JSON, TooLarge, limited
from .error_answers import ErrorCode
from .guards import RateLimit, RateLimiter
from .running import KitRunner

log = get_logger(__name__)

#: Rejected deliveries after which a source is blocked.
_REJECTED = RateLimit(30, 60.0)

_TYPES = frozenset({"", "application/json", "text/json", "text/plain"})
#: Maximum characters of a callback ID.
_LONGEST_JOB = 200
_UNKNOWN = ErrorCode.NOT_FOUND, "unknown webhook address"


class WebhookEndpoint:
    """``POST /webhooks/{provider}/{secret}?job=<callback ID>``.

    A delivery is stored before it is acknowledged. After 30 rejected deliveries in a minute, the
    provider is blocked until the minute ends; so are all clients without the secret together.
    """

    def __init__(self, kit: AvatarKit, secret: str, runner: KitRunner) -> None:
        self._kit = kit
        self._secret = secret.encode()
        self._runner = runner
        self._limiter = RateLimiter(_REJECTED)
        self._names: frozenset[str] = frozenset()  # of all providers, filled on first use

    async def answer(self, request: Request) -> Response:
        """Store a delivery; 200 also for one that is stored already."""
        given = request.path_params["secret"].encode(errors="replace")
        known = hmac.compare_digest(given, self._secret)
        # No client counts by its address, which a header may change: those without the secret
        # are one, and those with it are as many as there are providers.
        source = request.path_params["provider"] if known else ""
        standing = self._limiter.standing(source, time.monotonic())
        if not standing.remaining:
            return error_answers.answer(
                ErrorCode.RATE_LIMITED,
                "too many rejected deliveries",
                retry_after=standing.seconds,
                more=standing.headers(),
            )
        try:
            problem = await self._store(request) if known else _UNKNOWN
        except TooLarge:
            problem = ErrorCode.BODY_TOO_LARGE, f"the body is larger than {MAX_JSON} bytes"
        if problem is None:
            return JSONResponse({"ok": True})
        self._limiter.count(source, time.monotonic())
        return error_answers.answer(*problem)

    async def _store(self, request: Request) -> tuple[ErrorCode, str] | None:
        """Store a delivery; return code and message if it is rejected."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in _TYPES:
            return ErrorCode.UNSUPPORTED_MEDIA_TYPE, "send application/json"
        body = await limited(request, MAX_JSON)
        if nested(body):
            return ErrorCode.INVALID_REQUEST, "the JSON is nested too deep"
        provider, delivery = request.path_params["provider"], Delivery(body, dict(request.headers))
        token = request.query_params.get("job") if request.scope["query_string"] else None
        if token is not None and (len(token) > _LONGEST_JOB or flaw(token)):
            return ErrorCode.INVALID_REQUEST, "the job parameter is none of ours"
        receive = self._kit.webhooks.receive
        try:
            await self._runner.answered(
                lambda: receive(provider, delivery, token=token, apply=False)
            )
        except WebhookRejected:
            return ErrorCode.WEBHOOK_REJECTED, "the signature is missing or invalid"
        except ConfigError as error:
            if not self._names:  # scanning all installed packages takes time
                rows = await anyio.to_thread.run_sync(registry.listing)
                self._names = frozenset(row.name for row in rows)
            if provider not in self._names:
                return _UNKNOWN
            # The provider's key or package is missing here: 503 makes the vendor send it again.
            log.error("webhook.not_taken", provider=provider, reason=cleaned(str(error)))  # noqa: TRY400
            raise StorageError("a delivery cannot be stored now") from error
        self._runner.delivered()
        return None
