"""Commands that look at the installation: which providers there are, and what is wrong."""

from __future__ import annotations

import contextlib
import platform
import secrets
import tempfile
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import anyio
import typer

from .failures import Ended, ended
from .session import Session, command

if TYPE_CHECKING:
    from ..config.settings import Settings
    from ..intake.preflight import Finding
    from ..interfaces import Sunset
    from ..stacks.registry import Row, StackRow

__all__ = ["register"]

#: What each extra is known by: a module that it brings.
_EXTRAS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "local": ("hibari", "onnxruntime", "numpy", "PIL", "av"),
        "media": ("av", "numpy"),
        "postgres": ("psycopg", "psycopg_pool"),
        "s3": ("obstore",),
        "otel": ("opentelemetry",),
        "plot": ("matplotlib",),
        "c2pa": ("c2pa",),
        "cli": ("typer", "rich"),
        "coqui": ("TTS", "torch", "torchaudio", "six"),
    }
)


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    command(app, "providers")(_providers)
    command(app, "doctor")(_doctor)


async def _providers(
    session: Session,
    *,
    stacks: Annotated[
        bool, typer.Option("--stacks", help="Show who can work together, and how.")
    ] = False,
    env: Annotated[
        bool, typer.Option("--env", help="Show the variables of each, and which are set.")
    ] = False,
) -> None:
    """List the providers, and whether each can be used."""
    if stacks:
        _show_stacks(session)
    if env:
        _show_variables(session)
    if not (stacks or env):
        _show_providers(session)


def _show_providers(session: Session) -> None:
    from ..stacks.registry import listing

    documents = [_provider_shape(row) for row in listing()]
    session.out.table(
        {"providers": documents},
        ("name", "roles", "extra", "state", "key"),
        [
            (
                d["name"],
                ", ".join(d["roles"]) or "-",
                d["extra"] or "-",
                d["problem"] or "ok",
                d["key"] or "-",
            )
            for d in documents
        ],
    )


def _show_stacks(session: Session) -> None:
    from ..models import Operation
    from ..stacks.registry import stacks

    rows = stacks()
    session.out.table(
        {"stacks": [_stack_shape(row) for row in rows]},
        ("stack", *Operation, "how a script becomes a talking video"),
        [
            (
                row.stack,
                *(row.roles.get(operation, "-") for operation in Operation),
                f"impossible: {row.problem}" if row.problem else row.how,
            )
            for row in rows
        ],
    )


def _stack_shape(row: StackRow) -> dict[str, Any]:
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
    """What each provider reads from the environment, without any value."""
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
    """The providers whose keys it can be given."""
    return sorted(provider.capabilities.speaks_voices_of)


def _read_by(provider: Any) -> dict[str, bool]:
    """The settings that a provider reads from the environment, and whether it needs them."""
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


def _provider_shape(row: Row) -> dict[str, Any]:
    from ..errors import ConfigError
    from ..stacks.registry import load

    shape: dict[str, Any] = {
        "name": row.name,
        "origin": row.origin,
        "roles": [],
        "extra": row.extra,
        "ok": row.error is None,
        "problem": str(row.error) if row.error else None,
        "key": None,
    }
    if row.error is not None:
        return shape
    try:
        provider = load(row.name)
    except ConfigError as error:
        return shape | {"ok": False, "problem": str(error)}
    if closed := getattr(provider, "closed", None):
        return shape | {"ok": False, "problem": f"closed on {closed}"}
    return shape | {"roles": _roles(provider), "key": _key_variable(row.name, provider)}


def _roles(provider: type) -> list[str]:
    from ..interfaces import ROLES

    return [r.protocol.__name__ for r in ROLES.values() if issubclass(provider, r.protocol)]


def _key_variable(name: str, provider: Any) -> str | None:
    """The variable that holds the key; None where the work is done here, which needs none."""
    from ..config.settings import key_variable

    return None if provider.capabilities.runs_here else key_variable(name)


@dataclass(slots=True)
class _Check:
    """One thing that doctor looks at; without ``error`` it is fine."""

    subject: str
    detail: str = ""
    error: Ended | None = None
    warning: bool = False
    finding: Finding | None = None

    @property
    def verdict(self) -> str:
        return "wrong" if self.error else "warning" if self.warning else "ok"


async def _doctor(
    session: Session,
    samples: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="A recording to look at, or a link; may be repeated."),
    ] = None,
    balances: Annotated[
        bool, typer.Option("--balances", help="Ask the vendors what is left, which tries the keys.")
    ] = False,
) -> None:
    """Say whether everything is in place; the exit code is that of the first problem."""
    checks = [_Check("python", platform.python_version()), *_extras()]
    async with aclosing(_examined(session, samples or (), balances)) as examined:
        checks += [check async for check in examined]
    wrong = [check.error for check in checks if check.error is not None]
    session.out.table(
        {"ok": not wrong, "checks": [_check_shape(check) for check in checks]},
        ("check", "", "detail"),
        [(c.subject, c.verdict, _detail(c)) for c in checks],
    )
    if wrong:
        raise typer.Exit(wrong[0].exit_code)


def _extras() -> Iterator[_Check]:
    for extra, modules in _EXTRAS.items():
        missing = [module for module in modules if find_spec(module) is None]
        yield _Check(
            f"extra {extra}", f"not installed: {', '.join(missing)}" if missing else "installed"
        )


async def _examined(
    session: Session, samples: Sequence[str], balances: bool
) -> AsyncGenerator[_Check]:
    """Everything that may be wrong, each looked at whatever became of the others."""
    from ..config.settings import Settings

    settings = Settings.from_env()
    stack = session.stack or settings.stack
    with _checking("repository", _shown(session.repository or settings.repository)) as check:
        async with session.kit(worker=False):
            pass
    yield check
    with _checking("media", session.media or settings.media) as check:
        if "://" in check.detail:
            await _keep_in(check.detail, settings.environ)
        else:
            _write_into(Path(check.detail), "AVATARKIT_MEDIA")
    yield check
    home = session.settings().root
    with _checking("home", str(home)) as check:
        _write_into(home, "AVATARKIT_HOME")
    yield check
    with _checking("stack", stack) as check:
        names = _names(stack)
    yield check
    if check.error is not None:
        return
    for name in names:
        with _checking(f"provider {name}", "can be used") as check:
            await _construct(name, settings)
        yield check
    if balances:
        async for told in _balances(session):
            yield told
    for ending in _endings(names, settings.environ, _today()):
        yield ending
    for finding in await _findings(session, samples):
        yield finding


async def _balances(session: Session) -> AsyncGenerator[_Check]:
    """What can still be spent at each vendor that says so."""
    from .prices import balance_text

    async with session.kit(worker=False) as kit:
        left = await kit.prices.balances()
    for name, found in left.items():
        with _checking(f"balance {name}", balance_text(found)) as check:
            if isinstance(found, Exception):
                raise found
        yield check


def _shown(address: str) -> str:
    """The address without the password that it may hold."""
    scheme, found, rest = address.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}" if found else address


@contextmanager
def _checking(subject: str, detail: str) -> Iterator[_Check]:
    """Note what is raised in the block instead of raising it."""
    check = _Check(subject, detail)
    try:
        yield check
    except Exception as error:  # noqa: BLE001 - doctor looks at the next thing whatever it is
        check.error = ended(error)


async def _keep_in(address: str, environ: Mapping[str, str]) -> None:
    """Put something small into a media store, and take it away again."""
    from ..config.addresses import media_store
    from ..content.files import whole
    from ..errors import StorageError

    store, key = media_store(address, environ), f"doctor/{secrets.token_hex(8)}.txt"
    try:
        with anyio.fail_after(_STORE):
            await store.put(key, whole(b"avatarkit"), "text/plain")
            await store.delete(key)
    except TimeoutError:
        raise StorageError(
            f"{address} gives no answer: check its address and the network"
        ) from None
    finally:
        await store.aclose()


def _write_into(folder: Path, variable: str) -> None:
    from ..errors import StorageError

    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"avatarkit")
    except OSError as error:
        raise StorageError(
            f"{folder} cannot be written ({error.strerror}): choose another with {variable}"
        ) from error


def _names(stack: str) -> list[str]:
    from ..stacks.registry import Stack

    return list(dict.fromkeys(Stack.parse(stack).roles.values()))


async def _construct(name: str, settings: Settings) -> None:
    from ..stacks.registry import load

    provider = settings.make(name, load(name))
    await provider.aclose()


#: Seconds in which a media store must take something small.
_STORE = 20.0
#: How long before its end something is warned of.
_NEAR = timedelta(days=180)


def _today() -> date:
    from ..clock import SystemClock

    return datetime.fromtimestamp(SystemClock().now().wall, UTC).date()


def _endings(names: Sequence[str], environ: Mapping[str, str], today: date) -> Iterator[_Check]:
    """What vendors end, or have ended; a warning where we still need it and the end is near."""
    from ..errors import ConfigError
    from ..http.supabase_keys import TOKEN_KEYS, is_token
    from ..stacks.registry import load

    for name in names:
        with contextlib.suppress(ConfigError):
            for sunset in getattr(load(name), "sunsets", ()):
                yield _ending(name, sunset, today)
    key = environ.get("SUPABASE_SERVICE_ROLE_KEY")
    if key and is_token(key):
        yield _ending("supabase", TOKEN_KEYS, today)


def _ending(name: str, sunset: Sunset, today: date) -> _Check:
    verb = "ended" if sunset.ends < today else "end"
    return _Check(
        f"sunset {name}",
        f"{sunset.what} {verb} on {sunset.ends}: use {sunset.instead}",
        warning=sunset.used and sunset.ends - today <= _NEAR,
    )


async def _findings(session: Session, samples: Sequence[str]) -> list[_Check]:
    """What preflight finds in the recordings: sound is a voice sample, a picture is footage."""
    if not samples:
        return []
    found: list[Finding] = []
    with _checking("samples", f"{len(samples)} looked at") as check:
        async with session.kit(worker=False) as kit:
            found = await kit.preflight(samples=samples)
    return [check, *map(_finding, found)]


def _finding(finding: Finding) -> _Check:
    from ..errors import MediaRejected

    wrong = finding.severity == "error"
    return _Check(
        f"sample {finding.subject}",
        finding.message,
        error=ended(MediaRejected(finding.message)) if wrong else None,
        warning=not wrong,
        finding=finding,
    )


def _detail(check: _Check) -> str:
    return check.error.message if check.error else check.detail


def _check_shape(check: _Check) -> dict[str, Any]:
    return {
        "check": check.subject,
        "ok": check.error is None,
        "warning": check.warning,
        "detail": _detail(check),
        **({"finding": check.finding.model_dump()} if check.finding else {}),
    }
