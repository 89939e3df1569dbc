"""Route table of the HTTP API: the server and the OpenAPI document are built from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from ..json_views import QuoteView
from . import catalogue, dubs, handovers, operators, parameters, resumable, schemas
from .api import API
from .bodies import (
    ActionChoice,
    LinkedSample,
    NewConsent,
    NewDubs,
    NewErasure,
    NewHandover,
    NewTraining,
    NewVideo,
    Replay,
)

#: Answers a request of a user; public routes get an empty user ID.
Handler = Callable[[API, Request, str], Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route: its handler and its entry in the OpenAPI document.

    ``content`` maps a status to the type of its JSON body; other errors have a ``ErrorAnswer``,
    except for ``texts``. ``headers`` maps a status to its response headers.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
    path: str
    name: str  #: operation ID
    tag: str
    handler: Handler
    summary: str
    about: str  #: description
    body: type[BaseModel] | None = None
    parameters: tuple[Mapping[str, Any], ...] = ()
    statuses: tuple[int, ...] = (200,)
    content: Mapping[int, Any] = field(default_factory=dict[int, Any])
    event: Any = None  #: each event of a stream
    texts: tuple[int, ...] = ()  #: statuses that may also have a plain-text body
    headers: Mapping[int, Mapping[str, Any]] = field(default_factory=dict[int, Any])
    media_type: str = "application/json"  #: of bodies that are not JSON
    signed_in: bool = True  #: False: needs no authentication
    operators: bool = False  #: True: only operators may call it
    devices: bool = False  #: True: devices of hand-overs may call it, for their own upload


#: Tags, and what they hold.
TAGS: Mapping[str, str] = {
    "Stacks": "Providers that work together, and what they cost.",
    "Clones": "Avatar profiles, their samples, and uploads.",
    "Trainings": "Jobs that make an avatar of a profile.",
    "Videos": "Talking videos of a trained avatar.",
    "Catalogue": "Stock avatars and voices of a vendor.",
    "Consents": "Agreements of the people who are shown, and erasure of all data.",
    "Events": "Webhook deliveries and live changes.",
    "Operators": "State of the deployment, for operators only.",
    "Server": "Files, error codes and health.",
}

_UPLOADS = "/clones/{clone_id}/uploads"
_UPLOAD = "/clones/{clone_id}/uploads/{role}/{name}"
_HANDOVER = "/clones/{clone_id}/handovers/{handover_id}"

_STREAM = (
    "Server-sent events named `change`, whose ID is the record's version, and comments as "
    "heartbeats every 15 seconds."
)

_ORDER = (
    "Returns at once; the work goes on in the background. Send an Idempotency-Key: the same key "
    "gives the same record."
)


def _record_routes(
    kind: Literal["training", "video"], shown: type[BaseModel], event: Any
) -> tuple[Route, ...]:
    """Routes that both kinds of records have; ``shown`` is their answer."""
    path = f"/{kind}s/{{{kind}_id}}"
    noun, tag, one = kind.title(), f"{kind.title()}s", f"a {kind}"
    videos = ", its videos" if kind == "training" else ""
    return (
        Route(
            method="GET",
            path=path,
            name=f"get{noun}",
            tag=tag,
            handler=API.get,
            summary=f"Get {one}",
            about="Links to results are renewed with each answer.",
            statuses=(200, 404),
            content={200: shown},
        ),
        Route(
            method="GET",
            path=f"{path}/events",
            name=f"watch{noun}",
            tag=tag,
            handler=API.events,
            summary=f"Watch {one}",
            about=f"{_STREAM} The stream ends when the record is final; 204 tells a client that "
            "has seen the final version to stop.",
            parameters=(parameters.LAST_EVENT_ID,),
            statuses=(200, 204, 404),
            event=event,
            media_type="text/event-stream",
        ),
        Route(
            method="POST",
            path=f"{path}/action",
            name=f"answer{noun}Action",
            tag=tag,
            handler=API.act,
            summary="Answer the required action",
            about="The answer is one of the action's `choices`.",
            body=ActionChoice,
            statuses=(200, 404, 409, 422),
            content={200: shown},
        ),
        Route(
            method="POST",
            path=f"{path}/cancel",
            name=f"cancel{noun}",
            tag=tag,
            handler=API.cancel,
            summary=f"Cancel {one}",
            about="No further paid call is made.",
            statuses=(200, 404, 409),
            content={200: shown},
        ),
        Route(
            method="DELETE",
            path=path,
            name=f"delete{noun}",
            tag=tag,
            handler=API.delete,
            summary=f"Delete {one}",
            about=f"Deletes it{videos} and the providers' copies.",
            statuses=(204, 404),
        ),
    )


ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/stacks",
        name="listStacks",
        tag="Stacks",
        handler=API.stacks,
        summary="List stacks",
        about="Every stack that can train, whether it is set up here, and a monthly estimate.",
        content={200: schemas.StacksAnswer},
    ),
    Route(
        method="GET",
        path="/quote",
        name="getQuote",
        tag="Stacks",
        handler=API.quote,
        summary="Estimate a month's cost",
        about="Computed from dated price entries; nothing is sent to a provider.",
        parameters=parameters.QUOTED,
        statuses=(200, 422),
        content={200: QuoteView},
    ),
    Route(
        method="GET",
        path="/clones",
        name="listClones",
        tag="Clones",
        handler=API.clones,
        summary="List avatar profiles",
        about="A profile exists while it has a sample or a training.",
        content={200: schemas.ClonesAnswer},
    ),
    Route(
        method="GET",
        path="/clones/{clone_id}/samples",
        name="listSamples",
        tag="Clones",
        handler=API.samples,
        summary="List the samples of a profile",
        about="Empty for a profile that has none.",
        statuses=(200, 404, 422),
        content={200: schemas.SamplesAnswer},
    ),
    Route(
        method="POST",
        path="/clones/{clone_id}/samples",
        name="importSample",
        tag="Clones",
        handler=API.fetch_sample,
        summary="Import a sample from a public address",
        about="The server downloads the file; private addresses are rejected.",
        body=LinkedSample,
        statuses=(201, 404, 413, 422, 502),
        content={201: schemas.UploadAnswer},
        headers={201: {"Location": parameters.LOCATION}},
    ),
    Route(
        method="GET",
        path="/clones/{clone_id}/samples/{sample_id}/content",
        name="getSampleContent",
        tag="Clones",
        handler=API.sample_content,
        summary="Download a sample",
        about="The file as it was uploaded, or a range of it.",
        parameters=(parameters.RANGE,),
        statuses=(200, 206, 307, 404, 416),
        texts=(400, 416),  # Starlette answers invalid ranges itself
        headers={307: {"Location": parameters.ELSEWHERE}},
        media_type="*/*",
    ),
    Route(
        method="DELETE",
        path="/clones/{clone_id}/samples/{sample_id}",
        name="deleteSample",
        tag="Clones",
        handler=API.drop_sample,
        summary="Delete a sample",
        about="Refused while an unfinished training uses it.",
        statuses=(204, 404, 409, 422),
    ),
    Route(
        method="PUT",
        path=_UPLOAD,
        name="uploadFile",
        tag="Clones",
        handler=API.upload,
        summary="Upload a whole file",
        about="A voice or footage is validated and stored as a sample; evidence and recordings "
        "are kept for a day until a request names them. Large files: see `createUpload`.",
        parameters=(parameters.LIMITS_OF,),
        statuses=(201, 404, 409, 413, 422),
        content={201: schemas.UploadAnswer},
        headers={201: {"Location": {**parameters.LOCATION, "required": False}}},
        media_type="application/octet-stream",
    ),
    Route(
        method="OPTIONS",
        path=_UPLOADS,
        name="getUploadProtocol",
        tag="Clones",
        devices=True,
        handler=resumable.protocol,
        summary="Get the version of the upload protocol",
        about="Resumable uploads follow tus 1.0, whose clients can be used.",
        statuses=(204, 404),
        headers={204: parameters.TUS_OPTIONS},
    ),
    Route(
        method="POST",
        path=_UPLOADS,
        name="createUpload",
        tag="Clones",
        devices=True,
        handler=resumable.create,
        summary="Begin a resumable upload (tus)",
        about="Takes the place of an earlier upload of that role and name.",
        parameters=(parameters.TUS, parameters.UPLOAD_LENGTH, parameters.UPLOAD_METADATA),
        statuses=(201, 404, 409, 412, 413),
        headers={201: {"Location": parameters.LOCATION, "Upload-Expires": parameters.EXPIRES}},
    ),
    Route(
        method="HEAD",
        path=_UPLOAD,
        name="getUploadOffset",
        tag="Clones",
        devices=True,
        handler=resumable.offset,
        summary="Get the offset of an upload (tus)",
        about="The upload continues there. Offset and length are equal for a complete file.",
        parameters=(parameters.TUS, parameters.UPLOAD_ID),
        statuses=(204, 404, 412),
        headers={
            204: {
                "Upload-Offset": parameters.CONTINUE_FROM | {"required": True},
                "Upload-Length": parameters.WHOLE_LENGTH,
                "Upload-Expires": parameters.EXPIRES,
            }
        },
    ),
    Route(
        method="PATCH",
        path=_UPLOAD,
        name="uploadChunk",
        tag="Clones",
        devices=True,
        handler=resumable.append,
        summary="Continue an upload (tus)",
        about="After the last byte, a voice or footage is validated and stored as a sample; see "
        "`getUpload`.",
        parameters=(parameters.TUS, parameters.UPLOAD_OFFSET, parameters.UPLOAD_ID),
        statuses=(204, 404, 409, 412, 415, 422),
        headers={
            204: {
                "Upload-Offset": parameters.CONTINUE_FROM | {"required": True},
                "Upload-Expires": parameters.EXPIRES,
            },
            409: {"Upload-Offset": parameters.CONTINUE_FROM},
        },
        media_type="application/offset+octet-stream",
    ),
    Route(
        method="GET",
        path=_UPLOAD,
        name="getUpload",
        tag="Clones",
        devices=True,
        handler=resumable.result,
        summary="Get the result of an upload",
        about="The sample that was stored, and its findings; 422 if it was rejected.",
        parameters=(parameters.UPLOAD_ID,),
        statuses=(200, 404, 409, 422),
        content={200: schemas.UploadAnswer},
    ),
    Route(
        method="DELETE",
        path=_UPLOAD,
        name="deleteUpload",
        tag="Clones",
        devices=True,
        handler=resumable.terminate,
        summary="Delete an upload (tus)",
        about="A sample that was made of it remains.",
        parameters=(parameters.TUS, parameters.UPLOAD_ID),
        statuses=(204, 404, 409, 412),
    ),
    Route(
        method="POST",
        path="/clones/{clone_id}/handovers",
        name="createHandover",
        tag="Clones",
        handler=handovers.create,
        summary="Let another device do one upload",
        about="Makes a one-time link, and its QR code: a phone that opens it records and uploads "
        "one file of this profile. The link can be opened for ten minutes; the phone then has half "
        "an hour. An earlier link for the same role ends.",
        body=NewHandover,
        statuses=(201,),
        content={201: handovers.HandoverCreatedAnswer},
        headers={201: {"Location": parameters.LOCATION}},
    ),
    Route(
        method="GET",
        path=_HANDOVER,
        name="getHandover",
        tag="Clones",
        handler=handovers.get,
        summary="Get the state of a hand-over",
        about="With the uploaded file once it is complete.",
        statuses=(200, 404),
        content={200: handovers.HandoverAnswer},
    ),
    Route(
        method="DELETE",
        path=_HANDOVER,
        name="deleteHandover",
        tag="Clones",
        handler=handovers.delete,
        summary="End a hand-over",
        about="Its link and its token are no longer valid, and an unfinished upload is deleted.",
        statuses=(204, 404),
    ),
    Route(
        method="POST",
        path="/trainings",
        name="createTraining",
        tag="Trainings",
        handler=API.train,
        summary="Train an avatar",
        about=f"Uses the samples of a profile and a person's consent. {_ORDER}",
        body=NewTraining,
        parameters=(parameters.IDEMPOTENCY_KEY,),
        statuses=(201, 404, 409, 422),
        content={201: schemas.TrainingAnswer},
        headers={
            201: {"Location": parameters.LOCATION, "Idempotent-Replayed": parameters.REPLAYED}
        },
    ),
    Route(
        method="GET",
        path="/trainings",
        name="listTrainings",
        tag="Trainings",
        handler=API.trainings,
        summary="List trainings",
        about="Newest first.",
        parameters=parameters.RECORDS,
        content={200: schemas.TrainingsAnswer},
    ),
    *_record_routes("training", schemas.TrainingAnswer, schemas.TrainingEventAnswer),
    Route(
        method="POST",
        path="/trainings/{training_id}/videos",
        name="createVideo",
        tag="Videos",
        handler=API.speak,
        summary="Generate a video",
        about="The trained avatar, or a stock avatar of its vendor, speaks the text or the scenes. "
        f"{_ORDER}",
        body=NewVideo,
        parameters=(parameters.IDEMPOTENCY_KEY,),
        statuses=(201, 404, 409, 422),
        content={201: schemas.VideoAnswer},
        headers={
            201: {"Location": parameters.LOCATION, "Idempotent-Replayed": parameters.REPLAYED}
        },
    ),
    Route(
        method="GET",
        path="/trainings/{training_id}/videos",
        name="listTrainingVideos",
        tag="Videos",
        handler=API.videos,
        summary="List the videos of a training",
        about="Newest first.",
        parameters=parameters.PAGE,
        statuses=(200, 404),
        content={200: schemas.VideosAnswer},
    ),
    Route(
        method="GET",
        path="/videos",
        name="listVideos",
        tag="Videos",
        handler=API.videos,
        summary="List videos",
        about="Newest first, dubs too.",
        parameters=parameters.RECORDS,
        content={200: schemas.VideosAnswer},
    ),
    Route(
        method="POST",
        path="/dubs",
        name="createDubs",
        tag="Videos",
        handler=dubs.create,
        summary="Dub a video into other languages",
        about="An uploaded video, or a finished one of yours, is said again in each language: a "
        f"video for each, paid and retried apart from the others. {_ORDER}",
        body=NewDubs,
        parameters=(parameters.IDEMPOTENCY_KEY,),
        statuses=(201, 404, 409, 422),
        content={201: schemas.VideosAnswer},
        headers={
            201: {"Location": parameters.LOCATION, "Idempotent-Replayed": parameters.REPLAYED}
        },
    ),
    *_record_routes("video", schemas.VideoAnswer, schemas.VideoEventAnswer),
    *(
        Route(
            method="GET",
            path=f"/catalogue/{{provider}}/{kind}",
            name=f"listStock{kind.capitalize()}",
            tag="Catalogue",
            handler=handler,
            summary=f"List a vendor's stock {kind}",
            about="What the account itself made is left out: it shows other users.",
            parameters=catalogue.FILTERS,
            statuses=(200, 404, 422, 502),
            content={200: catalogue.CatalogueAnswer},
        )
        for kind, handler in (("avatars", catalogue.avatars), ("voices", catalogue.voices))
    ),
    Route(
        method="GET",
        path="/consents",
        name="listConsents",
        tag="Consents",
        handler=API.consents,
        summary="List consents",
        about="Withdrawn and expired ones too.",
        content={200: schemas.ConsentsAnswer},
    ),
    Route(
        method="POST",
        path="/consents",
        name="createConsent",
        tag="Consents",
        handler=API.give_consent,
        summary="Store a consent",
        about="The same consent is stored once. Name its ID in a training as `consent_id`.",
        body=NewConsent,
        statuses=(201, 413, 422),
        content={201: schemas.ConsentAnswer},
        headers={201: {"Location": parameters.LOCATION}},
    ),
    Route(
        method="GET",
        path="/consents/{consent_id}",
        name="getConsent",
        tag="Consents",
        handler=API.consent,
        summary="Get a consent",
        about="Without its wording.",
        statuses=(200, 404),
        content={200: schemas.ConsentAnswer},
    ),
    Route(
        method="DELETE",
        path="/consents/{consent_id}",
        name="withdrawConsent",
        tag="Consents",
        handler=API.withdraw_consent,
        summary="Withdraw a consent",
        about="Nothing new is made by it, and unfinished work is cancelled. What is finished "
        "remains until it is deleted. The consent stays in the list as withdrawn.",
        statuses=(200, 404),
        content={200: schemas.WithdrawalAnswer},
    ),
    Route(
        method="DELETE",
        path="/consents/{consent_id}/evidence",
        name="deleteEvidence",
        tag="Consents",
        handler=API.drop_evidence,
        summary="Delete the evidence of a consent",
        about="Refused while an unfinished training or video relies on it.",
        statuses=(204, 404, 409),
    ),
    Route(
        method="POST",
        path="/erasures",
        name="createErasure",
        tag="Consents",
        handler=API.erase,
        summary="Erase all of your data",
        about="Deletes records, samples, consents, files and the providers' copies. Workers go on "
        "with what a provider refuses for the moment.",
        body=NewErasure,
        statuses=(201,),
        content={201: schemas.ErasureAnswer},
        headers={201: {"Location": parameters.LOCATION}},
    ),
    Route(
        method="GET",
        path="/erasures/{erasure_id}",
        name="getErasure",
        tag="Consents",
        handler=API.erasure,
        summary="Get the state of an erasure",
        about="Computed from what remains; `deleted` counts records only.",
        statuses=(200, 404),
        content={200: schemas.ErasureAnswer},
    ),
    Route(
        method="GET",
        path="/events",
        name="watchRecords",
        tag="Events",
        handler=API.all_events,
        summary="Watch all unfinished records",
        about=f"{_STREAM} First each unfinished training and video, then every change of one, "
        "and of those that you make later. The stream does not end by itself.",
        event=schemas.RecordEventAnswer,
        media_type="text/event-stream",
    ),
    Route(
        method="GET",
        path="/deliveries",
        name="listDeliveries",
        tag="Events",
        handler=API.deliveries,
        summary="List webhook deliveries",
        about="Deliveries for your records, newest first, without their payloads.",
        parameters=parameters.PAGE,
        content={200: schemas.DeliveriesAnswer},
    ),
    Route(
        method="GET",
        path="/me",
        name="getUser",
        tag="Server",
        handler=operators.me,
        summary="Get the user who is signed in",
        about="Tells if the routes of the tag Operators may be called.",
        content={200: operators.UserAnswer},
    ),
    Route(
        method="GET",
        path="/operator/deliveries",
        name="listAllDeliveries",
        tag="Operators",
        handler=operators.deliveries,
        summary="List webhook deliveries of all users",
        about="Newest first, with the records that they are about, without their payloads.",
        parameters=operators.DELIVERIES,
        content={200: operators.OperatorDeliveriesAnswer},
        operators=True,
    ),
    Route(
        method="GET",
        path="/operator/payload",
        name="getDeliveryPayload",
        tag="Operators",
        handler=operators.payload,
        summary="Get the payload of a delivery",
        about="Secrets and the query strings of links are left out.",
        parameters=operators.DELIVERY,
        statuses=(200, 404),
        content={200: operators.PayloadAnswer},
        operators=True,
    ),
    Route(
        method="POST",
        path="/operator/replays",
        name="replayDelivery",
        tag="Operators",
        handler=operators.replay,
        summary="Apply a delivery again",
        about="Applying it twice is the same as once; nothing is paid for.",
        body=Replay,
        statuses=(200, 404),
        content={200: operators.OperatorDeliveryAnswer},
        operators=True,
    ),
    Route(
        method="GET",
        path="/operator/backlog",
        name="listBacklog",
        tag="Operators",
        handler=operators.backlog,
        summary="List the backlog of workers",
        about="Unfinished records of all users, by the provider that they wait for.",
        content={200: operators.BacklogsAnswer},
        operators=True,
    ),
    Route(
        method="GET",
        path="/operator/spending",
        name="getSpending",
        tag="Operators",
        handler=operators.spending,
        summary="Get this month's spending",
        about="Expected cost of the month's records of all users, and the project's budgets.",
        content={200: operators.SpendingAnswer},
        operators=True,
    ),
    Route(
        method="GET",
        path="/operator/checks",
        name="listChecks",
        tag="Operators",
        handler=operators.checks,
        summary="Check the deployment",
        about="Database, media store, the stack's providers, and ends of vendors' services. "
        "Sends nothing to a vendor.",
        content={200: operators.ChecksAnswer},
        operators=True,
    ),
)

#: Public routes: opened by a signed link, or without any user's data.
OPEN: tuple[Route, ...] = (
    Route(
        method="POST",
        path="/handovers/token",
        name="createHandoverToken",
        tag="Clones",
        handler=handovers.claim,
        summary="Open the link of a hand-over",
        about="Send what stands after `#` in the link as the bearer token. It is exchanged once, "
        "for a token that is valid for one upload.",
        statuses=(201, 401, 429),
        content={201: handovers.HandoverClaimAnswer},
        signed_in=False,
    ),
    Route(
        method="GET",
        path="/media/{key:path}",
        name="getMedia",
        tag="Server",
        handler=API.media,
        summary="Download a result",
        about="Opened by the signed links of a record; needs no token.",
        parameters=(
            parameters.query("expires", "Part of the link.", required=True),
            parameters.query("signature", "Part of the link.", required=True),
            parameters.RANGE,
        ),
        statuses=(200, 206, 307, 404, 416),
        texts=(400, 416),  # Starlette answers invalid ranges itself
        headers={307: {"Location": parameters.ELSEWHERE}},
        media_type="*/*",
        signed_in=False,
    ),
    Route(
        method="GET",
        path="/errors/{code}",
        name="getErrorExplanation",
        tag="Server",
        handler=API.error_code,
        summary="Explain an error code",
        about="`docs` of every error leads here.",
        statuses=(200, 404),
        content={200: schemas.ErrorExplanationAnswer},
        signed_in=False,
    ),
    Route(
        method="GET",
        path="/health",
        name="getHealth",
        tag="Server",
        handler=API.health,
        summary="Check the server",
        about="Answers 503 within three seconds if the database does not respond.",
        content={200: schemas.HealthAnswer},
        signed_in=False,
    ),
)
