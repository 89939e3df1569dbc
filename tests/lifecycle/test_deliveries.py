"""Deliveries that were kept, applied one by one."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from avatarkit import errors
from avatarkit.interfaces import LogEntry
from avatarkit.lifecycle.deliveries import Deliveries
from avatarkit.models import Job, JobState, Operation, VendorEvent
from avatarkit.repositories.memory import MemoryRepository
from avatarkit.testing import FakeClock
from avatarkit.webhooks import Delivery

pytestmark = pytest.mark.anyio


def delivery(job_id):
    job = Job(provider="fake", operation=Operation.VOICE, id=job_id, state=JobState.SUCCEEDED)
    event = VendorEvent(
        provider="fake", id=job_id, name="avatar.training_completed", job=job, trusted=True
    )
    return LogEntry(
        provider="fake",
        event_id=job_id,
        event_type=event.name,
        payload=b"{}",
        received_at=0.0,
        events=(event,),
    )


async def test_a_delivery_that_cannot_be_applied_holds_up_no_other():
    repository = MemoryRepository(clock=FakeClock())
    for job_id in ("a-broken", "b-whole"):
        await repository.log_webhook(delivery(job_id))

    async def deliver(event, token):
        if event.job.id == "a-broken":
            raise errors.StorageError("its record cannot be read")
        return None, True

    inbox = Deliveries(repository=repository, provider=lambda name: None, deliver=deliver)
    assert await inbox.sweep() == 1
    assert [entry.event_id for entry in await repository.pending_webhooks()] == ["a-broken"]


@pytest.mark.parametrize(
    ("event_id", "job_id", "token"),
    [
        ("e\0", "j", None),
        ("e", "j\0", None),
        ("e", "j", "ak-\0-voice"),
        ("e" * 501, "j", None),
        ("e", "j" * 501, None),
        ("e", "j", "ak" * 251),
    ],
    ids=lambda name: name and f"{name[:3]!r} of {len(name)}",
)
async def test_an_id_that_no_database_keeps_is_rejected(event_id, job_id, token):
    job = Job(provider="fake", operation=Operation.VOICE, id=job_id, state=JobState.SUCCEEDED)
    event = VendorEvent(provider="fake", id=event_id, name="video.failed", job=job, trusted=True)
    repository = MemoryRepository(clock=FakeClock())
    provider = SimpleNamespace(events=lambda delivery: [event])
    inbox = Deliveries(repository=repository, provider=lambda name: provider, deliver=None)
    with pytest.raises(errors.WebhookRejected, match="an id"):
        await inbox.take("fake", Delivery(b"{}", {}), token, apply=False)
    assert await repository.pending_webhooks() == []
