"""CPU of ``avatarkit --help`` and of importing AvatarKit, against an empty typer app and the core.

Each runs in a process of its own, from start to end; the first round compiles and is left out. Run
it as ``python benchmarks/command_line.py``.
"""

from __future__ import annotations

import os
import subprocess
import sys

from imports import IMPORTS
from measures import Bar, arguments, report

HELP, EMPTY = "avatarkit --help", "--help of an empty typer app"
KIT, CORE = "from avatarkit import AvatarKit", "the five packages of the core"
SIDES = {
    EMPTY: "import typer; app = typer.Typer(); app.command()(lambda: None); app(['--help'])",
    HELP: "from avatarkit.cli.app import app; app(['--help'])",
    CORE: IMPORTS["the five packages, in use"],
    KIT: "from avatarkit import AvatarKit",
}


def milliseconds(code):
    """CPU of a process that runs this."""
    before = os.times()
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    spent = after.children_user - before.children_user
    return (spent + after.children_system - before.children_system) * 1e3


def main():
    options = arguments(__doc__).parse_args()
    rounds = [
        {side: milliseconds(code) for side, code in SIDES.items()}
        for _ in range(options.rounds + 1)
    ]
    bars = [Bar(HELP, EMPTY, 1.5), Bar(KIT, CORE, 0.9)]
    sys.exit(report(rounds[1:], bars, "ms of CPU", check=options.check))


if __name__ == "__main__":
    main()
