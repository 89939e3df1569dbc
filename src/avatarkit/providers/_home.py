"""A folder as an account: of providers that keep what they make on this machine."""

from __future__ import annotations

import secrets
from pathlib import Path

from .._files import kept_once
from ..errors import StorageError

__all__ = ["account_of"]


def account_of(home: Path) -> str:
    """The name of what lies in ``home``, wherever that is mounted; made when first asked for.

    A process with another folder thus has another account, and neither looks for a job of this one
    nor believes that it is deleted. Raises ``StorageError`` where nothing can be written there.
    """
    try:
        return kept_once(home / "account", lambda: f"home-{secrets.token_hex(8)}")
    except OSError as error:
        raise StorageError(
            f"{home} cannot be used ({error.strerror}): let this user write there, or name another "
            "folder in AVATARKIT_HOME"
        ) from error
