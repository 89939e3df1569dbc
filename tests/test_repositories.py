from contextlib import AsyncExitStack

import pytest

from avatarkit.repositories.memory import MemoryRepository
from avatarkit.repositories.sqlite import SqliteRepository
from avatarkit.testing.repositories import RepositorySuite


class TestMemoryRepository(RepositorySuite):
    @pytest.fixture
    async def repository(self, clock):
        return MemoryRepository(clock=clock)


class TestSqliteRepository(RepositorySuite):
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
