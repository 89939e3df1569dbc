"""Paints what an open mouth shows; closes lips that a picture shows open."""

from __future__ import annotations

import functools
from typing import Final

import numpy as np
import numpy.typing as npt

from avatarkit.providers.local.lips import Lips
from avatarkit.providers.local.warp import Array, interpolate, opencv, sample, smoothstep, untyped

CAVITY: Final = np.array([100, 46, 44], np.float32)  # RGB in the light of a face of 175
TONGUE: Final = np.array([150, 80, 78], np.float32)
ENAMEL: Final = np.array([234, 222, 206], np.float32)
#: Where the upper teeth of one side end, from the middle of the face, in widths of the mouth.
TEETH: Final = np.array([0.0, 0.105, 0.185, 0.262, 0.325, 0.378, 0.42])
#: Length of each of them below the line where the lips meet, in widths of the mouth.
LENGTHS: Final = np.array([0.050, 0.041, 0.045, 0.035, 0.027, 0.020])

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
    dark = (lips.upper + lips.lower)[[0, 1, 2, -1, -2, -3]] / 2
    away = [((columns - x) / reach) ** 2 + ((rows - y) / reach) ** 2 for x, y in dark]
    near: Array = smoothstep(-functools.reduce(np.minimum, away), -2.0, -0.5)
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


def paint_inside(
    result: Array, source: Array, lips: Lips, edges: tuple[Array, Array], tongue: float
) -> None:
    """Paint, in place, what stands between the lips; ``edges`` are its upper and lower rows.

    ``tongue`` (0..1) is how far its tip is raised to the upper teeth.
    """
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
    inside = _inside(source[area], lips, (rows, columns), (top, bottom), tongue)
    piece = result[area].astype(np.float32)
    piece += (inside - piece) * cover[..., None]
    result[area] = _rounded(piece)


def _inside(
    source: Array,
    lips: Lips,
    places: tuple[Array, Array],
    edges: tuple[Array, Array],
    tongue: float,
) -> Array:
    """Cavity, tongue and teeth in a window of the patch; RGB floats."""
    (rows, columns), (top, bottom) = places, edges
    width = lips.width
    gap = (bottom - top) / width
    aside: Array = np.abs(columns - np.float32(lips.centre)) / np.float32(0.5 * width)
    below_lip, above_lip = (rows - top) / np.float32(width), (bottom - rows) / np.float32(width)
    depth = np.clip(below_lip / 0.25, 0, 1)
    dark = (0.40 + 0.40 * depth) * (1 - 0.35 * aside**2)
    inside = CAVITY * np.float32(lips.light) * dark[..., None]
    _lay(inside, *_tongue(lips, aside, (below_lip, above_lip), gap, tongue))
    if lips.teeth < 1:
        colour, cover = _lower_teeth(lips, aside, above_lip, gap)
        _lay(inside, colour, cover * (1 - lips.teeth))
        colour, cover = _upper_teeth(lips, rows, columns, aside)
        _lay(inside, colour, cover * (1 - lips.teeth))
    if lips.teeth > 0:
        _lay(inside, source, _own_teeth(lips, rows, columns, aside) * lips.teeth)
    # the upper lip throws a shadow, and the corners lie deep
    shadow = 0.45 * np.exp(-np.maximum(below_lip, 0) / 0.022) + 0.15 * aside**3
    inside *= (1 - np.clip(shadow, 0, 0.8))[..., None]
    # a narrow slit shows the lips' own shade, not a black line
    slit = (1 - smoothstep(gap, 0.01, 0.06))[None, :, None]
    painted: Array = inside + (lips.colour * 0.62 - inside) * slit
    return painted


def _lay(inside: Array, colour: Array, cover: Array) -> None:
    """Cover pixels by a colour, in place."""
    inside += (colour - inside) * cover[..., None]


def _tongue(
    lips: Lips, aside: Array, away: tuple[Array, Array], gap: Array, raised: float
) -> tuple[Array, Array]:
    """Return the colour of the tongue, and where it is (0..1)."""
    below_lip, above_lip = away
    height = 0.115 + 0.16 * raised - (0.10 + 0.15 * raised) * aside**2
    shown = smoothstep(height - above_lip, 0, 0.06)
    shown = shown * smoothstep(gap, 0.10 - 0.07 * raised, 0.20 - 0.10 * raised)
    # a furrow in the middle, light on the tip
    furrow = 1 - 0.16 * np.exp(-((aside / 0.07) ** 2)) * (1 - 0.6 * raised)
    tip = 0.72 + 0.34 * np.clip(1 - (height - above_lip) / 0.12, 0, 1)
    shade = (1 - 0.35 * aside**2) * furrow * tip * np.clip(0.55 + below_lip / 0.16, 0, 1)
    return TONGUE * np.float32(lips.light) * shade[..., None], 0.9 * shown


def _lower_teeth(lips: Lips, aside: Array, above_lip: Array, gap: Array) -> tuple[Array, Array]:
    """Return the colour of the tips of the lower teeth, which wide mouths show, and where."""
    gaps = np.abs((aside / 0.125) % 1 - 0.5) * 2
    edge = 0.030 - 0.022 * aside**2 - 0.006 * gaps**4
    shown = smoothstep(edge - above_lip, -0.006, 0.010) * smoothstep(0.62 - aside, 0, 0.25)
    shade = 0.70 * (1 - 0.45 * aside**2) * (1 - 0.20 * gaps**8)
    colour = ENAMEL * np.float32(lips.light) * shade[..., None]
    return colour, 0.75 * shown * smoothstep(gap, 0.13, 0.22)


def _upper_teeth(lips: Lips, rows: Array, columns: Array, aside: Array) -> tuple[Array, Array]:
    """Return the colour of an upper row of teeth, and where it is (0..1).

    It hangs from the skull, so the lips slide over it. Each tooth has its width and length, round
    corners, and a shade that falls off to the sides.
    """
    width = np.float32(lips.width)
    seam = interpolate(columns[0], lips.seam[:, 0], lips.seam[:, 1])
    across = np.abs(columns[0] - lips.centre) / width
    beside: npt.NDArray[np.intp] = untyped.searchsorted(TEETH, across, "right")
    tooth = np.clip(beside - 1, 0, len(LENGTHS) - 1)
    middle = (TEETH[tooth] + TEETH[tooth + 1]) / 2
    phase = np.clip(np.abs(across - middle) / (TEETH[tooth + 1] - middle), 0, 1)  # 1 between two
    length = LENGTHS[tooth] * (1 - 0.22 * phase**4)
    below = (rows - seam) / width
    cover = smoothstep(length - below, -0.006, 0.010) * smoothstep(0.86 - aside, 0, 0.3)
    rounding = (1 - 0.50 * aside**1.5) * (1 - 0.24 * phase**8)
    height = np.clip(1 - below / np.maximum(length, 1e-3), 0, 1.6)  # 0 at the tip
    shade = rounding * (0.98 - 0.10 * height) * (1 - 0.16 * np.exp(-height / 0.12))
    return ENAMEL * np.float32(lips.light) * shade[..., None], 0.92 * cover


def _own_teeth(lips: Lips, rows: Array, columns: Array, aside: Array) -> Array:
    """Mask of the picture's own teeth, 0..1; soft at their lower end."""
    upper = interpolate(columns[0], lips.upper[:, 0], lips.upper[:, 1])
    lower = interpolate(columns[0], lips.lower[:, 0], lips.lower[:, 1])
    end = np.clip((lower - rows) / (0.04 * lips.width), 0, 1)
    start = np.clip((rows - upper) / 1.5 + 0.5, 0, 1)
    shown: Array = end * start * smoothstep(1.05 - aside, 0, 0.25)
    return shown


def _rounded(pixels: Array) -> Array:
    """Round positive floats to bytes."""
    rounded: Array = opencv.convertScaleAbs(pixels)
    return rounded
