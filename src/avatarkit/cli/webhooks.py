"""``avatarkit webhooks``: list, show, replay and register deliveries and addresses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .. import lazily
from .._log import cleaned
from ..errors import ConfigError, Unsupported
from .session import Panel, Session, command

with lazily():
    from .. import json_views

if TYPE_CHECKING:
    from ..interfaces import LogEntry

_EVENT = Annotated[str, typer.Argument(metavar="EVENT", help="PROVIDER:ID, as in `webhooks list`.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    group = typer.Typer(no_args_is_help=True, help="List, replay and register webhooks.")
    command(group, "list")(_list)
    command(group, "show")(_show)
    command(group, "replay")(_replay)
    command(group, "register")(_register)
    app.add_typer(group, name="webhooks", rich_help_panel=Panel.RUN)


async def _list(
    session: Session,
    *,
    provider: Annotated[str | None, typer.Option(help="Only this provider's.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="Maximum number.")] = 50,
) -> None:
    """List webhook deliveries, newest first.

    Example: `avatarkit webhooks list --provider heygen`
    """
    async with session.kit(worker=False) as kit:
        page = await kit.webhooks.list(provider=provider, limit=limit)
    session.out.table(
        {"deliveries": [_delivery_json(entry) for entry in page.entries]},
        ("event", "type", "status", "record", "received"),
        [_row(entry) for entry in page.entries],
    )


async def _show(session: Session, event: _EVENT) -> None:
    """Show a delivery and its payload; signatures of links are removed.

    Example: `avatarkit webhooks show heygen:evt_1`
    """
    async with session.kit(worker=False) as kit:
        entry = await kit.webhooks.get(*_named(event))
    payload = json_views.readable(entry.payload)
    session.out.result(
        _delivery_json(entry) | {"payload": payload}, "\t".join(_row(entry)), payload
    )


async def _replay(session: Session, event: _EVENT) -> None:
    """Apply a delivery again; this is idempotent.

    Example: `avatarkit webhooks replay heygen:evt_1`
    """
    async with session.kit(worker=False) as kit:
        entry = await kit.webhooks.replay(*_named(event))
    session.out.result(_delivery_json(entry), "\t".join(_row(entry)))


async def _register(
    session: Session,
    provider: Annotated[str, typer.Argument(help="Provider, such as heygen.")],
    *,
    show_address: Annotated[
        bool, typer.Option("--show-address", help="Only print the address; it contains a secret.")
    ] = False,
) -> None:
    """Register AVATARKIT_PUBLIC_URL at a provider for signed webhooks; prints the signing secret.

    With --show-address nothing is registered: use it on the provider's own page.

    Example: `avatarkit webhooks register heygen`
    """
    from ..config.settings import variables

    callback = session.settings().called_at
    if callback is None:
        raise ConfigError(
            "Set AVATARKIT_PUBLIC_URL to the public URL of `avatarkit serve`, and "
            "AVATARKIT_WEBHOOK_SECRET to 16 random characters or more, unless the server runs on "
            "this machine."
        )
    if not callback.public_url.startswith("https://"):
        raise ConfigError(
            "AVATARKIT_PUBLIC_URL does not begin with https://, and vendors call no other "
            "address. Put a TLS proxy in front of the server, and set its URL."
        )
    if not _sends_webhooks(provider):
        raise Unsupported(f"{provider} sends no webhooks: avatarkit polls it. Register nothing.")
    address = callback.address(provider)
    if show_address:
        session.out.result({"address": address}, address)
        return
    variable = variables(provider)["webhook_secrets"][0]
    async with session.kit(worker=False) as kit:
        registered = await kit.webhooks.register(provider, address)
    if registered is None:
        raise Unsupported(
            f"{provider} has no webhooks to register: its requests carry the callback address, or "
            "it is polled"
        )
    secret = registered.secret.get_secret_value()
    session.out.result({"id": registered.id, variable: secret}, f"{variable}={secret}")
    session.out.hint(f"{provider} reports to {cleaned(address)}; the secret is not shown again")


def _sends_webhooks(provider: str) -> bool:
    from ..stacks.registry import load
    from ..webhooks import Registers, Unsigned

    adapter: Any = load(provider)
    can = adapter.capabilities
    return can.callback or issubclass(adapter, Registers) or not isinstance(can.webhook, Unsigned)


def _named(event: str) -> tuple[str, str]:
    provider, found, event_id = event.partition(":")
    if not found:
        raise ConfigError(f"{event!r} is not a delivery: use PROVIDER:ID, as in `webhooks list`")
    return provider, event_id


def _delivery_json(entry: LogEntry) -> dict[str, Any]:
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
