from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define

if TYPE_CHECKING:
    from ..models.catalogue_entry import CatalogueEntry


T = TypeVar("T", bound="CatalogueList")


@_attrs_define
class CatalogueList:
    """A page of a vendor's catalogue.

    Attributes:
        data (list[CatalogueEntry]): Entries of this page.
        has_more (bool): True if there is another page.
        cursor (None | str): Value for the next page; null on the last page.
        age (float): Seconds since the oldest entry was read at the vendor.

    """

    data: list[CatalogueEntry]
    has_more: bool
    cursor: str | None
    age: float

    def to_dict(self) -> dict[str, Any]:
        data = []
        for data_item_data in self.data:
            data_item = data_item_data.to_dict()
            data.append(data_item)

        has_more = self.has_more

        cursor: str | None
        cursor = self.cursor

        age = self.age

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "data": data,
                "has_more": has_more,
                "cursor": cursor,
                "age": age,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.catalogue_entry import CatalogueEntry

        d = dict(src_dict)
        data = []
        _data = d.pop("data")
        for data_item_data in _data:
            data_item = CatalogueEntry.from_dict(data_item_data)

            data.append(data_item)

        has_more = d.pop("has_more")

        def _parse_cursor(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        cursor = _parse_cursor(d.pop("cursor"))

        age = d.pop("age")

        catalogue_list = cls(
            data=data,
            has_more=has_more,
            cursor=cursor,
            age=age,
        )

        return catalogue_list
