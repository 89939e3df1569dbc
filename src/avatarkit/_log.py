"""Structured logging over stdlib logging, with redaction of secrets.

Nothing is printed unless the application configures logging.
"""

from __future__ import annotations

import inspect
import logging
import re
from collections.abc import Collection, Mapping, MutableMapping
from typing import Any, cast

import structlog

logging.getLogger("avatarkit").addHandler(logging.NullHandler())

_HIDDEN = "[redacted]"

#: Names of fields whose value is always secret.
_SECRET_FIELD = re.compile(
    r"api[-_ ]?key|authorization|token|secret|signature|password|credential|cookie", re.IGNORECASE
)

#: Patterns of secrets in a text, and their replacements.
_SECRET_TEXTS = (
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^/\s\"'<>@]*@", re.IGNORECASE), rf"\1{_HIDDEN}@"),
    (re.compile(r"(https?://[^?#\s\"'<>]*)[?#][^\s\"'<>]*", re.IGNORECASE), rf"\1?{_HIDDEN}"),
    (
        re.compile(r"(/webhooks/[\w.-]+/)[^/?#\s\"'<>\[]+"),
        rf"\1{_HIDDEN}",
    ),  # secret of the webhook endpoint
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1 {_HIDDEN}"),
    (re.compile(r"\b(?:sk|pk|rk|key|whsec|wsec)[-_][\w-]{8,}", re.IGNORECASE), _HIDDEN),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"), _HIDDEN),  # a JSON web token
)

#: The modules between the line that logs and stdlib logging.
_BETWEEN = frozenset({__name__, "structlog._base", "structlog.stdlib"})


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return the logger of a module: ``log.info("noun.verb", field=value)``.

    A record's message holds the event and its fields, which are also in ``record.fields``. A
    traceback is the field ``exception``: handlers would print ``exc_info`` without redaction.
    """
    processors: list[structlog.typing.Processor] = [
        structlog.stdlib.filter_by_level,
        structlog.contextvars.merge_contextvars,
        structlog.processors.format_exc_info,  # to text, which is then redacted
        _redacted,
        _as_record,
    ]
    return structlog.stdlib.BoundLogger(logging.getLogger(name), processors, {})


def redact(event_dict: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields without keys, signatures and query strings of links.

    Values other than numbers, mappings and sequences become text.
    """
    return {
        name: _HIDDEN if _SECRET_FIELD.search(name) else _cleaned(value)
        for name, value in event_dict.items()
    }


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
            return cleaned(str(value))


def cleaned(text: str) -> str:
    """Remove secrets from a text: query strings, bearer tokens, keys."""
    for pattern, instead in _SECRET_TEXTS:
        text = pattern.sub(instead, text)
    return text


def _redacted(
    _logger: object, _method: str, event_dict: MutableMapping[str, Any]
) -> dict[str, Any]:
    return redact(event_dict)


def _as_record(
    _logger: object, _method: str, event_dict: MutableMapping[str, Any]
) -> tuple[tuple[str], dict[str, Any]]:
    """Convert to a stdlib record; the fields are one attribute, as some names would clash."""
    stack_info, event = event_dict.pop("stack_info", False), str(event_dict.pop("event", ""))
    fields = dict(event_dict)
    traceback = [event_dict.pop("exception")] if "exception" in event_dict else []
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
