"""The in-process engine keeps what engines promise, in real processes that are killed."""

from __future__ import annotations

import pytest

from avatarkit.testing import EngineSuite


class TestInProcess(EngineSuite):
    engine = "in-process"
    options = {"lease": 1.5}

    @pytest.fixture
    def address(self, tmp_path):
        return f"sqlite:///{tmp_path}/records.db"
