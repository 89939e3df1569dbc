"""One app and kit of a module, used by several event loops in turn, as test clients do."""

import asyncio
import threading
import warnings
from contextlib import ExitStack

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from avatarkit import AvatarKit
from avatarkit.config.settings import Settings
from avatarkit.errors import NotOpen
from avatarkit.models import Operation
from avatarkit.providers.fake import Fake, FakeVendor
from avatarkit.server import create_app

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette prefers a successor of httpx
    from starlette.testclient import TestClient


async def ana(request):
    return "ana"


@pytest.fixture(params=["memory://", "sqlite"])
def app(request, tmp_path, avatarkit_offline):
    sqlite = f"sqlite:///{tmp_path}/twins.db"
    kit = AvatarKit(
        "fake",
        repository=sqlite if request.param == "sqlite" else request.param,
        media=tmp_path / "media",
        providers={"fake": Fake(vendor=FakeVendor(durations=dict.fromkeys(Operation, 0.0)))},
        settings=Settings(),
    )
    return create_app(kit, authenticate=ana, hosts=["testserver"])


def mounted(app):
    return Starlette(routes=[Mount("/avatars", app)])


def status(client, path="/trainings"):
    return client.get(path).status_code


def test_an_app_serves_every_test_client_in_turn(app):
    for _ in range(3):
        with TestClient(app) as client:
            assert [status(client), status(client)] == [200, 200]


def test_an_app_serves_requests_that_each_have_an_event_loop(app):
    client = TestClient(app)

    assert [status(client) for _ in range(3)] == [200] * 3


def test_a_mounted_app_serves_every_test_client_in_turn(app):
    for _ in range(2):
        with TestClient(mounted(app)) as client:
            assert [status(client, "/avatars/trainings") for _ in range(2)] == [200, 200]
            client.portal.call(app.state.aclose)


def test_a_mounted_app_that_was_not_closed_serves_the_next_client(app):
    for _ in range(2):
        with TestClient(mounted(app)) as client:
            assert status(client, "/avatars/trainings") == 200


def test_an_app_that_was_closed_opens_again(app):
    with TestClient(mounted(app)) as client:
        for _ in range(3):
            assert status(client, "/avatars/trainings") == 200
            client.portal.call(app.state.aclose)
            client.portal.call(app.state.aclose)


def test_an_app_in_two_event_loops_at_once_says_so(app):
    with ExitStack() as exits:
        exits.enter_context(TestClient(app))
        told = exits.enter_context(TestClient(mounted(app))).get("/avatars/trainings")

    assert told.status_code == 503
    assert "runs in another event loop" in told.json()["error"]["message"]


def test_an_app_cannot_be_closed_from_another_event_loop(app):
    caught = []

    def close():
        try:
            asyncio.run(app.state.aclose())
        except NotOpen as error:
            caught.append(str(error))

    with TestClient(app) as client:
        thread = threading.Thread(target=close)
        thread.start()
        thread.join()
        assert status(client) == 200

    assert "runs in another event loop" in caught[0]
