"""Interfaces of the runtime: the clock, and the engine that calls ``advance``."""

from __future__ import annotations

from collections.abc import Awaitable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:  # an adapter needs no rows: its import is quicker without them
    from ..records import Instant, Record
    from .repository import Repository


class Advance(Protocol):
    """Drives one record as far as it goes without waiting; see ``lifecycle.advance``."""

    def __call__(
        self, record_id: str, /, claimed: Record | None = None
    ) -> Awaitable[Record | None]:
        """Advance a record; ``claimed`` is the row as it was just read, if it was."""
        ...


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
    itself; a lost ``wake`` costs time only. Raises ``ConfigError`` where a package or an address
    is missing, ``StorageError`` where its server cannot be reached.
    """

    async def open(self, *, drives: bool) -> None:
        """Connect; without ``drives`` this process only wakes, and others run."""
        ...

    async def aclose(self) -> None:
        """Disconnect."""
        ...

    async def run(self) -> None:
        """Drive what is due until ``stop``."""
        ...

    async def wake(self, record: Record) -> None:
        """Have a record that was just saved advanced now; never raises, as a wake may be lost."""
        ...

    async def stop(self) -> None:
        """Let what runs finish or abandon it, and hand its leases back."""
        ...


class EngineFactory(Protocol):
    """Makes the engine of a kit: a class such as ``InProcessEngine``, or a ``partial`` of one."""

    def __call__(self, *, advance: Advance, repository: Repository, clock: Clock) -> Engine:
        """Make an engine that is not open yet."""
        ...
