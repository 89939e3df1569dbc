"""Reader of marks: Content Credentials, metadata, sidecar and watermark of any file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import ConfigError, MediaRejected
from ..interfaces import Watermarker
from . import xmp
from .containers import Foreign, identify
from .credentials import AI_MADE, SIDECAR, Mark, has_credentials, verified
from .integrity import DamagedError, examine

State = Literal["valid", "invalid", "absent", "unchecked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One layer of marks in a file, or beside it."""

    layer: Literal["c2pa", "xmp", "sidecar", "watermark"]
    state: State
    detail: str


def read_marks(path: Path, watermarker: Watermarker | None = None) -> list[Layer]:
    """Read and verify every layer of marks; blocking.

    A damaged file is read as well, since who changes a file may damage it. Raises
    ``MediaRejected`` for a path that is no file, or is no media file of a known format.
    """
    if not path.is_file():
        raise MediaRejected(f"{path} is not a file: give the path of a video, recording or picture")
    media_type = _media_type(path)
    return [
        _credentials(path, media_type),
        _metadata(path),
        _sidecar(path),
        _watermark(path, media_type, watermarker),
    ]


def _media_type(path: Path) -> str:
    try:
        return examine(path).media_type
    except DamagedError as error:
        with path.open("rb") as file:
            found = identify(file, path.stat().st_size)
        if isinstance(found, Foreign):
            raise MediaRejected(f"{path.name} cannot be read: {error}") from error
        return found.media_type


def _credentials(path: Path, media_type: str) -> Layer:
    if not has_credentials(path):
        return Layer(layer="c2pa", state="absent", detail="no Content Credentials")
    try:
        found = verified(path, media_type)
    except ConfigError as error:
        return Layer(layer="c2pa", state="unchecked", detail=str(error))
    if found.state == "invalid":
        problems = ", ".join(found.problems)
        return Layer(layer="c2pa", state="invalid", detail=f"broken: {problems}")
    who = f"signed by {found.signer or 'an unnamed certificate'}"
    trust = "on the trust list" if found.trusted else "on no trust list"
    when = f"timestamp {found.time}" if found.time else "no timestamp"
    made = "made by AI" if found.ai_made else "does not say that AI made it"
    return Layer(layer="c2pa", state="valid", detail=f"{made}; {who}, {trust}; {when}")


def _metadata(path: Path) -> Layer:
    if xmp.stated(path, AI_MADE.encode()):
        return Layer(layer="xmp", state="valid", detail="made by AI (IPTC); not signed")
    return Layer(layer="xmp", state="absent", detail="no statement in XMP")


def _sidecar(path: Path) -> Layer:
    beside = path.with_name(f"{path.name}{SIDECAR}")
    if not beside.is_file():
        return Layer(layer="sidecar", state="absent", detail=f"no {beside.name}")
    try:
        mark = Mark.model_validate_json(beside.read_bytes())
    except ValueError:
        return Layer(layer="sidecar", state="invalid", detail=f"{beside.name} is damaged")
    if mark.digital_source_type != AI_MADE:
        return Layer(layer="sidecar", state="absent", detail="does not say that AI made it")
    with path.open("rb") as file:
        same = hashlib.file_digest(file, "sha256").hexdigest() == mark.sha256
    if not same:
        return Layer(layer="sidecar", state="invalid", detail="it speaks of other bytes")
    return Layer(layer="sidecar", state="valid", detail="made by AI; not signed")


def _watermark(path: Path, media_type: str, watermarker: Watermarker | None) -> Layer:
    if watermarker is None:
        return Layer(layer="watermark", state="unchecked", detail="no watermarker is configured")
    if not watermarker.takes(media_type):
        detail = f"{watermarker.name} cannot mark {media_type}"
        return Layer(layer="watermark", state="unchecked", detail=detail)
    if watermarker.find(path, media_type):
        return Layer(layer="watermark", state="valid", detail=f"found by {watermarker.name}")
    return Layer(layer="watermark", state="absent", detail=f"not found by {watermarker.name}")
