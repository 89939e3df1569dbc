"""Kills with SIGKILL at random instants, and counts what the vendor was paid for.

    python tests/proof/kill.py [--kills 200] [--seed 1]     trainings: each operation paid once
    python tests/proof/kill.py --command [--kills 20]       the same, by the command ``avatarkit``
    python tests/proof/kill.py --naive [--kills 20]         call, then save: paid more than once
    python tests/proof/kill.py identical                    50 identical calls from 5 processes
    python tests/proof/kill.py workers --repository postgres --trainings 1000 --kills 12 --crash
                                                            workers, and the database under them

The vendor is a process of its own that charges before it answers and loses 2 % of its answers.

Without a word each training runs in its own process; after the kill its row tells where it was.
Then a new process works and watches until every training is final. With ``workers`` one process
calls, and several work; those that are killed are replaced at once, and with ``--crash`` the
database is stopped with ``-m immediate`` and started again in the middle. With ``--stops`` workers
are frozen by SIGSTOP for longer than their leases, and go on; ``--ahead`` sets a clock wrong.

The exit status is 1 if a training is not completed, an operation was not accepted exactly once,
the vendor holds what no row knows, or too few kills fell where they count (of trainings, half of
them between intent and done); with ``--naive`` it is 1 if no double payment is seen. It is 2 where
a server that is asked for is not installed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import naive
from books import Books
from databases import PLACES, Missing, sqlite
from processes import DRIVER, Nursery, ending, running
from twins import BETWEEN, CLASSES, Avatarkit, ByCommand, Naive, say
from workers import Plan, kill_workers

_STARTED = 20.0  # seconds within which an aimed instant must come


@dataclass
class Kill:
    """One kill: of which training, when, and where it fell."""

    number: int
    at: float
    fell: str
    operation: str | None = None  #: whose fate was open


@dataclass
class Outcome(Books):
    """What is counted where trainings are killed."""

    kills: list[Kill] = field(default_factory=list)

    def count(self, fell: str) -> int:
        return sum(kill.fell == fell for kill in self.kills)

    @property
    def violations(self) -> list[str]:
        few = 2 * self.count(BETWEEN) < len(self.kills)
        words = "less than half of the kills fell between intent and done"
        return super().violations + [words] * few

    def lines(self) -> list[str]:
        """The report."""
        early = sum(self._charged_before(kill) for kill in self.kills if kill.fell == BETWEEN)
        between = f"  (the vendor had charged already: {early})"
        return [
            f"kills: {len(self.kills)}",
            *(
                f"  {fell:26}{self.count(fell):4}{between if fell == BETWEEN else ''}"
                for fell in CLASSES
            ),
            f"trainings completed: {self.completed} of {self.trainings}",
            f"answers lost by the vendor: {self.unanswered} of {len(self.charges)}",
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
        return super().counts() | {"kills": len(self.kills), "between": self.count(BETWEEN)}

    def _charged_before(self, kill: Kill) -> bool:
        token = self.tokens[2 * kill.number + (kill.operation == "avatar")]
        return any(charge["at"] <= kill.at for charge in self.paid.get(token, ()))


async def kill_trainings(
    twin: type[Avatarkit | Naive], kills: int, *, seed: int, size: int, lease: float | None
) -> Outcome:
    """Kill ``kills`` trainings, ``size`` in a round, and let a new process finish each round."""
    rnd, outcome = random.Random(seed), Outcome()
    async with AsyncExitStack() as exits:
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="avatarkit-proof-")))
        place = exits.enter_context(sqlite(folder, kills))
        run = await exits.enter_async_context(running(folder, seed, lease, place.environment))
        trainings = twin(place)
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
        await asyncio.sleep(0.5)  # what a killed process had sent may still be on its way
        await outcome.fill(run, kills, trainings.end)
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
        say(f"training {number} ended by itself before its kill")
    fell, operation = await trainings.where(number)
    return Kill(number, at, fell, operation)


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
        place = exits.enter_context(sqlite(folder, 1))
        run = await exits.enter_async_context(running(folder, seed, None, place.environment))
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
        repository = place.repository()
        await repository.open()
        exits.push_async_callback(repository.aclose)
        rows = len((await repository.page("training")).records)
        return Identical(processes * calls, ids, rows, await run.ledger())


def main() -> int:
    """Run what the command line asks for, print the counts, and return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument(
        "what", nargs="?", choices=["kills", "identical", "workers"], default="kills"
    )
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--round", type=int, default=50, help="trainings finished together")
    parser.add_argument("--lease", type=float, help="seconds that a dead claim holds")
    parser.add_argument("--naive", action="store_true")
    parser.add_argument("--command", action="store_true", help="finish by `avatarkit watch`")
    parser.add_argument("--repository", choices=list(PLACES), default="sqlite")
    parser.add_argument("--trainings", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--crash", action="store_true", help="stop the database in the middle")
    parser.add_argument("--stops", type=int, default=0, help="workers frozen beyond their leases")
    parser.add_argument("--ahead", action="store_true", help="one worker's clock is an hour ahead")
    parser.add_argument(
        "--engine", choices=["in-process", "dbos", "temporal"], default="in-process"
    )
    parser.add_argument("--orphan", action="store_true", help="one worker never comes back")
    parser.add_argument("--longest", type=float, default=1200.0, help="seconds for all of it")
    parser.add_argument("--json", action="store_true", help="print the counts for a program")
    given = parser.parse_args()
    start = time.monotonic()
    if given.what == "identical":
        outcome = asyncio.run(call_identically(seed=given.seed))
        good, title = outcome.good, "avatarkit"
    elif given.what == "workers":
        twin = Naive if given.naive else Avatarkit
        if given.repository == "sqlite" and given.crash:
            parser.error("a file cannot be stopped")
        if given.repository == "sqlite" and given.ahead:
            parser.error("a file has one machine, and that one clock")
        if given.engine == "dbos" and given.repository != "postgres":
            parser.error("the engine dbos needs --repository postgres")
        plan = Plan(**{name: getattr(given, name) for name in Plan.__dataclass_fields__})
        try:
            outcome = asyncio.run(kill_workers(twin, plan))
        except Missing as missing:
            say(str(missing))
            return 2
        good = outcome.more + outcome.lost > 0 if given.naive else not outcome.violations
        title = (
            f"{twin.title}, engine {given.engine}, on {given.repository}, {given.workers} workers, "
            f"seed {given.seed}"
        )
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
    if given.what != "identical" and not given.naive:
        print("".join(f"VIOLATED: {words}\n" for words in outcome.violations), end="")
    print(f"{'as it must be' if good else 'BROKEN'} ({time.monotonic() - start:.0f} s)")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
