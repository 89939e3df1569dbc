"""The command line; everything behind ``main`` needs the ``cli`` extra."""

from __future__ import annotations

import sys

__all__ = ["main"]

#: What the ``cli`` extra brings; without any of it there is no command line.
_EXTRA = frozenset({"typer", "rich", "click"})
_NOT_INSTALLED = 3


def main() -> int:
    """Run ``avatarkit``; the console entry."""
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
