"""Keys of stored files: the same rules for all media stores."""

from __future__ import annotations

import re

from ..errors import ConfigError

_LONGEST_NAME = 255  # bytes; the limit of the usual file systems
_FORBIDDEN = re.compile(r"^\.|[\0\\\ud800-\udfff]")


def names_of(key: str) -> list[str]:
    """Split a key at ``/`` into names; raises ``ConfigError``.

    No name is empty or starts with a dot, so that a key cannot leave its store. Names have up to
    255 bytes, without NUL, backslash and lone surrogates.
    """
    names = key.split("/")
    for name in names:
        size = len(name.encode(errors="replace"))
        if not 0 < size <= _LONGEST_NAME or _FORBIDDEN.search(name):
            raise ConfigError(
                f"{key[:80]!r} is no key: use names joined by '/', none empty or starting with '.'"
            )
    return names
