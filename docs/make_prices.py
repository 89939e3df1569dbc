"""Write the generated section of reference/prices.md: three workloads on every stack.

python docs/make_prices.py
"""

from __future__ import annotations

from pathlib import Path

from sections import DOCS, filled, table, write

from avatarkit.pricing import Prices, Workload, compare
from avatarkit.stacks.registry import BUILTIN, Stack, stacks

PAGE = DOCS / "reference" / "prices.md"
WORKLOADS = ((1, 1), (100, 200), (10_000, 20_000))


def pages() -> dict[Path, str]:
    """Path and text of the page."""
    return {PAGE: filled(PAGE, {"workloads": workloads(Prices.load())})}


def workloads(prices: Prices) -> str:
    """The expected monthly total of each stack for each workload."""
    names = [name for name in BUILTIN if name not in ("fake", *prices.discontinued())]
    possible = [Stack(row.stack, row.roles) for row in stacks(names) if row.problem is None]
    comparisons = [
        compare(possible, Workload(trainings=avatars, videos=minutes), prices)
        for avatars, minutes in WORKLOADS
    ]
    totals = [
        {row.stack.name: str(row.quote.expected) for row in comparison.rows}
        for comparison in comparisons
    ]
    headings = [f"{avatars:,} avatars, {minutes:,} minutes" for avatars, minutes in WORKLOADS]
    headings[0] = "1 avatar, 1 minute"
    rows = ((f"`{name}`", *(total[name] for total in totals)) for name in totals[0])
    return table(("stack", *headings), rows)


if __name__ == "__main__":
    write(pages())
