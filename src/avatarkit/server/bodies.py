"""What requests say: their bodies, read and bounded."""

from __future__ import annotations

import re
from typing import Annotated, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
)
from starlette.requests import Request

from ..errors import AvatarKitError, ConsentRequired
from ..models import WORDING, Consent
from ..pricing import USD, Money

__all__ = [
    "MAX_DEPTH",
    "MAX_JSON",
    "Answer",
    "BadBody",
    "ConsentGiven",
    "LinkedSample",
    "NewTraining",
    "NewVideo",
    "TooLarge",
    "clone_named",
    "limited",
    "nested",
    "read",
]

#: Bytes of a JSON body, and how deep it may be nested.
MAX_JSON = 1 << 20
MAX_DEPTH = 64

M = TypeVar("M", bound=BaseModel)


class BadBody(AvatarKitError, ValueError):
    """The body is not what the route takes."""


class TooLarge(AvatarKitError, ValueError):
    """The body is larger than the route takes."""


def clone_named(clone_id: str) -> str:
    """The id of a clone; raises ``BadBody`` for what is none."""
    if not (0 < len(clone_id) <= 200 and clone_id.isprintable()):
        raise BadBody("a clone's id has 1 to 200 printable characters")
    return clone_id


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")

    @field_validator("*")
    @classmethod
    def _without_nul(cls, value: object) -> object:
        """Refuse what PostgreSQL does not keep."""
        if isinstance(value, str) and "\0" in value:
            raise ValueError("text without a NUL is taken")
        return value


class ConsentGiven(_Body):
    """Who agreed, or why nobody had to: ``subject``, or ``not_a_real_person`` with a reason."""

    subject: str | None = Field(default=None, max_length=200)
    wording: str = Field(default=WORDING[1], max_length=10_000)
    wording_version: str = Field(default=WORDING[0], max_length=100)
    evidence: str | None = Field(
        default=None, max_length=200, description="The name under which evidence was uploaded."
    )
    not_a_real_person: str | None = Field(default=None, max_length=1000)

    def consent(self, evidence: str | None) -> Consent:
        """The same for the kit; ``evidence`` is the file's path."""
        if self.not_a_real_person is not None:
            if self.subject is not None:
                raise ConsentRequired("give either subject or not_a_real_person")
            return Consent.not_a_real_person(self.not_a_real_person)
        return Consent(
            subject=self.subject,
            wording=self.wording,
            wording_version=self.wording_version,
            evidence=evidence,
        )


class _Order(_Body):
    max_cost: str | None = Field(
        default=None,
        pattern=r"^[0-9]{1,7}(\.[0-9]{1,6})?$",
        description="The most that it may be expected to cost, in US dollars.",
    )

    @property
    def most(self) -> Money | None:
        """The same for the kit."""
        return None if self.max_cost is None else USD(self.max_cost)


class NewTraining(_Order):
    """Train an avatar from a clone's stored samples."""

    clone_id: Annotated[str, AfterValidator(clone_named)]
    stack: str | None = Field(default=None, max_length=200)
    name: str = Field(default="", max_length=200)
    language: str | None = Field(default=None, max_length=35)
    consent: ConsentGiven | None = None


class NewVideo(_Order):
    """Let a trained avatar say something."""

    text: str = Field(min_length=1, max_length=20_000)
    name: str = Field(default="", max_length=200)
    language: str | None = Field(default=None, max_length=35)


class Answer(_Body):
    """Answer an action with one of its choices."""

    choice: str = Field(min_length=1, max_length=40)
    job_id: str | None = Field(default=None, max_length=400)
    recording: str | None = Field(
        default=None, max_length=200, description="The name under which it was uploaded."
    )


class LinkedSample(_Body):
    """A sample that is fetched from a public https address."""

    role: Literal["voice", "footage"]
    url: str = Field(pattern=r"^https://", max_length=4000)  # a path would be one of this machine


async def limited(request: Request, limit: int = MAX_JSON) -> bytes:
    """Read a body of at most so many bytes; raises ``TooLarge`` without reading on."""
    said = request.headers.get("content-length", "")
    if said.isascii() and said.isdigit() and (len(said) > 15 or int(said) > limit):
        raise TooLarge(f"the body is larger than {limit} bytes")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise TooLarge(f"the body is larger than {limit} bytes")
    return bytes(body)


#: A string, also one that never ends, so that no quote is looked at twice.
_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")


def nested(body: bytes) -> bool:
    """Whether JSON is nested deeper than anything that we or vendors write."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return False  # without a look at what is in a string
    depth = 0
    for bracket in _BRACKETS.findall(_STRINGS.sub(b"", body)):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            return True
    return False


async def read(request: Request, model: type[M]) -> M:
    """Read a JSON body; raises ``BadBody`` that names the field, and repeats no value of it."""
    body = await limited(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise BadBody("send content-type: application/json")
    if nested(body):
        raise BadBody("the JSON is nested too deep")
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors()[:3]
        )
        raise BadBody(wrong) from None
