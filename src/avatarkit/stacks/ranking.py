"""Ranking: the order in which stacks that can do the same work are tried.

``lifecycle`` moves a record to the next stack after a refusal.
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
from .candidate import Candidate
from .provider_pool import ProviderPool
from .registry import Stack

log = get_logger(__name__)
T = TypeVar("T")

#: One stack by its name or as a mapping, or several that can do the same.
Stacks = str | Mapping[Operation, str] | Sequence[str | Mapping[Operation, str]]

#: Errors that skip a stack before anything is sent; any other error is raised to the caller.
LEFT_OUT = (
    errors.ConfigError,
    errors.ConsentRequired,
    errors.MediaRejected,
    errors.ServiceDiscontinued,
    errors.Unsupported,
)


@dataclass(frozen=True, slots=True)
class Offer:
    """A stack with its price for a training and a minute of video, and its duration."""

    stack: Stack
    quote: Quote
    seconds: float | None  #: duration of a training; None: unknown
    basis: Literal["measured", "typical"] | None  #: of ``seconds``, see ``Duration``

    @property
    def name(self) -> str:
        """The stack's name."""
        return self.stack.name

    @property
    def roles(self) -> Mapping[Operation, str]:
        """Provider of each operation."""
        return self.stack.roles

    @property
    def price(self) -> Decimal | None:
        """Expected US dollars; None if unknown, which is not zero."""
        return self.quote.expected.total


def offer(
    stack: Stack, quote: Quote, took: float | None, class_of: Callable[[str], type[Provider]]
) -> Offer:
    """Make an offer; ``took``: measured seconds of a training, else the typical ones are used."""
    if took is not None:
        return Offer(stack, quote, took, "measured")
    trained = [(o, n) for o, n in stack.roles.items() if o in (Operation.VOICE, Operation.AVATAR)]
    usual = [class_of(name).capabilities.typical.get(operation) for operation, name in trained]
    known = [seconds for seconds in usual if seconds is not None]
    whole = bool(known) and len(known) == len(usual)
    return Offer(stack, quote, sum(known) if whole else None, "typical" if whole else None)


#: Preference: "best" keeps the caller's order; a function gets the offers and returns those to try,
#: in order.
Choose = Literal["best", "cheapest", "fastest"] | Callable[[Sequence[Offer]], Iterable[Offer]]

_KEYS: Mapping[str, Callable[[Offer], Decimal | float | None]] = {
    "best": lambda _offer: None,
    "cheapest": lambda offer: offer.price,
    "fastest": lambda offer: offer.seconds,
}


def ordered(offers: Sequence[Offer], choose: Choose) -> list[Offer]:
    """Sort offers by preference; ties keep the caller's order, unknown values come last.

    Raises ``ConfigError`` for an unknown word, or for a function that returns anything else than
    some of its offers.
    """
    if callable(choose):
        chosen = list(choose(tuple(offers)))
        if not chosen or any(offer not in offers for offer in chosen):
            raise errors.ConfigError("choose= must return some of the offers that it was given")
        return chosen
    if choose not in list(_KEYS):  # compared by value: an argument of any type may be given
        raise errors.ConfigError(f"choose must be {', '.join(_KEYS)}, or a function")
    key = _KEYS[choose]
    known = [(key(offer), offer) for offer in offers]
    first = sorted((p for p in known if p[0] is not None), key=lambda p: p[0] or 0)
    return [offer for _, offer in (*first, *(p for p in known if p[0] is None))]


class StackSelector:
    """Resolves the ``stack=`` of a call to candidates, in the order in which they are tried."""

    def __init__(self, pool: ProviderPool, default: Stacks, choose: Choose) -> None:
        if not callable(choose):
            ordered((), choose)  # raises for an unknown word at once
        self._pool = pool
        self._default = default
        self._choose: Choose = choose
        self._known: dict[object, Candidate] = {}

    def asked(self, stack: Stacks | None) -> list[Candidate]:
        """The stacks that the caller named, else the default ones, in the caller's order."""
        asked = stack or self._default
        found: list[Candidate] = []
        for one in [asked] if isinstance(asked, str | Mapping) else asked:
            key = one if isinstance(one, str) else tuple(one.items())
            if key not in self._known:
                self._known[key] = Candidate(self._pool.stack(one), self._pool)
            found.append(self._known[key])
        return found

    def ranked(
        self, stack: Stacks | None, took: Mapping[str, float] = MappingProxyType({})
    ) -> list[Candidate]:
        """The candidates by preference; ``took``: measured seconds of a training by stack name."""
        found = self.asked(stack)
        if len(found) == 1:
            return found
        by_stack = {id(one.stack): one for one in found}
        offers = [self._offer(one, took.get(one.name)) for one in found]
        return [by_stack[id(offer.stack)] for offer in ordered(offers, self._choose)]

    def first(self, stack: Stacks | None) -> Candidate:
        """The preferred candidate, without measured durations."""
        return self.ranked(stack)[0]

    def offers(self, stack: Stacks | None, took: Mapping[str, float]) -> list[Offer]:
        """The offers of the stacks that can be used here, by preference."""
        offers = [self._offer(one, took.get(one.name)) for one in self.asked(stack)]
        ready = [offer for offer in offers if self._pool.missing(offer.roles) is None]
        return ordered(ready, self._choose) if ready else []

    def forget(self) -> None:
        """Drop all candidates; their providers are closed."""
        self._known.clear()

    def _offer(self, candidate: Candidate, took: float | None) -> Offer:
        quoted = quote(candidate, prices=candidate.prices)
        return offer(candidate.stack, quoted, took, self._pool.class_of)


async def fitting(
    candidates: Sequence[Candidate], fit: Callable[[Candidate], Awaitable[T]]
) -> list[T]:
    """The results of ``fit`` for the candidates that it does not refuse, see ``LEFT_OUT``.

    If it refuses all, raises the first one's error with the reasons of all.
    """
    found: list[T] = []
    refusals: list[tuple[str, Exception]] = []
    for candidate in candidates:
        try:
            found.append(await fit(candidate))
        except LEFT_OUT as error:
            refusals.append((candidate.name, error))
    if not found:
        first = refusals[0][1]
        if len(refusals) == 1:
            raise first
        raise type(first)("; ".join(f"{name}: {why}" for name, why in refusals))
    for name, why in refusals:
        log.info("stack.skipped", stack=name, error=type(why).__name__)
    return found
