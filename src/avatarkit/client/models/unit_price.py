from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar

from attrs import define as _attrs_define

from ..models.price_unit import PriceUnit

T = TypeVar("T", bound="UnitPrice")


@_attrs_define
class UnitPrice:
    """US dollars for one unit; free units have no price.

    Attributes:
        usd (str): US dollars.
        unit (PriceUnit): Billing units of vendors.

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
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        usd = d.pop("usd")

        unit = PriceUnit(d.pop("unit"))

        unit_price = cls(
            usd=usd,
            unit=unit,
        )

        return unit_price
