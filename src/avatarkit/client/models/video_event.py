from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar, cast

from attrs import define as _attrs_define

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
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.video import Video

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
