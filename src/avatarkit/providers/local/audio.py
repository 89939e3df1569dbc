"""Reads the sound of any file, resamples it, and measures its loudness."""

from __future__ import annotations

import wave
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

import av
import numpy as np
import numpy.typing as npt

from avatarkit.content import decoding, sound
from avatarkit.errors import MediaRejected

#: Mono sound, float32, full scale is -1..1.
Samples = npt.NDArray[np.float32]

LOUDNESS_WINDOW: Final = 0.03  # seconds


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


def resample(samples: Samples, rate: int, to: int) -> Samples:
    """Return the same sound at another rate."""
    if rate == to:
        return samples
    resampler = av.AudioResampler("flt", "mono", to)
    frame = av.AudioFrame.from_ndarray(
        np.ascontiguousarray(samples, np.float32)[None], format="flt", layout="mono"
    )
    frame.sample_rate = rate
    pieces = [*resampler.resample(frame), *resampler.resample(None)]
    return np.concatenate([piece.to_ndarray()[0] for piece in pieces])


def write_wav(target: Path | BinaryIO, samples: Samples, rate: int) -> None:
    """Write mono 16-bit PCM."""
    pcm = (np.clip(samples, -1, 1) * 32767).astype("<i2")
    opened = str(target) if isinstance(target, Path) else target
    with wave.open(opened, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(pcm.tobytes())


def loudness(
    samples: Samples, rate: int, points: int, step: float, window: float = LOUDNESS_WINDOW
) -> npt.NDArray[np.float64]:
    """Return the RMS around ``points`` moments that lie ``step`` seconds apart, from 0 on."""
    energy = np.concatenate([[0.0], np.cumsum(samples.astype(np.float64) ** 2)])
    centres = np.arange(points) * step * rate
    first = np.clip(np.rint(centres - window * rate / 2), 0, samples.size).astype(np.int64)
    last = np.clip(np.rint(centres + window * rate / 2), 0, samples.size).astype(np.int64)
    result: npt.NDArray[np.float64] = np.sqrt((energy[last] - energy[first]) / (window * rate))
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
