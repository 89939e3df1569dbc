"""Webhook deliveries per second, durably stored, by the real route over loopback.

64 connections send signed deliveries of known jobs, each the next one as soon as it has its
answer; the server checks, stores and answers them, and meanwhile applies what it has stored. It is
compared with a route of the same app that reads the body and answers: this is the lower bound of
the two, so the bar is there. Raw sqlite3, which inserts the same rows, made ready before, into the
same table, 64 or one per commit, is shown beside it. Run it as ``python benchmarks/webhooks.py``.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import json
import tempfile
import time
from pathlib import Path
from uuid import uuid4

from pydantic import SecretStr
from served import asked_to_serve, cpu, served
from starlette.responses import JSONResponse
from starlette.routing import Route
from transitions import Bar, Speed, Stopwatch, arguments, report

from avatarkit import AvatarKit
from avatarkit.clock import SystemClock
from avatarkit.interfaces import LogEntry, ProviderSettings
from avatarkit.models import JobState, Operation
from avatarkit.providers.heygen import HeyGen
from avatarkit.records import JobResult, OperationState, PaidCall, Phase, Status, Video
from avatarkit.repositories import rows
from avatarkit.repositories.sqlite import SqliteRepository
from avatarkit.repositories.sqlite_file import open_database, open_reader
from avatarkit.server import BearerTokens, create_app
from avatarkit.webhooks import Delivery

CONNECTIONS = 64
JOBS = 100  #: videos that the deliveries are about
KEY = b"whsec_0123456789abcdef"
SECRET = "the-secret-of-the-inbox"

OURS, IDLE = "deliveries stored by the route", "the same route, doing nothing"
RAW, SINGLE = f"raw sqlite3, {CONNECTIONS} inserts per commit", "raw sqlite3, 1 insert per commit"
BARS = (Bar(OURS, IDLE, 0.5), Bar(OURS, RAW, 0.0), Bar(OURS, SINGLE, 0.0))


def heygen():
    return HeyGen(ProviderSettings(api_key=SecretStr("a-key"), webhook_secrets=(KEY,)))


def app(folder):
    """The server's app over a SQLite file, and what it stands on."""
    repository = SqliteRepository(folder / "twins.db", clock=SystemClock())
    kit = AvatarKit(
        "heygen",
        repository=repository,
        media=folder / "media",
        worker=False,
        providers={"heygen": heygen()},
    )
    tokens = BearerTokens({"a-token-of-a-machine": "ana"})
    made = create_app(kit, authenticate=tokens, webhook_secret=SECRET, uploads=folder / "uploads")
    return made, kit, repository


def beside_idle(folder):
    """The same with one more route, which only answers."""
    made, _, _ = app(folder)

    async def idle(request):
        await request.body()
        return JSONResponse({"ok": True})

    place = next(n for n, r in enumerate(made.routes) if "webhooks/{provider}" in r.path)
    made.router.routes.insert(place, Route("/idle/{provider}/{secret}", idle, methods=["POST"]))
    return made


async def fill(path, count=JOBS, record_id=lambda _: str(uuid4())):
    """So many jobs, each of a video that waits for it."""
    repository = SqliteRepository(path, clock=SystemClock())
    await repository.open()
    now = time.time()
    for number in range(count):
        operation = OperationState(
            operation=Operation.VIDEO,
            provider="heygen",
            call=PaidCall(phase=Phase.DONE, attempt=1),
            job=JobResult(id=f"job-{number}", state=JobState.RUNNING),
        )
        record = Video(
            id=record_id(number), user_id="ana", clone_id=f"clone-{number}", stack="heygen",
            status=Status.PROCESSING, progress=10, operations=(operation,), created_at=now,
            updated_at=now, deadline_at=now + 86_400, next_at=now + 86_400,
        )  # fmt: skip
        await repository.create(record)
    await repository.aclose()


def digest(body, key):
    """How HeyGen signs."""
    return hmac.new(key, body, hashlib.sha256).hexdigest()


def deliveries(count):
    """Bodies and headers as HeyGen sends them, each of an event of its own."""
    jobs = itertools.cycle(range(JOBS))
    for _, number in zip(range(count), jobs, strict=False):
        body = json.dumps(
            {
                "event_id": f"evt_{uuid4().hex}",
                "event_type": "avatar_video.success",
                "event_data": {
                    "video_id": f"job-{number}",
                    "url": "https://files.example/v-1.mp4?signature=0123456789abcdef",
                    "callback_id": f"ak-{uuid4()}-video",
                },
                "created_at": "2026-11-25T12:05:00Z",
            }
        ).encode()
        yield body, {"heygen-signature": digest(body, KEY)}


class Sender(asyncio.Protocol):
    """One connection: sends what is next whenever it has an answer, until there is nothing."""

    def __init__(self, waiting):
        self._waiting, self._answer = waiting, b""
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self._transport = transport
        self._next()

    def _next(self):
        request = next(self._waiting, None)
        if request is None:
            self.done.set_result(None)
            self._transport.close()
        else:
            self._transport.write(request)

    def data_received(self, data):
        self._answer += data
        head, end, body = self._answer.partition(b"\r\n\r\n")
        if end and len(body) >= int(
            head.lower().partition(b"content-length:")[2].split(None, 1)[0]
        ):
            if not head.startswith(b"HTTP/1.1 200"):
                self.done.set_exception(RuntimeError(head.decode()))
            self._answer = b""
            self._next()

    def connection_lost(self, error):
        if not self.done.done():
            self.done.set_exception(error or RuntimeError("the server hung up"))


async def sent(port, path, count):
    """So many deliveries per second were answered."""
    requests = []
    for body, headers in deliveries(count):
        lines = [
            f"POST {path} HTTP/1.1",
            f"host: 127.0.0.1:{port}",
            "content-type: application/json",
            f"content-length: {len(body)}",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        requests.append("\r\n".join([*lines, "", ""]).encode() + body)
    waiting = iter(requests)
    loop = asyncio.get_running_loop()
    began = time.perf_counter()
    senders = [
        (await loop.create_connection(lambda: Sender(waiting), "127.0.0.1", port))[1]
        for _ in range(CONNECTIONS)
    ]
    await asyncio.gather(*(sender.done for sender in senders))
    return count / (time.perf_counter() - began)


def entries(count):
    """Rows as the inbox stores them."""
    vendor = heygen()
    for body, headers in deliveries(count):
        delivery = Delivery(body, headers)
        events = tuple(vendor.events(delivery))
        entry = LogEntry(
            provider="heygen", event_id=events[0].id, event_type=events[0].name, payload=body,
            received_at=delivery.received, signed=True, events=events,
        )  # fmt: skip
        columns = ("event_type", "payload", "received_at", "record_id", "outcome")
        yield (
            entry.provider,
            entry.event_id,
            *(getattr(entry, name) for name in columns),
            rows.log_doc(entry),
        )


def raw(path, count, group):
    """So many rows inserted by sqlite3, ``group`` per commit."""
    found = list(entries(count))
    connection, _ = open_database(path)
    with Stopwatch(count) as watch:
        for start in range(0, count, group):
            connection.execute("BEGIN IMMEDIATE")
            for row in found[start : start + group]:
                connection.execute(
                    "INSERT INTO avatar_webhooks (provider, event_id, event_type, payload, "
                    "received_at, record_id, outcome, doc) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    row,
                )
            connection.execute("COMMIT")
    connection.close()
    return watch.speed


def stored(path):
    """Deliveries that are kept, once all of them have been applied."""
    connection = open_reader(path)
    pending = "SELECT EXISTS (SELECT 1 FROM avatar_webhooks WHERE outcome = 'received')"
    while connection.execute(pending).fetchone()[0]:
        time.sleep(0.05)
    (count,) = connection.execute("SELECT count(*) FROM avatar_webhooks").fetchone()
    connection.close()
    return count


def one_round(folder, number, port, pid, count):
    """Every side once."""
    found = {}
    for side, path in ((IDLE, "idle"), (OURS, "webhooks")):
        before, used = stored(folder / "twins.db"), cpu(pid)
        speed = asyncio.run(sent(port, f"/{path}/heygen/{SECRET}", count))
        found[side] = Speed(speed, (cpu(pid) - used) / count)  # of the server
        kept = stored(folder / "twins.db") - before
        assert kept == (count if side == OURS else 0), kept
    found[RAW] = raw(folder / f"raw-{number}.db", count, CONNECTIONS)
    found[SINGLE] = raw(folder / f"single-{number}.db", count, 1)
    return found


def main():
    options = arguments(__doc__)
    options.add_argument("--deliveries", type=int, default=2000, help="per side and round")
    options = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        asyncio.run(fill(folder / "twins.db"))
        with served(__file__, folder) as (port, pid):
            one_round(folder, "first", port, pid, 200)  # which imports and compiles
            rounds = [
                one_round(folder, number, port, pid, options.deliveries)
                for number in range(options.rounds)
            ]
    report(rounds, BARS, check=options.check)


if __name__ == "__main__" and not asked_to_serve(beside_idle):
    main()
