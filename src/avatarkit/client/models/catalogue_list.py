from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

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
    cursor: None | str
    age: float

    def to_dict(self) -> dict[str, Any]:
        from ..models.catalogue_entry import CatalogueEntry  # noqa: PLC0415

        data = []
        for data_item_data in self.data:
            data_item = data_item_data.to_dict()
            data.append(data_item)

        has_more = self.has_more

        cursor: None | str
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
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.catalogue_entry import CatalogueEntry  # noqa: PLC0415

        d = dict(src_dict)
        data = []
        _data = d.pop("data")
        for data_item_data in _data:
            data_item = CatalogueEntry.from_dict(data_item_data)

            data.append(data_item)

        has_more = d.pop("has_more")

        def _parse_cursor(data: object) -> None | str:
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
