"""Local files: byte streams, private permissions, and files that the first process creates.

Everything below the local data directory belongs to this user: directories 0700, files 0600.
"""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import stat
import tempfile
from collections.abc import AsyncIterator, Callable, Generator, Iterable
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

import anyio

from ..errors import StorageError

if TYPE_CHECKING:
    from ..interfaces import MediaStore
    from ..models import StoredFile

_SIZE = 1 << 18  # bytes

#: Errors of a disk, or of a user's share of it, that has no room.
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
#: Permissions of the group and of others.
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


async def chunks(path: Path) -> AsyncIterator[bytes]:
    """Stream a file, 256 KiB at a time."""
    async with await anyio.open_file(path, "rb") as file:
        while chunk := await file.read(_SIZE):
            yield chunk
            if len(chunk) < _SIZE:  # the last one; each read is a hop to a thread
                return


@contextmanager
def room(place: str) -> Generator[None]:
    """Raise ``StorageError`` if the disk of a place has no room for what the block writes."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise StorageError(
            f"the disk of {place} has no room ({error.strerror}): free some space, or set TMPDIR "
            "to a folder that has more"
        ) from error


@contextmanager
def temporary_folder() -> Generator[Path]:
    """Create a folder, and delete it at the end with everything in it.

    Raises ``StorageError`` if the disk has no room for it, or for what the block writes.
    """
    try:
        made = tempfile.TemporaryDirectory(prefix="avatarkit-")
    except OSError as error:
        raise StorageError(
            f"no temporary folder can be made ({error.strerror}): free some space, or set TMPDIR "
            "to a folder that is writable for this user"
        ) from error
    with room(str(Path(made.name).parent)), made as name:
        yield Path(name)


async def spool(path: Path, chunks: AsyncIterator[bytes]) -> None:
    """Write a stream to a new file; raises ``StorageError`` for a full disk."""
    with room(str(path.parent)):
        async with await anyio.open_file(path, "wb") as file:
            async for chunk in chunks:
                await file.write(chunk)


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hex; blocking."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def local_path(media: MediaStore, file: StoredFile, folder: Path) -> Path:
    """Return a local path of a stored file, after downloading it to ``folder`` if necessary."""
    if (path := media.path(file.key)) is not None:
        return path
    path = folder / f"{file.sha256}{Path(file.key).suffix}"
    if not path.exists():
        await spool(path, media.open(file.key))
    return path


async def whole(data: bytes) -> AsyncIterator[bytes]:
    """Stream bytes in one piece."""
    yield data


def private_folder(folder: Path) -> None:
    """Create a folder and its parents for this user only, so that a power cut does not lose them.

    Existing folders keep their permissions; raises ``OSError``.
    """
    if folder.is_dir():
        return
    private_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Write the names in a folder to the disk; raises ``OSError``."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def private_opener(path: str, flags: int) -> int:
    """Create a file for this user only: the ``opener`` of ``open``."""
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


def open_own(path: Path) -> IO[bytes]:
    """Open a file to read and write, and create it for this user only; raises ``OSError``.

    A symbolic link, a device or a pipe, which may be another user's trap, is not opened.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW
    opened = os.open(path, flags, 0o600)
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)
        raise OSError(errno.EINVAL, "it is no file", str(path))
    return os.fdopen(opened, "r+b", buffering=0)


def restrict(root: Path) -> None:
    """Take a folder and everything below it away from the group and others.

    Does nothing without a folder. Symbolic links are not followed, and what other users own stays
    as it is.
    """
    with suppress(OSError):  # deleted meanwhile, or another user's
        status = root.stat(follow_symlinks=False)
        if status.st_mode & _OTHERS and not stat.S_ISLNK(status.st_mode):
            root.chmod(stat.S_IMODE(status.st_mode) & ~_OTHERS)
        if stat.S_ISDIR(status.st_mode):
            for path in root.iterdir():
                restrict(path)


def restrict_home(home: Path, names: Iterable[str]) -> None:
    """Restrict the local data directory; only ``names`` in it if it also holds other programs'.

    It does so if the working directory or the user's home directory is below it.
    """
    home, used = home.resolve(), [Path.cwd()]
    with suppress(RuntimeError):  # a user without a home directory
        used.append(Path.home().resolve())
    shared = any(path.is_relative_to(home) for path in used)
    for path in [home / name for name in names] if shared else [home]:
        restrict(path)


def kept_once(file: Path, make: Callable[[], str]) -> str:
    """Read the ASCII text in ``file``, which only this user may read; raises ``OSError``.

    If there is no file, it is created with the text from ``make``; the first process wins.
    """
    if not file.exists():
        private_folder(file.parent)
        part = file.with_name(f".{file.name}.{secrets.token_hex(8)}.part")
        try:
            made = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(made, "w", encoding="ascii") as out:
                out.write(make())
            with suppress(FileExistsError):
                os.link(part, file)
        finally:
            part.unlink(missing_ok=True)
    return file.read_text(encoding="ascii").strip()
