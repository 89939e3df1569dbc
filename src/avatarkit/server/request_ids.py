"""IDs of requests: in the answer's X-Request-Id, in errors, and in every log line of a request."""

from __future__ import annotations

import contextvars
import re
from contextlib import AbstractContextManager
from uuid import uuid4

import structlog

_FIELD = "request_id"
_GIVEN = re.compile(r"[\w.-]{1,64}", re.ASCII)


def new(given: str | None = None) -> str:
    """Return the client's ID if it is 1 to 64 letters, digits, dots, dashes; else a new one."""
    return given if given and _GIVEN.fullmatch(given) else f"req_{uuid4().hex}"


def bound(request_id: str) -> AbstractContextManager[object]:
    """Log lines hold the ID within this context."""
    return structlog.contextvars.bound_contextvars(request_id=request_id)


def current() -> str:
    """Return the ID of the request that is being answered; a new one outside of requests."""
    found = structlog.contextvars.get_contextvars().get(_FIELD)
    return str(found) if found else new()


def apart() -> contextvars.Context:
    """Return the context of a task that outlives the request that starts it."""
    context = contextvars.copy_context()
    context.run(structlog.contextvars.unbind_contextvars, _FIELD)
    return context
