"""Concurrency and rate limits of vendor accounts, shared by all processes on one repository."""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio

from .._log import get_logger
from ..interfaces import TURN, Capabilities, Clock, Provider, Repository, Turn

log = get_logger(__name__)


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

    def reset(self) -> None:
        """Forget the waiting requests of an earlier event loop."""
        self._limiters.clear()

    @asynccontextmanager
    async def slot(self, provider: Provider, /) -> AsyncGenerator[None]:
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
    async def _shared(self, provider: str, account: str, can: Capabilities) -> AsyncGenerator[None]:
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
            log.warning("slot.not_released", account=account, error=type(error).__name__)
