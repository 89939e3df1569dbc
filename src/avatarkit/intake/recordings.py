"""Brings recordings to this machine, and into the media store."""

from __future__ import annotations

import hashlib
import io
import os
import re
import stat
import uuid
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal, Protocol, cast
from urllib.parse import quote

import anyio
import anyio.to_thread

from .. import errors
from ..consent import identified, require_given, require_valid
from ..content import sandbox
from ..content.containers import SUFFIXES
from ..content.files import chunks, sha256, spool, whole
from ..interfaces import FaceFinder, Fetcher, Link, MediaStore, Repository
from ..models import Consent, SampleRole, StoredFile, media_type_of
from ..records import HandIn, Sample
from . import preflight
from .probing import Facts, shown

#: Maximum bytes of evidence of a consent.
MAX_EVIDENCE = 50_000_000

#: A recording as an application gives it: a path, bytes, an open binary file, or an https link.
Source = str | os.PathLike[str] | bytes | IO[bytes]


@dataclass(slots=True)
class Recording:
    """A source as a file on this machine."""

    role: SampleRole | None  #: None until ``examine`` has seen its content
    name: str
    path: Path
    facts: Facts = field(default_factory=Facts)  #: empty until ``examine``


class Links(Fetcher, Protocol):
    """Opens links, and tells what they answer."""

    async def look(self, url: str, /) -> Link:
        """Ask for a link's headers; raises ``MediaRejected`` for a private address."""
        ...


class Recordings:
    """Brings recordings to this machine, examines them, and keeps them in the media store."""

    def __init__(self, media: MediaStore, repository: Repository, links: Links) -> None:
        self._media = media
        self._repository = repository
        self._links = links

    # -- bring and examine --------------------------------------------------------------------

    async def bring(
        self, role: SampleRole | None, source: Source, folder: Path, limits: preflight.Bounds = ()
    ) -> tuple[list[Recording], list[preflight.Finding]]:
        """Stream a source into ``folder``; a path stays where it is.

        An open file that can be is set back to where it was, so that it can be read again.
        A link is checked first: with an error among the findings it is not opened, and there is no
        recording. Raises ``MediaRejected`` for a link to a file that is too large.
        """
        if isinstance(source, str) and _LINK.match(source):
            found = await self.visit(role, source, limits)
            if any(finding.severity == "error" for finding in found):
                return [], found
            return [await self._downloaded(role, source, folder)], found
        if isinstance(source, str | os.PathLike):
            path = Path(source)
            return [Recording(role, path.name, path)], []
        stream = io.BytesIO(source) if isinstance(source, bytes) else source
        name = Path(str(getattr(stream, "name", role or "sample"))).name
        path = folder / f"{uuid.uuid4().hex}{_suffix(name)}"

        await anyio.to_thread.run_sync(_copy, stream, name, path)
        return [Recording(role, name, path)], []

    async def gather(
        self,
        given: Sequence[tuple[SampleRole | None, Source]],
        folder: Path,
        limits: preflight.Bounds,
    ) -> tuple[list[Recording], list[preflight.Finding]]:
        """Bring several sources; the findings are those about links."""
        files: list[Recording] = []
        findings: list[preflight.Finding] = []
        for role, source in given:
            brought, found = await self.bring(role, source, folder, limits)
            files += brought
            findings += found
        return files, findings

    async def accept(self, role: SampleRole, source: Source, folder: Path) -> Recording:
        """Bring a source and examine it; raises ``MediaRejected`` if no provider could use it."""
        files, found = await self.bring(role, source, folder)
        preflight.refuse(found)
        preflight.refuse(await self.examine(files))
        return files[0]

    async def visit(
        self, role: SampleRole | None, url: str, limits: preflight.Bounds
    ) -> list[preflight.Finding]:
        """Check a link by its address and by its response headers."""
        found = preflight.check_url(url, (await self._repository.now()).wall)
        if any(finding.severity == "error" for finding in found):
            return found
        try:
            answer = await self._links.look(url)
        except (errors.MediaRejected, errors.ProviderError) as error:
            private = isinstance(error, errors.MediaRejected)
            code = "link-private" if private else "link-unreachable"
            return [preflight.refusal(code, preflight.link_name(url), str(error))]
        return [*found, *preflight.check_answer(url, answer, role, limits)]

    async def _downloaded(self, role: SampleRole | None, url: str, folder: Path) -> Recording:
        name = preflight.link_name(url)
        path = folder / f"{uuid.uuid4().hex}{_suffix(name)}"

        async def bounded() -> AsyncIterator[bytes]:
            size = 0
            async for chunk in self._links.fetch(url):
                _require_size(name, size := size + len(chunk))
                yield chunk

        await spool(path, bounded())
        return Recording(role, name, path)

    async def examine(
        self,
        files: Sequence[Recording],
        limits: preflight.Bounds = (),
        faces: FaceFinder | None = None,
    ) -> list[preflight.Finding]:
        """Read files in the sandbox, each once, set their facts, and return all findings."""
        given = [(file.role, file.name, file.path) for file in files]
        subjects = await sandbox.MEDIA.in_thread(lambda: preflight.examine(given, limits, faces))
        for file, subject in zip(files, subjects, strict=True):
            file.role, file.facts = subject.role, subject.facts
        return preflight.judge(subjects, limits)

    # -- keep ---------------------------------------------------------------------------------

    async def keep(self, file: Recording, user_id: str, clone_id: str) -> Sample:
        """Store an examined file, then the sample's row; the same bytes in a role are kept once."""
        facts = file.facts
        suffix = SUFFIXES[facts.media_type]
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
        """Store a recording that a provider asked for; it is deleted once it was handed in.

        Raises ``MediaRejected`` if it is of another kind.
        """
        facts = file.facts
        if not facts.media_type.startswith(f"{kind}/"):
            raise errors.MediaRejected(
                f"{file.name} is {facts.media_type}, and what is asked for is {kind}: record it "
                "again"
            )
        suffix = SUFFIXES[facts.media_type]
        key = f"{prefix}/recording-{uuid.uuid4().hex}{suffix}"
        stored = await self._media.put(key, chunks(file.path), facts.media_type)
        return HandIn(ref=ref, name=f"{Path(file.name).stem}{suffix}", file=stored)

    async def withdraw(self, user_id: str, digests: Iterable[str]) -> None:
        """Note that the person in these recordings has revoked a consent.

        One mark says so to this user, and is erased with the user. The other one names no user, and
        stays: without it, the recordings could be used again under another user's name.
        """
        for digest in dict.fromkeys(digests):
            for mark in (_withdrawn(user_id, digest), _withdrawn_by_anyone(digest)):
                await self._media.put(mark, whole(b"revoked"), "text/plain")

    async def require_not_withdrawn(
        self, consent: Consent, user_id: str, digests: Iterable[str]
    ) -> None:
        """Raise ``ConsentRequired`` if recordings of a person are said to show no real person.

        That is known of recordings that were used by a consent which was revoked. Another user is
        not told of the revocation.
        """
        if consent.real_person:
            return
        for digest in dict.fromkeys(digests):
            if await self._media.stat(_withdrawn(user_id, digest)) is not None:
                raise errors.ConsentRequired(
                    "these recordings were made of a real person, who has revoked the consent; "
                    "that they show no real person is not accepted. Ask the person for a new "
                    "consent, or use other recordings"
                )
            if await self._media.stat(_withdrawn_by_anyone(digest)) is not None:
                raise errors.ConsentRequired(
                    "that these recordings show no real person is not accepted: give the consent "
                    "of the person in them, or use other recordings"
                )

    async def keep_consent(self, consent: Consent, user_id: str) -> Consent:
        """Store the evidence with its digest, then the consent's row.

        Raises ``ConsentRequired`` if this very consent was revoked, or has expired, and
        ``MediaRejected`` for evidence that is too large.
        """
        path = None if consent.evidence is None else Path(consent.evidence)
        if path is not None:
            found = await self._evidence_file(path, user_id)
            consent = consent.model_copy(update={"evidence": None, "evidence_file": found})
        now = (await self._repository.now()).wall
        require_given(consent, now)
        consent = identified(consent, user_id)
        require_valid(consent, now)
        require_valid(await self._repository.get_consent(consent.id), now)
        if path is not None and (evidence := consent.evidence_file):
            await self._media.put(evidence.key, chunks(path), evidence.media_type)
        if consent.given_at is None:
            consent = consent.model_copy(update={"given_at": now})
        kept = await self._repository.add_consent(consent)
        require_valid(kept, now)
        return kept

    async def _evidence_file(self, path: Path, user_id: str) -> StoredFile:
        """Describe evidence as it will be stored."""
        name = shown(path.name)
        try:
            status = await anyio.Path(path).stat()
            if not stat.S_ISREG(status.st_mode):
                raise FileNotFoundError
            if status.st_size > MAX_EVIDENCE:
                raise errors.MediaRejected(
                    f"{name} is larger than {MAX_EVIDENCE / 1e6:.0f} MB: cut or compress it"
                )
            digest = await anyio.to_thread.run_sync(sha256, path)
        except OSError as error:
            reason = f" ({error.strerror})" if error.strerror else ""
            raise errors.ConsentRequired(
                f"evidence file not found: {name}{reason}. Check its path and rights"
            ) from error
        return StoredFile(
            key=f"consents/{_part(user_id)}/{digest}{_suffix(path.name).lower()}",
            size=status.st_size,
            sha256=digest,
            media_type=media_type_of(path.suffix),
        )


@dataclass(slots=True)
class Gathering:
    """Sources of one order, of which each is brought once, however many stacks need it."""

    recordings: Recordings
    given: Sequence[tuple[SampleRole, Source]]
    folder: Path
    limits: preflight.Bounds
    _known: dict[int, tuple[list[Recording], list[preflight.Finding]]] = field(
        default_factory=dict[int, tuple[list[Recording], list[preflight.Finding]]]
    )

    async def of(
        self, roles: Collection[SampleRole]
    ) -> tuple[list[Recording], list[preflight.Finding]]:
        """The recordings in these roles, and the findings about their links."""
        files: list[Recording] = []
        findings: list[preflight.Finding] = []
        for index, (role, source) in enumerate(self.given):
            if role not in roles:
                continue
            if index not in self._known:
                brought = await self.recordings.bring(role, source, self.folder, self.limits)
                self._known[index] = brought
            files += self._known[index][0]
            findings += self._known[index][1]
        return files, findings


def _copy(stream: IO[bytes], name: str, path: Path) -> None:
    """Copy an open file, and set it back to where it was, if it can be; blocking.

    Raises ``MediaRejected`` if it cannot be read, or is too large.
    """
    seekable = getattr(stream, "seekable", None)
    begin = stream.tell() if seekable is not None and seekable() else None
    size = 0
    with path.open("wb") as file:
        while piece := _piece(stream, name):
            _require_size(name, size := size + len(piece))
            file.write(piece)
    if begin is not None:
        stream.seek(begin)


def _piece(stream: IO[bytes], name: str) -> bytes:
    """Read the next bytes of a caller's file; its code may raise anything."""
    try:
        piece = cast("object", stream.read(_PIECE))
    except Exception as error:
        raise errors.MediaRejected(
            f"{name} cannot be read ({type(error).__name__}: {error}): give its path or its bytes"
        ) from error
    if not isinstance(piece, bytes | bytearray | memoryview | None):
        raise errors.MediaRejected(
            f"{name} gives {type(piece).__name__} instead of bytes: open it as a binary file"
        )
    return bytes(cast("bytes | memoryview[int]", piece or b""))


def _require_size(name: str, size: int) -> None:
    if size > preflight.MAX_BYTES:
        raise errors.MediaRejected(f"{name} is larger than {preflight.MAX_BYTES} bytes")


_PIECE = 1 << 18  # bytes

#: An address rather than a path.
_LINK = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


def _suffix(name: str) -> str:
    """The extension of an untrusted name, empty unless it is safe in a path."""
    suffix = Path(name).suffix
    return suffix if re.fullmatch(r"\.[A-Za-z0-9]{1,8}", suffix) else ""


def _part(name: str) -> str:
    """A user's or clone's id, quoted as one part of a key; the end of a long one is a digest."""
    quoted = quote(name, safe="").replace(".", "%2E")
    if len(quoted) <= _LONGEST_PART:
        return quoted
    return f"{quoted[:100]}={hashlib.sha256(name.encode()).hexdigest()[:32]}"


#: Characters; a file system takes 255 of them. An id may have 200, each quoted as up to twelve.
_LONGEST_PART = 200


def _withdrawn(user_id: str, digest: str) -> str:
    return f"consents/{_part(user_id)}/revoked/{digest}"


def _withdrawn_by_anyone(digest: str) -> str:
    """Key of a mark that can be found from the recording only: neither its user nor its digest."""
    return f"revoked/{hashlib.sha256(f'revoked {digest}'.encode()).hexdigest()}"


def folders_of(user_id: str) -> tuple[str, ...]:
    """The folders of the media store that hold one user's recordings and evidence."""
    return f"samples/{_part(user_id)}", f"consents/{_part(user_id)}"
