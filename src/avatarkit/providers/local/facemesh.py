"""Finds faces and their 468 landmarks, with numpy, Pillow and onnxruntime alone.

The two networks are Google MediaPipe's BlazeFace (short range) and FaceMesh, converted to ONNX;
``models/README.md`` says where they come from.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnxruntime
from PIL import Image

#: Landmarks or other points in pixels, shape (n, 2) or (n, 3); x to the right, y down.
Points = npt.NDArray[np.float64]

MODELS: Final = Path(__file__).parent / "models"
DETECTOR_SIZE: Final = 128
MESH_SIZE: Final = 192
LANDMARKS: Final = 468

#: The part of the picture's longer side that one look of the detector covers. BlazeFace only
#: knows faces that fill a good part of its view, so smaller windows follow if nothing is found.
ZOOM_LEVELS: Final = (1.0, 0.6, 0.33)

RIGHT_EYE_OUTER: Final = 33
LEFT_EYE_OUTER: Final = 263


@dataclass(frozen=True, slots=True)
class Detection:
    """One face as the detector sees it, in pixels."""

    score: float
    box: Points  #: (left, top, right, bottom)
    keypoints: Points  #: (6, 2): right eye, left eye, nose, mouth, right ear, left ear

    @property
    def width(self) -> float:
        """Width of the box."""
        return float(self.box[2] - self.box[0])


@dataclass(frozen=True, slots=True)
class Face:
    """Landmarks of one face and how sure the mesh is that it is one (0..1)."""

    points: Points  #: (468, 3) pixels
    confidence: float


class FaceMesh:
    """The two networks, loaded once. Safe to use from several threads."""

    def __init__(self, threads: int = 1) -> None:
        self._detector = _session("face_detection_short_range.onnx", threads)
        self._mesh = _session("face_landmark.onnx", threads)
        self._anchors = _anchors(DETECTOR_SIZE, strides=(8, 16, 16, 16))

    def detect(self, image: Image.Image, threshold: float = 0.5) -> list[Detection]:
        """Return the faces in an RGB picture, the most prominent first."""
        width, height = image.size
        found: list[Detection] = []
        for zoom in ZOOM_LEVELS:
            side = max(width, height) * zoom
            for centre_x in _window_centres(width, side):
                for centre_y in _window_centres(height, side):
                    corner = np.array([centre_x - side / 2, centre_y - side / 2])
                    found += self._detect_in_window(image, corner, side, threshold)
            if found:
                break
        kept = _drop_overlaps(found)
        return sorted(kept, key=lambda face: -face.width * face.score)

    def track(self, image: Image.Image, previous: Points) -> Face:
        """Return the landmarks near ``previous``, those of the frame before."""
        return self._landmarks(
            image,
            right_eye=previous[RIGHT_EYE_OUTER, :2],
            left_eye=previous[LEFT_EYE_OUTER, :2],
            box=np.concatenate([previous[:, :2].min(axis=0), previous[:, :2].max(axis=0)]),
        )

    def refine(self, image: Image.Image, detection: Detection) -> Face:
        """Return the landmarks of a detected face.

        The second pass looks at the tighter and straighter crop that the first one gives.
        """
        right_eye, left_eye = detection.keypoints[:2]
        first = self._landmarks(image, right_eye, left_eye, detection.box)
        return self.track(image, first.points)

    def find(self, image: Image.Image) -> Face | None:
        """Return the most prominent face of an RGB picture."""
        detections = self.detect(image)
        return self.refine(image, detections[0]) if detections else None

    def _detect_in_window(
        self, image: Image.Image, corner: Points, side: float, threshold: float
    ) -> list[Detection]:
        scale = side / DETECTOR_SIZE
        view = image.transform(
            (DETECTOR_SIZE, DETECTOR_SIZE),
            Image.Transform.AFFINE,
            (scale, 0, float(corner[0]), 0, scale, float(corner[1])),
            Image.Resampling.BILINEAR,
        )
        pixels = np.asarray(view, np.float32)[None] / 127.5 - 1
        regressors, logits = self._detector.run(None, {"input": pixels})
        scores = _sigmoid(logits[0, :, 0])
        found: list[Detection] = []
        for index in np.flatnonzero(scores > threshold):
            # centre, size and six keypoints; all but the size are relative to the anchor
            pairs = regressors[0, index].reshape(-1, 2).astype(np.float64) / DETECTOR_SIZE
            pairs[0] += self._anchors[index]
            pairs[2:] += self._anchors[index]
            centre, size = pairs[0] * side + corner, pairs[1] * side
            found.append(
                Detection(
                    score=float(scores[index]),
                    box=np.concatenate([centre - size / 2, centre + size / 2]),
                    keypoints=pairs[2:] * side + corner,
                )
            )
        return found

    def _landmarks(
        self, image: Image.Image, right_eye: Points, left_eye: Points, box: Points
    ) -> Face:
        """Run the mesh on a square around ``box``, turned so that the eyes are level."""
        angle = np.arctan2(left_eye[1] - right_eye[1], left_eye[0] - right_eye[0])
        scale = 1.5 * max(box[2] - box[0], box[3] - box[1]) / MESH_SIZE
        turn = scale * np.array(
            [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        )  # from crop to picture
        corner = (box[:2] + box[2:]) / 2 - turn @ np.full(2, MESH_SIZE / 2)
        crop = image.transform(
            (MESH_SIZE, MESH_SIZE),
            Image.Transform.AFFINE,
            (turn[0, 0], turn[0, 1], corner[0], turn[1, 0], turn[1, 1], corner[1]),
            Image.Resampling.BILINEAR,
        )
        pixels = np.asarray(crop, np.float32)[None] / 255
        mesh, presence = self._mesh.run(None, {"input": pixels})
        in_crop = mesh.reshape(LANDMARKS, 3).astype(np.float64)
        points = np.empty_like(in_crop)
        points[:, :2] = in_crop[:, :2] @ turn.T + corner
        points[:, 2] = in_crop[:, 2] * scale
        return Face(points, confidence=float(_sigmoid(presence.ravel())[0]))


def eye_distance(points: Points) -> float:
    """Distance of the outer corners of the eyes: the yardstick for everything in a face."""
    return float(np.linalg.norm(points[LEFT_EYE_OUTER, :2] - points[RIGHT_EYE_OUTER, :2]))


def _session(name: str, threads: int) -> Any:
    runtime: Any = onnxruntime
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return runtime.InferenceSession(str(MODELS / name), options, providers=["CPUExecutionProvider"])


def _anchors(size: int, strides: tuple[int, ...]) -> Points:
    """Centres of the detector's anchors in 0..1, shape (n, 2), as MediaPipe's graph lays them.

    Each layer of the network puts two anchors on each cell; layers of equal stride share cells.
    """
    layers: list[Points] = []
    for stride in dict.fromkeys(strides):
        cells = size // stride
        rows, columns = np.mgrid[0:cells, 0:cells]
        centres = np.stack([(columns + 0.5) / cells, (rows + 0.5) / cells], axis=-1)
        layers.append(np.repeat(centres.reshape(-1, 2), 2 * strides.count(stride), axis=0))
    return np.concatenate(layers)


def _window_centres(extent: int, side: float) -> list[float]:
    """Centres of the windows of length ``side`` that cover 0..extent with overlap."""
    if extent <= side:
        return [extent / 2]
    return [float(centre) for centre in np.arange(side / 2, extent - side / 2 + 1, side / 3)]


def _drop_overlaps(detections: list[Detection], limit: float = 0.3) -> list[Detection]:
    """Keep the best of detections that overlap (non-maximum suppression)."""
    kept: list[Detection] = []
    for candidate in sorted(detections, key=lambda face: -face.score):
        if all(_overlap(candidate.box, other.box) < limit for other in kept):
            kept.append(candidate)
    return kept


def _overlap(first: Points, second: Points) -> float:
    """Intersection over union of two boxes."""
    sides = np.minimum(first[2:], second[2:]) - np.maximum(first[:2], second[:2])
    common = float(np.prod(np.maximum(sides, 0)))
    areas = float(np.prod(first[2:] - first[:2]) + np.prod(second[2:] - second[:2]))
    return common / (areas - common + 1e-9)


def _sigmoid(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    logits = np.clip(values.astype(np.float64), -60, 60)
    result: npt.NDArray[np.float64] = 1 / (1 + np.exp(-logits))
    return result
