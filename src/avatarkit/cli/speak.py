"""``avatarkit speak``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .prices import AllowUnknown, MaxCost, cost_limit
from .session import Panel, Session, command
from .train import Language, Purpose


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    command(app, "speak", Panel.MAKE)(_speak)


async def _speak(
    session: Session,
    training_id: Annotated[str, typer.Argument(metavar="ID", help="ID of a completed training.")],
    text: Annotated[str | None, typer.Argument(metavar="TEXT", help="Text to speak.")] = None,
    *,
    audio: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Recorded speech, instead of TEXT.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File for the video; by default ID.mp4.")
    ] = None,
    language: Language = None,
    purpose: Purpose = None,
    max_cost: MaxCost = None,
    allow_unknown: AllowUnknown = None,
) -> None:
    """Generate a video with a trained avatar and save it.

    Example: `avatarkit speak $ID "Hello!" --out hello.mp4`
    """
    from ..json_views import record_json
    from .progress import check_target, follow, interruptible

    if (text is None) == (audio is None):
        raise typer.BadParameter("give either TEXT or --audio")
    check_target(out)
    async with session.kit(worker=True) as kit:
        video = await kit.speak(
            training_id,
            text,
            audio=audio,
            wait=False,
            language=language,
            purpose=purpose,
            **cost_limit(max_cost, allow_unknown),
        )
        session.out.hint(f"video {video.id}")
        async with interruptible(session.out, video.id, save=True):
            video = await follow(session.out, kit, video, title="video")
            path = await kit.save(video, out or f"{video.id}.mp4")
    session.out.result(record_json(video) | {"path": str(path)}, str(path))
