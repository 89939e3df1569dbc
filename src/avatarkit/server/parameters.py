"""Query parameters and headers: their OpenAPI descriptions, and functions that read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request

from .._text import has_controls
from ..errors import InvalidCursor
from ..models import VideoSettings
from ..records import Status
from .bodies import CLONE_ID, BadBody, clone_named
from .descriptions import ENUMS

#: Version of tus, the protocol of resumable uploads.
TUS_VERSION = "1.0.0"
#: Maximum characters of ``Upload-Metadata``.
MAX_METADATA = 4000

#: Maximum characters of a cursor.
MAX_CURSOR = 2000

#: Bounds of a quote: trainings, videos or dubs a month; characters or seconds of each video.
MAX_COUNT, MAX_SCRIPT, MAX_SECONDS = 1_000_000, 20_000, 86_400


def query(name: str, about: str, **schema: Any) -> Mapping[str, Any]:
    """Describe a query parameter; ``schema`` is its JSON schema, by default a string."""
    return {
        "name": name,
        "in": "query",
        "required": schema.pop("required", False),
        "description": about,
        "schema": {"type": "string", **schema},
    }


def header(name: str, about: str, **schema: Any) -> Mapping[str, Any]:
    """Describe a request header."""
    return {**query(name, about, **schema), "in": "header"}


PAGE = (
    query("cursor", "The cursor of the previous page.", minLength=1, maxLength=MAX_CURSOR),
    query("limit", "Maximum number of entries.", type="integer", minimum=1, maximum=200),
)
IDEMPOTENCY_KEY = header(
    "Idempotency-Key",
    "Repeating a key returns the same record; parameters of later requests are ignored.",
    maxLength=200,
)
UPLOAD_LENGTH = header(
    "Upload-Length", "Bytes of the whole file.", type="integer", minimum=1, required=True
)
UPLOAD_OFFSET = header(
    "Upload-Offset", "Bytes already received.", type="integer", minimum=0, required=True
)
UPLOAD_METADATA = header(
    "Upload-Metadata",
    "`filename` and `role`, and `stack` if wanted: names, each with its value in base64, joined by "
    "commas.",
    minLength=1,
    maxLength=MAX_METADATA,
    required=True,
)
UPLOAD_ID = query("upload_id", "Part of the upload's address.", minLength=1, maxLength=200)
TUS = header("Tus-Resumable", "Version of the protocol.", enum=[TUS_VERSION], required=True)
LIMITS_OF = query("stack", "Validate against this stack's limits; by default the server's stack.")
LAST_EVENT_ID = header("Last-Event-ID", "ID of the last event received.")
QUOTED = (
    query("stack", "By default the server's stack.", maxLength=200),
    query("script", "Text of each video, instead of seconds.", minLength=1, maxLength=MAX_SCRIPT),
    query(
        "seconds",
        "Length of each video; by default 60.",
        type="number",
        exclusiveMinimum=0,
        maximum=MAX_SECONDS,
    ),
    *(
        query(name, about, type="integer", minimum=0, maximum=MAX_COUNT)
        for name, about in (
            ("trainings", "Avatars a month; by default 1."),
            ("videos", "Videos a month; by default 1."),
            ("dubs", "Dubbed videos a month; by default 0."),
        )
    ),
    query("quality", "Quality of each video.", enum=list(ENUMS["VideoQuality"])),
    query("resolution", "Shorter side of each video.", enum=list(ENUMS["VideoResolution"])),
    query("test", "The vendor's free or watermarked mode.", enum=["true", "false"]),
)

RANGE = header("Range", "Byte range: bytes=FIRST-LAST.")
#: Query parameters of lists of records.
RECORDS = (
    *PAGE,
    {
        "name": "status",
        "in": "query",
        "required": False,
        "description": "Only those with this status.",
        "schema": {"$ref": "#/components/schemas/Status"},
    },
    query("clone_id", "Only those of this profile.", **CLONE_ID),
)

#: Response headers of what was made, and of files in another place.
LOCATION = {
    "description": "Path of what was made.",
    "required": True,
    "schema": {"type": "string", "format": "uri-reference"},
}
ELSEWHERE = {
    "description": "Address that the media store signed.",
    "required": True,
    "schema": {"type": "string", "format": "uri"},
}

#: Response headers of uploads.
CONTINUE_FROM = {
    "description": "Bytes received: continue the upload from here.",
    "schema": {"type": "integer", "minimum": 0},
}
REPLAYED = {
    "description": "True if an earlier request with this Idempotency-Key has made the record.",
    "schema": {"type": "string", "enum": ["true"]},
}
WHOLE_LENGTH = {
    "description": "Length of the whole file in bytes.",
    "required": True,
    "schema": {"type": "integer", "minimum": 1},
}
EXPIRES = {
    "description": "HTTP date after which the upload is deleted.",
    "required": True,
    "schema": {"type": "string"},
}
TUS_OPTIONS = {
    name: {"description": about, "required": True, "schema": {"type": kind}}
    for name, about, kind in (
        ("Tus-Version", "Versions of the protocol.", "string"),
        ("Tus-Extension", "Its extensions.", "string"),
        ("Tus-Max-Size", "Most bytes of a file.", "integer"),
    )
}


def clone_id(request: Request) -> str:
    """Return the clone ID of the path."""
    return clone_named(request.path_params["clone_id"])


def byte_count(request: Request, name: str) -> int | None:
    """Return a header that holds a number of bytes; None if it is missing."""
    text = request.headers.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise BadBody(f"{name.title()}: give a number of bytes", name.title())
    return int(text)


def file_length(request: Request, name: str) -> int:
    """Return a header that holds the number of bytes of a whole file, which is not empty."""
    length = byte_count(request, name)
    if not length:
        raise BadBody(f"{name.title()}: give the number of bytes, at least 1", name.title())
    return length


def idempotency_key(request: Request) -> str | None:
    """Return the idempotency key, if one was sent."""
    key = request.headers.get("idempotency-key")
    if key is not None and (not 0 < len(key.strip()) <= 200 or has_controls(key)):
        raise BadBody("Idempotency-Key: give 1 to 200 printable characters", "Idempotency-Key")
    return key


def script(request: Request) -> str | None:
    """Return the text to quote, if there is one."""
    text = request.query_params.get("script")
    if text is not None and not 0 < len(text) <= MAX_SCRIPT:
        raise BadBody(f"script: give 1 to {MAX_SCRIPT} characters", "script")
    return text


def count(request: Request, name: str, default: int) -> int:
    """Return a number of things a month."""
    text = request.query_params.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 9 and int(text) <= MAX_COUNT):
        raise BadBody(f"{name}: give a whole number from 0 to {MAX_COUNT}", name)
    return int(text)


def seconds(request: Request) -> float | None:
    """Return the length of each video, if it was given."""
    text = request.query_params.get("seconds")
    try:
        length = None if text is None else float(text)
    except ValueError:
        length = 0.0
    if length is not None and not 0 < length <= MAX_SECONDS:
        raise BadBody(f"seconds: give a number above 0, at most {MAX_SECONDS}", "seconds")
    return length


def settings(request: Request) -> VideoSettings:
    """Return the settings of each video to quote."""
    given = {name: request.query_params.get(name) for name in ("quality", "resolution")}
    for name, value in given.items():
        _require_one_of(name, value, ENUMS[f"Video{name.title()}"])
    test = request.query_params.get("test", "false")
    _require_one_of("test", test, ("true", "false"))
    return VideoSettings.model_validate({**given, "test": test == "true"})


def _require_one_of(name: str, value: str | None, known: Sequence[str]) -> None:
    if value is not None and value not in known:
        raise BadBody(f"{name}: give one of {', '.join(known)}", name)


def page(request: Request) -> dict[str, Any]:
    """Return ``cursor`` and ``limit`` as the kit takes them."""
    limit = request.query_params.get("limit", "50")
    if not (limit.isascii() and limit.isdigit() and len(limit) <= 3 and 1 <= int(limit) <= 200):
        raise BadBody("limit: give a number from 1 to 200", "limit")
    cursor = request.query_params.get("cursor")
    if cursor is not None and not 0 < len(cursor) <= MAX_CURSOR:
        raise InvalidCursor("cursor: send the cursor of the previous page, or leave it out")
    return {"cursor": cursor, "limit": int(limit)}


def records(request: Request) -> dict[str, Any]:
    """Return the filters and the page of a list of records, as the kit takes them."""
    clone, status = request.query_params.get("clone_id"), request.query_params.get("status")
    _require_one_of("status", status, tuple(Status))
    return {
        "clone_id": None if clone is None else clone_named(clone),
        "status": status,
        **page(request),
    }


def last_event(request: Request) -> int:
    """Return the version of the last event received; -1 if there is none."""
    text = request.headers.get("last-event-id", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else -1
