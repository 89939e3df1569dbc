"""How a command ends: the one table from errors to exit codes, and their one-line report."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from .. import errors
from .._log import cleaned

__all__ = [
    "ACTION_REQUIRED",
    "BUG",
    "EXIT_CODES",
    "FAILED",
    "INTERRUPTED",
    "MEANINGS",
    "OVERDUE",
    "Ended",
    "ended",
]

BUG: Final = 1
ACTION_REQUIRED: Final = 9
FAILED: Final = 10
OVERDUE: Final = 13
INTERRUPTED: Final = 130

#: What each exit code says; shown below ``avatarkit --help``.
MEANINGS: Mapping[int, str] = MappingProxyType(
    {
        0: "all went well",
        BUG: "a bug in avatarkit",
        2: "the command was not understood",
        3: "something is set up wrongly, not supported, or over the allowed cost",
        4: "a recording or text cannot be used",
        5: "the consent of the person shown is missing",
        6: "there is no such training or video",
        7: "the provider refused: key, credits, plan or content",
        8: "the provider is not available, too busy, or gave no clear answer",
        ACTION_REQUIRED: "a person must act before it goes on",
        FAILED: "the training or video failed or was cancelled",
        11: "the disk, folder or database cannot be written",
        12: "it does not fit what the training or video is doing now",
        OVERDUE: "something waits for a worker, and none takes it",
        INTERRUPTED: "interrupted; what was begun is kept",
    }
)

#: Each error class and its exit code; a subclass without a line of its own has its base's.
EXIT_CODES: Mapping[type[Exception], int] = MappingProxyType(
    {
        errors.ConfigError: 3,
        errors.Unsupported: 3,
        errors.ServiceDiscontinued: 3,
        errors.BudgetExceeded: 3,
        errors.MediaRejected: 4,
        errors.WebhookRejected: 4,
        errors.ConsentRequired: 5,
        errors.NotFound: 6,
        errors.AuthError: 7,
        errors.QuotaError: 7,
        errors.PlanError: 7,
        errors.Refused: 7,
        errors.ModerationRefused: 7,
        errors.ProviderError: 8,
        errors.RateLimited: 8,
        errors.NotSent: 8,
        errors.Unavailable: 8,
        errors.Ambiguous: 8,
        errors.BadReply: 8,
        errors.StorageError: 11,
        errors.Conflict: 12,
        errors.IllegalTransition: 12,
    }
)


class Ended(Exception):
    """A command is over, and not with success: what is reported, and the exit code."""

    def __init__(self, kind: str, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.kind = kind  #: the error's class, or one word
        self.message = " ".join(message.split())
        self.exit_code = exit_code


def ended(error: Exception) -> Ended:
    """What ``error`` means to a shell."""
    if isinstance(error, Ended):
        return error
    kind = type(error)
    code = next((EXIT_CODES[base] for base in kind.__mro__ if base in EXIT_CODES), BUG)
    message = cleaned(str(error)) or kind.__name__
    if code == BUG:
        message = f"this is a bug in avatarkit, and --debug shows where: {kind.__name__}: {message}"
    return Ended(kind.__name__, message, code)
