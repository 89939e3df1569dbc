"""``apply``: fold an event into a record. Pure, total and monotone.

An event that does not fit changes nothing, final states stay final, and progress never falls, so
polls, webhooks, repeats and their order do not matter.

Each operation goes ``none -> intent -> done``. An intent is saved before the call that may cost
money; while its outcome is unknown it stands, on a final record too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import singledispatch
from typing import Any, cast

from ..models import Action, DubSubtitles, Job, JobState, Operation
from ..records import (
    JOB_ENDS,
    Attempt,
    OperationKey,
    OperationState,
    Phase,
    Record,
    Status,
    Training,
)
from .decide import PURGES, VENDOR_ACTIONS, R, decide, discardable, left
from .events import (
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
    Elsewhere,
    Event,
    Failed,
    GaveUp,
    HandedIn,
    Inherited,
    Intended,
    Missing,
    OperationEvent,
    Postponed,
    Prepared,
    Purged,
    Rechecked,
    Removed,
    RemovedByHand,
    Restored,
    Resumed,
    Seen,
    SettleRestarted,
    Stored,
    Taken,
    Unsent,
    Waits,
    whose,
)
from .leftovers import rests


def apply(record: R, event: Event) -> R:
    """Fold ``event`` in; the very same object comes back where it changes nothing."""
    changed = _folded(record, event)
    if changed is record:
        return record
    changed = _completed(changed, event.at)
    status = _status(changed)
    updates: dict[str, Any] = {"status": status, "updated_at": max(event.at, record.updated_at)}
    if record.started_at is None and status is not Status.PENDING:
        updates["started_at"] = event.at
    if status.final and not record.status.final:
        updates["completed_at"] = event.at
    progress, estimated = _progress(changed, status, event.at)
    if progress >= record.progress and not record.status.final:
        updates |= {"progress": progress, "estimated": estimated}
    changed = changed.model_copy(update=updates)
    step = decide(changed, event.at)
    # What was never put off is due at once.
    known: dict[str, Any] = {"next_at": event.at if step.at == 0.0 else step.at}
    if changed.deleted and changed.purges >= PURGES and step.at is None and not _rests(changed):
        known["user_id"] = ""  # nothing is left to be looked for
    return changed.model_copy(update=known)


def _rests(record: Record) -> bool:
    """True if a vendor still has something of the record, or may have."""
    return any(True for state in record.every_operation for _ in rests(state))


def _folded(record: R, event: Event) -> R:
    """Fold into the record, or into the attempt that has ended which the event is about."""
    if not isinstance(event, OperationEvent):
        return cast("R", _handle(event, record))
    own = record.operation(*event.key)
    if own is not None and event.provider == own.provider:
        return cast("R", _handle(event, record))
    about = event.key, event.provider
    attempts = (a for a in record.ended if about in {(o.key, o.provider) for o in a.operations})
    attempt = next(attempts, None)
    if attempt is None:
        return record
    changed = _handle(event, left(record, attempt)).operations
    if changed == attempt.operations:
        return record
    kept = attempt.model_copy(update={"operations": changed})
    ended = tuple(kept if one is attempt else one for one in record.ended)
    return record.model_copy(update={"ended": ended})


def _status(record: Record) -> Status:
    if record.status.final:
        return record.status
    if record.action is not None and record.action.kind != "duplicate":
        return Status.ACTION_REQUIRED
    if isinstance(record, Training) and any(o.phase is Phase.DONE for o in record.operations):
        return Status.TRAINING
    return Status.PROCESSING


def _completed(record: R, at: float) -> R:
    if record.status.final or not all(o.succeeded for o in record.operations):
        return record
    duplicate = record.action if record.action and record.action.kind == "duplicate" else None
    return record.model_copy(
        update={"status": Status.COMPLETED, "action": duplicate, "completed_at": at}
    )


def _progress(record: Record, status: Status, now: float) -> tuple[int, bool]:
    """Percentage, and whether it is a guess: 10 submitted, the vendor's word scaled into 10-99.

    Each operation owns a share by its typical time. Where a vendor tells nothing, the time
    passed over the typical time stands in, at most 95 %.
    """
    if status is Status.COMPLETED:
        return 100, False
    total = sum(o.terms.typical for o in record.operations) or 1.0
    done, guessed, submitted = 0.0, False, False
    for op in record.operations:
        submitted = submitted or op.phase is Phase.DONE
        part = 0.0
        if op.succeeded:
            part = 1.0
        elif op.phase is Phase.DONE and op.job.progress is not None:
            part = op.job.progress
        elif op.phase is Phase.DONE and op.job.submitted_at is not None:
            part = min(0.95, max(0.0, now - op.job.submitted_at) / max(op.terms.typical, 1e-9))
            guessed = True
        done += op.terms.typical / total * part
    return (10 + int(89 * done) if submitted else 0), guessed


def _set(record: R, key: OperationKey, **updates: Any) -> R:
    operations = tuple(o.revised(**updates) if o.key == key else o for o in record.operations)
    return record.model_copy(update={"operations": operations})


def _get(record: Record, key: OperationKey) -> OperationState:
    return cast("OperationState", record.operation(*key))


def _fail(record: R, message: str, error_type: str | None) -> R:
    if record.status.final:
        return record
    return record.model_copy(
        update={
            "status": Status.FAILED,
            "cleanup": "settle",
            "action": None,
            "error_message": message or "Training failed",
            "error_type": error_type,
        }
    )


def _ids(known: Iterable[str], more: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*known, *more)))


@singledispatch
def _handle(event: Event, record: Record) -> Record:
    """Fold an event into the record; the same object comes back where it does not fit."""
    raise TypeError(f"{type(event).__name__} is no event of a record, or {record.id} has no rule")


@_handle.register
def _prepared(e: Prepared, record: Record) -> Record:
    op = _get(record, e.key)
    if op.phase is not Phase.NONE or (op.uploads.prepared is not None and not op.uploads.waiting):
        return record
    if record.status.final and not e.prepared:
        return record
    waits = e if isinstance(e, Waits) else None
    record = _set(
        record,
        e.key,
        # Those of a record that has ended are deleted next.
        uploads={"prepared": e.prepared, "waiting": waits is not None, "fate": "kept"},
        account={"id": op.account.id or e.account, "api_version": e.api_version},
        job={"polls": op.job.polls + 1 if waits else 0},
        failures=0,
        not_before=waits.next_at if waits else e.at,
    )
    return _vendor_action(record, e.key, waits.action if waits else None)


@_handle.register
def _handed_in(e: HandedIn, record: Record) -> Record:
    op = _get(record, e.key)
    if record.status.final or op.succeeded:
        return record
    known = {"hand_in": e.hand_in, "not_taken": None, "not_before": e.at}
    record = _set(record, e.key, **known, job={"polls": 0})
    return _vendor_action(record, e.key, None)


@_handle.register
def _taken(e: Taken, record: Record) -> Record:
    if _get(record, e.key).hand_in != e.hand_in:
        return record
    known = {"hand_in": None, "not_taken": e.refused, "not_before": e.at, "failures": 0}
    return _set(record, e.key, **known)


@_handle.register
def _intended(e: Intended, record: Record) -> Record:
    op = _get(record, e.key)
    if record.status.final or op.phase is not Phase.NONE:
        return record
    return _set(
        record,
        e.key,
        call={
            "phase": Phase.INTENT,
            "attempt": op.call.attempt + 1,
            "intent_at": e.instant,
            "digest": e.digest,
            "trace": e.trace or op.call.trace,
        },
        not_before=e.at,
    )


@_handle.register
def _accepted(e: Accepted, record: Record) -> Record:
    op = _get(record, e.key)
    found = _ids((e.job.id,), (j.id for j in e.others))
    if op.phase is Phase.DONE:
        return _more_found(record, op, found)
    record = _set(
        record,
        e.key,
        call={"phase": Phase.DONE},
        job={
            "id": e.job.id,
            "ref": e.job.ref,
            "other_ids": e.job.other_ids,
            "state": e.job.state if e.files is not None else _open_state(e.job),
            "progress": e.job.progress,
            "submitted_at": e.at,
            "cost": e.job.cost,
            "stored": e.files is not None,
            "files": dict(e.files or {}),
        },
        failures=0,
        not_before=e.next_at,
    )
    record = _unasked(record)
    return _more_found(record, _get(record, e.key), found)


def _open_state(job: Job) -> JobState:
    """A job that is over already is polled once more: its results are read in one place."""
    return JobState.RUNNING if job.state in JOB_ENDS else job.state


#: Operations that are worth nothing without a stored file.
_MUST_LEAVE_BYTES = frozenset({Operation.VIDEO, Operation.DUB, Operation.SPEECH})


def _more_found(record: R, op: OperationState, found: Iterable[str]) -> R:
    """Note every further job with our correlation ID; a cancelled record has them deleted."""
    new = tuple(i for i in found if i != op.job.id and i not in op.cleanup.duplicates)
    if new:
        record = _set(record, op.key, cleanup={"duplicates": _ids(op.cleanup.duplicates, new)})
        if record.action is None and record.cleanup != "delete":
            listed = ", ".join((str(op.job.id), *op.cleanup.duplicates, *new))
            action = Action(
                kind="duplicate",
                operation=op.operation,
                scene=op.scene,
                message=f"{op.provider} holds {op.operation} more than once: {listed}. "
                "Keep them, or delete all but the first.",
                choices=("keep", "delete"),
            )
            record = record.model_copy(update={"action": action})
    return _discarding(record) if record.cleanup == "delete" else record


def _discarding(record: R) -> R:
    """List every job that the vendors hold for deletion."""
    operations = tuple(
        o.revised(cleanup={"discard": _ids(o.cleanup.discard, o.known_ids)})
        if set(o.known_ids) - set(o.cleanup.discard)
        else o
        for o in record.operations
    )
    return record.model_copy(update={"operations": operations})


@_handle.register
def _absent(e: Absent, record: Record) -> Record:
    op = _get(record, e.key)
    if op.phase is not Phase.INTENT or op.call.attempt != e.attempt:
        return record  # it speaks of one attempt, and must not clear a newer intent
    record = _set(
        record,
        e.key,
        call={"phase": Phase.NONE, "tries": op.call.tries + e.counts},
        not_before=e.next_at,
    )
    record = _unasked(record)
    if e.then == "fail":
        return _fail(record, e.message, e.error_type)
    if e.then == "ask" and not record.status.final:
        action = Action(
            kind="retry",
            operation=e.operation,
            scene=e.scene,
            message=e.message,
            choices=("retry", "give_up"),
        )
        record = record.model_copy(update={"action": action})
    return record


@_handle.register
def _unsent(e: Unsent, record: Record) -> Record:
    op = _get(record, e.key)
    if op.phase is not Phase.INTENT or op.call.attempt != e.attempt:
        return record
    return _set(record, e.key, call={"phase": Phase.NONE}, not_before=e.next_at)


def _unasked(record: R) -> R:
    """Take back the question whether the call was paid: it is known now."""
    if record.action and record.action.kind == "payment":
        return record.model_copy(update={"action": None})
    return record


def following(record: Record, key: OperationKey) -> tuple[Attempt, ...]:
    """Fallbacks that may take over, now that this operation is known not to be accepted.

    No other operation may have been accepted, be in doubt, or have asked a person; and the next
    provider of this operation must be another one.
    """
    own = _get(record, key)
    same = own.operation, own.provider
    may = (
        not record.status.final
        and own.phase in {Phase.NONE, Phase.INTENT}
        and all(o.phase is Phase.NONE or o is own for o in record.operations)
        and not any(o.uploads.waiting for o in record.operations)
    )
    return tuple(
        a
        for a in record.fallbacks
        if may and all((o.operation, o.provider) != same for o in a.operations)
    )


@_handle.register
def _elsewhere(e: Elsewhere, record: Record) -> Record:
    op = _get(record, e.key)
    sent = Phase.NONE if e.attempt is None else Phase.INTENT
    if op.phase is not sent or e.attempt not in {None, op.call.attempt}:
        return record
    call = {"phase": Phase.NONE}
    record = _unasked(_set(record, e.key, call=call, not_before=e.at, failures=0))
    attempts = following(record, e.key)
    if not attempts:
        return record
    why = {"reason": e.reason, "error_type": e.error_type, "ended_at": e.at}
    over = record.planned[0].model_copy(update={**why, "voice": (), "footage": None})
    return record.replanned(attempts).model_copy(update={"ended": (*record.ended, over)})


@_handle.register
def _doubted(e: Doubted, record: Record) -> Record:
    op = _get(record, e.key)
    if op.phase is not Phase.INTENT or op.call.attempt != e.attempt:
        return record
    # Speech leaves nothing behind at a vendor that could turn up later.
    leaves = op.terms.billable and op.terms.findable and op.operation is not Operation.SPEECH
    recheck = max(op.call.recheck_at or 0.0, e.recheck_at) if leaves else op.call.recheck_at
    not_before = op.not_before if e.next_at is None else e.next_at
    call = {"doubted": True, "doubt": e.reason or op.call.doubt, "recheck_at": recheck}
    return _set(record, e.key, call=call, not_before=not_before)


@_handle.register
def _settle_restarted(e: SettleRestarted, record: Record) -> Record:
    op = _get(record, e.key)
    if op.phase is not Phase.INTENT or op.call.attempt != e.attempt:
        return record
    return _set(record, e.key, call={"intent_at": e.instant}, not_before=e.next_at)


@_handle.register
def _seen(e: Seen, record: Record) -> Record:
    op = _get(record, e.key)
    if op.phase is not Phase.DONE or op.job.id != e.job.id or op.job.state in JOB_ENDS:
        return record
    progress = e.job.progress
    if progress is not None and op.job.progress is not None:
        progress = max(progress, op.job.progress)
    elif progress is None:
        progress = op.job.progress
    state = e.job.state
    record = _set(
        record,
        e.key,
        job={
            "state": state,
            "ref": e.job.ref or op.job.ref,
            "other_ids": e.job.other_ids or op.job.other_ids,
            "progress": progress,
            "cost": e.job.cost or op.job.cost,
            "missing": 0,
            "polls": op.job.polls + 1,
            "stored": state is JobState.SUCCEEDED
            and not e.job.links
            and e.operation not in _MUST_LEAVE_BYTES,
        },
        failures=0,
        not_before=e.at if state is JobState.SUCCEEDED else e.next_at,
    )
    if state in {JobState.FAILED, JobState.GONE}:
        reason = e.job.reason or f"{op.provider} says: {state}"
        return _fail(record, reason, "Refused")
    return _vendor_action(record, e.key, e.job.action)


def _vendor_action(record: R, key: OperationKey, action: Action | None) -> R:
    if record.status.final:
        return record
    current = record.action
    if action is not None and (current is None or current.kind in VENDOR_ACTIONS):
        known: dict[str, Any] = {"choices": action.choices or ("done",)}
        known["operation"], known["scene"] = key
        refused = _get(record, key).not_taken
        if refused and action.recording:
            known["message"] = f"The last recording was not taken: {refused}. {action.message}"
        return record.model_copy(update={"action": action.model_copy(update=known)})
    if (
        action is None
        and current is not None
        and current.kind in VENDOR_ACTIONS
        and (current.operation, current.scene) == key
    ):
        return record.model_copy(update={"action": None})
    return record


@_handle.register
def _missing(e: Missing, record: Record) -> Record:
    op = _get(record, e.key)
    if op.phase is not Phase.DONE or op.job.state in JOB_ENDS or record.status.final:
        return record
    record = _set(record, e.key, job={"missing": op.job.missing + 1}, not_before=e.next_at)
    if op.job.missing + 1 >= e.limit:
        message = f"{op.provider} no longer knows {e.operation} {op.job.id} (resource gone)"
        return _fail(record, message, "NotFound")
    return record


@_handle.register
def _stored(e: Stored, record: Record) -> Record:
    op = _get(record, e.key)
    if op.job.state is not JobState.SUCCEEDED or op.job.stored:
        return record
    job = {"stored": True, "files": dict(e.files), "left_out": dict(e.left_out)}
    return _set(record, e.key, job=job, not_before=e.at)


@_handle.register
def _copy_failed(e: CopyFailed, record: Record) -> Record:
    op = _get(record, e.key)
    if op.job.state is not JobState.SUCCEEDED or op.job.stored or record.status.final:
        return record
    failures = op.job.copy_failures + 1
    job = {"copy_failures": failures, "copy_error": e.reason}
    record = _set(record, e.key, job=job, not_before=e.next_at)
    if failures % e.limit:
        return record
    action = Action(
        kind="result",
        operation=e.operation,
        scene=e.scene,
        message=f"{op.provider} has finished, but the result could not be fetched: {e.reason}",
        choices=("retry", "give_up"),
    )
    return record.model_copy(update={"action": action})


@_handle.register
def _postponed(e: Postponed, record: Record) -> Record:
    op = _get(record, e.key)
    recheck = op.call.recheck_at
    if recheck is not None and recheck <= e.at:
        recheck = e.next_at
    return _set(
        record,
        e.key,
        not_before=e.next_at,
        call={"recheck_at": recheck},
        failures=op.failures + 1 if e.failed else 0,
    )


@_handle.register
def _removed(e: Removed, record: Record) -> Record:
    op = _get(record, e.key)
    if e.job_id not in op.cleanup.discard:
        return record
    cleanup: dict[str, Any] = {"discard": tuple(i for i in op.cleanup.discard if i != e.job_id)}
    if e.deleted:
        cleanup["removed"] = _ids(op.cleanup.removed, (e.job_id,))
    else:
        cleanup["undeletable"] = _ids(op.cleanup.undeletable, (e.job_id,))
    return _set(record, e.key, cleanup=cleanup)


@_handle.register
def _inherited(e: Inherited, record: Record) -> Record:
    op = _get(record, e.key)
    if op.job.id not in op.cleanup.undeletable:
        return record
    kept = tuple(i for i in op.cleanup.undeletable if i != op.job.id)
    job = {"id": e.job_id, "ref": op.usable_id}
    record = _set(record, e.key, job=job, cleanup={"undeletable": kept})
    deleted = record.cleanup == "delete"  # meanwhile
    return _discarding(record) if deleted else record


@_handle.register
def _removed_by_hand(_: RemovedByHand, record: Record) -> Record:
    if not record.deleted:
        return record
    return record.with_each(_without_rest)


def _without_rest(op: OperationState) -> OperationState:
    """Note that what could not be deleted is gone; what is still to be deleted stays noted."""
    removed = _ids(op.cleanup.removed, op.cleanup.undeletable)
    gone: dict[str, Any] = {"cleanup": {"removed": removed, "undeletable": ()}}
    if op.phase is Phase.LOST:  # it may have been paid, and stays spent
        gone |= {"call": {"phase": Phase.DONE}, "job": {"state": JobState.GONE}}
    if op.uploads.fate == "left":
        gone["uploads"] = {"fate": "gone"}
    return op.revised(**gone)


@_handle.register
def _abandoned(e: Abandoned, record: Record) -> Record:
    op = _get(record, e.key)
    if not record.status.final:
        return record
    rest: dict[str, Any] = {
        "call": {
            "phase": Phase.LOST if op.phase is Phase.INTENT else op.phase,
            "doubted": op.call.doubted or op.phase is Phase.INTENT,
            "recheck_at": None,
        },
        "cleanup": {
            "undeletable": _ids(op.cleanup.undeletable, op.cleanup.discard),
            "discard": (),
        },
    }
    if op.uploads.prepared and op.uploads.fate == "kept":
        rest["uploads"] = {"fate": "left", "prepared": None}
    return _set(record, e.key, **rest)


@_handle.register
def _discarded(e: Discarded, record: Record) -> Record:
    op = _get(record, e.key)
    if not discardable(record, op):
        return record
    if e.gone or op.uploads.discards + 1 >= e.limit:
        ended = {"fate": "gone" if e.gone else "left", "prepared": None}
        return _set(record, e.key, uploads=ended)
    tried = {"discards": op.uploads.discards + 1}
    return _set(record, e.key, uploads=tried, not_before=e.next_at)


@_handle.register
def _rechecked(e: Rechecked, record: Record) -> Record:
    op = _get(record, e.key)
    if op.call.recheck_at is not None and e.at < op.call.recheck_at:
        return record  # an older look proves nothing about the later one
    record = _set(record, e.key, call={"recheck_at": None})
    ids = tuple(j.id for j in e.jobs if j.id not in op.cleanup.removed)
    if not ids:
        return record
    if op.phase is not Phase.DONE:
        # It appeared after all, later than settle allows. Known is better than orphaned.
        job = {"id": ids[0], "submitted_at": e.at}
        record = _set(record, e.key, call={"phase": Phase.DONE}, job=job)
        op = _get(record, e.key)
    return _more_found(record, op, ids)


@_handle.register
def _asked(e: Asked, record: Record) -> Record:
    if record.action is not None and record.action.kind == e.action.kind:
        return record
    return record.model_copy(update={"action": e.action})


@_handle.register
def _cleared(e: Cleared, record: Record) -> Record:
    if record.action is None or record.action.kind != e.kind:
        return record
    return record.model_copy(update={"action": None})


@_handle.register
def _resumed(e: Resumed, record: Record) -> Record:
    accounts = e.accounts or {}
    operations = tuple(
        o.revised(
            not_before=e.at if o.phase is not Phase.INTENT else o.not_before,
            account={"id": accounts.get(o.operation, o.account.id)},
            cleanup={"discard": _ids(o.cleanup.discard, o.cleanup.duplicates)}
            if e.discard_duplicates
            else {},
        )
        for o in record.operations
    )
    deadline = e.deadline_at if e.deadline_at is not None else record.deadline_at
    return record.model_copy(
        update={"action": None, "operations": operations, "deadline_at": deadline}
    )


def _lose(record: R) -> R:
    """Close the intents that no lookup can settle; the others stay due."""
    operations = tuple(
        o.revised(call={"phase": Phase.LOST, "doubted": True})
        if o.phase is Phase.INTENT and not o.terms.findable
        else o
        for o in record.operations
    )
    return record.model_copy(update={"operations": operations})


@_handle.register
def _gave_up(e: GaveUp, record: Record) -> Record:
    action = record.action
    if record.status.final and action and action.kind == "account" and action.operation:
        gone = _get(record, (action.operation, action.scene)).provider
        for op in record.operations:
            if op.provider == gone:
                record = _abandoned(Abandoned(at=e.at, **whose(op)), record)
    reason = record.action.message if record.action else "given up"
    record = _lose(record).model_copy(update={"action": None})
    return _fail(record, f"given up by a person: {reason}", None)


@_handle.register
def _restored(e: Restored, record: Record) -> Record:
    if record.status.final:
        return record
    # Without a digest nothing is repeated: the key that this copy remembers may be an older one.
    operations = tuple(
        o.revised(
            call={
                "phase": Phase.INTENT,
                "attempt": o.call.attempt + 1,
                "intent_at": e.instant,
                "digest": None,
            },
            not_before=e.at,
        )
        if o.phase in {Phase.NONE, Phase.INTENT} and o.terms.billable
        else o
        for o in record.operations
    )
    known: dict[str, Any] = {"operations": operations}
    if record.fallbacks:
        # Each of them may have been asked since, and look-ups go to one stack only.
        names = dict.fromkeys(o.provider for a in record.fallbacks for o in a.operations)
        first = record.operations[0]
        known["fallbacks"] = ()
        known["action"] = Action(
            kind="retry",
            operation=first.operation,
            message=f"an older copy of the database came back, and {', '.join(names)} may have "
            f"been asked since: look there for {record.token(*first.key)}. Then go on with "
            f"{record.stack}, or give up",
            choices=("retry", "give_up"),
        )
    return record.model_copy(update=known)


@_handle.register
def _failed(e: Failed, record: Record) -> Record:
    ended = record.status.final
    record = _fail(record, e.message, e.error_type)
    if not e.withdrawn or record.status is Status.COMPLETED or record.cleanup == "delete":
        return record
    # Whether a worker or the person who revokes comes first, an open record is cancelled.
    status = record.status if ended else Status.CANCELLED
    return _discarding(record.model_copy(update={"status": status, "cleanup": "delete"}))


@_handle.register
def _cancelled(_: Cancelled, record: Record) -> Record:
    if record.status.final:
        return record
    record = record.model_copy(
        update={"status": Status.CANCELLED, "cleanup": "delete", "action": None}
    )
    return _discarding(record)


@_handle.register
def _deleted(e: Deleted, record: Record) -> Record:
    if record.deleted:
        return record
    status = record.status if record.status.final else Status.CANCELLED
    record = record.model_copy(
        update={"status": status, "deleted": True, "cleanup": "delete", "action": None}
    )
    operations = tuple(  # no poll is waited for any more
        o.model_copy(update={"not_before": min(o.not_before, e.at)}) if o.phase is Phase.DONE else o
        for o in record.operations
    )
    return _discarding(_impersonal(record.model_copy(update={"operations": operations})))


#: Personal fields of a record, and the values of its tombstone. The user's id stays until cleanup
#: has ended, so that the tombstone can be found.
_PERSONAL: Mapping[str, Any] = {
    "clone_id": "",
    "name": "",
    "language": None,
    "options": (),
    "fallbacks": (),
    "idempotency_key": None,
    "request": {},
    "consent_id": None,
    "purpose": None,
    "error_message": None,
    "voice": (),
    "footage": None,
    "script": None,
    "scenes": (),
    "template": None,
    "audio": None,
    "picture": None,
    "source": None,
    "subtitles": DubSubtitles(),
}


def _impersonal(record: R) -> R:
    known = {k: v for k, v in _PERSONAL.items() if k in type(record).model_fields}
    ended = tuple(attempt.model_copy(update={"reason": ""}) for attempt in record.ended)
    return record.model_copy(update={**known, "ended": ended}).with_each(_blank)


@_handle.register
def _purged(e: Purged, record: Record) -> Record:
    if not record.deleted or record.purges >= PURGES or e.at < record.purge_at:
        return record  # two workers that purge at once have purged once
    known = {"purges": record.purges + 1, "purge_at": e.again_at}
    return _impersonal(record).model_copy(update=known)


def _blank(op: OperationState) -> OperationState:
    """Remove personal data; the IDs of uploads stay until these are deleted."""
    uploads = {"prepared": op.uploads.prepared or None}
    job: dict[str, Any] = {"files": {}, "left_out": {}, "copy_error": None}
    call = {"doubt": None}
    return op.revised(job=job, call=call, uploads=uploads, hand_in=None, not_taken=None)
