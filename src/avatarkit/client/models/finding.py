from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.finding_severity import FindingSeverity


T = TypeVar("T", bound="Finding")


@_attrs_define
class Finding:
    """One problem that preflight found.

    Attributes:
        severity (FindingSeverity):
        code (str): What is wrong, in a word that stays.
        subject (str): The person, or the sample that a finding is about.
        message (str): What is wrong, and what to do.
        rule (str): Provider whose rule it is, or avatarkit. Default: 'avatarkit'.
        since (str): Date on which the rule was read. Default: ''.
        source (str): Address of the source. Default: ''.
    """

    severity: FindingSeverity
    code: str
    subject: str
    message: str
    rule: str = "avatarkit"
    since: str = ""
    source: str = ""

    def to_dict(self) -> dict[str, Any]:
        severity = self.severity.value

        code = self.code

        subject = self.subject

        message = self.message

        rule = self.rule

        since = self.since

        source = self.source

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "severity": severity,
                "code": code,
                "subject": subject,
                "message": message,
                "rule": rule,
                "since": since,
                "source": source,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        severity = FindingSeverity(d.pop("severity"))

        code = d.pop("code")

        subject = d.pop("subject")

        message = d.pop("message")

        rule = d.pop("rule")

        since = d.pop("since")

        source = d.pop("source")

        finding = cls(
            severity=severity,
            code=code,
            subject=subject,
            message=message,
            rule=rule,
            since=since,
            source=source,
        )

        return finding
