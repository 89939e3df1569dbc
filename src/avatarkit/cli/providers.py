"""``avatarkit providers``: providers, stacks and environment variables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .session import Panel, Session, command

if TYPE_CHECKING:
    from ..config.settings import Settings
    from ..stacks.registry import Row, StackRow


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    command(app, "providers", Panel.SETUP)(_providers)


async def _providers(
    session: Session,
    *,
    stacks: Annotated[
        bool, typer.Option("--stacks", help="Show which providers can be combined, and how.")
    ] = False,
    env: Annotated[
        bool, typer.Option("--env", help="Show each provider's variables and which are set.")
    ] = False,
) -> None:
    """List the providers, their operations, and which are ready: key set, packages installed.

    Example: `avatarkit providers --stacks`
    """
    if stacks:
        _show_stacks(session)
    if env:
        _show_variables(session)
    if not (stacks or env):
        _show_providers(session)


def _show_providers(session: Session) -> None:
    from ..config.settings import Settings
    from ..stacks.registry import listing

    settings = Settings.from_env()
    documents = [_provider_json(row, settings) for row in listing()]
    session.out.table(
        {"providers": [d | {"missing": [*d["missing"].values()]} for d in documents]},
        ("name", "ready", "roles", "extra", "set this"),
        [
            (
                d["name"],
                "yes" if d["ready"] else f"no: {d['problem'] or _state(d['missing'])}",
                ", ".join(d["roles"]) or "-",
                d["extra"] or "-",
                ", ".join(d["missing"].values()) or "-",
            )
            for d in documents
        ],
    )


def _state(missing: Mapping[str, str]) -> str:
    return f"no {' and no '.join(missing)}".replace("_", " ")


def _missing(name: str, provider: Any, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the settings that a provider requires and that are not set, each with its variable."""
    from ..config.settings import variables

    known = variables(name, key_env=getattr(provider, "key_env", None))
    return {
        what: known[what][0]
        for what, needed in _read_by(provider).items()
        if needed and not any(variable in environ for variable in known[what])
    }


def _show_stacks(session: Session) -> None:
    from ..models import Operation
    from ..stacks.registry import stacks

    rows = stacks()
    session.out.table(
        {"stacks": [_stack_json(row) for row in rows]},
        ("stack", *Operation, "script to video"),
        [
            (
                row.stack,
                *(row.roles.get(operation, "-") for operation in Operation),
                f"impossible: {row.problem}" if row.problem else row.how,
            )
            for row in rows
        ],
    )


def _stack_json(row: StackRow) -> dict[str, Any]:
    return {
        "stack": row.stack,
        "roles": {str(operation): name for operation, name in row.roles.items()},
        "ok": row.problem is None,
        "how": row.how or None,
        "problem": row.problem,
    }


def _show_variables(session: Session) -> None:
    from ..config.settings import Settings

    documents = list(_variables(Settings.from_env().environ))
    session.out.table(
        {"variables": documents},
        ("provider", "what", "variable", "needed", "set"),
        [
            (
                d["provider"],
                d["what"].replace("_", " "),
                " or ".join(d["names"]),
                "needed" if d["needed"] else "-",
                d["set"] or "-",
            )
            for d in documents
        ],
    )


def _variables(environ: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """List the variables that each provider reads, without their values."""
    from ..config.settings import other_key_variable, variables
    from ..stacks.registry import usable

    for name, provider in usable().items():
        known = dict(variables(name, key_env=getattr(provider, "key_env", None)))
        reads = _read_by(provider)
        for other in _others(provider):
            known[f"api_key_of_{other}"] = (other_key_variable(name, other),)
            reads[f"api_key_of_{other}"] = False
        for what, needed in reads.items():
            yield {
                "provider": name,
                "what": what,
                "names": list(known[what]),
                "needed": needed,
                "set": next((n for n in known[what] if n in environ), None),
            }


def _others(provider: Any) -> list[str]:
    """Return the providers whose keys it can use."""
    return sorted(provider.capabilities.speaks_voices_of)


def _read_by(provider: Any) -> dict[str, bool]:
    """Return the settings that a provider reads, and whether each is required."""
    from ..webhooks import Unsigned

    needs: frozenset[str] = getattr(provider, "needs", frozenset())
    keyed = hasattr(provider, "key_env")
    read = {
        "api_key": keyed,
        "client_id": "client_id" in needs,
        "base_url": hasattr(provider, "base_url"),
        "webhook_secrets": keyed and not isinstance(provider.capabilities.webhook, Unsigned),
    }
    return {what: what in needs for what, is_read in read.items() if is_read}


def _provider_json(row: Row, settings: Settings) -> dict[str, Any]:
    from ..clock import SystemClock
    from ..errors import ConfigError
    from ..stacks.registry import load

    document: dict[str, Any] = {
        "name": row.name,
        "origin": row.origin,
        "roles": [],
        "extra": row.extra,
        "ok": row.error is None,
        "ready": False,
        "problem": str(row.error) if row.error else None,
        "key": None,
        "missing": {},
    }
    if row.error is not None:
        return document
    try:
        provider = load(row.name)
    except ConfigError as error:
        return document | {"ok": False, "problem": str(error)}
    if closed := getattr(provider, "closed", None):
        return document | {"ok": False, "problem": f"closed on {closed}"}
    missing = _missing(row.name, provider, settings.environ)
    problem = None
    if not missing:  # try it: its packages may be missing, or a setting may be wrong
        try:
            settings.make(row.name, provider, clock=SystemClock())
        except ConfigError as error:
            problem = str(error)
    return document | {
        "ready": not (missing or problem),
        "problem": problem,
        "roles": _roles(provider),
        "key": _key_variable(row.name, provider),
        "missing": missing,
    }


def _roles(provider: type) -> list[str]:
    from ..interfaces import ROLES

    return [r.protocol.__name__ for r in ROLES.values() if issubclass(provider, r.protocol)]


def _key_variable(name: str, provider: Any) -> str | None:
    """Return the API key's variable; None for a provider that reads no key."""
    from ..config.settings import key_variable

    return key_variable(name) if "api_key" in _read_by(provider) else None
