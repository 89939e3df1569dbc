# ruff: noqa: RUF001, RUF002 - letters of IPA
"""Pronunciation dictionary: words in IPA, ARPAbet, respelled syllables or other words.

Pronunciations become phonemes of the speech network's alphabet, which is that of the G2P package
misaki: diphthongs are capitals, and a stress mark stands before its vowel.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from avatarkit.providers.local.lexicon import KNOWN

__all__ = ["phonemes", "pronounced"]

_VOWELS: Final = frozenset("AIOQWYaeiouæɐɑɒɔəɚɛɜɪɨʊʌᵊᵻ")
_CONSONANTS: Final = frozenset("bdfhjklmnpstvwzðŋɡɹɾʃʒʤʧθT")
_STRESS: Final = "ˈˌ"

#: IPA -> our alphabet, the longest first; the last rows remove what it does not tell apart.
_IPA: Final[Mapping[str, str]] = MappingProxyType(
    {
        "t͡ʃ": "ʧ", "tʃ": "ʧ", "d͡ʒ": "ʤ", "dʒ": "ʤ",
        "eɪ": "A", "aɪ": "I", "oʊ": "O", "əʊ": "O", "aʊ": "W", "ɔɪ": "Y",
        "ɝ": "ɜɹ", "ɚ": "əɹ", "r": "ɹ", "g": "ɡ", "ɫ": "l", "'": "ˈ", ",": "ˌ",
        "ː": "", ":": "", ".": "", "‿": "", "͡": "", "̩": "",
    }
)  # fmt: skip
#: ARPAbet of the CMU dictionary -> our alphabet; AH and ER differ with the stress.
_ARPABET: Final[Mapping[str, str]] = MappingProxyType(
    {
        "AA": "ɑ", "AE": "æ", "AH": "ʌ", "AH0": "ə", "AO": "ɔ", "AW": "W", "AY": "I", "EH": "ɛ",
        "ER": "ɜɹ", "ER0": "əɹ", "EY": "A", "IH": "ɪ", "IY": "i", "OW": "O", "OY": "Y", "UH": "ʊ",
        "UW": "u", "B": "b", "CH": "ʧ", "D": "d", "DH": "ð", "F": "f", "G": "ɡ", "HH": "h",
        "JH": "ʤ", "K": "k", "L": "l", "M": "m", "N": "n", "NG": "ŋ", "P": "p", "R": "ɹ", "S": "s",
        "SH": "ʃ", "T": "t", "TH": "θ", "V": "v", "W": "w", "Y": "j", "Z": "z", "ZH": "ʒ",
    }
)  # fmt: skip
#: English spelling of syllables -> our alphabet. The reduced vowel of a syllable without stress is
#: behind the bar.
_SPELLING: Final[Mapping[str, str]] = MappingProxyType(
    {
        "eye": "I", "ye": "I", "igh": "I", "eer": "ɪɹ", "ear": "ɪɹ", "air": "ɛɹ", "oor": "ʊɹ",
        "oar": "ɔɹ",
        "ay": "A", "ai": "A", "ey": "A", "ah": "ɑ", "aw": "ɔ", "au": "ɔ", "ar": "ɑɹ", "ee": "i",
        "ea": "i", "eh": "ɛ", "er": "ɜɹ|əɹ", "ir": "ɜɹ|əɹ", "ur": "ɜɹ|əɹ", "ew": "ju", "ih": "ɪ",
        "oo": "u", "oh": "O", "oa": "O", "oe": "O", "ow": "W", "ou": "W", "oy": "Y", "oi": "Y",
        "or": "ɔɹ", "uh": "ʌ|ə", "uu": "ʊ", "a": "æ|ə", "e": "ɛ", "i": "ɪ", "o": "ɑ", "u": "ʌ|ə",
        "tch": "ʧ", "ch": "ʧ", "ck": "k", "dh": "ð", "gh": "ɡ", "kh": "k", "ng": "ŋ", "nk": "ŋk",
        "ph": "f", "qu": "kw", "sh": "ʃ", "th": "θ", "wh": "w", "zh": "ʒ", "b": "b", "c": "k",
        "d": "d", "f": "f", "g": "ɡ", "h": "h", "j": "ʤ", "k": "k", "l": "l", "m": "m", "n": "n",
        "p": "p", "q": "k", "r": "ɹ", "s": "s", "t": "t", "v": "v", "w": "w", "x": "ks", "y": "I",
        "z": "z",
    }
)  # fmt: skip
_SPELLED: Final = re.compile("|".join(sorted(_SPELLING, key=len, reverse=True)))
_IPA_PARTS: Final = re.compile("|".join(re.escape(part) for part in _IPA))
#: "nate": the silent e makes the vowel before one consonant long.
_SILENT_E: Final = re.compile(r"([aiou])([b-df-hj-np-tvz])e$")
_LONG: Final = MappingProxyType({"a": "ay", "i": "igh", "o": "oh", "u": "oo"})
_VOWEL_LETTER: Final = re.compile("[aeiouy]", re.IGNORECASE)
#: A link of Markdown, whose form is that of a mark; its text is kept.
_LINK: Final = re.compile(r"\[([^\[\]]+)\]\([^()]*\)")
_ARPABET_SYMBOL: Final = re.compile(r"([A-Z]{1,2})([012])?")


def phonemes(pronunciation: str) -> str | None:
    """Return the phonemes of a pronunciation; None if it is other words to say.

    ``/ˌkuːbɚˈnɛtiːz/`` is IPA, ``K UW2 B ER0 N EH1 T IY0 Z`` ARPAbet, and ``koo-ber-NET-eez``
    syllables of which one, in capitals, has the stress. Raises ``ValueError``.
    """
    said = pronunciation.strip()
    if len(said) > 2 and said[0] == said[-1] == "/":
        return _checked(" ".join(_stressed(word) for word in said[1:-1].split()), pronunciation)
    if (found := _from_arpabet(said)) is not None:
        return found
    parts = said.split("-")
    stresses = [part.isupper() for part in parts].count(True)
    if len(parts) > 1 and stresses == 1 and all(map(_is_syllable, parts)):
        syllables = [_syllable(part.lower(), stressed=part.isupper()) for part in parts]
        return _checked("".join(syllables), pronunciation)
    if not any(character.isalnum() for character in said):
        raise ValueError(f"the pronunciation {pronunciation!r} has nothing that can be said")
    return None


def _is_syllable(part: str) -> bool:
    return part.isascii() and part.isalpha() and _VOWEL_LETTER.search(part) is not None


def pronounced(text: str, dictionary: Mapping[str, str]) -> str:
    """Replace words by other words, or mark them with their phonemes.

    ``dictionary`` comes before the words that are known here. A word is found in any case, unless
    the dictionary has it in this one. The mark, ``[word](/phonemes/)``, is that of the speech
    package.
    """
    by_case = {word.casefold(): said for word, said in {**KNOWN, **dictionary}.items()} | {
        **dictionary
    }
    words = "|".join(re.escape(word) for word in sorted(by_case, key=len, reverse=True))

    def said(found: re.Match[str]) -> str:
        pronunciation = by_case.get(found[0]) or by_case.get(found[0].casefold())
        if pronunciation is None:  # such as "GİTHUB": the pattern takes letters that no case shares
            return found[0]
        symbols = phonemes(pronunciation)
        return pronunciation if symbols is None else f"[word](/{symbols}/)"

    text = _LINK.sub(r"\1", text)
    return re.sub(rf"(?<!\w)(?:{words})(?![^\W_])", said, text, flags=re.IGNORECASE)


def _stressed(word: str) -> str:
    """Translate a word of IPA, and move each stress mark to its vowel."""
    symbols = _IPA_PARTS.sub(lambda part: _IPA[part[0]], word)
    mark, moved = "", ""
    for symbol in symbols:
        if symbol in _STRESS:
            mark = symbol
        elif symbol in _VOWELS:
            moved, mark = moved + mark + symbol, ""
        else:
            moved += symbol
    return moved


def _from_arpabet(said: str) -> str | None:
    """Phonemes of an ARPAbet text; None if it is none: a vowel has the number of its stress."""
    found = [_ARPABET_SYMBOL.fullmatch(part) for part in said.split()]
    symbols = [match for match in found if match is not None and match[1] in _ARPABET]
    if len(symbols) < len(found) or not any(match[2] for match in symbols):
        return None
    marks = {"1": "ˈ", "2": "ˌ"}
    return "".join(
        marks.get(match[2] or "", "") + (_ARPABET.get(match[0]) or _ARPABET[match[1]])
        for match in symbols
    )


def _syllable(spelled: str, *, stressed: bool) -> str:
    """Phonemes of a syllable in English spelling."""
    spelled = _SILENT_E.sub(lambda found: _LONG[found[1]] + found[2], spelled)
    spelled = re.sub(r"([b-df-hj-np-tv-z])\1", r"\1", spelled)
    begin = ""
    if re.match("y[aeiou]", spelled):
        begin, spelled = "j", spelled[1:].replace("ew", "oo", 1)
    symbols = begin
    for part in _SPELLED.findall(spelled):
        full, _, reduced = _SPELLING[part].partition("|")
        chosen = full if stressed else (reduced or full)
        symbols += f"ˈ{chosen}" if stressed and chosen[0] in _VOWELS else chosen
    return symbols


def _checked(symbols: str, pronunciation: str) -> str:
    if unknown := sorted(set(symbols) - _VOWELS - _CONSONANTS - {*_STRESS, " "}):
        raise ValueError(
            f"the pronunciation {pronunciation!r} has {' '.join(unknown)}, which is no sound of "
            "the English voice: write IPA of English"
        )
    if not _VOWELS & set(symbols):
        raise ValueError(f"the pronunciation {pronunciation!r} has no vowel: add one")
    return symbols
