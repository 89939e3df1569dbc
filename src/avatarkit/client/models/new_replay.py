from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset


T = TypeVar("T", bound="NewReplay")


@_attrs_define
class NewReplay:
    """Apply a stored delivery again.

    Attributes:
        provider (str): Name of the provider.
        event_id (str): ID of the delivery at its provider.
    """

    provider: str
    event_id: str

    def to_dict(self) -> dict[str, Any]:
        provider = self.provider

        event_id = self.event_id

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "provider": provider,
                "event_id": event_id,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        provider = d.pop("provider")

        event_id = d.pop("event_id")

        new_replay = cls(
            provider=provider,
            event_id=event_id,
        )

        return new_replay
