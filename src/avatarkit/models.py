"""Data models that callers and providers exchange: requests, jobs, actions and consents.

Models are frozen pydantic models, so that they can cross a process border. Ids are strings. Times
are seconds since 1970 (UTC) as floats, durations are seconds. Progress is 0..1 at a provider and
0..100 for users.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Annotated, Any, ClassVar, Literal, Self, cast
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)

from ._text import folded, mended_value
from .errors import AvatarKitError, BadReply, ConfigError, ConsentRequired, MediaRejected

__all__ = [
    "MEDIA_TYPES",
    "WORDING",
    "Action",
    "AvatarRequest",
    "Consent",
    "ConsentRule",
    "DubRequest",
    "DubSubtitles",
    "Job",
    "JobState",
    "Media",
    "Model",
    "Operation",
    "Options",
    "SampleRole",
    "Scene",
    "Speech",
    "SpeechRequest",
    "StoredFile",
    "Template",
    "VendorEvent",
    "VendorRequest",
    "VideoRequest",
    "VideoSettings",
    "VoiceRequest",
    "VoiceSettings",
    "Waiting",
    "media_type_of",
    "nothing_to_guard",
]


#: Media type by file extension; the table of the standard library differs by Python version.
MEDIA_TYPES: Mapping[str, str] = {
    ".aac": "audio/aac",
    ".aiff": "audio/aiff",
    ".avi": "video/x-msvideo",
    ".avif": "image/avif",
    ".bmp": "image/bmp",
    ".caf": "audio/x-caf",
    ".flac": "audio/flac",
    ".gif": "image/gif",
    ".heic": "image/heic",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".json": "application/json",
    ".m4a": "audio/mp4",
    ".m4v": "video/mp4",
    ".mkv": "video/x-matroska",
    ".mov": "video/quicktime",
    ".mp3": "audio/mpeg",
    ".mp4": "video/mp4",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".tiff": "image/tiff",
    ".txt": "text/plain",
    ".wav": "audio/wav",
    ".webm": "video/webm",
    ".webp": "image/webp",
}


def media_type_of(suffix: str) -> str:
    """Return the media type for a file extension such as ``".wav"``."""
    return MEDIA_TYPES.get(suffix.lower(), "application/octet-stream")


class Model(BaseModel):
    """Base class of all models: frozen, without unknown fields.

    The constructor raises ``ConfigError``, a ``ValueError``, that names the field and repeats no
    value; models of vendors' answers raise ``BadReply``.
    """

    invalid: ClassVar[type[AvatarKitError]] = ConfigError

    # Infinity is stored as a string, because null means that there is no value. Validators are
    # built at first use: most processes use few of the options, and each costs half a millisecond.
    model_config = ConfigDict(
        frozen=True, extra="forbid", ser_json_inf_nan="strings", defer_build=True
    )

    def __init__(self, **fields: Any) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as error:
            raise self.invalid(invalid(type(self), error)) from None  # its cause quotes values

    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]  # not a custom one

    def mended(self) -> Self:
        """Return it without text that cannot be stored; itself if it has none."""
        fields = self.model_dump(warnings=False)
        mended = mended_value(fields)
        return self if mended == fields else type(self).model_validate(mended)

    def __repr__(self) -> str:
        """Show all fields, without keys and without the query strings of links."""
        from ._log import cleaned  # here, since models alone need no logging

        return cleaned(super().__repr__())

    __str__ = __repr__


def invalid(model: type[BaseModel], error: ValidationError) -> str:
    """Name the invalid fields of a model, and what belongs there; never their values."""
    wrong = [(*map(str, one["loc"]), one["msg"]) for one in error.errors(include_url=False)[:3]]
    return f"{model.__name__}: {'; '.join(': '.join(parts) for parts in wrong)}"


class Operation(StrEnum):
    """Operation that a provider may charge for."""

    VOICE = "voice"
    AVATAR = "avatar"
    SPEECH = "speech"
    VIDEO = "video"
    DUB = "dub"


class JobState(StrEnum):
    """State of a job at its provider."""

    QUEUED = "queued"
    RUNNING = "running"
    NEEDS_ACTION = "needs_action"  #: consent, captcha: a person must act
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    GONE = "gone"
    UNKNOWN = "unknown"  #: a state that we do not know; see ``Job.raw``


class SampleRole(StrEnum):
    """Purpose of a person's recording."""

    VOICE = "voice"  #: audio
    FOOTAGE = "footage"  #: a video, or a portrait


class StoredFile(Model):
    """File in the media store."""

    key: str
    size: int
    sha256: str
    media_type: str = "application/octet-stream"
    seconds: float | None = None  #: length of a result, where it could be measured


#: Default consent wording: (version, text).
WORDING = (
    "avatarkit-1",
    (
        "I agree that my recorded voice and image are used to make a synthetic voice and a "
        "talking avatar of me, and that I can withdraw this at any time."
    ),
)


def named_purpose(purpose: object) -> str:
    """Return a purpose as consents compare it; raises ``ConsentRequired`` for an empty one."""
    found = folded(purpose) if isinstance(purpose, str) else ""
    if not found:
        raise ConsentRequired('a purpose is a few words, such as "lessons" or "advertising"')
    return found


def _purposes(given: object) -> tuple[str, ...] | None:
    if given is None:
        return None
    named = [given] if isinstance(given, str) else given
    listed = isinstance(named, Iterable) and not isinstance(named, Mapping)
    words = [*cast("Iterable[object]", named)] if listed else [None]
    if not all(isinstance(one, str) for one in words):
        raise ValueError('pass a list of purposes, such as ["lessons"]')
    return tuple(sorted({named_purpose(one) for one in words}))


def _path(given: object) -> object:
    return os.fspath(cast("os.PathLike[str]", given)) if isinstance(given, os.PathLike) else given


def _moment(given: object) -> object:
    zoned = isinstance(given, datetime) and given.tzinfo is not None
    if zoned or not isinstance(given, datetime | bool):
        return cast("datetime", given).timestamp() if zoned else given
    raise ValueError("pass seconds since 1970, or a datetime with its time zone")


#: Seconds since 1970 until the year 9999; a ``datetime`` with its time zone becomes that.
_Moment = Annotated[
    float, BeforeValidator(_moment), Field(allow_inf_nan=False, ge=0, lt=253_402_300_800)
]


class Consent(Model):
    """Record of a person's consent: wording, time and evidence.

    ``subject`` is the person in the recordings. ``evidence`` is the path of a recording or a
    document, which is copied into the media store.
    """

    id: str = ""
    user_id: str = ""
    subject: str | None = None
    real_person: bool = True
    reason: str | None = None  #: why there is no real person
    wording: str = WORDING[1]
    wording_version: str = WORDING[0]
    evidence: Annotated[str | None, BeforeValidator(_path)] = None
    evidence_file: StoredFile | None = None
    given_at: _Moment | None = None  #: seconds since 1970
    #: purposes that it covers, such as "lessons"; None: everything in the wording
    purposes: Annotated[tuple[str, ...] | None, BeforeValidator(_purposes)] = None
    expires_at: _Moment | None = None  #: seconds since 1970; None: never
    revoked_at: _Moment | None = None  #: seconds since 1970

    @classmethod
    def not_a_real_person(cls, reason: str) -> Consent:
        """Build a consent for samples without a real person: a drawing, a synthetic voice."""
        consent = cls(real_person=False, reason=reason)
        if not (consent.reason or "").strip():
            raise ConsentRequired(
                "say why no real person is shown: not_a_real_person(reason)"
            ).told_over_http("not_a_real_person: say why no real person is shown")
        return consent


class ConsentRule(Model):
    """Consent that a provider demands before it clones or trains, with source and date."""

    demands: Literal["record", "evidence", "action"]
    text: str
    source: str = ""
    since: str = ""


class Media(Model):
    """Recording for an adapter: a stream from the media store, and a signed link if possible."""

    name: str  #: file name; its extension fits the content
    media_type: str
    size: int
    sha256: str
    url: str | None = Field(default=None, repr=False)  #: signed; None if the store has no links
    open: Callable[[], AsyncIterator[bytes]] = Field(repr=False, exclude=True)


class Action(Model):
    """Action that a person must take; it accompanies the status of a training or video."""

    invalid = BadReply

    kind: Literal[
        "open_url",  # give consent at the provider
        "read_text",  # read ``text`` aloud and upload the recording
        "captcha",
        "payment",  # unknown if it was charged: a person checks and decides
        "account",  # the key belongs to another account than the job
        "retry",  # key, plan or credits: correct it, then continue
        "deadline",  # it takes longer than expected
        "result",  # it is ready, but its file could not be downloaded
        "duplicate",  # the provider has several jobs for one paid call
    ]
    message: str  #: text for the person
    #: allowed answers for ``kit.resolve``; of a record's action never empty
    choices: tuple[str, ...] = ()
    operation: Operation | None = None
    scene: int = 0  #: of ``operation``, where the record has several
    url: str | None = Field(default=None, repr=False)
    text: str | None = None
    expires_at: _Moment | None = None
    #: kind of recording for ``kit.resolve(..., recording=...)``, if one is needed
    recording: Literal["audio", "video"] | None = None
    ref: str | None = None  #: the provider's id of the requested recording


class Waiting(Model):
    """Result of ``prepare`` while a person must act, or while the provider checks something.

    ``prepared`` are the values so far, for the next call of ``prepare``. ``action`` is the action
    of the person; None if waiting is enough.
    """

    invalid = BadReply

    prepared: dict[str, Any] = {}
    action: Action | None = None


class Options(Model):
    """Base class of a provider's typed extras; each provider module has its own."""

    extra: dict[str, Any] = {}  #: merged into the request body last, unchecked

    @property
    def without_footage(self) -> bool:
        """True if an avatar with these options needs no footage."""
        return False

    @property
    def chosen_model(self) -> str | None:
        """Model of the provider that these options choose, where limits depend on it."""
        return None

    @property
    def separate_samples(self) -> bool:
        """True if the provider takes one voice file, but with these options several."""
        return False

    def markup(self, known: frozenset[str]) -> frozenset[str]:
        """Return the markup that a script with these options may have: "break", "ssml".

        ``known`` is what the provider understands without them.
        """
        return known


class _Settings(Model):
    """Settings of which those that are not given are not stored."""

    @model_serializer(mode="wrap")
    def _given(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        dump: dict[str, Any] = serialize(self)
        return {n: v for n, v in dump.items() if v is not None and v is not False and v != {}}


class VoiceSettings(_Settings):
    """How a script is spoken; None: as the voice does by itself."""

    speed: float | None = Field(default=None, ge=0.25, le=4)  #: 1.0 is the voice's own
    stability: float | None = Field(default=None, ge=0, le=1)  #: less is more lively
    similarity: float | None = Field(default=None, ge=0, le=1)  #: to the recordings
    style: float | None = Field(default=None, ge=0, le=1)  #: exaggeration of the speaker's style
    pitch: float | None = Field(default=None, ge=-24, le=24)  #: semitones above the voice's own
    emotion: str | None = Field(default=None, min_length=1, max_length=50)  #: in a word: "happy"

    def asked(self) -> dict[str, Any]:
        """The settings that are given, by their names."""
        return self.model_dump()


_COLOR = re.compile(r"#[0-9a-fA-F]{6}")


class VideoSettings(_Settings):
    """Settings of a video, by the same names at every provider; None: as the provider does.

    A provider that cannot carry out one of them refuses the video before anything is paid; see
    ``Capabilities.settings``. What only one vendor has is in that vendor's ``Options``.
    """

    aspect: Literal["16:9", "9:16", "1:1", "4:5", "5:4"] | None = None
    #: the shorter side in pixels
    resolution: Literal["360p", "480p", "540p", "720p", "1080p", "1440p", "4k"] | None = None
    #: a colour as "#204060", "transparent", or an https link to a picture or a video, whose path
    #: ends as such files do
    background: str | None = Field(default=None, max_length=4000)
    #: "sidecar": a file beside the video; "burnt-in": in the picture
    captions: Literal["none", "sidecar", "burnt-in"] | None = None
    caption_style: str | None = Field(default=None, min_length=1, max_length=50)  #: if burnt in
    container: Literal["mp4", "webm", "mov"] | None = None
    fps: float | None = Field(default=None, gt=0, le=120)  #: frames per second
    quality: Literal["draft", "standard", "best"] | None = None  #: the vendor's engine
    voice: VoiceSettings = Field(default_factory=VoiceSettings)
    test: bool = False  #: the vendor's free or watermarked mode
    title: str | None = Field(default=None, min_length=1, max_length=200)  #: at the vendor

    @field_validator("background")
    @classmethod
    def _known_background(cls, given: str | None) -> str | None:
        if given is not None and background_kind(given) is None:
            raise ValueError(
                'give a colour as "#204060", "transparent", or an https link that ends as a '
                "picture or a video does, such as .jpg or .mp4"
            )
        return given

    def by_operation(self, operations: Iterable[Operation]) -> dict[Operation, dict[str, Any]]:
        """Sort what is asked by operation: the voice belongs to the speech, if there is one."""
        asked, own = self.asked(), [*operations]
        speaker = Operation.SPEECH if Operation.SPEECH in own else Operation.VIDEO
        return {
            operation: {
                name: value
                for name, value in asked.items()
                if operation is (speaker if name.startswith("voice.") else Operation.VIDEO)
            }
            for operation in own
        }

    def asked(self) -> dict[str, Any]:
        """The settings that ask for something, by their names: "aspect", "voice.speed", ..."""
        given = {f: getattr(self, f) for f in type(self).model_fields if f != "voice"}
        # No captions, and no test, is what every vendor does by itself.
        given = {f: v for f, v in given.items() if v is not None and v is not False and v != "none"}
        return given | {f"voice.{name}": value for name, value in self.voice.asked().items()}

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """All names of settings: "aspect", "voice.speed", ..."""
        own = (f for f in cls.model_fields if f != "voice")
        return (*own, *(f"voice.{f}" for f in VoiceSettings.model_fields))


def background_kind(background: str) -> Literal["color", "image", "video", "transparent"] | None:
    """Kind of a background: a colour, or what its link leads to; None if it is none of them."""
    if background == "transparent" or _COLOR.fullmatch(background):
        return "transparent" if background == "transparent" else "color"
    link = urlsplit(background)
    kind = media_type_of(PurePosixPath(link.path).suffix).partition("/")[0]
    if link.scheme != "https" or not link.hostname or kind not in {"image", "video"}:
        return None
    return "image" if kind == "image" else "video"


def nothing_to_guard() -> None:
    """Allow every request: the default of ``VendorRequest.guard``."""


class VendorRequest(Model):
    """Common fields of all requests to a provider."""

    token: str  #: our name of the job at the vendor, by which it is found
    name: str = ""  #: for users
    options: tuple[Options, ...] = ()  #: each provider uses its own type and ignores the others
    callback_url: str | None = Field(default=None, repr=False)
    idempotency_key: str | None = None  #: sent if the provider documents such a key
    prepared: Mapping[str, Any] = {}  #: the result of ``prepare``: ids of uploads
    #: Called just before the first byte of a paid request is written. Raises ``NotSent`` if too
    #: much time has passed since the intent was saved.
    guard: Callable[[], None] = Field(default=nothing_to_guard, repr=False, exclude=True)


class VoiceRequest(VendorRequest):
    """Request to clone a voice from one to five recordings."""

    samples: tuple[Media, ...] = Field(min_length=1)
    language: str | None = None


class AvatarRequest(VendorRequest):
    """Request to train an avatar from one clip or portrait, or from options alone."""

    footage: Media | None = None
    voice_id: str | None = None  #: if the provider binds a voice to the avatar
    look_of: str | None = None  #: avatar of the same person, which gets another look
    subject: str | None = Field(default=None, repr=False)  #: the person's name, from the consent

    @property
    def required_footage(self) -> Media:
        """The footage; raises ``MediaRejected`` if there is none."""
        if self.footage is None:
            raise MediaRejected("this avatar is trained of footage: give a clip or a portrait")
        return self.footage


def _id_of(given: object) -> object:
    """The id of a catalogue's entry; any other value unchanged."""
    return getattr(given, "id", given) if isinstance(given, Model) else given


#: Place of the avatar in a scene.
SceneLayout = Literal["left", "center", "right"]


class Scene(Model):
    """One scene of a video: what is said, by whom, and before what.

    ``avatar`` and ``voice`` are ids of the same providers as the video's own, or entries of a
    catalogue; None: the video's own.
    """

    text: str = Field(min_length=1)
    avatar: Annotated[str | None, BeforeValidator(_id_of)] = None
    voice: Annotated[str | None, BeforeValidator(_id_of)] = None
    background: str | None = None  #: as ``VideoSettings.background``; None: that of the video
    layout: SceneLayout | None = None

    @field_validator("background")
    @classmethod
    def _known_background(cls, given: str | None) -> str | None:
        return VideoSettings(background=given).background


class Template(Model):
    """Template of a vendor, and the values of its variables: by kind, and by name.

    Pictures, videos and sound are https links that the vendor can fetch; avatars and voices are
    ids. ``kit.catalogue.template`` tells the names and kinds.
    """

    id: Annotated[str, BeforeValidator(_id_of)]
    text: Mapping[str, str] = {}
    image: Mapping[str, str] = {}
    video: Mapping[str, str] = {}
    audio: Mapping[str, str] = {}
    avatar: Mapping[str, Annotated[str, BeforeValidator(_id_of)]] = {}
    voice: Mapping[str, Annotated[str, BeforeValidator(_id_of)]] = {}

    @model_validator(mode="after")
    def _one_kind(self) -> Template:
        names = [name for _, name, _ in self.values]
        if len(names) > len(set(names)):
            raise ValueError("a variable has one kind: name it once")
        return self

    @field_validator("image", "video", "audio")
    @classmethod
    def _links(cls, given: Mapping[str, str]) -> Mapping[str, str]:
        if not all(link.startswith("https://") for link in given.values()):
            raise ValueError("pass https links")
        return given

    @property
    def values(self) -> tuple[tuple[str, str, str], ...]:
        """Kind, name and value of each variable."""
        kinds = ("text", "image", "video", "audio", "avatar", "voice")
        return tuple((k, name, value) for k in kinds for name, value in getattr(self, k).items())


class VideoRequest(VendorRequest):
    """Request to make an avatar speak a script with a voice, or recorded audio."""

    avatar_id: str  #: empty with a picture or a template
    picture: Media | None = None  #: speaks without a training, see ``Capabilities.pictures``
    voice_id: str | None = None
    script: str | None = None
    audio: Media | None = None
    language: str | None = None
    #: the avatar's footage, if ``Capabilities.footage_with_video``
    footage: Media | None = None
    settings: VideoSettings = Field(default_factory=VideoSettings)
    #: what the script consists of, each with its background; of a provider that ``MakesScenes``
    scenes: tuple[Scene, ...] = ()
    template: Template | None = None  #: to fill; only if ``Capabilities.templates``

    @model_validator(mode="after")
    def _one_of(self) -> VideoRequest:
        if [self.script, self.audio, self.template].count(None) != 2:
            msg = "give one of script, audio and template"
            raise ValueError(msg)
        return self


class SpeechRequest(VendorRequest):
    """Request to speak a text with a voice; or what a recording says, in its manner."""

    voice_id: str
    text: str = ""
    audio: Media | None = None  #: instead of a text, see ``Capabilities.revoices``
    language: str | None = None
    settings: VoiceSettings = Field(default_factory=VoiceSettings)


#: Kinds of subtitles of one's own for a dub: of the translation, and of the source's words.
SubtitleKind = Literal["translation", "source"]


class DubSubtitles(Model):
    """Subtitles of one's own for a dub, as SubRip: what is to be said, and what the source says."""

    translation: str | None = None
    source: str | None = None

    @property
    def given(self) -> dict[SubtitleKind, str]:
        """The texts that are given, by their kinds."""
        known: dict[SubtitleKind, str | None] = {
            "translation": self.translation,
            "source": self.source,
        }
        return {kind: text for kind, text in known.items() if text is not None}


class DubRequest(VendorRequest):
    """Request to translate an existing video."""

    source: Media
    language: str
    #: SubRip files of one's own; only the kinds that ``Capabilities.dub_subtitles`` has
    subtitles: Mapping[SubtitleKind, Media] = {}


class Speech(Model):
    """Synthesised audio, as a stream."""

    invalid = BadReply

    audio: AsyncIterator[bytes] = Field(repr=False, exclude=True)
    media_type: str
    #: (text, start, end) in seconds, if the provider tells them
    timings: tuple[tuple[str, float, float], ...] | None = None
    cost: str | None = None  #: in the provider's words, e.g. "312 characters"

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Job(Model):
    """Job at its provider, as of the last answer.

    ``id`` is polled; ``ref`` is the id for later calls (HeyGen polls a group and uses a look). If a
    provider has one id for both, ``ref`` may be empty. ``other_ids`` are further ids by which a
    webhook may name the job while it is under way; several jobs may share one.
    """

    invalid = BadReply

    provider: str
    operation: Operation
    id: str
    ref: str | None = None
    other_ids: tuple[str, ...] = ()
    state: JobState
    progress: float | None = Field(default=None, ge=0, le=1)
    #: name ("video", "audio", "thumbnail", "preview", "subtitles_srt", "subtitles_vtt") -> link,
    #: often signed and short-lived
    links: Mapping[str, str] = Field(default_factory=dict, repr=False)
    reason: str | None = None  #: why it failed, in the provider's words
    action: Action | None = None
    #: step that waits for a call of its own, see ``interfaces.BeginsSteps``
    next_step: str | None = None
    created_at: float | None = None  #: by the provider's clock, if it tells
    cost: str | None = None
    seconds: float | None = None  #: length of the finished video, if the provider tells it
    raw: Mapping[str, Any] = Field(default_factory=dict, repr=False, exclude=True)

    @property
    def usable_id(self) -> str:
        """The id for later calls."""
        return self.ref or self.id


class VendorEvent(Model):
    """Event of a vendor, read from a webhook delivery."""

    invalid = BadReply

    provider: str
    id: str  #: the same for a repeated delivery, which is then dropped
    name: Literal[
        "avatar.training_progress",
        "avatar.training_completed",
        "avatar.training_failed",
        "video.completed",
        "video.failed",
    ]
    job: Job
    trusted: bool  #: True if signed by the vendor; otherwise the job is polled first
