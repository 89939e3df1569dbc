from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast


T = TypeVar("T", bound="ActionAnswer")


@_attrs_define
class ActionAnswer:
    """Answer a required action with one of its choices.

    Attributes:
        choice (str): One of the action's choices.
        job_id (None | str | Unset): The job's ID at the provider.
        recording (None | str | Unset): Name of the uploaded recording.
    """

    choice: str
    job_id: None | str | Unset = UNSET
    recording: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        choice = self.choice

        job_id: None | str | Unset
        if isinstance(self.job_id, Unset):
            job_id = UNSET
        else:
            job_id = self.job_id

        recording: None | str | Unset
        if isinstance(self.recording, Unset):
            recording = UNSET
        else:
            recording = self.recording

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "choice": choice,
            }
        )
        if job_id is not UNSET:
            field_dict["job_id"] = job_id
        if recording is not UNSET:
            field_dict["recording"] = recording

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        choice = d.pop("choice")

        def _parse_job_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        job_id = _parse_job_id(d.pop("job_id", UNSET))

        def _parse_recording(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        recording = _parse_recording(d.pop("recording", UNSET))

        action_answer = cls(
            choice=choice,
            job_id=job_id,
            recording=recording,
        )

        return action_answer
