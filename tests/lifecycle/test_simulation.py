"""The money rule, proved in a simulated world; and the proof itself, tried on broken protocols."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import avatarkit

SOURCE = Path(avatarkit.__file__).parent
SIMULATION = Path(__file__).with_name("simulation.py")
FIRST_HISTORIES = 40 if os.environ.get("AVATARKIT_TEST_QUICK") else 400
HISTORIES_PER_MUTANT = 12_000  # half of them strange
#: A history that showed each mutant, which is tried first; where none does any more, all are tried.
#: ``python tests/lifecycle/test_simulation.py`` finds them again after the simulation has changed.
SHOWN_FILE = Path(__file__).with_name("shown.json")
SHOWN = json.loads(SHOWN_FILE.read_text())

#: One line of the protocol each, broken: (file, what stands there, what a mistake would write).
MUTANTS = {
    "the call is made before its intent is saved": (
        "lifecycle/paid_call.py",
        "saved = await self._repository.save(record, intended)",
        "saved = intended",
    ),
    "there is no settle time": (
        "lifecycle/decide.py",
        "return policy.send_guard + policy.timeout + operation.terms.list_lag",
        "return 0.0",
    ),
    "settle forgets the list lag": (
        "lifecycle/decide.py",
        "return policy.send_guard + policy.timeout + operation.terms.list_lag",
        "return policy.send_guard + policy.timeout",
    ),
    "settle forgets the send guard": (
        "lifecycle/decide.py",
        "return policy.send_guard + policy.timeout + operation.terms.list_lag",
        "return policy.timeout + operation.terms.list_lag",
    ),
    "there is no send guard": (
        "lifecycle/paid_call.py",
        "passed > self._policy.send_guard",
        "passed > 1e9",
    ),
    "a lost answer counts as not accepted": (
        "lifecycle/effects.py",
        '    errors.RateLimited: "retry",',
        '    errors.Ambiguous: "retry", TimeoutError: "retry", errors.RateLimited: "retry",',
    ),
    "an intent of unknown fate is sent again": (
        "lifecycle/decide.py",
        "return Step(Do.RECONCILE, intent, intent.not_before)",
        "return Step(Do.SUBMIT, intent, intent.not_before)",
    ),
    "absence is believed early": (
        "lifecycle/paid_call.py",
        "if passed < settle:",
        "if passed < 0:",
    ),
    "absence is dated after the look-up": (
        "lifecycle/paid_call.py",
        "return await self._presume_absent(record, state, now)",
        "return await self._presume_absent(record, state, await self._repository.now())",
    ),
    "a failed look-up counts as absence": (
        "lifecycle/paid_call.py",
        "            return await self._later(record, state, error, now)\n        if jobs:",
        "            jobs, files = [], None\n        if jobs:",
    ),
    "the intent is saved whoever was faster": (
        "lifecycle/paid_call.py",
        "return await self._reload(record)  # somebody else moved it: decide again",
        "saved = (await self._reload(record)).model_copy(update=dict(operations="
        "intended.operations))",
    ),
    "an outcome speaks of every attempt": (
        "lifecycle/apply.py",
        "if op.phase is not Phase.INTENT or op.call.attempt != e.attempt:\n"
        "        return record  # it",
        "if op.phase is not Phase.INTENT:\n        return record  # it",
    ),
    "a final state is left": (
        "lifecycle/apply.py",
        "    if record.status.final:\n        return record.status\n",
        "",
    ),
    "cancel forgets the open intent": (
        "lifecycle/decide.py",
        "    for intent in record.operations:\n",
        "    if record.status.final:\n        return _after_the_end(record)\n"
        "    for intent in record.operations:\n",
    ),
    "cancel keeps what is found afterwards": (
        "lifecycle/apply.py",
        'return _discarding(record) if record.cleanup == "delete" else record',
        "return record",
    ),
    "completed before the bytes are stored": (
        "records.py",
        "return self.job.state is JobState.SUCCEEDED and self.job.stored",
        "return self.job.state is JobState.SUCCEEDED",
    ),
    "another stack is asked though a part was accepted": (
        "lifecycle/apply.py",
        "and all(o.phase is Phase.NONE or o is own for o in record.operations)",
        "and True",
    ),
    "a call of unknown fate goes elsewhere": (
        "lifecycle/paid_call.py",
        "        except Exception as caught:  # noqa: BLE001 - anything else proves nothing\n",
        "        except Exception as caught:  # noqa: BLE001\n"
        "            if self._goes_elsewhere(record, state, caught):\n"
        "                return failover(state, caught, record.updated_at, attempt)\n",
    ),
    "a vendor that is down is never left": (
        "lifecycle/effects.py",
        "            return failover(state, error, now.wall, state.call.attempt)\n",
        "            pass\n",
    ),
    "what an earlier stack tells is taken for the next one's": (
        "lifecycle/apply.py",
        "event.provider == own.provider",
        "event.provider",
    ),
    "what an earlier stack holds is kept": (
        "lifecycle/decide.py",
        '"cleanup": "delete", "deleted": False',
        '"cleanup": "no", "deleted": False',
    ),
    "what is found after the end moves the progress": (
        "lifecycle/apply.py",
        "if progress >= record.progress and not record.status.final:",
        "if progress >= record.progress:",
    ),
    "a short wait is lost in the resolution of wall time": (
        "records.py",
        "return wall if seconds <= 0 else wall + max(seconds, _TICK)",
        "return wall + seconds",
    ),
    "a consent that was revoked ends what is paid, and keeps it": (
        "lifecycle/effects.py",
        "        withdrawn=withdrawn(error),\n",
        "",
    ),
    "a revocation leaves what has failed": (
        "lifecycle/people.py",
        "            withdrawn=True,\n        )\n        return await self._put(record, revoked)",
        "        )\n        return await self._put(record, revoked)",
    ),
    "a consent that was erased still holds": (
        "lifecycle/vendor_requests.py",
        "        if consent is None:\n            raise",
        "        if consent is None:\n            return\n        if False:\n            raise",
    ),
    "a deleted record is purged only once": ("lifecycle/decide.py", "PURGES = 2", "PURGES = 1"),
    "a clock that is set ahead settles a doubt": (
        "records.py",
        "same_boot = bool(since.boot_id) and since.boot_id == now.boot_id",
        "same_boot = False",
    ),
    "the worker's own clock dates the intent": (
        "lifecycle/paid_call.py",
        "instant = await self._repository.now()\n            guard",
        "instant = self._clock.now()\n            guard",
    ),
}

#: The same for steps of jobs that are begun by a call of their own, which dubs have.
MUTANTS_OF_STEPS = {
    "a step that is due is never begun": (
        "lifecycle/advance.py",
        "if job.next_step is not None and isinstance(provider, BeginsSteps):",
        "if False:",
    ),
    "a step is begun though the consent was withdrawn": (
        "lifecycle/advance.py",
        "                return await self._put(record, lapsed)\n"
        "            try:\n                begin =",
        "                pass\n            try:\n                begin =",
    ),
}


def load():
    spec = importlib.util.spec_from_file_location("simulation", SIMULATION)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def simulation():
    return load()


@pytest.mark.parametrize("make", ["training", "routed", "video", "scened", "dubbed"])
@pytest.mark.slow
@pytest.mark.once
def test_a_kill_at_any_boundary_loses_nothing_and_pays_once(simulation, make):
    assert simulation.exhaust(1, getattr(simulation, make)) > 50


@pytest.mark.parametrize("make", ["training", "routed", "video", "dubbed"])
@pytest.mark.slow
@pytest.mark.once
def test_two_kills_at_any_boundaries_lose_nothing_and_pay_once(simulation, make):
    """The vendor is fast here, so that one poll is like few others; `nox -s proof` takes all."""
    assert simulation.exhaust(2, getattr(simulation, make), duration=0.5) > 3000


@pytest.mark.parametrize("make", ["training", "routed", "scened", "dubbed"])
@pytest.mark.parametrize("event", ["Cancelled", "Deleted", "Revoking", "Erasing"])
@pytest.mark.slow
@pytest.mark.once
def test_an_end_at_any_boundary_leaves_nothing_at_the_vendor(simulation, make, event):
    assert simulation.exhaust(1, getattr(simulation, make), getattr(simulation, event)) > 50


def test_seeded_histories_lose_nothing_and_pay_once(simulation):
    for seed in range(FIRST_HISTORIES // 2):
        simulation.random_history(seed)
        simulation.random_history(simulation.STRANGE + seed)


def test_scenes_are_paid_once_each_in_seeded_histories(simulation):
    for seed in range(FIRST_HISTORIES):
        simulation.random_history(seed, simulation.scened)


def test_dubs_of_two_steps_are_paid_once_in_seeded_histories(simulation):
    for seed in range(FIRST_HISTORIES // 2):
        simulation.random_history(seed, simulation.dubbed)
        simulation.random_history(simulation.STRANGE + seed, simulation.dubbed)


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.parametrize(
    "mutant", [*MUTANTS, *MUTANTS_OF_STEPS], ids=lambda name: name.replace(" ", "-")
)
def test_the_simulation_notices_when(mutant, tmp_path):
    noticed(mutant, tmp_path)


def noticed(mutant, folder):
    """Break the protocol in a copy, and return the first history that shows it, which is to be."""
    what = "dubs" if mutant in MUTANTS_OF_STEPS else "random"
    name, right, wrong = (MUTANTS | MUTANTS_OF_STEPS)[mutant]
    shutil.copytree(
        SOURCE, folder / "avatarkit", ignore=shutil.ignore_patterns("providers", "data", "cli")
    )
    path = folder / "avatarkit" / name
    text = path.read_text()
    assert text.count(right) == 1, f"{right!r} stands {text.count(right)} times in {name}"
    path.write_text(text.replace(right, wrong))
    first = [str(seed) for known, seed in SHOWN.items() if known == mutant]
    run = subprocess.run(
        [sys.executable, str(SIMULATION), what, str(HISTORIES_PER_MUTANT), *first],
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1, f"survived {HISTORIES_PER_MUTANT} histories: {run.stdout}"
    assert "Broken: " in run.stderr, run.stderr[-2000:]
    return int(run.stdout)


if __name__ == "__main__":  # find again the histories that show the mutants, which takes minutes
    every = [*MUTANTS, *MUTANTS_OF_STEPS]
    with tempfile.TemporaryDirectory() as folder:
        found = {mutant: noticed(mutant, Path(folder, str(n))) for n, mutant in enumerate(every)}
    SHOWN_FILE.write_text(json.dumps(found, indent=2) + "\n")
