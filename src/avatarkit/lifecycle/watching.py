"""Watchers of records, woken by changes in this process and by the repository's notifications."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import anyio

from .._log import get_logger
from ..clock import wait
from ..interfaces import Clock, Repository, Wakes
from ..records import Record, later

log = get_logger(__name__)

T = TypeVar("T")

#: Seconds between looks where nothing wakes, and where the repository does: no wake-up is promised.
_POLL, _FLOOR = 1.0, 10.0
#: Seconds that a due record may wait for a worker before a watcher warns.
_UNDRIVEN = 60.0
#: Seconds until a repository that was not heard is listened to again, at first and at most.
_FIRST_GAP, _LONGEST_GAP = 1.0, 60.0


@dataclass(slots=True, eq=False)
class Watcher:
    """Subscription to changes of one record."""

    _changes: Changes
    _event: anyio.Event = field(default_factory=anyio.Event)
    _told: Record | None = None
    _look: bool = False

    async def next(self) -> Record | None:
        """Wait for news: the changed record, or None where it must be looked at."""
        if not self._event.is_set():
            await wait(self._changes.clock, self._changes.pause, self._event)
        told = None if self._look else self._told
        self._event, self._told, self._look = anyio.Event(), None, False
        return told

    def tell(self, record: Record) -> None:
        """Hand over a record that this process has saved, so that it need not be read again."""
        if self._told is None or self._told.version < record.version:
            self._told = record
        self._event.set()

    def look(self) -> None:
        """Have the record read from the repository."""
        self._look = True
        self._event.set()


class Overdue:
    """Warns once if no worker takes a watched record that has been due for a minute."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._look_at = 0.0
        self._warned = False

    async def check(self, record: Record) -> None:
        """Look at the record and at the backlog, at most once a minute."""
        if self._warned or record.next_at is None:
            return
        now = (await self._repository.now()).wall
        if now < max(self._look_at, later(record.next_at, _UNDRIVEN)):
            return
        self._look_at = later(now, _UNDRIVEN)
        # What a worker holds is under way, however long that takes.
        free = [one.oldest for one in await self._repository.backlog() if one.oldest is not None]
        if free and now - min(free) >= _UNDRIVEN:
            self._warned = True
            log.warning(
                "watch.not_driven",
                id=record.id,
                seconds=round(now - record.next_at),
                advice="run `avatarkit worker`, or open a kit without worker=False",
            )


async def listen(
    source: Callable[[], AsyncGenerator[T, None]],
    hear: Callable[[T], None],
    lose: Callable[[], None],
    clock: Clock,
) -> None:
    """Call ``hear`` with all that a source reports, until cancelled; reconnect after a failure.

    ``lose`` is called whenever the source has ended: looking now and then must do meanwhile.
    """
    gap, said = _FIRST_GAP, False
    while True:
        heard = False
        try:
            async with aclosing(source()) as news:
                async for item in news:
                    heard = True
                    hear(item)
        except Exception as error:  # noqa: BLE001 - looking now and then will do meanwhile
            if heard or not said:
                log.warning("changes.not_heard", error=type(error).__name__)
            said = True
        gap = _FIRST_GAP if heard else gap
        lose()
        await clock.sleep(gap)
        gap = min(2 * gap, _LONGEST_GAP)


class Changes:
    """Wakes watchers; ``run`` listens to the repository, if that can be listened to."""

    def __init__(self, repository: Repository, clock: Clock) -> None:
        self.clock = clock
        self.source = repository if isinstance(repository, Wakes) else None
        self.reset()

    def reset(self) -> None:
        """Forget the watchers and events of an earlier event loop."""
        self._watchers: dict[str, set[Watcher]] = {}
        self._wanted = anyio.Event()
        self._heard = False

    @property
    def pause(self) -> float:
        """Seconds after which a watcher looks by itself."""
        return _FLOOR if self._heard else _POLL

    @contextmanager
    def of(self, record_id: str) -> Generator[Watcher]:
        """Collect news of a record from now on."""
        watcher = Watcher(self)
        self._watchers.setdefault(record_id, set()).add(watcher)
        self._wanted.set()
        try:
            yield watcher
        finally:
            watchers = self._watchers.get(record_id, set())
            watchers.discard(watcher)
            if not watchers:
                self._watchers.pop(record_id, None)

    def tell(self, record: Record) -> None:
        """Wake the watchers of a record that this process has saved."""
        for watcher in self._watchers.get(record.id, ()):
            watcher.tell(record)

    async def run(self) -> None:
        """Listen until cancelled, from the first watcher on; reconnect after a failure."""
        await self._wanted.wait()
        if self.source is not None:
            await listen(self.source.changes, self._hear, self._lose, self.clock)

    def _hear(self, record_id: str | None) -> None:
        self._heard = True
        self._look(record_id)

    def _lose(self) -> None:
        self._heard = False
        self._look(None)  # at once, and more often from now on

    def _look(self, record_id: str | None) -> None:
        """Have a record looked at, or with None every one that is watched."""
        every = self._watchers if record_id is None else (record_id,)
        for watched in every:
            for watcher in self._watchers.get(watched, ()):
                watcher.look()
