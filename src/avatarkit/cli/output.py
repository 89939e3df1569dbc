"""What a command says: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import shlex
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from .failures import INTERRUPTED, Ended

if TYPE_CHECKING:
    from ..records import Training, Video

__all__ = ["Output"]


class Output:
    """Writes for a person, or with ``as_json`` for a program: one document per line.

    ``options`` are those that a further command needs to find the same records.
    """

    def __init__(self, *, as_json: bool, options: Sequence[str] = ()) -> None:
        self.as_json = as_json
        self._options = options
        self._aside = Console(stderr=True, highlight=False, markup=False)

    @property
    def may_ask(self) -> bool:
        """Whether a person sits there who could answer a question."""
        return not self.as_json and sys.stdin.isatty() and sys.stderr.isatty()

    def command(self, *words: str) -> str:
        """A command to be copied, with the common options of this one."""
        return shlex.join(["avatarkit", *words, *self._options])

    def result(self, document: Any, *lines: str) -> None:
        """Print what the command is about: ``document`` for programs, ``lines`` for people."""
        texts = (json.dumps(document, ensure_ascii=False),) if self.as_json else lines
        for text in texts:
            sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    def line(self, text: str) -> None:
        """Print a result for people; programs have read it in the last document already."""
        if not self.as_json:
            self.result(None, text)

    def table(self, document: Any, headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print rows; tab-separated where no person reads them."""
        if self.as_json or not sys.stdout.isatty():
            self.result(document, *("\t".join(row) for row in rows))
            return
        table = Table(*headings, box=None, header_style="bold")
        for row in rows:
            table.add_row(*row)
        Console(markup=False, highlight=False).print(table)

    def hint(self, text: str) -> None:
        """Say something beside the result."""
        self._aside.print(text, soft_wrap=True)

    def ask(self, question: str) -> str:
        """Ask a person for a line, which may be empty."""
        with _ctrl_c_at_once():
            return str(typer.prompt(question, default="", show_default=False, err=True))

    def confirm(self, question: str, doing: str, done: str) -> None:
        """Go on if a person says yes, else raise ``Ended``; nobody there is a usage error."""
        if not self.may_ask:
            raise typer.BadParameter(f"{doing} needs --yes where nobody can be asked")
        with _ctrl_c_at_once():
            agreed = typer.confirm(question, err=True)
        if not agreed:
            raise Ended("Interrupted", f"nothing was {done}", INTERRUPTED)

    def failure(self, error: Ended) -> None:
        """Say why the command ends."""
        self._aside.print(f"avatarkit: {error.message}", soft_wrap=True)
        if self.as_json:
            shape = {
                "type": error.kind,
                "message": error.message,
                "exit_code": error.exit_code,
            }
            self.result({"error": shape})

    @contextmanager
    def following(self, title: str) -> Iterator[Callable[[Training | Video], None]]:
        """Give a function that shows how a record changes."""
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


@contextmanager
def _ctrl_c_at_once() -> Iterator[None]:
    """Let Ctrl-C end a question; an event loop would wait until it is answered."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class _Steps:
    """Shows progress where no terminal can draw a bar: a line per status."""

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
