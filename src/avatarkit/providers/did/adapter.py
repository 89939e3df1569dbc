"""D-ID: avatars of a photo or of footage, videos of them, and cloned voices.

https://docs.d-id.com. D-ID has four families of avatars, each with its own calls. Its ids do not
name the family, so ours do: ``scenes:avt_1``. There are no idempotency keys: a job carries our
token as its name and as ``user_data``, and is found by reading the lists.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import PurePath
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl

from pydantic import SecretStr

from ... import errors
from ...interfaces import (
    AvatarTrainer,
    Balance,
    Capabilities,
    Discards,
    Prepares,
    ProviderSettings,
    TakesRecording,
    TellsBalance,
    VideoGenerator,
    VoiceCloner,
)
from ...models import (
    Action,
    AvatarRequest,
    Job,
    JobState,
    Media,
    Operation,
    VendorEvent,
    VendorRequest,
    VideoRequest,
    VoiceRequest,
    Waiting,
)
from ...webhooks import Delivery
from ..catalogue import HttpCatalogue
from ..http import (
    Call,
    Client,
    HttpRequest,
    Reads,
    as_objects,
    id_at,
    number_at,
    parse_time,
    path_segment,
    primary_language,
    said_at,
    send_any,
    text_at,
    vendor_data,
)
from .catalogue import LISTINGS
from .families import (
    FAMILIES,
    FIELDS,
    OBJECTS,
    family_of_avatar,
    family_of_video,
    marked_kind,
)
from .options import (
    DIDConsent,
    DIDExpress,
    DIDPremium,
    DIDScript,
    DIDVoice,
)
from .translations import DIDTranslation, Translations

# -- what D-ID takes --------------------------------------------------------------------------

#: Links that D-ID accepts, from its OpenAPI document (read 2026-11-22).
_FOOTAGE_LINK = re.compile(r"https:.*\.(?:mp4|mov|mpeg)", re.IGNORECASE)
_AUDIO_LINK = re.compile(
    r"https://\S+\.(?:m4a|M4A|flac|FLAC|mp3|MP3|mp4|MP4|wav|WAV)(?:[?#][\w./=&#%-]+)?", re.ASCII
)
_AUDIO_BYTES = 6_000_000  #: limit of ``POST /audios``
_PHOTO_BYTES = 10_000_000

_DATA = vendor_data("d-id")
_CONSENT_SECONDS = 1800.0  #: lifetime of a consent text
#: Place of the name in a consent text; the person reads the name that is handed in with it.
_NAME_HERE, _SOMEONE = "[user name]", "the person in the footage"


@dataclass(frozen=True, slots=True)
class ConsentText:
    """Text that a person must read aloud, on video, before ``expires_at`` (seconds since 1970)."""

    id: str
    text: str
    expires_at: float


#: Paths that delete the uploads of ``prepare``.
_UPLOADS: Mapping[str, str] = {
    "audio_id": "/audios/{}",
    "consent_id": "/consents/{}",
    "image_id": "/images/{}",
}


class DID(
    HttpCatalogue,
    Translations,
    VoiceCloner,
    AvatarTrainer,
    VideoGenerator,
    Prepares,
    Discards,
    TakesRecording,
    TellsBalance,
):
    """Voices, avatars and videos.

    A portrait becomes a photo avatar, without training; footage becomes an Express avatar, or a
    Premium+ one with ``DIDPremium``. ``settings.other_keys["elevenlabs"]`` is your own ElevenLabs
    key, for videos with ``DIDScript(own_elevenlabs=True)``.
    """

    name = "d-id"
    api_version = "4.2.1"
    base_url = "https://api.d-id.com"
    key_env, key_prefix = "DID_API_KEY", "Basic "
    data = _DATA
    option_types = (
        DIDVoice,
        DIDExpress,
        DIDPremium,
        DIDConsent,
        DIDScript,
        *(family.options for family in FAMILIES.values()),
        DIDTranslation,
    )
    capabilities = Capabilities(
        pictures=True,
        media=frozenset({"url", "data"}),
        one_voice_file=True,
        drive=frozenset({"script", "audio"}),
        audio_formats=("audio/wav", "audio/mpeg", "audio/mp4", "audio/flac", "video/mp4"),
        by_link=frozenset({Operation.AVATAR, Operation.DUB}),
        found_by_token=frozenset({Operation.VOICE, Operation.AVATAR, Operation.VIDEO}),
        footage_with_video=True,  # uploaded photos go after a day or two
        speaks_voices_of=frozenset({"elevenlabs"}),
        settings=_DATA.settings,
        callback=True,
        no_callback=frozenset({Operation.VOICE}),
        typical=MappingProxyType(
            {
                Operation.VOICE: 15.0,
                Operation.AVATAR: 600.0,
                Operation.VIDEO: 60.0,
                Operation.DUB: 600.0,
            }
        ),
    )
    reads = Reads(
        ids={
            Operation.VOICE: ("voiceId", "id"),
            Operation.AVATAR: ("presenter_id", "id"),
            Operation.VIDEO: ("id",),
            Operation.DUB: ("translations.0.id", "id"),
        },
        state=("status", "translations.0.status"),
        states={
            "draft": JobState.QUEUED,
            "created": JobState.QUEUED,
            "ready": JobState.QUEUED,  # of a Premium+ avatar; its place in the order is not told
            "validating": JobState.QUEUED,
            "started": JobState.RUNNING,
            "training-started": JobState.RUNNING,
            "done": JobState.SUCCEEDED,
            "post-done": JobState.SUCCEEDED,
            "error": JobState.FAILED,
            "rejected": JobState.FAILED,
        },
        unsaid={Operation.VOICE: JobState.SUCCEEDED},
        links={
            "video": ("result_url",),
            "thumbnail": ("thumbnail_url",),
            "preview": ("preview_url", "talking_preview_url"),
            "subtitles_srt": ("subtitles_url",),
        },
        reason=("error.description", "error.kind"),
        token=("user_data", "name"),
        items=(*FAMILIES, "avatars", "presenters", "voices"),
        cursor=("token",),
        cursor_parameter="token",
        seconds=("duration",),  # talks and expressives tell it
    )
    code = ("kind", "code")
    message = ("description", "message")
    listings = LISTINGS

    def __init__(
        self, settings: ProviderSettings | None = None, *, client: Client | None = None
    ) -> None:
        super().__init__(settings, client=client)
        own = self._settings.other_keys.get("elevenlabs")
        self._elevenlabs = SecretStr(self._carried(own, "elevenlabs for d-id"))

    @property
    def _elevenlabs_key(self) -> str:
        return self._elevenlabs.get_secret_value()

    def kind_of_avatar(self, avatar_id: str, /) -> str:
        """Return the family of an avatar: "talks", "clips", "scenes" or "expressives"."""
        return family_of_avatar(avatar_id)[0]

    # -- free things first --------------------------------------------------------------------

    async def prepare(
        self, operation: Operation, request: VendorRequest, /
    ) -> dict[str, Any] | Waiting:
        """Get consent, upload audio that D-ID cannot fetch, and find the provider of the voice.

        Returns ``Waiting`` until the person in the footage has consented.
        """
        match request:
            case AvatarRequest(footage=Media() as footage) if not _is_photo(footage):
                _footage_link(footage)
                consent = self._option(request, DIDConsent)
                return {} if consent.waived else await self._consented(request, consent)
            case VideoRequest():
                ready = await self._photo_again(operation, request)
                return ready | await self._speech(operation, request)
            case _:
                return {}

    async def _photo_again(self, operation: Operation, request: VideoRequest) -> dict[str, Any]:
        """Upload the picture that speaks, or that of a photo avatar, which D-ID keeps for days."""
        family, _ = family_of_avatar(request.avatar_id)
        given = request.picture or request.footage
        if family != "talks" or given is None or not _is_photo(given):
            return {}
        photo = _photo_file(given)
        url, image_id = await self._upload(operation, "/images", "image", photo)
        return {"source_url": url, "image_id": image_id}

    async def _speech(self, operation: Operation, request: VideoRequest) -> dict[str, Any]:
        """Upload audio that D-ID cannot fetch, or find the provider of the voice."""
        if request.audio is not None:
            fetchable = _fetchable(request.audio)
            return {} if fetchable else await self._upload_audio(operation, request.audio)
        how = self._option(request, DIDScript)
        if request.voice_id is None or how.provider is not None or how.own_elevenlabs:
            return {}
        found = {"voice_provider": await self._voice_provider(request.voice_id)}
        _speaker(request.model_copy(update={"prepared": found}), how)  # can it be set so?
        return found

    # -- the account --------------------------------------------------------------------------

    async def balance(self) -> Balance:
        """Remaining credits, of 15 seconds each; an account without credits gets a 404."""
        try:
            raw = await self._call("GET", "/credits", operation=Operation.VIDEO)
        except errors.NotFound:
            return Balance(0.0, "credits")
        return Balance(number_at(raw, "remaining"), "credits")

    async def discard(self, operation: Operation, prepared: Mapping[str, Any], /) -> None:
        """Delete uploaded audio, photos, and our consents with their videos."""
        for name, path in _UPLOADS.items():
            if prepared.get(name):
                await self._delete(operation, path, str(prepared[name]))

    async def _upload_audio(self, operation: Operation, audio: Media) -> dict[str, Any]:
        if audio.size > _AUDIO_BYTES:
            raise errors.Unsupported(
                f"{audio.name} is larger than {_AUDIO_BYTES // 10**6} MB, the limit of d-id. "
                "Compress it, or use a media store with public links."
            )
        url, audio_id = await self._upload(operation, "/audios", "audio", _renamed(audio, "audio"))
        return {"audio_url": url, "audio_id": audio_id}

    async def _upload(
        self, operation: Operation, path: str, field: str, media: Media
    ) -> tuple[str, str | None]:
        """Upload a file; return its URL at D-ID and its id."""
        raw = await self._call("POST", path, operation=operation, files=[(field, media)])
        url = text_at(raw, "url")
        if url is None:
            raise self._bad(operation, "the answer to the upload has no URL")
        return url, id_at(raw, "id")

    async def _voice_provider(self, voice_id: str) -> str | None:
        """Return the provider of a voice; None if D-ID does not list it."""
        try:
            voice = await self.get_voice(voice_id)
        except errors.NotFound:
            return None
        return text_at(voice.raw, "provider")

    # -- consent ------------------------------------------------------------------------------

    async def ask_consent(self, language: str = "english") -> ConsentText:
        """Request a consent text; pass its id to a training as ``DIDConsent(consent_id=...)``."""
        raw = await self._call(
            "POST", "/consents", operation=Operation.AVATAR, body={"language": language}
        )
        consent_id, text = id_at(raw, "id"), text_at(raw, "text")
        if consent_id is None or text is None:
            raise self._bad(Operation.AVATAR, "the consent has no text")
        begun = parse_time(raw.get("created_at")) or self._now()
        return ConsentText(consent_id, text, begun + _CONSENT_SECONDS)

    async def hand_in(self, ref: str, recording: Media, /, *, subject: str | None) -> None:
        """Hand in the video (at most 50 MB) of the person who reads the consent text."""
        if recording.url is None:
            raise errors.Unsupported(
                f"d-id fetches {recording.name} by a link, and it has none. Use a media store with "
                "public links."
            )
        body = {"source_url": recording.url, "name": subject or _SOMEONE}
        path = f"/consents/{path_segment(ref)}"
        await self._call("POST", path, operation=Operation.AVATAR, body=body)

    async def delete_consent(self, consent_id: str) -> None:
        """Delete a consent with its video; a missing one counts as deleted."""
        await self._delete(Operation.AVATAR, "/consents/{}", consent_id)

    async def _consented(self, request: AvatarRequest, how: DIDConsent) -> dict[str, Any] | Waiting:
        known = request.prepared
        ours, why = known.get("consent_id"), str(known.get("why", ""))
        consent_id = ours or how.consent_id
        if consent_id is None:
            return await self._asked(how, request.subject)
        raw = await self._consent(str(consent_id))
        begun = parse_time(raw.get("created_at")) or 0.0
        expires_at = known.get("expires_at") or begun + _CONSENT_SECONDS
        match raw.get("status"):
            case "done":
                return {"consent_id": ours} if ours else {}
            case "created" if self._now() < expires_at:
                text = str(known.get("text") or "the text that came with this consent")
                return _to_read(ConsentText(str(consent_id), text, expires_at), known, why)
            case None | "created":
                return await self._asked(how, request.subject, ours)
            case "error":
                told = self._said(raw, "error.description", "error.kind") or "no reason given"
                return await self._asked(
                    how, request.subject, ours, f"D-ID did not take the recording ({told}). "
                )
            case _:
                return Waiting(prepared=dict(known))

    async def _asked(
        self, how: DIDConsent, subject: str | None, old: str | None = None, why: str = ""
    ) -> Waiting:
        """Request a consent text, fill in the person's name, and delete our older one."""
        raw = await self.ask_consent(how.language)
        fresh = replace(raw, text=raw.text.replace(_NAME_HERE, subject or _SOMEONE))
        if old is not None:
            with suppress(errors.ProviderError):  # nothing waits for the old one
                await self.delete_consent(old)
        known = {"consent_id": fresh.id, "text": fresh.text, "expires_at": fresh.expires_at}
        return _to_read(fresh, known | ({"why": why} if why else {}), why)

    async def _consent(self, consent_id: str) -> Mapping[str, Any]:
        path = f"/consents/{path_segment(consent_id)}"
        try:
            return await self._call("GET", path, operation=Operation.AVATAR)
        except errors.NotFound:
            return {}

    def _now(self) -> float:
        clock = self._settings.clock
        return time.time() if clock is None else clock.now().wall

    # -- voices -------------------------------------------------------------------------------

    async def clone_voice(self, request: VoiceRequest, /) -> Job:
        """Clone; the answer is the finished voice."""
        sample = request.samples[0]
        return await self._submit(
            Operation.VOICE,
            "/tts/voices",
            request,
            DIDVoice,
            files=[] if sample.url else [("file", _renamed(sample, "voice"))],
            name=request.token,
            language=_language(request.language),
            source_url=sample.url,
        )

    async def get_voice(self, voice_id: str, /) -> Job:
        """Poll; D-ID has no call for one voice, only a filter of the list."""
        raw = await self._call(
            "GET", "/tts/voices", operation=Operation.VOICE, query={"id": voice_id}
        )
        listed = self._listed(Operation.VOICE, raw)
        if len(listed) > 1:
            listed = [voice for voice in listed if voice.get("id") == voice_id]
        if not listed:
            raise errors.NotFound(
                "there is no such voice", provider=self.name, operation=Operation.VOICE
            )
        return self._job(Operation.VOICE, listed[0])

    async def find_voice(self, token: str, /) -> Sequence[Job]:
        """Search the list of all voices, which has one page."""
        return await self._find(Operation.VOICE, "/tts/voices", token)

    async def delete_voice(self, voice_id: str, /) -> None:
        """Delete."""
        await self._delete(Operation.VOICE, "/tts/voices/{}", voice_id)

    # -- avatars ------------------------------------------------------------------------------

    async def train_avatar(self, request: AvatarRequest, /) -> Job:
        """Train; a photo is uploaded and ready at once, and D-ID keeps it for a day or two."""
        footage = request.required_footage
        if _is_photo(footage):
            return await self._photo(request, footage)
        premium = any(type(o) is DIDPremium for o in request.options)
        family = "clips" if premium else "scenes"
        consent = request.prepared.get("consent_id") or self._option(request, DIDConsent).consent_id
        job = await self._submit(
            Operation.AVATAR,
            f"/{family}/avatars",
            request,
            DIDPremium if premium else DIDExpress,
            source_url=_footage_link(footage),
            name=request.token,
            user_data=None if premium else request.token,
            consent_id=consent,
            webhook=request.callback_url,
        )
        return _within(family, job)

    async def _photo(self, request: AvatarRequest, footage: Media) -> Job:
        photo = _photo_file(footage)
        job = await self._submit(Operation.AVATAR, "/images", request, files=[("image", photo)])
        url = text_at(job.raw, "url")
        if url is None:
            raise self._bad(Operation.AVATAR, "the answer to the upload has no URL")
        ready = {"state": JobState.SUCCEEDED, "ref": f"talks:{url}"}
        return _within("talks", job).model_copy(update=ready)

    async def get_avatar(self, avatar_id: str, /) -> Job:
        """Poll; a photo is always ready."""
        family, own = family_of_avatar(avatar_id)
        if family == "talks":
            return Job(
                provider=self.name,
                operation=Operation.AVATAR,
                id=avatar_id,
                state=JobState.SUCCEEDED,
            )
        path = f"/{family}/{'presenters' if family == 'clips' else 'avatars'}/{path_segment(own)}"
        raw = await self._call("GET", path, operation=Operation.AVATAR)
        listed = as_objects(raw.get("presenters"))  # a list of one
        return _within(family, self._job(Operation.AVATAR, listed[0] if listed else raw))

    async def find_avatar(self, token: str, /) -> Sequence[Job]:
        """Search the lists of Express and Premium+ avatars; photos are not listed, and are free."""
        lists = {"scenes": "/scenes/avatars", "clips": "/clips/presenters"}
        return await self._find_in(Operation.AVATAR, lists, token)

    async def delete_avatar(self, avatar_id: str, /) -> None:
        """Delete; the consent and its video stay, see ``delete_consent``."""
        family, own = family_of_avatar(avatar_id)
        path = FAMILIES[family].avatars
        if path is None:
            raise errors.Unsupported(
                "d-id has no call to delete an Expressive avatar: delete it in the D-ID Studio"
            )
        if not own.startswith(("https://", "s3://")):
            await self._delete(Operation.AVATAR, path, own)

    # -- videos -------------------------------------------------------------------------------

    async def generate_video(self, request: VideoRequest, /) -> Job:
        """Make the avatar speak a text with a voice, or recorded audio."""
        name, avatar = family_of_avatar(request.avatar_id)
        family, shown = FAMILIES[name], request.prepared.get("source_url", avatar)
        if not shown:
            raise errors.Unsupported(
                "d-id takes a picture as an upload: call prepare() first, and pass its result as "
                "`prepared`"
            )
        body: dict[str, Any] = {family.avatar: shown}
        job = await self._submit(
            Operation.VIDEO,
            f"/{name}",
            request,
            family.options,
            **body,
            script=self._script(request),
            name=request.token,
            user_data=request.token,
            webhook=request.callback_url,
        )
        return _within(name, job)

    async def get_video(self, video_id: str, /) -> Job:
        """Poll; the answer has a fresh link each time."""
        family, own = family_of_video(video_id)
        return _within(family, await self._get(Operation.VIDEO, f"/{family}/{{}}", own))

    async def find_video(self, token: str, /) -> Sequence[Job]:
        """Search the lists of all families, since the token does not name the family."""
        return await self._find_in(Operation.VIDEO, {name: f"/{name}" for name in FAMILIES}, token)

    async def delete_video(self, video_id: str, /) -> None:
        """Delete; raises ``Unavailable`` while the video is in progress."""
        family, own = family_of_video(video_id)
        await self._delete(Operation.VIDEO, f"/{family}/{{}}", own)

    def _script(self, request: VideoRequest) -> dict[str, Any]:
        how = self._option(request, DIDScript)
        said: dict[str, Any]
        if request.audio is not None:
            said = {"type": "audio", "audio_url": _audio_link(request)}
        else:
            said = {
                "type": "text",
                "input": request.script,
                "ssml": how.ssml,
                "provider": _speaker(request, how),
            }
        return {name: value for name, value in said.items() if value is not None} | how.extra

    def _billable(
        self, operation: Operation, path: str, request: VendorRequest, **more: Any
    ) -> tuple[Call, HttpRequest]:
        call, sent = super()._billable(operation, path, request, **more)
        if request.callback_url and not request.callback_url.startswith("https://"):
            raise errors.Unsupported("d-id calls back to https addresses only")
        if isinstance(request, VideoRequest) and self._option(request, DIDScript).own_elevenlabs:
            sent.headers["x-api-key-external"] = json.dumps({"elevenlabs": self._own_key()})
        return call, sent

    def _own_key(self) -> str:
        if not self._elevenlabs_key:
            raise errors.ConfigError(
                "the options ask for a voice of your own ElevenLabs account: set "
                "AVATARKIT_D_ID_ELEVENLABS_API_KEY to that account's key"
            )
        return self._elevenlabs_key

    # -- reading ------------------------------------------------------------------------------

    def events(self, delivery: Delivery) -> list[VendorEvent]:
        """Read an unsigned delivery, whose body is the job."""
        body = delivery.json()
        kind = OBJECTS.get(str(body.get("object"))) or marked_kind(str(body.get("id")))
        kind = kind or next((k for name, k in FIELDS.items() if name in body), None)
        if kind is None or text_at(body, *self.reads.ids[kind[0]]) is None:
            return []
        operation, family = kind
        return self._events(delivery, _within(family, self._job(operation, body)))

    async def _find_in(
        self, operation: Operation, lists: Mapping[str, str], token: str
    ) -> list[Job]:
        found = [
            _within(family, job)
            for family, path in lists.items()
            for job in await self._find(operation, path, token, limit=100)
        ]
        return sorted(found, key=lambda job: job.created_at or 0.0)

    def _carries(self, item: Mapping[str, Any], token: str) -> bool:
        query = (said_at(item, "webhook") or "").partition("?")[2].partition("#")[0]
        return super()._carries(item, token) or token in dict(parse_qsl(query)).values()

    def _read_on(self, job: Job) -> Job:
        links = {name: url for name, url in job.links.items() if self._is_link(url)}
        reason = job.reason
        if job.state is JobState.FAILED and reason is None:
            refused = job.raw.get("status") == "rejected"
            reason = "D-ID's moderation refused it" if refused else "D-ID gives no reason"
        return job.model_copy(update={"links": links, "reason": reason})

    async def _send(self, request: HttpRequest, call: Call) -> dict[str, Any]:
        if request.method == "GET" and request.url.path.endswith("/tts/voices"):
            return {"voices": await send_any(self._client, request, call)}  # a bare list
        return await super()._send(request, call)

    def _secrets(self) -> tuple[str, ...]:
        return (*super()._secrets(), self._elevenlabs_key)


def _to_read(consent: ConsentText, known: Mapping[str, Any], why: str = "") -> Waiting:
    action = Action(
        kind="read_text",
        message=f"{why}The person in the footage must read the text aloud, on video, within 30 "
        "minutes; hand that recording in.",
        text=consent.text,
        expires_at=consent.expires_at,
        recording="video",
        ref=consent.id,
    )
    return Waiting(prepared=dict(known), action=action)


def _within(family: str, job: Job) -> Job:
    """The job under our id, which names its family; a dub has none."""
    if not family:
        return job
    return job.model_copy(update={"id": f"{family}:{job.id}"})


def _is_photo(footage: Media) -> bool:
    return footage.media_type.startswith("image/")


def _photo_file(photo: Media) -> Media:
    if photo.size > _PHOTO_BYTES:
        raise errors.MediaRejected(
            f"{photo.name} has more than {_PHOTO_BYTES // 10**6} MB: scale it down"
        )
    return _renamed(photo, "photo")


def _footage_link(footage: Media) -> str:
    if footage.url is None:
        raise errors.Unsupported(
            f"d-id fetches footage by a link, and {footage.name} has none. Use an S3 or Supabase "
            "store."
        )
    if not _FOOTAGE_LINK.match(footage.url):
        raise errors.Unsupported(
            f"d-id takes footage as MP4, MOV or MPEG by an https link that says so, and "
            f"{footage.name} is something else: export it again"
        )
    return footage.url


def _fetchable(audio: Media) -> bool:
    """Return True if D-ID accepts the link; some signatures have characters that it rejects."""
    return audio.url is not None and _AUDIO_LINK.fullmatch(audio.url) is not None


def _audio_link(request: VideoRequest) -> str:
    if "audio_url" in request.prepared:
        return str(request.prepared["audio_url"])
    audio = request.audio
    if audio is None or audio.url is None or not _fetchable(audio):
        raise errors.Unsupported("d-id cannot fetch the audio by its link: let prepare upload it")
    return audio.url


def _renamed(media: Media, stem: str) -> Media:
    """File names at D-ID have up to 50 plain characters."""
    suffix = PurePath(media.name).suffix
    plain = suffix if re.fullmatch(r"\.[A-Za-z0-9]{1,8}", suffix) else ""
    return media.model_copy(update={"name": stem + plain})


def _language(tag: str | None) -> str:
    """Return D-ID's word for a language; a language without one is sent as it is."""
    return _DATA.words("languages").get(primary_language(tag) or "en", tag or "")


#: Settings that a voice has, by its provider.
_VOICE_SETTINGS: Mapping[str, frozenset[str]] = {
    "elevenlabs": frozenset({"speed", "stability", "similarity", "style"}),
    "microsoft": frozenset({"speed", "pitch"}),
}


def _speaker(request: VideoRequest, how: DIDScript) -> dict[str, Any] | None:
    """Build the voice of a text; None to let D-ID choose. Raises ``Unsupported``."""
    asked = request.settings.voice.asked()
    if request.voice_id is None and how.provider is None:
        if asked:
            raise errors.Unsupported("d-id needs a voice to set: name one, by voice_id")
        return None
    kind = how.provider or request.prepared.get("voice_provider") or "elevenlabs"
    if wrong := sorted(asked.keys() - _VOICE_SETTINGS.get(kind, frozenset())):
        raise errors.Unsupported(
            f"d-id cannot set voice.{wrong[0]}= of a {kind} voice. Leave it out."
        )
    said = {
        "type": kind,
        "voice_id": request.voice_id,
        **how.model_dump(include={"model_id", "language", "voice_config"}),
    }
    config = how.voice_config
    said["voice_config"] = None if config is None else config.model_dump(exclude_none=True)
    return {name: value for name, value in said.items() if value is not None}
