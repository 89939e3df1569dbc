"""Programs that use DBOS and avatarkit in one process; each prints what it has seen."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
from functools import partial

import psycopg
from dbos import DBOS

from avatarkit import AvatarKit, Consent, errors
from avatarkit.clock import SystemClock
from avatarkit.config import addresses
from avatarkit.engines.dbos import DBOSEngine
from avatarkit.testing.repositories import a_training

DATABASE = os.environ["AVATARKIT_REPOSITORY"]


def host():
    """Start the DBOS of an application."""

    @DBOS.workflow(name="host.work")
    def work() -> str:
        return "the host's workflow ran"

    DBOS(
        config={"name": "host", "system_database_url": DATABASE, "executor_id": "the host"},
    )
    DBOS.launch()
    return work


def pool():
    return str(asyncio.get_running_loop()._default_executor)


def kit(**more):
    return AvatarKit("fake", repository=DATABASE, media="/tmp", engine="dbos", **more)


def rows(condition="true"):
    with psycopg.connect(DATABASE) as db:
        query = f"select count(*) from avatarkit_dbos.workflow_status where {condition}"
        return db.execute(query).fetchone()[0]


async def host_first():
    # A worker elsewhere has made the tables before.
    async with engine_over(0) as _:
        pass
    work = host()
    told = {"version before": DBOS.application_version, "executor before": DBOS.executor_id}
    told["pool before"] = pool()
    async with kit(worker=False) as opened:
        consent = Consent.not_a_real_person("a drawing")
        training = await opened.adopt(
            user_id=USER, clone_id=CLONE, avatar_id="a", voice_id="v", consent=consent
        )
        await opened.delete(training.id)
    told["queued"] = rows("status = 'ENQUEUED'")
    told["pool of the loop"] = pool()
    try:
        await kit().__aenter__()
    except errors.ConfigError as error:
        told["a worker in this process"] = str(error)
    told["result"] = await asyncio.to_thread(work)
    told |= {"version": DBOS.application_version, "executor": DBOS.executor_id}
    return told


USER, CLONE = a_training().user_id, a_training().clone_id


class engine_over:
    """A running engine over records that need one visit each."""

    def __init__(self, records, **options):
        self.records, self.options, self.done = records, options, 0

    async def advance(self, record_id):
        record = await self.repository.get(record_id)
        if record is None or record.next_at is None:
            return record
        saved = await self.repository.save(record, record.model_copy(update={"next_at": None}))
        self.done += saved is not None
        return saved

    async def __aenter__(self):
        clock = SystemClock()
        self.repository = addresses.repository(DATABASE, os.environ, clock)
        await self.repository.open()
        self.engine = partial(DBOSEngine, database=DATABASE, **self.options)(
            advance=self.advance, repository=self.repository, clock=clock
        )
        await self.engine.open(drives=True)
        self.running = asyncio.create_task(self.engine.run())
        for number in range(self.records):
            record = a_training(f"{os.getpid()}-{number}", next_at=time.time() - 1)
            record, _ = await self.repository.create(record)
            await self.engine.wake(record)
        while self.done < self.records:
            await asyncio.sleep(0.05)
        return self

    async def __aexit__(self, *_):
        await self.engine.stop()
        await self.running
        await self.engine.aclose()
        await self.repository.aclose()


async def worker_first():
    told = {"pool before": pool()}
    async with engine_over(40, threads=4) as running:
        told["completed"] = running.done
        names = [thread.name for thread in threading.enumerate()]
        told["executor threads"] = sum(name.startswith("dbos-executor") for name in names)
        try:
            host()
        except errors.ConfigError as error:
            told["error"] = str(error)
        told["pool of the loop"] = pool()
    return told


async def old_rows():
    async with engine_over(5, retention=0.5) as running:
        while rows("status = 'SUCCESS'") or rows("status = 'PENDING'"):
            await asyncio.sleep(0.2)
        return {"completed": running.done, "left": rows()}


async def identity():
    async with engine_over(1):
        return {"executor": DBOS.executor_id, "version": DBOS.application_version}


async def main():
    told = await globals()[sys.argv[1]]()
    print(json.dumps(told))
    sys.stdout.flush()
    os._exit(0)  # the host's own DBOS has threads that nothing ends


if __name__ == "__main__":
    asyncio.run(main())
