"""``avatarkit speak``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .prices import (
    SETTINGS,
    AllowUnknown,
    MaxCost,
    Quality,
    Resolution,
    Test,
    cost_limit,
    video_settings,
)
from .session import Panel, Session, command
from .train import ConsentFile, Language, NotARealPerson, Purpose

if TYPE_CHECKING:
    from ..models import Template

Share = Annotated[
    float | None, typer.Option(metavar="0..1", help="Of the voice.", rich_help_panel=SETTINGS)
]


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    command(app, "speak", Panel.MAKE)(_speak)


async def _speak(
    session: Session,
    training_id: Annotated[
        str | None,
        typer.Argument(metavar="ID", help="ID of a completed training; not with --user."),
    ] = None,
    text: Annotated[str | None, typer.Argument(metavar="TEXT", help="Text to speak.")] = None,
    *,
    audio: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Recorded speech, instead of TEXT.")
    ] = None,
    revoice: Annotated[
        bool, typer.Option("--revoice", help="Speak the recording with the avatar's voice.")
    ] = False,
    picture: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Picture that speaks in place of the avatar, without a training."
        ),
    ] = None,
    voice: Annotated[
        str | None, typer.Option(metavar="ID", help="Another voice, as its provider calls it.")
    ] = None,
    user: Annotated[
        str | None, typer.Option(help="User ID that owns the video, without a training.")
    ] = None,
    clone: Annotated[str, typer.Option(help="Clone ID, without a training.")] = "me",
    consent: ConsentFile = None,
    not_a_real_person: NotARealPerson = None,
    template: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Template of the provider to fill, instead of TEXT."),
    ] = None,
    values: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KIND.NAME=VALUE",
            help="Variable of the template, such as text.name=Ana; repeatable.",
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File for the video; by default ID.mp4.")
    ] = None,
    language: Language = None,
    aspect: Annotated[
        str | None,
        typer.Option(metavar="W:H", help="16:9, 9:16, 1:1, 4:5 or 5:4.", rich_help_panel=SETTINGS),
    ] = None,
    resolution: Resolution = None,
    background: Annotated[
        str | None,
        typer.Option(
            metavar="COLOR|URL",
            help="Such as #204060, a link to a picture or a video, or transparent.",
            rich_help_panel=SETTINGS,
        ),
    ] = None,
    captions: Annotated[
        str | None,
        typer.Option(metavar="WORD", help="none, sidecar or burnt-in.", rich_help_panel=SETTINGS),
    ] = None,
    caption_style: Annotated[
        str | None,
        typer.Option(metavar="WORD", help="Look of burnt-in captions.", rich_help_panel=SETTINGS),
    ] = None,
    container: Annotated[
        str | None, typer.Option(metavar="WORD", help="mp4, webm or mov.", rich_help_panel=SETTINGS)
    ] = None,
    fps: Annotated[
        float | None,
        typer.Option(metavar="N", help="Frames per second.", rich_help_panel=SETTINGS),
    ] = None,
    quality: Quality = None,
    test: Test = False,
    title: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="Title at the provider.", rich_help_panel=SETTINGS),
    ] = None,
    speed: Annotated[
        float | None,
        typer.Option(metavar="X", help="1.0 is the voice's own.", rich_help_panel=SETTINGS),
    ] = None,
    stability: Share = None,
    similarity: Share = None,
    style: Share = None,
    pitch: Annotated[
        float | None,
        typer.Option(metavar="N", help="Semitones, -24 to 24.", rich_help_panel=SETTINGS),
    ] = None,
    emotion: Annotated[
        str | None, typer.Option(metavar="WORD", help="Of the voice.", rich_help_panel=SETTINGS)
    ] = None,
    purpose: Purpose = None,
    max_cost: MaxCost = None,
    allow_unknown: AllowUnknown = None,
) -> None:
    """Generate a video with a trained avatar, or of a picture, and save it.

    A setting that the provider does not have is refused before anything is paid. With --user no
    training is named: a picture speaks with --voice, by --consent.

    Example: `avatarkit speak $ID "Hello!" --aspect 9:16 --out hello.mp4`
    """
    from ..json_views import record_json
    from ..models import VoiceSettings
    from .consent import consent_from
    from .progress import check_target, follow, interruptible

    owner: dict[str, Any] = {}
    if user is not None:  # no training is named, so the only argument is the text
        if text is not None:
            raise typer.BadParameter("give either ID or --user")
        training_id, text = None, training_id
        agreed = consent_from(session.out, consent, not_a_real_person)
        owner = {"user_id": user, "clone_id": clone, "consent": agreed}
    elif training_id is None:
        raise typer.BadParameter("give ID, or --user with --picture")
    if [text, audio, template].count(None) != 2:
        raise typer.BadParameter("give one of TEXT, --audio and --template")
    filled = _filled(template, values or ())
    check_target(out)
    settings = video_settings(
        voice=VoiceSettings(
            speed=speed,
            stability=stability,
            similarity=similarity,
            style=style,
            pitch=pitch,
            emotion=emotion,
        ),
        aspect=aspect,
        resolution=resolution,
        background=background,
        captions=captions,
        caption_style=caption_style,
        container=container,
        fps=fps,
        quality=quality,
        test=test,
        title=title,
    )
    async with session.kit(worker=True) as kit:
        video = await kit.speak(
            training_id,
            text,
            audio=audio,
            picture=picture,
            voice=voice,
            template=filled,
            revoice=revoice,
            wait=False,
            language=language,
            settings=settings,
            purpose=purpose,
            **owner,
            **cost_limit(max_cost, allow_unknown),
        )
        session.out.hint(f"video {video.id}")
        async with interruptible(session.out, video.id, save=True):
            video = await follow(session.out, kit, video, title="video")
            path = await kit.save(video, out or f"{video.id}.mp4")
    session.out.result(record_json(video) | {"path": str(path)}, str(path))


def _filled(template: str | None, values: Sequence[str]) -> Template | None:
    """Read the values of a template's variables; None without a template."""
    from ..models import Template

    if template is None:
        if values:
            raise typer.BadParameter("give --template, whose variables --set fills")
        return None
    kinds = Template.model_fields.keys() - {"id"}
    found: dict[str, dict[str, str]] = {}
    for given in values:
        name, mark, value = given.partition("=")
        kind, dot, own = name.partition(".")
        if not (mark and dot and own and kind in kinds):
            raise typer.BadParameter(
                f"{given!r} is no KIND.NAME=VALUE; kinds are {', '.join(sorted(kinds))}"
            )
        found.setdefault(kind, {})[own] = value
    return Template.model_validate({"id": template, **found})
