"""Contract tests of a ``MediaStore``. Needs pytest and anyio.

    class TestMyStore(MediaStoreSuite):
        @pytest.fixture
        async def store(self):
            return MyStore(...)

Every test gets its own empty store. For a store with links, the class also overrides ``let_pass``,
which ages them; otherwise the test of their expiry is skipped.
"""

from __future__ import annotations

import hashlib
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Sequence
from urllib.parse import urlsplit

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from ..errors import ConfigError, NotFound
from ..interfaces import MediaStore
from ..models import StoredFile

__all__ = ["MediaStoreSuite", "stream"]

_MIB = 1 << 20

#: What is no key, and would reach something else if it were taken for one.
_BAD_KEYS = ("", "/", "/etc/passwd", "a/", "a//b", ".", "..", "../a", "a/../b", "a/.", "a\0b")


#: How a link is refused; Supabase says 400 to all that is wrong with one.
_REFUSALS = frozenset({400, 401, 403, 404, 410})


class _SourceError(Exception):
    """Error of a source that stops in the middle of a stream."""


async def stream(*chunks: bytes) -> AsyncIterator[bytes]:
    """Stream of chunks for ``put``."""
    for chunk in chunks:
        await anyio.lowlevel.checkpoint()
        yield chunk


async def _broken(chunk: bytes) -> AsyncIterator[bytes]:
    yield chunk
    raise _SourceError


async def _endless(started: anyio.Event) -> AsyncIterator[bytes]:
    yield b"half of it"
    started.set()
    await anyio.sleep_forever()


async def _read(store: MediaStore, key: str) -> bytes:
    return b"".join([chunk async for chunk in store.open(key)])


def _visited(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - the store's own
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        error.close()
        return error.code, b""


async def _link(store: MediaStore, key: str) -> str:
    url = await store.url(key, 60.0)
    if url is None:
        pytest.skip("this store has no links")
    return url


async def _put(store: MediaStore, key: str, content: bytes = b"content") -> StoredFile:
    return await store.put(key, stream(content), "video/mp4")


@pytest.mark.anyio
class MediaStoreSuite:
    """Contract tests of a media store: subclass it and provide a fixture ``store``."""

    @pytest.fixture
    def anyio_backend(self) -> str:
        """Event loop of the tests."""
        return "asyncio"

    async def leftovers(self, store: MediaStore) -> Sequence[str]:
        """List all files of the store, also temporary ones; override it if possible.

        Without it, the tests for partial files check nothing.
        """
        del store
        return ()

    async def visit(self, url: str) -> tuple[int, bytes]:
        """Open a link without credentials; return status, and body of a success."""
        return await anyio.to_thread.run_sync(_visited, url)

    async def let_pass(self, store: MediaStore, seconds: float) -> None:
        """Let so many seconds pass for links; override it, preferably without waiting."""
        del store, seconds
        pytest.skip("this suite cannot make links older: override let_pass")

    # -- put and open -------------------------------------------------------------------------

    async def test_what_is_put_can_be_read(self, store: MediaStore) -> None:
        """The bytes come back unchanged and in order."""
        await store.put("samples/a.wav", stream(b"one ", b"two ", b"three"), "audio/wav")
        assert await _read(store, "samples/a.wav") == b"one two three"

    async def test_put_answers_with_what_was_stored(self, store: MediaStore) -> None:
        """``put`` returns key, size in bytes, digest and media type."""
        assert await store.put("a.mp4", stream(b"one ", b"two"), "video/mp4") == StoredFile(
            key="a.mp4",
            size=7,
            sha256=hashlib.sha256(b"one two").hexdigest(),
            media_type="video/mp4",
        )

    async def test_an_empty_stream_is_an_empty_file(self, store: MediaStore) -> None:
        """An empty file can be stored."""
        await store.put("empty", stream(), "text/plain")
        assert await _read(store, "empty") == b""

    async def test_empty_chunks_change_nothing(self, store: MediaStore) -> None:
        """A chunk without bytes does not end the stream."""
        await store.put("a", stream(b"", b"one", b"", b"two"), "text/plain")
        assert await _read(store, "a") == b"onetwo"

    async def test_what_is_put_replaces_what_was_there(self, store: MediaStore) -> None:
        """A shorter file replaces a longer one completely."""
        await _put(store, "a", b"a long content")
        await _put(store, "a", b"short")
        assert await _read(store, "a") == b"short"

    async def test_a_large_file_comes_back_whole(self, store: MediaStore) -> None:
        """A file larger than all buffers comes back unchanged."""
        chunk = bytes(range(256)) * (_MIB // 256)
        stored = await store.put("large", stream(*[chunk] * 5), "video/mp4")
        digest = hashlib.sha256()
        async for part in store.open("large"):
            digest.update(part)
        assert (stored.size, digest.hexdigest()) == (5 * _MIB, stored.sha256)

    async def test_a_large_file_comes_in_pieces(self, store: MediaStore) -> None:
        """A large file is streamed, not read into memory."""
        await store.put("large", stream(*[b"x" * _MIB] * 3), "video/mp4")
        sizes = [len(chunk) async for chunk in store.open("large")]
        assert 0 < max(sizes) <= _MIB

    async def test_a_reader_may_stop_early(self, store: MediaStore) -> None:
        """An abandoned stream releases its resources."""
        await store.put("large", stream(*[b"x" * _MIB] * 3), "video/mp4")
        chunks = store.open("large")
        await anext(chunks)
        await chunks.aclose()  # type: ignore[attr-defined]  # open() is a generator everywhere
        await store.delete("large")
        assert await store.stat("large") is None

    async def test_keys_may_hold_spaces_and_other_scripts(self, store: MediaStore) -> None:
        """A key is a name, not an address."""
        key = "samples/Zoë ünïcode 世界/a+b%20c?d#e.wav"
        await _put(store, key)
        assert await _read(store, key) == b"content"

    async def test_an_unknown_key_is_not_found(self, store: MediaStore) -> None:
        """``open`` raises ``NotFound`` at the first chunk."""
        with pytest.raises(NotFound):
            await _read(store, "nothing/here")

    async def test_a_folder_is_no_file(self, store: MediaStore) -> None:
        """A folder is not a file."""
        await _put(store, "results/1/video.mp4")
        with pytest.raises(NotFound):
            await _read(store, "results/1")

    @pytest.mark.parametrize("key", _BAD_KEYS)
    async def test_a_bad_key_is_a_config_error(self, store: MediaStore, key: str) -> None:
        """A key cannot name a file outside the store."""
        with pytest.raises(ConfigError):
            await _put(store, key)

    @pytest.mark.parametrize("key", _BAD_KEYS)
    async def test_a_bad_key_cannot_be_deleted(self, store: MediaStore, key: str) -> None:
        """An empty prefix is refused; it does not delete everything."""
        await _put(store, "a")
        with pytest.raises(ConfigError):
            await store.delete(key)

    # -- all or nothing -----------------------------------------------------------------------

    async def test_a_broken_stream_leaves_nothing(self, store: MediaStore) -> None:
        """An error of the source passes unchanged, and stores no partial file."""
        with pytest.raises(_SourceError):
            await store.put("a", _broken(b"half of it"), "text/plain")
        assert (await store.stat("a"), await self.leftovers(store)) == (None, ())

    async def test_a_broken_stream_keeps_what_was_there(self, store: MediaStore) -> None:
        """The old file stays complete until the new one is."""
        await _put(store, "a", b"old")
        with pytest.raises(_SourceError):
            await store.put("a", _broken(b"new"), "text/plain")
        assert await _read(store, "a") == b"old"

    async def test_a_cancelled_put_leaves_nothing(self, store: MediaStore) -> None:
        """A cancelled ``put`` leaves no partial file."""
        started = anyio.Event()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(store.put, "a", _endless(started), "text/plain")
            await started.wait()
            tasks.cancel_scope.cancel()
        assert (await store.stat("a"), await self.leftovers(store)) == (None, ())

    async def test_a_file_is_not_seen_before_it_is_whole(self, store: MediaStore) -> None:
        """Concurrent readers get the old file or the new one."""
        started = anyio.Event()
        seen: StoredFile | None = None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(store.put, "a", _endless(started), "text/plain")
            await started.wait()
            seen = await store.stat("a")
            tasks.cancel_scope.cancel()
        assert seen is None

    async def test_of_two_who_put_the_same_key_one_wins_whole(self, store: MediaStore) -> None:
        """Concurrent writers never mix their bytes."""
        contents = [bytes([n]) * 300_000 for n in range(4)]
        async with anyio.create_task_group() as tasks:
            for content in contents:
                chunks = stream(*(content[i : i + 1000] for i in range(0, 300_000, 1000)))
                tasks.start_soon(store.put, "a", chunks, "text/plain")
        assert await _read(store, "a") in contents

    # -- stat ---------------------------------------------------------------------------------

    async def test_stat_tells_what_put_told(self, store: MediaStore) -> None:
        """``stat`` returns key, size, digest and media type."""
        stored = await _put(store, "results/1/video.mp4")
        assert await store.stat("results/1/video.mp4") == stored

    async def test_the_stat_of_nothing_is_none(self, store: MediaStore) -> None:
        """``stat`` returns None for an unknown key."""
        assert await store.stat("nothing/here") is None

    async def test_the_stat_below_a_file_is_none(self, store: MediaStore) -> None:
        """``stat`` returns None for a key below a file."""
        await _put(store, "a")
        assert await store.stat("a/b") is None

    # -- delete -------------------------------------------------------------------------------

    async def test_a_deleted_file_is_gone(self, store: MediaStore) -> None:
        """A file is deleted by its key."""
        await _put(store, "a/b")
        await store.delete("a/b")
        assert await store.stat("a/b") is None

    async def test_deleting_a_prefix_deletes_what_is_below(self, store: MediaStore) -> None:
        """Deleting a prefix deletes files at every depth."""
        await _put(store, "users/ana/voice.wav")
        await _put(store, "users/ana/deep/er/voice.wav")
        await store.delete("users/ana")
        found = [await store.stat(f"users/ana/{p}voice.wav") for p in ("", "deep/er/")]
        assert (found, await self.leftovers(store)) == ([None, None], ())

    async def test_a_prefix_ends_at_a_slash(self, store: MediaStore) -> None:
        """Names are compared whole: "ana" is no prefix of "anabel"."""
        await _put(store, "users/ana/voice.wav")
        await _put(store, "users/anabel/voice.wav")
        await store.delete("users/ana")
        assert await store.stat("users/anabel/voice.wav") is not None

    async def test_deleting_nothing_is_fine(self, store: MediaStore) -> None:
        """Deleting a missing file is no error."""
        await store.delete("nothing/here")

    async def test_deleting_below_a_file_keeps_the_file(self, store: MediaStore) -> None:
        """Deleting a key below a file does nothing."""
        await _put(store, "a")
        await store.delete("a/b")
        assert await store.stat("a") is not None

    async def test_many_may_delete_the_same_prefix(self, store: MediaStore) -> None:
        """Concurrent deletions of the same files succeed."""
        for number in range(20):
            await _put(store, f"users/ana/{number}/voice.wav")
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(store.delete, "users/ana")
        assert await store.stat("users/ana/7/voice.wav") is None

    # -- where it is --------------------------------------------------------------------------

    async def test_a_path_is_where_the_bytes_are(self, store: MediaStore) -> None:
        """``path`` is the local file, or None for a remote store."""
        await _put(store, "a/b.mp4")
        path = store.path("a/b.mp4")
        assert path is None or await anyio.Path(path).read_bytes() == b"content"

    @pytest.mark.parametrize("key", ["a/b.mp4", "samples/Zoë ünïcode 世界/a+b%20c?d#e.wav"])
    async def test_a_link_works_without_a_key(self, store: MediaStore, key: str) -> None:
        """A link gives the bytes without credentials."""
        await _put(store, key)
        assert await self.visit(await _link(store, key)) == (200, b"content")

    async def test_a_link_expires(self, store: MediaStore) -> None:
        """An expired link is refused."""
        await _put(store, "a/b.mp4")
        url = await _link(store, "a/b.mp4")
        await self.let_pass(store, 120.0)
        assert (await self.visit(url))[0] in _REFUSALS

    async def test_a_link_is_for_its_key_alone(self, store: MediaStore) -> None:
        """A signature is valid for one key only."""
        await _put(store, "a/mine.mp4")
        await _put(store, "a/yours.mp4")
        mine, yours = [await _link(store, f"a/{name}.mp4") for name in ("mine", "yours")]
        forged = urlsplit(mine)._replace(path=urlsplit(yours).path).geturl()
        assert (await self.visit(forged))[0] in _REFUSALS

    async def test_a_link_is_nothing_without_its_query(self, store: MediaStore) -> None:
        """An address without its signature is refused."""
        await _put(store, "a/b.mp4")
        bare = urlsplit(await _link(store, "a/b.mp4"))._replace(query="").geturl()
        assert (await self.visit(bare))[0] in _REFUSALS

    async def test_a_link_is_a_web_address_or_none(self, store: MediaStore) -> None:
        """Vendors fetch by https, or by http from a test."""
        await _put(store, "a/b.mp4")
        url = await store.url("a/b.mp4", 60.0)
        assert url is None or url.startswith(("https://", "http://"))
