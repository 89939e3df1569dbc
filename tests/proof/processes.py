"""The processes of the proof: the vendor, the nursery, and whatever else is started beside them.

None of them outlives the program that starts it: each leaves when its standard input ends, or
is killed.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import struct
import sys
import urllib.request
import uuid
import wave
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

HERE = Path(__file__).parent
DRIVER = HERE / "driver.py"
STARTS = 120.0  #: seconds within which a process has started; on a full machine they are needed


def user(number: int) -> str:
    """The user whom a training of the run belongs to."""
    return str(uuid.UUID(int=number, version=4))


def clone(number: int) -> str:
    """That user's clone."""
    return str(uuid.UUID(int=2**64 + number, version=4))


class Nursery:
    """The process that has imported everything, and forks and kills a child per training."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process, self._lock = process, asyncio.Lock()

    async def ask(self, *words: object) -> str:
        async with self._lock:
            self._process.stdin.write((" ".join(map(str, words)) + "\n").encode())
            line = await asyncio.wait_for(self._process.stdout.readline(), STARTS)
        if not line:
            message = "the nursery has died"
            raise RuntimeError(message)
        return line.decode().strip()


class Run:
    """A vendor, a folder, and the processes that are started in both."""

    def __init__(self, folder: Path, environment: dict[str, str], base_url: str) -> None:
        self.folder, self.environment, self.base_url = folder, environment, base_url

    async def start(self, *words: object, **more: object) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, *map(str, words), env=self.environment, **more
        )

    async def ledger(self) -> list[dict]:
        """Everything that the vendor ever charged."""
        return (await self._asked("ledger"))["charges"]

    async def charged(self) -> int:
        """How many jobs that are."""
        return (await self._asked("charged"))["count"]

    async def _asked(self, what: str) -> dict:
        def read() -> dict:
            with urllib.request.urlopen(f"{self.base_url}/{what}", timeout=10) as answer:
                return json.load(answer)

        return await asyncio.to_thread(read)


@asynccontextmanager
async def running(
    folder: Path,
    seed: int,
    lease: float | None,
    more: dict[str, str],
    *,
    jobs: tuple[float, float] = (0.2, 0.5),
) -> AsyncIterator[Run]:
    """A vendor that runs, and a folder with samples and the adapter's entry point.

    ``more`` is the environment that says where the rows are; a job takes ``jobs`` seconds.
    """
    _write_samples(folder)
    _install_adapter(folder)
    paths = [str(folder), str(HERE), os.environ.get("PYTHONPATH")]
    environment = (
        os.environ
        | more
        | {
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "AVATARKIT_ACME_API_KEY": "acme-key",
            "AVATARKIT_STACK": "acme",
            "AVATARKIT_MEDIA": str(folder / "media"),
            "NO_COLOR": "1",
        }
    )
    if lease is not None:
        environment["PROOF_LEASE"] = str(lease)
    run = Run(folder, environment, "")
    pipe = asyncio.subprocess.PIPE
    ledger = folder / "ledger.jsonl"
    vendor = await run.start(
        HERE / "vendor.py", "--ledger", ledger, "--seed", seed, "--jobs", *jobs,
        stdin=pipe, stdout=pipe,
    )  # fmt: skip
    async with ending(vendor):
        port = int(await asyncio.wait_for(vendor.stdout.readline(), STARTS))
        run.base_url = environment["AVATARKIT_ACME_BASE_URL"] = f"http://127.0.0.1:{port}"
        yield run


@asynccontextmanager
async def ending(process: asyncio.subprocess.Process) -> AsyncIterator[None]:
    """End the process with the block: it leaves when its input ends, else it is killed."""
    try:
        yield
    finally:
        if process.stdin:
            process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()
            await process.wait()


def _write_samples(folder: Path) -> None:
    """A second of a tone, and a grey square."""
    with wave.open(str(folder / "voice.wav"), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        tone = (int(8000 * math.sin(n / 4)) for n in range(8000))
        sound.writeframes(b"".join(struct.pack("<h", value) for value in tone))
    side = 64

    def part(kind: bytes, body: bytes) -> bytes:
        checksum = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)

    pixels = zlib.compress((b"\0" + b"\x80" * side) * side)
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    picture = (
        b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", pixels) + part(b"IEND", b"")
    )
    (folder / "portrait.png").write_bytes(picture)


def _install_adapter(folder: Path) -> None:
    """Make ``acme`` known as another distribution would: by an entry point."""
    distribution = folder / "avatarkit_acme-1.0.dist-info"
    distribution.mkdir()
    (distribution / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: avatarkit-acme\nVersion: 1.0\n"
    )
    (distribution / "entry_points.txt").write_text("[avatarkit.providers]\nacme = acme:Acme\n")
