"""Holds a ``MediaStore`` to its contract. Needs pytest and anyio.

    class TestMyStore(MediaStoreSuite):
        @pytest.fixture
        async def store(self):
            return MyStore(...)

Every test gets its own, empty store. Where it has links, the class also says how time passes for
them (``let_pass``); without that, the test that a link expires is skipped.
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
    """The stream ended badly: whoever sends it went away."""


async def stream(*chunks: bytes) -> AsyncIterator[bytes]:
    """The chunks as ``put`` takes them."""
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
    """Subclass it, and give a fixture ``store``."""

    @pytest.fixture
    def anyio_backend(self) -> str:
        """The event loop that the tests run on."""
        return "asyncio"

    async def leftovers(self, store: MediaStore) -> Sequence[str]:
        """What lies in the store, under a key or not; override where that can be listed.

        The tests of what must not be left behind see nothing otherwise.
        """
        del store
        return ()

    async def visit(self, url: str) -> tuple[int, bytes]:
        """Open a link as a stranger does: the status, and the body of a success."""
        return await anyio.to_thread.run_sync(_visited, url)

    async def let_pass(self, store: MediaStore, seconds: float) -> None:
        """Make links so much older; override it, preferably without waiting."""
        del store, seconds
        pytest.skip("this suite cannot make links older: override let_pass")

    # -- put and open -------------------------------------------------------------------------

    async def test_what_is_put_can_be_read(self, store: MediaStore) -> None:
        """Byte for byte, in order."""
        await store.put("samples/a.wav", stream(b"one ", b"two ", b"three"), "audio/wav")
        assert await _read(store, "samples/a.wav") == b"one two three"

    async def test_put_answers_with_what_was_stored(self, store: MediaStore) -> None:
        """Key, size in bytes, digest and type."""
        assert await store.put("a.mp4", stream(b"one ", b"two"), "video/mp4") == StoredFile(
            key="a.mp4",
            size=7,
            sha256=hashlib.sha256(b"one two").hexdigest(),
            media_type="video/mp4",
        )

    async def test_an_empty_stream_is_an_empty_file(self, store: MediaStore) -> None:
        """No bytes are a content too."""
        await store.put("empty", stream(), "text/plain")
        assert await _read(store, "empty") == b""

    async def test_empty_chunks_change_nothing(self, store: MediaStore) -> None:
        """A chunk without bytes does not end the stream."""
        await store.put("a", stream(b"", b"one", b"", b"two"), "text/plain")
        assert await _read(store, "a") == b"onetwo"

    async def test_what_is_put_replaces_what_was_there(self, store: MediaStore) -> None:
        """A shorter file leaves nothing of a longer one."""
        await _put(store, "a", b"a long content")
        await _put(store, "a", b"short")
        assert await _read(store, "a") == b"short"

    async def test_a_large_file_comes_back_whole(self, store: MediaStore) -> None:
        """Larger than any buffer on the way."""
        chunk = bytes(range(256)) * (_MIB // 256)
        stored = await store.put("large", stream(*[chunk] * 5), "video/mp4")
        digest = hashlib.sha256()
        async for part in store.open("large"):
            digest.update(part)
        assert (stored.size, digest.hexdigest()) == (5 * _MIB, stored.sha256)

    async def test_a_large_file_comes_in_pieces(self, store: MediaStore) -> None:
        """Nobody has to hold it in memory."""
        await store.put("large", stream(*[b"x" * _MIB] * 3), "video/mp4")
        sizes = [len(chunk) async for chunk in store.open("large")]
        assert 0 < max(sizes) <= _MIB

    async def test_a_reader_may_stop_early(self, store: MediaStore) -> None:
        """An abandoned stream gives back what it held."""
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
        """Opening says so at the first chunk."""
        with pytest.raises(NotFound):
            await _read(store, "nothing/here")

    async def test_a_folder_is_no_file(self, store: MediaStore) -> None:
        """The first part of a key is no key by itself."""
        await _put(store, "results/1/video.mp4")
        with pytest.raises(NotFound):
            await _read(store, "results/1")

    @pytest.mark.parametrize("key", _BAD_KEYS)
    async def test_a_bad_key_is_a_config_error(self, store: MediaStore, key: str) -> None:
        """Nothing outside the store can be named."""
        with pytest.raises(ConfigError):
            await _put(store, key)

    @pytest.mark.parametrize("key", _BAD_KEYS)
    async def test_a_bad_key_cannot_be_deleted(self, store: MediaStore, key: str) -> None:
        """An empty prefix is a mistake, not everything."""
        await _put(store, "a")
        with pytest.raises(ConfigError):
            await store.delete(key)

    # -- all or nothing -----------------------------------------------------------------------

    async def test_a_broken_stream_leaves_nothing(self, store: MediaStore) -> None:
        """What raised comes out, and no half of a file is seen."""
        with pytest.raises(_SourceError):
            await store.put("a", _broken(b"half of it"), "text/plain")
        assert (await store.stat("a"), await self.leftovers(store)) == (None, ())

    async def test_a_broken_stream_keeps_what_was_there(self, store: MediaStore) -> None:
        """The old file is whole until the new one is."""
        await _put(store, "a", b"old")
        with pytest.raises(_SourceError):
            await store.put("a", _broken(b"new"), "text/plain")
        assert await _read(store, "a") == b"old"

    async def test_a_cancelled_put_leaves_nothing(self, store: MediaStore) -> None:
        """A cancelled task takes its half file along."""
        started = anyio.Event()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(store.put, "a", _endless(started), "text/plain")
            await started.wait()
            tasks.cancel_scope.cancel()
        assert (await store.stat("a"), await self.leftovers(store)) == (None, ())

    async def test_a_file_is_not_seen_before_it_is_whole(self, store: MediaStore) -> None:
        """Readers see the old file or the new one."""
        started = anyio.Event()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(store.put, "a", _endless(started), "text/plain")
            await started.wait()
            seen = await store.stat("a")
            tasks.cancel_scope.cancel()
        assert seen is None

    async def test_of_two_who_put_the_same_key_one_wins_whole(self, store: MediaStore) -> None:
        """Never a mixture."""
        contents = [bytes([n]) * 300_000 for n in range(4)]
        async with anyio.create_task_group() as tasks:
            for content in contents:
                chunks = stream(*(content[i : i + 1000] for i in range(0, 300_000, 1000)))
                tasks.start_soon(store.put, "a", chunks, "text/plain")
        assert await _read(store, "a") in contents

    # -- stat ---------------------------------------------------------------------------------

    async def test_stat_tells_what_put_told(self, store: MediaStore) -> None:
        """Key, size, digest and type."""
        stored = await _put(store, "results/1/video.mp4")
        assert await store.stat("results/1/video.mp4") == stored

    async def test_the_stat_of_nothing_is_none(self, store: MediaStore) -> None:
        """An unknown key is no error."""
        assert await store.stat("nothing/here") is None

    async def test_the_stat_below_a_file_is_none(self, store: MediaStore) -> None:
        """A file has nothing below it."""
        await _put(store, "a")
        assert await store.stat("a/b") is None

    # -- delete -------------------------------------------------------------------------------

    async def test_a_deleted_file_is_gone(self, store: MediaStore) -> None:
        """Deleting its key is enough."""
        await _put(store, "a/b")
        await store.delete("a/b")
        assert await store.stat("a/b") is None

    async def test_deleting_a_prefix_deletes_what_is_below(self, store: MediaStore) -> None:
        """At every depth."""
        await _put(store, "users/ana/voice.wav")
        await _put(store, "users/ana/deep/er/voice.wav")
        await store.delete("users/ana")
        found = [await store.stat(f"users/ana/{p}voice.wav") for p in ("", "deep/er/")]
        assert (found, await self.leftovers(store)) == ([None, None], ())

    async def test_a_prefix_ends_at_a_slash(self, store: MediaStore) -> None:
        """Ana's files are not Anabel's."""
        await _put(store, "users/ana/voice.wav")
        await _put(store, "users/anabel/voice.wav")
        await store.delete("users/ana")
        assert await store.stat("users/anabel/voice.wav") is not None

    async def test_deleting_nothing_is_fine(self, store: MediaStore) -> None:
        """What is not there counts as deleted."""
        await store.delete("nothing/here")

    async def test_deleting_below_a_file_keeps_the_file(self, store: MediaStore) -> None:
        """Nothing is below a file."""
        await _put(store, "a")
        await store.delete("a/b")
        assert await store.stat("a") is not None

    async def test_many_may_delete_the_same_prefix(self, store: MediaStore) -> None:
        """Whoever comes second finds nothing, which is fine."""
        for number in range(20):
            await _put(store, f"users/ana/{number}/voice.wav")
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(store.delete, "users/ana")
        assert await store.stat("users/ana/7/voice.wav") is None

    # -- where it is --------------------------------------------------------------------------

    async def test_a_path_is_where_the_bytes_are(self, store: MediaStore) -> None:
        """A store whose files lie on this machine says where; others say None."""
        await _put(store, "a/b.mp4")
        path = store.path("a/b.mp4")
        assert path is None or await anyio.Path(path).read_bytes() == b"content"

    @pytest.mark.parametrize("key", ["a/b.mp4", "samples/Zoë ünïcode 世界/a+b%20c?d#e.wav"])
    async def test_a_link_works_without_a_key(self, store: MediaStore, key: str) -> None:
        """It brings the bytes to whoever has it."""
        await _put(store, key)
        assert await self.visit(await _link(store, key)) == (200, b"content")

    async def test_a_link_expires(self, store: MediaStore) -> None:
        """After its time it is refused."""
        await _put(store, "a/b.mp4")
        url = await _link(store, "a/b.mp4")
        await self.let_pass(store, 120.0)
        assert (await self.visit(url))[0] in _REFUSALS

    async def test_a_link_is_for_its_key_alone(self, store: MediaStore) -> None:
        """The query of one link does not open another key."""
        await _put(store, "a/mine.mp4")
        await _put(store, "a/yours.mp4")
        mine, yours = [await _link(store, f"a/{name}.mp4") for name in ("mine", "yours")]
        forged = urlsplit(mine)._replace(path=urlsplit(yours).path).geturl()
        assert (await self.visit(forged))[0] in _REFUSALS

    async def test_a_link_is_nothing_without_its_query(self, store: MediaStore) -> None:
        """The address alone opens nothing."""
        await _put(store, "a/b.mp4")
        bare = urlsplit(await _link(store, "a/b.mp4"))._replace(query="").geturl()
        assert (await self.visit(bare))[0] in _REFUSALS

    async def test_a_link_is_a_web_address_or_none(self, store: MediaStore) -> None:
        """Vendors fetch by https, or by http from a test."""
        await _put(store, "a/b.mp4")
        url = await store.url("a/b.mp4", 60.0)
        assert url is None or url.startswith(("https://", "http://"))
