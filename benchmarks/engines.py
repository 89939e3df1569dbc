"""Cost of an engine: CPU per visit and per training, and when nothing is due; DBOS, Temporal.

    python benchmarks/engines.py [--records 300] [--idle 20] [--trainings 100]

Each engine drives the same records in the same PostgreSQL, one after another in each round; a
visit saves its record once. A training is whole: two paid calls to a vendor over HTTP on this
machine, polls, and results. CPU seconds are those of one worker process, and of all processes of
the database; the baseline is the in-process engine of the same round. Temporal's own server is
PyPI's test server, in memory, whose CPU is not counted: only the worker's figures mean something.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path += [str(ROOT / "tests"), str(ROOT / "tests" / "proof")]
from databases import postgres, repository, temporal_server  # noqa: E402 - the proof's own
from processes import DRIVER, ending, running  # noqa: E402

from avatarkit.testing.engine_worker import Work, factory_of  # noqa: E402
from avatarkit.testing.repositories import a_training  # noqa: E402

TICK = os.sysconf("SC_CLK_TCK")
ENGINES = ("in-process", "dbos", "temporal")
STEPS = 4


def cpu(pid, *, ended=False):
    """CPU seconds of a process, with those of children that have ended where asked."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11 : 15 if ended else 13])) / TICK


def children(pid):
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def cpu_of_server(cluster):
    """CPU seconds of a PostgreSQL server, all of its processes together."""
    postmaster = int((cluster.data / "postmaster.pid").read_text().split()[0])
    total = cpu(postmaster, ended=True)
    for pid in children(postmaster):
        try:
            total += cpu(pid)
        except OSError:  # it has ended, and its parent counts it from now on
            continue
    return total


async def looks():
    """Two looks a second."""
    while True:
        yield
        await asyncio.sleep(0.5)


class Meter:
    """CPU that a worker and its database use from now on."""

    def __init__(self, worker, cluster):
        self.worker, self.cluster = worker, cluster
        self.began = cpu(worker), cpu_of_server(cluster)

    def read(self):
        worker, server = self.began
        return cpu(self.worker) - worker, cpu_of_server(self.cluster) - server


async def visits(engine, place, folder, records, idle):
    """Milliseconds of worker and database per visit, and shares of a core when idle."""
    address = place.environment["AVATARKIT_REPOSITORY"]
    os.environ["AVATARKIT_DBOS_URL"] = address
    log = folder / f"{engine}.log"
    work = Work(engine=engine, repository=address, log=str(log), steps=STEPS, gap=1.0)
    worker = await asyncio.create_subprocess_exec(*work.command())
    try:
        async for _ in looks():
            if log.exists() and "ready" in log.read_text():
                break
        await asyncio.sleep(2)
        meter = Meter(worker.pid, place.cluster)
        await asyncio.sleep(idle)
        resting = [100 * seconds / idle for seconds in meter.read()]
        store = repository(place.environment)
        await store.open()
        waker = factory_of(engine, {})(advance=None, repository=store, clock=None)
        await waker.open(drives=False)
        meter, made = Meter(worker.pid, place.cluster), []
        for number in range(records):
            record = a_training(f"{engine[:2]}{number:05}", next_at=time.time())
            made.append((await store.create(record))[0])
            await waker.wake(made[-1])
        async for _ in looks():
            if log.read_text().count(" step ") >= records * STEPS:
                break
        used = [1000 * seconds / (records * STEPS) for seconds in meter.read()]
        await waker.aclose()
        await store.aclose()
        return used, resting
    finally:
        worker.kill()
        await worker.wait()


async def trainings(engine, place, folder, count):
    """Milliseconds of worker and database per whole training."""
    async with AsyncExitStack() as exits:
        bounds = {"ACME_TYPICAL": "10", "PROOF_SLOWER": "4", "PROOF_ENGINE": engine}
        bounds["AVATARKIT_DBOS_URL"] = place.environment["AVATARKIT_REPOSITORY"]
        run = await exits.enter_async_context(
            running(folder, 1, None, place.environment | bounds, jobs=(1.0, 2.0))
        )
        worker = await run.start(
            "-m", "avatarkit", "worker", "--engine", engine, stdout=asyncio.subprocess.DEVNULL
        )
        await exits.enter_async_context(ending(worker))
        await asyncio.sleep(5)
        meter = Meter(worker.pid, place.cluster)
        caller = await run.start(DRIVER, "call", folder, count)
        await caller.wait()
        store = repository(place.environment)
        await store.open()
        exits.push_async_callback(store.aclose)
        async for _ in looks():
            page = await store.page("training", status="completed", limit=count)
            if len(page.records) >= count:
                break
        return [1000 * seconds / count for seconds in meter.read()]


async def measured(given):
    """One round."""
    figures = {}
    with temporal_server() as server:
        os.environ["TEMPORAL_ADDRESS"] = server
        for engine in ENGINES:
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                with postgres(folder, given.records) as place:
                    visit, idle = await visits(engine, place, folder, given.records, given.idle)
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                with postgres(folder, given.trainings) as place:
                    whole = await trainings(engine, place, folder, given.trainings)
            figures[engine] = {"visit": visit, "idle": idle, "training": whole}
            report(engine, figures)
    return figures


def report(engine, figures):
    """Print the figures of an engine beside those of the in-process one."""
    ours, base = figures[engine], figures["in-process"]
    for what, unit in (("visit", "ms"), ("training", "ms"), ("idle", "% of a core")):
        (worker, server), (other, _) = ours[what], base[what]
        print(
            f"{engine:11} {what:9} worker {worker:7.2f} {unit}, database {server:7.2f} {unit}, "
            f"worker : in-process {worker / other:5.2f}, more by {worker - other:6.2f} {unit}",
            flush=True,
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=int, default=300)
    parser.add_argument("--trainings", type=int, default=100)
    parser.add_argument("--idle", type=float, default=20.0)
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args()
    for _ in range(given.rounds):
        asyncio.run(measured(given))


if __name__ == "__main__":
    main()
