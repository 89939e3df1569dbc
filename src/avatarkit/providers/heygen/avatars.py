"""HeyGen's avatars: a group is a person, and has looks; a look is used in videos.

A training makes one look, of a new group or of one that exists, and owns that look alone: it is
polled and deleted by itself, and HeyGen deletes a group with its last look.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Literal

from ... import errors
from ...models import Action, AvatarRequest, Job, JobState, Operation
from ..http import (
    HttpAvatarTrainer,
    as_objects,
    id_at,
    path_segment,
    said_at,
    text_at,
    value_at,
)
from .options import HeyGenAvatar
from .uploads import Uploads, by_id

_LOOK = "look:"  #: begins the id of a job that is one look of a group


class Avatars(Uploads, HttpAvatarTrainer):
    """Role base: groups at ``/avatars``, and their looks."""

    async def train_avatar(self, request: AvatarRequest, /) -> Job:
        """Submit; sent once. The job is the look, a new one or another one of a group."""
        footage = by_id(self._asset(request)) if request.footage else None
        kind = kind_of(request, self._option(request, HeyGenAvatar))
        job = await self._submit(
            Operation.AVATAR,
            "/avatars",
            request,
            HeyGenAvatar,
            type=kind,
            name=request.token,
            file=None if kind == "prompt" else footage,
            reference_images=[footage] if footage and kind == "prompt" else None,
            avatar_group_id=request.prepared.get("group_id"),
        )
        if job.ref is not None:
            return _of_look(job, job.ref)
        if request.look_of is not None:  # it is paid for, and found again by its name
            raise errors.Ambiguous(
                "the answer names no look", provider=self.name, operation=Operation.AVATAR
            )
        return job

    async def find_avatar(self, token: str, /) -> Sequence[Job]:
        """Return the looks of every group that carries the token, else every look; oldest first."""
        if groups := await super().find_avatar(token):
            return [await self._first_look(group) for group in groups]
        query = {"ownership": "private", "limit": 50}
        looks = await self._find(Operation.AVATAR, "/avatars/looks", token, **query)
        return [_as_look(job) for job in looks]

    async def _first_look(self, group: Job) -> Job:
        """Name the job of a group after the look that it was made with; lists end with it."""
        looks = await self._looks(group.id)
        look = id_at(looks[-1], "id") if looks else None
        return group if look is None else _of_look(group, look)

    async def delete_avatar(self, avatar_id: str, /) -> None:
        """Delete one look; HeyGen deletes a group with its last one. A missing one is deleted.

        Raises ``Unavailable`` for a group whose looks are several: they are those of others.
        """
        if avatar_id.startswith(_LOOK):
            look = avatar_id.removeprefix(_LOOK)
            return await self._delete(Operation.AVATAR, "/avatars/looks/{}", look)
        with suppress(errors.NotFound):
            if len(await self._looks(avatar_id)) > 1:
                raise errors.Unavailable(
                    "the avatar has further looks, which are deleted first",
                    provider=self.name,
                    operation=Operation.AVATAR,
                )
            await super().delete_avatar(avatar_id)
        return None

    async def _get_look(self, avatar_id: str) -> Job:
        """Poll one look. Adds the consent link of its group while it waits."""
        look = avatar_id.removeprefix(_LOOK)
        job = _as_look(await self._get(Operation.AVATAR, "/avatars/looks/{}", look))
        group = said_at(job.raw, "data.group_id")
        asks = job.state is JobState.NEEDS_ACTION
        if job.state is JobState.SUCCEEDED and not said_at(job.raw, "data.preview_image_url"):
            return job.model_copy(update={"state": JobState.RUNNING})  # it has no picture yet
        if job.state is JobState.SUCCEEDED and group is not None:  # may it be used already?
            asks = (await super().get_avatar(group)).state is JobState.NEEDS_ACTION
        if not asks or group is None:
            return job
        known = {"state": JobState.NEEDS_ACTION, "action": await self._consent(group)}
        return job.model_copy(update=known)

    async def _group_of(self, avatar_id: str) -> str:
        """Find the group of a look; another id is that of a group."""
        path = f"/avatars/looks/{path_segment(avatar_id.removeprefix(_LOOK))}"
        try:
            look = await self._call("GET", path, operation=Operation.AVATAR)
        except errors.NotFound:
            if avatar_id.startswith(_LOOK):
                raise
            return avatar_id
        return said_at(look, "data.group_id") or avatar_id

    async def get_avatar(self, avatar_id: str, /) -> Job:
        """Poll a look, or a group, which is ready with its first look; raises ``NotFound``.

        Adds the consent link while it waits.
        """
        get = self._get_look if avatar_id.startswith(_LOOK) else self._get_group
        return await get(avatar_id)

    async def _get_group(self, group_id: str) -> Job:
        job = in_stock(await super().get_avatar(group_id))
        if job.state is JobState.NEEDS_ACTION:
            return job.model_copy(update={"action": await self._consent(job.id)})
        if job.state is not JobState.SUCCEEDED:
            return job
        looks = await self._looks(job.id)
        look = usable(looks)
        if look is not None:
            return job.model_copy(update={"ref": id_at(look, "id")})
        if any(k.get("status") != "failed" for k in looks):
            return job.model_copy(update={"state": JobState.RUNNING})  # the look has no picture yet
        if looks:
            reason = self._said(looks[0], "error.message", "error.code")
            return job.model_copy(
                update={"state": JobState.FAILED, "reason": reason or "its look failed"}
            )
        return job

    async def _consent(self, group_id: str) -> Action:
        """Request the consent link; with one idempotency key it stays the same for a day."""
        page = self._settings.return_url
        message = "The person must agree at HeyGen, before a webcam: open the link."
        try:
            raw = await self._call(
                "POST",
                f"/avatars/{path_segment(group_id)}/consent",
                operation=Operation.AVATAR,
                body={"reroute_url": page},
                headers=self._keyed(f"consent {group_id} {page}"),
            )
        except (errors.AuthError, errors.PlanError, errors.QuotaError, errors.Refused) as error:
            if error.status == 409:  # another worker is requesting it
                raise
            return Action(kind="open_url", message=f"{message} HeyGen gives none: {error.message}")
        return Action(kind="open_url", message=message, url=text_at(raw, "data.url"))

    async def _looks(self, group_id: str) -> list[Mapping[str, Any]]:
        """Return the looks of a group; empty if HeyGen's answer has no list."""
        query = {"group_id": group_id, "limit": 50}
        page = await self._call("GET", "/avatars/looks", operation=Operation.AVATAR, query=query)
        return as_objects(page.get("data"))

    def _keyed(self, what: str) -> dict[str, str]:
        """Build the headers of a free call that must have the same answer when it is repeated."""
        digest = hashlib.sha256(what.encode()).hexdigest()
        return self._headers() | {"idempotency-key": f"ak-{digest[:32]}"}


def kind_of(
    request: AvatarRequest, options: HeyGenAvatar
) -> Literal["digital_twin", "photo", "prompt"]:
    """Return HeyGen's kind of a new avatar; raises ``Unsupported``."""
    if options.prompt is not None and request.footage is None:
        return "prompt"
    picture = request.required_footage.media_type.startswith("image/")
    if options.prompt is None:
        return "photo" if picture else "digital_twin"
    if not picture:
        raise errors.Unsupported(
            "heygen prompt avatars take a reference picture, not a video: give a picture."
        )
    return "prompt"


def _as_look(job: Job) -> Job:
    """Name a job after the look that an answer is about."""
    return _of_look(job, said_at(job.raw, "data.id", "id") or job.id)


def _of_look(job: Job, look: str) -> Job:
    """Name a job after a look instead of its group; a webhook may still name the group."""
    group = job.id
    with suppress(errors.BadReply):  # a job that is paid for is worth more than its group
        group = id_at(job.raw, "data.group_id", "group_id") or group
    others = tuple(dict.fromkeys((look, group)))
    return job.model_copy(update={"id": f"{_LOOK}{look}", "ref": look, "other_ids": others})


def told_look(data: Mapping[str, Any]) -> str | None:
    """Id of the job that a webhook is about, if it names a look; HeyGen publishes no form of it."""
    look = id_at(data, "avatar_id", "photo_avatar_id")
    return None if look is None else f"{_LOOK}{look}"


def in_stock(job: Job) -> Job:
    """Mark HeyGen's own voices and avatars, which have no state, as ready."""
    said = value_at(job.raw, "data.status")
    return job if said is not None else job.model_copy(update={"state": JobState.SUCCEEDED})


def usable(looks: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the oldest ready look; lists start with the newest. A ready look has a picture."""
    ready = (
        look
        for look in reversed(looks)
        if text_at(look, "status") in {None, "completed"} and look.get("preview_image_url")
    )
    return next(ready, None)
