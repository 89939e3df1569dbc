"""Records: revising the parts of an operation."""

import pytest

from avatarkit.models import Action, JobState, Operation
from avatarkit.records import OperationState, Status
from avatarkit.testing.repositories import a_training, a_video

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


@pytest.mark.parametrize("show", [repr, str])
def test_a_record_is_shown_in_one_line_with_what_users_need(show):
    asked = Action(
        kind="retry", message="Buy credits\nand answer", url="https://a.example?key=s3cret"
    )
    training = a_training(status=Status.ACTION_REQUIRED, progress=40, action=asked, name="Ana")
    assert show(training) == (
        f"Training(id={training.id!r}, status='action_required', progress=40, "
        f"user_id={training.user_id!r}, clone_id={training.clone_id!r}, stack={training.stack!r}, "
        "name='Ana', action='Buy credits\\nand answer')"
    )


def test_a_failed_record_shows_its_reason_without_secrets():
    video = a_video(
        training_id="t1",
        status=Status.FAILED,
        error_type="Refused",
        error_message="see https://x.example/?sig=s3cret",
    )
    shown = repr(video)
    assert "training_id=" in shown
    assert "error_type='Refused', error_message='see https://x.example/" in shown
    assert "s3cret" not in shown
    assert len(shown.splitlines()) == 1
