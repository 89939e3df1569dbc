"""Route table of the HTTP API: the server and the OpenAPI document are built from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from ..json_views import QuoteView
from ..records import Status
from . import catalogue, parameters, schemas
from .api import API
from .bodies import ActionChoice, LinkedSample, NewTraining, NewVideo

#: Answers a request of a user; public routes get an empty user ID.
Handler = Callable[[API, Request, str], Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route: its handler and its entry in the OpenAPI document.

    ``content`` maps a status to the type of its JSON body; other errors have a ``ErrorAnswer``,
    except for ``texts``. ``headers`` maps a status to its response headers.
    """

    method: Literal["GET", "POST", "PUT", "DELETE", "HEAD"]
    path: str
    name: str  #: operation ID
    handler: Handler
    summary: str
    body: type[BaseModel] | None = None
    parameters: tuple[Mapping[str, Any], ...] = ()
    statuses: tuple[int, ...] = (200,)
    content: Mapping[int, Any] = field(default_factory=dict[int, Any])
    event: type[BaseModel] | None = None  #: each event of a stream
    texts: tuple[int, ...] = ()  #: statuses with a plain-text body
    headers: Mapping[int, Mapping[str, Any]] = field(default_factory=dict[int, Any])
    media_type: str = "application/json"  #: of bodies that are not JSON
    signed_in: bool = True  #: False: needs no authentication


_UPLOAD = "/clones/{clone_id}/samples/{role}/{name}"


def _record_routes(
    kind: Literal["trainings", "videos"],
    shown: type[BaseModel],
    changed: type[BaseModel],
    event: type[BaseModel],
) -> tuple[Route, ...]:
    """Routes that both kinds of records have; ``shown`` and ``changed`` are their answers."""
    path = f"/{kind}/{{id}}"
    one = "a training" if kind == "trainings" else "a video"
    videos = ", its videos" if kind == "trainings" else ""
    return (
        Route(
            method="GET",
            path=path,
            name=f"get_{kind}",
            handler=API.get,
            summary=f"Get {one}.",
            statuses=(200, 404),
            content={200: shown},
        ),
        Route(
            method="GET",
            path=f"{path}/events",
            name=f"events_{kind}",
            handler=API.events,
            summary="Stream changes as server-sent events until the record is final.",
            parameters=(parameters.LAST_EVENT_ID,),
            statuses=(200, 204, 404),
            event=event,
            media_type="text/event-stream",
        ),
        Route(
            method="POST",
            path=f"{path}/action",
            name=f"act_{kind}",
            handler=API.act,
            summary="Answer the required action.",
            body=ActionChoice,
            statuses=(200, 404, 409, 422),
            content={200: changed},
        ),
        Route(
            method="POST",
            path=f"{path}/cancel",
            name=f"cancel_{kind}",
            handler=API.cancel,
            summary=f"Cancel {one}; no further paid call is made.",
            statuses=(200, 404, 409),
            content={200: changed},
        ),
        Route(
            method="DELETE",
            path=path,
            name=f"delete_{kind}",
            handler=API.delete,
            summary=f"Delete {one}{videos} and the vendors' copies.",
            statuses=(204, 404),
        ),
    )


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/stacks",
        name="stacks",
        handler=API.stacks,
        summary="List the stacks to choose from.",
        content={200: schemas.StacksAnswer},
    ),
    Route(
        method="GET",
        path="/quote",
        name="quote",
        handler=API.quote,
        summary="Estimate monthly cost on one stack from dated price entries.",
        parameters=parameters.QUOTED,
        statuses=(200, 422),
        content={200: QuoteView},
    ),
    Route(
        method="GET",
        path="/clones/{clone_id}/samples",
        name="samples",
        handler=API.samples,
        summary="List the stored samples of a clone.",
        statuses=(200, 404, 422),
        content={200: schemas.SamplesAnswer},
    ),
    Route(
        method="POST",
        path="/clones/{clone_id}/samples",
        name="fetch_sample",
        handler=API.fetch_sample,
        summary="Fetch a sample from a public https address.",
        body=LinkedSample,
        statuses=(201, 404, 413, 422, 502),
        content={201: schemas.UploadedSampleAnswer},
    ),
    Route(
        method="PUT",
        path=_UPLOAD,
        name="upload",
        handler=API.upload,
        summary="Upload a file or continue an upload; role: voice, footage, evidence or recording.",
        parameters=(parameters.UPLOAD_LENGTH, parameters.UPLOAD_OFFSET, parameters.LIMITS_OF),
        statuses=(200, 201, 404, 409, 413, 422),
        content={
            200: schemas.UploadProgressAnswer,
            201: schemas.UploadedSampleAnswer | schemas.UploadedFileAnswer,
        },
        headers={409: {"Upload-Offset": parameters.CONTINUE_FROM}},
        media_type="application/octet-stream",
    ),
    Route(
        method="HEAD",
        path=_UPLOAD,
        name="uploaded",
        handler=API.uploaded,
        summary="Get the bytes received so far, and the length of complete, unused evidence.",
        statuses=(204, 404),
        headers={
            204: {
                "Upload-Offset": parameters.CONTINUE_FROM | {"required": True},
                "Upload-Length": parameters.COMPLETE_LENGTH,
            }
        },
    ),
    Route(
        method="DELETE",
        path="/clones/{clone_id}/samples/{sample_id}",
        name="drop_sample",
        handler=API.drop_sample,
        summary="Delete a stored sample.",
        statuses=(204, 404, 409, 422),
    ),
    Route(
        method="POST",
        path="/trainings",
        name="train",
        handler=API.train,
        summary="Train an avatar from a clone's stored samples.",
        body=NewTraining,
        parameters=(parameters.IDEMPOTENCY_KEY,),
        statuses=(201, 404, 409, 422),
        content={201: schemas.StartedTrainingAnswer},
        headers={201: {"Idempotent-Replayed": parameters.REPLAYED}},
    ),
    Route(
        method="GET",
        path="/trainings",
        name="trainings",
        handler=API.trainings,
        summary="List your trainings, newest first.",
        parameters=(
            *parameters.PAGE,
            parameters.query("status", "Filter by status.", enum=[str(s) for s in Status]),
            parameters.query("clone_id", "Filter by clone."),
        ),
        statuses=(200, 422),
        content={200: schemas.TrainingsAnswer},
    ),
    *_record_routes(
        "trainings",
        schemas.TimedTrainingAnswer,
        schemas.TrainingAnswer,
        schemas.TrainingEventAnswer,
    ),
    *_record_routes("videos", schemas.VideoAnswer, schemas.VideoAnswer, schemas.VideoEventAnswer),
    Route(
        method="POST",
        path="/trainings/{id}/videos",
        name="speak",
        handler=API.speak,
        summary="Generate a video with a trained avatar.",
        body=NewVideo,
        parameters=(parameters.IDEMPOTENCY_KEY,),
        statuses=(201, 404, 409, 422),
        content={201: schemas.VideoAnswer},
        headers={201: {"Idempotent-Replayed": parameters.REPLAYED}},
    ),
    Route(
        method="GET",
        path="/trainings/{id}/videos",
        name="videos",
        handler=API.videos,
        summary="List the videos of a training, newest first.",
        parameters=parameters.PAGE,
        statuses=(200, 404, 422),
        content={200: schemas.VideosAnswer},
    ),
    *(
        Route(
            method="GET",
            path=f"/catalogue/{{provider}}/{kind}",
            name=f"catalogue_{kind}",
            handler=handler,
            summary=f"List a vendor's stock {kind}.",
            parameters=catalogue.FILTERS,
            statuses=(200, 404, 422, 502),
            content={200: catalogue.CatalogueAnswer},
        )
        for kind, handler in (("avatars", catalogue.avatars), ("voices", catalogue.voices))
    ),
    Route(
        method="GET",
        path="/consents",
        name="consents",
        handler=API.consents,
        summary="List your consents.",
        content={200: schemas.ConsentsAnswer},
    ),
    Route(
        method="DELETE",
        path="/consents/{consent_id}/evidence",
        name="drop_evidence",
        handler=API.drop_evidence,
        summary="Delete the stored evidence of a consent.",
        statuses=(204, 404, 409),
    ),
    Route(
        method="GET",
        path="/deliveries",
        name="deliveries",
        handler=API.deliveries,
        summary="List webhook deliveries for your records, newest first.",
        parameters=parameters.PAGE,
        statuses=(200, 422),
        content={200: schemas.DeliveriesAnswer},
    ),
)

#: Public routes: opened by a signed link, or without any user's data.
OPEN: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/media/{key:path}",
        name="media",
        handler=API.media,
        summary="Get a stored file, or a range of it, by a signed link.",
        parameters=(
            parameters.query("expires", "Part of the link.", required=True),
            parameters.query("signature", "Part of the link.", required=True),
            parameters.header("Range", "Byte range: bytes=<first>-<last>."),
        ),
        statuses=(200, 206, 307, 404, 416),
        texts=(400, 416),  # Starlette answers invalid ranges itself
        headers={
            307: {"Location": {"required": True, "schema": {"type": "string", "format": "uri"}}}
        },
        media_type="*/*",
        signed_in=False,
    ),
    Route(
        method="GET",
        path="/errors/{code}",
        name="error_code",
        handler=API.error_code,
        summary="Explain an error code.",
        statuses=(200, 404),
        content={200: schemas.ErrorCodeAnswer},
        signed_in=False,
    ),
    Route(
        method="GET",
        path="/health",
        name="health",
        handler=API.health,
        summary="Check that the server and its database respond.",
        content={200: schemas.HealthAnswer},
        signed_in=False,
    ),
)
