"""HeyGen: voices, avatars, videos, speech and dubs.

https://developers.heygen.com, version 3 only. Recordings are uploaded free of charge before the
paid call. Each paid call has an idempotency key, and our token as its name. An avatar is a group,
which is polled and deleted, with looks; a look is used in videos.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any, Literal

from ... import errors
from ...interfaces import (
    Balance,
    Capabilities,
    Discards,
    Language,
    ListsLanguages,
    MakesScenes,
    Prepares,
    SpeechSynthesizer,
    TellsBalance,
)
from ...models import (
    Action,
    AvatarRequest,
    DubRequest,
    Job,
    JobState,
    Media,
    Operation,
    Options,
    Scene,
    Speech,
    SpeechRequest,
    SubtitleKind,
    VendorEvent,
    VendorRequest,
    VideoRequest,
    VideoSettings,
    VoiceRequest,
    media_type_of,
)
from ...webhooks import Delivery, HmacSha256, Registered
from ..catalogue import HttpCatalogue
from ..http import (
    HttpAvatarTrainer,
    HttpVideoDubber,
    HttpVideoGenerator,
    HttpVoiceCloner,
    Paths,
    Places,
    Reads,
    as_object,
    as_objects,
    id_at,
    list_at,
    number_at,
    path_segment,
    primary_language,
    read_timings,
    said_at,
    text_at,
    value_at,
    vendor_data,
)
from ..languages import named
from . import scenes
from .catalogue import LISTINGS
from .engines import choose_engine
from .options import HeyGenAvatar, HeyGenDub, HeyGenSpeech, HeyGenVideo, HeyGenVoice

_DATA = vendor_data("heygen")
_LOOK = "look:"  #: begins the id of a job that is one look of a group
#: Larger uploads go directly to the vendor's storage (bytes).
_SMALL = 32_000_000
#: Media types that HeyGen accepts as uploads.
_UPLOADS = (
    *("audio/mpeg", "audio/wav", "image/jpeg", "image/png", "video/mp4", "video/webm"),
    "application/x-subrip",
)
#: Kind of a dub's own subtitles -> the video that they belong to, in HeyGen's words.
_SRT_ROLES: Mapping[SubtitleKind, str] = {"translation": "output", "source": "input"}

#: Operation and id of a webhook, by the first word of its type. UNVERIFIED for avatars.
_EVENTS: Mapping[str, tuple[Operation, Places]] = {
    "avatar_video": (Operation.VIDEO, ("video_id",)),
    "video_translate": (
        Operation.DUB,
        ("video_translation_id", "video_translate_id", "id", "video_id"),
    ),
    **dict.fromkeys(
        ("instant_avatar", "photo_avatar_generation", "photo_avatar_train"),
        (
            Operation.AVATAR,
            ("avatar_group_id", "group_id", "avatar_id", "photo_avatar_id", "id"),
        ),
    ),
}
_ENDS: Mapping[str, JobState] = {"success": JobState.SUCCEEDED, "fail": JobState.FAILED}


class HeyGen(
    HttpVoiceCloner,
    HttpAvatarTrainer,
    HttpVideoGenerator,
    SpeechSynthesizer,
    HttpVideoDubber,
    HttpCatalogue,
    Prepares,
    Discards,
    ListsLanguages,
    MakesScenes,
    TellsBalance,
):
    """Adapter with all five roles."""

    name = "heygen"
    api_version = "v3"
    base_url = "https://api.heygen.com/v3"
    key_env, key_header = "HEYGEN_API_KEY", "x-api-key"
    idempotency_header = "idempotency-key"
    data = _DATA
    option_types = (HeyGenVoice, HeyGenAvatar, HeyGenVideo, HeyGenSpeech, HeyGenDub)
    capabilities = Capabilities(
        one_voice_file=True,
        templates=True,
        dub_subtitles=(frozenset({"translation"}), frozenset({"source"})),
        drive=frozenset({"script", "audio"}),
        # its voices tell ``support_pause``: "supports SSML pause/break tags"; its OpenAPI document,
        # read 2026-11-30
        markup=frozenset({"break"}),
        callback=True,
        no_callback=frozenset({Operation.VOICE, Operation.AVATAR, Operation.SPEECH}),
        callback_signed=False,
        webhook=HmacSha256(
            header="Heygen-Signature",
            version=None,
            time_header="Heygen-Timestamp",
            time_signed=False,
        ),
        settings=_DATA.settings,
        looks=True,
        list_lag=900.0,  # the real delay is not published
        idempotency_window=86_400.0,
        typical=MappingProxyType(
            {
                Operation.VOICE: 60.0,
                Operation.AVATAR: 600.0,
                Operation.SPEECH: 10.0,
                Operation.VIDEO: 180.0,
                Operation.DUB: 600.0,
            }
        ),
        in_flight=10,
    )
    paths = {
        # unless asked for private ones, only stock voices are listed
        Operation.VOICE: Paths.of("/voices", type="private", limit=100),
        # groups; deleting one deletes its looks
        Operation.AVATAR: Paths.of("/avatars", ownership="private", limit=50),
        Operation.VIDEO: Paths.of("/videos", limit=100),
        Operation.DUB: Paths.of("/video-translations", limit=100),
    }
    reads = Reads(
        ids={
            Operation.VOICE: ("data.voice_clone_id", "data.voice_id", "voice_id"),
            Operation.AVATAR: (
                "data.avatar_group.id",
                "data.avatar_item.group_id",
                "data.id",
                "id",
            ),
            Operation.VIDEO: ("data.video_id", "data.id", "id"),
            Operation.DUB: ("data.video_translation_ids.0", "data.id", "id"),
        },
        refs={Operation.AVATAR: ("data.avatar_item.id",)},
        state=("data.status", "data.avatar_group.status", "data.avatar_item.status", "status"),
        states={
            "waiting": JobState.QUEUED,
            "pending": JobState.QUEUED,
            "processing": JobState.RUNNING,
            "running": JobState.RUNNING,
            "pending_consent": JobState.NEEDS_ACTION,
            "complete": JobState.SUCCEEDED,  # a voice
            "completed": JobState.SUCCEEDED,
            "failed": JobState.FAILED,
        },
        links={
            "video": ("data.captioned_video_url", "data.video_url"),
            "audio": ("data.audio_url",),
            "subtitles_srt": ("data.subtitle_url", "data.srt_caption_url"),
            "subtitles_vtt": ("data.vtt_caption_url",),
            "thumbnail": ("data.thumbnail_url", "data.preview_image_url"),
        },
        reason=(
            "data.failure_message",
            "data.error.message",
            "data.avatar_group.error.message",
            "data.failure_code",
            "data.error.code",
        ),
        seconds=("data.duration", "duration"),
        created_at=("data.created_at", "data.avatar_group.created_at", "created_at"),
        token=("name", "title"),
        cursor=("next_token",),
        cursor_parameter="token",
    )
    code = ("error.code",)
    message = ("error.message",)
    listings = LISTINGS
    template_path = "/templates/{}"

    # -- free things first --------------------------------------------------------------------

    async def prepare(self, operation: Operation, request: VendorRequest, /) -> dict[str, Any]:
        """Upload the recording; also check the look of a video and the language of a dub.

        Raises ``Unsupported`` for inputs that HeyGen does not accept, before anything is paid.
        """
        self._check(request)
        match request:
            case VoiceRequest():
                return {"asset_id": await self._upload(operation, request.samples[0])}
            case AvatarRequest():
                _kind(request, self._option(request, HeyGenAvatar))
                found: dict[str, Any] = {}
                if request.look_of is not None:
                    found["group_id"] = await self._group_of(request.look_of)
                if request.footage is not None:
                    found["asset_id"] = await self._upload(operation, request.footage)
                return found
            case VideoRequest():
                return await self._video_inputs(operation, request)
            case DubRequest():
                return await self._dub_inputs(operation, request)
            case _:
                return {}

    async def _dub_inputs(self, operation: Operation, request: DubRequest) -> dict[str, Any]:
        """Find HeyGen's name of the language; upload the video, and subtitles of one's own."""
        listed = await self._call("GET", "/video-translations/languages", operation=operation)
        names = [str(name) for name in list_at(listed, "data.languages")]
        found = {
            "language": named(request.language, names, self.name, _DATA),
            "asset_id": await self._upload(operation, request.source),
        }
        for kind, file in request.subtitles.items():
            found["srt_asset_id"] = await self._upload(operation, file)
            found["srt_role"] = _SRT_ROLES[kind]
        return found

    async def discard(self, operation: Operation, prepared: Mapping[str, Any], /) -> None:
        """Delete the uploads; a missing one counts as deleted."""
        for name in ("asset_id", "audio_asset_id", "srt_asset_id"):
            if prepared.get(name):
                await self._delete(operation, "/assets/{}", str(prepared[name]))

    async def _upload(self, operation: Operation, media: Media) -> str:
        """Upload, and return the asset's id; HeyGen keeps the asset until it is deleted."""
        if media.media_type not in _UPLOADS:
            raise errors.Unsupported(
                f"heygen takes no {media.media_type} ({media.name}): convert it to MP3, WAV, MP4, "
                "WebM, JPEG or PNG."
            )
        if media.size <= _SMALL:
            files = [("file", media)]
            raw = await self._call("POST", "/assets", operation=operation, files=files)
        else:
            raw = await self._upload_directly(operation, media)
        asset = id_at(raw, "data.asset_id")
        if asset is None:
            raise self._bad(operation, "the answer to the upload has no id")
        return asset

    async def _upload_directly(self, operation: Operation, media: Media) -> dict[str, Any]:
        begun = await self._call(
            "POST",
            "/assets/direct-uploads",
            operation=operation,
            body={
                "filename": media.name,
                "content_type": media.media_type,
                "size_bytes": media.size,
                "checksum_sha256": media.sha256,
            },
        )
        asset = id_at(begun, "data.asset_id")
        address = text_at(begun, "data.upload_url")
        if asset is None or not self._is_link(address):
            raise self._bad(operation, "the answer to the upload has no URL")
        headers = as_object(value_at(begun, "data.upload_headers"))
        await self._call("PUT", address, operation=operation, content=media, headers=headers)
        path = f"/assets/{path_segment(asset)}/complete"
        return await self._call("POST", path, operation=operation, body={})

    async def check_avatar(
        self, avatar_id: str, settings: VideoSettings, options: Sequence[Options], /
    ) -> None:
        """Raise ``Unsupported`` for what no engine of this look can do; a free call."""
        asked = VideoRequest(
            token="", avatar_id=avatar_id, script="-", settings=settings, options=tuple(options)
        )
        await self._look(asked)

    async def _look(self, request: VideoRequest) -> dict[str, Any]:
        """Find the look of a video, if it is not the avatar's own id, and its engine."""
        avatar_id = request.avatar_id
        path = f"/avatars/looks/{path_segment(avatar_id)}"
        try:
            told = (await self._call("GET", path, operation=Operation.VIDEO)).get("data")
        except errors.NotFound:  # the id may be that of a group
            told = _usable(await self._looks(avatar_id))
            if told is None:
                raise
        look = as_object(told)
        found = choose_engine(look, request.settings, self._option(request, HeyGenVideo))
        look_id = id_at(look, "id")
        if look_id not in {None, avatar_id}:
            found["avatar_id"] = look_id
        return found

    async def _video_inputs(self, operation: Operation, request: VideoRequest) -> dict[str, Any]:
        """Find the looks, and upload the audio; or check the variables of a template."""
        if request.template is not None:
            await self._filled(request.template)
            return {}
        if len(request.scenes) > 1:
            return await self._looks_of_scenes(request)
        look = await self._look(request)
        if request.audio is None:
            return look
        return look | {"audio_asset_id": await self._upload(operation, request.audio)}

    async def _looks_of_scenes(self, request: VideoRequest) -> dict[str, Any]:
        """Find the look of each avatar; raises ``Unsupported`` for options of a single scene."""
        if any(type(option) is HeyGenVideo for option in request.options):
            raise errors.Unsupported(
                "HeyGenVideo is for a video of one scene, and this one has several: leave it out"
            )
        looks: dict[str, Any] = {}
        for avatar_id in scenes.avatars(request):
            one = request.model_copy(update={"avatar_id": avatar_id})
            looks[avatar_id] = await self._look(one)
        return {"looks": looks}

    async def _looks(self, group_id: str) -> list[Mapping[str, Any]]:
        """Return the looks of a group; empty if HeyGen's answer has no list."""
        query = {"group_id": group_id, "limit": 50}
        page = await self._call("GET", "/avatars/looks", operation=Operation.AVATAR, query=query)
        return as_objects(page.get("data"))

    def _asset(self, request: VendorRequest, name: str = "asset_id") -> str:
        asset = request.prepared.get(name)
        if not asset:
            raise errors.Unsupported(
                "heygen takes recordings as uploads: call prepare() first, and pass its result as "
                "`prepared`."
            )
        return str(asset)

    # -- voices -------------------------------------------------------------------------------

    async def clone_voice(self, request: VoiceRequest, /) -> Job:
        """Submit; sent once."""
        return await self._submit(
            Operation.VOICE,
            "/voices/clone",
            request,
            HeyGenVoice,
            audio=_by_id(self._asset(request)),
            voice_name=request.token,
            language=primary_language(request.language),
        )

    async def get_voice(self, voice_id: str, /) -> Job:
        """Poll; raises ``NotFound``."""
        return _in_stock(await super().get_voice(voice_id))

    # -- avatars ------------------------------------------------------------------------------

    async def train_avatar(self, request: AvatarRequest, /) -> Job:
        """Submit; sent once. The job's id is the group, its ref the look.

        Another look of a group is a job of its own, whose id begins with ``look:``.
        """
        footage = _by_id(self._asset(request)) if request.footage else None
        kind = _kind(request, self._option(request, HeyGenAvatar))
        job = await self._submit(
            Operation.AVATAR,
            "/avatars",
            request,
            HeyGenAvatar,
            type=kind,
            name=request.token,
            file=None if kind == "prompt" else footage,
            reference_images=[footage] if footage and kind == "prompt" else None,
            avatar_group_id=request.prepared.get("group_id"),
        )
        if request.look_of is None:
            return job
        if job.ref is None:  # it is paid for, and found again by its name
            raise errors.Ambiguous(
                "the answer names no look", provider=self.name, operation=Operation.AVATAR
            )
        return job.model_copy(update={"id": f"{_LOOK}{job.ref}"})

    async def find_avatar(self, token: str, /) -> Sequence[Job]:
        """Return every group that carries the token, else every look; oldest first."""
        if groups := await super().find_avatar(token):
            return groups
        query = {"ownership": "private", "limit": 50}
        looks = await self._find(Operation.AVATAR, "/avatars/looks", token, **query)
        return [_as_look(job) for job in looks]

    async def delete_avatar(self, avatar_id: str, /) -> None:
        """Delete a group with all its looks, or one look; a missing one counts as deleted."""
        if not avatar_id.startswith(_LOOK):
            return await super().delete_avatar(avatar_id)
        look = avatar_id.removeprefix(_LOOK)
        return await self._delete(Operation.AVATAR, "/avatars/looks/{}", look)

    async def _get_look(self, avatar_id: str) -> Job:
        """Poll one look. Adds the consent link of its group while it waits."""
        look = avatar_id.removeprefix(_LOOK)
        job = _as_look(await self._get(Operation.AVATAR, "/avatars/looks/{}", look))
        group = said_at(job.raw, "data.group_id")
        if job.state is JobState.NEEDS_ACTION and group is not None:
            return job.model_copy(update={"action": await self._consent(group)})
        if job.state is JobState.SUCCEEDED and not said_at(job.raw, "data.preview_image_url"):
            return job.model_copy(update={"state": JobState.RUNNING})  # it has no picture yet
        return job

    async def _group_of(self, avatar_id: str) -> str:
        """Find the group of a look; another id is that of a group."""
        path = f"/avatars/looks/{path_segment(avatar_id.removeprefix(_LOOK))}"
        try:
            look = await self._call("GET", path, operation=Operation.AVATAR)
        except errors.NotFound:
            return avatar_id
        return said_at(look, "data.group_id") or avatar_id

    async def get_avatar(self, avatar_id: str, /) -> Job:
        """Poll the group; it is ready with its first look. Adds the consent link while it waits.

        An id that begins with ``look:`` is that of another look, which is polled by itself.
        """
        get = self._get_look if avatar_id.startswith(_LOOK) else self._get_group
        return await get(avatar_id)

    async def _get_group(self, group_id: str) -> Job:
        job = _in_stock(await super().get_avatar(group_id))
        if job.state is JobState.NEEDS_ACTION:
            return job.model_copy(update={"action": await self._consent(job.id)})
        if job.state is not JobState.SUCCEEDED:
            return job
        looks = await self._looks(job.id)
        look = _usable(looks)
        if look is not None:
            return job.model_copy(update={"ref": id_at(look, "id")})
        if any(k.get("status") != "failed" for k in looks):
            return job.model_copy(update={"state": JobState.RUNNING})  # the look has no picture yet
        if looks:
            reason = self._said(looks[0], "error.message", "error.code")
            return job.model_copy(
                update={"state": JobState.FAILED, "reason": reason or "its look failed"}
            )
        return job

    async def _consent(self, group_id: str) -> Action:
        """Request the consent link; with one idempotency key it stays the same for a day."""
        page = self._settings.return_url
        message = "The person must agree at HeyGen, before a webcam: open the link."
        try:
            raw = await self._call(
                "POST",
                f"/avatars/{path_segment(group_id)}/consent",
                operation=Operation.AVATAR,
                body={"reroute_url": page},
                headers=self._keyed(f"consent {group_id} {page}"),
            )
        except (errors.AuthError, errors.PlanError, errors.QuotaError, errors.Refused) as error:
            if error.status == 409:  # another worker is requesting it
                raise
            return Action(kind="open_url", message=f"{message} HeyGen gives none: {error.message}")
        return Action(kind="open_url", message=message, url=text_at(raw, "data.url"))

    def _keyed(self, what: str) -> dict[str, str]:
        """Build the headers of a free call that must have the same answer when it is repeated."""
        digest = hashlib.sha256(what.encode()).hexdigest()
        return self._headers() | {"idempotency-key": f"ak-{digest[:32]}"}

    # -- videos -------------------------------------------------------------------------------

    @classmethod
    def takes_scenes(cls, several: Sequence[Scene], settings: VideoSettings, /) -> bool:
        """Return True if HeyGen's studio makes all of these scenes in one video."""
        return scenes.takes(several, settings)

    async def generate_video(self, request: VideoRequest, /) -> Job:
        """Submit; sent once. Several scenes are a video of the studio."""
        if request.template is not None:
            return await self._submit(
                Operation.VIDEO,
                f"/templates/{path_segment(request.template.id)}",
                request,
                variables=scenes.variables(request.template),
                title=request.token,
                callback_id=request.token,
                callback_url=request.callback_url,
            )
        if len(request.scenes) > 1:
            return await self._submit(
                Operation.VIDEO,
                "/videos",
                request,
                type="studio",
                scenes=scenes.studio(request),
                title=request.token,
                callback_id=request.token,
                callback_url=request.callback_url,
            )
        engine = request.prepared.get("engine")
        return await self._submit(
            Operation.VIDEO,
            "/videos",
            request,
            HeyGenVideo,
            type="avatar",
            avatar_id=request.prepared.get("avatar_id", request.avatar_id),
            script=request.script,
            voice_id=request.voice_id if request.script else None,
            audio_asset_id=self._asset(request, "audio_asset_id") if request.audio else None,
            engine=engine and {"type": engine},
            title=request.token,
            callback_id=request.token,
            callback_url=request.callback_url,
        )

    async def find_video(self, token: str, /) -> Sequence[Job]:
        """Return every video that carries the token, oldest first; HeyGen searches by title."""
        return await self._find(Operation.VIDEO, "/videos", token, limit=100, title=token)

    # -- speech -------------------------------------------------------------------------------

    async def synthesize(self, request: SpeechRequest, /) -> Speech:
        """Submit; sent once. The answer is a link, and its bytes are streamed."""
        language = (request.language or "").replace("_", "-")
        call, sent = self._billable(
            Operation.SPEECH,
            "/voices/speech",
            request,
            options=HeyGenSpeech,
            body={
                "text": request.text,
                "voice_id": request.voice_id,
                "language": primary_language(request.language),
                "locale": language if "-" in language else None,
            },
        )
        raw = await self._send(sent, call)
        link = said_at(raw, "data.audio_url")
        if not self._is_link(link):
            raise call.unclear("the answer has no link to the audio", body=raw)
        media_type = media_type_of(PurePosixPath(link.partition("?")[0]).suffix)
        seconds = said_at(raw, "data.duration")
        return Speech(
            audio=self._fetched(link),
            media_type=media_type if media_type.startswith("audio/") else "audio/mpeg",
            timings=_timings(value_at(raw, "data.word_timestamps")),
            cost=seconds and f"{seconds} seconds",
        )

    # -- dubs ---------------------------------------------------------------------------------

    async def dub_video(self, request: DubRequest, /) -> Job:
        """Submit; sent once, for one language: translations of one call share our token."""
        self._check(request)
        return await self._submit(
            Operation.DUB,
            "/video-translations",
            request,
            HeyGenDub,
            video=_by_id(self._asset(request)),
            output_languages=[request.prepared.get("language", request.language)],
            srt=_by_id(self._asset(request, "srt_asset_id")) if request.subtitles else None,
            srt_role=request.prepared.get("srt_role"),
            title=request.token,
            callback_id=request.token,
            callback_url=request.callback_url,
        )

    async def list_languages(self, operation: Operation, /) -> tuple[Language, ...]:
        """Fetch the languages of dubs, which HeyGen names in English."""
        if operation is not Operation.DUB:
            raise errors.Unsupported(
                f"heygen lists no languages of {operation}s: see those of its voices, "
                "kit.catalogue.voices('heygen')."
            )
        listed = await self._call("GET", "/video-translations/languages", operation=operation)
        names = list_at(listed, "data.languages")
        return tuple(Language(id=name, name=name) for name in names if isinstance(name, str))

    # -- the account, and webhooks ------------------------------------------------------------

    async def balance(self) -> Balance:
        """Remaining balance of the key's account."""
        raw = await self._call("GET", "/users/me", operation=Operation.VIDEO)
        me = as_object(raw.get("data"))
        wallet = as_object(me.get("wallet"))
        if wallet:
            in_dollars = wallet.get("currency") == "usd"
            return Balance(_sum(wallet, ("remaining_balance",)), "usd" if in_dollars else "credits")
        places = (
            "usage_based.remaining_credits",
            "subscription.credits.premium_credits.remaining",
            "subscription.credits.add_on_credits.remaining",
        )
        return Balance(_sum(me, places), "credits")

    async def register_webhook(self, url: str) -> Registered:
        """Register ``url`` for signed webhooks; store the secret, it is returned only once.

        Registering the same address again within a day returns the same registration.
        """
        raw = await self._call(
            "POST",
            "/webhooks/endpoints",
            operation=Operation.VIDEO,
            body={"url": url, "events": [f"{kind}.{end}" for kind in _EVENTS for end in _ENDS]},
            headers=self._keyed(f"webhook {url}"),
        )
        return self._registered(Operation.VIDEO, raw, "data.endpoint_id", "data.secret")

    def events(self, delivery: Delivery) -> list[VendorEvent]:
        """Read a delivery, signed or not.

        Deliveries to a job's own callback address are unsigned and therefore not trusted, nor are
        those about avatars, because HeyGen has not published their form. The timestamp is not
        signed: repeats are recognized by the event's id, which is.
        """
        headers = delivery.headers
        signature = headers.get("heygen-signature") or headers.get("signature")  # the older name
        if signature is not None:
            own = replace(delivery, headers={**headers, "heygen-signature": signature})
            self.capabilities.webhook.check(own, self._settings.webhook_secrets)
        body = delivery.json()
        kind, _, end = str(body.get("event_type") or body.get("event")).partition(".")
        data = as_object(body.get("event_data"))
        if kind not in _EVENTS or end not in _ENDS or not data:
            return []
        operation, places = _EVENTS[kind]
        job_id = id_at(data, *places)
        if job_id is None:
            return []
        job = Job(
            provider=self.name,
            operation=operation,
            id=job_id,
            state=_ENDS[end],
            reason=self._said(data, "failure_message", "msg", "message") if end == "fail" else None,
            raw=body,
        )
        trusted = signature is not None and operation is not Operation.AVATAR
        told = id_at(body, "event_id") if signature is not None else None
        return self._events(delivery, job, told=told, trusted=trusted)


def _by_id(asset_id: str) -> dict[str, str]:
    return {"type": "asset_id", "asset_id": asset_id}


def _kind(
    request: AvatarRequest, options: HeyGenAvatar
) -> Literal["digital_twin", "photo", "prompt"]:
    if options.prompt is not None and request.footage is None:
        return "prompt"
    picture = request.required_footage.media_type.startswith("image/")
    if options.prompt is None:
        return "photo" if picture else "digital_twin"
    if not picture:
        raise errors.Unsupported(
            "heygen prompt avatars take a reference picture, not a video: give a picture."
        )
    return "prompt"


def _as_look(job: Job) -> Job:
    """Name the job after the look instead of its group."""
    look = said_at(job.raw, "data.id", "id") or job.id
    return job.model_copy(update={"id": f"{_LOOK}{look}", "ref": look})


def _in_stock(job: Job) -> Job:
    """Mark HeyGen's own voices and avatars, which have no state, as ready."""
    said = value_at(job.raw, "data.status")
    return job if said is not None else job.model_copy(update={"state": JobState.SUCCEEDED})


def _usable(looks: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the oldest ready look; lists start with the newest. A ready look has a picture."""
    ready = (
        look
        for look in reversed(looks)
        if text_at(look, "status") in {None, "completed"} and look.get("preview_image_url")
    )
    return next(ready, None)


def _timings(told: Any) -> tuple[tuple[str, float, float], ...] | None:
    return read_timings([(w.get("word"), w.get("start"), w.get("end")) for w in as_objects(told)])


def _sum(raw: Mapping[str, Any], places: Places) -> float | None:
    """Sum of the numbers at these places; None if there is none."""
    values = [number_at(raw, place) for place in places]
    numbers = [value for value in values if value is not None]
    return sum(numbers) if numbers else None
