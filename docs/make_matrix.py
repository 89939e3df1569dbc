"""Write providers/index.md, and limits and error codes on the pages of providers, from adapters.

python docs/make_matrix.py
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sections import DOCS, filled, table, write

from avatarkit.interfaces import ROLES, Limit, Settings
from avatarkit.models import Operation, VideoSettings
from avatarkit.stacks.pairing import plays
from avatarkit.stacks.registry import BUILTIN, load, stacks
from avatarkit.webhooks import HmacSha256

PAGE = DOCS / "providers" / "index.md"
_YES, _NO = "✓", "-"
#: Providers that make videos or speech from a script.
SETTERS = tuple(
    name
    for name in BUILTIN
    if not hasattr(c := load(name), "closed")
    and (plays(c, Operation.VIDEO) or plays(c, Operation.SPEECH))
)
STACK = (Operation.VOICE, Operation.SPEECH, Operation.AVATAR, Operation.VIDEO, Operation.DUB)
#: How a bound of a ``Limit`` is shown, by the end of its name.
_UNITS: Mapping[str, tuple[float, str]] = {
    "bytes": (1e6, "MB"),
    "seconds": (1, "s"),
    "megapixels": (1, "MP"),
    "pixels": (1, "px"),
    "characters": (1, "characters"),
}


_TEMPLATE = """<!-- Written by docs/make_matrix.py from the adapters; a test compares the two. -->

# Compare providers: operations, media, webhooks and limits

*For everyone who chooses a provider. Each table covers one topic.*

The tables show what the adapters declare; avatarkit itself uses the same declarations. Each
provider's own page says what could not be verified. {closed}

## Operations

{operations}

*Speech* reads a text with a voice. *Dub* translates an existing video. Where *avatar* is missing,
[import an existing avatar](../how-to/import-avatar.md).

## Media

{media}

If a provider takes one recording, several are joined. Speech is converted if the avatar provider
takes another format. Providers that fetch media by a link need a
[media store](../how-to/media-storage.md) with links.

## Video settings

`VideoSettings` has the same names everywhere. A setting that a provider does not have is refused
before anything is paid ([how](../how-to/video-settings.md)). The settings of a voice are those of
the provider that speaks.

{settings}

## Webhooks and lost answers

{wire}

If an operation has neither a correlation ID nor an idempotency key, a lost answer becomes a
question to a person ([why](../explanation/payment-safety.md)).

## Limits

{limits}

## Consent

avatarkit requires a record of the person's consent for every provider
([how](../how-to/consent.md)). In addition, the vendors say:

{consent}

## Stacks

All providers alone, and each voice with each other avatar; `avatarkit providers --stacks` prints
the same for the providers that you have installed.

{stacks}

## Discontinued features

{sunsets}

`avatarkit doctor` warns half a year ahead if an adapter still needs one of them.
"""
#: Name in the template -> headings of the table.
_HEADINGS = {
    "operations": ("provider", "API", *ROLES),
    "media": (
        *("provider", "media are sent", "several recordings", "video is driven by"),
        *("audio formats", "speech format", "languages"),
    ),
    "settings": ("setting", *SETTERS),
    "wire": (
        *("provider", "webhook per job", "signature", "lookup by correlation ID"),
        *("idempotency key", "free operations"),
    ),
    "limits": ("provider", "what", "bound", "beyond it", "source", "read on"),
    "consent": ("provider", "requires", "rule", "source"),
    "stacks": ("stack", *STACK, "how a script becomes a video"),
    "sunsets": ("provider", "feature", "ends on", "replacement", "adapter uses it", "source"),
}


def pages() -> dict[Path, str]:
    """Path and text of the matrix and of each provider's page."""
    loaded: dict[str, Any] = {name: load(name) for name in BUILTIN}
    classes = {n: c for n, c in loaded.items() if not hasattr(c, "closed")}
    closed = [
        f"[{n}](discontinued.md) closed on {c.closed}."
        for n, c in loaded.items()
        if n not in classes
    ]
    fillers = (_operations, _media, _settings, _wire, _limits, _consent, _stacks, _sunsets)
    tables = {
        name: table(headings, rows(classes))
        for (name, headings), rows in zip(_HEADINGS.items(), fillers, strict=True)
    }
    matrix = {PAGE: _TEMPLATE.format(closed=" ".join(closed), **tables)}
    return matrix | {
        (page := PAGE.with_name(f"{n}.md")): _page(page, c) for n, c in classes.items()
    }


def _page(page: Path, provider: Any) -> str:
    """The text of a provider's page, with its generated sections."""
    sections = {}
    if provider.limits:
        sections["limits"] = table(
            ("what", "bound", "beyond it", "source", "read on"), map(_limit, provider.limits)
        )
    if codes := getattr(provider, "codes", None):
        by_error: dict[str, list[str]] = {}
        for code, error in codes.items():
            by_error.setdefault(error.__name__, []).append(f"`{code}`")
        rows = ((f"`{error}`", " ".join(sorted(these))) for error, these in by_error.items())
        sections["error-codes"] = table(("error", "codes"), rows)
    return filled(page, sections)


def _link(name: str) -> str:
    return f"[{name}]({name}.md)"


def _operations(classes: Mapping[str, Any]) -> Iterator[list[str]]:
    for name, c in classes.items():
        yield [_link(name), c.api_version, *(_YES if plays(c, o) else _NO for o in ROLES)]


def _media(classes: Mapping[str, Any]) -> Iterator[list[str]]:
    for name, c in classes.items():
        can = c.capabilities
        clones = plays(c, Operation.VOICE)
        moves = plays(c, Operation.VIDEO)
        yield [
            _link(name),
            " or ".join(_ways(can)),
            _NO if not clones else "joined" if can.one_voice_file else "separate",
            _words(sorted(can.drive)) if moves else _NO,
            _words(can.audio_formats) if moves and "audio" in can.drive else _NO,
            _speech(c),
            _words(can.languages) if can.languages else "many; the vendor decides",
        ]


def _ways(can: Any) -> Iterator[str]:
    if "data" in can.media:
        yield "as bytes"
    if "url" in can.media:
        yield f"by a link valid for {can.url_lifetime / 3600:g} h"


def _speech(provider: Any) -> str:
    if not plays(provider, Operation.SPEECH):
        return _NO
    return provider.capabilities.speech_format or "reported with each speech"


def _settings(classes: Mapping[str, Any]) -> Iterator[list[str]]:
    for name in VideoSettings.names():
        yield [f"`{name}`", *(_taken(classes[c].capabilities.settings, name) for c in SETTERS)]


def _taken(settings: Settings, name: str) -> str:
    """The values of a setting at one provider, for each kind of its avatars."""
    rows = [r for o in (Operation.VIDEO, Operation.SPEECH) for r in settings.get(o, ())]
    by_kind: dict[str, list[str]] = {}
    for row in rows:
        if row.setting == name:
            by_kind.setdefault(", ".join(row.avatars), []).append(row.bounds or _YES)
    found = {kind: ", ".join(dict.fromkeys(bounds)) for kind, bounds in by_kind.items()}
    return "; ".join(f"{k}: {b}" if k else b for k, b in found.items()) or _NO


def _wire(classes: Mapping[str, Any]) -> Iterator[list[str]]:
    for name, c in classes.items():
        can = c.capabilities
        own = [o for o in ROLES if plays(c, o)]
        window = can.idempotency_window
        yield [
            _link(name),
            _words(o for o in own if can.calls_back(o)),
            _signature(can),
            _words(o for o in own if o in can.found_by_token),
            f"for {window / 3600:g} h" if window else _NO,
            _words(o for o in own if o in can.free),
        ]


def _signature(can: Any) -> str:
    if not isinstance(can.webhook, HmacSha256):
        return "unsigned" if can.callback else "no webhooks"
    kind = f"`{can.webhook.header}`"
    return f"{kind}; per job: unsigned" if can.callback and not can.callback_signed else kind


def _limits(classes: Mapping[str, Any]) -> Iterator[list[str]]:
    for name, c in classes.items():
        for limit in c.limits:
            yield [_link(name), *_limit(limit)]


def _limit(limit: Limit) -> list[str]:
    verdict = "rejected" if limit.severity == "error" else "warning"
    return [limit.what.replace("_", " "), _bound(limit), verdict, limit.source, str(limit.since)]


def _bound(limit: Limit) -> str:
    if limit.takes:
        return _words(limit.takes)
    if limit.models:
        return f"{_words(limit.models)}: {_bound(replace(limit, models=()))}"
    factor, unit = next((u for end, u in _UNITS.items() if limit.what.endswith(end)), (1, ""))
    ends = (("at least", limit.minimum), ("at most", limit.maximum))
    return ", ".join(f"{word} {n / factor:,g} {unit}".strip() for word, n in ends if n is not None)


def _consent(classes: Mapping[str, Any]) -> Iterator[list[str]]:
    for name, c in classes.items():
        for rule in c.consent_rules:
            yield [_link(name), rule.demands, rule.text, rule.source]


def _stacks(classes: Mapping[str, Any]) -> Iterator[list[str]]:
    for row in stacks([name for name in classes if name != "fake"]):
        roles = [row.roles.get(operation, _NO) for operation in STACK]
        yield [f"`{row.stack}`", *roles, f"impossible: {row.problem}" if row.problem else row.how]


def _sunsets(classes: Mapping[str, Any]) -> Iterator[list[str]]:
    for name, c in classes.items():
        for s in getattr(c, "sunsets", ()):
            used = "yes" if s.used else "no"
            yield [_link(name), s.what, s.ends.isoformat(), s.instead, used, s.source]


def _words(items: Iterable[Any]) -> str:
    return ", ".join(map(str, items)) or _NO


if __name__ == "__main__":
    write(pages())
