"""The studio without a mouse: Tab, Enter, Space and arrows, with a focus that is always seen."""

from __future__ import annotations

import re

import pytest

from .conftest import DEMO, TOKEN, row, shown, sign_in, until
from .test_component import RECORD
from .test_studio import held, recordings, wait_held  # noqa: F401 - a fixture

#: The element with the focus, through shadow roots; what it is called and whether people see it.
FOCUS = """() => {
    let at = document.activeElement;
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
    const label = at.labels?.[0];
    const seen = (e) => {
        const { bottom, top, width, height } = e.getBoundingClientRect();
        const own = /^(audio|video)$/.test(e.localName); // their controls have rings of their own
        const ring = own || getComputedStyle(e).outlineStyle !== 'none';
        return ring && width > 1 && height > 1 && bottom > 0 && top < innerHeight;
    };
    return {
        tag: at.localName, id: at.id, key: at.dataset.record ?? '',
        name: (at.getAttribute('aria-label') ?? label?.textContent ?? at.textContent).trim(),
        seen: [at, label].some((e) => e && seen(e)),
    };
}"""


class Keys:
    """The keyboard of a person who sees the focus."""

    def __init__(self, page):
        self.page = page
        self.press = page.keyboard.press
        self.type = page.keyboard.type

    def at(self):
        return self.page.evaluate(FOCUS)

    def tab_to(self, wanted, key="Tab"):
        """Press Tab until the focus is on what has that name or ID; every stop must be seen."""
        passed = []
        for _ in range(60):
            self.press(key)
            here = self.at()
            if here["tag"] == "body":
                continue  # on its way round
            assert here["seen"], f"the focus is not seen: {here}"
            if wanted in (here["id"], here["name"]) or here["name"].startswith(f"{wanted}: "):
                return here
            passed.append(here["id"] or here["name"])
        raise AssertionError(f"{wanted} is not reached by {key}: {passed}")

    def choose(self, role, name):
        """Choose a file; the dialog itself belongs to the operating system."""
        self.tab_to(role)
        with self.page.expect_file_chooser() as asked:
            self.press("Space")
        asked.value.set_files(DEMO / name)
        row(self.page, role, name).locator(".good").wait_for()


@pytest.fixture
def keys(page):
    return Keys(page)


def test_from_the_empty_page_to_a_downloaded_video_by_keyboard_alone(page, slow, keys, tmp_path):
    sign_in(page, slow, at="avatars")
    keys.tab_to("Skip to content")
    keys.press("Enter")
    keys.tab_to("+ New avatar")
    keys.press("Enter")
    page.locator("#new.page").wait_for()

    keys.choose("footage", "portrait.jpg")
    keys.tab_to("● Record")  # of the voice
    keys.press("Enter")
    recorder = page.locator("dialog.recorder")
    recorder.get_by_role("button", name="Start recording").wait_for()
    keys.tab_to("Start recording")
    keys.press("Enter")
    recorder.get_by_role("button", name="Stop").wait_for()
    until(lambda: recorder.locator(".time").inner_text() >= "0:02")
    keys.tab_to("Stop")
    keys.press("Space")
    recorder.get_by_label("Begin at").wait_for()
    keys.tab_to("Use this recording")
    keys.press("Enter")
    recorder.wait_for(state="detached")
    assert keys.at()["key"] == "voice"
    row(page, "voice", "recorded-voice.wav").wait_for()

    keys.tab_to("This is a real person who agrees")
    keys.press("ArrowDown")
    keys.tab_to("reason")
    keys.type("a drawing and a pattern")
    keys.tab_to("name")
    keys.type("Ada")
    keys.tab_to("train")
    keys.press("Enter")

    page.locator("#hero:modal avatar-training[training-id]").wait_for()
    keys.tab_to("background")
    keys.press("Enter")
    page.locator("#hero:modal").wait_for(state="detached")
    shown(page.locator("avatar-training"), "✅ Avatar ready!")
    page.locator("#script").wait_for()
    keys.tab_to("script")
    keys.type("Good morning.")
    keys.tab_to("Make the video")
    keys.press("Enter")
    film = page.locator("avatar-gallery li", has_text="Good morning.")
    film.get_by_role("button", name="Play").wait_for()
    assert keys.at()["name"] == "Make the video"
    keys.tab_to("Play")
    keys.press("Enter")
    until(lambda: film.locator("video").evaluate("v => v.currentTime") > 0)
    keys.tab_to("Download")
    with page.expect_download() as got:
        keys.press("Enter")
    got.value.save_as(tmp_path / "video.mp4")
    assert (tmp_path / "video.mp4").read_bytes()[4:8] == b"ftyp"


def test_the_focus_stays_when_the_list_turns_out_to_be_empty(page, local, keys):
    """Until the first answer "New avatar" stands above the list, and can be pressed."""
    waiting = []

    def hold(route):
        waiting.append(route)

    page.route("**/trainings?**", hold)
    page.goto(f"{local.url}/?token={TOKEN}")
    page.locator("avatar-list [part=tools]").wait_for()
    assert page.locator("avatar-list #search").is_hidden()
    keys.tab_to("+ New avatar")
    until(lambda: waiting)[0].fulfill(json={"data": [], "has_more": False, "cursor": None})
    page.locator("avatar-list [part=empty]").wait_for()
    assert keys.at()["name"] == "+ New avatar"
    keys.press("Enter")
    page.locator("#new.page").wait_for()


@pytest.mark.parametrize("page_of", ["#data", "#deliveries"])
def test_another_page_begins_at_its_content(page, local, keys, page_of):
    sign_in(page, local, at="avatars")
    page.locator(f"nav a[href='{page_of}']").focus()
    keys.press("Enter")
    page.locator(f"{page_of}.page").wait_for()
    until(lambda: keys.at()["id"] == "main")


def test_a_tile_keeps_the_focus_when_its_avatar_moves_on(page, local, keys):
    avatars = [
        {**RECORD, "id": name, "version": 1, "status": "training", "name": name, "stack": "fake"}
        for name in ("Ada", "Eve")
    ]
    listed = {"data": avatars, "has_more": False, "cursor": None}
    page.route(re.compile("/trainings[?]"), lambda route: route.fulfill(json=listed))
    sign_in(page, local, at="avatars")
    tile = page.locator("avatar-list li[data-id=Eve] a")
    tile.focus()
    avatars[1] |= {"version": 2, "progress": 55}
    page.evaluate("document.querySelector('avatar-list').refresh()")
    page.locator("avatar-list li[data-id=Eve][data-version='2']").wait_for()
    assert "Eve" in keys.at()["name"]


def test_a_button_that_waits_keeps_the_focus_and_sends_once(page, local, keys):
    sent = []

    def hold(route):
        sent.append(route)

    page.route("**/trainings/t1/videos", hold)
    sign_in(page, local, at="avatars")
    page.evaluate("""async () => {
        await import(`${location.origin}/static/avatar-speak.js`);
        const speak = document.createElement('avatar-speak');
        speak.trainingId = 't1';
        document.querySelector('main').append(speak);
    }""")
    page.locator("avatar-speak").last.locator("#script").fill("Hello.")
    keys.tab_to("Make the video")
    keys.press("Enter")
    keys.press("Enter")
    until(lambda: page.wait_for_timeout(20) or sent)
    assert (len(sent), keys.at()["name"]) == (1, "Make the video")
    sent[0].fulfill(status=503, json={"error": {"message": "busy", "code": "server_busy"}})
    page.locator("avatar-speak [part=problem]").last.get_by_text("busy").first.wait_for()
    assert keys.at()["name"] == "Make the video"


def test_a_row_of_an_upload_keeps_the_focus(page, local, keys, held, tmp_path):  # noqa: F811
    sign_in(page, local)
    page.set_input_files("#voice", recordings(tmp_path, "a.wav"))
    wait_held(page, held, "a.wav")
    keys.tab_to("Cancel a.wav")
    keys.press("Enter")
    assert keys.at()["name"] == "Try again a.wav"
    held.clear()
    keys.press("Enter")
    assert keys.at()["name"] == "Cancel a.wav"
    wait_held(page, held, "a.wav").continue_()
    row(page, "voice", "a.wav").locator(".good").wait_for()
    assert keys.at()["id"] == "voice" or keys.at()["name"].endswith("a.wav")
