"""Portraits of people who do not exist, for tests: variants of the demo's drawing.

Each is drawn by code upon the drawing, so no picture is stored and none shows a real person. What
is drawn lies along landmarks of the face.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType

import cv2
import numpy as np
from PIL import Image

from avatarkit.providers.local import render
from avatarkit.providers.local.facemesh import FaceMesh

DEMO = Path(render.__file__).parents[2] / "data" / "demo" / "portrait.jpg"
SIDE = 512

# Landmarks of FaceMesh.
# fmt: off
OUTLINE = (
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152,
    148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)
JAW = (132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361)
LIPS = (
    61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181, 91, 146,
)
EYES = ((33, 133, 159, 145), (263, 362, 386, 374))
#: From the middle of a cheek to the other one, over the upper lip: where a beard ends.
BEARD_TOP = (361, 427, 391, 164, 165, 207, 132)
# fmt: on


@cache
def drawing() -> tuple[np.ndarray, np.ndarray]:
    """The demo's portrait, RGB, and its landmarks."""
    image = Image.open(DEMO).convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    face = FaceMesh().find(image)
    assert face is not None
    return np.asarray(image), face.points[:, :2]


def _mask(points: np.ndarray, blur: float = 1.0) -> np.ndarray:
    mask = np.zeros((SIDE, SIDE), np.float32)
    cv2.fillPoly(mask, [np.rint(points).astype(np.int32)], 1.0, cv2.LINE_AA)
    return cv2.GaussianBlur(mask, (0, 0), blur)[..., None]


def _around(points: np.ndarray, across: float, up: float, blur: float) -> np.ndarray:
    """Mask of the face's outline, drawn out to the sides and above the eyes."""
    outline = points[list(OUTLINE)]
    away = outline - points[168]
    above = away[:, 1:] < 0
    return _mask(points[168] + away * np.where(above, (across, up), (across, 1.0)), blur)


def _eyes(points: np.ndarray) -> np.ndarray:
    return np.clip(sum(_mask(points[list(eye)][[0, 2, 1, 3]], 2) for eye in EYES), 0, 1)


def _skin(pixels: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Where skin shows, by its colour; 0..1."""
    red, blue = (pixels[..., channel].astype(np.float32) for channel in (0, 2))
    warm = np.clip((red - blue - 18) / 25, 0, 1) * np.clip((red - 85) / 40, 0, 1)
    near = _around(points, 1.04, 1.9, 2)[..., 0]
    left, right, chin = points[172, 0], points[397, 0], points[152, 1]
    near[int(chin) - 20 :, int(left) - 40 : int(right) + 40] = 1  # the neck
    return cv2.GaussianBlur(warm * near, (0, 0), 1.2)[..., None]


def _toned(factor: tuple[float, float, float], gamma: float) -> np.ndarray:
    """Another skin: darker or lighter, with its shades kept."""
    pixels, points = drawing()
    toned = 255 * (pixels / 255) ** gamma * np.array(factor)
    skin = _skin(pixels, points) * (1 - _eyes(points))
    return np.clip(pixels + (toned - pixels) * skin, 0, 255)


def _hair(pixels: np.ndarray, where: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    """Short hairs all over a mask (height, width), of about one colour."""
    random = np.random.default_rng(11)
    drawn = pixels.astype(np.float32)
    drawn += (np.array(colour) - drawn) * (0.55 * cv2.GaussianBlur(where, (0, 0), 5))[..., None]
    drawn = np.ascontiguousarray(drawn)
    rows, columns = np.nonzero(where > 0.3)
    for at in random.integers(0, len(rows), len(rows) // 4):
        start = np.array([columns[at], rows[at]], float)
        way = np.array([random.normal(0, 1.5), random.uniform(2, 6)])
        tone = np.clip(np.array(colour) * random.uniform(0.5, 1.7), 0, 255)
        ends = [tuple(int(v * 8) for v in place) for place in (start, start + way)]
        cv2.line(drawn, *ends, tuple(map(float, tone)), 1, cv2.LINE_AA, 3)
    return drawn


def beard() -> np.ndarray:
    """A full beard that leaves the lips free."""
    pixels, points = drawing()
    middle = points[0]
    outline = np.concatenate([points[list(JAW)], points[list(BEARD_TOP)]])
    outline[: len(JAW)] += (outline[: len(JAW)] - middle) * (0.02, 0.10)
    where = _mask(outline, 2)[..., 0]
    lips = points[list(LIPS)]
    where = np.clip(where - _mask(middle + (lips - middle) * (1.04, 1.12), 1.2)[..., 0], 0, 1)
    return _hair(pixels, where, (58, 40, 32))


def glasses(thickness: int = 4) -> np.ndarray:
    """Round glasses with dark frames, a bridge and temples."""
    pixels, points = drawing()
    drawn = pixels.astype(np.float32)
    apart = float(np.linalg.norm(points[33] - points[263]))
    radii = (0.235 * apart, 0.205 * apart)
    middles = [points[list(eye)].mean(axis=0) + np.array([0, 0.03 * apart]) for eye in EYES]
    colour = (30.0, 26.0, 28.0)

    def line(first: np.ndarray, last: np.ndarray) -> None:
        ends = [tuple(int(v * 8) for v in place) for place in (first, last)]
        cv2.line(drawn, *ends, colour, thickness, cv2.LINE_AA, 3)

    for middle, out, temple in zip(middles, (-1, 1), (127, 356), strict=True):
        centre = tuple(int(v * 8) for v in middle)
        axes = tuple(int(v * 8) for v in radii)
        cv2.ellipse(drawn, centre, axes, 0, 0, 360, colour, thickness, cv2.LINE_AA, 3)
        line(middle + np.array([out * radii[0], -4]), points[temple] + (out * 4, -2))
    line(middles[0] + (radii[0], -6), middles[1] + (-radii[0], -6))
    return drawn


def aged() -> np.ndarray:
    """Grey hair, furrows and folds."""
    pixels, points = drawing()
    skin = _skin(pixels, points)
    grey = pixels.mean(axis=2, keepdims=True)
    red, blue = (pixels[..., channel, None].astype(np.float32) for channel in (0, 2))
    hair = (grey < 115) * (red > blue) * (1 - skin) * (1 - _eyes(points))
    hair = cv2.GaussianBlur(hair.astype(np.float32)[..., 0], (0, 0), 1.5)[..., None]
    drawn = pixels + (np.clip(grey * 0.75 + 95, 0, 225) - pixels) * hair
    forehead = points[[104, 69, 108, 151, 337, 299, 333]]
    lines = [forehead, forehead + np.array([0, 12])]
    lines += [points[[129, 203, 206, 216, 212]], points[[358, 423, 426, 436, 432]]]
    for corner, out in ((33, -1), (263, 1)):  # crow's feet
        lines += [points[corner] + [(out * 4, y / 4), (out * 17, y)] for y in (-7, 0, 7)]
    shade = np.zeros(pixels.shape[:2], np.float32)
    for line in lines:
        path = np.rint(line * 8).astype(np.int32)
        cv2.polylines(
            shade, [path], isClosed=False, color=1.0, thickness=2, lineType=cv2.LINE_AA, shift=3
        )
    shade = cv2.GaussianBlur(shade, (0, 0), 1.1)[..., None]
    return np.clip(drawn - (70, 78, 70) * shade, 0, 255)


def child() -> np.ndarray:
    """Proportions of a child: a low face with large eyes under a high forehead."""
    pixels, points = drawing()
    columns, rows = np.meshgrid(
        np.arange(SIDE, dtype=np.float32), np.arange(SIDE, dtype=np.float32)
    )
    x, y = columns.copy(), rows.copy()
    height = float(np.ptp(points[list(OUTLINE), 1]))
    for eye in EYES:  # larger eyes
        middle = points[list(eye)].mean(axis=0)
        away = np.hypot(columns - middle[0], rows - middle[1]) / (0.17 * height)
        grow = 0.24 * np.exp(-(away**2))
        x -= (columns - middle[0]) * grow
        y -= (rows - middle[1]) * grow
    nose, chin = points[4], points[152]
    below = np.clip((rows - nose[1]) / (chin[1] - nose[1]), 0, 4)
    y += 0.10 * height * below * np.exp(1 - below)  # a shorter chin
    return cv2.remap(pixels, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def headscarf() -> np.ndarray:
    """A scarf around the face: only the oval from brow to chin is free."""
    pixels, points = drawing()
    middle = points[list(OUTLINE)].mean(axis=0)
    face = _around(points, 0.99, 1.05, 1.2)
    scarf = _around(points, 1.75, 2.6, 2)
    below = np.array([[middle[0] - 170, middle[1]], [middle[0] + 170, middle[1]],
                      [middle[0] + 230, SIDE], [middle[0] - 230, SIDE]])  # fmt: skip
    scarf = np.maximum(scarf, _mask(below, 3)) * (1 - face)
    rows, columns = np.indices(pixels.shape[:2])
    away = np.hypot(columns - middle[0], 0.8 * (rows - middle[1]))
    folds = 1 + 0.10 * np.sin(away / 7 + 0.02 * columns) - 0.2 * np.exp(-((away - 105) ** 2) / 300)
    cloth = np.array([44, 74, 128]) * folds[..., None]
    return pixels + (np.clip(cloth, 0, 255) - pixels) * scarf


#: Each kind of face by name: RGB pixels (512, 512, 3), as floats or bytes.
FACES: Mapping[str, Callable[[], np.ndarray]] = MappingProxyType(
    {
        "beard": beard,
        "glasses": glasses,
        "thick glasses": partial(glasses, 9),
        "dark skin": lambda: _toned((0.62, 0.56, 0.54), 1.25),
        "light skin": lambda: _toned((1.03, 1.06, 1.08), 0.62),
        "age": aged,
        "child": child,
        "headscarf": headscarf,
    }
)


def portrait(name: str) -> Image.Image:
    """The portrait of a kind of face."""
    return Image.fromarray(np.clip(np.rint(FACES[name]()), 0, 255).astype(np.uint8))
