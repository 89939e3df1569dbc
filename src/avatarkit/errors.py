"""Everything avatarkit raises on purpose.

Every message says what happened and what to do next; none of them holds a key, a signed
link or a vendor's whole answer (``ProviderError.body`` keeps that, outside ``str``).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

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
    "MediaRejected",
    "ModerationRefused",
    "NotFound",
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
    """Root of the tree: catch this to catch every error below."""

    #: The database that the message names, where it is; users of a server are not told.
    place: str | None = None
    #: Whether nothing that was given is at fault, and only who runs the program can mend it.
    for_operators: bool = False


class ConfigError(AvatarKitError, ValueError):
    """Something is set up wrongly: a missing key or extra, an unknown provider or database."""


class Unsupported(AvatarKitError, ValueError):
    """The provider has no way to express what was asked. Nothing was sent."""


class MediaRejected(AvatarKitError, ValueError):
    """A sample or a script that cannot be used. Nothing was sent."""


class ConsentRequired(AvatarKitError):
    """A real person's voice or face was given without that person's recorded consent."""


class BudgetExceeded(AvatarKitError):
    """The call would cost more than was allowed. Nothing was sent.

    ``over`` is by how many US dollars; None where a price is not known. ``budget`` names the one
    that has no room, or that allows no unknown price; None where it is ``max_cost``.
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
    """Somebody else changed the same thing first, or it exists with other contents."""


class IllegalTransition(AvatarKitError):
    """What was asked does not fit the state that the training or video is in."""


class StorageError(AvatarKitError, OSError):
    """The disk, folder or database cannot hold what must be kept: full, or not writable."""


class ServiceDiscontinued(AvatarKitError):
    """The service has closed. The message names alternatives."""


class ProviderError(AvatarKitError):
    """The provider answered with an error, or did not answer.

    ``status`` is the HTTP status, ``code`` the provider's own word, ``retry_after`` seconds,
    ``request_id`` what its support asks for, ``body`` its whole answer (never in ``str``).
    """

    #: Would the same request, sent again unchanged, have a chance?
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
    """The key is missing, wrong, or may not do this."""


class QuotaError(ProviderError):
    """Credits or seats are used up; waiting does not help, paying does."""


class PlanError(ProviderError):
    """The account's plan does not include this."""


class NotFound(ProviderError):
    """No such training, video, voice or avatar (any more)."""


class Refused(ProviderError):
    """The provider understood and said no to this input."""


class ModerationRefused(Refused):
    """The provider's moderation said no to the content."""


class RateLimited(ProviderError):
    """Too many requests or too many jobs at once; waiting helps."""

    retryable = True


class NotSent(ProviderError):
    """The request provably never left this machine, so nothing was charged."""

    retryable = True


class Unavailable(ProviderError):
    """The provider is down or unreachable. The request was free, so it may be sent again."""

    retryable = True


class Ambiguous(ProviderError):
    """A billable request left and no clear answer came back: it may have run, and cost money."""


class BadReply(ProviderError):
    """A success status with a body that makes no sense."""
