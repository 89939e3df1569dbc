"""``SyncAvatarKit``: the same kit without ``await``, over an event loop in a thread of its own."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar, cast

import anyio
from anyio.from_thread import BlockingPortal, start_blocking_portal

from .kit import AvatarKit

__all__ = ["SyncAvatarKit"]

P = ParamSpec("P")
R = TypeVar("R")


def _constructed_like(
    _: Callable[Concatenate[AvatarKit, P], None],
) -> Callable[[Callable[..., None]], Callable[Concatenate[SyncAvatarKit, P], None]]:
    """Let type checkers see the parameters of ``AvatarKit``."""
    return lambda method: cast("Callable[Concatenate[SyncAvatarKit, P], None]", method)


def _waiting(
    method: Callable[Concatenate[AvatarKit, P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate[SyncAvatarKit, P], R]:
    """Turn a method into one that waits for its result, under the same name and signature."""

    @functools.wraps(method)
    def wait(self: SyncAvatarKit, /, *args: P.args, **kwargs: P.kwargs) -> R:
        kit, portal = self._opened
        return _result(portal, functools.partial(method, kit, *args, **kwargs))

    return wait


def _at_once(
    method: Callable[Concatenate[AvatarKit, P], R],
) -> Callable[Concatenate[SyncAvatarKit, P], R]:
    """Hand on a method that waits for nothing."""

    @functools.wraps(method)
    def call(self: SyncAvatarKit, /, *args: P.args, **kwargs: P.kwargs) -> R:
        kit, _ = self._opened
        return method(kit, *args, **kwargs)

    return call


def _iterating(
    method: Callable[Concatenate[AvatarKit, P], AsyncIterator[R]],
) -> Callable[Concatenate[SyncAvatarKit, P], Iterator[R]]:
    """Turn an async generator into a generator; closing this one closes that one."""

    @functools.wraps(method)
    def iterate(self: SyncAvatarKit, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[R]:
        kit, portal = self._opened
        values = _Values(method(kit, *args, **kwargs))
        try:
            while (found := _result(portal, values.next)) is not None:
                yield found[0]
        finally:
            portal.call(values.close)

    return iterate


class _Values(Generic[R]):
    """An async generator whose steps are taken one by one, also after an interrupted one."""

    def __init__(self, values: AsyncIterator[R]) -> None:
        self._values = values
        self._turn = anyio.Lock()

    async def next(self) -> tuple[R] | None:
        """The next value in a box, or None at the end: a future cannot carry the end itself."""
        async with self._turn:
            async for value in self._values:
                return (value,)
            return None

    async def close(self) -> None:
        async with self._turn:
            await cast("AsyncGenerator[R]", self._values).aclose()


def _result(portal: BlockingPortal, call: Callable[[], Awaitable[R]]) -> R:
    future = portal.start_task_soon(call)
    try:
        return future.result()
    except BaseException:
        future.cancel()  # after Ctrl-C the call must not go on by itself
        raise


class SyncAvatarKit:
    """``AvatarKit`` for code without ``async``: ``with SyncAvatarKit("local") as kit``.

    The constructor, the methods and what they raise are those of ``AvatarKit``; ``watch`` is a
    plain iterator. The event loop lives as long as the ``with`` block, which may be entered again
    afterwards. Methods may be called from several threads.
    """

    @_constructed_like(AvatarKit.__init__)
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        inspect.signature(AvatarKit).bind(*args, **kwargs)  # a wrong name is told here
        self._build = functools.partial(AvatarKit, *args, **kwargs)
        self._exits = ExitStack()
        self._open: tuple[AvatarKit, BlockingPortal] | None = None

    def __enter__(self) -> Self:
        with ExitStack() as exits:
            portal = exits.enter_context(start_blocking_portal())
            kit = portal.call(self._build)
            exits.enter_context(portal.wrap_async_context_manager(kit))
            self._exits = exits.pop_all()
        self._open = kit, portal
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open = None
        self._exits.__exit__(kind, error, trace)

    @property
    def _opened(self) -> tuple[AvatarKit, BlockingPortal]:
        if self._open is None:
            raise RuntimeError(
                "the kit is not open: use it inside `with SyncAvatarKit(...) as kit`"
            )
        return self._open

    train = _waiting(AvatarKit.train)
    adopt = _waiting(AvatarKit.adopt)
    add_sample = _waiting(AvatarKit.add_sample)
    offer_sample = _waiting(AvatarKit.offer_sample)
    preflight = _waiting(AvatarKit.preflight)
    speak = _waiting(AvatarKit.speak)
    dub = _waiting(AvatarKit.dub)
    get = _waiting(AvatarKit.get)
    watch = _iterating(AvatarKit.watch)
    trainings = _waiting(AvatarKit.trainings)
    videos = _waiting(AvatarKit.videos)
    save = _waiting(AvatarKit.save)
    cancel = _waiting(AvatarKit.cancel)
    delete = _waiting(AvatarKit.delete)
    leftovers = _waiting(AvatarKit.leftovers)
    revoke = _waiting(AvatarKit.revoke)
    consents = _waiting(AvatarKit.consents)
    erase = _waiting(AvatarKit.erase)
    resolve = _waiting(AvatarKit.resolve)
    samples = _waiting(AvatarKit.samples)
    delete_sample = _waiting(AvatarKit.delete_sample)
    page = _waiting(AvatarKit.page)
    receive = _waiting(AvatarKit.receive)
    apply_webhooks = _waiting(AvatarKit.apply_webhooks)
    replay_webhook = _waiting(AvatarKit.replay_webhook)
    estimate = _waiting(AvatarKit.estimate)
    webhook = _waiting(AvatarKit.webhook)
    webhooks = _waiting(AvatarKit.webhooks)
    register_webhook = _waiting(AvatarKit.register_webhook)
    tick = _waiting(AvatarKit.tick)
    backlog = _waiting(AvatarKit.backlog)
    stacks = _at_once(AvatarKit.stacks)
    offers = _waiting(AvatarKit.offers)
    quote = _at_once(AvatarKit.quote)
    compare = _at_once(AvatarKit.compare)
    costs = _waiting(AvatarKit.costs)
    balances = _waiting(AvatarKit.balances)
    budgets = _waiting(AvatarKit.budgets)
    ping = _waiting(AvatarKit.ping)
    now = _waiting(AvatarKit.now)
    restored = _waiting(AvatarKit.restored)
