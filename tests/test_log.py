"""Logs: where they go, and what never gets into them."""

from __future__ import annotations

import ast
import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import avatarkit
from avatarkit._log import cleaned, get_logger, redact

SOURCE = Path(avatarkit.__file__).parent
PAGE = Path(__file__).parent.parent / "docs/reference/events.md"


@pytest.fixture
def log():
    return get_logger("avatarkit.tests")


@pytest.mark.parametrize(
    "name",
    ["api_key", "apikey", "x-api-key", "Authorization", "token", "webhook_secret", "signature"],
)
def test_a_secret_field_is_hidden_whatever_it_holds(name):
    assert redact({name: 42}) == {name: "[redacted]"}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("https://cdn.example/a.mp4?sig=abc&x=1", "https://cdn.example/a.mp4?[redacted]"),
        ("see https://a.b/c?d=e, then", "see https://a.b/c?[redacted] then"),
        ("https://user:word@host/x", "https://[redacted]@host/x"),
        ("Bearer abcdefgh1234", "Bearer [redacted]"),
        ("the key sk-abcdefgh1234 is wrong", "the key [redacted] is wrong"),
        ("eyJhbGciOiJI.eyJzdWIiOiIx.c2ln", "[redacted]"),
        ("eyJhbGciOiJI.eyJzdWIiOiIx.c2ln.an.other", "[redacted]"),
        ("x-eyJhbGciOiJI-.eyJzdWIiOiIx.c2ln", "x-[redacted]"),
        ("ftp://ana:p@ss:w@host/x", "ftp://[redacted]@host/x"),
        ("https://a.b/c,https://ana:word@host/", "https://a.b/c,https://[redacted]@host/"),
        ("https://a.b/https://c.d/e?sig=1", "https://a.b/https://c.d/e?[redacted]"),
        ("postgresql://host/db?password=word", "postgresql://host/db?[redacted]"),
        (r"https:\/\/cdn.example\/a.mp4?sig=1", r"https:\/\/cdn.example\/a.mp4?[redacted]"),
        ("/webhooks/d-id/[word]word", "/webhooks/d-id/[redacted]"),
        ("sb_secret_0123456789", "[redacted]"),
    ],
)
def test_what_is_secret_within_a_text_is_hidden(text, wanted):
    assert redact({"event": text}) == {"event": wanted}


@pytest.mark.parametrize(
    "text", ["record.changed", "https://cdn.example/a.mp4", "the sky is a basic colour", "50%"]
)
def test_what_is_not_secret_stays(text):
    assert redact({"event": text}) == {"event": text}


def test_a_long_text_is_cut_at_a_word_so_that_no_part_of_a_secret_stays():
    link = "https://ana:word@host/x "
    for longest in range(1, 3 * len(link)):
        assert "word" not in cleaned(link * 3, longest)
    assert len(redact({"event": "word " * 300_000})["event"]) < 21_000


@pytest.mark.parametrize(
    "mark",
    ["\n", "\t", "\r", "\x00", "\x1b", "\x7f", "\x9b", "\u2028", "\u202e", "\ud800"],
    ids=ascii,
)
def test_a_control_character_cannot_forge_a_line_or_move_the_cursor(log, caplog, mark):
    log.warning("it.failed", name=f"x{mark}ERROR root: forged")
    (record,) = caplog.records
    assert mark not in record.getMessage()
    assert record.getMessage() == f"it.failed name=x{ascii(mark)[1:-1]}ERROR root: forged"


@pytest.mark.parametrize("place", [{"inner": "a\nb\x1b"}, ["a\nb\x1b"], {"a\nb\x1b": 1}], ids=str)
def test_a_control_character_within_another_value_is_escaped(log, caplog, place):
    log.warning("it.failed", name=place)
    assert not {"\n", "\x1b"} & set(caplog.records[0].getMessage())


def test_no_line_of_an_error_message_looks_like_a_record(log, caplog):
    class Forged(Exception):
        def __str__(self):
            return "x\nERROR root: forged\x1b[31m"

    try:
        next(iter([]))
    except StopIteration as error:
        log.exception("it.failed", exc_info=Forged().with_traceback(error.__traceback__))
    lines = caplog.records[0].getMessage().splitlines()
    assert all(line.startswith("  ") for line in lines[1:])
    assert lines[-1] == r"  ERROR root: forged\x1b[31m"


def test_a_message_to_a_person_keeps_its_lines_and_moves_no_cursor():
    assert cleaned("one\n\ttwo \x1b[2J\r") == "one\n\ttwo \\x1b[2J\\r"


def test_secrets_inside_of_other_values_are_hidden():
    given = {"request": {"headers": {"authorization": "x"}, "urls": ["https://a.b/?s=1"]}}
    wanted = {"headers": {"authorization": "[redacted]"}, "urls": ["https://a.b/?[redacted]"]}
    assert redact(given) == {"request": wanted}


def test_bytes_are_counted_not_shown():
    assert redact({"body": b"abc"}) == {"body": "[3 bytes]"}


def test_the_fields_that_were_given_are_not_changed():
    given = {"token": "x", "inner": {"token": "y"}}
    redact(given)
    assert given == {"token": "x", "inner": {"token": "y"}}


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.none() | st.lists(st.text())))
def test_redacting_twice_is_redacting_once(fields):
    once = redact(fields)
    assert redact(once) == once


def test_a_record_has_its_event_and_fields(log, caplog):
    log.warning("result.copy_failed", id="x1", name="clip", url="https://a.b/c?sig=1")
    (record,) = caplog.records
    assert record.getMessage() == (
        "result.copy_failed id=x1 name=clip url=https://a.b/c?[redacted]"
    )
    assert record.event == "result.copy_failed"
    assert record.fields == {"id": "x1", "name": "clip", "url": "https://a.b/c?[redacted]"}


def test_a_percent_sign_is_only_a_percent_sign(log, caplog):
    log.warning("progress %s 50%", share="50%d")
    assert caplog.records[0].getMessage() == "progress %s 50% share=50%d"


@pytest.mark.parametrize("method", ["warning", "error", "exception"])
def test_the_line_that_logs_is_named(log, caplog, method):
    try:
        {}["which"]
    except KeyError:
        getattr(log, method)("it.failed")
    (record,) = caplog.records
    assert (record.filename, record.funcName) == (
        "test_log.py",
        "test_the_line_that_logs_is_named",
    )


def test_an_exception_comes_with_its_traceback(log, caplog):
    try:
        {}["which"]
    except KeyError:
        log.exception("it.failed")
    assert "KeyError: 'which'" in caplog.text


def test_a_traceback_is_redacted_and_no_handler_gets_it_raw(log, caplog):
    try:
        {}["https://cdn.example/a.mp4?sig=planted"]
    except KeyError:
        log.exception("it.failed")
    (record,) = caplog.records
    assert not record.exc_info
    assert "a.mp4?[redacted]" in record.fields["exception"]
    assert "planted" not in caplog.text


def test_a_level_that_is_off_costs_nothing(log, caplog):
    caplog.set_level(logging.WARNING, "avatarkit.tests")
    log.info("record.changed")
    assert not caplog.records


def test_bound_fields_come_with_each_record(log, caplog):
    log.bind(id="x1").warning("it.failed")
    assert caplog.records[0].fields == {"id": "x1"}


@pytest.mark.slow
def test_nothing_is_printed_unless_the_application_asks_for_it():
    code = "from avatarkit._log import get_logger; get_logger('avatarkit.x').error('it.failed')"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (run.stdout, run.stderr) == ("", "")


# -- the names and fields that applications may rely on ---------------------------------------


def _logged():
    """What the source logs: event, level and fields."""
    for file in SOURCE.rglob("*.py"):
        for call in ast.walk(ast.parse(file.read_text())):
            match call:
                case ast.Call(
                    func=ast.Attribute(ast.Name("log"), level),
                    args=[ast.Constant(str(event))],
                    keywords=fields,
                ):
                    raised = {"exception"} if level == "exception" else set()
                    names = frozenset({f.arg for f in fields} | raised)
                    yield event, "error" if raised else level, names
                case ast.Call(func=ast.Attribute(ast.Name("log"), level)):
                    pytest.fail(f"{file.name}:{call.lineno} logs what no table can hold")


def _promised():
    rows = re.findall(
        r"^\| `([\w.]+)` \| (info|warning|error) \| ([^|]*) \|", PAGE.read_text(), re.MULTILINE
    )
    return [(event, level, frozenset(re.findall(r"\w+", fields))) for event, level, fields in rows]


@pytest.mark.slow
def test_the_page_lists_every_event_with_its_level_and_fields_once():
    assert sorted(_promised(), key=str) == sorted(set(_logged()), key=str)
