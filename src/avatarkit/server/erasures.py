"""IDs of erasures: signed, because nothing about an erased user is stored."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from hashlib import sha256


def new(secret: bytes, user: str, at: float) -> str:
    """Return the ID of an erasure that a user requested ``at`` seconds since 1970."""
    millis = f"{at * 1000:.0f}"
    return f"{millis}-{_signed(secret, user, millis)}"


def requested_at(secrets: Sequence[bytes], user: str, erasure_id: str) -> float | None:
    """Return the time of a user's erasure; None for an ID that is not this user's."""
    millis, _, signature = erasure_id.partition("-")
    given = signature.encode(errors="replace")
    signed = [hmac.compare_digest(_signed(s, user, millis).encode(), given) for s in secrets]
    return int(millis) / 1000 if any(signed) else None


def _signed(secret: bytes, user: str, millis: str) -> str:
    message = f"avatarkit-erasure-1\n{millis}\n{user}".encode(errors="surrogatepass")
    return hmac.new(secret, message, sha256).hexdigest()[:40]
