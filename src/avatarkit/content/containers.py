"""Container formats of media files, told by their structure: chunks, frames, atoms, segments.

No decoder is needed, and no more than the headers is read: a file of gigabytes takes milliseconds.
``identify`` also tells if the file ends before its structure does, so that a message can say
"is cut off"; only a decoder knows if what is there can still be used.

Sources: RIFF/RF64 (EBU Tech 3306), ISO/IEC 11172-3 and 13818-3 (MPEG audio), 13818-7 (ADTS),
QuickTime File Format and ISO/IEC 14496-12 (atoms), RFC 8794 and 9559 (Matroska), RFC 3533 (Ogg).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from mmap import mmap
from typing import Final, Literal, Protocol

from .boxes import boxes

Kind = Literal["audio", "video", "image"]


class Reader(Protocol):
    """A file that is read at any offset."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Go to an offset."""
        ...

    def read(self, size: int = -1, /) -> bytes:
        """Read up to ``size`` bytes."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A media file as its structure tells; ``demuxer`` is the only one that FFmpeg may try."""

    kind: Kind  #: MP4, WebM, Ogg and ASF without pictures are "video" or "audio" until decoded
    media_type: str
    demuxer: str
    cut_off: bool = False  #: the structure continues behind the end of the file
    stated: int | None = None  #: bytes that a WAV header states; None if it states none
    streamed: bool = False  #: a WAV header without a length
    live: bool = False  #: written as a stream, as browsers do: no length, uneven frames


@dataclass(frozen=True, slots=True)
class Foreign:
    """Another type of file: a code that stays, and words for a message."""

    code: str
    words: str


class File:
    """Random access to the bytes of a file of known size."""

    def __init__(self, reader: Reader, size: int) -> None:
        self._reader = reader
        self.size = size

    def at(self, offset: int, length: int) -> bytes:
        """Up to ``length`` bytes from ``offset``; fewer at the end of the file."""
        if not 0 <= offset < self.size:
            return b""
        self._reader.seek(offset)
        pieces: list[bytes] = []
        while length > 0 and (piece := self._reader.read(length)):
            pieces.append(piece)
            length -= len(piece)
        return b"".join(pieces)


#: Extension of each media type that is told from a file's contents.
SUFFIXES: Mapping[str, str] = {
    "audio/wav": ".wav",
    "audio/x-w64": ".w64",
    "audio/mpeg": ".mp3",
    "audio/aac": ".aac",
    "audio/webm": ".webm",
    "audio/x-matroska": ".mka",
    "audio/ogg": ".ogg",
    "audio/flac": ".flac",
    "audio/mp4": ".m4a",
    "audio/aiff": ".aiff",
    "audio/x-caf": ".caf",
    "audio/amr": ".amr",
    "audio/basic": ".au",
    "audio/ac3": ".ac3",
    "audio/x-ape": ".ape",
    "audio/x-tta": ".tta",
    "audio/x-wavpack": ".wv",
    "video/mp4": ".mp4",
    "video/quicktime": ".mov",
    "video/webm": ".webm",
    "video/x-matroska": ".mkv",
    "video/x-msvideo": ".avi",
    "video/ogg": ".ogv",
    "video/x-ms-asf": ".wmv",
    "video/x-flv": ".flv",
    "video/mpeg": ".mpg",
    "video/mp2t": ".ts",
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "image/gif": ".gif",
    "image/heic": ".heic",
    "image/avif": ".avif",
    "image/tiff": ".tiff",
    "image/bmp": ".bmp",
    "image/x-portable-pixmap": ".ppm",
    "application/json": ".json",
    "application/x-subrip": ".srt",
    "text/vtt": ".vtt",
}

#: Structures are followed for this many elements; a longer file counts as complete.
_MOST: Final = 300_000

#: Other types of file: pattern of the first bytes, code, words.
_FOREIGN = (
    (rb"(?i)\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*(<!doctype svg[^>]*>\s*)?<svg", "svg", "an SVG"),
    (
        rb"(?i)\s*(<!--.*?-->\s*)*(<!doctype html|<html|<head|<body)",
        "web-page",
        "a web page",
    ),
    (rb"\s*#EXTM3U|ffconcat", "playlist", "a playlist (HLS), not the recording itself"),
    (rb"\s*(<\?xml|<[A-Za-z][\w:.-]*[\s/>])", "xml", "an XML document"),
    (rb"\s*[{\[]\s*[\"{\[\]}]", "json", "a JSON document"),
    (rb"\x1f\x8b", "archive", "compressed (gzip)"),
    (rb"PK\x03\x04|PK\x05\x06|Rar!|7z\xbc\xaf", "archive", "an archive (ZIP, RAR or 7z)"),
    (rb"%PDF-", "pdf", "a PDF"),
    (rb"MZ|\x7fELF|#!/", "program", "a program"),
    (
        rb"\0?\0\0\x01[\x09\x27\x40\x46\x67]|DKIF|YUV4MPEG2 |nut/|\.RMF|\x06\x0e\x2b\x34",
        "unknown",
        "video without a container, or in one that is not read",
    ),
    (
        (
            rb"\0\0\0\x0c(jP  |JXL )|\xff\x4f\xff\x51|\xff\x0a|\0\0\x01\0"
            rb"|8BPS|qoif|v/1\x01|P[1-57][\s#]"
        ),
        "unknown",
        "a picture in a format that is not read",
    ),
)


def foreign(head: bytes) -> Foreign | None:
    """Tell a file that is no media by its first bytes; None for one that is not known."""
    for pattern, code, words in _FOREIGN:
        if re.match(pattern, head, re.DOTALL):
            return Foreign(code, words)
    return None


def identify(reader: Reader, size: int) -> Container | Foreign:
    """Tell the type of a file, and if it ends too early; reads headers only."""
    file = File(reader, size)
    head = file.at(0, 4096)
    for parse in _PARSERS:
        if (found := parse(file, head)) is not None:
            return found
    return (
        foreign(head)
        or _resynchronised(file)
        or Foreign("unknown", "neither audio, video nor a picture")
    )


# -- pictures ---------------------------------------------------------------------------------

_PICTURES = (
    (rb"\x89PNG\r\n\x1a\n", "image/png"),
    (rb"\xff\xd8\xff", "image/jpeg"),
    (rb"GIF8[79]a", "image/gif"),
    (rb"P6\s", "image/x-portable-pixmap"),
    (rb"II\*\0|MM\0\*", "image/tiff"),
    (rb"BM.{4}\0{4}.{4}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", "image/bmp"),
)


def _picture(_: File, head: bytes) -> Container | None:
    for pattern, media_type in _PICTURES:
        if re.match(pattern, head, re.DOTALL):
            return Container(kind="image", media_type=media_type, demuxer="")
    return None


def picture_is_cut(reader: Reader, size: int, container: Container) -> bool:
    """Tell if a picture that no decoder can read ends before its structure does."""
    walk = _ENDS.get(container.media_type)
    return container.cut_off or (walk is not None and walk(File(reader, size)))


def picture_size(head: bytes) -> tuple[int, int] | None:
    """Width and height in the header of a PNG or JPEG; None if there is none in these bytes."""
    if head.startswith(b"\x89PNG"):
        return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
    at = 2
    while head[:2] == b"\xff\xd8" and at + 9 <= len(head) and head[at] == 0xFF:
        if head[at + 1] in _START_OF_FRAME:
            height, width = head[at + 5 : at + 7], head[at + 7 : at + 9]
            return int.from_bytes(width, "big"), int.from_bytes(height, "big")
        at += 2 + int.from_bytes(head[at + 2 : at + 4], "big")
    return None


_START_OF_FRAME = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD})


def _png_is_cut(file: File) -> bool:
    at = 8
    for _ in range(_MOST):
        head = file.at(at, 8)
        if len(head) < 8:
            return True
        if not head[4:].isalpha() or (at == 8 and head[4:] != b"IHDR"):
            return False  # damaged: the decoder tells
        at += 12 + int.from_bytes(head[:4], "big")
        if head[4:] == b"IEND":
            return at > file.size
    return False


#: A marker inside JPEG's coded data: neither a stuffed 0xFF00, a restart, nor a fill byte.
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_BLOCK: Final = 1 << 16
#: Bytes that are searched first: most segments follow each other.
_NEAR: Final = 64


def _jpeg_is_cut(file: File) -> bool:
    """Walk the segments of the first picture to its end; what follows belongs to others."""
    at = 2
    for _ in range(_MOST):
        head = file.at(at, 4)
        if head[:2] == b"\xff\xd9":
            return False
        if len(head) < 4:
            return True
        if head[0] != 0xFF:
            return False  # damaged: the decoder tells
        if head[1] == 0xFF or 0xD0 <= head[1] <= 0xD8 or head[1] == 0x01:
            at += 1 if head[1] == 0xFF else 2
            continue
        at += 2 + int.from_bytes(head[2:], "big")
        if head[1] == 0xDA:
            at = next_marker(file, at)
    return False


def next_marker(file: File, at: int) -> int:
    """Offset of JPEG's next marker; the size of the file if there is none."""
    size = _NEAR
    while piece := file.at(at, size):
        if found := _MARKER.search(piece):
            return at + found.start()
        at += len(piece) - (piece.endswith(b"\xff") and len(piece) > 1)
        size = _BLOCK
    return file.size


def _gif_is_cut(file: File) -> bool:
    """Walk the blocks to the trailer."""
    flags = file.at(10, 1)
    if not flags:
        return True
    at = 13 + _colours(flags[0])
    for _ in range(_MOST):
        kind = file.at(at, 10)
        if kind[:1] == b";":
            return False
        if kind[:1] == b"," and len(kind) == 10:
            at += 11 + _colours(kind[9])
        elif kind[:1] == b"!":
            at += 2
        else:
            return not kind  # anything else is damage
        while (length := file.at(at, 1)) not in {b"", b"\0"}:
            at += 1 + length[0]
        at += 1
    return False


def _colours(flags: int) -> int:
    """Bytes of a colour table."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


_ENDS: dict[str, Callable[[File], bool]] = {
    "image/png": _png_is_cut,
    "image/jpeg": _jpeg_is_cut,
    "image/gif": _gif_is_cut,
}


# -- RIFF, AIFF, CAF, W64 ---------------------------------------------------------------------

_RIFF = {
    b"WAVE": ("audio", "audio/wav", "wav"),
    b"WEBP": ("image", "image/webp", ""),
    b"AVI ": ("video", "video/x-msvideo", "avi"),
}
_STREAMED: Final = 0x7FFF_0000  #: recorders of streams write 0, 0xFFFFFFFF, 0x7FFFFFFF and such


def _riff(file: File, head: bytes) -> Container | None:
    form = _RIFF.get(head[8:12])
    if head[:4] not in {b"RIFF", b"RIFX", b"RF64", b"BW64"} or form is None:
        return None
    kind, media_type, demuxer = form
    found = Container(kind=kind, media_type=media_type, demuxer=demuxer)  # type: ignore[arg-type]
    if media_type == "audio/wav":
        return _wav(file, found, "big" if head[:4] == b"RIFX" else "little")
    told = int.from_bytes(head[4:8], "little")  # RIFX is for sound alone
    return replace(found, cut_off=bool(told) and told < _STREAMED and told + 8 > file.size + 1)


def _wav(file: File, found: Container, order: Literal["little", "big"]) -> Container:
    """Walk the chunks to ``data``; "data" in a comment is none."""
    whole = int.from_bytes(file.at(4, 4), order) + 8
    long = 0  # RF64: the length of data, 64 bits
    for name, at, length in _chunks(file, 12, order):
        if name == b"ds64":
            long = int.from_bytes(file.at(at + 8, 8), "little")
        if name == b"data":
            length = long if long and length == 0xFFFF_FFFF else length  # noqa: PLW2901
            if not long and (length == 0 or length >= _STREAMED):
                rest = file.size - at
                return replace(found, streamed=length > rest or rest > 0)
            end = at + length
            stated = max(end, whole) if whole < _STREAMED else end  # with the chunks behind it
            return replace(found, stated=stated, cut_off=end > file.size + 1)
    return replace(found, cut_off=True)


def _chunks(
    file: File, at: int, order: Literal["little", "big"]
) -> Iterator[tuple[bytes, int, int]]:
    """Name, offset of the contents, and length of each chunk; an unpadded odd one is allowed."""
    for _ in range(_MOST):
        head = file.at(at, 8)
        if len(head) < 8:
            return
        length = int.from_bytes(head[4:], order)
        yield head[:4], at + 8, length
        at += 8 + length
        if length % 2 and (file.at(at, 1) == b"\0" or not _is_name(file.at(at, 4))):
            at += 1


def _is_name(name: bytes) -> bool:
    """True for four printable characters."""
    return len(name) == 4 and all(0x20 <= letter < 0x7F or letter == 0xA9 for letter in name)


def _aiff(file: File, head: bytes) -> Container | None:
    if head[:4] != b"FORM" or head[8:12] not in {b"AIFF", b"AIFC"}:
        return None
    cut_off = True
    for name, at, length in _chunks(file, 12, "big"):
        if name == b"SSND":
            cut_off = 0 < length < _STREAMED and at + length > file.size + 1
            break
    return Container(kind="audio", media_type="audio/aiff", demuxer="aiff", cut_off=cut_off)


def _caf(file: File, head: bytes) -> Container | None:
    if head[:4] != b"caff":
        return None
    at, cut_off = 8, True
    for _ in range(_MOST):
        chunk = file.at(at, 12)
        if len(chunk) < 12:
            break
        length = int.from_bytes(chunk[4:], "big", signed=True)
        if chunk[:4] == b"data":
            cut_off = length >= 0 and at + 12 + length > file.size
            break
        at += 12 + max(0, length)
    return Container(kind="audio", media_type="audio/x-caf", demuxer="caf", cut_off=cut_off)


_W64 = bytes.fromhex("726966662e91cf11a5d628db04c10000")


def _w64(file: File, head: bytes) -> Container | None:
    if not head.startswith(_W64):
        return None
    at, cut_off = 40, True
    for _ in range(_MOST):
        chunk = file.at(at, 24)
        if len(chunk) < 24:
            break
        length = int.from_bytes(chunk[16:], "little")
        if chunk[:4] == b"data":
            cut_off = at + length > file.size + 8 and length < 1 << 62
            break
        at += max(24, (length + 7) & ~7)
    return Container(kind="audio", media_type="audio/x-w64", demuxer="w64", cut_off=cut_off)


# -- MP4, QuickTime, HEIF ---------------------------------------------------------------------

_ATOMS = frozenset(
    b"ftyp moov mdat wide free skip pnot udta uuid moof styp sidx meta junk pict PICT prfl emsg"
    b" mfra prft ssix imda".split()
)
_BRANDS: dict[bytes, tuple[Kind, str]] = {
    b"M4A ": ("audio", "audio/mp4"),
    b"M4B ": ("audio", "audio/mp4"),
    b"M4P ": ("audio", "audio/mp4"),
    b"F4A ": ("audio", "audio/mp4"),
    b"qt  ": ("video", "video/quicktime"),
    **dict.fromkeys((b"avif", b"avis"), ("image", "image/avif")),
    **dict.fromkeys(
        (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"),
        ("image", "image/heic"),
    ),
}


def _mp4(file: File, head: bytes) -> Container | None:
    """Walk the top atoms; QuickTime may begin with any of them, and may lack ``ftyp``."""
    if head[4:8] not in _ATOMS:
        return None
    kinds: set[bytes] = set()
    at = 0
    for atom in itertools.islice(boxes(file.at, 0, file.size), _MOST):
        if not _is_name(atom.kind):
            break
        kinds.add(atom.kind)
        if not atom.damaged:  # else the decoder tells
            at = atom.end
    begun = file.at(at, 8)
    cut_off = at > file.size or (len(begun) < 8 and any(begun))
    if not kinds & {b"ftyp", b"moov", b"mdat", b"moof"}:
        return None
    kind, media_type = _brand(head)
    # Without an index nothing can be read; it comes last where a camera writes the file.
    index = kinds & ({b"meta", b"moov"} if kind == "image" else {b"moov", b"moof"})
    return Container(
        kind=kind,
        media_type=media_type,
        demuxer="mov",
        cut_off=cut_off or not index,
        live=b"moof" in kinds,
    )


def _brand(head: bytes) -> tuple[Kind, str]:
    if head[4:8] not in {b"ftyp", b"styp"}:
        return "video", "video/quicktime"
    length = min(int.from_bytes(head[:4], "big"), 512)
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, length, 4))]
    if brands[0] in {b"mif1", b"msf1"}:  # "a HEIF file"; what is in it, the other brands tell
        inside = next((b for b in brands[1:] if _BRANDS.get(b, ("",))[0] == "image"), b"heic")
        return _BRANDS[inside]
    return _BRANDS.get(brands[0], ("video", "video/mp4"))


# -- Matroska, Ogg ----------------------------------------------------------------------------

_EBML = b"\x1a\x45\xdf\xa3"
#: Ids of the elements whose length may be unknown, as in a stream.
SEGMENT, CLUSTER = 0x18538067, 0x1F43B675


def _matroska(file: File, head: bytes) -> Container | None:
    if not head.startswith(_EBML):
        return None
    media_type = "video/webm" if is_webm(head[:128]) else "video/x-matroska"
    return Container(
        kind="video",
        media_type=media_type,
        demuxer="matroska",
        cut_off=_matroska_is_cut(file),
        live=True,
    )


def is_webm(head: bytes) -> bool:
    """True if the header names WebM, the part of Matroska that browsers play."""
    return re.search(rb"\x42\x82.webm", head, re.DOTALL) is not None


def _matroska_is_cut(file: File) -> bool:
    """Walk the elements; the length of segments and clusters may be unknown, as in a stream."""
    at = 0
    for _ in range(_MOST):
        head = file.at(at, 12)
        if not head:
            return False
        name, after_name = ebml_number(head, 0, keep=True)
        length, after = ebml_number(head, after_name, keep=False)
        if name is None or after > len(head):
            return len(head) < 12 and head[0] != 0
        at += after
        if at + (length or 0) > file.size:
            return True
        if name in {SEGMENT, CLUSTER}:
            continue  # step inside
        if length is None:
            return False  # damaged: the decoder tells
        at += length
    return False


def ebml_number(data: bytes | mmap, at: int, *, keep: bool) -> tuple[int | None, int]:
    """A number of variable length, and the offset behind it; None for "unknown" or damage.

    ``keep`` keeps the bits that tell the length, as they belong to an id.
    """
    if at >= len(data) or data[at] == 0:
        return None, at + 1
    length = 9 - data[at].bit_length()
    value = int.from_bytes(data[at : at + length], "big")
    if not keep:
        value &= (1 << 7 * length) - 1
        if value == (1 << 7 * length) - 1:
            return None, at + length
    return value, at + length


def _ogg(file: File, head: bytes) -> Container | None:
    if not head.startswith(b"OggS"):
        return None
    theora = b"\x80theora" in head[:512] or b"OVP80" in head[:512]
    kind: Kind = "video" if theora else "audio"
    at, cut_off = 0, False
    for _ in range(_MOST):
        page = file.at(at, 27)
        if page[:4] != b"OggS":
            break  # the end, or damage
        table = file.at(at + 27, page[26] if len(page) == 27 else 0)
        at += 27 + len(table) + sum(table)
        cut_off = len(page) < 27 or len(table) < page[26] or at > file.size
    return Container(kind=kind, media_type=f"{kind}/ogg", demuxer="ogg", cut_off=cut_off)


# -- MPEG audio, ADTS, FLAC, AMR --------------------------------------------------------------

#: kbit/s by (MPEG-1 or not, layer), ISO/IEC 11172-3 table 3-B.2.3 and 13818-3.
_BITRATES = {
    (True, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = (44_100, 48_000, 32_000)
#: Fields that stay the same from frame to frame: sync, version, layer; sampling rate.
_SAME: Final = 0xFFFE_0C00
#: Bytes before the first frame, and between frames of a damaged file, that are searched.
_SEARCHED: Final = 1 << 16
#: ID3v2 tags before the first frame that are passed over.
_TAGS: Final = 1000
#: Frames in a row that prove a stream of frames.
_PROOF: Final = 3


@dataclass(frozen=True, slots=True)
class MpegFrame:
    """A frame of MPEG audio, as its header states it."""

    size: int  #: bytes; 0 for free format, which states none
    seconds: float


def mpeg_frame(head: bytes) -> MpegFrame | None:
    """The MPEG audio frame that begins so; None if there is none.

    All versions (1, 2, 2.5) and layers, with and without CRC.
    """
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    bitrate, rate = head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or layer == 4 or bitrate == 15 or rate == 3:
        return None
    hertz = _RATES[rate] >> {3: 0, 2: 1, 0: 2}[version]
    samples = 384 if layer == 1 else 576 if layer == 3 and version != 3 else 1152
    if bitrate == 0:
        return MpegFrame(0, samples / hertz)
    bits = _BITRATES[version == 3, layer][bitrate] * 1000
    slot = 4 if layer == 1 else 1  # bytes
    size = (samples // 8 // slot * bits // hertz + (head[2] >> 1 & 1)) * slot
    return MpegFrame(size, samples / hertz)


def _mpeg_size(head: bytes) -> int | None:
    frame = mpeg_frame(head)
    return None if frame is None else frame.size


def adts_frame(head: bytes) -> int | None:
    """Length of the AAC frame (ADTS) that begins so; None if there is none."""
    if len(head) < 6 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0 or head[2] >> 2 & 15 > 12:
        return None
    length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    return length if length >= 7 else None


def _frames(file: File, head: bytes) -> Container | None:
    """MPEG audio, AAC, FLAC or anything else behind ID3v2 tags and zeros."""
    start = _behind_tags(file)
    after = file.at(start, 12) if start else head
    if after.startswith(b"fLaC"):
        return Container(kind="audio", media_type="audio/flac", demuxer="flac")
    if start and after[:4] == b"RIFF" and after[8:12] == b"WAVE":
        return replace(
            _wav(file, Container(kind="audio", media_type="audio/wav", demuxer="wav"), "little"),
            cut_off=False,
        )
    found = _stream_of_frames(file, start)
    if found is None and head[:3] == b"ID3":
        return _resynchronised(file, start) or Container(
            kind="audio", media_type="audio/mpeg", demuxer="mp3", cut_off=True
        )
    return found


def id3_length(head: bytes) -> int | None:
    """Length of the ID3v2 tag that begins so, with its footer; None if there is none."""
    if len(head) < 10 or head[:3] != b"ID3" or max(head[6:10]) >= 0x80:
        return None
    length = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
    return 10 + length + (10 if head[5] & 0x10 else 0)


def _behind_tags(file: File) -> int:
    """Offset behind all ID3v2 tags (each may have a footer), and behind zeros."""
    at = 0
    for _ in range(_TAGS):
        if not (length := id3_length(file.at(at, 10))):
            break
        at += length
    zeros = file.at(at, _SEARCHED)
    return at + len(zeros) - len(zeros.lstrip(b"\0"))


def _stream_of_frames(file: File, start: int) -> Container | None:
    """A stream whose first frames follow each other, by the length that each states."""
    head = file.at(start, 6)
    for frame, media_type, demuxer in (
        (adts_frame, "audio/aac", "aac"),
        (_mpeg_size, "audio/mpeg", "mp3"),
    ):
        length = frame(head)
        if length is None or (length and not _follow(file, start, frame)):
            continue
        if length == 0 and not _free_format(file, start, head):
            continue
        cut_off = bool(length) and _last_is_cut(file, start, frame)
        return Container(kind="audio", media_type=media_type, demuxer=demuxer, cut_off=cut_off)
    return None


def _follow(
    file: File, at: int, frame: Callable[[bytes], int | None], *, fewer: bool = True
) -> bool:
    """True for some frames in a row, or if ``fewer`` also for two at the end of the file."""
    for number in range(_PROOF):
        head = file.at(at, 6)
        length = frame(head)
        if not length:
            return fewer and number > 0 and (len(head) < 6 or head[:3] in {b"TAG", b"APE"})
        at += length
    return True


def _free_format(file: File, start: int, head: bytes) -> bool:
    """True if the same header comes again twice at one distance, as free format needs."""
    same = int.from_bytes(head[:4], "big") & _SAME
    piece = file.at(start, 16_384)
    places = [
        at
        for at in range(len(piece) - 4)
        if piece[at] == 0xFF
        and int.from_bytes(piece[at : at + 4], "big") & _SAME == same
        and _mpeg_size(piece[at : at + 4]) == 0
    ]
    return any(
        abs(places[i + 1] - places[i] - (places[i + 2] - places[i + 1])) <= 1
        for i in range(len(places) - 2)
    )


def _last_is_cut(file: File, at: int, frame: Callable[[bytes], int | None]) -> bool:
    for _ in range(_MOST):
        length = frame(file.at(at, 6))
        if not length:
            return False
        at += length
        if at > file.size:
            return True
    return False


def _resynchronised(file: File, start: int = 0) -> Container | None:
    """Frames behind bytes that belong to nothing, as in a cut out piece of a broadcast."""
    piece = file.at(start, _SEARCHED)
    at = piece.find(b"\xff")
    while at >= 0:
        for frame in (adts_frame, _mpeg_size):
            if frame(piece[at : at + 6]) and _follow(file, start + at, frame, fewer=False):
                return _stream_of_frames(file, start + at)
        at = piece.find(b"\xff", at + 1)
    return None


#: Types without a length to follow: pattern of the first bytes, kind, media type, demuxer.
_OTHERS: tuple[tuple[bytes, Kind, str, str], ...] = (
    (rb"#!AMR(-WB)?\n", "audio", "audio/amr", "amr"),
    (rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "video", "video/x-ms-asf", "asf"),
    (rb"FLV\x01", "video", "video/x-flv", "flv"),
    (rb"\.snd", "audio", "audio/basic", "au"),
    (rb"wvpk", "audio", "audio/x-wavpack", "wv"),
    (rb"MAC ", "audio", "audio/x-ape", "ape"),
    (rb"TTA1", "audio", "audio/x-tta", "tta"),
    (rb"\x0b\x77", "audio", "audio/ac3", "ac3"),
    (rb"\0\0\x01\xba", "video", "video/mpeg", "mpeg"),
    (rb"\x47.{187}\x47.{187}\x47", "video", "video/mp2t", "mpegts"),
)


#: Media types whose headers do not tell where the file ends, so that a cut leaves no trace.
ENDLESS = frozenset({"audio/amr", "audio/ac3", "video/x-flv", "video/mpeg", "video/mp2t"})


def _other(_: File, head: bytes) -> Container | None:
    for pattern, kind, media_type, demuxer in _OTHERS:
        if re.match(pattern, head, re.DOTALL):
            return Container(kind=kind, media_type=media_type, demuxer=demuxer)
    return None


_PARSERS: tuple[Callable[[File, bytes], Container | None], ...] = (
    _picture,
    _riff,
    _aiff,
    _caf,
    _w64,
    _mp4,
    _matroska,
    _ogg,
    _other,
    _frames,
)
