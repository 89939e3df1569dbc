"""Dubs over HTTP: an uploaded video, or a finished one, in other languages."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
from starlette.requests import Request
from starlette.responses import Response

from ..errors import IllegalTransition, MediaRejected, NotFound
from ..models import Consent
from ..records import Status, Video
from . import parameters, schemas
from .api import API, WHOLE, created, ordered
from .bodies import NewDubs, read


async def create(api: API, request: Request, user: str) -> Response:
    """Start a dub into each language; an uploaded source is deleted once it is kept."""
    body, begun = await read(request, NewDubs), await api.kit.admin.now()
    evidence, consent = await api.agreed(body, user, body.clone_id or "")
    order = _order(body, user, parameters.idempotency_key(request))
    if body.video_id is None:
        clone_id = body.clone_id or ""
        source = api.place(user, clone_id, "source", body.source or "")
        videos = await _dubbed(api, source, body, {**order, "clone_id": clone_id}, consent)
        await api.uploads.drop(source)
    else:
        video = await _finished(api, user, body.video_id)
        consent = consent or await api.stored_consent(user, video.consent_id or "")
        with tempfile.TemporaryDirectory(prefix="avatarkit-") as folder:
            source = await api.kit.save(video.id, Path(folder, "video.mp4"))
            videos = await _dubbed(
                api, source, body, {**order, "clone_id": video.clone_id}, consent
            )
    if evidence is not None:
        await api.uploads.drop(evidence)
    root = str(request.scope.get("root_path", ""))
    shown = [api.view_as(schemas.VideoAnswer, video, root) for video in videos]
    answer = schemas.VideosAnswer(data=shown, **WHOLE)
    response = created(answer, "/videos", request, clone_id=videos[0].clone_id)
    return ordered(response, videos[0], begun)


def _order(body: NewDubs, user: str, key: str | None) -> dict[str, Any]:
    """Return what the kit takes beside the source; subtitles are bytes, as a text is a path."""
    said = body.source_subtitles
    return {
        "user_id": user,
        "name": body.name,
        "subtitles": {tag: text.encode() for tag, text in body.subtitles.items()},
        "source_subtitles": None if said is None else said.encode(),
        "stack": body.stack,
        "purpose": body.purpose,
        "idempotency_key": key,
        "max_cost": body.most,
    }


async def _finished(api: API, user: str, video_id: str) -> Video:
    """Return a finished video; raise ``NotFound`` for another user's, as for an unknown one."""
    with suppress(NotFound):
        record = await api.kit.get(video_id)
        if record.user_id == user and isinstance(record, Video):
            if record.status is not Status.COMPLETED:
                raise IllegalTransition(f"video {record.id} is {record.status}: wait until it ends")
            return record
    raise NotFound(f"there is no video {video_id!r}")


async def _dubbed(
    api: API, source: Path, body: NewDubs, order: Mapping[str, Any], consent: Consent | None
) -> list[Video]:
    """Place the dubs; an order that is repeated needs no source any more."""
    try:
        return await api.kit.dub_into(source, body.languages, consent=consent, wait=False, **order)
    except MediaRejected:
        if await anyio.Path(source).exists():
            raise
        raise NotFound(
            f"No upload named {body.source!r}: upload it with role source first."
        ) from None
