"""HTTP client: one request, its outcome and its retries.

A billable call is sent once. It ends with an answer, with an error that proves that the vendor did
not accept it, or with ``Ambiguous``. Free calls are retried. Redirects of calls are not followed.
Error messages never contain a key, a query string or a whole answer.
"""

from __future__ import annotations

import asyncio
import email.utils
import logging
import os
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache
from http.cookiejar import CookieJar
from typing import Any, TypeVar, cast

import anyio
import httpx
import stamina
from stamina import instrumentation

from .. import _telemetry, errors
from .._log import cleaned
from .._text import mended, read_json
from ..interfaces import TURN
from ..models import nothing_to_guard

Client = httpx.AsyncClient
HttpRequest = httpx.Request
T = TypeVar("T")
#: Attempts of a free call.
_ATTEMPTS = 4
#: Maximum of a vendor's Retry-After within one free call, in seconds.
_LONGEST_WAIT = 60.0
_DAY = 86_400.0


class _NoCookies(CookieJar):
    """Cookie jar that stays empty: an answer must not influence the calls of other users."""

    def extract_cookies(self, response: Any, request: Any) -> None:
        """Ignore the cookies; parsing them costs 5 % of a call."""


class _LoopClient(httpx.AsyncClient):
    """Client that connects again in another event loop or process: connections belong to one."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._settings = settings
        self._home: tuple[int, object] | None = None

    async def send(self, request: httpx.Request, **more: Any) -> httpx.Response:
        """Send a request, with connections of this event loop."""
        home = os.getpid(), asyncio.get_running_loop()
        if self._home not in (None, home) and not self.is_closed:
            super().__init__(**self._settings)
        self._home = home
        return await super().send(request, **more)


def new_client(*, timeout: float = 60.0) -> Client:
    """Return a new client; ``timeout`` limits each read and write, in seconds."""
    limits = httpx.Timeout(timeout, connect=10.0)
    return _LoopClient(timeout=limits, follow_redirects=False, cookies=_NoCookies())


#: Errors before the connection was made: no byte of the request was sent.
_NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)
#: Statuses that prove that a billable call was not accepted; others prove nothing.
_PROVE_REFUSAL = frozenset({400, 401, 402, 403, 404, 413, 415, 422, 429, 451})
#: Error for each status; any other 4xx is ``Refused``, any 5xx ``Unavailable``.
_BY_STATUS: Mapping[int, type[errors.ProviderError]] = {
    401: errors.AuthError,
    402: errors.QuotaError,
    403: errors.AuthError,
    404: errors.NotFound,
    408: errors.Unavailable,
    410: errors.NotFound,
    425: errors.Unavailable,
    429: errors.RateLimited,
}
_REQUEST_IDS = ("x-request-id", "request-id", "x-amzn-requestid", "x-trace-id", "cf-ray")


@dataclass(frozen=True, slots=True)
class Explanation:
    """Error details from a vendor's answer.

    ``kind`` is None for an unknown error code; then the status decides. ``status`` is set if the
    body has another status than the HTTP answer.
    """

    kind: type[errors.ProviderError] | None = None
    code: str | None = None
    message: str = ""
    status: int | None = None


def _unexplained(status: int, body: Any) -> Explanation:
    del status, body
    return Explanation()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Properties of a request: provider, operation, cost, timeouts and error handling."""

    provider: str
    operation: str
    billable: bool = False
    timeout: float = 60.0  #: seconds for one attempt, including the answer
    attempts: int = _ATTEMPTS  #: maximum, if the call is free
    guard: Callable[[], None] = nothing_to_guard  #: may raise ``NotSent`` at the first byte
    explain: Callable[[int, Any], Explanation] = _unexplained
    redact: Callable[[str], str] = cleaned  #: removes secrets from a text

    def error(
        self, kind: type[errors.ProviderError], message: str, **facts: Any
    ) -> errors.ProviderError:
        """Build an error of this call."""
        told = mended(self.redact(message))
        return kind(told, provider=self.provider, operation=self.operation, **facts)

    def unclear(self, message: str, **facts: Any) -> errors.ProviderError:
        """Build the error of a success with a malformed answer: ``Ambiguous`` for a paid call."""
        kind = errors.Ambiguous if self.billable else errors.BadReply
        return self.error(kind, message, **facts)

    def refusal(self, response: httpx.Response) -> errors.ProviderError:
        """Build the error of an unsuccessful answer, by the vendor's code, then by the status."""
        body = _body(response)
        told = self.explain(response.status_code, body)
        status = told.status or response.status_code
        kind = told.kind or _by_status(status)
        proved = told.kind is not None or status in _PROVE_REFUSAL
        if self.billable and (kind is errors.Unavailable or not proved):
            kind = errors.Ambiguous
        return self.error(
            kind,
            told.message or _phrase(response),
            status=status,
            code=told.code,
            retry_after=retry_after(response.headers),
            request_id=self.request_id(response.headers),
            body=body,
        )

    def request_id(self, headers: Mapping[str, str]) -> str | None:
        """Return the request id for the vendor's support, if there is one."""
        found = _request_id(headers)
        return None if found is None else mended(self.redact(found))[:100]


def _by_status(status: int) -> type[errors.ProviderError]:
    if 300 <= status < 400:
        return errors.BadReply
    return _BY_STATUS.get(status, errors.Unavailable if status >= 500 else errors.Refused)


def _phrase(response: httpx.Response) -> str:
    if response.is_redirect:
        return "it answers with a redirect, which is not followed: check the base_url"
    return httpx.codes.get_reason_phrase(response.status_code) or "no reason given"


def _body(response: httpx.Response) -> Any:
    """Return the answer as JSON if possible, else as text."""
    try:
        return read_json(response.content) if response.content else {}
    except (ValueError, RecursionError):
        return response.text


_WAITS = ("retry-after", "ratelimit-reset", "x-ratelimit-reset")
_RATE_LIMIT = re.compile(r"(?:reset=|;\s*t=)([0-9]+)")
_SINCE_1970 = 1e9  # seconds; a larger number is a time


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Parse a Retry-After or a RateLimit header, as seconds or as a time; a day at most."""
    value = next((headers[name] for name in _WAITS if headers.get(name)), "").strip()
    if told := _RATE_LIMIT.search(headers.get("ratelimit", "")):  # an IETF draft, two versions
        value = value or told[1]
    try:
        if re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
            seconds = float(value)
            seconds -= time.time() if seconds > _SINCE_1970 else 0.0
        elif (when := email.utils.parsedate_tz(value)) is not None:
            seconds = email.utils.mktime_tz(when) - time.time()
        else:
            return None
    except (ValueError, OverflowError):
        return None
    return min(max(0.0, seconds), _DAY)


def _request_id(headers: Mapping[str, str]) -> str | None:
    return next((headers[name] for name in _REQUEST_IDS if headers.get(name)), None)


@dataclass(slots=True)
class _Departure:
    """Observer of a request's first byte: calls the guard, and records that it was sent."""

    guard: Callable[[], None]
    watched: bool = False  #: True if the transport reports events; a scripted one does not
    left: bool = False

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Handle an event of the transport, which reports it in advance."""
        self.watched = True
        if event.endswith(".send_request_headers.started"):
            self.guard()
            request = info["request"]
            if request.method != b"CONNECT":  # a request to the proxy
                self.left = True
                request.extensions.pop("trace", None)  # later events are not needed

    def never_left(self, error: Exception) -> bool:
        """Return True if the error proves that no byte reached the vendor."""
        return isinstance(error, _NEVER_LEFT) or (self.watched and not self.left)


#: True while one of our requests is in progress.
_ours: ContextVar[bool] = ContextVar("avatarkit_request_under_way", default=False)


def _not_ours(_record: logging.LogRecord) -> bool:
    return not _ours.get()


# The client would log every URL with its query, including signed links.
for _name in ("httpx", "httpcore.http11", "httpcore.http2", "httpcore.proxy"):
    logging.getLogger(_name).addFilter(_not_ours)
# A library does not print: without a handler, retries would be logged to stderr.
logging.getLogger("stamina").addHandler(logging.NullHandler())


async def send_once(client: Client, request: HttpRequest, *, streamed: bool) -> httpx.Response:
    """Send once, without logs; raises httpx's errors alone."""
    token = _ours.set(True)
    try:
        with _telemetry.uninstrumented():
            return await client.send(request, stream=streamed, follow_redirects=False)
    except UnicodeError as error:  # httpx reads the address of a redirect that is not followed
        raise httpx.RemoteProtocolError(
            "it redirects to an address that is none", request=request
        ) from error
    finally:
        _ours.reset(token)


@lru_cache(maxsize=256)
def parsed(url: str) -> httpx.URL:
    """Parse a URL once; for functions that are called for each change."""
    return httpx.URL(url)


async def send(client: Client, request: HttpRequest, call: Call) -> dict[str, Any]:
    """Send, and return the JSON object of the answer; empty for an empty answer.

    A billable call is sent once. It raises ``NotSent`` if provably no byte reached the vendor, a
    refusal if the vendor provably did not accept it, and otherwise ``Ambiguous``. A free call is
    sent up to four times, and raises ``Unavailable``, ``BadReply`` or a refusal.
    """
    return await retried(call, lambda: _object(client, request, call))


async def send_any(client: Client, request: HttpRequest, call: Call) -> Any:
    """Send as ``send`` does, and return any JSON; None for 204, no content."""
    return await retried(call, lambda: _json(client, request, call))


async def retried(call: Call, attempt: Callable[[], Awaitable[T]]) -> T:
    """Run an attempt, and retry it if the call is free and the error is retryable."""
    try:
        return await attempt()
    except errors.ProviderError as error:
        if call.billable:
            raise
        failed = error
    # Only now, because the retry context costs 10 % of a call.
    async for again in stamina.retry_context(on=_wait, attempts=call.attempts, timeout=None):
        with again:
            if again.num == 1:
                raise failed
            return await attempt()
    raise AssertionError  # stamina yields or raises


def _wait(error: Exception) -> bool | float:
    """Tell stamina to retry or not, or the seconds to wait."""
    if not (isinstance(error, errors.ProviderError) and error.retryable):
        return False
    _keep_stdout_clean()
    return True if error.retry_after is None else min(error.retry_after, _LONGEST_WAIT)


def _keep_stdout_clean() -> None:
    """Make stamina use logging while structlog is not configured, because that would print."""
    import structlog  # here: it takes longer to load than the rest of a first call

    hooks = instrumentation.get_on_retry_hooks()
    printing = instrumentation.StructlogOnRetryHook.hook_factory.__module__
    others = [hook for hook in hooks if getattr(hook, "__module__", "") != printing]
    if len(others) < len(hooks) and not structlog.is_configured():
        instrumentation.set_on_retry_hooks([*others, instrumentation.LoggingOnRetryHook])


async def _json(client: Client, request: HttpRequest, call: Call) -> Any:
    response = await _answer(client, request, call, streamed=False)
    try:
        return None if response.status_code == 204 else read_json(response.content)
    except (ValueError, RecursionError):
        raise _unclear(call, "the answer is not JSON", response) from None


async def _object(client: Client, request: HttpRequest, call: Call) -> dict[str, Any]:
    response = await _answer(client, request, call, streamed=False)
    body = _body(response)
    if not isinstance(body, dict):
        raise _unclear(call, "the answer is not a JSON object", response)
    return cast("dict[str, Any]", body)


def _unclear(call: Call, what: str, response: httpx.Response) -> errors.ProviderError:
    return call.unclear(
        what,
        status=response.status_code,
        request_id=call.request_id(response.headers),
        body=_body(response),
    )


async def _answer(
    client: Client, request: HttpRequest, call: Call, *, streamed: bool
) -> httpx.Response:
    """Send once, after the rate limit; return a success, with an open body if ``streamed``."""
    turn = TURN.get()
    if turn is not None and turn.provider == call.provider:
        await turn.wait()
    departure = _Departure(call.guard)
    if call.billable or call.guard is not nothing_to_guard:  # an observer costs time
        request.extensions = {**request.extensions, "trace": departure.trace}
    try:
        with anyio.fail_after(call.timeout):
            call.guard()
            response = await send_once(client, request, streamed=streamed)
            if not response.is_success:
                await response.aread()
    except (httpx.RequestError, TimeoutError) as error:
        raise _lost(call, departure, error) from error
    except (errors.AvatarKitError, OSError) as error:  # from the guard, or from a file that is read
        if call.billable and departure.left:
            raise call.error(errors.Ambiguous, "it broke off while it was sent") from error
        raise
    if not response.is_success:
        await response.aclose()
        raise call.refusal(response)
    return response


def _lost(call: Call, departure: _Departure, error: Exception) -> errors.ProviderError:
    """Build the error of a request without an answer."""
    what = "no answer in time" if isinstance(error, TimeoutError) else type(error).__name__
    if isinstance(error, httpx.DecodingError):
        return call.unclear("the answer cannot be decoded")
    if not call.billable:
        return call.error(errors.Unavailable, f"it cannot be reached ({what})")
    if departure.never_left(error):
        return call.error(errors.NotSent, f"it cannot be reached ({what}); nothing was sent")
    return call.error(errors.Ambiguous, f"it was sent, and no clear answer came ({what})")


@dataclass(frozen=True, slots=True)
class Streamed:
    """Answer with a streamed body; ``chunks`` must be read or closed."""

    media_type: str
    headers: Mapping[str, str] = field(repr=False)
    chunks: AsyncIterator[bytes] = field(repr=False)


async def stream(client: Client, request: HttpRequest, call: Call) -> Streamed:
    """Send as ``send`` does, and return as soon as the answer begins.

    If the body ends early, reading it raises ``Ambiguous`` for a billable call and ``Unavailable``
    for a free one.
    """
    response = await retried(call, lambda: _answer(client, request, call, streamed=True))
    media_type = response.headers.get("content-type", "").partition(";")[0].strip()
    chunks = _chunks(response, call)
    return Streamed(media_type or "application/octet-stream", response.headers, chunks)


async def _chunks(response: httpx.Response, call: Call) -> AsyncIterator[bytes]:
    try:
        async for chunk in response.aiter_bytes():
            yield chunk
    except httpx.RequestError as error:
        kind = errors.Ambiguous if call.billable else errors.Unavailable
        raise call.error(kind, f"the answer ended early ({type(error).__name__})") from error
    finally:
        with anyio.CancelScope(shield=True):
            await response.aclose()
