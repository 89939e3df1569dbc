"""Two users: neither sees or touches what is the other's, on any route, in either direction."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pytest

from avatarkit.server import erasures
from avatarkit.server.routes import ROUTES
from server.tus import TUS, chunk

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
BEGUN = "/clones/{clone}/uploads/voice/begun.wav"
NEW = TUS | {"upload-length": "9", "upload-metadata": "filename YS53YXY=,role dm9pY2U="}
HANDED = {"role": "voice", "media": "audio", "page": "https://app.example/phone"}
PROBES = {
    "listStacks": Probe("/stacks"),
    "getQuote": Probe("/quote"),
    "listSamples": Probe("/clones/{clone}/samples"),
    "importSample": Probe(
        "/clones/{clone}/samples",
        own=201,
        other=404,  # a clone's id is its first user's, so that no other can have it
        sent={"json": {"role": "voice", "url": "https://files.example/voice.wav"}},
    ),
    "uploadFile": Probe("/clones/{clone}/uploads/voice/voice.wav", own=201, other=404),
    "getUploadProtocol": Probe("/clones/{clone}/uploads", own=204),
    "createUpload": Probe("/clones/{clone}/uploads", own=201, sent={"headers": NEW}),
    "getUploadOffset": Probe(BEGUN, own=204, sent={"headers": TUS}),
    "getUpload": Probe(BEGUN),
    "uploadChunk": Probe(BEGUN, own=204, sent={"content": b"WAVE", "headers": chunk(4)}),
    "deleteUpload": Probe(BEGUN, own=204, sent={"headers": TUS}),
    "createHandover": Probe("/clones/{clone}/handovers", own=201, sent={"json": HANDED}),
    "getHandover": Probe("/clones/{clone}/handovers/{handover}"),
    "deleteHandover": Probe("/clones/{clone}/handovers/{handover}", own=204),
    "deleteSample": Probe("/clones/{clone}/samples/{sample}", own=204, other=404),
    "createTraining": Probe(
        "/trainings", own=201, sent={"json": {"clone_id": "{clone}", "consent": CONSENT}}
    ),
    "listTrainings": Probe("/trainings?clone_id={clone}"),
    "getTraining": Probe("/trainings/{training}"),
    "watchTraining": Probe("/trainings/{training}/events"),
    "answerTrainingAction": Probe(
        "/trainings/{training}/action", own=409, sent={"json": {"choice": "x"}}
    ),
    "cancelTraining": Probe("/trainings/{training}/cancel", own=409),
    "deleteTraining": Probe("/trainings/{training}", own=204),
    "getVideo": Probe("/videos/{video}"),
    "watchVideo": Probe("/videos/{video}/events"),
    "answerVideoAction": Probe("/videos/{video}/action", own=409, sent={"json": {"choice": "x"}}),
    "cancelVideo": Probe("/videos/{video}/cancel", own=409),
    "deleteVideo": Probe("/videos/{video}", own=204),
    "createVideo": Probe(
        "/trainings/{training}/videos", own=201, sent={"json": {"text": "Hello."}}
    ),
    "listTrainingVideos": Probe("/trainings/{training}/videos"),
    "listVideos": Probe("/videos?clone_id={clone}"),
    "createDubs": Probe(
        "/dubs", own=201, sent={"json": {"video_id": "{video}", "languages": ["es"]}}
    ),
    "listConsents": Probe("/consents"),
    "deleteEvidence": Probe("/consents/{consent}/evidence", own=204),
    "listDeliveries": Probe("/deliveries"),
    "getUser": Probe("/me"),
    "listBacklog": Probe("/operator/backlog", own=403),
    "getSpending": Probe("/operator/spending", own=403),
    "listChecks": Probe("/operator/checks", own=403),
    "listAllDeliveries": Probe("/operator/deliveries", own=403),
    "getDeliveryPayload": Probe("/operator/payload?provider=fake&event_id=1", own=403),
    "replayDelivery": Probe(
        "/operator/replays", own=403, sent={"json": {"provider": "fake", "event_id": "1"}}
    ),
    "listClones": Probe("/clones"),
    "getSampleContent": Probe("/clones/{clone}/samples/{sample}/content", other=404),
    "createConsent": Probe("/consents", own=201, sent={"json": {"subject": "Ana"}}),
    "getConsent": Probe("/consents/{consent}"),
    "withdrawConsent": Probe("/consents/{consent}"),
    "createErasure": Probe("/erasures", own=201, sent={"json": {"confirm": True}}),
    "getErasure": Probe("/erasures/{erasure}"),
    "watchRecords": Probe("/events"),
    "listStockAvatars": Probe("/catalogue/fake/avatars"),
    "listStockVoices": Probe("/catalogue/fake/voices"),
}
#: Routes whose answer ends; tests/server/test_live.py asks for the other one.
ENDING = [route for route in ROUTES if route.name != "watchRecords"]
NAMED = ("training", "video", "sample", "consent", "erasure", "handover")
#: Routes that name nothing of anybody.
MINE_ALONE = {
    "getUploadProtocol",
    "createUpload",
    "createHandover",
    "listStacks",
    "getQuote",
    "listClones",
    "listConsents",
    "listDeliveries",
}
MINE_ALONE |= {"createConsent", "createErasure", "listStockAvatars", "listStockVoices"}


async def ready(site, client, user):
    """Everything that a user can have."""
    training = await site.started(client, f"{user}-1")
    await site.settle(training["id"])
    asked = await client.post(f"/trainings/{training['id']}/videos", json={"text": "Hello."})
    await site.settle(asked.json()["id"])
    await site.begun(client, f"/clones/{user}-1/uploads/voice/begun.wav", 100, b"RIFF")
    handed = await client.post(f"/clones/{user}-1/handovers", json={**HANDED, "role": "footage"})
    stored = (await client.get(f"/clones/{user}-1/samples")).json()["data"]
    consents = (await client.get("/consents")).json()["data"]
    return {
        "clone": f"{user}-1",
        "sample": stored[0]["id"],
        "handover": handed.json()["id"],
        "consent": consents[0]["id"],
        "training": training["id"],
        "video": asked.json()["id"],
        "erasure": erasures.new(b"a secret of the links", user, 1.0),
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
    if route.name == "uploadFile":
        sent = {"content": site.voice}
    return await client.request(route.method, filled(probe.path, names), **sent)


#: What is nobody's: it is opened by a signed link or a secret, or tells nothing of anybody.
OPEN = {"/media/{key:path}", "/webhooks/{provider}/{secret}", "/health", "/openapi.json"}
OPEN |= {"/static/{path:path}", "/example/{path:path}", "/", "/errors/{code}"}
OPEN |= {"/phone", "/handovers/token"}


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


@pytest.mark.parametrize("route", ENDING, ids=lambda route: route.name)
@pytest.mark.parametrize(("owner", "other"), [("ana", "bob"), ("bob", "ana")])
async def test_anothers_thing_answers_as_if_it_did_not_exist(site, route, owner, other):
    probe = PROBES[route.name]
    async with (
        site.running(link_secrets=[b"a secret of the links"]) as app,
        site.client(app, owner) as own,
        site.client(app, other) as its,
    ):
        site.link_leads_to(site.voice)
        theirs = await ready(site, own, owner)
        nothing = dict.fromkeys(NAMED, UNKNOWN) | {"clone": "none-1"}
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
    names = dict.fromkeys(NAMED, UNKNOWN) | {"clone": "c1"}
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
        assert (await ana.get("/deliveries")).json()["data"]
        assert (await bob.get("/deliveries")).json()["data"] == []


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
        assert (await bob.get(links["bob"])).status_code == 200
        assert (await bob.get(planted)).status_code == 404
