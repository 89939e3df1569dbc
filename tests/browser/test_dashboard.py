"""A person in front of the dashboard: from recordings to a video, on this machine."""

from __future__ import annotations

import httpx
import pytest

from avatarkit.models import WORDING
from avatarkit.providers.fake import FakeVendor

from .conftest import DEMO, TOKEN, agree, part, plays, shown, sign_in, train, until, upload


def test_the_token_in_the_address_becomes_a_cookie_and_leaves_the_address(page, local):
    sign_in(page, local)
    assert page.url == f"{local.url}/"
    [cookie] = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert TOKEN not in cookie["value"]


def test_who_is_not_signed_in_is_told_how_to_sign_in(page, local):
    page.goto(local.url)
    page.get_by_role("alert").filter(has_text="Open the address that").wait_for()


def test_a_good_recording_is_taken_and_a_reload_still_shows_it(page, local):
    sign_in(page, local)
    upload(page)
    page.reload()
    page.locator(".files[data-role=voice]", has_text="voice.wav").wait_for()


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
    page.wait_for_function("!JSON.parse(localStorage.getItem('avatarkit-draft')).evidence")
    assert page.locator(".files[data-role=evidence] li").count() == 0


def test_a_recording_is_deleted_here_and_there(page, local):
    sign_in(page, local)
    upload(page)
    clone = page.evaluate("JSON.parse(localStorage.getItem('avatarkit-draft')).clone")
    page.get_by_role("button", name="Delete voice.wav").click()
    page.locator(".files[data-role=voice] li").wait_for(state="detached")
    stored = local.get(f"clones/{clone}/samples")["samples"]
    assert [sample["role"] for sample in stored] == ["footage"]


def test_a_recording_is_checked_for_the_chosen_provider(page, local):
    sign_in(page, local)
    page.select_option("#stack", "local")
    with page.expect_request(lambda r: r.method == "PUT") as sent:
        page.set_input_files("#voice", DEMO / "voice.wav")
    assert sent.value.url.endswith("/voice/voice.wav?stack=local")
    page.locator(".files[data-role=voice] .good").wait_for()
    page.select_option("#stack", "")
    page.get_by_text("were checked for another provider").wait_for()


def test_a_file_that_is_no_recording_is_refused_beside_its_name(page, local, tmp_path):
    bad = tmp_path / "notes.wav"
    bad.write_text("no sound at all")
    sign_in(page, local)
    page.set_input_files("#voice", bad)
    row = page.locator(".files[data-role=voice] li[data-name='notes.wav']")
    row.locator(".findings .error").first.wait_for()
    assert "This file cannot be used" in row.inner_text()


def test_an_empty_file_is_said_to_be_empty_and_not_sent(page, local):
    sign_in(page, local)
    puts = []
    page.on("request", lambda r: puts.append(r.url) if r.method == "PUT" else None)
    empty = {"name": "void.wav", "mimeType": "audio/wav", "buffer": b""}
    page.set_input_files("#voice", empty)
    row = page.locator(".files[data-role=voice] li[data-name='void.wav']")
    row.get_by_text("This file is empty. Choose another one.").wait_for()
    assert puts == []


def test_the_wording_that_a_person_agrees_to_is_shown(page, local):
    sign_in(page, local)
    page.get_by_text(WORDING[1]).wait_for()


def test_without_a_name_nothing_is_trained_and_the_field_is_focused(page, local):
    sign_in(page, local)
    page.click("#train")
    page.get_by_text("Give the name of the person who agrees.").wait_for()
    assert page.evaluate("document.activeElement.id") == "subject"


def test_a_person_who_agrees_is_sent_with_wording_and_evidence(page, local, tmp_path):
    form = tmp_path / "form.pdf"
    form.write_bytes(b"%PDF-1.4 signed")
    sign_in(page, local)
    upload(page)
    page.fill("#subject", "Ana")
    page.set_input_files("#evidence", form)
    page.locator(".files[data-role=evidence] .good").wait_for()
    with page.expect_request(lambda r: r.method == "POST") as sent:
        page.click("#train")
    given = sent.value.post_data_json["consent"]
    assert given == {
        "subject": "Ana",
        "wording": WORDING[1],
        "wording_version": WORDING[0],
        "evidence": "form.pdf",
    }
    assert sent.value.response().status == 201


def test_only_stacks_that_are_set_up_can_be_chosen(page, local):
    sign_in(page, local)
    told = {row["stack"]: row["ready"] for row in local.get("stacks")["stacks"]}
    for stack, ready in told.items():
        option = page.locator(f"#stack option[value='{stack}']")
        assert option.is_enabled() is ready


def test_each_stack_shows_what_it_costs(page, local):
    sign_in(page, local)
    rows = {row["stack"]: row["quote"]["expected"] for row in local.get("stacks")["stacks"]}
    assert (rows["local"]["total"], rows["elevenlabs+d-id"]["total"]) == ("0", None)
    option = "#stack option[value='{}']"
    assert page.locator(option.format("local")).inner_text() == "local · $0.00"
    known = f"at least ${float(rows['elevenlabs+d-id']['known']):.2f}"
    assert known in page.locator(option.format("elevenlabs+d-id")).inner_text()


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
    shown(avatar, "Generating test video...")
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
    assert local.get(f"trainings/{avatar.get_attribute('training-id')}/videos")["videos"] == []


def test_a_vendor_without_previews_shows_the_test_video_there_also_after_a_reload(page, slow):
    sign_in(page, slow)
    avatar = train(page, "Later")
    shown(avatar, "✅ Avatar ready!")
    part(avatar, "test").click()
    part(avatar, "modal").locator("video").wait_for()
    page.keyboard.press("Escape")
    page.reload()
    part(page.locator("#list > li", has_text="Later"), "figure").locator("video").wait_for()


def test_two_trainings_are_watched_at_once(page, slow):
    sign_in(page, slow)
    first, second = train(page, "First"), train(page, "Second")
    for avatar in (first, second):
        shown(avatar, "✅ Avatar ready!")


def test_a_deleted_avatar_is_gone_here_and_there_and_only_after_a_question(page, slow):
    sign_in(page, slow)
    avatar = train(page, "Going")
    shown(avatar, "✅ Avatar ready!")
    page.get_by_role("button", name="Delete Going").click()
    page.get_by_role("button", name="Keep it").click()
    assert slow.get("trainings")["trainings"]
    page.get_by_role("button", name="Delete Going").click()
    page.get_by_role("button", name="Delete it").click()
    avatar.wait_for(state="detached")
    assert slow.get("trainings")["trainings"] == []


def test_a_cancelled_training_says_so(page, slow):
    sign_in(page, slow)
    avatar = train(page, "Stopped")
    page.get_by_role("button", name="Cancel Stopped").click()
    shown(avatar, "Cancelled")


def test_events_that_were_received_are_listed(page, slow):
    sign_in(page, slow)
    shown(train(page, "Told"), "✅ Avatar ready!")
    vendor = FakeVendor(file=slow.folder / ".avatarkit/fake/vendor.json")
    told = until(vendor.deliveries)
    for delivery in told:
        httpx.post(
            f"{slow.url}/webhooks/fake/a-secret-of-the-inbox",
            content=delivery.body,
            headers={**delivery.headers, "content-type": "application/json"},
        ).raise_for_status()
    page.get_by_role("link", name="Webhook deliveries").click()
    page.get_by_role("cell", name="avatar.training_completed").wait_for()


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_is_wider_than_the_screen(page, local, width):
    page.set_viewport_size({"width": width, "height": 800})
    sign_in(page, local)
    agree(page)
    for address in ("#avatars", "#events"):
        page.goto(f"{local.url}/{address}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
