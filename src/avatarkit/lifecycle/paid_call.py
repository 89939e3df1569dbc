"""The paid call: save an intent, send once, classify the answer, reconcile what is in doubt.

The only code that spends money. A call whose outcome is unknown is looked up by our token, and is
never sent again, except under an idempotency key that the vendor still honours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar, cast

from .. import _telemetry, errors
from .._log import cleaned, get_logger
from ..content.containers import SUFFIXES
from ..interfaces import ROLES, Provider, own_code
from ..models import Action, Job, JobState, Operation, Speech, StoredFile, VendorRequest
from ..records import Instant, OperationState, Phase, Record, elapsed, later
from .apply import apply, following
from .decide import poll_gap, settle_time
from .effects import HOPELESS, PROVES_ABSENT, Effects, backoff, failover, failure, observed
from .events import (
    Absent,
    Accepted,
    Asked,
    Doubted,
    Event,
    GaveUp,
    Intended,
    Postponed,
    Prepared,
    Rechecked,
    Unsent,
    whose,
)
from .expectations import expected_speech
from .vendor_requests import digest

log = get_logger(__name__)
R = TypeVar("R", bound=Record)


class PaidCalls(Effects):
    """Steps that submit an operation, and that settle what became of it."""

    async def _submit(
        self, record: Record, state: OperationState, provider: Provider, now: Instant
    ) -> Record:
        try:
            request = await self._requests.build(record, state, provider)
        except HOPELESS as error:
            if self._goes_elsewhere(record, state, error):
                return await self._put(record, failover(state, error, now.wall))
            return await self._put(record, failure(error, now))
        async with self._slots.slot(provider):  # first, so that nothing waits after the intent
            if lapsed := await self._lapsed(record, now):  # waiting for the slot took time
                return await self._put(record, lapsed)
            instant = await self._repository.now()
            guard = self._guard(state)
            intended = apply(
                _bound(record, state, provider, instant.wall),
                Intended(
                    at=instant.wall,
                    **whose(state),
                    instant=instant,
                    digest=digest(request),
                    trace=_telemetry.traceparent(),
                ),
            )
            saved = await self._repository.save(record, intended)
            if saved is None:
                return await self._reload(record)  # somebody else moved it: decide again
            self._changed(saved)
            state = cast("OperationState", saved.operation(*state.key))
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
        """Send once, and return the outcome as an event."""
        operation, attempt = state.operation, state.call.attempt
        request = request.model_copy(update={"guard": guard})
        error: Exception
        try:
            guard()
            with observed("submit", record, state), self._clock.timeout(self._policy.timeout):
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
                return failover(state, caught, now, attempt)
            return Unsent(
                at=now,
                **whose(state),
                attempt=attempt,
                next_at=later(now, backoff(attempt, caught)),
            )
        except tuple(PROVES_ABSENT) as caught:
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
                **whose(state),
                attempt=attempt,
                recheck_at=later(now, self._policy.recheck),
                next_at=later(now, min(2.0, state.terms.list_lag)),
                reason=cleaned(str(caught)),
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
            return Accepted(at=now, **whose(state), job=job, files=files, next_at=first_look)
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
            return failover(state, error, now, attempt)
        return Absent(
            at=now,
            **whose(state),
            attempt=attempt,
            then=next(then for kind, then in PROVES_ABSENT.items() if isinstance(error, kind)),
            message=cleaned(str(error)),
            error_type=type(error).__name__,
            next_at=later(now, backoff(attempt, error)),
            counts=not isinstance(error, errors.RateLimited),
        )

    async def _send(
        self, record: Record, state: OperationState, provider: Provider, request: VendorRequest
    ) -> tuple[Job, Mapping[str, StoredFile] | None]:
        with own_code(state.provider, state.operation):
            answer = cast("object", await ROLES[state.operation].submit(provider)(request))
        if isinstance(answer, Job):
            return answer, None
        if not isinstance(answer, Speech):
            raise _unheard(state, "its adapter returned neither a Job nor Speech")
        speech = answer
        try:
            expected = expected_speech(record, state, speech)
            file = await self._keep_result(_speech_at(record, state), speech.audio, expected)
        except errors.BadResult as error:
            raise _unheard(state, error.message) from error
        except Exception as error:
            raise _unheard(state, f"the speech broke off: {type(error).__name__}") from error
        return _spoken(record, state, speech.cost), {"audio": file}

    async def _reconcile(
        self, record: Record, state: OperationState, provider: Provider, now: Instant
    ) -> Record:
        """Reconcile an intent in doubt by a lookup; nothing is sent again."""
        if not state.call.doubted:
            doubt = Doubted(
                at=now.wall,
                **whose(state),
                attempt=state.call.attempt,
                recheck_at=now.after(self._policy.recheck),
                next_at=None,
            )
            record = await self._put(record, doubt)
            before = state
            state = cast("OperationState", record.operation(*state.key))
            if (state.provider, state.phase, state.call.attempt) != (
                before.provider,
                Phase.INTENT,
                before.call.attempt,
            ):
                return record  # ``now`` is older than what stands there: decide again
        try:
            jobs, files = await self._evidence(record, state, provider)
        except Exception as error:  # noqa: BLE001 - a failed look-up is never absence
            return await self._later(record, state, error, now)
        if jobs:
            return await self._accept(record, state, jobs, now, files)
        if await self._may_repeat(record, state, now):
            return await self._repeat(record, state, provider, now)
        if state.terms.billable and not state.terms.findable:
            return await self._ask_payment(record, state, now)
        return await self._presume_absent(record, state, now)

    async def _evidence(
        self, record: Record, state: OperationState, provider: Provider
    ) -> tuple[Sequence[Job], Mapping[str, StoredFile] | None]:
        """Look for proof of acceptance: stored speech, or jobs with our correlation ID."""
        if state.operation is Operation.SPEECH:
            for suffix in ("", *_AUDIO_SUFFIXES):
                file = await self._media.stat(f"{_speech_at(record, state)}{suffix}")
                if file is not None and file.size:
                    return [_spoken(record, state, None)], {"audio": file}
        return (await self._find(record, state, provider) if state.terms.findable else []), None

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
            **whose(state),
            job=jobs[0],
            others=tuple(jobs[1:]),
            files=files,
            next_at=now.wall,
        )
        return await self._put(record, event)

    async def _presume_absent(self, record: Record, state: OperationState, now: Instant) -> Record:
        """Count the attempt as absent once it has settled; ``now`` is from before the lookup."""
        settle = settle_time(state, self._policy)
        passed = elapsed(cast("Instant", state.call.intent_at), now)
        if passed is None:
            return await self._put(record, self._settle_again(state, now))
        if passed < settle:
            wait = min(settle - passed, max(2.0, passed))
            return await self._put(
                record, Postponed(at=now.wall, **whose(state), next_at=now.after(wait))
            )
        return await self._put(record, self._not_accepted(record, state, now))

    async def _may_repeat(self, record: Record, state: OperationState, now: Instant) -> bool:
        """True if the attempt may be sent again: it may never have arrived, and begin now."""
        covered = not record.status.final and self._covered(record, state, now)
        return covered and await self._lapsed(record, now) is None

    def _covered(self, record: Record, state: OperationState, now: Instant) -> bool:
        """True if the vendor's idempotency key still covers the attempt, with an hour to spare.

        Where a fallback waits for a proof by look-up, a repeat would only put it off.
        """
        if state.terms.findable and following(record, state.key):
            return False
        passed = elapsed(cast("Instant", state.call.intent_at), now)
        window = state.terms.idempotency_window
        return window is not None and passed is not None and passed < window - 3600.0

    async def _repeat(
        self, record: Record, state: OperationState, provider: Provider, now: Instant
    ) -> Record:
        """Send the same attempt again under the same idempotency key.

        Only an id is conclusive here: a refusal may speak of the repeat.
        """
        request = await self._requests.build(record, state, provider, attempt=state.call.attempt)
        outcome: Event | None = None
        if digest(request) == state.call.digest:
            async with self._slots.slot(provider):
                # Waiting for the slot took time, and the vendor may have forgotten the key by now.
                guard = self._guard(state)
                allowed = await self._may_repeat(record, state, await self._repository.now())
                repeat = partial(self._call, record, state, provider, request, guard)
                outcome = await repeat() if allowed else None
        if isinstance(outcome, Accepted):
            return await self._put(record, outcome)
        if outcome is None and not state.terms.findable:
            return await self._ask_payment(record, state, now)
        passed = elapsed(cast("Instant", state.call.intent_at), now) or 0.0
        wait = min(max(2.0, passed), self._policy.gap_max)
        event = Postponed(at=now.wall, **whose(state), next_at=now.after(wait))
        return await self._put(record, event)

    async def _ask_payment(self, record: Record, state: OperationState, now: Instant) -> Record:
        if record.deleted:
            return await self._put(record, GaveUp(at=now.wall))
        speech = state.operation is Operation.SPEECH
        action = Action(
            kind="payment",
            operation=state.operation,
            scene=state.scene,
            message=f"{state.provider} may have accepted {state.operation} without its answer "
            f"reaching us{_because(state)}, and cannot be searched for "
            f"{record.token(*state.key)}. Look there.",
            choices=("not_made", "give_up") if speech else ("adopt", "not_made", "give_up"),
        )
        return await self._put(record, Asked(at=now.wall, action=action))

    async def _recheck(
        self, record: Record, state: OperationState, provider: Provider, now: Instant
    ) -> Record:
        """Look up an operation that was in doubt, a day later: a vendor may run it late."""
        try:
            jobs = await self._find(record, state, provider)
        except Exception as error:  # noqa: BLE001 - a failed look-up is never absence
            return await self._later(record, state, error, now)
        event = Rechecked(at=now.wall, **whose(state), jobs=tuple(jobs))
        return await self._put(record, event)


def bound_to(provider: Provider) -> dict[str, Any]:
    """Fields of ``Prepared`` that freeze the account and the API version."""
    return {"account": provider.account, "api_version": provider.api_version}


def _bound(record: R, state: OperationState, provider: Provider, at: float) -> R:
    """Bind an operation without uploads to its account, in the same change as its intent."""
    if state.uploads.prepared is not None:
        return record
    return apply(record, Prepared(at=at, **whose(state), prepared={}, **bound_to(provider)))


#: Extensions of stored speech, by which its type is known again after a crash.
_AUDIO_SUFFIXES = tuple(suffix for kind, suffix in SUFFIXES.items() if kind.startswith("audio/"))


def _speech_at(record: Record, state: OperationState) -> str:
    """Key of a record's speech in the media store, without its extension."""
    return f"{record.prefix}/{state.label}-audio"


def _because(state: OperationState) -> str:
    """Reason of the doubt, in brackets, if an answer told one."""
    return f" ({state.call.doubt})" if state.call.doubt else ""


def _unheard(state: OperationState, why: str) -> errors.Ambiguous:
    """Error for speech that cannot be used; the vendor may have charged for it."""
    return errors.Ambiguous(why, provider=state.provider, operation=state.operation)


def _spoken(record: Record, state: OperationState, cost: str | None) -> Job:
    return Job(
        provider=state.provider,
        operation=state.operation,
        id=record.token(*state.key),
        state=JobState.SUCCEEDED,
        cost=cost,
    )
