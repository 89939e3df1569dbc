"""Resumable uploads by the tus protocol 1.0 (tus.io/protocols/resumable-upload).

Create the upload, then send part after part; after an interruption, ask for the offset and resume.
"""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterable, Mapping
from dataclasses import replace
from urllib.parse import urlsplit

import anyio

from .. import http
from ..errors import AvatarKitError, BadReply, StorageError
from .spool import Spooled

#: Bytes of a part; Supabase requires this size for all parts but the last
#: (supabase.com/docs/guides/storage/uploads/resumable-uploads, read 2026-11-24).
CHUNK = 6 << 20

_RESUMES = 20  #: of one upload, at most
_WITHDRAWAL = 5.0  #: seconds for deleting a failed upload
_VERSION = {"Tus-Resumable": "1.0.0"}


async def upload(
    client: http.Client,
    endpoint: str,
    file: Spooled,
    *,
    headers: Mapping[str, str],
    metadata: Mapping[str, str],
    call: http.Call,
) -> bool:
    """Upload a file that is not empty; True if the server confirmed the end.

    ``headers`` go with every request, and to ``endpoint``'s origin only. False if all bytes have
    arrived but the last answer was lost: then check the stored file. Raises the errors of
    ``http.stream``, and ``StorageError`` after too many interruptions. A failed upload is deleted
    at the server if it can be reached.
    """
    session = _Upload(client, {**_VERSION, **headers}, file, call)
    await session.create(endpoint, metadata)
    try:
        while session.offset < file.size:
            await http.retried(call, session.advance)
    except BaseException:
        with anyio.move_on_after(_WITHDRAWAL, shield=True):
            await session.withdraw()
        raise
    return session.acknowledged


class _Upload:
    """Upload under way; ``offset`` counts the bytes that have arrived."""

    def __init__(
        self,
        client: http.Client,
        headers: Mapping[str, str],
        file: Spooled,
        call: http.Call,
    ) -> None:
        self._client = client
        self._headers = headers
        self._file = file
        self._call = call
        self._once = replace(call, attempts=1)  # ``advance`` is what is repeated
        self._place = ""
        self._doubtful = False
        self._resumes = 0
        self.offset = 0
        self.acknowledged = False

    async def create(self, endpoint: str, metadata: Mapping[str, str]) -> None:
        fields = (f"{name} {_base64(value)}" for name, value in metadata.items())
        asked = {"Upload-Length": str(self._file.size), "Upload-Metadata": ",".join(fields)}
        self._place = endpoint
        answer = await http.retried(self._call, lambda: self._ask("POST", asked))
        # Behind a gateway the server does not know its own address, and another address must not
        # receive the key: only the name of the upload is used.
        name = urlsplit(answer.get("location", "")).path.rstrip("/").rpartition("/")[2]
        if not re.fullmatch(r"[A-Za-z0-9_.~=%+-]*[A-Za-z0-9_=-]", name):
            raise self._call.error(BadReply, "it created an upload without a valid Location")
        self._place = f"{endpoint}/{name}"

    async def advance(self) -> None:
        """Send the next part; after an interruption, ask for the offset first."""
        if self._doubtful:
            self._resumes += 1
            if self._resumes > _RESUMES:
                raise StorageError("the upload is interrupted again and again: try again later")
            self.offset = self._arrived(await self._ask("HEAD"), 0, self._file.size)
            self._doubtful = False
            if self.offset == self._file.size:
                return
        length = min(CHUNK, self._file.size - self.offset)
        headers = {
            "Upload-Offset": str(self.offset),
            "Content-Type": "application/offset+octet-stream",
            "Content-Length": str(length),
        }
        self._doubtful = True
        answer = await self._ask("PATCH", headers, self._file.part(self.offset, length))
        self.offset = self._arrived(answer, self.offset + 1, self.offset + length)
        self._doubtful = False
        self.acknowledged = self.offset == self._file.size

    async def withdraw(self) -> None:
        """Delete the upload; if that fails, it expires at the server."""
        try:
            await self._ask("DELETE")
        except (AvatarKitError, OSError):
            return

    def _arrived(self, answer: Mapping[str, str], least: int, most: int) -> int:
        offset = answer.get("upload-offset", "")
        if re.fullmatch(r"[0-9]{1,18}", offset) and least <= int(offset) <= most:
            return int(offset)
        raise self._call.error(BadReply, "it answers without a valid Upload-Offset")

    async def _ask(
        self,
        method: str,
        headers: Mapping[str, str] | None = None,
        content: bytes | AsyncIterable[bytes] = b"",
    ) -> Mapping[str, str]:
        """Send one request; return the headers of a success."""
        request = self._client.build_request(
            method, self._place, headers={**self._headers, **(headers or {})}, content=content
        )
        answer = await http.stream(self._client, request, self._once)
        async for _ in answer.chunks:  # read to the end, so that the connection can be reused
            pass
        return answer.headers


def _base64(value: str) -> str:
    return base64.b64encode(value.encode()).decode()
