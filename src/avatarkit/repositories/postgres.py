"""Repository in PostgreSQL 15 or newer, for several workers that share one database."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, suppress
from functools import cache
from typing import TYPE_CHECKING, Any, LiteralString, cast

from .._lifetime import Lifetime
from ..errors import AvatarKitError, ConfigError, StorageError
from ..interfaces import Clock, Wakes, WakesWorkers
from . import server, server_errors
from .server_clock import ServerClock

if TYPE_CHECKING:
    from psycopg import AsyncConnection, Error
    from psycopg_pool import AsyncConnectionPool

Row = Sequence[Any]

#: Seconds for which a call is repeated while the server is away, as when it restarts.
_PATIENCE = 20.0
_FIRST_GAP, _LONGEST_GAP = 0.1, 2.0
#: Seconds that a call waits for a connection of the pool, and that connecting may take.
_POOL_TIMEOUT = 15.0
_CONNECT_TIMEOUT = 5

#: Channels of the notifications: the id of a record that changed; a record that is due earlier.
_CHANNEL, _DUE_CHANNEL = "avatarkit_changes", "avatarkit_due"
#: Seconds between tests that notifications arrive.
_QUIET = 30.0
#: Seconds for which notifications are batched, and for which closing waits for the last batch.
_GATHER, _GOODBYE = 0.05, 1.0

#: SQLSTATEs of a transaction that was rolled back to let another one go on.
_ROLLED_BACK = ("40001", "40P01")
#: SQLSTATEs that may pass: connection errors, then a server that stops, crashed or starts.
_PASSING = ("08", "57P01", "57P02", "57P03", *_ROLLED_BACK)


_HAS_SCHEMA = "select to_regprocedure('public.avatarkit_schema_version()') is not null"
#: Version of the schema, and which tables these are: restored ones have another object id.
_SCHEMA = "select public.avatarkit_schema_version(), 'public.avatar_training'::regclass::oid::int8"
_READ_ONLY = "select current_setting('transaction_read_only')::bool"
_MAY_WRITE = (
    "select bool_and(has_table_privilege('public.' || t, p)) "
    "from unnest(array['avatar_training', 'avatar_videos', 'avatar_leases']) t, "
    "unnest(array['select', 'insert', 'update']) p"
)


class PostgresRepository(server.ServerRepository, Wakes, WakesWorkers):
    """Repository in the database at ``dsn``; any number of processes may share it.

    ``dsn`` is a connection URI or string of libpq. ``pool_size`` limits the connections of this
    process. ``prepare_threshold`` is psycopg's; None, the default, works behind poolers in
    transaction mode. Due times, intents and leases use the server's clock; ``clock`` measures the
    time between two questions to the server. With ``virtual``, for tests, ``clock`` is used alone.
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
        self._lifetime = Lifetime(self._place, "await open() first")
        self._time: ServerClock | None = ServerClock(clock, self._server_now, virtual=virtual)
        self._tables: int | None = None
        self._unannounced: set[tuple[str, str]] = set()  #: channel and payload
        self._notifying: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect; check that the schema exists and that this role may use it.

        Never migrates. Raises ``ConfigError`` for a wrong address, a missing, older or newer
        schema, and a role that may not write; ``StorageError`` if the server cannot be reached.
        """
        self._lifetime.require_same_process()
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
        self._lifetime.open(None)

    async def _connected(self, **more: Any) -> AsyncConnection[Any]:
        """Connect without the pool, whose errors do not tell the reason; raises the reason."""
        psycopg, _ = driver()
        try:
            connection: AsyncConnection[Any] = await psycopg.AsyncConnection.connect(
                self._dsn, autocommit=True, connect_timeout=_CONNECT_TIMEOUT, **more
            )
        except psycopg.errors.ConnectionTimeout:
            raise _Slow(
                f"{self._place} took no connection within {_CONNECT_TIMEOUT} s: it is overloaded, "
                "or the network to it is cut. Try again, or check host, port and network"
            ) from None
        except psycopg.Error as error:
            raise reason(error, self._place) from None  # its cause may quote the address
        return connection

    async def _check(self, connection: AsyncConnection[Any]) -> None:
        psycopg, _ = driver()
        try:
            version, read_only = None, False
            if await _answer(connection, _HAS_SCHEMA):
                row: Any = await (await connection.execute(_SCHEMA)).fetchone()
                version, self._tables = row
                read_only = await _answer(connection, _READ_ONLY)
            if wrong := server_errors.wrong_schema(version, self._place):
                raise wrong
            if read_only:
                raise server_errors.known_error("25006", self._place)
            if not await _answer(connection, _MAY_WRITE):
                raise server_errors.known_error("42501", self._place)
        except psycopg.Error as error:
            raise self._explained(error) from error

    async def aclose(self) -> None:
        """Send the last notifications, and close the connections."""
        self._lifetime.require_same_process()
        notifying, self._notifying = self._notifying, None
        if notifying is not None and not notifying.done():
            await asyncio.wait([notifying], timeout=_GOODBYE)
            notifying.cancel()
        self._lifetime.close()
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close()

    async def _require_schema(self) -> None:
        """Raise ``ConfigError`` for another version, ``StorageError`` for restored tables."""
        ((version, tables),) = await self._rows(_SCHEMA)
        if wrong := server_errors.wrong_schema(version, self._place):
            raise wrong
        if tables != self._tables:
            raise StorageError(
                f"{self._place}: its tables were dropped and made again while it was open; nothing "
                "was sent. Stop every process that uses it, run `avatarkit db restored` after a "
                "restore, and start them again"
            )

    # -- calls ------------------------------------------------------------------------------------

    async def _call(self, function: str, *, again: bool = True, **arguments: Any) -> Any:
        """Call a function of the migration: its value, or its rows as objects."""
        statement = _calling(function, tuple(arguments))
        found = await self._rows(statement, *arguments.values(), again=again)
        if found.names == (function,):
            return found[0][0]
        return [dict(zip(found.names, row, strict=True)) for row in found]

    async def _matching(
        self, table: str, columns: Sequence[str], where: Mapping[str, str | bool], key: str = "id"
    ) -> list[server.Row]:
        """All rows that have these values, sorted by ``key``; times are ISO 8601."""
        wanted = " and ".join(f"{name} = %s" for name in where) or "true"
        found = await self._rows(
            f"select to_jsonb(r) from (select {', '.join(columns)} from public.{table} "  # noqa: S608
            f"where {wanted} order by {key}) r",
            *where.values(),
        )
        return [row for (row,) in found]

    async def _newest(
        self, table: str, where: Mapping[str, str], before: tuple[str, str] | None, limit: int
    ) -> list[server.Row]:
        """Rows (id, created_at, doc) that are not deleted, newest first."""
        wanted = ["not deleted", *(f"{name} = %s" for name in where)]
        if before is not None:
            wanted.append("(created_at, id) < (%s, %s)")
        found = await self._rows(
            "select to_jsonb(r) from (select id, created_at, doc "  # noqa: S608
            f"from public.{table} where {' and '.join(wanted)} "
            "order by created_at desc, id desc limit %s) r",
            *where.values(),
            *(before or ()),
            limit,
        )
        return [row for (row,) in found]

    async def _rows(self, statement: str, *values: Any, again: bool = True) -> _Rows:
        """Run a statement; repeat it while the server is away.

        With ``again=False`` it is repeated only if it was certainly not carried out, and
        ``AnswerLost`` is raised otherwise.
        """
        gap, waited = _FIRST_GAP, 0.0
        while True:
            try:
                return await self._once(statement, values)
            except _Away as away:
                if not (again or away.undone):
                    raise server.AnswerLost(str(away)) from away
                if waited >= _PATIENCE:
                    raise away.error from away
            await self._clock.sleep(gap)
            waited, gap = waited + gap, min(2 * gap, _LONGEST_GAP)

    async def _once(self, statement: str, values: Sequence[Any]) -> _Rows:
        """Run one statement, in a transaction of its own; raises ``_Away``."""
        self._lifetime.require(None)
        psycopg, pools = driver()
        pool = cast("AsyncConnectionPool[Any]", self._pool)
        try:
            async with pool.connection() as connection:
                cursor = await connection.execute(statement, values or None)
                return _Rows(
                    await cursor.fetchall(), [column.name for column in cursor.description]
                )
        except pools.PoolTimeout:
            # Either the server is away, which connecting reports, or all connections are in use,
            # of ours or of the server.
            with suppress(_Slow):
                await (await self._connected()).close()
            raise _Away(
                StorageError(
                    f"all {self._pool_size} connections to {self._place} were in use for "
                    f"{_POOL_TIMEOUT:.0f} s: give PostgresRepository a larger pool_size"
                ),
                undone=True,
            ) from None
        except psycopg.Error as error:
            if _passing(error):
                undone = (error.sqlstate or "").startswith(_ROLLED_BACK)
                raise _Away(reason(error, self._place), undone=undone) from error
            raise self._explained(error) from error

    def _explained(self, error: Error) -> AvatarKitError:
        said = error.diag.message_primary or ""
        known = server_errors.explained(error.sqlstate, said, self._place)
        # The detail of an error may hold a whole row: only its code is reported.
        return known or StorageError(
            f"{self._place} refused a statement ({type(error).__name__}, SQLSTATE "
            f"{error.sqlstate}): see the server's log"
        )

    # -- notifications ----------------------------------------------------------------------------

    def _announce(self, record_id: str) -> None:
        """Notify listeners of the id, in a transaction after that of the change.

        PostgreSQL commits transactions that notify one after another; in the same transaction, the
        notification would prevent the group commit of several changes. A lost notification only
        makes a watcher slower.
        """
        self._notify_soon(_CHANNEL, record_id)

    def _announce_due(self) -> None:
        """Notify idle workers, as ``_announce`` does."""
        self._notify_soon(_DUE_CHANNEL, "")

    def _notify_soon(self, channel: str, payload: str) -> None:
        self._unannounced.add((channel, payload))
        if self._notifying is None or self._notifying.done():
            self._notifying = asyncio.create_task(self._notify())

    async def _notify(self) -> None:
        statement = "select pg_notify(c, p) from unnest(%s::text[], %s::text[]) n (c, p)"
        while self._unannounced:
            batch, self._unannounced = self._unannounced, set()
            with suppress(_Away, AvatarKitError):
                channels, payloads = zip(*sorted(batch), strict=True)
                await self._once(statement, (list(channels), list(payloads)))
            await self._clock.sleep(_GATHER)

    async def changes(self) -> AsyncGenerator[str | None, None]:
        """Yield the id of each record that changes, from a connection with LISTEN.

        A test notification of its own shows now and then that the connection works: a pooler in
        transaction mode accepts LISTEN and delivers nothing, and a broken connection may stay
        silent. Raises ``StorageError`` when notifications no longer arrive.
        """
        async with aclosing(self._heard(_CHANNEL)) as heard:
            async for record_id in heard:
                yield record_id

    async def sooner(self) -> AsyncGenerator[None, None]:
        """Yield None whenever a record was created or is due earlier, from LISTEN as well."""
        async with aclosing(self._heard(_DUE_CHANNEL)) as heard:
            async for _ in heard:
                yield None

    async def _heard(self, channel: str) -> AsyncGenerator[str | None, None]:
        """Yield None once it listens to the channel, then the payload of each notification."""
        psycopg, _ = driver()
        connection = await self._connected(application_name="avatarkit changes")
        try:
            own = f"avatarkit_{secrets.token_hex(8)}"
            await connection.execute(f"listen {channel}; listen {own}".encode())
            async with aclosing(self._notified(connection, own)) as notified:
                async for record_id in notified:
                    yield record_id
        except psycopg.Error as error:
            raise reason(error, self._place) from error
        finally:
            await connection.close()

    async def _notified(
        self, connection: AsyncConnection[Any], own: str
    ) -> AsyncGenerator[str | None, None]:
        """Yield None after the first test notification on channel ``own``, then record ids."""
        listening = False
        while True:
            await self._rows("select pg_notify(%s, '')", own)
            echoed = False
            async for notification in connection.notifies(timeout=_QUIET):
                if notification.channel != own:
                    yield notification.payload
                    continue
                echoed = True
                if not listening:
                    listening = True
                    yield None
            if not echoed:
                raise StorageError(
                    f"{self._place} delivers no notifications, as behind a pooler in transaction "
                    "mode: changes are polled each second. For notifications, connect without the "
                    "pooler"
                )


class _Rows(list[Row]):
    """Rows of an answer, and the names of their columns."""

    def __init__(self, found: Sequence[Row], names: Sequence[str]) -> None:
        super().__init__(found)
        self.names = tuple(names)


class _Slow(StorageError):
    """The server is there, or was, and takes no connection in time."""


class _Away(Exception):
    """The server gave no answer now, but may do so in a moment.

    ``error`` is for the caller if it never does; ``undone``: the statement was not carried out.
    """

    def __init__(self, error: AvatarKitError, *, undone: bool = False) -> None:
        super().__init__(str(error))
        self.error = error
        self.undone = undone


@cache
def _calling(function: str, names: tuple[str, ...]) -> str:
    """Statement that calls a function with named arguments."""
    arguments = ", ".join(f"{name} => %s" for name in names)
    return f"select * from public.{function}({arguments})"  # noqa: S608


def driver() -> tuple[Any, Any]:
    """Modules of the driver and its pool; raises ``ConfigError`` if they are not installed."""
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
    """Name of the database for messages, without user and password; raises ``ConfigError``."""
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
    """True if the same call may work in a moment: a broken connection, a restarting server."""
    psycopg, _ = driver()
    code = error.sqlstate
    lost = code is None and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return lost or (code or "").startswith(_PASSING)


#: Connection errors of libpq have no SQLSTATE: part of the message -> SQLSTATE.
_CODES: Mapping[str, str] = {
    "password authentication failed": "28P01",
    "no password supplied": "28P01",
    "no pg_hba.conf entry": "28000",
    "role ": "28000",
    "does not exist": "3D000",
    "too many clients": "53300",
    "remaining connection slots": "53300",
}


def reason(error: Exception, place: str) -> AvatarKitError:
    """Error for a failed connection; it does not quote the address, which may hold a password."""
    text = str(error)
    code = getattr(error, "sqlstate", None) or next(
        (code for part, code in _CODES.items() if part in text), None
    )
    return server_errors.explained(code, "", place) or StorageError(
        f"{place} cannot be reached: start it, or check host, port and network"
    )
