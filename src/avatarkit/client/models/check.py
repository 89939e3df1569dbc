from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.check_verdict import CheckVerdict


T = TypeVar("T", bound="Check")


@_attrs_define
class Check:
    """One check of the deployment.

    Attributes:
        subject (str): What was checked, such as database.
        verdict (CheckVerdict):
        detail (str): What is wrong, and what to do; empty if there is nothing.
    """

    subject: str
    verdict: CheckVerdict
    detail: str

    def to_dict(self) -> dict[str, Any]:
        subject = self.subject

        verdict = self.verdict.value

        detail = self.detail

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "subject": subject,
                "verdict": verdict,
                "detail": detail,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        subject = d.pop("subject")

        verdict = CheckVerdict(d.pop("verdict"))

        detail = d.pop("detail")

        check = cls(
            subject=subject,
            verdict=verdict,
            detail=detail,
        )

        return check
