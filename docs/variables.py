"""Environment variables that avatarkit reads: the table in ``variables.toml``.

Each name that begins with ``AVATARKIT_`` and occurs in the source stands there exactly once; a test
compares the two. Names with ``<PROVIDER>`` are read for each provider: its name in upper case, with
``_`` for each character that is no letter or digit (``d-id``: ``AVATARKIT_D_ID_API_KEY``).
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

PROVIDER = "<PROVIDER>"
OTHER = "<OTHER>"
_PARTS = {PROVIDER: "[A-Z0-9_]+", OTHER: "[A-Z0-9_]+", "<HOST>": "(?!BASE)[A-Z]+"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """One environment variable; ``argument`` is the Python argument that takes its place."""

    name: str
    meaning: str
    default: str = "none"
    argument: str = "-"
    read_by: tuple[str, ...] = ("client",)
    secret: bool = False

    def matches(self, name: str) -> bool:
        """Return True if ``name`` is this variable, or one of the family that it describes."""
        pattern = re.escape(self.name)
        for part, letters in _PARTS.items():
            pattern = pattern.replace(re.escape(part), letters)
        return re.fullmatch(pattern, name) is not None


_TABLE = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
VARIABLES = tuple(Variable(**row) for row in _TABLE["variables"])
#: Variables of other programs.
FOREIGN = tuple(Variable(**row) for row in _TABLE["foreign"])
