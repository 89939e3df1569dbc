"""The adapter for the vendor of the proof, as another distribution would write it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence

from avatarkit.interfaces import AvatarTrainer, Capabilities, VideoGenerator, VoiceCloner
from avatarkit.models import AvatarRequest, Job, JobState, Operation, VideoRequest, VoiceRequest
from avatarkit.providers.http import HttpProvider, Reads, fetch

#: Seconds that a job is said to take: how often it is looked at follows from that.
_TYPICAL = float(os.environ.get("ACME_TYPICAL", "0.5"))


class Acme(HttpProvider, VoiceCloner, AvatarTrainer, VideoGenerator):
    """Voices, avatars and videos at the vendor of the proof."""

    name = "acme"
    api_version = "1"
    base_url = "http://127.0.0.1:9"  # its port is free, so each run says where it is
    key_env = "ACME_API_KEY"
    key_header = "x-acme-key"
    capabilities = Capabilities(
        list_lag=0.3,
        typical=dict.fromkeys((Operation.VOICE, Operation.AVATAR, Operation.VIDEO), _TYPICAL),
    )
    reads = Reads(
        ids=dict.fromkeys((Operation.VOICE, Operation.AVATAR, Operation.VIDEO), ("id",)),
        states={"working": JobState.RUNNING, "ready": JobState.SUCCEEDED},
        links={"video": ("video",), "thumbnail": ("thumbnail",)},
        items=("items",),
        cursor=("next_page",),
        cursor_parameter="page",
    )

    async def clone_voice(self, request: VoiceRequest, /) -> Job:
        """Submit; sent once."""
        files = [("files", sample) for sample in request.samples]
        return await self._submit(
            Operation.VOICE, "/voices", request, files=files, name=request.token
        )

    async def get_voice(self, voice_id: str, /) -> Job:
        """Poll."""
        return await self._get(Operation.VOICE, "/voices/{}", voice_id)

    async def find_voice(self, token: str, /) -> Sequence[Job]:
        """Every voice of that name."""
        return await self._find(Operation.VOICE, "/voices", token, token=token)

    async def delete_voice(self, voice_id: str, /) -> None:
        """Delete."""
        await self._delete(Operation.VOICE, "/voices/{}", voice_id)

    async def train_avatar(self, request: AvatarRequest, /) -> Job:
        """Submit; sent once."""
        return await self._submit(
            Operation.AVATAR,
            "/avatars",
            request,
            files=[("file", request.footage)],
            name=request.token,
            voice=request.voice_id,
        )

    async def get_avatar(self, avatar_id: str, /) -> Job:
        """Poll."""
        return await self._get(Operation.AVATAR, "/avatars/{}", avatar_id)

    async def find_avatar(self, token: str, /) -> Sequence[Job]:
        """Every avatar of that name."""
        return await self._find(Operation.AVATAR, "/avatars", token, token=token)

    async def delete_avatar(self, avatar_id: str, /) -> None:
        """Delete."""
        await self._delete(Operation.AVATAR, "/avatars/{}", avatar_id)

    async def generate_video(self, request: VideoRequest, /) -> Job:
        """Submit; sent once."""
        return await self._submit(
            Operation.VIDEO,
            "/videos",
            request,
            name=request.token,
            avatar=request.avatar_id,
            voice=request.voice_id,
            script=request.script,
        )

    async def get_video(self, video_id: str, /) -> Job:
        """Poll."""
        return await self._get(Operation.VIDEO, "/videos/{}", video_id)

    async def find_video(self, token: str, /) -> Sequence[Job]:
        """Every video of that name."""
        return await self._find(Operation.VIDEO, "/videos", token, token=token)

    async def delete_video(self, video_id: str, /) -> None:
        """Delete."""
        await self._delete(Operation.VIDEO, "/videos/{}", video_id)

    def fetch(self, url: str, /) -> AsyncIterator[bytes]:
        """Open a result; its link is a path at the vendor, which lies on this machine."""
        return fetch(self._client, self._base_url + url, allow_private=True)
