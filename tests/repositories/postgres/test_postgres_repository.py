"""``PostgresRepository`` on a real server: the suite on both kinds of schema."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from avatarkit.repositories.postgres import PostgresRepository
from avatarkit.testing.repositories import ANA, BOB, EditableSuite

from .conftest import connected


@asynccontextmanager
async def opened(dsn, clock, **more):
    repository = PostgresRepository(dsn, clock=clock, **more)
    await repository.open()
    try:
        yield repository
    finally:
        await repository.aclose()


class PostgresSuite(EditableSuite):
    """On a copy of a database that has the tables."""

    template: tuple[str, ...]

    @pytest.fixture
    async def repository(self, clock, cluster, fresh_database, supabase_template):
        self.cluster, self.name = cluster, fresh_database(supabase_template(*self.template))
        self.prepare()
        async with opened(cluster.dsn(self.name), clock, virtual=True) as repository:
            yield repository

    def prepare(self):
        pass

    async def edit(self, record_id, doc):
        with connected(self.cluster, self.name) as db:
            db.execute("update avatar_training set doc = %s where id = %s", (doc, record_id))


class TestPlainPostgres(PostgresSuite):
    template = ("plain",)


class TestSupabaseByDriver(PostgresSuite):
    template = ("ready",)

    def prepare(self):
        with connected(self.cluster, self.name) as db:
            for user in (ANA, BOB):
                db.execute("insert into auth.users (id) values (%s)", (user,))
