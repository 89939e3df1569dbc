"""Supabase Storage as media store: private buckets, laid out as the migration's policies want it.

The official ``storage3`` is not used. Its upload takes no stream longer than memory and knows no
tus, its download holds the whole file, and its errors lose the status and Retry-After; what would
be left of it is five requests of JSON, which are below.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import Any
from urllib.parse import quote, urlsplit

from .. import http
from ..errors import (
    AuthError,
    AvatarKitError,
    BadReply,
    ConfigError,
    NotFound,
    ProviderError,
    RateLimited,
    Refused,
    StorageError,
    Unavailable,
)
from ..http.supabase_keys import key_headers
from ..interfaces import MediaStore
from ..models import StoredFile
from . import tus
from .keys import names_of
from .spool import Spooled, spooled

__all__ = ["SupabaseStore"]

_RESULTS = "avatar-results"
#: Where samples of a role lie. Users may read, add and remove what is in a folder of their id.
_SAMPLES: Mapping[str, str] = {"voice": "voice-samples", "footage": "video-samples"}

_PAGE = 1000  # entries of a list, and names in one removal; the server takes no more
_TIMEOUT = 300.0  # seconds for one part of 6 MiB, so 20 kB/s are enough


class SupabaseStore(MediaStore):
    """Keeps media in the buckets of a Supabase project; close it with ``aclose``.

    ``key`` is the project's ``sb_secret_...`` or service_role key. The key
    ``samples/<user>/voice/...`` lies in ``voice-samples`` under ``<user>/...``, footage in
    ``video-samples``, and all else in ``avatar-results`` under its own name. What Storage has no
    letter for is written as ``=XX``.

    Raises ``ConfigError`` where a bucket is missing, ``AuthError`` for a wrong key,
    ``StorageError`` for what is too large or refused, ``RateLimited`` and ``Unavailable`` after
    four tries, and ``BadReply`` where something else than Storage answers.
    """

    def __init__(self, url: str, key: str, *, client: http.Client | None = None) -> None:
        parts = urlsplit(url.strip())
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            raise ConfigError("SUPABASE_URL is no address: give https://<project>.supabase.co")
        self._base = f"{url.strip().rstrip('/').removesuffix('/storage/v1')}/storage/v1"
        self._host = parts.hostname or ""
        self._headers = _headers(key.strip())
        self._owned = client is None
        self._made = client or http.new_client()

    def __repr__(self) -> str:
        return f"SupabaseStore({self._base.removesuffix('/storage/v1')!r})"

    @property
    def _client(self) -> http.Client:
        if self._owned and self._made.is_closed:  # a kit is opened again
            self._made = http.new_client()
        return self._made

    async def aclose(self) -> None:
        """Close the HTTP client, if it is our own; the next request makes another one."""
        if self._owned:
            await self._made.aclose()

    async def put(self, key: str, chunks: AsyncIterator[bytes], media_type: str) -> StoredFile:
        """Spool it, then upload it: in one request up to 6 MiB, else by tus.

        The digest is kept in the object's own metadata.
        """
        bucket, path = _place(key)
        async with spooled(chunks) as file:
            if file.size <= tus.CHUNK:
                await self._put_whole(bucket, path, file, media_type)
            else:
                await self._put_parts(bucket, path, file, media_type)
        return StoredFile(key=key, size=file.size, sha256=file.sha256, media_type=media_type)

    async def open(self, key: str) -> AsyncIterator[bytes]:
        """Stream it; after a cut it goes on where it was. Raises ``NotFound``."""
        bucket, path = _place(key)
        await self._info(bucket, path)  # this says what is wrong; a download says 400 to everything
        url = f"{self._base}/object/{bucket}/{path}"
        fetched = http.fetch(self._client, url, self._headers, allow_private=True)
        async with aclosing(fetched) as chunks:  # type: ignore[type-var]  # it is a generator
            async for chunk in chunks:
                yield chunk

    async def stat(self, key: str) -> StoredFile | None:
        """What Storage knows of it; a digest that it does not know is made by reading it all.

        It does not know that of a file that somebody else has uploaded, and believes what whoever
        uploaded it has told.
        """
        bucket, path = _place(key)
        try:
            info = await self._info(bucket, path)
        except NotFound:
            return None
        told = info.get("metadata")
        sha256 = told.get("sha256") if isinstance(told, dict) else None
        size, media_type = info.get("size"), info.get("content_type")
        if not (isinstance(size, int) and isinstance(sha256, str) and _DIGEST.fullmatch(sha256)):
            async with spooled(self.open(key)) as file:
                size, sha256 = file.size, file.sha256
        return StoredFile(
            key=key,
            size=size,
            sha256=sha256,
            media_type=media_type or "application/octet-stream",
        )

    async def delete(self, prefix: str) -> None:
        """Delete the key, and everything below it, in every bucket that may hold some of it.

        By the API: what SQL deletes of ``storage.objects`` stays in the bucket.
        """
        for bucket, path in _places(prefix):
            removed: set[str] = set()
            fresh = {path}
            while fresh:
                await self._remove(bucket, sorted(fresh - {""}))
                removed |= fresh
                fresh = {name async for name in self._below(bucket, path)} - removed

    async def url(self, key: str, seconds: float) -> str | None:
        """A signed link; raises ``NotFound``. Whoever has it can read the file until it expires."""
        bucket, path = _place(key)
        body = {"expiresIn": _whole(seconds)}
        answer = await self._send("sign", bucket, "POST", f"object/sign/{bucket}/{path}", body)
        return self._linked(answer)

    def path(self, key: str) -> None:
        """Nothing of it lies on this machine."""
        names_of(key)

    async def urls(self, keys: Sequence[str], seconds: float) -> dict[str, str | None]:
        """Signed links of many keys, a request per bucket; None for a key that is not there."""
        links: dict[str, str | None] = dict.fromkeys(keys)
        by_bucket: dict[str, dict[str, str]] = {}
        for key in links:
            bucket, path = _place(key)
            by_bucket.setdefault(bucket, {})[path] = key
        for bucket, known in by_bucket.items():
            for paths in _pages(list(known)):
                body = {"expiresIn": _whole(seconds), "paths": paths}
                answer = await self._send("sign", bucket, "POST", f"object/sign/{bucket}", body)
                for item in _items(answer):
                    if item.get("path") in known and item.get("signedURL"):
                        links[known[item["path"]]] = self._linked(item)
        return links

    # -- requests -----------------------------------------------------------------------------

    async def _put_whole(self, bucket: str, path: str, file: Spooled, media_type: str) -> None:
        request = self._client.build_request(
            "POST",
            f"{self._base}/object/{bucket}/{path}",
            content=file.part(0, file.size),
            headers={
                **self._headers,
                "content-type": media_type,
                "content-length": str(file.size),
                "x-upsert": "true",
                "x-metadata": base64.b64encode(_metadata(file).encode()).decode(),
            },
        )
        await self._answer("upload", bucket, request)

    async def _put_parts(self, bucket: str, path: str, file: Spooled, media_type: str) -> None:
        try:
            acknowledged = await tus.upload(
                self._client,
                f"{self._base}/upload/resumable",
                file,
                # The last request decides whether a file may be replaced, so each one says it.
                headers={**self._headers, "x-upsert": "true"},
                metadata={
                    "bucketName": bucket,
                    "objectName": path,
                    "contentType": media_type,
                    "metadata": _metadata(file),
                },
                call=_call("upload"),
            )
        except ProviderError as error:
            failure = self._translated(error, bucket)
            if isinstance(failure, NotFound):
                failure = StorageError(f"{self._host} has forgotten the upload: put it again")
            raise failure from None
        if not acknowledged:
            await self._must_be_there(bucket, path, file)

    async def _must_be_there(self, bucket: str, path: str, file: Spooled) -> None:
        """All bytes have arrived, but whether the file was made of them was not heard."""
        try:
            told = (await self._info(bucket, path)).get("metadata")
        except NotFound:
            told = None
        if not isinstance(told, dict) or told.get("sha256") != file.sha256:
            message = "the upload was cut at its very end: put it again"
            raise _call("upload").error(Unavailable, message)

    async def _info(self, bucket: str, path: str) -> Mapping[str, Any]:
        answer = await self._send("info", bucket, "GET", f"object/info/{bucket}/{path}")
        if not isinstance(answer, dict):
            raise _call("info").error(BadReply, "it does not tell about the file")
        return answer

    async def _below(self, bucket: str, folder: str) -> AsyncIterator[str]:
        """The paths of all files below a folder, at every depth."""
        offset = 0
        while True:
            body = {
                "prefix": folder,
                "limit": _PAGE,
                "offset": offset,
                "sortBy": {"column": "name", "order": "asc"},
            }
            page = _items(await self._send("list", bucket, "POST", f"object/list/{bucket}", body))
            for entry in page:
                # Its letters _ and % stand for any other, so a list may hold names of a folder
                # that only looks alike; below this one, they name nothing.
                path = f"{folder}/{entry['name']}" if folder else str(entry["name"])
                if entry.get("id") is not None:
                    yield path
                else:
                    async for inner in self._below(bucket, path):
                        yield inner
            if len(page) < _PAGE:
                return
            offset += len(page)

    async def _remove(self, bucket: str, paths: Sequence[str]) -> None:
        for some in _pages(paths):
            await self._send("delete", bucket, "DELETE", f"object/{bucket}", {"prefixes": some})

    async def _send(
        self, operation: str, bucket: str, method: str, path: str, body: Any = None
    ) -> Any:
        request = self._client.build_request(
            method, f"{self._base}/{path}", headers=self._headers, json=body
        )
        return await self._answer(operation, bucket, request)

    async def _answer(self, operation: str, bucket: str, request: http.HttpRequest) -> Any:
        try:
            return await http.send_any(self._client, request, _call(operation))
        except ProviderError as error:
            raise self._translated(error, bucket) from None

    def _linked(self, answer: Any) -> str:
        """The link itself: the server tells it from its own root on."""
        told = answer.get("signedURL") if isinstance(answer, dict) else None
        if not isinstance(told, str) or not told.startswith("/object/sign/"):
            raise _call("sign").error(BadReply, "it answers without a link")
        return f"{self._base}{told}"

    def _translated(self, error: ProviderError, bucket: str) -> AvatarKitError:
        """The error as the caller can act on it."""
        if (known := _ADVICE.get(error.code or "")) is not None:
            kind, advice = known
            return kind(f"{self._host}: {advice.format(bucket=bucket)}")
        if isinstance(error, AuthError):
            error.message = (
                "it does not accept the key: set SUPABASE_SERVICE_ROLE_KEY to the sb_secret_... or "
                "service_role key of this project"
            )
        if isinstance(error, BadReply):
            error.message += f": is SUPABASE_URL, at {self._host}, a Supabase project?"
        if isinstance(error, Refused):
            return StorageError(f"{self._host} refuses the file: {error}")
        return error


# -- where a key lies -----------------------------------------------------------------------------


def _place(key: str) -> tuple[str, str]:
    """The bucket of a key, and the path in it."""
    names = names_of(key)
    if len(names) > 3 and names[0] == "samples" and names[2] in _SAMPLES:
        return _SAMPLES[names[2]], _path([names[1], *names[3:]])
    return _RESULTS, _path(names)


def _places(prefix: str) -> list[tuple[str, str]]:
    """All buckets and paths that hold a key or something below it; "" is a whole bucket."""
    names = names_of(prefix)
    places = [(_RESULTS, _path(names))]
    if names[0] == "samples":
        places += [
            (bucket, _path([*names[1:2], *names[3:]]))
            for role, bucket in _SAMPLES.items()
            if names[2:3] in ([], [role])
        ]
    return places


def _path(names: Iterable[str]) -> str:
    """Names as Storage can hold them. Ids, digests and extensions stay as they are.

    It takes no ``%`` and ``~`` (and in older versions nothing beyond ASCII).
    """
    quoted = (quote(name, safe="").replace("%", "=").replace("~", "=7E") for name in names)
    return "/".join(quoted)


_DIGEST = re.compile("[0-9a-f]{64}")


def _metadata(file: Spooled) -> str:
    return json.dumps({"sha256": file.sha256})


def _whole(seconds: float) -> int:
    return max(1, math.ceil(seconds))


def _pages(paths: Sequence[str]) -> Iterable[Sequence[str]]:
    return (paths[start : start + _PAGE] for start in range(0, len(paths), _PAGE))


def _items(answer: Any) -> list[Mapping[str, Any]]:
    if not isinstance(answer, list) or not all(isinstance(item, dict) for item in answer):
        raise _call("list").error(BadReply, "it answers without a list")
    return answer


def _headers(key: str) -> dict[str, str]:
    """How requests show the key; raises ``ConfigError`` for what is none that may write."""
    if re.fullmatch(r"sb_secret_[\w-]+|eyJ[\w.=-]+", key, re.ASCII):
        return key_headers(key)
    raise ConfigError(
        "SUPABASE_SERVICE_ROLE_KEY is no secret key: give the project's sb_secret_... or "
        "service_role key"
    )


# -- what a failure means -------------------------------------------------------------------------


def _call(operation: str) -> http.Call:
    return http.Call(
        provider="supabase storage", operation=operation, timeout=_TIMEOUT, explain=_explained
    )


#: What its words mean; where there is none, its status decides.
_KINDS: Mapping[str, type[ProviderError]] = {
    "NoSuchKey": NotFound,
    "InvalidJWT": AuthError,
    "InvalidSignature": AuthError,
    "AccessDenied": AuthError,
    "SlowDown": RateLimited,
    "DatabaseTimeout": Unavailable,
    "ResourceLocked": Unavailable,
}

#: What to do about it, where that is not at our end.
_ADVICE: Mapping[str, tuple[type[AvatarKitError], str]] = {
    "NoSuchBucket": (
        ConfigError,
        (
            "there is no bucket {bucket}: write avatarkit's migration into the project with "
            "`avatarkit db export-migration`, and apply it with `supabase db push`"
        ),
    ),
    "EntityTooLarge": (
        StorageError,
        (
            "the file is too large: raise the upload limit in the project's Storage settings, and "
            "that of the bucket {bucket}"
        ),
    ),
    "InvalidKey": (ConfigError, "the key is too long, or has letters that no file may have"),
}


def _explained(status: int, body: Any) -> http.Explanation:
    """Read an error: its true status is in the body, and HTTP mostly says 400.

    Only tus uses real statuses, with a text. What is neither does not come from Storage.
    """
    if isinstance(body, str) and not body.lstrip().startswith("<"):
        said: Mapping[str, Any] = {"statusCode": str(status), "message": body}
    else:
        said = body if isinstance(body, dict) else {}
    message = str(said.get("message") or "")[:200]
    code = str(said.get("code") or said.get("error") or "")
    told = str(said.get("statusCode") or "")
    true = int(told) if re.fullmatch("[45][0-9][0-9]", told) else status
    if message == "Bucket not found":
        code = "NoSuchBucket"
    elif true == 413:  # the gateway says so too, in HTML
        code = "EntityTooLarge"
    kind = _KINDS.get(code)
    if kind is None and true in _IN_USE:
        kind = Unavailable
    if body and not told and status == 404:
        kind, message = BadReply, "it answers 404, and not as Storage does"
    return http.Explanation(kind=kind, code=code or None, message=message, status=true)


#: Somebody else is at the same file, or the part begins elsewhere: look, and try again.
_IN_USE = frozenset({409, 423, 460})
