"""Registration of commands: common options, the kit, logging and exit codes."""

from __future__ import annotations

import functools
import inspect
import logging
import os
import signal
import sys
import traceback
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from enum import StrEnum
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .._log import LONGEST_TRACE, cleaned
from .exit_codes import INTERRUPTED, Ended, ended
from .output import Output, discard_output

if TYPE_CHECKING:
    from ..config.settings import Settings
    from ..kit import AvatarKit

#: A command: takes the session and its own parameters, raises on failure.
Command = Callable[..., Coroutine[Any, Any, None]]

_COMMON = "Common options"


class Panel(StrEnum):
    """Groups of commands in ``avatarkit --help``."""

    MAKE = "Make"
    RUN = "Run"
    MONEY = "Money"
    PRIVACY = "Privacy"
    SETUP = "Setup"


@dataclass(frozen=True, slots=True)
class Session:
    """One run of one command."""

    out: Output
    repository: str | None
    media: str | None
    stack: str | None
    debug: bool

    def settings(self) -> Settings:
        """Return the settings of the environment, with the database of ``--repository``."""
        from ..config.settings import Settings

        settings = Settings.from_env()
        return settings if self.repository is None else settings.beside(self.repository)

    def kit(
        self, *, worker: bool, stack: str | None = None, engine: str | None = None
    ) -> AvatarKit:
        """Create a kit from the options; with ``worker`` it advances records while it is open."""
        from ..kit import AvatarKit

        return AvatarKit(
            stack or self.stack,
            repository=self.repository,
            media=self.media,
            worker=worker,
            engine=engine,
        )

    def run(self, work: Callable[[], Coroutine[Any, Any, None]]) -> int:
        """Run a command to its end, report it, and return the exit code."""
        import anyio

        _log_to_stderr(debug=self.debug)
        try:
            anyio.run(self._until_interrupted, work)
        except (typer.BadParameter, typer.Exit):
            raise
        except BrokenPipeError:
            discard_output()  # the reader closed the pipe
        except (KeyboardInterrupt, typer.Abort):
            return self._failed(Ended("Interrupted", "interrupted", INTERRUPTED))
        except Exception as error:  # noqa: BLE001 - every error becomes a message and an exit code
            if self.debug:
                trace = "".join(traceback.format_exception(error))
                sys.stderr.write(cleaned(trace, LONGEST_TRACE))
            return self._failed(ended(error))
        return 0

    async def _until_interrupted(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run a command; the first Ctrl-C says what is waited for, the second ends the process.

        That is safe, as a kill is: the next worker goes on with every record.
        """
        cancel = signal.getsignal(signal.SIGINT)

        def first(number: int, frame: FrameType | None) -> None:
            signal.signal(signal.SIGINT, second)
            self.out.hint("stopping after the running calls; press Ctrl-C again to stop now")
            if callable(cancel):
                cancel(number, frame)

        def second(number: int, frame: FrameType | None) -> None:
            del number, frame
            os.write(2, b"\navatarkit: stopped; running jobs are kept\n")
            os._exit(INTERRUPTED)

        if not callable(cancel):  # ignored, as in the background of a shell
            await work()
            return
        signal.signal(signal.SIGINT, first)
        try:
            await work()
        finally:
            signal.signal(signal.SIGINT, cancel)

    def _failed(self, end: Ended) -> int:
        self.out.failure(end)
        return end.exit_code


def _common(
    *,
    repository: Annotated[
        str | None,
        typer.Option(help="Database, such as sqlite:///avatars.db.", rich_help_panel=_COMMON),
    ] = None,
    media: Annotated[
        str | None,
        typer.Option(help="Folder, s3://bucket/prefix or supabase://.", rich_help_panel=_COMMON),
    ] = None,
    stack: Annotated[
        str | None,
        typer.Option(help="Providers to use, such as elevenlabs+d-id.", rich_help_panel=_COMMON),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print JSON on stdout.", rich_help_panel=_COMMON)
    ] = False,
    debug: Annotated[
        bool,
        typer.Option("--debug", help="Show logs and tracebacks.", rich_help_panel=_COMMON),
    ] = False,
) -> Session:
    """Options of every command."""
    same = {"--repository": repository, "--media": media}
    options = [f"{name}={value}" for name, value in same.items() if value and "@" not in value]
    return Session(
        out=Output(as_json=json, options=options),  # without a DSN that contains a password
        repository=repository,
        media=media,
        stack=stack,
        debug=debug,
    )


def command(
    app: typer.Typer, name: str, panel: Panel | None = None
) -> Callable[[Command], Command]:
    """Register an async function as a command; the common options replace its first parameter."""

    def register(function: Command) -> Command:
        common = inspect.signature(_common, eval_str=True).parameters
        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]

        @functools.wraps(function)
        def run(**given: Any) -> None:
            session = _common(**{key: given.pop(key) for key in common})
            raise typer.Exit(session.run(lambda: function(session, **given)))

        parameters = [p.replace(kind=p.KEYWORD_ONLY) for p in (*own, *common.values())]
        # typer reads the order from the signature and the types from the annotations.
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {p.name: p.annotation for p in parameters}
        app.command(name, rich_help_panel=panel)(run)
        return function

    return register


def _log_to_stderr(*, debug: bool) -> None:
    """Send avatarkit's logs to stderr, but no other library's: they may contain signed links."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("avatarkit")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.DEBUG if debug else logging.WARNING)
    logger.propagate = False
