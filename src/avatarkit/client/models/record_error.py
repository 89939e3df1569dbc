from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define

T = TypeVar("T", bound="RecordError")


@_attrs_define
class RecordError:
    """Error of a failed record or an abandoned stack.

    Attributes:
        type_ (None | str): Class of the error; null if unknown.
        message (str): What is wrong, and what to do.

    """

    type_: str | None
    message: str

    def to_dict(self) -> dict[str, Any]:
        type_: str | None
        type_ = self.type_

        message = self.message

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "type": type_,
                "message": message,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)

        def _parse_type_(data: object) -> str | None:
            if data is None:
                return data
            return cast(None | str, data)

        type_ = _parse_type_(d.pop("type"))

        message = d.pop("message")

        record_error = cls(
            type_=type_,
            message=message,
        )

        return record_error
