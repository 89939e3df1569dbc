"""Commands about webhooks: what came in, applying it once more, and registering the inbox."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .._log import cleaned
from ..errors import ConfigError, Unsupported
from .session import Session, command

if TYPE_CHECKING:
    from ..interfaces import LogEntry

__all__ = ["register"]

_EVENT = Annotated[
    str, typer.Argument(metavar="EVENT", help="PROVIDER:ID, as `webhooks list` names it.")
]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    group = typer.Typer(no_args_is_help=True, help="What vendors told, and where they tell it.")
    command(group, "list")(_list)
    command(group, "show")(_show)
    command(group, "replay")(_replay)
    command(group, "register")(_register)
    app.add_typer(group, name="webhooks")


async def _list(
    session: Session,
    *,
    provider: Annotated[str | None, typer.Option(help="Only of this provider.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="At most so many.")] = 50,
) -> None:
    """List deliveries, newest first."""
    async with session.kit(worker=False) as kit:
        page = await kit.webhooks.list(provider=provider, limit=limit)
    session.out.table(
        {"deliveries": [_shape(entry) for entry in page.entries]},
        ("event", "type", "outcome", "of", "received"),
        [_row(entry) for entry in page.entries],
    )


async def _show(session: Session, event: _EVENT) -> None:
    """Show one delivery with what it said; links without their signatures."""
    async with session.kit(worker=False) as kit:
        entry = await kit.webhooks.get(*_named(event))
    payload = cleaned(entry.payload.decode(errors="replace"))
    session.out.result(_shape(entry) | {"payload": payload}, "\t".join(_row(entry)), payload)


async def _replay(session: Session, event: _EVENT) -> None:
    """Apply a delivery once more, which is harmless."""
    async with session.kit(worker=False) as kit:
        entry = await kit.webhooks.replay(*_named(event))
    session.out.result(_shape(entry), "\t".join(_row(entry)))


async def _register(
    session: Session,
    provider: Annotated[str, typer.Argument(help="Such as heygen.")],
    *,
    show_address: Annotated[
        bool, typer.Option("--show-address", help="Only print the address, which holds a secret.")
    ] = False,
) -> None:
    """Have a provider report to AVATARKIT_PUBLIC_URL, signed; its secret is told this once.

    With --show-address nothing is registered: register that on the provider's own page.
    """
    from ..config.settings import variables

    inboxes = session.settings().called_at
    if inboxes is None:
        raise ConfigError(
            "set AVATARKIT_PUBLIC_URL, under which `avatarkit serve` is reached, and "
            "AVATARKIT_WEBHOOK_SECRET, 16 random characters or more, where the server did not make "
            "one here"
        )
    address = inboxes.address(provider)
    if show_address:
        session.out.result({"address": address}, address)
        return
    variable = variables(provider)["webhook_secrets"][0]
    async with session.kit(worker=False) as kit:
        told = await kit.webhooks.register(provider, address)
    if told is None:
        raise Unsupported(
            f"{provider} has no webhooks to register: where it calls back, it is told the address "
            "with each request, and else it is polled"
        )
    secret = told.secret.get_secret_value()
    session.out.result({"id": told.id, variable: secret}, f"{variable}={secret}")
    session.out.hint(f"{provider} reports to {cleaned(address)}; its secret is not told again")


def _named(event: str) -> tuple[str, str]:
    provider, found, event_id = event.partition(":")
    if not found:
        raise ConfigError(f"{event!r} is no delivery: use PROVIDER:ID, as `webhooks list` does")
    return provider, event_id


def _shape(entry: LogEntry) -> dict[str, Any]:
    return {
        "event": f"{entry.provider}:{entry.event_id}",
        "event_type": entry.event_type,
        "signed": entry.signed,
        "outcome": entry.outcome,
        "record_id": entry.record_id,
        "received_at": entry.received_at,
    }


def _row(entry: LogEntry) -> tuple[str, ...]:
    at = datetime.fromtimestamp(entry.received_at, UTC).isoformat(" ", "seconds")
    event = f"{entry.provider}:{entry.event_id}"
    return (event, entry.event_type, entry.outcome, entry.record_id or "-", at)
