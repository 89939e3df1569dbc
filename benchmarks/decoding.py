"""Time of a probe in the sandbox, against the same probe in this process.

The children are warm; their start, which the first file of a process pays, is shown as well. Run
it as ``python benchmarks/decoding.py``.
"""

from __future__ import annotations

import sys
import time
from importlib.resources import files
from pathlib import Path

from measures import Bar, arguments, report

from avatarkit.content import sandbox
from avatarkit.intake import probing
from avatarkit.intake.probe_apart import probe

DEMO = Path(str(files("avatarkit") / "data/demo"))
CALLS = 10
#: Side -> the function, and what it looks into.
SIDES = {
    f"a {name}, {place}": (function, DEMO / file)
    for name, file in (("recording", "voice.wav"), ("portrait", "portrait.jpg"))
    for place, function in (("in this process", probing.probe), ("in the sandbox", probe))
}
BARS = tuple(
    Bar(f"a {name}, in the sandbox", f"a {name}, in this process", 1.5)
    for name in ("recording", "portrait")
)


def milliseconds(function, path, calls=CALLS):
    began = time.perf_counter()
    for _ in range(calls):
        function(path)
    return (time.perf_counter() - began) / calls * 1e3


def main():
    options = arguments(__doc__).parse_args()
    milliseconds(probing.probe, DEMO / "voice.wav", 1)  # imports the decoder
    start = milliseconds(probe, DEMO / "voice.wav", 1)
    rounds = [
        {side: milliseconds(*what) for side, what in SIDES.items()} for _ in range(options.rounds)
    ]
    print(f"the first probe, which starts a child: {start:.0f} ms\n")
    missed = report(rounds, BARS, "ms", check=options.check)
    sandbox.MEDIA.close()
    sys.exit(missed)


if __name__ == "__main__":
    main()
