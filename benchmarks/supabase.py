"""Transitions per second of ``SupabaseRepository``, against raw httpx before the same PostgREST.

A server with fsync on and a PostgREST of its own are started. Raw httpx posts the same bodies to
the same function through a client of the same kind; it has them ready made, and reads only the
status. Run it as ``python benchmarks/supabase.py``.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import psycopg
from transitions import USER, Bar, Stopwatch, arguments, born, live, named, one_round, report

import avatarkit.repositories
from avatarkit.clock import SystemClock
from avatarkit.repositories import rows, rules, server
from avatarkit.repositories.supabase import SupabaseRepository

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from repositories.postgres.cluster import Cluster  # the tests' own servers
from repositories.postgres.postgrest import URL, PostgREST

MIGRATIONS = Path(avatarkit.repositories.__file__).parent / "migrations"
TESTS = Path(__file__).parents[1] / "tests"
FILES = (
    TESTS / "repositories" / "postgres" / "shim.sql",
    MIGRATIONS / "20261124120000_avatarkit.sql",
)
TASKS = (1, 16)
KEY = "sb_secret_of_tests"
HEADERS = {"content-type": "application/json", "apikey": KEY}


def bodies(old, saves):
    """For each save of a life, the body that calls the function."""
    for version, (new, entries) in enumerate(saves, 1):
        doc, saved = rules.as_stored(new.model_copy(update={"version": version}))
        jobs = rules.jobs_of(saved)
        row = server.change_json(rows.record_row(saved, doc))
        moved = "null" if jobs == rules.jobs_of(old) else server.jobs_json(jobs)
        ledger = server.ledger_json(entries) or "null"
        yield (
            f'{{"p_kind":"training","p_version":{version - 1},'
            f'"p_row":{row},"p_jobs":{moved},"p_ledger":{ledger},"p_reservation":null}}'
        ).encode()
        old = new


async def prepared(client, count):
    """A repository and so many lives to save."""
    repository = SupabaseRepository(URL, KEY, clock=SystemClock(), client=client)
    await repository.open()
    return repository, await born(repository, count)


async def ours(rest, count, tasks):
    """So many lives saved by a repository."""
    async with rest.client() as client:
        repository, lives = await prepared(client, count)
        with Stopwatch(len(lives)) as watch:
            await live(repository, lives, tasks)
    return watch.speed


async def raw(rest, count, tasks):
    """So many lives written by httpx."""
    async with rest.client() as client:
        _, lives = await prepared(client, count)
        waiting = iter(
            [list(bodies(*life)) for life in zip(lives.records, lives.saves, strict=True)]
        )

        async def work():
            for saves in waiting:
                for body in saves:
                    where = f"{URL}/rest/v1/rpc/avatarkit_save"
                    answer = await client.post(where, content=body, headers=HEADERS)
                    answer.raise_for_status()

        with Stopwatch(len(lives)) as watch:
            await asyncio.gather(*(work() for _ in range(tasks)))
    return watch.speed


RAW, OURS = "raw httpx", "SupabaseRepository"
SIDES = {RAW: raw, OURS: ours}
BARS = [Bar(named(OURS, tasks), named(RAW, tasks), 0.85) for tasks in TASKS]


def main():
    options = arguments(__doc__).parse_args()
    cluster = Cluster(durable=True)
    rest = None
    try:
        with psycopg.connect(cluster.dsn(), autocommit=True) as db:
            for path in FILES:
                with db.transaction():
                    db.execute(path.read_text(encoding="utf-8"))
            db.execute("insert into auth.users (id) values (%s)", (USER,))
        rest = PostgREST(cluster, "postgres")
        rounds = [one_round(SIDES, TASKS, rest, options.lives) for _ in range(options.rounds)]
    finally:
        if rest is not None:
            rest.stop()
        cluster.stop()
    report(rounds, BARS, check=options.check)


if __name__ == "__main__":
    main()
