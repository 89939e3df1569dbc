"""Generated pages and tables equal what the code says today."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from typing import get_args

import pytest

import avatarkit
from avatarkit.interfaces import Outcome
from avatarkit.pricing.rows import Price, read

DOCS = Path(__file__).parents[2] / "docs"
sys.path.insert(0, str(DOCS))
from variables import FOREIGN, VARIABLES  # noqa: E402 - a module of the documentation

SOURCE = Path(avatarkit.__file__).parent
GENERATORS = ("make_matrix", "make_prices", "make_reference")


@pytest.mark.parametrize("name", GENERATORS)
def test_a_generated_page_is_up_to_date(name, monkeypatch):
    for needed in ("typer", "starlette", "sse_starlette"):
        pytest.importorskip(needed)
    monkeypatch.syspath_prepend(str(DOCS))
    for module in (name, "sections"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    for page, text in importlib.import_module(name).pages().items():
        assert page.read_text(encoding="utf-8") == text, f"run: python docs/{name}.py"


def _named_in_source():
    """Whole names only: a part that the code completes ends in ``_`` or before ``{``."""
    for file in SOURCE.rglob("*.py"):
        yield from re.findall(r"\bAVATARKIT(?:_[A-Z0-9]+)+\b(?![_{])", file.read_text())


def test_every_variable_of_the_source_is_in_the_table():
    named = set(_named_in_source())
    assert "AVATARKIT_STACK" in named
    unknown = {name for name in named if not any(v.matches(name) for v in VARIABLES)}
    assert unknown == set()


def test_every_variable_of_the_table_is_in_the_source():
    text = "\n".join(file.read_text() for file in SOURCE.rglob("*.py"))
    fixed = {v.name for v in VARIABLES if "<" not in v.name}
    assert {name for name in fixed if not re.search(rf"\b{name}\b", text)} == set()
    foreign = {v.name for v in FOREIGN} - {"TMPDIR"}  # which Python's tempfile reads
    assert {name for name in foreign if name not in text} == set()


@pytest.mark.parametrize(
    ("family", "name"),
    [
        ("AVATARKIT_<PROVIDER>_API_KEY", "AVATARKIT_D_ID_API_KEY"),
        ("AVATARKIT_<PROVIDER>_<OTHER>_API_KEY", "AVATARKIT_D_ID_ELEVENLABS_API_KEY"),
        ("AVATARKIT_STACK", "AVATARKIT_STACK"),
    ],
)
def test_a_family_of_variables_matches_its_members(family, name):
    (variable,) = [v for v in VARIABLES if v.name == family]
    assert variable.matches(name)
    assert not variable.matches("AVATARKIT_HOMES")


def test_every_variable_on_a_page_is_in_the_table():
    pages = [file for file in DOCS.rglob("*.md") if "_build" not in file.parts]
    pattern = r"\bAVATARKIT(?:_[A-Z0-9]+)+\b(?![_*{])"
    named = {name for file in pages for name in re.findall(pattern, file.read_text())}
    unknown = {name for name in named if not any(v.matches(name) for v in VARIABLES)}
    of_tests = ("AVATARKIT_LIVE_", "AVATARKIT_VENDOR_SPECS", "AVATARKIT_API")  # and of samples
    assert {name for name in unknown if not name.startswith(of_tests)} == set()


def test_the_page_of_the_database_lists_every_table_and_column_of_the_records():
    page = (DOCS / "reference" / "database.md").read_text()
    migrations = SOURCE / "repositories" / "migrations"
    text = "\n".join(file.read_text() for file in migrations.glob("*.sql"))
    create = r"create table (?:if not exists )?(?:public\.)?(\w+) \((.*?)\n\s*\)"
    tables = dict(re.findall(create, text, re.IGNORECASE | re.DOTALL))
    assert {"avatar_training", "ledger", "avatar_ledger"} <= set(tables)
    assert {name for name in tables if f"`{name}`" not in page} == set()
    for name in ("avatar_training", "avatar_videos", "avatar_webhooks"):
        columns = re.findall(r"^\s+([a-z_]+) +\w", tables[name], re.MULTILINE)
        held = {"fence", "lease_owner", "lease_until", "lease_boot_id"}  # one row of the page
        held |= {"record_id", "primary"}  # only SQLite's
        assert {c for c in columns if f"`{c}`" not in page} - held == set()


def test_the_page_on_webhooks_lists_every_delivery_status():
    page = (DOCS / "how-to" / "webhooks.md").read_text()
    section = page.partition("## Inspect deliveries")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == set(get_args(Outcome))


STATIC = SOURCE / "server" / "static"
ELEMENTS = sorted(path.stem for path in STATIC.glob("avatar-*.js"))


def said(pattern, *names):
    """All names that a pattern finds in scripts of the elements."""
    scripts = [(STATIC / f"{name}.js").read_text() for name in names]
    return {
        name
        for script in scripts
        for found in re.findall(pattern, script)
        for name in found.split()
    }


@pytest.mark.parametrize("element", ELEMENTS)
def test_the_page_of_the_components_lists_parts_attributes_and_events(element):
    page = (DOCS / "reference" / "web-component.md").read_text()
    section = page.partition(f"## `<{element}>`")[2].partition("\n## ")[0]
    named = said(r'part: "([^"]+)"', element)
    named |= said(r"@fires (\S+)", element) | said(r"@attr (\S+)", element)
    assert {name for name in named if f"`{name}`" not in section} == set()


def test_the_page_of_the_components_lists_custom_properties():
    page = (DOCS / "reference" / "web-component.md").read_text()
    named = said(r"var\((--avatar-[a-z-]+)", "element")
    assert "--avatar-bg" in named
    assert {name for name in named if f"`{name}`" not in page} == set()


def test_a_name_is_in_the_table_once():
    names = [v.name for v in (*VARIABLES, *FOREIGN)]
    assert len(set(names)) == len(names)


def test_the_price_file_of_the_page_can_be_read(tmp_path):
    page = (DOCS / "reference" / "prices.md").read_text()
    (block,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    file = tmp_path / "our-prices.toml"
    file.write_text(block)
    (price,) = read(file)
    assert (price.provider, price.plan) == ("d-id", "Our contract")


def test_the_page_of_prices_lists_every_field_of_an_entry():
    page = (DOCS / "reference" / "prices.md").read_text()
    section = page.partition("## Fields")[2].partition("\n## ")[0]
    fields = re.findall(r"^\| ([^|]*) \|", section, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", " ".join(fields))) == set(Price.model_fields)


def test_the_page_lists_every_validation_code():
    """Codes are literals of ``Flaw``, ``refusal`` and ``_warning``, or names of limits."""
    page = (DOCS / "reference" / "validation-codes.md").read_text()
    calls = r"(?:Flaw|refusal|_warning|_only)\(\s*\"([a-z_-]+)\""
    text = "\n".join(file.read_text() for file in SOURCE.rglob("*.py"))
    codes = set(re.findall(calls, text)) | {"wrong-role", "link-private", "link-gone"}
    assert {code for code in codes if f"`{code}`" not in page} == set()
