from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.erasure_status import ErasureStatus
from typing import cast
import datetime

if TYPE_CHECKING:
    from ..models.deleted_count import DeletedCount
    from ..models.remaining_count import RemainingCount


T = TypeVar("T", bound="Erasure")


@_attrs_define
class Erasure:
    """Erasure of a user's data, as far as it is.

    Attributes:
        id (str): ID.
        status (ErasureStatus):
        requested_at (datetime.datetime): RFC 3339, in UTC.
        checked_at (datetime.datetime): RFC 3339, in UTC.
        deleted (list[DeletedCount]): What was deleted.
        remaining (list[RemainingCount]): What exists and is not deleted.
        forgotten_at (datetime.datetime | None): Earliest time at which the last row drops the user's ID; null if
            unknown.
        digest (str): SHA-256 of the receipt, which says the same.
    """

    id: str
    status: ErasureStatus
    requested_at: datetime.datetime
    checked_at: datetime.datetime
    deleted: list[DeletedCount]
    remaining: list[RemainingCount]
    forgotten_at: datetime.datetime | None
    digest: str

    def to_dict(self) -> dict[str, Any]:
        from ..models.deleted_count import DeletedCount  # noqa: PLC0415
        from ..models.remaining_count import RemainingCount  # noqa: PLC0415

        id = self.id

        status = self.status.value

        requested_at = self.requested_at.isoformat()

        checked_at = self.checked_at.isoformat()

        deleted = []
        for deleted_item_data in self.deleted:
            deleted_item = deleted_item_data.to_dict()
            deleted.append(deleted_item)

        remaining = []
        for remaining_item_data in self.remaining:
            remaining_item = remaining_item_data.to_dict()
            remaining.append(remaining_item)

        forgotten_at: None | str
        if isinstance(self.forgotten_at, datetime.datetime):
            forgotten_at = self.forgotten_at.isoformat()
        else:
            forgotten_at = self.forgotten_at

        digest = self.digest

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "id": id,
                "status": status,
                "requested_at": requested_at,
                "checked_at": checked_at,
                "deleted": deleted,
                "remaining": remaining,
                "forgotten_at": forgotten_at,
                "digest": digest,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.deleted_count import DeletedCount  # noqa: PLC0415
        from ..models.remaining_count import RemainingCount  # noqa: PLC0415

        d = dict(src_dict)
        id = d.pop("id")

        status = ErasureStatus(d.pop("status"))

        requested_at = datetime.datetime.fromisoformat(d.pop("requested_at"))

        checked_at = datetime.datetime.fromisoformat(d.pop("checked_at"))

        deleted = []
        _deleted = d.pop("deleted")
        for deleted_item_data in _deleted:
            deleted_item = DeletedCount.from_dict(deleted_item_data)

            deleted.append(deleted_item)

        remaining = []
        _remaining = d.pop("remaining")
        for remaining_item_data in _remaining:
            remaining_item = RemainingCount.from_dict(remaining_item_data)

            remaining.append(remaining_item)

        def _parse_forgotten_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                forgotten_at_type_0 = datetime.datetime.fromisoformat(data)

                return forgotten_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None, data)

        forgotten_at = _parse_forgotten_at(d.pop("forgotten_at"))

        digest = d.pop("digest")

        erasure = cls(
            id=id,
            status=status,
            requested_at=requested_at,
            checked_at=checked_at,
            deleted=deleted,
            remaining=remaining,
            forgotten_at=forgotten_at,
            digest=digest,
        )

        return erasure
