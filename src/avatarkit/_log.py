"""Structured logging over stdlib logging, with redaction of secrets.

Nothing is printed unless the application configures logging.
"""

from __future__ import annotations

import inspect
import logging
import re
import textwrap
from collections.abc import Collection, Mapping, MutableMapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger
    from structlog.typing import Processor

logging.getLogger("avatarkit").addHandler(logging.NullHandler())

_HIDDEN = "[redacted]"

#: Names of fields whose value is always secret.
_SECRET_FIELD = re.compile(
    r"api[-_ ]?key|authorization|token|secret|signature|password|credential|cookie", re.IGNORECASE
)

#: Characters of a value or message that are kept; the rest is left out.
_LONGEST = 20_000

#: The same of a traceback, whose last line matters most.
LONGEST_TRACE = 250_000

#: Characters that end a word, so that a cut there leaves no part of a secret.
_ENDS = " \n\t\"'<>"

#: Address after its scheme, with slashes as they are or as JSON may escape them: user and password,
#: place, query or fragment. It matches whatever follows and stops at the next address, so that no
#: character is matched again from a later start: the time is linear.
_ADDRESS = re.compile(
    r"""
    (:\\?/\\?/)  ([^/\s"'<>]*@)?
    ( [^?#:\s"'<>]*+ (?: :(?!\\?/\\?/) [^?#:\s"'<>]*+ )*+ )
    ( [?#][^\s"'<>]*+ )?
    """,
    re.VERBOSE,
)

#: JSON web token or another word that begins like one, which is matched for the same reason.
_TOKEN = re.compile(r"\beyJ[\w-]{8,}+((?:\.[\w-]*+){2,})?")

#: Other secrets in a text, and their replacements.
_SECRET_TEXTS = (
    (re.compile(r"(/webhooks/[\w.-]+/)(?!\[redacted\])[^/?#\s\"'<>]+"), rf"\1{_HIDDEN}"),
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1 {_HIDDEN}"),
    (re.compile(r"\b(?:sb|sk|pk|rk|key|whsec|wsec)[-_][\w-]{8,}", re.IGNORECASE), _HIDDEN),
)

#: Characters that move a terminal's cursor, reverse text, or cannot be encoded.
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_LINE_BREAKS = re.compile(r"[\n\t]")

#: The modules between the line that logs and stdlib logging.
_BETWEEN = frozenset({__name__, "structlog._base", "structlog.stdlib"})


def get_logger(name: str) -> BoundLogger:
    """Return the logger of a module: ``log.info("noun.verb", field=value)``.

    A record's message holds the event and its fields, which are also in ``record.fields``. A
    traceback is the field ``exception``: handlers would print ``exc_info`` without redaction.
    """
    return cast("BoundLogger", _LazyLogger(name))


class _LazyLogger:
    """Logger that loads structlog with its first record, which takes longer than our own core."""

    def __init__(self, name: str) -> None:
        self._stdlib = logging.getLogger(name)

    def __getattr__(self, method: str) -> Any:
        level = _LEVELS.get(method)  # None for "bind" and its like
        if level is not None and not self._stdlib.isEnabledFor(level):
            return _ignore
        # The method itself: a frame of ours would look like the line that logs.
        return getattr(self._structured, method)

    @cached_property
    def _structured(self) -> BoundLogger:
        import structlog

        processors: list[Processor] = [
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.processors.format_exc_info,  # to text, which is then redacted
            _redacted,
            _as_record,
        ]
        return structlog.stdlib.BoundLogger(self._stdlib, processors, {})


#: Level of each method that logs.
_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "exception": logging.ERROR,
}


def _ignore(event: str, **fields: object) -> None:
    del event, fields


def redact(event_dict: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields without keys, signatures and query strings of links.

    Values other than numbers, mappings and sequences become text on one line, except for the
    traceback in ``exception``.
    """
    return {
        name: _HIDDEN if _SECRET_FIELD.search(name) else _of_field(name, value)
        for name, value in event_dict.items()
    }


def _of_field(name: str, value: object) -> object:
    if name == "exception" and isinstance(value, str):
        return cleaned(value, LONGEST_TRACE)
    return _cleaned(value)


def _cleaned(value: object) -> object:
    match value:
        case None | bool() | int() | float():
            return value
        case bytes() | bytearray() | memoryview():
            return f"[{len(cast('bytes', value))} bytes]"
        case Mapping():
            fields = cast("Mapping[object, object]", value)
            return redact({str(name): inner for name, inner in fields.items()})
        case list() | tuple() | set() | frozenset():
            return [_cleaned(inner) for inner in cast("Collection[object]", value)]
        case _:
            return _LINE_BREAKS.sub(_escaped, cleaned(str(value)))


def cleaned(text: str, longest: int = _LONGEST) -> str:
    """Remove secrets from a text, escape control characters, and cut it at ``longest`` characters.

    Secrets are passwords and query strings of addresses, bearer tokens and keys. Line breaks and
    tabs stay. The time is linear in the length.
    """
    if len(text) > longest:
        end = max(text.rfind(mark, 0, longest) for mark in _ENDS) + 1
        text = f"{text[:end]}[... of {len(text)} characters]"
    text = _TOKEN.sub(_without_token, _ADDRESS.sub(_without_secrets, text))
    for pattern, instead in _SECRET_TEXTS:
        text = pattern.sub(instead, text)
    return _CONTROLS.sub(_escaped, text)


def _without_secrets(address: re.Match[str]) -> str:
    slashes, user, place, query = address.groups()
    return f"{slashes}{_HIDDEN + '@' if user else ''}{place}{'?' + _HIDDEN if query else ''}"


def _without_token(word: re.Match[str]) -> str:
    return _HIDDEN if word[1] else word[0]


def _escaped(character: re.Match[str]) -> str:
    return ascii(character[0])[1:-1]


def _redacted(
    _logger: object, _method: str, event_dict: MutableMapping[str, Any]
) -> dict[str, Any]:
    return redact(event_dict)


def _as_record(
    _logger: object, _method: str, event_dict: MutableMapping[str, Any]
) -> tuple[tuple[str], dict[str, Any]]:
    """Convert to a stdlib record; the fields are one attribute, as some names would clash.

    A traceback is indented: no line of an error's message then looks like a record of its own.
    """
    stack_info, event = event_dict.pop("stack_info", False), str(event_dict.pop("event", ""))
    fields = dict(event_dict)
    traceback = [event_dict.pop("exception")] if "exception" in event_dict else []
    traceback = [textwrap.indent(str(text), "  ") for text in traceback]
    line = " ".join([event, *(f"{name}={value}" for name, value in event_dict.items())])
    arguments = {
        "exc_info": False,
        "stack_info": stack_info,
        "stacklevel": _frames(),
        "extra": {"event": event, "fields": fields},
    }
    return ("\n".join([line, *traceback]),), arguments


def _frames() -> int:
    """Count the stack frames up to the line that logs, for its file name and line number."""
    frame, count = inspect.currentframe(), 0
    while frame and frame.f_globals["__name__"] in _BETWEEN:
        count += frame.f_globals["__name__"] != __name__
        frame = frame.f_back
    return count
