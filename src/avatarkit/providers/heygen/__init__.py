"""HeyGen: voices, avatars, videos, speech and dubs."""

from __future__ import annotations

from .adapter import HeyGen
from .options import (
    HeyGenAvatar,
    HeyGenDub,
    HeyGenEngine,
    HeyGenSpeech,
    HeyGenVideo,
    HeyGenVoice,
    HeyGenVoiceSettings,
)

__all__ = [
    "HeyGen",
    "HeyGenAvatar",
    "HeyGenDub",
    "HeyGenEngine",
    "HeyGenSpeech",
    "HeyGenVideo",
    "HeyGenVoice",
    "HeyGenVoiceSettings",
]
