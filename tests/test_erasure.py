"""Taking a person out again, killed at every step, and what is told of it."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from avatarkit import Consent, Status, errors
from avatarkit.cli.app import app
from avatarkit.erasure import Receipt
from avatarkit.models import Operation
from avatarkit.providers.fake import Fake, Fault
from avatarkit.records import Phase
from avatarkit.repositories.memory import MemoryRepository
from avatarkit.repositories.paging import every_record
from avatarkit.repositories.sqlite import SqliteRepository
from avatarkit.testing import FakeClock
from avatarkit.testing.repositories import ANA, a_training
from erased import DAY, DEMO, KEY, SCRIPT, SUBJECT, TITLE, House, Killed
from parts import an_operation

WORDS = ("anabel", "Anabel", KEY)


def plain(name):
    return f"the-{name}"


def new_house(folder):
    clock = FakeClock()
    return House(folder, clock, MemoryRepository(clock=clock), plain)


@pytest.fixture
def house(tmp_path):
    return new_house(tmp_path)


def kept(repository):
    """All that a memory repository holds, as text."""
    rows = repository._rows.values()
    held = [row.record.model_dump_json() for row in rows]
    held += [repr(repository._samples), repr(repository._webhooks), repr(repository._clones)]
    return "\n".join([*held, *(c.model_dump_json() for c in repository._consents.values())])


async def everybodys(house, user):
    async with house.kit() as kit:
        return [r.id async for r in every_record(kit._repository, user)]


def lines(found):
    return {(line.where, line.what): line.count for line in found}


# -- what goes --------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_after_erasure_and_cleanup_nothing_of_the_person_is_anywhere(house):
    await house.filled()
    mine = await everybodys(house, house.user)
    assert len(mine) == 4
    assert all(word in kept(house.repository) for word in (SUBJECT, SCRIPT, TITLE, KEY))
    await house.rested(erase=True)
    assert not [word for word in WORDS if word in kept(house.repository)]
    assert not [key for key in house.ours if house.user in key or key.split("/")[1] in mine]
    assert house.at_vendor(mine) == []
    assert all(row.record.next_at is None for row in house.repository._rows.values())


@pytest.mark.anyio
async def test_another_user_is_untouched(house):
    await house.filled()
    async with house.kit() as kit:
        before = [r async for r in every_record(kit._repository, house.other)]
        samples = await kit.samples(user_id=house.other, clone_id=house.new_id("bob-1"))
        consents = await kit.consents(user_id=house.other)
        deliveries = (await kit.webhooks.list(user_id=house.other)).entries
        assert samples
        assert consents
        assert deliveries
        await kit.erase(house.user)
        await house.settled(kit, seconds=DAY)
        assert [r async for r in every_record(kit._repository, house.other)] == before
        assert await kit.samples(user_id=house.other, clone_id=house.new_id("bob-1")) == samples
        assert await kit.consents(user_id=house.other) == consents
        assert (await kit.webhooks.list(user_id=house.other)).entries == deliveries
        video = next(r for r in before if r.kind == "video")
        assert (await kit.save(video, house.folder / "bob.mp4")).stat().st_size
    assert len(house.at_vendor([r.id for r in before])) == 3


@pytest.mark.anyio
async def test_a_user_whose_id_begins_alike_is_another_user(house):
    async with house.kit() as kit:
        alike = house.user + "-2"
        sample = await kit.add_sample(user_id=alike, clone_id="alike", voice=DEMO / "voice.wav")
        await kit.erase(house.user)
        assert await kit.samples(user_id=alike, clone_id="alike") == [sample]
        assert await house.media.stat(sample.file.key)


@pytest.mark.anyio
async def test_erasing_while_a_training_runs_stops_paid_calls_at_once(house):
    async with house.kit() as kit:
        training = await kit.train(**house.given(house.user, "anabel-1"))
        await kit.admin.tick()
        assert (await kit.get(training.id)).status is Status.TRAINING
        paid = sum(house.vendor.accepted.values())
        await kit.erase(house.user)
        await house.settled(kit, seconds=600.0)
    assert paid
    assert sum(house.vendor.accepted.values()) == paid
    assert house.at_vendor([training.id]) == []


@pytest.mark.anyio
async def test_a_call_of_unknown_fate_is_looked_up_before_it_is_forgotten(house):
    async with house.kit() as kit:
        house.vendor.fail_next(Operation.VOICE, Fault.LOST_REPLY)
        training = await kit.train(**house.given(house.user, "anabel-1"))
        await kit.admin.tick()
        receipt = await kit.erase(house.user)
        (voice,) = (left for left in receipt.left if left.what == "voice")
        assert voice.pending
        assert "not known yet" in voice.why
        assert house.at_vendor([training.id])
        await house.settled(kit, seconds=120.0)
        assert house.at_vendor([training.id]) == []
        assert (await kit.erase(house.user)).complete
        tombstone = await house.repository.get(training.id)
    assert tombstone.user_id == house.user  # it is looked up once more, a day later


@pytest.mark.anyio
async def test_a_delivery_about_who_was_erased_is_applied_and_not_kept(house):
    async with house.kit() as kit:
        training = await kit.train(**house.given(house.user, "anabel-1"))
        await house.settled(kit, rounds=2)
        late = house.vendor.deliveries()
        assert late
        await kit.erase(house.user)
        for delivery in late:
            await kit.webhooks.receive("fake", delivery)
        assert (await kit.webhooks.list()).entries == ()
    assert house.at_vendor([training.id]) == []


# -- killed -----------------------------------------------------------------------------------


async def killed(house, at):
    """Erase, die there; whether that point was reached."""
    house.killer.next(at)
    try:
        async with house.kit() as kit:
            await kit.erase(house.user)
    except Killed:
        return True
    finally:
        house.killer.next(None)
    return False


@pytest.mark.anyio
@pytest.mark.slow
@pytest.mark.once
async def test_killed_at_every_effect_and_begun_again_nothing_remains(tmp_path):
    effects = await effects_of(tmp_path / "count")
    assert {"save", "erase", "drop_webhooks", "delete", "delete_voice", "delete_video"} <= set(
        effects
    )
    for number in range(1, len(effects) + 1):
        for side in ("before", "after"):
            house = await new_house(tmp_path / f"{number}-{side}").watched().filled()
            mine, paid = await everybodys(house, house.user), house.vendor.accepted
            assert await killed(house, (number, side)), (number, side)
            await house.rested(erase=True)
            where = (number, side, effects[number - 1])
            assert not [word for word in WORDS if word in kept(house.repository)], where
            assert not [k for k in house.ours if house.user in k or k.split("/")[1] in mine], where
            assert house.at_vendor(mine) == [], where
            assert house.vendor.accepted == paid, where
            assert len(house.at_vendor(await everybodys(house, house.other))) == 3, where


async def effects_of(folder):
    house = await new_house(folder).watched().filled()
    async with house.kit() as kit:
        await kit.erase(house.user)
    return house.killer.seen


@pytest.mark.anyio
async def test_in_sqlite_nothing_is_left_in_the_file(tmp_path):
    clock = FakeClock()
    path = tmp_path / "twins.db"
    house = House(tmp_path, clock, SqliteRepository(path, clock=clock), plain)
    await house.watched().filled()
    assert await killed(house, (7, "after"))
    await house.rested(erase=True)
    held = path.read_bytes()
    assert b"bob" in held
    assert not [word for word in WORDS if word.encode() in held]


@pytest.mark.anyio
async def test_a_worker_goes_on_where_an_erasure_was_killed(house):
    """Tombstones need no second erasure: to begin again is for what comes after them."""
    await house.watched().filled()
    mine = await everybodys(house, house.user)
    assert await killed(house, (len(mine) + 1, "before"))
    await house.rested()
    assert house.at_vendor(mine) == []


# -- what is told -----------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_receipt_counts_what_is_gone_by_where_it_was(house):
    await house.filled()
    async with house.kit() as kit:
        await kit.erase(house.user)
        await house.settled(kit, seconds=60.0)
        receipt = await kit.erase(house.user)
    gone = lines(receipt.deleted)
    assert gone["fake", "video"] == 1
    assert gone["fake", "voice"] == 3
    assert gone["repository", "trainings"] == 3
    assert gone["repository", "videos"] == 1
    assert receipt.complete
    assert receipt.forgotten_at is not None


@pytest.mark.anyio
async def test_the_first_receipt_counts_recordings_consents_and_deliveries(house):
    await house.filled()
    async with house.kit() as kit:
        receipt = await kit.erase(house.user)
    gone = lines(receipt.deleted)
    # Every clone has the same two recordings, and two agreements were given.
    assert (gone["repository", "samples"], gone["media", "samples"]) == (6, 6)
    assert (gone["repository", "consents"], gone["repository", "clones"]) == (2, 3)


@pytest.mark.anyio
async def test_a_receipt_names_nobody(house):
    await house.filled()
    ids = [job.id for job in house.vendor.jobs]
    records = await everybodys(house, house.user)

    async def refuse(job_id):
        raise errors.Unsupported("no way to delete")

    house.fake.delete_avatar = refuse
    async with house.kit() as kit:
        receipt = await kit.erase(house.user)
    assert [left.ids for left in receipt.left if left.what == "avatar"] != [()]
    text = receipt.model_dump_json() + repr(receipt)
    assert not [word for word in (*WORDS, *ids, *records, "voice.wav") if word in text]


@pytest.mark.anyio
async def test_a_receipt_is_sealed(house):
    async with house.kit() as kit:
        receipt = await kit.erase(house.user)
    again = Receipt.model_validate_json(receipt.model_dump_json())
    assert again.sealed().digest == receipt.digest
    assert again.model_copy(update={"at": 0.0}).sealed().digest != receipt.digest


@pytest.mark.anyio
async def test_of_an_unknown_user_the_receipt_is_empty(house):
    async with house.kit() as kit:
        receipt = await kit.erase("nobody")
    assert (receipt.deleted, receipt.left, receipt.forgotten_at) == ((), (), None)
    assert receipt.complete


@pytest.mark.anyio
async def test_nobody_is_no_user(house):
    async with house.kit() as kit:
        with pytest.raises(errors.ConfigError, match="user_id"):
            await kit.erase(" ")


@pytest.mark.anyio
async def test_a_vendor_that_does_not_know_it_has_deleted_it(house):
    async with house.kit() as kit:
        training = await house.trained(kit, house.user, "anabel-1")

        async def gone(job_id):
            raise errors.NotFound("no such thing", provider="fake", operation="voice")

        house.fake.delete_voice = house.fake.delete_avatar = gone
        receipt = await kit.erase(house.user)
    assert lines(receipt.deleted)["fake", "voice"] == 1
    assert receipt.complete
    assert training.voice_id not in repr(receipt)


@pytest.mark.anyio
@pytest.mark.parametrize("why", [errors.Unsupported, errors.ServiceDiscontinued])
async def test_what_a_vendor_cannot_delete_is_named(house, why):
    async with house.kit() as kit:
        training = await house.trained(kit, house.user, "anabel-1")

        async def refuse(job_id):
            raise why("no way to delete")

        house.fake.delete_voice = refuse
        receipt = await kit.erase(house.user)
    (left,) = receipt.left
    assert (left.where, left.what, left.count, left.pending) == ("fake", "voice", 1, False)
    assert left.ids == (training.operation(Operation.VOICE).job.id,)
    assert not receipt.complete


async def refuse(job_id):
    raise errors.Unsupported("no way to delete")


async def unerased(house, kit):
    """The receipts of now, of two days later, and of one more erasure."""
    receipts = [await kit.erase(house.user)]
    await house.settled(kit, seconds=2 * DAY)
    return [*receipts, await kit.erase(house.user), await kit.erase(house.user)]


@pytest.mark.anyio
@pytest.mark.parametrize("first", ["nothing", "cancel", "delete", "delete long ago"])
async def test_every_receipt_lists_what_cannot_be_deleted(house, first):
    house.fake.delete_voice = refuse
    async with house.kit() as kit:
        if first == "cancel":
            training = await kit.train(**house.given(house.user, "anabel-1"))
            await kit.admin.tick()
            await kit.cancel(training.id)
        else:
            training = await house.trained(kit, house.user, "anabel-1")
        if first.startswith("delete"):
            await kit.delete(training.id)
        if first == "delete long ago":
            await house.settled(kit, seconds=2 * DAY)
        for receipt in (await unerased(house, kit))[1:]:
            assert (lines(receipt.left), receipt.complete) == ({("fake", "voice"): 1}, False)
            assert (receipt.forgotten_at, receipt.left[0].pending) == (None, False)
    assert house.user in kept(house.repository)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("state", "what"),
    [
        ({"phase": Phase.LOST}, "voice"),
        ({"uploads": "left"}, "uploads"),
        ({"phase": Phase.DONE, "job_id": "v1", "undeletable": ("v1", "v2")}, "voice"),
    ],
)
async def test_what_a_person_has_removed_is_left_no_more(house, state, what):
    voice = an_operation(Operation.VOICE, "fake", **state)
    ended = {"status": Status.CANCELLED, "cleanup": "delete", "deleted": True}
    due = {"next_at": house.clock.now().wall}
    record, _ = await house.repository.create(a_training(operations=(voice,), **ended, **due))
    async with house.kit() as kit:
        await house.settled(kit, seconds=2 * DAY)
        assert set(lines((await kit.erase(ANA)).left)) == {("fake", what)}
        receipt = await kit.erase(ANA, removed_by_hand=True)
    assert (receipt.left, receipt.complete) == ((), True)
    forgotten = await house.repository.get(record.id)
    assert (forgotten.user_id, forgotten.spent) == ("", record.spent)


@pytest.mark.anyio
async def test_what_is_still_to_be_deleted_is_not_taken_for_removed_by_hand(house):
    async def busy(job_id):
        raise errors.Unavailable("busy", provider="fake", operation="voice")

    house.fake.delete_voice = busy
    async with house.kit() as kit:
        await house.trained(kit, house.user, "anabel-1")
        await kit.erase(house.user)
        receipt = await kit.erase(house.user, removed_by_hand=True)
    assert (lines(receipt.left), receipt.complete) == ({("fake", "voice"): 1}, False)


@pytest.mark.anyio
async def test_what_is_alive_is_not_taken_for_removed_by_hand(house):
    house.fake.delete_voice = refuse
    async with house.kit() as kit:
        await house.trained(kit, house.user, "anabel-1")
        receipt = await kit.erase(house.user, removed_by_hand=True)
    assert not receipt.complete


@pytest.mark.anyio
async def test_a_vendor_that_refuses_for_now_is_named_until_it_has_deleted(house):
    async with house.kit() as kit:
        await house.trained(kit, house.user, "anabel-1")
        delete, away = house.fake.delete_voice, True

        async def sometimes(job_id):
            if away:
                raise errors.Unavailable("busy", provider="fake", operation="voice")
            await delete(job_id)

        house.fake.delete_voice = sometimes
        receipt = await kit.erase(house.user)
        assert lines(receipt.left) == {("fake", "voice"): 1}
        assert not receipt.complete
        away = False
        await house.settled(kit)
        assert (await kit.erase(house.user)).complete


class _Closed(Fake):
    """A service that is no more."""

    def __new__(cls, *_args, **_more):
        raise errors.ServiceDiscontinued("it has closed")


class _Keyless(Fake):
    """A service whose key is not set."""

    def __new__(cls, *_args, **_more):
        raise errors.ConfigError("it needs a key")


def without_vendor(house, stands_in):
    kit = house.kit(providers={})
    kit._pool._classes["fake"] = stands_in
    return kit


@pytest.mark.anyio
async def test_what_a_closed_service_has_is_named(house):
    async with house.kit() as kit:
        training = await house.trained(kit, house.user, "anabel-1")
    async with without_vendor(house, _Closed) as kit:
        receipt = await kit.erase(house.user)
    assert lines(receipt.left) == {("fake", "voice"): 1, ("fake", "avatar"): 1}
    assert not receipt.complete
    assert (await house.repository.get(training.id)).purges == 1


@pytest.mark.anyio
async def test_what_runs_at_a_service_that_closes_fails(house):
    async with house.kit() as kit:
        training = await kit.train(**house.given(house.user, "anabel-1"))
        await kit.admin.tick()
    house.clock.advance(60.0)
    async with without_vendor(house, _Closed) as kit:
        await kit.admin.tick()
        failed = await kit.get(training.id)
    assert (failed.status, failed.error_type) == (Status.FAILED, "ServiceDiscontinued")


@pytest.mark.anyio
async def test_what_is_at_an_account_whose_key_is_gone_is_named_and_waits_for_the_key(house):
    async with house.kit() as kit:
        training = await house.trained(kit, house.user, "anabel-1")
    async with without_vendor(house, _Keyless) as kit:
        receipt = await kit.erase(house.user)
    assert "key" in next(left.why for left in receipt.left if left.what == "avatar")
    assert not receipt.complete
    async with house.kit() as kit:
        await house.settled(kit)
        assert (await kit.erase(house.user)).complete
    assert house.at_vendor([training.id]) == []


@pytest.mark.anyio
async def test_a_person_may_give_up_what_no_key_reaches(house):
    async with house.kit() as kit:
        training = await house.trained(kit, house.user, "anabel-1")
    async with without_vendor(house, _Keyless) as kit:
        await kit.erase(house.user)
        await kit.resolve(training.id, "give_up")
        await house.settled(kit, seconds=DAY)
        receipt = await kit.erase(house.user)
        assert not receipt.complete
        assert lines(receipt.left) == {("fake", "voice"): 1, ("fake", "avatar"): 1}
        assert (await kit.erase(house.user, removed_by_hand=True)).complete
    assert house.user not in kept(house.repository)


@pytest.mark.anyio
async def test_what_was_only_adopted_is_named(house):
    async with house.kit() as kit:
        agreed = Consent(subject=SUBJECT)
        who = {"user_id": house.user, "clone_id": "anabel-1", "consent": agreed}
        await kit.adopt(**who, avatar_id="stock-7")
        receipt = await kit.erase(house.user)
    (left,) = receipt.left
    assert (left.what, left.pending, left.ids) == ("avatar", False, ("stock-7",))


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("state", "what", "pending"),
    [
        ({"phase": Phase.LOST}, "voice", False),
        ({"uploads": "left"}, "uploads", False),
        ({"prepared": {"id": 1}, "account": "another"}, "uploads", True),
    ],
)
async def test_what_may_be_there_without_an_id_is_named(house, state, what, pending):
    voice = an_operation(Operation.VOICE, "fake", **state)
    ended = {"status": Status.CANCELLED, "cleanup": "delete", "deleted": True}
    await house.repository.create(a_training(operations=(voice,), **ended))
    async with house.kit() as kit:
        receipt = await kit.erase(ANA)
    assert [(left.what, left.count, left.pending) for left in receipt.left] == [(what, 1, pending)]


@pytest.mark.anyio
async def test_what_was_begun_meanwhile_is_told(house, monkeypatch):
    async with house.kit() as kit:
        erase = house.repository.erase

        async def late(user_id):
            await kit.train(**house.given(house.user, "anabel-1"))
            return await erase(user_id)

        monkeypatch.setattr(house.repository, "erase", late)
        receipt = await kit.erase(house.user)
    assert lines(receipt.left) == {("repository", "records"): 1}
    assert not receipt.complete


@pytest.mark.anyio
async def test_one_record_that_is_stuck_keeps_no_other(house, monkeypatch):
    async with house.kit() as kit:
        stuck = await house.trained(kit, house.user, "anabel-1")
        other = await house.trained(kit, house.user, "anabel-2")
        advance = kit._orchestrator.advance

        async def sometimes(record_id):
            if record_id == stuck.id:
                raise errors.StorageError("its record cannot be read")
            return await advance(record_id)

        monkeypatch.setattr(kit._orchestrator, "advance", sometimes)
        receipt = await kit.erase(house.user)
    assert house.at_vendor([other.id]) == []
    assert not receipt.complete


# -- from a shell -----------------------------------------------------------------------------


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AVATARKIT_STACK", "fake")
    (tmp_path / "ana.json").write_text(json.dumps({"subject": SUBJECT, "purposes": ["lessons"]}))

    def run(*arguments, code=0):
        result = CliRunner().invoke(app, [*arguments, "--json"])
        assert result.exit_code == code, result.output
        return json.loads(result.stdout.splitlines()[-1]) if result.stdout.strip() else None

    samples = (f"--voice={DEMO / 'voice.wav'}", f"--footage={DEMO / 'portrait.jpg'}")
    run(
        "train",
        *samples,
        "--consent=ana.json",
        "--purpose=lessons",
        "--user=anabel",
        "--clone=anabel-1",
    )
    return run


def test_the_command_line_erases_and_prints_the_receipt(run):
    told = run("erase", "anabel", "--yes")
    gone = {(line["where"], line["what"]): line["count"] for line in told["deleted"]}
    assert gone["fake", "avatar"] == gone["fake", "voice"] == gone["repository", "consents"] == 1
    assert (told["complete"], told["left"]) == (True, [])
    assert "anabel" not in json.dumps(told)
    assert run("consent", "list", "anabel") == {"consents": []}


def test_the_command_line_erases_nothing_unasked(run):
    assert run("erase", "anabel", code=2) is None
    (consent,) = run("consent", "list", "anabel")["consents"]
    assert (consent["subject"], consent["purposes"]) == (SUBJECT, ["lessons"])
