from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.holding_kind import HoldingKind
from typing import cast


T = TypeVar("T", bound="Holding")


@_attrs_define
class Holding:
    """One thing that exists by a consent.

    Attributes:
        kind (HoldingKind):
        where (str): The repository, the media store, or a provider's name.
        id (str): ID of the record or the vendor's object, or the file's key.
        record_id (None | str): ID of the record that it belongs to.
    """

    kind: HoldingKind
    where: str
    id: str
    record_id: None | str

    def to_dict(self) -> dict[str, Any]:
        kind = self.kind.value

        where = self.where

        id = self.id

        record_id: None | str
        record_id = self.record_id

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "kind": kind,
                "where": where,
                "id": id,
                "record_id": record_id,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        kind = HoldingKind(d.pop("kind"))

        where = d.pop("where")

        id = d.pop("id")

        def _parse_record_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        record_id = _parse_record_id(d.pop("record_id"))

        holding = cls(
            kind=kind,
            where=where,
            id=id,
            record_id=record_id,
        )

        return holding
