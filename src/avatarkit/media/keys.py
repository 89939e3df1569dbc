"""What a key is, in every store alike: what one store takes, another takes as well."""

from __future__ import annotations

from ..errors import ConfigError

__all__ = ["names_of"]

_LONGEST_NAME = 255  # bytes; what the usual file systems allow


def names_of(key: str) -> list[str]:
    """The names that a key is made of, joined by ``/``; raises ``ConfigError``.

    None of them is empty or starts with a dot, so a key can name nothing outside its store.
    """
    names = key.split("/")
    if not all(_is_name(name) for name in names):
        raise ConfigError(
            f"{key[:80]!r} is no key: use names joined by '/', none empty or starting with '.'"
        )
    return names


def _is_name(name: str) -> bool:
    try:
        encoded = name.encode()
    except UnicodeEncodeError:
        return False
    forbidden = name.startswith(".") or "\0" in name or "\\" in name
    return 0 < len(encoded) <= _LONGEST_NAME and not forbidden
