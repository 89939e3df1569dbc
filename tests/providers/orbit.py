"""Orbit, an invented vendor: avatars of a picture, and videos of them."""

from avatarkit.interfaces import Capabilities
from avatarkit.models import AvatarRequest, Job, JobState, Operation, Options, VideoRequest
from avatarkit.providers.http import (
    HttpAvatarTrainer,
    HttpVideoGenerator,
    Paths,
    Reads,
    vendor_data,
)
from avatarkit.webhooks import HmacSha256


class OrbitVideo(Options):
    """Orbit's own extras for a video."""

    background: str | None = None


class Orbit(HttpAvatarTrainer, HttpVideoGenerator):
    """Avatars of one picture; videos of them by script or audio."""

    name = "orbit"
    api_version = "1"
    base_url = "https://api.orbit.example/v1"
    key_env, key_prefix = "ORBIT_API_KEY", "Bearer "
    data = vendor_data("orbit", package=__package__)  # data/orbit.toml
    option_types = (OrbitVideo,)
    capabilities = Capabilities(
        drive=frozenset({"script", "audio"}),
        callback=True,
        webhook=HmacSha256(header="Orbit-Signature"),
        typical={Operation.AVATAR: 300.0, Operation.VIDEO: 60.0},
    )
    paths = {Operation.AVATAR: Paths.of("/avatars"), Operation.VIDEO: Paths.of("/videos")}
    reads = Reads(
        ids={Operation.AVATAR: ("avatar_id",), Operation.VIDEO: ("video_id",)},
        states={
            "waiting": JobState.QUEUED,
            "working": JobState.RUNNING,
            "done": JobState.SUCCEEDED,
            "failed": JobState.FAILED,
        },
        progress=("percent",),
        links={"video": ("file.url",)},
        reason=("error.message",),
        token=("label",),
        items=("items",),
        cursor=("next",),
    )

    async def train_avatar(self, request: AvatarRequest, /) -> Job:
        return await self._submit(
            Operation.AVATAR,
            "/avatars",
            request,
            files=[("picture", request.footage)],
            label=request.token,
            webhook_url=request.callback_url,
        )

    async def generate_video(self, request: VideoRequest, /) -> Job:
        return await self._submit(
            Operation.VIDEO,
            "/videos",
            request,
            OrbitVideo,
            files=[("audio", request.audio)] if request.audio else None,
            label=request.token,
            avatar_id=request.avatar_id,
            script=request.script,
            voice_id=request.voice_id,
            webhook_url=request.callback_url,
        )
