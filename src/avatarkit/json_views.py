"""JSON views of records, quotes, prices and balances: a stable choice of fields.

Without keys, links or vendors' raw answers; amounts of money are exact texts.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from .models import Action
from .records import EarlierStack, OperationState, Training, Video

if TYPE_CHECKING:  # a command that shows no price does not wait for them
    from .interfaces import Balance
    from .pricing import Estimate, Price, Quote
    from .pricing.quotes import Line


def record_shape(record: Training | Video) -> dict[str, Any]:
    """What ``--json`` prints of a training or a video."""
    shape: dict[str, Any] = {
        "id": record.id,
        "kind": record.kind,
        "user_id": record.user_id,
        "clone_id": record.clone_id,
        "name": record.name,
        "stack": record.stack,
        "earlier_stacks": [_earlier(stack) for stack in record.earlier],
        "consent_id": record.consent_id,
        "status": str(record.status),
        "progress": record.progress,
        "estimated": record.estimated,
        "action": _action(record.action) if record.action else None,
        "error": _error(record),
        "operations": [_operation(state) for state in record.operations],
        "created_at": record.created_at,
        "updated_at": record.updated_at,
        "completed_at": record.completed_at,
    }
    return shape | (_training(record) if isinstance(record, Training) else _video(record))


def _training(record: Training) -> dict[str, Any]:
    return {"voice_id": record.voice_id, "avatar_id": record.avatar_id}


def _video(record: Video) -> dict[str, Any]:
    return {"training_id": record.training_id, "script": record.script}


def _error(record: Training | Video) -> dict[str, Any] | None:
    if record.error_message is None:
        return None
    return {"type": record.error_type, "message": record.error_message}


def _action(action: Action) -> dict[str, Any]:
    # ``url`` is the page that the person must open; without it nobody could act.
    return action.model_dump(mode="json")


def _earlier(stack: EarlierStack) -> dict[str, Any]:
    error = {"type": stack.error_type, "message": stack.reason}
    return {"stack": stack.stack, "error": error, "left_at": stack.at}


def _operation(state: OperationState) -> dict[str, Any]:
    return {
        "operation": str(state.operation),
        "provider": state.provider,
        "state": str(state.job_state or state.phase),
        "job_id": state.job_id,
        "cost": state.cost,
    }


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
