"""Write brief.md: the tables of the project's brief beside what the shipped rows compute.

python docs/make_prices.py
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from avatarkit.pricing import Prices, Workload, brief, compare
from avatarkit.stacks.registry import BUILTIN, Stack, stacks

PAGE = Path(__file__).parent / "brief.md"
_WORKLOADS = ((1, 1), (100, 200), (10_000, 20_000))

_TEMPLATE = """<!-- Written by make_prices.py, from the rows; a test compares the two. -->

# The brief's figures, and today's

This project began with a brief that compared eight services. Its figures are **older, undated, and
nobody has verified them**; its stars are its opinion, and quality is rated nowhere else here.
Beside them stands what the rows of [prices.toml](prices.md) compute: low / expected / high, and
when the oldest of those rows was read. "At least" means that a part has no known price.

## Services

{services}

"The rows today" is a month in which one voice is cloned or one avatar is trained and one minute is
spoken or filmed, subscriptions included; for Rask.ai it is one minute dubbed.

## Stacks

{stacks}

The brief recommends the first, and calls the second the cheaper alternative.

## An avatar for one user

{per_avatar}

The brief's figures are for the creation alone; a month of the subscriptions that it needs is in
those of the rows.

## Three workloads

A month's total, as expected. "At least": a part of it has no known price, or no known plan is large
enough.

{workloads}

`avatarkit compare --avatars 100 --minutes 200` makes it anew, and says which part that is.
"""


def page() -> str:
    """The whole page."""
    prices = Prices.load()
    return _TEMPLATE.format(
        services=_table(
            ("service", "stars", "latency", "cost", "API", "recommended for", "the rows today"),
            (
                (s.name, "★" * s.stars, s.latency, s.cost, s.api, s.recommended or "-", said)
                for s in brief.SERVICES
                for said in [brief.said_today(s, prices)]
            ),
        ),
        stacks=_table(
            ("stack", "for", "against", "cost", "the rows today"),
            (
                (o.name, ", ".join(o.pros), ", ".join(o.cons), o.cost, said)
                for o in brief.STACKS
                for said in [brief.said_today(o, prices)]
            ),
        ),
        per_avatar=_table(
            ("what", "cost", "the rows today"),
            ((r.name, r.cost, brief.said_today(r, prices)) for r in brief.PER_AVATAR),
        ),
        workloads=_workloads(prices),
    )


def _workloads(prices: Prices) -> str:
    names = [name for name in BUILTIN if name not in ("fake", *prices.discontinued())]
    asked = [Stack(row.stack, row.roles) for row in stacks(names) if row.problem is None]
    found = [
        compare(asked, Workload(trainings=avatars, videos=minutes), prices)
        for avatars, minutes in _WORKLOADS
    ]
    totals = [
        {row.stack.name: row.quote.expected for row in comparison.rows} for comparison in found
    ]
    headings = [f"{a:,} avatars, {m:,} minutes" for a, m in _WORKLOADS]
    headings[0] = "1 avatar, 1 minute"
    return _table(
        ("stack", *headings),
        (
            (
                f"`{name}`",
                *(str(total[name]) for total in totals),
            )
            for name in totals[0]
        ),
    )


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
