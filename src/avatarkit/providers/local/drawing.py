"""Draws the frames of a video: a portrait that comes alive, or a clip with another mouth.

Only what moves is drawn; it is pasted into the frame of the footage, which keeps its size.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from PIL import Image, ImageColor

from avatarkit.content.subtitles import Cue
from avatarkit.providers.local.captions import burnt_in
from avatarkit.providers.local.clips import Clip
from avatarkit.providers.local.expression import Look
from avatarkit.providers.local.eyes import Eyes
from avatarkit.providers.local.facemesh import Points
from avatarkit.providers.local.framing import Framing
from avatarkit.providers.local.head import Head
from avatarkit.providers.local.mouth import Mouth, Resting
from avatarkit.providers.local.paste import Frame, Piece
from avatarkit.providers.local.visemes import MouthCurves
from avatarkit.providers.local.warp import Array, blend, opencv, untyped

CAPTIONS: Final = 4  # drawn ones that are kept
KEPT_MOUTHS: Final = 64 << 20  # bytes of a clip's mouths that are kept for the next time
DEFAULT_BACKGROUND: Final = "#e2e2e6"
EDGE: Final = 3.0  # pixels by which colours spread into transparent parts


class Painter(Protocol):
    """Draws frames by number; several threads may call it."""

    def draw(self, number: int) -> Frame:
        """Draw one frame of the video."""
        ...


class PortraitPainter:
    """Moves mouth, eyes, features and head of one picture, RGB or with its opacity."""

    def __init__(
        self, pixels: Array, landmarks: Points, curves: MouthCurves, looks: Sequence[Look]
    ) -> None:
        height, width = pixels.shape[:2]
        self._curves, self._looks = curves, looks
        pixels, alpha = np.ascontiguousarray(pixels[..., :3]), pixels[..., 3:].copy()
        self._whole = Frame.from_rgb(pixels)
        self._alpha: Array | None = None
        self._head = Head(landmarks, (width, height))
        left, top, right, bottom = self._head.box
        self._pixels = np.ascontiguousarray(pixels[top:bottom, left:right])
        if alpha.size:
            self._whole.alpha = alpha[..., 0]
            self._alpha = alpha[top:bottom, left:right, 0].copy()
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
        field = self._head.field(look.movement)
        moved = Frame.from_rgb(self._head.move(pixels, field))
        if self._alpha is not None:
            moved.alpha = self._head.move(self._alpha, field)
        frame = self._whole.copy()
        frame.paste(self._head.box[:2], moved)
        return frame


class ClipPainter:
    """Moves the mouth in the frames of a clip; its own blinks and movements stay."""

    def __init__(
        self,
        clip: Clip,
        landmarks: Points,
        curves: MouthCurves,
        shown: Framing,
        *,
        rate: float,
    ) -> None:
        self._clip, self._curves, self._framing = clip, curves, shown
        self._rate = rate  #: frames of the clip in one of the video
        self._landmarks = shown.points(landmarks)
        self._around = Frame.from_rgb(shown.picture(clip[0].rgb()))
        self._mouth = Mouth(self._landmarks[0], shown.size, moving=True)
        self._resting: dict[int, Resting] = {}  # shown again as the clip plays to and fro
        self._room = KEPT_MOUTHS

    def draw(self, number: int) -> Frame:
        """Draw one frame of the video."""
        shown = self._clip.number_at(int(number * self._rate + 1e-6))
        frame = self._framing.frame(self._clip[shown], self._around)
        resting = self._resting.get(shown)
        if resting is None:
            resting = self._mouth.rest(frame, self._landmarks[shown])
            if resting.nbytes <= self._room:
                self._room -= resting.nbytes
                self._resting[shown] = resting
        frame.blend(self._mouth.render(resting, self._curves[number]))
        return frame


class Captioned:
    """Burns captions into the frames of another painter."""

    def __init__(
        self, painter: Painter, shown: Sequence[Cue], size: tuple[int, int], fps: int
    ) -> None:
        self._painter, self._cues, self._fps = painter, shown, fps

        @lru_cache(CAPTIONS)
        def drawn(number: int) -> Piece:
            return burnt_in(shown[number], size)

        self._drawn = drawn

    def draw(self, number: int) -> Frame:
        """Draw one frame of the video."""
        frame = self._painter.draw(number)
        moment = (number + 0.5) / self._fps
        index = bisect_right(self._cues, moment, key=lambda cue: cue.start) - 1
        if index >= 0 and moment < self._cues[index].end:
            frame.blend(self._drawn(index))
        return frame


def read_portrait(path: Path) -> Array:
    """Read the stored picture of a model: RGB, or RGBA if parts are transparent."""
    with Image.open(path) as image:
        return np.asarray(image)


def before(pixels: Array, background: str | None) -> Array:
    """Lay a picture with opacity before a colour as "#204060"; "transparent" keeps the opacity.

    Transparent pixels then take the colours of their neighbours, so that no edge shines through.
    """
    if pixels.shape[2] == 3:
        return pixels
    opaque = pixels[..., 3:].astype(np.float32) / 255
    colours = pixels[..., :3].astype(np.float32)
    if background != "transparent":
        colour = np.array(ImageColor.getrgb(background or DEFAULT_BACKGROUND), np.float32)
        laid: Array = untyped.rint(colour + (colours - colour) * opaque).astype(np.uint8)
        return laid
    weight = opencv.GaussianBlur(opaque[..., 0], (0, 0), EDGE)[..., None] + 1e-4
    spread = opencv.GaussianBlur(colours * opaque, (0, 0), EDGE) / weight
    mixed = untyped.rint(np.clip(spread + (colours - spread) * opaque, 0, 255)).astype(np.uint8)
    return np.dstack([mixed, pixels[..., 3]])
