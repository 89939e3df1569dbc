"""What work would cost, over the API: the very figures of ``kit.prices.quote``."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from avatarkit import VideoSettings
from avatarkit.config.settings import Settings
from avatarkit.json_views import CostsView, QuoteView

pytestmark = pytest.mark.anyio


@pytest.fixture
async def ana(site):
    async with site.running() as app, site.client(app, "ana") as client:
        yield client


async def test_a_quote_is_that_of_the_kit(site, ana):
    told = await ana.get("/quote?stack=elevenlabs%2Bd-id&seconds=90&trainings=3&videos=7&dubs=1")
    found = site.kit.prices.quote(
        stack="elevenlabs+d-id", seconds=90.0, trainings=3, videos_per_month=7, dubs_per_month=1
    )
    assert told.json() == QuoteView.of(found, datetime.now(UTC).date()).json_object()


async def test_a_quote_of_a_script_counts_its_characters(ana):
    told = (await ana.get("/quote?stack=elevenlabs%2Bd-id&script=Hello")).json()
    (speech,) = (line for line in told["lines"] if line["operation"] == "speech")
    assert speech["quantity"] in {"5", "0.005"}


async def test_what_is_not_said_is_an_avatar_and_a_minute_on_the_servers_own_stack(ana):
    told = (await ana.get("/quote")).json()
    assert [told[name] for name in ("stack", "trainings", "videos", "dubs", "seconds")] == [
        *("fake", 1, 1, 0, "60"),
    ]


async def test_a_quote_reads_the_settings_that_change_the_price(site, ana):
    told = await ana.get("/quote?stack=synthesia&trainings=0&test=true")
    found = site.kit.prices.quote(stack="synthesia", trainings=0, settings=VideoSettings(test=True))
    assert told.json() == QuoteView.of(found, datetime.now(UTC).date()).json_object()
    assert told.json()["expected"]["used"]["amount"] == "0"
    refused = await ana.get("/quote?stack=tavus&test=true")
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "unsupported")


async def test_an_unknown_price_is_null_not_zero(site, ana):
    site.vendor.prices.clear()
    told = (await ana.get("/quote?stack=fake")).json()
    assert (told["expected"]["total"], bool(told["expected"]["unknown"])) == (None, True)


async def test_every_stack_is_told_with_its_figure(site, ana):
    rows = (await ana.get("/stacks")).json()["data"]
    assert {row["stack"]: row["quote"] for row in rows} == {
        stack: {"expected": CostsView.of(found.expected).json_object(), "oldest": found.read}
        for stack, found in (
            (row["stack"], site.kit.prices.quote(stack=row["stack"])) for row in rows
        )
    }


@pytest.mark.parametrize(
    "query",
    [
        *("seconds=0", "seconds=-1", "seconds=nan", "seconds=inf", "seconds=1e9", "seconds=x"),
        *("trainings=-1", "videos=1.5", "dubs=1000001", "videos=00000000001000001", "videos="),
        *("script=", "quality=good", "resolution=9k", "test=1"),
    ],
)
async def test_what_is_no_amount_is_refused(ana, query):
    told = await ana.get(f"/quote?{query}")
    assert (told.status_code, told.json()["error"]["code"]) == (400, "invalid_request")


@pytest.mark.parametrize("query", ["stack=nobody", "stack=a%2B", "script=Hello&seconds=5"])
async def test_what_cannot_be_quoted_is_refused_with_a_reason(ana, query):
    told = await ana.get(f"/quote?{query}")
    assert (told.status_code, told.json()["error"]["code"]) == (422, "not_configured")


async def test_nobody_is_told_who_is_not_signed_in(site):
    async with site.running() as app, site.client(app) as client:
        assert (await client.get("/quote")).status_code == 401


async def test_a_broken_row_of_ones_own_is_named_and_hides_no_stack(site, tmp_path):
    broken = tmp_path / "prices.toml"
    broken.write_text('[[price]]\nprovider = "fake"\noperation = "voice"\nusd_per_month = -1\n')
    async with site.running() as app, site.client(app, "ana") as client:
        site.kit._pool._settings = Settings(environ={"AVATARKIT_PRICES": str(broken)})
        told = await client.get("/quote")
        rows = (await client.get("/stacks")).json()["data"]
    assert (told.status_code, "line" in told.json()["error"]["message"]) == (422, True)
    assert rows
    assert all(row["quote"] is None for row in rows)
