"""A person in front of the studio: from recordings to a video, on this machine."""

from __future__ import annotations

import re
import time
from datetime import date, datetime, timedelta

import httpx
import pytest

from avatarkit.models import WORDING
from avatarkit.providers.fake import FakeVendor, Fault

from .conftest import (
    DEMO,
    TOKEN,
    agree,
    background,
    draft,
    go,
    part,
    plays,
    row,
    rows,
    shown,
    sign_in,
    train,
    until,
    upload,
)


def test_the_token_in_the_address_becomes_a_cookie_and_leaves_the_address(page, local):
    page.goto(f"{local.url}/?token={TOKEN}")
    page.locator("avatar-list").wait_for()
    assert page.url == f"{local.url}/"
    [cookie] = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert TOKEN not in cookie["value"]


def test_who_is_not_signed_in_is_told_how_to_sign_in(page, local):
    page.goto(local.url)
    page.get_by_role("alert").filter(has_text="You are not signed in.").wait_for()


def test_a_good_recording_is_taken_and_a_reload_still_shows_it(page, local):
    sign_in(page, local)
    upload(page)
    page.reload()
    page.locator(".files[data-role=voice]", has_text="voice.wav").wait_for()


def test_a_file_that_arrives_before_the_list_of_stored_files_is_shown_once(page, local):
    late = []

    def hold(route):
        late.append(route)

    page.route("**/clones/*/samples", hold)
    sign_in(page, local)
    until(lambda: page.wait_for_timeout(20) or late)
    page.set_input_files("#voice", DEMO / "voice.wav")
    page.locator(".files[data-role=voice] .good").wait_for()
    with page.expect_response("**/clones/*/samples"):
        late[0].continue_()
    page.wait_for_function("() => new Promise(done => setTimeout(() => done(true), 100))")
    assert rows(page, "voice").count() == 1


def test_what_was_found_in_a_file_is_still_beside_it_after_a_reload(page, local, tmp_path):
    misnamed = tmp_path / "voice.mp3"
    misnamed.write_bytes((DEMO / "voice.wav").read_bytes())
    sign_in(page, local)
    page.set_input_files("#voice", misnamed)
    notes = page.locator(".files[data-role=voice] .findings .warning")
    notes.first.wait_for()
    found = notes.all_inner_texts()
    page.reload()
    notes.first.wait_for()
    assert notes.all_inner_texts() == found


def test_evidence_that_was_uploaded_before_a_reload_still_goes_with_the_consent(
    page, local, tmp_path
):
    form = tmp_path / "form.pdf"
    form.write_bytes(b"%PDF-1.4 signed")
    sign_in(page, local)
    upload(page)
    page.set_input_files("#evidence", form)
    page.locator(".files[data-role=evidence] .good").wait_for()
    page.reload()
    page.locator(".files[data-role=evidence]", has_text="form.pdf").wait_for()
    page.fill("#subject", "Ana")
    page.check("#agreed")
    with page.expect_request(lambda r: r.method == "POST") as sent:
        page.click("#train")
    assert sent.value.post_data_json["consent"]["evidence"] == "form.pdf"


def test_evidence_is_not_forgotten_because_the_server_is_away(page, local, tmp_path):
    form = tmp_path / "form.pdf"
    form.write_bytes(b"%PDF-1.4 signed")
    sign_in(page, local)
    page.set_input_files("#evidence", form)
    page.locator(".files[data-role=evidence] .good").wait_for()
    page.route("**/evidence/**", lambda route: route.fulfill(status=503))
    with page.expect_response(lambda r: r.request.method == "HEAD"):
        page.reload()
    page.unroute("**/evidence/**")
    page.reload()
    page.locator(".files[data-role=evidence]", has_text="form.pdf").wait_for()


def test_evidence_that_the_server_has_thrown_away_is_not_shown(page, local):
    sign_in(page, local)
    gone = (
        "localStorage.setItem('avatarkit-draft', JSON.stringify({clone: 'c7', evidence: 'a.pdf'}))"
    )
    page.evaluate(gone)
    with page.expect_response(lambda r: r.request.method == "HEAD"):
        page.reload()
    page.wait_for_function("() => !JSON.parse(localStorage.getItem('avatarkit-draft')).evidence")
    assert rows(page, "evidence").count() == 0


def test_a_recording_is_deleted_here_and_there(page, local):
    sign_in(page, local)
    upload(page)
    clone = draft(page)["clone"]
    page.get_by_role("button", name="Delete voice.wav").click()
    rows(page, "voice").wait_for(state="detached")
    stored = local.get(f"clones/{clone}/samples")["data"]
    assert [sample["role"] for sample in stored] == ["footage"]


def test_a_recording_is_checked_for_the_chosen_provider(page, local):
    sign_in(page, local)
    page.select_option("#stack", "local")
    with page.expect_request(lambda r: r.method == "POST" and r.url.endswith("/uploads")) as sent:
        page.set_input_files("#voice", DEMO / "voice.wav")
    assert "stack bG9jYWw=" in sent.value.headers["upload-metadata"]
    page.locator(".files[data-role=voice] .good").wait_for()
    page.select_option("#stack", "")
    page.get_by_text("were checked for another provider").wait_for()


def test_a_file_that_is_no_recording_is_refused_beside_its_name(page, local, tmp_path):
    bad = tmp_path / "notes.wav"
    bad.write_text("no sound at all")
    sign_in(page, local)
    page.set_input_files("#voice", bad)
    bad_row = row(page, "voice", "notes.wav")
    bad_row.locator(".findings .error").first.wait_for()
    assert "This file cannot be used" in bad_row.inner_text()
    page.get_by_role("button", name="Remove notes.wav").click()
    assert rows(page, "voice").count() == 0


def test_an_empty_file_is_said_to_be_empty_and_not_sent(page, local):
    sign_in(page, local)
    sent = []
    page.on("request", lambda r: sent.append(r.url) if "/uploads" in r.url else None)
    empty = {"name": "void.wav", "mimeType": "audio/wav", "buffer": b""}
    page.set_input_files("#voice", empty)
    row(page, "voice", "void.wav").get_by_text("This file is empty. Choose another one.").wait_for()
    assert sent == []


def test_the_wording_that_a_person_agrees_to_is_shown(page, local):
    sign_in(page, local)
    page.get_by_text(WORDING[1]).wait_for()


@pytest.mark.parametrize(
    ("given", "field", "text"),
    [
        ((), "footage", "Add a video or picture and a voice recording first."),
        (("files",), "subject", "Give the name of the person who agrees."),
        (("files", "subject"), "agreed", "Tick this box if the person agrees."),
        (("files", "tomorrow"), "agreed-on", "Give the day of the agreement, today or earlier."),
        (("files", "no day"), "agreed-on", "Give the day of the agreement, today or earlier."),
        (("files", "unreal"), "reason", "Give the reason why this is not a real person."),
    ],
)
def test_what_is_missing_is_said_beside_its_field_on_the_screen_of_a_phone(
    page, local, given, field, text
):
    page.set_viewport_size({"width": 390, "height": 844})
    sign_in(page, local)
    if "files" in given:
        upload(page)
    if {"subject", "tomorrow", "no day"} & {*given}:
        page.fill("#subject", "Ana")
    if {"tomorrow", "no day"} & {*given}:
        page.check("#agreed")
        tomorrow = str(date.today() + timedelta(days=1))  # noqa: DTZ011 - as the page, here
        page.fill("#agreed-on", tomorrow if "tomorrow" in given else "")
    if "unreal" in given:
        page.check("input[value=unreal]")
    orders = []
    page.on("request", lambda r: orders.append(r.url) if r.method == "POST" else None)
    page.click("#train")
    problem = page.get_by_text(text)
    problem.wait_for()
    top = until(problem.bounding_box)["y"]
    assert 0 <= top <= 844
    focused = "document.querySelector('avatar-create').shadowRoot.activeElement.id"
    assert page.evaluate(focused) == field
    assert page.locator(f"#{field}").get_attribute("aria-invalid" if given else "type")
    assert orders == []
    if field == "footage":
        upload(page)
        assert not problem.is_visible()


def test_a_person_who_agrees_is_sent_with_wording_and_evidence(page, local, tmp_path):
    form = tmp_path / "form.pdf"
    form.write_bytes(b"%PDF-1.4 signed")
    sign_in(page, local)
    upload(page)
    page.fill("#subject", "Ana")
    page.check("#agreed")
    page.set_input_files("#evidence", form)
    page.locator(".files[data-role=evidence] .good").wait_for()
    with page.expect_request(lambda r: r.method == "POST") as sent:
        page.click("#train")
    given = sent.value.post_data_json["consent"]
    assert abs(datetime.fromisoformat(given.pop("given_at")).timestamp() - time.time()) < 600
    assert given == {
        "subject": "Ana",
        "wording": WORDING[1],
        "wording_version": WORDING[0],
        "evidence": "form.pdf",
    }
    assert sent.value.response().status == 201


def test_the_day_of_an_agreement_is_kept_and_sent(page, local):
    sign_in(page, local)
    upload(page)
    page.fill("#subject", "Ana Lima")
    assert page.input_value("#agreed-on") == page.get_attribute("#agreed-on", "max")
    page.check("#agreed")
    page.fill("#agreed-on", "2026-03-09")
    page.reload()
    page.locator(".files[data-role=voice]", has_text="voice.wav").wait_for()
    assert page.input_value("#agreed-on") == "2026-03-09"
    with page.expect_request(lambda r: r.method == "POST" and r.url.endswith("/trainings")) as sent:
        page.click("#train")
    given = datetime.fromisoformat(sent.value.post_data_json["consent"]["given_at"])
    assert given.astimezone().date() == date(2026, 3, 9)
    assert sent.value.response().status == 201


def test_only_stacks_that_are_set_up_can_be_chosen(page, local):
    sign_in(page, local)
    ready = [row["stack"] for row in local.get("stacks")["data"] if row["ready"]]
    offered = page.locator("#stack option").evaluate_all("all => all.map(o => o.value)")
    assert offered == ["", *ready]


def test_each_stack_shows_what_it_costs(page, local):
    sign_in(page, local)
    assert page.locator("#stack option[value='local']").inner_text() == "local · $0.00"


def test_a_price_that_is_known_in_part_is_a_least_price(page, local):
    known = {"amount": "18", "currency": "USD"}
    part_known = {"total": None, "known": known, "plans": known, "charges": known, "used": known}
    told = [{"stack": "a+b", "how": "", "ready": True, "problem": None}]
    told[0]["quote"] = {"expected": {**part_known, "unknown": ["x"]}, "oldest": "2026-11"}
    page.route(
        "**/stacks", lambda r: r.fulfill(json={"data": told, "has_more": False, "cursor": None})
    )
    sign_in(page, local)
    assert page.locator("#stack option[value='a+b']").inner_text() == "a+b · at least $18.00"


def test_the_chosen_stack_says_what_its_price_assumes(page, local):
    sign_in(page, local)
    page.select_option("#stack", "local")
    told = local.get("quote?stack=local")
    page.get_by_text(f"prices of {told['oldest']}").wait_for()
    page.get_by_text("Assumptions").click()
    assert page.get_by_text(told["assumptions"][0]).is_visible()


def test_a_training_on_this_machine_becomes_an_avatar_that_speaks(page, local):
    sign_in(page, local)
    avatar = train(page, "Speaking")
    shown(avatar, "✅ Avatar ready!")
    shown(avatar, "🎉 Your AI Avatar is Ready!")
    with page.expect_request(lambda r: r.url.endswith("/videos") and r.method == "POST") as sent:
        part(avatar, "test").click()
    assert sent.value.post_data_json == {
        "text": "Hello! I'm your AI clone. I'm ready to attend meetings on your behalf."
    }
    part(avatar, "test-status").filter(has_text="Generating test video...").wait_for()
    assert plays(part(avatar, "modal").locator("video"))


def test_the_preview_of_a_finished_avatar_plays_before_anything_else_is_made(page, local):
    sign_in(page, local)
    avatar = train(page, "Seen")
    shown(avatar, "✅ Avatar ready!")
    preview = part(avatar, "figure").locator("video")
    preview.wait_for()
    assert preview.get_attribute("poster")
    assert "avatar-preview" in preview.get_attribute("src")
    preview.evaluate("v => { v.muted = true; return v.play(); }")
    assert plays(preview)
    assert local.get(f"trainings/{avatar.get_attribute('training-id')}/videos")["data"] == []


def test_a_vendor_without_previews_shows_the_test_video_there_also_after_a_reload(page, slow):
    sign_in(page, slow)
    avatar = train(page, "Later")
    shown(avatar, "✅ Avatar ready!")
    part(avatar, "test").click()
    part(avatar, "modal").locator("video").wait_for()
    page.keyboard.press("Escape")
    page.reload()
    part(page.locator("avatar-training"), "figure").locator("video").wait_for()


def test_two_trainings_are_watched_at_once(page, slow):
    sign_in(page, slow)
    for name in ("First", "Second"):
        train(page, name)
        background(page)
    go(page, "avatars")
    for name in ("First", "Second"):
        tile = page.locator("avatar-list li", has_text=name)
        tile.get_by_text("Ready").wait_for()


def test_a_deleted_avatar_is_gone_here_and_there_and_only_after_a_question(page, slow):
    sign_in(page, slow)
    avatar = train(page, "Going")
    shown(avatar, "✅ Avatar ready!")
    background(page)
    page.click("#delete")
    page.get_by_role("heading", name="Delete Going?").wait_for()
    page.get_by_role("button", name="Keep it").click()
    assert slow.get("trainings")["data"]
    page.click("#delete")
    page.locator("#sure button[value=yes]").click()
    page.get_by_text("The avatar was deleted.").wait_for()
    assert slow.get("trainings")["data"] == []
    assert page.locator("avatar-list li").count() == 0


def test_a_cancelled_training_says_so(page, slow):
    sign_in(page, slow)
    avatar = train(page, "Stopped")
    background(page)
    page.click("#cancel")
    shown(avatar, "You stopped this avatar")


def test_webhook_deliveries_are_listed_found_and_lead_to_their_avatar(page, slow):
    sign_in(page, slow)
    avatar = train(page, "Told")
    shown(avatar, "✅ Avatar ready!")
    training = avatar.get_attribute("training-id")
    vendor = FakeVendor(file=slow.folder / ".avatarkit/fake/vendor.json")
    told = until(vendor.deliveries)
    for delivery in told:
        httpx.post(
            f"{slow.url}/webhooks/fake/a-secret-of-the-inbox",
            content=delivery.body,
            headers={**delivery.headers, "content-type": "application/json"},
        ).raise_for_status()
    background(page)
    page.get_by_role("link", name="Webhook deliveries").click()
    page.get_by_role("cell", name="avatar.training_completed", exact=True).wait_for()
    page.locator("avatar-deliveries #search").fill("no such thing")
    page.get_by_text("No delivery matches.").wait_for()
    page.locator("avatar-deliveries #search").fill(training)
    page.get_by_role("button", name="Payload: avatar.training_completed").first.click()
    page.get_by_role("dialog").locator("pre").filter(has_text='"state": "succeeded"').wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Replay: avatar.training_completed").first.click()
    page.locator("#notice").get_by_text("Applied again: Applied.").wait_for()
    page.locator("avatar-deliveries").get_by_role("link", name="Told").first.click()
    page.get_by_role("heading", name="Told").wait_for()


@pytest.mark.parametrize("tag", ["en", "ar"])
@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_is_wider_than_the_screen(page, local, width, tag):
    page.set_viewport_size({"width": width, "height": 800})
    sign_in(page, local)
    page.select_option("#language", tag)
    page.locator("#real, #unreal").first.wait_for(state="attached")
    for at in ("new", "avatars", "deliveries"):
        go(page, at)
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_consent_that_a_provider_demands_is_said_when_it_is_chosen(page, local):
    rule = {"provider": "heygen", "text": "A film of the consent."}
    free = {"amount": "0", "currency": "USD"}
    costs = {"total": free, "known": free, "plans": free, "charges": free, "used": free}
    row = {"how": "", "ready": True, "problem": None, "settings": [], "consent": []}
    row["quote"] = {"expected": {**costs, "unknown": []}, "oldest": "2026-11"}
    told = [
        {**row, "stack": "local"},
        {**row, "stack": "heygen", "consent": [{**rule, "demands": "evidence"}]},
    ]
    listed = {"data": told, "has_more": False, "cursor": None}
    page.route("**/stacks", lambda r: r.fulfill(json=listed))
    sign_in(page, local)
    text = page.get_by_text("heygen demands evidence of this consent.")
    assert text.count() == 0
    page.select_option("#stack", "heygen")
    text.wait_for()
    page.select_option("#stack", "local")
    text.wait_for(state="detached")


# -- uploads and orders at once -------------------------------------------------------------------


@pytest.fixture
def held(page):
    """Uploads wait until a test lets them go on; the routes, by file name."""
    routes = {}

    def hold(route):
        routes[route.request.url.rpartition("/")[2].partition("?")[0]] = route

    page.route(
        "**/uploads/*/*", lambda r: hold(r) if r.request.method == "PATCH" else r.continue_()
    )
    return routes


def wait_held(page, held, name):
    until(lambda: page.wait_for_timeout(20) or name in held)
    return held[name]


def recordings(tmp_path, *names):
    """Different recordings of the demo's voice."""
    voice = (DEMO / "voice.wav").read_bytes()
    for n, name in enumerate(names):
        (tmp_path / name).write_bytes(voice + b"\0" * 2 * (n + 1))
    return [tmp_path / name for name in names]


def orders(page):
    sent = []
    page.on(
        "request",
        lambda r: (
            sent.append(r.post_data_json)
            if r.method == "POST" and r.url.endswith("/trainings")
            else None
        ),
    )
    return sent


def test_every_chosen_file_has_a_row_at_once(page, local, held, tmp_path):
    sign_in(page, local)
    page.set_input_files("#voice", recordings(tmp_path, "a.wav", "b.wav", "c.wav"))
    assert rows(page, "voice").count() == 3
    row(page, "voice", "c.wav").get_by_text("Waiting...").wait_for()
    assert set(held) <= {"a.wav", "b.wav"}


def test_train_waits_for_all_chosen_files_and_says_so(page, local, held, tmp_path):
    sign_in(page, local)
    sent = orders(page)
    page.set_input_files("#footage", DEMO / "portrait.jpg")
    page.set_input_files("#voice", recordings(tmp_path, "a.wav", "b.wav", "c.wav"))
    agree(page)
    clone = draft(page)["clone"]
    page.click("#train")
    page.get_by_text("Waiting for 4 uploads...").wait_for()
    for name in ("portrait.jpg", "a.wav", "b.wav"):
        wait_held(page, held, name).continue_()
    page.get_by_text("Waiting for 1 upload...").wait_for()
    assert sent == []
    wait_held(page, held, "c.wav").continue_()
    until(lambda: page.wait_for_timeout(20) or sent)
    assert sent[0]["clone_id"] == clone
    stored = local.get(f"clones/{clone}/samples")["data"]
    assert sorted(sample["name"] for sample in stored) == [
        "a.wav",
        "b.wav",
        "c.wav",
        "portrait.jpg",
    ]


def test_a_file_goes_to_the_avatar_that_it_was_chosen_for(page, local, held, tmp_path):
    sign_in(page, local)
    [path] = recordings(tmp_path, "mine.wav")
    page.set_input_files("#voice", path)
    first = draft(page)["clone"]
    route = wait_held(page, held, "mine.wav")
    page.click("#start-over")
    second = draft(page)["clone"]
    assert first != second
    assert f"/clones/{first}/" in route.request.url
    assert rows(page, "voice").count() == 0
    assert local.get(f"clones/{second}/samples")["data"] == []
    assert draft(page)["findings"] == {}


def test_an_upload_that_is_cancelled_is_not_ordered_and_can_be_tried_again(
    page, local, held, tmp_path
):
    sign_in(page, local)
    page.set_input_files("#voice", recordings(tmp_path, "a.wav"))
    wait_held(page, held, "a.wav")
    page.get_by_role("button", name="Cancel a.wav").click()
    row(page, "voice", "a.wav").get_by_text("Cancelled").wait_for()
    held.clear()
    page.get_by_role("button", name="Try again a.wav").click()
    wait_held(page, held, "a.wav").continue_()
    row(page, "voice", "a.wav").locator(".good").wait_for()


def test_an_upload_that_failed_keeps_the_order_back_until_it_is_tried_again(page, local, tmp_path):
    sign_in(page, local)
    upload(page)
    agree(page)
    sent = orders(page)
    full = {"error": {"code": "allowance_exceeded", "message": "the limit is 200 recordings"}}
    page.route("**/voice/a.wav*", lambda r: r.fulfill(status=413, json=full))
    page.set_input_files("#voice", recordings(tmp_path, "a.wav"))
    row(page, "voice", "a.wav").get_by_text("Your storage is full.").wait_for()
    page.click("#train")
    page.get_by_text("An upload did not finish. Try it again, or remove it.").wait_for()
    assert sent == []
    page.unroute("**/voice/a.wav*")
    page.get_by_role("button", name="Try again a.wav").click()
    row(page, "voice", "a.wav").locator(".good").wait_for()
    page.click("#train")
    until(lambda: page.wait_for_timeout(20) or sent)


def test_a_second_picture_replaces_the_first_and_can_be_taken_back(page, local):
    sign_in(page, local)
    upload(page)
    clone = draft(page)["clone"]
    other = {"name": "other.jpg", "mimeType": "image/jpeg"}
    other["buffer"] = (DEMO / "portrait.jpg").read_bytes() + b"\0\0"
    page.set_input_files("#footage", other)
    old = row(page, "footage", "portrait.jpg")
    old.get_by_text("Not used: replaced by other.jpg. It is deleted when you train.").wait_for()
    page.get_by_role("button", name="Use this one portrait.jpg").click()
    row(page, "footage", "other.jpg").get_by_text("replaced by portrait.jpg").wait_for()
    page.get_by_role("button", name="Use this one other.jpg").click()
    old.get_by_text("replaced by other.jpg").wait_for()
    page.reload()
    old.get_by_text("replaced by other.jpg").wait_for()
    agree(page)
    with page.expect_request(lambda r: r.method == "POST") as sent:
        page.click("#train")
    assert sent.value.response().status == 201
    stored = local.get(f"clones/{clone}/samples")["data"]
    assert [s["name"] for s in stored if s["role"] == "footage"] == ["other.jpg"]


def test_the_sixth_voice_recording_is_said_not_to_be_used(page, local, tmp_path):
    sign_in(page, local)
    page.set_input_files("#voice", recordings(tmp_path, *(f"{n}.wav" for n in range(6))))
    page.get_by_text("Not used: 5 recordings are enough.").wait_for()
    assert page.locator(".files[data-role=voice] > li.unused").count() == 1


def test_the_newest_evidence_counts_and_an_older_one_can_be_used_again(page, local):
    sign_in(page, local)
    for name in ("a.pdf", "b.pdf"):
        file = {"name": name, "mimeType": "application/pdf", "buffer": f"%PDF-1.4 {name}".encode()}
        page.set_input_files("#evidence", file)
        row(page, "evidence", name).locator(".good").wait_for()
    row(page, "evidence", "a.pdf").get_by_text("Not used: replaced by b.pdf.").wait_for()
    page.get_by_role("button", name="Use this one a.pdf").click()
    assert draft(page)["evidence"] == "a.pdf"


def test_the_same_recording_under_two_names_counts_once(page, local, tmp_path):
    twin = tmp_path / "twin.wav"
    twin.write_bytes((DEMO / "voice.wav").read_bytes())
    sign_in(page, local)
    upload(page)
    page.set_input_files("#voice", twin)
    row(page, "voice", "twin.wav").get_by_text("the same recording as voice.wav").wait_for()
    page.get_by_role("button", name="Remove twin.wav").click()
    clone = draft(page)["clone"]
    stored = local.get(f"clones/{clone}/samples")["data"]
    assert sorted(sample["role"] for sample in stored) == ["footage", "voice"]


def test_two_files_of_one_name_are_two_uploads(page, local, tmp_path):
    sign_in(page, local)
    upload(page)
    (tmp_path / "two").mkdir()
    [other] = recordings(tmp_path / "two", "voice.wav")
    page.set_input_files("#voice", other)
    row(page, "voice", "voice (2).wav").locator(".good").wait_for()


def test_a_page_that_is_left_during_an_upload_asks_and_says_afterwards_what_was_cut(
    page, local, held, tmp_path
):
    sign_in(page, local)
    page.set_input_files("#voice", recordings(tmp_path, "a.wav"))
    wait_held(page, held, "a.wav")
    asked = []
    page.on("dialog", lambda d: asked.append(d.type) or d.accept())
    page.reload()
    assert asked == ["beforeunload"]
    row(page, "voice", "a.wav").get_by_text("was cut off at 0 %. Choose the file again.").wait_for()


def test_an_upload_that_is_cut_off_in_the_middle_goes_on_where_it_was(page, local):
    sign_in(page, local)
    offsets = []

    def cut(route):
        offsets.append(route.request.headers["upload-offset"])
        if len(offsets) > 1:
            route.continue_()
            return
        headers = route.request.headers | {"authorization": f"Bearer {TOKEN}"}
        headers = {name: value for name, value in headers.items() if name != "content-length"}
        part = (DEMO / "voice.wav").read_bytes()[:5000]
        httpx.patch(route.request.url, content=part, headers=headers, timeout=30)
        route.abort()

    page.route("**/uploads/*/*", lambda r: cut(r) if r.request.method == "PATCH" else r.continue_())
    page.set_input_files("#voice", DEMO / "voice.wav")
    row(page, "voice", "voice.wav").get_by_text("The upload goes on by itself.").wait_for()
    row(page, "voice", "voice.wav").locator(".good").wait_for()
    assert offsets == ["0", "5000"]
    [stored] = local.get(f"clones/{draft(page)['clone']}/samples")["data"]
    assert stored["size"] == (DEMO / "voice.wav").stat().st_size


def test_files_that_are_dropped_go_where_they_belong(page, local):
    sign_in(page, local)
    page.evaluate("""() => {
        const given = new DataTransfer();
        given.items.add(new File(["x"], "me.jpg", { type: "image/jpeg" }));
        given.items.add(new File(["x"], "me.wav", { type: "audio/wav" }));
        const form = document.querySelector("avatar-create").shadowRoot.querySelector("form");
        form.dispatchEvent(new DragEvent("drop", { dataTransfer: given, bubbles: true }));
    }""")
    row(page, "footage", "me.jpg").wait_for()
    row(page, "voice", "me.wav").wait_for()


def test_an_order_that_is_refused_says_why_in_the_form_and_makes_no_avatar(page, local):
    sign_in(page, local)
    page.set_input_files("#voice", DEMO / "voice.wav")
    page.locator(".files[data-role=voice] .good").wait_for()
    agree(page)
    page.click("#train")
    alert = page.locator("avatar-create [part=form-problem]")
    alert.get_by_text("These recordings cannot be used.").wait_for()
    alert.get_by_text("Details for operators").click()
    assert alert.locator("code").is_visible()
    assert rows(page, "voice").count() == 1
    go(page, "avatars")
    assert page.locator("avatar-list li", has_text="voice").count() == 0


def test_a_failed_avatar_is_trained_again_with_the_same_recordings(page, slow):
    vendor = FakeVendor(file=slow.folder / ".avatarkit/fake/vendor.json")
    vendor.fail_next("avatar", Fault.JOB_FAILS)
    sign_in(page, slow)
    avatar = train(page, "Again")
    shown(avatar, "❌ Training failed")
    shown(avatar, "Your avatar was not made")
    avatar.get_by_role("button", name="Try another provider").click()
    row(page, "footage", "portrait.jpg").locator(".good").wait_for()
    until(lambda: page.input_value("#stack") == "local")
    page.go_back()
    avatar.get_by_role("button", name="Train again with these recordings").click()
    page.select_option("#stack", "")
    row(page, "voice", "voice.wav").locator(".good").wait_for()
    row(page, "footage", "portrait.jpg").locator(".good").wait_for()
    agree(page)
    page.click("#train")
    shown(page.locator("avatar-training"), "✅ Avatar ready!")
    first, second = slow.get("trainings")["data"]
    assert first["clone_id"] == second["clone_id"]


def test_the_page_of_an_avatar_has_its_recordings_consent_and_events(page, slow):
    sign_in(page, slow)
    train(page, "Other")
    background(page)
    go(page, "new")
    upload(page)
    page.fill("#subject", "Ana Lima")
    page.check("#agreed")
    page.fill("#name", "Mine")
    page.click("#train")
    shown(page.locator("#hero:modal avatar-training"), "✅ Avatar ready!")
    background(page)
    page.get_by_text("Details", exact=True).click()
    stored = page.locator("#stored avatar-data")
    stored.get_by_role("heading", name="Mine").wait_for()
    assert stored.locator("li[data-name='voice.wav']").count() == 1  # that of the other is not here
    stored.get_by_text("Ana Lima").wait_for()
    assert stored.get_by_role("button", name="Erase all my data").count() == 0
    page.locator("#told").click()
    page.get_by_text("No webhook deliveries yet.").wait_for()
    training = page.url.rpartition("/")[2]
    assert page.input_value("avatar-deliveries #search") == training
    page.go_back()
    page.get_by_text("Details", exact=True).click()
    page.get_by_role("button", name="Try another provider").click()
    until(lambda: page.input_value("#stack") == "local")
    row(page, "voice", "voice.wav").locator(".good").wait_for()


# -- speaking -------------------------------------------------------------------------------------


def test_an_avatar_says_what_is_written_and_the_video_stays_in_its_gallery(page, slow):
    sign_in(page, slow)
    shown(train(page, "Speaker"), "✅ Avatar ready!")
    background(page)
    script = "Good morning, everyone. Welcome to the lesson."
    page.fill("#script", script)
    page.get_by_text("46 of 20,000 characters · about 3 s of video").wait_for()
    page.locator("avatar-speak [part=price]").filter(has_text="Price: ").wait_for()
    page.reload()
    page.locator("#script").wait_for()
    assert page.input_value("#script") == script  # a draft is kept
    page.get_by_role("button", name="Make the video").click()
    video = page.locator("avatar-gallery li", has_text=script)
    video.get_by_text("Being made...").wait_for()
    video.get_by_role("button", name="Play").click()
    assert plays(video.locator("video"))
    assert page.input_value("#script") == ""
    with page.expect_download() as got:
        video.get_by_role("link", name="Download").click()
    assert got.value.suggested_filename.endswith(".mp4")
    video.get_by_role("button", name="Delete").click()
    page.locator("avatar-gallery dialog").get_by_role("button", name="Delete").click()
    page.get_by_text("No videos yet.").wait_for()


def test_settings_that_the_stack_carries_out_are_sent_with_the_video(page, slow):
    row = {"stack": "fake", "how": "", "ready": True, "problem": None, "quote": None, "consent": []}
    row["settings"] = [
        {"setting": "aspect", "takes": ["16:9", "1:1"], "minimum": None, "maximum": None},
        {"setting": "voice.speed", "takes": [], "minimum": 0.5, "maximum": 1.5},
    ]
    listed = {"data": [row], "has_more": False, "cursor": None}
    sign_in(page, slow)
    shown(train(page), "✅ Avatar ready!")
    page.route("**/stacks", lambda r: r.fulfill(json=listed))
    page.reload()
    page.get_by_text("More settings").click()
    page.fill("#script", "Good morning.")
    offered = page.locator("#set-aspect option").evaluate_all("all => all.map(o => o.value)")
    assert offered == ["", "16:9", "1:1"]
    page.select_option("#set-aspect", "1:1")
    page.locator("#set-voice-speed").fill("1.2")
    with page.expect_request(lambda r: r.method == "POST" and r.url.endswith("/videos")) as sent:
        page.get_by_role("button", name="Make the video").click()
    assert sent.value.post_data_json["settings"] == {"aspect": "1:1", "voice": {"speed": 1.2}}


def test_an_empty_script_is_not_ordered(page, slow):
    sign_in(page, slow)
    shown(train(page), "✅ Avatar ready!")
    background(page)
    page.get_by_role("button", name="Make the video").click()
    page.get_by_text("Write a text first.").wait_for()
    assert page.locator("#script").get_attribute("aria-invalid") == "true"


def test_the_built_in_example_is_a_talking_avatar_after_one_press(page, local):
    sign_in(page, local, at="avatars")
    if page.locator("avatar-list [part=empty]").is_visible():
        page.get_by_role("button", name="Try it with the built-in example").click()
        shown(page.locator("avatar-training"), "🎉 Your AI Avatar is Ready!")


def test_a_search_and_a_filter_find_avatars(page, slow):
    sign_in(page, slow)
    for name in ("Ada", "Bob"):
        train(page, name)
        background(page)
    go(page, "avatars")
    page.fill("#search", "bo")
    page.locator("avatar-list li", has_text="Ada").wait_for(state="detached")
    page.fill("#search", "")
    for name in ("Ada", "Bob"):
        page.locator("avatar-list li", has_text=name).get_by_text("Ready").wait_for()
    page.select_option("#filter", "failed")
    page.get_by_text("No avatar matches.").wait_for()
    page.select_option("#filter", "completed")
    page.locator("avatar-list li", has_text="Bob").wait_for()


# -- what is stored of a user ---------------------------------------------------------------------


@pytest.fixture
def stored(page, slow):
    """A finished avatar of a person who agreed, and the page of what is stored."""
    sign_in(page, slow)
    upload(page)
    page.fill("#subject", "Ana Lima")
    page.check("#agreed")
    page.fill("#name", "Ana")
    page.click("#train")
    shown(page.locator("#hero:modal avatar-training"), "✅ Avatar ready!")
    background(page)
    go(page, "data")
    page.get_by_role("heading", name="Ana", exact=True).wait_for()
    return page.locator("avatar-data")


def test_recordings_are_played_and_deleted_after_their_avatar_was_made(page, slow, stored):
    stored.get_by_role("button", name="Play voice.wav").click()
    assert plays(stored.locator("audio"))
    stored.get_by_role("button", name="Delete voice.wav").click()
    stored.locator("dialog").get_by_role("button", name="Delete").click()
    stored.locator("li[data-name='voice.wav']").wait_for(state="detached")
    [clone] = slow.get("clones")["data"]
    [left] = slow.get(f"clones/{clone['clone_id']}/samples")["data"]
    assert left["role"] == "footage"


def test_a_consent_is_withdrawn_and_says_what_remains(page, slow, stored):
    stored.get_by_role("button", name="Withdraw: Ana Lima").click()
    page.get_by_role("heading", name="Withdraw the consent of Ana Lima?").wait_for()
    stored.locator("dialog").get_by_role("button", name="Withdraw").click()
    stored.get_by_text("Withdrawn on").wait_for()
    page.locator("#notice").get_by_text("remain until you delete them").wait_for()
    assert slow.get("consents")["data"][0]["revoked_at"]


def test_everything_is_erased_with_a_receipt(page, slow, stored):
    stored.get_by_role("button", name="Erase all my data").click()
    stored.locator("dialog").get_by_role("button", name="Keep it").click()
    assert slow.get("trainings")["data"]
    stored.get_by_role("button", name="Erase all my data").click()
    stored.locator("dialog").get_by_role("button", name="Erase all my data").click()
    stored.locator("[part=receipt] h3").wait_for()
    assert "SHA-256" in stored.locator("[part=receipt]").inner_text()
    with page.expect_download() as got:
        stored.get_by_role("link", name="Download the receipt").click()
    assert got.value.suggested_filename == "erasure.json"
    assert slow.get("trainings")["data"] == slow.get("clones")["data"] == []


# -- weight ---------------------------------------------------------------------------------------


def test_the_first_load_is_small_and_asks_nothing_of_others(page, slow):
    sizes = {}
    page.on("requestfinished", lambda request: sizes.setdefault(request.url, request.sizes()))
    sign_in(page, slow, at="avatars")
    page.wait_for_load_state("load")
    page.locator("avatar-list").wait_for()
    assert all(url.startswith((slow.url, "blob:", "data:")) for url in sizes)
    assert not any("openapi" in url for url in sizes)
    total = sum(s["responseBodySize"] + s["responseHeadersSize"] for s in sizes.values())
    assert total <= 30_000


def test_files_of_this_version_are_kept_and_others_are_asked_for_again(local):
    page = httpx.get(f"{local.url}/").text
    path = re.search(r'src="(static/\w+/studio.js)"', page)[1]
    versioned = httpx.get(f"{local.url}/{path}")
    assert "immutable" in versioned.headers["cache-control"]
    assert versioned.headers["content-encoding"] in {"br", "gzip"}
    stable = httpx.get(f"{local.url}/static/studio.js")
    assert stable.headers["cache-control"] == "no-cache"
    again = {"if-none-match": stable.headers["etag"]}
    assert httpx.get(f"{local.url}/static/studio.js", headers=again).status_code == 304
    assert httpx.get(f"{local.url}/static/none.js").status_code == 404
    assert httpx.get(f"{local.url}/static/%2e%2e/app.py").status_code == 404
