"""Request bodies: streamed files and multipart forms."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, cast
from uuid import uuid4

from ..models import Media

#: Bytes of a body, at most, that is sent in one piece: streaming costs more than such a copy.
_SMALL = 1 << 20


class Multipart:
    """Multipart form with streamed files; it can be iterated again for each attempt."""

    def __init__(self, fields: Mapping[str, Any], files: Sequence[tuple[str, Media]]) -> None:
        self._boundary = uuid4().hex
        self._fields = [
            self._head(name) + _form_text(one) for name, v in fields.items() for one in _each(v)
        ]
        self._files = [
            (self._head(name, media.name) + _content_type(media), media) for name, media in files
        ]
        self._end = f"--{self._boundary}--\r\n".encode()

    @property
    def headers(self) -> dict[str, str]:
        """Content type and length; with a known length, no chunked encoding is needed."""
        return {
            "content-type": f"multipart/form-data; boundary={self._boundary}",
            "content-length": str(self._length),
        }

    @property
    def _length(self) -> int:
        length = sum(len(part) for part in self._fields) + len(self._end)
        return length + sum(len(head) + media.size + 2 for head, media in self._files)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Stream the bytes; errors of the media store pass through unchanged.

        A small form is one piece, so that it is written at once.
        """
        if self._length > _SMALL:
            async for chunk in self._parts():
                yield chunk
        else:
            yield b"".join([chunk async for chunk in self._parts()])

    async def _parts(self) -> AsyncIterator[bytes]:
        for part in self._fields:
            yield part
        for head, media in self._files:
            yield head
            async for chunk in media.open():
                yield chunk
            yield b"\r\n"
        yield self._end

    def _head(self, name: str, filename: str | None = None) -> bytes:
        given = "" if filename is None else f'; filename="{_quoted(filename)}"'
        disposition = f'Content-Disposition: form-data; name="{_quoted(name)}"{given}'
        return f"--{self._boundary}\r\n{disposition}\r\n".encode()


class Upload:
    """Body of one streamed recording; it can be iterated again for each attempt."""

    def __init__(self, media: Media) -> None:
        self._media = media

    @property
    def headers(self) -> dict[str, str]:
        """Content type and length."""
        return {"content-type": self._media.media_type, "content-length": str(self._media.size)}

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Stream the bytes; errors of the media store pass through unchanged."""
        async for chunk in self._media.open():
            yield chunk


def _each(value: Any) -> Sequence[Any]:
    """The values of a field: a list is a field that is repeated."""
    return cast("Sequence[Any]", value) if isinstance(value, list | tuple) else (value,)


def _form_text(value: Any) -> bytes:
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"\r\n{text}\r\n".encode()


def _content_type(media: Media) -> bytes:
    return f"Content-Type: {media.media_type}\r\n\r\n".encode()


def _quoted(name: str) -> str:
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
