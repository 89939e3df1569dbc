"""ElevenLabs options: typed extras of each call."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field

from ...models import Model, Options

#: Default model, sent explicitly because the vendor's default may change.
#: It takes no language code: it detects the language of the text.
MODEL = "eleven_multilingual_v2"


class ElevenLabsVoice(Options):
    """Extras of an instant clone."""

    remove_background_noise: bool | None = None  #: can hurt a clean recording
    description: str | None = None


class ElevenLabsProfessional(Options):
    """Train a professional voice of the account's owner, from at least half an hour of speech.

    It needs a plan that includes it, and the owner must read a captcha aloud.
    """

    language: str | None = None  #: instead of the training's, e.g. "en"
    description: str | None = Field(default=None, max_length=500)
    labels: dict[str, str] | None = None


class ElevenLabsVoiceSettings(Model):
    """Voice settings beside ``VoiceSettings``."""

    use_speaker_boost: bool | None = None


class ElevenLabsSpeech(Options):
    """Extras of speech, beside ``VoiceSettings``: model and context."""

    model_id: str | None = None
    voice_settings: ElevenLabsVoiceSettings | None = None
    language_code: str | None = None  #: ISO 639-1; eleven_multilingual_v2 takes none
    seed: int | None = Field(default=None, ge=0, le=4294967295)
    previous_text: str | None = None
    next_text: str | None = None
    apply_text_normalization: Literal["auto", "on", "off"] | None = None

    @property
    def chosen_model(self) -> str:
        """Model that speaks."""
        return self.model_id or MODEL

    def markup(self, known: frozenset[str]) -> frozenset[str]:
        """Leave out ``<break>`` for the models that do not know it: v3, and those after it."""
        older = re.match(r"eleven_v[3-9]", self.chosen_model) is None
        return known if older else known - {"break"}


class ElevenLabsRevoice(Options):
    """Extras of speech that follows a recording, see ``revoice`` of ``kit.speak``."""

    model_id: str | None = None  #: default: eleven_multilingual_sts_v2
    seed: int | None = Field(default=None, ge=0, le=4294967295)
    remove_background_noise: bool | None = None


class ElevenLabsAudio(Options):
    """Format and delivery of the audio."""

    output_format: str = "mp3_44100_128"  #: 192 kbit/s, and WAV or PCM of 44.1 kHz, need a plan
    delivery: Literal["whole", "streamed", "timestamps"] = "whole"
    enable_logging: bool | None = None  #: False: zero retention, for enterprises
