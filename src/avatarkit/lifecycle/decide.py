"""``decide``: the next step of a record and its due time. Pure: no I/O, no clock."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar, cast

from ..errors import ConfigError
from ..models import JobState, Operation
from ..records import Attempt, OperationState, Phase, Record, Status

_LONGEST = 1e9  #: seconds, 31 years: a time after that can always be stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The numbers of the money rule and of the schedule; seconds unless said otherwise.

    Raises ``ConfigError`` for a value that is no number, is below zero, or has no end in practice.
    """

    send_guard: float = 10.0  #: from saving the intent to the first byte sent; later: not sent
    timeout: float = 120.0  #: the whole of a billable call, and of any other
    long_timeout: float = 3600.0  #: the whole of what takes many requests: uploads, a look-up
    max_tries: int = 5  #: calls whose fate was proved to be "not accepted"
    recheck: float = 86_400.0  #: a doubted operation is looked up once more after this
    deadline: float = 2 * 86_400.0  #: a record older than this asks a person
    missing_limit: int = 3  #: "not found" so often in a row means gone
    copy_limit: int = 6  #: attempts to fetch a result before a person is asked
    gap_max: float = 60.0  #: between polls, and between attempts of other free calls
    gap_long: float = 900.0  #: between polls of an operation that takes hours
    patience: int = 3  #: times in a row that a vendor takes nothing before another stack is asked
    discard_limit: int = 8  #: attempts to delete uploads before they are left where they are
    account_check: float = 60.0  #: how often a record waits for its own account's key

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value: object = getattr(self, name)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not (number and 0 <= cast("float", value) <= _LONGEST):
                raise ConfigError(f"Policy: {name} must be a number from 0 to {_LONGEST:.0f}")


R = TypeVar("R", bound=Record)


class Do(StrEnum):
    """Next action of ``advance``."""

    PREPARE = "prepare"  #: free uploads
    HAND_IN = "hand_in"  #: send the provider the recording that it asked for
    SUBMIT = "submit"  #: save the intent, then call
    RECONCILE = "reconcile"  #: an intent of unknown fate: look it up
    POLL = "poll"
    COPY = "copy"  #: fetch results into the media store
    REMOVE = "remove"  #: delete at the vendor
    DISCARD = "discard"  #: delete what was uploaded for it
    RECHECK = "recheck"  #: look up a doubted operation once more
    PURGE = "purge"  #: delete a deleted record's results
    ASK_DEADLINE = "ask_deadline"
    REST = "rest"  #: nothing, until something happens to it


@dataclass(frozen=True, slots=True)
class Step:
    """Do ``do`` at ``at`` for ``state``, of any attempt; ``at`` None: never by itself."""

    do: Do
    state: OperationState | None = None
    at: float | None = None


#: Actions under which no new paid call is made and nothing is polled.
_BLOCKING = frozenset({"payment", "account", "retry", "result"})
#: Actions that the provider raises and takes back.
VENDOR_ACTIONS = frozenset({"open_url", "read_text", "captcha"})


def settle_time(operation: OperationState, policy: Policy) -> float:
    """Seconds after an intent from which "not found" means "was not accepted".

    A free operation is repeated under the same token, so it needs no proof.
    """
    if not operation.terms.billable:
        return 0.0
    return policy.send_guard + policy.timeout + operation.terms.list_lag


#: The share of its typical time by which polling may report the end of a job late: the second is
#: for a vendor that calls back, where polls only make up for lost webhooks.
_LATE, _LATE_CALLED_BACK = 1 / 20, 1 / 5
#: Polls of a job soon after it was accepted, also where the vendor calls back.
_EARLY_POLLS = 2


def poll_gap(
    record: Record,
    operation: OperationState,
    now: float,
    policy: Policy,
    *,
    called_back: bool = False,
) -> float:
    """Seconds to the next poll: a tenth of the job's age, jittered by a tenth either way.

    Where the vendor calls back, polls only make up for lost webhooks: two early ones notice a job
    that fails at once, then the gap is the longest from the start. That is ``gap_max``, or a share
    of the typical time up to ``gap_long`` where that is longer: 100,000 jobs that are polled each
    minute would be 1,667 calls a second.
    """
    typical = operation.terms.typical
    floor = min(max(typical / 50, 0.05), 5.0)
    age = max(0.0, now - (operation.job.submitted_at or now))
    late = min(typical * (_LATE_CALLED_BACK if called_back else _LATE), policy.gap_long)
    if called_back and operation.job.polls >= _EARLY_POLLS:
        floor = max(floor, late)
    gap = min(max(floor, age / 10), max(policy.gap_max, late))
    noise = zlib.crc32(f"{record.id}{operation.job.polls}".encode()) / 2**32
    return gap * (0.9 + 0.2 * noise)


def decide(record: Record, now: float) -> Step:
    """Return the next step; nothing is due before ``Step.at``."""
    steps = [_decide(one, now) for one in (record, *(left(record, a) for a in record.ended))]
    due = [step for step in steps if step.at is not None]
    return min(due, key=lambda step: step.at or 0.0, default=steps[0])


def _decide(record: Record, now: float) -> Step:
    for intent in record.operations:
        if intent.phase is Phase.INTENT:
            return _of_unknown_fate(record, intent, now)
    if record.status.final:
        return _after_the_end(record)
    step = _forward(record)
    if record.action is None and record.started_at is not None:
        late = step.at is None or step.at > record.deadline_at
        if late or now >= record.deadline_at:
            step = Step(Do.ASK_DEADLINE, step.state, record.deadline_at)
    return _no_later(record, step)


def _of_unknown_fate(record: Record, intent: OperationState, now: float) -> Step:
    """Next step of a record with an open intent, also where the record has ended."""
    if record.action is not None and record.action.kind == "payment":
        return _no_later(record, Step(Do.REST))
    if record.action is None and not record.status.final and now >= record.deadline_at:
        return Step(Do.ASK_DEADLINE, intent, record.deadline_at)
    if _purged_before(record, intent):
        return Step(Do.PURGE, None, record.purge_at)
    return Step(Do.RECONCILE, intent, intent.not_before)


def _forward(record: Record) -> Step:
    """Next step of the first operation that has not succeeded."""
    state = next((o for o in record.operations if not o.succeeded), None)
    if state is None:  # pragma: no cover - ``apply`` completes such a record at once
        return Step(Do.REST)
    if record.action is not None and record.action.kind in _BLOCKING:
        # Another key may be in place by now; every other block waits for a person.
        own_key = record.action.kind == "account"
        return Step(Do.PREPARE, state, state.not_before) if own_key else Step(Do.REST)
    return Step(_next_of(state), state, state.not_before)


def _next_of(state: OperationState) -> Do:
    if state.hand_in is not None:
        return Do.HAND_IN
    if state.phase is Phase.NONE:
        return Do.PREPARE if state.uploads.prepared is None or state.uploads.waiting else Do.SUBMIT
    return Do.COPY if state.job.state is JobState.SUCCEEDED else Do.POLL


#: A copy that was under way when its record was deleted may end after the first purge.
PURGES = 2


def _purged_before(record: Record, intent: OperationState) -> bool:
    """True if the results can be deleted before a lookup that lacks its account's key.

    Stored speech is what shows that the call was accepted, so it waits.
    """
    waits = record.deleted and record.action is not None and record.purges < PURGES
    return (
        waits and intent.operation is not Operation.SPEECH and (record.purge_at < intent.not_before)
    )


def _after_the_end(record: Record) -> Step:
    steps = [
        Step(Do.REMOVE, o, o.not_before) for o in reversed(record.operations) if o.cleanup.discard
    ]
    steps += [
        Step(Do.DISCARD, o, o.not_before) for o in record.operations if discardable(record, o)
    ]
    if record.deleted and record.purges < PURGES:
        steps.append(Step(Do.PURGE, None, record.purge_at))
    earliest = min(steps, key=lambda step: step.at or 0.0, default=Step(Do.REST))
    return _no_later(record, earliest)


def discardable(record: Record, op: OperationState) -> bool:
    """True if its uploads are no longer needed; jobs made of them are deleted first."""
    if (
        record.cleanup == "no"
        or op.uploads.fate != "kept"
        or not op.uploads.prepared
        or op.cleanup.discard
    ):
        return False
    at_its_end = op.phase is Phase.NONE or op.job.state in {JobState.FAILED, JobState.GONE}
    return record.cleanup == "delete" or at_its_end or op.succeeded


def _no_later(record: Record, step: Step) -> Step:
    """Return whichever is earlier: the step or the next recheck."""
    due = [(o.call.recheck_at, o) for o in record.operations if o.call.recheck_at is not None]
    if not due:
        return step
    at, state = min(due, key=lambda pair: pair[0])
    return Step(Do.RECHECK, state, at) if step.at is None or at < step.at else step


def left(record: R, attempt: Attempt) -> R:
    """Failed record with an attempt that has ended: it is only cleaned up."""
    ended: dict[str, Any] = {"status": Status.FAILED, "cleanup": "delete", "deleted": False}
    only: dict[str, Any] = {"operations": attempt.operations, "ended": (), "fallbacks": ()}
    return record.model_copy(update={**ended, **only, "action": None})
