"""Between stacks that can do the same: which of them are asked, and in which order.

What happens when one refuses is in ``states``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Literal, TypeVar

from .. import errors
from .._log import get_logger
from ..interfaces import Provider
from ..models import Operation
from ..pricing import Quote, quote
from .provider_pool import ProviderPool
from .registry import Stack

log = get_logger(__name__)
T = TypeVar("T")

#: One stack by its name or as a mapping, or several that can do the same.
Stacks = str | Mapping[Operation, str] | Sequence[str | Mapping[Operation, str]]

#: What keeps a stack from a job, before anything is sent. Whatever else is raised is no verdict on
#: the stack.
LEFT_OUT = (
    errors.ConfigError,
    errors.ConsentRequired,
    errors.MediaRejected,
    errors.ServiceDiscontinued,
    errors.Unsupported,
)


@dataclass(frozen=True, slots=True)
class Offer:
    """A stack that could be asked: what a training and a video of a minute cost, and how long."""

    stack: Stack
    quote: Quote
    seconds: float | None  #: that a training takes; None: unknown
    basis: Literal["measured", "typical"] | None  #: of ``seconds``, see ``Duration``

    @property
    def name(self) -> str:
        """The stack's name."""
        return self.stack.name

    @property
    def roles(self) -> Mapping[Operation, str]:
        """Which provider does what."""
        return self.stack.roles

    @property
    def price(self) -> Decimal | None:
        """US dollars expected; None: unknown, which is not zero."""
        return self.quote.expected.total


def offer(
    stack: Stack, quote: Quote, took: float | None, class_of: Callable[[str], type[Provider]]
) -> Offer:
    """What a stack offers; ``took`` is what was measured, else what its providers usually take."""
    if took is not None:
        return Offer(stack, quote, took, "measured")
    trained = [(o, n) for o, n in stack.roles.items() if o in (Operation.VOICE, Operation.AVATAR)]
    usual = [class_of(name).capabilities.typical.get(operation) for operation, name in trained]
    known = [seconds for seconds in usual if seconds is not None]
    whole = bool(known) and len(known) == len(usual)
    return Offer(stack, quote, sum(known) if whole else None, "typical" if whole else None)


#: The order in which stacks are asked: "best" is the caller's own; a function is given the offers
#: and returns those that are to be asked, the first one first.
Choose = Literal["best", "cheapest", "fastest"] | Callable[[Sequence[Offer]], Iterable[Offer]]

_KEYS: Mapping[str, Callable[[Offer], Decimal | float | None]] = {
    "best": lambda _offer: None,
    "cheapest": lambda offer: offer.price,
    "fastest": lambda offer: offer.seconds,
}


def ordered(offers: Sequence[Offer], choose: Choose) -> list[Offer]:
    """The offers in the order in which they are asked; where two are equal, in the caller's.

    What is unknown comes last. Raises ``ConfigError`` for an unknown word, or a function that
    returns what it was not given.
    """
    if callable(choose):
        chosen = list(choose(tuple(offers)))
        if not chosen or any(offer not in offers for offer in chosen):
            raise errors.ConfigError("choose= must return some of the offers that it was given")
        return chosen
    if choose not in _KEYS:
        raise errors.ConfigError(f"choose={choose!r}: use {', '.join(_KEYS)}, or a function")
    key = _KEYS[choose]
    known = [(key(offer), offer) for offer in offers]
    first = sorted((p for p in known if p[0] is not None), key=lambda p: p[0] or 0)
    return [offer for _, offer in (*first, *(p for p in known if p[0] is None))]


class StackSelector:
    """Resolves the ``stack=`` of a call to stacks, in the order in which they are tried."""

    def __init__(self, pool: ProviderPool, default: Stacks, choose: Choose) -> None:
        if not callable(choose):
            ordered((), choose)  # raises for an unknown word at once
        self._pool = pool
        self._default = default
        self._choose = choose

    def asked(self, stack: Stacks | None) -> list[Stack]:
        """The stacks that the caller named, else the default ones, in the caller's order."""
        asked = stack or self._default
        several = [asked] if isinstance(asked, str | Mapping) else asked
        return [self._pool.stack(one) for one in several]

    def ranked(
        self, stack: Stacks | None, took: Mapping[str, float] = MappingProxyType({})
    ) -> list[Stack]:
        """The stacks by preference; ``took`` holds measured seconds of a training by stack name."""
        found = self.asked(stack)
        if len(found) == 1:
            return found
        offers = [self._offer(one, took.get(one.name)) for one in found]
        return [offer.stack for offer in ordered(offers, self._choose)]

    def first(self, stack: Stacks | None) -> Stack:
        """The preferred stack, without measured durations."""
        return self.ranked(stack)[0]

    def offers(self, stack: Stacks | None, took: Mapping[str, float]) -> list[Offer]:
        """The offers of the stacks that can be used here, by preference."""
        offers = [self._offer(one, took.get(one.name)) for one in self.asked(stack)]
        ready = [offer for offer in offers if self._pool.missing(offer.roles) is None]
        return ordered(ready, self._choose) if ready else []

    def _offer(self, stack: Stack, took: float | None) -> Offer:
        quoted = quote(stack, prices=self._pool.prices(stack.roles.values()))
        return offer(stack, quoted, took, self._pool.class_of)


async def fitting(stacks: Sequence[Stack], fit: Callable[[Stack], Awaitable[T]]) -> list[T]:
    """What ``fit`` makes of each stack that it finds nothing against, see ``LEFT_OUT``.

    Where that is none, raises as for the first stack, with the reasons of all.
    """
    found: list[T] = []
    refusals: list[tuple[str, Exception]] = []
    for stack in stacks:
        try:
            found.append(await fit(stack))
        except LEFT_OUT as error:
            refusals.append((stack.name, error))
    if not found:
        first = refusals[0][1]
        if len(refusals) == 1:
            raise first
        raise type(first)("; ".join(f"{name}: {why}" for name, why in refusals))
    for name, why in refusals:
        log.info("stack.skipped", stack=name, error=type(why).__name__)
    return found
