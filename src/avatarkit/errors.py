"""Exceptions of avatarkit.

A message says what happened and what to do next. It never contains a key, a signed link or a
vendor's whole answer, which is in ``ProviderError.body`` and not in ``str``.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Self

__all__ = [
    "Ambiguous",
    "AuthError",
    "AvatarKitError",
    "BadReply",
    "BudgetExceeded",
    "ConfigError",
    "Conflict",
    "ConsentRequired",
    "IllegalTransition",
    "InvalidCursor",
    "MediaRejected",
    "ModerationRefused",
    "NotFound",
    "NotOpen",
    "NotSent",
    "PlanError",
    "ProviderError",
    "QuotaError",
    "RateLimited",
    "Refused",
    "ServiceDiscontinued",
    "StorageError",
    "Unavailable",
    "Unsupported",
    "WebhookRejected",
]


class AvatarKitError(Exception):
    """Base class of all avatarkit exceptions."""

    #: Database path in the message, if any; a server does not show it to users.
    place: str | None = None
    #: True if the input is correct, and only the operator can fix the error.
    for_operators: bool = False
    #: Message for clients of the HTTP API, where the other one names Python.
    over_http: str | None = None

    def told_over_http(self, message: str) -> Self:
        """Set the message for clients of the HTTP API; return the error."""
        self.over_http = message
        return self


class ConfigError(AvatarKitError, ValueError):
    """Wrong configuration: a missing key or extra, an unknown provider or database."""


class InvalidCursor(ConfigError):
    """The cursor of a page belongs to no list, or was changed."""


class NotOpen(AvatarKitError, RuntimeError):
    """The kit or database is not open here: never, no more, or in another process or loop."""


class Unsupported(AvatarKitError, ValueError):
    """The provider does not support the request. Nothing was sent."""


class MediaRejected(AvatarKitError, ValueError):
    """A sample or a script cannot be used. Nothing was sent."""


class ConsentRequired(AvatarKitError):
    """A real person's voice or face was given without that person's recorded consent.

    ``withdrawn`` is True if there was one, and it was revoked or erased.
    """

    def __init__(self, message: str, *, withdrawn: bool = False) -> None:
        super().__init__(message)
        self.withdrawn = withdrawn


class BudgetExceeded(AvatarKitError):
    """The call would cost more than was allowed. Nothing was sent.

    ``over`` is the missing amount in US dollars; None if a price is unknown. ``budget`` is the name
    of the budget; None if the limit is ``max_cost``.
    """

    def __init__(
        self, message: str, *, over: Decimal | None = None, budget: str | None = None
    ) -> None:
        super().__init__(message)
        self.over = over
        self.budget = budget


class WebhookRejected(AvatarKitError):
    """A delivery was forged, stale or malformed. Answer 4xx and drop it."""


class Conflict(AvatarKitError):
    """The record was changed by another caller first, or exists with other contents."""


class IllegalTransition(AvatarKitError):
    """The request is not allowed in the current status of the training or video."""


class StorageError(AvatarKitError, OSError):
    """The disk, folder or database is full, not writable, or not reachable."""


class ServiceDiscontinued(AvatarKitError):
    """The service has closed. The message names alternatives."""


class ProviderError(AvatarKitError):
    """The provider answered with an error, or did not answer.

    ``status`` is the HTTP status, ``code`` the provider's error code, ``retry_after`` the seconds
    to wait, ``request_id`` the id for its support, ``body`` the whole answer (never in ``str``).
    """

    #: True if the same request may succeed later.
    retryable = False

    def __init__(
        self,
        message: str,
        *,
        provider: str = "avatarkit",
        operation: str = "",
        status: int | None = None,
        code: str | None = None,
        retry_after: float | None = None,
        request_id: str | None = None,
        body: Any = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.provider = provider
        self.operation = operation
        self.status = status
        self.code = code
        self.retry_after = retry_after
        self.request_id = request_id
        self.body = body

    def __str__(self) -> str:
        if self.provider == "avatarkit":
            return self.message
        where = f"{self.provider} {self.operation}".rstrip()
        marks = [str(self.status)] if self.status else []
        marks += [self.code] if self.code else []
        marks += [f"request {self.request_id}"] if self.request_id else []
        return f"{where}: {self.message}" + (f" [{', '.join(marks)}]" if marks else "")


class AuthError(ProviderError):
    """The key is missing or wrong, or lacks a permission."""


class QuotaError(ProviderError):
    """Credits or seats are used up; buy more."""


class PlanError(ProviderError):
    """The account's plan does not include this."""


class NotFound(ProviderError):
    """The training, video, voice or avatar does not exist, or was deleted."""


class Refused(ProviderError):
    """The provider rejected this input."""


class ModerationRefused(Refused):
    """The provider's moderation rejected the content."""


class RateLimited(ProviderError):
    """Too many requests or too many jobs at once; retry later."""

    retryable = True


class NotSent(ProviderError):
    """The request was provably not sent, so nothing was charged."""

    retryable = True


class Unavailable(ProviderError):
    """The provider is down or unreachable. The request was free, so it may be sent again."""

    retryable = True


class Ambiguous(ProviderError):
    """A paid request was sent without a clear answer: it may have run, and cost money."""


class BadReply(ProviderError):
    """The answer has a success status and a malformed body."""


class BadResult(BadReply):
    """The provider delivered a file that is damaged, cut off, or not what was ordered."""
