"""Moves the head of a portrait and the features of its face, before a background that stays.

All movements are small, so that their displacement fields may be added: each is computed once, and
a frame mixes them by weights. A turned head is drawn with parallax: what lies nearer, such as the
nose, moves further than the cheeks, and the outline stays.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from avatarkit.providers.local.facemesh import Points
from avatarkit.providers.local.lips import CHIN
from avatarkit.providers.local.paste import Box, even_box
from avatarkit.providers.local.warp import Array, DisplacementField, Warp, opencv, smoothstep

REACH: Final = (1.25, 2.2)  # of the head's movement, in radii of the face: full, and none
GRID: Final = 16  # pixels; sides of a head's box are multiples of it
#: Displacement of a feature at weight 1, in widths of the face.
UNIT: Final = 0.02
SIDES_OF_FACE: Final = (234, 454)

# Landmarks of FaceMesh, right side and left side.
# fmt: off
BROWS: Final = ((70, 63, 105, 66, 107, 46, 53, 52, 65, 55),
                (300, 293, 334, 296, 336, 276, 283, 282, 295, 285))
INNER_BROWS: Final = ((107, 66, 55, 65), (336, 296, 285, 295))
FOREHEAD: Final = (69, 104, 108, 151, 337, 333, 299)
FOLDS: Final = (225, 224, 223, 222, 221, 445, 444, 443, 442, 441)  # above the lids
CHEEKS: Final = ((50, 205, 187, 207, 101, 117, 118, 36), (280, 425, 411, 427, 330, 346, 347, 266))
LOWER_LIDS: Final = (145, 153, 144, 23, 22, 24, 374, 380, 373, 253, 252, 254)
STILL: Final = (
    33, 133, 159, 158, 157, 160, 161, 163, 154, 263, 362, 386, 385, 384, 387, 388, 390, 381,
    168, 6, 197, 195, 5, 4, 1, 2, 98, 327, 0, 17, 61, 291, 37, 267, 84, 314, 18, 200, 199,
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152,
    148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
)
# fmt: on


class Movement(NamedTuple):
    """Weights of all movements in one frame."""

    roll: float = 0.0  #: radians, around the neck
    right: float = 0.0  #: in widths of the face
    down: float = 0.0  #: in widths of the face
    yaw: float = 0.0  #: radians, to the right of the picture
    pitch: float = 0.0  #: radians, downwards
    brows: float = 0.0  #: raised; about -1..1
    frown: float = 0.0  #: brows drawn together; 0..1
    cheeks: float = 0.0  #: raised, as in a smile; 0..1


class Head:
    """Moves the head in a portrait of ``size``; ``landmarks`` are (468, 3)."""

    def __init__(self, landmarks: Points, size: tuple[int, int]) -> None:
        self.box: Box = _box(landmarks, size)
        left, top, right, bottom = self.box
        self._warp = Warp((right - left, bottom - top))
        moved = landmarks - (left, top, 0)
        self._bases = np.ascontiguousarray(
            np.stack([*_poses(moved, self._warp.nodes), *_features(moved, self._warp.nodes)])
            .reshape(len(Movement._fields), -1)
            .astype(np.float32)
        )

    def field(self, movement: Movement) -> Array:
        """Tell where each node of the box comes from."""
        weights = np.array([movement], np.float32)
        field = opencv.gemm(weights, self._bases, 1, None, 0).reshape(self._warp.nodes.shape)
        return self._warp.inverse(field)

    def move(self, pixels: Array, field: Array) -> Array:
        """Return the pixels of the box, moved."""
        return self._warp.draw(pixels, field)


def _box(landmarks: Points, size: tuple[int, int]) -> Box:
    """Part of a picture in which something moves."""
    centre, radii = _ellipse(landmarks)
    reach = REACH[1] * radii
    left, top, right, bottom = even_box(centre - reach, centre + reach, size)
    return (
        left,
        top,
        left + max((right - left) // GRID, 1) * GRID,
        top + max((bottom - top) // GRID, 1) * GRID,
    )


def _ellipse(landmarks: Points) -> tuple[Array, Array]:
    """Centre and radii of the face, with its forehead."""
    points = landmarks[:, :2]
    low, high = points.min(axis=0), points.max(axis=0)
    width, height = high - low
    return (low + high) / 2 - (0, 0.12 * height), np.array([0.5 * width, 0.62 * height])


def _distance(landmarks: Points, grid: Array) -> Array:
    """Distance from the middle of the face in its radii."""
    centre, radii = _ellipse(landmarks)
    return np.asarray(np.linalg.norm((grid - centre) / radii, axis=-1))


def _fade(grid: Array) -> Array:
    """0 at the border of the box and 1 well inside."""
    first, last = grid[0, 0], grid[-1, -1]
    border = np.minimum(grid - first, last - grid) / (0.07 * (last - first))
    return np.asarray(smoothstep(border.min(axis=-1), 0, 1))


def _poses(landmarks: Points, grid: Array) -> list[Array]:
    """Fields of the head as a whole: roll, right, down, yaw, pitch."""
    width, height = np.ptp(landmarks[:, :2], axis=0)
    fade = _fade(grid)
    follows = ((1 - smoothstep(_distance(landmarks, grid), *REACH)) * fade)[..., None]
    pivot = landmarks[CHIN, :2] + (0, 0.25 * height)
    away = grid - pivot
    turned = np.stack([-away[..., 1], away[..., 0]], axis=-1)
    depth = (_depth(landmarks, grid) * fade)[..., None]
    right, down = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    return [
        turned * follows,
        follows * width * right,
        follows * width * down,
        depth * right,
        depth * down,
    ]


def _depth(landmarks: Points, grid: Array) -> Array:
    """Distance of the face from the plane of its outline, towards the camera, in pixels."""
    centre, radii = _ellipse(landmarks)
    chosen = landmarks[::5]
    towards = np.maximum(landmarks[list(SIDES_OF_FACE), 2].mean() - chosen[:, 2], 0)
    around = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    ring = np.column_stack([np.cos(around), np.sin(around)])
    outside = np.concatenate([centre + scale * radii * ring for scale in (1.35, 1.9)])
    field = DisplacementField(np.concatenate([chosen[:, :2], outside]), _size(grid))
    values = np.concatenate([towards, np.zeros(len(outside))])[:, None]
    depth = np.maximum(field(values)[..., 0], 0)
    return np.asarray(depth * (1 - smoothstep(_distance(landmarks, grid), 1.15, 1.45)))


def _features(landmarks: Points, grid: Array) -> list[Array]:
    """Fields of the features of the face: brows, frown, cheeks."""
    points = landmarks[:, :2]
    unit = UNIT * float(np.ptp(points[:, 0]))
    numbers = sorted({*_flat(BROWS), *FOREHEAD, *FOLDS, *_flat(CHEEKS), *LOWER_LIDS, *STILL})
    place = {number: index for index, number in enumerate(numbers)}
    moves = np.zeros((len(numbers), 3, 2))

    def move(feature: int, landmark: int, right: float, down: float) -> None:
        moves[place[landmark], feature] = right * unit, down * unit

    for inwards, brow, inner, cheek in zip((1, -1), BROWS, INNER_BROWS, CHEEKS, strict=True):
        for landmark in brow:
            move(0, landmark, 0, -1)
            move(1, landmark, 0.1 * inwards, 0.15)
        for landmark in inner:
            move(1, landmark, 0.6 * inwards, 0.7)
        for landmark in cheek:
            move(2, landmark, -0.25 * inwards, -0.9)
    for landmark in FOREHEAD:
        move(0, landmark, 0, -0.55)
    for landmark in FOLDS:
        move(0, landmark, 0, -0.5)
    for landmark in LOWER_LIDS:
        move(2, landmark, 0, -0.35)
    centre, radii = _ellipse(landmarks)
    around = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    ring = centre + 1.5 * radii * np.column_stack([np.cos(around), np.sin(around)])
    field = DisplacementField(np.concatenate([points[numbers], ring]), _size(grid))
    values = np.concatenate([moves.reshape(len(numbers), -1), np.zeros((len(ring), 6))])
    kept = _fade(grid) * (1 - smoothstep(_distance(landmarks, grid), 1.2, 1.5))
    fields = field(values).reshape(*grid.shape[:2], 3, 2) * kept[..., None, None]
    return [fields[..., feature, :] for feature in range(3)]


def _flat(rows: tuple[tuple[int, ...], ...]) -> tuple[int, ...]:
    return tuple(number for row in rows for number in row)


def _size(grid: Array) -> tuple[int, int]:
    """Width and height of the picture of a grid of nodes."""
    step = int(grid[0, 1, 0] - grid[0, 0, 0])
    return grid.shape[1] * step, grid.shape[0] * step
