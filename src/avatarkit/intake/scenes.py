"""Scenes of a video: checked, completed, and given operations of their own where necessary."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast, get_args

from .. import errors
from ..interfaces import CatalogueKind, MakesScenes, Provider
from ..models import Operation, Scene, SceneLayout, VideoSettings
from ..records import OperationState
from ..stacks.pairing import scripted
from . import arguments

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
    for scene in scenes:
        arguments.model("scenes", scene, Scene)
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
    if not _joins():
        raise errors.ConfigError(
            f"{generator.name} makes the scenes one by one, and joining them needs PyAV: "
            'pip install "avatarkit-sdk[media]"'
        )
    return tuple(
        state.model_copy(update={"scene": number})
        for number in range(1, len(scenes) + 1)
        for state in operations
    )


@dataclass(frozen=True, slots=True)
class Offered:
    """Scenes that a stack can make."""

    together: bool  #: False: each scene is a call of its own, and the videos are joined here
    layouts: tuple[SceneLayout, ...]
    avatars: str | None  #: provider whose stock avatars a scene may have
    voices: str | None  #: provider whose stock voices a scene may have


def offered(
    roles: Mapping[Operation, str], class_of: Callable[[str], type[Provider]]
) -> Offered | None:
    """Return how a stack makes a video of several scenes; None if it cannot."""
    if Operation.VIDEO not in roles:
        return None
    maker = class_of(roles[Operation.VIDEO])
    alone = scripted(maker) and roles.get(Operation.VOICE, maker.name) == maker.name
    together = alone and _takes(maker, Scene(text="-"), Scene(text="-"))
    if not (together or _joins()):
        return None
    return Offered(
        together=together,
        layouts=tuple(n for n in get_args(SceneLayout) if _takes(maker, Scene(text="-", layout=n))),
        avatars=_lister(roles.get(Operation.AVATAR), "avatar", class_of),
        voices=_lister(roles.get(Operation.VOICE), "voice", class_of),
    )


def _takes(maker: type[Provider], *scenes: Scene) -> bool:
    return issubclass(maker, MakesScenes) and maker.takes_scenes(scenes, VideoSettings())


def _lister(
    name: str | None, kind: CatalogueKind, class_of: Callable[[str], type[Provider]]
) -> str | None:
    """Return the provider's name if it lists its stock of that kind."""
    listed = getattr(class_of(name), "catalogue_kinds", ()) if name else ()
    return name if kind in listed else None


def _joins() -> bool:
    """Return True if videos can be joined here."""
    return importlib.util.find_spec("av") is not None


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
