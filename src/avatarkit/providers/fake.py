"""Fake provider, free of charge: an invented vendor with jobs, faults and signed webhooks.

``Fake`` is the adapter and ``FakeVendor`` the outside world: what it accepted survives the
adapter, as with a real vendor. Without a clock, or by a real one, a job takes a tenth of a second;
by a virtual clock it takes minutes, which then pass by themselves.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import hmac
import io
import json
import math
import os
import re
import struct
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel

from ..content import wav
from ..content.files import private_folder, private_opener, spool, temporary_folder
from ..content.integrity import DamagedError, examine
from ..errors import (
    Ambiguous,
    AuthError,
    InvalidCursor,
    ModerationRefused,
    NotFound,
    NotSent,
    PlanError,
    ProviderError,
    QuotaError,
    RateLimited,
    Refused,
    Unavailable,
    Unsupported,
    WebhookRejected,
)
from ..interfaces import (
    ALL_SETTINGS,
    AvatarTrainer,
    Capabilities,
    CatalogueEntry,
    CatalogueFilter,
    CatalogueKind,
    CataloguePart,
    Clock,
    Limit,
    Limits,
    ListsCatalogue,
    ProviderSettings,
    SpeechSynthesizer,
    VideoDubber,
    VideoGenerator,
    VoiceCloner,
    requested,
)
from ..models import (
    Action,
    AvatarRequest,
    ConsentRule,
    DubRequest,
    Job,
    JobState,
    Media,
    Operation,
    Options,
    Speech,
    SpeechRequest,
    VendorEvent,
    VendorRequest,
    VideoRequest,
    VoiceRequest,
)
from ..pricing.rows import Price, Unit, UnitPrice
from ..webhooks import Delivery, HmacSha256
from .catalogue import fits

__all__ = ["Fake", "FakeVendor", "FakeVideo", "Fault", "VendorJob", "filmed", "portrait", "spoken"]


class Fault(StrEnum):
    """Faults that the vendor can simulate, in the order in which they occur."""

    # When a call is submitted: nothing is accepted.
    NOT_SENT = "not_sent"  #: the request never left
    RATE_LIMITED = "rate_limited"  #: 429
    AUTH = "auth"  #: 401
    QUOTA = "quota"  #: 402, credits used up
    PLAN = "plan"  #: 403, not in this plan
    REFUSED = "refused"  #: 422
    MODERATION = "moderation"  #: 422, the content is not wanted
    UNCLEAR = "unclear"  #: 502 before the work began
    # When a call was accepted, and charged.
    LOST_REPLY = "lost_reply"  #: accepted, but the answer never came
    # What becomes of the accepted job.
    STUCK = "stuck"  #: at 97 % for ever
    JOB_FAILS = "job_fails"
    UNKNOWN_WORD = "unknown_word"  #: until it ends, its state is an unknown word
    NEEDS_ACTION = "needs_action"  #: waits until ``FakeVendor.consent``
    # When a job is polled.
    GONE = "gone"  #: 404
    # When a result is fetched.
    EXPIRED_LINK = "expired_link"  #: this link is dead from now on; a fresh one works
    CUT_RESULT = "cut_result"  #: half of the bytes


Stage = Literal["submit", "accept", "job", "poll", "fetch"]

_STAGES: Mapping[Fault, Stage] = {
    Fault.NOT_SENT: "submit",
    Fault.RATE_LIMITED: "submit",
    Fault.AUTH: "submit",
    Fault.QUOTA: "submit",
    Fault.PLAN: "submit",
    Fault.REFUSED: "submit",
    Fault.MODERATION: "submit",
    Fault.UNCLEAR: "submit",
    Fault.LOST_REPLY: "accept",
    Fault.STUCK: "job",
    Fault.JOB_FAILS: "job",
    Fault.UNKNOWN_WORD: "job",
    Fault.NEEDS_ACTION: "job",
    Fault.GONE: "poll",
    Fault.EXPIRED_LINK: "fetch",
    Fault.CUT_RESULT: "fetch",
}


@dataclass(frozen=True, slots=True)
class _Answer:
    """Error answer of the vendor."""

    error: type[ProviderError]
    message: str
    status: int | None = None
    code: str | None = None


_ANSWERS: Mapping[Fault, _Answer] = {
    Fault.NOT_SENT: _Answer(NotSent, "no connection could be made"),
    Fault.RATE_LIMITED: _Answer(RateLimited, "too many requests: wait", 429, "rate_limited"),
    Fault.AUTH: _Answer(AuthError, "the key is wrong: check it", 401, "unauthorized"),
    Fault.QUOTA: _Answer(QuotaError, "the credits are used up: buy more", 402, "quota_exceeded"),
    Fault.PLAN: _Answer(PlanError, "the plan does not include this", 403, "plan_required"),
    Fault.REFUSED: _Answer(Refused, "this input cannot be used", 422, "invalid_input"),
    Fault.MODERATION: _Answer(ModerationRefused, "the content is refused", 422, "moderation"),
    Fault.UNCLEAR: _Answer(Ambiguous, "bad gateway", 502),
    Fault.LOST_REPLY: _Answer(Ambiguous, "the connection broke before the answer"),
    Fault.CUT_RESULT: _Answer(Unavailable, "the connection broke before the end"),
}


class FakeVideo(Options):
    """The fake's own extras for a video; they come back in ``Job.raw``."""

    outfit: str | None = None  #: what the avatar wears


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pace:
    """Speed of the vendor, in seconds."""

    duration: Mapping[Operation, float]
    list_lag: float  #: from the acceptance until the job is listed


_QUICK = _Pace(duration=MappingProxyType(dict.fromkeys(Operation, 0.1)), list_lag=0.0)
_REALISTIC = _Pace(
    duration=MappingProxyType(
        {
            Operation.VOICE: 30.0,
            Operation.AVATAR: 600.0,
            Operation.SPEECH: 2.0,
            Operation.VIDEO: 120.0,
            Operation.DUB: 300.0,
        }
    ),
    list_lag=60.0,
)


def _pace(clock: Clock | None) -> _Pace:
    """Return the quick pace for real time; only a virtual clock has ``advance``."""
    return _REALISTIC if hasattr(clock, "advance") else _QUICK


class VendorJob(BaseModel):
    """Job at the vendor."""

    id: str
    operation: Operation
    token: str
    born: float  #: when it was accepted, seconds since 1970
    ends: float  #: when it is over, unless its fault says otherwise
    fault: Fault | None = None
    text: str = ""  #: what is said, where the vendor says something
    seconds: float = 1.0  #: length of its video
    options: dict[str, Any] = {}
    key: str | None = None  #: the idempotency key that it was sent with
    deleted: bool = False
    reported: bool = False  #: by a webhook

    def state(self, now: float) -> JobState:
        """Return the state at this time."""
        over = now >= self.ends
        match self.fault:
            case Fault.STUCK:
                return JobState.RUNNING
            case Fault.NEEDS_ACTION:
                return JobState.NEEDS_ACTION
            case Fault.UNKNOWN_WORD if not over:
                return JobState.UNKNOWN
            case Fault.JOB_FAILS if over:
                return JobState.FAILED
            case _:
                return JobState.SUCCEEDED if over else JobState.RUNNING

    def progress(self, now: float) -> float:
        """Return the progress at this time, 0..1."""
        share = min(1.0, (now - self.born) / max(self.ends - self.born, 1e-9))
        return min(share, 0.97) if self.fault is Fault.STUCK else max(share, 0.0)


class _Expected(BaseModel):
    """Fault that was requested and has not occurred yet."""

    operation: Operation
    fault: Fault
    retry_after: float | None = None


class _Books(BaseModel):
    """Stored state of the vendor."""

    jobs: list[VendorJob] = []
    charged: list[str] = []  #: a token per accepted call
    faults: list[_Expected] = []
    links: int = 0  #: how many were given out
    dead_links: list[str] = []

    def fault(self, operation: Operation, stage: Stage) -> _Expected | None:
        """Remove and return the first fault for this stage, if any."""
        for waiting in self.faults:
            if waiting.operation is operation and _STAGES[waiting.fault] == stage:
                self.faults.remove(waiting)
                return waiting
        return None

    def job(self, operation: Operation, job_id: str) -> VendorJob | None:
        """Find a job that was not deleted."""
        found = (j for j in self.jobs if j.operation is operation and j.id == job_id)
        return next((j for j in found if not j.deleted), None)


_UNITS = {
    Operation.SPEECH: Unit.KILO_CHARACTERS,
    Operation.VIDEO: Unit.VIDEO_MINUTE,
    Operation.DUB: Unit.VIDEO_MINUTE,
}


def _price(operation: Operation, usd: Decimal) -> Price:
    unit = _UNITS.get(operation) if usd else None
    return Price(
        provider="fake",
        operation=operation,
        plan="invented",
        usd_per_month=Decimal(0),
        unit_price=UnitPrice(usd=usd, unit=unit) if unit else None,
        one_off_usd=None if unit else usd,
        fallback=True,
        source="invented",
    )


class FakeVendor:
    """Simulated vendor: accepts, charges, finishes, lists late, deletes, and fails on request.

    ``clock`` decides when jobs end. ``file`` keeps the state on disk, shared by several processes.
    ``durations`` are seconds per operation, instead of the defaults.
    """

    #: Default secret of the fake vendor's webhook signatures.
    SECRET: ClassVar[bytes] = b"fake-webhook-secret"

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        file: Path | None = None,
        durations: Mapping[Operation, float] | None = None,
        list_lag: float | None = None,
        secret: bytes = SECRET,
    ) -> None:
        pace = _pace(clock)
        self.clock = clock
        self.durations = MappingProxyType({**pace.duration, **(durations or {})})
        self.list_lag = pace.list_lag if list_lag is None else list_lag
        self.secret = secret
        self.prices = [_price(operation, Decimal(0)) for operation in Operation]
        self._file = file
        self._books = _Books()

    def now(self) -> float:
        """Return the vendor's time, in seconds since 1970."""
        return time.time() if self.clock is None else self.clock.now().wall

    # -- what a test orders and looks at ------------------------------------------------------

    def fail_next(
        self,
        operation: Operation | str,
        fault: Fault,
        *,
        times: int = 1,
        retry_after: float | None = None,
    ) -> None:
        """Let ``fault`` happen the next ``times``; several orders are served in their order.

        Each fault waits for its own moment (see ``Fault``), so ``LOST_REPLY`` and ``STUCK`` may
        both hit one job. ``retry_after`` are the seconds that a 429 asks to wait.
        """
        ordered = _Expected(operation=Operation(operation), fault=fault, retry_after=retry_after)
        with self._open() as books:
            books.faults += [ordered.model_copy() for _ in range(times)]

    def set_price(self, operation: Operation | str, usd: Decimal | str | int) -> None:
        """Set what an operation costs; everything is free before.

        In US dollars: of a voice, an avatar, a minute of video or dub, 1,000 characters of speech.
        """
        price = _price(Operation(operation), Decimal(usd))
        self.prices[:] = [one for one in self.prices if one.operation != price.operation]
        self.prices.append(price)

    def consent(self, token: str) -> None:
        """Give the consent that the jobs of ``token`` wait for; they begin now."""
        with self._open() as books:
            for job in books.jobs:
                if job.token == token and job.fault is Fault.NEEDS_ACTION:
                    job.fault, job.born = None, self.now()
                    job.ends = job.born + self.durations[job.operation]

    @property
    def accepted(self) -> Counter[str]:
        """Number of charges of each token."""
        with self._open() as books:
            return Counter(books.charged)

    @property
    def jobs(self) -> tuple[VendorJob, ...]:
        """Accepted jobs, including deleted ones."""
        with self._open() as books:
            return tuple(job.model_copy() for job in books.jobs)

    @property
    def deleted(self) -> frozenset[str]:
        """Ids of the deleted jobs."""
        return frozenset(job.id for job in self.jobs if job.deleted)

    def deliveries(self, *, copies: int = 1, late: float = 0.0) -> list[Delivery]:
        """The webhooks of all jobs that ended since the last call, each of them ``copies`` times.

        They were signed ``late`` seconds before they are received.
        """
        now = self.now()
        with self._open() as books:
            ended = [j for j in books.jobs if j.state(now) in _ENDED and not j.reported]
            for job in ended:
                job.reported = True
            bodies = [_delivery_body(job, now) for job in ended if not job.deleted]
        return [self.signed(body, late=late) for body in bodies for _ in range(copies)]

    def signed(self, body: bytes, *, late: float = 0.0) -> Delivery:
        """Sign any body, ``late`` seconds before it is received now."""
        now = self.now()
        stamp = str(int(now - late))
        message = stamp.encode() + b"." + body
        digest = hmac.new(self.secret, message, hashlib.sha256).hexdigest()
        return Delivery(body, {_SIGNATURE_HEADER: f"t={stamp},v1={digest}"}, now)

    # -- what the adapter calls ---------------------------------------------------------------

    def submit(
        self,
        operation: Operation,
        request: VendorRequest,
        *,
        window: float,
        seconds: float = 1.0,
    ) -> VendorJob:
        """Accept a call and charge for it, or raise what was ordered; a video has ``seconds``.

        A repeat of an idempotency key within ``window`` seconds gives the first job again.
        """
        with self._open() as books:
            if ordered := books.fault(operation, "submit"):
                raise _error(ordered, operation)
            job = self._known(books, request.idempotency_key, window)
            if job is None:
                job = self._accepted(books, operation, request, seconds)
            lost = books.fault(operation, "accept")
        if lost:
            raise _error(lost, operation)
        return job

    def _known(self, books: _Books, key: str | None, window: float) -> VendorJob | None:
        since = self.now() - window
        return next((j for j in books.jobs if key and j.key == key and j.born > since), None)

    def _accepted(
        self, books: _Books, operation: Operation, request: VendorRequest, seconds: float
    ) -> VendorJob:
        now = self.now()
        ordered = books.fault(operation, "job")
        job = VendorJob(
            id=f"fake-{operation}-{len(books.jobs) + 1}",
            operation=operation,
            token=request.token,
            born=now,
            ends=now + self.durations[operation],
            fault=ordered.fault if ordered else None,
            text=request.text if isinstance(request, SpeechRequest) else "",
            seconds=seconds,
            options=_own_options(request),
            key=request.idempotency_key,
        )
        books.jobs.append(job)
        books.charged.append(request.token)
        return job

    def get(self, operation: Operation, job_id: str) -> tuple[VendorJob, int]:
        """Return a job and the number of its next links; raises ``NotFound``."""
        with self._open() as books:
            gone = books.fault(operation, "poll")
            job = books.job(operation, job_id)
            if gone or job is None:
                raise _not_found(operation, job_id)
            if job.state(self.now()) is JobState.SUCCEEDED:
                books.links += 1
            return job, books.links

    def find(self, operation: Operation, token: str) -> list[VendorJob]:
        """Return the listed jobs of ``token``, oldest first."""
        listed = self.now() - self.list_lag
        return [
            job
            for job in self.jobs
            if (job.operation, job.token) == (operation, token)
            and not job.deleted
            and job.born <= listed
        ]

    def delete(self, operation: Operation, job_id: str) -> None:
        """Delete a job; a missing one is ignored."""
        with self._open() as books:
            if job := books.job(operation, job_id):
                job.deleted = True

    def exists(self, operation: Operation, job_id: str) -> bool:
        """Return True if the id was not deleted here; stock avatars always exist."""
        return all(not j.deleted for j in self.jobs if (j.operation, j.id) == (operation, job_id))

    def fetched(self, link: str) -> tuple[bytes, ProviderError | None]:
        """Return the bytes of a link, and the error that ends them early; raises ``NotFound``."""
        parts = urlsplit(link)
        operation, job_id, _, name = (parts.netloc, *parts.path.strip("/").split("/"))
        with self._open() as books:
            job = books.job(Operation(operation), job_id)
            ordered = books.fault(Operation(operation), "fetch")
            if ordered and ordered.fault is Fault.EXPIRED_LINK:
                books.dead_links.append(link)
            if job is None or link in books.dead_links:
                raise NotFound(
                    "the link has expired: poll the job for a fresh one",
                    provider="fake",
                    operation=operation,
                    status=404,
                )
        return _result(name, job), _error(ordered, Operation(operation)) if ordered else None

    def said(self, text: str) -> tuple[bytes, ProviderError | None]:
        """Return the audio of a text, and the error that ends its stream early, if any."""
        with self._open() as books:
            cut = books.fault(Operation.SPEECH, "fetch")
        broken = Ambiguous("the stream broke", provider="fake", operation=Operation.SPEECH)
        return spoken(text), broken if cut else None

    # -- the books ----------------------------------------------------------------------------

    @contextmanager
    def _open(self) -> Generator[_Books, None, None]:
        """Read the stored state, and save its changes, even after an error."""
        if self._file is None:
            yield self._books
            return
        private_folder(self._file.parent)
        with open(self._file.with_suffix(".lock"), "w", opener=private_opener) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            kept = self._file.read_bytes() if self._file.exists() else b"{}"
            books = _Books.model_validate_json(kept)
            before = books.model_dump_json()
            try:
                yield books
            finally:
                if (after := books.model_dump_json()) != before:
                    _replace(self._file, after.encode())


#: Avatars and voices that every account of the invented vendor has.
STOCK: tuple[CatalogueEntry, ...] = (
    *(
        CatalogueEntry(
            provider="fake",
            kind="avatar",
            id=f"stock-{name.lower()}",
            name=name,
            own=False,
            gender=gender,
            previews={"image": f"https://fake.invalid/{name.lower()}.png"},
            capabilities=("studio",),
            price_class="stock",
            voice_id=f"stock-voice-{language}",
        )
        for name, gender, language in (("Rosa", "female", "es"), ("Hugo", "male", "en"))
    ),
    *(
        CatalogueEntry(
            provider="fake",
            kind="voice",
            id=f"stock-voice-{language}",
            name=name,
            own=False,
            gender=gender,
            languages=(language,),
            previews={"audio": f"https://fake.invalid/{language}.mp3"},
        )
        for name, gender, language in (("Alba", "female", "es"), ("Jack", "male", "en"))
    ),
)
_STOCK_IDS = frozenset(entry.id for entry in STOCK)
#: Entries of a page of its lists.
_PAGE = 3


class Fake(
    VoiceCloner, AvatarTrainer, VideoGenerator, SpeechSynthesizer, VideoDubber, ListsCatalogue
):
    """Adapter with every role, against a ``FakeVendor``; it fetches its own results.

    Without ``vendor`` there is a new one, kept under ``settings.home`` where that is given.
    ``capabilities`` replaces what it says of itself, to test against other wire formats.
    """

    name: ClassVar[str] = "fake"
    api_version: ClassVar[str] = "1"
    capabilities: ClassVar[Capabilities] = Capabilities(
        pictures=True,
        drive=frozenset({"script", "audio"}),
        speech_format="audio/wav",
        settings=ALL_SETTINGS,
        dub_subtitles=(
            frozenset({"translation"}),
            frozenset({"source"}),
            frozenset({"translation", "source"}),
        ),
        webhook=HmacSha256(header="Fake-Signature"),
        list_lag=_REALISTIC.list_lag * 2,
        typical=_REALISTIC.duration,
    )
    limits: ClassVar[Limits] = (
        Limit(what="voice_samples", minimum=1, maximum=5, source="invented", since="2025-01-01"),
        Limit(what="voice_bytes", maximum=50e6, source="invented", since="2025-01-01"),
        Limit(what="footage_bytes", maximum=500e6, source="invented", since="2025-01-01"),
        Limit(what="script_characters", maximum=5000, source="invented", since="2025-01-01"),
    )
    consent_rules: ClassVar[tuple[ConsentRule, ...]] = (
        ConsentRule(
            demands="record", text="a recorded consent", source="invented", since="2025-01-01"
        ),
    )
    option_types: ClassVar[tuple[type[Options], ...]] = (FakeVideo,)
    catalogue_kinds: ClassVar[frozenset[CatalogueKind]] = frozenset({"avatar", "voice"})
    #: Everything is free, unless a price file says otherwise, or ``FakeVendor.set_price``.
    prices: ClassVar[Sequence[Price]] = tuple(
        _price(operation, Decimal(0)) for operation in Operation
    )

    def __init_subclass__(cls) -> None:
        if cls.name != Fake.name and cls.prices is Fake.prices:
            cls.prices = ()  # they are prices of `fake`

    def __init__(
        self,
        settings: ProviderSettings | None = None,
        *,
        vendor: FakeVendor | None = None,
        capabilities: Capabilities | None = None,
    ) -> None:
        self._settings = settings or ProviderSettings()
        home = self._settings.home
        self.vendor = vendor or FakeVendor(
            clock=self._settings.clock, file=home / "vendor.json" if home else None
        )
        # Callers see class variables, which only an instance's own dictionary can shadow.
        vars(self)["capabilities"] = capabilities or _capabilities(self.vendor)
        if self.prices is Fake.prices:
            vars(self)["prices"] = self.vendor.prices

    @property
    def account(self) -> str:
        """Fingerprint of the key; without a key there is one account for all."""
        key = self._settings.api_key
        if key is None:
            return "fake"
        return hashlib.sha256(key.get_secret_value().encode()).hexdigest()[:16]

    async def aclose(self) -> None:
        """Do nothing: there are no connections."""

    # -- roles --------------------------------------------------------------------------------

    async def clone_voice(self, request: VoiceRequest, /) -> Job:
        """Submit; sent once."""
        return await self._submit(Operation.VOICE, request, *request.samples)

    async def get_voice(self, voice_id: str, /) -> Job:
        """Poll; raises ``NotFound``."""
        return self._get(Operation.VOICE, voice_id)

    async def find_voice(self, token: str, /) -> Sequence[Job]:
        """Return every voice that carries the token, oldest first."""
        return self._find(Operation.VOICE, token)

    async def delete_voice(self, voice_id: str, /) -> None:
        """Delete."""
        self.vendor.delete(Operation.VOICE, voice_id)

    async def train_avatar(self, request: AvatarRequest, /) -> Job:
        """Submit; sent once."""
        self._must_exist(Operation.VOICE, request.voice_id)
        return await self._submit(Operation.AVATAR, request, request.required_footage)

    async def get_avatar(self, avatar_id: str, /) -> Job:
        """Poll; raises ``NotFound``."""
        return self._get(Operation.AVATAR, avatar_id)

    async def find_avatar(self, token: str, /) -> Sequence[Job]:
        """Return every avatar that carries the token, oldest first."""
        return self._find(Operation.AVATAR, token)

    async def delete_avatar(self, avatar_id: str, /) -> None:
        """Delete."""
        self.vendor.delete(Operation.AVATAR, avatar_id)

    async def generate_video(self, request: VideoRequest, /) -> Job:
        """Submit; sent once."""
        if request.picture is None:
            self._must_exist(Operation.AVATAR, request.avatar_id)
        self._must_exist(Operation.VOICE, request.voice_id)
        audio = [media for media in (request.picture, request.audio) if media]
        said = _seconds_of(request.script or "")
        seconds = await _seconds(request.audio) if request.audio else said
        return await self._submit(Operation.VIDEO, request, *audio, seconds=seconds)

    async def get_video(self, video_id: str, /) -> Job:
        """Poll; raises ``NotFound``."""
        return self._get(Operation.VIDEO, video_id)

    async def find_video(self, token: str, /) -> Sequence[Job]:
        """Return every video that carries the token, oldest first."""
        return self._find(Operation.VIDEO, token)

    async def delete_video(self, video_id: str, /) -> None:
        """Delete."""
        self.vendor.delete(Operation.VIDEO, video_id)

    async def dub_video(self, request: DubRequest, /) -> Job:
        """Submit; sent once."""
        seconds = await _seconds(request.source)
        return await self._submit(Operation.DUB, request, request.source, seconds=seconds)

    async def get_dub(self, dub_id: str, /) -> Job:
        """Poll; raises ``NotFound``."""
        return self._get(Operation.DUB, dub_id)

    async def find_dub(self, token: str, /) -> Sequence[Job]:
        """Return every dub that carries the token, oldest first."""
        return self._find(Operation.DUB, token)

    async def delete_dub(self, dub_id: str, /) -> None:
        """Delete."""
        self.vendor.delete(Operation.DUB, dub_id)

    async def synthesize(self, request: SpeechRequest, /) -> Speech:
        """Submit, and stream the audio; sent once."""
        self._must_exist(Operation.VOICE, request.voice_id)
        await self._submit(Operation.SPEECH, request)
        return Speech(
            audio=_streamed(*self.vendor.said(request.text)),
            media_type="audio/wav",
            timings=_timings(request.text),
            cost=f"{len(request.text)} characters",
        )

    async def get_speech(self, speech_id: str, /) -> Job:
        """Poll the history; raises ``NotFound``."""
        return self._get(Operation.SPEECH, speech_id)

    async def find_speech(self, token: str, /) -> Sequence[Job]:
        """Return every speech that carries the token, oldest first."""
        return self._find(Operation.SPEECH, token)

    # -- catalogue ----------------------------------------------------------------------------

    async def list_entries(
        self, kind: CatalogueKind, wanted: CatalogueFilter, cursor: str | None, /
    ) -> CataloguePart:
        """List the stock, then what was trained; a page holds three entries."""
        if kind not in self.catalogue_kinds:
            raise Unsupported(f"fake has no {kind}s")
        operation = Operation(kind)
        made = [
            CatalogueEntry(provider="fake", kind=kind, id=job.id, name=job.token, own=True)
            for job in self.vendor.jobs
            if job.operation is operation and not job.deleted
        ]
        listed = [*(entry for entry in STOCK if entry.kind == kind), *made]
        if cursor is not None and not cursor.isdecimal():
            raise InvalidCursor("this cursor belongs to another list: begin without a cursor")
        start = int(cursor or 0)
        page = listed[start : start + _PAGE]
        return CataloguePart(
            entries=tuple(entry for entry in page if fits(entry, wanted)),
            cursor=str(start + _PAGE) if start + _PAGE < len(listed) else None,
        )

    async def get_template(self, template_id: str, /) -> CatalogueEntry:
        """Raise ``Unsupported``."""
        raise Unsupported(f"fake has no templates, so none of the id {template_id!r}")

    # -- webhooks and results -----------------------------------------------------------------

    def events(self, delivery: Delivery) -> list[VendorEvent]:
        """Check and read a webhook delivery; raises ``WebhookRejected``."""
        secrets = self._settings.webhook_secrets or (self.vendor.secret,)
        self.capabilities.webhook.check(delivery, secrets)
        told = delivery.json()
        try:
            job = Job(
                provider=self.name,
                operation=told["operation"],
                id=told["id"],
                state=told["state"],
                reason=told["reason"],
                raw=told,
            )
            name = _EVENT_NAMES[job.operation, job.state]
        except (KeyError, ValueError) as error:
            raise WebhookRejected("the delivery does not tell of a job that ended") from error
        return [
            VendorEvent(
                provider=self.name,
                id=delivery.digest,
                name=name,
                job=job,
                trusted=self.capabilities.webhook.signed,
            )
        ]

    async def fetch(self, url: str, /) -> AsyncIterator[bytes]:
        """Stream a result; raises ``NotFound`` for a dead link, ``Unavailable`` for a cut."""
        async for chunk in _streamed(*self.vendor.fetched(url)):
            yield chunk

    # -- the vendor's wire --------------------------------------------------------------------

    async def _submit(
        self,
        operation: Operation,
        request: VendorRequest,
        *media: Media,
        seconds: float = 1.0,
    ) -> Job:
        for medium in media:
            await _upload(medium, operation)
        request.guard()
        window = self.capabilities.idempotency_window or 0.0
        job = self.vendor.submit(operation, request, window=window, seconds=seconds)
        return self._job(job)

    def _get(self, operation: Operation, job_id: str) -> Job:
        return self._job(*self.vendor.get(operation, job_id))

    def _find(self, operation: Operation, token: str) -> list[Job]:
        return [self._job(job) for job in self.vendor.find(operation, token)]

    def _job(self, job: VendorJob, serial: int = 0) -> Job:
        now = self.vendor.now()
        state = job.state(now)
        names: Mapping[str, str] = _RESULTS[job.operation] if state is JobState.SUCCEEDED else {}
        return Job(
            provider=self.name,
            operation=job.operation,
            id=job.id,
            state=state,
            progress=job.progress(now),
            links={k: f"fake://{job.operation}/{job.id}/{serial}/{v}" for k, v in names.items()},
            reason=_reason(job, state),
            action=_consent_action(job) if state is JobState.NEEDS_ACTION else None,
            created_at=job.born,
            cost="1 credit",
            raw=job.model_dump(mode="json"),
        )

    def _must_exist(self, operation: Operation, used_id: str | None) -> None:
        stock = used_id in _STOCK_IDS
        if used_id and not stock and not self.vendor.exists(operation, used_id):
            raise _not_found(operation, used_id)


_SIGNATURE_HEADER = "fake-signature"
_ENDED = frozenset({JobState.SUCCEEDED, JobState.FAILED})

_EventName = Literal[
    "avatar.training_progress",
    "avatar.training_completed",
    "avatar.training_failed",
    "video.completed",
    "video.failed",
]
_EVENT_NAMES: Mapping[tuple[Operation, JobState], _EventName] = {
    (Operation.VOICE, JobState.SUCCEEDED): "avatar.training_progress",
    (Operation.VOICE, JobState.FAILED): "avatar.training_failed",
    (Operation.AVATAR, JobState.SUCCEEDED): "avatar.training_completed",
    (Operation.AVATAR, JobState.FAILED): "avatar.training_failed",
    (Operation.VIDEO, JobState.SUCCEEDED): "video.completed",
    (Operation.VIDEO, JobState.FAILED): "video.failed",
    (Operation.DUB, JobState.SUCCEEDED): "video.completed",
    (Operation.DUB, JobState.FAILED): "video.failed",
}

#: The results of a finished job: name of the link -> file.
_RESULTS: Mapping[Operation, Mapping[str, str]] = {
    Operation.VOICE: {},
    Operation.AVATAR: {"thumbnail": "thumbnail.png"},
    Operation.SPEECH: {"audio": "audio.wav"},
    Operation.VIDEO: {"video": "video.mp4", "thumbnail": "thumbnail.png"},
    Operation.DUB: {"video": "video.mp4"},
}


def _capabilities(vendor: FakeVendor) -> Capabilities:
    """Build the capabilities for a vendor's list lag and durations."""
    return replace(Fake.capabilities, list_lag=vendor.list_lag * 2 + 0.1, typical=vendor.durations)


def _delivery_body(job: VendorJob, now: float) -> bytes:
    state = job.state(now)
    told = {
        "id": job.id,
        "operation": job.operation,
        "token": job.token,
        "state": state,
        "reason": _reason(job, state),
    }
    return json.dumps(told).encode()


def _own_options(request: VendorRequest) -> dict[str, Any]:
    """Return the request's options for the fake; ``extra`` is merged last."""
    _, asked = requested(request)
    said: dict[str, Any] = {"settings": asked} if asked else {}
    for options in request.options:
        if isinstance(options, FakeVideo):
            said |= options.model_dump(exclude={"extra"}, exclude_none=True) | options.extra
    return said


def _reason(job: VendorJob, state: JobState) -> str | None:
    return f"the {job.operation} could not be made" if state is JobState.FAILED else None


def _consent_action(job: VendorJob) -> Action:
    return Action(
        kind="open_url",
        message="Open the link and agree that your likeness is used.",
        url=f"https://fake.invalid/consent/{job.token}",
    )


def _error(ordered: _Expected, operation: Operation) -> ProviderError:
    answer = _ANSWERS[ordered.fault]
    return answer.error(
        answer.message,
        provider="fake",
        operation=operation,
        status=answer.status,
        code=answer.code,
        retry_after=ordered.retry_after,
    )


def _not_found(operation: Operation, job_id: str) -> NotFound:
    return NotFound(f"there is no {job_id!r}", provider="fake", operation=operation, status=404)


async def _upload(media: Media, operation: Operation) -> None:
    """Read a whole recording, as a vendor would, and compare it with its size."""
    received = 0
    async for chunk in media.open():
        received += len(chunk)
    if received != media.size:
        raise Refused(
            f"{media.name} has {received} bytes, and {media.size} were announced",
            provider="fake",
            operation=operation,
            status=400,
        )


async def _seconds(media: Media) -> float:
    """Return the length of a recording; one second if it does not tell it."""
    with temporary_folder() as folder, suppress(DamagedError):
        path = folder / "media"
        await spool(path, media.open())
        return (await examine.run(path)).seconds or 1.0
    return 1.0


async def _streamed(body: bytes, broken: ProviderError | None) -> AsyncIterator[bytes]:
    half = len(body) // 2
    yield body[:half]
    if broken:
        raise broken
    yield body[half:]


def _replace(file: Path, body: bytes) -> None:
    """Write a file so that a reader sees the old or the new one, never a part."""
    handle, part = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(body)
        Path(part).replace(file)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise


# -- bytes ------------------------------------------------------------------------------------

_RATE = 16_000  # samples per second
_SECONDS_PER_CHARACTER = 0.06
_SHORTEST = 0.3  # seconds


def portrait() -> bytes:
    """Return a picture of a face, 64 x 64, as PNG: the fake's thumbnail, and a test sample."""
    return _data("thumbnail.png")


def spoken(text: str) -> bytes:
    """Return a tone as long as the spoken text, as WAV (16 kHz, mono)."""
    period = [round(6000 * math.sin(2 * math.pi * i / 80)) for i in range(80)]
    one = struct.pack("<80h", *period)
    length = round(_seconds_of(text) * _RATE)
    file = io.BytesIO()
    wav.write(file, (one * (length // 80 + 1))[: length * 2], _RATE)
    return file.getvalue()


def _seconds_of(text: str) -> float:
    return max(_SHORTEST, len(text) * _SECONDS_PER_CHARACTER)


def _timings(text: str) -> tuple[tuple[str, float, float], ...]:
    """Return (word, start, end) of each word, in seconds."""
    timings: list[tuple[str, float, float]] = []
    at = 0
    for word in text.split():
        start = text.index(word, at)
        at = start + len(word)
        timings.append((word, start * _SECONDS_PER_CHARACTER, at * _SECONDS_PER_CHARACTER))
    return tuple(timings)


def _result(name: str, job: VendorJob) -> bytes:
    if name == "audio.wav":
        return spoken(job.text)
    return filmed(job.seconds) if name == "video.mp4" else _data(name)


def filmed(seconds: float = 1.0) -> bytes:
    """Return an MP4 of a face with sound that lasts so many seconds, at least one, rounded."""
    factor, film = max(1, round(seconds)), bytearray(_data("video.mp4"))
    for found in re.finditer(rb"mvhd|tkhd|elst|mdhd|stts|ctts", film[: film.find(b"mdat")]):
        for at in _durations(film, found[0], found.end()):
            (value,) = struct.unpack_from(">I", film, at)
            struct.pack_into(">I", film, at, value * factor)
    return bytes(film)


def _durations(film: bytearray, kind: bytes, start: int) -> Sequence[int]:
    """Offsets of the durations in a box of an MP4, version 0, whose contents begin at ``start``."""
    if kind in {b"stts", b"ctts"}:  # rows of (samples, ticks of each)
        (rows,) = struct.unpack_from(">I", film, start + 4)
        return range(start + 12, start + 12 + 8 * rows, 8)
    if kind == b"elst":  # length; where the pictures begin, while sound begins where it did
        return (start + 8, start + 12) if start < film.find(b"vide") else (start + 8,)
    return (start + (20 if kind == b"tkhd" else 16),)


@functools.cache
def _data(name: str) -> bytes:
    return files("avatarkit").joinpath("data", "fake", name).read_bytes()
