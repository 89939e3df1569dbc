"""How the pages look and read: axe-core finds nothing; screenshots for people to look at.

``AVATARKIT_SCREENSHOTS`` is a folder to keep the screenshots in.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from avatarkit.providers.fake import FakeVendor, Fault

from .conftest import part, shown, sign_in, train, upload

SIZES = {"desktop": (1280, 900), "phone": (390, 844)}


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


def test_the_empty_dashboard(page, local, look):
    sign_in(page, local)
    look("new")


def test_recordings_and_what_was_found_in_them(page, local, look, tmp_path):
    bad = tmp_path / "notes.wav"
    bad.write_text("no sound at all")
    sign_in(page, local)
    upload(page)
    page.set_input_files("#voice", bad)
    page.locator(".findings .error").first.wait_for()
    page.select_option("#stack", "local")
    look("recordings")


def test_a_training_that_runs_and_one_that_failed(page, slow, look):
    vendor = FakeVendor(file=slow.folder / ".avatarkit/fake/vendor.json")
    vendor.fail_next("avatar", Fault.JOB_FAILS)
    vendor.fail_next("avatar", Fault.NEEDS_ACTION)
    sign_in(page, slow)
    shown(train(page, "Broken"), "❌ Training failed")
    shown(train(page, "Asking"), "Action required")
    train(page, "Running")
    look("running")


def test_a_finished_avatar_and_its_test_video(page, local, look):
    sign_in(page, local)
    avatar = train(page, "Ada")
    shown(avatar, "✅ Avatar ready!")
    look("ready")
    part(avatar, "test").click()
    part(avatar, "modal").wait_for()
    look("modal", full=False)


def test_events_received(page, local, look):
    sign_in(page, local)
    page.get_by_role("link", name="Webhook deliveries").click()
    page.get_by_text("No webhook deliveries yet.").wait_for()
    look("events")
