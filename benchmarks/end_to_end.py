"""CPU of whole trainings, against raw httpx and sqlite3 making the same calls and rows.

A training uploads a voice sample of 16 kB, polls, trains an avatar and polls: four calls to a
vendor in another process, which are counted. The raw side keeps eight connections, as avatarkit
does for an account, writes a row before each paid call and after each call, as avatarkit does, and
commits each write by itself; its rows are made ready before. It leases nothing, looks at no
consent, checks no answer, and would pay twice after a crash. Run it as
``python benchmarks/end_to_end.py --trainings 10000``.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from uuid import uuid4

import httpx
from loopback import vendor
from measures import Bar, arguments, report
from pydantic import SecretStr

from avatarkit import AvatarKit
from avatarkit.clock import SystemClock
from avatarkit.interfaces import Capabilities, ProviderSettings
from avatarkit.models import Consent, JobState, Operation, StoredFile
from avatarkit.providers.http import HttpAvatarTrainer, HttpVoiceCloner, Paths, Reads
from avatarkit.records import OperationState, Sample, Terms, Training
from avatarkit.repositories import rows, rules
from avatarkit.repositories.sqlite import SqliteRepository
from avatarkit.repositories.sqlite_file import open_database

CONNECTIONS = 8
SAMPLE = b"RIFF" + bytes(16_000)
OURS, RAW = "avatarkit", f"raw, {CONNECTIONS} connections"
CALLS = 4  #: of a training, on both sides


class Bench(HttpVoiceCloner, HttpAvatarTrainer):
    """A vendor on this machine."""

    sent = 0

    name, api_version = "bench", "1"
    base_url = "http://127.0.0.1"
    key_env, key_prefix = "BENCH_API_KEY", "Bearer "
    # Like most vendors it names no bound of its own; then an account has eight places.
    capabilities = Capabilities(found_by_token=frozenset(Operation))
    paths = {
        Operation.VOICE: Paths.of("/bench/voices"),
        Operation.AVATAR: Paths.of("/bench/avatars"),
    }
    reads = Reads(
        ids={Operation.VOICE: ("id",), Operation.AVATAR: ("id",)},
        states={"working": JobState.RUNNING, "done": JobState.SUCCEEDED},
        token=("label",),
    )

    async def _send(self, *given, **more):
        self.sent += 1
        return await super()._send(*given, **more)

    async def clone_voice(self, request, /):
        files = [("file", sample) for sample in request.samples]
        return await self._submit(
            Operation.VOICE, "/bench/voices", request, files=files, label=request.token
        )

    async def train_avatar(self, request, /):
        return await self._submit(Operation.AVATAR, "/bench/avatars", request, label=request.token)


def training(file, now, consent):
    """A training of a clone of its own."""
    record_id, clone = str(uuid4()), str(uuid4())
    sample = Sample(id="s", user_id="ana", clone_id=clone, role="voice", name="a.wav", file=file)
    footage = sample.model_copy(update={"id": "f", "role": "footage"})
    operations = tuple(
        OperationState(operation=operation, provider="bench", terms=Terms(typical=1.0))
        for operation in (Operation.VOICE, Operation.AVATAR)
    )
    return Training(
        id=record_id, user_id="ana", clone_id=clone, stack="bench", consent_id=consent,
        voice=(sample,), footage=footage, operations=operations, created_at=now, updated_at=now,
        deadline_at=now + 86_400, next_at=now,
    )  # fmt: skip


async def ours(url, repository, folder, count):
    """Seconds of CPU per training, of this process."""
    provider = Bench(ProviderSettings(api_key=SecretStr("a-key"), base_url=url))
    kit = AvatarKit(
        "bench",
        repository=repository,
        media=folder / "media",
        providers={"bench": provider},
        worker=False,
    )
    async with kit:
        consent = await repository.add_consent(
            Consent(id=str(uuid4()), user_id="ana", subject="Ana Lima", given_at=time.time() - 1)
        )

        async def once():
            yield SAMPLE

        file = await kit._media.put("ana/a.wav", once(), "audio/wav")  # noqa: SLF001 - the sample
        running = asyncio.create_task(kit._engine.run())  # noqa: SLF001 - the worker
        began = time.process_time()
        records = [training(file, time.time(), consent.id) for _ in range(count)]
        for start in range(0, count, 64):
            batch = records[start : start + 64]
            await asyncio.gather(*(repository.create(record) for record in batch))
        while await repository.backlog():  # noqa: ASYNC110 - it sends no event
            await asyncio.sleep(0.2)
        spent = time.process_time() - began
        await kit._engine.stop()  # noqa: SLF001
        await running
        for record in records[:: max(1, count // 10)]:
            ended = await repository.get(record.id)
            assert ended.status == "completed", ended
        assert provider.sent == CALLS * count, provider.sent / count  # as on the raw side
    return spent / count * 1e3


async def ours_on_sqlite(url, folder, count):
    return await ours(
        url, SqliteRepository(folder / "twins.db", clock=SystemClock()), folder, count
    )


def prepared(count):
    """Rows of the raw side, ready to be written."""
    file = StoredFile(key="ana/a.wav", size=len(SAMPLE), sha256="0" * 64, media_type="audio/wav")
    for _ in range(count):
        record = training(file, time.time(), "c")
        doc, stored = rules.as_stored(record)
        yield rows.record_row(stored, doc)


async def calls(client, url):
    """The calls of one training, each as a step; httpx does as it does for its users."""
    headers = {"authorization": "Bearer a-key"}
    yield client.post(
        f"{url}/bench/voices", files={"file": ("a.wav", SAMPLE, "audio/wav")}, headers=headers
    )
    yield client.get(f"{url}/bench/voices/job-1", headers=headers)
    yield client.post(f"{url}/bench/avatars", json={"label": "ak"}, headers=headers)
    yield client.get(f"{url}/bench/avatars/job-1", headers=headers)


async def raw_on_sqlite(url, folder, count):
    """The same with httpx and sqlite3."""
    ready = list(prepared(count))
    connection, _ = open_database(folder / "raw.db")
    update = (
        "UPDATE avatar_training SET status = ?, progress = ?, next_at = ?, updated_at = ?, "
        "version = version + 1, doc = ? WHERE id = ?"
    )
    left = iter(ready)

    async def work(client):
        for row in left:
            marks = ", ".join("?" * len(row))
            insert = f"INSERT INTO avatar_training ({', '.join(row)}) VALUES ({marks})"
            connection.execute(insert, tuple(row.values()))
            number = 0
            async for call in calls(client, url):
                number += 1
                if number in (1, 3):  # an intent before each paid call
                    connection.execute(
                        update, ("training", 10, 0.0, time.time(), row["doc"], row["id"])
                    )
                answer = (await call).raise_for_status()
                json.loads(answer.content)
                connection.execute(
                    update, ("training", 50, 0.0, time.time(), row["doc"], row["id"])
                )

    began = time.process_time()
    limits = httpx.Limits(max_connections=CONNECTIONS)
    async with httpx.AsyncClient(limits=limits) as client:
        await asyncio.gather(*(work(client) for _ in range(CONNECTIONS)))
    spent = time.process_time() - began
    connection.close()
    return spent / count * 1e3


def one_round(url, count):
    """Both sides once."""
    found = {}
    for side, act in ((RAW, raw_on_sqlite), (OURS, ours_on_sqlite)):
        with tempfile.TemporaryDirectory() as folder:
            found[side] = asyncio.run(act(url, Path(folder), count))
    return found


def main():
    options = arguments(__doc__, rounds=3)
    options.add_argument("--trainings", type=int, default=500)
    options = options.parse_args()
    with vendor() as url:
        one_round(url, 20)  # which imports and compiles
        rounds = [one_round(url, options.trainings) for _ in range(options.rounds)]
    sys.exit(report(rounds, [Bar(OURS, RAW, 1.6)], "ms of CPU", check=options.check))


if __name__ == "__main__":
    main()
