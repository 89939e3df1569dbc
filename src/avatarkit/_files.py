"""Reads a file of this machine in pieces."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import anyio

__all__ = ["chunks"]

_SIZE = 1 << 18  # bytes


async def chunks(path: Path) -> AsyncIterator[bytes]:
    """Its bytes, 256 KiB at a time."""
    async with await anyio.open_file(path, "rb") as file:
        while chunk := await file.read(_SIZE):
            yield chunk
