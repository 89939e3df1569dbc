"""Effects that the steps of a record share: save an event, make a free call, judge an error."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Literal, TypeVar, cast

from .. import _telemetry, errors
from .._log import cleaned, get_logger
from ..content.joining import Join, Joining, LaySound, SoundLaying
from ..content.results import Keep
from ..interfaces import ROLES, Clock, Fetcher, MediaStore, Provider, Repository, Slots
from ..models import Job
from ..records import Instant, LedgerEntry, OperationState, Phase, Record
from ..webhooks import Inboxes
from .apply import apply, following
from .decide import Policy, settle_time
from .events import (
    Absent,
    Accepted,
    Elsewhere,
    Event,
    Failed,
    Postponed,
    Rechecked,
    SettleRestarted,
    whose,
)
from .vendor_requests import Requests

log = get_logger(__name__)
T = TypeVar("T")

_Then = Literal["retry", "ask", "fail"]


#: What an error of a billable call proves: that it was not accepted, and what follows from that.
#: Whatever is not listed proves nothing.
PROVES_ABSENT: Mapping[type[Exception], _Then] = {
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


#: Free calls of many requests, each of which may wait for its account's pace.
_LONG = frozenset({"prepare", "find"})


#: On a free call these say that it will never work; everything else is tried again later.
HOPELESS = tuple(kind for kind, then in PROVES_ABSENT.items() if then == "fail")


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
    """Outcome of a failed call, as spans and metrics name it."""
    if isinstance(error, errors.NotSent):
        return "not_sent"
    return "refused" if isinstance(error, tuple(PROVES_ABSENT)) else "unclear"


observed = partial(_telemetry.call, outcome=_outcome)


class Effects:
    """Repository, media store, providers and clock of a worker, and what every step does with them.

    ``provider`` gives the provider of a name, or raises ``ConfigError``; ``fetcher`` opens links of
    providers that do not open their own; ``changed`` is called with every record that was saved;
    ``keep`` checks and stores results; ``inboxes`` is where vendors call back; ``charged`` converts
    a cost that a vendor reported to micro-dollars.
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
        keep: Keep,
        join: Join | None = None,
        lay_sound: LaySound | None = None,
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
        self._keep_result = keep
        self._join = join or Joining(media, keep)
        self._lay_sound = lay_sound or SoundLaying(media, keep)
        self._charged = charged

    async def _put(self, record: Record, event: Event) -> Record:
        """Fold the event in and save; after a lost compare-and-swap, into the newest version."""
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
                if len(saved.ended) > len(record.ended):
                    _log_change_of_stack(saved)
                return saved
            record = await self._reload(record)

    def _priced(self, old: Record, new: Record) -> Record:
        """Convert each cost that a vendor has just reported to micro-dollars."""
        said = {(o.key, o.provider): o.job.cost for o in old.operations}
        operations = tuple(
            o
            if o.job.cost == said.get((o.key, o.provider))
            else o.revised(job={"charged": self._millionths(new, o)})
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
        """Reload after a lost compare-and-swap; ``StorageError`` if the row has not changed."""
        fresh = await self._repository.get(record.id)
        if fresh is None:
            raise errors.NotFound(f"{record.id} has vanished from the database")
        if fresh.version == record.version:
            raise errors.StorageError(
                f"{record.id} cannot be saved: the column version of its row is not the version in "
                "its column doc; somebody has edited one of them, so make them equal"
            )
        return fresh

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
            with observed(what, record, state), self._clock.timeout(seconds):
                return await call()

    async def _lapsed(self, record: Record, now: Instant) -> Failed | None:
        """Event that ends a record whose consent no longer holds, before a step that needs it."""
        try:
            await self._requests.require_consent(record)
        except errors.ConsentRequired as error:
            return failure(error, now)
        return None

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
        event = Postponed(at=now.wall, **whose(state), next_at=now.after(wait), failed=True)
        return await self._put(record, event)

    def _goes_elsewhere(self, record: Record, state: OperationState, error: Exception) -> bool:
        """True if a fallback takes over, after an error that proves this stack took nothing."""
        if isinstance(error, errors.StorageError):
            return False  # it is our own store that is away: the next stack needs it too
        told = isinstance(error, _ELSEWHERE)
        down = isinstance(error, errors.RateLimited) or _outcome(error) != "refused"
        # A later attempt is made only once every earlier one is proved absent.
        times = state.failures + 1 if state.phase is Phase.NONE else state.call.attempt
        tired = down and times >= self._policy.patience
        return (told or tired) and bool(following(record, state.key))

    def _not_accepted(self, record: Record, state: OperationState, now: Instant) -> Event:
        """Event after a proof that the attempt in doubt was not accepted.

        The next try; or, after ``Policy.patience`` attempts, the next stack; or a question.
        """
        tries = state.call.tries + 1
        error = errors.Unavailable(
            f"it was tried {state.call.attempt} times, and each time it was not accepted",
            provider=state.provider,
            operation=state.operation,
        )
        if self._goes_elsewhere(record, state, error):
            return failover(state, error, now.wall, state.call.attempt)
        return Absent(
            at=now.wall,
            **whose(state),
            attempt=state.call.attempt,
            then="ask" if tries >= self._policy.max_tries else "retry",
            message=cleaned(str(error)),
            next_at=now.after(0.0 if tries == 1 else backoff(tries - 1, None)),
        )

    def _settle_again(self, state: OperationState, now: Instant) -> Event:
        """The clocks contradict each other: what was saved says nothing about how long ago."""
        return SettleRestarted(
            at=now.wall,
            **whose(state),
            attempt=state.call.attempt,
            instant=now,
            next_at=now.after(settle_time(state, self._policy)),
        )

    async def _find(
        self, record: Record, state: OperationState, provider: Provider
    ) -> Sequence[Job]:
        token = record.token(*state.key)
        find = partial(ROLES[state.operation].find(provider), token)
        jobs: object = await self._free("find", record, state, provider, find)
        # Anything else, such as None, is no proof of absence.
        if not isinstance(jobs, list | tuple):
            raise wrong_return(state, "a list of jobs")
        return [_job(state, job) for job in cast("Sequence[object]", jobs)]

    async def _get(self, record: Record, state: OperationState, provider: Provider) -> Job:
        get = partial(ROLES[state.operation].get(provider), state.job.id or "")
        return _job(state, await self._free("poll", record, state, provider, get))


def _job(state: OperationState, value: object) -> Job:
    """Return what a look-up found; raises ``BadReply`` if it is no ``Job``."""
    if not isinstance(value, Job):
        raise wrong_return(state, "a Job")
    return value


def wrong_return(state: OperationState, wanted: str) -> errors.BadReply:
    """Error of an adapter whose method returned a value of a wrong type."""
    return errors.BadReply(
        f"its adapter returned something else than {wanted}, which is a bug of the provider",
        provider=state.provider,
        operation=state.operation,
    )


def _ledger(record: Record, event: Event) -> list[LedgerEntry]:
    jobs: tuple[Job, ...]
    if isinstance(event, Accepted):
        jobs = (event.job, *event.others)
    elif isinstance(event, Rechecked):
        jobs = event.jobs
    else:
        return []
    about = event.key, event.provider
    state = next((o for o in record.every_operation if (o.key, o.provider) == about), None)
    if state is None or not state.terms.billable:
        return []
    token = record.token(*state.key)
    return [
        LedgerEntry(
            id=f"{token}:{job.id}",
            record_id=record.id,
            operation=event.operation,
            provider=state.provider,
            account=state.account.id,
            attempt=state.call.attempt,
            job_id=job.id,
            cost=job.cost,
            at=event.at,
            quoted=state.call.quoted,
        )
        for job in jobs
    ]


def failover(
    state: OperationState, error: Exception, at: float, attempt: int | None = None
) -> Elsewhere:
    """Event that hands the training to the next stack, because of ``error``."""
    return Elsewhere(
        at=at,
        **whose(state),
        attempt=attempt,
        reason=cleaned(str(error)),
        error_type=type(error).__name__,
    )


def _log_change_of_stack(record: Record) -> None:
    before = record.ended[-1]
    log.warning(
        "training.failed_over",
        id=record.id,
        was=before.stack,
        now=record.stack,
        error=before.error_type,
    )


def failure(error: Exception, now: Instant) -> Failed:
    """Event that ends the record, because of ``error``."""
    return Failed(
        at=now.wall,
        message=cleaned(str(error)),
        error_type=type(error).__name__,
        withdrawn=withdrawn(error),
    )


def withdrawn(error: Exception) -> bool:
    """True if the consent was revoked or erased, by which the record is made."""
    return isinstance(error, errors.ConsentRequired) and error.withdrawn


def _retry_after(error: Exception | None) -> float | None:
    return getattr(error, "retry_after", None)


def backoff(attempt: int, error: Exception | None) -> float:
    """Seconds to the next attempt: what the vendor says, else 1, 2, 4 ... 300."""
    return _retry_after(error) or min(2.0 ** min(max(0, attempt - 1), 16), 300.0)


def _name(event: Event) -> str:
    return type(event).__name__.lower()
