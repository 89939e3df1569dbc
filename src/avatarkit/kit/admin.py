"""``kit.admin``: functions for the people who run avatarkit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from .. import lazily
from .._lifetime import Lifetime, while_open

with lazily():
    from .. import interfaces, models
    from ..intake import arguments
    from ..lifecycle import leftovers
    from ..repositories import paging
    from ..stacks import registry
    from . import checks

if TYPE_CHECKING:
    from ..intake.arguments import RecordId
    from ..interfaces import Backlog, Clock, MediaStore, Repository
    from ..lifecycle.advance import Orchestrator
    from ..lifecycle.leftovers import Leftover
    from ..stacks.provider_pool import ProviderPool
    from ..stacks.ranking import StackSelector
    from ..stacks.registry import StackRow
    from .checks import Check


@while_open
class KitAdmin:
    """Operate a deployment: drive due records, watch the backlog, recover after a restore."""

    def __init__(
        self,
        lifetime: Lifetime,
        *,
        repository: Repository,
        media: MediaStore,
        home: Path,
        pool: ProviderPool,
        selector: StackSelector,
        environ: Mapping[str, str],
        clock: Clock,
        tick: Callable[[int], Awaitable[int]],
        orchestrator: Orchestrator,
    ) -> None:
        self._lifetime = lifetime
        self._repository = repository
        self._media = media
        self._home = home
        self._pool = pool
        self._selector = selector
        self._environ = environ
        self._clock = clock
        self._tick = tick
        self._orchestrator = orchestrator

    @property
    def home(self) -> Path:
        """The folder of the files that this machine keeps beside the database and the store."""
        return self._home

    @property
    def media(self) -> MediaStore:
        """The media store, which holds recordings and results."""
        return self._media

    async def tick(self, limit: int = 64) -> int:
        """Advance all due records once, at most ``limit``; return how many."""
        return await self._tick(arguments.limit(limit))

    async def backlog(self) -> list[Backlog]:
        """Count unfinished records by the provider that they wait for."""
        return await self._repository.backlog()

    async def ping(self) -> None:
        """Send a query to the database; raises ``StorageError`` if it does not answer."""
        await self._repository.next_due()

    async def checks(self) -> list[Check]:
        """Check database, media store, the stack's providers, and the ends of vendors' services.

        Sends nothing to a vendor. ``avatarkit doctor`` also checks the installation.
        """
        roles = self._selector.first(None).roles
        names = list(dict.fromkeys(roles.values()))
        return [
            await checks.checked("database", self.ping),
            await checks.checked("media", partial(checks.write_to, self._media)),
            *checks.of_providers(self._pool, names),
            *checks.of_endings(names, self._environ, checks.day_of(self._clock.now().wall)),
        ]

    async def now(self) -> float:
        """The repository's time, which all records use, in seconds since 1970."""
        return (await self._repository.now()).wall

    async def restored(self) -> int:
        """Prepare for work after an older backup of the database was restored.

        Every unfinished operation is looked up at its vendor before anything is sent again.
        Returns the number of unfinished records.
        """
        count = 0
        async for record in paging.every_record(self._repository, None):
            if not record.status.final:
                await self._orchestrator.restored(record)
                count += 1
        if isinstance(self._repository, interfaces.NoticesLoss):
            self._repository.accept_loss()
        return count

    async def leftovers(self, record_id: RecordId) -> list[Leftover]:
        """List what the vendors or the store still hold of a cancelled or deleted record.

        Of any other record: what a stack still holds from which the work moved to another one.
        """
        record = await self._repository.get(arguments.identifier("record_id", record_id))
        return [] if record is None else list(leftovers.leftovers(record))

    def stacks(self) -> list[tuple[StackRow, str | None]]:
        """Every stack that can train, and what is missing for it here; imports all providers."""
        trains = {models.Operation.VOICE, models.Operation.AVATAR}
        rows = registry.stacks(class_of=self._pool.class_of)
        possible = [row for row in rows if row.problem is None and trains & row.roles.keys()]
        return [(row, self._pool.missing(row.roles)) for row in possible]
