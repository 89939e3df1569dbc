"""D-ID options: typed extras of each call."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from ...models import Model, Options


class DIDVoice(Options):
    """Extras of a cloned voice."""

    language: str | None = None  #: in D-ID's words, e.g. "english", instead of the training's


class DIDExpress(Options):
    """Extras of an Express avatar (V3 Instant), the default for footage."""

    is_greenscreen: bool | None = None


class TrainConfig(Model):
    """Training settings of a Premium+ avatar."""

    is_greenscreen: bool | None = None


class DIDPremium(Options):
    """Train a Premium+ avatar (V3 Pro) from studio footage of more than three minutes."""

    gender: Literal["male", "female"]
    config: TrainConfig | None = None


class DIDConsent(Options):
    """Consent of the person in the footage, for Express and Premium+ avatars."""

    language: str = "english"  #: of the text that is read; D-ID lists 18 languages
    consent_id: str | None = None  #: of a consent that was begun with ``DID.ask_consent``
    waived: bool = False  #: for an account that needs no consent at D-ID


class VoiceConfig(Model):
    """Voice settings beside ``VoiceSettings``."""

    use_speaker_boost: bool | None = None  #: ElevenLabs
    style: str | None = None  #: of a voice of Microsoft, in a word: "Cheerful"


class DIDScript(Options):
    """Script settings; ``extra`` goes into the script."""

    #: provider of the voice; D-ID is asked if it is not given
    provider: Literal["elevenlabs", "microsoft", "amazon", "google", "azure-openai"] | None = None
    model_id: str | None = None  #: ElevenLabs
    language: str | None = None  #: e.g. "English (United States)"
    voice_config: VoiceConfig | None = None
    ssml: bool | None = None
    #: The voice is in your own ElevenLabs account, which pays for it (see ``DID``).
    own_elevenlabs: bool = False

    def markup(self, known: frozenset[str]) -> frozenset[str]:
        """Allow SSML if ``ssml`` says that the script is in it."""
        return known | {"ssml"} if self.ssml else known


class Logo(Model):
    """A picture laid over the video."""

    url: str
    position: tuple[int, int]  #: pixels from the left and from the top


class TalkConfig(Model):
    """Animation settings of a photo."""

    stitch: bool | None = None  #: put the face back into the whole photo
    fluent: bool | None = None
    pad_audio: float | None = Field(default=None, ge=0, le=60)  #: seconds of silence at the end
    driver_expressions: dict[str, Any] | None = None
    logo: Logo | None = None


class ClipConfig(Model):
    """Output settings of a Premium+ avatar's video."""

    output_resolution: int | None = Field(default=None, ge=150, le=1080)
    logo: Logo | None = None


class SceneConfig(Model):
    """Output settings of an Express avatar's video."""

    logo: Logo | None = None


class ExpressiveConfig(Model):
    """Output settings of an Expressive avatar's video."""

    logo: Logo | None = None


class DIDTalk(Options):
    """Extras of a video of a photo."""

    config: TalkConfig | None = None


class DIDClip(Options):
    """Extras of a video of a Premium+ avatar."""

    driver_id: str | None = None
    config: ClipConfig | None = None
    presenter_config: dict[str, Any] | None = None


class DIDScene(Options):
    """Extras of a video of an Express avatar."""

    config: SceneConfig | None = None


class DIDExpressive(Options):
    """Extras of a video of an Expressive avatar."""

    sentiment_id: str | None = None
    config: ExpressiveConfig | None = None
    persist: bool | None = None
