"""Any order of calls of the public API, on records in memory and in SQLite."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest
from hypothesis import example, given, settings

from avatarkit.repositories.memory import MemoryRepository
from avatarkit.repositories.sqlite import SqliteRepository
from kit_histories import EACH_KIND, histories, play

pytestmark = pytest.mark.slow


@asynccontextmanager
async def memory(clock, folder):
    yield MemoryRepository(clock=clock)


@asynccontextmanager
async def sqlite(clock, folder):
    made = SqliteRepository(folder / "twins.db", clock=clock)
    await made.open()
    try:
        yield made
    finally:
        await made.aclose()


@pytest.mark.parametrize("opened", [memory, sqlite], ids=lambda place: place.__name__)
@example(steps=EACH_KIND)
@given(steps=histories)
@settings(max_examples=settings.default.max_examples // 5)
def test_in_no_order_of_calls_is_anything_lost_or_paid_twice(opened, steps):
    play(opened, steps)
