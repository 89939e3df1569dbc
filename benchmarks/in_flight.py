"""Milliseconds of single queries over very many waiting trainings, in SQLite or in PostgreSQL.

The rows are copies of one training. At last half of them become due at one moment, as after an
outage or a restore, and are claimed. Every query is to answer within ten milliseconds, and memory
is not to grow with the rows. Run it as
``python benchmarks/in_flight.py --rows 1000000`` (``--postgres`` starts a server of its own).
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import sqlite3
import statistics
import sys
import tempfile
import time
from contextlib import asynccontextmanager, closing
from functools import partial
from pathlib import Path

from avatarkit.clock import SystemClock
from avatarkit.models import Operation
from avatarkit.records import OperationState, Status, Terms, Training
from avatarkit.repositories.sqlite import SqliteRepository

AT_MOST = 10.0  #: milliseconds
DUE = 2000  #: rows that are overdue
SEED = "seed-0000000"


def training(now):
    """A training that waits for its vendor until long after this benchmark."""
    operations = tuple(
        OperationState(operation=operation, provider="heygen", terms=Terms(typical=14_400))
        for operation in (Operation.VOICE, Operation.AVATAR)
    )
    return Training(
        id=SEED, user_id="user", clone_id="clone", stack="heygen", status=Status.TRAINING,
        operations=operations, created_at=now, updated_at=now, deadline_at=now + 864_000,
        next_at=now + 86_400,
    )  # fmt: skip


COPIES = """
with recursive n(i) as (select 1 union all select i + 1 from n where i < :rows)
insert into avatar_training ({names})
select {values} from n, avatar_training where id = :seed
"""
COPIES_PG = """
insert into public.avatar_training ({names})
select {values} from generate_series(1, %(rows)s::int) i, public.avatar_training where id = %(seed)s
"""
CHANGED = {
    "id": "printf('seed-%07d', i)",
    "doc": "replace(doc, :seed, printf('seed-%07d', i))",
    "created_at": "created_at + i * 0.001",
    "next_at": "case when i <= :due then created_at - 60 else next_at + i * 0.01 end",
}
CHANGED_PG = {
    "id": "'seed-' || lpad(i::text, 7, '0')",
    "doc": "replace(doc, %(seed)s, 'seed-' || lpad(i::text, 7, '0'))",
    "created_at": "created_at + make_interval(secs => i * 0.001)",
    "next_at": "case when i <= %(due)s then created_at - interval '60 s' "
    "else next_at + make_interval(secs => i * 0.01) end",
}


def copying(template, changed, names):
    values = ", ".join(changed.get(name, name) for name in names)
    return template.format(names=", ".join(names), values=values)


def sqlite(rows):
    """A repository on a file with so many trainings."""
    return sqlite_of(rows, due=DUE)


@asynccontextmanager
async def sqlite_of(rows, due):
    """The same, with so many of them overdue."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "twins.db"
        repository = SqliteRepository(path, clock=SystemClock())
        await repository.open()
        await repository.create(training(time.time()))
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            db.execute("pragma synchronous = off")  # of this connection
            names = [name for _, name, *_ in db.execute("pragma table_info(avatar_training)")]
            statement = copying(COPIES, CHANGED, names)
            db.execute(statement, {"rows": rows, "seed": SEED, "due": due})
        try:
            yield repository, partial(execute_in_file, path)
        finally:
            await repository.aclose()


def execute_in_file(path, statement):
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(statement)


@asynccontextmanager
async def postgres(rows):
    """The same on a server of its own."""
    import psycopg
    from postgres import MIGRATION, Cluster, opened

    cluster = Cluster(durable=True)
    try:
        with psycopg.connect(cluster.dsn(), autocommit=True) as db:
            db.execute(MIGRATION.read_text(encoding="utf-8"))
            async with opened(cluster.dsn()) as repository:
                await repository.create(training(time.time()))
            found = db.execute("select * from public.avatar_training limit 0")
            names = [column.name for column in found.description]
            statement = copying(COPIES_PG, CHANGED_PG, names)
            db.execute(statement, {"rows": rows, "seed": SEED, "due": DUE})
            db.execute(
                "insert into public.avatar_leases (record_id) "
                "select id from public.avatar_training on conflict do nothing"
            )
            db.execute("vacuum analyze")
            async with opened(cluster.dsn()) as repository:
                yield repository, db.execute
    finally:
        cluster.stop()


def queries(repository):
    """Return the measurements, by name."""
    return {
        "due time of the next one": repository.next_due,
        "claim of 16": lambda: repository.claim("w", 16, 60.0),
        "one by its id": lambda: repository.get("seed-0000100"),
        "page of the newest": lambda: repository.page("training"),
        "page of a user": lambda: repository.page("training", user_id="user"),
        "page by a status that no row has": lambda: repository.page(
            "training", status=Status.FAILED
        ),
        "backlog": repository.backlog,
    }


async def measured(query, times=15):
    """Median milliseconds of a query."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        await query()
        took.append((time.perf_counter() - began) * 1e3)
    return statistics.median(took)


BIRTH = {sqlite: "1790000000.0", postgres: "to_timestamp(1790000000)"}
CLAIM_AT_ONCE = "claim of 16 of half of all rows, due at one moment"


async def run(opened, rows):
    async with opened(rows) as (repository, execute):
        asked = queries(repository)
        found = {name: await measured(query) for name, query in asked.items()}
        execute(
            f"update avatar_training set next_at = {BIRTH[opened]} "
            f"where id > 'seed-{rows // 2:07d}'"
        )
        return found | {CLAIM_AT_ONCE: await measured(asked["claim of 16"])}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="exit with 1 above a bar")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--postgres", action="store_true")
    options = parser.parse_args()
    found = asyncio.run(run(postgres if options.postgres else sqlite, options.rows))
    for name, took in found.items():
        print(f"{name:50} {took:9.3f} ms  bar {AT_MOST:g} {'met' if took <= AT_MOST else 'MISSED'}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{options.rows} rows; peak of this process {peak:.0f} MiB")
    sys.exit(options.check and max(found.values()) > AT_MOST)


if __name__ == "__main__":
    main()
