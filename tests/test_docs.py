"""The documentation says what the code says."""

from __future__ import annotations

import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import typer

from avatarkit.cli.app import app
from avatarkit.config.settings import variables
from avatarkit.stacks import registry
from avatarkit.stacks.registry import Stack

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
STACKS = ("heygen", "elevenlabs+d-id", "coqui+local")


def page(name):
    return (DOCS / name).read_text()


def provider_page(name):
    return page(f"providers/{name}.md")


def section(text, heading):
    return re.split(r"^## ", text.partition(f"\n## {heading}\n")[2], flags=re.MULTILINE)[0]


def test_the_matrix_is_what_the_adapters_say():
    spec = spec_from_file_location("make_matrix", DOCS / "make_matrix.py")
    make_matrix = module_from_spec(spec)
    spec.loader.exec_module(make_matrix)
    assert page("matrix.md") == make_matrix.matrix(), "run: python docs/make_matrix.py"


def commands():
    """Every call of the command line that a page shows, from its first word on."""
    for file in (ROOT / "README.md", *PAGES):
        for line in re.findall(
            r"(?<![\w/.-])avatarkit ((?:[a-z]+ )?[^\n`|#)]*)", _code(file.read_text())
        ):
            yield file.name, line.split()


def _code(text):
    fences = re.findall(r"```(?:sh|bash|console)\n(.*?)```", text, re.DOTALL)
    return "\n".join([*fences, *re.findall(r"`([^`\n]+)`", text)])


def test_every_command_and_option_that_is_shown_exists():
    group = typer.main.get_command(app)
    wrong = []
    for page_name, words in commands():
        command = group
        while words and hasattr(command, "commands") and words[0] in command.commands:
            command = command.commands[words.pop(0)]
        known = {o for p in command.params for o in (*p.opts, *p.secondary_opts)} | {"--help"}
        unknown = hasattr(command, "commands") and words and not words[0].startswith("-")
        shown = {w.partition("=")[0] for w in words if w.startswith("--")}
        if unknown or shown - known:
            wrong.append((page_name, words))
    assert wrong == []


def test_every_page_is_in_the_table_of_contents():
    listed = re.findall(r"^[\w/+-]+$", page("index.md"), re.MULTILINE)
    there = [str(p.relative_to(DOCS).with_suffix("")) for p in PAGES if "_build" not in p.parts]
    assert sorted(listed) == sorted(set(there) - {"index"})


@pytest.mark.parametrize("name", ["README.md", "docs/matrix.md"])
def test_what_is_linked_is_there(name):
    file = ROOT / name
    links = re.findall(r"\]\(([^)#:]+)\)", file.read_text())
    assert links
    assert [link for link in links if not (file.parent / link).exists()] == []


@pytest.mark.parametrize("stack", STACKS)
def test_each_option_has_a_page_that_names_its_providers(stack):
    text = page(f"stacks/{stack}.md")
    assert text.startswith(f"# {stack},")
    for name in {*Stack.parse(stack).roles.values()}:
        assert f"(../providers/{name}.md)" in text


@pytest.mark.parametrize("name", registry.usable())
def test_the_page_of_a_provider_names_what_it_needs(name):
    provider = registry.load(name)
    names = variables(name, key_env=getattr(provider, "key_env", None))
    needed = [names[what] for what in sorted(getattr(provider, "needs", ()))]
    text = section(provider_page(name), "Set up")
    assert [these for these in needed if not any(n in text for n in these)] == []


@pytest.mark.parametrize("name", registry.usable())
def test_the_page_of_a_provider_names_each_option(name):
    text = section(provider_page(name), "Options")
    types = registry.load(name).option_types
    missing = [t.__name__ for t in types if f"`{t.__name__}`" not in text]
    fields = {f for t in types for f in t.model_fields} - {"extra"}
    missing += [f for f in sorted(fields) if f"`{f}`" not in text]
    assert missing == []


@pytest.mark.parametrize("name", registry.usable())
def test_the_page_of_a_provider_says_when_its_evidence_was_read(name):
    if name == "fake":
        return
    assert re.search(r"\b20\d\d-\d\d-\d\d\b", section(provider_page(name), "Evidence and date"))
