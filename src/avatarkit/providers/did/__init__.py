"""D-ID: avatars of a photo or of footage, videos of them, and cloned voices."""

from __future__ import annotations

from .adapter import DID, ConsentText
from .options import (
    ClipConfig,
    DIDClip,
    DIDConsent,
    DIDExpress,
    DIDExpressive,
    DIDPremium,
    DIDScene,
    DIDScript,
    DIDTalk,
    DIDVoice,
    ExpressiveConfig,
    Logo,
    SceneConfig,
    TalkConfig,
    TrainConfig,
    VoiceConfig,
)
from .translations import DIDTranslation

__all__ = [
    "DID",
    "ClipConfig",
    "ConsentText",
    "DIDClip",
    "DIDConsent",
    "DIDExpress",
    "DIDExpressive",
    "DIDPremium",
    "DIDScene",
    "DIDScript",
    "DIDTalk",
    "DIDTranslation",
    "DIDVoice",
    "ExpressiveConfig",
    "Logo",
    "SceneConfig",
    "TalkConfig",
    "TrainConfig",
    "VoiceConfig",
]
