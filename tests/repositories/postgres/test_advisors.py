"""Supabase's own advisors, from its command line, find nothing to say about the schema."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest

pytest.importorskip("psycopg", reason="psycopg is not installed")

from .conftest import GRANTS, connected
from .postgrest import cache
from .walls import CLOSED

VERSION = "3.1.0"


@pytest.fixture(scope="module")
def supabase():
    """The command, installed once by npm; no Docker is needed for it."""
    npm, folder = shutil.which("npm"), cache() / f"supabase-{VERSION}"
    command = folder / "node_modules" / ".bin" / "supabase"
    if npm is None:
        pytest.skip("npm, which installs the Supabase CLI, is not installed")
    if not command.exists():
        installed = subprocess.run(
            [npm, "install", "--silent", "--no-fund", "--no-audit", "--prefix", folder,
             f"supabase@{VERSION}"],
            check=False,
            capture_output=True,
            timeout=300,
        )  # fmt: skip
        if installed.returncode or not command.exists():
            pytest.skip(f"npm could not install supabase@{VERSION}")
    return command


@pytest.fixture
def advice(supabase, cluster, tmp_path):
    """Findings of the advisors about a database: pairs of name and table."""

    def run(database):
        done = subprocess.run(
            [supabase, "db", "advisors", f"--remote={cluster.dsn(database)}", "--level=info"],
            check=True,
            capture_output=True,
            text=True,
            timeout=120,
            cwd=tmp_path,
            env=os.environ
            | {"SUPABASE_TELEMETRY_DISABLED": "1", "PGSSLMODE": "disable", "HOME": str(tmp_path)},
        )
        found = json.loads(done.stdout)
        return {(issue["name"], issue["metadata"]["name"]) for issue in found}

    return run


@pytest.mark.parametrize("grants", GRANTS)
@pytest.mark.once
def test_the_advisors_find_nothing_that_was_not_meant(advice, supabase_template, grants):
    """No index was used yet, and tables for service_role only have no policy."""
    found = advice(supabase_template("ready", grants))
    assert {name for name, _ in found} == {"unused_index", "rls_enabled_no_policy"}
    assert {table for name, table in found if name == "rls_enabled_no_policy"} == set(CLOSED)


@pytest.mark.once
def test_the_advisors_would_find_a_table_without_row_security(
    advice, cluster, fresh_database, supabase_template
):
    database = fresh_database(supabase_template("ready"))
    with connected(cluster, database) as db:
        db.execute("alter table avatar_training disable row level security")
        db.execute("grant select on avatar_training to authenticated")
    assert ("rls_disabled_in_public", "avatar_training") in advice(database)
