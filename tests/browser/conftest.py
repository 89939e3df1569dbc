"""A real ``avatarkit serve``, and Chromium in front of it; what is missing skips by name."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from warm import Program

DEMO = Path(str(files("avatarkit") / "data" / "demo"))
TOKEN = "a-token-for-the-tests-of-pages"
#: Name of this machine that stands for the address by which phones reach it.
ELSEWHERE = "studio.phones.test"
LONG = 120.0  # seconds; that something takes long is a failure, never how long it takes


def until(look, seconds=LONG):
    """Wait until ``look`` finds something, and return it."""
    end = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.05)
    return found


class Server:
    """``avatarkit serve`` in a folder; with ``seconds``, a fake vendor whose jobs take so long."""

    def __init__(self, folder, seconds=None):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.folder, self.seconds = folder, seconds
        self.url = f"http://127.0.0.1:{self.port}"
        self.elsewhere = f"http://{ELSEWHERE}:{self.port}"
        self.process = None
        self.start()

    def start(self):
        served, code = ["serve", f"--port={self.port}", f"--allowed-host={ELSEWHERE}"], ""
        if self.seconds is not None:
            served.insert(0, self.seconds)
            code = Path(__file__).with_name("slow_vendor.py").read_text()
        environ = {**os.environ, "AVATARKIT_TOKEN": TOKEN}
        environ |= {"AVATARKIT_WEBHOOK_SECRET": "a-secret-of-the-inbox"}
        self.process = Program(
            *served, code=code, cwd=self.folder, env=environ, stdout=subprocess.DEVNULL
        )
        until(self._answers)
        return self

    def _answers(self):
        assert self.process.poll() is None, "the server has ended"
        try:
            return httpx.get(f"{self.url}/health", timeout=5).is_success
        except httpx.TransportError:
            return False

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def get(self, path):
        headers = {"authorization": f"Bearer {TOKEN}"}
        return httpx.get(f"{self.url}/{path}", headers=headers, timeout=30).json()


@pytest.fixture(scope="package")
def local(chromium, tmp_path_factory):  # after chromium: without it none is started
    server = Server(tmp_path_factory.mktemp("local"))
    yield server
    server.kill()


@pytest.fixture
def slow(chromium, tmp_path):
    server = Server(tmp_path, seconds=5)
    yield server
    server.kill()


# For the package: a program in front of which an event loop runs keeps others from running theirs.
@pytest.fixture(scope="package")
def chromium():
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with api.sync_playwright() as playwright:
        args = ["--no-sandbox", *FAKE, *REACHED]
        browser = playwright.chromium.launch(executable_path=program, args=args)
        yield browser
        browser.close()


#: A camera and a microphone that show and play a pattern; they need no permission of a person.
FAKE = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
#: The server at that name, as if it were behind TLS: pages elsewhere get no camera.
REACHED = (
    f"--host-resolver-rules=MAP {ELSEWHERE} 127.0.0.1",
    f"--unsafely-treat-insecure-origin-as-secure=*.{ELSEWHERE.partition('.')[2]}",
)
SIZE = {"width": 1280, "height": 900}


class Tab:
    """A page of Chromium, and what went wrong in it."""

    def __init__(self, chromium, **more):
        self.wrong = []
        self.context = chromium.new_context(**{"viewport": SIZE, **more})
        self.context.set_default_timeout(LONG * 1000)
        self.page = self.context.new_page()
        self.devtools = self.context.new_cdp_session(self.page)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", self._heard)

    def _heard(self, message):
        if "Content Security" in message.text:
            self.wrong.append(message.text)

    def renew(self):
        """Make it as it was at first; a new one takes Chromium four times as long."""
        self.page.unroute_all(behavior="ignoreErrors")
        left = urlsplit(self.page.url)
        if left.scheme == "http":
            self.page.evaluate("sessionStorage.clear()")
        self.page.goto("about:blank")
        # After it is left: what is under way there, such as an upload, writes its draft until then.
        if left.scheme == "http":
            asked = {"origin": f"http://{left.netloc}", "storageTypes": "local_storage"}
            self.devtools.send("Storage.clearDataForOrigin", asked)
        self.context.clear_cookies()
        self.wrong.clear()
        self.page.set_viewport_size(SIZE)
        # What moves is drawn sixty times a second; tests about motion say so.
        self.page.emulate_media(color_scheme="light", reduced_motion="reduce")


@pytest.fixture(scope="package")
def tab(chromium):
    tab = Tab(chromium)
    yield tab
    tab.context.close()


@pytest.fixture
def page(tab):
    """A page as new; what breaks the content security policy, or throws, fails the test."""
    tab.renew()
    yield tab.page
    assert tab.wrong == []


@pytest.fixture
def own_page(chromium):
    """A page that no other test gets, for scripts that it shall always begin with."""
    tab = Tab(chromium)
    yield tab.page
    tab.context.close()
    assert tab.wrong == []


@pytest.fixture(scope="session")
def axe(tmp_path_factory):
    """The source of axe-core."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed: it fetches axe-core")
    folder = tmp_path_factory.mktemp("axe")
    asked = [npm, "pack", "--silent", "axe-core@4"]
    if subprocess.run(asked, cwd=folder, check=False, timeout=120).returncode:
        pytest.skip("axe-core could not be fetched by npm")
    shutil.unpack_archive(next(folder.glob("*.tgz")), folder, "gztar", filter="data")
    return (folder / "package" / "axe.min.js").read_text(encoding="utf-8")


def sign_in(page, server, at="new", url=None):
    """Sign in, and go to one of the studio's pages."""
    page.goto(f"{url or server.url}/?token={TOKEN}")
    page.locator("avatar-list").locator("[part=empty], #search").locator("visible=true").wait_for()
    go(page, at)


def go(page, at):
    """Go to one of the studio's pages by its address."""
    page.evaluate("at => { location.hash = at; }", at)
    page.locator(f"#{at.partition('/')[0]}.page").wait_for()
    if at == "new":
        page.locator("#stack option").nth(1).wait_for(state="attached")


def load(page, element):
    """Load an element that the studio loads with one of its pages."""
    page.evaluate(
        """element => import(
            new URL(`${element}.js`, document.querySelector("script[type=module]").src).href
        ).then(() => null)""",
        element,
    )


def rows(page, role):
    """Rows of the files that were chosen for a role."""
    return page.locator(f".files[data-role={role}] > li")


def row(page, role, name):
    """The row of one file."""
    return page.locator(f".files[data-role={role}] > li[data-name='{name}']")


def draft(page):
    """Return the draft of a new avatar that the page keeps."""
    return page.evaluate("JSON.parse(localStorage.getItem('avatarkit-draft'))")


def upload(page):
    """The portrait and voice that come with avatarkit."""
    for role, name in (("voice", "voice.wav"), ("footage", "portrait.jpg")):
        page.set_input_files(f"#{role}", DEMO / name)
        page.locator(f".files[data-role={role}] .good").wait_for()


def agree(page):
    page.check("input[value=unreal]")
    page.fill("#reason", "a drawing and a synthetic voice")


def train(page, name="Ada"):
    """Order an avatar; its element, above the page."""
    if not page.url.endswith("#new"):
        go(page, "new")
    upload(page)
    agree(page)
    page.fill("#name", name)
    page.click("#train")
    avatar = page.locator("#hero:modal avatar-training[training-id]")
    avatar.wait_for()
    return page.locator("avatar-training")


def background(page):
    """Close what is above the page; its button moves while pictures arrive."""
    page.locator("#background").dispatch_event("click")
    page.locator("#hero:modal").wait_for(state="detached")


def part(avatar, name):
    return avatar.locator(f'[part~="{name}"]')


def plays(video):
    """Wait until a video moves on by itself."""
    return until(lambda: video.evaluate("v => v.currentTime") > 0.3)


def shown(avatar, text):
    """Wait until an avatar's element shows ``text``."""
    avatar.get_by_text(text, exact=True).first.wait_for()


def answer(record, version=1):
    """A server-sent event that tells of ``record``."""
    return f"id: {version}\nevent: change\ndata: {json.dumps(record)}\n\n"
