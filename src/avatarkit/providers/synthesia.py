"""Synthesia: videos of avatars that exist in its Studio, and dubs.

https://docs.synthesia.io, Video API version 2. Avatars are trained and voices cloned in the web
app, with a consent recorded there; the API takes their ids, which ``kit.adopt`` imports.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal

from pydantic import Field

from ..errors import Refused, Unavailable, Unsupported
from ..interfaces import Capabilities, CatalogueKind, MakesScenes, Prepares, ProviderSettings
from ..models import (
    DubRequest,
    Job,
    JobState,
    Model,
    Operation,
    Options,
    Scene,
    VendorEvent,
    VendorRequest,
    VideoRequest,
    VideoSettings,
)
from ..webhooks import Delivery, HmacSha256, Registered
from .catalogue import HttpCatalogue, Listing
from .http import (
    Client,
    HttpVideoDubber,
    HttpVideoGenerator,
    Paths,
    Reads,
    as_object,
    as_objects,
    id_at,
    vendor_data,
)
from .languages import dialect

__all__ = ["CallToAction", "Synthesia", "SynthesiaDub", "SynthesiaScene", "SynthesiaVideo"]

#: Seconds between the upload of a narration and the video request: Synthesia processes it in the
#: background, and no call tells when it is ready.
_PAUSE = 10.0
#: Scenes of one video; its OpenAPI document, read 2026-11-22.
_MOST_SCENES = 25

_DATA = vendor_data("synthesia")


class CallToAction(Model):
    """Button in the shared video."""

    label: str
    url: str


class SynthesiaVideo(Options):
    """Extras of a video as a whole, beside ``VideoSettings``."""

    visibility: Literal["private", "public"] | None = None
    soundtrack: Literal["corporate", "inspirational", "modern", "urban"] | None = None
    folder_id: str | None = Field(default=None, serialization_alias="folderId")
    call_to_action: CallToAction | None = Field(default=None, serialization_alias="ctaSettings")


class SynthesiaScene(Options):
    """Avatar and background of the scene; ``extra`` is merged into the scene."""

    background: str = "off_white"  #: a stock background, the id of an upload, or a link
    style: Literal["rectangular", "circular", "voiceOnly"] = "rectangular"
    horizontal_align: Literal["left", "center", "right"] | None = None
    scale: float | None = None
    seamless: bool | None = None


class SynthesiaDub(Options):
    """Extras of a dub."""

    source_language: str | None = Field(default=None, serialization_alias="sourceLanguage")
    lipsync: bool | None = Field(default=None, serialization_alias="lipsyncEnabled")
    video_duration: Literal["adaptive", "original"] | None = Field(
        default=None, serialization_alias="videoDuration"
    )
    visibility: Literal["private", "public"] | None = None


def _templates(source: str) -> Listing:
    return Listing(
        path="/templates",
        query={"source": source, "limit": 100, "offset": 0},
        items=("templates",),
        cursor=("nextOffset",),
        cursor_parameter="offset",
        own=source == "workspace",
        id=("id", "templateId"),
        name=("title",),
        variables=("variables",),
    )


_LISTINGS: Mapping[CatalogueKind, tuple[Listing, ...]] = {
    "template": (_templates("workspace"), _templates("synthesia"))
}


class Synthesia(HttpVideoGenerator, HttpVideoDubber, HttpCatalogue, MakesScenes, Prepares):
    """Videos of existing avatars, and dubs; webhooks are signed."""

    name = "synthesia"
    api_version = "2"
    base_url = "https://api.synthesia.io/v2"
    hosts = MappingProxyType({"upload": "https://upload.api.synthesia.io/v2"})
    key_env = "SYNTHESIA_API_KEY"
    data = _DATA
    option_types = (SynthesiaVideo, SynthesiaScene, SynthesiaDub)
    capabilities = Capabilities(
        media=frozenset({"url", "data"}),  # a narration as bytes
        by_link=frozenset({Operation.DUB}),
        templates=True,
        drive=frozenset({"script", "audio"}),
        audio_formats=("audio/mpeg",),
        webhook=HmacSha256(
            header="Synthesia-Signature",
            version=None,
            time_header="Synthesia-Timestamp",
            tolerance=600,
        ),
        settings=_DATA.settings,
        found_by_token=frozenset({Operation.VIDEO}),
        typical=MappingProxyType({Operation.VIDEO: 120.0}),
        rate=1.0,  # the smallest plan's 60 a minute
    )
    paths = {
        Operation.VIDEO: Paths.of("/videos", limit=100, offset=0),
        Operation.DUB: Paths("/dubbing/{}"),  # the API neither lists nor deletes dubs
    }
    reads = Reads(
        ids={Operation.VIDEO: ("id",), Operation.DUB: ("createdImportedAsset.id", "id")},
        states=MappingProxyType(
            {
                "uploading": JobState.QUEUED,
                "in_progress": JobState.RUNNING,
                "approved": JobState.RUNNING,  # its meaning is not documented
                "complete": JobState.SUCCEEDED,
                "error": JobState.FAILED,
                "rejected": JobState.FAILED,  # by moderation
                "deleted": JobState.GONE,
            }
        ),
        links={
            "video": ("download",),
            "thumbnail": ("thumbnail.image",),
            "subtitles_srt": ("captions.srt",),
            "subtitles_vtt": ("captions.vtt",),
        },
        reason=("message", "errorCode", "status"),
        created_at=("createdAt",),
        token=("callbackId", "title"),
        items=("videos",),
        cursor=("nextOffset",),
        cursor_parameter="offset",
    )
    listings = _LISTINGS
    unlisted = MappingProxyType(
        {
            "avatar": "copy the id in its Studio (three dots, Copy ID), and adopt it",
            "voice": "copy the id in its Studio, or leave the voice out for the avatar's own",
        }
    )
    template_path, template_item = "/templates/{}", ()
    statuses = MappingProxyType({501: Refused})  # a link that does not lead to S3
    message = ("error", "context", "message")

    def __init__(
        self, settings: ProviderSettings | None = None, *, client: Client | None = None
    ) -> None:
        super().__init__(settings, client=client)
        self._uploads: dict[str, str] = {}  #: digest of a narration -> id of its upload

    async def prepare(self, operation: Operation, request: VendorRequest, /) -> dict[str, Any]:
        """Upload a narration; raises ``Unavailable`` once, while Synthesia processes it.

        Of a template, the variables are checked.
        """
        if isinstance(request, VideoRequest) and request.template is not None:
            await self._filled(request.template)
            return {}
        if not isinstance(request, VideoRequest) or request.audio is None:
            return {}
        self._check(request)
        _require_language(request)
        audio = request.audio
        if audio.sha256 in self._uploads:
            return {"scriptAudio": self._uploads.pop(audio.sha256)}
        address = f"{self._host('upload')}/scriptAudio"
        told = await self._call("POST", address, operation=operation, content=audio)
        upload = id_at(told, "id")
        if upload is None:
            raise self._bad(operation, "the answer to the upload has no id")
        self._uploads[audio.sha256] = upload
        raise Unavailable(
            "Synthesia is still processing the narration; try again shortly.",
            provider=self.name,
            operation=operation,
            retry_after=_PAUSE,
        )

    @classmethod
    def takes_scenes(cls, scenes: Sequence[Scene], settings: VideoSettings, /) -> bool:
        """Return True for at most 25 scenes, which have their own avatars and backgrounds."""
        del settings  # they hold for the whole video
        return len(scenes) <= _MOST_SCENES

    async def generate_video(self, request: VideoRequest, /) -> Job:
        """Submit; sent once. Recorded audio needs its language, such as "en-US"."""
        if request.template is not None:
            return await self._submit(
                Operation.VIDEO,
                "/videos/fromTemplate",
                request,
                SynthesiaVideo,
                templateId=request.template.id,
                templateData={name: value for _, name, value in request.template.values},
                title=request.token,
                callbackId=request.token,
            )
        if request.audio is not None:
            _require_language(request)
        own = self._option(request, SynthesiaScene)
        whole = Scene(text=request.script or "-")
        scenes = [_scene(scene, request, own) for scene in request.scenes or (whole,)]
        return await self._submit(
            Operation.VIDEO,
            "/videos",
            request,
            SynthesiaVideo,
            title=request.token,
            callbackId=request.token,
            input=scenes,
        )

    async def dub_video(self, request: DubRequest, /) -> Job:
        """Submit; sent once. The source must have a link to S3."""
        if request.source.url is None:
            raise Unsupported(
                "synthesia fetches the source by a link, and this store has none: use an S3 store"
            )
        return await self._submit(
            Operation.DUB,
            "/dubbing",
            request,
            SynthesiaDub,
            title=request.token,
            targetLanguages=[dialect(request.language)],
            sourceVideoUrl=request.source.url,
        )

    async def register_webhook(self, url: str) -> Registered:
        """Register ``url`` for signed webhooks; store the secret, it is returned only once.

        The call is sent once: a lost answer may leave a registration, which the Studio lists.
        """
        body = {"url": url, "events": sorted(_EVENTS)}
        raw = await self._call("POST", "/webhooks", operation=Operation.VIDEO, body=body, once=True)
        return self._registered(Operation.VIDEO, raw, "id", "secret")

    def events(self, delivery: Delivery) -> list[VendorEvent]:
        """Check and read a delivery, whose ``data`` is the video."""
        self.capabilities.webhook.check(delivery, self._settings.webhook_secrets)
        told = delivery.json()
        video = as_object(told.get("data"))
        ended = _EVENTS.get(str(told.get("type")))
        if ended is None or not video.get("id"):
            return []
        known = {**video, "status": video.get("status") or ended}
        job = self._job(Operation.VIDEO, known).model_copy(update={"raw": video})
        return self._events(delivery, job)

    def _read_on(self, job: Job) -> Job:
        """Read the result of a finished project with one dub, which is in that dub."""
        dubs = as_objects(job.raw.get("dubbedAssets"))
        if job.state is not JobState.SUCCEEDED or not dubs:
            return job
        dub = self._job(job.operation, {**dubs[0], "id": job.id})
        return dub.model_copy(update={"raw": job.raw})


def _scene(scene: Scene, request: VideoRequest, own: SynthesiaScene) -> dict[str, Any]:
    """One of the video's scenes; the narration, if there is one, is that of the only scene."""
    settings = {
        "style": own.style,
        "voice": scene.voice or request.voice_id,  # None: the avatar's default voice
        "horizontalAlign": scene.layout or own.horizontal_align,
        "scale": own.scale,
        "seamless": own.seamless,
    }
    said: dict[str, Any] = {
        "avatar": scene.avatar or request.avatar_id,
        "background": scene.background or own.background,
        "avatarSettings": {name: value for name, value in settings.items() if value is not None},
    }
    if request.audio is None:
        said["scriptText"] = scene.text
    else:
        said["scriptAudio"] = request.prepared.get("scriptAudio")
        said["scriptLanguage"] = request.language
    return said | own.extra


#: State of the video, by the type of the event.
_EVENTS: Mapping[str, str] = {"video.completed": "complete", "video.failed": "error"}


def _require_language(request: VideoRequest) -> None:
    if not request.language:
        raise Unsupported("synthesia needs the language of recorded audio: give one, such as en-US")
