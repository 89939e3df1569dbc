"""The money rule with real processes, sockets and SIGKILL: the short form of ``proof/kill.py``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

KILL = Path(__file__).parent / "proof" / "kill.py"

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the proof forks its trainings")


def counted(*arguments):
    """Run the proof and return its counts; what it says beside them ends up in the report."""
    command = [sys.executable, KILL, "--json", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, timeout=170, check=False)
    return json.loads(done.stdout) | {"status": done.returncode}


def test_trainings_that_are_killed_anywhere_complete_and_are_paid_for_once():
    counts = counted("--kills", "20", "--round", "20", "--lease", "3", "--seed", "7")
    assert counts["kills"] == counts["trainings"] == counts["completed"] == 20
    assert counts["between"] >= 10
    assert (counts["once"], counts["more"], counts["never"]) == (40, 0, 0)
    assert counts["orphans"] == []
    assert counts["status"] == 0


def test_the_naive_twin_pays_twice_so_the_harness_sees_double_payments():
    counts = counted("--naive", "--kills", "10", "--seed", "7")
    assert counts["completed"] == 10
    assert counts["more"] > 0
    assert counts["orphans"]
    assert counts["status"] == 0


def test_fifty_identical_calls_from_five_processes_are_one_training_paid_for_once():
    counts = counted("identical", "--seed", "7")
    assert counts == {"calls": 50, "ids": 1, "rows": 1, "paid": ["avatars", "voices"], "status": 0}
