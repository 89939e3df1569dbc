"""Clean starts: each in a new process, with concurrent first orders, as after a deployment.

``python benchmarks/starts.py 1000`` prints the number of starts and every error; an import or a
model that is built by two threads at once would show here. Nothing is sent: no worker runs.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import Counter

ORDERS = 12
START = """
import asyncio, sys
sys.setswitchinterval(1e-5)  # threads change places more often than usual
from avatarkit import AvatarKit, Consent
from avatarkit.config.settings import Settings
from importlib.resources import files

async def main():
    demo = files("avatarkit") / "data/demo"
    settings = Settings.from_env({"HEYGEN_API_KEY": "none"})
    kit = AvatarKit("heygen", repository="sqlite:///twins.db", media="media", settings=settings,
                    worker=False)
    async with kit:
        found = await asyncio.gather(*(
            kit.train(user_id="ana", clone_id=f"c{number}", footage=str(demo / "portrait.jpg"),
                      voice=[str(demo / "voice.wav")], consent=Consent(subject="Ana Lima"))
            for number in range(ORDERS)
        ), return_exceptions=True)
    for one in found:
        if isinstance(one, BaseException):
            print(f"{type(one).__name__}: {str(one)[:200]}")

asyncio.run(main())
""".replace("ORDERS", str(ORDERS))


def main() -> None:
    starts = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    errors: Counter[str] = Counter()
    for _ in range(starts):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [sys.executable, "-c", START],
                cwd=folder,
                capture_output=True,
                text=True,
                check=False,
            )
        errors.update(done.stdout.splitlines())
        if done.returncode:
            errors[done.stderr.strip().splitlines()[-1]] += 1
    print(f"{starts} starts of {ORDERS} concurrent first orders: {dict(errors) or 'no error'}")


if __name__ == "__main__":
    main()
