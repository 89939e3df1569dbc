"""SQLite file: open, check the owner and version, migrate, and translate errors."""

from __future__ import annotations

import errno
import re
import sqlite3
import time
from collections.abc import Generator
from contextlib import closing, contextmanager, suppress
from functools import cache
from importlib import resources
from pathlib import Path
from typing import IO

from .._log import get_logger
from ..content.files import open_own, private_folder
from ..errors import AvatarKitError, ConfigError, Conflict, StorageError

log = get_logger(__name__)

#: "avkt": identifies a file of avatarkit.
APPLICATION_ID = 0x61766B74

#: Seconds for which a process waits for another one's transaction.
_BUSY_TIMEOUT = 30.0

_LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_KEPT_LOCKED = (
    "another program keeps it locked: end that program or its transaction, then try again"
)
_CAUSES = {
    **dict.fromkeys(_LOCKED, _KEPT_LOCKED),
    sqlite3.SQLITE_FULL: "the disk is full: free some space; nothing was stored",
    sqlite3.SQLITE_READONLY: "it is read-only: make the file and its folder writable for this user",
    sqlite3.SQLITE_PERM: "access is denied: make the file and its folder writable for this user",
    sqlite3.SQLITE_CANTOPEN: (
        "it cannot be opened: check that its folder exists and is writable for this user"
    ),
    sqlite3.SQLITE_IOERR: (
        "the disk failed or refused to grow the file: check space, quota and health of the disk"
    ),
    sqlite3.SQLITE_CORRUPT: "it is damaged: restore a backup and run `avatarkit db restored`",
}


class Locked(StorageError):
    """Another program keeps the whole file locked."""


def _translate(error: sqlite3.Error, path: Path) -> AvatarKitError | None:
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return None
    primary = code & 0xFF  # an extended code only adds detail
    if primary == sqlite3.SQLITE_NOTADB:
        return ConfigError(f"{path} is no SQLite database: name another file, or a new one")
    if primary == sqlite3.SQLITE_CONSTRAINT:
        return Conflict(f"{path} has another row with the same id: use another id")
    if primary in _CAUSES:
        kind = Locked if primary in _LOCKED else StorageError
        return kind(f"database {path}: {_CAUSES[primary]}")
    if primary == sqlite3.SQLITE_ERROR and str(error).startswith("no such "):  # table, column
        return StorageError(
            f"database {path} was changed by another program ({error}): restore a backup and run "
            "`avatarkit db restored`"
        )
    return None


@contextmanager
def translated(path: Path) -> Generator[None]:
    """Raise SQLite's errors as ``StorageError``, ``ConfigError`` or ``Conflict``."""
    try:
        yield
    except sqlite3.Error as error:
        known = _translate(error, path)
        if known is None:
            raise
        raise known from error


@cache
def migrations() -> list[str]:
    """SQL of all versions, oldest first."""
    folder = resources.files(__name__.rpartition(".")[0]) / "migrations"
    names = sorted(f.name for f in folder.iterdir() if f.name.startswith("sqlite_"))
    return [(folder / name).read_text(encoding="utf-8") for name in names]


def open_database(path: Path) -> tuple[sqlite3.Connection, OpenedFile]:
    """Create and migrate the file, and open it for writing; many processes may do so at once.

    Raises ``ConfigError`` for a file of another program (which stays unchanged) or of a newer
    version, and ``StorageError`` if it cannot be written.
    """
    with translated(path):
        _create_file(path)
        _refuse_foreign(path)
        file = OpenedFile(path)
        connection = _connect(path)
        try:
            _migrate(connection, path)
            _write_ahead(connection, path)
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA secure_delete = ON")
            file.note(connection)
        except BaseException:
            connection.close()
            file.close()
            raise
        return connection, file


def open_reader(path: Path, *, patience: float = _BUSY_TIMEOUT) -> sqlite3.Connection:
    """Open a connection that refuses to write, and waits so many seconds for another program.

    Raises ``StorageError``.
    """
    with translated(path):
        connection = _connect(path, patience=patience)
        connection.execute("PRAGMA query_only = ON")
        return connection


def _connect(
    path: Path, access: str = "mode=rw", patience: float = _BUSY_TIMEOUT
) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{access}",
        uri=True,
        timeout=patience,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.row_factory = sqlite3.Row
    return connection


class OpenedFile:
    """Identity of the open database: its paths must still lead to the files that SQLite holds.

    SQLite goes on in a file that was moved, deleted or replaced, and what it stores there is lost:
    an intent in it would not prevent a second payment. Nor may the write-ahead log and its index
    be replaced, which other processes would then read in vain, nor the file be cut off. A backup
    that is restored into the same file, as by ``.restore`` or ``cp``, has counted fewer changes.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        real = path.resolve()  # SQLite puts its files beside the one that a symbolic link names
        self._paths = [path, Path(f"{real}-wal"), Path(f"{real}-shm")]
        self._main = _identity(path)
        self._known: list[tuple[int, int] | None] = []
        self._size = self._schema = 0
        self._history = ("", 0)
        self._seen = LastSeen(Path(f"{real}.changes"))

    def note(self, connection: sqlite3.Connection) -> None:
        """Remember the files; raises ``StorageError`` if the database was replaced meanwhile."""
        self._schema = _pragma(connection, "schema_version")  # reads, and so opens the log
        self._known = [_identity(path) for path in self._paths]
        if self._known[0] != self._main or self._main is None:
            raise self._replaced()
        self._size = self._path.stat().st_size
        self._seen.open()
        self._history = _history(connection)  # after the note, which other processes raise
        self._seen.compare(self._history)

    @property
    def lost_changes(self) -> bool:
        """True if changes that were committed here are missing, until ``accept``."""
        return self._seen.behind

    def accept(self) -> None:
        """Go on without the missing changes."""
        self._seen.behind = False
        self._seen.note(self._history)

    def close(self) -> None:
        """Close the file of the number of changes."""
        self._seen.close()

    def count(self, connection: sqlite3.Connection) -> None:
        """Count the changes of the open transaction, for all processes."""
        connection.execute("UPDATE history SET changes = changes + 1")

    def require(self, connection: sqlite3.Connection) -> None:
        """Raise ``StorageError`` unless the files are those that were opened.

        Raises ``ConfigError`` if the schema has another version by now.
        """
        try:
            size = self._path.stat().st_size
        except OSError:
            raise self._replaced() from None
        if [_identity(path) for path in self._paths] != self._known:
            raise self._replaced()
        if size < self._size:
            schema = _pragma(connection, "schema_version")
            if schema <= self._schema:  # no VACUUM, which makes a file smaller and counts it
                raise self._replaced()
            self._schema = schema
        self._size = size
        require_version(_pragma(connection, "user_version"), self._path)
        known, changes = self._history  # before the query: another thread may count meanwhile
        found = _history(connection)
        if found[0] != known or found[1] < changes:
            raise self._replaced()
        self._history = found

    def committed(self, connection: sqlite3.Connection) -> None:
        """Check the files as ``require`` does, then note the number of changes beside them."""
        self.require(connection)
        self._seen.note(self._history)

    def explain(self, error: Exception, connection: sqlite3.Connection) -> Exception:
        """Return the reason of a failure: that the files are others now, else ``error`` itself."""
        try:
            self.require(connection)
        except AvatarKitError as reason:
            return reason
        except sqlite3.Error:
            pass
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_NOTADB:  # it was one before
            return self._replaced()
        return error

    def _replaced(self) -> StorageError:
        return StorageError(
            f"database {self._path} was moved, deleted, replaced, restored or cut off while it was "
            "open; nothing was sent. Stop every process that uses it, put the file back (after a "
            "restore, run `avatarkit db restored`), and start them again"
        )


class LastSeen:
    """Number of changes that were committed, in a file beside the database.

    After a crash, the last changes are in SQLite's write-ahead log only: if that is deleted, or an
    older copy is put in the file's place, the database has fewer changes than were noted here. The
    note is never synced, so after a power cut it says too little, never too much. Until a loss is
    accepted it says more than any database has: to prepare for a loss makes changes too.
    """

    _LOST = 10**20 - 1

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[bytes] | None = None
        self._noted = ("", 0)
        self.behind = False

    def open(self) -> None:
        """Read the note of the last commit."""
        with suppress(OSError):  # where it cannot be written, losses are not noticed
            self._file = open_own(self._path)
            database, _, changes = self._file.read(64).decode("ascii", "replace").partition(" ")
            if re.fullmatch(r"[0-9]{20}\n", changes):
                self._noted = database, int(changes)

    def compare(self, history: tuple[str, int]) -> None:
        """Find out if the same database had more changes once."""
        database, changes = self._noted
        self.behind = database == history[0] and changes > history[1]
        if self.behind:
            log.error(
                "database.changes_lost",
                path=str(self._path.with_suffix("")),
                noted=changes,
                found=history[1],
            )
            self._write((database, self._LOST))
        self.note(history)

    def note(self, history: tuple[str, int]) -> None:
        """Write the number of changes, unless some are missing."""
        if not self.behind:
            self._write(history)

    def _write(self, history: tuple[str, int]) -> None:
        if self._file is None or self._noted == history:
            return
        self._noted = history
        with suppress(OSError):
            self._file.seek(0)
            self._file.write(f"{history[0]} {history[1]:020d}\n".encode())

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


# Only SQLite may open the file: closing a file drops all locks of the process on it, and then
# another process may delete the write-ahead log that our connection uses.


def _create_file(path: Path) -> None:
    """Create folder and file for this user only; SQLite's side files get the same mode."""
    try:
        private_folder(path.parent)
        if not path.exists():
            _connect(path, "mode=rwc").close()
            path.chmod(0o600)
        if not path.is_file():
            raise FileExistsError(errno.EEXIST, "it is a folder, a device or a pipe")
    except OSError as error:
        raise StorageError(
            f"database {path} cannot be created ({error.strerror}): make its folder writable for "
            "this user, or name another file"
        ) from error


def _refuse_foreign(path: Path) -> None:
    """Check the owner read-only: a writing connection could change another program's file."""
    if path.stat().st_size == 0:
        return
    try:
        with closing(_connect(path, "mode=ro")) as connection:
            _check_owner(connection, path)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_READONLY_ROLLBACK:
            raise
        _refuse_foreign_crash(path)


def _refuse_foreign_crash(path: Path) -> None:
    """Check a file whose creation was interrupted; only our own may be rolled back."""
    with closing(_connect(path, "mode=ro&immutable=1")) as connection:
        application_id = _pragma(connection, "application_id")
        if application_id != APPLICATION_ID:
            raise _foreign(path, application_id)


def _check_owner(connection: sqlite3.Connection, path: Path) -> None:
    # Read before application_id, which is 0 for a file that is no database.
    (objects,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    application_id = _pragma(connection, "application_id")
    if application_id != APPLICATION_ID and (objects or application_id):
        raise _foreign(path, application_id)


def _foreign(path: Path, application_id: int) -> ConfigError:
    return ConfigError(
        f"{path} is the database of another program (application_id {application_id:#x}): "
        "name another file, or a new one; this one was not changed"
    )


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Migrate the schema in an exclusive transaction, which other processes wait for."""
    scripts, version = migrations(), 0
    connection.execute("BEGIN EXCLUSIVE")
    try:
        _check_owner(connection, path)
        version = _pragma(connection, "user_version")
        if not 0 <= version < len(scripts):
            require_version(version, path)
        else:
            for script in scripts[version:]:
                _run(connection, script)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {len(scripts)}")
        connection.execute("COMMIT")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_ERROR:  # the tables are there already
            raise _set_back(version, path) from error
        raise
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def require_version(version: int, path: Path) -> None:
    """Raise ``ConfigError`` unless the schema has the version of this package."""
    known = len(migrations())
    if version > known:
        raise ConfigError(
            f"{path} has version {version} and this avatarkit-sdk knows versions up to {known}: "
            "upgrade avatarkit-sdk"
        )
    if version < known:
        raise _set_back(version, path)


def _set_back(version: int, path: Path) -> ConfigError:
    return ConfigError(
        f"{path} says that it has version {version}, but its tables are newer: somebody has set "
        "back its user_version. Restore a backup and run `avatarkit db restored`, or set it again"
    )


def _run(connection: sqlite3.Connection, script: str) -> None:
    """Execute a script in the open transaction; ``executescript`` would commit it."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            connection.execute(statement)
            statement = ""


def _write_ahead(connection: sqlite3.Connection, path: Path) -> None:
    """Switch to WAL; retry, as SQLite does not wait if two processes switch at once."""
    give_up_at = time.monotonic() + _BUSY_TIMEOUT
    while (mode := _journal_mode(connection, give_up_at)) is None:
        time.sleep(0.01)
    if mode != "wal":
        log.warning("database.not_wal", path=str(path), journal_mode=mode)


def _journal_mode(connection: sqlite3.Connection, give_up_at: float) -> str | None:
    """Journal mode after the switch to WAL; None if another process blocks it."""
    try:
        return str(connection.execute("PRAGMA journal_mode = WAL").fetchone()[0])
    except sqlite3.OperationalError as error:
        busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
        if not busy or time.monotonic() > give_up_at:
            raise
        return None


def _history(connection: sqlite3.Connection) -> tuple[str, int]:
    """Id of the database, and the number of its changes."""
    found = connection.execute("SELECT database, changes FROM history").fetchone()
    if found is None or not isinstance(found[1], int):  # somebody has edited it
        return "", 0
    return str(found[0]), found[1]


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
