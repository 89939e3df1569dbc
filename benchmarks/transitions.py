"""What the benchmarks of the repositories save: the life of a training, and how to compare.

A life is what a real one saves: an intent before each paid call, the accepted job with its ledger
entry, polls, stored results, the end. Everything compared is measured in rounds, one after the
other, so that a busy machine slows all of it down alike; a ratio is taken within a round.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import statistics
import sys
import time
from dataclasses import dataclass
from uuid import uuid4

from avatarkit.models import JobState, Operation, StoredFile
from avatarkit.records import (
    Account,
    Instant,
    LedgerEntry,
    OperationState,
    Phase,
    Status,
    Terms,
    Training,
)

USER = str(uuid4())
_BIRTH = 1_790_000_000.0


def a_training():
    """A new training of two operations, of a clone of its own."""
    operations = tuple(
        OperationState(
            operation=operation,
            provider="bench",
            account=Account(id="a1b2c3"),
            terms=Terms(typical=90.0),
        )
        for operation in (Operation.VOICE, Operation.AVATAR)
    )
    return Training(
        id=str(uuid4()),
        user_id=USER,
        clone_id=str(uuid4()),
        stack="bench",
        name="Ana",
        language="en",
        operations=operations,
        created_at=_BIRTH,
        updated_at=_BIRTH,
        deadline_at=_BIRTH + 86_400,
        next_at=_BIRTH,
    )


def _changes(record):
    """(field changes, the operation's place, its changes, is a job accepted?) of each save."""
    for place, status in enumerate((Status.PROCESSING, Status.TRAINING)):
        job_id = f"job-{place}-{record.id}"
        file = StoredFile(key=f"{record.prefix}/{place}", size=123_456, sha256="0" * 64)
        intent = {
            "phase": Phase.INTENT,
            "attempt": 1,
            "intent_at": Instant(wall=_BIRTH + 1, boot=1234.5, boot_id="b" * 36),
            "digest": "d" * 64,
        }
        job = {"id": job_id, "submitted_at": _BIRTH + 2, "cost": "1 slot"}
        accepted = {"call": {"phase": Phase.DONE}, "job": job | {"state": JobState.QUEUED}}
        yield {"status": status}, place, {"call": intent}, False
        yield {}, place, accepted, True
        for poll in range(1, 4):
            running = {"state": JobState.RUNNING, "progress": poll / 4, "polls": poll}
            yield {"progress": 50 * place + 12 * poll}, place, {"job": running}, False
        done = {"job": {"state": JobState.SUCCEEDED, "stored": True, "files": {"preview": file}}}
        yield {"progress": 50 * place + 50}, place, done, False
    yield {"status": Status.COMPLETED, "completed_at": _BIRTH + 99, "next_at": None}, 0, {}, False


def life(record):
    """Each save of a training's life, as a pair: new record, ledger entries."""
    for number, (fields, place, changes, accepted) in enumerate(_changes(record), 1):
        moved = {"updated_at": _BIRTH + number, "next_at": _BIRTH + number + 5}
        operations = list(record.operations)
        operations[place] = state = operations[place].revised(**changes)
        record = record.model_copy(update=moved | fields | {"operations": tuple(operations)})
        entries = ()
        if accepted:
            entries = (
                LedgerEntry(
                    id=f"{record.token(state.operation)} {state.job.id}",
                    record_id=record.id,
                    operation=state.operation,
                    provider=state.provider,
                    account=state.account.id,
                    attempt=1,
                    job_id=state.job.id,
                    cost=state.job.cost,
                    at=record.updated_at,
                ),
            )
        yield record, entries


SAVES = sum(1 for _ in life(a_training()))


@dataclass
class Lives:
    """Trainings that were created in a repository, with every save of their lives made ready."""

    records: list
    saves: list  #: for each record, its (new record, entries)

    def __len__(self):
        return len(self.records) * SAVES


async def born(repository, count):
    """Create so many trainings; making the changes belongs to the engine, hence not to a save."""
    lives = Lives([], [])
    for _ in range(count):
        record, _ = await repository.create(a_training())
        lives.records.append(record)
        lives.saves.append(list(life(record)))
    return lives


async def live(repository, lives, tasks):
    """Save all lives with so many tasks at once, each one record after the other."""
    waiting = iter(zip(lives.records, lives.saves, strict=True))

    async def work():
        for old, saves in waiting:
            for new, entries in saves:
                old = await repository.save(old, new, *entries)  # noqa: PLW2901

    await asyncio.gather(*(work() for _ in range(tasks)))


def named(side, tasks):
    """How the report calls a side."""
    return f"{side}, {tasks} task{'s' if tasks > 1 else ''}"


def one_round(sides, tasks, *given):
    """Every side once with each number of tasks: ``sides`` are names and coroutine functions."""
    return {
        named(side, number): asyncio.run(run(*given, number))
        for number in tasks
        for side, run in sides.items()
    }


@dataclass(frozen=True)
class Speed:
    """Of one side in one round."""

    per_second: float
    cpu: float  #: seconds of this process per transition


class Stopwatch:
    """Measures what happens within it: the wall's time and this process's CPU.

    What was made ready for it is kept from the garbage collector, which would walk thousands of
    records again and again that no worker holds at once.
    """

    def __init__(self, transitions):
        self._transitions = transitions

    def __enter__(self):
        gc.collect()
        gc.freeze()
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_):
        wall, cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
        gc.unfreeze()
        self.speed = Speed(self._transitions / wall, cpu / self._transitions)


@dataclass(frozen=True)
class Bar:
    """``ours`` must make so many times the transitions per second of ``theirs``; 0: it is shown."""

    ours: str
    theirs: str
    at_least: float


def arguments(description):
    """The options that these benchmarks share."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="exit with 1 below a bar")
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--lives", type=int, default=48, help="trainings per side and round")
    return parser


def report(rounds, bars, *, check):
    """Print figures and ratios of all rounds (each a dict: side -> ``Speed``); maybe exit."""
    for side in rounds[0]:
        speeds = [r[side] for r in rounds]
        cpu = statistics.median(s.cpu for s in speeds) * 1e6
        print(f"{side:42} {spread([s.per_second for s in speeds], '8.0f')} /s {cpu:6.0f} us CPU")
    missed = False
    print(f"\nratios within a round: min / median / max of {len(rounds)}")
    for bar in bars:
        ours, theirs = ([r[side] for r in rounds] for side in (bar.ours, bar.theirs))
        pairs = list(zip(ours, theirs, strict=True))
        ratios = [a.per_second / b.per_second for a, b in pairs]
        cpu = statistics.median(a.cpu / b.cpu for a, b in pairs)
        met = statistics.median(ratios) >= bar.at_least
        missed = missed or not met
        verdict = f"bar {bar.at_least} {'met' if met else 'MISSED'}" if bar.at_least else "no bar"
        print(
            f"{bar.ours} : {bar.theirs}  {spread(ratios, '.2f')}  "
            f"{verdict}; {cpu:.2f} times its CPU"
        )
    if check and missed:
        sys.exit(1)


def spread(values, form):
    return " / ".join(format(f(values), form) for f in (min, statistics.median, max))
