"""Every engine keeps what engines promise, in real processes that are killed."""

from __future__ import annotations

import os
import sys

import pytest

from avatarkit.testing import EngineSuite


class TestInProcess(EngineSuite):
    engine = "in-process"
    options = {"lease": 1.5}

    @pytest.fixture
    def address(self, tmp_path):
        return f"sqlite:///{tmp_path}/records.db"


class TestDBOS(EngineSuite):
    engine = "dbos"
    options = {"grace": 3.0}
    upgrade = "engines.upgrades:another_workflow"

    @pytest.fixture
    def address(self, database):
        pytest.importorskip("dbos", reason="dbos is not installed")
        return database

    @pytest.fixture
    def environment(self, address):
        return {"AVATARKIT_DBOS_URL": address, "PYTHONPATH": os.pathsep.join(sys.path)}


class TestTemporal(EngineSuite):
    engine = "temporal"
    # The test server keeps what it has given to a worker's cache, and has one history at a time.
    options = {"grace": 5.0, "heartbeat": 2.0, "cached": 0}
    at_once = 1
    upgrade = "engines.upgrades:other_bounds"
    kills = 20

    @pytest.fixture
    def address(self, database):
        pytest.importorskip("temporalio", reason="temporalio is not installed")
        return database

    @pytest.fixture
    def environment(self, temporal_server):
        return {"TEMPORAL_ADDRESS": temporal_server, "PYTHONPATH": os.pathsep.join(sys.path)}
