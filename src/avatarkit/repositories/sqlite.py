"""Repository in one SQLite file: the default, without any server."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar, cast

import anyio
import anyio.to_thread

from .._lifetime import Lifetime
from ..interfaces import (
    Backlog,
    Cap,
    Claim,
    Clock,
    Held,
    LogEntry,
    LogPage,
    NoticesLoss,
    Outcome,
    Page,
    Repository,
    Wakes,
    WakesWorkers,
)
from ..models import Consent, Model, Operation
from ..records import FINAL, Instant, LedgerEntry, Record, Sample, Status, Training
from . import rows, rules
from .sqlite_file import Locked, open_database, open_reader, translated
from .sqlite_writer import Writer

T = TypeVar("T")
M = TypeVar("M", bound=Model)

_TABLES = tuple(table for _, table in rows.RECORDS.values())
_KINDS = {table: kind for kind, (_, table) in rows.RECORDS.items()}

#: Seconds between polls for a change of the file.
_POLL = 1.0

#: Columns of a delivery besides its document.
_LOGGED = (
    "provider",
    "event_id",
    "event_type",
    "payload",
    "received_at",
    "record_id",
    "outcome",
)
_LOG_KEY = "provider || ' ' || event_id"

#: Columns that change seldom or never, most of them in an index, whose update costs as much as the
#: row's: they are set only if they changed.
_STILL = frozenset(
    {"id", "user_id", "clone_id", "training_id", "stack"}
    | {"idempotency_key", "created_at", "deleted"}
)

_NO_LEASE = dict.fromkeys(("lease_owner", "lease_until", "lease_boot_id"))
_FREE = "(lease_until IS NULL OR lease_boot_id <> :boot_id OR lease_until <= :boot)"
_HELD = "(lease_until > :boot AND lease_boot_id = :boot_id)"


def _of_both(select: str) -> str:
    """Statement over trainings and videos; ``{table}`` stands for the table's name."""
    return " UNION ALL ".join(select.format(table=table) for table in _TABLES)


# Names of tables and columns in these are this module's own; values are always bound.
_NEXT_DUE = _of_both(
    f"SELECT * FROM (SELECT next_at FROM {{table}} "  # noqa: S608
    f"WHERE next_at IS NOT NULL AND {_FREE} ORDER BY next_at LIMIT 1)"
)
_ROW = _of_both("SELECT '{table}' AS source, id, doc FROM {table} WHERE id = :id")
_FREE_NOW = _of_both(
    f"SELECT '{{table}}' AS source, id, next_at, fence, doc FROM {{table}} "  # noqa: S608
    f"WHERE next_at <= :wall AND {_FREE}"
)
_DUE = f"{_FREE_NOW} ORDER BY next_at, id LIMIT :limit"
_ARE_DUE = _of_both(
    f"SELECT waits_for, next_at FROM {{table}} WHERE next_at <= :wall AND {_FREE}"  # noqa: S608
)
_ARE_HELD = _of_both(  # the plus keeps the planner from the long index of due times
    f"SELECT waits_for FROM {{table}} WHERE +next_at IS NOT NULL AND {_HELD}"  # noqa: S608
)
_BACKLOG = (
    "SELECT waits_for, records, coalesce(due, 0), coalesce(held, 0), oldest FROM waiting "  # noqa: S608
    "LEFT JOIN (SELECT waits_for, count(*) AS due, min(next_at) AS oldest "
    f"FROM ({_ARE_DUE}) GROUP BY waits_for) USING (waits_for) "
    f"LEFT JOIN (SELECT waits_for, count(*) AS held FROM ({_ARE_HELD}) GROUP BY waits_for) "
    "USING (waits_for) WHERE records > 0 ORDER BY waits_for"
)


class _Readers(NamedTuple):
    """Connections for reading: for a few rows at once, and for long queries in a thread."""

    short: sqlite3.Connection
    long: sqlite3.Connection


class SqliteRepository(Repository, Wakes, WakesWorkers, NoticesLoss):
    """Repository in the file at ``path``; several processes of one machine may share it.

    A change is on the disk before its call returns. ``clock`` measures leases, due times and
    ``now``; its boot time must be the same for all processes.
    """

    def __init__(self, path: str | os.PathLike[str], *, clock: Clock) -> None:
        self._path = Path(path)
        self._clock = clock
        self._lifetime = Lifetime(f"database {self._path}", "await open() first")
        self._writer: Writer | None = None
        self._readers: _Readers | None = None

    async def open(self) -> None:
        """Create or migrate the file, and connect; safe when many processes start at once.

        Raises ``ConfigError`` if the file belongs to another program, is no database or has a
        newer version, ``StorageError`` if it cannot be written.
        """
        self._lifetime.require_same_process()
        if self._writer is None:
            self._reading = anyio.CapacityLimiter(1)
            self._calls = 0  #: calls under way
            self._threads: anyio.CapacityLimiter | None = None  #: anyio's, while one is under way
            self._writer, self._readers = await anyio.to_thread.run_sync(self._connect)
            self._lifetime.open(None)

    def _connect(self) -> tuple[Writer, _Readers]:
        connection, self._file = open_database(self._path)
        with ExitStack() as opened:
            opened.callback(connection.close)
            opened.callback(self._file.close)
            short = opened.enter_context(closing(open_reader(self._path, patience=0.0)))
            readers = _Readers(short, opened.enter_context(closing(open_reader(self._path))))
            opened.pop_all()
        return Writer(connection, self._path, self._file), readers

    async def aclose(self) -> None:
        """Finish the changes under way, and close the file."""
        self._lifetime.require_same_process()
        self._lifetime.close()
        writer, readers = self._writer, self._readers
        self._writer = self._readers = None
        with anyio.CancelScope(shield=True):
            if readers is not None:
                readers.short.close()
                await anyio.to_thread.run_sync(readers.long.close, limiter=self._reading)
            if writer is not None:
                await anyio.to_thread.run_sync(writer.close)

    def lost_changes(self) -> bool:
        """Return True if changes are missing that were committed, as after a deleted log."""
        return self._file.lost_changes

    def accept_loss(self) -> None:
        """Go on without the missing changes."""
        self._file.accept()

    async def now(self) -> Instant:
        """Return the time by the given clock."""
        return self._clock.now()

    async def _write(self, change: Callable[[sqlite3.Connection], T]) -> T:
        self._lifetime.require(None)
        with self._working():
            return await cast("Writer", self._writer).run(change)

    async def _look(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Run a query that reads a few rows by an index, at once: a thread would cost more.

        While another program locks the whole file, a thread waits for that instead.
        """
        self._lifetime.require(None)
        try:
            with translated(self._path):
                return self._found(cast("_Readers", self._readers).short, query)
        except Locked:
            return await self._read(query)

    async def _read(self, query: Callable[[sqlite3.Connection], T]) -> T:
        """Run a query that may take long, in a thread, on a connection of its own."""
        self._lifetime.require(None)
        long = cast("_Readers", self._readers).long
        with self._working(), translated(self._path):
            read = partial(self._found, long, query)
            return await anyio.to_thread.run_sync(read, limiter=self._reading)

    def _found(self, reader: sqlite3.Connection, query: Callable[[sqlite3.Connection], T]) -> T:
        try:
            found = query(reader)
            self._file.require(reader)
        except sqlite3.Error as error:
            raise self._file.explain(error, reader) from error
        return found

    @contextmanager
    def _working(self) -> Generator[None]:
        """Count as one of anyio's worker threads, so that virtual time waits for the disk."""
        if not self._calls:
            threads = anyio.to_thread.current_default_thread_limiter()
            with suppress(anyio.WouldBlock):
                threads.acquire_on_behalf_of_nowait(self)
                self._threads = threads
        self._calls += 1
        try:
            yield
        finally:
            self._calls -= 1
            if not self._calls and self._threads is not None:
                threads, self._threads = self._threads, None
                threads.release_on_behalf_of(self)

    # -- records ------------------------------------------------------------------------------

    async def create(self, record: Record, *caps: Cap) -> tuple[Record, bool]:
        """Insert; if the id exists, return the stored record and False. Inserts a missing clone.

        Raises ``NotFound`` if the clone belongs to another user, ``BudgetExceeded`` if one of
        ``caps`` has no room.
        """
        doc, stored = rules.as_stored(record)

        def change(db: sqlite3.Connection) -> tuple[Record, bool]:
            if known := _row(db, record.id):
                return self._parse(known), False
            for cap in caps:
                held = _held(db, cap.since, cap.until, cap.user_id)
                rules.require_room(cap, held.spent + held.reserved, record.reserved)
            _admit(db, record.user_id, record.clone_id, record.created_at)
            _insert(db, _table(record), rows.record_row(stored, doc))
            _reserve(db, stored)
            _index_jobs(db, stored)
            _keep_clone_in_step(db, stored)
            return stored, True

        return await self._write(change)

    async def held(self, since: float, until: float, user_id: str | None = None) -> Held:
        """Amounts of the records that were created from ``since`` to before ``until``."""
        return await self._read(lambda db: _held(db, since, until, user_id))

    async def get(self, record_id: str) -> Record | None:
        """Training or video by its id, tombstones included.

        Raises ``StorageError`` if its document cannot be read.
        """

        def query(db: sqlite3.Connection) -> Record | None:
            row = _row(db, record_id)
            return self._parse(row) if row else None

        return await self._look(query)

    async def save(self, old: Record, new: Record, *entries: LedgerEntry) -> Record | None:
        """Replace ``old`` by ``new`` if it has not changed; None for a lost race.

        Raises ``IllegalTransition`` if the status of a final record would change.
        """
        table = _table(old)
        doc, saved = rules.as_stored(new.model_copy(update={"version": old.version + 1}))
        moved = rows.record_row(saved, doc)
        for name in _STILL & moved.keys():
            if moved[name] == getattr(old, name):
                del moved[name]
        if saved.waits:
            moved |= _NO_LEASE
        moved_jobs = saved.jobs.keys() != old.jobs.keys()

        def change(db: sqlite3.Connection) -> Record | None:
            if not _replace(db, table, old, moved):
                _refuse(db, table, old, new)
                return None
            if moved_jobs:
                _index_jobs(db, saved)
            if (old.status, old.deleted) != (saved.status, saved.deleted):
                _keep_clone_in_step(db, old)
            _reserve(db, saved, old)
            for entry in entries:
                _insert(db, "ledger", entry.mended().model_dump(), or_ignore=True)
            return saved

        return await self._write(change)

    def _parse(self, row: sqlite3.Row) -> Record:
        return rows.record(_KINDS[row["source"]], row["id"], row["doc"], place=str(self._path))

    def _document(self, model: type[M], table: str, row_id: str, doc: str) -> M:
        return rows.read(model, doc, table=table, row_id=row_id, place=str(self._path))

    async def changes(self) -> AsyncGenerator[None, None]:
        """Yield None whenever the file has changed, which is polled each second.

        One pragma serves all watchers, and they read only after a change: SQLite cannot notify
        another process.
        """
        known = None
        while True:
            (version,) = await self._look(lambda db: db.execute("PRAGMA data_version").fetchone())
            if version != known:
                known = version
                yield None
            await self._clock.sleep(_POLL)

    def sooner(self) -> AsyncGenerator[None, None]:
        """Yield None whenever the file has changed, as ``changes`` does."""
        return self.changes()

    # -- leases -------------------------------------------------------------------------------

    async def claim(self, owner: str, limit: int, lease: float) -> list[Claim]:
        """Lease up to ``limit`` due records, oldest first, for ``lease`` seconds.

        A record that cannot be read is skipped with a warning.
        """

        def change(db: sqlite3.Connection) -> list[Claim]:
            now = self._clock.now()
            claims: list[Claim] = []
            skipped = True
            while skipped and len(claims) < limit:
                skipped = False
                for row in _due(db, now, limit - len(claims)):
                    kind = _KINDS[row["source"]]
                    record = rows.readable(kind, row["id"], row["doc"], place=str(self._path))
                    if record is None:
                        skipped = True
                        _lease(db, row, None, now, rules.UNREADABLE_PAUSE)
                    else:
                        claims.append(Claim(record, _lease(db, row, owner, now, lease)))
            return claims

        return await self._write(change)

    async def renew(self, owner: str, lease: float) -> None:
        """Let every lease that ``owner`` holds end ``lease`` seconds from now."""

        def change(db: sqlite3.Connection) -> None:
            now = self._clock.now()
            for table in _TABLES:
                db.execute(
                    f"UPDATE {table} SET lease_until = ? "  # noqa: S608
                    "WHERE lease_owner = ? AND lease_boot_id = ? AND lease_until > ?",
                    (now.boot + lease, owner, now.boot_id, now.boot),
                )

        await self._write(change)

    async def release(self, claim: Claim) -> None:
        """End a claim; do nothing if its fence is not the newest."""

        def change(db: sqlite3.Connection) -> None:
            db.execute(
                f"UPDATE {_table(claim.record)} "  # noqa: S608
                "SET lease_owner = NULL, lease_until = NULL, lease_boot_id = NULL "
                "WHERE id = ? AND fence = ?",
                (claim.record.id, claim.fence),
            )

        await self._write(change)

    async def next_due(self) -> float | None:
        """Due time of the earliest record without a lease, in seconds since 1970."""
        now = self._clock.now()

        def query(db: sqlite3.Connection) -> float | None:
            found = db.execute(_NEXT_DUE, {"boot": now.boot, "boot_id": now.boot_id})
            return min((row["next_at"] for row in found), default=None)

        return await self._look(query)

    async def backlog(self) -> list[Backlog]:
        """Number of waiting records per provider."""
        now = self._clock.now()
        values = {"wall": now.wall, "boot": now.boot, "boot_id": now.boot_id}
        return await self._read(lambda db: [Backlog(*row) for row in db.execute(_BACKLOG, values)])

    # -- account limits -----------------------------------------------------------------------

    async def take_place(
        self, account: str, holder: str, *, places: int | None, rate: float | None, seconds: float
    ) -> float:
        """Take one of an account's slots; 0.0, or the seconds after which to ask again."""

        def change(db: sqlite3.Connection) -> float:
            now = self._clock.now().wall
            db.execute("DELETE FROM places WHERE until <= ?", (now,))
            others = "SELECT until FROM places WHERE account = ? AND holder <> ?"
            ends = [until for (until,) in db.execute(others, (account, holder))]
            row = db.execute("SELECT paced FROM accounts WHERE account = ?", (account,)).fetchone()
            wait, paced = rules.place(now, ends, row and row["paced"], places, rate)
            if not wait:
                taken = (account, holder, now + seconds)
                db.execute("INSERT OR REPLACE INTO places VALUES (?, ?, ?)", taken)
                db.execute("INSERT OR REPLACE INTO accounts VALUES (?, ?)", (account, paced))
            return wait

        return await self._write(change)

    async def leave_place(self, account: str, holder: str) -> None:
        """Give the slot back."""
        given = "DELETE FROM places WHERE account = ? AND holder = ?"
        await self._write(lambda db: db.execute(given, (account, holder)))

    # -- queries ------------------------------------------------------------------------------

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
        wanted = rules.page_filter(kind, user_id, clone_id, training_id, status)
        where = ["deleted = 0", *(f"{name} = ?" for name in wanted)]
        values: list[Any] = list(wanted.values())
        if cursor is not None:
            where.append("(created_at, id) < (?, ?)")
            values += rules.unpack_cursor(cursor)
        limit = max(limit, 1)
        _, table = rows.RECORDS[kind]
        newest = (
            f"SELECT id, created_at, doc FROM {table} "  # noqa: S608
            f"WHERE {' AND '.join(where)} ORDER BY created_at DESC, id DESC LIMIT ?"
        )

        def query(db: sqlite3.Connection) -> Page[Record]:
            found = db.execute(newest, (*values, limit + 1)).fetchall()
            return rows.page(kind, found, limit, place=str(self._path))

        return await self._read(query)

    async def find_job(self, provider: str, operation: Operation, job_id: str) -> Record | None:
        """Record that holds this job: the oldest of several, deleted ones last."""
        holder = " UNION ALL ".join(
            f"SELECT '{table}' AS source, r.id, r.doc, r.deleted, r.created_at "  # noqa: S608
            f"FROM jobs JOIN {table} AS r ON r.id = jobs.record_id "
            "WHERE jobs.provider = :provider AND jobs.operation = :operation "
            "AND jobs.job_id = :job_id"
            for table in _TABLES
        )
        key = {"provider": provider, "operation": operation, "job_id": job_id}

        def query(db: sqlite3.Connection) -> Record | None:
            row = db.execute(f"{holder} ORDER BY deleted, created_at, id LIMIT 1", key).fetchone()
            return self._parse(row) if row else None

        return await self._look(query)

    # -- samples and consents -----------------------------------------------------------------

    async def add_sample(self, sample: Sample) -> Sample:
        """Store a sample of a clone; the same bytes in the same role are one sample.

        Raises ``NotFound`` if the clone belongs to another user.
        """
        table, sample = rows.SAMPLES[sample.role], sample.mended()

        def change(db: sqlite3.Connection) -> Sample:
            _admit(db, sample.user_id, sample.clone_id, sample.created_at)
            known = db.execute(
                f"SELECT id, doc FROM {table} WHERE clone_id = ? AND sha256 = ?",  # noqa: S608
                (sample.clone_id, sample.file.sha256),
            ).fetchone()
            if known:
                return self._document(Sample, table, known["id"], known["doc"])
            _insert(db, table, rows.sample_row(sample))
            return sample

        return await self._write(change)

    async def samples(self, user_id: str, clone_id: str | None = None) -> list[Sample]:
        """All samples of a clone, or of all clones of a user, oldest first.

        Raises ``NotFound`` for another user's clone.
        """
        whose = "user_id = :user_id" if clone_id is None else "clone_id = :clone_id"
        stored = " UNION ALL ".join(
            f"SELECT '{table}' AS source, id, created_at, doc FROM {table} WHERE {whose}"  # noqa: S608
            for table in rows.SAMPLES.values()
        )
        asked = {"user_id": user_id, "clone_id": clone_id}

        def query(db: sqlite3.Connection) -> list[Sample]:
            if clone_id is not None and _owner(db, clone_id) not in (None, user_id):
                rules.hidden_clone(clone_id)
            rows = db.execute(f"{stored} ORDER BY created_at, id", asked)
            return [self._document(Sample, r["source"], r["id"], r["doc"]) for r in rows]

        return await self._read(query)

    async def remove_sample(self, sample: Sample) -> None:
        """Delete a sample by its id and role; do nothing if there is none."""
        statement = f"DELETE FROM {rows.SAMPLES[sample.role]} WHERE id = ?"  # noqa: S608

        def change(db: sqlite3.Connection) -> None:
            db.execute(statement, (sample.id,))

        await self._write(change)

    async def add_consent(self, consent: Consent) -> Consent:
        """Store a consent; idempotent by its id: the one stored first is returned.

        If its evidence was dropped, it gets the evidence of this one, unless it was revoked.
        """
        consent = consent.mended()

        def change(db: sqlite3.Connection) -> Consent:
            known = self._consent(db, consent.id)
            if known is None:
                _insert(db, "consents", rows.consent_row(consent))
                return consent
            stored = rules.with_evidence(known, consent)
            if stored != known:
                _replace_consent(db, stored)
            return stored

        return await self._write(change)

    async def get_consent(self, consent_id: str) -> Consent | None:
        """Consent by its id."""
        return await self._look(lambda db: self._consent(db, consent_id))

    async def revoke_consent(self, consent_id: str, at: float) -> Consent | None:
        """Store the time of the first revocation; return the stored consent, or None."""

        def change(db: sqlite3.Connection) -> Consent | None:
            known = self._consent(db, consent_id)
            if known is None or known.revoked_at is not None:
                return known
            revoked = known.model_copy(update={"revoked_at": at})
            _replace_consent(db, revoked)
            return revoked

        return await self._write(change)

    async def drop_evidence(self, consent_id: str) -> Consent | None:
        """Remove ``evidence_file`` of a consent; return the stored consent, or None."""

        def change(db: sqlite3.Connection) -> Consent | None:
            known = self._consent(db, consent_id)
            if known is None or known.evidence_file is None:
                return known
            dropped = known.model_copy(update={"evidence_file": None})
            _replace_consent(db, dropped)
            return dropped

        return await self._write(change)

    def _consent(self, db: sqlite3.Connection, consent_id: str) -> Consent | None:
        row = db.execute("SELECT doc FROM consents WHERE id = ?", (consent_id,)).fetchone()
        return self._document(Consent, "consents", consent_id, row["doc"]) if row else None

    # -- erasure ------------------------------------------------------------------------------

    async def consents(self, user_id: str) -> list[Consent]:
        """All consents of a user, by their id."""

        def query(db: sqlite3.Connection) -> list[Consent]:
            own = "SELECT id, doc FROM consents WHERE user_id = ? ORDER BY id"
            found = db.execute(own, (user_id,))
            return [self._document(Consent, "consents", row_id, doc) for row_id, doc in found]

        return await self._read(query)

    async def tombstones(self, user_id: str) -> list[Record]:
        """Deleted records of a user whose cleanup has not ended, by their id."""
        own = " UNION ALL ".join(
            f"SELECT '{table}' AS source, id, doc FROM {table} "  # noqa: S608
            "WHERE user_id = :user_id AND deleted = 1"
            for table in _TABLES
        )

        def query(db: sqlite3.Connection) -> list[Record]:
            found = db.execute(f"{own} ORDER BY id", {"user_id": user_id})
            return [self._parse(row) for row in found]

        return await self._read(query)

    async def erase(self, user_id: str) -> dict[str, int]:
        """Delete the user's samples, consents, deliveries and clones; return the count of each."""
        own = "WHERE user_id = :user_id"
        records = " UNION ALL ".join(f"SELECT id FROM {table} {own}" for table in _TABLES)  # noqa: S608
        live = " UNION ALL ".join(
            f"SELECT clone_id FROM {table} {own} AND deleted = 0"  # noqa: S608
            for table in _TABLES
        )
        removed = {
            "samples": [f"DELETE FROM {table} {own}" for table in rows.SAMPLES.values()],  # noqa: S608
            "consents": [f"DELETE FROM consents {own}"],  # noqa: S608
            "deliveries": [f"DELETE FROM avatar_webhooks WHERE record_id IN ({records})"],  # noqa: S608
            "clones": [f"DELETE FROM user_clones {own} AND id NOT IN ({live})"],  # noqa: S608
        }

        def change(db: sqlite3.Connection) -> dict[str, int]:
            values = {"user_id": user_id}
            spent = "UPDATE reservations SET whose = '' WHERE whose = ?"
            db.execute(spent, (rules.whose(user_id),))
            counts = {
                what: sum(db.execute(statement, values).rowcount for statement in statements)
                for what, statements in removed.items()
            }
            (left,) = db.execute(f"SELECT count(*) FROM ({live})", values).fetchone()  # noqa: S608
            return {**counts, "live": left}

        return await self._write(change)

    async def drop_webhooks(self, record_id: str) -> None:
        """Delete the deliveries about a record, also those that only name its token."""
        about = (
            "DELETE FROM avatar_webhooks WHERE record_id = ? "
            "OR (record_id IS NULL AND instr(doc, ?))"
        )
        await self._write(lambda db: db.execute(about, (record_id, rows.naming(record_id))))

    # -- logs ---------------------------------------------------------------------------------

    async def log_webhook(self, entry: LogEntry) -> bool:
        """Store a delivery; False if this event of this provider is known already."""
        columns = {name: getattr(entry, name) for name in _LOGGED}
        columns["doc"] = rows.log_doc(entry)
        return await self._write(lambda db: _insert(db, "avatar_webhooks", columns, or_ignore=True))

    async def settle_webhook(
        self, provider: str, event_id: str, outcome: Outcome, record_id: str | None = None
    ) -> None:
        """Store the outcome of a delivery, and its record if that is known."""
        settled = (
            "UPDATE avatar_webhooks SET outcome = ?, record_id = coalesce(?, record_id) "
            "WHERE provider = ? AND event_id = ?"
        )
        values = (outcome, record_id, provider, event_id)
        await self._write(lambda db: db.execute(settled, values))

    async def get_webhook(self, provider: str, event_id: str) -> LogEntry | None:
        """Return one delivery, or None."""
        found = await self._logged("provider = ? AND event_id = ?", (provider, event_id), limit=1)
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
        """Deliveries, newest first, of all users or about the records of one."""
        wanted: dict[str, tuple[Any, ...]] = {}
        if user_id is not None:
            own = " UNION ALL ".join(f"SELECT id FROM {t} WHERE user_id = ?" for t in _TABLES)  # noqa: S608
            wanted[f"record_id IN ({own})"] = (user_id,) * len(_TABLES)
        if provider is not None:
            wanted["provider = ?"] = (provider,)
        if outcome is not None:
            wanted["outcome = ?"] = (outcome,)
        if cursor is not None:
            wanted[f"(received_at, {_LOG_KEY}) < (?, ?)"] = rules.unpack_cursor(cursor)
        limit = max(limit, 1)
        where = " AND ".join(wanted) or "TRUE"
        values = tuple(value for given in wanted.values() for value in given)
        newest = f"{where} ORDER BY received_at DESC, {_LOG_KEY} DESC"
        return rows.log_page(await self._logged(newest, values, limit=limit + 1), limit)

    async def pending_webhooks(self, limit: int = 64) -> list[LogEntry]:
        """Deliveries that are "received", then those that are "unmatched", each oldest first."""
        oldest = f"outcome IN ('received', 'unmatched') ORDER BY outcome, received_at, {_LOG_KEY}"
        return await self._logged(oldest, (), limit=limit)

    async def _logged(self, where: str, values: tuple[Any, ...], *, limit: int) -> list[LogEntry]:
        statement = f"SELECT * FROM avatar_webhooks WHERE {where} LIMIT ?"  # noqa: S608

        def query(db: sqlite3.Connection) -> list[LogEntry]:
            found = map(dict, db.execute(statement, (*values, limit)))
            place = str(self._path)
            return [rows.log_entry(row, row.pop("doc"), place=place) for row in found]

        return await self._read(query)

    async def ledger(self, record_id: str | None = None) -> list[LedgerEntry]:
        """Requests that vendors accepted, oldest first."""

        def query(db: sqlite3.Connection) -> list[LedgerEntry]:
            rows = db.execute(
                "SELECT * FROM ledger WHERE :id IS NULL OR record_id = :id ORDER BY at, rowid",
                {"id": record_id},
            )
            return [LedgerEntry.model_validate(dict(row)) for row in rows]

        return await self._read(query)


def _table(record: Record) -> str:
    return rows.RECORDS[rows.kind_of(record)][1]


# -- statements -----------------------------------------------------------------------------------
# Names of tables and columns in them are this module's own; values are always bound.


def _replace_consent(db: sqlite3.Connection, consent: Consent) -> None:
    doc = rows.consent_row(consent)["doc"]
    db.execute("UPDATE consents SET doc = ? WHERE id = ?", (doc, consent.id))


def _insert(
    db: sqlite3.Connection, table: str, columns: Mapping[str, Any], *, or_ignore: bool = False
) -> bool:
    """Insert a row; False if it existed already."""
    marks = ", ".join("?" * len(columns))
    rule = "ON CONFLICT DO NOTHING" if or_ignore else ""
    cursor = db.execute(
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks}) {rule}",  # noqa: S608
        tuple(columns.values()),
    )
    return cursor.rowcount == 1


def _replace(db: sqlite3.Connection, table: str, old: Record, columns: Mapping[str, Any]) -> bool:
    """Update the row if it is still ``old``; False if not, or if its status is final."""
    key = (old.id, old.version, columns["status"])
    return db.execute(_replacing(table, tuple(columns)), (*columns.values(), *key)).rowcount == 1


@cache
def _replacing(table: str, names: tuple[str, ...]) -> str:
    values = ", ".join(f"{name} = ?" for name in names)
    open_ = " AND ".join(f"status <> '{status}'" for status in sorted(FINAL))
    return (
        f"UPDATE {table} SET {values} "  # noqa: S608
        f"WHERE id = ? AND version = ? AND (status = ? OR {open_})"
    )


def _refuse(db: sqlite3.Connection, table: str, old: Record, new: Record) -> None:
    """Raise ``IllegalTransition`` if a final status, and no lost race, prevented the update."""
    row = db.execute(
        f"SELECT status FROM {table} WHERE id = ? AND version = ?",  # noqa: S608
        (old.id, old.version),
    ).fetchone()
    if row:
        rules.keep_final(old.id, Status(row["status"]), new.status)


def _row(db: sqlite3.Connection, record_id: str) -> sqlite3.Row | None:
    row: sqlite3.Row | None = db.execute(_ROW, {"id": record_id}).fetchone()
    return row


def _due(db: sqlite3.Connection, now: Instant, limit: int) -> list[sqlite3.Row]:
    values = {"wall": now.wall, "boot": now.boot, "boot_id": now.boot_id, "limit": limit}
    return db.execute(_DUE, values).fetchall()


def _lease(
    db: sqlite3.Connection, row: sqlite3.Row, owner: str | None, now: Instant, seconds: float
) -> int:
    """Lease a row; return the fence of this claim."""
    fence = int(row["fence"]) + 1
    db.execute(
        f"UPDATE {row['source']} SET fence = ?, lease_owner = ?, "  # noqa: S608
        "lease_until = ?, lease_boot_id = ? WHERE id = ?",
        (fence, owner, now.boot + seconds, now.boot_id, row["id"]),
    )
    return fence


def _owner(db: sqlite3.Connection, clone_id: str) -> str | None:
    row = db.execute("SELECT user_id FROM user_clones WHERE id = ?", (clone_id,)).fetchone()
    return row["user_id"] if row else None


def _admit(db: sqlite3.Connection, user_id: str, clone_id: str, at: float) -> None:
    """Insert a missing clone; raises ``NotFound`` if it belongs to another user."""
    clone = {"id": clone_id, "user_id": user_id, "created_at": at}
    if not _insert(db, "user_clones", clone, or_ignore=True) and _owner(db, clone_id) != user_id:
        rules.hidden_clone(clone_id)


def _reserve(db: sqlite3.Connection, record: Record, before: Record | None = None) -> None:
    """Update the budget reservation of a record."""
    if row := rules.reservation(record, before):
        db.execute(
            "INSERT INTO reservations VALUES (:record_id, :whose, :at, :reserved, :spent) "
            "ON CONFLICT (record_id) DO UPDATE SET reserved = :reserved, spent = :spent",
            row,
        )


def _held(db: sqlite3.Connection, since: float, until: float, user_id: str | None) -> Held:
    of_user = "" if user_id is None else "whose = :whose AND "
    found = db.execute(
        "SELECT coalesce(sum(spent), 0), coalesce(sum(reserved), 0) FROM reservations "  # noqa: S608
        f"WHERE {of_user}at >= :since AND at < :until",
        {"since": since, "until": until, "whose": rules.whose(user_id)},
    )
    return Held(*found.fetchone())


def _keep_clone_in_step(db: sqlite3.Connection, record: Record) -> None:
    """Copy the newest training's status to its clone, and set ``avatar_ready``, if they changed."""
    if not isinstance(record, Training):
        return
    db.execute(
        "UPDATE user_clones SET training_status = status, avatar_ready = ready FROM (SELECT "
        "coalesce((SELECT status FROM avatar_training "
        "WHERE clone_id = :id AND deleted = 0 ORDER BY created_at DESC, id DESC LIMIT 1), "
        "'pending') AS status, "
        "EXISTS (SELECT 1 FROM avatar_training "
        "WHERE clone_id = :id AND deleted = 0 AND status = 'completed') AS ready) "
        "WHERE id = :id AND (training_status, avatar_ready) <> (status, ready)",
        {"id": record.clone_id},
    )


def _index_jobs(db: sqlite3.Connection, record: Record) -> None:
    """Update the table ``jobs`` for a record."""
    rows = db.execute(
        "SELECT provider, operation, job_id FROM jobs WHERE record_id = ?", (record.id,)
    )
    known = {(row["provider"], Operation(row["operation"]), row["job_id"]) for row in rows}
    held = record.jobs.keys()
    db.executemany(
        "DELETE FROM jobs WHERE provider = ? AND operation = ? AND job_id = ? AND record_id = ?",
        [(*job, record.id) for job in known - held],
    )
    db.executemany("INSERT INTO jobs VALUES (?, ?, ?, ?)", [(*j, record.id) for j in held - known])
