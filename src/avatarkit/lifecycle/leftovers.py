"""Leftovers: rows, vendors' jobs and files of a person, and those that are still to be deleted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ..models import Consent, Model, StoredFile
from ..records import OperationState, Phase, Record, Sample, Training, Video


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
        for job in dict.fromkeys(
            (*state.known_ids, *state.cleanup.discard, *state.cleanup.undeletable)
        ):
            yield Holding(kind="vendor", where=state.provider, id=job, record_id=record.id)
        for file in state.job.files.values():
            yield _file(file, record.id)
    for sample in samples_of(record):
        yield _file(sample.file, record.id)


def of_consent(consent: Consent) -> Iterator[Holding]:
    """Stored evidence of a consent."""
    if consent.evidence_file is not None:
        yield _file(consent.evidence_file, None)


def _file(file: StoredFile, record_id: str | None) -> Holding:
    return Holding(kind="file", where="media", id=file.key, record_id=record_id)


def samples_of(record: Record) -> Iterator[Sample]:
    """The recordings that a record is made of."""
    given: tuple[Sample | None, ...] = ()
    if isinstance(record, Training):
        for attempt in record.planned:
            given += tuple(s for s in (*attempt.voice, attempt.footage) if s not in given)
    elif isinstance(record, Video):
        given = (record.audio, record.picture, record.source)
    yield from (sample for sample in given if sample is not None)


@dataclass(frozen=True, slots=True)
class Leftover:
    """Something of a cancelled or deleted record that is not gone."""

    what: str
    pending: bool  #: the worker clears it away; else it cannot be deleted


@dataclass(frozen=True, slots=True)
class Rest:
    """Something of an operation that its vendor still has, or may have."""

    kind: Literal["doubt", "lost", "jobs", "uploads"]  #: a doubt is looked up, what is lost is not
    pending: bool  #: the worker goes on with it; else it cannot be deleted from here
    ids: tuple[str, ...] = ()  #: of jobs


def rests(state: OperationState) -> Iterator[Rest]:
    """Leftovers of one operation of a record that has ended."""
    if state.phase is Phase.INTENT:
        yield Rest("doubt", pending=True)
    if state.phase is Phase.LOST:
        yield Rest("lost", pending=False)
    if state.cleanup.discard:
        yield Rest("jobs", pending=True, ids=state.cleanup.discard)
    if state.uploads.prepared and state.uploads.fate == "kept":
        yield Rest("uploads", pending=True)
    if state.uploads.fate == "left":
        yield Rest("uploads", pending=False)
    if state.cleanup.undeletable:
        yield Rest("jobs", pending=False, ids=state.cleanup.undeletable)


def leftovers(record: Record) -> Iterator[Leftover]:
    """Leftovers of a cancelled or deleted record, at vendors and in the store.

    Of any other record: those of stacks that were left for a fallback.
    """
    for state in record.operations if record.cleanup != "no" else ():
        yield from _left(state, removing=record.cleanup == "delete")
    for attempt in record.ended:
        for state in attempt.operations:
            yield from _left(state, removing=True)
    if record.deleted and not record.purges:
        yield Leftover("its results in the media store", pending=True)


def _left(state: OperationState, *, removing: bool) -> Iterator[Leftover]:
    """Leftovers of one operation; it keeps its uploads unless it is being removed."""
    where = f"{state.provider} {state.label}"
    for rest in rests(state):
        if rest.kind == "doubt":
            yield Leftover(f"{where}: whether it was made is not known yet", pending=True)
        elif rest.kind == "jobs" or (rest.kind == "uploads" and (removing or not rest.pending)):
            what = ", ".join(rest.ids) or "what was uploaded for it"
            never = "" if rest.pending else " cannot be deleted there"
            yield Leftover(f"{where}: {what}{never}", pending=rest.pending)
