"""Live progress, over a real socket where it must stream."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager, suppress

import httpx
import pytest

from avatarkit.server import api, live
from avatarkit.server.live import Hub
from server.tus import TUS, chunk

uvicorn = pytest.importorskip("uvicorn", reason='needs pip install "avatarkit-sdk[server]"')

pytestmark = pytest.mark.anyio


async def changes(response):
    """The events as they come: id, and what it says."""
    name = None
    async for line in response.aiter_lines():
        key, _, value = line.partition(": ")
        if key == "id":
            name = int(value)
        elif key == "data":
            yield name, json.loads(value)


@asynccontextmanager
async def served(site):
    """The app behind a real socket; its client signs in as Ana."""
    app = site.new_app(hosts=["127.0.0.1"])
    config = uvicorn.Config(app, port=0, log_level="critical", lifespan="on")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    headers = {"authorization": f"Bearer {site.tokens['ana']}"}
    address = f"http://127.0.0.1:{port}"
    try:
        async with httpx.AsyncClient(base_url=address, headers=headers, timeout=30) as client:
            yield client, server
    finally:
        server.should_exit = True
        await task


async def test_the_changes_come_as_they_happen_and_end_with_the_final_one(site):
    async with served(site) as (client, _):
        training = await site.started(client)
        seen = []
        async with client.stream("GET", f"/trainings/{training['id']}/events") as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            assert response.headers["cache-control"] == "no-store"
            async for version, told in changes(response):
                seen.append((version, told["status"]))
                if len(seen) == 1:
                    asyncio.get_running_loop().create_task(site.settle(training["id"]))
    assert seen[0][1] == "pending"
    assert seen[-1][1] == "completed"
    assert [v for v, _ in seen] == sorted({v for v, _ in seen})


async def test_who_comes_back_gets_only_what_is_new(site):
    async with served(site) as (client, _):
        training = await site.started(client)
        where = f"/trainings/{training['id']}/events"
        async with client.stream("GET", where) as response:
            first = await anext(changes(response))
        await site.settle(training["id"])
        again = {"last-event-id": str(first[0])}
        async with client.stream("GET", where, headers=again) as response:
            rest = [change async for change in changes(response)]
        known = {"last-event-id": str(rest[-1][0])}
        over = await client.get(where, headers=known)
    assert all(version > first[0] for version, _ in rest)
    assert rest[-1][1]["status"] == "completed"
    assert (over.status_code, over.content) == (204, b"")


@pytest.mark.parametrize("last", ["", "x", "-1", "9" * 40, "\u0661", "99999"])
async def test_an_event_id_that_is_none_begins_at_the_beginning(site, last):
    async with site.running() as app, site.client(app, "ana") as client:
        training = await site.started(client)
        await site.settle(training["id"])
        headers = {"last-event-id": last.encode()}
        answer = await client.get(f"/trainings/{training['id']}/events", headers=headers)
    assert answer.status_code == 200
    assert '"status":"completed"' in answer.text


async def test_who_has_seen_more_than_an_older_database_knows_begins_anew(site):
    async with served(site) as (client, _):
        training = await site.started(client)
        where = f"/trainings/{training['id']}/events"
        ahead = {"last-event-id": "99999"}
        async with client.stream("GET", where, headers=ahead) as response:
            async with asyncio.timeout(10):
                version, told = await anext(changes(response))
    assert (version, told["status"]) == (training["version"], "pending")


async def test_a_watcher_whose_training_is_deleted_is_told_that_it_ended(site):
    async with served(site) as (client, _):
        training = await site.started(client)
        where = f"/trainings/{training['id']}/events"
        async with client.stream("GET", where) as response:
            stream = changes(response)
            await anext(stream)
            await client.delete(f"/trainings/{training['id']}")
            assert [change async for change in stream] == []
        assert (await client.get(where)).status_code == 404


async def test_the_server_stops_while_people_watch(site):
    async with served(site) as (client, server):
        training = await site.started(client)
        async with client.stream("GET", f"/trainings/{training['id']}/events") as response:
            stream = changes(response)
            await anext(stream)
            server.should_exit = True
            async with asyncio.timeout(10):
                with suppress(httpx.RemoteProtocolError):  # cut, so that the page comes back
                    assert [change async for change in stream] == []


async def test_an_upload_that_is_cut_off_keeps_what_came(site):
    path = "/clones/c1/uploads/voice/voice.wav"
    async with served(site) as (client, _):
        _, where = await site.begun(client, path, len(site.voice))
        came = asyncio.Event()

        async def some():
            yield site.voice[:100_000]
            came.set()
            await asyncio.Event().wait()

        sending = asyncio.create_task(client.patch(where, content=some(), headers=chunk(0)))
        await came.wait()
        at = 0
        while at < 100_000:
            at = int((await client.head(where, headers=TUS)).headers["upload-offset"])
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        while True:
            answer = await client.patch(where, content=site.voice[at:], headers=chunk(at))
            if answer.status_code != 409:  # the server has not noticed yet
                break
        made = (await client.get(where)).json()["sample"]
    assert (answer.status_code, made["size"]) == (204, len(site.voice))


async def test_a_heartbeat_keeps_the_way_open(site, monkeypatch):
    monkeypatch.setattr(api, "PING", 0.05)
    async with served(site) as (client, _):
        training = await site.started(client)
        async with client.stream("GET", f"/trainings/{training['id']}/events") as response:
            async for line in response.aiter_lines():
                if line.startswith(": ping"):
                    break
            else:
                raise AssertionError("it never came")


# -- many watchers ----------------------------------------------------------------------------


class Counted:
    """A repository whose reads are counted."""

    def __init__(self, inner):
        self.inner, self.reads = inner, 0

    def __getattr__(self, name):
        return getattr(self.inner, name)

    async def get(self, record_id):
        self.reads += 1
        return await self.inner.get(record_id)


def status(record, root):
    del root
    return {"status": record.status}


async def a_thousand_watch(hub, record_id):
    """Their tasks, and how much each has seen; all have seen it once."""
    seen = [0] * 1000

    async def watch(number):
        async for _ in hub.changes(record_id):
            seen[number] += 1

    watchers = [asyncio.create_task(watch(number)) for number in range(1000)]
    while not all(seen):
        await asyncio.sleep(0)
    return watchers, seen


async def test_what_this_process_changes_costs_its_thousand_watchers_no_read(site):
    async with site.running() as app, site.client(app, "ana") as client:
        training = await site.started(client)
        counted = site.kit._repository = Counted(site.repository)
        watchers, seen = await a_thousand_watch(Hub(site.kit, status), training["id"])
        assert counted.reads == 1
        before = counted.reads
        await site.kit.cancel(training["id"])
        own = counted.reads - before  # what cancelling itself reads
        await asyncio.gather(*watchers)
    assert seen == [2] * 1000
    assert counted.reads - before - own == 0


async def test_what_another_process_changes_costs_a_thousand_watchers_one_read(site):
    async with site.running() as app, site.client(app, "ana") as client:
        training = await site.started(client)
        counted = site.kit._repository = Counted(site.repository)
        watchers, seen = await a_thousand_watch(Hub(site.kit, status), training["id"])
        record = await site.repository.get(training["id"])
        gone = {"status": "cancelled", "progress": 0}
        await site.repository.save(record, record.model_copy(update=gone))
        site.kit._changes._look(training["id"])  # as the repository's wake-up does
        await asyncio.gather(*watchers)
    assert seen == [2] * 1000
    assert counted.reads == 2


async def test_who_joins_others_costs_no_read(site):
    async with served(site) as (client, _):
        events = f"/trainings/{(await site.started(client))['id']}/events"
        async with client.stream("GET", events) as first:
            seen = await anext(changes(first))
            counted = site.kit._repository = Counted(site.repository)
            async with client.stream("GET", events) as second:
                assert await anext(changes(second)) == seen
            assert counted.reads == 0


async def test_what_its_owner_watches_does_not_exist_for_others(site):
    async with served(site) as (client, _):
        training = (await site.started(client))["id"]
        async with client.stream("GET", f"/trainings/{training}/events") as response:
            await anext(changes(response))
            bob = {"authorization": f"Bearer {site.tokens['bob']}"}
            async with client.stream("GET", f"/trainings/{training}/events", headers=bob) as his:
                assert his.status_code == 404
            async with client.stream("GET", f"/videos/{training}/events") as video:
                assert video.status_code == 404


async def test_when_the_last_watcher_leaves_nobody_looks_any_more(site):
    async with site.running() as app, site.client(app, "ana") as client:
        training = await site.started(client)
        hub = Hub(site.kit, lambda record, root: {})
        stream = hub.changes(training["id"])
        await anext(stream)
        assert hub._channels
        await stream.aclose()
        assert not hub._channels
        counted = site.kit._repository = Counted(site.repository)
        await site.kit.cancel(training["id"])
        own = counted.reads
        await asyncio.sleep(0)
    assert counted.reads == own


async def test_one_stream_tells_of_every_record_that_is_not_finished_and_of_later_ones(
    site, monkeypatch
):
    monkeypatch.setattr(live, "_FIND", 0.01)
    async with served(site) as (client, _):
        old, stopped = await site.started(client), await site.started(client, "c2")
        await client.post(f"/trainings/{stopped['id']}/cancel")
        seen = []
        async with client.stream("GET", "/events") as response:
            async for _, told in changes(response):
                seen.append((told["id"], told["status"]))
                if len(seen) == 1:
                    later = await site.started(client, "c3")
                    await client.post(f"/trainings/{old['id']}/cancel")
                if {(old["id"], "cancelled"), (later["id"], "pending")} <= {*seen}:
                    break
        assert seen[0] == (old["id"], "pending")
        assert stopped["id"] not in dict(seen)


async def test_no_event_tells_of_another_users_record(site, monkeypatch):
    monkeypatch.setattr(live, "_FIND", 0.01)
    async with served(site) as (client, _):
        await site.started(client, "of-ana")
        headers = {"authorization": f"Bearer {site.tokens['bob']}"}
        client.headers.update(headers)
        mine = await site.started(client, "of-bob")
        async with client.stream("GET", "/events") as response:
            told = await anext(changes(response))
        assert told[1]["id"] == mine["id"]
