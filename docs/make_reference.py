"""Write the generated sections of the reference: configuration, CLI, errors and HTTP routes.

python docs/make_reference.py
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import typer
from sections import DOCS, filled, table, write
from variables import FOREIGN, VARIABLES, Variable

from avatarkit import errors
from avatarkit.cli.app import app
from avatarkit.cli.exit_codes import EXIT_CODES, TABLE
from avatarkit.config.settings import other_key_variable, variables
from avatarkit.server.error_answers import CLASSES, CODES
from avatarkit.server.routes import OPEN, ROUTES
from avatarkit.stacks.registry import usable
from avatarkit.webhooks import Unsigned

REFERENCE = DOCS / "reference"
_COMMON = "Common options"

#: Error -> whether a paid call may have been charged, and what the application should do.
_ADVICE: dict[type[Exception], tuple[str, str]] = {
    errors.ConfigError: ("no", "Set what the message names; the same call then works."),
    errors.InvalidCursor: ("no", "Pass the cursor of the previous page unchanged, or none."),
    errors.Unsupported: ("no", "Choose another provider, or leave out what it cannot do."),
    errors.MediaRejected: ("no", "Show the message to the user; ask for another sample or text."),
    errors.ConsentRequired: ("no", "Record the person's consent, then call again."),
    errors.BudgetExceeded: ("no", "Raise the limit, or wait for the next month."),
    errors.WebhookRejected: ("no", "Answer the request with 4xx and drop the delivery."),
    errors.Conflict: ("no", "Read the record again, then decide."),
    errors.IllegalTransition: ("no", "Read the record's status again, then decide."),
    errors.StorageError: ("no", "Free space, or wait for the database; then call again."),
    errors.ServiceDiscontinued: ("no", "Choose one of the providers that the message names."),
    errors.ProviderError: ("see its subclasses", "Catch this for every vendor error."),
    errors.AuthError: ("no", "Check the key; then answer `retry`."),
    errors.QuotaError: ("no", "Buy credits; then answer `retry`."),
    errors.PlanError: ("no", "Upgrade the plan, or free a slot; then answer `retry`."),
    errors.NotFound: ("no", "Check the ID; it may have been deleted."),
    errors.Refused: ("no", "Change the input; the same request fails again."),
    errors.ModerationRefused: ("no", "Change the content; no other provider is tried."),
    errors.RateLimited: ("no", "Nothing: avatarkit waits and tries again."),
    errors.NotOpen: (
        "no",
        "Open the kit here, with `async with` or `with`; after a fork, in each process.",
    ),
    errors.NotSent: ("no", "Nothing: avatarkit sends it again."),
    errors.Unavailable: ("no: the request was free", "Nothing: avatarkit tries again."),
    errors.Ambiguous: (
        "**yes**",
        "Do not repeat the call: avatarkit looks the job up, or asks a person.",
    ),
    errors.BadReply: (
        "**possibly**",
        "Report it, with `request_id`; look at the vendor before you repeat a paid call.",
    ),
}


def pages() -> dict[Path, str]:
    """Path and text of each page."""
    sections = {
        "configuration.md": {
            "variables": _settings(VARIABLES),
            "providers": _providers(),
            "foreign": _settings(FOREIGN),
        },
        "cli.md": {
            "common-options": _common_options(),
            "commands": _commands(),
            "exit-codes": _exit_codes(),
        },
        "errors.md": {"errors": _errors()},
        "http-api.md": {"errors": _codes(), "routes": _routes()},
    }
    return {REFERENCE / name: filled(REFERENCE / name, these) for name, these in sections.items()}


# -- configuration ------------------------------------------------------------------------------


def _settings(listed: Sequence[Variable]) -> str:
    return table(
        ("variable", "meaning", "default", "Python argument or option", "read by", "secret"),
        (
            (
                f"`{v.name}`",
                v.meaning,
                v.default,
                v.argument,
                ", ".join(v.read_by),
                "yes" if v.secret else "-",
            )
            for v in listed
        ),
    )


def _providers() -> str:
    return table(
        ("provider", "variable", "or the vendor's own", "needed", "secret"),
        (row for name, provider in usable().items() for row in _provider(name, provider)),
    )


def _provider(name: str, provider: Any) -> Iterator[tuple[str, str, str, str, str]]:
    known = variables(name, key_env=getattr(provider, "key_env", None))
    needs: frozenset[str] = getattr(provider, "needs", frozenset())
    keyed = hasattr(provider, "key_env")
    reads = {
        "api_key": keyed,
        "client_id": "client_id" in needs,
        "base_url": hasattr(provider, "base_url"),
        "webhook_secrets": keyed and not isinstance(provider.capabilities.webhook, Unsigned),
    }
    for what in (what for what, read in reads.items() if read):
        ours, *theirs = (f"`{variable}`" for variable in known[what])
        secret = "yes" if what in ("api_key", "webhook_secrets") else "-"
        needed = "yes" if what in needs else "-"
        yield _linked(name), ours, ", ".join(theirs) or "-", needed, secret
    for other in sorted(provider.capabilities.speaks_voices_of):
        yield _linked(name), f"`{other_key_variable(name, other)}`", "-", "-", "yes"


def _linked(name: str) -> str:
    return f"[{name}](../providers/{name}.md)"


# -- command line -------------------------------------------------------------------------------


def _commands() -> str:
    return "\n\n".join(_described(typer.main.get_command(app), ["avatarkit"]))


def _described(command: Any, words: list[str]) -> Iterator[str]:
    """The command, then the commands below it."""
    if not hasattr(command, "commands"):
        yield from _command(command, words)
        return
    for name, inner in command.commands.items():
        yield from _described(inner, [*words, name])


def _command(command: Any, words: list[str]) -> Iterator[str]:
    yield f"### {' '.join(words)}"
    yield "\n\n".join(" ".join(p.split()) for p in (command.help or "").split("\n\n"))
    own = [p for p in command.params if _panel(p) != _COMMON and not p.hidden]
    arguments = [p.metavar or p.name.upper() for p in own if not p.opts[0].startswith("-")]
    usage = " ".join([*words, *arguments, "[OPTIONS]"])
    yield f"```text\n{usage}\n```"
    rows = [_option(p) for p in own if p.name != "help"]
    if rows:
        yield table(("argument or option", "meaning", "default"), rows)


def _panel(parameter: Any) -> str | None:
    panel: str | None = getattr(parameter, "rich_help_panel", None)
    return panel


def _option(parameter: Any) -> tuple[str, str, str]:
    help_ = " ".join((parameter.help or "").split())
    if parameter.envvar:
        help_ = f"{help_} Environment: `{parameter.envvar}`."
    if not parameter.opts[0].startswith("-"):
        return f"`{parameter.metavar or parameter.name.upper()}`", help_, "-"
    names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    if parameter.is_flag:
        default = parameter.opts[0] if parameter.default else "-"
        return names, help_, f"`{default}`" if parameter.secondary_opts and default != "-" else "-"
    value = parameter.metavar or "VALUE"
    shown = names[:-1] + f" {value}`"
    given = parameter.default
    known = isinstance(given, str | int | float | Path) and given != ""
    return shown, help_, f"`{given}`" if known else "-"


def _common_options() -> str:
    """The options that every command takes."""
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    return table(
        ("option", "meaning", "default"),
        (_option(p) for p in commands["train"].params if _panel(p) == _COMMON),
    )


def _exit_codes() -> str:
    return table(
        ("exit code", "meaning", "errors"),
        (
            (str(row.code), row.meaning, ", ".join(f"`{e.__name__}`" for e in row.errors) or "-")
            for row in TABLE
        ),
    )


# -- errors -------------------------------------------------------------------------------------


def _errors() -> str:
    listed = [getattr(errors, name) for name in errors.__all__]
    return table(
        ("error", "raised when", "may have been charged", "what to do", "HTTP", "exit code"),
        (_error(error) for error in listed if error is not errors.AvatarKitError),
    )


def _error(error: type[Exception]) -> tuple[str, str, str, str, str, str]:
    first = inspect.cleandoc(error.__doc__ or "").partition("\n\n")[0].replace("\n", " ")
    charged, advice = _ADVICE[error]
    # The webhook endpoint answers itself, without the table of the API.
    answered = {kind: CODES[code].status for kind, (code, _) in CLASSES.items()}
    statuses = {errors.WebhookRejected: 401, **answered}
    status = next(status for kind, status in statuses.items() if issubclass(error, kind))
    code = next(EXIT_CODES[base] for base in error.__mro__ if base in EXIT_CODES)
    return f"`{error.__name__}`", first, charged, advice, str(status), str(code)


# -- HTTP ---------------------------------------------------------------------------------------


def _codes() -> str:
    rows = sorted(CODES.items(), key=lambda row: row[1].status)
    return table(
        ("status", "`type`", "`code`", "meaning", "what to do"),
        (
            (str(one.status), f"`{one.type}`", f"`{code}`", one.meaning, one.advice)
            for code, one in rows
        ),
    )


def _routes() -> str:
    return table(
        ("method", "path", "what it does", "answers"),
        (
            (r.method, f"`{r.path}`", r.summary, ", ".join(map(str, r.statuses)))
            for r in (*ROUTES, *OPEN)
        ),
    )


if __name__ == "__main__":
    write(pages())
