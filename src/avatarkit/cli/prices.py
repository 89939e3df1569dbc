"""Commands about money: what work will cost, where it costs less, and what it has cost."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..json_views import BalanceView, CostsView, PriceView, QuoteView, number
from .session import Session, command

if TYPE_CHECKING:
    from ..interfaces import Balance
    from ..pricing import Comparison, Estimate, Price, Prices
    from ..pricing.comparison import BreakEven, Compared
    from ..pricing.costs import Cost
    from ..pricing.quotes import Line

__all__ = ["AllowUnknown", "MaxCost", "register", "within"]

#: So many stacks are few enough to say of each pair where it turns.
_FEW = 6

_PricesFile = Annotated[
    Path | None,
    typer.Option("--prices", help="Rows of your own; else the file that AVATARKIT_PRICES names."),
]
_Choose = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PROVIDER=NAME", help="The plan or variant that you have; may be repeated."
    ),
]
MaxCost = Annotated[
    str | None,
    typer.Option(
        metavar="AMOUNT", help='The most that it may be expected to cost: "2.00", in US dollars.'
    ),
]
AllowUnknown = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PROVIDER", help="Its prices need not be known under a limit; may be repeated."
    ),
]


def within(max_cost: str | None, allow_unknown: Sequence[str] | None) -> dict[str, Any]:
    """What ``kit.train`` and its like are told by these options."""
    from ..pricing.money import money

    limit = None if max_cost is None else money(max_cost)
    return {"max_cost": limit, "allow_unknown": allow_unknown or ()}


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    command(app, "quote")(_quote)
    command(app, "compare")(_compare)
    command(app, "prices")(_prices)
    command(app, "costs")(_costs)
    command(app, "budget")(_budget)


def _today() -> date:
    return datetime.now(UTC).date()


def _loaded(file: Path | None) -> Prices:
    """All rows: the shipped ones, those of installed providers, and one's own."""
    from ..config.settings import Settings
    from ..pricing import Prices
    from ..stacks.registry import usable

    own = file or Settings.from_env().environ.get("AVATARKIT_PRICES")
    return Prices.load(plugins=usable().values(), file=own)


def _chosen(pairs: Sequence[str] | None) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for pair in pairs or ():
        provider, equals, name = pair.partition("=")
        if not (provider and equals and name):
            raise typer.BadParameter(f"{pair!r} is not PROVIDER=NAME", param_hint="--choose")
        found.setdefault(provider, []).append(name)
    return found


async def _quote(
    session: Session,
    text: Annotated[str | None, typer.Argument(metavar="TEXT", help="What is said.")] = None,
    *,
    seconds: Annotated[
        float | None, typer.Option(help="Length of each video; a minute if nothing is said.")
    ] = None,
    trainings: Annotated[int, typer.Option(help="Avatars a month.")] = 1,
    videos: Annotated[int, typer.Option(help="Videos a month.")] = 1,
    dubs: Annotated[int, typer.Option(help="Dubbed videos a month.")] = 0,
    choose: _Choose = None,
    prices_file: _PricesFile = None,
) -> None:
    """Say what a month's work costs on one stack, and what that assumes."""
    from ..config.settings import Settings
    from ..pricing import quote
    from ..stacks.registry import Stack

    found = quote(
        Stack.parse(session.stack or Settings.from_env().stack),
        script=text,
        seconds=seconds,
        trainings=trainings,
        videos_per_month=videos,
        dubs_per_month=dubs,
        prices=_loaded(prices_file),
        choose=_chosen(choose),
    )
    out = session.out
    today = _today()
    out.table(
        QuoteView.of(found, today).json_object(),
        ("what", "provider", "plan", "amount", "US dollars", "read"),
        [_line_cells(line, today) for line in found.lines],
    )
    for part in found.parts:
        if part.plan is not None:
            monthly = part.plan.usd_per_month
            out.line(f"{part.provider}: subscription {part.plan.plan}, ${monthly} a month")
    out.line(f"a month: low {found.low}, expected {found.expected}, high {found.high}")
    for what in found.unknown:
        out.line(f"unknown: {what}")
    for what in found.assumptions:
        out.line(f"assumed: {what}")


def _line_cells(line: Line, today: date) -> tuple[str, ...]:
    from ..pricing.money import shown
    from ..pricing.quotes import amount

    if line.price is None:
        return str(line.operation), line.provider, "-", "-", "unknown" if line.problem else "-", "-"
    quantity = amount(line.quantity, line.unit)
    cells = (str(line.operation), line.provider, line.price.plan, quantity, shown(line.charge))
    return (*cells, _aged(line.price, today))


def _aged(price: Price, today: date) -> str:
    return f"{price.as_of}, {price.age_on(today)}" if price.as_of else "undated"


async def _compare(
    session: Session,
    *,
    avatars: Annotated[int, typer.Option(help="Avatars trained a month.")] = 1,
    minutes: Annotated[float, typer.Option(help="Minutes of video a month.")] = 1,
    video_seconds: Annotated[float, typer.Option(help="Length of each video.")] = 60,
    only: Annotated[
        list[str] | None, typer.Option(metavar="STACK", help="Compare these; may be repeated.")
    ] = None,
    choose: _Choose = None,
    prices_file: _PricesFile = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print comma-separated values.")] = False,
    plot: Annotated[
        Path | None, typer.Option(help="Draw cost by volume into a .png, .svg or .pdf.")
    ] = None,
) -> None:
    """Say what a month's work costs on every stack that can do it."""
    from ..pricing import Workload, compare
    from ..stacks.registry import Stack, stacks

    prices = _loaded(prices_file)
    if as_csv and session.out.as_json:
        raise typer.BadParameter("give either --csv or --json")
    picked = _chosen(choose)
    rows = stacks() if only is None else ()
    asked = [Stack.parse(name) for name in only or ()]
    asked += [Stack(row.stack, row.roles) for row in rows if row.problem is None]
    found = compare(asked, _workload(Workload, avatars, minutes, video_seconds), prices, picked)
    if as_csv:
        session.out.result(None, _csv(found))
    else:
        _show(session, found)
    if plot is not None:
        from ..pricing.plot import plot as draw

        draw(found, plot, prices, picked)
        session.out.hint(f"drawn into {plot}")


def _workload(kind: Any, avatars: int, minutes: float, video_seconds: float) -> Any:
    """Whole videos of that length; what is left over of the minutes is one more."""
    seconds, wanted = Decimal(str(video_seconds)), Decimal(str(minutes)) * 60
    if not (seconds.is_finite() and seconds > 0 and wanted.is_finite()):
        raise typer.BadParameter("lengths are numbers above 0", param_hint="--video-seconds")
    return kind(trainings=avatars, videos=ceil(wanted / seconds), seconds=seconds)


_COLUMNS = ("stack", "low", "expected", "high", "per avatar", "per minute", "plans", "read")


def _show(session: Session, found: Comparison) -> None:
    out, today = session.out, _today()
    document = {
        "currency": "USD",
        "avatars": found.workload.trainings,
        "videos": found.workload.videos,
        "minutes": number(found.workload.minutes),
        "stacks": [_compared_shape(row, found, today) for row in found.rows],
        "left_out": dict(found.left_out),
        "discontinued": {name: str(since) for name, since in found.discontinued.items()},
        "plan_changes": [_turn_shape(one, provider=one.provider) for one in found.plan_changes],
        "break_evens": [
            _turn_shape(one, trainings=one.trainings, of_known=one.of_known)
            for one in found.break_evens
        ],
    }
    out.table(document, _COLUMNS, [_cells(row, found, today) for row in found.rows])
    for line in _remarks(found):
        out.line(line)


def _turn_shape(one: Any, **more: Any) -> dict[str, Any]:
    return {
        "videos": one.videos,
        "minutes": number(one.minutes),
        "was": one.was,
        "now": one.now,
        **more,
    }


def _remarks(found: Comparison) -> Iterator[str]:
    latencies = {(p.provider, p.capability): p for row in found.rows for p in row.latencies}
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
        yield f"left out: {', '.join(names)}: {why}"
    for name, since in found.discontinued.items():
        yield f"discontinued: {name}, since {since}"


def _break_even(one: BreakEven) -> str:
    part = ", as far as known" if one.of_known else ""
    return (
        f"break-even: from {one.videos:,} videos and {one.trainings:,} avatars a month on, "
        f"{one.now} costs less than {one.was}{part}"
    )


def _cells(row: Compared, found: Comparison, today: date) -> tuple[str, ...]:
    quote = row.quote
    oldest = quote.oldest
    return (
        quote.stack,
        *map(str, (quote.low, quote.expected, quote.high)),
        *(str(row.per(n)) if n else "-" for n in _counts(found)),
        ", ".join(f"{p.provider}: {p.plan.plan}" for p in quote.parts if p.plan) or "-",
        _aged(oldest, today) if oldest else "-",
    )


def _counts(found: Comparison) -> tuple[int, Decimal]:
    return found.workload.trainings, found.workload.minutes


def _compared_shape(row: Compared, found: Comparison, today: date) -> dict[str, Any]:
    avatars, minutes = _counts(found)
    return QuoteView.of(row.quote, today).json_object() | {
        "per_avatar": CostsView.of(row.per(avatars)).json_object() if avatars else None,
        "per_minute": CostsView.of(row.per(minutes)).json_object() if minutes else None,
        "latencies": [PriceView.of(price, today).json_object() for price in row.latencies],
    }


def _csv(found: Comparison) -> str:
    """One line a stack; what is unknown is empty, and what is known of it has a column."""
    text = io.StringIO()
    columns = ("stack", "low", "expected", "high", "known", "unknown", "plans", "oldest")
    writer = csv.DictWriter(text, columns, lineterminator="\n")
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


async def _prices(
    session: Session,
    provider: Annotated[
        str | None, typer.Argument(metavar="PROVIDER", help="Only its rows.")
    ] = None,
    *,
    prices_file: _PricesFile = None,
) -> None:
    """List the rows that everything is computed from."""
    today = _today()
    found = [p for p in _loaded(prices_file) if provider in (None, p.provider)]
    session.out.table(
        {"prices": [PriceView.of(price, today).json_object() for price in found]},
        (
            "provider",
            "what",
            "plan",
            "a month",
            "included",
            "each",
            "once",
            "api",
            "read",
            "source",
        ),
        [_price_cells(price, today) for price in found],
    )


def _price_cells(price: Price, today: date) -> tuple[str, ...]:
    held, each = price.included, price.unit_price
    monthly, once = price.usd_per_month, price.one_off_usd
    return (
        price.provider,
        str(price.capability),
        price.plan,
        "?" if monthly is None else f"${monthly}",
        f"{held.amount:,} {held.unit}" if held else "-",
        f"${each.usd}/{each.unit}" if each else "-",
        "-" if once is None else f"${once}",
        _API[price.api],
        _aged(price, today),
        price.source,
    )


_API: Mapping[bool | None, str] = {True: "yes", False: "no", None: "?"}


async def _costs(
    session: Session,
    record: Annotated[
        str | None, typer.Argument(metavar="ID", help="Only those of a training or video.")
    ] = None,
    *,
    choose: _Choose = None,
    prices_file: _PricesFile = None,
    balances: Annotated[
        bool, typer.Option("--balances", help="Ask the stack's vendors what is left, too.")
    ] = False,
) -> None:
    """Show what vendors said that accepted calls took, beside what was quoted before."""
    prices = _loaded(prices_file)
    async with session.kit(worker=False) as kit:
        found = await kit.prices.costs(record, prices=prices, choose=_chosen(choose))
        left = await kit.prices.balances() if balances else {}
    document: dict[str, Any] = {"currency": "USD", "costs": [_cost_shape(cost) for cost in found]}
    if balances:
        document["balances"] = {
            name: BalanceView.of(balance).json_object() for name, balance in left.items()
        }
    session.out.table(
        document,
        ("when", "record", "what", "provider", "vendor said", "that is", "quoted"),
        [_cost_cells(cost) for cost in found],
    )
    for name, balance in left.items():
        session.out.line(f"{name}: {balance_text(balance)}")


def balance_text(found: Balance | Exception) -> str:
    """Format a balance for people."""
    if isinstance(found, Exception):
        return f"unknown: {found}"
    if found.amount is None:
        return "not reported by the vendor"
    return f"${found.amount:.2f} left" if found.unit == "usd" else f"{found.amount:g} credits left"


def _used(found: Estimate | None) -> str | None:
    return None if found is None or found.unknown else number(found.used)


def _cost_shape(cost: Cost) -> dict[str, Any]:
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
    from ..pricing.money import shown

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


async def _budget(
    session: Session,
    user: Annotated[str | None, typer.Option(help="Whose budget as a user to show too.")] = None,
) -> None:
    """Show what is spent and reserved of this month's budgets."""
    from ..pricing.money import shown

    async with session.kit(worker=False) as kit:
        found = await kit.prices.budgets(user)
    session.out.table(
        {
            "currency": "USD",
            "budgets": [
                {
                    "per": use.budget.per,
                    "month": use.month,
                    "amount": number(use.budget.amount.amount),
                    "spent": number(use.spent),
                    "reserved": number(use.reserved),
                    "left": number(use.left),
                }
                for use in found
            ],
        },
        ("per", "month", "amount", "spent", "reserved", "left"),
        [
            (
                use.budget.per,
                use.month,
                *map(shown, (use.budget.amount.amount, use.spent, use.reserved, use.left)),
            )
            for use in found
        ],
    )
    if not found:
        session.out.hint("there are no budgets: set AVATARKIT_BUDGET or AVATARKIT_USER_BUDGET")
