"""XMP packets in media files: MP4, QuickTime, M4A, WAV, MP3, PNG and JPEG.

Each packet is inserted where the format's standard puts it (XMP specification part 3); no other
byte changes, except for the lengths around it.
"""

from __future__ import annotations

import mmap
import os
import shutil
import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from .boxes import boxes, reader
from .containers import id3_length


def packet(source_type: str, statement: str) -> bytes:
    """Build a packet with IPTC's digital source type and a description."""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        ' xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
        f" Iptc4xmpExt:DigitalSourceType={quoteattr(source_type)}><dc:description><rdf:Alt>"
        f'<rdf:li xml:lang="x-default">{escape(statement)}</rdf:li>'
        "</rdf:Alt></dc:description></rdf:Description></rdf:RDF></x:xmpmeta>"
        '<?xpacket end="r"?>'
    ).encode()


@dataclass(frozen=True, slots=True)
class _Change:
    """Bytes to insert, and lengths to overwrite, by their offset."""

    at: int
    inserted: bytes
    lengths: Mapping[int, bytes]


_Data = mmap.mmap


def add(path: Path, media_type: str, content: bytes, known: bytes) -> bool:
    """Add a packet to a file in place, unless one in it contains ``known``; blocking.

    Returns False for a format without a place for it, and for a damaged file.
    """
    insert = _FORMATS.get(media_type)
    if insert is None or not path.stat().st_size:
        return False
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        try:
            change = insert(data, content)
        except (struct.error, IndexError):
            return False
        if change is None or states(data, known):
            return change is not None
    _apply(path, change)
    return True


def states(data: _Data, known: bytes) -> bool:
    """True if a packet in the file contains ``known``."""
    at = data.find(b"<x:xmpmeta")
    while at >= 0 and (end := data.find(b"</x:xmpmeta", at)) >= 0:
        if data.find(known, at, end) >= 0:
            return True
        at = data.find(b"<x:xmpmeta", end)  # what begins within a packet was searched with it
    return False


def stated(path: Path, known: bytes) -> bool:
    """``states`` of a file; blocking."""
    if not path.stat().st_size:
        return False
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return states(data, known)


def _apply(path: Path, change: _Change) -> None:
    if change.at == path.stat().st_size:
        with path.open("ab") as file:
            file.write(change.inserted)
    else:
        part = path.with_name(f"{path.name}.xmp")
        with path.open("rb") as source, part.open("wb") as out:
            out.write(source.read(change.at))
            out.write(change.inserted)
            shutil.copyfileobj(source, out, 1 << 20)
        part.replace(path)
    if change.lengths:
        with path.open("r+b") as file:
            for at, length in change.lengths.items():
                file.seek(at, os.SEEK_SET)
                file.write(length)


#: The ``uuid`` box of XMP (XMP part 3, 1.2.7.1).
_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")


def _boxes(data: _Data, content: bytes) -> _Change | None:
    """A box behind the last one, if no box reaches to the end of whatever comes."""
    at = 0
    for found in boxes(reader(data), 0, len(data)):
        if found.open or found.damaged:
            return None
        at = found.end
    if at != len(data) or data[4:8] != b"ftyp":
        return None
    box = struct.pack(">I4s", 24 + len(content), b"uuid") + _UUID + content
    return _Change(at, box, {})


def _wav(data: _Data, content: bytes) -> _Change | None:
    """A chunk ``_PMX`` behind the last one; not in streams, whose length is unknown."""
    (size,) = struct.unpack("<I", data[4:8])
    if data[:4] != b"RIFF" or size + 8 != len(data) or size % 2:
        return None
    chunk = struct.pack("<4sI", b"_PMX", len(content)) + content + bytes(len(content) % 2)
    return _Change(len(data), chunk, {4: struct.pack("<I", size + len(chunk))})


_PRIVATE = b"XMP\0"


def _mp3(data: _Data, content: bytes) -> _Change | None:
    """A frame ``PRIV`` of the ID3v2 tag at the start, or such a tag."""
    body = _PRIVATE + content
    if data[:3] != b"ID3":
        frame = struct.pack(">4sIH", b"PRIV", len(body), 0) + body
        return _Change(0, b"ID3\x03\0\0" + _synchsafe(len(frame)) + frame, {})
    version, flags, tag = data[3], data[5], id3_length(data[:10])
    # unsynchronised, extended, with a footer
    if version not in {3, 4} or flags or tag is None:
        return None
    length = _synchsafe(len(body)) if version == 4 else struct.pack(">I", len(body))
    frame = b"PRIV" + length + b"\0\0" + body
    return _Change(10, frame, {6: _synchsafe(tag - 10 + len(frame))})


def _synchsafe(number: int) -> bytes:
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))


def _png(data: _Data, content: bytes) -> _Change | None:
    """A chunk ``iTXt`` behind the header."""
    if data[12:16] != b"IHDR":
        return None
    body = b"iTXtXML:com.adobe.xmp\0\0\0\0\0" + content
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return _Change(33, chunk, {})


_APP1 = b"http://ns.adobe.com/xap/1.0/\0"


def _jpeg(data: _Data, content: bytes) -> _Change | None:
    """A segment ``APP1`` behind the start, and behind JFIF's own segment."""
    if data[:2] != b"\xff\xd8":
        return None
    at = 2
    if data[2:4] == b"\xff\xe0":
        at += 2 + int.from_bytes(data[4:6], "big")
    body = _APP1 + content
    return _Change(at, b"\xff\xe1" + struct.pack(">H", 2 + len(body)) + body, {})


_FORMATS: Mapping[str, Callable[[_Data, bytes], _Change | None]] = {
    "video/mp4": _boxes,
    "video/quicktime": _boxes,
    "audio/mp4": _boxes,
    "audio/wav": _wav,
    "audio/mpeg": _mp3,
    "image/png": _png,
    "image/jpeg": _jpeg,
}
