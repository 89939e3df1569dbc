"""Contract tests of a ``Repository``. Needs pytest and anyio.

    class TestMyRepository(RepositorySuite):
        @pytest.fixture
        async def repository(self, clock):
            async with closing_somehow(MyRepository(clock=clock)) as repository:
                yield repository

Every test gets its own empty, open repository with the suite's ``clock``.
"""

from __future__ import annotations

import uuid
from contextlib import suppress
from decimal import Decimal
from typing import Any

import anyio
import pytest

from ..consent import identified
from ..errors import BudgetExceeded, ConfigError, IllegalTransition, NotFound, StorageError
from ..interfaces import Backlog, Cap, Held, LogEntry, Repository
from ..models import Action, Consent, Job, JobState, Operation, StoredFile, VendorEvent
from ..records import (
    Attempt,
    JobResult,
    LedgerEntry,
    OperationState,
    PaidCall,
    Phase,
    Record,
    Sample,
    Status,
    Training,
    Uploads,
    Video,
)
from ..repositories import rules
from .clock import FakeClock

__all__ = [
    "ANA",
    "BOB",
    "BootTimeSuite",
    "EditableSuite",
    "RepositorySuite",
    "a_training",
    "a_video",
    "an_id",
]

_BIRTH = 1_790_000_000.0
_LEASE = 60.0


def an_id(name: str) -> str:
    """UUID made of the name, with the same order: some repositories accept only UUIDs."""
    return str(uuid.UUID(bytes=name.encode().ljust(16, b"\0")))


#: The suite's two users; a repository that demands known users must know them.
ANA, BOB = an_id("ana"), an_id("bob")
CLONE = an_id("clone-1")


def a_training(called: str = "training-1", /, **changes: Any) -> Training:
    """Training of the user "ana" that is due when the suite's clock starts.

    Its id is ``an_id(called)``, as are those of the user, "ana", and the clone, "clone-1".
    """
    fields: dict[str, Any] = {
        "id": an_id(called),
        "user_id": ANA,
        "clone_id": CLONE,
        "stack": "fake",
        "operations": (
            OperationState(operation=Operation.VOICE, provider="fake"),
            OperationState(operation=Operation.AVATAR, provider="fake"),
        ),
        "created_at": _BIRTH,
        "updated_at": _BIRTH,
        "deadline_at": _BIRTH + 86_400,
        "next_at": _BIRTH,
    }
    return Training(**(fields | changes))


def a_video(called: str = "video-1", /, **changes: Any) -> Video:
    """Video of the user "ana", without a training, that is due when the suite's clock starts."""
    fields: dict[str, Any] = {
        "id": an_id(called),
        "user_id": ANA,
        "clone_id": CLONE,
        "stack": "fake",
        "script": "Hello!",
        "operations": (OperationState(operation=Operation.VIDEO, provider="fake"),),
        "created_at": _BIRTH,
        "updated_at": _BIRTH,
        "deadline_at": _BIRTH + 86_400,
        "next_at": _BIRTH,
    }
    return Video(**(fields | changes))


def _sample(name: str = "sample-1", **changes: Any) -> Sample:
    fields: dict[str, Any] = {
        "id": an_id(name),
        "user_id": ANA,
        "clone_id": CLONE,
        "role": "voice",
        "name": "me.wav",
        "file": StoredFile(key=f"samples/{name}", size=3, sha256=name * 4),
        "created_at": _BIRTH,
    }
    return Sample(**(fields | changes))


def _entry(entry_id: str = "entry-1", **changes: Any) -> LedgerEntry:
    fields: dict[str, Any] = {
        "id": entry_id,
        "record_id": an_id("training-1"),
        "operation": Operation.VOICE,
        "provider": "fake",
        "account": "account",
        "attempt": 1,
        "job_id": "job-1",
        "cost": "1 credit",
        "at": _BIRTH,
        "quoted": 2,
    }
    return LedgerEntry(**(fields | changes))


#: Text with a character of each kind that cannot be stored, and what a repository keeps of it.
_ODD = "a\0b\x1bc\x85d\ud800e\ufffef\U0001ffffg\ufdd0h"
_MENDED = "a\ufffdb\ufffdc\ufffdd\ufffde\ufffdf\ufffdg\ufffdh"

_ALWAYS = (_BIRTH - 86_400, _BIRTH + 86_400)


def _cap(amount: int, **changes: Any) -> Cap:
    since, until = _ALWAYS
    fields: dict[str, Any] = {
        "name": "the test's cap",
        "amount": amount,
        "since": since,
        "until": until,
    }
    return Cap(**(fields | changes))


def _quoted(*amounts: int) -> tuple[OperationState, ...]:
    """Operations with these prices: voice and avatar, or one video."""
    both = (Operation.VOICE, Operation.AVATAR)
    kinds = both if len(amounts) == len(both) else (Operation.VIDEO,)
    return tuple(
        OperationState(operation=kind, provider="fake", call=PaidCall(quoted=amount))
        for kind, amount in zip(kinds, amounts, strict=True)
    )


def _delivery(event_id: str = "event-1", provider: str = "fake", **more: Any) -> LogEntry:
    fields: dict[str, Any] = {
        "provider": provider,
        "event_id": event_id,
        "event_type": "video.completed",
        "payload": b'{"\xff": 1}',
        "received_at": _BIRTH,
    }
    return LogEntry(**(fields | more))


def _event() -> VendorEvent:
    job = Job(
        provider="fake",
        operation=Operation.VIDEO,
        id="job-1",
        state=JobState.SUCCEEDED,
        links={"video": "https://vendor.test/1.mp4"},
    )
    return VendorEvent(provider="fake", id="event-1", name="video.completed", job=job, trusted=True)


def _with_job(
    record: Record, job_id: str, *, duplicates: tuple[str, ...] = (), **job: Any
) -> Record:
    first, *others = record.operations
    first = first.revised(job={"id": job_id, **job}, cleanup={"duplicates": duplicates})
    return record.model_copy(update={"operations": (first, *others)})


async def _take(
    repository: Repository,
    holder: str,
    *,
    account: str = "account",
    places: int | None = None,
    rate: float | None = None,
) -> float:
    return await repository.take_place(account, holder, places=places, rate=rate, seconds=_LEASE)


@pytest.mark.anyio
class RepositorySuite:
    """Contract tests of a repository: subclass it and provide an async fixture ``repository``."""

    @pytest.fixture
    def anyio_backend(self) -> str:
        """Event loop of the tests."""
        return "asyncio"

    @pytest.fixture
    def clock(self) -> FakeClock:
        """Clock for the repository."""
        return FakeClock(_BIRTH)

    async def reopen(self, repository: Repository) -> Repository:
        """Repository with the same records, as another process sees them; override if possible.

        Closing what this returns is the business of ``repository``'s fixture.
        """
        return repository

    async def test_now_is_the_wall_time_of_its_clock(
        self, repository: Repository, clock: FakeClock
    ) -> None:
        """``now`` is exact to the microsecond, the precision of databases."""
        assert (await repository.now()).wall == pytest.approx(clock.wall, abs=1e-6)

    # -- create and get -----------------------------------------------------------------------

    async def test_opening_twice_is_as_good_as_once(self, repository: Repository) -> None:
        """``open`` is idempotent."""
        await repository.create(a_training())
        await repository.open()
        assert await repository.get(an_id("training-1")) is not None

    async def test_a_training_that_another_stack_takes_over_comes_back_as_it_is(
        self, repository: Repository
    ) -> None:
        """Fallback stacks and failed stacks are stored, uploads included."""
        other = Attempt(
            stack="other",
            operations=(OperationState(operation=Operation.VOICE, provider="other"),),
            voice=(_sample(),),
        )
        before, _ = await repository.create(a_training(fallbacks=(other,)))
        begun = before.operations[0].revised(uploads={"prepared": {"upload": "1"}})
        why = {"reason": "no credits", "error_type": "QuotaError", "ended_at": _BIRTH}
        over = before.planned[0].model_copy(update={"operations": (begun,), **why})
        moved = before.replanned([other]).model_copy(update={"ended": (over,), "next_at": None})
        saved = await repository.save(before, moved)
        seen = await (await self.reopen(repository)).get(before.id)
        assert (seen, seen and seen.stack) == (saved, "other")

    async def test_what_is_created_can_be_got(self, repository: Repository) -> None:
        """A created training is returned unchanged."""
        created = await repository.create(a_training())
        assert (created, await repository.get(an_id("training-1"))) == (
            (a_training(), True),
            a_training(),
        )

    async def test_a_video_comes_back_as_a_video(self, repository: Repository) -> None:
        """The kind of a record is stored."""
        await repository.create(a_video())
        assert await repository.get(an_id("video-1")) == a_video()

    async def test_every_field_survives(self, repository: Repository) -> None:
        """Nested values and non-Latin scripts are stored too."""
        state = OperationState(
            operation=Operation.VIDEO,
            provider="fake",
            uploads=Uploads(prepared={"ids": ["a", 1, None, {"b": 0.1}]}),
            job=JobResult(
                state=JobState.SUCCEEDED,
                files={"video": StoredFile(key="results/v", size=1, sha256="00")},
            ),
        )
        video = a_video(operations=(state,), script="Olá, 世界\n'\"", options=({"kind": "x"},))
        await repository.create(video)
        reopened = await self.reopen(repository)
        assert await reopened.get(an_id("video-1")) == video

    async def test_an_unknown_id_is_none(self, repository: Repository) -> None:
        """``get`` returns None for an unknown id."""
        assert await repository.get(an_id("missing")) is None

    async def test_creating_twice_answers_with_the_first(self, repository: Repository) -> None:
        """``create`` is idempotent by id: it returns the stored record."""
        await repository.create(a_training(name="first"))
        again = await repository.create(a_training(name="second"))
        assert again == (a_training(name="first"), False)

    async def test_an_id_is_one_for_trainings_and_videos(self, repository: Repository) -> None:
        """Ids are unique across kinds, as ``get`` takes only an id."""
        await repository.create(a_training("same"))
        record, created = await repository.create(a_video("same"))
        assert (record, created) == (a_training("same"), False)

    async def test_of_many_who_create_one_succeeds(self, repository: Repository) -> None:
        """``create`` is idempotent under concurrency."""
        created: list[bool] = []

        async def create() -> None:
            created.append((await repository.create(a_training()))[1])

        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(create)
        assert sum(created) == 1

    async def test_another_users_clone_is_not_found(self, repository: Repository) -> None:
        """Another user's clone gets the same error as a missing one."""
        await repository.create(a_training())
        with pytest.raises(NotFound):
            await repository.create(a_training("training-2", user_id=BOB))

    async def test_a_refused_record_is_not_kept(self, repository: Repository) -> None:
        """A refused ``create`` stores nothing."""
        await repository.create(a_training())
        with pytest.raises(NotFound):
            await repository.create(a_training("training-2", user_id=BOB))
        assert await repository.get(an_id("training-2")) is None

    async def test_whose_clone_it_is_stays_secret(self, repository: Repository) -> None:
        """The message does not name the owner."""
        await repository.create(a_training())
        with pytest.raises(NotFound) as caught:
            await repository.create(a_training("training-2", user_id=BOB))
        assert ANA not in str(caught.value)

    # -- save ---------------------------------------------------------------------------------

    async def test_saving_counts_the_version_up(self, repository: Repository) -> None:
        """``save`` returns the stored record with the next version."""
        old, _ = await repository.create(a_training())
        saved = await repository.save(old, old.model_copy(update={"progress": 10}))
        assert saved == a_training(progress=10, version=1) == await repository.get(old.id)

    async def test_an_older_version_loses_the_race(self, repository: Repository) -> None:
        """``save`` is a compare-and-swap by version."""
        old, _ = await repository.create(a_training())
        await repository.save(old, old.model_copy(update={"progress": 10}))
        assert await repository.save(old, old.model_copy(update={"progress": 20})) is None

    async def test_a_lost_race_changes_nothing(self, repository: Repository) -> None:
        """A lost race stores neither the record nor the ledger entries."""
        old, _ = await repository.create(a_training())
        winner = await repository.save(old, old)
        await repository.save(old, old.model_copy(update={"progress": 20}), _entry())
        assert (await repository.get(old.id), await repository.ledger()) == (winner, [])

    async def test_of_many_who_save_one_wins(self, repository: Repository) -> None:
        """Compare-and-swap works under concurrency."""
        old, _ = await repository.create(a_training())
        results: list[Record | None] = []

        async def save(progress: int) -> None:
            new = old.model_copy(update={"progress": progress})
            results.append(await repository.save(old, new))

        async with anyio.create_task_group() as tasks:
            for progress in range(10):
                tasks.start_soon(save, progress)
        assert len([r for r in results if r is not None]) == 1

    async def test_what_was_never_created_cannot_be_saved(self, repository: Repository) -> None:
        """Saving an unknown record counts as a lost race."""
        assert await repository.save(a_training(), a_training()) is None

    async def test_another_process_sees_what_was_saved(self, repository: Repository) -> None:
        """A save is durable when it returns."""
        old, _ = await repository.create(a_training())
        await repository.save(old, old.model_copy(update={"progress": 10}))
        reopened = await self.reopen(repository)
        assert await reopened.get(old.id) == a_training(progress=10, version=1)

    @pytest.mark.parametrize("final", [Status.COMPLETED, Status.FAILED, Status.CANCELLED])
    async def test_a_final_status_is_never_left(
        self, repository: Repository, final: Status
    ) -> None:
        """A final status never changes, even if the caller has an older one."""
        old, _ = await repository.create(a_training(status=final))
        with pytest.raises(IllegalTransition):
            await repository.save(old, old.model_copy(update={"status": Status.PROCESSING}))

    async def test_a_final_record_may_change_in_all_else(self, repository: Repository) -> None:
        """Cleanup continues after the end."""
        old, _ = await repository.create(a_training(status=Status.CANCELLED))
        saved = await repository.save(old, old.model_copy(update={"cleanup": "delete"}))
        assert saved == a_training(status=Status.CANCELLED, cleanup="delete", version=1)

    async def test_a_tombstone_is_kept(self, repository: Repository) -> None:
        """A deleted record can still be read by its id, for its cleanup."""
        old, _ = await repository.create(a_training())
        await repository.save(
            old, old.model_copy(update={"deleted": True, "user_id": "", "clone_id": ""})
        )
        found = await repository.get(old.id)
        assert found is not None
        assert found.deleted

    # -- what is held -------------------------------------------------------------------------

    async def test_what_is_created_is_reserved(self, repository: Repository) -> None:
        """``create`` reserves the quoted price of all operations."""
        await repository.create(a_training(operations=_quoted(2, 3)))
        assert await repository.held(*_ALWAYS) == Held(spent=0, reserved=5)

    async def test_what_was_never_quoted_holds_nothing(self, repository: Repository) -> None:
        """A record without a known price reserves nothing."""
        await repository.create(a_training())
        assert await repository.held(*_ALWAYS) == Held(spent=0, reserved=0)

    async def test_what_is_held_is_seen_by_another_process(self, repository: Repository) -> None:
        """Reservations are durable, like records."""
        await repository.create(a_training(operations=_quoted(2, 3)))
        reopened = await self.reopen(repository)
        assert await reopened.held(*_ALWAYS) == Held(spent=0, reserved=5)

    async def test_creating_twice_reserves_once(self, repository: Repository) -> None:
        """A repeated ``create`` reserves nothing more."""
        for _ in range(2):
            await repository.create(a_training(operations=_quoted(2, 3)), _cap(5))
        assert await repository.held(*_ALWAYS) == Held(spent=0, reserved=5)

    async def test_a_known_record_needs_no_room(self, repository: Repository) -> None:
        """A repeated ``create`` succeeds even under a full cap."""
        first = await repository.create(a_training(operations=_quoted(2, 3)))
        again = await repository.create(a_training(operations=_quoted(9, 9)), _cap(1))
        assert again == (first[0], False)

    async def test_all_of_a_cap_may_be_used(self, repository: Repository) -> None:
        """A cap may be used to the last micro-dollar."""
        record = a_training(operations=_quoted(2, 3))
        assert await repository.create(record, _cap(5)) == (record, True)

    async def test_over_a_cap_nothing_is_created(self, repository: Repository) -> None:
        """One micro-dollar too much is refused; the error tells the excess."""
        await repository.create(a_training(operations=_quoted(2_000_000, 0)))
        with pytest.raises(BudgetExceeded, match=r"exceed the test's cap by \$1\.50:") as caught:
            await repository.create(
                a_training("training-2", operations=_quoted(2_500_000, 0)), _cap(3_000_000)
            )
        assert (caught.value.over, caught.value.budget) == (Decimal("1.5"), "the test's cap")
        assert await repository.get(an_id("training-2")) is None
        assert await repository.held(*_ALWAYS) == Held(spent=0, reserved=2_000_000)

    async def test_what_was_refused_may_be_created_later(self, repository: Repository) -> None:
        """A refusal stores nothing, not even the clone."""
        with pytest.raises(BudgetExceeded):
            await repository.create(a_training(operations=_quoted(2, 3)), _cap(4))
        assert (await repository.create(a_training(user_id=BOB), _cap(4)))[1]

    async def test_what_costs_nothing_fits_under_a_full_cap(self, repository: Repository) -> None:
        """A free record is accepted even under an exceeded cap."""
        await repository.create(a_training(operations=_quoted(2, 3)))
        assert (await repository.create(a_video(operations=_quoted(0)), _cap(1)))[1]

    async def test_every_cap_is_kept_to(self, repository: Repository) -> None:
        """All caps apply; the error names the one without room."""
        with pytest.raises(BudgetExceeded, match="the small one"):
            await repository.create(
                a_training(operations=_quoted(2, 3)), _cap(9), _cap(4, name="the small one")
            )

    async def test_a_users_cap_counts_that_user_alone(self, repository: Repository) -> None:
        """A cap of one user ignores other users; a cap of all counts them."""
        await repository.create(a_training(operations=_quoted(2, 3)))
        bobs = a_training("b", user_id=BOB, clone_id=an_id("clone-b"), operations=_quoted(4, 0))
        await repository.create(bobs, _cap(4, user_id=BOB))
        found = [await repository.held(*_ALWAYS, user) for user in (ANA, BOB, None)]
        assert found == [Held(0, 5), Held(0, 4), Held(0, 9)]

    async def test_only_the_time_of_a_cap_counts(self, repository: Repository) -> None:
        """The period of a cap includes its start and excludes its end."""
        for number, at in enumerate((_BIRTH - 1, _BIRTH, _BIRTH + 9, _BIRTH + 10)):
            changes = {"created_at": at, "operations": _quoted(10**number)}
            await repository.create(a_video(f"video-{number}", **changes))
        assert await repository.held(_BIRTH, _BIRTH + 10) == Held(spent=0, reserved=110)

    async def test_what_is_accepted_is_spent_in_the_same_save(self, repository: Repository) -> None:
        """An accepted operation counts as spent; the others stay reserved."""
        old, _ = await repository.create(a_training(operations=_quoted(2, 3)))
        voice, avatar = _quoted(2, 3)
        done = voice.revised(call={"phase": Phase.DONE}, job={"charged": 7})
        await repository.save(old, old.model_copy(update={"operations": (done, avatar)}))
        assert await repository.held(*_ALWAYS) == Held(spent=7, reserved=3)

    async def test_a_lost_race_changes_nothing_of_what_is_held(
        self, repository: Repository
    ) -> None:
        """Only a successful save changes the reservation."""
        old, _ = await repository.create(a_training(operations=_quoted(2, 3)))
        await repository.save(old, old)
        ended = old.model_copy(update={"status": Status.CANCELLED})
        assert await repository.save(old, ended) is None
        assert await repository.held(*_ALWAYS) == Held(spent=0, reserved=5)

    async def test_an_end_frees_what_was_not_sent(self, repository: Repository) -> None:
        """The end of a record releases the rest of its reservation."""
        old, _ = await repository.create(a_training(operations=_quoted(2, 3)), _cap(5))
        await repository.save(old, old.model_copy(update={"status": Status.CANCELLED}))
        assert (await repository.create(a_video(operations=_quoted(5)), _cap(5)))[1]

    async def test_an_end_keeps_what_nobody_knows_of(self, repository: Repository) -> None:
        """An open intent stays reserved: the vendor may have accepted it."""
        old, _ = await repository.create(a_training(operations=_quoted(2, 3)))
        voice, avatar = _quoted(2, 3)
        sent = voice.revised(call={"phase": Phase.INTENT})
        changes = {"status": Status.CANCELLED, "operations": (sent, avatar)}
        await repository.save(old, old.model_copy(update=changes))
        reopened = await self.reopen(repository)
        assert await reopened.held(*_ALWAYS) == Held(spent=0, reserved=2)

    async def test_a_purged_record_still_counts_for_its_user(self, repository: Repository) -> None:
        """Spending stays in the user's budget after deletion."""
        done = _quoted(2)[0].revised(call={"phase": Phase.DONE})
        old, _ = await repository.create(a_video(operations=(done,)))
        ended = {"status": Status.CANCELLED, "deleted": True}
        old = await repository.save(old, old.model_copy(update={"user_id": "", **ended})) or old
        more = done.revised(cleanup={"duplicates": ("job-2",)})
        await repository.save(old, old.model_copy(update={"operations": (more,)}))
        assert await repository.held(*_ALWAYS, ANA) == Held(spent=4, reserved=0)

    async def test_of_many_who_reserve_no_more_succeed_than_there_is_room_for(
        self, repository: Repository
    ) -> None:
        """Concurrent reservations never exceed a cap."""
        created: list[bool] = []

        async def create(number: int) -> None:
            with suppress(BudgetExceeded):
                record = a_video(f"video-{number}", operations=_quoted(2))
                created.append((await repository.create(record, _cap(7)))[1])

        async with anyio.create_task_group() as tasks:
            for number in range(10):
                tasks.start_soon(create, number)
        assert created == [True] * 3
        assert await repository.held(*_ALWAYS) == Held(spent=0, reserved=6)

    # -- ledger -------------------------------------------------------------------------------

    async def test_a_ledger_entry_comes_with_its_save(self, repository: Repository) -> None:
        """A ledger entry is stored with its save, and found by its record."""
        old, _ = await repository.create(a_training())
        await repository.save(old, old, _entry())
        assert await repository.ledger(an_id("training-1")) == [_entry()]

    async def test_the_same_entry_twice_is_one(self, repository: Repository) -> None:
        """The first entry with an id stays."""
        old, _ = await repository.create(a_training())
        saved = await repository.save(old, old, _entry(cost="1"))
        assert saved is not None
        await repository.save(saved, saved, _entry(cost="2"))
        assert await repository.ledger() == [_entry(cost="1")]

    async def test_the_ledger_is_oldest_first(self, repository: Repository) -> None:
        """The ledger is sorted by the time of acceptance."""
        old, _ = await repository.create(a_training())
        late, early = _entry("late", at=_BIRTH + 9), _entry("early")
        await repository.save(old, old, late, early)
        assert await repository.ledger() == [early, late]

    async def test_the_ledger_of_another_record_is_empty(self, repository: Repository) -> None:
        """Ledger entries belong to one record."""
        old, _ = await repository.create(a_training())
        await repository.save(old, old, _entry())
        assert await repository.ledger(an_id("training-2")) == []

    # -- leases -------------------------------------------------------------------------------

    async def test_trainings_and_videos_are_claimed(self, repository: Repository) -> None:
        """``claim`` returns both kinds."""
        await repository.create(a_training())
        await repository.create(a_video())
        claims = await repository.claim("a", 10, _LEASE)
        assert {c.record.id for c in claims} == {an_id("training-1"), an_id("video-1")}

    async def test_a_claim_carries_the_record_as_it_is(self, repository: Repository) -> None:
        """A claim contains the stored record."""
        await repository.create(a_training())
        (claim,) = await repository.claim("a", 10, _LEASE)
        assert claim.record == a_training()

    async def test_a_tombstone_is_claimed(self, repository: Repository) -> None:
        """Deleted records are claimed for their cleanup."""
        await repository.create(a_training(deleted=True))
        assert len(await repository.claim("a", 10, _LEASE)) == 1

    async def test_what_is_not_due_is_not_claimed(
        self, repository: Repository, clock: FakeClock
    ) -> None:
        """Records that are due later, or never, are not claimed."""
        await repository.create(a_training("later", next_at=clock.wall + 1))
        await repository.create(a_training("never", next_at=None))
        assert await repository.claim("a", 10, _LEASE) == []

    async def test_what_becomes_due_is_claimed(
        self, repository: Repository, clock: FakeClock
    ) -> None:
        """A record is claimed exactly from its due time on."""
        await repository.create(a_training(next_at=clock.wall + 1))
        clock.advance(1)
        assert len(await repository.claim("a", 10, _LEASE)) == 1

    async def test_the_oldest_are_claimed_first(self, repository: Repository) -> None:
        """The oldest due records of both kinds come first."""
        await repository.create(a_training("third", next_at=_BIRTH - 1))
        await repository.create(a_video("first", next_at=_BIRTH - 3))
        await repository.create(a_training("second", next_at=_BIRTH - 2))
        claims = await repository.claim("a", 2, _LEASE)
        assert [c.record.id for c in claims] == [an_id("first"), an_id("second")]

    async def test_claiming_none_takes_none(self, repository: Repository) -> None:
        """A limit of 0 leases nothing."""
        await repository.create(a_training())
        await repository.claim("a", 0, _LEASE)
        assert len(await repository.claim("b", 10, _LEASE)) == 1

    async def test_a_claimed_record_is_held(self, repository: Repository) -> None:
        """A leased record is not claimed again, not even by its owner."""
        await repository.create(a_training())
        await repository.claim("a", 10, _LEASE)
        assert await repository.claim("a", 10, _LEASE) == []

    async def test_of_many_who_claim_each_record_has_one(self, repository: Repository) -> None:
        """Claims are exclusive under concurrency."""
        for number in range(20):
            await repository.create(a_training(f"training-{number}"))
        claimed: list[str] = []

        async def claim(owner: str) -> None:
            claims = await repository.claim(owner, 5, _LEASE)
            claimed.extend(c.record.id for c in claims)

        async with anyio.create_task_group() as tasks:
            for owner in range(8):
                tasks.start_soon(claim, f"owner-{owner}")
        assert sorted(claimed) == sorted(an_id(f"training-{n}") for n in range(20))

    async def test_a_lease_ends(self, repository: Repository, clock: FakeClock) -> None:
        """Another worker takes over the records of a dead one."""
        await repository.create(a_training())
        await repository.claim("dead", 10, _LEASE)
        clock.advance(_LEASE)
        assert len(await repository.claim("b", 10, _LEASE)) == 1

    async def test_a_saved_record_stays_held(self, repository: Repository) -> None:
        """A save does not end the lease."""
        await repository.create(a_training())
        (claim,) = await repository.claim("a", 10, _LEASE)
        await repository.save(claim.record, claim.record)
        assert await repository.claim("b", 10, _LEASE) == []

    async def test_a_released_record_can_be_claimed(self, repository: Repository) -> None:
        """A released record can be claimed at once."""
        await repository.create(a_training())
        (claim,) = await repository.claim("a", 10, _LEASE)
        await repository.release(claim)
        assert len(await repository.claim("b", 10, _LEASE)) == 1

    async def test_every_claim_has_a_higher_fence(self, repository: Repository) -> None:
        """The fence grows with every claim, also after a release."""
        await repository.create(a_training())
        (first,) = await repository.claim("a", 10, _LEASE)
        await repository.release(first)
        (second,) = await repository.claim("a", 10, _LEASE)
        assert second.fence > first.fence

    async def test_an_older_fence_releases_nothing(
        self, repository: Repository, clock: FakeClock
    ) -> None:
        """A worker with an expired lease does not end its successor's."""
        await repository.create(a_training())
        (slept,) = await repository.claim("a", 10, _LEASE)
        clock.advance(_LEASE)
        await repository.claim("b", 10, _LEASE)
        await repository.release(slept)
        assert await repository.claim("c", 10, _LEASE) == []

    async def test_a_renewed_lease_holds_longer(
        self, repository: Repository, clock: FakeClock
    ) -> None:
        """A renewed lease lasts from the time of the renewal."""
        await repository.create(a_training())
        await repository.claim("a", 10, _LEASE)
        clock.advance(_LEASE - 1)
        await repository.renew("a", _LEASE)
        clock.advance(_LEASE - 1)
        assert await repository.claim("b", 10, _LEASE) == []

    async def test_an_ended_lease_is_not_renewed(
        self, repository: Repository, clock: FakeClock
    ) -> None:
        """An expired lease cannot be renewed."""
        await repository.create(a_training())
        await repository.claim("a", 10, _LEASE)
        clock.advance(_LEASE)
        await repository.renew("a", _LEASE)
        assert len(await repository.claim("b", 10, _LEASE)) == 1

    async def test_only_the_owners_leases_are_renewed(
        self, repository: Repository, clock: FakeClock
    ) -> None:
        """Leases of other owners expire as before."""
        await repository.create(a_training())
        await repository.claim("a", 10, _LEASE)
        await repository.renew("b", 10 * _LEASE)
        clock.advance(_LEASE)
        assert len(await repository.claim("c", 10, _LEASE)) == 1

    async def test_a_save_after_which_a_record_waits_ends_its_lease(
        self, repository: Repository, clock: FakeClock
    ) -> None:
        """The visit that made it ends with that; a record that is due at once keeps its lease."""
        for name, next_at in (("waits", _BIRTH + 5), ("over", None), ("due", _BIRTH)):
            record, _ = await repository.create(a_training(name, next_at=_BIRTH - 1))
            await repository.claim("a", 10, _LEASE)
            changes = {"next_at": next_at, "updated_at": _BIRTH}
            saved = await repository.save(record, record.model_copy(update=changes))
            assert saved is not None
            assert saved.waits == (name != "due")
        clock.advance(5)
        found = await repository.claim("b", 10, _LEASE)
        assert [claim.record.id for claim in found] == [an_id("waits")]

    async def test_next_due_is_the_earliest(self, repository: Repository) -> None:
        """``next_due`` looks at both kinds."""
        await repository.create(a_training(next_at=_BIRTH + 7))
        await repository.create(a_video(next_at=_BIRTH + 5))
        assert await repository.next_due() == _BIRTH + 5

    async def test_next_due_skips_what_is_held(self, repository: Repository) -> None:
        """``next_due`` skips leased records."""
        await repository.create(a_training(next_at=_BIRTH))
        await repository.create(a_video(next_at=_BIRTH + 5))
        await repository.claim("a", 10, _LEASE)
        assert await repository.next_due() == _BIRTH + 5

    async def test_nothing_is_due_in_an_empty_repository(self, repository: Repository) -> None:
        """``next_due`` is None without records."""
        await repository.create(a_training(next_at=None))
        assert await repository.next_due() is None

    # -- the backlog, and places at accounts --------------------------------------------------

    async def test_the_backlog_counts_what_waits_for_each_provider(
        self, repository: Repository
    ) -> None:
        """A record waits for the provider of its first unfinished operation."""
        other = OperationState(operation=Operation.VIDEO, provider="other")
        await repository.create(a_training("due", next_at=_BIRTH - 5))
        await repository.create(a_training("later", next_at=_BIRTH + 5))
        await repository.create(a_training("ended", next_at=None))
        await repository.create(a_video(operations=(other,), next_at=_BIRTH - 9))
        assert await repository.backlog() == [
            Backlog("fake", waiting=2, due=1, held=0, oldest=_BIRTH - 5),
            Backlog("other", waiting=1, due=1, held=0, oldest=_BIRTH - 9),
        ]

    async def test_what_is_driven_is_held_in_the_backlog(self, repository: Repository) -> None:
        """A leased record is not counted as due."""
        await repository.create(a_training())
        await repository.claim("a", 10, _LEASE)
        assert await repository.backlog() == [Backlog("fake", 1, due=0, held=1, oldest=None)]

    async def test_the_backlog_follows_a_record_that_goes_on_and_ends(
        self, repository: Repository
    ) -> None:
        """A record is counted for its next provider, and no longer once nothing is due."""
        other = OperationState(operation=Operation.VOICE, provider="other")
        record, _ = await repository.create(a_training(next_at=None))
        assert await repository.backlog() == []
        for changes, waiting in (
            ({"next_at": _BIRTH + 5}, {"fake": 1}),
            ({"next_at": _BIRTH + 6}, {"fake": 1}),
            ({"operations": (other,)}, {"other": 1}),
            ({"next_at": None}, {}),
        ):
            saved = await repository.save(record, record.model_copy(update=changes))
            assert saved is not None
            record = saved
            found = {one.provider: one.waiting for one in await repository.backlog()}
            assert found == waiting

    async def test_the_backlog_of_an_empty_repository_is_empty(
        self, repository: Repository
    ) -> None:
        """The backlog is empty without records."""
        assert await repository.backlog() == []

    async def test_an_account_has_as_many_places_as_were_said(self, repository: Repository) -> None:
        """The next holder is told to wait if all slots are taken."""
        took = [await _take(repository, holder, places=2) for holder in "abc"]
        assert (took[:2], 0 < took[2] <= 1) == ([0.0, 0.0], True)

    async def test_a_place_that_was_given_back_is_free(self, repository: Repository) -> None:
        """A slot that was given back is free at once."""
        await _take(repository, "a", places=1)
        await repository.leave_place("account", "a")
        assert await _take(repository, "b", places=1) == 0.0

    async def test_the_place_of_the_dead_is_free_in_time(
        self, repository: Repository, clock: FakeClock
    ) -> None:
        """The slot of a dead process expires."""
        await _take(repository, "dead", places=1)
        clock.advance(_LEASE)
        assert await _take(repository, "b", places=1) == 0.0

    async def test_who_holds_a_place_may_take_it_again(self, repository: Repository) -> None:
        """The same holder takes no second slot."""
        took = [await _take(repository, "a", places=1) for _ in range(2)]
        assert took == [0.0, 0.0]

    async def test_accounts_do_not_share_places(self, repository: Repository) -> None:
        """Each vendor account has its own slots."""
        await _take(repository, "a", places=1)
        assert await _take(repository, "a2", account="other", places=1) == 0.0

    async def test_of_many_who_take_places_no_more_get_one(self, repository: Repository) -> None:
        """The limit holds under concurrency."""
        took: list[float] = []

        async def take(holder: str) -> None:
            took.append(await _take(repository, holder, places=3))

        async with anyio.create_task_group() as tasks:
            for number in range(10):
                tasks.start_soon(take, f"holder-{number}")
        assert took.count(0.0) == 3

    async def test_a_rate_lets_a_seconds_worth_go_at_once(self, repository: Repository) -> None:
        """After a burst of one second's worth, requests are spaced out."""
        took = [await _take(repository, f"h{n}", rate=4.0) for n in range(5)]
        assert took == [0.0] * 4 + [pytest.approx(0.25, abs=1e-5)]

    async def test_after_the_wait_that_was_told_a_place_is_free(
        self, repository: Repository, clock: FakeClock
    ) -> None:
        """The returned wait is sufficient."""
        for number in range(4):
            await _take(repository, f"h{number}", rate=4.0)
        clock.advance(0.25)
        assert await _take(repository, "next", rate=4.0) == 0.0

    async def test_a_slow_rate_lets_one_go_at_a_time(
        self, repository: Repository, clock: FakeClock
    ) -> None:
        """A rate below one request per second works too."""
        first, second = [await _take(repository, h, rate=0.5) for h in "ab"]
        clock.advance(2.0)
        third = await _take(repository, "c", rate=0.5)
        assert [first, second, third] == [0.0, pytest.approx(2.0, abs=1e-5), 0.0]

    async def test_a_refused_place_costs_no_rate(self, repository: Repository) -> None:
        """Only requests that may be sent count towards the rate."""
        await _take(repository, "a", places=1, rate=2.0)
        for number in range(5):
            await _take(repository, f"refused-{number}", places=1, rate=2.0)
        await repository.leave_place("account", "a")
        assert await _take(repository, "b", places=1, rate=2.0) == 0.0

    # -- pages --------------------------------------------------------------------------------

    async def test_a_page_is_newest_first(self, repository: Repository) -> None:
        """Records with the same time have a stable order too."""
        for name, age in (("b", 0), ("old", 9), ("a", 0)):
            await repository.create(a_training(name, created_at=_BIRTH - age))
        page = await repository.page("training")
        assert [r.id for r in page.records] == [an_id("b"), an_id("a"), an_id("old")]

    async def test_pages_together_hold_everything_once(self, repository: Repository) -> None:
        """Pages are complete for any page size."""
        for number in range(7):
            await repository.create(a_training(f"t{number}", created_at=_BIRTH + number // 3))
        seen: list[str] = []
        cursor: str | None = None
        while True:
            page = await repository.page("training", cursor=cursor, limit=2)
            seen += [r.id for r in page.records]
            cursor = page.cursor
            if cursor is None:
                break
        assert seen == [an_id(f"t{number}") for number in reversed(range(7))]

    async def test_what_is_created_meanwhile_shifts_no_page(self, repository: Repository) -> None:
        """A cursor is a key, not an offset."""
        for number in range(4):
            await repository.create(a_training(f"t{number}", created_at=_BIRTH + number))
        page = await repository.page("training", limit=2)
        await repository.create(a_training("newest", created_at=_BIRTH + 9))
        rest = await repository.page("training", cursor=page.cursor, limit=2)
        assert [r.id for r in rest.records] == [an_id("t1"), an_id("t0")]

    async def test_the_last_page_has_no_cursor(self, repository: Repository) -> None:
        """The last page has no cursor, even if it is full."""
        for number in range(2):
            await repository.create(a_training(f"t{number}"))
        assert (await repository.page("training", limit=2)).cursor is None

    async def test_a_page_hides_what_is_deleted(self, repository: Repository) -> None:
        """Pages contain no tombstones."""
        await repository.create(a_training(deleted=True))
        assert (await repository.page("training")).records == ()

    async def test_a_page_holds_one_kind(self, repository: Repository) -> None:
        """A page contains trainings or videos."""
        await repository.create(a_training())
        await repository.create(a_video())
        assert (await repository.page("video")).records == (a_video(),)

    @pytest.mark.parametrize(
        "wanted",
        [
            {"user_id": BOB},
            {"clone_id": an_id("clone-2")},
            {"training_id": an_id("training-2")},
            {"status": Status.FAILED},
        ],
        ids=lambda wanted: next(iter(wanted)),
    )
    async def test_a_page_holds_what_was_asked_for(
        self, repository: Repository, wanted: dict[str, Any]
    ) -> None:
        """Each filter works by itself."""
        other = {
            "user_id": BOB,
            "clone_id": an_id("clone-2"),
            "training_id": an_id("training-2"),
            "status": Status.FAILED,
        }
        await repository.create(a_training("training-2", user_id=BOB, clone_id=an_id("clone-2")))
        await repository.create(a_video("one"))
        await repository.create(a_video("two", **other))
        page = await repository.page("video", **wanted)
        assert [r.id for r in page.records] == [an_id("two")]

    async def test_filters_are_combined(self, repository: Repository) -> None:
        """A record must match all filters."""
        await repository.create(a_training())
        page = await repository.page("training", user_id=ANA, status=Status.COMPLETED)
        assert page.records == ()

    @pytest.mark.parametrize("cursor", ["", "x", "WzEsMl0x", "bnVsbA", "W10", "'; --", "é"])
    async def test_a_malformed_cursor_is_refused(self, repository: Repository, cursor: str) -> None:
        """A malformed cursor raises ``ConfigError``."""
        with pytest.raises(ConfigError):
            await repository.page("training", cursor=cursor)

    # -- jobs ---------------------------------------------------------------------------------

    async def test_a_job_leads_to_its_record(self, repository: Repository) -> None:
        """A job can be found as soon as it is saved."""
        old, _ = await repository.create(a_training())
        saved = await repository.save(old, _with_job(old, "job-1"))
        assert await repository.find_job("fake", Operation.VOICE, "job-1") == saved

    async def test_a_job_known_at_creation_is_found(self, repository: Repository) -> None:
        """An adopted avatar has its job from the start."""
        await repository.create(_with_job(a_training(), "job-1"))
        assert await repository.find_job("fake", Operation.VOICE, "job-1") is not None

    async def test_a_duplicate_leads_to_its_record(self, repository: Repository) -> None:
        """A duplicate job, which is paid as well, can be found."""
        await repository.create(_with_job(a_training(), "job-1", duplicates=("job-2",)))
        assert await repository.find_job("fake", Operation.VOICE, "job-2") is not None

    async def test_a_job_of_an_earlier_stack_leads_to_its_record(
        self, repository: Repository
    ) -> None:
        """A job that an ended attempt got late can be found for its deletion."""
        old, _ = await repository.create(a_training())
        voice = old.operations[0].revised(provider="other", job={"id": "late"})
        over = Attempt(stack="other", operations=(voice,), reason="no credits", ended_at=_BIRTH)
        saved = await repository.save(old, old.model_copy(update={"ended": (over,)}))
        assert await repository.find_job("other", Operation.VOICE, "late") == saved

    @pytest.mark.parametrize(
        "key",
        [
            ("other", Operation.VOICE, "job-1"),
            ("fake", Operation.AVATAR, "job-1"),
            ("fake", Operation.VOICE, "job-2"),
        ],
    )
    async def test_a_job_is_named_by_provider_operation_and_id(
        self, repository: Repository, key: tuple[str, Operation, str]
    ) -> None:
        """Job ids are unique per provider and operation only."""
        await repository.create(_with_job(a_training(), "job-1"))
        assert await repository.find_job(*key) is None

    async def test_a_job_that_was_replaced_is_not_found(self, repository: Repository) -> None:
        """The index of jobs follows each save."""
        old, _ = await repository.create(_with_job(a_training(), "job-1"))
        await repository.save(old, _with_job(old, "job-2"))
        assert await repository.find_job("fake", Operation.VOICE, "job-1") is None

    async def test_of_two_holders_the_oldest_is_found(self, repository: Repository) -> None:
        """Two trainings may adopt the same avatar; the oldest is found."""
        await repository.create(_with_job(a_training("younger", created_at=_BIRTH + 1), "job"))
        await repository.create(_with_job(a_training("older"), "job"))
        found = await repository.find_job("fake", Operation.VOICE, "job")
        assert found is not None
        assert found.id == an_id("older")

    async def test_a_deleted_holder_is_found_last(self, repository: Repository) -> None:
        """A record that is not deleted is found first."""
        await repository.create(_with_job(a_training("dead", deleted=True), "job"))
        await repository.create(_with_job(a_training("live", created_at=_BIRTH + 1), "job"))
        found = await repository.find_job("fake", Operation.VOICE, "job")
        assert found is not None
        assert found.id == an_id("live")

    async def test_a_job_is_found_by_its_other_ids_while_it_is_under_way(
        self, repository: Repository
    ) -> None:
        """Two looks of one person share a group, and a webhook may name nothing but the group."""
        name = "fake", Operation.VOICE, "group"
        first = _with_job(a_training(), "look-1", other_ids=("group",))
        second = _with_job(a_training("b", created_at=_BIRTH + 1), "look-2", other_ids=("group",))
        old, _ = await repository.create(first)
        waits, _ = await repository.create(second)
        assert await repository.find_job(*name) == old
        ended = _with_job(old, "look-1", other_ids=("group",), state=JobState.SUCCEEDED)
        await repository.save(old, ended)
        assert await repository.find_job(*name) == waits

    # -- samples, consents, webhooks ----------------------------------------------------------

    async def test_samples_come_back_oldest_first(self, repository: Repository) -> None:
        """Samples of both roles are listed oldest first."""
        late = _sample("late", created_at=_BIRTH + 1)
        early = _sample("early", role="footage")
        await repository.add_sample(late)
        await repository.add_sample(early)
        assert await repository.samples(ANA, CLONE) == [early, late]

    async def test_the_same_bytes_are_one_sample(self, repository: Repository) -> None:
        """The stored sample is returned for the same bytes."""
        first = await repository.add_sample(_sample())
        again = await repository.add_sample(_sample("sample-2", file=first.file))
        assert (again, await repository.samples(ANA, CLONE)) == (first, [first])

    async def test_the_same_bytes_in_another_role_are_another_sample(
        self, repository: Repository
    ) -> None:
        """A video may be a sample of both roles."""
        first = await repository.add_sample(_sample())
        await repository.add_sample(_sample("sample-2", role="footage", file=first.file))
        assert len(await repository.samples(ANA, CLONE)) == 2

    async def test_the_same_bytes_in_another_clone_are_another_sample(
        self, repository: Repository
    ) -> None:
        """Clones share no samples."""
        first = await repository.add_sample(_sample())
        await repository.add_sample(_sample("sample-2", clone_id=an_id("clone-2"), file=first.file))
        assert len(await repository.samples(ANA, an_id("clone-2"))) == 1

    async def test_a_clone_without_samples_has_none(self, repository: Repository) -> None:
        """An empty or unknown clone has no samples."""
        assert await repository.samples(ANA, CLONE) == []

    async def test_no_sample_is_added_to_another_users_clone(self, repository: Repository) -> None:
        """Another user's clone raises ``NotFound``."""
        await repository.add_sample(_sample())
        with pytest.raises(NotFound):
            await repository.add_sample(_sample("sample-2", user_id=BOB))

    async def test_another_users_samples_are_not_listed(self, repository: Repository) -> None:
        """Another user's clone raises ``NotFound`` for lists too."""
        await repository.add_sample(_sample())
        with pytest.raises(NotFound):
            await repository.samples(BOB, CLONE)

    async def test_the_samples_of_a_user_are_those_of_every_clone(
        self, repository: Repository
    ) -> None:
        """The list contains samples of all clones of this user only."""
        own = await repository.add_sample(_sample())
        other = _sample("sample-2", clone_id=an_id("clone-2"), created_at=_BIRTH + 1)
        await repository.add_sample(other)
        await repository.add_sample(_sample("sample-3", user_id=BOB, clone_id=an_id("clone-3")))
        assert await repository.samples(ANA) == [own, other]

    async def test_a_removed_sample_is_gone_and_no_other(self, repository: Repository) -> None:
        """A sample may be removed twice, and added again."""
        kept = await repository.add_sample(_sample(role="footage", created_at=_BIRTH - 1))
        first = await repository.add_sample(_sample("sample-2"))
        for _ in range(2):
            await repository.remove_sample(first)
            assert await repository.samples(ANA, CLONE) == [kept]
        await repository.add_sample(first)
        assert await repository.samples(ANA, CLONE) == [kept, first]

    async def test_a_sample_claims_the_clone(self, repository: Repository) -> None:
        """A missing clone is inserted with its sample."""
        await repository.add_sample(_sample())
        with pytest.raises(NotFound):
            await repository.create(a_training(user_id=BOB))

    async def test_a_consent_comes_back(self, repository: Repository) -> None:
        """A consent is found by its id."""
        consent = identified(Consent(subject="Ana Lima", given_at=_BIRTH), ANA)
        await repository.add_consent(consent)
        assert await repository.get_consent(consent.id) == consent

    async def test_the_first_consent_is_kept(self, repository: Repository) -> None:
        """The first consent stays, as its time is evidence."""
        first = identified(Consent(subject="Ana Lima", given_at=_BIRTH), ANA)
        await repository.add_consent(first)
        again = await repository.add_consent(first.model_copy(update={"given_at": _BIRTH + 9}))
        assert again == first == await repository.get_consent(first.id)

    async def test_a_consent_is_revoked_once(self, repository: Repository) -> None:
        """The time of the first revocation stays."""
        consent = identified(Consent(subject="Ana Lima", given_at=_BIRTH), ANA)
        await repository.add_consent(consent)
        revoked = consent.model_copy(update={"revoked_at": _BIRTH + 5})
        assert await repository.revoke_consent(consent.id, _BIRTH + 5) == revoked
        assert await repository.revoke_consent(consent.id, _BIRTH + 9) == revoked
        assert await repository.get_consent(consent.id) == revoked

    async def test_a_revoked_consent_is_not_given_again(self, repository: Repository) -> None:
        """Adding the same consent again does not undo a revocation."""
        consent = identified(Consent(subject="Ana Lima", given_at=_BIRTH), ANA)
        await repository.add_consent(consent)
        revoked = await repository.revoke_consent(consent.id, _BIRTH + 5)
        assert await repository.add_consent(consent) == revoked

    async def test_nobodys_consent_is_not_revoked(self, repository: Repository) -> None:
        """Revoking an unknown consent returns None and stores nothing."""
        assert await repository.revoke_consent(an_id("nothing"), _BIRTH) is None
        assert await repository.get_consent(an_id("nothing")) is None

    async def test_evidence_is_dropped_and_given_again(self, repository: Repository) -> None:
        """A consent loses its evidence, and gets it back when it is given again."""
        file = StoredFile(key="consents/a/b.mp4", size=3, sha256="0" * 64, media_type="video/mp4")
        consent = identified(Consent(subject="Ana Lima", given_at=_BIRTH, evidence_file=file), ANA)
        await repository.add_consent(consent)
        bare = consent.model_copy(update={"evidence_file": None})
        assert [await repository.drop_evidence(consent.id) for _ in range(2)] == [bare, bare]
        assert await repository.get_consent(consent.id) == bare
        later = consent.model_copy(update={"given_at": _BIRTH + 9})
        assert await repository.add_consent(later) == consent

    async def test_a_revoked_consent_gets_no_evidence_back(self, repository: Repository) -> None:
        """Dropped evidence stays away once the consent was revoked."""
        file = StoredFile(key="consents/a/b.mp4", size=3, sha256="0" * 64, media_type="video/mp4")
        consent = identified(Consent(subject="Ana Lima", given_at=_BIRTH, evidence_file=file), ANA)
        await repository.add_consent(consent)
        await repository.drop_evidence(consent.id)
        revoked = await repository.revoke_consent(consent.id, _BIRTH + 5)
        assert await repository.add_consent(consent) == revoked
        assert await repository.drop_evidence(an_id("nothing")) is None

    async def test_an_unknown_consent_is_none(self, repository: Repository) -> None:
        """``get_consent`` returns None for an unknown id."""
        assert await repository.get_consent(an_id("nothing")) is None

    async def test_a_delivery_is_logged_once(self, repository: Repository) -> None:
        """A repeated delivery is recognised."""
        logged = [await repository.log_webhook(_delivery()) for _ in range(2)]
        assert logged == [True, False]

    async def test_event_ids_of_two_providers_do_not_meet(self, repository: Repository) -> None:
        """Event ids are unique per provider only."""
        await repository.log_webhook(_delivery())
        assert await repository.log_webhook(_delivery(provider="other"))

    async def test_of_many_equal_deliveries_one_is_new(self, repository: Repository) -> None:
        """A delivery is new exactly once under concurrency."""
        new: list[bool] = []

        async def log() -> None:
            new.append(await repository.log_webhook(_delivery()))

        async with anyio.create_task_group() as tasks:
            for _ in range(10):
                tasks.start_soon(log)
        assert sum(new) == 1

    async def test_a_delivery_comes_back_as_it_was_read(self, repository: Repository) -> None:
        """Events are stored, so that they can be applied after a restart."""
        entry = _delivery(payload=b'{"a": 1}', signed=True, token="ak-1", events=(_event(),))  # noqa: S106
        await repository.log_webhook(entry)
        assert await repository.get_webhook("fake", "event-1") == entry

    async def test_the_bytes_of_a_delivery_that_is_no_json_come_back(
        self, repository: Repository
    ) -> None:
        """A body that is no JSON is stored unchanged."""
        await repository.log_webhook(_delivery())
        kept = await repository.get_webhook("fake", "event-1")
        assert kept is not None
        assert kept.payload == _delivery().payload

    async def test_an_unknown_delivery_is_none(self, repository: Repository) -> None:
        """Settling an unknown delivery does nothing."""
        await repository.settle_webhook("fake", "nothing", "applied")
        assert await repository.get_webhook("fake", "nothing") is None

    async def test_what_became_of_a_delivery_is_kept(self, repository: Repository) -> None:
        """The outcome is stored with the record of the delivery."""
        await repository.create(a_training())
        await repository.log_webhook(_delivery())
        await repository.settle_webhook("fake", "event-1", "applied", an_id("training-1"))
        kept = await repository.get_webhook("fake", "event-1")
        assert kept is not None
        assert (kept.outcome, kept.record_id) == ("applied", an_id("training-1"))

    async def test_deliveries_wait_oldest_first_until_they_are_settled(
        self, repository: Repository
    ) -> None:
        """Deliveries with an unknown job are pending too."""
        for number, outcome in enumerate(("unmatched", "received", "applied", "expired")):
            entry = _delivery(f"event-{number}", received_at=_BIRTH - number, outcome=outcome)
            await repository.log_webhook(entry)
        waiting = await repository.pending_webhooks()
        assert [entry.event_id for entry in waiting] == ["event-1", "event-0"]

    async def test_what_waits_for_its_job_keeps_nothing_new_waiting(
        self, repository: Repository
    ) -> None:
        """New deliveries come before unmatched ones, however old these are."""
        await repository.log_webhook(_delivery("old", received_at=_BIRTH - 9, outcome="unmatched"))
        await repository.log_webhook(_delivery("new"))
        assert [e.event_id for e in await repository.pending_webhooks(1)] == ["new"]

    async def test_the_log_is_paged_newest_first(self, repository: Repository) -> None:
        """Deliveries with the same time are complete and ordered too."""
        for number in range(5):
            await repository.log_webhook(_delivery(f"event-{number}", received_at=_BIRTH))
        first = await repository.webhooks(limit=3)
        rest = await repository.webhooks(limit=3, cursor=first.cursor)
        found = [entry.event_id for page in (first, rest) for entry in page.entries]
        assert found == [f"event-{number}" for number in (4, 3, 2, 1, 0)]
        assert rest.cursor is None

    async def test_the_log_is_filtered(self, repository: Repository) -> None:
        """The log can be filtered by provider and by outcome."""
        await repository.log_webhook(_delivery("a", outcome="applied"))
        await repository.log_webhook(_delivery("b", provider="other", outcome="applied"))
        await repository.log_webhook(_delivery("c"))
        page = await repository.webhooks(provider="fake", outcome="applied")
        assert [entry.event_id for entry in page.entries] == ["a"]

    async def test_the_log_of_a_user_is_about_that_users_records(
        self, repository: Repository
    ) -> None:
        """Deliveries of other users, or without a record, are left out."""
        await repository.create(a_training())
        for event_id in ("own", "ownerless"):
            await repository.log_webhook(_delivery(event_id))
        await repository.settle_webhook("fake", "own", "applied", an_id("training-1"))
        pages = [await repository.webhooks(user_id=user) for user in (ANA, BOB)]
        assert [[e.event_id for e in page.entries] for page in pages] == [["own"], []]

    # -- erasure ------------------------------------------------------------------------------

    async def test_a_users_consents_are_listed(self, repository: Repository) -> None:
        """Consents of other users are left out."""
        mine, theirs = (identified(Consent(subject="me"), user) for user in (ANA, BOB))
        for consent in (mine, theirs):
            await repository.add_consent(consent)
        assert await repository.consents(ANA) == [mine]

    async def test_a_users_tombstones_are_listed_until_they_forget_whose_they_are(
        self, repository: Repository
    ) -> None:
        """Tombstones of both kinds are listed, other records are not."""
        for kind in (a_training, a_video):
            await repository.create(kind())
        dead = [
            (await repository.create(kind("dead " + kind.__name__[2:5], deleted=True)))[0]
            for kind in (a_training, a_video)
        ]
        theirs = {"user_id": BOB, "clone_id": an_id("clone-2")}
        await repository.create(a_training("dead bob", deleted=True, **theirs))
        assert await repository.tombstones(ANA) == dead
        for old in dead:
            await repository.save(old, old.model_copy(update={"user_id": "", "clone_id": ""}))
        assert await repository.tombstones(ANA) == []

    async def test_what_a_user_has_beside_records_is_erased(self, repository: Repository) -> None:
        """``erase`` counts what it deletes; tombstones stay for their cleanup."""
        dead, _ = await repository.create(a_training(deleted=True))
        await repository.create(a_video("dead", deleted=True))
        for sample in (_sample(), _sample("sample-2", role="footage")):
            await repository.add_sample(sample)
        consent = await repository.add_consent(identified(Consent(subject="me"), ANA))
        await repository.log_webhook(_delivery())
        await repository.settle_webhook("fake", "event-1", "applied", dead.id)
        gone = await repository.erase(ANA)
        assert gone == {"samples": 2, "consents": 1, "deliveries": 1, "clones": 1, "live": 0}
        assert await repository.samples(ANA, CLONE) == []
        assert await repository.get_consent(consent.id) is None
        assert await repository.get_webhook("fake", "event-1") is None
        assert len(await repository.tombstones(ANA)) == 2
        assert await repository.get(dead.id) is not None

    async def test_to_erase_twice_is_to_erase_once(self, repository: Repository) -> None:
        """``erase`` is idempotent, and accepts unknown users."""
        await repository.add_sample(_sample())
        await repository.erase(ANA)
        assert await repository.erase(ANA) == dict.fromkeys(rules.ERASED, 0)

    async def test_the_clone_of_a_live_record_stays(self, repository: Repository) -> None:
        """A clone with a record that is not deleted stays; the record is counted."""
        live, _ = await repository.create(a_training())
        gone = await repository.erase(ANA)
        assert (gone["clones"], gone["live"]) == (0, 1)
        assert await repository.get(live.id) == live

    async def test_another_users_rows_are_not_erased(self, repository: Repository) -> None:
        """``erase`` deletes rows of one user only."""
        await repository.create(a_training())
        record, _ = await repository.create(
            a_training("of bob", user_id=BOB, clone_id=an_id("clone-2"), deleted=True)
        )
        sample = await repository.add_sample(
            _sample("of bob", user_id=BOB, clone_id=an_id("clone-2"))
        )
        consent = await repository.add_consent(identified(Consent(subject="me"), BOB))
        await repository.log_webhook(_delivery())
        await repository.settle_webhook("fake", "event-1", "applied", record.id)
        await repository.erase(ANA)
        assert await repository.tombstones(BOB) == [record]
        assert await repository.samples(BOB, an_id("clone-2")) == [sample]
        assert await repository.get_consent(consent.id) == consent
        assert await repository.get_webhook("fake", "event-1") is not None

    async def test_what_was_spent_stays_but_not_as_the_users(self, repository: Repository) -> None:
        """Spending stays in the project's budget after ``erase``."""
        await repository.create(a_training(deleted=True, operations=_quoted(2, 3)))
        before = await repository.held(*_ALWAYS)
        assert await repository.held(*_ALWAYS, ANA) == before == Held(spent=0, reserved=5)
        await repository.erase(ANA)
        assert await repository.held(*_ALWAYS) == before
        assert await repository.held(*_ALWAYS, ANA) == Held(spent=0, reserved=0)

    async def test_the_deliveries_about_a_record_are_dropped(self, repository: Repository) -> None:
        """Deliveries that name its token are dropped too; others stay."""
        about, _ = await repository.create(a_training())
        other, _ = await repository.create(a_video())
        tokens = {"named": about.token(Operation.VOICE), "stays": other.token(Operation.VIDEO)}
        for event_id, token in tokens.items():
            await repository.log_webhook(_delivery(event_id, token=token))
        await repository.log_webhook(_delivery("known"))
        await repository.settle_webhook("fake", "known", "applied", about.id)
        await repository.drop_webhooks(about.id)
        assert [e.event_id for e in (await repository.webhooks()).entries] == ["stays"]

    # -- text ---------------------------------------------------------------------------------

    async def test_text_that_no_database_stores_is_replaced_in_a_record(
        self, repository: Repository
    ) -> None:
        """Lone surrogates, NUL, other controls and noncharacters become U+FFFD in every field."""
        record, _ = await repository.create(a_training(name=_ODD))
        odd = OperationState(
            operation=Operation.VOICE,
            provider="fake",
            uploads=Uploads(prepared={_ODD: [_ODD]}),
            job=JobResult(id=_ODD, cost=_ODD),
        )
        action = Action(kind="open_url", message=_ODD, url=_ODD, choices=(_ODD,))
        changed = record.model_copy(
            update={"error_message": _ODD, "action": action, "operations": (odd,)}
        )
        saved = await repository.save(record, changed, _entry(id=_ODD, cost=_ODD))
        stored = await repository.get(record.id)
        assert saved == stored
        assert stored is not None
        assert stored.action is not None
        (state,) = stored.operations
        texts = [stored.name, stored.error_message, stored.action.message, state.job.cost]
        assert texts == [_MENDED] * 4
        assert state.uploads.prepared == {_MENDED: [_MENDED]}
        assert [(entry.id, entry.cost) for entry in await repository.ledger()] == [
            (_MENDED, _MENDED)
        ]

    async def test_text_that_no_database_stores_is_replaced_elsewhere(
        self, repository: Repository
    ) -> None:
        """Samples, consents and deliveries follow the rule of records."""
        sample = await repository.add_sample(_sample().model_copy(update={"name": _ODD}))
        consent = await repository.add_consent(
            identified(Consent(subject="Ana"), ANA).model_copy(update={"reason": _ODD})
        )
        assert (sample.name, consent.reason) == (_MENDED, _MENDED)
        assert await repository.samples(ANA) == [sample]
        assert await repository.consents(ANA) == [consent]
        job = Job(
            provider="fake", operation=Operation.VOICE, id="j", state=JobState.FAILED, reason=_ODD
        )
        event = VendorEvent(
            provider="fake", id="odd", name="avatar.training_failed", job=job, trusted=True
        )
        await repository.log_webhook(_delivery("odd", events=(event,)))
        logged = await repository.get_webhook("fake", "odd")
        assert logged is not None
        assert logged.events[0].job.reason == _MENDED


class BootTimeSuite(RepositorySuite):
    """More tests for a repository of one machine, which measures leases by boot time."""

    async def test_now_is_the_moment_of_its_clock(
        self, repository: Repository, clock: FakeClock
    ) -> None:
        """``now`` has wall time, boot time and boot id of the clock."""
        assert await repository.now() == clock.now()

    async def test_a_reboot_ends_every_lease(
        self, repository: Repository, clock: FakeClock
    ) -> None:
        """A reboot ends all leases, as their processes are gone."""
        await repository.create(a_training())
        await repository.claim("dead", 10, 1e6)
        clock.reboot()
        assert len(await repository.claim("b", 10, _LEASE)) == 1

    async def test_setting_the_clock_ends_no_lease(
        self, repository: Repository, clock: FakeClock
    ) -> None:
        """Leases are measured by boot time."""
        await repository.create(a_training())
        await repository.claim("a", 10, _LEASE)
        clock.set_wall(clock.wall + 1e6)
        assert await repository.claim("b", 10, _LEASE) == []

    async def test_a_lease_of_before_the_reboot_is_not_renewed(
        self, repository: Repository, clock: FakeClock
    ) -> None:
        """Boot times of different boots are not compared."""
        await repository.create(a_training())
        await repository.claim("a", 10, _LEASE)
        clock.reboot()
        await repository.renew("a", _LEASE)
        assert len(await repository.claim("b", 10, _LEASE)) == 1


class EditableSuite(RepositorySuite):
    """More tests for a repository whose rows can be edited directly; implement ``edit``."""

    async def edit(self, record_id: str, doc: str) -> None:
        """Replace the document of a training directly in the database."""
        raise NotImplementedError

    @pytest.fixture
    async def damaged(self, repository: Repository) -> Repository:
        """Create an unreadable record, and a newer readable one."""
        broken, _ = await repository.create(a_training("broken", next_at=_BIRTH - 9))
        await repository.create(a_training("sound"))
        await self.edit(broken.id, '{"id": "Secret!"}')
        return repository

    async def test_an_unreadable_document_is_named(self, damaged: Repository) -> None:
        """The error names the row, so that an operator can find it."""
        with pytest.raises(StorageError, match=an_id("broken")):
            await damaged.get(an_id("broken"))

    async def test_an_unreadable_document_is_not_quoted(self, damaged: Repository) -> None:
        """The error quotes no personal data."""
        with pytest.raises(StorageError) as caught:
            await damaged.get(an_id("broken"))
        assert "Secret!" not in str(caught.value)

    async def test_an_impossible_status_is_named_as_well(self, repository: Repository) -> None:
        """Well-formed JSON with invalid values is unreadable too."""
        record, _ = await repository.create(a_training())
        await self.edit(record.id, record.model_dump_json().replace('"pending"', '"imagined"'))
        with pytest.raises(StorageError, match="status"):
            await repository.get(record.id)

    async def test_the_document_of_another_record_is_named(self, repository: Repository) -> None:
        """The document of another record is refused."""
        record, _ = await repository.create(a_training())
        other = a_training("other")
        await self.edit(record.id, other.model_dump_json())
        with pytest.raises(StorageError, match=f"{record.id}.* of another record"):
            await repository.get(record.id)

    async def test_an_unreadable_document_stops_no_claim(self, damaged: Repository) -> None:
        """``claim`` returns the next readable record instead."""
        claims = await damaged.claim("a", 1, _LEASE)
        assert [claim.record.id for claim in claims] == [an_id("sound")]

    async def test_an_unreadable_document_keeps_nobody_awake(self, damaged: Repository) -> None:
        """An unreadable record is tried again later, not at once."""
        await damaged.claim("a", 9, _LEASE)
        assert await damaged.next_due() is None

    async def test_an_unreadable_document_stops_no_page(self, damaged: Repository) -> None:
        """Pages leave out unreadable records."""
        page = await damaged.page("training")
        assert [record.id for record in page.records] == [an_id("sound")]
