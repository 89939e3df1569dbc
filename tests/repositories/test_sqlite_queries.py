"""Queries of SQLite: none reads a whole table or sorts it, and long ones hold up no short one."""

import sqlite3
import threading
from contextlib import closing

import anyio
import pytest

from avatarkit.models import Operation
from avatarkit.records import Status
from avatarkit.repositories import sqlite_file
from avatarkit.repositories.sqlite import SqliteRepository
from avatarkit.testing import FakeClock
from avatarkit.testing.repositories import a_training

pytestmark = pytest.mark.anyio


@pytest.fixture
def path(tmp_path):
    return tmp_path / "twins.db"


@pytest.fixture
async def repository(path):
    repository = SqliteRepository(path, clock=FakeClock())
    await repository.open()
    yield repository
    await repository.aclose()


QUERIES = {
    "claim": lambda r: r.claim("worker", 64, 15.0),
    "next due": lambda r: r.next_due(),
    "renew": lambda r: r.renew("worker", 15.0),
    "backlog": lambda r: r.backlog(),
    "get": lambda r: r.get("t1"),
    "consent": lambda r: r.get_consent("c1"),
    "job": lambda r: r.find_job("heygen", Operation.VIDEO, "job-1"),
    "samples": lambda r: r.samples("ana", "clone"),
    "budget": lambda r: r.held(0.0, 1.0),
    "budget of a user": lambda r: r.held(0.0, 1.0, "ana"),
    "deliveries": lambda r: r.webhooks(),
    "pending deliveries": lambda r: r.pending_webhooks(),
    **{
        f"{kind}s by {', '.join(wanted) or 'age'}": lambda r, kind=kind, wanted=wanted: r.page(
            kind, **wanted
        )
        for kind in ("training", "video")
        for wanted in (
            {},
            {"status": Status.FAILED},
            {"user_id": "ana"},
            {"user_id": "ana", "status": Status.FAILED},
            {"clone_id": "clone"},
        )
    },
    "videos of a training": lambda r: r.page("video", training_id="t1"),
    "next page by status": lambda r: r.page("training", status=Status.FAILED, limit=1),
}

#: Indexes that hold so few rows that reading all of them is right, and tables that small.
_SMALL = ("_leased", "avatar_webhooks_pending", "SCAN waiting", "SCAN (subquery", "SCAN places")
#: Queries that sort what one job, clone or inbox has, and those that read the newest without any
#: condition, from the end of an index until a page is full.
_ALLOWED = {
    **dict.fromkeys(("job", "samples", "pending deliveries"), "USE TEMP B-TREE FOR ORDER BY"),
    "trainings by age": "SCAN avatar_training USING INDEX avatar_training_newest",
    "videos by age": "SCAN avatar_videos USING INDEX avatar_videos_newest",
    "deliveries": "SCAN avatar_webhooks USING INDEX avatar_webhooks_by_time",
}


async def plans(repository, path, query):
    """Lines of the plans of all statements that a query runs."""
    ran = []
    connections = (*repository._readers, repository._writer._connection)
    for connection in connections:
        connection.set_trace_callback(ran.append)
    await query(repository)
    for connection in connections:
        connection.set_trace_callback(None)
    with closing(sqlite3.connect(path)) as db:
        return [
            line[3]
            for statement in ran
            if statement.startswith(("SELECT", "UPDATE", "WITH", "DELETE"))
            and "history" not in statement
            for line in db.execute(f"EXPLAIN QUERY PLAN {statement}")
        ]


def slow(found):
    """Steps that read a whole table or sort what they found."""
    return [
        step
        for step in found
        if (step.startswith("SCAN") and not any(name in step for name in _SMALL))
        or step == "USE TEMP B-TREE FOR ORDER BY"
    ]


@pytest.mark.parametrize("name", QUERIES)
async def test_no_query_reads_or_sorts_a_whole_table(repository, path, name):
    await repository.create(a_training())
    found = await plans(repository, path, QUERIES[name])
    assert found
    assert set(slow(found)) <= {_ALLOWED.get(name)}


@pytest.mark.parametrize(
    ("index", "name"),
    [
        ("avatar_training_by_status", "trainings by status"),
        ("avatar_videos_by_status", "videos by status"),
        ("avatar_training_due", "claim"),
        ("avatar_training_of_user", "trainings by user_id"),
        ("jobs_of_record", "save"),
    ],
)
async def test_a_query_without_its_index_would_be_seen(repository, path, index, name):
    record, _ = await repository.create(a_training())

    async def save(repository):
        state = record.operations[0].revised(job={"id": "job-1"})
        await repository.save(record, record.model_copy(update={"operations": (state,)}))

    query = QUERIES.get(name, save)
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"DROP INDEX {index}")
    assert slow(await plans(repository, path, query))


async def test_a_claim_among_equal_due_times_sorts_nothing(repository, path):
    for number in range(3):
        await repository.create(a_training(f"t{number}", next_at=1.0))
    found = await plans(repository, path, QUERIES["claim"])
    assert any("avatar_training_due (next_at<?)" in step for step in found)
    assert not any("TEMP B-TREE" in step for step in found)


async def test_a_long_query_holds_up_no_short_one(repository):
    await repository.create(a_training())
    going, goes_on = threading.Event(), threading.Event()

    def long(_):
        going.set()
        goes_on.wait(10)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(repository._read, long)
        await anyio.to_thread.run_sync(going.wait)
        assert await repository.next_due() is not None
        goes_on.set()


async def test_a_short_query_waits_in_a_thread_while_another_program_locks_the_file(
    repository, monkeypatch
):
    """As while that recovers the write-ahead log after a crash."""
    record, _ = await repository.create(a_training())
    found, threads = repository._found, []

    def busy_at_first(reader, query):
        threads.append(threading.current_thread() is threading.main_thread())
        if reader is repository._readers.short:
            raise sqlite_file.Locked("locked")
        return found(reader, query)

    monkeypatch.setattr(repository, "_found", busy_at_first)
    assert await repository.get(record.id) == record
    assert threads == [True, False]


async def test_the_short_reader_waits_for_no_lock(repository):
    patience = [
        connection.execute("PRAGMA busy_timeout").fetchone()[0]
        for connection in repository._readers
    ]
    assert patience == [0, 30_000]
