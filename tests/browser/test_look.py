"""How the pages look and read: axe-core finds nothing; screenshots for people to look at.

``AVATARKIT_SCREENSHOTS`` is a folder to keep the screenshots in.
"""

from __future__ import annotations

import os
from pathlib import Path

import httpx
import pytest

from avatarkit.providers.fake import FakeVendor, Fault

from .conftest import DEMO, TOKEN, background, go, part, row, shown, sign_in, train, upload
from .test_studio import recordings

SIZES = {"desktop": (1440, 900), "phone": (390, 844)}


@pytest.fixture
def look(page, axe, tmp_path):
    """Let axe look at the page in both schemes and sizes, and keep what it looks like."""
    folder = Path(os.environ.get("AVATARKIT_SCREENSHOTS") or tmp_path)

    def see(name, *, full=True):
        problems = []
        for size, (wide, high) in SIZES.items():
            for scheme in ("light", "dark"):
                page.set_viewport_size({"width": wide, "height": high})
                page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                page.screenshot(path=folder / f"{name}-{size}-{scheme}.png", full_page=full)
                page.evaluate(axe)
                found = page.evaluate("axe.run()")["violations"]
                problems += [
                    (size, scheme, row["id"], [node["target"] for node in row["nodes"]])
                    for row in found
                ]
        assert problems == []

    return see


def test_the_empty_studio(page, slow, look):
    sign_in(page, slow, at="avatars")
    look("empty")


def test_the_steps_of_a_new_avatar(page, local, look):
    sign_in(page, local)
    look("new")
    page.click("#train")
    page.get_by_text("Add a video or picture and a voice recording first.").wait_for()
    look("missing")


def test_the_studio_from_right_to_left(page, local, look):
    sign_in(page, local)
    page.select_option("#language", "ar")
    page.locator("html[dir=rtl]").wait_for()
    look("arabic")


def test_recordings_and_what_was_found_in_them(page, local, look, tmp_path):
    bad = tmp_path / "notes.wav"
    bad.write_text("no sound at all")
    sign_in(page, local)
    upload(page)
    page.set_input_files("#voice", bad)
    page.locator(".findings .error").first.wait_for()
    other = (DEMO / "portrait.jpg").read_bytes() + b"\0\0"
    page.set_input_files(
        "#footage", {"name": "other.jpg", "mimeType": "image/jpeg", "buffer": other}
    )
    page.get_by_text("Not used: replaced by other.jpg.").wait_for()
    page.select_option("#stack", "local")
    look("recordings")


@pytest.mark.parametrize("tag", ["en", "ar"])
def test_uploads_on_their_way_paused_cancelled_and_failed(page, local, look, tmp_path, tag):
    """``away.wav`` never comes back, ``sent.wav`` is held on its way, the last one has no place."""
    full = {"error": {"code": "allowance_exceeded", "message": "the limit is 200 recordings"}}

    def answer(route):
        url = route.request.url
        if route.request.method != "PATCH":
            route.continue_()
        elif "away.wav" in url:
            route.abort()
        elif "full.wav" in url:
            route.fulfill(status=413, json=full)
        # all others wait

    sign_in(page, local)
    page.select_option("#language", tag)
    page.locator(f"html[lang={tag}]").wait_for()
    page.route("**/uploads/*/*", answer)
    files = recordings(tmp_path, "full.wav", "gone.wav", "away.wav", "sent.wav", "next.wav")
    page.set_input_files("#voice", files[:2])
    row(page, "voice", "full.wav").locator(".error").wait_for()
    row(page, "voice", "gone.wav").locator("button").click()
    page.set_input_files("#voice", files[2:])
    row(page, "voice", "away.wav").locator(".state.warning").wait_for()
    look(f"uploads-{tag}")


@pytest.mark.parametrize("role", ["voice", "footage"])
def test_the_recorder(page, local, look, role):
    sign_in(page, local)
    page.click(f"[data-record={role}]")
    page.get_by_role("button", name="Start recording").wait_for()
    look(f"recorder-{role}", full=False)
    page.get_by_role("button", name="Start recording").click()
    page.get_by_role("button", name="Stop").wait_for()
    look(f"recording-{role}", full=False)
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Use this recording").wait_for()
    look(f"recorded-{role}", full=False)


def test_trainings_that_run_wait_and_failed(page, slow, look):
    vendor = FakeVendor(file=slow.folder / ".avatarkit/fake/vendor.json")
    vendor.fail_next("avatar", Fault.JOB_FAILS)
    vendor.fail_next("avatar", Fault.NEEDS_ACTION)
    sign_in(page, slow)
    shown(train(page, "Broken"), "❌ Training failed")
    background(page)
    look("failed")
    shown(train(page, "Asking"), "Your turn")
    background(page)
    look("asking")
    train(page, "Running")
    look("running", full=False)
    background(page)
    go(page, "avatars")
    look("avatars")


def test_a_finished_avatar_its_test_video_and_its_gallery(page, local, look):
    sign_in(page, local)
    avatar = train(page, "Ada")
    shown(avatar, "✅ Avatar ready!")
    background(page)
    look("ready")
    part(avatar, "test").click()
    part(avatar, "modal").wait_for()
    look("modal", full=False)
    page.keyboard.press("Escape")
    page.locator("avatar-gallery").get_by_role("button", name="Play").wait_for()
    look("gallery")
    page.locator("#delete").click()
    page.get_by_role("heading", name="Delete Ada?").wait_for()
    look("sure", full=False)


def test_what_is_stored_of_a_user(page, slow, look):
    sign_in(page, slow, at="data")
    page.get_by_text("No recordings are stored.").wait_for()
    look("data-empty")
    go(page, "new")
    upload(page)
    page.fill("#subject", "Ana Lima")
    page.check("#agreed")
    page.click("#train")
    page.locator("#hero:modal").wait_for()
    background(page)
    go(page, "data")
    page.locator("avatar-data li.entry").nth(2).wait_for()
    look("data")


def test_webhook_deliveries(page, local, look):
    sign_in(page, local, at="deliveries")
    page.get_by_text("No webhook deliveries yet.").wait_for()
    look("deliveries")


def test_the_page_of_someone_who_is_not_signed_in(page, local, look):
    page.goto(local.url)
    page.get_by_role("alert").filter(has_text="You are not signed in.").wait_for()
    look("not-signed-in")


# -- a phone records ------------------------------------------------------------------------------


@pytest.mark.parametrize("tag", ["en", "ar"])
def test_the_code_for_a_phone(page, local, look, tag):
    sign_in(page, local, url=local.elsewhere)
    page.select_option("#language", tag)
    page.locator(f"html[lang={tag}]").wait_for()
    page.click("[data-record=voice]")
    page.click("[data-act=record_phone]")
    page.locator("dialog.recorder svg[role=img]").wait_for()
    shown_texts = page.locator("dialog.recorder").inner_text()
    assert ("Record here instead" in shown_texts) == (tag == "en")
    assert page.locator("dialog.recorder [data-part=hint]").inner_text() == ""
    look(f"code-{tag}", full=False)


@pytest.mark.parametrize("tag", ["en", "ar"])
def test_the_page_on_the_phone(page, local, look, tag):
    """What was rejected can be recorded again; then the link has ended."""
    asked = {"role": "voice", "media": "audio", "language": tag, "text": "¶"}
    asked["page"] = f"{local.url}/phone"
    url = f"{local.url}/clones/c-{tag}/handovers"
    made = httpx.post(url, json=asked, headers={"authorization": f"Bearer {TOKEN}"}).json()
    page.goto(made["link"])
    page.locator("avatar-phone [part=main]").click()
    page.locator("dialog.recorder [data-act=record_start]").wait_for()
    page.keyboard.press("Escape")
    bad = {"name": "a.wav", "mimeType": "audio/wav", "buffer": b"no sound"}
    page.set_input_files("#file", bad)
    page.locator("[part=problem] .error").first.wait_for()
    look(f"phone-{tag}")
    page.evaluate("sessionStorage.clear()")
    page.reload()
    page.locator("avatar-phone h2").wait_for()
    look(f"phone-ended-{tag}")
