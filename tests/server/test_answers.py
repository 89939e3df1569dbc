"""The table of answers: every route with every error that it documents."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest

from avatarkit import Consent, errors
from avatarkit.server import Allowance, RateLimit, erasures, openapi
from avatarkit.server.routes import OPEN, ROUTES
from server.tus import TUS, chunk

pytestmark = pytest.mark.anyio

EVERY = {route.name: route for route in (*ROUTES, *OPEN)}
SIGNED_IN = [name for name, route in EVERY.items() if route.signed_in]
CHANGING = [
    name for name, route in EVERY.items() if route.method in {"POST", "PUT", "PATCH", "DELETE"}
]
#: test_operators.py asks for them as another user
FOR_OPERATORS = [name for name, route in EVERY.items() if route.operators]
BODIES = [name for name, route in EVERY.items() if route.body is not None]
DEMO = files("avatarkit") / "data/demo"
STATUSES = (401, 403, 404, 405, 409, 412, 413, 415, 422, 429, 503)
NOBODY = "00000000-0000-4000-8000-000000000000"
SECRET = b"a secret of the links"
DRAWING = {"not_a_real_person": "a drawing"}

#: Path of each route for the things of ``Things``, or with a name that leads to nothing.
UNKNOWN = {
    "importSample": "/clones/bobs/samples",
    "uploadFile": "/clones/c1/uploads/norole/a.wav",
    "getUploadProtocol": f"/clones/{'c' * 300}/uploads",
    "createUpload": f"/clones/{'c' * 300}/uploads",
    "listSamples": f"/clones/{'c' * 300}/samples",
    "createTraining": "/trainings",
    "getMedia": "/media/results/x.mp4?expires=1&signature=x",
    "getErrorExplanation": "/errors/none",
    "listStockAvatars": "/catalogue/none/avatars",
    "listStockVoices": "/catalogue/none/voices",
}
#: What the address of a route must ask for.
QUERY = {"getDeliveryPayload": "?provider=fake&event_id=1"}
BODY = {
    "importSample": {"role": "voice", "url": "https://files.example/a.wav"},
    "createTraining": {"clone_id": "c1", "consent_id": NOBODY},
    "createHandover": {"role": "voice", "media": "audio", "page": "https://app.example/phone"},
    "createVideo": {"text": "Hello."},
    "createDubs": {"video_id": NOBODY, "languages": ["es"]},
    "answerTrainingAction": {"choice": "retry"},
    "answerVideoAction": {"choice": "retry"},
    "createConsent": {"subject": "Ana"},
    "createErasure": {"confirm": True},
    "replayDelivery": {"provider": "fake", "event_id": "1"},
}
NEW = {"upload-length": "9", "upload-metadata": "filename YS53YXY=,role dm9pY2U="}
#: Headers of tus.
UPLOADING = {
    "createUpload": TUS | NEW,
    "getUploadOffset": TUS,
    "uploadChunk": chunk(0),
    "deleteUpload": TUS,
}
#: Documented, and what it would take.
ELSEWHERE = {
    (422, "listSamples"): "Supabase: an ID that is no UUID",
    (422, "deleteSample"): "Supabase: an ID that is no UUID",
    (422, "answerTrainingAction"): "a recording that a vendor asked for; see test_api.py",
    (422, "answerVideoAction"): "a recording that a vendor asked for; see test_api.py",
    (422, "listStockAvatars"): "a provider that has no such list",
    (422, "listStockVoices"): "a provider that has no such list",
    (503, "getUploadProtocol"): "the server does not open; see test_reopening.py",
    (503, "getMedia"): "the media store is away; see test_api.py",
    (503, "watchRecords"): "the server does not open; else the stream waits for the database",
    (503, "getUser"): "the server does not open; see test_reopening.py",
    (503, "listChecks"): "the server does not open; else a check tells it; see test_operators.py",
    (503, "getErrorExplanation"): "the server does not open; see test_reopening.py",
}


def documented(status):
    """Names of the routes that document a status."""
    made = openapi.document([*ROUTES, *OPEN], "0")
    operations = [o for item in made["paths"].values() for o in item.values()]
    return [
        o["operationId"]
        for o in operations
        if str(status) in o["responses"] and (status, o["operationId"]) not in ELSEWHERE
    ]


def path_of(name, **known):
    """The path of a route; what is not known leads to nothing."""
    text = re.sub(r":\w+}", "}", EVERY[name].path)
    named = {"clone_id": "c1", "role": "voice", "name": "a.wav", "key": "x", "code": "conflict"}
    named |= {"provider": "fake"} | known
    path = re.sub(r"{(\w+)}", lambda found: named.get(found[1], NOBODY), text)
    return path + QUERY.get(name, "")


async def ask(client, name, path=None, **more):
    route = EVERY[name]
    sent = {"json": BODY[name]} if name in BODY else {}
    if route.method == "PUT":
        sent = {"content": b"RIFF"}
    elif name in UPLOADING:
        content = {"content": b"RIFF"} if name == "uploadChunk" else {}
        sent = {"headers": UPLOADING[name], **content}
    sent = {**sent, **more}
    return await client.request(route.method, path or path_of(name), **sent)


def require(answer, status):
    """Assert that an error has the status, and a body unless it has none."""
    assert answer.status_code == status, answer.text
    assert answer.headers["x-request-id"]
    if answer.content:
        error = answer.json()["error"]
        assert error["request_id"] == answer.headers["x-request-id"]


@pytest.fixture
async def ana(site):
    operators = site.operators()
    running = site.running(link_secrets=[SECRET], authenticate=operators)
    async with running as app, site.client(app, "ana") as client:
        yield client


def test_the_table_has_every_route_and_every_status():
    told = {status: set(documented(status)) for status in STATUSES if status != 405}
    assert told[401] == told[429] == {*SIGNED_IN, "createHandoverToken"}
    assert told[403] == {*CHANGING, *FOR_OPERATORS}
    assert told[412] == set(UPLOADING)
    assert told[415] == {*BODIES, "uploadChunk"}
    assert told[413] == {*BODIES, "uploadFile", "createUpload"}
    assert told[409] == set(CONFLICTS)
    assert told[422] == set(UNUSABLE)
    assert told[503] | {name for status, name in ELSEWHERE if status == 503} == set(EVERY)


@pytest.mark.parametrize("name", SIGNED_IN)
async def test_401(site, name):
    async with site.running() as app, site.client(app) as nobody:
        answer = await ask(nobody, name)
    require(answer, 401)
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("name", CHANGING)
async def test_403(ana, name):
    require(await ask(ana, name, headers={"origin": "https://evil.example"}), 403)


@pytest.mark.parametrize("name", documented(404))
async def test_404(site, ana, name):
    if name == "importSample":
        site.link_leads_to(site.voice)
        async with site.client(ana._transport.app, "bob") as bob:
            await site.sampled(bob, "bobs")
    if name == "createTraining":
        await site.sampled(ana)
    require(await ask(ana, name, UNKNOWN.get(name)), 404)


@pytest.mark.parametrize("name", EVERY)
async def test_405(ana, name):
    answer = await ana.request("TRACE", path_of(name))
    require(answer, 405)
    assert EVERY[name].method in answer.headers["allow"].split(", ")


@pytest.mark.parametrize("name", documented(413))
async def test_413(site, name):
    running = site.running(allowance=Allowance(bytes=3), authenticate=site.operators())
    async with running as app, site.client(app, "ana") as ana:
        more = {} if "upload" in name.lower() else {"json": {"text": "x" * (1 << 21)}}
        known = await made(site) if {"training_id", "video_id"} & parts(name) else {}
        require(await ask(ana, name, path_of(name, **known), **more), 413)


async def made(site):
    """The ids of a training and a video that are completed."""
    training = await site.kit.train(
        user_id="ana",
        clone_id="c1",
        voice=[str(DEMO / "voice.wav")],
        footage=str(DEMO / "portrait.jpg"),
        consent=Consent.not_a_real_person("a drawing"),
    )
    await site.settle(training.id)
    video = await site.kit.speak(training.id, "Hello.", wait=False)
    await site.settle(video.id)
    return {"training_id": training.id, "video_id": video.id}


@pytest.mark.parametrize("name", UPLOADING)
async def test_412(ana, name):
    answer = await ask(ana, name, headers={})
    require(answer, 412)
    assert answer.headers["tus-version"] == "1.0.0"


@pytest.mark.parametrize("name", documented(415))
async def test_415(site, ana, name):
    known = await made(site) if {"training_id", "video_id"} & parts(name) else {}
    kind = {"content-type": "application/x-www-form-urlencoded"}
    more = {"content": b"a=1", "headers": TUS | kind}
    require(await ask(ana, name, path_of(name, **known), json=None, **more), 415)


def parts(name):
    return set(re.findall(r"{(\w+)", EVERY[name].path))


@pytest.mark.parametrize("name", SIGNED_IN)
async def test_429(site, name):
    async with site.running(rate_limit=RateLimit(1)) as app, site.client(app, "ana") as ana:
        await ana.get("/trainings/none")
        answer = await ask(ana, name)
    require(answer, 429)
    assert int(answer.headers["retry-after"]) > 0
    assert answer.headers["ratelimit-remaining"] == "0"


@pytest.mark.parametrize("name", documented(503))
async def test_503(site, ana, monkeypatch, name):
    async def gone(*_given, **_named):
        raise errors.StorageError("the database at secret.example is away")

    for method in dir(type(site.repository)):
        if not method.startswith("_") and method not in {"open", "aclose", "changes", "listen"}:
            monkeypatch.setattr(site.repository, method, gone)
    monkeypatch.setattr(site.kit.admin, "stacks", gone_now, raising=False)
    monkeypatch.setattr(site.kit.prices, "quote", gone_now, raising=False)
    monkeypatch.setattr(site.kit.catalogue, "avatars", gone, raising=False)
    monkeypatch.setattr(site.kit.catalogue, "voices", gone, raising=False)
    for method in ("find", "begin"):
        monkeypatch.setattr(f"avatarkit.server.uploads.Uploads.{method}", gone)
    monkeypatch.setattr("avatarkit.server.handover_store._read", unreadable)
    known = {"erasure_id": erasures.new(SECRET, "ana", 1.0), "handover_id": "0" * 16}
    more = {"headers": {"authorization": f"Bearer handover-{'0' * 16}.x"}}
    answer = await ask(
        ana, name, path_of(name, **known), **(more if name == "createHandoverToken" else {})
    )
    require(answer, 503)
    assert int(answer.headers["retry-after"]) > 0
    assert "secret.example" not in answer.text


def unreadable(_path):
    raise OSError(5, "secret.example")


def gone_now(*_given, **_named):
    raise errors.StorageError("the price file is away")


# -- conflicts and what cannot be used ----------------------------------------------------------


async def in_use(site, ana):
    await site.started(ana)
    sample = (await ana.get("/clones/c1/samples")).json()["data"][0]["id"]
    return await ana.delete(f"/clones/c1/samples/{sample}")


VOICE = "/clones/c1/uploads/voice/a.wav"


def meanwhile(what):
    """Ask while a chunk of the same upload is on its way."""

    async def asked(site, ana):
        answers = []

        async def slow():
            answers.append(await ask(ana, what, VOICE if what != "createUpload" else None))
            yield b"x"

        _, where = await site.begun(ana, VOICE, 9)
        await ana.patch(where, content=slow(), headers=chunk(0))
        return answers[0]

    return asked


async def wrong_offset(site, ana):
    _, where = await site.begun(ana, VOICE, 9)
    return await ana.patch(where, content=b"x", headers=chunk(5))


async def other_order(site, ana):
    await site.sampled(ana)
    asked = {"clone_id": "c1", "consent": DRAWING}
    for name in ("Ana", "Ben"):
        sent = await ana.post(
            "/trainings", json=asked | {"name": name}, headers={"idempotency-key": "k"}
        )
    return sent


def on_record(what):
    async def asked(site, ana):
        return await ask(ana, what, path_of(what, **await made(site)))

    return asked


async def too_early(site, ana):
    training = (await site.started(ana))["id"]
    return await ana.post(f"/trainings/{training}/videos", json={"text": "Hello."})


async def unfinished(site, ana):
    training = (await site.started(ana))["id"]
    await site.settle(training)
    video = await ana.post(f"/trainings/{training}/videos", json={"text": "Hello."})
    asked = {"video_id": video.json()["id"], "languages": ["es"]}
    return await ana.post("/dubs", json=asked)


async def evidence_in_use(site, ana):
    await site.started(ana)
    consent = (await ana.get("/consents")).json()["data"][0]["id"]
    return await ana.delete(f"/consents/{consent}/evidence")


CONFLICTS = {
    "deleteSample": in_use,
    "uploadFile": meanwhile("uploadFile"),
    "createUpload": meanwhile("createUpload"),
    "uploadChunk": wrong_offset,
    "getUpload": meanwhile("getUpload"),
    "deleteUpload": meanwhile("deleteUpload"),
    "createTraining": other_order,
    "answerTrainingAction": on_record("answerTrainingAction"),
    "answerVideoAction": on_record("answerVideoAction"),
    "cancelTraining": on_record("cancelTraining"),
    "cancelVideo": on_record("cancelVideo"),
    "createVideo": too_early,
    "createDubs": unfinished,
    "deleteEvidence": evidence_in_use,
}


@pytest.mark.parametrize("name", CONFLICTS)
async def test_409(site, ana, name):
    require(await CONFLICTS[name](site, ana), 409)


async def no_picture(site, ana):
    return await ana.put("/clones/c1/uploads/footage/f.jpg", content=b"no picture")


async def no_voice(site, ana):
    told, _ = await site.begun(ana, VOICE, 8, b"no voice")
    return told


async def was_no_voice(site, ana):
    _, where = await site.begun(ana, VOICE, 8, b"no voice")
    return await ana.get(where)


async def bad_link(site, ana):
    del site
    linked = {"role": "voice", "url": "https://user:secret@files.example/a.wav"}
    return await ana.post("/clones/c1/samples", json=linked)


async def no_consent(site, ana):
    await site.sampled(ana)
    return await ana.post("/trainings", json={"clone_id": "c1"})


async def no_film(site, ana):
    sent = await ana.put("/clones/c1/uploads/source/film.mp4", content=b"no film")
    assert sent.status_code == 201
    asked = {"clone_id": "c1", "source": "film.mp4", "languages": ["es"], "consent": DRAWING}
    return await ana.post("/dubs", json=asked)


async def too_dear(site, ana):
    known = await made(site)
    site.vendor.set_price("video", 900)
    most = {"amount": "1", "currency": "USD"}
    return await ana.post(path_of("createVideo", **known), json={"text": "Hi", "max_cost": most})


UNUSABLE = {
    "getQuote": lambda _, ana: ana.get("/quote?stack=none"),
    "uploadFile": no_picture,
    "uploadChunk": no_voice,
    "getUpload": was_no_voice,
    "importSample": bad_link,
    "createTraining": no_consent,
    "createVideo": too_dear,
    "createDubs": no_film,
    "createConsent": lambda _, ana: ana.post("/consents", json={"subject": ""}),
}


@pytest.mark.parametrize("name", UNUSABLE)
async def test_422(site, ana, name):
    require(await UNUSABLE[name](site, ana), 422)
