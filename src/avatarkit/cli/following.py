"""Waiting for a training or a video, and clearing up behind one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import anyio

from ..errors import StorageError
from ..records import Record, Status, Training, Video
from .failures import ACTION_REQUIRED, FAILED, INTERRUPTED, Ended
from .output import Output

if TYPE_CHECKING:
    from ..kit import AvatarKit
    from ..lifecycle.leftovers import Leftover

__all__ = ["check_target", "clear_up", "follow", "interruptible"]

R = TypeVar("R", bound=Training | Video)

_CLEAR_UP = 30.0  # seconds


async def follow(out: Output, kit: AvatarKit, record: R, *, title: str, patient: bool = False) -> R:
    """Show how a record goes on, and return it completed.

    Raises ``Ended`` where it fails, or needs a person; a ``patient`` one waits for a person who
    acts somewhere else, such as on a page of the provider.
    """
    last: Training | Video = record
    with out.following(title) as show:
        async for update in kit.watch(record.id):
            show(update)
            last = update
            if _stuck(update, patient=patient):
                break
            if patient and update.action is not None:
                out.hint(_request(out, update))
    if last.status is Status.ACTION_REQUIRED:
        raise Ended("ActionRequired", _request(out, last), ACTION_REQUIRED)
    if last.status is not Status.COMPLETED:
        message = f"{last.kind} {last.id} is {last.status}"
        reason = f": {last.error_message}" if last.error_message else ""
        raise Ended(last.error_type or str(last.status), message + reason, FAILED)
    return cast("R", last)


def _stuck(record: Record, *, patient: bool) -> bool:
    if record.status is not Status.ACTION_REQUIRED:
        return False
    return not patient or record.action is None or bool(record.action.choices)


def _request(out: Output, record: Training | Video) -> str:
    """What the person is asked for, and how to answer."""
    action = record.action
    if action is None:
        return f"{record.id}: a person must act"
    parts = [f"{record.id}: {action.message}"]
    parts += [f"Open {action.url}"] if action.url else []
    parts += [f'Read aloud: "{action.text}"'] if action.text else []
    if action.choices:
        answer = out.command("resolve", record.id, "CHOICE")
        parts.append(f"Answer with: {answer} (CHOICE: {', '.join(action.choices)})")
    else:
        parts.append(f"Then go on with: {out.command('watch', record.id)}")
    return " ".join(parts)


@asynccontextmanager
async def interruptible(out: Output, record_id: str, *, save: bool = False) -> AsyncIterator[None]:
    """Say how to come back where the block is interrupted; the record itself goes on."""
    try:
        yield
    except anyio.get_cancelled_exc_class():
        back = out.command("watch", record_id, *(["--out", "FILE"] if save else []))
        message = f"still going; come back with: {back}"
        raise Ended("Interrupted", message, INTERRUPTED) from None


def check_target(path: Path | None) -> None:
    """Refuse a file that could not be written at the end; raises ``StorageError``."""
    if path is not None and not path.absolute().parent.is_dir():
        raise StorageError(f"{path.parent} is no folder: make it, or name another file with --out")


async def clear_up(kit: AvatarKit, *record_ids: str) -> list[Leftover]:
    """Let the worker delete what records left behind; return what is still there after a while."""
    with anyio.move_on_after(_CLEAR_UP):
        for record_id in record_ids:
            # A deleted record cannot be watched, so nothing tells when it is done.
            while any(o.pending for o in await kit.admin.leftovers(record_id)):  # noqa: ASYNC110 - above
                await anyio.sleep(0.1)
    return [left for record_id in record_ids for left in await kit.admin.leftovers(record_id)]
