"""How the benchmarks about costs compare: sides in turn, ratios within a round, bars at most.

The machine may be shared and busy: what counts is the CPU of this process, not the wall's time,
and the median of the rounds.
"""

from __future__ import annotations

import argparse
import functools
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from transitions import spread


@dataclass(frozen=True)
class Bar:
    """``ours`` must cost at most so many times, or where ``more`` so much more than, ``theirs``."""

    ours: str
    theirs: str
    at_most: float
    more: bool = False

    def compare(self, ours, theirs):
        return ours - theirs if self.more else ours / theirs


def arguments(description, *, rounds=15):
    """The options that these benchmarks share."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="exit with 1 above a bar")
    parser.add_argument("--rounds", type=int, default=rounds)
    return parser


@functools.cache
def compiled():
    """Environment in which every module is compiled once, as in an installation."""
    caches = tempfile.TemporaryDirectory()
    environ = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return environ | {"PYTHONPYCACHEPREFIX": caches.name}, caches


def alone(code, *given):
    """What a new interpreter prints that runs this code: a list of numbers."""
    return [float(number) for number in _run(code, given).split()]


def process(code):
    """Milliseconds of CPU of a process that runs this code, from its start to its end."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    _run(code)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime) * 1e3


def _run(code, given=()):
    command = [sys.executable, "-c", code, *map(str, given)]
    options = {"cwd": Path(__file__).parent, "env": compiled()[0]}
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout


def report(rounds, bars, unit, *, check):
    """Print figures and comparisons of all rounds (each a dict: side -> number).

    Tells whether that is to be a failure: a bar was missed, which was to be checked.
    """
    for side in rounds[0]:
        print(f"{side:46} {spread([r[side] for r in rounds], '9.3f')} {unit}")
    missed = False
    print(f"\nwithin a round: min / median / max of {len(rounds)}")
    for bar in bars:
        values = [bar.compare(r[bar.ours], r[bar.theirs]) for r in rounds]
        met = statistics.median(values) <= bar.at_most
        missed = missed or not met
        sign = "-" if bar.more else ":"
        print(
            f"{bar.ours} {sign} {bar.theirs}  {spread(values, '.2f')}  "
            f"bar {bar.at_most:g} {'met' if met else 'MISSED'}"
        )
    print()
    return missed and check
