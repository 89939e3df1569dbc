"""Decoding of untrusted media files by FFmpeg (PyAV).

The only place that opens a file with PyAV for reading. An error that FFmpeg reports about the
file becomes ``DecodeError``; any other exception is a fault of the program and passes unchanged,
so that our own ``TypeError`` is never reported as a damaged recording.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, ParamSpec, TypeVar

import av
from av.error import FFmpegError

if TYPE_CHECKING:
    from av.container import InputContainer

P = ParamSpec("P")
T = TypeVar("T")

#: Exceptions by which FFmpeg and PyAV report a bad file. ``UnicodeDecodeError``: metadata that is
#: not UTF-8; ``MemoryError``: a header that asks for more than FFmpeg may allocate.
_BAD_FILE = (FFmpegError, UnicodeDecodeError, MemoryError)
#: PyAV up to 18 raises on metadata that is not UTF-8 unless told otherwise; 19 has no such option.
_LENIENT: Mapping[str, Any] = (
    {"metadata_errors": "replace"} if int(av.__version__.split(".", 1)[0]) < 19 else {}
)


class DecodeError(Exception):
    """FFmpeg cannot decode a file, or a part of it; ``__cause__`` is FFmpeg's own error."""


@contextmanager
def open_media(source: Path | BinaryIO, **options: Any) -> Generator[InputContainer]:
    """Open a media file for reading; ``options`` are those of ``av.open``.

    Raises ``DecodeError`` if FFmpeg rejects the file, also while the block decodes it.
    """
    try:
        with av.open(source, "r", **_LENIENT, **options) as container:
            yield container
    except _BAD_FILE as error:
        raise DecodeError(f"{type(error).__name__}: {error}") from error


def decode(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call one of PyAV's functions on data of the file, such as ``packet.decode``.

    PyAV also raises ``ValueError`` and ``OverflowError`` for values that a damaged stream holds
    (formats and sizes that do not exist); around a single call of PyAV these are the file's fault.
    """
    try:
        return function(*args, **kwargs)
    except (*_BAD_FILE, ValueError, OverflowError) as error:
        raise DecodeError(f"{type(error).__name__}: {error}") from error
