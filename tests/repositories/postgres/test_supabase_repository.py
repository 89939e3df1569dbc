"""``SupabaseRepository`` on the real PostgREST: the suite, users' tokens, and what can go wrong."""

from __future__ import annotations

import traceback
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal

import anyio
import httpx
import pytest
import stamina
from pydantic import SecretStr

from avatarkit import http
from avatarkit.consent import identified
from avatarkit.content.results import Results
from avatarkit.errors import BudgetExceeded, ConfigError, IllegalTransition, StorageError
from avatarkit.interfaces import Cap, LogEntry, ProviderSettings
from avatarkit.lifecycle.account_limits import AccountSlots
from avatarkit.lifecycle.advance import Orchestrator
from avatarkit.lifecycle.decide import Policy
from avatarkit.media.folder import FolderStore
from avatarkit.models import Consent, Operation, StoredFile
from avatarkit.providers.synthesia import Synthesia
from avatarkit.records import LedgerEntry, OperationState, Sample
from avatarkit.repositories.server_clock import ServerClock
from avatarkit.repositories.supabase import SupabaseRepository
from avatarkit.testing.clock import FakeClock
from avatarkit.testing.repositories import ANA, BOB, EditableSuite, a_training, a_video, an_id
from avatarkit.testing.wire import Wire

from .conftest import GRANTS, connected
from .postgrest import URL, token
from .test_postgres_faults import refuse_payments

pytestmark = pytest.mark.anyio

USERS = ((ANA, "ana"), (BOB, "bob"))
TABLES = (
    "auth.users, user_clones, voice_samples, video_samples, avatar_training, avatar_videos, "
    "avatar_webhooks, avatar_consents, avatar_jobs, avatar_ledger, avatar_leases, "
    "avatar_accounts, avatar_places, avatar_reservations, avatar_waiting"
)


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture(autouse=True)
def _no_waiting():
    with stamina.set_testing(True, attempts=4, cap=True):
        yield


def over(wire, **more):
    return SupabaseRepository(URL, "sb_secret_x", client=wire.client, **more)


@pytest.fixture(scope="module")
def project(start_postgrest, cluster, fresh_database, supabase_template):
    """Makes a Supabase project in one of the two worlds of grants, once."""
    made = {}

    def make(grants=GRANTS[0]):
        if grants not in made:
            database = fresh_database(supabase_template("ready", grants))
            made[grants] = start_postgrest(database), database
        server, database = made[grants]
        with connected(cluster, database) as db:
            db.execute(f"truncate {TABLES}")
            for user in (ANA, BOB):
                db.execute("insert into auth.users (id) values (%s)", (user,))
        return server, database

    return make


#: Tests of the suite that CI runs here, at least one for each method. Postgres runs all of them
#: against the same SQL functions; `nox -s thorough` runs all of them here as well.
BRIEFLY = frozenset(
    {
        "test_now_is_the_wall_time_of_its_clock",
        "test_opening_twice_is_as_good_as_once",
        "test_every_field_survives",
        "test_an_unknown_id_is_none",
        "test_creating_twice_answers_with_the_first",
        "test_of_many_who_create_one_succeeds",
        "test_another_users_clone_is_not_found",
        "test_a_refused_record_is_not_kept",
        "test_of_many_who_save_one_wins",
        "test_what_was_never_created_cannot_be_saved",
        "test_a_final_status_is_never_left",
        "test_what_is_held_is_seen_by_another_process",
        "test_over_a_cap_nothing_is_created",
        "test_of_many_who_reserve_no_more_succeed_than_there_is_room_for",
        "test_the_ledger_is_oldest_first",
        "test_a_claim_carries_the_record_as_it_is",
        "test_of_many_who_claim_each_record_has_one",
        "test_a_lease_ends",
        "test_a_released_record_can_be_claimed",
        "test_only_the_owners_leases_are_renewed",
        "test_next_due_skips_what_is_held",
        "test_the_backlog_counts_what_waits_for_each_provider",
        "test_a_place_that_was_given_back_is_free",
        "test_after_the_wait_that_was_told_a_place_is_free",
        "test_pages_together_hold_everything_once",
        "test_filters_are_combined",
        "test_a_malformed_cursor_is_refused",
        "test_a_job_leads_to_its_record",
        "test_the_same_bytes_are_one_sample",
        "test_a_removed_sample_is_gone_and_no_other",
        "test_a_consent_is_revoked_once",
        "test_the_bytes_of_a_delivery_that_is_no_json_come_back",
        "test_what_became_of_a_delivery_is_kept",
        "test_deliveries_wait_oldest_first_until_they_are_settled",
        "test_the_log_is_filtered",
        "test_a_users_consents_are_listed",
        "test_a_users_tombstones_are_listed_until_they_forget_whose_they_are",
        "test_what_a_user_has_beside_records_is_erased",
        "test_the_deliveries_about_a_record_are_dropped",
        "test_an_unreadable_document_is_named",
        "test_an_unreadable_document_stops_no_claim",
    }
)
assert all(hasattr(EditableSuite, name) for name in BRIEFLY)


class SupabaseSuite(EditableSuite):
    grants: str
    briefly = BRIEFLY

    @pytest.fixture
    async def repository(self, clock, cluster, project):
        self.cluster = cluster
        server, self.database = project(self.grants)
        async with server.client() as client:
            repository = SupabaseRepository(
                URL, "sb_secret_of_tests", clock=clock, virtual=True, client=client
            )
            await repository.open()
            yield repository

    async def edit(self, record_id, doc):
        with connected(self.cluster, self.database) as db:
            db.execute("update avatar_training set doc = %s where id = %s", (doc, record_id))


class TestWhereNothingIsGranted(SupabaseSuite):
    grants = GRANTS[0]


class TestWhereEverythingIsGranted(SupabaseSuite):
    grants = GRANTS[1]
    briefly = frozenset({"test_every_field_survives", "test_a_claim_carries_the_record_as_it_is"})


# -- users' tokens --------------------------------------------------------------------------------


@pytest.fixture
async def two_users(project):
    """Anna and Bob have the same: a training, a video, a sample, a consent. Yields the server."""
    server, _ = project()
    async with opened(server) as service:
        for user, name in USERS:
            mine = {"user_id": user, "clone_id": an_id(f"{name} clone")}
            await service.create(a_training(f"{name} training", **mine))
            await service.create(a_video(f"{name} video", **mine))
            await service.add_sample(a_sample(f"{name} sample", **mine))
            await service.add_consent(identified(Consent(subject=name, given_at=1.0), user))
    return server


@asynccontextmanager
async def opened(server, key="sb_secret_of_tests", **more):
    async with server.client() as client:
        repository = SupabaseRepository(URL, key, client=client, **more)
        await repository.open()
        yield repository


def a_sample(name, **more):
    file = StoredFile(key=f"samples/{name}", size=3, sha256=name * 4)
    return Sample(id=an_id(name), role="voice", name="me.wav", file=file, **more)


HERS = a_sample("s", user_id=ANA, clone_id=an_id("c"))
READERS = ("avatar_training", "avatar_videos", "avatar_consents", "voice_samples")


@pytest.mark.parametrize("table", READERS)
async def test_a_browser_reads_named_columns_of_own_rows_and_no_document(two_users, table):
    headers = {"apikey": "sb_publishable_of_tests"}
    headers["authorization"] = f"Bearer {token('authenticated', ANA)}"
    async with two_users.client() as client:

        async def asked(query):
            answer = await client.get(f"{URL}/rest/v1/{table}?{query}", headers=headers)
            return answer.status_code, answer.json()

        status, rows = await asked("select=id,user_id")
        assert status == 200
        assert {row["user_id"] for row in rows} == {ANA}
        for query in ("select=doc", "select=*", "", "select=id&doc=like.*a*", "order=doc"):
            status, said = await asked(query)
            assert (status, said["code"]) == (403, "42501"), query
            assert said["message"] == f"permission denied for table {table}"


@pytest.mark.parametrize("function", ["avatarkit_get", "avatarkit_find_job", "avatarkit_webhooks"])
async def test_a_browser_calls_no_function_that_tells_documents(two_users, function):
    headers = {"apikey": "sb_publishable_of_tests"}
    headers["authorization"] = f"Bearer {token('authenticated', ANA)}"
    told = {
        "avatarkit_get": {"p_id": an_id("ana training")},
        "avatarkit_find_job": {"p_provider": "fake", "p_operation": "voice", "p_job_id": "j"},
        "avatarkit_webhooks": {"p_limit": 5},
    }[function]
    async with two_users.client() as client:
        answer = await client.post(f"{URL}/rest/v1/rpc/{function}", json=told, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "42501")


# -- opening --------------------------------------------------------------------------------------


async def test_what_was_closed_can_be_opened_again(two_users, monkeypatch):
    monkeypatch.setattr(http, "new_client", lambda **_: two_users.client())
    repository = SupabaseRepository(URL, "sb_secret_of_tests")
    for _ in range(2):
        await repository.open()
        assert await repository.get(an_id("ana training"))
        await repository.aclose()


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("sb_secret_of_somebody", "does not accept the key"),
        (token("anon"), "service role's key"),
        (token("authenticated", ANA), "service role's key"),
        (token("service_role", expires=-60), "does not accept the key"),
        ("eyJhbGciOiJIUzI1NiJ9.e30.forged", "does not accept the key"),
    ],
    ids=["unknown", "anon", "of a user", "expired", "forged"],
)  # fmt: skip
async def test_a_key_that_will_not_do_is_told_at_once(project, key, said):
    with pytest.raises(ConfigError, match=said) as caught:
        async with opened(project()[0], key):
            pass
    assert key not in str(caught.value)


async def test_the_legacy_service_key_will_do(project):
    async with opened(project()[0], token("service_role")) as repository:
        await repository.create(a_training())


async def test_a_project_without_tables_is_told_what_to_run(
    start_postgrest, fresh_database, supabase_template
):
    bare = start_postgrest(fresh_database(supabase_template("bare")))
    with pytest.raises(ConfigError, match=r"db export-migration.*supabase db push"):
        async with opened(bare):
            pass


@pytest.mark.parametrize(("version", "said"), [(0, "supabase db push"), (2, "upgrade avatarkit")])
async def test_tables_of_another_version_are_told(version, said):
    with pytest.raises(ConfigError, match=said):
        await over(Wire().reply(version)).open()


@pytest.mark.parametrize(
    "url", ["", "project.supabase.co", "https://a b", "https://u:p@x.y", "postgresql://x"]
)
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(ConfigError, match="SUPABASE_URL"):
        SupabaseRepository(url, "sb_secret_x")


@pytest.mark.parametrize("key", ["", " ", "a\nb", "sb_sécret"])
def test_a_key_that_is_none_is_refused(key):
    with pytest.raises(ConfigError, match="SUPABASE_SERVICE_ROLE_KEY"):
        SupabaseRepository(URL, key)


def test_a_publishable_key_alone_is_refused():
    with pytest.raises(ConfigError, match="sb_secret_"):
        SupabaseRepository(URL, "sb_publishable_x")


@pytest.mark.parametrize(
    ("key", "authorization"), [("sb_secret_x", None), ("eyJ.e.y", "Bearer eyJ.e.y")]
)
async def test_the_key_is_in_the_headers_that_are_for_it(key, authorization):
    wire = Wire().reply([])
    await SupabaseRepository(URL, key, client=wire.client).get(an_id("x"))
    headers = wire.requests[0].headers
    assert (headers["apikey"], headers.get("authorization")) == (key, authorization)


# -- time -----------------------------------------------------------------------------------------


async def test_now_is_the_databases_time(project, cluster):
    server, database = project()
    async with opened(server) as repository:
        with connected(cluster, database) as db:
            ((before,),) = db.execute("select extract(epoch from clock_timestamp())::float8")
            now = await repository.now()
            ((after,),) = db.execute("select extract(epoch from clock_timestamp())::float8")
    assert before <= now.wall <= after


async def test_with_a_clock_the_database_is_asked_once_in_a_while():
    wire = Wire().reply(2000.0)
    repository = over(wire, clock=FakeClock())
    assert [(await repository.now()).wall for _ in range(3)] == [2000.0] * 3
    assert len(wire.requests) == 1


# -- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "record"),
    [
        ("id", a_training().model_copy(update={"id": "7"})),
        ("user_id", a_training(user_id="ana")),
        ("clone_id", a_training(clone_id="twin")),
        ("training_id", a_video(training_id="t")),
    ],
)
async def test_an_id_that_is_no_uuid_is_named_before_anything_is_sent(name, record):
    wire = Wire()
    with pytest.raises(ConfigError, match=f"{name} is '.*UUID"):
        await over(wire).create(record)
    assert wire.requests == []


async def test_a_user_whom_the_project_does_not_know_is_told(project):
    async with opened(project()[0]) as repository:
        with pytest.raises(ConfigError, match=r"auth\.users"):
            await repository.create(a_training(user_id=an_id("nobody")))


async def test_a_statement_that_takes_too_long_is_no_answer_to_wait_for(
    cluster, start_postgrest, project
):
    """Supabase's roles have a statement timeout of some seconds."""
    _, database = project()
    hasty = start_postgrest(f"{database}?options=-c%20statement_timeout%3D300")
    async with opened(hasty) as repository:
        old, _ = await repository.create(a_training())
        with connected(cluster, database) as db, db.transaction():
            db.execute("select from avatar_training where id = %s for update", (old.id,))
            with pytest.raises(StorageError, match="statement_timeout"):
                await repository.save(old, old)


async def test_details_of_a_row_are_never_told(caplog):
    """A check's ``details`` hold the whole row."""
    wire = Wire().reply(
        {"code": "23514", "message": "a check", "details": "row (Secret!)", "hint": "Secret!"}, 400
    )
    with pytest.raises(StorageError) as caught:
        await over(wire).create(a_training())
    shown = "".join(traceback.format_exception(caught.value)) + caplog.text
    assert "Secret!" not in shown
    assert caught.value.__context__ is None


async def test_progress_does_not_fall(project):
    async with opened(project()[0]) as repository:
        old, _ = await repository.create(a_training(progress=50))
        with pytest.raises(IllegalTransition, match="cannot fall"):
            await repository.save(old, old.model_copy(update={"progress": 40}))


REFUSALS = [
    ({"code": "42501", "message": "no"}, 403, ConfigError, "service role's key"),
    ({"code": "PGRST301", "message": "JWT expired"}, 401, ConfigError, "does not accept the key"),
    ({"code": "PGRST303", "message": "JWT expired"}, 401, ConfigError, "does not accept the key"),
    ({"message": "Invalid API key"}, 401, ConfigError, "does not accept the key"),
    ({"code": "PGRST202", "message": "?"}, 404, ConfigError, "db export-migration"),
    ({"code": "AK005", "message": "older"}, 400, ConfigError, "older"),
    ({"code": "22P02", "message": "Secret!"}, 400, ConfigError, "UUID"),
    ({"code": "22003", "message": "Secret!"}, 400, StorageError, "22003"),
    ({"code": "23503", "message": "?"}, 409, ConfigError, "auth.users"),
    ({"code": "AK003", "message": "it cannot fall"}, 400, IllegalTransition, "cannot fall"),
    ({"code": "57014", "message": "canceled"}, 500, StorageError, "statement_timeout"),
    ({"code": "23502", "message": "null value in column x"}, 400, ConfigError, "column x.* first"),
    (b"<html>Not here</html>", 404, ConfigError, "SUPABASE_URL"),
    (b"<html>Elsewhere</html>", 302, ConfigError, "SUPABASE_URL"),
    (b"<html>Welcome</html>", 200, StorageError, "not JSON"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "status", "kind", "said"), REFUSALS)
async def test_a_refusal_is_told_once_and_says_what_to_do(body, status, kind, said):
    wire = Wire().reply(body, status)
    with pytest.raises(kind, match=said) as caught:
        await over(wire).get(an_id("x"))
    assert len(wire.requests) == 1
    assert "Secret!" not in str(caught.value)


PASSING = [
    (b"<html>Bad Gateway</html>", 502, {}),
    (b"", 503, {"retry_after": "7"}),
    ({"message": "slow down"}, 429, {"retry_after": "7"}),
    ({"code": "PGRST002", "message": "schema cache"}, 503, {}),
    ({"code": "PGRST003", "message": "pool"}, 504, {}),
    ({"code": "40P01", "message": "deadlock detected"}, 500, {}),
    ({"code": "53300", "message": "too many connections"}, 503, {}),
    ({"message": "paused"}, 540, {}),
]


@pytest.mark.parametrize(("body", "status", "headers"), PASSING)
async def test_what_passes_is_waited_for(body, status, headers):
    wire = Wire().reply(body, status, **headers).reply([])
    assert await over(wire).get(an_id("x")) is None
    assert len(wire.requests) == 2


@pytest.mark.parametrize(("body", "status", "headers"), PASSING)
async def test_what_does_not_pass_is_a_storage_error(body, status, headers):
    with pytest.raises(StorageError, match=str(status)) as caught:
        await over(Wire().reply(body, status, **headers)).get(an_id("x"))
    assert ("7 s" in str(caught.value)) == bool(headers)


async def test_a_project_that_cannot_be_reached_is_a_storage_error():
    with pytest.raises(StorageError, match="cannot be reached"):
        await over(Wire().fail(httpx.ConnectError)).get(an_id("x"))


async def test_a_server_that_is_gone_is_a_storage_error(
    start_postgrest, fresh_database, supabase_template
):
    server = start_postgrest(fresh_database(supabase_template("ready")))
    async with opened(server) as repository:
        server.stop()
        with pytest.raises(StorageError, match="cannot be reached"):
            await repository.next_due()


# -- lost answers ---------------------------------------------------------------------------------


class Lossy(httpx.AsyncBaseTransport):
    """Loses the answers to these calls, each once; ``arrives`` says whether the request came."""

    def __init__(self, inner, *functions, arrives=True):
        self.inner, self.functions, self.arrives = inner, list(functions), arrives
        self.asked = []
        self.then = None  #: what happens when an answer was lost

    async def handle_async_request(self, request):
        name = request.url.path.rpartition("/")[2]
        self.asked.append(name)
        if name not in self.functions:
            return await self.inner.handle_async_request(request)
        self.functions.remove(name)
        if self.arrives:
            await (await self.inner.handle_async_request(request)).aread()
        if self.then:
            await self.then()
        raise httpx.ReadError("the answer was lost")


@asynccontextmanager
async def losing(server, *functions, arrives=True):
    async with server.client() as inner:
        transport = Lossy(inner._transport, *functions, arrives=arrives)
        async with httpx.AsyncClient(transport=transport) as client:
            yield SupabaseRepository(URL, "sb_secret_of_tests", client=client), transport


@pytest.mark.parametrize("arrives", [True, False])
async def test_a_save_whose_answer_was_lost_is_stored_once(project, arrives):
    server, _ = project()
    async with losing(server, "avatarkit_save", arrives=arrives) as (repository, _transport):
        old, _ = await repository.create(a_training())
        saved = await repository.save(old, old.model_copy(update={"progress": 10}))
        assert saved == a_training(progress=10, version=1) == await repository.get(old.id)


async def test_a_save_is_not_sent_again_where_it_has_arrived(project):
    async with losing(project()[0], "avatarkit_save") as (repository, transport):
        old, _ = await repository.create(a_training())
        await repository.save(old, old)
        assert transport.asked.count("avatarkit_save") == 1


async def test_a_save_that_never_came_to_be_while_another_did_is_a_lost_race(project):
    server, _ = project()
    async with (
        opened(server) as other,
        losing(server, "avatarkit_save", arrives=False) as (repository, transport),
    ):
        old, _ = await repository.create(a_training())
        winner = old.model_copy(update={"progress": 20})

        async def race():
            await other.save(old, winner)

        transport.then = race
        assert await repository.save(old, old.model_copy(update={"progress": 10})) is None
        found = await repository.get(old.id)
    assert found.progress == 20


async def test_a_save_that_arrives_late_is_not_taken_for_another_ones(project):
    """The first request is overtaken by the look, and wins against its own repetition."""
    server, _ = project()
    async with losing(server, "avatarkit_save", arrives=False) as (repository, transport):
        old, _ = await repository.create(a_training())
        new = old.model_copy(update={"progress": 10})
        async with opened(server) as late:
            handle = transport.inner.handle_async_request

            async def looked(request):
                answer = await handle(request)
                if request.method == "GET" and transport.asked.count("avatar_training") == 1:
                    await answer.aread()
                    await late.save(old, new)
                return answer

            transport.inner.handle_async_request = looked
            assert await repository.save(old, new) == a_training(progress=10, version=1)


async def test_an_entry_of_the_ledger_survives_a_lost_answer_once(project):
    entry = LedgerEntry(
        id="e", record_id=an_id("training-1"), operation=Operation.VOICE, provider="fake",
        account="a", attempt=1, job_id="j", cost=None, at=5.0,
    )  # fmt: skip
    async with losing(project()[0], "avatarkit_save") as (repository, _):
        old, _ = await repository.create(a_training())
        await repository.save(old, old, entry)
        assert await repository.ledger() == [entry]


async def test_a_save_gives_up_where_no_answer_ever_comes():
    old = a_training()
    stored = [{"version": old.version, "doc": old.model_dump_json()}]
    wire = Wire()
    for _ in range(4):
        wire.fail(httpx.ReadError).reply(stored)
    with pytest.raises(StorageError):
        await over(wire).save(old, old)
    assert len(wire.requests) == 8


async def test_a_claim_whose_answer_was_lost_is_free_when_its_lease_ends(project):
    clock = FakeClock(1_790_000_000.0)
    async with losing(project()[0], "avatarkit_claim") as (repository, _):
        repository._time = ServerClock(clock, repository._server_now, virtual=True)
        await repository.create(a_training())
        with pytest.raises(StorageError):
            await repository.claim("a", 1, 60.0)
        assert await repository.claim("b", 1, 60.0) == []
        clock.advance(60.0)
        assert len(await repository.claim("b", 1, 60.0)) == 1


@pytest.mark.parametrize("arrives", [True, False])
async def test_a_delivery_whose_answer_was_lost_is_new(project, arrives):
    delivery = LogEntry(provider="p", event_id="e", event_type="t", payload=b"{}", received_at=1.0)
    async with losing(project()[0], "avatarkit_log_webhook", arrives=arrives) as (repository, _):
        assert [await repository.log_webhook(delivery) for _ in range(2)] == [True, False]


@pytest.mark.parametrize(
    ("function", "call"),
    [
        ("avatarkit_create", lambda r: r.create(a_training())),
        (
            "avatarkit_add_consent",
            lambda r: r.add_consent(identified(Consent(subject="me", given_at=1.0), ANA)),
        ),
        ("avatarkit_revoke_consent", lambda r: r.revoke_consent(an_id("consent"), 1.0)),
        ("avatarkit_drop_evidence", lambda r: r.drop_evidence(an_id("consent"))),
        ("avatarkit_add_sample", lambda r: r.add_sample(HERS)),
        ("avatarkit_remove_sample", lambda r: r.remove_sample(HERS)),
        ("avatarkit_renew", lambda r: r.renew("a", 60.0)),
        (
            "avatarkit_take_place",
            lambda r: r.take_place("a", "me", places=1, rate=None, seconds=60.0),
        ),
        ("avatarkit_leave_place", lambda r: r.leave_place("a", "me")),
    ],
)
async def test_what_may_be_repeated_is_sent_again(project, function, call):
    async with losing(project()[0], function) as (repository, transport):
        await call(repository)
        assert transport.asked.count(function) == 2


# -- more rows than one answer holds --------------------------------------------------------------


async def test_a_ledger_longer_than_an_answer_is_whole(project, cluster):
    server, database = project()
    with connected(cluster, database) as db:
        db.execute(
            "insert into avatar_ledger (id, record_id, operation, provider, account, attempt, "
            "job_id, at) select n::text, gen_random_uuid(), 'voice', 'fake', '', 1, 'j', "
            "to_timestamp(2000 - n) from generate_series(1, 1500) n"
        )
    async with opened(server) as repository:
        assert [e.id for e in await repository.ledger()] == [str(n) for n in range(1500, 0, -1)]


async def test_a_page_larger_than_an_answer_is_continued(project, cluster):
    server, database = project()
    async with opened(server) as repository:
        await repository.create(a_training())
        with connected(cluster, database) as db:
            db.execute(
                "insert into avatar_training select (jsonb_populate_record(t, jsonb_build_object("
                "'id', i.id, 'doc', replace(t.doc, t.id::text, i.id::text)))).* "
                "from avatar_training t, "
                "(select gen_random_uuid() as id from generate_series(1, 1200)) i"
            )
        seen, cursor = [], None
        while page := await repository.page("training", cursor=cursor, limit=5000):
            seen += [record.id for record in page.records]
            if (cursor := page.cursor) is None:
                break
    assert len(seen) == len(set(seen)) == 1201


@pytest.mark.parametrize("clone", [an_id("ana clone"), None])
async def test_samples_more_than_an_answer_holds_are_whole_and_oldest_first(
    project, cluster, clone
):
    server, database = project()
    async with opened(server) as repository:
        await repository.add_sample(a_sample("ana", user_id=ANA, clone_id=an_id("ana clone")))
        with connected(cluster, database) as db:
            db.execute(
                "insert into voice_samples select (jsonb_populate_record(s, jsonb_build_object("
                "'id', i.id, 'sha256', i.id, 'created_at', s.created_at + i.n * interval '1 s', "
                "'doc', replace(s.doc, s.id::text, i.id::text)))).* from voice_samples s, "
                "(select gen_random_uuid() as id, n from generate_series(1, 1200) n) i"
            )
            by_age = "select id::text from voice_samples order by created_at"
            wanted = [found for (found,) in db.execute(by_age).fetchall()]
        assert [sample.id for sample in await repository.samples(ANA, clone)] == wanted
    assert len(wanted) == 1201


async def test_rows_of_the_applications_own_are_no_samples(project, cluster):
    server, database = project()
    async with opened(server) as repository:
        sample = await repository.add_sample(HERS)
        with connected(cluster, database) as db:
            db.execute(
                "insert into voice_samples (clone_id, file_path) values (%s, 'theirs')",
                (sample.clone_id,),
            )
        assert await repository.samples(ANA, sample.clone_id) == [sample]


async def test_a_vendor_with_a_rate_is_asked_though_the_database_is_reached_by_http(
    project, tmp_path
):
    sent = []

    def answer(request):
        sent.append(request.method)
        if request.method == "GET":
            return httpx.Response(200, json={"videos": []})
        return httpx.Response(201, json={"id": "v1", "status": "in_progress", "title": "t"})

    server, _ = project()
    clock = FakeClock()
    vendor = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    async with server.client() as client, vendor as wire:
        repository = SupabaseRepository(
            URL, "sb_secret_of_tests", clock=clock, virtual=True, client=client
        )
        await repository.open()
        synthesia = Synthesia(ProviderSettings(api_key=SecretStr("key")), client=wire)
        assert synthesia.capabilities.rate
        made = OperationState(
            operation=Operation.VIDEO,
            provider="synthesia",
            uploads={"prepared": {}},
            account={"id": synthesia.account},
        )
        record = a_video("kilo", stack="synthesia", avatar_id="a1", operations=(made,))
        await repository.create(record)
        orchestrator = Orchestrator(
            repository=repository,
            media=(media := FolderStore(tmp_path)),
            provider=lambda name: synthesia,
            fetcher=None,
            clock=clock,
            slots=AccountSlots(repository, clock, lease=120.0),
            policy=Policy(),
            changed=lambda record: None,
            keep=Results(media, None).keep,
        )
        saved = await orchestrator.advance(record.id)
    assert (saved.operation(Operation.VIDEO).job.id, sent) == ("v1", ["POST"])


async def test_a_record_is_found_by_any_spelling_of_its_uuid(project):
    server, _ = project()
    async with server.client() as client:
        repository = SupabaseRepository(
            URL, "sb_secret_of_tests", clock=FakeClock(), virtual=True, client=client
        )
        await repository.open()
        made, _ = await repository.create(a_training("kilo"))
        assert await repository.get(made.id.upper()) == made


@pytest.mark.parametrize("status", [401, 404])
async def test_a_wrong_key_or_address_is_the_operators_to_mend(status):
    wire = Wire().reply({"message": "no"}, status)
    with pytest.raises(ConfigError) as caught:
        await over(wire, clock=FakeClock()).get(an_id("kilo"))
    assert (caught.value.place, caught.value.for_operators) == (URL, True)


async def test_budgets_hold_their_sum_when_many_order_at_once(project):
    """Fifty orders of 3.33 dollars from five clients; a budget of 23.50 has room for seven."""
    server, _ = project()
    state = OperationState(operation=Operation.VIDEO, provider="fake", call={"quoted": 3_330_000})
    cap = Cap(name="the project's budget", amount=23_500_000, since=0, until=2e9)
    told = []
    async with AsyncExitStack() as exits:
        clients = [await exits.enter_async_context(opened(server)) for _ in range(5)]

        async def order(number):
            video = a_video(f"v{number}", operations=(state,))
            try:
                told.append((await clients[number % 5].create(video, cap))[1])
            except BudgetExceeded as error:
                told.append(error.over)

        async with anyio.create_task_group() as tasks:
            for number in range(50):
                tasks.start_soon(order, number)
        held = await clients[0].held(0, 2e9)
    assert told.count(True) == 7
    assert {one for one in told if one is not True} == {Decimal("3.14")}
    assert (held.spent, held.reserved) == (0, 7 * 3_330_000)


async def test_a_newer_version_that_migrates_meanwhile_is_told_before_anything_is_paid(
    start_postgrest, cluster, fresh_database, supabase_template
):
    database = fresh_database(supabase_template("ready", GRANTS[0]))
    with connected(cluster, database) as db:
        db.execute("insert into auth.users (id) values (%s)", (ANA,))
    async with opened(start_postgrest(database)) as repository:
        record, _ = await repository.create(a_training())
        with connected(cluster, database) as db:
            db.execute(
                "create or replace function avatarkit_schema_version() returns integer "
                "language sql as 'select 2'"
            )
        await refuse_payments(repository, record)
