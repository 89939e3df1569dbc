"""The naive twin of a training: call, then save; after a crash, call again what has no id.

It shows that the harness sees double payments. It needs nothing of avatarkit.
"""

from __future__ import annotations

import http.client
import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

#: What is paid for, in order, and where the vendor sells it.
OPERATIONS = {"voice": "voices", "avatar": "avatars"}
_TRIES = 20


class NaiveStore:
    """One row per training: the ids that the vendor gave, as far as they were saved."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def open(self) -> None:
        """Make the table."""
        with closing(sqlite3.connect(self.path)) as database:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute(
                "CREATE TABLE IF NOT EXISTS trainings "
                "(number INTEGER PRIMARY KEY, voice TEXT, avatar TEXT, status TEXT)"
            )

    def rows(self) -> dict[int, dict[str, str | None]]:
        """All trainings by number."""
        with closing(sqlite3.connect(self.path)) as database:
            database.row_factory = sqlite3.Row
            return {r["number"]: dict(r) for r in database.execute("SELECT * FROM trainings")}

    def row(self, number: int) -> dict[str, str | None] | None:
        """One training."""
        return self.rows().get(number)

    def create(self, number: int) -> None:
        """Insert a training if it is new."""
        self._write(
            "INSERT OR IGNORE INTO trainings VALUES (?, NULL, NULL, 'calling voice')", number
        )

    def save(self, number: int, column: str, value: str) -> None:
        """Set one column."""
        self._write(f"UPDATE trainings SET {column} = ? WHERE number = ?", value, number)

    def _write(self, statement: str, *values: object) -> None:
        with closing(sqlite3.connect(self.path, timeout=30)) as database, database:
            database.execute("PRAGMA synchronous=FULL")
            database.execute(statement, values)


def train(store: NaiveStore, base_url: str, number: int) -> None:
    """Do what has no id yet, in order, as most first versions do."""
    store.create(number)
    row = store.row(number) or {}
    for operation, kind in OPERATIONS.items():
        job_id = row[operation]
        if job_id is None:
            store.save(number, "status", f"calling {operation}")
            job_id = _call(base_url, "POST", f"/{kind}", {"name": f"naive-{number}-{operation}"})[
                "id"
            ]
            store.save(number, operation, job_id)
        store.save(number, "status", f"waiting for {operation}")
        for _ in range(200):
            if _call(base_url, "GET", f"/{kind}/{job_id}")["status"] == "ready":
                break
            time.sleep(0.05)
    store.save(number, "status", "completed")


def _call(base_url: str, method: str, path: str, body: object = None) -> dict:
    """Call the vendor, again and again while no answer comes."""
    for _ in range(_TRIES):
        try:
            with closing(http.client.HTTPConnection(urlsplit(base_url).netloc, timeout=5)) as wire:
                wire.request(method, path, json.dumps(body), {"x-acme-key": "acme-key"})
                return json.loads(wire.getresponse().read())
        except (OSError, http.client.HTTPException):
            continue
    message = f"{method} {path}: no answer"
    raise RuntimeError(message)
