"""Webhook deliveries: each is kept first, then applied, in the order in which that works out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import cast

from .. import _telemetry
from .._log import get_logger
from .._text import flaw, has_controls
from ..errors import AvatarKitError, BadReply, WebhookRejected
from ..interfaces import LogEntry, Outcome, Provider, Repository, own_code
from ..models import VendorEvent
from ..records import Record
from ..webhooks import Delivery

log = get_logger(__name__)

#: Seconds for which a delivery waits for its job to become known: as long as doubts are looked
#: into once more.
PATIENCE = 24 * 3600.0

#: Characters of an id. An index of PostgreSQL holds at most 2,704 bytes of it; no vendor's ids come
#: near.
_LONGEST = 500


class Deliveries:
    """Checks, keeps and applies deliveries; holds no state of its own.

    What is about a deleted record is applied, since it may tell what is to be cleared away there,
    and not kept.

    ``deliver`` applies an event, given the token of our callback address if there was one, and
    says which record that is about, and whether the record knows the event's job.
    """

    def __init__(
        self,
        *,
        repository: Repository,
        provider: Callable[[str], Provider],
        deliver: Callable[[VendorEvent, str | None], Awaitable[tuple[Record | None, bool]]],
    ) -> None:
        self._repository = repository
        self._provider = provider
        self._deliver = deliver

    async def take(
        self, provider: str, delivery: Delivery, token: str | None, *, apply: bool
    ) -> LogEntry | None:
        """Check, keep and, where asked, apply a delivery; None where it is kept already.

        Raises ``WebhookRejected`` for what is forged, stale or malformed: that is not kept.
        """
        with _telemetry.delivery(provider) as seen:
            entry = await self._keep(provider, delivery, token)
            return await self._apply(entry, seen) if entry and apply else entry

    async def apply(self, entry: LogEntry) -> LogEntry:
        """Apply what was kept, and note what became of it; again is harmless."""
        with _telemetry.delivery(entry.provider) as seen:
            return await self._apply(entry, seen)

    async def _apply(self, entry: LogEntry, seen: _telemetry.DeliverySpan) -> LogEntry:
        outcome: Outcome = "ignored"
        record_id, deleted = entry.record_id, False
        for event in entry.events:
            record, known = await self._deliver(event, entry.token)
            if record is not None:
                record_id, deleted = record.id, record.deleted
                seen.applied(record, event.job.operation)
            outcome = _outcome(event, known=known)
        now = (await self._repository.now()).wall
        if outcome == "unmatched" and now - entry.received_at > PATIENCE:
            outcome = "expired"
        if (outcome, record_id) != (entry.outcome, entry.record_id):
            await self._repository.settle_webhook(
                entry.provider, entry.event_id, outcome, record_id
            )
            log.info("webhook.settled", provider=entry.provider, outcome=outcome, id=record_id)
        if deleted and record_id:
            await self._repository.drop_webhooks(record_id)
        return replace(entry, outcome=outcome, record_id=record_id)

    async def _keep(self, provider: str, delivery: Delivery, token: str | None) -> LogEntry | None:
        try:
            events = _read(self._provider(provider), provider, delivery)
        except BadReply as error:
            raise WebhookRejected(f"the delivery is malformed: {error.message}") from error
        ids = (token or "", *(name for event in events for name in (event.id, event.job.id)))
        if any(has_controls(name) or flaw(name) or len(name) > _LONGEST for name in ids):
            raise WebhookRejected(
                f"an id has characters that no id has, or more than {_LONGEST} of them"
            )
        events = tuple(event.mended() for event in events)
        entry = LogEntry(
            provider=provider,
            event_id=events[0].id if events else delivery.digest,
            event_type=events[0].name if events else "other",
            payload=delivery.body,
            received_at=delivery.received,
            signed=any(event.trusted for event in events),
            token=token,
            events=events,
            outcome="received" if events else "ignored",
        )
        return entry if await self._repository.log_webhook(entry) else None

    async def sweep(self, limit: int = 64) -> int:
        """Apply what is pending, and return how many deliveries that settled.

        One that cannot be applied, as its record cannot be read, stays, and others go on.
        """
        settled = 0
        for entry in await self._repository.pending_webhooks(limit):
            try:
                settled += (await self.apply(entry)).outcome != "unmatched"
            except AvatarKitError as error:
                log.warning(
                    "webhook.not_applied", provider=entry.provider, error=type(error).__name__
                )
        return settled


def _read(provider: Provider, name: str, delivery: Delivery) -> tuple[VendorEvent, ...]:
    with own_code(name, "events"):
        events = cast("tuple[object, ...]", tuple(provider.events(delivery)))
        if not all(isinstance(event, VendorEvent) for event in events):
            raise TypeError("events() must return a list of VendorEvent")
    return cast("tuple[VendorEvent, ...]", events)


def _outcome(event: VendorEvent, *, known: bool) -> Outcome:
    if not known:
        return "unmatched"
    return "applied" if event.trusted else "poll_triggered"
