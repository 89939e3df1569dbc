"""Share of a core that polls of 100,000 trainings take, whose vendor needs four hours for each.

Some trainings are driven from the answer to their paid call to their end, in virtual time, through
the repository (SQLite), the worker, an adapter and httpx; the vendor answers at the transport. They
start evenly within four hours, so that jobs of every age are there. CPU per training, times the
100,000 that start within four hours, is the share. Run it as ``python benchmarks/polls.py``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
import time
from pathlib import Path

import httpx
from measures import arguments
from pydantic import SecretStr

from avatarkit import AvatarKit
from avatarkit.config.settings import Settings
from avatarkit.interfaces import Capabilities, ProviderSettings
from avatarkit.models import JobState, Operation
from avatarkit.providers.http import HttpVoiceCloner, Paths, Reads
from avatarkit.records import Instant, OperationState, Phase, Terms, Training
from avatarkit.repositories.sqlite import SqliteRepository
from avatarkit.webhooks import Inboxes

TYPICAL = 14_400.0  #: seconds
IN_FLIGHT = 100_000
AT_MOST = 0.2  #: of a core
STEP = 10.0  #: virtual seconds that the worker rests after something has become due
BEGAN = 1_790_000_000.0
CALLED_BACK, NOT_CALLED_BACK = "the vendor calls back", "it does not"


class Clock:
    """Time that this benchmark moves on."""

    def __init__(self):
        self.wall = BEGAN

    def now(self):
        return Instant(wall=self.wall, boot=self.wall, boot_id="bench")

    async def sleep(self, _seconds, /):
        await asyncio.sleep(3600)  # of the task that renews leases; it is cancelled

    def timeout(self, _seconds, /):
        return contextlib.nullcontext()


class Vendor(HttpVoiceCloner):
    """A vendor whose jobs take four hours."""

    name, api_version = "bench", "1"
    base_url = "https://vendor.example"
    key_env, key_prefix = "BENCH_API_KEY", "Bearer "
    capabilities = Capabilities(found_by_token=frozenset(Operation), callback=True)
    paths = {Operation.VOICE: Paths.of("/voices")}
    reads = Reads(
        ids={Operation.VOICE: ("id",)},
        states={"working": JobState.RUNNING, "done": JobState.SUCCEEDED},
        token=("label",),
    )

    async def clone_voice(self, request, /):
        raise NotImplementedError


def training(number, start):
    """A training whose paid call was accepted at ``start``."""
    job_id = f"{start:.3f}-{number}"
    voice = OperationState(
        operation=Operation.VOICE,
        provider="bench",
        terms=Terms(typical=TYPICAL),
        not_before=start,
    )
    voice = voice.revised(
        call={"phase": Phase.DONE},
        job={"id": job_id, "submitted_at": start, "state": JobState.RUNNING},
    )
    return Training(
        id=f"t-{number}", user_id="ana", clone_id=f"c-{number}", stack="bench", status="training",
        operations=(voice,), created_at=start, updated_at=start, started_at=start,
        deadline_at=start + 864_000, next_at=start,
    )  # fmt: skip


async def cores(count, public_url):
    """Cores that 100,000 such trainings need, and polls of one training."""
    clock, polls = Clock(), 0

    def answer(request):
        nonlocal polls
        polls += 1
        started = float(request.url.path.rpartition("/")[2].partition("-")[0])
        state = "done" if clock.wall >= started + TYPICAL else "working"
        said = {"id": request.url.path.rpartition("/")[2], "status": state}
        return httpx.Response(200, content=json.dumps(said).encode())

    client = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    settings = ProviderSettings(api_key=SecretStr("a-key"))
    with tempfile.TemporaryDirectory() as folder:
        repository = SqliteRepository(Path(folder) / "twins.db", clock=clock)
        kit = AvatarKit(
            "bench",
            repository=repository,
            media=Path(folder) / "media",
            providers={"bench": Vendor(settings, client=client)},
            settings=Settings(inboxes=Inboxes(public_url, "a-secret-of-this-benchmark-only")),
            clock=clock,
            worker=False,
        )
        async with kit:
            for number in range(count):
                record = training(number, BEGAN + number / count * TYPICAL)
                await repository.create(record)
            spent = 0.0
            while (due := await repository.next_due()) is not None:
                clock.wall = max(clock.wall, due) + STEP
                began = time.process_time()
                await kit.admin.tick()
                spent += time.process_time() - began
    return spent / count * IN_FLIGHT / TYPICAL, polls / count


def main():
    options = arguments(__doc__, rounds=1)
    options.add_argument("--trainings", type=int, default=500)
    options = options.parse_args()
    missed = False
    addresses = {CALLED_BACK: "https://app.example", NOT_CALLED_BACK: "http://localhost:8000"}
    for side, url in addresses.items():
        found, polls = asyncio.run(cores(options.trainings, url))
        rate = polls * IN_FLIGHT / TYPICAL
        bar = ""
        if side == CALLED_BACK:
            missed = found > AT_MOST
            bar = f"  bar {AT_MOST:g} {'MISSED' if missed else 'met'}"
        print(f"{side:24} {polls:5.1f} polls a training, {rate:4.0f} a second, ", end="")
        print(f"{found:.3f} of a core{bar}")
    sys.exit(missed and options.check)


if __name__ == "__main__":
    main()
