"""Cache of digests that a store had to compute from whole files."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable

#: Size in bytes and SHA-256.
Measured = tuple[int, str]


async def measured(chunks: AsyncIterator[bytes]) -> Measured:
    """Measure a stream without keeping it."""
    digest, size = hashlib.sha256(), 0
    async for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
    return size, digest.hexdigest()


class Digests:
    """Digests by key and version of a file; the oldest are forgotten.

    A store gives a version that changes with the content, such as an entity tag.
    """

    _KNOWN = 4096

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[object, Measured]] = OrderedDict()

    async def of(
        self, key: str, version: object, measure: Callable[[], Awaitable[Measured]]
    ) -> Measured:
        """Return the digest of this version, measured at the first time."""
        known = self._known.get(key)
        if known is not None and known[0] == version:
            return known[1]
        measured = await measure()
        self._known.pop(key, None)
        if version is not None:
            self._known[key] = version, measured
        if len(self._known) > self._KNOWN:
            self._known.popitem(last=False)
        return measured
