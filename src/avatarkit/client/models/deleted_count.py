from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset


T = TypeVar("T", bound="DeletedCount")


@_attrs_define
class DeletedCount:
    """Number of deleted things of one kind.

    Attributes:
        where (str): The repository, the media store, or a provider's name.
        what (str): Kind of things, such as samples.
        count (int): Number of things.
    """

    where: str
    what: str
    count: int

    def to_dict(self) -> dict[str, Any]:
        where = self.where

        what = self.what

        count = self.count

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "where": where,
                "what": what,
                "count": count,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        where = d.pop("where")

        what = d.pop("what")

        count = d.pop("count")

        deleted_count = cls(
            where=where,
            what=what,
            count=count,
        )

        return deleted_count
