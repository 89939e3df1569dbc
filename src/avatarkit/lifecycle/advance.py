"""``advance``: drive one record as far as it goes without waiting; the only code that spends money.

It is idempotent, two may run at once, and it may be killed between any two of its effects:

1. a paid call is made only after its intent is saved, by compare-and-set on the row's version;
2. it is sent once; what comes back is either an id, a proof that nothing was accepted, or a doubt;
3. a doubt is settled by looking the job up by our token, never by sending again;
4. "not found" is proof only once a call could no longer be under way, and only for its attempt.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, cast

from .. import _telemetry, errors
from .._log import cleaned, get_logger
from ..content.results import Expected
from ..interfaces import (
    ROLES,
    BeginsSteps,
    Discards,
    Fetcher,
    Prepares,
    Provider,
    TakesRecording,
    account_of,
)
from ..models import Action, Job, Operation, StoredFile, Waiting
from ..records import JOINED, HandIn, Instant, OperationState, Phase, Record, Video, later
from .decide import Do, decide, poll_gap
from .effects import HOPELESS, backoff, failover, failure, observed, wrong_return
from .events import (
    Abandoned,
    Asked,
    Cleared,
    CopyFailed,
    Discarded,
    Event,
    Inherited,
    Missing,
    Postponed,
    Prepared,
    Purged,
    Removed,
    Seen,
    Stored,
    Taken,
    Waits,
    whose,
)
from .expectations import expected_result, wanted
from .paid_call import PaidCalls, bound_to
from .people import People

log = get_logger(__name__)

#: Steps in one visit; a record that wants more is simply visited again.
_STEPS = 32


#: Does what ``decide`` said, for one operation and under its own account.
_Step = Callable[[Record, OperationState, Provider, Instant], Awaitable[Record]]


#: What helps where an operation belongs to another account, or to another folder of a provider that
#: runs on this machine.
_OTHER_KEY = "Give that account's key; or, if its key was merely replaced, answer same_account."


_OTHER_FOLDER = (
    "Its files lie in another folder or on another machine: start a worker there, or let all of "
    "them use one folder (AVATARKIT_HOME)."
)


@dataclass(frozen=True, slots=True)
class _Access:
    """The provider of an operation; else the events that say why it cannot be used now."""

    provider: Provider | None = None
    events: tuple[Event, ...] = ()


class Orchestrator(PaidCalls, People):
    """Drives records; holds no state of its own."""

    @cached_property
    def _steps(self) -> Mapping[Do, _Step]:
        return {
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

    async def advance(self, record_id: str, claimed: Record | None = None) -> Record | None:
        """Do all that is due; the record then says in ``next_at`` when to call again.

        ``claimed`` saves reading it. It may be old by now: nothing is saved over a newer version.
        """
        record = claimed or await self._repository.get(record_id)
        if record is None:
            return None
        with _telemetry.advance(record):
            return await self._advance(record)

    async def _advance(self, record: Record) -> Record:
        first = record.version
        for _ in range(_STEPS):
            if record.version != first and record.waits:
                return record  # its save has ended the lease: what is due by now is another visit's
            now = await self._repository.now()
            step = decide(record, now.wall)
            if step.at is None or step.at > now.wall:
                return record
            state = step.state
            if state is None:
                record = await self._purge(record, now)
                continue
            if step.do is Do.ASK_DEADLINE:
                record = await self._ask_deadline(record, state, now)
                continue
            access = self._access(record, state, now, asks=state in record.operations)
            for event in access.events:
                record = await self._put(record, event)
            if access.provider is not None:
                record = await self._steps[step.do](record, state, access.provider, now)
        return record

    def _access(
        self, record: Record, state: OperationState, now: Instant, *, asks: bool
    ) -> _Access:
        """Find the provider, under the account that the operation is bound to.

        With another account's key nothing is sent, found or polled. A record that ``asks`` then
        gets an action, which goes once the key is back; for another no person is asked, so what
        it has there is given up after the deadline.
        """
        waiting = asks and record.action is not None and record.action.kind == "account"
        try:
            provider = self._provider(state.provider)
            account = account_of(provider)
        except errors.ServiceDiscontinued as error:
            return _Access(events=(self._without_service(record, state, error, now, asks=asks),))
        except (errors.ConfigError, errors.StorageError) as error:  # no key, or no folder
            problem, at_home = str(error), isinstance(error, errors.StorageError)
        else:
            if state.account.id in {"", account}:
                cleared = (Cleared(at=now.wall, kind="account"),)
                return _Access(events=cleared) if waiting else _Access(provider=provider)
            problem = f"{state.provider} {state.operation} was started under another account"
            at_home = provider.capabilities.keeps_here
        if not asks and now.wall >= later(_left_at(record, state), self._policy.deadline):
            return _Access(events=(Abandoned(at=now.wall, **whose(state)),))
        again_at = now.after(self._policy.account_check)
        postponed = Postponed(at=now.wall, **whose(state), next_at=again_at)
        if not asks or waiting:
            return _Access(events=(postponed,))
        action = Action(
            kind="account",
            operation=state.operation,
            scene=state.scene,
            message=f"{problem}. {_OTHER_FOLDER if at_home else _OTHER_KEY}",
            # An answer cannot change which folder it is.
            choices=("give_up",) if at_home else ("same_account", "give_up"),
        )
        return _Access(events=(Asked(at=now.wall, action=action), postponed))

    def _without_service(
        self,
        record: Record,
        state: OperationState,
        error: errors.ServiceDiscontinued,
        now: Instant,
        *,
        asks: bool,
    ) -> Event:
        """Say what becomes of an operation whose vendor has ended its service."""
        if record.status.final or not asks:
            return Abandoned(at=now.wall, **whose(state))
        if state.phase is Phase.NONE and self._goes_elsewhere(record, state, error):
            return failover(state, error, now.wall)
        return failure(error, now)

    async def _prepare(
        self, record: Record, state: OperationState, provider: Provider, now: Instant
    ) -> Record:
        if not isinstance(provider, Prepares):  # what there is to save is saved with the intent
            return await self._submit(record, state, provider, now)
        try:
            prepared = await self._uploaded(record, state, provider)
        except Exception as error:  # noqa: BLE001 - whatever it was, it was free
            if self._goes_elsewhere(record, state, error):
                return await self._put(record, failover(state, error, now.wall))
            if isinstance(error, HOPELESS):
                return await self._put(record, failure(error, now))
            return await self._later(record, state, error, now)
        bound = bound_to(provider)
        if not isinstance(prepared, Waiting):
            event = Prepared(at=now.wall, **whose(state), prepared=prepared, **bound)
            return await self._put(record, event)
        action, gap = prepared.action, min(2.0 ** min(state.job.polls, 16), self._policy.gap_max)
        if action is not None and action.expires_at is not None:
            gap = max(1.0, min(gap, action.expires_at - now.wall))
        event = Waits(
            at=now.wall,
            **whose(state),
            prepared=prepared.prepared,
            action=action,
            next_at=now.after(gap),
            **bound,
        )
        return await self._put(record, event)

    async def _uploaded(
        self, record: Record, state: OperationState, provider: Prepares
    ) -> dict[str, Any] | Waiting:
        own = cast("Provider", provider)
        request = await self._requests.build(record, state, own)
        upload = partial(provider.prepare, state.operation, request)
        prepared = await self._free("prepare", record, state, own, upload)
        if not isinstance(cast("object", prepared), dict | Waiting):
            raise wrong_return(state, "a dict or Waiting")
        return prepared

    async def _hand_in(
        self, record: Record, state: OperationState, provider: Provider, now: Instant
    ) -> Record:
        """Send the recording that was asked for; after a kill it is sent again."""
        if lapsed := await self._lapsed(record, now):
            return await self._put(record, lapsed)
        given, refused = cast("HandIn", state.hand_in), None
        try:
            recording = await self._requests.recording(given, provider)
            subject = await self._requests.subject(record)
            taker = cast("TakesRecording", provider)
            hand_in = partial(taker.hand_in, given.ref, recording, subject=subject)
            await self._free("prepare", record, state, provider, hand_in)
        except HOPELESS as error:
            refused = cleaned(getattr(error, "message", "") or str(error))
        except Exception as error:  # noqa: BLE001 - whatever it was, it was free
            return await self._later(record, state, error, now)
        event = Taken(at=now.wall, **whose(state), hand_in=given, refused=refused)
        record = await self._put(record, event)
        with suppress(errors.StorageError):  # it goes with the results at the latest
            await self._media.delete(given.file.key)
        return record

    async def _poll(
        self, record: Record, state: OperationState, provider: Provider, now: Instant
    ) -> Record:
        called_back = self._requests.called_back(record, state, provider)
        gap = poll_gap(record, state, now.wall, self._policy, called_back=called_back)
        next_look = now.after(gap)
        try:
            job = await self._get(record, state, provider)
        except errors.NotFound as error:
            if now.wall < later(state.job.submitted_at or 0.0, state.terms.list_lag):
                return await self._later(record, state, error, now)  # not listed yet
            event: Event = Missing(
                at=now.wall,
                **whose(state),
                limit=self._policy.missing_limit,
                next_at=next_look,
            )
            return await self._put(record, event)
        except Exception as error:  # noqa: BLE001 - a failed poll never changes a status
            return await self._later(record, state, error, now)
        if job.next_step is not None and isinstance(provider, BeginsSteps):
            if lapsed := await self._lapsed(record, now):
                return await self._put(record, lapsed)
            try:
                begin = partial(provider.begin_step, job)
                await self._free("continue", record, state, provider, begin)
            except Exception as error:  # noqa: BLE001 - the next poll tells if it was begun
                return await self._later(record, state, error, now)
        if job.reason:
            job = job.model_copy(update={"reason": cleaned(job.reason)})
        event = Seen(at=now.wall, **whose(state), job=job, next_at=next_look)
        return await self._put(record, event)

    async def _copy(
        self, record: Record, state: OperationState, provider: Provider, now: Instant
    ) -> Record:
        """Fetch every result over fresh links; the operation has succeeded when all are stored."""
        try:
            job = await self._get(record, state, provider)
            files, left_out = await self._files(record, state, provider, job)
            if isinstance(record, Video):
                files |= await self._composed(record, state, provider, files)
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
                **whose(state),
                reason=cleaned(str(error)),
                limit=self._policy.copy_limit,
                next_at=now.after(backoff(state.job.copy_failures + 1, error)),
            )
            return await self._put(record, event)
        event = Stored(at=now.wall, **whose(state), files=files, left_out=left_out)
        return await self._put(record, event)

    async def _files(
        self, record: Record, state: OperationState, provider: Provider, job: Job
    ) -> tuple[dict[str, StoredFile], dict[str, str]]:
        """Store all results; also return those that were left out, and why.

        A result that the operation is worth something without, such as a thumbnail, is left out
        after some failed copies: a paid video is not lost because of it.
        """
        files: dict[str, StoredFile] = {}
        left_out: dict[str, str] = {}
        main = wanted(state.operation, provider)
        for name, link in _links(job, main).items():
            try:
                expected = expected_result(record, state, job, name, link, main=main)
                files[name] = await self._keep(record, state, provider, link, expected)
            except (errors.ProviderError, errors.MediaRejected) as error:
                first = state.job.copy_failures + 1 < _EXTRA_COPIES
                if first or name == main:
                    raise
                log.warning("result.left_out", id=record.id, provider=state.provider, result=name)
                left_out[name] = cleaned(str(error))
        return files, left_out

    async def _composed(
        self,
        video: Video,
        state: OperationState,
        provider: Provider,
        files: Mapping[str, StoredFile],
    ) -> dict[str, StoredFile]:
        """Results that are made here of those that the vendor delivered."""
        if state.key == video.last_scene:
            return {JOINED: await self._joined(video, files)}
        sound = state.operation is Operation.DUB and provider.capabilities.dubs_sound
        if not sound or video.source is None:
            return {}
        place = f"{video.prefix}/{state.label}-video"
        return {"video": await self._lay_sound(place, video.source.file, files["audio"])}

    async def _joined(self, record: Record, files: Mapping[str, StoredFile]) -> StoredFile:
        """Join the videos of all scenes, the last one of which is in ``files``, and store it.

        After a kill it is joined again: that is free, and its place is the same.
        """
        stored = [s.job.files for s in record.operations if s.operation is Operation.VIDEO]
        videos = [known["video"] for known in (*stored[:-1], files)]
        return await self._join(f"{record.prefix}/video-{JOINED}", videos)

    async def _keep(
        self,
        record: Record,
        state: OperationState,
        provider: Provider,
        link: str,
        expected: Expected,
    ) -> StoredFile:
        fetcher = provider if isinstance(provider, Fetcher) else self._fetcher
        place = f"{record.prefix}/{state.label}-{expected.name}"
        with observed("download", record, state):
            async with aclosing(cast("Any", fetcher.fetch(link))) as stream:
                file = await self._keep_result(place, stream, expected)
        _telemetry.copied(file.size, state)
        return file

    async def _remove(
        self, record: Record, state: OperationState, provider: Provider, now: Instant
    ) -> Record:
        job_id, deleted = state.cleanup.discard[0], True
        delete = ROLES[state.operation].delete
        try:
            if await self._inherited(record, state, job_id, now):
                log.info("job.inherited", id=record.id, provider=state.provider)
            elif delete is not None:
                call = partial(delete(provider), job_id)
                await self._free("delete", record, state, provider, call)
            else:
                deleted = not state.terms.billable  # nothing is left of free speech
        except errors.NotFound:
            pass
        except (errors.Unsupported, errors.ServiceDiscontinued):
            deleted = False
        except Exception as error:  # noqa: BLE001 - what is still there must still be deleted
            return await self._later(record, state, error, now)
        event = Removed(at=now.wall, **whose(state), job_id=job_id, deleted=deleted)
        return await self._put(record, event)

    async def _inherited(
        self, record: Record, state: OperationState, job_id: str, now: Instant
    ) -> bool:
        """Leave a job to another record of the user that uses it, such as a voice to a look."""
        shared = (state.usable_id if job_id == state.job.id else None) or job_id
        heir = await self._repository.find_job(state.provider, state.operation, shared)
        if heir is None or heir.id == record.id or heir.user_id != record.user_id:
            return False
        uses = (state.provider, state.account.id, shared)
        own = heir.operation(state.operation)
        if heir.cleanup == "delete" or own is None or shared not in own.cleanup.undeletable:
            return False
        if uses != (own.provider, own.account.id, own.usable_id):
            return False
        event = Inherited(at=now.wall, **whose(own), job_id=job_id)
        await self._put(heir, event)
        return True

    async def _discard(
        self, record: Record, state: OperationState, provider: Provider, now: Instant
    ) -> Record:
        """Delete what was uploaded for the operation; after some attempts it is left there."""
        gone, limit = False, 0  # the provider is not here: do not ask twice
        if isinstance(provider, Discards):
            discard = partial(provider.discard, state.operation, state.uploads.prepared or {})
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
            **whose(state),
            gone=gone,
            limit=limit,
            next_at=now.after(backoff(state.uploads.discards + 1, None)),
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
            scene=state.scene,
            message=f"{state.provider} {state.operation} takes longer than it should. Wait on, or "
            "give up; nothing is deleted by either.",
            choices=("wait", "give_up"),
        )
        return await self._put(record, Asked(at=now.wall, action=action))


#: Copies after which a result that the operation does not need is left out.
_EXTRA_COPIES = 2


def _links(job: Job, main: str | None) -> Mapping[str, str]:
    """The results of a finished job; a video job without its video is not finished well."""
    if main is not None and main not in job.links:
        raise errors.BadReply(
            f"the job is finished, but there is no link to its {main}",
            provider=job.provider,
            operation=job.operation,
        )
    return job.links


def _left_at(record: Record, state: OperationState) -> float:
    """When the attempt that has this operation ended."""
    return next(attempt.ended_at for attempt in record.ended if state in attempt.operations)
