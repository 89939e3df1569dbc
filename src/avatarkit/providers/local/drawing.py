"""Draws the frames of a video: a portrait that comes alive, or a clip with another mouth.

Only what moves is drawn; it is pasted into the frame of the footage, which keeps its size.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image

from avatarkit.providers.local.clips import Clip
from avatarkit.providers.local.expression import Look
from avatarkit.providers.local.eyes import Eyes
from avatarkit.providers.local.facemesh import Points
from avatarkit.providers.local.head import Head
from avatarkit.providers.local.mouth import Mouth
from avatarkit.providers.local.paste import Frame
from avatarkit.providers.local.visemes import MouthCurves
from avatarkit.providers.local.warp import Array, blend


class Painter(Protocol):
    """Draws frames by number; several threads may call it."""

    def draw(self, number: int) -> Frame:
        """Draw one frame of the video."""
        ...


class PortraitPainter:
    """Moves mouth, eyes, features and head of one picture."""

    def __init__(
        self, pixels: Array, landmarks: Points, curves: MouthCurves, looks: Sequence[Look]
    ) -> None:
        height, width = pixels.shape[:2]
        self._curves, self._looks = curves, looks
        self._whole = Frame.from_rgb(pixels)
        self._head = Head(landmarks, (width, height))
        left, top, right, bottom = self._head.box
        self._pixels = np.ascontiguousarray(pixels[top:bottom, left:right])
        moved = landmarks - (left, top, 0)
        size = (right - left, bottom - top)
        self._mouth = Mouth(moved, size, moving=False).still(self._pixels)
        self._eyes = Eyes(moved, size)

    def draw(self, number: int) -> Frame:
        """Draw one frame of the video."""
        look = self._looks[number]
        piece = self._mouth(self._curves[number]._replace(smile=look.smile))
        pixels = self._pixels.copy()
        left, top, right, bottom = piece.box
        area = pixels[top:bottom, left:right]
        area[:] = blend(area.copy(), piece.pixels, piece.cover)
        self._eyes.draw(pixels, look.gaze, look.blink)
        moved = self._head.move(pixels, self._head.field(look.movement))
        frame = self._whole.copy()
        frame.paste(self._head.box[:2], Frame.from_rgb(moved))
        return frame


class ClipPainter:
    """Moves the mouth in the frames of a clip; its own blinks and movements stay."""

    def __init__(self, clip: Clip, landmarks: Points, curves: MouthCurves, rate: float) -> None:
        self._clip, self._landmarks, self._curves = clip, landmarks, curves
        self._rate = rate  #: frames of the clip in one of the video
        first = clip[0]
        self._mouth = Mouth(landmarks[0], first.size, moving=True)

    def draw(self, number: int) -> Frame:
        """Draw one frame of the video."""
        shown = self._clip.number_at(int(number * self._rate + 1e-6))
        frame = self._clip[shown].copy()
        frame.blend(self._mouth.render(frame, self._landmarks[shown], self._curves[number]))
        return frame


def read_portrait(path: Path) -> Array:
    """Read the stored picture of a model, RGB."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))
