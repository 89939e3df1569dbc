"""What the tests of all vendors share: a scripted vendor, and no waiting between attempts."""

from __future__ import annotations

import pytest
import stamina

from avatarkit.testing import Wire


@pytest.fixture(autouse=True)
def _without_waiting():
    with stamina.set_testing(True, attempts=2, cap=True):
        yield


@pytest.fixture
def wire():
    return Wire()
