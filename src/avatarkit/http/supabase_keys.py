"""Headers with the key of a Supabase project."""

from __future__ import annotations

from datetime import date

from ..interfaces import Sunset

__all__ = ["TOKEN_KEYS", "is_token", "key_headers"]

TOKEN_KEYS = Sunset(
    what="keys of a project that are JSON web tokens",
    ends=date(2026, 12, 31),
    instead="a secret key, sb_secret_…, from the project's settings",
    source="Supabase's discussion 52680",
    since="2026-11-22",
)


def is_token(key: str) -> bool:
    """Return True for a JSON web token: a key of an older project."""
    return not key.startswith("sb_")


def key_headers(key: str) -> dict[str, str]:
    """Build the headers for a project's key.

    New keys (``sb_...``) are not tokens and go only into their own header. An older key is a JSON
    web token, and is also the bearer token (Supabase's discussion 52680).
    """
    authorization = {"authorization": f"Bearer {key}"} if is_token(key) else {}
    return {"apikey": key, **authorization}
