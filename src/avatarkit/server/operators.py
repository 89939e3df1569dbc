"""Handlers and answers for operators: backlog, spending and checks of the deployment."""

from __future__ import annotations

from decimal import Decimal
from typing import Self

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from ..interfaces import Backlog
from ..json_views import MoneyView, Time, View, money
from ..kit.checks import Check, Verdict
from ..pricing import BudgetUse
from .api import API, WHOLE, json_answer
from .schemas import ListAnswer


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
