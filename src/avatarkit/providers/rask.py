"""Rask: dubs of existing videos.

https://docs.api.rask.ai, version 2. An access token is fetched with the client's id and secret, and
is valid for an hour. The video is uploaded, processed by Rask, and then becomes a project, the dub.
"""

from __future__ import annotations

import base64
import re
import time
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from pydantic import SecretStr

from ..errors import AuthError, ConfigError, QuotaError, Refused, Unavailable
from ..interfaces import Balance, Capabilities, Prepares, ProviderSettings, TellsBalance
from ..models import DubRequest, Job, JobState, Media, Operation, Options, VendorRequest
from .http import (
    Call,
    Client,
    Explanation,
    HttpRequest,
    HttpVideoDubber,
    Paths,
    Reads,
    id_at,
    number_at,
    path_segment,
    send,
    text_at,
    vendor_data,
)
from .languages import dialect

__all__ = ["Rask", "RaskDub"]

_SCOPE = "api/source api/input api/output api/limit"
_LIFETIME = 3600.0  #: lifetime of a token in seconds, if the answer does not tell it
_UNAUTHORIZED, _FORBIDDEN = 401, 403
#: A token is renewed so many seconds before it expires.
_EARLY = 120.0
#: Seconds between two polls of an upload in progress, as in the vendor's sample.
_PAUSE = 10.0

#: Steps of a project; each has a state "started", and most have a state "done".
_STEPS = (
    *("transcription", "transcribe_segments", "separate_background", "determine_speakers"),
    *("voice_suggest", "translation", "voice_update", "voiceover", "merging"),
)


class RaskDub(Options):
    """Extras of a dub."""

    src_lang: str | None = None  #: without a dialect, such as "en"; detected if not given
    num_speakers: int | None = None  #: detected if not given
    glossary_id: str | None = None
    transcript_id: str | None = None


class Rask(HttpVideoDubber, Prepares, TellsBalance):
    """Dubs of videos; without webhooks, and without calls that delete."""

    name = "rask"
    api_version = "2"
    base_url = "https://api.rask.ai"
    hosts = MappingProxyType(
        {"token": "https://rask-prod.auth.us-east-2.amazoncognito.com/oauth2/token"}
    )
    needs = frozenset({"api_key", "client_id"})
    key_env = "RASK_CLIENT_SECRET"
    data = vendor_data("rask")
    option_types = (RaskDub,)
    capabilities = Capabilities(
        media=frozenset({"url", "data"}),
        drive=frozenset(),
        found_by_token=frozenset({Operation.DUB}),
    )
    #: no call that deletes a project or an upload is documented
    paths = {Operation.DUB: Paths("/v2/projects/{}", "/v2/projects", {"offset": 0, "limit": 50})}
    reads = Reads(
        ids={Operation.DUB: ("id",)},
        states=MappingProxyType(
            {
                "created": JobState.QUEUED,
                "uploading": JobState.QUEUED,
                "uploaded": JobState.QUEUED,
                **{f"{step}_started": JobState.RUNNING for step in _STEPS},
                **{f"{step}_done": JobState.RUNNING for step in _STEPS},
                **{f"{step}_failed": JobState.FAILED for step in ("upload", *_STEPS)},
                "merging_done": JobState.SUCCEEDED,
                # edited in the web app: a person must render it again there
                "transcript_edited": JobState.RUNNING,
                "voice_edited": JobState.RUNNING,
                **dict.fromkeys(
                    ("failed", "no_audio", "no_words", "forbidden_link"), JobState.FAILED
                ),
            }
        ),
        unsaid={Operation.DUB: JobState.RUNNING},
        links={
            "video": ("translated_video",),
            "audio": ("translated_audio",),
            "subtitles_srt": ("translation_srt_path",),
            "subtitles_vtt": ("translation_vtt_path",),
        },
        reason=("status",),  # "no_audio", "voiceover_failed": there is no other reason
        items=("projects",),
        cursor_parameter="offset",
        counts="jobs",
        total_jobs=("total",),
    )
    code = ("error",)
    message = ("detail", "error_description", "error")

    def __init__(
        self, settings: ProviderSettings | None = None, *, client: Client | None = None
    ) -> None:
        super().__init__(settings, client=client)
        if not self._settings.client_id:
            raise ConfigError(
                "rask needs a client id beside its secret: set AVATARKIT_RASK_CLIENT_ID or "
                "RASK_CLIENT_ID"
            )
        self._token, self._until = "", 0.0
        self._uploads: dict[str, str] = {}  #: digest of a recording -> id of its upload

    @property
    def _pair(self) -> str:
        """Id and secret of the client, as the header of the sign-in carries them."""
        return base64.b64encode(f"{self._settings.client_id}:{self._key}".encode()).decode()

    @property
    def _token(self) -> str:
        return self._sealed_token.get_secret_value()

    @_token.setter
    def _token(self, token: str) -> None:
        self._sealed_token = SecretStr(token)

    def explain(self, status: int, body: Any) -> Explanation:
        """Read an error answer; minutes that are used up come as a 403, in words alone."""
        told = super().explain(status, body)
        spent = status == _FORBIDDEN and "minutes" in (told.message or "").lower()
        return replace(told, kind=QuotaError) if spent and told.kind is None else told

    # -- signing in ---------------------------------------------------------------------------

    async def _send(self, request: HttpRequest, call: Call) -> dict[str, Any]:
        """Send with an access token; repeat a free call if the token expired early.

        A paid call is never repeated; the next one uses a new token.
        """
        await self._sign(request)
        try:
            return await super()._send(request, call)
        except AuthError as error:
            self._until = 0.0
            if call.billable or error.status != _UNAUTHORIZED:
                raise
        await self._sign(request)
        return await super()._send(request, call)

    async def _sign(self, request: HttpRequest) -> None:
        if not self._token or time.time() > self._until - _EARLY:
            await self._sign_in()
        request.headers["authorization"] = f"Bearer {self._token}"

    async def _sign_in(self) -> None:
        request = self._client.build_request(
            "POST",
            self._host("token"),
            data={"grant_type": "client_credentials", "scope": _SCOPE},
            headers={"authorization": f"Basic {self._pair}"},
        )
        call = Call(
            provider=self.name,
            operation="sign-in",
            timeout=self._settings.timeout,
            explain=self.explain,
            redact=self._redacted,
        )
        now = time.time()
        told = await send(self._client, request, call)
        token, lifetime = told.get("access_token"), number_at(told, "expires_in")
        if not isinstance(token, str) or not re.fullmatch(r"[\x21-\x7e]+", token):
            raise call.unclear("login succeeded but returned no token")
        self._token = token
        self._until = now + (_LIFETIME if lifetime is None else lifetime)

    def _secrets(self) -> tuple[str, ...]:
        return (*super()._secrets(), self._token, self._pair)

    # -- the dub ------------------------------------------------------------------------------

    async def prepare(self, operation: Operation, request: VendorRequest, /) -> dict[str, Any]:
        """Upload the video; raises ``Unavailable`` while Rask is processing it."""
        if not isinstance(request, DubRequest):
            return {}
        source = request.source
        known = self._uploads.get(source.sha256)
        media = await (self._look(operation, known) if known else self._upload(operation, source))
        media_id, status = id_at(media, "id"), text_at(media, "status")
        if media_id is None:
            raise self._bad(operation, "the answer names no upload")
        if status == "failed":
            self._uploads.pop(source.sha256, None)
            raise Refused(
                f"rask cannot read {source.name}. Export it as MP4 (H.264, AAC), and dub that.",
                provider=self.name,
                operation=operation,
            )
        if status != "ready":
            self._uploads[source.sha256] = media_id
            raise Unavailable(
                "Rask is still processing the upload; try again shortly.",
                provider=self.name,
                operation=operation,
                retry_after=_PAUSE,
            )
        self._uploads.pop(source.sha256, None)
        return {"video_id": media_id}

    async def _upload(self, operation: Operation, source: Media) -> dict[str, Any]:
        if source.url is None:
            return await self._call(
                "POST",
                "/api/library/v1/media?kind=video",
                operation=operation,
                files=[("data", source)],
            )
        return await self._call(
            "POST",
            "/api/library/v1/media/link",
            operation=operation,
            body={"link": source.url, "kind": "video", "name": source.name},
        )

    async def _look(self, operation: Operation, media_id: str) -> dict[str, Any]:
        path = f"/api/library/v1/media/{path_segment(media_id)}"
        return await self._call("GET", path, operation=operation)

    async def balance(self) -> Balance:
        """Remaining minutes of the plan; a dub takes one for each minute of its video."""
        raw = await self._call("GET", "/v2/credits", operation=Operation.DUB)
        total, used = number_at(raw, "minutes.total"), number_at(raw, "minutes.used")
        left = None if total is None or used is None else max(total - used, 0.0)
        return Balance(left, "minutes")

    async def dub_video(self, request: DubRequest, /) -> Job:
        """Submit; sent once. The language is a dialect, such as "es-es"."""
        return await self._submit(
            Operation.DUB,
            "/v2/projects",
            request,
            RaskDub,
            name=request.token,
            video_id=request.prepared.get("video_id"),
            dst_lang=dialect(request.language).lower(),
        )

    def _read_on(self, job: Job) -> Job:
        """Keep a project running until its link appears; its state is set before that."""
        if job.state is JobState.SUCCEEDED and "video" not in job.links:
            return job.model_copy(update={"state": JobState.RUNNING})
        return job
