"""Commands about the database itself: making its tables, and a backup that came back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from .session import Session, command

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    group = typer.Typer(no_args_is_help=True, help="Make the tables, or bring a backup back.")
    command(group, "migrate")(_migrate)
    command(group, "export-migration")(_export_migration)
    command(group, "restored")(_restored)
    app.add_typer(group, name="db")


async def _migrate(
    session: Session,
    *,
    dsn: Annotated[
        str | None,
        typer.Option(help="postgresql://USER:PASSWORD@HOST/DATABASE; else AVATARKIT_REPOSITORY."),
    ] = None,
) -> None:
    """Make or upgrade the tables in PostgreSQL; SQLite does that by itself."""
    import anyio.to_thread

    from ..config.settings import Settings
    from ..errors import ConfigError
    from ..repositories.migrating import apply

    address = dsn or session.repository or Settings.from_env().repository
    if address.partition("://")[0] not in {"postgres", "postgresql"} and dsn is None:
        raise ConfigError(
            "name the PostgreSQL database with --dsn: SQLite makes its tables by itself, and a "
            "Supabase project is migrated with `avatarkit db export-migration`"
        )
    warnings: list[str] = []
    version = await anyio.to_thread.run_sync(apply, address, warnings.append)
    for said in warnings:
        session.out.hint(f"warning: {said}")
    session.out.result({"schema_version": version}, f"the tables are there (schema {version})")


async def _export_migration(
    session: Session,
    *,
    folder: Annotated[Path, typer.Option(help="Where the project keeps its migrations.")] = Path(
        "supabase/migrations"
    ),
) -> None:
    """Write the SQL files for `supabase db push`."""
    from ..repositories.migrating import export

    written = [str(path) for path in export(folder, datetime.now(UTC))]
    session.out.result({"files": written}, *written)
    session.out.hint("apply them with: supabase db push")


async def _restored(session: Session) -> None:
    """After an older copy of the database came back: look up what the vendors know first."""
    async with session.kit(worker=False) as kit:
        count = await kit.admin.restored()
    session.out.result({"records": count}, f"{count} unfinished will be looked up before anything")
