"""Frames of a stored clip by number, decoded in groups from one key frame to the next.

A clip is played to and fro, so it is read backwards too. Of a small one all groups are held in
memory, of a large one two at least.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from avatarkit.content.decoding import moving
from avatarkit.providers.local.audio import open_media
from avatarkit.providers.local.paste import Frame
from avatarkit.providers.local.video import STORED

GROUP: Final = STORED.keyframes or 1
HELD: Final = 64 << 20  # bytes of decoded frames
LEAST: Final = 2  # groups that are held, however large


class Clip:
    """A stored clip of ``count`` frames; a context manager. Several threads may read it."""

    def __init__(self, path: Path, count: int) -> None:
        self._count = count
        self._path = path
        self._groups: OrderedDict[int, list[Frame]] = OrderedDict()
        self._lock = threading.Lock()
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._container = self._stack.enter_context(open_media(self._path))
        self._stream = moving(self._container)[0]
        pixels = self._stream.width * self._stream.height
        self._most = max(LEAST, HELD // (GROUP * pixels * 3 // 2))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def __len__(self) -> int:
        return self._count

    def number_at(self, moment: int) -> int:
        """Number of the frame to show at a moment, counted in frames: the clip plays to and fro."""
        last = self._count - 1
        if last == 0:
            return 0
        place = moment % (2 * last)
        return min(place, 2 * last - place)

    def __getitem__(self, number: int) -> Frame:
        group, place = divmod(number, GROUP)
        with self._lock:
            if group not in self._groups:
                self._groups[group] = self._decode(group)
                if len(self._groups) > self._most:
                    self._groups.popitem(last=False)
            return self._groups[group][place]

    def _decode(self, group: int) -> list[Frame]:
        stream = self._stream
        first = group * GROUP
        wanted = min(GROUP, self._count - first)
        start = int(first / stream.average_rate / stream.time_base)
        self._container.seek(start, stream=stream)
        frames: list[Frame] = []
        for frame in self._container.decode(stream):
            if frame.pts >= start:
                frames.append(Frame.from_video(frame))
            if len(frames) == wanted:
                break
        return frames
