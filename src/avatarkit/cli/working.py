"""The worker: a process that drives records, and what waits for one."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Annotated, Any

import anyio
import typer

from .failures import OVERDUE, Ended
from .session import Session, command

if TYPE_CHECKING:
    from ..interfaces import Backlog

__all__ = ["register"]

_HEADINGS = ("provider", "waiting", "due", "held", "late")


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    command(app, "worker")(_worker)


async def _worker(
    session: Session,
    *,
    once: Annotated[
        bool, typer.Option("--once", help="Advance what is due now, and end: for cron.")
    ] = False,
    status: Annotated[
        bool, typer.Option("--status", help="Say what waits, without driving anything.")
    ] = False,
    late: Annotated[
        float,
        typer.Option(
            metavar="SECONDS", help="With --status: fail if something waits this long for a worker."
        ),
    ] = 60.0,
) -> None:
    """Drive trainings and videos until interrupted; any number of workers may share a database."""
    if status:
        await _status(session, late)
        return
    if once:
        _share_secret(session)
        async with session.kit(worker=False) as kit:
            count = await kit.admin.tick()
        session.out.result({"advanced": count}, f"{count} advanced")
        return
    _share_secret(session)
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async with session.kit(worker=True):
            session.out.hint("working; end with Ctrl-C")
            await anext(aiter(signals))
            session.out.hint("finishing what runs; what is left goes to the next worker")


def _share_secret(session: Session) -> None:
    """See that vendors are told the address at which `serve` listens, whoever was started first."""
    settings = session.settings()
    if "AVATARKIT_PUBLIC_URL" in settings.environ:
        settings.webhook_secret()


async def _status(session: Session, late: float) -> None:
    async with session.kit(worker=False) as kit:
        backlogs, now = await kit.admin.backlog(), await kit.admin.now()
    shapes = [_shape(backlog, now) for backlog in backlogs]
    session.out.table(
        {"providers": shapes}, _HEADINGS, [[str(s[h]) for h in _HEADINGS] for s in shapes]
    )
    worst = max((s["late"] for s in shapes), default=0.0)
    if worst > late:
        raise Ended("Overdue", f"something has waited {worst:.0f} s: start a worker", OVERDUE)


def _shape(backlog: Backlog, now: float) -> dict[str, Any]:
    return {
        "provider": backlog.provider,
        "waiting": backlog.waiting,
        "due": backlog.due,
        "held": backlog.held,
        "late": 0.0 if backlog.oldest is None else round(max(0.0, now - backlog.oldest), 1),
    }
