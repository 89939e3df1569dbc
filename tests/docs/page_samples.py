"""Read the samples of a page and turn them into one shell session, as a reader would paste them.

A page is one terminal: its ``sh`` and ``python`` blocks run from top to bottom in an empty folder.

* A block whose first line is a comment with only a file name (``# app.py``) becomes that file.
* A ``text`` block directly below a block is its expected output; "…" stands for any text.
* An HTML comment on the line above a block says what else happens with it, see ``MARKERS``.
"""

from __future__ import annotations

import ast
import re
import shlex
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: Marker and its meaning; the first three blocks are parsed but not run.
MARKERS = {
    "fragment": "incomplete by nature; the text says why",
    "needs": "what is missing here: one of NEEDS",
    "same as": "the page that holds, and runs, the same block",
    "background": "a server or worker that runs until the end of the page",
    "fails": "the exit code that the block must end with",
}
NEEDS = {"network", "key", "certificate", "postgres", "supabase", "s3", "project"}

_FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,})(?P<language>\S*)\s*$")
_MARKER = re.compile(rf"^ *<!-- ({'|'.join(MARKERS)})(?:: (.+))? -->$")
_RUNS = re.compile(r"^<!-- runs: (\S+) -->$", re.MULTILINE)
_NAME = re.compile(r"# ([\w.-]+(?:/[\w.-]+)*\.[a-z]+)")


@dataclass
class Block:
    page: Path
    line: int
    language: str
    text: str
    marker: str = ""
    value: str = ""
    expected: str | None = None

    @property
    def place(self):
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def file(self):
        """Name of the file that this block is the content of, or None."""
        found = _NAME.fullmatch(self.text.partition("\n")[0])
        return found[1] if found else None

    @property
    def runs(self):
        return self.marker not in {"fragment", "needs", "same as"}


@dataclass
class Page:
    path: Path
    blocks: list[Block] = field(default_factory=list)
    tested_by: str | None = None  #: another test, which runs this page

    @property
    def name(self):
        return str(self.path.relative_to(ROOT))

    @property
    def samples(self):
        return [b for b in self.blocks if b.language in {"sh", "python"}]


def read(path):
    """Return the page's blocks with their markers and expected outputs."""
    text = path.read_text()
    page = Page(path, tested_by=found[1] if (found := _RUNS.search(text)) else None)
    lines = iter(enumerate(text.splitlines(), 1))
    marker = value = ""
    previous = None
    for number, line in lines:
        if found := _FENCE.match(line):
            body = []
            for _, inner in lines:
                if inner.strip() == found["fence"]:
                    break
                body.append(inner)
            block = Block(
                path, number, found["language"], textwrap.dedent("\n".join(body)), marker, value
            )
            if block.language == "text" and previous is not None:
                previous.expected = block.text
            page.blocks.append(block)
            previous, marker, value = block, "", ""
        elif found := _MARKER.match(line):
            marker, value = found[1], found[2] or ""
        elif line.strip():
            assert not marker, f"{path}:{number}: a marker stands directly above its block"
            previous = None
    return page


def pages():
    """All pages that readers paste from."""
    docs = [p for p in (ROOT / "docs").rglob("*.md") if "_build" not in p.parts]
    return [read(p) for p in sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *docs])]


def tree(block):
    """Parse a Python block; only a fragment may await outside a function."""
    flags = ast.PyCF_ONLY_AST | (0 if block.runs else ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    return compile(block.text, block.place, "exec", flags)


def script(page, notes, port):
    """One bash script for all blocks of the page; ``notes`` is a folder for their outputs."""
    parts = ["set -e", f"trap {shlex.quote('kill $(jobs -p) 2>/dev/null || true')} EXIT"]
    for number, block in enumerate(page.samples):
        text = block.text.replace(":8000", f":{port}").replace("--port 8000", f"--port {port}")
        held = notes / str(number)
        held.write_text(f"{text}\n")
        parts.append(f"echo {shlex.quote(block.place)} >{notes}/now")
        if block.file:
            parts += [f"mkdir -p {Path(block.file).parent}", f"cp {held} {block.file}"]
        elif not block.runs:
            continue
        elif block.marker == "background":
            parts.append(f"bash {held} >{held}.out 2>&1 &")
            parts += [_until(port)] if "--port" in text else []
        elif block.marker == "fails":
            run = f"python - <{held}" if block.language == "python" else f"bash -e {held}"
            parts += [f"code=0; {run} >{held}.out || code=$?", f'test "$code" = {block.value}']
        elif block.language == "python":
            parts.append(f"python - <{held} >{held}.out")
        else:
            parts.append(f"{{\n{text}\n}} >{held}.out")
    return "\n".join(parts)


def _until(port):
    """Wait until a server listens."""
    wait = (
        "import socket, sys, time\n"
        "end = time.monotonic() + 60\n"
        "while True:\n"
        "    try:\n"
        f"        socket.create_connection(('127.0.0.1', {port})).close(); break\n"
        "    except OSError:\n"
        "        assert time.monotonic() < end, 'the server did not start'\n"
        "        time.sleep(0.1)\n"
    )
    return f"python -c {shlex.quote(wait)}"


def fits(expected, got):
    """True if an output is what the page shows; "…" stands for any text."""
    pattern = ".*".join(map(re.escape, expected.strip().split("…")))
    return re.fullmatch(pattern, got.strip(), re.DOTALL) is not None
