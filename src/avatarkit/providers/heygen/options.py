"""HeyGen options: typed extras of each call."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from ...models import Model, Options


class HeyGenVoice(Options):
    """Extras of a voice clone."""

    remove_background_noise: bool | None = None  #: True if not given


class HeyGenAvatar(Options):
    """Extras of an avatar. A clip becomes a digital twin, a picture a photo avatar."""

    #: draw an avatar from this text instead; a given picture is the reference
    prompt: str | None = Field(default=None, max_length=1000)

    @property
    def without_footage(self) -> bool:
        """True for an avatar that is drawn from a text."""
        return self.prompt is not None


class HeyGenEngine(Model):
    """Animation engine; HeyGen adds new ones, so any name is allowed."""

    type: str  #: "avatar_iv", "avatar_v", "avatar_iii"
    reference_look_id: str | None = None  #: only of avatar_v


class HeyGenVoiceSettings(Model):
    """Voice settings beside ``VoiceSettings``."""

    volume: float | None = Field(default=None, ge=0, le=1)
    locale: str | None = None  #: "en-US", for a voice with several languages
    engine_settings: dict[str, Any] | None = None  #: with "engine_type"


class HeyGenVideo(Options):
    """Extras of a video, beside ``VideoSettings``."""

    #: default: the first of avatar_iv, avatar_v and avatar_iii that the look supports
    engine: HeyGenEngine | str | None = None
    fit: Literal["contain", "cover"] | None = None
    remove_background: bool | None = None
    voice_settings: HeyGenVoiceSettings | None = None
    motion_prompt: str | None = None
    expressiveness: Literal["high", "medium", "low"] | None = None  #: photo avatars, avatar_iv

    @field_validator("engine", mode="before")
    @classmethod
    def _spelled_out(cls, engine: Any) -> Any:
        return {"type": engine} if isinstance(engine, str) else engine


class HeyGenSpeech(Options):
    """Extras of speech, beside ``VoiceSettings``."""

    input_type: Literal["text", "ssml"] | None = None
    locale: str | None = None  #: "pt-BR"

    def markup(self, known: frozenset[str]) -> frozenset[str]:
        """Allow SSML if ``input_type`` says that the text is in it."""
        return known | {"ssml"} if self.input_type == "ssml" else known


class HeyGenDub(Options):
    """Extras of a translated video."""

    mode: Literal["speed", "precision"] | None = None  #: "speed" if not given; prices differ
    input_language: str | None = None  #: detected if not given
    speaker_num: int | None = None
    translate_audio_only: bool | None = None  #: the lips stay as they are
    disable_music_track: bool | None = None
    enable_speech_enhancement: bool | None = None
    enable_dynamic_duration: bool | None = None
    enable_caption: bool | None = None
    keep_the_same_format: bool | None = None
    brand_glossary_id: str | None = None
    start_time: float | None = None  #: seconds
    end_time: float | None = None
