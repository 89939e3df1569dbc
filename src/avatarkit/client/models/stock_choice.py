from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset


T = TypeVar("T", bound="StockChoice")


@_attrs_define
class StockChoice:
    """A stock avatar or voice of a vendor's catalogue.

    Attributes:
        provider (str): Name of the provider.
        id (str): ID.
    """

    provider: str
    id: str

    def to_dict(self) -> dict[str, Any]:
        provider = self.provider

        id = self.id

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "provider": provider,
                "id": id,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        provider = d.pop("provider")

        id = d.pop("id")

        stock_choice = cls(
            provider=provider,
            id=id,
        )

        return stock_choice
