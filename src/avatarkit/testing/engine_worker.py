"""Worker process of ``EngineSuite``: an engine over a scripted ``advance`` that notes its visits.

    python -m avatarkit.testing.engine_worker '{"engine": "dbos", ...}'

A visit of a due record counts as one step: the record is saved, due again after ``gap`` seconds,
until it has made all its steps. A line in the log says where each visit begins and ends.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import anyio

from ..clock import SystemClock
from ..config import addresses
from ..config.settings import Settings
from ..engines import ENGINES, engine_factory
from ..interfaces import EngineFactory, Repository
from ..records import Record


@dataclass(frozen=True, kw_only=True)
class Work:
    """Orders of a worker process."""

    engine: str  #: name of an engine, or "module:factory"
    repository: str  #: address
    log: str  #: file that visits are noted in
    options: dict[str, Any] = field(default_factory=dict[str, Any])  #: of the engine
    steps: int = 3
    gap: float = 0.2  #: seconds until the next step is due
    hangs: bool = False  #: a visit never ends
    ahead: float = 0.0  #: seconds that the clock of this process is ahead
    prepare: str = ""  #: "module:function" that is called first, to change the code

    def command(self) -> list[str]:
        """Return the command of a process that does it."""
        return [sys.executable, "-m", __name__, json.dumps(asdict(self))]


def imported(name: str) -> Any:
    """Return the object that "module:name" names."""
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)


def factory_of(engine: str, options: dict[str, Any]) -> EngineFactory:
    """Return the factory of an engine, with options."""
    settings = Settings.from_env()
    given = engine if engine in ENGINES else imported(engine)
    return cast("EngineFactory", partial(engine_factory(given, settings), **options))


@dataclass(frozen=True)
class Visitor:
    """The scripted ``advance``."""

    work: Work
    repository: Repository

    def note(self, *words: object) -> None:
        """Append a line, which a kill cannot cut."""
        line = " ".join(map(str, (os.getpid(), *words)))
        with Path(self.work.log).open("ab", buffering=0) as notes:
            notes.write(f"{line}\n".encode())

    async def advance(self, record_id: str, claimed: Record | None = None) -> Record | None:
        """Make one step of a record, if it is due."""
        del claimed
        self.note("begin", record_id)
        if self.work.hangs:
            await anyio.sleep_forever()
        record = await self.repository.get(record_id)
        now = (await self.repository.now()).wall
        if record is None or record.next_at is None or record.next_at > now:
            self.note("early", record_id)
            return record
        last = record.version + 1 >= self.work.steps  # a new record has version 0
        due = {"next_at": None if last else now + self.work.gap}
        saved = await self.repository.save(record, record.model_copy(update=due))
        self.note("step" if saved else "lost", record_id)
        return saved or await self.repository.get(record_id)


async def run(work: Work) -> None:
    """Drive records until SIGTERM."""
    clock = SystemClock()
    repository = addresses.repository(work.repository, os.environ, clock)
    await repository.open()
    visitor = Visitor(work, repository)
    engine = factory_of(work.engine, work.options)(
        advance=visitor.advance, repository=repository, clock=clock
    )
    await engine.open(drives=True)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(engine.run)
        visitor.note("ready")
        with anyio.open_signal_receiver(signal.SIGTERM) as signals:
            await anext(aiter(signals))
        await engine.stop()
    await engine.aclose()
    await repository.aclose()


def main() -> None:
    """Be the worker that the command line describes."""
    work = Work(**json.loads(sys.argv[1]))
    if work.ahead:
        wall = time.time
        time.time = lambda: wall() + work.ahead
    if work.prepare:
        imported(work.prepare)()
    anyio.run(run, work)


if __name__ == "__main__":
    main()
