"""Paints what an open mouth shows; closes lips that a picture shows open."""

from __future__ import annotations

from typing import Final

import numpy as np

from avatarkit.providers.local.lips import Lips
from avatarkit.providers.local.warp import Array, interpolate, opencv, sample, smoothstep, untyped

CAVITY: Final = np.array([100, 46, 44], np.float32)  # RGB in the light of a face of 175
TONGUE: Final = np.array([150, 80, 78], np.float32)
ENAMEL: Final = np.array([238, 224, 208], np.float32)

Window = tuple[slice, slice]  #: rows and columns of a patch


def window(size: int, first: tuple[float, float], last: tuple[float, float]) -> Window:
    """Rows and columns of a square patch between two corners (x, y)."""
    (left, top), (right, bottom) = first, last
    return (
        slice(max(int(top), 0), min(int(bottom) + 1, size)),
        slice(max(int(left), 0), min(int(right) + 1, size)),
    )


def _places(area: Window) -> tuple[Array, Array]:
    """Rows as a column and columns as a row, in pixels of the patch."""
    rows, columns = (np.arange(side.start, side.stop, dtype=np.float32) for side in area)
    return rows[:, None], columns[None]


def without_inside(patch: Array, lips: Lips) -> tuple[Array, Array]:
    """Return the patch for the upper and for the lower side of the lips.

    Where the picture's mouth is open, its inside (teeth, dark corners) must not come along
    when a lip moves: each lip's edge is continued over it, to be the lip's own flesh.
    """
    if lips.is_open <= 0:
        return patch, patch
    width = lips.width
    left, right = lips.upper[0, 0], lips.upper[-1, 0]
    area = window(
        len(patch),
        (left - 0.2 * width, lips.upper[:, 1].min() - 0.2 * width),
        (right + 0.2 * width, lips.lower[:, 1].max() + 0.2 * width),
    )
    rows, columns = _places(area)
    healed = _heal_corners(patch[area].astype(np.float32), lips, rows, columns)
    across = smoothstep(columns, left - 2, left + 0.08 * width)
    across = across * smoothstep(-columns, -right - 2, -right + 0.08 * width)
    sides: list[Array] = []
    for edge, inward in ((lips.upper, -1.0), (lips.lower, 1.0)):
        # the edge in the picture is soft: start a little inside the flesh
        limit = interpolate(columns[0], edge[:, 0], edge[:, 1]) + np.float32(inward * 0.02 * width)
        clamped = np.minimum(rows, limit) if inward < 0 else np.maximum(rows, limit)
        smeared = sample(healed, columns - columns[0, 0], clamped - rows[0, 0])
        smeared = opencv.GaussianBlur(smeared, (0, 0), 0.03 * width)
        beyond = smoothstep(-inward * (rows - limit), 0, 0.03 * width)
        part = (lips.is_open * across * beyond)[..., None]
        side = patch.copy()
        side[area] = _rounded(healed + (smeared - healed) * part)
        sides.append(side)
    return sides[0], sides[1]


def _heal_corners(pixels: Array, lips: Lips, rows: Array, columns: Array) -> Array:
    """Lighten the dark corners of a smile."""
    shade, reach = lips.colour * 0.80, 0.06 * lips.width
    near: Array = np.zeros(pixels.shape[:2], np.float32)
    for place in (0, 1, 2, -1, -2, -3):
        x, y = (lips.upper[place] + lips.lower[place]) / 2
        away = ((columns - x) / reach) ** 2 + ((rows - y) / reach) ** 2
        near = np.maximum(near, smoothstep(-away, -2.0, -0.5))
    return pixels + (np.maximum(pixels, shade) - pixels) * (lips.is_open * near)[..., None]


def shade_seam(result: Array, lips: Lips, upper: Array, seam: Array) -> None:
    """Draw, in place, the shadow between closed lips that a picture of open ones lacks."""
    width, left, right = lips.width, upper[0, 0], upper[-1, 0]
    area = window(
        len(result), (left, seam.min() - 0.05 * width), (right, seam.max() + 0.05 * width)
    )
    rows, columns = _places(area)
    away = np.abs(rows - seam[area[1]]) / width
    inner = smoothstep(columns, left, left + 0.12 * width)
    inner = inner * smoothstep(-columns, -right, -right + 0.12 * width)
    line = 0.8 * lips.is_open * inner * np.exp(-((away / 0.014) ** 2))
    piece = result[area].astype(np.float32)
    piece += (np.minimum(piece, lips.colour * 0.6) - piece) * line[..., None]
    result[area] = _rounded(piece)


def paint_inside(result: Array, source: Array, lips: Lips, edges: tuple[Array, Array]) -> None:
    """Paint, in place, what stands between the lips; ``edges`` are its upper and lower rows."""
    top, bottom = edges
    shown = np.flatnonzero(bottom - top > 0.4)
    if not shown.size:
        return
    area = window(
        len(result), (shown[0] - 2, top[shown].min() - 4), (shown[-1] + 2, bottom[shown].max() + 4)
    )
    rows, columns = _places(area)
    top, bottom = top[area[1]], bottom[area[1]]
    edge = max(0.016 * lips.width, 0.8)  # lips are round: their edge is never sharp
    cover = np.clip((rows - top) / edge + 0.3, 0, 1)
    cover *= np.clip((bottom - rows) / edge + 0.3, 0, 1)
    cover *= smoothstep(bottom - top, 0.4, 0.4 + 3.5 * edge)
    inside = _inside(source[area], lips, rows, columns, (top, bottom))
    piece = result[area].astype(np.float32)
    piece += (inside - piece) * cover[..., None]
    result[area] = _rounded(piece)


def _inside(
    source: Array, lips: Lips, rows: Array, columns: Array, edges: tuple[Array, Array]
) -> Array:
    """Cavity, tongue and teeth in a window of the patch; RGB floats."""
    top, bottom = edges
    width, light = lips.width, lips.light
    aside: Array = np.abs(columns - np.float32(lips.centre)) / np.float32(
        0.5 * width
    )  # 1 in the corners
    below_lip = (rows - top) / np.float32(width)
    depth = np.clip(below_lip / 0.25, 0, 1)
    inside = CAVITY * np.float32(light) * ((0.55 + 0.45 * depth) * (1 - 0.35 * aside**2))[..., None]
    above_lip = (bottom - rows) / width
    tongue = smoothstep(0.115 - above_lip - 0.10 * aside**2, 0, 0.07)
    tongue = tongue * smoothstep((bottom - top) / width, 0.10, 0.20) * 0.8
    inside += (TONGUE * light * (1 - 0.3 * aside**2)[..., None] - inside) * tongue[..., None]
    if lips.teeth < 1:
        colour, tooth = _drawn_teeth(lips, rows, columns, aside)
        inside += (colour - inside) * (tooth * (1 - lips.teeth))[..., None]
    if lips.teeth > 0:
        shown = _own_teeth(lips, rows, columns, aside) * lips.teeth
        inside += (source - inside) * shown[..., None]
    shadow = 0.30 * np.exp(-np.maximum(below_lip, 0) / 0.035) + 0.15 * aside**3
    inside *= (1 - np.clip(shadow, 0, 0.8))[..., None]
    # a narrow slit shows the lips' own shade, not a black line
    slit = (1 - smoothstep((bottom - top) / width, 0.01, 0.06))[None, :, None]
    painted: Array = inside + (lips.colour * 0.62 - inside) * slit
    return painted


def _drawn_teeth(lips: Lips, rows: Array, columns: Array, aside: Array) -> tuple[Array, Array]:
    """Return the colour of an upper row of teeth, and where it is (0..1).

    It hangs from the skull, so the lips slide over it.
    """
    width = lips.width
    seam = interpolate(columns[0], lips.seam[:, 0], lips.seam[:, 1])
    phase = np.abs((np.abs(columns - lips.centre) / (0.105 * width)) % 1 - 0.5) * 2
    gaps = phase**6  # 1 between two teeth; the middle of the face lies between two
    edge = seam + width * (0.045 - 0.005 * gaps - 0.03 * aside**2)
    tooth = smoothstep((edge - rows) / width, -0.016, 0.024) * smoothstep(0.86 - aside, 0, 0.4)
    shade = (1 - 0.38 * aside**2) * (1 - 0.06 * gaps)
    return ENAMEL * lips.light * shade[..., None], 0.88 * tooth


def _own_teeth(lips: Lips, rows: Array, columns: Array, aside: Array) -> Array:
    """Mask of the picture's own teeth, 0..1; soft at their lower end."""
    upper = interpolate(columns[0], lips.upper[:, 0], lips.upper[:, 1])
    lower = interpolate(columns[0], lips.lower[:, 0], lips.lower[:, 1])
    end = np.clip((lower - rows) / (0.04 * lips.width), 0, 1)
    start = np.clip((rows - upper) / 1.5 + 0.5, 0, 1)
    shown: Array = end * start * smoothstep(1.05 - aside, 0, 0.25)
    return shown


def _rounded(pixels: Array) -> Array:
    return untyped.clip(pixels + 0.5, 0, 255).astype(np.uint8)
