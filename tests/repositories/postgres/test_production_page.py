"""The page "Deploy to production", run as it stands but for addresses."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import subprocess
import time
from importlib.resources import files
from pathlib import Path

import httpx
import pytest

from pages import blocks, fresh_environ, run

DEMO = Path(str(files("avatarkit") / "data/demo"))


def named(language):
    """The page's blocks by the first words of each."""
    return {block.partition("\n")[0]: block for block in blocks("how-to/deploy.md", language)}


@pytest.fixture
def place(tmp_path, cluster, fresh_database):
    """A folder with what the page presumes, and what takes the place of its addresses."""
    for needed in ("starlette", "sse_starlette", "uvicorn", "typer"):
        pytest.importorskip(needed)
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    shutil.copy(DEMO / "voice.wav", tmp_path / "me.wav")
    shutil.copy(DEMO / "portrait.jpg", tmp_path / "me.jpg")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return tmp_path, {
        "postgresql://app:secret@db.example.com/app": cluster.dsn(fresh_database()),
        "/etc/app/avatarkit.env": str(tmp_path / "avatarkit.env"),
        "/srv/app/media": str(tmp_path / "media"),
        "/srv/app/home": str(tmp_path / "home"),
        "api=https://twins.example.org": f"api=http://127.0.0.1:{port}",
        '"twins.example.org"': '"127.0.0.1"',
        "--port 8000": f"--port {port}",
    }


@pytest.fixture
def started():
    """Starts programs, and ends them with the test."""
    running = []

    def start(script, folder, environ):
        made = subprocess.Popen(["sh", "-c", f"exec {script}"], cwd=folder, env=environ)
        running.append(made)
        return made

    yield start
    for process in running:
        process.send_signal(signal.SIGTERM)
    for process in running:
        process.wait(60)


@pytest.mark.once
def test_the_steps_of_the_page_lead_from_an_empty_database_to_a_video(place, started):
    folder, ours = place
    shell, python = named("sh"), named("python")

    def own(block):
        for theirs, mine in ours.items():
            block = block.replace(theirs, mine)
        return block

    environ = fresh_environ()
    settings = shell.pop("# /etc/app/avatarkit.env")
    host = [first for first in shell if first.startswith("sudo useradd")]
    assert len(host) == 1
    del shell[host[0]]  # which changes the machine
    (folder / "avatarkit.env").write_text(own(settings).partition("\n")[2])
    (folder / "app.py").write_text(own(python["# app.py"]))
    given = [line for line in own(settings).splitlines() if not line.startswith("#")]
    environ |= dict(line.split("=", 1) for line in given)

    steps = list(map(own, shell.values()))
    migrate, serve, work, rehearse, look, register = steps
    run(migrate, folder, environ)
    server = started(serve, folder, environ)
    started(work, folder, environ)
    address = re.search(r"api=(\S+)", rehearse)[1]
    signed = {"authorization": f"Bearer {environ['APP_TOKEN']}"}
    patience = time.monotonic() + 120
    while not answers(address):
        assert server.poll() is None
        assert time.monotonic() < patience
        time.sleep(0.05)
    assert "register heygen" in register  # which wants a key
    told = run(f"{rehearse}\n{look}", folder, environ)
    assert '"status":"completed"' in told
    assert (folder / "hello.mp4").read_bytes()[4:8] == b"ftyp"
    assert httpx.get(f"{address}/trainings", headers=signed).json()["data"] == []


def answers(address):
    try:
        return httpx.get(f"{address}/health", timeout=5).is_success
    except httpx.TransportError:
        return False
