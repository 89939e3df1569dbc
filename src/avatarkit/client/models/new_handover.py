from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.handover_role import HandoverRole
from ..models.recording_type import RecordingType
from ..types import UNSET, Unset
from typing import cast


T = TypeVar("T", bound="NewHandover")


@_attrs_define
class NewHandover:
    """Let another device record and upload one file.

    Attributes:
        role (HandoverRole):
        media (RecordingType):
        page (str): Address of the page that the other device opens: this server's `phone`, or a page of your own with
            `<avatar-phone>`.
        text (str | Unset): Text to read aloud.
        language (str | Unset): Language of that page.
        stack (None | str | Unset): Providers, joined by +.
    """

    role: HandoverRole
    media: RecordingType
    page: str
    text: str | Unset = UNSET
    language: str | Unset = UNSET
    stack: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        role = self.role.value

        media = self.media.value

        page = self.page

        text = self.text

        language = self.language

        stack: None | str | Unset
        if isinstance(self.stack, Unset):
            stack = UNSET
        else:
            stack = self.stack

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "role": role,
                "media": media,
                "page": page,
            }
        )
        if text is not UNSET:
            field_dict["text"] = text
        if language is not UNSET:
            field_dict["language"] = language
        if stack is not UNSET:
            field_dict["stack"] = stack

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        role = HandoverRole(d.pop("role"))

        media = RecordingType(d.pop("media"))

        page = d.pop("page")

        text = d.pop("text", UNSET)

        language = d.pop("language", UNSET)

        def _parse_stack(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        stack = _parse_stack(d.pop("stack", UNSET))

        new_handover = cls(
            role=role,
            media=media,
            page=page,
            text=text,
            language=language,
            stack=stack,
        )

        return new_handover
