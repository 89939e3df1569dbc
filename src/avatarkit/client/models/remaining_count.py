from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset


T = TypeVar("T", bound="RemainingCount")


@_attrs_define
class RemainingCount:
    """Things that are not deleted yet, and why.

    Attributes:
        where (str): The repository, the media store, or a provider's name.
        what (str): Kind of things, such as samples.
        count (int): Number of things.
        why (str): Why it remains.
        pending (bool): False: a person must remove it at the provider.
    """

    where: str
    what: str
    count: int
    why: str
    pending: bool

    def to_dict(self) -> dict[str, Any]:
        where = self.where

        what = self.what

        count = self.count

        why = self.why

        pending = self.pending

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "where": where,
                "what": what,
                "count": count,
                "why": why,
                "pending": pending,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        where = d.pop("where")

        what = d.pop("what")

        count = d.pop("count")

        why = d.pop("why")

        pending = d.pop("pending")

        remaining_count = cls(
            where=where,
            what=what,
            count=count,
            why=why,
            pending=pending,
        )

        return remaining_count
