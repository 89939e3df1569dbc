from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset


T = TypeVar("T", bound="NewErasure")


@_attrs_define
class NewErasure:
    """Erase all data of the user.

    Attributes:
        confirm (bool): Must be true: an erasure cannot be undone.
        removed_by_hand (bool | Unset): True after a person has removed what remains at the providers.
    """

    confirm: bool
    removed_by_hand: bool | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        confirm = self.confirm

        removed_by_hand = self.removed_by_hand

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "confirm": confirm,
            }
        )
        if removed_by_hand is not UNSET:
            field_dict["removed_by_hand"] = removed_by_hand

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        confirm = d.pop("confirm")

        removed_by_hand = d.pop("removed_by_hand", UNSET)

        new_erasure = cls(
            confirm=confirm,
            removed_by_hand=removed_by_hand,
        )

        return new_erasure
