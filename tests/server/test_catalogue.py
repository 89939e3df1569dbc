"""The catalogue over HTTP: a vendor's stock, never what the account has made of other people."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.anyio


@pytest.fixture
async def ana(site):
    async with site.running() as app, site.client(app, "ana") as client:
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


async def test_the_catalogue_needs_a_user(site):
    async with site.running() as app, site.client(app) as client:
        assert (await client.get("/catalogue/fake/avatars")).status_code == 401
