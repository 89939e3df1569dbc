"""How a request shows the key of a Supabase project."""

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
    """Whether it is a JSON web token, as the keys of older projects and those of users are."""
    return not key.startswith("sb_")


def key_headers(key: str, token: str | None = None) -> dict[str, str]:
    """The headers of a project's key, and of a user's ``token`` where there is one.

    The new keys (``sb_...``) are no tokens: they go into a header of their own only. An older one
    is a JSON web token, and speaks for itself where no user's does (Supabase's discussion 52680).
    """
    bearer = token or key
    authorization = {"authorization": f"Bearer {bearer}"} if is_token(bearer) else {}
    return {"apikey": key, **authorization}
