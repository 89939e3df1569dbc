"""Events of a record's state machine: what a visit, a webhook or a person reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, dataclass_transform

from ..models import Action, Job, Operation, StoredFile
from ..records import HandIn, Instant, OperationKey, OperationState

E = TypeVar("E")


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field,))
def _event(kind: type[E]) -> type[E]:
    """Dataclass whose only generated method is ``__init__``: thirty full ones take 15 ms to make.

    Type checkers see frozen classes with keyword-only fields.
    """
    return dataclass(kw_only=True, repr=False, eq=False)(kind)


@_event
class Event:
    """Something that happened at ``at`` (seconds since 1970)."""

    at: float

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    def __hash__(self) -> int:
        return hash((type(self), self.at))

    def __repr__(self) -> str:
        told = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({told})"


@_event
class OperationEvent(Event):
    """Something that happened to one operation: that of the attempt which has ``provider``."""

    operation: Operation
    provider: str
    scene: int = 0

    @property
    def key(self) -> OperationKey:
        """The operation's place in the record."""
        return self.operation, self.scene


def whose(state: OperationState) -> dict[str, Any]:
    """Fields that bind an event to the operation, also after a failover."""
    return {"operation": state.operation, "provider": state.provider, "scene": state.scene}


@_event
class Prepared(OperationEvent):
    """Free uploads are made; provider, account and API version are frozen."""

    prepared: dict[str, Any]
    account: str
    api_version: str


@_event
class Waits(Prepared):
    """Free uploads wait for a person, or for the provider; look again at ``next_at``."""

    action: Action | None
    next_at: float


@_event
class HandedIn(OperationEvent):
    """A person gave the recording that the provider asks for."""

    hand_in: HandIn


@_event
class Taken(OperationEvent):
    """The provider has taken the recording, or said why not."""

    hand_in: HandIn
    refused: str | None = None


@_event
class Discarded(OperationEvent):
    """The uploads are deleted at the vendor, or could not be; ``limit`` attempts, and they stay."""

    gone: bool
    limit: int = 0
    next_at: float = 0.0


@_event
class Intended(OperationEvent):
    """The next attempt is about to be sent."""

    instant: Instant
    digest: str
    trace: str | None = None  #: traceparent of what is about to send it


@_event
class Accepted(OperationEvent):
    """The provider has the job: it answered, or the job was found by our token."""

    job: Job
    others: tuple[Job, ...] = ()  #: more that carry our token, younger than ``job``
    files: Mapping[str, StoredFile] | None = None  #: results that are stored already
    next_at: float


@_event
class Absent(OperationEvent):
    """It is proved that ``attempt`` was not accepted.

    ``then``: try again at ``next_at``; ask a person; or fail.
    """

    attempt: int
    then: Literal["retry", "ask", "fail"] = "retry"
    message: str = ""
    error_type: str | None = None
    next_at: float
    counts: bool = True  #: False: a rate limit is no verdict on the request


@_event
class Unsent(OperationEvent):
    """``attempt`` was never sent; it does not count as a try."""

    attempt: int
    next_at: float


@_event
class Elsewhere(OperationEvent):
    """The provider refuses, or is down: the next stack takes over, see ``following``.

    It is proved that ``attempt`` was not accepted; None: it was a free call.
    """

    attempt: int | None = None
    reason: str
    error_type: str | None = None


@_event
class Doubted(OperationEvent):
    """The outcome of ``attempt`` is unknown; look it up at ``next_at``."""

    attempt: int
    recheck_at: float
    next_at: float | None
    reason: str | None = None


@_event
class SettleRestarted(OperationEvent):
    """The clocks contradict each other: restart the settle time of ``attempt`` at ``instant``."""

    attempt: int
    instant: Instant
    next_at: float


@_event
class Seen(OperationEvent):
    """The provider told the state of a job, in a poll or a signed webhook."""

    job: Job
    next_at: float


@_event
class Missing(OperationEvent):
    """The provider does not know the job."""

    limit: int
    next_at: float


@_event
class Stored(OperationEvent):
    """All usable results of the operation are in the media store."""

    files: Mapping[str, StoredFile]
    left_out: Mapping[str, str] = field(default_factory=dict[str, str])  #: name -> why


@_event
class CopyFailed(OperationEvent):
    """A result could not be fetched or stored."""

    reason: str
    limit: int
    next_at: float


@_event
class Postponed(OperationEvent):
    """A free call gave no answer; try it again at ``next_at``."""

    next_at: float
    failed: bool = False  #: because a free call failed


@_event
class Removed(OperationEvent):
    """The vendor deleted ``job_id``, or cannot."""

    job_id: str
    deleted: bool


@_event
class Inherited(OperationEvent):
    """The record that has made a job is deleted: this one, which uses it, is to delete it."""

    job_id: str


@_event
class RemovedByHand(Event):
    """A person has removed at the vendors what could not be deleted from here."""


@_event
class Abandoned(OperationEvent):
    """The provider can no longer be reached: an ended record names what stays there."""


@_event
class Rechecked(OperationEvent):
    """A doubted operation was looked up once more: these jobs carry its token."""

    jobs: tuple[Job, ...]


@_event
class Asked(Event):
    """A person must decide."""

    action: Action


@_event
class Cleared(Event):
    """The reason for the action of this kind is gone."""

    kind: str


@_event
class Resumed(Event):
    """A person answered: go on, with a later deadline, or with this account."""

    deadline_at: float | None = None
    accounts: Mapping[Operation, str] | None = None
    discard_duplicates: bool = False


@_event
class GaveUp(Event):
    """A person gave it up; open intents that no look-up can settle are lost."""


@_event
class Restored(Event):
    """An older copy of the database came back: what it calls unsent may have been sent."""

    instant: Instant


@_event
class Failed(Event):
    """It cannot be completed; after a consent was ``withdrawn``, vendors keep nothing."""

    message: str
    error_type: str | None = None
    withdrawn: bool = False


@_event
class Cancelled(Event):
    """The caller cancelled it."""


@_event
class Deleted(Event):
    """The caller deleted it; its personal data goes at once."""


@_event
class Purged(Event):
    """The stored results of a deleted record are removed, with personal data that came later."""

    again_at: float
