from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.scene_layout import SceneLayout
from ..types import UNSET, Unset
from typing import cast

if TYPE_CHECKING:
    from ..models.stock_choice import StockChoice


T = TypeVar("T", bound="NewScene")


@_attrs_define
class NewScene:
    """A scene of a video.

    Attributes:
        text (str): Text that is spoken.
        avatar (None | StockChoice | Unset): Else the video's avatar.
        voice (None | StockChoice | Unset): Else the video's voice.
        background (None | str | Unset): As in the settings; else that of the video.
        layout (None | SceneLayout | Unset): Place of the avatar.
    """

    text: str
    avatar: None | StockChoice | Unset = UNSET
    voice: None | StockChoice | Unset = UNSET
    background: None | str | Unset = UNSET
    layout: None | SceneLayout | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.stock_choice import StockChoice  # noqa: PLC0415

        text = self.text

        avatar: dict[str, Any] | None | Unset
        if isinstance(self.avatar, Unset):
            avatar = UNSET
        elif isinstance(self.avatar, StockChoice):
            avatar = self.avatar.to_dict()
        else:
            avatar = self.avatar

        voice: dict[str, Any] | None | Unset
        if isinstance(self.voice, Unset):
            voice = UNSET
        elif isinstance(self.voice, StockChoice):
            voice = self.voice.to_dict()
        else:
            voice = self.voice

        background: None | str | Unset
        if isinstance(self.background, Unset):
            background = UNSET
        else:
            background = self.background

        layout: None | str | Unset
        if isinstance(self.layout, Unset):
            layout = UNSET
        elif isinstance(self.layout, SceneLayout):
            layout = self.layout.value
        else:
            layout = self.layout

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "text": text,
            }
        )
        if avatar is not UNSET:
            field_dict["avatar"] = avatar
        if voice is not UNSET:
            field_dict["voice"] = voice
        if background is not UNSET:
            field_dict["background"] = background
        if layout is not UNSET:
            field_dict["layout"] = layout

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.stock_choice import StockChoice  # noqa: PLC0415

        d = dict(src_dict)
        text = d.pop("text")

        def _parse_avatar(data: object) -> None | StockChoice | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                avatar_type_0 = StockChoice.from_dict(data)

                return avatar_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | StockChoice | Unset, data)

        avatar = _parse_avatar(d.pop("avatar", UNSET))

        def _parse_voice(data: object) -> None | StockChoice | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                voice_type_0 = StockChoice.from_dict(data)

                return voice_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | StockChoice | Unset, data)

        voice = _parse_voice(d.pop("voice", UNSET))

        def _parse_background(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        background = _parse_background(d.pop("background", UNSET))

        def _parse_layout(data: object) -> None | SceneLayout | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                layout_type_0 = SceneLayout(data)

                return layout_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | SceneLayout | Unset, data)

        layout = _parse_layout(d.pop("layout", UNSET))

        new_scene = cls(
            text=text,
            avatar=avatar,
            voice=voice,
            background=background,
            layout=layout,
        )

        return new_scene
