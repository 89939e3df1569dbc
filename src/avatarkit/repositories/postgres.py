"""Records in PostgreSQL 15 or newer: for several workers on one database."""

from __future__ import annotations

import asyncio
import base64
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Literal, LiteralString, TypeVar

from ..errors import AvatarKitError, ConfigError, StorageError
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
    Wakes,
)
from ..models import Consent, Model, Operation
from ..records import Instant, LedgerEntry, Record, Sample, Status
from . import rows, rules, server
from .server import ServerClock

if TYPE_CHECKING:
    from psycopg import AsyncConnection, Error
    from psycopg_pool import AsyncConnectionPool

__all__ = ["PostgresRepository", "driver", "place_of", "reason"]

T = TypeVar("T")
M = TypeVar("M", bound=Model)
Row = Sequence[Any]

#: Seconds for which a call is repeated while the server is away, as when it restarts.
_PATIENCE = 20.0
_FIRST_GAP, _LONGEST_GAP = 0.1, 2.0
#: Seconds that a call waits for a connection of the pool, and for one to be made.
_POOL_TIMEOUT = 15.0
_CONNECT_TIMEOUT = 5

#: Where changes are told of, and seconds between trials whether that is heard.
_CHANNEL = "avatarkit_changes"
_QUIET = 30.0
#: Seconds in which changes gather after one was told, and for which closing waits for the last.
_GATHER, _GOODBYE = 0.05, 1.0

#: Of connections: class 08. Of servers: shutting down, crashed, starting. Then: give way and retry.
_PASSING = ("08", "57P01", "57P02", "57P03", "40001", "40P01")


_HAS_SCHEMA = "select to_regprocedure('public.avatarkit_schema_version()') is not null"
_READ_ONLY = "select current_setting('transaction_read_only')::bool"
_MAY_WRITE = (
    "select bool_and(has_table_privilege('public.' || t, p)) "
    "from unnest(array['avatar_training', 'avatar_videos', 'avatar_leases']) t, "
    "unnest(array['select', 'insert', 'update']) p"
)


class PostgresRepository(Repository, Wakes):
    """Keeps everything in the database at ``dsn``; any number of processes may share it.

    ``dsn`` is a connection URI or string of libpq's. ``pool_size`` bounds the connections of this
    process. ``prepare_threshold`` is psycopg's; None, the default, works behind poolers in
    transaction mode. Due times, intents and leases are measured by the server's clock; ``clock``
    measures time in between, and with ``virtual`` is the time itself, for tests.
    """

    def __init__(
        self,
        dsn: str,
        *,
        clock: Clock,
        pool_size: int = 8,
        prepare_threshold: int | None = None,
        virtual: bool = False,
    ) -> None:
        self._dsn = dsn
        self._clock = clock
        self._pool_size = pool_size
        self._prepare_threshold = prepare_threshold
        self._pool: AsyncConnectionPool[Any] | None = None
        self._place = "the database"
        self._time = ServerClock(clock, self._server_now, virtual=virtual)
        self._untold: set[str] = set()
        self._telling: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect, and check that the schema is there and that this role may use it.

        Never migrates. Raises ``ConfigError`` for a wrong address, a missing, older or newer
        schema, and a role that may not write; ``StorageError`` where the server is away.
        """
        if self._pool is not None:
            return
        _, pools = driver()
        self._place = place_of(self._dsn)
        async with await self._connected() as connection:
            await self._check(connection)
        pool = pools.AsyncConnectionPool(
            self._dsn,
            min_size=1,
            max_size=self._pool_size,
            timeout=_POOL_TIMEOUT,
            open=False,
            name="avatarkit",
            kwargs={
                "autocommit": True,  # every call is one statement, and so one transaction
                "prepare_threshold": self._prepare_threshold,
                "connect_timeout": _CONNECT_TIMEOUT,
                "application_name": "avatarkit",
            },
        )
        await pool.open()
        self._pool = pool

    async def _connected(self, **more: Any) -> AsyncConnection[Any]:
        """Connect past the pool, which does not say why it cannot; raises the reason."""
        psycopg, _ = driver()
        try:
            connection: AsyncConnection[Any] = await psycopg.AsyncConnection.connect(
                self._dsn, autocommit=True, connect_timeout=_CONNECT_TIMEOUT, **more
            )
        except psycopg.Error as error:
            raise reason(error, self._place) from None  # its cause may quote the address
        return connection

    async def _check(self, connection: AsyncConnection[Any]) -> None:
        psycopg, _ = driver()
        try:
            version, read_only = None, False
            if await _answer(connection, _HAS_SCHEMA):
                version = await _answer(connection, "select public.avatarkit_schema_version()")
                read_only = await _answer(connection, _READ_ONLY)
            if wrong := server.wrong_schema(version, self._place):
                raise wrong
            if read_only:
                raise server.known_error("25006", self._place)
            if not await _answer(connection, _MAY_WRITE):
                raise server.known_error("42501", self._place)
        except psycopg.Error as error:
            raise self._explained(error) from error

    async def aclose(self) -> None:
        """Give the connections back."""
        telling, self._telling = self._telling, None
        if telling is not None and not telling.done():
            await asyncio.wait([telling], timeout=_GOODBYE)
            telling.cancel()
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()

    async def now(self) -> Instant:
        """The moment by the server's clock."""
        return await self._time.now()

    async def _server_now(self) -> float:
        ((seconds,),) = await self._rows("select public.avatarkit_now()")
        return float(seconds)

    # -- statements ---------------------------------------------------------------------------

    async def _rows(self, statement: str, *values: Any) -> list[Row]:
        """What a statement answers; repeated while the server is away."""
        return await self._repeated(lambda: self._once(statement, values))

    async def _once(self, statement: str, values: Sequence[Any]) -> list[Row]:
        """Run one statement, in a transaction of its own; raises ``_Away``."""
        if self._pool is None:
            raise ConfigError(f"{self._place} is not open: await open() first")
        psycopg, pools = driver()
        try:
            async with self._pool.connection() as connection:
                cursor = await connection.execute(statement, values or None)
                found: list[Row] = await cursor.fetchall()
        except pools.PoolTimeout:
            # Either the server is away, which this says, or all connections are in use.
            await (await self._connected()).close()
            raise _Away(
                StorageError(
                    f"all {self._pool_size} connections to {self._place} were in use for "
                    f"{_POOL_TIMEOUT:.0f} s: give PostgresRepository a larger pool_size"
                )
            ) from None
        except psycopg.Error as error:
            if _passing(error):
                raise _Away(reason(error, self._place)) from error
            raise self._explained(error) from error
        return found

    async def _repeated(self, call: Callable[[], Awaitable[T]]) -> T:
        gap, waited = _FIRST_GAP, 0.0
        while True:
            try:
                return await call()
            except _Away as away:
                if waited >= _PATIENCE:
                    raise away.error from away
            await self._clock.sleep(gap)
            waited, gap = waited + gap, min(2 * gap, _LONGEST_GAP)

    def _explained(self, error: Error) -> AvatarKitError:
        said = error.diag.message_primary or ""
        known = server.explained(error.sqlstate, said, self._place)
        # The detail of an error may hold a whole row: only its code is told.
        return known or StorageError(
            f"{self._place} refused a statement ({type(error).__name__}, SQLSTATE "
            f"{error.sqlstate}): see the server's log"
        )

    # -- records ------------------------------------------------------------------------------

    async def create(self, record: Record, *caps: Cap) -> tuple[Record, bool]:
        """Insert; if the id exists, what is there and False. Inserts a missing clone.

        Raises ``NotFound`` where the clone belongs to another user, ``BudgetExceeded`` where one of
        ``caps`` has no room.
        """
        doc, stored = rules.as_stored(record)
        ((created, kind, found, full, held),) = await self._rows(
            "select created, kind, doc, cap, held from public.avatarkit_create(%s, %s, %s, %s, %s)",
            rows.kind_of(record),
            server.row_json(rows.record_row(stored, doc)),
            server.jobs_json(rules.jobs_of(stored)),
            server.reservation_json(stored),
            server.caps_json(caps),
        )
        server.require_room(caps, full, held, stored)
        return (stored, True) if created else (self._record(kind, record.id, found), False)

    async def held(self, since: float, until: float, user_id: str | None = None) -> Held:
        """What the records hold that were made from ``since`` to before ``until``."""
        statement = "select spent, reserved from public.avatarkit_held(%s, %s, %s)"
        asked = rows.iso(since), rows.iso(until), rules.whose(user_id)
        ((spent, reserved),) = await self._rows(statement, *asked)
        return Held(spent, reserved)

    async def get(self, record_id: str) -> Record | None:
        """A training or a video by its id, tombstones included.

        Raises ``StorageError`` where its document cannot be read.
        """
        found = await self._rows("select kind, doc from public.avatarkit_get(%s)", record_id)
        return self._record(found[0][0], record_id, found[0][1]) if found else None

    async def save(self, old: Record, new: Record, *entries: LedgerEntry) -> Record | None:
        """Replace ``old`` by ``new`` if nobody else has; None for a lost race.

        Raises ``IllegalTransition`` where the status of a final record would change. Where an
        answer was lost, what is stored tells whether it was this change that came through.
        """
        doc, saved = rules.as_stored(new.model_copy(update={"version": old.version + 1}))
        jobs = rules.jobs_of(saved)
        values = (
            rows.kind_of(old),
            old.version,
            server.change_json(rows.record_row(saved, doc)),
            None if jobs == rules.jobs_of(old) else server.jobs_json(jobs),
            server.ledger_json(entries),
            server.reservation_json(saved, old),
        )
        sent = 0

        async def send() -> bool:
            nonlocal sent
            sent += 1
            statement = "select public.avatarkit_save(%s, %s, %s, %s, %s, %s)"
            ((replaced,),) = await self._once(statement, values)
            return bool(replaced)

        replaced = await self._repeated(send)
        if not replaced and sent > 1:
            found = await self._rows("select doc from public.avatarkit_get(%s)", old.id)
            replaced = bool(found) and found[0][0] == doc
        if not replaced:
            return None
        if saved.shown != old.shown:
            self._tell(saved.id)
        return saved

    def _record(self, kind: str, record_id: str, doc: str) -> Record:
        return rows.record(kind, record_id, doc, place=self._place)

    def _read(self, model: type[M], table: str, row_id: str, doc: str) -> M:
        return rows.read(model, doc, table=table, row_id=str(row_id), place=self._place)

    def _tell(self, record_id: str) -> None:
        """Notify whoever listens of the id and nothing else, apart from the change.

        Commits that notify wait for one another, so doing it along with the change would keep the
        server from writing several changes to the disk at once. A notification that is lost costs
        a watcher time only.
        """
        self._untold.add(record_id)
        if self._telling is None or self._telling.done():
            self._telling = asyncio.create_task(self._tell_all())

    async def _tell_all(self) -> None:
        statement = "select pg_notify(%s, id) from unnest(%s::text[]) id"
        while self._untold:
            told, self._untold = self._untold, set()
            with suppress(_Away, AvatarKitError):
                await self._once(statement, (_CHANNEL, sorted(told)))
            await self._clock.sleep(_GATHER)

    async def changes(self) -> AsyncGenerator[str | None, None]:
        """Yield the id of each record that changes, heard by a connection of its own.

        What it hears is tried by a message of its own, now and then: a pooler in transaction mode
        takes a LISTEN and passes nothing on, and a connection may be dead without a word. Raises
        ``StorageError`` where it hears no longer.
        """
        psycopg, _ = driver()
        connection = await self._connected(application_name="avatarkit changes")
        try:
            own = f"avatarkit_{secrets.token_hex(8)}"
            await connection.execute(f"listen {_CHANNEL}; listen {own}")
            hears = False
            while True:
                await self._rows("select pg_notify(%s, '')", own)
                echoed = False
                async for heard in connection.notifies(timeout=_QUIET):
                    if heard.channel == own:
                        echoed = True
                        if not hears:
                            hears = True
                            yield None
                    else:
                        yield heard.payload
                if not echoed:
                    raise StorageError(
                        f"{self._place} passes no notifications on, as poolers in transaction mode "
                        "do: changes are looked for each second"
                    )
        except psycopg.Error as error:
            raise reason(error, self._place) from error
        finally:
            await connection.close()

    # -- leases -------------------------------------------------------------------------------

    async def claim(self, owner: str, limit: int, lease: float) -> list[Claim]:
        """Take up to ``limit`` due records, oldest first, for ``lease`` seconds.

        One that cannot be read is skipped with a warning.
        """

        async def take(limit: int) -> list[Any]:
            statement = "select kind, id, fence, doc from public.avatarkit_claim(%s, %s, %s, %s)"
            return await self._rows(statement, owner, limit, lease, self._time.given)

        async def put_off(record_id: str, fence: int) -> None:
            await self._release(record_id, fence, rules.UNREADABLE_PAUSE)

        return await server.claimed(take, put_off, limit, place=self._place)

    async def renew(self, owner: str, lease: float) -> None:
        """Let every lease that ``owner`` holds end ``lease`` seconds from now."""
        await self._rows(
            "select public.avatarkit_renew(%s, %s, %s)", owner, lease, self._time.given
        )

    async def release(self, claim: Claim) -> None:
        """End a claim; nothing happens where the fence is not the newest."""
        await self._release(claim.record.id, claim.fence, 0.0)

    async def _release(self, record_id: str, fence: int, pause: float) -> None:
        await self._rows(
            "select public.avatarkit_release(%s, %s, %s, %s)",
            record_id,
            fence,
            pause,
            self._time.given,
        )

    async def next_due(self) -> float | None:
        """When the earliest record that nobody holds is due, in seconds since 1970."""
        statement = "select public.avatarkit_next_due(%s)"
        ((due,),) = await self._rows(statement, self._time.given)
        return None if due is None else float(due)

    async def backlog(self) -> list[Backlog]:
        """What waits, by the provider that it waits for."""
        statement = "select provider, waiting, due, held, oldest from public.avatarkit_backlog(%s)"
        return [Backlog(*row) for row in await self._rows(statement, self._time.given)]

    # -- places at accounts -------------------------------------------------------------------

    async def take_place(
        self, account: str, holder: str, *, places: int | None, rate: float | None, seconds: float
    ) -> float:
        """Take one of an account's places; 0.0, or after how many seconds to ask again."""
        ((wait,),) = await self._rows(
            "select public.avatarkit_take_place(%s, %s, %s, %s, %s, %s)",
            account,
            holder,
            places,
            rate,
            seconds,
            self._time.given,
        )
        return float(wait)

    async def leave_place(self, account: str, holder: str) -> None:
        """Give the place back."""
        await self._rows("select public.avatarkit_leave_place(%s, %s)", account, holder)

    # -- looking up ---------------------------------------------------------------------------

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

        One that cannot be read is left out, with a warning.
        """
        wanted = rules.page_filter(kind, user_id, clone_id, training_id, status)
        where = ["not deleted", *(f"{name} = %s" for name in wanted)]
        values: list[Any] = list(wanted.values())
        if cursor is not None:
            where.append("(created_at, id) < (to_timestamp(%s), %s)")
            values += rules.unpack_cursor(cursor)
        limit = max(limit, 1)
        _, table = rows.RECORDS[kind]
        found = await self._rows(
            "select id::text, extract(epoch from created_at)::float8, doc "  # noqa: S608
            f"from public.{table} where {' and '.join(where)} "
            "order by created_at desc, id desc limit %s",
            *values,
            limit + 1,
        )
        return rows.page(kind, found, limit, place=self._place)

    async def find_job(self, provider: str, operation: Operation, job_id: str) -> Record | None:
        """The record that holds this job: of several the oldest, deleted ones last."""
        statement = "select kind, id, doc from public.avatarkit_find_job(%s, %s, %s)"
        found = await self._rows(statement, provider, operation, job_id)
        return self._record(*found[0]) if found else None

    # -- samples and consents -----------------------------------------------------------------

    async def add_sample(self, sample: Sample) -> Sample:
        """Keep a sample of a clone; the same bytes in the same role are one sample.

        Raises ``NotFound`` where the clone belongs to another user.
        """
        row = server.row_json(rows.sample_row(sample))
        statement = "select public.avatarkit_add_sample(%s, %s)"
        ((doc,),) = await self._rows(statement, sample.role, row)
        return self._read(Sample, rows.SAMPLES[sample.role], sample.id, doc)

    async def samples(self, user_id: str, clone_id: str | None = None) -> list[Sample]:
        """All samples of a clone, or of a user's every clone, oldest first.

        Raises ``NotFound`` for another user's clone.
        """
        whose, of = ("user_id", user_id) if clone_id is None else ("clone_id", clone_id)
        if clone_id is not None:
            owner = await self._rows(
                "select user_id::text from public.user_clones where id = %s", clone_id
            )
            if owner and owner[0][0] != user_id:
                rules.hidden_clone(clone_id)
        # A row without a document is the application's own.
        stored = " union all ".join(
            f"select '{table}', id::text, created_at, doc from public.{table} "  # noqa: S608
            f"where {whose} = %s and doc is not null"
            for table in rows.SAMPLES.values()
        )
        found = await self._rows(f"{stored} order by 3, 2", *[of] * len(rows.SAMPLES))
        return [self._read(Sample, table, row_id, doc) for table, row_id, _, doc in found]

    async def remove_sample(self, sample: Sample) -> None:
        """Forget a sample, by its id and role; one that is not there is forgotten."""
        await self._rows("select public.avatarkit_remove_sample(%s, %s)", sample.role, sample.id)

    async def add_consent(self, consent: Consent) -> Consent:
        """Keep a consent; idempotent by its id: what was kept first is what comes back."""
        row = server.row_json(rows.consent_row(consent))
        ((doc,),) = await self._rows("select public.avatarkit_add_consent(%s)", row)
        return self._read(Consent, "avatar_consents", consent.id, doc)

    async def get_consent(self, consent_id: str) -> Consent | None:
        """A consent by its id."""
        found = await self._rows("select doc from public.avatar_consents where id = %s", consent_id)
        return self._read(Consent, "avatar_consents", consent_id, found[0][0]) if found else None

    async def revoke_consent(self, consent_id: str, at: float) -> Consent | None:
        """Note when it was revoked, the first time; returns what is kept, or None."""
        statement = "select public.avatarkit_revoke_consent(%s, %s)"
        ((doc,),) = await self._rows(statement, consent_id, at)
        return None if doc is None else self._read(Consent, "avatar_consents", consent_id, doc)

    # -- erasure ------------------------------------------------------------------------------

    async def consents(self, user_id: str) -> list[Consent]:
        """All consents of a user, by their id."""
        statement = (
            "select id::text, doc from public.avatar_consents where user_id = %s order by id::text"
        )
        found = await self._rows(statement, user_id)
        return [self._read(Consent, "avatar_consents", row_id, doc) for row_id, doc in found]

    async def tombstones(self, user_id: str) -> list[Record]:
        """A user's deleted records whose cleanup has not ended, by their id."""
        own = " union all ".join(
            f"select '{kind}', id::text, doc from public.{table} where user_id = %s and deleted"  # noqa: S608
            for kind, (_, table) in rows.RECORDS.items()
        )
        found = await self._rows(f"{own} order by 2", *[user_id] * len(rows.RECORDS))
        return [self._record(kind, row_id, doc) for kind, row_id, doc in found]

    async def erase(self, user_id: str) -> dict[str, int]:
        """Remove the user's samples, consents, deliveries and clones; how many of each."""
        statement = "select public.avatarkit_erase(%s, %s)"
        ((gone,),) = await self._rows(statement, user_id, rules.whose(user_id))
        return dict(zip(rules.ERASED, gone, strict=True))

    async def drop_webhooks(self, record_id: str) -> None:
        """Remove the deliveries about a record; also those that only name its token."""
        statement = "select public.avatarkit_drop_webhooks(%s, %s)"
        await self._rows(statement, record_id, rows.naming(record_id))

    # -- logs ---------------------------------------------------------------------------------

    async def log_webhook(self, entry: LogEntry) -> bool:
        """Keep a delivery; False where this event of this provider is known already."""
        ((new,),) = await self._rows(
            "select public.avatarkit_log_webhook(%s, %s, %s, %s, to_timestamp(%s), %s, %s, %s)",
            entry.provider,
            entry.event_id,
            entry.event_type,
            base64.b64encode(entry.payload).decode(),
            entry.received_at,
            entry.record_id,
            entry.outcome,
            rows.log_doc(entry),
        )
        return bool(new)

    async def settle_webhook(
        self, provider: str, event_id: str, outcome: Outcome, record_id: str | None = None
    ) -> None:
        """Note what became of a delivery, and whose it was, where that is known."""
        await self._rows(
            "select public.avatarkit_settle_webhook(%s, %s, %s, %s)",
            provider,
            event_id,
            outcome,
            record_id,
        )

    async def get_webhook(self, provider: str, event_id: str) -> LogEntry | None:
        """One delivery."""
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
        """The log, newest first; of one user: what was about that user's records."""
        limit = max(1, min(limit, 1000))
        wanted = server.log_filter(user_id, provider, outcome, cursor)
        found = await self._logged(limit + 1, **wanted)
        return rows.log_page(found, limit)

    async def pending_webhooks(self, limit: int = 64) -> list[LogEntry]:
        """What is "received", then what is "unmatched", each oldest first."""
        return await self._logged(limit, p_pending=True)

    async def _logged(self, limit: int, **wanted: Any) -> list[LogEntry]:
        named = "".join(f", {name} => %s" for name in wanted)
        found = await self._rows(
            f"select to_jsonb(w) from public.avatarkit_webhooks(%s{named}) w",  # noqa: S608
            limit,
            *wanted.values(),
        )
        return [server.logged(row, place=self._place) for (row,) in found]

    async def ledger(self, record_id: str | None = None) -> list[LedgerEntry]:
        """What was accepted by vendors, oldest first."""
        where, values = ("", []) if record_id is None else ("where record_id = %s", [record_id])
        found = await self._rows(
            "select json_build_object('id', id, 'record_id', record_id, 'operation', operation, "  # noqa: S608
            "'provider', provider, 'account', account, 'attempt', attempt, 'job_id', job_id, "
            "'cost', cost, 'at', extract(epoch from at)::float8, 'quoted', quoted) "
            f"from public.avatar_ledger {where} order by at, place",
            *values,
        )
        return [LedgerEntry.model_validate(entry) for (entry,) in found]


class _Away(Exception):
    """The server gave no answer, which may pass; ``error`` is what it is called if it does not."""

    def __init__(self, error: AvatarKitError) -> None:
        super().__init__(str(error))
        self.error = error


def driver() -> tuple[Any, Any]:
    """The modules of driver and pool; raises ``ConfigError`` where they are not installed."""
    try:
        import psycopg
        import psycopg_pool
    except ImportError as error:
        raise ConfigError(
            f'PostgreSQL needs more packages: pip install "avatarkit-sdk[postgres]" ({error})'
        ) from error
    return psycopg, psycopg_pool


async def _answer(connection: AsyncConnection[Any], question: LiteralString) -> Any:
    found = await (await connection.execute(question)).fetchone()
    return found[0] if found else None


def place_of(dsn: str) -> str:
    """The database for people, without a user or a secret; raises ``ConfigError``."""
    psycopg, _ = driver()
    try:
        address = psycopg.conninfo.conninfo_to_dict(dsn)
    except psycopg.Error:
        raise ConfigError(
            "the address of the database cannot be read: it looks like "
            "postgresql://host:5432/database, with user and password before the host"
        ) from None  # its cause quotes the address, password included
    host, port = address.get("host", "localhost"), address.get("port")
    where = f"{host}:{port}" if port else str(host)
    return f"database {address.get('dbname', '')!r} at {where}"


def _passing(error: Error) -> bool:
    """Whether the same call may work in a moment: the connection broke, or the server restarts."""
    psycopg, _ = driver()
    code = error.sqlstate
    lost = code is None and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return lost or (code or "").startswith(_PASSING)


#: What libpq says where it cannot connect, which has no code -> the code it stands for.
_SAID: Mapping[str, str] = {
    "password authentication failed": "28P01",
    "no password supplied": "28P01",
    "no pg_hba.conf entry": "28000",
    "role ": "28000",
    "does not exist": "3D000",
    "too many clients": "53300",
    "remaining connection slots": "53300",
}


def reason(error: Exception, place: str) -> AvatarKitError:
    """Why there is no connection, without the address, which may hold a password."""
    text = str(error)
    code = getattr(error, "sqlstate", None) or next(
        (code for said, code in _SAID.items() if said in text), None
    )
    return server.explained(code, "", place) or StorageError(
        f"{place} cannot be reached: start it, or check host, port and network"
    )
