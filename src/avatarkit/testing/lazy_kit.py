"""Client of the pytest fixture: it opens itself in the event loop of the test that uses it."""

from __future__ import annotations

import asyncio
from typing import Any

from ..kit import AvatarKit

__all__ = ["LazyKit"]


class LazyKit(AvatarKit):
    """``AvatarKit`` that opens itself with the first call, and ends with its event loop.

    So its fixture is not async, and each plugin for async tests can run them: a fixture and a test
    may run in different tasks, or in different event loops.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lifetime.opener = self._ensure_open
        self._home: asyncio.AbstractEventLoop | None = None
        self._holder: asyncio.Task[None] | None = None

    async def _ensure_open(self) -> None:
        loop = asyncio.get_running_loop()
        if self._home is None or self._home.is_closed():
            self._home, self._is_open = loop, asyncio.Event()
            self._over = asyncio.Event()
            self._holder = loop.create_task(self._hold(), name="avatarkit_kit")
        if self._home is loop and self._holder is not None:
            opened = loop.create_task(self._is_open.wait())
            await asyncio.wait({opened, self._holder}, return_when=asyncio.FIRST_COMPLETED)
            opened.cancel()
            if self._holder.done():
                self._home = None
                await self._holder

    async def _hold(self) -> None:
        async with self:
            self._is_open.set()
            await self._over.wait()

    def end(self) -> None:
        """Close the kit, unless its event loop has ended; the loop must not be running."""
        loop, holder = self._home, self._holder
        if loop is None or holder is None or holder.done() or loop.is_closed():
            return
        self._over.set()
        loop.run_until_complete(holder)
