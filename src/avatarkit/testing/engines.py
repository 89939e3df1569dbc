"""Contract tests of an ``Engine``, with real processes that are killed. Needs pytest and anyio.

    class TestMyEngine(EngineSuite):
        engine = "my_package:MyEngine"  # or "dbos"; a factory that worker processes can import
        options = {"grace": 1.0}

        @pytest.fixture
        def address(self, tmp_path):
            return f"sqlite:///{tmp_path}/records.db"

Every test gets an empty repository at ``address``, which several processes can use at once. An
engine that hands a record from process to process needs one with a clock of its own: PostgreSQL.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import anyio
import pytest

from ..clock import SystemClock
from ..config import addresses
from ..interfaces import Engine, Repository
from ..records import Record
from .engine_worker import Work, factory_of
from .repositories import a_training

__all__ = ["EngineStage", "EngineSuite"]

#: Seconds that a condition may take on a slow machine. Nothing is measured.
_LONGEST = 120.0


@dataclass
class EngineStage:
    """A repository, worker processes on it, and what they have noted."""

    work: Work
    repository: Repository
    waker: Engine
    environment: dict[str, str]
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list[subprocess.Popen[bytes]])

    def start(self, **changes: Any) -> subprocess.Popen[bytes]:
        """Start a worker process."""
        with Path(f"{self.work.log}.err").open("ab") as errors:
            worker = subprocess.Popen(  # noqa: S603 - our own interpreter
                replace(self.work, **changes).command(),
                env=os.environ | self.environment,
                stderr=errors,
            )
        self.workers.append(worker)
        return worker

    def kill(self, worker: subprocess.Popen[bytes]) -> None:
        """End a worker as a crash does."""
        worker.kill()
        worker.wait()

    async def add(self, count: int = 1, *, due_in: float = 0.0, woken: bool = True) -> list[Record]:
        """Store records that are due, and wake the engine."""
        now = (await self.repository.now()).wall
        made: list[Record] = []
        for number in range(count):
            name = f"{number:03}-{random.randrange(10**6):06}"  # noqa: S311 - no secret
            record = a_training(name, next_at=now + due_in, created_at=now)
            made.append((await self.repository.create(record))[0])
            if woken:
                await self.waker.wake(made[-1])
        return made

    def notes(self, *kinds: str, of: subprocess.Popen[bytes] | None = None) -> list[str]:
        """Ids of the visits that were noted as one of ``kinds``, in all processes or in one."""
        path = Path(self.work.log)
        lines = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
        return [
            more[0] if more else ""
            for pid, kind, *more in lines
            if kind in kinds and (of is None or int(pid) == of.pid)
        ]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition; fails if it never comes, or a worker ends by itself."""
        end = time.monotonic() + _LONGEST
        while not condition():
            self._require_workers(end)
            await anyio.sleep(0.05)

    async def visited(self, worker: subprocess.Popen[bytes], times: int) -> None:
        """Wait until a worker has begun so many visits."""
        await self.until(lambda: len(self.notes("begin", of=worker)) >= times)

    async def finished(self, records: list[Record]) -> None:
        """Wait until every record has made all its steps."""
        end = time.monotonic() + _LONGEST
        while not await self.made(records):
            self._require_workers(end)
            await anyio.sleep(0.1)

    async def made(self, records: list[Record]) -> bool:
        """True if every record has made all its steps, and needs no more."""
        stored = [await self.repository.get(record.id) for record in records]
        return all(one and one.next_at is None for one in stored)

    def _require_workers(self, end: float) -> None:
        for worker in self.workers:
            if worker.poll() not in (None, -signal.SIGKILL, 0):
                pytest.fail(f"a worker ended: {self.errors()}")
        if time.monotonic() > end:
            pytest.fail(f"it never came to that: {self.visits()} {self.errors()}")

    def visits(self) -> Counter[str]:
        """Number of visits of each record."""
        return Counter(self.notes("begin"))

    def errors(self) -> str:
        """Return the end of what workers have written to stderr."""
        errors = Path(f"{self.work.log}.err")
        return errors.read_text()[-4000:] if errors.exists() else ""


class EngineSuite:
    """Promises of every engine, whatever process is killed and whenever."""

    pytestmark: ClassVar[Any] = [pytest.mark.anyio, pytest.mark.slow]
    #: Name of the engine, or "module:factory".
    engine: ClassVar[str]
    #: Options of the engine; its bounds should be short.
    options: ClassVar[dict[str, Any]] = {}
    #: "module:function" that changes the code of a worker as an upgrade would.
    upgrade: ClassVar[str] = ""
    #: Workers that are killed one after another.
    kills: ClassVar[int] = 5
    #: Records that are driven meanwhile.
    at_once: ClassVar[int] = 4
    #: True if workers are killed only within visits, not between them.
    in_visits: ClassVar[bool] = False

    @pytest.fixture
    def environment(self) -> dict[str, str]:
        """Environment variables of worker processes."""
        return {}

    @pytest.fixture
    async def stage(
        self, address: str, environment: dict[str, str], tmp_path: Path
    ) -> AsyncIterator[EngineStage]:
        """Empty repository, without workers."""
        work = Work(
            engine=self.engine,
            repository=address,
            log=str(tmp_path / "visits"),
            options=self.options,
        )
        clock = SystemClock()
        repository = addresses.repository(address, os.environ, clock)
        await repository.open()

        async def never(record_id: str, claimed: Record | None = None) -> Record | None:
            del claimed
            raise AssertionError(record_id)

        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            waker = factory_of(self.engine, self.options)(
                advance=never, repository=repository, clock=clock
            )
            await waker.open(drives=False)
        stage = EngineStage(work, repository, waker, environment)
        try:
            yield stage
        finally:
            for worker in stage.workers:
                with suppress(ProcessLookupError):
                    stage.kill(worker)
            await waker.aclose()
            await repository.aclose()

    async def test_due_records_are_advanced_though_every_wake_is_lost(
        self, stage: EngineStage
    ) -> None:
        records = await stage.add(3, woken=False)
        stage.start()
        await stage.finished(records)

    async def test_a_record_is_advanced_when_it_is_due(self, stage: EngineStage) -> None:
        stage.start()
        await stage.until(lambda: bool(stage.notes("ready")))
        (record,) = await stage.add(due_in=2.0)
        await stage.finished([record])  # steps are only made when due, by the repository's clock

    async def test_a_worker_that_is_killed_in_a_visit_is_replaced(self, stage: EngineStage) -> None:
        records = await stage.add(3)
        first = stage.start(hangs=True)
        await stage.until(lambda: len(set(stage.notes("begin", of=first))) == len(records))
        stage.kill(first)
        stage.start()
        await stage.finished(records)

    async def test_a_worker_that_never_comes_back_leaves_nothing_behind(
        self, stage: EngineStage
    ) -> None:
        records = await stage.add(3)
        first = stage.start(hangs=True)
        await stage.until(lambda: bool(stage.notes("begin", of=first)))
        stage.start()
        await stage.until(lambda: len(stage.notes("ready")) == 2)
        stage.kill(first)
        await stage.finished(records)

    async def test_repeated_wakes_do_not_multiply_visits(self, stage: EngineStage) -> None:
        wakes, steps = 20, 8
        stage.work = replace(stage.work, steps=steps, gap=1.0)
        (record,) = await stage.add()
        stage.start()
        for _ in range(wakes):
            await stage.waker.wake(record)
        await stage.finished([record])
        # Were each wake followed by visits of its own, it would be 160.
        assert stage.visits()[record.id] <= wakes + 4 * steps

    async def test_wakes_may_come_early_and_in_any_order(self, stage: EngineStage) -> None:
        records = await stage.add(4, due_in=1.0)
        stage.start()
        for record in reversed(records):
            await stage.waker.wake(record)
        await stage.finished(records)

    async def test_another_version_goes_on_with_what_waits(self, stage: EngineStage) -> None:
        stage.work = replace(stage.work, gap=1.0)
        records = await stage.add(3)
        old = stage.start()
        await stage.until(lambda: len(set(stage.notes("step"))) == len(records))
        old.terminate()
        old.wait()
        stage.start(prepare=self.upgrade)
        await stage.finished(records)

    @pytest.mark.parametrize("ahead", [3600.0, -3600.0])
    async def test_a_worker_whose_clock_is_wrong_holds_up_no_record(
        self, stage: EngineStage, ahead: float
    ) -> None:
        records = await stage.add(4)
        for clock in (ahead, 0.0):
            stage.start(ahead=clock)
        await stage.finished(records)

    async def test_kills_at_any_moment_lose_no_record(self, stage: EngineStage) -> None:
        moments, endless = random.Random(1), 10**6  # noqa: S311 - repeatable
        records = await stage.add(self.at_once)
        for _ in range(self.kills):
            worker = stage.start(steps=endless, hangs=self.in_visits)
            await stage.visited(worker, 1 if self.in_visits else moments.randint(1, 6))
            stage.kill(worker)
        stage.start(steps=1)
        await stage.finished(records)
