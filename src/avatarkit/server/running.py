"""Opens the kit once for all requests, and applies stored webhook deliveries in the background."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

from .. import errors
from .._log import cleaned, get_logger
from ..kit import AvatarKit
from .uploads import Uploads

log = get_logger(__name__)

#: Seconds between sweeps for deliveries whose job was not known yet.
_SWEEP = 15.0

#: Seconds before a kit that failed is reopened.
_PAUSE = 1.0

#: Seconds that a request waits for the kit to open.
_PATIENCE = 10.0


class KitRunner:
    """Keeps the kit open and runs its background work; started by the first request at the latest.

    The kit is opened and closed in one task, as anyio's cancel scopes demand.
    """

    def __init__(self, kit: AvatarKit, uploads: Uploads, *, owned: bool) -> None:
        self._kit = kit
        self._uploads = uploads
        self._owned = owned
        self._task: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._stop = asyncio.Event()
        self._swept = asyncio.Event()

    def delivered(self) -> None:
        """Apply stored deliveries now."""
        self._swept.set()

    async def ready(self, *, patient: bool = False) -> None:
        """Wait until the kit is open; may be called again after an error.

        Raises the error of opening; unless ``patient``, ``StorageError`` if opening takes long.
        """
        task = self._task
        if task is None or task.done():
            self._ready.clear()
            task = self._task = asyncio.create_task(self._run())
        if self._ready.is_set():
            return
        waiting = asyncio.create_task(self._ready.wait())
        limit = None if patient else _PATIENCE
        await asyncio.wait({waiting, task}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if task.done():
            try:
                await task
            except errors.ConfigError as error:
                if patient:
                    raise
                log.error("server.not_opened", reason=cleaned(str(error)))  # noqa: TRY400
                raise errors.StorageError(str(error)) from error  # only an operator can fix it
        elif not self._ready.is_set():
            raise errors.StorageError("The server cannot open its database. Try again later.")

    async def aclose(self) -> None:
        """Release leases and close the kit."""
        self._stop.set()
        self._swept.set()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        if not self._owned:
            await self._sweep()
            return
        opened = False
        while not self._stop.is_set():
            try:
                async with self._kit:
                    opened = True
                    await self._sweep()
            except Exception as error:
                if not opened:
                    raise  # ready() reports it
                # The kit and its worker are closed: reopen them without waiting for a request.
                self._ready.clear()
                log.exception("server.reopening", error=type(error).__name__)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), _PAUSE)

    async def _sweep(self) -> None:
        self._ready.set()
        tidied = time.monotonic()
        while not self._stop.is_set():
            self._swept.clear()
            try:
                while await self._kit.webhooks.apply():
                    pass
            except errors.AvatarKitError as error:
                log.warning("webhooks.not_applied", error=type(error).__name__)
            except Exception as error:  # the deliveries stay stored: the next sweep tries again
                log.exception("webhooks.sweep_failed", error=type(error).__name__)
            if time.monotonic() - tidied >= _SWEEP:
                await self._tidy()
                tidied = time.monotonic()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._swept.wait(), _SWEEP)

    async def _tidy(self) -> None:
        try:
            await self._uploads.tidy()
        except Exception as error:  # the next sweep tries again
            log.exception("uploads.not_tidied", error=type(error).__name__)
