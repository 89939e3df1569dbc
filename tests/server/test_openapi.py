"""The OpenAPI document: it holds whatever is sent, and tells of all that is answered."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avatarkit.engines.clock import SystemClock
from avatarkit.media import signing
from avatarkit.repositories.sqlite import SqliteRepository
from avatarkit.server.api import OPEN, ROUTES

uvicorn = pytest.importorskip("uvicorn", reason='needs pip install "avatarkit-sdk[server]"')

pytestmark = pytest.mark.anyio

SECRET = b"a secret that signs links to files"


async def test_every_route_is_told_of(site):
    async with site.running() as app, site.client(app) as client:
        told = (await client.get("/openapi.json")).json()
    found = {(m.upper(), path) for path, item in told["paths"].items() for m in item}
    assert found == {(r.method, r.path.replace(":path", "")) for r in (*ROUTES, *OPEN)}


async def test_who_is_not_signed_in_sees_which_routes_that_does_not_matter_for(site):
    async with site.running() as app, site.client(app) as client:
        told = (await client.get("/openapi.json")).json()
        free = {
            path
            for path, item in told["paths"].items()
            if item.get("get", {}).get("security") == []
        }
        assert free == {"/media/{key}", "/health"}
        assert (await client.get("/health")).status_code == 200


async def test_every_reference_leads_somewhere(site):
    async with site.running() as app, site.client(app) as client:
        told = (await client.get("/openapi.json")).json()

    def references(value):
        if isinstance(value, dict):
            if "$ref" in value:
                yield value["$ref"].removeprefix("#/components/schemas/")
            value = list(value.values())
        if isinstance(value, list):
            for inner in value:
                yield from references(inner)

    assert set(references(told)) <= set(told["components"]["schemas"])


@contextmanager
def served(site):
    """The address of the app, which another thread serves."""
    app = site.new_app(hosts=["127.0.0.1"], link_secrets=[SECRET])
    config = uvicorn.Config(app, port=0, log_level="critical")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.mark.parametrize("kept", ["in memory", "in SQLite"])
@pytest.mark.filterwarnings("default")  # of what the fuzzer itself leaves open
def test_whatever_is_sent_no_answer_is_a_fault_or_untold(site, kept):
    if kept == "in SQLite":
        site.repository = SqliteRepository(site.folder / "a.db", clock=SystemClock())
    schemathesis = pytest.importorskip("schemathesis", reason="needs pip install schemathesis")
    from schemathesis.checks import not_a_server_error
    from schemathesis.specs.openapi.checks import status_code_conformance

    asked = set()
    with served(site) as address, httpx.Client(base_url=address) as client:
        client.headers["authorization"] = f"Bearer {site.tokens['ana']}"
        known = cancelled(site, client)
        file, link = stored(site)
        schema = schemathesis.openapi.from_url(f"{address}/openapi.json")
        for found in schema.get_all_operations():
            operation = found.ok()

            @given(case=operation.as_strategy(), there=st.booleans())
            @settings(max_examples=6, derandomize=True, database=None, deadline=None)
            def holds(case, there):
                if there and "id" in case.path_parameters:
                    case.path_parameters["id"] = known
                if there and "key" in case.path_parameters:
                    case.path_parameters["key"], case.query = file, dict(link)
                answer = case.call(base_url=address, headers=dict(client.headers), timeout=20)
                asked.add(case.operation.label)
                case.validate_response(answer, checks=[not_a_server_error, status_code_conformance])

            holds()
    assert len(asked) == len(ROUTES) + len(OPEN)


def cancelled(site, client):
    """The id of a training that is final, so that its events end."""
    for role, name, data in (("voice", "v.wav", site.voice), ("footage", "f.jpg", site.footage)):
        size = {"upload-length": str(len(data))}
        client.put(f"/clones/c1/samples/{role}/{name}", content=data, headers=size)
    asked = {"clone_id": "c1", "consent": {"not_a_real_person": "a drawing"}}
    training = client.post("/trainings", json=asked).json()["id"]
    assert client.post(f"/trainings/{training}/cancel").status_code == 200
    return training


def stored(site):
    """The key of a stored file, and the query that opens it."""
    media = site.folder / "media"
    key = next(media.rglob("*.wav")).relative_to(media).as_posix()
    link = httpx.URL(signing.link("http://127.0.0.1", SECRET, key, int(time.time()) + 3600))
    assert link.path == f"/media/{key}"
    return key, dict(link.params)
