"""Languages as vendors call them: found by a tag such as "pt-BR", in a vendor's own list.

The names are those of Unicode's CLDR (``data/cldr.toml``); a vendor's file adds its own where they
differ. A language that a vendor has in one regional form alone is that form.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..errors import Unsupported
from .answers import primary_language
from .vendor_data import VendorData, vendor_data

_CLDR = vendor_data("cldr")
_REGION = re.compile("[A-Z]{2}|[0-9]{3}|HAN[ST]")
#: Region that a script of Chinese stands for.
_SCRIPTS: Mapping[str, str] = {"HANS": "CN", "HANT": "TW"}


@dataclass(frozen=True, slots=True)
class Tag:
    """A language tag, read: "pt-BR" is "pt" and "BR"."""

    language: str
    region: str | None

    @classmethod
    def of(cls, tag: str) -> Tag:
        """Read a tag; a part that is no region is left out."""
        _, *parts = re.split("[-_]", tag.upper())
        regions = (
            _SCRIPTS.get(p, p) for p in parts if re.fullmatch("[A-Z]{2}|[0-9]{3}|HAN[ST]", p)
        )
        return cls(primary_language(tag) or "", next(regions, None))

    @property
    def likely_region(self) -> str | None:
        """The region of the tag, else the one in which the language is spoken most."""
        return self.region or _CLDR.words("likely_regions").get(self.language)


def dialect(tag: str) -> str:
    """Return a tag with its region: "es-ES" for "es", for vendors that take no plain language."""
    read = Tag.of(tag)
    if "-" in tag.replace("_", "-") or read.likely_region is None:
        return tag.replace("_", "-")
    return f"{read.language}-{read.likely_region}"


def named(tag: str, names: Sequence[str], vendor: str, own: VendorData) -> str:
    """Return the vendor's name of a language: "Portuguese (Brazil)" for "pt-BR".

    One of the names themselves is kept. Raises ``Unsupported``, with the names to choose from.
    """
    same = next((name for name in names if _plain(name) == _plain(tag)), None)
    if same is not None:
        return same
    found, variants = _found(Tag.of(tag), names, own)
    if found is None:
        raise Unsupported(
            f"{vendor} does not dub into {tag!r}; it knows: {', '.join(variants or names)}"
        )
    return found


def _found(read: Tag, names: Sequence[str], own: VendorData) -> tuple[str | None, Sequence[str]]:
    """Name of a language, if there is one, and the names of its variants."""
    known = {_plain(w) for w in _words("languages", read.language, own)}
    whole = next((name for name in names if _plain(name) in known), None)
    variants = [name for name in names if _plain(name.partition(" (")[0]) in known and "(" in name]
    found = _variant(read.region, variants, own)
    if found is None and (read.region is None or len(variants) <= 1):
        found = whole or _variant(read.likely_region, variants, own) or next(iter(variants), None)
    return found or whole, variants


def _variant(region: str | None, variants: Sequence[str], own: VendorData) -> str | None:
    """The first of the names whose brackets hold the region."""
    places = [_plain(word) for word in _words("regions", region or "", own)]
    inside = ((name, _plain(name.partition(" (")[2])) for name in variants)
    return next((name for name, said in inside if any(place in said for place in places)), None)


def _words(table: str, code: str, own: VendorData) -> list[str]:
    """Names of a language or a region: the vendor's own first."""
    found = (data.words(table).get(code) for data in (own, _CLDR))
    return [word for word in found if word]


def _plain(name: str) -> str:
    """A name without accents, in lower case."""
    split = unicodedata.normalize("NFKD", name)
    return "".join(c for c in split if not unicodedata.combining(c)).casefold().strip()
