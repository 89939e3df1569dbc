"""Amounts of money, and whether what is expected is within one."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from ..errors import BudgetExceeded, ConfigError
from ..interfaces import to_the_cent

CURRENCY = "USD"
#: Largest amount, in dollars; a database holds it as a 64-bit number of millionths.
_MOST = 10**12


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
    if not value.is_finite() or not 0 <= value <= _MOST:
        raise ConfigError(f'{_told(amount)} is no amount of dollars: write USD("2.00")')
    return Money(to_the_cent(value))


def _told(given: object) -> str:
    try:
        return repr(given)[:80]
    except ValueError:  # Python writes no whole number of more than 4,300 digits
        return "a number of thousands of digits"


def shown(amount: Decimal) -> str:
    """Dollars as people read them: to the cent, and smaller sums to a hundredth of one."""
    step = Decimal("0.01") if amount == 0 or abs(amount) >= Decimal("0.1") else Decimal("0.0001")
    return exactly(amount.quantize(step, ROUND_HALF_UP))


def exactly(amount: Decimal) -> str:
    """A price as people read it: to the cent at least, and never rounded."""
    exponent = amount.normalize().as_tuple().exponent
    return f"${amount:,.{max(2, -int(exponent))}f}"


def money(text: str) -> Money:
    """An amount as it is written in the environment and in a shell: "2.00", or "2.00 USD"."""
    amount, _, currency = text.strip().partition(" ")
    try:
        return Money(USD(amount).amount, currency.strip().upper() or CURRENCY)
    except ConfigError:
        raise ConfigError(f'{text!r} is no amount of dollars: write "2.00" or "2.00 USD"') from None


def checked(given: object, what: str) -> Decimal:
    """The dollars of an amount; raises ``ConfigError`` for anything else."""
    if not isinstance(given, Money):
        raise ConfigError(
            f'{what} is {_told(given)}, which is no amount of dollars: give USD("2.00")'
        )
    if given.currency != CURRENCY:
        raise ConfigError(
            f"{what} is in {given.currency}, and prices are known in {CURRENCY} only: "
            f'give USD("..."); what a {given.currency} is worth today is not looked up'
        )
    return USD(given.amount).amount


def require(what: str, least: Decimal, expected: Decimal, max_cost: Money) -> None:
    """Raise ``BudgetExceeded`` where what is expected, or even the least, is over ``max_cost``."""
    most = checked(max_cost, "max_cost")
    for said, cost in (("would cost at least", least), ("is expected to cost", expected)):
        if cost > most:
            raise BudgetExceeded(
                f"{what} {said} {shown(cost)}, which is {shown(cost - most)} more than max_cost "
                f"{shown(most)}. Nothing was sent.",
                over=cost - most,
            )
