"""Histories of the public API: any order of calls, faults, crashes and visits of a worker.

``histories`` makes lists of steps for Hypothesis, and ``play`` plays one on a repository, beside a
model of what callers were told. What must hold after every step: a user's list holds what was begun
and not deleted, and nothing else; a final status is never left; the vendor charges for nothing
twice. At the end all is final, and of what was deleted or erased the vendor keeps nothing,
but for a voice that another look has; and it keeps what completed trainings use.
"""

from __future__ import annotations

import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import anyio
from hypothesis import strategies as st

from avatarkit import AvatarKit, Consent, Status
from avatarkit.config.settings import Settings
from avatarkit.errors import AvatarKitError
from avatarkit.media.folder import FolderStore
from avatarkit.models import Operation, Scene
from avatarkit.providers.fake import Fake, FakeVendor, Fault, filmed
from avatarkit.testing import FakeClock

DEMO = Path(__file__).parent.parent / "src/avatarkit/data/demo"
USERS = ("00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002")
#: Faults that leave no doubt for a person in which only the vendor's support could help.
FAULTS = sorted(set(Fault) - {Fault.STUCK, Fault.GONE, Fault.NEEDS_ACTION})
_ROUNDS = 400
CAN = replace(Fake.capabilities, looks=True)

#: What an avatar is asked to say: a script, or scenes.
SPOKEN = ({"script": "Hello"}, {"scenes": (Scene(text="Hello"), Scene(text="Good bye"))})

_number = st.integers(0, 5)
_user = st.sampled_from(USERS)
histories = st.lists(
    st.one_of(
        st.tuples(st.just("train"), _user, _number),
        st.tuples(st.just("look"), _number, _number),
        st.tuples(st.just("speak"), _number, _number, st.sampled_from(SPOKEN)),
        st.tuples(st.just("picture"), _user, _number),
        st.tuples(st.just("dub"), _user, _number),
        st.tuples(st.just("fault"), st.sampled_from(list(Operation)), st.sampled_from(FAULTS)),
        st.tuples(st.just("work"), st.integers(1, 6)),
        st.tuples(st.just("wait"), st.sampled_from([1.0, 60.0, 3600.0])),
        st.tuples(st.just("deliver")),
        st.tuples(st.just("resolve"), _number, _number),
        st.tuples(st.just("cancel"), _number),
        st.tuples(st.just("delete"), _number),
        st.tuples(st.just("revoke"), _user),
        st.tuples(st.just("erase"), _user),
        st.tuples(st.just("crash")),
    ),
    max_size=14,
)


_DONE = [("work", 6), ("wait", 3600.0)] * 3
#: Two looks, of which the first is deleted, and one of each kind of video: chance seldom finds it.
EACH_KIND = [
    *(("train", USERS[0], 0), *_DONE, ("look", 0, 1), ("speak", 0, 0, SPOKEN[1])),
    *(("picture", USERS[0], 0), ("dub", USERS[0], 0), *_DONE, ("delete", 0), *_DONE),
]


class Told:
    """What callers were told: the model beside the kit."""

    def __init__(self):
        self.begun = {}  # id -> user
        self.keys = {}  # user, kind and idempotency key -> id
        self.deleted, self.final = set(), {}

    def pick(self, number):
        known = sorted(self.begun)
        return known[number % len(known)] if known else "no-such-record"


def _by(user):
    """Arguments of an order by the user, with the consent of the person whom it shows."""
    return {
        "user_id": user,
        "clone_id": user.replace("4000", "4001"),
        "consent": Consent(subject=f"Person {user[-1]}"),
    }


class House:
    """Everything that outlives a kit, and the steps."""

    def __init__(self, repository, clock, folder):
        self.repository, self.clock = repository, clock
        self.vendor = FakeVendor(clock=clock)
        self.media = FolderStore(folder / "media")
        self.told = Told()
        self.kit = None

    async def opened(self):
        """A kit of a process that begins."""
        self.kit = AvatarKit(
            "fake",
            repository=self.repository,
            media=self.media,
            providers={"fake": Fake(vendor=self.vendor, capabilities=CAN)},
            clock=self.clock,
            settings=Settings(),
            worker=False,
        )
        await self.kit.__aenter__()

    async def closed(self):
        await self.kit.__aexit__(None, None, None)

    def noted(self, record, kind, key):
        """The same key of a user is the same record, also after a crash."""
        place = record.user_id, kind, key
        assert self.told.keys.setdefault(place, record.id) == record.id
        self.told.begun[record.id] = record.user_id

    async def train(self, user, number):
        record = await self.kit.train(
            voice=[DEMO / "voice.wav"],
            footage=DEMO / "portrait.jpg",
            idempotency_key=f"key-{number}",
            **_by(user),
        )
        self.noted(record, "training", number)

    async def look(self, number, key):
        first = await self.kit.get(self.told.pick(number))
        record = await self.kit.train(
            user_id=first.user_id,
            clone_id=first.clone_id,
            footage=DEMO / "portrait.jpg",
            look_of=first.id,
            idempotency_key=f"{first.id}-{key}",
        )
        self.noted(record, "training", f"{first.id}-{key}")

    async def speak(self, number, key, spoken):
        training = self.told.pick(number)
        record = await self.kit.speak(
            training, wait=False, idempotency_key=f"{training}-{key}", **spoken
        )
        self.noted(record, training, key)

    async def picture(self, user, number):
        record = await self.kit.speak(
            script="Hello",
            picture=DEMO / "portrait.jpg",
            voice="stock",
            wait=False,
            idempotency_key=f"picture-{number}",
            **_by(user),
        )
        self.noted(record, "picture", number)

    async def dub(self, user, number):
        source = filmed(2.0)
        record = await self.kit.dub(
            source, "es", wait=False, idempotency_key=f"dub-{number}", **_by(user)
        )
        self.noted(record, "dub", number)

    async def fault(self, operation, fault):
        self.vendor.fail_next(operation, fault)

    async def work(self, visits):
        for _ in range(visits):
            await self.kit.admin.tick()

    async def wait(self, seconds):
        await self.clock.sleep(seconds)

    async def deliver(self):
        for delivery in self.vendor.deliveries(copies=2):
            await self.kit.webhooks.receive("fake", delivery)

    async def resolve(self, number, choice):
        record = await self.kit.get(self.told.pick(number))
        if record.action and record.action.choices:
            choices = sorted(set(record.action.choices) - {"adopt", "done"}) or ["cancel"]
            await self.kit.resolve(record.id, choices[choice % len(choices)])

    async def cancel(self, number):
        await self.kit.cancel(self.told.pick(number))

    async def delete(self, number):
        gone = await self.kit.delete(self.told.pick(number), with_videos=True)
        self.told.deleted |= set(gone)

    async def revoke(self, user):
        for consent in await self.kit.consents(user_id=user):
            await self.kit.revoke(consent.id)

    async def erase(self, user):
        await self.kit.erase(user)
        self.told.deleted |= {i for i, owner in self.told.begun.items() if owner == user}
        self.told.keys = {place: i for place, i in self.told.keys.items() if place[0] != user}

    async def crash(self):
        await self.closed()
        await self.opened()

    async def looked(self):
        """Compare what lists show with what was told."""
        assert max(self.vendor.accepted.values(), default=1) == 1, "paid twice"
        for user in USERS:
            records = await self.records(user)
            ours = {i for i, owner in self.told.begun.items() if owner == user}
            assert {record.id for record in records} == ours - self.told.deleted
            for record in records:
                if record.status.final:
                    assert self.told.final.setdefault(record.id, record.status) is record.status
                assert record.id not in self.told.final or record.status.final

    async def rested(self):
        """Work until all is at rest; what asks a person is cancelled."""
        for _ in range(_ROUNDS):
            while await self.kit.admin.tick():
                pass
            records = [record for user in USERS for record in await self.records(user)]
            waiting = [record for record in records if not record.status.final]
            for record in waiting:
                if record.status is Status.ACTION_REQUIRED:
                    await self.kit.cancel(record.id)
            left = self.left({o.usable_id for record in records for o in record.operations})
            if not waiting and not left:
                return self.keeps(records)
            await self.clock.sleep(600.0)
        raise AssertionError(f"never at rest: {waiting}; left at the vendor: {left}")

    async def records(self, user):
        return [
            *await self.kit.trainings(user_id=user),
            *await self.kit.videos(user_id=user),
        ]

    def keeps(self, records):
        """The vendor must still have what completed trainings use."""
        gone = {job.id for job in self.vendor.jobs if job.deleted}
        for record in records:
            if record.kind == "training" and record.status is Status.COMPLETED:
                assert not gone & {o.usable_id for o in record.operations}, "it is used, and gone"

    def left(self, used):
        """What the vendor keeps of records that are deleted, or that never were."""
        kept = set(self.told.begun) - self.told.deleted
        return [
            job.token
            for job in self.vendor.jobs
            if not job.deleted
            and job.id not in used
            and job.operation is not Operation.SPEECH  # a stream, which leaves nothing
            and not any(record_id in job.token for record_id in kept)
        ]


def play(opened, steps):
    """Play a history on the repository that ``opened(clock, folder)`` is a context of.

    Raises ``AssertionError`` where something does not hold.
    """

    async def once():
        with tempfile.TemporaryDirectory() as folder:
            clock = FakeClock()
            async with opened(clock, Path(folder)) as repository:
                await _play(House(repository, clock, Path(folder)), steps)

    anyio.run(once)


async def _play(house, steps):
    await house.opened()
    try:
        for name, *arguments in steps:
            with suppress(AvatarKitError):  # refused, with nothing begun: the lists tell
                await getattr(house, name)(*arguments)
            await house.looked()
        await house.rested()
        await house.looked()
    finally:
        await house.closed()
