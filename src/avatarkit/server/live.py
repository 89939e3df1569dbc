"""Live progress: all watchers of one record share one subscription to its changes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sse_starlette import ServerSentEvent

from .._log import cleaned, get_logger
from ..errors import AvatarKitError, NotFound, StorageError
from ..kit import AvatarKit
from ..records import Training, Video
from . import request_ids

log = get_logger(__name__)

#: Seconds between looks for records that a user has made.
_FIND = 2.0


@dataclass(slots=True, eq=False)
class _Channel:
    """A watched record: its latest state and the encoded event for every watcher."""

    root: str
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
        self, kit: AvatarKit, as_json: Callable[[Training | Video, str], dict[str, Any]]
    ) -> None:
        self._kit = kit
        self._as_json = as_json
        self._channels: dict[str, _Channel] = {}

    def watched(self, record_id: str) -> Training | Video | None:
        """Return the latest state of a watched record without a database query."""
        channel = self._channels.get(record_id)
        return channel.record if channel else None

    async def changes(
        self, record_id: str, after: int = -1, root: str = ""
    ) -> AsyncIterator[bytes]:
        """Yield an event now and at each change, until the record is final or deleted.

        Versions up to ``after`` are skipped. ``root`` is the path that the API is mounted at.
        """
        channel = self._channels.get(record_id)  # shared until the last watcher leaves
        if channel is None:
            channel = self._channels[record_id] = _Channel(root)
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

    async def changes_of(self, user: str, root: str = "") -> AsyncIterator[bytes]:
        """Yield an event for each of a user's unfinished records now, and at each change of one.

        Records that the user makes later are found within seconds. It ends with its caller only.
        """
        every = _EveryRecord(self, user, root)
        finding = asyncio.create_task(every.find(), context=request_ids.apart())
        try:
            while True:
                yield await every.events.get()
        finally:
            finding.cancel()
            for task in [*every.tasks]:
                task.cancel()

    async def newest(self, user: str) -> AsyncIterator[Training | Video]:
        """Yield a user's newest trainings and videos; a client reconnects if that fails."""
        with suppress(StorageError):
            for record in (await self._kit.page("training", user_id=user, limit=100)).records:
                yield record
            for video in (await self._kit.page("video", user_id=user, limit=100)).records:
                yield video

    def _forget(self, record_id: str, channel: _Channel) -> None:
        if self._channels.get(record_id) is channel:
            del self._channels[record_id]
        if channel.task is not None:
            channel.task.cancel()

    async def _watch(self, record_id: str, channel: _Channel) -> None:
        try:
            async for record in self._kit.watch(record_id):
                channel.record, channel.version = record, record.version
                text = json.dumps(self._as_json(record, channel.root), separators=(",", ":"))
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


@dataclass(slots=True, eq=False)
class _EveryRecord:
    """Collects the events of all records of a user."""

    hub: Hub
    user: str
    root: str
    events: asyncio.Queue[bytes] = field(default_factory=partial(asyncio.Queue[bytes], maxsize=1))
    tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    async def find(self) -> None:
        """Watch unfinished records, and every record that is made later."""
        known: set[str] = set()
        first = True
        while True:
            found = [record async for record in self.hub.newest(self.user)]
            for record in found:
                if record.id not in known and not (first and record.status.final):
                    self._watch(record.id)
            known |= {record.id for record in found}
            first = False
            await asyncio.sleep(_FIND)

    def _watch(self, record_id: str) -> None:
        task = asyncio.create_task(self._forward(record_id))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _forward(self, record_id: str) -> None:
        async for event in self.hub.changes(record_id, root=self.root):
            await self.events.put(event)
