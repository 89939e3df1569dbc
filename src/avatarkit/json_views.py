"""Pydantic models of records, quotes and prices as JSON.

The command line prints them, the HTTP API extends and answers them, and its OpenAPI document is
generated from them. They hold no keys and no raw vendor responses. Times are RFC 3339 in UTC, and
money is an exact decimal text with its currency.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal, Self, cast, get_args

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from ._log import cleaned, redact
from .interfaces import Balance
from .models import Action, Operation
from .pricing import Estimate, Price, Quote
from .pricing.quotes import Line
from .pricing.rows import Charged, Unit
from .records import Attempt, OperationState, Record, Status, Training, Video


def rfc3339(at: float) -> str:
    """Format seconds since 1970 as RFC 3339 in UTC, to the millisecond."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


Time = Annotated[
    float,
    PlainSerializer(rfc3339, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time", "description": "RFC 3339, in UTC."}),
]
Number = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+)?$", description="An exact number.")]


def readable(payload: bytes) -> str:
    """Format a delivery's payload for people, without secrets and query strings of links.

    What is a JSON object also loses the values of fields that are named like secrets.
    """
    text = payload.decode(errors="replace")
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        return cleaned(text, longest=len(text))
    fields = redact(cast("dict[str, Any]", found))
    return json.dumps(fields, indent=2, ensure_ascii=False)


def _title(model: type[Any]) -> str:
    return re.sub(r"(View|Answer)$", "", model.__name__)


class View(BaseModel):
    """Base of the JSON models: immutable, closed to unknown fields, built on first use."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", defer_build=True, model_title_generator=_title
    )

    def json_object(self) -> dict[str, Any]:
        """Return the fields as JSON types."""
        return self.model_dump(mode="json")


# -- records ------------------------------------------------------------------------------------


class ReasonView(View):
    """Error of a failed record or an abandoned stack."""

    type: str | None
    message: str


class EarlierStackView(View):
    """A stack that accepted no paid call before failover to the next one."""

    stack: str
    error: ReasonView
    left_at: Time

    @classmethod
    def of(cls, left: Attempt) -> Self:
        """Build the view of an abandoned stack."""
        reason = ReasonView(type=left.error_type, message=left.reason)
        return cls(stack=left.stack, error=reason, left_at=left.ended_at)


class CostView(View):
    """Amount that a provider counted for an operation."""

    amount: float | None = Field(description="Null if the provider's text holds no number.")
    unit: str = Field(description="What is counted, in the provider's words, such as credits.")

    @classmethod
    def of(cls, told: str) -> Self:
        """Build the view of a provider's text, such as "3 credits"."""
        found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) +(.+)", told)
        return (
            cls(amount=None, unit=told)
            if found is None
            else cls(amount=float(found[1]), unit=found[2])
        )


class OperationStatus(StrEnum):
    """State of an operation: the job's, or the call's until there is a job."""

    NONE = "none"
    INTENT = "intent"
    DONE = "done"
    LOST = "lost"
    QUEUED = "queued"
    RUNNING = "running"
    NEEDS_ACTION = "needs_action"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    GONE = "gone"
    UNKNOWN = "unknown"


class OperationStateView(View):
    """A billable step of a training or a video."""

    operation: Operation
    scene: int = Field(description="Number of the scene that it makes, from 1; 0: the whole.")
    provider: str
    state: OperationStatus
    job_id: str | None = Field(description="The job's ID at the provider.")
    cost: CostView | None = Field(description="Cost as the provider tells it, if it does.")
    left_out: dict[str, str] = Field(
        description="Results that cannot be used, such as a thumbnail, and the reason of each."
    )

    @classmethod
    def of(cls, state: OperationState) -> Self:
        """Build the view of an operation."""
        return cls(
            operation=state.operation,
            scene=state.scene,
            provider=state.provider,
            state=OperationStatus(state.job.state or state.phase),
            job_id=state.job.id,
            cost=CostView.of(state.job.cost) if state.job.cost else None,
            left_out=state.job.left_out,
        )


_ACTION_KINDS: tuple[str, ...] = get_args(Action.model_fields["kind"].annotation)


class ActionView(View):
    """Step that a person must take before the work goes on."""

    kind: str = Field(json_schema_extra={"enum": [*_ACTION_KINDS]})
    message: str = Field(description="Text for the person.")
    choices: list[str] = Field(description="Every accepted answer.")
    operation: Operation | None
    scene: int = Field(description="Number of the operation's scene, from 1; 0: the whole.")
    url: str | None = Field(description="Page to open, if any.")
    text: str | None = Field(description="Text to read aloud, if any.")
    expires_at: Time | None
    recording: Literal["audio", "video"] | None = Field(
        description="Kind of recording to upload and name in the answer, if one is asked for."
    )

    @classmethod
    def of(cls, action: Action) -> Self:
        """Build the view of an action."""
        return cls(**{name: getattr(action, name) for name in cls.model_fields})


class RecordView(View):
    """Fields that trainings and videos share."""

    id: str
    kind: Literal["training", "video"]
    user_id: str
    clone_id: str
    name: str
    stack: str
    earlier_stacks: list[EarlierStackView]
    consent_id: str | None
    status: Status
    progress: int = Field(ge=0, le=100)
    estimated: bool = Field(description="True if progress is estimated from typical durations.")
    action: ActionView | None = Field(description="The action required from a person.")
    error: ReasonView | None
    operations: list[OperationStateView]
    created_at: Time
    updated_at: Time
    completed_at: Time | None

    @classmethod
    def of(cls, record: Record, **more: Any) -> Self:
        """Build the view of a record; ``more`` are fields that only a subclass has."""
        message = record.error_message
        values: dict[str, Any] = {
            name: getattr(record, name) for name in cls.model_fields if hasattr(record, name)
        }
        values |= {
            "action": record.action and ActionView.of(record.action),
            "earlier_stacks": [EarlierStackView.of(left) for left in record.ended],
            "error": None
            if message is None
            else ReasonView(type=record.error_type, message=message),
            "operations": [OperationStateView.of(state) for state in record.operations],
        }
        return cls(**(values | more))


class TrainingView(RecordView):
    """A training job, whose result is a voice and an avatar of one clone."""

    kind: Literal["training"]  # pyright: ignore[reportIncompatibleVariableOverride] - frozen
    voice_id: str | None = Field(description="The provider's voice ID; null until usable.")
    avatar_id: str | None = Field(description="The provider's avatar ID; null until usable.")


class VideoView(RecordView):
    """A generated or dubbed video."""

    kind: Literal["video"]  # pyright: ignore[reportIncompatibleVariableOverride] - frozen
    training_id: str | None
    script: str | None
    language: str | None


def record_view(record: Training | Video) -> TrainingView | VideoView:
    """Build the view of a training or a video."""
    return TrainingView.of(record) if isinstance(record, Training) else VideoView.of(record)


def record_json(record: Training | Video) -> dict[str, Any]:
    """Return a training or a video as JSON."""
    return record_view(record).json_object()


# -- quotes and prices --------------------------------------------------------------------------


def exact(amount: Decimal) -> str:
    """Format an amount exactly, without trailing zeros."""
    return f"{amount.normalize():f}"


def number(amount: Decimal | None) -> str | None:
    """Format an amount exactly; None if unknown."""
    return None if amount is None else exact(amount)


class MoneyView(View):
    """An exact amount of money."""

    amount: Number
    currency: Literal["USD"] = Field(description="ISO 4217 code.")


def money(amount: Decimal) -> MoneyView:
    """Build the view of an amount of dollars."""
    return MoneyView(amount=exact(amount), currency="USD")


class CostsView(View):
    """Estimated cost of one month."""

    total: MoneyView | None = Field(description="Null if a part is unknown.")
    known: MoneyView = Field(description="Known subscriptions and charges, at most the total.")
    plans: MoneyView = Field(description="Subscriptions.")
    charges: MoneyView = Field(description="Usage charges beyond the subscriptions.")
    used: MoneyView = Field(description="Charges, plus the used share of subscriptions.")
    unknown: list[str] = Field(description="Parts without a known price.")

    @classmethod
    def of(cls, found: Estimate) -> Self:
        """Build the view of an estimate."""
        return cls(
            total=None if found.total is None else money(found.total),
            known=money(found.known),
            plans=money(found.plans),
            charges=money(found.charges),
            used=money(found.used),
            unknown=list(found.unknown),
        )


class PriceView(Price):
    """A price entry and its age."""

    model_config = ConfigDict(defer_build=True, model_title_generator=_title)

    age: str = Field(description="Time since the price was read, such as '2 months old'.")

    @classmethod
    def of(cls, price: Price, today: date) -> Self:
        """Build the view of a price entry; ``today`` dates it."""
        return cls(**dict(price), age=price.age_on(today))

    def json_object(self) -> dict[str, Any]:
        """Return the fields as JSON types."""
        return self.model_dump(mode="json")


class LineView(View):
    """Cost of one operation at one provider; unknown if there is a problem."""

    operation: Charged
    provider: str
    quantity: Number
    unit: Unit | None = Field(description="Null: a count.")
    charge: MoneyView | None = Field(description="Charge beyond the subscription.")
    problem: str | None
    price: PriceView | None

    @classmethod
    def of(cls, line: Line, today: date) -> Self:
        """Build the view of a quote's line."""
        return cls(
            operation=line.operation,
            provider=line.provider,
            quantity=exact(line.quantity),
            unit=line.unit,
            charge=None if line.problem else money(line.charge),
            problem=line.problem,
            price=None if line.price is None else PriceView.of(line.price, today),
        )


class QuoteView(View):
    """Estimated monthly cost on one stack."""

    stack: str
    trainings: int
    videos: int
    dubs: int
    seconds: Number = Field(description="Length of each video.")
    low: CostsView
    expected: CostsView
    high: CostsView
    lines: list[LineView]
    plans: dict[str, str] = Field(description="The subscription plan by provider.")
    assumptions: list[str]
    oldest: str = Field(description="Date of the oldest price entry.")

    @classmethod
    def of(cls, found: Quote, today: date) -> Self:
        """Build the view of a quote; ``today`` dates its prices."""
        return cls(
            stack=found.stack,
            trainings=found.workload.trainings,
            videos=found.workload.videos,
            dubs=found.workload.dubs,
            seconds=exact(found.workload.length()),
            low=CostsView.of(found.low),
            expected=CostsView.of(found.expected),
            high=CostsView.of(found.high),
            lines=[LineView.of(line, today) for line in found.lines],
            plans={p.provider: p.plan.plan for p in found.parts if p.plan is not None},
            assumptions=list(found.assumptions),
            oldest=found.read,
        )


class BalanceView(View):
    """Remaining balance at a vendor, or the reason why it is unknown."""

    amount: float | None
    unit: str | None
    problem: str | None

    @classmethod
    def of(cls, found: Balance | Exception) -> Self:
        """Build the view of a balance."""
        if isinstance(found, Exception):
            return cls(amount=None, unit=None, problem=str(found))
        return cls(amount=found.amount, unit=found.unit, problem=None)
