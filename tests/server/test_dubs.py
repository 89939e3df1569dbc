"""Dubs over HTTP: of an upload or of a finished video, in several languages."""

from __future__ import annotations

import pytest

from avatarkit.providers.fake import Fake, filmed

pytestmark = pytest.mark.anyio

DRAWING = {"not_a_real_person": "a drawing"}
SRT = "1\n00:00:00,000 --> 00:00:01,000\nHola.\n"
UPLOADED = {"clone_id": "c1", "source": "film.mp4", "languages": ["es", "de"], "consent": DRAWING}


@pytest.fixture
async def ana(site):
    async with site.running() as app, site.client(app, "ana") as ana:
        yield ana


@pytest.fixture
async def video(site, ana):
    """The id of a finished video."""
    training = (await site.started(ana))["id"]
    await site.settle(training)
    sent = await ana.post(f"/trainings/{training}/videos", json={"text": "Hello."})
    await site.settle(sent.json()["id"])
    return sent.json()["id"]


@pytest.fixture
def requests(monkeypatch):
    """Requests for dubs to the vendor."""
    asked, dub = [], Fake.dub_video

    async def kept(self, request):
        asked.append(request)
        return await dub(self, request)

    monkeypatch.setattr(Fake, "dub_video", kept)
    return asked


async def uploaded(client):
    sent = await client.put("/clones/c1/uploads/source/film.mp4", content=filmed())
    assert (sent.status_code, sent.json()["sample"]) == (201, None)


async def test_an_upload_is_dubbed_into_each_language(site, ana, requests):
    await uploaded(ana)
    sent = await ana.post("/dubs", json=UPLOADED | {"subtitles": {"es": SRT}, "name": "Hello"})
    assert sent.status_code == 201, sent.text
    made = sent.json()["data"]
    assert [(v["language"], v["training_id"], v["name"]) for v in made] == [
        ("es", None, "Hello"),
        ("de", None, "Hello"),
    ]
    for one in made:
        await site.settle(one["id"])
        done = (await ana.get(f"/videos/{one['id']}")).json()
        assert done["status"] == "completed"
        assert (await ana.get(done["links"]["video"])).content[4:8] == b"ftyp"
    told = {request.language: set(request.subtitles) for request in requests}
    assert told == {"es": {"translation"}, "de": set()}
    listed = (await ana.get(sent.headers["location"])).json()["data"]
    assert {one["id"] for one in listed} == {one["id"] for one in made}


async def test_a_finished_video_is_dubbed_by_its_own_consent(site, ana, video):
    sent = await ana.post("/dubs", json={"video_id": video, "languages": ["pt-BR"]})
    (dub,) = sent.json()["data"]
    await site.settle(dub["id"])
    original = (await ana.get(f"/videos/{video}")).json()
    assert (dub["consent_id"], dub["clone_id"]) == (original["consent_id"], "c1")
    assert (await ana.get(f"/videos/{dub['id']}")).json()["status"] == "completed"


async def test_a_repeated_order_needs_the_upload_no_more_and_a_new_one_does(ana):
    await uploaded(ana)
    key = {"idempotency-key": "dubs-1"}
    first = await ana.post("/dubs", json=UPLOADED, headers=key)
    again = await ana.post("/dubs", json=UPLOADED, headers=key)
    assert again.status_code == first.status_code == 201, again.text
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    ids = [[one["id"] for one in sent.json()["data"]] for sent in (first, again)]
    assert ids[0] == ids[1]
    other = await ana.post("/dubs", json=UPLOADED | {"name": "Other"}, headers=key)
    assert other.status_code == 409
    new = await ana.post("/dubs", json=UPLOADED)
    assert (new.status_code, new.json()["error"]["code"]) == (404, "not_found")


async def test_a_video_of_another_user_is_unknown(site, ana, video):
    async with site.client(ana._transport.app, "bob") as bob:
        sent = await bob.post("/dubs", json={"video_id": video, "languages": ["es"]})
        unknown = await bob.post("/dubs", json={"video_id": "none", "languages": ["es"]})
    assert sent.status_code == unknown.status_code == 404
    assert (
        sent.json()["error"]["message"].replace(video, "none")
        == (unknown.json()["error"]["message"])
    )


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"languages": []}, 400),
        ({"languages": ["es", "ES"]}, 400),
        ({"languages": "es"}, 400),
        ({"languages": [" "]}, 400),
        ({"source": None}, 400),
        ({"video_id": "v"}, 400),
        ({"clone_id": None}, 400),
        ({"source": ".."}, 400),
        ({"source": "../../etc/passwd"}, 404),
        ({"source": "other.mp4"}, 404),
        ({"subtitles": {"fr": SRT}}, 400),
        ({"subtitles": {"es": "/etc/passwd"}}, 422),  # a text, never a path
        ({"source_subtitles": "/etc/passwd"}, 422),
        ({"consent": None}, 422),
        ({"consent": None, "consent_id": "none"}, 404),
        ({"stack": "none"}, 422),
        ({"max_cost": {"amount": "0", "currency": "USD"}}, 422),
    ],
)
async def test_dubs_that_cannot_be_made_are_refused_and_nothing_is_paid(site, ana, more, status):
    await uploaded(ana)
    site.vendor.set_price("dub", 900)
    body = {name: value for name, value in (UPLOADED | more).items() if value is not None}
    sent = await ana.post("/dubs", json=body)
    assert sent.status_code == status, sent.text
    assert "/etc/passwd" not in sent.json()["error"]["message"] or status == 404
    assert (await ana.get("/videos")).json()["data"] == []
    assert not site.vendor.jobs


async def test_videos_are_listed_by_profile_and_status(ana, video):
    for query, found in (("", 1), ("?clone_id=c1", 1), ("?clone_id=c2", 0), ("?status=failed", 0)):
        assert len((await ana.get(f"/videos{query}")).json()["data"]) == found
    assert (await ana.get("/videos?status=x")).status_code == 400
