"""Interfaces of media: stores, downloads, and the face finder."""

from __future__ import annotations

from collections.abc import (
    AsyncIterator,
)
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, runtime_checkable

from ..models import (
    StoredFile,
)


@runtime_checkable
class Fetcher(Protocol):
    """Opens links to results. A provider that is one itself is asked for its own links."""

    def fetch(self, url: str, /) -> AsyncIterator[bytes]:
        """Stream the bytes; a cut is resumed; raises a ``ProviderError`` where it ends early."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What a link answers, before its bytes are read."""

    status: int
    media_type: str  #: without parameters; empty where it is not told
    size: int | None = None  #: bytes
    redirected: bool = False
    path: str = field(default="", repr=False)  #: of the address that answered, without its query


class MediaStore(Protocol):
    """Where bytes live. Keys are ``/``-separated; ``put`` is all or nothing."""

    async def put(self, key: str, chunks: AsyncIterator[bytes], media_type: str) -> StoredFile:
        """Store a stream, replacing what is there; raises ``StorageError``."""
        ...

    def open(self, key: str) -> AsyncIterator[bytes]:
        """Stream it back; raises ``NotFound``."""
        ...

    async def stat(self, key: str) -> StoredFile | None:
        """Size and digest of what is stored, or None."""
        ...

    async def delete(self, prefix: str) -> None:
        """Delete the key, or everything below it."""
        ...

    async def url(self, key: str, seconds: float) -> str | None:
        """A link that a vendor can reach and that expires, or None if there is none."""
        ...

    def path(self, key: str) -> Path | None:
        """Where the file lies on this machine, if it does."""
        ...

    async def aclose(self) -> None:
        """Give back what the store holds."""
        ...


@dataclass(frozen=True, slots=True)
class Face:
    """A face in a picture: confidence 0..1, and its box in pixels (left, top, right, bottom)."""

    confidence: float
    box: tuple[float, float, float, float]
    eyes: float | None = None  #: pixels between the outer corners of the eyes
    turn: float | None = None  #: how far the nose is off their middle, in parts of that distance


@runtime_checkable
class FaceFinder(Protocol):
    """Finds faces in a picture."""

    def faces(self, path: Path) -> list[Face]:
        """All faces found, the largest first; blocking; raises ``MediaRejected``."""
        ...
