"""``kit.catalogue``: avatars, voices, templates and languages that exist at the vendors."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, cast

from .. import errors, lazily
from .._lifetime import Lifetime, while_open

with lazily():
    from .. import interfaces, models, records
    from ..intake import arguments

if TYPE_CHECKING:
    from ..interfaces import (
        CatalogueEntry,
        CatalogueFilter,
        CatalogueKind,
        CataloguePart,
        Clock,
        Language,
        ListsCatalogue,
        Provider,
        Slots,
    )
    from ..models import Operation
    from ..records import Instant
    from ..stacks.provider_pool import ProviderPool
    from ..stacks.ranking import StackSelector

T = TypeVar("T")

#: Seconds for which an answer of a vendor is used again by default.
MAX_AGE = 3600.0
#: Answers that are kept; the oldest one goes first.
_KEPT = 256
#: Pages of a vendor that are read for one page of ours; a rare wish may be found in none of them.
_MAX_READ = 20


@dataclass(frozen=True, slots=True)
class CataloguePage:
    """Page of a catalogue; ``cursor`` asks for the next one, and is None on the last."""

    entries: tuple[CatalogueEntry, ...]
    cursor: str | None
    age: float  #: seconds since the oldest of these entries was read at the vendor


@dataclass(frozen=True, slots=True)
class _Kept:
    answer: object
    at: Instant


@while_open
class KitCatalogue:
    """Browse what exists at the vendors: stock and own avatars, voices, templates and languages.

    The calls are free. Answers are kept in memory for ``max_age`` seconds, by default an hour;
    ``max_age=0`` asks the vendor. Methods raise ``Unsupported`` where a vendor lists nothing of
    the kind, and say where its ids are found.
    """

    def __init__(
        self,
        lifetime: Lifetime,
        *,
        pool: ProviderPool,
        selector: StackSelector,
        slots: Slots,
        clock: Clock,
    ) -> None:
        self._lifetime = lifetime
        self._pool = pool
        self._selector = selector
        self._slots = slots
        self._clock = clock
        self._kept: OrderedDict[tuple[object, ...], _Kept] = OrderedDict()

    async def avatars(
        self,
        provider: str,
        *,
        query: str | None = None,
        own: bool | None = None,
        language: str | None = None,
        gender: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
        max_age: float = MAX_AGE,
    ) -> CataloguePage:
        """A page of avatars, the account's own ones first where the vendor separates them.

        ``query`` is part of the name, ``own`` True for the account's own and False for stock,
        ``language`` a tag such as "en".
        """
        wanted = _wanted(query, own, language, gender)
        return await self._page(
            "avatar", provider, wanted, cursor=cursor, limit=limit, max_age=max_age
        )

    async def voices(
        self,
        provider: str,
        *,
        query: str | None = None,
        own: bool | None = None,
        language: str | None = None,
        gender: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
        max_age: float = MAX_AGE,
    ) -> CataloguePage:
        """A page of voices; the arguments are those of ``avatars``."""
        wanted = _wanted(query, own, language, gender)
        return await self._page(
            "voice", provider, wanted, cursor=cursor, limit=limit, max_age=max_age
        )

    async def templates(
        self,
        provider: str,
        *,
        query: str | None = None,
        own: bool | None = None,
        cursor: str | None = None,
        limit: int = 50,
        max_age: float = MAX_AGE,
    ) -> CataloguePage:
        """A page of templates; the arguments are those of ``avatars``."""
        wanted = _wanted(query, own, None, None)
        return await self._page(
            "template", provider, wanted, cursor=cursor, limit=limit, max_age=max_age
        )

    async def template(
        self, provider: str, template_id: str, *, max_age: float = MAX_AGE
    ) -> CatalogueEntry:
        """A template with its variables; raises ``NotFound``."""
        lister = self._lister(provider, "template")
        wanted_id = arguments.identifier("template_id", template_id)
        answer, _ = await self._asked(
            lister,
            ("template", wanted_id),
            lambda: lister.get_template(wanted_id),
            interfaces.CatalogueEntry,
            max_age,
        )
        return answer

    async def languages(
        self, role: Operation | str, provider: str | None = None, *, max_age: float = MAX_AGE
    ) -> tuple[Language, ...]:
        """The languages that a provider offers for an operation: "voice", "speech", "dub", ...

        Without ``provider``: of the stack's provider for that operation. Raises ``Unsupported``
        where the vendor tells none, because it decides by the text.
        """
        operation = arguments.one_of("role", role, models.Operation)
        if operation is None:
            raise errors.ConfigError("role is missing: name an operation, such as 'dub'")
        name = (
            self._speaker(operation) if provider is None else arguments.name("provider", provider)
        )
        found = self._pool.provider(name)
        known = found.capabilities.languages
        if isinstance(found, interfaces.ListsLanguages):
            lister = found
            answer, _ = await self._asked(
                found,
                ("languages", operation),
                lambda: lister.list_languages(operation),
                cast("type[tuple[Language, ...]]", tuple),
                max_age,
            )
            return answer
        if known is None or operation is models.Operation.DUB:
            raise errors.Unsupported(
                f"{name} tells no languages of {operation}s: it decides by the request. Its "
                "page in the documentation names them."
            )
        return tuple(interfaces.Language(id=tag) for tag in known)

    def _speaker(self, operation: Operation) -> str:
        """The stack's provider of an operation."""
        stack = self._selector.first(None)
        if operation not in stack.roles:
            raise errors.Unsupported(f"{stack.name} makes no {operation}s: name a provider")
        return stack.roles[operation]

    # -- pages --------------------------------------------------------------------------------

    async def _page(
        self,
        kind: CatalogueKind,
        provider: str,
        wanted: CatalogueFilter,
        *,
        cursor: str | None,
        limit: int,
        max_age: float,
    ) -> CataloguePage:
        """Fill a page of ours from the vendor's pages, which have their own size.

        Our cursor is the number of entries to leave out of a vendor's page, and its cursor.
        """
        lister = self._lister(provider, kind)
        limit = arguments.limit(limit)
        skip, place = _position(arguments.cursor(cursor))
        found: dict[str, CatalogueEntry] = {}
        oldest = 0.0
        for _ in range(_MAX_READ):
            part, age = await self._part(lister, kind, wanted, place, max_age)
            oldest = max(oldest, age)
            for number, entry in enumerate(part.entries[skip:], skip):
                if len(found) == limit:
                    return CataloguePage((*found.values(),), f"{number}.{place or ''}", oldest)
                found.setdefault(entry.id, entry)  # a vendor may list one twice
            skip, place = 0, part.cursor
            if place is None or len(found) == limit:
                break
        following = None if place is None else f"0.{place}"
        return CataloguePage((*found.values(),), following, oldest)

    async def _part(
        self,
        lister: ListsCatalogue,
        kind: CatalogueKind,
        wanted: CatalogueFilter,
        cursor: str | None,
        max_age: float,
    ) -> tuple[CataloguePart, float]:
        return await self._asked(
            lister,
            (kind, wanted.model_dump_json(), cursor),
            lambda: lister.list_entries(kind, wanted, cursor),
            interfaces.CataloguePart,
            max_age,
        )

    async def _asked(
        self,
        lister: object,
        key: tuple[object, ...],
        ask: Callable[[], Awaitable[object]],
        kind: type[T],
        max_age: float,
    ) -> tuple[T, float]:
        """Return the kept answer and its age, unless it is too old; else ask the vendor."""
        newest = arguments.number("max_age", max_age)
        provider = cast("Provider", lister)
        whole = (provider.name, interfaces.account_of(provider), *key)
        kept = self._kept.get(whole)
        age = None if kept is None else records.elapsed(kept.at, self._clock.now())
        if kept is not None and age is not None and (newest is None or age < newest):
            return cast("T", kept.answer), age
        async with self._slots.slot(provider):
            with interfaces.own_code(provider.name, "catalogue"):
                answer = await ask()
        if not isinstance(answer, kind):
            raise errors.BadReply(
                f"it told no {kind.__name__}", provider=provider.name, operation="catalogue"
            )
        self._kept.pop(whole, None)
        self._kept[whole] = _Kept(answer, self._clock.now())
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return answer, 0.0

    def _lister(self, provider: str, kind: CatalogueKind) -> ListsCatalogue:
        name = arguments.name("provider", provider)
        found = self._pool.provider(name)
        if not isinstance(found, interfaces.ListsCatalogue):
            raise errors.Unsupported(
                f"{name} has no list of {kind}s: take the id from its web app, then use "
                "kit.adopt(...) or kit.speak(avatar=...)."
            ).told_over_http(f"{name} has no list of {kind}s: its web app shows them")
        return found


def _wanted(query: object, own: object, language: object, gender: object) -> CatalogueFilter:
    return interfaces.CatalogueFilter(
        query=None if query is None else arguments.name("query", query),
        own=None if own is None else arguments.flag("own", own),
        language=arguments.language("language", language),
        gender=None if gender is None else arguments.name("gender", gender),
    )


def _position(cursor: str | None) -> tuple[int, str | None]:
    """Read our cursor: how many entries of a vendor's page to leave out, and its cursor."""
    if cursor is None:
        return 0, None
    skip, mark, place = cursor.partition(".")
    if not mark or not skip.isdecimal():
        raise errors.InvalidCursor(
            "cursor is not CataloguePage.cursor: begin without a cursor"
        ).told_over_http(
            "this is no cursor of this list: send the cursor of the previous page unchanged, or "
            "leave it out"
        )
    return int(skip), place or None
