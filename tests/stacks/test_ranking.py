"""Between stacks: who is asked first, who is asked next, and who is left out."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest

from avatarkit import AvatarKit, Consent, Status, errors, pricing
from avatarkit.config.settings import Settings
from avatarkit.interfaces import Capabilities, Limit
from avatarkit.lifecycle.apply import apply, following
from avatarkit.lifecycle.events import Accepted, Elsewhere, Prepared, Restored
from avatarkit.media.folder import FolderStore
from avatarkit.models import ConsentRule, Job, JobState, Operation, VendorEvent
from avatarkit.providers.fake import Fake, FakeVendor, Fault
from avatarkit.records import Phase
from avatarkit.repositories.memory import MemoryRepository
from avatarkit.stacks import ranking
from avatarkit.stacks.registry import Stack
from avatarkit.testing import FakeClock
from lifecycle import simulation
from lifecycle.simulation import POLICY, Provider, VendorJob, routed
from lifecycle.test_advance import AVATAR, VOICE, Scene, failing, refusal, run
from test_kit import DRAWN, JPG, WAV, WHO, final

# -- who is asked next ------------------------------------------------------------------------


def scene(*faults, operation=VOICE, times="always", base=Provider, **more):
    """A world in which the first vendor fails so, and the second does not."""
    found = Scene(routed, failing(operation, *faults, times=times), **more)
    found.known["sim2"] = base(found.world, "sim2")
    return found


def asked(found):
    return {name: dict(vendor.paid) for name, vendor in found.world.vendors.items()}


SIM = {"operation": VOICE, "provider": "sim"}
BOTH = {"ak-t1-voice": 1, "ak-t1-avatar": 1}

OTHERS = [
    *(errors.AuthError, errors.PlanError, errors.QuotaError),
    *(errors.Unsupported, errors.ConfigError, errors.ServiceDiscontinued),
]


def told(kind):
    return refusal(kind) if issubclass(kind, errors.ProviderError) else kind("cannot")


@pytest.mark.parametrize("kind", OTHERS)
def test_who_refuses_the_caller_is_left_for_the_next(kind):
    found = scene(told(kind))
    record = found.finish()
    assert (record.status, record.stack, asked(found)) == (
        Status.COMPLETED,
        "sim2",
        {"sim": {}, "sim2": BOTH},
    )


@pytest.mark.parametrize("kind", [errors.NotSent, errors.RateLimited])
def test_who_takes_nothing_three_times_in_a_row_is_left(kind):
    found = scene(refusal(kind))
    record = found.finish()
    assert (record.stack, record.ended[0].operations[0].call.attempt) == ("sim2", 3)


#: 500, 502, 503 and 504, a timeout, a connection cut before or within the answer, a bug of ours.
UNCLEAR = [
    *(refusal(errors.Ambiguous), refusal(errors.Unavailable), refusal(errors.BadReply)),
    *(TimeoutError(), ConnectionResetError(), KeyError("a bug")),
]


@pytest.mark.parametrize("error", UNCLEAR, ids=repr)
def test_who_answers_unclearly_is_left_once_three_attempts_are_proved_absent(error):
    found = scene(error)
    record = found.until(lambda r: r.stack == "sim2")
    before = record.ended[0]
    assert (before.operations[0].call.attempt, before.error_type) == (3, "Unavailable")
    assert "it was tried 3 times" in before.reason
    settled = POLICY.send_guard + POLICY.timeout + simulation.LIST_LAG
    assert found.world.now - record.created_at > 3 * settled
    assert (found.finish().status, asked(found)) == (Status.COMPLETED, {"sim": {}, "sim2": BOTH})


@pytest.mark.parametrize("error", UNCLEAR, ids=repr)
def test_an_avatar_without_a_voice_is_left_as_well(error):
    found = scene(error, operation=AVATAR)
    record = found.record
    (other,) = record.fallbacks
    alone = other.model_copy(update={"operations": other.operations[1:]})
    only = {"operations": record.operations[1:], "fallbacks": (alone,)}
    found.world.rows["t1"] = record.model_copy(update=only)
    record = found.finish()
    assert (record.status, record.stack) == (Status.COMPLETED, "sim2")


def test_attempts_that_fail_in_different_ways_count_together():
    mixed = [refusal(errors.RateLimited), refusal(errors.Ambiguous), refusal(errors.NotSent)]
    found = scene(*mixed, times=None)
    record = found.finish()
    assert (record.stack, record.ended[0].operations[0].call.attempt) == ("sim2", 3)


def test_look_ups_that_fail_are_no_attempts():
    class Deaf(failing(VOICE, refusal(errors.Ambiguous), refusal(errors.RateLimited))):
        deaf = 4

        async def find_voice(self, token):
            self.deaf -= 1
            if self.deaf >= 0:
                raise errors.Unavailable("list is down", provider="sim")
            return await super().find_voice(token)

    found = scene()
    found.known["sim"] = Deaf(found.world)
    record = found.finish()
    assert (record.stack, record.operations[0].call.attempt) == ("sim", 3)


def test_who_cannot_be_looked_up_during_the_outage_is_not_left():
    class Down(failing(VOICE, refusal(errors.Unavailable), times="always")):
        async def find_voice(self, token):
            raise errors.Unavailable("list is down", provider="sim")

    found = scene()
    found.known["sim"] = Down(found.world)
    for _ in range(200):
        record = found.advance(seconds=60.0)
    assert (record.stack, record.operations[0].call.attempt) == ("sim", 1)


def test_an_outage_after_the_voice_asks_a_person():
    policy = dataclasses.replace(POLICY, max_tries=5)
    found = scene(refusal(errors.Unavailable), operation=AVATAR, policy=policy)
    record = found.until(lambda r: r.action)
    assert (record.action.kind, record.operation(AVATAR).call.attempt) == ("retry", 5)
    assert asked(found)["sim2"] == {}


def terms(found, **changed):
    operations = tuple(o.revised(terms=changed) for o in found.record.operations)
    found.world.rows["t1"] = found.record.model_copy(update={"operations": operations})
    return found


def test_who_honours_a_key_for_a_day_is_left_as_soon_as_another():
    found = terms(scene(refusal(errors.Unavailable)), idempotency_window=86_400.0)
    record = found.until(lambda r: r.stack == "sim2", limit=100)
    assert record.ended[0].operations[0].call.attempt == 3


def test_who_honours_a_key_and_cannot_be_searched_is_sent_the_same_again():
    found = scene(refusal(errors.Unavailable), times=None)
    terms(found, idempotency_window=86_400.0, findable=False)
    record = found.finish()
    assert (record.stack, record.operations[0].call.attempt) == ("sim", 1)


def test_who_cannot_be_searched_is_left_when_a_person_has_looked_three_times():
    found = terms(scene(refusal(errors.Unavailable)), findable=False)
    for _ in range(3):
        found.until(lambda r: r.action)
        found.world.now += 10.0
        found.resolve("not_made")
    record = found.record
    assert (record.stack, record.action) == ("sim2", None)
    assert found.finish().status is Status.COMPLETED


@pytest.mark.parametrize("kind", [errors.NotSent, errors.RateLimited])
def test_who_takes_it_the_third_time_is_kept(kind):
    found = scene(refusal(kind), refusal(kind), times=None)
    assert found.finish().stack == "sim"


@pytest.mark.parametrize(
    "kind",
    [
        *(errors.Refused, errors.ModerationRefused, errors.NotFound),
        *(errors.MediaRejected, errors.ConsentRequired, errors.BudgetExceeded),
    ],
)
def test_what_speaks_of_the_content_goes_nowhere_else(kind):
    found = scene(told(kind))
    record = found.finish()
    assert (record.status, record.error_type, asked(found)["sim2"]) == (
        Status.FAILED,
        kind.__name__,
        {},
    )


def test_after_two_that_never_left_the_content_is_refused_here_alone():
    errors_ = [refusal(errors.NotSent), refusal(errors.NotSent), refusal(errors.Refused)]
    found = scene(*errors_, times=None)
    record = found.finish()
    assert (record.status, record.stack) == (Status.FAILED, "sim")


def test_a_refusal_speaks_of_its_own_attempt():
    found = scene()
    first, *rest = found.record.operations
    again = first.revised(call={"phase": Phase.INTENT, "attempt": 2})
    record = found.record.model_copy(update={"operations": (again, *rest)})
    late = Elsewhere(at=0.0, operation=VOICE, provider="sim", attempt=1, reason="no")
    assert apply(record, late) is record


def test_a_lost_answer_is_looked_up_and_nobody_else_is_asked():
    found = scene()

    class Losing(Provider):
        async def _submit(self, request, kind):
            await super()._submit(request, kind)
            raise errors.Ambiguous("the answer was lost", provider="sim")

    found.known["sim"] = Losing(found.world)
    record = found.finish()
    assert (record.stack, asked(found)) == ("sim", {"sim": BOTH, "sim2": {}})


def test_after_the_voice_was_accepted_a_refused_avatar_asks_a_person():
    found = scene(refusal(errors.PlanError), operation=AVATAR)
    record = found.until(lambda r: r.action)
    assert (record.action.kind, record.stack, asked(found)["sim2"]) == ("retry", "sim", {})


def test_the_last_stack_that_refuses_asks_a_person():
    found = scene(refusal(errors.QuotaError))
    found.known["sim2"] = failing(VOICE, refusal(errors.AuthError), times="always")(
        found.world, "sim2"
    )
    record = found.until(lambda r: r.action)
    assert (record.stack, record.action.kind, record.fallbacks) == ("sim2", "retry", ())


def test_who_would_ask_the_same_vendor_for_the_same_is_passed_over():
    found = scene(refusal(errors.QuotaError))
    (other,) = found.record.fallbacks
    same = other.model_copy(update={"stack": "sim+x", "operations": found.record.operations})
    found.world.rows["t1"] = found.record.model_copy(update={"fallbacks": (same, other)})
    record = found.finish()
    assert (record.stack, [one.stack for one in record.ended]) == ("sim2", ["sim"])


def test_the_change_is_one_save_that_says_why():
    found = scene(refusal(errors.QuotaError))
    found.advance()
    stacks = [(r.stack, r.operations[0].phase, len(r.ended)) for r in found.changed]
    at = next(i for i, row in enumerate(stacks) if row[0] == "sim2")
    assert stacks[at - 1 : at + 1] == [("sim", Phase.INTENT, 0), ("sim2", Phase.NONE, 1)]
    before = found.record.ended[0]
    assert (before.stack, before.error_type) == ("sim", "QuotaError")
    assert "because" in before.reason


def test_the_change_is_logged(caplog):
    found = scene(refusal(errors.QuotaError))
    with caplog.at_level("INFO"):
        found.advance()
    assert any("training.failed_over" in r.getMessage() for r in caplog.records)


class Uploading(Provider):
    """Uploads before the voice; the upload fails as it is told."""

    errors = ()

    async def prepare(self, operation, request):
        if operation is VOICE and self.errors:
            raise self.errors[0]
        self.vendor.consents[request.token] = 0.0
        return {"consent": request.token}

    async def discard(self, operation, prepared):
        self.vendor.consents.pop(prepared["consent"])


def uploading(*failures, **faults):
    found = scene(**faults)
    found.known["sim"] = type("Failing", (Uploading,), {"errors": failures})(found.world)
    return found


@pytest.mark.parametrize("kind", OTHERS)
def test_an_upload_that_is_refused_leads_to_the_next(kind):
    found = uploading(told(kind))
    assert found.finish().stack == "sim2"


def test_uploads_to_a_vendor_that_is_down_lead_to_the_next_after_some_tries():
    found = uploading(refusal(errors.Unavailable))
    record = found.until(lambda r: r.stack == "sim2")
    assert found.world.now - record.created_at == pytest.approx(3.0, abs=1.0)


def test_a_store_of_our_own_that_is_away_leads_nowhere_else():
    found = uploading(errors.StorageError("the disk is full"))
    found.until(lambda r: r.operations[0].failures > 2 * POLICY.patience)
    assert (found.record.stack, found.record.status.final) == ("sim", False)


def test_an_upload_that_the_content_is_to_blame_for_fails():
    found = uploading(errors.MediaRejected("too short"))
    assert (found.finish().status, found.record.stack) == (Status.FAILED, "sim")


def test_what_was_uploaded_to_the_stack_before_is_deleted_while_the_next_works():
    found = uploading()
    found.world.vendor.refusing = True
    found.until(lambda r: r.stack == "sim2" and r.status is Status.TRAINING)
    assert found.world.vendor.consents == {}


def test_who_waits_for_a_person_is_not_left():
    record = scene().record
    first, *rest = record.operations
    waiting = first.revised(uploads={"waiting": True, "prepared": {}})
    asking = record.model_copy(update={"operations": (waiting, *rest)})
    assert (len(following(record, first.key)), following(asking, first.key)) == (1, ())


def test_killed_before_the_refusal_is_saved_it_goes_on_to_the_next():
    found = scene(refusal(errors.QuotaError))
    coroutine = found.orchestrator.advance("t1")
    effect = coroutine.send(None)
    while found.record.operations[0].phase is not Phase.INTENT:
        effect.execute()
        effect = coroutine.send(None)
    coroutine.close()  # the vendor has refused, or will: nobody heard it
    record = found.finish()
    assert (record.stack, asked(found)) == ("sim2", {"sim": {}, "sim2": BOTH})


def test_who_can_be_given_the_samples_in_no_way_is_left():
    class Fetching(Provider):
        capabilities = Capabilities(media=frozenset({"url"}))

    found = scene()
    found.known["sim"] = Fetching(found.world)
    record = found.finish()
    assert (record.stack, record.ended[0].error_type) == ("sim2", "ConfigError")


def moved(found):
    return found.until(lambda r: r.stack == "sim2")


def test_an_answer_that_comes_late_from_the_stack_before_is_deleted_there():
    found = scene(refusal(errors.QuotaError))
    before = found.record
    moved(found)
    late = found.world.vendor
    late.refusing = False
    late.paid.clear()
    accepted = late.accept(VOICE, "late")
    event = Accepted(at=found.world.now, **SIM, job=accepted, next_at=0.0)
    run(found.orchestrator._put(before, event))
    record = found.finish()
    assert (record.status, late.jobs[accepted.id].deleted) == (Status.COMPLETED, True)


def test_what_the_stack_before_ran_a_day_late_is_found_and_deleted_there():
    lost = refusal(errors.Ambiguous)
    found = scene(lost, *[refusal(errors.QuotaError)] * 2, times=None)
    moved(found)
    before = found.world.vendor
    before.jobs["late"] = VendorJob("late", VOICE, "ak-t1-voice", found.world.now)
    record = found.until(lambda r: r.next_at is None)
    assert (record.status, before.jobs["late"].deleted, record.action) == (
        Status.COMPLETED,
        True,
        None,
    )


def test_an_upload_that_comes_late_from_the_stack_before_is_not_the_next_ones():
    found = scene(refusal(errors.QuotaError))
    before = found.record
    moved(found)
    event = Prepared(at=found.world.now, **SIM, prepared={"a": 1}, account="x", api_version="1")
    run(found.orchestrator._put(before, event))
    assert found.record.operations[0].uploads.prepared != {"a": 1}


def test_what_an_unknown_stack_tells_changes_nothing():
    found = scene(refusal(errors.QuotaError))
    record = moved(found)
    event = Elsewhere(at=0.0, operation=VOICE, provider="nobody", reason="no")
    assert run(found.orchestrator._put(record, event)) == record


class Stubborn(Uploading):
    """Cannot delete what was uploaded."""

    async def discard(self, operation, prepared):
        raise errors.Unavailable("deletions are down", provider="sim")


def test_a_stack_before_without_its_key_stops_nothing_and_is_cleared_with_it():
    found = scene()
    found.known["sim"] = Stubborn(found.world)
    found.world.vendor.refusing = True
    moved(found)
    del found.known["sim"]
    record = found.until(lambda r: r.status.final)
    assert (record.status, [r for r in found.changed if r.action]) == (Status.COMPLETED, [])
    found.known["sim"] = Uploading(found.world)
    found.until(lambda r: r.next_at is None)
    assert found.world.vendor.consents == {}


def test_what_a_stack_before_holds_is_left_there_by_name_if_its_key_never_comes():
    found = scene(policy=dataclasses.replace(POLICY, deadline=600.0))
    found.known["sim"] = Stubborn(found.world)
    found.world.vendor.refusing = True
    at = moved(found).ended[0].ended_at
    del found.known["sim"]
    run(found.orchestrator.delete(found.record))
    record = found.until(lambda r: r.next_at is None, seconds=20.0)
    assert found.world.now - at >= 600.0
    assert (record.ended[0].operations[0].uploads.fate, record.user_id) == ("left", "u")


class Closing(Scene):
    """The first vendor has closed, and its provider cannot even be made."""

    closed = True

    def _provider(self, name):
        if name == "sim" and self.closed:
            raise errors.ServiceDiscontinued("sim has closed: use another")
        return super()._provider(name)


def closing(**changes):
    found = Closing(routed, **changes)
    found.known["sim2"] = Provider(found.world, "sim2")
    return found


def test_a_vendor_that_has_closed_is_left_for_the_next():
    record = closing().finish()
    assert (record.stack, record.ended[0].error_type) == ("sim2", "ServiceDiscontinued")


def test_a_vendor_that_has_closed_over_an_open_question_is_not_left():
    found = closing()
    first, *rest = found.record.operations
    sent = {"phase": Phase.INTENT, "attempt": 1, "intent_at": found.world.clock()}
    operations = (first.revised(call=sent), *rest)
    found.world.rows["t1"] = found.record.model_copy(update={"operations": operations})
    record = found.finish()
    assert (record.status, record.stack, asked(found)["sim2"]) == (Status.FAILED, "sim", {})


class Deliveries(simulation.Repository):
    async def find_job(self, provider, operation, job_id):
        key = provider, operation, job_id
        return next((r for r in self.world.rows.values() if key in r.jobs), None)


def delivered(provider, trusted, job_id="same"):
    """Both stacks have a voice of this id: the first accepted it late. Then one says: failed."""
    found = scene(refusal(errors.QuotaError))
    before = found.record
    found.until(lambda r: r.stack == "sim2" and r.operations[0].job.id)
    late = Job(provider="sim", operation=VOICE, id="same", state=JobState.RUNNING)
    accepted = Accepted(at=found.world.now, **SIM, job=late, next_at=0.0)
    run(found.orchestrator._put(before, accepted))
    first, *rest = found.record.operations
    now = first.revised(job={"id": "same"}, not_before=9e9, failures=2)
    record = found.record.model_copy(update={"operations": (now, *rest)})
    found.world.rows["t1"] = record
    found.orchestrator._repository = Deliveries(found.world)
    job = Job(provider=provider, operation=VOICE, id=job_id, state=JobState.FAILED)
    event = VendorEvent(
        provider=provider, id="e1", name="avatar.training_failed", job=job, trusted=trusted
    )
    told, known = run(found.orchestrator.deliver(event, "ak-t1-voice"))
    return now, told, known


@pytest.mark.parametrize(("trusted", "job_id"), [(True, "same"), (False, "same"), (True, "new")])
def test_a_late_webhook_of_the_stack_before_is_not_of_the_next_ones_job(trusted, job_id):
    now, told, _ = delivered("sim", trusted, job_id)
    assert told.operations[0] == now


def test_a_late_webhook_of_the_stack_before_is_of_its_own_job():
    _, told, known = delivered("sim", trusted=True)
    assert (told.ended[0].operations[0].job.state, known) == (JobState.FAILED, True)


def test_a_webhook_of_the_next_stack_is_of_its_own_job():
    _, told, known = delivered("sim2", trusted=True)
    assert (told.status, known) == (Status.FAILED, True)


def test_a_doubt_is_not_looked_up_at_a_stack_that_was_left_meanwhile():
    lost = refusal(errors.Ambiguous)
    found = scene(lost, times=None)
    asked_of = []
    found.until(lambda r: r.operations[0].phase is Phase.INTENT)
    first, *rest = found.record.operations
    fresh = first.revised(call={"doubted": False}, not_before=0.0)
    theirs = fresh.model_copy(update={"provider": "sim2"})
    old = found.record.model_copy(update={"operations": (fresh, *rest), "next_at": 0.0})
    moved_on = old.model_copy(
        update={"operations": (theirs, *rest), "stack": "sim2", "version": old.version + 1}
    )
    found.world.rows["t1"] = old

    class Asked(Provider):
        async def find_voice(self, token):
            asked_of.append(self.name)
            return await super().find_voice(token)

    found.known = {"sim": Asked(found.world), "sim2": Asked(found.world, "sim2")}
    coroutine = found.orchestrator._reconcile(old, fresh, found.known["sim"], found.world.clock())
    effect = coroutine.send(None)  # it is about to save its doubt
    found.world.rows["t1"] = moved_on
    with pytest.raises(StopIteration) as stop:
        while True:
            effect.execute()
            effect = coroutine.send(None)
    assert (asked_of, stop.value.value.stack) == ([], "sim2")


def test_after_an_older_database_came_back_no_other_stack_is_asked_by_itself():
    found = scene()
    now = found.world.clock()
    run(found.orchestrator._put(found.record, Restored(at=now.wall, instant=now)))
    assert (found.record.fallbacks, found.record.action.kind) == ((), "retry")
    assert "sim2" in found.record.action.message
    found.resolve("retry")
    assert found.finish().stack == "sim"


def test_a_deleted_training_says_nothing_of_why_stacks_were_left():
    found = scene(refusal(errors.QuotaError))
    moved(found)
    run(found.orchestrator.delete(found.record))
    record = found.until(lambda r: r.purges == 2)
    assert (record.fallbacks, record.ended[0].reason) == ((), "")


def test_a_refusal_of_a_cancelled_training_goes_nowhere():
    found = scene(refusal(errors.QuotaError))
    record = found.record
    run(found.orchestrator.cancel(record))
    event = Elsewhere(at=found.world.now, **SIM, reason="no")
    assert run(found.orchestrator._put(found.record, event)).stack == "sim"


# -- who is asked first -----------------------------------------------------------------------


def offer(name, price=None, seconds=None):
    class Row:
        expected = pricing.quotes.Estimate(
            charges=Decimal(price or 0), unknown=() if price else ("all of it",)
        )

    return ranking.Offer(Stack(name, {}), Row(), seconds, "typical" if seconds else None)


DEAR, CHEAP = offer("dear", "9", 5.0), offer("cheap", "1", 50.0)
UNKNOWN = offer("unknown")


@pytest.mark.parametrize(
    ("choose", "names"),
    [
        ("best", ["unknown", "dear", "cheap"]),
        ("cheapest", ["cheap", "dear", "unknown"]),
        ("fastest", ["dear", "cheap", "unknown"]),
        (lambda offers: [offers[2], offers[0]], ["cheap", "unknown"]),
    ],
)
def test_stacks_are_asked_in_the_order_that_was_chosen(choose, names):
    found = ranking.ordered([UNKNOWN, DEAR, CHEAP], choose)
    assert [one.name for one in found] == names


@pytest.mark.parametrize("choose", ["best", "cheapest", "fastest"])
def test_of_equals_the_callers_order_counts(choose):
    found = ranking.ordered([offer("b", "1", 1.0), offer("a", "1", 1.0)], choose)
    assert [one.name for one in found] == ["b", "a"]


@pytest.mark.parametrize(
    "choose", ["dearest", lambda _: [], lambda _: ["x"]], ids=["a word", "nothing", "a stranger"]
)
def test_a_choice_that_is_none_is_refused(choose):
    with pytest.raises(errors.ConfigError, match="choose"):
        ranking.ordered([DEAR], choose)


def test_a_wrong_word_is_told_at_once():
    with pytest.raises(errors.ConfigError, match="cheapest"):
        AvatarKit("fake", choose="cheap")


# -- with a kit -------------------------------------------------------------------------------


def row(provider, operation, usd):
    return pricing.Price(
        provider=provider,
        operation=operation,
        plan="pay",
        usd_per_month=Decimal(0),
        one_off_usd=Decimal(usd),
        as_of="2026-01",
        source="a test",
    )


class First(Fake):
    """Costs ten dollars, and is quick."""

    name = "first"
    prices = tuple(row("first", o, 10) for o in (Operation.VOICE, AVATAR, Operation.VIDEO))
    capabilities = Capabilities(typical={VOICE: 5.0, AVATAR: 5.0})


class Second(Fake):
    """Costs one dollar, and takes its time."""

    name = "second"
    prices = tuple(row("second", o, 1) for o in (Operation.VOICE, AVATAR, Operation.VIDEO))
    capabilities = Capabilities(typical={VOICE: 50.0, AVATAR: 50.0})


class House:
    """Two vendors, and everything that outlives a kit."""

    def __init__(self, folder):
        self.clock = FakeClock()
        self.vendors = {n: FakeVendor(clock=self.clock) for n in ("first", "second")}
        self.providers = {
            kind.name: kind(vendor=self.vendors[kind.name]) for kind in (First, Second)
        }
        self.repository = MemoryRepository(clock=self.clock)
        self.media = FolderStore(folder / "media")

    def kit(self, stack=("first", "second"), **more):
        given = {
            "repository": self.repository,
            "media": self.media,
            "providers": self.providers,
            "clock": self.clock,
            "settings": Settings(),
        }
        return AvatarKit(stack, **(given | more))


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


async def begun(kit, **more):
    given = {**WHO, "voice": [WAV], "footage": JPG, "consent": DRAWN}
    return await kit.train(**(given | more))


def known(training):
    return [training.stack, *(other.stack for other in training.fallbacks)]


anyio = pytest.mark.anyio


@anyio
@pytest.mark.parametrize(
    ("choose", "stacks"),
    [
        ("best", ["first", "second"]),
        ("cheapest", ["second", "first"]),
        ("fastest", ["first", "second"]),
        (lambda offers: [one for one in offers if one.name == "second"], ["second"]),
    ],
)
async def test_a_training_knows_the_stacks_in_the_order_that_was_chosen(house, choose, stacks):
    async with house.kit(choose=choose, worker=False) as kit:
        assert known(await begun(kit)) == stacks


@anyio
async def test_a_quote_is_of_the_stack_that_is_asked_first(house):
    async with house.kit(choose="cheapest", worker=False) as kit:
        quoted = kit.prices.quote()
    assert (quoted.stack, quoted.expected.total) == ("second", 3)


@anyio
async def test_offers_tell_price_and_time_in_order(house):
    async with house.kit(choose="cheapest", worker=False) as kit:
        offers = await kit.prices.offers()
    assert [(o.name, o.price, o.seconds, o.basis) for o in offers] == [
        ("second", 3, 100.0, "typical"),
        ("first", 30, 10.0, "typical"),
    ]


@anyio
async def test_measured_times_count_more_than_typical_ones(house):
    async with house.kit("first") as kit:
        for number in range(3):
            training = await begun(kit, idempotency_key=str(number))
            await final(kit, training.id)
    async with house.kit(choose="fastest", worker=False) as kit:
        offers = await kit.prices.offers()
        assert known(await begun(kit)) == ["second", "first"]
    assert [o.basis for o in offers] == ["typical", "measured"]


@anyio
async def test_a_stack_is_not_measured_by_the_time_that_earlier_ones_lost(house):
    async with house.kit() as kit:
        for number in range(3):
            house.vendors["first"].fail_next(Operation.VOICE, Fault.QUOTA)
            training = await begun(kit, idempotency_key=str(number))
            assert (await final(kit, training.id)).stack == "second"
        assert await kit._durations.took() == {}


@anyio
async def test_a_time_that_is_half_known_is_unknown(house, monkeypatch):
    monkeypatch.setattr(First, "capabilities", Capabilities(typical={VOICE: 1.0}))
    async with house.kit(choose="fastest", worker=False) as kit:
        assert [(o.name, o.seconds) for o in await kit.prices.offers()] == [
            ("second", 100.0),
            ("first", None),
        ]


@anyio
@pytest.mark.parametrize("fault", [Fault.AUTH, Fault.PLAN, Fault.QUOTA])
async def test_a_refused_training_is_completed_by_the_next_stack(house, fault):
    house.vendors["first"].fail_next(VOICE, fault)
    async with house.kit() as kit:
        training = await final(kit, (await begun(kit)).id)
    assert (training.status, training.stack, len(house.vendors["first"].accepted)) == (
        Status.COMPLETED,
        "second",
        0,
    )


@anyio
async def test_a_lost_answer_asks_nobody_else(house):
    house.vendors["first"].fail_next(VOICE, Fault.LOST_REPLY)
    async with house.kit() as kit:
        training = await final(kit, (await begun(kit)).id)
    assert (training.status, training.stack, len(house.vendors["second"].accepted)) == (
        Status.COMPLETED,
        "first",
        0,
    )


@anyio
async def test_a_worker_elsewhere_goes_on_with_the_next_stack(house):
    async with house.kit(worker=False) as kit:
        training = await begun(kit)
    house.vendors["first"].fail_next(VOICE, Fault.QUOTA)
    async with house.kit("second") as worker:
        assert (await final(worker, training.id)).stack == "second"


@anyio
async def test_who_watches_sees_the_change(house):
    house.vendors["first"].fail_next(VOICE, Fault.QUOTA)
    async with house.kit() as kit:
        training = await begun(kit)
        stacks = [update.stack async for update in kit.watch(training.id)]
    assert (stacks[0], stacks[-1]) == ("first", "second")


@anyio
async def test_the_video_is_made_by_the_stack_that_trained(house):
    house.vendors["first"].fail_next(VOICE, Fault.QUOTA)
    async with house.kit() as kit:
        training = await final(kit, (await begun(kit)).id)
        video = await kit.speak(training.id, "Hello")
    assert (video.stack, video.status) == ("second", Status.COMPLETED)


# -- who is left out before -------------------------------------------------------------------


LONG = (Limit(what="voice_seconds", minimum=3600.0),)


@anyio
async def test_whose_limits_the_samples_break_is_left_out(house, monkeypatch):
    monkeypatch.setattr(First, "limits", LONG)
    async with house.kit(worker=False) as kit:
        assert known(await begun(kit)) == ["second"]


@anyio
async def test_a_later_one_whose_limits_the_samples_break_is_left_out_too(house, monkeypatch):
    monkeypatch.setattr(Second, "limits", LONG)
    async with house.kit(worker=False) as kit:
        assert known(await begun(kit)) == ["first"]


@anyio
async def test_who_demands_evidence_that_is_not_there_is_left_out(house, monkeypatch):
    rule = ConsentRule(demands="evidence", text="a video", source="a test")
    monkeypatch.setattr(First, "consent_rules", (rule,))
    async with house.kit(worker=False) as kit:
        assert known(await begun(kit, consent=Consent(subject="Ana"))) == ["second"]


@anyio
async def test_who_has_no_key_is_left_out(house):
    async with house.kit(["heygen", "second"], worker=False) as kit:
        assert known(await begun(kit)) == ["second"]
        assert [one.name for one in await kit.prices.offers()] == ["second"]


@anyio
async def test_without_a_key_no_sample_is_looked_at(house):
    async with house.kit("heygen", worker=False) as kit:
        with pytest.raises(errors.ConfigError, match="key"):
            await begun(kit, voice=[b"no sound at all"])


@anyio
async def test_who_has_closed_is_left_out(house):
    async with house.kit(["playht", "first"], worker=False) as kit:
        assert known(await begun(kit)) == ["first"]


@anyio
async def test_who_does_not_speak_the_language_is_left_out(house):
    english = Capabilities(languages=("en",))
    house.providers["first"] = First(vendor=house.vendors["first"], capabilities=english)
    async with house.kit(worker=False) as kit:
        assert known(await begun(kit, language="pt")) == ["second"]


@anyio
async def test_where_nobody_is_left_every_reason_is_told(house, monkeypatch):
    monkeypatch.setattr(First, "limits", LONG)
    async with house.kit(["first", "heygen"], worker=False) as kit:
        with pytest.raises(errors.MediaRejected, match=r"first: .*; heygen: .*key"):
            await begun(kit)


@anyio
async def test_a_misspelt_stack_is_told(house):
    async with house.kit(["first", "fist"], worker=False) as kit:
        with pytest.raises(errors.ConfigError, match="fist"):
            await begun(kit)


@anyio
async def test_a_source_that_can_be_read_once_serves_every_stack(house):
    with WAV.open("rb") as voice:
        async with house.kit(worker=False) as kit:
            training = await begun(kit, voice=[voice])
    (other,) = training.fallbacks
    assert training.voice == other.voice != ()


@anyio
async def test_an_avatar_that_exists_has_one_stack(house):
    async with house.kit(worker=False) as kit:
        with pytest.raises(errors.ConfigError, match="stack="):
            await kit.adopt(**WHO, avatar_id="a", consent=DRAWN)


@anyio
async def test_what_the_stack_before_cannot_delete_is_left_over(house):
    house.vendors["first"].fail_next(VOICE, Fault.QUOTA)
    async with house.kit() as kit:
        training = await final(kit, (await begun(kit)).id)
        (before,) = training.ended
        voice = before.operations[0].revised(uploads={"fate": "left"})
        kept = before.model_copy(update={"operations": (voice,)})
        await house.repository.save(training, training.model_copy(update={"ended": (kept,)}))
        assert [left.pending for left in await kit.admin.leftovers(training.id)] == [False]
