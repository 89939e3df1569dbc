"""Coqui XTTS: voices cloned and spoken by a model of your own, in this process or on a server.

https://github.com/idiap/coqui-ai-TTS, the maintained fork; the company closed in January 2024. A
cloned voice is a file in our folder: values computed from the recording, or the recording itself,
for a server that stores nothing. It is cloned once, and found by its name.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import io
import json
import os
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import anyio
import anyio.to_thread

from ... import errors
from ...content import audio
from ...content.files import whole
from ...interfaces import Capabilities, ProviderSettings, SpeechSynthesizer, VoiceCloner
from ...models import (
    Job,
    JobState,
    Media,
    Operation,
    Options,
    Speech,
    SpeechRequest,
    VendorEvent,
    VendorRequest,
    VoiceRequest,
)
from ...webhooks import Delivery
from ..folder import KeptInFolder, VoiceFiles, write_media
from ..http import (
    Call,
    Client,
    Explanation,
    HttpProvider,
    HttpRequest,
    Reads,
    primary_language,
    send,
    send_any,
    stream,
    vendor_data,
)
from .model import load_model, lock_of

T = TypeVar("T")

_CPML = "https://tts-hub.github.io/cpml"

_HERE, _TTS_SERVER, _XTTS_SERVER = "in this process", "tts-server", "xtts-streaming-server"
#: Scheme of the address -> kind of server; an address without a scheme is a folder.
_KINDS: Mapping[str, str] = {
    "file": _HERE,
    "http": _TTS_SERVER,
    "https": _TTS_SERVER,
    "xtts+http": _XTTS_SERVER,
    "xtts+https": _XTTS_SERVER,
}
#: Suffix of a voice's file for each kind of server; none can read the files of another.
_SUFFIXES: Mapping[str, str] = {_HERE: ".pth", _TTS_SERVER: ".audio", _XTTS_SERVER: ".json"}
_LATENTS = ("gpt_cond_latent", "speaker_embedding")
_LANGUAGES = (
    *("en", "es", "fr", "de", "it", "pt", "pl", "tr", "ru"),
    *("nl", "cs", "ar", "zh", "hu", "ko", "ja", "hi"),
)
_UNTOLD = "en"  #: the language of a text without one; also the default of tts-server
#: Seconds that one speech may take: the server answers when it has finished.
_PATIENCE = 600.0


class Coqui(KeptInFolder, HttpProvider, VoiceCloner, SpeechSynthesizer):
    """Clones voices and speaks with XTTS.

    ``base_url`` is the place of the model. A path is a folder of weights, loaded in this process;
    ``http://`` and ``https://`` lead to a ``tts-server`` that can read our ``home``;
    ``xtts+http://`` and ``xtts+https://`` to an ``xtts-streaming-server``. ``model`` is a
    ``TTS.api.TTS`` that you loaded yourself, instead of a folder. The key is optional; it is sent
    as a bearer token, for a proxy in front of the server.

    Raises ``ConfigError`` if there is no address, or if the licence of the weights is not accepted
    by ``accept_cpml`` or by the variable of coqui-tts itself, ``COQUI_TOS_AGREED=1``.
    """

    name = "coqui"
    api_version = "0.28"  # of coqui-tts
    base_url = ""
    key_env, key_prefix = "COQUI_API_KEY", "Bearer "
    data = vendor_data("coqui")
    needs = frozenset({"base_url"})
    capabilities = Capabilities(
        one_voice_file=True,
        keeps_here=True,
        drive=frozenset(),
        speech_format="audio/wav",
        languages=_LANGUAGES,
        found_by_token=frozenset({Operation.VOICE}),
        list_lag=0.0,
        free=frozenset({Operation.VOICE, Operation.SPEECH}),
        typical=MappingProxyType({Operation.VOICE: 5.0, Operation.SPEECH: 10.0}),
    )
    reads = Reads(
        ids={Operation.VOICE: ("id",)},
        states={},
        state=(),
        unsaid={Operation.VOICE: JobState.SUCCEEDED},
    )

    def __init__(
        self,
        settings: ProviderSettings | None = None,
        *,
        client: Client | None = None,
        model: Any = None,
        accept_cpml: bool | None = None,
    ) -> None:
        _require_licence(accepted=accept_cpml)  # first: a client takes time, and would be left open
        given = settings or ProviderSettings()
        patient = dataclasses.replace(given, timeout=max(given.timeout, _PATIENCE))
        super().__init__(patient, client=client)
        self._kind = _HERE if model is not None else _kind(self._base_url)
        self._base_url = self._base_url.removeprefix("xtts+").removeprefix("file://")
        self._model = model
        # Callers wait here for their turn, instead of each in a thread.
        self._turn = anyio.CapacityLimiter(1)
        self._home = (given.home or Path(".avatarkit/coqui")).absolute()
        self._voices = VoiceFiles(
            self.name,
            self._home,
            suffix=_SUFFIXES[self._kind],
            names=_SLUG,
            kind=f" of {self._kind}",
        )

    def _checked_key(self) -> str:
        return super()._checked_key() if self._settings.api_key else ""

    def _headers(self) -> dict[str, str]:
        return super()._headers() if self._key else {}

    async def aclose(self) -> None:
        """Release the model, and close the client unless it was borrowed."""
        self._model = None
        await super().aclose()

    def events(self, delivery: Delivery) -> list[VendorEvent]:
        """Raise ``WebhookRejected``: there are no webhooks."""
        del delivery
        raise errors.WebhookRejected("coqui sends no webhooks")

    def explain(self, status: int, body: Any) -> Explanation:
        """Read an error answer; an error of the model itself is ``Refused``, as it would recur."""
        told = super().explain(status, body)
        failed = told.message.startswith("TTS synthesis failed")
        return dataclasses.replace(told, kind=errors.Refused) if failed else told

    # -- voices -------------------------------------------------------------------------------

    async def clone_voice(self, request: VoiceRequest, /) -> Job:
        """Clone; an existing voice of this token is kept.

        Raises ``Unsupported`` for a token that coqui-tts would store under another name, because
        that could overwrite another voice.
        """
        if not self._voices.names(request.token):
            raise errors.Unsupported(
                f"coqui would store {request.token!r} under another name, and could overwrite a "
                "voice. Use ASCII letters, digits, dashes and single underscores within."
            )
        if not self._voices.has(request.token):
            self._admit(Operation.VOICE, request)
            with self._voices.making(request.token) as folder:
                made = await self._LEARN[self._kind](self, request, folder)
                self._voices.keep(request.token, made)
        return await self.get_voice(request.token)

    async def get_voice(self, voice_id: str, /) -> Job:
        """Return an existing voice, which is always finished; raises ``NotFound``."""
        self._voices.path(voice_id, Operation.VOICE)
        return self._job(Operation.VOICE, {"id": voice_id})

    async def find_voice(self, token: str, /) -> Sequence[Job]:
        """Return the voice of this token, if it exists."""
        try:
            return [await self.get_voice(token)]
        except errors.NotFound:
            return []

    async def delete_voice(self, voice_id: str, /) -> None:
        """Delete the voice's files of all kinds, and temporary files of a killed process."""
        self._voices.delete(voice_id, _SUFFIXES.values())

    async def _learn_here(self, request: VoiceRequest, folder: Path) -> Path:
        given = await self._learn_nothing(request, folder)
        sample = await _decoded(given)

        def learn(model: Any) -> None:
            cloner = model.synthesizer.tts_model
            cloner.clone_voice(str(sample), speaker_id=request.token, voice_dir=str(folder))

        await self._run(Operation.VOICE, learn)
        return folder / f"{request.token}{_SUFFIXES[_HERE]}"

    async def _learn_nothing(self, request: VoiceRequest, folder: Path) -> Path:
        """Keep the recording: tts-server reads it for each speech."""
        (media,) = request.samples
        path = folder / f"sample{Path(media.name).suffix}"
        await write_media(path, media)
        return path

    async def _learn_there(self, request: VoiceRequest, folder: Path) -> Path:
        files = [("wav_file", sample) for sample in request.samples]
        call, sent = self._once(Operation.VOICE, "/clone_speaker", request, files=files)
        raw = await send(self._client, sent, call)
        latents = {name: raw.get(name) for name in _LATENTS}
        if not all(isinstance(value, list) for value in latents.values()):
            raise call.unclear("the answer holds no voice", body=raw)
        path = folder / "voice.json"
        path.write_text(json.dumps(latents))
        return path

    # -- speech -------------------------------------------------------------------------------

    async def synthesize(self, request: SpeechRequest, /) -> Speech:
        """Speak a text with a cloned voice, as 24 kHz WAV; the default language is English."""
        voice = self._voices.path(request.voice_id, Operation.SPEECH)
        self._admit(Operation.SPEECH, request)
        return await self._SAY[self._kind](self, request, voice, _spoken(request.language))

    async def _say_here(self, request: SpeechRequest, voice: Path, language: str) -> Speech:
        def speak(model: Any) -> bytes:
            samples = model.tts(
                text=request.text,
                speaker=request.voice_id,
                language=language,
                voice_dir=str(voice.parent),
            )
            sound = io.BytesIO()
            model.synthesizer.save_wav(samples, sound)
            return sound.getvalue()

        return _speech(await self._run(Operation.SPEECH, speak))

    async def _say_by_sample(self, request: SpeechRequest, voice: Path, language: str) -> Speech:
        body = {"text": request.text, "language_id": language, "speaker_wav": str(voice)}
        call, sent = self._once(Operation.SPEECH, "/api/tts", request, body, files=())
        answer = await stream(self._client, sent, call)
        return Speech(audio=answer.chunks, media_type=answer.media_type)

    async def _say_by_latents(self, request: SpeechRequest, voice: Path, language: str) -> Speech:
        latents = json.loads(await anyio.Path(voice).read_text())
        body = {"text": request.text, "language": language, **latents}
        call, sent = self._once(Operation.SPEECH, "/tts", request, body)
        said = await send_any(self._client, sent, call)
        try:
            sound = base64.b64decode(said, validate=True)
        except (TypeError, ValueError, binascii.Error) as error:
            raise call.unclear("the answer holds no audio") from error
        return _speech(sound)

    _LEARN: Mapping[str, Callable[[Any, VoiceRequest, Path], Awaitable[Path]]] = {
        _HERE: _learn_here,
        _TTS_SERVER: _learn_nothing,
        _XTTS_SERVER: _learn_there,
    }
    _SAY: Mapping[str, Callable[[Any, SpeechRequest, Path, str], Awaitable[Speech]]] = {
        _HERE: _say_here,
        _TTS_SERVER: _say_by_sample,
        _XTTS_SERVER: _say_by_latents,
    }

    # -- what they share ----------------------------------------------------------------------

    def _admit(self, operation: Operation, request: VendorRequest) -> None:
        self._check(request)
        if request.callback_url:
            raise errors.Unsupported(f"coqui takes no callback address for {operation}")
        request.guard()

    def _once(
        self,
        operation: Operation,
        path: str,
        request: VendorRequest,
        body: Mapping[str, Any] = MappingProxyType({}),
        *,
        files: Sequence[tuple[str, Media]] | None = None,
    ) -> tuple[Call, HttpRequest]:
        """Build a call without retries: it is free, but keeps the machine busy for minutes."""
        call, sent = self._billable(
            operation, path, request, options=Options, body=body, files=files
        )
        return dataclasses.replace(call, attempts=1), sent

    async def _run(self, operation: Operation, work: Callable[[Any], T]) -> T:
        """Run work on the model in a thread, one call at a time."""

        def alone() -> T:
            if self._model is None:
                self._model = load_model(Path(self._base_url))
            with lock_of(self._model):
                try:
                    return work(self._model)
                except Exception as error:
                    raise errors.Refused(
                        f"the model failed ({type(error).__name__}: {error})"[:300],
                        provider=self.name,
                        operation=operation,
                    ) from error

        return await anyio.to_thread.run_sync(alone, limiter=self._turn)


# -- small rules ------------------------------------------------------------------------------


def _kind(address: str) -> str:
    if not address:
        raise errors.ConfigError(
            "coqui needs a model: set AVATARKIT_COQUI_BASE_URL to a folder of XTTS weights, to "
            "the http:// address of a tts-server, or to the xtts+http:// address of an "
            "xtts-streaming-server"
        )
    scheme, found, _ = address.partition("://")
    kind = _KINDS.get(scheme) if found else _HERE
    if kind is None:
        raise errors.ConfigError(
            f"no address of coqui begins with {scheme}: give {', '.join(_KINDS)}, or a path"
        )
    return kind


def _require_licence(*, accepted: bool | None) -> None:
    if accepted is None:
        accepted = os.environ.get("COQUI_TOS_AGREED") == "1"
    if not accepted:
        raise errors.ConfigError(
            "the XTTS weights are licensed for non-commercial use only, of the model and of its "
            f"speech (Coqui Public Model License, {_CPML}); no other licence is sold any more. If "
            "your use is non-commercial, accept it: Coqui(settings, accept_cpml=True), or "
            "COQUI_TOS_AGREED=1"
        )


#: Names under which coqui-tts stores a voice exactly.
_SLUG = re.compile(r"[A-Za-z0-9-]+(_[A-Za-z0-9-]+)*")


def _spoken(language: str | None) -> str:
    """Return the code that XTTS uses for a language tag."""
    primary = primary_language(language or _UNTOLD) or _UNTOLD
    return "zh-cn" if primary == "zh" else primary


def _speech(sound: bytes) -> Speech:
    return Speech(audio=whole(sound), media_type="audio/wav")


async def _decoded(path: Path) -> Path:
    """Decode a person's recording in the sandbox, so that torch reads a plain WAV."""
    plain = path.with_name("plain.wav")
    await audio.write.run([path], plain, "audio/wav")
    return plain
