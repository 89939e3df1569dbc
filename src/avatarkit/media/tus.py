"""Uploads by the tus protocol 1.0 (tus.io/protocols/resumable-upload): a cut costs what it cut.

Create, then send part after part; after a cut, ask how much has arrived, and go on from there.
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

__all__ = ["CHUNK", "upload"]

#: Bytes of a part; Supabase wants exactly so many in all but the last
#: (supabase.com/docs/guides/storage/uploads/resumable-uploads, read 2026-11-24).
CHUNK = 6 << 20

_CUTS = 20  #: how often one upload is taken up again
_PATIENCE = 5.0  #: seconds for taking back what failed
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
    """Upload a file that is not empty; whether the server has acknowledged its end.

    ``headers`` go with every request, and to ``endpoint``'s origin only. False where the last
    answer was lost although all bytes have arrived: then look at what is there. Raises what
    ``http.stream`` raises, and ``StorageError`` where it is cut again and again. What failed is
    taken back, as far as the server can still be reached.
    """
    session = _Upload(client, {**_VERSION, **headers}, file, call)
    await session.create(endpoint, metadata)
    try:
        while session.offset < file.size:
            await http.retried(call, session.advance)
    except BaseException:
        with anyio.move_on_after(_PATIENCE, shield=True):
            await session.withdraw()
        raise
    return session.acknowledged


class _Upload:
    """One file on its way, and how much of it has arrived."""

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
        self._once = replace(call, attempts=1)  # what is repeated is ``advance``
        self._place = ""
        self._doubtful = False
        self._cuts = 0
        self.offset = 0
        self.acknowledged = False

    async def create(self, endpoint: str, metadata: Mapping[str, str]) -> None:
        fields = (f"{name} {_base64(value)}" for name, value in metadata.items())
        told = {"Upload-Length": str(self._file.size), "Upload-Metadata": ",".join(fields)}
        self._place = endpoint
        answer = await http.retried(self._call, lambda: self._ask("POST", told))
        # Behind a gateway the server does not know its own address, and whatever it tells must
        # not learn the key: only the name of the upload is taken from it.
        name = urlsplit(answer.get("location", "")).path.rstrip("/").rpartition("/")[2]
        if not re.fullmatch(r"[A-Za-z0-9_.~=%+-]*[A-Za-z0-9_=-]", name):
            raise self._call.error(BadReply, "it made an upload, and does not say where")
        self._place = f"{endpoint}/{name}"

    async def advance(self) -> None:
        """Send the next part; after a cut, learn first where it begins."""
        if self._doubtful:
            self._cuts += 1
            if self._cuts > _CUTS:
                raise StorageError("the upload is cut again and again: try it later")
            self.offset = self._arrived(await self._ask("HEAD"), 0, self._file.size)
            self._doubtful = False
            if self.offset == self._file.size:
                return
        length = min(CHUNK, self._file.size - self.offset)
        told = {
            "Upload-Offset": str(self.offset),
            "Content-Type": "application/offset+octet-stream",
            "Content-Length": str(length),
        }
        self._doubtful = True
        answer = await self._ask("PATCH", told, self._file.part(self.offset, length))
        self.offset = self._arrived(answer, self.offset + 1, self.offset + length)
        self._doubtful = False
        self.acknowledged = self.offset == self._file.size

    async def withdraw(self) -> None:
        """Take back what has arrived; what cannot be taken back expires at the server."""
        try:
            await self._ask("DELETE")
        except (AvatarKitError, OSError):
            return

    def _arrived(self, answer: Mapping[str, str], least: int, most: int) -> int:
        told = answer.get("upload-offset", "")
        if re.fullmatch(r"[0-9]{1,18}", told) and least <= int(told) <= most:
            return int(told)
        raise self._call.error(BadReply, "it does not say how much has arrived")

    async def _ask(
        self,
        method: str,
        headers: Mapping[str, str] | None = None,
        content: bytes | AsyncIterable[bytes] = b"",
    ) -> Mapping[str, str]:
        """Send one request; the headers of a success."""
        request = self._client.build_request(
            method, self._place, headers={**self._headers, **(headers or {})}, content=content
        )
        answer = await http.stream(self._client, request, self._once)
        async for _ in answer.chunks:  # to its end, so that the connection can be used again
            pass
        return answer.headers


def _base64(value: str) -> str:
    return base64.b64encode(value.encode()).decode()
