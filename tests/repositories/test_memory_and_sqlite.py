"""The suite on memory and SQLite, and what only files, processes and disks can do.

Run as a program it plays one of several processes on a file: ``ROLE PATH [COUNT]``.
"""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, closing, contextmanager
from pathlib import Path

import anyio
import pytest

from avatarkit.clock import SystemClock
from avatarkit.errors import AvatarKitError, ConfigError, IllegalTransition, StorageError
from avatarkit.models import JobState, Operation, StoredFile
from avatarkit.records import Status
from avatarkit.repositories import sqlite_file, sqlite_writer
from avatarkit.repositories.memory import MemoryRepository
from avatarkit.repositories.sqlite import SqliteRepository
from avatarkit.testing.clock import FakeClock
from avatarkit.testing.repositories import BootTimeSuite, EditableSuite, a_training, a_video, an_id
from parts import an_operation

VERSION = len(sqlite_file.migrations())


class TestMemoryRepository(BootTimeSuite):
    @pytest.fixture
    async def repository(self, clock):
        return MemoryRepository(clock=clock)


class TestSqliteRepository(BootTimeSuite, EditableSuite):
    @pytest.fixture
    async def repository(self, clock, tmp_path):
        self.path, self.clock_ = tmp_path / "twins.db", clock
        async with AsyncExitStack() as self.exits:
            yield await self._opened()

    async def _opened(self):
        repository = SqliteRepository(self.path, clock=self.clock_)
        await repository.open()
        self.exits.push_async_callback(repository.aclose)
        return repository

    async def reopen(self, repository):
        await repository.aclose()
        return await self._opened()

    async def edit(self, record_id, doc):
        select(self.path, "UPDATE avatar_training SET doc = ? WHERE id = ?", doc, record_id)


@asynccontextmanager
async def opened(path, clock=None):
    repository = SqliteRepository(path, clock=clock or FakeClock())
    await repository.open()
    try:
        yield repository
    finally:
        await repository.aclose()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "twins.db"


@pytest.fixture
async def repository(path):
    async with opened(path) as repository:
        yield repository


def select(path, sql, *values):
    """Run SQL in the file, as another program."""
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute(sql, values).fetchall()
        db.commit()
        return rows


# -- group commit ---------------------------------------------------------------------------------


@contextmanager
def writer_held(repository):
    """Keep the writer busy, so that what is asked meanwhile gathers."""
    gate = threading.Event()
    repository._writer._queue.put(Gate(gate))
    try:
        yield
    finally:
        gate.set()


class Gate:
    """A change that takes its time."""

    def __init__(self, gate):
        self.gate = gate

    def attempt(self, connection):
        self.gate.wait()


@pytest.fixture
def gates(monkeypatch):
    """Keep gates out of the wake-ups, as no caller waits for them."""
    hand_back = sqlite_writer._hand_back
    monkeypatch.setattr(
        sqlite_writer,
        "_hand_back",
        lambda batch: hand_back([change for change in batch if not isinstance(change, Gate)]),
    )


@pytest.mark.anyio
async def test_concurrent_saves_share_commits(repository):
    records = [(await repository.create(a_training(f"t{n}")))[0] for n in range(64)]
    commits = []
    repository._writer._connection.set_trace_callback(
        lambda statement: commits.append(statement) if statement == "COMMIT" else None
    )
    async with anyio.create_task_group() as tasks:
        for record in records:
            tasks.start_soon(repository.save, record, record)
    assert 1 <= len(commits) < 64


@pytest.mark.anyio
async def test_a_failing_change_leaves_the_others_of_its_batch(repository, gates):
    final, _ = await repository.create(a_training("final", status=Status.FAILED))
    others = [(await repository.create(a_training(f"t{n}")))[0] for n in range(4)]
    refused = []

    async def refuse():
        try:
            await repository.save(final, final.model_copy(update={"status": Status.PENDING}))
        except IllegalTransition as error:
            refused.append(error)

    async with anyio.create_task_group() as tasks:
        with writer_held(repository):
            tasks.start_soon(repository.save, others[0], others[0])
            tasks.start_soon(repository.save, others[1], others[1])
            tasks.start_soon(refuse)
            tasks.start_soon(repository.save, others[2], others[2])
            tasks.start_soon(repository.save, others[3], others[3])
            await anyio.wait_all_tasks_blocked()
    versions = [(await repository.get(an_id(f"t{n}"))).version for n in range(4)]
    assert (versions, len(refused)) == ([1, 1, 1, 1], 1)


@pytest.mark.anyio
async def test_a_change_that_fails_halfway_is_undone(repository, monkeypatch):
    from avatarkit.repositories import sqlite

    def broken(*arguments):
        raise RuntimeError("in the middle")

    monkeypatch.setattr(sqlite, "_index_jobs", broken)
    with pytest.raises(RuntimeError):
        await repository.create(a_training())
    assert await repository.get(an_id("training-1")) is None


@pytest.mark.anyio
async def test_the_writer_goes_on_after_those_whom_it_woke():
    future = asyncio.get_running_loop().create_future()
    change, order = sqlite_writer._Change(lambda connection: None, future), []

    async def wait():
        await change.future
        order.append("who waited")

    class Writer:
        set = staticmethod(lambda: order.append("writer"))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        sqlite_writer._settle([change], Writer)
    await anyio.wait_all_tasks_blocked()
    assert order == ["who waited", "writer"]


@pytest.mark.anyio
async def test_closing_finishes_what_was_begun(path):
    async with anyio.create_task_group() as tasks, opened(path) as repository:
        for number in range(20):
            tasks.start_soon(repository.create, a_training(f"t{number}"))
        await anyio.wait_all_tasks_blocked()
    assert select(path, "SELECT count(*) FROM avatar_training") == [(20,)]


@pytest.mark.anyio
async def test_a_cancelled_caller_leaves_the_writer_at_work(repository, gates):
    with writer_held(repository):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(repository.create, a_training("abandoned"))
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
    await repository.create(a_training("next"))
    assert await repository.get(an_id("next")) is not None


@pytest.mark.anyio
async def test_virtual_time_waits_for_the_disk(path):
    clock = FakeClock()
    async with opened(path, clock) as repository, anyio.create_task_group() as tasks:
        tasks.start_soon(clock.sleep, 1e6)
        await repository.create(a_training())
        passed = clock.wall - FakeClock().wall
        tasks.cancel_scope.cancel()
    assert passed == 0


@pytest.mark.anyio
# -- what stands in the tables --------------------------------------------------------------------


def voice(**changes):
    return an_operation(Operation.VOICE, "elevenlabs", **changes)


def avatar(**changes):
    return an_operation(Operation.AVATAR, "d-id", **changes)


@pytest.mark.anyio
async def test_a_trainings_row_names_providers_and_their_ids(repository, path):
    operations = (voice(job_id="v"), avatar(job_id="group", ref="look"))
    await repository.create(a_training(operations=operations))
    assert select(
        path,
        "SELECT voice_provider, provider_voice_id, avatar_provider, provider_avatar_id "
        "FROM avatar_training",
    ) == [("elevenlabs", "v", "d-id", "look")]


@pytest.mark.anyio
async def test_a_videos_row_holds_the_key_of_its_result(repository, path):
    state = an_operation(
        Operation.VIDEO,
        "d-id",
        job_state=JobState.SUCCEEDED,
        files={"video": StoredFile(key="results/v.mp4", size=1, sha256="00")},
    )
    await repository.create(a_video(operations=(state,)))
    assert select(path, "SELECT video_url, training_id FROM avatar_videos") == [
        ("results/v.mp4", None)
    ]


CLONE = "SELECT training_status, avatar_ready FROM user_clones "


@pytest.mark.anyio
async def test_a_clone_follows_its_training(repository, path):
    old, _ = await repository.create(a_training())
    await repository.save(old, old.model_copy(update={"status": Status.COMPLETED}))
    assert select(path, CLONE) == [("completed", 1)]


@pytest.mark.anyio
async def test_a_clone_follows_its_newest_training(repository, path):
    old, _ = await repository.create(a_training("old"))
    await repository.create(a_training("new", created_at=old.created_at + 1))
    await repository.save(old, old.model_copy(update={"status": Status.COMPLETED}))
    assert select(path, CLONE) == [("pending", 1)]


@pytest.mark.anyio
async def test_a_clone_forgets_a_deleted_training(repository, path):
    old, _ = await repository.create(a_training(status=Status.COMPLETED))
    await repository.save(old, old.model_copy(update={"deleted": True}))
    assert select(path, CLONE) == [("pending", 0)]


@pytest.mark.anyio
async def test_what_was_purged_is_not_in_the_file(path):
    async with opened(path) as repository:
        old, _ = await repository.create(a_training(name="Ana's very private twin"))
        await repository.save(old, old.model_copy(update={"name": "", "user_id": ""}))
    assert b"very private" not in path.read_bytes()


@pytest.mark.anyio
@pytest.mark.parametrize(
    "changes",
    [
        {"deadline_at": float("inf")},
        {"next_at": float("-inf")},
        {"options": ({"pitch": float("nan")},)},
        {"progress": 12.5},
    ],
    ids=lambda changes: next(iter(changes)),
)
async def test_what_could_not_be_read_again_is_refused(repository, changes):
    (field,) = changes
    with pytest.raises(StorageError, match=field):
        await repository.create(a_training().model_copy(update=changes))


@pytest.mark.anyio
@pytest.mark.parametrize(
    "changes",
    [
        {"status": "processing"},
        {"operations": [voice(prepared={"ids": ("a", "b")})]},
        {"options": ({"sizes": (1, 2)},)},
        {"name": "Infinity"},
    ],
    ids=["enum", "list for a tuple", "tuple in options", "infinity in words"],
)
async def test_what_create_returns_is_what_will_be_read(repository, changes):
    stored, _ = await repository.create(a_training().model_copy(update=changes))
    read = await repository.get(stored.id)
    assert repr(stored) == repr(read)


# -- the file -------------------------------------------------------------------------------------


async def refusal(path, error=ConfigError):
    with pytest.raises(error) as caught:
        async with opened(path):
            pass
    return str(caught.value)


@pytest.mark.anyio
async def test_the_file_is_marked_as_ours(repository, path):
    assert select(path, "PRAGMA application_id") == [(0x61766B74,)]


@pytest.mark.anyio
async def test_folder_and_files_are_for_one_user(tmp_path):
    async with opened(tmp_path / "new" / "twins.db") as repository:
        await repository.create(a_training())
        modes = {stat.S_IMODE(f.stat().st_mode) for f in (tmp_path / "new").iterdir()}
        folder = stat.S_IMODE((tmp_path / "new").stat().st_mode)
    assert (folder, modes) == (0o700, {0o600})


@pytest.mark.anyio
async def test_an_empty_database_is_taken(path):
    path.touch()
    async with opened(path) as repository:
        assert (await repository.create(a_training()))[1]


@pytest.mark.anyio
@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
async def test_a_foreign_database_is_left_byte_for_byte(path, journal):
    select(path, f"PRAGMA journal_mode = {journal}")
    select(path, "CREATE TABLE theirs (x)")
    before = path.read_bytes()
    await refusal(path)
    assert path.read_bytes() == before


@pytest.mark.anyio
async def test_a_foreign_database_with_unfinished_business_is_left_byte_for_byte(tmp_path, path):
    theirs = tmp_path / "theirs.db"
    with closing(sqlite3.connect(theirs)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE theirs (x)")
        for suffix in ("", "-wal"):  # as after a crash, before the journal was worked in
            shutil.copy(f"{theirs}{suffix}", f"{path}{suffix}")
    before = path.read_bytes()
    await refusal(path)
    assert path.read_bytes() == before


def crash_in_a_transaction(tmp_path, path, application_id):
    """Leave a database at ``path`` as a process does that dies before its commit."""
    theirs = tmp_path / "theirs.db"
    with closing(sqlite3.connect(theirs, isolation_level=None)) as db:
        db.execute(f"PRAGMA application_id = {application_id}")
        db.execute("PRAGMA cache_size = 1")
        db.execute("BEGIN")
        db.execute("CREATE TABLE theirs (x)")
        db.execute("INSERT INTO theirs VALUES (zeroblob(200000))")
        for suffix in ("", "-journal"):
            shutil.copy(f"{theirs}{suffix}", f"{path}{suffix}")


@pytest.mark.anyio
async def test_a_foreign_database_after_a_crash_is_left_byte_for_byte(tmp_path, path):
    crash_in_a_transaction(tmp_path, path, application_id=7)
    before = path.read_bytes()
    await refusal(path)
    assert path.read_bytes() == before


@pytest.mark.anyio
async def test_a_crash_while_the_file_was_made_is_mended(tmp_path, path):
    crash_in_a_transaction(tmp_path, path, application_id=sqlite_file.APPLICATION_ID)
    async with opened(path) as repository:
        assert (await repository.create(a_training()))[1]


@pytest.mark.anyio
async def test_the_refusal_of_a_foreign_database_says_what_to_do(path):
    select(path, "CREATE TABLE theirs (x)")
    assert "name another file" in await refusal(path)


@pytest.mark.anyio
async def test_an_empty_database_of_another_application_is_foreign(path):
    select(path, "PRAGMA application_id = 7")
    assert "another program" in await refusal(path)


@pytest.mark.anyio
@pytest.mark.parametrize("content", [b"hello", b"x" * 10_000], ids=["short", "long"])
async def test_what_is_no_database_is_left_byte_for_byte(path, content):
    path.write_bytes(content)
    await refusal(path)
    assert path.read_bytes() == content


@pytest.mark.anyio
async def test_the_refusal_of_a_newer_database_names_both_versions(path):
    async with opened(path):
        pass
    select(path, "PRAGMA user_version = 99")
    message = await refusal(path)
    assert all(part in message for part in ("99", f" {VERSION}", "upgrade avatarkit-sdk"))


@pytest.fixture
def later_release(monkeypatch):
    """A later release, two versions ahead: the second needs the column of the first."""
    scripts = [
        *sqlite_file.migrations(),
        "ALTER TABLE consents ADD COLUMN extra TEXT;",
        "CREATE INDEX consents_by_extra ON consents (extra);",
    ]
    monkeypatch.setattr(sqlite_file, "migrations", lambda: scripts)


@pytest.fixture
async def this_release(path):
    async with opened(path) as repository:
        await repository.create(a_training())


@pytest.mark.anyio
async def test_an_upgrade_raises_the_version(this_release, later_release, path):
    async with opened(path):
        pass
    assert select(path, "PRAGMA user_version") == [(VERSION + 2,)]
    assert select(path, "SELECT name FROM sqlite_master WHERE name = 'consents_by_extra'")


@pytest.mark.anyio
async def test_an_upgrade_keeps_the_records(this_release, later_release, path):
    async with opened(path) as repository:
        assert await repository.get(an_id("training-1")) == a_training()


@pytest.mark.anyio
async def test_an_upgrade_that_fails_changes_nothing(this_release, path, monkeypatch):
    scripts = [*sqlite_file.migrations(), "CREATE TABLE half (x);\nCREATE TABLE half (x);"]
    monkeypatch.setattr(sqlite_file, "migrations", lambda: scripts)
    with pytest.raises(ConfigError, match="its tables are newer"):
        await SqliteRepository(path, clock=FakeClock()).open()
    assert select(path, "SELECT name FROM sqlite_master WHERE name = 'half'") == []


@pytest.mark.anyio
async def test_a_folder_that_cannot_be_made_is_a_storage_error(path):
    path.touch()
    assert "writable" in await refusal(path / "below" / "twins.db", StorageError)


@pytest.mark.anyio
async def test_a_folder_in_place_of_the_file_is_a_storage_error(tmp_path):
    assert "is a folder" in await refusal(tmp_path, StorageError)


@pytest.mark.anyio
async def test_a_connection_that_turns_read_only_is_a_storage_error(repository):
    repository._writer._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(StorageError, match="writable"):
        await repository.create(a_training())


@pytest.mark.slow
@pytest.mark.anyio
async def test_a_read_only_file_is_a_storage_error(this_release, path):
    path.chmod(0o444)
    answer = process("open_unprivileged", path.name, cwd=path.parent)
    assert answer.communicate()[0].startswith("StorageError")


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "avatarkit", str(folder)]
    if (
        shutil.which("mount") is None
        or subprocess.run(command, check=False, capture_output=True).returncode
    ):
        pytest.skip("only root can mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.slow
@pytest.mark.anyio
async def test_a_full_disk_is_a_storage_error(small_disk):
    async with opened(small_disk / "twins.db") as repository:
        (small_disk / "ballast").write_bytes(b"x" * fill(small_disk))
        with pytest.raises(StorageError, match="space"):
            await repository.create(a_training(name="x" * 200_000))


@pytest.mark.slow
@pytest.mark.anyio
async def test_writing_goes_on_when_the_disk_has_space_again(small_disk):
    async with opened(small_disk / "twins.db") as repository:
        (small_disk / "ballast").write_bytes(b"x" * fill(small_disk))
        with pytest.raises(StorageError):
            await repository.create(a_training("big", name="x" * 200_000))
        (small_disk / "ballast").unlink()
        await repository.create(a_training("big", name="x" * 200_000))
        assert await repository.get(an_id("big")) is not None


@pytest.mark.slow
@pytest.mark.anyio
async def test_on_a_nearly_full_disk_what_fits_is_kept(small_disk, gates):
    refused = []

    async def create_big():
        try:
            await repository.create(a_training("big", name="x" * 400_000))
        except StorageError as error:
            refused.append(error)

    async with opened(small_disk / "twins.db") as repository:
        (small_disk / "ballast").write_bytes(b"x" * (fill(small_disk) - 300_000))
        async with anyio.create_task_group() as tasks:
            with writer_held(repository):
                tasks.start_soon(repository.create, a_training("before"))
                tasks.start_soon(create_big)
                tasks.start_soon(repository.create, a_training("after"))
                await anyio.wait_all_tasks_blocked()
        kept = [(await repository.get(an_id(n))) is not None for n in ("before", "big", "after")]
    assert (kept, len(refused)) == ([True, False, True], 1)


def fill(folder):
    space = os.statvfs(folder)
    return space.f_bavail * space.f_frsize


@pytest.mark.slow
def test_a_file_that_may_not_grow_is_a_storage_error_until_it_may(path):
    assert process("outgrow", path).communicate()[0].split() == ["StorageError", "kept"]


# -- several processes ----------------------------------------------------------------------------


def process(role, *arguments, cwd=None):
    tests = str(Path(__file__).parents[1])  # its modules are imported from there
    path = os.pathsep.join(filter(None, [tests, os.environ.get("PYTHONPATH")]))
    return subprocess.Popen(
        [sys.executable, __file__, role, *map(str, arguments)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=cwd,
        env=os.environ | {"PYTHONPATH": path},
    )  # fmt: skip


def together(count, role, *arguments):
    """Let processes go at the same moment; returns the words that they printed."""
    one_of_them = process("together", count, role, *arguments)
    words = one_of_them.communicate()[0].split()
    assert one_of_them.returncode == 0
    return words


@pytest.mark.slow
@pytest.mark.anyio
async def test_of_the_increments_of_6_processes_none_is_lost(path):
    async with opened(path) as repository:
        await repository.create(a_training())
    together(6, "increment", path, 20)
    async with opened(path) as repository:
        assert (await repository.get(an_id("training-1"))).purges == 6 * 20


@pytest.mark.slow
@pytest.mark.anyio
async def test_what_6_processes_claim_is_claimed_once(path):
    records = [a_training(f"t{number}", next_at=0.0) for number in range(60)]
    async with opened(path) as repository, anyio.create_task_group() as tasks:
        for record in records:
            tasks.start_soon(repository.create, record)
    assert sorted(together(6, "claim", path)) == sorted(record.id for record in records)


@pytest.mark.slow
@pytest.mark.anyio
async def test_opened_twice_in_one_process_it_keeps_what_is_written_after_another_one_left(path):
    async with opened(path) as repository:
        await repository.create(a_training("before"))
        async with opened(path):
            pass  # had this closed a file of its own, the locks of ``repository`` would be gone
        process("open", path).communicate()
        await repository.create(a_training())
        assert process("show", path, an_id("training-1")).communicate()[0].split() == ["there"]


@pytest.mark.slow
def test_8_processes_open_a_fresh_file_at_once(path):
    together(8, "open", path)
    assert select(path, "PRAGMA user_version") == [(VERSION,)]


@pytest.mark.slow
@pytest.mark.anyio
async def test_what_was_acknowledged_survives_kill_9(path):
    writing = process("write", path)
    acknowledged = [writing.stdout.readline().strip() for _ in range(30)]
    writing.kill()
    acknowledged += writing.communicate()[0].split("\n")[:-1]
    kept = {row[0] for row in select(path, "SELECT id FROM avatar_training")}
    assert set(acknowledged) <= kept


# -- what such a process does ---------------------------------------------------------------------


def say(*words):
    sys.stdout.write(" ".join(words) + "\n")
    sys.stdout.flush()


def play_together(count, role, *arguments):
    """Fork, which costs less than so many starts; a closed pipe is the starting gun."""
    waiting, gun = os.pipe()
    children = []
    for _ in range(int(count)):
        child = os.fork()
        if child == 0:
            os.close(gun)
            os.read(waiting, 1)
            play(role, *arguments)
            os._exit(0)
        children.append(child)
    os.close(gun)
    sys.exit(any(os.waitpid(child, 0)[1] for child in children))


def play(role, *arguments):
    anyio.run(globals()[f"play_{role}"], *arguments)


async def play_open(path):
    async with opened(path, SystemClock()):
        pass


async def play_show(path, record_id):
    async with opened(path, SystemClock()) as repository:
        say("there" if await repository.get(record_id) else "lost")


async def play_open_unprivileged(path):
    if os.geteuid() == 0:
        os.setgid(65534)
        os.setuid(65534)
    try:
        async with opened(path, SystemClock()):
            pass
    except AvatarKitError as error:
        say(type(error).__name__)


async def play_increment(path, count):
    async with opened(path, SystemClock()) as repository:
        for _ in range(int(count)):
            saved = None
            while saved is None:
                old = await repository.get(an_id("training-1"))
                saved = await repository.save(
                    old, old.model_copy(update={"purges": old.purges + 1})
                )


async def play_claim(path):
    async with opened(path, SystemClock()) as repository:
        while claims := await repository.claim(f"process-{os.getpid()}", 3, 1e6):
            say(*(claim.record.id for claim in claims))


async def play_write(path):
    async with opened(path, SystemClock()) as repository:

        async def write(writer):
            for number in range(100_000):
                record, _ = await repository.create(a_training(f"{writer}-{number}"))
                say(record.id)

        async with anyio.create_task_group() as tasks:
            for writer in range(8):
                tasks.start_soon(write, writer)


async def play_outgrow(path):
    async with opened(path, SystemClock()) as repository:
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
        try:
            await repository.create(a_training(name="x" * 500_000))
        except StorageError as error:
            say(type(error).__name__)
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        await repository.create(a_training(name="x" * 500_000))
        say("kept" if await repository.get(an_id("training-1")) else "lost")


# -- changes --------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_what_another_process_changes_is_heard_within_a_second(tmp_path):
    clock = FakeClock()
    async with opened(tmp_path / "a.db", clock) as ours, opened(tmp_path / "a.db", clock) as other:
        old, _ = await other.create(a_training())
        async with aclosing(ours.changes()) as heard:
            assert await anext(heard) is None
            await other.save(old, old.model_copy(update={"progress": 20}))
            changed = clock.wall
            assert await anext(heard) is None
            assert clock.wall - changed <= 1


@pytest.mark.anyio
async def test_a_file_that_nobody_changes_is_quiet(tmp_path):
    clock = FakeClock()
    async with opened(tmp_path / "a.db", clock) as ours, opened(tmp_path / "a.db", clock) as other:
        old, _ = await other.create(a_training())
        async with aclosing(ours.changes()) as heard, anyio.create_task_group() as tasks:
            await anext(heard)
            woken = []

            async def listen():
                async for change in heard:
                    woken.append(change)  # noqa: PERF401 - it never ends

            tasks.start_soon(listen)
            await clock.sleep(30)
            assert woken == []
            await other.save(old, old.model_copy(update={"progress": 20}))
            await clock.sleep(30)
            tasks.cancel_scope.cancel()
    assert len(woken) == 1


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["together", *rest]:
            play_together(*rest)
        case rest:
            play(*rest)
