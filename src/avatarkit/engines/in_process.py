"""The in-process worker: claims due records under a lease and advances them.

A waiting record is a row, not a task: the repository's due index is the queue. Several workers,
in one process or many, may share a repository.
"""

from __future__ import annotations

import secrets

import anyio

from .. import _telemetry
from .._log import cleaned, get_logger
from ..clock import wait
from ..config.settings import Settings
from ..interfaces import Advance, Claim, Clock, Engine, EngineFactory, Repository, WakesWorkers
from ..lifecycle.watching import listen
from ..records import Record, later

log = get_logger(__name__)

#: Seconds by which the repository's clock may be ahead of what is counted on here.
_AHEAD = 5.0


def configured(settings: Settings) -> EngineFactory:
    """Return the factory of this engine, which needs no settings."""
    del settings
    return InProcessEngine


class InProcessEngine(Engine):
    """Advances what is due, many at once; ``advance`` decides what that means.

    ``lease`` is for how many seconds a claim holds without being renewed: after a kill, others
    take over then. ``idle`` is how often the due index is looked at when nothing wakes us, in
    seconds; ``asleep`` is the same while the repository tells what other processes make due.
    """

    def __init__(
        self,
        *,
        advance: Advance,
        repository: Repository,
        clock: Clock,
        in_flight: int = 64,
        lease: float = 15.0,
        idle: float = 0.5,
        asleep: float = 5.0,
        grace: float = 10.0,
    ) -> None:
        self._advance = advance
        self._repository = repository
        self._clock = clock
        self._in_flight = in_flight
        self._lease = lease
        self._idle = idle
        self._asleep = asleep
        self._grace = grace
        self._owner = secrets.token_hex(8)
        self._reset()

    async def open(self, *, drives: bool) -> None:
        """Forget an earlier event loop and ``stop``; before ``run``, which a stop may precede."""
        del drives
        self._reset()

    async def aclose(self) -> None:
        """Do nothing: there is no connection."""

    async def wake(self, record: Record) -> None:
        """Look for due records now."""
        del record
        self._wake.set()

    def _reset(self) -> None:
        self._wake = anyio.Event()
        self._told = False  #: does the repository tell what other processes make due?
        self._rest = 0.0  #: seconds until something is due, as the last look found
        self._running = 0
        #: Running visits by the owner that claimed them. Each round of claims has an owner of its
        #: own, so that a failed visit's lease ends when the others of its round are done.
        self._rounds: dict[str, int] = {}
        self._stopping = False
        self._stopped = anyio.Event()

    async def run(self) -> None:
        """Drive what is due until ``stop``; a failed visit is repeated when its lease ends."""
        try:
            with _telemetry.detached():
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._renew)
                    if isinstance(self._repository, WakesWorkers):
                        sooner = self._repository.sooner
                        tasks.start_soon(listen, sooner, self._hear, self._lose, self._clock)
                    while not self._stopping:
                        self._wake = anyio.Event()  # first: what happens from now on counts
                        owner, claims = await self._claim(self._in_flight - self._running)
                        for claim in claims:
                            tasks.start_soon(self._visit, claim, owner)
                        if not claims and not self._stopping:
                            await wait(self._clock, self._rest, self._wake)
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
        if self._running:
            log.info("worker.finishing", running=self._running, seconds=self._grace)
        self._wake.set()
        await self._stopped.wait()

    async def tick(self, limit: int = 64) -> int:
        """Claim what is due, advance it, return how many: for cron and serverless.

        Raises ``StorageError`` or ``ConfigError`` if nothing can be claimed of this database.
        """
        owner, claims = await self._claimed(limit)
        async with anyio.create_task_group() as renewing:
            renewing.start_soon(self._renew)
            async with anyio.create_task_group() as tasks:
                for claim in claims:
                    tasks.start_soon(self._visit, claim, owner)
            renewing.cancel_scope.cancel()
        return len(claims)

    def _hear(self, _: object) -> None:
        self._told = True
        self._wake.set()

    def _lose(self) -> None:
        self._told = False
        self._wake.set()

    async def _claim(self, limit: int) -> tuple[str, list[Claim]]:
        """Claim for a worker: a database that is away comes back."""
        try:
            return await self._claimed(limit)
        except Exception as error:  # noqa: BLE001 - as above
            log.warning("claim.failed", error=type(error).__name__, reason=cleaned(str(error)))
            self._rest = self._idle
            return "", []

    async def _claimed(self, limit: int) -> tuple[str, list[Claim]]:
        owner = f"{self._owner}-{secrets.token_hex(4)}"
        self._rest = self._idle
        if limit <= 0:
            return owner, []
        due, now = await self._repository.next_due(), await self._repository.now()
        longest = self._asleep if self._told else self._idle
        self._rest = longest if due is None else min(max(due - now.wall, 0.01), longest)
        if due is None or due > now.wall:
            return owner, []
        claims = await self._repository.claim(owner, limit, self._lease)
        self._running += len(claims)
        if claims:
            self._rounds[owner] = len(claims)
            _telemetry.claimed(now.wall - due)
        return owner, claims

    async def _visit(self, claim: Claim, owner: str) -> None:
        try:
            found = await self._advance(claim.record.id, claim.record)
            pause = await self._pause(claim.record, found)
            if pause:
                await self._clock.sleep(pause)
        except Exception as error:
            # Its lease is kept, so that the next visit comes when that ends, not at once.
            log.exception("advance.failed", id=claim.record.id, error=type(error).__name__)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await self._release(claim)
            raise
        else:
            if (
                pause is None
            ):  # somebody has edited its row; its lease is kept, as where a visit failed
                log.warning("advance.stuck", id=claim.record.id)
            elif found is None or found.version == claim.record.version or not found.waits:
                await self._release(claim)  # else its last save has ended the lease
        finally:
            self._running -= 1
            self._rounds[owner] -= 1
            if not self._rounds[owner]:
                del self._rounds[owner]
            self._wake.set()

    async def _pause(self, before: Record, after: Record | None) -> float | None:
        """Seconds until an unchanged record is due by the visitor's clock, which may be behind.

        None if it is due at once again, or much later, though it was claimed as due.
        """
        if after is None or after.version != before.version:
            return 0.0
        now = (await self._repository.now()).wall
        if after.next_at is None or not now < after.next_at < later(now, _AHEAD):
            return None
        return after.next_at - now

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
