"""Settings and fixtures of all tests: Hypothesis profiles, virtual time, results for nox."""

from __future__ import annotations

import gc
import json
import logging
import os
import platform
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from avatarkit.content import sandbox
from avatarkit.engines.in_process import InProcessEngine
from avatarkit.lifecycle.watching import Changes
from avatarkit.testing import FakeClock

sys.path.insert(0, str(Path(__file__).parent))  # what several tests share stands beside this file
import samples

# Timing decides nothing, and a run that fails can be run again. HYPOTHESIS_PROFILE chooses: quick
# between two edits, full in proofs.
_REPEATABLE = settings(
    deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("quick", _REPEATABLE, max_examples=20)
settings.register_profile("ci", _REPEATABLE, max_examples=300)
settings.register_profile("full", _REPEATABLE, derandomize=False, max_examples=5000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE") or "ci")

# Tests run in several processes, which are measured; what they start themselves is not, since who
# measures loads modules of its own.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.pop("COVERAGE_PROCESS_CONFIG", None)

# A shell lets what it starts in the background ignore Ctrl-C, and so does what that starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


samples.install()

#: Virtual seconds between looks at what nothing has changed.
SELDOM = 5.0
_start_engine, _pause = InProcessEngine.__init__, Changes.pause.fget
_start_program = subprocess.Popen.__init__


@pytest.fixture(autouse=True)
def _logs_as_before():
    """Undo what the command line does to the logger: elsewhere it has a process of its own."""
    logger = logging.getLogger("avatarkit")
    level, propagate, handlers = logger.level, logger.propagate, list(logger.handlers)
    yield
    logger.setLevel(level)
    logger.propagate, logger.handlers[:] = propagate, handlers


@pytest.fixture(autouse=True)
def _seldom_looking(monkeypatch):
    """In virtual time look less often for what other processes changed: it is most of the work.

    Tests about how often it is looked override this fixture.
    """

    def start(self, *, clock, **more):
        if isinstance(clock, FakeClock):
            more.setdefault("idle", SELDOM)
        _start_engine(self, clock=clock, **more)

    def pause(self):
        return max(_pause(self), SELDOM if isinstance(self.clock, FakeClock) else 0.0)

    monkeypatch.setattr(InProcessEngine, "__init__", start)
    monkeypatch.setattr(Changes, "pause", property(pause))


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch):
    for name in ("AVATARKIT_STACK", "AVATARKIT_REPOSITORY", "AVATARKIT_MEDIA"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True, scope="session")
def _decoding_children():
    """Keep the processes that decode media until the last test, for all kits."""
    with sandbox.held():
        yield


@pytest.fixture(autouse=True, scope="session")
def _quick():
    """For ``nox -s quick``: fail what starts a program, which takes as long as a hundred tests."""
    with pytest.MonkeyPatch.context() as patch:
        if os.environ.get("AVATARKIT_TEST_QUICK"):
            patch.setattr(subprocess.Popen, "__init__", _refuse_program)
        yield


def _refuse_program(self, args, *given, **more):
    if any("avatarkit.content.sandbox_child" in str(word) for word in args):
        _start_program(self, args, *given, **more)  # once in a process
        return
    self.args, self.returncode, self._child_created = args, None, False
    pytest.fail(f"this test starts {args}: mark it as slow", pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Collect thousands of tests without looking for garbage; later looks leave them out."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def pytest_collection_modifyitems(items):
    """Reject a test's id that holds an address in memory: each process would name it otherwise."""
    if wrong := [item.nodeid for item in items if " at 0x" in item.nodeid]:
        raise pytest.UsageError(f"give these parameters ids that stay the same: {wrong}")


# -- for nox --------------------------------------------------------------------------------------


def pytest_terminal_summary(terminalreporter):
    """Tell nox how many tests ran, and which were skipped and why."""
    place = os.environ.get("AVATARKIT_TEST_COUNTS")
    if not place:
        return
    stats = terminalreporter.stats
    skipped = sorted(
        (report.nodeid, report.longrepr[2].removeprefix("Skipped: "))
        for report in stats.get("skipped", ())
    )
    counts = {
        "python": platform.python_version(),
        "passed": len(stats.get("passed", ())),
        "failed": len(stats.get("failed", ())) + len(stats.get("error", ())),
        "expected to fail": len(stats.get("xfailed", ())),
        "skipped": skipped,
    }
    Path(place).write_text(json.dumps(counts))
