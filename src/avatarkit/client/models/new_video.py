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
    purpose: None | str | Unset = UNSET
    max_cost: MaxCost | None | Unset = UNSET
    name: str | Unset = UNSET
    language: None | str | Unset = UNSET
    settings: VideoSettings | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.max_cost import MaxCost  # noqa: PLC0415
        from ..models.video_settings import VideoSettings  # noqa: PLC0415

        text = self.text

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
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.max_cost import MaxCost  # noqa: PLC0415
        from ..models.video_settings import VideoSettings  # noqa: PLC0415

        d = dict(src_dict)
        text = d.pop("text")

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
            text=text,
            purpose=purpose,
            max_cost=max_cost,
            name=name,
            language=language,
            settings=settings,
        )

        return new_video
