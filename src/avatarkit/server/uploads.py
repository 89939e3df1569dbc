"""Samples on their way in: streamed to disk, and continued where they were cut."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import anyio
import anyio.to_thread

from ..errors import AvatarKitError, Conflict, MediaRejected, StorageError

__all__ = ["MAX_BYTES", "Allowance", "AllowanceExceeded", "Offset", "Uploads"]

#: Bytes of one upload: what preflight looks at, at most.
MAX_BYTES = 2 << 30

#: Seconds after which an unfinished upload, or evidence that nobody used, is thrown away.
_STALE = 86_400.0

#: Characters of a file's name that are kept; no system takes more than 255 bytes.
_NAME = 60


class Offset(AvatarKitError):
    """The upload goes on at another place; ``at`` says where."""

    def __init__(self, at: int) -> None:
        super().__init__(f"the upload goes on at byte {at}: send Upload-Offset: {at}")
        self.at = at


class AllowanceExceeded(AvatarKitError):
    """A user keeps as much as one user may."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much one user may keep: stored samples and what is on its way in, over all clones."""

    files: int = 200
    bytes: int = 20_000_000_000

    def require(self, files: int, size: int) -> None:
        """Raise ``AllowanceExceeded`` where so many files of so many bytes are too much."""
        if files > self.files or size > self.bytes:
            raise AllowanceExceeded(
                f"you may keep {self.files} recordings of {self.bytes / 1e6:.0f} MB together: "
                "delete recordings that you need no longer, then send this one again"
            )


class Uploads:
    """Files below ``folder``, each known by whose and what it is; named ``.part`` until whole."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._busy: dict[Path, int] = {}  # and how long each is announced to be

    def place(self, user: str, *what: str, name: str) -> Path:
        """Where a user's whole file called ``name`` lies; nobody else's can be named so."""
        cleaned = re.sub(r"[^\w.-]+", "_", name[-_NAME:]).lstrip(".") or "sample"
        return self._of(user) / _digest(*what) / cleaned

    def _of(self, user: str) -> Path:
        return self._folder / _digest(user)

    async def held(self, user: str, *, beside: Path) -> tuple[int, int]:
        """How many files and bytes of a user are here, ``beside`` the one that is spoken of.

        One that is being sent counts as what it will be.
        """
        own = self._of(user)
        sizes = {path.parent: n for path, n in self._busy.items() if own in path.parents}
        for folder, size in await anyio.to_thread.run_sync(_sizes, own):
            sizes[folder] = max(sizes.get(folder, 0), size)
        sizes.pop(beside.parent, None)
        return len(sizes), sum(sizes.values())

    async def received(self, path: Path) -> int:
        """How many bytes of an unfinished upload are there."""
        part = anyio.Path(_part(path))
        return (await part.stat()).st_size if await part.exists() else 0

    async def whole(self, path: Path) -> int | None:
        """How many bytes a whole file has that waits to be used; None: there is none."""
        there = anyio.Path(path)
        return (await there.stat()).st_size if await there.exists() else None

    @asynccontextmanager
    async def alone(self, path: Path, length: int) -> AsyncIterator[None]:
        """Let no other request touch the upload meanwhile; raises ``Conflict`` where one does."""
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
        """Append what comes, and return how many bytes are there then; whole, it gets its name.

        ``offset`` None begins anew. Raises ``Offset`` where it goes on elsewhere, and
        ``MediaRejected`` where it is too large or longer than ``length``: nothing is kept then.
        What came before a cut stays.
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
        await anyio.Path(path.parent).mkdir(mode=0o700, parents=True, exist_ok=True)
        at = 0 if offset is None else await self.received(path)
        if offset not in {None, at}:
            raise Offset(at)
        async with await anyio.open_file(_part(path), "wb" if offset is None else "ab") as file:
            async for chunk in chunks:
                at += len(chunk)
                if at > length:
                    break
                await file.write(chunk)
        if at > length:
            await self.drop(path)
            raise MediaRejected(f"{path.name} is longer than its Upload-Length: send it anew")
        return at

    async def drop(self, path: Path) -> None:
        """Forget a file."""
        await anyio.to_thread.run_sync(shutil.rmtree, path.parent, True)  # noqa: FBT003

    async def tidy(self) -> None:
        """Throw away what nobody came back for."""
        await anyio.to_thread.run_sync(self._tidy)

    def _tidy(self) -> None:
        for folder in self._folder.glob("*/*"):
            with suppress(FileNotFoundError):  # a request has just dropped it
                if folder.stat().st_mtime < time.time() - _STALE:
                    shutil.rmtree(folder, ignore_errors=True)
        for user in self._folder.glob("*"):
            with suppress(OSError):  # it holds something
                if user.stat().st_mtime < time.time() - _STALE:
                    user.rmdir()


def _sizes(own: Path) -> list[tuple[Path, int]]:
    """A user's folders, and the bytes of each file in them."""
    found = []
    for file in own.glob("*/*"):
        with suppress(FileNotFoundError):  # a request has just dropped it
            found.append((file.parent, file.stat().st_size))
    return found


def _digest(*names: str) -> str:
    return sha256(json.dumps(names).encode()).hexdigest()[:40]


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")
