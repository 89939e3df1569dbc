"""A folder as media store: private files, each written whole or not at all."""

from __future__ import annotations

import hashlib
import mimetypes
import os
import shutil
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import anyio.to_thread

from ..errors import ConfigError, NotFound, StorageError
from ..interfaces import MediaStore
from ..models import StoredFile

__all__ = ["FolderStore"]

_CHUNK = 1 << 18  # bytes


class FolderStore(MediaStore):
    """Keeps media below ``root``, readable by its owner alone.

    A folder has no address that a vendor could reach, so ``url`` is None.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(root)

    async def put(self, key: str, chunks: AsyncIterator[bytes], media_type: str) -> StoredFile:
        """Write beside the target, then move it there; raises ``StorageError``."""
        target = self._path(key)
        part = target.with_name(f".{uuid.uuid4().hex}.part")
        digest, size = hashlib.sha256(), 0
        try:
            await anyio.to_thread.run_sync(self._folder, target.parent)
            async with await anyio.open_file(part, "xb") as file:
                async for chunk in chunks:
                    digest.update(chunk)
                    size += len(chunk)
                    await file.write(chunk)
                await file.flush()
                await anyio.to_thread.run_sync(os.fsync, file.wrapped.fileno())
            await anyio.to_thread.run_sync(_move, part, target)
        except OSError as error:
            raise StorageError(
                f"{self.root} cannot hold the file ({error.strerror}): make room, or choose "
                "another folder with AVATARKIT_MEDIA"
            ) from error
        finally:
            part.unlink(missing_ok=True)
        return StoredFile(key=key, size=size, sha256=digest.hexdigest(), media_type=media_type)

    @staticmethod
    def _folder(path: Path) -> None:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def open(self, key: str) -> AsyncIterator[bytes]:
        """Stream a file in chunks of 256 KiB; raises ``NotFound``."""
        try:
            async with await anyio.open_file(self._path(key), "rb") as file:
                while chunk := await file.read(_CHUNK):
                    yield chunk
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            raise NotFound(f"the media store has no {key}") from None

    async def stat(self, key: str) -> StoredFile | None:
        """Size and digest, read from the file itself."""
        return await anyio.to_thread.run_sync(_stat, self._path(key), key)

    async def delete(self, prefix: str) -> None:
        """Delete a file or a whole folder; nothing there is fine."""
        path = self._path(prefix)
        try:
            if path.is_dir():
                await anyio.to_thread.run_sync(shutil.rmtree, path)
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise StorageError(f"{prefix} cannot be deleted: {error.strerror}") from error

    async def url(self, key: str, seconds: float) -> str | None:
        """No vendor can reach a folder."""
        del key, seconds
        return None

    def path(self, key: str) -> Path | None:
        """Where the file is, or would be."""
        return self._path(key)

    def _path(self, key: str) -> Path:
        parts = key.split("/")
        if not all(parts) or any(p.startswith(".") or "\0" in p or "\\" in p for p in parts):
            raise ConfigError(f"{key!r} is no key: use names joined by '/', none starting with '.'")
        return self.root.joinpath(*parts)


def _move(part: Path, target: Path) -> None:
    part.chmod(0o600)
    part.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the name must survive a power cut as well as the bytes
    finally:
        os.close(folder)


def _stat(path: Path, key: str) -> StoredFile | None:
    try:
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None
    media_type = mimetypes.types_map.get(path.suffix, "application/octet-stream")
    return StoredFile(key=key, size=size, sha256=sha256, media_type=media_type)
