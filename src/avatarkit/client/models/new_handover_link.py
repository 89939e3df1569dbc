from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.handover_role import HandoverRole
from ..models.handover_status import HandoverStatus
from typing import cast
import datetime

if TYPE_CHECKING:
    from ..models.upload import Upload


T = TypeVar("T", bound="NewHandoverLink")


@_attrs_define
class NewHandoverLink:
    """A new hand-over, with its link.

    Attributes:
        id (str): ID.
        clone_id (str): Avatar profile.
        role (HandoverRole):
        status (HandoverStatus):
        expires_at (datetime.datetime): RFC 3339, in UTC.
        name (None | str): Name of the upload; null until it begins.
        percent (int): Percentage of the file that has arrived.
        upload (None | Upload): The upload once it is completed; else null.
        link (str): One-time link: it can be opened once, until `expires_at`.
        qr (list[str]): The link as a QR code: rows from the top, 1 is dark. Leave four modules free on each side.
    """

    id: str
    clone_id: str
    role: HandoverRole
    status: HandoverStatus
    expires_at: datetime.datetime
    name: None | str
    percent: int
    upload: None | Upload
    link: str
    qr: list[str]

    def to_dict(self) -> dict[str, Any]:
        from ..models.upload import Upload  # noqa: PLC0415

        id = self.id

        clone_id = self.clone_id

        role = self.role.value

        status = self.status.value

        expires_at = self.expires_at.isoformat()

        name: None | str
        name = self.name

        percent = self.percent

        upload: dict[str, Any] | None
        if isinstance(self.upload, Upload):
            upload = self.upload.to_dict()
        else:
            upload = self.upload

        link = self.link

        qr = self.qr

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "id": id,
                "clone_id": clone_id,
                "role": role,
                "status": status,
                "expires_at": expires_at,
                "name": name,
                "percent": percent,
                "upload": upload,
                "link": link,
                "qr": qr,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.upload import Upload  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        clone_id = d.pop("clone_id")

        role = HandoverRole(d.pop("role"))

        status = HandoverStatus(d.pop("status"))

        expires_at = datetime.datetime.fromisoformat(d.pop("expires_at"))

        def _parse_name(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        name = _parse_name(d.pop("name"))

        percent = d.pop("percent")

        def _parse_upload(data: object) -> None | Upload:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                upload_type_0 = Upload.from_dict(data)

                return upload_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Upload, data)

        upload = _parse_upload(d.pop("upload"))

        link = d.pop("link")

        qr = cast(list[str], d.pop("qr"))

        new_handover_link = cls(
            id=id,
            clone_id=clone_id,
            role=role,
            status=status,
            expires_at=expires_at,
            name=name,
            percent=percent,
            upload=upload,
            link=link,
            qr=qr,
        )

        return new_handover_link
