"""Commands about existing trainings and videos: watch, status, list, resolve, cancel, delete."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .session import Panel, Session, command

if TYPE_CHECKING:
    from ..lifecycle.leftovers import Leftover
    from ..records import Training, Video

_HEADINGS = ("id", "status", "progress", "user", "clone", "name")

Id = Annotated[str, typer.Argument(metavar="ID", help="ID of a training or a video.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    command(app, "watch", Panel.MAKE)(_watch)
    command(app, "status", Panel.MAKE)(_status)
    command(app, "list", Panel.MAKE)(_list)
    command(app, "resolve", Panel.MAKE)(_resolve)
    command(app, "cancel", Panel.MAKE)(_cancel)
    command(app, "delete", Panel.MAKE)(_delete)


async def _watch(
    session: Session,
    record_id: Id,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File for the finished video.")
    ] = None,
) -> None:
    """Process a training or a video and show its progress until it is final.

    Example: `avatarkit watch $ID --out hello.mp4`
    """
    from .progress import check_target, follow, interruptible

    check_target(out)
    async with session.kit(worker=True) as kit, interruptible(session.out, record_id):
        record = await kit.get(record_id)
        record = await follow(session.out, kit, record, title=record.kind, patient=True)
        if out is not None:
            await kit.save(record, out)
    session.out.line(str(out or f"{record.id} is {record.status}"))


async def _status(session: Session, record_id: Id) -> None:
    """Show a training or a video.

    Example: `avatarkit status $ID`
    """
    from ..json_views import record_json

    async with session.kit(worker=False) as kit:
        record = await kit.get(record_id)
    session.out.result(record_json(record), *_described(record))


def _described(record: Training | Video) -> list[str]:
    lines = [
        f"id        {record.id}",
        f"kind      {record.kind}",
        f"status    {record.status}",
        f"progress  {record.progress} %{' (estimated)' if record.estimated else ''}",
        f"stack     {record.stack}",
    ]
    lines += [f"before    {one.stack}: {one.reason}" for one in record.ended]
    if record.action is not None:
        answers = f" [{', '.join(record.action.choices)}]" if record.action.choices else ""
        lines.append(f"action    {record.action.message}{answers}")
    if record.error_message is not None:
        lines.append(f"error     {record.error_message}")
    return lines


async def _list(
    session: Session,
    user: Annotated[str | None, typer.Option(help="Only this user's.")] = None,
    videos: Annotated[
        bool, typer.Option("--videos", help="List videos instead of trainings.")
    ] = False,
    status: Annotated[str | None, typer.Option(help="Only with this status.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Maximum number.")] = 50,
) -> None:
    """List the newest trainings or videos.

    Example: `avatarkit list --videos --status completed`
    """
    from ..json_views import record_json
    from ..records import Status

    if status is not None and status not in list(Status):
        raise typer.BadParameter(f"Unknown status {status!r}: use {', '.join(Status)}")
    wanted = Status(status) if status is not None else None
    records: list[Training] | list[Video]
    async with session.kit(worker=False) as kit:
        if videos:
            records = await kit.videos(user_id=user, status=wanted, limit=limit)
        else:
            records = await kit.trainings(user_id=user, status=wanted, limit=limit)
    session.out.table(
        {"videos" if videos else "trainings": [record_json(r) for r in records]},
        _HEADINGS,
        [(r.id, r.status, f"{r.progress} %", r.user_id, r.clone_id, r.name) for r in records],
    )


async def _resolve(
    session: Session,
    record_id: Id,
    choice: Annotated[str, typer.Argument(metavar="CHOICE", help="One of the action's choices.")],
    job_id: Annotated[
        str | None, typer.Option(help="The provider's job ID, for the choice adopt.")
    ] = None,
    recording: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The recording that was asked for, for the choice done."),
    ] = None,
) -> None:
    """Answer the required action of a training or a video.

    Example: `avatarkit resolve $ID retry`
    """
    from ..json_views import record_json

    async with session.kit(worker=False) as kit:
        record = await kit.resolve(record_id, choice, job_id=job_id, recording=recording)
    session.out.hint(f"continue with: {session.out.command('watch', record.id)}")
    session.out.result(record_json(record), f"{record.id} is {record.status}")


async def _cancel(session: Session, record_id: Id) -> None:
    """Cancel a training or video and delete the vendor's copy.

    Example: `avatarkit cancel $ID`
    """
    from ..json_views import record_json
    from .progress import clear_up

    async with session.kit(worker=True) as kit:
        record = await kit.cancel(record_id)
        left = await clear_up(kit, record_id)
    _report_leftovers(session, left)
    session.out.result(
        record_json(record) | {"left": _leftovers_json(left)}, f"{record_id} is {record.status}"
    )


async def _delete(
    session: Session,
    record_id: Id,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a video, or a training with its videos, and the vendors' copies.

    Example: `avatarkit delete $ID --yes`
    """
    from .progress import clear_up

    if not yes:
        asked = f"Delete {record_id} for good, with all its videos?"
        session.out.confirm(asked, "deleting", "deleted")
    async with session.kit(worker=True) as kit:
        gone = await kit.delete(record_id, with_videos=True)
        left = await clear_up(kit, *gone)
    _report_leftovers(session, left)
    document = {"id": record_id, "deleted": True, "with": gone[:-1], "left": _leftovers_json(left)}
    session.out.result(document, f"{record_id} is deleted")


def _report_leftovers(session: Session, left: list[Leftover]) -> None:
    for leftover in left:
        state = "the next worker continues with" if leftover.pending else "not deleted"
        session.out.hint(f"{state}: {leftover.what}")


def _leftovers_json(left: list[Leftover]) -> list[dict[str, object]]:
    return [{"what": leftover.what, "pending": leftover.pending} for leftover in left]
