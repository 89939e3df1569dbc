"""Smooth warping of pictures: thin-plate splines on a coarse grid, drawn by OpenCV's remap.

A displacement field is an array (rows, columns, 2) of float32 pixels at the nodes of a grid. A
node stands in the middle of each cell of ``STEP`` pixels, as ``cv2.resize`` expects it.
"""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
#: numpy, for calls that its stubs type only in part.
untyped: Any = np
#: OpenCV, whose stubs leave the element types of arrays open.
opencv: Any = cv2

STEP: Final = 8  # pixels between the nodes of a field
STIFFNESS: Final = 2e-4  # how far the spline may pass beside its points
#: Pixels of a picture above which details are so fine that linear interpolation keeps them; it is
#: 3.5 times cheaper than cubic.
FINE: Final = 600_000
INVERSIONS: Final = 4  # steps of the fixed-point iteration that inverts a field

# Frames are drawn on several threads; OpenCV's own would only wait for each other.
cv2.setNumThreads(1)


def smoothstep(values: Any, low: float, high: float) -> Any:
    """0 up to ``low``, 1 from ``high`` on, and a smooth S between them."""
    part = np.minimum(np.maximum((values - low) / (high - low), 0), 1)  # cheaper than clip
    return part * part * (3 - 2 * part)


def sample(image: Array, x: Array, y: Array) -> Array:
    """Bilinear samples of an image (height, width[, channels]) as float32; edges are continued."""
    x, y = np.broadcast_arrays(x, y)
    samples: Array = opencv.remap(
        image.astype(np.float32),
        x.astype(np.float32),
        y.astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return samples


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
        (a, b), (c, d) = self.matrix
        back = np.array([[d, -b], [-c, a]]) / (a * d - b * c)
        return Similarity(back, -back @ self.shift)

    def after_shift(self, shift: Array) -> Similarity:
        """Return the similarity for points that count from ``shift``."""
        return Similarity(self.matrix, self.matrix @ shift + self.shift)

    def draw(
        self, image: Array, size: tuple[int, int], interpolation: int = cv2.INTER_CUBIC
    ) -> Array:
        """Return ``image`` moved by this similarity, as a picture of ``size``; edges continue."""
        matrix = np.column_stack([self.matrix, self.shift])
        colours = image.ndim > 2
        if colours:  # OpenCV is fastest with four channels
            image = opencv.cvtColor(image, cv2.COLOR_RGB2RGBA)
        drawn: Array = opencv.warpAffine(
            image, matrix, size, flags=interpolation, borderMode=cv2.BORDER_REPLICATE
        )
        return opencv.cvtColor(drawn, cv2.COLOR_RGBA2RGB) if colours else drawn


def nodes(size: tuple[int, int]) -> Array:
    """Places of the nodes in a picture of ``size`` (width, height: multiples of STEP), float32."""
    columns, rows = ((np.arange(side // STEP) + 0.5) * STEP - 0.5 for side in size)
    return np.stack(np.meshgrid(columns, rows), axis=-1).astype(np.float32)


class DisplacementField:
    """A displacement at every node of a picture, from displacements at control points.

    Thin-plate spline (Bookstein 1989, "Principal Warps").
    """

    def __init__(self, controls: Array, size: tuple[int, int]) -> None:
        scale = max(size)
        places = (controls / scale).astype(np.float64)
        count = len(places)
        grid = nodes(size)
        self._shape = grid.shape[:2]
        at = (grid.reshape(-1, 2) / scale).astype(np.float32)
        self._system = np.zeros((count + 3, count + 3))
        self._system[:count, :count] = _kernel(places, places) + STIFFNESS * np.eye(count)
        self._system[:count, count:] = np.column_stack([np.ones(count), places])
        self._system[count:, :count] = self._system[:count, count:].T
        self._at_grid = np.column_stack(
            [_kernel(at, places.astype(np.float32)), np.ones(len(at)), at]
        ).astype(np.float32)
        self._matrix: Array | None = None

    @property
    def nbytes(self) -> int:
        """Memory that it takes, in bytes; a prepared one is shared by many pictures."""
        return self._at_grid.nbytes + self._system.nbytes if self._matrix is None else 0

    def prepared(self) -> DisplacementField:
        """Compute what many calls share: each then costs one small matrix product."""
        count = len(self._system) - 3
        inverse: Array = opencv.invert(self._system)[1]
        self._matrix = opencv.gemm(self._at_grid, inverse[:, :count].astype(np.float32), 1, None, 0)
        return self

    def __call__(self, displacements: Array) -> Array:
        """Displacements (rows, columns, channels) at the nodes, in the controls' unit."""
        # OpenCV's products use one thread; BLAS starts its own, which wait for each other here
        if self._matrix is not None:
            field = opencv.gemm(self._matrix, displacements.astype(np.float32), 1, None, 0)
        else:
            padded = np.concatenate([displacements, np.zeros((3, displacements.shape[1]))])
            coefficients: Array = opencv.solve(self._system, padded)[1]
            field = opencv.gemm(self._at_grid, coefficients.astype(np.float32), 1, None, 0)
        return np.asarray(field).reshape(*self._shape, -1)


def _kernel(points: Array, centres: Array) -> Array:
    """U(r) = r² log r, shape (points, centres)."""
    squared = (points[:, :1] - centres[:, 0]) ** 2
    squared += (points[:, 1:] - centres[:, 1]) ** 2
    kernel: Array = 0.5 * squared * np.log(np.maximum(squared, 1e-12))
    return kernel


class Warp:
    """Draws pictures of one ``size`` (width, height: multiples of STEP) displaced by fields."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.nodes = nodes(size)
        self._size = size
        self._places = self.nodes / STEP + (0.5 / STEP - 0.5)
        self._fine = size[0] * size[1] > FINE

    def inverse(self, field: Array) -> Array:
        """Tell where the content at each node comes from: fixed-point inversion of ``field``."""
        back: Array = -field
        for _ in range(INVERSIONS):
            places = self._places + back / STEP
            back = -opencv.remap(
                field, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
            )
        return back

    def draw(self, image: Array, back: Array, rows: slice = slice(None)) -> Array:
        """Return ``rows`` of ``image`` whose content at each node comes from ``back`` beside it."""
        dense = opencv.resize(back, self._size, interpolation=cv2.INTER_LINEAR)
        if rows != slice(None):  # offsets count from the first of the rows
            dense = dense[rows]
            dense[..., 1] += rows.start or 0
        if self._fine and image.ndim > 2:  # OpenCV is fastest with four channels
            image = opencv.cvtColor(image, cv2.COLOR_RGB2RGBA)
            return np.asarray(
                opencv.cvtColor(_moved(image, dense, cv2.INTER_LINEAR), cv2.COLOR_RGBA2RGB)
            )
        return _moved(image, dense, cv2.INTER_CUBIC)


def _moved(image: Array, offsets: Array, interpolation: int) -> Array:
    drawn: Array = opencv.remap(
        image,
        offsets,
        None,
        interpolation | cv2.WARP_RELATIVE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return drawn


def blend(under: Array, over: Array, cover: Array) -> Array:
    """Mix two uint8 pictures: ``cover`` (float32, 0..1) of ``over``."""
    mixed: Array = opencv.blendLinear(over, under, cover, 1 - cover)
    return mixed
