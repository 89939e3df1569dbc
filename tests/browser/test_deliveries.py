"""<avatar-deliveries>: what operators see of webhook deliveries, as they arrive."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from .conftest import until
from .test_elements import load, plain  # noqa: F401 - a fixture
from .test_look import look  # noqa: F401 - a fixture


def entry(n, **more):
    """A delivery, the newer the higher its number."""
    about = {"id": f"id-{n:05}", "training_id": f"id-{n:05}", "name": f"Ada {n}"}
    made = {"provider": "heygen", "event_id": f"evt_{n}", "event_type": "video.completed"}
    made |= {"record": about | {"status": "completed", "own": True}, "signed": True}
    at = f"2026-12-01T00:{n // 60:02}:{n % 60:02}Z"
    return made | {"outcome": "applied", "received_at": at} | more


class Deliveries:
    """The element at a server that is invented, whose ``entries`` are the newest first."""

    def __init__(self, page, *entries):
        self.page, self.entries = page, list(entries)
        self.asked, self.replayed = [], []
        self.failure = None
        page.clock.install()
        page.route("**/stacks", lambda r: r.fulfill(json={"data": [], "cursor": None}))
        page.route("**/operator/deliveries?*", self._list)
        page.route("**/operator/replays", self._replay)
        load(page, "avatar-deliveries")
        page.evaluate("document.body.append(document.createElement('avatar-deliveries'))")
        self.element = page.locator("avatar-deliveries")

    def _list(self, route):
        asked = {n: v[0] for n, v in parse_qs(urlsplit(route.request.url).query).items()}
        self.asked.append(asked)
        if self.failure:
            status, code = self.failure
            route.fulfill(status=status, json={"error": {"message": "no", "code": code}})
            return
        fits = [
            e
            for e in self.entries
            if all(e[name] == asked.get(name, e[name]) for name in ("provider", "outcome"))
        ]
        start, limit = int(asked.get("cursor", 0)), int(asked["limit"])
        cursor = str(start + limit) if len(fits) > start + limit else None
        route.fulfill(json={"data": fits[start : start + limit], "cursor": cursor})

    def _replay(self, route):
        self.replayed.append(route.request.post_data_json)
        route.fulfill(json=self.entries[0] | {"outcome": "ignored"})

    def names(self):
        return self.element.locator("tbody tr td:nth-child(2)").all_inner_texts()

    def later(self):
        """Let a few seconds pass."""
        self.page.clock.run_for(6000)


@pytest.fixture
def deliveries(own_page, local):
    page = own_page
    empty = {"body": "<!doctype html><html lang=en><title>t</title><main><h1>t</h1></main>"}
    page.route("**/empty.html", lambda r: r.fulfill(**empty, content_type="text/html"))
    page.goto(f"{local.url}/empty.html")
    return lambda *entries: Deliveries(page, *entries)


def test_new_deliveries_appear_by_themselves_and_the_focus_stays(deliveries):
    made = deliveries(entry(1))
    button = made.page.get_by_role("button", name="Replay: video.completed, Ada 1")
    button.focus()
    made.entries.insert(0, entry(2))
    made.later()
    until(lambda: made.names() == ["Ada 2", "Ada 1"])
    assert button.evaluate("b => b.getRootNode().activeElement === b")


def test_more_deliveries_than_a_page_leave_no_gap(deliveries):
    made = deliveries(entry(1))
    made.element.locator("tbody tr").wait_for()
    made.entries[:0] = [entry(n) for n in range(61, 1, -1)]
    made.later()
    until(lambda: len(made.names()) == 25)
    for count in (50, 61):
        made.page.get_by_role("button", name="Show older").click()
        until(lambda count=count: len(made.names()) == count)
    assert made.names() == [f"Ada {n}" for n in range(61, 0, -1)]


def test_an_avatar_on_an_older_page_is_found(deliveries):
    made = deliveries(*(entry(n) for n in range(90, 0, -1)))
    made.element.locator("tbody tr").first.wait_for()
    made.page.fill("#search", "id-00003")
    until(lambda: made.names() == ["Ada 3"])


@pytest.mark.parametrize(("field", "value"), [("provider", "d-id"), ("outcome", "unmatched")])
def test_deliveries_are_filtered_by_the_server(deliveries, field, value):
    made = deliveries(entry(2), entry(1, **{field: value}))
    until(lambda: made.names() == ["Ada 2", "Ada 1"])
    made.page.select_option(f"#{field}", value)
    until(lambda: made.names() == ["Ada 1"])
    assert made.asked[-1][field] == value


def test_a_replay_names_the_delivery_and_shows_what_became_of_it(deliveries):
    made = deliveries(entry(1))
    made.page.get_by_role("button", name="Replay: video.completed, Ada 1").click()
    made.element.locator("tbody").get_by_text("Ignored").wait_for()
    assert made.replayed == [{"provider": "heygen", "event_id": "evt_1"}]


def test_records_of_others_and_deleted_ones_lead_nowhere(deliveries):
    other = {"id": "x1", "training_id": "x1", "name": "Eve", "status": "failed", "own": False}
    made = deliveries(entry(2, record=other), entry(1, record=None))
    until(lambda: made.names() == ["Eve", "Deleted or unknown"])
    assert made.element.locator("a").count() == 0


@pytest.mark.parametrize(
    ("failure", "text"),
    [
        ((503, "server_busy"), "Connection lost. Trying again..."),
        ((403, "operators_only"), "This page is for the people who run the service."),
        ((401, "not_authenticated"), "You are not signed in."),
    ],
)
def test_what_was_shown_stays_while_the_server_refuses(deliveries, failure, text):
    made = deliveries(entry(1))
    made.element.locator("tbody tr").wait_for()
    made.failure = failure
    made.later()
    made.element.get_by_text(text).wait_for()
    assert made.names() == ["Ada 1"]


@pytest.mark.parametrize("tag", ["en", "ar"])
def test_deliveries_are_clean_and_no_wider_than_the_screen(page, local, look, tag):  # noqa: F811
    html = f"<!doctype html><html lang={tag} dir={'rtl' if tag == 'ar' else 'ltr'}><title>t</title>"
    body = {"body": f"{html}<main><h1>t</h1></main>", "content_type": "text/html"}
    page.route("**/empty.html", lambda r: r.fulfill(**body))
    page.goto(f"{local.url}/empty.html")
    long = "https://" + "x" * 200
    page.route("**/operator/payload?*", lambda r: r.fulfill(json={"payload": long}))
    made = Deliveries(page, entry(2), entry(1, outcome="expired", record=None))
    made.element.locator("tbody tr").nth(1).wait_for()
    look(f"deliveries-{tag}")
    made.element.locator("td button").first.click()
    page.get_by_role("dialog").locator("pre").wait_for()
    look(f"payload-{tag}", full=False)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
