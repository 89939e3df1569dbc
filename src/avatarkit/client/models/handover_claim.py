from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.handover_role import HandoverRole
from ..models.recording_type import RecordingType
from typing import cast
import datetime


T = TypeVar("T", bound="HandoverClaim")


@_attrs_define
class HandoverClaim:
    """A hand-over for the device that opened its link: what it shall record, and its token.

    Attributes:
        clone_id (str): Avatar profile.
        role (HandoverRole):
        name (str): Name of the upload; add the ending of the file.
        media (RecordingType):
        text (str): Text to read aloud; empty if there is none.
        language (str): Language of that page.
        stack (None | str): Providers, joined by +.
        expires_at (datetime.datetime): RFC 3339, in UTC.
        token (str): Bearer token for this upload (tus), and for nothing else.
    """

    clone_id: str
    role: HandoverRole
    name: str
    media: RecordingType
    text: str
    language: str
    stack: None | str
    expires_at: datetime.datetime
    token: str

    def to_dict(self) -> dict[str, Any]:
        clone_id = self.clone_id

        role = self.role.value

        name = self.name

        media = self.media.value

        text = self.text

        language = self.language

        stack: None | str
        stack = self.stack

        expires_at = self.expires_at.isoformat()

        token = self.token

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "clone_id": clone_id,
                "role": role,
                "name": name,
                "media": media,
                "text": text,
                "language": language,
                "stack": stack,
                "expires_at": expires_at,
                "token": token,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        clone_id = d.pop("clone_id")

        role = HandoverRole(d.pop("role"))

        name = d.pop("name")

        media = RecordingType(d.pop("media"))

        text = d.pop("text")

        language = d.pop("language")

        def _parse_stack(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        stack = _parse_stack(d.pop("stack"))

        expires_at = datetime.datetime.fromisoformat(d.pop("expires_at"))

        token = d.pop("token")

        handover_claim = cls(
            clone_id=clone_id,
            role=role,
            name=name,
            media=media,
            text=text,
            language=language,
            stack=stack,
            expires_at=expires_at,
            token=token,
        )

        return handover_claim
