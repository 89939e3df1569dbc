"""``avatarkit train``, and the options that it shares with ``demo``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .prices import AllowUnknown, MaxCost, cost_limit
from .session import Panel, Session, command

ConsentFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="JSON file with subject, the person's name; optional: wording, evidence, given_at, "
        "purposes.",
    ),
]
NotARealPerson = Annotated[
    str | None, typer.Option(metavar="REASON", help="Reason why no consent is needed.")
]
Purpose = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="What it is for, if the consent covers certain purposes."),
]
Language = Annotated[str | None, typer.Option(metavar="CODE", help="Spoken language, such as en.")]


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    command(app, "train", Panel.MAKE)(_train)


async def _train(
    session: Session,
    *,
    voice: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Voice recording; repeatable, up to five."),
    ] = None,
    footage: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Source video or portrait.")
    ] = None,
    user: Annotated[str, typer.Option(help="User ID that owns the avatar.")] = "me",
    clone: Annotated[str, typer.Option(help="Clone ID: groups one person's samples.")] = "me",
    look_of: Annotated[
        str | None,
        typer.Option(
            metavar="ID", help="Add a look to this training's avatar, by the same consent."
        ),
    ] = None,
    name: Annotated[str, typer.Option(help="Display name.")] = "",
    language: Language = None,
    consent: ConsentFile = None,
    not_a_real_person: NotARealPerson = None,
    purpose: Purpose = None,
    idempotency_key: Annotated[
        str | None,
        typer.Option(
            metavar="KEY", help="Return the existing training if this key was used before."
        ),
    ] = None,
    max_cost: MaxCost = None,
    allow_unknown: AllowUnknown = None,
    wait: Annotated[
        bool, typer.Option("--wait/--no-wait", help="Wait until the training is final.")
    ] = True,
) -> None:
    """Train an avatar with a cloned voice.

    Example: `avatarkit train --voice me.wav --footage me.jpg --consent me.json`
    """
    from ..json_views import record_json
    from .consent import consent_from
    from .progress import follow, interruptible

    agreed = consent_from(session.out, consent, not_a_real_person)
    async with session.kit(worker=wait) as kit:
        training = await kit.train(
            user_id=user,
            clone_id=clone,
            voice=voice or (),
            footage=footage,
            consent=agreed,
            look_of=look_of,
            name=name,
            language=language,
            purpose=purpose,
            idempotency_key=idempotency_key,
            **cost_limit(max_cost, allow_unknown),
        )
        if not wait:
            session.out.hint(f"continue with: {session.out.command('watch', training.id)}")
            session.out.result(record_json(training), training.id)
            return
        session.out.hint(f"training {training.id}")
        async with interruptible(session.out, training.id):
            training = await follow(session.out, kit, training, title="training")
    session.out.hint(f"make it speak: {session.out.command('speak', training.id, 'Hello!')}")
    session.out.line(training.id)
