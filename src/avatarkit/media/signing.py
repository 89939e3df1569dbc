"""Signed links to stored files: pure functions that create and check them."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from typing import Literal
from urllib.parse import quote

from ..errors import ConfigError

#: Longest lifetime of a link in seconds: a week, as with S3.
LONGEST = 7 * 86_400

_SHORTEST_SECRET = 16  # bytes
_DIGITS = 12  # of a time in seconds; more digits are no valid time


def sign(secret: bytes, key: str, expires: int) -> str:
    """Signature of a link to ``key`` that works until ``expires``, seconds since 1970.

    HMAC-SHA256 in base64url. Raises ``ConfigError`` for a secret that could be guessed.
    """
    require_unguessable(secret)
    message = f"avatarkit-media-1\n{expires}\n{key}".encode(errors="surrogatepass")
    digest = hmac.new(secret, message, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def require_unguessable(secret: bytes, name: str = "the secret that signs links to media") -> None:
    """Raise ``ConfigError`` for a secret, called ``name``, that could be guessed."""
    if len(secret) < _SHORTEST_SECRET:
        raise ConfigError(
            f"{name} has less than {_SHORTEST_SECRET} bytes: use "
            "a random one, for example python -c 'import secrets; print(secrets.token_hex(32))'"
        )


def require_lifetime(seconds: float) -> None:
    """Raise ``ConfigError`` unless a link may live for so many seconds."""
    if not 0 < seconds <= LONGEST:
        raise ConfigError("a link lives from one second to seven days")


def link(base_url: str, secret: bytes, key: str, expires: int) -> str:
    """Signed link: ``<base_url>/media/<key>?expires=<seconds>&signature=<base64url>``."""
    place = f"{base_url.rstrip('/')}/media/{quote(key)}"
    return f"{place}?expires={expires}&signature={sign(secret, key, expires)}"


def check(
    secrets: Sequence[bytes], key: str, expires: str, signature: str, now: float
) -> Literal["valid", "expired", "forged"]:
    """Check a link; ``expires`` and ``signature`` are untrusted.

    Any of ``secrets`` may have signed it; there are several during a rotation. All are tried, in
    constant time. An expiry further away than the longest lifetime is forged.
    """
    if not (expires.isascii() and expires.isdigit() and len(expires) <= _DIGITS):
        return "forged"
    moment, given = int(expires), signature.encode(errors="replace")
    signed = [hmac.compare_digest(sign(s, key, moment).encode(), given) for s in secrets]
    if not any(signed) or moment > now + LONGEST:
        return "forged"
    return "valid" if now < moment else "expired"
