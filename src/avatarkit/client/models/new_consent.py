from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast
import datetime


T = TypeVar("T", bound="NewConsent")


@_attrs_define
class NewConsent:
    """Store a consent for later trainings.

    Attributes:
        subject (None | str | Unset): The person's name.
        wording (str | Unset): Text that was agreed to; by default the one that the dashboard shows.
        wording_version (str | Unset): Its version; by default the dashboard's.
        evidence (None | str | Unset): Name of the uploaded evidence file.
        purposes (list[str] | None | Unset): All that it covers; else anything.
        given_at (datetime.datetime | None | Unset): Time of the agreement, never in the future; by default now.
        not_a_real_person (None | str | Unset): Reason why no consent is needed: no real person is shown.
        clone_id (None | str | Unset): Profile that the evidence was uploaded to.
    """

    subject: None | str | Unset = UNSET
    wording: str | Unset = UNSET
    wording_version: str | Unset = UNSET
    evidence: None | str | Unset = UNSET
    purposes: list[str] | None | Unset = UNSET
    given_at: datetime.datetime | None | Unset = UNSET
    not_a_real_person: None | str | Unset = UNSET
    clone_id: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        subject: None | str | Unset
        if isinstance(self.subject, Unset):
            subject = UNSET
        else:
            subject = self.subject

        wording = self.wording

        wording_version = self.wording_version

        evidence: None | str | Unset
        if isinstance(self.evidence, Unset):
            evidence = UNSET
        else:
            evidence = self.evidence

        purposes: list[str] | None | Unset
        if isinstance(self.purposes, Unset):
            purposes = UNSET
        elif isinstance(self.purposes, list):
            purposes = self.purposes

        else:
            purposes = self.purposes

        given_at: None | str | Unset
        if isinstance(self.given_at, Unset):
            given_at = UNSET
        elif isinstance(self.given_at, datetime.datetime):
            given_at = self.given_at.isoformat()
        else:
            given_at = self.given_at

        not_a_real_person: None | str | Unset
        if isinstance(self.not_a_real_person, Unset):
            not_a_real_person = UNSET
        else:
            not_a_real_person = self.not_a_real_person

        clone_id: None | str | Unset
        if isinstance(self.clone_id, Unset):
            clone_id = UNSET
        else:
            clone_id = self.clone_id

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if subject is not UNSET:
            field_dict["subject"] = subject
        if wording is not UNSET:
            field_dict["wording"] = wording
        if wording_version is not UNSET:
            field_dict["wording_version"] = wording_version
        if evidence is not UNSET:
            field_dict["evidence"] = evidence
        if purposes is not UNSET:
            field_dict["purposes"] = purposes
        if given_at is not UNSET:
            field_dict["given_at"] = given_at
        if not_a_real_person is not UNSET:
            field_dict["not_a_real_person"] = not_a_real_person
        if clone_id is not UNSET:
            field_dict["clone_id"] = clone_id

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_subject(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        subject = _parse_subject(d.pop("subject", UNSET))

        wording = d.pop("wording", UNSET)

        wording_version = d.pop("wording_version", UNSET)

        def _parse_evidence(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        evidence = _parse_evidence(d.pop("evidence", UNSET))

        def _parse_purposes(data: object) -> list[str] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                purposes_type_0 = cast(list[str], data)

                return purposes_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[str] | None | Unset, data)

        purposes = _parse_purposes(d.pop("purposes", UNSET))

        def _parse_given_at(data: object) -> datetime.datetime | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                given_at_type_0 = datetime.datetime.fromisoformat(data)

                return given_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(datetime.datetime | None | Unset, data)

        given_at = _parse_given_at(d.pop("given_at", UNSET))

        def _parse_not_a_real_person(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        not_a_real_person = _parse_not_a_real_person(d.pop("not_a_real_person", UNSET))

        def _parse_clone_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        clone_id = _parse_clone_id(d.pop("clone_id", UNSET))

        new_consent = cls(
            subject=subject,
            wording=wording,
            wording_version=wording_version,
            evidence=evidence,
            purposes=purposes,
            given_at=given_at,
            not_a_real_person=not_a_real_person,
            clone_id=clone_id,
        )

        return new_consent
