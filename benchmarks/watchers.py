"""What 1,000 watchers cost the server, and how soon a watcher sees a change.

Memory and CPU: so many connections open the events of one training, and each is told of so many
changes, in a server of its own per side and round; the bare side is a response of the same SSE
library in the same app, whose generator waits for an event and yields the same text. Time: from the
answer that says that a webhook delivery is stored to the line that its watcher reads, each of a
video of its own, while the others watch. Run it as ``python benchmarks/watchers.py``.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from measures import Bar, arguments, report
from served import asked_to_serve, cpu, memory, served
from sse_starlette.sse import EventSourceResponse
from starlette.responses import JSONResponse
from starlette.routing import Route
from webhooks import KEY, SECRET, app, digest, fill

from avatarkit import json_views

WATCHERS, CHANGES = 1000, 20
TOKEN = "a-token-of-a-machine"

BARE, OURS = "1,000 bare SSE responses", "1,000 watchers"
BARS = (Bar(OURS, BARE, 1.2),)
VIDEOS = 200


def record_id(number):
    return str(uuid5(NAMESPACE_URL, f"video-{number}"))


def watched(folder):
    """The server's app, with a bare stream and a change that both are told of."""
    made, kit, repository = app(folder)
    news = {"version": 0, "text": "", "changed": asyncio.Event()}

    async def change(request):
        del request
        record = await repository.get(record_id(0))
        new = record.model_copy(update={"progress": record.progress + 1})
        saved = await repository.save(record, new)
        kit._changes.tell(saved)  # noqa: SLF001 - as the orchestrator does
        shape = json_views.record_json(saved) | {"links": {}, "version": saved.version}
        told, news["changed"] = news["changed"], asyncio.Event()
        news["version"], news["text"] = saved.version, json.dumps(shape, separators=(",", ":"))
        told.set()
        return JSONResponse({})

    async def bare(request):
        del request

        async def stream():
            while True:
                changed = news["changed"]
                yield {"id": str(news["version"]), "event": "change", "data": news["text"]}
                await changed.wait()

        return EventSourceResponse(stream(), headers={"cache-control": "no-store"})

    made.router.routes.insert(0, Route("/bare", bare))
    made.router.routes.insert(0, Route("/change", change, methods=["POST"]))
    return made


class Reader(asyncio.Protocol):
    """One connection, which sends a request and notes when events come."""

    def __init__(self, method, path, port, body=b"", **headers):
        lines = [f"{method} {path} HTTP/1.1", f"host: 127.0.0.1:{port}"]
        lines += [f"content-length: {len(body)}", "content-type: application/json"] if body else []
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self._request = "\r\n".join([*lines, "", ""]).encode() + body
        self._read, self._wanted = b"", {}
        self.answered = asyncio.get_running_loop().create_future()
        self.events, self.at = 0, 0.0

    def connection_made(self, transport):
        self.transport = transport
        transport.write(self._request)

    def data_received(self, data):
        if not self.answered.done():
            self.answered.set_result((time.perf_counter(), data[:12]))
        self._read += data
        *lines, self._read = self._read.split(b"\n")
        self.events += sum(line.startswith(b"data: ") for line in lines)
        self.at = time.perf_counter()
        for number in [n for n in self._wanted if n <= self.events]:
            self._wanted.pop(number).set_result(self.at)

    async def event(self, number):
        """Wait for so many events; when the last of them was there."""
        if self.events >= number:
            return self.at
        self._wanted[number] = asyncio.get_running_loop().create_future()
        return await self._wanted[number]


async def opened(port, *request, **headers):
    loop = asyncio.get_running_loop()
    _, reader = await loop.create_connection(
        lambda: Reader(*request[:2], port, *request[2:], **headers), "127.0.0.1", port
    )
    return reader


async def asked(port, *request, **headers):
    """When there was an answer, which must be 200."""
    reader = await opened(port, *request, **headers)
    at, status = await reader.answered
    assert status == b"HTTP/1.1 200", status
    reader.transport.close()
    return at


async def crowd(port, pid, path):
    """What so many watchers cost: MiB, and seconds of CPU to come and to be told of changes."""
    sign_in = {"authorization": f"Bearer {TOKEN}"}
    first = [await opened(port, "GET", path, **sign_in) for _ in range(20)]  # which imports
    await asyncio.gather(*(reader.event(1) for reader in first))
    await asked(port, "POST", "/change")
    await asyncio.gather(*(reader.event(2) for reader in first))
    before, used = memory(pid), cpu(pid)
    readers = []
    while len(readers) < WATCHERS:
        more = [await opened(port, "GET", path, **sign_in) for _ in range(50)]
        await asyncio.gather(*(reader.event(1) for reader in more))
        readers += more
    for number in range(2, CHANGES + 2):
        await asked(port, "POST", "/change")
        await asyncio.gather(*(reader.event(number) for reader in readers))
    cost = memory(pid) - before, cpu(pid) - used
    for reader in (*first, *readers):
        reader.transport.close()
    return cost


async def delays(port):
    """Seconds from a stored delivery to its watcher, while the others watch."""
    sign_in = {"authorization": f"Bearer {TOKEN}"}
    readers = []
    for number in range(VIDEOS):
        reader = await opened(port, "GET", f"/videos/{record_id(number)}/events", **sign_in)
        await reader.event(1)
        readers.append(reader)
    found = []
    for number, reader in enumerate(readers):
        body = json.dumps(
            {
                "event_id": f"evt_{number}",
                "event_type": "avatar_video.fail",
                "event_data": {"video_id": f"job-{number}", "msg": "no"},
            }
        ).encode()
        signed = {"heygen_signature": digest(body, KEY)}
        stored = await asked(port, "POST", f"/webhooks/heygen/{SECRET}", body, **signed)
        found.append(await reader.event(2) - stored)
    return found


async def filled(folder):
    """A database with so many videos."""
    await fill(folder / "twins.db", VIDEOS, record_id)


def side(measure):
    """What is measured with a fresh server."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        asyncio.run(filled(folder))
        with served(__file__, folder) as (port, pid):
            return asyncio.run(measure(port, pid))


def main():
    options = arguments(__doc__, rounds=7).parse_args()
    paths = {BARE: "/bare", OURS: f"/videos/{record_id(0)}/events"}
    rounds, late = [], []
    for _ in range(options.rounds):
        rounds.append({s: side(lambda p, i, at=at: crowd(p, i, at)) for s, at in paths.items()})
        late += side(lambda port, _: delays(port))
    missed = False
    for place, unit in enumerate(("MiB", "s of CPU")):
        found = [{s: cost[place] for s, cost in r.items()} for r in rounds]
        missed = report(found, BARS, unit, check=options.check) or missed
    cuts = statistics.quantiles(late, n=100)
    print(
        f"from a stored delivery to its watcher: median {statistics.median(late) * 1e3:.1f} ms, "
        f"p99 {cuts[98] * 1e3:.1f} ms, of {len(late)}"
    )
    sys.exit(missed)


if __name__ == "__main__" and not asked_to_serve(watched):
    main()
