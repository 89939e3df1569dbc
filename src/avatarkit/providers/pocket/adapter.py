"""Kyutai's Pocket TTS: real voice cloning on the CPU, by sherpa-onnx and without PyTorch.

https://github.com/kyutai-labs/pocket-tts. A cloned voice is the recording itself, decoded and kept
in our folder: the model hears it before each speech. Nothing is downloaded, nothing leaves the
machine.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import anyio
import anyio.to_thread

from ... import errors
from ...content import audio
from ...content.files import whole
from ...interfaces import (
    Capabilities,
    ChecksScripts,
    Limit,
    Limits,
    ProviderSettings,
    SpeechSynthesizer,
    VoiceCloner,
    requested,
    require_mapped,
)
from ...models import (
    ConsentRule,
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
from ...webhooks import Delivery
from ..answers import primary_language
from ..folder import KeptInFolder, VoiceFiles, write_media
from . import model

#: Variable of the folder of weights.
VOICES = "AVATARKIT_LOCAL_VOICES"
_UNTOLD = "en"  #: the language of a text without one
_SUFFIX = ".wav"  #: of a voice's file
_NAMES = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")  #: of voices
_SOURCE = "https://github.com/kyutai-labs/pocket-tts"
_READ = "2026-11-30"


class Pocket(KeptInFolder, VoiceCloner, SpeechSynthesizer, ChecksScripts):
    """Clones voices and speaks with Pocket TTS.

    ``voices`` is a folder with one folder of weights a language, such as ``en``; by default
    AVATARKIT_LOCAL_VOICES. Raises ``ConfigError`` without one.
    """

    name: ClassVar[str] = "pocket"
    api_version: ClassVar[str] = "2"  # of sherpa-onnx
    capabilities: ClassVar[Capabilities] = Capabilities(
        one_voice_file=True,
        keeps_here=True,
        runs_here=True,
        drive=frozenset(),
        speech_format="audio/wav",
        languages=model.LANGUAGES,
        found_by_token=frozenset({Operation.VOICE}),
        list_lag=0.0,
        free=frozenset({Operation.VOICE, Operation.SPEECH}),
        typical=MappingProxyType({Operation.VOICE: 2.0, Operation.SPEECH: 10.0}),
    )
    limits: ClassVar[Limits] = (
        Limit(what="voice_seconds", minimum=3.0, source="avatarkit", since=_READ),
    )
    consent_rules: ClassVar[tuple[ConsentRule, ...]] = (
        ConsentRule(
            demands="record",
            text="the terms of the cloning weights prohibit a voice without its owner's consent",
            source=_SOURCE,
            since=_READ,
        ),
    )
    option_types: ClassVar[tuple[type[Options], ...]] = ()

    def __init__(
        self,
        settings: ProviderSettings | None = None,
        *,
        voices: str | os.PathLike[str] | None = None,
    ) -> None:
        given = settings or ProviderSettings()
        root = voices or os.environ.get(VOICES)
        if not root:
            raise errors.ConfigError(
                f"pocket needs weights: set {VOICES} to a folder with one folder a language; "
                "docs/providers/pocket.md tells where they come from"
            )
        self._root = Path(root).expanduser().absolute()
        self._home = (given.home or Path(".avatarkit/pocket")).absolute()
        self._voices = VoiceFiles(self.name, self._home, suffix=_SUFFIX, names=_NAMES)
        self._models: dict[Path, Any] = {}
        self._turn = anyio.CapacityLimiter(1)  # a speech uses the processors by itself

    def events(self, delivery: Delivery) -> list[VendorEvent]:
        """Raise ``WebhookRejected``: there are no webhooks."""
        del delivery
        raise errors.WebhookRejected("pocket sends no webhooks")

    async def aclose(self) -> None:
        """Release the models."""
        self._models.clear()

    def check_script(self, text: str, language: str | None, /) -> None:
        """Raise ``Unsupported`` for a language without weights in the folder."""
        del text
        self._weights(language)

    # -- voices -------------------------------------------------------------------------------

    async def clone_voice(self, request: VoiceRequest, /) -> Job:
        """Decode the recording and keep it; an existing voice of this token is kept."""
        request.guard()
        if self._voices.names(request.token) and not self._voices.has(request.token):
            with self._voices.making(request.token) as folder:
                self._voices.keep(request.token, await _decoded(request.samples, folder))
        return await self.get_voice(request.token)

    async def get_voice(self, voice_id: str, /) -> Job:
        """Return an existing voice, which is always finished; raises ``NotFound``."""
        self._voices.path(voice_id, Operation.VOICE)
        return Job(
            provider=self.name, operation=Operation.VOICE, id=voice_id, state=JobState.SUCCEEDED
        )

    async def find_voice(self, token: str, /) -> Sequence[Job]:
        """Return the voice of this token, if it exists."""
        try:
            return [await self.get_voice(token)]
        except errors.NotFound:
            return []

    async def delete_voice(self, voice_id: str, /) -> None:
        """Delete the recording, and temporary files of a killed process."""
        self._voices.delete(voice_id, (_SUFFIX,))

    # -- speech -------------------------------------------------------------------------------

    async def synthesize(self, request: SpeechRequest, /) -> Speech:
        """Speak a text in a cloned voice, as 24 kHz WAV; the default language is English."""
        request.guard()
        require_mapped(self, *requested(request))
        weights = self._weights(request.language)
        voice = self._voices.path(request.voice_id, Operation.SPEECH)

        def speak() -> bytes:
            if weights.folder not in self._models:
                self._models[weights.folder] = model.load(weights)
            try:
                return model.speak(self._models[weights.folder], request.text, voice)
            except Exception as error:
                raise errors.Refused(
                    f"the model failed ({type(error).__name__}): shorten the text, or give another "
                    "recording",
                    provider=self.name,
                    operation=Operation.SPEECH,
                ) from error

        sound = await anyio.to_thread.run_sync(speak, limiter=self._turn)
        return Speech(audio=whole(sound), media_type="audio/wav")

    # -- what they share ----------------------------------------------------------------------

    def _weights(self, language: str | None) -> model.Weights:
        """Weights of a language; raises ``Unsupported``, or ``ConfigError`` if there are none."""
        found = model.find_weights(self._root)
        if not found:
            raise errors.ConfigError(
                f"{self._root} has no weights: make a folder for each language in it, such as "
                f"{self._root / _UNTOLD}, with the files of sherpa-onnx's Pocket TTS archive"
            )
        asked = primary_language(language or _UNTOLD) or _UNTOLD
        if asked not in found:
            raise errors.Unsupported(
                f"pocket has no weights for {asked!r} in {self._root}; it has: {', '.join(found)}"
            )
        return found[asked]


async def _decoded(samples: Sequence[Media], folder: Path) -> Path:
    """Decode a person's recordings in the sandbox, joined to one mono WAV of 16 bits."""
    paths: list[Path] = []
    for number, media in enumerate(samples):
        path = folder / f"{number}{Path(media.name).suffix}"
        await write_media(path, media)
        paths.append(path)
    plain = folder / "voice.wav"
    await audio.write.run(paths, plain, "audio/wav")
    return plain
