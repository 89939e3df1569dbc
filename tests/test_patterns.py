"""Regular expressions of the source: time is linear for repeated shapes (no ReDoS).

Shapes are generated from the pattern itself: its literals and examples of its classes, repeated.
"""

from __future__ import annotations

import ast
import importlib
import itertools
import re
import time
from pathlib import Path
from re import _parser as parser

import pytest

import avatarkit
from avatarkit._log import cleaned

pytestmark = pytest.mark.once

SOURCE = Path(avatarkit.__file__).parent

#: Characters of a shape, and CPU seconds for it. A linear pattern takes some milliseconds, a
#: quadratic one a second: the machine's load does not decide.
_LENGTH, _BOUND = 60_000, 0.2
_EXAMPLES = "a-_. /:@\"'\\[{<&A0\n"


def _patterns():
    """Each pattern of the source with its place and the method that runs it."""
    for file in sorted(SOURCE.rglob("*.py")):
        tree = ast.parse(text := file.read_text())
        if "re." not in text:
            continue
        dotted = ".".join(file.relative_to(SOURCE.parent).with_suffix("").parts)
        used = {
            call.func.value.id: call.func.attr
            for call in ast.walk(tree)
            if isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute)
            and isinstance(call.func.value, ast.Name)
        }
        names = {
            id(node.value): target.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for call in ast.walk(tree):
            match call:
                case ast.Call(func=ast.Attribute(ast.Name("re"), method), args=[first, *rest]):
                    pass
                case _:
                    continue
            if method == "escape":
                continue
            named = [k.value for k in call.keywords if k.arg == "flags"]
            flags = [*(rest[:1] if method == "compile" else []), *named]
            scope = vars(importlib.import_module(dotted))
            try:
                given = eval(ast.unparse(first), scope)
                wanted = [eval(ast.unparse(flag), scope) for flag in flags]
            except NameError:  # made of local values
                continue
            if method == "compile":
                method = used.get(names.get(id(call), ""), "sub")
            anchored = method if method in {"match", "fullmatch"} else "sub"
            yield re.compile(given, *wanted), anchored, f"{dotted}:{call.lineno}"


def _pieces(tree):
    """Literals and examples of the classes of a parsed pattern."""
    run = ""
    for code, value in tree:
        if str(code) == "LITERAL":
            run += chr(value)
            continue
        if run:
            yield run
            run = ""
        match str(code), value:
            case (("MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT"), (_, _, inner)):
                yield from _pieces(inner)
            case "SUBPATTERN", (*_, inner):
                yield from _pieces(inner)
            case "ATOMIC_GROUP", inner:
                yield from _pieces(inner)
            case (("ASSERT" | "ASSERT_NOT"), (_, inner)):
                yield from _pieces(inner)
            case "BRANCH", (_, branches):
                for branch in branches:
                    yield from _pieces(branch)
            case "IN", _:
                one = re.compile(_class(value))
                yield from [c for c in _EXAMPLES if one.fullmatch(c)][:3]
            case _:
                pass
    if run:
        yield run


def _class(value):
    """Regular expression of a parsed character class."""
    shown = ""
    for code, what in value:
        match str(code):
            case "NEGATE":
                shown = "^" + shown
            case "LITERAL":
                shown += re.escape(chr(what))
            case "RANGE":
                shown += f"{re.escape(chr(what[0]))}-{re.escape(chr(what[1]))}"
            case _:
                name = str(what).removeprefix("CATEGORY_")
                letter = {"DIGIT": "d", "SPACE": "s", "WORD": "w"}[name.removeprefix("NOT_")]
                shown += "\\" + (letter.upper() if name.startswith("NOT_") else letter)
    return f"[{shown}]"


def _shapes(pattern):
    given = pattern.pattern
    binary = isinstance(given, bytes)
    text = given.decode("latin-1") if binary else given
    pieces = list(dict.fromkeys([*_pieces(parser.parse(text, pattern.flags & ~re.UNICODE))]))[:14]
    start = pieces[0] if pieces else "a"
    chunks = [*pieces, *map("".join, itertools.product(pieces, repeat=2)), "".join(pieces)]
    chunks += [start + chunk for chunk in pieces]
    for chunk in dict.fromkeys(filter(None, chunks)):
        for head in ("", "".join(pieces[:2])):
            shape = (head + chunk * (_LENGTH // len(chunk)))[:_LENGTH] + "\x01"
            yield chunk, shape.encode("latin-1", "replace") if binary else shape


@pytest.mark.slow
def test_every_pattern_of_the_source_takes_linear_time():
    slow, known = [], 0
    for pattern, method, place in _patterns():
        known += 1
        for chunk, shape in _shapes(pattern):
            begun = time.process_time()
            if method == "sub":
                pattern.sub(shape[:0], shape)
            else:
                getattr(pattern, method)(shape)
            if time.process_time() - begun > _BOUND:
                slow.append(f"{place} for a repeated {chunk!r}")
                break
    assert known > 40
    assert not slow


@pytest.mark.slow
@pytest.mark.parametrize(
    "pattern", [r"\b[a-z][a-z0-9+.-]*://", r"https?://[^?\s]*\?", r"\beyJ[\w-]{8,}\."]
)
def test_a_quadratic_pattern_is_found(pattern):
    compiled = re.compile(pattern)
    slowest = 0.0
    for _, shape in _shapes(compiled):
        begun = time.process_time()
        compiled.sub("", shape)
        slowest = max(slowest, time.process_time() - begun)
        if slowest > _BOUND:
            return
    pytest.fail(f"the slowest shape took {slowest:.3f} s")


@pytest.mark.parametrize(
    "shape",
    [
        *("a.b+c-", "a-", "sk-", "https://", "http://a", "eyJaaaaaaaa.", "eyJaaaaaaaa-", "://@"),
        *("?", r"https:\/\/", "a:", "key_", "eyJ", "@", "bearer ", "/webhooks/", "aa ", "\ud800"),
        '"',
        "\x1b",
    ],
    ids=ascii,
)
def test_a_megabyte_of_any_shape_is_cleaned_fast(shape):
    text = shape * (1_000_000 // len(shape))
    begun = time.process_time()
    cleaned(text)
    assert time.process_time() - begun < 0.1
