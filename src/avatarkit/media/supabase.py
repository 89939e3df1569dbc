"""Media store in Supabase Storage: private buckets, with paths for the migration's policies.

The official ``storage3`` is not used: it uploads from memory only, without tus, downloads whole
files to memory, and its errors drop the status and Retry-After. Only five JSON requests of it would
be left.
"""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping, Sequence
from contextlib import aclosing
from typing import Any, cast
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
from .digests import Digests, measured
from .keys import names_of
from .spool import Spooled, spooled

_RESULTS = "avatar-results"
#: Bucket of each sample role. Users may read, add and delete files in the folder of their id.
_SAMPLES: Mapping[str, str] = {"voice": "voice-samples", "footage": "video-samples"}

_PAGE = 1000  # entries of a list, and names in one deletion; the limit of the server
_TIMEOUT = 300.0  # seconds for one part of 6 MiB: enough at 20 kB/s


class SupabaseStore(MediaStore):
    """Media store in the buckets of a Supabase project; close it with ``aclose``.

    ``key`` is the project's ``sb_secret_...`` or service_role key. The file with the key
    ``samples/<user>/voice/...`` is in the bucket ``voice-samples`` under ``<user>/...``, footage in
    ``video-samples``, and all other files in ``avatar-results`` under their key. Characters that
    Storage does not allow are written as ``=XX``.

    Raises ``ConfigError`` if a bucket is missing, ``AuthError`` for a wrong key,
    ``StorageError`` for a file that is too large or refused, ``RateLimited`` and ``Unavailable``
    after four attempts, and ``BadReply`` if another server than Storage answers.
    """

    def __init__(self, url: str, key: str, *, client: http.Client | None = None) -> None:
        parts = urlsplit(url.strip())
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            raise ConfigError("SUPABASE_URL is no web address: give https://<project>.supabase.co")
        self._base = f"{url.strip().rstrip('/').removesuffix('/storage/v1')}/storage/v1"
        self._host = parts.hostname or ""
        self._headers = _headers(key.strip())
        self._digests = Digests()
        self._owned = client is None
        self._made = client or http.new_client()

    def __repr__(self) -> str:
        return f"SupabaseStore({self._base.removesuffix('/storage/v1')!r})"

    @property
    def _client(self) -> http.Client:
        if self._owned and self._made.is_closed:  # the kit was closed, and is open again
            self._made = http.new_client()
        return self._made

    async def aclose(self) -> None:
        """Close the HTTP client, if it is our own; the next request opens another one."""
        if self._owned:
            await self._made.aclose()

    async def put(self, key: str, chunks: AsyncIterator[bytes], media_type: str) -> StoredFile:
        """Spool the stream, then upload it: in one request up to 6 MiB, else by tus.

        The digest becomes metadata of the object.
        """
        bucket, path = _place(key)
        async with spooled(chunks) as file:
            if file.size <= tus.CHUNK:
                await self._put_whole(bucket, path, file, media_type)
            else:
                await self._put_parts(bucket, path, file, media_type)
        return StoredFile(key=key, size=file.size, sha256=file.sha256, media_type=media_type)

    async def open(self, key: str) -> AsyncIterator[bytes]:
        """Stream a file; resume after an interruption. Raises ``NotFound``."""
        bucket, path = _place(key)
        await self._info(bucket, path)  # it tells the reason; a download answers 400 to everything
        url = f"{self._base}/object/{bucket}/{path}"
        fetched = http.fetch(self._client, url, self._headers, allow_private=True)
        async with aclosing(cast("AsyncGenerator[bytes]", fetched)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def stat(self, key: str) -> StoredFile | None:
        """Size, digest and media type; without a stored digest, the file is read once.

        Files from other programs have no stored digest. Storage does not check a stored one.
        """
        bucket, path = _place(key)
        try:
            info = await self._info(bucket, path)
        except NotFound:
            return None
        sha256 = _sha256(info)
        size, media_type = info.get("size"), info.get("content_type")
        if not isinstance(size, int) or sha256 is None:
            version = info.get("etag")
            size, sha256 = await self._digests.of(key, version, lambda: measured(self.open(key)))
        return StoredFile(
            key=key,
            size=size,
            sha256=sha256,
            media_type=media_type or "application/octet-stream",
        )

    async def delete(self, prefix: str) -> None:
        """Delete the key and everything below it, in each bucket that may have such files.

        By the API: deleting from ``storage.objects`` by SQL would leave the files in the bucket.
        """
        for bucket, path in _places(prefix):
            deleted: set[str] = set()
            found = {path}
            while found:
                await self._delete(bucket, sorted(found - {""}))
                deleted |= found
                found = {name async for name in self._below(bucket, path)} - deleted

    async def url(self, key: str, seconds: float) -> str | None:
        """Signed link, which gives access to the file until it expires; raises ``NotFound``."""
        bucket, path = _place(key)
        body = {"expiresIn": _whole(seconds)}
        answer = await self._send("sign", bucket, "POST", f"object/sign/{bucket}/{path}", body)
        return self._linked(answer)

    def path(self, key: str) -> None:
        """Return None: no file is on this machine."""
        names_of(key)

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
                # The last request decides whether it may replace a file, so all of them allow it.
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
                failure = StorageError(f"{self._host} has dropped the upload: put it again")
            raise failure from None
        if not acknowledged:
            await self._must_be_there(bucket, path, file)

    async def _must_be_there(self, bucket: str, path: str, file: Spooled) -> None:
        """Raise ``Unavailable`` unless the file is stored: the last answer was lost."""
        try:
            stored = _sha256(await self._info(bucket, path))
        except NotFound:
            stored = None
        if stored != file.sha256:
            message = "the upload was interrupted at its end: put it again"
            raise _call("upload").error(Unavailable, message)

    async def _info(self, bucket: str, path: str) -> Mapping[str, Any]:
        answer = await self._send("info", bucket, "GET", f"object/info/{bucket}/{path}")
        if not isinstance(answer, dict):
            raise _call("info").error(BadReply, "it answers without the file's data")
        return _fields(answer)

    async def _below(self, bucket: str, folder: str) -> AsyncIterator[str]:
        """Paths of all files below a folder, at every depth."""
        folders = [folder]
        while folders:
            inside = folders.pop()
            async for entry in self._entries(bucket, inside):
                # The server reads _ and % in a prefix as wildcards, so entries of another folder
                # with a similar name may be listed; below this one, their paths do not exist.
                path = f"{inside}/{entry['name']}" if inside else str(entry["name"])
                if entry.get("id") is not None:
                    yield path
                else:
                    folders.append(path)

    async def _entries(self, bucket: str, folder: str) -> AsyncIterator[Mapping[str, Any]]:
        """Files and folders directly in a folder; folders have no id."""
        offset = 0
        more = True
        while more:
            body = {
                "prefix": folder,
                "limit": _PAGE,
                "offset": offset,
                "sortBy": {"column": "name", "order": "asc"},
            }
            page = _items(await self._send("list", bucket, "POST", f"object/list/{bucket}", body))
            for entry in page:
                yield entry
            more = len(page) >= _PAGE
            offset += len(page)

    async def _delete(self, bucket: str, paths: Sequence[str]) -> None:
        for start in range(0, len(paths), _PAGE):
            body = {"prefixes": paths[start : start + _PAGE]}
            await self._send("delete", bucket, "DELETE", f"object/{bucket}", body)

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
        """Absolute link: the answer has its path from the server's root."""
        path = _fields(answer).get("signedURL")
        if not isinstance(path, str) or not path.startswith("/object/sign/"):
            raise _call("sign").error(BadReply, "it answers without a link")
        return f"{self._base}{path}"

    def _translated(self, error: ProviderError, bucket: str) -> AvatarKitError:
        """Error that tells the caller what to do."""
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


# -- bucket and path of a key ---------------------------------------------------------------------


def _place(key: str) -> tuple[str, str]:
    """Bucket of a key, and its path there."""
    names = names_of(key)
    if len(names) > 3 and names[0] == "samples" and names[2] in _SAMPLES:
        return _SAMPLES[names[2]], _path([names[1], *names[3:]])
    return _RESULTS, _path(names)


def _places(prefix: str) -> list[tuple[str, str]]:
    """Buckets and paths of a key and of everything below it; "" is a whole bucket."""
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
    """Path of names, encoded for Storage; ids, digests and extensions stay unchanged.

    Storage allows no ``%`` and ``~`` (and in older versions only ASCII).
    """
    quoted = (quote(name, safe="").replace("%", "=").replace("~", "=7E") for name in names)
    return "/".join(quoted)


_DIGEST = re.compile("[0-9a-f]{64}")


def _sha256(info: Mapping[str, Any]) -> str | None:
    """SHA-256 in the metadata of a file; None if there is no valid one."""
    sha256 = _fields(info.get("metadata")).get("sha256")
    return sha256 if isinstance(sha256, str) and _DIGEST.fullmatch(sha256) else None


def _metadata(file: Spooled) -> str:
    return json.dumps({"sha256": file.sha256})


def _whole(seconds: float) -> int:
    return max(1, math.ceil(seconds))


def _items(answer: Any) -> list[Mapping[str, Any]]:
    if isinstance(answer, list):
        items = cast("list[Mapping[str, Any]]", answer)
        if all(isinstance(item, dict) for item in items):
            return items
    raise _call("list").error(BadReply, "it answers without a list")


def _fields(value: Any) -> Mapping[str, Any]:
    """Fields of a JSON object; none if it is another type."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _headers(key: str) -> dict[str, str]:
    """Headers with the key; raises ``ConfigError`` for a key that is no secret key."""
    if re.fullmatch(r"sb_secret_[\w-]+|eyJ[\w.=-]+", key, re.ASCII):
        return key_headers(key)
    raise ConfigError(
        "SUPABASE_SERVICE_ROLE_KEY is no secret key: give the project's sb_secret_... or "
        "service_role key"
    )


# -- errors ---------------------------------------------------------------------------------------


def _call(operation: str) -> http.Call:
    return http.Call(
        provider="supabase storage", operation=operation, timeout=_TIMEOUT, explain=_explained
    )


#: Code of Storage -> error; for other codes the status decides.
_KINDS: Mapping[str, type[ProviderError]] = {
    "NoSuchKey": NotFound,
    "InvalidJWT": AuthError,
    "InvalidSignature": AuthError,
    "AccessDenied": AuthError,
    "SlowDown": RateLimited,
    "DatabaseTimeout": Unavailable,
    "ResourceLocked": Unavailable,
}

#: Code of Storage -> advice, for errors that the caller or an operator can fix.
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
    "InvalidKey": (
        ConfigError,
        "the key is too long, or has characters that Storage does not allow",
    ),
}


def _explained(status: int, body: Any) -> http.Explanation:
    """Read an error: its real status is in the body, while HTTP mostly says 400.

    Only tus answers with the real status, and a text. Other shapes do not come from Storage.
    """
    reply = _fields(body)
    if isinstance(body, str) and not body.lstrip().startswith("<"):
        reply = {"statusCode": str(status), "message": body}
    given = str(reply.get("statusCode") or "")
    real = int(given) if re.fullmatch("[45][0-9][0-9]", given) else status
    message = str(reply.get("message") or "")[:200]
    code = _code(reply, message, real)
    kind = _KINDS.get(code) or (Unavailable if real in _IN_USE else None)
    if body and not given and status == 404:
        kind, message = BadReply, "it answers 404, but not as Storage does"
    return http.Explanation(kind=kind, code=code or None, message=message, status=real)


def _code(reply: Mapping[str, Any], message: str, status: int) -> str:
    if message == "Bucket not found":
        return "NoSuchBucket"
    if status == 413:  # also from the gateway, in HTML
        return "EntityTooLarge"
    return str(reply.get("code") or reply.get("error") or "")


#: Statuses of a file that another client is changing, or of a part with another offset.
_IN_USE = frozenset({409, 423, 460})
