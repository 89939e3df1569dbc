"""Resemble: voices cloned at once or trained, and speech.

https://docs.resemble.ai. A voice is made in steps: it is created, which costs money, gets its
recordings, and is built. The last two steps are free. A poll tells that the build is due, so that
nothing is lost if the process dies in between. An answer with a success status may be a refusal.
"""

from __future__ import annotations

import base64
import math
import re
from collections.abc import Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any, Literal

from pydantic import Field

from ..content.files import whole
from ..errors import PlanError, ProviderError, Refused, Unsupported
from ..interfaces import (
    BeginsSteps,
    Capabilities,
    CatalogueKind,
    ProviderSettings,
    SpeechSynthesizer,
)
from ..models import Job, JobState, Operation, Options, Speech, SpeechRequest, VoiceRequest
from .catalogue import HttpCatalogue, Listing
from .http import (
    Call,
    Client,
    Explanation,
    HttpRequest,
    HttpVoiceCloner,
    Paths,
    Reads,
    as_object,
    path_segment,
    read_timings,
    said_at,
    vendor_data,
)

__all__ = ["CONSENT_SENTENCE", "Resemble", "ResembleSpeech", "ResembleVoice"]

#: Sentence that a person reads aloud for ``ResembleVoice.consent`` (older documentation).
CONSENT_SENTENCE = (
    "I am aware that recordings of my voice will be used by {company} to train and create a "
    "synthetic version of my voice by Resemble AI"
)
#: Names of recordings; a gap in the numbers is a recording that did not arrive.
_NUMBERED = re.compile(r"([0-9]{1,3}) of ([0-9]{1,3})")
_TYPES: Mapping[str, str] = {"wav": "audio/wav", "mp3": "audio/mpeg"}


class ResembleVoice(Options):
    """Extras of a voice; ``transcripts`` are the spoken texts, one for each sample.

    With transcripts the samples are uploaded as recordings. Without, they are joined to one WAV,
    which is sent as a link.
    """

    voice_type: Literal["rapid", "professional"] = "rapid"  #: the second needs transcripts
    transcripts: tuple[str, ...] = ()  #: at most 1,024 characters each
    consent: str | None = Field(default=None, repr=False)  #: WAV of the spoken consent, in base64
    description: str | None = None

    @property
    def separate_samples(self) -> bool:
        """True for samples that have their texts."""
        return bool(self.transcripts)


class ResembleSpeech(Options):
    """Extras of speech."""

    model: str | None = None  #: "chatterbox-turbo" for rapid English voices
    output_format: Literal["wav", "mp3"] | None = None  #: "wav" if not given
    sample_rate: Literal[8000, 16000, 22050, 32000, 44100, 48000] | None = None  #: 48000
    precision: Literal["MULAW", "PCM_16", "PCM_24", "PCM_32"] | None = None  #: of a WAV; "PCM_16"
    use_hd: bool | None = None
    apply_custom_pronunciations: bool | None = None
    project_uuid: str | None = None  #: keeps the clip in a project
    title: str | None = None


#: The account's own and the pre-built voices.
_LISTINGS: Mapping[CatalogueKind, tuple[Listing, ...]] = {
    "voice": (
        Listing(
            path="/voices",
            query={"page": 1, "page_size": 100},
            items=("items",),
            cursor_parameter="page",
            counts=True,
            pages=("page_count", "num_pages"),
            own_at=("source",),  # UNVERIFIED: "Custom Voice" is the only word that is documented
            own_words=frozenset({"custom voice"}),
            id=("uuid",),
            languages=("default_language", "supported_languages"),
            previews={"audio": ("sample_url",)},
            capabilities=("voice_type",),
        ),
    ),
}


class Resemble(HttpVoiceCloner, HttpCatalogue, BeginsSteps, SpeechSynthesizer):
    """Voices and speech, on two hosts: the dashboard shows the account's own host of speech."""

    name = "resemble"
    api_version = "2"
    base_url = "https://app.resemble.ai/api/v2"
    hosts = MappingProxyType({"speech": "https://f.cluster.resemble.ai"})
    key_env, key_prefix = "RESEMBLE_API_KEY", "Bearer "
    data = vendor_data("resemble")
    option_types = (ResembleVoice, ResembleSpeech)
    capabilities = Capabilities(
        media=frozenset({"url", "data"}),
        one_voice_file=True,  # without transcripts
        drive=frozenset(),
        speech_format="audio/wav",
        # "Text or SSML to synthesize", its OpenAPI document, read 2026-11-30
        markup=frozenset({"ssml"}),
        callback=True,
        no_callback=frozenset({Operation.SPEECH}),
        found_by_token=frozenset({Operation.VOICE}),
        typical=MappingProxyType({Operation.VOICE: 60.0}),
        rate=40.0,
    )
    paths = {Operation.VOICE: Paths.of("/voices", page=1, page_size=100)}
    reads = Reads(
        ids={Operation.VOICE: ("item.uuid", "uuid", "id")},
        state=("status", "item.status", "item.voice_status"),
        # The documentation is inconsistent: these are the words of all its pages.
        states=MappingProxyType(
            {
                "pending": JobState.QUEUED,
                "initializing": JobState.QUEUED,
                "running": JobState.RUNNING,
                "processing": JobState.RUNNING,
                "training": JobState.RUNNING,
                "finished": JobState.SUCCEEDED,
                "ready": JobState.SUCCEEDED,
                "failed": JobState.FAILED,
                "error": JobState.FAILED,
            }
        ),
        reason=("item.error", "error", "item.status", "status"),
        created_at=("item.created_at", "created_at"),
        items=("items",),
        cursor_parameter="page",
        counts="pages",
        total_pages=("page_count", "num_pages"),
    )
    statuses = MappingProxyType({403: PlanError})  # a plan without cloning, seldom a wrong key
    listings = _LISTINGS
    code = ("error_name",)
    message = ("message", "error", "error_params.explanation")

    def __init__(
        self,
        settings: ProviderSettings | None = None,
        *,
        client: Client | None = None,
    ) -> None:
        super().__init__(settings, client=client)
        self._built: set[str] = set()  #: voices with a requested build

    # -- voices -------------------------------------------------------------------------------

    async def clone_voice(self, request: VoiceRequest, /) -> Job:
        """Create the voice; sent once. Then upload its recordings, if it has any."""
        own = self._option(request, ResembleVoice)
        body: dict[str, Any] = {
            "name": request.token,
            "voice_type": own.voice_type,
            "dataset_url": _dataset(request, own),
            "language": request.language,
            "callback_uri": request.callback_url,
            "description": own.description,
            "consent": own.consent,
        }
        job = await self._submit(Operation.VOICE, "/voices", request, **body | own.extra)
        count = len(own.transcripts)
        for number, text in enumerate(own.transcripts, 1):
            with suppress(ProviderError):  # it is created: the poll reports missing recordings
                await self._call(
                    "POST",
                    f"/voices/{path_segment(job.id)}/recordings",
                    operation=Operation.VOICE,
                    body={
                        "name": f"{number} of {count}",
                        "text": text,
                        "emotion": "neutral",
                        "is_active": True,
                    },
                    files=[("file", request.samples[number - 1])],
                )
        return job

    async def get_voice(self, voice_id: str, /) -> Job:
        """Poll; the build is due when all recordings are there. Raises ``NotFound``."""
        job = await super().get_voice(voice_id)
        if job.state is not JobState.QUEUED or job.id in self._built:
            return job
        path = f"/voices/{path_segment(voice_id)}"
        query = {"page": 1, "page_size": 100}
        recordings = self._items(Operation.VOICE, f"{path}/recordings", query)
        names = [_NUMBERED.fullmatch(str(r.get("name"))) async for r in recordings]
        arrived = {int(name[1]) for name in names if name}
        count = max((int(name[2]) for name in names if name), default=0)
        if len(arrived) < count:
            reason = f"only {len(arrived)} of {count} recordings arrived: train again"
            return job.model_copy(update={"state": JobState.FAILED, "reason": reason})
        return job.model_copy(update={"next_step": "build"})

    async def begin_step(self, job: Job, /) -> None:
        """Start the build of a voice."""
        path = f"/voices/{path_segment(job.id)}/build"
        await self._call("POST", path, operation=Operation.VOICE, body={})
        self._built.add(job.id)

    # -- speech -------------------------------------------------------------------------------

    async def synthesize(self, request: SpeechRequest, /) -> Speech:
        """Submit; sent once. One answer has the whole audio with its timings."""
        own = self._option(request, ResembleSpeech)
        call, sent = self._billable(
            Operation.SPEECH,
            f"{self._host('speech')}/synthesize",
            request,
            options=ResembleSpeech,
            body={
                "voice_uuid": request.voice_id,
                "data": request.text,
                "output_format": "wav",
                "sample_rate": 48_000,
                "precision": None if own.output_format == "mp3" else "PCM_16",
            },
        )
        told = await self._send(sent, call)
        audio = _decoded(told.get("audio_content"))
        if not audio:
            raise call.unclear("the answer holds no audio", body=told)
        kind = str(told.get("output_format") or own.output_format or "wav")
        duration = said_at(told, "duration")
        return Speech(
            audio=whole(audio),
            media_type=_TYPES.get(kind, "audio/wav"),
            timings=_timings(told.get("audio_timestamps"), duration),
            cost=None if duration is None else f"{duration} seconds",
        )

    # -- answers ------------------------------------------------------------------------------

    async def _send(self, request: HttpRequest, call: Call) -> dict[str, Any]:
        """Send; an answer with ``success: false`` is a refusal."""
        raw = await super()._send(request, call)
        if raw.get("success") is not False:
            return raw
        told = self.explain(0, raw)
        raise call.error(
            told.kind or Refused, told.message or "no reason given", code=told.code, body=raw
        )

    def explain(self, status: int, body: Any) -> Explanation:
        """Read an error answer, whose message may be in the errors of single fields."""
        told = super().explain(status, body)
        fields = as_object(as_object(body).get("errors"))
        message = told.message
        if not message and fields:
            message = self._redacted("; ".join(f"{k}: {v}" for k, v in fields.items()))[:200]
        return Explanation(kind=told.kind, code=told.code, message=message)

    def _read_on(self, job: Job) -> Job:
        """Correct the state of a voice: ready if it can speak, failed if its recordings failed."""
        voice = as_object(job.raw.get("item")) or job.raw
        if voice.get("dataset_analysis_failure") is True:
            reason = "the recordings cannot be used: record them again, without noise"
            return job.model_copy(update={"state": JobState.FAILED, "reason": reason})
        able = as_object(voice.get("api_support"))
        mute = able.get("sync_tts", able.get("sync")) is False
        if mute and job.state is JobState.SUCCEEDED:
            return job.model_copy(update={"state": JobState.RUNNING})
        return job


def _dataset(request: VoiceRequest, own: ResembleVoice) -> str | None:
    """Return the link of a rapid voice; None for a voice made from recordings."""
    if own.transcripts:
        if len(own.transcripts) != len(request.samples):
            raise Unsupported(
                f"resemble needs one transcript for each recording: {len(own.transcripts)} were "
                f"given for {len(request.samples)}"
            )
        return None
    sample = request.samples[0]
    fits = len(request.samples) == 1 and sample.url and sample.media_type == "audio/wav"
    if not fits or own.voice_type == "professional":
        raise Unsupported(
            "resemble makes a rapid voice from a WAV with a link: use a media store with links; or "
            "give the texts of the samples, options=(ResembleVoice(transcripts=(...,)),)"
        )
    return sample.url


def _decoded(content: Any) -> bytes:
    try:
        return base64.b64decode(content, validate=True) if isinstance(content, str) else b""
    except ValueError:  # also for characters outside ASCII
        return b""


def _timings(told: Any, duration: str | None) -> tuple[tuple[str, float, float], ...] | None:
    """Return (character, start, end) in seconds, which overlap; None if missing or malformed."""
    try:
        pairs = zip(told["graph_chars"], told["graph_times"], strict=True)
        timings = read_timings([(char, start, end) for char, (start, end) in pairs])
        length = float(duration or math.inf)
    except (TypeError, KeyError, ValueError):
        return None
    if timings is None:
        return None
    scale = 1000.0 if max(end for _, _, end in timings) > length * 10 else 1.0  # some: milliseconds
    return tuple((char, start / scale, end / scale) for char, start, end in timings)
