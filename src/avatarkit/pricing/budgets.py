"""Budgets: the expected cost of a record, and caps on the sum in a month.

The expected cost is stored in the record; the repository adds up all records when it creates one.
This module keeps no state.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Literal, TypeVar

from ..errors import BudgetExceeded, ConfigError
from ..interfaces import MILLIONTHS, Cap, Held, dollars
from ..models import Operation
from ..records import Attempt, OperationKey, OperationState, Phase, Record, Video
from .money import Money, checked, money, require
from .quotes import Choice, Estimate, Scenario, Usage, Workload, every_variant, usages, words
from .rows import Charged, Prices

_NOTHING = Usage(count=0)

R = TypeVar("R", bound=Record)


@dataclass(frozen=True, slots=True)
class Budget:
    """US dollars in each calendar month (UTC), for the project or for each of its users.

    The project is everything in one repository. Raises ``ConfigError`` for an amount that is not
    positive, or not in dollars.
    """

    amount: Money
    per: Literal["project", "user"] = "project"
    #: providers whose unknown prices count as zero
    allow_unknown: Collection[str] = ()

    def __post_init__(self) -> None:
        amount = checked(self.amount, "a budget")
        if not amount > 0:
            raise ConfigError(f"a budget must be more than 0, and is {self.amount}")
        if self.per not in ("project", "user"):
            raise ConfigError(f'a budget is per "project" or per "user", not per {self.per!r}')
        _require_names(self.allow_unknown)

    def cap(self, at: float, user_id: str) -> Cap:
        """The cap that the repository enforces for a record of this user that is created ``at``."""
        since, until = month(at)
        return Cap(
            name=f"the {self.per}'s budget for {_moment(at):%Y-%m}",
            amount=millionths(self.amount.amount),
            since=since,
            until=until,
            user_id=None if self.per == "project" else user_id,
        )


@dataclass(frozen=True, slots=True)
class BudgetUse:
    """A budget and its use in a month, in US dollars."""

    budget: Budget
    month: str  #: such as 2026-11
    spent: Decimal  #: for what vendors have accepted
    reserved: Decimal  #: for what is still to be sent, or of unknown fate

    @property
    def left(self) -> Decimal:
        """The rest of the budget; below zero if vendors charged more than expected."""
        return self.budget.amount.amount - self.spent - self.reserved

    @classmethod
    def of(cls, budget: Budget, at: float, held: Held) -> BudgetUse:
        """The use of a budget in the month of ``at``."""
        spent, reserved = dollars(held.spent), dollars(held.reserved)
        return cls(budget, f"{_moment(at):%Y-%m}", spent, reserved)


@dataclass(frozen=True, slots=True)
class Spending:
    """Expected cost of a month's records, in US dollars; unknown prices count as zero."""

    month: str  #: such as 2026-11
    spent: Decimal  #: for what vendors have accepted
    reserved: Decimal  #: for what is still to be sent, or of unknown fate

    @classmethod
    def of(cls, at: float, held: Held) -> Spending:
        """The sums of the month of ``at``."""
        return cls(f"{_moment(at):%Y-%m}", dollars(held.spent), dollars(held.reserved))


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
    return tuple(_named(environ, v, per, names) for v, per in said if v in environ)


def _named(
    environ: Mapping[str, str],
    variable: str,
    per: Literal["project", "user"],
    names: Collection[str],
) -> Budget:
    """Read the budget of a variable; errors name the variable."""
    try:
        return Budget(money(environ[variable]), per, names)
    except ConfigError as error:
        raise ConfigError(f"{variable}: {error}") from None


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def month(at: float) -> tuple[float, float]:
    """Start and end of the calendar month of ``at``, in UTC."""
    first = _moment(at).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    over = (
        first.replace(year=first.year + 1, month=1)
        if first.month == 12
        else first.replace(month=first.month + 1)
    )
    return first.timestamp(), over.timestamp()


@dataclass(frozen=True, slots=True)
class Ordered:
    """The known cost of a record."""

    least: Decimal
    expected: Decimal
    unknown: Mapping[str, str]  #: provider -> what is not known about it


def ordered(record: R, prices: Prices) -> tuple[R, Ordered]:
    """Attach a quote to each operation that is not paid yet; return the sums."""
    least, expected = Decimal(0), Decimal(0)
    unknown: dict[str, str] = {}
    operations: list[OperationState] = []
    for state in record.operations:
        if state.phase is Phase.NONE:
            low, quote, problem = _quoted(state, record, prices)
            least, expected = least + low, expected + (quote or 0)
            if problem:
                unknown[state.provider] = problem
            quoted = None if quote is None else millionths(quote)
            state = state.revised(call={"quoted": quoted})  # noqa: PLW2901
        operations.append(state)
    record = record.model_copy(update={"operations": tuple(operations)})
    return record, Ordered(least, expected, unknown)


def _quoted(
    state: OperationState, record: Record, prices: Prices
) -> tuple[Decimal, Decimal | None, str]:
    """The least and the expected cost of an operation, and what is unknown about it."""
    if not state.terms.billable:
        return Decimal(0), Decimal(0), ""
    low = asked(state.key, record, Scenario.LOW)
    usual = asked(state.key, record)
    if low is None or usual is None:
        each = Usage(count=1)  # a price for each does not depend on the length
        least, quote, problem = _price_of(state.provider, state.operation, each, each, prices)
        if not problem:
            return least, quote, ""
        problem = f"how long the recording for {state.provider} is, is not known"
        return Decimal(0), None, problem
    return _price_of(state.provider, state.operation, low, usual, prices)


@lru_cache(maxsize=256)
def _price_of(
    provider: str, operation: Operation, low: Usage, usual: Usage, prices: Prices
) -> tuple[Decimal, Decimal | None, str]:
    variants = priced(provider, operation, low, prices)
    least = min((one.used for one in variants if not one.unknown), default=Decimal(0))
    first = priced(provider, operation, usual, prices)[0]
    return (least, None, first.unknown[0]) if first.unknown else (least, first.used, "")


def asked(
    key: OperationKey, record: Record | None, scenario: Scenario = Scenario.EXPECTED
) -> Usage | None:
    """The usage that a record needs of an operation; None if its length is unknown."""
    operation = key[0]
    if operation in (Operation.VOICE, Operation.AVATAR):
        return Usage(count=1)
    workload = _workload(key, record)
    if workload is None:
        return None
    usage = usages({operation: ""}, workload, scenario, apart=True)[operation]
    if operation is Operation.DUB and record is not None:
        return replace(usage, settings=_chosen(record.options))
    return usage


def _chosen(options: Collection[Mapping[str, Any]]) -> frozenset[str]:
    """Options of a dub as price rows name them: "RaskLipSync", "mode=precision"."""
    types = {str(option["type"]) for option in options}
    return frozenset(types).union(*(words(option["values"]) for option in options))


def _workload(key: OperationKey, record: Record | None) -> Workload | None:
    if not isinstance(record, Video):
        return None
    operation, scene = key
    if operation is not Operation.DUB and record.script:
        script = record.text_of(scene)
        return Workload(trainings=0, videos=1, script=script, settings=record.settings)
    recording = record.source if operation is Operation.DUB else record.audio
    if recording is None or not recording.seconds:
        return None
    dubs = int(operation is Operation.DUB)
    seconds = Decimal(str(recording.seconds))
    return Workload(
        trainings=0, videos=1 - dubs, dubs=dubs, seconds=seconds, settings=record.settings
    )


def priced(
    provider: str,
    operation: Operation,
    usage: Usage,
    prices: Prices,
    choose: Choice = MappingProxyType({}),
) -> list[Estimate]:
    """The cost of a usage in each variant; the expected variant is the first."""
    # The voice is kept meanwhile, and with it the plan that it needs.
    work: dict[Charged, Usage] = {Operation.VOICE: _NOTHING, operation: usage}
    return [part.estimate for part in every_variant(prices, provider, work, choose)]


def bounded(
    record: R,
    prices: Mapping[str, Prices],
    budgets: Iterable[Budget],
    *,
    max_cost: Money | None = None,
    allow_unknown: Collection[str] = (),
) -> tuple[R, list[Cap]]:
    """Attach price quotes to the record, and return the caps to enforce when it is created.

    ``prices`` holds the price rows of each stack by its name. Of several stacks, those over a limit
    are left out. Raises ``BudgetExceeded`` if the record is expected to cost more than
    ``max_cost``, or if a price is not known and neither ``allow_unknown`` nor the budget names the
    provider; ``ConfigError`` if ``max_cost`` is not an amount of dollars.
    """
    _require_names(allow_unknown)
    kept: list[Attempt] = []
    refusals: list[BudgetExceeded] = []
    for attempt in record.planned:
        quoted, found = ordered(record.replanned([attempt]), prices[attempt.stack])
        try:
            if max_cost is not None:
                _require_known(found, None, allow_unknown)
                require(attempt.stack, found.least, found.expected, max_cost)
            for budget in budgets:
                _require_known(found, budget, {*allow_unknown, *budget.allow_unknown})
        except BudgetExceeded as refusal:
            refusals.append(refusal)
        else:
            kept.append(quoted.planned[0])
    if not kept:
        raise refusals[0]
    caps = [budget.cap(record.created_at, record.user_id) for budget in budgets]
    return record.replanned(kept), caps


def _require_names(allow_unknown: Collection[str]) -> None:
    if isinstance(allow_unknown, str):
        raise ConfigError(f"allow_unknown is a list of providers: give [{allow_unknown!r}]")


def _require_known(found: Ordered, budget: Budget | None, allowed: Collection[str]) -> None:
    """Raise ``BudgetExceeded`` for an unknown price under a budget, or under ``max_cost``."""
    name = f"the {budget.per}'s budget" if budget else None
    for provider, problem in found.unknown.items():
        if provider not in allowed:
            raise BudgetExceeded(
                f"{problem}, so it may be more than {name or 'max_cost'} allows. Give its price in "
                f"a file of your own (AVATARKIT_PRICES), or allow {provider!r} by name "
                "(allow_unknown). Nothing was sent.",
                budget=name,
            ).told_over_http(
                f"{problem}, so it may be more than max_cost allows. Leave max_cost out, or use "
                "another stack. Nothing was sent."
            )


def millionths(amount: Decimal) -> int:
    """Dollars as micro-dollars, rounded up."""
    return int((amount * MILLIONTHS).to_integral_value(ROUND_CEILING))
