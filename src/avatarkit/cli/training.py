"""Commands about trainings, and about records of either kind."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .prices import AllowUnknown, MaxCost, within
from .session import Session, command

if TYPE_CHECKING:
    from ..lifecycle.leftovers import Leftover
    from ..records import Training, Video

__all__ = ["register"]

_HEADINGS = ("id", "status", "progress", "user", "clone", "name")

Id = Annotated[str, typer.Argument(metavar="ID", help="A training or a video.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    for function in (_train, _watch, _status, _resolve, _cancel, _delete):
        command(app, function.__name__.removeprefix("_"))(function)
    command(app, "list")(_list)


async def _train(
    session: Session,
    *,
    voice: Annotated[
        list[Path] | None, typer.Option(help="A recording of the voice; up to five.")
    ] = None,
    footage: Annotated[Path | None, typer.Option(help="A clip or portrait.")] = None,
    user: Annotated[str, typer.Option(help="Whose clone it is.")] = "me",
    clone: Annotated[str, typer.Option(help="Which clone of that user.")] = "me",
    name: Annotated[str, typer.Option(help="A name for people.")] = "",
    language: Annotated[str | None, typer.Option(help="What is spoken, such as en.")] = None,
    consent: Annotated[
        Path | None, typer.Option(help="JSON: subject, and wording, evidence, given_at if any.")
    ] = None,
    not_a_real_person: Annotated[
        str | None, typer.Option(metavar="REASON", help="Why no consent is needed.")
    ] = None,
    key: Annotated[
        str | None, typer.Option(metavar="KEY", help="The same key is always the same training.")
    ] = None,
    max_cost: MaxCost = None,
    allow_unknown: AllowUnknown = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for its end.")] = True,
) -> None:
    """Train an avatar with a cloned voice."""
    from ..json_views import record_json
    from .consents import consent_from
    from .following import follow, interruptible

    agreed = consent_from(session.out, consent, not_a_real_person)
    async with session.kit(worker=wait) as kit:
        training = await kit.train(
            user_id=user,
            clone_id=clone,
            voice=voice or (),
            footage=footage,
            consent=agreed,
            name=name,
            language=language,
            idempotency_key=key,
            **within(max_cost, allow_unknown),
        )
        if not wait:
            session.out.hint(f"go on with: {session.out.command('watch', training.id)}")
            session.out.result(record_json(training), training.id)
            return
        session.out.hint(f"training {training.id}")
        async with interruptible(session.out, training.id):
            training = await follow(session.out, kit, training, title="training")
    session.out.hint(f"make it speak with: {session.out.command('speak', training.id, 'Hello!')}")
    session.out.line(training.id)


async def _watch(
    session: Session,
    record_id: Id,
    out: Annotated[Path | None, typer.Option(help="Where to save a video.")] = None,
) -> None:
    """Drive and watch a training or a video until it is done."""
    from .following import check_target, follow, interruptible

    check_target(out)
    async with session.kit(worker=True) as kit, interruptible(session.out, record_id):
        record = await kit.get(record_id)
        record = await follow(session.out, kit, record, title=record.kind, patient=True)
        if out is not None:
            await kit.save(record, out)
    session.out.line(str(out or f"{record.id} is {record.status}"))


async def _status(session: Session, record_id: Id) -> None:
    """Show a training or a video."""
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
    lines += [f"before    {one.stack}: {one.reason}" for one in record.earlier]
    if record.action is not None:
        answers = f" [{', '.join(record.action.choices)}]" if record.action.choices else ""
        lines.append(f"action    {record.action.message}{answers}")
    if record.error_message is not None:
        lines.append(f"error     {record.error_message}")
    return lines


async def _list(
    session: Session,
    user: Annotated[str | None, typer.Option(help="Only this user's.")] = None,
    videos: Annotated[bool, typer.Option("--videos", help="Videos, not trainings.")] = False,
    status: Annotated[str | None, typer.Option(help="Only those with this status.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 50,
) -> None:
    """List the newest trainings or videos."""
    from ..json_views import record_json
    from ..records import Status

    if status is not None and status not in list(Status):
        raise typer.BadParameter(f"{status!r} is no status; use {', '.join(Status)}")
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
    choice: Annotated[str, typer.Argument(metavar="CHOICE", help="The answer to its action.")],
    job_id: Annotated[str | None, typer.Option(help="The provider's job, for adopt.")] = None,
    recording: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What it asks a person to record, for done.")
    ] = None,
) -> None:
    """Answer what a training or a video asks for."""
    from ..json_views import record_json

    async with session.kit(worker=False) as kit:
        record = await kit.resolve(record_id, choice, job_id=job_id, recording=recording)
    session.out.hint(f"go on with: {session.out.command('watch', record.id)}")
    session.out.result(record_json(record), f"{record.id} is {record.status}")


async def _cancel(session: Session, record_id: Id) -> None:
    """Stop it, and delete what the provider holds of it."""
    from ..json_views import record_json
    from .following import clear_up

    async with session.kit(worker=True) as kit:
        record = await kit.cancel(record_id)
        left = await clear_up(kit, record_id)
    _tell_left(session, left)
    session.out.result(
        record_json(record) | {"left": _left_shape(left)}, f"{record_id} is {record.status}"
    )


async def _delete(
    session: Session,
    record_id: Id,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete it, its results, and what the provider holds of it; a training with its videos."""
    from .following import clear_up

    if not yes:
        asked = f"Delete {record_id} for good, with all its videos?"
        session.out.confirm(asked, "deleting", "deleted")
    async with session.kit(worker=True) as kit:
        gone = await kit.delete(record_id, with_videos=True)
        left = await clear_up(kit, *gone)
    _tell_left(session, left)
    document = {"id": record_id, "deleted": True, "with": gone[:-1], "left": _left_shape(left)}
    session.out.result(document, f"{record_id} is deleted")


def _tell_left(session: Session, left: list[Leftover]) -> None:
    for leftover in left:
        fate = "the next worker goes on with" if leftover.pending else "stays"
        session.out.hint(f"{fate}: {leftover.what}")


def _left_shape(left: list[Leftover]) -> list[dict[str, object]]:
    return [{"what": leftover.what, "pending": leftover.pending} for leftover in left]
