"""Amounts of money, and whether a quote is within one."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import TYPE_CHECKING

from ..errors import BudgetExceeded, ConfigError

if TYPE_CHECKING:
    from .quotes import Quote

__all__ = ["USD", "Money", "require_within", "shown"]

CURRENCY = "USD"


@dataclass(frozen=True, slots=True)
class Money:
    """An amount that is not negative, in a currency by its three letters."""

    amount: Decimal
    currency: str = CURRENCY

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


def USD(amount: str | int | Decimal) -> Money:  # noqa: N802 - reads as the currency
    """So many US dollars; from a text, since a float is not the amount that was written."""
    value = Decimal("NaN")
    if not isinstance(amount, bool | float):
        with contextlib.suppress(TypeError, ValueError, InvalidOperation):
            value = Decimal(amount)
    if not value.is_finite() or value < 0:
        raise ConfigError(f'{amount!r} is no amount of dollars: write USD("2.00")')
    return Money(value)


def shown(amount: Decimal) -> str:
    """Dollars as people read them: to the cent, and smaller sums to a hundredth of one."""
    step = Decimal("0.01") if amount == 0 or abs(amount) >= Decimal("0.1") else Decimal("0.0001")
    return f"${amount.quantize(step, ROUND_HALF_UP):,}"


def require_within(quote: Quote, max_cost: Money, *, allow_unknown: bool = False) -> None:
    """Raise unless what the quote's work uses up can stay within ``max_cost``.

    Compared is ``low.used``: what the work is charged at least, with its part of what plans
    include. ``ConfigError`` where the currencies differ, ``BudgetExceeded`` where the least that is
    known is more, or a part is unknown and ``allow_unknown`` does not say that this is acceptable.
    """
    if max_cost.currency != CURRENCY:
        raise ConfigError(
            f"max_cost is in {max_cost.currency}, and prices are known in {CURRENCY} only: "
            f'give USD("..."); what a {max_cost.currency} is worth today is not looked up'
        )
    least = quote.low
    if least.used > max_cost.amount:
        raise BudgetExceeded(
            f"{quote.stack} would cost at least {shown(least.used)}, which is "
            f"{shown(least.used - max_cost.amount)} more than max_cost {shown(max_cost.amount)}. "
            "Nothing was sent."
        )
    if least.unknown and not allow_unknown:
        raise BudgetExceeded(
            f"{quote.stack}: {least.unknown[0]}, so it may cost more than max_cost "
            f"{shown(max_cost.amount)}. Give the price in a file of your own, or allow unknown "
            "prices. Nothing was sent."
        )
