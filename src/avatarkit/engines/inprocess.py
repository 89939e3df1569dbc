"""The in-process worker: claims due records under a lease and advances them.

A waiting record is a row, not a task: the repository's due index is the queue. Several workers,
in one process or many, may share a repository.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio
import anyio.abc

from .. import _telemetry
from .._log import get_logger
from ..interfaces import TURN, Capabilities, Claim, Clock, Provider, Repository, Turn
from ..records import Record

__all__ = ["AccountSlots", "InProcessEngine", "wait"]

log = get_logger(__name__)

#: Seconds by which the repository's clock may be ahead of what is counted on here.
_AHEAD = 5.0


async def wait(clock: Clock, seconds: float, event: anyio.Event) -> None:
    """Wait until the event is set, at most ``seconds`` by ``clock``."""
    async with anyio.create_task_group() as tasks:

        async def nap() -> None:
            await clock.sleep(seconds)
            tasks.cancel_scope.cancel()

        tasks.start_soon(nap)
        await event.wait()
        tasks.cancel_scope.cancel()


class AccountSlots:
    """Bounds how many requests are under way at each vendor account, and how fast they follow.

    Within this process there are always so many places. Where a provider names a bound or a rate
    of its own, the repository counts as well, for every process that uses it; a place that is not
    given back (its process was killed) is free after ``lease`` seconds, which must be longer than
    a request may take.
    """

    def __init__(
        self, repository: Repository, clock: Clock, *, lease: float, default: int = 8
    ) -> None:
        self._repository = repository
        self._clock = clock
        self._lease = lease
        self._default = default
        self._limiters: dict[tuple[str, str], anyio.CapacityLimiter] = {}

    @asynccontextmanager
    async def slot(self, provider: Provider, /) -> AsyncIterator[None]:
        """Hold one of the account's places."""
        key = (provider.name, provider.account)
        can = provider.capabilities
        if key not in self._limiters:
            self._limiters[key] = anyio.CapacityLimiter(can.in_flight or self._default)
        async with self._limiters[key]:
            if can.in_flight is None and can.rate is None:
                yield
            else:
                async with self._shared(provider.name, ":".join(key), can):
                    yield

    @asynccontextmanager
    async def _shared(self, provider: str, account: str, can: Capabilities) -> AsyncIterator[None]:
        holder = secrets.token_hex(8)
        taken = True  # for the first request

        async def take(places: int | None) -> None:
            while wait_for := await self._repository.take_place(
                account, holder, places=places, rate=can.rate, seconds=self._lease
            ):
                await self._clock.sleep(wait_for)

        async def wait() -> None:
            nonlocal taken
            if not taken:
                await take(None)
            taken = False

        await take(can.in_flight)
        set_turn = TURN.set(Turn(provider, wait) if can.rate is not None else None)
        try:
            yield
        finally:
            TURN.reset(set_turn)
            with anyio.CancelScope(shield=True):
                await self._leave(account, holder)

    async def _leave(self, account: str, holder: str) -> None:
        try:
            await self._repository.leave_place(account, holder)
        except Exception as error:  # noqa: BLE001 - what was answered counts; the place frees itself
            log.warning("place.not_left", account=account, error=type(error).__name__)


class InProcessEngine:
    """Advances what is due, many at once; ``advance`` decides what that means.

    ``lease`` is for how many seconds a claim holds without being renewed: after a kill, others
    take over then. ``idle`` is how often the due index is looked at when nothing wakes us.
    """

    def __init__(
        self,
        *,
        advance: Callable[[str], Awaitable[Record | None]],
        repository: Repository,
        clock: Clock,
        in_flight: int = 64,
        lease: float = 15.0,
        idle: float = 0.5,
        grace: float = 10.0,
    ) -> None:
        self._advance = advance
        self._repository = repository
        self._clock = clock
        self._in_flight = in_flight
        self._lease = lease
        self._idle = idle
        self._grace = grace
        self._owner = secrets.token_hex(8)
        self._wake = anyio.Event()
        self._running = 0
        #: Running visits by the owner that claimed them. Each round of claims has an owner of its
        #: own, so that a failed visit's lease ends when the others of its round are done.
        self._rounds: dict[str, int] = {}
        self._stopping = False
        self._stopped = anyio.Event()

    def wake(self) -> None:
        """Look for due records now."""
        self._wake.set()

    def reset(self) -> None:
        """Forget an earlier ``stop``; before ``run``, since a stop may come before that begins."""
        self._stopping = False
        self._stopped = anyio.Event()

    async def run(self) -> None:
        """Drive what is due until ``stop``; a failed visit is repeated when its lease ends."""
        try:
            with _telemetry.apart():
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._renew)
                    while not self._stopping:
                        owner, claims = await self._claim(self._in_flight - self._running)
                        for claim in claims:
                            tasks.start_soon(self._visit, claim, owner)
                        if not claims:
                            await self._rest()
                    with anyio.move_on_after(self._grace):
                        while self._running:
                            self._wake = anyio.Event()
                            await self._wake.wait()
                    tasks.cancel_scope.cancel()
        finally:
            self._stopped.set()

    async def stop(self) -> None:
        """Claim nothing more; what runs may finish, then is abandoned, which is safe."""
        self._stopping = True
        self.wake()
        await self._stopped.wait()

    async def tick(self, limit: int = 64) -> int:
        """Claim what is due, advance it, return how many: for cron and serverless."""
        owner, claims = await self._claim(limit)
        async with anyio.create_task_group() as tasks:
            for claim in claims:
                tasks.start_soon(self._visit, claim, owner)
        return len(claims)

    async def _claim(self, limit: int) -> tuple[str, list[Claim]]:
        owner = f"{self._owner}-{secrets.token_hex(4)}"
        if limit <= 0:
            return owner, []
        try:
            due, now = await self._repository.next_due(), await self._repository.now()
            if due is None or due > now.wall:
                return owner, []
            claims = await self._repository.claim(owner, limit, self._lease)
        except Exception as error:  # noqa: BLE001 - a database that is away comes back
            log.warning("claim.failed", error=type(error).__name__)
            return owner, []
        self._running += len(claims)
        if claims:
            self._rounds[owner] = len(claims)
            _telemetry.claimed(now.wall - due)
        return owner, claims

    async def _rest(self) -> None:
        due = await self._next_due()
        self._wake = anyio.Event()
        if not self._stopping:
            await wait(self._clock, due, self._wake)

    async def _next_due(self) -> float:
        try:
            due = await self._repository.next_due()
            now = (await self._repository.now()).wall
        except Exception as error:  # noqa: BLE001 - a database that is away comes back
            log.warning("claim.failed", error=type(error).__name__)
            return self._idle
        return self._idle if due is None else min(max(due - now, 0.01), self._idle)

    async def _visit(self, claim: Claim, owner: str) -> None:
        try:
            found = await self._advance(claim.record.id)
            stuck = found is not None and await self._stuck(claim.record, found)
        except Exception as error:
            # Its lease is kept, so that the next visit comes when that ends, not at once.
            log.exception("visit.failed", id=claim.record.id, error=type(error).__name__)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self._release(claim)
            raise
        else:
            if stuck:  # somebody has edited its row; its lease is kept, as where a visit failed
                log.warning("visit.stuck", id=claim.record.id)
            else:
                await self._release(claim)
        finally:
            self._running -= 1
            self._rounds[owner] -= 1
            if not self._rounds[owner]:
                del self._rounds[owner]
            self.wake()

    async def _stuck(self, before: Record, after: Record) -> bool:
        """Whether nothing came of a record that was due: it would be due again at once."""
        if after.version != before.version:
            return False
        now = (await self._repository.now()).wall
        return after.next_at is None or not now < after.next_at < now + _AHEAD

    async def _release(self, claim: Claim) -> None:
        try:
            await self._repository.release(claim)
        except Exception as error:  # noqa: BLE001 - the lease ends by itself
            log.warning("release.failed", id=claim.record.id, error=type(error).__name__)

    async def _renew(self) -> None:
        while True:
            await self._clock.sleep(self._lease / 3)
            try:
                for owner in list(self._rounds):
                    await self._repository.renew(owner, self._lease)
            except Exception as error:  # noqa: BLE001 - the lease ends, others go on
                log.warning("renew.failed", error=type(error).__name__)
