"""One thread that writes, and commits what has gathered meanwhile in one go."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from .sqlite_file import translated

__all__ = ["Writer"]

T = TypeVar("T")

#: Changes in one transaction at most: bounds how long other processes wait.
_BATCH = 256


class _Change:
    """A function of the connection, and the future that waits for what it returns."""

    __slots__ = ("_run", "error", "future", "loop", "result")

    def __init__(self, run: Callable[[sqlite3.Connection], Any]) -> None:
        self._run = run
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self.loop.create_future()
        self.result: Any = None
        self.error: Exception | None = None

    def attempt(self, connection: sqlite3.Connection) -> None:
        """Run; raises what the function raises."""
        self.result, self.error = self._run(connection), None

    def settle(self) -> None:
        """Hand the outcome to whoever waits; in the event loop."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class Writer:
    """Owns the writing connection.

    Changes wait in a queue. A batch of them is one transaction and one commit, or none of it; then
    each half is tried by itself, until what fails is alone. That is rare, and savepoints, which
    would cost every change a tenth more, are not needed. Outcomes are handed back after the
    commit, never before.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._queue: queue.SimpleQueue[_Change | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="avatarkit-sqlite", daemon=True)
        self._thread.start()

    async def run(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``change`` in a transaction; what it returns, once that is on the disk.

        ``change`` may run again (never twice in effect), and runs though the caller is cancelled.
        Raises what ``change`` raises, and ``StorageError`` where nothing was kept.
        """
        waiting = _Change(change)
        self._queue.put(waiting)
        try:
            result: T = await waiting.future
        except sqlite3.Error:
            with translated(self._path):
                raise
        return result

    def close(self) -> None:
        """Finish what waits, then close the connection; blocking."""
        self._queue.put(None)
        self._thread.join()
        self._connection.close()

    def _work(self) -> None:
        going = True
        while going:
            batch, going = self._gather()
            if batch:
                began = time.perf_counter()
                self._commit(batch)
                took = time.perf_counter() - began
                # Who was waiting may change something else at once. A commit costs more than
                # its changes, so it is worth their time to come along with what has gathered.
                _hand_back(batch).wait(took if going else 0.0)

    def _gather(self) -> tuple[list[_Change], bool]:
        """Wait for a change, and take along what has gathered; False once closed."""
        batch: list[_Change] = []
        try:
            while len(batch) < _BATCH:
                change = self._queue.get(block=not batch)
                if change is None:
                    return batch, False
                batch.append(change)
        except queue.Empty:
            pass
        return batch, True

    def _commit(self, batch: list[_Change]) -> None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            _fail(batch, error)
            return
        try:
            for change in batch:
                change.attempt(self._connection)
            self._connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - whoever waits is told, the thread lives on
            self._give_up(batch, error)

    def _give_up(self, batch: list[_Change], error: Exception) -> None:
        """Undo the batch; what fails in company may well succeed alone (one too big for a disk)."""
        if self._connection.in_transaction:
            with suppress(sqlite3.Error):  # it is undone when the connection closes
                self._connection.execute("ROLLBACK")
        if len(batch) == 1:
            _fail(batch, error)
            return
        middle = len(batch) // 2
        self._commit(batch[:middle])
        self._commit(batch[middle:])


def _fail(batch: list[_Change], error: Exception) -> None:
    for change in batch:
        change.error = error


def _hand_back(batch: list[_Change]) -> threading.Event:
    """Wake each event loop once, for all of its changes; the event: who waited has gone on."""
    changes_of: dict[asyncio.AbstractEventLoop, list[_Change]] = {}
    gone_on = threading.Event()
    for change in batch:
        changes_of.setdefault(change.loop, []).append(change)
    for loop, changes in changes_of.items():
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_settle, changes, gone_on)
    return gone_on


def _settle(changes: list[_Change], gone_on: threading.Event) -> None:
    for change in changes:
        change.settle()
    changes[0].loop.call_soon(gone_on.set)  # after those who wait, whom settling has called
