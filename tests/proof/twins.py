"""What is under test: avatarkit's trainings, and its naive twin's, as rows tell of them."""

from __future__ import annotations

import asyncio
import sys

import naive
from books import End
from databases import Place
from processes import DRIVER, Run, clone, ending, user

from avatarkit.errors import AvatarKitError
from avatarkit.models import Operation
from avatarkit.records import Phase, Record, Status

#: Where a kill can fall, in the order of a training's life.
CLASSES = (
    "no row yet",
    "before the first intent",
    "between intent and done",
    "waiting for the vendor",
    "after the end",
)
BETWEEN = CLASSES[2]
_FINISHED = 300.0  # seconds within which a process must finish what was killed


class Avatarkit:
    """The trainings under test."""

    word, worker, caller, title = "train", "worker", "call", "avatarkit"

    def __init__(self, place: Place) -> None:
        self.repository = place.repository()

    async def open(self) -> None:
        await self.repository.open()

    async def aclose(self) -> None:
        await self.repository.aclose()

    async def finish(self, run: Run, numbers: list[int]) -> None:
        """Have a new process work and watch until they are final."""
        await ended(run, "watch", run.folder, *numbers)

    async def working(self) -> bool:
        """Whether a training is not at its end, and waits for no person."""
        for status in Status:
            if not status.final and status is not Status.ACTION_REQUIRED:
                try:
                    page = await self.repository.page("training", status=status, limit=1)
                except AvatarKitError:
                    return True  # the database is away
                if page.records:
                    return True
        return False

    async def _row(self, number: int) -> Record | None:
        page = await self.repository.page("training", user_id=user(number))
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
        known = {i for o in row.operations for i in (o.job.id, *o.cleanup.duplicates) if i}
        absent = sum(state.call.tries for state in row.operations)
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
            await ended(run, *words, program=("-m", "avatarkit"))

    @staticmethod
    def _train(run: Run, number: int) -> tuple[object, ...]:
        """Nothing was saved: the person calls again."""
        samples = ("--voice", run.folder / "voice.wav", "--footage", run.folder / "portrait.png")
        whose = ("--user", user(number), "--clone", clone(number))
        key = (
            "--idempotency-key",
            "the one training",
            "--not-a-real-person",
            "a tone and a grey square",
        )
        return ("train", *samples, *whose, *key)


class Naive:
    """The naive twin's trainings."""

    word, worker, caller = "naive", "naive-worker", "naive-call"
    title = "the naive twin: call, then save"

    def __init__(self, place: Place) -> None:
        self.store = naive.store_of(place.environment)

    async def open(self) -> None:
        self.store.open()

    async def aclose(self) -> None:
        pass

    async def finish(self, run: Run, numbers: list[int]) -> None:
        await ended(run, "naive", run.folder, *numbers)

    async def working(self) -> bool:
        try:
            rows = await asyncio.to_thread(self.store.rows)
        except Exception:
            return True  # the database is away
        return any(row["status"] != "completed" for row in rows.values())

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


async def ended(run: Run, *words: object, program: tuple[object, ...] = (DRIVER,)) -> None:
    """Run a process to its end, and tell where it failed."""
    pipe, both = asyncio.subprocess.PIPE, asyncio.subprocess.STDOUT
    process = await run.start(*program, *words, stdout=pipe, stderr=both)
    async with ending(process):
        said, _ = await asyncio.wait_for(process.communicate(), _FINISHED)
        if process.returncode:
            say(f"{words[0]} ended with {process.returncode}:\n{said.decode()[-4000:]}")


def say(words: str) -> None:
    """Tell what should not be, beside the report."""
    print(words, file=sys.stderr, flush=True)
