"""Options of D-ID: what a user may set for each call."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from ...models import Model, Options


class DIDVoice(Options):
    """Extras of a cloned voice."""

    language: str | None = None  #: in D-ID's words, e.g. "english", instead of the training's


class DIDExpress(Options):
    """Extras of an Express avatar (V3 Instant): what footage becomes unless ``DIDPremium`` asks."""

    is_greenscreen: bool | None = None


class TrainConfig(Model):
    """How a Premium+ avatar is trained."""

    is_greenscreen: bool | None = None


class DIDPremium(Options):
    """Make a Premium+ avatar (V3 Pro) of studio footage of more than three minutes."""

    gender: Literal["male", "female"]
    config: TrainConfig | None = None


class DIDConsent(Options):
    """How the person in the footage consents, whichever avatar it becomes."""

    language: str = "english"  #: of the text that is read; D-ID lists 18 languages
    consent_id: str | None = None  #: of a consent that was begun with ``DID.ask_consent``
    waived: bool = False  #: for an account that D-ID asks for none


class VoiceConfig(Model):
    """How a text is spoken; which of these hold depends on the provider of the voice."""

    stability: float | None = Field(default=None, ge=0, le=1)
    similarity_boost: float | None = Field(default=None, ge=0, le=1)
    use_speaker_boost: bool | None = None
    style: str | None = None  #: "0" to "1" for ElevenLabs, a word for Microsoft
    rate: str | None = None  #: "0.7" to "1.2" for ElevenLabs
    pitch: str | None = None  #: Microsoft


class DIDScript(Options):
    """How a text is spoken; ``extra`` goes into the script."""

    #: whose voice it is; unless given, D-ID is asked
    provider: Literal["elevenlabs", "microsoft", "amazon", "google", "azure-openai"] | None = None
    model_id: str | None = None  #: ElevenLabs
    language: str | None = None  #: e.g. "English (United States)"
    voice_config: VoiceConfig | None = None
    ssml: bool | None = None
    subtitles: bool | None = None
    #: The voice lies at ElevenLabs under a key of one's own (see ``DID``), which pays for it.
    own_elevenlabs: bool = False


class Logo(Model):
    """A picture laid over the video."""

    url: str
    position: tuple[int, int]  #: pixels from the left and from the top


class Background(Model):
    """What is behind the person: a colour as ``#47ffff``, False for none, or a picture."""

    color: str | Literal[False] | None = None
    source_url: str | None = None


class ExpressiveBackground(Model):
    """What is behind the person of an Expressive avatar."""

    type: Literal["color", "image_url"]
    value: str


class TalkConfig(Model):
    """How a photo is animated."""

    stitch: bool | None = None  #: put the face back into the whole photo
    fluent: bool | None = None
    pad_audio: float | None = Field(default=None, ge=0, le=60)  #: seconds of silence at the end
    result_format: Literal["mp4", "mov"] | None = None
    driver_expressions: dict[str, Any] | None = None
    logo: Logo | None = None


class ClipConfig(Model):
    """How the video of a Premium+ avatar comes out."""

    result_format: Literal["mp4", "mov", "webm"] | None = None
    output_resolution: int | None = Field(default=None, ge=150, le=1080)
    logo: Logo | None = None


class SceneConfig(Model):
    """How the video of an Express avatar comes out."""

    logo: Logo | None = None


class ExpressiveConfig(Model):
    """How the video of an Expressive avatar comes out."""

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
