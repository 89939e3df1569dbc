"""Jobs of the engine that read a person's recordings, in the sandbox: no such file is decoded here.

Each has more time than the probe of a file, since it also runs the networks. Rendering stays in
the provider's own process: it reads only what these jobs wrote.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from ...content import sandbox
from ...errors import AvatarKitError, MediaRejected
from ...interfaces import Face
from . import load_engine


@contextmanager
def _explained(*paths: Path) -> Generator[None, None, None]:
    """Turn a failure of the engine on its input into ``MediaRejected``, with the engine's reason.

    The engine is deterministic: the same recording fails in the same way at each try, so the first
    one is final. Full disks and missing packages are no fault of the recording.
    """
    try:
        yield
    except (AvatarKitError, OSError, MemoryError, ImportError):
        raise
    except Exception as error:
        names = ", ".join(path.name for path in paths)
        raise MediaRejected(
            f"the engine cannot use {names} ({type(error).__name__}: {error}). Export it again, or "
            "give another recording."
        ) from error


_engine = sandbox.job(
    pool=sandbox.ENGINE,
    limits=sandbox.Limits(memory=448 << 20, cpu=240.0, wall=480.0),
    prepare=load_engine,
)


@_engine
def train_voice(paths: list[Path], folder: Path) -> None:
    """Measure a voice in recordings; its profile is stored in ``folder``."""
    with _explained(*paths):
        load_engine().train_voice(paths, folder)


@_engine
def train_face(path: Path, folder: Path) -> None:
    """Read a portrait or a clip; the model of the face is stored in ``folder``."""
    with _explained(path):
        load_engine().train_face(path, folder)


@_engine
def find_faces(path: Path) -> list[Face]:
    """Find all faces in a picture, the largest first."""
    with _explained(path):
        faces: list[Face] = load_engine().find_faces(path)
        return faces


@_engine
def read_sound(path: Path, target: Path) -> None:
    """Write the sound that shall drive a mouth as plain samples, for ``render.read_samples``."""
    with _explained(path):
        load_engine().write_samples(path, target)
