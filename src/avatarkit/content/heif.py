"""Reads HEIC, the default of most phones' cameras, by FFmpeg's HEVC decoder (PyAV).

A phone stores one picture as a grid of tiles, each a stream to FFmpeg; the index (``meta``) tells
which tiles make the primary picture, and how it is turned. PyAV does not show FFmpeg's own
description of the grid, hence the parser here. pi-heif and pillow-heif would do the same with
libheif and libde265 (LGPL-3.0): a second decoder of untrusted files in C++ beside FFmpeg, which the
extras need anyway. Source: ISO/IEC 23008-12 and 14496-12.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import numpy as np
import numpy.typing as npt

from .boxes import boxes, reader
from .decoding import DecodeError, decode, open_media, packets
from .limits import MAX_PIXELS
from .pictures import Picture, TooLargeError, Turn

#: Bytes of the index, and tiles of one picture, that are read.
_MOST_BYTES: Final = 4 << 20
_MOST_TILES: Final = 1024


@dataclass(slots=True)
class _Index:
    """Items of a HEIF file: the primary one, its tiles and its properties."""

    primary: int = 0
    kinds: dict[int, bytes] = field(default_factory=dict[int, bytes])
    derived: dict[int, tuple[int, ...]] = field(default_factory=dict[int, tuple[int, ...]])
    properties: list[tuple[bytes, bytes]] = field(default_factory=list[tuple[bytes, bytes]])
    owned: dict[int, tuple[int, ...]] = field(default_factory=dict[int, tuple[int, ...]])
    places: dict[int, tuple[int, int, int]] = field(default_factory=dict[int, tuple[int, int, int]])
    data: bytes = b""

    def of_primary(self) -> Iterator[tuple[bytes, bytes]]:
        """Properties of the primary item, in the order in which they are applied."""
        for number in self.owned.get(self.primary, ()):
            if 0 < number <= len(self.properties):
                yield self.properties[number - 1]


def read_heif(source: Path | BinaryIO, longest_side: int) -> Picture:
    """Decode the primary picture; raises ``DecodeError``, as ``pictures.read_picture`` does."""
    from PIL import Image

    file = source.open("rb") if isinstance(source, Path) else source
    try:
        file.seek(0)
        index = _index(file)
        grid = _grid(file, index) if index.kinds.get(index.primary) == b"grid" else None
        file.seek(0)
        pixels, (width, height) = _decoded(file, index, grid, longest_side)
    except (IndexError, ValueError, KeyError) as error:
        raise DecodeError(f"its index is damaged ({error})") from error
    finally:
        if isinstance(source, Path):
            file.close()
    turned = False
    for kind, body in index.of_primary():
        for step in _turns(kind, body):
            pixels, turned = step.apply(pixels), True
            width, height = (height, width) if step.transposed else (width, height)
    image = Image.fromarray(np.ascontiguousarray(pixels))
    image.thumbnail((longest_side, longest_side), Image.Resampling.LANCZOS)
    return Picture(width=width, height=height, turned=turned, rgb=image.tobytes(), size=image.size)


def _turns(kind: bytes, body: bytes) -> Iterator[Turn]:
    if kind == b"irot" and body:  # quarters, anticlockwise
        for _ in range(body[0] & 3):
            yield Turn(transposed=True, top_bottom=True)
    if kind == b"imir" and body:
        yield Turn(left_right=bool(body[0] & 1), top_bottom=not body[0] & 1)


@dataclass(frozen=True, slots=True)
class _Grid:
    """Layout of tiles, row by row, and the size of the whole in pixels."""

    rows: int
    columns: int
    width: int
    height: int


def _decoded(
    file: BinaryIO, index: _Index, grid: _Grid | None, longest_side: int
) -> tuple[npt.NDArray[np.uint8], tuple[int, int]]:
    """Pixels, shrunk where there are far more than needed, and the size of the original."""
    wanted = index.derived.get(index.primary, ()) if grid else (index.primary,)
    if grid and not 0 < grid.rows * grid.columns == len(wanted) <= _MOST_TILES:
        raise DecodeError(f"its grid needs {grid.rows * grid.columns} tiles and has {len(wanted)}")
    tiles: dict[int, npt.NDArray[np.uint8]] = {}
    scale, size = 1, (0, 0)
    with open_media(file) as container:
        streams: dict[int, Any] = {stream.id: stream for stream in container.streams.video}
        if grid is None and index.primary not in streams and len(streams) == 1:
            wanted = tuple(streams)
        needed = _needed(streams, wanted)
        for packet in packets(container, needed):
            for frame in cast("list[Any]", decode(packet.decode)):
                size = (grid.width, grid.height) if grid else (frame.width, frame.height)
                scale = _scale(size, longest_side, frame if grid else None)
                tiles.setdefault(packet.stream.id, _rgb(frame, scale))
    if missing := len(set(wanted) - set(tiles)):
        raise DecodeError(f"{missing} of its {len(set(wanted))} parts cannot be read")
    if grid is None:
        return tiles[wanted[0]], size
    return _joined([tiles[number] for number in wanted], grid, scale), size


def _needed(streams: Mapping[int, Any], wanted: Sequence[int]) -> list[Any]:
    """Streams of the wanted items; raises ``DecodeError`` if there are none."""
    needed = [streams[number] for number in dict.fromkeys(wanted) if number in streams]
    if not needed:
        raise DecodeError("its picture is built in a way that is not read")
    for stream in needed:
        stream.codec_context.thread_count = 1
    return needed


def _joined(
    tiles: Sequence[npt.NDArray[np.uint8]], grid: _Grid, scale: int
) -> npt.NDArray[np.uint8]:
    """Join the tiles of a grid, row by row, and cut off what exceeds the picture."""
    rows = [
        np.hstack(tiles[start : start + grid.columns])
        for start in range(0, len(tiles), grid.columns)
    ]
    return np.vstack(rows)[: -(-grid.height // scale), : -(-grid.width // scale)]


def _scale(size: tuple[int, int], longest_side: int, tile: Any) -> int:
    """Power of two by which tiles are shrunk before they are joined, to save memory."""
    scale = 1
    while max(size) / (2 * scale) >= longest_side and not (
        tile is not None and (tile.width % (4 * scale) or tile.height % (4 * scale))
    ):
        scale *= 2
    return scale


def _rgb(frame: Any, scale: int) -> npt.NDArray[np.uint8]:
    if frame.width * frame.height > MAX_PIXELS:
        raise TooLargeError(frame.width, frame.height, MAX_PIXELS)
    small = decode(
        frame.reformat,
        max(1, frame.width // scale),
        max(1, frame.height // scale),
        format="rgb24",
        interpolation="AREA",
    )
    pixels: npt.NDArray[np.uint8] = decode(small.to_ndarray)
    return pixels


def _grid(file: BinaryIO, index: _Index) -> _Grid:
    """Read the body of the grid item, in ``idat`` or in the file."""
    method, offset, length = index.places[index.primary]
    if method == 1:
        body = index.data[offset : offset + length]
    else:
        file.seek(offset)
        body = file.read(min(length, 64))
    size = 4 if body[1] & 1 else 2
    width, height = (int.from_bytes(body[at : at + size], "big") for at in (4, 4 + size))
    if width * height > MAX_PIXELS:
        raise TooLargeError(width, height, MAX_PIXELS)
    return _Grid(body[2] + 1, body[3] + 1, width, height)


# -- the index --------------------------------------------------------------------------------


def _index(file: BinaryIO) -> _Index:
    def read(at: int, length: int) -> bytes:
        file.seek(at)
        return file.read(length)

    found = (box for box in boxes(read, 0, file.seek(0, 2)) if box.kind == b"meta")
    meta = next((read(b.start, max(0, min(b.end - b.start, _MOST_BYTES))) for b in found), b"")
    index = _Index()
    for kind, body in _boxes(meta[4:]):
        reader = _READERS.get(kind)
        if reader is not None:
            reader(index, body)
    return index


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    for box in boxes(reader(data), 0, len(data)):
        yield box.kind, data[box.start : box.end]


class _Numbers:
    """Big-endian numbers of a box, one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, size: int) -> int:
        """The next number of ``size`` bytes; raises ``ValueError`` at the end."""
        piece = self._data[self._at : self._at + size]
        if len(piece) < size:
            raise ValueError("a box ends too early")
        self._at += size
        return int.from_bytes(piece, "big")


def _pitm(index: _Index, body: bytes) -> None:
    index.primary = int.from_bytes(body[4 : 6 if body[0] == 0 else 8], "big")


def _iinf(index: _Index, body: bytes) -> None:
    for kind, entry in _boxes(body[6 if body[0] == 0 else 8 :]):
        if kind == b"infe" and entry[0] >= 2:
            size = 2 if entry[0] == 2 else 4
            index.kinds[int.from_bytes(entry[4 : 4 + size], "big")] = entry[6 + size : 10 + size]


def _iref(index: _Index, body: bytes) -> None:
    size = 2 if body[0] == 0 else 4
    for kind, entry in _boxes(body[4:]):
        if kind == b"dimg":
            numbers = _Numbers(entry)
            owner, count = numbers.take(size), numbers.take(2)
            index.derived[owner] = tuple(numbers.take(size) for _ in range(count))


def _iprp(index: _Index, body: bytes) -> None:
    for kind, inner in _boxes(body):
        if kind == b"ipco":
            index.properties = list(_boxes(inner))
        elif kind == b"ipma":
            _ipma(index, inner)


def _ipma(index: _Index, body: bytes) -> None:
    wide, size = body[3] & 1, 4 if body[0] else 2
    numbers = _Numbers(body[4:])
    for _ in range(numbers.take(4)):
        owner = numbers.take(size)
        taken = [numbers.take(2 if wide else 1) for _ in range(numbers.take(1))]
        index.owned[owner] = tuple(n & (0x7FFF if wide else 0x7F) for n in taken)


def _iloc(index: _Index, body: bytes) -> None:
    version, sizes = body[0], int.from_bytes(body[4:6], "big")
    of_offset, of_length, of_base = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    of_number = sizes & 15 if version else 0
    numbers = _Numbers(body[6:])
    for _ in range(numbers.take(4 if version == 2 else 2)):
        owner = numbers.take(4 if version == 2 else 2)
        method = numbers.take(2) & 15 if version else 0
        numbers.take(2)
        base = numbers.take(of_base)
        for part in range(numbers.take(2)):
            numbers.take(of_number)
            offset, length = numbers.take(of_offset), numbers.take(of_length)
            if part == 0:
                index.places[owner] = (method, base + offset, length)


def _idat(index: _Index, body: bytes) -> None:
    index.data = body


_READERS: Mapping[bytes, Any] = {
    b"pitm": _pitm,
    b"iinf": _iinf,
    b"iref": _iref,
    b"iprp": _iprp,
    b"iloc": _iloc,
    b"idat": _idat,
}
