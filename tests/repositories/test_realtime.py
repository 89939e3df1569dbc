"""Changes from Supabase Realtime, with a double of it in this process.

The double speaks the protocol as its page describes it (supabase.com/docs/guides/realtime/protocol,
1.0.0), and fails as was seen of real clients: joins that are refused, channels and connections that
end, servers that fall silent. No Realtime server was to be had.
"""

from __future__ import annotations

import json
import logging
from contextlib import aclosing, asynccontextmanager
from urllib.parse import parse_qs, urlsplit

import anyio
import pytest

from avatarkit import AvatarKit, errors
from avatarkit.clock import SystemClock
from avatarkit.config.settings import Settings
from avatarkit.lifecycle import watching
from avatarkit.repositories import realtime
from avatarkit.repositories.memory import MemoryRepository
from avatarkit.repositories.supabase import SupabaseRepository
from avatarkit.testing.repositories import a_training

servers = pytest.importorskip(
    "websockets.asyncio.server", reason='needs pip install "avatarkit-sdk[supabase]"'
)

pytestmark = pytest.mark.anyio

KEY = "sb_secret_0123456789"
ROW = "3f0b7f2e-6d0e-4a57-9d0a-61766b740001"


class Realtime:
    """A server with one channel per connection, and what was said to it."""

    def __init__(self):
        self.said, self.asked, self.sockets = [], [], []
        self.answer = {"status": "ok", "response": {"postgres_changes": []}}
        self.system = {
            "status": "ok",
            "extension": "postgres_changes",
            "message": "Subscribed to PostgreSQL",
            "channel": "avatarkit",
        }
        self.beats = True

    @asynccontextmanager
    async def running(self):
        async with servers.serve(self.serve, "127.0.0.1", 0) as server:
            self.place = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            yield self

    async def serve(self, socket):
        self.asked.append(urlsplit(socket.request.path))
        self.sockets.append(socket)
        async for text in socket:
            message = json.loads(text)
            self.said.append(message)
            if message["event"] == "heartbeat" and self.beats:
                await self.send("phx_reply", {"status": "ok", "response": {}}, topic="phoenix")
            elif message["event"] == "phx_join":
                if self.answer is not None:
                    await self.send("phx_reply", self.answer)
                if self.system is not None:
                    await self.send("system", self.system)

    async def send(self, event, payload, topic="realtime:avatarkit"):
        told = {"event": event, "topic": topic, "payload": payload, "ref": None}
        await self.sockets[-1].send(json.dumps(told))

    async def change(self, row_id=ROW, table="avatar_training"):
        record = {"id": row_id, "status": "training", "doc": "{}"}
        data = {"schema": "public", "table": table, "type": "UPDATE", "record": record}
        await self.send("postgres_changes", {"ids": [1], "data": data | {"errors": None}})

    def changes(self):
        return SupabaseRepository(self.place, KEY).changes()


@pytest.fixture
async def server():
    async with Realtime().running() as server:
        with anyio.fail_after(60):
            yield server


async def test_the_ids_of_rows_that_change_are_heard(server):
    async with aclosing(server.changes()) as heard:
        assert await anext(heard) is None
        await server.change()
        assert await anext(heard) == ROW


async def test_updates_of_both_tables_are_asked_for_with_the_key(server):
    async with aclosing(server.changes()) as heard:
        await anext(heard)
    asked = server.asked[0]
    assert (asked.path, parse_qs(asked.query)["apikey"]) == ("/realtime/v1/websocket", [KEY])
    (join,) = server.said
    wanted = join["payload"]["config"]["postgres_changes"]
    assert [(w["event"], w["schema"], w["table"]) for w in wanted] == [
        ("UPDATE", "public", "avatar_training"),
        ("UPDATE", "public", "avatar_videos"),
    ]
    assert "access_token" not in join["payload"]  # a key that is no token is refused as one


async def test_a_channel_that_is_joined_is_not_heard_before_the_database_is(server):
    server.system = None
    async with aclosing(server.changes()) as heard, anyio.create_task_group() as tasks:
        first = []

        async def listen():
            first.append(await anext(heard))

        tasks.start_soon(listen)
        while not server.said:
            await anyio.sleep(0.001)
        await server.send("presence_state", {})
        assert first == []
        await server.send(
            "system", {"status": "ok", "extension": "postgres_changes", "message": "Subscribed"}
        )
    assert first == [None]


REFUSED = {"status": "error", "response": {"reason": "Unauthorized: the token eyJhbGciOi is none"}}
SYSTEM = {"status": "error", "extension": "postgres_changes", "message": "Unable to subscribe: x"}


@pytest.mark.parametrize(
    ("answer", "system", "why"), [(REFUSED, None, "Unauthorized"), ({"status": "ok"}, SYSTEM, "Un")]
)
async def test_a_refused_join_is_raised_by_its_code_alone(server, answer, system, why):
    server.answer, server.system = answer, system
    with pytest.raises(errors.StorageError, match=rf"refused the subscription \({why}") as caught:
        await anext(server.changes())
    assert "eyJhbGciOi" not in str(caught.value)


@pytest.mark.parametrize("event", ["phx_close", "phx_error"])
async def test_a_channel_that_ends_is_raised(server, event):
    heard = server.changes()
    await anext(heard)
    await server.send(event, {})
    with pytest.raises(errors.StorageError, match=event):
        await anext(heard)


async def test_a_cut_connection_is_raised(server):
    heard = server.changes()
    await anext(heard)
    server.sockets[-1].transport.abort()
    with pytest.raises(errors.StorageError, match="cannot be reached"):
        await anext(heard)


@pytest.mark.parametrize("text", ["no JSON", "[1]", '{"topic": "x"}', '"x"'])
async def test_what_is_not_understood_is_raised(server, text):
    heard = server.changes()
    await anext(heard)
    await server.sockets[-1].send(text)
    with pytest.raises(errors.StorageError, match="unexpected message"):
        await anext(heard)


async def test_where_nobody_listens_that_is_said_without_the_key():
    with pytest.raises(errors.StorageError, match=r"127\.0\.0\.1:1 cannot be reached") as caught:
        await anext(SupabaseRepository("http://127.0.0.1:1", KEY).changes())
    assert KEY not in str(caught.value)
    assert caught.value.__suppress_context__


async def test_another_server_is_not_taken_for_one(server):
    with pytest.raises(errors.StorageError, match="cannot be reached"):
        await anext(realtime.changes(server.place.replace("http", "https"), KEY))


async def test_heartbeats_keep_it_open(server, monkeypatch):
    monkeypatch.setattr(realtime, "_BEAT", 0.01)
    async with aclosing(server.changes()) as heard, anyio.create_task_group() as tasks:
        await anext(heard)
        tasks.start_soon(anext, heard)
        while len([m for m in server.said if m["event"] == "heartbeat"]) < 5:
            await anyio.sleep(0.001)
        await server.change()
    beat = next(m for m in server.said if m["event"] == "heartbeat")
    assert (beat["topic"], beat["payload"]) == ("phoenix", {})


async def test_a_server_that_answers_no_heartbeat_is_given_up(server, monkeypatch):
    monkeypatch.setattr(realtime, "_BEAT", 0.01)
    server.beats = False
    heard = server.changes()
    await anext(heard)
    with pytest.raises(errors.StorageError, match="does not answer"):
        await anext(heard)


async def test_a_server_that_answers_no_join_is_given_up(server, monkeypatch):
    monkeypatch.setattr(realtime, "_PATIENCE", 0.2)
    server.answer = server.system = None
    with pytest.raises(errors.StorageError, match="does not answer"):
        await anext(server.changes())


async def test_who_listens_no_more_hangs_up(server):
    async with aclosing(server.changes()) as heard:
        await anext(heard)
    await server.sockets[0].wait_closed()


async def test_no_key_is_logged(server, caplog):
    caplog.set_level(logging.DEBUG)
    async with aclosing(server.changes()) as heard:
        await anext(heard)
        await server.change()
        await anext(heard)
    ours = [r for r in caplog.records if not r.name.startswith("websockets.server")]
    assert not [r for r in ours if KEY in r.getMessage()]


# -- with a kit -----------------------------------------------------------------------------------


class Project(MemoryRepository):
    """Records in memory, whose changes a Realtime server tells."""

    def __init__(self, server):
        super().__init__(clock=SystemClock())
        self.server = server

    def changes(self):
        return self.server.changes()


async def test_a_watcher_is_woken_and_loses_nothing_while_the_server_is_away(server, monkeypatch):
    monkeypatch.setattr(watching, "_POLL", 1e6)
    monkeypatch.setattr(watching, "_FLOOR", 1e6)
    monkeypatch.setattr(watching, "_FIRST_GAP", 0.01)
    project = Project(server)
    record, _ = await project.create(a_training())
    async with AvatarKit("fake", repository=project, worker=False, settings=Settings()) as kit:
        watcher = kit.watch(record.id)
        await anext(watcher)
        while not kit._changes._heard:
            await anyio.sleep(0.001)
        record = await project.save(record, record.model_copy(update={"progress": 20}))
        await server.change(record.id)
        assert (await anext(watcher)).progress == 20
        server.sockets[-1].transport.abort()
        await project.save(record, record.model_copy(update={"progress": 30}))  # untold
        assert (await anext(watcher)).progress == 30
        await watcher.aclose()
