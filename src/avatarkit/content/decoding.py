"""Decoding of untrusted media files by FFmpeg (PyAV).

The only place that opens a file with PyAV for reading. An error that FFmpeg reports about the
file becomes ``DecodeError``; any other exception is a fault of the program and passes unchanged,
so that our own ``TypeError`` is never reported as a damaged recording.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, ParamSpec, TypeVar, cast

import av
from av.error import FFmpegError

from . import claims
from .containers import Container, Foreign, identify
from .limits import MAX_PIXELS
from .sandbox import NEEDS_MEMORY, LimitExceeded

if TYPE_CHECKING:
    from av.container import InputContainer

P = ParamSpec("P")
T = TypeVar("T")

#: Exceptions by which FFmpeg and PyAV report a bad file. ``UnicodeDecodeError``: metadata that is
#: not UTF-8.
_BAD_FILE = (FFmpegError, UnicodeDecodeError)
#: PyAV up to 18 raises on metadata that is not UTF-8 unless told otherwise; 19 has no such option.
_LENIENT: Mapping[str, Any] = (
    {"metadata_errors": "replace"} if int(av.__version__.split(".", 1)[0]) < 19 else {}
)


def too_much_memory() -> LimitExceeded:
    """Error of a file whose decoder could not allocate what it needs."""
    return LimitExceeded(NEEDS_MEMORY, "memory")


class DecodeError(Exception):
    """FFmpeg cannot decode a file, or a part of it; ``__cause__`` is FFmpeg's own error."""


#: Threads of a decoder at most: each holds frames, and one for each core could exceed the memory.
_THREADS: Final = 2


def _reason(error: Exception) -> str:
    """FFmpeg's own words, without the path of the file."""
    return getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"


class StillError(DecodeError):
    """A picture was opened as a recording; ``pictures.read_picture`` reads it."""


class CutOffError(DecodeError):
    """The end of the file is missing, so that nothing can be decoded."""

    def __init__(self) -> None:
        super().__init__("it is cut off")


@contextmanager
def open_media(
    source: Path | BinaryIO, container: Container | None = None, **options: Any
) -> Generator[InputContainer]:
    """Open a media file for reading; ``options`` are those of ``av.open``.

    FFmpeg may try only the demuxer of ``container``, so that no playlist or script is smuggled in;
    None: the type is identified here. Raises ``DecodeError`` if the file is no recording, or if
    FFmpeg rejects it, also while the block decodes it, and ``LimitExceeded`` if it asks for more
    memory than FFmpeg or this process may allocate.
    """
    check_claims(source)
    found = container or identified(source)
    if isinstance(found, Foreign):
        raise DecodeError(f"it holds {found.words}")
    if not found.demuxer:
        raise StillError("it is a picture")
    limits = {"max_pixels": str(MAX_PIXELS)}
    try:
        with av.open(
            source, "r", format=found.demuxer, options=limits, **_LENIENT, **options
        ) as opened:
            if found.cut_off and not opened.streams:
                raise CutOffError
            for stream in moving(opened):
                stream.codec_context.thread_count = _THREADS
            yield opened
    except MemoryError as error:
        raise too_much_memory() from error
    except _BAD_FILE as error:
        raise DecodeError(_reason(error)) from error


def check_claims(source: Path | BinaryIO) -> None:
    """Raise ``LimitExceeded`` for a claim that the file cannot hold, before it is decoded."""
    if isinstance(source, Path):
        with source.open("rb") as file:
            claims.check(file)
    else:
        claims.check(getattr(source, "raw", source))  # its few small reads need no buffer
        source.seek(0)


def identified(source: Path | BinaryIO) -> Container | Foreign:
    """Tell the type of a file by its structure."""
    if isinstance(source, Path):
        with source.open("rb") as file:
            return identify(file, source.stat().st_size)
    size = source.seek(0, os.SEEK_END)
    found = identify(source, size)
    source.seek(0)
    return found


def moving(opened: InputContainer) -> list[Any]:
    """Video streams that can be decoded, without cover pictures."""
    return [s for s in videos(opened) if s.codec_context is not None]


def videos(opened: InputContainer) -> list[Any]:
    """Video streams without cover pictures, also those that FFmpeg cannot decode."""
    return [stream for stream in opened.streams.video if not is_cover(stream)]


def is_cover(stream: Any) -> bool:
    """True for a cover picture, which is a stream to FFmpeg."""
    return bool(stream.disposition & stream.disposition.attached_pic)


def packets(opened: InputContainer, streams: Any) -> Iterator[Any]:
    """Read the packets of one or more streams; raises ``DecodeError``."""
    reader: Iterator[Any] = iter(cast("Any", opened).demux(streams))
    # PyAV raises IndexError at the end, if another stream began later than the index told.
    with suppress(IndexError):
        while (packet := decode(next, reader, None)) is not None:
            yield packet


#: Damaged packets of a stream that are skipped, as players do.
DAMAGES: Final = 50
#: Frames after which the garbage collector runs. A frame whose side data were read is part of a
#: cycle, and large ones would fill the memory long before Python collects them by itself.
FRAMES_HELD: Final = 8


def frames(opened: InputContainer, stream: Any) -> Iterator[Any]:
    """Decode a stream, skipping some damaged packets; raises ``DecodeError`` if nothing is left.

    A file that breaks off ends there, if anything was decoded.
    """
    seen, damages, count = False, 0, 0
    reader = packets(opened, stream)
    while True:
        try:
            packet = next(reader, None)
            decoded: list[Any] | None = decode(packet.decode) if packet is not None else None
        except DecodeError:
            damages += 1
            if damages > DAMAGES or (not seen and damages == DAMAGES):
                if seen:
                    return
                raise
            continue
        if decoded is None:
            return
        for frame in decoded:
            seen = True
            yield frame
        count += len(decoded)
        if count >= FRAMES_HELD:
            count = 0
            gc.collect(0)


def decode(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call one of PyAV's functions on data of the file, such as ``packet.decode``.

    PyAV also raises ``ValueError`` and ``OverflowError`` for values that a damaged stream holds
    (formats and sizes that do not exist); around a single call of PyAV these are the file's fault.
    """
    try:
        return function(*args, **kwargs)
    except MemoryError as error:
        raise too_much_memory() from error
    except (*_BAD_FILE, ValueError, OverflowError) as error:
        raise DecodeError(_reason(error)) from error
