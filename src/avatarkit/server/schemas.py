"""Pydantic models of the HTTP API's answers, from which the OpenAPI schemas are generated.

Records, quotes and prices extend the models of ``json_views``. Models answer only with the fields
that they declare.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field

from ..intake.preflight import Finding
from ..interfaces import LogEntry, Outcome
from ..json_views import CostsView, Time, TrainingView, VideoView, View
from ..lifecycle.durations import Duration
from ..models import Consent
from ..records import Sample
from .error_answers import Category, ErrorCode

Cursor = Annotated[str | None, Field(description="Value for the next page; null on the last page.")]
Links = Annotated[
    dict[str, str],
    Field(description="Results by name: URLs relative to the API's root, valid for some hours."),
]
Version = Annotated[int, Field(description="Increases with each change; the ID of its event.")]

# -- errors -------------------------------------------------------------------------------------


class ApiErrorAnswer(View):
    """A category and a code that stay, and a message for people that says what to do."""

    type: Category
    code: ErrorCode
    message: str
    param: str | None = Field(
        description="Field of the body, header, or parameter that caused the error; or null."
    )
    request_id: str = Field(description="X-Request-Id of this answer: the server's log has it.")
    docs: str = Field(description="Path of an explanation of the code.")


class ErrorAnswer(View):
    """Body of every error."""

    error: ApiErrorAnswer
    findings: list[Finding] = Field(description="Why a sample was rejected; else empty.")


class ErrorCodeAnswer(View):
    """Explanation of an error code."""

    code: ErrorCode
    type: Category
    status: int = Field(description="HTTP status of errors with this code.")
    meaning: str
    advice: str = Field(description="Next step of the client.")


# -- samples ------------------------------------------------------------------------------------


class SampleAnswer(View):
    """A stored recording."""

    id: str
    clone_id: str
    role: Literal["voice", "footage"]
    name: str
    size: int = Field(description="Bytes.")
    media_type: str
    created_at: Time

    @classmethod
    def of(cls, sample: Sample) -> Self:
        """Build the answer from a sample's record."""
        return cls(
            id=sample.id,
            clone_id=sample.clone_id,
            role=sample.role,
            name=sample.name,
            size=sample.file.size,
            media_type=sample.file.media_type,
            created_at=sample.created_at,
        )


class SamplesAnswer(View):
    """Stored samples, oldest first."""

    samples: list[SampleAnswer]


class UploadProgressAnswer(View):
    """An unfinished upload."""

    offset: int = Field(description="Bytes received: continue from here.")


class UploadedSampleAnswer(View):
    """A stored sample and its validation issues."""

    sample: SampleAnswer
    findings: list[Finding]


class UploadedFileAnswer(UploadProgressAnswer):
    """Evidence or a recording that is complete and can be named in a request."""

    sample: None = None
    findings: list[Finding] = Field(default=[], max_length=0)


# -- trainings and videos -----------------------------------------------------------------------


class TrainingAnswer(TrainingView):
    """A training job, whose result is a voice and an avatar of one clone."""

    links: Links
    version: Version


class TimedTrainingAnswer(TrainingAnswer):
    """A training and its typical duration."""

    estimate: Duration


class StartedTrainingAnswer(TimedTrainingAnswer):
    """A training that was just requested."""

    training_id: str = Field(description="Same as id.")


class VideoAnswer(VideoView):
    """A generated or dubbed video."""

    links: Links
    version: Version


class TrainingsAnswer(View):
    """A page of trainings, newest first."""

    trainings: list[TrainingAnswer]
    cursor: Cursor


class VideosAnswer(View):
    """A page of videos, newest first."""

    videos: list[VideoAnswer]
    cursor: Cursor


class _EventAnswer(View):
    event: Literal["change"]
    id: str = Field(description="The record's version: send it as Last-Event-ID.")


class TrainingEventAnswer(_EventAnswer):
    """A server-sent event: a training has changed."""

    data: TrainingAnswer = Field(description="As JSON text.")


class VideoEventAnswer(_EventAnswer):
    """A server-sent event: a video has changed."""

    data: VideoAnswer = Field(description="As JSON text.")


# -- consents -----------------------------------------------------------------------------------


class EvidenceAnswer(View):
    """A stored recording or document that proves a consent."""

    size: int = Field(description="Bytes.")
    media_type: str


class ConsentAnswer(View):
    """A consent, without its wording."""

    id: str
    subject: str | None
    real_person: bool
    wording_version: str
    given_at: Time | None
    expires_at: Time | None
    revoked_at: Time | None
    evidence: EvidenceAnswer | None = Field(description="Null if none was given, or deleted.")

    @classmethod
    def of(cls, consent: Consent) -> Self:
        """Build the answer from a stored consent."""
        file = consent.evidence_file
        plain = {name: getattr(consent, name) for name in cls.model_fields if name != "evidence"}
        shown = EvidenceAnswer(size=file.size, media_type=file.media_type) if file else None
        return cls(**plain, evidence=shown)


class ConsentsAnswer(View):
    """All consents of a user."""

    consents: list[ConsentAnswer]


# -- stacks and the rest ------------------------------------------------------------------------


class StackQuoteAnswer(View):
    """Monthly cost of one avatar and one minute of video."""

    expected: CostsView
    oldest: str = Field(description="Date of the oldest price entry.")


class StackAnswer(View):
    """A stack, and whether it can be used."""

    stack: str
    how: str = Field(description="How a script becomes a talking video.")
    ready: bool
    problem: str | None = Field(description="Missing configuration.")
    quote: StackQuoteAnswer | None


class StacksAnswer(View):
    """Stacks to choose from."""

    stacks: list[StackAnswer]


class DeliveryAnswer(View):
    """A webhook delivery, without its payload."""

    provider: str
    event_type: str
    record_id: str | None
    signed: bool
    outcome: Outcome
    received_at: Time

    @classmethod
    def of(cls, entry: LogEntry) -> Self:
        """Build the answer from a log entry."""
        return cls(**{name: getattr(entry, name) for name in cls.model_fields})


class DeliveriesAnswer(View):
    """A page of webhook deliveries, newest first."""

    deliveries: list[DeliveryAnswer]
    cursor: Cursor


class HealthAnswer(View):
    """The server and its database respond."""

    ok: Literal[True] = True
