"""The machine's clock, and the virtual one."""

from __future__ import annotations

import threading

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from avatarkit.clock import SystemClock
from avatarkit.records import elapsed
from avatarkit.testing import FakeClock

pytestmark = pytest.mark.anyio


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
