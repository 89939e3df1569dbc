"""A watched record that no worker takes: one warning after a minute."""

import logging

import anyio
import pytest

from avatarkit import AvatarKit
from avatarkit.config.settings import Settings
from avatarkit.interfaces import Backlog
from avatarkit.models import Operation
from avatarkit.providers.fake import Fake, FakeVendor
from avatarkit.testing import FakeClock

pytestmark = pytest.mark.anyio


@pytest.fixture
async def house(tmp_path, avatarkit_offline):
    clock = FakeClock()
    vendor = FakeVendor(clock=clock, durations=dict.fromkeys(Operation, 7200.0))

    def kit(**more):
        return AvatarKit(
            "fake",
            repository="memory://",
            media=tmp_path / "media",
            providers={"fake": Fake(vendor=vendor)},
            settings=Settings(),
            clock=clock,
            **more,
        )

    return clock, kit


async def watched(kit, clock, samples, seconds, caplog):
    """Watch a new training for some virtual seconds; return the warnings."""
    training = await kit.train(user_id="ana", clone_id="main", **samples)

    async def watch():
        _ = [update async for update in kit.watch(training.id)]

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch)
        await clock.sleep(seconds)
        tasks.cancel_scope.cancel()
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno == logging.WARNING and "not_driven" in record.getMessage()
    ]


async def test_without_a_worker_a_watcher_warns_once_after_a_minute(
    house, avatarkit_samples, caplog
):
    clock, new_kit = house
    async with new_kit(worker=False) as kit:
        assert await watched(kit, clock, avatarkit_samples, 55, caplog) == []
    async with new_kit(worker=False) as kit:
        (warning,) = await watched(kit, clock, avatarkit_samples, 600, caplog)
    assert "avatarkit worker" in warning


async def test_with_a_worker_it_does_not_warn_however_long_a_job_takes(
    house, avatarkit_samples, caplog
):
    clock, new_kit = house
    async with new_kit() as kit:
        assert await watched(kit, clock, avatarkit_samples, 3600, caplog) == []


async def test_it_does_not_warn_of_a_long_visit(house, avatarkit_samples, caplog):
    """The record is overdue because a worker holds it, as in a call of two minutes."""
    clock, new_kit = house
    async with new_kit(worker=False) as kit:

        async def held():
            return [Backlog("fake", waiting=1, due=0, held=1, oldest=None)]

        kit._repository.backlog = held
        assert await watched(kit, clock, avatarkit_samples, 300, caplog) == []
