"""Script validation: the text that is sent is the text that is spoken.

Normalises Unicode, removes invisible characters, decodes HTML entities, and strips or rejects
markup that the speaking provider would read aloud. Limits count the result.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Collection
from xml.etree import ElementTree as ET

from .._text import INVISIBLE, flaw, mended
from ..errors import ConfigError, MediaRejected
from ..interfaces import Markup
from . import preflight

__all__ = ["read_script", "spoken_text"]

#: Maximum characters before anything else is looked at; far above every vendor's limit.
_LONGEST = 200_000


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: Line breaks of other systems and of word processors, such as the vertical tab of Word.
_BREAKS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
#: Zero-width non-joiner and joiner.
_JOINERS = re.compile("[\u200c\u200d]")
#: Letters of scripts whose letters join or form clusters: Arabic, Syriac, N'Ko, Indic, Tibetan,
#: Myanmar, Khmer, Mongolian and their extensions.
_JOINING = re.compile(
    "[\u0600-\u08ff\u0900-\u109f\u1700-\u18af\u1900-\u1cff\ua800-\uabff\ufb50-\ufdcf\ufdf0-\ufdff"
    "\ufe70-\ufefc\U00010a00-\U00011fff\U0001e900-\U0001e95f]"
)
#: Characters that may stand between an emoji and a joiner.
_EMOJI_PARTS = re.compile("[\ufe0f\u20e3\U0001f3fb-\U0001f3ff]")

#: An entity; browsers read the commonest without a semicolon too.
_ENTITY = re.compile(
    r"&(?:(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});"
    r"|(?:amp|gt|lt|nbsp|quot|shy)(?![A-Za-z0-9=]))"
)
#: A tag as HTML and XML write it: a name at once, then attributes with values only. So "a < b",
#: "<3" and "x<y and z>1" are none.
_TAG = re.compile(
    r"<(?P<close>/?)(?P<name>[A-Za-z][\w:.-]{0,63})"
    r"(?P<rest>(?:\s+[\w:.-]{1,64}\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s\"'<>=/]+))*\s*/?)>"
)
_DECLARATION = re.compile(r"<(?:\?|!\[|!(?=[A-Za-z]))")
#: HTML for the looks of a text. Its tags are removed; those that begin a line become a line break.
_LOOKS = _words("a abbr b big cite code em font i mark small span strike strong tt u")
_LINES = _words(
    "article blockquote br center div h1 h2 h3 h4 h5 h6 header hr li ol p pre section table tbody "
    "td th thead tr ul"
)
#: Elements of SSML 1.1 (https://www.w3.org/TR/speech-synthesis11/, read 2026-11-30).
_SSML = _words(
    "audio break desc emphasis lang lexicon lookup mark meta metadata p paragraph phoneme prosody "
    "s say-as sentence speak sub token voice w"
)
#: Elements of HTML that are neither for looks nor in SSML.
_OTHERS = _words(
    "body button canvas caption details dialog embed figure footer form head html iframe img input "
    "label link main math nav object option picture script select source style summary svg "
    "template textarea title track video"
)
_NAMES = "|".join(sorted(name for name in _SSML | _LOOKS | _LINES | _OTHERS if len(name) > 1))
#: A tag that is not well-formed, such as "<break time='1s'" and "< break/>", or has an attribute
#: without a value. Names of one letter are too short to tell.
_BROKEN = re.compile(
    r"<(?=\s*+/?\s*+[A-Za-z])(?:"  # names are compared where one may stand, not at each "<"
    rf"/?(?:{_NAMES})(?=[\s/>]|\Z)|\s*+/?\s*+(?:{_NAMES})\s*+/?\s*+>"
    r"|[A-Za-z][\w:.-]{0,63}\s[^<>]{0,200}=\s{0,9}[\"'])",
    re.IGNORECASE,
)


def read_script(
    script: object, limits: preflight.Bounds, markup: Collection[Markup] = (), *, speaker: str = ""
) -> str:
    """Return the script as it is sent; ``markup`` is what the ``speaker`` understands.

    Raises ``MediaRejected`` if nothing in it can be spoken, if it has markup that would be read
    aloud, or if it is over a limit of characters; ``ConfigError`` if it is no text.
    """
    if not isinstance(script, str):
        raise ConfigError(f"script is a value of type {type(script).__name__}: pass a text")
    if len(script) > _LONGEST:
        raise MediaRejected(f"the script has over {_LONGEST} characters: split the text")
    text = spoken_text(script, markup, speaker=speaker)
    if not text:
        raise MediaRejected("the script is empty: say at least one word")
    words = _ENTITY.sub("", _TAG.sub("", text))
    if not any(unicodedata.category(char)[0] in "LN" for char in words):
        raise MediaRejected(
            "the script has no letter and no digit, so nothing in it can be spoken: add words"
        )
    preflight.refuse(preflight.of_script(text, limits))
    return text


def spoken_text(text: str, markup: Collection[Markup] = (), *, speaker: str = "") -> str:
    """Return a part of what may be spoken as it is sent; it may be empty.

    Raises ``MediaRejected`` for characters that cannot be stored, and for markup that would be read
    aloud.
    """
    text = _storable(_BREAKS.sub("\n", text))
    if "ssml" not in markup:
        text = _storable(_decoded(text))
    text = INVISIBLE.sub("", text)  # first, since they can hide a tag
    text = _without_markup(text, markup, speaker or "the provider")
    return _joined(unicodedata.normalize("NFC", text)).strip()


def _storable(text: str) -> str:
    if found := flaw(text):
        raise MediaRejected(f"the script has {found}: remove it, then try again")
    return text


def _decoded(text: str) -> str:
    """Decode HTML entities, also those that were encoded twice; "AT&T" has none."""
    for _ in range(5):
        decoded = _ENTITY.sub(_character, text)
        if decoded == text:
            break
        text = decoded
    return text.replace("\u00a0", " ")


def _character(entity: re.Match[str]) -> str:
    found = html.unescape(entity[0])
    if found == "\ufffd":
        raise MediaRejected(f"the script has {entity[0]}, which is no character: remove it")
    return _BREAKS.sub("\n", found)


def _without_markup(text: str, markup: Collection[Markup], speaker: str) -> str:
    """Strip HTML for looks; keep what the speaker understands; reject the rest."""
    if _DECLARATION.search(text):
        raise MediaRejected("the script has a declaration such as <?xml or <!DOCTYPE: remove it")
    text = _uncommented(text)

    def one(found: re.Match[str]) -> str:
        tag = found["name"].lower()
        if tag in _SSML and ("ssml" in markup or tag in markup):
            return found[0]
        if tag in _LOOKS:
            return ""
        if tag in _LINES:
            return "\n"
        known = " and ".join(sorted(f"<{m}>" if m != "ssml" else "SSML" for m in markup))
        raise MediaRejected(
            f"the script has the tag <{found['close']}{tag}>, which {speaker} would read aloud: "
            f"remove it; {speaker} understands {known or 'no markup'}"
        )

    kept = _TAG.sub(one, text)
    if broken := _BROKEN.search(_JOINERS.sub("", _TAG.sub("", kept))):
        raise MediaRejected(
            f"the script has a broken tag, {broken[0].strip()!r}, which {speaker} would read "
            "aloud: correct or remove it"
        )
    if "ssml" in markup and (kept != _TAG.sub("", kept)):
        _require_well_formed(kept)
    return kept


def _uncommented(text: str) -> str:
    parts: list[str] = []
    at = 0
    while (start := text.find("<!--", at)) >= 0:
        end = text.find("-->", start)
        if end < 0:
            raise MediaRejected("the script has a comment, <!--, that does not end: remove it")
        parts += [text[at:start], " "]
        at = end + 3
    return "".join([*parts, text[at:]])


def _require_well_formed(text: str) -> None:
    whole = text if text.lstrip().startswith("<speak") else f"<speak>{text}</speak>"
    try:
        ET.fromstring(whole)  # noqa: S314 - it has no declarations, so no entities
    except ET.ParseError as error:
        raise MediaRejected(
            f"the SSML of the script is not well-formed ({mended(str(error))}): correct it"
        ) from None


def _joined(text: str) -> str:
    """Remove joiners, except where a script or an emoji needs them."""
    return _JOINERS.sub(lambda found: found[0] if _joins(text, found.start()) else "", text)


def _joins(text: str, place: int) -> bool:
    """Return True if the joiner at this place changes what is read.

    The rules are those of RFC 5892, appendix A.1 and A.2, and of UAX #31, section 2.3: after a
    virama, or after a letter of a script that joins letters; and of UTS #51 for emoji.
    """
    before = text[max(0, place - 4) : place].rstrip("\u200c\u200d")[-1:]
    after = text[place + 1 : place + 2]
    if not before:
        return False
    if unicodedata.combining(before) == _VIRAMA or _JOINING.match(before):
        return True
    shown = _EMOJI_PARTS.match(before) or unicodedata.category(before) == "So"
    return text[place] == "\u200d" and bool(shown) and unicodedata.category(after or "a") == "So"


_VIRAMA = 9  #: canonical combining class
