"""``avatarkit dub``."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import AvatarKitError
from .exit_codes import INTERRUPTED, Ended, ended
from .prices import AllowUnknown, MaxCost, cost_limit
from .session import Panel, Session, command
from .train import ConsentFile, NotARealPerson, Purpose

if TYPE_CHECKING:
    from ..kit import AvatarKit
    from ..models import StoredFile
    from ..records import Video


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    command(app, "dub", Panel.MAKE)(_dub)


async def _dub(
    session: Session,
    source: Annotated[Path, typer.Argument(metavar="FILE", help="Video to translate.")],
    languages: Annotated[
        list[str], typer.Argument(metavar="LANGUAGE...", help="Such as es, or pt-BR.")
    ],
    *,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Folder for the videos; by default this one."),
    ] = None,
    subtitles: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="SRT file of the translation, one for each language."),
    ] = None,
    source_subtitles: Annotated[
        Path | None, typer.Option(metavar="FILE", help="SRT file of what the video says.")
    ] = None,
    user: Annotated[str, typer.Option(help="User ID that owns the videos.")] = "me",
    clone: Annotated[str, typer.Option(help="Clone ID: groups one person's samples.")] = "me",
    consent: ConsentFile = None,
    not_a_real_person: NotARealPerson = None,
    purpose: Purpose = None,
    max_cost: MaxCost = None,
    allow_unknown: AllowUnknown = None,
) -> None:
    """Translate an existing video into one or more languages and save them with their subtitles.

    Each language is an operation of its own; `--max-cost` is for all together.

    Example: `avatarkit dub hello.mp4 es de --consent me.json`
    """
    from .consent import consent_from
    from .progress import check_target, interruptible

    if subtitles and len(subtitles) != len(languages):
        raise typer.BadParameter("give --subtitles once for each language, in the same order")
    folder = out or Path()
    check_target(folder / "video.mp4")
    agreed = consent_from(session.out, consent, not_a_real_person)
    async with session.kit(worker=True) as kit:
        videos = await kit.dub_into(
            source,
            languages,
            user_id=user,
            clone_id=clone,
            consent=agreed,
            subtitles=dict(zip(languages, subtitles or (), strict=False)),
            source_subtitles=source_subtitles,
            purpose=purpose,
            wait=False,
            **cost_limit(max_cost, allow_unknown),
        )
        for video in videos:
            session.out.hint(f"video {video.id} ({video.language})")
        failed: list[Exception] = []
        for video in videos:
            try:
                async with interruptible(session.out, video.id, save=True):
                    await _saved(session, kit, video, folder / source.stem)
            except (Ended, AvatarKitError) as error:
                if ended(error).exit_code == INTERRUPTED:
                    raise
                failed.append(error)  # the others are paid for, too
        if failed:
            raise failed[0]


async def _saved(session: Session, kit: AvatarKit, video: Video, stem: Path) -> None:
    """Wait for a dub, save its results beside ``stem``, and print it."""
    from ..json_views import record_json
    from .progress import follow

    done = await follow(session.out, kit, video, title=f"dub into {video.language}")
    paths = {
        name: str(await kit.save(done, stem.with_name(_name(stem.name, done, file)), file=name))
        for name, file in done.files.items()
        if name in _SAVED
    }
    session.out.result(record_json(done) | {"path": paths["video"]}, paths["video"])


#: Results that are saved.
_SAVED = ("video", "subtitles_srt", "subtitles_vtt")


def _name(stem: str, video: Video, file: StoredFile) -> str:
    """Name of a saved result: "hello.es.mp4"."""
    language = re.sub(r"[^\w() -]", "_", video.language or "")
    return f"{stem}.{language}{PurePosixPath(file.key).suffix}"
