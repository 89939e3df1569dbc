"""What wakes watchers, in virtual time: changes of this process, and what a repository hears."""

from __future__ import annotations

from contextlib import asynccontextmanager

import anyio
import pytest

from avatarkit import AvatarKit, errors
from avatarkit.config.settings import Settings
from avatarkit.lifecycle.watching import Changes
from avatarkit.records import Status
from avatarkit.repositories.memory import MemoryRepository
from avatarkit.testing.clock import FakeClock
from avatarkit.testing.repositories import a_training

pytestmark = pytest.mark.anyio

POLL, FLOOR = 1.0, 10.0


class Announced(MemoryRepository):
    """Records that other processes change too, and the wake-ups that come of it."""

    def __init__(self, clock):
        super().__init__(clock=clock)
        self.clock = clock
        self.asked, self.reads, self.closed = [], 0, 0
        self.deaf, self.slow = False, 0.0
        self.line, self.lines = None, None

    async def get(self, record_id):
        self.reads += 1
        return await super().get(record_id)

    async def changes(self):
        self.asked.append(self.clock.wall)
        if self.deaf:
            raise errors.StorageError("it is away")
        await self.clock.sleep(self.slow)
        self.line, lines = anyio.create_memory_object_stream(100)
        try:
            yield None
            async for told in lines:
                yield told
            raise errors.StorageError("the line is cut")
        finally:
            self.line.close()
            lines.close()
            self.closed += 1

    def cut(self):
        self.line.close()

    async def elsewhere(self, record_id, *, told=True, **update):
        """Change it as another process does."""
        record = await super().get(record_id)
        await self.save(record, record.model_copy(update=update))
        if told:
            self.line.send_nowait(record_id)


class House:
    """A kit that watches one training, and what it has seen, when."""

    def __init__(self):
        self.clock = FakeClock()
        self.repository = Announced(self.clock)
        self.seen = []

    @asynccontextmanager
    async def watched(self):
        self.training, _ = await self.repository.create(a_training())
        async with (
            AvatarKit(
                "fake",
                repository=self.repository,
                worker=False,
                settings=Settings(),
                clock=self.clock,
            ) as self.kit,
            anyio.create_task_group() as tasks,
        ):
            tasks.start_soon(self.watch)
            await self.clock.sleep(0.1)
            self.begun = self.clock.wall
            yield
            tasks.cancel_scope.cancel()

    async def watch(self):
        async for record in self.kit.watch(self.training.id):
            self.seen.append((record.progress, self.clock.wall))

    async def change(self, progress, **more):
        await self.repository.elsewhere(self.training.id, progress=progress, **more)
        return self.clock.wall

    def when(self, progress):
        return next((at for seen, at in self.seen if seen == progress), None)


@pytest.fixture
def _seldom_looking():
    """Look as often as applications do."""


@pytest.fixture
def house():
    return House()


async def test_a_change_that_is_announced_is_seen_at_once(house):
    async with house.watched():
        at = await house.change(20)
        await house.clock.sleep(0.1)
    assert house.when(20) == at


async def test_while_it_hears_a_watcher_looks_seldom(house):
    async with house.watched():
        before = house.repository.reads
        await house.clock.sleep(10 * FLOOR)
    assert house.repository.reads - before == pytest.approx(10, abs=1)


async def test_a_change_that_nobody_announced_is_seen_by_the_slow_poll(house):
    async with house.watched():
        at = await house.change(20, told=False)
        await house.clock.sleep(FLOOR)
    assert 0 < house.when(20) - at <= FLOOR


async def test_what_changed_while_the_line_was_cut_is_seen_without_an_announcement(house):
    async with house.watched():
        house.repository.deaf = True
        house.repository.cut()
        await house.clock.sleep(0.01)
        at = await house.change(20, told=False)
        await house.clock.sleep(3 * POLL)
    assert 0 < house.when(20) - at <= POLL


async def test_where_it_hears_again_everybody_looks_once(house):
    async with house.watched():
        house.repository.cut()
        await house.clock.sleep(0.1)
        assert len(house.repository.asked) == 1
        house.repository.deaf = False
        await house.clock.sleep(POLL)  # it is heard again
        before = house.repository.reads
        assert len(house.repository.asked) == 2
        await house.clock.sleep(FLOOR - 2 * POLL)
        assert house.repository.reads == before  # and nobody looks each second any more
        at = await house.change(30)
        await house.clock.sleep(0.1)
    assert house.when(30) == at


async def test_a_repository_that_stays_away_is_asked_less_and_less_often(house):
    house.repository.deaf = True
    async with house.watched():
        await house.clock.sleep(400)
    gaps = [b - a for a, b in zip(house.repository.asked, house.repository.asked[1:], strict=False)]
    assert gaps[:8] == pytest.approx([1, 2, 4, 8, 16, 32, 60, 60])


async def test_a_line_that_held_is_asked_for_anew_without_patience(house):
    house.repository.deaf = True
    async with house.watched():
        await house.clock.sleep(100)
        house.repository.deaf = False
        await house.clock.sleep(60)
        house.repository.cut()
        at = house.clock.wall
        await house.clock.sleep(5)
    assert house.repository.asked[-1] - at == pytest.approx(1)


async def test_a_repository_that_is_away_is_complained_of_once(house, caplog):
    house.repository.deaf = True
    async with house.watched():
        await house.clock.sleep(400)
    assert [r.event for r in caplog.records if r.event == "changes.not_heard"] == [
        "changes.not_heard"
    ]


async def test_nobody_listens_where_nobody_watches(house):
    async with AvatarKit(
        "fake", repository=house.repository, settings=Settings(), clock=house.clock
    ):
        await house.clock.sleep(100)
    assert house.repository.asked == []


async def test_a_kit_that_closes_lets_go_of_the_line(house):
    async with house.watched():
        pass
    assert (len(house.repository.asked), house.repository.closed) == (1, 1)


async def test_what_this_process_saves_is_seen_without_a_read(house):
    async with house.watched():
        before = house.repository.reads
        saved = await house.repository.save(
            house.training, house.training.model_copy(update={"progress": 20})
        )
        house.kit._changes.tell(saved)
        await house.clock.sleep(0.1)
        assert house.repository.reads == before
    assert house.when(20) == house.begun


async def test_what_is_told_late_takes_nobody_back(house):
    async with house.watched():
        older = await house.repository.get(house.training.id)
        await house.change(20)
        await house.clock.sleep(0.1)
        house.kit._changes.tell(older)
        await house.clock.sleep(0.1)
    assert [progress for progress, _ in house.seen] == [0, 20]


async def test_of_two_that_are_told_at_once_the_newer_counts(house):
    changes = Changes(house.repository, house.clock)
    newer = a_training(version=2)
    with changes.of(newer.id) as watcher:
        changes.tell(newer)
        changes.tell(newer.model_copy(update={"version": 1}))
        assert await watcher.next() is newer


async def test_what_was_told_and_announced_is_looked_at(house):
    changes = Changes(house.repository, house.clock)
    record = a_training()
    with changes.of(record.id) as watcher:
        changes.tell(record)
        watcher.look()
        assert await watcher.next() is None


async def test_what_comes_between_two_waits_is_not_lost(house):
    changes = Changes(house.repository, house.clock)
    with changes.of("x") as watcher:
        watcher.look()
        before = house.clock.wall
        await watcher.next()
        assert house.clock.wall == before


async def test_who_watches_a_record_that_another_process_deletes_is_told(house):
    async with house.watched():
        pass
    async with AvatarKit(
        "fake", repository=house.repository, worker=False, settings=Settings(), clock=house.clock
    ) as kit:
        watching = kit.watch(house.training.id)
        await anext(watching)
        await house.repository.elsewhere(
            house.training.id, told=False, deleted=True, status=Status.CANCELLED
        )
        with pytest.raises(errors.NotFound):
            await anext(watching)


async def test_what_was_heard_before_it_closed_lets_nobody_look_less_afterwards(house):
    async with house.watched():
        pass
    house.repository.slow = 1000.0
    async with house.kit, anyio.create_task_group() as tasks:
        tasks.start_soon(house.watch)
        await house.clock.sleep(0.1)
        at = await house.change(20, told=False)
        await house.clock.sleep(FLOOR / 2)
        tasks.cancel_scope.cancel()
    assert house.when(20) - at <= POLL


def test_a_kit_can_be_made_where_no_event_loop_runs(house):
    AvatarKit("fake", repository=house.repository, settings=Settings(), clock=house.clock)


async def test_a_kit_that_closes_at_once_ends(house):
    async with AvatarKit(
        "fake", repository=house.repository, settings=Settings(), clock=house.clock
    ):
        pass
    assert house.repository.asked == []


async def test_what_is_raised_while_it_listens_comes_out_bare(house):
    with pytest.raises(ZeroDivisionError):
        async with AvatarKit(
            "fake", repository=house.repository, settings=Settings(), clock=house.clock
        ):
            raise ZeroDivisionError
