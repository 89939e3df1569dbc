"""Facts of any media file: type, streams, length, size as shown, and if it is complete.

``probe_media`` is one plain function for uploads, for what vendors deliver, and for files of our
own. It opens the file only as the type that its structure shows, never by FFmpeg's guess.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, TypedDict

from .containers import Container, Foreign, Kind, identify, picture_is_cut

#: Packets that are read at most; a longer file counts as complete.
_PACKETS: Final = 2_000_000
#: The longer side of a still that is decoded only to see if it can be.
_SMALL: Final = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFile:
    """Facts of a file; None for a fact that is unknown."""

    size: int  #: bytes
    kind: Kind | None = None  #: None if it is no media file, see ``problem``
    media_type: str = ""
    seconds: float | None = None  #: length of the longest stream, by the packets that are there
    stated_seconds: float | None = None  #: length by the header
    width: int | None = None  #: pixels, as shown: upright, with square pixels
    height: int | None = None
    has_audio: bool = False
    has_video: bool = False  #: moving pictures
    video_codec: str | None = None  #: as FFmpeg calls it
    audio_codec: str | None = None
    cut_off: bool = False  #: ends before its structure or its stated length does
    problem: str = ""  #: in words that follow the file's name: "is cut off"; empty if playable

    @property
    def playable(self) -> bool:
        """True if every stream can be decoded, and nothing is missing."""
        return not self.problem


def probe_media(path: Path) -> MediaFile:
    """Probe a file: all its packets are read, one frame of each stream is decoded; blocking.

    Never raises because of the contents. Raises ``OSError`` if the file cannot be read, and
    ``ImportError`` if PyAV is not installed.
    """
    size = path.stat().st_size
    if size == 0:
        return MediaFile(size=0, problem="is empty (0 bytes)")
    with path.open("rb") as file:
        found = identify(file, size)
    if isinstance(found, Foreign):
        return MediaFile(size=size, problem=f"holds {found.words}")
    facts = MediaFile(
        size=size, kind=found.kind, media_type=found.media_type, cut_off=found.cut_off
    )
    facts = _still(path, found, facts) if found.kind == "image" else _streams(path, found, facts)
    return replace(facts, problem="is cut off") if facts.cut_off else facts


def _still(path: Path, container: Container, facts: MediaFile) -> MediaFile:
    from .decoding import DecodeError
    from .pictures import read_picture

    try:
        picture = read_picture(path, container, _SMALL)
    except DecodeError as error:
        with path.open("rb") as file:
            cut_off = picture_is_cut(file, facts.size, container)
        return replace(facts, cut_off=cut_off, problem=f"cannot be decoded ({error})")
    return replace(facts, width=picture.width, height=picture.height, cut_off=False)


def _streams(path: Path, container: Container, facts: MediaFile) -> MediaFile:
    from .decoding import DecodeError, open_media

    try:
        with open_media(path, container) as opened:
            tracks = {s.index: Track(s) for s in (*moving(opened), *opened.streams.audio)}
            stated = (opened.duration or 0) / 1_000_000 or None
            streams = [track.stream for track in tracks.values() if track.decodable]
            for number, packet in enumerate(opened.demux(streams) if streams else ()):
                tracks[packet.stream.index].take(packet)
                if number >= _PACKETS:
                    break
    except DecodeError as error:
        return replace(facts, problem=f"cannot be decoded ({error})")
    return _told(facts, container, list(tracks.values()), stated)


def _told(
    facts: MediaFile, container: Container, tracks: Sequence[Track], stated: float | None
) -> MediaFile:
    video = next((track for track in tracks if track.kind == "video"), None)
    audio = next((track for track in tracks if track.kind == "audio" and track.decoded), None)
    audio = audio or next((track for track in tracks if track.kind == "audio"), None)
    seconds = max((track.end for track in tracks), default=0.0) or None
    cut_off = facts.cut_off or shorter(stated, seconds, container)
    cut_off = cut_off or any(track.corrupt for track in tracks)
    broken = next((t for t in tracks if t in {video, audio} and not t.decoded), None)
    problem = ""
    if not tracks:
        problem = "has neither sound nor pictures"
    elif broken is not None:
        problem = f"has a {broken.kind} stream that cannot be decoded ({broken.codec})"
    return replace(
        facts,
        **kind_and_type(container, has_video=video is not None, has_audio=audio is not None),
        seconds=seconds,
        stated_seconds=stated,
        width=video.size[0] if video is not None and video.size else None,
        height=video.size[1] if video is not None and video.size else None,
        has_audio=audio is not None,
        has_video=video is not None,
        video_codec=video.codec if video is not None else None,
        audio_codec=audio.codec if audio is not None else None,
        cut_off=cut_off,
        problem=problem,
    )


def moving(opened: Any) -> list[Any]:
    """Video streams of an open file, without cover pictures."""
    return [s for s in opened.streams.video if not s.disposition & s.disposition.attached_pic]


class _KindAndType(TypedDict):
    kind: Kind
    media_type: str


def kind_and_type(container: Container, *, has_video: bool, has_audio: bool) -> _KindAndType:
    """Correct what the container's type says by its streams: an MP4 may hold sound alone."""
    kind, media_type = container.kind, container.media_type
    if kind == "video" and has_audio and not has_video:
        kind = "audio"
    if kind == "audio" and media_type in {"video/mp4", "video/quicktime"}:
        media_type = "audio/mp4"
    return {"kind": kind, "media_type": media_type}


def shorter(stated: float | None, there: float | None, container: Container) -> bool:
    """True if a stream ends well before the length that the header states."""
    if stated is None or container.media_type in _GUESSED:
        return False
    return stated > (there or 0.0) + max(1.0, 0.1 * stated)


#: Types without a length in their header: FFmpeg guesses it from the bit rate.
_GUESSED: Final = frozenset(
    {"audio/wav", "audio/aac", "audio/amr", "audio/ac3", "video/mpeg", "video/mp2t"}
)


class Track:
    """A stream while its packets are read; one frame is decoded."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.kind = str(stream.type)
        self.end = 0.0  #: seconds
        self.corrupt = False
        self.decoded = False
        self.size: tuple[int, int] | None = None  #: as shown
        self._tries = 0

    @property
    def decodable(self) -> bool:
        """True if FFmpeg has a decoder for it."""
        return self.stream.codec_context is not None

    @property
    def codec(self) -> str | None:
        """FFmpeg's name of the codec; None without a decoder."""
        return str(self.stream.codec_context.name) if self.decodable else None

    def take(self, packet: Any) -> None:
        """Note a packet, and decode it until there is a frame."""
        from .decoding import DecodeError, decode
        from .pictures import pixel_aspect, shape

        self.end = max(self.end, ends(packet))
        self.corrupt = self.corrupt or packet.is_corrupt
        if self.decoded or self._tries >= _TRIES:
            return
        self._tries += 1
        try:
            for frame in decode(packet.decode):
                self.decoded = True
                if self.kind == "video":
                    self.size = shape(frame, pixel_aspect(self.stream))
        except DecodeError:
            return


#: Packets that are decoded in search of a frame.
_TRIES: Final = 300


def ends(packet: Any) -> float:
    """End of a packet in seconds from the start of its stream; 0 if it has no time."""
    if not packet.size or packet.pts is None:
        return 0.0
    start = packet.stream.start_time or 0
    return float((packet.pts + (packet.duration or 0) - start) * packet.time_base)
