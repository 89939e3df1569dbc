"""A deterministic world for ``Orchestrator.advance``: no event loop, no threads, no sockets.

Every effect (database write, vendor call, copy) is handed to a scheduler that decides when it
*executes*, when its answer is *delivered*, and where the process dies. Time is virtual. One
integer is one history, so every finding can be played again:

    python simulation.py       exhaust DEPTH     every way to die 1..DEPTH times, 3 at most
    python simulation.py       scenes COUNT      seeded histories with videos of several scenes
    python simulation.py       dubs COUNT        seeded histories with dubs of more than one step
    python simulation.py       random COUNT      seeded histories: several workers, kills, stalls,
                                                 lost answers, refusals, webhooks, cancels, deletes,
                                                 and persons who revoke, or want to be erased; half
                                                 of them with wrong clocks, reboots and redelivery

What must hold in every history: nothing is paid twice; every record comes to rest in a final
state; a completed record has its bytes in the store; a final state is never left; and no vendor
resource exists that no record knows of (none at all once a record is cancelled or deleted). Of a
person who has taken the consent back, vendors keep nothing that was not named to that person.
Where a record knows another stack, that one is asked only after the first is known to have taken
nothing. A further step of a job is begun, and only while the consent holds; vendors charge for it
once a job, however often it is begun.
"""

from __future__ import annotations

import collections
import copy
import hashlib
import random
import sys
import time
from contextlib import asynccontextmanager, contextmanager

from avatarkit import erasure, errors
from avatarkit.interfaces import Capabilities, Claim, Page
from avatarkit.lifecycle.advance import Orchestrator
from avatarkit.lifecycle.apply import apply
from avatarkit.lifecycle.decide import Policy
from avatarkit.lifecycle.events import Cancelled, Deleted, Resumed, Seen, whose
from avatarkit.models import (
    Action,
    Consent,
    Job,
    JobState,
    Operation,
    Scene,
    Speech,
    StoredFile,
    Waiting,
)
from avatarkit.records import (
    Attempt,
    Instant,
    OperationState,
    Phase,
    Sample,
    Status,
    Terms,
    Training,
    Video,
)
from avatarkit.repositories import rules

POLICY = Policy(
    send_guard=0.5, timeout=1.0, max_tries=99, recheck=80.0, deadline=1e9, missing_limit=3
)
#: Wall time at the start of the machine: so far from zero, a float has steps of 2.4e-7 seconds.
STARTED = 1_790_000_000.3
#: No record is saved so often at one moment, unless it is due again at once for ever.
SAVES_AT_ONE_MOMENT = 25
AGREED = "agreed"  # the consent of the person whom all records show, where there is one
#: From this seed on, histories have strange clocks and deliveries as well.
STRANGE = 1_000_000
LIST_LAG = 0.5  # what the provider declares; the vendor stays below it


class Broken(AssertionError):
    """An invariant does not hold."""


class Effect:
    """Something that the outside world does for a process."""

    __slots__ = ("at", "done", "error", "kind", "result", "run", "stalled")

    def __init__(self, kind, run, at=0.0):
        self.kind, self.run, self.at = kind, run, at
        self.done, self.result, self.error, self.stalled = False, None, None, False

    def __await__(self):
        yield self
        if self.error is not None:
            raise self.error
        return self.result

    def execute(self):
        try:
            self.result = self.run()
        except Broken:
            raise
        except Exception as error:
            self.error = error
        self.done = True


class World:
    """What survives every kill: the clock, the rows, the store, the vendor."""

    def __init__(self, rnd=None, *, duration=3.0, lag=0.4, trouble=0.0, started=0.0):
        self.now = 1000.0  # seconds since the machine started, which was at the wall time:
        self.started = started
        self.booted, self.boot_id = 0.0, "sim"
        self.answered = {}  # record -> wall time of a person's last answer
        self.saves = collections.Counter()  # by record and wall time
        self.rows, self.leases, self.store = {}, {}, {}
        self.consents = {}
        self.withdrawn_at = None  # when the one consent was revoked, or erased
        self.named = None  # vendors' ids that were named at the end of a revocation or an erasure
        self.vendors = {
            name: Vendor(self, name, rnd, duration, lag, trouble) for name in ("sim", "sim2")
        }
        self.vendor = self.vendors["sim"]

    @property
    def wall(self):
        return self.started + self.now

    def clock(self):
        if not self.started:
            return Instant(wall=self.wall)
        return Instant(wall=self.wall, boot=self.now - self.booted, boot_id=self.boot_id)

    def reboot(self, seconds):
        """The machine is off for a while."""
        self.now += seconds
        self.booted, self.boot_id = self.now, f"{self.boot_id}+"

    def since_start(self, wall):
        """The moment of a wall time; the two clocks differ in what a float can hold."""
        return max(wall - self.started, 0.0)

    def due(self):
        """The next moment at which a record is due, if any is."""
        times = [r.next_at for r in self.rows.values() if r.next_at is not None]
        return self.since_start(min(times)) if times else float("inf")

    def put(self, old, new):
        """Replace a row if nobody else has, and look at what must always hold."""
        current = self.rows[old.id]
        if current.version != old.version:
            return None
        if current.status.final and new.status is not current.status:
            raise Broken(f"final {current.status} was left for {new.status}")
        if current.status.final and new.progress != current.progress:
            raise Broken(f"progress of what has ended went from {current.progress}")
        if new.progress < current.progress:
            raise Broken(f"progress fell from {current.progress} to {new.progress}")
        if new.status is Status.COMPLETED and current.status is not Status.COMPLETED:
            last = new.operations[-1]
            kinds = {f"{new.prefix}/{o.label}-" for o in new.operations if o.scene}
            kinds |= {f"{new.prefix}/{last.operation}-"}
            kinds |= {f"{new.prefix}/video-joined"} if last.scene else set()
            stored = all(any(k.startswith(kind) for k in self.store) for kind in kinds)
            if not (stored or last.job.left_out):  # a thumbnail that could never be copied
                raise Broken("completed before the bytes are stored")
        self.saves[old.id, self.wall] += 1
        if self.saves[old.id, self.wall] > SAVES_AT_ONE_MOMENT:
            raise Broken(f"it loops, and time stands still: {new!r}")
        saved = new.model_copy(update={"version": old.version + 1})
        self.rows[old.id] = saved
        if saved.waits:
            self.leases.pop(old.id, None)  # its visit ends with that
        return saved

    def fold(self, record_id, event):
        """Apply an event from outside (a person, a webhook) in one transaction."""
        row = self.rows[record_id]
        new = apply(row, event)
        if new is not row:
            self.put(row, new)

    def claimable(self):
        """The first moment at which a worker can claim a row."""
        found = self.now
        waits = [(r.next_at, self.leases.get(r.id, ("", 0.0))[1]) for r in self.rows.values()]
        if waits := [(at, until) for at, until in waits if at is not None]:
            found = min(max(self.since_start(at), until) for at, until in waits)
            while found > self.now and not any(
                at <= self.started + found and until < found for at, until in waits
            ):
                found += 1e-7
        return found

    def copy(self):
        """The same world, apart."""
        other = copy.copy(self)
        for name in ("answered", "saves", "rows", "leases", "store", "consents"):
            setattr(other, name, copy.copy(getattr(self, name)))
        other.vendors = {name: vendor.copy(other) for name, vendor in self.vendors.items()}
        other.vendor = other.vendors["sim"]
        return other

    def state(self):
        """All that decides what happens next; who holds a lease is dead."""
        vendors = [
            (
                v.paid,
                v.consents,
                [(j.id, j.token, j.born, j.begun, j.deleted) for j in v.jobs.values()],
            )
            for v in self.vendors.values()
        ]
        leases = {record_id: until for record_id, (_, until) in self.leases.items()}
        saves = [count for (_, wall), count in self.saves.items() if wall == self.wall]
        whole = (self.now, leases, [*self.store], vendors, self.named, self.consents, saves)
        told = repr((whole, [described(row) for row in self.rows.values()]))
        return hashlib.blake2b(told.encode(), digest_size=16).digest()

    def at_rest(self):
        return all(r.status.final and r.next_at is None for r in self.rows.values())

    def ended_by(self, row):
        """True if the person has ended it: the consent is withdrawn, and it is incomplete."""
        told = self.named is not None and row.consent_id
        return row.error_type == "ConsentRequired" or (told and row.status is not Status.COMPLETED)

    def check_end(self, context):
        for row in self.rows.values():
            if not (row.status.final and row.next_at is None):
                raise Broken(f"lost or stuck {context}: {row!r}")
        paid = sum((vendor.paid for vendor in self.vendors.values()), collections.Counter())
        for token, count in paid.items():
            if count != 1:
                raise Broken(f"paid {count} times {context}: {token}")
        known = {
            i
            for r in self.rows.values()
            for o in r.operations
            for i in (o.job.id, *o.cleanup.duplicates)
        }
        unwanted = {r.id for r in self.rows.values() if r.cleanup == "delete" or self.ended_by(r)}
        for job in (job for vendor in self.vendors.values() for job in vendor.jobs.values()):
            if job.deleted or job.operation is Operation.SPEECH:
                continue  # speech is a stream: it leaves nothing behind
            if job.id not in known:
                raise Broken(f"an orphan at the vendor {context}: {job.token}")
            if job.token.split("-")[1] in unwanted:
                raise Broken(f"not cleaned up {context}: {job.token}")
            if self.named is not None and job.id not in self.named:
                raise Broken(f"it is kept, and was not named {context}: {job.token}")
        for row in self.rows.values():
            # What a killed process asked for in its last breath nobody knows, and it is free.
            unwanted = row.every_operation if row.cleanup == "delete" else ended(row)
            if any(o.uploads.prepared for o in unwanted):
                raise Broken(f"uploads are left {context}: {row!r}")
            left = [k for k in self.store if row.deleted and f"/{row.id}/" in k]
            if left:
                raise Broken(f"bytes of a deleted record are left {context}: {left}")


_DESCRIBED = {}


def described(row):
    """What a row holds; kept for a while, since most rows stay as they are."""
    if len(_DESCRIBED) > 1000:
        _DESCRIBED.clear()
    known, told = _DESCRIBED.get(id(row), (None, ""))
    if known is not row:
        told = repr(row)
        _DESCRIBED[id(row)] = row, told
    return told


def ended(row):
    """The operations of the attempts that have ended."""
    return [state for attempt in row.ended for state in attempt.operations]


class VendorJob:
    __slots__ = ("begun", "born", "deleted", "id", "operation", "token")

    def __init__(self, job_id, operation, token, born):
        self.id, self.operation, self.token, self.born, self.begun, self.deleted = (
            job_id, operation, token, born, None, False,
        )  # fmt: skip


class Vendor:
    """Charges for each accepted call, and never forgets."""

    def __init__(self, world, name, rnd, duration, lag, trouble):
        self.world, self.name, self.rnd, self.duration = world, name, rnd, duration
        self.lag, self.trouble = lag, trouble
        self.refusing = False  # every paid call
        self.failing = False  # every avatar
        self.down = False  # every paid call is answered with 503, and not accepted
        self.jobs, self.paid = {}, collections.Counter()
        self.consents = {}  # token -> when it was asked for

    def copy(self, world):
        """The same vendor in another world."""
        other = copy.copy(self)
        other.world, other.paid, other.consents = world, self.paid.copy(), self.consents.copy()
        other.jobs = {name: copy.copy(job) for name, job in self.jobs.items()}
        return other

    def chance(self, share):
        return self.rnd is not None and self.rnd.random() < share * self.trouble

    def accept(self, operation, token):
        if any(v.paid[token] for v in self.world.vendors.values() if v is not self):
            raise Broken(f"{self.name} is asked for what another vendor has accepted: {token}")
        if self.refusing or self.chance(0.1):
            raise errors.QuotaError("no credits are left", provider=self.name)
        if self.down:
            raise errors.Ambiguous("503", provider=self.name)
        if self.chance(0.15):
            raise errors.RateLimited("slow down", provider="sim", retry_after=0.3)
        if self.chance(0.1):
            raise errors.NotSent("no route", provider="sim")
        if self.chance(0.1):
            raise errors.Ambiguous("502 before the work began", provider="sim")
        self.paid[token] += 1
        prefix = "j" if self.name == "sim" else f"{self.name}-"
        job = VendorJob(f"{prefix}{len(self.jobs)}", operation, token, self.world.now)
        self.jobs[job.id] = job
        if self.chance(0.4):
            raise errors.Ambiguous("the answer was lost", provider="sim")
        return self.tell(job)

    def find(self, token):
        if self.chance(0.1):
            raise errors.Unavailable("list is down", provider="sim")
        visible = (j for j in self.jobs.values() if j.born + self.lag <= self.world.now)
        return [self.tell(j) for j in visible if j.token == token and not j.deleted]

    def get(self, job_id):
        if self.chance(0.1):
            raise errors.Unavailable("status is down", provider="sim")
        if self.jobs[job_id].deleted:
            raise errors.NotFound("no such job", provider="sim")
        return self.tell(self.jobs[job_id])

    def delete(self, job_id):
        if self.chance(0.1):
            raise errors.Unavailable("delete is down", provider="sim")
        self.jobs[job_id].deleted = True

    def consent(self, token):
        """Ask for a consent, or look whether it was given: a person gives it after a second."""
        if self.chance(0.1):
            raise errors.Unavailable("consents are down", provider="sim")
        begun = self.consents.setdefault(token, self.world.now)
        if self.world.now >= begun + 1.0:
            return {"consent": token}
        action = Action(
            kind="read_text", message="read", expires_at=self.world.started + begun + 0.5
        )
        return Waiting(prepared={"consent": token}, action=action)

    def upload(self, token):
        if self.chance(0.1):
            raise errors.Unavailable("uploads are down", provider="sim")
        self.consents[token] = self.world.now
        return {"consent": token}

    def forget(self, token):
        if self.chance(0.1):
            raise errors.Unavailable("delete is down", provider="sim")
        self.consents.pop(token, None)

    def begin(self, job_id, seen_at):
        """Begin the second step of a dub, which a poll at ``seen_at`` has named."""
        withdrawn_at, job = self.world.withdrawn_at, self.jobs[job_id]
        if withdrawn_at is not None and withdrawn_at < seen_at:
            raise Broken(f"a step is begun without consent: {job.token}")
        if self.chance(0.1):
            raise errors.Unavailable("steps are down", provider=self.name)
        if job.deleted:
            raise errors.NotFound("no such job", provider=self.name)
        job.begun = self.world.now if job.begun is None else job.begun
        if self.chance(0.4):
            raise errors.Unavailable("the answer was lost", provider=self.name)

    def due_step(self, job):
        """The step that follows the first half of a dub; None if there is none, or it is begun."""
        first = self.world.now >= job.born + self.duration / 2
        waits = job.operation is Operation.DUB and job.begun is None
        return "lips" if waits and first else None

    def over(self, job):
        if job.operation is Operation.DUB:
            return job.begun is not None and self.world.now >= job.begun + self.duration / 2
        return self.world.now >= job.born + self.duration

    def tell(self, job):
        over = self.over(job)
        fails = self.failing and job.operation is Operation.AVATAR
        end = JobState.FAILED if fails else JobState.SUCCEEDED
        results = {"avatar": "thumbnail", "video": "video", "dub": "video"}
        name = results.get(job.operation)
        return Job(
            provider=self.name,
            operation=job.operation,
            id=job.id,
            state=end if over else JobState.RUNNING,
            next_step=self.due_step(job),
            links={name: f"sim://{job.id}"} if over and name else {},
        )


class Provider:
    """The adapter of one process."""

    api_version = "1"
    capabilities = Capabilities(list_lag=LIST_LAG)
    limits, consent_rules, option_types = (), (), ()
    account = "account-1"

    def __init__(self, world, name="sim"):
        self.world, self.name, self.vendor = world, name, world.vendors[name]
        self.seen_at = {}  # job -> when it was last polled

    async def _submit(self, request, operation):
        request.guard()
        start = self.world.now

        def send():
            if self.world.now > start + POLICY.timeout:
                raise TimeoutError  # the client gave up before the request left
            return self.vendor.accept(operation, request.token)

        return await Effect("post", send)

    async def clone_voice(self, request):
        return await self._submit(request, Operation.VOICE)

    async def train_avatar(self, request):
        return await self._submit(request, Operation.AVATAR)

    async def generate_video(self, request):
        return await self._submit(request, Operation.VIDEO)

    async def dub_video(self, request):
        return await self._submit(request, Operation.DUB)

    async def synthesize(self, request):
        await self._submit(request, Operation.SPEECH)

        async def audio():
            yield await Effect("audio", lambda: b"spoken")

        return Speech(audio=audio(), media_type="audio/wav")

    async def _find(self, token):
        return await Effect("find", lambda: self.vendor.find(token))

    async def _get(self, job_id):
        def run():
            self.seen_at[job_id] = self.world.now
            return self.vendor.get(job_id)

        return await Effect("get_job", run)

    async def _delete(self, job_id):
        await Effect("delete_job", lambda: self.vendor.delete(job_id))

    async def begin_step(self, job):
        await Effect("begin", lambda: self.vendor.begin(job.id, self.seen_at[job.id]))

    find_voice = find_avatar = find_video = find_dub = _find
    get_voice = get_avatar = get_video = get_dub = _get
    delete_voice = delete_avatar = delete_video = delete_dub = _delete

    async def find_speech(self, token):
        found = await self._find(token)
        return [j.model_copy(update={"links": {"audio": f"sim://{j.id}"}}) for j in found]

    async def get_speech(self, job_id):
        job = await self._get(job_id)
        return job.model_copy(
            update={"state": JobState.SUCCEEDED, "links": {"audio": f"sim://{job_id}"}}
        )

    async def fetch(self, url):
        def run():
            if self.vendor.chance(0.2):
                raise errors.Unavailable("the download was cut", provider="sim")
            return b"result of " + url.encode()

        yield await Effect("fetch", run)


class ConsentingProvider(Provider):
    """The adapter of a vendor that wants an upload for a voice, and a consent for an avatar."""

    async def prepare(self, operation, request):
        if operation is Operation.VOICE:
            return await Effect("prepare", lambda: self.vendor.upload(request.token))
        if operation is not Operation.AVATAR:
            return {}
        return await Effect("prepare", lambda: self.vendor.consent(request.token))

    async def discard(self, operation, prepared):
        await Effect("discard", lambda: self.vendor.forget(prepared["consent"]))


class Repository:
    def __init__(self, world):
        self.world = world

    async def now(self):
        return self.world.clock()

    async def get(self, record_id):
        return await Effect("get", lambda: self.world.rows.get(record_id))

    async def drop_webhooks(self, record_id):
        pass

    async def get_consent(self, consent_id):
        return await Effect("get_consent", lambda: self.world.consents.get(consent_id))

    async def revoke_consent(self, consent_id, at):
        def run():
            consent = self.world.consents[consent_id].model_copy(update={"revoked_at": at})
            self.world.consents[consent_id] = consent
            self.world.withdrawn_at = self.world.now
            return consent

        return await Effect("revoke_consent", run)

    async def find_job(self, provider, operation, job_id):
        def run():
            held = [
                row
                for row in self.world.rows.values()
                for o in row.every_operation
                if (o.provider, o.operation) == (provider, operation) and job_id in o.known_ids
            ]
            return min(held, key=lambda r: (r.deleted, r.created_at, r.id), default=None)

        return await Effect("find_job", run)

    async def create(self, record):
        return await Effect("create", lambda: self.world.rows.setdefault(record.id, record))

    async def page(self, kind, **_wanted):
        def run():
            rows = self.world.rows.values()
            return Page(tuple(r for r in rows if r.kind == kind and not r.deleted), None)

        return await Effect("page", run)

    async def tombstones(self, user_id):
        def run():
            return [r for r in self.world.rows.values() if r.deleted and r.user_id == user_id]

        return await Effect("tombstones", run)

    async def samples(self, user_id):
        return []

    async def consents(self, user_id):
        return []

    async def erase(self, user_id):
        def run():
            self.world.consents.clear()
            self.world.withdrawn_at = self.world.now
            live = sum(not r.deleted for r in self.world.rows.values())
            return dict.fromkeys(rules.ERASED, 0) | {"live": live}

        return await Effect("erase", run)

    async def save(self, old, new, *_entries):
        return await Effect("save", lambda: self.world.put(old, new))

    async def claim(self, owner, lease):
        def run():
            due = sorted(
                (r.next_at, r.id) for r in self.world.rows.values() if r.next_at is not None
            )
            for at, record_id in due:
                _, until = self.world.leases.get(record_id, (None, 0.0))
                if at <= self.world.wall and until < self.world.now:
                    self.world.leases[record_id] = (owner, self.world.now + lease)
                    return Claim(self.world.rows[record_id], 1)
            return None

        return await Effect("claim", run)

    async def release(self, record_id, owner):
        def run():
            if self.world.leases.get(record_id, (None,))[0] == owner:
                del self.world.leases[record_id]

        await Effect("release", run)


def unchecked(store):
    """Keep results as they come: these worlds have no real files, and no threads."""

    async def keep(place, chunks, expected):
        file = await store.put(place, chunks, expected.media_type)
        if not file.size:
            raise errors.BadResult(f"the {expected.name} is empty")
        return file

    return keep


def joining(store):
    """Join the videos of scenes: one write, whose place is the same after a kill."""

    async def join(place, videos):
        async def whole():
            for video in videos:
                yield await Effect("read", lambda video=video: store.world.store[video.key])

        return await store.put(place, whole(), "video/mp4")

    return join


class Store:
    def __init__(self, world):
        self.world = world

    async def put(self, key, chunks, media_type):
        body = b"".join([c async for c in chunks])

        def run():
            self.world.store[key] = body
            return StoredFile(key=key, size=len(body), sha256="0", media_type=media_type)

        return await Effect("put", run)

    async def stat(self, key):
        def run():
            body = self.world.store.get(key)
            return None if body is None else StoredFile(key=key, size=len(body), sha256="0")

        return await Effect("stat", run)

    async def delete(self, prefix):
        def run():
            for key in [k for k in self.world.store if k.startswith(prefix)]:
                del self.world.store[key]

        await Effect("delete", run)

    async def url(self, key, seconds):
        return None

    def open(self, key):
        return iter(())


class Clock:
    """The clock of a machine that may be ahead of the repository's, or behind."""

    def __init__(self, world, ahead=0.0):
        self.world, self.ahead = world, ahead

    def now(self):
        instant = self.world.clock()
        if not self.ahead:
            return instant
        boot = instant.boot + abs(self.ahead)
        return Instant(wall=instant.wall + self.ahead, boot=boot, boot_id=f"ahead {self.ahead}")

    @contextmanager
    def timeout(self, _seconds):
        yield


class Slots:
    @asynccontextmanager
    async def slot(self, _provider):
        yield


class Process:
    """One worker; killing it is forgetting it."""

    born = 0

    def __init__(self, world, lease=3.0, ahead=0.0):
        Process.born += 1
        self.ahead = ahead
        self.world, self.owner, self.lease, self.paused = world, f"p{Process.born}", lease, 0.0
        providers = {name: ConsentingProvider(world, name) for name in world.vendors}
        self.repository = Repository(world)
        self.orchestrator = Orchestrator(
            repository=self.repository,
            media=Store(world),
            provider=providers.__getitem__,
            fetcher=providers["sim"],
            clock=Clock(world, ahead),
            slots=Slots(),
            policy=POLICY,
            changed=lambda _record: None,
            keep=unchecked(Store(world)),
            join=joining(Store(world)),
        )
        self.over = False
        self.coroutine = self.work()
        self.effect = self.coroutine.send(None)

    def again(self):
        """Begin where it was killed."""
        return type(self)(self.world, self.lease, self.ahead)

    async def work(self):
        while True:
            claim = await self.repository.claim(self.owner, self.lease)
            if claim is None:
                # Awake when the next record is due: most waits are shorter than a pause.
                due = self.world.due()
                pause = due if self.world.now < due else self.world.now + 0.5
                await Effect("sleep", lambda: None, min(pause, self.world.now + 0.5))
                continue
            before = claim.record
            after = await self.orchestrator.advance(before.id, before)
            if after is None or after.version == before.version or not after.waits:
                await self.repository.release(before.id, self.owner)

    def ready_at(self):
        return max(self.paused, self.effect.at)

    def step(self):
        if not self.effect.done:
            return self.effect.execute()
        try:
            self.effect = self.coroutine.send(None)
        except StopIteration:
            self.over = True


class Redelivering(Process):
    """An engine that delivers early, twice and out of order, and asks for no lease."""

    def __init__(self, world, rnd, left=30):
        self.rnd, self.left = rnd, left
        super().__init__(world)

    def again(self):
        return type(self)(self.world, self.rnd, self.left)

    async def work(self):
        while True:
            pause = self.rnd.choice([0.0, 0.1, 1.0])
            await Effect("sleep", lambda: None, self.world.now + pause)
            if not self.left:
                return
            self.left -= 1
            await self.orchestrator.advance(self.rnd.choice(sorted(self.world.rows)))


class Forgotten(Process):
    """A revocation that is killed once the consent is revoked, and never begun again."""

    async def work(self):
        await self.repository.revoke_consent(AGREED, self.world.wall)


class Revoking(Process):
    """A person takes the consent back."""

    async def work(self):
        withdraw = self.orchestrator.withdraw
        found = await erasure.revoke(AGREED, repository=self.repository, withdraw=withdraw)
        self.world.named = {h.id for h in found if h.kind == "vendor"}


class Erasing(Process):
    """A person wants to be erased, and asks until no record is left that was begun meanwhile."""

    async def work(self):
        told = None
        while told is None or any(left.where == "repository" for left in told.left):
            told = await erasure.erase(
                "u",
                repository=self.repository,
                media=Store(self.world),
                delete=self.orchestrator.delete,
                advance=self.orchestrator.advance,
            )
        self.world.named = {i for left in told.left if not left.pending for i in left.ids}


class Ordering(Process):
    """A request for one more training, whose consent is looked at before its row is saved."""

    async def work(self):
        consent = await self.repository.get_consent(AGREED)
        if consent is not None and consent.revoked_at is None:
            await self.repository.create(agreed(training("late", self.world.wall)))


def kill(process):
    """Forget it: its pending effect is never executed, nor any that its unwinding asks for."""
    while True:
        try:
            return process.coroutine.close()
        except RuntimeError:  # it waited for another effect while it unwound
            continue


def operation(kind, provider="sim", **more):
    terms = Terms(list_lag=LIST_LAG, typical=3.0)
    return OperationState(operation=kind, provider=provider, terms=terms, **more)


def training(record_id, now):
    file = StoredFile(key="samples/x", size=1, sha256="0")
    sample = Sample(id="s", user_id="u", clone_id="c", role="voice", name="x.wav", file=file)
    return Training(
        id=record_id,
        user_id="u",
        clone_id="c",
        stack="sim",
        voice=(sample,),
        footage=sample,
        operations=(operation(Operation.VOICE), operation(Operation.AVATAR)),
        created_at=now,
        updated_at=now,
        deadline_at=now + POLICY.deadline,
        next_at=now,
    )


def routed(record_id, now):
    """A training that another stack can do as well."""
    first = training(record_id, now)
    operations = (operation(Operation.VOICE, "sim2"), operation(Operation.AVATAR, "sim2"))
    other = Attempt(stack="sim2", operations=operations, voice=first.voice, footage=first.footage)
    return first.model_copy(update={"fallbacks": (other,)})


def agreed(record):
    """The record by the consent of the one person."""
    return record.model_copy(update={"consent_id": AGREED})


def video(record_id, now):
    return Video(
        id=record_id,
        user_id="u",
        clone_id="c",
        stack="sim",
        script="Hello",
        voice_id="v",
        avatar_id="a",
        operations=(operation(Operation.SPEECH), operation(Operation.VIDEO)),
        created_at=now,
        updated_at=now,
        deadline_at=now + POLICY.deadline,
        next_at=now,
    )


def scened(record_id, now):
    """A video of two scenes, each of which is spoken, filmed and paid for by itself."""
    whole = video(record_id, now)
    scenes = (Scene(text="Hello"), Scene(text="Good bye", avatar="b"))
    operations = tuple(
        state.model_copy(update={"scene": number})
        for number in (1, 2)
        for state in whole.operations
    )
    return whole.model_copy(update={"scenes": scenes, "operations": operations})


def dubbed(record_id, now):
    """A dub, whose vendor begins a second step only when it is asked to."""
    operations = (operation(Operation.DUB),)
    changes = {"script": None, "voice_id": None, "avatar_id": None, "language": "es"}
    source = training(record_id, now).footage
    return video(record_id, now).model_copy(
        update={**changes, "source": source, "operations": operations}
    )


# -- every way to die -------------------------------------------------------------------------


class Deaths:
    """Every way to die a number of times, and what a person may send in between.

    A process is killed before an effect executes, or before its answer arrives. A new one takes
    over at the first moment at which it may; it knows nothing but what the world holds. So a world
    that is the same to the last digit of every time needs to be looked at only once, by however
    many ways it was reached: of three kills there are millions. ``end`` is an event that a person
    sends at the boundary where the last kill would be; or a process of that person, which takes
    turns with the worker from there on.
    """

    def __init__(self, make, end=None, duration=3.0):
        self.make, self.end, self.known = make, end, {}
        self.world = World(started=STARTED, duration=duration)
        self.world.vendor.refusing = make is routed
        self.world.rows["t1"] = make("t1", self.world.wall)
        if self.visitor:
            self.world.consents[AGREED] = Consent(id=AGREED, user_id="u", subject="u")
            self.world.rows["t1"] = agreed(self.world.rows["t1"])

    @property
    def visitor(self):
        """True if a person is a process."""
        return self.end is not None and issubclass(self.end, Process)

    def count(self, world, left):
        """Run every history of this world with ``left`` kills; returns how many there are."""
        world.now = max(world.now, world.claimable())
        key = world.state(), left
        if key not in self.known:
            self.known[key] = self._explored(world, left)
        return self.known[key]

    def _explored(self, world, left):
        process = Process(world)
        if left == 1 and self.end is not None:
            return self._ended(world)
        found = sum(self.count(world.copy(), left - 1) for _ in boundaries(world, process) if left)
        world.check_end("after a kill")
        if self.end is None and world.rows["t1"].status is not Status.COMPLETED:
            raise Broken(f"not completed: {world.rows['t1']!r}")
        return found if left else 1

    def _ended(self, world):
        """Send the event at every boundary; a process that claims is as good as a new one."""
        found, process = 0, Process(world)
        start, since = world.copy(), 0
        for _ in boundaries(world, process):
            if process.effect.kind == "claim" and not process.effect.done:
                start, since = world.copy(), 0
            self._end_at(start.copy(), since)
            found, since = found + 1, since + 1
        return found

    def _end_at(self, world, boundary):
        process, person = Process(world), None
        steps = boundaries(world, process)
        for _ in range(boundary + 1):
            next(steps)
        if self.visitor:
            person = self.end(world)
        else:
            world.fold("t1", self.end(at=world.wall))
        for _ in range(20_000):
            if person is not None and not person.over:
                person.step()
            elif world.at_rest():
                break
            if next(steps, self) is self:
                steps = boundaries(world, process)
        world.check_end(f"after {self.end.__name__}")


def boundaries(world, process):
    """Let a process work until all is at rest; yields before each half of each effect."""
    for _ in range(6000):
        if world.at_rest():
            return
        world.now = max(world.now, process.ready_at())
        for _half in ("execute", "deliver"):
            if process.effect.kind != "sleep":
                yield
            process.step()
            if process.effect.done:
                world.now += 0.01
    raise Broken(f"it never ends: {world.rows!r}")


def exhaust(depth, make=training, end=None, duration=3.0):
    """Run every history with exactly ``depth`` kills; returns how many there were."""
    deaths = Deaths(make, end, duration)
    return deaths.count(deaths.world.copy(), depth)


# -- seeded histories -------------------------------------------------------------------------


def random_history(seed, spoken=video):
    """Several records and workers, kills, stalls, trouble, webhooks, cancels and deletes."""
    rnd = random.Random(seed)
    world = World(
        rnd,
        duration=rnd.uniform(0.5, 10),
        lag=rnd.choice([0.0, 0.3, 0.49]),
        trouble=rnd.choice([0.0, 0.5, 1.0]),
        started=STARTED,
    )
    for i in range(rnd.randint(1, 3)):
        make = rnd.choice([training, routed, spoken])
        world.rows[f"t{i}"] = make(f"t{i}", world.wall)
    # An outage without an end: only what another stack can do comes to an end.
    world.vendor.down = seed % 17 in {15, 16} and all(row.fallbacks for row in world.rows.values())
    lease = rnd.choice([0.2, 1.0, 3.0])
    processes = [Process(world, lease) for _ in range(rnd.randint(1, 3))]
    kills, impatience = rnd.randint(0, 6), rnd.choice([0.0, 0.01])
    persons = _persons(seed, world)
    strange = Strange(random.Random(-seed), world) if seed >= STRANGE else None
    if strange is not None:
        processes = strange.crew(len(processes))
    # In a calm history time passes in uploads, and in waits to their very ends; as in virtual time.
    calm = rnd.random() < 0.2
    if calm:
        kills, processes = 0, processes[:1]
    for step in range(20_000):
        if persons and rnd.random() < (0.02, 0.005, 0.002)[seed % 3]:
            processes.append(persons.pop()(world, lease))
        processes = [process for process in processes if not process.over]
        if world.at_rest() and not persons and all(type(p) is Process for p in processes):
            break
        process = _pick(rnd, world, processes)
        if process.ready_at() > world.now:
            everybody_waits = all(p.ready_at() > world.now for p in processes)
            world.now = process.ready_at() if everybody_waits else world.now + 0.02
            continue
        _trouble_from_outside(rnd, world, impatience if step < 3000 else 0.0)
        if strange is not None and step < 3000 and strange.reboots():
            for dead in processes:
                kill(dead)
            processes = [dead.again() for dead in processes]
            continue
        roll = rnd.random()
        if kills and roll < 0.06:
            kills -= 1
            processes.remove(process)
            kill(process)
            processes.append(process.again())
        elif (
            not calm
            and step < 3000
            and not process.effect.stalled
            and roll < 0.06 + _stall_chance(process)
        ):
            process.effect.stalled = True
            process.paused = world.now + _stall(rnd, process)
        else:
            process.step()
            if process.effect.done:
                slow = rnd.choice([0.001, 0.01, rnd.uniform(0, 0.2)])
                world.now += slow if not calm or process.effect.kind == "prepare" else 0.0
    for process in processes:
        kill(process)
    world.check_end(f"in history {seed}")


class Strange:
    """Clocks that are wrong or set, machines that start again, and engines that repeat themselves.

    A machine whose clock is set and which starts again has no clock left that one could trust; so
    in a history there is one of both.
    """

    def __init__(self, rnd, world):
        self.rnd, self.world = rnd, world
        self.trouble = rnd.choice(["steps", "reboots", "neither"])

    def crew(self, size):
        """Two or three workers more often than one, with leases of any length."""
        rnd, world = self.rnd, self.world
        made = [
            Process(world, rnd.uniform(0.1, 4.0), rnd.choice([0.0, 3600.0, -3600.0, 0.7, -0.7]))
            for _ in range(rnd.choice([size, 2, 3]))
        ]
        return made + [Redelivering(world, rnd) for _ in range(rnd.randint(0, 2))]

    def reboots(self):
        """Set the clock now and then; or return True where the machine has started again."""
        doubt = any(o.phase is Phase.INTENT for r in self.world.rows.values() for o in r.operations)
        if self.trouble == "neither" or self.rnd.random() > (0.03 if doubt else 0.0005):
            return False
        if self.trouble == "steps":
            self.world.started += self.rnd.choice([-20.0, -2.0, -0.3, 0.3, 2.0, 20.0, 3600.0])
            return False
        self.world.reboot(self.rnd.uniform(0, 10))
        return True


def _persons(seed, world):
    """Visitors, the last one first: in some histories a person, and one more order before."""
    who = {4: Revoking, 8: Erasing, 11: Forgotten, 12: Revoking, 13: Erasing}.get(seed % 17)
    if who is None:
        return []
    world.vendor.failing = seed % 4 == 1
    world.consents[AGREED] = Consent(id=AGREED, user_id="u", subject="u")
    world.rows = {name: agreed(row) for name, row in world.rows.items()}
    return [who, Ordering]


def _pick(rnd, world, processes):
    if rnd.random() < 0.7:
        return min(processes, key=lambda p: (max(p.ready_at(), world.now), rnd.random()))
    return rnd.choice(processes)


def _stall_chance(process):
    return 0.3 if _delicate(process.effect) else 0.1


def _delicate(effect):
    """Whether it stands between saving an intent and the vendor's acceptance."""
    return effect.kind == "save" if effect.done else effect.kind == "post"


def _stall(rnd, process):
    """A pause of a process (a slow disk, a suspended machine), aimed at the protocol's bounds."""
    effect = process.effect
    if _delicate(effect) and rnd.random() < 0.7:
        return 0.97 * (POLICY.send_guard if effect.done else POLICY.timeout)
    if effect.kind == "post" and not effect.done:
        return rnd.uniform(0, 0.98 * POLICY.timeout)  # on the wire, the timeout bounds it
    return rnd.choice([rnd.uniform(0, 0.4), rnd.uniform(0, 4), rnd.uniform(0, 20)])


def _trouble_from_outside(rnd, world, impatience):
    for row in list(world.rows.values()):
        if rnd.random() < 0.02:
            for state in row.operations:
                vendor = world.vendors[state.provider]
                if state.job.id in vendor.jobs:
                    job = vendor.tell(vendor.jobs[state.job.id])
                    event = Seen(at=world.wall, **whose(state), job=job, next_at=world.wall)
                    world.fold(row.id, event)
        row = world.rows[row.id]
        if row.action is not None and world.answered.get(row.id) != world.wall:
            world.answered[row.id] = world.wall
            world.fold(row.id, Resumed(at=world.wall))
        if rnd.random() < impatience:
            event = rnd.choice([Cancelled, Deleted])
            world.fold(row.id, event(at=world.wall))


#: What ``exhaust`` runs: words, record, event, kills, and seconds of the vendor's work. Where there
#: are very many ways the vendor is fast, so that polls that are all alike are fewer.
_MADE = (training, routed, video, scened, dubbed)
_PLAN = [
    *(("every kill of a", make, None, 1, 3.0) for make in _MADE),
    *(("every two kills of a", make, None, 2, 3.0) for make in _MADE),
    ("every three kills of a", training, None, 3, 0.5),
    *(
        (
            f"{'a kill, and then ' * (depth - 1)}{event.__name__.lower()} at every point of a",
            make,
            event,
            depth,
            3.0 if depth == 1 else 0.5,
        )
        for depth in (1, 2)
        for event in (Cancelled, Deleted, Revoking, Erasing)
        for make in (training, routed, dubbed)
    ),
]


#: The third kind of record in seeded histories.
_SPOKEN = {"random": video, "scenes": scened, "dubs": dubbed}


def main():
    what, number = sys.argv[1], int(sys.argv[2])
    start = time.perf_counter()
    if what == "exhaust":
        for words, make, event, depth, duration in _PLAN:
            if depth <= number:
                count = exhaust(depth, make, event, duration)
                print(f"{words} {make.__name__}: {count:,} histories", flush=True)
    else:
        usual = number - number // 2
        seeds = (*range(usual), *range(STRANGE, STRANGE + number // 2))
        for seed in (*map(int, sys.argv[3:]), *seeds):
            try:
                random_history(seed, _SPOKEN[what])
            except Broken:
                print(seed)
                raise
        print(f"{number} seeded histories")
    print(f"nothing lost, nothing paid twice, no orphan: {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()
