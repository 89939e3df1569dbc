"""Interfaces of a provider: roles, capabilities, limits, and what a provider may offer besides.

A role is a protocol with abstract methods: an adapter of ours names its roles in its bases, so
the class line is its feature list and a forgotten method fails at construction; anything else
with the right methods fits without importing avatarkit.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import (
    Awaitable,
    Callable,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import (
    TYPE_CHECKING,
    Any,
    ClassVar,
    Generic,
    Literal,
    Protocol,
    TypeVar,
    runtime_checkable,
)

from pydantic import ConfigDict, SecretStr

from ..errors import Unsupported
from ..models import (
    AvatarRequest,
    ConsentRule,
    DubRequest,
    Job,
    Media,
    Operation,
    Options,
    Speech,
    SpeechRequest,
    VendorEvent,
    VendorRequest,
    VideoRequest,
    VoiceRequest,
    Waiting,
)
from ..webhooks import Delivery, Scheme, Unsigned

if TYPE_CHECKING:  # an adapter needs no rows: its import is quicker without them
    pass
from .runtime import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What the provider's wire format can carry.

    Only what cannot be *said* to the provider belongs here; what it merely forbids today is
    in ``Limits``. Asking for what cannot be said raises ``Unsupported`` before anything is sent.
    """

    media: frozenset[Literal["url", "data"]] = frozenset({"data"})
    by_link: frozenset[Operation] = frozenset()  #: operations that take videos by a link only
    url_lifetime: float = 3600.0  #: how long a signed link to a sample must live, seconds
    one_voice_file: bool = False  #: several voice samples are joined into one file
    drive: frozenset[Literal["script", "audio"]] = frozenset({"script"})
    audio_formats: tuple[str, ...] = ("audio/wav", "audio/mpeg")  #: that it is driven by
    speech_format: str | None = None  #: what it speaks in unless asked otherwise
    #: providers whose voices it speaks itself, by their id, with one's own key of that provider
    speaks_voices_of: frozenset[str] = frozenset()
    footage_with_video: bool = False  #: a video may need what the avatar was trained of once more
    callback: bool = False  #: a webhook address can be given per request
    no_callback: frozenset[Operation] = frozenset()  #: operations that take none, all the same
    callback_signed: bool = True  #: what comes to such an address is signed as ``webhook`` says
    webhook: Scheme = field(default_factory=Unsigned)
    languages: tuple[str, ...] | None = None  #: that it speaks; None: many, it decides
    #: operations whose jobs can be found by our token
    found_by_token: frozenset[Operation] = frozenset(Operation) - {Operation.SPEECH}
    list_lag: float = 180.0  #: a new job is listed at the latest after so many seconds
    idempotency_window: float | None = None  #: seconds; only where the vendor documents it
    #: operations that cost nothing and may be repeated under the same token
    free: frozenset[Operation] = frozenset()
    #: seconds that a job usually takes; the basis of estimates
    typical: Mapping[Operation, float] = field(default_factory=lambda: MappingProxyType({}))
    in_flight: int | None = None  #: requests at once per account, whoever sends them
    rate: float | None = None  #: requests a second per account, whoever sends them
    keeps_here: bool = False  #: what it makes lies in a folder of this machine, its account
    runs_here: bool = False  #: the work is done on this machine, nobody else sees the samples

    def calls_back(self, operation: Operation) -> bool:
        """Whether a webhook address can be given with this operation."""
        return self.callback and operation not in self.no_callback

    def needs_link(self, operation: Operation, media_type: str) -> bool:
        """Whether such a recording can be given for the operation by a link only."""
        clip = media_type.startswith("video/")
        return "data" not in self.media or (clip and operation in self.by_link)

    def require_language(self, provider: str, language: str | None) -> None:
        """Raise ``Unsupported``, with the list, where the provider does not speak ``language``."""
        if self.languages is None or language is None:
            return
        if language.replace("_", "-").partition("-")[0].lower() not in self.languages:
            raise Unsupported(
                f"{provider} cannot speak {language!r}; it speaks: {', '.join(self.languages)}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One bound that a provider sets, with the source and the date on which it was read."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    what: Literal[
        "voice_samples",  # count
        "voice_seconds",  # of all voice samples together
        "voice_sample_seconds",  # of one sample
        "voice_bytes",  # of one sample
        "voice_format",  # ``takes`` media types
        "footage_seconds",
        "footage_bytes",
        "footage_pixels",  # the shorter side
        "footage_megapixels",
        "footage_format",  # of a clip; ``takes`` media types
        "footage_codec",  # of a clip; ``takes`` FFmpeg's names
        "picture_bytes",  # of footage that is a picture
        "picture_format",  # ``takes`` media types
        "script_characters",
        "faces",  # how many there are; asks for faces to be looked for
        "face_pixels",  # between the outer corners of the eyes
        "face_turn",  # see ``Face.turn``
    ]
    minimum: float | None = None
    maximum: float | None = None
    takes: tuple[str, ...] = ()  #: the words that a vendor takes, where it is no number
    severity: Literal["error", "warning"] = "error"
    source: str = ""
    since: str = ""  #: date on which the source was read


Limits = tuple[Limit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sunset:
    """Announced end of something that a vendor offers, with source and date.

    A provider may have a tuple of them as ``sunsets``.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    what: str
    ends: date
    instead: str  #: what to use
    used: bool = True  #: the adapter itself still needs it
    source: str = ""
    since: str = ""  #: date on which the source was read


@runtime_checkable
class Provider(Protocol):
    """What every provider tells about itself, whatever roles it plays."""

    name: ClassVar[str]
    api_version: ClassVar[str]
    capabilities: ClassVar[Capabilities]
    limits: ClassVar[Limits]
    consent_rules: ClassVar[tuple[ConsentRule, ...]]
    option_types: ClassVar[tuple[type[Options], ...]]  #: the typed extras that it understands

    @property
    def account(self) -> str:
        """Fingerprint of the vendor account that the key belongs to."""
        ...

    def events(self, delivery: Delivery) -> list[VendorEvent]:
        """Check and read a webhook delivery; raises ``WebhookRejected``."""
        ...

    async def aclose(self) -> None:
        """Give back what the provider holds."""
        ...


def needs_footage(provider: Provider | type[Provider], options: Iterable[Options]) -> bool:
    """Whether the provider trains an avatar of footage only, given these options."""
    known = provider.option_types
    return not any(o.without_footage for o in options if isinstance(o, known))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """What a provider is built from, whatever it is: ``provider_class(settings)``."""

    api_key: SecretStr | None = field(default=None, repr=False)
    client_id: str | None = None  #: names the account, where the key alone does not
    base_url: str | None = field(default=None, repr=False)  #: instead of the vendor's own
    #: one's own keys of other providers that this one speaks to, by their names
    other_keys: Mapping[str, SecretStr] = field(default_factory=dict, repr=False)
    #: any of them may have signed a delivery; more than one while they are rotated
    webhook_secrets: tuple[bytes, ...] = field(default=(), repr=False)
    timeout: float = 60.0  #: of one request, seconds
    home: Path | None = None  #: a folder of the provider's own; it need not exist yet
    clock: Clock | None = None


@runtime_checkable
class VoiceCloner(Protocol):
    """Makes a voice from recordings."""

    @abstractmethod
    async def clone_voice(self, request: VoiceRequest, /) -> Job:
        """Submit; sent once."""

    @abstractmethod
    async def get_voice(self, voice_id: str, /) -> Job:
        """Poll; raises ``NotFound``."""

    @abstractmethod
    async def find_voice(self, token: str, /) -> Sequence[Job]:
        """Every voice that carries the token, oldest first; empty only if all was searched."""

    @abstractmethod
    async def delete_voice(self, voice_id: str, /) -> None:
        """Delete; a voice that is not there counts as deleted."""


@runtime_checkable
class AvatarTrainer(Protocol):
    """Makes an avatar from footage."""

    @abstractmethod
    async def train_avatar(self, request: AvatarRequest, /) -> Job:
        """Submit; sent once."""

    @abstractmethod
    async def get_avatar(self, avatar_id: str, /) -> Job:
        """Poll; raises ``NotFound``."""

    @abstractmethod
    async def find_avatar(self, token: str, /) -> Sequence[Job]:
        """Every avatar that carries the token, oldest first; empty only if all was searched."""

    @abstractmethod
    async def delete_avatar(self, avatar_id: str, /) -> None:
        """Delete; an avatar that is not there counts as deleted."""


@runtime_checkable
class VideoGenerator(Protocol):
    """Makes an avatar speak."""

    @abstractmethod
    async def generate_video(self, request: VideoRequest, /) -> Job:
        """Submit; sent once."""

    @abstractmethod
    async def get_video(self, video_id: str, /) -> Job:
        """Poll; raises ``NotFound``."""

    @abstractmethod
    async def find_video(self, token: str, /) -> Sequence[Job]:
        """Every video that carries the token, oldest first; empty only if all was searched."""

    @abstractmethod
    async def delete_video(self, video_id: str, /) -> None:
        """Delete; a video that is not there counts as deleted."""


@runtime_checkable
class SpeechSynthesizer(Protocol):
    """Says a text with a voice.

    A provider with a searchable history also has ``find_speech(token)`` and ``get_speech(id)``,
    whose jobs link to the "audio", and names speech in ``Capabilities.found_by_token``.
    """

    @abstractmethod
    async def synthesize(self, request: SpeechRequest, /) -> Speech:
        """Submit, and stream the audio; sent once."""


@runtime_checkable
class VideoDubber(Protocol):
    """Says an existing video again in another language."""

    @abstractmethod
    async def dub_video(self, request: DubRequest, /) -> Job:
        """Submit; sent once."""

    @abstractmethod
    async def get_dub(self, dub_id: str, /) -> Job:
        """Poll; raises ``NotFound``."""

    @abstractmethod
    async def find_dub(self, token: str, /) -> Sequence[Job]:
        """Every dub that carries the token, oldest first; empty only if all was searched."""

    @abstractmethod
    async def delete_dub(self, dub_id: str, /) -> None:
        """Delete; a dub that is not there counts as deleted."""


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account can still spend; None where the vendor does not tell.

    What it fell by between two looks is the charge of all that the account did, not of one job.
    """

    amount: float | None
    unit: Literal["usd", "credits"]


@runtime_checkable
class TellsBalance(Protocol):
    """A provider that says, free of charge, what its account can still spend."""

    @abstractmethod
    async def balance(self) -> Balance:
        """Ask for it; raises ``AuthError`` for a key that may not see it."""


@runtime_checkable
class Prepares(Protocol):
    """A provider that uploads something, free of charge, before the paid call."""

    @abstractmethod
    async def prepare(
        self, operation: Operation, request: VendorRequest, /
    ) -> dict[str, Any] | Waiting:
        """Upload; what comes back is saved, and given to the paid call as ``prepared``.

        ``Waiting`` where a person must act first: it is then called again, in a while.
        """


@runtime_checkable
class Discards(Protocol):
    """A provider that can delete what its ``prepare`` has uploaded."""

    @abstractmethod
    async def discard(self, operation: Operation, prepared: Mapping[str, Any], /) -> None:
        """Delete what ``prepared`` names; what is not there counts as deleted."""


@runtime_checkable
class TakesRecording(Protocol):
    """A provider that asks for recordings, by actions that have ``Action.recording``."""

    @abstractmethod
    async def hand_in(self, ref: str, recording: Media, /, *, subject: str | None) -> None:
        """Hand in what the action ``ref`` asked for, in which the person ``subject`` is heard.

        It is free, and made again where its answer was lost. Raises ``Refused`` where the recording
        is not taken; the next look then asks for another.
        """


class SearchableSpeech(SpeechSynthesizer, Protocol):
    """A speech synthesizer whose history can be searched, see ``SpeechSynthesizer``."""

    @abstractmethod
    async def get_speech(self, speech_id: str, /) -> Job:
        """Read one entry of the history; raises ``NotFound``."""

    @abstractmethod
    async def find_speech(self, token: str, /) -> Sequence[Job]:
        """Return every entry that fits the token, oldest first."""


P = TypeVar("P")
Q = TypeVar("Q", bound=VendorRequest)


@dataclass(frozen=True)
class Role(Generic[P, Q]):
    """Protocol of an operation, and how a provider's methods for it are reached."""

    protocol: type
    submit: Callable[[P], Callable[[Q], Awaitable[Job | Speech]]]
    get: Callable[[P], Callable[[str], Awaitable[Job]]]
    find: Callable[[P], Callable[[str], Awaitable[Sequence[Job]]]]
    delete: Callable[[P], Callable[[str], Awaitable[None]]] | None = None


#: The one table from operations to roles.
ROLES: Mapping[Operation, Role[Any, Any]] = {
    Operation.VOICE: Role[VoiceCloner, VoiceRequest](
        VoiceCloner,
        submit=lambda p: p.clone_voice,
        get=lambda p: p.get_voice,
        find=lambda p: p.find_voice,
        delete=lambda p: p.delete_voice,
    ),
    Operation.AVATAR: Role[AvatarTrainer, AvatarRequest](
        AvatarTrainer,
        submit=lambda p: p.train_avatar,
        get=lambda p: p.get_avatar,
        find=lambda p: p.find_avatar,
        delete=lambda p: p.delete_avatar,
    ),
    Operation.VIDEO: Role[VideoGenerator, VideoRequest](
        VideoGenerator,
        submit=lambda p: p.generate_video,
        get=lambda p: p.get_video,
        find=lambda p: p.find_video,
        delete=lambda p: p.delete_video,
    ),
    Operation.SPEECH: Role[SearchableSpeech, SpeechRequest](
        SpeechSynthesizer,
        submit=lambda p: p.synthesize,
        get=lambda p: p.get_speech,
        find=lambda p: p.find_speech,
    ),
    Operation.DUB: Role[VideoDubber, DubRequest](
        VideoDubber,
        submit=lambda p: p.dub_video,
        get=lambda p: p.get_dub,
        find=lambda p: p.find_dub,
        delete=lambda p: p.delete_dub,
    ),
}


class Slots(Protocol):
    """Bounds how many requests are under way at a vendor account."""

    def slot(self, provider: Provider, /) -> AbstractAsyncContextManager[None]:
        """Hold one request's place; within it ``TURN`` is set where the account has a rate."""
        ...


@dataclass(frozen=True, slots=True)
class Turn:
    """What a request to a provider waits for within a place at its account.

    The place was taken for the first request of a call; each further one, as the next page or a
    repeat, waits for the account's pace. What else is asked meanwhile, as the database, does not.
    """

    provider: str
    wait: Callable[[], Awaitable[None]]


TURN: ContextVar[Turn | None] = ContextVar("avatarkit_turn", default=None)
