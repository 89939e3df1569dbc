"""What the repositories on a database server share: its time, its errors, rows as it takes them.

They call the same functions, which the migration makes: one by a driver, one through PostgREST.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from pydantic_core import to_json

from ..errors import (
    AvatarKitError,
    ConfigError,
    Conflict,
    IllegalTransition,
    NotFound,
    StorageError,
)
from ..interfaces import Cap, Claim, Clock, LogEntry
from ..records import Instant, LedgerEntry, Record
from . import rows, rules

__all__ = [
    "MIGRATE",
    "SCHEMA_VERSION",
    "ServerClock",
    "caps_json",
    "change_json",
    "claimed",
    "explained",
    "jobs_json",
    "known_error",
    "ledger_json",
    "located",
    "log_filter",
    "logged",
    "require_room",
    "reservation_json",
    "row_json",
    "wrong_schema",
]

#: What ``avatarkit_schema_version()`` must answer.
SCHEMA_VERSION = 1
MIGRATE = (
    "run `avatarkit db migrate --dsn DSN`, or on Supabase `avatarkit db export-migration` and "
    "`supabase db push`"
)

#: Seconds for which the server's time is counted on here before it is asked for again.
_FRESH = 10.0
#: An answer that took longer than so many seconds says too little about what time it is now.
_SLOW = 1.0
#: Two measurements may differ by so many seconds without time running backwards.
_JITTER = 5.0


class ServerClock:
    """The database's time, asked for now and then and counted on by this machine's boot clock.

    All workers thus measure intents, due times and leases by one clock. ``virtual`` takes
    ``clock`` for the time itself, as tests want it.
    """

    def __init__(
        self, clock: Clock, ask: Callable[[], Awaitable[float]], *, virtual: bool = False
    ) -> None:
        self._clock = clock
        self._ask = ask
        self._virtual = virtual
        self._asked: Instant | None = None
        self._ahead = 0.0  #: server's time less this machine's boot time
        self._last = 0.0

    @property
    def given(self) -> str | None:
        """The time that functions are told, ISO 8601; None where the server knows better."""
        return rows.iso(self._clock.now().wall) if self._virtual else None

    async def now(self) -> Instant:
        """The moment by the server's clock, off by half of what a question takes at most."""
        here = self._clock.now()
        if self._virtual:
            return here
        known = self._asked
        if known is None or known.boot_id != here.boot_id or here.boot - known.boot > _FRESH:
            here = await self._measure()
        wall = here.boot + self._ahead
        self._last = wall if wall < self._last - _JITTER else max(wall, self._last)
        return Instant(wall=self._last)

    async def _measure(self, tries: int = 3) -> Instant:
        before = self._clock.now()
        server = await self._ask()
        after = self._clock.now()
        if tries > 1 and not 0 <= after.boot - before.boot <= _SLOW:
            return await self._measure(tries - 1)
        self._ahead = server - (before.boot + after.boot) / 2
        self._asked = after
        return after


# -- rows as functions take them ------------------------------------------------------------------


def row_json(row: Mapping[str, Any]) -> str:
    """A row as the functions take it; raises ``StorageError`` for what no database can keep."""
    return to_json(rows.in_json(row)).decode()


#: What stays as it was created.
_FIXED = frozenset({"user_id", "clone_id", "training_id", "created_at"})
#: What a tombstone no longer tells once its cleanup has ended.
_FORGOTTEN = {"user_id": None, "clone_id": None}


def change_json(row: Mapping[str, Any]) -> str:
    """A record's row as ``avatarkit_save`` takes it: without what never changes."""
    changes = {name: value for name, value in row.items() if name not in _FIXED}
    return row_json(changes if row["user_id"] else changes | _FORGOTTEN)


def jobs_json(jobs: Iterable[rules.JobKey]) -> str:
    """Jobs as the functions take them."""
    return to_json(sorted(jobs)).decode()


def ledger_json(entries: Iterable[LedgerEntry]) -> str | None:
    """Ledger entries as the functions take them."""
    found = [rows.in_json(entry.model_dump()) for entry in entries]
    return to_json(found).decode() if found else None


def reservation_json(record: Record, before: Record | None = None) -> str | None:
    """What a record holds, as the functions take it; None where that is what it was."""
    row = rules.reservation(record, before)
    return row_json(row) if row else None


def caps_json(caps: Iterable[Cap]) -> str:
    """Caps as ``avatarkit_create`` takes them."""
    return to_json(
        [
            {
                "amount": cap.amount,
                "since": rows.iso(cap.since),
                "until": rows.iso(cap.until),
                "whose": rules.whose(cap.user_id),
            }
            for cap in caps
        ]
    ).decode()


def require_room(caps: Sequence[Cap], full: int | None, held: int | None, record: Record) -> None:
    """Raise ``BudgetExceeded`` where the cap at place ``full`` has none."""
    if full is not None:
        caps[full].require_room(held or 0, record.reserved)


def log_filter(
    user_id: str | None, provider: str | None, outcome: str | None, cursor: str | None
) -> dict[str, Any]:
    """What ``avatarkit_webhooks`` is asked for; raises ``ConfigError`` for a foreign cursor."""
    at, key = rules.unpack_cursor(cursor) if cursor is not None else (None, None)
    return {
        "p_user_id": user_id,
        "p_provider": provider,
        "p_outcome": outcome,
        "p_at": None if at is None else rows.iso(at),
        "p_key": key,
    }


def logged(found: Mapping[str, Any], *, place: str) -> LogEntry:
    """A delivery, from a row of ``avatarkit_webhooks``."""
    columns = {**found, "payload": base64.b64decode(found["body"])}
    columns["event_type"] = columns["event_type"] or ""
    del columns["body"], columns["doc"]
    return rows.log_entry(columns, found["doc"], place=place)


# -- leases ---------------------------------------------------------------------------------------


async def claimed(
    take: Callable[[int], Awaitable[Iterable[tuple[str, str, int, str]]]],
    put_off: Callable[[str, int], Awaitable[None]],
    limit: int,
    *,
    place: str,
) -> list[Claim]:
    """Take up to ``limit`` records; what cannot be read is put off, and others are taken instead.

    ``take`` leases at most so many, as (kind, id, fence, document).
    """
    claims: list[Claim] = []
    skipped = True
    while skipped and len(claims) < limit:
        skipped = False
        for kind, record_id, fence, doc in await take(limit - len(claims)):
            record = rows.readable(kind, record_id, doc, place=place)
            if record is None:
                skipped = True
                await put_off(record_id, fence)
            else:
                claims.append(Claim(record, fence))
    return claims


# -- errors ---------------------------------------------------------------------------------------

#: What an SQLSTATE means, and what to do. ``{place}`` is the database, without any secret.
_MEANINGS: Mapping[str, tuple[type[AvatarKitError], str]] = {
    "AK001": (IllegalTransition, "{said}"),
    "AK002": (IllegalTransition, "{said}"),
    "AK003": (IllegalTransition, "{said}"),
    "AK004": (NotFound, "{said}: use an id of this user, or a new one"),
    "AK005": (ConfigError, "{place}: {said}"),
    "22P02": (
        ConfigError,
        (
            "{place} takes only UUIDs as ids of users and clones, as Supabase does: give the id "
            "from auth.users, and make clone ids with uuid4"
        ),
    ),
    "23502": (
        ConfigError,
        (
            "{place}: {said}. If that column is your own, give it a default; or make the row "
            "yourself first, as of a clone under the id that you name here"
        ),
    ),
    "23503": (
        ConfigError,
        (
            "{place} knows no such user: user_id must be an id in auth.users, and what a record "
            "belongs to must be there"
        ),
    ),
    "23505": (Conflict, "{place} holds something else under the same id: use another id"),
    "23514": (StorageError, "{place} refuses the row: a column has an impossible value"),
    "25006": (ConfigError, "{place} is read-only: connect to the primary server"),
    "28000": (ConfigError, "{place} refuses this user: check user and password"),
    "28P01": (ConfigError, "{place} refuses this password: check it"),
    "3D000": (ConfigError, "{place} does not exist: create the database, or name another"),
    "3F000": (ConfigError, f"{{place}} has no avatarkit tables: {MIGRATE}"),
    "42501": (
        ConfigError,
        (
            "{place} does not let this role do that: use the tables' owner, or on Supabase the "
            "service role's key"
        ),
    ),
    "42703": (ConfigError, f"{{place}} has avatarkit tables of another version: {MIGRATE}"),
    "42883": (ConfigError, f"{{place}} has no avatarkit functions: {MIGRATE}"),
    "42P01": (ConfigError, f"{{place}} has no avatarkit tables: {MIGRATE}"),
    "55P03": (StorageError, "{place}: somebody else keeps what is needed locked (lock_timeout)"),
    "53100": (StorageError, "{place}: the disk is full; nothing of this change was kept"),
    "53200": (StorageError, "{place}: the server is out of memory; nothing was kept"),
    "53300": (
        StorageError,
        "{place} has no connection left: raise max_connections, use its pooler, or a smaller pool",
    ),
    "57014": (
        StorageError,
        "{place} stopped the statement, as it took too long (statement_timeout); nothing was kept",
    ),
}


#: Codes that speak of what was given; other mistakes of the set-up are its operators' to mend.
_OF_WHAT_WAS_GIVEN = frozenset({"22P02", "23502", "23503"})


def known_error(code: str, place: str, said: str = "") -> AvatarKitError:
    """The error of a code that is in the table."""
    kind, text = _MEANINGS[code]
    return located(kind, text, place, said, given=code in _OF_WHAT_WAS_GIVEN)


def located(
    kind: type[AvatarKitError], text: str, place: str, said: str, *, given: bool = False
) -> AvatarKitError:
    """An error that names the database at ``place``; ``given``: it speaks of what was given."""
    error = kind(text.format(said=said, place=place))
    error.place = place
    error.for_operators = kind is ConfigError and not given
    return error


def explained(code: str | None, said: str, place: str) -> AvatarKitError | None:
    """The error that an SQLSTATE means, or None; ``said`` is used only for errors of our own."""
    return known_error(code, place, said) if code and code in _MEANINGS else None


def wrong_schema(version: int | None, place: str) -> ConfigError | None:
    """The error where the schema is missing (None), older or newer than this version needs."""
    if version == SCHEMA_VERSION:
        return None
    if version is None:
        return ConfigError(f"{place} has no avatarkit tables: {MIGRATE}")
    if version < SCHEMA_VERSION:
        return ConfigError(f"{place} has the older schema {version}: {MIGRATE}")
    return ConfigError(
        f"{place} has the newer schema {version}, and this avatarkit-sdk knows {SCHEMA_VERSION}: "
        "upgrade avatarkit-sdk"
    )
