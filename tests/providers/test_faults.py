"""The list of faults still fits the source, and some of them, planted, are caught."""

from __future__ import annotations

import tomllib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from providers import faults
from providers.faults import FAULTS, UNSEEN

pytestmark = pytest.mark.once

#: One of each kind whose tests are quick; ``nox -s faults`` plants all.
SAMPLE = {
    ("providers/http.py", "only the first page is searched"),
    ("webhooks.py", "a time in the future passes"),
    ("content/audio.py", "the last samples are lost"),
    ("providers/rask.py", "a paid call is sent again with a new token"),
    ("providers/resemble.py", "a success that says it is none passes"),
    ("providers/synthesia.py", "a video does not carry our token"),
    ("providers/data/elevenlabs.toml", "a 401 without credits is a wrong key"),
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.file}: {fault.what}")
def test_a_fault_has_one_place_in_the_source_and_is_a_program(fault):
    if fault.file.endswith(".toml"):
        assert tomllib.loads(fault.planted())
    else:
        compile(fault.planted(), fault.file, "exec")


def test_there_are_enough_of_them_and_none_is_told_twice():
    told = Counter((fault.file, fault.what) for fault in FAULTS)
    assert len(told) >= 40
    assert set(told.values()) == {1}


def test_what_is_documented_as_unseen_is_a_fault():
    assert set(UNSEEN) <= {fault.what for fault in FAULTS}


def test_a_fault_whose_place_is_gone_is_an_error():
    lost = faults.Fault("content/audio.py", "nothing", "no such text", "", ())
    with pytest.raises(LookupError, match="0 times, not once"):
        lost.planted()


def test_some_are_planted_and_caught():
    sample = [fault for fault in FAULTS if (fault.file, fault.what) in SAMPLE]
    with faults.package() as folder, ThreadPoolExecutor(2) as pool:
        verdicts = list(pool.map(lambda fault: faults.catch(fault, folder), sample))
    assert len(verdicts) == len(SAMPLE)
    assert [v.fault.what for v in verdicts if v.test is None] == []


def test_what_no_test_sees_is_not_said_to_be_caught(tmp_path):
    (tmp_path / "test_nothing.py").write_text("def test_nothing():\n    pass\n")
    harmless = faults.Fault(
        "content/audio.py",
        "nothing",
        "_CHUNK = 4096",
        "_CHUNK = 4095",
        (str(tmp_path / "test_nothing.py"),),
    )
    with faults.package() as folder:
        verdict = faults.catch(harmless, folder)
    assert (verdict.test, verdict.well) == (None, False)


def test_a_fault_that_is_no_program_is_not_caught_either(tmp_path):
    (tmp_path / "test_import.py").write_text(
        "import avatarkit.content.audio\n\ndef test_nothing():\n    pass\n"
    )
    broken = faults.Fault(
        "content/audio.py",
        "nothing",
        "_CHUNK = 4096",
        "_CHUNK = =",
        (str(tmp_path / "test_import.py"),),
    )
    with faults.package() as folder:
        verdict = faults.catch(broken, folder)
    assert (verdict.test, verdict.well) == (None, False)
