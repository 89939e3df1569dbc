"""Commands that look at the installation: stacks, variables, and what ends when."""

from __future__ import annotations

import json
import tomllib
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from avatarkit.cli import doctor
from avatarkit.cli.app import app
from avatarkit.config import addresses
from avatarkit.errors import StorageError
from avatarkit.interfaces import Sunset
from avatarkit.kit import checks
from avatarkit.media.folder import FolderStore
from avatarkit.providers.heygen import HeyGen

KEY = "hush-9f1c"


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AVATARKIT_STACK", "fake")


def run(*arguments):
    result = CliRunner().invoke(app, [*arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def printed(*arguments):
    return json.loads(run(*arguments, "--json"))


# -- providers ------------------------------------------------------------------------------------


def test_the_state_of_a_provider_is_what_is_really_missing(monkeypatch):
    monkeypatch.setenv("RASK_CLIENT_SECRET", KEY)
    rows = {row[0]: [row[1], row[-1]] for row in map(_cells, run("providers").splitlines())}
    assert rows["name"] == ["ready", "set this"]
    assert rows["fake"] == ["yes", "-"]
    assert rows["heygen"] == ["no: no api key", "AVATARKIT_HEYGEN_API_KEY"]
    assert rows["rask"] == ["no: no client id", "AVATARKIT_RASK_CLIENT_ID"]
    ready = {p["name"]: p["ready"] for p in printed("providers")["providers"]}
    assert (ready["fake"], ready["heygen"], ready["playht"]) == (True, False, False)
    monkeypatch.setenv("RASK_CLIENT_ID", "id-1")
    row = _cells(next(r for r in run("providers").splitlines() if r[:4] == "rask"))
    assert (row[1], row[-1]) == ("yes", "-")


def test_a_provider_whose_key_cannot_be_one_is_not_ready(monkeypatch):
    monkeypatch.setenv("HEYGEN_API_KEY", "two words")
    row = next(p for p in printed("providers")["providers"] if p["name"] == "heygen")
    assert (row["ready"], "no key has" in row["problem"]) == (False, True)


def test_coqui_needs_an_address_and_no_key():
    pytest.importorskip("avatarkit.providers.coqui")
    (row,) = [p for p in printed("providers")["providers"] if p["name"] == "coqui"]
    assert (row["key"], row["missing"]) == (
        "AVATARKIT_COQUI_API_KEY",
        ["AVATARKIT_COQUI_BASE_URL"],
    )


def _cells(line):
    return line.split("\t")


# -- providers --stacks ---------------------------------------------------------------------------


def test_the_table_of_stacks_says_who_does_what():
    rows = {row["stack"]: row for row in printed("providers", "--stacks")["stacks"]}
    assert rows["elevenlabs+d-id"] == {
        "stack": "elevenlabs+d-id",
        "roles": {
            "voice": "elevenlabs",
            "speech": "elevenlabs",
            "avatar": "d-id",
            "video": "d-id",
            "dub": "elevenlabs",
        },
        "ok": True,
        "how": "audio of elevenlabs (audio/mpeg); or d-id itself, with your key of elevenlabs",
        "problem": None,
    }


def test_the_table_of_stacks_says_why_one_is_impossible():
    lines = run("providers", "--stacks").splitlines()
    line = next(line for line in lines if line.startswith("voice=tavus,avatar=d-id\t"))
    assert line.endswith("impossible: tavus clones voices, but does not speak")


# -- providers --env ------------------------------------------------------------------------------


def variables(provider):
    return {
        v["what"]: v
        for v in printed("providers", "--env")["variables"]
        if v["provider"] == provider
    }


def test_the_variables_of_a_provider_are_named():
    names = {what: v["names"] for what, v in variables("rask").items()}
    assert names == {
        "api_key": ["AVATARKIT_RASK_API_KEY", "RASK_CLIENT_SECRET"],
        "client_id": ["AVATARKIT_RASK_CLIENT_ID", "RASK_CLIENT_ID"],
        "base_url": ["AVATARKIT_RASK_BASE_URL"],
    }


def test_the_key_of_another_provider_is_named_where_it_can_be_used(monkeypatch):
    monkeypatch.setenv("AVATARKIT_D_ID_ELEVENLABS_API_KEY", KEY)
    told = variables("d-id")["api_key_of_elevenlabs"]
    assert (told["set"], told["needed"]) == ("AVATARKIT_D_ID_ELEVENLABS_API_KEY", False)


def test_what_a_provider_cannot_do_without_is_told():
    assert [what for what, v in variables("rask").items() if v["needed"]] == [
        "api_key",
        "client_id",
    ]


def test_who_signs_webhooks_wants_their_secrets():
    assert "webhook_secrets" in variables("heygen")


def test_the_variable_that_is_set_is_named(monkeypatch):
    monkeypatch.setenv("HEYGEN_API_KEY", KEY)
    assert variables("heygen")["api_key"]["set"] == "HEYGEN_API_KEY"


def test_an_empty_variable_is_not_set(monkeypatch):
    monkeypatch.setenv("HEYGEN_API_KEY", " ")
    assert variables("heygen")["api_key"]["set"] is None


@pytest.mark.parametrize("json", [[], ["--json"]])
def test_no_value_is_shown(monkeypatch, json):
    for variable in ("HEYGEN_API_KEY", "RASK_CLIENT_ID", "AVATARKIT_HEYGEN_WEBHOOK_SECRETS"):
        monkeypatch.setenv(variable, KEY)
    shown = run("providers", "--env", *json)
    assert "HEYGEN_API_KEY" in shown
    assert KEY not in shown


def test_who_needs_no_variable_has_no_row():
    assert variables("fake") == variables("local") == {}


# -- what ends when -------------------------------------------------------------------------------

OLD_KEY = {"SUPABASE_SERVICE_ROLE_KEY": "eyJhbGciOi"}
OLD = Sunset(what="version 1", ends=date(2027, 6, 30), instead="version 2")


@pytest.mark.parametrize(
    ("today", "warning", "said"),
    [
        (date(2026, 6, 30), False, "version 1 end on 2027-06-30: use version 2"),
        (date(2027, 1, 1), True, "version 1 end on 2027-06-30: use version 2"),
        (date(2027, 6, 30), True, "version 1 end on 2027-06-30: use version 2"),
        (date(2027, 7, 1), True, "version 1 ended on 2027-06-30: use version 2"),
    ],
)
def test_an_end_is_warned_of_half_a_year_before(today, warning, said):
    check = checks.of_ending("acme", OLD, today)
    assert (check.verdict == "warning", check.detail) == (warning, said)


def test_what_the_adapter_no_longer_uses_is_told_without_a_warning():
    (check,) = checks.of_endings(["heygen"], {}, date(2026, 11, 24))
    assert "ended on 2026-10-31: use version 3" in check.detail
    assert check.verdict == "ok"


def test_a_key_of_supabase_that_ends_is_warned_of():
    (check,) = checks.of_endings(
        [], {"SUPABASE_SERVICE_ROLE_KEY": "eyJhbGciOi"}, date(2026, 11, 24)
    )
    assert check.verdict == "warning"
    assert "eyJ" not in check.detail


def test_a_new_key_of_supabase_is_not_spoken_of():
    assert not [*checks.of_endings([], {"SUPABASE_SERVICE_ROLE_KEY": "sb_secret_1"}, date.max)]


def test_doctor_tells_what_ends(monkeypatch):
    monkeypatch.setenv("HEYGEN_API_KEY", KEY)
    document = printed("doctor", "--stack=heygen")
    (told,) = [c for c in document["checks"] if c["check"] == "sunset heygen"]
    assert told["ok"]


def test_doctor_tells_languages_licence_and_missing_files_of_voices(monkeypatch, tmp_path):
    names = [f"{n}.onnx" for n in ("lm_flow", "lm_main", "encoder", "decoder", "text_conditioner")]
    for name in (*names, "vocab.json", "token_scores.json"):
        for language in ("en", "fr"):
            (tmp_path / language).mkdir(exist_ok=True)
            (tmp_path / language / name).touch()
    (tmp_path / "fr/lm_flow.onnx").unlink()
    monkeypatch.setenv("AVATARKIT_LOCAL_VOICES", str(tmp_path))
    whole, part = [c for c in printed("doctor")["checks"] if c["check"] == "local voices"]
    assert (whole["ok"], "pocket: en (code MIT; weights CC-BY-4.0" in whole["detail"]) == (
        True,
        True,
    )
    assert (part["warning"], part["detail"]) == (True, f"{tmp_path / 'fr'}: lm_flow.onnx")


def test_doctor_takes_the_date_from_the_clock(monkeypatch):
    monkeypatch.setattr(HeyGen, "sunsets", (OLD,))
    monkeypatch.setenv("HEYGEN_API_KEY", KEY)
    monkeypatch.setattr("avatarkit.clock.time.time", lambda: 1_814_313_600.0)  # 2027-06-30
    (told,) = [c for c in printed("doctor", "--stack=heygen")["checks"] if "sunset" in c["check"]]
    assert told["warning"]


def test_a_warning_is_no_failure(monkeypatch):
    monkeypatch.setenv("SUPABASE_SERVICE_ROLE_KEY", "eyJhbGciOi")
    monkeypatch.setattr(doctor, "_today", lambda: date(2027, 1, 1))
    assert "warning" in run("doctor")


# -- doctor: the extras ---------------------------------------------------------------------------


def test_doctor_knows_every_extra():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    assert set(doctor._EXTRAS) == set(project["optional-dependencies"]) - {"all"}


def test_doctor_does_not_call_a_missing_extra_ok(monkeypatch):
    monkeypatch.setattr(doctor, "_EXTRAS", {"one": ("json",), "two": ("json", "no_such_module")})
    lines = run("doctor").splitlines()
    assert "extra one\tok\tinstalled" in lines
    assert "extra two\t-\tnot installed: no_such_module" in lines


# -- doctor: the media store ----------------------------------------------------------------------


class Store(FolderStore):
    """A store that is reached by an address."""

    failure = None

    async def put(self, key, chunks, media_type):
        if self.failure is not None:
            raise self.failure
        return await super().put(key, chunks, media_type)


@pytest.fixture
def store(tmp_path, monkeypatch):
    kept = Store(tmp_path / "bucket")
    made = addresses.media_store

    def media_store(address, environ):
        return kept if str(address).startswith("s3://") else made(address, environ)

    monkeypatch.setattr(addresses, "media_store", media_store)
    return kept


def test_doctor_puts_something_into_a_store_and_takes_it_away(store):
    found = {c["check"]: c for c in printed("doctor", "--media=s3://bucket")["checks"]}
    assert found["media"]["ok"] is True
    assert [path for path in store.root.rglob("*") if path.is_file()] == []


def test_doctor_says_what_is_wrong_with_a_store(store):
    store.failure = StorageError("the bucket is not there: make it")
    result = CliRunner().invoke(app, ["doctor", "--media=s3://bucket"])
    assert (result.exit_code, "the bucket is not there: make it" in result.output) == (11, True)


def test_doctor_waits_for_no_store_that_does_not_answer(store, monkeypatch):
    monkeypatch.setattr(checks, "STORE_SECONDS", 0.0)
    result = CliRunner().invoke(app, ["doctor", "--media=s3://bucket"])
    assert (result.exit_code, "does not respond" in result.output) == (11, True)


def test_doctor_looks_whether_the_folder_of_providers_can_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("AVATARKIT_HOME", str(tmp_path / "file" / "home"))
    result = CliRunner().invoke(app, ["doctor"])
    assert (result.exit_code, "AVATARKIT_HOME" in result.output) == (11, True)
