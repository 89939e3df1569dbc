"""CPU of ``avatarkit --help`` and of importing AvatarKit, against an empty typer app and the core.

Each runs in a process of its own, from start to end, with modules that are compiled already, as an
installation has them: the first round compiles and is left out. The figure of a side is the least
of all rounds, since other processes only ever add to it. Run it as
``python benchmarks/command_line.py``.
"""

from __future__ import annotations

import sys

from imports import IMPORTS, NAMES
from measures import Bar, arguments, process, report

HELP, EMPTY = "avatarkit --help", "--help of an empty typer app"
KIT, SYNC = "from avatarkit import AvatarKit", "from avatarkit import SyncAvatarKit"
SIDES = {
    EMPTY: "import typer; app = typer.Typer(); app.command()(lambda: None); app(['--help'])",
    HELP: "from avatarkit.cli.app import app; app(['--help'])",
    NAMES: IMPORTS[NAMES],
    KIT: KIT,
    SYNC: SYNC,
}


def main():
    options = arguments(__doc__).parse_args()
    rounds = [
        {side: process(code) for side, code in SIDES.items()} for _ in range(options.rounds + 1)
    ]
    least = {side: min(figures[side] for figures in rounds[1:]) for side in SIDES}
    bars = [Bar(HELP, EMPTY, 1.5), Bar(KIT, NAMES, 0.9), Bar(SYNC, NAMES, 0.9)]
    sys.exit(report([least], bars, "ms of CPU", check=options.check))


if __name__ == "__main__":
    main()
