"""Reading of vendors' answers: the table of places, and helpers that find and parse values."""

from __future__ import annotations

import email.utils
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, cast
from urllib.parse import quote

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
        place = int(name) if name.isdecimal() else len(items)
        return items[place] if place < len(items) else None
    return as_object(value).get(name)


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
    """Return the first filled value at these dotted paths as text; None if it is no scalar."""
    value = filled_at(answer, *places)
    return str(value) if isinstance(value, str | int | float) else None


def parse_progress(value: Any, end: float) -> float | None:
    """Read ``"60/100"``, ``"60%"``, or the number 60 with the ``end`` 100, as 0.6.

    The result is from 0 to 1; None if it is no number.
    """
    done, _, total = str(value).strip().partition("/")
    if done.endswith("%"):
        done, total = done[:-1], "100"
    try:
        ratio = float(done) / float(total or end)
    except (ValueError, ZeroDivisionError, OverflowError):
        return None
    return None if math.isnan(ratio) else min(1.0, max(0.0, ratio))


#: Larger numbers are milliseconds: as seconds they would be after the year 5000.
_MILLISECONDS = 1e11


def parse_time(value: Any) -> float | None:
    """Read (milli)seconds since 1970, an ISO 8601 or an RFC 1123 time as seconds since 1970.

    A time without a zone is UTC. None if it is none of these.
    """
    if isinstance(value, int | float):
        return value / 1000 if value > _MILLISECONDS else float(value)
    for read in (datetime.fromisoformat, email.utils.parsedate_to_datetime):
        try:
            told = read(str(value))
            return (told if told.tzinfo else told.replace(tzinfo=UTC)).timestamp()
        except (ValueError, TypeError, OverflowError):
            continue
    return None
