"""The command line's app: every command, and what is said about all of them."""

from __future__ import annotations

from importlib.metadata import version as installed_version
from typing import Annotated

import typer

from . import (
    checks,
    consents,
    databases,
    erasing,
    prices,
    serving,
    speaking,
    training,
    webhooks,
    working,
)
from .failures import MEANINGS

__all__ = ["app"]

_EPILOG = "\n\n".join(
    ["Exit codes:", *(f"* {code}: {meaning}" for code, meaning in MEANINGS.items())]
)

app = typer.Typer(
    name="avatarkit",
    epilog=_EPILOG,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(installed_version("avatarkit-sdk"))
        raise typer.Exit


@app.callback()
def _about(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Talking AI twins: train an avatar with a cloned voice, and make it speak."""
    del version  # its callback has done it all


for _room in (
    speaking,
    training,
    working,
    serving,
    databases,
    consents,
    erasing,
    webhooks,
    prices,
    checks,
):
    _room.register(app)
