"""What all tests share."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Timing decides nothing, and a run that fails can be run again.
settings.register_profile(
    "avatarkit", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("avatarkit")

# Tests run in several processes, which are measured; what they start themselves is not, since who
# measures loads modules of its own.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.pop("COVERAGE_PROCESS_CONFIG", None)

# A shell lets what it starts in the background ignore Ctrl-C, and so does what that starts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

sys.path.insert(0, str(Path(__file__).parent))  # the simulated world is used by several tests


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch):
    for name in ("AVATARKIT_STACK", "AVATARKIT_REPOSITORY", "AVATARKIT_MEDIA"):
        monkeypatch.delenv(name, raising=False)
