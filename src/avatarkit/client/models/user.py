from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset


T = TypeVar("T", bound="User")


@_attrs_define
class User:
    """The user who is signed in.

    Attributes:
        user_id (str): Owner.
        operator (bool): True if the user may see the state of the deployment.
    """

    user_id: str
    operator: bool

    def to_dict(self) -> dict[str, Any]:
        user_id = self.user_id

        operator = self.operator

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "user_id": user_id,
                "operator": operator,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        user_id = d.pop("user_id")

        operator = d.pop("operator")

        user = cls(
            user_id=user_id,
            operator=operator,
        )

        return user
