"""What runs in the processes of the proof: trainings that are killed, and those that finish them.

    driver.py nursery FOLDER           forks one child per training, on command; all is imported
    driver.py watch FOLDER NUMBER...   a new process: works, and watches until all are final
    driver.py naive FOLDER NUMBER...   the same for the naive twin
    driver.py identical FOLDER COUNT   COUNT identical calls of ``train`` at once

A child of the nursery is forked before any event loop or thread exists.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import anyio
import naive

from avatarkit.kit import AvatarKit
from avatarkit.models import Consent
from avatarkit.records import Status, Training
from avatarkit.states import Policy

#: Short bounds, so that a doubt settles in seconds. They hold for every process of a run.
POLICY = Policy(send_guard=0.5, timeout=1.5)
_LONGEST = 180  # seconds that one round may take to finish


def kit(folder: Path) -> AvatarKit:
    """The kit of a run; everything lives in one folder."""
    made = AvatarKit(
        "acme", repository=f"sqlite:///{folder / 'twins.db'}", media=folder / "media", policy=POLICY
    )
    made._engine._lease = float(os.environ.get("PROOF_LEASE", made._engine._lease))
    return made


def user(number: int) -> str:
    """The user whom a training of the run belongs to."""
    return f"user-{number:04d}"


async def train(opened: AvatarKit, folder: Path, number: int) -> Training:
    """Start the training of a number, with samples that lie in the folder."""
    return await opened.train(
        user_id=user(number),
        clone_id=f"clone-{number:04d}",
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


def naive_train(folder: Path, number: int) -> None:
    """Do the naive twin's training, then wait for the kill."""
    store = naive.NaiveStore(folder / "naive.db")
    naive.train(store, os.environ["AVATARKIT_ACME_BASE_URL"], number)
    signal.pause()


def naive_finish_all(folder: Path, numbers: list[int]) -> None:
    """Start the naive twin again: it finishes what it finds unfinished."""
    store = naive.NaiveStore(folder / "naive.db")
    base_url = os.environ["AVATARKIT_ACME_BASE_URL"]
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda number: naive.train(store, base_url, number), numbers))


def nursery(folder: Path) -> None:
    """Fork and kill children as the lines of standard input say; none outlives it.

    ``train NUMBER`` and ``naive NUMBER`` answer with a pid; ``kill PID`` answers "killed", or
    "gone" where the child had ended by itself.
    """
    children: set[int] = set()
    try:
        for line in sys.stdin:
            word, number = line.split()
            if word == "kill":
                children.discard(int(number))
                print(_end(int(number)), flush=True)
                continue
            pid = os.fork()
            if pid == 0:
                _live(word, folder, int(number))
            children.add(pid)
            print(pid, flush=True)
    finally:
        for pid in children:
            _end(pid)


def _end(pid: int) -> str:
    """SIGKILL a child that nobody has reaped, so that the pid is surely its own."""
    gone = os.waitpid(pid, os.WNOHANG)[0] == pid
    if not gone:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return "gone" if gone else "killed"


def _live(word: str, folder: Path, number: int) -> None:
    """Be a child: run, write down why it ended, and never return to the nursery."""
    try:
        with (folder / "children.log").open("a") as log:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        if word == "naive":
            naive_train(folder, number)
        else:
            anyio.run(train_until_killed, folder, number)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(1)


def _import_all() -> None:
    """Import what a training needs, so that children start at once."""
    from importlib import import_module

    for name in ("acme", "avatarkit.repositories.sqlite", "avatarkit.media.folder"):
        import_module(name)
    with suppress(ImportError):
        import_module("av")  # preflight looks inside recordings with it


def main() -> None:
    """Be what the command line says."""
    what, folder, more = sys.argv[1], Path(sys.argv[2]), [int(n) for n in sys.argv[3:]]
    _import_all()
    if what == "nursery":
        nursery(folder)
    elif what == "watch":
        anyio.run(watch_all, folder, more)
    elif what == "naive":
        naive_finish_all(folder, more)
    else:
        anyio.run(identical, folder, more[0])


if __name__ == "__main__":
    main()
