"""WAV files with one channel of 16 bits."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import Any, BinaryIO


def write(target: Path | BinaryIO, pcm: bytes, rate: int) -> None:
    """Write little-endian samples of 16 bits, ``rate`` of them a second."""
    with wave.open(str(target) if isinstance(target, Path) else target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(pcm)


def read(path: Path, seconds: int | None = None) -> tuple[Any, int]:
    """Return samples between -1 and 1 of the first ``seconds``, or of all, and their rate."""
    import numpy as np

    with wave.open(str(path), "rb") as file:
        rate = file.getframerate()
        frames = file.readframes(file.getnframes() if seconds is None else seconds * rate)
    return np.frombuffer(frames, "<i2").astype(np.float32) / 32768, rate
