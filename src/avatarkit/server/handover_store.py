"""Hand-overs: one-time links by which another device, such as a phone, does one upload of a user.

The link holds a secret after its ``#``, which browsers send to no server. The device that opens it
exchanges the secret, once, for a token; the token is good for one upload and nothing else.
"""

from __future__ import annotations

import hmac
import re
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from typing import Literal
from uuid import uuid4

import anyio
import anyio.to_thread
from pydantic import BaseModel, ValidationError

from ..content.files import private_folder, private_opener
from ..errors import AvatarKitError, NotFound, StorageError
from .bodies import NewHandover

#: Seconds in which the link can be opened, and in which the device must hand over its recording.
OPENED_WITHIN, UPLOADED_WITHIN = 600.0, 1800.0

#: Hand-overs of a user at once; an older one ends.
_AT_ONCE = 10

#: First characters of every secret, by which a request of a device is known.
_PREFIX = "handover-"

_ABOUT, _CLAIMED = "about.json", "claimed"

#: Maximum characters of a file's ending, with its dot.
_ENDING = 6

Status = Literal["waiting", "opened", "completed", "expired"]


class HandoverEnded(AvatarKitError):
    """The link or the token of a hand-over is used, closed, too old, or for something else."""

    def __init__(self) -> None:
        super().__init__(
            "This link is used, closed or too old: show a new code on the other device."
        )


class Handover(BaseModel):
    """One hand-over as it is stored: with digests of its secrets, never the secrets."""

    id: str
    user: str
    clone_id: str
    asked: NewHandover
    link: str  #: digest of the link's secret
    token: str = ""  #: digest of the token of the device that opened the link
    expires_at: float
    name: str = ""  #: of the upload, once it has begun
    completed: bool = False

    @property
    def stem(self) -> str:
        """Name of the upload without its ending, which the device chooses."""
        return f"{self.asked.role}-{self.id[:8]}"

    def status(self, now: float) -> Status:
        """Return how far it is."""
        if self.completed:
            return "completed"
        if now >= self.expires_at:
            return "expired"
        return "opened" if self.token else "waiting"

    def covers(self, clone_id: str, role: str, name: str) -> bool:
        """Return True for its own upload."""
        own = Path(name).stem == self.stem and len(Path(name).suffix) <= _ENDING
        return own and (clone_id, role) == (self.clone_id, self.asked.role)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A hand-over whose link was opened, and the token of the device."""

    handover: Handover
    token: str


class Handovers:
    """Hand-overs below ``folder``, one folder each, so that all processes of a server share them.

    Whatever is stale is deleted with the uploads, in whose folder they are.
    """

    def __init__(self, folder: Path, now: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._now = now

    @property
    def now(self) -> float:
        """Seconds since 1970."""
        return self._now()

    async def create(self, user: str, clone_id: str, asked: NewHandover) -> tuple[Handover, str]:
        """Create a hand-over in place of an earlier one for that role; return its secret too."""
        held = sorted(await self._of(user), key=lambda one: one.expires_at, reverse=True)
        for place, earlier in enumerate(held, 2):
            same = (earlier.clone_id, earlier.asked.role) == (clone_id, asked.role)
            if same or place > _AT_ONCE or self.now >= earlier.expires_at:
                await self.end(earlier)
        handover_id = secrets.token_hex(8)
        secret = _new(handover_id)
        made = Handover(
            id=handover_id,
            user=user,
            clone_id=clone_id,
            asked=asked,
            link=_digest(secret),
            expires_at=self.now + OPENED_WITHIN,
        )
        await anyio.to_thread.run_sync(private_folder, self._place(handover_id))
        await self._keep(made)
        return made, secret

    async def find(self, user: str, clone_id: str, handover_id: str) -> Handover:
        """Return a user's hand-over; raise ``NotFound`` for another user's too."""
        found = await self._read(handover_id)
        if found is None or (found.user, found.clone_id) != (user, clone_id):
            raise NotFound("there is no such hand-over: it was closed, or is too old")
        return found

    async def claim(self, secret: str) -> Claimed:
        """Exchange the secret of a link for a token, once; else raise ``HandoverEnded``."""
        found = await self._of_secret(secret)
        if found is None or not _same(secret, found.link) or found.status(self.now) != "waiting":
            raise HandoverEnded
        if not await anyio.to_thread.run_sync(_mark, self._place(found.id) / _CLAIMED):
            raise HandoverEnded  # another device was faster
        token = _new(found.id)
        until = self.now + UPLOADED_WITHIN
        opened = found.model_copy(update={"token": _digest(token), "expires_at": until})
        await self._keep(opened)
        return Claimed(opened, token)

    async def authenticate(self, token: str) -> Handover | None:
        """Return the hand-over whose device sends this token; None if it has ended."""
        found = await self._of_secret(token)
        if found is None or not _same(token, found.token):
            return None
        return None if self.now >= found.expires_at else found

    async def require(self, handover: Handover) -> None:
        """Raise ``HandoverEnded`` for one that was closed meanwhile."""
        if await self._read(handover.id) is None:
            raise HandoverEnded

    async def note(self, handover: Handover, *, name: str, completed: bool = False) -> None:
        """Keep the name of its upload, and that it is complete."""
        await self._keep(handover.model_copy(update={"name": name, "completed": completed}))

    async def end(self, handover: Handover) -> None:
        """Delete a hand-over: neither its link nor its token is good for anything from now on."""
        await anyio.to_thread.run_sync(_delete, self._place(handover.id))

    async def forget(self, user: str) -> None:
        """Delete all hand-overs of a user."""
        for handover in await self._of(user):
            await self.end(handover)

    async def _of(self, user: str) -> list[Handover]:
        found = await anyio.to_thread.run_sync(self._all)
        return [handover for handover in found if handover.user == user]

    def _all(self) -> list[Handover]:
        read = [_read(path) for path in self._folder.glob(f"*/{_ABOUT}")]
        return [handover for handover in read if handover is not None]

    async def _of_secret(self, secret: str) -> Handover | None:
        """Return the hand-over that a secret names; the caller compares its digest."""
        return await self._read(secret.removeprefix(_PREFIX).partition(".")[0])

    async def _read(self, handover_id: str) -> Handover | None:
        if not re.fullmatch(r"[0-9a-f]{16}", handover_id):
            return None
        try:
            return await anyio.to_thread.run_sync(_read, self._place(handover_id) / _ABOUT)
        except OSError as error:
            raise _unkept(error) from error

    def _place(self, handover_id: str) -> Path:
        return self._folder / handover_id

    async def _keep(self, handover: Handover) -> None:
        place = self._place(handover.id)
        try:
            new = anyio.Path(place / f"{uuid4().hex}.new")
            async with await anyio.open_file(new, "wb", opener=private_opener) as file:
                await file.write(handover.model_dump_json().encode())
            await new.replace(place / _ABOUT)  # at once: others read it
        except FileNotFoundError as error:
            raise HandoverEnded from error  # closed meanwhile
        except OSError as error:
            raise _unkept(error) from error


def is_secret(given: str | None) -> bool:
    """Return True for what looks like the secret of a hand-over, valid or not."""
    return given is not None and given.startswith(_PREFIX)


def _new(handover_id: str) -> str:
    return f"{_PREFIX}{handover_id}.{secrets.token_urlsafe(18)}"


def _digest(secret: str) -> str:
    return sha256(secret.encode(errors="surrogatepass")).hexdigest()


def _same(secret: str, digest: str) -> bool:
    return hmac.compare_digest(_digest(secret), digest)


def _unkept(error: OSError) -> StorageError:
    return StorageError(f"hand-overs cannot be kept: {error.strerror}")


def _mark(path: Path) -> bool:
    """Create a file; False if there is one already."""
    try:
        path.touch(0o600, exist_ok=False)
    except (FileExistsError, FileNotFoundError):
        return False
    return True


def _delete(place: Path) -> None:
    """Delete a folder; first take it away at once, so that a writer cannot fill it again."""
    with suppress(FileNotFoundError):
        rmtree(place.rename(place.with_name(f"{place.name}-ended")), ignore_errors=True)


def _read(path: Path) -> Handover | None:
    try:
        return Handover.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None
