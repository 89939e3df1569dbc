"""Catalogue of an adapter over HTTP: tables of the vendor's lists, read page by page.

An adapter adds ``HttpCatalogue`` to its bases and names its lists in ``listings``. Several lists of
one kind, such as the account's own voices and the vendor's, are read one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar, Literal

from ..errors import BadReply, InvalidCursor, Unsupported
from ..interfaces import (
    CatalogueEntry,
    CatalogueFilter,
    CatalogueKind,
    CataloguePart,
    ListsCatalogue,
    TemplateVariable,
)
from ..models import Operation, Template
from .answers import (
    Places,
    as_object,
    as_objects,
    id_at,
    list_at,
    number_at,
    path_segment,
    said_at,
    text_at,
    value_at,
)
from .http import HttpProvider
from .vendor_data import vendor_data

#: Operation whose key and errors a list of this kind shares.
_OPERATIONS: Mapping[CatalogueKind, Operation] = {
    "avatar": Operation.AVATAR,
    "voice": Operation.VOICE,
    "template": Operation.VIDEO,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Table of one of a vendor's lists: its path, and where the fields of its entries are.

    A ``*`` in a place stands for every element of a list: ``"languages.*.locale"``.
    """

    path: str
    query: Mapping[str, Any] = field(default_factory=dict[str, Any])
    items: Places = ("data",)
    cursor: Places = ()  #: the cursor of the next page; empty on the last page
    cursor_parameter: str = "cursor"
    more: Places = ()  #: False on the last page
    counts: bool = False  #: the cursor is the page's number, from the one in ``query`` on
    total: Places = ()  #: number of all entries, where pages are counted
    pages: Places = ()  #: number of all pages, where pages are counted
    whole: bool = False  #: the list has one page
    #: our filter -> the vendor's query parameter; other filters are applied to the page
    filters: Mapping[Literal["query", "gender", "language"], str] = field(
        default_factory=dict[Any, str]
    )
    own: bool | None = None  #: of every entry of the list
    own_at: Places = ()  #: where an entry tells it
    own_words: frozenset[str] = frozenset({"true"})  #: words of the account's own entries
    stock_mark: str = ""  #: begin of the ids of the vendor's own entries
    id: Places = ("id",)
    prefix: str = ""  #: put before the id
    name: Places = ("name",)
    gender: Places = ("gender",)
    languages: Places = ()
    previews: Mapping[str, Places] = field(default_factory=dict[str, Places])
    capabilities: Places = ()
    engines: Places = ()
    price_class: Places = ()
    voice_id: Places = ()
    variables: Places = ()  #: objects, or a mapping from names


class HttpCatalogue(HttpProvider, ListsCatalogue):
    """Base of an adapter with lists of what exists at the vendor."""

    listings: ClassVar[Mapping[CatalogueKind, tuple[Listing, ...]]]
    #: places of a kind that the vendor does not list: where a person finds the ids
    unlisted: ClassVar[Mapping[CatalogueKind, str]] = {}
    template_path: ClassVar[str] = ""  #: of one template; ``{}`` stands for its id
    template_item: ClassVar[Places] = ("data",)

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        cls.catalogue_kinds = frozenset(cls.listings)

    async def list_entries(
        self, kind: CatalogueKind, wanted: CatalogueFilter, cursor: str | None, /
    ) -> CataloguePart:
        """Fetch one page of the vendor's list, without the entries that are not wanted."""
        listings = self._listings(kind)
        number, own_cursor = _position(cursor, len(listings))
        listing = listings[number]
        following = f"{number + 1}:" if number + 1 < len(listings) else None
        if wanted.own is not None and listing.own not in {None, wanted.own}:
            return CataloguePart(entries=(), cursor=following)
        page = await self._call(
            "GET",
            listing.path,
            operation=_OPERATIONS[kind],
            query=_query(listing, wanted, own_cursor),
        )
        items = as_objects(value_at(page, *listing.items))
        found = (self._entry(kind, listing, item) for item in items)
        left = _unfiltered(listing, wanted)
        entries = tuple(entry for entry in found if entry is not None and fits(entry, left))
        after = _next(listing, page, own_cursor, len(items))
        cursor = following if after is None else f"{number}:{after}"
        return CataloguePart(entries=entries, cursor=cursor)

    async def get_template(self, template_id: str, /) -> CatalogueEntry:
        """Fetch a template with its variables; raises ``NotFound``."""
        (listing, *_) = self._listings("template")
        path = self.template_path.format(path_segment(template_id))
        raw = await self._call("GET", path, operation=Operation.VIDEO)
        told = value_at(raw, *self.template_item) if self.template_item else raw
        entry = next((self._entry("template", listing, one) for one in as_objects([told])), None)
        if entry is None:
            raise self._bad(Operation.VIDEO, "the answer names no template")
        return entry

    async def _filled(self, template: Template) -> None:
        """Raise ``Unsupported`` for a variable that the template does not have; asks the vendor."""
        known = {variable.name for variable in (await self.get_template(template.id)).variables}
        unknown = sorted({name for _, name, _ in template.values} - known)
        if unknown and known:  # a vendor that tells no variables decides itself
            raise Unsupported(
                f"the template has no variable {', '.join(unknown)}; it has: "
                f"{', '.join(sorted(known))}"
            )

    def _listings(self, kind: CatalogueKind) -> tuple[Listing, ...]:
        listings = self.listings.get(kind, ())
        if not listings:
            where = self.unlisted.get(kind, f"take the id of a {kind} from its web app")
            raise Unsupported(f"{self.name} has no list of {kind}s: {where}.")
        return listings

    def _entry(
        self, kind: CatalogueKind, listing: Listing, raw: Mapping[str, Any]
    ) -> CatalogueEntry | None:
        """Read an entry; None if it has no usable id, since nothing can be made with it."""
        try:
            own_id = id_at(raw, *listing.id)
        except BadReply:
            return None
        if own_id is None:
            return None
        links = {name: said_at(raw, *places) for name, places in listing.previews.items()}
        return CatalogueEntry(
            provider=self.name,
            kind=kind,
            id=listing.prefix + own_id,
            name=said_at(raw, *listing.name) or own_id,
            own=_owned(listing, raw, own_id),
            gender=_lower(said_at(raw, *listing.gender)),
            languages=texts_at(raw, *listing.languages),
            previews={n: link for n, link in links.items() if link and link.startswith("https://")},
            capabilities=texts_at(raw, *listing.capabilities),
            engines=texts_at(raw, *listing.engines),
            price_class=said_at(raw, *listing.price_class),
            voice_id=said_at(raw, *listing.voice_id),
            variables=tuple(_variables(value_at(raw, *listing.variables))),
        )


def texts_at(raw: Mapping[str, Any], *places: str) -> tuple[str, ...]:
    """Return every text at these places, each once; ``*`` stands for every element of a list."""
    values = (value for place in places for value in _values(raw, place.split(".")))
    texts: list[str] = []
    for value in values:
        with suppress(BadReply):
            text = text_at({"text": value}, "text")
            texts += [text] if text else []
    return tuple(dict.fromkeys(texts))


def _values(value: Any, path: list[str]) -> Iterator[Any]:
    listed = list_at({"list": value}, "list") if isinstance(value, list) else None
    if not path:
        yield from [value] if listed is None else listed
    elif path[0] == "*":
        for element in listed or ():
            yield from _values(element, path[1:])
    else:
        yield from _values(value_at({"it": value}, f"it.{path[0]}"), path[1:])


def fits(entry: CatalogueEntry, wanted: CatalogueFilter) -> bool:
    """Return True if an entry has all that is wanted of it."""
    query = (wanted.query or "").casefold()
    return (
        query in entry.name.casefold()
        and wanted.own in {None, entry.own}
        and (wanted.gender is None or _lower(wanted.gender) == entry.gender)
        and (wanted.language is None or speaks(entry.languages, wanted.language))
    )


def speaks(languages: tuple[str, ...], wanted: str) -> bool:
    """Return True if a language is among those of a vendor; regions do not matter.

    An entry that names no language fits every one: its vendor decides by the text.
    """
    return not languages or _plain(wanted) in {_plain(one) for one in languages}


def _plain(language: str) -> str:
    """Primary language of a tag, or of an English name such as "Portuguese (Brazil)"."""
    word = language.partition("(")[0].strip().casefold()
    return _codes().get(word) or word.replace("_", "-").partition("-")[0]


@cache
def _codes() -> Mapping[str, str]:
    words = vendor_data("cldr").words("languages")
    return {name.casefold(): code for code, name in words.items()}


def _lower(text: str | None) -> str | None:
    return None if text is None else text.strip().lower()


def _owned(listing: Listing, raw: Mapping[str, Any], own_id: str) -> bool | None:
    if listing.stock_mark and own_id.startswith(listing.stock_mark):
        return False
    if not listing.own_at:
        return listing.own
    value = value_at(raw, *listing.own_at)
    if "*" in listing.own_words:
        return value is not None
    return None if value is None else str(value).lower() in listing.own_words


def _variables(told: Any) -> Iterator[TemplateVariable]:
    """Read variables: a list of objects, or a mapping from names to objects or to texts."""
    for name, value in as_object(told).items():
        kind = said_at({"it": value}, "it.type", "it.variable_type", "it.kind")
        yield TemplateVariable(name=name, kind=kind or "text")
    for one in as_objects(told):
        if (own_name := said_at(one, "id", "name", "label")) is not None:
            kind = said_at(one, "type", "variable_type", "kind")
            yield TemplateVariable(name=own_name, kind=kind or "text")


def _position(cursor: str | None, count: int) -> tuple[int, str]:
    number, mark, own = (cursor or "0:").partition(":")
    if not mark or not number.isdecimal() or int(number) >= count:
        raise InvalidCursor("this cursor belongs to another list: begin without a cursor")
    return int(number), own


def _query(listing: Listing, wanted: CatalogueFilter, cursor: str) -> dict[str, Any]:
    query: dict[str, Any] = dict(listing.query)
    for name, parameter in listing.filters.items():
        query[parameter] = getattr(wanted, name)
    if cursor:
        query[listing.cursor_parameter] = cursor.partition("/")[0]
    return query


def _unfiltered(listing: Listing, wanted: CatalogueFilter) -> CatalogueFilter:
    """Return what the vendor has not filtered by itself."""
    return wanted.model_copy(update=dict.fromkeys(listing.filters))


def _next(listing: Listing, page: Mapping[str, Any], cursor: str, count: int) -> str | None:
    """Return the cursor of the list's next page; None after the last one."""
    more = value_at(page, *listing.more) if listing.more else None
    if listing.whole or not count or more is False:
        return None
    if not listing.counts:
        return said_at(page, *listing.cursor)
    number, _, before = cursor.partition("/")
    first = int(listing.query[listing.cursor_parameter])
    reached, seen = int(number or first) + 1, int(before or 0) + count
    for total, done in ((listing.total, seen), (listing.pages, reached - first)):
        end = number_at(page, *total) if total else None
        if end is not None and done >= end:
            return None
    return f"{reached}/{seen}"
