"""Errors of the HTTP API: one body, headers that clients rely on, and words of HTTP."""

from __future__ import annotations

import json
import re
import time

import anyio
import pytest

from avatarkit import errors
from avatarkit.server import RateLimit, running
from avatarkit.server.error_answers import CODES, ErrorCode

pytestmark = pytest.mark.anyio

#: Kinds of a call, an argument or a constant of Python, which no client of HTTP can use.
PYTHON = re.compile(
    r"\b\w+=[\w(\[{.'\"]|\b\w+= |\b\w+\(|\bkit\.|\bPage\.|\b(None|True|False)\b|allow_unknown"
)

CONSENT = {"not_a_real_person": "a drawing"}


@pytest.fixture
async def ana(site):
    async with site.running() as app, site.client(app, "ana") as client:
        yield client


async def refused(client):
    """Answers to wrong requests of every kind."""
    yield await client.get("/trainings?cursor=x")
    yield await client.get("/deliveries?cursor=eyJ4Ijox")
    yield await client.get("/trainings?limit=0")
    yield await client.get("/trainings/none")
    yield await client.get("/quote?stack=none")
    yield await client.get("/quote?script=a&seconds=3")
    yield await client.get("/catalogue/fake/voices?cursor=x")
    for clone_id in ("%20", "a%2Fb", ".."):  # siblings: a path, and a body
        yield await client.get(f"/trainings?clone_id={clone_id}")
    yield await client.get("/clones/%20/samples")
    yield await client.post("/trainings", json={"clone_id": " ", "consent": CONSENT})
    yield await client.post("/trainings", json={})
    yield await client.post("/trainings", json={"clone_id": "c1", "stack": "none"})
    yield await client.post("/trainings", json={"clone_id": "c1"})
    yield await client.post("/trainings", json={"clone_id": "none", "consent": CONSENT})
    for consent in ({"subject": ""}, {"not_a_real_person": ""}, CONSENT | {"subject": "Ana"}):
        yield await client.post("/trainings", json={"clone_id": "c1", "consent": consent})
    purposes = {"subject": "Ana", "purposes": ["lessons"]}
    yield await client.post("/trainings", json={"clone_id": "c1", "consent": purposes})
    costly = {"clone_id": "c1", "consent": {"subject": "Ana"}, "stack": "heygen"}
    yield await client.post(
        "/trainings", json={**costly, "max_cost": {"amount": "0.01", "currency": "USD"}}
    )


async def test_every_error_has_the_same_fields_and_speaks_of_http(site, ana):
    await site.sampled(ana)
    codes = set()
    async for answer in refused(ana):
        told = answer.json()
        error = told["error"]
        assert list(error) == ["type", "code", "message", "param", "request_id", "docs"]
        assert error["request_id"] == answer.headers["x-request-id"]
        assert answer.status_code == CODES[ErrorCode(error["code"])].status
        assert not PYTHON.search(error["message"]), error["message"]
        explained = await ana.get(error["docs"])
        assert explained.json()["code"] == error["code"]
        codes.add(error["code"])
    assert {"invalid_cursor", "consent_required", "not_configured", "not_found"} <= codes


@pytest.mark.parametrize(
    ("path", "param"),
    [
        ("/trainings?cursor=x", "cursor"),
        ("/trainings?limit=x", "limit"),
        ("/trainings?status=x", "status"),
        ("/quote?seconds=x", "seconds"),
    ],
)
async def test_an_error_names_the_parameter(ana, path, param):
    answer = await ana.get(path)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/trainings", {"clone_id": "a/b"}, "clone_id: use no slash"),
        ("/trainings", {"clone_id": 1}, "clone_id: Input should be"),
        ("/dubs", {"languages": ["es", "ES"], "video_id": "v"}, "languages: name each"),
        ("/dubs", {"languages": ["es"]}, "body: send either source or video_id"),
    ],
)
async def test_a_message_about_a_field_names_it_once(ana, path, body, said):
    message = (await ana.post(path, json=body)).json()["error"]["message"]
    assert message.startswith(said)
    assert "Value error" not in message


@pytest.mark.parametrize(
    ("method", "path", "said"),
    [
        ("GET", "/none", "Check the path"),
        ("GET", "/clones/c1/none", "Check the path"),
        ("GET", "/static/none.js", "Check the path"),
        ("PROPFIND", "/trainings", "Allow"),
        ("POST", "/", "Allow"),
    ],
)
async def test_a_path_or_a_method_that_is_unknown_is_answered_with_what_to_do(
    ana, method, path, said
):
    assert said in (await ana.request(method, path)).json()["error"]["message"]


async def test_an_error_names_the_field_of_the_body(ana):
    sent = await ana.post("/trainings", json={"clone_id": "c1", "consent": {"wording": 1}})
    assert (sent.status_code, sent.json()["error"]["param"]) == (400, "consent.wording")


async def test_a_request_keeps_its_own_id_in_the_answer_and_in_the_log(ana, caplog):
    caplog.set_level("INFO", logger="avatarkit")
    answer = await ana.get("/trainings/none", headers={"x-request-id": "mine-7"})
    assert answer.headers["x-request-id"] == "mine-7"
    assert "request_id=mine-7" in caplog.text
    other = await ana.get("/trainings", headers={"x-request-id": "no id\n"})
    assert re.fullmatch(r"req_[0-9a-f]{32}", other.headers["x-request-id"])


async def test_work_that_outlives_a_request_has_not_its_id(site, caplog):
    caplog.set_level("INFO", logger="avatarkit")
    app = site.new_app(worker=True)
    async with site.client(app, "ana") as client:
        first = (await client.get("/trainings")).headers["x-request-id"]
        await site.started(client)
    await app.state.aclose()
    later = [line for line in caplog.text.splitlines() if first in line]
    assert not [line for line in later if "request.refused" not in line]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", "/trainings", "GET, HEAD, POST"),
        ("OPTIONS", "/trainings/x", "DELETE, GET, HEAD"),
        ("PUT", "/health", "GET, HEAD"),
    ],
)
async def test_every_method_of_a_path_is_named(ana, method, path, allowed):
    answer = await ana.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


async def test_401_tells_how_to_sign_in_and_personal_answers_are_stored_nowhere(site, ana):
    async with site.client(ana._transport.app) as nobody:
        answer = await nobody.get("/trainings")
    assert answer.headers["www-authenticate"] == 'Bearer realm="avatarkit"'
    assert (await ana.get("/trainings")).headers["cache-control"] == "no-store"
    assert (await ana.get("/trainings/none")).headers["cache-control"] == "no-store"


async def test_a_user_has_so_many_requests_and_another_has_them_too(site):
    async with (
        site.running(rate_limit=RateLimit(2, 60.0)) as app,
        site.client(app, "ana") as ana,
        site.client(app, "bob") as bob,
    ):
        answers = [await ana.get("/trainings") for _ in range(3)]
        other = await bob.get("/trainings/none")
    left = [answer.headers["ratelimit-remaining"] for answer in answers]
    assert ([a.status_code for a in answers], left) == ([200, 200, 429], ["1", "0", "0"])
    assert 0 < int(answers[2].headers["retry-after"]) <= 60
    assert (other.status_code, other.headers["ratelimit-remaining"]) == (404, "1")


async def test_a_slow_request_goes_on_while_the_database_is_there(site, ana, monkeypatch):
    monkeypatch.setattr(running, "_LOOK", 0.0)
    real = site.repository.page
    looked = 0

    async def ping():
        nonlocal looked
        looked += 1

    async def slow(*given, **named):
        while looked < 3:
            await anyio.sleep(0)
        return await real(*given, **named)

    monkeypatch.setattr(site.kit.admin, "ping", ping, raising=False)
    monkeypatch.setattr(site.repository, "page", slow)
    assert (await ana.get("/trainings")).status_code == 200


async def away(*_given, **_named):
    await anyio.sleep_forever()


@pytest.mark.parametrize("how", ["hangs", "says so"])
async def test_every_route_tells_within_three_seconds_that_the_database_is_gone(
    site, ana, monkeypatch, how
):
    assert running._PATIENCE < 3 > running._LOOK + running._ALIVE
    monkeypatch.setattr(running, "_LOOK", 0.0)
    monkeypatch.setattr(running, "_ALIVE", 0.01)

    async def gone(*_given, **_named):
        if how == "hangs":
            await anyio.sleep_forever()
        raise errors.StorageError("the database at secret.example is away")

    for name in dir(type(site.repository)):
        if not name.startswith("_") and name not in {"open", "aclose", "changes", "listen"}:
            monkeypatch.setattr(site.repository, name, gone)
    asked = [("GET", p) for p in ("/trainings", "/trainings/x", "/deliveries", "/health")]
    asked += [("POST", "/trainings"), ("DELETE", "/trainings/x"), ("GET", "/trainings/x/events")]
    body = json.dumps({"clone_id": "c1", "consent": CONSENT})
    for method, path in asked:
        begun = time.monotonic()
        answer = await ana.request(
            method, path, content=body, headers={"content-type": "application/json"}
        )
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5"), path
        assert "secret.example" not in answer.text
        assert time.monotonic() - begun < 60


def test_every_code_is_described():
    assert set(CODES) == set(ErrorCode)
