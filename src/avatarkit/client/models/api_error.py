from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.error_code import ErrorCode
from ..models.error_type import ErrorType
from typing import cast


T = TypeVar("T", bound="ApiError")


@_attrs_define
class ApiError:
    """A category and a code that stay, and a message for people that says what to do.

    Attributes:
        type_ (ErrorType):
        code (ErrorCode): Cause of an error, in a word that stays.
        message (str): What is wrong, and what to do.
        param (None | str): Field of the body, header, or parameter that caused the error; or null.
        request_id (str): X-Request-Id of this answer: the server's log has it.
        docs (str): Path of an explanation of the code.
    """

    type_: ErrorType
    code: ErrorCode
    message: str
    param: None | str
    request_id: str
    docs: str

    def to_dict(self) -> dict[str, Any]:
        type_ = self.type_.value

        code = self.code.value

        message = self.message

        param: None | str
        param = self.param

        request_id = self.request_id

        docs = self.docs

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "type": type_,
                "code": code,
                "message": message,
                "param": param,
                "request_id": request_id,
                "docs": docs,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        type_ = ErrorType(d.pop("type"))

        code = ErrorCode(d.pop("code"))

        message = d.pop("message")

        def _parse_param(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        param = _parse_param(d.pop("param"))

        request_id = d.pop("request_id")

        docs = d.pop("docs")

        api_error = cls(
            type_=type_,
            code=code,
            message=message,
            param=param,
            request_id=request_id,
            docs=docs,
        )

        return api_error
