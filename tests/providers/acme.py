"""A small adapter for an invented vendor, as a third party would write one."""

from __future__ import annotations

from collections.abc import Sequence

from avatarkit import errors
from avatarkit.interfaces import (
    AvatarTrainer,
    Capabilities,
    SpeechSynthesizer,
    VideoDubber,
    VideoGenerator,
    VoiceCloner,
)
from avatarkit.models import (
    AvatarRequest,
    DubRequest,
    Job,
    JobState,
    Operation,
    Options,
    Speech,
    SpeechRequest,
    VideoRequest,
    VoiceRequest,
)
from avatarkit.providers.http import HttpProvider, Reads
from avatarkit.webhooks import HmacSha256


class AcmeVideo(Options):
    """Acme's own extras for a video."""

    fast: bool | None = None


class Acme(
    HttpProvider, VoiceCloner, AvatarTrainer, VideoGenerator, VideoDubber, SpeechSynthesizer
):
    """Takes media by link and by bytes, signs its webhooks, and has idempotency keys."""

    name = "acme"
    api_version = "2"
    base_url = "https://api.acme.example/v2"
    key_env, key_prefix = "ACME_API_KEY", "Bearer "
    idempotency_header = "idempotency-key"
    option_types = (AcmeVideo,)
    capabilities = Capabilities(
        media=frozenset({"url", "data"}),
        drive=frozenset({"script", "audio"}),
        callback=True,
        webhook=HmacSha256(header="Acme-Signature"),
        idempotency_window=86_400.0,
    )
    reads = Reads(
        ids={
            Operation.VOICE: ("voice_id",),
            Operation.AVATAR: ("face_id", "avatar.id"),
            Operation.VIDEO: ("video_id",),
            Operation.DUB: ("dub_id",),
        },
        refs={Operation.AVATAR: ("look_id",)},
        states={
            "started": JobState.RUNNING,
            "consent": JobState.NEEDS_ACTION,
            "ready": JobState.SUCCEEDED,
            "error": JobState.FAILED,
            "deleted": JobState.GONE,
        },
        unsaid={Operation.VOICE: JobState.SUCCEEDED},
        progress=("progress",),
        links={"video": ("download_url",), "thumbnail": ("thumbnail_url",)},
        reason=("error_message",),
        consent_url=("consent_url",),
        cursor=("next",),
    )
    codes = {"no_credits": errors.QuotaError, "plan": errors.PlanError}

    async def clone_voice(self, request: VoiceRequest, /) -> Job:
        return await self._submit(
            Operation.VOICE,
            "/voices",
            request,
            files=[("files", sample) for sample in request.samples],
            name=request.token,
            # a recording that can be fetched is named as well, so that it is listed
            sources=[sample.url for sample in request.samples if sample.url] or None,
            callback=request.callback_url,
        )

    async def get_voice(self, voice_id: str, /) -> Job:
        return await self._get(Operation.VOICE, "/voices/{}", voice_id)

    async def find_voice(self, token: str, /) -> Sequence[Job]:
        return await self._find(Operation.VOICE, "/voices", token)

    async def delete_voice(self, voice_id: str, /) -> None:
        await self._delete(Operation.VOICE, "/voices/{}", voice_id)

    async def train_avatar(self, request: AvatarRequest, /) -> Job:
        footage = request.required_footage
        return await self._submit(
            Operation.AVATAR,
            "/faces",
            request,
            files=None if footage.url else [("footage", footage)],
            name=request.token,
            footage_url=footage.url,
            callback=request.callback_url,
        )

    async def get_avatar(self, avatar_id: str, /) -> Job:
        return await self._get(Operation.AVATAR, "/faces/{}", avatar_id)

    async def find_avatar(self, token: str, /) -> Sequence[Job]:
        return await self._find(Operation.AVATAR, "/faces", token, limit=2)

    async def delete_avatar(self, avatar_id: str, /) -> None:
        await self._delete(Operation.AVATAR, "/faces/{}", avatar_id)

    async def generate_video(self, request: VideoRequest, /) -> Job:
        return await self._submit(
            Operation.VIDEO,
            "/videos",
            request,
            AcmeVideo,
            name=request.token,
            face_id=request.avatar_id,
            script=request.script,
            audio_url=request.audio and request.audio.url,
            callback=request.callback_url,
        )

    async def get_video(self, video_id: str, /) -> Job:
        return await self._get(Operation.VIDEO, "/videos/{}", video_id)

    async def find_video(self, token: str, /) -> Sequence[Job]:
        return await self._find(Operation.VIDEO, "/videos", token)

    async def delete_video(self, video_id: str, /) -> None:
        await self._delete(Operation.VIDEO, "/videos/{}", video_id)

    async def dub_video(self, request: DubRequest, /) -> Job:
        source = request.source
        return await self._submit(
            Operation.DUB,
            "/dubs",
            request,
            files=None if source.url else [("source", source)],
            name=request.token,
            source_url=source.url,
            language=request.language,
            callback=request.callback_url,
        )

    async def get_dub(self, dub_id: str, /) -> Job:
        return await self._get(Operation.DUB, "/dubs/{}", dub_id)

    async def find_dub(self, token: str, /) -> Sequence[Job]:
        return await self._find(Operation.DUB, "/dubs", token)

    async def delete_dub(self, dub_id: str, /) -> None:
        await self._delete(Operation.DUB, "/dubs/{}", dub_id)

    async def synthesize(self, request: SpeechRequest, /) -> Speech:
        return await self._speak(f"/speech/{request.voice_id}", request, text=request.text)
