"""The DBOS engine beside an application that uses DBOS, and what it leaves in the database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

pytest.importorskip("dbos", reason="dbos is not installed")
pytestmark = pytest.mark.slow


def ran(database, case):
    """Run a case of hosts.py in a process of its own, as DBOS is one per process."""
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("dbos_hosts.py"), case],
        env=os.environ
        | {"AVATARKIT_REPOSITORY": database, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_a_host_that_uses_dbos_keeps_its_own_where_the_kit_only_wakes(database):
    told = ran(database, "host_first")
    assert told["result"] == "the host's workflow ran"
    assert told["version"] == told["version before"]
    assert told["executor"] == told["executor before"] == "the host"
    assert told["pool of the loop"] == told["pool before"]
    assert told["queued"] == 1  # the kit's wake, in the kit's own schema
    assert "worker=False" in told["a worker in this process"]


def test_a_worker_tells_a_host_that_comes_later_to_start_dbos_elsewhere(database):
    told = ran(database, "worker_first")
    assert "beside" in told["error"] or "worker=False" in told["error"]
    assert told["pool of the loop"] == told["pool before"]
    assert told["completed"] == 40
    assert told["executor threads"] <= 8


def test_finished_workflows_are_removed(database):
    told = ran(database, "old_rows")
    assert told["completed"] == 5
    assert told["left"] == 0


def test_each_process_has_an_id_of_its_own_and_all_have_the_same_version(database):
    first, second = (ran(database, "identity") for _ in range(2))
    assert first["executor"] != second["executor"]
    with psycopg.connect(database) as db:
        rows = db.execute(
            "select distinct application_version from avatarkit_dbos.workflow_status"
        ).fetchall()
    assert rows == [("avatarkit-visit-1",)]
