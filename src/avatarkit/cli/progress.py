"""Progress of a training or a video, and its cleanup."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import anyio

from ..errors import StorageError
from ..records import Record, Status, Training, Video
from .exit_codes import ACTION_REQUIRED, FAILED, INTERRUPTED, Ended
from .output import Output

if TYPE_CHECKING:
    from ..kit import AvatarKit
    from ..lifecycle.leftovers import Leftover
    from ..models import Action

R = TypeVar("R", bound=Training | Video)

_CLEAR_UP = 30.0  # seconds


async def follow(out: Output, kit: AvatarKit, record: R, *, title: str, patient: bool = False) -> R:
    """Show a record's progress, and return the completed record.

    Raises ``Ended`` if it fails or a person must act; ``patient`` waits for a person who acts
    elsewhere, such as on a page of the provider.
    """
    last: Training | Video = record
    with out.following(title) as show:
        async for update in kit.watch(record.id):
            show(update)
            last = update
            if _stuck(update, patient=patient):
                break
            if patient and update.action is not None:
                out.hint(_required(out, update))
    if last.status is Status.ACTION_REQUIRED:
        raise Ended("ActionRequired", _required(out, last), ACTION_REQUIRED)
    if last.status is not Status.COMPLETED:
        message = f"{last.kind} {last.id} is {last.status}"
        reason = f": {last.error_message}" if last.error_message else ""
        raise Ended(last.error_type or str(last.status), message + reason, FAILED)
    return cast("R", last)


def _stuck(record: Record, *, patient: bool) -> bool:
    if record.status is not Status.ACTION_REQUIRED:
        return False
    return not patient or record.action is None or _asks(record.action)


def _asks(action: Action) -> bool:
    """True if a command must answer: what was done at the vendor is found by polling."""
    return bool({*action.choices} - {"done"})


def _required(out: Output, record: Training | Video) -> str:
    """Describe the required action and how to answer it."""
    action = record.action
    if action is None:
        return f"{record.id}: a person must act"
    parts = [f"{record.id}: {action.message}"]
    parts += [f"Open {action.url}"] if action.url else []
    parts += [f'Read aloud: "{action.text}"'] if action.text else []
    if _asks(action):
        answer = out.command("resolve", record.id, "CHOICE")
        parts.append(f"Answer with: {answer} (CHOICE: {', '.join(action.choices)})")
    else:
        parts.append(f"Then continue with: {out.command('watch', record.id)}")
    return " ".join(parts)


@asynccontextmanager
async def interruptible(out: Output, record_id: str, *, save: bool = False) -> AsyncGenerator[None]:
    """If the block is interrupted, say how to continue; the record is kept."""
    try:
        yield
    except anyio.get_cancelled_exc_class():
        back = out.command("watch", record_id, *(["--out", "FILE"] if save else []))
        message = f"interrupted; continue with: {back}"
        raise Ended("Interrupted", message, INTERRUPTED) from None


def check_target(path: Path | None) -> None:
    """Raise ``StorageError`` if the target's folder does not exist."""
    if path is not None and not path.absolute().parent.is_dir():
        raise StorageError(f"No such folder: {path.parent}. Create it, or choose another --out.")


async def clear_up(kit: AvatarKit, *record_ids: str) -> list[Leftover]:
    """Wait up to 30 s for the worker to delete leftovers; return the remaining ones."""
    with anyio.move_on_after(_CLEAR_UP):
        for record_id in record_ids:
            # A deleted record cannot be watched, so it is polled.
            while any(o.pending for o in await kit.admin.leftovers(record_id)):  # noqa: ASYNC110 - above
                await anyio.sleep(0.1)
    return [left for record_id in record_ids for left in await kit.admin.leftovers(record_id)]
