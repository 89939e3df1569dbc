"""Spool a stream of unknown length to a temporary file before uploading it.

A remote store needs size and digest first. And if the source fails, no upload has to be undone.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import IO, TypeVar

import anyio
import anyio.to_thread

from ..errors import StorageError

T = TypeVar("T")

#: Bytes that stay in memory; more goes to an unnamed file, which ends with the process.
_IN_MEMORY = 1 << 20
_PIECE = 1 << 18  # bytes that are read and sent at once


@dataclass(slots=True)
class Spooled:
    """Complete stream; ``file`` is at its start."""

    file: IO[bytes]
    size: int
    sha256: str

    def part(self, offset: int, length: int) -> AsyncIterable[bytes]:
        """Range of the file in small pieces, for repeated iteration; raises ``StorageError``."""
        return _Part(self.file, offset, min(length, self.size - offset))


@dataclass(slots=True)
class _Part:
    file: IO[bytes]
    offset: int
    length: int

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, self.length, _PIECE):
            length = min(_PIECE, self.length - start)
            yield await _on_disk(_read, self.file, self.offset + start, length)


@asynccontextmanager
async def spooled(chunks: AsyncIterator[bytes]) -> AsyncGenerator[Spooled, None]:
    """Read all ``chunks``; their errors pass unchanged, a full disk raises ``StorageError``.

    The file is in the folder for temporary files (``TMPDIR``).
    """
    file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - closed below
    digest, size = hashlib.sha256(), 0
    try:
        async for chunk in chunks:
            await _on_disk(file.write, chunk)
            digest.update(chunk)
            size += len(chunk)
        await _on_disk(file.seek, 0)
        yield Spooled(file, size, digest.hexdigest())
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(file.close)


def _read(file: IO[bytes], offset: int, length: int) -> bytes:
    file.seek(offset)
    return file.read(length)


async def _on_disk(function: Callable[..., T], *arguments: object) -> T:
    try:
        return await anyio.to_thread.run_sync(function, *arguments)
    except OSError as error:
        raise StorageError(
            f"the folder {tempfile.gettempdir()} cannot store the file to upload "
            f"({error.strerror}): make room, or name another folder with TMPDIR"
        ) from error
