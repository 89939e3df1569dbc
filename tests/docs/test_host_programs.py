"""The set-ups for gunicorn and Celery of the page on web frameworks, in the real programs."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress

import pytest

from commands import commands
from pages import fresh_environ

from . import page_samples

pytestmark = pytest.mark.slow
PAGE = page_samples.read(page_samples.ROOT / "docs/how-to/web-frameworks.md")


@pytest.fixture
def start(tmp_path):
    """Start a module as a program beside the files of the page; end it afterwards."""
    for block in PAGE.samples:
        if block.file:
            (tmp_path / block.file).write_text(f"{block.text}\n")
    environ = fresh_environ(
        PYTHONPATH=os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(tmp_path)])),
        HOME=str(tmp_path),
        C_FORCE_ROOT="1",  # Celery's worker in a container
    )
    with commands() as running:

        def start(*arguments):
            process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                cwd=tmp_path,
                env=environ,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            running.append(process)
            return process

        yield start


def test_gunicorn_serves_an_app_that_was_loaded_before_the_fork(start):
    pytest.importorskip("gunicorn")
    pytest.importorskip("flask")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = start("gunicorn", "--preload", "-w", "2", "-b", f"127.0.0.1:{port}", "wsgi:app")

    for _ in range(4):
        assert answer(f"http://127.0.0.1:{port}/trainings/ana") == b"[]\n"
    server.send_signal(signal.SIGTERM)
    assert server.wait(30) == 0


def answer(url):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with suppress(ConnectionError, OSError), urllib.request.urlopen(url, timeout=20) as told:
            return told.read()
    raise AssertionError("it does not answer")


CELERY = """
import sys, tasks
from pathlib import Path
for folder in ("messages", "control"):
    Path(folder).mkdir(exist_ok=True)
tasks.app.conf.update(
    broker_url="filesystem://",
    broker_transport_options={
        "data_folder_in": "messages", "data_folder_out": "messages", "control_folder": "control",
    },
    result_backend="file://" + str(Path("results").absolute()),
)
Path("results").mkdir(exist_ok=True)
if sys.argv[1] == "work":
    tasks.app.worker_main(["worker", "--pool=prefork", "--concurrency=2", "--loglevel=WARNING"])
else:
    print(tasks.count_trainings.delay("ana").get(timeout=60))
"""


@pytest.mark.filterwarnings("ignore")
def test_celery_runs_a_task_in_a_forked_process(start, tmp_path):
    pytest.importorskip("celery")
    (tmp_path / "program.py").write_text(CELERY)
    worker = start("program", "work")
    asked = start("program", "ask")

    told, _ = asked.communicate(timeout=90)
    assert told.strip().endswith("0"), told
    worker.send_signal(signal.SIGTERM)
    worker.wait(30)
