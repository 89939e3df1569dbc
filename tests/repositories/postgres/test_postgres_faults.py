"""Faults of a real PostgreSQL server, and the errors for them."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from contextlib import asynccontextmanager, contextmanager

import anyio
import pytest

from avatarkit._log import cleaned
from avatarkit.clock import SystemClock
from avatarkit.errors import ConfigError, NotFound, NotOpen, StorageError
from avatarkit.records import Phase
from avatarkit.repositories import migrating, postgres
from avatarkit.repositories.postgres import PostgresRepository
from avatarkit.repositories.server_clock import ServerClock
from avatarkit.testing.clock import FakeClock
from avatarkit.testing.repositories import ANA, a_training, an_id

from .conftest import MIGRATION, connected, run_file

pytestmark = [pytest.mark.anyio, pytest.mark.once]


@pytest.fixture
def database(fresh_database, supabase_template):
    """The name of a database of its own, with the tables."""
    return fresh_database(supabase_template("plain"))


@pytest.fixture
def sql(cluster, database):
    """Runs a statement in that database as its owner."""

    def run(statement):
        with connected(cluster, database) as db:
            db.execute(statement)

    return run


@asynccontextmanager
async def opened(dsn, clock=None, **more):
    repository = PostgresRepository(dsn, clock=clock or FakeClock(), **more)
    await repository.open()
    try:
        yield repository
    finally:
        await repository.aclose()


async def refused(dsn, kind=ConfigError, **more):
    """Message of the error if it cannot be opened."""
    with pytest.raises(kind) as caught:
        async with opened(dsn, **more):
            pass
    return str(caught.value)


# -- opening --------------------------------------------------------------------------------------


async def test_an_address_that_is_none_is_shown_what_one_looks_like():
    said = await refused("postgresql://ana:hunter2@host:port/db?x")
    assert ("postgresql://host:5432/database" in cleaned(said), "hunter2" in said) == (True, False)


async def test_a_server_that_is_not_there_is_named_without_the_password():
    said = await refused("postgresql://ana:hunter2@127.0.0.1:1/twins", StorageError)
    assert ("'twins' at 127.0.0.1:1 cannot be reached" in said, "hunter2" in said) == (True, False)


async def test_a_database_that_is_not_there_is_to_be_created(cluster):
    assert "create the database" in await refused(cluster.dsn("nowhere"))


async def test_a_user_who_is_not_there_is_refused(cluster, database):
    assert "check user and password" in await refused(cluster.dsn(database, "stranger"))


async def test_a_wrong_password_is_said_to_be_wrong(cluster, database, sql):
    sql("create role locked login password 'right'")
    hba = cluster.data / "pg_hba.conf"
    before = hba.read_text()
    hba.write_text("host all locked 127.0.0.1/32 scram-sha-256\n" + before)
    sql("select pg_reload_conf()")
    try:
        dsn = cluster.dsn(database, "locked:wr0ng-one")
        said = await refused(dsn)
    finally:
        hba.write_text(before)
        sql("select pg_reload_conf()")
        sql("drop role locked")
    assert ("refuses this password" in said, "wr0ng-one" in said) == (True, False)


async def test_a_database_without_the_tables_is_to_be_migrated(cluster, fresh_database):
    assert "avatarkit db migrate" in await refused(cluster.dsn(fresh_database()))


@pytest.mark.parametrize(("version", "what"), [(0, "db migrate"), (2, "upgrade avatarkit-sdk")])
async def test_another_version_of_the_schema_is_said_with_the_remedy(
    cluster, database, sql, version, what
):
    sql(
        "create or replace function avatarkit_schema_version() returns integer "
        f"language sql as 'select {version}'"
    )
    assert what in await refused(cluster.dsn(database))


async def test_a_role_that_may_only_read_is_refused_at_once(cluster, database, sql):
    sql("create role reader login")
    try:
        sql("grant select on all tables in schema public to reader")
        said = await refused(cluster.dsn(database, "reader"))
    finally:
        sql("drop owned by reader; drop role reader")
    assert "does not let this role" in said


async def test_a_read_only_server_is_refused_at_once(cluster, database, sql):
    sql(f"alter database {database} set default_transaction_read_only = on")
    assert "connect to the primary" in await refused(cluster.dsn(database))


async def test_without_open_it_says_so(cluster, database):
    with pytest.raises(NotOpen, match=r"await open\(\)"):
        await PostgresRepository(cluster.dsn(database), clock=FakeClock()).get("x")


# -- working --------------------------------------------------------------------------------------


@contextmanager
def locked(cluster, database):
    """Lock the table of trainings against all others."""
    with connected(cluster, database) as db, db.transaction():
        db.execute("lock table avatar_training in access exclusive mode")
        yield


async def test_a_statement_that_takes_too_long_is_given_up_and_said_to_be(cluster, database):
    dsn = cluster.dsn(database) + "?options=-cstatement_timeout%3D50"
    async with opened(dsn) as repository:
        with locked(cluster, database), pytest.raises(StorageError, match="statement_timeout"):
            await repository.get("x")


async def test_a_pool_that_is_too_small_is_said_to_be(cluster, database, monkeypatch):
    monkeypatch.setattr(postgres, "_POOL_TIMEOUT", 0.05)
    async with (
        opened(cluster.dsn(database), pool_size=1) as repository,
        repository._pool.connection(timeout=60),
    ):
        with pytest.raises(StorageError, match="larger pool_size"):
            await repository.get("x")


async def test_an_overloaded_server_is_not_said_to_be_away(cluster, database, monkeypatch):
    """It takes no new connection in time either."""
    psycopg = pytest.importorskip("psycopg")
    monkeypatch.setattr(postgres, "_POOL_TIMEOUT", 0.05)

    async def slow(*arguments, **named):
        raise psycopg.errors.ConnectionTimeout("connection timeout expired")

    async with (
        opened(cluster.dsn(database), pool_size=1) as repository,
        repository._pool.connection(),
    ):
        monkeypatch.setattr(psycopg.AsyncConnection, "connect", slow)
        with pytest.raises(StorageError, match=r"all 1 connections .* were in use"):
            await repository.get("x")
        with pytest.raises(StorageError, match="took no connection within 5 s: it is overloaded"):
            await repository._connected()


async def test_a_newer_version_that_migrates_meanwhile_is_told_before_anything_is_paid(
    cluster, database, sql
):
    async with opened(cluster.dsn(database)) as repository:
        await repository.create(a_training())
        (claim,) = await repository.claim("w", 1, 30.0)
        sql(
            "create or replace function avatarkit_schema_version() returns integer "
            "language sql as 'select 2'"
        )
        await refuse_payments(repository, claim.record)


@pytest.mark.parametrize("how", ["the database", "its tables"])
async def test_a_backup_that_is_restored_meanwhile_is_told_before_anything_is_paid(
    how, cluster, database, sql, fresh_database
):
    backup = fresh_database(database)
    async with opened(cluster.dsn(database)) as repository:
        await repository.create(a_training())
        (claim,) = await repository.claim("w", 1, 30.0)
        if how == "the database":
            with connected(cluster, "postgres") as db:
                db.execute(f"drop database {database} with (force)")
                db.execute(f"create database {database} template {backup}")
                # A copy has the object ids of its template, unlike what pg_restore makes.
        sql("drop table avatar_training cascade")
        with connected(cluster, database) as db:
            run_file(db, MIGRATION)
        await refuse_payments(repository, claim.record, StorageError, "db restored")
    async with opened(cluster.dsn(database)) as repository:
        await repository.create(a_training("other"))


async def refuse_payments(repository, record, kind=ConfigError, says="upgrade avatarkit-sdk"):
    """Neither order, claim nor intent; anything else may still be stored."""
    first, *others = record.operations
    intent = first.revised(call={"phase": Phase.INTENT, "attempt": 1})
    intended = record.model_copy(update={"operations": (intent, *others)})
    for call in (
        repository.create(a_training("other")),
        repository.claim("w", 1, 30.0),
        repository.save(record, intended),
    ):
        with pytest.raises(kind, match=says):
            await call
    stored = await repository.get(record.id)
    assert stored is None or stored.operations == record.operations


async def test_a_server_that_stays_away_is_a_storage_error(cluster, database):
    async with opened(cluster.dsn(database)) as repository:
        cluster.crash()
        try:
            with pytest.raises(StorageError, match="cannot be reached"):
                await repository.get("x")
        finally:
            cluster.start()


async def test_a_server_that_comes_back_is_asked_again(cluster, database):
    async with opened(cluster.dsn(database), SystemClock()) as repository:
        old, _ = await repository.create(a_training())
        cluster.crash()
        back = threading.Timer(0.5, cluster.start)
        back.start()
        try:
            saved = await repository.save(old, old.model_copy(update={"progress": 10}))
        finally:
            await anyio.to_thread.run_sync(back.join)
        assert (saved.progress, await repository.get(old.id)) == (10, saved)


class LosesAnAnswer(PostgresRepository):
    """The next statement is carried out, and its answer lost on the way."""

    lose = False

    async def _once(self, statement, values):
        found = await super()._once(statement, values)
        if self.lose:
            self.lose = False
            raise postgres._Away(StorageError("the cable was pulled"))
        return found


@pytest.fixture
async def losing(cluster, database):
    repository = LosesAnAnswer(cluster.dsn(database), clock=FakeClock(), virtual=True)
    await repository.open()
    yield repository
    await repository.aclose()


async def test_a_change_whose_answer_was_lost_is_known_as_ones_own(losing):
    old, _ = await losing.create(a_training())
    losing.lose = True
    saved = await losing.save(old, old.model_copy(update={"progress": 10}))
    assert saved == await losing.get(old.id)


async def test_a_race_whose_answer_was_lost_stays_lost(losing):
    old, _ = await losing.create(a_training())
    winner = await losing.save(old, old.model_copy(update={"progress": 10}))
    losing.lose = True
    loser = await losing.save(old, old.model_copy(update={"progress": 20}))
    assert (loser, await losing.get(old.id)) == (None, winner)


async def test_supabase_takes_only_uuids_and_says_so(cluster, fresh_database, supabase_template):
    name = fresh_database(supabase_template("ready"))
    async with opened(cluster.dsn(name)) as repository:
        with pytest.raises(ConfigError, match="only UUIDs"):
            await repository.create(a_training(user_id="ana"))


async def test_supabase_takes_only_users_it_knows(cluster, fresh_database, supabase_template):
    name = fresh_database(supabase_template("ready"))
    async with opened(cluster.dsn(name)) as repository:
        with pytest.raises(ConfigError, match=r"auth\.users"):
            await repository.create(a_training())


async def test_plain_postgres_takes_any_text_as_an_id(cluster, database):
    async with opened(cluster.dsn(database)) as repository:
        record = a_training().model_copy(update={"id": "t-1", "user_id": "ana", "clone_id": "x y"})
        await repository.create(record)
        assert await repository.get("t-1") == record


async def test_another_users_clone_is_not_found_and_its_owner_not_named(cluster, database):
    async with opened(cluster.dsn(database)) as repository:
        await repository.create(a_training())
        with pytest.raises(NotFound) as caught:
            await repository.create(a_training("other", user_id=an_id("eve")))
        assert ANA not in str(caught.value)


async def test_no_statement_is_prepared_so_that_poolers_will_do(cluster, database):
    async with opened(cluster.dsn(database), pool_size=1) as repository:
        for _ in range(20):
            await repository.next_due()
        assert await repository._rows("select count(*) from pg_prepared_statements") == [(0,)]


# -- the server's time ----------------------------------------------------------------------------


async def test_the_servers_time_counts_not_this_machines():
    clock, asked = FakeClock(), []

    async def ask():
        asked.append(clock.wall)
        return clock.wall + 3600.0

    time = ServerClock(clock, ask)
    first = await time.now()
    clock.advance(5.0)
    assert ((await time.now()).wall, len(asked)) == (first.wall + 5.0, 1)
    assert first.wall == pytest.approx(clock.wall - 5.0 + 3600.0)


async def test_the_servers_time_is_asked_for_again_in_a_while_and_after_a_reboot():
    clock, ahead = FakeClock(), [3600.0]

    async def ask():
        return clock.wall + ahead[0]

    time = ServerClock(clock, ask)
    await time.now()
    ahead[0] = 7200.0
    clock.advance(11.0)
    later = (await time.now()).wall - clock.wall
    ahead[0] = 9000.0
    clock.reboot()
    assert (later, (await time.now()).wall - clock.wall) == (7200.0, 9000.0)


@pytest.mark.parametrize(("step", "goes_back"), [(-0.2, False), (-100.0, True)])
async def test_only_a_clock_that_was_set_turns_time_back(step, goes_back):
    clock, ahead = FakeClock(), [0.5]

    async def ask():
        return clock.wall + ahead[0]

    time = ServerClock(clock, ask)
    first = await time.now()
    ahead[0] += step
    clock.reboot()  # so that it asks again
    assert ((await time.now()).wall < first.wall) is goes_back


# -- making the tables ----------------------------------------------------------------------------


def test_the_tables_are_made_and_a_second_time_changes_nothing(cluster, fresh_database):
    dsn = cluster.dsn(fresh_database())
    assert [migrating.apply(dsn), migrating.apply(dsn)] == [1, 1]


def test_eight_processes_make_the_tables_at_once(cluster, fresh_database):
    dsn = cluster.dsn(fresh_database())
    command = [sys.executable, "-m", "avatarkit", "db", "migrate", "--dsn", dsn]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(8)]
    said = {(p.communicate()[0], p.returncode) for p in processes}
    assert said == {(b"the tables are there (schema 1)\n", 0)}


async def test_a_clone_that_the_application_must_make_is_to_be_made_first(cluster, fresh_database):
    name = fresh_database()
    with connected(cluster, name) as db:
        db.execute(
            "create table user_clones (id text primary key, user_id text, name text not null)"
        )
    migrating.apply(cluster.dsn(name))
    async with opened(cluster.dsn(name)) as repository:
        with pytest.raises(ConfigError, match=r'"name".* first'):
            await repository.create(a_training())


def test_the_command_tells_of_a_bucket_that_is_public_and_how_to_close_it(
    cluster, fresh_database, supabase_template
):
    name = fresh_database(supabase_template("bare"))
    command = [sys.executable, "-m", "avatarkit", "db", "migrate", "--dsn", cluster.dsn(name)]

    def told() -> str:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return done.stderr

    with connected(cluster, name) as db:
        db.execute(
            "insert into storage.buckets (id, name, public) values "
            "('voice-samples', 'voice-samples', true)"
        )
        said = told()
        assert "the bucket voice-samples is public" in said
        assert "video-samples" not in said
        public = "select id from storage.buckets where public"
        assert db.execute(public).fetchall() == [("voice-samples",)]  # it is the application's
        db.execute(re.search(r"update storage\.buckets .*;", said)[0])
    assert "public" not in told()


def test_a_role_that_may_make_no_tables_is_told_who_may(cluster, fresh_database):
    name = fresh_database()
    with connected(cluster, name) as db:
        db.execute("create role guest login")
        try:
            with pytest.raises(ConfigError, match="database's owner"):
                migrating.apply(cluster.dsn(name, "guest"))
        finally:
            db.execute("drop role guest")


def test_a_newer_schema_is_left_alone(cluster, database, sql):
    sql(
        "create or replace function avatarkit_schema_version() returns integer "
        "language sql as 'select 2'"
    )
    with pytest.raises(ConfigError, match="Update avatarkit-sdk"):
        migrating.apply(cluster.dsn(database))
