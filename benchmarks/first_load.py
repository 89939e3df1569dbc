"""Seconds until the studio can be used on a slow network, in Chromium, with nothing in its cache.

    python benchmarks/first_load.py [--check] [--rounds N]

400 kbit/s and 400 ms for each request, as Chromium's developer tools emulate them. The studio can
be used when its first heading is there and "New avatar" can be pressed. The baseline is what such
a network needs for the same bytes, if the page names all of its files: two round trips.
Needs playwright and Chromium; without them it says so.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from measures import arguments
from served import asked_to_serve, served

LATENCY, RATE = 0.4, 400_000 / 8  # seconds, bytes a second
BAR = 1.5  # seconds
TOKEN = "a-token-of-the-benchmark-0123456789"

#: When the heading is there and the button can be pressed, in ms since the page was asked for.
USABLE = """
new Promise((done) => {
  const look = () => {
    const root = document.querySelector("avatar-list")?.shadowRoot;
    const buttons = [...(root?.querySelectorAll("[part=new]") ?? [])];
    const can = buttons.some((button) => button.checkVisibility() && !button.disabled);
    if (can && document.querySelector("h1").checkVisibility()) done(performance.now());
    else setTimeout(look, 5);
  };
  look();
})
"""


def app(folder):
    from avatarkit import AvatarKit
    from avatarkit.server import StartupToken, create_app

    own = Path(folder)
    kit = AvatarKit("fake", repository=f"sqlite:///{own / 'a.db'}", media=own, worker=False)
    return create_app(kit, authenticate=StartupToken(TOKEN), uploads=own / "uploads")


def load(browser, url):
    """Return seconds until the studio can be used, and the bytes and requests until then."""
    context = browser.new_context()
    context.request.get(f"{url}/?token={TOKEN}")  # signs in: its cookie is the context's
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("Network.enable")
    slow = {"latency": LATENCY * 1000, "downloadThroughput": RATE, "uploadThroughput": RATE}
    devtools.send("Network.emulateNetworkConditions", {"offline": False, **slow})
    sizes = []
    devtools.on("Network.loadingFinished", lambda told: sizes.append(told["encodedDataLength"]))
    page.goto(f"{url}/", wait_until="commit")
    seconds = page.evaluate(USABLE) / 1000
    found = seconds, sum(sizes), len(sizes)
    context.close()
    return found


def main():
    parser = arguments(__doc__, rounds=7)
    given = parser.parse_args()
    program = shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        program = None
    if program is None:
        print("left out: playwright or Chromium is not installed")
        return
    with (
        tempfile.TemporaryDirectory() as folder,
        served(__file__, folder) as (port, _pid),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        url = f"http://127.0.0.1:{port}"
        load(browser, url)  # the server has read its files
        rounds = [load(browser, url) for _ in range(given.rounds)]
        browser.close()
    seconds = [one for one, _, _ in rounds]
    _, size, requests = rounds[-1]
    least = 2 * LATENCY + size / RATE
    spread = " / ".join(f"{of(seconds):.2f}" for of in (min, statistics.median, max))
    times = statistics.median(seconds) / least
    print(f"{requests} files, {size / 1000:.1f} kB until the studio can be used")
    print(f"usable after {spread} s (min / median / max)")
    print(f"the network alone: {least:.2f} s; the median is {times:.2f} times that")
    if given.check and min(seconds) > BAR:
        sys.exit(f"above {BAR} s")


if __name__ == "__main__" and not asked_to_serve(app):
    main()
