"""Virtual time: a clock that stands still until everybody waits, and then jumps."""

from __future__ import annotations

import heapq
import itertools
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import anyio
import anyio.lowlevel
import anyio.to_thread

from ..interfaces import Clock
from ..states import Instant

__all__ = ["FakeClock"]

#: How often the event loop is passed through before time may jump.
_ROUNDS = 5


class FakeClock(Clock):
    """Virtual wall and boot time.

    ``sleep`` returns when virtual time has come so far. When nothing else moves, time jumps to the
    earliest sleeper by itself; worker threads (a database's writer) get a turn before that.
    ``timeout`` never fires: in virtual time nothing takes long.
    """

    def __init__(self, wall: float = 1_790_000_000.0) -> None:
        self.wall = wall
        self.boot = 1000.0
        self._boots = 1
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int]] = []
        self._awake = anyio.Event()

    def now(self) -> Instant:
        """The present virtual moment."""
        return Instant(wall=self.wall, boot=self.boot, boot_id=f"boot-{self._boots}")

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.wall += seconds
        self.boot += seconds
        self._awake.set()

    def reboot(self) -> None:
        """Start the machine anew: boot time begins again, wall time goes on."""
        self._boots += 1
        self.boot = 10.0

    async def sleep(self, seconds: float, /) -> None:
        """Wait in virtual time."""
        # Heaped by wall time at entry, so that a changed wall clock does not wake anybody.
        entry = (self.boot + max(0.0, seconds), next(self._order))
        boots = self._boots
        heapq.heappush(self._sleepers, entry)
        try:
            while self.boot < entry[0] and boots == self._boots:
                await self._others_first()
                if self._sleepers[0] == entry and self.boot < entry[0]:
                    self.advance(entry[0] - self.boot)
        finally:
            self._sleepers.remove(entry)
            heapq.heapify(self._sleepers)

    async def _others_first(self) -> None:
        for _ in range(_ROUNDS):
            await anyio.lowlevel.checkpoint()
        await anyio.to_thread.run_sync(lambda: None)

    def timeout(self, seconds: float, /) -> AbstractContextManager[Any]:
        """Do nothing."""
        del seconds
        return nullcontext()
