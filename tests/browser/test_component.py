"""``<avatar-training>``: what a person sees of one training, whatever becomes of it."""

from __future__ import annotations

import gzip
import json
import re
import time
from pathlib import Path

import pytest

import avatarkit.server
from avatarkit.providers.fake import FakeVendor, Fault
from avatarkit.server.static_files import sent

from .conftest import TOKEN, answer, load, part, plays, shown, sign_in, train, until

STATIC = Path(avatarkit.server.__file__).parent / "static"


@pytest.fixture
def vendor(slow):
    return FakeVendor(file=slow.folder / ".avatarkit/fake/vendor.json")


def width(avatar):
    """How far the bar is, in percent of its track."""
    return float(part(avatar, "bar").get_attribute("aria-valuenow"))


# -- the file -------------------------------------------------------------------------------------


def test_the_component_is_small():
    files = ("avatar-training", "client", "element", "strings/en")
    scripts = [sent((STATIC / f"{name}.js").read_text()) for name in files]
    assert sum(len(gzip.compress(script.encode(), 9)) for script in scripts) < 19_500


def test_what_vendors_say_is_never_read_as_markup():
    source = "".join(path.read_text() for path in STATIC.rglob("*.js"))
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", source)


# -- at a real server -----------------------------------------------------------------------------


def test_the_bar_moves_and_never_backwards(page, slow):
    page.emulate_media(reduced_motion="no-preference")
    sign_in(page, slow)
    avatar = train(page)
    seen = [width(avatar)]
    until(lambda: seen.append(width(avatar)) or seen[-1] == 100)
    assert seen == sorted(seen)
    assert len(set(seen)) > 3


def test_a_reload_in_the_middle_keeps_the_state(page, slow):
    sign_in(page, slow)
    avatar = train(page)
    until(lambda: width(avatar) > 20)
    before = width(avatar)
    page.reload()
    avatar = page.locator("avatar-training")
    avatar.and_(page.locator("[training-id]")).wait_for()
    until(lambda: width(avatar) >= before)
    shown(avatar, "✅ Avatar ready!")


def test_a_server_that_is_killed_and_started_again_is_found_by_the_page_itself(page, slow):
    sign_in(page, slow)
    avatar = train(page)
    until(lambda: width(avatar) > 20)
    before = width(avatar)
    slow.kill()
    shown(avatar, "Connection lost. Trying again...")
    assert width(avatar) >= before
    slow.start()
    shown(avatar, "✅ Avatar ready!")
    assert not part(avatar, "connection").is_visible()


def test_a_reload_while_the_test_video_is_made_still_shows_it(page, slow):
    sign_in(page, slow)
    avatar = train(page)
    part(avatar, "test").click()
    until(lambda: slow.get("trainings/" + avatar.get_attribute("training-id") + "/videos")["data"])
    page.reload()
    avatar = page.locator("avatar-training")
    part(avatar, "test-status").filter(has_text="Generating test video...").wait_for()
    part(avatar, "modal").locator("video").wait_for()


def test_what_a_vendor_could_not_make_is_told_with_its_reason(page, slow, vendor):
    vendor.fail_next("avatar", Fault.JOB_FAILS)
    sign_in(page, slow)
    avatar = train(page)
    shown(avatar, "❌ Training failed")
    assert "could not be made" in part(avatar, "error").locator("code").text_content()
    assert "train again" in part(avatar, "hint").inner_text()


def test_consent_that_a_vendor_asks_for_is_opened_and_given(page, slow, vendor):
    vendor.fail_next("avatar", Fault.NEEDS_ACTION)
    sign_in(page, slow)
    avatar = train(page)
    shown(avatar, "Open the link and agree that your likeness is used.")
    shown(avatar, "It continues when you have answered.")
    link = part(avatar, "link")
    assert link.get_attribute("href").startswith("https://fake.invalid/consent/")
    assert link.get_attribute("rel") == "noopener noreferrer"
    vendor.consent(link.get_attribute("href").rpartition("/")[2])
    shown(avatar, "✅ Avatar ready!")
    assert not part(avatar, "action").is_visible()


def test_a_choice_is_made_by_its_button_and_the_training_goes_on(page, slow, vendor):
    vendor.fail_next("avatar", Fault.QUOTA)
    sign_in(page, slow)
    avatar = train(page)
    avatar.get_by_role("button", name="Try again").click()
    shown(avatar, "✅ Avatar ready!")


@pytest.fixture
def losing(page):
    """Lets the server take a test video's first order, and drops its answer; the keys sent."""
    keys = []

    def lose(how):
        def order(route):
            keys.append(route.request.headers["idempotency-key"])
            if len(keys) > 1:
                return route.continue_()
            taken = route.fetch()
            assert taken.status == 201
            return how(route)

        page.route("**/videos", order)
        return keys

    return lose


LOST = {
    "cut": lambda route: route.abort(),
    "proxy": lambda route: route.fulfill(status=502, body="bad gateway"),
    "half": lambda route: route.fulfill(status=201, body='{"id": "'),
}


@pytest.mark.parametrize("how", LOST.values(), ids=LOST)
def test_a_second_press_after_a_lost_answer_orders_nothing_again(page, slow, losing, how):
    sign_in(page, slow)
    avatar = train(page)
    keys = losing(how)
    part(avatar, "test").click()
    part(avatar, "error").filter(has_text="Test failed: ").wait_for()
    part(avatar, "test").click()
    part(avatar, "modal").wait_for()
    assert keys == [keys[0]] * 2
    videos = "trainings/" + avatar.get_attribute("training-id") + "/videos"
    assert len(slow.get(videos)["data"]) == 1
    page.keyboard.press("Escape")
    part(avatar, "test").click()
    until(lambda: page.wait_for_timeout(50) or len(keys) == 3)
    assert keys[2] != keys[0]


def test_a_test_video_that_fails_says_why(page, slow, vendor):
    vendor.fail_next("video", Fault.JOB_FAILS)
    sign_in(page, slow)
    avatar = train(page)
    part(avatar, "test").click()
    said = part(avatar, "error").filter(has_text="Test failed: ")
    said.wait_for()
    assert "could not be made" in said.locator("code").text_content()
    assert part(avatar, "test").is_enabled()


def test_a_token_that_changes_does_not_keep_the_test_video_from_playing(page, local):
    sign_in(page, local)
    avatar = train(page, "Renewed")
    shown(avatar, "✅ Avatar ready!")
    avatar.evaluate("(e, token) => { e.token = token; }", TOKEN)
    part(avatar, "test").click()
    assert plays(part(avatar, "modal").locator("video"))


def test_the_modal_keeps_the_focus_and_gives_it_back(page, slow):
    sign_in(page, slow)
    avatar = train(page)
    part(avatar, "test").focus()
    page.keyboard.press("Enter")
    part(avatar, "modal").wait_for()
    inside = """e => document.activeElement === document.body  // on its way round
        || !!e.shadowRoot.activeElement?.closest('dialog')"""
    for _ in range(12):
        page.keyboard.press("Tab")
        assert avatar.evaluate(inside)
    page.keyboard.press("Escape")
    part(avatar, "modal").wait_for(state="detached")
    assert avatar.evaluate("e => e.shadowRoot.activeElement.part.value") == "test"


def test_a_training_that_was_deleted_elsewhere_is_said_to_be_gone(page, slow):
    sign_in(page, slow)
    load(page, "avatar-training")
    page.evaluate("document.body.append(document.createElement('avatar-training'))")
    avatar = page.locator("body > avatar-training")
    shown(avatar, "No avatar is chosen yet.")
    avatar.evaluate("e => e.trainingId = 'nothing'")
    shown(avatar, "This training was deleted.")


# -- at a server that says what is wanted ---------------------------------------------------------

RECORD = {
    "id": "t1",
    "kind": "training",
    "clone_id": "c1",
    "status": "training",
    "progress": 40,
    "estimated": True,
    "action": None,
    "error": None,
    "created_at": 0,
    "links": {},
    "version": 1,
}

CAPTCHA = {
    "kind": "captcha",
    "message": "Read the lines in the picture aloud.",
    "choices": ["done"],
    "url": "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    "recording": "audio",
}

NO_VIDEOS = {"data": [], "has_more": False, "cursor": None}
EVENTS = {"content-type": "text/event-stream"}


VIDEO = {
    "id": "v1",
    "training_id": "t1",
    "status": "processing",
    "action": None,
    "links": {},
    "version": 1,
}
DONE = {"status": "completed", "progress": 100}


class Video:
    """A test video that is ordered and made when a test says so."""

    def __init__(self, page):
        self.page, self.orders, self.streams, self.done = page, [], [], False
        page.route("**/trainings/t1/videos", self._order)
        page.route("**/videos/v1/events", self._stream)

    def _order(self, route):
        self.orders.append(route)

    def _stream(self, route):
        self.streams.append(route)
        if self.done:
            self._tell(route)

    def _tell(self, route):
        made = {**VIDEO, "status": "completed", "links": {"video": "static/none.mp4"}}
        route.fulfill(body=answer(made), headers=EVENTS)

    def _wait(self, waiting):
        until(lambda: self.page.wait_for_timeout(50) or waiting)

    def ordered(self):
        self._wait(self.orders)
        self.orders.pop().fulfill(json=VIDEO)

    def watched(self):
        self._wait(self.streams)

    def completed(self):
        self.watched()
        self.done = True
        for route in self.streams:
            self._tell(route)


@pytest.fixture
def video(page):
    return Video(page)


@pytest.fixture
def told(page, local):
    """Shows the component with ``record`` told by the server, on an otherwise empty page."""

    def show(record, then=(), stream=None, **attributes):
        bodies = [answer({**RECORD, **record}), *then]

        def tell(route):
            if bodies:  # afterwards it stays open, and nothing happens
                route.fulfill(body=bodies.pop(0), headers=EVENTS)

        page.route("**/trainings/t1/events", stream or tell)
        page.route(
            "**/trainings/t1/videos?*",
            lambda r: r.fulfill(json={"data": [], "has_more": False, "cursor": None}),
        )
        empty = {"body": "<!doctype html><title>t</title>", "content_type": "text/html"}
        page.route("**/empty.html", lambda r: r.fulfill(**empty))
        page.goto(f"{local.url}/empty.html")
        page.add_script_tag(url="static/avatar-training.js", type="module")
        page.evaluate(
            """given => customElements.whenDefined("avatar-training").then(() => {
                const made = document.createElement("avatar-training");
                for (const [name, value] of Object.entries(given)) made.setAttribute(name, value);
                document.body.append(made);
            })""",
            {"training-id": "t1", **attributes},
        )
        return page.locator("avatar-training")

    return show


@pytest.mark.parametrize(
    ("record", "text"),
    [
        ({"status": "processing", "progress": 5}, "Processing your media files..."),
        ({"status": "training", "progress": 43}, "Training your avatar... 43%"),
        ({"status": "completed", "progress": 100}, "✅ Avatar ready!"),
        ({"status": "completed", "progress": 100}, "🎉 Your AI Avatar is Ready!"),
        ({"status": "completed", "progress": 100}, "Test Avatar"),
        ({"status": "completed", "progress": 100}, "AI-generated"),
        ({"status": "failed"}, "❌ Training failed"),
        ({"status": "pending"}, "Processing..."),
        ({"status": "another"}, "Processing..."),
        ({"status": "training"}, "Creating Your AI Avatar"),
        ({"status": "training"}, "🎭"),
        ({"status": "training"}, "This usually takes 5-10 minutes"),
    ],
)
def test_the_words_are_the_briefs(told, record, text):
    shown(told(record), text)


def test_while_a_training_is_being_created_it_says_so(page, told):
    avatar = told({})
    page.route("**/trainings", lambda r: None)  # an answer that does not come
    avatar.evaluate("e => { e.create({clone_id: 'c1'}); }")
    shown(avatar, "🎬 Creating your AI avatar...")


def test_a_training_that_cannot_be_created_says_why(page, told):
    avatar = told({})
    refused = {"error": {"code": "not_found", "message": "the clone has no voice"}}
    page.route("**/trainings", lambda r: r.fulfill(status=404, json=refused))
    avatar.evaluate("e => e.create({clone_id: 'c1'}).catch(() => null)")
    shown(avatar, "Avatar creation failed: This does not exist any more.")
    assert part(avatar, "error").locator("code").text_content() == "the clone has no voice"


def test_a_training_whose_answer_is_lost_is_not_started_again_by_another_element(page, told):
    told({})
    keys = []

    def order(route):
        keys.append(route.request.headers["idempotency-key"])
        route.abort()

    page.route("**/trainings", order)
    for body in ("{clone_id: 'c1'}", "{clone_id: 'c1'}", "{clone_id: 'c2'}"):
        page.evaluate(f"document.createElement('avatar-training').create({body}).catch(() => null)")
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize(("status", "same"), [(401, True), (429, True), (502, True), (422, False)])
def test_only_an_answer_about_what_was_asked_ends_its_key(page, slow, status, same):
    sign_in(page, slow)
    load(page, "avatar-training")
    keys = []

    def order(route):
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) == 1:
            return route.abort()  # done or not, nobody knows
        return route.fulfill(status=status, json={"error": {"type": "-", "message": "no"}})

    page.route("**/trainings", order)
    for _ in range(3):
        page.evaluate("document.createElement('avatar-training').create({}).catch(() => null)")
    assert (keys[0] == keys[1], keys[1] == keys[2]) == (True, same)


def test_every_word_can_be_said_in_another_language(told):
    words = {
        "training": "Dein Avatar lernt: {progress} %",
        "usually": "Das dauert meist 5-10 Minuten",
    }
    avatar = told({"progress": 12}, strings=json.dumps(words))
    shown(avatar, "Dein Avatar lernt: 12 %")
    shown(avatar, "Das dauert meist 5-10 Minuten")


CHOICES = [
    *("done", "retry", "give_up", "adopt", "not_made", "same_account"),
    *("wait", "keep", "delete"),
]
#: What a person may be asked for; what vendors and avatarkit say is a mark here.
ACTIONS = {
    "open_url": {"url": "https://vendor.invalid/consent", "choices": ["done"]},
    "read_text": {
        "text": "¶",
        "expires_at": time.time() + 3600,
        "choices": ["done"],
        "recording": "video",
    },
    "expired": {"text": "¶", "expires_at": 1, "choices": ["done"], "recording": "video"},
    "captcha": {**CAPTCHA, "message": "¶"},
    "payment": {"choices": CHOICES},
}
ASKING = {
    kind: {"status": "action_required", "action": {"kind": kind, "message": "¶", **action}}
    for kind, action in ACTIONS.items()
}

#: States, and the word that shows that the component has come to it.
STATES = {
    "pending": ({"status": "pending"}, "other"),
    "processing": ({"status": "processing"}, "processing"),
    "training": ({"status": "training"}, "usually"),
    "completed": ({**DONE, "links": {"thumbnail": "static/none.jpg"}}, "ready"),
    "failed": ({"status": "failed", "error": {"type": "MediaRejected", "message": "¶"}}, "failed"),
    "refused": ({"status": "failed", "error": {"type": "Other", "message": "¶"}}, "hint"),
    "cancelled": ({"status": "cancelled"}, "cancelled"),
    **{kind: (record, "act") for kind, record in ASKING.items()},
}

_SAID = """e => {
    const all = [...e.shadowRoot.querySelectorAll("*")];
    const names = ["alt", "aria-label", "title", "placeholder", "aria-valuetext"];
    return [
        e.shadowRoot.textContent,
        ...all.flatMap(part => names.map(name => part.getAttribute(name) ?? "")),
    ].join(" ");
}"""


def unsaid(defaults, said):
    """The default strings that ``said`` holds a part of."""
    parts = {name: re.split(r"\{\w+\}", text) for name, text in defaults.items()}
    return [
        name
        for name, pieces in parts.items()
        if any(re.search("[A-Za-z]{3}", piece) and piece.strip() in said for piece in pieces)
    ]


@pytest.fixture
def marked(page, told):
    """Shows a record with a mark in the place of every word; also the marks and the defaults."""
    told({})
    defaults = page.evaluate(
        "import('/static/avatar-training.js').then(m => ({...m.AvatarTraining.strings}))"
    )
    page.goto("about:blank")  # so that it hears nothing of what comes
    marks = {name: f"§{n}§" for n, name in enumerate(defaults)}
    return lambda record: told(record, strings=json.dumps(marks)), marks, defaults


@pytest.mark.parametrize("state", STATES)
def test_no_default_word_is_left_where_all_are_replaced(marked, state):
    show, marks, defaults = marked
    record, word = STATES[state]
    avatar = show(record)
    avatar.get_by_text(marks[word], exact=True).first.wait_for()
    assert unsaid(defaults, avatar.evaluate(_SAID)) == []


def test_no_default_word_is_left_in_a_test_video_and_its_failure(page, marked, video):
    show, marks, defaults = marked
    avatar = show(DONE)
    part(avatar, "test").click()
    avatar.get_by_text(marks["generating"]).wait_for()
    assert unsaid(defaults, avatar.evaluate(_SAID)) == []
    video.ordered()
    video.completed()
    part(avatar, "modal").wait_for()
    assert unsaid(defaults, avatar.evaluate(_SAID)) == []
    page.keyboard.press("Escape")
    page.route("**/trainings/t1/videos", lambda r: r.fulfill(status=400, json={}))
    part(avatar, "test").click()
    avatar.get_by_text(marks["test_failed"]).wait_for()
    assert unsaid(defaults, avatar.evaluate(_SAID)) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", ASKING)
def test_what_a_person_is_asked_for_can_be_used_by_everyone_on_a_phone(
    page, told, axe, kind, scheme
):
    page.set_viewport_size({"width": 320, "height": 700})
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    shown(told(ASKING[kind]), "Your turn")
    page.evaluate(axe)
    found = page.evaluate("axe.run('avatar-training')")["violations"]
    assert [(row["id"], [node["target"] for node in row["nodes"]]) for row in found] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_words_of_a_vendor_are_shown_and_not_run(page, told):
    evil = "<img src=x onerror=document.title='run'>"
    avatar = told({"status": "failed", "error": {"type": "Other", "message": evil}})
    avatar.get_by_text("Details for operators").click()
    shown(avatar, evil)
    assert page.title() == "t"


def test_a_link_that_would_run_code_is_not_shown(told):
    action = {"kind": "open_url", "message": "Agree", "choices": [], "url": "javascript:alert(1)"}
    avatar = told({"status": "action_required", "action": action})
    shown(avatar, "Agree")
    assert part(avatar, "link").count() == 0


@pytest.fixture
def taken(page):
    """Recordings are taken, and the action is answered; what was uploaded."""
    sent, lengths = [], []

    def take(route):
        sent.append(route.request)
        route.fulfill(status=204, headers={"upload-offset": lengths[-1]})

    def make(route):
        lengths.append(route.request.headers["upload-length"])
        where = "/clones/c1/uploads/recording/me?upload_id=u1"
        route.fulfill(status=201, headers={"location": where})

    result = {"offset": 4, "complete": True, "sample": None, "findings": []}
    page.route("**/clones/c1/uploads", make)
    page.route(
        "**/uploads/recording/*",
        lambda r: take(r) if r.request.method == "PATCH" else r.fulfill(json=result),
    )
    page.route("**/trainings/t1/action", lambda r: r.fulfill(json={**RECORD, "version": 2}))
    return sent


def test_a_text_is_read_before_it_expires_and_its_recording_is_sent(page, told, taken):
    action = {
        "kind": "read_text",
        "message": "Read the lines.",
        "text": "I am Ana.\nI agree.",
        "expires_at": time.time() + 300,
        "choices": ["done"],
        "recording": "video",
    }
    avatar = told({"status": "action_required", "action": action})
    assert part(avatar, "text").inner_text() == "I am Ana.\nI agree."
    assert re.fullmatch(r"[45]:\d\d left", part(avatar, "countdown").inner_text())
    film = {"name": "me.mp4", "mimeType": "video/mp4", "buffer": b"film"}
    part(avatar, "file").set_input_files(film)
    with page.expect_request("**/trainings/t1/action") as said:
        part(avatar, "send").click()
    [sent] = taken
    assert sent.url.endswith("/clones/c1/uploads/recording/me.mp4?upload_id=u1")
    assert sent.headers["upload-offset"] == "0"
    assert said.value.post_data_json == {"choice": "done", "recording": "me.mp4"}
    shown(avatar, "Training your avatar... 40%")


def test_a_captcha_shows_its_picture_and_its_recording_is_sent(page, told, taken):
    avatar = told({"status": "action_required", "action": CAPTCHA})
    picture = part(avatar, "picture")
    until(lambda: picture.evaluate("e => e.complete && e.naturalWidth") > 0)
    assert picture.get_attribute("alt") == "Picture with the lines to read aloud"
    assert part(avatar, "file").get_attribute("accept") == "audio/*"
    voice = {"name": "me.wav", "mimeType": "audio/wav", "buffer": b"said"}
    part(avatar, "file").set_input_files(voice)
    with page.expect_request("**/trainings/t1/action") as said:
        part(avatar, "send").click()
    [sent] = taken
    assert sent.post_data_buffer == b"said"
    assert sent.url.endswith("/clones/c1/uploads/recording/me.wav?upload_id=u1")
    assert said.value.post_data_json == {"choice": "done", "recording": "me.wav"}
    shown(avatar, "Training your avatar... 40%")


def test_an_empty_recording_is_said_to_be_empty_and_not_sent(told, taken):
    avatar = told({"status": "action_required", "action": CAPTCHA})
    voice = {"name": "me.wav", "mimeType": "audio/wav", "buffer": b""}
    part(avatar, "file").set_input_files(voice)
    part(avatar, "send").click()
    shown(avatar, "This file is empty. Choose another one.")
    assert taken == []


@pytest.mark.parametrize("kind", ["image/svg+xml", "text/html"])
def test_data_that_is_no_plain_picture_is_not_shown(told, kind):
    url = f"data:{kind};base64,PHN2Zy8+"
    avatar = told({"status": "action_required", "action": {**CAPTCHA, "url": url}})
    shown(avatar, CAPTCHA["message"])
    assert part(avatar, "picture").count() == part(avatar, "link").count() == 0


def test_what_may_have_been_paid_for_is_adopted_by_its_id(page, told):
    choices = ["adopt", "not_made", "give_up"]
    action = {"kind": "payment", "message": "Was it charged?", "choices": choices}
    avatar = told({"status": "action_required", "action": action})
    page.route("**/trainings/t1/action", lambda r: r.fulfill(json={**RECORD, "version": 2}))
    avatar.get_by_text("Details for operators").click()
    avatar.get_by_label("Job ID at the provider").fill("job-7")
    with page.expect_request("**/trainings/t1/action") as said:
        avatar.get_by_role("button", name="It exists: use it").click()
    assert said.value.post_data_json == {"choice": "adopt", "job_id": "job-7"}


def test_an_older_state_does_not_take_the_bar_back(page, told):
    asked = []
    page.on("request", lambda r: asked.append(r.headers.get("last-event-id")))
    older = answer({**RECORD, "progress": 30}, version=2)
    avatar = told({"progress": 60}, then=[older])
    until(lambda: page.wait_for_timeout(50) or "2" in asked)
    assert width(avatar) == 60
    assert "1" in asked


def estimated(page, basis, seconds=900):
    """Let the server say how long it takes, where it says so: in the record, not in the stream."""
    told = {**RECORD, "estimate": {"seconds": seconds, "basis": basis}}
    page.route("**/trainings/t1", lambda r: r.fulfill(json=told))


def test_the_time_that_the_server_measured_is_told(page, told):
    estimated(page, "measured")
    shown(told({"created_at": time.time()}), "About 15 min left")


def test_what_is_not_measured_leaves_the_usual_time(page, told):
    estimated(page, "typical")
    with page.expect_response("**/trainings/t1"):
        avatar = told({"created_at": time.time()})
    page.wait_for_timeout(50)
    assert part(avatar, "time").inner_text() == "This usually takes 5-10 minutes"


def test_a_server_that_cannot_say_how_long_it_takes_leaves_the_usual_time(page, told):
    page.route("**/trainings/t1", lambda r: r.fulfill(status=500))
    with page.expect_response("**/trainings/t1"):
        avatar = told({"created_at": time.time()})
    shown(avatar, "This usually takes 5-10 minutes")
    assert not part(avatar, "error").is_visible()


def signed_in(route):
    """Answer who has the token; others are not signed in."""
    if route.request.headers.get("authorization") == "Bearer a-token":
        route.fulfill(body=answer(RECORD), headers=EVENTS)
    else:
        route.fulfill(status=401, json={"error": {"message": "sign in"}})


def test_a_finished_avatar_that_is_told_of_again_has_no_bar_and_keeps_its_heading(page, told):
    avatar = told(DONE)
    shown(avatar, "Test Avatar")
    page.unroute("**/trainings/t1/events")
    again = answer({**RECORD, **DONE, "version": 2}, version=2)
    page.route("**/trainings/t1/events", lambda r: r.fulfill(body=again, headers=EVENTS))
    changes = """e => new Promise(done => {
        e.addEventListener("avatar-change", ({ detail }) => detail.version === 2 && done());
        e.strings = {title: "Another title"};
    })"""
    avatar.evaluate(changes)
    assert not part(avatar, "bar").is_visible()
    assert not part(avatar, "title").is_visible()


def test_a_token_that_comes_later_signs_in_and_the_training_is_shown(page, told):
    avatar = told({}, stream=signed_in)
    shown(avatar, "You are not signed in. Sign in, and open this page again.")
    avatar.evaluate("e => { e.token = 'a-token'; }")
    shown(avatar, "Training your avatar... 40%")
    assert not part(avatar, "error").is_visible()


def test_a_token_that_comes_while_the_first_question_is_away_signs_in(page, told):
    early = []
    avatar = told({}, stream=lambda r: signed_in(r) if early else early.append(r))
    until(lambda: page.wait_for_timeout(50) or early)
    avatar.evaluate("e => { e.token = 'a-token'; }")
    early[0].fulfill(status=401, json={"error": {"message": "sign in"}})
    shown(avatar, "Training your avatar... 40%")


def test_a_new_token_is_for_what_is_asked_next_and_leaves_what_is_shown(page, told, video):
    avatar = told(DONE)
    shown(avatar, "Test Avatar")
    avatar.evaluate("e => { part = e.shadowRoot.firstElementChild; e.token = 'a-token'; }")
    assert avatar.evaluate("e => e.shadowRoot.firstElementChild === part")
    with page.expect_request(lambda r: r.method == "POST") as sent:
        part(avatar, "test").click()
    assert sent.value.headers["authorization"] == "Bearer a-token"


REDRAWN = {
    "token": "e.token = 'a-token'",
    "words": "e.strings = {title: 'Dein Avatar'}",
    "address": "e.setAttribute('src', '/')",
    "place": "document.body.append(e)",
}


@pytest.mark.parametrize("change", REDRAWN.values(), ids=REDRAWN)
def test_a_finished_avatar_is_tested_after_a_change(page, told, video, change):
    avatar = told(DONE)
    shown(avatar, "Test Avatar")
    avatar.evaluate(f"e => {{ {change}; }}")
    part(avatar, "test").click()
    video.ordered()
    video.completed()
    part(avatar, "modal").wait_for()
    assert not part(avatar, "error").is_visible()


@pytest.mark.parametrize("change", REDRAWN.values(), ids=REDRAWN)
def test_a_change_while_a_test_video_is_ordered_leaves_it_watched(page, told, video, change):
    avatar = told(DONE)
    part(avatar, "test").click()
    avatar.evaluate(f"e => {{ {change}; }}")
    shown(avatar, "Generating test video...")
    assert part(avatar, "test").is_disabled()
    video.ordered()
    video.completed()
    part(avatar, "modal").wait_for()
    assert part(avatar, "modal").count() == 1


@pytest.mark.parametrize("change", REDRAWN.values(), ids=REDRAWN)
def test_a_change_while_a_test_video_is_made_leaves_it_watched(page, told, video, change):
    avatar = told(DONE)
    part(avatar, "test").click()
    video.ordered()
    video.watched()
    avatar.evaluate(f"e => {{ {change}; }}")
    shown(avatar, "Generating test video...")
    video.completed()
    part(avatar, "modal").wait_for()
    assert part(avatar, "modal").count() == 1


def test_where_motion_is_not_wanted_nothing_moves(page, told):
    page.emulate_media(reduced_motion="reduce")
    icon = part(told({}), "icon")
    icon.wait_for()
    assert icon.evaluate("e => getComputedStyle(e).animationName") == "none"


@pytest.mark.parametrize(
    ("scheme", "colour"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(27, 28, 34)")]
)
def test_light_and_dark_are_followed(page, told, scheme, colour):
    page.emulate_media(color_scheme=scheme)
    card = part(told({}), "card")
    assert card.evaluate("e => getComputedStyle(e).backgroundColor") == colour


def test_a_page_gives_the_component_its_own_colours(told):
    avatar = told({})
    avatar.evaluate("e => e.style.setProperty('--avatar-bg', 'rgb(1, 2, 3)')")
    assert (
        part(avatar, "card").evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(1, 2, 3)"
    )


@pytest.mark.parametrize("locks", [True, False], ids=["https", "http"])
def test_many_on_a_page_leave_connections_for_everything_else(page, told, locks):
    told({})
    if not locks:
        page.evaluate("Object.defineProperty(navigator, 'locks', {value: undefined})")
    streams, asked = set(), set()
    page.route("**/trainings/m*/events", lambda r: streams.add(r.request.url))  # stays open

    def tell(route):
        asked.add(route.request.url)
        route.fulfill(json=RECORD)

    page.route(re.compile(r"/trainings/m\d$"), tell)
    page.evaluate(
        """() => {
            document.querySelector("avatar-training").remove();
            for (let n = 0; n < 8; n++) {
                const made = document.createElement("avatar-training");
                made.trainingId = `m${n}`;
                document.body.append(made);
            }
        }"""
    )
    until(lambda: page.wait_for_timeout(50) or len(streams) + len(asked) == 8)
    assert len(streams) <= 4
