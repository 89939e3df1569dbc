from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast
from typing import Literal, cast

if TYPE_CHECKING:
    from ..models.video import Video


T = TypeVar("T", bound="VideoEvent")


@_attrs_define
class VideoEvent:
    """A server-sent event: a video has changed.

    Attributes:
        event (Literal['change']): Name of the event.
        id (str): The record's version: send it as Last-Event-ID.
        data (Video): A generated or dubbed video.
    """

    event: Literal["change"]
    id: str
    data: Video

    def to_dict(self) -> dict[str, Any]:
        from ..models.video import Video  # noqa: PLC0415

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
        from ..models.video import Video  # noqa: PLC0415

        d = dict(src_dict)
        event = cast(Literal["change"], d.pop("event"))
        if event != "change":
            raise ValueError(f"event must match const 'change', got '{event}'")

        id = d.pop("id")

        data = Video.from_dict(d.pop("data"))

        video_event = cls(
            event=event,
            id=id,
            data=data,
        )

        return video_event
