"""Kills trainings with SIGKILL at random instants, and counts what the vendor was paid for.

    python tests/proof/kill.py [--kills 200] [--seed 1]     avatarkit: each operation paid once
    python tests/proof/kill.py --command [--kills 20]       the same, by the command ``avatarkit``
    python tests/proof/kill.py --naive [--kills 20]         call, then save: paid more than once
    python tests/proof/kill.py identical                    50 identical calls from 5 processes

The vendor is a process of its own that charges before it answers and loses 2 % of its answers.
Each training runs in its own process; after the kill its row tells where it was. Then a new
process works and watches until every training is final. The exit status is 1 if a training is
not completed, an operation was not accepted exactly once, the vendor holds what no row knows,
or less than half of the kills fell between intent and done; with ``--naive`` it is 1 if no double
payment is seen.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import json
import random
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import naive
from processes import DRIVER, Nursery, Run, ending, running

from avatarkit.engines.clock import SystemClock
from avatarkit.models import Operation
from avatarkit.records import Phase, Record, Status
from avatarkit.repositories.sqlite import SqliteRepository

#: Where a kill can fall, in the order of a training's life.
CLASSES = (
    "no row yet",
    "before the first intent",
    "between intent and done",
    "waiting for the vendor",
    "after the end",
)
BETWEEN = CLASSES[2]
_STARTED = 20.0  # seconds within which an aimed instant must come
_FINISHED = 300.0  # seconds within which a process must finish what was killed


@dataclass
class Kill:
    """One kill: of which training, when, and where it fell."""

    number: int
    at: float
    fell: str
    operation: str | None = None  #: whose fate was open


@dataclass
class End:
    """What a row says in the end."""

    completed: bool
    tokens: list[str]  #: of the voice and of the avatar
    known: set[str] = field(default_factory=set)  #: the vendor's ids
    absent: int = 0  #: attempts that were proved not to have been accepted


@dataclass
class Outcome:
    """What the vendor's ledger and the rows say in the end."""

    kills: list[Kill] = field(default_factory=list)
    completed: int = 0
    trainings: int = 0
    absent: int = 0
    paid: dict[str, list[dict]] = field(default_factory=dict)  #: by token
    tokens: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    charges: list[dict] = field(default_factory=list)

    def count(self, fell: str) -> int:
        return sum(kill.fell == fell for kill in self.kills)

    @property
    def once(self) -> int:
        return sum(len(self.paid.get(token, ())) == 1 for token in self.tokens)

    @property
    def more(self) -> int:
        return sum(len(charges) > 1 for charges in self.paid.values())

    @property
    def never(self) -> int:
        return sum(token not in self.paid for token in self.tokens)

    @property
    def violations(self) -> list[str]:
        """What must not be, in words."""
        found = {
            f"{self.trainings - self.completed} trainings not completed": (
                self.completed != self.trainings
            ),
            f"{self.more} operations paid more than once": self.more > 0,
            f"{self.never} operations never accepted": self.never > 0,
            f"orphans at the vendor: {self.orphans}": bool(self.orphans),
            "less than half of the kills fell between intent and done": (
                2 * self.count(BETWEEN) < len(self.kills)
            ),
        }
        return [words for words, violated in found.items() if violated]

    def lines(self) -> list[str]:
        """The report."""
        lost = sum(not charge["answered"] for charge in self.charges)
        early = sum(self._charged_before(kill) for kill in self.kills if kill.fell == BETWEEN)
        between = f"  (the vendor had charged already: {early})"
        return [
            f"kills: {len(self.kills)}",
            *(
                f"  {fell:26}{self.count(fell):4}{between if fell == BETWEEN else ''}"
                for fell in CLASSES
            ),
            f"trainings completed: {self.completed} of {self.trainings}",
            f"answers lost by the vendor: {lost} of {len(self.charges)}",
            f"operations: {len(self.tokens)}",
            (
                f"  accepted once by the vendor's ledger: {self.once}, more than once: "
                f"{self.more}, never: {self.never}"
            ),
            f"  intents proved never to have arrived, and sent again: {self.absent}",
            f"orphans at the vendor: {len(self.orphans)}",
        ]

    def counts(self) -> dict[str, object]:
        """The report, for programs."""
        return {
            "kills": len(self.kills),
            "between": self.count(BETWEEN),
            "trainings": self.trainings,
            "completed": self.completed,
            "operations": len(self.tokens),
            "once": self.once,
            "more": self.more,
            "never": self.never,
            "absent": self.absent,
            "orphans": self.orphans,
        }

    def _charged_before(self, kill: Kill) -> bool:
        token = self.tokens[2 * kill.number + (kill.operation == "avatar")]
        return any(charge["at"] <= kill.at for charge in self.paid.get(token, ()))


class Avatarkit:
    """The trainings under test, as their rows tell of them."""

    word, title = "train", "avatarkit"

    def __init__(self, folder: Path) -> None:
        self.repository = SqliteRepository(folder / "twins.db", clock=SystemClock())

    async def open(self) -> None:
        await self.repository.open()

    async def aclose(self) -> None:
        await self.repository.aclose()

    async def finish(self, run: Run, numbers: list[int]) -> None:
        """Have a new process work and watch until they are final."""
        await _ended(run, "watch", run.folder, *numbers)

    async def _row(self, number: int) -> Record | None:
        page = await self.repository.page("training", user_id=f"user-{number:04d}")
        return page.records[0] if page.records else None

    async def where(self, number: int) -> tuple[str, str | None]:
        """Where the training is in its life, and whose intent is open."""
        row = await self._row(number)
        if row is None:
            return CLASSES[0], None
        for state in row.operations:
            if state.phase is Phase.INTENT:
                return BETWEEN, str(state.operation)
        if row.status.final:
            return CLASSES[4], None
        sent = any(state.phase is Phase.DONE for state in row.operations)
        return CLASSES[3 if sent else 1], None

    async def end(self, number: int) -> End:
        """What the training's row says."""
        row = await self._row(number)
        if row is None:
            return End(
                completed=False, tokens=[f"no-row-{number}-{kind}" for kind in naive.OPERATIONS]
            )
        tokens = [row.token(o) for o in (Operation.VOICE, Operation.AVATAR)]
        known = {i for o in row.operations for i in (o.job_id, *o.duplicates) if i}
        absent = sum(state.tries for state in row.operations)
        return End(row.status is Status.COMPLETED, tokens, known, absent)


class ByCommand(Avatarkit):
    """The same trainings, finished as a person would: by ``avatarkit watch``, one by one.

    Its bounds are the default ones: what never reached the vendor settles after two minutes.
    """

    title = "avatarkit, finished by its command line"

    async def finish(self, run: Run, numbers: list[int]) -> None:
        for number in numbers:
            row = await self._row(number)
            words = self._train(run, number) if row is None else ("watch", row.id)
            await _ended(run, *words, program=("-m", "avatarkit"))

    @staticmethod
    def _train(run: Run, number: int) -> tuple[object, ...]:
        """Nothing was saved: the person calls again."""
        samples = ("--voice", run.folder / "voice.wav", "--footage", run.folder / "portrait.png")
        whose = ("--user", f"user-{number:04d}", "--clone", f"clone-{number:04d}")
        key = ("--key", "the one training", "--not-a-real-person", "a tone and a grey square")
        return ("train", *samples, *whose, *key)


class Naive:
    """The naive twin's trainings."""

    word, title = "naive", "the naive twin: call, then save"

    def __init__(self, folder: Path) -> None:
        self.store = naive.NaiveStore(folder / "naive.db")

    async def open(self) -> None:
        self.store.open()

    async def aclose(self) -> None:
        pass

    async def finish(self, run: Run, numbers: list[int]) -> None:
        await _ended(run, "naive", run.folder, *numbers)

    async def where(self, number: int) -> tuple[str, str | None]:
        row = self.store.row(number)
        if row is None:
            return CLASSES[0], None
        word, _, operation = (row["status"] or "").partition(" ")
        if word == "calling":
            return BETWEEN, operation
        return CLASSES[4 if word == "completed" else 3], None

    async def end(self, number: int) -> End:
        row = self.store.row(number) or {}
        tokens = [f"naive-{number}-{kind}" for kind in naive.OPERATIONS]
        known = {row.get(kind) for kind in naive.OPERATIONS} - {None}
        return End(row.get("status") == "completed", tokens, known)


async def _ended(run: Run, *words: object, program: tuple[object, ...] = (DRIVER,)) -> None:
    """Run a process to its end, and tell where it failed."""
    pipe, both = asyncio.subprocess.PIPE, asyncio.subprocess.STDOUT
    process = await run.start(*program, *words, stdout=pipe, stderr=both)
    async with ending(process):
        said, _ = await asyncio.wait_for(process.communicate(), _FINISHED)
        if process.returncode:
            _say(f"{words[0]} ended with {process.returncode}:\n{said.decode()[-4000:]}")


async def kill_trainings(
    twin: type[Avatarkit | Naive], kills: int, *, seed: int, size: int, lease: float | None
) -> Outcome:
    """Kill ``kills`` trainings, ``size`` in a round, and let a new process finish each round."""
    rnd, outcome = random.Random(seed), Outcome()
    async with AsyncExitStack() as exits:
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="avatarkit-proof-")))
        run = await exits.enter_async_context(running(folder, seed, lease))
        trainings = twin(folder)
        await trainings.open()
        exits.push_async_callback(trainings.aclose)
        pipe = asyncio.subprocess.PIPE
        process = await run.start(DRIVER, "nursery", folder, stdin=pipe, stdout=pipe)
        await exits.enter_async_context(ending(process))
        nursery = Nursery(process)
        for first in range(0, kills, size):
            numbers = list(range(first, min(first + size, kills)))
            queue = iter(numbers)

            async def lane(queue=queue) -> None:
                for number in queue:
                    outcome.kills.append(await _kill_one(nursery, trainings, number, outcome, rnd))

            await asyncio.gather(lane(), lane())
            await trainings.finish(run, numbers)
        await _sum_up(outcome, run, trainings, kills)
    return outcome


async def _kill_one(
    nursery: Nursery,
    trainings: Avatarkit | Naive,
    number: int,
    outcome: Outcome,
    rnd: random.Random,
) -> Kill:
    """Start a training and kill it: at any instant, or at one after an intent was saved.

    While fewer than three in five kills have fallen between intent and done it is aimed, and soon
    after the intent, when the vendor cannot have answered; else it is mostly anywhere.
    """
    needed = outcome.count(BETWEEN) < 0.6 * (len(outcome.kills) + 1)
    aimed = needed or rnd.random() < 0.3
    operation, blind = rnd.choice(list(naive.OPERATIONS)), rnd.uniform(0, 2)
    delay = rnd.uniform(0, rnd.choice((0.01, 0.05)) if needed else 0.12)
    pid = await nursery.ask(trainings.word, number)
    if aimed:
        limit = time.monotonic() + _STARTED
        while await trainings.where(number) != (BETWEEN, operation):
            if time.monotonic() > limit:
                break
            await asyncio.sleep(0.004)
        await asyncio.sleep(delay)
    else:
        await asyncio.sleep(blind)
    at = time.time()
    answer = await nursery.ask("kill", pid)
    if answer != "killed":
        _say(f"training {number} ended by itself before its kill")
    fell, operation = await trainings.where(number)
    return Kill(number, at, fell, operation)


def _say(words: str) -> None:
    """Tell what should not be, beside the report."""
    print(words, file=sys.stderr, flush=True)


async def _sum_up(outcome: Outcome, run: Run, trainings: Avatarkit | Naive, count: int) -> None:
    await asyncio.sleep(0.5)  # what a killed process had sent may still be on its way
    outcome.trainings, outcome.charges = count, await run.ledger()
    paid = collections.defaultdict(list)
    for charge in outcome.charges:
        paid[charge["token"]].append(charge)
    outcome.paid = dict(paid)
    known: set[str] = set()
    for number in range(count):
        end = await trainings.end(number)
        outcome.completed += end.completed
        outcome.absent += end.absent
        outcome.tokens += end.tokens
        known |= end.known
    outcome.orphans = [
        f"{c['id']} ({c['token']})"
        for c in outcome.charges
        if c["id"] not in known and not c["deleted"]
    ]


@dataclass
class Identical:
    """What came of many identical calls."""

    calls: int
    ids: set[str]
    rows: int
    charges: list[dict]

    @property
    def good(self) -> bool:
        kinds = sorted(charge["kind"] for charge in self.charges)
        return len(self.ids) == self.rows == 1 and kinds == ["avatars", "voices"]

    def lines(self) -> list[str]:
        kinds = ", ".join(charge["kind"] for charge in self.charges)
        return [
            f"identical calls: {self.calls}",
            f"trainings: {self.rows}, ids that came back: {len(self.ids)}",
            f"paid calls by the vendor's ledger: {len(self.charges)} ({kinds})",
        ]

    def counts(self) -> dict[str, object]:
        """The report, for programs."""
        kinds = sorted(charge["kind"] for charge in self.charges)
        return {"calls": self.calls, "ids": len(self.ids), "rows": self.rows, "paid": kinds}


async def call_identically(processes: int = 5, calls: int = 10, *, seed: int = 1) -> Identical:
    """Call ``train`` with one key from several processes at once."""
    async with AsyncExitStack() as exits:
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="avatarkit-proof-")))
        run = await exits.enter_async_context(running(folder, seed, None))
        pipe = asyncio.subprocess.PIPE
        callers = []
        for _ in range(processes):
            caller = await run.start(DRIVER, "identical", folder, calls, stdin=pipe, stdout=pipe)
            await exits.enter_async_context(ending(caller))
            callers.append(caller)
        for caller in callers:
            await asyncio.wait_for(caller.stdout.readline(), 60)
        for caller in callers:
            caller.stdin.write(b"go\n")
        answers = [await asyncio.wait_for(c.stdout.readline(), 120) for c in callers]
        ids = {i for answer in answers for i in json.loads(answer)}
        repository = SqliteRepository(folder / "twins.db", clock=SystemClock())
        await repository.open()
        exits.push_async_callback(repository.aclose)
        rows = len((await repository.page("training")).records)
        return Identical(processes * calls, ids, rows, await run.ledger())


def main() -> int:
    """Run what the command line asks for, print the counts, and return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("what", nargs="?", choices=["kills", "identical"], default="kills")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--round", type=int, default=50, help="trainings finished together")
    parser.add_argument("--lease", type=float, help="seconds that a dead claim holds")
    parser.add_argument("--naive", action="store_true")
    parser.add_argument("--command", action="store_true", help="finish by `avatarkit watch`")
    parser.add_argument("--json", action="store_true", help="print the counts for a program")
    given = parser.parse_args()
    start = time.monotonic()
    if given.what == "identical":
        outcome = asyncio.run(call_identically(seed=given.seed))
        good, title = outcome.good, "avatarkit"
    else:
        twin = Naive if given.naive else ByCommand if given.command else Avatarkit
        outcome = asyncio.run(
            kill_trainings(twin, given.kills, seed=given.seed, size=given.round, lease=given.lease)
        )
        good = outcome.more > 0 if given.naive else not outcome.violations
        title = f"{twin.title}, seed {given.seed}"
    if given.json:
        print(json.dumps(outcome.counts()))
        return 0 if good else 1
    print("\n".join([title, *outcome.lines()]))
    if given.what == "kills" and not given.naive:
        print("".join(f"VIOLATED: {words}\n" for words in outcome.violations), end="")
    print(f"{'as it must be' if good else 'BROKEN'} ({time.monotonic() - start:.0f} s)")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
