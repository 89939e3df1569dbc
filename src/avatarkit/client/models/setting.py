from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast


T = TypeVar("T", bound="Setting")


@_attrs_define
class Setting:
    """A common video setting that a stack carries out.

    Attributes:
        setting (str): Name in `settings`; those of the voice begin with `voice.`.
        takes (list[str]): The values, or the kinds of a background; empty: all within the bounds.
        minimum (float | None): Least number; null if it has no bound.
        maximum (float | None): Greatest number; null if it has no bound.
    """

    setting: str
    takes: list[str]
    minimum: float | None
    maximum: float | None

    def to_dict(self) -> dict[str, Any]:
        setting = self.setting

        takes = self.takes

        minimum: float | None
        minimum = self.minimum

        maximum: float | None
        maximum = self.maximum

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "setting": setting,
                "takes": takes,
                "minimum": minimum,
                "maximum": maximum,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        setting = d.pop("setting")

        takes = cast(list[str], d.pop("takes"))

        def _parse_minimum(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        minimum = _parse_minimum(d.pop("minimum"))

        def _parse_maximum(data: object) -> float | None:
            if data is None:
                return data
            return cast(float | None, data)

        maximum = _parse_maximum(d.pop("maximum"))

        setting = cls(
            setting=setting,
            takes=takes,
            minimum=minimum,
            maximum=maximum,
        )

        return setting
