"""Local files as byte streams, and files that the first of several processes creates."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import anyio

from ..errors import StorageError

_SIZE = 1 << 18  # bytes


async def chunks(path: Path) -> AsyncIterator[bytes]:
    """Stream a file, 256 KiB at a time."""
    async with await anyio.open_file(path, "rb") as file:
        while chunk := await file.read(_SIZE):
            yield chunk


async def spool(path: Path, chunks: AsyncIterator[bytes]) -> None:
    """Write a stream to a new file; raises ``StorageError`` for a full disk."""
    async with await anyio.open_file(path, "wb") as file:
        async for chunk in chunks:
            try:
                await file.write(chunk)
            except OSError as error:
                raise StorageError(
                    f"the disk has no room for the file: {error.strerror}"
                ) from error


async def whole(data: bytes) -> AsyncIterator[bytes]:
    """Stream bytes in one piece."""
    yield data


def kept_once(file: Path, make: Callable[[], str]) -> str:
    """Read the ASCII text in ``file``, which only this user may read; raises ``OSError``.

    If there is no file, it is created with the text from ``make``; the first process wins.
    """
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(f".{file.name}.{secrets.token_hex(8)}.part")
        try:
            made = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(made, "w", encoding="ascii") as out:
                out.write(make())
            with suppress(FileExistsError):
                os.link(part, file)
        finally:
            part.unlink(missing_ok=True)
    return file.read_text(encoding="ascii").strip()
