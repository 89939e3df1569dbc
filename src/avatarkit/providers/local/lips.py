"""Finds the lips of a picture, where they rest, and where they are in a shape of speech."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from avatarkit.providers.local.facemesh import Points, eye_distance
from avatarkit.providers.local.visemes import MouthShape
from avatarkit.providers.local.warp import Array, sample, smoothstep

# Landmarks of FaceMesh, each row from the person's right corner of the mouth to the left one.
UPPER_INNER: Final = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
LOWER_INNER: Final = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
UPPER_OUTER: Final = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291)
LOWER_OUTER: Final = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291)
MIDDLE: Final = 5  # index of the middle in these rows
PHILTRUM: Final = (164, 167, 393, 165, 391)
CHIN: Final = 152
CHEEKS: Final = (205, 425, 50, 280)

# fmt: off
#: How far points below the lips go with the jaw.
JAW: Final = {
    18: 0.95, 83: 0.95, 313: 0.95, 201: 0.95, 421: 0.95, 200: 1.0, 199: 1.0, 175: 1.0,
    194: 0.85, 418: 0.85, 32: 0.9, 262: 0.9, 204: 0.75, 424: 0.75, 211: 0.8, 431: 0.8,
    210: 0.55, 430: 0.55,
    152: 1.0, 148: 1.0, 377: 1.0, 176: 0.95, 400: 0.95, 149: 0.8, 378: 0.8, 150: 0.6, 379: 0.6,
    136: 0.4, 365: 0.4, 172: 0.2, 397: 0.2,
}
#: How far points of the cheeks go with the corner of the mouth on their side.
CORNER: Final = {
    57: 0.8, 287: 0.8, 186: 0.6, 410: 0.6, 216: 0.4, 436: 0.4, 212: 0.5, 432: 0.5,
    206: 0.22, 426: 0.22, 207: 0.22, 427: 0.22, 205: 0.08, 425: 0.08, 214: 0.25, 434: 0.25,
    192: 0.12, 416: 0.12,
}
#: Points that stay.
FIXED: Final = (
    1, 2, 98, 327, 94, 97, 326, 49, 279, 36, 266, 50, 280, 101, 330, 187, 411, 147, 376, 123, 352,
    93, 323, 132, 361, 58, 288, 234, 454,
)
#: Points that speech does not move, by which the frames of a clip are laid upon each other.
STABLE: Final = (33, 133, 362, 263, 168, 6, 197, 195, 5, 4, 1, 2, 98, 327, 127, 356, 234, 454)
# fmt: on

# Lengths below are parts of the mouth's resting width unless they say otherwise.
RESTING_WIDTH: Final = 0.58  # of the eye distance: wider mouths smile
NARROWEST: Final = 0.82  # how far a smile may be drawn in; more would smear the cheeks
WIDEST_OPENING: Final = 0.31
#: Dark skin in good light and light skin in bad light look alike: teeth are shaded half as much.
LIGHT_BY_SKIN: Final = 0.5
UPPER_SHARE: Final = 0.22  # of the opening; the rest is the jaw's


@dataclass(frozen=True)
class Lips:
    """The mouth of one picture in patch pixels; each array has shape (11, 2)."""

    upper: Points  #: inner edge of the upper lip as it is
    lower: Points
    seam: Points  #: where both edges meet when the mouth rests
    outer_upper: Points
    outer_lower: Points
    width: float  #: of the resting mouth
    narrowing: float  #: resting width / width in the picture
    is_open: float  #: 0..1: in the picture
    teeth: float  #: 0..1: the picture shows teeth
    light: float  #: on the face, as its skin tells: 1 for a brightness of 175
    colour: Array  #: of the lips, RGB

    @cached_property
    def centre(self) -> float:
        """Column of the middle of the mouth."""
        return float(self.upper[0, 0] + self.upper[-1, 0]) / 2

    @cached_property
    def profile(self) -> Array:
        """How far each point opens: 0 in the corners, 1 in the middle."""
        across = (self.upper[:, 0] - self.upper[0, 0]) / np.ptp(self.upper[:, 0])
        profile: Array = np.sin(np.pi * np.clip(across, 0, 1)) ** 0.6
        return profile


def read_lips(pixels: Array, points: Points) -> Lips:
    """Find the lips in a square patch around the mouth, and where they rest."""
    limit = len(pixels) - 1
    upper, lower = points[list(UPPER_INNER)], points[list(LOWER_INNER)]
    outer_upper, outer_lower = points[list(UPPER_OUTER)], points[list(LOWER_OUTER)]
    eyes = eye_distance(points)
    width = float(np.linalg.norm(outer_upper[-1] - outer_upper[0]))
    gap = float(np.max(lower[:, 1] - upper[:, 1])) / width
    is_open = float(smoothstep(gap, 0.06, 0.11))  # landmarks of closed lips lie apart a little
    cheeks = np.clip(points[list(CHEEKS)].astype(int), 0, limit)
    skin = float(pixels[cheeks[:, 1], cheeks[:, 0]].mean())
    between = np.clip(np.rint((upper[2:9] + lower[2:9]) / 2).astype(int), 0, limit)
    inside = pixels[between[:, 1], between[:, 0]].min(axis=1)
    teeth = is_open * float(smoothstep(np.median(inside) / max(skin, 1), 0.5, 0.72))
    upper, lower = _snap(pixels[..., 1], upper, lower, is_open, teeth, reach=0.045 * width)
    narrowing = float(np.clip(RESTING_WIDTH * eyes / width, NARROWEST, 1))
    smile = max((1 - narrowing) / (1 - NARROWEST), is_open)
    red = np.rint(np.concatenate([upper + outer_upper, lower + outer_lower])[2:-2] / 2)
    red = np.clip(red.astype(int), 0, limit)
    return Lips(
        upper=upper,
        lower=lower,
        seam=_resting_seam(upper, lower, eyes, narrowing, smile),
        outer_upper=outer_upper,
        outer_lower=outer_lower,
        width=max(width * narrowing, 0.5 * eyes),
        narrowing=narrowing,
        is_open=is_open,
        teeth=teeth,
        light=float(np.clip((skin / 175) ** LIGHT_BY_SKIN, 0.35, 1.15)),
        colour=np.median(pixels[red[:, 1], red[:, 0]], axis=0).astype(np.float32),
    )


def _snap(
    green: Array, upper: Points, lower: Points, is_open: float, teeth: float, *, reach: float
) -> tuple[Points, Points]:
    """Move the inner edges of the lips onto what the picture shows; the corners stay.

    Closed lips: both onto the dark line between them. Teeth: the upper edge onto the step from
    dark lip to bright tooth, which the mesh puts too high. Green separates lips from teeth best.
    The correction is one parabola across the mouth: no single column can pull an edge astray.
    """
    middle = (upper + lower) / 2
    upper = middle + (upper - middle) * is_open
    lower = middle + (lower - middle) * is_open
    offsets = np.linspace(-reach, reach, 2 * int(np.ceil(reach)) + 3)
    cost = 0.35 * (offsets / reach) ** 2
    if is_open < 0.5:
        shift = _parabola(middle[:, 0], offsets[_best(-_profiles(green, middle, offsets), cost)])
        return _shifted(upper, shift), _shifted(lower, shift)
    if teeth > 0.3:
        slopes = np.gradient(_profiles(green, upper, offsets), axis=1)
        shift = _parabola(upper[:, 0], offsets[_best(slopes, cost)])
        across = np.linspace(-0.8, 0.8, 9)  # towards the corners there is shadow, not tooth
        return _shifted(upper, shift * (1 - across**2 / 0.64)), lower
    return upper, lower


def _profiles(green: Array, places: Points, offsets: Array) -> Array:
    """Values above and below each of the nine places between the corners, (9, offsets)."""
    inner = places[1:-1]
    values = sample(green, inner[:, :1] + 0 * offsets, inner[:, 1:] + offsets)
    padded = np.pad(values, ((0, 0), (1, 1)), mode="edge")
    smooth: Array = (padded[:, :-2] + 2 * values + padded[:, 2:]) / 4
    return smooth


def _best(merit: Array, cost: Array) -> Array:
    """Column of the highest merit in each row, with a cost for distance."""
    span = np.ptp(merit, axis=1, keepdims=True) + 1e-6
    best: Array = ((merit - merit.min(axis=1, keepdims=True)) / span - cost).argmax(axis=1)
    return best


def _parabola(columns: Array, offsets: Array) -> Array:
    """Smooth nine offsets by a robust parabola across the mouth."""
    place = (columns[1:-1] - columns.mean()) / np.ptp(columns)
    near = np.abs(offsets - np.median(offsets)) <= np.ptp(offsets) / 3 + 1
    if near.sum() < 4:
        return np.full(len(offsets), float(np.median(offsets)))
    powers = np.column_stack([np.ones(len(place)), place, place**2])
    curve = np.linalg.lstsq(powers[near], offsets[near], rcond=None)[0]
    fitted: Array = powers @ curve
    return np.clip(fitted, offsets.min(), offsets.max())


def _shifted(edge: Points, shift: Array) -> Points:
    moved = edge.copy()
    moved[1:-1, 1] += shift
    return moved


def _resting_seam(
    upper: Points, lower: Points, eyes: float, narrowing: float, smile: float
) -> Points:
    """Return where the lips meet at rest, (11, 2).

    Without a smile that is the middle between both edges. A smile has its corners drawn out and
    up, and an open one has the upper lip drawn up: they come back, to a seam that is nearly
    straight between the corners.
    """
    seam = (upper + lower) / 2
    centre = (upper[0] + upper[-1]) / 2
    across = 2 * (seam[:, 0] - centre[0]) / np.ptp(seam[:, 0])  # -1..1
    meeting = upper[MIDDLE, 1] + 0.45 * (lower[MIDDLE, 1] - upper[MIDDLE, 1])
    drop = np.clip(meeting - 0.012 * eyes - centre[1], 0, 0.07 * eyes) * smile
    slope = (upper[-1, 1] - upper[0, 1]) / 2  # a tilted head
    relaxed = meeting + (centre[1] + drop - meeting) * across**2 + slope * across
    seam[:, 1] += (relaxed - seam[:, 1]) * smile
    seam[:, 0] = centre[0] + (seam[:, 0] - centre[0]) * narrowing
    return seam


def place_lips(lips: Lips, shape: MouthShape) -> tuple[Points, Points]:
    """Return the inner edges of both lips in ``shape``, (11, 2) each."""
    stretch = 1 + (0.10 if shape.spread > 0 else 0.28) * shape.spread - 0.06 * shape.opening
    stretch += 0.09 * shape.smile
    upper = lips.seam.copy()
    upper[:, 0] = lips.centre + (upper[:, 0] - lips.centre) * stretch
    lower = upper.copy()
    rounded = 1 + 0.15 * min(shape.spread, 0)
    gap = WIDEST_OPENING * lips.width * shape.opening * rounded * lips.profile
    lift = 0.04 * lips.width * shape.lift * lips.profile * min(shape.opening / 0.1, 1)
    upper[:, 1] -= UPPER_SHARE * gap + lift
    lower[:, 1] += (1 - UPPER_SHARE) * gap
    tuck = 0.05 * lips.width * shape.tuck * lips.profile
    lower[:, 1] = np.maximum(lower[:, 1] - tuck, upper[:, 1])
    # an open jaw pulls the corners down, a smile draws them up
    corner_drop = 0.16 * gap[MIDDLE] - 0.055 * lips.width * shape.smile
    towards_corner = 1 - lips.profile
    upper[:, 1] += corner_drop * towards_corner
    lower[:, 1] += corner_drop * towards_corner
    return upper, lower


def displace_upper(lips: Lips, upper: Points, corner: Array, shape: MouthShape) -> Array:
    """Displacements of the upper lip's outer edge, inner edge, and what is above it."""
    closing = lips.seam - lips.upper
    opening = upper - lips.seam
    outer = np.column_stack(
        [
            (lips.outer_upper[:, 0] - lips.centre) * _stretch_of(lips.upper, upper),
            (1 - 0.45 * lips.profile) * closing[:, 1] + 0.8 * opening[:, 1],
        ]
    )
    outer[[0, -1]] = corner
    pucker = max(-shape.spread, 0) * 0.035 * lips.width  # rounded lips are fuller
    outer[1:-1, 1] -= pucker
    inner = (upper - lips.upper)[1:-1]
    above = np.tile([0.0, 0.45 * outer[MIDDLE, 1]], (len(PHILTRUM), 1))
    return np.concatenate([outer, inner, above])


def displace_lower(
    lips: Lips, lower: Points, corner: Array, shape: MouthShape, jaw: float
) -> Array:
    """Displacements of the lower lip's outer edge, inner edge, and the jaw."""
    closing = lips.seam - lips.lower
    opening = lower - lips.seam
    outer = np.column_stack(
        [
            (lips.outer_lower[:, 0] - lips.centre) * _stretch_of(lips.lower, lower),
            (1 - 0.4 * lips.profile) * closing[:, 1] + 0.95 * opening[:, 1],
        ]
    )
    outer[[0, -1]] = corner
    outer[1:-1, 1] += max(-shape.spread, 0) * 0.04 * lips.width
    inner = (lower - lips.lower)[1:-1]
    below = np.column_stack([np.zeros(len(JAW)), jaw * np.array(list(JAW.values()))])
    return np.concatenate([outer, inner, below])


def _stretch_of(before: Points, after: Points) -> float:
    """Relative change of the mouth's width."""
    return float(np.ptp(after[:, 0]) / np.ptp(before[:, 0])) - 1
