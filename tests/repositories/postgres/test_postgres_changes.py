"""Watchers are woken by a real server's notifications, and by its way back."""

from __future__ import annotations

from contextlib import asynccontextmanager

import anyio
import pytest

from avatarkit import AvatarKit, errors
from avatarkit.clock import SystemClock
from avatarkit.config.settings import Settings
from avatarkit.lifecycle import watching
from avatarkit.models import Action
from avatarkit.records import Status
from avatarkit.repositories import postgres
from avatarkit.repositories.postgres import PostgresRepository
from avatarkit.testing.repositories import ANA, BOB, a_training, a_video

from .conftest import connected

pytestmark = pytest.mark.anyio

LISTENERS = "from pg_stat_activity where application_name = 'avatarkit changes' and datname = %s"


@pytest.fixture(params=[("plain",), ("ready",)], ids=["plain", "supabase"])
def database(request, cluster, fresh_database, supabase_template):
    """The name of a database of its own, with the tables."""
    name = fresh_database(supabase_template(*request.param))
    if request.param == ("ready",):
        with connected(cluster, name) as db:
            for user in (ANA, BOB):
                db.execute("insert into auth.users (id) values (%s)", (user,))
    return name


@pytest.fixture
def only_wakeups(monkeypatch):
    """Watchers do not poll; a failed subscription is repeated at once."""
    monkeypatch.setattr(watching, "_POLL", 1e6)
    monkeypatch.setattr(watching, "_FLOOR", 1e6)
    monkeypatch.setattr(watching, "_FIRST_GAP", 0.01)
    monkeypatch.setattr(watching, "_LONGEST_GAP", 0.1)


@asynccontextmanager
async def opened(cluster, database):
    repository = PostgresRepository(cluster.dsn(database), clock=SystemClock())
    await repository.open()
    try:
        yield repository
    finally:
        await repository.aclose()


@asynccontextmanager
async def watched_by_another(cluster, database, *records):
    """Streams of a second kit, one per record, after the first value."""
    async with AvatarKit(
        "fake",
        repository=PostgresRepository(cluster.dsn(database), clock=SystemClock()),
        worker=False,
        settings=Settings(),
    ) as kit:
        streams = [kit.watch(record.id) for record in records]
        for stream in streams:
            await anext(stream)
        with anyio.fail_after(60):
            while not kit._changes._heard:
                await anyio.sleep(0.01)
            yield streams
        for stream in streams:
            await stream.aclose()


@pytest.mark.parametrize("make", [a_training, a_video])
async def test_a_change_of_another_process_wakes_a_watcher(cluster, database, only_wakeups, make):
    async with opened(cluster, database) as repository:
        old, _ = await repository.create(make())
        async with watched_by_another(cluster, database, old) as (stream,):
            await repository.save(old, old.model_copy(update={"progress": 20}))
            assert (await anext(stream)).progress == 20


async def test_every_change_that_a_person_sees_is_announced(cluster, database):
    action = Action(kind="open_url", message="Look there", choices=("done",))
    steps = [
        {"status": Status.PROCESSING},
        {"progress": 20},
        {"status": Status.ACTION_REQUIRED, "action": action},
        {"action": action.model_copy(update={"message": "Look elsewhere"})},
        {"status": Status.PROCESSING, "action": None},
        {"stack": "local"},
        {"status": Status.FAILED, "error_message": "No"},
        {"deleted": True},
    ]
    async with opened(cluster, database) as repository:
        record, _ = await repository.create(a_training())
        heard = repository.changes()
        assert await anext(heard) is None
        with anyio.fail_after(60):
            for step in steps:
                record = await repository.save(record, record.model_copy(update=step))
                assert await anext(heard) == record.id
        await heard.aclose()


async def test_what_no_person_sees_is_not_announced(cluster, database):
    async with opened(cluster, database) as repository:
        unseen, _ = await repository.create(a_training("unseen"))
        seen, _ = await repository.create(a_training("seen"))
        heard = repository.changes()
        assert await anext(heard) is None
        await repository.save(unseen, unseen.model_copy(update={"next_at": None}))
        await repository.save(seen, seen.model_copy(update={"progress": 1}))
        with anyio.fail_after(60):
            assert await anext(heard) == seen.id
        await heard.aclose()


async def test_a_sleeping_worker_hears_what_is_created_or_due_earlier_and_nothing_else(
    cluster, database
):
    async with opened(cluster, database) as repository:
        heard = repository.sooner()
        with anyio.fail_after(60):
            assert await anext(heard) is None
            record, _ = await repository.create(a_training(next_at=100.0))
            assert await anext(heard) is None
            for next_at in (50.0, 60.0, 70.0, None, 40.0):
                record = await repository.save(
                    record, record.model_copy(update={"next_at": next_at})
                )
                if next_at in (50.0, 40.0):
                    assert await anext(heard) is None
        await heard.aclose()


async def test_a_listener_that_is_cut_off_loses_no_change(cluster, database, only_wakeups):
    async with opened(cluster, database) as repository:
        old, _ = await repository.create(a_training())
        async with watched_by_another(cluster, database, old) as (stream,):
            with connected(cluster, "postgres") as db:
                killed = db.execute(f"select pg_terminate_backend(pid) {LISTENERS}", (database,))
                assert killed.fetchall() == [(True,)]
                for progress in (20, 30):
                    old = await repository.save(old, old.model_copy(update={"progress": progress}))
            seen = [(await anext(stream)).progress]
            while seen[-1] < 30:
                seen.append((await anext(stream)).progress)
            await repository.save(old, old.model_copy(update={"progress": 40}))
            assert (await anext(stream)).progress == 40  # by a new connection


async def test_all_watchers_of_a_process_share_one_connection(cluster, database, only_wakeups):
    async with opened(cluster, database) as repository:
        first, _ = await repository.create(a_training("first"))
        second, _ = await repository.create(a_training("second"))
        async with watched_by_another(cluster, database, first, second):
            with connected(cluster, "postgres") as db:
                found = db.execute(f"select count(*) {LISTENERS}", (database,)).fetchone()
    assert found == (1,)


async def test_a_kit_that_closes_leaves_no_connection(cluster, database, only_wakeups):
    async with opened(cluster, database) as repository:
        old, _ = await repository.create(a_training())
        async with watched_by_another(cluster, database, old):
            pass
        with connected(cluster, "postgres") as db, anyio.fail_after(60):
            while db.execute(f"select count(*) {LISTENERS}", (database,)).fetchone() != (0,):
                await anyio.sleep(0.01)


async def test_a_pooler_that_swallows_notifications_is_told_by_its_silence(
    cluster, database, monkeypatch
):
    monkeypatch.setattr(postgres, "_QUIET", 0.05)
    async with opened(cluster, database) as repository:

        async def swallowed(*_):
            return []

        monkeypatch.setattr(repository, "_rows", swallowed)
        with pytest.raises(errors.StorageError, match="pooler in transaction mode"):
            await anext(repository.changes())


async def test_a_connection_that_falls_silent_later_is_noticed(cluster, database, monkeypatch):
    monkeypatch.setattr(postgres, "_QUIET", 0.05)
    async with opened(cluster, database) as repository:
        heard = repository.changes()
        assert await anext(heard) is None
        sent, rows = [], repository._rows

        async def at_first(*values):
            sent.append(values)
            return await rows(*values) if len(sent) < 3 else []

        monkeypatch.setattr(repository, "_rows", at_first)
        with pytest.raises(errors.StorageError):
            await anext(heard)
    assert len(sent) == 3  # while it was answered, it went on


async def test_what_was_changed_last_is_told_before_it_closes(cluster, database):
    async with opened(cluster, database) as repository:
        old, _ = await repository.create(a_training())
        heard = repository.changes()
        assert await anext(heard) is None
        async with opened(cluster, database) as other:
            await other.save(old, old.model_copy(update={"progress": 20}))
        with anyio.fail_after(60):
            assert await anext(heard) == old.id
        await heard.aclose()


async def test_what_changes_at_once_is_told_together(cluster, database, monkeypatch):
    async with opened(cluster, database) as repository:
        made = [(await repository.create(a_training(str(n))))[0] for n in range(40)]
        told, once = [], repository._once

        async def noted(statement, values):
            if "pg_notify" in statement:
                told.append([told_id for told_id in values[1] if told_id])
            return await once(statement, values)

        monkeypatch.setattr(repository, "_once", noted)
        async with anyio.create_task_group() as tasks:
            for record in made:
                new = record.model_copy(update={"progress": 20})
                tasks.start_soon(repository.save, record, new)
        await repository._notifying
    assert sorted(i for ids in told for i in ids) == sorted(record.id for record in made)
    assert len(told) < len(made)


def test_what_was_told_in_another_event_loop_keeps_nobody_from_closing(cluster, database):
    repository = PostgresRepository(cluster.dsn(database), clock=SystemClock())

    async def opened_and_closed(*names):
        await repository.open()
        for name in names:
            old, _ = await repository.create(a_training(name))
            await repository.save(old, old.model_copy(update={"progress": 20}))
        await repository.aclose()

    anyio.run(opened_and_closed, "told")
    assert repository._notifying is None
    anyio.run(opened_and_closed)


async def test_a_change_that_cannot_be_told_counts_all_the_same(cluster, database, monkeypatch):
    async with opened(cluster, database) as repository:
        old, _ = await repository.create(a_training())
        once = repository._once

        async def untold(statement, values):
            if "pg_notify" in statement:
                raise errors.StorageError("it is away")
            return await once(statement, values)

        monkeypatch.setattr(repository, "_once", untold)
        assert (await repository.save(old, old.model_copy(update={"progress": 20}))).progress == 20
        await repository._notifying
