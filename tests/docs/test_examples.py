"""Every example runs, on the provider ``fake``."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time

import pytest

from pages import fresh_environ

from . import page_samples

EXAMPLES = page_samples.ROOT / "examples"


@pytest.fixture
def environ():
    return fresh_environ(AVATARKIT_STACK="fake")


@pytest.fixture
def folder(tmp_path, environ):
    """A folder with the demo's samples, as the examples ask for."""
    pytest.importorskip("typer")
    command = [sys.executable, "-m", "avatarkit", "demo", "--save-samples"]
    subprocess.run(command, cwd=tmp_path, env=environ, check=True, stdout=subprocess.DEVNULL)
    return tmp_path


def run(*command, folder, environ):
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=folder,
        env=environ,
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_example_is_run_here():
    assert {p.name for p in EXAMPLES.glob("*.py")} == {
        "django_view.py",
        "fastapi_app.py",
        "sync_script.py",
    }


def test_the_sync_script_makes_a_video(folder, environ):
    script = EXAMPLES / "sync_script.py"
    said = run(script, "me.wav", "me.jpg", "Hello!", "hello.mp4", folder=folder, environ=environ)
    assert said.splitlines()[-2:] == ["completed 100", "hello.mp4"]
    assert (folder / "hello.mp4").read_bytes()[4:8] == b"ftyp"


def test_the_application_of_the_tutorial_is_the_example():
    page = page_samples.read(page_samples.ROOT / "docs/tutorials/your-app.md")
    shown = next(block.text for block in page.samples if block.file == "app.py")
    example = (EXAMPLES / "fastapi_app.py").read_text()
    assert example.partition('"""\n\n')[2].strip() == shown.partition("\n")[2].strip()


def test_the_django_views_train_an_avatar(folder, environ):
    pytest.importorskip("django")
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    site = [sys.executable, str(EXAMPLES / "django_view.py"), "runserver", "--noreload", address]
    worker = [sys.executable, "-m", "avatarkit", "worker"]
    running = [
        subprocess.Popen(command, cwd=folder, env=environ, stderr=subprocess.DEVNULL)
        for command in (site, worker)
    ]
    try:
        form = ["-F", "voice=@me.wav", "-F", "portrait=@me.jpg", "-F", "name=Ana Lima"]
        retry = ["--retry", "30", "--retry-delay", "1", "--retry-connrefused"]
        url = f"http://{address}/avatars"
        made = subprocess.run(
            ["curl", "-fsS", *retry, *form, url], cwd=folder, check=True, capture_output=True
        )
        training_id = made.stdout.decode().split('"')[3]
        end = time.monotonic() + 60
        told = b""
        while b"completed" not in told:
            assert time.monotonic() < end, told
            time.sleep(0.2)
            told = subprocess.run(
                ["curl", "-fsS", f"{url}/{training_id}"], check=True, capture_output=True
            ).stdout
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(60)
