"""Reject wording that readers stumble over; ``python tests/prose.py`` prints file:line for each.

Documentation: a list of words, and sentences that begin with a fused relative ("Who asks is …").
Source: docstrings that begin with a bare relative or pronoun, and the words in any string literal.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
#: Parts that are checked by default.
COVERED = ("docs", "src")

WORDS = re.compile(r"\b(nobody|whoever|anew|whereof)\b", re.IGNORECASE)
WORDS_OF_DOCS = re.compile(r"\b(nobody|whoever|anew|whereof|dearest|by itself)\b", re.IGNORECASE)
DOCSTRING = re.compile(r"\s*(What|Whether|Who|Whose|Where|Which|Those|Nobody|Nothing|That)\b")
FUSED = re.compile(r"(Who|Whose|What|Of)\b(?!.*\?$)", re.DOTALL)

_BLOCK = re.compile(r"^( *)(`{3,}).*?^\1\2$", re.MULTILINE | re.DOTALL)
_PARAGRAPH = re.compile(r"(?:^[^\n]*\S[^\n]*\n?)+", re.MULTILINE)
_NO_PROSE = ("#", "|", "<", ":", "-", "*", ">", "(")


def of_docs() -> Iterator[str]:
    """Yield what is wrong with the pages."""
    docs = [p for p in (ROOT / "docs").rglob("*.md") if "_build" not in p.parts]
    for path in [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("examples/*.md")), *sorted(docs)]:
        text = path.read_text(encoding="utf-8")
        for found in WORDS_OF_DOCS.finditer(text):
            yield f"{_at(path, text, found.start())}: the word {found[0]!r}"
        prose = _BLOCK.sub(lambda block: re.sub(r"[^\n]", " ", block[0]), text)
        for paragraph in _PARAGRAPH.finditer(prose):
            if not paragraph[0].startswith(_NO_PROSE):
                yield from _fused(path, text, paragraph)


def _fused(path: Path, text: str, paragraph: re.Match[str]) -> Iterator[str]:
    at = paragraph.start()
    for sentence in re.split(r"(?<=[.!?:])(\s+)", paragraph[0]):
        if FUSED.match(sentence):
            yield f"{_at(path, text, at)}: begins with {sentence.split()[0]!r}"
        at += len(sentence)


def of_src() -> Iterator[str]:
    """Yield what is wrong with docstrings and string literals of the package."""
    for path in sorted((ROOT / "src").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                for found in WORDS.finditer(node.value):
                    line = node.lineno + node.value.count("\n", 0, found.start())
                    yield f"{path.relative_to(ROOT)}:{line}: the word {found[0]!r}"
            elif isinstance(
                node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
            ):
                docstring = ast.get_docstring(node, clean=False)
                if docstring and (found := DOCSTRING.match(docstring)):
                    line = node.body[0].lineno
                    yield f"{path.relative_to(ROOT)}:{line}: docstring begins with {found[1]!r}"


def _at(path: Path, text: str, offset: int) -> str:
    return f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, offset) + 1}"


CHECKS = {"docs": of_docs, "src": of_src}


def main() -> int:
    """Print every finding of the covered parts, or of those named as arguments."""
    found = [line for part in sys.argv[1:] or COVERED for line in CHECKS[part]()]
    for line in found:
        print(line)
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
