"""Frames as the encoder takes them (I420), and pieces that are pasted into them without a seam.

A frame is one array (1.5 x height, width) of uint8: luma, then both chroma planes at half size.
The untouched part of a frame is copied as it is; only pieces pass through RGB. Boxes are (left,
top, right, bottom) in even pixels, since two by two pixels share a colour.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import cv2
import numpy as np

from avatarkit.providers.local.warp import Array, opencv

Box = tuple[int, int, int, int]


class Piece(NamedTuple):
    """A picture of a part of a frame, RGB; ``cover`` (float32, 0..1) fades its border."""

    box: Box
    pixels: Array
    cover: Array


class Frame:
    """One frame in I420; width and height are even."""

    def __init__(self, size: tuple[int, int], data: Array, alpha: Array | None = None) -> None:
        width, height = size
        self.size, self.data = size, data
        self.alpha = alpha  #: opacity (height, width); None: opaque
        flat = data.reshape(-1)
        luma, chroma = width * height, width * height // 4
        half = (height // 2, width // 2)
        self.planes = (
            flat[:luma].reshape(height, width),
            flat[luma : luma + chroma].reshape(half),
            flat[luma + chroma :].reshape(half),
        )

    @classmethod
    def from_rgb(cls, pixels: Array) -> Self:
        """Convert RGB pixels (height, width, 3)."""
        height, width = pixels.shape[:2]
        return cls((width, height), opencv.cvtColor(pixels, cv2.COLOR_RGB2YUV_I420))

    @classmethod
    def from_video(cls, frame: Any) -> Self:
        """Copy a decoded frame of PyAV."""
        return cls((frame.width, frame.height), frame.to_ndarray(format="yuv420p"))

    def rgb(self, box: Box | None = None) -> Array:
        """Return the RGB pixels of a part."""
        part = self if box is None else self.part(box)
        pixels: Array = opencv.cvtColor(part.data, cv2.COLOR_YUV2RGB_I420)
        return pixels

    def part(self, box: Box) -> Frame:
        """Copy a part."""
        left, top, right, bottom = box
        size = (right - left, bottom - top)
        copied = Frame(size, np.empty((size[1] * 3 // 2, size[0]), np.uint8))
        for plane, source in zip(copied.planes, self._areas(box), strict=True):
            plane[:] = source
        return copied

    def copy(self) -> Frame:
        """Copy all."""
        alpha = None if self.alpha is None else self.alpha.copy()
        return Frame(self.size, self.data.copy(), alpha)

    def resized(self, size: tuple[int, int]) -> Frame:
        """Scale to ``size`` (even)."""
        width, height = size
        scaled = Frame(size, np.empty((height * 3 // 2, width), np.uint8))
        shrinks = width < self.size[0]
        how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
        for plane, source in zip(scaled.planes, self.planes, strict=True):
            opencv.resize(source, plane.shape[::-1], plane, interpolation=how)
        return scaled

    def paste(self, corner: tuple[int, int], part: Frame) -> None:
        """Lay ``part`` over this frame, in place."""
        (left, top), (width, height) = corner, part.size
        box = (left, top, left + width, top + height)
        for plane, source in zip(self._areas(box), part.planes, strict=True):
            plane[:] = source
        if self.alpha is not None and part.alpha is not None:
            self.alpha[top : top + height, left : left + width] = part.alpha

    def blend(self, piece: Piece) -> None:
        """Blend a piece in, in place; where its cover is 0 this frame stays as it is."""
        over = Frame.from_rgb(piece.pixels)
        half = opencv.resize(piece.cover, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        covers = (piece.cover, half, half)
        for plane, source, cover in zip(self._areas(piece.box), over.planes, covers, strict=True):
            plane[:] = opencv.blendLinear(source, plane.copy(), cover, 1 - cover)
        if self.alpha is not None:
            left, top, right, bottom = piece.box
            area = self.alpha[top:bottom, left:right]
            np.maximum(area, (255 * piece.cover).astype(np.uint8), out=area)

    def _areas(self, box: Box) -> tuple[Array, Array, Array]:
        """Views of the three planes within a box."""
        left, top, right, bottom = box
        luma, *chroma = self.planes
        halves = [p[top // 2 : bottom // 2, left // 2 : right // 2] for p in chroma]
        return luma[top:bottom, left:right], halves[0], halves[1]


def even_box(low: Array, high: Array, size: tuple[int, int]) -> Box:
    """Smallest even box in a frame of ``size`` (even) that holds two corners."""
    left, top = (max(int(v) // 2 * 2, 0) for v in low)
    right, bottom = (
        min(-(-int(np.ceil(v)) // 2) * 2, side) for v, side in zip(high, size, strict=True)
    )
    return left, top, right, bottom
