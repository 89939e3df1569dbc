"""Reads a portrait or a clip into a face model: its pictures and their landmarks.

This is the work that is done once; every video afterwards starts from the stored model.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from avatarkit import interfaces
from avatarkit.content.containers import Foreign, picture_is_cut
from avatarkit.content.decoding import CutOffError, DecodeError, identified
from avatarkit.content.pictures import TooLargeError, read_picture
from avatarkit.errors import MediaRejected
from avatarkit.providers.local.audio import readable
from avatarkit.providers.local.facemesh import Face, FaceMesh, Points, eye_distance
from avatarkit.providers.local.paste import Frame
from avatarkit.providers.local.video import STORED, VideoWriter, frame_rate, read_frames

RATES: Final = (25, 30)  #: frames per second of stored clips and of videos
FPS: Final = RATES[0]  # of portraits
#: Longer and shorter side of the pictures that are kept, in pixels: 1080p.
LARGEST: Final = (1920, 1080)
MAX_CLIP_SECONDS: Final = 8.0  # the clip plays to and fro; more of it only costs memory
MIN_CLIP_SECONDS: Final = 1.0
LONGEST_SIDE: Final = 2048  # larger pictures are shrunk when they are read
MIN_EYE_DISTANCE: Final = 24.0  # pixels
MAX_TURN: Final = 0.38  # see ``interfaces.Face.turn``
MIN_CONFIDENCE: Final = 0.5
SECOND_FACE: Final = 0.6  # a second face this wide, relative to the first, is one too many
HEADROOM: Final = 2.7  # side of the thumbnail in widths of the face
THUMBNAIL: Final = 256  # pixels
SEARCH_SECONDS: Final = 10.0  # a face must show up this soon in a clip
SEARCH_STEP: Final = 5  # frames; one of so many is looked at
MAX_SHOTS: Final = 3  # a clip is tried from the start of each of its first shots
PORTRAIT: Final = "portrait.png"
CLIP: Final = "clip.mp4"
VERSION: Final = 2  # of stored models


#: A cut-out is a portrait whose background is transparent.
Kind = Literal["portrait", "cut-out", "clip"]


@dataclass(frozen=True, slots=True)
class FaceModel:
    """A face ready to speak: whole pictures of ``size``, and landmarks in their pixels."""

    kind: Kind
    size: tuple[int, int]
    fps: int
    confidence: float  #: of the face mesh, 0..1
    landmarks: npt.NDArray[np.float32]  #: (frames, 468, 3)

    def save(self, directory: Path) -> None:
        """Write all but the pictures."""
        facts = {
            "version": VERSION,
            "kind": self.kind,
            "size": self.size,
            "fps": self.fps,
            "confidence": round(self.confidence, 4),
        }
        (directory / "face.json").write_text(json.dumps(facts, indent=1) + "\n")
        np.savez_compressed(directory / "landmarks.npz", landmarks=self.landmarks)

    @classmethod
    def load(cls, directory: Path) -> FaceModel:
        """Read what :func:`train` stored."""
        facts = json.loads((directory / "face.json").read_text())
        if facts["version"] != VERSION:
            raise MediaRejected("this face was stored by another version. Train the avatar again.")
        with np.load(directory / "landmarks.npz", allow_pickle=False) as arrays:
            landmarks = arrays["landmarks"]
        width, height = facts["size"]
        return cls(facts["kind"], (width, height), facts["fps"], facts["confidence"], landmarks)


def train(path: Path, directory: Path, check: Callable[[], None] = lambda: None) -> FaceModel:
    """Read a portrait or a clip and store its face model in ``directory``.

    ``check`` is called between frames; it may raise to stop.
    """
    mesh = FaceMesh()
    picture = _read_still(path)
    if picture is None:
        model = _train_clip(path, directory, mesh, check)
    else:
        model = _train_portrait(picture, path.name, directory, mesh)
    model.save(directory)
    return model


def _train_portrait(read: Still, name: str, directory: Path, mesh: FaceMesh) -> FaceModel:
    picture, alpha = read
    size = _kept_size(picture.size)
    face = _scaled(_only_face(mesh, picture, name), picture.size, size)
    kept = picture.resize(size, Image.Resampling.LANCZOS)
    _save_thumbnail(kept, face, directory)
    if alpha is not None:
        kept.putalpha(alpha.resize(size, Image.Resampling.LANCZOS))
    kept.save(directory / PORTRAIT, compress_level=1)
    kind: Kind = "portrait" if alpha is None else "cut-out"
    return FaceModel(kind, size, FPS, face.confidence, face.points[None].astype(np.float32))


def _train_clip(
    path: Path, directory: Path, mesh: FaceMesh, check: Callable[[], None]
) -> FaceModel:
    """Train from the first shot in which a face can be followed; raises the first's error."""
    problem: MediaRejected | None = None
    fps = frame_rate(path, RATES)
    for shot in range(MAX_SHOTS):
        frames = read_frames(path, fps, LONGEST_SIDE, shot)
        try:
            first = next(frames)
        except StopIteration:
            break
        try:
            return _train_shot(
                chain([first], frames), path.name, directory, mesh, fps=fps, check=check
            )
        except MediaRejected as error:
            problem = problem or error
    raise problem or MediaRejected(f"{path.name} has no picture. Choose a clip that shows a face.")


def _train_shot(
    frames: Iterator[Image.Image],
    name: str,
    directory: Path,
    mesh: FaceMesh,
    *,
    fps: int,
    check: Callable[[], None],
) -> FaceModel:
    image, face = _first_face(frames, name, fps, mesh, check)
    size = _kept_size(image.size)
    tracked: list[Points] = []
    confidence = 1.0
    current: Face | None = face
    _save_thumbnail(image.resize(size), _scaled(face, image.size, size), directory)
    clip = directory / CLIP
    # one thread: each holds frames, and the memory of this process is limited
    with VideoWriter(clip, size=size, fps=fps, audio=False, encoding=STORED, threads=1) as writer:
        while current is not None and current.confidence >= MIN_CONFIDENCE:
            kept = image if image.size == size else image.resize(size, Image.Resampling.BICUBIC)
            writer.write(Frame.from_rgb(np.asarray(kept)))
            tracked.append(_scaled(current, image.size, size).points)
            confidence = min(confidence, current.confidence)
            check()
            following = next(frames, None) if len(tracked) < MAX_CLIP_SECONDS * fps else None
            if following is None:
                break
            image = following
            current = _follow(mesh, image, current)
    if len(tracked) < MIN_CLIP_SECONDS * fps:
        raise MediaRejected(
            f"the face in {name} can only be followed for {len(tracked) / fps:.1f} s; at "
            f"least {MIN_CLIP_SECONDS:.0f} s are needed. Record a clip that looks at the camera."
        )
    landmarks = _smooth_in_time(np.stack(tracked)).astype(np.float32)
    return FaceModel("clip", size, fps, confidence, landmarks)


def find_faces(path: Path) -> list[interfaces.Face]:
    """Return all faces of a picture, the largest first; raises ``MediaRejected``."""
    mesh = FaceMesh()
    still = _read_still(path)
    if still is None:
        raise MediaRejected(f"{path.name} is no picture. Choose one that shows a face.")
    picture = still.picture
    faces: list[interfaces.Face] = []
    for detection in mesh.detect(picture):
        face = mesh.refine(picture, detection)
        if face.confidence >= MIN_CONFIDENCE:
            left, top, right, bottom = (float(side) for side in detection.box)
            faces.append(
                interfaces.Face(
                    confidence=face.confidence,
                    box=(left, top, right, bottom),
                    eyes=eye_distance(face.points),
                    turn=_turn(face.points),
                )
            )
    return sorted(faces, key=lambda face: face.box[0] - face.box[2])


def _first_face(
    frames: Iterator[Image.Image], name: str, fps: int, mesh: FaceMesh, check: Callable[[], None]
) -> tuple[Image.Image, Face]:
    """Return the first picture of a clip that has a usable face, and the face."""
    last: Image.Image | None = None
    number = 0
    for number, frame in enumerate(frames):
        check()
        if number > SEARCH_SECONDS * fps:
            break
        if number % SEARCH_STEP:
            continue
        last = frame
        with suppress(MediaRejected):
            return frame, _only_face(mesh, frame, name)
    looked = f"the first {max(1, round(number / fps))} seconds of {name}"
    if last is not None:
        return last, _only_face(mesh, last, looked)  # raises, and says where it was looked for
    raise MediaRejected(f"{name} has no picture. Choose a clip that shows a face.")


def _follow(mesh: FaceMesh, image: Image.Image, previous: Face) -> Face | None:
    face = mesh.track(image, previous.points)
    return face if face.confidence >= MIN_CONFIDENCE else mesh.find(image)


def _only_face(mesh: FaceMesh, image: Image.Image, name: str) -> Face:
    """Return the one face of a picture, or say why it cannot be used."""
    detections = mesh.detect(image)
    if not detections:
        raise MediaRejected(
            f"no face was found in {name} (confidence below {MIN_CONFIDENCE}). Use a sharp, "
            "bright picture of one person who looks at the camera."
        )
    face = mesh.refine(image, detections[0])
    if face.confidence < MIN_CONFIDENCE:
        raise MediaRejected(
            f"no clear face was found in {name} (confidence {face.confidence:.2f}, at least "
            f"{MIN_CONFIDENCE} is needed). Use a sharp, bright picture of one person who looks "
            "at the camera."
        )
    for other in detections[1:]:
        is_similar = other.width >= SECOND_FACE * detections[0].width
        if is_similar and mesh.refine(image, other).confidence >= MIN_CONFIDENCE:
            raise MediaRejected(
                f"{name} shows more than one face. Crop it to the person who shall speak."
            )
    distance = eye_distance(face.points)
    if distance < MIN_EYE_DISTANCE:
        raise MediaRejected(
            f"the face in {name} is too small ({distance:.0f} pixels between the eyes, at least "
            f"{MIN_EYE_DISTANCE:.0f} are needed). Use a closer or larger picture."
        )
    if _turn(face.points) > MAX_TURN:
        raise MediaRejected(
            f"the face in {name} is turned too far to the side. Use one that looks at the camera."
        )
    return face


def _turn(points: Points) -> float:
    """How far the nose is off the middle of the eyes, in parts of their distance."""
    distance = eye_distance(points)
    eyes = (points[33, :2] + points[263, :2]) / 2
    along = (points[263, :2] - points[33, :2]) / distance
    return float(abs(np.dot(points[1, :2] - eyes, along)) / distance)


class Still(NamedTuple):
    """A picture, RGB, and its opacity where it is not opaque."""

    picture: Image.Image
    alpha: Image.Image | None


def _read_still(path: Path) -> Still | None:
    """Return a picture as it is shown, at most LONGEST_SIDE long; None if it is not a picture."""
    with readable(path):
        found = identified(path)
        if isinstance(found, Foreign):
            raise MediaRejected(
                f"{path.name} is not a recording that can be read (it holds {found.words}). "
                "Give a picture or a clip."
            )
        if found.kind != "image":
            return None
        try:
            picture = read_picture(path, found, LONGEST_SIDE)
        except TooLargeError as error:
            raise MediaRejected(f"{path.name} {error}") from error
        except DecodeError as error:
            with path.open("rb") as file:
                if picture_is_cut(file, path.stat().st_size, found):
                    raise CutOffError from error
            raise MediaRejected(
                f"{path.name} is damaged and cannot be read: {error}. Save it again."
            ) from error
    alpha = Image.frombytes("L", picture.size, picture.alpha) if picture.alpha else None
    return Still(Image.frombytes("RGB", picture.size, picture.rgb), alpha)


def _kept_size(size: tuple[int, int]) -> tuple[int, int]:
    """Even size of the pictures that are kept: the same shape, at most 1080p."""
    scale = min(1.0, LARGEST[0] / max(size), LARGEST[1] / min(size))
    width, height = (max(2, round(side * scale / 2) * 2) for side in size)
    return width, height


def _scaled(face: Face, size: tuple[int, int], to: tuple[int, int]) -> Face:
    """Face of a picture of ``size``, in pixels of the same picture of another size."""
    across, down = to[0] / size[0], to[1] / size[1]
    return Face(face.points * (across, down, across), face.confidence)


def _save_thumbnail(image: Image.Image, face: Face, directory: Path) -> None:
    """Save the square around head and shoulders."""
    lowest, highest = face.points[:, :2].min(axis=0), face.points[:, :2].max(axis=0)
    centre = (lowest + highest) / 2
    side = min(HEADROOM * float(highest[0] - lowest[0]), *image.size)
    left = float(np.clip(centre[0] - side / 2, 0, image.width - side))
    top = float(np.clip(centre[1] - 0.47 * side, 0, image.height - side))
    area = (left, top, left + side, top + side)
    small = image.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS, box=area)
    small.save(directory / "thumbnail.jpg", quality=88)


def _smooth_in_time(landmarks: Points) -> Points:
    """Average each frame with its neighbours: the mesh trembles by a fraction of a pixel."""
    padded = np.pad(landmarks, ((1, 1), (0, 0), (0, 0)), mode="edge")
    smooth: Points = 0.25 * padded[:-2] + 0.5 * padded[1:-1] + 0.25 * padded[2:]
    return smooth
