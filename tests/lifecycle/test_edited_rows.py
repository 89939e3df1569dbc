"""Rows with invalid values from manual edits: reported, without blocking other records."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from avatarkit import AvatarKit, Consent, Status, errors
from avatarkit.config.settings import Settings
from avatarkit.media.folder import FolderStore
from avatarkit.providers.fake import Fake, FakeVendor
from avatarkit.repositories.sqlite import SqliteRepository
from avatarkit.testing import FakeClock

pytestmark = pytest.mark.anyio
DEMO = Path(__file__).parents[2] / "src/avatarkit/data/demo"
LEASE = 15.0  # seconds, by default
DRAWN = Consent.not_a_real_person("a drawing")


class House:
    """A database file, and a kit in virtual time that works on it."""

    def __init__(self, folder):
        self.path = folder / "twins.db"
        self.clock = FakeClock()
        self.vendor = FakeVendor(clock=self.clock)
        self.media = FolderStore(folder / "media")

    def kit(self, **more):
        return AvatarKit(
            "fake",
            repository=SqliteRepository(self.path, clock=self.clock),
            media=self.media,
            providers={"fake": Fake(vendor=self.vendor)},
            clock=self.clock,
            settings=Settings(),
            **more,
        )

    def run(self, statement, *values):
        connection = sqlite3.connect(self.path)
        with connection:
            found = connection.execute(statement, values).fetchall()
        connection.close()
        return found

    def edit(self, record_id, change):
        """Change the document of a training."""
        ((doc,),) = self.run("SELECT doc FROM avatar_training WHERE id = ?", record_id)
        said = json.loads(doc)
        change(said)
        doc = json.dumps(said)
        self.run("UPDATE avatar_training SET doc = ? WHERE id = ?", doc, record_id)

    def set(self, record_id, columns):
        self.run(f"UPDATE avatar_training SET {columns} WHERE id = ?", record_id)


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


async def begun(kit, clone):
    return await kit.train(
        user_id="ana",
        clone_id=clone,
        voice=[DEMO / "voice.wav"],
        footage=DEMO / "portrait.jpg",
        consent=DRAWN,
    )


async def done(kit, record_id):
    async for update in kit.watch(record_id):
        last = update
    assert last.status is Status.COMPLETED


EDITS = {
    "its version alone": lambda h, i: h.set(i, "version = version + 1"),
    "the version in its document": lambda h, i: h.edit(i, lambda d: d.update(version=77)),
    "no operations": lambda h, i: h.edit(i, lambda d: d.update(operations=[])),
    "completed, with nothing done": lambda h, i: h.edit(i, lambda d: d.update(status="completed")),
    "another record's document": lambda h, i: h.edit(i, lambda d: d.update(id="other")),
}


@pytest.mark.parametrize("edit", EDITS)
async def test_an_edited_row_is_named_and_visited_once_in_a_lease(house, caplog, edit):
    async with house.kit(worker=False) as kit:
        edited = await begun(kit, "a")
    EDITS[edit](house, edited.id)
    began = house.clock.wall
    async with house.kit() as kit:
        await done(kit, (await begun(kit, "b")).id)
        await house.clock.sleep(60.0)
    named = [r.getMessage() for r in caplog.records if r.levelname in {"WARNING", "ERROR"}]
    assert any(edited.id in message for message in named)
    ((claims,),) = house.run("SELECT fence FROM avatar_training WHERE id = ?", edited.id)
    assert 1 <= claims <= 2 + (house.clock.wall - began) / LEASE


async def test_a_finished_row_that_is_made_due_is_named_and_visited_once_in_a_lease(house, caplog):
    async with house.kit() as kit:
        finished = await begun(kit, "a")
        await done(kit, finished.id)
    house.set(finished.id, "next_at = 1.0, fence = 0")
    async with house.kit() as kit:
        await house.clock.sleep(60.0)
    (named, *_) = [r.getMessage() for r in caplog.records if "advance.stuck" in r.getMessage()]
    assert finished.id in named
    ((claims,),) = house.run("SELECT fence FROM avatar_training WHERE id = ?", finished.id)
    assert 1 <= claims <= 2 + 60.0 / LEASE


async def test_to_cancel_a_row_whose_version_was_edited_says_what_to_mend(house):
    async with house.kit(worker=False) as kit:
        edited = await begun(kit, "a")
        house.set(edited.id, "version = version + 1")
        with pytest.raises(errors.StorageError, match=rf"{edited.id}.*make them equal"):
            await kit.cancel(edited.id)
