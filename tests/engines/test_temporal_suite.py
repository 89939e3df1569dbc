"""The Temporal engine keeps what engines promise, in real processes that are killed."""

from __future__ import annotations

import os
import sys

import pytest

from avatarkit.testing import EngineSuite


class TestTemporal(EngineSuite):
    engine = "temporal"
    # The test server keeps what it has given to a worker's cache, and has one history at a time.
    options = {"grace": 5.0, "heartbeat": 2.0, "cached": 0, "pause": 1.0}
    at_once = 1
    upgrade = "engines.upgrades:other_bounds"
    kills = 3

    @pytest.fixture
    def address(self, database):
        pytest.importorskip("temporalio", reason="temporalio is not installed")
        return database

    @pytest.fixture
    def environment(self, temporal_server):
        return {"TEMPORAL_ADDRESS": temporal_server, "PYTHONPATH": os.pathsep.join(sys.path)}


@pytest.mark.thorough
class TestTemporalForLong(TestTemporal):
    # A signal breaks the test server where a worker is killed while it decides what comes next:
    # here none is sent but the first, and workers are killed in visits.
    options = TestTemporal.options | {"grace": 3600.0}
    kills = 20
    in_visits = True
    test_due_records_are_advanced_though_every_wake_is_lost = None
