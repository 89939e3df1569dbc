"""Erasure: deletes a person's data at every vendor, in the media store and in the repository.

Every step is idempotent, so a killed erasure is resumed by calling it again. First each record of
the user becomes a tombstone, which stops paid calls and is worked off by any worker; then local
data is deleted, then the vendors'. The receipt is computed from the state afterwards, not from the
steps of this call.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Self

from pydantic import Field

from ._log import get_logger
from .errors import AvatarKitError, NotFound
from .intake.recordings import folders_of
from .interfaces import MediaStore, Repository
from .lifecycle import leftovers
from .models import Model
from .records import OperationState, Record, Training
from .repositories.paging import every_record

__all__ = ["Count", "Left", "Receipt", "erase", "progress", "revoke"]

log = get_logger(__name__)


class Count(Model):
    """Number of deleted things of one kind."""

    where: str  #: "repository", "media", or the provider's name
    what: str
    count: int


class Left(Count):
    """Things that are not deleted, and the reason."""

    why: str
    pending: bool  #: True: a worker goes on; False: a person must remove it at the vendor
    #: the vendor's ids, for deleting them by hand; not part of the kept receipt
    ids: tuple[str, ...] = Field(default=(), exclude=True, repr=False)


class Receipt(Model):
    """Result of an erasure, without personal data: no user, person, file, or vendor's id.

    Every receipt lists all that is left, until it is deleted, or removed by hand.
    """

    at: float  #: seconds since 1970
    deleted: tuple[Count, ...]
    left: tuple[Left, ...]
    #: earliest time at which the last row drops the user's id; None: no row has it, or a row keeps
    #: it until a person has removed what is left
    forgotten_at: float | None
    digest: str = ""  #: SHA-256 of the rest, as JSON

    @property
    def complete(self) -> bool:
        """True if nothing is left."""
        return not self.left

    def sealed(self) -> Self:
        """The receipt with its digest."""
        told = self.model_dump_json(exclude={"digest"})
        return self.model_copy(update={"digest": hashlib.sha256(told.encode()).hexdigest()})


async def erase(
    user_id: str,
    *,
    repository: Repository,
    media: MediaStore,
    delete: Callable[[Record], Awaitable[Record]],
    advance: Callable[[str], Awaitable[Record | None]],
    removed_by_hand: Callable[[Record], Awaitable[Record]] | None = None,
) -> Receipt:
    """Erase a user, as far as that goes at this moment; a second call goes on.

    ``delete`` turns a record into a tombstone, and ``advance`` works the tombstone off.
    ``removed_by_hand`` is called with each tombstone of an earlier erasure, if a person has removed
    what could not be deleted. Raises ``StorageError`` if the repository or the store cannot be
    reached.
    """
    if removed_by_hand is not None:
        for tombstone in await repository.tombstones(user_id):
            await removed_by_hand(tombstone)
    async for record in every_record(repository, user_id):
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
    return await progress(user_id, repository=repository, gone=gone)


async def progress(
    user_id: str, *, repository: Repository, gone: Mapping[str, int] | None = None
) -> Receipt:
    """Write the receipt of an erasure from the present state, and delete nothing.

    ``gone`` are the rows that were deleted at this moment; only its receipt counts them.
    """
    counts = {"live": 0, "samples": 0, **(gone or {})}
    tombstones = await repository.tombstones(user_id)
    left = [*_live(counts.pop("live")), *(left for one in tombstones for left in _left(one))]
    return Receipt(
        at=(await repository.now()).wall,
        deleted=tuple(_deleted(counts, tombstones)),
        left=tuple(_summed(left)),
        forgotten_at=_forgotten_at(tombstones),
    ).sealed()


def _forgotten_at(tombstones: Iterable[Record]) -> float | None:
    times = [tombstone.next_at for tombstone in tombstones]
    known = [at for at in times if at is not None]
    return max(known) if len(known) == len(times) and known else None


async def revoke(
    consent_id: str,
    *,
    repository: Repository,
    withdraw: Callable[[Record], Awaitable[Record]],
) -> list[leftovers.Holding]:
    """Revoke a consent, stop the records that rely on it, and list what exists by it.

    ``withdraw`` removes from the vendors what belongs to a record that is not completed. Raises
    ``NotFound`` for an unknown consent.
    """
    consent = await repository.revoke_consent(consent_id, (await repository.now()).wall)
    if consent is None:
        raise NotFound(f"there is no consent {consent_id!r}")
    found = list(leftovers.of_consent(consent))
    async for record in every_record(repository, consent.user_id):
        if record.consent_id == consent_id:
            found += leftovers.of_record(await withdraw(record))
    return found


def _deleted(gone: dict[str, int], tombstones: Iterable[Record]) -> Iterator[Count]:
    counts: Counter[tuple[str, str]] = Counter()
    for record in tombstones:
        counts["repository", _kind(record)] += 1
        counts["media", "results"] += record.purges > 0
        for state in record.every_operation:
            counts[state.provider, state.operation] += len(state.cleanup.removed)
            counts[state.provider, "uploads"] += state.uploads.fate == "gone"
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
    """The leftovers of one tombstone: those still to be deleted, and those that cannot be."""
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
        "lost": "whether it was made cannot be known: look there, and remove it; then erase once "
        "more with removed_by_hand",
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
_BY_HAND = (
    "it cannot be deleted from here, or was not made from here: remove it at the provider, or ask "
    "it to; then erase once more with removed_by_hand"
)


def _summed(found: Iterable[Left]) -> Iterator[Left]:
    """Merge leftovers of one place, kind and reason into one line."""
    by_kind: dict[tuple[str, str, str, bool], list[Left]] = {}
    for left in found:
        by_kind.setdefault((left.where, left.what, left.why, left.pending), []).append(left)
    for _, same in sorted(by_kind.items()):
        ids = tuple(dict.fromkeys(i for left in same for i in left.ids))
        count = len(ids) or sum(left.count for left in same)
        yield same[0].model_copy(update={"count": count, "ids": ids})
