"""How a request shows the key of a Supabase project."""

from __future__ import annotations

__all__ = ["key_headers"]


def key_headers(key: str, token: str | None = None) -> dict[str, str]:
    """The headers of a project's key, and of a user's ``token`` where there is one.

    The new keys (``sb_...``) are no tokens: they go into a header of their own only. An older one
    is a JSON web token, and speaks for itself where no user's does (Supabase's discussion 52680).
    """
    bearer = token or key
    authorization = {} if bearer.startswith("sb_") else {"authorization": f"Bearer {bearer}"}
    return {"apikey": key, **authorization}
