"""Output of commands: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from ..errors import StorageError
from .exit_codes import INTERRUPTED, Ended

if TYPE_CHECKING:
    from ..records import Training, Video


class Output:
    """Writes text for people, or with ``as_json`` one JSON document per line.

    ``options`` are the options that a suggested next command needs to find the same records.
    """

    def __init__(self, *, as_json: bool, options: Sequence[str] = ()) -> None:
        self.as_json = as_json
        self._options = options
        self._aside = Console(stderr=True, highlight=False, markup=False)

    @property
    def may_ask(self) -> bool:
        """True if a person can answer a question."""
        return not self.as_json and sys.stdin.isatty() and sys.stderr.isatty()

    def command(self, *words: str) -> str:
        """Format a command to copy, with this command's common options."""
        return shlex.join(["avatarkit", *words, *self._options])

    def result(self, document: Any, *lines: str) -> None:
        """Print a result: ``document`` as JSON, else ``lines`` for people.

        Raises ``StorageError`` if stdout is a file on a full disk.
        """
        texts = (json.dumps(document, ensure_ascii=not _in_unicode()),) if self.as_json else lines
        try:
            for text in texts:
                sys.stdout.write(f"{text}\n")
            sys.stdout.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            discard_output()
            raise StorageError(f"stdout cannot be written: {error.strerror}") from error

    def line(self, text: str) -> None:
        """Print for people only; with --json it was in the last document."""
        if not self.as_json:
            self.result(None, text)

    def table(
        self,
        document: Any,
        headings: Sequence[str],
        rows: Sequence[Sequence[str]],
        *,
        empty: str = "no entries",
    ) -> None:
        """Print a table with its headings; tab-separated if stdout is not a terminal."""
        if not (rows or self.as_json):
            self.hint(empty)
        elif self.as_json or not sys.stdout.isatty():
            self.result(document, *("\t".join(row) for row in (headings, *rows)))
        else:
            self._grid(headings, rows)

    @staticmethod
    def _grid(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        table = Table(*headings, box=None, header_style="bold")
        for row in rows:
            table.add_row(*row)
        Console(markup=False, highlight=False).print(table)

    def hint(self, text: str) -> None:
        """Print a note on stderr."""
        self._aside.print(text, soft_wrap=True)

    def ask(self, question: str) -> str:
        """Ask for a line of text, which may be empty."""
        with _ctrl_c_at_once():
            return str(typer.prompt(question, default="", show_default=False, err=True))

    def confirm(self, question: str, doing: str, done: str) -> None:
        """Ask for confirmation; raise ``Ended`` for a no, ``BadParameter`` without a terminal."""
        if not self.may_ask:
            raise typer.BadParameter(f"{doing} needs --yes without a terminal")
        with _ctrl_c_at_once():
            agreed = typer.confirm(question, err=True)
        if not agreed:
            raise Ended("Interrupted", f"nothing was {done}", INTERRUPTED)

    def failure(self, error: Ended) -> None:
        """Print why the command failed."""
        self._aside.print(f"avatarkit: {error.message}", soft_wrap=True)
        if self.as_json:
            problem = {
                "type": error.kind,
                "message": error.message,
                "exit_code": error.exit_code,
            }
            self.result({"error": problem})

    @contextmanager
    def following(self, title: str) -> Generator[Callable[[Training | Video], None]]:
        """Yield a function that shows each change of a record."""
        if self.as_json:
            yield self._as_line
        elif self._aside.is_terminal:
            with self._bar() as progress:
                task = progress.add_task(title, total=100, status="")
                yield lambda record: progress.update(
                    task, completed=record.progress, status=_word(record)
                )
        else:
            yield _Steps(title, self.hint)

    def _as_line(self, record: Training | Video) -> None:
        from ..json_views import record_json

        self.result(record_json(record))

    def _bar(self) -> Progress:
        return Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[status]}"),
            TimeElapsedColumn(),
            console=self._aside,
        )


def discard_output() -> None:
    """Print nothing more on stdout; Python flushes it at exit, which must not fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _in_unicode() -> bool:
    """True if stdout takes every character."""
    return (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")


@contextmanager
def _ctrl_c_at_once() -> Generator[None]:
    """Let Ctrl-C end a prompt: the event loop's handler would wait for the answer."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class _Steps:
    """Shows progress without a terminal: one line per status."""

    def __init__(self, title: str, say: Callable[[str], None]) -> None:
        self._title = title
        self._say = say
        self._last = ""

    def __call__(self, record: Training | Video) -> None:
        word = _word(record)
        if word != self._last:
            self._last = word
            self._say(f"{self._title}: {word}, {record.progress} %")


def _word(record: Training | Video) -> str:
    return record.status.replace("_", " ")
