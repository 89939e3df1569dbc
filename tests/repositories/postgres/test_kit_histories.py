"""Any order of calls of the public API, on PostgreSQL and on Supabase through PostgREST."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest
from hypothesis import example, given, settings

from avatarkit.repositories.supabase import SupabaseRepository
from kit_histories import EACH_KIND, USERS, histories, play

from .conftest import connected
from .test_postgres_repository import opened
from .test_supabase_repository import TABLES, URL, project  # noqa: F401

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def postgres(cluster, fresh_database, supabase_template):
    name = fresh_database(supabase_template("plain"))
    ours = TABLES.removeprefix("auth.users, ")

    @asynccontextmanager
    async def place(clock, folder):
        with connected(cluster, name) as db:
            db.execute(f"truncate {ours}")
        async with opened(cluster.dsn(name), clock, virtual=True) as repository:
            yield repository

    return place


@pytest.fixture(scope="module")
def supabase(cluster, project):  # noqa: F811
    @asynccontextmanager
    async def place(clock, folder):
        server, database = project()
        with connected(cluster, database) as db:
            for user in USERS:
                db.execute(
                    "insert into auth.users (id) values (%s) on conflict do nothing", (user,)
                )
        async with server.client() as client:
            made = SupabaseRepository(
                URL, "sb_secret_of_tests", clock=clock, virtual=True, client=client
            )
            await made.open()
            yield made

    return place


@example(steps=EACH_KIND)
@given(steps=histories)
@settings(max_examples=settings.default.max_examples // 15)
def test_in_no_order_of_calls_is_anything_lost_or_paid_twice_on_postgres(postgres, steps):
    play(postgres, steps)


@example(steps=EACH_KIND)
@given(steps=histories)
@settings(max_examples=settings.default.max_examples // 15)
def test_in_no_order_of_calls_is_anything_lost_or_paid_twice_on_supabase(supabase, steps):
    play(supabase, steps)
