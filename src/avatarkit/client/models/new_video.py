from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast

if TYPE_CHECKING:
    from ..models.max_cost import MaxCost
    from ..models.new_scene import NewScene
    from ..models.stock_choice import StockChoice
    from ..models.video_settings import VideoSettings


T = TypeVar("T", bound="NewVideo")


@_attrs_define
class NewVideo:
    """Generate a video with a trained avatar, or with its voice and a stock avatar.

    Attributes:
        purpose (None | str | Unset): What it is for; needed if the consent names purposes.
        max_cost (MaxCost | None | Unset): Maximum expected cost.
        text (None | str | Unset): Text that is spoken; or send scenes.
        scenes (list[NewScene] | None | Unset): Scenes, in their order; or send text. Where the provider makes one scene
            at a time, each is paid for separately.
        avatar (None | StockChoice | Unset): Stock avatar in the place of the trained one.
        voice (None | StockChoice | Unset): Stock voice in the place of the trained one.
        name (str | Unset): Name for people.
        language (None | str | Unset): BCP 47 tag, such as en or pt-BR; null for the default.
        settings (VideoSettings | Unset): Settings of a video, by the same names at every provider; None: as the
            provider does.

            A provider that cannot carry out one of them refuses the video before anything is paid; see
            ``Capabilities.settings``. What only one vendor has is in that vendor's ``Options``.
    """

    purpose: None | str | Unset = UNSET
    max_cost: MaxCost | None | Unset = UNSET
    text: None | str | Unset = UNSET
    scenes: list[NewScene] | None | Unset = UNSET
    avatar: None | StockChoice | Unset = UNSET
    voice: None | StockChoice | Unset = UNSET
    name: str | Unset = UNSET
    language: None | str | Unset = UNSET
    settings: VideoSettings | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.max_cost import MaxCost  # noqa: PLC0415
        from ..models.new_scene import NewScene  # noqa: PLC0415
        from ..models.stock_choice import StockChoice  # noqa: PLC0415
        from ..models.video_settings import VideoSettings  # noqa: PLC0415

        purpose: None | str | Unset
        if isinstance(self.purpose, Unset):
            purpose = UNSET
        else:
            purpose = self.purpose

        max_cost: dict[str, Any] | None | Unset
        if isinstance(self.max_cost, Unset):
            max_cost = UNSET
        elif isinstance(self.max_cost, MaxCost):
            max_cost = self.max_cost.to_dict()
        else:
            max_cost = self.max_cost

        text: None | str | Unset
        if isinstance(self.text, Unset):
            text = UNSET
        else:
            text = self.text

        scenes: list[dict[str, Any]] | None | Unset
        if isinstance(self.scenes, Unset):
            scenes = UNSET
        elif isinstance(self.scenes, list):
            scenes = []
            for scenes_type_0_item_data in self.scenes:
                scenes_type_0_item = scenes_type_0_item_data.to_dict()
                scenes.append(scenes_type_0_item)

        else:
            scenes = self.scenes

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

        name = self.name

        language: None | str | Unset
        if isinstance(self.language, Unset):
            language = UNSET
        else:
            language = self.language

        settings: dict[str, Any] | Unset = UNSET
        if not isinstance(self.settings, Unset):
            settings = self.settings.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if purpose is not UNSET:
            field_dict["purpose"] = purpose
        if max_cost is not UNSET:
            field_dict["max_cost"] = max_cost
        if text is not UNSET:
            field_dict["text"] = text
        if scenes is not UNSET:
            field_dict["scenes"] = scenes
        if avatar is not UNSET:
            field_dict["avatar"] = avatar
        if voice is not UNSET:
            field_dict["voice"] = voice
        if name is not UNSET:
            field_dict["name"] = name
        if language is not UNSET:
            field_dict["language"] = language
        if settings is not UNSET:
            field_dict["settings"] = settings

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.max_cost import MaxCost  # noqa: PLC0415
        from ..models.new_scene import NewScene  # noqa: PLC0415
        from ..models.stock_choice import StockChoice  # noqa: PLC0415
        from ..models.video_settings import VideoSettings  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_purpose(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        purpose = _parse_purpose(d.pop("purpose", UNSET))

        def _parse_max_cost(data: object) -> MaxCost | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                max_cost_type_0 = MaxCost.from_dict(data)

                return max_cost_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(MaxCost | None | Unset, data)

        max_cost = _parse_max_cost(d.pop("max_cost", UNSET))

        def _parse_text(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        text = _parse_text(d.pop("text", UNSET))

        def _parse_scenes(data: object) -> list[NewScene] | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                scenes_type_0 = []
                _scenes_type_0 = data
                for scenes_type_0_item_data in _scenes_type_0:
                    scenes_type_0_item = NewScene.from_dict(scenes_type_0_item_data)

                    scenes_type_0.append(scenes_type_0_item)

                return scenes_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[NewScene] | None | Unset, data)

        scenes = _parse_scenes(d.pop("scenes", UNSET))

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

        name = d.pop("name", UNSET)

        def _parse_language(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        language = _parse_language(d.pop("language", UNSET))

        _settings = d.pop("settings", UNSET)
        settings: VideoSettings | Unset
        if isinstance(_settings, Unset):
            settings = UNSET
        else:
            settings = VideoSettings.from_dict(_settings)

        new_video = cls(
            purpose=purpose,
            max_cost=max_cost,
            text=text,
            scenes=scenes,
            avatar=avatar,
            voice=voice,
            name=name,
            language=language,
            settings=settings,
        )

        return new_video
