"""Interface of a vendor's catalogue: the avatars, voices and templates that exist there.

Optional: a provider without a catalogue does not inherit ``ListsCatalogue``, and ``kit.catalogue``
raises ``Unsupported`` for it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Literal, Protocol, runtime_checkable

from pydantic import Field

from ..errors import BadReply
from ..models import Model, Operation

__all__ = [
    "CatalogueEntry",
    "CatalogueFilter",
    "CatalogueKind",
    "CataloguePart",
    "Language",
    "ListsCatalogue",
    "ListsLanguages",
    "TemplateVariable",
]

#: Kinds of entries.
CatalogueKind = Literal["avatar", "voice", "template"]


class TemplateVariable(Model):
    """Variable of a template: its name, and the vendor's word for its type."""

    invalid = BadReply

    name: str
    kind: str = "text"  #: such as "text", "image", "video", "audio", "character" or "voice"


class CatalogueEntry(Model):
    """Avatar, voice or template that exists at a provider.

    ``id`` is what ``kit.adopt`` and ``kit.speak`` take; both take the entry itself as well. Words
    such as ``price_class`` and those of ``capabilities`` are the vendor's own.
    """

    invalid = BadReply

    provider: str
    kind: CatalogueKind
    id: str
    name: str = ""
    own: bool | None = None  #: made by this account; False: the vendor's stock; None: not told
    gender: str | None = None
    languages: tuple[str, ...] = ()  #: as the vendor writes them: "en", "en-US" or "English"
    #: "image", "video" or "audio" -> link, often signed and short-lived
    previews: Mapping[str, str] = Field(default_factory=dict, repr=False)
    capabilities: tuple[str, ...] = ()  #: such as "photo_avatar" or "professional"
    engines: tuple[str, ...] = ()  #: engines or models that can use it
    price_class: str | None = None  #: such as "premium"; None: not told
    voice_id: str | None = None  #: usual voice of an avatar
    variables: tuple[TemplateVariable, ...] = ()  #: of a template, as far as its list tells them


class CatalogueFilter(Model):
    """Wanted entries; None for what does not matter."""

    query: str | None = None  #: part of the name
    own: bool | None = None
    language: str | None = None  #: a tag such as "en"
    gender: str | None = None


class CataloguePart(Model):
    """Entries of one page of a vendor's list, and the cursor of the next page."""

    invalid = BadReply

    entries: tuple[CatalogueEntry, ...]
    cursor: str | None = None  #: None: this was the last page


class Language(Model):
    """Language that a provider offers for an operation, as the vendor writes it."""

    invalid = BadReply

    id: str  #: what a request may name: "es", "es-ES" or "Spanish (Spain)"
    name: str = ""


@runtime_checkable
class ListsCatalogue(Protocol):
    """Provider with lists of avatars, voices or templates; the calls are free."""

    catalogue_kinds: ClassVar[frozenset[CatalogueKind]]

    @abstractmethod
    async def list_entries(
        self, kind: CatalogueKind, wanted: CatalogueFilter, cursor: str | None, /
    ) -> CataloguePart:
        """Fetch one page of the vendor's list, without the entries that are not wanted.

        A page may be empty and yet have a cursor. Raises ``Unsupported`` for a kind that the
        vendor does not list, and says where its ids are found.
        """

    @abstractmethod
    async def get_template(self, template_id: str, /) -> CatalogueEntry:
        """Fetch a template with its variables; raises ``NotFound`` or ``Unsupported``."""


@runtime_checkable
class ListsLanguages(Protocol):
    """Provider that tells the languages of an operation by a free call."""

    @abstractmethod
    async def list_languages(self, operation: Operation, /) -> tuple[Language, ...]:
        """Fetch the languages; raises ``Unsupported`` for an operation without such a list."""
