"""Moves the mouth of a picture: warps lips and jaw around what an open mouth shows.

Everything happens in a square patch around the mouth. The lips are closed and, if they smile,
relaxed first; speech then opens that resting mouth. The upper and the lower side of the lips are
warped by one field each, since between them the picture tears.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final, NamedTuple

import cv2
import numpy as np

from avatarkit.providers.local.facemesh import LEFT_EYE_OUTER, RIGHT_EYE_OUTER, Points, eye_distance
from avatarkit.providers.local.inside import paint_inside, shade_seam, without_inside
from avatarkit.providers.local.lips import (
    CHIN,
    CORNER,
    FIXED,
    JAW,
    LOWER_INNER,
    LOWER_OUTER,
    MIDDLE,
    PHILTRUM,
    STABLE,
    UPPER_INNER,
    UPPER_OUTER,
    Lips,
    displace_lower,
    displace_upper,
    place_lips,
    read_lips,
)
from avatarkit.providers.local.paste import Box, Frame, Piece, even_box
from avatarkit.providers.local.visemes import MouthShape
from avatarkit.providers.local.warp import (
    Array,
    DisplacementField,
    Similarity,
    Warp,
    blend,
    smoothstep,
    untyped,
)

CELL: Final = 16  # the side of a patch is a multiple of it
PLAIN_SIDE: Final = range(96, 641)  # pixels; patches of other sides are scaled
SIDE: Final = (128, 400)  # pixels of a patch that is scaled
STRAIGHT: Final = float(np.radians(6))  # a face that is tilted more has its patch turned
#: Mouth shapes are rounded to so many steps, so that a mouth at rest is drawn once.
SHAPE_STEPS: Final = 500
DRAWN: Final = 8  # shapes that are kept

Fields = tuple[DisplacementField, DisplacementField]
Sides = tuple[Array, Array]


class Place(NamedTuple):
    """Place of a patch in a frame; ``to_box`` is None for a plain cut-out."""

    box: Box
    cover: Array
    to_box: Similarity | None = None

    def __call__(self, patch: Array) -> Piece:
        """Lay a patch there."""
        if self.to_box is not None:
            patch = self.to_box.draw(patch, self.cover.shape[::-1], cv2.INTER_LINEAR)
        return Piece(self.box, patch, self.cover)


class Resting(NamedTuple):
    """The mouth of one frame of a clip, made ready to speak."""

    patch: Array
    sides: Sides
    lips: Lips
    fields: Fields
    place: Place

    @property
    def nbytes(self) -> int:
        """Memory that it takes, in bytes."""
        arrays = {id(array): array.nbytes for array in (self.patch, *self.sides, self.place.cover)}
        return sum(arrays.values()) + sum(field.nbytes for field in self.fields)


class Mouth:
    """Draws the mouth of one face. ``reference`` are landmarks (468, 2+) in pixels of ``size``.

    For a portrait (``moving`` false) the patch is a plain cut-out where that is possible. For a
    clip it is turned and scaled with the head, and laid onto each frame by the points that speech
    does not move.
    """

    def __init__(self, reference: Points, size: tuple[int, int], *, moving: bool) -> None:
        points = reference[:, :2]
        eyes = points[LEFT_EYE_OUTER] - points[RIGHT_EYE_OUTER]
        tilt = float(np.arctan2(eyes[1], eyes[0]))
        corners = points[[UPPER_OUTER[0], UPPER_OUTER[-1]]]
        width = max(float(np.linalg.norm(corners[1] - corners[0])), 0.55 * eye_distance(points))
        half = 1.45 * width
        down = np.array([-np.sin(tilt), np.cos(tilt)])
        centre: Array = corners.mean(axis=0) + 0.22 * width * down
        side = int(2 * half) // CELL * CELL
        corner = np.round((centre - side / 2) / 2) * 2
        inside = corner.min() >= 0 and (corner + side <= size).all()
        self._plain = not moving and abs(tilt) < STRAIGHT and inside and side in PLAIN_SIDE
        if self._plain:
            self._to_patch = Similarity(np.eye(2), -corner)
        else:
            side = int(np.clip(2.2 * half, *SIDE)) // CELL * CELL
            scale = side / (2 * half)
            matrix = scale * np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])
            self._to_patch = Similarity(matrix, side / 2 - matrix @ centre)
        self._side = side
        self._reference = self._to_patch(points)
        self._width = width * float(np.sqrt(np.linalg.det(self._to_patch.matrix)))
        upper, lower = self._build_fields(self._reference)
        self._fields = upper.prepared(), lower.prepared()
        self._warp = Warp((side, side))
        places = np.arange(side, dtype=np.float32)
        self._rows = places[:, None]
        border = np.minimum(places, side - 1 - places)
        feather = smoothstep(border, 1, 0.10 * side).astype(np.float32)
        self._feather = np.minimum(feather[:, None], feather[None])

    def still(self, pixels: Array) -> Callable[[MouthShape], Piece]:
        """Prepare the portrait (RGB) that the reference landmarks belong to.

        The result draws the piece around the mouth in any shape, and pays only for what moves.
        """
        height, width = pixels.shape[:2]
        place = self._placed(self._to_patch, (width, height))
        patch = self._cut(pixels, self._to_patch)
        lips = read_lips(patch, self._reference)
        sides = without_inside(patch, lips)

        @lru_cache(DRAWN)
        def draw(shape: MouthShape) -> Piece:
            return place(self._draw(patch, sides, lips, shape, self._fields))

        return lambda shape: draw(_rounded(shape))

    def rest(self, frame: Frame, landmarks: Points) -> Resting:
        """Read the mouth of a clip's frame: it can then be drawn in any shape, again and again."""
        stable = list(STABLE)
        to_patch = Similarity.fit(landmarks[stable, :2], self._reference[stable])
        place = self._placed(to_patch, frame.size)
        patch = self._cut(frame.rgb(place.box), to_patch.after_shift(np.array(place.box[:2])))
        points = to_patch(landmarks[:, :2])
        lips = read_lips(patch, points)
        return Resting(patch, without_inside(patch, lips), lips, self._fields_at(points), place)

    def render(self, resting: Resting, shape: MouthShape) -> Piece:
        """Return the piece of a clip's frame with the mouth in ``shape``."""
        patch, sides, lips, fields, place = resting
        return place(self._draw(patch, sides, lips, shape, fields))

    def _build_fields(self, points: Points) -> Fields:
        """Lay the control points of both sides; displacements come in the same order."""
        size = (self._side, self._side)
        side = np.linspace(0, self._side, 7)
        frame = [(x, y) for x in side for y in (0, self._side)]
        frame += [(x, y) for y in side[1:-1] for x in (0, self._side)]
        neck = [points[CHIN] + (x * self._width, 0.45 * self._width) for x in (-0.5, 0, 0.5)]
        self._still_controls = len(FIXED) + len(frame)
        around = np.concatenate([points[list(CORNER)], points[list(FIXED)], frame, neck])
        upper = points[list(UPPER_OUTER + UPPER_INNER[1:-1] + PHILTRUM)]
        lower = points[list(LOWER_OUTER + LOWER_INNER[1:-1] + tuple(JAW))]
        return (
            DisplacementField(np.concatenate([upper, around]), size),
            DisplacementField(np.concatenate([lower, around]), size),
        )

    def _fields_at(self, points: Points) -> Fields:
        """Fields for a frame of a clip; new ones only where its mouth has moved by itself."""
        lips = list(UPPER_INNER + LOWER_INNER + UPPER_OUTER + LOWER_OUTER)
        moved = np.abs(points[lips] - self._reference[lips]).max()
        return self._fields if moved < 0.025 * self._width else self._build_fields(points)

    def _cut(self, pixels: Array, to_patch: Similarity) -> Array:
        if self._plain:
            left, top = (-to_patch.shift).astype(int)
            patch: Array = pixels[top : top + self._side, left : left + self._side]
            return np.ascontiguousarray(patch)
        return to_patch.draw(pixels, (self._side, self._side))

    def _placed(self, to_patch: Similarity, size: tuple[int, int]) -> Place:
        """Place of the patch in a frame of ``size``."""
        box = self._box(to_patch, size)
        if self._plain:
            return Place(box, self._feather)
        left, top, right, bottom = box
        to_box = to_patch.after_shift(np.array([left, top])).inverse()
        cover = to_box.draw(self._feather, (right - left, bottom - top), cv2.INTER_LINEAR)
        return Place(box, cover, to_box)

    def _box(self, to_patch: Similarity, size: tuple[int, int]) -> Box:
        """Even box of the patch in a frame of ``size``."""
        square = np.array([[0, 0], [1, 0], [0, 1], [1, 1]]) * float(self._side)
        in_frame = to_patch.inverse()(square)
        return even_box(in_frame.min(axis=0), in_frame.max(axis=0), size)

    def _draw(
        self, patch: Array, sides: Sides, lips: Lips, shape: MouthShape, fields: Fields
    ) -> Array:
        """Return the patch with the mouth in ``shape``."""
        upper, lower = place_lips(lips, shape)
        jaw = 0.85 * max(lower[MIDDLE, 1] - lips.seam[MIDDLE, 1], 0)
        jaw += 0.4 * min(lips.seam[MIDDLE, 1] - lips.lower[MIDDLE, 1], 0)
        corner = upper[[0, -1]] - lips.upper[[0, -1]]
        around = self._displace_around(corner, lips.centre, jaw)
        upper_moves = displace_upper(lips, upper, corner, shape)
        lower_moves = displace_lower(lips, lower, corner, shape, jaw)
        upper_field = fields[0](np.concatenate([upper_moves, around]))
        around[-3:, 1] += 0.35 * jaw  # the neck gives way under the chin
        lower_field = fields[1](np.concatenate([lower_moves, around]))
        fields_now = self._warp.inverse(upper_field), self._warp.inverse(lower_field)
        drawn, edges = self._join(sides, fields_now, lips, (upper, lower))
        paint_inside(drawn, patch, lips, edges, shape.tongue)
        return drawn

    def _displace_around(self, corner: Array, centre: float, jaw: float) -> Array:
        """Displacements of the cheeks, of what stays, and of the neck (the last three)."""
        places = self._reference[list(CORNER), 0]
        follow = np.array(list(CORNER.values()))[:, None]
        side: Array = untyped.where((places < centre)[:, None], corner[0], corner[1])
        cheeks = side * follow
        cheeks[:, 1] += 0.10 * jaw * follow[:, 0]
        return np.concatenate([cheeks, np.zeros((self._still_controls + 3, 2))])

    def _join(
        self, sides: Sides, back: Sides, lips: Lips, inner: tuple[Points, Points]
    ) -> tuple[Array, Sides]:
        """Join both sides, each warped, along the lips' inner edges; return those edges too."""
        upper, lower = inner
        columns = np.arange(self._side)
        top = np.interp(columns, upper[:, 0], upper[:, 1]).astype(np.float32)
        bottom = np.interp(columns, lower[:, 0], lower[:, 1]).astype(np.float32)
        seam = (top + bottom) / 2
        # outside the corners both sides show the same skin: a broad blend hides where they differ
        beyond = np.maximum(np.maximum(upper[0, 0] - columns, columns - upper[-1, 0]), 0)
        reach = 0.016 * lips.width + 0.7 * np.minimum(beyond, 0.25 * lips.width) + 1
        part = np.clip((self._rows - seam) / reach.astype(np.float32) + 0.5, 0, 1)
        mixed = np.flatnonzero(((part > 0) & (part < 1)).any(axis=1))
        first, last = int(mixed[0]), int(mixed[-1]) + 1
        above = self._warp.draw(sides[0], back[0], slice(0, last))
        below = self._warp.draw(sides[1], back[1], slice(first, None))
        band = blend(above[first:], below[: last - first], part[first:last])
        result = np.concatenate([above[:first], band, below[last - first :]])
        if lips.is_open > 0:
            shade_seam(result, lips, upper, seam)
        return result, (top, bottom)


def _rounded(shape: MouthShape) -> MouthShape:
    return MouthShape(*(round(value * SHAPE_STEPS) / SHAPE_STEPS for value in shape))
