"""Resumable uploads, streamed to disk."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

import anyio
import anyio.to_thread
from pydantic import BaseModel, ValidationError

from ..content.files import private_folder, private_opener
from ..errors import AvatarKitError, Conflict, MediaRejected, NotFound, StorageError
from ..intake.preflight import Finding
from ..intake.recordings import MAX_EVIDENCE
from .bodies import TooLarge

#: Maximum bytes of one upload, the same as in sample validation.
MAX_BYTES = 2 << 30

#: Seconds after which an unfinished upload or unused evidence is deleted.
_STALE = 86_400.0

#: Name of the file that holds an ``Upload``; names of users' files begin with no dot.
_ABOUT = ".upload.json"

#: Characters of a file name that are kept: file systems allow 255 bytes.
_NAME = 60


class Offset(AvatarKitError):
    """The upload must continue at another offset, ``at``."""

    def __init__(self, at: int) -> None:
        super().__init__(f"wrong offset: continue the upload with Upload-Offset: {at}")
        self.at = at


class UnsupportedProtocol(AvatarKitError):
    """The client speaks another version of the upload protocol."""


class Outcome(BaseModel):
    """Result of a validation: the ID of the stored sample, or None if it was rejected."""

    sample_id: str | None
    findings: list[Finding]


class Upload(BaseModel):
    """Resource of one upload, stored beside its bytes until it is stale.

    ``outcome`` is None until the whole file was validated as a sample.
    """

    upload_id: str
    length: int
    stack: str | None = None
    outcome: Outcome | None = None


class AllowanceExceeded(AvatarKitError):
    """The user's stored recordings reach the limit."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """Limit per user, over all clones: stored samples, evidence and open uploads.

    ``files`` is their number, ``bytes`` their size together, and ``evidence`` the size of one file
    of evidence.
    """

    files: int = 200
    bytes: int = 20_000_000_000
    evidence: int = MAX_EVIDENCE

    def require(self, files: int, size: int) -> None:
        """Raise ``AllowanceExceeded`` if this number of files or bytes exceeds the limit."""
        if files > self.files or size > self.bytes:
            raise AllowanceExceeded(
                f"the limit is {self.files} recordings of {self.bytes / 1e6:.0f} MB together: "
                "delete some recordings, then upload this one again"
            )

    def require_evidence(self, size: int) -> None:
        """Raise ``AllowanceExceeded`` for evidence that is too large."""
        if size > self.evidence:
            raise AllowanceExceeded(
                f"evidence has at most {self.evidence / 1e6:.0f} MB: cut or compress the file"
            )


class Uploads:
    """Uploaded files below ``folder``, one folder per user; named ``.part`` until complete.

    Each file has a folder of its own, together with its ``Upload``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._busy: dict[Path, int] = {}  # folder of each open upload: its length

    def place(self, user: str, *what: str, name: str) -> Path:
        """Return the path of a user's complete file; users cannot reach each other's files."""
        cleaned = re.sub(r"[^\w.-]+", "_", name[-_NAME:]).lstrip(".") or "sample"
        return self._of(user) / _digest(*what) / cleaned

    def _of(self, user: str) -> Path:
        return self.folder / _digest(user)

    async def held(self, user: str, *, beside: Path) -> tuple[int, int]:
        """Return number and bytes of a user's files, except for the one at ``beside``.

        An open upload counts with its announced length.
        """
        own = self._of(user)
        sizes = {folder: n for folder, n in self._busy.items() if own in folder.parents}
        for folder, size in await anyio.to_thread.run_sync(_sizes, own):
            sizes[folder] = max(sizes.get(folder, 0), size)
        sizes.pop(beside.parent, None)
        return len(sizes), sum(sizes.values())

    async def begin(self, path: Path, length: int, stack: str | None = None) -> Upload:
        """Create an upload in place of an earlier one of that name.

        Raises ``TooLarge`` for a length above ``MAX_BYTES``.
        """
        if length > MAX_BYTES:
            raise TooLarge(f"{path.name} is larger than {MAX_BYTES} bytes: compress or cut it")
        upload = Upload(upload_id=uuid4().hex, length=length, stack=stack)
        await self.drop(path)
        await self._keep(path, upload)
        return upload

    async def find(self, path: Path, upload_id: str | None = None) -> Upload:
        """Return the upload of a file; raise ``NotFound`` if there is none, or not this one."""
        upload = await anyio.to_thread.run_sync(_read, _about(path))
        if upload is None or upload_id not in {None, upload.upload_id}:
            raise NotFound(f"there is no upload of {path.name}: begin it again")
        return upload

    async def settle(self, path: Path, upload: Upload, outcome: Outcome) -> Upload:
        """Delete the bytes of a validated file, and keep the outcome."""
        settled = upload.model_copy(update={"outcome": outcome})
        await self._keep(path, settled)
        await anyio.Path(path).unlink(missing_ok=True)
        return settled

    async def _keep(self, path: Path, upload: Upload) -> None:
        try:
            await anyio.to_thread.run_sync(private_folder, path.parent)
            about = anyio.Path(_about(path))
            new = about.with_suffix(".new")
            async with await anyio.open_file(new, "wb", opener=private_opener) as file:
                await file.write(upload.model_dump_json().encode())
            await new.replace(about)  # at once: others read it without the lock
        except OSError as error:
            raise _unkept(path, error) from error

    async def received(self, path: Path, upload: Upload) -> int:
        """Return the bytes received of an upload."""
        if upload.outcome is not None or await anyio.Path(path).exists():
            return upload.length
        part = anyio.Path(_part(path))
        return (await part.stat()).st_size if await part.exists() else 0

    async def expires(self, path: Path) -> float:
        """Return the time at which an upload becomes stale, in seconds since 1970."""
        return (await anyio.Path(path.parent).stat()).st_mtime + _STALE

    @asynccontextmanager
    async def alone(self, path: Path, length: int) -> AsyncGenerator[None]:
        """Lock the upload; raise ``Conflict`` if another request holds the lock."""
        if path.parent in self._busy:
            raise Conflict(f"{path.name} is being uploaded by another request: wait for it")
        self._busy[path.parent] = length
        try:
            yield
        finally:
            del self._busy[path.parent]

    async def write(
        self, path: Path, upload: Upload, offset: int, chunks: AsyncIterator[bytes]
    ) -> int:
        """Append chunks and return the bytes received; rename the file once it is complete.

        Bytes received before a disconnect are kept. Raises ``Offset`` for a wrong offset, and
        ``MediaRejected`` for a file that is longer than announced, which is then deleted.
        """
        at = await self.received(path, upload)
        if offset != at:
            raise Offset(at)
        if at == upload.length:
            return at
        try:
            at = await self._append(path, at, upload.length, chunks)
            if at == upload.length:
                await anyio.Path(_part(path)).replace(path)
        except OSError as error:
            raise _unkept(path, error) from error
        return at

    async def _append(self, path: Path, at: int, length: int, chunks: AsyncIterator[bytes]) -> int:
        async with await anyio.open_file(_part(path), "ab", opener=private_opener) as file:
            async for chunk in chunks:
                at += len(chunk)
                if at > length:
                    break
                await file.write(chunk)
        if at > length:
            await self.drop(path)
            raise MediaRejected(f"{path.name} is longer than its Upload-Length: upload it again")
        return at

    async def drop(self, path: Path) -> None:
        """Delete a file."""
        await anyio.to_thread.run_sync(shutil.rmtree, path.parent, True)  # noqa: FBT003

    async def forget(self, user: str) -> None:
        """Delete all files of a user."""
        await anyio.to_thread.run_sync(shutil.rmtree, self._of(user), True)  # noqa: FBT003

    async def tidy(self) -> None:
        """Delete stale uploads, except for those that a request is at."""
        await anyio.to_thread.run_sync(self._tidy)

    def _tidy(self) -> None:
        for folder in self.folder.glob("*/*"):
            with suppress(FileNotFoundError):  # a request has just deleted it
                if folder not in self._busy and folder.stat().st_mtime < time.time() - _STALE:
                    shutil.rmtree(folder, ignore_errors=True)
        for user in self.folder.glob("*"):
            with suppress(OSError):  # not empty
                if user.stat().st_mtime < time.time() - _STALE:
                    user.rmdir()


def _sizes(own: Path) -> list[tuple[Path, int]]:
    """Return the folder and the announced length of each upload that holds, or awaits, bytes."""
    found: list[tuple[Path, int]] = []
    for about in own.glob(f"*/{_ABOUT}"):
        upload = _read(about)
        if upload is not None and upload.outcome is None:
            found.append((about.parent, upload.length))
    return found


def _read(about: Path) -> Upload | None:
    """Return a stored upload; None if a request has deleted it, or a crash has emptied it."""
    try:
        return Upload.model_validate_json(about.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def _digest(*names: str) -> str:
    return sha256(json.dumps(names).encode()).hexdigest()[:40]


def _unkept(path: Path, error: OSError) -> StorageError:
    return StorageError(f"{path.name} cannot be kept: {error.strerror}")


def _about(path: Path) -> Path:
    return path.with_name(_ABOUT)


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")
