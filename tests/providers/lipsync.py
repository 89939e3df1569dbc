"""Measures a finished MP4: do the lips, as a face mesh sees them in the decoded pictures, move
with the sound, as it is decoded from the same file?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from avatarkit.providers.local.audio import Sound, loudness, read_audio
from avatarkit.providers.local.facemesh import FaceMesh, eye_distance

UPPER, LOWER = [82, 13, 312], [87, 14, 317]  # three points on the inner edge of each lip
RATE = 48_000


@dataclass(frozen=True)
class Measurement:
    """What was measured, one value per frame."""

    opening: np.ndarray  # distance of the lips / distance of the eyes
    loudness: np.ndarray  # RMS around the middle of the frame
    fps: float

    @property
    def speaking(self) -> np.ndarray:
        return self.loudness > 0.05 * self.loudness.max()

    def correlation(self, lag: int = 0) -> float:
        """Pearson's r of opening and loudness; a positive lag asks for lips behind the sound."""
        count = len(self.opening)
        lips = self.opening[max(0, lag) : count + min(0, lag)]
        sound = self.loudness[max(0, -lag) : count + min(0, -lag)]
        return float(np.corrcoef(lips, sound)[0, 1])

    def best_lag(self, widest: int = 8) -> int:
        return max(range(-widest, widest + 1), key=self.correlation)

    def speech_to_silence(self) -> float:
        return float(self.opening[self.speaking].mean() / self.opening[~self.speaking].mean())

    def closed_level(self) -> float:
        """Lips count as closed up to a quarter of the way from silence to loud speech."""
        silence = float(np.median(self.opening[~self.speaking]))
        wide = float(np.percentile(self.opening[self.speaking], 95))
        return silence + 0.25 * (wide - silence)

    def share_closed(self, moments: list[float]) -> float:
        """Share of moments (seconds) with closed lips in the frame there or right beside it."""
        level, closed = self.closed_level(), 0
        for moment in moments:
            frame = int(moment * self.fps)
            closed += bool(self.opening[max(frame - 1, 0) : frame + 2].min() <= level)
        return closed / len(moments)


def measure(path: Path) -> Measurement:
    mesh = FaceMesh()
    openings: list[float] = []
    points = None
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        fps = float(stream.average_rate)
        for frame in container.decode(stream):
            image = frame.to_image()
            face = mesh.find(image) if points is None else mesh.track(image, points)
            assert face is not None, "no face in the video"
            assert face.confidence > 0.5, "the face was lost in the video"
            points = face.points
            gaps = np.linalg.norm(points[UPPER, :2] - points[LOWER, :2], axis=1)
            openings.append(float(gaps.mean()) / eye_distance(points))
    samples, _ = read_audio(path, RATE)
    # a window of 60 ms, read in the middle of each frame
    half = samples[int(RATE / fps / 2) :]
    level = loudness(Sound.of(half, RATE), len(openings), 1 / fps, window=0.06)
    return Measurement(np.array(openings), level, fps)
