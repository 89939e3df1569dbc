"""Expectations of results: what a file has to be, by its name, its link and the record."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from ..content.results import Expected, Length, as_dubbed, as_read, as_spoken, as_told
from ..interfaces import Provider
from ..models import Job, Operation, Speech, media_type_of
from ..records import OperationState, Record, Video

_WANTED: Mapping[Operation, str] = {
    Operation.VIDEO: "video",
    Operation.DUB: "video",
    Operation.SPEECH: "audio",
}
#: Results that last as long as the operation's main result.
_LASTING = frozenset({"video", "audio"})


def wanted(operation: Operation, provider: Provider) -> str | None:
    """Name of the provider's result without which an operation is worth nothing."""
    sound = operation is Operation.DUB and provider.capabilities.dubs_sound
    return "audio" if sound else _WANTED.get(operation)


def expected_result(
    record: Record, state: OperationState, job: Job, name: str, link: str, *, main: str | None
) -> Expected:
    """Expectation of a result behind a link; ``main`` is the name of the main one."""
    lengths = _lengths(record, state) if name in _LASTING else ()
    if job.seconds is not None and name == main:
        lengths = (as_told(job.seconds), *lengths)
    return Expected(
        name=name,
        media_type=media_type_of(PurePosixPath(urlsplit(link).path).suffix),
        lengths=lengths,
        provider=job.provider,
        operation=job.operation,
    )


def expected_speech(record: Record, state: OperationState, speech: Speech) -> Expected:
    """Expectation of speech that came in the answer itself."""
    return Expected(
        name=_WANTED[Operation.SPEECH],
        media_type=speech.media_type,
        lengths=_lengths(record, state),
        provider=state.provider,
        operation=state.operation,
    )


def _lengths(record: Record, state: OperationState) -> tuple[Length, ...]:
    """Length by what was ordered: the sound, the script, or the video to dub."""
    if not isinstance(record, Video):
        return ()
    operation = state.operation
    if operation is Operation.DUB:
        source = record.source.seconds if record.source else None
        return () if source is None else (as_dubbed(source),)
    sound = record.audio
    speech = record.operation(Operation.SPEECH, state.scene)
    spoken = sound.seconds if sound else None
    if speech is not None and operation is Operation.VIDEO and "audio" in speech.job.files:
        spoken = speech.job.files["audio"].seconds
    if spoken is not None:
        return (as_spoken(spoken),)
    text = record.text_of(state.scene)
    return (as_read(text),) if text else ()
