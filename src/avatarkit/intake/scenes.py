"""Scenes of a video: checked, completed, and given operations of their own where necessary."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Sequence
from typing import cast

from .. import errors
from ..interfaces import MakesScenes, Provider
from ..models import Scene, VideoSettings
from ..records import OperationState

#: Scenes of one video, at most; HeyGen's limit is the highest of all vendors.
MAX_SCENES = 50


def given(value: object) -> tuple[Scene, ...]:
    """Return the scenes that a caller gives; raises ``ConfigError`` for anything else."""
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise errors.ConfigError("scenes is a list of scenes: pass [Scene(text=...), ...]")
    found = tuple(cast("Iterable[object]", value))
    scenes = tuple(one for one in found if isinstance(one, Scene))
    if len(scenes) < len(found):
        raise errors.ConfigError("scenes holds something else than scenes: pass Scene(text=...)")
    if len(scenes) > MAX_SCENES:
        raise errors.ConfigError(
            f"{len(scenes)} scenes were given: pass at most {MAX_SCENES}, or make several videos"
        )
    return scenes


def read(
    scenes: Sequence[Scene], settings: VideoSettings, read_text: Callable[[str], str]
) -> tuple[Scene, ...]:
    """Check the text of each scene, and complete its background by that of the video."""
    return tuple(
        scene.model_copy(
            update={
                "text": read_text(scene.text),
                "background": scene.background or settings.background,
            }
        )
        for scene in scenes
    )


def planned(
    scenes: Sequence[Scene],
    settings: VideoSettings,
    operations: tuple[OperationState, ...],
    generator: Provider,
) -> tuple[OperationState, ...]:
    """Operations of all scenes: one video, or for each scene its own.

    Raises ``Unsupported`` for what the scenes ask for and cannot be made, and ``ConfigError`` if
    scenes have to be joined here and PyAV is missing.
    """
    makes = generator if isinstance(generator, MakesScenes) else None
    alone = len(operations) == 1  # a video of recorded or synthesised speech is one scene
    if len(scenes) == 1 or (makes is not None and alone and makes.takes_scenes(scenes, settings)):
        _require_layouts(scenes, generator, settings)
        return operations
    _require_layouts(scenes, generator, settings)
    if settings.container not in {None, "mp4"} or "transparent" in _backgrounds(scenes):
        raise errors.Unsupported(
            f"{generator.name} makes the scenes one by one, and joined they are an MP4, which has "
            "no transparency: leave the container and the transparent background out"
        )
    if importlib.util.find_spec("av") is None:
        raise errors.ConfigError(
            f"{generator.name} makes the scenes one by one, and joining them needs PyAV: "
            'pip install "avatarkit-sdk[media]"'
        )
    return tuple(
        state.model_copy(update={"scene": number})
        for number in range(1, len(scenes) + 1)
        for state in operations
    )


def _backgrounds(scenes: Iterable[Scene]) -> set[str | None]:
    return {scene.background for scene in scenes}


def _require_layouts(scenes: Sequence[Scene], generator: Provider, settings: VideoSettings) -> None:
    """Raise ``Unsupported`` for a layout that the provider cannot place."""
    for scene in scenes:
        makes = isinstance(generator, MakesScenes) and generator.takes_scenes((scene,), settings)
        if scene.layout is not None and not makes:
            raise errors.Unsupported(
                f"{generator.name} cannot place the avatar ({scene.layout}): leave layout out"
            )
