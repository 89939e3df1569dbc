"""Durable changes per second of ``SqliteRepository``, against raw sqlite3 doing the same writes.

Baselines in the same run, on the same disk: raw sqlite3 with one commit per change, and raw
sqlite3 that commits sixteen changes at once. Printed are ratios; absolute figures belong to one
machine and one moment.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from pathlib import Path

from avatarkit.engines.clock import SystemClock
from avatarkit.models import Operation
from avatarkit.records import OperationState, Training
from avatarkit.repositories.sqlite import SqliteRepository

CHANGES, TASKS = 2000, 16


def training(record_id):
    operation = OperationState(operation=Operation.VOICE, provider="bench")
    return Training(
        id=record_id,
        user_id="u",
        clone_id=record_id,
        stack="bench",
        operations=(operation, operation.model_copy(update={"operation": Operation.AVATAR})),
        created_at=0.0,
        updated_at=0.0,
        deadline_at=9e9,
        next_at=0.0,
    )


async def repository(folder, tasks):
    """Changes per second with so many tasks, each changing a record of its own in turn."""
    store = SqliteRepository(folder / f"kit{tasks}.db", clock=SystemClock())
    await store.open()
    records = [(await store.create(training(f"t{n}")))[0] for n in range(tasks)]

    async def change(record):
        for number in range(CHANGES // tasks):
            new = record.model_copy(update={"progress": number % 100})
            record = await store.save(record, new)

    start = time.perf_counter()
    await asyncio.gather(*(change(r) for r in records))
    seconds = time.perf_counter() - start
    await store.aclose()
    return CHANGES / seconds


def raw(folder, group):
    """Changes per second of bare sqlite3, committing ``group`` of them at a time."""
    connection = sqlite3.connect(folder / f"raw{group}.db", isolation_level=None)
    connection.execute("pragma journal_mode=wal")
    connection.execute("pragma synchronous=full")
    connection.execute("create table t (id text primary key, doc text, progress int, version int)")
    document = training("t").model_dump_json()
    for number in range(TASKS):
        connection.execute("insert into t values (?, ?, 0, 0)", (f"t{number}", document))
    start = time.perf_counter()
    for number in range(CHANGES // group):
        connection.execute("begin immediate")
        for task in range(group):
            connection.execute(
                "update t set doc = ?, progress = ?, version = version + 1 where id = ?",
                (document, number % 100, f"t{task % TASKS}"),
            )
        connection.execute("commit")
    seconds = time.perf_counter() - start
    connection.close()
    return CHANGES / seconds


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        single, grouped = raw(folder, 1), raw(folder, TASKS)
        one, many = (asyncio.run(repository(folder, tasks)) for tasks in (1, TASKS))
    print(f"raw sqlite3, one commit per change    {single:8.0f} changes/s")
    print(f"raw sqlite3, {TASKS} changes per commit    {grouped:8.0f} changes/s")
    print(f"SqliteRepository, 1 task              {one:8.0f}   {one / single:.2f} of raw single")
    of_raw = f"{many / grouped:.2f} of raw grouped, {many / single:.2f} of raw single"
    print(f"SqliteRepository, {TASKS} tasks            {many:8.0f}   {of_raw}")


if __name__ == "__main__":
    main()
