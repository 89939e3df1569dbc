"""Erasure on a real server, killed on the way: no row knows the person afterwards."""

from __future__ import annotations

import uuid

import pytest

from avatarkit.repositories.paging import every_record
from avatarkit.repositories.postgres import PostgresRepository
from avatarkit.repositories.supabase import SupabaseRepository
from avatarkit.testing.clock import FakeClock
from erased import DAY, KEY, SCRIPT, SUBJECT, House, Killed

from .conftest import connected
from .postgrest import URL

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


def new_id(name):
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


def everything(db):
    """All rows of all tables of ours, as text."""
    tables = db.execute(
        "select tablename from pg_tables where schemaname = 'public' order by 1"
    ).fetchall()
    rows = [db.execute(f"select t::text from public.{table} t").fetchall() for (table,) in tables]
    return "\n".join(text for found in rows for (text,) in found)


async def erased(house, db, kill_at):
    await house.watched().filled()
    words = (house.user, SUBJECT, SCRIPT, KEY, "anabel")
    held = everything(db)
    assert all(word in held for word in words)
    others = len(house.at_vendor(await records(house, house.other)))
    mine = await records(house, house.user)
    house.killer.next(kill_at)
    with pytest.raises(Killed):
        async with house.kit() as kit:
            await kit.erase(house.user)
    house.killer.next(None)
    await house.rested(erase=True)
    held = everything(db)
    assert not [word for word in words if word in held]
    assert "Bob" in held
    assert house.at_vendor(mine) == []
    assert len(house.at_vendor(await records(house, house.other))) == others == 3
    async with house.kit() as kit:
        assert await kit.consents(user_id=house.other)
        assert (await kit.erase(house.user)).deleted == ()


async def records(house, user):
    async with house.kit() as kit:
        return [record.id async for record in every_record(kit._repository, user)]


@pytest.mark.parametrize("kill_at", [(2, "after"), (9, "before"), (14, "after"), (20, "before")])
async def test_killed_and_begun_again(
    tmp_path, cluster, fresh_database, supabase_template, kill_at
):
    name, clock = fresh_database(supabase_template("plain")), FakeClock()
    repository = PostgresRepository(cluster.dsn(name), clock=clock, virtual=True)
    with connected(cluster, name) as db:
        await erased(House(tmp_path, clock, repository, new_id), db, kill_at)


async def test_on_supabase_the_service_role_may_do_it(
    tmp_path, cluster, fresh_database, supabase_template, start_postgrest
):
    name, clock = fresh_database(supabase_template("ready")), FakeClock()
    async with start_postgrest(name).client() as client:
        repository = SupabaseRepository(
            URL, "sb_secret_of_tests", clock=clock, virtual=True, client=client
        )
        house = House(tmp_path, clock, repository, new_id)
        with connected(cluster, name) as db:
            for user in (house.user, house.other):
                db.execute("insert into auth.users (id) values (%s)", (user,))
            await erased(house, db, (9, "before"))
            tombstones = "select count(*) from avatar_training where user_id is null"
            assert db.execute(tombstones).fetchone() == (3,)


async def test_a_person_is_the_same_in_capitals(
    tmp_path, cluster, fresh_database, supabase_template, start_postgrest
):
    name, clock = fresh_database(supabase_template("ready")), FakeClock()
    async with start_postgrest(name).client() as client:
        repository = SupabaseRepository(
            URL, "sb_secret_of_tests", clock=clock, virtual=True, client=client
        )
        house = House(tmp_path, clock, repository, new_id)
        with connected(cluster, name) as db:
            db.execute("insert into auth.users (id) values (%s)", (house.user,))
            async with house.kit() as kit:
                await house.trained(kit, house.user.upper(), "anabel-1")
                await kit.erase(house.user)
                await house.settled(kit, seconds=DAY)
            whose = "select distinct whose from avatar_reservations"
            assert [row for row in db.execute(whose).fetchall() if row[0]] == []
    assert [path for path in house.media.root.rglob("*") if path.is_file()] == []


async def test_an_applications_own_clones_stay(
    tmp_path, cluster, fresh_database, supabase_template
):
    """Its table was there before; other rows of its own may hang on them."""
    name, clock = fresh_database(supabase_template("plain")), FakeClock()
    repository = PostgresRepository(cluster.dsn(name), clock=clock, virtual=True)
    house = House(tmp_path, clock, repository, new_id)
    with connected(cluster, name) as db:
        db.execute("comment on table user_clones is 'the application made it'")
        async with house.kit() as kit:
            await house.trained(kit, house.user, "anabel-1")
            await kit.erase(house.user)
            await house.settled(kit, seconds=DAY)
        assert db.execute("select count(*) from user_clones").fetchone() == (1,)
        assert db.execute("select clone_id from avatar_training").fetchone() == (None,)
