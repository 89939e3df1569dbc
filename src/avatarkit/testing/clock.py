"""Virtual time: a clock that stands still until everybody waits, and then jumps."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import anyio
import anyio.lowlevel
import anyio.to_thread

from ..interfaces import Clock
from ..records import Instant

__all__ = ["FakeClock"]

#: How often in a row the event loop must be found idle before time may jump.
_ROUNDS = 5
#: Real seconds: how long worker threads or a busy loop can hold a jump back, and between looks.
_PATIENCE, _PAUSE = 5.0, 0.0005


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

    @property
    def wall(self) -> float:
        """Seconds since 1970."""
        return self._wall_at_start + self._passed

    @property
    def boot(self) -> float:
        """Seconds since the virtual machine started."""
        return self._boot_at_start + self._passed

    def now(self) -> Instant:
        """The present virtual moment."""
        return Instant(wall=self.wall, boot=self.boot, boot_id=f"boot-{self._boots}")

    def advance(self, seconds: float) -> None:
        """Let time pass; who slept long enough wakes, and timeouts that it steps over fire."""
        self._pass_to(self._passed + seconds)
        for deadline in self._open_deadlines:
            if deadline.moment <= self._passed:
                deadline.scope.cancel()

    def set_wall(self, wall: float) -> None:
        """Set the wall clock, as a person or NTP does; nobody wakes by that."""
        self._wall_at_start = wall - self._passed

    def reboot(self) -> None:
        """Start the machine anew: boot time begins again, wall time goes on."""
        self._boots += 1
        self._boot_at_start = 10.0 - self._passed

    async def sleep(self, seconds: float, /) -> None:
        """Wait in virtual time; raises what a ``timeout`` around it raises."""
        moment = self._passed + max(0.0, seconds)
        deadlines = [d for d in self._deadlines.get() if d.open]
        first = min(deadlines, key=lambda deadline: deadline.moment, default=None)
        if first is not None and first.moment < moment:
            await self._until(first.moment)
            first.scope.cancel()
        await anyio.lowlevel.checkpoint()
        await self._until(moment)

    @contextmanager
    def timeout(self, seconds: float, /) -> Iterator[None]:
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

    async def _until(self, moment: float) -> None:
        sleeper = _Sleeper(moment, next(self._numbers))
        heapq.heappush(self._sleepers, sleeper)
        try:
            while self._passed < moment:
                if self._sleepers[0] is not sleeper:
                    await sleeper.wake.wait()
                    sleeper.wake = anyio.Event()
                elif await self._quiet(sleeper):
                    self._pass_to(moment)
        finally:
            self._sleepers.remove(sleeper)
            heapq.heapify(self._sleepers)
            self._wake_first()

    def _pass_to(self, moment: float) -> None:
        self._passed = max(self._passed, moment)
        for sleeper in self._sleepers:
            if sleeper.moment <= self._passed:
                sleeper.wake.set()

    def _wake_first(self) -> None:
        """Let the earliest sleeper see that the next jump is its own."""
        if self._sleepers:
            self._sleepers[0].wake.set()

    async def _quiet(self, sleeper: _Sleeper) -> bool:
        """Wait until nothing can move without time; False where that is no longer his to say.

        Two that looked at once would each take the other for somebody who moves.
        """
        calm, give_up = 0, time.monotonic() + _PATIENCE
        loop = asyncio.get_running_loop()
        while calm < _ROUNDS and self._sleepers[0] is sleeper and self._passed < sleeper.moment:
            impatient = time.monotonic() > give_up
            if impatient or not _busy(loop):
                calm += 1
            else:
                calm = 0
            if calm == _ROUNDS and not impatient and _threads_work():
                calm = 0
                await asyncio.sleep(_PAUSE)
            else:
                await asyncio.sleep(0)
        return self._sleepers[0] is sleeper and self._passed < sleeper.moment


def _threads_work() -> bool:
    return anyio.to_thread.current_default_thread_limiter().borrowed_tokens > 0


def _busy(loop: asyncio.AbstractEventLoop) -> bool:
    """True if anything but the running task could go on at once."""
    ready = getattr(loop, "_ready", None)  # of asyncio's own loops: no other way costs so little
    if ready is not None:
        return bool(ready)
    this = asyncio.current_task()
    waiters = (getattr(t, "_fut_waiter", None) for t in asyncio.all_tasks() if t is not this)
    return any(waiter is None or waiter.done() for waiter in waiters)
