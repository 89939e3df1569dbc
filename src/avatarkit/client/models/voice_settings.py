from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..types import UNSET, Unset
from typing import cast


T = TypeVar("T", bound="VoiceSettings")


@_attrs_define
class VoiceSettings:
    """How a script is spoken; None: as the voice does by itself.

    Attributes:
        speed (float | None | Unset): Speed of the speech; 1 is normal.
        stability (float | None | Unset): Stability of the voice.
        similarity (float | None | Unset): Similarity to the voice sample.
        style (float | None | Unset): Exaggeration of the speaker's style.
        pitch (float | None | Unset): Pitch of the voice.
        emotion (None | str | Unset): Emotion, by the provider's name.
    """

    speed: float | None | Unset = UNSET
    stability: float | None | Unset = UNSET
    similarity: float | None | Unset = UNSET
    style: float | None | Unset = UNSET
    pitch: float | None | Unset = UNSET
    emotion: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        speed: float | None | Unset
        if isinstance(self.speed, Unset):
            speed = UNSET
        else:
            speed = self.speed

        stability: float | None | Unset
        if isinstance(self.stability, Unset):
            stability = UNSET
        else:
            stability = self.stability

        similarity: float | None | Unset
        if isinstance(self.similarity, Unset):
            similarity = UNSET
        else:
            similarity = self.similarity

        style: float | None | Unset
        if isinstance(self.style, Unset):
            style = UNSET
        else:
            style = self.style

        pitch: float | None | Unset
        if isinstance(self.pitch, Unset):
            pitch = UNSET
        else:
            pitch = self.pitch

        emotion: None | str | Unset
        if isinstance(self.emotion, Unset):
            emotion = UNSET
        else:
            emotion = self.emotion

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if speed is not UNSET:
            field_dict["speed"] = speed
        if stability is not UNSET:
            field_dict["stability"] = stability
        if similarity is not UNSET:
            field_dict["similarity"] = similarity
        if style is not UNSET:
            field_dict["style"] = style
        if pitch is not UNSET:
            field_dict["pitch"] = pitch
        if emotion is not UNSET:
            field_dict["emotion"] = emotion

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_speed(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        speed = _parse_speed(d.pop("speed", UNSET))

        def _parse_stability(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        stability = _parse_stability(d.pop("stability", UNSET))

        def _parse_similarity(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        similarity = _parse_similarity(d.pop("similarity", UNSET))

        def _parse_style(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        style = _parse_style(d.pop("style", UNSET))

        def _parse_pitch(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        pitch = _parse_pitch(d.pop("pitch", UNSET))

        def _parse_emotion(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        emotion = _parse_emotion(d.pop("emotion", UNSET))

        voice_settings = cls(
            speed=speed,
            stability=stability,
            similarity=similarity,
            style=style,
            pitch=pitch,
            emotion=emotion,
        )

        return voice_settings
