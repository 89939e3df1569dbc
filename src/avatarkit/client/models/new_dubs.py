from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast

if TYPE_CHECKING:
    from ..models.consent_given import ConsentGiven
    from ..models.max_cost import MaxCost
    from ..models.new_dubs_subtitles import NewDubsSubtitles


T = TypeVar("T", bound="NewDubs")


@_attrs_define
class NewDubs:
    """Dub an uploaded video, or a finished one, into other languages.

    Attributes:
        languages (list[str]): Languages, such as es or pt-BR, each once.
        purpose (None | str | Unset): What it is for; needed if the consent names purposes.
        max_cost (MaxCost | None | Unset): Maximum expected cost.
        consent (ConsentGiven | None | Unset): A new consent; or send consent_id.
        consent_id (None | str | Unset): ID of a stored consent.
        clone_id (None | str | Unset): Profile of the source.
        source (None | str | Unset): Name of the video that was uploaded to the profile with the role source.
        video_id (None | str | Unset): A finished video of yours, in the place of an upload; its consent holds.
        stack (None | str | Unset): Providers, joined by +.
        name (str | Unset): Name for people.
        subtitles (NewDubsSubtitles | Unset): Translation that is to be said, as SRT, by language.
        source_subtitles (None | str | Unset): What the video says, as SRT.
    """

    languages: list[str]
    purpose: None | str | Unset = UNSET
    max_cost: MaxCost | None | Unset = UNSET
    consent: ConsentGiven | None | Unset = UNSET
    consent_id: None | str | Unset = UNSET
    clone_id: None | str | Unset = UNSET
    source: None | str | Unset = UNSET
    video_id: None | str | Unset = UNSET
    stack: None | str | Unset = UNSET
    name: str | Unset = UNSET
    subtitles: NewDubsSubtitles | Unset = UNSET
    source_subtitles: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.consent_given import ConsentGiven  # noqa: PLC0415
        from ..models.max_cost import MaxCost  # noqa: PLC0415
        from ..models.new_dubs_subtitles import NewDubsSubtitles  # noqa: PLC0415

        languages = self.languages

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

        consent: dict[str, Any] | None | Unset
        if isinstance(self.consent, Unset):
            consent = UNSET
        elif isinstance(self.consent, ConsentGiven):
            consent = self.consent.to_dict()
        else:
            consent = self.consent

        consent_id: None | str | Unset
        if isinstance(self.consent_id, Unset):
            consent_id = UNSET
        else:
            consent_id = self.consent_id

        clone_id: None | str | Unset
        if isinstance(self.clone_id, Unset):
            clone_id = UNSET
        else:
            clone_id = self.clone_id

        source: None | str | Unset
        if isinstance(self.source, Unset):
            source = UNSET
        else:
            source = self.source

        video_id: None | str | Unset
        if isinstance(self.video_id, Unset):
            video_id = UNSET
        else:
            video_id = self.video_id

        stack: None | str | Unset
        if isinstance(self.stack, Unset):
            stack = UNSET
        else:
            stack = self.stack

        name = self.name

        subtitles: dict[str, Any] | Unset = UNSET
        if not isinstance(self.subtitles, Unset):
            subtitles = self.subtitles.to_dict()

        source_subtitles: None | str | Unset
        if isinstance(self.source_subtitles, Unset):
            source_subtitles = UNSET
        else:
            source_subtitles = self.source_subtitles

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "languages": languages,
            }
        )
        if purpose is not UNSET:
            field_dict["purpose"] = purpose
        if max_cost is not UNSET:
            field_dict["max_cost"] = max_cost
        if consent is not UNSET:
            field_dict["consent"] = consent
        if consent_id is not UNSET:
            field_dict["consent_id"] = consent_id
        if clone_id is not UNSET:
            field_dict["clone_id"] = clone_id
        if source is not UNSET:
            field_dict["source"] = source
        if video_id is not UNSET:
            field_dict["video_id"] = video_id
        if stack is not UNSET:
            field_dict["stack"] = stack
        if name is not UNSET:
            field_dict["name"] = name
        if subtitles is not UNSET:
            field_dict["subtitles"] = subtitles
        if source_subtitles is not UNSET:
            field_dict["source_subtitles"] = source_subtitles

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.consent_given import ConsentGiven  # noqa: PLC0415
        from ..models.max_cost import MaxCost  # noqa: PLC0415
        from ..models.new_dubs_subtitles import NewDubsSubtitles  # noqa: PLC0415

        d = dict(src_dict)
        languages = cast(list[str], d.pop("languages"))

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

        def _parse_consent(data: object) -> ConsentGiven | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                consent_type_0 = ConsentGiven.from_dict(data)

                return consent_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(ConsentGiven | None | Unset, data)

        consent = _parse_consent(d.pop("consent", UNSET))

        def _parse_consent_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        consent_id = _parse_consent_id(d.pop("consent_id", UNSET))

        def _parse_clone_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        clone_id = _parse_clone_id(d.pop("clone_id", UNSET))

        def _parse_source(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        source = _parse_source(d.pop("source", UNSET))

        def _parse_video_id(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        video_id = _parse_video_id(d.pop("video_id", UNSET))

        def _parse_stack(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        stack = _parse_stack(d.pop("stack", UNSET))

        name = d.pop("name", UNSET)

        _subtitles = d.pop("subtitles", UNSET)
        subtitles: NewDubsSubtitles | Unset
        if isinstance(_subtitles, Unset):
            subtitles = UNSET
        else:
            subtitles = NewDubsSubtitles.from_dict(_subtitles)

        def _parse_source_subtitles(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        source_subtitles = _parse_source_subtitles(d.pop("source_subtitles", UNSET))

        new_dubs = cls(
            languages=languages,
            purpose=purpose,
            max_cost=max_cost,
            consent=consent,
            consent_id=consent_id,
            clone_id=clone_id,
            source=source,
            video_id=video_id,
            stack=stack,
            name=name,
            subtitles=subtitles,
            source_subtitles=source_subtitles,
        )

        return new_dubs
