"""Frame of a video: which part of the footage it shows, at which size, and before what.

Without settings it is the footage's own frame. A crop of another aspect ratio follows the head.
Where it would cut the head, the footage keeps its height or width, and a blurred copy of it fills
the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from avatarkit.providers.local.facemesh import Points
from avatarkit.providers.local.paste import Box, Frame
from avatarkit.providers.local.warp import Array, opencv

Size = tuple[int, int]  #: width and height in pixels

HEAD: Final = (1.7, 2.0)  # width and height that a crop keeps, in those of the face
EYE_LEVEL: Final = 0.44  # the middle of the face, as a part of the height of a crop
HIGHEST: Final = 1080  # pixels of the shorter side, unless a resolution is asked for
FILL_LIGHT: Final = 0.7  # of the blurred footage around the footage


@dataclass(frozen=True, slots=True)
class Framing:
    """A part of the footage (``cut``), and the place in the video that it fills."""

    size: Size
    cut: Box
    place: Box

    @property
    def scale(self) -> Array:
        """Pixels of the video in one of the footage, across and down."""
        cut, place = np.array(self.cut), np.array(self.place)
        ratio: Array = (place[2:] - place[:2]) / (cut[2:] - cut[:2])
        return ratio

    def points(self, landmarks: Points) -> Points:
        """Landmarks (..., 3) of the footage in pixels of the video."""
        moved = landmarks.astype(np.float64)
        moved[..., :2] = (moved[..., :2] - self.cut[:2]) * self.scale + self.place[:2]
        moved[..., 2] *= self.scale[0]
        return moved

    def picture(self, pixels: Array) -> Array:
        """Picture of the video (RGB or RGBA) from one of the footage."""
        left, top, right, bottom = self.cut
        shown = pixels[top:bottom, left:right]
        left, top, right, bottom = self.place
        area = (right - left, bottom - top)
        if area != shown.shape[1::-1]:
            how = cv2.INTER_AREA if area[0] < shown.shape[1] else cv2.INTER_CUBIC
            shown = opencv.resize(shown, area, interpolation=how)
        if area == self.size:
            return np.ascontiguousarray(shown)
        whole = _blurred(shown, self.size)
        whole[..., 3:] = 0
        whole[top:bottom, left:right] = shown
        return whole

    def frame(self, frame: Frame, around: Frame) -> Frame:
        """Frame of the video from one of the footage; ``around`` is what surrounds it."""
        if self.cut == self.place == (0, 0, *frame.size):
            return frame.copy()
        left, top, right, bottom = self.place
        shown = frame.part(self.cut).resized((right - left, bottom - top))
        if shown.size == self.size:
            return shown
        whole = around.copy()
        whole.paste((left, top), shown)
        return whole


def framing(
    size: Size, landmarks: Points, aspect: str | None = None, resolution: int | None = None
) -> Framing:
    """Frame of a video from footage of ``size``; ``landmarks`` (..., 2+) are those of all frames.

    ``aspect`` is as "16:9"; None keeps the footage's. ``resolution`` is the shorter side in pixels.
    """
    width, height = size
    ratio = width / height
    if aspect is not None:
        across, down = aspect.split(":")
        ratio = int(across) / int(down)
    view = _view(size, landmarks, ratio)
    shorter = resolution or min(HIGHEST, float(min(view[2:] - view[:2])))
    scale = shorter / min(view[2:] - view[:2])
    kept = aspect is None and resolution is None
    target = np.array(size) if kept else _even((view[2:] - view[:2]) * scale)
    cut = np.concatenate([np.maximum(view[:2], 0), np.minimum(view[2:], size)])
    cut = np.concatenate([_even(cut[:2]), _even(cut[2:])])
    visible = (cut - np.tile(view[:2], 2)) * (np.tile(target, 2) / np.tile(view[2:] - view[:2], 2))
    place = np.clip(_even(visible), 0, np.tile(target, 2))
    return Framing(_pair(target), _box(cut), _box(place))


def _view(size: Size, landmarks: Points, ratio: float) -> Array:
    """Part of the footage (left, top, right, bottom) that the video shows; it may be larger."""
    width, height = size
    shown = np.array([min(width, height * ratio), min(height, width / ratio)])
    flat = landmarks.reshape(-1, landmarks.shape[-1])[:, :2]
    low, high = flat.min(axis=0), flat.max(axis=0)
    head = (high - low) * HEAD
    shown = shown * max(1.0, *(np.minimum(head, size) / shown))
    middle = (low + high) / 2
    corner = middle - shown * (0.5, EYE_LEVEL)
    room = np.array(size) - shown
    corner = np.where(room >= 0, np.clip(corner, 0, np.maximum(room, 0)), room / 2)
    return np.concatenate([corner, corner + shown])


def _even(values: Array) -> Array:
    even: Array = 2 * np.rint(np.asarray(values) / 2).astype(int)
    return even


def _pair(values: Array) -> Size:
    return int(values[0]), int(values[1])


def _box(values: Array) -> Box:
    return (*_pair(values[:2]), *_pair(values[2:]))


def _blurred(pixels: Array, size: Size) -> Array:
    """The picture, blurred and darkened, filling ``size``."""
    width, height = size
    scale = max(width / pixels.shape[1], height / pixels.shape[0])
    small = opencv.resize(pixels, None, fx=scale / 8, fy=scale / 8, interpolation=cv2.INTER_AREA)
    soft = opencv.GaussianBlur(small, (0, 0), max(min(size) / 8 / 24, 1))
    full = opencv.resize(soft, None, fx=8, fy=8, interpolation=cv2.INTER_CUBIC)
    full = opencv.resize(full, (max(full.shape[1], width), max(full.shape[0], height)))
    top, left = (full.shape[0] - height) // 2, (full.shape[1] - width) // 2
    cut = full[top : top + height, left : left + width]
    return np.ascontiguousarray((cut * np.float32(FILL_LIGHT)).astype(np.uint8))
