"""Cheap checks of a file before it is decoded: claims that its bytes cannot hold.

They name the reason at once; the limits of ``sandbox`` hold for everything that is not known here.
Sources: ISO/IEC 14496-12 (boxes), W3C PNG (chunks), ITU T.81 (JPEG markers).
"""

from __future__ import annotations

import itertools
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final

from .sandbox import LimitExceeded

#: Tracks of one MP4: cinema cameras write a dozen. Scans of one JPEG: encoders write at most ten.
_TRACKS: Final = 64
_SCANS: Final = 200
#: Bytes into which all texts and profiles of one PNG may inflate.
_INFLATED: Final = 32 << 20
_BLOCK: Final = 1 << 20
_AGAIN: Final = "export it again"
#: Boxes of MP4 that hold boxes which matter here.
_NESTS: Final = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf"})
#: Boxes with a number of samples, and where it is.
_COUNTS: Final = {b"stsz": 8, b"stz2": 8, b"trun": 4}
_BOXES: Final = 1_000_000
#: Chunks of one PNG, and segments of one JPEG: an encoder writes a picture in a few thousand.
_PARTS: Final = 100_000


def check(file: BinaryIO) -> None:
    """Raise ``LimitExceeded`` for a claim that cannot be true; the file is left at its start."""
    head = file.read(16)
    for matches, examine in _KINDS:
        if matches(head):
            examine(file, file.seek(0, 2))
            break
    file.seek(0)


def _at(file: BinaryIO, place: int, size: int) -> bytes:
    file.seek(place)
    data = b""
    while len(data) < size and (piece := file.read(size - len(data))):
        data += piece
    return data


def _limit(number: int, most: int) -> None:
    if number > most:
        raise LimitExceeded(f"consists of more than {most:,} parts: {_AGAIN}", "time")


def _check_mp4(file: BinaryIO, size: int) -> None:
    tracks = 0
    for number, (kind, start, end) in enumerate(_boxes(file, 0, size)):
        tracks += kind == b"trak"
        _limit(number, _BOXES)
        if tracks > _TRACKS:
            raise LimitExceeded(f"claims to have more than {_TRACKS} tracks: {_AGAIN}", "memory")
        if kind in _COUNTS and start + _COUNTS[kind] + 4 <= end:
            (samples,) = struct.unpack(">I", _at(file, start + _COUNTS[kind], 4))
            if samples > size:
                words = f"claims to have {samples:,} samples in {size:,} bytes: {_AGAIN}"
                raise LimitExceeded(words, "memory")


def _boxes(
    file: BinaryIO, start: int, end: int, depth: int = 0
) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of the contents of each box."""
    while start + 8 <= end:
        length, kind = struct.unpack(">I4s", _at(file, start, 8))
        body = start + 8
        if length == 1:
            length, body = int.from_bytes(_at(file, body, 8), "big"), body + 8
        stop = min(end, start + length) if length else end
        if stop < body:
            return
        yield kind, body, stop
        if kind in _NESTS and depth < len(_NESTS):
            yield from _boxes(file, body, stop, depth + 1)
        start = stop


def _check_png(file: BinaryIO, size: int) -> None:
    place, total = 8, 0
    for number in itertools.count():
        if place + 12 > size:
            return
        _limit(number, _PARTS)
        length, kind = struct.unpack(">I4s", _at(file, place, 8))
        if kind in {b"zTXt", b"iTXt", b"iCCP"}:
            total = _inflated(file, place + 8, min(length, size - place - 8), kind, total)
        place += 12 + length


def _inflated(file: BinaryIO, place: int, length: int, kind: bytes, total: int) -> int:
    """Bytes into which a chunk inflates, and those before it; raises above the limit."""
    head = _at(file, place, min(length, 300))
    skip = head.find(b"\0") + 2  # a name, and the method
    if kind == b"iTXt":  # flag, method, language, name
        if not (ends := [m.end() for m in re.finditer(rb"\0", head[skip + 1 :])]):
            return total
        skip += 1 + (ends[1] if len(ends) > 1 else ends[0])
    data, inflater = _at(file, place + skip, length - skip), zlib.decompressobj()
    try:
        while data and not inflater.eof:
            total += len(inflater.decompress(data, _BLOCK))
            data = inflater.unconsumed_tail
            if total > _INFLATED:
                words = f"holds text or a profile of more than {_INFLATED >> 20} MB: {_AGAIN}"
                raise LimitExceeded(words, "memory")
    except zlib.error:
        pass  # the decoder may still take the picture
    return total


#: A marker of JPEG that is no stuffing, padding or restart.
_MARKER: Final = re.compile(rb"\xff[^\0\xff\xd0-\xd7]")
_SCAN, _END, _BARE = 0xDA, 0xD9, frozenset({0x01, 0xD8})


def _check_jpeg(file: BinaryIO, size: int) -> None:
    """Count the scans up to the end of the first picture."""
    place, scans = 2, 0
    for number in itertools.count():
        if (found := _next_marker(file, place, size)) is None:
            return
        _limit(number, _PARTS)
        place, marker = found
        scans += marker == _SCAN
        if scans > _SCANS:
            words = f"consists of more than {_SCANS} scans, where others have ten: {_AGAIN}"
            raise LimitExceeded(words, "time")
        if marker == _END:
            return
        if marker not in _BARE:
            place += int.from_bytes(_at(file, place, 2), "big")


def _next_marker(file: BinaryIO, place: int, size: int) -> tuple[int, int] | None:
    """Place behind the next marker, and its code."""
    step = 64  # most follow at once
    while place + 2 <= size:
        block = _at(file, place, step)
        if found := _MARKER.search(block):
            return place + found.end(), block[found.end() - 1]
        place += max(1, len(block) - 1)
        step = _BLOCK
    return None


_KINDS: Final[tuple[tuple[Callable[[bytes], bool], Callable[[BinaryIO, int], None]], ...]] = (
    (lambda head: head[4:8] in {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"}, _check_mp4),
    (lambda head: head.startswith(b"\x89PNG\r\n\x1a\n"), _check_png),
    (lambda head: head.startswith(b"\xff\xd8\xff"), _check_jpeg),
)
