"""The command line; ``main`` needs the ``cli`` extra."""

from __future__ import annotations

import io
import os
import sys
from typing import cast

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
    _prepare_output()
    app()
    return 0


def _prepare_output() -> None:
    """Let every text be printed: as escapes in an encoding without it, and nowhere if closed."""
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123
    stdout: object = sys.stdout
    if isinstance(stdout, io.TextIOWrapper):
        cast("io.TextIOWrapper", stdout).reconfigure(errors="backslashreplace")
