"""Boxes of MP4, QuickTime and HEIF (ISO 14496-12, 4.2), also called atoms."""

from __future__ import annotations

import mmap
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Box:
    """One box; its contents may reach behind the end of the file, which then is cut off."""

    kind: bytes
    start: int  #: offset of its contents
    end: int  #: offset behind its contents, as the box states it
    open: bool  #: states no length: it reaches to the end of what holds it

    @property
    def damaged(self) -> bool:
        """True if its length is shorter than its own head."""
        return self.end < self.start


def boxes(read: Callable[[int, int], bytes], start: int, end: int) -> Iterator[Box]:
    """Yield the boxes between two offsets; the last one may be damaged, or be cut off.

    ``read`` returns up to so many bytes from an offset.
    """
    while end - start >= 8:
        head = read(start, 16)
        size, kind = struct.unpack_from(">I4s", head)
        body, open_ = start + 8, size == 0
        if size == 1:
            size, body = int.from_bytes(head[8:], "big"), start + 16
        box = Box(kind, body, end if open_ else start + size, open=open_)
        yield box
        if box.damaged:
            return
        start = box.end


def reader(data: bytes | mmap.mmap) -> Callable[[int, int], bytes]:
    """Return a function that reads from memory, for ``boxes``."""
    return lambda at, length: data[at : at + length]
