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
    from ..models.video import Video


T = TypeVar("T", bound="RecordEvent")


@_attrs_define
class RecordEvent:
    """A server-sent event: a training or a video has changed.

    Attributes:
        event (Literal['change']): Name of the event.
        id (str): The record's version: send it as Last-Event-ID.
        data (Training | Video): As JSON text; see its kind.
    """

    event: Literal["change"]
    id: str
    data: Training | Video

    def to_dict(self) -> dict[str, Any]:
        from ..models.training import Training  # noqa: PLC0415
        from ..models.video import Video  # noqa: PLC0415

        event = self.event

        id = self.id

        data: dict[str, Any]
        if isinstance(self.data, Training):
            data = self.data.to_dict()
        else:
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
        from ..models.video import Video  # noqa: PLC0415

        d = dict(src_dict)
        event = cast(Literal["change"], d.pop("event"))
        if event != "change":
            raise ValueError(f"event must match const 'change', got '{event}'")

        id = d.pop("id")

        def _parse_data(data: object) -> Training | Video:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                data_type_0 = Training.from_dict(data)

                return data_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            data_type_1 = Video.from_dict(data)

            return data_type_1

        data = _parse_data(d.pop("data"))

        record_event = cls(
            event=event,
            id=id,
            data=data,
        )

        return record_event
