"""Idempotency keys: recognise a repeated order; refuse another order under the same key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

import anyio

from .. import errors
from ..content.files import sha256
from ..models import Consent, SampleRole
from ..records import Record
from .recordings import Gathering

R = TypeVar("R", bound=Record)

#: Parts of a consent that a repeated request repeats; its time and the path of its evidence are
#: often those of the request.
_AGREED = (
    "subject",
    "real_person",
    "reason",
    "wording",
    "wording_version",
    "purposes",
    "expires_at",
)


def fingerprint(**parts: Any) -> dict[str, str]:
    """Digests of the parts of an order; a part that cannot be known (None) is left out."""
    return {
        name: hashlib.sha256(_text(part).encode()).hexdigest()[:16]
        for name, part in parts.items()
        if part is not None
    }


def _text(part: Any) -> str:
    return json.dumps(part, ensure_ascii=False, sort_keys=True, default=str)


def agreed(consent: Consent | None) -> dict[str, Any]:
    """The parts of a consent that a repeated order repeats."""
    known = consent.model_dump(mode="json") if consent else {}
    return {name: known.get(name) for name in _AGREED}


async def read_again(gathering: Gathering, role: SampleRole) -> list[str] | None:
    """Digests of the given recordings in a role, sorted; None if there are none.

    Nor if one cannot be read any more: that does not make a repeated order another one.
    """
    with suppress(OSError, errors.AvatarKitError):
        files, _ = await gathering.of({role})
        return digests([await anyio.to_thread.run_sync(sha256, file.path) for file in files])
    return None


def digests(found: Iterable[str | None]) -> list[str] | None:
    """Sort digests; None for none."""
    return sorted({digest for digest in found if digest}) or None


def require_same(known: R, request: Mapping[str, str]) -> R:
    """Return the record that an earlier order under the same idempotency key has made.

    Raises ``Conflict`` if that was another request, or if the record was deleted.
    """
    if known.deleted:
        raise errors.Conflict(
            f"the record of this idempotency key was deleted ({known.id}): use a new key"
        )
    different = [name for name, part in request.items() if part != known.request.get(name, part)]
    if different:
        raise errors.Conflict(
            f"this idempotency key was used for another request, that of {known.id}, with another "
            f"{', '.join(different)}. Use a new key, or repeat the earlier request unchanged"
        )
    return known
