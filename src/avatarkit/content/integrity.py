"""Integrity of a file without a decoder: container, streams, length, and that no byte is missing.

Pure Python, for results that vendors deliver. ``containers`` tells the format; this module also
reads the indexes of the usual ones, in place (``mmap``) and in a child process, so that neither a
large file nor a false index harms this one. What only a decoder sees, damaged pictures
within a whole container, is the business of ``playback``.
"""

from __future__ import annotations

import json
import mmap
import re
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from . import sandbox
from .boxes import Box, boxes, reader
from .containers import (
    CLUSTER,
    SEGMENT,
    Foreign,
    MpegFrame,
    adts_frame,
    ebml_number,
    foreign,
    id3_length,
    identify,
    is_webm,
    mpeg_frame,
    picture_is_cut,
)

Kind = Literal["video", "audio", "image", "text"]


class DamagedError(Exception):
    """A file is incomplete, or is nothing that can be played; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """Properties of a whole file, as its headers state them."""

    media_type: str
    streams: frozenset[Kind]  #: kinds of its streams
    seconds: float | None = None  #: length; None if unknown


#: Streams of a recording.
_SOUND = frozenset[Kind]({"audio"})

#: A file, mapped into memory.
_Data = mmap.mmap


@sandbox.job(pool=sandbox.WORK, limits=sandbox.Limits(cpu=120.0, wall=240.0))
def examine(path: Path) -> Contents:
    """Read the containers' headers and follow them to the end of the file, in the sandbox.

    Raises ``DamagedError`` for a file that is empty, cut off, or of no known format, and
    ``LimitExceeded`` for an index of excessive size.
    """
    size = path.stat().st_size
    if not size:
        raise DamagedError("it is empty (0 bytes)")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        found = identify(file, size)
        if isinstance(found, Foreign):
            return _text_file(data)
        read = _READERS.get(found.media_type)
        try:
            whole = read(data) if read is not None else None
        except (struct.error, IndexError) as error:
            raise DamagedError("it is cut off within a header") from error
        if found.cut_off or (found.kind == "image" and picture_is_cut(file, size, found)):
            raise DamagedError("it is cut off")
        streams = frozenset[Kind]({found.kind})
        return whole or Contents(media_type=found.media_type, streams=streams)


#: Error code of a storage service, such as S3, in its XML document.
_STORAGE_CODE = re.compile(rb"<Code>([A-Za-z0-9.]{1,64})</Code>")


def describe(head: bytes) -> str:
    """Name what a file is that is no media, by its first bytes."""
    if (found := foreign(head)) is None:
        return "text" if is_text(head) else "no media file of a known format"
    code = _STORAGE_CODE.search(head)
    return f"{found.words}: {code[1].decode()}" if code else found.words


def is_text(head: bytes) -> bool:
    """True if these bytes are text, so no sample values of sound."""
    return not re.search(rb"[\0-\x08\x0e-\x1a]", head) and _decodes(head)


def _decodes(head: bytes) -> bool:
    try:
        head[: max(1, len(head) - 3)].decode()  # the last character may be cut
    except UnicodeDecodeError:
        return False
    return True


def _cut(needed: int, has: int) -> DamagedError:
    return DamagedError(f"it is cut off: {needed} bytes belong to it, and {has} came")


# -- MP4 and QuickTime (ISO 14496-12) ---------------------------------------------------------


def _boxes(data: _Data, start: int, end: int) -> Iterator[Box]:
    for box in boxes(reader(data), start, end):
        if box.damaged:
            raise DamagedError("its boxes are damaged")
        if box.end > end:
            raise _cut(box.end, end)
        yield box


def _within(data: _Data, box: Box, *path: bytes) -> Box | None:
    """Return the first box at a path of kinds."""
    found: Box | None = box
    for kind in path:
        if found is None:
            return None
        found = next((b for b in _boxes(data, found.start, found.end) if b.kind == kind), None)
    return found


@dataclass(frozen=True, slots=True)
class _Track:
    kind: Kind | None
    samples: int
    seconds: float | None
    end: int  #: offset behind its last sample


_HANDLERS: Mapping[bytes, Kind] = {b"vide": "video", b"soun": "audio"}


def _mp4(data: _Data) -> Contents:
    boxes = list(_boxes(data, 0, len(data)))
    moov = next((box for box in boxes if box.kind == b"moov"), None)
    if moov is None:
        raise DamagedError("it is cut off: the index of its streams (moov) is missing")
    fragmented = any(box.kind == b"moof" for box in boxes)
    tracks = _tracks(data, moov)
    streams = frozenset[Kind](t.kind for t in tracks if t.kind and (t.samples or fragmented))
    lengths = [t.seconds for t in tracks if t.kind in streams and t.seconds]
    return Contents(
        media_type=_film_type(data, boxes[0]) if "video" in streams else "audio/mp4",
        streams=streams,
        seconds=max(lengths) if lengths else _fragments_length(data, moov),
    )


def _film_type(data: _Data, first: Box) -> str:
    """Media type by the brand; QuickTime may have none."""
    quicktime = first.kind != b"ftyp" or data[first.start : first.start + 4] == b"qt  "
    return "video/quicktime" if quicktime else "video/mp4"


def _tracks(data: _Data, moov: Box) -> list[_Track]:
    """Tracks of a movie; raises ``DamagedError`` if the file ends before their last sample."""
    found = [_track(data, box) for box in _boxes(data, moov.start, moov.end) if box.kind == b"trak"]
    end = max((track.end for track in found), default=0)
    if end > len(data):
        raise _cut(end, len(data))
    return found


def _track(data: _Data, trak: Box) -> _Track:
    handler = _within(data, trak, b"mdia", b"hdlr")
    header = _within(data, trak, b"mdia", b"mdhd")
    table = _within(data, trak, b"mdia", b"minf", b"stbl")
    if handler is None or header is None or table is None:
        raise DamagedError("the index of its streams is damaged")
    kind = _HANDLERS.get(data[handler.start + 8 : handler.start + 12])
    samples, end = _samples(data, table)
    return _Track(kind, samples, _length(data, header), end)


def _length(data: _Data, header: Box) -> float | None:
    if data[header.start]:
        scale, length = struct.unpack_from(">IQ", data, header.start + 20)
    else:
        scale, length = struct.unpack_from(">II", data, header.start + 12)
    return length / scale if scale and length else None


def _fragments_length(data: _Data, moov: Box) -> float | None:
    total, movie = _within(data, moov, b"mvex", b"mehd"), _within(data, moov, b"mvhd")
    if total is None or movie is None:
        return None
    (scale,) = struct.unpack_from(">I", data, movie.start + (20 if data[movie.start] else 12))
    (length,) = struct.unpack_from(">Q" if data[total.start] else ">I", data, total.start + 4)
    return length / scale if scale else None


def _samples(data: _Data, table: Box) -> tuple[int, int]:
    """Return the number of a track's samples, and the offset behind the last one."""
    parts = {box.kind: box for box in _boxes(data, table.start, table.end)}
    sizes, runs = parts.get(b"stsz"), parts.get(b"stsc")
    chunks = parts.get(b"stco") or parts.get(b"co64")
    if sizes is None or runs is None or chunks is None:
        return (1, 0) if b"stz2" in parts else (0, 0)
    size, total = struct.unpack_from(">II", data, sizes.start + 4)
    offsets = _numbers(data, chunks, 4, ">Q" if chunks.kind == b"co64" else ">I")
    if not total or not offsets:
        return total, 0
    last = max(range(len(offsets)), key=offsets.__getitem__)
    first, count = _samples_of(last, _numbers(data, runs, 4, ">III"))
    count = min(count, total - first)
    if not size:
        if 12 + 4 * total > sizes.end - sizes.start:
            raise DamagedError("the index of its streams is damaged")
        each = struct.unpack_from(f">{max(count, 0)}I", data, sizes.start + 12 + 4 * first)
        return total, offsets[last] + sum(each)
    return total, offsets[last] + size * count


def _numbers(data: _Data, box: Box, at: int, form: str) -> Sequence[Any]:
    """Read a table whose number of rows stands at ``at``; rows of one number are plain numbers."""
    (count,) = struct.unpack_from(">I", data, box.start + at)
    step, start = struct.calcsize(form), box.start + at + 4
    if start + count * step > box.end:
        raise DamagedError("the index of its streams is damaged")
    rows = struct.iter_unpack(form, data[start : start + count * step])
    return [row[0] if len(row) == 1 else row for row in rows]


def _samples_of(chunk: int, runs: Sequence[tuple[int, int, int]]) -> tuple[int, int]:
    """Return the first sample of a chunk, and how many it has; runs name their first chunk."""
    before = 0
    for number, (first, per_chunk, _) in enumerate(runs):
        following = runs[number + 1][0] if number + 1 < len(runs) else chunk + 2
        if chunk + 1 < following:
            return before + (chunk + 1 - first) * per_chunk, per_chunk
        before += (following - first) * per_chunk
    return before, 0


# -- WebM and Matroska (RFC 8794, RFC 9559) ---------------------------------------------------

_INFO, _TRACKS = 0x1549A966, 0x1654AE6B
_SCALE, _DURATION, _ENTRY, _TYPE = 0x2AD7B1, 0x4489, 0xAE, 0x83
_TIMESTAMP, _SIMPLE_BLOCK, _BLOCK_GROUP = 0xE7, 0xA3, 0xA0
#: Elements whose contents are read as elements; a segment and a cluster may have no length.
_OPEN = frozenset({SEGMENT, CLUSTER, _INFO, _TRACKS, _ENTRY})
#: A cluster holds at most 32.8 s: its blocks count milliseconds in 16 bits.
_CLUSTER_SECONDS = 33.0
_TRACK_TYPES: Mapping[int, Kind] = {1: "video", 2: "audio"}


def _elements(data: _Data) -> Iterator[tuple[int, int, int]]:
    """Yield (id, start, end) of all elements, parents first; those in ``_OPEN`` are entered."""
    at = 0
    while at < len(data):
        element, at = _variable(data, at, marked=True)
        size, start = _variable(data, at, marked=False)
        unknown = size is None and element in _OPEN
        end = len(data) if unknown else start + (size or 0)
        if end > len(data) or (size is None and not unknown):
            raise _cut(end, len(data))
        yield element or 0, start, end
        at = start if element in _OPEN else end


def _variable(data: _Data, at: int, *, marked: bool) -> tuple[int | None, int]:
    """Read a number of variable length; None is "unknown". ``marked`` keeps the length bits."""
    value, end = ebml_number(data, at, keep=marked)
    if not data[at] or end > len(data):
        raise DamagedError("it is cut off, or damaged within its elements")
    return value, end


def _webm(data: _Data) -> Contents:
    types: set[int] = set()
    last = {_SCALE: 1_000_000, _TIMESTAMP: 0}
    duration, blocks = 0.0, 0
    for element, start, end in _elements(data):
        if element in last:
            last[element] = int.from_bytes(data[start:end], "big")
        elif element == _DURATION:
            (duration,) = struct.unpack(">f" if end - start == 4 else ">d", data[start:end])
        elif element == _TYPE:
            types.update(data[max(start, end - 1) : end])
        blocks += element in {_SIMPLE_BLOCK, _BLOCK_GROUP}
    streams: set[Kind] = {_TRACK_TYPES[number] for number in types & _TRACK_TYPES.keys()}
    unit = last[_SCALE] / 1e9
    seconds = duration * unit
    if not blocks or seconds - last[_TIMESTAMP] * unit > _CLUSTER_SECONDS:
        raise DamagedError("it is cut off: its last pictures are missing")
    kind = "video" if "video" in streams else "audio"
    form = "webm" if is_webm(data[:128]) else "x-matroska"
    return Contents(
        media_type=f"{kind}/{form}", streams=frozenset(streams), seconds=seconds or None
    )


# -- WAV ---------------------------------------------------------------------


def _chunks(data: _Data) -> Iterator[tuple[bytes, int, int]]:
    """Yield (name, start, size as stated) of the chunks; a chunk may be longer than the file."""
    at = 12
    while at + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, at)
        yield name, at + 8, size
        at += 8 + size + size % 2


#: Sizes that a stream has in its header, because it was not finished when that was written.
_UNTOLD = frozenset({0, 0x7FFF_FFFF, 0xFFFF_FFFF, 0xFFFF_FFFF - 36, 0x7FFF_FFFF - 36})
#: The chunks that are read; a file may have millions of others.
_READ = frozenset({b"ds64", b"fmt ", b"data"})


def _wav(data: _Data) -> Contents | None:
    if data[:4] == b"RIFX":
        return None
    chunks: dict[bytes, tuple[int, int]] = {}
    for name, start, size in _chunks(data):
        if name in _READ:
            chunks[name] = (start, size)
        if name == b"data":
            break
    else:
        raise DamagedError("it is cut off: its sound (data) is missing")
    rate, long_size = 0, None
    if b"fmt " in chunks:
        (rate,) = struct.unpack_from("<I", data, chunks[b"fmt "][0] + 8)
    if b"ds64" in chunks:
        (long_size,) = struct.unpack_from("<Q", data, chunks[b"ds64"][0] + 8)
    start, size = chunks[b"data"]
    has = len(data) - start
    wanted = long_size or (has if size in _UNTOLD else size)
    if wanted > has:
        raise _cut(start + wanted, len(data))
    if not wanted:
        raise DamagedError("it has no sound")
    seconds = wanted / rate if rate else None
    return Contents(media_type="audio/wav", streams=_SOUND, seconds=seconds)


# -- MPEG audio ---------------------------------------------------------------

#: Tags behind the last frame.
_TAGS_BEHIND = re.compile(rb"TAG|APETAGEX|LYRICSBEGIN|ID3|3DI|\0")
#: Bytes between two frames that are passed over, in all.
_STRAY = 4096


def _mp3(data: _Data) -> Contents:
    """Walk from frame to frame to the end of the file."""
    at, seconds, count = _behind_id3(data), 0.0, 0
    stated = _stated_frames(data, at)
    for frame in _mpeg_frames(data, at):
        seconds, count = seconds + frame.seconds, count + 1
    if not count:
        raise DamagedError("it has no sound")
    if stated is not None and count < stated:
        raise DamagedError(f"it is cut off: {stated} frames belong to it, and {count} came")
    return Contents(media_type="audio/mpeg", streams=_SOUND, seconds=seconds)


def _mpeg_frames(data: _Data, at: int) -> Iterator[MpegFrame]:
    """Yield the frames, the first at ``at``, up to tags behind the last."""
    found, stray = False, 0
    while at < len(data):
        frame = mpeg_frame(data[at : at + 4])
        if frame is None or not frame.size:
            if found and _TAGS_BEHIND.match(data[at : at + 12]):
                return
            at, stray = at + 1, stray + 1
            if stray > _STRAY:
                raise DamagedError("its frames are damaged")
            continue
        if at + frame.size > len(data):
            raise _cut(at + frame.size, len(data))
        yield frame
        at, found = at + frame.size, True


def _aac(data: _Data) -> None:
    """Walk the frames of AAC (ADTS), whose first bytes are all the same, to the end of the file."""
    at, stray, same = _behind_id3(data), 0, b""
    while at < len(data):
        size = adts_frame(data[at : at + 6])
        same = same or (data[at : at + 3] if size else b"")
        if size and data[at : at + 3] == same:
            at += size
        elif data[at : at + 3] in {b"TAG", b"ID3", b"APE"}:
            return
        else:
            at, stray = at + 1, stray + 1
        if stray > _STRAY:
            raise DamagedError("its frames are damaged")
    if at > len(data):
        raise _cut(at, len(data))


def _behind_id3(data: _Data) -> int:
    """Offset behind all ID3v2 tags; raises ``DamagedError`` if the file ends within one."""
    end = 0
    while length := id3_length(data[end : end + 10]):
        end += length
    if end > len(data):
        raise _cut(end, len(data))
    return end


def _stated_frames(data: _Data, at: int) -> int | None:
    """Number of frames that a Xing or Info header states, if there is one."""
    head = data[at : at + 200]
    found = max(head.find(b"Xing"), head.find(b"Info"))
    if found < 0 or len(head) < found + 12 or not head[found + 7] & 1:
        return None
    return int.from_bytes(head[found + 8 : found + 12], "big")


# -- Ogg (RFC 3533) ---------------------------------------------------------------------------


def _ogg(data: _Data) -> None:
    """Walk the pages to the end of the file; each stream numbers its own."""
    at, following = 0, dict[bytes, int]()
    while at < len(data):
        if data[at : at + 4] != b"OggS":
            raise DamagedError("its pages are damaged")
        serial, (number,) = data[at + 14 : at + 18], struct.unpack_from("<I", data, at + 18)
        begins = data[at + 5] & 2
        if not begins and number != following.get(serial, number):
            raise DamagedError("pages are missing in it")
        following[serial] = number + 1
        table = data[at + 27 : at + 27 + data[at + 26]]
        at += 27 + len(table) + sum(table)
    if at > len(data):
        raise _cut(at, len(data))


# -- pictures ---------------------------------------------------------------------------------

_IMAGE = frozenset[Kind]({"image"})


def _png(data: _Data) -> Contents:
    at, pixels = 8, False
    while at + 12 <= len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        end = at + 12 + size
        if end > len(data):
            raise _cut(end, len(data))
        if zlib.crc32(data[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            raise DamagedError("its bytes were changed: a checksum does not fit")
        if name == b"IEND" and pixels:
            return Contents(media_type="image/png", streams=_IMAGE)
        pixels, at = pixels or name == b"IDAT", end
    raise DamagedError("it is cut off: its end (IEND) is missing")


# -- text -------------------------------------------------------------------------------------

_TEXT_SIZE = 16 << 20
_CUE = re.compile(rb"\d\d:\d\d[.,]\d{1,3}[ \t]+-->[ \t]+(?:\d+:)?\d\d:\d\d[.,]\d{1,3}")


def _text(data: _Data) -> bytes:
    if len(data) > _TEXT_SIZE:
        raise DamagedError(f"it is text of more than {_TEXT_SIZE >> 20} MiB")
    return data[:]


def _subtitles(data: _Data) -> Contents:
    """Subtitles with at least one cue; an empty WebVTT file says that nothing is spoken."""
    text = _text(data).removeprefix(b"\xef\xbb\xbf").lstrip()
    vtt = text.startswith(b"WEBVTT")
    if not vtt and not _CUE.search(text):
        raise DamagedError("it has no cues: it is no file of subtitles")
    kind = "text/vtt" if vtt else "application/x-subrip"
    return Contents(media_type=kind, streams=frozenset({"text"}))


def _json(data: _Data) -> Contents:
    try:
        json.loads(_text(data))
    except (ValueError, RecursionError) as error:
        raise DamagedError("it is a JSON document that is cut off or damaged") from error
    return Contents(media_type="application/json", streams=frozenset({"text"}))


def _text_file(data: _Data) -> Contents:
    """Subtitles or JSON; raises ``DamagedError`` for whatever else is no media."""
    head = data[:_HEAD]
    if re.match(rb"(\xef\xbb\xbf)?\s*(WEBVTT|\d+\s*\n\s*\d+:\d\d:\d\d)", head):
        return _subtitles(data)
    if re.match(rb"\s*[{\[]", head):
        return _json(data)
    raise DamagedError(f"it is {describe(head)}")


_HEAD = 4096
_READERS: Mapping[str, Callable[[_Data], Contents | None]] = {
    **dict.fromkeys(("video/mp4", "video/quicktime", "audio/mp4"), _mp4),
    **dict.fromkeys(("video/webm", "video/x-matroska"), _webm),
    "audio/wav": _wav,
    "audio/mpeg": _mp3,
    "audio/aac": _aac,
    **dict.fromkeys(("audio/ogg", "video/ogg"), _ogg),
    "image/png": _png,
}
