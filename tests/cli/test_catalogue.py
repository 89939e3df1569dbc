"""``avatarkit avatars`` and ``avatarkit voices``."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from avatarkit.cli.app import app
from avatarkit.interfaces import CatalogueEntry, CataloguePart, TemplateVariable
from avatarkit.providers.fake import Fake, portrait, spoken


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


@pytest.mark.parametrize("kind", ["avatars", "voices", "templates"])
def test_without_a_provider_those_that_can_be_asked_are_named(kind):
    result = run(kind)
    assert result.exit_code == 2
    said = " ".join(result.stderr.replace("│", " ").split())
    assert f"name a provider that lists {kind}" in said
    named = set(said.replace(",", " ").split())
    assert "heygen" in named
    assert ("fake" in named) == (kind != "templates")


WELCOME = CatalogueEntry(
    provider="fake",
    kind="template",
    id="t1",
    name="Welcome",
    variables=(TemplateVariable(name="name"), TemplateVariable(name="logo", kind="image")),
)


@pytest.fixture
def filling(monkeypatch):
    """A vendor with templates; the requests for its videos."""
    asked, generate = [], Fake.generate_video

    async def listed(self, kind, wanted, cursor):
        return CataloguePart(entries=(WELCOME,))

    async def one(self, template_id):
        return WELCOME

    async def kept(self, request):
        asked.append(request)
        return await generate(self, request)

    monkeypatch.setattr(Fake, "capabilities", replace(Fake.capabilities, templates=True))
    monkeypatch.setattr(Fake, "list_entries", listed)
    monkeypatch.setattr(Fake, "get_template", one)
    monkeypatch.setattr(Fake, "generate_video", kept)
    return asked


@pytest.mark.usefixtures("filling")
def test_templates_are_listed_and_one_tells_its_variables():
    assert "Welcome" in run("templates", "fake").stdout
    lines = run("templates", "fake", "t1").stdout.split()
    assert lines[-4:] == ["text", "name", "image", "logo"]


def test_a_template_is_filled(filling, tmp_path):
    words = ("--not-a-real-person", "generated", "--voice", "voice.wav", "--footage", "face.jpg")
    (tmp_path / "voice.wav").write_bytes(spoken("Hello!"))
    (tmp_path / "face.jpg").write_bytes(portrait())
    trained = json.loads(run("train", *words, "--json").stdout.splitlines()[-1])["id"]
    to = ("speak", trained, "--template", "t1", "--out", "a.mp4")
    result = run(*to, "--set", "text.name=Ana=Lima", "--set", "image.logo=https://a.example/l.png")
    assert result.exit_code == 0, result.stderr
    assert filling[0].template.text == {"name": "Ana=Lima"}
    assert filling[0].template.image == {"logo": "https://a.example/l.png"}


@pytest.mark.parametrize(
    "words",
    [
        ("Hello.", "--template", "t1"),
        ("--template", "t1", "--audio", "a.wav"),
        ("Hello.", "--set", "text.name=Ana"),
        ("--template", "t1", "--set", "name=Ana"),
        ("--template", "t1", "--set", "colour.name=Ana"),
        ("--template", "t1", "--set", "text.name"),
    ],
)
def test_a_template_that_cannot_be_read_is_refused(words):
    assert run("speak", "training", *words).exit_code == 2
