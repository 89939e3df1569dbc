"""Checks of a deployment, which ``avatarkit doctor`` prints and the operators' page shows."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

import anyio

from .. import errors
from .._log import cleaned
from ..content.files import whole
from ..http.supabase_keys import TOKEN_KEYS, is_token
from ..interfaces import MediaStore, Sunset
from ..stacks import registry
from ..stacks.provider_pool import ProviderPool

#: Seconds in which the media store must accept a small file.
STORE_SECONDS = 20.0
#: Warn this long before a vendor ends a service that we use.
_NEAR = timedelta(days=180)

Verdict = Literal["ok", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Check:
    """One check and its result."""

    subject: str  #: such as "media" or "provider heygen"
    verdict: Verdict
    detail: str = ""  #: message: what is wrong, and what to do


async def checked(subject: str, work: Callable[[], Awaitable[None]]) -> Check:
    """Run one check; an error becomes its result."""
    try:
        await work()
    except errors.AvatarKitError as error:
        return Check(subject, "error", cleaned(str(error)))
    except Exception as error:  # noqa: BLE001 - the next check runs after any error
        return Check(subject, "error", f"{type(error).__name__}: see the server's log.")
    return Check(subject, "ok")


async def write_to(store: MediaStore, name: str = "The media store") -> None:
    """Write a small file to a media store and delete it; raises ``StorageError``."""
    key = f"doctor/{secrets.token_hex(8)}.txt"
    try:
        with anyio.fail_after(STORE_SECONDS):
            await store.put(key, whole(b"avatarkit"), "text/plain")
            await store.delete(key)
    except TimeoutError:
        raise errors.StorageError(
            f"{name} does not respond. Check the address and the network."
        ) from None


def of_providers(pool: ProviderPool, names: Sequence[str]) -> Iterator[Check]:
    """Check that each provider can be used, such as that it has its key."""
    for name in names:
        try:
            pool.provider(name)
        except errors.AvatarKitError as error:
            yield Check(f"provider {name}", "error", cleaned(str(error)))
        else:
            yield Check(f"provider {name}", "ok")


def day_of(at: float) -> date:
    """Return the day of a time in seconds since 1970, in UTC."""
    return datetime.fromtimestamp(at, UTC).date()


def of_endings(names: Sequence[str], environ: Mapping[str, str], today: date) -> Iterator[Check]:
    """Check the sunset dates of vendors' services; warn if we use one that ends soon."""
    for name in names:
        try:
            sunsets = getattr(registry.load(name), "sunsets", ())
        except errors.ConfigError:
            continue
        for sunset in sunsets:
            yield of_ending(name, sunset, today)
    key = environ.get("SUPABASE_SERVICE_ROLE_KEY")
    if key and is_token(key):
        yield of_ending("supabase", TOKEN_KEYS, today)


def of_ending(name: str, sunset: Sunset, today: date) -> Check:
    """Check one sunset date."""
    verb = "ended" if sunset.ends < today else "end"
    return Check(
        f"sunset {name}",
        "warning" if sunset.used and sunset.ends - today <= _NEAR else "ok",
        f"{sunset.what} {verb} on {sunset.ends}: use {sunset.instead}",
    )
