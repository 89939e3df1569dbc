"""``avatarkit erase``."""

from __future__ import annotations

from typing import Annotated

import typer

from .session import Panel, Session, command


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    command(app, "erase", Panel.PRIVACY)(_erase)


async def _erase(
    session: Session,
    user_id: Annotated[str, typer.Argument(metavar="USER", help="User ID.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    removed_by_hand: Annotated[
        bool,
        typer.Option(
            "--removed-by-hand",
            help="You removed at the providers what was left.",
        ),
    ] = False,
) -> None:
    """Erase a user's data at every provider, in the media store and in the database.

    Prints a receipt without personal data. Run it again to continue and to see the rest.

    Example: `avatarkit erase user-42 --yes`
    """
    if not yes:
        session.out.confirm(f"Erase everything of user {user_id} for good?", "erasing", "erased")
    async with session.kit(worker=False) as kit:
        receipt = await kit.erase(user_id, removed_by_hand=removed_by_hand)
    for left in receipt.left:
        named = f" ({', '.join(left.ids)})" if left.ids else ""
        session.out.hint(f"left at {left.where}: {left.count} {left.what}{named}: {left.why}")
    if any(left.pending for left in receipt.left):
        session.out.hint(f"continue with: {session.out.command('erase', user_id, '--yes')}")
    session.out.table(
        {**receipt.model_dump(mode="json"), "complete": receipt.complete},
        ("where", "what", "deleted"),
        [(c.where, c.what, str(c.count)) for c in receipt.deleted],
    )
