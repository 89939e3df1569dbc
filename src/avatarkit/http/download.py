"""Downloads of results and samples by link, from public addresses only (SSRF guard)."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import anyio
import httpx

from .. import errors
from ..interfaces import Fetcher, Link
from .addresses import is_public
from .client import Call, Client, new_client, retried, retry_after, send_once

#: Resumes of a download, as long as each one brings more bytes.
_RESUMES = 20
_REDIRECTS = 5
_REDIRECT_STATUSES = frozenset({301, 302, 303, 307, 308})
#: Error for each status of a link; expired signed links answer 400, 401 or 403.
_BY_LINK_STATUS: Mapping[int, type[errors.ProviderError]] = {
    **dict.fromkeys((400, 401, 403, 404, 410), errors.NotFound),
    **dict.fromkeys((408, 425), errors.Unavailable),
    429: errors.RateLimited,
}


class HttpFetcher(Fetcher):
    """Fetcher of http and https links; close it with ``aclose``.

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
        """Return the metadata of a link; see ``look`` of this module."""
        return await look(self._client, url, allow_private=self._allow_private)

    async def aclose(self) -> None:
        """Close the client, unless it was borrowed."""
        if self._owned:
            await self._client.aclose()


async def fetch(
    client: Client,
    url: str,
    headers: Mapping[str, str] | None = None,
    *,
    allow_private: bool = False,
) -> AsyncIterator[bytes]:
    """Stream the bytes of a link; resume after a lost connection if the file is the same.

    ``headers`` are sent to the link's own origin only, never to a redirect's. Raises ``NotFound``
    for a missing or expired link, ``Unavailable`` if the bytes end early, ``BadReply`` for a
    malformed answer, and ``MediaRejected`` for a link that is not http or https, or leads to a
    private address.
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


#: Statuses of a link that allows GET but not HEAD, such as one that is signed for GET.
_NO_HEAD = frozenset({400, 401, 403, 404, 405, 501})


async def look(client: Client, url: str, *, allow_private: bool = False) -> Link:
    """Return the metadata of a link, by HEAD, or by a GET without reading the body.

    Redirects are followed, no key is sent. Raises as ``fetch`` does, except that a refusal is
    returned as the status.
    """
    visit = _Download(client, _parsed(url), {}, allow_private=allow_private)
    return await retried(Call(provider="avatarkit", operation="look"), visit.looked)


class _Download:
    """Download of one file."""

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
        """Stream the missing bytes; ``httpx.RequestError`` means a lost connection."""
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
        """Check the headers of an answer; return how many of its bytes were already received."""
        if response.headers.get("content-encoding", "identity") != "identity":
            raise self._error(errors.BadReply, "it comes compressed, which was not asked for")
        etag = response.headers.get("etag", "")
        strong = etag if etag.startswith('"') else None
        if not self.received:
            if response.status_code != 200:
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
        """Return the metadata."""
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
        """Headers for uncompressed bytes, and for the rest if the file is still the same."""
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
            return await send_once(self._client, request, streamed=True)
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
            retry_after=retry_after(response.headers),
        )

    def _error(
        self, kind: type[errors.ProviderError], what: str, **facts: Any
    ) -> errors.ProviderError:
        return _link_error(kind, self._url, what, **facts)


def _parsed(url: str, *, base: httpx.URL | None = None) -> httpx.URL:
    try:
        parsed = httpx.URL(url) if base is None else base.join(url)
        _ = parsed.host  # decodes an international name
    except (httpx.InvalidURL, UnicodeError) as error:
        raise errors.BadReply("the link to a file is no address") from error
    return parsed


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
    """Guard against private addresses, before and after a connection is made.

    The first check prevents scans of private ports. The second one, before a byte is written,
    catches a name that resolves differently by then. A proxy resolves names itself, so only
    literal addresses are checked with one.
    """

    host: str
    _direct: bool = True

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Handle an event of the transport."""
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
    """Return all addresses of a name; empty if it has none, as connecting will report."""
    try:
        return [str(found[4][0]) for found in await anyio.getaddrinfo(host, None)]
    except OSError:
        return []


def _refuse_private(address: str, host: str) -> None:
    try:
        public = is_public(address)
    except ValueError:
        return  # a name: its addresses are checked when it is connected to
    if not public:
        raise errors.MediaRejected(
            f"the link leads to {host}, which is no public address: it is not opened"
        )
