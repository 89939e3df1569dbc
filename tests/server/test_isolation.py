"""Two users: neither sees or touches what is the other's, on any route, in either direction."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pytest

from avatarkit.server.routes import ROUTES

pytestmark = pytest.mark.anyio

UNKNOWN = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True)
class Probe:
    """How a route is asked about somebody's thing, and what its owner gets.

    ``other`` is what another user gets; None: exactly what one gets who names what is not there.
    """

    path: str
    own: int = 200
    other: int | None = None
    sent: dict = field(default_factory=dict)


CONSENT = {"not_a_real_person": "a drawing"}
PROBES = {
    "stacks": Probe("/stacks"),
    "quote": Probe("/quote"),
    "samples": Probe("/clones/{clone}/samples"),
    "fetch_sample": Probe(
        "/clones/{clone}/samples",
        own=201,
        other=404,  # a clone's id is its first user's, so that no other can have it
        sent={"json": {"role": "voice", "url": "https://files.example/voice.wav"}},
    ),
    "upload": Probe("/clones/{clone}/samples/voice/voice.wav", own=201, other=404),
    "uploaded": Probe("/clones/{clone}/samples/voice/begun.wav", own=204),
    "drop_sample": Probe("/clones/{clone}/samples/{sample}", own=204, other=404),
    "train": Probe(
        "/trainings", own=201, sent={"json": {"clone_id": "{clone}", "consent": CONSENT}}
    ),
    "trainings": Probe("/trainings?clone_id={clone}"),
    "get_trainings": Probe("/trainings/{training}"),
    "events_trainings": Probe("/trainings/{training}/events"),
    "act_trainings": Probe("/trainings/{training}/action", own=409, sent={"json": {"choice": "x"}}),
    "cancel_trainings": Probe("/trainings/{training}/cancel", own=409),
    "delete_trainings": Probe("/trainings/{training}", own=204),
    "get_videos": Probe("/videos/{video}"),
    "events_videos": Probe("/videos/{video}/events"),
    "act_videos": Probe("/videos/{video}/action", own=409, sent={"json": {"choice": "x"}}),
    "cancel_videos": Probe("/videos/{video}/cancel", own=409),
    "delete_videos": Probe("/videos/{video}", own=204),
    "speak": Probe("/trainings/{training}/videos", own=201, sent={"json": {"text": "Hello."}}),
    "videos": Probe("/trainings/{training}/videos"),
    "catalogue_avatars": Probe("/catalogue/fake/avatars"),
    "catalogue_voices": Probe("/catalogue/fake/voices"),
    "consents": Probe("/consents"),
    "drop_evidence": Probe("/consents/{consent}/evidence", own=204),
    "deliveries": Probe("/deliveries"),
}
MINE_ALONE = {"stacks", "quote", "consents", "deliveries"}
MINE_ALONE |= {"catalogue_avatars", "catalogue_voices"}  # routes that name nothing of anybody


async def ready(site, client, user):
    """Everything that a user can have."""
    training = await site.started(client, f"{user}-1")
    await site.settle(training["id"])
    asked = await client.post(f"/trainings/{training['id']}/videos", json={"text": "Hello."})
    await site.settle(asked.json()["id"])
    begun = {"upload-length": "100"}
    await client.put(f"/clones/{user}-1/samples/voice/begun.wav", content=b"RIFF", headers=begun)
    stored = (await client.get(f"/clones/{user}-1/samples")).json()["samples"]
    consents = (await client.get("/consents")).json()["consents"]
    return {
        "clone": f"{user}-1",
        "sample": stored[0]["id"],
        "consent": consents[0]["id"],
        "training": training["id"],
        "video": asked.json()["id"],
    }


def filled(value, names):
    if isinstance(value, dict):
        return {key: filled(inner, names) for key, inner in value.items()}
    if not isinstance(value, str):
        return value
    for name, given in names.items():
        value = value.replace("{" + name + "}", given)
    return value


async def ask(site, client, route, names):
    probe = PROBES[route.name]
    sent = filled(probe.sent, names)
    if route.name == "upload":
        size = {"upload-length": str(len(site.voice))}
        sent = {"content": site.voice, "headers": size}
    return await client.request(route.method, filled(probe.path, names), **sent)


#: What is nobody's: it is opened by a signed link or a secret, or tells nothing of anybody.
OPEN = {"/media/{key:path}", "/webhooks/{provider}/{secret}", "/health", "/openapi.json"}
OPEN |= {"/static/{path:path}", "/example/{path:path}", "/", "/errors/{code}"}


def test_every_route_that_is_served_is_asked_for_by_both_users_or_is_nobodys(site):
    served = {
        (route.path, method)
        for route in site.new_app().routes
        for method in getattr(route, "methods", None) or {"GET"}
    }
    asked = {(route.path, route.method) for route in ROUTES}
    implied = {(path, "HEAD") for path, method in served if method == "GET"}
    assert {path for path, _ in served - asked - implied} == OPEN
    assert asked <= served
    assert set(PROBES) == {route.name for route in ROUTES}


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
@pytest.mark.parametrize(("owner", "other"), [("ana", "bob"), ("bob", "ana")])
async def test_anothers_thing_answers_as_if_it_did_not_exist(site, route, owner, other):
    probe = PROBES[route.name]
    async with (
        site.running() as app,
        site.client(app, owner) as own,
        site.client(app, other) as its,
    ):
        site.link_leads_to(site.voice)
        theirs = await ready(site, own, owner)
        nothing = dict.fromkeys(("training", "video", "sample", "consent"), UNKNOWN) | {
            "clone": "none-1"
        }
        before = await everything(site, owner)
        foreign = await ask(site, its, route, theirs)
        assert await everything(site, owner) == before
        if probe.other is not None:
            assert foreign.status_code == probe.other
        elif route.name not in MINE_ALONE:
            absent = await ask(site, its, route, nothing)
            assert foreign.status_code == absent.status_code
            assert forget(foreign.text, theirs) == forget(absent.text, nothing)
            assert foreign.headers.get("upload-offset") == absent.headers.get("upload-offset")
        for name in ("training", "video"):
            assert theirs[name] not in foreign.text or foreign.status_code == 404
        mine = await ask(site, own, route, theirs)
        assert mine.status_code == probe.own, mine.text


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
async def test_a_stranger_is_asked_to_sign_in(site, route):
    names = dict.fromkeys(("training", "video", "sample", "consent"), UNKNOWN) | {"clone": "c1"}
    async with site.running() as app, site.client(app) as client:
        answer = await ask(site, client, route, names)
    assert answer.status_code == 401


async def everything(site, user):
    """All that is kept of a user."""
    pages = [await site.repository.page(kind, user_id=user) for kind in ("training", "video")]
    samples = await site.repository.samples(user, f"{user}-1")
    uploads = sorted(str(p) for p in (site.folder / "uploads").rglob("*.part"))
    return pages, samples, uploads


def forget(text, names):
    for given in names.values():
        text = text.replace(given, "-")
    return re.sub(r"req_[0-9a-f]{32}", "-", text)


async def test_deliveries_tell_each_of_their_own(site):
    async with (
        site.running() as app,
        site.client(app, "ana") as ana,
        site.client(app, "bob") as bob,
    ):
        training = await site.started(ana, "ana-1")
        await site.settle(training["id"])
        assert (await ana.get("/deliveries")).json()["deliveries"]
        assert (await bob.get("/deliveries")).json()["deliveries"] == []


async def test_a_link_opens_one_file_and_no_other(site):
    async with (
        site.running() as app,
        site.client(app, "ana") as ana,
        site.client(app, "bob") as bob,
    ):
        links = {}
        for user, client in (("ana", ana), ("bob", bob)):
            names = await ready(site, client, user)
            links[user] = (await client.get(f"/videos/{names['video']}")).json()["links"]["video"]
        proof = links["bob"].partition("?")[2]
        planted = links["ana"].partition("?")[0] + "?" + proof
        assert (await bob.get("/" + links["bob"])).status_code == 200
        assert (await bob.get("/" + planted)).status_code == 404
