"""The machine's clock, and the virtual one."""

from __future__ import annotations

import ast
import threading
from pathlib import Path

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest
from hypothesis import given
from hypothesis import strategies as st

import avatarkit
from avatarkit.clock import SystemClock
from avatarkit.providers.fake import Fault
from avatarkit.records import Instant, elapsed, later
from avatarkit.testing import FakeClock
from avatarkit.testing.clock import VirtualTimeStuck
from avatarkit.testing.repositories import a_training

pytestmark = [pytest.mark.anyio, pytest.mark.once]


@pytest.fixture
def clock():
    return FakeClock(wall=1000.0)


# -- the machine's --------------------------------------------------------------------------------


def test_boot_time_never_goes_back():
    clock = SystemClock()
    first = clock.now().boot
    assert clock.now().boot >= first


def test_two_clocks_of_a_machine_name_the_same_boot():
    assert SystemClock().now().boot_id == SystemClock().now().boot_id != ""


def test_where_the_machine_has_no_name_for_its_boot_a_process_has_one(monkeypatch):
    def missing(path):
        raise FileNotFoundError

    monkeypatch.setattr("avatarkit.clock.Path.read_text", missing)
    assert SystemClock().now().boot_id != SystemClock().now().boot_id


async def test_the_machines_timeout_fires():
    with pytest.raises(TimeoutError), SystemClock().timeout(0):
        await anyio.sleep_forever()


# -- virtual time ---------------------------------------------------------------------------------


async def test_a_sleep_takes_virtual_time(clock):
    await clock.sleep(3 * 86_400)
    assert clock.now().wall == 1000.0 + 3 * 86_400


async def test_a_sleep_of_nothing_moves_nothing(clock):
    await clock.sleep(0)
    await clock.sleep(-5)
    assert clock.wall == 1000.0


async def test_sleepers_wake_in_the_order_of_their_moments(clock):
    woken = []

    async def sleep(seconds):
        await clock.sleep(seconds)
        woken.append((seconds, clock.wall - 1000.0))

    async with anyio.create_task_group() as tasks:
        for seconds in (30, 10, 20, 10.5):
            tasks.start_soon(sleep, seconds)
    assert woken == [(10, 10), (10.5, 10.5), (20, 20), (30, 30)]


async def test_a_sleeper_that_comes_later_may_wake_earlier(clock):
    woken = []

    async def sleep(name, seconds):
        await clock.sleep(seconds)
        woken.append(name)

    async def twice():
        await clock.sleep(1)
        await clock.sleep(1)
        woken.append("twice")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(sleep, "long", 10)
        tasks.start_soon(twice)
    assert woken == ["twice", "long"]


async def test_a_cancelled_sleeper_moves_no_time(clock):
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(clock.sleep, 1e9)
        await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()
    await clock.sleep(5)
    assert clock.wall == 1005.0


async def test_time_stands_still_while_a_task_works(clock):
    seen = []

    async def work():
        for _ in range(500):
            await anyio.lowlevel.checkpoint()
        seen.append(clock.wall)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(clock.sleep, 10)
        tasks.start_soon(work)
    assert seen == [1000.0]


async def test_time_stands_still_while_a_worker_thread_works(clock):
    going, seen = threading.Event(), []

    async def work():
        await anyio.to_thread.run_sync(going.wait)
        seen.append(clock.wall)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(work)
        tasks.start_soon(clock.sleep, 10)
        for _ in range(100):
            await anyio.lowlevel.checkpoint()
        going.set()
    assert seen == [1000.0]


async def test_a_thousand_sleepers_wake_at_their_moments(clock):
    late = []

    async def sleep(seconds):
        await clock.sleep(seconds)
        late.append(clock.wall - 1000.0 - seconds)

    async with anyio.create_task_group() as tasks:
        for seconds in range(1000):
            tasks.start_soon(sleep, seconds % 50)
    assert set(late) == {0}


async def test_advance_wakes_who_slept_long_enough(clock):
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(clock.sleep, 10)
        await anyio.lowlevel.checkpoint()
        clock.advance(60)
    assert clock.wall == 1060.0


def test_advance_moves_both_clocks(clock):
    before = clock.now()
    clock.advance(7)
    assert (clock.now().wall - before.wall, elapsed(before, clock.now())) == (7, 7)


def test_setting_the_wall_clock_leaves_boot_time_alone(clock):
    before = clock.now()
    clock.set_wall(5.0)
    assert (clock.now().wall, clock.now().boot) == (5.0, before.boot)


async def test_setting_the_wall_clock_wakes_nobody(clock):
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(clock.sleep, 10)
        await anyio.lowlevel.checkpoint()
        clock.set_wall(5000.0)
    assert clock.wall == 5010.0


def test_a_reboot_keeps_the_wall_clock(clock):
    clock.advance(100)
    clock.reboot()
    assert clock.wall == 1100.0


def test_a_reboot_begins_boot_time_anew(clock):
    before = clock.now()
    clock.advance(100)
    clock.reboot()
    after = clock.now()
    assert (after.boot < before.boot, after.boot_id != before.boot_id) == (True, True)


# -- virtual timeouts -----------------------------------------------------------------------------


async def ended(clock, seconds, block, *arguments):
    """Whether a timeout of so many seconds ends the block."""
    try:
        with clock.timeout(seconds):
            await block(*arguments)
    except TimeoutError:
        return True
    return False


async def test_a_block_that_sleeps_past_its_timeout_is_ended(clock):
    assert await ended(clock, 10, clock.sleep, 60)


async def test_a_timeout_fires_at_its_moment(clock):
    await ended(clock, 10, clock.sleep, 60)
    assert clock.wall == 1010.0


async def test_several_sleeps_count_together(clock):
    async def naps():
        for _ in range(5):
            await clock.sleep(3)

    assert await ended(clock, 10, naps)


async def test_a_block_that_ends_in_time_goes_on(clock):
    with clock.timeout(10):
        await clock.sleep(10)
    await clock.sleep(60)
    assert clock.wall == 1070.0


async def test_an_earlier_timeout_within_spares_the_outer_block(clock):
    inner = []

    async def block():
        inner.append(await ended(clock, 10, clock.sleep, 100))

    outer = await ended(clock, 60, block)
    assert (inner, outer) == ([True], False)


async def test_an_earlier_timeout_around_ends_the_inner_block(clock):
    await ended(clock, 10, ended, clock, 60, clock.sleep, 100)
    assert clock.wall == 1010.0


async def test_a_task_within_the_block_ends_the_block(clock):
    async def group():
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(clock.sleep, 60)

    assert await ended(clock, 10, group)


async def test_advance_over_a_timeout_fires_it(clock):
    async def wait_in_vain():
        clock.advance(11)
        await anyio.sleep_forever()

    assert await ended(clock, 10, wait_in_vain)


async def test_the_sleep_of_another_task_fires_no_timeout(clock):
    done = anyio.Event()

    async def nap_then_answer():
        await clock.sleep(60)
        done.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(nap_then_answer)
        with clock.timeout(10):
            await done.wait()
    assert clock.wall == 1060.0


async def test_an_error_within_the_block_comes_out(clock):
    with pytest.raises(ZeroDivisionError), clock.timeout(10):
        1 / 0  # noqa: B018


async def test_a_timeout_that_was_left_ends_no_later_sleep(clock):
    async def sleeps_later(left):
        await left.wait()
        await clock.sleep(60)

    left = anyio.Event()
    async with anyio.create_task_group() as tasks:
        with clock.timeout(10):
            tasks.start_soon(sleeps_later, left)
        left.set()
    assert clock.wall == 1060.0


# -- waits that are shorter than the resolution of wall time --------------------------------------

NEAR_NOW = 1_790_000_000.3


@given(wall=st.floats(1e9, 4e9), wait=st.floats(0, 1e6, exclude_min=True))
def test_a_positive_wait_ends_later(wall, wait):
    assert later(wall, wait) > wall


@pytest.mark.parametrize("wait", [0.0, -1.0])
def test_no_wait_ends_at_once(wait):
    assert Instant(wall=NEAR_NOW).after(wait) == NEAR_NOW


def test_a_wait_lasts_as_long_as_asked():
    assert Instant(wall=1000.0).after(2.5) == 1002.5


async def test_the_shortest_sleep_moves_the_wall_clock():
    clock = FakeClock(wall=NEAR_NOW)
    await clock.sleep(1e-12)
    assert clock.now().wall > NEAR_NOW


SCHEDULED = ("lifecycle", "engines", "stacks", "intake")
#: What a wall time is called in these folders, beside names like ``next_at``.
WALL_TIMES = {"wall", "at", "now"}
#: Here these names stand for positions in a file.
OF_FILES = {"probing.py"}


def sums_with_a_wall_time(source):
    """Lines that add to a wall time in place of ``records.later``."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Add):
            parts = [node.left, node.right] if isinstance(node, ast.BinOp) else [node.target]
            inner = [name for part in parts for name in ast.walk(part)]
            names = [str(getattr(name, "attr", getattr(name, "id", ""))) for name in inner]
            if any(name in WALL_TIMES or name.endswith("_at") for name in names):
                yield node.lineno


@pytest.mark.parametrize(
    "sum_", ["now.wall + wait", "wait + now", "at += 2", "(o.left_at or 0) + 1"]
)
def test_the_search_finds_a_sum_with_a_wall_time(sum_):
    assert list(sums_with_a_wall_time(sum_)) == [1]


@pytest.mark.parametrize("folder", SCHEDULED)
def test_no_schedule_adds_to_a_wall_time_by_itself(folder):
    root = Path(avatarkit.__file__).parent
    found = {
        str(path.relative_to(root)): list(sums_with_a_wall_time(path.read_text()))
        for path in (root / folder).rglob("*.py")
        if path.name not in OF_FILES
    }
    assert {name: lines for name, lines in found.items() if lines} == {}


# -- loops ----------------------------------------------------------------------------------------


@pytest.mark.slow
async def test_a_task_that_reads_the_clock_for_ever_is_stopped_and_named(clock):
    async def spin():
        while True:
            await clock.sleep(0)

    with pytest.raises(ExceptionGroup) as caught:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(spin, name="the spinning one")
    assert caught.group_contains(VirtualTimeStuck, match="the spinning one")


async def test_a_busy_task_that_never_reads_the_clock_is_stopped_and_named(clock, monkeypatch):
    monkeypatch.setattr("avatarkit.testing.clock._PATIENCE", 0.05)

    async def spin():
        while True:
            await anyio.lowlevel.checkpoint()

    async def ticks():
        while True:
            await clock.sleep(1)

    with pytest.raises(ExceptionGroup) as caught:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(spin, name="the spinning one")
            tasks.start_soon(ticks)
    assert caught.group_contains(VirtualTimeStuck, match="the spinning one")


async def test_a_stopped_clock_stays_stopped(clock):
    with pytest.raises(VirtualTimeStuck):
        for _ in range(100_000):
            clock.now()
    with pytest.raises(VirtualTimeStuck):
        await clock.sleep(1)


@pytest.mark.slow
async def test_whoever_reads_the_clock_often_but_sleeps_is_not_stopped(clock):
    for _ in range(3):
        for _ in range(40_000):
            clock.now()
        await clock.sleep(1)
    assert clock.wall == 1003.0


async def test_a_record_that_is_advanced_for_ever_is_named(clock):
    async def advance(record):
        while record.next_at is not None:
            clock.now()

    training = a_training()
    about = rf"record {training.id} \(pending; fake voice: none"
    with pytest.raises(VirtualTimeStuck, match=about):
        await advance(training)


async def test_the_settle_time_of_a_doubt_ends_in_virtual_time(
    avatarkit_kit, avatarkit_vendor, avatarkit_samples
):
    ids = {"user_id": "ana", "clone_id": "clone-1"}
    training = await avatarkit_kit.train(**ids, **avatarkit_samples)
    assert [update async for update in avatarkit_kit.watch(training.id)][-1].status == "completed"
    for fault, status in ((Fault.AUTH, "action_required"), (Fault.UNCLEAR, "completed")):
        avatarkit_vendor.fail_next("video", fault)
        assert (await avatarkit_kit.speak(training.id, "Hello")).status == status
