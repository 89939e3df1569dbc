"""Bytes of this machine as streams, and files made once by whichever process is first."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import anyio

__all__ = ["chunks", "kept_once", "whole"]

_SIZE = 1 << 18  # bytes


async def chunks(path: Path) -> AsyncIterator[bytes]:
    """Its bytes, 256 KiB at a time."""
    async with await anyio.open_file(path, "rb") as file:
        while chunk := await file.read(_SIZE):
            yield chunk


async def whole(data: bytes) -> AsyncIterator[bytes]:
    """What is in memory already, in one piece."""
    yield data


def kept_once(file: Path, make: Callable[[], str]) -> str:
    """The ASCII text in ``file``, for this user only; raises ``OSError``.

    Where there is none, ``make`` makes it; of several processes the first one's counts.
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
