"""Takes a stream of unknown length down beside memory, before any of it is sent.

A store that is elsewhere wants the size and the digest first. And where the source breaks off,
nothing has been sent yet that would have to be taken back.
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

__all__ = ["Spooled", "spooled"]

T = TypeVar("T")

#: Bytes that are held in memory; more goes to a file without a name, gone with its process.
_IN_MEMORY = 1 << 20
_PIECE = 1 << 18  # bytes that are read, and given to the connection, at once


@dataclass(slots=True)
class Spooled:
    """A whole stream; ``file`` stands at its beginning."""

    file: IO[bytes]
    size: int
    sha256: str

    def part(self, offset: int, length: int) -> AsyncIterable[bytes]:
        """A part of it, in small pieces; may be iterated anew; raises ``StorageError``."""
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
    """Read all of ``chunks``; what they raise comes out as it is, a full disk as ``StorageError``.

    The file is in the folder for temporary files, which ``TMPDIR`` names.
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
            f"the folder {tempfile.gettempdir()} cannot hold what is to be uploaded "
            f"({error.strerror}): make room, or name another folder with TMPDIR"
        ) from error
