from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from typing import cast


T = TypeVar("T", bound="Links")


@_attrs_define
class Links:
    """Results as paths from the server's root that need no token; valid for some hours.

    Attributes:
        video (None | str): The video, as MP4 or WebM.
        preview (None | str): A short video of the avatar.
        thumbnail (None | str): A picture.
        audio (None | str): The speech.
        subtitles_srt (None | str): Subtitles in SRT.
        subtitles_vtt (None | str): Subtitles in WebVTT.
    """

    video: None | str
    preview: None | str
    thumbnail: None | str
    audio: None | str
    subtitles_srt: None | str
    subtitles_vtt: None | str

    def to_dict(self) -> dict[str, Any]:
        video: None | str
        video = self.video

        preview: None | str
        preview = self.preview

        thumbnail: None | str
        thumbnail = self.thumbnail

        audio: None | str
        audio = self.audio

        subtitles_srt: None | str
        subtitles_srt = self.subtitles_srt

        subtitles_vtt: None | str
        subtitles_vtt = self.subtitles_vtt

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "video": video,
                "preview": preview,
                "thumbnail": thumbnail,
                "audio": audio,
                "subtitles_srt": subtitles_srt,
                "subtitles_vtt": subtitles_vtt,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_video(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        video = _parse_video(d.pop("video"))

        def _parse_preview(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        preview = _parse_preview(d.pop("preview"))

        def _parse_thumbnail(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        thumbnail = _parse_thumbnail(d.pop("thumbnail"))

        def _parse_audio(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        audio = _parse_audio(d.pop("audio"))

        def _parse_subtitles_srt(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        subtitles_srt = _parse_subtitles_srt(d.pop("subtitles_srt"))

        def _parse_subtitles_vtt(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        subtitles_vtt = _parse_subtitles_vtt(d.pop("subtitles_vtt"))

        links = cls(
            video=video,
            preview=preview,
            thumbnail=thumbnail,
            audio=audio,
            subtitles_srt=subtitles_srt,
            subtitles_vtt=subtitles_vtt,
        )

        return links
