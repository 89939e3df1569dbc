"""Registry of providers: names, entry points and stacks; a provider is imported on first use.

Another distribution adds a provider by an entry point in the group ``avatarkit.providers``::

    [project.entry-points."avatarkit.providers"]
    acme = "acme_avatarkit:Acme"
"""

from __future__ import annotations

import contextlib
import difflib
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Self, cast

from ..errors import ConfigError
from ..interfaces import ROLES, Mapped, Provider
from ..models import Operation
from .pairing import plays, scripted, way

GROUP = "avatarkit.providers"

#: The providers that come with avatarkit: name -> "module:Class".
BUILTIN: Mapping[str, str] = MappingProxyType(
    {
        "comfyui": "avatarkit.providers.comfyui:ComfyUI",
        "coqui": "avatarkit.providers.coqui:Coqui",
        "d-id": "avatarkit.providers.did:DID",
        "elevenlabs": "avatarkit.providers.elevenlabs:ElevenLabs",
        "fake": "avatarkit.providers.fake:Fake",
        "heygen": "avatarkit.providers.heygen:HeyGen",
        "local": "avatarkit.providers.local.adapter:Local",
        "playht": "avatarkit.providers.playht:PlayHT",
        "pocket": "avatarkit.providers.pocket:Pocket",
        "rask": "avatarkit.providers.rask:Rask",
        "resemble": "avatarkit.providers.resemble:Resemble",
        "synthesia": "avatarkit.providers.synthesia:Synthesia",
        "tavus": "avatarkit.providers.tavus:Tavus",
    }
)

#: Extra of avatarkit that a built-in provider needs.
_EXTRAS: Mapping[str, str] = MappingProxyType(
    {"coqui": "coqui", "local": "local", "pocket": "clone"}
)

_NAME = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Row:
    """A registered provider, not imported."""

    name: str
    target: str  #: "module:Class"
    origin: str  #: the distribution that brings it
    error: ConfigError | None = None  #: why it cannot be used, as far as names tell
    extra: str | None = None  #: of avatarkit, that must be installed for it


def listing() -> list[Row]:
    """List all providers by name; reads package metadata only, and imports none."""
    rows = [*(_builtin(name) for name in BUILTIN), *_plugins()]
    return sorted(rows, key=lambda row: (row.name, row.error is not None))


def _builtin(name: str) -> Row:
    return Row(name, BUILTIN[name], "avatarkit", extra=_EXTRAS.get(name))


def load(name: str) -> type:
    """Import the class of one provider.

    Raises ``ConfigError`` where the name is unknown, a package that it needs is not installed, or
    its module is broken; the other providers are not touched.
    """
    row = _row(name)
    if row is None:
        forget_plugins()  # it may have been installed since
        row = _row(name)
    if row is None:
        raise _unknown(name)
    if row.error is not None:
        raise row.error
    module, _, attribute = row.target.partition(":")
    try:
        loaded = getattr(import_module(module), attribute)
    except Exception as error:
        raise _not_importable(row, error) from error
    if not isinstance(loaded, type):
        raise ConfigError(f"provider {name!r} of {row.origin}: {row.target} is not a class")
    return loaded


def forget_plugins() -> None:
    """Clear the cache of plug-ins, so that the next call scans the installed packages again."""
    _points.cache_clear()


def _row(name: str) -> Row | None:
    # No plug-in can take the name of a built-in provider, so installed packages need no scan.
    rows = [_builtin(name)] if name in BUILTIN else listing()
    return next((row for row in rows if row.name == name), None)


@lru_cache(maxsize=8)
def _points(path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """Scan ``sys.path``: one scan reads the metadata of every installed package."""
    del path  # the key of the cache: another path has other packages
    return tuple(entry_points(group=GROUP))


def _plugins() -> Iterator[Row]:
    """Rows of installed plug-ins; a second one of a name carries an error."""
    owners = dict.fromkeys(BUILTIN, "avatarkit")
    seen: set[tuple[str, str, str]] = set()
    points = sorted(_points(tuple(sys.path)), key=lambda p: (p.name, _origin(p), p.value))
    for point in points:
        key = (point.name, _origin(point), point.value)
        if key in seen:  # an editable install is often found twice
            continue
        seen.add(key)
        yield Row(point.name, point.value, _origin(point), _objection(point, owners))
        owners.setdefault(point.name, _origin(point))


def _objection(point: EntryPoint, owners: Mapping[str, str]) -> ConfigError | None:
    origin = _origin(point)
    if point.name in owners:
        return ConfigError(
            f"{origin} wants to be provider {point.name!r}, which belongs to "
            f"{owners[point.name]}: it is not used. Uninstall it, or ask its authors for another "
            "name."
        )
    if not _NAME.fullmatch(point.name):
        return ConfigError(
            f"{origin} calls its provider {point.name!r}: a name is lower-case letters and "
            "digits, joined by dashes"
        )
    return None


def _origin(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "an unknown distribution"


def _unknown(name: str) -> ConfigError:
    names = sorted({row.name for row in listing() if row.error is None})
    close = difflib.get_close_matches(name.lower(), names, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return ConfigError(f"there is no provider {name!r}{hint} (known: {', '.join(names)})")


def _not_importable(row: Row, error: Exception) -> ConfigError:
    missing = (error.name or "") if isinstance(error, ModuleNotFoundError) else "avatarkit."
    foreign = not missing.startswith("avatarkit.")
    if row.extra is not None and foreign:
        return ConfigError(
            f'provider {row.name!r} needs more packages: pip install "avatarkit-sdk[{row.extra}]" '
            f"({error})"
        )
    return ConfigError(
        f"provider {row.name!r} of {row.origin} cannot be imported from {row.target}: "
        f"{type(error).__name__}: {error}"
    )


@dataclass(frozen=True, slots=True)
class Stack:
    """Providers that work together, one for each operation."""

    name: str  #: as it was asked for, e.g. "elevenlabs+d-id"
    roles: Mapping[Operation, str]

    @classmethod
    def parse(
        cls, stack: str | Mapping[Operation, str], class_of: Callable[[str], type] = load
    ) -> Self:
        """Read ``"elevenlabs+d-id"``, or a mapping from operations to names.

        In a text the mapping is ``"voice=heygen,avatar=d-id"``. Each role goes to the first named
        provider that plays it, except that speech follows the voice where its provider speaks, and
        videos follow the avatar; a mapping decides for the operations that it names. Raises
        ``ConfigError`` where it is malformed, names a provider for what it cannot do, or joins two
        that do not fit together.
        """
        if isinstance(stack, str) and "=" in stack:
            stack = _pairs(stack)
        chosen = {} if isinstance(stack, str) else _chosen(stack)
        words = _words(stack) if isinstance(stack, str) else list(dict.fromkeys(chosen.values()))
        classes = {word: class_of(word) for word in words}
        for operation, word in chosen.items():
            if not plays(classes[word], operation):
                raise ConfigError(f"{word!r} cannot do {operation}")
        roles = _assigned(chosen, classes)
        name = "+".join(words)
        if problem := _problem(roles, classes):
            raise ConfigError(f"{name!r} makes no talking video: {problem}")
        return cls(name, MappingProxyType(roles))


@dataclass(frozen=True, slots=True)
class StackRow:
    """A row in the table of all stacks."""

    stack: str  #: what to ask for
    roles: Mapping[Operation, str]
    how: str  #: how a script becomes a talking video, or what it does instead
    problem: str | None = None  #: why there can be none


def stacks(
    names: Sequence[str] | None = None, class_of: Callable[[str], type] = load
) -> list[StackRow]:
    """List every provider alone, and every voice with every other's avatar; imports them.

    Without ``names`` these are all providers that can be imported and have not closed.
    """
    classes = {name: class_of(name) for name in names} if names else usable(class_of)
    voices = [n for n, c in classes.items() if plays(c, Operation.VOICE)]
    avatars = [n for n, c in classes.items() if plays(c, Operation.VIDEO)]
    pairs = [(v, a) for v in voices for a in avatars if v != a]
    return [_alone(n, classes) for n in classes] + [_joined(*pair, classes) for pair in pairs]


def settings(
    roles: Mapping[Operation, str], class_of: Callable[[str], type[Provider]]
) -> dict[str, list[Mapped]]:
    """Common video settings that a stack's providers carry out, by setting."""
    speaker = Operation.SPEECH if Operation.SPEECH in roles else Operation.VIDEO
    found: dict[str, list[Mapped]] = {}
    for operation in {Operation.VIDEO, speaker} & roles.keys():
        own = class_of(roles[operation]).capabilities.settings
        for row in own.get(operation, ()):
            if operation is (speaker if row.setting.startswith("voice.") else Operation.VIDEO):
                found.setdefault(row.setting, []).append(row)
    return dict(sorted(found.items()))


def usable(class_of: Callable[[str], type] = load) -> dict[str, type]:
    """The class of every provider that can be imported and has not closed; imports them all."""
    classes: dict[str, type] = {}
    for row in listing():
        with contextlib.suppress(ConfigError):
            if row.error is None and not hasattr(found := class_of(row.name), "closed"):
                classes[row.name] = found
    return classes


def _alone(name: str, classes: Mapping[str, type]) -> StackRow:
    roles = Stack.parse(name, classes.__getitem__).roles
    if Operation.VIDEO not in roles:
        return StackRow(name, roles, "no videos of avatars")
    if Operation.SPEECH not in roles and not scripted(classes[name]):
        return StackRow(name, roles, f"{name} itself, by recorded audio; no voice speaks scripts")
    if Operation.AVATAR not in roles:
        return StackRow(name, roles, f"{name} itself, with avatars and voices that exist there")
    return StackRow(name, roles, f"{name} itself")


def _joined(voice: str, avatar: str, classes: Mapping[str, type]) -> StackRow:
    """The pair by name if the name is unambiguous, else as a mapping."""
    trains = plays(classes[avatar], Operation.AVATAR)
    wanted = {Operation.VOICE: voice, Operation.AVATAR if trains else Operation.VIDEO: avatar}
    found = way(classes[voice], classes[avatar])
    if found.problem:
        return StackRow(_said(wanted), wanted, "", found.problem)
    how = str(found) if trains else f"{found}; with avatars that exist there"
    for stack in (f"{voice}+{avatar}", _said(wanted)):
        with contextlib.suppress(ConfigError):
            roles = Stack.parse(stack, classes.__getitem__).roles
            if wanted.items() <= roles.items():
                return StackRow(stack, roles, how)
    raise AssertionError(wanted)


def _said(mapping: Mapping[Operation, str]) -> str:
    return ",".join(f"{operation}={name}" for operation, name in mapping.items())


def _pairs(stack: str) -> dict[Operation, str]:
    """Parse a mapping such as "voice=heygen,avatar=d-id"; names are checked later."""
    pairs = [pair.partition("=") for pair in stack.split(",")]
    said = [key.strip() for key, _, _ in pairs]
    repeated = [key for key in dict.fromkeys(said) if said.count(key) > 1]
    if repeated:
        raise ConfigError(f"{stack!r} says more than once who does {', '.join(repeated)}")
    return {cast("Operation", key.strip()): name.strip() for key, _, name in pairs}


def _words(stack: str) -> list[str]:
    words = [word.strip() for word in stack.split("+")]
    for word in words:
        if not _NAME.fullmatch(word):
            raise ConfigError(
                f"unknown stack {stack!r}: join provider names by '+', such as 'elevenlabs+d-id'"
            )
    repeated = [word for word in dict.fromkeys(words) if words.count(word) > 1]
    if repeated:
        raise ConfigError(f"{stack!r} names {', '.join(repeated)} more than once")
    return words


#: Operations that stay with the provider of another one, if it can do them: a cloned voice speaks
#: only where it was cloned, an avatar moves only where it was trained.
_FOLLOWS: Mapping[Operation, Operation] = MappingProxyType(
    {Operation.SPEECH: Operation.VOICE, Operation.VIDEO: Operation.AVATAR}
)


def _assigned(chosen: Mapping[Operation, str], classes: Mapping[str, type]) -> dict[Operation, str]:
    """Provider of each operation; ``classes`` are in the order in which the stack names them."""
    firsts = ((o, [word for word in classes if plays(classes[word], o)]) for o in ROLES)
    roles = {o: words[0] for o, words in firsts if words} | dict(chosen)
    generator = chosen.get(Operation.VIDEO)
    if generator and Operation.AVATAR not in chosen:
        roles[Operation.AVATAR] = generator
        if not plays(classes[generator], Operation.AVATAR):
            del roles[Operation.AVATAR]  # its avatars exist already
    for follower, leader in _FOLLOWS.items():
        word = roles.get(leader)
        if follower not in chosen and word and plays(classes[word], follower):
            roles[follower] = word
    for word in classes:
        if word not in roles.values():
            raise ConfigError(_idle(word, classes[word], roles))
    return roles


def _problem(roles: Mapping[Operation, str], classes: Mapping[str, type]) -> str | None:
    """The reason why the avatar cannot speak with the voice; None if it can."""
    voice, generator = roles.get(Operation.VOICE), roles.get(Operation.VIDEO)
    avatar, speaker = roles.get(Operation.AVATAR), roles.get(Operation.SPEECH)
    if avatar and generator and avatar != generator:
        return f"an avatar of {avatar} moves only at {avatar}, not at {generator}"
    if not (voice and generator) or voice == generator:
        return None
    found = way(classes[voice], classes[generator])
    if found.problem is None and speaker != voice:
        return f"a voice that {voice} cloned speaks only there, not at {speaker}"
    return found.problem


def _idle(word: str, provider: type, roles: Mapping[Operation, str]) -> str:
    played = sorted(o for o in ROLES if plays(provider, o))
    if not played:
        return f"{word!r} plays no role at all: it has none of the methods of a provider"
    takers = ", ".join(f"{roles[o]!r} does {o}" for o in played if o in roles)
    return f"{word!r} would have nothing to do: {takers}. Leave it out, or give a mapping."


def _chosen(stack: Mapping[Operation, str]) -> dict[Operation, str]:
    if not stack:
        raise ConfigError("the stack is empty: name a provider for at least one operation")
    unknown = [key for key in stack if key not in list(Operation)]
    if unknown:
        raise ConfigError(f"{unknown[0]!r} is no operation: use {', '.join(ROLES)}")
    malformed = [name for name in stack.values() if not _NAME.fullmatch(name)]
    if malformed:
        raise ConfigError(f"{malformed[0]!r} is no provider's name")
    return {Operation(key): name for key, name in stack.items()}
