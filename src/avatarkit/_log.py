"""One structlog logger over stdlib logging, and what never reaches a log.

A library prints nothing: without logging configured by the application, all of it goes nowhere.
"""

from __future__ import annotations

import inspect
import logging
import re
from collections.abc import Mapping, MutableMapping
from typing import Any

import structlog

__all__ = ["cleaned", "get_logger", "redact"]

logging.getLogger("avatarkit").addHandler(logging.NullHandler())

_HIDDEN = "[redacted]"

#: Fields whose value is secret, whatever it is.
_SECRET_FIELD = re.compile(
    r"api[-_ ]?key|authorization|token|secret|signature|password|credential|cookie", re.IGNORECASE
)

#: What is secret inside a text, and what stands there instead.
_SECRET_TEXTS = (
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^/\s\"'<>@]*@", re.IGNORECASE), rf"\1{_HIDDEN}@"),
    (re.compile(r"(https?://[^?#\s\"'<>]*)[?#][^\s\"'<>]*", re.IGNORECASE), rf"\1?{_HIDDEN}"),
    (re.compile(r"(/webhooks/[\w.-]+/)[^/?#\s\"'<>\[]+"), rf"\1{_HIDDEN}"),  # what opens the inbox
    (re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1 {_HIDDEN}"),
    (re.compile(r"\b(?:sk|pk|rk|key|whsec|wsec)[-_][\w-]{8,}", re.IGNORECASE), _HIDDEN),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"), _HIDDEN),  # a JSON web token
)

#: The modules between the line that logs and stdlib logging.
_BETWEEN = frozenset({__name__, "structlog._base", "structlog.stdlib"})


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return the logger of a module: ``log.info("noun.verb", field=value)``.

    Records carry the event and its fields as text, and the fields once more as ``record.fields``;
    a traceback is the field ``exception``, because handlers would print ``exc_info`` unredacted.
    """
    processors: list[structlog.typing.Processor] = [
        structlog.stdlib.filter_by_level,
        structlog.contextvars.merge_contextvars,
        structlog.processors.format_exc_info,  # as text, so that it can be redacted, too
        _redacted,
        _as_record,
    ]
    return structlog.stdlib.BoundLogger(logging.getLogger(name), processors, {})


def redact(event_dict: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields without keys, signatures, and the query strings of links.

    Values that are neither text, number, mapping nor sequence become text.
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
            return f"[{len(value)} bytes]"
        case Mapping():
            return redact({str(name): inner for name, inner in value.items()})
        case list() | tuple() | set() | frozenset():
            return [_cleaned(inner) for inner in value]
        case _:
            return cleaned(str(value))


def cleaned(text: str) -> str:
    """Return the text without what is secret in it: query strings, bearer tokens, keys."""
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
    """Hand over to stdlib logging; as one field, because some names would clash with its own."""
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
    """How far up the line is that logs, so that its file and number are named."""
    frame, count = inspect.currentframe(), 0
    while frame and frame.f_globals["__name__"] in _BETWEEN:
        count += frame.f_globals["__name__"] != __name__
        frame = frame.f_back
    return count
