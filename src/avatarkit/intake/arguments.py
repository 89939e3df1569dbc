"""Argument validation of the kit: accepts what is clearly meant, and rejects the rest by name.

Each function takes the argument's name and its value of any type, and returns one type. Raises
``ConfigError`` that says what was given and what to pass.
"""

from __future__ import annotations

import inspect
import io
import math
import operator
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import IO, Any, TypeVar, cast
from uuid import UUID

from .._text import flaw, has_controls, mended
from ..content.subtitles import Cue, read_srt, srt, timestamp
from ..errors import ConfigError, MediaRejected
from ..models import Consent, Model, Options, Template, VideoSettings
from ..pricing import Money
from ..pricing.money import checked
from ..records import Record, Sample
from ..stacks.ranking import Stacks
from .recordings import Source
from .scripts import spoken_text

__all__ = [
    "Id",
    "RecordId",
    "Sources",
    "Subtitles",
    "by_language",
    "consent",
    "count",
    "cursor",
    "flag",
    "identifier",
    "instance",
    "kind",
    "language",
    "languages",
    "limit",
    "max_cost",
    "model",
    "name",
    "names",
    "number",
    "one_of",
    "option_values",
    "optional",
    "optional_instance",
    "path",
    "same_language",
    "settings",
    "source",
    "sources",
    "stack",
    "stacks",
    "subtitles",
    "template",
    "text",
]

#: Id of a user, a clone or anything else: a text, a UUID, or a whole number such as Django's.
Id = str | int | UUID
#: A training, video, sample or consent, or its id.
RecordId = Record | Sample | Consent | Id
#: One recording, or several.
Sources = Source | Iterable[Source]
#: An SRT file: its path, or its bytes.
Subtitles = str | os.PathLike[str] | bytes

E = TypeVar("E", bound=StrEnum)
T = TypeVar("T")
M = TypeVar("M", bound=Model)

#: Maximum characters of an id, a name or an idempotency key, as in the HTTP API.
MAX_NAME = 200
#: Maximum characters of a free text, such as a consent's wording.
MAX_TEXT = 10_000
#: Maximum bytes of subtitles of one's own: some hours of speech.
MAX_SUBTITLES = 500_000
#: Maximum characters of a language tag (RFC 5646, section 4.4.1).
MAX_TAG = 35
#: Syntax of a language tag (RFC 5646, section 2.1), also as operating systems write it.
_TAG = re.compile("[A-Za-z]{1,8}(?:[-_][A-Za-z0-9]{1,8})*")


def _wrong(name: str, value: object, wanted: str) -> ConfigError:
    kind = "None" if value is None else f"a value of type {type(value).__name__}"
    return ConfigError(f"{name} is {kind}: pass {wanted}")


def text(
    name: str, value: object, *, most: int = MAX_TEXT, lines: bool = True, wanted: str = "a text"
) -> str:
    """Return a text that can be stored, of at most ``most`` characters; ``lines`` allows breaks."""
    if not isinstance(value, str):
        raise _wrong(name, value, wanted)
    if found := flaw(value):
        raise ConfigError(f"{name} has {found}: remove it, then try again")
    if not lines and has_controls(value):
        raise ConfigError(f"{name} has a line break or a tab: write it in one line")
    if len(value) > most:
        raise ConfigError(f"{name} has {len(value)} characters: shorten it to at most {most}")
    return _plain(value)


def _plain(value: str) -> str:
    """Return the characters of a text; ``str`` would name the member of an enumeration."""
    return str.__str__(value)


def name(label: str, value: object) -> str:
    """Return one line of text, which may be empty."""
    return text(label, value, most=MAX_NAME, lines=False)


def language(label: str, value: object) -> str | None:
    """Return a language tag such as "de" or "pt-BR"; None if there is none."""
    if value is None:
        return None
    tag = text(label, value, most=MAX_TAG, lines=False, wanted='a language tag such as "en"')
    tag = tag.strip()
    if tag and not _TAG.fullmatch(tag):
        raise ConfigError(f'{label} is no language tag: pass one such as "en" or "pt-BR"')
    return tag or None


def same_language(tag: str) -> str:
    """Return one spelling of a tag: "PT_br" and "pt-BR" are one language."""
    return tag.lower().replace("_", "-")


def identifier(label: str, value: object) -> str:
    """Return an id as text, also that of a record, a UUID, or a whole number."""
    if isinstance(value, Record | Sample | Consent):
        value = value.id
    elif isinstance(value, UUID):
        value = str(value)
    elif (whole := _whole(value)) is not None:
        value = str(whole)
    found = text(
        label, value, most=MAX_NAME, lines=False, wanted="an id, as a text, a number or a UUID"
    )
    if not found.strip():
        raise ConfigError(f"{label} must not be empty")
    return found


def _whole(value: object) -> int | None:
    """Return a whole number of fewer than 200 digits, also of NumPy; True and False are none."""
    if isinstance(value, bool):
        return None
    try:
        found = operator.index(cast("Any", value))
    except TypeError:
        return None
    return found if found.bit_length() < 600 else None


def optional(label: str, value: object) -> str | None:
    """Return an id as text; None if there is none."""
    return None if value is None else identifier(label, value)


def flag(label: str, value: object) -> bool:
    """Return True or False; no other value stands for one of them."""
    if not isinstance(value, bool):
        raise _wrong(label, value, "True or False")
    return value


def count(label: str, value: object, *, least: int = 0, most: int = 1_000_000) -> int:
    """Return a whole number within bounds."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(label, value, f"a whole number from {least} to {most}")
    if not least <= value <= most:
        raise ConfigError(f"{label} must be from {least} to {most}")
    return value


def number(label: str, value: object) -> float | None:
    """Return a finite number; None if there is none."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise _wrong(label, value, "a number")
    try:
        found = float(value)
    except (OverflowError, ValueError):
        found = math.inf
    if not math.isfinite(found):
        raise ConfigError(f"{label} is no finite number")
    return found


def one_of(label: str, value: object, choices: type[E]) -> E | None:
    """Return a member of an enumeration, also by its word; None if there is none."""
    if value is None:
        return None
    if isinstance(value, str) and value in list(choices):
        return choices(value)
    raise _wrong(label, value, f"one of {', '.join(choices)}")


def kind(label: str, value: object, *choices: str) -> str:
    """Return one of these words."""
    if not isinstance(value, str) or value not in choices:
        raise _wrong(label, value, " or ".join(map(repr, choices)))
    return value


def names(label: str, value: object) -> tuple[str, ...]:
    """Return the names of providers; a single text is a mistake, since it is letters as well."""
    if isinstance(value, str):
        raise ConfigError(f"{label} is a list of providers: give [{name(label, value)!r}]")
    if not isinstance(value, Collection) or isinstance(value, bytes | bytearray | Mapping):
        raise _wrong(label, cast("Any", value), "names of providers, such as ['fake']")
    return tuple(name(label, one) for one in cast("Collection[object]", value))


def max_cost(value: object) -> Money | None:
    """Return the most that a call may cost; None for no limit."""
    if value is not None:
        checked(value, "max_cost")
    return cast("Money | None", value)


def cursor(value: object) -> str | None:
    """Return the cursor of a page; None for the first page."""
    return None if value is None else text("cursor", value, most=2000, wanted="Page.cursor")


def limit(value: object) -> int:
    """Return the maximum number of entries of a page or a batch."""
    return count("limit", value, least=1, most=1000)


def instance(label: str, value: object, kind: type[T]) -> T:
    """Return an object of this class."""
    if not isinstance(value, kind):
        raise _wrong(label, value, f"the {kind.__name__} itself")
    return value


def optional_instance(label: str, value: object, kind: type[T]) -> T | None:
    """Return an object of this class; None if there is none."""
    return None if value is None else instance(label, value, kind)


# -- recordings and files ---------------------------------------------------------------------

_SOURCE = "a path, bytes, an open binary file, or an https link"


def source(label: str, value: object) -> Source | None:
    """Return one recording, also from a list of one; None if there is none."""
    if isinstance(value, list | tuple):
        given = cast("list[object]", value)
        if len(given) > 1:
            raise ConfigError(f"{len(given)} files were given as {label}: give one")
        return source(label, given[0]) if given else None
    return None if value is None else _source(label, value)


def sources(label: str, value: object) -> tuple[Source, ...]:
    """Return the recordings; one alone needs no list."""
    if value is None:
        return ()
    if (
        isinstance(value, Iterable)
        and not isinstance(value, _ONE)
        and not _is_file(cast("Any", value))
    ):
        if isinstance(value, Mapping):
            raise _wrong(label, cast("object", value), f"a list of recordings, each {_SOURCE}")
        return tuple(_source(label, one) for one in cast("Iterable[object]", value))
    return (_source(label, cast("Any", value)),)


_ONE = (str, os.PathLike, bytes, bytearray, memoryview)


def _is_file(value: object) -> bool:
    return callable(getattr(value, "read", None))


def languages(label: str, value: object) -> tuple[str, ...]:
    """Return language tags, at least one and each once; a single text is a mistake."""
    if isinstance(value, str):
        raise ConfigError(f"{label} is a list of languages: give [{name(label, value)!r}]")
    if not isinstance(value, Collection) or isinstance(value, bytes | bytearray | Mapping):
        raise _wrong(label, cast("Any", value), 'language tags, such as ["es", "de"]')
    given = [language(label, one) or "" for one in cast("Collection[object]", value)]
    if not all(given) or len(set(map(same_language, given))) < max(len(given), 1):
        raise ConfigError(f"{label} must name at least one language, and each once")
    return tuple(given)


def subtitles(label: str, value: object) -> str | None:
    """Read a SubRip file, by its path or its bytes, as it is spoken; None if there is none.

    Raises ``MediaRejected`` for a file that is none.
    """
    if value is None:
        return None
    if isinstance(value, bytes | bytearray | memoryview):
        content = bytes(cast("Any", value))
    elif isinstance(value, str | os.PathLike):
        given = Path(path(label, cast("Any", value)))
        try:
            with given.open("rb") as file:
                content = file.read(MAX_SUBTITLES + 1)
        except OSError as error:
            raise MediaRejected(
                f"{label} cannot be read ({error.strerror}): give a file"
            ) from error
    else:
        raise _wrong(label, value, "the path of an SRT file, or its bytes")
    if len(content) > MAX_SUBTITLES:
        raise MediaRejected(f"{label} has more than {MAX_SUBTITLES:,} bytes: give a smaller file")
    try:
        found = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise MediaRejected(f"{label} is no UTF-8: save it as UTF-8") from None
    cues = [] if flaw(found) else [*_spoken(label, read_srt(found))]
    if not cues:
        raise MediaRejected(f"{label} is no SubRip file (.srt): give one")
    if backward := next((cue for cue in cues if cue.end < cue.start), None):
        raise MediaRejected(
            f"{label} has a caption that ends before it begins, at "
            f"{timestamp(backward.start, ',')}: correct its times"
        )
    return srt(cues)


def _spoken(label: str, cues: Iterable[Cue]) -> Iterator[Cue]:
    """Captions as they are spoken: without markup and places; those without text are left out."""
    for cue in cues:
        try:
            said = spoken_text(_PLACES.sub("", "\n".join(cue.lines)))
        except MediaRejected as error:
            raise MediaRejected(
                f"{label}, caption at {timestamp(cue.start, ',')}: {error}"
            ) from error
        if said:
            yield replace(cue, lines=tuple(said.split("\n")))


#: Place and style of a caption, as in SubStation Alpha: "{\\an8}".
_PLACES = re.compile(r"\{\\[^{}]{0,200}\}")


def by_language(label: str, value: object, tags: Collection[str]) -> dict[str, str]:
    """Read SubRip files by language; raises ``ConfigError`` for a language that is not asked."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise _wrong(label, value, 'an SRT file by language, such as {"es": "es.srt"}')
    found: dict[str, str] = {}
    for tag, file in cast("Mapping[object, object]", value).items():
        if not isinstance(tag, str) or tag not in tags:
            raise ConfigError(f"{label} has a language that is not among: {', '.join(tags)}")
        if (text := subtitles(f"{label}[{tag!r}]", file)) is not None:
            found[tag] = text
    return found


def _source(label: str, value: object) -> Source:
    if isinstance(value, bytearray | memoryview):
        return bytes(cast("Any", value))
    if isinstance(value, io.TextIOBase):
        raise ConfigError(f'{label} is a file that was opened as text: open it with mode "rb"')
    if _is_file(value):
        return _file(label, value)
    if not isinstance(value, _ONE):
        raise _wrong(label, value, _SOURCE)
    if isinstance(value, str | os.PathLike):
        found = path(label, cast("Any", value))
        return found if isinstance(value, str) else cast("Source", value)
    return cast("Source", value)


def _file(label: str, value: object) -> IO[bytes]:
    """Return an open file that can be read; raises ``ConfigError`` for any other."""
    if inspect.iscoroutinefunction(cast("Any", value).read):
        raise ConfigError(
            f"{label} is a file that is read with await: give its bytes, or the binary file behind "
            "it, such as UploadFile.file"
        )
    if getattr(value, "closed", False) is True:
        raise ConfigError(f"{label} is a closed file: open it again, or give its path")
    return cast("IO[bytes]", value)


def path(label: str, value: object) -> str:
    """Return a path as text; raises ``ConfigError`` for one that no file system can have."""
    if not isinstance(value, str | os.PathLike):
        raise _wrong(label, value, "a path")
    given = cast("str | bytes", os.fspath(cast("Any", value)))
    if not isinstance(given, str):
        raise _wrong(label, given, "a path as a text")
    try:
        encoded = os.fsencode(given)
    except UnicodeEncodeError:
        encoded = b"\0"
    if b"\0" in encoded:
        raise ConfigError(f"{label} is {mended(given)[:80]!r}, which no file can be called")
    return _plain(given)


# -- models and stacks ------------------------------------------------------------------------


def consent(label: str, value: object) -> Consent | None:
    """Return a consent whose texts can be stored; None if there is none."""
    if value is None:
        return None
    if not isinstance(value, Consent):
        example = f"{label}=Consent(subject=...), or Consent.not_a_real_person(reason)"
        raise _wrong(label, value, example)
    for field in ("id", "user_id", "subject", "wording_version"):
        if (given := getattr(value, field)) is not None:
            name(f"{label}.{field}", given)
    for field in ("reason", "wording"):
        if (given := getattr(value, field)) is not None:
            text(f"{label}.{field}", given)
    for purpose in value.purposes or ():
        name(f"{label}.purposes", purpose)
    if value.evidence is not None:
        path(f"{label}.evidence", value.evidence)
    for field in ("given_at", "expires_at", "revoked_at"):
        number(f"{label}.{field}", getattr(value, field))
    return value


def option_values(label: str, value: object) -> tuple[Options, ...]:
    """Return a provider's options; one alone needs no list."""
    given = cast("Iterable[object]", value) if isinstance(value, list | tuple) else (value,)
    found: list[Options] = []
    for one in given:
        if not isinstance(one, Options):
            raise _wrong(label, one, "a list of options, such as [HeyGenVideo(...)]")
        _require_texts(label, one)
        found.append(one)
    return tuple(found)


def settings(label: str, value: object) -> VideoSettings:
    """Return the settings of a video; the defaults if there are none."""
    return model(label, value, VideoSettings) or VideoSettings()


def model(label: str, value: object, kind: type[M]) -> M | None:
    """Return a model whose texts can be stored; None if there is none."""
    found = optional_instance(label, value, kind)
    if found is not None:
        _require_texts(label, found)
    return found


def template(label: str, value: object) -> Template | None:
    """Return a template; its texts are read as scripts are, since they may be spoken."""
    found = model(label, value, Template)
    if found is None:
        return None
    texts: dict[str, str] = {}
    for variable, said in found.text.items():
        try:
            texts[variable] = spoken_text(said)
        except MediaRejected as error:
            raise MediaRejected(f"{label}.text[{variable!r}]: {error}") from error
    return found.model_copy(update={"text": texts})


def _require_texts(label: str, model: Model) -> None:
    """Raise ``ConfigError`` for a text, at any depth, that cannot be stored."""
    where = f"{label}: {type(model).__name__}"

    def walk(value: object, place: str) -> None:
        if isinstance(value, str):
            text(place, value, most=100_000)
        elif isinstance(value, Mapping):
            for key, part in cast("Mapping[object, object]", value).items():
                text(f"the name of a field of {where}", key)
                walk(part, f"{where}.{key}")
        elif isinstance(value, list | tuple):
            for part in cast("Iterable[object]", value):
                walk(part, place)

    walk(model.model_dump(warnings=False), where)


_STACK = "a stack such as 'heygen' or 'elevenlabs+d-id', a mapping, or a list of them"


def stacks(label: str, value: object) -> Stacks | None:
    """Return one stack, or several that can stand in for each other; names in lower case."""
    if value is None:
        return None
    if isinstance(value, list | tuple):
        given = cast("Iterable[object]", value)
        found = [one for one in (stack(label, each) for each in given) if one is not None]
        if not found:
            raise ConfigError(f"{label} is empty: name at least one stack")
        return found
    return stack(label, value)


def stack(label: str, value: object) -> str | Mapping[Any, str] | None:
    """Return one stack by its name, or as a mapping; names in lower case."""
    if isinstance(value, Mapping):
        pairs = cast("Mapping[object, object]", value).items()
        return {name(label, key): name(label, given).lower() for key, given in pairs}
    if value is None:
        return None
    return text(label, value, most=MAX_NAME, lines=False, wanted=_STACK).lower()
