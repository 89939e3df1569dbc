"""Kills workers, and the database under them, while one process calls and the others work."""

from __future__ import annotations

import asyncio
import random
import signal
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from books import Books
from databases import PLACES, Place, temporal_server
from processes import DRIVER, Nursery, Run, ending, running
from twins import Avatarkit, Naive, say

#: The vendor's jobs take so many seconds, from and to.
JOBS = (1.0, 2.0)
#: Bounds of a call, in multiples of the shortest ones: on a full machine nobody must be hasty.
_SLOWER = 3.0
_LEASE = 15.0  # seconds, of the in-process engine
_LOOK = 0.1  # seconds between looks at the vendor
_ABSENCE = (0.5, 3.0)  # seconds for which the database stays away, from and to


@dataclass(kw_only=True)
class Plan:
    """How many of what."""

    repository: str
    trainings: int
    workers: int
    kills: int
    crash: bool
    stops: int
    ahead: bool
    seed: int
    lease: float | None
    longest: float  #: seconds that everything may take
    engine: str = "in-process"
    orphan: bool = False  #: one worker is killed, and never comes back


@dataclass
class WorkedBooks(Books):
    """What is counted where workers are killed."""

    kills: int = 0
    crashes: list[tuple[float, float]] = field(default_factory=list)  #: away from, and until
    died: int = 0  #: workers that ended by themselves
    stops: int = 0  #: workers that were frozen beyond their leases, and went on
    wanted: int = 0

    @property
    def unheard(self) -> int:
        """Paid calls whose caller was dead when the vendor answered."""
        return sum(charge["unheard"] for charge in self.charges)

    @property
    def unsaved(self) -> int:
        """Paid calls that were accepted while the database was away."""
        return sum(a <= c["at"] <= b for c in self.charges for a, b in self.crashes)

    @property
    def answered_twice(self) -> int:
        """Operations that were paid twice although the vendor lost no answer to them."""
        paid = self.paid.values()
        return sum(len(charges) > 1 and all(c["answered"] for c in charges) for charges in paid)

    @property
    def lost(self) -> int:
        """Jobs that no row knows, and what was never ordered."""
        return len(self.orphans) + self.never

    @property
    def violations(self) -> list[str]:
        done = self.kills + self.stops
        few = done < self.wanted
        return super().violations + [f"only {done} of {self.wanted} kills and stops"] * few

    def lines(self) -> list[str]:
        """The report."""
        alone = f" ({self.answered_twice} of them by kills and crashes alone)"
        return [
            f"trainings: {self.trainings}, kills: {self.kills}, crashes of the database: "
            f"{len(self.crashes)} ({', '.join(f'{b - a:.1f} s' for a, b in self.crashes)}), "
            f"workers frozen beyond their leases: {self.stops}, "
            f"workers that ended by themselves: {self.died}",
            f"answers lost by the vendor: {self.unanswered}, paid calls whose caller was killed "
            f"before the answer: {self.unheard}, accepted while the database was away: "
            f"{self.unsaved}, proved absent and sent again: {self.absent}",
            f"operations: {len(self.tokens)}, accepted once: {self.once}, never: {self.never}, "
            f"orphans: {len(self.orphans)}",
            f"lost {self.lost}, paid twice {self.more}{alone if self.more else ''}, "
            f"not final {self.open}",
        ]

    def counts(self) -> dict[str, object]:
        return super().counts() | {
            "kills": self.kills,
            "crashes": len(self.crashes),
            "stops": self.stops,
            "lost": self.lost,
            "open": self.open,
        }


async def kill_workers(twin: type[Avatarkit | Naive], plan: Plan) -> WorkedBooks:
    """Run it, and count; SIGTERM ends it as an interrupt does, and leaves nothing behind."""
    task = asyncio.current_task()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    async with AsyncExitStack() as exits:
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="avatarkit-proof-")))
        place = exits.enter_context(PLACES[plan.repository](folder, plan.trainings))
        bounds = {
            "PROOF_SLOWER": str(_SLOWER),
            "ACME_TYPICAL": "25",
            "PROOF_ENGINE": plan.engine,
        }
        if plan.engine == "temporal":
            bounds["TEMPORAL_ADDRESS"] = exits.enter_context(temporal_server())
        bounds |= {"PROOF_AHEAD": "1"} if plan.ahead else {}
        run = await exits.enter_async_context(
            running(folder, plan.seed, plan.lease, place.environment | bounds, jobs=JOBS)
        )
        trainings = twin(place)
        await trainings.open()
        exits.push_async_callback(trainings.aclose)
        pipe = asyncio.subprocess.PIPE
        process = await run.start(DRIVER, "nursery", folder, stdin=pipe, stdout=pipe)
        await exits.enter_async_context(ending(process))
        log = exits.enter_context((folder / "children.log").open("a"))
        caller = await run.start(DRIVER, twin.caller, folder, plan.trainings, stderr=log)
        await exits.enter_async_context(ending(caller))
        books = WorkedBooks(wanted=plan.kills + plan.stops)
        crew = _Crew(Nursery(process), twin.worker, plan, books)
        try:
            async with asyncio.timeout(plan.longest):
                await crew.hire()
                await _disturb(crew, place, run, plan, caller)
                while await trainings.working():
                    await crew.replace()
                    await asyncio.sleep(0.5)
        except TimeoutError:
            say(f"not finished after {plan.longest:.0f} s")
        await asyncio.sleep(0.5)  # what a killed process had sent may still be on its way
        await books.fill(run, plan.trainings, trainings.end)
        if books.violations and twin is Avatarkit:
            say((folder / "children.log").read_text()[-4000:])
        return books


class _Crew:
    """The workers, and the supervisor that puts a new one in the place of each that is gone."""

    def __init__(self, nursery: Nursery, word: str, plan: Plan, books: WorkedBooks) -> None:
        self._nursery, self._word, self.books = nursery, word, books
        self.random = random.Random(plan.seed)
        self._size, self._pids = plan.workers, []

    async def hire(self) -> None:
        self._pids = [await self._new(n) for n in range(self._size)]

    async def _new(self, number: int) -> str:
        numbers = (number, self._size) if self._word == Naive.worker else (number,)
        return await self._nursery.ask(self._word, *numbers)

    async def kill(self) -> None:
        """SIGKILL one, whichever, and replace it at once."""
        number = self.random.randrange(self._size)
        if await self._nursery.ask("kill", self._pids[number]) == "killed":
            self.books.kills += 1
        else:
            self.books.died += 1
        self._pids[number] = await self._new(number)

    async def stop(self, lease: float) -> None:
        """SIGSTOP one, whichever, until after its lease; then it goes on where it was."""
        pid = self._pids[self.random.randrange(self._size)]
        if await self._nursery.ask("stop", pid) == "sent":
            await asyncio.sleep(1.5 * lease + 1)
            self.books.stops += await self._nursery.ask("go", pid) == "sent"

    async def lose(self) -> None:
        """SIGKILL the first one for good."""
        if await self._nursery.ask("kill", self._pids.pop(0)) == "killed":
            self.books.kills += 1
        self._size -= 1

    async def replace(self) -> None:
        """Replace those that ended by themselves."""
        for number, pid in enumerate(self._pids):
            if await self._nursery.ask("alive", pid) == "gone":
                self.books.died += 1
                self._pids[number] = await self._new(number)


async def _disturb(
    crew: _Crew, place: Place, run: Run, plan: Plan, caller: asyncio.subprocess.Process
) -> None:
    """Kill at random moments, told by how much was paid for; stop the database in the middle.

    Every second kill comes right after a payment. One falls while the database is away.
    """
    expected = 2 * plan.trainings
    blind = plan.kills - (plan.crash and plan.kills > 0)
    moments = sorted(crew.random.uniform(0.02, 0.95) * expected for _ in range(blind))
    freezes = [(n + 1) / (plan.stops + 1) * 0.8 * expected for n in range(plan.stops)]
    middle = expected * crew.random.uniform(0.4, 0.6) if plan.crash else None
    lost = expected * crew.random.uniform(0.1, 0.4) if plan.orphan else None
    while moments or freezes or middle is not None or caller.returncode is None:
        charged = await run.charged()
        await crew.replace()
        owed = plan.kills - crew.books.kills - len(moments)
        if owed > 0 and middle is None:  # a worker had ended by itself before its kill
            moments.append(charged)
        if lost is not None and charged >= lost:
            await _payment(run, charged)
            await crew.lose()
            lost = None
        if moments and charged >= moments[0]:
            if len(moments) % 2:
                await _payment(run, charged)
            await asyncio.sleep(crew.random.uniform(0, 0.1))
            await crew.kill()
            moments.pop(0)
        elif freezes and charged >= freezes[0]:
            await crew.stop(plan.lease or _LEASE)
            freezes.pop(0)
        elif middle is not None and charged >= middle:
            await _crash(crew, place, plan)
            middle = None
        else:
            await asyncio.sleep(_LOOK)


async def _payment(run: Run, charged: int) -> None:
    """Wait, a second at most, until the vendor has accepted another job."""
    for _ in range(50):
        if await run.charged() > charged:
            return
        await asyncio.sleep(0.02)


async def _crash(crew: _Crew, place: Place, plan: Plan) -> None:
    """Stop the database as a power cut would, and start it again; kill a worker in between."""
    away = crew.random.uniform(*_ABSENCE) / 2
    gone = time.time()
    await asyncio.to_thread(place.cluster.crash)
    await asyncio.sleep(away)
    if plan.kills:
        await crew.kill()
    await asyncio.sleep(away)
    await asyncio.to_thread(place.cluster.start)
    crew.books.crashes.append((gone, time.time()))
