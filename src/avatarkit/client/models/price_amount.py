from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.price_unit import PriceUnit


T = TypeVar("T", bound="PriceAmount")


@_attrs_define
class PriceAmount:
    """A quantity of a unit.

    Attributes:
        amount (str): An exact number.
        unit (PriceUnit): Billing units of vendors and stores.
    """

    amount: str
    unit: PriceUnit

    def to_dict(self) -> dict[str, Any]:
        amount = self.amount

        unit = self.unit.value

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
        amount = d.pop("amount")

        unit = PriceUnit(d.pop("unit"))

        price_amount = cls(
            amount=amount,
            unit=unit,
        )

        return price_amount
