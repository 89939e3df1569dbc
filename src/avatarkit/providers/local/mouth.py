"""Moves the mouth of a picture: warps lips and jaw, and paints what an open mouth shows.

Everything happens in a square patch around the mouth. The lips are closed and, if they smile,
relaxed first; speech then opens that resting mouth. The upper and the lower side of the lips are
warped by one field each, since between them the picture tears.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image, ImageFilter

from avatarkit.providers.local.facemesh import LEFT_EYE_OUTER, RIGHT_EYE_OUTER, Points, eye_distance
from avatarkit.providers.local.visemes import MouthShape
from avatarkit.providers.local.warp import (
    Array,
    DisplacementField,
    Similarity,
    interpolate,
    mesh_nodes,
    sample,
    smoothstep,
    untyped,
    warp,
)

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
UPPER_SHARE: Final = 0.22  # of the opening; the rest is the jaw's
CAVITY: Final = np.array([100, 46, 44], np.float32)  # RGB in the light of a face of 175
TONGUE: Final = np.array([150, 80, 78], np.float32)
ENAMEL: Final = np.array([238, 224, 208], np.float32)


@dataclass(frozen=True, slots=True)
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
    light: float  #: brightness of the skin, 1 for a face of 175
    colour: Array  #: of the lips, RGB

    @property
    def centre(self) -> float:
        """Column of the middle of the mouth."""
        return float(self.upper[0, 0] + self.upper[-1, 0]) / 2

    @property
    def profile(self) -> Array:
        """How far each point opens: 0 in the corners, 1 in the middle."""
        across = (self.upper[:, 0] - self.upper[0, 0]) / np.ptp(self.upper[:, 0])
        profile: Array = np.sin(np.pi * np.clip(across, 0, 1)) ** 0.6
        return profile


class Mouth:
    """Draws the mouth of one face. ``reference`` are landmarks (468, 2+) in frame pixels.

    For a portrait (``moving`` false) the patch is a plain cut-out. For a clip it is turned and
    scaled with the head, and laid onto each frame by the points that speech does not move.
    """

    def __init__(self, reference: Points, *, moving: bool) -> None:
        points = reference[:, :2]
        eyes = points[LEFT_EYE_OUTER] - points[RIGHT_EYE_OUTER]
        tilt = float(np.arctan2(eyes[1], eyes[0]))
        corners = points[[UPPER_OUTER[0], UPPER_OUTER[-1]]]
        width = max(float(np.linalg.norm(corners[1] - corners[0])), 0.55 * eye_distance(points))
        half = 1.45 * width
        down = np.array([-np.sin(tilt), np.cos(tilt)])
        centre: Array = corners.mean(axis=0) + 0.22 * width * down
        self._plain = not moving and abs(tilt) < np.radians(6)
        if self._plain:
            self._size = int(2 * half) // 16 * 16
            self._to_patch = Similarity(np.eye(2), -np.round(centre - self._size / 2))
        else:
            self._size = int(np.clip(2.2 * half, 128, 320)) // 16 * 16
            scale = self._size / (2 * half)
            matrix = scale * np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])
            self._to_patch = Similarity(matrix, self._size / 2 - matrix @ centre)
        self._reference = self._to_patch(points)
        self._width = width * float(np.sqrt(np.linalg.det(self._to_patch.matrix)))
        self._fields = self._build_fields(self._reference)
        self._nodes = mesh_nodes(self._size)
        rows, columns = np.mgrid[0 : self._size, 0 : self._size].astype(np.float32)
        self._rows, self._columns = rows, columns
        border = np.minimum.reduce([columns, self._size - 1 - columns, rows, self._size - 1 - rows])
        feather = smoothstep(border, 1, 0.10 * self._size) * 255
        self._feather = Image.fromarray(feather.astype(np.uint8))

    def still(self, frame: Image.Image) -> Callable[[MouthShape], Image.Image]:
        """Prepare the portrait that the reference landmarks belong to.

        The result draws it with the mouth in any shape, and pays only for what moves.
        """
        patch = self._cut(frame, self._to_patch)
        lips = self._read_lips(patch, self._reference)
        sides = self._without_inside(patch, lips)

        def draw(shape: MouthShape) -> Image.Image:
            drawn = self._draw(patch, sides, lips, shape, self._fields)
            return self._paste(frame, drawn, self._to_patch)

        return draw

    def render(self, frame: Image.Image, landmarks: Points, shape: MouthShape) -> Image.Image:
        """Return a frame of a clip with the mouth in ``shape``."""
        stable = list(STABLE)
        to_patch = Similarity.fit(landmarks[stable, :2], self._reference[stable])
        patch = self._cut(frame, to_patch)
        points = to_patch(landmarks[:, :2])
        lips = self._read_lips(patch, points)
        sides = self._without_inside(patch, lips)
        drawn = self._draw(patch, sides, lips, shape, self._fields_at(points))
        return self._paste(frame, drawn, to_patch)

    def _build_fields(self, points: Points) -> tuple[DisplacementField, DisplacementField]:
        """Lay the control points of both sides; displacements come in the same order."""
        size = self._size
        side = np.linspace(0, size, 7)
        frame = [(x, y) for x in side for y in (0, size)]
        frame += [(x, y) for y in side[1:-1] for x in (0, size)]
        neck = [points[CHIN] + (x * self._width, 0.45 * self._width) for x in (-0.5, 0, 0.5)]
        self._still_controls = len(FIXED) + len(frame)
        around = np.concatenate([points[list(CORNER)], points[list(FIXED)], frame, neck])
        upper = points[list(UPPER_OUTER + UPPER_INNER[1:-1] + PHILTRUM)]
        lower = points[list(LOWER_OUTER + LOWER_INNER[1:-1] + tuple(JAW))]
        return (
            DisplacementField(np.concatenate([upper, around]), size),
            DisplacementField(np.concatenate([lower, around]), size),
        )

    def _fields_at(self, points: Points) -> tuple[DisplacementField, DisplacementField]:
        """Fields for a frame of a clip; new ones only where its mouth has moved by itself."""
        lips = list(UPPER_INNER + LOWER_INNER + UPPER_OUTER + LOWER_OUTER)
        moved = np.abs(points[lips] - self._reference[lips]).max()
        return self._fields if moved < 0.025 * self._width else self._build_fields(points)

    def _cut(self, frame: Image.Image, to_patch: Similarity) -> Image.Image:
        size = (self._size, self._size)
        if self._plain:
            left, top = (-to_patch.shift).astype(int)
            return frame.crop((left, top, left + self._size, top + self._size))
        to_frame = to_patch.inverse().coefficients()
        return frame.transform(size, Image.Transform.AFFINE, to_frame, Image.Resampling.BICUBIC)

    def _paste(self, frame: Image.Image, patch: Image.Image, to_patch: Similarity) -> Image.Image:
        result = frame.copy()
        if self._plain:
            left, top = (-to_patch.shift).astype(int)
            result.paste(patch, (left, top), self._feather)
            return result
        square = np.array([[0, 0], [1, 0], [0, 1], [1, 1]]) * float(self._size)
        in_frame = to_patch.inverse()(square)
        left, top = np.maximum(np.floor(in_frame.min(axis=0)), 0).astype(int)
        right, bottom = np.minimum(np.ceil(in_frame.max(axis=0)), frame.size).astype(int)
        moved = Similarity(to_patch.matrix, to_patch(np.array([[left, top]], float))[0])
        drawn, mask = (
            image.transform(
                (right - left, bottom - top),
                Image.Transform.AFFINE,
                moved.coefficients(),
                Image.Resampling.BICUBIC,
            )
            for image in (patch, self._feather)
        )
        result.paste(drawn, (left, top), mask)
        return result

    def _read_lips(self, patch: Image.Image, points: Points) -> Lips:
        """Find the lips in the picture and where they rest."""
        pixels = np.asarray(patch, np.float32)
        limit = self._size - 1
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
            light=float(np.clip(skin / 175, 0.35, 1.15)),
            colour=np.median(pixels[red[:, 1], red[:, 0]], axis=0),
        )

    def _draw(
        self,
        patch: Image.Image,
        sides: tuple[Image.Image, Image.Image],
        lips: Lips,
        shape: MouthShape,
        fields: tuple[DisplacementField, DisplacementField],
    ) -> Image.Image:
        """Return the patch with the mouth in ``shape``."""
        upper, lower = _place_lips(lips, shape)
        jaw = 0.85 * max(lower[MIDDLE, 1] - lips.seam[MIDDLE, 1], 0)
        jaw += 0.4 * min(lips.seam[MIDDLE, 1] - lips.lower[MIDDLE, 1], 0)
        corner = upper[[0, -1]] - lips.upper[[0, -1]]
        around = self._displace_around(corner, lips.centre, jaw)
        upper_moves = _displace_upper(lips, upper, corner, shape)
        lower_moves = _displace_lower(lips, lower, corner, shape, jaw)
        upper_field = fields[0](np.concatenate([upper_moves, around]))
        around[-3:, 1] += 0.35 * jaw  # the neck gives way under the chin
        lower_field = fields[1](np.concatenate([lower_moves, around]))
        top = min(lips.upper[:, 1].min(), upper[:, 1].min()) - 0.15 * lips.width
        bottom = max(lips.lower[:, 1].max(), lower[:, 1].max()) + 0.15 * lips.width
        above = np.asarray(warp(sides[0], upper_field, self._nodes, (0, bottom)), np.float32)
        below = np.asarray(warp(sides[1], lower_field, self._nodes, (top, self._size)), np.float32)
        inner = (upper, lower)
        return self._compose(np.asarray(patch, np.float32), (above, below), lips, inner)

    def _displace_around(self, corner: Array, centre: float, jaw: float) -> Array:
        """Displacements of the cheeks, of what stays, and of the neck (the last three)."""
        places = self._reference[list(CORNER), 0]
        follow = np.array(list(CORNER.values()))[:, None]
        side: Array = untyped.where((places < centre)[:, None], corner[0], corner[1])
        cheeks = side * follow
        cheeks[:, 1] += 0.10 * jaw * follow[:, 0]
        return np.concatenate([cheeks, np.zeros((self._still_controls + 3, 2))])

    def _compose(
        self, source: Array, sides: tuple[Array, Array], lips: Lips, inner: tuple[Points, Points]
    ) -> Image.Image:
        """Join the two sides along the lips' inner edges and paint the inside between them."""
        (above, below), (upper, lower) = sides, inner
        columns = np.arange(self._size)
        top = np.interp(columns, upper[:, 0], upper[:, 1]).astype(np.float32)
        bottom = np.interp(columns, lower[:, 0], lower[:, 1]).astype(np.float32)
        gap = bottom - top
        # outside the corners both sides show the same skin: a broad blend hides where they differ
        beyond = np.maximum(np.maximum(upper[0, 0] - columns, columns - upper[-1, 0]), 0)
        blend = (0.008 * lips.width + 0.35 * np.minimum(beyond, 0.25 * lips.width)) + 0.5
        part = np.clip((self._rows - (top + bottom) / 2) / (2 * blend) + 0.5, 0, 1)[..., None]
        result = above + (below - above) * part
        if lips.is_open > 0:
            self._shade_seam(result, lips, upper, (top + bottom) / 2)
        if gap.max() > 0.5:
            window = self._window(
                (upper[0, 0] - 4, top.min() - 4), (upper[-1, 0] + 4, bottom.max() + 4)
            )
            rows = self._rows[window]
            edge = max(0.016 * lips.width, 0.8)  # lips are round: their edge is never sharp
            cover = np.clip((rows - top[window[1]]) / edge + 0.3, 0, 1)
            cover = cover * np.clip((bottom[window[1]] - rows) / edge + 0.3, 0, 1)
            cover = cover * smoothstep(gap[window[1]], 0.4, 0.4 + 3.5 * edge)
            inside = self._paint_inside(source, lips, top, bottom, window)
            result[window] += (inside - result[window]) * cover[..., None]
        return _picture(result)

    def _without_inside(self, patch: Image.Image, lips: Lips) -> tuple[Image.Image, Image.Image]:
        """Return the patch for the upper and for the lower side of the lips.

        Where the picture's mouth is open, its inside (teeth, dark corners) must not come along
        when a lip moves: each lip's edge is continued over it, to be the lip's own flesh.
        """
        if lips.is_open <= 0:
            return patch, patch
        width = lips.width
        left, right = lips.upper[0, 0], lips.upper[-1, 0]
        window = self._window(
            (left - 0.2 * width, lips.upper[:, 1].min() - 0.2 * width),
            (right + 0.2 * width, lips.lower[:, 1].max() + 0.2 * width),
        )
        columns, rows = self._columns[window], self._rows[window]
        healed = np.asarray(patch, np.float32)[window].copy()
        shade = lips.colour * 0.80
        for corner, neighbours in ((0, (1, 2)), (-1, (-2, -3))):  # dark corners of a smile
            for place in (corner, *neighbours):
                x, y = (lips.upper[place] + lips.lower[place]) / 2
                away = ((columns - x) / (0.06 * width)) ** 2 + ((rows - y) / (0.06 * width)) ** 2
                near = lips.is_open * smoothstep(-away, -2.0, -0.5)[..., None]
                healed += (np.maximum(healed, shade) - healed) * near
        across = smoothstep(columns, left - 2, left + 0.08 * width)
        across = across * smoothstep(-columns, -right - 2, -right + 0.08 * width)
        sides: list[Image.Image] = []
        for edge, inward in ((lips.upper, -1.0), (lips.lower, 1.0)):
            # the edge in the picture is soft: start a little inside the flesh
            limit = interpolate(columns[0], edge[:, 0], edge[:, 1]) + np.float32(
                inward * 0.02 * width
            )
            clamped = np.minimum(rows, limit) if inward < 0 else np.maximum(rows, limit)
            smeared = _picture(sample(healed, columns - columns[0, 0], clamped - rows[0, 0]))
            smeared = smeared.filter(ImageFilter.GaussianBlur(0.03 * width))
            beyond = smoothstep(-inward * (rows - limit), 0, 0.03 * width)
            part = (lips.is_open * across * beyond)[..., None]
            side = patch.copy()
            mixed = healed + (np.asarray(smeared, np.float32) - healed) * part
            side.paste(_picture(mixed), (int(columns[0, 0]), int(rows[0, 0])))
            sides.append(side)
        return sides[0], sides[1]

    def _window(self, first: tuple[float, float], last: tuple[float, float]) -> tuple[slice, slice]:
        """Rows and columns of the patch between two corners (x, y)."""
        (left, top), (right, bottom) = first, last
        return (
            slice(max(int(top), 0), min(int(bottom) + 1, self._size)),
            slice(max(int(left), 0), min(int(right) + 1, self._size)),
        )

    def _shade_seam(self, result: Array, lips: Lips, upper: Array, seam: Array) -> None:
        """Draw, in place, the shadow between closed lips that a picture of open ones lacks."""
        width, left, right = lips.width, upper[0, 0], upper[-1, 0]
        window = self._window((left, seam.min() - 0.1 * width), (right, seam.max() + 0.1 * width))
        rows, columns = self._rows[window], self._columns[window]
        away = np.abs(rows - seam[window[1]]) / width
        inner = smoothstep(columns, left, left + 0.12 * width)
        inner = inner * smoothstep(-columns, -right, -right + 0.12 * width)
        line = 0.8 * lips.is_open * inner * np.exp(-((away / 0.014) ** 2))
        piece = result[window]
        piece += (np.minimum(piece, lips.colour * 0.6) - piece) * line[..., None]

    def _paint_inside(
        self, source: Array, lips: Lips, top: Array, bottom: Array, window: tuple[slice, slice]
    ) -> Array:
        """Cavity, tongue and teeth in a window of the patch; RGB floats."""
        rows, columns = self._rows[window], self._columns[window]
        top, bottom = top[window[1]], bottom[window[1]]
        width, light = lips.width, lips.light
        aside = np.abs(columns - lips.centre) / (0.5 * width)  # 1 in the corners
        below_lip = (rows - top) / width
        depth = np.clip(below_lip / 0.25, 0, 1)
        inside = CAVITY * light * ((0.55 + 0.45 * depth) * (1 - 0.35 * aside**2))[..., None]
        above_lip = (bottom - rows) / width
        tongue = smoothstep(0.115 - above_lip - 0.10 * aside**2, 0, 0.07)
        tongue = tongue * smoothstep((bottom - top) / width, 0.10, 0.20) * 0.8
        inside = (
            inside
            + (TONGUE * light * (1 - 0.3 * aside**2)[..., None] - inside) * (tongue[..., None])
        )
        if lips.teeth < 1:
            colour, tooth = _drawn_teeth(lips, rows, columns, aside)
            inside = inside + (colour - inside) * (tooth * (1 - lips.teeth))[..., None]
        if lips.teeth > 0:
            shown = _own_teeth(lips, rows, columns, aside) * lips.teeth
            inside = inside + (source[window] - inside) * shown[..., None]
        shadow = 0.30 * np.exp(-np.maximum(below_lip, 0) / 0.035) + 0.15 * aside**3
        inside = inside * (1 - np.clip(shadow, 0, 0.8))[..., None]
        # a narrow slit shows the lips' own shade, not a black line
        slit = (1 - smoothstep((bottom - top) / width, 0.01, 0.06))[None, :, None]
        painted: Array = inside + (lips.colour * 0.62 - inside) * slit
        return painted


def _picture(pixels: Array) -> Image.Image:
    return Image.fromarray(np.clip(pixels + 0.5, 0, 255).astype(np.uint8))


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
    curve = untyped.polyfit(place[near], offsets[near], 2)
    fitted: Array = untyped.polyval(curve, place)
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


def _place_lips(lips: Lips, shape: MouthShape) -> tuple[Points, Points]:
    """Return the inner edges of both lips in ``shape``, (11, 2) each."""
    stretch = 1 + (0.10 if shape.spread > 0 else 0.28) * shape.spread - 0.06 * shape.opening
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
    corner_drop = 0.16 * gap[MIDDLE]  # an open jaw pulls the corners down
    towards_corner = 1 - lips.profile
    upper[:, 1] += corner_drop * towards_corner
    lower[:, 1] += corner_drop * towards_corner
    return upper, lower


def _displace_upper(lips: Lips, upper: Points, corner: Array, shape: MouthShape) -> Array:
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


def _displace_lower(
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
