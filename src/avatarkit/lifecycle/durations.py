"""Durations of trainings: measured here if enough were completed, else typical."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ..interfaces import Clock, Repository
from ..records import Status, Training

#: Seconds for which a measurement is cached: pages that people watch ask all the time.
_MEASURED_FOR = 60.0
#: Completed trainings that are read, and the least number of one stack.
_MEASURED, _ENOUGH = 100, 3


@dataclass(frozen=True, slots=True)
class Duration:
    """Duration of a training from its start to its end."""

    seconds: float
    #: median of the stack's newest completed trainings, else what its providers usually take
    basis: Literal["measured", "typical"]


class Durations:
    """Measures the newest completed trainings, at most once a minute."""

    def __init__(self, repository: Repository, clock: Clock) -> None:
        self._repository = repository
        self._clock = clock
        self._at = -_MEASURED_FOR
        self._took: Mapping[str, float] = {}

    async def of(self, training: Training) -> Duration:
        """The expected duration of such a training."""
        took = (await self.took()).get(training.stack)
        if took is not None:
            return Duration(took, "measured")
        return Duration(sum(state.terms.typical for state in training.operations), "typical")

    async def took(self) -> Mapping[str, float]:
        """Median seconds of the newest completed trainings, by stack with enough of them."""
        now = self._clock.now().wall
        if not 0 <= now - self._at < _MEASURED_FOR:
            self._took = await self._measure()
            self._at = now
        return self._took

    async def _measure(self) -> Mapping[str, float]:
        page = await self._repository.page("training", status=Status.COMPLETED, limit=_MEASURED)
        took: dict[str, list[float]] = {}
        for record in page.records:
            seconds = (record.completed_at or 0.0) - record.created_at
            # What was adopted took none, and what an ended attempt lost is not this one's time.
            if seconds > 0 and not record.ended:
                took.setdefault(record.stack, []).append(seconds)
        return {
            stack: statistics.median(times)
            for stack, times in took.items()
            if len(times) >= _ENOUGH
        }
