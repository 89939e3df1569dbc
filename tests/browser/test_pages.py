"""The pages and scripts that the documentation shows, in Chromium as they stand."""

from __future__ import annotations

from pages import blocks

from .conftest import TOKEN, agree, shown, sign_in, train, until, upload


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


def test_the_whole_flow_on_a_page_of_ones_own_ends_in_a_video(own_page, slow):
    page = own_page
    sign_in(page, slow, at="avatars")
    html = block("how-to/web-component.md", "html", "<avatar-create").replace("/avatars/", "/")
    html = f"<!doctype html><html lang='en'><title>t</title>{html}"
    page.route("**/own.html", lambda route: route.fulfill(body=html, content_type="text/html"))
    page.goto(f"{slow.url}/own.html")
    upload(page)
    agree(page)
    page.click("#train")
    shown(page.locator("avatar-training"), "✅ Avatar ready!")
    page.fill("#script", "Good morning.")
    page.get_by_role("button", name="Make the video").click()
    video = page.locator("avatar-gallery li", has_text="Good morning.")
    video.get_by_role("button", name="Play").wait_for()
