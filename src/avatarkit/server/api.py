"""The routes: what an application's users may do, each with their own things only."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal, cast
from uuid import uuid4

import anyio
import anyio.to_thread
from pydantic import BaseModel
from sse_starlette import EventSourceResponse
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse

from .. import json_views
from ..errors import Conflict, MediaRejected, NotFound
from ..interfaces import LogEntry
from ..json_views import quote_shape
from ..kit import AvatarKit
from ..media import signing
from ..models import media_type_of
from ..records import Sample, Status, Training, Video
from . import answers
from .bodies import Answer, BadBody, LinkedSample, NewTraining, NewVideo, clone_named, read
from .live import Hub
from .uploads import MAX_BYTES, Allowance, AllowanceExceeded, Uploads

__all__ = ["API", "OPEN", "ROUTES", "Route"]

#: Seconds that a link to a result lives: as long as a person may look at one page.
_LINK = 6 * 3600

#: What a stored file may do where it is opened by itself: be seen and heard, and run nothing.
_UPLOADED = "default-src 'none'; img-src 'self'; media-src 'self'; sandbox"

#: Seconds between heartbeats: less than any proxy waits.
PING = 15

_KINDS = {"trainings": Training, "videos": Video}

Handler = Callable[[Any, Request, str], Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One route, as it is served and as the OpenAPI document tells of it.

    ``holds`` are the types of its answers in JSON, by status; an error that is not named there
    holds an ``answers.Error``, unless it is among ``texts``. ``headers`` are those of answers, by
    status.
    """

    method: Literal["GET", "POST", "PUT", "DELETE", "HEAD"]
    path: str
    name: str
    summary: str
    body: type[BaseModel] | None = None
    parameters: tuple[Mapping[str, Any], ...] = ()
    answers: tuple[int, ...] = (200,)
    holds: Mapping[int, Any] = field(default_factory=dict)
    texts: tuple[int, ...] = ()  #: statuses that are answered with plain text
    headers: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    media_type: str = "application/json"  #: of what is no JSON, sent or answered
    signed_in: bool = True  #: whether it is a user's, or whoever asks is answered


def _query(name: str, about: str, **schema: Any) -> Mapping[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": schema.pop("required", False),
        "description": about,
        "schema": {"type": "string", **schema},
    }


def _header(name: str, about: str, **schema: Any) -> Mapping[str, Any]:
    return {**_query(name, about, **schema), "in": "header"}


#: What a quote is asked for, at most: trainings, videos or dubs a month, and of each video the
#: characters or the seconds.
_MOST, _SCRIPT, _SECONDS = 1_000_000, 20_000, 86_400
_PAGED = (
    _query("cursor", "Where the page before this one ended."),
    _query("limit", "At most so many.", type="integer", minimum=1, maximum=200),
)
_KEY = _header(
    "Idempotency-Key",
    "The same key gives the same record: the first request counts, whatever a later one says.",
    maxLength=200,
)
_LENGTH = _header(
    "Upload-Length", "Bytes of the whole file.", type="integer", minimum=1, required=True
)
_OFFSET = _header("Upload-Offset", "Bytes that are there already.", type="integer", minimum=0)
_GOES_ON = {
    "description": "Bytes that are there: where the upload goes on.",
    "schema": {"type": "integer", "minimum": 0},
}
_WHOLE = {
    "description": "Bytes of a file of that name that is whole, and waits to be used.",
    "schema": {"type": "integer", "minimum": 1},
}
_STACK = _query("stack", "Whose limits the findings are of; by default the server's own stack.")
_LAST = _header("Last-Event-ID", "The last event that was seen.")

_UPLOAD = "/clones/{clone_id}/samples/{role}/{name}"

ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/stacks",
        name="stacks",
        summary="The stacks that can be chosen.",
        holds={200: answers.Stacks},
    ),
    Route(
        method="GET",
        path="/quote",
        name="quote",
        summary="What a month's work costs on a stack, by rows with a date.",
        parameters=(
            _query("stack", "By default what this server is set up with.", maxLength=200),
            _query("script", "What each video says, or else:", minLength=1, maxLength=_SCRIPT),
            _query(
                "seconds",
                "How long each video is; a minute if nothing is said.",
                type="number",
                exclusiveMinimum=0,
                maximum=_SECONDS,
            ),
            *(
                _query(name, about, type="integer", minimum=0, maximum=_MOST)
                for name, about in (
                    ("trainings", "Avatars a month; 1 if nothing is said."),
                    ("videos", "Videos a month; 1 if nothing is said."),
                    ("dubs", "Dubbed videos a month; none if nothing is said."),
                )
            ),
        ),
        answers=(200, 422),
        holds={200: answers.Quote},
    ),
    Route(
        method="GET",
        path="/clones/{clone_id}/samples",
        name="samples",
        summary="The stored samples of a clone.",
        answers=(200, 404, 422),
        holds={200: answers.Samples},
    ),
    Route(
        method="POST",
        path="/clones/{clone_id}/samples",
        name="fetch_sample",
        summary="Fetch a sample from a public https address.",
        body=LinkedSample,
        answers=(201, 404, 413, 422, 502),
        holds={201: answers.Taken},
    ),
    Route(
        method="PUT",
        path=_UPLOAD,
        name="upload",
        summary="Send a sample, or the rest of it; role is voice, footage, evidence or recording.",
        parameters=(_LENGTH, _OFFSET, _STACK),
        answers=(200, 201, 404, 409, 413, 422),
        holds={
            200: answers.Progress,
            201: answers.Taken | answers.Waiting,
            422: answers.Refused | answers.Error,
        },
        headers={409: {"Upload-Offset": _GOES_ON}},
        media_type="application/octet-stream",
    ),
    Route(
        method="HEAD",
        path=_UPLOAD,
        name="uploaded",
        summary="How much of an upload is there; of evidence that waits, its length.",
        answers=(204, 404),
        headers={204: {"Upload-Offset": _GOES_ON | {"required": True}, "Upload-Length": _WHOLE}},
    ),
    Route(
        method="DELETE",
        path="/clones/{clone_id}/samples/{sample_id}",
        name="drop_sample",
        summary="Remove a stored sample.",
        answers=(204, 404, 409, 422),
    ),
    Route(
        method="POST",
        path="/trainings",
        name="train",
        summary="Train an avatar from a clone's stored samples.",
        body=NewTraining,
        parameters=(_KEY,),
        answers=(201, 404, 409, 422),
        holds={201: answers.Started},
    ),
    Route(
        method="GET",
        path="/trainings",
        name="trainings",
        summary="Your trainings, newest first.",
        parameters=(
            *_PAGED,
            _query("status", "Only of this status.", enum=[str(s) for s in Status]),
            _query("clone_id", "Only of this clone."),
        ),
        answers=(200, 422),
        holds={200: answers.Trainings},
    ),
    *(
        route
        for kind, record, shown, removed in (
            (
                "trainings",
                answers.Training,
                answers.Timed,
                "Remove it and its videos, here and at the vendors.",
            ),
            ("videos", answers.Video, answers.Video, "Remove it, here and at the vendors."),
        )
        for route in (
            Route(
                method="GET",
                path=f"/{kind}/{{id}}",
                name=f"get_{kind}",
                summary="One of them.",
                answers=(200, 404),
                holds={200: shown},
            ),
            Route(
                method="GET",
                path=f"/{kind}/{{id}}/events",
                name=f"events_{kind}",
                summary="Its changes as server-sent events, until it is final.",
                parameters=(_LAST,),
                answers=(200, 204, 404),
                media_type="text/event-stream",
            ),
            Route(
                method="POST",
                path=f"/{kind}/{{id}}/action",
                name=f"act_{kind}",
                summary="Answer what it asks.",
                body=Answer,
                answers=(200, 404, 409, 422),
                holds={200: record},
            ),
            Route(
                method="POST",
                path=f"/{kind}/{{id}}/cancel",
                name=f"cancel_{kind}",
                summary="Stop it; nothing new is paid for.",
                answers=(200, 404, 409),
                holds={200: record},
            ),
            Route(
                method="DELETE",
                path=f"/{kind}/{{id}}",
                name=f"delete_{kind}",
                summary=removed,
                answers=(204, 404),
            ),
        )
    ),
    Route(
        method="POST",
        path="/trainings/{id}/videos",
        name="speak",
        summary="Let the avatar say something.",
        body=NewVideo,
        parameters=(_KEY,),
        answers=(201, 404, 409, 422),
        holds={201: answers.Video},
    ),
    Route(
        method="GET",
        path="/trainings/{id}/videos",
        name="videos",
        summary="Its videos, newest first.",
        parameters=_PAGED,
        answers=(200, 404, 422),
        holds={200: answers.Videos},
    ),
    Route(
        method="GET",
        path="/deliveries",
        name="deliveries",
        summary="What vendors have told about your things, newest first.",
        parameters=_PAGED,
        answers=(200, 422),
        holds={200: answers.Deliveries},
    ),
)

#: What is nobody's: a signed link opens it, or it tells nothing of anybody.
OPEN: tuple[Route, ...] = (
    Route(
        method="GET",
        path="/media/{key:path}",
        name="media",
        summary="A stored file, or a range of it, by a link that an answer held.",
        parameters=(
            _query("expires", "Of the link.", required=True),
            _query("signature", "Of the link.", required=True),
            _header("Range", "Which bytes: bytes=<first>-<last>."),
        ),
        answers=(200, 206, 307, 404, 416),
        texts=(400, 416),  # of ranges, which Starlette answers itself
        headers={
            307: {"Location": {"required": True, "schema": {"type": "string", "format": "uri"}}}
        },
        media_type="*/*",
        signed_in=False,
    ),
    Route(
        method="GET",
        path="/health",
        name="health",
        summary="Whether the server answers, and its database.",
        holds={200: answers.Health},
        signed_in=False,
    ),
)


@dataclass(slots=True)
class API:
    """Answers the routes for a user; ``link_secret`` signs links to results."""

    kit: AvatarKit
    uploads: Uploads
    choices: Callable[[], Awaitable[list[dict[str, Any]]]]  #: the stacks, as they are told
    link_secret: bytes = field(repr=False)
    allowance: Allowance
    hub: Hub = field(init=False)

    def __post_init__(self) -> None:
        self.hub = Hub(self.kit, self.shape)

    # -- shapes -------------------------------------------------------------------------------

    def shape(self, record: Training | Video) -> dict[str, Any]:
        """What is told of a record: as the command line does, with links to its results."""
        links = {name: self._link(file.key) for name, file in record.files.items()}
        return json_views.record_shape(record) | {"links": links, "version": record.version}

    def _link(self, key: str) -> str:
        """A link to a stored result, relative to the app, for elements that send no headers."""
        expires = (int(time.time()) // 3600 + 1) * 3600 + _LINK  # the same for an hour: cacheable
        return signing.link("", self.link_secret, key, expires).removeprefix("/")

    # -- samples ------------------------------------------------------------------------------

    async def stacks(self, request: Request, user: str) -> Response:
        """Stacks, and whether each can be used."""
        del request, user
        return JSONResponse({"stacks": await self.choices()})

    async def quote(self, request: Request, user: str) -> Response:
        """What ``kit.prices.quote`` says; it is the same for everybody."""
        del user
        asked = request.query_params
        script = asked.get("script")
        if script is not None and not 0 < len(script) <= _SCRIPT:
            raise BadBody(f"script: give 1 to {_SCRIPT} characters")
        work = partial(
            self.kit.prices.quote,
            stack=asked.get("stack") or None,
            script=script,
            seconds=_seconds(request),
            trainings=_count(request, "trainings", 1),
            videos_per_month=_count(request, "videos", 1),
            dubs_per_month=_count(request, "dubs", 0),
        )
        found = await anyio.to_thread.run_sync(work)  # which may import providers
        return JSONResponse(quote_shape(found, datetime.now(UTC).date()))

    async def samples(self, request: Request, user: str) -> Response:
        """Stored samples, oldest first."""
        found = await self._stored(user, _clone(request))
        return _told(answers.Samples(samples=[_sample(s) for s in found]))

    async def _stored(self, user: str, clone_id: str) -> list[Sample]:
        """A clone's samples; none where it is another user's, as where there is no such clone."""
        try:
            return await self.kit.samples(user_id=user, clone_id=clone_id)
        except NotFound:
            return []

    async def fetch_sample(self, request: Request, user: str) -> Response:
        """Fetch a sample; private addresses are refused."""
        body = await read(request, LinkedSample)
        given: dict[str, Any] = {body.role: body.url}
        clone_id = _clone(request)
        path = self.uploads.place(user, "link", uuid4().hex, name="link")
        async with self.uploads.alone(path, MAX_BYTES):  # how long it is, it tells when it comes
            known = await self._require_room(user, path, 1)
            sample = await self.kit.add_sample(user_id=user, clone_id=clone_id, **given)
            try:
                await self._require_room(user, path, 0, files=0)
            except AllowanceExceeded:
                if sample.id not in known:
                    with suppress(NotFound, Conflict):  # gone already, or already of use
                        await self.kit.delete_sample(sample.id, user_id=user, clone_id=clone_id)
                raise
        return _told(answers.Taken(sample=_sample(sample), findings=[]), 201)

    def _place(self, request: Request, user: str) -> Path:
        role, name = request.path_params["role"], request.path_params["name"]
        if role not in {"voice", "footage", "evidence", "recording"}:
            raise NotFound("a role is voice, footage, evidence or recording")
        return self.uploads.place(user, _clone(request), role, name, name=name)

    async def uploaded(self, request: Request, user: str) -> Response:
        """Where an upload goes on; of a file that is whole and waits, how long it is."""
        path = self._place(request, user)
        headers = {"upload-offset": str(await self.uploads.received(path))}
        if (whole := await self.uploads.whole(path)) is not None:
            headers["upload-length"] = str(whole)
        return Response(status_code=204, headers=headers)

    async def upload(self, request: Request, user: str) -> Response:
        """Take a piece; of the last one the answer holds the sample, and what is wrong with it."""
        path = self._place(request, user)
        length, offset = _number(request, "upload-length"), _number(request, "upload-offset")
        if not length:
            raise BadBody("Upload-Length: give the number of bytes, at least 1")
        async with self.uploads.alone(path, length):
            await self._require_room(user, path, length)
            at = await self.uploads.write(path, offset, length, request.stream())
            if at < length:
                return _told(answers.Progress(offset=at))
            role = request.path_params["role"]
            if role in {"evidence", "recording"}:  # kept until it is named in a request
                return _told(answers.Waiting(offset=at), 201)
            try:
                return await self._taken(path, request, user, role)
            finally:
                await self.uploads.drop(path)

    async def _require_room(
        self, user: str, path: Path, length: int, *, files: int = 1
    ) -> frozenset[str]:
        """Ids of what a user keeps; raises ``AllowanceExceeded`` where so much more is too much.

        What is on its way to ``path`` is spoken of by ``length`` and ``files``.
        """
        kept = await self.kit.samples(user_id=user)
        coming, size = await self.uploads.held(user, beside=path)
        size += length + sum(sample.file.size for sample in kept)
        self.allowance.require(len(kept) + coming + files, size)
        return frozenset(sample.id for sample in kept)

    async def drop_sample(self, request: Request, user: str) -> Response:
        """Remove a sample."""
        sample_id = request.path_params["sample_id"]
        await self.kit.delete_sample(sample_id, user_id=user, clone_id=_clone(request))
        return Response(status_code=204)

    async def _taken(self, path: Path, request: Request, user: str, role: str) -> Response:
        given: dict[str, Any] = {role: path, "stack": request.query_params.get("stack") or None}
        sample, found = await self.kit.offer_sample(user_id=user, clone_id=_clone(request), **given)
        if sample is None:
            error = answers.Problem(type=MediaRejected.__name__, message="this file cannot be used")
            return _told(answers.Refused(error=error, findings=found), 422)
        return _told(answers.Taken(sample=_sample(sample), findings=found), 201)

    # -- trainings and videos -----------------------------------------------------------------

    async def _own(self, request: Request, user: str, *, watched: bool = False) -> Training | Video:
        """The record of the path; raises ``NotFound``, also where it is another user's.

        One that is ``watched`` need not be looked up.
        """
        path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
        kind = _KINDS[path.split("/")[1]]
        record_id = request.path_params["id"]
        known = self.hub.watched(record_id) if watched else None
        record = known or await self.kit.get(record_id)
        if record.user_id != user or not isinstance(record, kind):
            raise NotFound(f"there is no training or video {record_id!r}")
        return record

    async def train(self, request: Request, user: str) -> Response:
        """Start a training from stored samples."""
        body = await read(request, NewTraining)
        if not await self._stored(user, body.clone_id):
            raise MediaRejected("Missing voice or video samples: add them to the clone first")
        evidence: Path | None = None
        if body.consent is not None and body.consent.evidence is not None:
            name = body.consent.evidence
            evidence = self.uploads.place(user, body.clone_id, "evidence", name, name=name)
        said = str(evidence) if evidence else None
        consent = body.consent.consent(said) if body.consent else None
        training = await self.kit.train(
            user_id=user,
            clone_id=body.clone_id,
            stack=body.stack,
            name=body.name,
            language=body.language,
            consent=consent,
            idempotency_key=_key(request),
            max_cost=body.most,
        )
        _require_there(training)
        if evidence is not None:
            await self.uploads.drop(evidence)
        told = self.shape(training) | {"training_id": training.id}
        return JSONResponse(told | await self._estimated(training), 201)

    async def _estimated(self, record: Training | Video) -> dict[str, Any]:
        """How long a training takes, and what says so."""
        if not isinstance(record, Training):
            return {}
        return {"estimate": dataclasses.asdict(await self.kit.estimate(record))}

    async def trainings(self, request: Request, user: str) -> Response:
        """A page of trainings."""
        asked = request.query_params
        status = asked.get("status")
        if status is not None and status not in set(Status):
            raise BadBody(f"status: use {', '.join(Status)}")
        page = await self.kit.page(
            "training",
            user_id=user,
            clone_id=asked.get("clone_id"),
            status=Status(status) if status else None,
            **_paged(request),
        )
        return self._page("trainings", page.records, page.cursor)

    async def videos(self, request: Request, user: str) -> Response:
        """A page of a training's videos."""
        training = await self._own(request, user)
        page = await self.kit.page(
            "video", user_id=user, training_id=training.id, **_paged(request)
        )
        return self._page("videos", page.records, page.cursor)

    def _page(self, name: str, records: Sequence[Any], cursor: str | None) -> Response:
        return JSONResponse({name: [self.shape(r) for r in records], "cursor": cursor})

    async def get(self, request: Request, user: str) -> Response:
        """One record."""
        record = await self._own(request, user)
        return JSONResponse(self.shape(record) | await self._estimated(record))

    async def events(self, request: Request, user: str) -> Response:
        """Its changes, live; with the last version that was seen, what came after it."""
        record = await self._own(request, user, watched=True)
        if request.method == "HEAD":
            return Response(media_type="text/event-stream")
        last = request.headers.get("last-event-id", "")
        after = int(last) if last.isascii() and last.isdigit() and len(last) < 12 else -1
        if record.version < after:  # what is shared may be behind what another server has told
            record = await self._own(request, user)
        if record.version < after:  # an older database came back: that was another history
            after = -1
        if record.status.final and record.version <= after:
            return Response(status_code=204)  # which tells a browser not to come back
        changes = self.hub.changes(record.id, after)
        return EventSourceResponse(changes, ping=PING, headers={"cache-control": "no-store"})

    async def act(self, request: Request, user: str) -> Response:
        """Answer an action."""
        record = await self._own(request, user)
        body = await read(request, Answer)
        path: Path | None = None
        if body.recording is not None:
            name = body.recording
            path = self.uploads.place(user, record.clone_id, "recording", name, name=name)
            if not await anyio.Path(path).exists():
                raise NotFound(f"there is no upload {name!r}: send it with role recording first")
        done = await self.kit.resolve(record.id, body.choice, job_id=body.job_id, recording=path)
        if path is not None:
            await self.uploads.drop(path)
        return JSONResponse(self.shape(done))

    async def cancel(self, request: Request, user: str) -> Response:
        """Stop it."""
        record = await self._own(request, user)
        return JSONResponse(self.shape(await self.kit.cancel(record.id)))

    async def delete(self, request: Request, user: str) -> Response:
        """Remove it; of a training its videos, too."""
        record = await self._own(request, user)
        await self.kit.delete(record.id, with_videos=True)
        return Response(status_code=204)

    async def speak(self, request: Request, user: str) -> Response:
        """Start a video."""
        training = await self._own(request, user)
        body = await read(request, NewVideo)
        video = await self.kit.speak(
            training.id,
            body.text,
            wait=False,
            name=body.name,
            language=body.language,
            idempotency_key=_key(request),
            max_cost=body.most,
        )
        _require_there(video)
        return JSONResponse(self.shape(video), 201)

    async def deliveries(self, request: Request, user: str) -> Response:
        """What vendors told; payloads stay here."""
        page = await self.kit.webhooks.list(user_id=user, **_paged(request))
        shown = [_delivery(entry) for entry in page.entries]
        return _told(answers.Deliveries(deliveries=shown, cursor=page.cursor))

    # -- media --------------------------------------------------------------------------------

    async def media(self, request: Request, secrets: Sequence[bytes]) -> Response:
        """A stored file behind a signed link, in ranges where they are asked for."""
        key = request.path_params["key"]
        asked = request.query_params
        worth = signing.check(
            secrets, key, asked.get("expires", ""), asked.get("signature", ""), time.time()
        )
        if worth != "valid":
            expired = "the link has expired: load the page anew"
            raise NotFound(expired if worth == "expired" else "there is no such file")
        store = self.kit.admin.media
        stored = await store.stat(key)
        if stored is None:
            raise NotFound("that file is not there any more")
        kind = stored.media_type
        if kind == "application/octet-stream":
            kind = media_type_of(Path(key).suffix)
        inline = kind.startswith(("video/", "audio/", "image/")) and kind != "image/svg+xml"
        headers = {
            "content-disposition": "inline" if inline else "attachment",
            "cache-control": "private, max-age=3600",
            "content-security-policy": _UPLOADED,
        }
        if (path := store.path(key)) is not None:
            return FileResponse(path, media_type=kind, headers=headers)
        if (url := await store.url(key, 3600)) is not None:
            return Response(status_code=307, headers={"location": url, "cache-control": "no-store"})
        headers["content-length"] = str(stored.size)
        return StreamingResponse(store.open(key), media_type=kind, headers=headers)

    def handler(self, name: str) -> Handler:
        """The method that answers a route; of both kinds of records it is one."""
        plain = name.removesuffix("_trainings").removesuffix("_videos")
        return cast("Handler", getattr(type(self), plain))


def _require_there(record: Training | Video) -> None:
    """Raise ``Conflict`` where the record of an idempotency key was deleted."""
    if record.deleted:
        raise Conflict("what this Idempotency-Key has made is deleted: use a new key")


def _clone(request: Request) -> str:
    return clone_named(request.path_params["clone_id"])


def _number(request: Request, header: str) -> int | None:
    said = request.headers.get(header)
    if said is None:
        return None
    if not (said.isascii() and said.isdigit() and len(said) < 16):
        raise BadBody(f"{header.title()}: give a number of bytes")
    return int(said)


def _key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is not None and not 0 < len(key) <= 200:
        raise BadBody("Idempotency-Key: give 1 to 200 characters")
    return key


def _count(request: Request, name: str, default: int) -> int:
    said = request.query_params.get(name, str(default))
    if not (said.isascii() and said.isdigit() and len(said) < 9 and int(said) <= _MOST):
        raise BadBody(f"{name}: give a whole number from 0 to {_MOST}")
    return int(said)


def _seconds(request: Request) -> float | None:
    said = request.query_params.get("seconds")
    try:
        seconds = None if said is None else float(said)
    except ValueError:
        seconds = 0.0
    if seconds is not None and not 0 < seconds <= _SECONDS:
        raise BadBody(f"seconds: give a number above 0, at most {_SECONDS}")
    return seconds


def _paged(request: Request) -> dict[str, Any]:
    limit = request.query_params.get("limit", "50")
    if not (limit.isascii() and limit.isdigit() and len(limit) <= 3 and 1 <= int(limit) <= 200):
        raise BadBody("limit: give a number from 1 to 200")
    return {"cursor": request.query_params.get("cursor"), "limit": int(limit)}


def _told(answer: BaseModel, status: int = 200) -> Response:
    return JSONResponse(answer.model_dump(mode="json"), status)


def _sample(sample: Sample) -> answers.Sample:
    return answers.Sample(
        id=sample.id,
        clone_id=sample.clone_id,
        role=sample.role,
        name=sample.name,
        size=sample.file.size,
        media_type=sample.file.media_type,
        created_at=sample.created_at,
    )


def _delivery(entry: LogEntry) -> answers.Delivery:
    return answers.Delivery(
        provider=entry.provider,
        event_type=entry.event_type,
        record_id=entry.record_id,
        signed=entry.signed,
        outcome=entry.outcome,
        received_at=entry.received_at,
    )
