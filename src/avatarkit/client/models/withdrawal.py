from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

if TYPE_CHECKING:
    from ..models.consent import Consent
    from ..models.holding import Holding


T = TypeVar("T", bound="Withdrawal")


@_attrs_define
class Withdrawal:
    """A consent that was withdrawn, and what exists by it until it is deleted.

    Attributes:
        consent (Consent): A consent, without its wording.
        remaining (list[Holding]): What exists and is not deleted.
    """

    consent: Consent
    remaining: list[Holding]

    def to_dict(self) -> dict[str, Any]:
        from ..models.consent import Consent  # noqa: PLC0415
        from ..models.holding import Holding  # noqa: PLC0415

        consent = self.consent.to_dict()

        remaining = []
        for remaining_item_data in self.remaining:
            remaining_item = remaining_item_data.to_dict()
            remaining.append(remaining_item)

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "consent": consent,
                "remaining": remaining,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.consent import Consent  # noqa: PLC0415
        from ..models.holding import Holding  # noqa: PLC0415

        d = dict(src_dict)
        consent = Consent.from_dict(d.pop("consent"))

        remaining = []
        _remaining = d.pop("remaining")
        for remaining_item_data in _remaining:
            remaining_item = Holding.from_dict(remaining_item_data)

            remaining.append(remaining_item)

        withdrawal = cls(
            consent=consent,
            remaining=remaining,
        )

        return withdrawal
