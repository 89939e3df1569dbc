"""The naive twin of a training: call, then save; after a crash, call again what has no id.

It shows that the harness sees double payments. It needs nothing of avatarkit.
"""

from __future__ import annotations

import http.client
import json
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urlsplit

#: What is paid for, in order, and where the vendor sells it.
OPERATIONS = {"voice": "voices", "avatar": "avatars"}
_TRIES = 20


class NaiveStore:
    """One row per training: the ids that the vendor gave, as far as they were saved.

    ``place`` is a file, or the address of a PostgreSQL server.
    """

    def __init__(self, place: str) -> None:
        self.place = place

    def open(self) -> None:
        """Make the table."""
        self._run(
            "CREATE TABLE IF NOT EXISTS naive_trainings "
            "(number INTEGER PRIMARY KEY, voice TEXT, avatar TEXT, status TEXT)"
        )

    def rows(self) -> dict[int, dict[str, str | None]]:
        """All trainings by number."""
        rows = self._run("SELECT number, voice, avatar, status FROM naive_trainings")
        return {row["number"]: row for row in rows}

    def row(self, number: int) -> dict[str, str | None] | None:
        """One training."""
        rows = self._run(
            "SELECT number, voice, avatar, status FROM naive_trainings WHERE number = ?", number
        )
        return rows[0] if rows else None

    def create(self, number: int) -> None:
        """Insert a training if it is new."""
        self._run(
            "INSERT INTO naive_trainings VALUES (?, NULL, NULL, 'calling voice') "
            "ON CONFLICT DO NOTHING",
            number,
        )

    def save(self, number: int, column: str, value: str) -> None:
        """Set one column."""
        self._run(f"UPDATE naive_trainings SET {column} = ? WHERE number = ?", value, number)

    def _run(self, statement: str, *values: object) -> list[dict[str, str | None]]:
        with self._connected() as database:
            if not isinstance(database, sqlite3.Connection):
                statement = statement.replace("?", "%s")
            found = database.execute(statement, values)
            names = [column[0] for column in found.description or ()]
            return [dict(zip(names, row, strict=True)) for row in found] if names else []

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        """A connection that commits with the block."""
        if self.place.startswith("postgresql://"):
            import psycopg

            with psycopg.connect(self.place, connect_timeout=5) as database:
                yield database
            return
        with closing(sqlite3.connect(self.place, timeout=30)) as database, database:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA synchronous=FULL")
            yield database


class RestStore(NaiveStore):
    """The same rows behind PostgREST, as an application keeps them in Supabase."""

    def __init__(self, place: str, key: str) -> None:
        super().__init__(place)
        self._key = key

    def open(self) -> None:
        """Nothing: whoever starts the database makes the table."""

    def rows(self) -> dict[int, dict[str, str | None]]:
        """All trainings by number; an answer holds a part of them."""
        found: dict[int, dict[str, str | None]] = {}
        while True:
            part = self._ask("GET", f"?order=number&offset={len(found)}")
            if not part:
                return found
            found |= {row["number"]: row for row in part}

    def row(self, number: int) -> dict[str, str | None] | None:
        """One training."""
        rows = self._ask("GET", f"?number=eq.{number}")
        return rows[0] if rows else None

    def create(self, number: int) -> None:
        """Insert a training if it is new."""
        self._ask("POST", "", {"number": number, "status": "calling voice"})

    def save(self, number: int, column: str, value: str) -> None:
        """Set one column."""
        self._ask("PATCH", f"?number=eq.{number}", {column: value})

    def _ask(self, method: str, query: str, body: object = None) -> list[dict]:
        headers = {
            "authorization": f"Bearer {self._key}",
            "content-type": "application/json",
            "prefer": "resolution=ignore-duplicates",
        }
        with closing(http.client.HTTPConnection(urlsplit(self.place).netloc, timeout=10)) as wire:
            sent = None if body is None else json.dumps(body)
            wire.request(method, f"/naive_trainings{query}", sent, headers)
            answer = wire.getresponse()
            said = answer.read()
        if answer.status >= 400:
            message = f"{method} {query}: {answer.status} {said[:200]!r}"
            raise RuntimeError(message)
        return json.loads(said) if said else []


def store_of(environment: Mapping[str, str]) -> NaiveStore:
    """The store that an environment names."""
    place = environment["PROOF_NAIVE"]
    return (
        RestStore(place, environment["PROOF_KEY"])
        if place.startswith("http")
        else NaiveStore(place)
    )


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
