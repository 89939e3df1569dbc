"""Samples on their way in: streamed to disk, and continued where they were cut."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from hashlib import sha256
from pathlib import Path

import anyio
import anyio.to_thread

from ..errors import AvatarKitError, Conflict, MediaRejected, StorageError

__all__ = ["MAX_BYTES", "Offset", "Uploads"]

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


class Uploads:
    """Files below ``folder``, each known by whose and what it is; named ``.part`` until whole."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._busy: set[Path] = set()

    def place(self, *whose: str, name: str) -> Path:
        """Where the whole file called ``name`` lies; nobody else's can be named so."""
        digest = sha256(json.dumps(whose).encode()).hexdigest()
        cleaned = re.sub(r"[^\w.-]+", "_", name[-_NAME:]).lstrip(".") or "sample"
        return self._folder / digest[:40] / cleaned

    async def received(self, path: Path) -> int:
        """How many bytes of an unfinished upload are there."""
        part = anyio.Path(_part(path))
        return (await part.stat()).st_size if await part.exists() else 0

    @asynccontextmanager
    async def alone(self, path: Path) -> AsyncIterator[None]:
        """Let no other request touch the upload meanwhile; raises ``Conflict`` where one does."""
        if path in self._busy:
            raise Conflict(f"{path.name} is being uploaded by another request: wait for it")
        self._busy.add(path)
        try:
            yield
        finally:
            self._busy.discard(path)

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
        for folder in self._folder.glob("*"):
            with suppress(FileNotFoundError):  # a request has just dropped it
                if folder.stat().st_mtime < time.time() - _STALE:
                    shutil.rmtree(folder, ignore_errors=True)


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")
