"""A vendor that charges before it answers and loses some of its answers; a process of its own.

    python tests/proof/vendor.py --ledger FILE [--lost 0.02] [--seed 1] [--jobs 0.2 0.5]

It speaks HTTP/1.1 on a free loopback port, which it prints, and ends when its standard input does.

    POST   /voices | /avatars | /videos      JSON or multipart; ``name`` carries the caller's token
    GET    /voices/ID                        the job as it stands now
    GET    /voices?token=TOKEN&page=1        jobs of that name, one per page, listed with a lag
    DELETE /voices/ID
    GET    /files/ID                         the result's bytes
    GET    /ledger                           for the harness: everything ever charged
    GET    /charged                          for the harness: how many jobs that are
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import struct
import sys
import time
from dataclasses import asdict, dataclass
from email.message import Message
from email.parser import BytesParser
from pathlib import Path
from typing import TextIO
from urllib.parse import parse_qs, urlsplit

from avatarkit.providers.fake import filmed, portrait

KINDS = ("voices", "avatars", "videos")
#: A new job appears in lists after so many seconds.
LIST_LAG = 0.2
_PAGE = 1  # jobs; so small that even two jobs need a second page


@dataclass
class Charge:
    """A job that was accepted, and paid for at that moment."""

    id: str
    kind: str
    token: str
    at: float
    ends_at: float
    answered: bool = True
    unheard: bool = False  #: the caller was gone when it was answered
    deleted: bool = False


class Answer(Exception):
    """An HTTP answer, raised wherever it is known."""

    def __init__(self, status: int, body: object) -> None:
        super().__init__(status)
        self.status, self.body = status, body


class Vendor:
    """Accepts, charges, and forgets nothing."""

    def __init__(self, ledger: TextIO, seed: int, lost: float, jobs: tuple[float, float]) -> None:
        self.ledger, self.random, self.lost, self.jobs = ledger, random.Random(seed), lost, jobs
        self.charges: dict[str, Charge] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        try:
            while await self._request(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the caller is gone; what was accepted stays accepted
        finally:
            writer.close()

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        line, _, rest = head.partition(b"\r\n")
        method, target, _ = line.decode().split(" ")
        headers = BytesParser().parsebytes(rest, headersonly=True)
        body = await _body(reader, headers)
        try:
            status, answer = 200, await self._act(method, target, headers, body, reader)
        except Answer as known:
            status, answer = known.status, known.body
        if answer is None:
            return False  # the answer is lost: the connection just ends
        content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        writer.write(
            f"HTTP/1.1 {status} -\r\ncontent-length: {len(content)}\r\n"
            "content-type: application/json\r\n\r\n".encode()
            + content
        )
        await writer.drain()
        return True

    async def _act(
        self,
        method: str,
        target: str,
        headers: Message,
        body: bytes,
        caller: asyncio.StreamReader,
    ) -> object:
        url = urlsplit(target)
        kind, _, job_id = url.path.strip("/").partition("/")
        if method == "GET" and kind == "ledger":
            return {"charges": [asdict(c) for c in self.charges.values()]}
        if method == "GET" and kind == "charged":
            return {"count": len(self.charges)}
        if method == "GET" and kind == "files":
            return _result(self._charge(job_id.partition(".")[0]))
        if headers["x-acme-key"] != "acme-key":
            raise Answer(401, {"error": "no such key"})
        if kind not in KINDS:
            raise Answer(404, {"error": "no such page"})
        if method == "POST":
            return await self._accept(kind, _name(headers, body), caller)
        if method == "DELETE":
            self._charge(job_id).deleted = True
            return {}
        if job_id:
            return self._tell(self._charge(job_id))
        asked = parse_qs(url.query)
        return self._list(kind, asked.get("token", [""])[0], int(asked.get("page", ["1"])[0]))

    async def _accept(self, kind: str, token: str, caller: asyncio.StreamReader) -> object:
        latency = self.random.uniform(0.05, 0.15)
        before = latency * self.random.uniform(0, 0.5)
        await asyncio.sleep(before)
        now = time.time()
        charge = Charge(
            id=f"{kind[0]}{len(self.charges):05d}",
            kind=kind,
            token=token,
            at=now,
            ends_at=now + self.random.uniform(*self.jobs),
            answered=self.random.random() >= self.lost,
        )
        self.charges[charge.id] = charge
        self.ledger.write(json.dumps(asdict(charge)) + "\n")
        await asyncio.sleep(latency - before)
        charge.unheard = caller.at_eof()
        return self._tell(charge) if charge.answered else None

    def _charge(self, job_id: str) -> Charge:
        charge = self.charges.get(job_id)
        if charge is None or charge.deleted:
            raise Answer(404, {"error": "no such job"})
        return charge

    def _list(self, kind: str, token: str, page: int) -> object:
        listed_until = time.time() - LIST_LAG
        listed = [
            c
            for c in self.charges.values()
            if c.kind == kind and c.token == token and not c.deleted and c.at <= listed_until
        ]
        start = (page - 1) * _PAGE
        more = len(listed) > start + _PAGE
        items = [self._tell(c) for c in listed[start : start + _PAGE]]
        return {"items": items, "next_page": page + 1 if more else None}

    @staticmethod
    def _tell(charge: Charge) -> dict[str, object]:
        done = time.time() >= charge.ends_at
        told = {"id": charge.id, "name": charge.token, "created_at": charge.at}
        return told | {
            "status": "ready" if done else "working",
            "thumbnail": f"/files/{charge.id}.png" if done and charge.kind == "avatars" else None,
            "video": f"/files/{charge.id}.mp4" if done and charge.kind == "videos" else None,
        }


async def _body(reader: asyncio.StreamReader, headers: Message) -> bytes:
    if "chunked" not in headers.get("transfer-encoding", ""):
        return await reader.readexactly(int(headers.get("content-length", 0)))
    chunks = []
    while size := int(await reader.readline(), 16):
        chunks.append(await reader.readexactly(size))
        await reader.readline()
    await reader.readline()
    return b"".join(chunks)


def _result(charge: Charge) -> bytes:
    """A picture of an avatar, or a video whose last box names its job."""
    if charge.kind == "avatars":
        return portrait()
    note = charge.id.encode()
    return filmed(10.0) + struct.pack(">I4s", 8 + len(note), b"free") + note


def _name(headers: Message, body: bytes) -> str:
    """The caller's name for the job, from JSON or from a form."""
    kind = headers.get("content-type", "")
    if kind.startswith("multipart/"):
        form = BytesParser().parsebytes(b"content-type: " + kind.encode() + b"\r\n\r\n" + body)
        for part in form.get_payload():
            if part.get_param("name", header="content-disposition") == "name":
                return part.get_payload(decode=True).decode()
        raise Answer(422, {"error": "no name"})
    return json.loads(body)["name"]


async def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--lost", type=float, default=0.02)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=float, nargs=2, default=(0.2, 0.5))
    given = parser.parse_args()
    with given.ledger.open("a", buffering=1) as ledger:
        vendor = Vendor(ledger, given.seed, given.lost, tuple(given.jobs))
        server = await asyncio.start_server(vendor.serve, "127.0.0.1", 0)
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.read)
        server.close()


if __name__ == "__main__":
    asyncio.run(main())
