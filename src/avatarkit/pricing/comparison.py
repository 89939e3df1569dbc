"""Comparison: stacks side by side for a month's work, and the volumes at which the order turns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import combinations, pairwise
from types import MappingProxyType
from typing import TypeVar

from ..models import Operation
from .quotes import (
    Choice,
    Estimate,
    Part,
    Quote,
    Scenario,
    Stacked,
    Workload,
    accounts,
    part,
    quoted,
    require_stack,
)
from .rows import Price, Prices

Label = TypeVar("Label", bound=str | None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One stack of a comparison."""

    stack: Stacked
    quote: Quote
    latencies: tuple[Price, ...]  #: rows with a published latency

    def per(self, count: int | Decimal) -> Estimate:
        """The monthly total, plans included, over so many avatars or minutes."""
        whole = self.quote.expected
        return replace(
            whole, plans=whole.plans / count, charges=whole.charges / count, used=whole.used / count
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanChange:
    """From ``videos`` a month on, another plan of a provider is the cheapest."""

    provider: str
    videos: int
    minutes: Decimal
    was: str
    now: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakEven:
    """From ``videos`` a month on, the stack ``now`` costs less than ``was``."""

    was: str
    now: str
    videos: int
    minutes: Decimal
    trainings: int
    of_known: bool  #: something is unknown in one of them, and not compared


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Every stack that can do the work: complete sums first, each group from the cheapest on."""

    workload: Workload
    rows: tuple[Compared, ...]
    left_out: Mapping[str, str]  #: stack -> why it cannot do it, or cannot be compared
    discontinued: Mapping[str, date]  #: provider -> since when there is no such service
    plan_changes: tuple[PlanChange, ...]
    break_evens: tuple[BreakEven, ...]


def compare(
    stacks: Iterable[Stacked],
    workload: Workload,
    prices: Prices | None = None,
    choose: Choice = MappingProxyType({}),
) -> Comparison:
    """Quote the work on every stack that can do it.

    Raises ``ConfigError`` where no row has a plan or variant that is chosen.
    """
    prices = Prices.load() if prices is None else prices
    given = list(stacks)
    for stack in given:
        require_stack(stack)
    left_out = {s.name: why for s in given if (why := _objection(s, workload, prices))}
    quotes = [(s, quoted(s, workload, prices, choose)) for s in given if s.name not in left_out]
    quotes.sort(key=lambda pair: (len(pair[1].unknown), pair[1].expected.known, pair[0].name))
    rows = [
        Compared(stack=stack, quote=found, latencies=_latencies(stack, workload, prices))
        for stack, found in quotes
    ]
    found_curves = curves([row.stack for row in rows], workload, prices, choose)
    return Comparison(
        workload=workload,
        rows=tuple(rows),
        left_out=left_out,
        discontinued=prices.discontinued(),
        plan_changes=tuple(_plan_changes(found_curves)),
        break_evens=tuple(_break_evens(found_curves)),
    )


def _objection(stack: Stacked, workload: Workload, prices: Prices) -> str | None:
    """The reason why a stack is left out; None if it is compared."""
    needed = {
        Operation.VIDEO: ("makes no videos of avatars", workload.videos),
        Operation.AVATAR: ("trains no avatars: they are made by hand", workload.trainings),
        Operation.VOICE: ("clones no voices", workload.trainings),
    }
    for operation, (objection, count) in needed.items():
        if count and operation not in stack.roles:
            return objection
    closed = prices.discontinued()
    for name in dict.fromkeys(stack.roles.values()):
        if name in closed:
            return f"{name} closed on {closed[name]}"
        if not prices.knows(name):
            return f"no price of {name} is known"
    return None


def _latencies(stack: Stacked, workload: Workload, prices: Prices) -> tuple[Price, ...]:
    work = accounts(stack.roles, workload, Scenario.EXPECTED)
    return tuple(
        price
        for name, own in work.items()
        for operation in own
        for price in prices.of(name, operation)
        if price.latency
    )


class Curve:
    """Cost of a stack by number of videos a month, in the workload's mixture."""

    def __init__(
        self, stack: Stacked, workload: Workload, part_at: Callable[[str, str, int], Part]
    ) -> None:
        self.stack = stack
        self.workload = workload
        self._part_at = part_at
        self._known: dict[int, tuple[Estimate, bool]] = {}
        work = accounts(stack.roles, workload, Scenario.EXPECTED)
        #: account and what it charges for, as one word each
        self.keys = tuple((name, " ".join(own)) for name, own in work.items())

    def parts(self, videos: int) -> Iterator[Part]:
        """Each provider's part."""
        return (self._part_at(name, operations, videos) for name, operations in self.keys)

    def at(self, videos: int) -> Estimate:
        """The cost of ``videos`` videos."""
        return self._at(videos)[0]

    def fits(self, videos: int) -> bool:
        """True if a known plan is large enough."""
        return self._at(videos)[1]

    def _at(self, videos: int) -> tuple[Estimate, bool]:
        if videos not in self._known:
            found = list(self.parts(videos))
            fits = not any(line.beyond_all for part in found for line in part.lines)
            self._known[videos] = sum((part.estimate for part in found), Estimate()), fits
        return self._known[videos]

    def minutes(self, videos: int) -> Decimal:
        """The minutes of so many videos."""
        return self.workload.scaled(videos).minutes


def curves(
    stacks: Iterable[Stacked],
    workload: Workload,
    prices: Prices,
    choose: Choice = MappingProxyType({}),
) -> list[Curve]:
    """The curves of all stacks; what two of them share is computed once."""
    known: dict[tuple[str, str, int], Part] = {}

    def part_at(name: str, operations: str, videos: int) -> Part:
        key = (name, operations, videos)
        if key not in known:
            roles = {o: name for o in Operation if o in operations.split()}
            work = accounts(roles, workload.scaled(videos), Scenario.EXPECTED, apart=True)
            known[key] = part(prices, name, work[name], choose)
        return known[key]

    return [Curve(stack, workload, part_at) for stack in stacks]


def volumes(workload: Workload) -> list[int]:
    """The numbers of videos a month that are looked at, a seventh apart: up to ten times as many.

    What turns and turns back between two of them is not seen.
    """
    last = 10 * max(workload.videos or workload.trainings, 100)
    found = [1]
    while found[-1] < last:
        found.append(min(max(found[-1] + 1, found[-1] * 8 // 7), last))
    return found


def _turns(
    grid: Sequence[int], label: Callable[[int], Label]
) -> Iterator[tuple[Label, Label, int]]:
    """Find the numbers at which the label changes: (before, after, first number of after)."""
    for low, high in pairwise(grid):
        start = low
        while label(start) != label(high):
            before, after = start, high
            while after - before > 1:
                middle = (before + after) // 2
                if label(middle) == label(start):
                    before = middle
                else:
                    after = middle
            yield label(start), label(after), after
            start = after


def _plan_changes(found: Sequence[Curve]) -> Iterator[PlanChange]:
    """Each provider's changes; the same change of several stacks is one."""
    seen: dict[PlanChange, None] = {}
    looked_at: set[tuple[str, str]] = set()
    for curve in found:
        for index, key in enumerate(curve.keys):
            if key in looked_at:
                continue
            looked_at.add(key)

            def plans(videos: int, curve: Curve = curve, index: int = index) -> str:
                return _plans(list(curve.parts(videos))[index])

            for was, now, videos in _turns(volumes(curve.workload), plans):
                minutes = curve.minutes(videos)
                change = PlanChange(
                    provider=key[0], videos=videos, minutes=minutes, was=was, now=now
                )
                seen.setdefault(change)
    yield from seen


def _plans(found: Part) -> str:
    if any(line.beyond_all for line in found.lines):
        return "no known plan"
    return " + ".join(line.price.plan for line in found.lines if line.price)


def _break_evens(found: Sequence[Curve]) -> Iterator[BreakEven]:
    """Find the volumes from which one stack is cheaper than another, if both have known plans."""
    for one, other in combinations(found, 2):

        def cheaper(videos: int, one: Curve = one, other: Curve = other) -> str | None:
            if not (one.fits(videos) and other.fits(videos)):
                return None
            known = one.at(videos).known, other.at(videos).known
            return None if known[0] == known[1] else (one, other)[known[0] > known[1]].stack.name

        grid = volumes(one.workload)
        last = cheaper(grid[0])
        for _, now, videos in _turns(grid, cheaper):
            if now is None:
                continue
            if last is not None and last != now:
                yield BreakEven(
                    was=last,
                    now=now,
                    videos=videos,
                    minutes=one.minutes(videos),
                    trainings=one.workload.scaled(videos).trainings,
                    of_known=bool(one.at(videos).unknown or other.at(videos).unknown),
                )
            last = now
