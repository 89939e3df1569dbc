"""The page "The HTTP API", run as it stands but for its port."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs/http.md"
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
    programs = Path(sys.executable).parent
    environ = {k: v for k, v in os.environ.items() if not k.startswith("AVATARKIT")}
    environ |= {"PATH": f"{programs}:{environ['PATH']}", "AVATARKIT_STACK": "fake"}
    command = _shell()[0].replace("--port 8000", "--port 0").replace("avatarkit", "exec avatarkit")
    server = subprocess.Popen(
        ["sh", "-c", command], cwd=tmp_path, env=environ, stdout=subprocess.PIPE, text=True
    )
    try:
        yield server.stdout.readline().strip().rstrip("/"), environ
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)
        server.stdout.close()


def _shell():
    return re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)


def test_the_commands_of_the_page_lead_from_samples_to_a_video_and_delete_it(served, tmp_path):
    address, environ = served
    script = "\n".join(_shell()[1:])
    assert "http://127.0.0.1:8000" in script
    done = subprocess.run(
        ["sh", "-ec", script.replace("http://127.0.0.1:8000", address)],
        cwd=tmp_path,
        env=environ,
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = [line.removeprefix("data: ") for line in done.stdout.splitlines()]
    assert sum('"status":"completed"' in line for line in told) >= 2
    for shown in ('{"offset":40000}', "204", '"type":"IllegalTransition"'):
        assert shown in done.stdout
    assert (tmp_path / "first.part").read_bytes() == (tmp_path / "hello.mp4").read_bytes()[:100]
