"""Providers that keep what they make in a folder of this machine: account, voices, recordings."""

from __future__ import annotations

import re
import secrets
import shutil
import tempfile
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import anyio

from ..content.files import kept_once, private_folder, private_opener, restrict
from ..errors import NotFound, StorageError
from ..models import Media, Operation


def account_of(home: Path) -> str:
    """Return the account name of the folder ``home``; it is created at first use.

    The name is kept in the folder, so it does not depend on the mount point. A process with another
    folder has another account, and neither looks for the jobs of this one nor reports them as
    deleted. Raises ``StorageError`` if the folder cannot be used.
    """
    file = home / "account"

    try:
        found = kept_once(file, lambda: f"home-{secrets.token_hex(8)}")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "its name is damaged"
        raise StorageError(
            f"{home} cannot be used ({why}): let this user write there, or name another folder in "
            "AVATARKIT_HOME"
        ) from error
    if not found:
        raise StorageError(f"{file} is empty: bring it back from a backup")
    return found


class KeptInFolder:
    """Base of a provider whose account is its folder, ``_home``."""

    _home: Path

    @property
    def account(self) -> str:
        """Name of the folder that holds all that was made here; raises ``StorageError``."""
        return self._account

    @cached_property
    def _account(self) -> str:
        return account_of(self._home)


class VoiceFiles:
    """Cloned voices as files in the folder ``home``: each is there whole or not at all."""

    def __init__(
        self, provider: str, home: Path, *, suffix: str, names: re.Pattern[str], kind: str = ""
    ) -> None:
        self._provider = provider
        self._suffix = suffix
        self._names = names
        self._kind = kind  #: such as " of in this process", for messages
        self.folder, self.spool = home / "voices", home / "spool"

    def names(self, voice_id: str) -> bool:
        """Return True if a voice may have this id: it is a file's name, and no path or pattern."""
        return self._names.fullmatch(voice_id) is not None

    def has(self, voice_id: str) -> bool:
        """Return True if there is such a voice."""
        return self.names(voice_id) and self._path(voice_id).is_file()

    def path(self, voice_id: str, operation: Operation) -> Path:
        """Return the file of a voice; raises ``NotFound`` if there is none."""
        if self.has(voice_id):
            return self._path(voice_id)
        raise NotFound(
            f"there is no voice {voice_id!r}{self._kind} in {self.folder}",
            provider=self._provider,
            operation=operation,
        )

    @contextmanager
    def making(self, voice_id: str) -> Generator[Path]:
        """Make a temporary folder for the work on a voice, which must have an id of a voice."""
        private_folder(self.folder)
        private_folder(self.spool)
        with tempfile.TemporaryDirectory(prefix=f"{voice_id}-", dir=self.spool) as folder:
            yield Path(folder)

    def keep(self, voice_id: str, made: Path) -> None:
        """Move a finished file to its place."""
        restrict(made)
        made.replace(self._path(voice_id))

    def delete(self, voice_id: str, suffixes: Iterable[str]) -> None:
        """Delete a voice's files with these suffixes, and temporary files of a killed process."""
        if not self.names(voice_id):
            return
        for suffix in suffixes:
            (self.folder / f"{voice_id}{suffix}").unlink(missing_ok=True)
        for rest in self.spool.glob(f"{voice_id}-*"):
            shutil.rmtree(rest, ignore_errors=True)

    def _path(self, voice_id: str) -> Path:
        return self.folder / f"{voice_id}{self._suffix}"


async def write_media(path: Path, media: Media) -> None:
    """Write a recording to a file that only this user reads."""
    async with await anyio.open_file(path, "wb", opener=private_opener) as file:
        async for chunk in media.open():
            await file.write(chunk)
