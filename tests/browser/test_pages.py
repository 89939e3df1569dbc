"""The pages and scripts that the documentation shows, in Chromium as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import avatarkit.repositories
from pages import blocks

from .conftest import TOKEN, shown, sign_in, train, until

MIGRATION = Path(avatarkit.repositories.__file__).parent / "migrations/20261124120000_avatarkit.sql"


def block(page, language, holding):
    """The block of a page that holds some words."""
    return next(one for one in blocks(page, language) if holding in one)


def test_the_component_on_a_page_of_ones_own_shows_a_training_to_its_end(own_page, slow):
    page = own_page
    sign_in(page, slow)
    training = train(page).get_attribute("training-id")
    page.context.clear_cookies()  # another page, whose user is known by a token
    html = block("how-to/web-component.md", "html", "<avatar-training").replace("0193...", training)
    html = html.replace("/avatars/", "/")
    page.route("**/own.html", lambda route: route.fulfill(body=html, content_type="text/html"))
    page.add_init_script(f"sessionStorage.setItem('token', {TOKEN!r})")
    page.goto(f"{slow.url}/own.html")
    shown(page.locator("avatar-training"), "✅ Avatar ready!")
    until(lambda: page.title() == "completed 100 %")


#: What a project's client would do, with one training that Realtime tells of.
CLIENT = """() => {
    const asked = [];
    const row = { id: "t1", status: "training", progress: 40, error_message: null,
                  avatar_thumbnail_url: null, avatar_video_url: null };
    let tell, state;
    return {
        asked, row,
        change: (more) => tell({ new: Object.assign(row, more) }),
        subscribed: () => state("SUBSCRIBED"),
        from: (table) => ({ select: () => ({ eq: (column, id) => ({ single: async () => {
            asked.push([table, column, id]);
            return { data: { ...row } };
        } }) }) }),
        storage: { from: (bucket) => ({ createSignedUrl: async (key, seconds) =>
            ({ data: { signedUrl: `${bucket}/${key}?for=${seconds}` } }) }) },
        channel: (name) => ({ on(kind, filter, hear) {
            asked.push([name, kind, filter]); tell = hear; return this;
        }, subscribe(hear) { state = hear; return this; } }),
        auth: { getSession: async () => ({ data: { session: { access_token: "jwt" } } }) },
    };
}"""


@pytest.fixture
def snippet(page, local):
    """A page with what the documentation exports, and a project's client."""
    page.route(
        "**/empty.html", lambda r: r.fulfill(body="<title>t</title>", content_type="text/html")
    )
    page.goto(f"{local.url}/empty.html")

    def load(name):
        script = block("how-to/supabase-frontend.md", "js", f"function {name}(").replace(
            "export ", ""
        )
        page.add_script_tag(content=f"window.{name} = {script}")
        page.evaluate(f"window.client = ({CLIENT})()")

    return load


def test_the_realtime_snippet_tells_of_each_change_and_of_what_was_before(page, snippet):
    snippet("watchTraining")
    page.evaluate("""window.seen = [];
        watchTraining(client, "t1", (told) => seen.push(told))""")
    page.evaluate("client.subscribed()")
    until(lambda: page.evaluate("seen.length") == 1)
    page.evaluate("""client.change({ status: "completed", progress: 100,
        avatar_thumbnail_url: "results/t1/a.jpg", avatar_video_url: "results/t1/a.mp4" })""")
    until(lambda: page.evaluate("seen.length") == 2)
    first, last = page.evaluate("seen")
    assert (first["status"], first["progress"], first["preview"]) == ("training", 40, None)
    assert last["preview"] == "avatar-results/results/t1/a.mp4?for=3600"
    assert last["poster"] == "avatar-results/results/t1/a.jpg?for=3600"
    channel = page.evaluate("client.asked")[0]
    assert channel[2]["filter"] == "id=eq.t1"


def test_what_the_realtime_snippet_reads_is_in_the_tables():
    script = block("how-to/supabase-frontend.md", "js", "function watchTraining(")
    columns = set(re.findall(r"row\.(\w+)", script))
    table = MIGRATION.read_text().partition("exists public.avatar_training (")[2]
    assert len(columns) == 5
    assert columns <= set(re.findall(r"^ +(\w+) +\w", table.partition("\n    )")[0], re.MULTILINE))
    assert "('avatar-results', 'avatar-results', false)" in MIGRATION.read_text()


def test_the_snippet_that_tests_an_avatar_calls_the_api_with_the_users_token(page, snippet):
    snippet("testAvatar")
    with page.expect_request("**/trainings/t1/videos") as sent:
        problem = page.evaluate(
            """testAvatar(client, "", "t1", "Hello.").catch((e) => e.message)"""
        )
    assert sent.value.headers["authorization"] == "Bearer jwt"
    assert sent.value.post_data_json == {"text": "Hello."}
    assert "sign in" in problem
