"""Ctrl-C: the first says what is waited for, the second ends at once."""

import os
import re
import signal
import subprocess
import sys
from importlib.resources import files

import pytest

from commands import commands

pytestmark = pytest.mark.slow

#: A provider whose calls outlast the test, in a plug-in of this test only.
SLOW = """
import asyncio, sys
from avatarkit.providers.fake import Fake

async def clone_voice(self, request):
    await asyncio.Event().wait()

Fake.clone_voice = clone_voice
from avatarkit.engines.in_process import InProcessEngine

made = InProcessEngine.__init__
def patient(self, **more):
    made(self, **more, grace=300.0)
InProcessEngine.__init__ = patient
from avatarkit.cli import main
sys.exit(main())
"""


@pytest.fixture
def started(tmp_path):
    """Start a command, and wait until it says ``text``."""
    with commands() as running:

        def start(*arguments, until):
            environ = {**os.environ, "AVATARKIT_STACK": "fake"}
            process = subprocess.Popen(
                [sys.executable, "-c", SLOW, *arguments],
                cwd=tmp_path,
                env=environ,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            running.append(process)
            said(process, until)
            return process

        yield start


def said(process, text):
    while not re.search(text, line := process.stderr.readline()):
        assert line, f"it ended before it said {text!r}"


DEMO = "--voice={0}/voice.wav", "--footage={0}/portrait.jpg", "--not-a-real-person=a drawing"


@pytest.mark.parametrize("command", ["train", "worker"])
def test_a_second_ctrl_c_ends_the_command_at_once(started, command):
    demo = [word.format(files("avatarkit") / "data/demo") for word in DEMO]
    if command == "worker":
        ordering = started("train", *demo, "--no-wait", until="continue with")
        ordering.wait(60)
        process = started("worker", until="working; stop with Ctrl-C")
        process.send_signal(signal.SIGINT)
        said(process, "Ctrl-C again stops at once")
    else:
        process = started("train", *demo, until="processing")
        process.send_signal(signal.SIGINT)
        said(process, "stopping after the running calls; press Ctrl-C again")
    process.send_signal(signal.SIGINT)

    assert process.wait(20) in {130, -signal.SIGINT}
