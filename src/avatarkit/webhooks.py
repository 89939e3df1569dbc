"""Webhook deliveries: signature checks and parsing, as pure functions of bytes."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, cast, runtime_checkable
from urllib.parse import quote

from pydantic import SecretStr

from ._text import mended_value, read_json
from .errors import ConfigError, WebhookRejected

__all__ = [
    "Delivery",
    "HmacSha256",
    "Inboxes",
    "Registered",
    "Registers",
    "Scheme",
    "Unsigned",
    "require_unguessable",
]

#: Unix time as vendors write it; longer runs of digits are no time, and int() rejects the longest.
_SECONDS = re.compile(r"[0-9]{1,15}")

_SHORTEST = 16  # characters; a shorter secret could be guessed


@dataclass(frozen=True, slots=True)
class Delivery:
    """Received webhook request: its exact bytes, headers by lower-case name, and time."""

    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    received: float = field(default_factory=time.time)  #: seconds since 1970

    def __post_init__(self) -> None:
        body, headers = cast("tuple[object, object]", (self.body, self.headers))
        if not (isinstance(body, bytes) and isinstance(headers, Mapping)):
            raise ConfigError("a Delivery has a body of bytes, and headers as a mapping")

    def json(self) -> dict[str, Any]:
        """Parse the body; raises ``WebhookRejected`` if it is not a JSON object in UTF-8.

        Characters that cannot be stored are replaced by U+FFFD.
        """
        try:
            value = mended_value(read_json(self.body))
        except (ValueError, RecursionError) as error:
            raise WebhookRejected("the body is not JSON") from error
        if not isinstance(value, dict):
            raise WebhookRejected("the body is not a JSON object")
        return cast("dict[str, Any]", value)

    @property
    def digest(self) -> str:
        """SHA-256 of the body in hex: the event's id if the vendor gives none."""
        return hashlib.sha256(self.body).hexdigest()


def require_unguessable(what: str, secret: str) -> None:
    """Raise ``ConfigError`` if a secret is short enough to be guessed; ``what`` is its name."""
    if len(secret) < _SHORTEST:
        raise ConfigError(
            f"{what} has less than {_SHORTEST} characters: use "
            "python -c 'import secrets; print(secrets.token_urlsafe(32))'"
        )


@dataclass(frozen=True, slots=True)
class Inboxes:
    """Webhook addresses for vendors: ``<public_url>/webhooks/<provider>/<secret>``.

    Raises ``ConfigError`` for a secret that could be guessed: for vendors without signatures, the
    secret is the only protection.
    """

    public_url: str
    secret: str = field(repr=False)

    def __post_init__(self) -> None:
        require_unguessable("AVATARKIT_WEBHOOK_SECRET", self.secret)

    def address(self, provider: str, token: str | None = None) -> str:
        """Return the address for a provider; ``token`` names the operation of its callbacks."""
        place = f"{self.public_url.rstrip('/')}/webhooks/{provider}/{quote(self.secret, safe='')}"
        return f"{place}?job={quote(token, safe='')}" if token else place


@dataclass(frozen=True, slots=True)
class Registered:
    """Registered webhook: its id at the vendor, and the secret of its signatures."""

    id: str
    secret: SecretStr = field(repr=False)  #: the vendor returns it only once


@runtime_checkable
class Registers(Protocol):
    """Provider with an API call to register webhooks."""

    async def register_webhook(self, url: str) -> Registered:
        """Register ``url`` for signed webhooks."""
        ...


class Scheme(Protocol):
    """Signature scheme of a provider's webhooks."""

    @property
    def signed(self) -> bool:
        """True if deliveries are signed; unsigned ones only start a poll."""
        ...

    def check(self, delivery: Delivery, secrets: Sequence[bytes]) -> None:
        """Raise ``WebhookRejected`` unless one of ``secrets`` signed the delivery."""
        ...


@dataclass(frozen=True, slots=True)
class Unsigned:
    """Scheme without signatures: a delivery only starts a poll."""

    signed: bool = False

    def check(self, delivery: Delivery, secrets: Sequence[bytes]) -> None:
        """Accept every delivery."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HmacSha256:
    """HMAC-SHA256 over ``<unix time>.<body>``, or over the body alone; hex.

    With ``version``, ``header`` is ``t=<unix time>,<version>=<hex>``, with several signatures while
    a secret is rotated. Without it, ``header`` is the bare hex digest, and ``time_header`` may name
    a second header with the time, which is signed if ``time_signed``. ``tolerance`` is the maximum
    difference of a signed time from now, in seconds; an unsigned time is ignored.
    """

    header: str
    version: str | None = "v1"
    time_header: str | None = None
    time_signed: bool = True
    tolerance: float = 300
    signed: bool = True

    def check(self, delivery: Delivery, secrets: Sequence[bytes]) -> None:
        """Compare every signature with every secret in constant time."""
        if not secrets:
            raise WebhookRejected("no webhook secret is configured: set webhook_secrets")
        stamp, given = self._signatures(delivery)
        message = self._signed(delivery, stamp)
        wanted = [hmac.new(s, message, hashlib.sha256).hexdigest() for s in secrets]
        matches = [hmac.compare_digest(w.encode(), g.encode()) for w in wanted for g in given]
        if not any(matches):
            raise WebhookRejected("no signature matches")

    def _signatures(self, delivery: Delivery) -> tuple[str, list[str]]:
        """Read the timestamp, empty if there is none, and the signatures of our version."""
        value = delivery.headers.get(self.header.lower(), "")
        if self.version is None:
            return delivery.headers.get((self.time_header or "").lower(), ""), [value]
        pairs = [part.strip().partition("=") for part in value.split(",")]
        stamp = next((v for k, _, v in pairs if k == "t"), "")
        return stamp, [v for k, _, v in pairs if k == self.version]

    def _signed(self, delivery: Delivery, stamp: str) -> bytes:
        """Return the bytes that are signed; raises ``WebhookRejected`` for an old timestamp."""
        timed = self.version is not None or self.time_header is not None
        if not (self.time_signed and timed):
            return delivery.body
        if not _SECONDS.fullmatch(stamp) or abs(delivery.received - int(stamp)) > self.tolerance:
            raise WebhookRejected("the timestamp is missing, too old or too new")
        return stamp.encode() + b"." + delivery.body
