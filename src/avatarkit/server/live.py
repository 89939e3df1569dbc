"""Live progress: all watchers of one record share one subscription to its changes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from sse_starlette import ServerSentEvent

from .._log import cleaned, get_logger
from ..errors import AvatarKitError, NotFound, StorageError
from ..kit import AvatarKit
from ..records import Training, Video
from . import request_ids

log = get_logger(__name__)


@dataclass(slots=True, eq=False)
class _Channel:
    """A watched record: its latest state and the encoded event for every watcher."""

    changed: asyncio.Event = field(default_factory=asyncio.Event)
    record: Training | Video | None = None
    version: int = -1
    event: bytes = b""
    ended: bool = False
    watchers: int = 0
    task: asyncio.Task[None] | None = None


class Hub:
    """Watches each record once for any number of watchers; ``as_json`` makes the event's data."""

    def __init__(
        self, kit: AvatarKit, as_json: Callable[[Training | Video], dict[str, Any]]
    ) -> None:
        self._kit = kit
        self._as_json = as_json
        self._channels: dict[str, _Channel] = {}

    def watched(self, record_id: str) -> Training | Video | None:
        """Return the latest state of a watched record without a database query."""
        channel = self._channels.get(record_id)
        return channel.record if channel else None

    async def changes(self, record_id: str, after: int = -1) -> AsyncIterator[bytes]:
        """Yield an event now and at each change, until the record is final or deleted.

        Versions up to ``after`` are skipped.
        """
        channel = self._channels.get(record_id)  # shared until the last watcher leaves
        if channel is None:
            channel = self._channels[record_id] = _Channel()
            watching = self._watch(record_id, channel)
            channel.task = asyncio.create_task(watching, context=request_ids.apart())
        channel.watchers += 1
        try:
            while True:
                changed = channel.changed
                if channel.version > after:
                    after = channel.version
                    yield channel.event
                if channel.ended:
                    return
                if channel.version <= after:
                    await changed.wait()
        finally:
            channel.watchers -= 1
            if not channel.watchers:
                self._forget(record_id, channel)

    def _forget(self, record_id: str, channel: _Channel) -> None:
        if self._channels.get(record_id) is channel:
            del self._channels[record_id]
        if channel.task is not None:
            channel.task.cancel()

    async def _watch(self, record_id: str, channel: _Channel) -> None:
        try:
            async for record in self._kit.watch(record_id):
                channel.record, channel.version = record, record.version
                text = json.dumps(self._as_json(record), separators=(",", ":"))
                event = ServerSentEvent(text, event="change", id=str(record.version))
                channel.event = event.encode()
                self._notify(channel)
        except (NotFound, StorageError):
            pass  # deleted, or the database is away: watchers reconnect and get the error
        except AvatarKitError as error:
            log.warning("watch.failed", id=record_id, reason=cleaned(str(error)))
        finally:
            channel.ended = True
            self._notify(channel)
            if self._channels.get(record_id) is channel:
                del self._channels[record_id]

    @staticmethod
    def _notify(channel: _Channel) -> None:
        previous, channel.changed = channel.changed, asyncio.Event()
        previous.set()
