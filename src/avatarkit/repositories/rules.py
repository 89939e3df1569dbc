"""Rules that all repositories share: cursors, jobs, budgets, and which changes are allowed."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Literal, NoReturn, TypeVar, cast
from uuid import UUID

from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from .. import _text
from ..errors import (
    BudgetExceeded,
    IllegalTransition,
    InvalidCursor,
    NotFound,
    StorageError,
)
from ..interfaces import Cap, LogEntry, dollars
from ..models import Consent, Model
from ..pricing.money import exactly
from ..records import Instant, Record, Status

M = TypeVar("M", bound=Model)

#: Seconds after which a record that cannot be read is tried again.
UNREADABLE_PAUSE = 60.0

#: Counts of what ``erase`` deletes, in this order; then the count of records that stay.
ERASED = ("samples", "consents", "deliveries", "clones", "live")


def with_evidence(known: Consent | None, given: Consent) -> Consent:
    """Return the consent to store: the known one, with new evidence if its own was dropped."""
    if known is None:
        return given
    if known.evidence_file is not None or known.revoked_at is not None:
        return known
    return known.model_copy(update={"evidence_file": given.evidence_file})


def pack_cursor(created_at: float, record_id: str) -> str:
    """Opaque cursor: the page after this record."""
    place = json.dumps([created_at, record_id], separators=(",", ":"))
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def unpack_cursor(cursor: str) -> tuple[float, str]:
    """Read a cursor: ``created_at`` and id of the last record seen; raises ``InvalidCursor``."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        created_at, record_id = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        place = float(created_at), str(record_id)
        datetime.fromtimestamp(place[0], UTC)  # no database stores other years
        place[1].encode()  # nor a lone surrogate
    except (ValueError, TypeError, OverflowError, OSError, RecursionError) as error:
        raise _malformed(cursor) from error
    if "\0" in place[1]:
        raise _malformed(cursor)
    return place


def _malformed(cursor: str) -> InvalidCursor:
    named = f"{cursor[:40]!r} is no cursor of this list"
    return InvalidCursor(f"{named}: pass Page.cursor unchanged, or None").told_over_http(
        f"{named}: send the cursor of the previous page unchanged, or leave it out"
    )


def log_key(entry: LogEntry) -> str:
    """Sort key of deliveries with the same time."""
    return f"{entry.provider} {entry.event_id}"


def page_filter(
    kind: Literal["training", "video"],
    user_id: str | None,
    clone_id: str | None,
    training_id: str | None,
    status: Status | None,
) -> dict[str, str]:
    """Fields that the records of a page must have; a training is its own ``training_id``."""
    wanted = {
        "user_id": user_id,
        "clone_id": clone_id,
        "id" if kind == "training" else "training_id": training_id,
        "status": status,
    }
    return {name: value for name, value in wanted.items() if value is not None}


def whose(user_id: str | None) -> str | None:
    """Digest of a user's id for budget rows, which outlive the user; None means all users.

    All spellings of a UUID are one user, as in a database with a UUID type.
    """
    if user_id is None:
        return None
    return hashlib.sha256(f"avatarkit reservation of {spelt(user_id)}".encode()).hexdigest()


def spelt(an_id: str) -> str:
    """Normalise an id that is a UUID, as a database with a UUID type does."""
    with suppress(ValueError):
        return str(UUID(an_id))
    return an_id


def reservation(record: Record, before: Record | None = None) -> dict[str, Any] | None:
    """Budget-reservation row for the record; None if unchanged or empty."""
    holds = record.holds
    if holds == (before.holds if before else (0, 0)):
        return None
    reserved, spent = holds
    return {
        "record_id": record.id,
        "whose": whose((before or record).user_id),  # a purged record has no user
        "at": record.created_at,
        "reserved": reserved,
        "spent": spent,
    }


def require_room(cap: Cap, held: int, asked: int) -> None:
    """Raise ``BudgetExceeded`` if ``asked`` more than ``held`` exceeds the cap (micro-dollars)."""
    over = held + asked - cap.amount
    if asked and over > 0:
        raise BudgetExceeded(
            f"{_shown(asked)} more would exceed {cap.name} by {_shown(over)}: "
            f"{_shown(held)} of {_shown(cap.amount)} is spent or reserved. Nothing was sent.",
            over=dollars(over),
            budget=cap.name,
        )


def _shown(amount: int) -> str:
    return exactly(dollars(amount))


def keep_final(record_id: str, before: Status, after: Status) -> None:
    """Raise ``IllegalTransition`` if the status of a final record would change."""
    if before.final and after is not before:
        raise IllegalTransition(
            f"{record_id} is {before}, which is final: it cannot become {after}"
        )


def as_stored(model: M) -> tuple[str, M]:
    """Document to store, and the model that will be read from it.

    Text that cannot be stored is replaced, whichever provider it came from. Raises ``StorageError``
    if the document could not be read again, as with an infinite time.
    """
    try:
        document = model.model_dump_json(warnings="error")
    except PydanticSerializationError:  # a lone surrogate, or another type than its field's
        return _read_back(model)
    if _text.suspicious(document):
        return _read_back(model)
    if 'NaN"' in document or 'Infinity"' in document:  # written by ``Model``, or part of a text
        _refuse_infinite(model)
    untyped: list[Any] = []  # values that may have any type
    if isinstance(model, Record):
        untyped += model.options
        prepared = [state.uploads.prepared for state in model.every_operation]
        untyped += [uploads for uploads in prepared if uploads]
    return (document, model) if all(map(_plain, untyped)) else _read_back(model)


def _read_back(model: M) -> tuple[str, M]:
    try:
        _refuse_infinite(model)
        model = model.mended()
        document = model.model_dump_json(warnings=False)
        return document, type(model).model_validate_json(document)
    except ValidationError as error:
        raise _unkeepable(describe(error)) from None
    except PydanticSerializationError:
        raise _unkeepable("a value has a type that JSON lacks") from None


def _unkeepable(problem: str) -> StorageError:
    return StorageError(f"this cannot be stored as JSON: {problem}")


def _refuse_infinite(model: Model) -> None:
    """Raise ``StorageError`` that names the infinite numbers, which JSON lacks."""
    found = ", ".join(_infinite(model.model_dump(warnings=False)))
    if found:
        raise _unkeepable(found)


def _infinite(value: Any, path: str = "") -> Iterator[str]:
    """Paths of infinite numbers and NaN in a dumped model."""
    if isinstance(value, float) and not math.isfinite(value):
        yield path
    items: Iterable[tuple[object, object]] = ()
    if isinstance(value, Mapping):
        items = cast("Mapping[object, object]", value).items()
    elif isinstance(value, list | tuple):
        items = enumerate(cast("Sequence[object]", value))
    for name, part in items:
        yield from _infinite(part, f"{path}.{name}".lstrip("."))


_PLAIN = frozenset({str, int, float, bool, type(None)})


def _plain(value: Any) -> bool:
    """True if JSON returns an equal value; a tuple would become a list."""
    if type(value) is dict:
        fields = cast("dict[object, object]", value).items()
        return all(type(name) is str and _plain(part) for name, part in fields)
    if type(value) is list:
        return all(map(_plain, cast("list[object]", value)))
    return type(value) in _PLAIN


def describe(error: ValidationError) -> str:
    """Names of the invalid fields; never their values, which are personal data."""
    return ", ".join(".".join(map(str, e["loc"])) or e["type"] for e in error.errors()[:3])


def held(until: float | None, boot_id: str | None, now: Instant) -> bool:
    """True if a lease that ends at boot time ``until`` is valid; a reboot ends all leases."""
    return until is not None and boot_id == now.boot_id and now.boot < until


def waits_for(record: Record) -> str:
    """Provider of the first operation that has not succeeded, else of the last."""
    states = record.operations
    return next((s.provider for s in states if not s.succeeded), states[-1].provider)


#: Seconds after which to ask again, at most, if all slots of an account are taken.
_PLACE_PAUSE = 0.5


def place(
    now: float,
    ends: Collection[float],
    paced: float | None,
    places: int | None,
    rate: float | None,
) -> tuple[float, float | None]:
    """Rate limiter of an account, whose other slots are taken until ``ends``.

    Returns the seconds to wait (0.0: a slot is free) and the account's new ``paced``. The rate is
    a leaky bucket as a meter (GCRA), which is empty at ``paced`` and holds one second's requests.
    """
    if places is not None and len(ends) >= places:
        return min(_PLACE_PAUSE, min(ends) - now), paced
    if rate is None:
        return 0.0, paced
    paced = max(now if paced is None else paced, now)
    wait = paced - now - (max(1.0, rate) - 1.0) / rate
    return (wait, paced) if wait > 1e-6 else (0.0, paced + 1.0 / rate)


def hidden_clone(clone_id: str) -> NoReturn:
    """Raise ``NotFound``: another user's clone gets the same answer as a missing one."""
    raise NotFound(f"there is no clone {clone_id!r}: use an id of this user, or a new one")
