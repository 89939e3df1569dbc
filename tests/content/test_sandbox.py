"""The sandbox: limits, typed errors, shutdown, and hosts of every kind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path

import anyio
import pytest

import sandbox_jobs as jobs
from avatarkit import AvatarKit
from avatarkit.content import sandbox, sandbox_child
from avatarkit.content.decoding import DecodeError
from avatarkit.errors import AvatarKitError, ConfigError, MediaRejected
from avatarkit.intake import probing
from avatarkit.intake.probe_apart import probe

DEMO = Path(str(files("avatarkit") / "data/demo"))
CLIP = Path("clip.mp4")

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture(autouse=True, scope="module")
def _ended():
    yield
    jobs.POOL.kill()


def gone(pid):
    """Wait for the end of a process, which is certain."""
    while True:
        try:
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (ProcessLookupError, FileNotFoundError):
            return True
        if state == "Z":
            return True
        time.sleep(0.01)


# -- results and errors -----------------------------------------------------------------------


def test_a_job_returns_what_its_function_returns():
    assert jobs.add(1, two=2) == jobs.add.function(1, 2) == 3


def test_a_child_is_used_again():
    assert jobs.look().pid == jobs.look().pid
    assert jobs.look().pid in jobs.POOL.children


def test_what_a_library_prints_is_not_taken_for_a_reply():
    assert jobs.write_out("hello") == "hello"


@pytest.mark.parametrize(
    ("kind", "error", "says"),
    [
        ("media", MediaRejected, "me.wav is damaged"),
        ("ours", AvatarKitError, "of ours"),
        ("piece", DecodeError, "a piece is damaged"),
        ("type", TypeError, "a fault of ours"),
        ("disk", OSError, "No space left"),
        ("odd", RuntimeError, "UnicodeDecodeError"),
    ],
)
def test_an_error_keeps_its_type_and_words(kind, error, says):
    with pytest.raises(error, match=says) as caught:
        jobs.fail(kind)
    assert type(caught.value) is error
    assert isinstance(caught.value, MediaRejected) == (kind == "media")


def test_a_fault_of_ours_tells_where_it_was():
    with pytest.raises(TypeError) as caught:
        jobs.fail("type")
    assert "sandbox_jobs.py" in "".join(caught.value.__notes__)


def test_a_missing_package_is_not_the_fault_of_a_file():
    with pytest.raises(ModuleNotFoundError, match="codec"):
        jobs.unprepared()


@pytest.mark.slow
def test_a_job_that_leaves_the_process_is_a_fault_of_ours():
    with pytest.raises(RuntimeError, match="exit code 3"):
        jobs.leave()


def test_a_relative_path_means_the_folder_of_the_caller(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("here")
    monkeypatch.chdir(tmp_path)
    assert jobs.read(Path("a.txt")) == "here"


@on_linux
def test_a_descriptor_of_the_caller_can_be_read_by_its_path(tmp_path):
    with (tmp_path / "a.txt").open("w+") as file:
        file.write("here")
        file.flush()
        assert jobs.read(Path(f"/proc/self/fd/{file.fileno()}")) == "here"


# -- limits -----------------------------------------------------------------------------------


@on_linux
@pytest.mark.parametrize("use", [jobs.fill, jobs.map_natively])
def test_a_job_may_use_its_memory_and_no_more(use):
    assert use(CLIP, 30) is not None
    with pytest.raises(sandbox.LimitExceeded, match=r"clip\.mp4 (needs more memory|crashes)"):
        use(CLIP, 80)
    assert use(CLIP, 30) is not None


@on_linux
def test_a_file_that_needs_too_much_memory_is_told_so():
    with pytest.raises(MediaRejected, match=r"needs more memory to decode than 64 MB: export"):
        jobs.fill(CLIP, 80)


@pytest.mark.parametrize(
    ("use", "seconds"), [pytest.param(jobs.turn, 1, marks=pytest.mark.slow), (jobs.sleep, 0)]
)
def test_a_job_that_takes_too_long_is_killed(use, seconds):
    with pytest.raises(MediaRejected, match=rf"clip\.mp4 takes longer to decode than {seconds} "):
        use(CLIP)
    assert jobs.add(1, 2) == 3


@pytest.mark.slow
@pytest.mark.parametrize("number", jobs.STOPS)
def test_a_crash_of_the_decoder_rejects_the_file(number):
    with pytest.raises(sandbox.LimitExceeded, match=r"crashes its decoder|system ended") as caught:
        jobs.end(number)
    assert caught.value.what == ("memory" if number == signal.SIGKILL else "crash")
    assert jobs.add(1, 2) == 3


@on_linux
def test_limits_are_lifted_between_jobs_and_set_in_them():
    data, size, cpu, core = jobs.look().soft
    assert (0 < data < size, cpu > 0, core) == (True, True, 0)


def test_a_large_file_gets_more_time(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(jobs.POOL, "ask", lambda request, *_: asked.append(request.seconds))
    with (tmp_path / "large.mp4").open("wb") as file:
        file.truncate(200_000_000)
    jobs.turn(tmp_path / "large.mp4")
    assert asked == [10.0]


# -- surroundings -----------------------------------------------------------------------------


@on_linux
def test_a_child_holds_no_secret_no_descriptor_and_no_program_of_the_host(monkeypatch, tmp_path):
    monkeypatch.setenv("HEYGEN_API_KEY", "a-secret")
    jobs.POOL.kill()
    inherited = os.open(tmp_path, os.O_RDONLY)
    os.set_inheritable(inherited, True)  # noqa: FBT003
    seen = jobs.look()
    os.close(inherited)
    assert "a-secret" not in str(seen.environment)
    assert set(seen.environment) <= {*sandbox._VARIABLES, *sandbox._FRUGAL, "LC_CTYPE"}
    assert seen.descriptors <= 7
    assert seen.main == ""


@pytest.mark.slow
def test_without_an_interpreter_nothing_is_blamed_on_the_file(monkeypatch):
    jobs.POOL.kill()
    monkeypatch.setattr(sandbox, "command", lambda: ["/nonexistent/python"])
    with pytest.raises(ConfigError, match="cannot be started") as caught:
        jobs.add(1, 2)
    assert caught.value.for_operators


@pytest.mark.slow
def test_a_program_that_ends_at_once_is_not_blamed_on_the_file(monkeypatch):
    jobs.POOL.kill()
    monkeypatch.setattr(sandbox, "command", lambda: [sys.executable, "-c", ""])
    with pytest.raises(ConfigError, match="ends at once"):
        jobs.add(1, 2)


# -- threads and event loops ------------------------------------------------------------------


@pytest.mark.slow
def test_no_more_children_run_than_the_pool_allows():
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(jobs.add, range(40), range(40))) == list(range(0, 80, 2))
    assert len(jobs.POOL.children) <= 2


def test_two_event_loops_share_the_children():
    first = anyio.run(jobs.add.run, 1, 2), set(jobs.POOL.children)
    assert (anyio.run(jobs.add.run, 1, 2), set(jobs.POOL.children)) == first


@pytest.mark.slow
@pytest.mark.anyio
async def test_waiting_jobs_hold_no_thread_of_the_program(tmp_path):
    paths = [tmp_path / str(number) for number in range(60)]
    async with anyio.create_task_group() as tasks:
        for path in paths:
            tasks.start_soon(jobs.rest.run, path)
        while sum(path.exists() for path in paths) < 2:
            await anyio.sleep(0.01)
        assert await anyio.to_thread.run_sync(lambda: "still served") == "still served"
        tasks.cancel_scope.cancel()


@pytest.mark.anyio
async def test_cancelling_a_job_kills_its_child(tmp_path):
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(jobs.rest.run, tmp_path / "pid")
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            await anyio.sleep(0.01)
        tasks.cancel_scope.cancel()
    assert gone(int((tmp_path / "pid").read_text()))
    assert await jobs.add.run(1, 2) == 3


# -- shutdown ---------------------------------------------------------------------------------


def test_the_last_holder_ends_the_idle_children(monkeypatch):
    monkeypatch.setattr(sandbox, "_POOLS", (jobs.POOL,))
    monkeypatch.setattr(sandbox, "_HOLDERS", sandbox._Holders())
    with sandbox.held():
        with sandbox.held():
            (pid, *_) = [jobs.look().pid]
        assert pid in jobs.POOL.children
    assert gone(pid)
    assert jobs.POOL.children == []


@pytest.mark.anyio
async def test_a_kit_that_decodes_nothing_starts_no_child(tmp_path, monkeypatch):
    monkeypatch.setattr(sandbox, "_Child", None)
    async with AvatarKit("fake", repository="memory://", media=str(tmp_path)) as kit:
        await kit.videos(user_id="ana")


def program(code, *given, wait=True):
    """Run a program of a user, which does not guard its main module."""
    tests = str(Path(__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, tests])}
    command = [sys.executable, "-c", code, *map(str, given)]
    run = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    return run.communicate()[0] if wait else run


@pytest.mark.slow
def test_importing_the_package_imports_no_sandbox():
    out = program("import sys, avatarkit; print([m for m in sys.modules if 'sandbox' in m])")
    assert out.strip() == "[]"


@pytest.mark.slow
def test_a_program_without_a_guard_of_its_main_module_runs_once(tmp_path):
    script = tmp_path / "host.py"
    script.write_text("print('begun')\nimport sandbox_jobs as j\nprint(j.add(1, 2))\n")
    code = "import runpy, sys; runpy.run_path(sys.argv[1], run_name='__main__')"
    assert program(code, script).split() == ["begun", "3"]


@pytest.mark.slow
def test_a_program_with_a_relative_path_may_change_its_folder(tmp_path):
    source = Path(sandbox.__file__).parents[3]
    code = (
        "import os, sys\n"
        "os.chdir(sys.argv[1])\n"
        "sys.path[:] = [p for p in sys.path if p != sys.argv[3]]\n"
        "sys.path.insert(0, sys.argv[2])\n"
        "from avatarkit.content import sandbox\n"
        "os.chdir('/')\n"
        "import sandbox_jobs as j\n"
        "print(j.add(1, 2))\n"
    )
    assert program(code, source.parent, source.name, source).split() == ["3"]


@pytest.mark.slow
@pytest.mark.parametrize("job", ["look", "rest"])
def test_no_child_outlives_a_parent_that_is_killed(tmp_path, job):
    code = (
        "import sys, time, pathlib, sandbox_jobs as j\n"
        "print(j.look().pid, flush=True)\n"
        "sys.argv[1] == 'rest' and j.rest(pathlib.Path(sys.argv[2]))\n"
        "time.sleep(600)\n"
    )
    run = program(code, job, tmp_path / "pid", wait=False)
    pid = int(run.stdout.readline())
    while job == "rest" and not (tmp_path / "pid").exists():
        time.sleep(0.01)
    run.kill()
    run.communicate()
    assert gone(pid)


@pytest.mark.slow
def test_no_child_outlives_a_program_that_ends(tmp_path):
    assert gone(int(program("import sandbox_jobs as j; print(j.look().pid)")))


@pytest.mark.slow
def test_a_fork_starts_children_of_its_own():
    code = (
        "import os, sandbox_jobs as j\n"
        "mine = j.look().pid\n"
        "if not os.fork():\n"
        "    print(j.look().pid != mine, flush=True)\n"
        "    os._exit(0)\n"
        "os.wait()\n"
        "print(j.look().pid == mine)\n"
    )
    assert program(code).split() == ["True", "True"]


@pytest.mark.slow
def test_many_threads_may_start_the_first_child_at_once():
    code = (
        "import sandbox_jobs as j\n"
        "from concurrent.futures import ThreadPoolExecutor as T\n"
        "with T(16) as t: print(sum(t.map(j.add, range(32), range(32))))\n"
    )
    assert program(code).split() == [str(sum(range(0, 64, 2)))]


# -- the child, in this process ---------------------------------------------------------------


class Pipe:
    """A pipe whose other end sends nothing."""

    def __init__(self, content=b""):
        self.content = content

    def read(self, size):
        piece, self.content = self.content[:size], self.content[size:]
        return piece


@pytest.mark.parametrize("content", [b"", b"\0\0", b"\0\0\0\x09short", b"\xff\xff\xff\xff"])
def test_half_a_frame_and_one_that_is_too_long_are_the_end(content):
    assert sandbox.read_frame(Pipe(content)) is None


def test_without_limits_of_the_kernel_the_memory_is_watched(monkeypatch):
    ended, done = [], threading.Event()

    class Usage:
        peaks = iter([100, 150, 90 << 10, 90 << 10])
        RUSAGE_SELF = 0

        def getrusage(self, _):
            self.ru_maxrss = next(self.peaks)
            return self

    def end(code):
        ended.append(code)
        done.set()

    monkeypatch.setattr(sandbox_child, "resource", Usage())
    monkeypatch.setattr(sandbox_child, "_LOOK", 0)
    monkeypatch.setattr(sandbox_child.os, "_exit", end)
    sandbox_child._watch(64 << 20, done)
    assert ended == [sandbox.ENDED_MEMORY]


# -- probing ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "stills"), [("voice.wav", 0), ("portrait.jpg", 1)])
def test_the_facts_of_a_recording_are_the_same_as_in_this_process(name, stills):
    assert probe(DEMO / name, stills=stills) == probing.probe(DEMO / name, stills=stills)
