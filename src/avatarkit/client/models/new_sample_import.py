from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.sample_role import SampleRole


T = TypeVar("T", bound="NewSampleImport")


@_attrs_define
class NewSampleImport:
    """A sample to fetch from a public https address.

    Attributes:
        role (SampleRole): Purpose of a person's recording.
        url (str): Public https address of the file.
    """

    role: SampleRole
    url: str

    def to_dict(self) -> dict[str, Any]:
        role = self.role.value

        url = self.url

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "role": role,
                "url": url,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        role = SampleRole(d.pop("role"))

        url = d.pop("url")

        new_sample_import = cls(
            role=role,
            url=url,
        )

        return new_sample_import
