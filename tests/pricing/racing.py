"""Processes that order trainings on one budget at once, and the prices of tests about budgets.

``racing.py CLONE HOW_MANY`` is one of the processes. It says "ready" once it is, and begins
when its standard input says so; then it prints what it got, and why it did not get the rest.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import anyio
import anyio.to_thread

from avatarkit import AvatarKit, Consent
from avatarkit.config.settings import Settings
from avatarkit.errors import BudgetExceeded

DEMO = Path(__file__).parents[2] / "src/avatarkit/data/demo"
DRAWN = Consent.not_a_real_person("a drawing")

#: A training is 3 dollars, a video of 1,000 characters 1 dollar; the vendor says "1 credit".
PRICES = """
[[price]]
provider = "fake"
operation = "voice"
plan = "each"
usd_per_month = 0
one_off_usd = 1
source = "a test"

[[price]]
provider = "fake"
operation = "avatar"
plan = "each"
usd_per_month = 0
one_off_usd = 2
source = "a test"

[[price]]
provider = "fake"
operation = "video"
plan = "each"
usd_per_month = 0
unit_price = { usd = 0.25, unit = "credit" }
credits_per = { amount = 4, unit = "video_minute" }
source = "a test"
"""


CLONES = [f"clone-{number}" for number in range(5)]


async def race(folder, repository):
    """Five processes order ten trainings of 3 dollars each; there is room for seven."""
    prices = folder / "prices.toml"
    prices.write_text(PRICES)
    environ = {
        **{name: value for name, value in os.environ.items() if "COV" not in name},
        "AVATARKIT_REPOSITORY": repository,
        "AVATARKIT_MEDIA": str(folder / "media"),
        "AVATARKIT_PRICES": str(prices),
        "AVATARKIT_BUDGET": "23.50",
    }
    async with AvatarKit("fake", settings=Settings.from_env(environ), worker=False) as kit:
        for clone in CLONES:
            await kit.add_sample(user_id="ana", clone_id=clone, voice=DEMO / "voice.wav")
            await kit.add_sample(user_id="ana", clone_id=clone, footage=DEMO / "portrait.jpg")
        answers = _raced(environ)
        (use,) = await kit.prices.budgets()
    created = [found for answer in answers for found in answer["created"]]
    refused = [reason for answer in answers for reason in answer["refused"]]
    assert (len(created), len(refused)) == (7, 43)
    assert {reason.partition(":")[0] for reason in refused} == {
        f"$3.00 more would exceed the project's budget for {use.month} by $0.50"
    }
    assert (use.spent, use.reserved) == (0, 21)


def _raced(environ):
    pipe = subprocess.PIPE
    with ExitStack() as ends:
        racers = []
        for clone in CLONES:
            command = [sys.executable, __file__, clone, "10"]
            racer = subprocess.Popen(command, env=environ, stdin=pipe, stdout=pipe, text=True)
            ends.enter_context(racer)
            ends.callback(racer.kill)
            racers.append(racer)
        for racer in racers:
            assert racer.stdout.readline() == "ready\n"
        for racer in racers:
            racer.stdin.write("go\n")
            racer.stdin.flush()
        return [json.loads(racer.stdout.read()) for racer in racers]


async def main(clone, count):
    """Order them, all at once."""
    refused, created = [], []
    async with AvatarKit("fake", worker=False) as kit:

        async def order():
            try:
                training = await kit.train(user_id="ana", clone_id=clone, consent=DRAWN)
            except BudgetExceeded as error:
                refused.append(str(error))
            else:
                created.append(training.id)

        print("ready", flush=True)
        await anyio.to_thread.run_sync(sys.stdin.readline)
        async with anyio.create_task_group() as tasks:
            for _ in range(count):
                tasks.start_soon(order)
    print(json.dumps({"created": created, "refused": refused}), flush=True)


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], int(sys.argv[2]))
