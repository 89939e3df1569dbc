from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.max_cost import MaxCost
    from ..models.video_settings import VideoSettings


T = TypeVar("T", bound="NewVideo")


@_attrs_define
class NewVideo:
    """Generate a video with a trained avatar.

    Attributes:
        text (str): Text that is spoken.
        purpose (None | str | Unset): What it is for; needed if the consent names purposes.
        max_cost (MaxCost | None | Unset): Maximum expected cost.
        name (str | Unset): Name for people.
        language (None | str | Unset): BCP 47 tag, such as en or pt-BR; null for the default.
        settings (VideoSettings | Unset): Settings of a video, by the same names at every provider; None: as the
            provider does.

            A provider that cannot carry out one of them refuses the video before anything is paid; see
            ``Capabilities.settings``. What only one vendor has is in that vendor's ``Options``.

    """

    text: str
    purpose: str | Unset | None = UNSET
    max_cost: MaxCost | Unset | None = UNSET
    name: str | Unset = UNSET
    language: str | Unset | None = UNSET
    settings: VideoSettings | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.max_cost import MaxCost

        text = self.text

        purpose: str | Unset | None
        if isinstance(self.purpose, Unset):
            purpose = UNSET
        else:
            purpose = self.purpose

        max_cost: dict[str, Any] | Unset | None
        if isinstance(self.max_cost, Unset):
            max_cost = UNSET
        elif isinstance(self.max_cost, MaxCost):
            max_cost = self.max_cost.to_dict()
        else:
            max_cost = self.max_cost

        name = self.name

        language: str | Unset | None
        if isinstance(self.language, Unset):
            language = UNSET
        else:
            language = self.language

        settings: dict[str, Any] | Unset = UNSET
        if not isinstance(self.settings, Unset):
            settings = self.settings.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "text": text,
            }
        )
        if purpose is not UNSET:
            field_dict["purpose"] = purpose
        if max_cost is not UNSET:
            field_dict["max_cost"] = max_cost
        if name is not UNSET:
            field_dict["name"] = name
        if language is not UNSET:
            field_dict["language"] = language
        if settings is not UNSET:
            field_dict["settings"] = settings

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.max_cost import MaxCost
        from ..models.video_settings import VideoSettings

        d = dict(src_dict)
        text = d.pop("text")

        def _parse_purpose(data: object) -> str | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        purpose = _parse_purpose(d.pop("purpose", UNSET))

        def _parse_max_cost(data: object) -> MaxCost | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError
                max_cost_type_0 = MaxCost.from_dict(data)

                return max_cost_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(MaxCost | None | Unset, data)

        max_cost = _parse_max_cost(d.pop("max_cost", UNSET))

        name = d.pop("name", UNSET)

        def _parse_language(data: object) -> str | Unset | None:
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
            text=text,
            purpose=purpose,
            max_cost=max_cost,
            name=name,
            language=language,
            settings=settings,
        )

        return new_video
