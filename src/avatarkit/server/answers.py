"""What answers hold, as the OpenAPI document tells it: each closed to what is not named here.

Samples, uploads and deliveries are made of these. Records and prices are made by ``shapes`` and
``figures``, as the command line tells them, and only described here; a test holds them together.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ..intake.preflight import Finding
from ..interfaces import Outcome
from ..lifecycle.durations import Duration
from ..models import Action, JobState, Operation
from ..pricing.rows import Price, Unit
from ..records import Phase, Status

__all__ = [
    "Deliveries",
    "Delivery",
    "Error",
    "Health",
    "Problem",
    "Progress",
    "Quote",
    "Refused",
    "Sample",
    "Samples",
    "Stacks",
    "Started",
    "Taken",
    "Timed",
    "Training",
    "Trainings",
    "Video",
    "Videos",
    "Waiting",
]

_Time = Annotated[float, Field(description="Seconds since 1970, UTC.")]
_Cursor = Annotated[
    str | None, Field(description="Asks for the next page; null: this is the last.")
]
_Amount = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)?$", description="An exact number.")]


class _Told(BaseModel):
    # Built when it is first used: nothing but samples, uploads and deliveries is made of these.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


# -- errors -------------------------------------------------------------------------------------


class Problem(_Told):
    """What went wrong: a name that stays, and a sentence that says what to do."""

    type: str
    message: str


class Error(_Told):
    """What every error is answered with."""

    error: Problem


class Refused(Error):
    """A sample that cannot be used, and why; it is not kept."""

    findings: list[Finding]


# -- samples ------------------------------------------------------------------------------------


class Sample(_Told):
    """A recording that is stored."""

    id: str
    clone_id: str
    role: Literal["voice", "footage"]
    name: str
    size: int = Field(description="Bytes.")
    media_type: str
    created_at: _Time


class Samples(_Told):
    """Stored samples, oldest first."""

    samples: list[Sample]


class Progress(_Told):
    """An upload of which more is to come."""

    offset: int = Field(description="Bytes that are there: where it goes on.")


class Taken(_Told):
    """A sample that is stored, and what was found in it."""

    sample: Sample
    findings: list[Finding]


class Waiting(Progress):
    """Evidence or a recording that is whole, and waits to be named in a request."""

    sample: None = None
    findings: list[Finding] = Field(default=[], max_length=0)


# -- trainings and videos -----------------------------------------------------------------------


class Reason(_Told):
    """Why something failed, or was left."""

    type: str | None
    message: str


class EarlierStack(_Told):
    """A stack that accepted nothing and was left for the next one."""

    stack: str
    error: Reason
    left_at: _Time


class OperationDone(_Told):
    """One paid thing, and how far it is: the job's state, or before there is a job the call's."""

    operation: Operation
    provider: str
    state: JobState | Phase
    job_id: str | None = Field(description="As the provider calls it.")
    cost: str | None = Field(description="In the provider's words.")


class _Record(_Told):
    id: str
    user_id: str
    clone_id: str
    name: str
    stack: str
    earlier_stacks: list[EarlierStack]
    consent_id: str | None
    status: Status
    progress: int = Field(ge=0, le=100)
    estimated: bool = Field(description="Whether progress is a guess from typical times.")
    action: Action | None = Field(description="What a person must do now.")
    error: Reason | None
    operations: list[OperationDone]
    created_at: _Time
    updated_at: _Time
    completed_at: _Time | None
    links: dict[str, str] = Field(
        description="Results by name: addresses relative to the API's own, which end after hours."
    )
    version: int = Field(description="Grows with each change; the id of the event that tells it.")


class Training(_Record):
    """A voice and an avatar of one clone."""

    kind: Literal["training"]
    voice_id: str | None = Field(description="As its provider calls it; null until it is usable.")
    avatar_id: str | None = Field(description="As its provider calls it; null until it is usable.")


class Timed(Training):
    """A training, and how long such a one takes."""

    estimate: Duration


class Started(Timed):
    """A training that was asked for."""

    training_id: str = Field(description="The same as id.")


class Video(_Record):
    """What an avatar says."""

    kind: Literal["video"]
    training_id: str | None
    script: str | None


class Trainings(_Told):
    """A page of trainings, newest first."""

    trainings: list[Training]
    cursor: _Cursor


class Videos(_Told):
    """A page of videos, newest first."""

    videos: list[Video]
    cursor: _Cursor


# -- stacks and prices --------------------------------------------------------------------------


class Costs(_Told):
    """US dollars a month, as far as they are known."""

    total: _Amount | None = Field(description="Null where a part of it is unknown.")
    known: _Amount = Field(description="Subscriptions and charges: the total is at least this.")
    plans: _Amount = Field(description="Subscriptions.")
    charges: _Amount = Field(description="What is charged beyond what they include.")
    used: _Amount = Field(description="Charges, and the part of subscriptions that is used up.")
    unknown: list[str] = Field(description="What is missing in it.")


def _with_age(schema: dict[str, Any]) -> None:
    schema["properties"]["age"] = {"type": "string", "description": "How long ago it was read."}
    schema["required"].append("age")


class Dated(Price):
    """A row of the prices, and its age; a field of that name would hide a method of ``Price``."""

    model_config = ConfigDict(json_schema_extra=_with_age)


class Line(_Told):
    """One operation at one provider; with a problem its price is unknown."""

    operation: Operation
    provider: str
    quantity: _Amount
    unit: Unit | None = Field(description="Null: times.")
    charge: _Amount | None = Field(description="US dollars beyond the subscription.")
    problem: str | None
    price: Dated | None


class Quote(_Told):
    """What a month's work costs on a stack."""

    stack: str
    currency: Literal["USD"]
    trainings: int
    videos: int
    dubs: int
    seconds: _Amount = Field(description="Of each video.")
    low: Costs
    expected: Costs
    high: Costs
    lines: list[Line]
    plans: dict[str, str] = Field(description="The plan that is taken, by provider.")
    assumptions: list[str]
    oldest: str = Field(description="When the oldest row was read.")


class StackQuote(_Told):
    """What an avatar and a minute of video cost in a month."""

    expected: Costs
    oldest: str = Field(description="When the oldest row was read.")


class Stack(_Told):
    """A stack, and whether it can be used."""

    stack: str
    how: str = Field(description="How a script becomes a talking video.")
    ready: bool
    problem: str | None = Field(description="What is missing.")
    quote: StackQuote | None


class Stacks(_Told):
    """The stacks that can be chosen."""

    stacks: list[Stack]


# -- the rest -----------------------------------------------------------------------------------


class Delivery(_Told):
    """What a vendor has told, without what it said."""

    provider: str
    event_type: str
    record_id: str | None
    signed: bool
    outcome: Outcome
    received_at: _Time


class Deliveries(_Told):
    """A page of deliveries, newest first."""

    deliveries: list[Delivery]
    cursor: _Cursor


class Health(_Told):
    """The server answers, and its database."""

    ok: Literal[True] = True
