"""Jobs that tests run in the sandbox: well-behaved ones, and one for each limit."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from avatarkit.content import claims
from avatarkit.content.decoding import DecodeError
from avatarkit.content.sandbox import Limits, Pool, job
from avatarkit.errors import AvatarKitError, MediaRejected
from avatarkit.intake import probing
from avatarkit.intake.probe_apart import probe_here
from avatarkit.models import SampleRole

POOL = Pool("tests", 2)
SMALL = Limits(memory=64 << 20, cpu=1.0, wall=30.0)


@dataclass(frozen=True)
class Seen:
    """Surroundings of a job."""

    pid: int
    environment: dict[str, str]
    descriptors: int
    main: str
    soft: tuple[int, ...]


@job(pool=POOL)
def add(one: int, two: int) -> int:
    return one + two


@job(pool=POOL)
def look() -> Seen:
    kinds = (resource.RLIMIT_DATA, resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_CORE)
    return Seen(
        os.getpid(),
        dict(os.environ),
        len(list(Path("/proc/self/fd").iterdir())),
        str(getattr(sys.modules["__main__"], "__file__", "")),
        tuple(resource.getrlimit(kind)[0] for kind in kinds),
    )


@job(pool=POOL, limits=SMALL)
def fill(path: Path, megabytes: int) -> int:
    return len(bytearray(megabytes << 20))


@job(pool=POOL, limits=SMALL)
def map_natively(path: Path, megabytes: int) -> int:
    malloc = ctypes.CDLL(None).malloc
    malloc.restype = ctypes.c_void_p
    place = malloc(ctypes.c_size_t(megabytes << 20))
    if place is None:
        ctypes.string_at(0)  # as a library does that looks at no result
    return 0


@job(pool=POOL, limits=SMALL)
def turn(path: Path) -> None:
    while True:
        pass


@job(pool=POOL, limits=Limits(memory=64 << 20, cpu=10.0, wall=0.2))
def sleep(path: Path) -> None:
    time.sleep(600)


@job(pool=POOL)
def rest(path: Path) -> None:
    path.write_text(str(os.getpid()))
    time.sleep(600)


@job(pool=POOL)
def end(number: int) -> None:
    os.kill(os.getpid(), number)


@job(pool=POOL)
def leave() -> None:
    os._exit(3)


@job(pool=POOL)
def fail(kind: str) -> None:
    errors: dict[str, Exception] = {
        "media": MediaRejected("me.wav is damaged. Record it again."),
        "ours": AvatarKitError("of ours"),
        "type": TypeError("a fault of ours"),
        "disk": OSError(28, "No space left on device"),
        "piece": DecodeError("a piece is damaged"),
        "odd": UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    }
    raise errors[kind]


@job(pool=POOL)
def read(path: Path) -> str:
    return path.read_text()


@job(pool=POOL)
def write_out(text: str) -> str:
    os.write(1, b"noise of a library")
    print(text)
    return text


def _broken() -> None:
    raise ModuleNotFoundError("No module named 'codec'")


@job(pool=POOL, prepare=_broken)
def unprepared() -> None:
    raise AssertionError


STOPS = [signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL]


@job(prepare=probe_here.prepare)
def probe_unchecked(path: Path) -> list[str]:
    """Probe without the cheap checks before decoding, so that only the limits of the child hold."""
    check, claims.check = claims.check, lambda file: None
    try:
        return [flaw.code for flaw in probing.probe(path, stills=1).flaws]
    finally:
        claims.check = check


HURRIED = Limits(cpu=3.0)


@job(prepare=probe_here.prepare, limits=HURRIED)
def probe_hurried_and_unchecked(path: Path) -> list[str]:
    """``probe_unchecked`` with less time."""
    return probe_unchecked.function(path)


@job(prepare=probe_here.prepare, limits=HURRIED)
def probe_hurried(
    path: Path, name: str, role: SampleRole | None, stills: int, folder: Path | None
) -> probing.Facts:
    """``probe_here`` with less time."""
    return probe_here.function(path, name, role, stills, folder)
