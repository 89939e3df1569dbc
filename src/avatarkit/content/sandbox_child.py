"""Child process of the sandbox: runs one job at a time under limits of memory and time.

``sandbox`` starts it as a fresh interpreter and talks to it over two pipes. Each frame is four
bytes of length and a body: requests are pickles of the parent, replies are JSON. The child ends
when its parent does, or after a minute without work.
"""

from __future__ import annotations

import json
import math
import os
import pickle
import queue
import signal
import struct
import sys
import threading
import time
import traceback
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from .sandbox import (
    ENDED_IDLE,
    ENDED_MEMORY,
    Job,
    LimitExceeded,
    Limits,
    Request,
    adapter,
    memory_reason,
    read_frame,
)

if sys.platform == "win32":
    resource = None
else:
    import resource

#: Seconds without a request after which a child ends, and bytes it may keep beyond its start.
_IDLE = 60.0
_KEPT = 96 << 20
#: Requests of one child, so that no leak of a decoder grows for days.
_CALLS = 500
#: Files that may be open at once.
_FILES = 64
#: Seconds between looks at the memory, on systems whose kernel does not limit it.
_LOOK = 0.1
#: Seconds by which the kernel's own alarm is later than the parent's: it matters without a parent.
_LATER = 2.0


def main() -> None:
    """Serve requests until the parent ends or no work comes."""
    inbox, outbox = _pipes()
    if resource is not None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.signal(signal.SIGXCPU, signal.SIG_DFL)
        _lower(resource.RLIMIT_CORE, 0)
        _lower(resource.RLIMIT_NOFILE, _FILES)
    requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(inbox, requests), daemon=True).start()
    worker = _Worker(outbox)
    for number in range(1, _CALLS + 1):
        try:
            request = requests.get(timeout=_IDLE)
        except queue.Empty:
            break
        worker.serve(pickle.loads(request), last=number == _CALLS)  # noqa: S301 - of our parent
    os._exit(ENDED_IDLE)


def _pipes() -> tuple[BinaryIO, BinaryIO]:
    """Take the pipes from the standard streams, so that no library writes into them."""
    inbox, outbox = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1):
        os.dup2(nothing, stream)
    return open(inbox, "rb"), open(outbox, "wb")  # noqa: PTH123 - descriptors


def _receive(inbox: BinaryIO, requests: queue.SimpleQueue[bytes]) -> None:
    """Pass requests on; end the process with its parent, also in the middle of a job."""
    while (body := read_frame(inbox)) is not None:
        requests.put(body)
    os._exit(ENDED_IDLE)


class _Worker:
    """Runs requests; knows how much memory this process has before a job."""

    def __init__(self, outbox: BinaryIO) -> None:
        self._outbox = outbox
        self._prepared: set[Callable[[], object]] = set()
        self._idle = _Memory.now()

    def serve(self, request: Request, *, last: bool) -> None:
        """Run a request and reply; ``last`` tells the parent that no other is taken."""
        try:
            job = self._ready(request)
        except Exception as error:  # noqa: BLE001 - the parent raises it
            self._reply(_error(error), last=last)
            return
        self._send(b"{}")  # from here on the file is at fault
        try:
            with _limited(job.limits, request.seconds, self._idle):
                value = job.function(*request.args, **request.kwargs)
                body = adapter(job.function).dump_python(value, mode="json")
            reply = {"value": body}
        except MemoryError:
            reply = {"limit": memory_reason(job.limits), "what": "memory"}
        except LimitExceeded as error:
            memory = error.what == "memory"
            reason = memory_reason(job.limits) if memory else error.reason
            reply = {"limit": reason, "what": error.what}
        except Exception as error:  # noqa: BLE001 - the parent raises it
            reply = _error(error)
        self._reply(reply, last=last or _Memory.now().data > self._idle.data + _KEPT)

    def _ready(self, request: Request) -> Job[..., Any]:
        """Find the job and import what it needs, which is outside of the limits."""
        job = request.job()
        if job.prepare not in self._prepared:
            job.prepare()
            self._prepared.add(job.prepare)
            self._idle = _Memory.now()
        return job

    def _reply(self, reply: dict[str, Any], *, last: bool) -> None:
        self._send(json.dumps({**reply, "last": last}).encode())
        if last:
            os._exit(ENDED_IDLE)

    def _send(self, body: bytes) -> None:
        self._outbox.write(struct.pack(">I", len(body)) + body)
        self._outbox.flush()


def _error(error: Exception) -> dict[str, Any]:
    """Describe an exception; the parent raises the same type."""
    simple = all(isinstance(value, str | int | float | None) for value in error.args)
    return {
        "error": type(error).__name__,
        "module": type(error).__module__,
        "args": error.args if simple and error.args else [str(error)],
        "trace": "".join(traceback.format_exception(error))[-8_000:],
    }


# -- limits -----------------------------------------------------------------------------------


class _Memory:
    """Virtual memory of this process in bytes, as the kernel counts it for its limits."""

    def __init__(self, size: int, data: int) -> None:
        self.size = size  #: all mappings
        self.data = data  #: private, writable mappings

    @classmethod
    def now(cls) -> _Memory:
        """Read the figures of Linux; elsewhere both are zero."""
        try:
            text = Path("/proc/self/status").read_text("ascii", "replace")
        except OSError:
            return cls(0, 0)
        lines = dict(line.split(":", 1) for line in text.splitlines())
        size, data = (lines.get(name, "0 kB").split()[0] for name in ("VmSize", "VmData"))
        return cls(int(size) << 10, int(data) << 10)


@contextmanager
def _limited(limits: Limits, seconds: float, idle: _Memory) -> Generator[None]:
    """Limit this process while the block runs; the kernel ends it when the time is over.

    ``seconds`` are added to the times in ``limits``. Windows has none of these limits.
    """
    if resource is None:
        yield
        return
    done = threading.Event()
    if idle.data:
        _lower(resource.RLIMIT_DATA, idle.data + limits.memory)
        _lower(resource.RLIMIT_AS, idle.size + 2 * limits.memory)
    else:  # macOS ignores both
        threading.Thread(target=_watch, args=(limits.memory, done), daemon=True).start()
    _lower(resource.RLIMIT_CPU, math.ceil(time.process_time() + limits.cpu + seconds))
    signal.setitimer(signal.ITIMER_REAL, limits.wall + seconds + _LATER)
    try:
        yield
    finally:
        done.set()
        signal.setitimer(signal.ITIMER_REAL, 0)
        for kind in (resource.RLIMIT_DATA, resource.RLIMIT_AS, resource.RLIMIT_CPU):
            _lower(kind, resource.getrlimit(kind)[1])


def _lower(kind: int, soft: int) -> None:
    """Set a soft limit, unless the hard one is lower."""
    if TYPE_CHECKING:
        assert resource is not None
    hard = resource.getrlimit(kind)[1]
    if hard != resource.RLIM_INFINITY:
        soft = min(soft, hard) if soft != resource.RLIM_INFINITY else hard
    resource.setrlimit(kind, (soft, hard))


def _watch(memory: int, done: threading.Event) -> None:
    """End this process when its peak of resident memory has grown by more than ``memory``."""
    if TYPE_CHECKING:
        assert resource is not None
    unit = 1 if sys.platform == "darwin" else 1024
    first = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    while not done.wait(_LOOK):
        if (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - first) * unit > memory:
            os._exit(ENDED_MEMORY)
