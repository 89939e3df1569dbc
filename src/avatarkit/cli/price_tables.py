"""Tables and JSON of the price commands."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from ..interfaces import Balance
from ..json_views import BalanceView, CostsView, PriceView, QuoteView, number
from ..pricing import BudgetUse, Comparison, Cost, Estimate, Price, Quote
from ..pricing.comparison import BreakEven, Compared
from ..pricing.money import exactly, shown
from ..pricing.quotes import Line, amount
from .output import Output

#: Maximum number of stacks for which every break-even point is printed.
_FEW = 6


def _age(price: Price, today: date) -> str:
    return f"{price.as_of}, {price.age_on(today)}" if price.as_of else "undated"


# -- quote --------------------------------------------------------------------------------------


def show_quote(out: Output, found: Quote, today: date) -> None:
    """Print a quote, its subscriptions, unknown parts and assumptions."""
    out.table(
        QuoteView.of(found, today).json_object(),
        ("operation", "provider", "plan", "quantity", "US dollars", "price read"),
        [_line_cells(line, today) for line in found.lines],
    )
    for part in found.parts:
        if part.plan is not None:
            monthly = _monthly(part.plan)
            out.line(f"{part.provider}: subscription {part.plan.plan}, {monthly} a month")
    out.line(f"a month: low {found.low}, expected {found.expected}, high {found.high}")
    for what in found.unknown:
        out.line(f"unknown: {what}")
    for what in found.assumptions:
        out.line(f"assumed: {what}")


def _line_cells(line: Line, today: date) -> tuple[str, ...]:
    if line.price is None:
        return str(line.operation), line.provider, "-", "-", "unknown" if line.problem else "-", "-"
    quantity = amount(line.quantity, line.unit)
    cells = (str(line.operation), line.provider, line.price.plan, quantity, shown(line.charge))
    return (*cells, _age(line.price, today))


# -- compare ------------------------------------------------------------------------------------


def show_comparison(out: Output, found: Comparison, today: date) -> None:
    """Print a comparison of stacks, and remarks on it."""
    document = {
        "currency": "USD",
        "avatars": found.workload.trainings,
        "videos": found.workload.videos,
        "minutes": number(found.workload.minutes),
        "stacks": [_compared_json(row, found, today) for row in found.rows],
        "left_out": dict(found.left_out),
        "discontinued": {name: str(since) for name, since in found.discontinued.items()},
        "plan_changes": [_turn_json(one, provider=one.provider) for one in found.plan_changes],
        "break_evens": [
            _turn_json(one, trainings=one.trainings, of_known=one.of_known)
            for one in found.break_evens
        ],
    }
    headings = ("stack", "low", "expected", "high", "per avatar", "per minute", "plans")
    rows = [_compared_cells(row, found, today) for row in found.rows]
    out.table(document, (*headings, "oldest price"), rows)
    for line in _remarks(found):
        out.line(line)


def _turn_json(one: Any, **more: Any) -> dict[str, Any]:
    minutes = number(one.minutes)
    return {"videos": one.videos, "minutes": minutes, "was": one.was, "now": one.now, **more}


def _remarks(found: Comparison) -> Iterator[str]:
    latencies = {(p.provider, p.operation): p for row in found.rows for p in row.latencies}
    for (provider, operation), price in latencies.items():
        yield f"latency: {provider} {operation}: {price.latency} ({price.source})"
    for change in found.plan_changes:
        yield (
            f"plan: {change.provider}: from {change.videos:,} videos a month on: {change.now} "
            f"(before: {change.was})"
        )
    if len(found.rows) <= _FEW:
        yield from map(_break_even, found.break_evens)
    else:
        yield (
            f"break-even: {len(found.break_evens)} points; --json lists them, and --only STACK "
            "shows those of a few stacks"
        )
    for problem in dict.fromkeys(what for row in found.rows for what in row.quote.unknown):
        yield f"unknown: {problem}"
    reasons: dict[str, list[str]] = {}
    for stack, why in found.left_out.items():
        reasons.setdefault(why, []).append(stack)
    for why, names in reasons.items():
        yield f"skipped: {', '.join(names)}: {why}"
    for name, since in found.discontinued.items():
        yield f"discontinued: {name}, since {since}"


def _break_even(one: BreakEven) -> str:
    part = ", as far as known" if one.of_known else ""
    return (
        f"break-even: from {one.videos:,} videos and {one.trainings:,} avatars a month on, "
        f"{one.now} costs less than {one.was}{part}"
    )


def _compared_cells(row: Compared, found: Comparison, today: date) -> tuple[str, ...]:
    quote = row.quote
    oldest = quote.oldest
    return (
        quote.stack,
        *map(str, (quote.low, quote.expected, quote.high)),
        *(str(row.per(n)) if n else "-" for n in _counts(found)),
        ", ".join(f"{p.provider}: {p.plan.plan}" for p in quote.parts if p.plan) or "-",
        _age(oldest, today) if oldest else "-",
    )


def _counts(found: Comparison) -> tuple[int, Decimal]:
    return found.workload.trainings, found.workload.minutes


def _compared_json(row: Compared, found: Comparison, today: date) -> dict[str, Any]:
    avatars, minutes = _counts(found)
    return QuoteView.of(row.quote, today).json_object() | {
        "per_avatar": CostsView.of(row.per(avatars)).json_object() if avatars else None,
        "per_minute": CostsView.of(row.per(minutes)).json_object() if minutes else None,
        "latencies": [PriceView.of(price, today).json_object() for price in row.latencies],
    }


def comparison_csv(found: Comparison) -> str:
    """Format a comparison as CSV, one line per stack; unknown amounts are empty."""
    text = io.StringIO()
    columns: Sequence[str] = (
        "stack",
        "low",
        "expected",
        "high",
        "known",
        "unknown",
        "plans",
        "oldest",
    )
    writer: csv.DictWriter[str] = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    for row in found.rows:
        quote = row.quote
        totals = {"low": quote.low, "expected": quote.expected, "high": quote.high}
        writer.writerow(
            {name: number(estimate.total) for name, estimate in totals.items()}
            | {
                "stack": quote.stack,
                "known": number(quote.expected.known),
                "unknown": "; ".join(quote.unknown),
                "plans": "; ".join(p.plan.plan for p in quote.parts if p.plan),
                "oldest": quote.read,
            }
        )
    return text.getvalue().rstrip("\n")


# -- prices, costs, budget ----------------------------------------------------------------------

_PRICE_HEADINGS = (
    *("provider", "operation", "plan", "a month", "included", "each"),
    *("once", "api", "read", "source"),
)
_API: Mapping[bool | None, str] = {True: "yes", False: "no", None: "?"}


def show_prices(out: Output, prices: Sequence[Price], today: date) -> None:
    """Print price entries."""
    out.table(
        {"prices": [PriceView.of(price, today).json_object() for price in prices]},
        _PRICE_HEADINGS,
        [_price_cells(price, today) for price in prices],
    )


def _price_cells(price: Price, today: date) -> tuple[str, ...]:
    held, each = price.included, price.unit_price
    once = price.one_off_usd
    return (
        price.provider,
        str(price.operation),
        price.plan,
        _monthly(price),
        f"{held.amount:,} {held.unit}" if held else "-",
        f"{exactly(each.usd)}/{each.unit}" if each else "-",
        "-" if once is None else exactly(once),
        _API[price.api],
        _age(price, today),
        price.source,
    )


def _monthly(price: Price) -> str:
    return "?" if price.usd_per_month is None else exactly(price.usd_per_month)


def show_costs(
    out: Output, costs: Sequence[Cost], balances: Mapping[str, Balance | Exception] | None
) -> None:
    """Print vendor-reported costs, and balances unless they are None."""
    document: dict[str, Any] = {"currency": "USD", "costs": [_cost_json(cost) for cost in costs]}
    if balances is not None:
        document["balances"] = {
            name: BalanceView.of(found).json_object() for name, found in balances.items()
        }
    out.table(
        document,
        ("time", "record", "operation", "provider", "vendor reported", "US dollars", "quoted"),
        [_cost_cells(cost) for cost in costs],
    )
    for name, found in (balances or {}).items():
        out.line(f"{name}: {balance_text(found)}")


def balance_text(found: Balance | Exception) -> str:
    """Format a balance for people."""
    if isinstance(found, Exception):
        return f"unknown: {found}"
    if found.amount is None:
        return "not reported by the vendor"
    if found.unit == "usd":
        return f"{shown(Decimal(str(found.amount)))} left"
    return f"{found.amount:g} {found.unit} left"


def _used(found: Estimate | None) -> str | None:
    return None if found is None or found.unknown else number(found.used)


def _cost_json(cost: Cost) -> dict[str, Any]:
    entry = cost.entry
    return {
        "at": entry.at,
        "record_id": entry.record_id,
        "operation": str(entry.operation),
        "provider": entry.provider,
        "job_id": entry.job_id,
        "recorded": entry.cost,
        "recorded_usd": _used(cost.recorded),
        "quoted_usd": _used(cost.quoted),
    }


def _cost_cells(cost: Cost) -> tuple[str, ...]:
    entry = cost.entry
    amounts = (_used(cost.recorded), _used(cost.quoted))
    return (
        datetime.fromtimestamp(entry.at, UTC).isoformat(timespec="seconds"),
        entry.record_id,
        str(entry.operation),
        entry.provider,
        entry.cost or "nothing",
        *("unknown" if usd is None else shown(Decimal(usd)) for usd in amounts),
    )


def show_budgets(out: Output, uses: Sequence[BudgetUse]) -> None:
    """Print budgets and their use."""
    amounts = [(u, (u.budget.amount.amount, u.spent, u.reserved, u.left)) for u in uses]
    keys = ("amount", "spent", "reserved", "left")
    out.table(
        {
            "currency": "USD",
            "budgets": [
                {"per": use.budget.per, "month": use.month}
                | dict(zip(keys, map(number, found), strict=True))
                for use, found in amounts
            ],
        },
        ("per", "month", *keys),
        [(use.budget.per, use.month, *map(shown, found)) for use, found in amounts],
        empty="no budgets: set AVATARKIT_BUDGET or AVATARKIT_USER_BUDGET",
    )
