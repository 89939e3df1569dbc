"""The database file is replaced, moved, deleted or changed while it is open: nothing is spent."""

import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing, contextmanager, suppress

import pytest

from avatarkit import AvatarKit
from avatarkit.clock import SystemClock
from avatarkit.config.settings import Settings
from avatarkit.errors import AvatarKitError, ConfigError, StorageError
from avatarkit.lifecycle.advance import Orchestrator
from avatarkit.models import Operation
from avatarkit.providers.fake import Fake, FakeVendor
from avatarkit.repositories.sqlite import SqliteRepository
from avatarkit.testing import FakeClock
from avatarkit.testing.repositories import a_training

pytestmark = pytest.mark.anyio


def beside(path, suffix):
    return path.with_name(path.name + suffix)


def delete(path):
    path.unlink()


def delete_all(path):
    for suffix in ("", "-wal", "-shm"):
        beside(path, suffix).unlink()


def move(path):
    path.rename(path.with_name("moved.db"))


def move_folder(path):
    path.parent.rename(path.parent.with_name("moved"))


def replace_by_copy(path):
    copy = path.with_name("copy.db")
    shutil.copy(path, copy)
    copy.replace(path)


def replace_by_new(path):
    delete_all(path)
    sqlite3.connect(path).close()
    path.touch()


@contextmanager
def connected(path):
    """Commit, and close."""
    with closing(sqlite3.connect(path)) as connection, connection:
        yield connection


def restore_backup(path):
    backup = path.with_name("backup.db")
    with connected(path) as source, connected(backup) as target:
        source.backup(target)
    backup.replace(path)


def delete_log(path):
    beside(path, "-wal").unlink()


def delete_log_index(path):
    beside(path, "-shm").unlink()


def replace_log(path):
    log = beside(path, "-wal")
    copy = log.with_name("copy")
    shutil.copy(log, copy)
    copy.replace(log)


def cut_off(path):
    with connected(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
    connection.close()
    os.truncate(path, 0)


def overwrite_with_an_older_one(path):
    older = path.with_name("older.db")
    sqlite3.connect(older).close()
    with path.open("wb") as file:
        file.write(older.read_bytes())


def switch_link(path):
    """The path is a symbolic link in its test."""
    other = path.with_name("other.db")
    shutil.copy(path, other)
    path.unlink()
    path.symlink_to(other)


ACCIDENTS = [
    delete,
    delete_all,
    move,
    move_folder,
    replace_by_copy,
    replace_by_new,
    restore_backup,
    delete_log,
    delete_log_index,
    replace_log,
    cut_off,
    overwrite_with_an_older_one,
    switch_link,
]


@pytest.fixture
def path(tmp_path, request):
    path = tmp_path / "folder" / "twins.db"
    path.parent.mkdir()
    if "switch_link" in request.node.name:
        path.symlink_to(tmp_path / "real.db")
    return path


def kit_on(path, vendor, clock):
    return AvatarKit(
        "fake",
        repository=SqliteRepository(path, clock=clock),
        media=path.parents[1] / "media",
        providers={"fake": Fake(vendor=vendor)},
        settings=Settings(),
        worker=False,
        clock=clock,
    )


@pytest.mark.parametrize("accident", ACCIDENTS)
async def test_after_an_accident_nothing_is_spent_and_no_order_is_taken(
    accident, path, avatarkit_samples, avatarkit_offline
):
    clock = FakeClock()
    vendor = FakeVendor(clock=clock, durations=dict.fromkeys(Operation, 0.0))
    order = {"user_id": "ana", "clone_id": "main", **avatarkit_samples}
    async with kit_on(path, vendor, clock) as kit, kit_on(path, vendor, clock) as other:
        training = await kit.train(**order)
        accident(path)

        for each in (kit, other):
            for call in (
                each.admin.tick(),
                each.train(**order),
                each.get(training.id),
                each.trainings(),
                each.cancel(training.id),
                each.admin.ping(),
            ):
                with pytest.raises(AvatarKitError) as caught:
                    await call
                assert isinstance(caught.value, StorageError)
        assert vendor.accepted == {}


def restore_into(path, backup):
    with connected(backup) as source, connected(path) as target:
        source.backup(target)


def overwrite_each_file(path, backup):
    for suffix in ("", "-wal", "-shm"):
        shutil.copyfile(beside(backup, suffix), beside(path, suffix))


def overwrite_after_a_checkpoint(path, backup):
    with connected(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    restored = backup.with_name("restored.db")
    restore_into(restored, backup)
    shutil.copyfile(restored, path)


def replace_rows(path, backup):
    with connected(path) as connection:
        connection.execute("ATTACH ? AS backup", (str(backup),))
        for table in ("history", "avatar_training", "jobs", "ledger"):
            connection.execute(f"DELETE FROM main.{table}")
            connection.execute(f"INSERT INTO main.{table} SELECT * FROM backup.{table}")


def restore_another_database(path, backup):
    with connected(backup) as connection:
        connection.execute("UPDATE history SET database = 'another', changes = 1000000")
    restore_into(path, backup)


@pytest.mark.parametrize(
    "restore",
    [
        restore_into,
        overwrite_each_file,
        overwrite_after_a_checkpoint,
        replace_rows,
        restore_another_database,
    ],
)
async def test_a_backup_restored_into_the_open_file_is_noticed_and_nothing_is_paid_twice(
    restore, path, tmp_path, avatarkit_samples, avatarkit_offline
):
    clock = FakeClock()
    vendor = FakeVendor(clock=clock, durations=dict.fromkeys(Operation, 0.0))
    order = {"user_id": "ana", "clone_id": "main", **avatarkit_samples}
    async with kit_on(path, vendor, clock) as kit, kit_on(path, vendor, clock) as other:
        training = await kit.train(**order)
        backup = tmp_path / "backup.db"
        for suffix in ("", "-wal", "-shm"):
            shutil.copyfile(beside(path, suffix), beside(backup, suffix))
        while not (await other.get(training.id)).status.final:
            await kit.admin.tick()
            await clock.sleep(30)
        paid = vendor.accepted
        restore(path, backup)

        for each in (kit, other):
            with pytest.raises(StorageError, match="db restored"):
                await each.admin.tick()
            await clock.sleep(30)
            for call in (each.train(**order), each.get(training.id), each.admin.ping()):
                with pytest.raises(StorageError, match="db restored"):
                    await call
        assert vendor.accepted == paid


async def test_a_file_that_is_put_back_works_again(path, avatarkit_samples, avatarkit_offline):
    clock = FakeClock()
    async with kit_on(path, FakeVendor(clock=clock), clock) as kit:
        away = path.with_name("moved.db")
        path.rename(away)
        with pytest.raises(StorageError, match="put the file back"):
            await kit.trainings()
        away.rename(path)

        assert await kit.trainings() == []


async def test_a_kit_that_is_opened_again_takes_the_file_that_is_there(path, avatarkit_offline):
    clock = FakeClock()
    kit = kit_on(path, FakeVendor(clock=clock), clock)
    async with kit:
        replace_by_copy(path)
        with pytest.raises(StorageError):
            await kit.trainings()
    async with kit:
        assert await kit.trainings() == []


async def test_a_database_that_is_made_smaller_by_a_vacuum_is_the_same(path):
    repository = SqliteRepository(path, clock=SystemClock())
    await repository.open()
    try:
        for number in range(60):
            await repository.create(a_training(id=f"t{number}", name="x" * 9_000))
        with connected(path) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        await repository.next_due()
        before = path.stat().st_size
        with sqlite3.connect(path) as connection:
            connection.execute("DELETE FROM avatar_training WHERE id <> 't1'")
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()

        assert path.stat().st_size < before
        assert (await repository.get("t1")).name == "x" * 9_000
        await repository.create(a_training(id="t0"))
    finally:
        await repository.aclose()


async def test_another_process_finds_what_is_stored_after_a_replacement_of_the_log_index(path):
    """A change that was reported as stored is read by another process."""
    repository = SqliteRepository(path, clock=SystemClock())
    await repository.open()
    stored = []
    try:
        for number in range(6):
            if number == 3:
                delete_all(path)
            try:
                await repository.create(a_training(id=f"t{number}"))
                stored.append(number)
            except StorageError:
                pass
    finally:
        await repository.aclose()
    assert stored == [0, 1, 2]


@pytest.mark.parametrize("table", ["history", "jobs", "avatar_training"])
async def test_a_table_that_is_gone_is_told_and_nothing_is_spent(
    table, path, avatarkit_samples, avatarkit_offline
):
    clock = FakeClock()
    vendor = FakeVendor(clock=clock)
    order = {"user_id": "ana", "clone_id": "main", **avatarkit_samples}
    async with kit_on(path, vendor, clock) as kit:
        await kit.train(**order)
        with connected(path) as connection:
            connection.execute(f"DROP TABLE {table}")
        connection.close()
        with suppress(StorageError):  # there may be nothing to claim in the other tables
            await kit.admin.tick()

        with pytest.raises(StorageError, match="no such table"):
            await kit.train(**order)
    if table == "history":
        with pytest.raises(StorageError, match="no such table"):
            await SqliteRepository(path, clock=clock).open()


# -- versions -------------------------------------------------------------------------------------


def set_version(path, version):
    with connected(path) as connection:
        connection.execute(f"PRAGMA user_version = {version}")
    connection.close()


@pytest.mark.parametrize("version", [0, -1])
async def test_a_version_that_was_set_back_is_told(path, version, avatarkit_offline):
    repository = SqliteRepository(path, clock=SystemClock())
    await repository.open()
    await repository.aclose()
    set_version(path, version)

    with pytest.raises(ConfigError, match="set back its user_version"):
        await repository.open()


@pytest.mark.parametrize(
    ("version", "says"), [(99, "upgrade avatarkit-sdk"), (0, "set back its user_version")]
)
async def test_a_version_that_changes_meanwhile_is_told_and_nothing_is_spent(
    path, version, says, avatarkit_samples, avatarkit_offline
):
    clock = FakeClock()
    vendor = FakeVendor(clock=clock)
    order = {"user_id": "ana", "clone_id": "main", **avatarkit_samples}
    async with kit_on(path, vendor, clock) as kit:
        training = await kit.train(**order)
        set_version(path, version)

        for call in (
            kit.admin.tick(),
            kit.train(**order),
            kit.get(training.id),
            kit.cancel(training.id),
        ):
            with pytest.raises(ConfigError, match=says):
                await call
        assert vendor.accepted == {}


@pytest.mark.parametrize("changes", ["'x'", "x'ff'", "-5", "1.5"])
async def test_a_number_of_changes_that_somebody_edited_is_told(
    changes, path, avatarkit_samples, avatarkit_offline
):
    clock = FakeClock()
    vendor = FakeVendor(clock=clock)
    order = {"user_id": "ana", "clone_id": "main", **avatarkit_samples}
    async with kit_on(path, vendor, clock) as kit:
        await kit.train(**order)
        with connected(path) as connection:
            connection.execute(f"UPDATE history SET changes = {changes}")
        connection.close()
        for call in (kit.admin.tick(), kit.train(**order)):
            with pytest.raises(StorageError):
                await call
        assert vendor.accepted == {}


@pytest.mark.slow
async def test_a_worker_in_another_process_stops_spending_too(
    path, tmp_path, avatarkit_samples, avatarkit_offline
):
    """Twelve records are due; the file is replaced before the worker of the process goes on."""
    clock = SystemClock()
    books = tmp_path / "vendor.json"
    vendor = FakeVendor(clock=clock, file=books)
    worker = textwrap.dedent(f"""
        import asyncio, sys
        from pathlib import Path
        from avatarkit import AvatarKit
        from avatarkit.config.settings import Settings
        from avatarkit.errors import StorageError
        from avatarkit.providers.fake import Fake, FakeVendor

        async def main():
            kit = AvatarKit(
                "fake", repository="sqlite:///{path}", media={str(tmp_path / "media")!r},
                providers={{"fake": Fake(vendor=FakeVendor(file=Path({str(books)!r})))}},
                settings=Settings(), worker=False,
            )
            async with kit:
                print("open", flush=True)
                sys.stdin.readline()
                try:
                    await kit.admin.tick()
                except StorageError:
                    print("done", flush=True)

        asyncio.run(main())
    """)
    kit = kit_on(path, vendor, clock)
    async with kit:
        for number in range(12):
            await kit.train(user_id="ana", clone_id=f"c{number}", **avatarkit_samples)
        with subprocess.Popen(
            [sys.executable, "-c", worker], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout.readline() == "open\n"
            restore_backup(path)
            process.stdin.write("go on\n")
            process.stdin.flush()
            assert process.stdout.readline() == "done\n"
    assert vendor.accepted == {}


# -- accidents between two openings ---------------------------------------------------------------


def lose_log(path, older):
    beside(path, "-wal").unlink()


def lose_log_and_index(path, older):
    lose_log(path, older)
    beside(path, "-shm").unlink()


def empty_log(path, older):
    os.truncate(beside(path, "-wal"), 0)


def copy_an_older_file(path, older):
    lose_log_and_index(path, older)
    shutil.copyfile(older, path)


def checkpoint(path):
    with connected(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


async def finished(kit, clock, record_id):
    for _ in range(200):
        if (record := await kit.get(record_id)).status.final:
            return record
        await kit.admin.tick()
        await clock.sleep(60)
    raise AssertionError(record)


@pytest.mark.parametrize(
    "accident", [lose_log, lose_log_and_index, empty_log, copy_an_older_file, None]
)
async def test_changes_that_are_lost_after_a_crash_are_told_and_paid_for_once(
    accident, path, tmp_path, avatarkit_samples, avatarkit_offline, caplog
):
    clock = FakeClock()
    vendor = FakeVendor(clock=clock)
    order = {"user_id": "ana", "clone_id": "main", **avatarkit_samples}
    crashed = path.with_name("crashed.db")
    older = tmp_path / "older.db"
    async with kit_on(path, vendor, clock) as kit:
        training = await kit.train(**order)
        checkpoint(path)
        shutil.copyfile(path, older)
        await kit.admin.tick()
        assert vendor.accepted
        for suffix in ("", "-wal", "-shm", ".changes"):  # all that a killed process leaves
            shutil.copyfile(beside(path, suffix), beside(crashed, suffix))
    if accident is not None:
        accident(crashed, older)

    for opening in range(2):
        caplog.clear()
        async with kit_on(crashed, vendor, clock) as kit:
            if opening:
                await finished(kit, clock, training.id)
        told = caplog.text.count("database.changes_lost")
        assert told == (accident is not None and not opening)
    assert set(vendor.accepted.values()) == {1}


@pytest.mark.parametrize("lost", [1, 10**6])
@pytest.mark.parametrize("prepared", [0, 2])
async def test_a_loss_is_prepared_for_again_if_that_was_interrupted(
    prepared, lost, path, avatarkit_samples, avatarkit_offline, monkeypatch, caplog
):
    """Preparing for a loss makes changes too, often more than were lost."""
    clock = FakeClock()
    vendor = FakeVendor(clock=clock)
    order = {"user_id": "ana", "clone_id": "main", **avatarkit_samples}
    async with kit_on(path, vendor, clock) as kit:
        for _ in range(prepared + 1):
            await kit.train(**order)
    note = beside(path, ".changes")
    database, found = note.read_text().split()
    note.write_text(f"{database} {int(found) + lost:020d}\n")
    restored, done = Orchestrator.restored, []

    async def interrupted(self, record):
        if len(done) == prepared:
            raise StorageError("interrupted")
        done.append(await restored(self, record))

    with monkeypatch.context() as patched:
        patched.setattr(Orchestrator, "restored", interrupted)
        with pytest.raises(StorageError, match="interrupted"):
            await kit_on(path, vendor, clock).__aenter__()
    for _ in range(2):
        async with kit_on(path, vendor, clock) as kit:
            await kit.trainings()
    assert caplog.text.count("database.changes_lost") == 2


@pytest.mark.parametrize("text", [b"", b"\xff\xfe\0", b"nonsense", b"another %020d\n" % 10**9])
async def test_a_note_of_changes_that_cannot_be_read_or_is_of_another_database_is_ignored(
    text, path, avatarkit_offline, caplog
):
    clock = FakeClock()
    beside(path, ".changes").write_bytes(text)
    async with kit_on(path, FakeVendor(clock=clock), clock) as kit:
        await kit.trainings()
    assert "database" not in caplog.text
    assert beside(path, ".changes").read_bytes() != text


@pytest.mark.parametrize("trap", ["link", "dangling link", "pipe", "folder"])
async def test_a_trap_in_the_place_of_the_note_of_changes_is_not_opened(
    trap, path, tmp_path, avatarkit_offline
):
    other, note = tmp_path / "other", beside(path, ".changes")
    note.parent.mkdir(parents=True, exist_ok=True)
    if trap == "pipe":
        os.mkfifo(note)
    elif trap == "folder":
        note.mkdir()
    else:
        note.symlink_to(other)
    if trap == "link":
        other.write_bytes(b"another user's")
    clock = FakeClock()
    async with kit_on(path, FakeVendor(clock=clock), clock) as kit:
        assert await kit.trainings() == []
    assert not other.exists() or other.read_bytes() == b"another user's"
    assert other.exists() == (trap == "link")


@pytest.mark.parametrize("reboot", [False, True])
@pytest.mark.parametrize("visits", [0, 1, 2])
@pytest.mark.parametrize("hours", [-24, -1, 24])
async def test_a_clock_that_is_set_wrong_between_two_visits_delays_and_pays_once(
    hours, visits, reboot, path, avatarkit_samples, avatarkit_offline
):
    """Due times are wall time: a record waits as long as the clock was set back, not longer."""
    clock = FakeClock()
    vendor = FakeVendor(clock=clock)
    async with kit_on(path, vendor, clock) as kit:
        training = await kit.train(user_id="ana", clone_id="main", **avatarkit_samples)
        for _ in range(visits):
            await kit.admin.tick()
            await clock.sleep(30)
        clock.set_wall(clock.wall + hours * 3600)
        if reboot:
            clock.reboot()
        for _ in range(30 + 12 * max(0, -hours)):
            if (record := await kit.get(training.id)).status.final:
                break
            await kit.admin.tick()
            await clock.sleep(300)
    assert record.status.value == "completed"
    assert sorted(vendor.accepted.values()) == [1, 1]
