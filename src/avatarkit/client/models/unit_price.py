from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.price_unit import PriceUnit


T = TypeVar("T", bound="UnitPrice")


@_attrs_define
class UnitPrice:
    """US dollars for one unit; free units have no price.

    Attributes:
        usd (str): US dollars.
        unit (PriceUnit): Billing units of vendors and stores.
    """

    usd: str
    unit: PriceUnit

    def to_dict(self) -> dict[str, Any]:
        usd = self.usd

        unit = self.unit.value

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "usd": usd,
                "unit": unit,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        usd = d.pop("usd")

        unit = PriceUnit(d.pop("unit"))

        unit_price = cls(
            usd=usd,
            unit=unit,
        )

        return unit_price
