"""``SyncAvatarKit``: the same kit without ``await``, over an event loop in a thread of its own."""

from __future__ import annotations

import atexit
import functools
import inspect
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import ExitStack
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, Self, TypeVar, cast, overload

import anyio
from anyio.from_thread import BlockingPortal

from ._lifetime import Lifetime
from .kit import AvatarKit, KitAdmin, KitCatalogue, KitPrices, KitWebhooks

__all__ = ["SyncAvatarKit"]

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
T = TypeVar("T")


class _LoopThread:
    """An event loop in a thread of its own.

    ``start_blocking_portal`` is a generator: the end of the interpreter, and of a forked child,
    would close it and wait for a thread that is no longer there.
    """

    def __enter__(self) -> BlockingPortal:
        started = Future[BlockingPortal]()
        self._thread = threading.Thread(
            target=self._run, args=(started,), name="avatarkit-loop", daemon=True
        )
        self._thread.start()
        self._portal = started.result()
        return self._portal

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._portal.call(self._portal.stop, kind is not None)
        self._thread.join()

    def _run(self, started: Future[BlockingPortal]) -> None:
        try:
            anyio.run(self._serve, started)
        except BaseException as error:
            if started.done():
                raise
            started.set_exception(error)

    @staticmethod
    async def _serve(started: Future[BlockingPortal]) -> None:
        async with BlockingPortal() as portal:
            started.set_result(portal)
            await portal.sleep_until_stopped()


class _Blocking(Generic[T]):
    """An object whose methods call those of an async ``T`` and wait for the result."""

    @property
    def opened(self) -> tuple[T, BlockingPortal]:
        """The async object, and the event loop that it lives in."""
        raise NotImplementedError


class _Method(Protocol[T, P, R_co]):
    """A function in a class body, for type checkers that bind no attribute typed ``Callable``."""

    @overload
    def __get__(
        self, instance: None, owner: type, /
    ) -> Callable[Concatenate[_Blocking[T], P], R_co]: ...
    @overload
    def __get__(self, instance: _Blocking[T], owner: type, /) -> Callable[P, R_co]: ...


def _constructed_like(
    _: Callable[Concatenate[AvatarKit, P], None],
) -> Callable[[Callable[..., None]], Callable[Concatenate[SyncAvatarKit, P], None]]:
    """Let type checkers see the parameters of ``AvatarKit``."""
    return lambda method: cast("Callable[Concatenate[SyncAvatarKit, P], None]", method)


def _waiting(
    method: Callable[Concatenate[T, P], Coroutine[Any, Any, R]],
) -> _Method[T, P, R]:
    """Turn a method into one that waits for its result, under the same name and signature."""

    @functools.wraps(method)
    def wait(self: _Blocking[T], /, *args: P.args, **kwargs: P.kwargs) -> R:
        target, portal = self.opened
        return _result(portal, functools.partial(method, target, *args, **kwargs))

    return cast("_Method[T, P, R]", wait)


def _at_once(
    method: Callable[Concatenate[T, P], R],
) -> _Method[T, P, R]:
    """Delegate to a method that is not async."""

    @functools.wraps(method)
    def call(self: _Blocking[T], /, *args: P.args, **kwargs: P.kwargs) -> R:
        target, _ = self.opened
        return method(target, *args, **kwargs)

    return cast("_Method[T, P, R]", call)


def _iterating(
    method: Callable[Concatenate[T, P], AsyncIterator[R]],
) -> _Method[T, P, Iterator[R]]:
    """Turn an async generator into a generator; closing this one closes that one."""

    @functools.wraps(method)
    def iterate(self: _Blocking[T], /, *args: P.args, **kwargs: P.kwargs) -> Iterator[R]:
        target, portal = self.opened
        values = _Values(method(target, *args, **kwargs))
        try:
            while (found := _result(portal, values.next)) is not None:
                yield found[0]
        finally:
            portal.call(values.close)

    return cast("_Method[T, P, Iterator[R]]", iterate)


class _Values(Generic[R]):
    """An async generator that is advanced step by step, also after an interrupted step."""

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


class _KitPart(_Blocking[T]):
    """One of the parts of a kit, such as ``kit.prices``."""

    def __init__(self, kit: SyncAvatarKit, pick: Callable[[AvatarKit], T]) -> None:
        self._kit = kit
        self._pick = pick

    @property
    def opened(self) -> tuple[T, BlockingPortal]:
        """The async part, and its event loop."""
        kit, portal = self._kit.opened
        return self._pick(kit), portal


class SyncKitAdmin(_KitPart[KitAdmin]):
    """``KitAdmin`` without ``await``."""

    tick = _waiting(KitAdmin.tick)
    backlog = _waiting(KitAdmin.backlog)
    ping = _waiting(KitAdmin.ping)
    checks = _waiting(KitAdmin.checks)
    now = _waiting(KitAdmin.now)
    restored = _waiting(KitAdmin.restored)
    leftovers = _waiting(KitAdmin.leftovers)
    stacks = _at_once(KitAdmin.stacks)

    @property
    def home(self) -> Path:
        """The folder of the files that this machine keeps beside the database and the store."""
        return self.opened[0].home


class SyncKitWebhooks(_KitPart[KitWebhooks]):
    """``KitWebhooks`` without ``await``."""

    receive = _waiting(KitWebhooks.receive)
    apply = _waiting(KitWebhooks.apply)
    replay = _waiting(KitWebhooks.replay)
    get = _waiting(KitWebhooks.get)
    register = _waiting(KitWebhooks.register)
    list = _waiting(KitWebhooks.list)


class SyncKitPrices(_KitPart[KitPrices]):
    """``KitPrices`` without ``await``."""

    quote = _at_once(KitPrices.quote)
    compare = _at_once(KitPrices.compare)
    costs = _waiting(KitPrices.costs)
    balances = _waiting(KitPrices.balances)
    spending = _waiting(KitPrices.spending)
    budgets = _waiting(KitPrices.budgets)
    offers = _waiting(KitPrices.offers)


class SyncKitCatalogue(_KitPart[KitCatalogue]):
    """``KitCatalogue`` without ``await``."""

    avatars = _waiting(KitCatalogue.avatars)
    voices = _waiting(KitCatalogue.voices)
    templates = _waiting(KitCatalogue.templates)
    template = _waiting(KitCatalogue.template)
    languages = _waiting(KitCatalogue.languages)


class SyncAvatarKit(_Blocking[AvatarKit]):
    """``AvatarKit`` for code without ``async``: ``with SyncAvatarKit("local") as kit``.

    The constructor, the methods and their errors are those of ``AvatarKit``; ``watch`` is a plain
    iterator. ``admin.media`` is missing, since a media store has only async methods. The event loop
    lives as long as the ``with`` block, which may be entered again afterwards. Methods may be
    called from several threads.
    """

    @_constructed_like(AvatarKit.__init__)
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        inspect.signature(AvatarKit).bind(*args, **kwargs)  # a wrong name is told here
        self._build = functools.partial(AvatarKit, *args, **kwargs)
        self._exits = ExitStack()
        self._lifetime = Lifetime("the kit", "use it inside `with SyncAvatarKit(...) as kit`")
        self._open: tuple[AvatarKit, BlockingPortal] | None = None
        self.admin = SyncKitAdmin(self, attrgetter("admin"))
        self.webhooks = SyncKitWebhooks(self, attrgetter("webhooks"))
        self.prices = SyncKitPrices(self, attrgetter("prices"))
        self.catalogue = SyncKitCatalogue(self, attrgetter("catalogue"))

    def __enter__(self) -> Self:
        self._lifetime.open(None)
        try:
            with ExitStack() as exits:
                portal = exits.enter_context(_LoopThread())
                kit = portal.call(self._build)
                exits.enter_context(portal.wrap_async_context_manager(kit))
                self._exits = exits.pop_all()
        except BaseException:
            self._lifetime.close()
            raise
        self._open = kit, portal
        atexit.register(self.__exit__, None, None, None)  # of a program that leaves it open
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        atexit.unregister(self.__exit__)
        if self._lifetime.forked:  # the event loop's thread is in the parent process
            return
        self._open = None
        self._lifetime.close()
        self._exits.__exit__(kind, error, trace)

    @property
    def opened(self) -> tuple[AvatarKit, BlockingPortal]:
        """The async kit and its event loop; raises ``NotOpen`` unless the kit is open here."""
        self._lifetime.require(None)
        return cast("tuple[AvatarKit, BlockingPortal]", self._open)

    train = _waiting(AvatarKit.train)
    adopt = _waiting(AvatarKit.adopt)
    add_sample = _waiting(AvatarKit.add_sample)
    offer_sample = _waiting(AvatarKit.offer_sample)
    preflight = _waiting(AvatarKit.preflight)
    speak = _waiting(AvatarKit.speak)
    dub = _waiting(AvatarKit.dub)
    dub_into = _waiting(AvatarKit.dub_into)
    get = _waiting(AvatarKit.get)
    watch = _iterating(AvatarKit.watch)
    trainings = _waiting(AvatarKit.trainings)
    videos = _waiting(AvatarKit.videos)
    save = _waiting(AvatarKit.save)
    cancel = _waiting(AvatarKit.cancel)
    delete = _waiting(AvatarKit.delete)
    revoke = _waiting(AvatarKit.revoke)
    add_consent = _waiting(AvatarKit.add_consent)
    consents = _waiting(AvatarKit.consents)
    erasure = _waiting(AvatarKit.erasure)
    delete_evidence = _waiting(AvatarKit.delete_evidence)
    erase = _waiting(AvatarKit.erase)
    resolve = _waiting(AvatarKit.resolve)
    samples = _waiting(AvatarKit.samples)
    delete_sample = _waiting(AvatarKit.delete_sample)
    page = _waiting(AvatarKit.page)
    estimate = _waiting(AvatarKit.estimate)
