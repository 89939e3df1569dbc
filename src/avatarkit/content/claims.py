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

from .boxes import boxes
from .containers import File, next_marker
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
            examine(File(file, file.seek(0, 2)))
            break
    file.seek(0)


def _limit(number: int, most: int) -> None:
    if number > most:
        raise LimitExceeded(f"consists of more than {most:,} parts: {_AGAIN}", "time")


def _check_mp4(file: File) -> None:
    tracks = 0
    for number, (kind, start, end) in enumerate(_boxes(file, 0, file.size)):
        tracks += kind == b"trak"
        _limit(number, _BOXES)
        if tracks > _TRACKS:
            raise LimitExceeded(f"claims to have more than {_TRACKS} tracks: {_AGAIN}", "memory")
        if kind in _COUNTS and start + _COUNTS[kind] + 4 <= end:
            (samples,) = struct.unpack(">I", file.at(start + _COUNTS[kind], 4))
            if samples > file.size:
                words = f"claims to have {samples:,} samples in {file.size:,} bytes: {_AGAIN}"
                raise LimitExceeded(words, "memory")


def _boxes(file: File, start: int, end: int, depth: int = 0) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of the contents of each box, also of those that hold others."""
    for box in boxes(file.at, start, end):
        stop = min(end, box.end)
        if stop < box.start:
            return
        yield box.kind, box.start, stop
        if box.kind in _NESTS and depth < len(_NESTS):
            yield from _boxes(file, box.start, stop, depth + 1)


def _check_png(file: File) -> None:
    place, total = 8, 0
    for number in itertools.count():
        if place + 12 > file.size:
            return
        _limit(number, _PARTS)
        length, kind = struct.unpack(">I4s", file.at(place, 8))
        if kind in {b"zTXt", b"iTXt", b"iCCP"}:
            total = _inflated(file, place + 8, min(length, file.size - place - 8), kind, total)
        place += 12 + length


def _inflated(file: File, place: int, length: int, kind: bytes, total: int) -> int:
    """Bytes into which a chunk inflates, and those before it; raises above the limit."""
    head = file.at(place, min(length, 300))
    skip = head.find(b"\0") + 2  # a name, and the method
    if kind == b"iTXt":  # flag, method, language, name
        if not (ends := [m.end() for m in re.finditer(rb"\0", head[skip + 1 :])]):
            return total
        skip += 1 + (ends[1] if len(ends) > 1 else ends[0])
    data, inflater = file.at(place + skip, length - skip), zlib.decompressobj()
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


_SCAN, _END, _BARE = 0xDA, 0xD9, frozenset({0x01, 0xD8})


def _check_jpeg(file: File) -> None:
    """Count the scans up to the end of the first picture."""
    place, scans = 2, 0
    for number in itertools.count():
        if (place := next_marker(file, place)) >= file.size:
            return
        _limit(number, _PARTS)
        (marker,) = file.at(place + 1, 1)
        place += 2
        scans += marker == _SCAN
        if scans > _SCANS:
            words = f"consists of more than {_SCANS} scans, where others have ten: {_AGAIN}"
            raise LimitExceeded(words, "time")
        if marker == _END:
            return
        if marker not in _BARE:
            place += int.from_bytes(file.at(place, 2), "big")


_KINDS: Final[tuple[tuple[Callable[[bytes], bool], Callable[[File], None]], ...]] = (
    (lambda head: head[4:8] in {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"}, _check_mp4),
    (lambda head: head.startswith(b"\x89PNG\r\n\x1a\n"), _check_png),
    (lambda head: head.startswith(b"\xff\xd8\xff"), _check_jpeg),
)
