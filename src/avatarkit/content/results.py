"""Results of vendors: each is checked as the type that it claims to be, marked, and stored.

``integrity`` reads the container in pure Python; with PyAV (extra ``media``) ``playback`` decodes
the file as well. A file that fails either is not stored.
"""

from __future__ import annotations

import importlib.util
import math
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Protocol

from .. import errors
from .._log import get_logger
from ..interfaces import MediaStore
from ..models import StoredFile
from . import sandbox
from .containers import ENDLESS, SUFFIXES
from .credentials import Marking
from .files import chunks as pieces
from .files import spool, temporary_folder
from .integrity import Contents, DamagedError, Kind, describe, examine, is_text

log = get_logger(__name__)

#: Kinds of file that a result of this name may be; others are what the end of their link says.
KINDS: Mapping[str, frozenset[Kind]] = {
    "video": frozenset({"video"}),
    "audio": frozenset({"audio"}),
    "thumbnail": frozenset({"image"}),
    "preview": frozenset({"video", "image", "audio"}),
    "subtitles_srt": frozenset({"text"}),
    "subtitles_vtt": frozenset({"text"}),
}
#: Kinds of a result whose name is not known, by the first part of its media type.
_BY_TYPE: Mapping[str, frozenset[Kind]] = {
    "video": KINDS["video"],
    "audio": KINDS["audio"],
    "image": KINDS["thumbnail"],
}
#: Sound without a container: media type -> bytes a second, or None if that is not fixed.
_RAW: Mapping[str, int | None] = {
    "audio/pcm": None,
    "audio/basic": 8000,
    "audio/x-alaw-basic": 8000,
}


#: Types of speech that can be checked.
SPEECH_TYPES = frozenset({kind for kind in SUFFIXES if kind.startswith("audio/")} | _RAW.keys())


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """Length that a result must have, and the reason."""

    least: float  #: seconds
    most: float  #: seconds
    because: str  #: completes "it lasts 0.2 s, and ..."


def as_told(seconds: float) -> Length:
    """Length that the vendor states: vendors round to seconds, encoders fill the last frame."""
    margin = max(1.0, 0.05 * seconds)
    because = f"the vendor says that it lasts {seconds:.1f} s"
    return Length(least=seconds - margin, most=seconds + margin, because=because)


def as_spoken(seconds: float) -> Length:
    """Length of a video that speaks this sound: it may have an intro, but no word is left out."""
    because = f"the sound that it speaks lasts {seconds:.1f} s"
    least = seconds - max(1.0, 0.05 * seconds)
    return Length(least=least, most=seconds * 2 + 30.0, because=because)


def as_dubbed(seconds: float) -> Length:
    """Length of a dub: another language takes longer or shorter, at most by half or twice."""
    because = f"its original lasts {seconds:.1f} s"
    return Length(least=seconds * 0.5 - 1.0, most=seconds * 2 + 30.0, because=because)


#: Letters a second that no voice exceeds: more than twice the usual 15, at a vendor's top speed.
_FASTEST = 40.0


def as_read(script: str) -> Length:
    """Length of a script: a voice needs this long at its fastest; pauses have no limit."""
    letters = sum(c.isalnum() for c in re.sub(r"<[^<>]*>", " ", script))
    because = f"its text has {letters} letters"
    return Length(least=letters / _FASTEST - 0.5, most=float("inf"), because=because)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Properties that a result must have."""

    name: str  #: "video", "audio", "thumbnail", ...
    media_type: str = ""  #: by its link or by the answer; empty if neither says one
    lengths: tuple[Length, ...] = ()
    provider: str = "avatarkit"
    operation: str = ""

    @property
    def kinds(self) -> frozenset[Kind] | None:
        """Kinds of file that it may be; None for any that is known."""
        if self.name in KINDS:
            return KINDS[self.name]
        return _BY_TYPE.get(self.media_type.partition("/")[0])


class Keep(Protocol):
    """Function that stores a result under a key without its extension."""

    async def __call__(
        self, place: str, chunks: AsyncIterator[bytes], expected: Expected, /
    ) -> StoredFile:
        """Raises ``BadResult`` for a file that is not what is expected."""
        ...


class Results:
    """Store for results: ``marking`` labels them as made by AI; None leaves them as they came."""

    def __init__(self, media: MediaStore, marking: Marking | None) -> None:
        self._media = media
        self._marking = marking

    async def keep(
        self, place: str, chunks: AsyncIterator[bytes], expected: Expected, /
    ) -> StoredFile:
        """Check a stream and store it; its extension and media type are those of its contents.

        Raises ``BadResult`` for a file that is not what is expected; then nothing is stored.
        """
        with temporary_folder() as folder:
            path = folder / "result"
            await spool(path, chunks)
            found = await check(path, expected)
            key = f"{place}{SUFFIXES.get(found.media_type, '')}"
            if self._marking is None:
                stored = await self._media.put(key, pieces(path), found.media_type)
            else:
                stored = await self._marking.put(self._media, key, path, found.media_type)
        return stored.model_copy(update={"seconds": found.seconds})


async def check(path: Path, expected: Expected) -> Contents:
    """Check a file as what it claims to be. Raises ``BadResult`` with the reason."""
    try:
        found = _raw(path, expected) or await _whole(path, expected)
        if expected.media_type not in _RAW and "text" not in found.streams and _plays():
            found = await _played(path, found)
        _measure(found, expected.lengths)
    except DamagedError as error:
        raise errors.BadResult(
            f"the {expected.name} that was delivered cannot be used: {error}",
            provider=expected.provider,
            operation=expected.operation,
        ) from error
    return found


def _measure(found: Contents, lengths: tuple[Length, ...]) -> None:
    known = found.seconds is not None and any(math.isfinite(length.most) for length in lengths)
    if found.media_type in ENDLESS and not known:
        raise DamagedError(f"a file of {found.media_type} does not tell if it was cut off")
    for length in lengths:
        if found.seconds is not None and not length.least <= found.seconds <= length.most:
            raise DamagedError(f"it lasts {found.seconds:.1f} s, and {length.because}")


def _raw(path: Path, expected: Expected) -> Contents | None:
    """Sound without a container; None for other types."""
    if expected.media_type not in _RAW:
        return None
    with path.open("rb") as file:
        head = file.read(4096)
    if not head or is_text(head):
        raise DamagedError(f"it is {describe(head)}" if head else "it is empty (0 bytes)")
    rate = _RAW[expected.media_type]
    seconds = path.stat().st_size / rate if rate else None
    audio = frozenset[Kind]({"audio"})
    return Contents(media_type=expected.media_type, streams=audio, seconds=seconds)


async def _whole(path: Path, expected: Expected) -> Contents:
    try:
        found = await examine.run(path)
    except sandbox.LimitExceeded as error:
        raise DamagedError(f"it {error.reason}") from error
    _require(found, expected.kinds)
    return found


def _require(found: Contents, kinds: frozenset[Kind] | None) -> None:
    if not found.streams:
        raise DamagedError("it has neither pictures nor sound")
    if kinds is None:
        return
    main: Kind = "video" if "video" in found.streams else next(iter(found.streams))
    if main not in kinds:
        wanted = " or ".join(sorted(kinds))
        raise DamagedError(f"it holds {found.media_type} and no {wanted}")


@cache
def _plays() -> bool:
    """True if PyAV is installed."""
    return importlib.util.find_spec("av") is not None


async def _played(path: Path, found: Contents) -> Contents:
    """Decode it in the sandbox; the length is then that of what was decoded.

    A file that takes too long to decode is taken by its container alone.
    """
    from .playback import play

    try:
        played = await play.run(path)
    except sandbox.LimitExceeded as error:
        if error.what == "time":
            log.warning("result.not_decoded", media_type=found.media_type)
            return found
        raise DamagedError(f"it {error.reason}") from error
    pictures = "video" in found.streams or "image" in found.streams
    if played.problem:
        raise DamagedError(played.problem)
    if (pictures and not played.video) or ("audio" in found.streams and not played.audio):
        raise DamagedError(f"no {'picture' if pictures else 'sound'} in it can be decoded")
    return replace(found, seconds=played.seconds or found.seconds)
