"""Brings recordings to this machine, and into the media store."""

from __future__ import annotations

import hashlib
import io
import os
import re
import shutil
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, Protocol, TypeGuard, cast
from urllib.parse import quote

import anyio
import anyio.to_thread

from .. import errors
from ..consent import require_valid
from ..content.files import chunks
from ..interfaces import FaceFinder, Fetcher, Link, MediaStore, Repository
from ..models import Consent, SampleRole, media_type_of
from ..records import HandIn, Sample
from . import preflight as looks

__all__ = ["Gathering", "Links", "Recording", "Recordings", "Source", "folders_of"]

#: A recording as an application gives it: a path, bytes, an open binary file, or an https link.
Source = str | os.PathLike[str] | bytes | IO[bytes]


@dataclass(slots=True)
class Recording:
    """A source that lies on this machine."""

    role: SampleRole | None  #: None until what it holds decides
    name: str
    path: Path
    facts: looks.Facts | None = None  #: once it was looked into

    @property
    def media_type(self) -> str:
        """What it was seen to be; empty where nobody has looked."""
        return "" if self.facts is None else self.facts.media_type

    @property
    def subject(self) -> tuple[SampleRole | None, str, Path]:
        """What preflight looks at."""
        return self.role, self.name, self.path


class Links(Fetcher, Protocol):
    """Opens links, and tells what they answer."""

    async def look(self, url: str, /) -> Link:
        """Ask what is behind a link; raises ``MediaRejected`` where it leads to a private one."""
        ...


class Recordings:
    """The way of a person's recordings into one store and one repository."""

    def __init__(self, media: MediaStore, repository: Repository, links: Links) -> None:
        self._media = media
        self._repository = repository
        self._links = links

    async def gather(
        self, given: Sequence[tuple[SampleRole | None, Source]], folder: Path, limits: looks.Bounds
    ) -> tuple[list[Recording], list[looks.Finding]]:
        """Bring sources here, and say what is wrong with links; those are not opened."""
        files, findings = [], []
        for role, source in given:
            if _is_link(source):
                found = await self.visit(role, source, limits)
                findings += found
                if any(finding.severity == "error" for finding in found):
                    continue
                files.append(await self._fetched(role, source, folder))
            else:
                files.append(await self.bring(role, source, folder))
        return files, findings

    async def bring(self, role: SampleRole | None, source: Source, folder: Path) -> Recording:
        """Bring a source to this machine, streamed; a path stays where it is.

        Raises ``MediaRejected`` for a link that leads to no file, or to a private address.
        """
        if _is_link(source):
            looks.refuse(await self.visit(role, source, ()))
            return await self._fetched(role, source, folder)
        if isinstance(source, str | os.PathLike):
            path = Path(source)
            return Recording(role, path.name, path)
        stream = io.BytesIO(source) if isinstance(source, bytes) else source
        name = Path(str(getattr(stream, "name", role or "sample"))).name
        path = folder / f"{uuid.uuid4().hex}{_suffix(name)}"

        def spool() -> None:
            with path.open("wb") as file:
                shutil.copyfileobj(stream, file)

        await anyio.to_thread.run_sync(spool)
        return Recording(role, name, path)

    async def visit(
        self, role: SampleRole | None, url: str, limits: looks.Bounds
    ) -> list[looks.Finding]:
        """Say what is wrong with a link, by its address and by what it answers."""
        found = looks.check_url(url, (await self._repository.now()).wall)
        if any(finding.severity == "error" for finding in found):
            return found
        try:
            answer = await self._links.look(url)
        except (errors.MediaRejected, errors.ProviderError) as error:
            private = isinstance(error, errors.MediaRejected)
            code = "link-private" if private else "link-unreachable"
            return [looks.refusal(code, looks.link_name(url), str(error))]
        return [*found, *looks.check_answer(url, answer, role, limits)]

    async def _fetched(self, role: SampleRole | None, url: str, folder: Path) -> Recording:
        name = looks.link_name(url)
        path = folder / f"{uuid.uuid4().hex}{_suffix(name)}"
        size = 0
        async with await anyio.open_file(path, "wb") as file:
            async for chunk in self._links.fetch(url):
                size += len(chunk)
                if size > looks.MAX_BYTES:
                    raise errors.MediaRejected(f"{name} is larger than {looks.MAX_BYTES} bytes")
                await file.write(chunk)
        return Recording(role, name, path)

    async def look(
        self,
        files: Sequence[Recording],
        limits: looks.Bounds = (),
        faces: FaceFinder | None = None,
    ) -> list[looks.Finding]:
        """Look into files in a thread, each once, and say what is wrong with them."""
        subjects = await anyio.to_thread.run_sync(
            looks.look, [file.subject for file in files], limits, faces
        )
        for file, subject in zip(files, subjects, strict=True):
            file.role, file.facts = subject.role, subject.facts
        return looks.judge(subjects, limits)

    async def check(self, file: Recording) -> None:
        """Refuse what no provider could use; raises ``MediaRejected``."""
        looks.refuse(await self.look([file]))

    async def _seen(self, file: Recording) -> looks.Facts:
        """What a file was seen to be; raises ``MediaRejected`` where it is no recording."""
        if file.facts is None or file.facts.kind is None:
            await self.check(file)
        return cast("looks.Facts", file.facts)

    async def keep(self, file: Recording, user_id: str, clone_id: str) -> Sample:
        """Store the bytes, then record the sample; the same bytes in a role are kept once."""
        facts = await self._seen(file)
        suffix = looks.SUFFIXES[facts.media_type]
        key = f"samples/{_part(user_id)}/{file.role}/{_part(clone_id)}/{facts.sha256}{suffix}"
        stored = await self._media.put(key, chunks(file.path), facts.media_type)
        now = (await self._repository.now()).wall
        sample = Sample(
            id=str(uuid.uuid4()),
            user_id=user_id,
            clone_id=clone_id,
            role=cast("Literal['voice', 'footage']", str(file.role)),
            name=f"{Path(file.name).stem}{suffix}",
            file=stored,
            seconds=facts.seconds,
            created_at=now,
        )
        return await self._repository.add_sample(sample)

    async def keep_asked(
        self, file: Recording, prefix: str, kind: Literal["audio", "video"], ref: str
    ) -> HandIn:
        """Store a recording that a provider asked for; it goes when the record's results go.

        Raises ``MediaRejected`` where it is not what was asked for.
        """
        facts = await self._seen(file)
        if not facts.media_type.startswith(f"{kind}/"):
            raise errors.MediaRejected(
                f"{file.name} is {facts.media_type}, and what is asked for is {kind}: record it "
                "again"
            )
        suffix = looks.SUFFIXES[facts.media_type]
        key = f"{prefix}/recording-{facts.sha256[:16]}{suffix}"
        stored = await self._media.put(key, chunks(file.path), facts.media_type)
        return HandIn(ref=ref, name=f"{Path(file.name).stem}{suffix}", file=stored)

    async def keep_consent(self, consent: Consent, user_id: str) -> Consent:
        """Store the evidence with its digest, then record the consent.

        Raises ``ConsentRequired`` where this very consent was revoked, or has expired.
        """
        if consent.evidence is not None:
            path = Path(consent.evidence)
            if not await anyio.Path(path).is_file():
                raise errors.ConsentRequired(f"the evidence {path.name} is not there")
            digest = await anyio.to_thread.run_sync(_sha256, path)
            key = f"consents/{_part(user_id)}/{digest}{path.suffix.lower()}"
            stored = await self._media.put(key, chunks(path), media_type_of(path.suffix))
            consent = consent.model_copy(update={"evidence": None, "evidence_file": stored})
        now = (await self._repository.now()).wall
        require_valid(consent, now)
        if consent.given_at is None:
            consent = consent.model_copy(update={"given_at": now})
        kept = await self._repository.add_consent(consent.identified(user_id))
        require_valid(kept, now)
        return kept


class Gathering:
    """Sources of which each is brought here once, whoever asks for it, and how often."""

    def __init__(
        self,
        recordings: Recordings,
        given: Sequence[tuple[SampleRole, Source]],
        folder: Path,
        limits: looks.Bounds,
    ) -> None:
        self._recordings = recordings
        self._given = given
        self._folder = folder
        self._limits = limits
        self._known: dict[int, tuple[list[Recording], list[looks.Finding]]] = {}

    async def of(
        self, roles: Collection[SampleRole]
    ) -> tuple[list[Recording], list[looks.Finding]]:
        """The recordings in these roles, as ``Recordings.gather`` gives them."""
        files, findings = [], []
        for index, pair in enumerate(self._given):
            if pair[0] not in roles:
                continue
            if index not in self._known:
                gathered = await self._recordings.gather([pair], self._folder, self._limits)
                self._known[index] = gathered
            files += self._known[index][0]
            findings += self._known[index][1]
        return files, findings


def _is_link(source: Source) -> TypeGuard[str]:
    """Whether it is an address rather than a path."""
    return isinstance(source, str) and re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", source) is not None


def _suffix(name: str) -> str:
    """The extension of a name that may hold anything, as it may stand in a path."""
    suffix = Path(name).suffix
    return suffix if re.fullmatch(r"\.[A-Za-z0-9]{1,8}", suffix) else ""


def _part(name: str) -> str:
    """A user's or clone's id as one part of a key."""
    return quote(name, safe="").replace(".", "%2E")


def folders_of(user_id: str) -> tuple[str, ...]:
    """Where in the media store a user's recordings and evidence are, and nobody else's."""
    return f"samples/{_part(user_id)}", f"consents/{_part(user_id)}"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
