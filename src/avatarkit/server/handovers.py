"""Handlers and answers of hand-overs: a phone records and uploads one file of a signed-in user."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Literal, Self

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from ..errors import Conflict, NotFound
from ..json_views import Time, View
from . import error_answers, parameters, resumable
from .api import API, created, json_answer
from .auth import bearer
from .bodies import NewHandover, read
from .error_answers import ErrorCode
from .handover_store import Handover, HandoverEnded, Status
from .schemas import UploadAnswer


class HandoverAnswer(View):
    """A hand-over, for the device that began it."""

    id: str
    clone_id: str
    role: Literal["voice", "footage", "evidence", "recording"]
    status: Status = Field(
        description="Waiting until the link is opened; expired if nothing was handed over in time."
    )
    expires_at: Time
    name: str | None = Field(description="Name of the upload; null until it begins.")
    percent: int = Field(description="Percentage of the file that has arrived.")
    upload: UploadAnswer | None = Field(description="The upload once it is completed; else null.")


class HandoverCreatedAnswer(HandoverAnswer):
    """A new hand-over, with its link."""

    link: str = Field(description="One-time link: it can be opened once, until `expires_at`.")
    qr: list[str] = Field(
        description="The link as a QR code: rows from the top, 1 is dark. Leave four modules free "
        "on each side."
    )


class HandoverClaimAnswer(View):
    """A hand-over for the device that opened its link: what it shall record, and its token."""

    clone_id: str
    role: Literal["voice", "footage", "evidence", "recording"]
    name: str = Field(description="Name of the upload; add the ending of the file.")
    media: Literal["audio", "video"]
    text: str = Field(description="Text to read aloud; empty if there is none.")
    language: str = Field(description="Language of that page.")
    stack: str | None
    expires_at: Time
    token: str = Field(description="Bearer token for this upload (tus), and for nothing else.")

    @classmethod
    def of(cls, handover: Handover, token: str) -> Self:
        """Build the answer from a hand-over that was just opened."""
        asked = handover.asked
        return cls(
            clone_id=handover.clone_id,
            role=asked.role,
            name=handover.stem,
            media=asked.media,
            text=asked.text,
            language=asked.language,
            stack=asked.stack,
            expires_at=handover.expires_at,
            token=token,
        )


async def create(api: API, request: Request, user: str) -> Response:
    """Begin a hand-over; an earlier one of that role ends."""
    clone_id, asked = parameters.clone_id(request), await read(request, NewHandover)
    made, secret = await api.handovers.create(user, clone_id, asked)
    link = f"{asked.page}#{secret}"
    plain = dict(await _answer(api, made))
    answer = HandoverCreatedAnswer(**plain, link=link, qr=_qr(link))
    return created(answer, f"/clones/{clone_id}/handovers/{made.id}", request)


async def get(api: API, request: Request, user: str) -> Response:
    """Tell how far a hand-over is."""
    return json_answer(await _answer(api, await _own(api, request, user)))


async def delete(api: API, request: Request, user: str) -> Response:
    """End a hand-over; a file that has not arrived whole is deleted."""
    found = await _own(api, request, user)
    await api.handovers.end(found)
    if found.name and not found.completed:
        path = api.place(user, found.clone_id, found.asked.role, found.name)
        with suppress(Conflict):  # a request is writing it, and deletes it then
            async with api.uploads.alone(path, 0):
                await api.uploads.drop(path)
    return Response(status_code=204)


async def claim(api: API, request: Request, user: str) -> Response:
    """Open a link: exchange its secret for the token of one upload."""
    del user
    try:
        claimed = await api.handovers.claim(bearer(request) or "")
    except HandoverEnded:
        return refused(api, request)
    answer = json_answer(HandoverClaimAnswer.of(claimed.handover, claimed.token), 201)
    answer.headers["cache-control"] = "no-store"
    return answer


def refused(api: API, request: Request) -> Response:
    """Answer a secret that is not valid; after many of them with 429, so that none is guessed."""
    root = str(request.scope.get("root_path", ""))
    now = time.monotonic()
    standing = api.refusals.standing("", now)
    if not standing.remaining:
        return error_answers.answer(
            ErrorCode.RATE_LIMITED,
            "too many refused links: wait for Retry-After seconds",
            root=root,
            retry_after=standing.seconds,
        )
    api.refusals.count("", now)
    return error_answers.answer(ErrorCode.NOT_AUTHENTICATED, str(HandoverEnded()), root=root)


async def _own(api: API, request: Request, user: str) -> Handover:
    clone_id = parameters.clone_id(request)
    return await api.handovers.find(user, clone_id, request.path_params["handover_id"])


async def _answer(api: API, handover: Handover) -> HandoverAnswer:
    """Build the answer for a hand-over, with its upload as far as it is."""
    role, clone_id, user = handover.asked.role, handover.clone_id, handover.user
    percent, upload = 0, None
    with suppress(NotFound):  # not begun, or rejected and deleted
        path = api.place(user, clone_id, role, handover.name or handover.stem)
        found = await api.uploads.find(path)
        at = await api.uploads.received(path, found)
        percent = 100 * at // found.length
        if handover.completed:
            upload = await resumable.state(api, user, clone_id, found, at)
    return HandoverAnswer(
        id=handover.id,
        clone_id=clone_id,
        role=role,
        status=handover.status(api.handovers.now),
        expires_at=handover.expires_at,
        name=handover.name or None,
        percent=percent,
        upload=upload,
    )


def _qr(text: str) -> list[str]:
    """Draw a QR code as rows of ones and zeros."""
    import segno  # needed for nothing else

    return ["".join(map(str, row)) for row in segno.make_qr(text, error="m").matrix]
