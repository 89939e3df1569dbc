"""Probes one recording in one read of its bytes: its type, length, size and flaws.

With the ``media`` extra the streams are decoded, up to the limits below; without it only the size,
the first and the last bytes are checked. No file is held in memory as a whole, and every decoder
error becomes a flaw. Blocking: run it in a thread.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Literal, cast

from ..content.containers import Container
from ..models import SampleRole

if TYPE_CHECKING:
    import av.container
    import numpy as np
    import numpy.typing as npt

    _Sound = npt.NDArray[np.float32]


Kind = Literal["audio", "video", "image"]

#: Pictures above this are not decoded.
MAX_PIXELS: Final = 64_000_000
#: How much of one file is decoded, whatever it says about its length.
_SOUND_SECONDS: Final = 600.0
_SOUND_VALUES: Final = 200_000_000
_PICTURE_PIXELS: Final = 300_000_000
_PICTURE_SECONDS: Final = 3.0
_PACKETS: Final = 2_000_000
_DAMAGES: Final = 50
#: Times of frames that are kept to see whether they are even.
_TIMES: Final = 5_000
#: The longer side of a still, in pixels.
_STILL: Final = 2048
_BLOCK: Final = 1 << 16
_TAIL: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Flaw:
    """A problem of one recording at every provider; the message says what to do."""

    code: str
    message: str
    severity: Literal["error", "warning"] = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Properties of a recording; None for a property that is unknown."""

    size: int = 0  #: bytes
    kind: Kind | None = None
    media_type: str = ""
    sha256: str = ""
    seconds: float | None = None
    width: int | None = None
    height: int | None = None
    has_audio: bool | None = None
    codec: str | None = None  #: of the pictures, as FFmpeg calls it
    flaws: tuple[Flaw, ...] = ()
    stills: tuple[bytes, ...] = field(default=(), repr=False)  #: upright frames of the start, PPM

    @property
    def usable(self) -> bool:
        """True if no flaw is an error."""
        return not any(flaw.severity == "error" for flaw in self.flaws)


# -- file types by their first bytes ----------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Magic:
    """Magic number of a file type: ``pattern`` at ``offset``."""

    offset: int
    pattern: bytes
    kind: Kind
    media_type: str
    demuxer: str  #: the only one that FFmpeg may try


#: First match wins. WebM may hold sound alone; the streams tell.
_MAGIC = (
    _Magic(8, b"WAVE", "audio", "audio/wav", "wav"),
    _Magic(8, b"WEBP", "image", "image/webp", "webp_pipe"),
    _Magic(8, b"AVI ", "video", "video/x-msvideo", "avi"),
    _Magic(0, b"ID3", "audio", "audio/mpeg", "mp3"),
    _Magic(0, b"\xff\xfb", "audio", "audio/mpeg", "mp3"),
    _Magic(0, b"\xff\xf3", "audio", "audio/mpeg", "mp3"),
    _Magic(0, b"\xff\xf2", "audio", "audio/mpeg", "mp3"),
    _Magic(0, b"\xff\xf1", "audio", "audio/aac", "aac"),
    _Magic(0, b"\xff\xf9", "audio", "audio/aac", "aac"),
    _Magic(0, b"OggS", "audio", "audio/ogg", "ogg"),
    _Magic(0, b"fLaC", "audio", "audio/flac", "flac"),
    _Magic(4, b"ftypM4A", "audio", "audio/mp4", "mov"),
    _Magic(4, b"ftypqt", "video", "video/quicktime", "mov"),
    _Magic(4, b"ftyp", "video", "video/mp4", "mov"),
    _Magic(0, b"\x1a\x45\xdf\xa3", "video", "video/webm", "matroska"),
    _Magic(0, b"\x89PNG\r\n\x1a\n", "image", "image/png", "png_pipe"),
    _Magic(0, b"\xff\xd8\xff", "image", "image/jpeg", "jpeg_pipe"),
)

#: Known types that no provider takes: pattern of the first bytes, code, name.
_FOREIGN = (
    (rb"GIF8", "gif", "a GIF"),
    (rb"....ftyp(heic|heix|heif|mif1|msf1|avif|avis)", "heif", "a HEIF or AVIF picture"),
    (rb"(?i)\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?(<!doctype svg[^>]*>\s*)?<svg", "svg", "an SVG"),
    (rb"(?i)\s*(<!doctype html|<html|<head|<body)", "web-page", "a web page"),
    (rb"PK\x03\x04|PK\x05\x06|Rar!|7z\xbc\xaf|\x1f\x8b", "archive", "an archive"),
    (rb"%PDF-", "pdf", "a PDF"),
    (rb"#EXTM3U|ffconcat", "playlist", "a playlist"),
    (rb"MZ|\x7fELF|#!/", "program", "a program"),
    (rb"II\*\0|MM\0\*|BM", "picture-format", "a TIFF or BMP picture"),
    (rb"FORM....AIF|caff|#!AMR|\x30\x26\xb2\x75|FLV", "media-format", "in a format that few take"),
)
#: Marks of another kind of file hidden in a media file, at its start or its end.
_HIDDEN_AHEAD = re.compile(rb"%PDF-1|(?i:<script|<html|<\?php|<svg[\s>])")
_HIDDEN_BEHIND = re.compile(rb"PK\x05\x06|%%EOF|(?i:</html>|</script>)|PK\x03\x04")

#: The extension that a media type should carry.
SUFFIXES: Mapping[str, str] = {
    "audio/wav": ".wav",
    "audio/mpeg": ".mp3",
    "audio/aac": ".aac",
    "audio/ogg": ".ogg",
    "audio/flac": ".flac",
    "audio/mp4": ".m4a",
    "video/mp4": ".mp4",
    "video/quicktime": ".mov",
    "video/webm": ".webm",
    "video/x-msvideo": ".avi",
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
}
_SAYS = {
    ".jpeg": ".jpg",
    ".qt": ".mov",
    ".m4v": ".mp4",
    ".wave": ".wav",
    ".oga": ".ogg",
    ".opus": ".ogg",
    ".mkv": ".webm",
}


def shown(name: str) -> str:
    """A file name that is safe in a message: no control characters, at most 80 characters."""
    clean = "".join(c if c.isprintable() else "?" for c in name)
    return clean if len(clean) <= 80 else f"{clean[:40]}…{clean[-39:]}"


def probe(
    path: Path, name: str | None = None, role: SampleRole | None = None, *, stills: int = 0
) -> Facts:
    """Probe a file and return its facts with all flaws; never raises because of the file.

    ``role`` skips irrelevant streams: the pictures of a voice sample, the sound of footage.
    ``stills`` is the number of frames to keep, one for each of the first seconds.
    """
    name = shown(name or path.name)
    try:
        status = path.stat()
    except FileNotFoundError:
        return _only("missing", f"{name}: there is no such file; check the path")
    except (OSError, ValueError) as error:  # ValueError: a null byte in the path
        reason = getattr(error, "strerror", None) or "no file can have that name"
        return _only("unreadable", f"{name} cannot be read ({reason}): check its path and rights")
    try:
        if not stat.S_ISREG(status.st_mode):
            return _only("not-a-file", f"{name or '.'} is not a file: give the path of a file")
        with path.open("rb", buffering=0) as file:
            return _examined(_Tape(file), name, role, stills)
    except OSError as error:
        return _only("unreadable", f"{name} cannot be read ({error.strerror}): check its rights")


def _only(code: str, message: str, **facts: Any) -> Facts:
    return Facts(**facts, flaws=(Flaw(code, message),))


class _Tape(io.RawIOBase):
    """A file that is hashed while a decoder reads it in any order."""

    def __init__(self, file: io.FileIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()
        self._hashed = 0  # bytes from the start
        self._at = 0
        self.head = b""
        self.tail = b""
        self.head = self.read(_BLOCK)
        self.size = len(self.head)
        if self.size == _BLOCK:
            self.size = self.seek(0, io.SEEK_END)
        self.seek(0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = self._file.seek(offset, whence)
        return self._at

    def read(self, size: int = -1) -> bytes:
        if self._at < len(self.head):
            piece = self.head[self._at :][:size] if size >= 0 else self.head[self._at :]
            self._at = self._file.seek(self._at + len(piece))
            return piece
        piece = self._file.read(size) or b""
        fresh = piece[max(0, self._hashed - self._at) :] if self._at <= self._hashed else b""
        self._digest.update(fresh)
        self._hashed += len(fresh)
        if fresh:
            self.tail = (self.tail + fresh)[-_TAIL:]
        self._at += len(piece)
        return piece

    def finish(self) -> str:
        """Read the rest, and return the SHA-256 of the whole file in hex."""
        self._at = self._file.seek(self._hashed)
        while self.read(_BLOCK):
            pass
        return self._digest.hexdigest()


def _examined(tape: _Tape, name: str, role: SampleRole | None, stills: int) -> Facts:
    if tape.size == 0:
        return _only("empty", f"{name} is empty (0 bytes): record or export it again")
    head = tape.head
    foreign = next((f for f in _FOREIGN if re.match(f[0], head[:4096], re.DOTALL)), None)
    magic = next((m for m in _MAGIC if head[m.offset :].startswith(m.pattern)), None)
    if foreign is not None or magic is None:
        code, what = foreign[1:] if foreign else ("unknown", "neither audio, video nor a picture")
        return _only(
            code,
            f"{name} holds {what}, whatever its name says: export it as WAV, MP3, MP4, JPEG or PNG",
            size=tape.size,
        )
    facts = Facts(size=tape.size, kind=magic.kind, media_type=magic.media_type)
    facts = _scanned(tape, magic.demuxer, _Scan(name, facts, role, stills))
    facts = replace(facts, sha256=tape.finish(), size=tape.size)
    flaws = (*facts.flaws, *_of_bytes(tape, name, facts), *_of_name(name, facts))
    return replace(facts, flaws=flaws)


def _of_name(name: str, facts: Facts) -> Iterator[Flaw]:
    suffix = Path(name).suffix.lower()
    suffix, right = _SAYS.get(suffix, suffix), SUFFIXES[facts.media_type]
    if suffix and suffix != right:
        message = f"{name} is named {suffix} but holds {facts.media_type}: rename it to {right}"
        yield Flaw("extension", message, "warning")


def _of_bytes(tape: _Tape, name: str, facts: Facts) -> Iterator[Flaw]:
    """Flaws that show in the first and last bytes."""
    behind = tape.tail[-4096:] if facts.kind == "image" else tape.tail[-1024:]
    if _HIDDEN_AHEAD.search(tape.head[:1024]) or _HIDDEN_BEHIND.search(behind):
        message = f"{name} holds another kind of file as well: export it again, as media alone"
        yield Flaw("polyglot", message)
    if facts.media_type == "audio/wav":
        yield from _of_wav(tape, name)
    end = _ENDS.get(facts.media_type)
    if end is not None and end not in tape.tail:
        yield Flaw("truncated", f"{name} is cut off: upload or export it again")


_ENDS = {"image/png": b"IEND", "image/jpeg": b"\xff\xd9"}


def _of_wav(tape: _Tape, name: str) -> Iterator[Flaw]:
    """Compare the lengths in the header with the size of the file."""
    told = int.from_bytes(tape.head[4:8], "little") + 8
    at = tape.head.find(b"data", 12)
    inner = int.from_bytes(tape.head[at + 4 : at + 8], "little") if at > 0 else 0
    stated = max(told, at + 8 + inner)
    if told >= 0xFFFF_FFFF or (at > 0 and inner >= 0xFFFF_FFFF) or told == 8 or inner == 0:
        message = f"{name} does not say how long it is, as streams do: export it as a whole"
        yield Flaw("length-field", message, "warning")
    elif stated > tape.size + 1:  # a byte of padding is often left out
        message = f"{name} says to have {stated} bytes and has {tape.size}: it is cut off; "
        yield Flaw("truncated", f"{message}export it again")
    elif tape.size > stated + 1024:
        message = f"{name} says to have {stated} bytes and has {tape.size}: export it again"
        yield Flaw("length-field", message, "warning")


# -- streams ----------------------------------------------------------------------------------


def _scanned(tape: _Tape, demuxer: str, scan: _Scan) -> Facts:
    facts, name = scan.known, scan.name
    try:
        from ..content.decoding import DecodeError, open_media
    except ImportError:  # PyAV is not installed
        message = (
            f"{name}: only its size and first bytes were looked at; "
            'pip install "avatarkit-sdk[media]" to look inside'
        )
        return replace(facts, flaws=(Flaw("not-looked-inside", message, "warning"),))
    size = _picture_size(tape.head, facts.media_type)
    if size is not None and size[0] * size[1] > MAX_PIXELS:
        return replace(facts, width=size[0], height=size[1], flaws=(_too_large(name, *size),))
    try:
        with open_media(
            cast("BinaryIO", tape),
            Container(kind=facts.kind or "audio", media_type=facts.media_type, demuxer=demuxer),
            buffer_size=_BLOCK,
        ) as container:
            scan.all(container)
    except DecodeError:
        if not scan.seen:
            return replace(facts, flaws=(*scan.flaws, _undecodable(name, facts)))
        scan.damages += 1
    return scan.facts()


def _undecodable(name: str, facts: Facts) -> Flaw:
    return Flaw(
        "undecodable",
        f"{name} looks like {facts.media_type}, but cannot be decoded: it may be cut off; "
        "export it again",
    )


def _soundless(name: str) -> Flaw:
    return Flaw("no-sound", f"{name} has no sound in it: record it again")


def _too_large(name: str, width: int, height: int) -> Flaw:
    return Flaw(
        "too-many-pixels",
        f"{name} has {width} x {height} pixels ({width * height / 1e6:.0f} megapixels): "
        f"scale it down to {MAX_PIXELS / 1e6:.0f} megapixels or less",
    )


def _picture_size(head: bytes, media_type: str) -> tuple[int, int] | None:
    """Width and height from a picture's header, before it is decoded."""
    if media_type == "image/png":
        return int.from_bytes(head[16:20], "big"), int.from_bytes(head[20:24], "big")
    if media_type == "image/jpeg":
        at = 2
        while at + 9 <= len(head) and head[at] == 0xFF:
            if head[at + 1] in _START_OF_FRAME:
                height, width = head[at + 5 : at + 7], head[at + 7 : at + 9]
                return int.from_bytes(width, "big"), int.from_bytes(height, "big")
            at += 2 + int.from_bytes(head[at + 2 : at + 4], "big")
    return None


_START_OF_FRAME = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD})


class _Scan:
    """One pass through the packets of a file."""

    def __init__(self, name: str, facts: Facts, role: SampleRole | None, stills: int) -> None:
        self.name = name
        self.flaws: list[Flaw] = []
        self.damages = 0
        self.seen = False  #: whether anything was decoded
        self.known = facts
        self._role = role
        self._stills_wanted = stills
        self._stills: list[bytes] = []
        self._sound: _Listener | None = None
        self._picture: Any = None
        self._audio: Any = None
        #: Read while the file is open: PyAV 19 crashes on a codec of a closed container.
        self._codec: str | None = None
        self._told = 0.0
        self._ends = {"audio": 0.0, "video": 0.0}
        self._frames = 0
        self._pixels = 0
        self._pictures = 0  #: packets
        self._keys = 0
        self._times: list[int] = []
        self._size: tuple[int, int] | None = None
        self._turned = 0
        self._interlaced = False
        self._capped = False

    def all(self, container: av.container.InputContainer) -> None:
        """Read the packets of the file, up to the limits."""
        self._picture = next((s for s in container.streams.video if not _is_cover(s)), None)
        self._audio = next(iter(container.streams.audio), None)
        self._told = (container.duration or 0) / 1_000_000
        self._codec = _codec(self._picture)
        wanted = [s for s in (self._picture, self._audio) if s is not None and s.codec_context]
        if not wanted:
            return
        if self._picture in wanted:
            context = self._picture.codec_context
            context.thread_count = 1
            self._size = (context.width, context.height)
            if context.width * context.height > MAX_PIXELS:
                self.flaws.append(_too_large(self.name, *self._size))
                self._frames = -1
        for number, packet in enumerate(container.demux(wanted)):
            self._take(packet)
            if number >= _PACKETS:
                self._capped = True
                return

    def _take(self, packet: Any) -> None:
        from ..content.decoding import DecodeError

        kind = packet.stream.type
        if packet.size and packet.pts is not None:
            end = float((packet.pts + (packet.duration or 0)) * packet.time_base)
            start = float((packet.stream.start_time or 0) * packet.time_base)
            self._ends[kind] = max(self._ends[kind], end - start)
        try:
            if kind == "video":
                self._take_picture(packet)
            elif self._role is not SampleRole.FOOTAGE:
                self._take_sound(packet)
        except DecodeError:
            self.damages += 1

    def _take_picture(self, packet: Any) -> None:
        if packet.size:
            self._pictures += 1
            self._keys += packet.is_keyframe
            if packet.pts is not None and len(self._times) < _TIMES:
                self._times.append(packet.pts)
        if self._done_with_pictures():
            return
        from ..content.decoding import decode

        for frame in decode(packet.decode):
            self.seen = True
            self._frames += 1
            self._pixels += frame.width * frame.height
            self._size = (frame.width, frame.height)
            self._turned = self._turned or frame.rotation
            self._interlaced = self._interlaced or frame.interlaced_frame
            due = float(len(self._stills))
            if len(self._stills) < self._stills_wanted and (frame.time or 0.0) >= due:
                self._stills.append(_still(frame))

    def _done_with_pictures(self) -> bool:
        return (
            self._frames < 0
            or self._role is SampleRole.VOICE
            or self.damages > _DAMAGES
            or self._pixels > _PICTURE_PIXELS
            or self._ends["video"] > _PICTURE_SECONDS + 1
        )

    def _take_sound(self, packet: Any) -> None:
        if self.damages > _DAMAGES:
            return
        if self._sound is not None and self._sound.full:
            return
        from ..content.decoding import decode

        for frame in decode(packet.decode):
            self.seen = True
            if self._sound is None:
                self._sound = _Listener(frame.sample_rate, frame.layout.nb_channels)
            self._sound.add(frame)

    def facts(self) -> Facts:
        """The facts of the file, with all flaws."""
        kind = self.known.kind
        if kind == "video" and self._picture is None and self._audio is not None:
            kind = "audio"
        media_type = self.known.media_type
        if kind == "audio" and media_type in {"video/mp4", "video/quicktime"}:
            media_type = "audio/mp4"
        width, height = self._size or (None, None)
        if abs(self._turned) % 180 == 90:
            width, height = height, width
        seconds = None if kind == "image" else max(self._ends.values()) or None
        flaws = [
            *self.flaws,
            *self._of_pictures(kind),
            *self._of_length(seconds, kind),
            *self._of_sound(kind),
            *self._of_damage(),
        ]
        return replace(
            self.known,
            kind=kind,
            media_type=media_type,
            seconds=seconds,
            width=width or None,
            height=height or None,
            has_audio=self._audio is not None,
            codec=self._codec,
            flaws=tuple({flaw.code: flaw for flaw in flaws}.values()),
            stills=tuple(self._stills),
        )

    def _of_sound(self, kind: Kind | None) -> Iterator[Flaw]:
        if self._sound is not None:
            yield from self._sound.flaws(self.name)
        elif kind == "audio" and self._role is not SampleRole.FOOTAGE:
            damaged = self.damages or self._audio is None
            yield _undecodable(self.name, self.known) if damaged else _soundless(self.name)

    def _of_damage(self) -> Iterator[Flaw]:
        if self.damages:
            message = f"{self.name} is damaged in {self.damages} places: export it again"
            fatal = not self.seen or self.damages > _DAMAGES
            yield Flaw("damaged", message, "error" if fatal else "warning")

    def _of_pictures(self, kind: Kind | None) -> Iterator[Flaw]:
        name = self.name
        if self._frames < 0 or kind == "audio" or self._role is SampleRole.VOICE:
            return
        if self._pictures == 0:
            yield Flaw("no-frames", f"{name} has no picture in it: record it again")
        elif self._frames == 0:
            if self._keys or kind == "image":
                yield _undecodable(name, self.known)
            else:
                message = f"{name} has no key frame, so it cannot be decoded: export it again"
                yield Flaw("no-keyframe", message)
        elif self._size and min(self._size) < _LEAST_PIXELS:
            width, height = self._size
            message = f"{name} has {width} x {height} pixels: use a larger picture"
            yield Flaw("too-few-pixels", message)
        if self._turned:
            message = f"{name} is stored lying and turned by a flag, which not all heed: "
            yield Flaw("rotated", f"{message}export it upright", "warning")
        if self._interlaced and kind == "video":
            message = f"{name} is interlaced: export it progressive"
            yield Flaw("interlaced", message, "warning")
        if kind == "video" and _uneven(self._times):
            message = f"{name} has a variable frame rate: export it with a constant one"
            yield Flaw("variable-frame-rate", message, "warning")

    def _of_length(self, seconds: float | None, kind: Kind | None) -> Iterator[Flaw]:
        there = seconds or 0.0
        if kind == "image" or self._capped or self.known.media_type == "audio/wav":
            return
        if self._told > there + max(1.0, 0.1 * self._told):
            message = (
                f"{self.name} says to last {self._told:.0f} seconds and has {there:.0f}: "
                "it is cut off; export it again"
            )
            yield Flaw("truncated", message)


def _codec(stream: Any) -> str | None:
    if stream is None or stream.codec_context is None:
        return None
    return str(stream.codec_context.name)


def _is_cover(stream: Any) -> bool:
    return bool(stream.disposition & stream.disposition.attached_pic)


#: Pixels on the shorter side of a usable picture.
_LEAST_PIXELS: Final = 16
#: How far apart the distances between frames may be, in parts of the usual one.
_UNEVEN: Final = 0.2


def _uneven(times: list[int]) -> bool:
    """True if a tenth of the frames is shown longer or shorter than usual."""
    ordered = sorted(times)
    steps = sorted(b - a for a, b in itertools.pairwise(ordered))
    if len(steps) < 10:
        return False
    low, usual, high = (steps[int(part * (len(steps) - 1))] for part in (0.05, 0.5, 0.95))
    return high - low > max(2, _UNEVEN * usual)  # 2: ticks of rounding


def _still(frame: Any) -> bytes:
    """A frame, upright and at most ``_STILL`` long, as PPM."""
    import numpy as np

    from ..content.decoding import decode

    scale = min(1.0, _STILL / max(frame.width, frame.height))
    width, height = (max(1, round(side * scale)) for side in (frame.width, frame.height))
    pixels = decode(frame.reformat, width, height, format="rgb24").to_ndarray()
    pixels = np.rot90(pixels, round(frame.rotation / 90))
    return b"P6 %d %d 255\n" % (pixels.shape[1], pixels.shape[0]) + bytes(pixels.tobytes())


# -- sound ------------------------------------------------------------------------------------

#: Levels of full scale.
_SILENT: Final = 10 ** (-50 / 20)
_QUIET: Final = 10 ** (-40 / 20)
_OFFSET: Final = 0.05
_FULL: Final = 0.999
#: Parts of the whole.
_ALL_SILENT, _MOSTLY_SILENT = 0.95, 0.5
_CLIPPED_BADLY, _CLIPPED = 0.01, 0.001
_ABOVE_TELEPHONE: Final = 1e-6
#: Telephones cut at 3.4 kHz; speech that was recorded well has something above this.
_TELEPHONE_HERTZ: Final = 4_000
_WINDOW_SECONDS: Final = 0.05
_BATCH: Final = 1 << 16  # values
_SPECTRUM: Final = 2_048  # values
_SKIP: Final = 8  #: of so many spectra one is taken


class _Listener:
    """Measures sound as it is decoded, holding a batch of it at most."""

    def __init__(self, rate: int, channels: int) -> None:
        self._rate = max(1, rate)
        self._channels = channels
        self._waiting: list[_Sound] = []
        self._held = 0
        self._values = 0
        self._count = 0  # moments
        self._sum = 0.0
        self._peak = 0.0
        self._full = 0
        self._unreal = 0
        self._windows = 0
        self._silent = 0
        self._power = 0.0  # of the windows that are not silent
        self._above = 0.0
        self._all = 0.0

    @property
    def full(self) -> bool:
        """True if enough sound was measured."""
        return self._values >= _SOUND_VALUES or self._count >= _SOUND_SECONDS * self._rate

    def add(self, frame: Any) -> None:
        """Take a decoded frame."""
        import numpy as np

        from ..content.decoding import decode

        sound = decode(frame.to_ndarray)
        if not frame.format.is_planar:
            sound = sound.reshape(-1, frame.layout.nb_channels).T
        if sound.dtype.kind in "iu":
            middle = 128.0 if sound.dtype.kind == "u" else 0.0
            scale = 1 / (float(np.iinfo(sound.dtype).max) - middle)
            sound = (sound.astype(np.float32) - np.float32(middle)) * np.float32(scale)
        self._waiting.append(np.asarray(sound, np.float32))
        self._held += sound.size
        if self._held >= _BATCH:
            self._measure()

    def _measure(self) -> None:
        import numpy as np

        channels = min(piece.shape[0] for piece in self._waiting)
        sound = np.concatenate([piece[:channels] for piece in self._waiting], axis=1)
        self._waiting, self._held = [], 0
        level = np.abs(sound)
        if not level.max(initial=0.0) <= 1.0:  # of floats alone; also where one is no number
            self._unreal += int((~np.isfinite(sound)).sum())
            sound = np.clip(np.nan_to_num(sound, posinf=0.0, neginf=0.0), -1.0, 1.0)
            level = np.abs(sound)
        self._values += sound.size
        self._count += sound.shape[1]
        self._peak = max(self._peak, float(level.max(initial=0.0)))
        self._full += int((level >= _FULL).sum())
        mono = sound.mean(axis=0)
        self._sum += float(mono.sum(dtype=np.float64))
        self._measure_windows(mono)

    def _measure_windows(self, mono: _Sound) -> None:
        import numpy as np

        length = max(1, int(self._rate * _WINDOW_SECONDS))
        whole = mono[: len(mono) // length * length].reshape(-1, length)
        power = whole.var(axis=1)
        loud = power >= _SILENT**2
        self._windows += len(power)
        self._silent += int((~loud).sum())
        self._power += float(power[loud].sum())
        pieces = mono[: len(mono) // _SPECTRUM * _SPECTRUM].reshape(-1, _SPECTRUM)[::_SKIP]
        if len(pieces):
            spectrum = np.abs(np.fft.rfft(pieces * np.hanning(_SPECTRUM))) ** 2
            edge = int(_TELEPHONE_HERTZ * 1.1 * _SPECTRUM / self._rate)
            self._above += float(spectrum[:, edge:].sum())
            self._all += float(spectrum[:, 4:].sum())

    def flaws(self, name: str) -> Iterator[Flaw]:
        """The flaws of the sound."""
        if self._waiting:
            self._measure()
        if self._unreal:
            message = f"{name} holds values that are no numbers: export it again, as 16 bit"
            yield Flaw("not-a-number", message)
        if not self._count:
            yield _soundless(name)
            return
        silent = self._silent / self._windows if self._windows else float(self._peak < _SILENT)
        if silent >= _ALL_SILENT:
            message = f"{name} is silent: check the microphone and record it again"
            yield Flaw("silent", message)
            return
        yield from self._of_levels(name, silent)
        yield from self._of_format(name)

    def _of_levels(self, name: str, silent: float) -> Iterator[Flaw]:
        if silent >= _MOSTLY_SILENT:
            message = f"{name} is silent for {silent:.0%} of its time: cut the pauses out"
            yield Flaw("mostly-silent", message, "warning")
        loud = self._windows - self._silent
        if loud and (self._power / loud) ** 0.5 < _QUIET:
            message = f"{name} is very quiet: record it closer to the microphone"
            yield Flaw("quiet", message, "warning")
        clipped = self._full / self._values
        if clipped >= _CLIPPED:
            message = f"{name} is clipped ({clipped:.1%} at full scale): record it less loud"
            yield Flaw("clipped", message, "error" if clipped >= _CLIPPED_BADLY else "warning")
        if abs(self._sum / self._count) >= _OFFSET:
            message = f"{name} has a DC offset: filter what is below 50 Hz"
            yield Flaw("dc-offset", message, "warning")

    def _of_format(self, name: str) -> Iterator[Flaw]:
        narrow = self._rate <= 2 * _TELEPHONE_HERTZ
        if narrow or (self._all and self._above / self._all < _ABOVE_TELEPHONE):
            message = (
                f"{name} has nothing above 4 kHz, like a telephone: record it at 16 kHz or more"
            )
            yield Flaw("narrow-band", message, "warning")
        if self._channels > 2:
            message = f"{name} has {self._channels} channels: mix it down to one or two"
            yield Flaw("channels", message, "warning")
