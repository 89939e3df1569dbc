"""Vendor data files: what they must say, and how mistakes in them are reported."""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files

import pytest

from avatarkit.errors import AuthError, ConfigError
from avatarkit.interfaces import Limit
from avatarkit.models import ConsentRule
from avatarkit.providers.http import vendor_data
from avatarkit.stacks.registry import BUILTIN, load

from .orbit import Orbit

SHARED = "cldr.toml"  #: names of languages, which no vendor owns
FILES = [f.name for f in (files("avatarkit.providers") / "data").iterdir() if f.name != SHARED]
LIMIT = '[[limits]]\nwhat = "voice_seconds"\nminimum = 3\n'
SOURCE = 'source = "https://docs.acme.example"\nsince = 2026-11-30\n'
ERRORS = '[[errors]]\nraises = "AuthError"\ncodes = ["bad_key"]\n'


@pytest.fixture
def acme(tmp_path, monkeypatch):
    """Write a data file into a package of its own, and return its data."""
    package = f"pkg_{tmp_path.name}"
    folder = tmp_path / package
    (folder / "data").mkdir(parents=True)
    (folder / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)

    def write(text):
        (folder / "data" / "acme.toml").write_text(text)
        return vendor_data("acme", package=package)

    return write


@pytest.mark.parametrize("file", FILES)
def test_every_file_belongs_to_a_provider_and_every_entry_has_source_and_date(file):
    name = file.removesuffix(".toml")
    data = vendor_data(name)
    assert load(name).data == data
    entries = [*data.limits, *data.consent_rules, *data.sunsets]
    assert entries
    assert [entry for entry in entries if not (entry.source and entry.since)] == []


def test_names_of_languages_and_regions_have_source_and_date():
    tables = vendor_data(SHARED.removesuffix(".toml")).file.words
    assert {"languages", "regions", "likely_regions"} <= tables.keys()
    assert all(table.source and table.since and table.words for table in tables.values())


def test_the_adapter_reads_its_tables_from_its_file():
    heygen = load("heygen")
    assert (heygen.limits, heygen.codes) == (heygen.data.limits, heygen.data.codes)
    assert heygen.codes["unauthorized"] is AuthError


def test_a_plug_in_brings_a_file_of_its_own():
    (limit,) = Orbit.limits
    assert (limit.what, limit.maximum, limit.since) == ("footage_bytes", 10e6, "2026-11-24")
    assert sorted(Orbit.codes) == ["bad_content", "out_of_credits"]


def test_a_file_becomes_limits_rules_and_codes(acme):
    rule = '[[consent_rules]]\ndemands = "record"\ntext = "agree"\n'
    words = "[words.languages]\n" + SOURCE + '[words.languages.words]\nde = "german"\n'
    data = acme("\n".join([LIMIT + SOURCE, rule + SOURCE, ERRORS + SOURCE, words]))
    where = {"source": "https://docs.acme.example", "since": "2026-11-30"}
    assert data.limits == (Limit(what="voice_seconds", minimum=3, **where),)
    assert data.consent_rules == (ConsentRule(demands="record", text="agree", **where),)
    assert data.codes == {"bad_key": AuthError}
    assert data.words("languages")["de"] == "german"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (LIMIT + "since = 2026-11-30", r"limits\.0 \(voice_seconds\): it has no source"),
        (LIMIT + 'source = ""\nsince = 2026-11-30', r"limits\.0 .*no source"),
        (LIMIT + 'source = "x"', r"limits\.0 \(voice_seconds\): `since` is no date"),
        (LIMIT + 'source = "x"\nsince = "yesterday"', r"limits\.0 .*`since` is no date"),
        (LIMIT + SOURCE + LIMIT, r"limits\.1 \(voice_seconds\): it has no source"),
        (LIMIT + SOURCE + "minimun = 3", r"limits\.0\.minimun \(voice_seconds\): Unexpected"),
        (LIMIT.replace("_seconds", "_colour") + SOURCE, r"limits\.0\.what \(voice_colour\)"),
        (ERRORS + "since = 2026-11-30", r"errors\.0 \(AuthError\): it has no source"),
        (ERRORS.replace("Auth", "Bad") + SOURCE, r"errors\.0\.raises \(BadError\): 'BadError'"),
        (ERRORS + SOURCE + ERRORS + SOURCE, "'bad_key' is listed twice"),
        ("[words.languages]\n" + SOURCE, r"words\.languages\.words: Field required"),
        ("[[limit]]\n", "limit: Extra inputs"),
        ("[[limits", "not valid TOML"),
    ],
)
def test_a_mistake_is_an_error_that_names_the_file_and_the_entry(acme, text, wanted):
    data = acme(text)
    with pytest.raises(ConfigError, match=wanted) as caught:
        _ = data.limits
    assert "acme.toml" in str(caught.value)


def test_a_missing_file_or_package_is_named():
    with pytest.raises(ConfigError, match=r"data/none\.toml of avatarkit\.providers"):
        _ = vendor_data("none").limits
    with pytest.raises(ConfigError, match=r"data/none\.toml of no_such_package"):
        _ = vendor_data("none", package="no_such_package").limits
    with pytest.raises(ConfigError, match="no package"):
        vendor_data("none", package=None)


def test_a_file_is_read_once(acme):
    data = acme(LIMIT + SOURCE)
    first = data.limits
    acme("")
    assert data.limits is first


@pytest.mark.slow
def test_an_import_of_an_adapter_reads_no_file():
    modules = [target.partition(":")[0] for name, target in BUILTIN.items() if name != "local"]
    code = f"""
import sys
sys.addaudithook(lambda event, args: event == "open" and str(args[0]).endswith(".toml") and exit(3))
import {", ".join(modules)}
"""
    subprocess.run([sys.executable, "-c", code], check=True)
