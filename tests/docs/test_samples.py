"""Every sample of README and docs runs as pasted: in an empty folder, without network and keys."""

from __future__ import annotations

import ast
import os
import re
import shutil
import signal
import socket
import subprocess
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from pages import fresh_environ

from . import page_samples

ALL = page_samples.pages()
RUN = [page for page in ALL if page.tested_by is None and any(b.runs for b in page.samples)]
#: Blocks that are parsed but not run. Lower these bounds when a page needs fewer.
MOST_FRAGMENTS, MOST_NEEDS = 8, 42


def alone(command, folder, environ):
    """Run a command, and end every program that it has left; its exit code and its errors."""
    with (
        (folder.parent / "errors").open("w+") as errors,
        subprocess.Popen(
            command,
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        ) as started,
    ):
        try:
            code = started.wait(300)
        finally:
            with suppress(ProcessLookupError):  # nothing is left
                os.killpg(started.pid, signal.SIGKILL)
        errors.seek(0)
        return code, errors.read()


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.name)
def test_the_samples_of_a_page_run_in_an_empty_folder(page, tmp_path):
    for needed in ("typer", "av", "onnxruntime", "uvicorn"):
        pytest.importorskip(needed)
    if shutil.which("bash") is None:
        pytest.skip("bash is not installed")
    folder, notes = tmp_path / "folder", tmp_path / "notes"
    folder.mkdir()
    notes.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    offline = Path(page_samples.__file__).parent / "offline"
    paths = [str(offline), *filter(None, [os.environ.get("PYTHONPATH")])]
    environ = fresh_environ(PYTHONPATH=os.pathsep.join(paths), HOME=str(tmp_path))
    code, said = alone(["bash", "-c", page_samples.script(page, notes, port)], folder, environ)
    now = (notes / "now").read_text().strip()
    assert code == 0, f"{now}\n{said}"
    for number, block in enumerate(page.samples):
        if block.expected is not None and block.runs:
            got = (notes / f"{number}.out").read_text()
            assert page_samples.fits(block.expected, got), f"{block.place} printed:\n{got}"


@pytest.mark.parametrize("page", ALL, ids=lambda page: page.name)
def test_every_sample_can_be_parsed_and_holds_no_placeholder(page):
    for block in page.samples:
        if block.language == "python":
            calls = [n for n in ast.walk(page_samples.tree(block)) if isinstance(n, ast.Call)]
            values = [v for c in calls for v in (*c.args, *(k.value for k in c.keywords))]
            dots = [v for v in values if isinstance(v, ast.Constant) and v.value is ...]
            assert not dots, f"{block.place}: write the arguments out"
        else:
            read = ["bash", "-n"]
            done = subprocess.run(read, input=block.text, text=True, capture_output=True)  # noqa: PLW1510
            assert done.returncode == 0, f"{block.place}: {done.stderr}"
            assert not re.search(r"<\w+ [^>\n]*>", block.text), f"{block.place}: placeholder"
            assert "…" not in block.text, f"{block.place}: write a name such as YOUR_KEY"


def test_few_samples_are_not_run():
    skipped = [b for page in ALL if page.tested_by is None for b in page.samples if not b.runs]
    count = Counter(block.marker for block in skipped)
    where = "\n".join(f"{b.place} {b.marker}: {b.value}" for b in skipped)
    assert count["fragment"] <= MOST_FRAGMENTS, where
    assert count["needs"] <= MOST_NEEDS, where
    assert {b.value for b in skipped if b.marker == "needs"} <= page_samples.NEEDS
    assert [b.place for b in skipped if b.marker == "fragment" and not b.value] == []


def test_a_repeated_sample_stands_word_for_word_where_it_is_run():
    repeated = [b for page in ALL for b in page.samples if b.marker == "same as"]
    held = {page.name: [b.text for b in page.samples if b.runs] for page in ALL}
    assert [b.place for b in repeated if b.text not in held[b.value]] == []


def test_a_page_that_another_test_runs_is_named_there():
    pages = [page for page in ALL if page.tested_by is not None]
    assert [
        p.name for p in pages if p.path.name not in (page_samples.ROOT / p.tested_by).read_text()
    ] == []


def test_no_block_is_of_a_kind_that_no_test_reads():
    unread = {"bash", "shell", "console", "py", "pycon", "{testcode}", "{doctest}"}
    assert [b.place for page in ALL for b in page.blocks if b.language in unread] == []


def test_expected_output_may_leave_text_out():
    assert page_samples.fits("a …\n…\nz", "a 1\nb\nc\nz\n")
    assert not page_samples.fits("a …\nz", "b 1\nz\n")
