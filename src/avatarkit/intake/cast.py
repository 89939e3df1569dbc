"""Cast of a video: its avatar and its voice, from a training or from a vendor's catalogue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from .. import errors
from ..interfaces import CatalogueEntry, CatalogueKind, Provider
from ..models import Consent, Operation, VideoSettings
from ..records import OperationState, Training
from . import arguments

#: Makes the state of something that exists at a provider: operation, provider, id.
Exists = Callable[[Operation, str, str], OperationState]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Avatar or voice that a caller names: an entry of a catalogue, or an id."""

    id: str
    provider: str | None = None  #: None: that of the training or of the stack
    stock: bool = False  #: the vendor's own, so that no person has to agree
    voice_id: str | None = None  #: usual voice of an avatar

    @property
    def usual_voice(self) -> Chosen | None:
        """Usual voice of an avatar."""
        if self.voice_id is None:
            return None
        return Chosen(id=self.voice_id, provider=self.provider, stock=self.stock)

    @classmethod
    def of(cls, label: str, kind: CatalogueKind, value: object) -> Chosen | None:
        """Read an argument; None if there is none. Raises ``ConfigError``."""
        return None if value is None else cls.named(label, kind, value)

    @classmethod
    def named(cls, label: str, kind: CatalogueKind, value: object) -> Chosen:
        """Read an argument that must not be None; raises ``ConfigError``."""
        if not isinstance(value, CatalogueEntry):
            return cls(id=arguments.identifier(label, value))
        if value.kind != kind:
            raise errors.ConfigError(
                f"{label} is an entry of kind {value.kind!r}: pass one of kind {kind!r}"
            )
        return cls(
            id=value.id,
            provider=value.provider,
            stock=value.own is False,
            voice_id=value.voice_id,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Avatar and voice of a video, as operations that have succeeded."""

    avatar: OperationState
    voice: OperationState | None
    stack: str
    training_id: str | None = None
    consent_id: str | None = None  #: consent of the training
    consent: Consent | None = None  #: consent that is to be kept, without a training

    @property
    def avatar_id(self) -> str | None:
        """The avatar, as its provider calls it."""
        return self.avatar.usable_id or None

    @property
    def voice_id(self) -> str | None:
        """The voice, as its provider calls it."""
        return self.voice.usable_id if self.voice else None


def of_training(
    training: Training, avatar: Chosen | None, voice: Chosen | None, exists: Exists
) -> Cast:
    """Cast a training's avatar and voice, or others in their place."""
    own, own_voice = training.operation(Operation.AVATAR), training.operation(Operation.VOICE)
    if own is None and avatar is None:
        raise errors.Unsupported(f"training {training.id} has a voice, but no avatar to speak")
    if avatar is not None:
        provider = avatar.provider or (own.provider if own else None)
        own = _existing(Operation.AVATAR, avatar, provider, exists)
    if voice is not None:
        provider = voice.provider or (own_voice.provider if own_voice else None)
        own_voice = _existing(Operation.VOICE, voice, provider, exists)
    return Cast(
        avatar=cast("OperationState", own),
        voice=own_voice,
        stack=training.stack,
        training_id=training.id,
        consent_id=training.consent_id,
    )


def of_catalogue(
    avatar: Chosen, voice: Chosen | None, consent: Consent | None, exists: Exists
) -> Cast:
    """Cast an avatar of a vendor, without a training; it speaks with its usual voice or another.

    Stock needs no person's consent; anything else does.
    """
    voice = voice or avatar.usual_voice
    if consent is None and avatar.stock and (voice is None or voice.stock):
        consent = stock_consent(avatar)
    maker = _existing(Operation.AVATAR, avatar, avatar.provider, exists)
    speaker = None
    if voice is not None:
        speaker = _existing(Operation.VOICE, voice, voice.provider or avatar.provider, exists)
    names = ([speaker.provider] if speaker else []) + [maker.provider]
    return Cast(
        avatar=maker,
        voice=speaker,
        stack="+".join(dict.fromkeys(names)),
        consent=consent,
    )


def without_avatar(
    training: Training | None,
    provider: str,
    consent: Consent | None,
    exists: Exists,
    voice: OperationState | None = None,
) -> Cast:
    """Cast of a picture or of a template, by the consent of whom it shows."""
    names = ([voice.provider] if voice else []) + [provider]
    return Cast(
        avatar=exists(Operation.AVATAR, provider, ""),
        voice=voice,
        stack=training.stack if training else "+".join(dict.fromkeys(names)),
        training_id=training.id if training else None,
        consent_id=training.consent_id if training else None,
        consent=consent,
    )


#: Settings that a template leaves open; all others are its own.
_OPEN = frozenset({"test", "title"})


def require_template(provider: Provider, settings: VideoSettings) -> None:
    """Raise ``Unsupported`` if the provider fills no templates, or the template sets these."""
    if not provider.capabilities.templates:
        raise errors.Unsupported(
            f"{provider.name} fills no templates: use heygen or synthesia, or give a script"
        )
    if own := sorted(settings.asked().keys() - _OPEN):
        raise errors.Unsupported(f"a template has its own {', '.join(own)}: leave them out")


def stock_consent(avatar: Chosen) -> Consent:
    """Consent for a vendor's own avatar, whose person the vendor has asked."""
    return Consent.not_a_real_person(f"stock avatar {avatar.id} of {avatar.provider}")


def _existing(
    operation: Operation, chosen: Chosen, provider: str | None, exists: Exists
) -> OperationState:
    if provider is None:
        raise errors.ConfigError(
            f"{operation}={chosen.id!r} does not tell its provider: pass an entry of "
            "kit.catalogue, or name the stack"
        )
    return exists(operation, provider, chosen.id)
