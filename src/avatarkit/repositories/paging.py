"""Paging: every record of a user, page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal

from ..interfaces import Repository
from ..records import Record


async def every_record(
    repository: Repository,
    user_id: str | None,
    clone_id: str | None = None,
    *,
    training_id: str | None = None,
) -> AsyncIterator[Record]:
    """Yield every training and video that is not deleted: of one user, one clone, or of all.

    With ``training_id`` that training's videos alone. The next page is read after the caller has
    worked off the one before.
    """
    kinds: tuple[Literal["training", "video"], ...] = ("training", "video")
    for kind in kinds[1:] if training_id else kinds:
        cursor: str | None = None
        while True:
            page = await repository.page(
                kind,
                user_id=user_id,
                clone_id=clone_id,
                training_id=training_id,
                cursor=cursor,
                limit=200,
            )
            for record in page.records:
                yield record
            cursor = page.cursor
            if cursor is None:
                break
