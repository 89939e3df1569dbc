"""S3, and what speaks its API, as media store; by obstore, which needs the extra ``s3``."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator, Mapping
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
from .keys import names_of
from .signing import LONGEST
from .spool import spooled

if TYPE_CHECKING:
    from obstore.store import RetryConfig, S3Config

__all__ = ["S3Store"]

_PIECE = 1 << 18  # bytes that are read at once
_PART = 8 << 20  # bytes of a part of a large file; the service wants 5 MiB or more
_PARTS = 10_000  # of one file, at most (docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html)
_AT_ONCE = 3  # parts that are on their way, and in memory
_PAGE = 1000  # keys of one removal, at most
_RETRIES: RetryConfig = {"max_retries": 3, "retry_timeout": timedelta(seconds=60)}


class S3Store(MediaStore):
    """Keeps media in the bucket, and below the prefix, of ``s3://BUCKET/PREFIX``; on asyncio only.

    What is not given is read from ``AWS_ENDPOINT_URL``, ``AWS_REGION``, ``AWS_ACCESS_KEY_ID``,
    ``AWS_SECRET_ACCESS_KEY``, ``AWS_SESSION_TOKEN``, or asked of the machine's role; the files
    below ``~/.aws`` are not read.

    Raises ``ConfigError`` where the bucket or the credentials are missing, ``AuthError`` where
    they do not suffice, ``StorageError`` for what is too large, and ``Unavailable`` where nobody
    answers after four tries.
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
        self._bucket = Bucket(
            self._name,
            prefix=self._prefix or None,
            config=cast("S3Config", {name: value for name, value in given.items() if value}),
            client_options={"allow_http": (where or "").startswith("http://")},
            retry_config=_RETRIES,
        )

    async def aclose(self) -> None:
        """Nothing is held."""

    def __repr__(self) -> str:
        place = f"s3://{self._name}/{self._prefix}".rstrip("/")
        return f"S3Store({place!r})"

    async def put(self, key: str, chunks: AsyncIterator[bytes], media_type: str) -> StoredFile:
        """Spool it, then upload it, a large one in parts; the digest is kept as metadata.

        Of an upload that is killed, the service keeps unseen parts until a rule of the bucket
        (AbortIncompleteMultipartUpload) removes them.
        """
        names_of(key)
        async with spooled(chunks) as file:
            attributes = {"Content-Type": media_type, "sha256": file.sha256}
            with self._told(key):
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
        """Stream it; raises ``NotFound``."""
        names_of(key)
        with self._told(key):
            found = await self._obstore.get_async(self._bucket, key)
            async for chunk in found.stream(min_chunk_size=_PIECE):
                yield bytes(chunk)

    async def stat(self, key: str) -> StoredFile | None:
        """What the service knows of it; a digest that it does not know is made by reading it all.

        A missing bucket looks like a missing file here, since the service answers both alike.
        """
        names_of(key)
        try:
            with self._told(key):
                found = await self._obstore.get_async(self._bucket, key, options={"head": True})
        except NotFound:
            return None
        attributes: Mapping[str, str] = found.attributes
        size, sha256 = found.meta["size"], attributes.get("sha256")
        if sha256 is None:
            async with spooled(self.open(key)) as file:
                size, sha256 = file.size, file.sha256
        return StoredFile(
            key=key,
            size=size,
            sha256=sha256,
            media_type=attributes.get("Content-Type", "application/octet-stream"),
        )

    async def delete(self, prefix: str) -> None:
        """Delete the key, and everything below it."""
        names_of(prefix)
        with self._told(prefix):
            below = self._obstore.list(self._bucket, prefix, chunk_size=_PAGE)
            async for page in below:
                await self._obstore.delete_async(self._bucket, [entry["path"] for entry in page])
            await self._obstore.delete_async(self._bucket, prefix)

    async def url(self, key: str, seconds: float) -> str | None:
        """A signed link, living up to a week, whether the file is there or not.

        Signed with credentials that end earlier, it ends with them.
        """
        names_of(key)
        if not 0 < seconds <= LONGEST:
            raise ConfigError("a link lives from one second to seven days")
        with self._told(key):
            url: str = await self._obstore.sign_async(
                self._bucket, "GET", key, timedelta(seconds=seconds)
            )
        return url

    def path(self, key: str) -> None:
        """Nothing of it lies on this machine."""
        names_of(key)

    @contextmanager
    def _told(self, key: str) -> Iterator[None]:
        """Say what failed in our words.

        obstore tells whole answers, which name the access key and what was signed.
        """
        from obstore.exceptions import BaseError

        try:
            yield
        except (BaseError, FileNotFoundError) as error:
            raise self._failure(error, key) from None

    def _failure(self, error: Exception, key: str) -> AvatarKitError:
        text = str(error)
        for mark, kind, message in _MEANINGS:
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
_FOREIGN = "what answers for the bucket {bucket} is not S3: check AWS_ENDPOINT_URL"

#: What a word of the service, or of the client, means; the first that fits.
_MEANINGS: tuple[tuple[str, type[AvatarKitError], str], ...] = (
    ("NoSuchBucket", ConfigError, "there is no bucket {bucket}: create it, or check the address"),
    ("status code: 401", AuthError, _DENIED),
    ("status code: 403", AuthError, _DENIED),
    (
        "169.254.",  # where a machine's role would be asked for
        ConfigError,
        (
            "there are no credentials for the bucket {bucket}: set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY"
        ),
    ),
    ("EntityTooLarge", StorageError, "the file is too large for the bucket {bucket}"),
    ("QuotaExceeded", StorageError, "the bucket {bucket} is full: make room"),
    ("KeyTooLongError", ConfigError, "the key is too long for the bucket {bucket}"),
    ("status code: 5", Unavailable, _AWAY),  # a gateway may say so in HTML
    *((mark, BadReply, _FOREIGN) for mark in ("<html", "<HTML", "ETag Header missing")),
)
