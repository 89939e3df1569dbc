"""The pages of React, Next, Vue and Svelte that the documentation shows, in Chromium."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from pages import blocks, fresh_environ, run

from .conftest import TOKEN, Server, agree, shown, upload

PAGE = "how-to/react-vue-svelte.md"
#: Build tools and frameworks (all MIT); the latest of these lines, as readers get them.
PACKAGES = (
    *("vite@8", "react@19", "react-dom@19", "vue@3", "svelte@5", "@vitejs/plugin-react@6"),
    *("@vitejs/plugin-vue@6", "@sveltejs/vite-plugin-svelte@7", "next@16"),
)
CONFIG = "import {0} from '{1}'; export default {{ plugins: [{2}] }};"
REACT = """
import { createElement } from "react";
import { createRoot } from "react-dom/client";
import App from "./App.jsx";
createRoot(document.getElementById("app")).render(createElement(App));
"""
VUE = 'import { createApp } from "vue"; import App from "./App.vue"; createApp(App).mount("#app");'
SVELTE = """
import { mount } from "svelte";
import App from "./App.svelte";
mount(App, { target: document.getElementById("app") });
"""
#: What ``npm create vite`` makes: language of the page's component, its entry, its settings.
FRAMEWORKS = {
    "react": ("jsx", REACT, CONFIG.format("react", "@vitejs/plugin-react", "react()")),
    "vue": ("vue", VUE, next(one for one in blocks(PAGE, "js") if "plugin-vue" in one)),
    "svelte": (
        "svelte",
        SVELTE,
        CONFIG.format("{ svelte }", "@sveltejs/vite-plugin-svelte", "svelte()"),
    ),
}


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """The folder of the packages of npm, installed once, with the elements as they are packed."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    user = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    kept = Path(os.environ.get("AVATARKIT_TEST_CACHE") or Path(user) / "avatarkit-tests")
    folder = kept / "frameworks"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "node_modules/next").exists():
        (folder / "package.json").write_text('{"private": true}')
        asked = ["npm", "install", "--silent", "--no-audit", "--no-fund", *PACKAGES]
        if subprocess.run(asked, cwd=folder, check=False, timeout=600).returncode:
            pytest.skip("npm could not fetch the frameworks")
    own = tmp_path_factory.mktemp("frameworks")
    run(blocks(PAGE, "sh")[0].splitlines()[0], own, fresh_environ())
    shutil.unpack_archive(next(own.glob("*.tgz")), own, "gztar", filter="data")
    modules = own / "node_modules"
    modules.mkdir()
    for package in (folder / "node_modules").iterdir():
        (modules / package.name).symlink_to(package)
    shutil.move(own / "package", modules / "avatarkit-elements")
    return own


@pytest.fixture(scope="module")
def quick(chromium, tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("quick"), seconds=1)
    yield server
    server.kill()


def built_by_vite(packages, framework):
    """The folder of a framework's page, as Vite builds it."""
    language, entry, config = FRAMEWORKS[framework]
    folder = packages / framework
    (folder / "src").mkdir(parents=True)
    component = next(one for one in blocks(PAGE, language) if "avatar-create" in one)
    (folder / f"src/App.{language}").write_text(component.replace('"/avatars/"', '"/"'))
    (folder / "src/main.js").write_text(entry)
    (folder / "vite.config.js").write_text(config)
    (folder / "package.json").write_text('{"type": "module", "private": true}')
    (folder / "index.html").write_text(
        "<!doctype html><html lang='en'><title>t</title><div id='app'></div>"
        "<script type='module' src='/src/main.js'></script>"
    )
    vite = packages / "node_modules/vite/bin/vite.js"
    built = ["node", str(vite), "build", "--base=/built/", "--logLevel=warn"]
    subprocess.run(built, cwd=folder, check=True, timeout=120)
    return folder / "dist"


#: What ``create-next-app`` makes beside the page.
LAYOUT = """
export default function Layout({ children }) {
  return <html lang="en"><body>{children}</body></html>;
}
"""


def built_by_next(packages):
    """The folder of the page, as Next builds and renders it."""
    folder = packages / "next"
    (folder / "app").mkdir(parents=True)
    [page, component] = sorted(blocks(PAGE, "jsx"), key=len)
    (folder / "app/layout.jsx").write_text(LAYOUT)
    (folder / "app/page.jsx").write_text(page)
    (folder / "app/studio.jsx").write_text(component.replace('"/avatars/"', '"/"'))
    (folder / "package.json").write_text('{"type": "module", "private": true}')
    config = "export default { output: 'export', basePath: '/built' };"
    (folder / "next.config.mjs").write_text(config)
    # Its other bundler, Turbopack, follows no links out of the project, such as those to packages.
    built = ["node", str(packages / "node_modules/next/dist/bin/next"), "build", "--webpack"]
    environ = {**os.environ, "NEXT_TELEMETRY_DISABLED": "1"}
    subprocess.run(built, cwd=folder, check=True, timeout=300, env=environ)
    return folder / "out"


@pytest.mark.parametrize("framework", [*FRAMEWORKS, "next"])
def test_a_page_of_a_framework_leads_from_recordings_to_a_video(page, quick, packages, framework):
    made = built_by_next(packages) if framework == "next" else built_by_vite(packages, framework)

    def built_file(route):
        name = urlsplit(route.request.url).path.partition("/built")[2].strip("/") or "index.html"
        route.fulfill(path=made / name)

    page.route(re.compile(r"/built(/|\?|$)"), built_file)
    page.route("**/token", lambda route: route.fulfill(body=TOKEN))
    page.goto(f"{quick.url}/built/")
    upload(page)
    agree(page)
    page.get_by_role("button", name="Make my avatar").click()
    shown(page.locator("avatar-training"), "✅ Avatar ready!")
    page.fill("#script", "Good morning.")
    page.get_by_role("button", name="Make the video").click()
    video = page.locator("avatar-gallery li", has_text="Good morning.")
    video.get_by_role("button", name="Play").wait_for()
    assert video.count() == 1
