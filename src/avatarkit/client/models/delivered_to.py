from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.status import Status
from typing import cast


T = TypeVar("T", bound="DeliveredTo")


@_attrs_define
class DeliveredTo:
    """Training or video that a delivery is about.

    Attributes:
        id (str): ID.
        training_id (None | str): Training of its avatar, or itself.
        name (str): Name for people.
        status (Status): Status of a record, as users see it.
        own (bool): True if it belongs to the user who asks.
    """

    id: str
    training_id: None | str
    name: str
    status: Status
    own: bool

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        training_id: None | str
        training_id = self.training_id

        name = self.name

        status = self.status.value

        own = self.own

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "id": id,
                "training_id": training_id,
                "name": name,
                "status": status,
                "own": own,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = d.pop("id")

        def _parse_training_id(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        training_id = _parse_training_id(d.pop("training_id"))

        name = d.pop("name")

        status = Status(d.pop("status"))

        own = d.pop("own")

        delivered_to = cls(
            id=id,
            training_id=training_id,
            name=name,
            status=status,
            own=own,
        )

        return delivered_to
