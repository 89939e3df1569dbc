"""Handlers of the HTTP API; each user sees their own records only."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import quote, urlencode
from uuid import uuid4

import anyio
import anyio.to_thread
from sse_starlette import EventSourceResponse
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse

from ..errors import ConfigError, Conflict, MediaRejected, NotFound
from ..intake.preflight import Finding
from ..intake.scenes import offered
from ..interfaces import Provider
from ..json_views import CostsView, QuoteView, RecordView, View
from ..kit import AvatarKit
from ..media import signing
from ..models import Consent, Operation, media_type_of
from ..records import Record, Sample, Training, Video
from ..stacks import registry
from . import erasures, parameters, schemas, stock
from .bodies import (
    ActionChoice,
    BadBody,
    ConsentedRequest,
    ConsentGiven,
    LinkedSample,
    NewConsent,
    NewErasure,
    NewTraining,
    NewVideo,
    read,
)
from .descriptions import ENUMS
from .error_answers import CODES, ErrorCode, RejectedSample
from .guards import RateLimit, RateLimiter
from .handover_store import Handovers
from .live import Hub
from .uploads import MAX_BYTES, Allowance, AllowanceExceeded, Upload, Uploads

V = TypeVar("V", bound=RecordView)

#: Roles of uploads that are kept, for a day, until a request names them.
NAMED_LATER = frozenset({"evidence", "recording", "source"})

#: Minimum lifetime in seconds of a link to a result.
_LINK = 6 * 3600

#: Content security policy of stored files: they may be shown and played, but run no script.
_UPLOADED = "default-src 'none'; img-src 'self'; media-src 'self'; sandbox"

_NO_SAMPLES = "Missing voice or video samples: add them to the clone first."

_DELETED = "This file was deleted."

#: Seconds between heartbeats of an event stream, below the idle timeout of common proxies.
PING = 15


@cache
def _class_of(name: str) -> type[Provider]:
    """Return the class of a provider; the search through installed packages takes time."""
    return cast("type[Provider]", registry.load(name))


@dataclass(slots=True)
class API:
    """Handlers of the routes.

    ``link_secrets`` sign links to results: the first one signs, all of them verify.
    """

    kit: AvatarKit
    uploads: Uploads
    link_secrets: Sequence[bytes] = field(repr=False)
    allowance: Allowance
    hub: Hub = field(init=False)
    handovers: Handovers = field(init=False)
    #: Refused secrets of hand-overs, of all clients together.
    refusals: RateLimiter = field(init=False)

    def __post_init__(self) -> None:
        self.handovers = Handovers(self.uploads.folder / "handovers")
        self.refusals = RateLimiter(RateLimit(30))
        self.hub = Hub(self.kit, lambda record, root: self._view(record, root).json_object())

    # -- views --------------------------------------------------------------------------------

    def _view(self, record: Training | Video, root: str, **more: Any) -> View:
        """Build the answer for a record; ``root`` is the path that the API is mounted at."""
        if isinstance(record, Training):
            return self.view_as(schemas.TrainingAnswer, record, root, **more)
        return self.view_as(schemas.VideoAnswer, record, root)

    def view_as(self, kind: type[V], record: Record, root: str, **more: Any) -> V:
        """Build the answer of a kind for a record, with its links."""
        known = schemas.LinksAnswer.model_fields
        links = {n: self._link(f.key, root) for n, f in record.files.items() if n in known}
        return kind.of(record, links=schemas.LinksAnswer(**links), **more)

    def _link(self, key: str, root: str) -> str:
        """Sign a link to a stored result, as a path from the server's root."""
        expires = (int(time.time()) // 3600 + 1) * 3600 + _LINK  # stable for an hour: cacheable
        return signing.link(root, self.link_secrets[0], key, expires)

    # -- stacks and prices --------------------------------------------------------------------

    async def stacks(self, request: Request, user: str) -> Response:
        """List stacks, and whether each can be used."""
        del request, user
        rows = await anyio.to_thread.run_sync(self._stacks)  # imports all providers: slow
        return json_answer(schemas.StacksAnswer(data=rows, **WHOLE))

    def _stacks(self) -> list[schemas.StackAnswer]:
        return [
            schemas.StackAnswer(
                stack=row.stack,
                how=row.how,
                ready=missing is None,
                problem=missing,
                quote=self._stack_quote(row.stack),
                settings=[
                    schemas.SettingAnswer.of(*found)
                    for found in registry.settings(row.roles, _class_of).items()
                ],
                scenes=self._scenes(row.roles),
                consent=[
                    schemas.ConsentRuleAnswer(provider=name, demands=rule.demands, text=rule.text)
                    for name in sorted({*row.roles.values()})
                    for rule in _class_of(name).consent_rules
                ],
            )
            for row, missing in self.kit.admin.stacks()
            if "fake" not in row.roles.values()
        ]

    def _scenes(self, roles: Mapping[Operation, str]) -> schemas.SceneSupportAnswer | None:
        found = offered(roles, _class_of)
        return None if found is None else schemas.SceneSupportAnswer.of(found)

    def _stack_quote(self, stack: str) -> schemas.StackQuoteAnswer | None:
        """Quote an avatar and a minute of video a month; None if the price file is invalid."""
        try:
            found = self.kit.prices.quote(stack=stack)
        except ConfigError:  # GET /quote reports it
            return None
        expected = CostsView.of(found.expected)
        return schemas.StackQuoteAnswer(expected=expected, oldest=found.read)

    async def quote(self, request: Request, user: str) -> Response:
        """Estimate a month's cost; the same for every user."""
        del user
        work = partial(
            self.kit.prices.quote,
            stack=request.query_params.get("stack") or None,
            script=parameters.script(request),
            seconds=parameters.seconds(request),
            trainings=parameters.count(request, "trainings", 1),
            videos_per_month=parameters.count(request, "videos", 1),
            dubs_per_month=parameters.count(request, "dubs", 0),
            settings=parameters.settings(request),
        )
        found = await anyio.to_thread.run_sync(work)  # may import providers
        return json_answer(QuoteView.of(found, datetime.now(UTC).date()))

    # -- samples ------------------------------------------------------------------------------

    async def samples(self, request: Request, user: str) -> Response:
        """List stored samples, oldest first."""
        found = await self.stored(user, parameters.clone_id(request))
        shown = [schemas.SampleAnswer.of(sample) for sample in found]
        return json_answer(schemas.SamplesAnswer(data=shown, **WHOLE))

    async def clones(self, request: Request, user: str) -> Response:
        """List avatar profiles that have a sample or a training."""
        del request
        found: dict[str, list[tuple[str, float, float]]] = {}
        for sample in await self.kit.samples(user_id=user):
            at = sample.created_at
            found.setdefault(sample.clone_id, []).append(("sample", at, at))
        async for record in self._trainings(user):
            of = "training", record.created_at, record.updated_at
            found.setdefault(record.clone_id, []).append(of)
        shown = [schemas.CloneAnswer.of(clone_id, rows) for clone_id, rows in found.items()]
        shown.sort(key=lambda clone: clone.updated_at, reverse=True)
        return json_answer(schemas.ClonesAnswer(data=shown, **WHOLE))

    async def _trainings(self, user: str) -> AsyncIterator[Training]:
        cursor: str | None = None
        while True:
            page = await self.kit.page("training", user_id=user, cursor=cursor, limit=200)
            for record in page.records:
                yield record
            if (cursor := page.cursor) is None:
                return

    async def sample_content(self, request: Request, user: str) -> Response:
        """Return the file of a stored sample, or the requested range of it."""
        sample_id = request.path_params["sample_id"]
        found = await self.stored(user, parameters.clone_id(request))
        sample = next((s for s in found if s.id == sample_id), None)
        if sample is None:
            raise NotFound(f"there is no sample {sample_id!r}")
        return await self._file(sample.file.key, request)

    async def stored(self, user: str, clone_id: str) -> list[Sample]:
        """Return a clone's samples; empty for another user's clone, as for an unknown one."""
        try:
            return await self.kit.samples(user_id=user, clone_id=clone_id)
        except NotFound:
            return []

    async def fetch_sample(self, request: Request, user: str) -> Response:
        """Fetch a sample from a link; private addresses are rejected."""
        body = await read(request, LinkedSample)
        given: dict[str, Any] = {body.role: body.url}
        clone_id = parameters.clone_id(request)
        path = self.uploads.place(user, "link", uuid4().hex, name="link")
        async with self.uploads.alone(path, MAX_BYTES):  # the length is unknown until it arrives
            known = await self._require_room(user, path, 1)
            sample = await self.kit.add_sample(user_id=user, clone_id=clone_id, **given)
            try:
                await self._require_room(user, path, 0, files=0)
            except AllowanceExceeded:
                if sample.id not in known:
                    with suppress(NotFound, Conflict):  # already deleted, or already in use
                        await self.kit.delete_sample(sample.id, user_id=user, clone_id=clone_id)
                raise
        return _uploaded(sample, [], request)

    def place(self, user: str, clone_id: str, role: str, name: str) -> Path:
        """Return the path of an upload; raise ``NotFound`` or ``BadBody`` for no such one."""
        if role not in ENUMS["UploadRole"]:
            raise NotFound(f"Unknown role: use {', '.join(ENUMS['UploadRole'])}.")
        if name in {".", ".."}:
            raise BadBody("A file cannot be called '.' or '..': name it, for example, voice.wav.")
        return self.uploads.place(user, clone_id, role, name, name=name)

    async def upload(self, request: Request, user: str) -> Response:
        """Store a whole file, and validate it if it is a sample."""
        clone_id, role = parameters.clone_id(request), request.path_params["role"]
        path = self.place(user, clone_id, role, request.path_params["name"])
        length = parameters.file_length(request, "content-length")
        stack = request.query_params.get("stack") or None
        async with self.begun(user, path, role, length):
            upload = await self.uploads.begin(path, length, stack)
            try:
                received = await self.uploads.write(path, upload, 0, request.stream())
            except ClientDisconnect:
                await self.uploads.drop(path)  # cannot be continued
                raise
            if received < length:
                await self.uploads.drop(path)
                raise BadBody("Content-Length: the body is shorter", "Content-Length")
            if role in NAMED_LATER:
                return json_answer(upload_view(length), 201)
            try:
                sample, found = await self.offer(path, upload, user, clone_id, role)
            finally:
                await self.uploads.drop(path)
        if sample is None:
            raise RejectedSample(found)
        return _uploaded(sample, found, request)

    @asynccontextmanager
    async def begun(self, user: str, path: Path, role: str, length: int) -> AsyncGenerator[None]:
        """Lock a new upload; raise ``AllowanceExceeded`` if the user has no room for it."""
        if role == "evidence":
            self.allowance.require_evidence(length)
        async with self.uploads.alone(path, length):
            await self._require_room(user, path, length)
            yield

    async def offer(
        self, path: Path, upload: Upload, user: str, clone_id: str, role: str
    ) -> tuple[Sample | None, Sequence[Finding]]:
        """Validate an uploaded sample, and store it if it can be used."""
        given: dict[str, Any] = {role: path, "stack": upload.stack}
        return await self.kit.offer_sample(user_id=user, clone_id=clone_id, **given)

    async def _require_room(
        self, user: str, path: Path, length: int, *, files: int = 1
    ) -> frozenset[str]:
        """Return the IDs of a user's samples; raise ``AllowanceExceeded`` if one more is too much.

        ``length`` and ``files`` are the size and number of what is on its way to ``path``.
        """
        kept = await self.kit.samples(user_id=user)
        consents = await self.kit.consents(user_id=user)
        evidence = {c.evidence_file.key: c.evidence_file.size for c in consents if c.evidence_file}
        coming, size = await self.uploads.held(user, beside=path)
        size += length + sum(sample.file.size for sample in kept) + sum(evidence.values())
        self.allowance.require(len(kept) + len(evidence) + coming + files, size)
        return frozenset(sample.id for sample in kept)

    async def drop_sample(self, request: Request, user: str) -> Response:
        """Delete a sample."""
        sample_id, clone_id = request.path_params["sample_id"], parameters.clone_id(request)
        await self.kit.delete_sample(sample_id, user_id=user, clone_id=clone_id)
        return Response(status_code=204)

    # -- trainings and videos -----------------------------------------------------------------

    async def _own(self, request: Request, user: str, *, watched: bool = False) -> Training | Video:
        """Return the record of the path; raise ``NotFound`` for another user's record too.

        ``watched``: a record that is being watched is taken from memory.
        """
        ((name, record_id),) = request.path_params.items()
        known = self.hub.watched(record_id) if watched else None
        try:
            record = known or await self.kit.get(record_id)
        except NotFound:
            raise NotFound(f"there is no {name.removesuffix('_id')} {record_id!r}") from None
        if record.user_id != user or name != f"{record.kind}_id":
            raise NotFound(f"there is no {name.removesuffix('_id')} {record_id!r}")
        return record

    async def train(self, request: Request, user: str) -> Response:
        """Start a training from stored samples."""
        body, begun = await read(request, NewTraining), await self.kit.admin.now()
        evidence, consent = await self.agreed(body, user, body.clone_id)
        try:
            training = await self.kit.train(
                user_id=user,
                clone_id=body.clone_id,
                stack=body.stack,
                name=body.name,
                language=body.language,
                consent=consent,
                look_of=await self._person(user, body.look_of),
                purpose=body.purpose,
                idempotency_key=parameters.idempotency_key(request),
                max_cost=body.most,
            )
        except (NotFound, MediaRejected):
            if await self.stored(user, body.clone_id):
                raise
            raise MediaRejected(_NO_SAMPLES) from None  # the same for another user's clone
        if evidence is not None:
            await self.uploads.drop(evidence)
        estimate = await self.kit.estimate(training)
        answer = self._view(training, _root(request), estimate=estimate)
        return ordered(created(answer, f"/trainings/{training.id}", request), training, begun)

    async def _person(self, user: str, training_id: str | None) -> Training | None:
        """Return the training that gets another look; raise ``NotFound`` for another user's too."""
        if training_id is None:
            return None
        with suppress(NotFound):
            record = await self.kit.get(training_id)
            if record.user_id == user and isinstance(record, Training):
                return record
        raise BadBody(f"look_of: there is no training {training_id!r}", "look_of")

    async def agreed(
        self, body: ConsentedRequest, user: str, clone_id: str
    ) -> tuple[Path | None, Consent | None]:
        """Return the consent of an order, and the path of its evidence if that was uploaded."""
        if body.consent_id is not None:
            if body.consent is not None:
                raise BadBody("send either consent or consent_id", "consent_id")
            return None, await self.stored_consent(user, body.consent_id)
        if body.consent is None:
            return None, None
        evidence = self._evidence(user, clone_id, body.consent)
        return evidence, body.consent.consent(None if evidence is None else str(evidence))

    def _evidence(self, user: str, clone_id: str, consent: ConsentGiven) -> Path | None:
        name = consent.evidence
        if name is None:
            return None
        return self.uploads.place(user, clone_id, "evidence", name, name=name)

    async def trainings(self, request: Request, user: str) -> Response:
        """List a page of trainings."""
        page = await self.kit.page("training", user_id=user, **parameters.records(request))
        root = _root(request)
        shown = [self.view_as(schemas.TrainingAnswer, record, root) for record in page.records]
        return json_answer(schemas.TrainingsAnswer(data=shown, **paged(page.cursor)))

    async def videos(self, request: Request, user: str) -> Response:
        """List a page of videos, dubs too, or of a training's videos."""
        if "training_id" in request.path_params:
            training = await self._own(request, user)
            asked = parameters.page(request)
            asked["training_id"] = training.id
        else:
            asked = parameters.records(request)
        page = await self.kit.page("video", user_id=user, **asked)
        root = _root(request)
        shown = [self.view_as(schemas.VideoAnswer, record, root) for record in page.records]
        return json_answer(schemas.VideosAnswer(data=shown, **paged(page.cursor)))

    async def get(self, request: Request, user: str) -> Response:
        """Return one record, a training with its typical duration."""
        record = await self._own(request, user)
        if not isinstance(record, Training):
            return json_answer(self._view(record, _root(request)))
        estimate = await self.kit.estimate(record)
        return json_answer(self._view(record, _root(request), estimate=estimate))

    async def events(self, request: Request, user: str) -> Response:
        """Stream changes; with Last-Event-ID only those after that version."""
        record = await self._own(request, user, watched=True)
        if request.method == "HEAD":
            return Response(media_type="text/event-stream")
        after = parameters.last_event(request)
        if record.version < after:  # this server's copy may be older than another server's event
            record = await self._own(request, user)
        if record.version < after:  # an older database was restored: those events are void
            after = -1
        if record.status.final and record.version <= after:
            return Response(status_code=204)  # a browser's EventSource then stops reconnecting
        changes = self.hub.changes(record.id, after, _root(request))
        return EventSourceResponse(changes, ping=PING, headers={"cache-control": "no-store"})

    async def all_events(self, request: Request, user: str) -> Response:
        """Stream changes of all unfinished records of the user."""
        if request.method == "HEAD":
            return Response(media_type="text/event-stream")
        changes = self.hub.changes_of(user, _root(request))
        return EventSourceResponse(changes, ping=PING, headers={"cache-control": "no-store"})

    async def act(self, request: Request, user: str) -> Response:
        """Answer a required action."""
        record = await self._own(request, user)
        body = await read(request, ActionChoice)
        path: Path | None = None
        if body.recording is not None:
            name = body.recording
            path = self.uploads.place(user, record.clone_id, "recording", name, name=name)
            if not await anyio.Path(path).exists():
                raise NotFound(f"No upload named {name!r}: upload it with role recording first.")
        done = await self.kit.resolve(record.id, body.choice, job_id=body.job_id, recording=path)
        if path is not None:
            await self.uploads.drop(path)
        return json_answer(self._view(done, _root(request)))

    async def cancel(self, request: Request, user: str) -> Response:
        """Cancel a record."""
        record = await self._own(request, user)
        return json_answer(self._view(await self.kit.cancel(record.id), _root(request)))

    async def delete(self, request: Request, user: str) -> Response:
        """Delete a record, a training with its videos."""
        record = await self._own(request, user)
        await self.kit.delete(record.id, with_videos=True)
        return Response(status_code=204)

    async def speak(self, request: Request, user: str) -> Response:
        """Start a video."""
        training = await self._own(request, user)
        body, begun = await read(request, NewVideo), await self.kit.admin.now()
        catalogue = self.kit.catalogue
        video = await self.kit.speak(
            training.id,
            body.text,
            scenes=await stock.scenes(catalogue, training, body),
            avatar=await stock.entry(catalogue, "avatar", body.avatar),
            voice=await stock.entry(catalogue, "voice", body.voice),
            wait=False,
            name=body.name,
            language=body.language,
            settings=body.settings,
            purpose=body.purpose,
            idempotency_key=parameters.idempotency_key(request),
            max_cost=body.most,
        )
        answer = self._view(video, _root(request))
        return ordered(created(answer, f"/videos/{video.id}", request), video, begun)

    # -- consents -----------------------------------------------------------------------------

    async def consents(self, request: Request, user: str) -> Response:
        """List consents, without their wording."""
        del request
        found = await self.kit.consents(user_id=user)
        shown = [schemas.ConsentAnswer.of(consent) for consent in found]
        return json_answer(schemas.ConsentsAnswer(data=shown, **WHOLE))

    async def stored_consent(self, user: str, consent_id: str) -> Consent:
        """Return a user's consent; raise ``NotFound`` for another user's too."""
        own = await self.kit.consents(user_id=user)
        found = next((consent for consent in own if consent.id == consent_id), None)
        if found is None:
            raise NotFound(f"there is no consent {consent_id!r}")
        return found

    async def consent(self, request: Request, user: str) -> Response:
        """Return one consent."""
        found = await self.stored_consent(user, request.path_params["consent_id"])
        return json_answer(schemas.ConsentAnswer.of(found))

    async def give_consent(self, request: Request, user: str) -> Response:
        """Store a consent."""
        body = await read(request, NewConsent)
        if body.evidence is not None and body.clone_id is None:
            raise BadBody(
                "clone_id: name the profile that the evidence was uploaded to", "clone_id"
            )
        evidence = self._evidence(user, body.clone_id or "", body)
        given = body.consent(None if evidence is None else str(evidence))
        kept = await self.kit.add_consent(given, user_id=user)
        if evidence is not None:
            await self.uploads.drop(evidence)
        return created(schemas.ConsentAnswer.of(kept), f"/consents/{kept.id}", request)

    async def withdraw_consent(self, request: Request, user: str) -> Response:
        """Withdraw a consent; tell what exists by it."""
        found = await self.stored_consent(user, request.path_params["consent_id"])
        remaining = await self.kit.revoke(found.id)
        answer = schemas.WithdrawalAnswer(
            consent=schemas.ConsentAnswer.of(await self.stored_consent(user, found.id)),
            remaining=[schemas.HoldingAnswer.of(holding) for holding in remaining],
        )
        return json_answer(answer)

    async def drop_evidence(self, request: Request, user: str) -> Response:
        """Delete the evidence of a consent."""
        found = await self.stored_consent(user, request.path_params["consent_id"])
        await self.kit.delete_evidence(found.id)
        return Response(status_code=204)

    # -- erasures -----------------------------------------------------------------------------

    async def erase(self, request: Request, user: str) -> Response:
        """Erase all data of the user, and give the erasure an ID."""
        body = await read(request, NewErasure)
        receipt = await self.kit.erase(user, removed_by_hand=body.removed_by_hand)
        await self.handovers.forget(user)
        await self.uploads.forget(user)
        erasure_id = erasures.new(self.link_secrets[0], user, receipt.at)
        answer = schemas.ErasureAnswer.of(receipt, erasure_id, receipt.at)
        return created(answer, f"/erasures/{erasure_id}", request)

    async def erasure(self, request: Request, user: str) -> Response:
        """Tell how far an erasure is."""
        erasure_id = request.path_params["erasure_id"]
        requested_at = erasures.requested_at(self.link_secrets, user, erasure_id)
        if requested_at is None:
            raise NotFound("there is no such erasure, or this server has other secrets now")
        receipt = await self.kit.erasure(user)
        return json_answer(schemas.ErasureAnswer.of(receipt, erasure_id, requested_at))

    # -- the rest -----------------------------------------------------------------------------

    async def deliveries(self, request: Request, user: str) -> Response:
        """List webhook deliveries, without their payloads."""
        page = await self.kit.webhooks.list(user_id=user, **parameters.page(request))
        shown = [schemas.DeliveryAnswer.of(entry) for entry in page.entries]
        return json_answer(schemas.DeliveriesAnswer(data=shown, **paged(page.cursor)))

    async def media(self, request: Request, user: str) -> Response:
        """Return a stored file behind a signed link, or the requested range of it."""
        del user
        key = request.path_params["key"]
        asked = request.query_params
        verdict = signing.check(
            self.link_secrets,
            key,
            asked.get("expires", ""),
            asked.get("signature", ""),
            time.time(),
        )
        if verdict != "valid":
            expired = "This link has expired: reload the page."
            raise NotFound(expired if verdict == "expired" else "there is no such file")
        return await self._file(key, request)

    async def _file(self, key: str, request: Request) -> Response:
        """Return a stored file: its bytes, or a redirect to where the store serves it."""
        store = self.kit.admin.media
        if (path := store.path(key)) is not None:  # without stat, which computes the digest
            if not await anyio.Path(path).is_file():
                raise NotFound(_DELETED)
            kind = media_type_of(Path(key).suffix)
            return FileResponse(path, media_type=kind, headers=_file_headers(kind))
        stored = await store.stat(key)
        if stored is None:
            raise NotFound(_DELETED)
        if (url := await store.url(key, 3600)) is not None:
            return Response(status_code=307, headers={"location": url, "cache-control": "no-store"})
        kind = stored.media_type
        if kind == "application/octet-stream":
            kind = media_type_of(Path(key).suffix)
        headers = {**_file_headers(kind), "content-length": str(stored.size)}
        if request.method == "HEAD":
            return Response(media_type=kind, headers=headers)
        return StreamingResponse(store.open(key), media_type=kind, headers=headers)

    async def error_code(self, request: Request, user: str) -> Response:
        """Explain an error code."""
        del user
        try:
            code = ErrorCode(request.path_params["code"])
        except ValueError:
            raise NotFound("there is no such error code") from None
        described = CODES[code]
        return json_answer(schemas.ErrorExplanationAnswer(code=code, **asdict(described)))

    async def health(self, request: Request, user: str) -> Response:
        """Check that the database responds."""
        del request, user
        await self.kit.admin.ping()
        return json_answer(schemas.HealthAnswer())


def _file_headers(kind: str) -> dict[str, str]:
    """Headers of a stored file: media is shown, anything else is saved, and no script runs."""
    inline = kind.startswith(("video/", "audio/", "image/")) and kind != "image/svg+xml"
    return {
        "content-disposition": "inline" if inline else "attachment",
        "cache-control": "private, max-age=3600",
        "content-security-policy": _UPLOADED,
    }


def json_answer(answer: View, status: int = 200) -> Response:
    """Build the response of a view."""
    return JSONResponse(answer.json_object(), status)


#: Fields of a list that is answered whole.
WHOLE: dict[str, Any] = {"has_more": False, "cursor": None}


def paged(cursor: str | None) -> dict[str, Any]:
    """Return what a page of a list has besides its entries."""
    return {"has_more": cursor is not None, "cursor": cursor}


def _root(request: Request) -> str:
    """Return the path that the API is mounted at."""
    return str(request.scope.get("root_path", ""))


def created(answer: View, path: str, request: Request, **query: str) -> Response:
    """Answer 201 with the path of what was made, or of the list that has it."""
    response = json_answer(answer, 201)
    asked = f"?{urlencode(query)}" if query else ""
    response.headers["location"] = f"{_root(request)}{quote(path)}{asked}"
    return response


def ordered(response: Response, record: Record, begun: float) -> Response:
    """Tell in a header if the record of an order existed when the request ``begun``."""
    if record.created_at < begun:
        response.headers["idempotent-replayed"] = "true"
    return response


def upload_view(
    offset: int,
    sample: Sample | None = None,
    findings: Sequence[Finding] = (),
    *,
    complete: bool = True,
) -> schemas.UploadAnswer:
    """Build the answer for an upload of which ``offset`` bytes were received."""
    shown = None if sample is None else schemas.SampleAnswer.of(sample)
    return schemas.UploadAnswer(
        offset=offset, complete=complete, sample=shown, findings=list(findings)
    )


def _uploaded(sample: Sample, findings: Sequence[Finding], request: Request) -> Response:
    path = f"/clones/{sample.clone_id}/samples/{sample.id}/content"
    return created(upload_view(sample.file.size, sample, findings), path, request)
