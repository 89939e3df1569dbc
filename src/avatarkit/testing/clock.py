"""Virtual time for tests: the clock jumps when every task waits, and reports endless loops."""

from __future__ import annotations

import asyncio
import heapq
import inspect
import itertools
import math
import threading
import time
from collections import Counter
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import anyio
import anyio.lowlevel
import anyio.to_thread

from ..interfaces import Clock
from ..records import Instant, Record

__all__ = ["FakeClock", "VirtualTimeStuck"]

#: How often in a row the event loop must be found idle before time may jump.
_ROUNDS = 5
#: Real seconds: how long worker threads or a busy loop can hold a jump back, and between looks.
_PATIENCE, _PAUSE = 5.0, 0.0005
#: Readings of the clock at one moment: from here on, who reads is counted; and how many of them
#: prove that one record, or one task, loops. A large batch of records shares one worker task.
_UNWATCHED, _RECORD_LOOPS, _TASK_LOOPS = 1_000, 1_000, 50_000
#: How many callers up the record is looked for.
_FRAMES = 12
#: Jumps in a row that one busy task may hold back until ``_PATIENCE`` ends.
_FORCED = 3


class VirtualTimeStuck(RuntimeError):
    """A record or a task loops and never waits, so virtual time cannot advance."""


@dataclass(slots=True, order=True)
class _Sleeper:
    moment: float  #: virtual seconds since the clock was made
    number: int  #: who came first wakes first
    wake: anyio.Event = field(compare=False, default_factory=anyio.Event)


@dataclass(slots=True, eq=False)
class _Deadline:
    moment: float
    scope: anyio.CancelScope
    open: bool = True


class FakeClock(Clock):
    """Virtual wall and boot time, for asyncio.

    ``sleep`` returns when virtual time has come so far. When nothing else moves (every task waits,
    and no worker thread of anyio's is busy), time jumps to the earliest sleeper by itself.

    A ``timeout`` fires where its block sleeps past it by this clock, and where ``advance`` steps
    over it. Jumps that other tasks cause do not fire it, so that real work in a thread or on a
    socket, which takes no virtual time, is not cut off.

    Where a record or a task loops without waiting, this and every later ``now`` and ``sleep``
    raises ``VirtualTimeStuck``, which names them.
    """

    def __init__(self, wall: float = 1_790_000_000.0) -> None:
        self._passed = 0.0
        self._wall_at_start = wall
        self._boot_at_start = 1000.0
        self._boots = 1
        self._numbers = itertools.count()
        self._sleepers: list[_Sleeper] = []
        self._deadlines: ContextVar[tuple[_Deadline, ...]] = ContextVar("deadlines", default=())
        self._open_deadlines: list[_Deadline] = []
        self._readings = 0  #: of the present moment
        self._readers: Counter[str] = Counter()
        self._forced: Counter[asyncio.Task[Any]] = Counter()
        self._stuck: VirtualTimeStuck | None = None

    @property
    def wall(self) -> float:
        """Seconds since 1970."""
        return self._wall_at_start + self._passed

    @property
    def boot(self) -> float:
        """Seconds since the virtual machine started."""
        return self._boot_at_start + self._passed

    def now(self) -> Instant:
        """Return the virtual time; raises ``VirtualTimeStuck`` where the caller loops."""
        self._readings += 1
        if self._readings > _UNWATCHED:
            self._count_reader()
        self._require_movement()
        return Instant(wall=self.wall, boot=self.boot, boot_id=f"boot-{self._boots}")

    def advance(self, seconds: float) -> None:
        """Let time pass; who slept long enough wakes, and timeouts that it steps over fire."""
        self._pass_to(self._passed + seconds)
        for deadline in self._open_deadlines:
            if deadline.moment <= self._passed:
                deadline.scope.cancel()

    def set_wall(self, wall: float) -> None:
        """Set the wall clock, as a person or NTP does; no sleeper wakes by that."""
        self._wall_at_start = wall - self._passed

    def reboot(self) -> None:
        """Reboot: boot time starts again, wall time goes on."""
        self._boots += 1
        self._boot_at_start = 10.0 - self._passed

    async def sleep(self, seconds: float, /) -> None:
        """Wait in virtual time; raises what a ``timeout`` around it raises."""
        self._readings += 1
        if self._readings > _UNWATCHED:
            self._count_reader()
        moment = self._moment_after(seconds)
        deadlines = [d for d in self._deadlines.get() if d.open]
        first = min(deadlines, key=lambda deadline: deadline.moment, default=None)
        if first is not None and first.moment < moment:
            await self._until(first.moment)
            first.scope.cancel()
        await anyio.lowlevel.checkpoint()
        await self._until(moment)

    @contextmanager
    def timeout(self, seconds: float, /) -> Generator[None]:
        """Raise ``TimeoutError`` where the block sleeps longer, or ``advance`` goes further."""
        deadline = _Deadline(self._passed + seconds, anyio.CancelScope())
        enclosing = self._deadlines.set((*self._deadlines.get(), deadline))
        self._open_deadlines.append(deadline)
        try:
            with deadline.scope:
                yield
        finally:
            deadline.open = False
            self._open_deadlines.remove(deadline)
            self._deadlines.reset(enclosing)
        if deadline.scope.cancelled_caught:
            raise TimeoutError

    # -- jumping ------------------------------------------------------------------------------

    def _moment_after(self, seconds: float) -> float:
        """Virtual seconds after a wait; a positive wait always moves the wall clock."""
        if seconds <= 0:
            return self._passed
        soonest = math.nextafter(self.wall, math.inf) - self._wall_at_start
        return max(self._passed + seconds, soonest)

    async def _until(self, moment: float) -> None:
        sleeper = _Sleeper(moment, next(self._numbers))
        heapq.heappush(self._sleepers, sleeper)
        try:
            while self._passed < moment:
                self._require_movement()
                if self._sleepers[0] is not sleeper:
                    await sleeper.wake.wait()
                    sleeper.wake = anyio.Event()
                elif await self._quiet(sleeper):
                    self._pass_to(moment)
            self._require_movement()
        finally:
            self._sleepers.remove(sleeper)
            heapq.heapify(self._sleepers)
            self._wake_first()

    def _pass_to(self, moment: float) -> None:
        if moment > self._passed:
            self._passed, self._readings = moment, 0
            self._readers.clear()
        for sleeper in self._sleepers:
            if sleeper.moment <= self._passed:
                sleeper.wake.set()

    def _wake_first(self) -> None:
        """Let the earliest sleeper see that the next jump is its own."""
        if self._sleepers:
            self._sleepers[0].wake.set()

    async def _quiet(self, sleeper: _Sleeper) -> bool:
        """Wait until only time can move a task; False if another sleeper is now the earliest.

        Only the earliest sleeper looks: two would each take the other for a running task.
        """
        calm, give_up = 0, time.monotonic() + _PATIENCE
        loop = asyncio.get_running_loop()
        while calm < _ROUNDS and self._sleepers[0] is sleeper and self._passed < sleeper.moment:
            self._require_movement()
            if time.monotonic() > give_up:
                self._count_forced(_running_tasks())
                break
            calm = 0 if _busy(loop) else calm + 1
            if calm == _ROUNDS and _threads_work():
                calm = 0
                await asyncio.sleep(_PAUSE)
            else:
                await asyncio.sleep(0)
        else:
            self._forced.clear()
        return self._sleepers[0] is sleeper and self._passed < sleeper.moment

    # -- endless loops ------------------------------------------------------------------------

    def _require_movement(self) -> None:
        if self._stuck is not None:
            raise VirtualTimeStuck(*self._stuck.args)

    def _count_reader(self) -> None:
        record = _record_at_work()
        reader = _task_name() if record is None else _described(record)
        name = reader if record is None else record.id
        self._readers[name] += 1
        if self._readers[name] >= (_TASK_LOOPS if record is None else _RECORD_LOOPS):
            self._stop([reader])

    def _count_forced(self, running: Iterable[asyncio.Task[Any]]) -> None:
        """Count the tasks that hold back this jump, and held back each one before it."""
        self._forced = Counter({task: self._forced[task] + 1 for task in running})
        loops = [task for task, jumps in self._forced.items() if jumps >= _FORCED]
        if loops:
            self._stop([_shown(task) for task in loops])

    def _stop(self, loops: Iterable[str]) -> None:
        self._stuck = VirtualTimeStuck(
            f"virtual time stands still at {self.wall:.6f}, because this loops without waiting: "
            f"{'; '.join(loops)}. Let it sleep by this clock, or wait for an event"
        )
        for sleeper in self._sleepers:
            sleeper.wake.set()


def _threads_work() -> bool:
    return anyio.to_thread.current_default_thread_limiter().borrowed_tokens > 0


def _busy(loop: asyncio.AbstractEventLoop) -> bool:
    """True if anything but the running task could go on at once."""
    ready = getattr(loop, "_ready", None)  # of asyncio's own loops: no other way costs so little
    if ready is not None:
        return bool(ready)
    return bool(_running_tasks())


def _running_tasks() -> list[asyncio.Task[Any]]:
    """Return the tasks, but this one, that could go on at once; anyio's test helper does alike."""
    this = asyncio.current_task()
    others = (task for task in asyncio.all_tasks() if task is not this)
    waiters = ((task, getattr(task, "_fut_waiter", None)) for task in others)
    return [task for task, waiter in waiters if waiter is None or waiter.done()]


def _record_at_work() -> Record | None:
    """Find the record that the reader of the clock works on, in the frames that called it."""
    frame = inspect.currentframe()
    for _ in range(_FRAMES):
        if frame is None or frame.f_back is None:
            break
        frame = frame.f_back
        record = frame.f_locals.get("record")
        if isinstance(record, Record):
            return record
    return None


def _described(record: Record) -> str:
    operations = ", ".join(f"{o.provider} {o.operation}: {o.phase}" for o in record.operations)
    return f"record {record.id} ({record.status}; {operations})"


def _task_name() -> str:
    try:
        task = asyncio.current_task()
    except RuntimeError:  # no event loop in this thread
        task = None
    return f"thread {threading.current_thread().name}" if task is None else _shown(task)


def _shown(task: asyncio.Task[Any]) -> str:
    function = getattr(task.get_coro(), "__qualname__", "")
    return f"task {task.get_name()} ({function})"
