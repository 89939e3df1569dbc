"""Interface of a repository: the database of records, samples, consents and webhook deliveries."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Generic, Literal, Protocol, TypeVar, runtime_checkable

from ..models import Consent, Operation, VendorEvent

if TYPE_CHECKING:  # adapters do not need records: their import is quicker without them
    from ..records import Instant, LedgerEntry, Record, Sample, Status

AnyRecord_co = TypeVar("AnyRecord_co", bound="Record", covariant=True)


@dataclass(frozen=True, slots=True)
class Claim:
    """Lease of a record for one worker; ``fence``, which grows, identifies the claim."""

    record: Record
    fence: int


@dataclass(frozen=True, slots=True)
class Page(Generic[AnyRecord_co]):
    """Page of a list; pass ``cursor`` for the next one; None at the end."""

    records: tuple[AnyRecord_co, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Backlog:
    """Number of unfinished records per provider, and how many of them wait for a worker."""

    provider: str
    waiting: int  #: records that are not final
    due: int  #: of them, due records without a lease
    held: int  #: of them, records that a worker has leased now
    oldest: float | None  #: due time of the first due record, in seconds since 1970


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """Budget cap for records that are created from ``since`` to before ``until``."""

    name: str  #: user and period, in words
    amount: int  #: millionths of a US dollar
    since: float
    until: float
    user_id: str | None = None  #: None: all users together


#: Micro-dollars in a dollar. Amounts in records are whole micro-dollars: sums are exact anywhere.
MILLIONTHS = 1_000_000


def dollars(amount: int) -> Decimal:
    """Convert micro-dollars to US dollars, written to the cent at least."""
    return to_the_cent(Decimal(amount) / MILLIONTHS)


def to_the_cent(amount: Decimal) -> Decimal:
    """Write the same amount with cents, such as 0.50 for 0.5; smaller parts of it stay."""
    exponent = amount.as_tuple().exponent
    return amount + Decimal("0.00") if isinstance(exponent, int) and exponent > -2 else amount


@dataclass(frozen=True, slots=True)
class Held:
    """Spent and reserved amounts, in micro-dollars."""

    spent: int  #: accepted by vendors
    reserved: int  #: not sent yet, or with an unknown outcome


#: Outcome of a webhook delivery.
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
    """Stored webhook delivery: the bytes for people, the events for the worker."""

    provider: str
    event_id: str
    event_type: str
    payload: bytes = field(repr=False)
    received_at: float
    signed: bool = False
    token: str | None = None  #: token of our callback address, which names the record
    events: tuple[VendorEvent, ...] = ()
    record_id: str | None = None
    outcome: Outcome = "received"


@dataclass(frozen=True, slots=True)
class LogPage:
    """Page of deliveries; pass ``cursor`` for the next one; None at the end."""

    entries: tuple[LogEntry, ...]
    cursor: str | None


class Repository(Protocol):
    """Database of records: one contract, one test suite, several implementations.

    Raises ``ConfigError`` for a database of another program or a newer version, ``StorageError``
    if it is full or not writable, ``NotFound`` if a clone belongs to another user.
    """

    async def open(self) -> None:
        """Connect, and migrate if needed; safe when many processes start at once."""
        ...

    async def aclose(self) -> None:
        """Finish the calls under way, and disconnect."""
        ...

    async def now(self) -> Instant:
        """Return the time by the clock of leases and intents."""
        ...

    async def create(self, record: Record, *caps: Cap) -> tuple[Record, bool]:
        """Insert; if the id exists, return the stored record and False. Inserts a missing clone.

        ``record.reserved`` is reserved from then on; each ``save`` updates the reservation in its
        own transaction. Raises ``BudgetExceeded``, and stores nothing, if that is too much for one
        of ``caps``; concurrent callers together never exceed a cap.
        """
        ...

    async def held(self, since: float, until: float, user_id: str | None = None) -> Held:
        """Amounts of the records that were created from ``since`` to before ``until``."""
        ...

    async def get(self, record_id: str) -> Record | None:
        """Training or video by its id, tombstones included."""
        ...

    async def save(self, old: Record, new: Record, *entries: LedgerEntry) -> Record | None:
        """Replace ``old`` by ``new`` if it has not changed (compare-and-swap by ``version``).

        Returns the stored record (version one higher), or None for a lost race. The ledger
        entries are written in the same transaction; a known entry is skipped. A record that waits
        after the change (``record.waits``) loses its lease: its visit ends with that.
        """
        ...

    async def claim(self, owner: str, limit: int, lease: float) -> list[Claim]:
        """Lease up to ``limit`` due records, oldest first, for ``lease`` seconds."""
        ...

    async def renew(self, owner: str, lease: float) -> None:
        """Let every lease that ``owner`` holds end ``lease`` seconds from now."""
        ...

    async def release(self, claim: Claim) -> None:
        """End a claim; do nothing if its fence is not the newest."""
        ...

    async def next_due(self) -> float | None:
        """Due time of the earliest record without a lease, in seconds since 1970."""
        ...

    async def backlog(self) -> list[Backlog]:
        """Number of waiting records per provider."""
        ...

    async def take_place(
        self, account: str, holder: str, *, places: int | None, rate: float | None, seconds: float
    ) -> float:
        """Take one of an account's slots for ``seconds``, unless it is given back earlier.

        Returns 0.0 if the slot is taken, else the seconds after which to ask again. ``places``
        limits the slots that are taken at once, ``rate`` how many are taken in a second, with
        bursts of one second's worth. The limits apply to all workers of this repository.
        """
        ...

    async def leave_place(self, account: str, holder: str) -> None:
        """Give the slot back."""
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
        """Record that holds this job: the oldest of several, deleted ones last."""
        ...

    async def add_sample(self, sample: Sample) -> Sample:
        """Store a sample of a clone; the same bytes in the same role are one sample."""
        ...

    async def samples(self, user_id: str, clone_id: str | None = None) -> list[Sample]:
        """All samples of a clone, or of all clones of a user, oldest first."""
        ...

    async def remove_sample(self, sample: Sample) -> None:
        """Delete a sample by its id and role; do nothing if there is none."""
        ...

    async def add_consent(self, consent: Consent) -> Consent:
        """Store a consent; idempotent by its id: the one stored first is returned.

        If its evidence was dropped, it gets the evidence of this one, unless it was revoked.
        """
        ...

    async def get_consent(self, consent_id: str) -> Consent | None:
        """Consent by its id."""
        ...

    async def revoke_consent(self, consent_id: str, at: float) -> Consent | None:
        """Store the time of the first revocation; return the stored consent, or None."""
        ...

    async def drop_evidence(self, consent_id: str) -> Consent | None:
        """Remove ``evidence_file`` of a consent; return the stored consent, or None."""
        ...

    async def consents(self, user_id: str) -> list[Consent]:
        """All consents of a user, by their id."""
        ...

    async def tombstones(self, user_id: str) -> list[Record]:
        """Deleted records of a user whose cleanup has not ended, by their id."""
        ...

    async def erase(self, user_id: str) -> dict[str, int]:
        """Delete a user's "samples", "consents", "deliveries" and "clones"; records stay.

        Deliveries are those about the user's records. A clone stays while it has a record that is
        not deleted. Spent amounts stay, without the user. Returns the count of each, and of the
        records that are not deleted ("live"). All in one transaction.
        """
        ...

    async def drop_webhooks(self, record_id: str) -> None:
        """Delete the deliveries about a record, also those that only name its token."""
        ...

    async def log_webhook(self, entry: LogEntry) -> bool:
        """Store a delivery; False if this event of this provider is known already."""
        ...

    async def settle_webhook(
        self, provider: str, event_id: str, outcome: Outcome, record_id: str | None = None
    ) -> None:
        """Store the outcome of a delivery, and its record if that is known."""
        ...

    async def get_webhook(self, provider: str, event_id: str) -> LogEntry | None:
        """Return one delivery, or None."""
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
        """Deliveries, newest first, of all users or about the records of one."""
        ...

    async def pending_webhooks(self, limit: int = 64) -> list[LogEntry]:
        """Deliveries that are "received", then those that are "unmatched", each oldest first."""
        ...

    async def ledger(self, record_id: str | None = None) -> list[LedgerEntry]:
        """Requests that vendors accepted, oldest first."""
        ...


@runtime_checkable
class WakesWorkers(Protocol):
    """Repository that tells idle workers of what other processes made due, so that they sleep."""

    def sooner(self) -> AsyncGenerator[None, None]:
        """Yield whenever a record may have been created, or be due earlier than it was.

        The first value comes as soon as later ones are reported. Raises when nothing is reported
        any longer; then it may be called again.
        """
        ...


@runtime_checkable
class NoticesLoss(Protocol):
    """Repository that notices, when it is opened, that committed changes are missing."""

    def lost_changes(self) -> bool:
        """Return True while they are missing: unsent calls of its records may have been sent."""
        ...

    def accept_loss(self) -> None:
        """Note that every unfinished record was prepared for the loss."""
        ...


@runtime_checkable
class Wakes(Protocol):
    """Repository that reports changes, also those of other processes."""

    def changes(self) -> AsyncGenerator[str | None, None]:
        """Yield the id of each record whose visible fields change; None means any of them.

        The first value is None, as soon as later changes are reported. Raises when changes are no
        longer reported; then it may be called again.
        """
        ...
