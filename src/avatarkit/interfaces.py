"""The roles that a provider can play, and everything else that can be exchanged for another.

A role is a protocol with abstract methods: an adapter of ours names its roles in its bases, so
the class line is its feature list and a forgotten method fails at construction; anything else
with the right methods fits without importing avatarkit.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, runtime_checkable

from pydantic import SecretStr

from .errors import BudgetExceeded, Unsupported
from .models import (
    AvatarRequest,
    Consent,
    ConsentRule,
    DubRequest,
    Event,
    Job,
    Media,
    Operation,
    Options,
    Request,
    Speech,
    SpeechRequest,
    StoredFile,
    VideoRequest,
    VoiceRequest,
    Waiting,
)
from .webhooks import Delivery, Scheme, Unsigned

if TYPE_CHECKING:  # an adapter needs no rows: its import is quicker without them
    from .records import Instant, LedgerEntry, Record, Sample, Status

__all__ = [
    "MILLIONTHS",
    "ROLES",
    "TURN",
    "AvatarTrainer",
    "Backlog",
    "Balance",
    "Cap",
    "Capabilities",
    "Claim",
    "Clock",
    "Discards",
    "Engine",
    "Face",
    "FaceFinder",
    "Fetcher",
    "Held",
    "Limit",
    "Limits",
    "Link",
    "LogEntry",
    "LogPage",
    "MediaStore",
    "Outcome",
    "Page",
    "Prepares",
    "Provider",
    "ProviderSettings",
    "Repository",
    "Role",
    "Slots",
    "SpeechSynthesizer",
    "Sunset",
    "TakesRecording",
    "TellsBalance",
    "Turn",
    "VideoDubber",
    "VideoGenerator",
    "VoiceCloner",
    "Wakes",
    "dollars",
    "needs_footage",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What the provider's wire format can carry.

    Only what cannot be *said* to the provider belongs here; what it merely forbids today is
    in ``Limits``. Asking for what cannot be said raises ``Unsupported`` before anything is sent.
    """

    media: frozenset[Literal["url", "data"]] = frozenset({"data"})
    by_link: frozenset[Operation] = frozenset()  #: operations that take videos by a link only
    url_lifetime: float = 3600.0  #: how long a signed link to a sample must live, seconds
    one_voice_file: bool = False  #: several voice samples are joined into one file
    drive: frozenset[Literal["script", "audio"]] = frozenset({"script"})
    audio_formats: tuple[str, ...] = ("audio/wav", "audio/mpeg")  #: that it is driven by
    speech_format: str | None = None  #: what it speaks in unless asked otherwise
    #: providers whose voices it speaks itself, by their id, with one's own key of that provider
    speaks_voices_of: frozenset[str] = frozenset()
    footage_with_video: bool = False  #: a video may need what the avatar was trained of once more
    callback: bool = False  #: a webhook address can be given per request
    no_callback: frozenset[Operation] = frozenset()  #: operations that take none, all the same
    callback_signed: bool = True  #: what comes to such an address is signed as ``webhook`` says
    webhook: Scheme = field(default_factory=Unsigned)
    languages: tuple[str, ...] | None = None  #: that it speaks; None: many, it decides
    #: operations whose jobs can be found by our token
    found_by_token: frozenset[Operation] = frozenset(Operation) - {Operation.SPEECH}
    list_lag: float = 180.0  #: a new job is listed at the latest after so many seconds
    idempotency_window: float | None = None  #: seconds; only where the vendor documents it
    #: operations that cost nothing and may be repeated under the same token
    free: frozenset[Operation] = frozenset()
    #: seconds that a job usually takes; the basis of estimates
    typical: Mapping[Operation, float] = field(default_factory=lambda: MappingProxyType({}))
    in_flight: int | None = None  #: requests at once per account, whoever sends them
    rate: float | None = None  #: requests a second per account, whoever sends them
    keeps_here: bool = False  #: what it makes lies in a folder of this machine, its account
    runs_here: bool = False  #: the work is done on this machine, nobody else sees the samples

    def calls_back(self, operation: Operation) -> bool:
        """Whether a webhook address can be given with this operation."""
        return self.callback and operation not in self.no_callback

    def needs_link(self, operation: Operation, media_type: str) -> bool:
        """Whether such a recording can be given for the operation by a link only."""
        clip = media_type.startswith("video/")
        return "data" not in self.media or (clip and operation in self.by_link)

    def require_language(self, provider: str, language: str | None) -> None:
        """Raise ``Unsupported``, with the list, where the provider does not speak ``language``."""
        if self.languages is None or language is None:
            return
        if language.replace("_", "-").partition("-")[0].lower() not in self.languages:
            raise Unsupported(
                f"{provider} cannot speak {language!r}; it speaks: {', '.join(self.languages)}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One bound that a provider sets, with where it is written and when that was read."""

    what: Literal[
        "voice_samples",  # count
        "voice_seconds",  # of all voice samples together
        "voice_sample_seconds",  # of one sample
        "voice_bytes",  # of one sample
        "voice_format",  # ``takes`` media types
        "footage_seconds",
        "footage_bytes",
        "footage_pixels",  # the shorter side
        "footage_megapixels",
        "footage_format",  # of a clip; ``takes`` media types
        "footage_codec",  # of a clip; ``takes`` FFmpeg's names
        "picture_bytes",  # of footage that is a picture
        "picture_format",  # ``takes`` media types
        "script_characters",
        "faces",  # how many there are; asks for faces to be looked for
        "face_pixels",  # between the outer corners of the eyes
        "face_turn",  # see ``Face.turn``
    ]
    minimum: float | None = None
    maximum: float | None = None
    takes: tuple[str, ...] = ()  #: the words that a vendor takes, where it is no number
    severity: Literal["error", "warning"] = "error"
    source: str = ""
    since: str = ""  #: date on which the source was read


Limits = tuple[Limit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sunset:
    """The end of something that a vendor offers, with where it is written and when that was read.

    A provider may have a tuple of them as ``sunsets``.
    """

    what: str
    ends: date
    instead: str  #: what to use
    used: bool = True  #: the adapter itself still needs it
    source: str = ""
    since: str = ""  #: date on which the source was read


@runtime_checkable
class Provider(Protocol):
    """What every provider tells about itself, whatever roles it plays."""

    name: ClassVar[str]
    api_version: ClassVar[str]
    capabilities: ClassVar[Capabilities]
    limits: ClassVar[Limits]
    consent_rules: ClassVar[tuple[ConsentRule, ...]]
    option_types: ClassVar[tuple[type[Options], ...]]  #: the typed extras that it understands

    @property
    def account(self) -> str:
        """Fingerprint of the vendor account that the key belongs to."""
        ...

    def events(self, delivery: Delivery) -> list[Event]:
        """Check and read a webhook delivery; raises ``WebhookRejected``."""
        ...

    async def aclose(self) -> None:
        """Give back what the provider holds."""
        ...


def needs_footage(provider: Provider | type[Provider], options: Iterable[Options]) -> bool:
    """Whether the provider trains an avatar of footage only, given these options."""
    known = provider.option_types
    return not any(o.without_footage for o in options if isinstance(o, known))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """What a provider is built from, whatever it is: ``provider_class(settings)``."""

    api_key: SecretStr | None = field(default=None, repr=False)
    client_id: str | None = None  #: names the account, where the key alone does not
    base_url: str | None = field(default=None, repr=False)  #: instead of the vendor's own
    #: one's own keys of other providers that this one speaks to, by their names
    other_keys: Mapping[str, SecretStr] = field(default_factory=dict, repr=False)
    #: any of them may have signed a delivery; more than one while they are rotated
    webhook_secrets: tuple[bytes, ...] = field(default=(), repr=False)
    timeout: float = 60.0  #: of one request, seconds
    home: Path | None = None  #: a folder of the provider's own; it need not exist yet
    clock: Clock | None = None


@runtime_checkable
class VoiceCloner(Protocol):
    """Makes a voice from recordings."""

    @abstractmethod
    async def clone_voice(self, request: VoiceRequest, /) -> Job:
        """Submit; sent once."""

    @abstractmethod
    async def get_voice(self, voice_id: str, /) -> Job:
        """Poll; raises ``NotFound``."""

    @abstractmethod
    async def find_voice(self, token: str, /) -> Sequence[Job]:
        """Every voice that carries the token, oldest first; empty only if all was searched."""

    @abstractmethod
    async def delete_voice(self, voice_id: str, /) -> None:
        """Delete; a voice that is not there counts as deleted."""


@runtime_checkable
class AvatarTrainer(Protocol):
    """Makes an avatar from footage."""

    @abstractmethod
    async def train_avatar(self, request: AvatarRequest, /) -> Job:
        """Submit; sent once."""

    @abstractmethod
    async def get_avatar(self, avatar_id: str, /) -> Job:
        """Poll; raises ``NotFound``."""

    @abstractmethod
    async def find_avatar(self, token: str, /) -> Sequence[Job]:
        """Every avatar that carries the token, oldest first; empty only if all was searched."""

    @abstractmethod
    async def delete_avatar(self, avatar_id: str, /) -> None:
        """Delete; an avatar that is not there counts as deleted."""


@runtime_checkable
class VideoGenerator(Protocol):
    """Makes an avatar speak."""

    @abstractmethod
    async def generate_video(self, request: VideoRequest, /) -> Job:
        """Submit; sent once."""

    @abstractmethod
    async def get_video(self, video_id: str, /) -> Job:
        """Poll; raises ``NotFound``."""

    @abstractmethod
    async def find_video(self, token: str, /) -> Sequence[Job]:
        """Every video that carries the token, oldest first; empty only if all was searched."""

    @abstractmethod
    async def delete_video(self, video_id: str, /) -> None:
        """Delete; a video that is not there counts as deleted."""


@runtime_checkable
class SpeechSynthesizer(Protocol):
    """Says a text with a voice.

    A provider with a searchable history also has ``find_speech(token)`` and ``get_speech(id)``,
    whose jobs link to the "audio", and names speech in ``Capabilities.found_by_token``.
    """

    @abstractmethod
    async def synthesize(self, request: SpeechRequest, /) -> Speech:
        """Submit, and stream the audio; sent once."""


@runtime_checkable
class VideoDubber(Protocol):
    """Says an existing video again in another language."""

    @abstractmethod
    async def dub_video(self, request: DubRequest, /) -> Job:
        """Submit; sent once."""

    @abstractmethod
    async def get_dub(self, dub_id: str, /) -> Job:
        """Poll; raises ``NotFound``."""

    @abstractmethod
    async def find_dub(self, token: str, /) -> Sequence[Job]:
        """Every dub that carries the token, oldest first; empty only if all was searched."""

    @abstractmethod
    async def delete_dub(self, dub_id: str, /) -> None:
        """Delete; a dub that is not there counts as deleted."""


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account can still spend; None where the vendor does not tell.

    What it fell by between two looks is the charge of all that the account did, not of one job.
    """

    amount: float | None
    unit: Literal["usd", "credits"]


@runtime_checkable
class TellsBalance(Protocol):
    """A provider that says, free of charge, what its account can still spend."""

    @abstractmethod
    async def balance(self) -> Balance:
        """Ask for it; raises ``AuthError`` for a key that may not see it."""


@runtime_checkable
class Prepares(Protocol):
    """A provider that uploads something, free of charge, before the paid call."""

    @abstractmethod
    async def prepare(self, operation: Operation, request: Request, /) -> dict[str, Any] | Waiting:
        """Upload; what comes back is saved, and given to the paid call as ``prepared``.

        ``Waiting`` where a person must act first: it is then called again, in a while.
        """


@runtime_checkable
class Discards(Protocol):
    """A provider that can delete what its ``prepare`` has uploaded."""

    @abstractmethod
    async def discard(self, operation: Operation, prepared: Mapping[str, Any], /) -> None:
        """Delete what ``prepared`` names; what is not there counts as deleted."""


@runtime_checkable
class TakesRecording(Protocol):
    """A provider that asks for recordings, by actions that have ``Action.recording``."""

    @abstractmethod
    async def hand_in(self, ref: str, recording: Media, /, *, subject: str | None) -> None:
        """Hand in what the action ``ref`` asked for, in which the person ``subject`` is heard.

        It is free, and made again where its answer was lost. Raises ``Refused`` where the recording
        is not taken; the next look then asks for another.
        """


@dataclass(frozen=True, slots=True)
class Role:
    """How an operation is spoken about: its protocol, and the names of its methods."""

    protocol: type
    submit: str
    get: str = ""
    find: str = ""
    delete: str = ""


#: The one table from operations to roles.
ROLES: Mapping[Operation, Role] = {
    Operation.VOICE: Role(VoiceCloner, "clone_voice", "get_voice", "find_voice", "delete_voice"),
    Operation.AVATAR: Role(
        AvatarTrainer, "train_avatar", "get_avatar", "find_avatar", "delete_avatar"
    ),
    Operation.VIDEO: Role(
        VideoGenerator, "generate_video", "get_video", "find_video", "delete_video"
    ),
    Operation.SPEECH: Role(SpeechSynthesizer, "synthesize", "get_speech", "find_speech"),
    Operation.DUB: Role(VideoDubber, "dub_video", "get_dub", "find_dub", "delete_dub"),
}


class Clock(Protocol):
    """Time, as everything that waits asks for it."""

    def now(self) -> Instant:
        """This moment."""
        ...

    async def sleep(self, seconds: float, /) -> None:
        """Wait."""
        ...

    def timeout(self, seconds: float, /) -> AbstractContextManager[Any]:
        """Raise ``TimeoutError`` where the block takes longer."""
        ...


@runtime_checkable
class Fetcher(Protocol):
    """Opens links to results. A provider that is one itself is asked for its own links."""

    def fetch(self, url: str, /) -> AsyncIterator[bytes]:
        """Stream the bytes; a cut is resumed; raises a ``ProviderError`` where it ends early."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What a link answers, before its bytes are read."""

    status: int
    media_type: str  #: without parameters; empty where it is not told
    size: int | None = None  #: bytes
    redirected: bool = False
    path: str = field(default="", repr=False)  #: of the address that answered, without its query


class Slots(Protocol):
    """Bounds how many requests are under way at a vendor account."""

    def slot(self, provider: Provider, /) -> AbstractAsyncContextManager[None]:
        """Hold one request's place; within it ``TURN`` is set where the account has a rate."""
        ...


@dataclass(frozen=True, slots=True)
class Turn:
    """What a request to a provider waits for within a place at its account.

    The place was taken for the first request of a call; each further one, as the next page or a
    repeat, waits for the account's pace. What else is asked meanwhile, as the database, does not.
    """

    provider: str
    wait: Callable[[], Awaitable[None]]


TURN: ContextVar[Turn | None] = ContextVar("avatarkit_turn", default=None)


class MediaStore(Protocol):
    """Where bytes live. Keys are ``/``-separated; ``put`` is all or nothing."""

    async def put(self, key: str, chunks: AsyncIterator[bytes], media_type: str) -> StoredFile:
        """Store a stream, replacing what is there; raises ``StorageError``."""
        ...

    def open(self, key: str) -> AsyncIterator[bytes]:
        """Stream it back; raises ``NotFound``."""
        ...

    async def stat(self, key: str) -> StoredFile | None:
        """Size and digest of what is stored, or None."""
        ...

    async def delete(self, prefix: str) -> None:
        """Delete the key, or everything below it."""
        ...

    async def url(self, key: str, seconds: float) -> str | None:
        """A link that a vendor can reach and that expires, or None if there is none."""
        ...

    def path(self, key: str) -> Path | None:
        """Where the file lies on this machine, if it does."""
        ...

    async def aclose(self) -> None:
        """Give back what the store holds."""
        ...


@dataclass(frozen=True, slots=True)
class Claim:
    """A record that one worker may drive until its lease ends; ``fence`` names the claim."""

    record: Record
    fence: int


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list; ``cursor`` asks for the rest, None when there is none."""

    records: tuple[Record, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits for one provider: how many records, how many of them for a worker."""

    provider: str
    waiting: int  #: records that are not at their end
    due: int  #: of them, those that nobody holds although it is their time
    held: int  #: of them, those that a worker drives at this moment
    oldest: float | None  #: since when the first of the due ones is, in seconds since 1970


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """The most that records may hold which were made from ``since`` to before ``until``."""

    name: str  #: whose it is and for when, in words
    amount: int  #: millionths of a US dollar
    since: float
    until: float
    user_id: str | None = None  #: None: of all users together

    def require_room(self, held: int, asked: int) -> None:
        """Raise ``BudgetExceeded`` where ``asked`` more is too much beside what is ``held``."""
        over = held + asked - self.amount
        if asked and over > 0:
            raise BudgetExceeded(
                f"{_shown(asked)} more would exceed {self.name} by {_shown(over)}: "
                f"{_shown(held)} of {_shown(self.amount)} is spent or reserved. "
                "Nothing was sent.",
                over=dollars(over),
                budget=self.name,
            )


#: In a dollar. Amounts in records are whole millionths of one, so that sums are exact anywhere.
MILLIONTHS = 1_000_000


def dollars(amount: int) -> Decimal:
    """US dollars of so many millionths."""
    return Decimal(amount) / MILLIONTHS


def _shown(amount: int) -> str:
    return f"${dollars(amount):,f}"


@dataclass(frozen=True, slots=True)
class Held:
    """What records stand for, in millionths of a US dollar."""

    spent: int  #: was accepted by vendors
    reserved: int  #: is still to be sent, or of unknown fate


#: What became of a webhook delivery.
Outcome = Literal[
    "received",  # it is kept, and not yet looked at
    "waiting",  # its job is not known yet
    "applied",  # as a poll would have been
    "looked",  # nobody signed it: its job was polled
    "ignored",  # it tells of nothing that anybody waits for
    "unknown",  # no record has held its job for long enough
]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """A webhook delivery as it is kept: the bytes for people, the events for us."""

    provider: str
    event_id: str
    event_type: str
    payload: bytes = field(repr=False)
    received_at: float
    signed: bool = False
    token: str | None = None  #: what our callback address said about whose it is
    events: tuple[Event, ...] = ()
    record_id: str | None = None
    outcome: Outcome = "received"


@dataclass(frozen=True, slots=True)
class LogPage:
    """Part of the log; ``cursor`` asks for the rest, None when there is none."""

    entries: tuple[LogEntry, ...]
    cursor: str | None


class Repository(Protocol):
    """Where records live. One contract, one suite of tests, several implementations.

    Errors: ``ConfigError`` for a database that is foreign or newer, ``StorageError`` where it is
    full or not writable, ``NotFound`` where a clone belongs to another user.
    """

    async def open(self) -> None:
        """Connect, and migrate where needed; safe when many processes start at once."""
        ...

    async def aclose(self) -> None:
        """Finish what was begun, and let go."""
        ...

    async def now(self) -> Instant:
        """The moment by the clock that leases and intents are measured with."""
        ...

    async def create(self, record: Record, *caps: Cap) -> tuple[Record, bool]:
        """Insert; if the id exists, what is there and False. Inserts a missing clone.

        ``record.reserved`` is held from then on, and each ``save`` brings what is held in step with
        the record, in its own transaction. Raises ``BudgetExceeded``, and keeps nothing, where that
        is too much for one of ``caps``; several callers at once never get more than there is.
        """
        ...

    async def held(self, since: float, until: float, user_id: str | None = None) -> Held:
        """What the records hold that were made from ``since`` to before ``until``."""
        ...

    async def get(self, record_id: str) -> Record | None:
        """A training or a video by its id, tombstones included."""
        ...

    async def save(self, old: Record, new: Record, *entries: LedgerEntry) -> Record | None:
        """Replace ``old`` by ``new`` if nobody else has (compare-and-set by ``version``).

        Returns what is stored now (version one higher), or None for a lost race. The ledger
        entries are written in the same transaction; the same entry twice is one.
        """
        ...

    async def claim(self, owner: str, limit: int, lease: float) -> list[Claim]:
        """Take up to ``limit`` due records, oldest first, for ``lease`` seconds."""
        ...

    async def renew(self, owner: str, lease: float) -> None:
        """Extend every lease that ``owner`` holds."""
        ...

    async def release(self, claim: Claim) -> None:
        """End a claim; nothing happens where the fence is not the newest."""
        ...

    async def next_due(self) -> float | None:
        """When the earliest record that nobody holds is due, in seconds since 1970."""
        ...

    async def backlog(self) -> list[Backlog]:
        """What waits, by the provider that it waits for."""
        ...

    async def take_place(
        self, account: str, holder: str, *, places: int | None, rate: float | None, seconds: float
    ) -> float:
        """Take one of an account's places for ``seconds``, unless it is given back earlier.

        Returns 0.0 where it is taken, else after how many seconds to ask again. ``places`` bounds
        how many are held at once, ``rate`` how many are taken in a second, of which up to a
        second's worth at once. It holds for everybody who uses this repository.
        """
        ...

    async def leave_place(self, account: str, holder: str) -> None:
        """Give the place back."""
        ...

    async def page(
        self,
        kind: Literal["training", "video"],
        *,
        user_id: str | None = None,
        clone_id: str | None = None,
        training_id: str | None = None,
        status: Status | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> Page:
        """Newest first, without deleted ones."""
        ...

    async def find_job(self, provider: str, operation: Operation, job_id: str) -> Record | None:
        """The record that holds this job."""
        ...

    async def add_sample(self, sample: Sample) -> Sample:
        """Keep a sample of a clone; the same bytes in the same role are one sample."""
        ...

    async def samples(self, user_id: str, clone_id: str | None = None) -> list[Sample]:
        """All samples of a clone, or of a user's every clone, oldest first."""
        ...

    async def remove_sample(self, sample: Sample) -> None:
        """Forget a sample, by its id and role; one that is not there is forgotten."""
        ...

    async def add_consent(self, consent: Consent) -> Consent:
        """Keep a consent; idempotent by its id."""
        ...

    async def get_consent(self, consent_id: str) -> Consent | None:
        """A consent by its id."""
        ...

    async def revoke_consent(self, consent_id: str, at: float) -> Consent | None:
        """Note when it was revoked, the first time; returns what is kept, or None."""
        ...

    async def consents(self, user_id: str) -> list[Consent]:
        """All consents of a user, by their id."""
        ...

    async def tombstones(self, user_id: str) -> list[Record]:
        """A user's deleted records whose cleanup has not ended, by their id."""
        ...

    async def erase(self, user_id: str) -> dict[str, int]:
        """Remove what a user has beside records: "samples", "consents", "deliveries", "clones".

        Deliveries are those about the user's records. A clone stays while a record that is not
        deleted is of it. What was spent stays, but no more as this user's. Returns how many of each
        went, and how many records are not deleted ("live"); in one transaction.
        """
        ...

    async def drop_webhooks(self, record_id: str) -> None:
        """Remove the deliveries about a record; also those that only name its token."""
        ...

    async def log_webhook(self, entry: LogEntry) -> bool:
        """Keep a delivery; False where this event of this provider is known already."""
        ...

    async def settle_webhook(
        self, provider: str, event_id: str, outcome: Outcome, record_id: str | None = None
    ) -> None:
        """Note what became of a delivery, and whose it was, where that is known."""
        ...

    async def get_webhook(self, provider: str, event_id: str) -> LogEntry | None:
        """One delivery."""
        ...

    async def webhooks(
        self,
        *,
        user_id: str | None = None,
        provider: str | None = None,
        outcome: Outcome | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> LogPage:
        """The log, newest first; of one user: what was about that user's records."""
        ...

    async def pending_webhooks(self, limit: int = 64) -> list[LogEntry]:
        """What is "received", then what is "waiting", each oldest first."""
        ...

    async def ledger(self, record_id: str | None = None) -> list[LedgerEntry]:
        """What was accepted by vendors, oldest first."""
        ...


@runtime_checkable
class Wakes(Protocol):
    """A repository that hears of changes, also of other processes'."""

    def changes(self) -> AsyncGenerator[str | None, None]:
        """Yield the id of each training or video that a person sees change, or None: any may have.

        The first is None, once everything that follows is heard. Raises where it hears no longer,
        and may be called again then.
        """
        ...


class Engine(Protocol):
    """Decides *when* ``advance`` is called, never *what* it does.

    Every due record is advanced at least once at or after ``next_at``, whatever single process
    dies; calls may be repeated, concurrent, early or out of order, since ``advance`` fences
    itself; a lost ``wake`` costs time only.
    """

    async def run(self) -> None:
        """Drive what is due until ``stop``."""
        ...

    def wake(self) -> None:
        """Look for due records now."""
        ...

    async def stop(self) -> None:
        """Let what runs finish or abandon it, and hand its leases back."""
        ...


@dataclass(frozen=True, slots=True)
class Face:
    """A face in a picture: confidence 0..1, and its box in pixels (left, top, right, bottom)."""

    confidence: float
    box: tuple[float, float, float, float]
    eyes: float | None = None  #: pixels between the outer corners of the eyes
    turn: float | None = None  #: how far the nose is off their middle, in parts of that distance


@runtime_checkable
class FaceFinder(Protocol):
    """Finds faces in a picture."""

    def faces(self, path: Path) -> list[Face]:
        """All faces found, the largest first; blocking; raises ``MediaRejected``."""
        ...
