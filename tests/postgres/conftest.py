"""Real PostgreSQL for the tests beside this file, or a skip that says what is missing."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .cluster import Cluster, Missing

HERE = Path(__file__).parent
_numbers = itertools.count()


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
            db.execute(f'create database {name} template "{template}"')
        return name

    return make


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
