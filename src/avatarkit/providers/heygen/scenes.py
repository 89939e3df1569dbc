"""HeyGen's studio: several scenes in one video; and the variables of its templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...models import Scene, Template, VideoRequest, VideoSettings, background_kind

#: Scenes of one video. https://developers.heygen.com/docs/usage-limits, read 2026-11-22
MOST = 50
#: Settings that hold for all scenes; the backgrounds are the scenes' own.
_OF_ALL = frozenset({"aspect", "resolution", "captions", "caption_style", "background"})


def takes(scenes: Sequence[Scene], settings: VideoSettings) -> bool:
    """Return True if the studio has all of these scenes: its backgrounds are colours."""
    asked = settings.asked()
    plain = asked.keys() <= _OF_ALL and asked.get("resolution") != "4k"  # 4K names an engine
    kinds = {scene.background and background_kind(scene.background) for scene in scenes}
    placed = any(scene.layout for scene in scenes)
    return plain and not placed and kinds <= {None, "color"} and len(scenes) <= MOST


def avatars(request: VideoRequest) -> tuple[str, ...]:
    """Avatars of all scenes, each once."""
    return tuple(dict.fromkeys(scene.avatar or request.avatar_id for scene in request.scenes))


def studio(request: VideoRequest) -> list[dict[str, Any]]:
    """Scenes of a request, with the looks that ``prepare`` has found."""
    looks: Mapping[str, Mapping[str, Any]] = request.prepared.get("looks", {})
    return [_scene(scene, request, looks) for scene in request.scenes]


def _scene(
    scene: Scene, request: VideoRequest, looks: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    avatar = scene.avatar or request.avatar_id
    look = looks.get(avatar, {})
    engine, voice = look.get("engine"), scene.voice or request.voice_id
    said = {
        "type": "avatar",
        "avatar_id": look.get("avatar_id", avatar),
        "script": scene.text,
        "voice_id": voice,
        "engine": engine and {"type": engine},
        "background": scene.background and {"type": "color", "color": scene.background},
    }
    own = {name: value for name, value in said.items() if value is not None}
    return {"type": "avatar_video", "input": own}


#: Field of a variable's value, by our kind, and HeyGen's word for the kind. UNVERIFIED: version 3
#: documents no form of a value; this is that of version 2.
_VARIABLES: Mapping[str, tuple[str, str]] = {
    "text": ("text", "content"),
    "image": ("image", "url"),
    "video": ("video", "url"),
    "audio": ("audio", "url"),
    "avatar": ("character", "character_id"),
    "voice": ("voice", "voice_id"),
}


def variables(template: Template) -> dict[str, Any]:
    """Variables of a template, as HeyGen writes them."""
    written: dict[str, Any] = {}
    for kind, name, value in template.values:
        word, field = _VARIABLES[kind]
        written[name] = {"name": name, "type": word, "properties": {field: value}}
    return written
