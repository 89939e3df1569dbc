"""Handlers and answers for operators: deliveries, backlog, spending and checks."""

from __future__ import annotations

from decimal import Decimal
from typing import Self, cast, get_args

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from ..errors import NotFound
from ..interfaces import Backlog, LogEntry, Outcome
from ..json_views import MoneyView, Time, View, money, readable
from ..kit.checks import Check, Verdict
from ..pricing import BudgetUse
from ..records import Status, Training
from . import parameters
from .api import API, WHOLE, json_answer, paged
from .bodies import BadBody, Replay, read
from .schemas import ListAnswer

#: Most characters of a delivery's ID, and of a provider's name.
_LONGEST = {"event_id": 500, "provider": 100}

#: Query parameters of the list of deliveries, and those that name one.
DELIVERIES = (
    *parameters.PAGE,
    parameters.query("provider", "Only this provider's.", maxLength=_LONGEST["provider"]),
    parameters.query("outcome", "Only those with this outcome.", enum=list(get_args(Outcome))),
)
DELIVERY = (
    parameters.query("provider", "Provider that sent it.", required=True, minLength=1),
    parameters.query("event_id", "Its ID.", required=True, minLength=1, maxLength=500),
)


class UserAnswer(View):
    """The user who is signed in."""

    user_id: str
    operator: bool = Field(description="True if the user may see the state of the deployment.")


class BacklogAnswer(View):
    """Unfinished records that wait for one provider."""

    provider: str
    waiting: int = Field(description="Unfinished records.")
    due: int = Field(description="Of them, due records that no worker has taken.")
    held: int = Field(description="Of them, records that a worker has taken.")
    due_since: Time | None = Field(description="Due time of the first due record; else null.")

    @classmethod
    def of(cls, backlog: Backlog) -> Self:
        """Build the answer from a backlog."""
        counts = {name: getattr(backlog, name) for name in ("provider", "waiting", "due", "held")}
        return cls(**counts, due_since=backlog.oldest)


class BacklogsAnswer(ListAnswer):
    """Backlogs of all providers that something waits for."""

    data: list[BacklogAnswer]


class BudgetAnswer(View):
    """A budget, and what is left of it this month."""

    amount: MoneyView
    left: MoneyView = Field(description="Zero if nothing is left.")

    @classmethod
    def of(cls, use: BudgetUse) -> Self:
        """Build the answer from the use of a budget."""
        left = max(use.left, Decimal(0))
        return cls(amount=money(use.budget.amount.amount), left=money(left))


class SpendingAnswer(View):
    """Expected cost of the month's records; unknown prices count as zero."""

    month: str = Field(description="Calendar month in UTC, such as 2026-11.")
    spent: MoneyView = Field(description="For what vendors have accepted.")
    reserved: MoneyView = Field(description="For what is still to be sent, or of unknown fate.")
    budgets: list[BudgetAnswer] = Field(description="Budgets of the whole project.")


class CheckAnswer(View):
    """One check of the deployment."""

    subject: str = Field(description="What was checked, such as database.")
    verdict: Verdict
    detail: str = Field(description="What is wrong, and what to do; empty if there is nothing.")

    @classmethod
    def of(cls, check: Check) -> Self:
        """Build the answer from a check."""
        return cls(**{name: getattr(check, name) for name in cls.model_fields})


class ChecksAnswer(ListAnswer):
    """All checks."""

    data: list[CheckAnswer]


class DeliveredToAnswer(View):
    """Training or video that a delivery is about."""

    id: str
    training_id: str | None = Field(description="Training of its avatar, or itself.")
    name: str
    status: Status
    own: bool = Field(description="True if it belongs to the user who asks.")


class OperatorDeliveryAnswer(View):
    """A webhook delivery of any user, without its payload."""

    provider: str
    event_id: str
    event_type: str = Field(description="What happened, such as video.completed.")
    record: DeliveredToAnswer | None = Field(description="Null for an unknown or deleted record.")
    signed: bool
    outcome: Outcome
    received_at: Time


class OperatorDeliveriesAnswer(ListAnswer):
    """A page of all webhook deliveries, newest first."""

    data: list[OperatorDeliveryAnswer]


class PayloadAnswer(View):
    """Payload of a delivery."""

    payload: str = Field(description="Without secrets and the query strings of links.")


async def me(api: API, request: Request, user: str) -> Response:
    """Tell who is signed in."""
    del api
    return json_answer(UserAnswer(user_id=user, operator=request.state.operator))


async def backlog(api: API, request: Request, user: str) -> Response:
    """List unfinished records by provider."""
    del request, user
    found = await api.kit.admin.backlog()
    return json_answer(BacklogsAnswer(data=[BacklogAnswer.of(one) for one in found], **WHOLE))


async def spending(api: API, request: Request, user: str) -> Response:
    """Tell what the month costs, and what is left of the project's budgets."""
    del request, user
    found = await api.kit.prices.spending()
    budgets = [BudgetAnswer.of(use) for use in await api.kit.prices.budgets()]
    answer = SpendingAnswer(
        month=found.month,
        spent=money(found.spent),
        reserved=money(found.reserved),
        budgets=budgets,
    )
    return json_answer(answer)


async def checks(api: API, request: Request, user: str) -> Response:
    """Run the checks of the deployment."""
    del request, user
    found = await api.kit.admin.checks()
    return json_answer(ChecksAnswer(data=[CheckAnswer.of(one) for one in found], **WHOLE))


async def deliveries(api: API, request: Request, user: str) -> Response:
    """List the deliveries of all users, with the records that they are about."""
    provider, outcome = (request.query_params.get(name) for name in ("provider", "outcome"))
    if outcome not in {None, *get_args(Outcome)}:
        raise BadBody(f"outcome: send one of {', '.join(get_args(Outcome))}", "outcome")
    if provider is not None and not 0 < len(provider) <= _LONGEST["provider"]:
        raise BadBody("provider: send the name of a provider", "provider")
    page = await api.kit.webhooks.list(
        provider=provider, outcome=cast("Outcome | None", outcome), **parameters.page(request)
    )
    ids = dict.fromkeys(entry.record_id for entry in page.entries if entry.record_id)
    about = {record_id: await _about(api, record_id, user) for record_id in ids}
    shown = [_delivery(entry, about.get(entry.record_id or "")) for entry in page.entries]
    return json_answer(OperatorDeliveriesAnswer(data=shown, **paged(page.cursor)))


async def payload(api: API, request: Request, user: str) -> Response:
    """Show the payload of one delivery."""
    del user
    named = {name: request.query_params.get(name, "") for name in _LONGEST}
    for name, value in named.items():
        if not 0 < len(value) <= _LONGEST[name]:
            raise BadBody(f"{name}: send 1 to {_LONGEST[name]} characters", name)
    entry = await api.kit.webhooks.get(named["provider"], named["event_id"])
    return json_answer(PayloadAnswer(payload=readable(entry.payload)))


async def replay(api: API, request: Request, user: str) -> Response:
    """Apply one delivery again, which is idempotent."""
    body = await read(request, Replay)
    entry = await api.kit.webhooks.replay(body.provider, body.event_id)
    about = await _about(api, entry.record_id, user) if entry.record_id else None
    return json_answer(_delivery(entry, about))


def _delivery(entry: LogEntry, about: DeliveredToAnswer | None) -> OperatorDeliveryAnswer:
    fields = OperatorDeliveryAnswer.model_fields.keys() - {"record"}
    return OperatorDeliveryAnswer(**{name: getattr(entry, name) for name in fields}, record=about)


async def _about(api: API, record_id: str, user: str) -> DeliveredToAnswer | None:
    """Return the record that a delivery is about; None if it was deleted."""
    try:
        record = await api.kit.get(record_id)
    except NotFound:
        return None
    return DeliveredToAnswer(
        id=record.id,
        training_id=record.id if isinstance(record, Training) else record.training_id,
        name=record.name,
        status=record.status,
        own=record.user_id == user,
    )
