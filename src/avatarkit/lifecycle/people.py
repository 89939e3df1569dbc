"""Answers of people, and webhooks of vendors: resolve, submit a recording, cancel, delete."""

from __future__ import annotations

import re
from typing import Any, cast

from .. import errors
from ..models import Operation, VendorEvent
from ..records import HandIn, Instant, OperationKey, OperationState, Record, Video, elapsed, later
from .decide import settle_time
from .effects import Effects
from .events import (
    Accepted,
    Cancelled,
    Cleared,
    Deleted,
    Event,
    Failed,
    GaveUp,
    HandedIn,
    Postponed,
    RemovedByHand,
    Restored,
    Resumed,
    Seen,
    whose,
)


class People(Effects):
    """Changes to a record that a person, or a webhook, asks for."""

    async def cancel(self, record: Record) -> Record:
        """Stop new paid calls at once; what the vendors hold is deleted afterwards."""
        now = await self._repository.now()
        record = await self._put(record, Cancelled(at=now.wall))
        if record.cleanup != "delete":
            raise errors.IllegalTransition(
                f"{record.id} is {record.status}: nothing is left to cancel. delete removes it."
            )
        return record

    async def withdraw(self, record: Record) -> Record:
        """Stop a record whose consent was revoked: vendors keep nothing, unless it is completed."""
        now = await self._repository.now()
        revoked = Failed(
            at=now.wall,
            message="its consent was revoked",
            error_type="ConsentRequired",
            withdrawn=True,
        )
        return await self._put(record, revoked)

    async def delete(self, record: Record) -> Record:
        """Hide it at once; vendors' resources, results and personal data go afterwards."""
        now = await self._repository.now()
        return await self._put(record, Deleted(at=now.wall))

    async def removed_by_hand(self, record: Record) -> Record:
        """Note that a person has removed what could not be deleted from here."""
        now = await self._repository.now()
        return await self._put(record, RemovedByHand(at=now.wall))

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
        meant = event.provider, operation, event.job.id
        state = None if record is None else record.jobs.get(meant)
        if record is None and token is not None:
            record = await self._named(token, operation)
            state = None if record is None else record.named(token)
        if record is None:
            return None, False
        now = (await self._repository.now()).wall
        # The vendor of an attempt that has ended may speak of what another one does by now.
        scene = 0 if state is None else state.scene
        about: dict[str, Any] = {
            "operation": operation,
            "provider": event.provider,
            "scene": scene,
        }
        seen: Event = Postponed(at=now, **about, next_at=now)
        # What names a job by another id may speak of another job: it is only a reason to poll.
        if known and event.trusted and not (state and event.job.id in state.job.other_ids):
            seen = Seen(at=now, **about, job=event.job, next_at=now)
        return await self._put(record, seen), known

    async def _named(self, token: str, operation: Operation) -> Record | None:
        """The record whose operation has this token."""
        found = re.fullmatch(rf"ak-(.+)-{operation}(?:-[0-9]+)?", token)
        try:
            record = await self._repository.get(found[1]) if found else None
        except errors.ConfigError:  # it cannot be an id of this repository
            return None
        return record if record is not None and record.named(token) else None

    async def give(self, record: Record, key: OperationKey, recording: HandIn) -> Record:
        """Answer the record's action with the recording that it asks for; it is sent next."""
        now = await self._repository.now()
        state = cast("OperationState", record.operation(*key))
        return await self._put(record, HandedIn(at=now.wall, **whose(state), hand_in=recording))

    async def resolve(self, record: Record, choice: str, *, job_id: str | None = None) -> Record:
        """Answer the record's action with one of its choices."""
        action = record.action
        if action is None or choice not in action.choices:
            offered = ", ".join(action.choices) if action and action.choices else "nothing"
            raise errors.IllegalTransition(
                f"{record.id} asks for {offered}; {choice!r} does not fit"
            )
        now = await self._repository.now()
        at = now.wall
        state = record.operation(action.operation, action.scene) if action.operation else None
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
            case "done" if state:
                event = Postponed(at=at, **whose(state), next_at=at)
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
                if (o.provider, o.account.id) == (asked.provider, asked.account.id)
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
        if state.account.id not in ("", provider.account):
            raise errors.ConfigError(
                f"{record.id} belongs to another account of {state.provider} than the configured "
                "key: set that account's key, or answer its question about accounts first"
            )
        job = await self._get(record, state.revised(job={"id": job_id}), provider)
        return Accepted(at=at, **whose(state), job=job, next_at=at)

    async def _not_made(self, record: Record, state: OperationState, now: Instant) -> Event:
        settle = settle_time(state, self._policy)
        passed = elapsed(cast("Instant", state.call.intent_at), now)
        if passed is None:
            await self._put(record, self._settle_again(state, now))
        if passed is None or passed < settle:
            wait = settle - (passed or 0.0)
            raise errors.IllegalTransition(
                f"{record.id} may still be accepted: look again in {wait:.0f} seconds"
            )
        return self._not_accepted(record, state, now)
