"""Pages of providers and stacks name what their adapters need, take and were read from."""

from __future__ import annotations

import re
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
