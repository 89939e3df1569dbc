from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast


T = TypeVar("T", bound="Cost")


@_attrs_define
class Cost:
    """Amount that a provider counted for an operation.

    Attributes:
        amount (float | None): Null if the provider's text holds no number.
        unit (str): What is counted, in the provider's words, such as credits.
    """

    amount: float | None
    unit: str

    def to_dict(self) -> dict[str, Any]:
        amount: float | None
        amount = self.amount

        unit = self.unit

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "amount": amount,
                "unit": unit,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_amount(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        amount = _parse_amount(d.pop("amount"))

        unit = d.pop("unit")

        cost = cls(
            amount=amount,
            unit=unit,
        )

        return cost
