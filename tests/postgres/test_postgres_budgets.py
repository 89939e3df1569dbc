"""Budgets on a real server: several processes, and transactions that would not see each other."""

from __future__ import annotations

import pytest

from avatarkit.errors import ConfigError
from avatarkit.interfaces import Cap
from avatarkit.models import Operation
from avatarkit.records import OperationState
from avatarkit.testing import FakeClock
from avatarkit.testing.repositories import a_video
from racing import race

from .conftest import connected
from .test_postgres_repository import opened

pytestmark = pytest.mark.anyio


async def test_fifty_trainings_that_race_in_five_processes_never_overspend(
    tmp_path, cluster, fresh_database, supabase_template
):
    name = fresh_database(supabase_template("plain"))
    await race(tmp_path, cluster.dsn(name), "ana", "ana-1")


async def test_a_server_whose_transactions_see_only_the_past_is_refused(
    cluster, fresh_database, supabase_template
):
    name = fresh_database(supabase_template("plain"))
    with connected(cluster, name) as db:
        db.execute(f"alter database {name} set default_transaction_isolation = 'repeatable read'")
    video = OperationState(operation=Operation.VIDEO, provider="fake", quoted=1)
    cap = Cap(name="a cap", amount=5, since=0, until=2e9)
    async with opened(cluster.dsn(name), FakeClock(), virtual=True) as repository:
        with pytest.raises(ConfigError, match="budgets need transactions that are read committed"):
            await repository.create(a_video(operations=(video,)), cap)
