"""The command line; ``main`` needs the ``cli`` extra."""

from __future__ import annotations

import sys

__all__ = ["main"]

#: Packages of the ``cli`` extra.
_EXTRA = frozenset({"typer", "rich", "click"})
_NOT_INSTALLED = 3


def main() -> int:
    """Run ``avatarkit``: the console entry point."""
    try:
        from .app import app
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        sys.stderr.write(
            'avatarkit: the command line needs more packages: pip install "avatarkit-sdk[cli]"\n'
        )
        return _NOT_INSTALLED
    app()
    return 0
