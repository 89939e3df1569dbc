from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast
import datetime

if TYPE_CHECKING:
    from ..models.record_error import RecordError


T = TypeVar("T", bound="EarlierStack")


@_attrs_define
class EarlierStack:
    """A stack that accepted no paid call before failover to the next one.

    Attributes:
        stack (str): Providers, joined by +.
        error (RecordError): Error of a failed record or an abandoned stack.
        left_at (datetime.datetime): RFC 3339, in UTC.
    """

    stack: str
    error: RecordError
    left_at: datetime.datetime

    def to_dict(self) -> dict[str, Any]:
        from ..models.record_error import RecordError  # noqa: PLC0415

        stack = self.stack

        error = self.error.to_dict()

        left_at = self.left_at.isoformat()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "stack": stack,
                "error": error,
                "left_at": left_at,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.record_error import RecordError  # noqa: PLC0415

        d = dict(src_dict)
        stack = d.pop("stack")

        error = RecordError.from_dict(d.pop("error"))

        left_at = datetime.datetime.fromisoformat(d.pop("left_at"))

        earlier_stack = cls(
            stack=stack,
            error=error,
            left_at=left_at,
        )

        return earlier_stack
