"""The webhook inbox: what is accepted, what is harmless, and what is refused."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from types import SimpleNamespace

import anyio
import httpx
import pytest
from pydantic import SecretStr

from avatarkit import AvatarKit, errors
from avatarkit.clock import SystemClock
from avatarkit.engines.in_process import InProcessEngine
from avatarkit.interfaces import ProviderSettings
from avatarkit.lifecycle.deliveries import Deliveries
from avatarkit.models import JobState, Operation
from avatarkit.providers.elevenlabs import ElevenLabs
from avatarkit.providers.heygen import HeyGen
from avatarkit.providers.synthesia import Synthesia
from avatarkit.records import Status
from avatarkit.repositories.memory import MemoryRepository
from avatarkit.repositories.sqlite import SqliteRepository
from avatarkit.server import running
from avatarkit.server.uploads import Uploads

pytestmark = pytest.mark.anyio

KEY = b"whsec_test"


def digest(message, key):
    return hmac.new(key, message, hashlib.sha256).hexdigest()


def heygen(body, at, key=KEY):
    return {"heygen-signature": digest(body, key), "heygen-timestamp": str(at)}


def elevenlabs(body, at, key=KEY):
    return {"elevenlabs-signature": f"t={at},v0={digest(b'%d.' % at + body, key)}"}


def synthesia(body, at, key=KEY):
    proof = digest(b"%d." % at + body, key)
    return {"synthesia-timestamp": str(at), "synthesia-signature": proof}


VENDORS = {
    "heygen": (
        HeyGen,
        heygen,
        {
            "event_id": "evt_1",
            "event_type": "avatar_video.success",
            "event_data": {"video_id": "vid_1"},
            "created_at": "2026-03-25T12:05:00Z",
        },
    ),
    "elevenlabs": (
        ElevenLabs,
        elevenlabs,
        {"type": "voice_removed", "event_timestamp": 1, "data": {"voice_id": "voice_1"}},
    ),
    "synthesia": (
        Synthesia,
        synthesia,
        {"type": "video.completed", "data": {"id": "v1", "status": "complete"}},
    ),
}
SIGNS_THE_TIME = ["elevenlabs", "synthesia"]


@pytest.fixture
def site(site):
    settings = ProviderSettings(api_key=SecretStr("key-1"), webhook_secrets=(b"older", KEY))
    site.providers |= {name: kind(settings) for name, (kind, _, _) in VENDORS.items()}
    return site


def address(site, provider="fake"):
    return f"/webhooks/{provider}/{site.secret}"


async def post(site, client, provider, body=None, headers=None, *, at=None, token=None):
    """Deliver what the vendor tells, signed unless other headers are given."""
    _, sign, told = VENDORS[provider]
    raw = json.dumps(told).encode() if body is None else body
    headers = sign(raw, int(time.time()) if at is None else at) if headers is None else headers
    where = address(site, provider) + (f"?job={token}" if token else "")
    headers = {"content-type": "application/json", **headers}
    return await client.post(where, content=raw, headers=headers)


async def tell(site, client, delivery):
    """Deliver what the invented vendor tells, byte for byte."""
    headers = {"content-type": "application/json", **delivery.headers}
    return await client.post(address(site), content=delivery.body, headers=headers)


async def kept(site):
    return (await site.repository.webhooks()).entries


# -- every vendor that signs ------------------------------------------------------------------


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_signed_delivery_is_kept_with_all_that_is_known_of_it(site, vendor):
    async with site.running() as app, site.client(app) as client:
        answer = await post(site, client, vendor)
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    (entry,) = await kept(site)
    assert (entry.provider, entry.signed) == (vendor, True)
    assert json.loads(entry.payload) == VENDORS[vendor][2]


@pytest.mark.parametrize("kind", [MemoryRepository, SqliteRepository])
@pytest.mark.parametrize("odd", [r"\ud800", r"\u0000"])
async def test_an_id_that_cannot_be_kept_is_kept_with_a_replacement(site, kind, odd, tmp_path):
    place = (tmp_path / "a.db",) if kind is SqliteRepository else ()
    site.repository = kind(*place, clock=SystemClock())
    raw = json.dumps(VENDORS["heygen"][2]).encode().replace(b"vid_1", odd.encode())
    async with site.running() as app, site.client(app) as client:
        answer = await post(site, client, "heygen", raw)
        (entry,) = await kept(site)
    assert (answer.status_code, entry.outcome) == (200, "received")
    assert [event.job.id for event in entry.events] == ["\ufffd"]


@pytest.mark.parametrize("job", ["%00", "a%0Bb", "x" * 201, "%EF%BF%BE"])
async def test_a_job_parameter_that_is_none_of_ours_is_refused_and_not_kept(site, job):
    raw = json.dumps(VENDORS["heygen"][2]).encode()
    headers = VENDORS["heygen"][1](raw, int(time.time()))
    async with site.running() as app, site.client(app) as client:
        answer = await client.post(
            f"{address(site, 'heygen')}?job={job}",
            content=raw,
            headers={"content-type": "application/json", **headers},
        )
    assert (answer.status_code, await kept(site)) == (400, ())


async def test_heygens_published_vector_is_accepted(site):
    body = (
        b'{"event_id":"evt_1","event_type":"avatar_video.success",'
        b'"event_data":{"video_id":"vid_1"},"created_at":"2026-03-25T12:05:00Z"}'
    )
    proof = "0a4733694585d690e4956c3c85e9f94e2cd32278f9b715b46ff47d9e1a9d3ee7"
    async with site.running() as app, site.client(app) as client:
        answer = await post(site, client, "heygen", body, {"heygen-signature": proof})
    assert answer.status_code == 200
    assert (await kept(site))[0].signed


@pytest.mark.parametrize("vendor", VENDORS)
async def test_an_altered_body_is_refused_and_not_kept(site, vendor):
    raw = json.dumps(VENDORS[vendor][2]).encode()
    headers = VENDORS[vendor][1](raw, int(time.time()))
    async with site.running() as app, site.client(app) as client:
        answer = await post(site, client, vendor, raw.replace(b"1", b"2"), headers)
    assert (answer.status_code, await kept(site)) == (401, ())


@pytest.mark.parametrize("vendor", SIGNS_THE_TIME)
async def test_an_altered_signed_timestamp_is_refused(site, vendor):
    raw, now = json.dumps(VENDORS[vendor][2]).encode(), int(time.time())
    headers = {
        name: value.replace(str(now), str(now + 1))
        for name, value in VENDORS[vendor][1](raw, now).items()
    }
    async with site.running() as app, site.client(app) as client:
        answer = await post(site, client, vendor, raw, headers)
    assert (answer.status_code, await kept(site)) == (401, ())


@pytest.mark.parametrize("vendor", SIGNS_THE_TIME)
@pytest.mark.parametrize("seconds", [-86_400, 86_400], ids=["old", "future"])
async def test_what_was_signed_at_another_time_is_refused(site, vendor, seconds):
    async with site.running() as app, site.client(app) as client:
        answer = await post(site, client, vendor, at=int(time.time()) + seconds)
    assert (answer.status_code, await kept(site)) == (401, ())


@pytest.mark.parametrize("vendor", VENDORS)
async def test_another_secrets_signature_is_refused(site, vendor):
    raw = json.dumps(VENDORS[vendor][2]).encode()
    headers = VENDORS[vendor][1](raw, int(time.time()), b"of somebody else")
    async with site.running() as app, site.client(app) as client:
        answer = await post(site, client, vendor, raw, headers)
    assert (answer.status_code, await kept(site)) == (401, ())


@pytest.mark.parametrize("vendor", SIGNS_THE_TIME)
async def test_a_delivery_without_its_header_is_refused(site, vendor):
    async with site.running() as app, site.client(app) as client:
        answer = await post(site, client, vendor, headers={})
    assert (answer.status_code, await kept(site)) == (401, ())


async def test_without_its_header_heygens_is_a_hint_only(site):
    async with site.running() as app, site.client(app) as client:
        answer = await post(site, client, "heygen", headers={})
    assert (answer.status_code, (await kept(site))[0].signed) == (200, False)


# -- what becomes of it -----------------------------------------------------------------------


async def trained(site, client):
    """A training whose jobs have ended at the vendor, which nobody has looked at."""
    training = await site.started(client)
    await site.kit.admin.tick()
    return training["id"]


async def done(site):
    """Let what runs beside the server settle what has come in."""
    for _ in range(200):
        if all(entry.outcome != "received" for entry in await kept(site)):
            return
        await asyncio.sleep(0)
    raise AssertionError("nothing was applied")


async def test_a_delivery_is_applied_to_its_record_after_the_answer(site):
    async with site.running() as app, site.client(app, "ana") as client:
        record_id = await trained(site, client)
        for delivery in site.vendor.deliveries():
            assert (await tell(site, client, delivery)).status_code == 200
        await done(site)
        record = await site.kit.get(record_id)
    assert record.operation(Operation.VOICE).job.state is JobState.SUCCEEDED
    assert {entry.outcome for entry in await kept(site)} == {"applied"}
    assert {entry.record_id for entry in await kept(site)} == {record_id}


async def test_a_second_delivery_is_answered_and_changes_nothing(site):
    async with site.running() as app, site.client(app, "ana") as client:
        await trained(site, client)
        (delivery,) = site.vendor.deliveries()
        answers = [await tell(site, client, delivery) for _ in range(2)]
        await done(site)
    assert [a.status_code for a in answers] == [200, 200]
    assert len(await kept(site)) == 1


async def test_fifty_at_once_of_one_event_are_one(site):
    async with site.running() as app, site.client(app, "ana") as client:
        record_id = await trained(site, client)
        (delivery,) = site.vendor.deliveries()
        answers = await asyncio.gather(*(tell(site, client, delivery) for _ in range(50)))
        await done(site)
        record = await site.kit.get(record_id)
    assert {a.status_code for a in answers} == {200}
    assert len(await kept(site)) == 1
    assert record.operation(Operation.VOICE).job.state is JobState.SUCCEEDED


@pytest.mark.parametrize("order", [1, -1])
async def test_in_whatever_order_deliveries_come_a_job_ends_once(site, order):
    async with site.running() as app, site.client(app, "ana") as client:
        record_id = await trained(site, client)
        (end,) = site.vendor.deliveries()
        told = json.loads(end.body) | {"state": "failed", "reason": "of an earlier attempt"}
        other = site.vendor.signed(json.dumps(told).encode())
        for delivery in (end, other)[::order]:
            assert (await tell(site, client, delivery)).status_code == 200
            await done(site)
        record = await site.kit.get(record_id)
    first = JobState.SUCCEEDED if order == 1 else JobState.FAILED
    assert record.operation(Operation.VOICE).job.state is first
    assert len(await kept(site)) == 2


async def test_after_the_final_state_nothing_moves(site):
    async with site.running() as app, site.client(app, "ana") as client:
        record_id = await trained(site, client)
        final = await site.settle(record_id)
        assert final.status is Status.COMPLETED
        for delivery in site.vendor.deliveries():
            assert (await tell(site, client, delivery)).status_code == 200
        await done(site)
        assert (await site.kit.get(record_id)).status is Status.COMPLETED


async def test_an_unknown_job_is_answered_and_kept(site):
    async with site.running() as app, site.client(app) as client:
        answer = await post(site, client, "heygen")
        await done(site)
    assert answer.status_code == 200
    assert [e.outcome for e in await kept(site)] == ["unmatched"]


async def test_a_delivery_before_its_job_is_known_is_matched_later(site):
    async with site.running() as app, site.client(app, "ana") as client:
        record_id = await trained(site, client)
        (delivery,) = site.vendor.deliveries()
        known = await site.repository.get(record_id)
        find, site.repository.find_job = site.repository.find_job, nobody
        await tell(site, client, delivery)
        await done(site)
        assert [e.outcome for e in await kept(site)] == ["unmatched"]
        site.repository.find_job = find
        assert await site.kit.webhooks.apply() == 1
        record = await site.kit.get(record_id)
    assert known.operation(Operation.VOICE).job.state is not JobState.SUCCEEDED
    assert record.operation(Operation.VOICE).job.state is JobState.SUCCEEDED
    assert [e.outcome for e in await kept(site)] == ["applied"]


async def nobody(*_):
    return None


async def test_a_forged_hint_cannot_plant_a_job(site):
    async with site.running() as app, site.client(app, "ana") as client:
        training = await site.started(client)
        token = (await site.repository.get(training["id"])).token(Operation.VOICE)
        answer = await post(site, client, "heygen", headers={}, token=token)
        await done(site)
        record = await site.repository.get(training["id"])
    assert answer.status_code == 200
    assert record.operation(Operation.VOICE).job.id is None
    assert "vid_1" not in record.model_dump_json()


async def test_what_was_kept_is_applied_after_a_restart(site):
    async with site.running() as app, site.client(app, "ana") as client:
        record_id = await trained(site, client)
        (delivery,) = site.vendor.deliveries()
        await site.kit.webhooks.receive("fake", delivery, apply=False)
    async with site.running():
        await done(site)
        record = await site.kit.get(record_id)
    assert record.operation(Operation.VOICE).job.state is JobState.SUCCEEDED


async def test_a_bug_while_deliveries_are_applied_leaves_them_for_the_next_look(site, monkeypatch):
    calls = []
    sweep = Deliveries.sweep

    async def once_broken(self, limit):
        calls.append(1)
        if len(calls) == 1:
            raise ZeroDivisionError
        return await sweep(self, limit)

    monkeypatch.setattr(Deliveries, "sweep", once_broken)
    async with site.running() as app, site.client(app, "ana") as client:
        kit = site.kit
        record_id = await trained(site, client)
        (delivery,) = site.vendor.deliveries()
        assert (await tell(site, client, delivery)).status_code == 200
        await done(site)
        assert site.kit is kit
        record = await kit.get(record_id)
    assert record.operation(Operation.VOICE).job.state is JobState.SUCCEEDED


async def opens(count):
    """Opens at once, whichever time it is."""


@pytest.fixture
def breaking(monkeypatch):
    """Break the first kit, and open another one: ``breaking.open`` is awaited with a count."""
    monkeypatch.setattr(running, "_PAUSE", 0.0)
    made = SimpleNamespace(opened=0, open=opens)
    enter, claim = AvatarKit.__aenter__, InProcessEngine._claim

    async def counted(self):
        made.opened += 1
        await made.open(made.opened)
        return await enter(self)

    async def once_broken(self, limit):
        if made.opened == 1:
            raise ZeroDivisionError
        return await claim(self, limit)

    monkeypatch.setattr(AvatarKit, "__aenter__", counted)
    monkeypatch.setattr(InProcessEngine, "_claim", once_broken)
    return made


async def test_a_kit_that_breaks_is_opened_anew_without_a_visitor(site, breaking):
    async with site.running(worker=True) as app, site.client(app, "ana") as client:
        while breaking.opened < 2:
            await asyncio.sleep(0)
        training = await site.started(client)
        async with asyncio.timeout(60):
            seen = [update.status async for update in site.kit.watch(training["id"])]
    assert seen[-1] is Status.COMPLETED


async def test_the_server_is_ill_while_its_database_does_not_answer(site, monkeypatch):
    monkeypatch.setattr(running, "_LOOK", 0.0)
    monkeypatch.setattr(running, "_ALIVE", 0.01)
    monkeypatch.setattr(site.repository, "next_due", anyio.sleep_forever)
    async with site.running() as app, site.client(app) as client:
        answer = await client.get("/health")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "storage_unavailable")


async def test_a_delivery_whose_key_is_missing_here_is_to_be_sent_again(site, caplog):
    del site.providers["heygen"]
    async with site.running() as app, site.client(app) as client:
        for _ in range(40):  # which blocks nobody
            answer = await post(site, client, "heygen")
        assert answer.status_code == 503
        assert (await post(site, client, "synthesia")).status_code == 200
    assert "webhook.not_taken provider=heygen" in caplog.text


async def test_a_kit_that_cannot_be_opened_anew_is_tried_until_it_can_be(site, breaking):
    async def away_at_first(count):
        if 1 < count < 4:
            raise errors.StorageError("the database is away")

    breaking.open = away_at_first
    async with site.running(worker=True) as app:
        async with asyncio.timeout(60):
            while breaking.opened < 4:
                await asyncio.sleep(0)
        async with site.client(app) as client:
            assert (await client.get("/health")).status_code == 200


async def test_a_request_is_answered_while_a_kit_is_opened_for_long(site, breaking, monkeypatch):
    monkeypatch.setattr(running, "_PATIENCE", 0.0)
    back = asyncio.Event()

    async def slow(count):
        if count == 2:
            await back.wait()

    breaking.open = slow
    async with site.running(worker=True) as app, site.client(app) as client:
        while breaking.opened < 2:
            await asyncio.sleep(0)
        async with asyncio.timeout(60):
            answer = await client.get("/health")
        back.set()
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "storage_unavailable")


async def test_uploads_are_tidied_though_deliveries_never_cease(monkeypatch):
    clock, tidied, looked = SimpleNamespace(monotonic=lambda: now[-1]), [], asyncio.Event()
    now = [0.0]

    async def look():
        looked.set()
        return False

    async def tidy():
        tidied.append(now[-1])

    monkeypatch.setattr(running, "_SWEEP", 3600.0)
    monkeypatch.setattr(running, "time", clock)
    runner = running.KitRunner(
        SimpleNamespace(webhooks=SimpleNamespace(apply=look)),
        SimpleNamespace(tidy=tidy),
        owned=False,
    )
    await runner.ready()
    for moment in (1.0, 3599.0, 3600.0, 3601.0):
        now.append(moment)
        looked.clear()
        runner.delivered()
        await looked.wait()
    await runner.aclose()
    assert tidied == [3600.0]


async def test_an_upload_folder_that_cannot_be_tidied_breaks_nothing(site, monkeypatch, caplog):
    tried = []

    async def unwilling(self):
        tried.append(1)
        raise PermissionError

    monkeypatch.setattr(Uploads, "tidy", unwilling)
    monkeypatch.setattr(running, "_SWEEP", 0.0)
    async with site.running():
        while len(tried) < 2:
            await asyncio.sleep(0)
    assert "server.reopening" not in [record.event for record in caplog.records]


# -- what no vendor sends ---------------------------------------------------------------------

REFUSED = {
    "ten megabytes": ({"content": b" " * 10_000_000}, 413),
    "deep JSON": ({"content": b"[" * 200_000 + b"]" * 200_000}, 400),
    "deep JSON behind many quotes": ({"content": b'"' + b'\\"' * 400_000}, 401),
    "not JSON": ({"content": b"<b>hello</b>"}, 401),
    "JSON that is no object": ({"content": b"[1]"}, 401),
    "not UTF-8": ({"content": b"\xff\xfe"}, 401),
    "nothing": ({"content": b""}, 401),
    "a form": ({"content": b"a=1", "headers": {"content-type": "text/html"}}, 415),
}


@pytest.mark.parametrize("given", REFUSED)
async def test_what_no_vendor_sends_is_refused_and_not_repeated(site, given):
    sent, status = REFUSED[given]
    async with site.running() as app, site.client(app) as client:
        answer = await client.post(address(site, "fake"), **sent)
    assert (answer.status_code, await kept(site)) == (status, ())
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "hello" not in answer.text
    assert site.secret not in answer.text


async def test_a_body_without_a_length_is_bounded_as_well(site):
    read = 0

    async def endless():
        nonlocal read
        while True:
            read += 65_536
            yield b" " * 65_536

    async with site.running() as app, site.client(app) as client:
        answer = await client.post(address(site), content=endless())
    assert answer.status_code == 413
    assert read < 4 << 20


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_another_method_is_refused(site, method):
    async with site.running() as app, site.client(app) as client:
        assert (await client.request(method, address(site))).status_code == 405


@pytest.mark.parametrize(
    "path", ["/webhooks/fake/wrong-secret-0123456789", "/webhooks/fake/%ff", "/webhooks/nobody/{}"]
)
async def test_a_wrong_secret_and_an_unknown_vendor_answer_alike(site, path):
    async with site.running() as app, site.client(app) as client:
        answer = await client.post(path.format(site.secret), json={"name": "planted"})
    assert answer.status_code == 404
    assert answer.json()["error"]["message"] == "unknown webhook address"
    assert (await kept(site)) == ()


async def test_without_a_secret_there_is_no_inbox(site):
    async with site.running(webhook_secret=None) as app, site.client(app) as client:
        assert (await client.post("/webhooks/fake/", json={})).status_code == 404


async def test_who_is_refused_too_often_is_not_listened_to(site):
    async with site.running() as app, site.client(app) as client:
        answers = [await post(site, client, "synthesia", headers={}) for _ in range(31)]
    assert [a.status_code for a in answers] == [401] * 30 + [429]


async def from_other_addresses(site, app, send):
    """Send 31 requests, each from another address; return their statuses."""
    statuses = []
    for number in range(31):
        peer = httpx.ASGITransport(app=app, client=(f"203.0.113.{number}", 1))
        async with httpx.AsyncClient(transport=peer, base_url=site.origin) as client:
            statuses.append((await send(client, number)).status_code)
    return statuses


async def test_a_header_does_not_tell_guesses_of_the_secret_apart(site):
    async def guess(client, number):
        return await client.post(f"/webhooks/fake/guess-{number}", json={})

    async with site.running() as app:
        statuses = await from_other_addresses(site, app, guess)
        assert statuses == [404] * 30 + [429]
        async with site.client(app) as vendor:
            assert (await vendor.post(f"/webhooks/fake/{site.secret}", json={})).status_code == 401


async def test_a_header_does_not_tell_forged_deliveries_apart(site):
    async def forge(client, _number):
        return await post(site, client, "synthesia", headers={})

    async with site.running() as app:
        assert await from_other_addresses(site, app, forge) == [401] * 30 + [429]
        async with site.client(app) as client:
            assert (await post(site, client, "elevenlabs")).status_code == 200


async def test_who_guesses_secrets_cannot_shut_the_vendor_out(site):
    async with site.running() as app, site.client(app) as client:
        for _ in range(40):
            await client.post("/webhooks/heygen/guessed", json={})
        assert (await post(site, client, "heygen")).status_code == 200


async def test_a_users_deliveries_are_listed_without_what_they_said(site):
    async with site.running() as app, site.client(app, "ana") as client:
        await trained(site, client)
        (delivery,) = site.vendor.deliveries()
        await tell(site, client, delivery)
        await done(site)
        (told,) = (await client.get("/deliveries")).json()["data"]
    assert (told["provider"], told["outcome"], told["signed"]) == ("fake", "applied", True)
    assert "payload" not in told
