from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

if TYPE_CHECKING:
    from ..models.budget import Budget
    from ..models.money import Money


T = TypeVar("T", bound="Spending")


@_attrs_define
class Spending:
    """Expected cost of the month's records; unknown prices count as zero.

    Attributes:
        month (str): Calendar month in UTC, such as 2026-11.
        spent (Money): An exact amount of money.
        reserved (Money): An exact amount of money.
        budgets (list[Budget]): Budgets of the whole project.
    """

    month: str
    spent: Money
    reserved: Money
    budgets: list[Budget]

    def to_dict(self) -> dict[str, Any]:
        from ..models.budget import Budget  # noqa: PLC0415
        from ..models.money import Money  # noqa: PLC0415

        month = self.month

        spent = self.spent.to_dict()

        reserved = self.reserved.to_dict()

        budgets = []
        for budgets_item_data in self.budgets:
            budgets_item = budgets_item_data.to_dict()
            budgets.append(budgets_item)

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "month": month,
                "spent": spent,
                "reserved": reserved,
                "budgets": budgets,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.budget import Budget  # noqa: PLC0415
        from ..models.money import Money  # noqa: PLC0415

        d = dict(src_dict)
        month = d.pop("month")

        spent = Money.from_dict(d.pop("spent"))

        reserved = Money.from_dict(d.pop("reserved"))

        budgets = []
        _budgets = d.pop("budgets")
        for budgets_item_data in _budgets:
            budgets_item = Budget.from_dict(budgets_item_data)

            budgets.append(budgets_item)

        spending = cls(
            month=month,
            spent=spent,
            reserved=reserved,
            budgets=budgets,
        )

        return spending
