"""The money rule with real processes, servers and SIGKILL: short forms of ``proof/kill.py``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

KILL = Path(__file__).with_name("kill.py")

pytestmark = [
    pytest.mark.once,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="the proof forks its trainings"),
]


def counted(*arguments):
    """Run the proof and return its counts; what it says beside them ends up in the report.

    Skips where it says that a server is not installed. One that hangs is told to leave, so that it
    takes its servers along.
    """
    command, pipe = [sys.executable, KILL, "--json", *arguments], subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            counts, said = process.communicate(timeout=170)
        except BaseException:
            process.terminate()
            raise
    print(said)
    if process.returncode == 2:
        pytest.skip(said)
    return json.loads(counts) | {"status": process.returncode}


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


WORKERS = ("workers", "--kills", "4", "--crash", "--lease", "3", "--seed", "7", "--longest", "150")


@pytest.mark.parametrize("repository", ["postgres", "pgbouncer", "supabase"])
def test_killed_workers_and_a_crashed_database_lose_nothing_and_pay_for_nothing_twice(repository):
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    counts = counted(*WORKERS, "--trainings", "30", "--repository", repository)
    assert (counts["kills"], counts["crashes"], counts["once"]) == (4, 1, 60)
    assert (counts["lost"], counts["more"], counts["open"]) == (0, 0, 0)
    assert counts["status"] == 0


def test_the_naive_twin_on_a_server_that_crashes_pays_twice_or_loses():
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    counts = counted(*WORKERS, "--trainings", "60", "--repository", "postgres", "--naive")
    assert counts["completed"] == 60
    assert counts["lost"] > 0
    assert counts["more"] > 0
    assert counts["status"] == 0


@pytest.mark.thorough
def test_an_executor_of_dbos_that_never_comes_back_loses_nothing_and_pays_for_nothing_twice():
    pytest.importorskip("dbos", reason="dbos is not installed")
    orphan = ("--engine", "dbos", "--orphan", "--repository", "postgres")
    plan = ("--trainings", "40", "--kills", "2", "--seed", "7", "--longest", "200")
    counts = counted("workers", *orphan, *plan)
    assert (counts["kills"], counts["once"]) == (3, 80)
    assert (counts["lost"], counts["more"], counts["open"]) == (0, 0, 0)
    assert counts["status"] == 0
