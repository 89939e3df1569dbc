"""Common video settings: what each provider declares as mapped, and the rule that refuses the rest.

A provider lists in ``Capabilities.settings`` the values of ``VideoSettings`` that it can carry out.
The same list refuses a setting before anything is paid, writes the request, makes the table in the
documentation, and is what the conformance tests try.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from ..errors import Unsupported
from ..models import (
    Operation,
    SpeechRequest,
    VendorRequest,
    VideoRequest,
    VideoSettings,
    background_kind,
)

if TYPE_CHECKING:
    from .providers import Provider


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """Values of one setting that a provider can carry out, and their place in its request."""

    setting: str  #: one of ``VideoSettings.names()``: "aspect", "voice.speed"
    #: the values; of a background its kinds: "color", "image", "video", "transparent". Empty: all
    takes: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    #: dotted place in the request's body -> value, in which "{}" stands for the setting's value;
    #: "{:g}" writes a number as text. Empty: the vendor does it by itself
    wire: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    #: settings, as "container=mp4", that cannot be asked for beside it, or of which one must be
    excludes: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    avatars: tuple[str, ...] = ()  #: kinds of avatars that have it, see ``NamesKinds``; empty: all
    by_script: bool = False  #: it needs the words, so not for a video that is driven by audio

    def fits(self, value: Any, kind: str = "") -> bool:
        """Return True if it carries this value for such an avatar."""
        if self.avatars and kind and kind not in self.avatars:
            return False
        if self.takes and _word(self.setting, value) not in self.takes:
            return False
        low = self.minimum is None or value >= self.minimum
        return low and (self.maximum is None or value <= self.maximum)

    def placed(self, value: Any) -> Iterator[tuple[str, Any]]:
        """Yield the places in the request's body, and what belongs there."""
        for place, said in self.wire.items():
            written = isinstance(said, str) and said != "{}"
            yield place, said.format(value) if written else value if said == "{}" else said

    @property
    def bounds(self) -> str:
        """The values in words: "16:9, 9:16", "0.5 to 1.5"; empty if it takes any."""
        if self.takes:
            return ", ".join(self.takes)
        ends = (
            f"{word}{end:g}"
            for word, end in (("", self.minimum), ("to ", self.maximum))
            if end is not None
        )
        return " ".join(ends)


Settings = Mapping[Operation, tuple[Mapped, ...]]
#: Nothing is mapped.
NO_SETTINGS: Settings = MappingProxyType({})
#: Every setting with any value.
ALL_SETTINGS: Settings = MappingProxyType(
    {
        Operation.VIDEO: tuple(Mapped(setting=name) for name in VideoSettings.names()),
        Operation.SPEECH: tuple(
            Mapped(setting=name) for name in VideoSettings.names() if name.startswith("voice.")
        ),
    }
)


def _word(setting: str, value: Any) -> str:
    """The value as ``Mapped.takes`` lists it."""
    if setting == "background":
        return str(background_kind(value))
    return f"{value:g}" if isinstance(value, float) else str(value)


@runtime_checkable
class NamesKinds(Protocol):
    """Provider whose avatars are of several kinds, with different settings."""

    def kind_of_avatar(self, avatar_id: str, /) -> str:
        """Return the kind of an avatar, as ``Mapped.avatars`` calls it; empty if unknown.

        An empty id is that of a picture which speaks without a training.
        """
        ...


def kind_of_avatar(provider: object, avatar_id: str) -> str:
    """The kind of an avatar; empty at a provider that has one kind."""
    return provider.kind_of_avatar(avatar_id) if isinstance(provider, NamesKinds) else ""


def requested(request: VendorRequest) -> tuple[Operation, dict[str, Any]]:
    """The operation of a request, and the settings that it asks for."""
    if isinstance(request, VideoRequest):
        return Operation.VIDEO, request.settings.asked()
    if isinstance(request, SpeechRequest):
        return Operation.SPEECH, VideoSettings(voice=request.settings).asked()
    return Operation.VOICE, {}


def mapped(
    settings: Settings, operation: Operation, name: str, value: Any, kind: str = ""
) -> Mapped | None:
    """Return how a provider carries out a setting; None if it cannot."""
    rows = settings.get(operation, ())
    return next((row for row in rows if row.setting == name and row.fits(value, kind)), None)


def require_mapped(
    provider: Provider | type[Provider],
    operation: Operation,
    asked: Mapping[str, Any],
    kind: str = "",
    others: Callable[[], Iterable[type[Provider]]] = tuple,
) -> None:
    """Raise ``Unsupported`` for a setting that the provider cannot carry out.

    The message names the setting, the provider, what it takes instead, and which of ``others`` can.
    """
    for name, value in asked.items():
        if (found := mapped(provider.capabilities.settings, operation, name, value, kind)) is None:
            raise _unmapped(provider, operation, (name, value), kind, others())
        _require_together(provider.name, found, name, asked)


def require_pictures(
    provider: Provider | type[Provider],
    settings: VideoSettings,
    others: Callable[[], Iterable[type[Provider]]] = tuple,
) -> None:
    """Raise ``Unsupported`` for a setting, other than the voice's, that makes no such video."""
    asked = {name: v for name, v in settings.asked().items() if not name.startswith("voice.")}
    require_mapped(provider, Operation.VIDEO, asked, "", others)


def _unmapped(
    provider: Provider | type[Provider],
    operation: Operation,
    setting: tuple[str, Any],
    kind: str,
    others: Iterable[type[Provider]],
) -> Unsupported:
    """Build the error of a setting that the provider does not map."""
    name, value = setting
    own = provider.capabilities.settings
    rows = [row for row in own.get(operation, ()) if row.setting == name]
    bounds = [row.bounds for row in rows if not (row.avatars and kind) or kind in row.avatars]
    takes = f"; it takes {', '.join(filter(None, bounds))}" if any(bounds) else ""
    able = [
        other.name
        for other in others
        if other.name != provider.name
        and mapped(other.capabilities.settings, operation, name, value) is not None
    ]
    which = f" of {kind}" if kind and rows and not bounds else ""
    instead = f", or use one of: {', '.join(sorted(able))}" if able else ""
    return Unsupported(
        f"{provider.name} cannot set {name}={_shown(value)}{which}{takes}. Leave {name} "
        f"out{instead}."
    )


def require_script(provider: Provider, asked: Mapping[str, Any], *, by_audio: bool) -> None:
    """Raise ``Unsupported`` for a setting that needs the words, if audio drives the video."""
    rows = provider.capabilities.settings.get(Operation.VIDEO, ())
    wordy = [row.setting for row in rows if row.by_script and row.setting in asked]
    if by_audio and wordy:
        raise Unsupported(
            f"{provider.name} cannot set {wordy[0]} of a recording, since it does not know the "
            f"words. Leave {wordy[0]} out, or let {provider.name} speak the script itself."
        )


def _require_together(provider: str, row: Mapped, name: str, asked: Mapping[str, Any]) -> None:
    """Raise ``Unsupported`` for a setting beside one that it excludes, or without one it needs."""
    said = {f"{other}={_word(other, value)}" for other, value in asked.items()}
    wrong = sorted(said.intersection(row.excludes))
    if wrong or (row.needs and said.isdisjoint(row.needs)):
        how = f"beside {wrong[0]}" if wrong else f"without {' or '.join(row.needs)}"
        raise Unsupported(
            f"{provider} cannot set {name}={_shown(asked[name])} {how}. Change one of the two."
        )


def _shown(value: Any) -> str:
    """The value in a message; a link may be signed."""
    shown = value if isinstance(value, str) else f"{value:g}"
    return "a link" if shown.startswith("https:") else shown
