"""Sandbox: decodes untrusted media in child processes with limits of memory and time.

A process pool of fresh interpreters, which this process starts when the first file is decoded and
then reuses. A child has a scrubbed environment, no inherited descriptors, and limits for each job;
one that exceeds them is killed, and its file is rejected by ``LimitExceeded``. Other exceptions of
a job are raised here with their own type, so that our own faults are never reported as bad files.

``job`` turns a module-level function into a ``Job``. Arguments are pickled; the result crosses as
JSON, by the function's return annotation, and large results as files in a folder of the caller.
"""

from __future__ import annotations

import atexit
import functools
import importlib
import json
import os
import pickle
import struct
import sys
import tempfile
import threading
import typing
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Generic, Literal, ParamSpec, TypeVar, cast

import anyio
import anyio.lowlevel
import anyio.to_thread

from ..errors import ConfigError, MediaRejected

if TYPE_CHECKING:
    import subprocess

    from pydantic import TypeAdapter

__all__ = [
    "ENGINE",
    "MEDIA",
    "WORK",
    "Calls",
    "Job",
    "LimitExceeded",
    "Limits",
    "Pool",
    "Stopped",
    "held",
    "job",
]

P = ParamSpec("P")
T = TypeVar("T")

#: Exit codes of a child that had no work, and of one that exceeded its memory.
ENDED_IDLE: Final = 75
ENDED_MEMORY: Final = 86
#: Bytes of one frame at most, and seconds in which a child must be ready for a job.
_FRAME: Final = 1 << 24
_READY: Final = 120.0
#: Bytes that a job reads in a second at least: large files get so much more time.
_BYTES_PER_SECOND: Final = 20e6

What = Literal["memory", "time", "crash"]


class LimitExceeded(MediaRejected):
    """A file needs more memory or time than a decoder may use, or crashes the decoder."""

    def __init__(self, reason: str, what: What, subject: str = "the file") -> None:
        super().__init__(f"{subject} {reason}")
        self.reason = reason  #: without the name of the file
        self.what: What = what


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Limits of one job; its two times are longer for large files."""

    memory: int = 400 << 20  #: bytes beyond those of an idle child
    cpu: float = 12.0  #: seconds
    wall: float = 18.0  #: seconds


_AGAIN: Final = "export it again, smaller or in another format"
#: Reason of a file that needs more memory than could be allocated.
NEEDS_MEMORY: Final = f"needs more memory to decode than there is: {_AGAIN}"


def memory_reason(limits: Limits) -> str:
    """Reason of a file that needs more memory than a job may use."""
    return f"needs more memory to decode than {limits.memory >> 20} MB: {_AGAIN}"


def _time_reason(seconds: float) -> str:
    return f"takes longer to decode than {seconds:.0f} seconds: {_AGAIN}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One call of a job, as it is pickled for a child."""

    name: str  #: module and qualified name of the job
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    seconds: float  #: that are added to its limits

    def job(self) -> Job[..., Any]:
        """Import the job."""
        module, _, name = self.name.partition(":")
        found = functools.reduce(getattr, name.split("."), importlib.import_module(module))
        return cast("Job[..., Any]", found)


@dataclass(frozen=True, slots=True, eq=False)
class Job(Generic[P, T]):
    """A function whose calls run in a child process; ``function`` is the function itself."""

    function: Callable[P, T]
    pool: Pool
    limits: Limits
    prepare: Callable[[], object]  #: imports, which run before the limits hold

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run in a child, and wait; raises ``LimitExceeded`` and what the function raises.

        Messages name the first argument that is a path.
        """
        paths = [value for value in _flat(args) if isinstance(value, Path)]
        seconds = sum(map(_size, paths)) / _BYTES_PER_SECOND
        name = f"{self.function.__module__}:{self.function.__qualname__}"
        request = Request(name=name, args=args, kwargs=kwargs, seconds=seconds)
        reply = self.pool.ask(request, self.limits, paths[0].name if paths else "the file")
        return cast("T", adapter(self.function).validate_python(reply))

    async def run(self, *args: P.args, **kwargs: P.kwargs) -> T:
        """``__call__`` without blocking the event loop; cancelling kills the child."""
        return await self.pool.in_thread(functools.partial(self, *args, **kwargs))


def _flat(values: Any) -> list[Any]:
    """Arguments, with those in lists and tuples."""
    flat: list[Any] = []
    for value in values:
        flat += _flat(value) if isinstance(value, list | tuple) else [value]
    return flat


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except (OSError, ValueError):
        return 0


@functools.cache
def adapter(function: Callable[..., T]) -> TypeAdapter[T]:
    """Validator of a function's result."""
    from pydantic import TypeAdapter

    return TypeAdapter(typing.get_type_hints(function)["return"])


def read_frame(stream: BinaryIO) -> bytes | None:
    """Read one frame; None if the other side has ended."""
    head = stream.read(4)
    if len(head) < 4:
        return None
    (length,) = struct.unpack(">I", head)
    body = stream.read(length) if length <= _FRAME else b""
    return body if len(body) == length else None


# -- one child --------------------------------------------------------------------------------

#: Variables that an interpreter may need to find its libraries and temporary files. No other one,
#: such as a key, reaches a child.
_VARIABLES: Final = (
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "DYLD_FALLBACK_LIBRARY_PATH",
    "SYSTEMROOT",
    "TMPDIR",
    "TEMP",
    "TMP",
)
#: Fewer threads and arenas, which each reserve memory.
_FRUGAL: Final = {
    "MALLOC_ARENA_MAX": "2",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "ORT_DISABLE_TELEMETRY": "1",
}
#: Folder of this package, also after a program with a relative path has changed its folder.
_HOME: Final = Path(__file__).absolute().parents[2]
_PROGRAM: Final = (
    "import sys; sys.path[:] = sys.argv[1:]; "
    "from avatarkit.content.sandbox_child import main; main()"
)


def command() -> list[str]:
    """Command line of a child: an isolated interpreter, which does not run the host's program."""
    from multiprocessing.spawn import get_executable  # what an embedding program has set

    executable = os.fsdecode(get_executable() or "")
    if not executable:
        raise _not_started("this program does not know its Python interpreter")
    paths = (os.path.abspath(path) for path in sys.path)  # noqa: PTH100 - "" is the current folder
    return [executable, "-I", "-c", _PROGRAM, *paths, str(_HOME)]


def _not_started(reason: str) -> ConfigError:
    error = ConfigError(
        f"the process that decodes media cannot be started ({reason}). Check that "
        "multiprocessing.spawn.get_executable() is a Python interpreter, and that memory and "
        "processes are left."
    )
    error.for_operators = True
    return error


class Stopped(Exception):
    """The caller has ended the child of a job."""


class _Ended(Exception):
    """A child has ended without a reply."""


class _Child:
    """A child process; used by one thread at a time, killed by any."""

    def __init__(self) -> None:
        import subprocess

        kept = {name: os.environ[name] for name in _VARIABLES if name in os.environ}
        try:
            self._process: subprocess.Popen[bytes] = subprocess.Popen(  # noqa: S603
                command(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={**kept, **_FRUGAL},
                cwd=tempfile.gettempdir(),
                start_new_session=sys.platform != "win32",  # Ctrl-C is the parent's to handle
            )
        except OSError as error:
            raise _not_started(error.strerror or str(error)) from error
        self._lock = threading.Lock()
        self.killed = False

    @property
    def pid(self) -> int:
        """Id of the process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """True if the process runs."""
        return self._process.poll() is None

    def send(self, request: bytes) -> None:
        """Send a request; raises ``_Ended``."""
        stream = cast("BinaryIO", self._process.stdin)
        try:
            stream.write(struct.pack(">I", len(request)) + request)
            stream.flush()
        except OSError as error:
            raise _Ended from error

    def receive(self, seconds: float) -> dict[str, Any]:
        """Wait for a reply; raises ``_Ended``, and ``TimeoutError`` after killing the child."""
        late = threading.Event()

        def end() -> None:
            late.set()
            self.kill()

        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()
        try:
            body = read_frame(cast("BinaryIO", self._process.stdout))
        finally:
            timer.cancel()
        if body is None:
            if late.is_set():
                raise TimeoutError
            raise _Ended
        return cast("dict[str, Any]", json.loads(body))

    def kill(self) -> None:
        """End the process at once."""
        with self._lock:
            self.killed = True
            self._process.kill()

    def close(self) -> int:
        """End the process, and return its exit code; negative: the signal."""
        for stream in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                cast("BinaryIO", stream).close()
        with self._lock:
            if not self.killed:
                with suppress(Exception):
                    self._process.wait(0.05)  # it may have ended by itself: keep its exit code
        self.kill()
        return self._process.wait()

    def forget(self) -> None:
        """Close this process's copies of the pipes, in a fork: the child is the parent's."""
        for stream in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                cast("BinaryIO", stream).close()
        self._process.returncode = 0  # its end is not ours to wait for


# -- pool -------------------------------------------------------------------------------------


class Calls:
    """Children that work for one task, so that its end is theirs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._children: set[_Child] = set()
        self._over = False

    @contextmanager
    def active(self) -> Generator[None]:
        """Let jobs that are called in the block belong to this task."""
        token = _CALLS.set(self)
        try:
            yield
        finally:
            _CALLS.reset(token)

    @contextmanager
    def using(self, child: _Child) -> Generator[None]:
        """Kill ``child`` if the task is cancelled while the block runs."""
        with self._lock:
            self._children.add(child)
            if self._over:
                child.kill()
        try:
            yield
        finally:
            with self._lock:
                self._children.discard(child)

    def kill(self) -> None:
        """End the children, also later ones: their jobs raise ``Stopped``."""
        with self._lock:
            self._over = True
            for child in self._children:
                child.kill()


_CALLS: ContextVar[Calls | None] = ContextVar("avatarkit_sandbox_calls", default=None)


@dataclass(slots=True)
class _Turns:
    """Limiter of the threads of one event loop that wait for children."""

    limiter: anyio.CapacityLimiter
    waiting: int = 0
    threads: anyio.CapacityLimiter | None = None

    @contextmanager
    def counted(self) -> Generator[None]:
        """Count as one of anyio's worker threads, so that virtual time waits."""
        if not self.waiting:
            threads = anyio.to_thread.current_default_thread_limiter()
            with suppress(anyio.WouldBlock):
                threads.acquire_on_behalf_of_nowait(self)
                self.threads = threads
        self.waiting += 1
        try:
            yield
        finally:
            self.waiting -= 1
            if not self.waiting and self.threads is not None:
                threads, self.threads = self.threads, None
                threads.release_on_behalf_of(self)

    __hash__ = object.__hash__


class Pool:
    """At most ``size`` children, shared by all kits and event loops of this process."""

    def __init__(self, name: str, size: int) -> None:
        self.name = name
        self._size = size
        self._turns: anyio.lowlevel.RunVar[_Turns] = anyio.lowlevel.RunVar(f"avatarkit {name}")
        self.reset()

    def reset(self) -> None:
        """Start without children, in a new process too."""
        self._slots = threading.BoundedSemaphore(self._size)
        self._lock = threading.Lock()
        self._idle: list[_Child] = []
        self._busy: set[_Child] = set()

    @property
    def children(self) -> list[int]:
        """Ids of the running processes."""
        with self._lock:
            return sorted(child.pid for child in (*self._idle, *self._busy) if child.alive)

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Run blocking work that calls jobs in a thread; cancelling kills its children.

        Waiting work holds no thread, and no thread of anyio's own limiter is used.
        """
        turns = self._turns.get(None)
        if turns is None:
            turns = _Turns(anyio.CapacityLimiter(self._size))
            self._turns.set(turns)
        calls = Calls()

        def alone() -> T:
            with calls.active():
                return work()

        try:
            with turns.counted():
                return await anyio.to_thread.run_sync(
                    alone, limiter=turns.limiter, abandon_on_cancel=True
                )
        except BaseException:
            calls.kill()
            raise

    def ask(self, request: Request, limits: Limits, subject: str) -> object:
        """Run a request in a child and return its result; raises what the job raises."""
        calls = _CALLS.get() or Calls()
        body = pickle.dumps(_absolute(request))
        with self._slots:
            for _ in range(self._size + 2):
                child = self._take()
                try:
                    with calls.using(child):
                        reply = _ask(child, body, limits, request.seconds, subject)
                except BaseException:
                    self._give_back(child, last=True)
                    raise
                if reply is not None:
                    self._give_back(child, last=bool(reply.get("last", True)))
                    return _result(reply, subject)
                self._give_back(child, last=True)
        raise _not_started("it ends at once")

    def _take(self) -> _Child:
        with self._lock:
            while self._idle:
                child = self._idle.pop()
                if child.alive:
                    self._busy.add(child)
                    return child
                child.close()
        child = _Child()
        with self._lock:
            self._busy.add(child)
        return child

    def _give_back(self, child: _Child, *, last: bool) -> None:
        with self._lock:
            self._busy.discard(child)
            if not last and not child.killed:
                self._idle.append(child)
                return
        child.close()

    def close(self) -> None:
        """End the idle children."""
        with self._lock:
            idle, self._idle = self._idle, []
        for child in idle:
            child.close()

    def kill(self) -> None:
        """End all children."""
        self.close()
        for child in tuple(self._busy):
            child.kill()

    def forget(self) -> None:
        """Leave the children to the process that this one is a fork of."""
        for child in (*self._idle, *self._busy):
            child.forget()
        self.reset()


#: Folders with names such as /dev/stdin, which mean another file in another process.
_OURS: Final = (("dev",), ("proc",))


def _absolute(request: Request) -> Request:
    """The request with absolute paths, since a child has another folder and other descriptors."""

    def absolute(value: Any) -> Any:
        if isinstance(value, Path):
            whole = value.absolute()
            return Path(os.path.realpath(whole)) if whole.parts[1:2] in _OURS else whole
        if not isinstance(value, list | tuple):
            return value
        parts = cast("list[object] | tuple[object, ...]", value)
        return type(parts)(map(absolute, parts))

    kwargs = {name: absolute(value) for name, value in request.kwargs.items()}
    return Request(
        name=request.name, args=absolute(request.args), kwargs=kwargs, seconds=request.seconds
    )


def _ask(
    child: _Child, body: bytes, limits: Limits, seconds: float, subject: str
) -> dict[str, Any] | None:
    """Reply of a child; None if it ended before the job began."""
    try:
        child.send(body)
        first = child.receive(_READY)
    except (_Ended, TimeoutError):
        if child.killed:
            raise Stopped from None
        return None
    if first:  # the job could not be prepared
        return first
    try:
        return child.receive(limits.wall + seconds)
    except TimeoutError:
        raise LimitExceeded(_time_reason(limits.wall + seconds), "time", subject) from None
    except _Ended:
        if child.killed:
            raise Stopped from None
        raise _ending(child.close(), limits, seconds, subject) from None


def _ending(code: int, limits: Limits, seconds: float, subject: str) -> Exception:
    """Explain the exit code of a child that ended in a job."""
    import signal

    name = signal.Signals(-code).name if code < 0 else ""
    if code == ENDED_MEMORY:
        return LimitExceeded(memory_reason(limits), "memory", subject)
    if name == "SIGXCPU":
        return LimitExceeded(_time_reason(limits.cpu + seconds), "time", subject)
    if name == "SIGALRM":
        return LimitExceeded(_time_reason(limits.wall + seconds), "time", subject)
    if name == "SIGKILL":
        reason = "was not decoded, because the system ended its decoder: most likely memory ran out"
        return LimitExceeded(f"{reason}. Try again, or export it smaller", "memory", subject)
    if name:
        return LimitExceeded(f"crashes its decoder ({name}): export it again", "crash", subject)
    return RuntimeError(f"the process that decodes media ended with exit code {code}")


def _result(reply: Mapping[str, Any], subject: str) -> object:
    """Value of a reply; raises what the job raised."""
    if "limit" in reply:
        raise LimitExceeded(reply["limit"], reply["what"], subject)
    if "error" not in reply:
        return reply["value"]
    raise _error(reply)


def _error(reply: Mapping[str, Any]) -> Exception:
    """Exception of a job: its own type if that is built in or ours, else ``RuntimeError``."""
    module, name, args = str(reply["module"]), str(reply["error"]), reply["args"]
    ours = module.split(".", 1)[0] == __name__.split(".", 1)[0]
    found = None
    if ours or module == "builtins":
        found = getattr(importlib.import_module(module), name, None)
    error: Exception = RuntimeError(f"{name}: {', '.join(map(str, args))}")
    if isinstance(found, type) and issubclass(found, Exception):
        with suppress(TypeError):
            error = found(*args)
    if not ours:
        error.add_note(f"in a process that decodes media:\n{reply['trace']}")
    return error


_CHILDREN: Final = max(2, min(4, os.cpu_count() or 1))
#: Children that look into recordings; children for longer work, such as joining recordings and
#: playing results; and children of the local provider's engine.
MEDIA: Final = Pool("media", _CHILDREN)
WORK: Final = Pool("work", _CHILDREN)
ENGINE: Final = Pool("engine", 1)
_POOLS: Final = (MEDIA, WORK, ENGINE)


def load(*modules: str) -> None:
    """Import modules, except those that are not installed: see ``Job.prepare``."""
    for module in modules:
        with suppress(ImportError):
            importlib.import_module(module)


def job(
    *,
    pool: Pool = MEDIA,
    limits: Limits | None = None,
    prepare: Callable[[], object] = lambda: None,
) -> Callable[[Callable[P, T]], Job[P, T]]:
    """Turn a module-level function into a job; its result needs an annotation."""
    return lambda function: Job(function, pool, limits or Limits(), prepare)


@dataclass(slots=True)
class _Holders:
    count: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


_HOLDERS = _Holders()


@contextmanager
def held() -> Generator[None]:
    """Keep idle children while the block runs, as an open kit does; the last block ends them."""
    with _HOLDERS.lock:
        _HOLDERS.count += 1
    try:
        yield
    finally:
        with _HOLDERS.lock:
            _HOLDERS.count -= 1
            last = not _HOLDERS.count
        if last:
            for pool in _POOLS:
                pool.close()


def _end() -> None:
    for pool in _POOLS:
        pool.kill()


def _forget() -> None:
    _HOLDERS.lock, _HOLDERS.count = threading.Lock(), 0
    for pool in _POOLS:
        pool.forget()


atexit.register(_end)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
