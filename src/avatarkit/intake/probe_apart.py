"""Probes a recording in the sandbox, so that no file harms this process."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from ..content import sandbox
from ..content.files import temporary_folder
from ..models import SampleRole
from . import probing
from .probing import Facts, Flaw, shown


@sandbox.job(  # probing says what is missing
    prepare=partial(
        sandbox.load, "PIL.Image", "avatarkit.content.pictures", "avatarkit.content.sound"
    )
)
def probe_here(
    path: Path, name: str, role: SampleRole | None, stills: int, folder: Path | None
) -> Facts:
    """Probe in this process; the stills become files in ``folder``."""
    facts = probing.probe(path, name, role, stills=stills)
    for number, still in enumerate(facts.stills):
        if folder is not None:
            (folder / f"{number}.ppm").write_bytes(still)
    return replace(facts, stills=())


def probe(
    path: Path, name: str | None = None, role: SampleRole | None = None, *, stills: int = 0
) -> Facts:
    """``probing.probe`` in a child process, within the limits of ``sandbox``; blocking.

    Exceeding a limit is a flaw. Nothing is decoded, and no child started, without PyAV.
    """
    if find_spec("av") is None or find_spec("numpy") is None:
        return probing.probe(path, name, role, stills=stills)
    label = shown(name or path.name)
    try:
        if not stills:
            return probe_here(path, label, role, 0, None)
        with temporary_folder() as folder:
            facts = probe_here(path, label, role, stills, folder)
            pictures = (file.read_bytes() for file in sorted(folder.iterdir()))
            return replace(facts, stills=tuple(pictures))
    except sandbox.LimitExceeded as error:
        return Facts(flaws=(Flaw(f"decoding-{error.what}", f"{label} {error.reason}"),))
