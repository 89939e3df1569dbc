from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset


T = TypeVar("T", bound="Evidence")


@_attrs_define
class Evidence:
    """A stored recording or document that proves a consent.

    Attributes:
        size (int): Bytes.
        media_type (str): Media type (MIME).
    """

    size: int
    media_type: str

    def to_dict(self) -> dict[str, Any]:
        size = self.size

        media_type = self.media_type

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "size": size,
                "media_type": media_type,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        size = d.pop("size")

        media_type = d.pop("media_type")

        evidence = cls(
            size=size,
            media_type=media_type,
        )

        return evidence
