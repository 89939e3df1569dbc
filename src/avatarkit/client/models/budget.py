from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

if TYPE_CHECKING:
    from ..models.money import Money


T = TypeVar("T", bound="Budget")


@_attrs_define
class Budget:
    """A budget, and what is left of it this month.

    Attributes:
        amount (Money): An exact amount of money.
        left (Money): An exact amount of money.
    """

    amount: Money
    left: Money

    def to_dict(self) -> dict[str, Any]:
        from ..models.money import Money  # noqa: PLC0415

        amount = self.amount.to_dict()

        left = self.left.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "amount": amount,
                "left": left,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.money import Money  # noqa: PLC0415

        d = dict(src_dict)
        amount = Money.from_dict(d.pop("amount"))

        left = Money.from_dict(d.pop("left"))

        budget = cls(
            amount=amount,
            left=left,
        )

        return budget
