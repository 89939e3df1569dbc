"""Operators: who they are, and what only they see."""

from __future__ import annotations

import json

import pytest

from avatarkit.errors import StorageError
from avatarkit.interfaces import Held
from avatarkit.pricing import USD, Budget
from avatarkit.server import BearerTokens, Principal, StartupToken
from avatarkit.server.routes import ROUTES

pytestmark = pytest.mark.anyio

#: A delivery that was never made.
UNKNOWN = {"provider": "fake", "event_id": "none"}
OWN = [route for route in ROUTES if route.operators]


def people(site):
    """Ana is an ordinary user, Bob an operator."""
    found = {"ana": "ana", "bob": Principal("bob", operator=True)}
    return BearerTokens({token: found[name] for name, token in site.tokens.items()})


def test_every_route_of_the_tag_is_for_operators_and_no_other_is():
    assert [route for route in ROUTES if route.tag == "Operators"] == OWN
    assert [route for route in ROUTES if route.path.startswith("/operator/")] == OWN


@pytest.mark.parametrize("route", OWN, ids=lambda route: route.name)
async def test_an_operator_gets_what_another_user_is_refused(site, route):
    body = None if route.body is None else dict(UNKNOWN)
    asked = {"json": body, "params": UNKNOWN if route.parameters else None}
    async with site.running(authenticate=people(site)) as app:
        async with site.client(app, "bob") as bob:
            answer = await bob.request(route.method, route.path, **asked)
            assert answer.status_code == (404 if 404 in route.statuses else 200)
        async with site.client(app, "ana") as ana:
            refused = await ana.request(route.method, route.path, **asked)
        async with site.client(app) as stranger:
            nameless = await stranger.request(route.method, route.path, **asked)
            assert nameless.status_code == 401
    assert refused.status_code == 403
    assert refused.json()["error"]["code"] == "operators_only"


@pytest.mark.parametrize(("user", "operator"), [("ana", False), ("bob", True)])
async def test_a_user_learns_whether_they_are_an_operator(site, user, operator):
    async with site.running(authenticate=people(site)) as app, site.client(app, user) as client:
        told = (await client.get("/me")).json()
    assert told == {"user_id": user, "operator": operator}


async def test_an_operator_sees_no_records_of_others(site):
    async with site.running(authenticate=people(site)) as app:
        async with site.client(app, "ana") as ana:
            training = (await site.started(ana))["id"]
        async with site.client(app, "bob") as bob:
            assert (await bob.get(f"/trainings/{training}")).status_code == 404
            assert (await bob.get("/trainings")).json()["data"] == []


async def test_the_holder_of_the_start_up_token_is_the_operator(site):
    token = StartupToken(site.tokens["ana"])
    async with site.running(authenticate=token) as app, site.client(app, "ana") as client:
        assert (await client.get("/me")).json() == {"user_id": "me", "operator": True}
        site_cookie = {"cookie": f"avatarkit={token.cookie_for(site.tokens['ana'])}"}
        async with site.client(app) as page:
            assert (await page.get("/me", headers=site_cookie)).json()["operator"] is True


async def test_the_backlog_counts_what_all_users_wait_for(site):
    async with site.running(authenticate=people(site)) as app:
        async with site.client(app, "ana") as ana:
            await site.started(ana)
        async with site.client(app, "bob") as bob:
            (told,) = (await bob.get("/operator/backlog")).json()["data"]
    assert (told["provider"], told["waiting"], told["held"]) == ("fake", 1, 0)
    assert told["due_since"].endswith("Z")


async def test_a_budget_that_is_overdrawn_has_nothing_left(site, monkeypatch):
    app = site.new_app(authenticate=people(site))
    monkeypatch.setattr(site.kit.prices, "_budgets", [Budget(USD(10)), Budget(USD(5), "user")])

    async def held(*_args):
        return Held(spent=12_500_000, reserved=250_000)

    monkeypatch.setattr(site.repository, "held", held)
    async with app.router.lifespan_context(app), site.client(app, "bob") as bob:
        told = (await bob.get("/operator/spending")).json()
    assert (told["spent"]["amount"], told["reserved"]["amount"]) == ("12.5", "0.25")
    (budget,) = told["budgets"]  # those of single users are not the project's
    assert (budget["amount"]["amount"], budget["left"]["amount"]) == ("10", "0")


async def test_a_store_that_is_away_is_a_finding_and_no_failure(site, monkeypatch):
    app = site.new_app(authenticate=people(site))

    async def away(*_args):
        raise StorageError("The bucket is not there. Make it.")

    monkeypatch.setattr(site.kit.admin.media, "put", away)
    async with app.router.lifespan_context(app), site.client(app, "bob") as bob:
        told = (await bob.get("/operator/checks")).json()["data"]
    found = {check["subject"]: (check["verdict"], check["detail"]) for check in told}
    assert found["media"] == ("error", "The bucket is not there. Make it.")
    assert found["database"] == found["provider fake"] == ("ok", "")


async def test_a_database_that_is_away_is_a_finding_and_no_failure(site, monkeypatch):
    async with site.running(authenticate=people(site)) as app, site.client(app, "bob") as bob:

        async def away(*_args):
            raise StorageError("The database does not answer. Start it.")

        for method in ("next_due", "now"):
            monkeypatch.setattr(site.repository, method, away)
        told = (await bob.get("/operator/checks")).json()["data"]
    assert told[0] == {
        "subject": "database",
        "verdict": "error",
        "detail": "The database does not answer. Start it.",
    }


async def test_an_unforeseen_error_of_a_check_tells_its_kind_alone(site, monkeypatch):
    app = site.new_app(authenticate=people(site))

    async def broken(*_args):
        raise RuntimeError("postgres://me:hush@db")

    monkeypatch.setattr(site.kit.admin.media, "put", broken)
    async with app.router.lifespan_context(app), site.client(app, "bob") as bob:
        text = (await bob.get("/operator/checks")).text
    assert "RuntimeError" in text
    assert "hush" not in text


# -- deliveries ---------------------------------------------------------------------------------


async def delivered(site, app, **more):
    """A finished training of Ana's, and a delivery about it; ``more`` is in its payload."""
    async with site.client(app, "ana") as ana:
        training = await site.started(ana)
        await site.kit.admin.tick()
        told = site.vendor.deliveries()[0]
        if more:
            told = site.vendor.signed(json.dumps(json.loads(told.body) | more).encode())
        headers = {**told.headers, "content-type": "application/json"}
        where = f"/webhooks/fake/{site.secret}"
        assert (await ana.post(where, content=told.body, headers=headers)).status_code == 200
        await site.kit.webhooks.apply()
    return training["id"]


async def test_operators_see_deliveries_of_all_users_with_their_avatars(site):
    async with site.running(authenticate=people(site)) as app:
        training = await delivered(site, app)
        async with site.client(app, "bob") as bob:
            (told,) = (await bob.get("/operator/deliveries")).json()["data"]
            await site.kit.delete(training)
            left = (await bob.get("/operator/deliveries")).json()["data"]
    about = {"id": training, "training_id": training, "name": "", "own": False}
    assert told["record"] == about | {"status": "training"}
    assert (told["outcome"], told["signed"]) == ("applied", True)
    assert not any(entry["record"] for entry in left)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        *(("provider=fake", 1), ("provider=heygen", 0)),
        *(("outcome=applied", 1), ("outcome=ignored", 0), ("outcome=applied&provider=fake", 1)),
        *(("outcome=late", None), ("provider=", None), ("limit=0", None)),
    ],
)
async def test_deliveries_are_filtered(site, asked, found):
    async with site.running(authenticate=people(site)) as app:
        await delivered(site, app)
        async with site.client(app, "bob") as bob:
            answer = await bob.get(f"/operator/deliveries?{asked}")
    assert answer.status_code == (400 if found is None else 200)
    assert len(answer.json().get("data", ())) == (found or 0)


async def test_a_payload_is_shown_without_secrets_and_signed_links(site):
    links = {
        "video_url": "https://cdn.example/v.mp4?Signature=hush-1",
        "webhook": f"https://app.example/webhooks/fake/{site.secret}?job=ak-1",
        "auth": {"signing_secret": "hush-2", "note": "Bearer hush-3-hush-3"},
    }
    async with site.running(authenticate=people(site)) as app:
        await delivered(site, app, **links)
        async with site.client(app, "bob") as bob:
            (told,) = (await bob.get("/operator/deliveries")).json()["data"]
            named = {"provider": "fake", "event_id": told["event_id"]}
            text = (await bob.get("/operator/payload", params=named)).json()["payload"]
    assert json.loads(text)["video_url"] == "https://cdn.example/v.mp4?[redacted]"
    assert "hush" not in text
    assert site.secret not in text


@pytest.mark.parametrize("missing", ["provider", "event_id"])
async def test_a_payload_is_asked_for_by_provider_and_event(site, missing):
    asked = {name: value for name, value in UNKNOWN.items() if name != missing}
    async with site.running(authenticate=people(site)) as app, site.client(app, "bob") as bob:
        answer = await bob.get("/operator/payload", params=asked)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, missing)


async def test_a_delivery_that_is_replayed_changes_nothing_that_it_did(site):
    async with site.running(authenticate=people(site)) as app:
        training = await delivered(site, app)
        before, paid = await site.kit.get(training), site.vendor.accepted.total()
        async with site.client(app, "bob") as bob:
            (told,) = (await bob.get("/operator/deliveries")).json()["data"]
            named = {name: told[name] for name in UNKNOWN}
            replayed = [await bob.post("/operator/replays", json=named) for _ in range(2)]
        assert [answer.json() for answer in replayed] == [told, told]
        assert await site.kit.get(training) == before
        assert site.vendor.accepted.total() == paid
