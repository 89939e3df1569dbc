"""The ASGI app: HTTP API, webhook endpoint, live progress, media and dashboard.

Needs the ``server`` extra.
"""

from __future__ import annotations

from ..errors import ConfigError

try:
    from .app import create_app
    from .auth import Authenticate, BearerTokens, Principal, StartupToken, SupabaseTokens
    from .guards import RateLimit
    from .uploads import Allowance
except ModuleNotFoundError as error:  # pragma: no cover - the extra is not installed
    if (error.name or "").partition(".")[0] not in {"starlette", "sse_starlette", "jwt"}:
        raise
    raise ConfigError(
        f'the server needs more packages: pip install "avatarkit-sdk[server]" ({error})'
    ) from None

__all__ = [
    "Allowance",
    "Authenticate",
    "BearerTokens",
    "Principal",
    "RateLimit",
    "StartupToken",
    "SupabaseTokens",
    "create_app",
]
