"""Lets the head of a portrait sway a little in front of a background that stays."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from PIL import Image

from avatarkit.providers.local.audio import Samples, gaussian_smooth, loudness
from avatarkit.providers.local.facemesh import Points
from avatarkit.providers.local.warp import Array, smoothstep

CELL: Final = 32  # pixels of the quads that Pillow draws
CHIN: Final = 152


class Pose(NamedTuple):
    """Pose of the head, relative to the portrait."""

    turn: float  #: radians, around the neck
    right: float  #: in widths of the face
    down: float  #: in widths of the face


def sway(
    frames: int, fps: int, samples: Samples, rate: int, random: np.random.Generator
) -> list[Pose]:
    """Slow, small, irregular movement; stressed speech nods a little."""
    times = np.arange(frames) / fps
    phases = random.uniform(0, 2 * np.pi, 6)

    def wave(frequency: float, index: int) -> Array:
        values: Array = np.sin(2 * np.pi * frequency * times + phases[index])
        return values

    level = gaussian_smooth(loudness(samples, rate, frames, 1 / fps), 0.18 * fps)
    nod = level / max(float(level.max()), 1e-6)
    turn = 0.011 * wave(0.23, 0) + 0.006 * wave(0.51, 1)
    right = 0.012 * wave(0.19, 2) + 0.005 * wave(0.43, 3)
    down = 0.006 * wave(0.31, 4) + 0.004 * wave(0.62, 5) + 0.014 * nod
    return [Pose(*map(float, pose)) for pose in zip(turn, right, down, strict=True)]


class Head:
    """Moves the head of one portrait. ``landmarks`` belong to a picture of ``size``."""

    def __init__(self, landmarks: Points, size: tuple[int, int]) -> None:
        width, height = size
        self._size = size
        points = landmarks[:, :2]
        columns = np.append(np.arange(0, width, CELL), width)
        rows = np.append(np.arange(0, height, CELL), height)
        grid = np.stack(np.meshgrid(columns, rows), axis=-1).astype(float)
        face = np.ptp(points, axis=0)
        centre = (points.min(axis=0) + points.max(axis=0)) / 2 - (0, 0.12 * face[1])
        distance = np.linalg.norm((grid - centre) / (0.5 * face[0], 0.62 * face[1]), axis=-1)
        follows = 1 - smoothstep(distance, 1.25, 2.6)
        border = np.minimum(grid, np.array(size) - grid) / (0.06 * np.array(size))
        self._follows = (follows * np.clip(border.min(axis=-1), 0, 1))[..., None]
        self._grid, self._face_width = grid, float(face[0])
        self._pivot = points[CHIN] + (0, 0.25 * face[1])
        moving = self._follows[..., 0] > 1e-3
        cells = moving[:-1, :-1] | moving[1:, :-1] | moving[:-1, 1:] | moving[1:, 1:]
        self._cells = [(int(row), int(column)) for row, column in np.argwhere(cells)]
        self._boxes = [
            (int(columns[i]), int(rows[j]), int(columns[i + 1]), int(rows[j + 1]))
            for j, i in self._cells
        ]
        self._mask = Image.new("L", size, 0)
        for box in self._boxes:
            self._mask.paste(255, box)

    def move(self, image: Image.Image, pose: Pose) -> Image.Image:
        """Return the picture with the head in ``pose``."""
        cosine, sine = np.cos(pose.turn), np.sin(pose.turn)
        turn = np.array([[cosine, -sine], [sine, cosine]])
        shift = np.array([pose.right, pose.down]) * self._face_width
        source = (self._grid - self._pivot) @ turn + self._pivot - shift
        source = self._grid + (source - self._grid) * self._follows
        quads = np.concatenate(
            [source[:-1, :-1], source[1:, :-1], source[1:, 1:], source[:-1, 1:]], axis=-1
        )
        mesh = [
            (box, tuple(quads[cell].tolist()))
            for box, cell in zip(self._boxes, self._cells, strict=True)
        ]
        moved = image.transform(self._size, Image.Transform.MESH, mesh, Image.Resampling.BICUBIC)
        result = image.copy()
        result.paste(moved, (0, 0), self._mask)
        return result
