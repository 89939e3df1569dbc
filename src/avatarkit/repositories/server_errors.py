"""Errors of a database server: what each SQLSTATE means to a user, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import (
    AvatarKitError,
    ConfigError,
    Conflict,
    IllegalTransition,
    NotFound,
    StorageError,
)

#: What ``avatarkit_schema_version()`` must answer.
SCHEMA_VERSION = 1
MIGRATE = (
    "run `avatarkit db migrate --dsn DSN`, or on Supabase `avatarkit db export-migration` and "
    "`supabase db push`"
)

#: SQLSTATE -> error and its text. ``{place}`` is the database, without any secret.
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
            "{place}: {said}. If that column is your own, give it a default; or insert the row "
            "yourself first, for a clone with the id that you pass here"
        ),
    ),
    "23503": (
        ConfigError,
        (
            "{place} has no such user: user_id must be an id in auth.users, and the clone or "
            "training of a record must exist"
        ),
    ),
    "23505": (Conflict, "{place} has another row with the same id: use another id"),
    "23514": (StorageError, "{place} refuses the row: a column has an invalid value"),
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
    "55P03": (
        StorageError,
        "{place}: another session holds a lock for too long (lock_timeout): try again",
    ),
    "53100": (StorageError, "{place}: the disk is full; nothing was stored. Free some space"),
    "53200": (StorageError, "{place}: the server is out of memory; nothing was stored"),
    "53300": (
        StorageError,
        "{place} has no connection left: raise max_connections, use its pooler, or a smaller pool",
    ),
    "57014": (
        StorageError,
        "{place} stopped the statement: it took too long (statement_timeout); nothing was stored",
    ),
}


#: Codes of an invalid argument of the caller; operators fix the other ``ConfigError``s.
_OF_ARGUMENTS = frozenset({"22P02", "23502", "23503"})


def known_error(code: str, place: str, said: str = "") -> AvatarKitError:
    """Error for an SQLSTATE of the table."""
    kind, text = _MEANINGS[code]
    return located(kind, text, place, said, of_argument=code in _OF_ARGUMENTS)


def located(
    kind: type[AvatarKitError], text: str, place: str, said: str, *, of_argument: bool = False
) -> AvatarKitError:
    """Error that names the database at ``place``; ``of_argument``: the caller's to fix."""
    error = kind(text.format(said=said, place=place))
    error.place = place
    error.for_operators = kind is ConfigError and not of_argument
    return error


def explained(code: str | None, said: str, place: str) -> AvatarKitError | None:
    """Error for an SQLSTATE, or None if unknown; ``said`` is used in few, harmless texts."""
    return known_error(code, place, said) if code and code in _MEANINGS else None


def wrong_schema(version: int | None, place: str) -> ConfigError | None:
    """Error for a schema that is missing (None), older or newer than needed; else None."""
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
