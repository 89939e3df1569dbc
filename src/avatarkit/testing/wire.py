"""A scripted vendor: it answers from a list, and never opens a socket.

A forgotten answer fails the test instead of reaching the network.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.parser import BytesParser
from typing import Any, Self

import httpx

__all__ = ["Wire"]


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    content: bytes
    headers: dict[str, str]


class Wire:
    """Give ``client`` to an adapter; the last scripted answer stands for all that follow."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []  #: all that was sent, oldest first
        self._script: deque[_Answer | Exception] = deque()
        self._last: _Answer | Exception | None = None
        self.client = httpx.AsyncClient(transport=httpx.MockTransport(self._handle))

    def reply(self, body: Any = None, status: int = 200, **headers: str) -> Self:
        """Answer with JSON, or with bytes as they are; ``retry_after="7"`` is a header."""
        content = body if isinstance(body, bytes) else b""
        if body is not None and not isinstance(body, bytes):
            content = json.dumps(body).encode()
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        names.setdefault("content-length", str(len(content)))
        self._script.append(_Answer(status, content, names))
        return self

    def fail(self, error: type[Exception]) -> Self:
        """Break the connection with an exception of the HTTP client's."""
        self._script.append(error("scripted"))
        return self

    def body(self, index: int = -1) -> dict[str, Any]:
        """Body of a request: JSON, or the fields and the files (as bytes) of a form."""
        request = self.requests[index]
        kind = request.headers.get("content-type", "")
        if kind.startswith("multipart/form-data"):
            return _form(kind, request.content)
        said: dict[str, Any] = json.loads(request.content or b"{}")
        return said

    async def _handle(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.requests.append(request)
        if self._script:
            self._last = self._script.popleft()
        if self._last is None:
            raise AssertionError(f"nothing is scripted for {request.method} {request.url.path}")
        if isinstance(self._last, Exception):
            raise self._last
        answer = self._last
        return httpx.Response(answer.status, content=_streamed(answer), headers=answer.headers)


async def _streamed(answer: _Answer) -> AsyncIterator[bytes]:
    yield answer.content


def _form(kind: str, content: bytes) -> dict[str, Any]:
    message = BytesParser().parsebytes(f"content-type: {kind}\r\n\r\n".encode() + content)
    said: dict[str, Any] = {}
    for part in message.walk():
        name = part.get_param("name", header="content-disposition")
        value = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(value, bytes):
            said[name] = value if part.get_filename() else value.decode()
    return said
