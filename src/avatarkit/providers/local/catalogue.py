"""The local provider's list: what was trained in its folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from ...interfaces import CatalogueEntry, CatalogueKind
from . import LANGUAGES

#: Folder of each kind.
FOLDERS: Mapping[CatalogueKind, str] = {"avatar": "avatars", "voice": "voices"}


def entries(home: Path, kind: CatalogueKind) -> Iterator[CatalogueEntry]:
    """Read the entries of a kind by name; unfinished and deleted ones begin with a dot."""
    folder = home / FOLDERS[kind]
    for path in sorted(folder.glob("[!.]*")) if folder.is_dir() else ():
        yield CatalogueEntry(
            provider="local",
            kind=kind,
            id=path.name,
            name=path.name,
            own=True,
            languages=LANGUAGES,
        )
