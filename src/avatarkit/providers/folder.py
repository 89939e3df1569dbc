"""Account name of a provider that keeps its results in a folder of this machine."""

from __future__ import annotations

import secrets
from pathlib import Path

from ..content.files import kept_once
from ..errors import StorageError


def account_of(home: Path) -> str:
    """Return the account name of the folder ``home``; it is created at first use.

    The name is kept in the folder, so it does not depend on the mount point. A process with another
    folder has another account, and neither looks for the jobs of this one nor reports them as
    deleted. Raises ``StorageError`` if the folder cannot be used.
    """
    file = home / "account"

    try:
        found = kept_once(file, lambda: f"home-{secrets.token_hex(8)}")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "its name is damaged"
        raise StorageError(
            f"{home} cannot be used ({why}): let this user write there, or name another folder in "
            "AVATARKIT_HOME"
        ) from error
    if not found:
        raise StorageError(f"{file} is empty: bring it back from a backup")
    return found
