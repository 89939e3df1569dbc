"""Playback of a whole file as a check: every packet is read, and its pictures and sound decoded.

Needs PyAV (extra ``media``).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import sandbox
from .containers import Foreign, identify

if TYPE_CHECKING:
    from av.container import InputContainer

#: Pixels that are decoded of one file: half a minute of 1080p at 25 frames a second. After these,
#: packets are still read to the last one, and only key frames are decoded.
_PIXELS = 1_500_000_000
#: The longer side of a decoded picture.
_SMALL = 512
#: Share of frames that may be damaged, and their number in a short file: players hide that many.
_DAMAGED_SHARE, _DAMAGED = 0.02, 2
#: Seconds, and share of the length, by which the last frame may end before the stated end: streams
#: of one file rarely end together.
_END, _END_SHARE = 1.0, 0.05
#: Share of the sound during which a film may show its last picture.
_STILL_SHARE = 0.2
#: Formats of a single stream, whose header states the number of moments.
_EXACT = frozenset({"flac", "tta", "au"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """Result of decoding a file, or the problem that makes it worthless."""

    video: bool = False
    audio: bool = False
    seconds: float | None = None  #: to the end of the last frame; None for a picture
    problem: str | None = None


@sandbox.job(  # a slow machine must not reject what was paid for
    pool=sandbox.WORK,
    limits=sandbox.Limits(cpu=120.0, wall=240.0),
    prepare=partial(sandbox.load, "av", "numpy", "PIL.Image"),
)
def play(path: Path) -> Played:
    """Decode a file from its first to its last frame, in the sandbox; raises ``OSError``."""
    from .decoding import DecodeError, open_media
    from .pictures import read_picture

    with path.open("rb") as file:
        found = identify(file, path.stat().st_size)
    if isinstance(found, Foreign):
        return Played(problem=f"it holds {found.words}")
    player = _Player()
    try:
        if found.kind == "image":
            read_picture(path, found, _SMALL)
            return Played(video=True)
        with open_media(path, found) as container:
            player.play(container)
            return player.verdict(container)
    except DecodeError as error:
        return Played(problem=f"it cannot be decoded ({error.__cause__ or error})")


@dataclass(slots=True)
class _Player:
    frames: Counter[str] = field(default_factory=Counter[str])
    damaged: int = 0
    pixels: int = 0
    ends: dict[str, float] = field(default_factory=dict[str, float])  #: by type of stream
    heard: float = 0.0

    def play(self, container: InputContainer) -> None:
        from .decoding import packets

        known = (s for s in container.streams if s.type in {"audio", "video"})
        streams: list[Any] = [stream for stream in known if _plays(stream)]
        for stream in streams:
            if stream.type == "video":
                stream.thread_type = "AUTO"
        for packet in packets(container, streams) if streams else ():
            self._packet(packet)

    def _packet(self, packet: Any) -> None:
        from .decoding import DecodeError, decode

        stream, self.damaged = packet.stream, self.damaged + bool(packet.is_corrupt)
        try:
            frames = decode(packet.decode)
        except DecodeError:
            self.damaged += bool(packet.size)  # the empty packet at the end flushes
            return
        if packet.pts is not None and packet.time_base is not None:
            end = float((packet.pts + (packet.duration or 0)) * packet.time_base)
            self.ends[stream.type] = max(self.ends.get(stream.type, 0.0), end)
        for frame in frames:
            self.frames[stream.type] += 1
            self.damaged += bool(frame.is_corrupt)
            if stream.type == "audio":
                self.heard += frame.samples / max(1, frame.sample_rate)
            self.pixels += getattr(frame, "width", 0) * getattr(frame, "height", 0)
        if self.pixels > _PIXELS and stream.type == "video":
            stream.codec_context.skip_frame = "NONKEY"

    def verdict(self, container: InputContainer) -> Played:
        total = self.frames.total()
        if self.damaged > max(_DAMAGED, total * _DAMAGED_SHARE) or (self.damaged and total <= 1):
            everything = total + self.damaged
            return Played(problem=f"{self.damaged} of its {everything} frames are damaged")
        seconds = None
        if container.duration is not None:
            start, end = (container.start_time or 0) / 1e6, max(self.ends.values(), default=0.0)
            seconds, stated = end - start, container.duration / 1e6
            # A Matroska's length counts from zero, also if its first frame comes later.
            there, margin = max(seconds, end), max(_END, _END_SHARE * stated)
            if container.format.name in _EXACT:
                seconds, there, margin = self.heard, self.heard, 0.002
            if there < stated - margin:
                return Played(
                    problem=f"it ends after {seconds:.1f} s, and says that it lasts {stated:.1f} s"
                )
        return Played(
            video=self.frames["video"] > 0,
            audio=self.frames["audio"] > 0,
            seconds=seconds,
            problem=self._frozen(),
        )

    def _frozen(self) -> str | None:
        """Problem of a film whose pictures end long before its sound."""
        shown, heard = self.ends.get("video"), self.ends.get("audio", 0.0)
        if shown is None or shown >= heard - max(_END, _STILL_SHARE * heard):
            return None
        return f"its pictures end after {shown:.1f} s, and its sound after {heard:.1f} s"


def _plays(stream: Any) -> bool:
    """True for a stream that is no cover picture, and that FFmpeg can decode."""
    from .decoding import is_cover

    return stream.codec_context is not None and not is_cover(stream)
