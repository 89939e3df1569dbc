"""A vendor on this machine, in a process of its own so that its CPU is nobody's: any adapter's.

It reads whole requests and answers by their path; it looks at nothing else.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from contextlib import contextmanager

#: How a path begins -> what it answers.
ANSWERS = {
    b"GET /videos/": {
        "data": {
            "id": "v-1",
            "title": "a title",
            "status": "completed",
            "video_url": "https://files.example/v-1.mp4?signature=0123456789abcdef",
            "thumbnail_url": "https://files.example/v-1.jpg?signature=0123456789abcdef",
            "duration": 12.5,
            "created_at": 1_790_000_000,
            "completed_at": 1_790_000_100,
        }
    },
    b"POST /videos ": {"data": {"video_id": "v-1", "status": "waiting"}},
    b"POST /assets ": {"data": {"asset_id": "a-1"}},
    b"POST /v1/voices/add": {"voice_id": "voice-1", "requires_verification": False},
    b"GET /bench/": {"id": "job-1", "status": "done"},
    b"POST /bench/": {"id": "job-1", "status": "working"},
    b"POST /v1/text-to-speech/": b"\xff\xfb" + bytes(128 << 10),
}


def _answer(body):
    kind = "audio/mpeg" if isinstance(body, bytes) else "application/json"
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\nx-request-id: r-1\r\n"
    return f"{head}content-length: {len(content)}\r\n\r\n".encode() + content


class Vendor(asyncio.Protocol):
    """One connection, kept open from request to request."""

    def connection_made(self, transport):
        self.transport, self.head, self.missing, self.chunked = transport, b"", 0, False

    def data_received(self, data):
        if self.missing:
            self.missing -= len(data)
        elif self.chunked:
            self.chunked = not data.endswith(b"0\r\n\r\n")
        else:
            head, end, rest = (self.head + data).partition(b"\r\n\r\n")
            self.head = head + end
            if not end:
                return
            fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
            self.missing = int(fields.get(b"content-length", 0)) - len(rest)
            self.chunked = b"transfer-encoding" in fields and not rest.endswith(b"0\r\n\r\n")
        if not self.missing and not self.chunked:
            said = next(said for path, said in ANSWERS.items() if self.head.startswith(path))
            self.head = b""
            self.transport.write(_answer(said))


async def _serve():
    server = await asyncio.get_running_loop().create_server(Vendor, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)  # until whoever started it is gone


@contextmanager
def vendor():
    """Run it; yields its address."""
    command = [sys.executable, __file__, "serve"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
        process.stdin.close()


if __name__ == "__main__" and sys.argv[1:] == ["serve"]:
    asyncio.run(_serve())
