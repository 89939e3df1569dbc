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
    """Voice settings; which of them apply depends on the provider of the voice."""

    stability: float | None = Field(default=None, ge=0, le=1)
    similarity_boost: float | None = Field(default=None, ge=0, le=1)
    use_speaker_boost: bool | None = None
    style: str | None = None  #: "0" to "1" for ElevenLabs, a word for Microsoft
    rate: str | None = None  #: "0.7" to "1.2" for ElevenLabs
    pitch: str | None = None  #: Microsoft


class DIDScript(Options):
    """Script settings; ``extra`` goes into the script."""

    #: provider of the voice; D-ID is asked if it is not given
    provider: Literal["elevenlabs", "microsoft", "amazon", "google", "azure-openai"] | None = None
    model_id: str | None = None  #: ElevenLabs
    language: str | None = None  #: e.g. "English (United States)"
    voice_config: VoiceConfig | None = None
    ssml: bool | None = None
    subtitles: bool | None = None
    #: The voice is in your own ElevenLabs account, which pays for it (see ``DID``).
    own_elevenlabs: bool = False

    def markup(self, known: frozenset[str]) -> frozenset[str]:
        """Allow SSML if ``ssml`` says that the script is in it."""
        return known | {"ssml"} if self.ssml else known


class Logo(Model):
    """A picture laid over the video."""

    url: str
    position: tuple[int, int]  #: pixels from the left and from the top


class Background(Model):
    """Background: a colour as ``#47ffff``, False for none, or a picture."""

    color: str | Literal[False] | None = None
    source_url: str | None = None


class ExpressiveBackground(Model):
    """Background of an Expressive avatar."""

    type: Literal["color", "image_url"]
    value: str


class TalkConfig(Model):
    """Animation settings of a photo."""

    stitch: bool | None = None  #: put the face back into the whole photo
    fluent: bool | None = None
    pad_audio: float | None = Field(default=None, ge=0, le=60)  #: seconds of silence at the end
    result_format: Literal["mp4", "mov"] | None = None
    driver_expressions: dict[str, Any] | None = None
    logo: Logo | None = None


class ClipConfig(Model):
    """Output settings of a Premium+ avatar's video."""

    result_format: Literal["mp4", "mov", "webm"] | None = None
    output_resolution: int | None = Field(default=None, ge=150, le=1080)
    logo: Logo | None = None


class SceneConfig(Model):
    """Output settings of an Express avatar's video."""

    logo: Logo | None = None


class ExpressiveConfig(Model):
    """Output settings of an Expressive avatar's video."""

    result_format: Literal["mp4", "mov", "webm"] | None = None
    output_resolution: Literal[480, 720, 1080] | None = None
    logo: Logo | None = None


class DIDTalk(Options):
    """Extras of a video of a photo."""

    config: TalkConfig | None = None


class DIDClip(Options):
    """Extras of a video of a Premium+ avatar."""

    driver_id: str | None = None
    config: ClipConfig | None = None
    presenter_config: dict[str, Any] | None = None
    background: Background | None = None


class DIDScene(Options):
    """Extras of a video of an Express avatar; a background needs footage with a green screen."""

    config: SceneConfig | None = None
    background: Background | None = None


class DIDExpressive(Options):
    """Extras of a video of an Expressive avatar."""

    sentiment_id: str | None = None
    config: ExpressiveConfig | None = None
    background: ExpressiveBackground | None = None
    persist: bool | None = None
