"""Statuses: the table in ``records`` agrees with the SQL that stores them and with the pages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import avatarkit
from avatarkit.records import FINAL, TRANSITIONS, Status

ROOT = Path(__file__).parents[2]
MIGRATIONS = Path(avatarkit.__file__).parent / "repositories" / "migrations"
SERVER_SQL = (MIGRATIONS / "20261124120000_avatarkit.sql").read_text()


def test_the_constraint_of_the_tables_allows_these_statuses_alone():
    (check,) = re.findall(r"check \(status in \((.*?)\)\)", SERVER_SQL, re.DOTALL)
    assert set(re.findall(r"''(\w+)''", check)) == set(Status)


def test_the_trigger_that_freezes_a_row_names_the_final_ones():
    (frozen,) = re.findall(r"if old\.status in \((.*?)\) then", SERVER_SQL, re.DOTALL)
    assert set(re.findall(r"'(\w+)'", frozen)) == FINAL


@pytest.mark.parametrize("page", ["http.md", "supabase.md"])
def test_a_page_lists_each_status(page):
    assert {s for s in Status if f"`{s}`" in (ROOT / "docs" / page).read_text()} == set(Status)


def test_each_status_says_where_it_may_go_and_the_final_ones_nowhere():
    assert set(TRANSITIONS) == set(Status)
    assert {status for status, following in TRANSITIONS.items() if not following} == FINAL
