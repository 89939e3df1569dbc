"""Provider interfaces: roles, capabilities, limits, and optional abilities.

A role is a protocol with abstract methods. Our adapters name their roles in their bases, so the
class line is the feature list, and a missing method fails at construction. Any other class with
the right methods fits, without importing avatarkit.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar, cast, runtime_checkable
from urllib.parse import urlsplit

from pydantic import ConfigDict, SecretStr

from ..errors import AvatarKitError, ConfigError, ProviderError, Unsupported
from ..models import (
    AvatarRequest,
    ConsentRule,
    DubRequest,
    Job,
    Media,
    Operation,
    Options,
    Scene,
    Speech,
    SpeechRequest,
    SubtitleKind,
    VendorEvent,
    VendorRequest,
    VideoRequest,
    VideoSettings,
    VoiceRequest,
    Waiting,
)
from ..webhooks import Delivery, Scheme, Unsigned
from .runtime import Clock
from .settings import NO_SETTINGS, Settings

#: Markup in scripts: see ``Capabilities.markup``.
Markup = Literal["break", "ssml"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """Abilities of the provider's wire format.

    Only what the wire format cannot express belongs here; what the vendor forbids today is a
    ``Limit``. A request that cannot be expressed raises ``Unsupported`` before anything is sent.
    """

    media: frozenset[Literal["url", "data"]] = frozenset({"data"})
    by_link: frozenset[Operation] = frozenset()  #: operations that accept videos only by a link
    url_lifetime: float = 3600.0  #: seconds that a signed link to a sample must be valid
    one_voice_file: bool = False  #: voice samples are joined into one file
    drive: frozenset[Literal["script", "audio"]] = frozenset({"script"})
    audio_formats: tuple[str, ...] = ("audio/wav", "audio/mpeg")  #: accepted for ``drive`` by audio
    speech_format: str | None = None  #: default media type of its speech
    revoices: bool = False  #: it speaks what a recording says, with another voice
    #: providers with voices that it can use by id, with your own key of that provider
    speaks_voices_of: frozenset[str] = frozenset()
    #: its dubs are sound alone, which avatarkit puts under the pictures of the source
    dubs_sound: bool = False
    #: subtitles of one's own that a dub may have: each set is taken together
    dub_subtitles: tuple[frozenset[SubtitleKind], ...] = ()
    pictures: bool = False  #: any picture can speak, without a training
    templates: bool = False  #: a video may fill a template, see ``VideoRequest.template``
    footage_with_video: bool = False  #: a video may need the avatar's footage again
    callback: bool = False  #: a request can name a webhook address
    no_callback: frozenset[Operation] = frozenset()  #: operations without that
    callback_signed: bool = True  #: deliveries to such an address are signed by ``webhook``
    webhook: Scheme = field(default_factory=Unsigned)
    #: markup in a script that is not read aloud: the tag ``<break>``, or SSML as a whole
    markup: frozenset[Markup] = frozenset()
    languages: tuple[str, ...] | None = None  #: that it can speak; None: many, the vendor decides
    #: operations with jobs that can be found by our token
    found_by_token: frozenset[Operation] = frozenset(Operation) - {Operation.SPEECH}
    looks: bool = False  #: an avatar may be another look of a person whose avatar exists
    list_lag: float = 180.0  #: seconds until a new job is listed, at the latest
    idempotency_window: float | None = None  #: seconds; only where the vendor documents it
    #: operations that cost nothing and may be repeated under the same token
    free: frozenset[Operation] = frozenset()
    #: usual duration of a job in seconds; the basis of progress estimates
    typical: Mapping[Operation, float] = field(default_factory=lambda: MappingProxyType({}))
    #: the values of ``VideoSettings`` that it can carry out, by operation (video and speech)
    settings: Settings = field(default_factory=lambda: NO_SETTINGS)
    in_flight: int | None = None  #: concurrent requests per account, over all processes
    rate: float | None = None  #: requests per second and account, over all processes
    keeps_here: bool = False  #: results are in a folder of this machine, which is the account
    runs_here: bool = False  #: the work is done on this machine; samples do not leave it

    def calls_back(self, operation: Operation) -> bool:
        """Return True if a request for this operation can name a webhook address."""
        return self.callback and operation not in self.no_callback

    def needs_link(self, operation: Operation, media_type: str) -> bool:
        """Return True if the operation accepts such a recording only by a link."""
        clip = media_type.startswith("video/")
        return "data" not in self.media or (clip and operation in self.by_link)

    def require_subtitles(self, provider: str, given: frozenset[SubtitleKind]) -> None:
        """Raise ``Unsupported`` for subtitles of one's own that a dub cannot be given."""
        if not given or given in self.dub_subtitles:
            return
        known = " or ".join(" and ".join(sorted(kinds)) for kinds in self.dub_subtitles)
        takes = f"it takes them of: {known}" if known else "leave them out"
        raise Unsupported(
            f"{provider} cannot be given subtitles of {' and '.join(sorted(given))} for a dub: "
            f"{takes}"
        )

    def require_pictures(self, provider: str) -> None:
        """Raise ``Unsupported`` if a picture cannot speak without a training."""
        if not self.pictures:
            raise Unsupported(
                f"{provider} makes no picture speak without a training: train an avatar of it, or "
                "use d-id or heygen"
            )

    def require_language(self, provider: str, language: str | None) -> None:
        """Raise ``Unsupported``, with the list, if the provider cannot speak ``language``."""
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
        "dub_format",  # of a video to dub; ``takes`` media types
        "script_characters",
        "faces",  # how many there are; asks for faces to be looked for
        "face_pixels",  # between the outer corners of the eyes
        "face_turn",  # see ``Face.turn``
    ]
    minimum: float | None = None
    maximum: float | None = None
    takes: tuple[str, ...] = ()  #: accepted media types or codecs, instead of numbers
    models: tuple[
        str, ...
    ] = ()  #: the provider's models that have it, see ``Options.chosen_model``
    severity: Literal["error", "warning"] = "error"
    source: str = ""
    since: str = ""  #: date on which the source was read


Limits = tuple[Limit, ...]


def limits_of(provider: Provider | type[Provider], options: Iterable[Options]) -> Limits:
    """The limits of a provider for the model that the options choose, else its default model."""
    chosen = (o.chosen_model for o in options if isinstance(o, provider.option_types))
    default: str | None = getattr(provider, "default_model", None)
    model = next(filter(None, chosen), default)
    return tuple(one for one in provider.limits if not one.models or model in one.models)


@runtime_checkable
class TellsLimits(Protocol):
    """Provider whose vendor tells limits of its models by a free call."""

    @abstractmethod
    async def told_limits(self, options: Sequence[Options], /) -> Limits:
        """Fetch limits of the model that the options choose; none that the vendor leaves out."""


async def current_limits(provider: Provider, options: Sequence[Options]) -> Limits:
    """The limits of a provider, in which the vendor's own word replaces ours.

    If the vendor does not answer, ours hold.
    """
    told: Limits = ()
    if isinstance(provider, TellsLimits):
        with suppress(ProviderError):
            told = await provider.told_limits(options)
    named = {limit.what for limit in told}
    ours = limits_of(provider, options)
    return (*(limit for limit in ours if limit.what not in named), *told)


def accepted(limits: Iterable[Limit], what: str) -> tuple[str, ...]:
    """Media types that a provider takes, by a limit such as "voice_format"; empty: any."""
    return next((limit.takes for limit in limits if limit.what == what), ())


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
    """Common interface of all providers, for any role."""

    name: ClassVar[str]
    api_version: ClassVar[str]
    capabilities: ClassVar[Capabilities]
    limits: ClassVar[Limits]
    consent_rules: ClassVar[tuple[ConsentRule, ...]]
    option_types: ClassVar[tuple[type[Options], ...]]  #: accepted typed extras

    @property
    def account(self) -> str:
        """Fingerprint of the vendor account that the key belongs to."""
        ...

    def events(self, delivery: Delivery) -> list[VendorEvent]:
        """Check and read a webhook delivery; raises ``WebhookRejected``."""
        ...

    async def aclose(self) -> None:
        """Release connections and other resources."""
        ...


@contextmanager
def own_code(provider: str, hook: str) -> Generator[None]:
    """Raise ``ProviderError``, which names the provider, for an untyped error of its own code."""
    try:
        yield
    except AvatarKitError:
        raise
    except Exception as error:
        raise ProviderError(
            f"its {hook} raised {type(error).__name__}, which is a bug of the provider: update "
            "its package, or report the bug to its author",
            provider=provider,
            operation=hook,
        ) from error


def account_of(provider: Provider) -> str:
    """Fingerprint of the account; raises ``ConfigError`` where the provider cannot tell it."""
    try:
        with own_code(provider.name, "account"):
            account = cast("object", provider.account)
    except ProviderError as error:
        raise ConfigError(str(error)) from error
    if not isinstance(account, str):
        raise ConfigError(f"{provider.name}: its account is no text, which is a bug of it")
    return account


#: The attributes of a provider's class: their type, and that of their elements.
_ATTRIBUTES: Mapping[str, tuple[type, type | None]] = MappingProxyType(
    {
        "name": (str, None),
        "api_version": (str, None),
        "capabilities": (Capabilities, None),
        "limits": (tuple, Limit),
        "consent_rules": (tuple, ConsentRule),
        "option_types": (tuple, type),
    }
)


def require_attributes(provider: object, name: str) -> None:
    """Raise ``ConfigError`` for a provider, or its class, without the attributes of one."""
    for attribute, (kind, element) in _ATTRIBUTES.items():
        value: object = getattr(provider, attribute, None)
        parts = cast("tuple[object, ...]", value) if isinstance(value, tuple) else ()
        if not isinstance(value, kind) or not all(isinstance(p, element or object) for p in parts):
            wanted = f"a tuple of {element.__name__}" if element else kind.__name__
            raise ConfigError(f"provider {name!r}: its {attribute} must be {wanted}")


def needs_footage(provider: Provider | type[Provider], options: Iterable[Options]) -> bool:
    """Return True if an avatar with these options needs footage."""
    known = provider.option_types
    return not any(o.without_footage for o in options if isinstance(o, known))


def one_voice_file(provider: Provider | type[Provider], options: Iterable[Options]) -> bool:
    """Return True if a voice with these options is made from one file."""
    known = provider.option_types
    apart = any(o.separate_samples for o in options if isinstance(o, known))
    return provider.capabilities.one_voice_file and not apart


def understood(provider: Provider, options: Iterable[Options]) -> frozenset[Markup]:
    """Markup that the provider understands in a script with these options."""
    found: frozenset[str] = provider.capabilities.markup
    for option in options:
        if isinstance(option, provider.option_types):
            found = option.markup(found)
    return cast("frozenset[Markup]", found)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """Settings of any provider, for ``provider_class(settings)``."""

    api_key: SecretStr | None = field(default=None, repr=False)
    client_id: str | None = None  #: account name, if the key alone does not tell it
    base_url: str | None = field(default=None, repr=False)  #: replaces the vendor's address
    #: replaces further addresses of the vendor, by the names of the adapter's ``hosts``
    hosts: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    #: https page of yours to which the vendor sends a person who has agreed there
    return_url: str | None = field(default=None, repr=False)
    #: results may come from private addresses, and by http: a mock, a proxy, a recorder
    allow_private_results: bool = False
    #: your keys of other providers that this one calls, by provider name
    other_keys: Mapping[str, SecretStr] = field(default_factory=dict[str, SecretStr], repr=False)
    #: a delivery may be signed with any of them; several during a rotation
    webhook_secrets: tuple[bytes, ...] = field(default=(), repr=False)
    timeout: float = 60.0  #: seconds, of one request
    home: Path | None = None  #: the provider's own folder; created when needed
    clock: Clock | None = None

    def __post_init__(self) -> None:
        page = None if self.return_url is None else urlsplit(self.return_url)
        if page is not None and (page.scheme != "https" or not page.hostname or page.username):
            raise ConfigError(
                "return_url is no https address of a page: give one such as "
                "https://app.example/agreed"
            )


@runtime_checkable
class VoiceCloner(Protocol):
    """Role: clone a voice from recordings."""

    @abstractmethod
    async def clone_voice(self, request: VoiceRequest, /) -> Job:
        """Submit; sent once."""

    @abstractmethod
    async def get_voice(self, voice_id: str, /) -> Job:
        """Poll; raises ``NotFound``."""

    @abstractmethod
    async def find_voice(self, token: str, /) -> Sequence[Job]:
        """Return every voice that carries the token, oldest first; empty only if all was read."""

    @abstractmethod
    async def delete_voice(self, voice_id: str, /) -> None:
        """Delete; a missing voice counts as deleted."""


@runtime_checkable
class AvatarTrainer(Protocol):
    """Role: train an avatar from footage."""

    @abstractmethod
    async def train_avatar(self, request: AvatarRequest, /) -> Job:
        """Submit; sent once."""

    @abstractmethod
    async def get_avatar(self, avatar_id: str, /) -> Job:
        """Poll; raises ``NotFound``."""

    @abstractmethod
    async def find_avatar(self, token: str, /) -> Sequence[Job]:
        """Return every avatar that carries the token, oldest first; empty only if all was read."""

    @abstractmethod
    async def delete_avatar(self, avatar_id: str, /) -> None:
        """Delete; a missing avatar counts as deleted."""


@runtime_checkable
class VideoGenerator(Protocol):
    """Role: make an avatar speak."""

    @abstractmethod
    async def generate_video(self, request: VideoRequest, /) -> Job:
        """Submit; sent once."""

    @abstractmethod
    async def get_video(self, video_id: str, /) -> Job:
        """Poll; raises ``NotFound``."""

    @abstractmethod
    async def find_video(self, token: str, /) -> Sequence[Job]:
        """Return every video that carries the token, oldest first; empty only if all was read."""

    @abstractmethod
    async def delete_video(self, video_id: str, /) -> None:
        """Delete; a missing video counts as deleted."""


@runtime_checkable
class SpeechSynthesizer(Protocol):
    """Role: speak a text with a voice.

    A provider with a searchable history also has ``find_speech(token)`` and ``get_speech(id)``.
    Their jobs link to the "audio", and speech is in ``Capabilities.found_by_token``.
    """

    @abstractmethod
    async def synthesize(self, request: SpeechRequest, /) -> Speech:
        """Submit, and stream the audio; sent once."""


@runtime_checkable
class VideoDubber(Protocol):
    """Role: translate an existing video."""

    @abstractmethod
    async def dub_video(self, request: DubRequest, /) -> Job:
        """Submit; sent once."""

    @abstractmethod
    async def get_dub(self, dub_id: str, /) -> Job:
        """Poll; raises ``NotFound``."""

    @abstractmethod
    async def find_dub(self, token: str, /) -> Sequence[Job]:
        """Return every dub that carries the token, oldest first; empty only if all was read."""

    @abstractmethod
    async def delete_dub(self, dub_id: str, /) -> None:
        """Delete; a missing dub counts as deleted."""


@dataclass(frozen=True, slots=True)
class Balance:
    """Remaining balance of an account; ``amount`` is None if the vendor does not tell it.

    The difference between two balances is the cost of the whole account, not of one job.
    """

    amount: float | None
    unit: Literal["usd", "credits", "minutes"]


@runtime_checkable
class TellsBalance(Protocol):
    """Provider with a free call for the account's balance."""

    @abstractmethod
    async def balance(self) -> Balance:
        """Fetch the balance; raises ``AuthError`` for a key without that permission."""


@runtime_checkable
class Prepares(Protocol):
    """Provider with free uploads before the paid call."""

    @abstractmethod
    async def prepare(
        self, operation: Operation, request: VendorRequest, /
    ) -> dict[str, Any] | Waiting:
        """Upload, and return values that are saved and passed to the paid call as ``prepared``.

        Returns ``Waiting`` if a person must act first; it is then called again later.
        """


@runtime_checkable
class Discards(Protocol):
    """Provider that can delete the uploads of its ``prepare``."""

    @abstractmethod
    async def discard(self, operation: Operation, prepared: Mapping[str, Any], /) -> None:
        """Delete the uploads in ``prepared``; a missing one counts as deleted."""


@runtime_checkable
class ChecksAvatars(Protocol):
    """Provider whose avatars differ in what they can do, which a free call tells."""

    @abstractmethod
    async def check_avatar(
        self, avatar_id: str, settings: VideoSettings, options: Sequence[Options], /
    ) -> None:
        """Raise ``Unsupported`` for settings and options that this avatar cannot do.

        An empty id is that of a picture which speaks without a training.
        """


@runtime_checkable
class ChecksScripts(Protocol):
    """Provider that can tell at once, and without a call, that it cannot speak a text."""

    @abstractmethod
    def check_script(self, text: str, language: str | None, /) -> None:
        """Raise ``Unsupported`` for a text or a language that it cannot speak."""


@runtime_checkable
class TakesRecording(Protocol):
    """Provider that requests recordings, by actions with ``Action.recording``."""

    @abstractmethod
    async def hand_in(self, ref: str, recording: Media, /, *, subject: str | None) -> None:
        """Hand in the recording for the action ``ref``; ``subject`` is the person in it.

        The call is free, and repeated if its answer is lost. Raises ``Refused`` if the vendor
        rejects the recording; the next poll then requests another one.
        """


@runtime_checkable
class BeginsSteps(Protocol):
    """Provider some of whose jobs take more than one call, such as a dub whose lips are moved next.

    A poll only reads, and names the step that is due in ``Job.next_step``. The step may cost money,
    or use a person's voice or face: it is begun only while the consent to it holds.
    """

    @abstractmethod
    async def begin_step(self, job: Job, /) -> None:
        """Begin ``job.next_step`` of a job that was just polled; the next poll tells how it went.

        If the answer is lost, that poll names the step again if it was not begun. Two visits at
        once may both begin it, so the vendor must charge for it once a job.
        """


@runtime_checkable
class MakesScenes(Protocol):
    """Video generator whose one request may have several scenes, see ``VideoRequest.scenes``.

    Scenes that it does not take are made one by one, and joined.
    """

    @classmethod
    @abstractmethod
    def takes_scenes(cls, scenes: Sequence[Scene], settings: VideoSettings, /) -> bool:
        """Return True if one request can have all of these scenes with these settings."""


class SearchableSpeech(SpeechSynthesizer, Protocol):
    """Speech synthesizer with a searchable history, see ``SpeechSynthesizer``."""

    @abstractmethod
    async def get_speech(self, speech_id: str, /) -> Job:
        """Read one entry of the history; raises ``NotFound``."""

    @abstractmethod
    async def find_speech(self, token: str, /) -> Sequence[Job]:
        """Return every entry that carries the token, oldest first."""


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
    """Limit of concurrent requests to a vendor account."""

    def slot(self, provider: Provider, /) -> AbstractAsyncContextManager[None]:
        """Hold a slot for one request; ``TURN`` is set inside if the account has a rate limit."""
        ...


@dataclass(frozen=True, slots=True)
class Turn:
    """Rate-limit ticket: each further request of this call waits for it.

    The slot covers the first request of a call. Each further request, such as the next page or a
    retry, waits for the account's rate. Requests to others, such as the database, do not wait.
    """

    provider: str
    wait: Callable[[], Awaitable[None]]


TURN: ContextVar[Turn | None] = ContextVar("avatarkit_turn", default=None)
