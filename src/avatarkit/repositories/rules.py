"""What every repository decides alike: cursors, jobs, clones, and what may be saved."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Collection
from typing import Literal, NoReturn, TypeVar

from pydantic import ValidationError

from ..errors import ConfigError, IllegalTransition, NotFound, StorageError
from ..models import Model, Operation
from ..records import Instant, Record, Status

__all__ = [
    "JobKey",
    "as_stored",
    "describe",
    "held",
    "hidden_clone",
    "jobs_of",
    "keep_final",
    "pack_cursor",
    "page_filter",
    "place",
    "unpack_cursor",
    "waits_for",
]

M = TypeVar("M", bound=Model)

#: Provider, operation, job id.
JobKey = tuple[str, Operation, str]


def pack_cursor(created_at: float, record_id: str) -> str:
    """The opaque text that asks for what comes after this record in a page."""
    place = json.dumps([created_at, record_id], separators=(",", ":"))
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def unpack_cursor(cursor: str) -> tuple[float, str]:
    """``created_at`` and id of the last record seen; raises ``ConfigError``."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        created_at, record_id = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        place = float(created_at), str(record_id)
    except (ValueError, TypeError) as error:
        raise _malformed(cursor) from error
    if not math.isfinite(place[0]):
        raise _malformed(cursor)
    return place


def _malformed(cursor: str) -> ConfigError:
    return ConfigError(
        f"{cursor[:40]!r} is no cursor of this list: pass Page.cursor on unchanged, or None"
    )


def page_filter(
    kind: Literal["training", "video"],
    user_id: str | None,
    clone_id: str | None,
    training_id: str | None,
    status: Status | None,
) -> dict[str, str]:
    """The fields that the records of a page must have; a training belongs to itself."""
    wanted = {
        "user_id": user_id,
        "clone_id": clone_id,
        "id" if kind == "training" else "training_id": training_id,
        "status": status,
    }
    return {name: value for name, value in wanted.items() if value is not None}


def jobs_of(record: Record) -> set[JobKey]:
    """Every job by which ``record`` is to be found, duplicates included."""
    return {
        (state.provider, state.operation, job_id)
        for state in record.operations
        for job_id in (state.job_id, *state.duplicates)
        if job_id
    }


def keep_final(record_id: str, before: Status, after: Status) -> None:
    """Raise ``IllegalTransition`` where the status of a final record would change."""
    if before.final and after is not before:
        raise IllegalTransition(
            f"{record_id} is {before}, which is final: it cannot become {after}"
        )


def as_stored(model: M) -> tuple[str, M]:
    """The document to be kept, and what will be read from it.

    Raises ``StorageError`` where it could not be read again, as with an infinite time.
    """
    document = model.model_dump_json()
    try:
        return document, type(model).model_validate_json(document)
    except ValidationError as error:
        raise StorageError(f"this cannot be kept as JSON: {describe(error)}") from None


def describe(error: ValidationError) -> str:
    """Which fields are wrong; not what is in them, which is personal."""
    return ", ".join(".".join(map(str, e["loc"])) or e["type"] for e in error.errors()[:3])


def held(until: float | None, boot_id: str | None, now: Instant) -> bool:
    """Whether a lease that ends at boot time ``until`` still holds; a reboot ends it."""
    return until is not None and boot_id == now.boot_id and now.boot < until


def waits_for(record: Record) -> str:
    """The provider of the first operation that is not done, else of the last."""
    states = record.operations
    return next((s.provider for s in states if not s.succeeded), states[-1].provider)


#: Who finds all places taken asks again after so many seconds, at the latest.
_PLACE_PAUSE = 0.5


def place(
    now: float,
    ends: Collection[float],
    paced: float | None,
    places: int | None,
    rate: float | None,
) -> tuple[float, float | None]:
    """Decide on a place at an account, of which others hold some until ``ends``.

    Returns how many seconds to wait (0.0: it may be taken) and the account's new ``paced``. The
    rate is a leaky bucket as a meter (GCRA), which is empty at ``paced`` and holds one second's
    requests.
    """
    if places is not None and len(ends) >= places:
        return min(_PLACE_PAUSE, min(ends) - now), paced
    if rate is None:
        return 0.0, paced
    paced = max(now if paced is None else paced, now)
    wait = paced - now - (max(1.0, rate) - 1.0) / rate
    return (wait, paced) if wait > 1e-6 else (0.0, paced + 1.0 / rate)


def hidden_clone(clone_id: str) -> NoReturn:
    """Answer for a clone of somebody else as for one that is not there; raises ``NotFound``."""
    raise NotFound(f"there is no clone {clone_id!r}: use an id of this user, or a new one")
