"""Quotes and prices as JSON: a stable choice of fields, every amount an exact text."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # a command that shows no price does not wait for them
    from .interfaces import Balance
    from .pricing import Estimate, Price, Quote
    from .pricing.quotes import Line

__all__ = [
    "balance_shape",
    "balance_text",
    "estimate_shape",
    "number",
    "price_shape",
    "quote_shape",
]


def number(amount: Decimal | None) -> str | None:
    """An exact amount for programs, without zeros that say nothing; None where it is unknown."""
    return None if amount is None else f"{amount.normalize():f}"


def estimate_shape(found: Estimate) -> dict[str, Any]:
    """Dollars as exact texts; null where unknown."""
    return {
        "total": number(found.total),
        "known": number(found.known),
        "plans": number(found.plans),
        "charges": number(found.charges),
        "used": number(found.used),
        "unknown": list(found.unknown),
    }


def balance_shape(found: Balance | Exception) -> dict[str, Any]:
    """What is left, in what it is counted; or why that is unknown."""
    if isinstance(found, Exception):
        return {"amount": None, "unit": None, "problem": str(found)}
    return {"amount": found.amount, "unit": found.unit, "problem": None}


def balance_text(found: Balance | Exception) -> str:
    """The same for people."""
    if isinstance(found, Exception):
        return f"unknown: {found}"
    if found.amount is None:
        return "the vendor does not say"
    return f"${found.amount:.2f} left" if found.unit == "usd" else f"{found.amount:g} credits left"


def price_shape(price: Price, today: date) -> dict[str, Any]:
    """A row, and how old it is."""
    return price.model_dump(mode="json") | {"age": price.age(today)}


def quote_shape(found: Quote, today: date) -> dict[str, Any]:
    """What ``avatarkit quote --json`` prints, and the server answers."""
    return {
        "stack": found.stack,
        "currency": "USD",
        "trainings": found.workload.trainings,
        "videos": found.workload.videos,
        "dubs": found.workload.dubs,
        "seconds": number(found.workload.length()),
        "low": estimate_shape(found.low),
        "expected": estimate_shape(found.expected),
        "high": estimate_shape(found.high),
        "lines": [_line_shape(line, today) for line in found.lines],
        "plans": {p.provider: p.plan.plan for p in found.parts if p.plan is not None},
        "assumptions": list(found.assumptions),
        "oldest": found.read,
    }


def _line_shape(line: Line, today: date) -> dict[str, Any]:
    return {
        "operation": str(line.operation),
        "provider": line.provider,
        "quantity": number(line.quantity),
        "unit": line.unit and str(line.unit),
        "charge": None if line.problem else number(line.charge),
        "problem": line.problem,
        "price": line.price and price_shape(line.price, today),
    }
