"""Write matrix.md: what each provider can do, as its adapter says it.

python docs/make_matrix.py
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from avatarkit.interfaces import ROLES, Limit
from avatarkit.models import Operation
from avatarkit.stacks.pairing import plays
from avatarkit.stacks.registry import BUILTIN, load, stacks
from avatarkit.webhooks import HmacSha256

PAGE = Path(__file__).parent / "matrix.md"
_YES, _NO = "✓", "-"
STACK = (Operation.VOICE, Operation.SPEECH, Operation.AVATAR, Operation.VIDEO, Operation.DUB)
#: How a bound of a ``Limit`` is said, by the end of its name.
_UNITS: Mapping[str, tuple[float, str]] = {
    "bytes": (1e6, "MB"),
    "seconds": (1, "s"),
    "megapixels": (1, "MP"),
    "pixels": (1, "px"),
    "characters": (1, "characters"),
}


_TEMPLATE = """<!-- Written by make_matrix.py, from the adapters; a test compares the two. -->

# What each provider can do

This page is computed from what the adapters declare, which is also what the code goes by. What
could not be verified is told on each provider's page. {closed}

## Roles

{roles}

`speech` says a text with a voice, `dub` says an existing video again in another language. Where
`avatar` is missing, avatars that exist there are adopted.

## Media

{media}

Who takes one recording is given several joined. Speech is converted where an avatar takes another
format.

## Webhooks and lost answers

{wire}

What carries no token that can be looked for, and has no idempotency key, becomes a question to a
person when its answer is lost ([why](money.md)).

## Limits

{limits}

## Consent

A record of the person's consent is demanded everywhere ([how](consent.md)). What each says of it:

{consent}

## Stacks

Every provider alone, and every voice with every other's avatar; `avatarkit providers --stacks`
prints the same for what you have installed.

{stacks}

## What ends

{sunsets}

`avatarkit doctor` warns of what an adapter still needs, half a year ahead.
"""
#: The tables: their names in the template, and their headings.
_HEADINGS = {
    "roles": ("provider", "API", *ROLES),
    "media": (
        *("provider", "takes media", "several recordings", "moved by"),
        *("audio that it takes", "speaks", "languages"),
    ),
    "wire": (
        *("provider", "webhook address per job", "signed", "found by our token"),
        *("idempotency key", "free"),
    ),
    "limits": ("provider", "what", "bound", "otherwise", "source", "read"),
    "consent": ("provider", "demands", "what", "source"),
    "stacks": ("stack", *STACK, "how a script becomes a talking video"),
    "sunsets": ("provider", "what", "ends", "instead", "still needed here", "source"),
}


def matrix() -> str:
    """The whole page."""
    loaded: dict[str, Any] = {name: load(name) for name in BUILTIN}
    classes = {n: c for n, c in loaded.items() if not hasattr(c, "closed")}
    closed = [f"`{n}` closed on {c.closed}." for n, c in loaded.items() if n not in classes]
    fillers = (_roles, _media, _wire, _limits, _consent, _stacks, _sunsets)
    tables = {
        name: _table(headings, rows(classes))
        for (name, headings), rows in zip(_HEADINGS.items(), fillers, strict=True)
    }
    return _TEMPLATE.format(closed=" ".join(closed), **tables)


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)


def _link(name: str) -> str:
    return f"[{name}](providers/{name}.md)"


def _roles(classes: Mapping[str, Any]) -> Iterator[list[str]]:
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
            _NO if not clones else "joined" if can.one_voice_file else "as they are",
            _words(sorted(can.drive)) if moves else _NO,
            _words(can.audio_formats) if moves and "audio" in can.drive else _NO,
            _speaks(c),
            _words(can.languages) if can.languages else "many; it decides",
        ]


def _ways(can: Any) -> Iterator[str]:
    if "data" in can.media:
        yield "as bytes"
    if "url" in can.media:
        yield f"by a link that lives {can.url_lifetime / 3600:g} h"


def _speaks(provider: Any) -> str:
    if not plays(provider, Operation.SPEECH):
        return _NO
    return provider.capabilities.speech_format or "told with each speech"


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
        return "no" if can.callback else "no webhooks"
    kind = f"`{can.webhook.header}`"
    return f"{kind}, not to such an address" if can.callback and not can.callback_signed else kind


def _limits(classes: Mapping[str, Any]) -> Iterator[list[str]]:
    for name, c in classes.items():
        for limit in c.limits:
            verdict = "refused" if limit.severity == "error" else "a warning"
            what = limit.what.replace("_", " ")
            yield [_link(name), what, _bound(limit), verdict, limit.source, limit.since]


def _bound(limit: Limit) -> str:
    if limit.takes:
        return _words(limit.takes)
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


def _words(said: Iterable[Any]) -> str:
    return ", ".join(map(str, said)) or _NO


if __name__ == "__main__":
    PAGE.write_text(matrix())
