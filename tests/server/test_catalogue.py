"""The catalogue over HTTP: a vendor's stock, never what the account has made of other people."""

from __future__ import annotations

import pytest

from avatarkit.providers.fake import Fake

pytestmark = pytest.mark.anyio


@pytest.fixture
async def app(site):
    async with site.running() as app:
        yield app


@pytest.fixture
async def ana(site, app):
    async with site.client(app, "ana") as client:
        yield client


@pytest.mark.parametrize(
    ("kind", "ids"),
    [
        ("avatars", ["stock-rosa", "stock-hugo"]),
        ("voices", ["stock-voice-es", "stock-voice-en"]),
    ],
)
async def test_the_stock_of_a_vendor_is_listed(ana, kind, ids):
    told = (await ana.get(f"/catalogue/fake/{kind}")).json()
    assert [entry["id"] for entry in told["data"]] == ids
    assert (told["has_more"], told["cursor"]) == (False, None)
    assert all(entry["previews"] for entry in told["data"])


async def test_what_was_trained_for_others_is_not_listed(site, ana):
    training = await site.started(ana)
    await site.settle(training["id"])
    told = (await ana.get("/catalogue/fake/avatars")).json()
    assert [entry["id"] for entry in told["data"]] == ["stock-rosa", "stock-hugo"]


async def test_entries_are_filtered_and_come_in_pages(ana):
    told = (await ana.get("/catalogue/fake/avatars?gender=male")).json()
    assert [entry["id"] for entry in told["data"]] == ["stock-hugo"]
    first = (await ana.get("/catalogue/fake/voices?limit=1")).json()
    assert first["has_more"]
    second = (await ana.get(f"/catalogue/fake/voices?limit=1&cursor={first['cursor']}")).json()
    assert {first["data"][0]["id"], second["data"][0]["id"]} == {"stock-voice-es", "stock-voice-en"}


@pytest.mark.parametrize("provider", ["nobody", "heygen", "../x"])
async def test_a_provider_that_the_server_has_not_is_not_found(ana, provider):
    assert (await ana.get(f"/catalogue/{provider}/avatars")).status_code == 404


@pytest.mark.parametrize("query", ["cursor=x", "limit=0", f"query={'x' * 201}"])
async def test_a_bad_parameter_is_named(ana, query):
    assert (await ana.get(f"/catalogue/fake/avatars?{query}")).status_code == 400


# -- videos of stock ----------------------------------------------------------------------------

ROSA = {"provider": "fake", "id": "stock-rosa"}
HUGO = {"provider": "fake", "id": "stock-hugo"}
ENGLISH = {"provider": "fake", "id": "stock-voice-en"}


@pytest.fixture
async def trained(site, ana):
    """A completed training of Ana's, and the path of its videos."""
    training = await site.started(ana)
    await site.settle(training["id"])
    return (await ana.get(f"/trainings/{training['id']}")).json()


@pytest.fixture
def requests(monkeypatch):
    """Requests to the vendor, in the order of its videos."""
    asked, generate = [], Fake.generate_video

    async def kept(self, request):
        asked.append(request)
        return await generate(self, request)

    monkeypatch.setattr(Fake, "generate_video", kept)
    return asked


async def test_a_stock_avatar_speaks_with_a_stock_voice(site, ana, trained, requests):
    where = f"/trainings/{trained['id']}/videos"
    body = {"text": "Hello.", "avatar": ROSA, "voice": ENGLISH}
    sent = await ana.post(where, json=body)
    assert sent.status_code == 201
    await site.settle(sent.json()["id"])
    assert [(r.avatar_id, r.voice_id) for r in requests] == [("stock-rosa", "stock-voice-en")]


async def test_scenes_are_told_by_their_numbers(site, ana, trained, requests):
    scenes = [{"text": "One."}, {"text": "Two.", "avatar": HUGO, "background": "#204060"}]
    sent = await ana.post(f"/trainings/{trained['id']}/videos", json={"scenes": scenes})
    assert sent.status_code == 201, sent.text
    told = sent.json()
    assert [(o["operation"], o["scene"]) for o in told["operations"]] == [
        ("video", 1),
        ("video", 2),
    ]
    assert told["script"] == "One.\n\nTwo."
    await site.settle(told["id"])
    assert [(r.avatar_id, r.script) for r in requests] == [
        (trained["avatar_id"], "One."),
        ("stock-hugo", "Two."),
    ]


@pytest.mark.parametrize("kind", ["avatar", "voice"])
@pytest.mark.parametrize("place", ["video", "scene"])
async def test_what_was_trained_for_another_user_is_no_stock(site, app, ana, trained, kind, place):
    async with site.client(app, "bob") as bob:
        theirs = await site.started(bob, "bob-1")
        await site.settle(theirs["id"])
        known = (await bob.get(f"/trainings/{theirs['id']}")).json()
    stolen = {kind: {"provider": "fake", "id": known[f"{kind}_id"]}}
    body = {"text": "Hi.", **stolen} if place == "video" else {"scenes": [{"text": "Hi", **stolen}]}
    before = len(site.vendor.jobs)
    sent = await ana.post(f"/trainings/{trained['id']}/videos", json=body)
    param = kind if place == "video" else f"scenes.0.{kind}"
    assert (sent.status_code, sent.json()["error"]["param"]) == (400, param)
    assert len(site.vendor.jobs) == before


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": "Hi.", "scenes": [{"text": "Hi."}]},
        {"scenes": []},
        {"scenes": [{"text": ""}]},
        {"scenes": [{"text": "Hi.", "background": "javascript:x"}]},
        {"scenes": [{"text": "Hi.", "layout": "top"}]},
        {"text": "Hi.", "avatar": "stock-rosa"},
        {"text": "Hi.", "avatar": {"provider": "heygen", "id": "x"}},
        {"text": "Hi.", "voice": ROSA},
        {"scenes": [{"text": "Hi.", "avatar": {"provider": "other", "id": "stock-rosa"}}]},
        {"text": "Hi.", "template": {"id": "t"}},
    ],
)
async def test_a_video_that_cannot_be_made_is_refused(site, ana, trained, body):
    before = len(site.vendor.jobs)
    sent = await ana.post(f"/trainings/{trained['id']}/videos", json=body)
    assert sent.status_code == 400, sent.text
    assert len(site.vendor.jobs) == before


async def test_the_catalogue_needs_a_user(site):
    async with site.running() as app, site.client(app) as client:
        assert (await client.get("/catalogue/fake/avatars")).status_code == 401
