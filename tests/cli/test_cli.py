"""The command line on the fake stack: what it prints, where, and with which exit code."""

from __future__ import annotations

import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from avatarkit import cli, errors
from avatarkit.cli import exit_codes, session
from avatarkit.cli.app import app
from avatarkit.cli.exit_codes import Ended
from avatarkit.cli.output import Output
from avatarkit.models import WORDING, Operation
from avatarkit.providers.fake import FakeVendor, Fault, portrait
from warm import Program

DEMO = Path(str(files("avatarkit") / "data" / "demo"))
SAMPLES = (f"--voice={DEMO / 'voice.wav'}", f"--footage={DEMO / 'portrait.jpg'}")
NOBODY = "--not-a-real-person=a drawing"


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AVATARKIT_STACK", "fake")
    return tmp_path


@pytest.fixture
def vendor():
    return FakeVendor(file=Path(".avatarkit/fake/vendor.json"))


def run(*arguments, given=None):
    return CliRunner().invoke(app, [str(a) for a in arguments], input=given)


def printed(*arguments, code=0):
    """Every JSON document that a command prints."""
    result = run(*arguments, "--json")
    assert result.exit_code == code, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def train(*arguments):
    result = run("train", *SAMPLES, NOBODY, *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout.strip()


def process(*arguments, command=(), code=""):
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    if command:
        return subprocess.Popen(command, **options)
    return Program(*arguments, code=code, **options)


# -- training, watching ---------------------------------------------------------------------------


def test_a_training_is_waited_for():
    training = train()
    assert printed("status", training)[0]["status"] == "completed"


def test_a_training_that_is_not_waited_for_is_pending():
    training = train("--no-wait")
    assert printed("status", training)[0]["status"] == "pending"


def test_watching_drives_a_training_to_its_end():
    training = train("--no-wait")
    assert printed("watch", training)[-1]["status"] == "completed"


def test_watching_prints_one_document_per_change():
    training = train("--no-wait")
    progress = [update["progress"] for update in printed("watch", training)]
    assert progress == sorted(progress)


def test_the_same_key_is_the_same_training():
    assert train("--idempotency-key=one") == train("--idempotency-key=one")


def test_stdout_of_a_training_is_its_id_alone():
    result = run("train", *SAMPLES, NOBODY)
    listed = printed("list")[0]["trainings"]
    assert result.stdout == f"{listed[0]['id']}\n"


def test_progress_goes_to_stderr():
    assert "completed, 100 %" in run("train", *SAMPLES, NOBODY).stderr


def test_a_training_that_failed_says_why(vendor):
    vendor.fail_next(Operation.AVATAR, Fault.JOB_FAILS)
    result = run("train", *SAMPLES, NOBODY)
    assert (result.exit_code, "is failed: " in result.stderr) == (exit_codes.FAILED, True)


def test_a_training_that_failed_ends_in_an_error_document(vendor):
    vendor.fail_next(Operation.AVATAR, Fault.JOB_FAILS)
    last = printed("train", *SAMPLES, NOBODY, code=exit_codes.FAILED)[-1]
    assert last["error"]["exit_code"] == exit_codes.FAILED


def test_a_training_that_needs_a_person_says_how_to_go_on(vendor):
    vendor.fail_next(Operation.VOICE, Fault.QUOTA)
    result = run("train", *SAMPLES, NOBODY)
    assert (result.exit_code, "avatarkit resolve" in result.stderr) == (
        exit_codes.ACTION_REQUIRED,
        True,
    )


def test_a_resolved_training_goes_on(vendor):
    vendor.fail_next(Operation.VOICE, Fault.QUOTA)
    training = printed("train", *SAMPLES, NOBODY, code=exit_codes.ACTION_REQUIRED)[0]["id"]
    run("resolve", training, "retry")
    assert printed("watch", training)[-1]["status"] == "completed"


def test_a_choice_that_is_not_offered_is_refused():
    assert (
        run("resolve", train(), "retry").exit_code
        == exit_codes.EXIT_CODES[errors.IllegalTransition]
    )


def test_a_recording_is_taken_only_where_one_is_asked_for():
    result = run("resolve", train(), "done", "--recording", DEMO / "voice.wav")
    assert result.exit_code == exit_codes.EXIT_CODES[errors.IllegalTransition]
    assert "no recording" in result.stderr


# -- interruption ---------------------------------------------------------------------------------


@pytest.fixture
def interrupted(vendor):
    """A training that was watched, and Ctrl-C pressed while its avatar was stuck."""
    vendor.fail_next(Operation.AVATAR, Fault.STUCK)
    training = train("--no-wait")
    watching = process("watch", training, "--json")
    for line in watching.stdout:
        if json.loads(line)["status"] == "training":
            break
    watching.send_signal(signal.SIGINT)
    _, said = watching.communicate(timeout=60)
    return training, watching.returncode, said


@pytest.mark.slow
def test_an_interrupted_watch_has_its_own_exit_code(interrupted):
    assert interrupted[1] == exit_codes.INTERRUPTED


@pytest.mark.slow
def test_an_interrupted_watch_says_how_to_come_back(interrupted):
    training, _, said = interrupted
    assert f"interrupted; continue with: avatarkit watch {training}" in said


@pytest.mark.slow
def test_an_interrupted_training_can_be_watched_to_its_end(interrupted, vendor):
    training = interrupted[0]
    with vendor._open() as books:
        for job in books.jobs:
            job.fault = None
        books.faults.clear()
    assert printed("watch", training)[-1]["status"] == "completed"


@pytest.mark.slow
def test_an_interrupted_training_is_paid_for_once(interrupted, vendor):
    assert set(vendor.accepted.values()) == {1}


# -- speaking -------------------------------------------------------------------------------------


def test_speaking_saves_the_video(place):
    run("speak", train(), "hello", "--out=hello.mp4")
    assert (place / "hello.mp4").read_bytes()[4:8] == b"ftyp"


def test_speaking_prints_the_path_alone():
    assert run("speak", train(), "hello", "--out=hello.mp4").stdout == "hello.mp4\n"


def test_speaking_without_a_path_names_the_file_by_the_video(place):
    path = printed("speak", train(), "hello")[-1]["path"]
    assert (place / path).is_file()


def test_an_avatar_can_be_driven_by_audio():
    speaking = printed("speak", train(), f"--audio={DEMO / 'voice.wav'}")
    assert speaking[-1]["status"] == "completed"


def test_watching_a_video_saves_it(place):
    video = printed("speak", train(), "hello")[-1]["id"]
    run("watch", video, "--out=again.mp4")
    assert (place / "again.mp4").is_file()


def test_a_video_that_cannot_be_saved_is_kept(place):
    (place / "taken").mkdir()
    result = run("speak", train(), "hello", "--out=taken", "--json")
    video = json.loads(result.stdout.splitlines()[0])["id"]
    assert run("watch", video, "--out=hello.mp4").exit_code == 0


CLIP = DEMO.parent / "fake/video.mp4"


def test_a_video_is_dubbed_into_each_language_and_saved(place):
    dubbed = [one for one in printed("dub", str(CLIP), "es", "pt-BR", NOBODY) if "path" in one]
    assert [(one["language"], one["path"]) for one in dubbed] == [
        ("es", "video.es.mp4"),
        ("pt-BR", "video.pt-BR.mp4"),
    ]
    assert all((place / one["path"]).read_bytes()[4:8] == b"ftyp" for one in dubbed)


def test_a_dub_that_fails_or_cannot_be_saved_leaves_the_others_saved(place, vendor):
    vendor.fail_next(Operation.DUB, Fault.JOB_FAILS)
    (place / "video.fr.mp4").mkdir()
    result = run("dub", str(CLIP), "es", "fr", "pt-BR", NOBODY)
    assert (result.exit_code, "is failed: " in result.stderr) == (exit_codes.FAILED, True)
    assert [path.name for path in place.glob("video.pt-BR.mp4") if path.is_file()]


def test_subtitles_are_given_for_each_language():
    wrong = run("dub", str(CLIP), "es", "de", NOBODY, "--subtitles=es.srt")
    assert (wrong.exit_code, "once for each language" in wrong.stderr) == (2, True)


def test_speaking_takes_either_text_or_audio():
    assert run("speak", "an-id").exit_code == 2


def test_a_picture_speaks_without_a_training(place):
    picture = place / "me.png"
    picture.write_bytes(portrait())
    said = ("speak", "Hello!", f"--picture={picture}", "--voice=stock-voice-en", "--user=ana")
    video = printed(*said, NOBODY)[-1]
    assert (video["status"], video["training_id"]) == ("completed", None)
    assert run("speak", "an-id", "Hello!", "--user=ana", NOBODY).exit_code == 2
    assert run("speak", f"--picture={picture}").exit_code == 2


def test_only_a_completed_training_speaks():
    assert run("speak", train("--no-wait"), "hello").exit_code == 12


# -- the demo -------------------------------------------------------------------------------------


def test_the_demo_ends_with_the_path_of_the_video(place):
    result = run("demo", "--stack=fake")
    assert Path(result.stdout.splitlines()[-1]).read_bytes()[4:8] == b"ftyp"


@pytest.mark.slow
def test_the_demo_runs_twice_at_once_in_one_folder():
    both = [process("demo", "--stack=fake") for _ in range(2)]
    assert [(p.communicate(timeout=120)[0], p.returncode) for p in both] == [
        ("avatarkit-demo.mp4\n", 0),
        ("avatarkit-demo.mp4\n", 0),
    ]


def test_the_demo_leaves_one_file_beside_its_own_folder(place):
    run("demo", "--stack=fake")
    assert {p.name for p in place.iterdir()} == {".avatarkit", "avatarkit-demo.mp4"}


def test_the_demo_saves_its_samples_once_and_replaces_no_other_file(place):
    for _ in range(2):
        result = run("demo", "--save-samples")
        assert (result.stdout, result.exit_code) == ("me.jpg\nme.wav\n", 0)
    assert (place / "me.wav").read_bytes() == (DEMO / "voice.wav").read_bytes()
    (place / "me.jpg").write_bytes(b"my own")
    result = run("demo", "--save-samples")
    assert (result.exit_code, "me.jpg is another file" in result.stderr) == (3, True)
    assert (place / "me.jpg").read_bytes() == b"my own"


def test_the_demo_of_ones_own_portrait_needs_a_consent():
    result = run("demo", "--stack=fake", f"--portrait={DEMO / 'portrait.jpg'}")
    assert (result.exit_code, "--consent FILE" in result.stderr) == (5, True)


# -- consent --------------------------------------------------------------------------------------


def consent_file(document):
    path = Path("papers/consent.json")
    path.parent.mkdir()
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return f"--consent={path}"


def test_a_consent_file_names_the_person():
    result = run("train", *SAMPLES, consent_file({"subject": "Ana Lima", "given_at": "2025-01-31"}))
    assert result.exit_code == 0


def test_evidence_is_looked_for_beside_the_consent_file():
    option = consent_file({"subject": "Ana Lima", "evidence": "signed.pdf"})
    Path("papers/signed.pdf").write_bytes(b"%PDF-1.7")
    assert run("train", *SAMPLES, option).exit_code == 0


@pytest.mark.parametrize(
    ("document", "named"),
    [
        pytest.param({"subject": 7}, "'subject'", id="a subject that is no text"),
        pytest.param({}, "'subject'", id="no subject"),
        pytest.param({"subject": "A", "given_at": "soon"}, "'given_at'", id="no moment"),
        pytest.param({"subject": "A", "given_at": True}, "'given_at'", id="a boolean moment"),
        pytest.param({"subject": "A", "colour": 1}, "'colour'", id="an unknown key"),
        pytest.param(["Ana"], "subject", id="a list"),
        pytest.param("Ana", "consent.json", id="not JSON"),
    ],
)
def test_a_malformed_consent_file_is_named_with_its_key(document, named):
    result = run("train", *SAMPLES, consent_file(document))
    assert (result.exit_code, named in result.stderr) == (3, True)


def test_a_consent_file_that_is_not_there_is_an_error():
    assert run("train", *SAMPLES, "--consent=nowhere.json").exit_code == 3


def test_two_kinds_of_consent_are_one_too_many():
    assert run("train", *SAMPLES, NOBODY, "--consent=nowhere.json").exit_code == 2


@pytest.fixture
def person(monkeypatch):
    """Somebody who sits at a terminal."""
    monkeypatch.setattr(Output, "may_ask", True)


def test_a_person_is_asked_who_agrees(person):
    result = run("train", *SAMPLES, given="Ana Lima\n")
    assert (result.exit_code, WORDING[1] in result.stderr) == (0, True)


def test_a_person_who_names_nobody_gives_no_consent(person):
    assert run("train", *SAMPLES, given="\n").exit_code == 5


@pytest.mark.parametrize("answer", ["y", "Yes", " n ", "no"])
def test_a_yes_or_no_is_not_the_name_of_a_person(person, answer):
    result = run("train", *SAMPLES, given=f"{answer}\n")
    assert (result.exit_code, "is not a name" in result.stderr) == (5, True)


def test_a_question_can_be_left_with_ctrl_c(person):
    assert run("train", *SAMPLES, given="").exit_code == exit_codes.INTERRUPTED


# -- looking --------------------------------------------------------------------------------------


def test_trainings_are_listed_newest_first():
    first, second = train("--clone=a"), train("--clone=b")
    assert [t["id"] for t in printed("list")[0]["trainings"]] == [second, first]


def test_a_piped_list_has_its_headings_and_one_line_per_record():
    training = train()
    head, row = (line.split("\t") for line in run("list").stdout.splitlines())
    assert (head[:2], row[:2]) == (["id", "status"], [training, "completed"])


@pytest.mark.parametrize("command", ["list", "costs", "budget", "webhooks list"])
def test_a_table_without_entries_says_so_beside_the_result(command):
    result = run(*command.split())
    assert (result.stdout, result.exit_code) == ("", 0)
    assert result.stderr.startswith("no ")


def test_a_list_can_be_narrowed():
    train()
    assert printed("list", "--user=somebody", "--status=completed")[0] == {"trainings": []}


def test_videos_are_listed():
    video = printed("speak", train(), "hello")[-1]["id"]
    assert [v["id"] for v in printed("list", "--videos")[0]["videos"]] == [video]


def test_a_status_that_does_not_exist_is_a_usage_error():
    assert run("list", "--status=sleeping").exit_code == 2


def test_a_status_is_shown_to_people():
    assert "status    completed" in run("status", train()).stdout


def test_a_status_document_has_these_fields():
    assert sorted(printed("status", train())[0]) == [
        "action",
        "avatar_id",
        "clone_id",
        "completed_at",
        "consent_id",
        "created_at",
        "earlier_stacks",
        "error",
        "estimated",
        "id",
        "kind",
        "name",
        "operations",
        "progress",
        "stack",
        "status",
        "updated_at",
        "user_id",
        "voice_id",
    ]


# -- cancelling, deleting -------------------------------------------------------------------------


@pytest.mark.slow
def test_cancelling_deletes_at_the_provider_at_once(vendor):
    vendor.fail_next(Operation.AVATAR, Fault.STUCK)
    training = printed("train", *SAMPLES, NOBODY, "--no-wait")[0]["id"]
    watching = process("watch", training, "--json")
    for line in watching.stdout:
        if json.loads(line)["progress"] == 97:
            break
    watching.send_signal(signal.SIGINT)
    watching.communicate(timeout=60)
    run("cancel", training)
    assert {job.id for job in vendor.jobs} == vendor.deleted


def test_a_cancelled_training_leaves_nothing():
    document = printed("cancel", train("--no-wait"))[0]
    assert (document["status"], document["left"]) == ("cancelled", [])


def test_a_completed_training_cannot_be_cancelled():
    assert run("cancel", train()).exit_code == 12


def test_a_deleted_training_is_gone():
    training = train()
    run("delete", training, "--yes")
    assert run("status", training).exit_code == 6


def test_a_training_is_deleted_with_its_videos(vendor):
    training = train()
    run("speak", training, "Hello")
    (deleted,) = printed("delete", training, "--yes")
    assert (len(deleted["with"]), deleted["left"]) == (1, [])
    assert {job.id for job in vendor.jobs} == vendor.deleted
    assert printed("list", "--videos") == [{"videos": []}]


def test_deleting_deletes_at_the_provider_at_once(vendor):
    run("delete", train(), "--yes")
    assert {job.id for job in vendor.jobs} == vendor.deleted


def test_a_deletion_says_what_is_left():
    training = train()
    assert printed("delete", training, "--yes") == [
        {"id": training, "deleted": True, "with": [], "left": []}
    ]


def test_deleting_needs_a_yes_where_nobody_can_be_asked():
    assert run("delete", train()).exit_code == 2


def test_a_person_who_says_yes_deletes(person):
    training = train()
    assert run("delete", training, given="y\n").exit_code == 0


def test_a_person_who_says_no_keeps_it(person):
    training = train()
    run("delete", training, given="n\n")
    assert run("status", training).exit_code == 0


# -- the installation -----------------------------------------------------------------------------


def test_providers_are_listed_with_what_they_can_do():
    listed = {p["name"]: p for p in printed("providers")[0]["providers"]}
    assert listed["fake"] == {
        "name": "fake",
        "origin": "avatarkit",
        "roles": [
            "VoiceCloner",
            "AvatarTrainer",
            "VideoGenerator",
            "SpeechSynthesizer",
            "VideoDubber",
        ],
        "extra": None,
        "ok": True,
        "ready": True,
        "problem": None,
        "key": None,
        "missing": [],
    }


def test_doctor_is_content_with_a_good_installation():
    assert printed("doctor")[0]["ok"]


def test_doctor_has_the_exit_code_of_the_first_problem():
    assert run("doctor", "--stack=nobody").exit_code == 3


def test_doctor_looks_at_everything_that_can_be_looked_at():
    document = printed("doctor", "--repository=carrier-pigeon://", "--stack=nobody", code=3)[0]
    assert [c["check"] for c in document["checks"] if not c["ok"]] == ["repository", "stack"]


def test_doctor_looks_at_samples():
    Path("noise.wav").write_text("this is text")
    assert run("doctor", "--samples=noise.wav", f"--samples={DEMO / 'voice.wav'}").exit_code == 4


def test_doctor_writes_into_the_media_folder():
    Path("media").write_text("a file where a folder should be")
    assert run("doctor", "--media=media").exit_code == 11


# -- errors ---------------------------------------------------------------------------------------

CLASSES = [getattr(errors, name) for name in errors.__all__ if name != "AvatarKitError"]
LEAVES = [c for c in CLASSES if not c.__subclasses__()]


@pytest.mark.parametrize("error", LEAVES, ids=lambda c: c.__name__)
def test_every_error_has_an_exit_code_of_its_own(error):
    assert exit_codes.EXIT_CODES[error] in {row.code for row in exit_codes.TABLE}


def test_an_unknown_exception_is_called_a_bug():
    assert exit_codes.ended(KeyError("x")).exit_code == exit_codes.BUG


def test_an_error_is_one_line():
    assert exit_codes.ended(errors.ConfigError("one\n  two")).message == "one two"


def test_an_error_is_one_line_on_stderr():
    assert len(run("status", "nobody").stderr.splitlines()) == 1


def test_an_error_is_a_document_in_json():
    assert printed("status", "nobody", code=6) == [
        {
            "error": {
                "type": "NotFound",
                "message": "there is no training or video 'nobody'",
                "exit_code": 6,
            }
        }
    ]


def test_a_traceback_is_shown_when_debugging():
    assert "Traceback" in run("status", "nobody", "--debug").stderr


def test_the_exit_codes_stand_below_the_help():
    said = run("--help").stdout
    assert all(f"{row.code}: {row.meaning}" in said for row in exit_codes.TABLE)


def every_command(group, *words):
    for name, found in group.commands.items():
        if hasattr(found, "commands"):
            yield from every_command(found, *words, name)
        else:
            yield (*words, name), found


@pytest.mark.parametrize(
    ("words", "found"), [*every_command(typer.main.get_command(app))], ids=lambda x: str(x)[:30]
)
def test_the_help_of_each_command_ends_with_an_example_that_it_takes(words, found):
    (example,) = re.findall(r"Example: `avatarkit (.*)`$", found.help)
    given = shlex.split(example)
    assert tuple(given[: len(words)]) == words
    with found.make_context(words[-1], given[len(words) :]):
        pass


def test_a_key_is_never_printed(monkeypatch):
    monkeypatch.setenv("AVATARKIT_FAKE_API_KEY", "do-not-show-this")
    results = [
        run("train", *SAMPLES, NOBODY, "--debug"),
        run("doctor", "--debug"),
        run("providers", "--debug"),
    ]
    assert not any("do-not-show-this" in r.output for r in results)


# -- starting -------------------------------------------------------------------------------------


@pytest.mark.slow
def test_help_loads_nothing_heavy():
    code = (
        "import sys; from avatarkit.cli.app import app; app(['--help'], standalone_mode=False); "
        "print({'numpy', 'httpx', 'sqlite3', 'av', 'pydantic'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stderr.strip() == "set()"


@pytest.mark.slow
def test_a_missing_extra_is_one_line(tmp_path):
    (tmp_path / "typer.py").write_text("raise ModuleNotFoundError(name='typer')")
    done = subprocess.run(
        [sys.executable, "-m", "avatarkit"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
    )
    assert (done.returncode, done.stderr) == (
        3,
        'avatarkit: the command line needs more packages: pip install "avatarkit-sdk[cli]"\n',
    )


def test_the_version_is_printed():
    assert run("--version").stdout.strip().count(".") == 2


# -- what is said to be done next -----------------------------------------------------------------


def test_the_next_command_finds_the_same_records():
    result = run("train", *SAMPLES, NOBODY, "--no-wait", "--repository=sqlite:///other place.db")
    command = result.stderr.partition("continue with: ")[2].strip()
    arguments = shlex.split(command)[1:]
    assert run(*arguments).exit_code == 0


def test_the_next_command_holds_no_password():
    options = {"repository": "postgresql://ana:hunter2@host/db", "media": None, "stack": None}
    out = session._common(**options, json=False, debug=False).out
    assert "hunter2" not in out.command("watch", "x")


@pytest.mark.slow
def test_a_reader_who_has_read_enough_is_no_bug():
    train("--no-wait")
    listing = process("list", "--json")
    listing.stdout.close()
    with listing.stderr:
        assert (listing.stderr.read(), listing.wait()) == ("", 0)


@pytest.mark.parametrize("command", [("demo",), ("speak", "nothing", "Hi"), ("watch", "nothing")])
def test_a_folder_that_is_not_there_is_noticed_before_any_work(command):
    result = run(*command, "--out=nowhere/hello.mp4")
    assert (result.exit_code, "No such folder: nowhere" in result.stderr) == (11, True)


def test_doctor_shows_no_password_of_a_database():
    result = run("doctor", "--repository=postgresql://ana:hunter2@127.0.0.1:1/twins")
    assert ("'twins' at 127.0.0.1:1" in result.stdout, "hunter2" in result.output) == (True, False)


def test_marks_of_a_file_are_read_and_verified(place):
    from avatarkit.content.credentials import SIDECAR, Marking
    from avatarkit.providers.fake import filmed

    film = place / "hello.mp4"
    film.write_bytes(filmed(1))
    assert run("marks", film).exit_code == 4
    mark = Marking().mark(film, "video/mp4")
    beside = place / f"hello.mp4{SIDECAR}"
    beside.write_text(mark.model_dump_json())
    (told,) = printed("marks", film)
    states = {layer["layer"]: layer["state"] for layer in told["layers"]}
    assert states == {
        "c2pa": "absent",
        "xmp": "valid",
        "sidecar": "valid",
        "watermark": "unchecked",
    }
    beside.write_text("{")
    broken = run("marks", film)
    assert broken.exit_code == 4
    assert "sidecar" in broken.stderr


def test_marks_of_what_is_no_file_is_an_error(place):
    assert run("marks", place / "nothing.mp4").exit_code == 4


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8", "latin-1"])
def test_every_text_is_printed_in_any_encoding(monkeypatch, encoding):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))
    cli._prepare_output()
    Output(as_json=True).result({"name": "Zoë ☃"})
    Output(as_json=False).result(None, "Zoë ☃")
    document, line = written.getvalue().decode(encoding).splitlines()
    assert json.loads(document) == {"name": "Zoë ☃"}
    assert line.startswith("Zo")


@pytest.mark.parametrize("as_json", [True, False])
def test_a_result_on_a_full_disk_is_told(monkeypatch, capsys, as_json):
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stdout", full)
        out = Output(as_json=as_json)
        with pytest.raises(errors.StorageError, match="stdout cannot be written: No space left"):
            out.result({}, "a line")
        out.failure(Ended("StorageError", "it is full", 11))
    assert capsys.readouterr().err == "avatarkit: it is full\n"


def test_a_closed_stdout_is_no_mistake(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    cli._prepare_output()
    with sys.stdout, sys.stderr:
        Output(as_json=False).table([], ["id"], [["1"]])
        sys.stderr.write("to nobody")
