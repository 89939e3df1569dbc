from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.error_code import ErrorCode
from ..models.error_type import ErrorType


T = TypeVar("T", bound="ErrorExplanation")


@_attrs_define
class ErrorExplanation:
    """Explanation of an error code.

    Attributes:
        code (ErrorCode): Cause of an error, in a word that stays.
        type_ (ErrorType):
        status (int): HTTP status of errors with this code.
        meaning (str): What the code means.
        advice (str): Next step of the client.
    """

    code: ErrorCode
    type_: ErrorType
    status: int
    meaning: str
    advice: str

    def to_dict(self) -> dict[str, Any]:
        code = self.code.value

        type_ = self.type_.value

        status = self.status

        meaning = self.meaning

        advice = self.advice

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "code": code,
                "type": type_,
                "status": status,
                "meaning": meaning,
                "advice": advice,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        code = ErrorCode(d.pop("code"))

        type_ = ErrorType(d.pop("type"))

        status = d.pop("status")

        meaning = d.pop("meaning")

        advice = d.pop("advice")

        error_explanation = cls(
            code=code,
            type_=type_,
            status=status,
            meaning=meaning,
            advice=advice,
        )

        return error_explanation
