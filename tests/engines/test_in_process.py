"""The in-process worker: when ``advance`` is called, whatever goes wrong around it."""

from __future__ import annotations

import math
from contextvars import ContextVar

import anyio
import httpx
import pytest
from pydantic import SecretStr

from avatarkit import http
from avatarkit.engines.in_process import InProcessEngine
from avatarkit.interfaces import TURN, Capabilities, ProviderSettings, Turn
from avatarkit.lifecycle.account_limits import AccountSlots
from avatarkit.providers.synthesia import Synthesia
from avatarkit.repositories.memory import MemoryRepository
from avatarkit.testing import FakeClock
from avatarkit.testing.repositories import a_training

pytestmark = pytest.mark.anyio


class Stage:
    """A repository, a virtual clock, and an ``advance`` that notes what it was called with."""

    def __init__(self):
        self.clock = FakeClock()
        self.repository = MemoryRepository(clock=self.clock)
        self.visits = []
        self.behave = None

    def engine(self, **more):
        return InProcessEngine(
            advance=self.advance, repository=self.repository, clock=self.clock, **more
        )

    async def advance(self, record_id, claimed=None):
        self.visits.append((record_id, self.clock.wall))
        if self.behave is not None:
            await self.behave(record_id)
            return
        await self.done(record_id)

    async def done(self, record_id):
        record = await self.repository.get(record_id)
        await self.repository.save(record, record.model_copy(update={"next_at": None}))

    async def add(self, record_id, seconds=0.0):
        now = self.clock.wall
        record = a_training(record_id).model_copy(
            update={"id": record_id, "next_at": now + seconds, "clone_id": record_id}
        )
        await self.repository.create(record)

    async def until(self, condition):
        for _ in range(2000):
            if condition():
                return
            await self.clock.sleep(0.5)
        raise AssertionError(f"it never came to that: {self.visits}")


@pytest.fixture
async def stage():
    made = Stage()
    await made.repository.open()
    yield made
    await made.repository.aclose()


async def running(stage, engine, condition):
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(engine.run)
        await stage.until(condition)
        await engine.stop()


async def test_what_is_due_is_advanced_once(stage):
    await stage.add("t1")
    await running(stage, stage.engine(), lambda: stage.visits)
    assert [v[0] for v in stage.visits] == ["t1"]


async def test_what_is_due_later_is_advanced_later(stage):
    await stage.add("t1", seconds=100.0)
    start = stage.clock.wall
    await running(stage, stage.engine(), lambda: stage.visits)
    assert stage.visits[0][1] >= start + 100.0


async def test_a_failing_visit_is_repeated_when_its_lease_ends_not_at_once(stage):
    async def fail(record_id):
        if len(stage.visits) == 1:
            raise OSError("the disk is full")
        await stage.done(record_id)

    stage.behave = fail
    await stage.add("t1")
    await running(stage, stage.engine(lease=30.0), lambda: len(stage.visits) == 2)
    first, second = (at for _, at in stage.visits)
    assert second - first >= 30.0


async def test_a_record_of_which_nothing_comes_is_visited_again_when_its_lease_ends(stage):
    async def nothing(record_id, claimed=None):
        stage.visits.append((record_id, stage.clock.wall))
        return await stage.repository.get(record_id)

    stage.advance = nothing
    await stage.add("t1")
    await running(stage, stage.engine(lease=30.0), lambda: len(stage.visits) == 2)
    first, second = (at for _, at in stage.visits)
    assert second - first >= 30.0


async def test_what_is_due_in_a_moment_by_the_visitor_s_clock_is_visited_in_a_moment(stage):
    async def once_not_yet(record_id, claimed=None):
        stage.visits.append((record_id, stage.clock.wall))
        if len(stage.visits) > 1:
            await stage.done(record_id)
            return None
        record = await stage.repository.get(record_id)
        return record.model_copy(update={"next_at": stage.clock.wall + 0.01})

    stage.advance = once_not_yet
    await stage.add("t1")
    await running(stage, stage.engine(lease=30.0), lambda: len(stage.visits) >= 2)
    (_, first), (_, second), *_ = stage.visits
    assert second - first < 5.0


async def test_a_claim_that_cannot_be_given_back_ends_by_itself(stage):
    async def away(_claim):
        raise OSError("away")

    stage.repository.release = away
    await stage.add("t1")
    await stage.add("t2", seconds=60.0)
    await running(stage, stage.engine(), lambda: len(stage.visits) == 2)
    assert [v[0] for v in stage.visits] == ["t1", "t2"]


async def test_one_failing_record_does_not_stop_the_others(stage):
    async def fail(record_id):
        if record_id == "bad":
            raise ValueError(record_id)
        await stage.done(record_id)

    stage.behave = fail
    for record_id in ("bad", "good"):
        await stage.add(record_id)
    await running(stage, stage.engine(), lambda: len(stage.visits) >= 2)
    assert (await stage.repository.get("good")).next_at is None


@pytest.mark.parametrize("call", ["next_due", "claim", "renew"])
async def test_a_database_that_is_away_for_a_while_comes_back(stage, call):
    real, left = getattr(stage.repository, call), [3]

    async def away(*args, **kwargs):
        if left[0]:
            left[0] -= 1
            raise OSError("away")
        return await real(*args, **kwargs)

    setattr(stage.repository, call, away)
    await stage.add("t1", seconds=30.0)
    await running(stage, stage.engine(lease=3.0), lambda: stage.visits)
    assert [v[0] for v in stage.visits] == ["t1"]


async def test_a_visit_that_takes_longer_than_its_lease_keeps_it(stage):
    async def slow(record_id):
        await stage.clock.sleep(100.0)
        await stage.done(record_id)

    stage.behave = slow
    await stage.add("t1")
    other = Stage.engine(stage, lease=3.0)
    async with anyio.create_task_group() as tasks:
        for engine in (stage.engine(lease=3.0), other):
            tasks.start_soon(engine.run)
        start = stage.clock.wall
        await stage.until(lambda: stage.clock.wall > start + 150)
        tasks.cancel_scope.cancel()
    assert len(stage.visits) == 1


async def test_stopping_lets_a_visit_finish(stage):
    finished = []

    async def slow(record_id):
        await anyio.lowlevel.checkpoint()
        await stage.done(record_id)
        finished.append(record_id)

    stage.behave = slow
    await stage.add("t1")
    await running(stage, stage.engine(), lambda: stage.visits)
    assert finished == ["t1"]


async def test_a_visit_that_is_abandoned_hands_its_lease_back(stage):
    async def hang(record_id):
        await anyio.sleep_forever()

    stage.behave = hang
    await stage.add("t1")
    await running(stage, stage.engine(grace=0.0), lambda: stage.visits)
    claims = await stage.repository.claim("another", 10, 30.0)
    assert [c.record.id for c in claims] == ["t1"]


async def test_the_last_save_of_a_visit_ends_its_lease(stage):
    released = []
    release = stage.repository.release

    async def noted(claim):
        released.append(claim.record.id)
        await release(claim)

    async def advance(record_id, claimed=None):
        stage.visits.append((record_id, stage.clock.wall))
        now = stage.clock.wall
        changes = {"next_at": {"later": now + 60, "over": None}.get(record_id, now)}
        if record_id == "unchanged":
            return claimed
        return await stage.repository.save(
            claimed, claimed.model_copy(update={**changes, "updated_at": now})
        )

    stage.repository.release, stage.advance = noted, advance
    for record_id in ("later", "over", "at once"):
        await stage.add(record_id)
    assert await stage.engine().tick() == 3
    assert released == ["at once"]
    claims = await stage.repository.claim("another", 10, 30.0)
    assert [claim.record.id for claim in claims] == ["at once"]


async def test_a_visit_is_given_the_record_that_was_claimed(stage):
    given = []

    async def advance(record_id, claimed=None):
        given.append(claimed)
        await stage.done(record_id)

    stage.advance = advance
    await stage.add("t1")
    await stage.engine().tick()
    assert [record.id for record in given] == ["t1"]


async def test_tick_advances_what_is_due_and_returns(stage):
    await stage.add("t1")
    await stage.add("t2", seconds=60.0)
    assert await stage.engine().tick() == 1
    assert [v[0] for v in stage.visits] == ["t1"]


async def test_only_so_many_visits_are_under_way(stage):
    under_way, most = [0], [0]

    async def count(record_id):
        under_way[0] += 1
        most[0] = max(most[0], under_way[0])
        await stage.clock.sleep(1.0)
        under_way[0] -= 1
        await stage.done(record_id)

    stage.behave = count
    for number in range(6):
        await stage.add(f"t{number}")
    await running(stage, stage.engine(in_flight=2), lambda: len(stage.visits) == 6)
    assert most == [2]


class Bounded:
    """A provider of one account, with bounds of its own."""

    name, account = "bounded", "account"

    def __init__(self, **bounds):
        self.capabilities = Capabilities(**bounds)


def slots_of(stage):
    """The slots of one process."""
    return AccountSlots(stage.repository, stage.clock, lease=60.0)


async def test_one_account_takes_no_more_requests_than_it_allows(stage):
    order = []

    async def call(slots):
        async with slots.slot(Bounded(in_flight=1)):
            order.append("in")
            await stage.clock.sleep(1.0)
            order.append("out")

    one, other = slots_of(stage), slots_of(stage)
    async with anyio.create_task_group() as tasks:
        for slots in (one, one, other, other):
            tasks.start_soon(call, slots)
    assert order == ["in", "out"] * 4


async def test_two_processes_together_keep_the_rate_of_an_account(stage):
    moments = []

    async def call(slots):
        async with slots.slot(Bounded(rate=2.0)):
            moments.append(stage.clock.wall)

    one, other = slots_of(stage), slots_of(stage)
    start = stage.clock.wall
    async with anyio.create_task_group() as tasks:
        for slots in (one, other) * 4:
            tasks.start_soon(call, slots)
    assert max(moments) - start == pytest.approx(3.0, abs=0.01)  # 2 at once, then 6 at 0.5 s


async def test_each_further_request_of_a_call_waits_for_its_turn(stage):
    moments, start = [], stage.clock.wall

    def answer(request):
        moments.append(stage.clock.wall - start)
        offset, limit = int(request.url.params.get("offset", 0)), 100
        more = range(offset, offset + limit) if offset < 3 * limit else ()
        told = [{"id": str(number), "status": "complete", "title": "another"} for number in more]
        after = offset + limit if told else None
        return httpx.Response(200, json={"videos": told, "nextOffset": after})

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        synthesia = Synthesia(ProviderSettings(api_key=SecretStr("key")), client=client)
        async with slots_of(stage).slot(synthesia):
            await synthesia.find_video("ak-1-video")
    assert len(moments) > 3
    assert moments == pytest.approx([float(n) for n in range(len(moments))], abs=0.01)


async def asked(call, times):
    """Send a request that is answered at once, so many times."""
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json={}))
    async with httpx.AsyncClient(transport=transport) as client:
        for _ in range(times):
            await http.send(client, client.build_request("GET", "https://a.example"), call)


async def test_what_is_asked_beside_the_vendor_takes_no_turn_of_its_account(stage):
    async with slots_of(stage).slot(Bounded(rate=1.0)):
        await asked(http.Call(provider="another", operation="look"), times=3)
    assert stage.clock.wall == FakeClock().wall


async def test_waiting_for_a_turn_counts_nothing_against_the_time_of_its_request():
    ends = []

    async def wait():
        ends.append(anyio.current_effective_deadline())

    TURN.set(Turn("bounded", wait))
    await asked(http.Call(provider="bounded", operation="look", timeout=5.0), times=1)
    assert ends == [math.inf]


async def test_a_request_outside_of_a_place_waits_for_nothing(stage):
    async with slots_of(stage).slot(Bounded(rate=1.0)):
        pass
    assert TURN.get() is None


async def test_a_place_is_given_back_by_who_is_cancelled(stage):
    with anyio.move_on_after(0):
        async with slots_of(stage).slot(Bounded(in_flight=1)):
            await anyio.sleep_forever()
    async with slots_of(stage).slot(Bounded(in_flight=1)):
        pass
    assert stage.clock.wall == FakeClock().wall


async def test_an_answer_counts_though_its_place_cannot_be_given_back(stage):
    async def away(account, holder):
        raise OSError

    stage.repository.leave_place = away
    async with slots_of(stage).slot(Bounded(in_flight=1)):
        answered = True
    assert answered


async def test_who_names_no_bound_costs_the_repository_nothing(stage):
    stage.repository.take_place = None
    async with slots_of(stage).slot(Bounded()):
        pass


async def test_a_record_that_is_due_in_a_moment_by_the_visitors_clock_is_not_visited_at_once(stage):
    """The database's clock is three seconds ahead of the one by which a visitor looks."""
    engine, now = stage.engine(), stage.repository.now
    visiting = ContextVar("visiting", default=False)

    async def behind():
        here = await now()
        return here.model_copy(update={"wall": here.wall - 3.0}) if visiting.get() else here

    async def advance(record_id, claimed=None):
        visiting.set(True)
        stage.visits.append((record_id, stage.clock.wall))
        record = await stage.repository.get(record_id)
        if record.next_at <= (await behind()).wall:
            await stage.done(record_id)
        return await stage.repository.get(record_id)

    stage.repository.now = behind
    engine._advance = advance
    await stage.add("t1")
    began = stage.clock.wall

    await running(stage, engine, lambda: stage.clock.wall > began + 10)
    assert [at - began for _, at in stage.visits] == [0.0, pytest.approx(3.0, abs=0.6)]


class Telling(MemoryRepository):
    """A repository that tells idle workers what other processes made due, and counts questions."""

    def __init__(self, **given):
        super().__init__(**given)
        self.asked = 0
        self.changed = anyio.Event()
        self.listens = True

    async def next_due(self):
        self.asked += 1
        return await super().next_due()

    async def sooner(self):
        while self.listens:
            yield None
            self.changed = anyio.Event()
            await self.changed.wait()
        raise OSError("away")


@pytest.fixture
async def told():
    stage = Stage()
    stage.repository = Telling(clock=stage.clock)
    await stage.repository.open()
    yield stage
    await stage.repository.aclose()


async def test_an_idle_worker_asks_once_per_look(stage):
    asked = []
    next_due = stage.repository.next_due

    async def counted():
        asked.append(stage.clock.wall)
        return await next_due()

    stage.repository.next_due = counted
    began = stage.clock.wall
    await running(stage, stage.engine(idle=0.5), lambda: stage.clock.wall > began + 10)
    assert 15 <= len(asked) <= 25


async def test_a_worker_that_is_told_what_is_due_sleeps_longer(told):
    began = told.clock.wall
    await running(told, told.engine(), lambda: told.clock.wall > began + 100)
    assert 15 <= told.repository.asked <= 30


async def test_a_sleeping_worker_wakes_for_what_another_process_makes_due(told):
    async with anyio.create_task_group() as tasks:
        engine = told.engine()
        tasks.start_soon(engine.run)
        await told.clock.sleep(1.0)
        await told.add("t1")
        told.repository.changed.set()
        began = told.clock.wall
        await told.until(lambda: told.visits)
        await engine.stop()
    assert told.visits[0][1] - began < 0.5


async def test_a_sleeping_worker_wakes_when_something_becomes_due(told):
    await told.add("t1", seconds=2.0)
    began = told.clock.wall
    await running(told, told.engine(), lambda: told.visits)
    assert told.visits[0][1] - began == pytest.approx(2.0, abs=0.1)


async def test_a_worker_that_is_no_longer_told_looks_often_again(told):
    async with anyio.create_task_group() as tasks:
        engine = told.engine()
        tasks.start_soon(engine.run)
        await told.clock.sleep(1.0)
        told.repository.listens = False
        told.repository.changed.set()
        await told.clock.sleep(0.5)
        await told.add("t1")
        began = told.clock.wall
        await told.until(lambda: told.visits)
        await engine.stop()
    assert told.visits[0][1] - began <= 1.0


async def test_what_wakes_a_worker_while_it_looks_is_not_missed(told):
    """The row appears after the look and before the rest."""
    next_due = told.repository.next_due

    async def slow():
        found = await next_due()
        if not told.visits and told.repository.asked == 3:
            await told.add("t1")
            told.repository.changed.set()
            await anyio.lowlevel.checkpoint()
            await anyio.lowlevel.checkpoint()
        return found

    told.repository.next_due = slow
    began = told.clock.wall
    await running(told, told.engine(), lambda: told.visits)
    assert told.visits[0][1] - began <= 11.0
