"""Budgets: what a record is expected to cost when it is ordered, and whether there is room for it.

What is expected stands in the record, and what records hold is added up by the repository that
they are created in: here nothing is counted and nothing is kept.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_CEILING, Decimal
from typing import Literal, TypeVar

from ..errors import BudgetExceeded, ConfigError
from ..interfaces import MILLIONTHS, Cap, Held, dollars
from ..records import Alternative, OperationState, Phase, Record
from .costs import asked, priced, usage_of
from .money import Money, checked, money, require
from .quotes import Scenario
from .rows import Prices

__all__ = [
    "Budget",
    "BudgetUse",
    "Ordered",
    "bounded",
    "budgets_from",
    "charged",
    "month",
    "ordered",
]

R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True)
class Budget:
    """So many US dollars in each calendar month (UTC), of the project or of each of its users.

    The project is everything in one repository. Raises ``ConfigError`` for an amount that is not
    positive, or not in dollars.
    """

    amount: Money
    per: Literal["project", "user"] = "project"
    #: providers whose prices need not be known; what is not known of them counts as nothing
    allow_unknown: Collection[str] = ()

    def __post_init__(self) -> None:
        amount = checked(self.amount, "a budget")
        if not amount > 0:
            raise ConfigError(f"a budget must be more than 0, and is {self.amount}")
        if self.per not in ("project", "user"):
            raise ConfigError(f'a budget is per "project" or per "user", not per {self.per!r}')
        _require_names(self.allow_unknown)

    def cap(self, at: float, user_id: str) -> Cap:
        """What the repository is to keep to for a record of this user that is made ``at``."""
        since, until = month(at)
        return Cap(
            name=f"the {self.per}'s budget for {_moment(at):%Y-%m}",
            amount=_millionths(self.amount.amount),
            since=since,
            until=until,
            user_id=None if self.per == "project" else user_id,
        )


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """A budget, and what of it is held in a month; in US dollars."""

    budget: Budget
    month: str  #: such as 2026-11
    spent: Decimal  #: for what vendors have accepted
    reserved: Decimal  #: for what is still to be sent, or of unknown fate

    @property
    def left(self) -> Decimal:
        """What may still be ordered; below zero where more was charged than was expected."""
        return self.budget.amount.amount - self.spent - self.reserved

    @classmethod
    def of(cls, budget: Budget, at: float, held: Held) -> BudgetUse:
        """The use of a budget in the month of ``at``."""
        spent, reserved = dollars(held.spent), dollars(held.reserved)
        return cls(budget, f"{_moment(at):%Y-%m}", spent, reserved)


def budgets_from(environ: Mapping[str, str]) -> tuple[Budget, ...]:
    """The budgets of AVATARKIT_BUDGET and AVATARKIT_USER_BUDGET, each such as "200" or "200 USD".

    AVATARKIT_BUDGET_ALLOWS names providers of unknown price, separated by commas.
    """
    allowed = environ.get("AVATARKIT_BUDGET_ALLOWS", "").split(",")
    names = tuple(name.strip() for name in allowed if name.strip())
    said: tuple[tuple[str, Literal["project", "user"]], ...] = (
        ("AVATARKIT_BUDGET", "project"),
        ("AVATARKIT_USER_BUDGET", "user"),
    )
    return tuple(Budget(money(environ[v]), per, names) for v, per in said if v in environ)


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def month(at: float) -> tuple[float, float]:
    """When the calendar month of ``at`` begins and when it is over, by UTC."""
    first = _moment(at).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    over = (
        first.replace(year=first.year + 1, month=1)
        if first.month == 12
        else first.replace(month=first.month + 1)
    )
    return first.timestamp(), over.timestamp()


@dataclass(frozen=True, slots=True)
class Ordered:
    """What a record is to cost, as far as it is known."""

    least: Decimal
    expected: Decimal
    unknown: Mapping[str, str]  #: provider -> what is not known about it


def ordered(record: R, prices: Prices) -> tuple[R, Ordered]:
    """The record with a quote for each operation that is still to be paid, and their sum."""
    least, expected, unknown = Decimal(0), Decimal(0), {}
    operations = []
    for state in record.operations:
        if state.phase is Phase.NONE:
            low, quote, problem = _quoted(state, record, prices)
            least, expected = least + low, expected + (quote or 0)
            if problem:
                unknown[state.provider] = problem
            quoted = None if quote is None else _millionths(quote)
            state = state.model_copy(update={"quoted": quoted})  # noqa: PLW2901
        operations.append(state)
    record = record.model_copy(update={"operations": tuple(operations)})
    return record, Ordered(least, expected, unknown)


def _quoted(
    state: OperationState, record: Record, prices: Prices
) -> tuple[Decimal, Decimal | None, str]:
    """The least that an operation costs, what it is expected to, and what is not known."""
    if not state.billable:
        return Decimal(0), Decimal(0), ""
    provider, operation = state.provider, state.operation
    low = asked(operation, provider, record, Scenario.LOW)
    usual = asked(operation, provider, record, Scenario.EXPECTED)
    if low is None or usual is None:
        return Decimal(0), None, f"how long the recording for {provider} is, is not known"
    variants = priced(provider, operation, low, prices)
    least = min((one.used for one in variants if not one.unknown), default=Decimal(0))
    first = priced(provider, operation, usual, prices)[0]
    return (least, None, first.unknown[0]) if first.unknown else (least, first.used, "")


def bounded(
    record: R,
    prices: Prices,
    budgets: Iterable[Budget],
    *,
    max_cost: Money | None = None,
    allow_unknown: Collection[str] = (),
) -> tuple[R, list[Cap]]:
    """The record with its quotes, and what the repository is to keep to where it creates it.

    Of several stacks, those that may not be asked are left out. Raises ``BudgetExceeded`` where it
    is expected to cost more than ``max_cost``, or where a price is not known and neither
    ``allow_unknown`` nor the budget names the provider; ``ConfigError`` for a ``max_cost`` that is
    no amount of dollars.
    """
    _require_names(allow_unknown)
    kept, refusals = [], []
    for stack in (record, *(record.model_copy(update=dict(a)) for a in record.alternatives)):
        quoted, found = ordered(stack, prices)
        try:
            if max_cost is not None:
                _require_known(found, None, allow_unknown)
                require(stack.stack, found.least, found.expected, max_cost)
            for budget in budgets:
                _require_known(found, budget, {*allow_unknown, *budget.allow_unknown})
        except BudgetExceeded as refusal:
            refusals.append(refusal)
        else:
            kept.append(quoted)
    if not kept:
        raise refusals[0]
    first, *others = kept
    alternatives = tuple(
        Alternative(**{name: getattr(other, name) for name in Alternative.model_fields})
        for other in others
    )
    first = first.model_copy(update={"alternatives": alternatives})
    return first, [budget.cap(record.created_at, record.user_id) for budget in budgets]


def _require_names(allow_unknown: Collection[str]) -> None:
    if isinstance(allow_unknown, str):
        raise ConfigError(f"allow_unknown is a list of providers: give [{allow_unknown!r}]")


def _require_known(found: Ordered, budget: Budget | None, allowed: Collection[str]) -> None:
    """Raise where a price is not known under a budget, or under ``max_cost``."""
    name = f"the {budget.per}'s budget" if budget else None
    for provider, problem in found.unknown.items():
        if provider not in allowed:
            raise BudgetExceeded(
                f"{problem}, so it may be more than {name or 'max_cost'} allows. Give its price in "
                f"a file of your own (AVATARKIT_PRICES), or allow {provider!r} by name "
                "(allow_unknown). Nothing was sent.",
                budget=name,
            )


def charged(state: OperationState, prices: Prices) -> int | None:
    """Millionths of a dollar that the vendor's own word about an operation makes by the rows."""
    usage = usage_of(state.cost) if state.billable else None
    if usage is None:
        return None
    found = priced(state.provider, state.operation, usage, prices)[0]
    return None if found.unknown else _millionths(found.used)


def _millionths(amount: Decimal) -> int:
    return int((amount * MILLIONTHS).to_integral_value(ROUND_CEILING))
