"""``advance``: drive one record as far as it goes without waiting; the only code that spends money.

It is idempotent, two may run at once, and it may be killed between any two of its effects:

1. a paid call is made only after its intent is saved, by compare-and-set on the row's version;
2. it is sent once; what comes back is either an id, a proof that nothing was accepted, or a doubt;
3. a doubt is settled by looking the job up by our token, never by sending again;
4. "not found" is proof only once a call could no longer be under way, and only for its attempt.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any, Literal, TypeVar, cast
from urllib.parse import urlsplit

from .. import _telemetry, errors
from .._log import cleaned, get_logger
from ..interfaces import (
    ROLES,
    Clock,
    Discards,
    Fetcher,
    MediaStore,
    Prepares,
    Provider,
    Repository,
    Slots,
    TakesRecording,
)
from ..models import (
    MEDIA_TYPES,
    Action,
    Job,
    JobState,
    Operation,
    StoredFile,
    VendorEvent,
    VendorRequest,
    Waiting,
    media_type_of,
)
from ..records import (
    HandIn,
    Instant,
    LedgerEntry,
    OperationState,
    Phase,
    Record,
    Video,
    elapsed,
    later,
)
from ..webhooks import Inboxes
from .apply import apply, movable
from .decide import Do, Policy, decide, poll_gap, settle_time
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
    SettledAnew,
    Stored,
    Taken,
    Unsent,
    Waits,
    bound,
)
from .vendor_requests import Requests, digest

__all__ = ["Orchestrator"]

log = get_logger(__name__)
T = TypeVar("T")

#: Steps in one visit; a record that wants more is simply visited again.
_STEPS = 32

#: Does what ``decide`` said, for one operation and under its own account.
_Step = Callable[[Record, OperationState, Provider, Instant], Awaitable[Record]]
_Then = Literal["retry", "ask", "fail"]
#: What an error of a billable call proves: that it was not accepted, and what follows from that.
#: Whatever is not listed proves nothing.
_PROVES_ABSENT: Mapping[type[Exception], _Then] = {
    errors.RateLimited: "retry",
    errors.AuthError: "ask",
    errors.QuotaError: "ask",
    errors.PlanError: "ask",
    errors.Refused: "fail",
    errors.NotFound: "fail",
    errors.Unsupported: "fail",
    errors.MediaRejected: "fail",
    errors.ConsentRequired: "fail",
    errors.ConfigError: "fail",
    errors.BudgetExceeded: "fail",
    errors.ServiceDiscontinued: "fail",
}
#: What helps where an operation belongs to another account, or to another folder of a provider that
#: runs on this machine.
_OTHER_KEY = "Give that account's key; or, if its key was merely replaced, answer same_account."
_OTHER_FOLDER = (
    "Its files lie in another folder or on another machine: start a worker there, or let all of "
    "them use one folder (AVATARKIT_HOME)."
)
#: Free calls of many requests, each of which may wait for its account's pace.
_LONG = frozenset({"prepare", "find"})
#: On a free call these say that it will never work; everything else is tried again later.
_HOPELESS = tuple(kind for kind, then in _PROVES_ABSENT.items() if then == "fail")
#: These speak of the vendor, its key or its plan, not of what was to be sent: another stack may do
#: it. Others may too where the vendor is not there, see ``Policy.patience``.
_ELSEWHERE = (
    errors.AuthError,
    errors.PlanError,
    errors.QuotaError,
    errors.Unsupported,
    errors.ConfigError,
    errors.ServiceDiscontinued,
)


def _outcome(error: BaseException) -> str:
    """What an error of a call says about it, for who watches over it."""
    if isinstance(error, errors.NotSent):
        return "not_sent"
    return "refused" if isinstance(error, tuple(_PROVES_ABSENT)) else "unclear"


_observed = partial(_telemetry.call, outcome=_outcome)


class Orchestrator:
    """Drives records; holds no state of its own.

    ``provider`` gives the provider of a name, or raises ``ConfigError``; ``fetcher`` opens links of
    providers that do not open their own; ``changed`` is called with every record that was saved;
    ``keep`` stores results, and by default ``media`` does; ``inboxes`` is where vendors call back;
    ``charged`` says what the vendor's word about a cost is in millionths of a dollar.
    """

    def __init__(
        self,
        *,
        repository: Repository,
        media: MediaStore,
        provider: Callable[[str], Provider],
        fetcher: Fetcher,
        clock: Clock,
        slots: Slots,
        policy: Policy,
        changed: Callable[[Record], None],
        keep: Callable[[str, AsyncIterator[bytes], str], Awaitable[StoredFile]] | None = None,
        inboxes: Inboxes | None = None,
        charged: Callable[[OperationState], int | None] = lambda _: None,
    ) -> None:
        self._repository = repository
        self._media = media
        self._requests = Requests(media, repository, inboxes)
        self._provider = provider
        self._fetcher = fetcher
        self._clock = clock
        self._slots = slots
        self._policy = policy
        self._changed = changed
        self._put_result = keep or media.put
        self._charged = charged
        self._steps: Mapping[Do, _Step] = {
            Do.PREPARE: self._prepare,
            Do.HAND_IN: self._hand_in,
            Do.SUBMIT: self._submit,
            Do.RECONCILE: self._reconcile,
            Do.POLL: self._poll,
            Do.COPY: self._copy,
            Do.REMOVE: self._remove,
            Do.DISCARD: self._discard,
            Do.RECHECK: self._recheck,
        }

    # -- the one way forward ------------------------------------------------------------------

    async def advance(self, record_id: str) -> Record | None:
        """Do all that is due; the record then says in ``next_at`` when to call again."""
        record = await self._repository.get(record_id)
        if record is None:
            return None
        with _telemetry.visit(record):
            return await self._advance(record)

    async def _advance(self, record: Record) -> Record:
        for _ in range(_STEPS):
            now = await self._repository.now()
            step = decide(record, now.wall)
            if step.at is None or step.at > now.wall:
                return record
            if step.operation is None:
                record = await self._purge(record, now)
                continue
            state = step.earlier or cast("OperationState", record.operation(step.operation))
            if step.do is Do.ASK_DEADLINE:
                record = await self._ask_deadline(record, state, now)
                continue
            provider = await self._own_provider(record, state, now, asks=step.earlier is None)
            if isinstance(provider, Record):
                record = provider
                continue
            record = await self._steps[step.do](record, state, provider, now)
        return record

    async def _own_provider(
        self, record: Record, state: OperationState, now: Instant, *, asks: bool
    ) -> Provider | Record:
        """Return the provider under the account that the operation is bound to.

        With another account's key nothing is sent, found or polled: then the record comes back,
        with an action that says so where it ``asks``, or without one that has become needless.
        """
        waiting = asks and record.action is not None and record.action.kind == "account"
        try:
            provider = self._provider(state.provider)
            at_home = provider.capabilities.keeps_here
            problem = (
                f"{state.provider} {state.operation} was started under another account"
                if state.account not in {"", provider.account}
                else ""
            )
        except errors.ServiceDiscontinued as error:
            if record.status.final or not asks:
                return await self._put(record, Abandoned(at=now.wall, **_whose(state)))
            if state.phase is Phase.NONE and self._goes_elsewhere(record, state, error):
                return await self._put(record, _elsewhere(state, error, now.wall))
            return await self._put(record, _failed(error, now))
        except (errors.ConfigError, errors.StorageError) as error:  # no key, or no folder
            provider, problem = None, str(error)
            at_home = isinstance(error, errors.StorageError)
        if provider is not None and not problem:
            return (
                await self._put(record, Cleared(at=now.wall, kind="account"))
                if waiting
                else (provider)
            )
        if asks and not waiting:
            action = Action(
                kind="account",
                operation=state.operation,
                message=f"{problem}. {_OTHER_FOLDER if at_home else _OTHER_KEY}",
                # Whose folder it is, no answer changes.
                choices=("give_up",) if at_home else ("same_account", "give_up"),
            )
            record = await self._put(record, Asked(at=now.wall, action=action))
        if not asks and now.wall >= later(_left_at(record, state), self._policy.deadline):
            # Nobody is asked for this key, so nobody can say that it will never come.
            return await self._put(record, Abandoned(at=now.wall, **_whose(state)))
        again_at = now.after(self._policy.account_check)
        return await self._put(record, Postponed(at=now.wall, **_whose(state), next_at=again_at))

    async def _put(self, record: Record, event: Event) -> Record:
        """Fold the event in and save, over the newest version where somebody was faster."""
        event = bound(event, record)
        while True:
            new = apply(record, event)
            if new is record:
                return record
            new = self._priced(record, new)
            saved = await self._repository.save(record, new, *_ledger(new, event))
            if saved is not None:
                self._changed(saved)
                if saved.status.final and not record.status.final:
                    _telemetry.finished(saved)
                log.info("record.changed", id=saved.id, status=saved.status, by=_name(event))
                if len(saved.earlier) > len(record.earlier):
                    _log_change_of_stack(saved)
                return saved
            record = await self._reload(record)

    def _priced(self, old: Record, new: Record) -> Record:
        """Put what a vendor has just said about its charge into millionths of a dollar."""
        said = {(o.operation, o.provider): o.cost for o in old.operations}
        operations = tuple(
            o
            if o.cost == said.get((o.operation, o.provider))
            else o.model_copy(update={"charged": self._millionths(new, o)})
            for o in new.operations
        )
        return new.model_copy(update={"operations": operations})

    def _millionths(self, record: Record, state: OperationState) -> int | None:
        try:
            return self._charged(state)
        except Exception as error:  # noqa: BLE001 - what was accepted is saved, whatever prices say
            log.warning(
                "charge.not_priced",
                id=record.id,
                provider=state.provider,
                operation=state.operation,
                error=type(error).__name__,
            )
            return None

    async def _reload(self, record: Record) -> Record:
        """What somebody else has made of it; raises ``StorageError`` where nobody has."""
        fresh = await self._repository.get(record.id)
        if fresh is None:
            raise errors.NotFound(f"{record.id} has vanished from the database")
        if fresh.version == record.version:
            raise errors.StorageError(
                f"{record.id} cannot be saved: the column version of its row is not the version in "
                "its column doc; somebody has edited one of them, so make them equal"
            )
        return fresh

    # -- free things first --------------------------------------------------------------------

    async def _prepare(
        self, record: Record, state: OperationState, provider: Provider, now: Instant
    ) -> Record:
        prepared: dict[str, Any] | Waiting = {}
        if isinstance(provider, Prepares):
            try:
                request = await self._requests.build(record, state, provider)
                upload = partial(provider.prepare, state.operation, request)
                prepared = await self._free("prepare", record, state, provider, upload)
            except Exception as error:  # noqa: BLE001 - whatever it was, it was free
                if self._goes_elsewhere(record, state, error):
                    return await self._put(record, _elsewhere(state, error, now.wall))
                if isinstance(error, _HOPELESS):
                    return await self._put(record, _failed(error, now))
                return await self._later(record, state, error, now)
        bound = {"account": provider.account, "api_version": provider.api_version}
        if not isinstance(prepared, Waiting):
            event = Prepared(at=now.wall, operation=state.operation, prepared=prepared, **bound)
            return await self._put(record, event)
        action, gap = prepared.action, min(2.0 ** min(state.polls, 16), self._policy.gap_max)
        if action is not None and action.expires_at is not None:
            gap = max(1.0, min(gap, action.expires_at - now.wall))
        event = Waits(
            at=now.wall,
            operation=state.operation,
            prepared=prepared.prepared,
            action=action,
            next_at=now.after(gap),
            **bound,
        )
        return await self._put(record, event)

    async def _hand_in(
        self, record: Record, state: OperationState, provider: Provider, now: Instant
    ) -> Record:
        """Send the recording that was asked for; after a kill it is sent again."""
        given, refused = cast("HandIn", state.hand_in), None
        try:
            recording = await self._requests.recording(given, provider)
            subject = await self._requests.subject(record)
            taker = cast("TakesRecording", provider)
            hand_in = partial(taker.hand_in, given.ref, recording, subject=subject)
            await self._free("prepare", record, state, provider, hand_in)
        except _HOPELESS as error:
            refused = cleaned(getattr(error, "message", "") or str(error))
        except Exception as error:  # noqa: BLE001 - whatever it was, it was free
            return await self._later(record, state, error, now)
        event = Taken(at=now.wall, operation=state.operation, hand_in=given, refused=refused)
        return await self._put(record, event)

    async def _free(
        self,
        what: _telemetry.CallKind,
        record: Record,
        state: OperationState,
        provider: Provider,
        call: Callable[[], Awaitable[T]],
    ) -> T:
        policy = self._policy
        seconds = policy.long_timeout if what in _LONG else policy.timeout
        async with self._slots.slot(provider):
            with _observed(what, record, state), self._clock.timeout(seconds):
                return await call()

    async def _later(
        self, record: Record, state: OperationState, error: Exception, now: Instant
    ) -> Record:
        """A free call failed: no status changes by that; try again in a while."""
        log.warning(
            "free_call.failed",
            id=record.id,
            provider=state.provider,
            operation=state.operation,
            error=type(error).__name__,
        )
        wait = _retry_after(error) or min(2.0 ** min(state.failures, 16), self._policy.gap_max)
        event = Postponed(at=now.wall, **_whose(state), next_at=now.after(wait), failed=True)
        return await self._put(record, event)

    # -- the paid call ------------------------------------------------------------------------

    async def _submit(
        self, record: Record, state: OperationState, provider: Provider, now: Instant
    ) -> Record:
        try:
            request = await self._requests.build(record, state, provider)
        except _HOPELESS as error:
            if self._goes_elsewhere(record, state, error):
                return await self._put(record, _elsewhere(state, error, now.wall))
            return await self._put(record, _failed(error, now))
        async with self._slots.slot(provider):  # first, so that nothing waits after the intent
            instant = await self._repository.now()
            guard = self._guard(state)
            intended = apply(
                record,
                Intended(
                    at=instant.wall,
                    operation=state.operation,
                    instant=instant,
                    digest=digest(request),
                    trace=_telemetry.traceparent(),
                ),
            )
            saved = await self._repository.save(record, intended)
            if saved is None:
                return await self._reload(record)  # somebody else moved it: decide again
            self._changed(saved)
            state = cast("OperationState", saved.operation(state.operation))
            event = await self._call(saved, state, provider, request, guard)
        return await self._put(saved, event)

    def _guard(self, state: OperationState) -> Callable[[], None]:
        """Refuse to send once ``send_guard`` has passed since now, by this machine's clock."""
        since = self._clock.now()

        def guard() -> None:
            passed = elapsed(since, self._clock.now())
            if passed is None or passed > self._policy.send_guard:
                raise errors.NotSent(
                    "too much time passed after the intent was saved",
                    provider=state.provider,
                    operation=state.operation,
                )

        return guard

    async def _call(
        self,
        record: Record,
        state: OperationState,
        provider: Provider,
        request: VendorRequest,
        guard: Callable[[], None],
    ) -> Event:
        """Send once, and say what came of it."""
        operation, attempt = state.operation, state.attempt
        request = request.model_copy(update={"guard": guard})
        error: Exception
        try:
            guard()
            with _observed("submit", record, state), self._clock.timeout(self._policy.timeout):
                job, files = await self._send(record, state, provider, request)
        except errors.NotSent as caught:
            log.info(
                "paid_call.not_sent",
                id=record.id,
                provider=state.provider,
                operation=operation,
                attempt=attempt,
            )
            now = (await self._repository.now()).wall
            if self._goes_elsewhere(record, state, caught):
                return _elsewhere(state, caught, now, attempt)
            return Unsent(
                at=now,
                operation=operation,
                attempt=attempt,
                next_at=later(now, _backoff(attempt, caught)),
            )
        except tuple(_PROVES_ABSENT) as caught:
            error = caught
        except Exception as caught:  # noqa: BLE001 - anything else proves nothing
            now = (await self._repository.now()).wall
            log.warning(
                "paid_call.in_doubt",
                id=record.id,
                provider=state.provider,
                operation=operation,
                attempt=attempt,
                error=type(caught).__name__,
            )
            return Doubted(
                at=now,
                operation=operation,
                attempt=attempt,
                recheck_at=later(now, self._policy.recheck),
                next_at=later(now, min(2.0, state.list_lag)),
            )
        else:
            now = (await self._repository.now()).wall
            log.info(
                "paid_call.accepted",
                id=record.id,
                provider=state.provider,
                operation=operation,
                attempt=attempt,
            )
            first_look = later(now, poll_gap(record, state, now, self._policy))
            return Accepted(at=now, operation=operation, job=job, files=files, next_at=first_look)
        now = (await self._repository.now()).wall
        log.warning(
            "paid_call.refused",
            id=record.id,
            provider=state.provider,
            operation=operation,
            attempt=attempt,
            error=type(error).__name__,
        )
        if self._goes_elsewhere(record, state, error):
            return _elsewhere(state, error, now, attempt)
        return Absent(
            at=now,
            operation=operation,
            attempt=attempt,
            then=next(then for kind, then in _PROVES_ABSENT.items() if isinstance(error, kind)),
            message=cleaned(str(error)),
            error_type=type(error).__name__,
            next_at=later(now, _backoff(attempt, error)),
            counts=not isinstance(error, errors.RateLimited),
        )

    def _goes_elsewhere(self, record: Record, state: OperationState, error: Exception) -> bool:
        """Whether another stack is asked, after an error that proves that this one took nothing."""
        if isinstance(error, errors.StorageError):
            return False  # it is our own store that is away: the next stack needs it too
        told = isinstance(error, _ELSEWHERE)
        down = isinstance(error, errors.RateLimited) or _outcome(error) != "refused"
        tired = down and state.failures + 1 >= self._policy.patience
        return (told or tired) and movable(record, state.operation)

    async def _send(
        self, record: Record, state: OperationState, provider: Provider, request: VendorRequest
    ) -> tuple[Job, Mapping[str, StoredFile] | None]:
        answer = await ROLES[state.operation].submit(provider)(request)
        if isinstance(answer, Job):
            return answer, None
        speech = answer
        key = f"{record.prefix}/speech-audio{_AUDIO_SUFFIXES.get(speech.media_type, '')}"
        try:
            file = await self._media.put(key, speech.audio, speech.media_type)
        except Exception as error:
            raise _unheard(state, type(error).__name__) from error
        if not file.size:
            raise _unheard(state, "not one byte came")
        return _spoken(record, state, speech.cost), {"audio": file}

    # -- doubts -------------------------------------------------------------------------------

    async def _reconcile(
        self, record: Record, state: OperationState, provider: Provider, now: Instant
    ) -> Record:
        """Settle an intent of unknown fate, without ever sending anything anew."""
        if not state.doubted:
            doubt = Doubted(
                at=now.wall,
                operation=state.operation,
                attempt=state.attempt,
                recheck_at=now.after(self._policy.recheck),
                next_at=None,
            )
            record = await self._put(record, doubt)
            before = state
            state = cast("OperationState", record.operation(state.operation))
            if (state.provider, state.phase, state.attempt) != (
                before.provider,
                Phase.INTENT,
                before.attempt,
            ):
                return record  # ``now`` is older than what stands there: decide again
        try:
            jobs, files = await self._evidence(record, state, provider)
        except Exception as error:  # noqa: BLE001 - a failed look-up is never absence
            return await self._later(record, state, error, now)
        if jobs:
            return await self._accept(record, state, jobs, now, files)
        if not record.status.final and self._may_repeat(state, now):
            return await self._repeat(record, state, provider, now)
        if state.billable and not state.findable:
            return await self._ask_payment(record, state, now)
        return await self._presume_absent(record, state, now)

    async def _evidence(
        self, record: Record, state: OperationState, provider: Provider
    ) -> tuple[Sequence[Job], Mapping[str, StoredFile] | None]:
        """What shows that the call was accepted: speech in our store, or jobs with our token."""
        if state.operation is Operation.SPEECH:
            for suffix in ("", *_AUDIO_SUFFIXES.values()):
                file = await self._media.stat(f"{record.prefix}/speech-audio{suffix}")
                if file is not None and file.size:
                    return [_spoken(record, state, None)], {"audio": file}
        return (await self._find(record, state, provider) if state.findable else []), None

    async def _find(
        self, record: Record, state: OperationState, provider: Provider
    ) -> Sequence[Job]:
        token = record.token(state.operation)
        find = partial(ROLES[state.operation].find(provider), token)
        return await self._free("find", record, state, provider, find)

    async def _accept(
        self,
        record: Record,
        state: OperationState,
        jobs: Sequence[Job],
        now: Instant,
        files: Mapping[str, StoredFile] | None = None,
    ) -> Record:
        event = Accepted(
            at=now.wall,
            operation=state.operation,
            job=jobs[0],
            others=tuple(jobs[1:]),
            files=files,
            next_at=now.wall,
        )
        return await self._put(record, event)

    async def _presume_absent(self, record: Record, state: OperationState, now: Instant) -> Record:
        """Nothing was found; ``now`` was taken before the look-up."""
        settle = settle_time(state, self._policy)
        passed = elapsed(cast("Instant", state.intent_at), now)
        if passed is None:
            return await self._put(record, self._anew(state, now))
        if passed < settle:
            wait = min(settle - passed, max(2.0, passed))
            return await self._put(
                record, Postponed(at=now.wall, operation=state.operation, next_at=now.after(wait))
            )
        last = state.tries + 1 >= self._policy.max_tries
        event = Absent(
            at=now.wall,
            operation=state.operation,
            attempt=state.attempt,
            then="ask" if last else "retry",
            message=f"{state.provider} {state.operation} was tried {state.tries + 1} times, and "
            "each time it was not accepted",
            next_at=now.after(0.0 if state.tries == 0 else _backoff(state.tries, None)),
        )
        return await self._put(record, event)

    def _may_repeat(self, state: OperationState, now: Instant) -> bool:
        """Whether the vendor's idempotency key still covers the attempt, with an hour to spare."""
        passed = elapsed(cast("Instant", state.intent_at), now)
        window = state.idempotency_window
        return window is not None and passed is not None and passed < window - 3600.0

    async def _repeat(
        self, record: Record, state: OperationState, provider: Provider, now: Instant
    ) -> Record:
        """Send the same attempt again under the same idempotency key.

        Only an id is conclusive here: a refusal may speak of the repeat.
        """
        request = await self._requests.build(record, state, provider, attempt=state.attempt)
        outcome: Event | None = None
        if digest(request) == state.digest:
            async with self._slots.slot(provider):
                # Waiting for the slot took time, and the vendor may have forgotten the key by now.
                guard = self._guard(state)
                allowed = self._may_repeat(state, await self._repository.now())
                repeat = partial(self._call, record, state, provider, request, guard)
                outcome = await repeat() if allowed else None
        if isinstance(outcome, Accepted):
            return await self._put(record, outcome)
        if outcome is None and not state.findable:
            return await self._ask_payment(record, state, now)
        passed = elapsed(cast("Instant", state.intent_at), now) or 0.0
        wait = min(max(2.0, passed), self._policy.gap_max)
        event = Postponed(at=now.wall, operation=state.operation, next_at=now.after(wait))
        return await self._put(record, event)

    async def _ask_payment(self, record: Record, state: OperationState, now: Instant) -> Record:
        if record.deleted:
            return await self._put(record, GaveUp(at=now.wall))
        speech = state.operation is Operation.SPEECH
        action = Action(
            kind="payment",
            operation=state.operation,
            message=f"{state.provider} may have accepted {state.operation} without its answer "
            f"reaching us, and cannot be searched for {record.token(state.operation)}. Look there.",
            choices=("not_made", "give_up") if speech else ("adopt", "not_made", "give_up"),
        )
        return await self._put(record, Asked(at=now.wall, action=action))

    async def _recheck(
        self, record: Record, state: OperationState, provider: Provider, now: Instant
    ) -> Record:
        """Look a once doubted operation up again, long after: a vendor may have run it late."""
        try:
            jobs = await self._find(record, state, provider)
        except Exception as error:  # noqa: BLE001 - a failed look-up is never absence
            return await self._later(record, state, error, now)
        event = Rechecked(at=now.wall, **_whose(state), jobs=tuple(jobs))
        return await self._put(record, event)

    # -- jobs and their results ---------------------------------------------------------------

    async def _poll(
        self, record: Record, state: OperationState, provider: Provider, now: Instant
    ) -> Record:
        next_look = now.after(poll_gap(record, state, now.wall, self._policy))
        try:
            job = await self._get(record, state, provider)
        except errors.NotFound as error:
            if now.wall < later(state.submitted_at or 0.0, state.list_lag):
                return await self._later(record, state, error, now)  # not listed yet
            event: Event = Missing(
                at=now.wall,
                operation=state.operation,
                limit=self._policy.missing_limit,
                next_at=next_look,
            )
            return await self._put(record, event)
        except Exception as error:  # noqa: BLE001 - a failed poll never changes a status
            return await self._later(record, state, error, now)
        if job.reason:
            job = job.model_copy(update={"reason": cleaned(job.reason)})
        event = Seen(at=now.wall, operation=state.operation, job=job, next_at=next_look)
        return await self._put(record, event)

    async def _get(self, record: Record, state: OperationState, provider: Provider) -> Job:
        get = partial(ROLES[state.operation].get(provider), state.job_id or "")
        return await self._free("poll", record, state, provider, get)

    async def _copy(
        self, record: Record, state: OperationState, provider: Provider, now: Instant
    ) -> Record:
        """Fetch every result over fresh links; the operation has succeeded when all are stored."""
        try:
            job = await self._get(record, state, provider)
            files = {
                name: await self._keep(record, state, provider, name, link)
                for name, link in _links(job).items()
            }
        except Exception as error:  # noqa: BLE001 - the job is paid for: never give up silently
            log.warning(
                "result.copy_failed",
                id=record.id,
                provider=state.provider,
                operation=state.operation,
                error=type(error).__name__,
            )
            event: Event = CopyFailed(
                at=now.wall,
                operation=state.operation,
                reason=cleaned(str(error)),
                limit=self._policy.copy_limit,
                next_at=now.after(_backoff(state.copy_failures + 1, error)),
            )
            return await self._put(record, event)
        event = Stored(at=now.wall, operation=state.operation, files=files)
        return await self._put(record, event)

    async def _keep(
        self, record: Record, state: OperationState, provider: Provider, name: str, link: str
    ) -> StoredFile:
        suffix = _suffix(link) or _SUFFIXES.get(name, "")
        media_type = media_type_of(suffix)
        fetcher = provider if isinstance(provider, Fetcher) else self._fetcher
        key = f"{record.prefix}/{state.operation}-{name}{suffix}"
        with _observed("download", record, state):
            async with aclosing(cast("Any", fetcher.fetch(link))) as chunks:
                file = await self._put_result(key, chunks, media_type)
        _telemetry.copied(file.size, state)
        if not file.size:
            raise errors.BadReply(
                f"the {name} has not one byte", provider=state.provider, operation=state.operation
            )
        return file

    # -- the end ------------------------------------------------------------------------------

    async def _remove(
        self, record: Record, state: OperationState, provider: Provider, now: Instant
    ) -> Record:
        job_id, deleted = state.discard[0], True
        delete = ROLES[state.operation].delete
        try:
            if delete is not None:
                call = partial(delete(provider), job_id)
                await self._free("delete", record, state, provider, call)
            else:
                deleted = not state.billable  # nothing is left of free speech
        except errors.NotFound:
            pass
        except (errors.Unsupported, errors.ServiceDiscontinued):
            deleted = False
        except Exception as error:  # noqa: BLE001 - what is still there must still be deleted
            return await self._later(record, state, error, now)
        event = Removed(at=now.wall, **_whose(state), job_id=job_id, deleted=deleted)
        return await self._put(record, event)

    async def _discard(
        self, record: Record, state: OperationState, provider: Provider, now: Instant
    ) -> Record:
        """Delete what was uploaded for the operation; after some attempts it is left there."""
        gone, limit = False, 0  # where nobody can be asked, it is not asked twice
        if isinstance(provider, Discards):
            discard = partial(provider.discard, state.operation, state.prepared or {})
            try:
                await self._free("delete", record, state, provider, discard)
                gone = True
            except errors.NotFound:
                gone = True
            except errors.Unsupported:
                pass
            except Exception as error:  # noqa: BLE001 - whatever it was, it was free
                limit = self._policy.discard_limit
                log.warning(
                    "uploads.not_deleted",
                    id=record.id,
                    provider=state.provider,
                    operation=state.operation,
                    error=type(error).__name__,
                )
        event = Discarded(
            at=now.wall,
            **_whose(state),
            gone=gone,
            limit=limit,
            next_at=now.after(_backoff(state.discards + 1, None)),
        )
        return await self._put(record, event)

    async def _purge(self, record: Record, now: Instant) -> Record:
        await self._media.delete(record.prefix)
        await self._repository.drop_webhooks(record.id)
        again_at = now.after(self._policy.recheck)
        return await self._put(record, Purged(at=now.wall, again_at=again_at))

    async def _ask_deadline(self, record: Record, state: OperationState, now: Instant) -> Record:
        action = Action(
            kind="deadline",
            operation=state.operation,
            message=f"{state.provider} {state.operation} takes longer than it should. Wait on, or "
            "give up; nothing is deleted by either.",
            choices=("wait", "give_up"),
        )
        return await self._put(record, Asked(at=now.wall, action=action))

    # -- what people and vendors say ----------------------------------------------------------

    async def cancel(self, record: Record) -> Record:
        """Stop new paid calls at once; what the vendors hold is deleted afterwards."""
        now = await self._repository.now()
        record = await self._put(record, Cancelled(at=now.wall))
        if record.cleanup != "delete":
            raise errors.IllegalTransition(
                f"{record.id} is {record.status}: nothing is left to cancel. delete removes it."
            )
        return record

    async def delete(self, record: Record) -> Record:
        """Hide it at once; vendors' resources, results and personal data go afterwards."""
        now = await self._repository.now()
        return await self._put(record, Deleted(at=now.wall))

    async def restored(self, record: Record) -> Record:
        """Treat what the record calls unsent as possibly sent: an older database came back."""
        now = await self._repository.now()
        return await self._put(record, Restored(at=now.wall, instant=now))

    async def deliver(
        self, event: VendorEvent, token: str | None = None
    ) -> tuple[Record | None, bool]:
        """Apply a webhook: a signed one as a poll, an unsigned one as a reason to poll now.

        ``token`` is what our callback address said. Of a record that it names, and that does not
        know the event's job yet, the look-up is brought forward, and nothing else is believed.
        Returns the record, and whether it knows the job.
        """
        operation = event.job.operation
        record = await self._repository.find_job(event.provider, operation, event.job.id)
        known = record is not None
        if record is None and token is not None:
            record = await self._named(token, operation)
        if record is None:
            return None, False
        now = (await self._repository.now()).wall
        # An earlier stack's vendor may speak of what another one does by now.
        whose: dict[str, Any] = {"operation": operation, "provider": event.provider}
        seen: Event = Postponed(at=now, **whose, next_at=now)
        if known and event.trusted:
            seen = Seen(at=now, **whose, job=event.job, next_at=now)
        return await self._put(record, seen), known

    async def _named(self, token: str, operation: Operation) -> Record | None:
        """The record whose operation has this token."""
        record_id = token.removeprefix("ak-").removesuffix(f"-{operation}")
        try:
            record = await self._repository.get(record_id)
        except errors.ConfigError:  # it cannot be an id of this repository
            return None
        if record is None or record.token(operation) != token or not record.operation(operation):
            return None
        return record

    async def give(self, record: Record, operation: Operation, recording: HandIn) -> Record:
        """Answer the record's action with the recording that it asks for; it is sent next."""
        now = await self._repository.now()
        event = HandedIn(at=now.wall, operation=operation, hand_in=recording)
        return await self._put(record, event)

    async def resolve(self, record: Record, choice: str, *, job_id: str | None = None) -> Record:
        """Answer the record's action with one of its choices."""
        action = record.action
        if action is None or choice not in (*action.choices, "done"):
            offered = ", ".join(action.choices) if action and action.choices else "nothing"
            raise errors.IllegalTransition(
                f"{record.id} asks for {offered}; {choice!r} does not fit"
            )
        now = await self._repository.now()
        at, operation = now.wall, action.operation
        state = record.operation(operation) if operation else None
        event: Event
        match choice:
            case "give_up":
                event = GaveUp(at=at)
            case "wait":
                event = Resumed(at=at, deadline_at=later(at, self._policy.deadline))
            case "keep":
                event = Cleared(at=at, kind="duplicate")
            case "delete":
                event = Resumed(at=at, discard_duplicates=True)
            case "same_account" if state:
                event = await self._rebound(record, state, at)
            case "adopt" if state:
                event = await self._adopted(record, state, job_id, at)
            case "not_made" if state:
                event = await self._not_made(record, state, now)
            case "done" if operation:
                event = Postponed(at=at, operation=operation, next_at=at)
            case _:
                event = Resumed(at=at)
        return await self._put(record, event)

    async def _rebound(self, record: Record, asked: OperationState, at: float) -> Event:
        """Bind it to the account of the configured key.

        What a video's training made under the same account is bound, too: else each further video
        of that training would ask once more.
        """
        account = self._provider(asked.provider).account
        made_by = record.training_id if isinstance(record, Video) else None
        training = await self._repository.get(made_by) if made_by else None
        if training is not None and not training.deleted:
            theirs = [
                o.operation
                for o in training.operations
                if (o.provider, o.account) == (asked.provider, asked.account)
            ]
            if theirs:
                await self._put(training, Resumed(at=at, accounts=dict.fromkeys(theirs, account)))
        own = [o.operation for o in record.operations if o.provider == asked.provider]
        return Resumed(at=at, accounts=dict.fromkeys(own, account))

    async def _adopted(
        self, record: Record, state: OperationState, job_id: str | None, at: float
    ) -> Event:
        if not job_id:
            raise errors.ConfigError("adopt needs the id that the provider shows")
        provider = self._provider(state.provider)
        if state.account not in ("", provider.account):
            raise errors.ConfigError(
                f"{record.id} belongs to another account of {state.provider} than the configured "
                "key: set that account's key, or answer its question about accounts first"
            )
        job = await self._get(record, state.model_copy(update={"job_id": job_id}), provider)
        return Accepted(at=at, operation=state.operation, job=job, next_at=at)

    def _anew(self, state: OperationState, now: Instant) -> Event:
        """The clocks contradict each other: what was saved says nothing about how long ago."""
        return SettledAnew(
            at=now.wall,
            operation=state.operation,
            attempt=state.attempt,
            instant=now,
            next_at=now.after(settle_time(state, self._policy)),
        )

    async def _not_made(self, record: Record, state: OperationState, now: Instant) -> Event:
        settle = settle_time(state, self._policy)
        passed = elapsed(cast("Instant", state.intent_at), now)
        if passed is None:
            await self._put(record, self._anew(state, now))
        if passed is None or passed < settle:
            wait = settle - (passed or 0.0)
            raise errors.IllegalTransition(
                f"{record.id} may still be accepted: look again in {wait:.0f} seconds"
            )
        return Absent(
            at=now.wall, operation=state.operation, attempt=state.attempt, next_at=now.wall
        )


#: The extension of stored speech, by which its type is known again after a crash.
_AUDIO_SUFFIXES: Mapping[str, str] = {
    media_type: suffix
    for suffix, media_type in MEDIA_TYPES.items()
    if media_type.startswith("audio/")
}
#: What a result is where its link has no extension.
_SUFFIXES: Mapping[str, str] = {
    "video": ".mp4",
    "preview": ".mp4",
    "thumbnail": ".jpg",
    "audio": ".mp3",
}


#: The result without which an operation is worth nothing.
_WANTED: Mapping[Operation, str] = {
    Operation.VIDEO: "video",
    Operation.DUB: "video",
    Operation.SPEECH: "audio",
}


def _unheard(state: OperationState, why: str) -> errors.Ambiguous:
    """Speech that began to come was charged, whatever ended it."""
    return errors.Ambiguous(
        f"the speech broke off ({why})", provider=state.provider, operation=state.operation
    )


def _links(job: Job) -> Mapping[str, str]:
    """The results of a finished job; a video job without its video is not finished well."""
    wanted = _WANTED.get(job.operation)
    if wanted is not None and wanted not in job.links:
        raise errors.BadReply(
            f"the job is finished, but there is no link to its {wanted}",
            provider=job.provider,
            operation=job.operation,
        )
    return job.links


def _suffix(link: str) -> str:
    tail = urlsplit(link).path.rpartition("/")[2]
    suffix = "." + tail.rpartition(".")[2].lower() if "." in tail else ""
    return suffix if suffix in MEDIA_TYPES else ""


def _spoken(record: Record, state: OperationState, cost: str | None) -> Job:
    return Job(
        provider=state.provider,
        operation=state.operation,
        id=record.token(state.operation),
        state=JobState.SUCCEEDED,
        cost=cost,
    )


def _ledger(record: Record, event: Event) -> list[LedgerEntry]:
    jobs: tuple[Job, ...]
    if isinstance(event, Accepted):
        jobs = (event.job, *event.others)
    elif isinstance(event, Rechecked):
        jobs = event.jobs
    else:
        return []
    whose = event.operation, event.provider
    state = next((o for o in record.every_operation if (o.operation, o.provider) == whose), None)
    if state is None or not state.billable:
        return []
    token = record.token(event.operation)
    return [
        LedgerEntry(
            id=f"{token}:{job.id}",
            record_id=record.id,
            operation=event.operation,
            provider=state.provider,
            account=state.account,
            attempt=state.attempt,
            job_id=job.id,
            cost=job.cost,
            at=event.at,
            quoted=state.quoted,
        )
        for job in jobs
    ]


def _left_at(record: Record, state: OperationState) -> float:
    """When the earlier stack that has this operation was left."""
    return next(stack.at for stack in record.earlier if stack.operation is state)


def _whose(state: OperationState) -> dict[str, Any]:
    """What binds an event to the operation, also where an earlier stack has it."""
    return {"operation": state.operation, "provider": state.provider}


def _elsewhere(
    state: OperationState, error: Exception, at: float, attempt: int | None = None
) -> Elsewhere:
    return Elsewhere(
        at=at,
        operation=state.operation,
        attempt=attempt,
        reason=cleaned(str(error)),
        error_type=type(error).__name__,
    )


def _log_change_of_stack(record: Record) -> None:
    before = record.earlier[-1]
    log.warning(
        "training.failed_over",
        id=record.id,
        was=before.stack,
        now=record.stack,
        error=before.error_type,
    )


def _failed(error: Exception, now: Instant) -> Failed:
    return Failed(at=now.wall, message=cleaned(str(error)), error_type=type(error).__name__)


def _retry_after(error: Exception | None) -> float | None:
    return getattr(error, "retry_after", None)


def _backoff(attempt: int, error: Exception | None) -> float:
    """Seconds to the next attempt: what the vendor says, else 1, 2, 4 ... 300."""
    return _retry_after(error) or min(2.0 ** min(max(0, attempt - 1), 16), 300.0)


def _name(event: Event) -> str:
    return type(event).__name__.lower()
