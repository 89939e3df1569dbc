"""Records as JSON: a stable choice of fields, without keys, links or vendors' raw answers."""

from __future__ import annotations

from typing import Any

from .models import Action
from .records import EarlierStack, OperationState, Training, Video

__all__ = ["record_shape"]


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
