"""Interfaces of media: stores, downloads, and the face finder."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from ..models import StoredFile


@runtime_checkable
class Fetcher(Protocol):
    """Downloader of results. A provider that implements it downloads its own links."""

    def fetch(self, url: str, /) -> AsyncIterator[bytes]:
        """Stream the bytes; resume if interrupted; raises ``ProviderError`` if incomplete."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Answer of a link, before its bytes are read."""

    status: int
    media_type: str  #: without parameters; empty if unknown
    size: int | None = None  #: bytes
    redirected: bool = False
    path: str = field(default="", repr=False)  #: path of the final address, without its query


class MediaStore(Protocol):
    """Storage of files. Keys are ``/``-separated; ``put`` is all or nothing."""

    async def put(self, key: str, chunks: AsyncIterator[bytes], media_type: str) -> StoredFile:
        """Store a stream and replace an existing file; raises ``StorageError``."""
        ...

    def open(self, key: str) -> AsyncIterator[bytes]:
        """Stream a file; raises ``NotFound``."""
        ...

    async def stat(self, key: str) -> StoredFile | None:
        """Size in bytes and SHA-256 of a stored file, or None."""
        ...

    async def delete(self, prefix: str) -> None:
        """Delete the key, or everything below it."""
        ...

    async def url(self, key: str, seconds: float) -> str | None:
        """Link for vendors that expires after ``seconds``, or None if there is none."""
        ...

    def path(self, key: str) -> Path | None:
        """Path of the file on this machine, or None."""
        ...

    async def aclose(self) -> None:
        """Close the connections of the store."""
        ...


@dataclass(frozen=True, slots=True)
class Face:
    """Face in a picture: confidence 0..1, and its box in pixels (left, top, right, bottom)."""

    confidence: float
    box: tuple[float, float, float, float]
    eyes: float | None = None  #: pixels between the outer corners of the eyes
    turn: float | None = None  #: offset of the nose from their middle, as a share of that distance


@runtime_checkable
class FaceFinder(Protocol):
    """Detector of faces in a picture."""

    def faces(self, path: Path) -> list[Face]:
        """All faces found, the largest first; blocking; raises ``MediaRejected``."""
        ...


@runtime_checkable
class Watermarker(Protocol):
    """Imperceptible watermark: a mark in the sound or pictures that outlives re-encoding."""

    name: str  #: for sidecars and ``avatarkit marks``

    def takes(self, media_type: str) -> bool:
        """True for a type of file that it can mark."""
        ...

    def mark(self, path: Path, media_type: str) -> None:
        """Mark a file in place; blocking; raises ``MediaRejected`` or ``StorageError``."""
        ...

    def find(self, path: Path, media_type: str) -> bool:
        """True if a file carries the mark; blocking; raises ``MediaRejected``."""
        ...
