"""Brings recordings to this machine, and into the media store."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, cast
from urllib.parse import quote

import anyio
import anyio.to_thread

from . import errors
from . import preflight as looks
from ._files import chunks
from .interfaces import Fetcher, MediaStore, Repository
from .models import Consent, SampleRole, media_type_of
from .records import Sample

__all__ = ["Recording", "Recordings", "Source"]

#: A recording as an application gives it: a path, bytes, an open binary file, or an https link.
Source = str | os.PathLike[str] | bytes | IO[bytes]


@dataclass(frozen=True, slots=True)
class Recording:
    """A source that lies on this machine."""

    role: SampleRole
    name: str
    path: Path

    @property
    def subject(self) -> tuple[SampleRole, str, Path]:
        """What preflight looks at."""
        return self.role, self.name, self.path


class Recordings:
    """The way of a person's recordings into one store and one repository."""

    def __init__(self, media: MediaStore, repository: Repository, fetcher: Fetcher) -> None:
        self._media = media
        self._repository = repository
        self._fetcher = fetcher

    async def bring(self, role: SampleRole, source: Source, folder: Path) -> Recording:
        """Bring a source to this machine, streamed; a path stays where it is.

        Raises ``MediaRejected`` for a link to a private address.
        """
        if isinstance(source, str) and source.startswith(("http://", "https://")):
            name = source.partition("?")[0].rpartition("/")[2] or str(role)
            path = folder / f"{uuid.uuid4().hex}{Path(name).suffix}"
            async with await anyio.open_file(path, "wb") as file:
                async for chunk in self._fetcher.fetch(source):
                    await file.write(chunk)
            return Recording(role, name, path)
        if isinstance(source, str | os.PathLike):
            path = Path(source)
            return Recording(role, path.name, path)
        stream = io.BytesIO(source) if isinstance(source, bytes) else source
        name = Path(str(getattr(stream, "name", role))).name
        path = folder / f"{uuid.uuid4().hex}{Path(name).suffix}"

        def spool() -> None:
            with path.open("wb") as file:
                shutil.copyfileobj(stream, file)

        await anyio.to_thread.run_sync(spool)
        return Recording(role, name, path)

    async def check(self, file: Recording) -> None:
        """Refuse what no provider could use; raises ``MediaRejected``."""
        looks.refuse(await anyio.to_thread.run_sync(looks.inspect, [file.subject], ()))

    async def keep(self, file: Recording, user_id: str, clone_id: str) -> Sample:
        """Store the bytes, then record the sample; the same bytes in a role are kept once."""
        digest = await anyio.to_thread.run_sync(_sha256, file.path)
        facts = await anyio.to_thread.run_sync(looks.probe, file.path, file.name)
        suffix = looks.SUFFIXES[facts.media_type]
        key = f"samples/{_part(user_id)}/{file.role}/{_part(clone_id)}/{digest}{suffix}"
        stored = await self._media.put(key, chunks(file.path), facts.media_type)
        now = (await self._repository.now()).wall
        sample = Sample(
            id=str(uuid.uuid4()),
            user_id=user_id,
            clone_id=clone_id,
            role=cast("Literal['voice', 'footage']", str(file.role)),
            name=f"{Path(file.name).stem}{suffix}",
            file=stored,
            created_at=now,
        )
        return await self._repository.add_sample(sample)

    async def keep_consent(self, consent: Consent, user_id: str) -> Consent:
        """Store the evidence with its digest, then record the consent."""
        if consent.evidence is not None:
            path = Path(consent.evidence)
            if not await anyio.Path(path).is_file():
                raise errors.ConsentRequired(f"the evidence {path.name} is not there")
            digest = await anyio.to_thread.run_sync(_sha256, path)
            key = f"consents/{_part(user_id)}/{digest}{path.suffix.lower()}"
            stored = await self._media.put(key, chunks(path), media_type_of(path.suffix))
            consent = consent.model_copy(update={"evidence": None, "evidence_file": stored})
        if consent.given_at is None:
            now = (await self._repository.now()).wall
            consent = consent.model_copy(update={"given_at": now})
        return await self._repository.add_consent(consent.identified(user_id))


def _part(name: str) -> str:
    """A user's or clone's id as one part of a key."""
    return quote(name, safe="").replace(".", "%2E")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
