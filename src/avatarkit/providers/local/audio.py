"""Reads the sound of any file, resamples it, and measures its loudness, in blocks."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO, Final

import av
import numpy as np
import numpy.typing as npt

from avatarkit.content import decoding, sound, wav
from avatarkit.errors import MediaRejected

#: Mono sound, float32, full scale is -1..1.
Samples = npt.NDArray[np.float32]

LOUDNESS_WINDOW: Final = 0.03  # seconds
BLOCK: Final = 500  # moments that are measured at once


@contextmanager
def open_media(path: Path) -> Generator[Any, None, None]:
    """Open a recording with FFmpeg; raises ``MediaRejected``, also inside the ``with`` block."""
    with readable(path), decoding.open_media(path) as container:
        yield container


@contextmanager
def readable(path: Path) -> Generator[None, None, None]:
    """Turn an error of the decoder into ``MediaRejected``, with the decoder's reason."""
    if not path.is_file():
        raise MediaRejected(f"{path.name}: there is no such file. Check the path.")
    if path.stat().st_size == 0:
        raise MediaRejected(f"{path.name} is empty (0 bytes). Upload it again.")
    try:
        yield
    except decoding.CutOffError as error:
        raise MediaRejected(f"{path.name} is damaged: it is cut off. Upload it again.") from error
    except decoding.DecodeError as error:
        raise MediaRejected(
            f"{path.name} is not a recording that can be read ({error}). "
            "Export it as MP4, MOV, WAV, MP3 or M4A and try again."
        ) from error


def read_audio(path: Path, rate: int, limit: float | None = None) -> tuple[Samples, int]:
    """Return the sound as mono at ``rate``, and the rate it was recorded at.

    ``limit`` stops after that many seconds.
    """
    with readable(path):
        found = sound.read_mono(path, rate, limit)
    if found is None:
        raise MediaRejected(f"{path.name} has no sound. Choose a recording with a voice.")
    return found


@dataclass(frozen=True, slots=True)
class Sound:
    """Mono sound that is read in blocks, so that its length does not matter to the memory."""

    rate: int
    size: int  #: samples
    _read: Callable[[int, int], Samples]

    @classmethod
    def of(cls, samples: Samples, rate: int) -> Sound:
        """Sound of samples in memory."""
        return cls(rate, samples.size, lambda start, stop: samples[start:stop])

    @classmethod
    def stored(cls, path: Path, rate: int) -> Sound:
        """Sound of a file of bare 32-bit floats."""

        def read(start: int, stop: int) -> Samples:
            return np.fromfile(path, "<f4", stop - start, offset=4 * start)

        return cls(rate, path.stat().st_size // 4, read)

    @property
    def seconds(self) -> float:
        """Length of the sound."""
        return self.size / self.rate

    def read(self, start: int, stop: int) -> Samples:
        """Samples from ``start`` up to ``stop``; before and behind the sound there is silence."""
        first, last = min(max(start, 0), self.size), min(max(stop, 0), self.size)
        samples = self._read(first, last)
        if samples.size == stop - start:
            return samples
        return np.pad(samples, (max(-start, 0), stop - start - samples.size - max(-start, 0)))


class Resampler:
    """The same sound at another rate, taken piece by piece from its start."""

    def __init__(self, sound: Sound, to: int) -> None:
        self._sound, self._place = sound, 0
        self._resampler = av.AudioResampler("flt", "mono", to) if sound.rate != to else None
        self._ready: Samples = np.zeros(0, np.float32)

    def take(self, count: int) -> Samples:
        """Return the next ``count`` samples; silence behind the end."""
        while self._ready.size < count and self._place <= self._sound.size:
            self._ready = np.concatenate([self._ready, *self._next()])
        taken, self._ready = self._ready[:count], self._ready[count:]
        return np.pad(taken, (0, count - taken.size))

    def _next(self) -> list[Samples]:
        """Resample the next second; the last call drains the resampler."""
        start, sound = self._place, self._sound
        stop = min(start + sound.rate, sound.size)
        self._place = stop if stop < sound.size else stop + 1
        block = np.ascontiguousarray(sound.read(start, stop), np.float32)
        if self._resampler is None:
            return [block]
        frame = av.AudioFrame.from_ndarray(block[None], format="flt", layout="mono")
        frame.sample_rate = sound.rate
        frame.pts, frame.time_base = start, Fraction(1, sound.rate)
        made = list(self._resampler.resample(frame))
        if stop == sound.size:
            made += self._resampler.resample(None)
        return [piece.to_ndarray()[0] for piece in made]


def write_wav(target: Path | BinaryIO, samples: Samples, rate: int) -> None:
    """Write mono 16-bit PCM."""
    pcm = (np.clip(samples, -1, 1) * 32767).astype("<i2")
    wav.write(target, pcm.tobytes(), rate)


def loudness(
    sound: Sound, points: int, step: float, window: float = LOUDNESS_WINDOW
) -> npt.NDArray[np.float64]:
    """Return the RMS around ``points`` moments that lie ``step`` seconds apart, from 0 on."""
    centres = np.arange(points) * step * sound.rate
    half = window * sound.rate / 2
    first = np.clip(np.rint(centres - half), 0, sound.size).astype(np.int64)
    last = np.clip(np.rint(centres + half), 0, sound.size).astype(np.int64)
    energy = np.empty(points)
    for start in range(0, points, BLOCK):
        some = slice(start, start + BLOCK)
        begin = int(first[some][0])
        samples = sound.read(begin, int(last[some][-1])).astype(np.float64)
        sums = np.concatenate([[0.0], np.cumsum(samples**2)])
        energy[some] = sums[last[some] - begin] - sums[first[some] - begin]
    result: npt.NDArray[np.float64] = np.sqrt(energy / (window * sound.rate))
    return result


def gaussian_smooth(
    curves: npt.NDArray[np.floating[Any]], sigma: float
) -> npt.NDArray[np.floating[Any]]:
    """Smooth along the last axis; ``sigma`` in steps of the curve. The ends are held."""
    radius = int(3 * sigma) + 1
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    padding = [(0, 0)] * (curves.ndim - 1) + [(radius, radius)]
    padded = np.pad(curves, padding, mode="edge")
    return np.apply_along_axis(np.convolve, -1, padded, kernel, "valid")
