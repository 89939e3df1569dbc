"""The pure state machine."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from avatarkit import records as r
from avatarkit.lifecycle import events
from avatarkit.lifecycle.apply import apply
from avatarkit.lifecycle.decide import Do, Policy, Step, decide, poll_gap, settle_time
from avatarkit.lifecycle.events import (
    Abandoned,
    Absent,
    Accepted,
    Asked,
    Cancelled,
    Cleared,
    CopyFailed,
    Deleted,
    Discarded,
    Doubted,
    Failed,
    GaveUp,
    HandedIn,
    Intended,
    Missing,
    Postponed,
    Prepared,
    Purged,
    Rechecked,
    Removed,
    Restored,
    Resumed,
    Seen,
    SettleRestarted,
    Stored,
    Taken,
    Unsent,
    Waits,
)
from avatarkit.models import Action, Job, JobState, Operation, StoredFile
from avatarkit.records import Phase, Status
from parts import an_operation

POLICY = Policy()
NOW = 1000.0
FILE = StoredFile(key="results/t/avatar-preview.mp4", size=1, sha256="0")
VOICE, AVATAR, VIDEO = Operation.VOICE, Operation.AVATAR, Operation.VIDEO


def instant(wall=NOW, boot=0.0, boot_id=""):
    return r.Instant(wall=wall, boot=boot, boot_id=boot_id)


def state(operation, **more):
    return an_operation(operation, "acme", **{"typical": 100.0, **more})


def training(*operations, **more):
    base = {"id": "t", "user_id": "u", "clone_id": "c", "stack": "acme", "name": "Ana"}
    times = {"created_at": NOW, "updated_at": NOW, "deadline_at": NOW + 1e6, "next_at": NOW}
    operations = operations or (state(VOICE), state(AVATAR))
    return r.Training(**(base | times | {"operations": operations} | more))


def video(*operations, **more):
    record = training()
    fields = {k: getattr(record, k) for k in r.Record.model_fields}
    return r.Video(**(fields | {"operations": operations or (state(VIDEO),)} | more))


def mine(operation):
    """Fields of an event about an operation of these records."""
    return {"operation": operation, "provider": "acme"}


MY_VOICE, MY_VIDEO = mine(VOICE), mine(VIDEO)


def job(operation, state=JobState.RUNNING, job_id="j1", **more):
    return Job(provider="acme", operation=operation, id=job_id, state=state, **more)


def fold(record, *events):
    for event in events:
        record = apply(record, event)
    return record


def prepared(op=VOICE, at=NOW):
    return Prepared(at=at, **mine(op), prepared={}, account="a1", api_version="1")


def intended(op=VOICE, at=NOW):
    return Intended(at=at, **mine(op), instant=instant(at), digest="d")


def accepted(op=VOICE, at=NOW, **more):
    return Accepted(at=at, **mine(op), **({"job": job(op), "next_at": at} | more))


def seen(op=VOICE, state=JobState.SUCCEEDED, at=NOW, job_id="j1", **more):
    return Seen(at=at, **mine(op), job=job(op, state, job_id, **more), next_at=at + 5)


def absent(op=VOICE, attempt=1, **more):
    return Absent(at=NOW, **mine(op), attempt=attempt, next_at=NOW, **more)


def submitted(op=VOICE, record=None):
    return fold(record or training(), prepared(op), intended(op), accepted(op))


def finished(op=VOICE, record=None):
    return fold(submitted(op, record), seen(op))


def completed():
    return finished(AVATAR, finished(VOICE))


# -- time -------------------------------------------------------------------------------------


def test_elapsed_counts_boot_time_while_the_machine_has_not_restarted():
    before, after = instant(9e9, 10.0, "b1"), instant(0.0, 25.0, "b1")
    assert r.elapsed(before, after) == 15.0


def test_elapsed_counts_wall_time_across_a_restart():
    assert r.elapsed(instant(100.0, 50.0, "b1"), instant(130.0, 1.0, "b2")) == 30.0


@pytest.mark.parametrize("wall", [50.0, 100.0 + 400 * 86_400])
def test_an_impossible_difference_is_no_difference(wall):
    assert r.elapsed(instant(100.0), instant(wall)) is None


# -- decide -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "do", "operation"),
    [
        (training(), Do.PREPARE, VOICE),
        (fold(training(), prepared()), Do.SUBMIT, VOICE),
        (fold(training(), prepared(), intended()), Do.RECONCILE, VOICE),
        (submitted(), Do.POLL, VOICE),
        (fold(submitted(), seen(links={"preview": "x"})), Do.COPY, VOICE),
        (finished(), Do.PREPARE, AVATAR),
        (completed(), Do.REST, None),
        (fold(completed(), Deleted(at=NOW)), Do.PURGE, None),
        (fold(completed(), Deleted(at=NOW), Purged(at=NOW, again_at=2e9)), Do.REMOVE, AVATAR),
        (fold(submitted(), Cancelled(at=NOW)), Do.REMOVE, VOICE),
        (fold(training(), prepared(), intended(), Cancelled(at=NOW)), Do.RECONCILE, VOICE),
    ],
)
def test_what_comes_next(record, do, operation):
    step = decide(record, NOW)
    assert (step.do, step.state and step.state.operation) == (do, operation)


def test_the_avatar_waits_for_the_voice():
    running = submitted()
    assert decide(running, NOW).state.operation is VOICE


def test_an_old_record_asks_a_person():
    record = submitted(record=training(deadline_at=NOW + 10))
    assert decide(record, NOW + 11).do is Do.ASK_DEADLINE


def test_a_long_wait_does_not_hide_the_deadline():
    record = fold(submitted(record=training(deadline_at=NOW + 10)), seen(state=JobState.RUNNING))
    later = Postponed(at=NOW, **MY_VOICE, next_at=NOW + 86_400)
    assert fold(record, later).next_at == NOW + 10


def test_a_record_that_was_never_begun_is_begun_however_old():
    assert decide(training(deadline_at=NOW - 1), NOW).do is Do.PREPARE


def test_an_action_about_a_payment_stops_everything():
    record = fold(training(), prepared(), intended(), ask("payment"))
    assert decide(record, NOW).do is Do.REST


def test_an_action_about_the_key_stops_paid_calls():
    assert decide(fold(finished(), ask("retry")), NOW).do is Do.REST


def test_another_accounts_key_is_looked_for_again():
    assert decide(fold(finished(), ask("account")), NOW).do is Do.PREPARE


def test_a_doubted_operation_is_looked_up_again_after_a_day():
    doubt = Doubted(at=NOW, **MY_VOICE, attempt=1, recheck_at=NOW + 9, next_at=NOW)
    record = fold(training(), prepared(), intended(), doubt, accepted(), seen())
    record = finished(AVATAR, record)
    assert decide(record, NOW) == Step(Do.RECHECK, record.operation(VOICE), NOW + 9)


def test_a_free_operation_needs_no_proof_of_absence():
    assert settle_time(state(VOICE, billable=False), POLICY) == 0.0


def test_polls_grow_apart_with_the_age_of_the_job():
    record = submitted()
    op = record.operation(VOICE)
    gaps = [poll_gap(record, op, NOW + age, POLICY) for age in (0, 100, 10_000)]
    assert gaps[0] < gaps[1] < gaps[2] <= POLICY.gap_max * 1.1


@pytest.mark.parametrize(
    ("typical", "called_back", "longest"),
    [
        (60.0, False, 60.0),
        (60.0, True, 60.0),
        (3600.0, False, 180.0),
        (3600.0, True, 720.0),
        (14_400.0, False, 720.0),
        (14_400.0, True, 900.0),
        (864_000.0, False, 900.0),
    ],
)
def test_polls_of_a_long_job_grow_further_apart_above_all_where_the_vendor_calls_back(
    typical, called_back, longest
):
    record = submitted()
    op = record.operation(VOICE).revised(terms={"typical": typical})
    gap = poll_gap(record, op, NOW + 1e6, POLICY, called_back=called_back)
    assert gap == pytest.approx(longest, rel=0.1)


@pytest.mark.parametrize(("called_back", "polls"), [(True, 0), (True, 1), (False, 2), (False, 9)])
def test_a_young_job_is_polled_often_however_long_it_usually_takes(called_back, polls):
    record = submitted()
    op = record.operation(VOICE).revised(terms={"typical": 14_400.0}, job={"polls": polls})
    assert poll_gap(record, op, NOW + 100, POLICY, called_back=called_back) <= 11


@pytest.mark.parametrize(("typical", "gap"), [(60.0, 12.0), (3600.0, 720.0), (14_400.0, 900.0)])
def test_a_young_job_whose_vendor_calls_back_is_polled_seldom_once_it_was_seen_twice(typical, gap):
    record = submitted()
    op = record.operation(VOICE).revised(terms={"typical": typical}, job={"polls": 2})
    found = poll_gap(record, op, NOW + 5, POLICY, called_back=True)
    assert found == pytest.approx(gap, rel=0.1)


def ask(kind, op=VOICE, choices=("retry",)):
    return Asked(
        at=NOW,
        action=Action(kind=kind, operation=op, message="decide", choices=choices),
    )


# -- statuses and progress --------------------------------------------------------------------


def test_a_training_goes_through_its_statuses_in_order():
    steps = [prepared(), intended(), accepted(), seen()]
    record, statuses = training(), []
    for event in steps:
        record = fold(record, event)
        statuses.append(record.status)
    assert statuses == [Status.PROCESSING, Status.PROCESSING, Status.TRAINING, Status.TRAINING]


def test_a_training_is_completed_when_all_its_jobs_succeeded():
    record = completed()
    assert (record.status, record.progress, record.completed_at) == (Status.COMPLETED, 100, NOW)


def test_a_video_is_not_called_training():
    assert submitted(VIDEO, video()).status is Status.PROCESSING


def test_a_video_without_its_bytes_is_not_completed():
    record = fold(submitted(VIDEO, video()), seen(VIDEO))
    assert record.status is Status.PROCESSING


def test_a_video_is_completed_by_its_bytes():
    record = fold(submitted(VIDEO, video()), seen(VIDEO))
    record = fold(record, Stored(at=NOW, **MY_VIDEO, files={"video": FILE}))
    assert (record.status, record.file("video")) == (Status.COMPLETED, FILE)


def test_progress_scales_the_vendors_word():
    record = fold(submitted(), seen(state=JobState.RUNNING, progress=0.5))
    assert (record.progress, record.estimated) == (10 + int(89 * 0.25), False)


def test_progress_is_guessed_where_the_vendor_tells_nothing():
    record = fold(submitted(), seen(state=JobState.RUNNING, at=NOW + 50))
    assert (record.progress, record.estimated) == (10 + int(89 * 0.25), True)


def test_a_guess_never_reaches_the_end():
    record = fold(submitted(AVATAR, finished()), seen(AVATAR, JobState.RUNNING, at=NOW + 1e5))
    assert record.progress == 10 + int(89 * (0.5 + 0.5 * 0.95))


def test_progress_never_falls():
    record = fold(
        submitted(),
        seen(state=JobState.RUNNING, progress=0.9),
        seen(state=JobState.RUNNING, progress=0.1),
    )
    assert record.progress == 10 + int(89 * 0.45)


# -- intents ----------------------------------------------------------------------------------


def test_an_outcome_speaks_of_its_own_attempt_only():
    record = fold(training(), prepared(), intended(), absent(), intended())
    for event in (
        absent(attempt=1),
        Unsent(at=NOW, **MY_VOICE, attempt=1, next_at=NOW),
        Doubted(at=NOW, **MY_VOICE, attempt=1, recheck_at=NOW, next_at=NOW),
        SettleRestarted(at=NOW, **MY_VOICE, attempt=1, instant=instant(), next_at=NOW),
    ):
        assert fold(record, event) is record


def test_an_unsent_attempt_costs_no_try():
    record = fold(
        training(),
        prepared(),
        intended(),
        Unsent(at=NOW, **MY_VOICE, attempt=1, next_at=NOW + 1),
    )
    op = record.operation(VOICE)
    assert (op.phase, op.call.tries, op.not_before) == (Phase.NONE, 0, NOW + 1)


def test_a_rate_limit_costs_no_try():
    record = fold(training(), prepared(), intended(), absent(counts=False))
    assert record.operation(VOICE).call.tries == 0


def test_a_refusal_fails_the_record_and_says_why():
    event = absent(then="fail", message="too short", error_type="Refused")
    record = fold(training(), prepared(), intended(), event)
    assert (record.status, record.error_message, record.error_type) == (
        Status.FAILED,
        "too short",
        "Refused",
    )


def test_a_missing_right_asks_a_person():
    record = fold(training(), prepared(), intended(), absent(then="ask", message="no credits"))
    assert (record.status, record.action.kind) == (Status.ACTION_REQUIRED, "retry")


def test_a_person_lets_it_go_on():
    record = fold(training(), prepared(), intended(), absent(then="ask", message="no credits"))
    record = fold(record, Resumed(at=NOW))
    assert (record.status, decide(record, NOW).do) == (Status.PROCESSING, Do.SUBMIT)


def test_after_cancel_no_paid_call_is_begun():
    cancelled = fold(training(), prepared(), Cancelled(at=NOW))
    assert fold(cancelled, intended()) is cancelled


def test_after_cancel_nothing_is_prepared():
    cancelled = fold(training(), Cancelled(at=NOW))
    assert fold(cancelled, prepared()) is cancelled


def test_what_is_found_after_cancel_is_to_be_deleted():
    record = fold(training(), prepared(), intended(), Cancelled(at=NOW), accepted())
    assert record.operation(VOICE).cleanup.discard == ("j1",)


def test_an_acceptance_told_twice_changes_nothing():
    record = submitted()
    assert fold(record, accepted()) is record


def test_a_second_job_with_our_token_is_reported():
    record = fold(submitted(), accepted(job=job(VOICE, job_id="j2")))
    assert (record.operation(VOICE).cleanup.duplicates, record.action.kind) == (
        ("j2",),
        "duplicate",
    )


def test_a_duplicate_does_not_stop_the_training():
    record = fold(submitted(), accepted(job=job(VOICE, job_id="j2")))
    assert record.status is Status.TRAINING


def test_a_duplicate_is_still_reported_when_it_is_completed():
    record = fold(submitted(), accepted(job=job(VOICE, job_id="j2")), seen())
    record = finished(AVATAR, record)
    assert (record.status, record.action.kind) == (Status.COMPLETED, "duplicate")


def test_duplicates_are_deleted_when_a_person_says_so():
    record = fold(submitted(), accepted(job=job(VOICE, job_id="j2")))
    record = fold(record, Resumed(at=NOW, discard_duplicates=True))
    assert record.operation(VOICE).cleanup.discard == ("j2",)


def test_duplicates_are_kept_when_a_person_says_so():
    record = fold(submitted(), accepted(job=job(VOICE, job_id="j2")))
    record = fold(record, Cleared(at=NOW, kind="duplicate"))
    assert (record.action, record.operation(VOICE).cleanup.discard) == (None, ())


def test_cancel_deletes_duplicates_too():
    record = fold(submitted(), accepted(job=job(VOICE, job_id="j2")), Cancelled(at=NOW))
    assert record.operation(VOICE).cleanup.discard == ("j1", "j2")


def test_after_cancel_a_duplicate_is_no_question():
    both = accepted(others=(job(VOICE, job_id="j2"),))
    record = fold(training(), prepared(), intended(), Cancelled(at=NOW), both)
    assert (record.action, record.operation(VOICE).cleanup.discard) == (None, ("j1", "j2"))


def test_a_payment_in_doubt_is_settled_by_finding_the_job():
    record = fold(training(), prepared(), intended(), ask("payment"), accepted())
    assert (record.action, record.status) == (None, Status.TRAINING)


def test_a_payment_in_doubt_is_settled_by_a_person():
    record = fold(training(), prepared(), intended(), ask("payment"), absent())
    assert (record.action, record.operation(VOICE).phase) == (None, Phase.NONE)


def test_giving_up_closes_what_cannot_be_looked_up():
    op = state(VOICE, findable=False)
    record = fold(training(op), prepared(), intended(), ask("payment"), GaveUp(at=NOW))
    assert (record.status, record.operation(VOICE).phase) == (Status.FAILED, Phase.LOST)


def test_giving_up_keeps_looking_for_what_can_be_found():
    record = fold(training(), prepared(), intended(), GaveUp(at=NOW))
    assert decide(record, NOW).do is Do.RECONCILE


def test_what_was_given_up_can_still_be_adopted():
    op = state(VOICE, findable=False)
    record = fold(training(op), prepared(), intended(), GaveUp(at=NOW), accepted())
    assert (record.status, record.operation(VOICE).job.id) == (Status.FAILED, "j1")


def test_contradicting_clocks_start_the_settle_time_anew():
    event = SettleRestarted(
        at=NOW + 7,
        **MY_VOICE,
        attempt=1,
        instant=instant(NOW + 7),
        next_at=NOW + 99,
    )
    record = fold(training(), prepared(), intended(), event)
    assert record.operation(VOICE).call.intent_at.wall == NOW + 7


def test_speech_is_not_looked_up_again_after_a_day():
    doubt = Doubted(at=NOW, **mine(Operation.SPEECH), attempt=1, recheck_at=9e9, next_at=None)
    record = video(state(Operation.SPEECH), state(VIDEO))
    record = fold(record, prepared(Operation.SPEECH), intended(Operation.SPEECH), doubt)
    assert record.operation(Operation.SPEECH).call.recheck_at is None


def test_a_restored_database_believes_nothing_to_be_unsent():
    record = fold(training(), prepared(), Restored(at=NOW, instant=instant()))
    assert [o.phase for o in record.operations] == [Phase.INTENT, Phase.INTENT]


def test_a_restored_database_leaves_what_is_final():
    assert fold(done := completed(), Restored(at=NOW, instant=instant())) is done


# -- jobs -------------------------------------------------------------------------------------


def test_news_about_another_job_changes_nothing():
    record = submitted()
    assert fold(record, seen(job_id="other")) is record


def test_news_after_the_jobs_end_changes_nothing():
    record = finished()
    assert fold(record, seen(state=JobState.RUNNING)) is record


def test_a_failed_job_fails_the_record_with_the_vendors_reason():
    record = fold(submitted(), seen(state=JobState.FAILED, reason="noise"))
    assert (record.status, record.error_message) == (Status.FAILED, "noise")


def test_a_failed_job_without_a_reason_still_says_something():
    record = fold(submitted(), seen(state=JobState.GONE))
    assert record.error_message == "acme says: gone"


def test_after_a_failure_the_paid_voice_is_kept():
    record = fold(submitted(AVATAR, finished()), seen(AVATAR, JobState.FAILED, reason="no face"))
    assert (record.voice_id, record.operation(VOICE).cleanup.discard) == ("j1", ())


def test_an_unknown_word_keeps_the_job_running():
    record = fold(submitted(), seen(state=JobState.UNKNOWN))
    assert decide(record, NOW + 99).do is Do.POLL


def missing(limit=2):
    return Missing(at=NOW, **MY_VOICE, limit=limit, next_at=NOW)


def test_a_single_not_found_is_no_failure():
    assert fold(submitted(), missing()).status is Status.TRAINING


def test_repeated_not_found_means_gone():
    record = fold(submitted(), missing(), missing())
    assert (record.status, record.error_type) == (Status.FAILED, "NotFound")


def test_not_found_in_between_is_forgotten():
    record = fold(submitted(), missing(), seen(state=JobState.RUNNING), missing())
    assert record.status is Status.TRAINING


def test_not_found_after_the_end_changes_nothing():
    record = completed()
    assert fold(record, missing()) is record


def consent_action():
    return Action(kind="open_url", message="agree", url="https://vendor.example/agree")


def test_the_vendors_action_is_shown_and_taken_back_by_itself():
    record = fold(submitted(), seen(state=JobState.NEEDS_ACTION, action=consent_action()))
    assert record.status is Status.ACTION_REQUIRED
    record = fold(record, seen(state=JobState.RUNNING))
    assert (record.status, record.action) == (Status.TRAINING, None)


def test_the_vendors_action_is_still_polled():
    record = fold(submitted(), seen(state=JobState.NEEDS_ACTION, action=consent_action()))
    assert decide(record, NOW + 99).do is Do.POLL


def test_the_vendors_action_does_not_hide_a_question_of_ours():
    record = fold(submitted(), ask("deadline"))
    record = fold(record, seen(state=JobState.NEEDS_ACTION, action=consent_action()))
    assert record.action.kind == "deadline"


def test_a_final_record_gets_no_action_of_the_vendor():
    record = fold(submitted(), Cancelled(at=NOW))
    record = fold(record, seen(state=JobState.NEEDS_ACTION, action=consent_action()))
    assert record.action is None


def copy_failed(limit=2):
    return CopyFailed(at=NOW, **MY_VIDEO, reason="403", limit=limit, next_at=NOW + 1)


def test_a_result_that_cannot_be_fetched_ends_in_a_question():
    record = fold(submitted(VIDEO, video()), seen(VIDEO), copy_failed(), copy_failed())
    assert (record.status, record.action.kind) == (Status.ACTION_REQUIRED, "result")


def test_a_result_is_stored_once():
    record = fold(submitted(VIDEO, video()), seen(VIDEO))
    record = fold(record, Stored(at=NOW, **MY_VIDEO, files={"video": FILE}))
    assert fold(record, Stored(at=NOW, **MY_VIDEO, files={})) is record
    assert fold(record, copy_failed()) is record


def test_a_postponed_look_up_is_postponed():
    doubt = Doubted(at=NOW, **MY_VOICE, attempt=1, recheck_at=NOW, next_at=NOW)
    record = fold(training(), prepared(), intended(), doubt)
    record = fold(record, Postponed(at=NOW, **MY_VOICE, next_at=NOW + 60))
    assert record.operation(VOICE).call.recheck_at == NOW + 60


def test_failures_in_a_row_are_counted_and_forgotten():
    again = Postponed(at=NOW, **MY_VOICE, next_at=NOW, failed=True)
    record = fold(submitted(), again, again)
    assert record.operation(VOICE).failures == 2
    assert fold(record, seen(state=JobState.RUNNING)).operation(VOICE).failures == 0


# -- the end ----------------------------------------------------------------------------------


def removed(deleted, job_id="j1"):
    return Removed(at=NOW, **MY_VOICE, job_id=job_id, deleted=deleted)


def test_a_removed_resource_is_removed_once():
    record = fold(submitted(), Cancelled(at=NOW), removed(deleted=True))
    assert (record.operation(VOICE).cleanup.removed, record.next_at) == (("j1",), None)
    assert fold(record, removed(deleted=True)) is record


def test_what_cannot_be_deleted_is_named():
    record = fold(submitted(), Cancelled(at=NOW), removed(deleted=False))
    assert (record.operation(VOICE).cleanup.undeletable, record.next_at) == (("j1",), None)


def test_cancel_after_the_end_changes_nothing():
    record = completed()
    assert fold(record, Cancelled(at=NOW)) is record


def test_delete_twice_is_delete_once():
    record = fold(completed(), Deleted(at=NOW))
    assert fold(record, Deleted(at=NOW + 1)) is record


def test_deleting_a_running_training_cancels_it():
    assert fold(submitted(), Deleted(at=NOW)).status is Status.CANCELLED


def tombstone(**more):
    record = training(consent_id="c1", idempotency_key="k", language="en", **more)
    return fold(record, Deleted(at=NOW))


def test_a_deleted_record_holds_nothing_personal_at_once_but_whose_it_is():
    text = tombstone().model_dump_json(exclude={"id", "stack"})
    assert all(word not in text for word in ('"c"', "Ana", "c1", '"k"', '"en"'))
    assert '"u"' in text


def test_a_tombstone_knows_its_user_until_cleanup_has_ended():
    purge = [Purged(at=NOW + at, again_at=NOW + at + 9) for at in (1, 10)]
    once = fold(tombstone(), purge[0])
    assert (once.user_id, once.next_at) == ("u", NOW + 10)
    rested = fold(once, purge[1])
    assert (rested.user_id, rested.next_at) == ("", None)


def test_a_tombstone_that_waits_for_its_vendor_knows_its_user():
    purge = [Purged(at=NOW + at, again_at=NOW + at + 9) for at in (1, 10)]
    waiting = fold(submitted(), Deleted(at=NOW), *purge)
    assert waiting.user_id == "u"
    assert fold(waiting, removed(deleted=True)).user_id == ""


def test_two_workers_that_purge_at_once_have_purged_once():
    record = fold(completed(), Deleted(at=NOW), Purged(at=NOW, again_at=NOW + 9))
    assert fold(record, Purged(at=NOW + 1, again_at=NOW + 10)) is record


def test_a_late_job_of_a_cancelled_training_is_deleted():
    doubt = Doubted(at=NOW, **MY_VOICE, attempt=1, recheck_at=NOW + 9, next_at=NOW)
    record = fold(training(), prepared(), intended(), doubt, absent(), Cancelled(at=NOW))
    late = Rechecked(at=NOW + 9, **MY_VOICE, jobs=(job(VOICE, job_id="late"),))
    assert fold(record, late).operation(VOICE).cleanup.discard == ("late",)


def test_the_progress_of_what_has_ended_stays_whatever_is_found_afterwards():
    doubt = Doubted(at=NOW, **MY_VOICE, attempt=1, recheck_at=NOW + 9, next_at=NOW)
    ended = fold(training(), prepared(), intended(), doubt, Cancelled(at=NOW))
    found = fold(ended, accepted())
    assert (found.operation(VOICE).cleanup.discard, found.progress) == (("j1",), ended.progress)


def gone(record, operation=VOICE):
    return fold(record, Abandoned(at=NOW, **mine(operation)))


def test_what_nobody_can_reach_is_named_and_rests():
    record = gone(fold(submitted(), Cancelled(at=NOW)))
    state = record.operation(VOICE)
    assert (state.cleanup.undeletable, state.cleanup.discard, record.next_at) == (("j1",), (), None)


def test_a_call_of_unknown_fate_that_nobody_can_look_up_is_lost():
    record = gone(fold(training(), prepared(), intended(), Cancelled(at=NOW)))
    assert (record.operation(VOICE).phase, record.next_at) == (Phase.LOST, None)


def test_uploads_that_nobody_can_reach_are_left():
    known = {"account": "a", "api_version": "1", "prepared": {"id": 1}}
    uploaded = Prepared(at=NOW, **MY_VOICE, **known)
    record = gone(fold(training(), uploaded, Cancelled(at=NOW)))
    assert record.operation(VOICE).uploads.fate == "left"


def test_what_is_not_ended_is_not_abandoned():
    record = submitted()
    assert gone(record) is record


def asks_for_a_key(record):
    action = Action(kind="account", operation=VOICE, message="m", choices=("give_up",))
    return fold(record, Asked(at=NOW, action=action))


def test_who_gives_up_an_account_gives_up_what_is_there():
    record = fold(asks_for_a_key(fold(submitted(), Deleted(at=NOW))), GaveUp(at=NOW))
    assert (record.operation(VOICE).cleanup.undeletable, record.action) == (("j1",), None)


def test_what_another_provider_has_is_not_given_up_with_it():
    record = fold(submitted(), Deleted(at=NOW))
    elsewhere = record.operations[0].revised(
        operation=AVATAR,
        provider="other",
        job={"id": "o1"},
        cleanup={"discard": ("o1",)},
    )
    record = record.model_copy(update={"operations": (record.operations[0], elsewhere)})
    record = fold(asks_for_a_key(record), GaveUp(at=NOW))
    assert [o.cleanup.discard for o in record.operations] == [(), ("o1",)]


def test_results_need_not_wait_for_a_look_up_that_lacks_its_key():
    record = fold(training(), prepared(), intended(), Deleted(at=NOW))
    later = Postponed(at=NOW, **MY_VOICE, next_at=NOW + 60)
    record = fold(asks_for_a_key(record), later)
    assert decide(record, NOW).do is Do.PURGE
    purged = fold(record, Purged(at=NOW, again_at=NOW + 86_400))
    assert decide(purged, NOW).do is Do.RECONCILE


def test_an_early_look_does_not_count_as_the_late_one():
    doubt = Doubted(at=NOW, **MY_VOICE, attempt=1, recheck_at=NOW + 9, next_at=NOW)
    record = fold(training(), prepared(), intended(), doubt)
    assert fold(record, Rechecked(at=NOW + 8, **MY_VOICE, jobs=())) is record


def test_a_late_look_that_finds_nothing_ends_the_doubt():
    doubt = Doubted(at=NOW, **MY_VOICE, attempt=1, recheck_at=NOW + 9, next_at=NOW)
    record = fold(training(), prepared(), intended(), doubt, absent())
    record = fold(record, Rechecked(at=NOW + 9, **MY_VOICE, jobs=()))
    assert record.operation(VOICE).call.recheck_at is None


def test_a_late_look_that_finds_the_known_job_reports_no_duplicate():
    doubt = Doubted(at=NOW, **MY_VOICE, attempt=1, recheck_at=NOW + 9, next_at=NOW)
    record = fold(training(), prepared(), intended(), doubt, accepted())
    record = fold(record, Rechecked(at=NOW + 9, **MY_VOICE, jobs=(job(VOICE),)))
    assert (record.operation(VOICE).cleanup.duplicates, record.action) == ((), None)


def test_the_same_question_is_asked_once():
    record = fold(submitted(), ask("deadline"))
    assert fold(record, ask("deadline")) is record


def test_only_the_action_that_is_meant_is_cleared():
    record = fold(submitted(), ask("deadline"))
    assert fold(record, Cleared(at=NOW, kind="account")) is record


def test_a_later_deadline_lets_it_wait_on():
    record = fold(submitted(), ask("deadline"), Resumed(at=NOW, deadline_at=NOW + 5))
    assert (record.action, record.deadline_at) == (None, NOW + 5)


def test_a_replaced_key_of_the_same_account_is_taken():
    record = fold(submitted(), ask("account"), Resumed(at=NOW, accounts={VOICE: "a2"}))
    assert record.operation(VOICE).account.id == "a2"


def test_it_can_be_failed_from_outside_once():
    record = fold(training(), Failed(at=NOW, message="no store", error_type="ConfigError"))
    assert record.error_type == "ConfigError"
    assert fold(record, Failed(at=NOW, message="other")) is record


def test_an_event_for_an_operation_that_is_not_there_fits_nothing():
    record = training(state(VOICE))
    for event in (accepted(AVATAR), intended(AVATAR), seen(AVATAR)):
        assert fold(record, event) is record


# -- a person is waited for -------------------------------------------------------------------

HAND_IN = r.HandIn(ref="c1", name="me.mp4", file=StoredFile(key="k.mp4", size=1, sha256="0"))


def reading(**more):
    asked = {"kind": "read_text", "message": "Read.", "recording": "video", "ref": "c1"}
    return Action(**(asked | more))


def waits(action=None, op=VOICE, at=NOW, **more):
    bound = {"account": "a1", "api_version": "1", "prepared": {"consent": "c1"}}
    return Waits(at=at, **mine(op), action=action, next_at=at + 5, **(bound | more))


def handed_in(given=HAND_IN, op=VOICE):
    return HandedIn(at=NOW, **mine(op), hand_in=given)


def taken(given=HAND_IN, refused=None):
    return Taken(at=NOW + 1, **MY_VOICE, hand_in=given, refused=refused)


def test_while_uploads_wait_they_are_looked_at_again():
    record = fold(training(), waits(reading()))
    assert decide(record, NOW) == Step(Do.PREPARE, record.operation(VOICE), NOW + 5)
    assert (record.status, record.action.operation) == (Status.ACTION_REQUIRED, VOICE)
    assert record.operation(VOICE).uploads.prepared == {"consent": "c1"}


def test_the_account_is_frozen_while_uploads_wait():
    record = fold(training(), waits(), waits(account="a2"))
    assert record.operation(VOICE).account.id == "a1"


def test_an_action_goes_when_nobody_need_act_any_more():
    record = fold(training(), waits(reading()), waits())
    assert (record.status, record.action) == (Status.PROCESSING, None)


def test_an_action_goes_when_the_uploads_are_made():
    ready = Prepared(
        at=NOW,
        **MY_VOICE,
        prepared={"asset": "a"},
        account="a1",
        api_version="1",
    )
    record = fold(training(), waits(reading()), ready)
    assert (record.action, decide(record, NOW).do) == (None, Do.SUBMIT)
    assert fold(record, waits(reading())) is record


def test_a_recording_goes_before_everything_else_and_takes_the_action_away():
    record = fold(training(), waits(reading()), handed_in())
    assert decide(record, NOW) == Step(Do.HAND_IN, record.operation(VOICE), NOW)
    assert record.action is None


def test_a_recording_of_a_record_that_has_ended_is_not_sent():
    record = fold(training(), waits(reading()), Cancelled(at=NOW))
    assert fold(record, handed_in()) is record


def test_why_a_recording_was_not_taken_stands_before_what_is_asked_next():
    asked = [waits(reading()), handed_in(), taken(refused="too quiet"), waits(reading())]
    record = fold(training(), *asked)
    assert record.action.message == "The last recording was not taken: too quiet. Read."
    assert fold(record, handed_in()).operation(VOICE).not_taken is None


def test_an_action_that_asks_for_no_recording_says_nothing_of_the_last_one():
    record = fold(submitted(), handed_in(), taken(refused="too quiet"))
    assert fold(record, seen(state=JobState.NEEDS_ACTION, action=consent_action())).action == (
        consent_action().model_copy(update={"operation": VOICE, "choices": ("done",)})
    )


@pytest.mark.parametrize("kind", ["open_url", "read_text", "captcha"])
def test_an_action_of_a_vendor_names_the_answer_that_is_accepted(kind):
    asked = consent_action().model_copy(update={"kind": kind})
    record = fold(submitted(), seen(state=JobState.NEEDS_ACTION, action=asked))
    assert record.action.choices == ("done",)
    own = asked.model_copy(update={"choices": ("retry",)})
    record = fold(submitted(), seen(state=JobState.NEEDS_ACTION, action=own))
    assert record.action.choices == ("retry",)


def test_what_became_of_one_recording_says_nothing_of_the_next():
    second = HAND_IN.model_copy(update={"name": "again.mp4"})
    record = fold(training(), waits(reading()), handed_in(), handed_in(second))
    assert fold(record, taken()) is record


# -- uploads after the end --------------------------------------------------------------------


def uploaded(op=VOICE, at=NOW):
    return dataclasses.replace(prepared(op, at), prepared={"asset": "a"})


def discarded(**more):
    return Discarded(**({"at": NOW, **MY_VOICE, "gone": True, "limit": 2} | more))


@pytest.mark.parametrize("begun", [waits(), uploaded()], ids=["waiting", "made"])
def test_uploads_of_what_is_not_wanted_are_deleted(begun):
    record = fold(training(), begun, Cancelled(at=NOW))
    assert decide(record, NOW).do is Do.DISCARD
    assert fold(record, discarded()).operation(VOICE).uploads.fate == "gone"


def test_uploads_are_deleted_after_what_was_made_of_them():
    record = fold(training(), uploaded(), intended(), accepted(), Cancelled(at=NOW))
    assert decide(record, NOW).do is Do.REMOVE
    assert fold(record, discarded()) is record
    record = fold(record, Removed(at=NOW, **MY_VOICE, job_id="j1", deleted=True))
    assert decide(record, NOW).do is Do.DISCARD


def test_uploads_of_a_completed_training_stay():
    record = fold(training(state(VOICE)), uploaded(), intended(), accepted(), seen())
    assert (record.status, record.next_at) == (Status.COMPLETED, None)
    assert fold(record, discarded()) is record


@pytest.mark.parametrize("word", [JobState.FAILED, JobState.GONE])
def test_uploads_of_what_failed_are_deleted(word):
    record = fold(training(), uploaded(), intended(), accepted(), seen(state=word))
    assert decide(record, NOW).do is Do.DISCARD


def test_uploads_for_a_voice_that_is_done_go_when_the_training_fails():
    record = fold(training(), uploaded(), intended(), accepted(), seen())
    failed = fold(record, Failed(at=NOW, message="no"))
    assert decide(failed, NOW) == Step(Do.DISCARD, failed.operation(VOICE), NOW)


def test_uploads_of_what_may_still_be_at_work_stay_when_a_person_gives_up():
    record = fold(training(), uploaded(), intended(), accepted(), GaveUp(at=NOW))
    assert (record.status, record.next_at) == (Status.FAILED, None)


def test_after_some_attempts_uploads_are_left():
    record = fold(training(), uploaded(), Cancelled(at=NOW), discarded(gone=False, next_at=NOW))
    assert decide(record, NOW).do is Do.DISCARD
    record = fold(record, discarded(gone=False))
    assert (record.operation(VOICE).uploads.fate, record.next_at) == ("left", None)


def test_uploads_that_were_under_way_at_the_end_are_known_and_deleted():
    record = fold(training(), waits(), Cancelled(at=NOW), discarded(), uploaded())
    assert decide(record, NOW).do is Do.DISCARD
    assert record.status is Status.CANCELLED


def test_that_nothing_was_uploaded_for_what_has_ended_is_no_news():
    record = fold(training(), Cancelled(at=NOW))
    assert fold(record, prepared()) is record


def test_a_purge_forgets_no_upload_that_is_still_there():
    record = fold(training(), uploaded(), Deleted(at=NOW), Purged(at=NOW, again_at=NOW + 1))
    assert record.operation(VOICE).uploads.prepared == {"asset": "a"}
    assert fold(record, discarded()).operation(VOICE).uploads.prepared is None


# -- properties -------------------------------------------------------------------------------

_JOBS = st.builds(
    job,
    st.just(VOICE),
    st.sampled_from(JobState),
    st.sampled_from(["j1", "j2"]),
    progress=st.none() | st.floats(0, 1),
    links=st.sampled_from([{}, {"preview": "x"}]),
    action=st.sampled_from([None, consent_action()]),
)
_FIELDS = {
    "at": st.floats(NOW, NOW + 1e5),
    "provider": st.sampled_from(["acme", "other"]),
    "operation": st.sampled_from([VOICE, AVATAR]),
    "scene": st.just(0),
    "next_at": st.floats(NOW, NOW + 1e5),
    "attempt": st.integers(1, 3),
    "job": _JOBS,
    "others": st.just(()),
    "files": st.sampled_from([{}, {"preview": FILE}]),
    "prepared": st.sampled_from([{}, {"asset": "a"}]),
    "hand_in": st.sampled_from([HAND_IN, HAND_IN.model_copy(update={"name": "again.mp4"})]),
    "refused": st.none() | st.just("too quiet"),
    "gone": st.booleans(),
    "account": st.just("a1"),
    "api_version": st.just("1"),
    "instant": st.just(instant()),
    "digest": st.just("d"),
    "trace": st.none() | st.just("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    "then": st.sampled_from(["retry", "ask", "fail"]),
    "message": st.just("why"),
    "error_type": st.none(),
    "counts": st.booleans(),
    "recheck_at": st.floats(NOW, NOW + 1e5),
    "limit": st.integers(1, 3),
    "reason": st.just("403"),
    "job_id": st.sampled_from(["j1", "j2"]),
    "deleted": st.booleans(),
    "jobs": st.lists(_JOBS, max_size=2).map(tuple),
    "action": st.sampled_from(
        [Action(kind=k, message="m") for k in ("payment", "account", "retry", "deadline")]
    ),
    "kind": st.sampled_from(["account", "duplicate"]),
    "deadline_at": st.none(),
    "accounts": st.none(),
    "discard_duplicates": st.booleans(),
    "again_at": st.floats(NOW, NOW + 1e5),
    "failed": st.booleans(),
    "withdrawn": st.booleans(),
    "left_out": st.sampled_from([{}, {"thumbnail": "it is a web page"}]),
}
_KINDS = [
    kind
    for kind in vars(events).values()
    if isinstance(kind, type) and issubclass(kind, events.Event)
    if kind not in {events.Event, events.OperationEvent}
]
_EVENTS = st.one_of(
    *(
        st.builds(kind, **{f.name: _FIELDS[f.name] for f in dataclasses.fields(kind)})
        for kind in _KINDS
    )
)


def test_there_is_a_kind_of_event_for_each_rule():
    assert len(_KINDS) == 31


def test_an_event_without_a_rule_is_a_mistake():
    with pytest.raises(TypeError, match="Event is no event of a record"):
        apply(training(), events.Event(at=NOW))


def routed():
    """A training that another stack can do as well."""
    others = tuple(o.revised(provider="other") for o in training().operations)
    return training(fallbacks=(r.Attempt(stack="other", operations=others),))


@given(st.sampled_from([training(), routed()]), st.lists(_EVENTS, max_size=25))
def test_no_series_of_events_breaks_the_rules(record, events):
    for event in events:
        new = apply(record, event)
        if new.status is not record.status:
            assert new.status in r.TRANSITIONS[record.status] | _VIA_PROCESSING.get(
                record.status, frozenset()
            )
        assert new.progress >= record.progress
        if new.status is Status.COMPLETED:
            assert all(o.succeeded for o in new.operations)
        if new.stack != record.stack:
            phases = {o.phase for o in record.operations} - {Phase.NONE}
            assert phases <= ({Phase.INTENT} if event.attempt else set())
        record = new


#: The first event of a pending record takes it through ``processing`` in the same moment.
_VIA_PROCESSING = {
    Status.PENDING: frozenset({Status.TRAINING, Status.ACTION_REQUIRED, Status.COMPLETED})
}


def priced(record, *amounts):
    """With a quote for each operation, the fallbacks' after its own."""
    left = list(amounts)
    fallbacks = [
        a.model_copy(update={"operations": _quoted(a.operations, left)}) for a in record.fallbacks
    ]
    own = _quoted(record.operations, left)
    return record.model_copy(update={"operations": own, "fallbacks": tuple(fallbacks)})


def _quoted(operations, amounts):
    return tuple(o.revised(call={"quoted": amounts.pop()}) for o in operations)


@given(
    st.sampled_from([priced(training(), 2, 3), priced(routed(), 2, 3, 5, 1)]),
    st.lists(_EVENTS, max_size=25),
)
def test_all_that_may_be_paid_is_held_and_never_more_than_was_reserved(record, events):
    reserved = record.reserved
    for event in events:
        record = apply(record, event)
        held = record.spent + record.reserved
        assert held >= sum(
            o.call.quoted for o in record.every_operation if o.phase is not Phase.NONE
        )
        twice = sum(o.call.quoted * len(o.cleanup.duplicates) for o in record.every_operation)
        late = sum(o.spent for attempt in record.ended for o in attempt.operations)
        assert held <= reserved + twice + late


@given(st.sampled_from([training(), routed()]), st.lists(_EVENTS, max_size=15), _EVENTS)
def test_the_same_event_again_changes_no_more_than_once(record, events, event):
    record = fold(record, *events)
    once = fold(record, event)
    twice = fold(once, event)
    counting = (
        *(Missing, CopyFailed, Postponed, Seen, Resumed, Restored, Purged),
        *(Waits, Discarded),
    )
    if not isinstance(event, counting):
        assert twice.model_dump(exclude={"updated_at", "progress"}) == once.model_dump(
            exclude={"updated_at", "progress"}
        )


def test_events_are_equal_by_their_kind_and_fields():
    assert Cancelled(at=1.0) == Cancelled(at=1.0)
    assert Cancelled(at=1.0) != Cancelled(at=2.0)
    assert Cancelled(at=1.0) != Deleted(at=1.0)
    assert len({Cancelled(at=1.0), Cancelled(at=1.0), Deleted(at=1.0)}) == 2
    assert repr(Cancelled(at=1.0)) == "Cancelled(at=1.0)"
