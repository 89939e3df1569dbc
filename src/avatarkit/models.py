"""The nouns that callers and providers exchange; nothing in here acts.

What crosses a process border is a frozen pydantic model. Ids are strings. Times are seconds
since 1970 (UTC) as floats, durations are seconds, progress is 0..1 at a provider and 0..100
for people.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from .errors import ConsentRequired, MediaRejected

__all__ = [
    "MEDIA_TYPES",
    "WORDING",
    "Action",
    "AvatarRequest",
    "Consent",
    "ConsentRule",
    "DubRequest",
    "Job",
    "JobState",
    "Media",
    "Model",
    "Operation",
    "Options",
    "SampleRole",
    "Speech",
    "SpeechRequest",
    "StoredFile",
    "VendorEvent",
    "VendorRequest",
    "VideoRequest",
    "VoiceRequest",
    "Waiting",
    "media_type_of",
    "nothing_to_guard",
]


#: What a file is by its extension: ours, since that of the standard library differs by version.
MEDIA_TYPES: Mapping[str, str] = {
    ".aac": "audio/aac",
    ".avi": "video/x-msvideo",
    ".flac": "audio/flac",
    ".gif": "image/gif",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".json": "application/json",
    ".m4a": "audio/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".mp3": "audio/mpeg",
    ".mp4": "video/mp4",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".txt": "text/plain",
    ".wav": "audio/wav",
    ".webm": "video/webm",
    ".webp": "image/webp",
}


def media_type_of(suffix: str) -> str:
    """The media type of a file name's extension, dot included."""
    return MEDIA_TYPES.get(suffix.lower(), "application/octet-stream")


class Model(BaseModel):
    """Base of all records: frozen, and closed to fields it does not know."""

    # Infinity as a word: as null it would pass for "there is none". Built when first used, since
    # most processes use few of the vendors' options, and each would cost half a millisecond.
    model_config = ConfigDict(
        frozen=True, extra="forbid", ser_json_inf_nan="strings", defer_build=True
    )

    def __repr__(self) -> str:
        """Show no key and no query of a link, in whatever field it stands."""
        from ._log import cleaned  # here, since models alone need no logging

        return cleaned(super().__repr__())

    __str__ = __repr__


class Operation(StrEnum):
    """One thing that a provider may charge for."""

    VOICE = "voice"
    AVATAR = "avatar"
    SPEECH = "speech"
    VIDEO = "video"
    DUB = "dub"


class JobState(StrEnum):
    """Where a job stands at its provider."""

    QUEUED = "queued"
    RUNNING = "running"
    NEEDS_ACTION = "needs_action"  #: consent, captcha: a person must act
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    GONE = "gone"
    UNKNOWN = "unknown"  #: a word we have no mapping for; see ``Job.raw``


class SampleRole(StrEnum):
    """What a person's recording is for."""

    VOICE = "voice"  #: audio
    FOOTAGE = "footage"  #: a video, or a portrait


class StoredFile(Model):
    """Bytes that are safe in the media store."""

    key: str
    size: int
    sha256: str
    media_type: str = "application/octet-stream"


#: What a person agrees to where the application brings no wording of its own; (version, text).
WORDING = (
    "avatarkit-1",
    (
        "I agree that my recorded voice and image are used to make a synthetic voice and a "
        "talking avatar of me, and that I can withdraw this at any time."
    ),
)


class Consent(Model):
    """Who agreed to what, when, with which evidence.

    ``subject`` is the person whose voice or face it is. ``evidence`` is a path or link of a
    recording or document when given, and its place in the media store once kept.
    """

    id: str = ""
    user_id: str = ""
    subject: str | None = None
    real_person: bool = True
    reason: str | None = None  #: why there is no real person
    wording: str = WORDING[1]
    wording_version: str = WORDING[0]
    evidence: str | None = None
    evidence_file: StoredFile | None = None
    given_at: float | None = None  #: seconds since 1970
    scope: str | None = None  #: what it is for, in words; None: all that the wording says
    expires_at: float | None = None  #: seconds since 1970; None: never
    revoked_at: float | None = None  #: seconds since 1970

    @classmethod
    def not_a_real_person(cls, reason: str) -> Consent:
        """State that the samples show nobody real: a drawing, a synthetic voice."""
        if not reason.strip():
            raise ConsentRequired("say why no real person is shown: not_a_real_person(reason)")
        return cls(real_person=False, reason=reason)


class ConsentRule(Model):
    """One thing that a provider demands before it clones or trains, with source and date."""

    demands: Literal["record", "evidence", "action"]
    text: str
    source: str = ""
    since: str = ""


class Media(Model):
    """A recording as an adapter receives it: streamed from the store, or by a signed link."""

    name: str  #: a file name with the extension that fits the content
    media_type: str
    size: int
    sha256: str
    url: str | None = Field(default=None, repr=False)  #: signed; only where the store can sign
    open: Callable[[], AsyncIterator[bytes]] = Field(repr=False, exclude=True)


class Action(Model):
    """What a person must do now; it stands beside the status of a training or video."""

    kind: Literal[
        "open_url",  # give consent at the provider
        "read_text",  # read ``text`` aloud and upload the recording
        "captcha",
        "payment",  # was it charged? a person looks and decides
        "account",  # the key belongs to another account than the one that started this
        "retry",  # key, plan or credits: mend it, then go on
        "deadline",  # it takes longer than it should
        "result",  # it is ready, yet its bytes could not be fetched
        "duplicate",  # the provider holds more than one of what was paid for once
    ]
    message: str  #: a sentence for the person
    choices: tuple[str, ...] = ()  #: what ``kit.resolve`` takes for it
    operation: Operation | None = None
    url: str | None = Field(default=None, repr=False)
    text: str | None = None
    expires_at: float | None = None
    #: what ``kit.resolve(..., recording=...)`` is to hand in, if anything
    recording: Literal["audio", "video"] | None = None
    ref: str | None = None  #: what that recording is for, as the provider calls it


class Waiting(Model):
    """What ``prepare`` answers while a person must act, or while the provider looks at it.

    ``prepared`` is what there is so far; the next ``prepare`` gets it. ``action`` says what to do,
    None that there is nothing to do but to ask again.
    """

    prepared: dict[str, Any] = {}
    action: Action | None = None


class Options(Model):
    """Base of the typed, per-provider extras; each provider module has its own."""

    extra: dict[str, Any] = {}  #: merged into the request body last, unchecked

    @property
    def without_footage(self) -> bool:
        """Whether an avatar can be trained by these options and no footage."""
        return False


def nothing_to_guard() -> None:
    """Let every request pass: the default of ``VendorRequest.guard``."""


class VendorRequest(Model):
    """What every submission carries."""

    token: str  #: goes wherever the provider lets us name things; the job is found by it
    name: str = ""  #: for people
    options: tuple[Options, ...] = ()  #: each provider picks its own type and leaves the rest
    callback_url: str | None = Field(default=None, repr=False)
    idempotency_key: str | None = None  #: sent where the provider documents such a key
    prepared: Mapping[str, Any] = {}  #: what ``prepare`` returned: ids of uploads
    #: Called just before the first byte of a billable request is written. Raises ``NotSent``
    #: where too much time has passed since the intent was saved.
    guard: Callable[[], None] = Field(default=nothing_to_guard, repr=False, exclude=True)


class VoiceRequest(VendorRequest):
    """Clone a voice from one to five recordings."""

    samples: tuple[Media, ...] = Field(min_length=1)
    language: str | None = None


class AvatarRequest(VendorRequest):
    """Train an avatar from one clip or portrait, or of options that need none."""

    footage: Media | None = None
    voice_id: str | None = None  #: where the provider binds a voice to the avatar
    subject: str | None = Field(default=None, repr=False)  #: the person's name, from the consent

    @property
    def required_footage(self) -> Media:
        """The footage; raises ``MediaRejected`` where there is none."""
        if self.footage is None:
            raise MediaRejected("this avatar is trained of footage: give a clip or a portrait")
        return self.footage


class VideoRequest(VendorRequest):
    """Make an avatar speak: a script with a voice, or recorded audio."""

    avatar_id: str
    voice_id: str | None = None
    script: str | None = None
    audio: Media | None = None
    language: str | None = None
    #: what the avatar was trained of, where ``Capabilities.footage_with_video``
    footage: Media | None = None

    @model_validator(mode="after")
    def _one_of(self) -> VideoRequest:
        if (self.script is None) == (self.audio is None):
            msg = "give either script or audio"
            raise ValueError(msg)
        return self


class SpeechRequest(VendorRequest):
    """Say a text with a voice."""

    voice_id: str
    text: str
    language: str | None = None


class DubRequest(VendorRequest):
    """Say an existing video again in another language."""

    source: Media
    language: str


class Speech(Model):
    """Synthesised audio, streamed."""

    audio: AsyncIterator[bytes] = Field(repr=False, exclude=True)
    media_type: str
    #: (text, start, end) in seconds, where the provider tells them
    timings: tuple[tuple[str, float, float], ...] | None = None
    cost: str | None = None  #: as the provider says it, e.g. "312 characters"

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Job(Model):
    """An operation as its provider sees it now.

    ``id`` is what is polled; ``ref`` is what later calls use (HeyGen polls a group and uses a
    look); where a provider has one id for both, ``ref`` may stay empty.
    """

    provider: str
    operation: Operation
    id: str
    ref: str | None = None
    state: JobState
    progress: float | None = Field(default=None, ge=0, le=1)
    #: name ("video", "thumbnail", "preview", ...) -> link, often signed and short-lived
    links: Mapping[str, str] = Field(default_factory=dict, repr=False)
    reason: str | None = None  #: why it failed, in the provider's words
    action: Action | None = None
    created_at: float | None = None  #: by the provider's clock, where it tells
    cost: str | None = None
    raw: Mapping[str, Any] = Field(default_factory=dict, repr=False, exclude=True)

    @property
    def usable_id(self) -> str:
        """The id that later calls use."""
        return self.ref or self.id


class VendorEvent(Model):
    """A webhook delivery, normalised."""

    provider: str
    id: str  #: same delivery, same id: the inbox drops repeats by it
    name: Literal[
        "avatar.training_progress",
        "avatar.training_completed",
        "avatar.training_failed",
        "video.completed",
        "video.failed",
    ]
    job: Job
    trusted: bool  #: signed by the provider; else only a reason to look
