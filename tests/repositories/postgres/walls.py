"""Checks that users of one Supabase database cannot access each other's data."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg

ANNA, BERT = "aaaaaaaa-0000-4000-8000-000000000000", "bbbbbbbb-0000-4000-8000-000000000000"
NOBODY = "cccccccc-0000-4000-8000-000000000000"
USERS = (ANNA, BERT)
NOW = "2026-01-01T00:00:00Z"
_SAMPLE = "id clone_id user_id file_path content_type size_bytes created_at"
#: The columns of each table that a user reads of own rows.
SHOWN = {
    table: tuple(names.split())
    for table, names in {
        "avatar_training": "id user_id clone_id status progress action error_message "
        "avatar_video_url avatar_thumbnail_url sample_video_url training_started_at "
        "training_completed_at created_at updated_at version",
        "avatar_videos": "id user_id clone_id training_id status progress action error_message "
        "video_url thumbnail_url started_at completed_at created_at updated_at version",
        "avatar_consents": "id user_id subject real_person given_at",
        "user_clones": "id user_id training_status avatar_ready created_at",
        "voice_samples": _SAMPLE,
        "video_samples": _SAMPLE,
        "avatar_webhooks": "id avatar_training_id avatar_video_id event_type outcome received_at",
    }.items()
}
READ = tuple(SHOWN)[:-1]  # the log is the one without an owner's column for users
CLOSED = (
    "avatar_jobs", "avatar_ledger", "avatar_leases", "avatar_accounts", "avatar_places",
    "avatar_reservations", "avatar_waiting",
)  # fmt: skip
TABLES = (*READ, "avatar_webhooks", *CLOSED)
SEQUENCES = ("avatar_ledger_place_seq", "avatar_waiting_id_seq")
BUCKETS = ("voice-samples", "video-samples")
POLICIES = (
    *((table, "users read own rows", "r") for table in READ[3:]),
    ("avatar_consents", "users read own consents", "r"),
    ("avatar_training", "users read own trainings", "r"),
    ("avatar_videos", "users read own videos", "r"),
    ("avatar_webhooks", "users read own webhook log", "r"),
    ("objects", "avatarkit users add own samples", "a"),
    ("objects", "avatarkit users read own results", "r"),
    ("objects", "avatarkit users read own samples", "r"),
    ("objects", "avatarkit users remove own samples", "d"),
)


def an_id(user: str, number: int) -> str:
    """The id of a row of this user."""
    return f"{user[:8]}-0000-4000-8000-{number:012}"


def fill(db: psycopg.Connection) -> None:
    """Give both users the same: rows in every table, objects in every bucket."""
    for user in USERS:
        db.execute("insert into auth.users (id) values (%s)", (user,))
        clone = an_id(user, 900)
        base = {
            "user_id": user, "clone_id": clone, "stack": "fake", "status": "training",
            "progress": 5, "created_at": NOW, "updated_at": NOW, "next_at": NOW, "deleted": False,
            "version": 0, "doc": f"secret of {user}",
        }  # fmt: skip
        for number in (1, 2):
            for kind, shift in (("training", 0), ("video", 10)):
                record = an_id(user, number + shift)
                db.execute(
                    "select * from avatarkit_create(%s, %s, %s)",
                    (kind, json.dumps(base | {"id": record}), json.dumps([["fake", kind, record]])),
                )
                db.execute(
                    "select avatarkit_log_webhook('fake', %s, 'avatar.training_progress', %s, "
                    "%s, %s)",
                    (record, "eyJhIjoxfQ==", NOW, record),
                )
                db.execute(
                    "insert into avatar_ledger values (%s, %s, 'voice', 'f', '', 1, 'j', '1', %s)",
                    (record, record, NOW),
                )
                db.execute(
                    "insert into avatar_reservations values (%s, 'whose', %s, 1, 1)", (record, NOW)
                )
                db.execute("select avatarkit_take_place(%s, 'worker', 1, 1, 3600)", (record,))
                for bucket, folder in (*((b, user) for b in BUCKETS), ("avatar-results", "")):
                    name = f"{folder}/{clone}/{record}" if folder else f"results/{record}/v.mp4"
                    db.execute(
                        "insert into storage.objects (id, bucket_id, name) values "
                        "(gen_random_uuid(), %s, %s)",
                        (bucket, name),
                    )
        for role in ("voice", "footage"):
            sample = {"id": an_id(user, 20), "sha256": "s", "file_path": "x", "size_bytes": 1,
                      "content_type": "a/b"}  # fmt: skip
            db.execute("select avatarkit_add_sample(%s, %s)", (role, json.dumps(base | sample)))
        consent = {
            "id": an_id(user, 30),
            "user_id": user,
            "real_person": True,
            "doc": '{"is": "secret"}',
        }
        db.execute("select avatarkit_add_consent(%s)", (json.dumps(consent),))
    db.execute(
        "select avatarkit_log_webhook('fake', 'of nobody', 'x', 'e30=', %s, null)",
        (NOW,),
    )


@contextmanager
def acting(db: psycopg.Connection, role: str, user: str | None = None) -> Iterator[None]:
    """Be this role, and this user, until the block ends; undo what it did."""
    claims = json.dumps({"role": role} | ({"sub": user} if user else {}))
    with db.transaction(force_rollback=True):
        db.execute("select set_config('request.jwt.claims', %s, true)", (claims,))
        db.execute(f"set local role {role}")
        yield


def refused(db: psycopg.Connection, statement: str, values: tuple = ()) -> bool:
    """True if the statement is forbidden; its effect is rolled back."""
    try:
        with db.transaction(force_rollback=True):
            db.execute(statement, values)
    except psycopg.errors.InsufficientPrivilege:
        return True
    except psycopg.Error:
        return False  # it got past the rights, and failed for its content
    return False


def uncallable(db: psycopg.Connection, name: str, arguments: str) -> bool:
    """True if calling the function is forbidden, not only a statement in it."""
    try:
        with db.transaction(force_rollback=True):
            db.execute(f"select {name}({arguments})")
    except psycopg.errors.InsufficientPrivilege as error:
        return f"permission denied for function {name}" in str(error)
    except psycopg.Error:
        return False
    return False


def touched(db: psycopg.Connection, statement: str, values: tuple = ()) -> int:
    """How many rows the statement reaches; 0 where it is refused. It leaves nothing."""
    try:
        with db.transaction(force_rollback=True):
            return db.execute(statement, values).rowcount
    except psycopg.errors.InsufficientPrivilege:
        return 0


def column(db: psycopg.Connection, statement: str, values: tuple = ()) -> list[str]:
    return sorted(str(value) for (value,) in db.execute(statement, values).fetchall())


# -- what users read ------------------------------------------------------------------------------


def a_user_sees_exactly_own_rows_in_every_table(db):
    for table in (*READ, "avatar_webhooks"):
        owner = "user_id"
        wanted = {
            user: column(db, f"select id from {table} where {owner} = %s", (user,))
            for user in USERS
        }
        for user in (*USERS, NOBODY):
            with acting(db, "authenticated", user):
                assert column(db, f"select id from {table}") == wanted.get(user, []), table


def a_user_finds_no_row_of_another_by_its_id(db):
    for table in READ:
        theirs = column(db, f"select id from {table} where user_id = %s", (BERT,))
        assert theirs
        with acting(db, "authenticated", ANNA):
            found = f"select count(*) from {table} where id = any(%s::uuid[])"
            assert db.execute(found, (theirs,)).fetchone() == (0,), table


def hidden(db: psycopg.Connection) -> list[tuple[str, str]]:
    """Every column that only the service reads, with its table."""
    named = db.execute(
        "select table_name::text, column_name::text from information_schema.columns "
        "where table_schema = 'public' and table_name = any(%s) order by 1, 2",
        (list(SHOWN),),
    ).fetchall()
    return [(table, name) for table, name in named if name not in SHOWN[table]]


def a_user_reads_of_own_rows_what_was_made_for_users(db):
    kept = hidden(db)
    assert {table for table, name in kept if name == "doc"} == set(SHOWN) - {"user_clones"}
    for user in USERS:
        with acting(db, "authenticated", user):
            for table, names in SHOWN.items():
                assert db.execute(f"select {', '.join(names)} from {table}").fetchall(), table
                if table != "user_clones":  # all its columns are for users
                    assert refused(db, f"select * from {table}"), table
                    assert refused(db, f"select {table} from {table}"), table
            for table, name in kept:
                assert refused(db, f"select {name} from {table}"), (table, name)
                assert refused(db, f"select id from {table} where {name} is null"), (table, name)
                assert refused(db, f"select id from {table} order by {name}"), (table, name)


def what_the_service_keeps_is_closed_to_users(db):
    for user in USERS:
        with acting(db, "authenticated", user):
            for table in (*CLOSED, *SEQUENCES):
                assert refused(db, f"select * from {table}"), table


def anon_gets_nothing(db):
    for claims_of in (None, ANNA):  # a forged subject does not help
        with acting(db, "anon", claims_of):
            for table in TABLES:
                assert refused(db, f"select from {table}"), table
                assert refused(db, f"select id from {table}") or table in CLOSED, table
            for sequence in SEQUENCES:
                assert refused(db, f"select last_value from {sequence}"), sequence
                assert refused(db, f"select setval('{sequence}', 1)"), sequence
            assert db.execute("select count(*) from storage.buckets").fetchone() == (0,)
            if claims_of is None:
                assert db.execute("select count(*) from storage.objects").fetchone() == (0,)
    with acting(db, "anon"):
        for name, arguments in functions(db):
            assert uncallable(db, name, arguments), name


# -- writes that are forbidden for all users ------------------------------------------------------


CHANGE = {
    **dict.fromkeys(READ, "doc = ''"),
    "user_clones": "avatar_ready = true",
    "avatar_webhooks": "outcome = ''",
    "avatar_jobs": "job_id = ''",
    "avatar_ledger": "cost = ''",
    "avatar_leases": "fence = 1",
    "avatar_accounts": "paced = now()",
    "avatar_places": "until = now()",
    "avatar_reservations": "spent = 0",
    "avatar_waiting": "records = 0",
}


def nobody_but_the_service_writes_a_table(db):
    for role, user in (("anon", None), ("authenticated", ANNA), ("authenticated", BERT)):
        with acting(db, role, user):
            for table in TABLES:
                for statement in (
                    f"insert into {table} default values",
                    f"update {table} set {CHANGE[table]}",
                    f"delete from {table}",
                    f"truncate {table} cascade",
                ):
                    assert refused(db, statement), (role, statement)


def functions(db) -> list[tuple[str, str]]:
    """Every function of ours that can be called, with arguments that fit its types."""
    return db.execute(
        "select p.proname, (select coalesce(string_agg('null::' || format_type(t, null), ', '), '')"
        " from unnest(p.proargtypes) t) from pg_proc p "
        "where p.pronamespace = 'public'::regnamespace and p.proname like 'avatarkit\\_%' "
        "and p.prorettype <> 'trigger'::regtype order by 1"
    ).fetchall()


def users_call_no_function(db):
    assert len(functions(db)) >= 14
    with acting(db, "authenticated", ANNA):
        for name, arguments in functions(db):
            assert uncallable(db, name, arguments), name


# -- storage --------------------------------------------------------------------------------------

PUT = "insert into storage.objects (bucket_id, name) values (%s, %s)"
REMOVE = "delete from storage.objects where bucket_id = %s and name like %s"


def users_add_only_own_sample_objects(db):
    for user, other in (USERS, USERS[::-1]):
        with acting(db, "authenticated", user):
            for bucket in BUCKETS:
                assert touched(db, PUT, (bucket, f"{user}/c/new.wav")) == 1
                for name in (f"{other}/c/new.wav", "new.wav", f"x/{user}/new.wav", user):
                    assert refused(db, PUT, (bucket, name)), name
            for name in (f"{user}/c/new.wav", f"results/{an_id(user, 1)}/new.mp4"):
                assert refused(db, PUT, ("avatar-results", name)), name
    with acting(db, "anon"):
        for bucket in (*BUCKETS, "avatar-results"):
            assert refused(db, PUT, (bucket, f"{ANNA}/c/new.wav"))


def users_remove_only_own_sample_objects(db):
    for user, other in (USERS, USERS[::-1]):
        with acting(db, "authenticated", user):
            for bucket in BUCKETS:
                assert touched(db, REMOVE, (bucket, f"{user}/%")) == 4
                assert touched(db, REMOVE, (bucket, f"{other}/%")) == 0
                assert touched(db, REMOVE, (bucket, "%")) == 4
            assert touched(db, REMOVE, ("avatar-results", "%")) == 0
            # without a condition, the policy for reading hides nothing
            assert touched(db, "delete from storage.objects") == 8
    with acting(db, "anon"):
        for bucket in (*BUCKETS, "avatar-results"):
            assert touched(db, REMOVE, (bucket, "%")) == 0


def nobody_overwrites_an_object_or_changes_a_bucket(db):
    for role, user in (("anon", None), ("authenticated", ANNA)):
        with acting(db, role, user):
            assert touched(db, "update storage.objects set name = 'x' || name") == 0
            assert touched(db, "update storage.objects set owner_id = 'x'") == 0
            assert touched(db, "update storage.buckets set public = true") == 0
            assert touched(db, "delete from storage.buckets") == 0


def users_read_only_own_objects(db):
    for user in USERS:
        with acting(db, "authenticated", user):
            for bucket in BUCKETS:
                names = column(db, "select name from storage.objects where bucket_id = %s",
                               (bucket,))  # fmt: skip
                assert len(names) == 4
                assert all(name.startswith(f"{user}/") for name in names)


def users_read_only_own_results(db):
    for user in USERS:
        wanted = sorted(f"results/{an_id(user, number)}/v.mp4" for number in (1, 2, 11, 12))
        with acting(db, "authenticated", user):
            seen = "select name from storage.objects where bucket_id = 'avatar-results'"
            assert column(db, seen) == wanted


def the_buckets_are_private(db):
    assert column(db, "select id from storage.buckets where not public") == sorted(
        (*BUCKETS, "avatar-results")
    )


# -- the service, and the catalogue ---------------------------------------------------------------


def the_service_does_its_work(db):
    with acting(db, "service_role"):
        for table in TABLES:
            assert db.execute(f"select count(*) from {table}").fetchone()[0] >= 2, table
        claims = db.execute("select id, fence from avatarkit_claim('w', 50, 60)").fetchall()
        assert len(claims) == 8
        for values in claims:
            assert db.execute("select avatarkit_release(%s, %s)", values).fetchone() == (True,)
        for statement in (
            "select avatarkit_now()",
            "select avatarkit_next_due()",
            "select avatarkit_backlog()",
            "select avatarkit_take_place('a', 'b', 1, 1, 1)",
            "select avatarkit_leave_place('a', 'b')",
            "select avatarkit_renew('w', 60)",
            "select avatarkit_schema_version()",
            "select * from avatarkit_find_job('fake', 'training', 'x')",
            "select * from avatarkit_held('-infinity', 'infinity')",
            """select * from avatarkit_full(1, '[{"amount": 1, "since": "2026-01-01"}]')""",
            f"select avatarkit_erase('{NOBODY}', 'x')",
            f"select avatarkit_drop_webhooks('{NOBODY}', 'x')",
        ):
            db.execute(statement)
        record = an_id(ANNA, 1)
        assert db.execute("select kind from avatarkit_get(%s)", (record,)).fetchall()
        values = {
            "id": record, "status": "completed", "progress": 100, "stack": "fake", "version": 1,
            "updated_at": NOW, "deleted": False, "doc": "x",
        }  # fmt: skip
        entry = [{"id": "e", "record_id": record, "operation": "voice", "provider": "f",
                  "account": "", "attempt": 1, "job_id": "j", "at": NOW}]  # fmt: skip
        held = {"record_id": record, "whose": "w", "at": NOW, "reserved": 1, "spent": 1}
        assert db.execute(
            "select avatarkit_save('training', 0, %s, %s, %s, %s)",
            (
                json.dumps(values),
                json.dumps([["f", "voice", "j"]]),
                json.dumps(entry),
                json.dumps(held),
            ),
        ).fetchone() == (True,)
        ready = "select avatar_ready from user_clones where user_id = %s"
        assert db.execute(ready, (ANNA,)).fetchone() == (True,)
        new = {
            "user_id": ANNA, "clone_id": an_id(ANNA, 901), "status": "pending", "progress": 0,
            "created_at": NOW, "updated_at": NOW, "deleted": False, "version": 0, "doc": "{}",
            "stack": "fake", "file_path": "x", "sha256": "new", "real_person": True,
        }  # fmt: skip
        for statement, number in (
            ("select * from avatarkit_create('training', %s)", 40),
            ("select * from avatarkit_create('video', %s)", 41),
            ("select avatarkit_add_sample('voice', %s)", 42),
            ("select avatarkit_add_sample('footage', %s)", 43),
            ("select avatarkit_add_consent(%s)", 44),
        ):
            db.execute(statement, (json.dumps(new | {"id": an_id(ANNA, number)}),))
        db.execute("select avatarkit_log_webhook('f', 'n', 't', 'e30=', %s, %s)", (NOW, record))
        db.execute("select avatarkit_settle_webhook('f', 'n', 'applied')")
        assert db.execute("select * from avatarkit_webhooks(1)").fetchall()
        for role, table, number in (("voice", "voice", 42), ("footage", "video", 43)):
            db.execute("select avatarkit_remove_sample(%s, %s)", (role, an_id(ANNA, number)))
            gone = f"select id from {table}_samples where id = %s"
            assert not db.execute(gone, (an_id(ANNA, number),)).fetchall()
        db.execute("select avatarkit_revoke_consent(%s, 1)", (an_id(ANNA, 999),))
        db.execute("select avatarkit_drop_evidence(%s)", (an_id(ANNA, 999),))
        for table in ("avatar_webhooks", *READ[:3], *READ[4:], "user_clones", *CLOSED):
            assert touched(db, f"delete from {table}") >= 2, table
        db.execute("select avatarkit_sum_waiting()")


def rights_are_written_down(db):
    """Every right of every role in every table and sequence, as the catalogue tells."""
    held = db.execute("""
        select c.relname::text, r.rolname::text, p.kind
          from pg_class c, (values ('anon'), ('authenticated'), ('service_role')) r (rolname),
               unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references',
                            'trigger']) p (kind)
         where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
           and has_table_privilege(r.rolname::name, c.oid, p.kind)""").fetchall()
    wanted = {
        (table, "service_role", kind)
        for table in TABLES
        for kind in ("select", "insert", "update", "delete")
    }
    assert set(held) == wanted, set(held) ^ wanted
    counted = db.execute("""
        select c.relname::text, bool_or(has_sequence_privilege(r.rolname::name, c.oid, p.kind))
          from pg_class c, (values ('anon'), ('authenticated'), ('service_role')) r (rolname),
               unnest(array['usage', 'select', 'update']) p (kind)
         where c.relnamespace = 'public'::regnamespace and c.relkind = 'S'
         group by c.oid order by 1""").fetchall()
    assert counted == [(name, False) for name in SEQUENCES]
    columns = db.execute(
        "select table_name::text, column_name::text, grantee::text, privilege_type::text "
        "from information_schema.column_privileges where table_schema = 'public' "
        "and grantee in ('anon', 'authenticated', 'PUBLIC')"
    ).fetchall()
    assert set(columns) == {
        (table, name, "authenticated", "SELECT") for table in SHOWN for name in SHOWN[table]
    }
    called = db.execute(
        "select distinct p.proname::text, r.rolname from pg_proc p, "
        "(values ('anon'), ('authenticated'), ('service_role')) r (rolname) "
        "where p.pronamespace = 'public'::regnamespace "
        "and has_function_privilege(r.rolname::name, p.oid, 'execute')"
    ).fetchall()
    names = column(db, "select distinct proname from pg_proc where pronamespace = "
                       "'public'::regnamespace")  # fmt: skip
    assert set(called) == {(name, "service_role") for name in names}


def every_table_is_row_secured(db):
    assert column(
        db,
        "select relname from pg_class where relnamespace = 'public'::regnamespace "
        "and relkind = 'r' and not relrowsecurity",
    ) == []  # fmt: skip
    policies = db.execute(
        "select relname::text, polname::text, polcmd::text from pg_policy "
        "join pg_class on pg_class.oid = polrelid "
        "where polroles = array['authenticated'::regrole::oid] and polpermissive"
    ).fetchall()
    assert sorted(policies) == sorted(POLICIES)
    assert db.execute("select count(*) from pg_policy").fetchone() == (len(POLICIES),)
    assert column(
        db,
        "select relname from pg_class where relkind in ('v', 'm') "
        "and relnamespace = 'public'::regnamespace",
    ) == []  # fmt: skip


def changes_are_published(db):
    assert column(db, "select tablename from pg_publication_tables "
                      "where pubname = 'supabase_realtime'") == [
        "avatar_training", "avatar_videos"]  # fmt: skip


#: What shows in what people can do.
BEHAVIOUR: tuple[Callable[[psycopg.Connection], None], ...] = (
    a_user_sees_exactly_own_rows_in_every_table,
    a_user_finds_no_row_of_another_by_its_id,
    a_user_reads_of_own_rows_what_was_made_for_users,
    what_the_service_keeps_is_closed_to_users,
    users_add_only_own_sample_objects,
    users_remove_only_own_sample_objects,
    users_read_only_own_objects,
    users_read_only_own_results,
    nobody_overwrites_an_object_or_changes_a_bucket,
    anon_gets_nothing,
    users_call_no_function,
    nobody_but_the_service_writes_a_table,
    the_service_does_its_work,
)
#: What shows in the catalogue, also where a second wall still stands.
CATALOGUE = (
    rights_are_written_down,
    every_table_is_row_secured,
    the_buckets_are_private,
    changes_are_published,
)


def caught_by(db: psycopg.Connection, checks) -> str | None:
    """The first check that fails, or None."""
    for check in checks:
        try:
            with db.transaction(force_rollback=True):
                check(db)
        except (AssertionError, psycopg.Error):
            return check.__name__
    return None
