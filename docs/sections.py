"""Tables in Markdown, and the generated sections of pages that are otherwise written by hand.

A generated section stands between ``<!-- generated: NAME -->`` and ``<!-- end: NAME -->``. Each
``make_*.py`` has a function ``pages()`` from the path of a page to its whole text; run the script
to write them, and ``tests/docs/test_generated.py`` compares them with what is committed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

DOCS = Path(__file__).parent


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)


def filled(page: Path, sections: Mapping[str, str]) -> str:
    """The text of a page with its generated sections replaced; each must be there once."""
    text = page.read_text(encoding="utf-8")
    for name, content in sections.items():
        begin, end = f"<!-- generated: {name} -->", f"<!-- end: {name} -->"
        pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        if len(pattern.findall(text)) != 1:
            raise ValueError(f"{page} needs one section {name!r}")
        whole = f"{begin}\n\n{content}\n\n{end}"
        text = pattern.sub(lambda _, whole=whole: whole, text)
    return text


def write(pages: Mapping[Path, str]) -> None:
    """Write pages."""
    for page, text in pages.items():
        page.write_text(text, encoding="utf-8")
