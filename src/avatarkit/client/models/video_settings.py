from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, BinaryIO, TextIO, TYPE_CHECKING, Generator

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

from ..models.video_aspect import VideoAspect
from ..models.video_captions import VideoCaptions
from ..models.video_container import VideoContainer
from ..models.video_quality import VideoQuality
from ..models.video_resolution import VideoResolution
from ..types import UNSET, Unset
from typing import cast

if TYPE_CHECKING:
    from ..models.voice_settings import VoiceSettings


T = TypeVar("T", bound="VideoSettings")


@_attrs_define
class VideoSettings:
    """Settings of a video, by the same names at every provider; None: as the provider does.

    A provider that cannot carry out one of them refuses the video before anything is paid; see
    ``Capabilities.settings``. What only one vendor has is in that vendor's ``Options``.

        Attributes:
            aspect (None | Unset | VideoAspect): Width to height; null: as the provider does.
            resolution (None | Unset | VideoResolution): The shorter side in pixels.
            background (None | str | Unset): A colour such as #204060, transparent, or an https link to a picture or film.
            captions (None | Unset | VideoCaptions): A file beside the video, or burnt into the picture.
            caption_style (None | str | Unset): Style of burnt-in captions, by the provider's name.
            container (None | Unset | VideoContainer): File format.
            fps (float | None | Unset): Frames per second.
            quality (None | Unset | VideoQuality): The provider's engine.
            voice (VoiceSettings | Unset): How a script is spoken; None: as the voice does by itself.
            test (bool | Unset): True: the provider's free or watermarked mode.
            title (None | str | Unset): Title at the provider.
    """

    aspect: None | Unset | VideoAspect = UNSET
    resolution: None | Unset | VideoResolution = UNSET
    background: None | str | Unset = UNSET
    captions: None | Unset | VideoCaptions = UNSET
    caption_style: None | str | Unset = UNSET
    container: None | Unset | VideoContainer = UNSET
    fps: float | None | Unset = UNSET
    quality: None | Unset | VideoQuality = UNSET
    voice: VoiceSettings | Unset = UNSET
    test: bool | Unset = UNSET
    title: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.voice_settings import VoiceSettings  # noqa: PLC0415

        aspect: None | str | Unset
        if isinstance(self.aspect, Unset):
            aspect = UNSET
        elif isinstance(self.aspect, VideoAspect):
            aspect = self.aspect.value
        else:
            aspect = self.aspect

        resolution: None | str | Unset
        if isinstance(self.resolution, Unset):
            resolution = UNSET
        elif isinstance(self.resolution, VideoResolution):
            resolution = self.resolution.value
        else:
            resolution = self.resolution

        background: None | str | Unset
        if isinstance(self.background, Unset):
            background = UNSET
        else:
            background = self.background

        captions: None | str | Unset
        if isinstance(self.captions, Unset):
            captions = UNSET
        elif isinstance(self.captions, VideoCaptions):
            captions = self.captions.value
        else:
            captions = self.captions

        caption_style: None | str | Unset
        if isinstance(self.caption_style, Unset):
            caption_style = UNSET
        else:
            caption_style = self.caption_style

        container: None | str | Unset
        if isinstance(self.container, Unset):
            container = UNSET
        elif isinstance(self.container, VideoContainer):
            container = self.container.value
        else:
            container = self.container

        fps: float | None | Unset
        if isinstance(self.fps, Unset):
            fps = UNSET
        else:
            fps = self.fps

        quality: None | str | Unset
        if isinstance(self.quality, Unset):
            quality = UNSET
        elif isinstance(self.quality, VideoQuality):
            quality = self.quality.value
        else:
            quality = self.quality

        voice: dict[str, Any] | Unset = UNSET
        if not isinstance(self.voice, Unset):
            voice = self.voice.to_dict()

        test = self.test

        title: None | str | Unset
        if isinstance(self.title, Unset):
            title = UNSET
        else:
            title = self.title

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if aspect is not UNSET:
            field_dict["aspect"] = aspect
        if resolution is not UNSET:
            field_dict["resolution"] = resolution
        if background is not UNSET:
            field_dict["background"] = background
        if captions is not UNSET:
            field_dict["captions"] = captions
        if caption_style is not UNSET:
            field_dict["caption_style"] = caption_style
        if container is not UNSET:
            field_dict["container"] = container
        if fps is not UNSET:
            field_dict["fps"] = fps
        if quality is not UNSET:
            field_dict["quality"] = quality
        if voice is not UNSET:
            field_dict["voice"] = voice
        if test is not UNSET:
            field_dict["test"] = test
        if title is not UNSET:
            field_dict["title"] = title

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.voice_settings import VoiceSettings  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_aspect(data: object) -> None | Unset | VideoAspect:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                aspect_type_0 = VideoAspect(data)

                return aspect_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Unset | VideoAspect, data)

        aspect = _parse_aspect(d.pop("aspect", UNSET))

        def _parse_resolution(data: object) -> None | Unset | VideoResolution:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                resolution_type_0 = VideoResolution(data)

                return resolution_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Unset | VideoResolution, data)

        resolution = _parse_resolution(d.pop("resolution", UNSET))

        def _parse_background(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        background = _parse_background(d.pop("background", UNSET))

        def _parse_captions(data: object) -> None | Unset | VideoCaptions:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                captions_type_0 = VideoCaptions(data)

                return captions_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Unset | VideoCaptions, data)

        captions = _parse_captions(d.pop("captions", UNSET))

        def _parse_caption_style(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        caption_style = _parse_caption_style(d.pop("caption_style", UNSET))

        def _parse_container(data: object) -> None | Unset | VideoContainer:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                container_type_0 = VideoContainer(data)

                return container_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Unset | VideoContainer, data)

        container = _parse_container(d.pop("container", UNSET))

        def _parse_fps(data: object) -> float | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(float | None | Unset, data)

        fps = _parse_fps(d.pop("fps", UNSET))

        def _parse_quality(data: object) -> None | Unset | VideoQuality:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError()
                quality_type_0 = VideoQuality(data)

                return quality_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | Unset | VideoQuality, data)

        quality = _parse_quality(d.pop("quality", UNSET))

        _voice = d.pop("voice", UNSET)
        voice: VoiceSettings | Unset
        if isinstance(_voice, Unset):
            voice = UNSET
        else:
            voice = VoiceSettings.from_dict(_voice)

        test = d.pop("test", UNSET)

        def _parse_title(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        title = _parse_title(d.pop("title", UNSET))

        video_settings = cls(
            aspect=aspect,
            resolution=resolution,
            background=background,
            captions=captions,
            caption_style=caption_style,
            container=container,
            fps=fps,
            quality=quality,
            voice=voice,
            test=test,
            title=title,
        )

        return video_settings
