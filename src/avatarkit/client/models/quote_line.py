from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.hosting import Hosting
from ..models.operation import Operation
from ..models.price_unit import PriceUnit
from typing import cast

if TYPE_CHECKING:
    from ..models.money import Money
    from ..models.price import Price


T = TypeVar("T", bound="QuoteLine")


@_attrs_define
class QuoteLine:
    """Cost of one operation at one provider; unknown if there is a problem.

    Attributes:
        operation (Hosting | Operation): voice, avatar, speech, video or dub; in a quote also storage or egress.
        provider (str): Name of the provider.
        quantity (str): An exact number.
        unit (None | PriceUnit): Null: a count.
        charge (Money | None): Charge beyond the subscription.
        problem (None | str): Why it cannot be used or computed; null if it can.
        price (None | Price): Price entry; null if unknown.
    """

    operation: Hosting | Operation
    provider: str
    quantity: str
    unit: None | PriceUnit
    charge: Money | None
    problem: None | str
    price: None | Price

    def to_dict(self) -> dict[str, Any]:
        from ..models.money import Money  # noqa: PLC0415
        from ..models.price import Price  # noqa: PLC0415

        operation: str
        if isinstance(self.operation, Operation):
            operation = self.operation.value
        else:
            operation = self.operation.value

        provider = self.provider

        quantity = self.quantity

        unit: None | str
        if isinstance(self.unit, PriceUnit):
            unit = self.unit.value
        else:
            unit = self.unit

        charge: dict[str, Any] | None
        if isinstance(self.charge, Money):
            charge = self.charge.to_dict()
        else:
            charge = self.charge

        problem: None | str
        problem = self.problem

        price: dict[str, Any] | None
        if isinstance(self.price, Price):
            price = self.price.to_dict()
        else:
            price = self.price

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "operation": operation,
                "provider": provider,
                "quantity": quantity,
                "unit": unit,
                "charge": charge,
                "problem": problem,
                "price": price,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.money import Money  # noqa: PLC0415
        from ..models.price import Price  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_operation(data: object) -> Hosting | Operation:
            try:
                if not isinstance(data, str):
                    raise TypeError()
                operation_type_0 = Operation(data)

                return operation_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, str):
                raise TypeError()
            operation_type_1 = Hosting(data)

            return operation_type_1

        operation = _parse_operation(d.pop("operation"))

        provider = d.pop("provider")

        quantity = d.pop("quantity")

        def _parse_unit(data: object) -> None | PriceUnit:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                unit_type_0 = PriceUnit(data)

                return unit_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | PriceUnit, data)

        unit = _parse_unit(d.pop("unit"))

        def _parse_charge(data: object) -> Money | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                charge_type_0 = Money.from_dict(data)

                return charge_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Money | None, data)

        charge = _parse_charge(d.pop("charge"))

        def _parse_problem(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        problem = _parse_problem(d.pop("problem"))

        def _parse_price(data: object) -> None | Price:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                price_type_0 = Price.from_dict(data)

                return price_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Price, data)

        price = _parse_price(d.pop("price"))

        quote_line = cls(
            operation=operation,
            provider=provider,
            quantity=quantity,
            unit=unit,
            charge=charge,
            problem=problem,
            price=price,
        )

        return quote_line
