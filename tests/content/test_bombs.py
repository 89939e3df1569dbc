"""Bombs: small files that ask for much memory or time, made by ``benchmarks/bombs.py``."""

from __future__ import annotations

import io
import itertools
import subprocess
import sys
import time
import zlib
from contextlib import suppress
from pathlib import Path

import pytest

import sandbox_jobs as jobs
from avatarkit.content import claims, containers, sandbox
from avatarkit.intake import probe_apart, probing
from avatarkit.intake.probe_apart import probe

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))
import bombs  # noqa: E402 - where it stands

#: Answers of those that are known before they are decoded; others may be accepted.
REFUSED = {
    "index.mp4": "memory",
    "index4.mp4": "memory",
    "tracks.mp4": "memory",
    "fragments.mp4": "memory",
    "text.png": "memory",
    "texts.png": "memory",
    "profile.png": "memory",
    "scans.jpg": "time",
    "chunks.png": "time",
    "segments.jpg": "time",
}
#: They end at the limit of CPU time, whatever it is: here a shorter one than in ``bombs.py``.
ENDLESS = {"hertz.wav", "comments.flac"}
NAMED = {bomb.name: bomb for bomb in bombs.BOMBS}

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.mark.parametrize("name", REFUSED)
def test_a_claim_that_cannot_be_true_is_refused_before_decoding(name):
    with pytest.raises(sandbox.LimitExceeded) as caught:
        claims.check(io.BytesIO(NAMED[name].make()))
    assert caught.value.what == REFUSED[name]


@pytest.mark.parametrize(
    "make",
    [
        lambda: bombs.mp4(bombs.track(4000)),
        lambda: bombs.mp4(*[bombs.track()] * 60),
        lambda: bombs.png(bombs.chunk(b"zTXt", b"title\0\0" + zlib.compress(bytes(1000)))),
        lambda: bombs.png(bombs.chunk(b"iTXt", b"title\0\0\0en\0titel\0plain")),
        lambda: bombs.png(bombs.chunk(b"iTXt", b"title")),
        lambda: bombs.png(bombs.chunk(b"iCCP", b"a\0\0damaged")),
        lambda: bombs.scans(64, 100),
        lambda: bombs.saved("JPEG", (64, 64)) + b"\xff\xda" * 1000,  # a film behind a picture
        lambda: b"\xff\xd8\xff",
        lambda: b"\0\0\0\x08ftyp\0\0\0\4moov",
        lambda: b"\0\0\0\x08ftyp\0\0\0\0moov\0\0\0\x01trak" + b"\xff" * 8,
        lambda: b"",
    ],
    ids=itertools.count(1),
)
def test_honest_and_broken_files_pass(make):
    file = io.BytesIO(make())
    claims.check(file)
    assert file.tell() == 0


@on_linux
@pytest.mark.slow
@pytest.mark.once
@pytest.mark.parametrize("name", NAMED)
def test_a_bomb_stays_within_the_memory_and_raises_nothing(tmp_path, monkeypatch, name):
    if name in ENDLESS:
        monkeypatch.setattr(probe_apart, "probe_here", jobs.probe_hurried)
    _, peak, _, said = bombs.explode(NAMED[name], tmp_path)
    assert peak <= bombs.MEMORY
    assert said.startswith(f"decoding-{REFUSED.get(name, '')}") or name not in REFUSED
    assert name not in ENDLESS or said == "decoding-time"


@on_linux
@pytest.mark.slow
@pytest.mark.parametrize("name", ["index.mp4", "index4.mp4", "text.png", "profile.png"])
def test_the_limits_hold_without_the_checks(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(NAMED[name].make())
    with bombs.Peak() as peak, suppress(sandbox.LimitExceeded):
        jobs.probe_unchecked(path)
    assert peak.megabytes <= bombs.MEMORY


@pytest.mark.slow
@pytest.mark.once
def test_a_jpeg_of_endless_scans_is_killed(tmp_path):
    path = tmp_path / "scans.jpg"
    path.write_bytes(bombs.scans(7990, 30_000))
    with pytest.raises(sandbox.LimitExceeded, match="takes longer to decode"):
        jobs.probe_hurried_and_unchecked(path)


def test_the_bomb_of_the_issue_is_told_its_reason():
    (flaw,) = probing.probe(Path(__file__).parents[1] / "inputs/index_bomb.mp4").flaws
    assert "60,000,000 samples in 10,632 bytes" in flaw.message


def test_endless_tags_are_not_followed():
    content = b"ID3\4\0\0\0\0\0\0" * 2_000_000
    reads = io.BytesIO(content)
    began = time.process_time()
    assert containers.identify(reads, len(content)).cut_off
    assert time.process_time() - began < 2


def test_a_bomb_names_the_file_as_it_was_uploaded(tmp_path):
    path = tmp_path / "7f3a.part"
    path.write_bytes(NAMED["index.mp4"].make())
    (flaw,) = probe(path, "me.mp4").flaws
    assert flaw.message.startswith("me.mp4 claims to have")


@on_linux
def test_damaged_files_raise_nothing_and_stay_within_the_memory(tmp_path):
    raised, _, peak, _ = bombs.fuzz(30, tmp_path)
    assert not raised
    assert peak <= bombs.MEMORY


@on_linux
@pytest.mark.slow
def test_the_script_prints_a_table():
    command = [
        sys.executable,
        str(BENCHMARKS / "bombs.py"),
        "--check",
        "--only",
        "hls",
        "--fuzz",
        "3",
    ]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "| `hls.mp4` | 0 | a playlist that names a local file |" in run.stdout
    assert "raised: nothing" in run.stdout
