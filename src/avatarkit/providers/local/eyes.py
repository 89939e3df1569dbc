"""Blinks: the lid of a picture's eye is stretched down over it."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from avatarkit.providers.local.facemesh import Points
from avatarkit.providers.local.warp import Array, interpolate, sample

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
BLINK_SECONDS: Final = 0.22
PAUSE_RANGE: Final = (2.2, 4.5)  # seconds between blinks


class Eyes:
    """Blinks for one portrait. ``landmarks`` (468, 2+) belong to a picture of ``size``."""

    def __init__(self, landmarks: Points, size: tuple[int, int]) -> None:
        eyes = [_Eye(landmarks[:, :2], *rows) for rows in EYES]
        self._eyes = [eye for eye in eyes if eye.is_inside(size)]

    def blink(self, image: Image.Image, amount: float) -> Image.Image:
        """Close the eyes by ``amount`` (0..1), in place, and return the picture."""
        if amount > 0.02:
            for eye in self._eyes:
                eye.close(image, amount)
        return image


class _Eye:
    """One eye: where its lid hangs, where it ends when closed, and how much skin is above."""

    def __init__(
        self, points: Points, upper: tuple[int, ...], lower: tuple[int, ...], brow: tuple[int, ...]
    ) -> None:
        upper_lid, lower_lid = points[list(upper)], points[list(lower)]
        left, right = int(upper_lid[:, 0].min()) - 1, int(upper_lid[:, 0].max()) + 2
        self._height = max(float(np.max(lower_lid[:, 1] - upper_lid[:, 1])), 2.0)
        x = np.arange(left, right, dtype=np.float32)
        across = (x - upper_lid[:, 0].min()) / np.ptp(upper_lid[:, 0])
        middle = np.sqrt(np.sin(np.pi * np.clip(across, 0, 1)))  # nothing moves in the corners
        self._open = _row_at(x, upper_lid) - 0.28 * self._height * middle  # above the lashes
        self._closed = _row_at(x, lower_lid) + 0.16 * self._height * middle
        above = _row_at(x, points[list(brow)]) + 0.55 * self._height
        self._fold = np.minimum(above, self._open - 0.6 * self._height)
        top, bottom = int(self._fold.min()) - 1, int(self._closed.max()) + 3
        self._box = (left, top, right, bottom)
        self._rows = np.arange(top, bottom, dtype=np.float32)[:, None]
        self._columns = np.broadcast_to(x - left, (bottom - top, right - left))
        # the corners fade, so that the lid does not end in a step
        self._side = np.clip(np.minimum(across, 1 - across) / 0.10, 0, 1)[None, :, None]

    def is_inside(self, size: tuple[int, int]) -> bool:
        left, top, right, bottom = self._box
        return left >= 1 and top >= 1 and right < size[0] - 1 and bottom < size[1] - 1

    def close(self, image: Image.Image, amount: float) -> None:
        pixels = np.asarray(image.crop(self._box), np.float32)
        rows, top = self._rows, self._box[1]
        edge = self._open + amount * np.maximum(self._closed - self._open, 0)
        stretch = (self._open - self._fold) / np.maximum(edge - self._fold, 1e-3)
        source = np.where(rows < self._fold, rows, self._fold + (rows - self._fold) * stretch)
        lid = sample(pixels, self._columns, source - top)
        cover = np.clip(edge - rows + 0.5, 0, 1)[..., None] * self._side
        result = pixels + (lid - pixels) * cover
        lashes = np.exp(-(((rows - edge + 0.6) / (0.10 * self._height + 0.6)) ** 2))
        result *= 1 - 0.45 * amount * lashes[..., None] * self._side
        image.paste(Image.fromarray(result.astype(np.uint8)), self._box[:2])


def blink_curve(frames: int, fps: int, random: np.random.Generator) -> npt.NDArray[np.float64]:
    """How far the eyes are closed in each frame (0..1): a blink every few seconds."""
    closed = np.zeros(frames)
    times = np.arange(frames) / fps
    moment = float(random.uniform(0.8, 2.0))
    while moment < frames / fps:
        distance = np.abs(times - moment) / (BLINK_SECONDS / 2)
        closed = np.maximum(closed, np.clip(1 - distance, 0, 1) ** 0.7)
        moment += float(random.uniform(*PAUSE_RANGE))
    return closed


def _row_at(columns: Array, points: Points) -> Array:
    """Row of a line of points at each column."""
    order = np.argsort(points[:, 0])
    return interpolate(columns, points[order, 0], points[order, 1])
