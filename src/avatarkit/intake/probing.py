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
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Literal, TypedDict, cast

from ..content.containers import (
    SUFFIXES,
    Container,
    Foreign,
    Kind,
    identify,
    picture_is_cut,
    picture_size,
)
from ..content.limits import MAX_PIXELS, SILENT, WINDOW_SECONDS
from ..content.sandbox import LimitExceeded
from ..models import SampleRole

if TYPE_CHECKING:
    import av.container
    import numpy as np
    import numpy.typing as npt

    _Sound = npt.NDArray[np.float32]


#: How much of one file is decoded, whatever it says about its length.
_SOUND_SECONDS: Final = 600.0
_SOUND_VALUES: Final = 200_000_000
_PICTURE_PIXELS: Final = 300_000_000
_PICTURE_SECONDS: Final = 3.0
_PACKETS: Final = 2_000_000
_DAMAGES: Final = 50
#: Streams of sound that are listened to.
_SOUNDS: Final = 8
#: Times of frames that are kept to see whether they are even.
_TIMES: Final = 5_000
#: The longer side of a still, in pixels.
_STILL: Final = 2048
_BLOCK: Final = 1 << 16
_TAIL: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Flaw:
    """A problem of one recording at every provider; the message says what to do.

    An error only if no provider can use the recording: the engine of ``local`` reads the same way.
    """

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
    width: int | None = None  #: pixels, as shown: upright, with square pixels
    height: int | None = None
    has_audio: bool | None = None
    codec: str | None = None  #: of the pictures, as FFmpeg calls it
    flaws: tuple[Flaw, ...] = ()
    stills: tuple[bytes, ...] = field(default=(), repr=False)  #: upright frames of the start, PPM

    @property
    def usable(self) -> bool:
        """True if no flaw is an error."""
        return not any(flaw.severity == "error" for flaw in self.flaws)


#: Marks of another kind of file hidden in a media file, at its start or its end.
_HIDDEN_AHEAD = re.compile(rb"%PDF-1|(?i:<script|<html|<\?php|<svg[\s>])")
_HIDDEN_BEHIND = re.compile(rb"PK\x05\x06|%%EOF|(?i:</html>|</script>)")

#: Extensions that mean the same as another.
_SAYS = {
    ".jpeg": ".jpg",
    ".qt": ".mov",
    ".m4v": ".mp4",
    ".3gp": ".mp4",
    ".wave": ".wav",
    ".oga": ".ogg",
    ".opus": ".ogg",
    ".mka": ".mkv",
    ".wma": ".wmv",
    ".mpeg": ".mpg",
    ".mts": ".ts",
    ".m2ts": ".ts",
    ".heif": ".heic",
    ".hif": ".heic",
    ".apng": ".png",
    ".jfif": ".jpg",
    ".tif": ".tiff",
    ".aif": ".aiff",
    ".aifc": ".aiff",
    ".mp2": ".mp3",
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
    except LimitExceeded as error:
        return _only(f"decoding-{error.what}", f"{name} {error.reason}")


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

    def readinto(self, buffer: Any) -> int:
        piece = self.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

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
    found = identify(tape, tape.size)
    if isinstance(found, Foreign):
        wanted = _WANTED.get(role, "audio, a video or a picture")
        message = f"{name} holds {found.words}, whatever its name says: give {wanted}"
        return _only(found.code, message, size=tape.size)
    tape.seek(0)
    facts = Facts(size=tape.size, kind=found.kind, media_type=found.media_type)
    scan = _Scan(name, facts, found, role, stills)
    facts = _picture(tape, scan) if found.kind == "image" else _scanned(tape, scan)
    facts = replace(facts, sha256=tape.finish(), size=tape.size)
    flaws = (*facts.flaws, *_of_bytes(tape, name, facts, found), *_of_name(name, facts))
    return replace(facts, flaws=flaws)


#: Words for what can be given in a role.
_WANTED: Mapping[SampleRole | None, str] = {
    SampleRole.VOICE: "a recording, such as WAV, MP3 or M4A",
    SampleRole.FOOTAGE: "a video, such as MP4, or a picture, such as JPEG or PNG",
}


def _of_name(name: str, facts: Facts) -> Iterator[Flaw]:
    suffix = Path(name).suffix.lower()
    suffix, right = _SAYS.get(suffix, suffix), SUFFIXES[facts.media_type]
    if suffix and suffix != right:
        message = f"{name} is named {suffix} but holds {facts.media_type}: rename it to {right}"
        yield Flaw("extension", message, "warning")


def _of_bytes(tape: _Tape, name: str, facts: Facts, container: Container) -> Iterator[Flaw]:
    """Flaws that show in the first and last bytes."""
    behind = tape.tail[-4096:] if facts.kind == "image" else tape.tail[-1024:]
    if _HIDDEN_AHEAD.search(tape.head[:1024]) or _HIDDEN_BEHIND.search(behind):
        message = f"{name} holds another kind of file as well: export it again, as media alone"
        yield Flaw("polyglot", message, "warning")
    if container.streamed:
        message = f"{name} does not say how long it is, as streams do: export it as a whole"
        yield Flaw("length-field", message, "warning")
    elif container.stated is not None and tape.size > container.stated + 1024:
        message = f"{name} says to have {container.stated} bytes and has {tape.size}: "
        yield Flaw("length-field", f"{message}export it again", "warning")


# -- pictures ---------------------------------------------------------------------------------


def _not_looked_inside(scan: _Scan) -> Facts:
    message = (
        f"{scan.name}: only its size and first bytes were looked at; "
        'pip install "avatarkit-sdk[media]" to look inside'
    )
    return replace(scan.known, flaws=(Flaw("not-looked-inside", message, "warning"),))


def _picture(tape: _Tape, scan: _Scan) -> Facts:
    """Decode a still; only its decoder knows if it is whole."""
    facts, name = scan.known, scan.name
    if scan.role is SampleRole.VOICE:
        return facts
    try:
        from ..content.decoding import DecodeError
        from ..content.pictures import TooLargeError, read_picture
    except ImportError:
        return _not_looked_inside(scan)
    try:
        picture = read_picture(io.BufferedReader(tape, _BLOCK), scan.container, _STILL)
    except ImportError:  # Pillow is not installed
        return _not_looked_inside(scan)
    except TooLargeError as error:
        flaw = Flaw("too-many-pixels", f"{name} {error}")
        return replace(facts, width=error.width, height=error.height, flaws=(flaw,))
    except DecodeError as error:
        cut_off = picture_is_cut(tape, tape.size, scan.container)
        width, height = picture_size(tape.head) or (None, None)
        flaw = _cut_off(name) if cut_off else _damaged(scan, error)
        return replace(facts, width=width, height=height, flaws=(flaw,))
    flaws: list[Flaw] = [*_too_small(name, picture.width, picture.height)]
    if picture.turned:
        flaws.append(_turned(name))
    if picture.animated:
        message = f"{name} is animated: its first frame is used; save one frame to choose another"
        flaws.append(Flaw("animated", message, "warning"))
    stills = (picture.ppm(),) if scan.stills_wanted else ()
    return replace(
        facts,
        width=picture.width,
        height=picture.height,
        has_audio=False,
        codec=scan.container.media_type.removeprefix("image/"),
        flaws=tuple(flaws),
        stills=stills,
    )


def _cut_off(name: str, severity: Literal["error", "warning"] = "error") -> Flaw:
    return Flaw("truncated", f"{name} is cut off: upload it again", severity)


def _damaged(scan: _Scan, error: Exception) -> Flaw:
    return Flaw(
        "undecodable",
        f"{scan.name} holds {scan.container.media_type} that cannot be decoded ({error}): "
        "export it again",
    )


def _turned(name: str) -> Flaw:
    message = f"{name} is stored lying and turned by a flag, which not all heed: export it upright"
    return Flaw("rotated", message, "warning")


def _too_small(name: str, width: int, height: int) -> Iterator[Flaw]:
    if min(width, height) < _LEAST_PIXELS:
        message = f"{name} has {width} x {height} pixels: use a larger picture"
        yield Flaw("too-few-pixels", message)


# -- streams ----------------------------------------------------------------------------------


def _scanned(tape: _Tape, scan: _Scan) -> Facts:
    try:
        from ..content.decoding import DecodeError, open_media
    except ImportError:  # PyAV is not installed
        return _not_looked_inside(scan)
    try:
        with open_media(cast("BinaryIO", tape), scan.container, buffer_size=_BLOCK) as opened:
            scan.all(opened)
    except DecodeError as error:
        if not scan.seen:
            flaw = _cut_off(scan.name) if scan.container.cut_off else _damaged(scan, error)
            return replace(scan.facts(), flaws=(*scan.flaws, flaw))
        scan.damages += 1
    return scan.facts()


def _soundless(name: str) -> Flaw:
    return Flaw("no-sound", f"{name} has no sound in it: record it again")


def _too_large(name: str, width: int, height: int) -> Flaw:
    from ..content.pictures import TooLargeError

    error = TooLargeError(width, height, MAX_PIXELS)
    return Flaw("too-many-pixels", f"{name} {error}")


class _Scan:
    """One pass through the packets of a file."""

    def __init__(
        self,
        name: str,
        facts: Facts,
        container: Container,
        role: SampleRole | None,
        stills: int,
    ) -> None:
        self.name = name
        self.container = container
        self.role = role
        self.stills_wanted = stills
        self.flaws: list[Flaw] = []
        self.damages = 0
        self.seen = False  #: whether anything was decoded
        self.known = facts
        self._stills: list[bytes] = []
        self._sounds: dict[int, _Listener | None] = {}  #: by stream; None until it is decoded
        self._picture: Any = None
        self._codec: str | None = None
        self._aspect = Fraction(1)
        self._told: float | None = None
        self._ends = {"audio": 0.0, "video": 0.0}
        self._until = 0.0
        self._frames = 0
        self._pixels = 0
        self._pictures = 0  #: packets
        self._keys = 0
        self._times: list[int] = []
        self._size: tuple[int, int] | None = None  #: as shown
        self._turned = False
        self._interlaced = False
        self._capped = False
        self._malformed = False  #: a stream of sound without channels

    def all(self, opened: av.container.InputContainer) -> None:
        """Read the packets of the file, up to the limits."""
        from ..content.decoding import packets, videos

        pictures, sounds = videos(opened), list[Any](opened.streams.audio)
        self._picture = next((s for s in pictures if s.codec_context), next(iter(pictures), None))
        self._told = (opened.duration or 0) / 1_000_000 or None
        self._sounds = {s.index: None for s in sounds[:_SOUNDS]}
        self._malformed = any(s.codec_context is None or not s.channels for s in sounds)
        wanted = [s for s in (self._picture, *sounds[:_SOUNDS]) if s and s.codec_context]
        if not wanted:
            return
        if wanted[0] is self._picture:
            self._of_stream(wanted[0])
        for number, packet in enumerate(packets(opened, wanted)):
            self._take(packet)
            if number >= _PACKETS:
                self._capped = True
                return

    def _of_stream(self, stream: Any) -> None:
        from ..content.pictures import pixel_aspect

        context = stream.codec_context
        context.thread_count = 1
        self._codec = str(context.name)
        self._aspect = pixel_aspect(stream)
        self._size = (context.width, context.height)
        if context.width * context.height > MAX_PIXELS:
            self.flaws.append(_too_large(self.name, *self._size))
            self._frames = -1

    def _take(self, packet: Any) -> None:
        from ..content.decoding import DecodeError

        kind = packet.stream.type
        end = _end(packet)
        self._ends[kind] = max(self._ends[kind], end)
        if end and packet.stream.start_time:  # some lengths count from zero, not from the start
            self._until = max(self._until, end + float(_start(packet)))
        try:
            if kind == "video":
                self._take_picture(packet)
            elif self.role is not SampleRole.FOOTAGE:
                self._take_sound(packet)
        except DecodeError:
            self.damages += 1

    def _take_picture(self, packet: Any) -> None:
        from ..content.decoding import decode
        from ..content.pictures import ppm, shape, turn, upright

        if packet.size:
            self._pictures += 1
            self._keys += packet.is_keyframe
            if packet.pts is not None and len(self._times) < _TIMES:
                self._times.append(packet.pts)
        if self._done_with_pictures():
            return
        if self._pixels > _PICTURE_PIXELS:  # faces are looked for in key frames from here on
            packet.stream.codec_context.skip_frame = "NONKEY"
        for frame in decode(packet.decode):
            self.seen = True
            self._frames += 1
            self._pixels += frame.width * frame.height
            if self._frames == 1:  # what follows is scaled to the first
                self._size = shape(frame, self._aspect)
                self._turned = bool(turn(frame))
            self._interlaced = self._interlaced or frame.interlaced_frame
            due = float(len(self._stills))
            if len(self._stills) < self.stills_wanted and (frame.time or 0.0) >= due:
                self._stills.append(ppm(upright(frame, self._aspect, longest_side=_STILL)))

    def _done_with_pictures(self) -> bool:
        seconds = max(_PICTURE_SECONDS, float(self.stills_wanted))
        return (
            self._frames < 0
            or self.role is SampleRole.VOICE
            or self.damages > _DAMAGES
            or (self._pixels > _PICTURE_PIXELS and self._enough_stills())
            or self._pixels > 2 * _PICTURE_PIXELS
            or (self._frames > 0 and self._ends["video"] > seconds + 1)
        )

    def _enough_stills(self) -> bool:
        return len(self._stills) >= self.stills_wanted

    def _take_sound(self, packet: Any) -> None:
        from ..content.decoding import decode

        if self.damages > _DAMAGES:
            return
        index = packet.stream.index
        heard = self._sounds.get(index)
        if heard is not None and heard.full:
            return
        for frame in decode(packet.decode):
            self.seen = True
            if heard is None:
                heard = self._sounds[index] = _Listener(frame.sample_rate, frame.layout.nb_channels)
            heard.add(frame)

    def facts(self) -> Facts:
        """The facts of the file, with all flaws."""
        has_audio = bool(self._sounds)
        known = _kind_and_type(
            self.container, has_video=self._picture is not None, has_audio=has_audio
        )
        kind = known["kind"]
        width, height = self._size or (None, None)
        seconds = max(self._ends.values()) or None
        cut_off = [*self._of_length(seconds)]
        flaws = [
            *self.flaws,
            *cut_off,
            *self._of_pictures(kind, cut_off=bool(cut_off)),
            *self._of_sound(kind, cut_off=bool(cut_off)),
            *self._of_damage(),
        ]
        return replace(
            self.known,
            **known,
            seconds=seconds,
            width=width or None,
            height=height or None,
            has_audio=has_audio,
            codec=self._codec,
            flaws=tuple({flaw.code: flaw for flaw in flaws}.values()),
            stills=tuple(self._stills),
        )

    def _of_sound(self, kind: Kind, *, cut_off: bool) -> Iterator[Flaw]:
        heard = [listener for listener in self._sounds.values() if listener is not None]
        if heard:
            chosen = next((one for one in heard if not one.silent), heard[0])
            yield from chosen.flaws(self.name)
        elif kind == "audio" and self.role is not SampleRole.FOOTAGE and not cut_off:
            bad = self._ends["audio"] or self._malformed
            yield self._no_decoder("audio") if bad else _soundless(self.name)

    def _no_decoder(self, what: str) -> Flaw:
        """A stream of which nothing could be decoded."""
        message = f"{self.name} holds {what} that cannot be decoded: export it again"
        return Flaw("undecodable", message)

    def _of_damage(self) -> Iterator[Flaw]:
        if self.damages and self.seen:
            message = f"{self.name} is damaged in {self.damages} places: export it again"
            yield Flaw("damaged", message, "warning")

    def _of_pictures(self, kind: Kind, *, cut_off: bool) -> Iterator[Flaw]:
        name = self.name
        if self._frames < 0 or kind == "audio" or self.role is SampleRole.VOICE:
            return
        if self._frames == 0:
            if not cut_off:
                yield self._no_frames()
            return
        if self._size:
            yield from _too_small(name, *self._size)
        if self._turned:
            yield _turned(name)
        if self._interlaced:
            message = f"{name} is interlaced: export it progressive"
            yield Flaw("interlaced", message, "warning")
        if _uneven(self._times) and not self.container.live:
            message = f"{name} has a variable frame rate: export it with a constant one"
            yield Flaw("variable-frame-rate", message, "warning")

    def _no_frames(self) -> Flaw:
        if self._picture is None or (self._pictures == 0 and self._picture.codec_context):
            return Flaw("no-frames", f"{self.name} has no picture in it: record it again")
        if self._keys or not self._picture.codec_context:
            return self._no_decoder("video")
        message = f"{self.name} has no key frame, so it cannot be decoded: export it again"
        return Flaw("no-keyframe", message)

    def _of_length(self, seconds: float | None) -> Iterator[Flaw]:
        """An upload that broke off; a warning if what is there can be used."""
        if self.container.cut_off or (
            seconds is not None
            and not self._capped
            and _shorter(self._told, max(seconds, self._until), self.container)
        ):
            yield _cut_off(self.name, "warning" if self.seen else "error")


class _KindAndType(TypedDict):
    kind: Kind
    media_type: str


def _kind_and_type(container: Container, *, has_video: bool, has_audio: bool) -> _KindAndType:
    """Correct what the container's type says by its streams: an MP4 may hold sound alone."""
    kind, media_type = container.kind, container.media_type
    if kind == "video" and has_audio and not has_video:
        kind = "audio"
    if kind == "audio" and media_type in {"video/mp4", "video/quicktime"}:
        media_type = "audio/mp4"
    return {"kind": kind, "media_type": media_type}


def _shorter(stated: float | None, there: float, container: Container) -> bool:
    """True if a stream ends well before the length that the header states."""
    if stated is None or container.media_type in _GUESSED:
        return False
    return stated > there + max(1.0, 0.1 * stated)


#: Types without a length in their header: FFmpeg guesses it from the bit rate.
_GUESSED: Final = frozenset(
    {"audio/wav", "audio/aac", "audio/amr", "audio/ac3", "video/mpeg", "video/mp2t"}
)


def _end(packet: Any) -> float:
    """End of a packet in seconds from the start of its stream; 0 if it has no time."""
    if not packet.size or packet.pts is None:
        return 0.0
    return float((packet.pts + (packet.duration or 0)) * packet.time_base - _start(packet))


def _start(packet: Any) -> Fraction:
    """Start of a packet's stream in seconds."""
    return Fraction((packet.stream.start_time or 0) * packet.time_base)


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


# -- sound ------------------------------------------------------------------------------------

#: Level of full scale.
_QUIET: Final = 10 ** (-40 / 20)
#: A window below this level is a pause, and in a quiet recording one 30 dB below the loudest.
_PAUSE: Final = 10 ** (-50 / 20)
#: Seconds of sound without which no voice can be measured.
_LEAST_SECONDS: Final = 0.5
_OFFSET: Final = 0.05
_FULL: Final = 0.999
#: Parts of the whole.
_MOSTLY_SILENT = 0.5
_CLIPPED: Final = 0.001
_ABOVE_TELEPHONE: Final = 1e-6
#: Telephones cut at 3.4 kHz; speech that was recorded well has something above this.
_TELEPHONE_HERTZ: Final = 4_000
_BATCH: Final = 1 << 16  # values
_SPECTRUM: Final = 2_048  # values
_SKIP: Final = 8  #: of so many spectra one is taken


class _Listener:
    """Measures sound as it is decoded, holding a batch of it at most.

    Levels are those of the loudest channel: a mix of opposite phases is silent, its channels not.
    """

    def __init__(self, rate: int, channels: int) -> None:
        self.channels = channels
        self._rate = max(1, rate)
        self._waiting: list[_Sound] = []
        self._held = 0
        self._values = 0
        self._count = 0  # moments
        self._offset = 0.0  # sum of the channel that has most
        self._full = 0
        self._unreal = 0
        self._windows: list[_Sound] = []  # levels
        self._above = 0.0
        self._all = 0.0

    @property
    def full(self) -> bool:
        """True if enough sound was measured."""
        return self._values >= _SOUND_VALUES or self._count >= _SOUND_SECONDS * self._rate

    def add(self, frame: Any) -> None:
        """Take a decoded frame."""
        from ..content.sound import values

        self._waiting.append(values(frame))
        self._held += self._waiting[-1].size
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
        self._full += int((level >= _FULL).sum())
        sums = sound.sum(axis=1, dtype=np.float64)
        self._offset += float(sums[np.abs(sums).argmax()])
        length = max(1, int(self._rate * WINDOW_SECONDS))
        whole = sound[:, : sound.shape[1] // length * length] if sound.shape[1] > length else sound
        windows = whole.reshape(channels, -1, min(length, max(1, whole.shape[1])))
        levels = windows.std(axis=2)
        self._windows.append(np.asarray(levels.max(axis=0), np.float32))
        self._measure_spectrum(sound[int(levels.sum(axis=1).argmax())])

    def _measure_spectrum(self, channel: _Sound) -> None:
        import numpy as np

        pieces = channel[: len(channel) // _SPECTRUM * _SPECTRUM].reshape(-1, _SPECTRUM)[::_SKIP]
        if len(pieces):
            spectrum = np.abs(np.fft.rfft(pieces * np.hanning(_SPECTRUM))) ** 2
            edge = int(_TELEPHONE_HERTZ * 1.1 * _SPECTRUM / self._rate)
            self._above += float(spectrum[:, edge:].sum())
            self._all += float(spectrum[:, 4:].sum())

    def _levels(self) -> _Sound:
        """Level of the loudest channel in each window."""
        import numpy as np

        if self._waiting:
            self._measure()
        return np.concatenate(self._windows) if self._windows else np.zeros(0, np.float32)

    @property
    def silent(self) -> bool:
        """True if no moment holds sound."""
        return float(self._levels().max(initial=0.0)) < SILENT

    def flaws(self, name: str) -> Iterator[Flaw]:
        """The flaws of the sound."""
        levels = self._levels()
        if self._unreal:
            message = f"{name} holds values that are no numbers: export it again, as 16 bit"
            yield Flaw("not-a-number", message)
        if not self._count:
            yield _soundless(name)
            return
        pause = max(SILENT, min(_PAUSE, 10 * _PAUSE * float(levels.max(initial=0.0))))
        loud = levels[levels >= pause]
        if self.silent or (
            len(loud) * WINDOW_SECONDS < _LEAST_SECONDS < len(levels) * WINDOW_SECONDS
        ):
            message = f"{name} is silent: check the microphone and record it again"
            yield Flaw("silent", message)
            return
        yield from self._of_levels(name, levels, loud)
        yield from self._of_format(name)

    def _of_levels(self, name: str, levels: _Sound, loud: _Sound) -> Iterator[Flaw]:
        silent = 1 - len(loud) / len(levels)
        if silent >= _MOSTLY_SILENT:
            message = f"{name} is silent for {silent:.0%} of its time: cut the pauses out"
            yield Flaw("mostly-silent", message, "warning")
        if float((loud.astype("f8") ** 2).mean()) ** 0.5 < _QUIET:
            message = f"{name} is very quiet: record it closer to the microphone"
            yield Flaw("quiet", message, "warning")
        clipped = self._full / self._values
        if clipped >= _CLIPPED:
            message = f"{name} is clipped ({clipped:.1%} at full scale): record it less loud"
            yield Flaw("clipped", message, "warning")
        if abs(self._offset / self._count) >= _OFFSET:
            message = f"{name} has a DC offset: filter what is below 50 Hz"
            yield Flaw("dc-offset", message, "warning")

    def _of_format(self, name: str) -> Iterator[Flaw]:
        narrow = self._rate <= 2 * _TELEPHONE_HERTZ
        if narrow or (self._all and self._above / self._all < _ABOVE_TELEPHONE):
            message = (
                f"{name} has nothing above 4 kHz, like a telephone: record it at 16 kHz or more"
            )
            yield Flaw("narrow-band", message, "warning")
        if self.channels > 2:
            message = f"{name} has {self.channels} channels: mix it down to one or two"
            yield Flaw("channels", message, "warning")
