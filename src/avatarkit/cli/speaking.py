"""Commands that make videos."""

from __future__ import annotations

from contextlib import ExitStack
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .prices import AllowUnknown, MaxCost, within
from .session import Session, command

if TYPE_CHECKING:
    from ..models import Consent

__all__ = ["register"]

_HELLO = "Hello! I'm your AI clone. I'm ready to attend meetings on your behalf."
_DEMO = ("portrait.jpg", "voice.wav")
#: Names under which the documentation's samples read the demo's portrait and voice.
_SAVED = ("me.jpg", "me.wav")
_NOBODY = "an illustrated portrait and a synthetic voice, made by avatarkit"


def register(app: typer.Typer) -> None:
    """Add the commands to the app."""
    command(app, "demo")(_demo)
    command(app, "speak")(_speak)


async def _speak(
    session: Session,
    training_id: Annotated[str, typer.Argument(metavar="ID", help="A completed training.")],
    text: Annotated[str | None, typer.Argument(metavar="TEXT", help="What to say.")] = None,
    *,
    audio: Annotated[Path | None, typer.Option(help="Speech to move the lips to.")] = None,
    out: Annotated[Path | None, typer.Option(help="Where to save it; else ID.mp4.")] = None,
    language: Annotated[str | None, typer.Option(help="What is spoken, such as en.")] = None,
    max_cost: MaxCost = None,
    allow_unknown: AllowUnknown = None,
) -> None:
    """Make a trained avatar speak, and save the video."""
    from ..json_views import record_json
    from .following import check_target, follow, interruptible

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
            **within(max_cost, allow_unknown),
        )
        session.out.hint(f"video {video.id}")
        async with interruptible(session.out, video.id, save=True):
            video = await follow(session.out, kit, video, title="video")
            path = await kit.save(video, out or f"{video.id}.mp4")
    session.out.result(record_json(video) | {"path": str(path)}, str(path))


async def _demo(
    session: Session,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to say.")] = _HELLO,
    *,
    portrait: Annotated[Path | None, typer.Option(help="A portrait or clip of your own.")] = None,
    voice: Annotated[Path | None, typer.Option(help="A recording of your own.")] = None,
    consent: Annotated[
        Path | None, typer.Option(help="JSON: subject, and wording, evidence, given_at if any.")
    ] = None,
    not_a_real_person: Annotated[
        str | None, typer.Option(metavar="REASON", help="Why no consent is needed.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Where to save the video.")] = Path(
        "avatarkit-demo.mp4"
    ),
    save_samples: Annotated[
        bool,
        typer.Option(
            "--save-samples", help="Only write the portrait and voice as me.jpg and me.wav."
        ),
    ] = False,
) -> None:
    """Make a talking avatar on this machine, without any key."""
    from .following import check_target, follow, interruptible

    if save_samples:
        _save_samples(session)
        return
    stack = session.stack or "local"
    _check_script(text, stack)
    check_target(out)
    own = portrait is not None or voice is not None
    agreed = _consent(session, consent, not_a_real_person, own=own)
    with ExitStack() as shipped:
        portrait, voice = (
            path or shipped.enter_context(as_file(files("avatarkit") / "data" / "demo" / name))
            for path, name in zip((portrait, voice), _DEMO, strict=True)
        )
        async with session.kit(worker=True, stack=stack) as kit:
            session.out.hint("1/3 train a voice and an avatar")
            training = await kit.train(
                user_id="me", clone_id="demo", voice=[voice], footage=portrait, consent=agreed
            )
            async with interruptible(session.out, training.id):
                training = await follow(session.out, kit, training, title="training")
            session.out.hint(f'2/3 say "{text}"')
            video = await kit.speak(training.id, text, wait=False)
            async with interruptible(session.out, video.id, save=True):
                video = await follow(session.out, kit, video, title="video")
                session.out.hint("3/3 save the video")
                path = await kit.save(video, out)
    document = {"path": str(path), "training_id": training.id, "video_id": video.id}
    session.out.result(document, str(path))


def _save_samples(session: Session) -> None:
    """Write the demo's portrait and voice into this folder; never replace another file."""
    from ..errors import ConfigError, StorageError

    for source, target in zip(_DEMO, map(Path, _SAVED), strict=True):
        content = (files("avatarkit") / "data" / "demo" / source).read_bytes()
        try:
            if not target.exists():
                target.write_bytes(content)
            elif target.read_bytes() != content:
                raise ConfigError(f"{target} is another file. Run the command in an empty folder.")
        except OSError as error:
            raise StorageError(f"{target} cannot be written: {error.strerror}") from error
    session.out.result({"paths": list(_SAVED)}, *_SAVED)


def _consent(
    session: Session, file: Path | None, not_a_real_person: str | None, *, own: bool
) -> Consent:
    from ..models import Consent
    from .consents import consent_from

    if own or file is not None or not_a_real_person is not None:
        return consent_from(session.out, file, not_a_real_person)
    return Consent.not_a_real_person(_NOBODY)


def _check_script(text: str, stack: str) -> None:
    """Refuse what cannot be said before time is spent on a training."""
    from ..intake.preflight import read_script
    from ..models import Operation
    from ..stacks.registry import Stack, load

    roles = Stack.parse(stack).roles
    names = {roles[o] for o in (Operation.SPEECH, Operation.VIDEO) if o in roles}
    providers: dict[str, Any] = {name: load(name) for name in names}
    read_script(text, [(name, limit) for name, p in providers.items() for limit in p.limits])
