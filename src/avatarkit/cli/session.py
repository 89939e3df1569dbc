"""What every command shares: the common options, opening a kit, and how it ends."""

from __future__ import annotations

import functools
import inspect
import logging
import os
import sys
import traceback
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .._log import cleaned
from .failures import INTERRUPTED, Ended, ended
from .output import Output

if TYPE_CHECKING:
    from ..config.settings import Settings
    from ..kit import AvatarKit

__all__ = ["Session", "command"]

#: What a command is: it takes the session and its own parameters, and raises where it fails.
Command = Callable[..., Coroutine[Any, Any, None]]

_PANEL = "Common options"


@dataclass(frozen=True, slots=True)
class Session:
    """One run of one command."""

    out: Output
    repository: str | None
    media: str | None
    stack: str | None
    debug: bool

    def settings(self) -> Settings:
        """What the environment says, with the database that was asked for."""
        from ..config.settings import Settings

        settings = Settings.from_env()
        return settings if self.repository is None else settings.beside(self.repository)

    def kit(self, *, worker: bool, stack: str | None = None) -> AvatarKit:
        """A kit as the options say; with ``worker`` it also drives records while it is open."""
        from ..kit import AvatarKit

        return AvatarKit(
            stack or self.stack, repository=self.repository, media=self.media, worker=worker
        )

    def run(self, work: Callable[[], Coroutine[Any, Any, None]]) -> int:
        """Run a command to its end, report it, and return the exit code."""
        import anyio

        _log_to_stderr(debug=self.debug)
        try:
            anyio.run(work)
        except (typer.BadParameter, typer.Exit):
            raise
        except BrokenPipeError:
            # Whoever read has read enough; what Python flushes at its end must find no closed pipe.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        except (KeyboardInterrupt, typer.Abort):
            return self._failed(Ended("Interrupted", "interrupted", INTERRUPTED))
        except Exception as error:  # noqa: BLE001 - whatever it is, a shell gets a code and a line
            if self.debug:
                trace = "".join(traceback.format_exception(error))
                sys.stderr.write(cleaned(trace))
            return self._failed(ended(error))
        return 0

    def _failed(self, end: Ended) -> int:
        self.out.failure(end)
        return end.exit_code


def _common(
    *,
    repository: Annotated[
        str | None,
        typer.Option(
            help="Where records live, such as sqlite:///twins.db.", rich_help_panel=_PANEL
        ),
    ] = None,
    media: Annotated[
        str | None, typer.Option(help="The folder where media live.", rich_help_panel=_PANEL)
    ] = None,
    stack: Annotated[
        str | None,
        typer.Option(help="The providers to use, such as local.", rich_help_panel=_PANEL),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print JSON on stdout.", rich_help_panel=_PANEL)
    ] = False,
    debug: Annotated[
        bool,
        typer.Option("--debug", help="Show logs and tracebacks.", rich_help_panel=_PANEL),
    ] = False,
) -> Session:
    """The options that every command has."""
    same = {"--repository": repository, "--media": media}
    options = [f"{name}={value}" for name, value in same.items() if value and "@" not in value]
    return Session(
        out=Output(as_json=json, options=options),  # without an address that holds a password
        repository=repository,
        media=media,
        stack=stack,
        debug=debug,
    )


def command(app: typer.Typer, name: str) -> Callable[[Command], Command]:
    """Register an async function as a command: its first parameter becomes the common options."""

    def register(function: Command) -> Command:
        common = inspect.signature(_common, eval_str=True).parameters
        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]

        @functools.wraps(function)
        def run(**given: Any) -> None:
            session = _common(**{key: given.pop(key) for key in common})
            raise typer.Exit(session.run(lambda: function(session, **given)))

        parameters = [p.replace(kind=p.KEYWORD_ONLY) for p in (*own, *common.values())]
        # typer reads both: the order from the signature, the types from the annotations.
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {p.name: p.annotation for p in parameters}
        app.command(name)(run)
        return function

    return register


def _log_to_stderr(*, debug: bool) -> None:
    """Send avatarkit's own logs to stderr; other libraries' may hold signed links."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("avatarkit")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.DEBUG if debug else logging.WARNING)
    logger.propagate = False
