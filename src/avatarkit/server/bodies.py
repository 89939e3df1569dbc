"""Request bodies: pydantic models, and a reader with limits on size and depth."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails
from starlette.requests import Request

from .._text import flaw, has_controls, nested
from ..errors import AvatarKitError, ConsentRequired
from ..intake.arguments import MAX_SUBTITLES, same_language
from ..models import WORDING, Consent, SampleRole, SceneLayout, VideoSettings
from ..pricing import USD, Money

#: Maximum bytes of a JSON body.
MAX_JSON = 1 << 20

M = TypeVar("M", bound=BaseModel)


class BadBody(AvatarKitError, ValueError):
    """Invalid body, parameter or header; ``param`` is its name."""

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


class UnsupportedType(AvatarKitError, ValueError):
    """The body's content type is not the documented one."""


class TooLarge(AvatarKitError, ValueError):
    """The body exceeds the size limit."""


def clone_named(clone_id: str) -> str:
    """Return a valid clone ID; raise ``BadBody`` for an invalid one."""
    if not (0 < len(clone_id.strip()) <= len(clone_id) <= 200 and clone_id.isprintable()):
        raise BadBody("clone_id: give 1 to 200 printable characters, not all blank", "clone_id")
    if clone_id in {".", ".."} or {"/", "\\"} & {*clone_id}:
        raise BadBody(
            "clone_id: use no slash or backslash, and neither '.' nor '..': it is in paths",
            "clone_id",
        )
    return clone_id


#: JSON schema of a clone ID, in paths, queries and bodies.
CLONE_ID: Mapping[str, Any] = {
    "type": "string",
    "minLength": 1,
    "maxLength": 200,
    "pattern": r"^(?!\.{1,2}$|\s*$)[^/\\\u0000-\u001f\u007f]+$",
}
CloneId = Annotated[str, AfterValidator(clone_named), WithJsonSchema(dict(CLONE_ID))]

#: Maximum characters of an ID or a name in a path: messages repeat it.
MAX_NAME = 200


def may_name(name: str) -> bool:
    """Return True for a name or an ID that something stored could have."""
    return 0 < len(name.strip()) <= len(name) <= MAX_NAME and not (flaw(name) or has_controls(name))


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")

    @field_validator("*")
    @classmethod
    def _storable(cls, value: object) -> object:
        """Reject text that cannot be stored."""
        if isinstance(value, str) and (found := flaw(value)):
            raise ValueError(f"the text has {found}: remove it")
        return value


Purpose = Annotated[str, Field(pattern=r"\S", max_length=200)]


def _since_1970(moment: datetime) -> datetime:
    if moment.timestamp() < 0:
        raise ValueError("give a time after 1970")
    return moment


class ConsentGiven(_Body):
    """Consent of ``subject``, or the reason why none is needed as ``not_a_real_person``."""

    subject: str | None = Field(default=None, max_length=200)
    wording: str = Field(
        default=WORDING[1],
        examples=[WORDING[1]],  # the dashboard shows it
        max_length=10_000,
        description="Text that was agreed to; by default the one that the dashboard shows.",
    )
    wording_version: str = Field(
        default=WORDING[0],
        examples=[WORDING[0]],
        max_length=100,
        description="Its version; by default the dashboard's.",
    )
    evidence: str | None = Field(
        default=None, max_length=200, description="Name of the uploaded evidence file."
    )
    purposes: list[Purpose] | None = Field(
        default=None, min_length=1, max_length=50, description="All that it covers; else anything."
    )
    given_at: Annotated[AwareDatetime, AfterValidator(_since_1970)] | None = Field(
        default=None, description="Time of the agreement, never in the future; by default now."
    )
    not_a_real_person: str | None = Field(default=None, max_length=1000)

    def consent(self, evidence: str | None) -> Consent:
        """Return it as a ``Consent``; ``evidence`` is the file's path."""
        if self.not_a_real_person is not None:
            if self.subject is not None:
                raise ConsentRequired("give either subject or not_a_real_person")
            return Consent.not_a_real_person(self.not_a_real_person)
        return Consent(
            subject=self.subject,
            wording=self.wording,
            wording_version=self.wording_version,
            evidence=evidence,
            given_at=None if self.given_at is None else self.given_at.timestamp(),
            purposes=self.purposes if self.purposes is None else tuple(self.purposes),
        )


class NewConsent(ConsentGiven):
    """Store a consent for later trainings."""

    clone_id: CloneId | None = Field(
        default=None, description="Profile that the evidence was uploaded to."
    )


class NewErasure(_Body):
    """Erase all data of the user."""

    confirm: Literal[True] = Field(description="Must be true: an erasure cannot be undone.")
    removed_by_hand: bool = Field(
        default=False,
        description="True after a person has removed what remains at the providers.",
    )


class MoneyGiven(_Body):
    """An amount of money."""

    amount: str = Field(
        pattern=r"^[0-9]{1,7}(\.[0-9]{1,6})?$", description="An exact number, such as 2.50."
    )
    currency: Literal["USD"] = Field(description="ISO 4217 code.")


class _PaidRequest(_Body):
    purpose: Purpose | None = Field(
        default=None, description="What it is for; needed if the consent names purposes."
    )
    max_cost: MoneyGiven | None = Field(default=None, description="Maximum expected cost.")

    @property
    def most(self) -> Money | None:
        """Maximum expected cost, if one was given."""
        return None if self.max_cost is None else USD(self.max_cost.amount)


class ConsentedRequest(_PaidRequest):
    """A paid request by a person's consent, a new one or a stored one."""

    consent: ConsentGiven | None = Field(
        default=None, description="A new consent; or send consent_id."
    )
    consent_id: str | None = Field(
        default=None, max_length=200, description="ID of a stored consent."
    )


class NewTraining(ConsentedRequest):
    """Train an avatar from a clone's stored samples."""

    clone_id: CloneId
    stack: str | None = Field(default=None, max_length=200)
    name: str = Field(default="", max_length=200)
    language: str | None = Field(default=None, max_length=35)
    look_of: str | None = Field(
        default=None,
        max_length=200,
        description="Training of this clone whose avatar gets another look, by the same consent.",
    )


class StockChoice(_Body):
    """A stock avatar or voice of a vendor's catalogue."""

    provider: str = Field(min_length=1, max_length=100)
    id: str = Field(min_length=1, max_length=200)


class NewScene(_Body):
    """A scene of a video."""

    text: str = Field(min_length=1, max_length=20_000)
    avatar: StockChoice | None = Field(default=None, description="Else the video's avatar.")
    voice: StockChoice | None = Field(default=None, description="Else the video's voice.")
    background: str | None = Field(
        default=None,
        max_length=4000,
        description="As in the settings; else that of the video.",
    )
    layout: SceneLayout | None = Field(default=None, description="Place of the avatar.")

    @field_validator("background")
    @classmethod
    def _known(cls, given: str | None) -> str | None:
        return VideoSettings(background=given).background


class NewVideo(_PaidRequest):
    """Generate a video with a trained avatar, or with its voice and a stock avatar."""

    text: str | None = Field(
        default=None,
        min_length=1,
        max_length=20_000,
        description="Text that is spoken; or send scenes.",
    )
    scenes: list[NewScene] | None = Field(
        default=None,
        min_length=1,
        max_length=50,
        description="Scenes, in their order; or send text. Where the provider makes one scene at "
        "a time, each is paid for separately.",
    )
    avatar: StockChoice | None = Field(
        default=None, description="Stock avatar in the place of the trained one."
    )
    voice: StockChoice | None = Field(
        default=None, description="Stock voice in the place of the trained one."
    )
    name: str = Field(default="", max_length=200)
    language: str | None = Field(default=None, max_length=35)
    settings: VideoSettings = Field(
        default_factory=VideoSettings,
        description="The same for every provider; one that it does not have answers with 422.",
    )

    @model_validator(mode="after")
    def _one_script(self) -> Self:
        if (self.text is None) == (self.scenes is None):
            raise ValueError("send either text or scenes")
        return self


class Replay(_Body):
    """Apply a stored delivery again."""

    provider: str = Field(min_length=1, max_length=100)
    event_id: str = Field(min_length=1, max_length=500)


Tag = Annotated[str, Field(pattern=r"\S", max_length=35)]
Srt = Annotated[str, Field(min_length=1, max_length=MAX_SUBTITLES)]


class NewDubs(ConsentedRequest):
    """Dub an uploaded video, or a finished one, into other languages."""

    clone_id: CloneId | None = Field(default=None, description="Profile of the source.")
    languages: list[Tag] = Field(
        min_length=1, max_length=50, description="Languages, such as es or pt-BR, each once."
    )
    source: str | None = Field(
        default=None,
        max_length=200,
        description="Name of the video that was uploaded to the profile with the role source.",
    )
    video_id: str | None = Field(
        default=None,
        max_length=200,
        description="A finished video of yours, in the place of an upload; its consent holds.",
    )
    stack: str | None = Field(default=None, max_length=200)
    name: str = Field(default="", max_length=200)
    subtitles: dict[str, Srt] = Field(
        default_factory=dict[str, str],
        description="Translation that is to be said, as SRT, by language.",
    )
    source_subtitles: Srt | None = Field(default=None, description="What the video says, as SRT.")

    @field_validator("languages")
    @classmethod
    def _once(cls, given: list[str]) -> list[str]:
        if len({same_language(tag) for tag in given}) < len(given):
            raise ValueError("name each language once")
        return given

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.source is None) == (self.video_id is None):
            raise ValueError("send either source or video_id")
        if (self.clone_id is None) == (self.video_id is None):
            raise ValueError("send clone_id with source, and not with video_id")
        if unknown := set(self.subtitles) - set(self.languages):
            raise ValueError(f"subtitles: {min(unknown)!r} is none of languages")
        return self


class ActionChoice(_Body):
    """Answer a required action with one of its choices."""

    choice: str = Field(min_length=1, max_length=40)
    job_id: str | None = Field(default=None, max_length=400)
    recording: str | None = Field(
        default=None, max_length=200, description="Name of the uploaded recording."
    )


class LinkedSample(_Body):
    """A sample to fetch from a public https address."""

    role: SampleRole
    url: str = Field(pattern=r"^https://", max_length=4000)  # a path would be on this host


class NewHandover(_Body):
    """Let another device record and upload one file."""

    role: Literal["voice", "footage", "evidence", "recording"]
    media: Literal["audio", "video"]
    page: str = Field(
        pattern=r"^https?://[^\s#?@]+$",
        max_length=500,
        description="Address of the page that the other device opens: this server's `phone`, or "
        "a page of your own with `<avatar-phone>`.",
    )
    text: str = Field(default="", max_length=10_000, description="Text to read aloud.")
    language: str = Field(default="en", max_length=35, description="Language of that page.")
    stack: str | None = Field(default=None, max_length=200)


async def limited(request: Request, limit: int = MAX_JSON) -> bytes:
    """Read a body of at most ``limit`` bytes; raise ``TooLarge`` as soon as it is longer."""
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and (len(length) > 15 or int(length) > limit):
        raise TooLarge(f"the body is larger than {limit} bytes")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise TooLarge(f"the body is larger than {limit} bytes")
    return bytes(body)


async def read(request: Request, model: type[M]) -> M:
    """Read a JSON body; raise ``BadBody`` that names the field but repeats no value."""
    body = await limited(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise UnsupportedType("send Content-Type: application/json")
    if nested(body):
        raise BadBody("the JSON is nested too deep")
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        found = [(".".join(map(str, e["loc"])), _said(e)) for e in error.errors()[:3]]
        wrong = "; ".join(
            said if where and said.startswith(f"{where}:") else f"{where or 'body'}: {said}"
            for where, said in found
        )
        raise BadBody(wrong, found[0][0] or None) from None


def _said(error: ErrorDetails) -> str:
    """Return the message of an invalid field; our own ones as they are."""
    own = error.get("ctx", {}).get("error")
    return error["msg"] if own is None else str(own)
