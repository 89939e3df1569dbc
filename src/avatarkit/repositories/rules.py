"""What every repository decides alike: cursors, jobs, clones, and what may be saved."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Literal, NoReturn, TypeVar
from uuid import UUID

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from ..errors import ConfigError, IllegalTransition, NotFound, StorageError
from ..interfaces import LogEntry
from ..models import Model, Operation
from ..records import Instant, Record, Status

__all__ = [
    "ERASED",
    "UNREADABLE_PAUSE",
    "JobKey",
    "as_stored",
    "describe",
    "held",
    "hidden_clone",
    "jobs_of",
    "keep_final",
    "log_key",
    "pack_cursor",
    "page_filter",
    "place",
    "reservation",
    "unpack_cursor",
    "waits_for",
    "whose",
]

M = TypeVar("M", bound=Model)

#: A record that cannot be read is looked at again after so many seconds.
UNREADABLE_PAUSE = 60.0

#: What is removed of a user beside records, in this order; then how many records are not deleted.
ERASED = ("samples", "consents", "deliveries", "clones", "live")

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
        datetime.fromtimestamp(place[0], UTC)  # beyond its years no database has a time
        place[1].encode()  # nor half of a pair of surrogates
    except (ValueError, TypeError, OverflowError, OSError, RecursionError) as error:
        raise _malformed(cursor) from error
    if "\0" in place[1]:
        raise _malformed(cursor)
    return place


def _malformed(cursor: str) -> ConfigError:
    return ConfigError(
        f"{cursor[:40]!r} is no cursor of this list: pass Page.cursor on unchanged, or None"
    )


def log_key(entry: LogEntry) -> str:
    """What orders deliveries of one moment."""
    return f"{entry.provider} {entry.event_id}"


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
    """Every job by which ``record`` is to be found: duplicates and earlier stacks' included."""
    return {
        (state.provider, state.operation, job_id)
        for state in record.every_operation
        for job_id in (state.job_id, *state.duplicates)
        if job_id
    }


def whose(user_id: str | None) -> str | None:
    """A user in what is held, which outlives the user's name in its record; None is everybody.

    A UUID in any spelling is one user, as it is to a database that has a type for them.
    """
    if user_id is None:
        return None
    return hashlib.sha256(f"avatarkit reservation of {spelt(user_id)}".encode()).hexdigest()


def spelt(an_id: str) -> str:
    """An id as a database with a type for UUIDs writes it."""
    with suppress(ValueError):
        return str(UUID(an_id))
    return an_id


def reservation(record: Record, before: Record | None = None) -> dict[str, Any] | None:
    """The row that says what ``record`` holds; None where it is what it was, or nothing was."""
    holds = record.holds
    if holds == (before.holds if before else (0, 0)):
        return None
    reserved, spent = holds
    return {
        "record_id": record.id,
        "whose": whose((before or record).user_id),  # a purged record names nobody
        "at": record.created_at,
        "reserved": reserved,
        "spent": spent,
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
    try:
        document = model.model_dump_json(warnings="error")
    except PydanticSerializationError:  # a value of another type than its field's
        return _read_back(model)
    if 'NaN"' in document or 'Infinity"' in document:  # as ``Model`` writes them, or in a text
        _refuse_infinite(model)
    return (document, model) if all(map(_plain, _undeclared(model))) else _read_back(model)


def _read_back(model: M) -> tuple[str, M]:
    try:
        _refuse_infinite(model)
        document = model.model_dump_json(warnings=False)
        return document, type(model).model_validate_json(document)
    except ValidationError as error:
        raise _unkeepable(describe(error)) from None
    except PydanticSerializationError:
        raise _unkeepable("a value of a type that JSON has not") from None


def _unkeepable(what: str) -> StorageError:
    return StorageError(f"this cannot be kept as JSON: {what}")


def _refuse_infinite(model: Model) -> None:
    """Raise ``StorageError`` that names the numbers which JSON has not."""
    found = ", ".join(_infinite(model.model_dump(warnings=False)))
    if found:
        raise _unkeepable(found)


def _infinite(value: Any, path: str = "") -> Iterator[str]:
    """The paths of infinite numbers and NaN in what a model dumps."""
    if isinstance(value, float) and not math.isfinite(value):
        yield path
    items: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, Mapping):
        items = value.items()
    elif isinstance(value, list | tuple):
        items = enumerate(value)
    for name, part in items:
        yield from _infinite(part, f"{path}.{name}".lstrip("."))


def _undeclared(model: Model) -> Iterator[Any]:
    """The values of a model that may have any type."""
    if isinstance(model, Record):
        yield from model.options
        yield from (state.prepared for state in model.every_operation if state.prepared)


_PLAIN = frozenset({str, int, float, bool, type(None)})


def _plain(value: Any) -> bool:
    """Whether JSON gives the very same back; of a tuple it makes a list."""
    if type(value) is dict:
        return all(type(name) is str and _plain(part) for name, part in value.items())
    return all(map(_plain, value)) if type(value) is list else type(value) in _PLAIN


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
