"""Pricing: quotes, comparisons, budgets and costs, computed from dated price rows."""

from __future__ import annotations

from .budgets import Budget, BudgetUse, Spending, bounded, budgets_from, month
from .comparison import Comparison, compare
from .costs import Cost, charged, cost
from .money import USD, Money
from .quotes import Choice, Estimate, Quote, Workload, quote
from .rows import Price, Prices, brought

__all__ = [
    "USD",
    "Budget",
    "BudgetUse",
    "Choice",
    "Comparison",
    "Cost",
    "Estimate",
    "Money",
    "Price",
    "Prices",
    "Quote",
    "Spending",
    "Workload",
    "bounded",
    "brought",
    "budgets_from",
    "charged",
    "compare",
    "cost",
    "month",
    "quote",
]
