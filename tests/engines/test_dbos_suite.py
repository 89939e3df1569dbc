"""The DBOS engine keeps what engines promise, in real processes that are killed."""

from __future__ import annotations

import os
import sys

import pytest

from avatarkit.testing import EngineSuite


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
