"""``avatarkit worker`` and ``avatarkit db``: real processes on one database."""

from __future__ import annotations

import re
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from .test_cli import place, printed, process, run, train  # noqa: F401

DATABASE = ".avatarkit/avatarkit.db"
LONG = 60.0


def until(condition, seconds=LONG):
    """Wait for another process; that it takes long is a failure, never how long it takes."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.05)
    return found


def status(record_id):
    with closing(sqlite3.connect(DATABASE)) as db:
        row = db.execute("select status from avatar_training where id = ?", (record_id,)).fetchone()
    return row and row[0]


pytestmark = pytest.mark.slow  # each starts programs


@pytest.fixture
def worker():
    """Starts a worker; kills those that are left."""
    started = []

    def start(code=""):
        made = process("worker", code=code)
        started.append(made)
        assert "working" in made.stderr.readline()
        return made

    yield start
    for left in started:
        left.kill()
        left.communicate()


def test_a_worker_drives_what_other_processes_begin(worker):
    worker()
    training = train("--no-wait")
    until(lambda: status(training) == "completed")


@pytest.mark.parametrize("with_signal", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_that_is_asked_to_end_ends_well(worker, with_signal):
    asked = worker()
    asked.send_signal(with_signal)
    assert asked.wait(LONG) == 0


#: ``avatarkit`` whose vendor lets those who ask about a voice wait for a file called ``go``.
SLOW = """
from pathlib import Path
import anyio
from avatarkit.cli import main
from avatarkit.providers.fake import Fake

answer = Fake.get_voice

async def get_voice(self, voice_id):
    Path("asked").touch()
    while not Path("go").exists():
        await anyio.sleep(0.01)
    return await answer(self, voice_id)

Fake.get_voice = get_voice
main()
"""


def test_a_worker_that_ends_in_the_middle_of_a_visit_finishes_it_and_leaves_no_lease(worker):
    asked = worker(SLOW)
    train("--no-wait")
    until(Path("asked").exists)
    until(lambda: leases() == 1)
    asked.send_signal(signal.SIGTERM)
    Path("go").touch()
    assert (asked.wait(LONG), leases()) == (0, 0)


def leases():
    with closing(sqlite3.connect(DATABASE)) as db:
        held = "select count(*) from avatar_training where lease_owner is not null"
        return db.execute(held).fetchone()[0]


def test_two_workers_share_a_database(worker):
    worker(), worker()
    trainings = [train("--no-wait", f"--clone=c{n}") for n in range(4)]
    until(lambda: {status(training) for training in trainings} == {"completed"})


def test_one_visit_is_enough_for_cron():
    training = train("--no-wait")
    assert printed("worker", "--once") == [{"advanced": 1}]
    assert status(training) == "training"


def test_the_status_says_what_waits_for_whom():
    train("--no-wait")
    ((waits,),) = [printed("worker", "--status")[0]["providers"]]
    assert (waits["provider"], waits["waiting"], waits["due"], waits["held"]) == ("fake", 1, 1, 0)


def test_what_waits_too_long_for_a_worker_is_a_failure():
    train("--no-wait")
    result = run("worker", "--status", "--late=-1")
    assert (result.exit_code, "start a worker" in result.output) == (13, True)


def test_nothing_waits_in_a_new_database():
    assert printed("worker", "--status") == [{"providers": []}]


# -- db -------------------------------------------------------------------------------------------


def test_the_migration_is_written_as_supabase_names_it(tmp_path):
    (written,) = printed("db", "export-migration")
    names = [Path(path).name for path in written["files"]]
    assert [re.sub(r"^\d{14}", "", name) for name in names] == [
        "_avatarkit_from_heygen_tables.sql",
        "_avatarkit.sql",
    ]
    assert names == sorted(names)


def test_the_migration_is_not_written_twice():
    printed("db", "export-migration")
    result = run("db", "export-migration")
    assert (result.exit_code, "supabase db push" in result.output) == (3, True)


def test_sqlite_needs_no_migration():
    result = run("db", "migrate")
    assert (result.exit_code, "--dsn" in result.output) == (3, True)


def test_an_address_that_leads_nowhere_is_said_to(place):  # noqa: F811
    result = run("db", "migrate", "--dsn=postgresql://ana:hunter2@127.0.0.1:1/twins")
    assert (result.exit_code, "cannot be reached" in result.output) == (11, True)
    assert "hunter2" not in result.output


def test_after_a_backup_came_back_what_is_unfinished_is_counted():
    train("--no-wait")
    assert printed("db", "restored") == [{"records": 1}]
