"""Costs: the charge that a vendor reported for each call, beside the quote before it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType

from ..interfaces import dollars
from ..records import LedgerEntry, OperationKey, OperationState, Record
from .budgets import asked, millionths, priced
from .quotes import Choice, Estimate, Usage
from .rows import Prices

#: Unit in a vendor's report -> usage of one voice, avatar, speech, video or dub.
_SAID: Mapping[str, Callable[[Decimal], Usage]] = MappingProxyType(
    {
        "character": lambda amount: Usage(count=1, characters=amount),
        "credit": lambda amount: Usage(count=1, credits=amount),
        "second": lambda amount: Usage(count=1, seconds=amount),
    }
)
_AMOUNT = re.compile(r"([0-9]+(?:\.[0-9]+)?) (character|credit|second)s?")


@dataclass(frozen=True, slots=True)
class Cost:
    """One accepted call of the ledger; compare the ``used`` of both estimates."""

    entry: LedgerEntry
    recorded: Estimate | None  #: of the vendor's report; None without one
    quoted: Estimate | None  #: of the order; None if its length was unknown


def usage_of(text: str | None) -> Usage | None:
    """Parse a vendor's report such as "312 characters"; None for another unit."""
    found = _AMOUNT.fullmatch(text or "")
    return found and _SAID[found[2]](Decimal(found[1]))


def cost(
    entry: LedgerEntry,
    record: Record | None,
    prices: Prices,
    choose: Choice = MappingProxyType({}),
) -> Cost:
    """Price an entry twice: by the vendor's report, and by the order.

    The quote of the order is stored in the entry; without one, the order is quoted again.
    """
    entry = _completed(entry, record)
    return Cost(
        entry=entry,
        recorded=_expected(entry, usage_of(entry.cost), prices, choose),
        quoted=_quoted(entry, record, prices, choose),
    )


def _completed(entry: LedgerEntry, record: Record | None) -> LedgerEntry:
    """The entry with the cost that the vendor reported later, when the job was polled."""
    job = entry.provider, entry.operation, entry.job_id
    for state in record.every_operation if record and not entry.cost else ():
        if (state.provider, state.operation, state.job.id) == job:
            return entry.model_copy(update={"cost": state.job.cost})
    return entry


def _quoted(
    entry: LedgerEntry, record: Record | None, prices: Prices, choose: Choice
) -> Estimate | None:
    if entry.quoted is not None:
        return Estimate(used=dollars(entry.quoted))
    return _expected(entry, asked(_place(entry, record), record), prices, choose)


def _place(entry: LedgerEntry, record: Record | None) -> OperationKey:
    """Place in the record of the operation that was paid."""
    for state in record.every_operation if record else ():
        if (state.provider, state.operation, state.job.id) == (
            entry.provider,
            entry.operation,
            entry.job_id,
        ):
            return state.key
    return entry.operation, 0


def _expected(
    entry: LedgerEntry, usage: Usage | None, prices: Prices, choose: Choice
) -> Estimate | None:
    if usage is None:
        return None
    return priced(entry.provider, entry.operation, usage, prices, choose)[0]


def charged(state: OperationState, prices: Prices) -> int | None:
    """The cost that the vendor reported for an operation, in micro-dollars, by the price rows."""
    usage = usage_of(state.job.cost) if state.terms.billable else None
    if usage is None:
        return None
    found = priced(state.provider, state.operation, usage, prices)[0]
    return None if found.unknown else millionths(found.used)
