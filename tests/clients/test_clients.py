"""Clients that generators make of the OpenAPI document: regenerated, type-checked, and run."""

from __future__ import annotations

import filecmp
import json
import os
import shutil
import signal
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from pages import blocks, fresh_environ

ROOT = Path(__file__).parents[2]
DEMO = Path(str(files("avatarkit") / "data/demo"))
TOKEN = "a-random-text-of-your-own"
PACKAGES = (
    "@hey-api/openapi-ts@0.95.0",
    "openapi-typescript@7.13.0",
    "openapi-fetch@0.17.0",
    "typescript@5.9.3",
    "@types/node@20.19.0",
    "esbuild@0.27.0",
    "@stoplight/spectral-cli@6.16.3",
    "@redocly/cli@2.77.0",
)
TSC = [
    *("--strict", "--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler"),
    *("--skipLibCheck", "--noEmit", "--lib", "es2023,dom,dom.iterable,dom.asynciterable"),
    *("--types", "node"),
]

pytestmark = [pytest.mark.slow, pytest.mark.once]


@pytest.fixture(scope="module")
def npm():
    """The folder of the packages of npm, installed once."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    cache = os.environ.get("AVATARKIT_TEST_CACHE")
    user = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = (Path(cache) if cache else Path(user) / "avatarkit-tests") / "generators"
    if not (folder / "node_modules/esbuild").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true}')
        command = ["npm", "install", "--silent", "--no-audit", "--no-fund", *PACKAGES]
        if subprocess.run(command, cwd=folder, check=False, timeout=600).returncode:
            pytest.skip("npm could not fetch the generators")
    return folder


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Environment of a program of the pages, beside a server."""
    for needed in ("typer", "uvicorn", "attrs"):
        pytest.importorskip(needed)
    home = tmp_path_factory.mktemp("server")
    environ = fresh_environ(AVATARKIT_STACK="fake", AVATARKIT_TOKEN=TOKEN)
    server = subprocess.Popen(
        ["avatarkit", "serve", "--port", "0"],
        cwd=home,
        env=environ,
        stdout=subprocess.PIPE,
        text=True,
    )
    address = server.stdout.readline().strip().partition("?")[0].rstrip("/")
    try:
        yield environ | {"AVATARKIT_API": address}
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)
        server.stdout.close()


@pytest.fixture
def folder(tmp_path, served):
    """A folder with recordings, and with the document of the running server."""
    for name in ("voice.wav", "portrait.jpg"):
        shutil.copy(DEMO / name, tmp_path)
    curl = ["curl", "-fsS", "-o", "openapi.json", f"{served['AVATARKIT_API']}/openapi.json"]
    subprocess.run(curl, cwd=tmp_path, check=True)
    return tmp_path


def run(command, folder, environ=None):
    """Run a program that must succeed, and return its output."""
    done = subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, timeout=180, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def filmed(folder):
    film = (folder / "hello.mp4").read_bytes()
    return film[4:8] == b"ftyp"


def test_the_python_page_is_typed_and_makes_a_video(folder, served):
    (flow,) = blocks("how-to/api-from-python.md", "python")
    (folder / "flow.py").write_text(flow)
    run([sys.executable, "flow.py"], folder, served)
    assert filmed(folder)
    if shutil.which("mypy", path=served["PATH"]):
        run([sys.executable, "-m", "mypy", "--strict", "flow.py"], folder, served)


def test_the_shell_page_makes_a_video(folder, served):
    (flow,) = blocks("how-to/api-from-curl.md", "sh")
    said = run(["sh", "-c", flow], folder, served)
    assert filmed(folder)
    assert '"status":"completed"' in said or '"code":"not_found"' in said


@pytest.mark.parametrize("which", ["@hey-api/openapi-ts", "openapi-fetch"])
def test_the_typescript_page_is_typed_and_makes_a_video(folder, served, npm, which):
    place = ["@hey-api/openapi-ts", "openapi-fetch"].index(which)
    (folder / "flow.ts").write_text(blocks("how-to/api-from-typescript.md", "ts")[place])
    (folder / "node_modules").symlink_to(npm / "node_modules")
    (folder / "package.json").write_text('{"type": "module"}')
    bins = npm / "node_modules/.bin"
    if place == 0:
        out = ["-i", "openapi.json", "-o", "avatarkit", "-c", "@hey-api/client-fetch"]
        run([bins / "openapi-ts", *out], folder)
    else:
        run([bins / "openapi-typescript", "openapi.json", "-o", "api.d.ts"], folder)
    run([bins / "tsc", *TSC, "flow.ts"], folder)
    bundle = ["--bundle", "--platform=node", "--format=esm", "--outfile=flow.mjs"]
    run([bins / "esbuild", "flow.ts", *bundle], folder)
    said = run(["node", "flow.mjs"], folder, served)
    assert filmed(folder)
    assert said.splitlines()[-1] == "not_found"


def test_the_committed_clients_are_those_of_the_document(tmp_path):
    if shutil.which("openapi-python-client") is None or shutil.which("npx") is None:
        pytest.skip("openapi-python-client or npx is not installed")
    run([sys.executable, ROOT / "docs/make_clients.py", tmp_path], ROOT)
    for made, kept in (
        ("python", ROOT / "src/avatarkit/client"),
        ("typescript", ROOT / "clients/typescript/src"),
    ):
        assert not list(differences(tmp_path / made, kept)), "run docs/make_clients.py"


def differences(made, kept):
    """Names of files that one folder lacks, or has with other contents."""
    found = {p.relative_to(made) for p in made.rglob("*") if p.is_file()}
    held = {p.relative_to(kept) for p in kept.rglob("*") if p.is_file()}
    for name in found | {p for p in held if "__pycache__" not in p.parts}:
        both = (made / name).exists() and (kept / name).exists()
        if not both or not filecmp.cmp(made / name, kept / name, shallow=False):
            yield str(name)


def test_linters_of_openapi_find_nothing(folder, npm):
    (folder / ".spectral.yaml").write_text('extends: ["spectral:oas"]')
    bins = npm / "node_modules/.bin"
    run([bins / "spectral", "lint", "--fail-severity", "warn", "openapi.json"], folder)
    told = run([bins / "redocly", "lint", "--format", "json", "openapi.json"], folder)
    totals = json.loads(told[told.index("{") :])["totals"]
    assert (totals["errors"], totals["warnings"]) == (0, 0)


@pytest.mark.parametrize("name", ["typescript", "supabase"])
def test_npm_packs_the_folder(name, tmp_path, npm):
    del npm
    done = run(["npm", "pack", "--json", "--pack-destination", tmp_path], ROOT / "clients" / name)
    assert json.loads(done)[0]["files"]
