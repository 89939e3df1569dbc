"""Tavus: voices, faces (which we call avatars), and videos of them.

https://docs.tavus.io. Every job has our token as its name, and is found in a list. Media goes by a
link that must be valid for a day. A video speaks with its face's voice, which can be exchanged, or
with recorded audio.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

from ..errors import Unsupported
from ..interfaces import Capabilities, CatalogueKind, Discards, Prepares
from ..models import (
    AvatarRequest,
    Job,
    JobState,
    Model,
    Operation,
    Options,
    VendorRequest,
    VideoRequest,
    VoiceRequest,
)
from .catalogue import HttpCatalogue, Listing
from .http import (
    HttpAvatarTrainer,
    HttpVideoGenerator,
    HttpVoiceCloner,
    Paths,
    Reads,
    path_segment,
    text_at,
    vendor_data,
)

__all__ = [
    "FaceProperties",
    "Tavus",
    "TavusFace",
    "TavusVideo",
    "TavusVoice",
    "VideoProperties",
]

#: Default model of a face, sent explicitly because the vendor's default changes.
_MODEL = "phoenix-4"

_DATA = vendor_data("tavus")


class TavusVoice(Options):
    """Extras of a voice."""

    description: str | None = None  #: at most 1,000 characters


class FaceProperties(Model):
    """Properties of the footage."""

    background_green_screen: bool | None = None


class TavusFace(Options):
    """Extras of a face."""

    model_name: str | None = None  #: "phoenix-4" if not given
    voice_name: str | None = None  #: a stock voice of a face made from a picture
    auto_fix_training_image: bool | None = None  #: of a picture
    properties: FaceProperties | None = None


class VideoProperties(Model):
    """Scrolling of a website behind the face."""

    background_scroll: bool | None = None
    background_scroll_type: Literal["human", "smooth"] | None = None
    background_scroll_depth: Literal["middle", "bottom"] | None = None
    background_scroll_return: Literal["return", "halt"] | None = None
    start_with_wave: bool | None = None


class TavusVideo(Options):
    """Extras of a video, beside ``VideoSettings``."""

    fast: bool | None = None  #: no background, thumbnail or stream link
    background_url: str | None = None  #: a website to record
    watermark_image_url: str | None = None
    properties: VideoProperties | None = None


# -- lists ------------------------------------------------------------------------------------


def _faces(kind: str) -> Listing:
    return Listing(
        path="/faces",
        query={"face_type": kind, "verbose": True, "limit": 50, "page": 0},
        cursor_parameter="page",
        counts=True,
        total=("total_count",),
        own=kind == "user",
        id=("face_id", "replica_id"),
        name=("face_name", "replica_name"),
        previews={
            "image": ("thumbnail_image_url",),
            "video": ("thumbnail_video_url",),
        },
        engines=("model_name",),
        voice_id=("default_voice_id",),
    )


_LISTINGS: Mapping[CatalogueKind, tuple[Listing, ...]] = {
    "avatar": (_faces("user"), _faces("system")),
    "voice": (
        Listing(
            path="/voices",
            query={"limit": 100, "page": 1, "source": "all"},
            cursor_parameter="page",
            counts=True,
            total=("total_count",),
            filters={"query": "search"},
            own_at=("voice_type",),
            own_words=frozenset({"user"}),
            # older answers have no id: a face takes such a voice by its name
            id=("voice_id", "voice_name"),
            name=("voice_name",),
            previews={"audio": ("audio_url",)},
            capabilities=("tags", "tags.*.tag_name"),
        ),
    ),
}


class Tavus(
    HttpVoiceCloner, HttpAvatarTrainer, HttpVideoGenerator, HttpCatalogue, Prepares, Discards
):
    """Voices, faces and videos; callbacks are not signed."""

    name = "tavus"
    api_version = "2"
    base_url = "https://tavusapi.com/v2"
    key_env, key_header = "TAVUS_API_KEY", "x-api-key"
    data = _DATA
    option_types = (TavusVoice, TavusFace, TavusVideo)
    capabilities = Capabilities(
        media=frozenset({"url"}),
        url_lifetime=86_400.0,  # links to media must stay valid for 24 hours
        one_voice_file=True,
        drive=frozenset({"script", "audio"}),
        settings=_DATA.settings,
        callback=True,
        typical=MappingProxyType(
            {Operation.VOICE: 180.0, Operation.AVATAR: 12_600.0, Operation.VIDEO: 100.0}
        ),
    )
    paths = {
        Operation.VOICE: Paths("/voices/{}", "/voices", {"limit": 100, "page": 1}),
        # their first page may be 0 or 1; a job that comes twice counts once
        Operation.AVATAR: Paths(
            "/faces/{}?verbose=true", "/faces", {"limit": 50, "page": 0}, "/faces/{}?hard=true"
        ),
        Operation.VIDEO: Paths(
            "/videos/{}?verbose=true", "/videos", {"limit": 50, "page": 0}, "/videos/{}?hard=true"
        ),
    }
    reads = Reads(
        # A video also has the id of its face, so the video's id is tried first.
        ids={
            Operation.VIDEO: ("video_id",),
            Operation.VOICE: ("voice_id", "properties.voice_id"),
            Operation.AVATAR: ("face_id", "replica_id"),
        },
        state=("status", "properties.status"),
        states={
            "queued": JobState.QUEUED,
            "started": JobState.RUNNING,
            "generating": JobState.RUNNING,
            "completed": JobState.SUCCEEDED,  # a voice; a face, when polled
            "ready": JobState.SUCCEEDED,  # a video; a face, when called back
            "error": JobState.FAILED,
            "deleted": JobState.GONE,
        },
        progress=("training_progress", "generation_progress"),  # "60/100"
        links={
            "video": ("download_url",),
            "thumbnail": ("still_image_thumbnail_url", "thumbnail_image_url"),
            "preview": ("thumbnail_video_url",),
        },
        reason=("error_message", "error_details", "status_details", "properties.error_message"),
        token=("voice_name", "face_name", "replica_name", "video_name"),
        cursor_parameter="page",
        counts="pages",
        total_jobs=("total_count",),
    )
    listings = _LISTINGS
    message = ("error", "message")  # a refused key has its message under the second name

    async def prepare(self, operation: Operation, request: VendorRequest, /) -> dict[str, Any]:
        """Give the face the voice that shall speak, if it has another: a video takes none itself.

        UNVERIFIED: Tavus does not say if a video follows a voice that was assigned later.
        """
        if isinstance(request, VideoRequest) and request.voice_id and request.script is not None:
            path = f"/faces/{path_segment(request.avatar_id)}"
            face = await self._call("GET", path, operation=operation)
            if text_at(face, "default_voice_id") != request.voice_id:
                voice = {"default_voice_id": request.voice_id}
                await self._call("PATCH", path, operation=operation, body=voice)
        return {}

    async def discard(self, operation: Operation, prepared: Mapping[str, Any], /) -> None:
        """Do nothing: ``prepare`` uploads nothing."""

    async def clone_voice(self, request: VoiceRequest, /) -> Job:
        """Submit; sent once."""
        return await self._submit(
            Operation.VOICE,
            "/voices",
            request,
            TavusVoice,
            voice_name=request.token,
            # UNVERIFIED: no public copy of the page shows this key
            train_audio_url=request.samples[0].url,
            callback_url=request.callback_url,
        )

    async def train_avatar(self, request: AvatarRequest, /) -> Job:
        """Submit; sent once."""
        link = request.required_footage.url
        picture = request.required_footage.media_type.startswith("image/")
        stock = self._option(request, TavusFace).voice_name
        if picture and not (stock or request.voice_id):
            raise Unsupported(
                "tavus makes a face from a picture only with a voice: clone one beside it, or "
                "name one of its own, options=(TavusFace(voice_name=...),)"
            )
        return await self._submit(
            Operation.AVATAR,
            "/faces",
            request,
            TavusFace,
            face_name=request.token,
            model_name=_MODEL,
            train_image_url=link if picture else None,
            train_video_url=None if picture else link,
            # exactly one of the two belongs to a picture; a clip has a voice of its own
            default_voice_id=request.voice_id if picture and not stock else None,
            callback_url=request.callback_url,
        )

    async def generate_video(self, request: VideoRequest, /) -> Job:
        """Submit; sent once. The video speaks with the face's voice."""
        return await self._submit(
            Operation.VIDEO,
            "/videos",
            request,
            TavusVideo,
            video_name=request.token,
            replica_id=request.avatar_id,  # renamed everywhere but here
            script=request.script,
            audio_url=request.audio and request.audio.url,
            callback_url=request.callback_url,
        )
