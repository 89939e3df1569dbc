from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast
import datetime


T = TypeVar("T", bound="Clone")


@_attrs_define
class Clone:
    """An avatar profile: a person's samples, trainings and videos.

    Attributes:
        clone_id (str): Avatar profile.
        samples (int): Number of stored samples.
        trainings (int): Number of trainings that are not deleted.
        created_at (datetime.datetime): Time of the oldest sample or training.
        updated_at (datetime.datetime): Time of the newest sample or change of a training.
    """

    clone_id: str
    samples: int
    trainings: int
    created_at: datetime.datetime
    updated_at: datetime.datetime

    def to_dict(self) -> dict[str, Any]:
        clone_id = self.clone_id

        samples = self.samples

        trainings = self.trainings

        created_at = self.created_at.isoformat()

        updated_at = self.updated_at.isoformat()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "clone_id": clone_id,
                "samples": samples,
                "trainings": trainings,
                "created_at": created_at,
                "updated_at": updated_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        clone_id = d.pop("clone_id")

        samples = d.pop("samples")

        trainings = d.pop("trainings")

        created_at = datetime.datetime.fromisoformat(d.pop("created_at"))

        updated_at = datetime.datetime.fromisoformat(d.pop("updated_at"))

        clone = cls(
            clone_id=clone_id,
            samples=samples,
            trainings=trainings,
            created_at=created_at,
            updated_at=updated_at,
        )

        return clone
