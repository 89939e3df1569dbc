"""What runs in the processes of the proof: trainings that are killed, and those that finish them.

    driver.py nursery FOLDER           forks a child per training or worker; all is imported
    driver.py watch FOLDER NUMBER...   a new process: works, and watches until all are final
    driver.py naive FOLDER NUMBER...   the same for the naive twin
    driver.py call FOLDER COUNT        starts COUNT trainings, and works at none
    driver.py naive-call FOLDER COUNT  the same for the naive twin
    driver.py identical FOLDER COUNT   COUNT identical calls of ``train`` at once

A child of the nursery is forked before any event loop or thread exists.
"""

from __future__ import annotations

import ctypes
import json
import logging
import os
import signal
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path

import anyio
import naive
from databases import repository
from processes import clone, user

from avatarkit.clock import SystemClock
from avatarkit.engines.in_process import InProcessEngine
from avatarkit.errors import AvatarKitError
from avatarkit.interfaces import EngineFactory
from avatarkit.kit import AvatarKit
from avatarkit.lifecycle.decide import Policy
from avatarkit.models import Consent
from avatarkit.records import Instant, Status, Training

log = logging.getLogger(__name__)

#: Short bounds, so that a doubt settles in seconds. They hold for every process of a run.
_SLOWER = float(os.environ.get("PROOF_SLOWER", "1"))
POLICY = Policy(send_guard=0.5 * _SLOWER, timeout=1.5 * _SLOWER)
_LONGEST = 180  # seconds that one round may take to finish
_CALLERS = 8  # calls of ``train`` at once
_THREADS = 16  # trainings at once of a naive worker


class Ahead(SystemClock):
    """The clock of another machine, which is an hour ahead."""

    def now(self) -> Instant:
        instant = super().now()
        return Instant(wall=instant.wall + 3600, boot=instant.boot + 3600, boot_id="ahead")


def kit(folder: Path, *, worker: bool = True, clock: SystemClock | None = None) -> AvatarKit:
    """The kit of a run; files live in one folder."""
    return AvatarKit(
        "acme",
        repository=repository(),
        media=folder / "media",
        policy=POLICY,
        worker=worker,
        clock=clock,
        engine=engine(),
    )


def engine() -> EngineFactory:
    """The engine of the run, with short bounds."""
    name = os.environ.get("PROOF_ENGINE", "in-process")
    if name == "dbos":
        from avatarkit.engines.dbos import DBOSEngine

        return partial(DBOSEngine, database=os.environ["AVATARKIT_REPOSITORY"], grace=5.0)
    if name == "temporal":
        from avatarkit.engines.temporal import TemporalEngine

        # The test server keeps what it has given to a worker's cache.
        return partial(TemporalEngine, cached=0, heartbeat=5.0, grace=10.0)
    return partial(InProcessEngine, lease=float(os.environ.get("PROOF_LEASE", "15")))


async def train(opened: AvatarKit, folder: Path, number: int) -> Training:
    """Start the training of a number, with samples that lie in the folder."""
    return await opened.train(
        user_id=user(number),
        clone_id=clone(number),
        voice=[folder / "voice.wav"],
        footage=folder / "portrait.png",
        consent=Consent.not_a_real_person("a tone and a grey square"),
        idempotency_key="the one training",
    )


async def train_until_killed(folder: Path, number: int) -> None:
    """Train and watch; nobody leaves before the kill."""
    async with kit(folder) as opened:
        training = await train(opened, folder, number)
        async for _ in opened.watch(training.id):
            pass
        await anyio.sleep(_LONGEST)


async def watch_all(folder: Path, numbers: list[int]) -> None:
    """Finish the trainings: watch those that exist; callers of the others simply call again."""

    async def finish(number: int) -> None:
        known = await opened.trainings(user_id=user(number))
        training = known[0] if known else await train(opened, folder, number)
        async for update in opened.watch(training.id):
            if update.status is Status.ACTION_REQUIRED:
                message = f"training {number} asks a person: {update.action}"
                raise RuntimeError(message)

    with anyio.fail_after(_LONGEST):
        async with kit(folder) as opened, anyio.create_task_group() as tasks:
            for number in numbers:
                tasks.start_soon(finish, number)


async def work(folder: Path, number: int) -> None:
    """Be a worker until the kill; with ``PROOF_AHEAD`` the first one's clock is an hour ahead."""
    ahead = number == 0 and "PROOF_AHEAD" in os.environ
    async with kit(folder, clock=Ahead() if ahead else None):
        await anyio.sleep_forever()


async def call_all(folder: Path, count: int) -> None:
    """Start the trainings, as an application does: where that fails, it simply calls again."""
    numbers = iter(range(count))

    async def lane() -> None:
        for number in numbers:
            while True:
                try:
                    await train(opened, folder, number)
                    break
                except AvatarKitError as error:
                    log.warning("training %s is called again: %s", number, error)
                    await anyio.sleep(0.5)

    async with kit(folder, worker=False) as opened, anyio.create_task_group() as tasks:
        for _ in range(_CALLERS):
            tasks.start_soon(lane)


async def identical(folder: Path, count: int) -> None:
    """Call ``train`` ``count`` times at once with one key, and print the ids that came back."""
    async with kit(folder) as opened:
        print("ready", flush=True)
        await anyio.to_thread.run_sync(sys.stdin.readline)
        ids = set()

        async def call() -> None:
            ids.add((await train(opened, folder, 0)).id)

        async with anyio.create_task_group() as tasks:
            for _ in range(count):
                tasks.start_soon(call)
        with anyio.fail_after(_LONGEST):
            async for _ in opened.watch(next(iter(ids))):
                pass
        print(json.dumps(sorted(ids)), flush=True)


def naive_store() -> naive.NaiveStore:
    """Where the naive twin keeps its rows."""
    return naive.store_of(os.environ)


def naive_train(number: int) -> None:
    """Do the naive twin's training, then wait for the kill."""
    naive.train(naive_store(), os.environ["AVATARKIT_ACME_BASE_URL"], number)
    signal.pause()


def naive_finish_all(numbers: list[int]) -> None:
    """Start the naive twin again: it finishes what it finds unfinished."""
    store, base_url = naive_store(), os.environ["AVATARKIT_ACME_BASE_URL"]
    with ThreadPoolExecutor(_THREADS) as threads:
        list(threads.map(lambda number: naive.train(store, base_url, number), numbers))


def naive_call_all(count: int) -> None:
    """Start the naive twin's trainings."""
    store = naive_store()
    for number in range(count):
        while True:
            try:
                store.create(number)
                break
            except Exception:
                time.sleep(0.5)


def naive_work(number: int, workers: int) -> None:
    """Be a naive worker until the kill: finish what is unfinished of its share, again and again."""
    store = naive_store()
    while True:
        with suppress(Exception):  # a database that is away comes back
            rows = store.rows()
            unfinished = [n for n, row in rows.items() if row["status"] != "completed"]
            naive_finish_all([n for n in unfinished if n % workers == number])
        time.sleep(0.2)


_SIGNALS = {"stop": signal.SIGSTOP, "go": signal.SIGCONT}


def nursery(folder: Path) -> None:
    """Fork and kill children as the lines of standard input say; none outlives it.

    ``train NUMBER``, ``worker NUMBER OF`` and the naive ones answer with a pid; ``kill PID``
    answers "killed", or "gone" where the child had ended by itself, and ``alive PID`` asks that.
    ``stop PID`` freezes a child, and ``go PID`` lets it run again.
    """
    children: set[int] = set()
    try:
        for line in sys.stdin:
            word, *numbers = line.split()
            number = int(numbers[0])
            if word == "kill":
                children.discard(number)
                print(_end(number), flush=True)
                continue
            if word in _SIGNALS:
                gone = number not in children or _gone(number)
                if not gone:
                    os.kill(number, _SIGNALS[word])
                print("gone" if gone else "sent", flush=True)
                continue
            if word == "alive":
                gone = number not in children or _gone(number)
                if gone:
                    children.discard(number)
                print("gone" if gone else "alive", flush=True)
                continue
            pid = os.fork()
            if pid == 0:
                _live(word, folder, [int(n) for n in numbers])
            children.add(pid)
            print(pid, flush=True)
    finally:
        for pid in children:
            _end(pid)


def _gone(pid: int) -> bool:
    """Whether a child that nobody has reaped has ended; it is reaped then."""
    return os.waitpid(pid, os.WNOHANG)[0] == pid


def _end(pid: int) -> str:
    """SIGKILL a child that nobody has reaped, so that the pid is surely its own."""
    gone = _gone(pid)
    if not gone:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return "gone" if gone else "killed"


def _live(word: str, folder: Path, numbers: list[int]) -> None:
    """Be a child: run, write down why it ended, and never return to the nursery."""
    try:
        with (folder / "children.log").open("a") as log:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        _die_with_parent()
        logging.basicConfig(level=logging.WARNING)
        if word == "naive":
            naive_train(*numbers)
        elif word == "naive-worker":
            naive_work(*numbers)
        elif word == "worker":
            anyio.run(work, folder, *numbers)
        else:
            anyio.run(train_until_killed, folder, *numbers)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(1)


def _die_with_parent() -> None:
    """Have Linux kill this process when the one that started it is gone, however that went."""
    if sys.platform == "linux":
        set_parent_death_signal = 1  # of prctl(2)
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)


def _import_all() -> None:
    """Import what a training needs, so that children start at once."""
    from importlib import import_module

    for name in ("acme", "avatarkit.media.folder"):
        import_module(name)
    with suppress(ImportError):
        import_module("av")  # preflight looks inside recordings with it
    with suppress(ImportError):
        import_module("psycopg_pool")
    repository()


def main() -> None:
    """Be what the command line says."""
    what, folder, more = sys.argv[1], Path(sys.argv[2]), [int(n) for n in sys.argv[3:]]
    _die_with_parent()
    _import_all()
    if what == "nursery":
        nursery(folder)
    elif what == "watch":
        anyio.run(watch_all, folder, more)
    elif what == "call":
        anyio.run(call_all, folder, more[0])
    elif what == "naive":
        naive_finish_all(more)
    elif what == "naive-call":
        naive_call_all(more[0])
    else:
        anyio.run(identical, folder, more[0])


if __name__ == "__main__":
    main()
