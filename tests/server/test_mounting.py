"""The app within another one: one line."""

from __future__ import annotations

import gc

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from avatarkit.errors import ConfigError

pytestmark = pytest.mark.anyio


def starlette(app):
    outer = Starlette()
    outer.mount("/avatars", app)
    return outer


def fastapi(app):
    outer = pytest.importorskip("fastapi").FastAPI()
    outer.mount("/avatars", app)
    return outer


def django(app):
    conf = pytest.importorskip("django.conf")
    from django.core.asgi import get_asgi_application
    from django.http import HttpResponse
    from django.urls import path

    own = (path("own", lambda request: HttpResponse(f"Django at {request.path}")),)
    if not conf.settings.configured:
        conf.settings.configure(ALLOWED_HOSTS=["app.example"], ROOT_URLCONF=own)
    return Starlette(routes=[Mount("/avatars", app), Mount("/", get_asgi_application())])


@pytest.mark.parametrize("outer", [starlette, fastapi, django])
async def test_mounted_it_works_without_a_lifespan_of_its_own(site, outer):
    app = site.new_app()
    async with site.client(outer(app), "ana") as client:
        client.base_url = f"{site.origin}/avatars"
        training = await site.started(client)
        await site.settle(training["id"])
        shown = (await client.get(f"/trainings/{training['id']}")).json()
        assert shown["status"] == "completed"
        sent = await client.post(f"/trainings/{training['id']}/videos", json={"text": "Hello."})
        await site.settle(sent.json()["id"])
        links = (await client.get(f"/videos/{sent.json()['id']}")).json()["links"]
        shown_at = httpx.URL(f"{site.origin}/avatars/videos/{sent.json()['id']}")
        assert (await client.get(shown_at.join(links["video"]))).status_code == 200
        assert sent.headers["location"] == shown_at.path
        told = await client.post(f"/webhooks/fake/{site.secret}", json={})
        assert told.status_code == 401
        page = await client.get("/openapi.json")
        assert page.json()["servers"] == [{"url": "/avatars"}]
    await app.state.aclose()


@pytest.mark.parametrize("outer", [starlette, fastapi, django])
async def test_mounted_it_still_refuses_strangers_pages(site, outer):
    app = site.new_app()
    async with site.client(outer(app), "ana") as client:
        client.base_url = f"{site.origin}/avatars"
        stranger = {"origin": "https://evil.example"}
        sent = await client.post("/trainings", json={"clone_id": "c1"}, headers=stranger)
    assert sent.status_code == 403


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_beside_it_django_answers_what_is_its_own(site):
    app = site.new_app()
    async with site.client(django(app)) as client:
        assert (await client.get("/own")).text == "Django at /own"
    await app.state.aclose()
    gc.collect()  # Django leaves the file of a request's body to it, which warns


@pytest.mark.parametrize("strips", [True, False])
async def test_behind_a_proxys_path_every_link_is_one_that_clients_can_follow(site, strips):
    app = site.new_app(prefix="/avatars")

    async def proxy(scope, receive, send):
        stripped = scope["path"].removeprefix("/avatars") or "/"
        await app({**scope, "path": stripped} if strips else scope, receive, send)

    async with site.client(proxy, "ana") as client:
        client.base_url = f"{site.origin}/avatars"
        training = await site.started(client)
        await site.settle(training["id"])
        sent = await client.post(f"/trainings/{training['id']}/videos", json={"text": "Hello."})
        await site.settle(sent.json()["id"])
        where = httpx.URL(site.origin).join(sent.headers["location"])
        record = (await client.get(where)).json()
        assert (await client.get(where.join(record["links"]["video"]))).status_code == 200
        missing = (await client.get(f"{where}x")).json()["error"]
        assert (await client.get(where.join(missing["docs"]))).status_code == 200
        assert (await client.get("/openapi.json")).json()["servers"] == [{"url": "/avatars"}]
    await app.state.aclose()


@pytest.mark.parametrize("prefix", ["avatars", "/avatars/", "//x", "/a b", "/"])
def test_a_prefix_that_is_no_path_is_refused(site, prefix):
    with pytest.raises(ConfigError, match="prefix is"):
        site.new_app(prefix=prefix)
