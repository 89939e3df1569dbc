"""Lifetime of an open object: it belongs to one process and one event loop."""

from __future__ import annotations

import asyncio
import functools
import inspect
import os
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, TypeVar, cast

from .errors import NotOpen

C = TypeVar("C", bound=type)


class Lifetime:
    """State of an object that is opened and closed: closed, or open in a process and a loop.

    ``name`` and ``how`` are used in messages: "the kit", "use it inside ...".
    """

    def __init__(self, name: str, how: str) -> None:
        self._name = name
        self._how = how
        self._turn = threading.Lock()
        self._process = 0  #: id of the process that opened it; 0 while it is closed
        self._loop: asyncio.AbstractEventLoop | None = None  #: None for an object without a loop
        #: opens the object before each call; for tests
        self.opener: Callable[[], Awaitable[None]] | None = None

    @property
    def forked(self) -> bool:
        """True in a child process of the one that opened the object."""
        return self._process not in (0, os.getpid())

    def open(self, loop: asyncio.AbstractEventLoop | None) -> bool:
        """Note the opening; True if an earlier event loop ended without closing the object.

        Raises ``NotOpen`` if the object is open already, or was opened before a fork.
        """
        self.require_same_process()
        with self._turn:
            abandoned = self._loop is not None and self._loop.is_closed()
            if self._process and not abandoned:
                raise NotOpen(
                    f"{self._name} cannot be opened: it is open already, perhaps in another event "
                    "loop or thread. Use it there, close it first, or create another one"
                )
            self._process, self._loop = os.getpid(), loop
        return abandoned

    async def ready(self) -> None:
        """Raise ``NotOpen`` unless the object is open in this process and event loop."""
        if self.opener is not None:
            await self.opener()
        self.require(_running_loop())

    def close(self) -> None:
        """Note the closing."""
        self._process, self._loop = 0, None

    def require_same_process(self) -> None:
        """Raise ``NotOpen`` in a child process of the one that opened the object."""
        if self.forked:
            raise NotOpen(
                f"{self._name} was opened in process {self._process}, and this is process "
                f"{os.getpid()}, forked from it: threads and connections do not survive a fork. "
                "Open it in each process after the fork"
            )

    def require(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Raise ``NotOpen`` unless the object is open in this process and event loop."""
        if not self._process:
            raise NotOpen(f"{self._name} is not open: {self._how}")
        self.require_same_process()
        if loop is not self._loop:
            raise NotOpen(
                f"{self._name} is open in another event loop: use it there, or open one of your "
                "own in this event loop"
            )


def _lifetime_of(opened: object) -> Lifetime:
    """Lifetime of an object whose class is ``while_open``."""
    return cast("Lifetime", vars(opened)["_lifetime"])


def while_open(kind: C) -> C:
    """Let every public async method of a class raise ``NotOpen`` unless the object is open."""
    for name, method in vars(kind).copy().items():
        if name.startswith("_"):
            continue
        if inspect.iscoroutinefunction(method):
            setattr(kind, name, _awaited(method))
        elif inspect.isasyncgenfunction(method):
            setattr(kind, name, _iterated(method))
    return kind


def _awaited(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    async def checked(self: object, *args: Any, **named: Any) -> Any:
        await _lifetime_of(self).ready()
        return await method(self, *args, **named)

    return checked


def _iterated(method: Callable[..., AsyncGenerator[Any, None]]) -> Callable[..., Any]:
    @functools.wraps(method)
    async def checked(self: object, *args: Any, **named: Any) -> AsyncGenerator[Any, None]:
        await _lifetime_of(self).ready()
        async with aclosing(method(self, *args, **named)) as values:
            async for value in values:
                yield value

    return checked


def _running_loop() -> asyncio.AbstractEventLoop | None:
    """Return the running event loop; None in a forked child, whose loop is its parent's."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
