"""Media store in S3, or a service with its API, with obstore (extra ``s3``)."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Generator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from ..errors import (
    AuthError,
    AvatarKitError,
    BadReply,
    ConfigError,
    NotFound,
    StorageError,
    Unavailable,
)
from ..interfaces import MediaStore
from ..models import StoredFile
from .digests import Digests, measured
from .keys import names_of
from .signing import require_lifetime
from .spool import spooled

if TYPE_CHECKING:
    from obstore.store import RetryConfig, S3Config

_PIECE = 1 << 18  # bytes that are read at once, at least
_PART = 8 << 20  # bytes of a part of a large file; the service requires 5 MiB or more
_PARTS = 10_000  # of one file, at most (docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html)
_AT_ONCE = 3  # parts that are uploaded concurrently, and in memory
_PAGE = 1000  # keys of one removal, at most
_RETRIES: RetryConfig = {"max_retries": 3, "retry_timeout": timedelta(seconds=60)}


class S3Store(MediaStore):
    """Media store in the bucket, below the prefix, of ``s3://BUCKET/PREFIX``; on asyncio only.

    Missing arguments are read from ``AWS_ENDPOINT_URL``, ``AWS_REGION``, ``AWS_ACCESS_KEY_ID``,
    ``AWS_SECRET_ACCESS_KEY`` and ``AWS_SESSION_TOKEN``, or taken from the machine's role; the files
    below ``~/.aws`` are not read.

    Raises ``ConfigError`` if the bucket or the credentials are missing, ``AuthError`` if they do
    not suffice, ``StorageError`` for a file that is too large, and ``Unavailable`` if four
    attempts get no answer.
    """

    def __init__(
        self,
        address: str,
        *,
        endpoint: str | None = None,
        region: str | None = None,
        access_key_id: str | None = None,
        secret_access_key: str | None = None,
    ) -> None:
        try:
            import obstore
            from obstore.store import S3Store as Bucket
        except ImportError as error:
            raise ConfigError("S3 needs the extra s3: pip install 'avatarkit-sdk[s3]'") from error
        self._obstore: Any = obstore
        self._name, _, prefix = address.removeprefix("s3://").strip("/").partition("/")
        if not self._name or address.startswith("s3:///"):
            raise ConfigError(f"{address[:80]!r} names no bucket: give s3://BUCKET/PREFIX")
        self._prefix = "/".join(names_of(prefix)) if prefix else ""
        where = endpoint or os.environ.get("AWS_ENDPOINT_URL") or os.environ.get("AWS_ENDPOINT")
        given = {
            "endpoint": where,
            "region": region,
            "access_key_id": access_key_id,
            "secret_access_key": secret_access_key,
        }
        self._digests = Digests()
        self._bucket = Bucket(
            self._name,
            prefix=self._prefix or None,
            config=cast("S3Config", {name: value for name, value in given.items() if value}),
            client_options={"allow_http": (where or "").startswith("http://")},
            retry_config=_RETRIES,
        )

    async def aclose(self) -> None:
        """Do nothing: the client needs no closing."""

    def __repr__(self) -> str:
        place = f"s3://{self._name}/{self._prefix}".rstrip("/")
        return f"S3Store({place!r})"

    async def put(self, key: str, chunks: AsyncIterator[bytes], media_type: str) -> StoredFile:
        """Spool the stream, then upload it, a large one in parts; its digest becomes metadata.

        If the process dies during the upload, the service keeps hidden parts until a rule of the
        bucket (AbortIncompleteMultipartUpload) deletes them.
        """
        names_of(key)
        async with spooled(chunks) as file:
            attributes = {"Content-Type": media_type, "sha256": file.sha256}
            with self._translated(key):
                await self._obstore.put_async(
                    self._bucket,
                    key,
                    file.file,
                    attributes=attributes,
                    chunk_size=max(_PART, -(-file.size // _PARTS)),
                    max_concurrency=_AT_ONCE,
                )
        return StoredFile(key=key, size=file.size, sha256=file.sha256, media_type=media_type)

    async def open(self, key: str) -> AsyncIterator[bytes]:
        """Stream a file; raises ``NotFound``."""
        names_of(key)
        with self._translated(key):
            found = await self._obstore.get_async(self._bucket, key)
            async for chunk in found.stream(min_chunk_size=_PIECE):
                yield bytes(chunk)

    async def stat(self, key: str) -> StoredFile | None:
        """Size, digest and media type; without a stored digest, the file is read once.

        A missing bucket looks like a missing file: the service gives the same answer.
        """
        names_of(key)
        try:
            with self._translated(key):
                found = await self._obstore.get_async(self._bucket, key, options={"head": True})
        except NotFound:
            return None
        attributes: Mapping[str, str] = found.attributes
        size, sha256 = found.meta["size"], attributes.get("sha256")
        if sha256 is None:
            version = found.meta.get("e_tag")
            size, sha256 = await self._digests.of(key, version, lambda: measured(self.open(key)))
        return StoredFile(
            key=key,
            size=size,
            sha256=sha256,
            media_type=attributes.get("Content-Type", "application/octet-stream"),
        )

    async def delete(self, prefix: str) -> None:
        """Delete the key and everything below it."""
        names_of(prefix)
        with self._translated(prefix):
            below = self._obstore.list(self._bucket, prefix, chunk_size=_PAGE)
            async for page in below:
                await self._obstore.delete_async(self._bucket, [entry["path"] for entry in page])
            await self._obstore.delete_async(self._bucket, prefix)

    async def url(self, key: str, seconds: float) -> str | None:
        """Signed link for up to a week, whether the file exists or not.

        It ends with the credentials if these expire earlier.
        """
        names_of(key)
        require_lifetime(seconds)
        with self._translated(key):
            url: str = await self._obstore.sign_async(
                self._bucket, "GET", key, timedelta(seconds=seconds)
            )
        return url

    def path(self, key: str) -> None:
        """Return None: no file is on this machine."""
        names_of(key)

    @contextmanager
    def _translated(self, key: str) -> Generator[None]:
        """Replace errors of obstore, whose text quotes the access key and the signed request."""
        from obstore.exceptions import BaseError

        try:
            yield
        except (BaseError, FileNotFoundError) as error:
            raise self._failure(error, key) from None

    def _failure(self, error: Exception, key: str) -> AvatarKitError:
        text = str(error)
        for mark, kind, message in _ERRORS:
            if mark in text:
                return kind(message.format(bucket=self._name))
        if isinstance(error, FileNotFoundError):
            return NotFound(f"the media store has no {key}: was it deleted?")
        return Unavailable(_AWAY.format(bucket=self._name))


_AWAY = (
    "the bucket {bucket} cannot be reached: check AWS_ENDPOINT_URL and AWS_REGION, or try again "
    "later"
)
_DENIED = (
    "the credentials may not use the bucket {bucket}: allow them s3:GetObject, s3:PutObject, "
    "s3:DeleteObject and s3:ListBucket, and check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and "
    "the clock of this machine"
)
_FOREIGN = "the server of the bucket {bucket} is not S3: check AWS_ENDPOINT_URL"

#: Part of a message of the service or the client, and its error; the first match counts.
_ERRORS: tuple[tuple[str, type[AvatarKitError], str], ...] = (
    ("NoSuchBucket", ConfigError, "there is no bucket {bucket}: create it, or check the address"),
    ("status code: 401", AuthError, _DENIED),
    ("status code: 403", AuthError, _DENIED),
    (
        "169.254.",  # the address of a machine's role
        ConfigError,
        (
            "there are no credentials for the bucket {bucket}: set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY"
        ),
    ),
    ("EntityTooLarge", StorageError, "the file is too large for the bucket {bucket}"),
    ("QuotaExceeded", StorageError, "the bucket {bucket} is full: make room"),
    ("KeyTooLongError", ConfigError, "the key is too long for the bucket {bucket}"),
    ("status code: 5", Unavailable, _AWAY),  # also from a gateway, in HTML
    *((mark, BadReply, _FOREIGN) for mark in ("<html", "<HTML", "ETag Header missing")),
)
