from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.scene_layout import SceneLayout
from typing import cast


T = TypeVar("T", bound="SceneSupport")


@_attrs_define
class SceneSupport:
    """Scenes of a video, as a stack makes them.

    Attributes:
        together (bool): False: each scene is a call of its own, which is paid for by itself.
        layouts (list[SceneLayout]): Places of the avatar.
        avatars (None | str): Provider whose stock avatars a scene may have; null if it lists none.
        voices (None | str): Provider whose stock voices a scene may have; null if it lists none.
    """

    together: bool
    layouts: list[SceneLayout]
    avatars: None | str
    voices: None | str

    def to_dict(self) -> dict[str, Any]:
        together = self.together

        layouts = []
        for layouts_item_data in self.layouts:
            layouts_item = layouts_item_data.value
            layouts.append(layouts_item)

        avatars: None | str
        avatars = self.avatars

        voices: None | str
        voices = self.voices

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "together": together,
                "layouts": layouts,
                "avatars": avatars,
                "voices": voices,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        together = d.pop("together")

        layouts = []
        _layouts = d.pop("layouts")
        for layouts_item_data in _layouts:
            layouts_item = SceneLayout(layouts_item_data)

            layouts.append(layouts_item)

        def _parse_avatars(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        avatars = _parse_avatars(d.pop("avatars"))

        def _parse_voices(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        voices = _parse_voices(d.pop("voices"))

        scene_support = cls(
            together=together,
            layouts=layouts,
            avatars=avatars,
            voices=voices,
        )

        return scene_support
