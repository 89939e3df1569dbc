from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.sample_role import SampleRole
from typing import cast
import datetime


T = TypeVar("T", bound="Sample")


@_attrs_define
class Sample:
    """A stored recording.

    Attributes:
        id (str): ID.
        clone_id (str): Avatar profile.
        role (SampleRole): Purpose of a person's recording.
        name (str): Name for people.
        size (int): Bytes.
        media_type (str): Media type (MIME).
        created_at (datetime.datetime): RFC 3339, in UTC.
    """

    id: str
    clone_id: str
    role: SampleRole
    name: str
    size: int
    media_type: str
    created_at: datetime.datetime

    def to_dict(self) -> dict[str, Any]:
        id = self.id

        clone_id = self.clone_id

        role = self.role.value

        name = self.name

        size = self.size

        media_type = self.media_type

        created_at = self.created_at.isoformat()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "id": id,
                "clone_id": clone_id,
                "role": role,
                "name": name,
                "size": size,
                "media_type": media_type,
                "created_at": created_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        id = d.pop("id")

        clone_id = d.pop("clone_id")

        role = SampleRole(d.pop("role"))

        name = d.pop("name")

        size = d.pop("size")

        media_type = d.pop("media_type")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        sample = cls(
            id=id,
            clone_id=clone_id,
            role=role,
            name=name,
            size=size,
            media_type=media_type,
            created_at=created_at,
        )

        return sample
