"""Interfaces of the runtime: the clock, and the engine that calls ``advance``."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:  # an adapter needs no rows: its import is quicker without them
    from ..records import Instant


class Clock(Protocol):
    """Time, as everything that waits asks for it."""

    def now(self) -> Instant:
        """This moment."""
        ...

    async def sleep(self, seconds: float, /) -> None:
        """Wait."""
        ...

    def timeout(self, seconds: float, /) -> AbstractContextManager[Any]:
        """Raise ``TimeoutError`` where the block takes longer."""
        ...


class Engine(Protocol):
    """Decides *when* ``advance`` is called, never *what* it does.

    Every due record is advanced at least once at or after ``next_at``, whatever single process
    dies; calls may be repeated, concurrent, early or out of order, since ``advance`` fences
    itself; a lost ``wake`` costs time only.
    """

    async def run(self) -> None:
        """Drive what is due until ``stop``."""
        ...

    def wake(self) -> None:
        """Look for due records now."""
        ...

    async def stop(self) -> None:
        """Let what runs finish or abandon it, and hand its leases back."""
        ...
