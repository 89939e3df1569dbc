"""Errors as the HTTP API answers them: one body, one table of codes, and their headers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from starlette.responses import JSONResponse, Response

from .. import errors
from .._log import cleaned, get_logger
from ..intake.preflight import Finding
from . import request_ids
from .bodies import BadBody, TooLarge, UnsupportedType
from .handover_store import HandoverEnded
from .uploads import AllowanceExceeded, Offset, UnsupportedProtocol

log = get_logger(__name__)

#: Seconds after which a client should repeat a request that failed for a moment.
RETRY_AFTER = 5

Category = Literal[
    "invalid_request",
    "not_authenticated",
    "forbidden",
    "not_found",
    "conflict",
    "too_large",
    "unusable",
    "rate_limited",
    "server",
    "provider",
    "unavailable",
]


class ErrorCode(StrEnum):
    """Cause of an error, in a word that stays."""

    INVALID_REQUEST = "invalid_request"
    INVALID_CURSOR = "invalid_cursor"
    NOT_AUTHENTICATED = "not_authenticated"
    CROSS_SITE = "cross_site"
    OPERATORS_ONLY = "operators_only"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    REQUEST_TIMEOUT = "request_timeout"
    CONFLICT = "conflict"
    ILLEGAL_TRANSITION = "illegal_transition"
    WRONG_OFFSET = "wrong_offset"
    UNSUPPORTED_PROTOCOL = "unsupported_protocol"
    BODY_TOO_LARGE = "body_too_large"
    ALLOWANCE_EXCEEDED = "allowance_exceeded"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    UNKNOWN_HOST = "unknown_host"
    CONSENT_REQUIRED = "consent_required"
    MEDIA_REJECTED = "media_rejected"
    UNSUPPORTED = "unsupported"
    SERVICE_DISCONTINUED = "service_discontinued"
    BUDGET_EXCEEDED = "budget_exceeded"
    NOT_CONFIGURED = "not_configured"
    WEBHOOK_REJECTED = "webhook_rejected"
    RATE_LIMITED = "rate_limited"
    SERVER_FAILED = "server_failed"
    PROVIDER_FAILED = "provider_failed"
    PROVIDER_BUSY = "provider_busy"
    STORAGE_UNAVAILABLE = "storage_unavailable"
    SERVER_BUSY = "server_busy"


@dataclass(frozen=True, slots=True)
class Described:
    """Status and category of a code, its meaning, and what a client does about it."""

    status: int
    type: Category
    meaning: str
    advice: str


_C = ErrorCode
_AGAIN = "Send it again after Retry-After seconds, an order with the same Idempotency-Key."

CODES: Mapping[ErrorCode, Described] = {
    _C.INVALID_REQUEST: Described(
        400,
        "invalid_request",
        "The body, a header, the path or the query is invalid.",
        "Correct `param`.",
    ),
    _C.INVALID_CURSOR: Described(
        400,
        "invalid_request",
        "The cursor is none of this list.",
        "Send the cursor of the previous page unchanged, or none for the first page.",
    ),
    _C.NOT_AUTHENTICATED: Described(
        401,
        "not_authenticated",
        "The request is not signed in.",
        "Send Authorization: Bearer TOKEN.",
    ),
    _C.CROSS_SITE: Described(
        403, "forbidden", "A page of another site sent it.", "Add that site to `origins`."
    ),
    _C.OPERATORS_ONLY: Described(
        403, "forbidden", "It is for operators.", "Sign in as a user who is an operator."
    ),
    _C.NOT_FOUND: Described(
        404, "not_found", "It does not exist, or is another user's.", "Check the path and the IDs."
    ),
    _C.METHOD_NOT_ALLOWED: Described(
        405, "invalid_request", "The path has no such method.", "Use a method of `Allow`."
    ),
    _C.REQUEST_TIMEOUT: Described(
        408, "invalid_request", "The request did not arrive in time.", "Send it again."
    ),
    _C.CONFLICT: Described(
        409,
        "conflict",
        "It exists with other contents, is in use, or another request is at it.",
        "Read it again; use a new Idempotency-Key for a new order.",
    ),
    _C.ILLEGAL_TRANSITION: Described(
        409, "conflict", "Its present status does not allow that.", "Read the record again."
    ),
    _C.WRONG_OFFSET: Described(
        409, "conflict", "The upload must continue elsewhere.", "Continue at `Upload-Offset`."
    ),
    _C.UNSUPPORTED_PROTOCOL: Described(
        412,
        "invalid_request",
        "The upload protocol is not tus 1.0.0.",
        "Send `Tus-Resumable: 1.0.0`.",
    ),
    _C.BODY_TOO_LARGE: Described(
        413, "too_large", "The body is too large.", "JSON has at most 1 MiB."
    ),
    _C.ALLOWANCE_EXCEEDED: Described(
        413, "too_large", "The user's storage is full.", "Delete samples or evidence."
    ),
    _C.UNSUPPORTED_MEDIA_TYPE: Described(
        415, "invalid_request", "The body has another type.", "Send the documented Content-Type."
    ),
    _C.UNKNOWN_HOST: Described(
        421, "forbidden", "The server does not answer for this Host.", "Add it to `hosts`."
    ),
    _C.CONSENT_REQUIRED: Described(
        422,
        "unusable",
        "A person's consent is missing, withdrawn, expired or does not cover this.",
        "Send `consent`, with evidence where a provider demands it.",
    ),
    _C.MEDIA_REJECTED: Described(
        422, "unusable", "A sample, a script or a file cannot be used.", "See `findings`."
    ),
    _C.UNSUPPORTED: Described(
        422, "unusable", "The stack cannot do that.", "Leave it out, or use another stack."
    ),
    _C.SERVICE_DISCONTINUED: Described(
        422, "unusable", "The provider has closed.", "Use another stack."
    ),
    _C.BUDGET_EXCEEDED: Described(
        422, "unusable", "It would cost more than is allowed.", "Raise `max_cost`, or ask less."
    ),
    _C.NOT_CONFIGURED: Described(
        422, "unusable", "The stack is unknown, or not set up here.", "See `GET /stacks`."
    ),
    _C.WEBHOOK_REJECTED: Described(
        401, "not_authenticated", "A delivery is forged or malformed.", "Drop it."
    ),
    _C.RATE_LIMITED: Described(
        429, "rate_limited", "Too many requests.", "Wait for Retry-After seconds."
    ),
    _C.SERVER_FAILED: Described(
        500, "server", "The server has a fault.", "Report it with `request_id`."
    ),
    _C.PROVIDER_FAILED: Described(
        502, "provider", "A provider or a linked address gave no good answer.", "Try again later."
    ),
    _C.PROVIDER_BUSY: Described(503, "unavailable", "The provider is busy.", _AGAIN),
    _C.STORAGE_UNAVAILABLE: Described(
        503, "unavailable", "The database or the media store is away.", _AGAIN
    ),
    _C.SERVER_BUSY: Described(
        503, "unavailable", "The server is stopping, or has too many connections.", _AGAIN
    ),
}


class OperatorsOnly(errors.AvatarKitError):
    """A user who is no operator asked for what only operators see."""

    def __init__(self) -> None:
        super().__init__("This is for operators. Sign in as a user who is an operator.")


#: Code and parameter of each error class; the first match counts.
CLASSES: Mapping[type[Exception], tuple[ErrorCode, str | None]] = {
    OperatorsOnly: (_C.OPERATORS_ONLY, None),
    HandoverEnded: (_C.NOT_AUTHENTICATED, None),
    BadBody: (_C.INVALID_REQUEST, None),
    TooLarge: (_C.BODY_TOO_LARGE, None),
    UnsupportedType: (_C.UNSUPPORTED_MEDIA_TYPE, "Content-Type"),
    AllowanceExceeded: (_C.ALLOWANCE_EXCEEDED, None),
    UnsupportedProtocol: (_C.UNSUPPORTED_PROTOCOL, "Tus-Resumable"),
    Offset: (_C.WRONG_OFFSET, "Upload-Offset"),
    errors.NotFound: (_C.NOT_FOUND, None),
    errors.Conflict: (_C.CONFLICT, None),
    errors.IllegalTransition: (_C.ILLEGAL_TRANSITION, None),
    errors.ConsentRequired: (_C.CONSENT_REQUIRED, "consent"),
    errors.MediaRejected: (_C.MEDIA_REJECTED, None),
    errors.Unsupported: (_C.UNSUPPORTED, None),
    errors.ServiceDiscontinued: (_C.SERVICE_DISCONTINUED, None),
    errors.BudgetExceeded: (_C.BUDGET_EXCEEDED, "max_cost"),
    errors.InvalidCursor: (_C.INVALID_CURSOR, "cursor"),
    errors.ConfigError: (_C.NOT_CONFIGURED, None),
    errors.StorageError: (_C.STORAGE_UNAVAILABLE, None),
    errors.NotOpen: (_C.STORAGE_UNAVAILABLE, None),
    errors.RateLimited: (_C.PROVIDER_BUSY, None),
    errors.ProviderError: (_C.PROVIDER_FAILED, None),
}


class RejectedSample(errors.MediaRejected):
    """An uploaded sample failed validation and was not stored."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("This file cannot be used: see findings.")
        self.findings = findings


def code_of(error: Exception) -> tuple[ErrorCode, str | None]:
    """Return the code of an error, and the parameter that caused it."""
    code, param = next(
        (found for kind, found in CLASSES.items() if isinstance(error, kind)),
        (_C.SERVER_FAILED, None),
    )
    return code, getattr(error, "param", None) or param


def message_of(error: Exception) -> str:
    """Return an error's message in terms of HTTP, without secrets and the database's place."""
    message = getattr(error, "over_http", None) or str(error)
    place = getattr(error, "place", None)
    return cleaned(message.replace(place, "the database") if place else message)


def body(
    code: ErrorCode,
    message: str,
    *,
    param: str | None = None,
    request_id: str,
    root: str = "",
    findings: Sequence[Finding] = (),
) -> dict[str, Any]:
    """Build the JSON body of an error; ``root`` is the path that the API is mounted at."""
    return {
        "error": {
            "type": CODES[code].type,
            "code": str(code),
            "message": message,
            "param": param,
            "request_id": request_id,
            "docs": f"{root}/errors/{code}",
        },
        "findings": [finding.model_dump(mode="json") for finding in findings],
    }


def answer(
    code: ErrorCode,
    message: str,
    *,
    param: str | None = None,
    root: str = "",
    retry_after: float | None = None,
    more: Mapping[str, str] | None = None,
    findings: Sequence[Finding] = (),
) -> Response:
    """Build the response of an error; ``more`` are headers beside those of its status."""
    request_id, status = request_ids.current(), CODES[code].status
    log.info("request.refused", code=str(code), status=status)
    told = body(code, message, param=param, request_id=request_id, root=root, findings=findings)
    return JSONResponse(told, status, headers={**headers(status, retry_after), **(more or {})})


def headers(status: int, retry_after: float | None = None) -> dict[str, str]:
    """Return the headers that errors of a status have; ``retry_after`` is in seconds."""
    found = {"cache-control": "no-store"}
    if status == 401:
        found["www-authenticate"] = 'Bearer realm="avatarkit"'
    if status in {429, 503}:
        found["retry-after"] = str(max(1, round(retry_after or RETRY_AFTER)))
    return found
