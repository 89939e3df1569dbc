from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast
from typing import Literal, cast

if TYPE_CHECKING:
    from ..models.training import Training


T = TypeVar("T", bound="TrainingEvent")


@_attrs_define
class TrainingEvent:
    """A server-sent event: a training has changed.

    Attributes:
        event (Literal['change']): Name of the event.
        id (str): The record's version: send it as Last-Event-ID.
        data (Training): A training job, whose result is a voice and an avatar of one clone.
    """

    event: Literal["change"]
    id: str
    data: Training

    def to_dict(self) -> dict[str, Any]:
        from ..models.training import Training  # noqa: PLC0415

        event = self.event

        id = self.id

        data = self.data.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "event": event,
                "id": id,
                "data": data,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.training import Training  # noqa: PLC0415

        d = dict(src_dict)
        event = cast(Literal["change"], d.pop("event"))
        if event != "change":
            raise ValueError(f"event must match const 'change', got '{event}'")

        id = d.pop("id")

        data = Training.from_dict(d.pop("data"))

        training_event = cls(
            event=event,
            id=id,
            data=data,
        )

        return training_event
