"""``avatarkit avatars`` and ``avatarkit voices``."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from avatarkit.cli.app import app


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AVATARKIT_STACK", "fake")


def run(*arguments):
    return CliRunner().invoke(app, arguments)


def test_avatars_are_listed_with_what_a_program_needs():
    told = json.loads(run("avatars", "fake", "--json").stdout)
    assert [entry["id"] for entry in told["avatars"]] == ["stock-rosa", "stock-hugo"]
    assert told["avatars"][0]["previews"] == {"image": "https://fake.invalid/rosa.png"}
    assert told["cursor"] is None
    assert told["age"] == 0


def test_voices_are_listed_for_people():
    result = run("voices", "fake", "--language", "es")
    assert result.exit_code == 0
    heading, row = result.stdout.splitlines()
    assert heading.split("\t")[:3] == ["id", "name", "owner"]
    assert row.split("\t")[:3] == ["stock-voice-es", "Alba", "stock"]


@pytest.mark.parametrize("kind", ["avatars", "voices"])
def test_a_page_names_the_command_for_the_next_one(kind):
    result = run(kind, "fake", "--limit", "1")
    assert f"avatarkit {kind} fake --cursor 1." in result.stderr


@pytest.mark.parametrize("kind", ["avatars", "voices"])
def test_nothing_found_is_no_failure(kind):
    result = run(kind, "fake", "--own")
    assert (result.exit_code, result.stdout) == (0, "")
    assert f"fake has no such {kind}" in result.stderr


@pytest.mark.parametrize("kind", ["avatars", "voices"])
def test_a_provider_without_a_list_ends_with_a_message(kind, monkeypatch):
    monkeypatch.setenv("SYNTHESIA_API_KEY", "key")
    result = run(kind, "synthesia")
    assert result.exit_code
    assert "Studio" in result.stderr


@pytest.mark.parametrize("kind", ["avatars", "voices"])
def test_without_a_provider_those_that_can_be_asked_are_named(kind):
    result = run(kind)
    assert result.exit_code == 2
    said = " ".join(result.stderr.replace("│", " ").split())
    assert f"name a provider that lists {kind}" in said
    assert {"fake,", "heygen,"} <= set(said.split())
