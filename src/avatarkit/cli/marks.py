"""``avatarkit marks``: the AI labels of a file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ..errors import MediaRejected
from .session import Panel, Session, command


def register(app: typer.Typer) -> None:
    """Add the command to the app."""
    command(app, "marks", Panel.PRIVACY)(_marks)


async def _marks(
    session: Session,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Video, recording or picture.")],
) -> None:
    """Read and verify the AI labels of a file: Content Credentials, XMP, sidecar, watermark.

    Fails if no layer is valid, or if one is broken.

    Example: `avatarkit marks hello.mp4`
    """
    import anyio.to_thread

    from ..content.marks import read_marks
    from ..content.watermark import watermarker_from

    watermarker = watermarker_from(session.settings().environ)
    layers = await anyio.to_thread.run_sync(read_marks, file, watermarker)
    session.out.table(
        {"file": str(file), "layers": [asdict(layer) for layer in layers]},
        ("layer", "state", "detail"),
        [(layer.layer, layer.state, layer.detail) for layer in layers],
    )
    broken = [layer.layer for layer in layers if layer.state == "invalid"]
    if broken:
        raise MediaRejected(f"{file.name} has broken marks: {', '.join(broken)}")
    if not any(layer.state == "valid" for layer in layers):
        raise MediaRejected(f"{file.name} carries no mark that says that AI made it")
