"""Pages of the documentation, as a reader runs what stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def blocks(page, language):
    """The page's blocks in a language, from top to bottom."""
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)


def fresh_environ(**more):
    """An environment without settings of avatarkit, in which its programs are found."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("AVATARKIT")}
    return environ | {"PATH": f"{Path(sys.executable).parent}:{environ['PATH']}"} | more


def run(script, folder, environ):
    """What a shell says to a script, which must succeed."""
    done = subprocess.run(
        ["sh", "-ec", script],
        cwd=folder,
        env=environ,
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
