"""The Temporal engine: one workflow per record, whose activity is ``advance``.

The workflow sleeps in Temporal's server until the record is due; a webhook or a person's answer is
a signal. Temporal notices a dead worker by the heartbeat of its activity.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Final

import anyio

from .. import _telemetry
from .._log import get_logger
from ..config.settings import Settings
from ..errors import ConfigError, StorageError
from ..interfaces import Advance, Clock, Engine, EngineFactory, Repository
from ..records import Record
from .overdue import OverdueSweep

try:
    from temporalio import activity
    from temporalio.client import Client
    from temporalio.common import WorkflowIDReusePolicy
    from temporalio.envconfig import ClientConfig
    from temporalio.service import RPCError
    from temporalio.worker import UnsandboxedWorkflowRunner, Worker

    from .temporal_workflow import ACTIVITY, WAKE, WORKFLOW, Plan, RecordWorkflow, Visited
except ImportError as error:
    raise ConfigError(
        'the engine "temporal" needs more packages: pip install "avatarkit-sdk[temporal]" '
        f"({error})"
    ) from error

log = get_logger(__name__)

_ADDRESS: Final = "localhost:7233"
#: Time that a signal may take; a lost one costs time only.
_SIGNAL: Final = timedelta(seconds=5)
#: A workflow is replaced where its record is overdue by so many times the grace.
_DEAF: Final = 4
#: Seconds for the threads of Temporal's client to let go of Python. Where the interpreter ends
#: before, they may abort the process (temporalio/sdk-python issue 300).
_SETTLE: Final = 0.2


def configured(settings: Settings) -> EngineFactory:
    """Return the factory of engines at the server that the environment names."""
    return partial(TemporalEngine, environ=dict(settings.environ))


class TemporalEngine(Engine):
    """Visits records by workflows of Temporal, in any number of processes.

    The server is that of Temporal's own variables and configuration file, such as TEMPORAL_ADDRESS,
    TEMPORAL_NAMESPACE and TEMPORAL_API_KEY; ``client`` replaces it. At most ``in_flight`` visits
    are under way in this process, and ``cached`` workflows stay in memory between visits. A visit
    whose worker gives no sign of life for ``heartbeat`` seconds is repeated by another one; one
    visit takes at most ``longest`` seconds. ``pause`` seconds after a failed visit comes the next
    one, then ever later. After ``visits`` visits a workflow continues as new. A record that is
    overdue by ``grace`` seconds is visited, as its wake was lost. ``stop`` waits ``patience``
    seconds for visits under way.
    """

    def __init__(
        self,
        *,
        advance: Advance,
        repository: Repository,
        clock: Clock,
        client: Client | None = None,
        environ: dict[str, str] | None = None,
        task_queue: str = "avatarkit",
        in_flight: int = 64,
        cached: int = 1000,
        heartbeat: float = 30.0,
        longest: float = 3600.0,
        visits: int = 500,
        grace: float = 15.0,
        pause: float = 15.0,
        patience: float = 10.0,
    ) -> None:
        self._advance = advance
        self._repository = repository
        self._clock = clock
        self._client = self._given = client
        self._environ = environ
        self._task_queue = task_queue
        self._in_flight = in_flight
        self._cached = cached
        self._plan = partial(Plan, visits=visits, heartbeat=heartbeat, longest=longest, pause=pause)
        self._heartbeat, self._grace = heartbeat, grace
        self._patience = timedelta(seconds=patience)
        self._sweep = OverdueSweep(
            repository=repository, clock=clock, visit=self._visit_overdue, grace=grace
        )

    async def open(self, *, drives: bool) -> None:
        """Connect; without ``drives`` the first wake does."""
        self._stopping, self._stopped = anyio.Event(), anyio.Event()
        if self._client is not None:
            return
        target = ClientConfig.load_client_connect_config(override_env_vars=self._environ)
        address = target.setdefault("target_host", _ADDRESS)
        try:
            self._client = await Client.connect(**target, lazy=not drives)
        except (RuntimeError, ValueError) as error:
            raise StorageError(
                f"Temporal cannot be reached at {address}: start its server, or set "
                "TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE"
            ) from error

    async def aclose(self) -> None:
        """Disconnect."""
        self._client = self._given
        await anyio.sleep(_SETTLE)

    async def run(self) -> None:
        """Run workflows and visits until ``stop``, and look for records without a workflow."""
        assert self._client is not None
        worker = Worker(
            self._client,
            task_queue=self._task_queue,
            workflows=[RecordWorkflow],
            activities=[self._visit],
            workflow_runner=UnsandboxedWorkflowRunner(),  # a sandbox imports it all once more
            max_concurrent_activities=self._in_flight,
            max_cached_workflows=self._cached,
            graceful_shutdown_timeout=self._patience,
        )
        try:
            with _telemetry.detached():
                async with worker, anyio.create_task_group() as tasks:
                    tasks.start_soon(self._sweep.run)
                    await self._stopping.wait()
                    tasks.cancel_scope.cancel()
        finally:
            self._stopped.set()

    async def stop(self) -> None:
        """Begin no visit; what runs may finish, then is abandoned, which is safe."""
        self._stopping.set()
        if self._sweep.running:
            seconds = self._patience.total_seconds()
            log.info("worker.finishing", running=self._sweep.running, seconds=seconds)
        await self._stopped.wait()

    async def wake(self, record: Record) -> None:
        """Signal the workflow of a record that was just saved, and start it if there is none."""
        if record.next_at is not None:
            await self._signal(record)

    async def _visit_overdue(self, record: Record) -> None:
        """Signal the workflow again; one that does not listen any more is replaced.

        That is one whose history Temporal cannot continue, as after a faulty upgrade. A visit that
        it has begun may go on: two visits at once do no harm.
        """
        overdue = (await self._repository.now()).wall - (record.next_at or 0.0)
        if overdue > _DEAF * self._grace and self._client is not None:
            log.warning("workflow.replaced", id=record.id, seconds=overdue)
            with suppress(RPCError):  # it has ended meanwhile
                await self._client.get_workflow_handle(_workflow_id(record)).terminate(
                    "it did not visit an overdue record", rpc_timeout=_SIGNAL
                )
        await self._signal(record)

    async def _signal(self, record: Record) -> None:
        try:
            if self._client is None:
                return
            await self._client.start_workflow(
                WORKFLOW,
                self._plan(record.id),
                id=_workflow_id(record),
                task_queue=self._task_queue,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                start_signal=WAKE,
                rpc_timeout=_SIGNAL,
            )
        except Exception as error:  # noqa: BLE001 - the sweep finds the record
            log.warning("wake.failed", id=record.id, error=type(error).__name__)

    @activity.defn(name=ACTIVITY)
    async def _visit(self, record_id: str) -> Visited:
        record: Record | None = None
        with self._sweep.visiting(record_id):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._give_signs_of_life)
                record = await self._advance(record_id)
                tasks.cancel_scope.cancel()
        if record is None:
            return Visited(0, None)
        if record.next_at is None:
            return Visited(record.version, None)
        now = (await self._repository.now()).wall
        return Visited(record.version, record.next_at - now)

    async def _give_signs_of_life(self) -> None:
        while True:
            activity.heartbeat()
            await anyio.sleep(self._heartbeat / 3)


def _workflow_id(record: Record) -> str:
    return f"avatarkit-{record.id}"
