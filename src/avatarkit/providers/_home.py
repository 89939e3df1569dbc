"""A folder as an account: of providers that keep what they make on this machine."""

from __future__ import annotations

import secrets
from pathlib import Path

from ..content.files import kept_once
from ..errors import StorageError

__all__ = ["account_of"]


def account_of(home: Path, *, was: str) -> str:
    """The name of what lies in ``home``, wherever that is mounted; made when first asked for.

    A process with another folder thus has another account, and neither looks for a job of this one
    nor believes that it is deleted. A folder in which something lies already, from before folders
    had names, is called what it ``was``. Raises ``StorageError`` where it cannot be used.
    """
    file = home / "account"

    def named() -> str:
        return was if any(home.glob("*/*")) else f"home-{secrets.token_hex(8)}"

    try:
        found = kept_once(file, named)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "its name is damaged"
        raise StorageError(
            f"{home} cannot be used ({why}): let this user write there, or name another folder in "
            "AVATARKIT_HOME"
        ) from error
    if not found:
        raise StorageError(f"{file} is empty: bring it back from a backup")
    return found
