"""``avatarkit db``: database migrations and restored backups."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from .session import Panel, Session, command


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    group = typer.Typer(no_args_is_help=True, help="Migrate the database, or restore a backup.")
    command(group, "migrate")(_migrate)
    command(group, "export-migration")(_export_migration)
    command(group, "restored")(_restored)
    app.add_typer(group, name="db", rich_help_panel=Panel.SETUP)


async def _migrate(
    session: Session,
    *,
    dsn: Annotated[
        str | None,
        typer.Option(
            help="postgresql://USER:PASSWORD@HOST/DATABASE; by default AVATARKIT_REPOSITORY."
        ),
    ] = None,
) -> None:
    """Create or upgrade the tables in PostgreSQL; SQLite migrates automatically.

    Example: `avatarkit db migrate --dsn postgresql://app@localhost/app`
    """
    import anyio.to_thread

    from ..config.settings import Settings
    from ..errors import ConfigError
    from ..repositories.migrating import apply

    address = dsn or session.repository or Settings.from_env().repository
    if address.partition("://")[0] not in {"postgres", "postgresql"} and dsn is None:
        raise ConfigError(
            "name the PostgreSQL database with --dsn: SQLite migrates automatically, and a "
            "Supabase project is migrated with `avatarkit db export-migration`"
        )
    warnings: list[str] = []
    version = await anyio.to_thread.run_sync(apply, address, warnings.append)
    for warning in warnings:
        session.out.hint(f"warning: {warning}")
    session.out.result({"schema_version": version}, f"the tables are there (schema {version})")


async def _export_migration(
    session: Session,
    *,
    folder: Annotated[Path, typer.Option(help="The project's folder of migrations.")] = Path(
        "supabase/migrations"
    ),
) -> None:
    """Write the SQL files for `supabase db push`.

    Example: `avatarkit db export-migration --folder supabase/migrations`
    """
    from ..repositories.migrating import export

    written = [str(path) for path in export(folder, datetime.now(UTC))]
    session.out.result({"files": written}, *written)
    session.out.hint("apply them with: supabase db push")


async def _restored(session: Session) -> None:
    """Run this after you restored a backup: lost paid calls are looked up at the vendors first.

    Example: `avatarkit db restored`
    """
    async with session.kit(worker=False) as kit:
        count = await kit.admin.restored()
    session.out.result(
        {"records": count}, f"{count} unfinished records will be looked up at the vendors first"
    )
