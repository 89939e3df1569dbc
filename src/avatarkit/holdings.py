"""What exists of a person, and where: rows, what vendors hold, files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from .models import Consent, Model, StoredFile
from .records import Record, Sample, Training, Video

__all__ = ["Holding", "of_consent", "of_record", "samples_of"]


class Holding(Model):
    """One thing that exists."""

    kind: Literal["record", "vendor", "file"]
    where: str  #: "repository", the provider's name, or "media"
    id: str  #: of the record, the vendor's own, or the file's key
    record_id: str | None = None  #: that it belongs to


def of_record(record: Record) -> Iterator[Holding]:
    """The row, the vendors' jobs as far as known and not removed, and the files."""
    yield Holding(kind="record", where="repository", id=record.id, record_id=record.id)
    for state in record.every_operation:
        for job in dict.fromkeys((*state.known_ids, *state.discard, *state.undeletable)):
            yield Holding(kind="vendor", where=state.provider, id=job, record_id=record.id)
        for file in state.files.values():
            yield _file(file, record.id)
    for sample in samples_of(record):
        yield _file(sample.file, record.id)


def of_consent(consent: Consent) -> Iterator[Holding]:
    """The evidence."""
    if consent.evidence_file is not None:
        yield _file(consent.evidence_file, None)


def _file(file: StoredFile, record_id: str | None) -> Holding:
    return Holding(kind="file", where="media", id=file.key, record_id=record_id)


def samples_of(record: Record) -> Iterator[Sample]:
    """The recordings that a record is made of."""
    given: tuple[Sample | None, ...] = ()
    if isinstance(record, Training):
        given = (*record.voice, record.footage)
        for other in record.alternatives:
            given += tuple(s for s in (*other.voice, other.footage) if s not in given)
    elif isinstance(record, Video):
        given = (record.audio, record.source)
    yield from (sample for sample in given if sample is not None)
