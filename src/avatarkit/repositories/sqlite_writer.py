"""One thread that writes, and commits what has gathered meanwhile in one go."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
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

    __slots__ = ("_future", "_run", "error", "loop", "result")

    def __init__(self, run: Callable[[sqlite3.Connection], Any]) -> None:
        self._run = run
        self.loop = asyncio.get_running_loop()
        self._future: asyncio.Future[Any] = self.loop.create_future()
        self.result: Any = None
        self.error: Exception | None = None

    def attempt(self, connection: sqlite3.Connection) -> None:
        """Run in a savepoint, so that its failure undoes nothing else.

        Raises ``sqlite3.Error`` where SQLite gave the whole transaction up.
        """
        self.result, self.error = None, None
        connection.execute("SAVEPOINT change")
        try:
            self.result = self._run(connection)
        except Exception as error:
            if not connection.in_transaction:
                raise
            self.error = error
            connection.execute("ROLLBACK TO change")
        connection.execute("RELEASE change")

    def settle(self) -> None:
        """Hand the outcome to whoever waits; in the event loop."""
        if self._future.done():
            return
        if self.error is not None:
            self._future.set_exception(self.error)
        else:
            self._future.set_result(self.result)

    async def outcome(self) -> Any:
        return await self._future


class Writer:
    """Owns the writing connection.

    Changes wait in a queue. A batch of them is one transaction and one commit, each change in a
    savepoint of its own; outcomes are handed back after the commit, never before.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection = connection
        self._path = path
        self._queue: queue.SimpleQueue[_Change | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="avatarkit-sqlite", daemon=True)
        self._thread.start()

    async def run(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``change`` in a transaction; what it returns, once that is on the disk.

        ``change`` may run twice (never twice in effect), and runs though the caller is cancelled.
        Raises what ``change`` raises, and ``StorageError`` where nothing was kept.
        """
        waiting = _Change(change)
        self._queue.put(waiting)
        with translated(self._path):
            result: T = await waiting.outcome()
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
                self._commit(batch)
                _hand_back(batch)

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
        for change in batch:
            self._commit([change])


def _fail(batch: list[_Change], error: Exception) -> None:
    for change in batch:
        change.error = error


def _hand_back(batch: list[_Change]) -> None:
    """Wake each event loop once, for all of its changes."""
    changes_of: dict[asyncio.AbstractEventLoop, list[_Change]] = {}
    for change in batch:
        changes_of.setdefault(change.loop, []).append(change)
    for loop, changes in changes_of.items():
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_settle, changes)


def _settle(changes: list[_Change]) -> None:
    for change in changes:
        change.settle()
