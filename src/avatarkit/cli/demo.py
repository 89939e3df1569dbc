"""``avatarkit demo``: a training and a video from sample files, on this machine."""

from __future__ import annotations

from contextlib import ExitStack
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .session import Panel, Session, command
from .train import ConsentFile, NotARealPerson

if TYPE_CHECKING:
    from ..models import Consent

_HELLO = "Hello! I'm your AI clone. I'm ready to attend meetings on your behalf."
_SAMPLES = ("portrait.jpg", "voice.wav")
#: Names under which the documentation's samples read the demo's portrait and voice.
_SAVED = ("me.jpg", "me.wav")
_DRAWN = "an illustrated portrait and a synthetic voice, made by avatarkit"


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    command(app, "demo", Panel.MAKE)(_demo)


async def _demo(
    session: Session,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Text to speak.")] = _HELLO,
    *,
    portrait: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Your own portrait or video.")
    ] = None,
    voice: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Your own voice recording.")
    ] = None,
    consent: ConsentFile = None,
    not_a_real_person: NotARealPerson = None,
    out: Annotated[Path, typer.Option(metavar="FILE", help="File for the video.")] = Path(
        "avatarkit-demo.mp4"
    ),
    save_samples: Annotated[
        bool,
        typer.Option(
            "--save-samples", help="Only write the portrait and voice as me.jpg and me.wav."
        ),
    ] = False,
) -> None:
    """Make a talking avatar on this machine, without an API key.

    Example: `avatarkit demo "Hello!" --out hello.mp4`
    """
    from ..models import VideoSettings
    from .progress import check_target, follow, interruptible

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
            for path, name in zip((portrait, voice), _SAMPLES, strict=True)
        )
        async with session.kit(worker=True, stack=stack) as kit:
            session.out.hint("1/3 train a voice and an avatar")
            training = await kit.train(
                user_id="me", clone_id="demo", voice=[voice], footage=portrait, consent=agreed
            )
            async with interruptible(session.out, training.id):
                training = await follow(session.out, kit, training, title="training")
            session.out.hint(f'2/3 say "{text}"')
            # the sample portrait is larger; the demo shall be quick on two processor cores
            settings = VideoSettings(resolution="720p") if stack == "local" else None
            video = await kit.speak(training.id, text, settings=settings, wait=False)
            async with interruptible(session.out, video.id, save=True):
                video = await follow(session.out, kit, video, title="video")
                session.out.hint("3/3 save the video")
                path = await kit.save(video, out)
    document = {"path": str(path), "training_id": training.id, "video_id": video.id}
    session.out.result(document, str(path))


def _save_samples(session: Session) -> None:
    """Write the demo's portrait and voice into this folder; never replace another file."""
    from ..errors import ConfigError, StorageError

    for source, target in zip(_SAMPLES, map(Path, _SAVED), strict=True):
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
    from .consent import consent_from

    if own or file is not None or not_a_real_person is not None:
        return consent_from(session.out, file, not_a_real_person)
    return Consent.not_a_real_person(_DRAWN)


def _check_script(text: str, stack: str) -> None:
    """Validate the text before the training, which takes time."""
    from ..intake.scripts import read_script
    from ..models import Operation
    from ..stacks.registry import Stack, load

    roles = Stack.parse(stack).roles
    names = {roles[o] for o in (Operation.SPEECH, Operation.VIDEO) if o in roles}
    providers: dict[str, Any] = {name: load(name) for name in names}
    speaker = roles.get(Operation.SPEECH, roles.get(Operation.VIDEO, ""))
    markup = providers[speaker].capabilities.markup if speaker else ()
    limits = [(name, limit) for name, p in providers.items() for limit in p.limits]
    read_script(text, limits, markup, speaker=speaker)
