"""Pydantic models of the HTTP API's answers, from which the OpenAPI schemas are generated.

Records, quotes and prices extend the models of ``json_views``. Models answer only with the fields
that they declare.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Literal, Self

from pydantic import Field

from ..erasure import Receipt
from ..intake.preflight import Finding
from ..intake.scenes import Offered
from ..interfaces import LogEntry, Mapped, Outcome
from ..json_views import CostsView, Time, TrainingView, VideoView, View
from ..lifecycle.durations import Duration
from ..lifecycle.leftovers import Holding
from ..models import Consent, SampleRole, SceneLayout
from ..records import Sample
from .error_answers import Category, ErrorCode

Version = Annotated[int, Field(description="Increases with each change; the ID of its event.")]


class ListAnswer(View):
    """A page of a list; subclasses have its entries as ``data``."""

    has_more: bool = Field(description="True if there is another page.")
    cursor: str | None = Field(description="Value for the next page; null on the last page.")


class LinksAnswer(View):
    """Results as paths from the server's root that need no token; valid for some hours."""

    video: str | None = None
    preview: str | None = None
    thumbnail: str | None = None
    audio: str | None = None
    subtitles_srt: str | None = None
    subtitles_vtt: str | None = None


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


class ErrorExplanationAnswer(View):
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
    role: SampleRole
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
            role=SampleRole(sample.role),
            name=sample.name,
            size=sample.file.size,
            media_type=sample.file.media_type,
            created_at=sample.created_at,
        )


class SamplesAnswer(ListAnswer):
    """Stored samples, oldest first."""

    data: list[SampleAnswer]


class UploadAnswer(View):
    """State of an upload."""

    offset: int = Field(description="Bytes received: continue from here.")
    complete: bool
    sample: SampleAnswer | None = Field(
        description="The stored sample; null until complete, and for evidence and recordings."
    )
    findings: list[Finding] = Field(description="Validation issues of the sample.")


class CloneAnswer(View):
    """An avatar profile: a person's samples, trainings and videos."""

    clone_id: str
    samples: int = Field(description="Number of stored samples.")
    trainings: int = Field(description="Number of trainings that are not deleted.")
    created_at: Time = Field(description="Time of the oldest sample or training.")
    updated_at: Time = Field(description="Time of the newest sample or change of a training.")

    @classmethod
    def of(cls, clone_id: str, rows: Sequence[tuple[str, float, float]]) -> Self:
        """Build the answer from each row's kind, time and latest change."""
        kinds = [kind for kind, _, _ in rows]
        return cls(
            clone_id=clone_id,
            samples=kinds.count("sample"),
            trainings=kinds.count("training"),
            created_at=min(at for _, at, _ in rows),
            updated_at=max(at for _, _, at in rows),
        )


class ClonesAnswer(ListAnswer):
    """Avatar profiles, the latest change first."""

    data: list[CloneAnswer]


# -- trainings and videos -----------------------------------------------------------------------


class TrainingAnswer(TrainingView):
    """A training job, whose result is a voice and an avatar of one clone."""

    links: LinksAnswer
    version: Version
    estimate: Duration | None = Field(
        default=None, description="Typical duration; null in lists and events."
    )


class VideoAnswer(VideoView):
    """A generated or dubbed video."""

    links: LinksAnswer
    version: Version


class TrainingsAnswer(ListAnswer):
    """A page of trainings, newest first."""

    data: list[TrainingAnswer]


class VideosAnswer(ListAnswer):
    """A page of videos, newest first."""

    data: list[VideoAnswer]


class _EventAnswer(View):
    event: Literal["change"]
    id: str = Field(description="The record's version: send it as Last-Event-ID.")


class TrainingEventAnswer(_EventAnswer):
    """A server-sent event: a training has changed."""

    data: TrainingAnswer = Field(description="As JSON text.")


class VideoEventAnswer(_EventAnswer):
    """A server-sent event: a video has changed."""

    data: VideoAnswer = Field(description="As JSON text.")


class RecordEventAnswer(_EventAnswer):
    """A server-sent event: a training or a video has changed."""

    data: TrainingAnswer | VideoAnswer = Field(description="As JSON text; see its kind.")


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


class ConsentsAnswer(ListAnswer):
    """All consents of a user."""

    data: list[ConsentAnswer]


class HoldingAnswer(View):
    """One thing that exists by a consent."""

    kind: Literal["record", "vendor", "file"]
    where: str = Field(description="The repository, the media store, or a provider's name.")
    id: str = Field(description="ID of the record or the vendor's object, or the file's key.")
    record_id: str | None = Field(description="ID of the record that it belongs to.")

    @classmethod
    def of(cls, holding: Holding) -> Self:
        """Build the answer from a holding."""
        return cls(**{name: getattr(holding, name) for name in cls.model_fields})


class WithdrawalAnswer(View):
    """A consent that was withdrawn, and what exists by it until it is deleted."""

    consent: ConsentAnswer
    remaining: list[HoldingAnswer]


class DeletedAnswer(View):
    """Number of deleted things of one kind."""

    where: str = Field(description="The repository, the media store, or a provider's name.")
    what: str = Field(description="Kind of things, such as samples.")
    count: int


class RemainingAnswer(DeletedAnswer):
    """Things that are not deleted yet, and why."""

    why: str
    pending: bool = Field(description="False: a person must remove it at the provider.")


class ErasureAnswer(View):
    """Erasure of a user's data, as far as it is."""

    id: str
    status: Literal["running", "needs_person", "completed"] = Field(
        description="needs_person: something remains that only a person can remove."
    )
    requested_at: Time
    checked_at: Time
    deleted: list[DeletedAnswer]
    remaining: list[RemainingAnswer]
    forgotten_at: Time | None = Field(
        description="Earliest time at which the last row drops the user's ID; null if unknown."
    )
    digest: str = Field(description="SHA-256 of the receipt, which says the same.")

    @classmethod
    def of(cls, receipt: Receipt, erasure_id: str, requested_at: float) -> Self:
        """Build the answer from a receipt."""
        waits = any(not left.pending for left in receipt.left)
        unfinished: Literal["needs_person", "running"] = "needs_person" if waits else "running"
        return cls(
            id=erasure_id,
            status="completed" if receipt.complete else unfinished,
            requested_at=requested_at,
            checked_at=receipt.at,
            deleted=[DeletedAnswer(**dict(one)) for one in receipt.deleted],
            remaining=[
                RemainingAnswer(
                    **{name: getattr(one, name) for name in RemainingAnswer.model_fields}
                )
                for one in receipt.left
            ],
            forgotten_at=receipt.forgotten_at,
            digest=receipt.digest,
        )


# -- stacks and the rest ------------------------------------------------------------------------


class StackQuoteAnswer(View):
    """Monthly cost of one avatar and one minute of video."""

    expected: CostsView
    oldest: str = Field(description="Date of the oldest price entry.")


class SettingAnswer(View):
    """A common video setting that a stack carries out."""

    setting: str = Field(description="Name in `settings`; those of the voice begin with `voice.`.")
    takes: list[str] = Field(
        description="The values, or the kinds of a background; empty: all within the bounds."
    )
    minimum: float | None = Field(description="Least number; null if it has no bound.")
    maximum: float | None = Field(description="Greatest number; null if it has no bound.")

    @classmethod
    def of(cls, setting: str, rows: Sequence[Mapped]) -> Self:
        """Build the answer from the rows of one setting, each with some of its values."""
        takes = [value for row in rows for value in row.takes] if all(r.takes for r in rows) else []
        [low, high] = ([getattr(r, end) for r in rows] for end in ("minimum", "maximum"))
        return cls(
            setting=setting,
            takes=list(dict.fromkeys(takes)),
            minimum=None if None in low else min(low),
            maximum=None if None in high else max(high),
        )


class SceneSupportAnswer(View):
    """Scenes of a video, as a stack makes them."""

    together: bool = Field(
        description="False: each scene is a call of its own, which is paid for by itself."
    )
    layouts: list[SceneLayout] = Field(description="Places of the avatar.")
    avatars: str | None = Field(
        description="Provider whose stock avatars a scene may have; null if it lists none."
    )
    voices: str | None = Field(
        description="Provider whose stock voices a scene may have; null if it lists none."
    )

    @classmethod
    def of(cls, found: Offered) -> Self:
        """Build the answer from what a stack offers."""
        return cls(**asdict(found))


class ConsentRuleAnswer(View):
    """Consent that a provider demands before it clones or trains."""

    provider: str = Field(description="Name of the provider.")
    demands: Literal["record", "evidence", "action"] = Field(
        description="A consent, its evidence, or an action at the provider."
    )
    text: str = Field(description="The rule in words.")


class StackAnswer(View):
    """A stack, and whether it can be used."""

    stack: str
    how: str = Field(description="How a script becomes a talking video.")
    ready: bool
    problem: str | None = Field(description="Missing configuration.")
    quote: StackQuoteAnswer | None
    settings: list[SettingAnswer] = Field(description="Video settings that it carries out.")
    scenes: SceneSupportAnswer | None = Field(
        description="Several scenes in a video; null if it makes none."
    )
    consent: list[ConsentRuleAnswer] = Field(description="Consent that its providers demand.")


class StacksAnswer(ListAnswer):
    """Stacks to choose from."""

    data: list[StackAnswer]


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


class DeliveriesAnswer(ListAnswer):
    """A page of webhook deliveries, newest first."""

    data: list[DeliveryAnswer]


class HealthAnswer(View):
    """The server and its database respond."""

    ok: Literal[True] = True
