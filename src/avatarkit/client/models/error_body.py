from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast

if TYPE_CHECKING:
    from ..models.api_error import ApiError
    from ..models.finding import Finding


T = TypeVar("T", bound="ErrorBody")


@_attrs_define
class ErrorBody:
    """Body of every error.

    Attributes:
        error (ApiError): A category and a code that stay, and a message for people that says what to do.
        findings (list[Finding]): Why a sample was rejected; else empty.
    """

    error: ApiError
    findings: list[Finding]

    def to_dict(self) -> dict[str, Any]:
        from ..models.api_error import ApiError  # noqa: PLC0415
        from ..models.finding import Finding  # noqa: PLC0415

        error = self.error.to_dict()

        findings = []
        for findings_item_data in self.findings:
            findings_item = findings_item_data.to_dict()
            findings.append(findings_item)

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "error": error,
                "findings": findings,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.api_error import ApiError  # noqa: PLC0415
        from ..models.finding import Finding  # noqa: PLC0415

        d = dict(src_dict)
        error = ApiError.from_dict(d.pop("error"))

        findings = []
        _findings = d.pop("findings")
        for findings_item_data in _findings:
            findings_item = Finding.from_dict(findings_item_data)

            findings.append(findings_item)

        error_body = cls(
            error=error,
            findings=findings,
        )

        return error_body
