"""The page of statuses, the component and the code name the same statuses and transitions."""

from __future__ import annotations

import re
from pathlib import Path

import avatarkit
from avatarkit.records import FINAL, TRANSITIONS, Status

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reference/statuses.md").read_text()
SCRIPT = Path(avatarkit.__file__).parent / "server/static/client.js"


def test_the_diagram_shows_the_transitions_of_the_code():
    shown = set(re.findall(r"^ +(\w+) --> (\w+)$", PAGE, re.MULTILINE))
    assert shown == {(was, then) for was, others in TRANSITIONS.items() for then in others}


def test_the_table_lists_every_status_and_its_finality():
    rows = re.findall(r"^\| `(\w+)` \|.*\| (yes|no) \|$", PAGE, re.MULTILINE)
    assert rows == [(status, "yes" if status in FINAL else "no") for status in Status]


def test_the_web_client_knows_the_final_statuses():
    final = re.search(r"^export const FINAL = \[(.*)\];$", SCRIPT.read_text(), re.MULTILINE)
    assert set(re.findall(r'"(\w+)"', final[1])) == FINAL
