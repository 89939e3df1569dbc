"""HeyGen: voices, avatars, videos, speech and dubs.

https://developers.heygen.com, version 3 only. Recordings are uploaded free of charge before the
paid call. Each paid call has an idempotency key, and our token as its name. An avatar is a group,
which is polled and deleted, with looks; a look is used in videos.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

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
    AvatarRequest,
    DubRequest,
    Job,
    JobState,
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
    value_at,
    vendor_data,
)
from ..languages import named
from . import scenes
from .avatars import Avatars, in_stock, kind_of, told_look, usable
from .catalogue import LISTINGS
from .engines import PICTURE, choose_engine
from .options import HeyGenAvatar, HeyGenDub, HeyGenSpeech, HeyGenVideo, HeyGenVoice
from .uploads import by_id

_DATA = vendor_data("heygen")
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
    Avatars,
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
        pictures=True,
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
                kind_of(request, self._option(request, HeyGenAvatar))
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
        for name in ("asset_id", "audio_asset_id", "picture_asset_id", "srt_asset_id"):
            if prepared.get(name):
                await self._delete(operation, "/assets/{}", str(prepared[name]))

    def kind_of_avatar(self, avatar_id: str, /) -> str:
        """Return "avatar", or "picture" for one that speaks without a training."""
        return "avatar" if avatar_id else "picture"

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
        if not avatar_id:  # a picture, which has neither
            choose_engine(PICTURE, request.settings, self._option(request, HeyGenVideo))
            return {}
        path = f"/avatars/looks/{path_segment(avatar_id)}"
        try:
            told = (await self._call("GET", path, operation=Operation.VIDEO)).get("data")
        except errors.NotFound:  # the id may be that of a group
            told = usable(await self._looks(avatar_id))
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
        found = await self._look(request)
        given = {"picture_asset_id": request.picture, "audio_asset_id": request.audio}
        for name, media in given.items():
            if media is not None:
                found[name] = await self._upload(operation, media)
        return found

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

    # -- voices -------------------------------------------------------------------------------

    async def clone_voice(self, request: VoiceRequest, /) -> Job:
        """Submit; sent once."""
        return await self._submit(
            Operation.VOICE,
            "/voices/clone",
            request,
            HeyGenVoice,
            audio=by_id(self._asset(request)),
            voice_name=request.token,
            language=primary_language(request.language),
        )

    async def get_voice(self, voice_id: str, /) -> Job:
        """Poll; raises ``NotFound``."""
        return in_stock(await super().get_voice(voice_id))

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
        engine, picture = request.prepared.get("engine"), request.picture is not None
        look = None if picture else request.prepared.get("avatar_id", request.avatar_id)
        return await self._submit(
            Operation.VIDEO,
            "/videos",
            request,
            HeyGenVideo,
            type="image" if picture else "avatar",
            image=by_id(self._asset(request, "picture_asset_id")) if picture else None,
            avatar_id=look,
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
            video=by_id(self._asset(request)),
            output_languages=[request.prepared.get("language", request.language)],
            srt=by_id(self._asset(request, "srt_asset_id")) if request.subtitles else None,
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
        if operation is Operation.AVATAR:
            job_id = told_look(data) or job_id
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


def _timings(told: Any) -> tuple[tuple[str, float, float], ...] | None:
    return read_timings([(w.get("word"), w.get("start"), w.get("end")) for w in as_objects(told)])


def _sum(raw: Mapping[str, Any], places: Places) -> float | None:
    """Sum of the numbers at these places; None if there is none."""
    values = [number_at(raw, place) for place in places]
    numbers = [value for value in values if value is not None]
    return sum(numbers) if numbers else None
