"""The sweep for overdue records, in virtual time."""

from __future__ import annotations

import anyio
import pytest

from avatarkit.engines.overdue import OverdueSweep
from avatarkit.repositories.memory import MemoryRepository
from avatarkit.testing import FakeClock
from avatarkit.testing.repositories import a_training

pytestmark = pytest.mark.anyio

GRACE = 20.0


class Process:
    """One process: its sweep, and what that has found."""

    def __init__(self, repository, clock):
        self.found, self.clock = [], clock
        self.sweep = OverdueSweep(repository=repository, clock=clock, visit=self.visit, grace=GRACE)

    async def visit(self, record):
        self.found.append((record.id, self.clock.wall))


@pytest.fixture
async def clock():
    return FakeClock()


@pytest.fixture
async def repository(clock):
    made = MemoryRepository(clock=clock)
    await made.open()
    return made


@pytest.fixture
def processes(repository, clock):
    return [Process(repository, clock) for _ in range(2)]


async def sweeping(processes, clock, seconds):
    """Let every process sweep for so many virtual seconds."""
    async with anyio.create_task_group() as tasks:
        for process in processes:
            tasks.start_soon(process.sweep.run)
        await clock.sleep(seconds)
        tasks.cancel_scope.cancel()


async def test_an_overdue_record_is_found_by_one_process(repository, processes, clock):
    began = clock.wall
    await repository.create(a_training(next_at=began))
    await sweeping(processes, clock, GRACE * 1.5)
    ((_, at),) = [found for process in processes for found in process.found]
    assert began + GRACE <= at <= began + GRACE * 1.25


async def test_a_record_that_is_due_for_less_than_the_grace_is_left_alone(
    repository, processes, clock
):
    await repository.create(a_training(next_at=clock.wall))
    await sweeping(processes, clock, GRACE * 0.9)
    assert not any(process.found for process in processes)


async def test_a_record_is_found_again_where_its_second_visit_is_lost_too(
    repository, processes, clock
):
    await repository.create(a_training(next_at=clock.wall))
    await sweeping(processes[:1], clock, GRACE * 4)
    assert len(processes[0].found) == 4


async def test_a_record_that_is_not_overdue_is_not_kept_from_others(repository, processes, clock):
    await repository.create(a_training("late", next_at=clock.wall - GRACE))
    await repository.create(a_training("due", next_at=clock.wall))
    await processes[0].sweep.round()
    claims = await repository.claim("another", 10, 60.0)
    assert [claim.record.id for claim in claims] == [a_training("due").id]


async def test_a_long_visit_is_not_repeated_by_any_process(repository, processes, clock):
    record, _ = await repository.create(a_training(next_at=clock.wall))
    with processes[0].sweep.visiting(record.id):
        await sweeping(processes, clock, GRACE * 10)
    assert not any(process.found for process in processes)


async def test_a_record_is_free_once_its_long_visit_has_ended(repository, processes, clock):
    record, _ = await repository.create(a_training(next_at=clock.wall))
    with processes[0].sweep.visiting(record.id):
        await sweeping(processes, clock, GRACE * 2)
        due = record.model_copy(update={"next_at": clock.wall})
        await repository.save(record, due)
    await processes[0].sweep.round()
    assert [c.record.id for c in await repository.claim("another", 10, 60.0)] == [record.id]


async def test_the_visit_of_a_process_that_died_is_found_by_another(repository, processes, clock):
    record, _ = await repository.create(a_training(next_at=clock.wall))
    dead, alive = processes
    with dead.sweep.visiting(record.id):
        await sweeping([dead], clock, GRACE * 2)  # from here on it renews nothing
        await sweeping([alive], clock, GRACE * 3)
    assert {record_id for record_id, _ in alive.found} == {record.id}


async def test_a_database_that_is_away_for_a_while_comes_back(
    repository, processes, clock, monkeypatch
):
    real, left = repository.next_due, [3]

    async def away():
        if left[0]:
            left[0] -= 1
            raise OSError("away")
        return await real()

    monkeypatch.setattr(repository, "next_due", away)
    await repository.create(a_training(next_at=clock.wall))
    await sweeping(processes[:1], clock, GRACE * 2)
    assert processes[0].found
