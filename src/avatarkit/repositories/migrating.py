"""Migrations of PostgreSQL and Supabase: read, export and apply the SQL files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import AvatarKitError, ConfigError, StorageError
from . import server_errors
from .postgres import driver, place_of, reason

if TYPE_CHECKING:
    from psycopg import Error
    from psycopg.errors import Diagnostic


def scripts() -> Iterator[tuple[str, str]]:
    """Yield name (without its timestamp) and text of each SQL file, in their order.

    The first one upgrades an older pair of tables, and does nothing if there is none.
    """
    folder = resources.files(__name__.rpartition(".")[0]) / "migrations"
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        timestamp, _, name = file.name.partition("_")
        if timestamp.isdigit() and name.endswith(".sql"):
            yield name, file.read_text(encoding="utf-8")


def export(folder: Path, now: datetime) -> list[Path]:
    """Write the files as Supabase migrations, a second apart, into ``folder``.

    Raises ``ConfigError`` if the same file exists already, ``StorageError`` if the folder cannot
    be written.
    """
    written: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, (name, text) in enumerate(scripts()):
            _refuse_twice(folder, name, text)
            path = folder / f"{now + timedelta(seconds=number):%Y%m%d%H%M%S}_{name}"
            path.write_text(text, encoding="utf-8")
            written.append(path)
    except OSError as error:
        raise StorageError(f"{folder} cannot be written: {error.strerror}") from error
    return written


def _refuse_twice(folder: Path, name: str, text: str) -> None:
    for path in folder.glob(f"*_{name}"):
        if path.read_text(encoding="utf-8") == text:
            raise ConfigError(f"{path} is this migration already: apply it with `supabase db push`")


def apply(dsn: str, warn: Callable[[str], object] | None = None) -> int:
    """Create or upgrade the tables in the database at ``dsn``; return the schema's version.

    ``warn`` is called with each warning for an operator, such as a public bucket.

    Each file is one transaction under an advisory lock, so that many processes may do this at
    once; a second time changes nothing. Blocking. Raises ``ConfigError`` for a wrong address, a
    role without the rights, a newer schema or tables of another shape; ``StorageError`` if the
    server cannot be reached.
    """
    psycopg, _ = driver()
    place = place_of(dsn)

    def heard(notice: Diagnostic) -> None:
        if warn and notice.severity_nonlocalized == "WARNING":
            warn(_in_words(notice))

    try:
        with psycopg.connect(dsn, autocommit=True, connect_timeout=5) as connection:
            connection.add_notice_handler(heard)
            for _, text in scripts():
                with connection.transaction():
                    connection.execute(text)
            found = connection.execute("select public.avatarkit_schema_version()").fetchone()
    except psycopg.Error as error:
        raise _refused(error, place) from None  # its cause may quote the address
    return int(found[0])


def _in_words(said: Diagnostic) -> str:
    words = [said.message_primary or "", said.message_hint or ""]
    return ". ".join(filter(None, words))


def _refused(error: Error, place: str) -> AvatarKitError:
    code = error.sqlstate
    if code is None:
        return reason(error, place)
    said = error.diag.message_primary or ""
    if code == "42501":
        return ConfigError(
            f"{place}: this role may not create tables there ({said}): connect as the database's "
            "owner; on Supabase use `avatarkit db export-migration` and `supabase db push`"
        )
    known = server_errors.explained(code, _in_words(error.diag), place)
    return known or StorageError(f"{place} refused the migration ({code}): {said}")
