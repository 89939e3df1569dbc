"""Pages of providers and stacks name what their adapters need, take and were read from."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from avatarkit.config.settings import variables
from avatarkit.stacks import registry
from avatarkit.stacks.registry import Stack

DOCS = Path(__file__).parents[2] / "docs"
STACKS = ("heygen", "elevenlabs+d-id", "coqui+local")
HEADINGS = [
    "Set up",
    "Example",
    "Operations",
    "Options",
    "Consent",
    "Limits",
    "Webhooks",
    "Errors",
    "Prices and evidence",
]


def page(name):
    return (DOCS / name).read_text()


def provider_page(name):
    return page(f"providers/{name}.md")


def section(text, heading):
    return re.split(r"^## ", text.partition(f"\n## {heading}\n")[2], flags=re.MULTILINE)[0]


@pytest.mark.parametrize("name", registry.usable())
def test_a_provider_page_has_the_same_headings_and_a_status_box(name):
    text = provider_page(name)
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == HEADINGS
    assert ":::{admonition} Status" in text.partition("\n## ")[0]


@pytest.mark.parametrize("name", registry.usable())
def test_a_provider_page_names_what_the_provider_needs(name):
    provider = registry.load(name)
    names = variables(name, key_env=getattr(provider, "key_env", None))
    needed = [names[what] for what in sorted(getattr(provider, "needs", ()))]
    text = section(provider_page(name), "Set up")
    assert [these for these in needed if not any(n in text for n in these)] == []


@pytest.mark.parametrize("name", registry.usable())
def test_a_provider_page_names_each_option(name):
    text = section(provider_page(name), "Options")
    types = registry.load(name).option_types
    missing = [t.__name__ for t in types if f"`{t.__name__}`" not in text]
    fields = {f for t in types for f in t.model_fields} - {"extra"}
    missing += [f for f in sorted(fields) if f"`{f}`" not in text]
    assert missing == []


@pytest.mark.parametrize("name", registry.usable())
def test_the_evidence_of_each_provider_has_a_date(name):
    text = section(page("contributing/verification-providers.md"), name)
    assert name == "fake" or re.search(r"\b20\d\d-\d\d-\d\d\b", text)


def test_the_files_of_a_written_provider_form_a_package_that_passes_its_suite(tmp_path):
    text = page("tutorials/write-a-provider.md")
    (tree,) = re.findall(r"```text\n(orbit-avatarkit/\n.*?)```", text, re.DOTALL)
    init, project = (
        re.search(rf"```{lang}\n(.*?)```", text, re.DOTALL)[1] for lang in ("python", "toml")
    )
    folder = tmp_path / "orbit_avatarkit"
    (folder / "data").mkdir(parents=True)
    (folder / "__init__.py").write_text(init)
    for name in re.findall(r"literalinclude} ../../tests/providers/(\S+)", text):
        (folder / name).write_text((DOCS.parent / "tests/providers" / name).read_text())
    held = {p.name for p in tmp_path.rglob("*") if p.is_file()} | {"pyproject.toml"}
    assert {Path(n).name for n in re.findall(r"\S+\.(?:py|toml)\b", tree)} == held
    (value,) = tomllib.loads(project)["project"]["entry-points"]["avatarkit.providers"].values()
    module, _, name = value.partition(":")
    environ = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    for command in (
        ["-c", f"from {module} import {name}"],
        ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-n0", module, "-k", "another_provider"],
    ):
        done = subprocess.run(
            [sys.executable, *command],
            cwd=tmp_path,
            env=environ,
            check=False,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_discontinued_provider_is_named():
    closed = set(registry.BUILTIN) - set(registry.usable())
    assert closed
    assert [name for name in closed if name not in page("providers/discontinued.md").lower()] == []


@pytest.mark.parametrize("stack", STACKS)
def test_each_recommended_stack_has_a_page_that_links_its_providers(stack):
    text = page(f"stacks/{stack}.md")
    assert text.startswith(f"# {stack}:")
    for name in {*Stack.parse(stack).roles.values()}:
        assert f"(../providers/{name}.md)" in text
