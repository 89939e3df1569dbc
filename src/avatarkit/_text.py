"""Rule on text: the characters that are stored and sent, for callers and for vendors alike.

A caller's text with other characters is rejected by the argument's name; in a vendor's text they
are replaced by U+FFFD. ``repositories.rules.as_stored`` applies it once more before a row is kept.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any, cast

__all__ = [
    "INVISIBLE",
    "flaw",
    "folded",
    "has_controls",
    "mended",
    "mended_value",
    "nested",
    "read_json",
    "suspicious",
]

#: Maximum nesting depth of JSON that is read.
MAX_DEPTH = 64

#: The last two code points of each plane are noncharacters, as are U+FDD0 to U+FDEF.
_PLANE_ENDS = "".join(
    f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000)
)
#: Controls but tab, line feed and carriage return; surrogates, each half of a character;
#: noncharacters, which Unicode keeps out of exchanged text (Unicode 17.0, sections 23.1 and 23.6
#: to 23.7). PostgreSQL stores no NUL, and UTF-8 has no surrogates.
_FORBIDDEN = re.compile(
    f"[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef{_PLANE_ENDS}]"
)
#: The escapes of such characters in a JSON document.
_ESCAPED = re.compile(r"\\[bfu]")
_CONTROLS = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029]")
#: Invisible characters without a sound: soft hyphen, combining grapheme joiner, fillers, zero-width
#: space, marks and embeddings of writing direction, word joiner and invisible operators, BOM,
#: interlinear annotations, places of pasted objects, controls of shorthand and music, tags.
INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff"
    "\uffa0\ufff9-\ufffc\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f]"
)


def flaw(text: str) -> str | None:
    """Name the first character that cannot be stored; None if there is none."""
    if text.isascii() and text.isprintable():
        return None
    found = _FORBIDDEN.search(text)
    if found is None:
        return None
    code = ord(found[0])
    if code == 0:
        return "a NUL character"
    if 0xD800 <= code < 0xE000:
        return f"a lone surrogate (U+{code:04X}), which is half a character"
    kind = "control character" if code < 0xA0 else "noncharacter"
    return f"the {kind} U+{code:04X}"


def has_controls(text: str) -> bool:
    """Return True if a text has controls or line breaks, which no name or id has."""
    return not (text.isascii() and text.isprintable()) and _CONTROLS.search(text) is not None


def folded(text: str) -> str:
    """Return a text as it is compared with another one that a person wrote.

    Case, spaces, the ways to write one letter ("é" has two), and invisible characters do not count.
    """
    composed = unicodedata.normalize("NFKC", INVISIBLE.sub("", text).casefold())
    return " ".join(composed.split())


def mended(text: str) -> str:
    """Replace each character that cannot be stored by U+FFFD, the replacement character."""
    if text.isascii() and text.isprintable():
        return text
    return _FORBIDDEN.sub("\ufffd", text)


def mended_value(value: Any) -> Any:
    """Mend every text of a JSON value, names of fields included."""
    if isinstance(value, str):
        return mended(value)
    if isinstance(value, dict):
        fields = cast("dict[object, object]", value).items()
        return {mended_value(name): mended_value(part) for name, part in fields}
    if isinstance(value, list | tuple):
        parts = cast("list[object] | tuple[object, ...]", value)
        return type(parts)(map(mended_value, parts))
    return value


def suspicious(document: str) -> bool:
    """Return True if a JSON document may hold such a character, escaped or not; it is quick."""
    if "\\" in document and _ESCAPED.search(document):
        return True
    if document.isascii():
        return "\x7f" in document
    return _FORBIDDEN.search(document) is not None


#: A JSON string, terminated or not, so that matching takes linear time.
_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL)
_BRACKETS = re.compile(rb"[\[\]{}]")


def nested(body: bytes) -> bool:
    """Return True if JSON is nested deeper than ``MAX_DEPTH``."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return False  # fast path: strings need not be removed
    depth = 0
    for bracket in _BRACKETS.findall(_STRINGS.sub(b"", body)):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            return True
    return False


def read_json(body: bytes) -> Any:
    """Parse JSON in UTF-8; raises ``ValueError``, also if it is nested too deep."""
    if nested(body):
        raise ValueError(f"the JSON is nested deeper than {MAX_DEPTH} levels")
    return json.loads(body.decode("utf-8-sig"))
