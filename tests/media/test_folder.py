"""The suite on a folder, and what only disks and processes can do.

Run as a program it plays a process that is killed: ``ROLE ROOT``.
"""

from __future__ import annotations

import os
import resource
import shutil
import stat
import subprocess
import sys

import anyio
import pytest

from avatarkit.errors import StorageError
from avatarkit.media.folder import FolderStore
from avatarkit.testing.media import MediaStoreSuite, stream


class TestFolderStore(MediaStoreSuite):
    @pytest.fixture
    def store(self, tmp_path):
        return FolderStore(tmp_path / "media")

    async def leftovers(self, store):
        return files_below(store.root)


def files_below(root):
    return tuple(str(p.relative_to(root)) for p in root.rglob("*") if p.is_file())


async def put(store, key="a", content=b"content", media_type="text/plain"):
    return await store.put(key, stream(content), media_type)


@pytest.fixture
def store(tmp_path):
    return FolderStore(tmp_path / "media")


# -- private --------------------------------------------------------------------------------------


@pytest.fixture
def open_umask():
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.anyio
async def test_a_file_is_for_its_owner_alone(store, open_umask):
    await put(store, "users/ana/voice.wav")
    path = store.path("users/ana/voice.wav")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.anyio
async def test_every_folder_is_for_its_owner_alone(store, open_umask):
    await put(store, "users/ana/voice.wav")
    folders = [store.root, store.root / "users", store.root / "users" / "ana"]
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}


@pytest.mark.anyio
async def test_a_folder_has_no_link(store):
    await put(store)
    assert await store.url("a", 60) is None


@pytest.mark.anyio
@pytest.mark.parametrize("key", [".hidden", "a/.part", "a\\b", "x" * 256, "\ud800"])
async def test_what_a_folder_cannot_name_is_no_key(store, key):
    with pytest.raises(ValueError, match="no key"):
        await put(store, key)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("a.MP4", "video/mp4"),
        ("a.wav", "audio/wav"),
        ("a.jpeg", "image/jpeg"),
        ("a.xyz", "application/octet-stream"),
        ("a", "application/octet-stream"),
    ],
)
async def test_the_extension_says_what_a_file_is(store, name, media_type):
    await put(store, name)
    assert (await store.stat(name)).media_type == media_type


@pytest.mark.anyio
async def test_a_file_is_read_for_its_digest_once_until_it_changes(store, monkeypatch):
    reads = []
    opened = store.open
    monkeypatch.setattr(store, "open", lambda key: reads.append(key) or opened(key))
    await put(store, "a.mp4", b"one", "video/mp4")
    first = [await store.stat("a.mp4") for _ in range(3)]
    second = await put(store, "a.mp4", b"two", "video/mp4")
    assert [await store.stat("a.mp4"), await store.stat("a.mp4")] == [second, second]
    assert (first[0] == first[1] == first[2] != second, len(reads)) == (True, 2)


# -- what fails -----------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_file_in_place_of_a_folder_is_a_storage_error(store):
    await put(store, "a")
    with pytest.raises(StorageError):
        await put(store, "a/b")


@pytest.mark.anyio
async def test_a_folder_in_place_of_a_file_is_a_storage_error(store):
    await put(store, "a/b")
    with pytest.raises(StorageError):
        await put(store, "a")


@pytest.mark.anyio
async def test_a_root_that_cannot_be_made_is_a_storage_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="AVATARKIT_MEDIA"):
        await put(FolderStore(tmp_path / "file" / "media"))


@pytest.mark.anyio
async def test_an_error_of_the_source_is_not_taken_for_one_of_the_disk(store):
    async def unplugged():
        yield b"half of it"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await store.put("a", unplugged(), "text/plain")


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "avatarkit", str(folder)]
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
    with pytest.raises(StorageError, match="make room"):
        await FolderStore(small_disk).put("a", stream(*[b"x" * 100_000] * 20), "text/plain")


@pytest.mark.slow
@pytest.mark.anyio
async def test_what_did_not_fit_leaves_the_disk_as_it_was(small_disk):
    with pytest.raises(StorageError):
        await FolderStore(small_disk).put("a", stream(*[b"x" * 100_000] * 20), "text/plain")
    assert files_below(small_disk) == ()


@pytest.mark.slow
@pytest.mark.anyio
async def test_what_did_not_fit_keeps_what_was_there(small_disk):
    store = FolderStore(small_disk)
    await put(store, "a", b"old")
    with pytest.raises(StorageError):
        await store.put("a", stream(*[b"x" * 100_000] * 20), "text/plain")
    assert store.path("a").read_bytes() == b"old"


# -- processes ------------------------------------------------------------------------------------


def process(role, root):
    return subprocess.Popen(
        [sys.executable, __file__, role, str(root)], stdout=subprocess.PIPE, text=True
    )


@pytest.mark.slow
@pytest.mark.anyio
@pytest.mark.parametrize("role", ["die_while_writing", "die_before_the_move"])
async def test_a_process_that_dies_leaves_no_key(store, role):
    dying = process(role, store.root)
    dying.communicate()
    seen = [n for n in files_below(store.root) if not n.startswith(".")]
    assert (dying.returncode, seen, await store.stat("a")) == (-9, [], None)


@pytest.mark.slow
@pytest.mark.anyio
async def test_deleting_a_prefix_takes_along_what_a_dead_process_left(store):
    process("die_below_a_prefix", store.root).communicate()
    left = files_below(store.root)
    await store.delete("users/ana")
    assert (len(left), files_below(store.root)) == (1, ())


@pytest.mark.slow
@pytest.mark.anyio
async def test_processes_that_put_the_same_key_leave_one_file_whole(store):
    writers = [process("put_often", store.root) for _ in range(3)]
    codes = [writer.wait() for writer in writers]
    for writer in writers:
        writer.stdout.close()
    content = store.path("a").read_bytes()
    assert (codes, len(content), len(set(content)), files_below(store.root)) == (
        [0, 0, 0], 200_000, 1, ("a",),
    )  # fmt: skip


@pytest.mark.slow
def test_a_file_that_may_not_grow_is_a_storage_error(store):
    assert process("outgrow", store.root).communicate()[0].split() == ["StorageError"]


# -- what such a process does ---------------------------------------------------------------------


def die(*_):
    os.kill(os.getpid(), 9)


async def chunks_then_die():
    yield b"half of it"
    die()


async def play_die_while_writing(store):
    await store.put("a", chunks_then_die(), "text/plain")


async def play_die_below_a_prefix(store):
    await store.put("users/ana/voice.wav", chunks_then_die(), "audio/wav")


async def play_die_before_the_move(store):
    os.replace = os.rename = die
    await put(store)


async def play_put_often(store):
    for _ in range(6):
        content = bytes([os.getpid() % 256]) * 20_000
        await store.put("a", stream(*[content] * 10), "text/plain")


async def play_outgrow(store):
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    try:
        await put(store, "a", b"x" * 200_000)
    except StorageError as error:
        sys.stdout.write(type(error).__name__)


if __name__ == "__main__":
    role, root = sys.argv[1:]
    anyio.run(globals()[f"play_{role}"], FolderStore(root))
