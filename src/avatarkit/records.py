"""Records: the rows of trainings and videos, and the state of each paid operation within them.

Plain data; ``lifecycle`` defines the transitions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import Any, Literal, Self

from pydantic import Field

from .models import (
    Action,
    DubSubtitles,
    JobState,
    Model,
    Operation,
    Scene,
    StoredFile,
    Template,
    VideoSettings,
)

__all__ = [
    "FINAL",
    "TRANSITIONS",
    "Attempt",
    "HandIn",
    "Instant",
    "LedgerEntry",
    "OperationState",
    "Phase",
    "Record",
    "Sample",
    "Status",
    "Training",
    "Video",
    "elapsed",
    "later",
]


class Status(StrEnum):
    """Status of a record, as users see it."""

    PENDING = "pending"
    PROCESSING = "processing"
    TRAINING = "training"
    ACTION_REQUIRED = "action_required"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """True if it can never change again."""
        return self in FINAL


FINAL = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED})

_ENDS = {Status.FAILED, Status.CANCELLED}
#: From each status, where it may go. A video skips ``training``.
TRANSITIONS: Mapping[Status, frozenset[Status]] = {
    Status.PENDING: frozenset({Status.PROCESSING} | _ENDS),
    Status.PROCESSING: frozenset(
        {Status.TRAINING, Status.ACTION_REQUIRED, Status.COMPLETED} | _ENDS
    ),
    Status.TRAINING: frozenset({Status.ACTION_REQUIRED, Status.COMPLETED} | _ENDS),
    Status.ACTION_REQUIRED: frozenset(
        {Status.PROCESSING, Status.TRAINING, Status.COMPLETED} | _ENDS
    ),
    **dict.fromkeys(FINAL, frozenset()),
}


class Phase(StrEnum):
    """State of an operation's paid call."""

    NONE = "none"  #: nothing was sent, or it is proved that nothing was accepted
    INTENT = "intent"  #: it may have been sent, and may have been accepted
    DONE = "done"  #: accepted; the job id is known
    LOST = "lost"  #: a person gave it up: it may exist, and no look-up can tell


#: An operation may have been paid.
_TAKEN = frozenset({Phase.DONE, Phase.LOST})


class Instant(Model):
    """Time by the repository's clock: wall time, and seconds since the machine started.

    ``boot`` includes suspension and cannot be set back; compare it only between instants of one
    ``boot_id``.
    """

    wall: float
    boot: float = 0.0
    boot_id: str = ""

    def after(self, seconds: float) -> float:
        """Wall time after a wait of ``seconds``; see ``later``."""
        return later(self.wall, seconds)


#: Shortest wait, in seconds. Far above the resolution of a wall time near 1.8e9 (2.4e-7 s).
_TICK = 0.001


def later(wall: float, seconds: float) -> float:
    """Return the wall time after a wait; a positive wait always gives a later time.

    A plain sum does not: a wait shorter than the resolution of ``wall`` is lost in rounding, and
    what was put off is due again at once, for ever.
    """
    return wall if seconds <= 0 else wall + max(seconds, _TICK)


_YEAR = 366 * 86_400


def elapsed(since: Instant, now: Instant) -> float | None:
    """Seconds between two instants, or None if the clocks contradict each other."""
    same_boot = bool(since.boot_id) and since.boot_id == now.boot_id
    gap = now.boot - since.boot if same_boot else now.wall - since.wall
    return gap if 0 <= gap < _YEAR else None


class Sample(Model):
    """One recording of a person, safe in the media store."""

    id: str
    user_id: str
    clone_id: str
    role: Literal["voice", "footage"]
    name: str
    file: StoredFile
    seconds: float | None = None  #: how long it lasts, where that could be seen
    created_at: float = 0.0


class HandIn(Model):
    """A recording that the provider has asked for, safe in the media store."""

    ref: str  #: what it is for, see ``Action.ref``
    name: str
    file: StoredFile


class Terms(Model):
    """How the provider treats the operation; fixed when the record is created."""

    billable: bool = True
    findable: bool = True  #: can the provider look it up by our correlation ID?
    list_lag: float = 0.0  #: a new resource is listed at the latest after so many seconds
    idempotency_window: float | None = None
    typical: float = 60.0  #: seconds that it usually takes; its share of the progress


class Account(Model):
    """Vendor account that an operation is bound to, from its first pass on."""

    id: str = ""  #: fingerprint of the account
    api_version: str = ""


class PaidCall(Model):
    """Attempts of the paid call, and what is known of the last one."""

    phase: Phase = Phase.NONE
    attempt: int = 0  #: intents written
    tries: int = 0  #: attempts proved absent
    intent_at: Instant | None = None
    digest: str | None = None  #: of the body that the intent speaks of
    trace: str | None = None  #: traceparent of the pass that submitted it, at first of its caller
    doubted: bool = False  #: was it ever in doubt?
    doubt: str | None = None  #: why, where an answer told it
    recheck_at: float | None = None
    quoted: int | None = None  #: micro-dollars that it was expected to cost when it was requested


class JobResult(Model):
    """Job at the vendor, what it costs, and its stored results."""

    id: str | None = None
    ref: str | None = None
    other_ids: tuple[str, ...] = ()  #: see ``Job.other_ids``
    state: JobState | None = None
    progress: float | None = None
    submitted_at: float | None = None
    polls: int = 0
    missing: int = 0  #: polls in a row that the vendor answered with "not found"
    cost: str | None = None
    charged: int | None = None  #: ``cost`` in micro-dollars, by the prices of the day it was told
    stored: bool = False  #: are all its results in the media store?
    files: dict[str, StoredFile] = {}
    #: results that are worth nothing and were left out: name -> why
    left_out: dict[str, str] = {}
    copy_failures: int = 0
    copy_error: str | None = None  #: why the last copy of the results failed


class Uploads(Model):
    """Free uploads for an operation, made by ``prepare``."""

    prepared: dict[str, Any] | None = None  #: their ids; None until ``prepare`` ran
    waiting: bool = False  #: ``prepare`` has not come to its end; ``prepared`` is what it has
    fate: Literal["kept", "gone", "left"] = "kept"  #: what became of them after the end
    discards: int = 0  #: attempts to delete them that failed


class Cleanup(Model):
    """Jobs of an operation that are to be deleted at the vendor, or were."""

    duplicates: tuple[str, ...] = ()  #: further jobs that carry our correlation ID
    discard: tuple[str, ...] = ()  #: to be deleted at the vendor
    removed: tuple[str, ...] = ()
    undeletable: tuple[str, ...] = ()


#: Job at a vendor: provider, operation, id.
JobKey = tuple[str, Operation, str]
#: States in which a job is over.
JOB_ENDS = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.GONE})
#: Place of an operation in a record: the operation, and the number of its scene or 0.
OperationKey = tuple[Operation, int]


def _label(operation: Operation, scene: int) -> str:
    return f"{operation}-{scene}" if scene else str(operation)


class OperationState(Model):
    """One paid thing within a record, and everything needed to find it again."""

    operation: Operation
    provider: str
    scene: int = 0  #: number of the scene that it makes, from 1 on; 0: it makes the whole
    terms: Terms = Terms()
    account: Account = Account()
    call: PaidCall = PaidCall()
    job: JobResult = JobResult()
    uploads: Uploads = Uploads()
    cleanup: Cleanup = Cleanup()
    hand_in: HandIn | None = None  #: what a person has given and the provider has not yet
    not_taken: str | None = None  #: why the provider did not take the last one
    failures: int = 0  #: free calls that failed in a row
    not_before: float = 0.0  #: the next submission, look-up, poll, copy or removal

    def revised(self, **changes: Any) -> OperationState:
        """Return a copy; a mapping given for one of the parts changes those fields of the part.

        Raises ``TypeError`` for a field that does not exist: pydantic's ``model_copy`` would keep
        it beside the document, and a job's id would be lost without an error.
        """
        update: dict[str, Any] = {}
        for name, change in changes.items():
            part: Model | None = getattr(self, name) if name in _PARTS else None
            if part is None:
                _require_fields(OperationState, (name,))
                update[name] = change
            else:
                _require_fields(type(part), change)
                update[name] = part.model_copy(update=change)
        return self.model_copy(update=update)

    @property
    def key(self) -> OperationKey:
        """Its place in a record: the operation, and the number of its scene."""
        return self.operation, self.scene

    @property
    def label(self) -> str:
        """Its place in a record as a word: "video", or "video-2" for that of the second scene."""
        return _label(*self.key)

    @property
    def phase(self) -> Phase:
        """How far its paid call has come."""
        return self.call.phase

    @property
    def usable_id(self) -> str | None:
        """The id that later calls use."""
        return self.job.ref or self.job.id

    @property
    def succeeded(self) -> bool:
        """True if it ended well, with its results stored."""
        return self.job.state is JobState.SUCCEEDED and self.job.stored

    @property
    def spent(self) -> int:
        """Micro-dollars of accepted calls: as reported by the vendor, else as quoted.

        Every job that carries our token was accepted, and what was given up may have been.
        """
        if self.phase not in _TAKEN:
            return 0
        quoted = self.call.quoted or 0
        first = quoted if self.job.charged is None else self.job.charged
        return first + quoted * len(self.cleanup.duplicates)

    @property
    def known_ids(self) -> tuple[str, ...]:
        """Every job at the vendor that this operation knows of and has not removed."""
        ids = ((self.job.id,) if self.job.id else ()) + self.cleanup.duplicates
        return tuple(
            i for i in ids if i not in self.cleanup.removed and i not in self.cleanup.undeletable
        )


def _require_fields(model: type[Model], names: Iterable[str]) -> None:
    if unknown := sorted(set(names) - model.model_fields.keys()):
        raise TypeError(f"{model.__name__} has no field {', '.join(unknown)}")


_PARTS = frozenset({"terms", "account", "call", "job", "uploads", "cleanup"})


class Attempt(Model):
    """One stack's turn at a record: under way, ended without a paid call, or still to come."""

    stack: str
    operations: tuple[OperationState, ...]
    voice: tuple[Sample, ...] = ()
    footage: Sample | None = None
    reason: str = ""  #: why it ended
    error_type: str | None = None  #: class name in ``avatarkit.errors``
    ended_at: float = 0.0

    def with_each(self, change: Callable[[OperationState], OperationState]) -> Attempt:
        """Return a copy with every operation changed."""
        return self.model_copy(update={"operations": tuple(map(change, self.operations))})


#: Fields of the attempt under way, which a record has itself.
_UNDER_WAY = ("stack", "operations", "voice", "footage")


class Record(Model):
    """Row that is processed and watched; the common fields of a training and a video."""

    id: str
    user_id: str
    clone_id: str
    stack: str
    name: str = ""
    language: str | None = None
    options: tuple[dict[str, Any], ...] = ()  #: typed provider options, as ``registry`` stores them
    idempotency_key: str | None = None
    request: dict[str, str] = {}  #: digests of what was ordered under that key
    consent_id: str | None = None
    purpose: str | None = None  #: what it is made for, as the consent names it

    status: Status = Status.PENDING
    progress: int = 0  #: 0..100
    estimated: bool = False  #: is ``progress`` a guess from typical times?
    operations: tuple[OperationState, ...]
    fallbacks: tuple[Attempt, ...] = ()  #: begun in turn while nothing was accepted
    ended: tuple[Attempt, ...] = ()  #: accepted nothing, the first one first; are cleaned up
    action: Action | None = None
    error_message: str | None = None
    error_type: str | None = None  #: class name in ``avatarkit.errors``

    created_at: float
    updated_at: float
    started_at: float | None = None
    completed_at: float | None = None
    deadline_at: float
    next_at: float | None  #: when ``advance`` is due; None: never again
    cleanup: Literal["no", "settle", "delete"] = "no"
    deleted: bool = False
    purges: int = 0  #: how often the results of a deleted record were removed
    purge_at: float = 0.0
    version: int = 0

    def __repr__(self) -> str:
        """Show the fields that users need, in one line; ``model_dump`` has all."""
        from ._log import cleaned  # here, since records alone need no logging

        always = ("id", "status", "progress", "user_id", "clone_id", "stack")
        sometimes = ("name", "training_id", "voice_id", "avatar_id", "error_type", "error_message")
        shown = {name: getattr(self, name) for name in always}
        shown |= {name: found for name in sometimes if (found := getattr(self, name, None))}
        if self.action is not None:
            shown["action"] = self.action.message
        shown |= {"files": sorted(self.files)} if self.files else {}
        shown |= {"deleted": True} if self.deleted else {}
        said = ", ".join(f"{name}={_shown(value)}" for name, value in shown.items())
        return cleaned(f"{type(self).__name__}({said})")

    __str__ = __repr__

    def operation(self, operation: Operation, scene: int = 0) -> OperationState | None:
        """The state of one operation, or of that of a scene, if this record has it."""
        return next((o for o in self.operations if o.key == (operation, scene)), None)

    @property
    def waits(self) -> bool:
        """True if nothing was due when it last changed."""
        return self.next_at is None or self.next_at > self.updated_at

    @property
    def shown(self) -> tuple[object, ...]:
        """Fields that watchers see: they are told when one of these changes."""
        told = self.action, self.error_message, self.stack
        return self.status, self.progress, *told, self.deleted

    @property
    def every_operation(self) -> tuple[OperationState, ...]:
        """The operations of the attempt under way, and of those that ended."""
        return (*self.operations, *(o for attempt in self.ended for o in attempt.operations))

    @property
    def jobs(self) -> Mapping[JobKey, OperationState]:
        """Every job by which a webhook may mean this record, and the operation that knows it.

        Duplicates and the jobs of ended attempts are among them, and the other ids of a job while
        it is under way: several records may share such an id, and the one that waits is meant.
        """
        found: dict[JobKey, OperationState] = {}
        for state in self.every_operation:
            for job_id in (state.job.id, *state.cleanup.duplicates):
                if job_id:
                    found.setdefault((state.provider, state.operation, job_id), state)
        for state in () if self.status.final else self.operations:
            for job_id in () if state.job.state in JOB_ENDS else state.job.other_ids:
                found.setdefault((state.provider, state.operation, job_id), state)
        return found

    @property
    def planned(self) -> tuple[Attempt, ...]:
        """The attempt under way, and its fallbacks."""
        own = {name: getattr(self, name) for name in _UNDER_WAY if hasattr(self, name)}
        return (Attempt(**own), *self.fallbacks)

    def replanned(self, attempts: Iterable[Attempt]) -> Self:
        """Return a copy with the first of these attempts under way; the others stand by."""
        first, *others = attempts
        own = {name: getattr(first, name) for name in _UNDER_WAY if hasattr(self, name)}
        return self.model_copy(update={**own, "fallbacks": tuple(others)})

    def with_each(self, change: Callable[[OperationState], OperationState]) -> Self:
        """Return a copy with every operation of every attempt changed."""
        copy = self.replanned(attempt.with_each(change) for attempt in self.planned)
        ended = tuple(attempt.with_each(change) for attempt in self.ended)
        return copy.model_copy(update={"ended": ended})

    def token(self, operation: Operation, scene: int = 0) -> str:
        """The name by which the provider's job can be found again."""
        return f"ak-{self.id}-{_label(operation, scene)}"

    def named(self, token: str) -> OperationState | None:
        """The operation that has this token, if this record has it."""
        return next((o for o in self.operations if self.token(*o.key) == token), None)

    @property
    def spent(self) -> int:
        """Micro-dollars for calls that vendors have accepted."""
        return self.holds[1]

    @property
    def reserved(self) -> int:
        """Micro-dollars for calls that are still to be sent, or in doubt.

        An open intent is reserved on a final record too: until its fate is known, it may be paid.
        While another stack may still take over, it is what the most expensive of them takes.
        """
        return self.holds[0]

    @property
    def holds(self) -> tuple[int, int]:
        """Both, ``reserved`` and ``spent``, in one pass: every save asks it of two records."""
        final = self.status.final
        reserved = spent = 0
        accepted = False
        for state in self.operations:
            if state.phase in _TAKEN:
                accepted, spent = True, spent + state.spent
            elif state.phase is Phase.INTENT or not final:
                reserved += state.call.quoted or 0
        spent += sum(o.spent for attempt in self.ended for o in attempt.operations)
        if not (final or accepted):
            for other in self.fallbacks:
                reserved = max(reserved, sum(s.call.quoted or 0 for s in other.operations))
        return reserved, spent

    @property
    def prefix(self) -> str:
        """Folder of the results in the media store; it has no personal data."""
        return f"results/{self.id}"

    @property
    def files(self) -> dict[str, StoredFile]:
        """Stored results by name; the last one of a name counts.

        "video", "audio", "thumbnail", "preview", "subtitles_srt", "subtitles_vtt". Results of a
        scene are "scene-1-video" and so on; "video" is all scenes, joined.
        """
        found = (
            (s.scene, name, file) for s in self.operations for name, file in s.job.files.items()
        )
        return {_result_name(scene, name): file for scene, name, file in found}

    def file(self, name: str) -> StoredFile | None:
        """A stored result by its name."""
        return self.files.get(name)


#: Name, in the last scene's operation, of the video of all scenes.
JOINED = "joined"


def _result_name(scene: int, name: str) -> str:
    if not scene:
        return name
    return "video" if name == JOINED else f"scene-{scene}-{name}"


def _shown(value: Any) -> str:
    return repr(str(value) if isinstance(value, StrEnum) else value)


class Training(Record):
    """A voice and an avatar for one clone of one user."""

    kind: Literal["training"] = "training"
    voice: tuple[Sample, ...] = ()
    footage: Sample | None = None
    look_of: str | None = None  #: the provider's avatar of the same person, which gets this look

    def _ref(self, operation: Operation) -> str | None:
        state = self.operation(operation)
        return state.usable_id if state and state.job.state is JobState.SUCCEEDED else None

    @property
    def voice_id(self) -> str | None:
        """The voice, as its provider calls it, once it is usable."""
        return self._ref(Operation.VOICE)

    @property
    def avatar_id(self) -> str | None:
        """The avatar, as its provider calls it, once it is usable."""
        return self._ref(Operation.AVATAR)


class Video(Record):
    """An avatar that says something, or a dubbed video."""

    kind: Literal["video"] = "video"
    training_id: str | None = None
    script: str | None = None
    audio: Sample | None = None
    picture: Sample | None = None  #: that speaks, instead of an avatar
    source: Sample | None = None  #: the video to dub
    subtitles: DubSubtitles = Field(default_factory=DubSubtitles)  #: one's own, of a dub
    settings: VideoSettings = Field(default_factory=VideoSettings)
    scenes: tuple[Scene, ...] = ()  #: ``script`` is the text of all of them
    template: Template | None = None  #: instead of a script
    voice_id: str | None = None
    avatar_id: str | None = None

    def scene_of(self, number: int) -> Scene | None:
        """The scene that an operation makes by itself; None if it makes the whole."""
        if number:
            return self.scenes[number - 1]
        return self.scenes[0] if len(self.scenes) == 1 else None

    @property
    def last_scene(self) -> OperationKey | None:
        """The operation after which the videos of the scenes are joined; None if none is."""
        keys = [o.key for o in self.operations if o.operation is Operation.VIDEO and o.scene]
        return keys[-1] if keys else None

    def text_of(self, number: int) -> str | None:
        """The text of an operation: that of its scene, or the whole script."""
        scene = self.scene_of(number) if self.scenes else None
        return self.script if scene is None else scene.text


class LedgerEntry(Model):
    """One accepted paid call, written in the transaction that records its acceptance."""

    id: str  #: token and job id: the same acceptance twice is one entry
    record_id: str
    operation: Operation
    provider: str
    account: str
    attempt: int
    job_id: str
    cost: str | None
    at: float
    quoted: int | None = None  #: millionths of a dollar that were reserved for it
