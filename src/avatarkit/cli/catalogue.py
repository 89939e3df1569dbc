"""``avatarkit avatars``, ``voices`` and ``templates``: what exists at a provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from .session import Panel, Session, command

if TYPE_CHECKING:
    from ..interfaces import CatalogueEntry, CatalogueKind
    from ..kit import CataloguePage

Provider = Annotated[
    str | None, typer.Argument(metavar="PROVIDER", help="Provider, such as heygen.")
]
Query = Annotated[str | None, typer.Option(metavar="TEXT", help="Part of the name.")]
Own = Annotated[
    bool | None, typer.Option("--own/--stock", help="Made by this account, or the vendor's stock.")
]
Spoken = Annotated[str | None, typer.Option("--language", help='Language tag, such as "en".')]
Gender = Annotated[str | None, typer.Option(metavar="WORD", help="Such as female or male.")]
Cursor = Annotated[
    str | None, typer.Option(metavar="CURSOR", help="Continue after an earlier page.")
]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="Maximum number of entries.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    command(app, "avatars", Panel.MAKE)(_avatars)
    command(app, "voices", Panel.MAKE)(_voices)
    command(app, "templates", Panel.MAKE)(_templates)


async def _avatars(
    session: Session,
    provider: Provider = None,
    *,
    query: Query = None,
    own: Own = None,
    language: Spoken = None,
    gender: Gender = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> None:
    """List the avatars that exist at a provider, stock and own.

    Example: `avatarkit avatars heygen --stock --gender female`
    """
    name = provider or _asked("avatar")
    async with session.kit(worker=False) as kit:
        page = await kit.catalogue.avatars(
            name,
            query=query,
            own=own,
            language=language,
            gender=gender,
            cursor=cursor,
            limit=limit,
        )
    _show(session, "avatars", name, page)


async def _voices(
    session: Session,
    provider: Provider = None,
    *,
    query: Query = None,
    own: Own = None,
    language: Spoken = None,
    gender: Gender = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> None:
    """List the voices that exist at a provider, stock and own.

    Example: `avatarkit voices elevenlabs --language es`
    """
    name = provider or _asked("voice")
    async with session.kit(worker=False) as kit:
        page = await kit.catalogue.voices(
            name,
            query=query,
            own=own,
            language=language,
            gender=gender,
            cursor=cursor,
            limit=limit,
        )
    _show(session, "voices", name, page)


async def _templates(
    session: Session,
    provider: Provider = None,
    template_id: Annotated[
        str | None, typer.Argument(metavar="ID", help="One template, with its variables.")
    ] = None,
    *,
    query: Query = None,
    own: Own = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> None:
    """List the templates that exist at a provider; of one, its variables.

    Example: `avatarkit templates heygen $TEMPLATE`
    """
    name = provider or _asked("template")
    async with session.kit(worker=False) as kit:
        if template_id is not None:
            found = await kit.catalogue.template(name, template_id)
            session.out.table(
                found.model_dump(mode="json"),
                ("kind", "variable"),
                [(variable.kind, variable.name) for variable in found.variables],
                empty=f"{found.name or found.id} has no variables",
            )
            return
        page = await kit.catalogue.templates(name, query=query, own=own, cursor=cursor, limit=limit)
    _show(session, "templates", name, page)


def _asked(kind: CatalogueKind) -> NoReturn:
    """Name the providers that have a list of a kind; raises ``BadParameter``."""
    from ..stacks.registry import usable

    found = (n for n, cls in usable().items() if kind in getattr(cls, "catalogue_kinds", ()))
    raise typer.BadParameter(
        f"name a provider that lists {kind}s: {', '.join(sorted(found))}", param_hint="PROVIDER"
    )


def _show(session: Session, kind: str, provider: str, page: CataloguePage) -> None:
    session.out.table(
        {
            kind: [entry.model_dump(mode="json") for entry in page.entries],
            "cursor": page.cursor,
            "age": page.age,
        },
        ("id", "name", "owner", "gender", "languages", "can", "preview"),
        [_row(entry) for entry in page.entries],
        empty=f"{provider} has no such {kind}",
    )
    if page.cursor is not None:
        session.out.hint(
            f"for more: {session.out.command(kind, provider, '--cursor', page.cursor)}"
        )


def _row(entry: CatalogueEntry) -> tuple[str, ...]:
    owner = {True: "own", False: "stock", None: "-"}[entry.own]
    can = (*entry.capabilities, *entry.engines)
    preview = next(iter(entry.previews.values()), "-")
    words = (entry.gender or "-", " ".join(entry.languages) or "-", " ".join(can) or "-")
    return (entry.id, entry.name, owner, *words, preview)
