"""The sound of a recording: its first stream that can be decoded and holds sound, as mono.

The only place that chooses a stream and mixes channels, for preflight, for converting and for the
engine of the local provider. Channels of opposite phase cancel out in a mix, so the loudest is
taken alone where the mix loses most of the power.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from .decoding import DecodeError, decode, frames, open_media
from .limits import SILENT, WINDOW_SECONDS

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Sound = npt.NDArray[np.float32]

#: Part of the loudest channel's power that a mix must keep: one of two channels keeps a quarter.
_CANCELLED: Final = 0.05
#: Seconds of a stream that are listened to: with sound, and in all.
_HEARD, _LISTENED = 5.0, 600.0
#: Streams of one file that are listened to.
_MOST_STREAMS: Final = 8


@dataclass(frozen=True, slots=True)
class SoundTrack:
    """A stream of sound, and the channel to take; None for the mix of all."""

    index: int
    channel: int | None = None


def choose_sound(path: Path) -> SoundTrack | None:
    """Choose the stream to hear; None if no stream can be decoded. Raises ``DecodeError``."""
    silent: SoundTrack | None = None
    with open_media(path) as opened:
        audio: list[Any] = list(opened.streams.audio)
        streams = [s for s in audio if s.codec_context is not None]
        if audio and not streams:
            raise DecodeError("its sound is of a type that has no decoder")
        if len(streams) == 1 and streams[0].codec_context.channels == 1:
            return SoundTrack(streams[0].index)
        indexes = [stream.index for stream in streams[:_MOST_STREAMS]]
    for index in indexes:
        track, heard = _listened(path, index)
        if heard:
            return track
        silent = silent or track
    return silent


def _listened(path: Path, index: int) -> tuple[SoundTrack | None, bool]:
    """The track of a stream, None if nothing is decoded; and True if sound is heard in it.

    The mix of all channels, or the loudest one where they cancel each other out.
    """
    import numpy as np

    power, mixed, heard = np.zeros(0), 0.0, 0.0
    for window in _windows(path, index):
        if power.size != len(window):
            power, mixed, heard = np.zeros(len(window)), 0.0, 0.0
        power += (window**2).mean(axis=1)
        mixed += float((window.mean(axis=0) ** 2).mean())
        heard += WINDOW_SECONDS * bool(loudest(window) >= SILENT)
        if heard >= (_HEARD if len(window) > 1 else WINDOW_SECONDS):
            break
    if not power.size:
        return None, False
    cancelled = heard and mixed < _CANCELLED * float(power.max())
    return SoundTrack(index, int(power.argmax()) if cancelled else None), heard > 0


def _windows(path: Path, index: int) -> Iterator[Sound]:
    """Pieces of a stream, each of shape (channels, values); a stream that is damaged ends early."""
    import numpy as np

    try:
        with open_media(path) as opened:
            passed = 0.0
            for frame in frames(opened, opened.streams[index]):
                sound = values(frame)
                length = max(1, int(frame.sample_rate * WINDOW_SECONDS))
                for start in range(0, sound.shape[1], length):
                    yield np.nan_to_num(sound[:, start : start + length])
                passed += frame.samples / max(1, frame.sample_rate)
                if passed >= _LISTENED:
                    return
    except DecodeError:
        return


def loudest(window: Sound) -> float:
    """Level of the loudest channel, without its offset."""
    return float(window.std(axis=1).max(initial=0.0))


def values(frame: Any) -> Sound:
    """Samples of a decoded frame, shape (channels, values), full scale is -1..1."""
    import numpy as np

    sound = decode(frame.to_ndarray)
    if not frame.format.is_planar:
        sound = sound.reshape(-1, frame.layout.nb_channels).T
    if sound.dtype.kind in "iu":
        middle = 128.0 if sound.dtype.kind == "u" else 0.0
        scale = 1 / (float(np.iinfo(sound.dtype).max) - middle)
        sound = (sound.astype(np.float32) - np.float32(middle)) * np.float32(scale)
    return np.asarray(sound, np.float32)


def mono(opened: Any, track: SoundTrack, sample_format: str, rate: int) -> Iterator[Any]:
    """Yield the frames of a track as mono; its own rate and channels may change on the way."""
    resampler, known = None, None
    for frame in frames(opened, opened.streams[track.index]):
        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        if form != known:
            yield from _flushed(resampler)
            resampler, known = _Mono(track.channel, sample_format, rate), form
        frame.pts = None
        assert resampler is not None
        yield from resampler.take(frame)
    yield from _flushed(resampler)


def _flushed(resampler: _Mono | None) -> Iterator[Any]:
    if resampler is not None:
        yield from resampler.take(None)


class _Mono:
    """Resampler to mono: mixes all channels, or takes one."""

    def __init__(self, channel: int | None, sample_format: str, rate: int) -> None:
        import av

        self._channel = channel
        self._resampler = av.AudioResampler(sample_format, "mono", rate)

    def take(self, frame: Any) -> Iterator[Any]:
        """Resample a frame; None ends the sound."""
        if frame is not None and self._channel is not None:
            frame = _one_channel(frame, self._channel)
        yield from decode(self._resampler.resample, frame)


def _one_channel(frame: Any, channel: int) -> Any:
    import av
    import numpy as np

    sound = values(frame)
    one = np.ascontiguousarray(sound[min(channel, len(sound) - 1)])[None]
    made = av.AudioFrame.from_ndarray(one, format="fltp", layout="mono")
    made.sample_rate = frame.sample_rate
    return made


def read_mono(path: Path, rate: int, limit: float | None = None) -> tuple[Sound, int] | None:
    """Return the sound as mono at ``rate``, and the rate it was recorded at; None if there is none.

    ``limit`` stops after that many seconds. Raises ``DecodeError``.
    """
    import numpy as np

    track = choose_sound(path)
    if track is None:
        return None
    pieces: list[Sound] = []
    length = 0
    with open_media(path) as opened:
        stream: Any = opened.streams[track.index]
        recorded_rate = int(stream.codec_context.sample_rate)
        for piece in mono(opened, track, "flt", rate):
            pieces.append(piece.to_ndarray()[0])
            length += pieces[-1].size
            if limit is not None and length >= limit * rate:
                break
    if not pieces:
        return None
    sound = np.concatenate(pieces)
    return (sound if limit is None else sound[: int(limit * rate)]), recorded_rate
