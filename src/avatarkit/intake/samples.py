"""Samples: add, check and delete a clone's recordings, and take one that a provider asks for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

from .. import errors
from ..content.files import temporary_folder
from ..interfaces import MediaStore, Repository, TakesRecording
from ..lifecycle import leftovers
from ..models import Operation, SampleRole
from ..records import HandIn, OperationKey, OperationState, Record, Sample
from ..repositories.paging import every_record
from ..stacks.candidate import Candidate
from ..stacks.provider_pool import ProviderPool
from . import preflight
from .recordings import Recording, Recordings, Source


class Samples:
    """Keeps and deletes samples outside of an order."""

    def __init__(
        self,
        *,
        pool: ProviderPool,
        recordings: Recordings,
        repository: Repository,
        media: MediaStore,
    ) -> None:
        self._pool = pool
        self._recordings = recordings
        self._repository = repository
        self._media = media

    async def add(
        self, user_id: str, clone_id: str, voice: Source | None, footage: Source | None
    ) -> Sample:
        """Keep one recording; raises ``MediaRejected`` if no provider could use it."""
        role, source = _one_of(voice, footage)
        with temporary_folder() as folder:
            file = await self._recordings.accept(role, source, folder)
            return await self._recordings.keep(file, user_id, clone_id)

    async def offer(
        self,
        user_id: str,
        clone_id: str,
        voice: Source | None,
        footage: Source | None,
        candidate: Candidate,
    ) -> tuple[Sample | None, list[preflight.Finding]]:
        """Keep one recording, unless there is an error among the findings, which are returned."""
        given = _one_of(voice, footage)
        with temporary_folder() as folder:
            files, found = await self._checked([given], folder, candidate)
            if any(finding.severity == "error" for finding in found):
                return None, found
            return await self._recordings.keep(files[0], user_id, clone_id), found

    async def check(
        self,
        voice: Sequence[Source],
        footage: Source | None,
        samples: Sequence[Source],
        candidate: Candidate,
        language: str | None = None,
    ) -> list[preflight.Finding]:
        """Check recordings against the limits of a stack, without keeping or sending them."""
        found: list[preflight.Finding] = []
        try:
            candidate.require_language(language)
        except errors.Unsupported as error:
            found.append(preflight.refusal("language", "language", str(error)))
        given: list[tuple[SampleRole | None, Source]] = [(SampleRole.VOICE, v) for v in voice]
        given += [(SampleRole.FOOTAGE, footage)] if footage is not None else []
        given += [(None, sample) for sample in samples]
        with temporary_folder() as folder:
            return found + (await self._checked(given, folder, candidate))[1]

    async def _checked(
        self,
        given: Sequence[tuple[SampleRole | None, Source]],
        folder: Path,
        candidate: Candidate,
    ) -> tuple[list[Recording], list[preflight.Finding]]:
        files, found = await self._recordings.gather(given, folder, candidate.limits)
        finder = candidate.face_finder
        return files, found + await self._recordings.examine(files, candidate.limits, finder)

    async def delete(self, sample_id: str, user_id: str, clone_id: str) -> None:
        """Remove a stored recording; raises ``NotFound``, or ``Conflict`` while it is in use."""
        kept = await self._repository.samples(user_id, clone_id)
        sample = next((sample for sample in kept if sample.id == sample_id), None)
        if sample is None:
            raise errors.NotFound(f"there is no sample {sample_id!r}")
        async for record in every_record(self._repository, user_id, clone_id):
            if record.status.final:
                continue
            if any(used.file.key == sample.file.key for used in leftovers.samples_of(record)):
                raise errors.Conflict(
                    f"{record.id} is made of {sample.name}: wait for its end, or cancel it first"
                )
        # The bytes go first: after a crash in between, the row still lists what to delete.
        await self._media.delete(sample.file.key)
        await self._repository.remove_sample(sample)

    async def take_asked(
        self, record: Record, choice: str, recording: Source
    ) -> tuple[OperationKey, HandIn]:
        """Store the recording that the record's action asks for; returns its operation too.

        Raises ``IllegalTransition`` if the action asks for none, ``Unsupported`` if the provider
        takes none over its API, ``MediaRejected`` for another kind of recording.
        """
        action = record.action
        if choice != "done" or action is None or action.recording is None:
            raise errors.IllegalTransition(
                f"{record.id} asks for no recording; where one is asked for, answer 'done' with it"
            )
        key = cast("Operation", action.operation), action.scene
        state = cast("OperationState", record.operation(*key))
        if not isinstance(self._pool.provider(state.provider), TakesRecording):
            raise errors.Unsupported(
                f"{state.provider} takes no recording from here: give it there, then answer 'done'"
            )
        role = SampleRole.VOICE if action.recording == "audio" else SampleRole.FOOTAGE
        with temporary_folder() as folder:
            file = await self._recordings.accept(role, recording, folder)
            kept = await self._recordings.keep_asked(
                file, record.prefix, action.recording, action.ref or ""
            )
        return key, kept


def _one_of(voice: Source | None, footage: Source | None) -> tuple[SampleRole, Source]:
    if voice is not None and footage is None:
        return SampleRole.VOICE, voice
    if footage is not None and voice is None:
        return SampleRole.FOOTAGE, footage
    raise errors.ConfigError("give either voice= or footage=")
