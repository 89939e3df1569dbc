"""Repository on a database server: the same SQL functions for PostgreSQL and for Supabase.

``ServerRepository`` decides which function is called with which arguments, and reads the answers.
Its subclasses are the transports: a driver's connection pool, and PostgREST over HTTP.
"""

from __future__ import annotations

import base64
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeVar

from pydantic_core import to_json

from ..errors import StorageError
from ..interfaces import Backlog, Cap, Claim, Held, LogEntry, LogPage, Outcome, Page, Repository
from ..models import Consent, Model, Operation
from ..records import Instant, JobKey, LedgerEntry, Phase, Record, Sample, Status, Video
from . import rows, rules, server_errors
from .server_clock import ServerClock

M = TypeVar("M", bound=Model)
Row = dict[str, Any]

#: How often a change is sent, at most, while its answers are lost.
_ATTEMPTS = 4


class AnswerLost(StorageError):
    """No clear answer came: the server may have carried out the call, or may yet do so."""


class Json(str):
    """Text that is JSON already, for an argument of type ``jsonb``."""

    __slots__ = ()


def _intends(old: Record, new: Record) -> bool:
    """True if the change says that a paid call is about to be sent."""
    known = {(o.key, o.call.attempt) for o in old.operations if o.phase is Phase.INTENT}
    return any(
        o.phase is Phase.INTENT and (o.key, o.call.attempt) not in known for o in new.operations
    )


class ServerRepository(Repository):
    """Calls the SQL functions of the migration; a subclass sends the calls and reads tables.

    A subclass sets ``_place``, the database in words without any secret, and ``_time``; None there
    means that the server is asked for each ``now``.
    """

    _place: str
    _time: ServerClock | None
    #: Rows of one answer, at most.
    _most_rows = 2**31 - 1

    # -- transport, which a subclass provides ------------------------------------------------------

    @abstractmethod
    async def _call(self, function: str, *, again: bool = True, **arguments: Any) -> Any:
        """Call a function of the migration: its value, or its rows as objects.

        The call is repeated while the server is away. With ``again=False`` it is not repeated once
        it may have been carried out, and raises ``AnswerLost``.
        """

    @abstractmethod
    async def _matching(
        self, table: str, columns: Sequence[str], where: Mapping[str, str | bool], key: str = "id"
    ) -> list[Row]:
        """All rows that have these values, sorted by ``key``; times are ISO 8601."""

    @abstractmethod
    async def _newest(
        self, table: str, where: Mapping[str, str], before: tuple[str, str] | None, limit: int
    ) -> list[Row]:
        """Rows (id, created_at, doc) that are not deleted, newest first.

        ``before``: only rows after that (created_at, id) in this order.
        """

    async def _require_schema(self) -> None:
        """Raise ``ConfigError`` if another version of this package has migrated the tables.

        Before an order, an intent and a claim, which lead to payments.
        """
        version = await self._call("avatarkit_schema_version")
        if wrong := server_errors.wrong_schema(version, self._place):
            raise wrong

    def _check_ids(self, **ids: str | None) -> None:
        """Raise ``ConfigError`` for an id that the database cannot hold."""

    def _announce(self, record_id: str) -> None:
        """Tell watchers of other processes that a record changed, if the database does not."""

    def _announce_due(self) -> None:
        """Tell idle workers that a record is due earlier than they know, if they can be told."""

    # -- time -------------------------------------------------------------------------------------

    async def now(self) -> Instant:
        """Return the time by the server's clock."""
        return await self._time.now() if self._time else Instant(wall=await self._server_now())

    async def _server_now(self) -> float:
        return float(await self._call("avatarkit_now"))

    @property
    def _given(self) -> str | None:
        """Time to pass to the functions; None lets them use the server's."""
        return self._time.given if self._time else None

    # -- records ----------------------------------------------------------------------------------

    async def create(self, record: Record, *caps: Cap) -> tuple[Record, bool]:
        """Insert; if the id exists, return the stored record and False. Inserts a missing clone.

        A call whose answer was lost is repeated, and then may return False for a record that it
        created itself. Raises ``NotFound`` if the clone belongs to another user,
        ``BudgetExceeded`` if one of ``caps`` has no room.
        """
        self._check_ids(id=record.id, user_id=record.user_id, clone_id=record.clone_id)
        if isinstance(record, Video):
            self._check_ids(training_id=record.training_id)
        await self._require_schema()
        doc, stored = rules.as_stored(record)
        (row,) = await self._call(
            "avatarkit_create",
            p_kind=rows.kind_of(record),
            p_row=row_json(rows.record_row(stored, doc)),
            p_jobs=jobs_json(stored.jobs),
            p_reservation=reservation_json(stored),
            p_caps=caps_json(caps),
        )
        full: int | None = row["cap"]
        if full is not None:
            rules.require_room(caps[full], row["held"] or 0, stored.reserved)
        if row["created"]:
            if stored.next_at is not None:
                self._announce_due()
            return stored, True
        return self._record(row["kind"], record.id, row["doc"]), False

    async def held(self, since: float, until: float, user_id: str | None = None) -> Held:
        """Amounts of the records that were created from ``since`` to before ``until``."""
        (row,) = await self._call(
            "avatarkit_held",
            p_since=rows.iso(since),
            p_until=rows.iso(until),
            p_whose=rules.whose(user_id),
        )
        return Held(**row)

    async def get(self, record_id: str) -> Record | None:
        """Training or video by its id, tombstones included.

        Raises ``StorageError`` if its document cannot be read.
        """
        self._check_ids(id=record_id)
        found = await self._call("avatarkit_get", p_id=record_id)
        return self._record(found[0]["kind"], record_id, found[0]["doc"]) if found else None

    async def save(self, old: Record, new: Record, *entries: LedgerEntry) -> Record | None:
        """Replace ``old`` by ``new`` if it has not changed; None for a lost race.

        After a lost answer the row is read: if it holds exactly this document, this call stored
        it. If it is still ``old``, the call is repeated, which is safe: only one of the two can
        match that version. Anything else is a lost race.

        Raises ``IllegalTransition`` if the status of a final record would change.
        """
        self._check_ids(id=old.id)
        if _intends(old, new):
            await self._require_schema()
        doc, saved = rules.as_stored(new.model_copy(update={"version": old.version + 1}))
        jobs = saved.jobs.keys()
        change = {
            "p_kind": rows.kind_of(old),
            "p_version": old.version,
            "p_row": change_json(rows.record_row(saved, doc)),
            "p_jobs": None if jobs == old.jobs.keys() else jobs_json(jobs),
            "p_ledger": ledger_json(entries),
            "p_reservation": reservation_json(saved, old),
        }
        if not await self._replaced(old, doc, change):
            return None
        if saved.shown != old.shown:
            self._announce(saved.id)
        if saved.next_at is not None and (old.next_at is None or saved.next_at < old.next_at):
            self._announce_due()
        return saved

    async def _replaced(self, old: Record, doc: str, change: Mapping[str, Any]) -> bool:
        """Save; True if ``doc`` is stored now, also if the answer that says so was lost."""
        lost: AnswerLost | None = None
        for _ in range(_ATTEMPTS):
            try:
                replaced = await self._call("avatarkit_save", again=False, **change)
                if replaced or lost is None:
                    return bool(replaced)
            except AnswerLost as error:
                lost = error
            _, table = rows.RECORDS[rows.kind_of(old)]
            stored = await self._matching(table, ("version", "doc"), {"id": old.id})
            if not stored or stored[0]["doc"] == doc:
                return bool(stored)
            if stored[0]["version"] != old.version:
                return False
        raise lost or AssertionError

    def _record(self, kind: str, record_id: str, doc: str) -> Record:
        return rows.record(kind, record_id, doc, place=self._place)

    def _read(self, model: type[M], table: str, row_id: str, doc: str) -> M:
        return rows.read(model, doc, table=table, row_id=row_id, place=self._place)

    # -- leases -----------------------------------------------------------------------------------

    async def claim(self, owner: str, limit: int, lease: float) -> list[Claim]:
        """Lease up to ``limit`` due records, oldest first, for ``lease`` seconds.

        A record that cannot be read is skipped with a warning; another one is taken instead.
        """
        await self._require_schema()
        claims: list[Claim] = []
        skipped = True
        while skipped and len(claims) < limit:
            skipped = False
            found = await self._call(
                "avatarkit_claim",
                p_owner=owner,
                p_limit=min(limit - len(claims), self._most_rows),
                p_seconds=lease,
                p_now=self._given,
            )
            for row in found:
                record = rows.readable(row["kind"], row["id"], row["doc"], place=self._place)
                if record is None:
                    skipped = True
                    await self._release(row["id"], row["fence"], rules.UNREADABLE_PAUSE)
                else:
                    claims.append(Claim(record, row["fence"]))
        return claims

    async def renew(self, owner: str, lease: float) -> None:
        """Let every lease that ``owner`` holds end ``lease`` seconds from now."""
        await self._call("avatarkit_renew", p_owner=owner, p_seconds=lease, p_lease_now=self._given)

    async def release(self, claim: Claim) -> None:
        """End a claim; do nothing if its fence is not the newest."""
        await self._release(claim.record.id, claim.fence, 0.0)

    async def _release(self, record_id: str, fence: int, pause: float) -> None:
        await self._call(
            "avatarkit_release",
            p_id=record_id,
            p_fence=fence,
            p_pause=pause,
            p_lease_now=self._given,
        )

    async def next_due(self) -> float | None:
        """Due time of the earliest record without a lease, in seconds since 1970."""
        due = await self._call("avatarkit_next_due", p_lease_now=self._given)
        return None if due is None else float(due)

    async def backlog(self) -> list[Backlog]:
        """Number of waiting records per provider."""
        return [Backlog(**row) for row in await self._call("avatarkit_backlog", p_now=self._given)]

    # -- account limits ---------------------------------------------------------------------------

    async def take_place(
        self, account: str, holder: str, *, places: int | None, rate: float | None, seconds: float
    ) -> float:
        """Take one of an account's slots; 0.0, or the seconds after which to ask again.

        A call whose answer was lost is repeated: the same holder takes no second slot, but the
        rate may count two.
        """
        wait = await self._call(
            "avatarkit_take_place",
            p_account=account,
            p_holder=holder,
            p_places=places,
            p_rate=rate,
            p_seconds=seconds,
            p_now=self._given,
        )
        return float(wait)

    async def leave_place(self, account: str, holder: str) -> None:
        """Give the slot back."""
        await self._call("avatarkit_leave_place", p_account=account, p_holder=holder)

    # -- queries ----------------------------------------------------------------------------------

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
        """Newest first, without deleted ones; raises ``ConfigError`` for a foreign cursor.

        A record that cannot be read is left out, with a warning.
        """
        self._check_ids(user_id=user_id, clone_id=clone_id, training_id=training_id)
        wanted = rules.page_filter(kind, user_id, clone_id, training_id, status)
        before = None
        if cursor is not None:
            at, last_id = rules.unpack_cursor(cursor)
            self._check_ids(cursor=last_id)
            before = rows.iso(at), last_id
        limit = max(1, min(limit, self._most_rows - 1))
        found = await self._newest(rows.RECORDS[kind][1], wanted, before, limit + 1)
        dated = [(row["id"], rows.seconds(row["created_at"]), row["doc"]) for row in found]
        return rows.page(kind, dated, limit, place=self._place)

    async def find_job(self, provider: str, operation: Operation, job_id: str) -> Record | None:
        """Record that holds this job: the oldest of several, deleted ones last."""
        found = await self._call(
            "avatarkit_find_job", p_provider=provider, p_operation=operation, p_job_id=job_id
        )
        return self._record(found[0]["kind"], found[0]["id"], found[0]["doc"]) if found else None

    # -- samples and consents ---------------------------------------------------------------------

    async def add_sample(self, sample: Sample) -> Sample:
        """Store a sample of a clone; the same bytes in the same role are one sample.

        Raises ``NotFound`` if the clone belongs to another user.
        """
        self._check_ids(id=sample.id, user_id=sample.user_id, clone_id=sample.clone_id)
        row = row_json(rows.sample_row(sample))
        doc = await self._call("avatarkit_add_sample", p_role=sample.role, p_row=row)
        return self._read(Sample, rows.SAMPLES[sample.role], sample.id, doc)

    async def samples(self, user_id: str, clone_id: str | None = None) -> list[Sample]:
        """All samples of a clone, or of all clones of a user, oldest first.

        Raises ``NotFound`` for another user's clone. Rows of the application's own in these
        tables, which have no document, are left out.
        """
        self._check_ids(user_id=user_id, clone_id=clone_id)
        where = {"user_id": user_id} if clone_id is None else {"clone_id": clone_id}
        if clone_id is not None:
            owners = await self._matching("user_clones", ("user_id",), {"id": clone_id})
            if owners and rules.spelt(owners[0]["user_id"]) != rules.spelt(user_id):
                rules.hidden_clone(clone_id)
        columns = ("id", "created_at", "doc")
        found = [
            (rows.seconds(row["created_at"]), row["id"], table, row["doc"])
            for table in rows.SAMPLES.values()
            for row in await self._matching(table, columns, where)
            if row["doc"] is not None
        ]
        return [self._read(Sample, table, row_id, doc) for _, row_id, table, doc in sorted(found)]

    async def remove_sample(self, sample: Sample) -> None:
        """Delete a sample by its id and role; do nothing if there is none."""
        self._check_ids(id=sample.id)
        await self._call("avatarkit_remove_sample", p_role=sample.role, p_id=sample.id)

    async def add_consent(self, consent: Consent) -> Consent:
        """Store a consent; idempotent by its id: the one stored first is returned.

        If its evidence was dropped, it gets the evidence of this one, unless it was revoked.
        """
        self._check_ids(id=consent.id, user_id=consent.user_id)
        row = row_json(rows.consent_row(consent))
        return self._consent(consent.id, await self._call("avatarkit_add_consent", p_row=row))

    async def get_consent(self, consent_id: str) -> Consent | None:
        """Consent by its id."""
        self._check_ids(id=consent_id)
        found = await self._matching("avatar_consents", ("doc",), {"id": consent_id})
        return self._consent(consent_id, found[0]["doc"]) if found else None

    async def revoke_consent(self, consent_id: str, at: float) -> Consent | None:
        """Store the time of the first revocation; return the stored consent, or None."""
        self._check_ids(id=consent_id)
        doc = await self._call("avatarkit_revoke_consent", p_id=consent_id, p_at=at)
        return None if doc is None else self._consent(consent_id, doc)

    async def drop_evidence(self, consent_id: str) -> Consent | None:
        """Remove ``evidence_file`` of a consent; return the stored consent, or None."""
        self._check_ids(id=consent_id)
        doc = await self._call("avatarkit_drop_evidence", p_id=consent_id)
        return None if doc is None else self._consent(consent_id, doc)

    def _consent(self, consent_id: str, doc: str) -> Consent:
        return self._read(Consent, "avatar_consents", consent_id, doc)

    # -- erasure ----------------------------------------------------------------------------------

    async def consents(self, user_id: str) -> list[Consent]:
        """All consents of a user, by their id."""
        self._check_ids(user_id=user_id)
        found = await self._matching("avatar_consents", ("id", "doc"), {"user_id": user_id})
        return [self._consent(row["id"], row["doc"]) for row in found]

    async def tombstones(self, user_id: str) -> list[Record]:
        """Deleted records of a user whose cleanup has not ended, by their id."""
        self._check_ids(user_id=user_id)
        found = [
            self._record(kind, row["id"], row["doc"])
            for kind, (_, table) in rows.RECORDS.items()
            for row in await self._matching(
                table, ("id", "doc"), {"user_id": user_id, "deleted": True}
            )
        ]
        return sorted(found, key=lambda record: record.id)

    async def erase(self, user_id: str) -> dict[str, int]:
        """Delete the user's samples, consents, deliveries and clones; return the count of each.

        May be repeated; after a lost answer the counts are those of the last attempt.
        """
        self._check_ids(user_id=user_id)
        whose = rules.whose(user_id)
        gone = await self._call("avatarkit_erase", p_user_id=user_id, p_whose=whose)
        return dict(zip(rules.ERASED, gone, strict=True))

    async def drop_webhooks(self, record_id: str) -> None:
        """Delete the deliveries about a record, also those that only name its token."""
        self._check_ids(record_id=record_id)
        naming = rows.naming(record_id)
        await self._call("avatarkit_drop_webhooks", p_record_id=record_id, p_naming=naming)

    # -- logs -------------------------------------------------------------------------------------

    async def log_webhook(self, entry: LogEntry) -> bool:
        """Store a delivery; False if this event of this provider is known already.

        Returns True after a lost answer: handling a delivery twice does no harm, dropping it does.
        """
        self._check_ids(record_id=entry.record_id)
        delivery: Mapping[str, Any] = {
            "p_provider": entry.provider,
            "p_event_id": entry.event_id,
            "p_event_type": entry.event_type,
            "p_body": base64.b64encode(entry.payload).decode(),
            "p_received_at": rows.iso(entry.received_at),
            "p_record_id": entry.record_id,
            "p_outcome": entry.outcome,
            "p_doc": rows.log_doc(entry),
        }
        try:
            return bool(await self._call("avatarkit_log_webhook", again=False, **delivery))
        except AnswerLost:
            await self._call("avatarkit_log_webhook", **delivery)
            return True

    async def settle_webhook(
        self, provider: str, event_id: str, outcome: Outcome, record_id: str | None = None
    ) -> None:
        """Store the outcome of a delivery, and its record if that is known."""
        self._check_ids(record_id=record_id)
        await self._call(
            "avatarkit_settle_webhook",
            p_provider=provider,
            p_event_id=event_id,
            p_outcome=outcome,
            p_record_id=record_id,
        )

    async def get_webhook(self, provider: str, event_id: str) -> LogEntry | None:
        """Return one delivery, or None."""
        found = await self._logged(1, p_provider=provider, p_event_id=event_id)
        return found[0] if found else None

    async def webhooks(
        self,
        *,
        user_id: str | None = None,
        provider: str | None = None,
        outcome: Outcome | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> LogPage:
        """Deliveries, newest first, of all users or about the records of one.

        Raises ``ConfigError`` for a foreign cursor.
        """
        self._check_ids(user_id=user_id)
        at, key = rules.unpack_cursor(cursor) if cursor is not None else (None, None)
        limit = max(1, min(limit, self._most_rows - 1))
        found = await self._logged(
            limit + 1,
            p_user_id=user_id,
            p_provider=provider,
            p_outcome=outcome,
            p_at=None if at is None else rows.iso(at),
            p_key=key,
        )
        return rows.log_page(found, limit)

    async def pending_webhooks(self, limit: int = 64) -> list[LogEntry]:
        """Deliveries that are "received", then those that are "unmatched", each oldest first."""
        return await self._logged(min(limit, self._most_rows), p_pending=True)

    async def _logged(self, limit: int, **wanted: Any) -> list[LogEntry]:
        found = await self._call("avatarkit_webhooks", p_limit=limit, **wanted)
        return [self._log_entry(row) for row in found]

    def _log_entry(self, row: Row) -> LogEntry:
        columns = {name: value for name, value in row.items() if name not in {"body", "doc"}}
        columns["payload"] = base64.b64decode(row["body"])
        columns["event_type"] = row["event_type"] or ""
        return rows.log_entry(columns, row["doc"], place=self._place)

    async def ledger(self, record_id: str | None = None) -> list[LedgerEntry]:
        """Requests that vendors accepted, oldest first."""
        self._check_ids(record_id=record_id)
        where = {} if record_id is None else {"record_id": record_id}
        fields = LedgerEntry.model_fields
        found = await self._matching("avatar_ledger", (*fields, "place"), where, key="place")
        dated = [(rows.seconds(row["at"]), row["place"], row) for row in found]
        return [
            LedgerEntry.model_validate({**{name: row[name] for name in fields}, "at": at})
            for at, _, row in sorted(dated, key=lambda entry: entry[:2])
        ]


# -- arguments of the SQL functions ---------------------------------------------------------------


def row_json(row: Mapping[str, Any]) -> Json:
    """Row as the functions take it; raises ``StorageError`` for a time that cannot be stored."""
    return _json(rows.in_json(row))


#: Columns that keep the value they were created with.
_FIXED = frozenset({"user_id", "clone_id", "training_id", "created_at"})
#: Columns that a tombstone clears once its cleanup has ended.
_FORGOTTEN = {"user_id": None, "clone_id": None}


def change_json(row: Mapping[str, Any]) -> Json:
    """Row of a record as ``avatarkit_save`` takes it: without the columns that never change."""
    changes = {name: value for name, value in row.items() if name not in _FIXED}
    return row_json(changes if row["user_id"] else changes | _FORGOTTEN)


def jobs_json(jobs: Iterable[JobKey]) -> Json:
    """Jobs as the functions take them."""
    return _json(sorted(jobs))


def ledger_json(entries: Iterable[LedgerEntry]) -> Json | None:
    """Ledger entries as ``avatarkit_save`` takes them; None if there are none."""
    found = [rows.in_json(entry.mended().model_dump()) for entry in entries]
    return _json(found) if found else None


def reservation_json(record: Record, before: Record | None = None) -> Json | None:
    """Budget-reservation row as the functions take it; None if unchanged or empty."""
    row = rules.reservation(record, before)
    return row_json(row) if row else None


def caps_json(caps: Iterable[Cap]) -> Json:
    """Budget caps as ``avatarkit_create`` takes them."""
    return _json(
        [
            {
                "amount": cap.amount,
                "since": rows.iso(cap.since),
                "until": rows.iso(cap.until),
                "whose": rules.whose(cap.user_id),
            }
            for cap in caps
        ]
    )


def _json(value: Any) -> Json:
    return Json(to_json(value).decode())
