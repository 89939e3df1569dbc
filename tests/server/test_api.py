"""What the routes do for one user: samples, trainings, videos, media."""

from __future__ import annotations

import asyncio
import os
import time
from base64 import urlsafe_b64encode
from dataclasses import replace
from datetime import datetime
from functools import partial
from unittest.mock import AsyncMock
from urllib.parse import quote

import pytest

from avatarkit import errors
from avatarkit.config.settings import Settings
from avatarkit.intake import preflight
from avatarkit.media import signing
from avatarkit.models import Consent, Operation
from avatarkit.pricing import USD, Budget
from avatarkit.providers.fake import Fake, Fault
from avatarkit.records import Status
from avatarkit.repositories import server_errors
from avatarkit.server import Allowance
from avatarkit.server.uploads import Uploads
from avatarkit.testing import FakeClock
from lifecycle.test_hand_in import MP4, Reader
from pricing.racing import PRICES
from server.tus import TUS, chunk

pytestmark = pytest.mark.anyio

CONSENT = {"not_a_real_person": "a drawing"}
VOICE = "/clones/c1/uploads/voice/voice.wav"


@pytest.fixture
async def ana(site):
    async with site.running() as app, site.client(app, "ana") as client:
        yield client


def sizes(length):
    return {"content-length": str(length)}


async def pieces(*parts, fail=None):
    for part in parts:
        yield part
    if fail:
        raise fail


# -- uploads ----------------------------------------------------------------------------------


async def test_a_sample_is_kept_with_what_was_found_in_it(site, ana):
    sent = await ana.put(VOICE, content=site.voice, headers=sizes(len(site.voice)))
    assert sent.status_code == 201
    assert sent.json()["sample"]["size"] == len(site.voice)
    assert isinstance(sent.json()["findings"], list)
    (kept,) = (await ana.get("/clones/c1/samples")).json()["data"]
    assert kept == sent.json()["sample"]


async def test_a_sample_is_looked_into_once(site, ana, monkeypatch):
    looked, look = [], preflight.examine
    monkeypatch.setattr(preflight, "examine", lambda *given: looked.append(1) or look(*given))
    sent = await ana.put(VOICE, content=site.voice, headers=sizes(len(site.voice)))
    assert (sent.status_code, len(looked)) == (201, 1)


EVIDENCE = "/clones/c1/uploads/evidence/form.pdf"


async def test_other_evidence_of_the_same_name_takes_its_place(site, ana):
    await ana.put(EVIDENCE, content=b"signed", headers=sizes(6))
    await ana.put(EVIDENCE, content=b"another", headers=sizes(7))
    (kept,) = (site.folder / "uploads").rglob("form.pdf")
    assert kept.read_bytes() == b"another"


async def test_more_than_was_announced_is_refused_and_nothing_is_left(site, ana):
    long = await ana.put(VOICE, content=pieces(b"x" * 60, b"x" * 60), headers=sizes(100))
    assert (long.status_code, long.json()["error"]["code"]) == (422, "media_rejected")
    assert not [p for p in (site.folder / "uploads").rglob("*") if p.is_file()]


async def test_more_than_can_be_used_is_refused_before_it_is_read(ana):
    async def never():
        raise AssertionError("it was read")
        yield b""

    sent = await ana.put(VOICE, content=never(), headers=sizes(3 << 30))
    assert sent.status_code == 413


async def test_two_uploads_of_one_file_at_once_do_not_mix(site, ana):
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow():
        yield site.voice[:1000]
        begun.set()
        await go_on.wait()
        yield site.voice[1000:]

    first = asyncio.create_task(
        ana.put(VOICE, content=slow(), headers=sizes(len(site.voice))),
    )
    await begun.wait()
    second = await ana.put(VOICE, content=site.voice, headers=sizes(len(site.voice)))
    go_on.set()
    assert second.status_code == 409
    assert (await first).json()["sample"]["size"] == len(site.voice)


async def test_findings_are_those_of_the_chosen_stack(site, ana):
    size = sizes(len(site.voice))
    for stack, rules in (("?stack=elevenlabs%2Bfake", {"elevenlabs"}), ("?stack=", set())):
        sent = await ana.put(f"{VOICE}{stack}", content=site.voice, headers=size)
        assert {finding["rule"] for finding in sent.json()["findings"]} == rules


async def test_a_stack_that_is_none_keeps_nothing(site, ana):
    sent = await ana.put(
        f"{VOICE}?stack=unknown", content=site.voice, headers=sizes(len(site.voice))
    )
    assert (sent.status_code, sent.json()["error"]["code"]) == (422, "not_configured")
    assert await site.repository.samples("ana", "c1") == []


async def test_a_sample_is_removed_bytes_and_all(site, ana):
    await site.sampled(ana)
    kept, gone = await site.repository.samples("ana", "c1")
    assert (await ana.delete(f"/clones/c1/samples/{gone.id}")).status_code == 204
    assert await site.repository.samples("ana", "c1") == [kept]
    assert await site.kit.admin.media.stat(gone.file.key) is None
    assert await site.kit.admin.media.stat(kept.file.key) is not None


async def test_what_a_training_under_way_is_made_of_stays(site, ana):
    training = await site.started(ana)
    sample = (await site.repository.samples("ana", "c1"))[0]
    refused = await ana.delete(f"/clones/c1/samples/{sample.id}")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "conflict")
    assert await site.kit.admin.media.stat(sample.file.key) is not None
    await site.settle(training["id"])
    assert (await ana.delete(f"/clones/c1/samples/{sample.id}")).status_code == 204


# -- how much one user may keep ----------------------------------------------------------------


LINKED = {"role": "voice", "url": "https://files.example/voice.wav"}


@pytest.fixture
async def allowed(site):
    """An app in which a user may keep two recordings, of 1.2 MB together."""
    allowance = Allowance(files=2, bytes=len(site.voice) + len(site.footage) + 100)
    async with site.running(allowance=allowance) as app:
        yield app


async def test_one_recording_more_than_a_user_may_keep_is_refused_and_says_what_to_do(
    site, allowed
):
    async with site.client(allowed, "ana") as ana, site.client(allowed, "bob") as bob:
        await site.sampled(ana)
        more = await ana.put("/clones/c2/uploads/voice/b.wav", content=b"x", headers=sizes(1))
        assert (more.status_code, more.json()["error"]["code"]) == (413, "allowance_exceeded")
        assert "delete some recordings" in more.json()["error"]["message"]
        assert (await ana.post("/clones/c1/samples", json=LINKED)).status_code == 413
        await site.sampled(bob, "c3")  # others have their own allowance
        sample = (await site.repository.samples("ana"))[0]
        await ana.delete(f"/clones/c1/samples/{sample.id}")
        again, _ = await site.begun(ana, "/clones/c1/uploads/voice/b.wav", 9)
        assert again.status_code == 201


async def test_more_bytes_than_a_user_may_keep_are_refused_before_they_are_read(site, allowed):
    async def never():
        raise AssertionError("it was read")
        yield b""

    async with site.client(allowed, "ana") as ana:
        sent = await ana.put(VOICE, content=never(), headers=sizes(1 << 30))
    assert (sent.status_code, sent.json()["error"]["code"]) == (413, "allowance_exceeded")


async def test_what_is_on_its_way_counts_as_what_it_will_be(site, allowed):
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow():
        yield site.voice[:1000]
        begun.set()
        await go_on.wait()
        yield site.voice[1000:]

    async with site.client(allowed, "ana") as ana:
        size = len(site.voice)
        first = asyncio.create_task(ana.put(VOICE, content=slow(), headers=sizes(size)))
        await begun.wait()
        second = await ana.put("/clones/c2/uploads/voice/b.wav", content=b"", headers=sizes(size))
        go_on.set()
        assert second.status_code == 413
        assert (await first).status_code == 201


async def test_what_a_link_leads_to_is_not_kept_beyond_what_a_user_may_keep(site):
    allowance = Allowance(bytes=len(site.voice) - 1)
    async with site.running(allowance=allowance) as app, site.client(app, "ana") as ana:
        site.link_leads_to(site.voice)
        sent = await ana.post("/clones/c1/samples", json=LINKED)
        assert (sent.status_code, sent.json()["error"]["code"]) == (413, "allowance_exceeded")
        assert (await ana.get("/clones/c1/samples")).json()["data"] == []
    assert [path for path in (site.folder / "media").rglob("*") if path.is_file()] == []


async def test_a_recording_that_was_kept_before_is_not_lost_with_a_link_to_it(site):
    async def meanwhile(url):
        del url
        await site.kit.add_sample(user_id="ana", clone_id="c1", footage=site.footage)
        yield site.voice

    allowance = Allowance(bytes=len(site.voice) + 1)
    async with site.running(allowance=allowance) as app, site.client(app, "ana") as ana:
        site.link_leads_to(site.voice)
        await site.kit.add_sample(user_id="ana", clone_id="c1", voice=site.voice)
        site.kit._recordings._links.fetch = meanwhile
        assert (await ana.post("/clones/c1/samples", json=LINKED)).status_code == 413
        kept = (await ana.get("/clones/c1/samples")).json()["data"]
    assert [sample["role"] for sample in kept] == ["voice", "footage"]


async def test_a_link_on_its_way_counts_as_the_largest_file(site, allowed):
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(url):
        del url
        begun.set()
        await go_on.wait()
        yield site.voice

    async with site.client(allowed, "ana") as ana:
        site.link_leads_to(site.voice)
        site.kit._recordings._links.fetch = slowly
        first = asyncio.create_task(ana.post("/clones/c1/samples", json=LINKED))
        await begun.wait()
        second = await ana.post("/clones/c1/samples", json=LINKED)
        go_on.set()
        assert second.status_code == 413
        assert (await first).status_code == 201


async def test_unfinished_uploads_count_until_they_are_thrown_away(site, allowed):
    async with site.client(allowed, "ana") as ana:
        for name in ("a.wav", "b.wav"):
            made, where = await site.begun(ana, f"/clones/c1/uploads/voice/{name}", 9, b"x")
            assert made.status_code == 204
        third, _ = await site.begun(ana, "/clones/c1/uploads/voice/c.wav", 9)
        assert third.status_code == 413
        more = await ana.patch(where, content=b"x", headers=chunk(1))  # what is there goes on
        assert more.headers["upload-offset"] == "2"
        uploads = site.folder / "uploads"
        for path in (*uploads.glob("*/*"), *uploads.glob("*")):
            os.utime(path, (1, 1))
        await Uploads(uploads).tidy()
        third, _ = await site.begun(ana, "/clones/c1/uploads/voice/c.wav", 9)
        assert third.status_code == 201


async def test_an_upload_that_a_request_is_at_does_not_become_stale(tmp_path):
    uploads = Uploads(tmp_path)
    path, other = (uploads.place("ana", "c1", "voice", n, name=n) for n in ("a.wav", "b.wav"))
    for one in (path, other):
        await uploads.begin(one, 9)
    async with uploads.alone(path, 9):
        for folder in tmp_path.glob("*/*"):
            os.utime(folder, (0, 0))
        await uploads.tidy()
        assert (await uploads.find(path)).length == 9
        with pytest.raises(errors.NotFound):
            await uploads.find(other)
    await uploads.tidy()
    with pytest.raises(errors.NotFound):
        await uploads.find(path)


@pytest.mark.parametrize(
    "headers",
    [sizes(0), sizes(-1), sizes("x"), sizes(9)],
    ids=str,
)
async def test_an_upload_says_how_long_it_is(ana, headers):
    assert (await ana.put(VOICE, content=b"x", headers=headers)).status_code == 400


async def test_what_is_no_recording_is_refused_with_findings(ana):
    sent = await ana.put(VOICE, content=b"hello", headers=sizes(5))
    assert sent.status_code == 422
    assert sent.json()["findings"][0]["severity"] == "error"
    assert (await ana.get("/clones/c1/samples")).json()["data"] == []


@pytest.mark.parametrize("name", ["%2e%2e%2fx", ".hidden", "a" * 500, "%F0%9F%8E%AD" * 90])
async def test_no_name_of_a_file_leads_out_of_the_folder(site, ana, name):
    sent = await ana.put(
        f"/clones/c1/uploads/voice/{name}", content=site.voice[:50], headers=sizes(100)
    )
    assert sent.status_code in {200, 400, 404, 405}
    assert not [p for p in site.folder.iterdir() if p.name not in {"uploads", "media"}]
    assert {len(p.parts) for p in (site.folder / "uploads").rglob("*.part")} <= {
        len(site.folder.parts) + 4
    }


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("https://127.0.0.1/a.wav", 422),
        ("https://[::1]/a.wav", 422),
        ("https://169.254.169.254/latest/meta-data", 422),
        ("https://10.0.0.1/a.wav", 422),
        ("https://localhost/a.wav", 422),
        ("https://user:planted@files.example/a.wav", 422),
        ("http://files.example/a.wav", 400),
        ("file:///etc/passwd", 400),
        ("/etc/passwd", 400),
        ("voice.wav", 400),
    ],
)
async def test_an_address_that_is_not_public_is_refused(ana, url, status):
    sent = await ana.post("/clones/c1/samples", json={"role": "voice", "url": url})
    assert sent.status_code == status
    assert "planted" not in sent.text


# -- trainings --------------------------------------------------------------------------------


def dollars(amount):
    return {"amount": amount, "currency": "USD"}


async def test_the_samples_of_a_clone_are_enough_for_a_training(site, ana):
    told = await site.started(ana)
    assert told["estimate"]["basis"] == "typical"
    assert told["status"] == "pending"
    final = await site.settle(told["id"])
    shown = (await ana.get(f"/trainings/{told['id']}")).json()
    assert (shown["status"], shown["progress"]) == ("completed", 100)
    assert (shown["avatar_id"], shown["voice_id"]) == (final.avatar_id, final.voice_id)


async def test_the_estimate_is_what_its_providers_take_until_three_were_measured(site, ana):
    site.kit._durations._clock = clock = FakeClock()  # what was measured is looked at once a minute
    took = []
    for _ in range(3):
        told = await site.started(ana)
        record = await site.repository.get(told["id"])
        typical = sum(state.terms.typical for state in record.operations)
        assert told["estimate"] == {"seconds": typical, "basis": "typical"}
        done = await site.settle(told["id"])
        took.append(done.completed_at - done.created_at)
        clock.advance(60)
    measured = (await ana.get(f"/trainings/{told['id']}")).json()["estimate"]
    assert measured == {"seconds": sorted(took)[1], "basis": "measured"}


async def test_without_samples_nothing_begins(ana):
    sent = await ana.post("/trainings", json={"clone_id": "c1", "consent": CONSENT})
    assert (sent.status_code, sent.json()["error"]["code"]) == (422, "media_rejected")


async def test_without_consent_nothing_begins(site, ana):
    await site.sampled(ana)
    sent = await ana.post("/trainings", json={"clone_id": "c1"})
    assert (sent.status_code, sent.json()["error"]["code"]) == (422, "consent_required")
    assert site.vendor.accepted == {}


@pytest.mark.parametrize("prices", [PRICES, ""], ids=["known", "unknown"])
async def test_a_user_is_refused_over_the_budget_but_told_none_of_its_figures(
    site, ana, tmp_path, prices
):
    (tmp_path / "prices.toml").write_text(prices)
    site.vendor.prices.clear()  # what the file does not say is unknown
    site.kit._pool._settings = Settings(environ={"AVATARKIT_PRICES": str(tmp_path / "prices.toml")})
    await site.sampled(ana)
    site.kit._intake._budgets = (Budget(USD("2.75")),)
    sent = await ana.post("/trainings", json={"clone_id": "c1", "consent": CONSENT})
    error = sent.json()["error"]
    assert (sent.status_code, error["code"]) == (422, "budget_exceeded")
    assert error["message"] == "The budget does not cover this request. Nothing was sent."
    assert site.vendor.accepted == {}


async def test_an_order_over_its_max_cost_is_refused(site, ana, tmp_path):
    prices = tmp_path / "prices.toml"
    prices.write_text(PRICES)
    site.kit._pool._settings = Settings(environ={"AVATARKIT_PRICES": str(prices)})
    await site.sampled(ana)
    asked = {"clone_id": "c1", "consent": CONSENT, "max_cost": dollars("2.99")}
    sent = await ana.post("/trainings", json=asked)
    assert (sent.status_code, sent.json()["error"]["code"]) == (422, "budget_exceeded")
    assert "more than max_cost $2.99" in sent.json()["error"]["message"]
    assert (
        await ana.post("/trainings", json=asked | {"max_cost": dollars("3")})
    ).status_code == 201


async def test_a_video_over_its_max_cost_is_refused(site, ana):
    told = await site.started(ana)
    await site.settle(told["id"])
    site.vendor.set_price("video", 900)
    sent = await ana.post(
        f"/trainings/{told['id']}/videos", json={"text": "Hi", "max_cost": dollars("1")}
    )
    assert "more than max_cost $1.00" in sent.json()["error"]["message"]


async def test_another_order_under_the_same_key_is_refused_and_names_the_difference(
    site, ana, video
):
    key = {"headers": {"idempotency-key": "k1"}}
    order = {"clone_id": "c1", "consent": CONSENT}
    assert (await ana.post("/trainings", json=order, **key)).status_code == 201
    where = f"/trainings/{video['training_id']}/videos"
    assert (await ana.post(where, json={"text": "Once."}, **key)).status_code == 201
    for place, asked, different in (
        ("/trainings", order | {"name": "Ana"}, "name"),
        (where, {"text": "Twice."}, "script"),
    ):
        again = await ana.post(place, json=asked, **key)
        assert (again.status_code, again.json()["error"]["code"]) == (409, "conflict")
        assert f"with another {different}." in again.json()["error"]["message"]


@pytest.mark.parametrize("given", ["-1", "1e3", "2,50", "nan", 2.5, ""])
async def test_a_max_cost_that_is_no_amount_is_refused(ana, given):
    sent = await ana.post("/trainings", json={"clone_id": "c1", "max_cost": dollars(given)})
    assert (sent.status_code, sent.json()["error"]["code"]) == (400, "invalid_request")


async def test_one_key_is_one_training(site, ana):
    await site.sampled(ana)
    asked = {"clone_id": "c1", "consent": CONSENT}
    key = {"idempotency-key": "k1"}
    told = [await ana.post("/trainings", json=asked, headers=key) for _ in range(2)]
    assert told[0].json()["id"] == told[1].json()["id"]
    assert len((await ana.get("/trainings")).json()["data"]) == 1


async def test_the_key_of_a_deleted_record_is_refused_and_says_so(site, ana, video):
    where, key = f"/trainings/{video['training_id']}", {"idempotency-key": "k1"}
    script = {"json": {"text": "Once."}, "headers": key}
    film = (await ana.post(f"{where}/videos", **script)).json()
    assert (await ana.delete(f"/videos/{film['id']}")).status_code == 204
    order = {"json": {"clone_id": "c1", "consent": CONSENT}, "headers": key}
    made = (await ana.post("/trainings", **order)).json()
    assert (await ana.delete(f"/trainings/{made['id']}")).status_code == 204
    for place, asked in ((f"{where}/videos", script), ("/trainings", order)):
        again = await ana.post(place, **asked)
        assert (again.status_code, again.json()["error"]["code"]) == (409, "conflict")
        assert "use a new key" in again.json()["error"]["message"]


async def test_evidence_is_kept_with_the_consent(site, ana):
    await site.sampled(ana)
    sent = await ana.put("/clones/c1/uploads/evidence/yes.pdf", content=b"%PDF-", headers=sizes(5))
    assert sent.status_code == 201
    consent = {"subject": "Ana Lima", "evidence": "yes.pdf"}
    told = await ana.post("/trainings", json={"clone_id": "c1", "consent": consent})
    assert told.status_code == 201
    training = await site.repository.get(told.json()["id"])
    kept = await site.repository.get_consent(training.consent_id)
    assert (kept.subject, kept.evidence_file.size) == ("Ana Lima", 5)


async def with_evidence(ana, content, clone="c1", subject="Ana Lima"):
    """Upload evidence, and order a training with it; the answer to what failed first."""
    name = f"{len(content)}.pdf"
    path = f"/clones/{clone}/uploads/evidence/{name}"
    sent = await ana.put(path, content=content)
    if sent.status_code != 201:
        return sent
    consent = {"subject": subject, "evidence": name}
    return await ana.post("/trainings", json={"clone_id": clone, "consent": consent})


def kept_evidence(site):
    found = (path for path in (site.folder / "media/consents").rglob("*") if path.is_file())
    return [path for path in found if path.parent.name != "revoked"]  # digests of recordings


async def test_evidence_counts_towards_the_allowance(site):
    sampled = len(site.voice) + len(site.footage)
    for allowance in (Allowance(files=5), Allowance(bytes=sampled + 3500)):
        async with (
            site.running(allowance=allowance) as app,
            site.client(app, "ana") as ana,
        ):
            await site.sampled(ana)
            sent = [await with_evidence(ana, bytes([n]) * (1000 + n)) for n in range(5)]
            assert [answer.status_code for answer in sent] == [201, 201, 201, 413, 413]
            assert len(kept_evidence(site)) == 3
            for answer in sent[:3]:
                await site.settle(answer.json()["id"])
                await ana.delete(f"/trainings/{answer.json()['id']}")
            assert (await with_evidence(ana, b"again")).status_code == 201
            for record in (await site.kit.page("training", user_id="ana")).records:
                await site.kit.delete(record.id)
            for sample in await site.kit.samples(user_id="ana"):
                await site.kit.delete_sample(sample.id, user_id="ana", clone_id="c1")


async def test_evidence_of_orders_that_were_refused_counts_as_well(site):
    async with (
        site.running(allowance=Allowance(files=4)) as app,
        site.client(app, "ana") as ana,
    ):
        site.providers["fake"].priced = True
        await site.sampled(ana)
        for number in range(4):
            name = f"/clones/c1/uploads/evidence/{number}.pdf"
            last = await ana.put(name, content=b"%d" % number, headers=sizes(1))
            consent = {"subject": "Ana", "evidence": f"{number}.pdf"}
            await ana.post(
                "/trainings", json={"clone_id": "c1", "consent": consent, "stack": "local"}
            )
    assert last.status_code == 413


async def test_evidence_has_a_size_limit(site, ana):
    name = "/clones/c1/uploads/evidence/large.mp4"
    sent = await ana.put(name, content=b"x", headers=sizes(50_000_001))
    assert (sent.status_code, "50 MB" in sent.json()["error"]["message"]) == (413, True)
    fits, _ = await site.begun(ana, name, 50_000_000)
    assert fits.status_code == 201


async def test_consents_are_listed_and_their_evidence_is_deleted(site, ana):
    await site.sampled(ana)
    started = (await with_evidence(ana, b"%PDF-")).json()["id"]
    [shown] = (await ana.get("/consents")).json()["data"]
    assert shown["subject"] == "Ana Lima"
    assert shown["evidence"] == {"size": 5, "media_type": "application/pdf"}
    path = f"/consents/{shown['id']}/evidence"
    early = await ana.delete(path)
    assert (early.status_code, early.json()["error"]["code"]) == (409, "conflict")
    await site.settle(started)
    assert [(await ana.delete(path)).status_code for _ in range(2)] == [204, 204]
    [shown] = (await ana.get("/consents")).json()["data"]
    assert (shown["evidence"], kept_evidence(site)) == (None, [])
    assert (await ana.delete("/consents/unknown/evidence")).status_code == 404


async def test_evidence_goes_with_the_last_record_that_needs_it(site, ana):
    await site.sampled(ana)
    first, second = [(await with_evidence(ana, b"%PDF-")).json()["id"] for _ in range(2)]
    for training in (first, second):
        await site.settle(training)
    assert len(kept_evidence(site)) == 1
    await ana.delete(f"/trainings/{first}")
    assert len(kept_evidence(site)) == 1
    await ana.delete(f"/trainings/{second}")
    assert kept_evidence(site) == []
    [consent] = await site.kit.consents(user_id="ana")
    assert (consent.subject, consent.evidence_file) == ("Ana Lima", None)
    third = await with_evidence(ana, b"%PDF-")
    assert (third.status_code, len(kept_evidence(site))) == (201, 1)


async def test_evidence_that_another_consent_has_too_is_kept(site, ana):
    await site.sampled(ana)
    first = (await with_evidence(ana, b"%PDF-")).json()["id"]
    other = (await with_evidence(ana, b"%PDF-", subject="Bea")).json()["id"]
    for training in (first, other):
        await site.settle(training)
    await ana.delete(f"/trainings/{first}")
    assert len(kept_evidence(site)) == 1
    await ana.delete(f"/trainings/{other}")
    assert kept_evidence(site) == []


async def test_evidence_of_a_revoked_consent_is_not_stored_again(site, ana):
    await site.sampled(ana)
    training = (await with_evidence(ana, b"%PDF-")).json()["id"]
    await site.settle(training)
    [consent] = await site.kit.consents(user_id="ana")
    await site.kit.revoke(consent.id)
    await ana.delete(f"/consents/{consent.id}/evidence")
    again = await with_evidence(ana, b"%PDF-")
    assert (again.status_code, kept_evidence(site)) == (422, [])


async def test_large_evidence_is_refused_by_the_kit_too(site, tmp_path):
    path = tmp_path / "large.mp4"
    with path.open("wb") as file:
        file.truncate(50_000_001)
    async with site.running():
        with pytest.raises(errors.MediaRejected, match="50 MB"):
            await site.kit.train(
                user_id="ana",
                clone_id="c1",
                voice=[site.voice],
                footage=site.footage,
                consent=Consent(subject="Ana", evidence=str(path)),
            )


@pytest.mark.parametrize("begun", [True, False])
async def test_half_a_file_is_no_evidence(site, ana, begun):
    await site.sampled(ana)
    if begun:
        await site.begun(ana, "/clones/c1/uploads/evidence/yes.pdf", 50, b"%PDF-")
    consent = {"subject": "Ana Lima", "evidence": "yes.pdf"}
    sent = await ana.post("/trainings", json={"clone_id": "c1", "consent": consent})
    assert (sent.status_code, sent.json()["error"]["code"]) == (422, "consent_required")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"clone_id": ""},
        {"clone_id": "c1", "footage": "/etc/passwd"},
        {"clone_id": "c1", "consent": {"evidence_path": "/etc/passwd"}},
        {"clone_id": ["c1"]},
        [],
        None,
    ],
    ids=str,
)
async def test_a_body_that_does_not_fit_is_refused(ana, body):
    status = 415 if body is None else 400
    assert (await ana.post("/trainings", json=body)).status_code == status


async def test_an_unknown_stack_is_refused(site, ana):
    await site.sampled(ana)
    asked = {"clone_id": "c1", "consent": CONSENT, "stack": "nobody"}
    assert (await ana.post("/trainings", json=asked)).status_code == 422


async def test_trainings_come_by_pages_and_status(site, ana):
    ids = [(await site.started(ana))["id"] for _ in range(3)]
    await site.settle(ids[0])
    first = (await ana.get("/trainings", params={"limit": 2})).json()
    rest = (await ana.get("/trainings", params={"cursor": first["cursor"]})).json()
    listed = [t["id"] for t in first["data"] + rest["data"]]
    assert sorted(listed) == sorted(ids)
    assert rest["cursor"] is None
    done = (await ana.get("/trainings", params={"status": "completed"})).json()["data"]
    assert [t["id"] for t in done] == [
        t["id"] for t in first["data"] + rest["data"] if t["status"] == "completed"
    ]


#: What no page ends with: a time of no year, and ids that no database keeps.
BAD_CURSORS = (
    b"[" * 20_000,
    b'[1e300, "a"]',
    b'[NaN, "a"]',
    b'[1, "a\\u0000"]',
    b'[1, "a\\ud800"]',
)


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"limit": "0"}, 400),
        ({"limit": "201"}, 400),
        ({"limit": "x"}, 400),
        ({"status": "happy"}, 400),
        ({"limit": "0000019999"}, 400),
        ({"limit": "0000" + "1" * 5000}, 400),
        ({"cursor": "made up"}, 400),
        *(({"cursor": urlsafe_b64encode(c).decode()}, 400) for c in BAD_CURSORS),
    ],
    ids=lambda given: str(given)[:40],
)
async def test_a_page_that_cannot_be_is_refused(ana, asked, status):
    assert (await ana.get("/trainings", params=asked)).status_code == status


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/trainings/%00", None, 404),
        ("GET", "/trainings/x%C2%87", None, 404),
        ("GET", "/videos/a%0Ab", None, 404),
        ("DELETE", "/trainings/%EF%BF%BE", None, 404),
        ("POST", "/trainings/%20/cancel", None, 404),
        ("GET", "/trainings/%E2%80%A8/events", None, 404),
        ("DELETE", "/consents/%1B/evidence", None, 404),
        ("GET", "/quote?stack=%1B", None, 400),
        ("GET", "/clones/%00/samples", None, 400),
        ("PUT", "/clones/c1/uploads/voice/%00", None, 404),
        ("GET", "/trainings?clone_id=%00", None, 400),
        ("GET", "/deliveries?cursor=%00", None, 400),
        ("POST", "/trainings", {"clone_id": "c1\0", "consent": CONSENT}, 400),
        ("POST", "/trainings", {"clone_id": "c1", "name": "\0", "consent": CONSENT}, 400),
        ("POST", "/trainings", {"clone_id": "c1", "consent": {"subject": "\0"}}, 400),
    ],
)
async def test_a_nul_is_refused_before_a_database_is_asked(
    site, ana, monkeypatch, method, path, body, status
):
    for name in ("get", "page", "samples", "webhooks", "create"):
        monkeypatch.setattr(site.repository, name, None)
    assert (await ana.request(method, path, json=body)).status_code == status


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/clones/a%2Fb/samples"),
        ("PUT", "/clones/c1/uploads/voice/a%2Fb.wav"),
        ("HEAD", "/clones/c1/uploads/evidence/a%2fb.pdf"),
        ("DELETE", "/clones/a%2Fb/samples/s1"),
        ("GET", "/trainings/a%2Fb%2Fc"),
        ("PUT", "/clones/c1/uploads/voice/%2E%2E"),
    ],
)
async def test_a_name_that_no_path_can_hold_is_refused_with_the_reason(ana, method, path):
    refused = await ana.request(method, path, headers=TUS)
    assert refused.status_code == 400
    if method != "HEAD":
        assert refused.json()["error"]["code"] == "invalid_request"
        assert {"slash", "called"} & {*refused.json()["error"]["message"].split()}


async def test_a_clone_is_named_alike_in_a_path_and_in_a_body(ana):
    in_path = await ana.get("/clones/a%0Ab/samples")
    in_body = await ana.post("/trainings", json={"clone_id": "a\nb", "consent": CONSENT})
    assert (in_path.status_code, in_body.status_code) == (400, 400)
    assert in_path.json()["error"]["message"] in in_body.json()["error"]["message"]


PLACE = "database 'app' at 127.0.0.1:48057"


async def test_where_the_database_is_and_what_it_said_goes_to_the_log_alone(
    site, ana, monkeypatch, caplog
):
    async def refused(record_id):
        raise errors.StorageError(f"{PLACE} refused a statement")

    monkeypatch.setattr(site.repository, "get", refused)
    answer = await ana.get("/trainings/x")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "storage_unavailable")
    assert "Try again" in answer.json()["error"]["message"]
    assert "48057" not in answer.text
    assert PLACE in caplog.text


async def test_an_id_that_a_database_does_not_take_is_explained_without_its_place(
    site, ana, monkeypatch
):
    async def refused(record_id):
        raise server_errors.known_error("22P02", PLACE)

    monkeypatch.setattr(site.repository, "get", refused)
    answer = await ana.get("/trainings/x")
    assert answer.status_code == 422
    assert "takes only UUIDs" in answer.json()["error"]["message"]
    assert "48057" not in answer.text


@pytest.mark.parametrize("code", ["28P01", "42501", "42P01", "25006"])
async def test_what_only_the_operator_can_mend_is_told_to_the_operator(
    site, ana, monkeypatch, caplog, code
):
    async def refused(record_id):
        raise server_errors.known_error(code, PLACE)

    monkeypatch.setattr(site.repository, "get", refused)
    answer = await ana.get("/trainings/x")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "storage_unavailable")
    assert "48057" not in answer.text
    assert PLACE in caplog.text


# -- actions ----------------------------------------------------------------------------------


async def asking(site, client, consent):
    """A training, driven until it asks something, as the API tells of it."""
    await site.sampled(client)
    told = await client.post("/trainings", json={"clone_id": "c1", "consent": consent})
    training = await site.driven(told.json()["id"], lambda record: record.action is not None)
    return (await client.get(f"/trainings/{training.id}")).json()


async def test_a_recording_that_is_asked_for_is_handed_in_and_its_upload_is_gone(site):
    site.providers["fake"] = Reader(vendor=site.vendor)
    site.providers["fake"].recordings = {}
    film = MP4.read_bytes()
    upload = "/clones/c1/uploads/recording/me.mp4"
    async with site.running() as app, site.client(app, "ana") as ana:
        training = await asking(site, ana, {"subject": "Ana Lima"})
        assert training["action"]["recording"] == "video"
        sent = await ana.put(upload, content=film, headers=sizes(len(film)))
        assert sent.status_code == 201
        done = {"choice": "done", "recording": "me.mp4"}
        answer = await ana.post(f"/trainings/{training['id']}/action", json=done)
        assert (answer.status_code, answer.json()["id"]) == (200, training["id"])
        assert (await ana.get(upload)).status_code == 404
        assert (await site.settle(training["id"])).status is Status.COMPLETED
    assert site.providers["fake"].recordings == {"c1": ("me.mp4", film, "Ana Lima")}
    assert not [p for p in (site.folder / "uploads").rglob("*") if p.is_file()]


async def test_once_there_are_credits_again_a_training_is_told_to_go_on(site, ana):
    site.vendor.fail_next(Operation.VOICE, Fault.QUOTA)
    training = await asking(site, ana, CONSENT)
    assert training["action"]["choices"] == ["retry", "give_up"]
    answer = await ana.post(f"/trainings/{training['id']}/action", json={"choice": "retry"})
    assert (answer.status_code, answer.json()["action"]) == (200, None)
    assert (await site.settle(training["id"])).status is Status.COMPLETED
    assert set(site.vendor.accepted.values()) == {1}


@pytest.fixture
async def unsearchable(site):
    """A client of a site whose vendor cannot be asked for a voice by its name, in virtual time."""
    site.timed(FakeClock())
    can = site.providers["fake"].capabilities
    can = replace(can, found_by_token=can.found_by_token - {Operation.VOICE})
    site.providers["fake"] = Fake(vendor=site.vendor, capabilities=can)
    async with site.running() as app, site.client(app, "ana") as client:
        yield client


async def doubted(site, client, fault):
    """A training whose first call may have been charged, so that a person is asked."""
    site.vendor.fail_next(Operation.VOICE, fault)
    training = await asking(site, client, CONSENT)
    assert training["action"]["kind"] == "payment"
    return training["id"]


async def test_a_job_that_a_person_found_at_the_vendor_is_adopted_and_not_paid_again(
    site, unsearchable
):
    training = await doubted(site, unsearchable, Fault.LOST_REPLY)
    (job,) = site.vendor.jobs
    adopt = {"choice": "adopt", "job_id": job.id}
    answer = await unsearchable.post(f"/trainings/{training}/action", json=adopt)
    assert (answer.status_code, answer.json()["action"]) == (200, None)
    assert (await site.settle(training)).status is Status.COMPLETED
    assert set(site.vendor.accepted.values()) == {1}


async def test_a_job_that_a_person_did_not_find_at_the_vendor_is_made_but_not_too_early(
    site, unsearchable
):
    training = await doubted(site, unsearchable, Fault.UNCLEAR)
    assert site.vendor.accepted == {}
    answered = partial(unsearchable.post, f"/trainings/{training}/action")
    early = await answered(json={"choice": "not_made"})
    assert (early.status_code, "look again in" in early.json()["error"]["message"]) == (409, True)
    site.clock.advance(600)
    assert (await answered(json={"choice": "not_made"})).status_code == 200
    assert (await site.settle(training)).status is Status.COMPLETED
    assert set(site.vendor.accepted.values()) == {1}


async def test_to_adopt_a_job_without_its_id_is_refused_and_the_question_stays(site, unsearchable):
    training = await doubted(site, unsearchable, Fault.LOST_REPLY)
    path = f"/trainings/{training}"
    answer = await unsearchable.post(f"{path}/action", json={"choice": "adopt"})
    assert answer.status_code == 422
    assert answer.json()["error"]["message"] == "adopt needs the id that the provider shows"
    assert (await unsearchable.get(path)).json()["action"]["kind"] == "payment"


async def test_a_recording_that_was_not_sent_answers_nothing(site, ana):
    site.vendor.fail_next(Operation.VOICE, Fault.QUOTA)
    training = await asking(site, ana, CONSENT)
    done = {"choice": "retry", "recording": "me.mp4"}
    answer = await ana.post(f"/trainings/{training['id']}/action", json=done)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    assert (await ana.get(f"/trainings/{training['id']}")).json()["action"] is not None


async def test_a_training_is_cancelled(site, ana):
    told = await site.started(ana)
    sent = await ana.post(f"/trainings/{told['id']}/cancel")
    assert (sent.status_code, sent.json()["status"]) == (200, "cancelled")


async def test_a_training_is_deleted_and_gone(site, ana):
    told = await site.started(ana)
    await site.settle(told["id"])
    assert (await ana.delete(f"/trainings/{told['id']}")).status_code == 204
    assert (await ana.get(f"/trainings/{told['id']}")).status_code == 404
    assert (await ana.delete(f"/trainings/{told['id']}")).status_code == 404


async def test_a_training_is_deleted_though_another_tab_has_just_deleted_its_video(
    site, ana, monkeypatch
):
    told = await site.started(ana)
    await site.settle(told["id"])
    where = f"/trainings/{told['id']}"
    video = (await ana.post(f"{where}/videos", json={"text": "Hi"})).json()["id"]
    page = site.repository.page

    async def overtaken(kind, **more):
        found = await page(kind, **more)
        await ana.delete(f"/videos/{video}")
        return found

    monkeypatch.setattr(site.repository, "page", overtaken)
    assert (await ana.delete(where)).status_code == 204
    assert (await ana.get(where)).status_code == 404


async def test_a_video_is_no_training(site, ana):
    told = await site.started(ana)
    assert (await ana.get(f"/videos/{told['id']}")).status_code == 404


# -- videos and media -------------------------------------------------------------------------


@pytest.fixture
async def video(site, ana):
    told = await site.started(ana)
    await site.settle(told["id"])
    sent = await ana.post(f"/trainings/{told['id']}/videos", json={"text": "Hello."})
    assert sent.status_code == 201
    assert (await site.settle(sent.json()["id"])).status is Status.COMPLETED
    return (await ana.get(f"/videos/{sent.json()['id']}")).json()


async def test_an_avatar_that_is_not_trained_does_not_speak(site, ana):
    told = await site.started(ana)
    sent = await ana.post(f"/trainings/{told['id']}/videos", json={"text": "Hello."})
    assert (sent.status_code, sent.json()["error"]["code"]) == (409, "illegal_transition")


def jobs(site, operation):
    return {job.id for job in site.vendor.jobs if job.operation is operation}


async def test_an_avatar_is_deleted_with_all_its_videos(site, ana, video, monkeypatch):
    monkeypatch.setattr(site.kit, "page", partial(site.kit.page, limit=1))  # of several pages
    where = f"/trainings/{video['training_id']}"
    site.vendor.fail_next(Operation.VIDEO, Fault.STUCK)
    running = (await ana.post(f"{where}/videos", json={"text": "Wait."})).json()
    while len(films := jobs(site, Operation.VIDEO)) < 2:
        await site.kit.admin.tick()
    kept = [file.key for file in (await site.repository.get(video["id"])).files.values()]
    assert (await ana.delete(where)).status_code == 204
    for gone in (where, f"/videos/{video['id']}", f"/videos/{running['id']}"):
        assert (await ana.get(gone)).status_code == 404
    while any([await site.kit.admin.leftovers(r) for r in (video["id"], running["id"])]):
        await site.kit.admin.tick()
    assert [await site.kit.admin.media.stat(key) for key in kept] == [None] * len(kept)
    assert films <= site.vendor.deleted


async def test_a_deletion_that_was_cut_goes_on_when_it_is_asked_for_again(
    site, ana, video, monkeypatch
):
    where = f"/trainings/{video['training_id']}"
    more = (await ana.post(f"{where}/videos", json={"text": "More."})).json()
    delete, asked = site.kit._orchestrator.delete, []

    async def cut(record):
        asked.append(record.id)
        if len(asked) == 2:
            raise errors.Unavailable("the database went away")
        await delete(record)

    monkeypatch.setattr(site.kit._orchestrator, "delete", cut)
    assert (await ana.delete(where)).status_code == 502
    assert (await ana.get(where)).status_code == 200  # so that there is something to ask for
    assert (await ana.delete(where)).status_code == 204
    for gone in (where, f"/videos/{video['id']}", f"/videos/{more['id']}"):
        assert (await ana.get(gone)).status_code == 404


async def test_a_video_is_listed_with_its_training(ana, video):
    listed = (await ana.get(f"/trainings/{video['training_id']}/videos")).json()["data"]
    assert [v["id"] for v in listed] == [video["id"]]


async def test_a_video_plays_in_ranges_without_a_header(site, ana, video):
    link = video["links"]["video"]
    whole = await ana.get(link)
    async with site.client(ana._transport.app) as stranger:
        part = await stranger.get(link, headers={"range": "bytes=2-5"})
    assert (whole.status_code, part.status_code) == (200, 206)
    assert part.content == whole.content[2:6]
    assert part.headers["content-range"] == f"bytes 2-5/{len(whole.content)}"
    assert whole.headers["content-type"] == "video/mp4"
    assert whole.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in whole.headers["content-security-policy"]


@pytest.mark.parametrize("change", ["key", "expires", "signature", "nothing"])
async def test_a_link_that_was_changed_opens_nothing(ana, video, change):
    link = video["links"]["video"]
    changed = {
        "key": link.replace("results/", "samples/"),
        "expires": link.replace("expires=1", "expires=2"),
        "signature": link[:-4] + "AAAA",
        "nothing": link.partition("?")[0],
    }[change]
    assert changed != link
    assert (await ana.get(changed)).status_code == 404


@pytest.mark.parametrize(
    ("name", "shown"),
    [("a.html", "attachment"), ("a.svg", "attachment"), ("a.jpg", "inline"), ("a.mp4", "inline")],
)
async def test_only_pictures_sound_and_films_are_shown_in_the_page(site, name, shown):
    secret, key = b"of the tests 0123456789", f"results/x/{name}"
    link = signing.link("", secret, key, int(time.time()) + 60)
    async with site.running(link_secrets=[secret]) as app, site.client(app) as client:
        await site.kit.admin.media.put(key, pieces(b"<script>"), "text/html")
        answer = await client.get(link)
    assert (answer.status_code, answer.headers["content-disposition"]) == (200, shown)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "script-src" not in answer.headers["content-security-policy"]
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    [
        "/trainings/{}",
        "/videos/{}/events",
        "/clones/{}/samples",
        "/clones/c1/samples/{}",
        "/clones/c1/uploads/evidence/{}",
    ],
)
async def test_a_path_with_an_endless_id_is_not_found_and_not_repeated(site, path):
    async with site.running() as app, site.client(app, "ana") as ana:
        for endless in ("a.b-" * 7500, "x" * 201):
            method = "DELETE" if path.count("/") == 4 and "evidence" not in path else "GET"
            method = "PUT" if "evidence" in path else method
            told = await ana.request(method, path.format(endless))
            assert told.status_code == 404
            assert len(told.content) < 300


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_range_of_a_file_does_not_read_the_whole_file(site, monkeypatch, method):
    secret, key = b"of the tests 0123456789", "results/x/a.mp4"
    link = signing.link("", secret, key, int(time.time()) + 60)
    async with site.running(link_secrets=[secret]) as app, site.client(app) as client:
        store = site.kit.admin.media
        await store.put(key, pieces(b"x" * 100_000), "video/mp4")

        def read(*_):
            raise AssertionError("the store reads the file")

        monkeypatch.setattr(store, "open", read)
        monkeypatch.setattr(store, "stat", read)
        answer = await client.request(method, link, headers={"range": "bytes=10-19"})
    assert (answer.status_code, answer.headers["content-length"]) == (206, "10")
    assert answer.headers["content-type"] == "video/mp4"


async def test_the_head_of_a_file_in_a_store_without_links_reads_nothing(site, monkeypatch):
    secret, key = b"of the tests 0123456789", "results/x/a.mp4"
    link = signing.link("", secret, key, int(time.time()) + 60)
    async with site.running(link_secrets=[secret]) as app, site.client(app) as client:
        store = site.kit.admin.media
        await store.put(key, pieces(b"x" * 1000), "video/mp4")
        known = AsyncMock(return_value=await store.stat(key))
        for name, instead in {"path": lambda _: None, "open": None, "stat": known}.items():
            monkeypatch.setattr(store, name, instead)
        head = await client.head(link)
    assert (head.status_code, head.headers["content-length"], head.content) == (200, "1000", b"")


async def test_a_repeated_order_is_answered_after_its_samples_were_deleted_and_says_so(site, ana):
    await site.sampled(ana)
    order = {
        "json": {"clone_id": "c1", "consent": {"not_a_real_person": "a drawing"}},
        "headers": {"idempotency-key": "once"},
    }
    first = await ana.post("/trainings", **order)
    await site.settle(first.json()["id"])
    for sample in await site.kit.samples(user_id="ana"):
        await site.kit.delete_sample(sample.id, user_id="ana", clone_id="c1")
    again = await ana.post("/trainings", **order)
    assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])
    told = [answer.headers.get("idempotent-replayed") for answer in (first, again)]
    script = {"json": {"text": "Hello."}, "headers": {"idempotency-key": "once"}}
    place = f"/trainings/{first.json()['id']}/videos"
    told += [(await ana.post(place, **script)).headers.get("idempotent-replayed") for _ in range(2)]
    assert told == [None, "true", None, "true"]
    new = await ana.post("/trainings", json=order["json"])
    assert (new.status_code, "samples" in new.json()["error"]["message"]) == (422, True)


@pytest.mark.parametrize("clone_id", [".", "..", "a/b", "/", "a\\b", "../a"])
async def test_a_clone_id_that_no_path_can_hold_is_refused(ana, clone_id):
    asked = {"clone_id": clone_id, "consent": {"not_a_real_person": "a drawing"}}
    told = await ana.post("/trainings", json=asked)
    assert (told.status_code, told.json()["error"]["code"]) == (400, "invalid_request")
    assert "clone_id" in told.json()["error"]["message"]


@pytest.mark.parametrize("clone_id", ["a.b", "...", "a b", "ü"])
async def test_a_clone_id_that_a_path_can_hold_is_taken(ana, clone_id):
    listed = await ana.get(f"/clones/{quote(clone_id)}/samples")
    assert (listed.status_code, listed.json()["data"]) == (200, [])


async def test_another_look_is_of_a_training_of_ones_own(site, ana):
    await site.sampled(ana)
    first = (await ana.post("/trainings", json={"clone_id": "c1", "consent": CONSENT})).json()
    asked = {"clone_id": "c1", "look_of": first["id"]}
    begun = await ana.post("/trainings", json=asked)
    assert (begun.status_code, begun.json()["error"]["code"]) == (409, "illegal_transition")
    unknown = await ana.post("/trainings", json={**asked, "look_of": "nothing"})
    assert (unknown.status_code, unknown.json()["error"]["param"]) == (400, "look_of")
    eve = await site.kit.adopt(
        user_id="eve", clone_id="e1", avatar_id="x", consent=Consent(subject="Eve")
    )
    others = await ana.post("/trainings", json={**asked, "look_of": eve.id})
    assert others.json()["error"]["param"] == "look_of"


# -- consents, erasures, profiles -------------------------------------------------------------


@pytest.mark.parametrize(
    ("given_at", "status"),
    [
        ("2026-03-09T12:00:00Z", 201),
        ("2026-03-09T12:00:00+05:00", 201),
        ("2026-03-09T12:00:00", 400),  # at which place of the Earth?
        ("2999-01-01T00:00:00Z", 422),
        ("0001-01-01T00:00:00+14:00", 400),
    ],
)
async def test_a_consent_says_when_it_was_given_which_is_not_in_the_future(
    site, ana, given_at, status
):
    sent = await ana.post("/consents", json={"subject": "Ana Lima", "given_at": given_at})
    assert sent.status_code == status, sent.text
    if status == 201:
        told = datetime.fromisoformat(sent.json()["given_at"])
        assert told == datetime.fromisoformat(given_at)


async def test_a_consent_is_stored_named_in_a_training_and_withdrawn(site, ana):
    await site.sampled(ana)
    given = await ana.post("/consents", json={"subject": "Ana Lima"})
    again = await ana.post("/consents", json={"subject": "Ana Lima"})
    assert (given.status_code, again.json()["id"]) == (201, given.json()["id"])
    assert (await ana.get(given.headers["location"])).json() == given.json()
    asked = {"clone_id": "c1", "consent_id": given.json()["id"]}
    training = (await ana.post("/trainings", json=asked)).json()
    assert training["consent_id"] == given.json()["id"]
    withdrawn = (await ana.delete(given.headers["location"])).json()
    assert withdrawn["consent"]["revoked_at"] is not None
    assert training["id"] in {one["record_id"] for one in withdrawn["remaining"]}
    assert (await ana.get(f"/trainings/{training['id']}")).json()["status"] == "cancelled"
    assert (await ana.post("/trainings", json=asked)).status_code == 422


async def test_an_erasure_leaves_nothing_and_can_be_asked_about(site, ana):
    training = (await site.started(ana))["id"]
    await site.settle(training)
    assert [clone["samples"] for clone in (await ana.get("/clones")).json()["data"]] == [2]
    refused = await ana.post("/erasures", json={"confirm": False})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "confirm")
    erased = await ana.post("/erasures", json={"confirm": True})
    assert erased.status_code == 201
    for path in ("/clones", "/trainings", "/consents"):
        assert (await ana.get(path)).json()["data"] == []
    for _ in range(5):
        await site.kit.admin.tick()
    told = (await ana.get(erased.headers["location"])).json()
    assert (told["status"], told["remaining"]) == ("completed", [])
    async with site.client(ana._transport.app, "bob") as bob:
        assert (await bob.get(erased.headers["location"])).status_code == 404


async def test_a_sample_is_played_by_its_user(site, ana):
    await site.sampled(ana)
    samples = (await ana.get("/clones/c1/samples")).json()["data"]
    path = f"/clones/c1/samples/{samples[0]['id']}/content"
    whole = await ana.get(path)
    assert (whole.content, whole.headers["content-type"]) == (site.voice, "audio/wav")
    part = await ana.get(path, headers={"range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, b"RIFF")
