from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

if TYPE_CHECKING:
    from ..models.operator_delivery import OperatorDelivery


T = TypeVar("T", bound="OperatorDeliveryList")


@_attrs_define
class OperatorDeliveryList:
    """A page of all webhook deliveries, newest first.

    Attributes:
        has_more (bool): True if there is another page.
        cursor (None | str): Value for the next page; null on the last page.
        data (list[OperatorDelivery]): Entries of this page.
    """

    has_more: bool
    cursor: None | str
    data: list[OperatorDelivery]

    def to_dict(self) -> dict[str, Any]:
        from ..models.operator_delivery import OperatorDelivery  # noqa: PLC0415

        has_more = self.has_more

        cursor: None | str
        cursor = self.cursor

        data = []
        for data_item_data in self.data:
            data_item = data_item_data.to_dict()
            data.append(data_item)

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "has_more": has_more,
                "cursor": cursor,
                "data": data,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.operator_delivery import OperatorDelivery  # noqa: PLC0415

        d = dict(src_dict)
        has_more = d.pop("has_more")

        def _parse_cursor(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        cursor = _parse_cursor(d.pop("cursor"))

        data = []
        _data = d.pop("data")
        for data_item_data in _data:
            data_item = OperatorDelivery.from_dict(data_item_data)

            data.append(data_item)

        operator_delivery_list = cls(
            has_more=has_more,
            cursor=cursor,
            data=data,
        )

        return operator_delivery_list
