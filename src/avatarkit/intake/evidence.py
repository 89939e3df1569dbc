"""Stored evidence of consents: counted, and deleted once no record needs it."""

from __future__ import annotations

from .. import errors
from ..interfaces import MediaStore, Repository
from ..models import Consent
from ..records import Record
from ..repositories.paging import every_record


class Evidence:
    """Deletes evidence from the media store; the consent's row stays, without the file."""

    def __init__(self, media: MediaStore, repository: Repository) -> None:
        self._media = media
        self._repository = repository

    async def delete(self, consent_id: str) -> Consent:
        """Delete a consent's evidence; do nothing without any.

        Raises ``NotFound`` for an unknown consent, and ``Conflict`` while an unfinished training or
        video relies on it, since its vendor may still ask for it.
        """
        consent = await self._repository.get_consent(consent_id)
        if consent is None:
            raise errors.NotFound(f"there is no consent {consent_id!r}")
        async for record in every_record(self._repository, consent.user_id):
            if record.consent_id == consent_id and not record.status.final:
                raise errors.Conflict(
                    f"{record.id} relies on this consent: wait for its end, or cancel it first"
                )
        return await self._drop(consent)

    async def release(self, record: Record) -> None:
        """Delete the evidence of a deleted record unless another record has the same consent."""
        consent_id = record.consent_id
        consent = await self._repository.get_consent(consent_id) if consent_id else None
        if consent is None or consent.evidence_file is None:
            return
        async for other in every_record(self._repository, consent.user_id):
            if other.consent_id == consent_id and other.id != record.id:
                return
        await self._drop(consent)

    async def _drop(self, consent: Consent) -> Consent:
        file = consent.evidence_file
        if file is None:
            return consent
        others = await self._repository.consents(consent.user_id)
        # The bytes go first: after a crash in between, the row still lists what to delete.
        if not any(
            other.id != consent.id and other.evidence_file and other.evidence_file.key == file.key
            for other in others
        ):
            await self._media.delete(file.key)
        return await self._repository.drop_evidence(consent.id) or consent
