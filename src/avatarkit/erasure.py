"""Takes a person out again: at every vendor, in the media store, in the repository.

Every step may be repeated, so an erasure that was killed is resumed by beginning again. First each
record of the user becomes a tombstone, which stops paid calls and is worked off by any worker; then
goes what is here, then what vendors have. A receipt is computed from what stands there, not from
what was just done.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from typing import Self

from pydantic import Field

from ._log import get_logger
from .errors import AvatarKitError
from .intake.recordings import folders_of
from .interfaces import MediaStore, Repository
from .lifecycle import leftovers
from .models import Model
from .records import OperationState, Record, Training

__all__ = ["Count", "Left", "Receipt", "erase"]

log = get_logger(__name__)


class Count(Model):
    """How many things of one kind are gone."""

    where: str  #: "repository", "media", or the provider's name
    what: str
    count: int


class Left(Count):
    """What is not gone, and why."""

    why: str
    pending: bool  #: workers go on with it; else nobody can do more from here
    #: what the vendor calls them, for who deletes them by hand; no part of the kept receipt
    ids: tuple[str, ...] = Field(default=(), exclude=True, repr=False)


class Receipt(Model):
    """What an erasure has done. It names nobody: no user, no person, no file, no vendor's id."""

    at: float  #: seconds since 1970
    deleted: tuple[Count, ...]
    left: tuple[Left, ...]
    #: when the last rows forget the user's id, at the earliest; None: none has it any more
    forgotten_at: float | None
    digest: str = ""  #: SHA-256 of the rest, as JSON

    @property
    def complete(self) -> bool:
        """Whether all is gone that can be deleted from here."""
        return not any(left.pending for left in self.left)

    def sealed(self) -> Self:
        """The receipt with its digest."""
        told = self.model_dump_json(exclude={"digest"})
        return self.model_copy(update={"digest": hashlib.sha256(told.encode()).hexdigest()})


async def erase(
    user_id: str,
    *,
    repository: Repository,
    media: MediaStore,
    records: Callable[[str], AsyncIterator[Record]],
    delete: Callable[[Record], Awaitable[Record]],
    advance: Callable[[str], Awaitable[Record | None]],
) -> Receipt:
    """Erase a user, as far as that goes at this moment; again goes on.

    ``records`` lists what is not deleted of a user, ``delete`` makes a tombstone of a record, and
    ``advance`` works it off. Raises ``StorageError`` where repository or store cannot be reached.
    """
    async for record in records(user_id):
        await delete(record)
    # Where ids are UUIDs, a database knows them in any spelling; a folder is called by one of them.
    names = [sample.user_id for sample in await repository.samples(user_id)]
    names += [consent.user_id for consent in await repository.consents(user_id) if consent.user_id]
    for name in dict.fromkeys((user_id, *names)):
        for folder in folders_of(name):
            await media.delete(folder)
    gone = await repository.erase(user_id)
    for tombstone in await repository.tombstones(user_id):
        try:
            await advance(tombstone.id)
        except AvatarKitError as error:  # one that is stuck must not keep the others
            log.warning("erasure.stuck", id=tombstone.id, error=type(error).__name__)
    tombstones = await repository.tombstones(user_id)
    left = [*_live(gone.pop("live")), *(left for one in tombstones for left in _left(one))]
    return Receipt(
        at=(await repository.now()).wall,
        deleted=tuple(_deleted(gone, tombstones)),
        left=tuple(_summed(left)),
        forgotten_at=max((t.next_at for t in tombstones if t.next_at is not None), default=None),
    ).sealed()


def _deleted(gone: dict[str, int], tombstones: Iterable[Record]) -> Iterator[Count]:
    counts: Counter[tuple[str, str]] = Counter()
    for record in tombstones:
        counts["repository", _kind(record)] += 1
        counts["media", "results"] += record.purges > 0
        for state in record.every_operation:
            counts[state.provider, state.operation] += len(state.removed)
            counts[state.provider, "uploads"] += state.uploads == "gone"
    for what, count in gone.items():
        counts["repository", what] += count
    counts["media", "samples"] += gone["samples"]
    for (where, what), count in sorted(counts.items()):
        if count:
            yield Count(where=where, what=what, count=count)


def _kind(record: Record) -> str:
    return "trainings" if isinstance(record, Training) else "videos"


def _live(count: int) -> Iterator[Left]:
    if count:
        yield Left(where="repository", what="records", count=count, why=_LIVE, pending=True)


def _left(record: Record) -> Iterator[Left]:
    """What one tombstone still has to clear away, and what it cannot."""
    if not record.purges:
        yield Left(where="media", what="results", count=1, why=_SOON, pending=True)
    operation = record.action.operation if record.action else None  # only a key can be asked for
    asking = record.operation(operation) if operation else None
    for state in record.every_operation:
        barred = asking is not None and asking.provider == state.provider
        yield from _left_there(state, _NO_KEY if barred else _SOON)


def _left_there(state: OperationState, why: str) -> Iterator[Left]:
    reasons = {
        "doubt": f"whether it was made is not known yet; {why}",
        "lost": "whether it was made cannot be known: look there",
    }
    for rest in leftovers.rests(state):
        yield Left(
            where=state.provider,
            what="uploads" if rest.kind == "uploads" else str(state.operation),
            count=len(rest.ids) or 1,
            why=reasons.get(rest.kind) or (why if rest.pending else _BY_HAND),
            pending=rest.pending,
            ids=rest.ids,
        )


_LIVE = "it was begun meanwhile: erase once more; or it cannot be read: mend it, the log names it"
_SOON = "a worker goes on with it"
_NO_KEY = "its account's key is not set, or its folder is not here: give it, or answer give_up"
_BY_HAND = "it cannot be deleted from here, or was not made from here: ask the provider"


def _summed(found: Iterable[Left]) -> Iterator[Left]:
    """One line for all that is left in one place for one reason."""
    by_kind: dict[tuple[str, str, str, bool], list[Left]] = {}
    for left in found:
        by_kind.setdefault((left.where, left.what, left.why, left.pending), []).append(left)
    for _, same in sorted(by_kind.items()):
        ids = tuple(dict.fromkeys(i for left in same for i in left.ids))
        count = len(ids) or sum(left.count for left in same)
        yield same[0].model_copy(update={"count": count, "ids": ids})
