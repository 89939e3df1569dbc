"""Sweep for overdue records: the safety net of engines whose visits wait in another system.

A queue or a workflow server loses visits: a wake that never arrived, a worker that never came
back, a version that nothing runs any more. The repository's due index knows every record, so what
is overdue there is visited once more.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager

from .._log import get_logger
from ..interfaces import Claim, Clock, Repository
from ..records import Record

log = get_logger(__name__)

#: Records that one round looks at; the next round goes on.
_LIMIT = 64


class OverdueSweep:
    """Finds due records that no visit has reached for ``grace`` seconds, and visits them again.

    A visit that takes long looks overdue as well: this process leases its record before other
    processes' sweeps would take it, and renews the lease until the visit ends.
    """

    def __init__(
        self,
        *,
        repository: Repository,
        clock: Clock,
        visit: Callable[[Record], Awaitable[None]],
        grace: float,
    ) -> None:
        self.interval = grace / 4  #: seconds between rounds
        self._repository = repository
        self._clock = clock
        self._visit = visit
        self._grace = grace
        self._rounds = 0
        self._name = secrets.token_hex(8)
        self._visiting: Counter[str] = Counter()
        self._began: dict[str, float] = {}
        #: Leases of long visits, and the owner of each.
        self._held: dict[str, tuple[Claim, str]] = {}

    @contextmanager
    def visiting(self, record_id: str) -> Generator[None]:
        """Note that this process visits a record meanwhile."""
        self._visiting[record_id] += 1
        self._began.setdefault(record_id, self._clock.now().boot)
        try:
            yield
        finally:
            self._visiting[record_id] -= 1
            if not self._visiting[record_id]:
                del self._visiting[record_id], self._began[record_id]

    @property
    def running(self) -> int:
        """Visits of this process that are under way."""
        return self._visiting.total()

    async def run(self) -> None:
        """Look for overdue records until cancelled."""
        while True:
            await self._clock.sleep(self.interval)
            try:
                await self.round()
            except Exception as error:  # noqa: BLE001 - a database that is away comes back
                log.warning("sweep.failed", error=type(error).__name__)

    async def round(self) -> None:
        """Keep the leases of long visits, and visit what is overdue."""
        await self._keep_leases()
        now, due = (await self._repository.now()).wall, await self._repository.next_due()
        overdue = due is not None and due <= now - self._grace
        if not overdue and not self._long_visits():
            return
        self._rounds += 1
        owner = f"{self._name}-{self._rounds}"
        for claim in await self._repository.claim(owner, _LIMIT, self._grace):
            record = claim.record
            if record.id in self._visiting:
                self._held[record.id] = claim, owner
            elif record.next_at is not None and record.next_at <= now - self._grace:
                log.warning("visit.overdue", id=record.id, seconds=now - record.next_at)
                await self._visit(record)  # its lease keeps other sweeps away meanwhile
            else:
                await self._repository.release(claim)

    def _long_visits(self) -> bool:
        limit = self._clock.now().boot - self._grace / 2
        return any(
            began <= limit and record_id not in self._held
            for record_id, began in self._began.items()
        )

    async def _keep_leases(self) -> None:
        for record_id, (claim, _) in list(self._held.items()):
            if record_id not in self._visiting:
                del self._held[record_id]
                await self._repository.release(claim)
        for owner in {owner for _, owner in self._held.values()}:
            await self._repository.renew(owner, self._grace)
