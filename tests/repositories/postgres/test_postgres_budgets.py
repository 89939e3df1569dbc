"""Budgets on a real server: several processes, and transactions that would not see each other."""

from __future__ import annotations

import json

import pytest

from avatarkit.errors import ConfigError
from avatarkit.interfaces import Cap
from avatarkit.models import Operation
from avatarkit.records import OperationState
from avatarkit.testing import FakeClock
from avatarkit.testing.repositories import a_video
from pricing.racing import race

from .conftest import connected
from .test_postgres_repository import opened

psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed")
pytestmark = pytest.mark.anyio
NOW = "2026-01-01T00:00:00Z"


@pytest.mark.once
async def test_fifty_trainings_that_race_in_five_processes_never_overspend(
    tmp_path, cluster, fresh_database, supabase_template
):
    name = fresh_database(supabase_template("plain"))
    await race(tmp_path, cluster.dsn(name))


def test_who_looks_for_room_waits_for_who_has_found_some(
    cluster, fresh_database, supabase_template
):
    """As what that one takes is not to be seen yet."""
    name = fresh_database(supabase_template("plain"))
    with connected(cluster, name) as first, connected(cluster, name) as second:
        second.execute("set lock_timeout = '100ms'")
        with first.transaction():
            assert order(first, "1") == (True, None, None)
            with pytest.raises(psycopg.errors.LockNotAvailable):
                order(second, "2")
        assert order(second, "2") == (False, 0, 3)
        assert order(second, "1") == (False, None, None)


def order(db, number):
    """Create a training that takes 3 of a budget of 5."""
    row = {
        "id": number,
        "user_id": "ana",
        "clone_id": f"clone {number}",
        "status": "pending",
        "progress": 0,
        "created_at": NOW,
        "updated_at": NOW,
        "deleted": False,
        "version": 0,
        "stack": "fake",
        "doc": "{}",
    }
    held = {"record_id": number, "whose": "w", "at": NOW, "reserved": 3, "spent": 0}
    cap = {"amount": 5, "since": NOW, "until": "infinity", "whose": None}
    return db.execute(
        "select created, cap, held from avatarkit_create('training', %s, '[]', %s, %s)",
        (json.dumps(row), json.dumps(held), json.dumps([cap])),
    ).fetchone()


async def test_a_server_whose_transactions_see_only_the_past_is_refused(
    cluster, fresh_database, supabase_template
):
    name = fresh_database(supabase_template("plain"))
    with connected(cluster, name) as db:
        db.execute(f"alter database {name} set default_transaction_isolation = 'repeatable read'")
    video = OperationState(operation=Operation.VIDEO, provider="fake", call={"quoted": 1})
    cap = Cap(name="a cap", amount=5, since=0, until=2e9)
    async with opened(cluster.dsn(name), FakeClock(), virtual=True) as repository:
        with pytest.raises(ConfigError, match="budgets need transactions that are read committed"):
            await repository.create(a_video(operations=(video,)), cap)
