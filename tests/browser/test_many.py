"""The studio with many avatars, in another tab, and in a framework that mounts everything twice."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from .conftest import answer, sign_in, until
from .test_component import EVENTS, RECORD
from .test_elements import load, plain  # noqa: F401 - a fixture

MANY = 500
FILMS = {"thumbnail": "/still.jpg", "preview": "/film.mp4", "video": "/film.mp4"}


def avatar(n, **more):
    """One of many avatars."""
    made = {
        **RECORD,
        "id": f"t{n}",
        "name": f"Avatar {n}",
        "stack": "s",
        "links": FILMS,
        "operations": [],
    }
    return made | {"created_at": 1e9 - n, "status": "completed"} | more


def test_many_avatars_are_one_stream_and_load_no_film(page, local):
    streams, films, lists = [], [], []

    def listed(route):
        asked = parse_qs(urlsplit(route.request.url).query)
        start, limit = int(asked.get("cursor", ["0"])[0]), int(asked["limit"][0])
        lists.append(start)
        end = min(start + limit, MANY)
        data = [avatar(n) for n in range(start, end)]
        route.fulfill(json={"data": data, "cursor": str(end) if end < MANY else None})

    page.route("**/trainings?*", listed)
    page.route("**/events", lambda r: streams.append(r.request.url))  # never answered
    page.route("**/film.mp4", lambda r: films.append(r.request.url) or r.abort())
    page.route("**/still.jpg", lambda r: r.abort())
    sign_in(page, local, at="avatars")
    tiles = page.locator("avatar-list li")
    for shown in range(48, MANY, 48):
        until(lambda shown=shown: tiles.count() == shown)
        page.get_by_role("button", name="Show older").click()
    until(lambda: tiles.count() == MANY)
    assert page.get_by_role("button", name="Show older").is_hidden()
    assert lists == sorted(set(lists))  # each page was asked for once
    assert page.locator("avatar-list video").count() == 0
    assert (len(streams), films) == (1, [])
    page.fill("#search", "avatar 499")
    until(lambda: tiles.count() == 1)


@pytest.mark.parametrize("allowed", ["granted", "denied"])
def test_the_title_tells_the_progress_and_a_notification_the_end(own_page, local, allowed):
    page = own_page
    page.add_init_script(f"""
        globalThis.told = [];
        globalThis.Notification = class {{
            static permission = "{allowed}";
            constructor(title, {{ body }}) {{ globalThis.told.push([title, body]); }}
        }};
    """)
    held = []

    def hold(route):
        held.append(route)

    running = avatar(1, status="training", progress=37)
    page.route("**/trainings/t1/events", hold)
    sign_in(page, local, at="avatars")
    page.evaluate("location.hash = '#avatar/t1'")
    until(lambda: page.wait_for_timeout(20) or held)
    held.pop().fulfill(body=answer(running, 1), headers=EVENTS)
    until(lambda: page.title() == "37 % · Avatar 1")
    page.evaluate("Object.defineProperty(document, 'hidden', { value: true })")
    until(lambda: page.wait_for_timeout(20) or held)
    held.pop().fulfill(body=answer(avatar(1, version=2, progress=100), 2), headers=EVENTS)
    until(lambda: page.title() == "Avatar 1 · avatarkit")
    wanted = [["Avatar 1", "✅ Avatar ready!"]] if allowed == "granted" else []
    assert page.evaluate("told") == wanted


@pytest.mark.parametrize("element", ["avatar-training", "avatar-gallery", "avatar-list"])
def test_an_element_that_is_mounted_twice_watches_once(plain, element):  # noqa: F811
    running = avatar(1, status="training", kind="video", training_id="t1")
    data = {"data": [running], "cursor": None}
    plain.route("**/trainings?*", lambda r: r.fulfill(json=data))
    plain.route("**/trainings/t1/videos?*", lambda r: r.fulfill(json=data))
    plain.route("**/events", lambda r: None)  # never answered
    load(plain, element)
    plain.evaluate("""() => {
        const send = fetch;
        globalThis.streams = [];
        globalThis.fetch = (url, given) => {
            if (String(url).endsWith("/events")) streams.push(given.signal);
            return send(url, given);
        };
    }""")
    plain.evaluate(f"""() => {{
        const made = document.createElement("{element}");
        made.trainingId = "t1";
        document.body.append(made);
        made.remove();
        document.body.append(made);
    }}""")
    watching = "streams.filter(signal => !signal.aborted).length"
    until(lambda: plain.evaluate(watching))
    plain.wait_for_timeout(200)
    assert plain.evaluate(watching) == 1
    assert plain.locator(f"{element} li[data-id]").count() == (element != "avatar-training")
