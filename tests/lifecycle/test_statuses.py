"""Statuses: the table in ``records`` agrees with the SQL that stores them."""

from __future__ import annotations

import re
from pathlib import Path

import avatarkit
from avatarkit.records import FINAL, TRANSITIONS, Status

MIGRATIONS = Path(avatarkit.__file__).parent / "repositories" / "migrations"
SERVER_SQL = (MIGRATIONS / "20261124120000_avatarkit.sql").read_text()


def test_the_sql_check_of_a_status_allows_every_status():
    checks = [
        set(re.findall(r"''(\w+)''", found))
        for file in MIGRATIONS.glob("*.sql")
        for found in re.findall(r"check \(status in .*?_status_known", file.read_text(), re.DOTALL)
    ]
    assert checks == [set(Status)]


def test_the_trigger_that_freezes_a_row_names_the_final_ones():
    (frozen,) = re.findall(r"if old\.status in \((.*?)\) then", SERVER_SQL, re.DOTALL)
    assert set(re.findall(r"'(\w+)'", frozen)) == FINAL


def test_each_status_says_where_it_may_go_and_the_final_ones_nowhere():
    assert set(TRANSITIONS) == set(Status)
    assert {status for status, following in TRANSITIONS.items() if not following} == FINAL
