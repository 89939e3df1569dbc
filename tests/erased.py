"""A house in which a person has left something everywhere, and a killer of what takes it out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from avatarkit import AvatarKit, Consent
from avatarkit.config.settings import Settings
from avatarkit.media.folder import FolderStore
from avatarkit.models import Operation
from avatarkit.providers.fake import Fake, FakeVendor, Fault
from avatarkit.testing import FakeClock

DEMO = Path(__file__).parent.parent / "src/avatarkit/data/demo"
DAY = 86_400.0
#: Words that name the person, in whatever place.
SUBJECT, SCRIPT, TITLE, KEY = "Anabel Lima", "Hello from Anabel", "Anabel's twin", "anabel-signup"


class Killed(BaseException):
    """The process ends here."""


class Killer:
    """Counts the effects of whatever it watches, and kills before or after one of them."""

    def __init__(self):
        self.at, self.seen = None, []

    def watch(self, thing, *names):
        for name in names:
            setattr(thing, name, self._deadly(name, getattr(thing, name)))

    def _deadly(self, name, effect):
        async def run(*args, **kwargs):
            self.seen.append(name)
            mine = len(self.seen)
            if self.at == (mine, "before"):
                raise Killed
            result = await effect(*args, **kwargs)
            if self.at == (mine, "after"):
                raise Killed
            return result

        return run

    def next(self, at):
        self.at, self.seen = at, []


class House:
    """Everything that outlives a kit; ``user`` and ``other`` are ids that the repository takes."""

    def __init__(self, folder: Path, clock: FakeClock, repository, new_id: Callable[[str], str]):
        self.clock, self.repository = clock, repository
        self.folder, self.new_id = folder, new_id
        self.vendor = FakeVendor(clock=clock)
        self.fake = Fake(vendor=self.vendor)
        folder.mkdir(exist_ok=True)
        self.media = FolderStore(folder / "media")
        self.user, self.other = new_id("anabel"), new_id("bob")
        self.killer = Killer()

    def watched(self):
        self.killer.watch(self.repository, "save", "erase", "drop_webhooks")
        self.killer.watch(self.media, "delete")
        self.killer.watch(self.fake, "delete_voice", "delete_avatar", "delete_video")
        return self

    def kit(self, **more):
        given = {
            "repository": self.repository,
            "media": self.media,
            "providers": {"fake": self.fake},
            "clock": self.clock,
            "settings": Settings(),
            "worker": False,
            **more,
        }
        return AvatarKit("fake", **given)

    def given(self, user, clone, **more):
        who = {"user_id": user, "clone_id": self.new_id(clone)}
        samples = {"voice": [DEMO / "voice.wav"], "footage": DEMO / "portrait.jpg"}
        agreed = Consent(subject=SUBJECT if user == self.user else "Bob")
        return {**who, **samples, "consent": agreed, **more}

    async def trained(self, kit, user, clone, **more):
        training = await kit.train(**self.given(user, clone, **more))
        await self.settled(kit)
        for delivery in self.vendor.deliveries():
            await kit.webhooks.receive("fake", delivery)
        return await kit.get(training.id)

    async def settled(self, kit, rounds=12, seconds=120.0):
        for _ in range(rounds):
            await kit.admin.tick()
            self.clock.advance(seconds)

    async def filled(self):
        """Finished, running, and of unknown fate; samples, evidence, deliveries; and the other."""
        evidence = self.folder / "anabel-agrees.mp4"
        evidence.write_bytes(b"I agree")
        agreed = Consent(subject=SUBJECT, evidence=str(evidence))
        async with self.kit() as kit:
            done = await self.trained(
                kit, self.user, "anabel-1", consent=agreed, name=TITLE, idempotency_key=KEY
            )
            await kit.speak(done.id, SCRIPT, wait=False)
            theirs = await self.trained(kit, self.other, "bob-1")
            await kit.speak(theirs.id, "Hello from Bob", wait=False)
            await self.settled(kit)
            await kit.train(**self.given(self.user, "anabel-2"))
            await kit.admin.tick()
            self.vendor.fail_next(Operation.VOICE, Fault.LOST_REPLY)
            await kit.train(**self.given(self.user, "anabel-3"))
            await kit.admin.tick()
        self.killer.next(None)
        return self

    async def rested(self, erase=False):
        """Let workers go on for days; with ``erase``, after erasing once more."""
        async with self.kit() as kit:
            if erase:
                await kit.erase(self.user)
            for seconds in (30.0, 300.0, 600.0, 2 * DAY, 2 * DAY):
                await self.settled(kit, rounds=6, seconds=seconds / 6)

    @property
    def ours(self):
        """What of the person's is in the media store."""
        files = (p for p in self.media.root.rglob("*") if p.is_file())
        keys = [p.relative_to(self.media.root).as_posix() for p in files]
        return [key for key in keys if self.user in key or key.startswith("results/")]

    def at_vendor(self, record_ids):
        return [
            job.id
            for job in self.vendor.jobs
            if not job.deleted and any(record_id in job.token for record_id in record_ids)
        ]
