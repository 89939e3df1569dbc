"""What all tests share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Timing decides nothing, and a run that fails can be run again.
settings.register_profile(
    "avatarkit", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("avatarkit")

sys.path.insert(0, str(Path(__file__).parent))  # the simulated world is used by several tests


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch):
    for name in ("AVATARKIT_STACK", "AVATARKIT_REPOSITORY", "AVATARKIT_MEDIA"):
        monkeypatch.delenv(name, raising=False)
