"""Recording with Chromium's camera and microphone, which show and play a pattern."""

from __future__ import annotations

import pytest

from .conftest import DEMO, Tab, draft, row, rows, sign_in, until
from .test_component import CAPTCHA, RECORD, part, taken, told  # noqa: F401 - fixtures


@pytest.fixture
def recorder(page, local):
    sign_in(page, local)

    def open_(role):
        page.click(f"[data-record={role}]")
        page.get_by_role("button", name="Start recording").click()
        page.get_by_role("button", name="Stop").wait_for()
        return page.locator("dialog.recorder")

    return open_


def recorded(dialog, seconds):
    """Wait until so many seconds are recorded, and stop."""
    until(lambda: dialog.locator(".time").inner_text() >= f"0:{seconds:02d}")
    dialog.get_by_role("button", name="Stop").click()


def sent(page, role):
    """Press "Use this recording"; the request that uploads it."""
    with page.expect_request(lambda r: r.method == "PATCH" and f"/{role}/" in r.url) as put:
        page.get_by_role("button", name="Use this recording").click()
    return put.value


def wav_seconds(put):
    """The length of an uploaded WAV file of 16 bits, one channel and 48 kHz."""
    return (int(put.all_headers()["content-length"]) - 44) / 2 / 48_000


def test_a_voice_is_recorded_played_and_uploaded_as_wav(page, recorder):
    dialog = recorder("voice")
    dialog.get_by_text("I am recording this text").wait_for()
    recorded(dialog, 2)
    dialog.locator("audio").wait_for()
    put = sent(page, "voice")
    assert put.url.partition("?")[0].endswith("/voice/recorded-voice.wav")
    assert 1.5 < wav_seconds(put) < 30
    row(page, "voice", "recorded-voice.wav").wait_for()


def test_a_voice_is_cut_at_both_ends(page, recorder):
    dialog = recorder("voice")
    recorded(dialog, 3)
    dialog.get_by_label("Begin at").fill("1")
    dialog.get_by_label("End at").fill("2")
    assert wav_seconds(sent(page, "voice")) == pytest.approx(1, abs=0.05)


def test_a_film_is_recorded_with_a_guide_for_the_face_and_uploaded(page, recorder):
    dialog = recorder("footage")
    assert dialog.locator(".oval").is_visible()
    assert dialog.locator("video").evaluate("v => v.videoWidth") > 0
    recorded(dialog, 2)
    assert dialog.locator("video").get_attribute("src").startswith("blob:")
    put = sent(page, "footage")
    assert put.url.partition("?")[0].endswith(("recorded-footage.webm", "recorded-footage.mp4"))
    assert int(put.all_headers()["content-length"]) > 10_000
    row(page, "footage", put.url.partition("?")[0].rpartition("/")[2]).wait_for()


def test_a_film_is_cut_at_both_ends(page, recorder):
    dialog = recorder("footage")
    recorded(dialog, 4)
    dialog.get_by_label("Begin at").fill("1")
    dialog.get_by_label("End at").fill("2.5")
    put = sent(page, "footage")
    assert int(put.all_headers()["content-length"]) > 1_000


def test_a_pause_is_not_recorded_and_a_recording_can_be_made_again(page, recorder):
    dialog = recorder("voice")
    dialog.get_by_role("button", name="Pause").click()
    before = dialog.locator(".time").inner_text()
    page.wait_for_timeout(1200)  # a second that would be seen if it were counted
    assert dialog.locator(".time").inner_text() == before
    dialog.get_by_role("button", name="Continue").click()
    recorded(dialog, 1)
    dialog.get_by_role("button", name="Record again").click()
    dialog.get_by_role("button", name="Start recording").wait_for()
    assert dialog.locator(".time").inner_text() == "0:00"


def test_the_level_of_the_microphone_is_told(page, recorder):
    dialog = recorder("voice")
    until(lambda: dialog.locator("meter").evaluate("m => m.value") > 0)
    assert dialog.locator("[data-part=hint]").inner_text() != ""


def test_a_recorder_that_is_closed_gives_the_camera_back_and_the_focus(page, recorder):
    page.evaluate("""() => {
        const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        navigator.mediaDevices.getUserMedia = async (c) => (window.given = await ask(c));
    }""")
    recorder("footage")
    page.keyboard.press("Escape")
    page.locator("dialog.recorder").wait_for(state="detached")
    assert page.evaluate("given.getTracks().every(t => t.readyState === 'ended')")
    focused = "document.querySelector('avatar-create').shadowRoot.activeElement.dataset.record"
    assert page.evaluate(focused) == "footage"


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        ("NotAllowedError", "The browser does not allow camera or microphone."),
        ("NotFoundError", "No camera or microphone was found."),
        ("NotReadableError", "The camera or microphone cannot be used."),
    ],
)
def test_a_camera_that_cannot_be_used_is_explained_and_asked_for_again(page, local, problem, text):
    sign_in(page, local)
    page.evaluate(f"""() => {{
        const {{ mediaDevices }} = navigator;
        const ask = mediaDevices.getUserMedia.bind(mediaDevices);
        mediaDevices.getUserMedia = async () => {{
            mediaDevices.getUserMedia = ask;
            throw new DOMException("", "{problem}");
        }};
    }}""")
    page.click("[data-record=footage]")
    page.get_by_text(text).wait_for()
    page.locator("dialog.recorder").get_by_role("button", name="Try again").click()
    page.get_by_role("button", name="Start recording").wait_for()


def test_a_captcha_is_read_into_the_recorder(page, told, taken):  # noqa: F811 - fixtures
    avatar = told({"status": "action_required", "action": CAPTCHA})
    page.route("**/trainings/t1/action", lambda r: r.fulfill(json={**RECORD, "version": 2}))
    part(avatar, "record").click()
    dialog = page.locator("dialog.recorder")
    dialog.get_by_role("button", name="Start recording").click()
    recorded(dialog, 1)
    dialog.get_by_role("button", name="Use this recording").click()
    dialog.wait_for(state="detached")
    with page.expect_request("**/trainings/t1/action") as said:
        part(avatar, "send").click()
    assert said.value.post_data_json == {"choice": "done", "recording": "recording.wav"}
    [put] = taken
    assert put.url.partition("?")[0].endswith("/uploads/recording/recording.wav")


# -- a phone records ------------------------------------------------------------------------------

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}


@pytest.fixture(scope="module")
def handset(chromium):
    tab = Tab(chromium, **PHONE)
    yield tab
    tab.context.close()


@pytest.fixture
def phone(handset):
    """Another device; nobody is signed in there."""
    handset.renew()
    handset.page.set_viewport_size(PHONE["viewport"])
    yield handset.page
    assert handset.wrong == []


@pytest.fixture
def shows_code(page, local):
    """Opens the recorder for a role at an address that phones reach, and shows a code."""

    def show(role, language=None):
        sign_in(page, local, url=local.elsewhere)
        if language:
            page.select_option("#language", language)
            page.locator(f"html[lang={language}]").wait_for()
        page.click(f"[data-record={role}]")
        return code(page)

    return show


def code(page):
    """Ask for a code, and return its link."""
    page.click("[data-act=record_phone], [data-act=phone_new]")
    page.locator("dialog.recorder svg[role=img]").wait_for()
    return page.locator(".handover code").text_content()


def begin(phone, link):
    phone.goto(link)
    phone.locator("avatar-phone [part=main]").click()


def title(phone, text):
    phone.get_by_role("heading", name=text).wait_for()


def test_a_phone_records_a_film_and_hands_it_over(page, phone, shows_code):
    link = shows_code("evidence")
    page.get_by_text("Scan this code with your phone").wait_for()
    begin(phone, link)
    assert "handover" not in phone.url
    dialog = phone.locator("dialog.recorder")
    dialog.get_by_role("button", name="Start recording").click()
    page.get_by_text("Your phone is connected").wait_for()
    recorded(dialog, 2)
    phone.get_by_role("button", name="Use this recording").click()
    title(phone, "Your recording has arrived")
    page.locator("dialog.recorder").wait_for(state="detached")
    [name] = rows(page, "evidence").evaluate_all("all => all.map(li => li.dataset.name)")
    row(page, "evidence", name).locator(".good").wait_for()
    assert draft(page)["evidence"] == name
    assert phone.evaluate("sessionStorage.length") == 0
    begin(phone, link)  # once, and never again
    title(phone, "This link has ended")


def test_a_phone_goes_on_after_a_reload_and_where_the_browser_does_not_record(
    page, handset, local, shows_code
):
    link = shows_code("footage")
    phone = handset.context.new_page()  # keeps its script
    begin(phone, link)
    phone.locator("dialog.recorder").get_by_role("button", name="Start recording").wait_for()
    phone.add_init_script("Object.defineProperty(navigator, 'mediaDevices', {value: undefined})")
    phone.reload()
    phone.get_by_text("I am recording this text").wait_for()
    file = phone.locator("#file")
    assert [file.get_attribute(name) for name in ("accept", "capture")] == ["video/*", "user"]
    file.set_input_files({"name": "me.mp4", "mimeType": "video/mp4", "buffer": b"no film"})
    phone.locator("[part=problem] .error").first.wait_for()
    file.set_input_files(DEMO / "portrait.jpg")
    title(phone, "Your recording has arrived")
    page.locator(".files[data-role=footage] .good").wait_for()
    [sample] = local.get(f"clones/{draft(page)['clone']}/samples")["data"]
    assert draft(page)["footage"] == sample["id"]
    phone.close()


def test_a_code_ends_when_the_recorder_is_closed_or_records_itself(page, phone, shows_code):
    link = shows_code("voice")
    with page.expect_response(lambda r: r.request.method == "DELETE" and "handovers" in r.url):
        page.click("[data-act=record_here]")
    page.get_by_role("button", name="Start recording").wait_for()
    begin(phone, link)
    title(phone, "This link has ended")
    link = code(page)
    begin(phone, link)
    phone.locator("dialog.recorder").get_by_role("button", name="Start recording").wait_for()
    with page.expect_response(lambda r: r.request.method == "DELETE" and "handovers" in r.url):
        page.keyboard.press("Escape")
    dialog = phone.locator("dialog.recorder")
    dialog.get_by_role("button", name="Start recording").click()
    recorded(dialog, 1)
    phone.get_by_role("button", name="Use this recording").click()
    title(phone, "This link has ended")
    assert rows(page, "voice").count() == 0


def test_a_code_that_is_too_old_is_made_new(page, shows_code):
    page.route(
        "**/handovers/*",
        lambda r: r.fulfill(status=404, json={}) if r.request.method == "GET" else r.continue_(),
    )
    first = shows_code("voice")
    page.get_by_text("The code is too old or was closed.").wait_for()
    assert code(page) != first


def test_an_address_of_this_computer_alone_shows_words_and_no_code(page, local):
    sign_in(page, local)
    asked = []
    page.on("request", lambda request: "handovers" in request.url and asked.append(request.url))
    page.click("[data-record=voice]")
    page.click("[data-act=record_phone]")
    page.get_by_text("Your phone cannot reach this page").wait_for()
    assert (page.locator(".handover svg").count(), asked) == (0, [])
    page.click("[data-act=record_here]")
    page.get_by_role("button", name="Start recording").wait_for()


def test_a_captcha_is_read_into_a_phone(page, told):  # noqa: F811 - fixtures
    avatar = told(
        {"status": "action_required", "action": CAPTCHA}, **{"phone-page": "https://app.example/p"}
    )
    begun, done = [], {"status": "completed", "name": "recording-1.mp4", "percent": 100}

    def make(route):
        begun.append(route.request.post_data_json)
        route.fulfill(status=201, json={"id": "h1", "link": "https://x#y", "qr": ["10", "01"]})

    page.route("**/clones/c1/handovers", make)
    page.route("**/clones/c1/handovers/h1", lambda r: r.fulfill(json={**done, "upload": None}))
    page.route("**/trainings/t1/action", lambda r: r.fulfill(json={**RECORD, "version": 2}))
    part(avatar, "record").click()
    with page.expect_request("**/trainings/t1/action") as said:
        page.click("[data-act=record_phone]")
    assert said.value.post_data_json == {"choice": "done", "recording": "recording-1.mp4"}
    [asked] = begun
    assert (asked["role"], asked["page"]) == ("recording", "https://app.example/p")
