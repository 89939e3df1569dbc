"""Plans of the functions and queries: with 40,000 waiting records, none reads a whole table."""

import json
import re

import pytest

from .conftest import MIGRATION, connected, run_file

ROWS = 40_000


@pytest.fixture(scope="module")
def large(cluster, fresh_database):
    """Waiting trainings and videos, of which a hundred are overdue and ten are leased."""
    with connected(cluster, fresh_database()) as db:
        run_file(db, MIGRATION)
        db.execute("set session_replication_role = replica")
        for table in ("avatar_training", "avatar_videos"):
            db.execute(
                f"insert into {table} (id, user_id, clone_id, status, waits_for, created_at, "
                "next_at, doc) select %(kind)s || i, 'u' || i %% 500, 'c' || i, 'training', "
                "'heygen', now() + make_interval(secs => i), "
                "now() + make_interval(secs => i - 100), '{}' "
                "from generate_series(1, %(rows)s) i",
                {"kind": table, "rows": ROWS},
            )
            db.execute(f"insert into avatar_leases (record_id) select id from {table}")
        db.execute(
            "update avatar_leases set lease_owner = 'w', lease_until = now() + interval '1 h' "
            "where record_id like 'avatar_training10_'"
        )
        db.execute("set session_replication_role = origin")
        db.execute("vacuum analyze")
        yield db


def plans(db, statement):
    """Every plan of a statement, and of those in the functions that it calls."""
    said = []
    db.add_notice_handler(lambda notice: said.append(notice.message_primary))
    for setting in (
        "load 'auto_explain'",
        "set auto_explain.log_min_duration = 0",
        "set auto_explain.log_nested_statements = on",
        "set auto_explain.log_analyze = on",
        "set auto_explain.log_format = json",
        "set client_min_messages = log",
    ):
        db.execute(setting)
    try:
        db.execute(statement)
    finally:
        db.execute("set client_min_messages = notice")
        db.execute("set auto_explain.log_min_duration = -1")
    found = [re.sub(r"^.*?plan:\s*", "", text, flags=re.DOTALL) for text in said if "plan:" in text]
    assert found
    return [json.loads(text)["Plan"] for text in found]


def steps(plan):
    """A plan and all that is below it."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from steps(below)


def read_whole(db, statement):
    """Large tables that are read from end to end."""
    return [
        step["Relation Name"]
        for plan in plans(db, statement)
        for step in steps(plan)
        if step["Node Type"] == "Seq Scan"
        and step["Relation Name"] in ("avatar_training", "avatar_videos", "avatar_leases")
    ]


TRAININGS = "select * from avatar_training where not deleted"
VIDEOS = "select * from avatar_videos where not deleted"
NEWEST = "order by created_at desc, id desc limit 51"
QUERIES = {
    "claim": "select * from avatarkit_claim('w2', 16, 60)",
    "renew": "select avatarkit_renew('w', 60)",
    "next due": "select avatarkit_next_due()",
    "backlog": "select * from avatarkit_backlog()",
    "get": "select * from avatarkit_get('avatar_training7')",
    "job": "select * from avatarkit_find_job('heygen', 'video', 'job')",
    "page": f"{TRAININGS} {NEWEST}",
    "page by status": f"{TRAININGS} and status = 'failed' {NEWEST}",
    "videos by status": f"{VIDEOS} and status = 'failed' {NEWEST}",
    "page of a user": f"{TRAININGS} and user_id = 'u1' {NEWEST}",
}


@pytest.mark.parametrize("name", QUERIES)
def test_no_query_reads_a_whole_table(large, name):
    assert read_whole(large, QUERIES[name]) == []


@pytest.mark.parametrize("name", ["page by status", "videos by status", "claim", "backlog"])
def test_few_rows_are_read_in_vain(large, name):
    """The rows that a step reads and throws away are those that are leased, and no more."""
    for plan in plans(large, QUERIES[name]):
        for step in steps(plan):
            assert step.get("Rows Removed by Filter", 0) < ROWS / 10


@pytest.mark.parametrize(
    ("index", "name"),
    [
        ("avatar_training_by_status", "page by status"),
        ("avatar_training_due", "next due"),
        ("avatar_training_waiting", "backlog"),
        ("avatar_leases_held", "renew"),
    ],
)
def test_a_query_without_its_index_would_be_seen(large, index, name):
    with large.transaction(force_rollback=True):
        large.execute(f"drop index {index}")
        assert read_whole(large, QUERIES[name])
