"""Real PostgreSQL for the tests beside this file, or a skip that says what is missing."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

import pytest

import avatarkit.repositories

from .cluster import Cluster, Missing
from .postgrest import PostgREST

HERE = Path(__file__).parent
_FOLDER = Path(avatarkit.repositories.__file__).parent / "migrations"
MIGRATION = _FOLDER / "20261124120000_avatarkit.sql"
UPGRADE = _FOLDER / "20261124115900_avatarkit_from_heygen_tables.sql"
#: What a Supabase project grants by itself: nothing, as today, or everything, as before.
GRANTS = ("nothing granted", "everything granted")
_numbers = itertools.count()


def pytest_collection_modifyitems(items):
    """Leave to `nox -s thorough` the tests that a class does not name as enough for CI."""
    for item in items:
        briefly = getattr(getattr(item, "cls", None), "briefly", None)
        if briefly is not None and item.originalname not in briefly:
            item.add_marker("thorough")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """One server for all tests of a process."""
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    try:
        cluster = Cluster()
    except Missing as missing:
        pytest.skip(str(missing))
    try:
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture(scope="session")
def fresh_database(cluster: Cluster) -> Callable[..., str]:
    """Makes a database, of a template where one is named; returns its name."""
    import psycopg

    def make(template: str = "template0") -> str:
        name = f"ak_{next(_numbers)}"
        with psycopg.connect(cluster.dsn(), autocommit=True) as db:
            db.execute(f'create database {name} template "{template}" strategy file_copy')
        return name

    return make


@pytest.fixture(scope="session")
def supabase_template(cluster: Cluster, fresh_database) -> Callable[..., str]:
    """The name of a database to copy: a Supabase "bare", or "ready" with our tables; or "plain"."""

    @cache
    def make(state: str, grants: str = GRANTS[0]) -> str:
        if state == "plain":
            name = fresh_database()
            files = [MIGRATION]
        elif state == "ready":
            name = fresh_database(make("bare", grants))
            files = [MIGRATION]
        else:
            name = fresh_database()
            files = [HERE / "shim.sql"]
            if grants == GRANTS[1]:
                files.append(HERE / "open_grants.sql")
        with connected(cluster, name) as db:
            run_file(db, *files)
        return name

    return make


@pytest.fixture(scope="session")
def start_postgrest(cluster: Cluster) -> Iterator[Callable[[str], PostgREST]]:
    """Starts a PostgREST before a database."""
    with ExitStack() as exits:

        def start(database: str) -> PostgREST:
            try:
                server = PostgREST(cluster, database)
            except Missing as missing:
                pytest.skip(str(missing))
            exits.callback(server.stop)
            return server

        yield start


@contextmanager
def connected(cluster: Cluster, database: str, user: str = "postgres"):
    """A connection whose every statement counts at once."""
    import psycopg

    with psycopg.connect(cluster.dsn(database, user), autocommit=True) as db:
        yield db


def run_file(db, *paths: Path) -> None:
    """Run each file in one transaction, as the commands for users do."""
    for path in paths:
        with db.transaction():
            db.execute(path.read_text(encoding="utf-8"))
