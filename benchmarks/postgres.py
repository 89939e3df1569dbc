"""Transitions per second of ``PostgresRepository``, against raw psycopg doing the same writes.

A server of its own is started, with fsync on. Raw psycopg, asynchronous and with a pool of as many
connections, calls the same function with the same rows in the same transactions; it has them
ready made, and decides nothing. Run it as ``python benchmarks/postgres.py``.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
from psycopg_pool import AsyncConnectionPool
from transitions import Bar, Stopwatch, arguments, born, live, named, one_round, report

import avatarkit.repositories
from avatarkit.clock import SystemClock
from avatarkit.repositories import rows, rules, server
from avatarkit.repositories.postgres import PostgresRepository

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from repositories.postgres.cluster import Cluster  # the tests' own server

MIGRATIONS = Path(avatarkit.repositories.__file__).parent / "migrations"
MIGRATION = MIGRATIONS / "20261124120000_avatarkit.sql"
TASKS, CONNECTIONS = (1, 16), 16
SAVE = "select public.avatarkit_save(%s, %s, %s, %s, %s, %s)"


def values(old, saves):
    """For each save of a life, what the function is called with."""
    for version, (new, entries) in enumerate(saves, 1):
        doc, saved = rules.as_stored(new.model_copy(update={"version": version}))
        jobs = rules.jobs_of(saved)
        yield (
            "training",
            version - 1,
            server.change_json(rows.record_row(saved, doc)),
            None if jobs == rules.jobs_of(old) else server.jobs_json(jobs),
            server.ledger_json(entries),
            None,  # what a life holds of budgets, which is nothing
        )
        old = new


@asynccontextmanager
async def opened(dsn):
    """A repository on that database."""
    repository = PostgresRepository(dsn, clock=SystemClock(), pool_size=CONNECTIONS)
    await repository.open()
    try:
        yield repository
    finally:
        await repository.aclose()


async def ours(dsn, count, tasks):
    """So many lives saved by a repository."""
    async with opened(dsn) as repository:
        lives = await born(repository, count)
        with Stopwatch(len(lives)) as watch:
            await live(repository, lives, tasks)
    return watch.speed


async def raw(dsn, count, tasks):
    """So many lives written by psycopg."""
    async with opened(dsn) as repository:
        lives = await born(repository, count)
    waiting = iter([list(values(*life)) for life in zip(lives.records, lives.saves, strict=True)])
    kwargs = {"autocommit": True, "prepare_threshold": None}
    pool = AsyncConnectionPool(dsn, min_size=1, max_size=CONNECTIONS, open=False, kwargs=kwargs)

    async def work():
        for saves in waiting:
            for save in saves:
                async with pool.connection() as connection:
                    cursor = await connection.execute(SAVE, save)
                    await cursor.fetchall()

    async with pool:
        with Stopwatch(len(lives)) as watch:
            await asyncio.gather(*(work() for _ in range(tasks)))
    return watch.speed


RAW, OURS = "raw psycopg", "PostgresRepository"
SIDES = {RAW: raw, OURS: ours}
BARS = [Bar(named(OURS, tasks), named(RAW, tasks), 0.8) for tasks in TASKS]


def main():
    options = arguments(__doc__).parse_args()
    cluster = Cluster(durable=True)
    try:
        with psycopg.connect(cluster.dsn(), autocommit=True) as db:
            db.execute(MIGRATION.read_text(encoding="utf-8"))
        rounds = [
            one_round(SIDES, TASKS, cluster.dsn(), options.lives) for _ in range(options.rounds)
        ]
    finally:
        cluster.stop()
    report(rounds, BARS, check=options.check)


if __name__ == "__main__":
    main()
