"""Text normalisation: written forms as the words that are spoken.

The speech package reads numbers, ordinals, times, most dates, amounts and units. These rules come
before its own, for what it reads wrongly: telephone numbers, links, abbreviations, versions, code.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

__all__ = ["normalise"]

_DIGITS: Final = "zero one two three four five six seven eight nine".split()  # noqa: SIM905
_MONTHS: Final = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)
_NUMBER: Final = r"\d+(?:,\d{3})*(?:\.\d+)?"
_SMALL: Final = r"\d{1,4}(?:\.\d+)?"
#: Endings of host names that are said as a word; those of two letters are spelled.
_ENDINGS: Final = "com|org|net|edu|gov|info|dev|app|cloud|io|ai|co|uk|us|eu|de|fr|es|pt|it|nl|ch|at"
_SCALES: Final = MappingProxyType(
    {"k": "thousand", "m": "million", "mn": "million", "b": "billion", "bn": "billion",
     "tn": "trillion"}
)  # fmt: skip
_CURRENCIES: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "$": ("dollar", "dollars"),
        "£": ("pound", "pounds"),
        "€": ("euro", "euros"),
        "¥": ("yen", "yen"),
        "USD": ("US dollar", "US dollars"),
        "EUR": ("euro", "euros"),
        "GBP": ("pound", "pounds"),
        "JPY": ("yen", "yen"),
        "CHF": ("Swiss franc", "Swiss francs"),
        "CAD": ("Canadian dollar", "Canadian dollars"),
        "AUD": ("Australian dollar", "Australian dollars"),
        "BRL": ("Brazilian real", "Brazilian reais"),
        "INR": ("Indian rupee", "Indian rupees"),
        "CNY": ("yuan", "yuan"),
        "SEK": ("Swedish krona", "Swedish kronor"),
        "NOK": ("Norwegian krone", "Norwegian kroner"),
        "DKK": ("Danish krone", "Danish kroner"),
        "PLN": ("zloty", "zloty"),
    }
)
_SIGNS: Final = r"[$£€¥]"
_CODES: Final = "|".join(code for code in _CURRENCIES if code.isalpha())
#: Units that the speech package does not know, one and several of them.
_UNITS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "m²": ("square meter", "square meters"),
        "km²": ("square kilometer", "square kilometers"),
        "m³": ("cubic meter", "cubic meters"),
        "m/s": ("meter per second", "meters per second"),
        "MB/s": ("megabyte per second", "megabytes per second"),
        "GB/s": ("gigabyte per second", "gigabytes per second"),
        "kB/s": ("kilobyte per second", "kilobytes per second"),
        "Gbit/s": ("gigabit per second", "gigabits per second"),
        "Mbit/s": ("megabit per second", "megabits per second"),
        "GiB": ("gibibyte", "gibibytes"),
        "MiB": ("mebibyte", "mebibytes"),
        "KiB": ("kibibyte", "kibibytes"),
        "\u03bcs": ("microsecond", "microseconds"),
        "µs": ("microsecond", "microseconds"),
        "ns": ("nanosecond", "nanoseconds"),
        "px": ("pixel", "pixels"),
        "dB": ("decibel", "decibels"),
        "dpi": ("dot per inch", "dots per inch"),
        "kcal": ("kilocalorie", "kilocalories"),
        "g": ("gram", "grams"),
        "l": ("liter", "liters"),
        "L": ("liter", "liters"),
        "m": ("meter", "meters"),
        "s": ("second", "seconds"),
        "h": ("hour", "hours"),
        "t": ("ton", "tons"),
        "V": ("volt", "volts"),
        "W": ("watt", "watts"),
        "%": ("percent", "percent"),
    }
)
#: Units that could be part of another word: a space must be before them.
_SPACED: Final = "g|l|L|m|s|h|t|V|W"
_GLUED: Final = "|".join(
    re.escape(unit)
    for unit in sorted(_UNITS, key=len, reverse=True)
    if unit not in _SPACED.split("|")
)
_PER: Final = MappingProxyType(
    {"s": "second", "sec": "second", "min": "minute", "h": "hour", "hr": "hour", "mo": "month"}
)


def normalise(text: str) -> str:
    """Return the text with the words that the speech package would not find."""
    for pattern, spoken in _RULES:
        text = pattern.sub(spoken, text)
    return text


def _digits(text: str) -> str:
    """Digit by digit, with a pause between the groups: "415-555" -> "four one five, five ..."."""
    groups = re.findall(r"\d+", text)
    return ", ".join(" ".join(_DIGITS[int(digit)] for digit in group) for group in groups)


def _telephone(found: re.Match[str]) -> str:
    return f"{'plus ' if found[0].startswith('+') else ''}{_digits(found[0])}"


def _area_code(found: re.Match[str]) -> str:
    """Telephone number with a leading zero; a date such as 03/05/2026 has fewer digits."""
    return _telephone(found) if len(re.findall(r"\d", found[0])) >= 9 else found[0]


def _label(label: str) -> str:
    """Part of a host name or a path."""
    return " dash ".join(part for part in re.split(r"[-_]+", label) if part)


def _host(host: str) -> str:
    *labels, ending = [label for label in host.split(".") if label]
    said = " ".join(ending.upper()) if len(ending) == 2 and ending.isalpha() else ending
    return " dot ".join([*(_label(label) for label in labels), said])


def _link(found: re.Match[str]) -> str:
    """Say host and path of a link; the scheme, "www." and the query are left out."""
    address = found[0]
    whole = address.rstrip(".,;:!?)")
    tail = address.removeprefix(whole)
    bare = whole.split("?")[0].split("#")[0]
    host, *path = re.sub(r"^(?:https?://)?(?:www\.)?", "", bare, flags=re.IGNORECASE).split("/")
    name, _, port = host.partition(":")
    if not name.strip("."):  # a scheme alone
        return address
    said = [_host(name) + (f" port {port}" if port else "")]
    said += [" dot ".join(_label(p) for p in part.split(".") if p) for part in path if part]
    return " slash ".join(said) + tail


def _mail(found: re.Match[str]) -> str:
    name = " dot ".join(_label(part) for part in found[1].split(".")).replace("+", " plus ")
    return f"{name} at {_host(found[2])}"


def _date(found: re.Match[str]) -> str:
    day, month, year = found.groups()
    if not (1 <= int(month) <= 12 and 1 <= int(day) <= 31):
        return found[0]
    return f"{int(day)} {_MONTHS[int(month) - 1]} {year}"


def _points(found: re.Match[str]) -> str:
    parts = found[2].split(".")
    joint = " dot " if len(parts) == 4 and not found[1] else " point "
    return ("version " if found[1] else "") + joint.join(parts)


def _amount(number: str, scale: str | None, currency: str) -> str:
    one, many = _CURRENCIES[currency]
    if scale:
        return f"{number} {_SCALES.get(scale.lower(), scale)} {many}"
    whole, _, cents = number.partition(".")
    if len(cents) == 2 and currency in "$£€":
        return f"{currency}{number}"  # the speech package says dollars and cents
    return f"{whole}{f'.{cents}' if cents else ''} {one if number == '1' else many}"


def _unit(found: re.Match[str]) -> str:
    one, many = _UNITS[found[2]]
    return f"{found[1]} {one if found[1] == '1' else many}"


def _latin(words: str) -> Callable[[re.Match[str]], str]:
    """Replace an abbreviation; its last point stays where a sentence ends."""

    def spoken(found: re.Match[str]) -> str:
        rest = found.string[found.end() :]
        return words + ("." if re.match(r"\s*$|\s+[A-Z]", rest) and words == "et cetera" else "")

    return spoken


_DOMAIN: Final = rf"(?:[a-z0-9-]{{2,63}}\.){{1,8}}(?:{_ENDINGS})\b"
_SCALE: Final = r"(?:\s?(k|K|m|M|mn|b|B|bn|tn|thousand|million|billion|trillion)\b)?"
_RULES: Final[tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...]] = (
    (re.compile(r"(?<![\w.+-])([\w.+-]{1,64})@((?:[\w-]+\.)+[A-Za-z]{2,})\b"), _mail),
    (re.compile(r"\bhttps?://[^\s<>\"]+", re.IGNORECASE), _link),
    (re.compile(r"\bwww\.[^\s<>\"]+", re.IGNORECASE), _link),
    (re.compile(rf"(?<![\w-]){_DOMAIN}(?:/[^\s<>\"]*)?"), _link),
    (re.compile(r"\b[eE]\.\s?g\.,?"), _latin("for example")),
    (re.compile(r"\b[iI]\.\s?e\.,?"), _latin("that is")),
    (re.compile(r"\betc\."), _latin("et cetera")),
    # telephone numbers: international, of the USA, with an area code, with a leading zero
    (re.compile(r"(?<![\w+])\+\d{1,3}(?:[ .\-/]?\(?\d{1,4}\)?){2,6}(?![\w%])"), _telephone),
    (re.compile(r"(?<![\w.\-])(?:1[ .\-])?\(\d{3}\)[ .\-]?\d{3}[ .\-]\d{4}(?![\w\-])"), _telephone),
    (re.compile(r"(?<![\w.\-])(?:1[ .\-])?\d{3}([ .\-])\d{3}\1\d{4}(?![\w\-])"), _telephone),
    (re.compile(r"(?<![\w.,:/\-])\(?0\d{1,4}\)?(?:[ \-/]\d{2,8}){1,4}(?![\w\-])"), _area_code),
    (re.compile(r"(?<=[Cc]all )(?:911|112|999|110|101|116 ?\d{3})\b"), _telephone),
    (re.compile(r"(?<=[Dd]ial )\d{3,6}\b"), _telephone),
    # numbers of cards and accounts, and those with leading zeros
    (re.compile(r"(?<![\w.,])\d{4}(?:[ \-]\d{4}){2,4}(?![\w])"), _telephone),
    (re.compile(r"(?<![\w.,:/$£€\-])(?:0\d+|\d{10,})(?![.,:/\-]?\d|[\w/%])"), _telephone),
    (re.compile(r"(\d{4}-\d{2}-\d{2})T(?=\d{2}:\d{2})"), r"\1 at "),
    (re.compile(r"\b(\d{1,2})\.(\d{1,2})\.(\d{4})\b"), _date),
    (re.compile(r"(?<![\w.])([vV])?(\d+(?:\.\d+){2,3})(?![\w])"), _points),
    (re.compile(r"(?<![\w.])([vV])(\d+(?:\.\d+)?)(?![\w])"), _points),
    # money
    (re.compile(rf"(?<!\w)[-\u2212](?={_SIGNS}\d)"), "minus "),
    (re.compile(rf"({_SIGNS})\s?({_NUMBER})\s?[-\u2013]\s?\1?({_NUMBER})"),
     lambda found: f"{found[2]} to {_amount(found[3], None, found[1])}"),
    (re.compile(rf"{_SIGNS}\s?({_NUMBER}){_SCALE}\s({_CODES})\b"),
     lambda found: _amount(found[1], found[2], found[3])),
    (re.compile(rf"({_SIGNS})\s?({_NUMBER}){_SCALE}(?!\w)"),
     lambda found: _amount(found[2], found[3], found[1])),
    (re.compile(rf"(?<![\w.])({_NUMBER}){_SCALE}\s?({_SIGNS}|(?:{_CODES})\b)"),
     lambda found: _amount(found[1], found[2], found[3])),
    (re.compile(rf"\b({_CODES})\s?({_NUMBER}){_SCALE}(?!\w)"),
     lambda found: _amount(found[2], found[3], found[1])),
    # numbers with units
    (re.compile(r"(?<![\w.,)])[-\u2212](?=\d)"), "minus "),
    (re.compile(rf"(?<![\w.\-])({_SMALL})\s?[-\u2013]\s?(?={_SMALL}\s?(?:%|°|[a-zA-Zµμ]{{1,4}}\b))"),
     r"\1 to "),
    (re.compile(rf"(?<![\w.])({_NUMBER})\s?({_GLUED})(?![\w²³/])"), _unit),
    (re.compile(rf"(?<![\w.])({_NUMBER})\s({_SPACED})(?![\w²³/'\u2019])"), _unit),
    (re.compile(r"(?<=[\w%])/(s|sec|min|h|hr|mo|second|minute|hour|day|week|month|year|user)\b"),
     lambda found: f" per {_PER.get(found[1], found[1])}"),
    (re.compile(r"\b24/7\b"), "24 7"),
    (re.compile(r"\b(\d+) (?=[1-9]/[2-9]\b)"), r"\1 and "),
    (re.compile(r"(?<=\d)x\b"), " times"),
    # code
    (re.compile(r"\b([A-Z])\+\+(?!\w)"), r"\1 plus plus"),
    (re.compile(r"\b([A-Z])#(?!\w)"), r"\1 sharp"),
    (re.compile(r"(?<![\w-])--(?=[a-z])"), "dash dash "),
    (re.compile(r"(?<=\w)\(\)"), ""),
    (re.compile(r"(?<=\w)(?:::|->)(?=\w)"), " "),
    (re.compile(r"(?<=[A-Z])/(?=\d)"), " "),
    (re.compile(r"(?<=[A-Za-z]{2})\.(?=[a-z]{2}|[A-Z]{2}|[a-z]\b)"), " dot "),
    (re.compile(r"(?<![\w.])\.(?=[a-z]{2,})"), "dot "),
)  # fmt: skip
