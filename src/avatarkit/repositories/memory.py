"""Repository in the memory of this process, for tests: the simplest implementation."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from ..interfaces import (
    Backlog,
    Cap,
    Claim,
    Clock,
    Held,
    LogEntry,
    LogPage,
    Outcome,
    Page,
    Repository,
)
from ..models import Consent, Operation
from ..records import Instant, LedgerEntry, Record, Sample, Status
from . import rows, rules

K = TypeVar("K")
V = TypeVar("V")


@dataclass(slots=True)
class _Row:
    record: Record
    fence: int = 0
    owner: str | None = None
    until: float | None = None  #: boot time at which the lease ends
    boot_id: str | None = None

    def held(self, now: Instant) -> bool:
        return rules.held(self.until, self.boot_id, now)

    def let_go(self) -> None:
        self.owner = self.until = self.boot_id = None


class MemoryRepository(Repository):
    """Repository that lives as long as the object; for one event loop.

    ``clock`` measures leases, due times and ``now``.
    """

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._rows: dict[str, _Row] = {}
        self._clones: dict[str, str] = {}
        self._samples: list[Sample] = []
        self._consents: dict[str, Consent] = {}
        self._webhooks: dict[tuple[str, str], LogEntry] = {}
        self._ledger: dict[str, LedgerEntry] = {}
        self._reservations: dict[str, dict[str, Any]] = {}
        self._places: dict[str, dict[str, float]] = {}  # account -> holder -> end
        self._paced: dict[str, float] = {}

    async def open(self) -> None:
        """Do nothing: memory needs no connection."""

    async def aclose(self) -> None:
        """Do nothing: the records stay readable."""

    async def now(self) -> Instant:
        """Return the time by the given clock."""
        return self._clock.now()

    # -- records ------------------------------------------------------------------------------

    async def create(self, record: Record, *caps: Cap) -> tuple[Record, bool]:
        """Insert; if the id exists, return the stored record and False. Inserts a missing clone.

        Raises ``NotFound`` if the clone belongs to another user, ``BudgetExceeded`` if one of
        ``caps`` has no room.
        """
        if row := self._rows.get(record.id):
            return row.record, False
        _, stored = rules.as_stored(record)
        for cap in caps:
            held = self._held(cap.since, cap.until, cap.user_id)
            rules.require_room(cap, held.spent + held.reserved, record.reserved)
        self._admit(record.user_id, record.clone_id)
        self._rows[record.id] = _Row(stored)
        self._reserve(stored)
        return stored, True

    async def held(self, since: float, until: float, user_id: str | None = None) -> Held:
        """Amounts of the records that were created from ``since`` to before ``until``."""
        return self._held(since, until, user_id)

    def _held(self, since: float, until: float, user_id: str | None) -> Held:
        whose = rules.whose(user_id)
        found = [
            row
            for row in self._reservations.values()
            if since <= row["at"] < until and whose in (None, row["whose"])
        ]
        return Held(sum(row["spent"] for row in found), sum(row["reserved"] for row in found))

    def _reserve(self, record: Record, before: Record | None = None) -> None:
        if row := rules.reservation(record, before):
            kept = self._reservations.setdefault(record.id, row)
            kept |= {"reserved": row["reserved"], "spent": row["spent"]}

    async def get(self, record_id: str) -> Record | None:
        """Training or video by its id, tombstones included."""
        row = self._rows.get(record_id)
        return row.record if row else None

    async def save(self, old: Record, new: Record, *entries: LedgerEntry) -> Record | None:
        """Replace ``old`` by ``new`` if it has not changed; None for a lost race.

        Raises ``IllegalTransition`` if the status of a final record would change.
        """
        row = self._rows.get(old.id)
        if row is None or row.record.version != old.version:
            return None
        rules.keep_final(old.id, row.record.status, new.status)
        _, saved = rules.as_stored(new.model_copy(update={"version": old.version + 1}))
        self._reserve(saved, row.record)
        row.record = saved
        if saved.waits:
            row.let_go()
        for entry in entries:
            self._ledger.setdefault(entry.id, entry.mended())
        return row.record

    # -- leases -------------------------------------------------------------------------------

    async def claim(self, owner: str, limit: int, lease: float) -> list[Claim]:
        """Lease up to ``limit`` due records, oldest first, for ``lease`` seconds."""
        now = self._clock.now()
        due = [
            (row.record.next_at, row.record.id, row)
            for row in self._rows.values()
            if row.record.next_at is not None
            and row.record.next_at <= now.wall
            and not row.held(now)
        ]
        claims: list[Claim] = []
        for _, _, row in sorted(due, key=lambda d: d[:2])[: max(limit, 0)]:
            row.fence += 1
            row.owner, row.until, row.boot_id = owner, now.boot + lease, now.boot_id
            claims.append(Claim(row.record, row.fence))
        return claims

    async def renew(self, owner: str, lease: float) -> None:
        """Let every lease that ``owner`` holds end ``lease`` seconds from now."""
        now = self._clock.now()
        for row in self._rows.values():
            if row.owner == owner and row.held(now):
                row.until = now.boot + lease

    async def release(self, claim: Claim) -> None:
        """End a claim; do nothing if its fence is not the newest."""
        row = self._rows.get(claim.record.id)
        if row and row.fence == claim.fence:
            row.let_go()

    async def next_due(self) -> float | None:
        """Due time of the earliest record without a lease, in seconds since 1970."""
        now = self._clock.now()
        return min(
            (
                row.record.next_at
                for row in self._rows.values()
                if row.record.next_at is not None and not row.held(now)
            ),
            default=None,
        )

    # -- queries ------------------------------------------------------------------------------

    async def backlog(self) -> list[Backlog]:
        """Number of waiting records per provider."""
        now = self._clock.now()
        waiting: dict[str, list[_Row]] = {}
        for row in self._rows.values():
            if row.record.next_at is not None:
                waiting.setdefault(rules.waits_for(row.record), []).append(row)
        return [_backlog(provider, waiting[provider], now) for provider in sorted(waiting)]

    async def take_place(
        self, account: str, holder: str, *, places: int | None, rate: float | None, seconds: float
    ) -> float:
        """Take one of an account's slots; 0.0, or the seconds after which to ask again."""
        now = self._clock.now().wall
        ends = self._places.get(account, {})
        ends = self._places[account] = {h: end for h, end in ends.items() if end > now}
        others = [end for h, end in ends.items() if h != holder]
        wait, paced = rules.place(now, others, self._paced.get(account), places, rate)
        if not wait:
            ends[holder] = now + seconds
            if paced is not None:
                self._paced[account] = paced
        return wait

    async def leave_place(self, account: str, holder: str) -> None:
        """Give the slot back."""
        self._places.get(account, {}).pop(holder, None)

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
        """Newest first, without deleted ones; raises ``ConfigError`` for a foreign cursor."""
        place = rules.unpack_cursor(cursor) if cursor is not None else None
        wanted = rules.page_filter(kind, user_id, clone_id, training_id, status)
        found = [
            row.record
            for row in self._rows.values()
            if getattr(row.record, "kind", None) == kind
            and not row.record.deleted
            and (place is None or (row.record.created_at, row.record.id) < place)
            and all(getattr(row.record, k) == v for k, v in wanted.items())
        ]
        found.sort(key=lambda record: (record.created_at, record.id), reverse=True)
        limit = max(limit, 1)
        shown = tuple(found[:limit])
        last = shown[-1] if len(found) > limit else None
        return Page(shown, rules.pack_cursor(last.created_at, last.id) if last else None)

    async def find_job(self, provider: str, operation: Operation, job_id: str) -> Record | None:
        """Record that holds this job: the oldest of several, deleted ones last."""
        key = (provider, operation, job_id)
        holders = [r.record for r in self._rows.values() if key in r.record.jobs]
        return min(holders, key=lambda r: (r.deleted, r.created_at, r.id), default=None)

    # -- samples and consents -----------------------------------------------------------------

    async def add_sample(self, sample: Sample) -> Sample:
        """Store a sample of a clone; the same bytes in the same role are one sample.

        Raises ``NotFound`` if the clone belongs to another user.
        """
        sample = sample.mended()
        self._admit(sample.user_id, sample.clone_id)
        for known in self._samples:
            if _same_sample(known, sample):
                return known
        self._samples.append(sample)
        return sample

    async def samples(self, user_id: str, clone_id: str | None = None) -> list[Sample]:
        """All samples of a clone, or of all clones of a user, oldest first.

        Raises ``NotFound`` for another user's clone.
        """
        if clone_id is not None and self._clones.get(clone_id, user_id) != user_id:
            rules.hidden_clone(clone_id)
        own = [s for s in self._samples if s.user_id == user_id and clone_id in {None, s.clone_id}]
        return sorted(own, key=lambda sample: (sample.created_at, sample.id))

    async def remove_sample(self, sample: Sample) -> None:
        """Delete a sample by its id and role; do nothing if there is none."""
        gone = (sample.id, sample.role)
        self._samples = [kept for kept in self._samples if (kept.id, kept.role) != gone]

    async def add_consent(self, consent: Consent) -> Consent:
        """Store a consent; idempotent by its id: the one stored first is returned.

        If its evidence was dropped, it gets the evidence of this one, unless it was revoked.
        """
        known = self._consents.get(consent.id)
        stored = rules.with_evidence(known, consent.mended())
        self._consents[consent.id] = stored
        return stored

    async def get_consent(self, consent_id: str) -> Consent | None:
        """Consent by its id."""
        return self._consents.get(consent_id)

    async def revoke_consent(self, consent_id: str, at: float) -> Consent | None:
        """Store the time of the first revocation; return the stored consent, or None."""
        known = self._consents.get(consent_id)
        if known is not None and known.revoked_at is None:
            known = known.model_copy(update={"revoked_at": at})
            self._consents[consent_id] = known
        return known

    async def drop_evidence(self, consent_id: str) -> Consent | None:
        """Remove ``evidence_file`` of a consent; return the stored consent, or None."""
        known = self._consents.get(consent_id)
        if known is not None:
            known = known.model_copy(update={"evidence_file": None})
            self._consents[consent_id] = known
        return known

    # -- erasure ------------------------------------------------------------------------------

    async def consents(self, user_id: str) -> list[Consent]:
        """All consents of a user, by their id."""
        own = [consent for consent in self._consents.values() if consent.user_id == user_id]
        return sorted(own, key=lambda consent: consent.id)

    async def tombstones(self, user_id: str) -> list[Record]:
        """Deleted records of a user whose cleanup has not ended, by their id."""
        records = (row.record for row in self._rows.values())
        own = [record for record in records if record.deleted and record.user_id == user_id]
        return sorted(own, key=lambda record: record.id)

    async def erase(self, user_id: str) -> dict[str, int]:
        """Delete the user's samples, consents, deliveries and clones; return the count of each."""
        records = (row.record for row in self._rows.values())
        live = [r for r in records if r.user_id == user_id and not r.deleted]
        used = {record.clone_id for record in live}
        kept = [sample for sample in self._samples if sample.user_id != user_id]
        samples = len(self._samples) - len(kept)
        self._samples = kept
        consents = _remove(self._consents, lambda _, consent: consent.user_id == user_id)
        deliveries = _remove(self._webhooks, lambda _, entry: self._whose(entry) == user_id)
        clones = _remove(self._clones, lambda key, owner: owner == user_id and key not in used)
        whose = rules.whose(user_id)
        for row in self._reservations.values():
            row["whose"] = "" if row["whose"] == whose else row["whose"]
        found = (samples, consents, deliveries, clones, len(live))
        return dict(zip(rules.ERASED, found, strict=True))

    async def drop_webhooks(self, record_id: str) -> None:
        """Delete the deliveries about a record, also those that only name its token."""
        token = f"ak-{record_id}-"

        def about(_: tuple[str, str], entry: LogEntry) -> bool:
            unnamed = not entry.record_id and (entry.token or "").startswith(token)
            return entry.record_id == record_id or unnamed

        _remove(self._webhooks, about)

    # -- logs ---------------------------------------------------------------------------------

    async def log_webhook(self, entry: LogEntry) -> bool:
        """Store a delivery; False if this event of this provider is known already."""
        key = entry.provider, entry.event_id
        if key in self._webhooks:
            return False
        self._webhooks[key] = replace(entry, events=tuple(e.mended() for e in entry.events))
        return True

    async def settle_webhook(
        self, provider: str, event_id: str, outcome: Outcome, record_id: str | None = None
    ) -> None:
        """Store the outcome of a delivery, and its record if that is known."""
        if entry := self._webhooks.get((provider, event_id)):
            whose = record_id or entry.record_id
            settled = replace(entry, outcome=outcome, record_id=whose)
            self._webhooks[provider, event_id] = settled

    async def get_webhook(self, provider: str, event_id: str) -> LogEntry | None:
        """Return one delivery, or None."""
        return self._webhooks.get((provider, event_id))

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
        before = rules.unpack_cursor(cursor) if cursor is not None else (math.inf, "")
        found = [
            entry
            for entry in self._webhooks.values()
            if provider in (None, entry.provider)
            and outcome in (None, entry.outcome)
            and (user_id is None or self._whose(entry) == user_id)
            and _place(entry) < before
        ]
        found.sort(key=_place, reverse=True)
        return rows.log_page(found, max(limit, 1))

    def _whose(self, entry: LogEntry) -> str | None:
        row = self._rows.get(entry.record_id or "")
        return row.record.user_id if row else None

    async def pending_webhooks(self, limit: int = 64) -> list[LogEntry]:
        """Deliveries that are "received", then those that are "unmatched", each oldest first."""
        waiting = [e for e in self._webhooks.values() if e.outcome in {"received", "unmatched"}]
        return sorted(waiting, key=lambda entry: (entry.outcome, _place(entry)))[:limit]

    async def ledger(self, record_id: str | None = None) -> list[LedgerEntry]:
        """Requests that vendors accepted, oldest first."""
        entries = [e for e in self._ledger.values() if record_id in (None, e.record_id)]
        return sorted(entries, key=lambda entry: entry.at)

    def _admit(self, user_id: str, clone_id: str) -> None:
        if self._clones.setdefault(clone_id, user_id) != user_id:
            rules.hidden_clone(clone_id)


def _remove(found: dict[K, V], unwanted: Callable[[K, V], bool]) -> int:
    """Delete the unwanted entries; return their count."""
    keys = [key for key, value in found.items() if unwanted(key, value)]
    for key in keys:
        del found[key]
    return len(keys)


def _place(entry: LogEntry) -> tuple[float, str]:
    return entry.received_at, rules.log_key(entry)


def _same_sample(a: Sample, b: Sample) -> bool:
    return (a.clone_id, a.role, a.file.sha256) == (b.clone_id, b.role, b.file.sha256)


def _backlog(provider: str, rows: list[_Row], now: Instant) -> Backlog:
    held = [row for row in rows if row.held(now)]
    times = [row.record.next_at for row in rows if row not in held]
    due = [at for at in times if at is not None and at <= now.wall]
    return Backlog(provider, len(rows), len(due), len(held), min(due, default=None))
