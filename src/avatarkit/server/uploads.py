"""Resumable uploads, streamed to disk."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Literal

import anyio
import anyio.to_thread

from ..content.files import private_folder, private_opener
from ..errors import AvatarKitError, Conflict, MediaRejected, StorageError
from ..intake.recordings import MAX_EVIDENCE

#: Maximum bytes of one upload, the same as in sample validation.
MAX_BYTES = 2 << 30

#: Seconds after which an unfinished upload or unused evidence is deleted.
_STALE = 86_400.0

#: Characters of a file name that are kept: file systems allow 255 bytes.
_NAME = 60


class Offset(AvatarKitError):
    """The upload must continue at another offset, ``at``."""

    def __init__(self, at: int) -> None:
        super().__init__(f"wrong offset: continue the upload with Upload-Offset: {at}")
        self.at = at


class AllowanceExceeded(AvatarKitError):
    """The user's stored recordings reach the limit."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """Limit per user, over all clones: stored samples, evidence and open uploads.

    ``files`` is their number, ``bytes`` their size together, and ``evidence`` the size of one file
    of evidence.
    """

    files: int = 200
    bytes: int = 20_000_000_000
    evidence: int = MAX_EVIDENCE

    def require(self, files: int, size: int) -> None:
        """Raise ``AllowanceExceeded`` if this number of files or bytes exceeds the limit."""
        if files > self.files or size > self.bytes:
            raise AllowanceExceeded(
                f"the limit is {self.files} recordings of {self.bytes / 1e6:.0f} MB together: "
                "delete some recordings, then upload this one again"
            )

    def require_evidence(self, size: int) -> None:
        """Raise ``AllowanceExceeded`` for evidence that is too large."""
        if size > self.evidence:
            raise AllowanceExceeded(
                f"evidence has at most {self.evidence / 1e6:.0f} MB: cut or compress the file"
            )


class Uploads:
    """Uploaded files below ``folder``, one folder per user; named ``.part`` until complete."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._busy: dict[Path, int] = {}  # announced length of each open upload

    def place(self, user: str, *what: str, name: str) -> Path:
        """Return the path of a user's complete file; users cannot reach each other's files."""
        cleaned = re.sub(r"[^\w.-]+", "_", name[-_NAME:]).lstrip(".") or "sample"
        return self._of(user) / _digest(*what) / cleaned

    def _of(self, user: str) -> Path:
        return self._folder / _digest(user)

    async def held(self, user: str, *, beside: Path) -> tuple[int, int]:
        """Return number and bytes of a user's files, except for the one at ``beside``.

        An open upload counts with its announced length.
        """
        own = self._of(user)
        sizes = {path.parent: n for path, n in self._busy.items() if own in path.parents}
        for folder, size in await anyio.to_thread.run_sync(_sizes, own):
            sizes[folder] = max(sizes.get(folder, 0), size)
        sizes.pop(beside.parent, None)
        return len(sizes), sum(sizes.values())

    async def received(self, path: Path) -> int:
        """Return the bytes received of an unfinished upload."""
        part = anyio.Path(_part(path))
        return (await part.stat()).st_size if await part.exists() else 0

    async def whole(self, path: Path) -> int | None:
        """Return the length of a complete file; None if there is none."""
        there = anyio.Path(path)
        return (await there.stat()).st_size if await there.exists() else None

    @asynccontextmanager
    async def alone(self, path: Path, length: int) -> AsyncGenerator[None]:
        """Lock the upload; raise ``Conflict`` if another request holds the lock."""
        if path in self._busy:
            raise Conflict(f"{path.name} is being uploaded by another request: wait for it")
        self._busy[path] = length
        try:
            yield
        finally:
            del self._busy[path]

    async def write(
        self, path: Path, offset: int | None, length: int, chunks: AsyncIterator[bytes]
    ) -> int:
        """Append chunks and return the bytes received; rename the file once it is complete.

        ``offset`` None restarts the upload. Bytes received before a disconnect are kept. Raises
        ``Offset`` for a wrong offset, and ``MediaRejected`` for a file that is too large or longer
        than ``length``, which is then deleted.
        """
        if length > MAX_BYTES:
            raise MediaRejected(f"{path.name} is larger than {MAX_BYTES} bytes: compress or cut it")
        try:
            at = await self._append(path, offset, length, chunks)
            if at == length:
                await anyio.Path(_part(path)).replace(path)
        except OSError as error:
            raise StorageError(f"{path.name} cannot be kept: {error.strerror}") from error
        return at

    async def _append(
        self, path: Path, offset: int | None, length: int, chunks: AsyncIterator[bytes]
    ) -> int:
        await anyio.to_thread.run_sync(private_folder, path.parent)
        at = 0 if offset is None else await self.received(path)
        if offset not in {None, at}:
            raise Offset(at)
        mode: Literal["wb", "ab"] = "wb" if offset is None else "ab"
        async with await anyio.open_file(_part(path), mode, opener=private_opener) as file:
            async for chunk in chunks:
                at += len(chunk)
                if at > length:
                    break
                await file.write(chunk)
        if at > length:
            await self.drop(path)
            raise MediaRejected(f"{path.name} is longer than its Upload-Length: upload it again")
        return at

    async def drop(self, path: Path) -> None:
        """Delete a file."""
        await anyio.to_thread.run_sync(shutil.rmtree, path.parent, True)  # noqa: FBT003

    async def forget(self, user: str) -> None:
        """Delete all files of a user."""
        await anyio.to_thread.run_sync(shutil.rmtree, self._of(user), True)  # noqa: FBT003

    async def tidy(self) -> None:
        """Delete stale uploads."""
        await anyio.to_thread.run_sync(self._tidy)

    def _tidy(self) -> None:
        for folder in self._folder.glob("*/*"):
            with suppress(FileNotFoundError):  # a request has just deleted it
                if folder.stat().st_mtime < time.time() - _STALE:
                    shutil.rmtree(folder, ignore_errors=True)
        for user in self._folder.glob("*"):
            with suppress(OSError):  # not empty
                if user.stat().st_mtime < time.time() - _STALE:
                    user.rmdir()


def _sizes(own: Path) -> list[tuple[Path, int]]:
    """Return a user's folders and the bytes of each file in them."""
    found: list[tuple[Path, int]] = []
    for file in own.glob("*/*"):
        with suppress(FileNotFoundError):  # a request has just deleted it
            found.append((file.parent, file.stat().st_size))
    return found


def _digest(*names: str) -> str:
    return sha256(json.dumps(names).encode()).hexdigest()[:40]


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")
