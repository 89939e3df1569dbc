"""Media store in a folder: private files, each written atomically."""

from __future__ import annotations

import hashlib
import io
import math
import os
import shutil
import stat
import time
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread

from ..content.files import private_folder, sync_folder
from ..errors import ConfigError, NotFound, StorageError
from ..interfaces import MediaStore
from ..models import StoredFile, media_type_of
from . import signing
from .digests import Digests, measured
from .keys import names_of

T = TypeVar("T")

_CHUNK = 1 << 18  # bytes
#: Attempts to delete a folder, while other processes write into it.
_DELETIONS = 10


class FolderStore(MediaStore):
    """Media store below ``root``, readable by its owner only; several processes may share it.

    Vendors cannot reach a folder, so ``url`` returns None. With ``base_url``, the public address
    of an avatarkit server, and the ``secret`` that this server checks, ``url`` returns signed links
    to it: see ``media.signing``. A key consists of names joined by ``/``, none of which starts with
    a dot; anything else raises ``ConfigError``.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        *,
        base_url: str | None = None,
        secret: str | bytes | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.root = Path(root)
        self._digests = Digests()
        self._sign = None if base_url is None else _signer(base_url, secret, now)

    async def put(self, key: str, chunks: AsyncIterator[bytes], media_type: str) -> StoredFile:
        """Write a temporary file, then rename it; raises ``StorageError``."""
        part = await self._on_disk(key, _Part, self.path(key))
        try:
            async for chunk in chunks:
                await self._on_disk(key, part.write, chunk)
            size, sha256 = await self._on_disk(key, part.keep)
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(part.drop)
        return StoredFile(key=key, size=size, sha256=sha256, media_type=media_type)

    async def open(self, key: str) -> AsyncIterator[bytes]:
        """Stream a file in chunks of 256 KiB; raises ``NotFound``."""
        opened = await self._on_disk(key, _open, self.path(key))
        if opened is None:
            raise NotFound(f"the media store has no {key}: was it deleted?")
        file, chunk = opened
        with file:
            while chunk:
                yield chunk
                more = len(chunk) == _CHUNK  # a shorter one is the last
                chunk = await self._on_disk(key, file.read, _CHUNK) if more else b""

    async def stat(self, key: str) -> StoredFile | None:
        """Size and SHA-256, computed once from the file, and the media type of its extension."""
        path = self.path(key)
        version = await self._on_disk(key, _version, path)
        if version is None:
            return None
        size, sha256 = await self._digests.of(key, version, lambda: measured(self.open(key)))
        media_type = media_type_of(path.suffix)
        return StoredFile(key=key, size=size, sha256=sha256, media_type=media_type)

    async def delete(self, prefix: str) -> None:
        """Delete a file or a folder; do nothing if there is none; raises ``StorageError``."""
        await self._on_disk(prefix, _delete, self.path(prefix))

    async def url(self, key: str, seconds: float) -> str | None:
        """Signed link to the server for up to a week, or None without a server."""
        names_of(key)
        return None if self._sign is None else self._sign(key, seconds)

    async def aclose(self) -> None:
        """Do nothing: no file stays open."""

    def path(self, key: str) -> Path:
        """Path of the file, whether it exists or not."""
        return self.root.joinpath(*names_of(key))

    async def _on_disk(self, key: str, function: Callable[..., T], *arguments: object) -> T:
        """Run a blocking function in a thread; raises ``StorageError``."""
        try:
            return await anyio.to_thread.run_sync(function, *arguments)
        except OSError as error:
            raise StorageError(
                f"the media folder {self.root} failed at {key} ({error.strerror}): make room and "
                "make it writable for this user, or choose another folder with AVATARKIT_MEDIA"
            ) from error


def _signer(
    base_url: str, secret: str | bytes | None, now: Callable[[], float]
) -> Callable[[str, float], str]:
    """Function that signs links; it keeps the secret out of every ``repr``."""
    if not base_url.startswith(("http://", "https://")):
        raise ConfigError(f"base_url is {base_url[:80]!r}: give one that begins with https://")
    key = secret.encode() if isinstance(secret, str) else secret or b""
    signing.require_unguessable(key)

    def signed(name: str, seconds: float) -> str:
        signing.require_lifetime(seconds)
        return signing.link(base_url, key, name, math.ceil(now() + seconds))

    return signed


class _Part:
    """Temporary file beside its target: the target is complete or does not exist."""

    def __init__(self, target: Path) -> None:
        private_folder(target.parent)
        self._target = target
        self._path = target.with_name(f".{uuid.uuid4().hex}.part")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._file = os.fdopen(os.open(self._path, flags, 0o600), "wb", buffering=0)
        self._digest = hashlib.sha256()
        self._size = 0

    def write(self, chunk: bytes) -> None:
        rest = memoryview(chunk)
        while rest:
            rest = rest[self._file.write(rest) :]
        self._digest.update(chunk)
        self._size += len(chunk)

    def keep(self) -> tuple[int, str]:
        """Rename it durably to its target; return size in bytes and SHA-256."""
        os.fsync(self._file.fileno())
        self._path.replace(self._target)
        sync_folder(self._target.parent)  # the name must survive a power cut as well
        return self._size, self._digest.hexdigest()

    def drop(self) -> None:
        """Close it; delete it unless it was kept."""
        self._file.close()
        self._path.unlink(missing_ok=True)


def _open(path: Path) -> tuple[io.BufferedReader, bytes] | None:
    """Open a file and read its first chunk, which mostly is all of it; None if there is none."""
    try:
        file = path.open("rb")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None
    try:
        return file, file.read(_CHUNK)
    except BaseException:
        file.close()
        raise


def _version(path: Path) -> tuple[int, ...] | None:
    """Return what changes with a file's content; None if there is no file."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _delete(path: Path) -> None:
    for _ in range(_DELETIONS):
        if not path.is_dir():
            break
        shutil.rmtree(path, ignore_errors=True)
    if path.is_dir():
        shutil.rmtree(path)
    try:
        path.unlink(missing_ok=True)
    except NotADirectoryError:
        return  # a part of the key is a file, so there is nothing below it
