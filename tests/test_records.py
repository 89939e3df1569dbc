"""Records: revising the parts of an operation."""

import pytest

from avatarkit.models import JobState, Operation
from avatarkit.records import OperationState

VOICE = OperationState(operation=Operation.VOICE, provider="acme")


def test_a_part_is_revised_field_by_field():
    revised = VOICE.revised(job={"id": "j1"}, failures=2).revised(job={"state": JobState.RUNNING})
    assert (revised.job.id, revised.job.state, revised.failures) == ("j1", JobState.RUNNING, 2)
    assert VOICE.job.id is None


@pytest.mark.parametrize(
    "changes", [{"job_id": "j1"}, {"call": {"job_id": "j1"}}, {"job": {"Id": "j1"}}], ids=str
)
def test_a_field_that_does_not_exist_cannot_be_revised(changes):
    with pytest.raises(TypeError, match="has no field"):
        VOICE.revised(**changes)


def test_a_part_cannot_be_taken_away():
    with pytest.raises(TypeError):
        VOICE.revised(call=None)
