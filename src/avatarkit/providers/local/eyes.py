"""Eyes of a portrait: the lid is stretched down in a blink, and the iris moves with the gaze."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from avatarkit.providers.local.facemesh import Points
from avatarkit.providers.local.warp import Array, interpolate, opencv, sample, smoothstep

#: Landmarks of the upper lid, the lower lid and the brow, for the right and the left eye.
EYES: Final = (
    (
        (33, 246, 161, 160, 159, 158, 157, 173, 133),
        (33, 7, 163, 144, 145, 153, 154, 155, 133),
        (70, 63, 105, 66, 107),
    ),
    (
        (263, 466, 388, 387, 386, 385, 384, 398, 362),
        (263, 249, 390, 373, 374, 380, 381, 382, 362),
        (300, 293, 334, 296, 336),
    ),
)
WIDEST_GAZE: Final = 0.09  # of an eye's width
LEAST: Final = 0.02  # part of a blink that is drawn


class Eyes:
    """Eyes of one portrait. ``landmarks`` (468, 2+) belong to a picture of ``size``."""

    def __init__(self, landmarks: Points, size: tuple[int, int]) -> None:
        eyes = [_Eye(landmarks[:, :2], *rows) for rows in EYES]
        self._eyes = [eye for eye in eyes if eye.is_inside(size)]

    def draw(self, pixels: Array, gaze: tuple[float, float], blink: float) -> None:
        """Turn the eyes (in widths of an eye), then close them (0..1), in place."""
        for eye in self._eyes:
            eye.turn(pixels, gaze)
            if blink > LEAST:
                eye.close(pixels, blink)


class _Eye:
    """One eye: where its lid hangs, where it ends when closed, and how much skin is above."""

    def __init__(
        self, points: Points, upper: tuple[int, ...], lower: tuple[int, ...], brow: tuple[int, ...]
    ) -> None:
        upper_lid, lower_lid = points[list(upper)], points[list(lower)]
        left, right = int(upper_lid[:, 0].min()) - 1, int(upper_lid[:, 0].max()) + 2
        self._height = max(float(np.max(lower_lid[:, 1] - upper_lid[:, 1])), 2.0)
        self._width = float(np.ptp(upper_lid[:, 0]))
        x = np.arange(left, right, dtype=np.float32)
        across = (x - upper_lid[:, 0].min()) / self._width
        middle = np.sqrt(np.sin(np.pi * np.clip(across, 0, 1)))  # nothing moves in the corners
        above_eye, below_eye = _row_at(x, upper_lid), _row_at(x, lower_lid)
        self._open = above_eye - 0.28 * self._height * middle  # above the lashes
        self._closed = below_eye + 0.16 * self._height * middle
        above = _row_at(x, points[list(brow)]) + 0.55 * self._height
        self._fold = np.minimum(above, self._open - 0.6 * self._height)
        top, bottom = int(self._fold.min()) - 1, int(self._closed.max()) + 3
        self._box = (left, top, right, bottom)
        self._area = (slice(top, bottom), slice(left, right))
        self._rows = np.arange(top, bottom, dtype=np.float32)[:, None]
        # the corners fade, so that the lid does not end in a step
        self._side = np.clip(np.minimum(across, 1 - across) / 0.10, 0, 1)[None, :, None]
        within = np.minimum(self._rows - above_eye, below_eye - self._rows) / self._height
        looks = smoothstep(within, 0, 0.10) * smoothstep(np.minimum(across, 1 - across), 0, 0.22)
        self._turns = looks.astype(np.float32)
        self._columns: Array = np.broadcast_to(x - left, self._turns.shape).astype(np.float32)
        self._lines: Array = np.broadcast_to(self._rows - top, self._turns.shape).astype(np.float32)

    def is_inside(self, size: tuple[int, int]) -> bool:
        left, top, right, bottom = self._box
        return left >= 1 and top >= 1 and right < size[0] - 1 and bottom < size[1] - 1

    def turn(self, pixels: Array, gaze: tuple[float, float]) -> None:
        right, down = (
            np.float32(np.clip(part, -WIDEST_GAZE, WIDEST_GAZE) * self._width) for part in gaze
        )
        pixels[self._area] = opencv.remap(
            pixels[self._area].copy(),
            self._columns - right * self._turns,
            self._lines - down * self._turns,
            cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REPLICATE,
        )

    def close(self, pixels: Array, amount: float) -> None:
        seen = pixels[self._area].astype(np.float32)
        rows, top = self._rows, self._box[1]
        edge = self._open + amount * np.maximum(self._closed - self._open, 0)
        stretch = (self._open - self._fold) / np.maximum(edge - self._fold, 1e-3)
        source = np.where(rows < self._fold, rows, self._fold + (rows - self._fold) * stretch)
        lid = sample(seen, self._columns, source - top)
        cover = np.clip(edge - rows + 0.5, 0, 1)[..., None] * self._side
        result = seen + (lid - seen) * cover
        lashes = np.exp(-(((rows - edge + 0.6) / (0.10 * self._height + 0.6)) ** 2))
        result *= 1 - 0.45 * amount * lashes[..., None] * self._side
        pixels[self._area] = result.astype(np.uint8)


def _row_at(columns: Array, points: Points) -> Array:
    """Row of a line of points at each column."""
    order = np.argsort(points[:, 0])
    return interpolate(columns, points[order, 0], points[order, 1])
