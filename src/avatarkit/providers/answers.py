"""Reading of vendors' answers: the table of places, and helpers that find and parse values."""

from __future__ import annotations

import email.utils
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, cast
from urllib.parse import quote

from .._text import has_controls, mended
from ..errors import BadReply
from ..models import JobState, Operation

#: Dotted paths into an answer, such as ``("data.id", "id")``: the first one that is filled counts.
#: The elements of a list are named by numbers: ``"items.0.id"``.
Places = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reads:
    """Table of where a vendor's answers keep the fields of a job."""

    ids: Mapping[Operation, Places]  #: the id that is polled
    #: the id that later calls use, if it is another one
    refs: Mapping[Operation, Places] = field(default_factory=dict[Operation, Places])
    states: Mapping[str, JobState]  #: the vendor's word -> ours; any other word is ``UNKNOWN``
    state: Places = ("status",)
    #: the state of a job whose answer has no word for it; a submission is ``QUEUED``
    unsaid: Mapping[Operation, JobState] = field(default_factory=dict[Operation, JobState])
    progress: Places = ()  #: a number, "60%" or "60/100"
    progress_end: float = 100  #: the value of a bare number when the job is done
    links: Mapping[str, Places] = field(default_factory=dict[str, Places])  #: our name -> place
    reason: Places = ()
    consent_url: Places = ()  #: the page where a person consents, while the job needs an action
    #: seconds or milliseconds since 1970, or a time in ISO 8601 or RFC 1123
    created_at: Places = ("created_at",)
    cost: Places = ()
    seconds: Places = ()  #: length of a finished video; it is charged by it if ``cost`` is empty
    token: Places = ("name",)  #: the name that we gave to the job
    items: Places = ("data",)  #: the jobs of a page
    cursor: Places = ()  #: the cursor of the next page; empty on the last page
    cursor_parameter: str = "cursor"
    #: unit of the cursor if no page names the next one; it starts at the value of the first request
    counts: Literal["pages", "jobs"] | None = None
    #: number of all jobs; if the vendor does not tell it, the list ends with an empty page
    total_jobs: Places = ()
    total_pages: Places = ()


def primary_language(tag: str | None) -> str | None:
    """Return the language of a tag without its region: "pt" for "pt-BR" and "PT_br"."""
    return re.split("[-_]", tag)[0].lower() if tag else None


def path_segment(name: str) -> str:
    """Escape an id so that it is exactly one segment of a URL's path."""
    return quote(name, safe="")


def value_at(answer: Any, *places: str) -> Any:
    """Return the first value that is not None at these dotted paths, such as ``"data.0.id"``."""
    for place in places:
        value: Any = answer
        for name in place.split("."):
            # a dict, as JSON gives it, is faster to recognize than any mapping
            if isinstance(value, dict):
                value = cast("dict[str, Any]", value).get(name)
            else:
                value = _child(value, name)
        if value is not None:
            return value
    return None


def _child(value: Any, name: str) -> Any:
    """Element of a list by its number, or field of a mapping; None if there is none."""
    if isinstance(value, list):
        items = cast("Sequence[Any]", value)
        place = int(name) if name.isdecimal() and len(name) < 10 else len(items)
        return items[place] if place < len(items) else None
    return as_object(value).get(name)


def field_errors(detail: Any) -> str | None:
    """Read the validation errors of FastAPI, several vendors' framework; None if there are none."""
    found = [f"{_dotted(error.get('loc'))}: {error.get('msg')}" for error in as_objects(detail)]
    return "; ".join(found) or None


def _dotted(loc: Any) -> str:
    return ".".join(map(str, cast("Sequence[Any]", loc))) if isinstance(loc, list) else ""


def as_object(value: Any) -> Mapping[str, Any]:
    """Return a JSON object; empty if the value is something else."""
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def as_objects(value: Any) -> list[Mapping[str, Any]]:
    """Return the JSON objects of a list; empty if the value is something else."""
    items = cast("Sequence[Any]", value) if isinstance(value, list) else ()
    return [as_object(item) for item in items if isinstance(item, Mapping)]


def filled_at(answer: Mapping[str, Any], *places: str) -> Any:
    """Return the first value at these dotted paths that is neither None nor empty."""
    for place in places:
        value = value_at(answer, place)
        if value not in (None, "", [], {}):
            return value
    return None


def text_at(answer: Mapping[str, Any], *places: str) -> str | None:
    """Return the first filled value at these dotted paths as text; None if there is none.

    Characters that cannot be stored are replaced by U+FFFD. Raises ``BadReply`` for a list, an
    object, a boolean, a number that is not finite, or a text longer than any vendor's.
    """
    return read_text(filled_at(answer, *places))


def read_text(value: Any) -> str | None:
    """Read a text or a number as text, as ``text_at`` does; None for None."""
    if value is None or isinstance(value, str):
        text = value and mended(value)
    elif isinstance(value, int | float) and _finite(value) is not None:
        text = _written(value)
    else:
        raise malformed(value, "a text")
    if text is not None and len(text) > _LONGEST:
        raise BadReply(f"the answer has a text of {len(text)} characters where a short one belongs")
    return text


#: Characters of a value in an answer, such as a signed link.
_LONGEST = 16_384
#: Characters of an id. An index of PostgreSQL holds at most 2,704 bytes of it.
_LONGEST_ID = 500


def id_at(answer: Mapping[str, Any], *places: str) -> str | None:
    """Return an id as ``text_at`` does; raises ``BadReply`` also for one that cannot be stored.

    With a replaced character, it would be another id.
    """
    value = filled_at(answer, *places)
    text = read_text(value)
    if text is not None and (len(text) > _LONGEST_ID or has_controls(text) or text != str(value)):
        raise BadReply("the answer has an id with characters that no id has, or too many of them")
    return text


def said_at(answer: Mapping[str, Any], *places: str) -> str | None:
    """Return the first text or number at these dotted paths, for people; never raises.

    Other values are skipped: an error message is shown as far as it can be read.
    """
    for place in places:
        with suppress(BadReply):
            if text := text_at(answer, place):
                return text
    return None


def number_at(answer: Mapping[str, Any], *places: str) -> float | None:
    """Return the first number at these dotted paths, also one in a text; None if there is none.

    Raises ``BadReply`` for anything else, for a number that is not finite, and for a negative one.
    """
    value = value_at(answer, *places)
    if value is None or value == "":
        return None
    number = _finite(value)
    if number is None or number < 0:
        raise malformed(value, "a number from 0 on")
    return number


def flag_at(answer: Mapping[str, Any], *places: str) -> bool | None:
    """Return the first boolean at these dotted paths; None if there is none.

    Raises ``BadReply`` for anything else.
    """
    value = value_at(answer, *places)
    if value is not None and not isinstance(value, bool):
        raise malformed(value, "true or false")
    return value


def list_at(answer: Mapping[str, Any], *places: str) -> Sequence[Any]:
    """Return the first list at these dotted paths; empty if there is none.

    Raises ``BadReply`` for anything else.
    """
    value = value_at(answer, *places)
    if value is not None and not isinstance(value, list):
        raise malformed(value, "a list")
    return cast("Sequence[Any]", value or ())


def malformed(value: Any, wanted: str) -> BadReply:
    """Build the error of a value of a wrong type; it does not quote the value."""
    kinds = {dict: "an object", list: "a list", bool: "a boolean", str: "a text"}
    kind = kinds.get(
        cast("Any", type(value)), "a number" if isinstance(value, int | float) else "null"
    )
    return BadReply(f"the answer has {kind} where {wanted} belongs")


def _finite(value: Any) -> float | None:
    """Return a number, also one in a text; None for what is none, or is not finite."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _written(number: float) -> str:
    try:
        return str(number)
    except ValueError:  # a whole number of more digits than Python writes
        raise malformed(number, "a text") from None


def parse_progress(value: Any, end: float) -> float | None:
    """Read ``"60/100"``, ``"60%"``, or the number 60 with the ``end`` 100, as 0.6.

    The result is from 0 to 1; None for None, and for a text without a number. Raises ``BadReply``
    for any other value.
    """
    if value is None:
        return None
    if not isinstance(value, str) and _finite(value) is None:
        raise malformed(value, "a progress")
    done, _, total = str(value).strip().partition("/")
    if done.endswith("%"):
        done, total = done[:-1], "100"
    part, whole = _finite(done), _finite(total or end)
    return min(1.0, max(0.0, part / whole)) if part is not None and whole else None


#: Larger numbers are milliseconds: as seconds they would be after the year 5000.
_MILLISECONDS = 1e11
#: The year 10000 in seconds since 1970, which no database stores.
_LAST = 253_402_300_800.0


def parse_time(value: Any) -> float | None:
    """Read (milli)seconds since 1970, an ISO 8601 or an RFC 1123 time as seconds since 1970.

    A time without a zone is UTC. None for None and an empty text. Raises ``BadReply`` for anything
    else, and for a time before 1970 or after the year 9999.
    """
    if value is None or value == "":
        return None
    told = _timestamp(value) if isinstance(value, str) else _finite(value)
    if told is not None and told > _MILLISECONDS and not isinstance(value, str):
        told /= 1000
    if told is None or not 0 <= told < _LAST:
        raise malformed(value, "a time")
    return told


def _timestamp(text: str) -> float | None:
    for read in (datetime.fromisoformat, email.utils.parsedate_to_datetime):
        with suppress(ValueError, TypeError, OverflowError):
            told = read(text)
            return (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()
    return None


def read_timings(rows: Iterable[Sequence[Any]]) -> tuple[tuple[str, float, float], ...] | None:
    """Read (text, start, end) in seconds; None if there is none, or if one is malformed.

    Timings are an extra of paid speech: what is wrong with them must not lose the speech.
    """
    found: list[tuple[str, float, float]] = []
    try:
        for text, begin, end in rows:
            start, stop = _finite(begin), _finite(end)
            if not isinstance(text, str) or start is None or stop is None or not 0 <= start <= stop:
                return None
            found.append((mended(text), start, stop))
    except (TypeError, ValueError):
        return None
    return tuple(found) or None
