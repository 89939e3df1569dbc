"""Opens the kit once for all requests, and applies stored webhook deliveries in the background."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

from .. import errors
from .._log import cleaned, get_logger
from ..kit import AvatarKit
from . import request_ids
from .uploads import Uploads

log = get_logger(__name__)

T = TypeVar("T")

#: Seconds between sweeps for deliveries whose job was not known yet.
_SWEEP = 15.0

#: Seconds before a kit that failed is reopened.
_PAUSE = 1.0

#: Seconds that a request waits for the kit to open.
_PATIENCE = 2.5

#: Seconds after which a request that is not answered yet asks if the database is there, and in
#: which the database must answer. Together they are less than three seconds.
_LOOK, _ALIVE = 1.5, 1.3


class _Opening:
    """One opening of the kit: its task, and the events of its event loop."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.ready = asyncio.Event()
        self.stop = asyncio.Event()
        self.swept = asyncio.Event()
        self.task: asyncio.Task[None]

    @property
    def ended(self) -> bool:
        """True if the kit must be opened again."""
        return self.task.done() or self.loop.is_closed()

    def require_here(self) -> None:
        """Raise ``NotOpen`` in another event loop or process."""
        if self.loop is not asyncio.get_running_loop():
            raise errors.NotOpen(
                "this app runs in another event loop: serve it from one, or create an app and a "
                "kit for each. After a fork, create both in the new process"
            )


class KitRunner:
    """Keeps the kit open and runs its background work; started by the first request at the latest.

    The kit is opened and closed in one task, as anyio's cancel scopes demand. After ``aclose``, or
    when its event loop has ended, the next request opens it again.
    """

    def __init__(self, kit: AvatarKit, uploads: Uploads, *, owned: bool) -> None:
        self._kit = kit
        self._uploads = uploads
        self._owned = owned
        self._opening: _Opening | None = None

    def delivered(self) -> None:
        """Apply stored deliveries now."""
        if self._opening is not None:
            self._opening.swept.set()

    async def ready(self, *, patient: bool = False) -> None:
        """Wait until the kit is open; may be called again after an error.

        Raises the error of opening; unless ``patient``, ``StorageError`` if opening takes long.
        ``NotOpen`` if the app runs in another event loop or process at the same time.
        """
        opening = self._opening
        if opening is None or opening.ended:
            opening = self._opening = _Opening()
            opening.task = asyncio.create_task(self._run(opening), context=request_ids.apart())
        opening.require_here()
        if opening.ready.is_set():
            return
        waiting = asyncio.create_task(opening.ready.wait())
        limit = None if patient else _PATIENCE
        await asyncio.wait(
            {waiting, opening.task}, timeout=limit, return_when=asyncio.FIRST_COMPLETED
        )
        waiting.cancel()
        if opening.task.done():
            try:
                await opening.task
            except errors.ConfigError as error:
                if patient:
                    raise
                log.error("server.not_opened", reason=cleaned(str(error)))  # noqa: TRY400
                raise errors.StorageError(str(error)) from error  # only an operator can fix it
        elif not opening.ready.is_set():
            raise errors.StorageError("The server cannot open its database. Try again later.")

    async def answered(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Answer a request once the kit is open.

        Raises ``StorageError`` within three seconds if the database does not respond; then
        ``work`` is cancelled. It may take longer than that while the database responds.
        """
        await self.ready()
        task = asyncio.create_task(work())
        try:
            while not (await asyncio.wait({task}, timeout=_LOOK))[0]:
                await self._require_database(task)
        except BaseException:
            task.cancel()
            await asyncio.wait({task})
            raise
        return await task

    async def _require_database(self, task: asyncio.Task[Any]) -> None:
        asked = asyncio.create_task(self._kit.admin.ping())
        try:
            await asyncio.wait({asked, task}, timeout=_ALIVE, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return
            if not asked.done():
                raise errors.StorageError("The database did not respond.")
            asked.result()
        finally:
            asked.cancel()
            await asyncio.wait({asked})

    async def aclose(self) -> None:
        """Release leases and close the kit."""
        opening = self._opening
        if opening is None or opening.ended:
            return
        opening.require_here()
        opening.stop.set()
        opening.swept.set()
        await opening.task

    async def _run(self, opening: _Opening) -> None:
        if not self._owned:
            await self._sweep(opening)
            return
        opened = False
        while not opening.stop.is_set():
            try:
                async with self._kit:
                    opened = True
                    await self._sweep(opening)
            except Exception as error:
                if not opened:
                    raise  # ready() reports it
                # The kit and its worker are closed: reopen them without waiting for a request.
                opening.ready.clear()
                log.exception("server.reopening", error=type(error).__name__)
                with suppress(TimeoutError):
                    await asyncio.wait_for(opening.stop.wait(), _PAUSE)

    async def _sweep(self, opening: _Opening) -> None:
        opening.ready.set()
        tidied = time.monotonic()
        while not opening.stop.is_set():
            opening.swept.clear()
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
                await asyncio.wait_for(opening.swept.wait(), _SWEEP)

    async def _tidy(self) -> None:
        try:
            await self._uploads.tidy()
        except Exception as error:  # the next sweep tries again
            log.exception("uploads.not_tidied", error=type(error).__name__)
