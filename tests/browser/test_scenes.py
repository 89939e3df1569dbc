"""Scenes of <avatar-speak>: texts and order, what each has of its own, and the price of all."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from avatarkit.server.bodies import NewVideo

from .conftest import until
from .test_elements import load, plain  # noqa: F401 - a fixture
from .test_look import look  # noqa: F401 - a fixture

SUPPORT = {"together": True, "layouts": ["left", "center", "right"], "avatars": "a", "voices": "v"}
COLOURS = {"setting": "background", "takes": ["color"], "minimum": None, "maximum": None}
NAMES = {"avatars": ("Rosa", "Hugo"), "voices": ("Alba", "Jack")}
USED = {"amount": "1.25", "currency": "USD"}


class Speak:
    """The element of a training at a server that is invented."""

    def __init__(self, page, support, settings=(COLOURS,)):
        self.page = page
        self.element = page.locator("avatar-speak")
        self.orders, self.quotes = [], []
        row = {"stack": "s", "ready": True, "scenes": support, "settings": list(settings)}
        listed = {"data": [row], "has_more": False, "cursor": None}
        page.route("**/stacks", lambda r: r.fulfill(json=listed))
        page.route("**/catalogue/**", self._stock)
        page.route("**/quote?*", self._quote)
        page.route("**/trainings/*/videos", self._order)
        load(page, "avatar-speak")
        self.open()

    def _stock(self, route):
        asked = urlsplit(route.request.url)
        names = NAMES[asked.path.rpartition("/")[2]]
        wanted = parse_qs(asked.query).get("query", [""])[0].lower()
        found = [
            {"id": f"id-{name}", "name": name, "gender": None, "languages": ["English"]}
            for name in names
            if wanted in name.lower()
        ]
        route.fulfill(json={"data": found, "has_more": False, "cursor": None, "age": 0})

    def _quote(self, route):
        asked = parse_qs(urlsplit(route.request.url).query)
        self.quotes.append({name: value[0] for name, value in asked.items()})
        costs = {"total": {**USED, "amount": "19.25"}, "known": USED, "used": USED, "unknown": []}
        route.fulfill(json={"stack": "s", "expected": costs})

    def _order(self, route):
        self.orders.append(route.request.post_data_json)
        route.fulfill(status=201, json={"id": "v1", "training_id": "t1", "status": "pending"})

    def open(self):
        self.page.evaluate("""() => {
            document.querySelector("avatar-speak")?.remove();
            const speak = document.createElement("avatar-speak");
            speak.trainingId = "t1";
            speak.stack = "s";
            (document.querySelector("main") ?? document.body).append(speak);
        }""")
        self.element.locator("#script").wait_for()

    def add(self, *texts):
        """Write these scenes, beginning with the only one."""
        self.page.fill("#script", texts[0])
        for n, text in enumerate(texts[1:], 2):
            self.element.locator("[part=add-scene]").click()
            self.page.fill(f"#script-{n}", text)

    def texts(self):
        return self.element.locator("textarea").evaluate_all("all => all.map(t => t.value)")

    def press(self, name):
        self.page.get_by_role("button", name=name, exact=True).click()

    def ordered(self):
        """Order the video; the body, which the server takes."""
        self.press("Make the video")
        until(lambda: self.page.wait_for_timeout(20) or self.orders)
        NewVideo.model_validate_json(json.dumps(self.orders[0]))
        return self.orders[0]


@pytest.fixture
def speak(plain):  # noqa: F811
    return lambda support=SUPPORT, **more: Speak(plain, support, **more)


def test_scenes_are_added_written_moved_and_removed(speak):
    made = speak()
    made.add("One.", "Two.", "Three.", "Four.")
    made.press("Move up: Scene 3")
    made.press("Move down: Scene 1")
    assert made.texts() == ["Three.", "One.", "Two.", "Four."]
    made.press("Remove: Scene 2")
    made.open()  # as after a reload: the draft is kept
    assert made.texts() == ["Three.", "Two.", "Four."]
    assert made.ordered()["scenes"] == [{"text": t} for t in ("Three.", "Two.", "Four.")]
    assert made.texts() == [""]
    made.open()
    assert made.texts() == [""]


def test_scenes_that_are_removed_but_one_leave_a_plain_script(speak):
    made = speak()
    made.add("One.", "Two.")
    made.press("Remove: Scene 1")
    assert made.ordered()["text"] == "Two."


def test_each_scene_has_an_avatar_a_voice_a_background_and_a_place_of_its_own(speak):
    made = speak()
    made.add("One.", "Two.")
    page = made.page
    page.locator("#avatar-1").click()
    page.get_by_role("searchbox").fill("hu")
    page.get_by_role("button", name="Rosa").wait_for(state="detached")
    page.get_by_role("button", name="Hugo").click()
    page.locator("#voice-0").click()
    page.get_by_role("button", name="Alba").click()
    page.locator("#layout-0").select_option("left")
    page.locator("#background-1").fill("#204060")
    made.open()
    assert made.ordered()["scenes"] == [
        {"text": "One.", "voice": {"provider": "v", "id": "id-Alba"}, "layout": "left"},
        {
            "text": "Two.",
            "avatar": {"provider": "a", "id": "id-Hugo"},
            "background": "#204060",
        },
    ]


def test_what_was_chosen_for_a_scene_can_be_taken_back(speak):
    made = speak()
    made.add("One.", "Two.")
    page = made.page
    for choice in ("Hugo", "Your own"):
        page.locator("#avatar-0").click()
        page.get_by_role("dialog").get_by_role("button", name=choice).click()
    page.locator("#voice-1").click()
    page.keyboard.press("Escape")
    page.locator("#background-0").fill("#204060")
    made.press("As usual")
    assert made.ordered()["scenes"] == [{"text": "One."}, {"text": "Two."}]


@pytest.mark.parametrize(
    ("support", "settings", "offered"),
    [
        (SUPPORT | {"layouts": []}, [COLOURS], "avatar voice background"),
        (SUPPORT | {"avatars": None}, [COLOURS], "voice layout background"),
        (SUPPORT | {"voices": None}, [{**COLOURS, "takes": ["image"]}], "avatar layout"),
    ],
)
def test_a_scene_offers_what_the_provider_allows(speak, support, settings, offered):
    made = speak(support, settings=settings)
    made.add("One.", "Two.")
    all_of_them = ("avatar", "voice", "layout", "background")
    shown = [name for name in all_of_them if made.element.locator(f"#{name}-1").count()]
    assert shown == offered.split()


def test_without_scenes_of_the_stack_there_is_one_script(speak):
    made = speak()
    made.add("One.", "Two.")
    made.page.unroute("**/stacks")
    row = {"stack": "s", "ready": True, "scenes": None, "settings": []}
    listed = {"data": [row], "has_more": False, "cursor": None}
    made.page.route("**/stacks", lambda r: r.fulfill(json=listed))
    made.open()
    until(lambda: made.texts() == ["One.\n\nTwo."])
    assert not made.element.locator("[part=add-scene]").is_visible()


@pytest.mark.parametrize(("together", "videos", "seconds"), [(True, "1", "40"), (False, "2", "20")])
def test_the_price_is_that_of_all_scenes(speak, together, videos, seconds):
    made = speak(SUPPORT | {"together": together})
    made.add("x" * 300, "x" * 298)
    made.page.get_by_text("600 characters in 2 scenes · about 40 s of video").wait_for()
    until(
        lambda: (
            made.page.wait_for_timeout(20)
            or {"videos": videos}
            in [{"videos": asked["videos"]} for asked in made.quotes if asked["seconds"] == seconds]
        )
    )
    made.page.get_by_text("Price: $1.25").wait_for()  # without the plan, which is paid monthly
    assert made.page.get_by_text("Each scene is made and paid for").is_visible() is not together


def test_a_price_counts_the_quality_that_is_chosen(speak):
    quality = {"setting": "quality", "takes": ["draft", "best"], "minimum": None, "maximum": None}
    made = speak(settings=[quality])
    made.page.fill("#script", "Hello.")
    made.page.get_by_text("More settings").click()
    made.page.locator("#set-quality").select_option("best")
    until(lambda: made.page.wait_for_timeout(20) or made.quotes)
    assert made.quotes[-1]["quality"] == "best"


def test_a_scene_without_a_text_is_named_and_focused(speak):
    made = speak()
    made.add("One.", " ", "Three.")
    made.press("Make the video")
    made.page.get_by_text("Write a text for scene 2, or remove the scene.").wait_for()
    focused = made.element.evaluate("e => e.shadowRoot.activeElement.id")
    assert (focused, made.orders) == ("script-2", [])


def test_a_refused_order_keeps_the_scenes(speak):
    made = speak()
    made.add("One.", "Two.")
    made.page.unroute("**/trainings/*/videos")
    error = {"message": "takes no scenes", "code": "unsupported"}
    made.page.route("**/trainings/*/videos", lambda r: r.fulfill(status=422, json={"error": error}))
    made.press("Make the video")
    made.page.get_by_text("The service cannot do this at the moment.").wait_for()
    made.open()
    assert made.texts() == ["One.", "Two."]


def test_scenes_are_moved_by_keyboard_and_keep_the_focus(speak):
    made = speak()
    made.add("One.", "Two.", "Three.")
    focus = "e => e.shadowRoot.activeElement.ariaLabel"
    made.page.get_by_role("button", name="Move down: Scene 1").focus()
    for label in ("Move down: Scene 2", "Move up: Scene 3", "Move up: Scene 2"):
        made.page.keyboard.press("Enter")
        assert made.element.evaluate(focus) == label
    assert made.texts() == ["Two.", "One.", "Three."]
    made.page.get_by_text("Now scene 2 of 3.").wait_for(state="attached")


@pytest.mark.parametrize("tag", ["en", "ar"])
def test_scenes_are_clean_and_no_wider_than_the_screen(speak, look, tag):  # noqa: F811
    made = speak(SUPPORT | {"together": False})
    made.page.evaluate(f"""() => {{
        document.documentElement.lang = "{tag}";
        document.documentElement.dir = "{"rtl" if tag == "ar" else "ltr"}";
        document.body.replaceChildren(document.createElement("main"));
        document.querySelector("main").append(document.createElement("h1"));
        document.querySelector("h1").textContent = "Page";
        document.body.style.margin = 0;
    }}""")
    made.open()
    made.add("One.", "Two.")
    look(f"scenes-{tag}")
    assert made.page.evaluate("document.documentElement.scrollWidth") <= 390
    made.page.locator("#avatar-0").click()
    made.page.get_by_role("dialog").locator("[part=stock] button").nth(2).wait_for()
    look(f"stock-{tag}", full=False)
