"""Rask: dubs of existing videos.

https://docs.api.rask.ai, version 2. An access token is fetched with the client's id and secret, and
is valid for an hour. The video is uploaded, processed by Rask, and then becomes a project, the dub.
"""

from __future__ import annotations

import base64
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from pydantic import SecretStr

from ..content.subtitles import read_srt, timestamp
from ..errors import AuthError, ConfigError, MediaRejected, QuotaError, Refused, Unavailable
from ..interfaces import (
    Balance,
    BeginsSteps,
    Capabilities,
    Prepares,
    ProviderSettings,
    TellsBalance,
)
from ..models import DubRequest, Job, JobState, Media, Operation, Options, VendorRequest
from .bodies import without_none
from .http import (
    Call,
    Client,
    Explanation,
    HttpRequest,
    HttpVideoDubber,
    Paths,
    Reads,
    flag_at,
    id_at,
    number_at,
    parse_progress,
    path_segment,
    said_at,
    send,
    text_at,
    vendor_data,
)
from .languages import dialect

__all__ = ["Rask", "RaskDub", "RaskLipSync"]

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


class RaskLipSync(Options):
    """Let Rask move the lips of the dub; it charges the video's minutes once more."""

    several_speakers: bool = False  #: several faces at once; takes longer


#: End of a project's name -> body of the call that moves its lips. Polls know only the project, so
#: its name says that its lips are to be moved.
_LIP_SYNC: Mapping[str, Mapping[str, bool]] = {
    " (lip-sync)": {"is_multiple_speakers": False, "is_free_lipsync": False},
    " (lip-sync of several)": {"is_multiple_speakers": True, "is_free_lipsync": False},
}
#: States of a task for lips that is to be begun, and of a face check.
_TO_BEGIN = frozenset({None, "outdated"})


class Rask(HttpVideoDubber, Prepares, BeginsSteps, TellsBalance):
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
    option_types = (RaskDub, RaskLipSync)
    capabilities = Capabilities(
        media=frozenset({"url", "data"}),
        drive=frozenset(),
        dub_subtitles=(frozenset({"source", "translation"}),),
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
        self._check(request)
        source = request.source
        segments = await self._segments(request)
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
        return {"video_id": media_id} | await self._transcribed(operation, segments)

    async def _segments(self, request: DubRequest) -> list[dict[str, Any]]:
        """Segments of subtitles of one's own; raises ``MediaRejected`` if they do not match."""
        if not request.subtitles:
            return []
        said, spoken = [
            read_srt((await _read(request.subtitles[kind])).decode())
            for kind in ("source", "translation")
        ]
        if len(said) != len(spoken):
            raise MediaRejected(
                f"the subtitles of the source have {len(said)} captions, those of the translation "
                f"{len(spoken)}: Rask takes one translation for each"
            )
        lang = self._option(request, RaskDub).src_lang
        return [
            {
                "src": without_none({"text": "\n".join(source.lines), "lang": lang}),
                "dst": {
                    "text": "\n".join(translation.lines),
                    "lang": dialect(request.language).lower(),
                },
                "start": timestamp(source.start, ","),
                "end": timestamp(source.end, ","),
            }
            for source, translation in zip(said, spoken, strict=True)
        ]

    async def _transcribed(
        self, operation: Operation, segments: Sequence[Mapping[str, Any]]
    ) -> dict[str, Any]:
        """Hand in the segments, if there are any; a free call."""
        if not segments:
            return {}
        told = await self._call(
            "POST", "/v2/transcriptions", operation=operation, body={"segments": segments}
        )
        transcript_id = id_at(told, "id")
        if transcript_id is None:
            raise self._bad(operation, "the answer names no transcription")
        return {"transcript_id": transcript_id}

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
            name=request.token + _wish(request.options),
            video_id=request.prepared.get("video_id"),
            transcript_id=request.prepared.get("transcript_id"),
            dst_lang=dialect(request.language).lower(),
        )

    async def get_dub(self, dub_id: str, /) -> Job:
        """Poll; once a project is dubbed whose lips are to be moved, poll that."""
        job = await super().get_dub(dub_id)
        if _lips_of(job) is None or job.state is not JobState.SUCCEEDED:
            return job
        return await self._lip_synced(job)

    async def _lip_synced(self, job: Job) -> Job:
        """Read how far the lips are, and which task is to be begun next."""
        path = f"/v2/projects/{path_segment(job.id)}/lipsync"
        told = await self._call("GET", path, operation=Operation.DUB)
        task, face = text_at(told, "lipsync_task_status"), text_at(told, "check_face_task_status")
        video = text_at(told, "lipsync_result_path")
        if task == "done" and video is not None:
            return job.model_copy(update={"links": {**job.links, "video": video}})
        begin = task in _TO_BEGIN
        if why := _lips_failed(task, face if begin else None, flag_at(told, "video_has_face")):
            return job.model_copy(update={"state": JobState.FAILED, "reason": why})
        due = {None: "check_face", "outdated": "check_face", "done": "lipsync"}
        progress = parse_progress(number_at(told, "lipsync_task_progress"), 100)
        known: dict[str, Any] = {"state": JobState.RUNNING, "links": {}, "progress": progress}
        known["next_step"] = due.get(face) if begin else None
        return job.model_copy(update=known)

    async def begin_step(self, job: Job, /) -> None:
        """Look for faces, or move the lips; sent once. Rask charges once for each project."""
        path = f"/v2/projects/{path_segment(job.id)}/{job.next_step}"
        body = _lips_of(job) if job.next_step == "lipsync" else None
        await self._call("PUT", path, operation=Operation.DUB, body=body, once=True)

    def _carries(self, item: Mapping[str, Any], token: str) -> bool:
        """Return True for a project with the token as its name, or as the begin of its name."""
        return said_at(item, "name") in {token, *(f"{token}{end}" for end in _LIP_SYNC)}

    def _read_on(self, job: Job) -> Job:
        """Keep a project running until its link appears; its state is set before that."""
        if job.state is JobState.SUCCEEDED and "video" not in job.links:
            return job.model_copy(update={"state": JobState.RUNNING})
        return job


def _wish(options: Sequence[Options]) -> str:
    """End of the name of a project whose lips are to be moved; empty for any other."""
    asked = next((o for o in reversed(options) if isinstance(o, RaskLipSync)), None)
    return "" if asked is None else tuple(_LIP_SYNC)[asked.several_speakers]


def _lips_of(job: Job) -> Mapping[str, bool] | None:
    """Body of the call that moves the lips of this project; None if it shall have its own."""
    name = said_at(job.raw, "name") or ""
    return next((body for end, body in _LIP_SYNC.items() if name.endswith(end)), None)


def _lips_failed(task: str | None, face: str | None, has_face: bool | None) -> str | None:
    """Reason why the lips of a dubbed project cannot be moved; None if they can."""
    if "failed" in {task, face}:
        return "Rask dubbed the video, but could not move its lips"
    if face == "done" and has_face is False:
        return "Rask dubbed the video, but found no face in it: dub it without RaskLipSync"
    return None


async def _read(media: Media) -> bytes:
    return b"".join([chunk async for chunk in media.open()])
