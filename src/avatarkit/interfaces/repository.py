"""Interface of a repository: where records, samples, consents and webhook deliveries are kept."""

from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
)
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Generic, Literal, Protocol, TypeVar, runtime_checkable

from ..errors import BudgetExceeded
from ..models import (
    Consent,
    Operation,
    VendorEvent,
)

if TYPE_CHECKING:  # an adapter needs no rows: its import is quicker without them
    from ..records import Instant, LedgerEntry, Record, Sample, Status

AnyRecord_co = TypeVar("AnyRecord_co", bound="Record", covariant=True)


@dataclass(frozen=True, slots=True)
class Claim:
    """A record that one worker may drive until its lease ends; ``fence`` names the claim."""

    record: Record
    fence: int


@dataclass(frozen=True, slots=True)
class Page(Generic[AnyRecord_co]):
    """Part of a list; ``cursor`` asks for the rest, None at the end."""

    records: tuple[AnyRecord_co, ...]
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


#: The status of a webhook delivery.
Outcome = Literal[
    "received",  # stored, not processed yet
    "unmatched",  # no record has its job yet
    "applied",  # its state was applied like a poll's
    "poll_triggered",  # unsigned, so the job was polled instead
    "ignored",  # no record waits for it
    "expired",  # no record had its job within a day
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
    events: tuple[VendorEvent, ...] = ()
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
    ) -> Page[Record]:
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
        """What is "received", then what is "unmatched", each oldest first."""
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
