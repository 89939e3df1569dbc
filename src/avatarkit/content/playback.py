"""Playback of a whole file as a check: every packet is read, and its pictures and sound decoded.

Needs PyAV (extra ``media``). Blocking.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .decoding import DecodeError, decode, open_media
from .integrity import DamagedError

if TYPE_CHECKING:
    from av.container import InputContainer

#: Pixels that are decoded of one file: two minutes of 1080p at 25 frames a second. After these,
#: packets are still read to the last one, and only key frames are decoded.
_PIXELS = 6_000_000_000
#: Larger pictures are not decoded.
_MAX_PIXELS = 64_000_000
#: Share of frames that may be damaged, and their number in a short file: players hide that many.
_DAMAGED_SHARE, _DAMAGED = 0.02, 2
#: Seconds, and share of the length, by which the last frame may end before the stated end: streams
#: of one file rarely end together.
_END, _END_SHARE = 1.0, 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What was decoded."""

    video: bool
    audio: bool
    seconds: float | None  #: to the end of the last frame; None for a picture


def play(path: Path) -> Played:
    """Decode a file from its first to its last frame.

    Raises ``DamagedError`` if it cannot be decoded, has damaged frames, or ends too early.
    """
    player = _Player()
    try:
        with open_media(path, options={"max_pixels": str(_MAX_PIXELS)}) as container:
            player.play(container)
            return player.verdict(container)
    except DecodeError as error:
        raise DamagedError(f"it cannot be decoded ({error.__cause__ or error})") from error


@dataclass(slots=True)
class _Player:
    frames: Counter[str] = field(default_factory=Counter[str])
    damaged: int = 0
    pixels: int = 0
    end: float = 0.0
    last: str = ""  #: the last problem

    def play(self, container: InputContainer) -> None:
        streams = [s for s in container.streams if s.type in {"audio", "video"} and _plays(s)]
        for stream in streams:
            if stream.type == "video":
                stream.thread_type = "AUTO"
        for packet in container.demux(*streams) if streams else ():
            self._packet(packet)

    def _packet(self, packet: Any) -> None:
        stream, self.damaged = packet.stream, self.damaged + bool(packet.is_corrupt)
        try:
            frames = decode(packet.decode)
        except DecodeError as error:
            if packet.size:  # the empty packet at the end flushes
                self.damaged, self.last = self.damaged + 1, str(error)
            return
        if packet.pts is not None and packet.time_base is not None:
            end = float((packet.pts + (packet.duration or 0)) * packet.time_base)
            self.end = max(self.end, end)
        for frame in frames:
            self.frames[stream.type] += 1
            self.damaged += bool(frame.is_corrupt)
            self.pixels += getattr(frame, "width", 0) * getattr(frame, "height", 0)
        if self.pixels > _PIXELS and stream.type == "video":
            stream.codec_context.skip_frame = "NONKEY"

    def verdict(self, container: InputContainer) -> Played:
        total = self.frames.total()
        if self.damaged > max(_DAMAGED, total * _DAMAGED_SHARE) or (self.damaged and total <= 1):
            raise DamagedError(f"{self.damaged} of its {total + self.damaged} frames are damaged")
        seconds = None
        if container.duration is not None:
            start = (container.start_time or 0) / 1e6
            seconds, stated = self.end - start, container.duration / 1e6
            if seconds < stated - max(_END, _END_SHARE * stated):
                raise DamagedError(
                    f"it ends after {seconds:.1f} s, and says that it lasts {stated:.1f} s"
                )
        return Played(
            video=self.frames["video"] > 0, audio=self.frames["audio"] > 0, seconds=seconds
        )


def _plays(stream: Any) -> bool:
    """True for a stream that is no cover picture, and that FFmpeg can decode."""
    if stream.codec_context is None:
        return False
    return "ATTACHED_PIC" not in str(stream.disposition).upper()
