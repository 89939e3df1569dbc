"""Time: the machine's own clock, and a wait that an event ends."""

from __future__ import annotations

import time
import uuid
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import anyio

from .interfaces import Clock
from .records import Instant

#: Counts while the machine is suspended, where the system can (Linux).
_BOOT_CLOCK = getattr(time, "CLOCK_BOOTTIME", None)


def _boot_id() -> str:
    """Return the ID of this boot; without one from the system, an ID of this process."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return f"process-{uuid.uuid4().hex}"


class SystemClock(Clock):
    """Wall time and boot time of this machine; waits and timeouts by anyio."""

    def __init__(self) -> None:
        self._boot_id = _boot_id()

    def now(self) -> Instant:
        """This moment."""
        boot = time.monotonic() if _BOOT_CLOCK is None else time.clock_gettime(_BOOT_CLOCK)
        return Instant(wall=time.time(), boot=boot, boot_id=self._boot_id)

    async def sleep(self, seconds: float, /) -> None:
        """Wait."""
        await anyio.sleep(seconds)

    def timeout(self, seconds: float, /) -> AbstractContextManager[Any]:
        """Raise ``TimeoutError`` where the block takes longer."""
        return anyio.fail_after(seconds)


async def wait(clock: Clock, seconds: float, event: anyio.Event) -> None:
    """Wait until the event is set, at most ``seconds`` by ``clock``."""
    async with anyio.create_task_group() as tasks:

        async def nap() -> None:
            await clock.sleep(seconds)
            tasks.cancel_scope.cancel()

        tasks.start_soon(nap)
        await event.wait()
        tasks.cancel_scope.cancel()
