"""Digests that were computed once: by key and version, and only so many."""

from __future__ import annotations

import pytest

from avatarkit.media.digests import Digests, measured

pytestmark = pytest.mark.anyio


async def test_a_digest_is_measured_once_for_each_version():
    digests, times = Digests(), []

    async def measure():
        times.append(1)
        return len(times), "digest"

    found = [await digests.of("a", version, measure) for version in ("v1", "v1", "v2", "v2", "v1")]
    assert [size for size, _ in found] == [1, 1, 2, 2, 3]


async def test_what_has_no_version_is_measured_each_time():
    digests, times = Digests(), []

    async def measure():
        times.append(1)
        return len(times), "digest"

    assert [(await digests.of("a", None, measure))[0] for _ in range(2)] == [1, 2]


async def test_the_oldest_are_forgotten():
    digests = Digests()

    async def measure():
        return 1, "digest"

    for number in range(5000):
        await digests.of(str(number), "v", measure)
    assert len(digests._known) == 4096


async def test_a_stream_is_measured():
    async def chunks():
        yield b"a"
        yield b"bc"

    size, sha256 = await measured(chunks())
    assert (size, sha256[:8]) == (3, "ba7816bf")
