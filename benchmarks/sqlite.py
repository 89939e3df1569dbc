"""Transitions per second of ``SqliteRepository``, against raw sqlite3 doing the same writes.

Raw sqlite3 writes the same columns into the same tables with the same indexes and pragmas, on the
same disk: one commit per transition, or sixteen transitions in a commit. It looks at nothing,
compares nothing but the version, and waits for no other thread. It begins where the repository
does, with a record, and makes its row of it; how fast it is with rows that lie ready is shown too.

What group commit brings is told by the repository itself, made to do without: sixteen tasks, and
one commit per change. That is more, the longer a commit takes, and disks of virtual machines often
only say that they have written: so it is shown with half a millisecond more per commit, too. Run it
as ``python benchmarks/sqlite.py``.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import statistics
import tempfile
import time
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from unittest.mock import patch

from transitions import SAVES, Bar, Stopwatch, arguments, born, live, report

from avatarkit.clock import SystemClock
from avatarkit.repositories import rows, rules, sqlite_writer
from avatarkit.repositories.sqlite import _STILL, SqliteRepository
from avatarkit.repositories.sqlite_file import open_database

GROUP = 16
SLOWER = 0.0005  #: seconds that a commit takes longer on the slower disk

CLONE = (
    "UPDATE user_clones SET training_status = coalesce((SELECT status FROM avatar_training "
    "WHERE clone_id = ? AND deleted = 0 ORDER BY created_at DESC, id DESC LIMIT 1), 'pending'), "
    "avatar_ready = EXISTS (SELECT 1 FROM avatar_training WHERE clone_id = ? AND deleted = 0 "
    "AND status = 'completed') WHERE id = ?"
)


def statements(old, saves):
    """For each save of a life, the (SQL, values) that write it."""
    for version, (new, entries) in enumerate(saves, 1):
        doc, saved = rules.as_stored(new.model_copy(update={"version": version}))
        row = rows.record_row(saved, doc)
        for name in _STILL & row.keys():  # as the repository does: most of them are in an index
            if row[name] == getattr(old, name):
                del row[name]
        sets = ", ".join(f"{name} = ?" for name in row)
        written = [
            (
                f"UPDATE avatar_training SET {sets} WHERE id = ? AND version = ?",
                (*row.values(), old.id, version - 1),
            )
        ]
        written += [
            ("INSERT INTO jobs VALUES (?, ?, ?, ?)", (*job, old.id))
            for job in rules.jobs_of(new) - rules.jobs_of(old)
        ]
        if old.status != new.status:
            written.append((CLONE, (new.clone_id,) * 3))
        for entry in entries:
            columns = entry.model_dump()
            marks = ", ".join("?" * len(columns))
            insert = f"INSERT INTO ledger ({', '.join(columns)}) VALUES ({marks})"
            written.append((insert, tuple(columns.values())))
        yield written
        old = new


async def prepared(path, count):
    """A file with so many trainings, and their lives."""
    repository = SqliteRepository(path, clock=SystemClock())
    await repository.open()
    lives = await born(repository, count)
    return repository, lives


class SlowerDisk(sqlite3.Connection):
    """A connection on a disk whose commits take ``SLOWER`` seconds more."""

    def execute(self, statement, *values):
        if statement == "COMMIT":
            time.sleep(SLOWER)
        return super().execute(statement, *values)


def ours(path, count, tasks, *, grouped=True, slower=False):
    """So many lives saved by a repository, ``grouped`` as it does, or one change per commit."""
    batch = sqlite_writer._BATCH if grouped else 1  # noqa: SLF001 - who uses it cannot choose
    connect = partial(sqlite3.connect, factory=SlowerDisk)
    disk = patch("sqlite3.connect", connect) if slower else nullcontext()
    with disk, patch.object(sqlite_writer, "_BATCH", batch):
        return asyncio.run(saved(path, count, tasks))


def flushed(path):
    """Microseconds that this disk takes to say that a page is written."""
    took = []
    with path.open("wb", buffering=0) as file:
        for _ in range(200):
            file.write(bytes(4096))
            began = time.perf_counter()
            os.fsync(file.fileno())
            took.append(time.perf_counter() - began)
    return statistics.median(took) * 1e6


async def saved(path, count, tasks):
    """So many lives saved."""
    repository, lives = await prepared(path, count)
    with Stopwatch(len(lives)) as watch:
        await live(repository, lives, tasks)
    await repository.aclose()
    return watch.speed


def raw(path, count, group, *, ready=False):
    """So many lives written by sqlite3, ``group`` transitions per commit, from records or rows."""
    lives = asyncio.run(alone(path, count))
    written = [statements(*life) for life in zip(lives.records, lives.saves, strict=True)]
    if ready:
        written = [iter(list(life)) for life in written]
    # As tasks do: a commit holds one transition each of so many records.
    batches = [
        written[start : start + group] for start in range(0, count, group) for _ in range(SAVES)
    ]
    connection, _ = open_database(path)
    with Stopwatch(len(lives)) as watch:
        for batch in batches:
            connection.execute("BEGIN IMMEDIATE")
            for life in batch:
                for statement, values in next(life):
                    connection.execute(statement, values)
            connection.execute("COMMIT")
    connection.close()
    return watch.speed


async def alone(path, count):
    """As ``prepared``, but the file is let go of."""
    repository, lives = await prepared(path, count)
    await repository.aclose()
    return lives


SINGLE, GROUPED = "raw sqlite3, 1 per commit", f"raw sqlite3, {GROUP} per commit"
READY_SINGLE, READY_GROUPED = f"{SINGLE}, ready rows", f"{GROUPED}, ready rows"
ONE, MANY = "SqliteRepository, 1 task", f"SqliteRepository, {GROUP} tasks"
ALONE = f"SqliteRepository, {GROUP} tasks, 1 per commit"
SLOW_MANY, SLOW_ALONE = f"{MANY}, slower disk", f"{ALONE}, slower disk"
BARS = (Bar(ONE, SINGLE, 0.5), Bar(MANY, GROUPED, 0.5), Bar(MANY, ALONE, 3.0))
SHOWN = (
    Bar(SLOW_MANY, SLOW_ALONE, 0.0),
    Bar(GROUPED, SINGLE, 0.0),
    Bar(MANY, READY_GROUPED, 0.0),
    Bar(MANY, SINGLE, 0.0),
    Bar(MANY, READY_SINGLE, 0.0),
)


def one_round(count):
    """Every side once."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        return {
            SINGLE: raw(folder / "single.db", count, 1),
            GROUPED: raw(folder / "grouped.db", count, GROUP),
            READY_SINGLE: raw(folder / "ready_single.db", count, 1, ready=True),
            READY_GROUPED: raw(folder / "ready_grouped.db", count, GROUP, ready=True),
            ONE: ours(folder / "one.db", count, 1),
            MANY: ours(folder / "many.db", count, GROUP),
            ALONE: ours(folder / "alone.db", count, GROUP, grouped=False),
            SLOW_MANY: ours(folder / "slow.db", count, GROUP, slower=True),
            SLOW_ALONE: ours(folder / "slow_alone.db", count, GROUP, grouped=False, slower=True),
        }


def main():
    options = arguments(__doc__).parse_args()
    rounds = [one_round(options.lives) for _ in range(options.rounds)]
    with tempfile.TemporaryDirectory() as name:
        print(f"this disk says after {flushed(Path(name) / 'page'):.0f} us that a page is written")
    report(rounds, BARS + SHOWN, check=options.check)


if __name__ == "__main__":
    main()
