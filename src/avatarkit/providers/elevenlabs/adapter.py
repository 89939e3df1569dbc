"""ElevenLabs: voices cloned at once or trained, speech, and dubs.

https://elevenlabs.io/docs. The error code in the body decides, since the HTTP status is misleading.
There are no idempotency keys: a voice has our token as its name, and is found by a search. Speech
cannot be searched for.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, cast
from urllib.parse import urlencode

from ... import errors
from ..._text import read_json
from ...content.files import whole
from ...interfaces import (
    Balance,
    BeginsSteps,
    Capabilities,
    Language,
    Limit,
    ListsLanguages,
    ProviderSettings,
    SpeechSynthesizer,
    TakesRecording,
    TellsBalance,
    TellsLimits,
)
from ...models import (
    Action,
    Job,
    JobState,
    Media,
    Operation,
    Options,
    Speech,
    SpeechRequest,
    VendorEvent,
    VoiceRequest,
)
from ...webhooks import Delivery, HmacSha256, Registered
from ..catalogue import HttpCatalogue
from ..http import (
    Call,
    Client,
    Explanation,
    HttpRequest,
    HttpVoiceCloner,
    Paths,
    Reads,
    as_object,
    as_objects,
    flag_at,
    number_at,
    parse_progress,
    parse_time,
    path_segment,
    primary_language,
    read_timings,
    said_at,
    send_any,
    stream,
    text_at,
    value_at,
    vendor_data,
)
from .catalogue import LISTINGS
from .dubbing import PATHS as DUB_PATHS
from .dubbing import STATES, DubbingProjects, ElevenLabsDub
from .options import (
    MODEL,
    ElevenLabsAudio,
    ElevenLabsProfessional,
    ElevenLabsRevoice,
    ElevenLabsSpeech,
    ElevenLabsVoice,
)
from .pronunciation import ElevenLabsPronunciation, PronouncesWords

#: Regional addresses; give the key as ``base_url``. All but "us" are separate workspaces for
#: enterprises, with their own API keys.
REGIONS: Mapping[str, str] = MappingProxyType(
    {
        "us": "https://api.us.elevenlabs.io",
        "eu": "https://api.eu.residency.elevenlabs.io",
        "in": "https://api.in.residency.elevenlabs.io",
        "sg": "https://api.sg.residency.elevenlabs.io",
    }
)

#: Model that speaks what a recording says, in any of its languages.
_REVOICING = "eleven_multilingual_sts_v2"

_DATA = vendor_data("elevenlabs")
_MODELS_AGE = 3600.0  #: seconds
_MODELS_SOURCE = "https://elevenlabs.io/docs/api-reference/models/list"


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """Remaining quota of the plan; None for values that ElevenLabs does not tell."""

    tier: str | None
    instant_voices: bool | None
    professional_voices: bool | None
    voice_slots: int | None  #: free slots
    professional_slots: int | None
    voice_edits: int | None  #: voices that may be added or changed before the renewal
    credits: int | None
    renews_at: float | None  #: seconds since 1970


_ENDED = frozenset({"BAN", "ENTERPRISE_BAN"})
#: State of a professional voice's training -> ours.
_TRAINING: Mapping[str, JobState] = {
    "not_started": JobState.QUEUED,
    "queued": JobState.QUEUED,
    "delayed": JobState.QUEUED,
    "fine_tuning": JobState.RUNNING,
    "fine_tuned": JobState.SUCCEEDED,
    "failed": JobState.FAILED,
}
#: Events about voices of the library, which only an adopted training can have.
_EVENTS: Mapping[str, JobState] = {
    "voice_removal_notice_withdrawn": JobState.SUCCEEDED,
    "voice_removed": JobState.GONE,
}
#: Name of their subscription.
_REMOVALS = "voice_library_removal_notice"
_MEDIA_TYPES: Mapping[str, str] = {
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "opus": "audio/ogg",
    "pcm": "audio/pcm",
    "ulaw": "audio/basic",
    "alaw": "audio/x-alaw-basic",
}


class ElevenLabs(
    HttpVoiceCloner,
    HttpCatalogue,
    DubbingProjects,
    PronouncesWords,
    SpeechSynthesizer,
    BeginsSteps,
    TakesRecording,
    ListsLanguages,
    TellsBalance,
    TellsLimits,
):
    """Voices, speech and dubs. ``base_url`` may be a word of ``REGIONS``."""

    name = "elevenlabs"
    api_version = "v1"
    base_url = "https://api.elevenlabs.io"
    key_env, key_header = "ELEVENLABS_API_KEY", "xi-api-key"
    data = _DATA
    default_model = MODEL
    option_types = (
        ElevenLabsVoice,
        ElevenLabsProfessional,
        ElevenLabsSpeech,
        ElevenLabsAudio,
        ElevenLabsPronunciation,
        ElevenLabsRevoice,
        ElevenLabsDub,
    )
    capabilities = Capabilities(
        drive=frozenset(),
        speech_format="audio/mpeg",
        revoices=True,
        # https://help.elevenlabs.io/hc/en-us/articles/24352686926609, read 2026-11-30
        markup=frozenset({"break"}),
        webhook=HmacSha256(header="ElevenLabs-Signature", version="v0", tolerance=1800),
        settings=_DATA.settings,
        dubs_sound=True,
        found_by_token=frozenset({Operation.VOICE, Operation.DUB}),
        typical=MappingProxyType(
            {Operation.VOICE: 5.0, Operation.SPEECH: 5.0, Operation.DUB: 600.0}
        ),
        in_flight=3,  # limit of the smallest plan with cloning, for the default model
    )
    paths = {
        Operation.VOICE: Paths("/v1/voices/{}", delete="/v1/voices/{}"),
        Operation.DUB: DUB_PATHS,
    }
    reads = Reads(
        ids={Operation.VOICE: ("voice_id",), Operation.DUB: ("project_id",)},
        states=STATES,  # of dubs; a voice has no word for it
        unsaid={Operation.VOICE: JobState.SUCCEEDED},
        links={"audio": ("outputs.lossless_audio",)},
        reason=("error.message", "error.code"),
        created_at=("created_at_unix", "created_at"),
        token=("name", "reference"),
        items=("voices", "projects", "languages"),
        cursor=("next_page_token", "next_cursor"),
        cursor_parameter="next_page_token",
    )
    listings = LISTINGS
    code = ("detail.code", "detail.status")
    message = ("detail.message", "detail")

    def __init__(
        self, settings: ProviderSettings | None = None, *, client: Client | None = None
    ) -> None:
        super().__init__(settings, client=client)
        self._base_url = REGIONS.get(self._base_url, self._base_url)
        self._longest: dict[str, float] = {}  # characters of one request, by model
        self._longest_until = 0.0
        self._captchas: dict[str, str] = {}  # the person must keep seeing the same picture

    # -- voices -------------------------------------------------------------------------------

    async def clone_voice(self, request: VoiceRequest, /) -> Job:
        """Clone a voice at once, or create a professional voice if the options ask for one.

        A professional voice is created and gets its recordings; ``get_voice`` then asks for the
        captcha, and starts the training after it was read.
        """
        if any(type(o) is ElevenLabsProfessional for o in request.options):
            return await self._begin_professional(request)
        language = primary_language(request.language)
        return await self._submit(
            Operation.VOICE,
            "/v1/voices/add",
            request,
            ElevenLabsVoice,
            files=[("files", sample) for sample in request.samples],
            name=request.token,
            labels=None if language is None else json.dumps({"language": language}),
        )

    async def _begin_professional(self, request: VoiceRequest) -> Job:
        language = primary_language(request.language)
        if language is None and not self._option(request, ElevenLabsProfessional).language:
            raise errors.Unsupported("a professional voice needs its language: give its language")
        job = await self._submit(
            Operation.VOICE,
            "/v1/voices/pvc",
            request,
            ElevenLabsProfessional,
            name=request.token,
            language=language,
        )
        try:
            files = [("files", sample) for sample in request.samples]
            path = f"/v1/voices/pvc/{path_segment(job.id)}/samples"
            await self._call("POST", path, operation=Operation.VOICE, files=files)
        except errors.ProviderError as error:
            if error.code != "duplicate_files":  # a retry of ours may have caused it
                await self.delete_voice(job.id)
                raise
        return job.model_copy(update={"state": JobState.QUEUED})

    async def get_voice(self, voice_id: str, /) -> Job:
        """Poll. A professional voice has a captcha, and is to be trained after that was read."""
        job = await super().get_voice(voice_id)
        if job.raw.get("category") != "professional":
            return job
        if job.state is JobState.NEEDS_ACTION:
            return job.model_copy(update={"action": await self._captcha_action(job.id)})
        if job.state is JobState.QUEUED and _trained(job.raw) == "not_started":
            return job.model_copy(update={"next_step": "train"})
        return job

    async def find_voice(self, token: str, /) -> Sequence[Job]:
        """Search by the token, because lists end after some hundred voices."""
        query = {"search": token, "page_size": 100, "sort": "created_at_unix"}
        return await self._find(
            Operation.VOICE, "/v2/voices", token, **query, sort_direction="desc"
        )

    async def captcha(self, voice_id: str) -> bytes:
        """Fetch the picture (PNG) of the text that the owner of the voice must read aloud."""
        path = f"/v1/voices/pvc/{path_segment(voice_id)}/captcha"
        request = self._client.build_request("GET", self._url(path), headers=self._headers())
        call = Call(
            provider=self.name,
            operation=Operation.VOICE,
            timeout=self._settings.timeout,
            explain=self.explain,
            redact=self._redacted,
        )
        answer = await stream(self._client, request, call)
        picture = _picture(b"".join([chunk async for chunk in answer.chunks]))
        if picture is None:
            raise call.error(errors.BadReply, "the captcha is no picture")
        return picture

    async def hand_in(self, ref: str, recording: Media, /, *, subject: str | None = None) -> None:
        """Hand in the recording of a captcha; the next poll continues or shows another one."""
        del subject  # it is the account's owner
        path = f"/v1/voices/pvc/{path_segment(ref)}/captcha"
        self._captchas.pop(ref, None)
        files = [("recording", recording)]
        await self._call("POST", path, operation=Operation.VOICE, files=files)

    async def _captcha_action(self, voice_id: str) -> Action:
        if voice_id not in self._captchas:
            self._captchas[voice_id] = base64.b64encode(await self.captcha(voice_id)).decode()
        return Action(
            kind="captcha",
            message="The owner of the voice must read the lines in the picture aloud; hand the "
            "recording in.",
            url=f"data:image/png;base64,{self._captchas[voice_id]}",
            recording="audio",
            ref=voice_id,
        )

    async def begin_step(self, job: Job, /) -> None:
        """Train a professional voice."""
        path, body = f"/v1/voices/pvc/{path_segment(job.id)}/train", {"model_id": MODEL}
        try:
            await self._call("POST", path, operation=Operation.VOICE, body=body)
        except errors.ProviderError as error:
            if error.code not in {"already_running", "already_processing"}:
                raise

    # -- speech -------------------------------------------------------------------------------

    async def synthesize(self, request: SpeechRequest, /) -> Speech:
        """Submit; sent once. ``delivery="timestamps"`` adds the time of each character."""
        if request.audio is not None:
            return await self._revoiced(request, request.audio)
        how = self._option(request, ElevenLabsAudio)
        model = self._option(request, ElevenLabsSpeech).chosen_model
        dictionary = self._words_of(request)
        query = {"output_format": how.output_format}
        if how.enable_logging is not None:
            query["enable_logging"] = str(how.enable_logging).lower()
        path = f"/v1/text-to-speech/{path_segment(request.voice_id)}{_DELIVERIES[how.delivery]}"
        call, sent = self._billable(
            Operation.SPEECH,
            f"{path}?{urlencode(query | how.extra)}",
            request,
            options=ElevenLabsSpeech,
            body={
                "text": request.text,
                "model_id": model,
                "language_code": None if model == MODEL else primary_language(request.language),
                "pronunciation_dictionary_locators": [dictionary] if dictionary else None,
            },
        )
        answer = await stream(self._client, sent, call)
        cost_told = _credits(answer.headers)
        if how.delivery != "timestamps":
            return Speech(audio=answer.chunks, media_type=answer.media_type, cost=cost_told)
        audio, timings = _timed(call, b"".join([chunk async for chunk in answer.chunks]))
        kind = how.output_format.partition("_")[0]
        return Speech(
            audio=whole(audio),
            media_type=_MEDIA_TYPES.get(kind, "application/octet-stream"),
            timings=timings,
            cost=cost_told,
        )

    async def _revoiced(self, request: SpeechRequest, recording: Media) -> Speech:
        """Speak what the recording says (speech to speech); the cost is told in credits."""
        how = self._option(request, ElevenLabsAudio)
        query = urlencode({"output_format": how.output_format} | how.extra)
        call, sent = self._billable(
            Operation.SPEECH,
            f"/v1/speech-to-speech/{path_segment(request.voice_id)}?{query}",
            request,
            options=ElevenLabsRevoice,
            body={"model_id": _REVOICING},
            files=[("audio", recording)],
        )
        answer = await stream(self._client, sent, call)
        return Speech(
            audio=answer.chunks,
            media_type=answer.media_type,
            cost=_credits(answer.headers),
        )

    # -- the plan -----------------------------------------------------------------------------

    async def allowance(self) -> Allowance:
        """Read what the plan still allows; raises ``AuthError`` for a key that may not see it."""
        raw = await self._call("GET", "/v1/user/subscription", operation=Operation.VOICE)
        return Allowance(
            tier=text_at(raw, "tier"),
            instant_voices=flag_at(raw, "can_use_instant_voice_cloning"),
            professional_voices=flag_at(raw, "can_use_professional_voice_cloning"),
            voice_slots=_left(raw, "voice_limit", "voice_slots_used"),
            professional_slots=_left(
                raw, "professional_voice_limit", "professional_voice_slots_used"
            ),
            voice_edits=_left(raw, "max_voice_add_edits", "voice_add_edit_counter"),
            credits=_left(raw, "character_limit", "character_count"),
            renews_at=parse_time(raw.get("next_character_count_reset_unix")),
        )

    async def balance(self) -> Balance:
        """Credits left until the renewal, without usage-based billing beyond them."""
        left = (await self.allowance()).credits
        return Balance(None if left is None else float(left), "credits")

    # -- models -------------------------------------------------------------------------------

    async def told_limits(self, options: Sequence[Options], /) -> tuple[Limit, ...]:
        """Fetch the characters of one request, which are kept for an hour."""
        if time.monotonic() > self._longest_until:
            raw = await self._call("GET", "/v1/models", operation=Operation.SPEECH)
            told = {
                said_at(model, "model_id"): number_at(model, "maximum_text_length_per_request")
                for model in as_objects(raw.get("models"))
            }
            self._longest = {m: n for m, n in told.items() if m is not None and n}
            self._longest_until = time.monotonic() + _MODELS_AGE
        spoken = next((o for o in options if isinstance(o, ElevenLabsSpeech)), ElevenLabsSpeech())
        longest = self._longest.get(spoken.chosen_model)
        if longest is None:
            return ()
        return (Limit(what="script_characters", maximum=longest, source=_MODELS_SOURCE),)

    async def list_languages(self, operation: Operation, /) -> tuple[Language, ...]:
        """Fetch the languages of all models that speak."""
        if operation not in {Operation.SPEECH, Operation.VOICE}:
            raise errors.Unsupported(f"elevenlabs lists no languages of {operation}s")
        raw = await self._call("GET", "/v1/models", operation=operation)
        models = as_objects(raw.get("models"))
        told = (one for m in models for one in as_objects(m.get("languages")))
        names = {said_at(one, "language_id"): said_at(one, "name") for one in told}
        return tuple(Language(id=tag, name=name or tag) for tag, name in names.items() if tag)

    # -- webhooks -----------------------------------------------------------------------------

    async def register_webhook(self, url: str) -> Registered:
        """Register ``url`` for signed webhooks about voices that leave the library.

        It needs the key of a workspace admin. Store the secret, it is returned only once. The call
        is sent once: a lost answer may leave a registration, which the workspace's settings list.
        """
        settings = {"auth_type": "hmac", "name": "avatarkit", "webhook_url": url}
        place, voice = "/v1/workspace/webhooks", Operation.VOICE
        raw = await self._call(
            "POST", place, operation=voice, body={"settings": settings}, once=True
        )
        told = self._registered(voice, raw, "webhook_id", "webhook_secret")
        wanted = {"is_disabled": False, "name": "avatarkit", "events": [_REMOVALS]}
        try:
            await self._call(
                "PATCH", f"{place}/{path_segment(told.id)}", operation=voice, body=wanted
            )
        except errors.ProviderError:
            await self._delete(voice, f"{place}/{{}}", told.id)  # it has no subscription
            raise
        return told

    # -- reading ------------------------------------------------------------------------------

    def events(self, delivery: Delivery) -> list[VendorEvent]:
        """Read a delivery; there are none about voices in training."""
        self.capabilities.webhook.check(delivery, self._settings.webhook_secrets)
        body = delivery.json()
        state, data = _EVENTS.get(str(body.get("type"))), as_object(body.get("data"))
        if state is None or not data.get("voice_id"):
            return []
        job = self._job(Operation.VOICE, data).model_copy(update={"state": state})
        return self._events(delivery, job)

    def explain(self, status: int, body: Any) -> Explanation:
        """Read an error answer: its code, or its older code."""
        told = super().explain(status, body)
        said = as_object(body)
        older = said_at(said, "detail.status")
        kind = told.kind or self.codes.get(older or "")
        return Explanation(kind=kind, code=told.code, message=told.message)

    def _read_on(self, job: Job) -> Job:
        if job.operation is Operation.DUB:
            return self._dubbed(job)
        state, reason = _standing(job.raw)
        known: dict[str, Any] = {"state": state, "reason": reason and self._redacted(reason)}
        if state is JobState.NEEDS_ACTION:
            known["action"] = Action(
                kind="open_url",
                message="The voice must be verified at ElevenLabs before it can speak.",
                url="https://elevenlabs.io/app",
            )
        if state is JobState.RUNNING:
            known["progress"] = parse_progress(
                value_at(job.raw, f"fine_tuning.progress.{MODEL}"), 1
            )
        return job.model_copy(update=known)

    def _cursor(
        self, page: Mapping[str, Any], query: Mapping[str, Any], *, pages: int, jobs: int
    ) -> Any:
        cursor = super()._cursor(page, query, pages=pages, jobs=jobs)
        if page.get("has_more") and cursor is None:
            raise self._bad(
                Operation.VOICE, "the list has more pages, and no token of the next one"
            )
        return cursor if page.get("has_more", True) else None

    async def _send(self, request: HttpRequest, call: Call) -> dict[str, Any]:
        if request.url.path.endswith("/samples"):  # the answer is a bare list
            return {"samples": await send_any(self._client, request, call)}
        if request.url.path.endswith("/v1/models"):  # so is this
            return {"models": await send_any(self._client, request, call)}
        return await super()._send(request, call)


_DELIVERIES: Mapping[str, str] = {
    "whole": "",
    "streamed": "/stream",
    "timestamps": "/with-timestamps",
}


def _standing(raw: Mapping[str, Any]) -> tuple[JobState, str | None]:
    """Return the state of a voice, and why it failed."""
    if text_at(raw, "safety_control") in _ENDED:
        return JobState.FAILED, "ElevenLabs has banned this voice"
    if raw.get("category") == "professional":
        return _professional(raw)
    asked = raw.get("requires_verification") or value_at(
        raw, "voice_verification.requires_verification"
    )
    if asked and not value_at(raw, "voice_verification.is_verified"):
        return JobState.NEEDS_ACTION, None
    return JobState.SUCCEEDED, None


def _professional(raw: Mapping[str, Any]) -> tuple[JobState, str | None]:
    word = _trained(raw)
    state = _TRAINING.get(word, JobState.UNKNOWN)
    if state is JobState.FAILED:
        said = as_object(value_at(raw, "fine_tuning.message"))
        texts = [str(v) for v in said.values() if v]
        return state, "; ".join(texts)[:200] or "its training failed"
    if word != "not_started":
        return state, None
    if not raw.get("samples"):
        return JobState.FAILED, "its recordings never arrived: train again"
    if value_at(raw, "voice_verification.is_verified"):
        return JobState.QUEUED, None
    if value_at(raw, "fine_tuning.manual_verification_requested"):
        return JobState.RUNNING, None  # ElevenLabs' staff check it
    return JobState.NEEDS_ACTION, None


def _trained(raw: Mapping[str, Any]) -> str:
    """Return the training state of the model that we train, else of any model."""
    words = as_object(value_at(raw, "fine_tuning.state"))
    others = [w for w in words.values() if w != "not_started"]
    return str(words.get(MODEL) or next(iter(others), "not_started"))


def _credits(headers: Mapping[str, str]) -> str | None:
    """Read the cost from an answer's headers; None if it is no number."""
    told = headers.get("character-cost", "")
    return f"{told} credits" if re.fullmatch(r"[0-9]+(\.[0-9]+)?", told) else None


def _picture(answer: bytes) -> bytes | None:
    """Decode a PNG in an undocumented form: itself, or base64, quoted or not."""
    if not answer.startswith(_PNG):
        try:
            answer = base64.b64decode(answer.strip().strip(b'"'), validate=True)
        except binascii.Error:
            return None
    return answer if answer.startswith(_PNG) else None


_PNG = b"\x89PNG"


def _timed(call: Call, answer: bytes) -> tuple[bytes, tuple[tuple[str, float, float], ...] | None]:
    """Return the audio and the time of each character, which may be missing."""
    try:
        raw = read_json(answer)
        audio = base64.b64decode(raw["audio_base64"], validate=True)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise call.unclear("the answer holds no audio") from error
    told = as_object(raw.get("alignment"))
    names = ("characters", "character_start_times_seconds", "character_end_times_seconds")
    columns = [told.get(name) for name in names]
    if not all(isinstance(column, list) for column in columns):
        return audio, None
    return audio, read_timings(zip(*cast("list[list[Any]]", columns), strict=False))


def _left(raw: Mapping[str, Any], limit: str, used: str) -> int | None:
    all_of_it, gone = number_at(raw, limit), number_at(raw, used)
    return None if all_of_it is None or gone is None else max(0, int(all_of_it - gone))
