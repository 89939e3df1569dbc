"""``advance`` and what people say to it, step by step, in the simulated world."""

from __future__ import annotations

import dataclasses
import itertools
from contextlib import asynccontextmanager, contextmanager, nullcontext
from functools import partial

import pytest

from avatarkit import errors
from avatarkit.interfaces import Capabilities
from avatarkit.lifecycle.advance import Orchestrator
from avatarkit.lifecycle.apply import apply
from avatarkit.lifecycle.decide import Policy
from avatarkit.lifecycle.events import Absent, Accepted, Asked, Intended
from avatarkit.models import (
    Action,
    Consent,
    Job,
    JobState,
    Operation,
    Options,
    StoredFile,
    VendorEvent,
    Waiting,
)
from avatarkit.records import HandIn, OperationState, Phase, Sample, Status
from lifecycle.simulation import (
    POLICY,
    Clock,
    Provider,
    Repository,
    Slots,
    Store,
    World,
    training,
    unchecked,
    video,
)

VOICE, AVATAR, SPEECH, VIDEO = Operation.VOICE, Operation.AVATAR, Operation.SPEECH, Operation.VIDEO
MY_VOICE = {"operation": VOICE, "provider": "sim"}


def run(coroutine):
    """Execute every effect at once, in order."""
    try:
        effect = coroutine.send(None)
        while True:
            effect.execute()
            effect = coroutine.send(None)
    except StopIteration as stop:
        return stop.value


class Scene:
    """A world with one record, one provider and one orchestrator."""

    def __init__(self, make=training, provider=None, policy=POLICY, **changes):
        self.world = World(duration=3.0, lag=0.4)
        record = make("t1", self.world.now)
        self.world.rows["t1"] = record.model_copy(update=changes)
        self.provider = (provider or Provider)(self.world)
        self.known = {"sim": self.provider}
        self.changed = []
        self.orchestrator = Orchestrator(
            repository=Repository(self.world),
            media=Store(self.world),
            provider=self._provider,
            fetcher=self.provider,
            clock=Clock(self.world),
            slots=Slots(),
            policy=policy,
            changed=self.changed.append,
            keep=unchecked(Store(self.world)),
        )

    def _provider(self, name):
        if name not in self.known:
            raise errors.ConfigError(f"{name} needs a key: set SIM_API_KEY")
        return self.known[name]

    @property
    def record(self):
        return self.world.rows["t1"]

    def advance(self, seconds=0.0):
        self.world.now += seconds
        run(self.orchestrator.advance("t1"))
        return self.record

    def until(self, condition, seconds=0.5, limit=400):
        for _ in range(limit):
            record = self.advance()
            if condition(record):
                return record
            self.world.now += seconds
        raise AssertionError(f"it never came to that: {self.record!r}")

    def finish(self):
        return self.until(lambda r: r.status.final)

    def resolve(self, choice, **more):
        return run(self.orchestrator.resolve(self.record, choice, **more))

    def paid(self):
        return dict(self.world.vendor.paid)


def failing(operation, *errors_, times=None):
    """A provider whose submissions of one operation fail in this order, then succeed."""
    queue = list(errors_)

    class Failing(Provider):
        async def _submit(self, request, kind):
            if kind is operation and queue:
                error = queue[0] if times == "always" else queue.pop(0)
                raise error
            return await super()._submit(request, kind)

    return Failing


def refusal(kind, **more):
    return kind("because", provider="sim", operation="avatar", **more)


# -- the way forward --------------------------------------------------------------------------


def test_a_training_comes_to_its_end():
    scene = Scene()
    record = scene.finish()
    assert (record.status, record.voice_id, record.avatar_id) == (Status.COMPLETED, "j0", "j1")


def test_each_operation_is_paid_once():
    scene = Scene()
    scene.finish()
    assert scene.paid() == {"ak-t1-voice": 1, "ak-t1-avatar": 1}


def test_a_video_keeps_its_bytes():
    scene = Scene(video)
    record = scene.finish()
    assert scene.world.store[record.file("video").key].startswith(b"result of")


def test_every_saved_record_is_told():
    scene = Scene()
    scene.finish()
    assert [r.version for r in scene.changed] == list(range(1, scene.record.version + 1))


def test_a_record_that_is_gone_is_nothing_to_advance():
    scene = Scene()
    scene.world.rows["t2"] = None
    assert run(scene.orchestrator.advance("t2")) is None


def test_a_record_that_vanishes_in_between_is_an_error():
    scene = Scene()
    record = scene.record
    scene.world.rows["t1"] = record.model_copy(update={"version": 5})
    lost = Repository(scene.world)

    async def get(_record_id):
        return None

    scene.orchestrator._repository = lost
    lost.get = get
    with pytest.raises(errors.NotFound, match="vanished"):
        run(scene.orchestrator.cancel(record))


def test_nothing_is_done_before_its_time():
    scene = Scene()
    record = scene.advance()
    assert scene.advance() == record


# -- refusals ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [errors.Refused, errors.ModerationRefused, errors.NotFound])
def test_a_refusal_fails_the_training_and_keeps_the_voice(kind):
    scene = Scene(provider=failing(AVATAR, refusal(kind)))
    record = scene.finish()
    assert (record.status, record.error_type, record.voice_id) == (
        Status.FAILED,
        kind.__name__,
        "j0",
    )


@pytest.mark.parametrize("kind", [errors.AuthError, errors.QuotaError, errors.PlanError])
def test_a_missing_right_asks_and_goes_on_when_it_is_mended(kind):
    scene = Scene(provider=failing(AVATAR, refusal(kind)))
    scene.until(lambda r: r.action)
    scene.resolve("retry")
    assert scene.finish().status is Status.COMPLETED


@pytest.mark.parametrize("kind", [errors.Unsupported, errors.MediaRejected, errors.ConfigError])
def test_what_was_never_sent_because_it_cannot_be_said_fails(kind):
    scene = Scene(provider=failing(VOICE, kind("cannot")))
    assert scene.finish().error_type == kind.__name__


def test_a_rate_limit_is_waited_for():
    scene = Scene(provider=failing(VOICE, refusal(errors.RateLimited, retry_after=7.0)))
    scene.advance()
    assert scene.record.next_at == scene.world.now + 7.0


def test_many_rate_limits_lose_nothing():
    limits = [refusal(errors.RateLimited, retry_after=1.0)] * 150
    scene = Scene(provider=failing(VOICE, *limits))
    assert scene.finish().status is Status.COMPLETED


def test_what_never_left_is_sent_later():
    scene = Scene(provider=failing(VOICE, refusal(errors.NotSent)))
    assert scene.finish().status is Status.COMPLETED


@pytest.mark.parametrize(
    "error",
    [refusal(errors.Ambiguous), refusal(errors.BadReply), TimeoutError(), KeyError("a bug")],
)
def test_after_an_unclear_answer_nothing_is_sent_before_it_is_proved_absent(error):
    scene = Scene(provider=failing(VOICE, error))
    scene.advance()
    scene.advance(seconds=1.9)
    assert (scene.record.operation(VOICE).phase, scene.paid()) == (Phase.INTENT, {})
    assert scene.finish().status is Status.COMPLETED


def test_what_is_never_accepted_asks_after_some_tries():
    policy = dataclasses.replace(POLICY, max_tries=3)
    scene = Scene(provider=failing(VOICE, refusal(errors.Ambiguous), times="always"), policy=policy)
    record = scene.until(lambda r: r.action)
    assert (record.action.kind, record.operation(VOICE).call.tries) == ("retry", 3)


def test_an_intent_that_was_saved_too_long_ago_is_not_sent():
    scene = Scene()
    clock = scene.orchestrator._clock
    times = iter([scene.world.clock(), scene.world.clock().model_copy(update={"wall": 1001.0})])
    clock.now = lambda: next(times, scene.world.clock())
    scene.advance()
    assert (scene.paid(), scene.record.operation(VOICE).call.tries) == ({}, 0)


def test_a_lost_race_for_the_intent_sends_nothing():
    scene = Scene()
    overtake(scene, lambda new: new.operation(VOICE).phase is Phase.INTENT, lambda row: row)
    scene.finish()
    assert scene.paid()["ak-t1-voice"] == 1
    assert scene.record.operation(VOICE).call.attempt == 1


def overtake(scene, when, how):
    """Let another worker save first, once, when this one saves what ``when`` describes."""
    repository = scene.orchestrator._repository
    save, left = repository.save, [1]

    async def overtaken(old, new, *entries):
        if left and when(new):
            left.pop()
            row = how(scene.record)
            scene.world.rows["t1"] = row.model_copy(update={"version": old.version + 1})
        return await save(old, new, *entries)

    repository.save = overtaken


def test_what_another_worker_found_meanwhile_is_not_looked_for():
    scene = Scene()
    intent(scene)
    found = Job(provider="sim", operation=VOICE, id="j0", state=JobState.RUNNING)
    event = Accepted(at=1000.0, **MY_VOICE, job=found, next_at=1001.0)
    overtake(
        scene,
        lambda new: new.operation(VOICE).call.doubted,
        lambda row: apply(row, event),
    )
    scene.world.vendor.accept("voice", "another")
    scene.provider.find_voice = None  # looking would fail
    assert scene.finish().status is Status.COMPLETED


def test_a_doubt_about_one_attempt_is_not_carried_to_the_next():
    scene = Scene()
    intent(scene)
    newer = Intended(at=1000.0, **MY_VOICE, instant=scene.world.clock(), digest="d")

    def another_attempt(row):
        proved = Absent(at=1000.0, **MY_VOICE, attempt=1, next_at=1000.0)
        return apply(apply(row, proved), newer)

    overtake(scene, lambda new: new.operation(VOICE).call.doubted, another_attempt)
    looked = []
    scene.provider.find_voice = looked.append
    state = scene.record.operation(VOICE)
    record = run(scene.orchestrator._reconcile(scene.record, state, scene.provider, newer.instant))
    assert (record.operation(VOICE).call.attempt, looked) == (2, [])


def test_a_look_up_that_fails_is_repeated():
    class Flaky(Provider):
        left = 3

        async def _find(self, token):
            if self.left:
                self.left -= 1
                raise refusal(errors.Unavailable)
            return await super()._find(token)

        find_voice = _find

    scene = Scene(provider=Flaky)
    intent(scene)
    scene.world.vendor.accept("voice", "ak-t1-voice")
    assert (scene.finish().status, scene.paid()["ak-t1-voice"]) == (Status.COMPLETED, 1)


def test_a_visit_is_bounded_and_the_next_one_goes_on(monkeypatch):
    monkeypatch.setattr("avatarkit.lifecycle.advance._STEPS", 1)
    assert Scene().finish().status is Status.COMPLETED


# -- free calls -------------------------------------------------------------------------------


class Uploads(Provider):
    trouble = ()

    async def prepare(self, operation, request):
        if self.trouble:
            raise self.trouble.pop(0)
        return {"asset": f"{operation}-1"}


def test_uploads_may_take_longer_than_calls():
    scene, bounds = Scene(provider=Uploads), []

    @contextmanager
    def timeout(seconds):
        bounds.append(seconds)
        yield

    scene.orchestrator._clock.timeout = timeout
    scene.advance()
    assert bounds[:2] == [POLICY.long_timeout, POLICY.timeout]


def test_a_look_up_of_many_pages_may_take_longer_than_a_call():
    scene, bounds = Scene(provider=failing(VOICE, refusal(errors.Ambiguous))), []
    scene.until(lambda record: record.operation(VOICE).call.doubted)
    scene.orchestrator._clock.timeout = lambda seconds: nullcontext(bounds.append(seconds))
    scene.until(lambda record: bounds)
    assert bounds == [POLICY.long_timeout]


def test_uploads_are_made_before_the_intent_and_given_to_the_call():
    seen = []

    class Recording(Uploads):
        async def _submit(self, request, kind):
            seen.append(dict(request.prepared))
            return await super()._submit(request, kind)

    Scene(provider=Recording).finish()
    assert seen == [{"asset": "voice-1"}, {"asset": "avatar-1"}]


@pytest.mark.parametrize(
    "kind", [errors.AuthError, errors.QuotaError, errors.RateLimited, errors.Unavailable]
)
def test_trouble_with_a_free_call_changes_no_status(kind):
    class Trouble(Uploads):
        trouble = [refusal(kind)]

    scene = Scene(provider=Trouble)
    record = scene.advance()
    assert (record.status, record.action, record.error_message) == (Status.PROCESSING, None, None)
    assert scene.finish().status is Status.COMPLETED


def test_an_upload_that_is_refused_fails_the_training():
    class Trouble(Uploads):
        trouble = [refusal(errors.Refused)]

    assert Scene(provider=Trouble).finish().error_type == "Refused"


def test_media_that_the_provider_cannot_be_given_fails_before_anything_is_sent():
    class ByLink(Provider):
        capabilities = Capabilities(media=frozenset({"url"}))

    scene = Scene(provider=ByLink)
    assert (scene.finish().error_type, scene.paid()) == ("ConfigError", {})


def test_an_unpayable_request_fails_after_a_preparation_that_needed_no_media():
    class Late(Provider):
        async def clone_voice(self, request):
            raise AssertionError("never reached")

    scene = Scene(provider=Late)
    scene.world.rows["t1"] = apply(scene.record, _prepared())
    scene.provider.capabilities = Capabilities(media=frozenset({"url"}))
    assert scene.finish().error_type == "ConfigError"


def _prepared():
    from avatarkit.lifecycle.events import Prepared

    return Prepared(
        at=1000.0,
        operation=VOICE,
        provider="sim",
        prepared={},
        account="account-1",
        api_version="1",
    )


def test_a_poll_that_fails_is_repeated():
    class Down(Provider):
        left = 3

        async def _get(self, job_id):
            if self.left:
                self.left -= 1
                raise refusal(errors.AuthError)
            return await super()._get(job_id)

        get_voice = _get

    assert Scene(provider=Down).finish().status is Status.COMPLETED


def test_a_job_that_the_vendor_no_longer_knows_is_gone():
    scene = Scene()
    scene.until(lambda r: r.operation(VOICE).job.id)
    scene.world.vendor.delete("j0")
    record = scene.finish()
    assert (record.status, record.error_type) == (Status.FAILED, "NotFound")


def test_a_job_that_is_not_listed_yet_is_not_gone():
    class Lagging(Provider):
        async def _get(self, job_id):
            if self.world.now < 1000.0 + 30.0:
                raise refusal(errors.NotFound)
            return await super()._get(job_id)

        get_voice = _get

    scene = Scene(provider=Lagging)
    operations = tuple(o.revised(terms={"list_lag": 60.0}) for o in scene.record.operations)
    scene.world.rows["t1"] = scene.record.model_copy(update={"operations": operations})
    assert scene.finish().status is Status.COMPLETED


# -- doubts -----------------------------------------------------------------------------------


def doubted(scene, operation=VOICE):
    """Leave an intent standing, as a killed process does."""
    scene.advance()
    while scene.record.operation(operation).phase is not Phase.INTENT:
        scene.world.now += 0.5
        scene.advance()


def intent(scene):
    """A record whose intent was saved by a process that died before it sent anything."""
    record = apply(scene.record, _prepared())
    event = Intended(at=1000.0, **MY_VOICE, instant=scene.world.clock(), digest="d")
    scene.world.rows["t1"] = apply(record, event)


def test_a_lost_job_is_found_by_its_token():
    scene = Scene()
    intent(scene)
    scene.world.vendor.accept("voice", "ak-t1-voice")
    assert (scene.finish().voice_id, scene.paid()["ak-t1-voice"]) == ("j0", 1)


def test_of_several_jobs_the_oldest_is_taken_and_the_others_are_reported():
    scene = Scene()
    intent(scene)
    scene.world.vendor.accept("voice", "ak-t1-voice")
    scene.world.vendor.accept("voice", "ak-t1-voice")
    scene.world.now += 1
    op = scene.advance().operation(VOICE)
    assert (op.job.id, op.cleanup.duplicates) == ("j0", ("j1",))


def test_clocks_that_contradict_each_other_prove_nothing():
    scene = Scene()
    intent(scene)
    scene.world.now -= 500
    scene.world.rows["t1"] = scene.record.model_copy(update={"next_at": 0.0})
    op = scene.record.operation(VOICE)
    early = op.model_copy(update={"not_before": 0.0})
    operations = (early, *scene.record.operations[1:])
    scene.world.rows["t1"] = scene.record.model_copy(update={"operations": operations})
    op = scene.advance().operation(VOICE)
    assert (op.phase, op.call.intent_at.wall) == (Phase.INTENT, scene.world.now)


def test_a_free_operation_is_repeated_at_once():
    scene = Scene()
    operations = tuple(o.revised(terms={"billable": False}) for o in scene.record.operations)
    scene.world.rows["t1"] = scene.record.model_copy(update={"operations": operations})
    intent(scene)
    scene.advance()
    assert scene.paid() == {"ak-t1-voice": 1}


def unfindable(make=training, **changes):
    scene = Scene(make, **changes)
    operations = tuple(o.revised(terms={"findable": False}) for o in scene.record.operations)
    scene.world.rows["t1"] = scene.record.model_copy(update={"operations": operations})
    return scene


def test_what_cannot_be_looked_up_is_a_persons_decision():
    scene = unfindable()
    intent(scene)
    record = scene.advance(seconds=100.0)
    assert (record.status, record.action.kind, record.action.choices, record.next_at) == (
        Status.ACTION_REQUIRED,
        "payment",
        ("adopt", "not_made", "give_up"),
        None,
    )


def test_a_person_adopts_the_job():
    scene = unfindable()
    intent(scene)
    scene.world.vendor.accept("voice", "ak-t1-voice")
    scene.advance()
    scene.resolve("adopt", job_id="j0")
    assert (scene.finish().status, scene.paid()["ak-t1-voice"]) == (Status.COMPLETED, 1)


def test_adopting_needs_an_id():
    scene = unfindable()
    intent(scene)
    scene.advance()
    with pytest.raises(errors.ConfigError, match="id"):
        scene.resolve("adopt")


def test_a_person_who_says_too_early_that_nothing_was_made_is_told_to_wait():
    scene = unfindable()
    intent(scene)
    scene.advance()
    with pytest.raises(errors.IllegalTransition, match="look again in 2 seconds"):
        scene.resolve("not_made")


def test_a_person_says_that_nothing_was_made():
    scene = unfindable()
    intent(scene)
    scene.advance(seconds=5.0)
    scene.resolve("not_made")
    assert scene.finish().status is Status.COMPLETED


def test_where_the_clocks_contradict_each_other_a_person_waits_once_more_and_is_believed():
    scene = unfindable()
    intent(scene)
    record = scene.advance()
    state = record.operation(VOICE)
    impossible = state.call.intent_at.model_copy(update={"wall": 9e9, "boot": 9e9})
    states = (state.revised(call={"intent_at": impossible}), *record.operations[1:])
    scene.world.rows["t1"] = record.model_copy(update={"operations": states})
    with pytest.raises(errors.IllegalTransition, match="look again"):
        scene.resolve("not_made")
    assert scene.record.next_at is None
    scene.world.now += 5.0
    scene.resolve("not_made")
    assert scene.finish().status is Status.COMPLETED


def test_no_job_of_another_account_is_adopted():
    scene = unfindable()
    intent(scene)
    scene.advance()
    scene.provider.account = "another"
    with pytest.raises(errors.ConfigError, match="another account"):
        scene.resolve("adopt", job_id="j0")


def test_a_person_gives_up():
    scene = unfindable()
    intent(scene)
    scene.advance()
    record = scene.resolve("give_up")
    assert (record.status, record.next_at) == (Status.FAILED, None)


def test_deleting_what_cannot_be_looked_up_comes_to_rest():
    scene = unfindable()
    intent(scene)
    run(scene.orchestrator.delete(scene.record))
    record = scene.until(lambda r: r.next_at is None, seconds=10.0)
    assert record.operation(VOICE).phase is Phase.LOST


def test_cancelling_what_cannot_be_looked_up_leaves_the_question():
    scene = unfindable()
    intent(scene)
    run(scene.orchestrator.cancel(scene.record))
    record = scene.advance()
    assert (record.status, record.action.kind) == (Status.CANCELLED, "payment")


def test_speech_that_is_stored_is_not_bought_again():
    scene = unfindable(video)
    event = Intended(
        at=1000.0, **(MY_VOICE | {"operation": SPEECH}), instant=scene.world.clock(), digest="d"
    )
    prepared = dataclasses.replace(_prepared(), operation=SPEECH)
    record = apply(apply(scene.record, prepared), event)
    scene.world.rows["t1"] = record
    scene.world.store["results/t1/speech-audio.wav"] = b"spoken"
    record = scene.finish()
    assert (record.status, scene.paid()) == (Status.COMPLETED, {"ak-t1-video": 1})


def test_a_broken_stream_of_speech_is_a_doubt():
    class Broken(Provider):
        async def synthesize(self, request):
            speech = await super().synthesize(request)

            async def audio():
                yield b"half"
                raise refusal(errors.Unavailable)

            return speech.model_copy(update={"audio": audio()})

    record = unfindable(video, provider=Broken).until(lambda r: r.action)
    assert (record.action.kind, record.action.choices) == ("payment", ("not_made", "give_up"))


def test_speech_in_the_vendors_history_is_fetched():
    class Broken(Provider):
        async def synthesize(self, request):
            await super().synthesize(request)
            raise refusal(errors.Ambiguous)

    scene = Scene(video, provider=Broken)
    record = scene.finish()
    assert (record.status, scene.paid()["ak-t1-speech"]) == (Status.COMPLETED, 1)


def test_a_doubted_operation_is_looked_up_once_more_later():
    scene = Scene(provider=failing(VOICE, refusal(errors.Ambiguous)))
    scene.finish()
    scene.world.vendor.accept("voice", "ak-t1-voice")
    record = scene.until(lambda r: r.next_at is None, seconds=10.0)
    assert (record.status, record.operation(VOICE).cleanup.duplicates) == (
        Status.COMPLETED,
        ("j2",),
    )


def test_a_late_look_up_that_fails_is_repeated():
    class Flaky(failing(VOICE, refusal(errors.Ambiguous))):
        broken = False

        async def _find(self, token):
            if self.broken:
                raise refusal(errors.Unavailable)
            return await super()._find(token)

        find_voice = _find

    scene = Scene(provider=Flaky)
    scene.finish()
    scene.provider.broken = True
    scene.advance(seconds=100.0)
    assert scene.record.next_at > scene.world.now
    scene.provider.broken = False
    assert scene.until(lambda r: r.next_at is None, seconds=10.0).status is Status.COMPLETED


def test_what_was_found_to_be_made_twice_is_deleted_on_request():
    scene = Scene()
    intent(scene)
    scene.world.vendor.accept("voice", "ak-t1-voice")
    scene.world.vendor.accept("voice", "ak-t1-voice")
    scene.world.now += 1
    scene.advance()
    scene.resolve("delete")
    scene.until(lambda r: r.status.final and r.next_at is None, seconds=5.0)
    assert [j.deleted for j in scene.world.vendor.jobs.values()] == [False, True, False]


def test_what_was_found_to_be_made_twice_is_kept_on_request():
    scene = Scene()
    intent(scene)
    scene.world.vendor.accept("voice", "ak-t1-voice")
    scene.world.vendor.accept("voice", "ak-t1-voice")
    scene.world.now += 1
    scene.advance()
    assert scene.resolve("keep").action is None


@pytest.mark.parametrize("kind", [errors.RateLimited, errors.AuthError, errors.ConfigError])
def test_speech_that_breaks_off_was_paid_for_whatever_ended_it(kind):
    class Broken(Provider):
        async def synthesize(self, request):
            speech = await super().synthesize(request)

            async def audio():
                yield b"half"
                raise kind("in the middle")

            return speech.model_copy(update={"audio": audio()})

    scene = unfindable(video, provider=Broken)
    scene.until(lambda r: r.action)
    assert scene.paid() == {"ak-t1-speech": 1}


def test_speech_without_a_byte_is_a_doubt():
    class Silent(Provider):
        async def synthesize(self, request):
            speech = await super().synthesize(request)

            async def audio():
                return
                yield b""

            return speech.model_copy(update={"audio": audio()})

    record = unfindable(video, provider=Silent).until(lambda r: r.action)
    assert record.action.kind == "payment"


def test_found_speech_without_its_audio_is_never_called_stored():
    class Lost(Provider):
        async def synthesize(self, request):
            await super().synthesize(request)
            raise refusal(errors.Ambiguous)

        async def get_speech(self, job_id):
            job = await super().get_speech(job_id)
            return job.model_copy(update={"links": {}})

    record = Scene(video, provider=Lost).until(lambda r: r.action, seconds=5.0)
    assert "no link to its audio" in record.action.message


def test_a_look_up_that_fails_for_ever_ends_in_a_question():
    class Down(Provider):
        async def find_voice(self, token):
            raise refusal(errors.Unavailable)

    scene = Scene(provider=Down, deadline_at=1100.0)
    intent(scene)
    record = scene.until(lambda r: r.action, seconds=30.0)
    assert (record.action.kind, record.operation(VOICE).phase) == ("deadline", Phase.INTENT)


# -- idempotency keys -------------------------------------------------------------------------


class Keyed(Provider):
    """A vendor that answers the same key with the same job for a day."""

    def __init__(self, world):
        super().__init__(world)
        self.keys, self.requests, self.trouble = {}, [], [refusal(errors.Ambiguous)]

    async def _submit(self, request, kind):
        self.requests.append(request.idempotency_key)
        request.guard()
        if request.idempotency_key not in self.keys:
            self.keys[request.idempotency_key] = self.vendor.accept(kind, request.token)
        if self.trouble:
            raise self.trouble.pop(0)
        return self.keys[request.idempotency_key]


def keyed(window=86_400.0, findable=False):
    scene = Scene(provider=Keyed)
    operations = tuple(
        o.revised(terms={"idempotency_window": window, "findable": findable})
        for o in scene.record.operations
    )
    scene.world.rows["t1"] = scene.record.model_copy(update={"operations": operations})
    return scene


def test_the_same_attempt_is_repeated_under_its_key():
    scene = keyed()
    assert scene.finish().status is Status.COMPLETED
    assert scene.provider.requests == ["ak-t1-voice:1", "ak-t1-voice:1", "ak-t1-avatar:1"]
    assert scene.paid()["ak-t1-voice"] == 1


def test_a_refused_repeat_proves_nothing():
    scene = keyed()
    scene.provider.trouble.append(refusal(errors.Refused))
    assert scene.finish().status is Status.COMPLETED


def test_after_cancel_nothing_is_repeated():
    scene = keyed()
    scene.advance()
    run(scene.orchestrator.cancel(scene.record))
    scene.advance(seconds=5.0)
    assert scene.provider.requests == ["ak-t1-voice:1"]


def test_after_a_restore_nothing_is_repeated_under_an_old_key():
    scene = keyed()
    scene.advance()
    run(scene.orchestrator.restored(scene.record))
    record = scene.advance(seconds=5.0)
    assert (record.action.kind, len(scene.provider.requests)) == ("payment", 1)


def test_outside_the_window_nothing_is_repeated():
    scene = keyed()
    scene.advance()
    record = scene.advance(seconds=25 * 3600.0)
    assert (record.action.kind, len(scene.provider.requests)) == ("payment", 1)


def test_a_repeat_that_freezes_before_it_leaves_is_not_sent():
    scene = keyed()
    scene.advance()
    now = scene.world.clock()
    frozen = now.model_copy(update={"wall": now.wall + 24 * 3600.0, "boot": now.boot + 24 * 3600.0})
    moments = [now]
    scene.orchestrator._clock.now = lambda: moments.pop() if moments else frozen
    scene.advance(seconds=1.0)
    assert scene.provider.requests == ["ak-t1-voice:1"]


def test_a_repeat_whose_turn_comes_after_the_window_is_not_sent():
    scene = keyed()
    scene.advance()

    class Busy(Slots):
        @asynccontextmanager
        async def slot(self, _provider):
            scene.world.now += 24 * 3600.0
            yield

    scene.orchestrator._slots = Busy()
    scene.advance(seconds=1.0)
    assert scene.provider.requests == ["ak-t1-voice:1"]


def test_a_changed_body_is_not_sent_under_the_old_key():
    scene = keyed()
    scene.advance()
    scene.world.rows["t1"] = scene.record.model_copy(update={"name": "another"})
    record = scene.advance(seconds=1.0)
    assert (record.action.kind, len(scene.provider.requests)) == ("payment", 1)


def test_a_changed_body_is_looked_up_where_that_is_possible():
    scene = keyed(findable=True)
    scene.advance()
    scene.world.rows["t1"] = scene.record.model_copy(update={"name": "another"})
    assert (scene.finish().status, scene.paid()["ak-t1-voice"]) == (Status.COMPLETED, 1)


# -- accounts ---------------------------------------------------------------------------------


def test_with_another_accounts_key_nothing_is_polled():
    scene = Scene()
    scene.until(lambda r: r.operation(VOICE).job.id)
    scene.provider.account = "account-2"
    record = scene.advance(seconds=100.0)
    assert (record.status, record.action.kind) == (Status.ACTION_REQUIRED, "account")


def test_in_another_folder_of_a_provider_of_this_machine_the_folder_is_asked_for():
    scene = Scene()
    scene.until(lambda r: r.operation(VOICE).job.id)
    can = dataclasses.replace(scene.provider.capabilities, keeps_here=True)
    scene.provider.account, scene.provider.capabilities = "home-2", can
    action = scene.advance(seconds=100.0).action
    assert ("AVATARKIT_HOME" in action.message, action.choices) == (True, ("give_up",))


def test_a_folder_that_cannot_be_used_is_a_question_and_no_fault():
    class Homeless(Provider):
        @property
        def account(self):
            raise errors.StorageError("/srv/home cannot be used: name another in AVATARKIT_HOME")

    scene = Scene(provider=Homeless)
    action = scene.advance().action
    assert (action.kind, "/srv/home cannot be used" in action.message) == ("account", True)


def test_the_own_accounts_key_lets_it_go_on_by_itself():
    scene = Scene()
    scene.until(lambda r: r.operation(VOICE).job.id)
    scene.provider.account = "account-2"
    scene.advance(seconds=100.0)
    scene.advance(seconds=100.0)
    scene.provider.account = "account-1"
    assert scene.until(lambda r: r.status.final, seconds=30.0).status is Status.COMPLETED


def test_a_rotated_key_of_the_same_account_goes_on():
    scene = Scene()
    scene.until(lambda r: r.operation(VOICE).job.id)
    scene.provider.account = "account-2"
    scene.advance(seconds=100.0)
    scene.resolve("same_account")
    assert scene.finish().status is Status.COMPLETED


def test_a_missing_key_is_a_question_too():
    scene = Scene()
    del scene.known["sim"]
    record = scene.advance()
    assert "SIM_API_KEY" in record.action.message


# -- results, deadline, end -------------------------------------------------------------------


class Unreachable(Provider):
    async def fetch(self, url):
        raise refusal(errors.NotFound)
        yield b""


def test_a_result_that_cannot_be_fetched_is_never_called_completed():
    scene = Scene(video, provider=Unreachable)
    record = scene.until(lambda r: r.action, seconds=5.0)
    assert (record.status, record.action.kind) == (Status.ACTION_REQUIRED, "result")


def test_a_result_without_a_byte_is_never_called_completed():
    class Empty(Provider):
        async def fetch(self, url):
            return
            yield b""

    record = Scene(video, provider=Empty).until(lambda r: r.action, seconds=5.0)
    assert (record.action.kind, "empty" in record.action.message) == ("result", True)


def test_a_signed_link_does_not_reach_the_record():
    class Leaks(Provider):
        async def fetch(self, url):
            raise errors.Unavailable("https://cdn.example/v.mp4?X-Amz-Signature=SECRET broke")
            yield b""

    record = Scene(video, provider=Leaks).until(lambda r: r.action, seconds=5.0)
    assert "SECRET" not in record.model_dump_json()


def test_a_vendors_reason_is_kept_without_its_signed_link():
    class Fails(Provider):
        async def _get(self, job_id):
            job = await super()._get(job_id)
            reason = "cannot read https://cdn.example/me.wav?sig=SECRET"
            return job.model_copy(update={"state": JobState.FAILED, "reason": reason})

        get_voice = _get

    record = Scene(provider=Fails).finish()
    assert "cannot read" in record.error_message
    assert "SECRET" not in record.model_dump_json()


def test_a_result_is_fetched_when_a_person_says_so():
    scene = Scene(video, provider=Unreachable)
    scene.until(lambda r: r.action, seconds=5.0)
    scene.provider.fetch = Provider(scene.world).fetch
    scene.resolve("retry")
    assert scene.finish().status is Status.COMPLETED


def test_a_finished_video_without_a_link_is_asked_for_again():
    class NoLink(Provider):
        async def _get(self, job_id):
            job = await super()._get(job_id)
            return job.model_copy(update={"links": {}})

        get_video = _get

    record = Scene(video, provider=NoLink).until(lambda r: r.action, seconds=5.0)
    assert "no link to its video" in record.action.message


def test_an_overdue_record_asks_and_waits_on():
    scene = Scene(deadline_at=1002.0, policy=dataclasses.replace(POLICY, deadline=1000.0))
    record = scene.until(lambda r: r.action)
    assert record.action.kind == "deadline"
    record = scene.resolve("wait")
    assert record.deadline_at == scene.world.now + 1000.0


def test_cancel_deletes_what_the_vendor_holds():
    scene = Scene()
    scene.until(lambda r: r.operation(VOICE).job.id)
    run(scene.orchestrator.cancel(scene.record))
    scene.until(lambda r: r.next_at is None)
    assert scene.world.vendor.jobs["j0"].deleted


def test_a_completed_training_cannot_be_cancelled():
    scene = Scene()
    scene.finish()
    with pytest.raises(errors.IllegalTransition, match="completed"):
        run(scene.orchestrator.cancel(scene.record))


def test_delete_removes_the_results():
    scene = Scene(video)
    scene.finish()
    run(scene.orchestrator.delete(scene.record))
    scene.until(lambda r: r.next_at is None, seconds=10.0)
    assert scene.world.store == {}


@pytest.mark.parametrize(
    ("error", "removed", "undeletable"),
    [
        (errors.NotFound("gone"), ("j0",), ()),
        (errors.Unsupported("no such call"), (), ("j0",)),
    ],
)
def test_what_the_vendor_says_to_a_deletion(error, removed, undeletable):
    class Deletes(Provider):
        async def delete_voice(self, job_id):
            raise error

    scene = Scene(provider=Deletes)
    scene.until(lambda r: r.operation(VOICE).job.id)
    run(scene.orchestrator.cancel(scene.record))
    op = scene.until(lambda r: r.next_at is None).operation(VOICE)
    assert (op.cleanup.removed, op.cleanup.undeletable) == (removed, undeletable)


def test_a_deletion_that_fails_is_repeated():
    class Deletes(Provider):
        left = 2

        async def delete_voice(self, job_id):
            if self.left:
                self.left -= 1
                raise refusal(errors.Unavailable)
            await self._delete(job_id)

    scene = Scene(provider=Deletes)
    scene.until(lambda r: r.operation(VOICE).job.id)
    run(scene.orchestrator.cancel(scene.record))
    scene.until(lambda r: r.next_at is None)
    assert scene.world.vendor.jobs["j0"].deleted


def test_a_restored_database_looks_before_it_sends():
    scene = Scene()
    scene.world.vendor.accept("voice", "ak-t1-voice")
    run(scene.orchestrator.restored(scene.record))
    scene.world.now += 1
    assert (scene.finish().status, scene.paid()["ak-t1-voice"]) == (Status.COMPLETED, 1)


def test_prices_that_cannot_be_read_do_not_keep_an_accepted_call_from_being_saved(caplog):
    class Telling(Provider):
        async def clone_voice(self, request):
            job = await super().clone_voice(request)
            return job.model_copy(update={"cost": "312 characters"})

    def broken(state):
        raise errors.ConfigError("line 9 of the price file: unit_price.usd")

    scene = Scene(provider=Telling)
    scene.orchestrator._charged = broken
    record = scene.advance()
    voice = record.operation(VOICE)
    assert (voice.phase, voice.job.cost, voice.job.charged) == (Phase.DONE, "312 characters", None)
    assert any("charge.not_priced" in r.getMessage() for r in caplog.records)


# -- webhooks and answers ---------------------------------------------------------------------


def event(trusted, state=JobState.SUCCEEDED, job_id="j0"):
    job = Job(provider="sim", operation=VOICE, id=job_id, state=state)
    return VendorEvent(
        provider="sim", id="e1", name="avatar.training_completed", job=job, trusted=trusted
    )


class Deliveries(Repository):
    async def find_job(self, provider, operation, job_id):
        job = provider, operation, job_id
        return next((r for r in self.world.rows.values() if job in r.jobs), None)


def delivered(trusted, token=None, **more):
    scene = Scene()
    scene.orchestrator._repository = Deliveries(scene.world)
    scene.until(lambda r: r.operation(VOICE).job.id)
    record, _ = run(scene.orchestrator.deliver(event(trusted, **more), token))
    return scene, record


def test_a_signed_webhook_counts_as_a_poll():
    _, record = delivered(trusted=True)
    assert record.operation(VOICE).job.state is JobState.SUCCEEDED


def test_an_unsigned_webhook_is_only_a_reason_to_look():
    scene, record = delivered(trusted=False, state=JobState.FAILED)
    assert (record.status, record.next_at) == (Status.TRAINING, scene.world.now)


def test_a_webhook_that_names_a_job_by_another_id_is_only_a_reason_to_look(monkeypatch):
    """Several jobs may share that id: HeyGen's group is that of all looks of a person."""

    class Grouped(Provider):
        async def clone_voice(self, request):
            job = await super().clone_voice(request)
            return job.model_copy(update={"other_ids": ("group",)})

    monkeypatch.setitem(globals(), "Scene", partial(Scene, provider=Grouped))
    scene, record = delivered(trusted=True, state=JobState.FAILED, job_id="group")
    assert (record.status, record.next_at) == (Status.TRAINING, scene.world.now)


def test_a_webhook_about_nothing_of_ours_is_nothing():
    _, record = delivered(trusted=True, job_id="another")
    assert record is None


def test_a_webhook_about_a_job_that_is_not_known_yet_only_hurries_the_look_up():
    scene, record = delivered(trusted=True, job_id="another", token="ak-t1-voice")
    assert (record.operation(VOICE).job.id, record.next_at) == ("j0", scene.world.now)


@pytest.mark.parametrize("token", ["ak-t9-voice", "ak-t1-video", "t1", "ak-t1-avatar"])
def test_a_token_that_is_none_of_ours_names_no_record(token):
    assert delivered(trusted=True, job_id="another", token=token)[1] is None


def test_a_token_that_no_id_of_the_repository_can_stand_in_names_no_record(monkeypatch):
    async def only_uuids(self, record_id):
        raise errors.ConfigError("ids are UUIDs here")

    monkeypatch.setattr(Repository, "get", only_uuids)
    orchestrator = Scene().orchestrator
    named = run(orchestrator._named("ak-t1-voice", VOICE))
    assert named is None


def test_an_answer_that_fits_no_question_is_refused():
    scene = Scene()
    with pytest.raises(errors.IllegalTransition, match="asks for nothing"):
        scene.resolve("wait")


def test_an_answer_that_is_not_offered_is_refused():
    scene = Scene(deadline_at=1002.0)
    scene.until(lambda r: r.action)
    with pytest.raises(errors.IllegalTransition, match="wait, give_up"):
        scene.resolve("adopt")


def test_a_person_who_has_done_it_lets_us_look_at_once():
    scene = Scene()
    scene.until(lambda r: r.operation(VOICE).job.id)
    action = Action(kind="open_url", message="agree", operation=VOICE, choices=("done",))
    scene.world.rows["t1"] = apply(scene.record, Asked(at=1000.0, action=action))
    assert scene.resolve("done").next_at == scene.world.now


# -- requests ---------------------------------------------------------------------------------


class Speed(Options):
    speed: float = 1.0


class Stranger(Options):
    other: int = 1


def requests_of(make, provider=Provider, **changes):
    seen = []

    class Recording(provider):
        option_types = (Speed,)

        async def _submit(self, request, kind):
            seen.append(request)
            return await super()._submit(request, kind)

    Scene(make, provider=Recording, **changes).finish()
    return seen


def test_a_provider_gets_its_own_options_only():
    stored = (
        {"type": "Speed", "values": {"speed": 1.5}},
        {"type": "Stranger", "values": {"other": 2}},
    )
    first = requests_of(training, options=stored)[0]
    assert first.options == (Speed(speed=1.5),)


def test_a_script_is_spoken_first_and_the_audio_drives_the_video():
    speech, film = requests_of(video)
    assert (speech.text, film.script, film.audio.sha256) == ("Hello", None, "0")


def test_a_video_by_script_carries_the_voice():
    op = OperationState(operation=VIDEO, provider="sim")
    (film,) = requests_of(video, operations=(op,))
    assert (film.script, film.voice_id, film.audio) == ("Hello", "v", None)


def test_a_video_by_recorded_audio_carries_the_recording():
    op = OperationState(operation=VIDEO, provider="sim")
    file = StoredFile(key="samples/a", size=1, sha256="77")
    audio = Sample(id="s", user_id="u", clone_id="c", role="voice", name="a.wav", file=file)
    (film,) = requests_of(video, operations=(op,), audio=audio, script=None)
    assert (film.audio.sha256, film.audio.name) == ("77", "a.wav")


class Dubs(Provider):
    def __init__(self, world):
        super().__init__(world)
        self.seen = []

    async def dub_video(self, request):
        self.seen.append(request)
        return await self._submit(request, VIDEO)

    find_dub, get_dub, delete_dub = Provider._find, Provider._get, Provider._delete


def dubbed_by(provider):
    op = OperationState(operation=Operation.DUB, provider="sim")
    file = StoredFile(key="samples/a", size=1, sha256="77")
    source = Sample(id="s", user_id="u", clone_id="c", role="footage", name="a.mp4", file=file)
    return Scene(video, provider=provider, operations=(op,), source=source, language="de")


def test_a_dub_carries_its_source_and_language():
    scene = dubbed_by(Dubs)
    scene.until(lambda r: r.operation(Operation.DUB).job.id)
    [request] = scene.provider.seen
    assert (request.source.sha256, request.language) == ("77", "de")


def test_a_dub_of_which_the_vendor_delivers_the_sound_is_laid_under_its_source():
    class Sounds(Dubs):
        capabilities = dataclasses.replace(Provider.capabilities, dubs_sound=True)

        async def get_dub(self, job_id):
            job = await self._get(job_id)
            return job.model_copy(update={"links": {"audio": f"sim://{job_id}"}})

    async def lay(place, pictures, sound):
        laid.append((pictures.sha256, sound.key))
        return pictures.model_copy(update={"key": place})

    laid = []
    scene = dubbed_by(Sounds)
    scene.orchestrator._lay_sound = lay
    files = scene.finish().files
    assert laid == [("77", files["audio"].key)]
    assert files["video"].key.endswith("dub-video")


def test_media_is_opened_from_the_store():
    opened = []

    class Reads(Provider):
        async def clone_voice(self, request):
            opened.extend(request.samples[0].open())
            return await super().clone_voice(request)

    Scene(provider=Reads).finish()
    assert opened == []


def test_a_voice_of_another_provider_is_not_bound_to_the_avatar():
    voice, avatar = training("t", 0.0).operations
    voice = voice.model_copy(update={"provider": "other"})
    scene = Scene(operations=(voice, avatar))
    scene.known["other"] = scene.provider
    seen = []
    submit = scene.provider.train_avatar

    async def train_avatar(request):
        seen.append(request.voice_id)
        return await submit(request)

    scene.provider.train_avatar = train_avatar
    scene.finish()
    assert seen == [None]


def test_the_ledger_names_every_acceptance_once():
    entries = []
    scene = Scene()
    save = scene.orchestrator._repository.save

    async def kept(old, new, *more):
        saved = await save(old, new, *more)
        entries.extend(e.id for e in more if saved)
        return saved

    scene.orchestrator._repository.save = kept
    scene.finish()
    assert entries == ["ak-t1-voice:j0", "ak-t1-avatar:j1"]


def test_a_job_that_turns_up_a_day_late_is_in_the_ledger():
    written = []

    class Writing(Repository):
        async def save(self, old, new, *entries):
            written.extend(entry.job_id for entry in entries)
            return await super().save(old, new, *entries)

    scene = Scene(provider=failing(VOICE, refusal(errors.Ambiguous)))
    scene.orchestrator._repository = Writing(scene.world)
    scene.finish()
    scene.world.vendor.accept("voice", "ak-t1-voice")
    scene.until(lambda r: r.next_at is None, seconds=10.0)
    assert sorted(set(written)) == ["j0", "j1", "j2"]


def test_a_free_acceptance_is_not_in_the_ledger():
    from avatarkit.lifecycle.effects import _ledger

    scene = Scene()
    operations = tuple(o.revised(terms={"billable": False}) for o in scene.record.operations)
    record = scene.record.model_copy(update={"operations": operations})
    job = Job(provider="sim", operation=VOICE, id="j", state=JobState.RUNNING)
    assert _ledger(record, Accepted(at=0.0, **MY_VOICE, job=job, next_at=0.0)) == []


def test_the_default_policy_settles_within_six_minutes():
    policy = Policy()
    assert policy.send_guard + policy.timeout + Capabilities().list_lag <= 360


# -- a person is waited for before anything is paid -------------------------------------------


class Asking(Provider):
    """Wants a text read aloud before it trains; ``fits`` says whether it takes a recording."""

    fits, looking = True, False
    life = 30.0

    def __init__(self, world):
        super().__init__(world)
        self.asked, self.recordings, self.trouble, self.discarded, self.looks = [], [], [], [], []
        self.accepted = False

    async def prepare(self, operation, request):
        if operation is VOICE:
            return {}
        self.looks.append(self.world.now)
        known = dict(request.prepared)
        if self.accepted:
            return known
        if self.recordings and self.looking:
            return Waiting(prepared=known)
        if self.world.now >= known.get("until", 0.0):
            until = self.world.now + self.life
            known = {"consent": f"c{len(self.asked)}", "until": until}
            self.asked.append(known["consent"])
        action = Action(
            kind="read_text",
            message="Read it.",
            text=f"text of {known['consent']}",
            expires_at=known["until"],
            recording="video",
            ref=known["consent"],
        )
        return Waiting(prepared=known, action=action)

    async def hand_in(self, ref, recording, *, subject):
        if self.trouble:
            raise self.trouble.pop(0)
        self.recordings.append((ref, recording.name, subject))
        self.accepted = self.fits

    async def discard(self, operation, prepared):
        if self.trouble:
            raise self.trouble.pop(0)
        self.discarded.append(prepared["consent"])


FILE = StoredFile(key="results/t1/recording.mp4", size=1, sha256="0", media_type="video/mp4")


def give(scene, **more):
    given = HandIn(**({"ref": scene.record.action.ref, "name": "me.mp4", "file": FILE} | more))
    return run(scene.orchestrator.give(scene.record, (AVATAR, 0), given))


def asking(scene):
    return scene.until(lambda r: r.action)


def test_a_preparation_that_waits_puts_its_action_up():
    scene = Scene(provider=Asking)
    record = asking(scene)
    assert (record.status, record.action.text) == (Status.ACTION_REQUIRED, "text of c0")
    assert "ak-t1-avatar" not in scene.paid()


def test_what_was_prepared_so_far_is_given_to_the_next_preparation():
    scene = Scene(provider=Asking)
    asking(scene)
    for _ in range(20):
        scene.advance(seconds=0.5)
    assert scene.provider.asked == ["c0"]
    assert len(scene.provider.looks) > 2


def test_looks_become_rarer_while_a_person_is_waited_for():
    scene = Scene(provider=Asking)
    scene.provider.life = 1e6
    asking(scene)
    for _ in range(1000):
        scene.advance(seconds=1.0)
    gaps = [b - a for a, b in itertools.pairwise(scene.provider.looks)]
    assert gaps == sorted(gaps)
    assert gaps[-1] == pytest.approx(POLICY.gap_max, abs=1.0)


def test_a_text_is_renewed_when_it_expires():
    scene = Scene(provider=Asking)
    begun = asking(scene).action
    record = scene.until(lambda r: r.action.text != begun.text)
    assert record.action.text == "text of c1"
    assert scene.world.now - begun.expires_at < 1.0


def test_an_action_that_is_past_its_time_is_not_asked_for_again_and_again_at_once():
    scene = Scene(provider=Asking)
    scene.provider.life = 0.0
    asking(scene)
    assert len(scene.provider.looks) == 1


def test_once_it_is_accepted_it_goes_on_by_itself():
    scene = Scene(provider=Asking)
    asking(scene)
    scene.provider.accepted = True
    assert scene.finish().status is Status.COMPLETED
    assert scene.paid()["ak-t1-avatar"] == 1


def test_a_recording_is_handed_in_and_it_goes_on():
    scene = Scene(provider=Asking)
    asking(scene)
    assert give(scene).action is None
    assert scene.finish().status is Status.COMPLETED
    assert scene.provider.recordings == [("c0", "me.mp4", None)]


def test_a_recording_is_handed_in_with_the_name_of_who_consented():
    scene = Scene(provider=Asking, consent_id="consent-1")

    async def get_consent(consent_id):
        return Consent(id=consent_id, subject="Ana Lima")

    scene.orchestrator._repository.get_consent = get_consent
    asking(scene)
    give(scene)
    scene.advance()
    assert scene.provider.recordings == [("c0", "me.mp4", "Ana Lima")]


def test_while_the_vendor_looks_at_a_recording_nobody_need_act():
    scene = Scene(provider=Asking)
    asking(scene)
    scene.provider.fits, scene.provider.looking = False, True
    give(scene)
    record = scene.advance()
    assert (record.status, record.action) == (Status.TRAINING, None)
    scene.provider.accepted = True
    assert scene.finish().status is Status.COMPLETED


def test_a_recording_outlives_trouble_on_its_way():
    scene = Scene(provider=Asking)
    asking(scene)
    scene.provider.trouble = [refusal(errors.Unavailable), refusal(errors.RateLimited)]
    give(scene)
    assert scene.advance().operation(AVATAR).hand_in is not None
    assert scene.finish().status is Status.COMPLETED


def test_a_recording_that_is_not_taken_is_asked_for_again_and_why():
    scene = Scene(provider=Asking)
    asking(scene)
    scene.provider.trouble = [refusal(errors.Refused)]
    give(scene)
    record = scene.advance()
    assert record.action.message == "The last recording was not taken: because. Read it."
    give(scene)
    assert scene.finish().status is Status.COMPLETED


def test_uploads_of_a_cancelled_training_are_deleted():
    scene = Scene(provider=Asking)
    asking(scene)
    run(scene.orchestrator.cancel(scene.record))
    scene.until(lambda r: r.next_at is None)
    assert scene.provider.discarded == ["c0"]


@pytest.mark.parametrize("kind", [errors.Unavailable, errors.Refused, errors.AuthError])
def test_deleting_uploads_is_tried_again(kind):
    scene = Scene(provider=Asking)
    asking(scene)
    scene.provider.trouble = [refusal(kind)] * 3
    run(scene.orchestrator.cancel(scene.record))
    record = scene.until(lambda r: r.next_at is None)
    assert (scene.provider.discarded, record.operation(AVATAR).uploads.fate) == (["c0"], "gone")


def test_deleting_uploads_ends_some_time():
    scene = Scene(provider=Asking)
    asking(scene)
    scene.provider.trouble = [refusal(errors.Unavailable)] * 100
    run(scene.orchestrator.cancel(scene.record))
    record = scene.until(lambda r: r.next_at is None)
    assert record.operation(AVATAR).uploads.fate == "left"
    assert len(scene.provider.trouble) == 100 - POLICY.discard_limit


@pytest.mark.parametrize(
    ("kind", "uploads"), [(errors.NotFound, "gone"), (errors.Unsupported, "left")]
)
def test_uploads_that_are_gone_or_cannot_be_deleted_are_asked_for_once(kind, uploads):
    scene = Scene(provider=Asking)
    asking(scene)
    error = refusal(kind) if issubclass(kind, errors.ProviderError) else kind("it cannot")
    scene.provider.trouble = [error] * 2
    run(scene.orchestrator.cancel(scene.record))
    record = scene.until(lambda r: r.next_at is None)
    assert (record.operation(AVATAR).uploads.fate, len(scene.provider.trouble)) == (uploads, 1)


def test_uploads_at_a_vendor_that_deletes_none_are_left():
    scene = Scene(provider=Uploads)
    scene.until(lambda r: r.operation(AVATAR).uploads.prepared)
    run(scene.orchestrator.cancel(scene.record))
    record = scene.until(lambda r: r.next_at is None or r.next_at > scene.world.now + 5)
    assert [o.uploads.fate for o in record.operations] == ["left", "left"]


# -- a consent that ends while something is under way -----------------------------------------


class Stepwise(Provider):
    """A vendor whose avatars take a second call, once they were polled."""

    def __init__(self, world):
        super().__init__(world)
        self.begun, self.trouble = [], []

    async def get_avatar(self, job_id):
        job = await super().get_avatar(job_id)
        if self.begun:
            return job
        return job.model_copy(
            update={"state": JobState.RUNNING, "links": {}, "next_step": "render"}
        )

    get_video = get_avatar

    async def begin_step(self, job):
        if self.trouble:
            raise self.trouble.pop(0)
        self.begun.append((job.id, job.next_step))


def lapse(scene, **ended):
    """End the consent of the scene's record now."""
    agreed = Consent(id="c1", user_id="u", subject="Ana Lima")
    scene.world.consents["c1"] = agreed.model_copy(update=ended or {"expires_at": scene.world.wall})
    scene.world.rows["t1"] = scene.record.model_copy(update={"consent_id": "c1"})


class Lapsing(Slots):
    """Slots for which one waits until the consent has ended."""

    def __init__(self, scene):
        self.scene = scene

    @asynccontextmanager
    async def slot(self, _provider):
        lapse(self.scene)
        yield


@pytest.mark.parametrize("make", [training, video])
def test_a_step_that_a_poll_finds_due_is_begun_and_the_job_goes_on(make):
    scene = Scene(make, provider=Stepwise)
    scene.provider.trouble = [refusal(errors.Unavailable), refusal(errors.NotFound)]
    lapse(scene, expires_at=scene.world.wall + 1e6)
    assert (scene.finish().status, scene.provider.begun) == (Status.COMPLETED, [("j1", "render")])


@pytest.mark.parametrize("make", [training, video])
@pytest.mark.parametrize(
    ("ended", "status"),
    [({"expires_at": 0.0}, Status.FAILED), ({"revoked_at": 1.0}, Status.CANCELLED)],
)
def test_no_step_is_begun_once_the_consent_has_ended(make, ended, status):
    scene = Scene(make, provider=Stepwise)
    scene.until(lambda r: r.operations[-1].phase is Phase.DONE)
    lapse(scene, **ended)
    record = scene.finish()
    assert (record.status, record.error_type) == (status, "ConsentRequired")
    assert scene.provider.begun == []


def test_no_paid_call_is_sent_if_the_consent_ends_while_it_waits_for_its_turn():
    scene = Scene()
    lapse(scene, expires_at=scene.world.wall + 1.0)
    scene.orchestrator._slots = Lapsing(scene)
    record = scene.finish()
    assert (record.error_type, scene.paid()) == ("ConsentRequired", {})


@pytest.mark.parametrize("waits", [False, True], ids=["before its turn", "while it waits"])
def test_what_may_not_have_arrived_is_not_repeated_once_the_consent_has_ended(waits):
    scene = keyed()
    scene.advance()
    lapse(scene, expires_at=scene.world.wall + 6.0 * waits)
    if waits:
        scene.orchestrator._slots = Lapsing(scene)
    record = scene.advance(seconds=5.0)
    assert (record.action.kind, scene.provider.requests) == ("payment", ["ak-t1-voice:1"])


def test_a_recording_is_not_handed_in_once_the_consent_has_expired():
    scene = Scene(provider=Asking)
    asking(scene)
    give(scene)
    lapse(scene)
    assert scene.finish().error_type == "ConsentRequired"
    assert scene.provider.recordings == []


def slow(world, seconds):
    """Make saves of accepted jobs take so many seconds, as of a database that is busy."""

    class SlowRepository(Repository):
        async def save(self, *given):
            saved = await super().save(*given)
            if saved.operations[0].phase is Phase.DONE:
                self.world.now += seconds
            return saved

    return SlowRepository(world)


@pytest.mark.parametrize("seconds", [1.0, 5.0, 60.0])
def test_a_visit_ends_with_the_save_that_ended_its_lease_though_the_next_step_is_due_by_now(
    seconds,
):
    scene = Scene()
    scene.orchestrator._repository = slow(scene.world, seconds)
    after = scene.advance()
    assert after.waits
    assert after.next_at < scene.world.now  # another worker may have it by now
    assert after.operations[0].job.polls == 0


@pytest.mark.parametrize("made", [training, video])
def test_a_visit_goes_on_while_its_saves_keep_the_lease(made):
    scene = Scene(make=made)
    before = scene.record.version
    assert scene.advance().version >= before + 2  # its intent and its answer
