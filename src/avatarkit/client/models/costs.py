from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

if TYPE_CHECKING:
    from ..models.money import Money


T = TypeVar("T", bound="Costs")


@_attrs_define
class Costs:
    """Estimated cost of one month.

    Attributes:
        total (Money | None): Null if a part is unknown.
        known (Money): An exact amount of money.
        plans (Money): An exact amount of money.
        charges (Money): An exact amount of money.
        used (Money): An exact amount of money.
        unknown (list[str]): Parts without a known price.
    """

    total: Money | None
    known: Money
    plans: Money
    charges: Money
    used: Money
    unknown: list[str]

    def to_dict(self) -> dict[str, Any]:
        from ..models.money import Money  # noqa: PLC0415

        total: dict[str, Any] | None
        if isinstance(self.total, Money):
            total = self.total.to_dict()
        else:
            total = self.total

        known = self.known.to_dict()

        plans = self.plans.to_dict()

        charges = self.charges.to_dict()

        used = self.used.to_dict()

        unknown = self.unknown

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "total": total,
                "known": known,
                "plans": plans,
                "charges": charges,
                "used": used,
                "unknown": unknown,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.money import Money  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_total(data: object) -> Money | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                total_type_0 = Money.from_dict(data)

                return total_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(Money | None, data)

        total = _parse_total(d.pop("total"))

        known = Money.from_dict(d.pop("known"))

        plans = Money.from_dict(d.pop("plans"))

        charges = Money.from_dict(d.pop("charges"))

        used = Money.from_dict(d.pop("used"))

        unknown = cast(list[str], d.pop("unknown"))

        costs = cls(
            total=total,
            known=known,
            plans=plans,
            charges=charges,
            used=used,
            unknown=unknown,
        )

        return costs
