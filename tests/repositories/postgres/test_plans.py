"""Plans of the functions and queries: with 40,000 waiting records, none reads a whole table."""

import json
import re
from contextlib import ExitStack

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
        run_file(db, MIGRATION)  # which counts what waits
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
        ("avatar_training_due", "backlog"),
        ("avatar_leases_held", "renew"),
    ],
)
def test_a_query_without_its_index_would_be_seen(large, index, name):
    with large.transaction(force_rollback=True):
        large.execute(f"drop index {index}")
        assert read_whole(large, QUERIES[name])


def waiting(db):
    """Numbers of waiting records: the sums that are kept, and what is counted now."""
    kept = (
        "select coalesce(waits_for, '') w, sum(records) n from avatar_waiting "
        "group by 1 having sum(records) <> 0"
    )
    counted = (
        "select coalesce(waits_for, '') w, count(*) n "
        "from (select waits_for, next_at from avatar_training "
        "union all select waits_for, next_at from avatar_videos) r "
        "where next_at is not null group by 1"
    )
    return [sorted(db.execute(query).fetchall()) for query in (kept, counted)]


CHANGES = {
    "many come": "insert into avatar_videos (id, user_id, clone_id, waits_for, next_at, doc) "
    "select 'new' || i, 'u', 'c', 'tavus', now(), '{}' from generate_series(1, 3000) i",
    "many go": "delete from avatar_training where id like '%7'",
    "another vendor": "update avatar_training set waits_for = 'd-id' where id like '%3'",
    "some end": "update avatar_videos set next_at = null where id like '%5'",
    "a vendor is unknown": "update avatar_videos set waits_for = null where id like '%1'",
    "a poll changes no number": "update avatar_training set next_at = next_at + interval '1 s' "
    "where id like '%42'",
}


@pytest.mark.once
@pytest.mark.parametrize("name", CHANGES)
def test_the_numbers_of_waiting_records_are_kept(large, name):
    with large.transaction(force_rollback=True):
        before, _ = waiting(large)
        large.execute(CHANGES[name])
        kept, counted = waiting(large)
        assert kept == counted
        assert (kept == before) == name.startswith("a poll")
        large.execute("select avatarkit_sum_waiting()")
        assert waiting(large) == [counted, counted]
        assert large.execute("select count(*) from avatar_waiting").fetchone()[0] <= len(counted)


def test_concurrent_changes_and_sums_lose_no_number(cluster, fresh_database):
    with ExitStack() as exits:
        name = fresh_database()
        one, two, three = (exits.enter_context(connected(cluster, name)) for _ in range(3))
        run_file(one, MIGRATION)
        add = CHANGES["many come"].replace("3000", "5")
        one.execute(add)
        with one.transaction(), two.transaction():
            one.execute("select avatarkit_sum_waiting()")
            two.execute(add.replace("'new'", "'newer'"))
            two.execute("select avatarkit_sum_waiting()")  # not while the other one does
            assert three.execute("select waiting from avatarkit_backlog()").fetchall() == [(5,)]
        assert waiting(three)[0] == waiting(three)[1] == [("tavus", 10)]
        with one.transaction():
            one.execute("set transaction isolation level repeatable read")
            one.execute("select 1 from avatar_waiting")
            two.execute("select avatarkit_sum_waiting()")
            one.execute("select avatarkit_sum_waiting()")
        assert waiting(three)[0] == [("tavus", 10)]


def test_applying_the_file_counts_what_truncate_removed(cluster, fresh_database):
    with connected(cluster, fresh_database()) as db:
        run_file(db, MIGRATION)
        db.execute(CHANGES["many come"].replace("3000", "5"))
        db.execute("truncate avatar_videos")
        run_file(db, MIGRATION)
        assert db.execute("select * from avatarkit_backlog()").fetchall() == []
