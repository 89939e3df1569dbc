"""Pairing: the way from a script to a talking video across two providers, voice and avatar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..content.audio import CODECS
from ..interfaces import ROLES, Capabilities
from ..models import Operation

#: Assumed for a class whose capabilities depend on the instance.
_UNTOLD = Capabilities(drive=frozenset({"script", "audio"}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """The way from a cloned voice to an avatar that speaks with it; ``problem`` if none."""

    voice: str  #: the provider that clones it
    avatar: str  #: the provider whose avatar speaks
    spoken: str | None = None  #: media type of what the voice's provider speaks, as far as told
    given: str | None = None  #: media type that it is converted to first
    by_id: bool = False  #: the avatar's provider can also speak that voice, by its id
    problem: str | None = None

    def __str__(self) -> str:
        if self.problem:
            return self.problem
        if self.voice == self.avatar:
            return f"{self.avatar} itself"
        kind = self.spoken or "its format is told with each speech, and converted where needed"
        change = f"{self.spoken} converted to {self.given}" if self.given else kind
        also = f"; or {self.avatar} itself, with your key of {self.voice}" if self.by_id else ""
        return f"audio of {self.voice} ({change}){also}"


def plays(provider: type, operation: Operation) -> bool:
    """True if the class implements the operation's protocol, by inheritance or by its methods."""
    return issubclass(provider, ROLES[operation].protocol)


def scripted(avatar: type) -> bool:
    """Return True if a provider of videos speaks scripts itself."""
    return "script" in getattr(avatar, "capabilities", _UNTOLD).drive


def way(voice: Any, avatar: Any) -> Way:
    """The way in which avatars of one provider class speak with voices cloned by the other."""
    can = getattr(avatar, "capabilities", _UNTOLD)
    said = getattr(voice, "capabilities", _UNTOLD).speech_format
    names = {"voice": voice.name, "avatar": avatar.name}
    if voice.name == avatar.name and "script" in can.drive:
        return Way(**names)
    if "audio" not in can.drive:
        return Way(**names, problem=f"{avatar.name} cannot be driven by audio")
    if not plays(voice, Operation.SPEECH):
        return Way(**names, problem=f"{voice.name} clones voices, but does not speak")
    fits = said is None or said in can.audio_formats
    given = None if fits else next((f for f in can.audio_formats if f in CODECS), None)
    if not (fits or given):
        takes = ", ".join(can.audio_formats)
        return Way(
            **names,
            problem=f"{voice.name} speaks {said}, and {avatar.name} takes only {takes}, which "
            "cannot be written here",
        )
    return Way(**names, spoken=said, given=given, by_id=voice.name in can.speaks_voices_of)
