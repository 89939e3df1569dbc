"""The workflow of the Temporal engine: one per record, which visits it until nothing is due.

Temporal replays it from its history: what it does may only depend on its arguments, on answers of
the activity and on signals. Before a change of the order of its commands, read ``workflow.patched``
in Temporal's documentation; a test replays histories of earlier versions.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

#: Names in histories, which outlive versions of this file.
WORKFLOW, ACTIVITY, WAKE = "avatarkit.record", "avatarkit.advance", "wake"


@dataclass
class Plan:
    """Arguments of the workflow, fixed when it starts: another version replays it alike."""

    record_id: str
    visits: int  #: after which the workflow continues as new, with an empty history
    heartbeat: float  #: seconds without a sign of life after which another worker visits
    longest: float  #: seconds that one visit may take
    pause: float  #: seconds after a visit that failed, or that changed nothing


@dataclass
class Visited:
    """Result of a visit."""

    version: int  #: of the record
    wait: float | None  #: seconds until it is due; None if it needs no more


@workflow.defn(name=WORKFLOW)
class RecordWorkflow:
    """Visits one record; the signal ``wake`` brings the next visit forward."""

    def __init__(self) -> None:
        self._woken = False

    @workflow.signal(name=WAKE)
    def wake(self) -> None:
        """Visit the record now."""
        self._woken = True

    @workflow.run
    async def run(self, plan: Plan) -> None:
        """Visit the record until it needs no more."""
        version = -1
        for _ in range(plan.visits):
            self._woken = False
            visited = await workflow.execute_activity(
                ACTIVITY,
                plan.record_id,
                result_type=Visited,
                heartbeat_timeout=timedelta(seconds=plan.heartbeat),
                start_to_close_timeout=timedelta(seconds=plan.longest),
                retry_policy=RetryPolicy(
                    initial_interval=timedelta(seconds=plan.pause),
                    maximum_interval=timedelta(seconds=20 * plan.pause),
                ),
            )
            if visited.wait is None and not self._woken:
                return
            wait = visited.wait or 0.0
            if wait <= 0 and visited.version == version:  # somebody has edited its row
                wait = plan.pause
            version = visited.version
            with suppress(asyncio.TimeoutError):
                await workflow.wait_condition(lambda: self._woken, timeout=wait)
            if workflow.info().is_continue_as_new_suggested():
                break
        workflow.continue_as_new(plan)
