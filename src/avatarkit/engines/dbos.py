"""The DBOS engine: one short workflow per visit, on a queue in PostgreSQL.

A waiting record is a delayed row of DBOS, not a sleeping coroutine. DBOS is one object per process
and its schema is our own, so an application that uses DBOS itself is not disturbed: in its process
a kit only wakes records (``worker=False``), and ``avatarkit worker --engine dbos`` visits them.

DBOS does not notice an executor that never comes back; ``OverdueSweep`` does.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any, Final

import anyio
import anyio.to_thread
from anyio.from_thread import BlockingPortal

from .. import _telemetry
from .._log import get_logger
from ..config.settings import Settings
from ..errors import ConfigError, StorageError
from ..interfaces import Advance, Clock, Engine, EngineFactory, Repository
from ..records import Record
from .overdue import OverdueSweep

try:
    import sqlalchemy as sa
    from dbos import DBOS, DBOSClient, DBOSConfig, EnqueueOptions, WorkflowSerializationFormat
    from sqlalchemy.exc import SQLAlchemyError
except ImportError as error:
    raise ConfigError(
        f'the engine "dbos" needs more packages: pip install "avatarkit-sdk[dbos]" ({error})'
    ) from error

log = get_logger(__name__)

_QUEUE: Final = "avatarkit"
_WORKFLOW: Final = "avatarkit.visit"
#: Version of what ``visit`` takes. It stays the same when avatarkit or DBOS is upgraded: by
#: default DBOS hashes code, and then leaves everything that waits to workers of the old version.
_VERSION: Final = "avatarkit-visit-1"
#: Finished workflows that one round removes.
_REMOVED_AT_ONCE: Final = 1000
#: Seconds after which a workflow of an executor that is gone is removed as well.
_ABANDONED_AFTER: Final = 86_400.0
_FINISHED: Final = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]

Visit = Callable[[str, int, int], Coroutine[Any, Any, None]]


def configured(settings: Settings) -> EngineFactory:
    """Return the factory of engines on the database that the settings name."""
    database = settings.environ.get("AVATARKIT_DBOS_URL") or settings.repository
    return partial(DBOSEngine, database=database)


class DBOSEngine(Engine):
    """Visits records by workflows of DBOS, in any number of processes on one database.

    ``database`` is the address of a PostgreSQL database, by default AVATARKIT_DBOS_URL or the
    repository's own. At most ``in_flight`` visits are under way in this process, and ``rate``
    visits per second begin in all processes together. ``threads`` bounds DBOS's executor; ``poll``
    is how often a process asks its queue, in seconds, at least 1. A record that is overdue by
    ``grace`` seconds is visited again, as its visit was lost. Finished workflows are removed
    after ``retention`` seconds. ``stop`` waits ``patience`` seconds for visits under way.
    """

    def __init__(
        self,
        *,
        advance: Advance,
        repository: Repository,
        clock: Clock,
        database: str,
        schema: str = "avatarkit_dbos",
        in_flight: int = 256,
        rate: int = 500,
        threads: int = 32,
        poll: float = 1.0,
        grace: float = 15.0,
        retention: float = 3600.0,
        patience: float = 10.0,
    ) -> None:
        if poll < 1:
            raise ConfigError(
                "poll must be at least 1 second: a shorter one costs a core when idle"
            )
        scheme, found, rest = database.partition("://")
        if not found or scheme not in {"postgres", "postgresql"}:
            raise ConfigError(
                f'the engine "dbos" needs PostgreSQL, not {scheme[:20]}: set AVATARKIT_DBOS_URL to '
                "postgresql://HOST/DATABASE"
            )
        self._url = f"postgresql+psycopg://{rest}"
        self._advance = advance
        self._repository = repository
        self._clock = clock
        self._schema = schema
        self._in_flight = in_flight
        self._rate = rate
        self._threads = threads
        self._poll = poll
        self._grace = grace
        self._retention = retention
        self._patience = patience
        self._sweep = OverdueSweep(
            repository=repository, clock=clock, visit=self._visit_again, grace=grace
        )
        self._sql: sa.Engine | None = None
        self._client: DBOSClient | None = None
        self._own: DBOS | None = None

    async def open(self, *, drives: bool) -> None:
        """Connect; ``drives`` also starts DBOS in this process, and makes its tables.

        Raises ``ConfigError`` if the application uses DBOS in this process.
        """
        self._portal: Future[BlockingPortal] = Future()
        self._stopping, self._stopped = anyio.Event(), anyio.Event()
        # In a thread: DBOS would take over the event loop of the thread that launches it.
        await anyio.to_thread.run_sync(partial(self._open, drives=drives))

    def _open(self, *, drives: bool) -> None:
        self._sql = sa.create_engine(
            self._url,
            pool_size=8,
            max_overflow=0,
            pool_pre_ping=True,
            connect_args={"prepare_threshold": None, "application_name": "avatarkit"},
        )
        if drives:
            try:
                self._own = self._launched()
            except SQLAlchemyError as error:
                raise StorageError(
                    f"DBOS cannot use its database ({type(error).__name__}): check "
                    "AVATARKIT_DBOS_URL, and that its user may create a schema"
                ) from None
        self._client = DBOSClient(
            system_database_engine=self._sql,
            dbos_system_schema=self._schema,
            application_name="avatarkit",
            lazy=True,
            retry_connection_errors=False,
        )

    def _launched(self) -> DBOS:
        logging.getLogger("dbos").addHandler(logging.NullHandler())  # else it prints to the console
        own = _OwnDBOS(
            config={
                "name": "avatarkit",
                "system_database_url": "postgresql://avatarkit@localhost/unused",
                "system_database_engine": self._sql,
                "dbos_system_schema": self._schema,
                "application_version": _VERSION,
                # Two processes under one id would each recover what the other one is running.
                "executor_id": f"avatarkit-{secrets.token_hex(8)}",
                "max_executor_threads": self._threads,
                "use_listen_notify": False,  # nothing waits for notifications; poolers break them
                "log_level": "WARNING",
                "enable_otlp": False,
            }
        )
        if not isinstance(own, _OwnDBOS):
            raise ConfigError(
                "this process runs DBOS for its application, and DBOS is one per process: open the "
                "kit with worker=False here, and run `avatarkit worker --engine dbos` beside it"
            )
        _register()
        _running[:] = [self._visited]
        DBOS.launch()
        DBOS.register_queue(
            _QUEUE,
            worker_concurrency=self._in_flight,
            limiter={"limit": self._rate, "period": 1.0},
            polling_interval_sec=self._poll,
        )
        return own

    async def aclose(self) -> None:
        """Disconnect."""
        await anyio.to_thread.run_sync(self._close)

    def _close(self) -> None:
        own, client, sql = self._own, self._client, self._sql
        self._own = self._client = self._sql = None
        if own is not None:
            DBOS.destroy(workflow_completion_timeout_sec=0)
        if client is not None:
            client.destroy()
        if sql is not None:
            sql.dispose()

    async def run(self) -> None:
        """Visit what the queue says until ``stop``, and look for what it has lost."""
        try:
            with _telemetry.detached():
                async with BlockingPortal() as portal, anyio.create_task_group() as tasks:
                    tasks.start_soon(self._sweep.run)
                    tasks.start_soon(self._remove_old)
                    self._portal.set_result(portal)
                    await self._stopping.wait()
                    await self._finish()
                    await portal.stop(cancel_remaining=True)
                    tasks.cancel_scope.cancel()
        finally:
            self._stopped.set()

    async def stop(self) -> None:
        """Begin no visit; what runs may finish, then is abandoned, which is safe."""
        self._stopping.set()
        await self._stopped.wait()

    async def _finish(self) -> None:
        """End DBOS, which begins no visit from now on, and wait for those under way."""
        running, self._own = self._sweep.running, None
        if running:
            log.info("worker.finishing", running=running, seconds=self._patience)
        patience = int(self._patience) if running else 0
        await anyio.to_thread.run_sync(
            partial(DBOS.destroy, workflow_completion_timeout_sec=patience)
        )

    # -- visits -------------------------------------------------------------------------------

    async def wake(self, record: Record) -> None:
        """Queue a visit of a record that was just saved."""
        if record.next_at is not None:
            await self._queue(record.id, record.version, 0, 0.0)

    async def _visit_again(self, record: Record) -> None:
        """Queue a visit of an overdue record, under an ID that no earlier visit has."""
        number = int((await self._repository.now()).wall)
        await self._queue(record.id, record.version, number, 0.0)

    async def _queue(self, record_id: str, version: int, number: int, delay: float) -> None:
        """Queue a visit; a version of a record is queued once under each number."""
        options: EnqueueOptions = {
            "workflow_name": _WORKFLOW,
            "queue_name": _QUEUE,
            "workflow_id": f"{record_id}-{version}-{number}",
            "app_version": _VERSION,
            "serialization_type": WorkflowSerializationFormat.PORTABLE,
        }
        if delay > 0:
            options["delay_seconds"] = delay
        try:
            if self._client is None:
                return
            enqueue = partial(self._client.enqueue, options, record_id, version, number)
            await anyio.to_thread.run_sync(enqueue)
        except Exception as error:  # noqa: BLE001 - the sweep finds the record
            log.warning("wake.failed", id=record_id, error=type(error).__name__)

    async def _visited(self, record_id: str, version: int, number: int) -> None:
        """Run a visit in the kit's event loop; called in that of DBOS."""
        portal = await asyncio.wrap_future(self._portal)
        await asyncio.wrap_future(
            portal.start_task_soon(self._advanced, record_id, version, number)
        )

    async def _advanced(self, record_id: str, version: int, number: int) -> None:
        """Advance a record, and queue its next visit.

        ``version`` is that of the record when the visit was queued. All visits of one version
        queue the same next one, so repeated and early visits never multiply.
        """
        try:
            with self._sweep.visiting(record_id):
                record = await self._advance(record_id)
        except Exception as error:
            log.exception("advance.failed", id=record_id, error=type(error).__name__)
            await self._queue(record_id, version, number + 1, self._grace)
            return
        if record is None or record.next_at is None:
            return
        delay = record.next_at - (await self._repository.now()).wall
        if record.version != version:
            await self._queue(record_id, record.version, 0, delay)
            return
        if delay <= 0:  # somebody has edited its row
            log.warning("advance.stuck", id=record_id)
            delay = self._grace
        await self._queue(record_id, version, number + 1, delay)

    async def _remove_old(self) -> None:
        """Remove finished workflows, which nothing needs, until cancelled."""
        while True:
            await self._clock.sleep(min(60.0, self._retention))
            try:
                while await anyio.to_thread.run_sync(self._removed) == _REMOVED_AT_ONCE:
                    pass
            except Exception as error:  # noqa: BLE001 - a database that is away comes back
                log.warning("cleanup.failed", error=type(error).__name__)

    def _removed(self) -> int:
        if self._client is None:
            return 0
        now = self._clock.now().wall
        old = self._client.list_workflows(
            queue_name=_QUEUE,
            status=_FINISHED,
            completed_before=_iso(now - self._retention),
            limit=_REMOVED_AT_ONCE,
            load_input=False,
            load_output=False,
        )
        lost = self._client.list_workflows(
            queue_name=_QUEUE,
            status="PENDING",
            dequeued_before=_iso(now - _ABANDONED_AFTER),
            limit=_REMOVED_AT_ONCE - len(old),
            load_input=False,
            load_output=False,
        )
        if gone := [found.workflow_id for found in (*old, *lost)]:
            self._client.delete_workflows(gone)
        return len(gone)


def _iso(wall: float) -> str:
    return datetime.fromtimestamp(wall, UTC).isoformat()


class _OwnDBOS(DBOS):
    """The DBOS of the worker; raises where the application would get it instead of its own."""

    def __init__(
        self,
        *,
        config: DBOSConfig,
        conductor_url: str | None = None,
        conductor_key: str | None = None,
    ) -> None:
        if getattr(self, "_avatarkit", config) is not config:
            raise ConfigError(
                "a worker of avatarkit runs DBOS in this process, and DBOS is one per process: "
                "open the kit with worker=False here, and run `avatarkit worker --engine dbos`"
            )
        self._avatarkit = config
        super().__init__(config=config, conductor_url=conductor_url, conductor_key=conductor_key)


#: What the workflow calls: the engine that runs in this process.
_running: list[Visit] = []


@cache
def _register() -> None:
    """Register the workflow, once per process and only where a worker runs.

    Otherwise it would change the version that DBOS computes of the application.
    """

    @DBOS.workflow(name=_WORKFLOW, max_recovery_attempts=None)
    async def visit(record_id: str, version: int, number: int) -> None:
        await _running[-1](record_id, version, number)
