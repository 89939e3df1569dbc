from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast


T = TypeVar("T", bound="RecordError")


@_attrs_define
class RecordError:
    """Error of a failed record or an abandoned stack.

    Attributes:
        type_ (None | str): Class of the error; null if unknown.
        message (str): What is wrong, and what to do.
    """

    type_: None | str
    message: str

    def to_dict(self) -> dict[str, Any]:
        type_: None | str
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
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_type_(data: object) -> None | str:
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
