"""The page of failover and the code name the same times."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from avatarkit.lifecycle.decide import Policy
from avatarkit.models import Operation
from avatarkit.stacks import registry

PAGE = (Path(__file__).parents[2] / "docs/explanation/failover.md").read_text()
ROWS = re.findall(r"^\| (.+) \| (\d+) s \| (\d+) s \| (\d+) min \|$", PAGE, re.MULTILINE)
VENDORS = {"Resemble AI": "resemble"}
#: Vendors that train, and that can be searched for what they have trained.
TRAINING = [
    name
    for name in registry.BUILTIN
    if registry.load(name).capabilities.found_by_token & {Operation.VOICE, Operation.AVATAR}
    if not registry.load(name).capabilities.keeps_here and name not in {"fake", "playht"}
]


def rows():
    return {
        VENDORS.get(vendor, vendor.lower()): tuple(map(int, figures))
        for vendors, *figures in ROWS
        for vendor in vendors.split(", ")
    }


def test_the_table_lists_every_vendor_that_trains_and_can_be_searched():
    assert sorted(rows()) == sorted(TRAINING)


@pytest.mark.parametrize("name", TRAINING)
def test_the_times_of_an_outage_are_those_of_the_code(name):
    policy = Policy()
    lag = registry.load(name).capabilities.list_lag
    settle = policy.send_guard + policy.timeout + lag
    minutes = math.ceil(policy.patience * settle / 60)
    assert rows()[name] == (lag, settle, minutes)
