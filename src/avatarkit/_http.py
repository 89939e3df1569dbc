"""The only module that imports the HTTP client: one request, its outcome, its retries, its bytes.

A billable call is sent once, and what comes of it is an answer, a proof that nothing was accepted,
or ``Ambiguous``. Free calls are sent again where that may help. Redirects of calls are not
followed. No message holds a key, a query string or a vendor's whole answer.
"""

from __future__ import annotations

import email.utils
import ipaddress
import logging
import re
import time
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Mapping,
    Sequence,
)
from contextlib import aclosing
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache
from http.cookiejar import CookieJar
from typing import Any, TypeVar
from uuid import uuid4

import anyio
import httpx
import stamina
import structlog
from stamina import instrumentation

from . import _telemetry, errors
from ._log import cleaned
from .interfaces import TURN, Fetcher, Link
from .models import Media, nothing_to_guard

__all__ = [
    "Call",
    "Client",
    "Explanation",
    "HttpFetcher",
    "Multipart",
    "Request",
    "Streamed",
    "Upload",
    "fetch",
    "look",
    "new_client",
    "parsed",
    "retried",
    "send",
    "send_any",
    "stream",
]

Client = httpx.AsyncClient
Request = httpx.Request
T = TypeVar("T")

#: How often a free call is sent, at most.
_ATTEMPTS = 4
#: Seconds that a vendor's Retry-After is waited for within one free call, at most.
_LONGEST_WAIT = 60.0
_DAY = 86_400.0


class _NoCookies(CookieJar):
    """Keeps none: what one answer sets must not decide what another person's call sends."""

    def extract_cookies(self, response: Any, request: Any) -> None:
        """Take none; to look for them costs a twentieth of a call."""


def new_client(*, timeout: float = 60.0) -> Client:
    """Return a client of our own; ``timeout`` bounds each read and write, in seconds."""
    limits = httpx.Timeout(timeout, connect=10.0)
    return Client(timeout=limits, follow_redirects=False, cookies=_NoCookies())


# -- what a failure means ---------------------------------------------------------------------

#: Failures before the connection stood: nothing of the request has left.
_NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)

#: These answers to a billable call prove that it was not accepted; any other proves nothing.
_PROVE_REFUSAL = frozenset({400, 401, 402, 403, 404, 413, 415, 422, 429, 451})

#: What a status means; any other 4xx is ``Refused``, any 5xx ``Unavailable``.
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
    """What a vendor says about a failure.

    ``kind`` is None where its own code says nothing that is known; then the status decides:
    ``status``, where the body tells another one than HTTP did.
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
    """What a request is to its caller: whose it is, what it may cost, how long it may take."""

    provider: str
    operation: str
    billable: bool = False
    timeout: float = 60.0  #: seconds; the whole of one attempt, its answer included
    attempts: int = _ATTEMPTS  #: how often it is sent, at most, where it is free
    guard: Callable[[], None] = nothing_to_guard  #: may raise ``NotSent`` at the last moment
    explain: Callable[[int, Any], Explanation] = _unexplained
    redact: Callable[[str], str] = cleaned  #: takes out what is secret, keys included

    def error(
        self, kind: type[errors.ProviderError], message: str, **facts: Any
    ) -> errors.ProviderError:
        """An error that says which call it is about."""
        told = self.redact(message)
        return kind(told, provider=self.provider, operation=self.operation, **facts)

    def unclear(self, message: str, **facts: Any) -> errors.ProviderError:
        """It succeeded, but what it says makes no sense: of a paid call that is a doubt."""
        kind = errors.Ambiguous if self.billable else errors.BadReply
        return self.error(kind, message, **facts)

    def refusal(self, response: httpx.Response) -> errors.ProviderError:
        """The error of an answer that is no success: by the vendor's code, then by the status."""
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
            retry_after=_retry_after(response.headers),
            request_id=self.request_id(response.headers),
            body=body,
        )

    def request_id(self, headers: Mapping[str, str]) -> str | None:
        """What the vendor's support asks for, where it is told."""
        found = _request_id(headers)
        return None if found is None else self.redact(found)[:100]


def _by_status(status: int) -> type[errors.ProviderError]:
    if 300 <= status < 400:
        return errors.BadReply
    return _BY_STATUS.get(status, errors.Unavailable if status >= 500 else errors.Refused)


def _phrase(response: httpx.Response) -> str:
    if response.is_redirect:
        return "it answers with a redirect, which is not followed: check the base_url"
    return httpx.codes.get_reason_phrase(response.status_code) or "no reason given"


def _body(response: httpx.Response) -> Any:
    """The answer as JSON where it is that, else as text."""
    try:
        return response.json() if response.content else {}
    except (ValueError, RecursionError):
        return response.text


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, told as a number or as a date; at most a day, whatever the vendor says."""
    value = (headers.get("retry-after") or headers.get("ratelimit-reset", "")).strip()
    try:
        if re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
            seconds = float(value)
        elif (when := email.utils.parsedate_tz(value)) is not None:
            seconds = email.utils.mktime_tz(when) - time.time()
        else:
            return None
    except (ValueError, OverflowError):
        return None
    return min(max(0.0, seconds), _DAY)


def _request_id(headers: Mapping[str, str]) -> str | None:
    return next((headers[name] for name in _REQUEST_IDS if headers.get(name)), None)


# -- one request ------------------------------------------------------------------------------


@dataclass(slots=True)
class _Departure:
    """Watches a request leave: calls the guard at the first byte, and remembers that it came."""

    guard: Callable[[], None]
    watched: bool = False  #: does the transport report at all? a scripted one does not
    left: bool = False

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Take what the transport reports, before it does it."""
        self.watched = True
        if event.endswith(".send_request_headers.started"):
            self.guard()
            request = info["request"]
            if request.method != b"CONNECT":  # that asks the proxy
                self.left = True
                request.extensions.pop("trace", None)  # what comes later need not be told

    def never_left(self, error: Exception) -> bool:
        """Whether the failure proves that the vendor has seen no byte."""
        return isinstance(error, _NEVER_LEFT) or (self.watched and not self.left)


#: Set while a request of ours is under way.
_ours: ContextVar[bool] = ContextVar("avatarkit_request_under_way", default=False)


def _not_ours(_record: logging.LogRecord) -> bool:
    return not _ours.get()


# The client logs every address with its query, and so every signed link.
for _name in ("httpx", "httpcore.http11", "httpcore.http2", "httpcore.proxy"):
    logging.getLogger(_name).addFilter(_not_ours)

# A library prints nothing: without a handler, repeats would be reported on stderr.
logging.getLogger("stamina").addHandler(logging.NullHandler())


async def _sent(client: Client, request: Request, *, streamed: bool) -> httpx.Response:
    """Send it once, unlogged."""
    token = _ours.set(True)
    try:
        with _telemetry.unseen():
            return await client.send(request, stream=streamed, follow_redirects=False)
    finally:
        _ours.reset(token)


@lru_cache(maxsize=256)
def parsed(url: str) -> httpx.URL:
    """The address, parsed once: of functions that are called for each change."""
    return httpx.URL(url)


async def send(client: Client, request: Request, call: Call) -> dict[str, Any]:
    """Send, and return the JSON object that comes back (empty where the answer is).

    A billable call is sent once. It raises ``NotSent`` where the vendor provably saw nothing of
    it, a refusal where the vendor provably did not accept it, and else ``Ambiguous``. A free call
    is sent up to four times, and raises ``Unavailable``, ``BadReply`` or a refusal.
    """
    return await retried(call, lambda: _object(client, request, call))


async def send_any(client: Client, request: Request, call: Call) -> Any:
    """Send as ``send`` does, and return the JSON that comes back; None for 204, no content."""
    return await retried(call, lambda: _json(client, request, call))


async def retried(call: Call, attempt: Callable[[], Awaitable[T]]) -> T:
    """Do it, and do it again where the call is free and that may help: see ``Call.attempts``."""
    try:
        return await attempt()
    except errors.ProviderError as error:
        if call.billable:
            raise
        failed = error
    # Only now, because to be ready for repeats costs a tenth of a call.
    async for again in stamina.retry_context(on=_wait, attempts=call.attempts, timeout=None):
        with again:
            if again.num == 1:
                raise failed
            return await attempt()
    raise AssertionError  # stamina yields or raises


def _wait(error: Exception) -> bool | float:
    """Decide for stamina: no, yes, or yes after so many seconds."""
    if not (isinstance(error, errors.ProviderError) and error.retryable):
        return False
    _keep_stdout_clean()
    return True if error.retry_after is None else min(error.retry_after, _LONGEST_WAIT)


def _keep_stdout_clean() -> None:
    """Have stamina report by logging for as long as structlog, unconfigured, would print."""
    hooks = instrumentation.get_on_retry_hooks()
    printing = instrumentation.StructlogOnRetryHook.hook_factory.__module__
    others = [hook for hook in hooks if getattr(hook, "__module__", "") != printing]
    if len(others) < len(hooks) and not structlog.is_configured():
        instrumentation.set_on_retry_hooks([*others, instrumentation.LoggingOnRetryHook])


async def _json(client: Client, request: Request, call: Call) -> Any:
    response = await _answer(client, request, call, streamed=False)
    try:
        return None if response.status_code == httpx.codes.NO_CONTENT else response.json()
    except (ValueError, RecursionError):
        raise _unclear(call, "the answer is not JSON", response) from None


async def _object(client: Client, request: Request, call: Call) -> dict[str, Any]:
    response = await _answer(client, request, call, streamed=False)
    body = _body(response)
    if not isinstance(body, dict):
        raise _unclear(call, "the answer is not a JSON object", response)
    return body


def _unclear(call: Call, what: str, response: httpx.Response) -> errors.ProviderError:
    return call.unclear(
        what,
        status=response.status_code,
        request_id=call.request_id(response.headers),
        body=_body(response),
    )


async def _answer(
    client: Client, request: Request, call: Call, *, streamed: bool
) -> httpx.Response:
    """Send once, when it is its turn; return a success, its body still open where ``streamed``."""
    turn = TURN.get()
    if turn is not None and turn.provider == call.provider:
        await turn.wait()
    departure = _Departure(call.guard)
    if call.billable or call.guard is not nothing_to_guard:  # to watch costs time
        request.extensions = {**request.extensions, "trace": departure.trace}
    try:
        with anyio.fail_after(call.timeout):
            call.guard()
            response = await _sent(client, request, streamed=streamed)
            if not response.is_success:
                await response.aread()
    except (httpx.RequestError, TimeoutError) as error:
        raise _lost(call, departure, error) from error
    except (errors.AvatarKitError, OSError) as error:  # raised by the guard, or by what is read
        if call.billable and departure.left:
            raise call.error(errors.Ambiguous, "it broke off while it was sent") from error
        raise
    if not response.is_success:
        await response.aclose()
        raise call.refusal(response)
    return response


def _lost(call: Call, departure: _Departure, error: Exception) -> errors.ProviderError:
    """The error of a request without an answer."""
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
    """An answer whose bytes are still coming; ``chunks`` must be read, or closed."""

    media_type: str
    headers: Mapping[str, str] = field(repr=False)
    chunks: AsyncIterator[bytes] = field(repr=False)


async def stream(client: Client, request: Request, call: Call) -> Streamed:
    """Send as ``send`` does, and return as soon as the answer begins.

    Where the bytes end early, reading them raises ``Ambiguous`` for a billable call and
    ``Unavailable`` for a free one.
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


# -- bodies -----------------------------------------------------------------------------------


class Multipart:
    """A form with files, streamed from where they lie; may be iterated anew for each attempt."""

    def __init__(self, fields: Mapping[str, Any], files: Sequence[tuple[str, Media]]) -> None:
        self._boundary = uuid4().hex
        self._fields = [self._head(name) + _form_text(v) for name, v in fields.items()]
        self._files = [
            (self._head(name, media.name) + _content_type(media), media) for name, media in files
        ]
        self._end = f"--{self._boundary}--\r\n".encode()

    @property
    def headers(self) -> dict[str, str]:
        """The content's type and length; a known length needs no chunked encoding."""
        length = sum(len(part) for part in self._fields) + len(self._end)
        length += sum(len(head) + media.size + 2 for head, media in self._files)
        return {
            "content-type": f"multipart/form-data; boundary={self._boundary}",
            "content-length": str(length),
        }

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Stream it; what the media store raises comes through as it is."""
        for part in self._fields:
            yield part
        for head, media in self._files:
            yield head
            async for chunk in media.open():
                yield chunk
            yield b"\r\n"
        yield self._end

    def _head(self, name: str, filename: str | None = None) -> bytes:
        given = "" if filename is None else f'; filename="{_quoted(filename)}"'
        disposition = f'Content-Disposition: form-data; name="{_quoted(name)}"{given}'
        return f"--{self._boundary}\r\n{disposition}\r\n".encode()


class Upload:
    """One recording as it is, streamed from where it lies; may be iterated anew."""

    def __init__(self, media: Media) -> None:
        self._media = media

    @property
    def headers(self) -> dict[str, str]:
        """The content's type and length."""
        return {"content-type": self._media.media_type, "content-length": str(self._media.size)}

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Stream it; what the media store raises comes through as it is."""
        async for chunk in self._media.open():
            yield chunk


def _form_text(value: Any) -> bytes:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"\r\n{text}\r\n".encode()


def _content_type(media: Media) -> bytes:
    return f"Content-Type: {media.media_type}\r\n\r\n".encode()


def _quoted(name: str) -> str:
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


# -- results ----------------------------------------------------------------------------------

#: How often a download is taken up again, as long as each time brings more bytes.
_RESUMES = 20
_REDIRECTS = 5
_REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})

#: What a status says about a link: signed links that have expired answer 400, 401 or 403.
_BY_LINK_STATUS: Mapping[int, type[errors.ProviderError]] = {
    **dict.fromkeys((400, 401, 403, 404, 410), errors.NotFound),
    **dict.fromkeys((408, 425), errors.Unavailable),
    429: errors.RateLimited,
}


class HttpFetcher(Fetcher):
    """Opens links by HTTP; close it with ``aclose``.

    Links to private, loopback and link-local addresses are refused unless ``allow_private``.
    """

    def __init__(self, client: Client | None = None, *, allow_private: bool = False) -> None:
        self._owned = client is None
        self._client = client or new_client()
        self._allow_private = allow_private

    def fetch(self, url: str, /) -> AsyncIterator[bytes]:
        """Stream the bytes; see ``fetch`` of this module."""
        return fetch(self._client, url, allow_private=self._allow_private)

    async def look(self, url: str, /) -> Link:
        """What a link answers, without its bytes; see ``look`` of this module."""
        return await look(self._client, url, allow_private=self._allow_private)

    async def aclose(self) -> None:
        """Close the client, if it is our own."""
        if self._owned:
            await self._client.aclose()


async def fetch(
    client: Client,
    url: str,
    headers: Mapping[str, str] | None = None,
    *,
    allow_private: bool = False,
) -> AsyncIterator[bytes]:
    """Stream the bytes behind a link; after a cut it goes on where it was, if it is the same file.

    ``headers`` go to the link's own origin only, never to where it redirects. Raises ``NotFound``
    for a link that is gone or has expired, ``Unavailable`` where the bytes end early,
    ``BadReply`` for an answer that makes no sense, and ``MediaRejected`` for a link that is not
    http or https, or leads to a private address.
    """
    address = _parsed(url)
    download = _Download(client, address, dict(headers or {}), allow_private=allow_private)
    for _ in range(_RESUMES):
        before = download.received
        try:
            async with aclosing(download.rest()) as chunks:
                async for chunk in chunks:
                    yield chunk
        except httpx.RequestError as error:
            if download.etag is None or download.received == before:
                raise _link_error(errors.Unavailable, address, "the bytes end early") from error
        else:
            return
    raise _link_error(errors.Unavailable, address, "it is cut again and again")


#: These say that the link is for reading alone: what is signed for GET refuses HEAD.
_NO_HEAD = frozenset({400, 401, 403, 404, 405, 501})


async def look(client: Client, url: str, *, allow_private: bool = False) -> Link:
    """Ask what is behind a link: by HEAD, else by a GET whose bytes are not read.

    Redirects are followed, no key is sent. Raises as ``fetch`` does, except that a refusal is
    told by the status.
    """
    visit = _Download(client, _parsed(url), {}, allow_private=allow_private)
    return await retried(Call(provider="avatarkit", operation="look"), visit.looked)


class _Download:
    """One file on its way here."""

    def __init__(
        self, client: Client, url: httpx.URL, headers: dict[str, str], *, allow_private: bool
    ) -> None:
        self._client = client
        self._url = url
        self._headers = headers
        self._allow_private = allow_private
        self.received = 0
        self.etag: str | None = None
        self._size: int | None = None

    async def rest(self) -> AsyncGenerator[bytes, None]:
        """Stream what has not been received yet; ``httpx.RequestError`` means a cut."""
        response = await self._opened()
        try:
            skip = self._begin(response)
            async for chunk in response.aiter_raw():
                fresh = chunk[skip:]
                skip = max(0, skip - len(chunk))
                self.received += len(fresh)
                if fresh:
                    yield fresh
        finally:
            with anyio.CancelScope(shield=True):
                await response.aclose()
        if self._size is not None and self.received != self._size:
            raise self._error(errors.Unavailable, f"{self.received} of {self._size} bytes came")

    def _begin(self, response: httpx.Response) -> int:
        """Read the head of an answer; return how many of its bytes are here already."""
        if response.headers.get("content-encoding", "identity") != "identity":
            raise self._error(errors.BadReply, "it comes compressed, which was not asked for")
        etag = response.headers.get("etag", "")
        strong = etag if etag.startswith('"') else None
        if not self.received:
            if response.status_code != httpx.codes.OK:
                what = f"it answers {response.status_code} instead of the whole file"
                raise self._error(errors.BadReply, what, status=response.status_code)
            self.etag = strong
            self._size = _number(response.headers.get("content-length"))
            return 0
        if strong != self.etag:
            raise self._error(errors.BadReply, "the file has changed while it was read")
        if response.status_code != 206:
            return self.received
        start = re.match(r"bytes (\d+)-", response.headers.get("content-range", ""))
        if start is None or int(start[1]) != self.received:
            raise self._error(errors.BadReply, "it answers with another part than was asked for")
        return 0

    async def _opened(self) -> httpx.Response:
        call = Call(provider="avatarkit", operation="fetch")

        async def attempt() -> httpx.Response:
            return await self._checked(await self._followed("GET"))

        return await retried(call, attempt)

    async def looked(self) -> Link:
        """Ask what is there."""
        response = await self._followed("HEAD")
        await response.aclose()
        if response.status_code in _NO_HEAD:
            response = await self._followed("GET", {"range": "bytes=0-0"})
            await response.aclose()
        told = response.headers
        whole = told.get("content-range", "").rpartition("/")[2] or told.get("content-length")
        return Link(
            status=response.status_code,
            media_type=told.get("content-type", "").partition(";")[0].strip().lower(),
            size=_number(whole),
            redirected=response.url != self._url,
            path=response.url.path,
        )

    async def _followed(self, method: str, more: Mapping[str, str] | None = None) -> httpx.Response:
        url, headers = self._url, {**self._headers, **self._conditions(), **(more or {})}
        for _ in range(_REDIRECTS + 1):
            response = await self._asked(method, url, headers)
            if response.status_code not in _REDIRECT_STATUSES:
                return response
            await response.aclose()
            target = _parsed(response.headers.get("location", ""), base=url)
            if url.scheme == "https" and target.scheme != "https":
                raise self._error(errors.BadReply, "it redirects to an unencrypted address")
            if _origin(target) != _origin(url):
                headers = {**self._conditions(), **(more or {})}
            url = target
        raise self._error(errors.BadReply, "it redirects too often")

    def _conditions(self) -> dict[str, str]:
        """Ask for plain bytes, and for the rest only if the file is still the same."""
        plain = {"accept-encoding": "identity"}
        if not self.received or self.etag is None:
            return plain
        return {**plain, "range": f"bytes={self.received}-", "if-range": self.etag}

    async def _asked(
        self, method: str, url: httpx.URL, headers: Mapping[str, str]
    ) -> httpx.Response:
        if url.scheme not in {"http", "https"} or not url.host:
            raise errors.MediaRejected(
                f"a link that begins with {url.scheme or 'nothing'!r} is not opened: "
                "give one that begins with http:// or https:// and names a host"
            )
        request = self._client.build_request(method, url, headers=headers)
        if not self._allow_private:
            host = url.raw_host.decode("ascii")  # as the transport spells it
            _refuse_private(host, host)
            request.extensions = {**request.extensions, "trace": _PublicOnly(host).trace}
        try:
            return await _sent(self._client, request, streamed=True)
        except httpx.RequestError as error:
            what = f"it cannot be reached ({type(error).__name__})"
            raise self._error(errors.Unavailable, what) from error

    async def _checked(self, response: httpx.Response) -> httpx.Response:
        status = response.status_code
        if response.is_success:
            return response
        await response.aclose()
        default = errors.Unavailable if status >= 500 else errors.BadReply
        kind = _BY_LINK_STATUS.get(status, default)
        hint = ": the link is gone or has expired" if kind is errors.NotFound else ""
        raise self._error(
            kind,
            f"it answers {status}{hint}",
            status=status,
            retry_after=_retry_after(response.headers),
        )

    def _error(
        self, kind: type[errors.ProviderError], what: str, **facts: Any
    ) -> errors.ProviderError:
        return _link_error(kind, self._url, what, **facts)


def _parsed(url: str, *, base: httpx.URL | None = None) -> httpx.URL:
    try:
        return httpx.URL(url) if base is None else base.join(url)
    except httpx.InvalidURL as error:
        raise errors.BadReply("the link to a file is no address") from error


def _link_error(
    kind: type[errors.ProviderError], url: httpx.URL, what: str, **facts: Any
) -> errors.ProviderError:
    return kind(f"a file at {url.host or 'no host'} cannot be read: {what}", **facts)


def _number(text: str | None) -> int | None:
    return int(text) if text and re.fullmatch(r"[0-9]{1,18}", text) else None


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    default = {"http": 80, "https": 443}.get(url.scheme)
    return url.scheme, url.host, url.port or default


@dataclass(slots=True)
class _PublicOnly:
    """Looks at where a name leads before it is connected to, and at where it has led afterwards.

    The first look keeps it from being found out which private ports are open; the second one
    stands, before a byte is written, where the name leads elsewhere by then. Through a proxy it is
    the proxy that finds the address, so only literal ones are looked at.
    """

    host: str
    _direct: bool = True

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Take what the transport reports."""
        if event == "connection.connect_tcp.started":
            self._direct = info["host"] == self.host
            for address in await _addresses(self.host) if self._direct else ():
                _refuse_private(address, self.host)
        elif event == "connection.connect_tcp.complete" and self._direct:
            connection = info["return_value"]
            try:
                _refuse_private(str(connection.get_extra_info("server_addr")[0]), self.host)
            except errors.MediaRejected:
                await connection.aclose()
                raise


async def _addresses(host: str) -> list[str]:
    """All addresses of a name; none where it has none, which connecting will tell."""
    try:
        return [str(found[4][0]) for found in await anyio.getaddrinfo(host, None)]
    except OSError:
        return []


def _refuse_private(address: str, host: str) -> None:
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return  # a name; what it leads to is looked at when it is connected to
    if not _is_public(_inner(found)):
        raise errors.MediaRejected(
            f"the link leads to {host}, which is no public address: it is not opened"
        )


_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: Networks of IPv6 only reach IPv4 through these: the last 32 bits are the address meant.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def _inner(address: _Address) -> _Address:
    """The IPv4 address that one of IPv6 stands for, where it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _is_public(address: _Address) -> bool:
    site_local = isinstance(address, ipaddress.IPv6Address) and address.is_site_local
    return address.is_global and not (address.is_multicast or address.is_reserved or site_local)
