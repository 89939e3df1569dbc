"""Exit codes of the command line: one table for ``--help``, the documentation and errors."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from .. import errors
from .._log import cleaned

BUG: Final = 1
ACTION_REQUIRED: Final = 9
FAILED: Final = 10
OVERDUE: Final = 13
INTERRUPTED: Final = 130


class ExitCode(NamedTuple):
    """An exit code, its meaning, and the error classes that lead to it."""

    code: int
    meaning: str
    errors: tuple[type[Exception], ...] = ()


TABLE: Final = (
    ExitCode(0, "success"),
    ExitCode(BUG, "a bug in avatarkit", (errors.NotOpen,)),
    ExitCode(2, "invalid command line"),
    ExitCode(
        3,
        "invalid configuration, unsupported operation, or over the cost limit",
        (
            errors.ConfigError,
            errors.InvalidCursor,
            errors.Unsupported,
            errors.ServiceDiscontinued,
            errors.BudgetExceeded,
        ),
    ),
    ExitCode(
        4, "a recording or text cannot be used", (errors.MediaRejected, errors.WebhookRejected)
    ),
    ExitCode(5, "consent of the person shown is missing", (errors.ConsentRequired,)),
    ExitCode(6, "no such training or video", (errors.NotFound,)),
    ExitCode(
        7,
        "the provider refused: key, credits, plan or content",
        (
            errors.AuthError,
            errors.QuotaError,
            errors.PlanError,
            errors.Refused,
            errors.ModerationRefused,
        ),
    ),
    ExitCode(
        8,
        "the provider is unavailable, overloaded, or gave no clear answer",
        (
            errors.ProviderError,
            errors.RateLimited,
            errors.NotSent,
            errors.Unavailable,
            errors.Ambiguous,
            errors.BadReply,
        ),
    ),
    ExitCode(ACTION_REQUIRED, "a person must act before it continues"),
    ExitCode(FAILED, "the training or video failed or was cancelled"),
    ExitCode(11, "a disk, folder or database cannot be read or written", (errors.StorageError,)),
    ExitCode(
        12,
        "not possible in the current state of the training or video",
        (errors.Conflict, errors.IllegalTransition),
    ),
    ExitCode(OVERDUE, "records are overdue: no worker processes them"),
    ExitCode(INTERRUPTED, "interrupted; running jobs are kept"),
)

#: Exit code of each error class; a subclass that is not listed has its base class's.
EXIT_CODES: Final[Mapping[type[Exception], int]] = MappingProxyType(
    {error: row.code for row in TABLE for error in row.errors}
)


class Ended(Exception):
    """Ends a command without success: reason and exit code."""

    def __init__(self, kind: str, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.kind = kind  #: the error's class name, or one word
        self.message = " ".join(message.split())
        self.exit_code = exit_code


def ended(error: Exception) -> Ended:
    """Convert an error to a message and an exit code."""
    if isinstance(error, Ended):
        return error
    kind = type(error)
    code = next((EXIT_CODES[base] for base in kind.__mro__ if base in EXIT_CODES), BUG)
    message = cleaned(str(error)) or kind.__name__
    if code == BUG:
        message = f"this is a bug in avatarkit; --debug shows where: {kind.__name__}: {message}"
    return Ended(kind.__name__, message, code)
