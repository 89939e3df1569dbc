"""Writer thread of SQLite, with group commit: one transaction for all waiting changes."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ..errors import AvatarKitError
from .sqlite_file import OpenedFile, translated

T = TypeVar("T")

#: Changes per transaction, at most: limits how long other processes wait.
_BATCH = 256


@dataclass(slots=True, eq=False)
class _Change:
    """Function of the connection, and the future for its result."""

    run: Callable[[sqlite3.Connection], Any]
    future: asyncio.Future[Any]
    result: Any = None
    error: Exception | None = None

    def attempt(self, connection: sqlite3.Connection) -> None:
        """Run the function; raises its errors."""
        self.result, self.error = self.run(connection), None


class Writer:
    """Owner of the writing connection, and of the thread that uses it.

    Changes wait in a queue. A batch of them is one transaction. If that fails, it is rolled back
    and each half is tried by itself, until the failing change is alone. This is rare; savepoints
    would make every change a tenth slower. Results are returned after the commit.
    """

    def __init__(self, connection: sqlite3.Connection, path: Path, file: OpenedFile) -> None:
        self._connection = connection
        self._file = file
        self._path = path
        self._queue: queue.SimpleQueue[_Change | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="avatarkit-sqlite", daemon=True)
        self._thread.start()

    async def run(self, change: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``change`` in a transaction; return its result once the commit is on the disk.

        ``change`` may run again after a rollback, and runs even if the caller is cancelled.
        Raises the errors of ``change``, and ``StorageError`` if nothing was stored.
        """
        waiting = _Change(change, asyncio.get_running_loop().create_future())
        self._queue.put(waiting)
        try:
            result: T = await waiting.future
        except sqlite3.Error:
            with translated(self._path):
                raise
        return result

    def close(self) -> None:
        """Finish the waiting changes, then close the connection; blocking."""
        self._queue.put(None)
        self._thread.join()
        self._connection.close()
        self._file.close()

    def _work(self) -> None:
        going = True
        while going:
            batch, going = self._gather()
            if batch:
                began = time.perf_counter()
                self._commit(batch)
                took = time.perf_counter() - began
                # The callers may send their next change at once. A commit costs more than its
                # changes: waiting for them briefly makes the next batch larger.
                _hand_back(batch).wait(took if going else 0.0)

    def _gather(self) -> tuple[list[_Change], bool]:
        """Wait for a change, and take all that wait by then; False once closed."""
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
            self._file.require(self._connection)
        except (sqlite3.Error, AvatarKitError) as error:
            self._roll_back()
            self._fail(batch, error)
            return
        try:
            before = self._connection.total_changes
            for change in batch:
                change.attempt(self._connection)
            if self._connection.total_changes != before:
                self._file.count(self._connection)
            self._connection.execute("COMMIT")
        except Exception as error:  # noqa: BLE001 - goes to the callers; the thread must go on
            self._give_up(batch, error)
            return
        try:
            self._file.committed(self._connection)
        except (sqlite3.Error, AvatarKitError) as error:  # what is stored is lost
            self._fail(batch, error)

    def _give_up(self, batch: list[_Change], error: Exception) -> None:
        """Roll back and try each half, so that a change too large for the disk fails alone."""
        self._roll_back()
        if len(batch) == 1:
            self._fail(batch, error)
            return
        middle = len(batch) // 2
        self._commit(batch[:middle])
        self._commit(batch[middle:])

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            with suppress(sqlite3.Error):  # closing the connection rolls back as well
                self._connection.execute("ROLLBACK")

    def _fail(self, batch: list[_Change], error: Exception) -> None:
        if isinstance(error, sqlite3.Error):
            error = self._file.explain(error, self._connection)
        for change in batch:
            change.error = error


def _hand_back(batch: list[_Change]) -> threading.Event:
    """Wake each event loop once, for all of its changes; the event is set when callers went on."""
    changes_of: dict[asyncio.AbstractEventLoop, list[_Change]] = {}
    gone_on = threading.Event()
    for change in batch:
        changes_of.setdefault(change.future.get_loop(), []).append(change)
    for loop, changes in changes_of.items():
        with suppress(RuntimeError):  # the loop is closed: no caller waits
            loop.call_soon_threadsafe(_settle, changes, gone_on)
    return gone_on


def _settle(changes: list[_Change], gone_on: threading.Event) -> None:
    """Set the futures of the callers; runs in the event loop."""
    for change in changes:
        if change.future.done():  # the caller was cancelled
            continue
        if change.error is not None:
            change.future.set_exception(change.error)
        else:
            change.future.set_result(change.result)
    changes[0].future.get_loop().call_soon(
        gone_on.set
    )  # after the callers, which the futures have scheduled
