"""ElevenLabs: voices, speech and dubs."""

from __future__ import annotations

from .adapter import REGIONS, Allowance, ElevenLabs
from .dubbing import ElevenLabsDub
from .options import (
    ElevenLabsAudio,
    ElevenLabsProfessional,
    ElevenLabsRevoice,
    ElevenLabsSpeech,
    ElevenLabsVoice,
    ElevenLabsVoiceSettings,
)
from .pronunciation import ElevenLabsPronunciation

__all__ = [
    "REGIONS",
    "Allowance",
    "ElevenLabs",
    "ElevenLabsAudio",
    "ElevenLabsDub",
    "ElevenLabsProfessional",
    "ElevenLabsPronunciation",
    "ElevenLabsRevoice",
    "ElevenLabsSpeech",
    "ElevenLabsVoice",
    "ElevenLabsVoiceSettings",
]
