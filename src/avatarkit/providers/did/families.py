"""Families of D-ID's avatars: their calls, their fields, and the ids that name them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...models import Operation, Options
from .options import DIDClip, DIDExpressive, DIDScene, DIDTalk


@dataclass(frozen=True, slots=True)
class Family:
    """One of the four families of avatars; its videos are at ``/<family>``."""

    avatar: str  #: field of the avatar in a video request
    options: type[Options]
    avatars: str | None  #: path of one avatar, if it has one
    mark: str  #: usual prefix of its video ids


FAMILIES: Mapping[str, Family] = {
    "talks": Family("source_url", DIDTalk, "/images/{}", "tlk_"),
    "clips": Family("presenter_id", DIDClip, "/clips/presenters/{}", "clp_"),
    "scenes": Family("avatar_id", DIDScene, "/scenes/avatars/{}", "scn_"),
    "expressives": Family("avatar_id", DIDExpressive, None, "exp_"),
}
Kind = tuple[Operation, str]

#: Kind of a delivery by its ``object`` field, else by the first of ``FIELDS`` that it has.
OBJECTS: Mapping[str, Kind] = {
    "talk": (Operation.VIDEO, "talks"),
    "clip": (Operation.VIDEO, "clips"),
    "scene": (Operation.VIDEO, "scenes"),
    "expressive": (Operation.VIDEO, "expressives"),
    "scene_avatar": (Operation.AVATAR, "scenes"),
}
FIELDS: Mapping[str, Kind] = {
    "group_id": (Operation.DUB, ""),
    "gender": (Operation.AVATAR, "clips"),
    "presenter_id": (Operation.VIDEO, "clips"),
    "sentiment_id": (Operation.VIDEO, "expressives"),
    "avatar_id": (Operation.VIDEO, "scenes"),
    "talking_preview_url": (Operation.AVATAR, "scenes"),
    "result_url": (Operation.VIDEO, "talks"),
}


def family_of_avatar(avatar_id: str) -> tuple[str, str]:
    """Split our id into family and D-ID's own id; a bare id comes from an adopted avatar.

    Without an id it is a picture that speaks without a training.
    """
    family, _, own = avatar_id.partition(":")
    if family in FAMILIES:
        return family, own
    if not avatar_id or avatar_id.startswith(("https://", "s3://")):
        return "talks", avatar_id
    stock = avatar_id.startswith("public_") or "@" in avatar_id
    return ("expressives" if stock else "scenes"), avatar_id


def family_of_video(video_id: str) -> tuple[str, str]:
    """Split our id of a video into family and D-ID's own id."""
    family, _, own = video_id.partition(":")
    if family in FAMILIES:
        return family, own
    marked = (name for name, known in FAMILIES.items() if video_id.startswith(known.mark))
    return next(marked, "scenes"), video_id


def marked_kind(job_id: str) -> Kind | None:
    """Tell the kind of a job by the prefix of its id; None if it has none."""
    if job_id.startswith("avt_"):
        return Operation.AVATAR, "scenes"
    marked = (name for name, family in FAMILIES.items() if job_id.startswith(family.mark))
    family = next(marked, None)
    return None if family is None else (Operation.VIDEO, family)
