"""``avatarkit worker``: a process that advances records, and the backlog."""

from __future__ import annotations

import signal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .exit_codes import OVERDUE, Ended
from .session import Panel, Session, command

if TYPE_CHECKING:
    from ..interfaces import Backlog

#: JSON keys of a backlog row, and the columns of its table.
_KEYS = ("provider", "waiting", "due", "held", "late")
_HEADINGS = ("provider", "open", "due", "leased", "overdue (s)")


class Engine(StrEnum):
    """Engines that a worker runs."""

    IN_PROCESS = "in-process"
    DBOS = "dbos"
    TEMPORAL = "temporal"


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    command(app, "worker", Panel.RUN)(_worker)


async def _worker(
    session: Session,
    *,
    once: Annotated[
        bool, typer.Option("--once", help="Advance due records once, then exit; for cron.")
    ] = False,
    status: Annotated[
        bool, typer.Option("--status", help="Show the backlog without processing it.")
    ] = False,
    late: Annotated[
        float,
        typer.Option(
            metavar="SECONDS", help="With --status: fail if a record is overdue for this long."
        ),
    ] = 60.0,
    engine: Annotated[
        Engine | None,
        typer.Option(help="What decides when; by default AVATARKIT_ENGINE, else in-process."),
    ] = None,
) -> None:
    """Process trainings and videos until interrupted; workers can share a database.

    Example: `avatarkit worker --status --late 120`
    """
    import anyio

    if status:
        await _status(session, late)
        return
    _share_secret(session)
    if once:
        async with session.kit(worker=False) as kit:
            count = await kit.admin.tick()
        session.out.result({"advanced": count}, f"{count} advanced")
        return
    async with session.kit(worker=True, engine=engine and engine.value):
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            session.out.hint("working; stop with Ctrl-C")
            await anext(aiter(signals))
        # From here on a second signal ends the process.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        session.out.hint(
            "finishing running calls (Ctrl-C again stops at once); the next worker continues with "
            "the rest"
        )


def _share_secret(session: Session) -> None:
    """Create the webhook secret that `serve` uses too, whichever process starts first."""
    settings = session.settings()
    if "AVATARKIT_PUBLIC_URL" in settings.environ:
        settings.webhook_secret()


async def _status(session: Session, late: float) -> None:
    async with session.kit(worker=False) as kit:
        backlogs, now = await kit.admin.backlog(), await kit.admin.now()
    rows = [_backlog_json(backlog, now) for backlog in backlogs]
    session.out.table(
        {"providers": rows}, _HEADINGS, [[str(row[key]) for key in _KEYS] for row in rows]
    )
    worst = max((row["late"] for row in rows), default=0.0)
    if worst > late:
        raise Ended("Overdue", f"a record is overdue for {worst:.0f} s: start a worker", OVERDUE)


def _backlog_json(backlog: Backlog, now: float) -> dict[str, Any]:
    return {
        "provider": backlog.provider,
        "waiting": backlog.waiting,
        "due": backlog.due,
        "held": backlog.held,
        "late": 0.0 if backlog.oldest is None else round(max(0.0, now - backlog.oldest), 1),
    }
