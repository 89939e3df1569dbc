"""The studio of a server with two users: an operator, and another one."""

from __future__ import annotations

import socket
import threading

import pytest

from avatarkit import AvatarKit
from avatarkit.clock import SystemClock
from avatarkit.media.folder import FolderStore
from avatarkit.pricing import USD, Budget
from avatarkit.repositories.memory import MemoryRepository
from avatarkit.server import Principal, create_app

from .conftest import DEMO, until

uvicorn = pytest.importorskip("uvicorn", reason="uvicorn is not installed")
PEOPLE = {"olga": Principal("olga", operator=True), "ana": "ana"}


async def by_cookie(request):
    return PEOPLE.get(request.cookies.get("user"))


@pytest.fixture(scope="module")
def two(tab, tmp_path_factory):  # after Chromium: without it none is started
    folder = tmp_path_factory.mktemp("two")
    kit = AvatarKit(
        "fake",
        repository=MemoryRepository(clock=SystemClock()),
        media=FolderStore(folder / "media"),
        budgets=[Budget(USD(20), allow_unknown=["fake"])],
        worker=False,
    )
    app = create_app(kit, authenticate=by_cookie, uploads=folder / "uploads")
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="critical", ws="none", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    until(lambda: server.started)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    tab.page.goto("about:blank")  # else its event stream keeps the server
    server.should_exit = True
    thread.join()


def opened(page, address, user, at):
    page.context.add_cookies([{"name": "user", "value": user, "url": address}])
    page.goto("about:blank")  # another address after # alone loads nothing
    with page.expect_response("**/me"):
        page.goto(f"{address}/{at}")


def ordered(page, address):
    """Order a training that waits for a worker, which there is not."""
    for role, name in (("voice", "voice.wav"), ("footage", "portrait.jpg")):
        path = f"{address}/clones/c1/uploads/{role}/{name}"
        assert page.request.put(path, data=(DEMO / name).read_bytes()).status == 201
    order = {"clone_id": "c1", "consent": {"not_a_real_person": "a drawing"}}
    assert page.request.post(f"{address}/trainings", data=order).status == 201


def test_an_operator_sees_checks_backlog_and_spending(page, two):
    opened(page, two, "ana", "#avatars")
    ordered(page, two)
    opened(page, two, "olga", "#avatars")
    page.get_by_role("link", name="Operations").click()
    page.get_by_role("row", name="database").get_by_text("Fine").wait_for()
    waiting = page.get_by_role("group", name="Backlog").get_by_role("row", name="fake")
    assert [cell.inner_text() for cell in waiting.get_by_role("cell").all()][:4] == [
        "fake",
        "1",
        "1",
        "0",
    ]
    page.get_by_text("of $20.00 left").wait_for()
    assert page.locator("avatar-operations [part=problem]").is_hidden()


def test_another_user_sees_no_links_for_operators_and_is_refused(page, two):
    opened(page, two, "ana", "#avatars")
    page.locator("avatar-list").wait_for()
    assert page.get_by_role("link", name="Your data").is_visible()
    assert page.get_by_role("link", name="Operations").is_hidden()
    assert page.get_by_role("link", name="Webhook deliveries").is_hidden()
    with page.expect_response("**/operator/checks") as answered:
        page.goto(f"{two}/#operations")
    assert answered.value.status == 403
    page.get_by_text("This page is for the people who run the service.").wait_for()


@pytest.mark.parametrize(
    ("width", "tag", "title"), [(390, "ar", "الفحوص"), (1440, "de", "Prüfungen")]
)
def test_the_operators_page_is_no_wider_than_the_screen(page, two, width, tag, title):
    page.set_viewport_size({"width": width, "height": 900})
    opened(page, two, "olga", "#operations")
    page.locator("avatar-operations td").first.wait_for()
    page.locator("#language").select_option(tag)
    page.get_by_role("heading", name=title).wait_for()
    page.locator("avatar-operations td").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
