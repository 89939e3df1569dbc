"""The page "HTTP API", run as it stands but for its port."""

from __future__ import annotations

import shutil
import signal
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest

from pages import blocks, fresh_environ, run

SHELL = blocks("reference/http-api.md", "sh")
DEMO = Path(str(files("avatarkit") / "data/demo"))


@pytest.fixture
def served(tmp_path):
    """The address of the server that the page begins with, in a folder with what it presumes."""
    for needed in ("typer", "uvicorn"):
        pytest.importorskip(needed)
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    for name in ("voice.wav", "portrait.jpg"):
        shutil.copy(DEMO / name, tmp_path)
    (tmp_path / "consent.txt").write_text("I agree.")
    environ = fresh_environ(AVATARKIT_STACK="fake")
    command = SHELL[0].replace("--port 8000", "--port 0").replace("avatarkit", "exec avatarkit")
    server = subprocess.Popen(
        ["sh", "-c", command], cwd=tmp_path, env=environ, stdout=subprocess.PIPE, text=True
    )
    try:
        yield server.stdout.readline().strip().rstrip("/"), environ
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)
        server.stdout.close()


@pytest.mark.slow
def test_the_commands_of_the_page_lead_from_samples_to_a_video_and_delete_it(served, tmp_path):
    address, environ = served
    script = "\n".join(SHELL[1:])
    assert "http://127.0.0.1:8000" in script
    said = run(script.replace("http://127.0.0.1:8000", address), tmp_path, environ)
    told = [line.removeprefix("data: ") for line in said.splitlines()]
    assert sum('"status":"completed"' in line for line in told) >= 2
    for shown in ('"complete":true,"sample":{', "204", '"code":"illegal_transition"'):
        assert shown in said
    assert (tmp_path / "first.part").read_bytes() == (tmp_path / "hello.mp4").read_bytes()[:100]
