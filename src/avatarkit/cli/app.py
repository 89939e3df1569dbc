"""The Typer app: all commands, grouped in panels of ``--help``."""

from __future__ import annotations

from typing import Annotated

import typer

from . import (
    catalogue,
    consent,
    db,
    demo,
    doctor,
    dub,
    erase,
    marks,
    prices,
    providers,
    records,
    serve,
    speak,
    train,
    webhooks,
    worker,
)
from .exit_codes import TABLE

_EPILOG = "\n\n".join(["Exit codes:", *(f"* {row.code}: {row.meaning}" for row in TABLE)])

app = typer.Typer(
    name="avatarkit",
    epilog=_EPILOG,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version as installed_version

        typer.echo(installed_version("avatarkit-sdk"))
        raise typer.Exit


@app.callback()
def _about(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Talking AI avatars: train an avatar with a cloned voice, and generate videos with it."""
    del version  # handled by its callback


#: In the order of ``--help``; panels appear in the order of their first command.
for _module in (
    demo,
    train,
    speak,
    dub,
    catalogue,
    records,
    serve,
    worker,
    webhooks,
    prices,
    consent,
    erase,
    marks,
    providers,
    doctor,
    db,
):
    _module.register(app)
