"""What it costs before anyone pays: quotes and comparisons, computed from rows with a date."""

from __future__ import annotations

from .comparison import Comparison, compare
from .costs import Cost, cost
from .money import USD, Money, require_within
from .quotes import Choice, Estimate, Quote, Workload, quote
from .rows import Price, Prices

__all__ = [
    "USD",
    "Choice",
    "Comparison",
    "Cost",
    "Estimate",
    "Money",
    "Price",
    "Prices",
    "Quote",
    "Workload",
    "compare",
    "cost",
    "quote",
    "require_within",
]
