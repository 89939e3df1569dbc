from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.action_kind import ActionKind
from ..models.operation import Operation
from ..models.recording_type import RecordingType
from typing import cast
import datetime


T = TypeVar("T", bound="Action")


@_attrs_define
class Action:
    """Step that a person must take before the work goes on.

    Attributes:
        kind (ActionKind):
        message (str): Text for the person.
        choices (list[str]): Every accepted answer.
        operation (None | Operation): voice, avatar, speech, video or dub; in a quote also storage or egress.
        scene (int): Number of the operation's scene, from 1; 0: the whole.
        url (None | str): Page to open, if any.
        text (None | str): Text to read aloud, if any.
        expires_at (datetime.datetime | None): Time at which it ends; null if it does not.
        recording (None | RecordingType): Kind of recording to upload and name in the answer, if one is asked for.
    """

    kind: ActionKind
    message: str
    choices: list[str]
    operation: None | Operation
    scene: int
    url: None | str
    text: None | str
    expires_at: datetime.datetime | None
    recording: None | RecordingType

    def to_dict(self) -> dict[str, Any]:
        kind = self.kind.value

        message = self.message

        choices = self.choices

        operation: None | str
        if isinstance(self.operation, Operation):
            operation = self.operation.value
        else:
            operation = self.operation

        scene = self.scene

        url: None | str
        url = self.url

        text: None | str
        text = self.text

        expires_at: None | str
        if isinstance(self.expires_at, datetime.datetime):
            expires_at = self.expires_at.isoformat()
        else:
            expires_at = self.expires_at

        recording: None | str
        if isinstance(self.recording, RecordingType):
            recording = self.recording.value
        else:
            recording = self.recording

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "kind": kind,
                "message": message,
                "choices": choices,
                "operation": operation,
                "scene": scene,
                "url": url,
                "text": text,
                "expires_at": expires_at,
                "recording": recording,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        kind = ActionKind(d.pop("kind"))

        message = d.pop("message")

        choices = cast(list[str], d.pop("choices"))

        def _parse_operation(data: object) -> None | Operation:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                operation_type_0 = Operation(data)

                return operation_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Operation, data)

        operation = _parse_operation(d.pop("operation"))

        scene = d.pop("scene")

        def _parse_url(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        url = _parse_url(d.pop("url"))

        def _parse_text(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        text = _parse_text(d.pop("text"))

        def _parse_expires_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                expires_at_type_0 = datetime.datetime.fromisoformat(data)

                return expires_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        expires_at = _parse_expires_at(d.pop("expires_at"))

        def _parse_recording(data: object) -> None | RecordingType:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                recording_type_0 = RecordingType(data)

                return recording_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | RecordingType, data)

        recording = _parse_recording(d.pop("recording"))

        action = cls(
            kind=kind,
            message=message,
            choices=choices,
            operation=operation,
            scene=scene,
            url=url,
            text=text,
            expires_at=expires_at,
            recording=recording,
        )

        return action
