"""The schema arrives from every start: nothing, itself, older tables, many at once, no Supabase."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import avatarkit.repositories
from avatarkit.lifecycle.apply import Phase, Status, Training
from avatarkit.models import JobState, Operation

from .conftest import HERE, MIGRATION, UPGRADE, connected, run_file

psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed")

ANNA, BERT = "aaaaaaaa-0000-4000-8000-000000000000", "bbbbbbbb-0000-4000-8000-000000000000"
NOW = "2026-01-01T00:00:00Z"


def an_id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


def row(number: int = 1, **changes: object) -> dict[str, object]:
    values = {
        "id": an_id(number), "user_id": ANNA, "clone_id": an_id(900), "stack": "fake",
        "status": "pending", "progress": 0, "created_at": NOW, "updated_at": NOW, "next_at": NOW,
        "deleted": False, "version": 0, "doc": f'{{"number": {number}}}',
    }  # fmt: skip
    return values | changes


def create(db, kind: str = "training", **changes: object):
    values = row(**changes)
    return db.execute(
        "select created, doc from avatarkit_create(%s, %s)", (kind, json.dumps(values))
    ).fetchone()


def save(db, version: int = 0, kind: str = "training", jobs=None, ledger=None, **changes: object):
    values = json.dumps(row(**({"version": version + 1} | changes)))
    return db.execute(
        "select avatarkit_save(%s, %s, %s, %s, %s)",
        (kind, version, values, jobs and json.dumps(jobs), ledger and json.dumps(ledger)),
    ).fetchone()[0]


def claim(db, owner: str = "w", limit: int = 10, seconds: float = 60, now: str | None = None):
    return db.execute(
        "select kind, id, fence, doc from avatarkit_claim(%s, %s, %s, %s)",
        (owner, limit, seconds, now),
    ).fetchall()


def schema(db) -> list[tuple]:
    """Everything that a migration made, in words that can be compared."""
    return db.execute("""
        select 'column', table_name::text, column_name::text, data_type::text || is_nullable ||
               coalesce(column_default, '') from information_schema.columns
         where table_schema = 'public'
        union all select 'function', oid::regprocedure::text, prosrc,
               array(select unnest(proacl)::text order by 1)::text from pg_proc
         where pronamespace = 'public'::regnamespace
        union all select 'index', tablename, indexname, indexdef from pg_indexes
         where schemaname = 'public'
        union all select 'constraint', conrelid::regclass::text, conname,
               pg_get_constraintdef(oid) from pg_constraint where connamespace =
               'public'::regnamespace
        union all select 'policy', tablename, policyname, concat(roles, cmd, qual, with_check)
          from pg_policies
        union all select 'trigger', tgrelid::regclass::text, tgname, pg_get_triggerdef(oid)
          from pg_trigger where not tgisinternal
        union all select 'rights', relname, relrowsecurity::text,
               array(select unnest(relacl)::text order by 1)::text from pg_class
         where relnamespace = 'public'::regnamespace
        union all select 'bucket', id, name, public::text from storage.buckets
        union all select 'published', schemaname, tablename, pubname from pg_publication_tables
        order by 1, 2, 3, 4""").fetchall()


@pytest.fixture
def plain(cluster, fresh_database, supabase_template):
    """Plain PostgreSQL with our tables."""
    with connected(cluster, fresh_database(supabase_template("plain"))) as db:
        yield db


@pytest.fixture
def bare(cluster, fresh_database, supabase_template):
    """A Supabase project without our tables, with two users."""
    with connected(cluster, fresh_database(supabase_template("bare"))) as db:
        db.execute("insert into auth.users (id) values (%s), (%s)", (ANNA, BERT))
        yield db


@pytest.fixture
def supabase(cluster, fresh_database, supabase_template):
    """A Supabase project with our tables, and the same users."""
    with connected(cluster, fresh_database(supabase_template("ready"))) as db:
        db.execute("insert into auth.users (id) values (%s), (%s)", (ANNA, BERT))
        yield db


@pytest.fixture(params=["plain", "supabase"])
def either(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def older(bare):
    """A project with older tables and rows of every kind."""
    run_file(bare, HERE / "heygen_tables.sql")
    rows = (
        (1, "completed", "avatar-1", "voice-1", "https://files.example/1.mp4?token=x"),
        (2, "training", "avatar-2", "voice-2", None),
        (3, "processing", None, None, None),
        (4, "failed", None, "voice-4", None),
        (5, "Weird", None, None, None),
        (6, None, None, None, "results/6/video.mp4"),
        (8, "pending", None, None, None),
        (9, "cancelled", "avatar-9", None, None),
        (10, "completed", None, None, "https://files.example/10.mp4"),
    )
    for number, status, avatar, voice, link in rows:
        bare.execute(
            "insert into public.user_clones (id, user_id, training_status, avatar_ready) "
            "values (%s, %s, %s, %s)",
            (an_id(900 + number), ANNA, status, status == "completed"),
        )
        bare.execute(
            "insert into public.avatar_training (id, user_id, clone_id, status, progress, "
            "heygen_avatar_id, heygen_voice_id, avatar_video_url, training_started_at) "
            "values (%s, %s, %s, %s, 40, %s, %s, %s, %s)",
            (
                an_id(number),
                ANNA,
                an_id(900 + number),
                status,
                avatar,
                voice,
                link,
                NOW if avatar else None,
            ),
        )
    bare.execute("insert into public.avatar_training (id) values (%s)", (an_id(7),))
    for number in (1, 1, 7):
        bare.execute(
            "insert into public.avatar_webhooks (avatar_training_id, event_type, payload) "
            "values (%s, 'avatar.training_progress', '{}')",
            (an_id(number),),
        )
    bare.execute(
        "insert into public.voice_samples (clone_id, file_path, note) values (%s, 'a/b.wav', 'n')",
        (an_id(901),),
    )
    return bare


def test_the_schema_is_made_from_nothing(either):
    assert either.execute("select avatarkit_schema_version()").fetchone() == (1,)


def test_a_second_time_changes_nothing(supabase):
    create(supabase)
    before = schema(supabase)
    run_file(supabase, MIGRATION)
    assert schema(supabase) == before
    assert supabase.execute("select count(*) from avatar_training").fetchone() == (1,)


def test_a_second_time_mends_what_was_opened(supabase):
    before = schema(supabase)
    supabase.execute('drop policy "users read own trainings" on avatar_training')
    supabase.execute("grant all on avatar_ledger to anon, authenticated")
    run_file(supabase, MIGRATION)
    assert schema(supabase) == before


def test_eight_processes_at_once_make_it_once(cluster, fresh_database, supabase_template):
    database = fresh_database(supabase_template("bare"))
    program = (
        "import sys, psycopg, pathlib\n"
        "sql = pathlib.Path(sys.argv[2]).read_text()\n"
        "db = psycopg.connect(sys.argv[1])\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "db.execute(sql)\n"
        "db.commit()\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, cluster.dsn(database), str(MIGRATION)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(8)
    ]
    try:
        assert [p.stdout.readline() for p in processes] == ["ready\n"] * 8
        for process in processes:
            process.stdin.write("\n")
            process.stdin.flush()
        assert [p.communicate(timeout=50)[1] for p in processes] == [""] * 8
        assert [p.returncode for p in processes] == [0] * 8
    finally:
        for process in processes:
            process.kill()
            process.wait()
    with connected(cluster, database) as db:
        assert db.execute("select avatarkit_schema_version()").fetchone() == (1,)
        assert create_for_a_user(db)[0]


def create_for_a_user(db):
    db.execute("insert into auth.users (id) values (%s) on conflict do nothing", (ANNA,))
    return create(db)


def test_a_failure_in_the_middle_leaves_nothing(bare):
    before = schema(bare)
    sql = MIGRATION.read_text(encoding="utf-8").replace("-- 6. Supabase", "select 1 / 0;\n--")
    with pytest.raises(psycopg.errors.DivisionByZero), bare.transaction():
        bare.execute(sql)
    assert schema(bare) == before


def test_an_older_file_does_not_touch_a_newer_schema(either):
    either.execute(
        "create or replace function avatarkit_schema_version() returns integer language sql "
        "immutable as $$ select 2 $$"
    )
    with pytest.raises(psycopg.Error, match="newer version 2") as caught:
        run_file(either, MIGRATION)
    assert caught.value.sqlstate == "AK005"


def test_plain_postgres_has_text_ids_and_no_walls(plain):
    assert create(plain, user_id="anna@example", id="any id", clone_id="c")[0]
    assert plain.execute(
        "select count(*) from pg_constraint where contype = 'f' and connamespace = "
        "'public'::regnamespace"
    ).fetchone() == (0,)
    assert plain.execute(
        "select count(*) from pg_class where relrowsecurity and relnamespace = "
        "'public'::regnamespace"
    ).fetchone() == (0,)


def test_supabase_has_uuids_that_belong_to_users(supabase):
    with pytest.raises(psycopg.errors.InvalidTextRepresentation):
        create(supabase, id="no uuid")
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        create(supabase, user_id=an_id(5))


def test_a_schema_that_is_called_auth_makes_no_supabase(cluster, fresh_database):
    with connected(cluster, fresh_database()) as db:
        db.execute("create schema auth")
        db.execute("create table auth.users (id integer primary key)")
        run_file(db, MIGRATION)
        assert create(db, user_id="7")[0]


def test_a_host_table_keeps_its_policies_grants_and_data(older):
    policies = "select * from pg_policies where tablename in ('user_clones', 'voice_samples')"
    rights = "select relacl, relrowsecurity from pg_class where relname = 'voice_samples'"
    before = older.execute(policies).fetchall(), older.execute(rights).fetchone()[1]
    run_file(older, UPGRADE, MIGRATION)
    assert (older.execute(policies).fetchall(), older.execute(rights).fetchone()[1]) == before
    assert older.execute("select note, doc from voice_samples").fetchall() == [("n", None)]
    assert older.execute("select distinct name from user_clones").fetchall() == [("twin",)]
    assert older.execute(
        "select has_table_privilege('authenticated', 'user_clones', 'insert'), "
        "has_table_privilege('service_role', 'voice_samples', 'insert')"
    ).fetchone() == (True, True)


def test_each_policy_of_the_host_that_is_dropped_is_named(older):
    warnings = []
    older.add_notice_handler(lambda notice: warnings.append(notice.message_primary))
    run_file(older, UPGRADE, MIGRATION)
    dropped = [said for said in warnings if "was dropped" in said]
    assert [said.partition(" was")[0] for said in dropped] == [
        'the policy "Users view own avatars" on public.avatar_training',
        'the policy "Users view own webhook logs" on public.avatar_webhooks',
    ]
    warnings.clear()
    run_file(older, MIGRATION)
    assert not [said for said in warnings if "was dropped" in said]  # none of ours


def test_a_host_table_of_another_shape_is_refused_by_name(bare):
    bare.execute("create table public.user_clones (id bigint primary key, user_id uuid)")
    with pytest.raises(psycopg.Error, match="user_clones") as caught:
        run_file(bare, MIGRATION)
    assert caught.value.sqlstate in {"AK005", "42804"}


@pytest.mark.parametrize("table", ["avatar_training", "avatar_webhooks"])
def test_a_table_of_one_of_our_names_and_another_shape_is_to_be_renamed(bare, table):
    bare.execute(f"create table public.{table} (id uuid primary key, user_id uuid, status text)")
    with pytest.raises(psycopg.Error, match=rf"another shape.*{table}\.doc") as caught:
        run_file(bare, UPGRADE, MIGRATION)
    assert caught.value.sqlstate == "AK005"
    bare.execute(f"alter table public.{table} rename to theirs")
    run_file(bare, UPGRADE, MIGRATION)


_CLONES = (
    "create table public.user_clones (id uuid primary key default gen_random_uuid(), "
    "user_id uuid not null references auth.users (id), training_status {}"
)


def test_a_status_that_is_no_text_is_refused_with_the_statement_that_helps(bare):
    bare.execute("create type word as enum ('pending', 'completed')")
    bare.execute(_CLONES.format("word default 'pending')"))
    with pytest.raises(psycopg.Error, match=r"user_clones\.training_status") as caught:
        run_file(bare, MIGRATION)
    assert caught.value.sqlstate == "AK005"
    bare.execute(caught.value.diag.message_hint.partition(": ")[2])
    run_file(bare, MIGRATION)
    create(bare)
    assert save(bare, status="training")
    assert bare.execute("select training_status from user_clones").fetchall() == [("training",)]


_FIVE = (
    "text default 'pending' check (training_status in "
    "('pending', 'processing', 'training', 'completed', 'failed'))"
)


_LOOKED_UP = """create table words (word text primary key);
insert into words values ('pending'), ('processing'), ('training'), ('completed'), ('failed');
"""
_TRIGGERED = """;
create function picky() returns trigger language plpgsql as $$
begin
  if new.training_status = 'action_required' then raise exception 'no such status'; end if;
  return new;
end $$;
create trigger picky before update on user_clones for each row execute function picky()"""


@pytest.mark.parametrize(
    "column",
    [
        f"{_FIVE})",
        f"{_FIVE}, avatar_ready boolean, "
        "check (not avatar_ready or training_status = 'completed'))",
        "varchar(10) default 'pending')",
        "text default 'pending' references words)",
        f"text default 'pending'){_TRIGGERED}",
    ],
    ids=["check", "check of both", "too long", "table of words", "trigger"],
)
def test_a_word_that_the_host_refuses_for_its_clone_loses_no_record(bare, column):
    bare.execute(_LOOKED_UP)
    bare.execute(_CLONES.format(column))
    run_file(bare, MIGRATION)
    warnings = []
    bare.add_notice_handler(lambda notice: warnings.append(notice.message_primary))

    def clone():
        return bare.execute("select training_status, avatar_ready from user_clones").fetchone()

    create(bare)
    assert save(bare, status="training", progress=5)
    before = clone()
    assert save(bare, version=1, status="action_required", progress=5)
    assert bare.execute("select status from avatar_training").fetchone() == ("action_required",)
    assert clone() == before
    assert warnings == [
        "public.user_clones does not accept the training_status action_required: "
        "it keeps the old one"
    ]
    assert save(bare, version=2, status="completed", progress=100)
    assert clone() == ("completed", True)


def test_a_refused_word_keeps_no_clone_from_being_ready(bare):
    bare.execute(_CLONES.format(f"{_FIVE})"))
    run_file(bare, MIGRATION)
    create(bare, status="completed", progress=100)
    create(bare, number=2, status="action_required", created_at="2026-02-01T00:00:00Z")
    save(bare, version=0, status="completed", progress=100, deleted=True)
    clone = bare.execute("select training_status, avatar_ready from user_clones").fetchone()
    assert clone == ("completed", False)


def test_older_tables_are_refused_with_the_file_that_helps(older):
    with pytest.raises(psycopg.Error) as caught:
        run_file(older, MIGRATION)
    assert caught.value.sqlstate == "AK005"
    assert UPGRADE.name in caught.value.diag.message_hint


def test_older_rows_move_over_and_can_be_read(older):
    run_file(older, UPGRADE, MIGRATION)
    docs = older.execute("select doc from avatar_training order by id").fetchall()
    one, two, three, four, five, six, eight, nine, ten = (
        Training.model_validate_json(doc) for (doc,) in docs
    )

    assert one.status is Status.COMPLETED
    assert (one.voice_id, one.avatar_id, one.progress) == ("voice-1", "avatar-1", 100)
    assert one.next_at is None
    assert two.status is Status.TRAINING
    assert two.next_at is not None
    assert [o.job.state for o in two.operations] == [JobState.RUNNING] * 2
    assert three.status is five.status is six.status is Status.FAILED
    assert "start it again" in (three.error_message or "")
    assert four.operation(Operation.VOICE).phase is Phase.DONE
    assert four.error_message == "Training failed"
    assert eight.status is Status.FAILED
    assert eight.error_message == "It was never sent to HeyGen: start it again"
    assert (nine.status, nine.next_at) == (Status.CANCELLED, None)
    assert nine.operation(Operation.AVATAR).job.id == "avatar-9"  # to be deleted there
    assert nine.completed_at is not None
    assert ten.status is Status.FAILED
    assert "adopt the avatar" in (ten.error_message or "")
    clones = older.execute("select training_status, avatar_ready from user_clones order by id")
    assert clones.fetchall() == [
        (t.status, t is one) for t in (one, two, three, four, five, six, eight, nine, ten)
    ]


def test_a_second_time_leaves_the_older_rows_and_their_clones_alone(older):
    everything = (
        "select t.id, t.doc, t.version, t.updated_at, c.xmin::text, c.training_status "
        "from avatar_training t join user_clones c on c.id = t.clone_id order by t.id"
    )
    run_file(older, UPGRADE, MIGRATION)
    before = older.execute(everything).fetchall()
    run_file(older, UPGRADE, MIGRATION)
    assert older.execute(everything).fetchall() == before


def test_older_ids_are_in_the_columns_and_found_as_jobs(older):
    run_file(older, UPGRADE, MIGRATION)
    assert older.execute(
        "select voice_provider, provider_voice_id, avatar_provider, provider_avatar_id, "
        "avatar_video_url from avatar_training where id = %s",
        (an_id(1),),
    ).fetchone() == ("heygen", "voice-1", "heygen", "avatar-1", None)
    found = "select id from avatarkit_find_job('heygen', 'avatar', 'avatar-2')"
    assert older.execute(found).fetchall() == [(an_id(2),)]
    assert [c[1] for c in claim(older)] == [an_id(2)]
    assert save(older, number=2, clone_id=an_id(902), status="completed", progress=100)


def test_nothing_older_is_lost(older):
    before = older.execute("select to_jsonb(t) from avatar_training t order by id").fetchall()
    run_file(older, UPGRADE, MIGRATION)
    kept = older.execute("select original from avatar_training_of_heygen order by id").fetchall()
    assert kept == before
    assert older.execute("select count(*) from avatar_training").fetchone() == (9,)
    log = older.execute(
        "select avatar_training_id::text, provider, user_id::text from avatar_webhooks "
        "order by avatar_training_id nulls last"
    ).fetchall()
    assert log == [(an_id(1), "heygen", ANNA)] * 2 + [(None, "heygen", None)]
    run_file(older, UPGRADE, MIGRATION)
    assert older.execute("select count(*) from avatar_training_of_heygen").fetchone() == (10,)


def test_the_service_erases_a_person_from_the_older_rows_as_well(older):
    run_file(older, UPGRADE, MIGRATION)
    of = "select count(*) from avatar_training_of_heygen where user_id = %s"
    clones = older.execute("select count(*) from user_clones").fetchone()
    assert older.execute(of, (ANNA,)).fetchone() > (0,)
    with older.transaction():
        older.execute("set local role service_role")
        older.execute("select avatarkit_erase(%s, 'x')", (ANNA,))
    assert older.execute(of, (ANNA,)).fetchone() == (0,)
    assert older.execute("select count(*) from user_clones").fetchone() == clones  # not ours


def test_an_upgraded_database_has_the_same_tables_as_a_new_one(older, cluster, fresh_database):
    run_file(older, UPGRADE, MIGRATION)
    wanted = (
        "select c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod), "
        "a.attnotnull from pg_class c join pg_attribute a on a.attrelid = c.oid "
        "where c.relname in ('avatar_training', 'avatar_webhooks') and a.attnum > 0 "
        "and not a.attisdropped order by 1, 2"
    )
    upgraded = older.execute(wanted).fetchall()
    run_file(older, UPGRADE)
    older.execute("drop table avatar_training, avatar_webhooks cascade")
    run_file(older, MIGRATION)
    assert older.execute(wanted).fetchall() == upgraded


def test_the_upgrade_does_nothing_where_nothing_is_older(supabase):
    before = schema(supabase)
    run_file(supabase, UPGRADE)
    assert schema(supabase) == before


def test_what_is_created_twice_is_created_once(either):
    assert create(either) == (True, '{"number": 1}')
    assert create(either, doc="{}") == (False, '{"number": 1}')
    assert create(either, kind="video") == (False, '{"number": 1}')


def test_a_clone_of_somebody_else_is_told_by_its_own_error(either):
    create(either)
    with pytest.raises(psycopg.Error) as caught:
        create(either, number=2, user_id=BERT)
    assert caught.value.sqlstate == "AK004"
    assert ANNA not in str(caught.value)


def test_only_the_version_that_was_read_is_replaced(either):
    create(either)
    assert save(either, version=0, progress=10)
    assert not save(either, version=0, progress=20)
    assert either.execute("select progress, version from avatar_training").fetchall() == [(10, 1)]


def test_a_lost_race_writes_no_ledger_and_no_job(either):
    create(either)
    entry = {"id": "e", "record_id": an_id(1), "operation": "voice", "provider": "fake",
             "account": "", "attempt": 1, "job_id": "j", "cost": None, "at": NOW}  # fmt: skip
    assert not save(either, version=7, jobs=[["fake", "voice", "j"]], ledger=[entry])
    assert save(either, version=0, jobs=[["fake", "voice", "j"]], ledger=[entry])
    assert save(either, version=1, ledger=[entry])
    assert either.execute("select id, job_id from avatar_ledger").fetchall() == [("e", "j")]
    assert either.execute("select job_id from avatar_jobs").fetchall() == [("j",)]
    assert save(either, version=2, jobs=[["fake", "voice", "k"]])
    assert either.execute("select job_id from avatar_jobs").fetchall() == [("k",)]


@pytest.mark.parametrize("final", ["completed", "failed", "cancelled"])
def test_a_final_row_keeps_status_and_progress_alone(either, final):
    create(either)
    assert save(either, version=0, status=final, progress=50)
    for change, state in (
        ({"status": "training", "progress": 50}, "AK001"),
        ({"status": final, "progress": 60}, "AK002"),
    ):
        with pytest.raises(psycopg.Error) as caught:
            save(either, version=1, **change)
        assert caught.value.sqlstate == state
    assert save(either, version=1, status=final, progress=50, deleted=True, doc='{"new": 1}')


def test_progress_and_version_never_fall_by_any_hand(either):
    create(either)
    save(either, version=0, status="training", progress=50)
    for statement, state in (
        ("update avatar_training set progress = 49", "AK002"),
        ("update avatar_training set version = 0", "AK003"),
        ("update avatar_training set status = 'dreaming'", "23514"),
        ("update avatar_training set progress = 101", "23514"),
    ):
        with pytest.raises(psycopg.Error) as caught:
            either.execute(statement)
        assert caught.value.sqlstate == state


def test_a_change_by_hand_is_dated_and_a_failure_says_so(either):
    create(either)
    either.execute("update avatar_training set status = 'failed'")
    assert either.execute(
        "select updated_at > %s, error_message from avatar_training", (NOW,)
    ).fetchone() == (True, "Training failed")


def test_a_clone_follows_its_trainings(either):
    def clone():
        return either.execute("select training_status, avatar_ready from user_clones").fetchone()

    create(either)
    assert clone() == ("pending", False)
    save(either, version=0, status="completed", progress=100)
    assert clone() == ("completed", True)
    create(either, number=2, created_at="2026-02-01T00:00:00Z")
    assert clone() == ("pending", True)
    save(either, version=1, status="completed", progress=100, deleted=True)
    assert clone() == ("pending", False)
    either.execute("delete from avatar_training where id = %s", (an_id(2),))
    assert clone() == ("pending", False)
    left = either.execute("select record_id::text from avatar_leases").fetchall()
    assert left == [(an_id(1),)]


def test_a_clone_is_in_step_when_two_trainings_end_at_once(cluster, either):
    create(either, number=1)
    create(either, number=2, created_at="2026-02-01T00:00:00Z")
    with connected(cluster, either.info.dbname) as other, either.transaction():
        save(either, version=0, number=1, status="completed", progress=100)
        late = threading.Thread(
            target=save, args=(other, 0), kwargs={"number": 2, "status": "failed"}
        )
        late.start()
        waiting = "select count(*) from pg_locks where not granted"
        with connected(cluster, either.info.dbname) as watcher:
            while watcher.execute(waiting).fetchone() == (0,) and late.is_alive():
                pass
        assert late.is_alive(), "the second one did not wait"
        either.execute("select 1")
    late.join(20)
    assert either.execute("select training_status, avatar_ready from user_clones").fetchone() == (
        "failed",
        True,
    )


def test_what_is_due_is_claimed_oldest_first_and_once(either):
    create(either, number=1, next_at="2026-01-03T00:00:00Z")
    create(either, number=2, next_at="2026-01-02T00:00:00Z", deleted=True)
    create(either, kind="video", number=3, next_at="2026-01-01T00:00:00Z")
    create(either, number=4, next_at="2999-01-01T00:00:00Z")
    create(either, number=5, next_at=None)
    assert [c[:3] for c in claim(either, limit=2)] == [
        ("video", an_id(3), 1),
        ("training", an_id(2), 1),
    ]
    assert [c[:3] for c in claim(either)] == [("training", an_id(1), 1)]
    assert claim(either) == []


def test_workers_share_what_is_due_and_none_waits(cluster, either):
    for number in range(60):
        create(either, number=number)
    got: list[str] = []

    def work(owner: int) -> None:
        with connected(cluster, either.info.dbname) as db:
            while claims := claim(db, owner=str(owner), limit=4):
                got.extend(c[1] for c in claims)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert len(got) == len(set(got)) == 60


def test_a_worker_passes_over_what_another_takes_at_this_moment(cluster, either):
    for number in range(4):
        create(either, number=number)
    with connected(cluster, either.info.dbname) as other, either.transaction():
        assert len(claim(either, limit=3)) == 3
        assert [c[1] for c in claim(other, limit=3)] == [an_id(3)]


def test_only_the_newest_fence_gives_back(either):
    create(either)
    assert claim(either, seconds=60, now="2026-01-01T00:00:00Z")[0][2] == 1
    assert claim(either, seconds=60, now="2026-01-01T00:00:59Z") == []
    assert claim(either, owner="other", now="2026-01-01T00:01:00Z")[0][2] == 2
    release = "select avatarkit_release(%s, %s)"
    assert either.execute(release, (an_id(1), 1)).fetchone() == (False,)
    assert either.execute(release, (an_id(1), 2)).fetchone() == (True,)
    assert claim(either)[0][2] == 3


def test_a_paused_record_is_left_alone_for_so_long(either):
    create(either)
    claim(either, now=NOW)
    either.execute("select avatarkit_release(%s, 1, 60, %s)", (an_id(1), NOW))
    assert claim(either, now="2026-01-01T00:00:59Z") == []
    assert claim(either, now="2026-01-01T00:01:00Z")


def test_what_is_held_is_renewed_and_what_is_lost_is_not(either):
    create(either)
    claim(either, now=NOW)
    renew = "select avatarkit_renew('w', 60, %s)"
    assert either.execute(renew, ("2026-01-01T00:00:30Z",)).fetchone() == (1,)
    assert claim(either, now="2026-01-01T00:01:29Z") == []
    assert either.execute(renew, ("2026-01-01T00:01:30Z",)).fetchone() == (0,)
    assert either.execute("select avatarkit_renew('other', 60)").fetchone() == (0,)


def test_the_next_due_record_is_one_that_nobody_holds(either):
    assert either.execute("select avatarkit_next_due()").fetchone() == (None,)
    create(either, number=1, next_at="1970-01-01T00:01:40Z")
    create(either, kind="video", number=2, next_at="1970-01-01T00:03:20Z")
    assert either.execute("select avatarkit_next_due()").fetchone() == (100.0,)
    claim(either, limit=1)
    assert either.execute("select avatarkit_next_due()").fetchone() == (200.0,)


@pytest.mark.parametrize(
    ("body", "payload"),
    [
        (b'{"a": [1.50]}', {"a": [1.5]}),
        (b"\xff\x00 no JSON", None),
        (b'{"a": "\\u0000"}', None),
        (b"", None),
        (b"[" * 100_000, None),
    ],
)
def test_every_delivery_is_kept_once_whatever_is_in_it(either, body, payload):
    import base64

    create(either)
    log = "select avatarkit_log_webhook('fake', 'e1', 'avatar.training_progress', %s, %s, %s)"
    values = base64.b64encode(body).decode(), NOW, an_id(1)
    assert either.execute(log, values).fetchone() == (True,)
    assert either.execute(log, values).fetchone() == (False,)
    kept = either.execute("select payload, body, user_id::text from avatar_webhooks").fetchall()
    assert kept == [(payload, None if payload else body, ANNA)]


def test_the_same_bytes_are_one_sample_and_the_same_consent_is_kept_first(either):
    sample = {"id": an_id(1), "user_id": ANNA, "clone_id": an_id(900), "file_path": "a/b",
              "content_type": "audio/wav", "size_bytes": 1, "sha256": "s", "created_at": NOW,
              "doc": "first"}  # fmt: skip
    second = sample | {"id": an_id(2), "doc": "second"}
    add = "select avatarkit_add_sample(%s, %s)"
    for role in ("voice", "footage"):
        assert either.execute(add, (role, json.dumps(sample))).fetchone() == ("first",)
        assert either.execute(add, (role, json.dumps(second))).fetchone() == ("first",)
    with pytest.raises(psycopg.Error) as caught:
        either.execute(add, ("voice", json.dumps(sample | {"user_id": BERT})))
    assert caught.value.sqlstate == "AK004"
    consent = {"id": an_id(1), "user_id": ANNA, "real_person": True, "doc": '{"n":1}'}
    keep = "select avatarkit_add_consent(%s)"
    assert either.execute(keep, (json.dumps(consent),)).fetchone() == ('{"n":1}',)
    again = consent | {"doc": '{"n":2}'}
    assert either.execute(keep, (json.dumps(again),)).fetchone() == ('{"n":1}',)


def test_a_document_comes_back_as_the_very_bytes(either):
    doc = '{"b":1.0,"a":1e3, "text":"\\u0000 ü 😀","a":1}'
    assert create(either, doc=doc)[1] == doc
    found = either.execute("select kind, doc from avatarkit_get(%s)", (an_id(1),)).fetchall()
    assert found == [("training", doc)]


def test_functions_have_no_search_path_and_no_foreign_rights(either):
    assert (
        either.execute(
            "select proname from pg_proc where pronamespace = 'public'::regnamespace "
            "and (prosecdef or proconfig is null or not proconfig @> array['search_path=\"\"'])"
        ).fetchall()
        == []
    )


def test_the_files_are_part_of_the_package():
    folder = Path(avatarkit.repositories.__file__).parent / "migrations"
    assert MIGRATION.parent == folder
    assert UPGRADE.name < MIGRATION.name
