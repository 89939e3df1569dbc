"""Smooth warping of pictures: thin-plate splines on a coarse grid, drawn by Pillow in C."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image

Array = npt.NDArray[Any]
#: numpy, for calls that its stubs type only in part.
untyped: Any = np

FIELD_STEP: Final = 8  # pixels between the nodes of a displacement field
MESH_STEP: Final = 16  # pixels between the corners of the quads that Pillow draws
STIFFNESS: Final = 2e-4  # how far the spline may pass beside its points


def smoothstep(values: Any, low: float, high: float) -> Any:
    """0 up to ``low``, 1 from ``high`` on, and a smooth S between them."""
    part = np.clip((values - low) / (high - low), 0, 1)
    return part * part * (3 - 2 * part)


def sample(image: Array, x: Array, y: Array) -> Array:
    """Bilinear samples of a float image (height, width[, channels]); the edge is continued."""
    height, width = image.shape[:2]
    x, y = np.clip(x, 0, width - 1.001), np.clip(y, 0, height - 1.001)
    left, top = x.astype(np.int32), y.astype(np.int32)
    across, down = (x - left).astype(np.float32), (y - top).astype(np.float32)
    flat = image.reshape(height * width, *image.shape[2:])
    if image.ndim > 2:
        across, down = across[..., None], down[..., None]
    corner = top * width + left
    upper = flat[corner] * (1 - across) + flat[corner + 1] * across
    lower = flat[corner + width] * (1 - across) + flat[corner + width + 1] * across
    result: Array = upper * (1 - down) + lower * down
    return result


def interpolate(at: Array, places: Array, values: Array) -> Array:
    """Linear interpolation of ``values`` at ``places``, read at ``at``; float32."""
    return np.asarray(np.interp(at, places, values), np.float32)


class Similarity:
    """A turn, one scale and a shift in the plane: ``matrix @ point + shift``."""

    def __init__(self, matrix: Array, shift: Array) -> None:
        self.matrix, self.shift = matrix, shift

    @classmethod
    def fit(cls, points: Array, onto: Array) -> Similarity:
        """Least-squares similarity that takes ``points`` (n, 2) onto ``onto`` (n, 2)."""
        centre, target = points.mean(axis=0), onto.mean(axis=0)
        a, b = points - centre, onto - target
        size = (a**2).sum()
        cosine = (a * b).sum() / size
        sine = (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum() / size
        matrix = np.array([[cosine, -sine], [sine, cosine]])
        return cls(matrix, target - matrix @ centre)

    def __call__(self, points: Array) -> Array:
        """Move points (n, 2)."""
        moved: Array = points @ self.matrix.T + self.shift
        return moved

    def inverse(self) -> Similarity:
        """Return the way back."""
        back = np.linalg.inv(self.matrix)
        return Similarity(back, -back @ self.shift)

    def coefficients(self) -> tuple[float, ...]:
        """Return the six numbers that Pillow's AFFINE takes."""
        (a, b), (c, d) = self.matrix
        return (float(a), float(b), float(self.shift[0]), float(c), float(d), float(self.shift[1]))


class DisplacementField:
    """A displacement at every place of a square, from displacements at control points.

    Thin-plate spline (Bookstein 1989, "Principal Warps"). What depends on the places of the
    controls alone is done once; each frame then costs two small matrix products.
    """

    def __init__(self, controls: Array, size: int) -> None:
        places = controls / size
        count = len(places)
        nodes = np.arange(0, size + FIELD_STEP, FIELD_STEP) / size
        self._side = len(nodes)
        grid = np.stack(np.meshgrid(nodes, nodes), axis=-1).reshape(-1, 2)
        system = np.zeros((count + 3, count + 3))
        system[:count, :count] = _kernel(places, places) + STIFFNESS * np.eye(count)
        system[:count, count:] = np.column_stack([np.ones(count), places])
        system[count:, :count] = system[:count, count:].T
        self._to_coefficients = _inverse(system)[:, :count].astype(np.float32)
        self._at_grid = np.column_stack(
            [_kernel(grid.astype(np.float32), places.astype(np.float32)), np.ones(len(grid)), grid]
        ).astype(np.float32)

    def __call__(self, displacements: Array) -> Array:
        """Displacements (nodes, nodes, 2) on a grid of ``FIELD_STEP``, in pixels."""
        coefficients = _product(self._to_coefficients, displacements.astype(np.float32))
        return _product(self._at_grid, coefficients).reshape(self._side, self._side, 2)


def _kernel(points: Array, centres: Array) -> Array:
    """U(r) = r² log r, shape (points, centres)."""
    squared = (points[:, :1] - centres[:, 0]) ** 2
    squared += (points[:, 1:] - centres[:, 1]) ** 2
    kernel: Array = 0.5 * squared * np.log(np.maximum(squared, 1e-12))
    return kernel


# Frames are drawn on several threads, and BLAS starts threads of its own for each call. On two
# cores they wait for each other: inverting a matrix of 120 x 120 took 55 ms instead of 0.3.
# Neither of these functions uses BLAS; they take 5 ms and 0.2 ms.


def _product(matrix: Array, columns: Array) -> Array:
    """``matrix @ columns`` for a few columns."""
    return np.stack([np.einsum("ij,j->i", matrix, column) for column in columns.T], axis=-1)


def _inverse(matrix: Array) -> Array:
    """Inverse by Gauss-Jordan elimination with row pivoting."""
    count = len(matrix)
    work = np.concatenate([matrix, np.eye(count)], axis=1)
    for column in range(count):
        pivot = column + int(np.abs(work[column:, column]).argmax())
        if pivot != column:
            work[[column, pivot]] = work[[pivot, column]]
        work[column] /= work[column, column]
        factors = work[:, column].copy()
        factors[column] = 0
        work -= factors[:, None] * work[column]
    return work[:, count:]


def mesh_nodes(size: int) -> Array:
    """Corners of the quads of a square of ``size`` (a multiple of MESH_STEP), (n, n, 2)."""
    places = np.arange(0, size + 1, MESH_STEP, dtype=np.float32)
    return np.stack(np.meshgrid(places, places), axis=-1)


def warp(image: Image.Image, field: Array, nodes: Array, rows: tuple[float, float]) -> Image.Image:
    """Move the content of a square image by ``field``, between two rows; the rest is unchanged.

    Pillow asks where each place of the result comes from, so the field is inverted: by fixed
    point iteration, which converges where the field does not fold.
    """
    source = nodes
    for _ in range(4):
        moved = sample(field, source[..., 0] / FIELD_STEP, source[..., 1] / FIELD_STEP)
        source = nodes - moved
    cells = len(nodes) - 1
    moving = np.abs(source - nodes).max(axis=-1) > 0.1
    touched = moving[:-1, :-1] | moving[1:, :-1] | moving[:-1, 1:] | moving[1:, 1:]
    first = max(0, int(rows[0]) // MESH_STEP)
    last = min(cells, int(rows[1]) // MESH_STEP + 1)
    touched[:first] = touched[last:] = False
    if not touched.any():
        return image
    down, across = np.flatnonzero(touched.any(axis=1)), np.flatnonzero(touched.any(axis=0))
    top, bottom, left, right = down[0], down[-1] + 1, across[0], across[-1] + 1
    quads = np.concatenate(  # Pillow's order: upper left, lower left, lower right, upper right
        [source[:-1, :-1], source[1:, :-1], source[1:, 1:], source[:-1, 1:]], axis=-1
    ).astype(float)
    step = MESH_STEP
    mesh = [
        (
            (int(i - left) * step, int(j - top) * step, int(i - left + 1) * step,
             int(j - top + 1) * step),
            tuple(quads[j, i].tolist()),
        )
        for j in range(top, bottom)
        for i in range(left, right)
    ]  # fmt: skip
    size = (int(right - left) * step, int(bottom - top) * step)
    piece = image.transform(size, Image.Transform.MESH, mesh, Image.Resampling.BICUBIC)
    result = image.copy()
    result.paste(piece, (int(left) * step, int(top) * step))
    return result
