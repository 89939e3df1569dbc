"""Resumable uploads by tus 1.0."""

from __future__ import annotations

import json
import os
from email.utils import parsedate_to_datetime

import pytest
from starlette.requests import ClientDisconnect

from avatarkit.errors import StorageError
from avatarkit.intake import preflight
from server.tus import TUS, chunk

pytestmark = pytest.mark.anyio

VOICE = "/clones/c1/uploads/voice/voice.wav"
EVIDENCE = "/clones/c1/uploads/evidence/form.pdf"


@pytest.fixture
async def ana(site):
    async with site.running() as app, site.client(app, "ana") as client:
        yield client


async def cut_after(*parts):
    for part in parts:
        yield part
    raise ClientDisconnect


async def offset(client, where):
    return int((await client.head(where, headers=TUS)).headers["upload-offset"])


@pytest.mark.parametrize("role", ["voice", "footage"])
async def test_an_upload_that_was_cut_goes_on_where_it_was(site, ana, role):
    data = site.voice if role == "voice" else site.footage
    _, where = await site.begun(ana, f"/clones/c1/uploads/{role}/a.b", len(data))
    half = len(data) // 2
    sent = await ana.patch(where, content=cut_after(data[:half]), headers=chunk(0))
    assert sent.status_code == 400
    at = await offset(ana, where)
    assert 0 < at <= half
    rest = await ana.patch(where, content=data[at:], headers=chunk(at))
    assert (rest.status_code, rest.content, rest.headers["tus-resumable"]) == (204, b"", "1.0.0")
    assert rest.headers["upload-offset"] == str(len(data))
    told = (await ana.get(where)).json()
    assert (told["complete"], told["sample"]["size"]) == (True, len(data))
    (stored,) = await site.repository.samples("ana", "c1")
    kept = b"".join([part async for part in site.kit.admin.media.open(stored.file.key)])
    assert kept == data


async def test_an_upload_outlives_the_server(site):
    async with site.running() as app, site.client(app, "ana") as client:
        _, where = await site.begun(client, VOICE, len(site.voice), site.voice[:1000])
    async with site.running() as app, site.client(app, "ana") as client:
        assert await offset(client, where) == 1000


@pytest.mark.parametrize("left", [b"", b'{"upload_id":"a","len', b"\0" * 80])
async def test_an_upload_whose_note_a_crash_has_damaged_is_begun_again(site, ana, left):
    _, where = await site.begun(ana, EVIDENCE, 5)
    [about] = (site.folder / "uploads").rglob(".upload.json")
    about.write_bytes(left)
    assert (await ana.head(where, headers=TUS)).status_code == 404
    assert (await ana.get(where)).status_code == 404
    other, _ = await site.begun(ana, VOICE, 5)
    again, _ = await site.begun(ana, EVIDENCE, 5, b"12345")
    assert (other.status_code, again.status_code) == (201, 204)


@pytest.mark.parametrize("method", ["GET", "PATCH"])
async def test_a_whole_file_that_a_killed_server_did_not_validate_is_validated_by_the_next_request(
    site, ana, method
):
    """A client of tus sends no chunk after the last byte: it asks for the result."""
    _, where = await site.begun(ana, VOICE, len(site.voice), site.voice[:-1])
    [part] = (site.folder / "uploads").rglob("*.part")
    part.write_bytes(site.voice)
    part.rename(part.with_name("voice.wav"))
    size = len(site.voice)
    assert await offset(ana, where) == size
    if method == "PATCH":
        assert (await ana.patch(where, content=b"", headers=chunk(size))).status_code == 204
    assert (await ana.get(where)).json()["sample"]["size"] == size
    assert len(await site.repository.samples("ana", "c1")) == 1


async def test_a_whole_file_that_the_store_could_not_take_is_not_sent_again(site, ana, monkeypatch):
    _, where = await site.begun(ana, VOICE, len(site.voice))

    async def full(*_):
        raise StorageError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(type(site.kit.admin.media), "put", full)
        sent = await ana.patch(where, content=site.voice, headers=chunk(0))
        assert sent.status_code >= 500
    assert await offset(ana, where) == len(site.voice)
    assert (await ana.get(where)).json()["sample"]["size"] == len(site.voice)


async def test_a_finished_sample_is_looked_into_once_however_often_it_is_asked_for(
    site, ana, monkeypatch
):
    looked, look = [], preflight.examine
    monkeypatch.setattr(preflight, "examine", lambda *given: looked.append(1) or look(*given))
    size = len(site.voice)
    _, where = await site.begun(ana, VOICE, size, site.voice)
    for _ in range(2):
        assert (await ana.patch(where, content=b"", headers=chunk(size))).status_code == 204
    assert (len(looked), await offset(ana, where)) == (1, size)


async def test_what_is_no_recording_is_refused_each_time_it_is_asked_for(site, ana):
    told, where = await site.begun(ana, VOICE, 5, b"hello")
    for answer in (told, await ana.patch(where, headers=chunk(5)), await ana.get(where)):
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "media_rejected")
        assert answer.json()["findings"][0]["severity"] == "error"
    assert (await ana.get("/clones/c1/samples")).json()["data"] == []


async def test_evidence_waits_to_be_used_and_nothing_is_added_to_it(site, ana):
    assert (await ana.head(EVIDENCE, headers=TUS)).status_code == 404
    _, where = await site.begun(ana, EVIDENCE, 6, b"signed")
    more = await ana.patch(where, content=b"and more", headers=chunk(6))
    assert (more.status_code, more.headers["upload-offset"]) == (204, "6")
    [kept] = (site.folder / "uploads").rglob("form.pdf")
    assert kept.read_bytes() == b"signed"


@pytest.mark.parametrize("role", ["voice", "evidence"])
async def test_another_file_of_the_same_name_does_not_mix_with_the_first(site, ana, role):
    path = f"/clones/c1/uploads/{role}/a.wav"
    _, first = await site.begun(ana, path, 10, b"first")
    _, second = await site.begun(ana, path, 10)
    late = await ana.patch(first, content=b" file", headers=chunk(0))
    assert (late.status_code, (await ana.head(first, headers=TUS)).status_code) == (404, 404)
    assert await offset(ana, second) == 0


async def test_at_another_offset_the_answer_says_where_it_goes_on(site, ana):
    _, where = await site.begun(ana, VOICE, 100, b"x" * 10)
    wrong = await ana.patch(where, content=b"x", headers=chunk(50))
    assert (wrong.status_code, wrong.headers["upload-offset"]) == (409, "10")
    assert wrong.headers["tus-resumable"] == "1.0.0"


@pytest.mark.parametrize("path", [VOICE, EVIDENCE])
async def test_more_than_was_announced_is_refused_and_nothing_is_left(site, ana, path):
    long, where = await site.begun(ana, path, 10, b"x" * 11)
    assert (long.status_code, long.json()["error"]["code"]) == (422, "media_rejected")
    assert (await ana.head(where, headers=TUS)).status_code == 404
    assert not [found for found in (site.folder / "uploads").rglob("*") if found.is_file()]


@pytest.mark.parametrize("data", [b"", b"x"])
async def test_an_upload_can_be_ended_and_makes_room(site, ana, data):
    _, where = await site.begun(ana, VOICE, 9, data)
    assert (await ana.delete(where, headers=TUS)).status_code == 204
    assert (await ana.head(where, headers=TUS)).status_code == 404
    assert not [found for found in (site.folder / "uploads").rglob("*") if found.is_file()]


async def test_every_answer_tells_when_the_upload_expires(site, ana):
    made, where = await site.begun(ana, VOICE, 9)
    [folder] = (site.folder / "uploads").glob("*/*")
    os.utime(folder, (1_000_000_000, 1_000_000_000))
    told = (await ana.head(where, headers=TUS)).headers["upload-expires"]
    assert parsedate_to_datetime(told).timestamp() == 1_000_000_000 + 86_400
    assert parsedate_to_datetime(made.headers["upload-expires"])


async def test_the_server_tells_its_version_extensions_and_limit(ana):
    told = (await ana.options("/clones/c1/uploads")).headers
    assert (told["tus-version"], told["tus-max-size"]) == ("1.0.0", str(2 << 30))
    assert told["tus-extension"] == "creation,termination,expiration"


@pytest.mark.parametrize("meant", ["PATCH", "DELETE"])
async def test_a_network_that_knows_post_only_may_name_the_method_in_a_header(site, ana, meant):
    _, where = await site.begun(ana, VOICE, 9)
    override = {"x-http-method-override": meant}
    sent = await ana.post(where, content=b"x", headers=chunk(0) | override)
    assert sent.status_code == 204
    foreign = {"origin": "https://evil.example"}
    refused = await ana.post(where, content=b"x", headers=chunk(1) | override | foreign)
    assert refused.status_code == 403
    assert (await ana.post(where, headers=override)).status_code == 405  # not tus


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"upload-length": "0"}, 400),
        ({"upload-length": "-1"}, 400),
        ({"upload-length": str(3 << 30)}, 413),
        ({"upload-length": "9", "upload-metadata": "filename"}, 400),
        ({"upload-length": "9", "upload-metadata": "filename YQ==,role !"}, 400),
        ({"upload-length": "9", "upload-metadata": "filename Li4vYQ==,role dm9pY2U="}, 400),
        ({"upload-length": "9", "upload-metadata": "filename Li4=,role dm9pY2U="}, 400),
        ({"upload-length": "9", "upload-metadata": "filename AA==,role dm9pY2U="}, 400),
        ({"upload-length": "9", "upload-metadata": "filename YQ==,role bm9uZQ=="}, 404),
        ({"upload-length": "9", "upload-metadata": "filename /w==,role dm9pY2U="}, 400),
        ({"upload-length": "9", "upload-metadata": f"filename {'YQAA' * 2000}"}, 400),
    ],
    ids=lambda given: json.dumps(given)[:90],
)
async def test_a_length_or_a_name_that_cannot_be_is_refused(site, ana, headers, status):
    named = {"upload-metadata": "filename YQ==,role dm9pY2U="}
    sent = await ana.post("/clones/c1/uploads", headers=TUS | named | headers)
    assert sent.status_code == status, sent.text
    assert not [found for found in (site.folder / "uploads").rglob("*") if found.is_file()]
