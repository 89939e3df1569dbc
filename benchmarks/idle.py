"""Share of a core that an idle worker takes, beside a process that only sleeps half a second.

The worker waits for 10,000 trainings whose vendors need until tomorrow. Each side runs in a process
of its own; both sleep, so the comparison is of what they do when they wake. Run it as
``python benchmarks/idle.py``.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from measures import Bar, alone, arguments, report

IDLE, BARE = "an idle worker", "a bare sleep of 0.5 s"
AT_MOST = 1.0  #: percent of a core


async def idle(seconds):
    """Percent of a core of a worker."""
    from in_flight import sqlite_of

    from avatarkit import AvatarKit

    with tempfile.TemporaryDirectory() as folder:
        async with sqlite_of(10_000, due=0) as (repository, _):
            kit = AvatarKit("local", repository=repository, media=Path(folder))
            async with kit:
                await asyncio.sleep(2.0)
                print(await share(asyncio.sleep(seconds), seconds))


async def bare(seconds):
    """Percent of a core of a loop that does nothing."""

    async def naps():
        for _ in range(int(seconds / 0.5)):
            await asyncio.sleep(0.5)

    print(await share(naps(), seconds))


async def share(awaitable, seconds):
    began = time.process_time()
    await awaitable
    return (time.process_time() - began) / seconds * 100


def main():
    options = arguments(__doc__, rounds=3)
    options.add_argument("--seconds", type=float, default=15.0)
    options = options.parse_args()
    code = "import asyncio, sys, idle; asyncio.run(getattr(idle, sys.argv[1])(float(sys.argv[2])))"
    kinds = {BARE: "bare", IDLE: "idle"}
    rounds = [
        {side: alone(code, kind, options.seconds)[0] for side, kind in kinds.items()}
        for _ in range(options.rounds)
    ]
    bars = [Bar(IDLE, BARE, AT_MOST, more=True)]
    sys.exit(report(rounds, bars, "% of a core", check=options.check))


if __name__ == "__main__":
    main()
