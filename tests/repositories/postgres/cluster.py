"""Temporary PostgreSQL server of an unprivileged user, on a free port."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

OLDEST = 15
#: Where packages put the server's programs, which are seldom on the path.
FOLDERS = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "opt/homebrew/opt/postgresql@*/bin",
    "usr/local/opt/postgresql@*/bin",
)


class Missing(Exception):
    """There is no PostgreSQL here that tests could start; says why."""


def binaries() -> Path:
    """The folder of the newest server, ``AVATARKIT_TEST_POSTGRES`` first; raises ``Missing``."""
    asked = os.environ.get("AVATARKIT_TEST_POSTGRES")
    on_path = shutil.which("postgres")
    places = [Path(asked)] if asked else [p for f in FOLDERS for p in Path("/").glob(f)]
    if on_path and not asked:
        places.append(Path(on_path).resolve().parent)
    found = {}
    for place in places:
        if (place / "initdb").exists() and (place / "postgres").exists():
            said = subprocess.run(
                [place / "postgres", "--version"],
                check=False,
                capture_output=True,
                text=True,
                timeout=20,
            ).stdout
            if number := re.search(r"(\d+)", said):
                found[int(number[1])] = place
    if not found or max(found) < OLDEST:
        raise Missing(f"no server of PostgreSQL {OLDEST} or newer is installed (postgresql-15)")
    return found[max(found)]


def _memory() -> Path | None:
    """Folder in memory with room for the many files of hundreds of databases; None without."""
    memory = Path("/dev/shm")
    room = shutil.disk_usage(memory).free if os.access(memory, os.W_OK) else 0
    return memory if room >= 4 << 30 else None


class Cluster:
    """A running server; ``stop`` leaves nothing behind.

    Only a ``durable`` one keeps what is committed if the machine dies: benchmarks measure that.
    """

    def __init__(self, *, durable: bool = False) -> None:
        self._durable = "on" if durable else "off"
        self._bin = binaries()
        self.unprivileged: list[str] = []  #: what a command begins with, to run as the server does
        self._stopped = False
        owner = None
        if os.geteuid() == 0:  # the server refuses to run as root
            owner = self._unprivileged()
        self.folder = Path(tempfile.mkdtemp(prefix="ak-pg-", dir=None if durable else _memory()))
        self.folder.chmod(0o755)
        self.data = self.folder / "data"
        self.data.mkdir(mode=0o700)
        if owner is not None:
            for path in (self.folder, self.data):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        try:
            self._run(
                "initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8",
                "--locale=C",
            )  # fmt: skip
            self.start()
        except BaseException:
            self.stop()
            raise

    def _unprivileged(self) -> pwd.struct_passwd:
        for name in ("postgres", "nobody"):
            try:
                owner = pwd.getpwnam(name)
            except KeyError:
                continue
            if shutil.which("setpriv"):
                self.unprivileged = [
                    "setpriv", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}",
                    "--clear-groups",
                ]  # fmt: skip
                return owner
        raise Missing("running as root, and there is neither setpriv nor a user to become")

    def _run(self, program: str, *arguments: object) -> None:
        done = subprocess.run(
            [*self.unprivileged, str(self._bin / program), *map(str, arguments)],
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            cwd=self.folder,
        )
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stdout[-2000:]}")

    def start(self) -> None:
        """Start, on a free port; again on the same one."""
        if not hasattr(self, "port"):
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self.port = free.getsockname()[1]
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "wal_level": "logical",
            "fsync": self._durable,
            "full_page_writes": self._durable,
            "max_wal_size": "4GB",
            "max_connections": 60,
            "shared_buffers": "64MB",
            "autovacuum": "off",
        }
        options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        log = self.folder / "data" / "log"
        self._run("pg_ctl", "-D", self.data, "-l", log, "-o", options, "-w", "-t", "50", "start")

    def crash(self) -> None:
        """Stop as a power cut would."""
        self._run("pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop")

    def stop(self) -> None:
        """Stop, and remove everything; a second time nothing happens."""
        if self._stopped:
            return
        self._stopped = True
        try:
            if (self.data / "postmaster.pid").exists():
                self.crash()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def dsn(self, database: str = "postgres", user: str = "postgres") -> str:
        """How to connect."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"
